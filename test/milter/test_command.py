# The admin's command: what it tells about decisions, services, configuration and faults.
import os
import re
import signal
import time

from case import Skip, check, same
from command import Command, pretender
from dns_server import DnsServer
from instance import ROOT, wait_for
from mta import ask


def test_history_and_explain_show_a_refusal():
    with Command() as leumund:
        leumund.needs_redis()
        leumund.start()
        ask(leumund.socket, mail_from='x@own.example')
        found = leumund.refuse()
        check(wait_for(lambda: leumund('explain', found).status == 0, 5), 'explain does not know it')
        text = leumund('explain', found).out
        for word in (found, 'reject by envelope_owner', 'cp1001', '[SND20]', 'x@neighbour.example', 'section sender'):
            check(word in text, '%r is missing in:\n%s', word, text)
        lines = leumund('history', 'cp1001').out
        same(lines.count(found), 1, 'the id in ' + lines)
        check('    x@neighbour.example -> rcpt@remote.example\n' in lines, '%s', lines)
        listed = leumund('history', 'cp1001', '--json').json()['decisions']
        same([d['facts']['action'] for d in listed], ['reject', 'accept'])
        same(listed[0]['facts']['id'], found)
        same(len(leumund('history', 'cp1001', '--max', '1', '--json').json()['decisions']), 1)
        same(leumund('history', 'cp1001', '--since', '1h', '--json').json()['decisions'], listed)
        same(leumund('refusals', 'cp1001', '--json').json()['refusals'],
             [{'account': 'cp1001', 'rule': 'envelope_owner.reject', 'count': 1}])
        same(leumund('history', 'nobody-here').status, 1)
        same(leumund('explain', 'mww0f7nfq8kx8').status, 1)
        leumund.stop()


def test_explain_says_the_admins_own_words():
    with Command(leumund='\ttexts = {"SND20=ask the hotline about {about}"}') as leumund:
        leumund.needs_redis()
        leumund.start()
        found = leumund.refuse()
        check(wait_for(lambda: leumund('explain', found).status == 0, 5), 'explain does not know it')
        text = leumund('explain', found).out
        check('[SND20] ask the hotline about x@neighbour.example' in text, '%s', text)
        leumund.stop()


def test_status_shows_how_the_dns_does():
    server = DnsServer('own.example TXT "v=spf1 -all"\n')
    with Command() as leumund:
        leumund.write('30-dns.conf', 'egress {\n\taddresses = {"192.0.2.1"}\n}\n'
                      'dns {\n\tservers = "127.0.0.1:%d"\n}\nselfcheck {\n\tenable = true\n}\n' % server.port)
        leumund.start()
        ask(leumund.socket, mail_from='x@own.example')
        text = leumund('status').out
        check(re.search(r'^  dns +[1-9]\d* asked', text, re.M), '%s', text)
        leumund.stop()


def test_status_is_readable_by_people_and_programs():
    with Command() as leumund:
        leumund.start()
        leumund.refuse()
        text, listed = leumund('status').out, leumund('status', '--json').json()['services']
        same([s['service'] for s in listed], ['outbound'])
        same(listed[0]['pid'], leumund.pid('outbound'))
        check(re.search(r'sender +envelope_owner +reject +1\b', text), '%s', text)
        check('canary      refused' in text, '%s', text)
        leumund.stop()
        same(leumund('status').status, 1)
        check('DOES NOT ANSWER' in leumund('status').out, 'a service that is away')
        check('error' in leumund('status', '--json').json()['services'][0], 'a service that is away, in JSON')


def test_a_passed_canary_is_shown_loudly():
    with Command() as leumund, pretender(leumund.exim, b'{"service":"outbound","version":"0.1.0","canary":"PASSED"}\n'):
        answer = leumund('status')
        same(answer.status, 1)
        check('A FORGED MESSAGE WAS ACCEPTED' in answer.out, '%s', answer.out)
        check('A FORGED MESSAGE PASSED' in leumund('check').out, 'check does not say it')
        same(leumund('status', '--json').status, 1)


def test_an_answer_that_is_no_json_is_no_crash():
    for words in (b'', b'error unknown verb\n', b'{"service":\n', b'{' * 60000 + b'\n', b'x' * 100000 + b'\n',
                  b'{"a":"\xff\x1b[2J"}\n'):
        with Command() as leumund, pretender(leumund.exim, words):
            for command in (['status'], ['check'], ['status', '--json']):
                answer = leumund(*command)
                check(answer.status in (0, 1), '%r: status %d', words[:20], answer.status)
                check('\x1b' not in answer.out or '--json' in command, 'control characters reach the terminal')


WHO = (
    # words, status, what stands in the answer
    (['cp1001'], 0, ['is an account', 'own.example', 'shared.example']),
    (['CP1001'], 0, ['is an account']),
    (['x@own.example'], 0, ['belongs to account cp1001', 'outbound: accept']),
    (['deep.own.example'], 0, ['belongs to account cp1001', 'accept']),
    (['shared.example'], 0, ['cp1001 cp1002', 'accept']),
    (['own.example', '--as', 'cp1002'], 0, ['reject (sender.envelope_owner)', '550 5.7.1 [SND20]']),
    (['x@own.example', '--from', 'X <x@neighbour.example>'], 0, ['reject (sender.author_owner)']),
    (['x@own.example', '--from', '"ceo@bank.example" <x@own.example>'], 0, ['only observed: display_spoof']),
    (['cp1001@cp1server.example.com', '--as', 'cp1001'], 1, ['reject (sender.default_domain)']),
    (['x@b\u00fccher.example'], 0, ['belongs to account cp1001']),
    (['nobody.example'], 1, ['no account owns']),
    (['x@[192.0.2.1]'], 1, ['no domain that mail can be sent from']),
    (['a\x1b[2J@b.example'], 1, ['\\x1b']),
    (['%s%n@b.example'], 1, ['%s%n']),
    (['@'], 1, []), (['x' * 5000 + '@own.example'], 0, ['belongs to']),
)


def test_who_tells_owners_and_what_would_be_decided():
    with Command() as leumund:
        for words, status, expected in WHO:
            answer = leumund('who', *words)
            same(answer.status, status, '%r: %s' % (words[0][:40], answer.all))
            for word in expected:
                check(word in answer.out, '%r: %r is missing in\n%s', words, word, answer.out)
            check('\x1b' not in answer.out, 'control characters reach the terminal')
            check('(id ' not in answer.out, 'an id that is not recorded: %s', answer.out)
            answer = leumund('who', '--json', *words)
            same(answer.status, status)
            same(sorted(answer.json()), ['as', 'asked', 'decisions', 'domain', 'domains', 'login_of', 'owners'])


def test_check_finds_nothing_wrong_in_a_sound_instance():
    with Command() as leumund:
        leumund.needs_redis()
        leumund.start()
        answer = leumund('check')
        same(answer.status, 0, answer.out)
        check(not re.search('^fail', answer.out, re.M), '%s', answer.out)
        leumund.stop()


def test_check_finds_each_fault_and_says_what_to_do():
    def sockets_open(leumund):
        os.chmod(leumund.socket, 0o666)

    def run_open(leumund):
        os.chmod(leumund.run, 0o777)

    def conf_open(leumund):
        os.chmod(leumund.conf, 0o777)

    def no_domains(leumund):
        leumund.write(leumund.domains, '')

    def frozen(leumund):
        os.kill(leumund.pid('outbound'), signal.SIGSTOP)

    def dead(leumund):
        os.kill(leumund.pid('leumund'), signal.SIGKILL)
        os.kill(leumund.pid('outbound'), signal.SIGKILL)
        # it may still be ending
        wait_for(lambda: 'Connection refused' in leumund('status').out, 5)

    def conf_wrong(leumund):
        leumund.write('30-wrong.conf', 'sender { enbale = true }')

    def conf_pool(leumund):
        leumund.write('30-wrong.conf', 'egress {\n\tpool_of = {"cp1007: bulk"}\n}\n')

    def egress_missing(leumund):
        leumund.write('30-wrong.conf', 'selfcheck { enable = true }')

    for damage, words in ((sockets_open, 'socket outbound.sock has mode 0666'), (run_open, 'has mode 0777'),
                          (conf_open, 'anybody may write'), (conf_wrong, '30-wrong.conf:1: '),
                          (conf_pool, "30-wrong.conf:2: option 'pool_of' in section 'egress': 'cp1007: bulk': pools has no"),
                          (egress_missing, "selfcheck: write egress { addresses"),
                          (no_domains, 'the directory is empty'),
                          (frozen, 'does not answer: Connection timed out'),
                          (dead, 'does not answer: Connection refused')):
        with Command() as leumund:
            leumund.start()
            damage(leumund)
            answer = leumund('check')
            same(answer.status, 78 if 'conf' in damage.__name__ else 1, damage.__name__)
            found = re.search(r'^fail .*%s.*->' % re.escape(words), answer.out.replace('\n      ', ' '), re.M)
            check(found, '%s: no "fail ... %s ... -> ..." in\n%s', damage.__name__, words, answer.out)


def test_check_warns_of_missing_default_domains():
    with Command(sender='') as leumund:
        check(re.search(r'^warn  default_domains is empty', leumund('check').out, re.M), 'no warning')


def test_config_names_where_a_value_comes_from():
    with Command() as leumund:
        text = leumund('config', 'sender').out
        check(re.search(r'^sender\.enable = true +# .*20-sender\.conf:2$', text, re.M), '%s', text)
        check(re.search(r'^sender\.own_subdomains = true +# default$', text, re.M), '%s', text)
        same(leumund('config', '--json').json()['sender']['enable']['value'], True)
        answer = leumund('config', 'sendr')
        same(answer.status, 64)
        check('did you mean sender?' in answer.err, '%r', answer.err)


def test_shipped_configuration_holds_every_option_with_its_default():
    shipped = os.path.join(ROOT, 'conf.d')
    with Command() as leumund:
        for name, sections in (('00-leumund.conf', ('leumund', 'identity', 'store', 'egress', 'dns', 'notice')),
                               ('10-provider.conf', ('provider',)), ('15-reputation.conf', ('reputation',)),
                               ('20-sender.conf', ('sender',)),
                               ('30-recipient.conf', ('recipient',)), ('40-spf.conf', ('spf',)),
                               ('70-learn.conf', ('learn',))):
            with open(os.path.join(shipped, name)) as f:
                text = re.sub(r'^\t(enable|service) = .*$', lambda found: '\t#' + found.group(1), f.read(), flags=re.M)
            text = re.sub(r'^\tgroups = \{\n.*?^\t\}$', '\t#groups = {}', text, flags=re.M | re.S)
            for section in sections:
                sample = re.sub(r'^\t#(enable|service) = .*$', lambda found: '\t#' + found.group(1),
                                leumund('sample', section, place=False).out, flags=re.M)
                check(sample in text, 'section %s of conf.d/%s is not what `leumund sample %s` prints', section, name,
                      section)
        answer = leumund('-c', shipped, 'config', '--json', place=False)
        same(answer.status, 0, answer.err)
        same([(s, o) for s, options in answer.json().items() for o, v in options.items() if v['from'] != 'default'],
             [('provider', 'groups'), ('learn', 'enable')] + [(section, option) for section in ('sender', 'recipient', 'spf', 'selfcheck',
                                                                                          'signup')
                                         for option in ('enable', 'service')])


def test_mta_prints_the_sockets_of_the_run_directory():
    with Command() as leumund:
        for mta, name in (('postfix', 'outbound.sock'), ('sendmail', 'outbound.sock'), ('exim', 'outbound.exim.sock')):
            answer = leumund('mta', mta)
            same(answer.status, 0)
            check(os.path.join(leumund.run, name) in answer.out, '%s: %s', mta, answer.out)
        same(leumund('mta', 'qmail').status, 64)


WRONG = (
    # words, status, what stands in the answer
    (['statsu'], 64, "did you mean 'status'"), (['xyzzy'], 64, 'lists them'), (['--nonsense'], 64, 'nonsense'),
    (['\x1b[2J'], 64, '\\x1b'),
    (['explain'], 64, "'explain' needs ID"), (['history'], 64, "'history' needs ACCOUNT"),
    (['status', 'x'], 64, "'status' takes no 'x'"), (['status', '\x1b'], 64, "takes no '\\x1b'"),
    (['status', '--detach'], 64, "'status' takes no --detach"), (['check', '--json'], 64, "'check' takes no --json"),
    (['who', ''], 64, 'an empty word'), (['who', 'own.example', '--as', ''], 64, '--as: its value is empty'),
    (['-c', '', 'status'], 64, '--config: its value is empty'), (['-c'], 64, '`leumund help` lists'),
    (['explain', 'ABC'], 64, '13 characters'), (['history', 'a', '--since', '5'], 64, 'such as 24h'),
    (['history', 'a', '--max', '0'], 64, 'from 1 to'), (['run', 'one'], 64, 'both'),
    (['mta', 'Postfix'], 64, "did you mean 'postfix'"), (['mta', 'qmail'], 64, 'postfix, sendmail and exim'),
    (['-c', '/nonexistent', 'config'], 78, 'name it with -c'),
    (['-c', '/etc/passwd', 'config'], 78, 'name the directory that holds the files'),
    (['-c', '/nonexistent', 'check'], 78, 'fail  no configuration is there'),
)

RIGHT = (([], 'usage: leumund '), (['help'], 'usage: leumund '), (['-h'], 'usage: leumund '),
         (['--version'], 'leumund 0'), (['-V'], 'leumund 0'), (['history', '--help'], '--since'),
         (['help', 'history'], '--since'))


def test_mta_notes_a_group_that_is_not_the_mtas():
    for group, mta, noted in (('', 'exim', True), ('postfix', 'exim', True), ('Debian-exim', 'exim', False),
                              ('mail', 'exim', False), ('mail', 'postfix', True), ('postfix', 'postfix', False)):
        with Command('socket_group = "%s"' % group) as leumund:
            same('NOTE: conf.d now says socket_group' in leumund('mta', mta).out, noted, '%s for %s' % (group, mta))


def test_a_wrong_call_is_told_what_is_wrong():
    with Command() as leumund:
        for words, status, expected in WRONG:
            answer = leumund(*words, place=False)
            same(answer.status, status, '%r' % words)
            check(expected in answer.all and '\x1b' not in answer.all, '%r: %r is missing in %r', words, expected,
                  answer.all)


def test_help_and_version_are_found_where_they_are_looked_for():
    with Command() as leumund:
        for words, expected in RIGHT:
            answer = leumund(*words, place=False)
            same((answer.status, answer.err), (0, ''), '%r' % words)
            check(expected in answer.out, '%r: %r is missing in %r', words, expected, answer.out)


def test_where_nothing_runs_each_command_says_so_and_what_to_do():
    with Command() as leumund:
        for made in (False, True):
            if made:
                os.mkdir(leumund.run, 0o750)
            for words, status in ((['history', 'cp1001'], 69), (['refusals'], 69), (['stop'], 1 if made else 69),
                                  (['reload'], 69), (['restart'], 69), (['status'], 1 if made else 69)):
                answer = leumund(*words)
                same(answer.status, status, '%r: %s' % (words, answer.all))
                check(leumund.run in answer.all or words == ['status'], '%r does not say where: %s', words, answer.all)
                check('leumund run' in answer.all or 'leumund check' in answer.all, '%r: no remedy: %s', words,
                      answer.all)


def test_a_closed_pipe_or_a_full_disk_is_no_success():
    with Command() as leumund:
        for words in (['config'], ['mta', 'exim'], ['check'], ['help']):
            with open('/dev/full', 'w', encoding='ascii') as full:
                answer = leumund(*words, out=full)
            same(answer.status, 74, '%r' % words)


def test_each_finding_of_check_says_what_to_do():
    with Command(sender='') as leumund:
        leumund.write('90-store.conf', 'store { server = "/nonexistent/redis-server" }')
        leumund.write(leumund.domains, '')
        for started in (False, True):
            if started:
                leumund.start()
            text = leumund('check').out.replace('\n      ', ' ')
            for line in text.rstrip('\n').split('\n')[:-1]:
                check(re.match(r'ok    (?!.*->)|(warn|fail)  .* -> \S', line), '%r', line)
        leumund.stop()


def test_a_domains_file_that_may_not_be_read_is_not_blamed_on_the_panel():
    if os.geteuid() != 0:
        raise Skip('needs root for a second user')
    with Command() as leumund:
        os.chmod(leumund.domains, 0o600)
        leumund.user = 65534
        text = leumund('check').out.replace('\n      ', ' ')
        check(re.search(r'warn  \S*userdomains: Permission denied.* -> let the user leumund read it', text), '%s', text)


def test_a_service_that_cannot_read_the_domains_is_found_by_root_who_can():
    known = b'{"service":"outbound","version":"0.1.0","domains":%d,"canary":"refused","store":{"state":"up"}}\n'
    for count, expected in ((0, True), (4, False)):
        with Command() as leumund, pretender(leumund.exim, known % count):
            text = leumund('check').out.replace('\n      ', ' ')
            same(bool(re.search(r'fail  outbound: knows no domain, .* -> let its user read', text)), expected, text)


def test_lost_log_lines_are_found_and_the_remedy_fits_the_log():
    known = b'{"service":"outbound","version":"0.1.0","log_lines_lost":%d,"canary":"refused","store":{"state":"up"}}\n'
    for log, count, remedy in (('syslog', 5, '/dev/log'), ('stderr', 5, 'make room'), ('syslog', 0, None)):
        with Command() as leumund, pretender(leumund.exim, known % count):
            leumund.write('90-log.conf', 'leumund { log = %s }' % log)
            text = leumund('check').out.replace('\n      ', ' ')
            found = re.search(r'warn  outbound: 5 lines of its log were lost.* -> (.*)', text)
            same(bool(found), bool(remedy), text)
            check(not remedy or remedy in found.group(1), '%s', text)


def test_the_configuration_that_install_shows_is_understood():
    with open(os.path.join(ROOT, 'INSTALL'), encoding='utf-8') as f:
        text = f.read()
    shown = re.search(r'\n(    leumund \{.*?\n    \}\n)What', text, re.S).group(1)
    with Command() as leumund:
        leumund.write('90-local.conf', shown)
        answer = leumund('config', '--json')
        same((answer.status, answer.err), (0, ''))
        same(answer.json()['sender']['author_owner']['value'], 'observe')


def test_narrow_terminals_get_narrow_lines():
    with Command() as leumund:
        leumund.environment['COLUMNS'] = '50'
        for line in leumund('check').out.split('\n'):
            check(len(line) <= 50 or leumund.home in line, '%d columns: %s', len(line), line)


def test_output_fits_80_columns():
    with Command() as leumund:
        leumund.start()
        found = leumund.refuse()
        time.sleep(0.3)
        for words in ([], ['status'], ['explain', found], ['history', 'cp1001'], ['refusals'],
                      ['who', 'neighbour.example', '--as', 'cp1001'], ['history', '--help'], ['who', '--help']):
            for line in leumund(*words).out.split('\n'):
                check(len(line) <= 80 or leumund.home in line, '%r: %d columns: %s', words, len(line), line)
        leumund.stop()
