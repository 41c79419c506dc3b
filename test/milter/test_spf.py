# The milter `spf`: what becomes of mail from elsewhere by what the DNS says, with a name server of our own.
import contextlib
import json
import re
import subprocess

import exim
from case import check, same
from command import LEUMUND, Answer
from dns_server import DnsServer
from instance import SLOW, Instance, Redis, wait_for
from mta import Message, Mta, ask

ZONE = r'''
pass.test TXT "v=spf1 ip4:192.0.2.0/24 ip6:2001:db8::/32 -all"
fail.test TXT "v=spf1 ip4:198.51.100.0/24 -all exp=why.test"
why.test TXT "%{i} is no \"server\" of ours"
long.test TXT "v=spf1 -all exp=longwhy.test"
longwhy.test TXT "word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word"
softfail.test TXT "v=spf1 ~all"
neutral.test TXT "v=spf1 ?all"
none.test A 192.0.2.1
broken.test TXT "v=spf1 ip4:192.0.2.0/33 -all"
servfail.test MODE servfail
silent.test MODE silent
slow.test TXT "v=spf1 -all"
slow.test MODE slow 0.4
'''
EXPLAINED = r'''
plain.test TXT "v=spf1 -all"
percent.test TXT "v=spf1 -all exp=why.percent.test"
why.percent.test TXT "100%% no: see http://%{d}/?a%%20b"
longest.test TXT "v=spf1 -all exp=why.longest.test"
why.longest.test TXT "''' + 'word ' * 50 + '" "' + 'words ' * 50 + '''"
'''
ALL_RESULTS = {'pass.test': 'pass', 'fail.test': 'fail', 'softfail.test': 'softfail', 'neutral.test': 'neutral',
               'none.test': 'none', 'missing.test': 'none', 'broken.test': 'permerror', 'servfail.test': 'temperror'}
# helo is judged too: one that says nothing
HELO = 'none.test'


def section(server, options):
    return 'dns {\n\tservers = "127.0.0.1:%d"\n}\nspf {\n\tenable = true\n%s\n}\n' % (server.port, options)


@contextlib.contextmanager
def filtering(options='', leumund='', more='', zone=ZONE):
    server = DnsServer(zone)
    conf = {'40-spf.conf': section(server, options), '41-more.conf': more}
    with Instance(service='inbound', leumund=leumund, conf=conf) as milter:
        milter.dns = server
        yield milter


def sent(milter, mail_from, client='192.0.2.1', helo=HELO, **fields):
    fields.setdefault('auth_user', None)
    with Mta(milter.socket) as mta:
        mta.open(client, helo=helo)
        return mta.message(Message(mail_from=mail_from, header_from='x@elsewhere.example', **fields))


def leumund(milter, *words):
    return Answer(subprocess.run([LEUMUND, '-c', milter.conf, '-r', milter.run, *words], stdin=subprocess.DEVNULL,
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=30 * SLOW, check=False))


def test_fail_is_refused_and_all_else_passes_by_default():
    with filtering() as milter:
        for domain, result in ALL_RESULTS.items():
            answer = sent(milter, 'a@' + domain)
            same(answer.verdict, 'reject' if result == 'fail' else 'accept', domain)
        reply = sent(milter, 'a@fail.test').reply
        same((reply.code, reply.dsn), ('550', '5.7.23'))
        check(reply.text.startswith('[SPF10] the SPF record of a@fail.test forbids 192.0.2.1 '), reply.text)
        check("; that domain says: \"192.0.2.1 is no 'server' of ours\" (id " in reply.text, reply.text)
        same(sent(milter, 'a@pass.test', client='2001:db8::1').verdict, 'accept')
        same(sent(milter, 'a@pass.test', client='2001:db9::1').verdict, 'reject')
        same(sent(milter, 'a@pass.test', client='::ffff:192.0.2.1').verdict, 'accept')
        lines = milter.wait_log(r'rule=mail_from_fail action=reject code=SPF10 dsn=5\.7\.23 about=a@fail\.test ')
        check('client=192.0.2.1' in lines[0] and 'path=remote' in lines[0], lines[0])
        for result in ('softfail', 'permerror', 'temperror'):
            milter.wait_log(r'action=accept observed=mail_from_%s ' % result)
        check(not milter.log_lines(r'observed=\S*(none|neutral|pass)'), 'no objection is none: %s', milter.log())


def test_each_result_of_each_identity_does_what_its_option_says():
    codes = {'fail': (0, '5.7.23', '4.7.23'), 'softfail': (1, '5.7.23', '4.7.23'), 'neutral': (2, '5.7.1', '4.7.1'),
             'none': (3, '5.7.1', '4.7.1'), 'temperror': (4, '5.7.24', '4.4.3'), 'permerror': (5, '5.7.24', '4.7.24')}
    server = DnsServer(ZONE)
    for action, code, dsn in (('reject', '550', 1), ('defer', '451', 2), ('mark', '', 0), ('off', '', 0)):
        for identity, number in (('mail_from', 10), ('helo', 20)):
            options = ''.join('%s_%s = %s\n' % (identity, result, action) for result in codes)
            options += ''.join('%s_%s = off\n' % ('helo' if number == 10 else 'mail_from', result)
                               for result in ['pass', *codes])
            with Instance(service='inbound', conf={'40-spf.conf': section(server, options)}) as milter:
                for domain, result in ALL_RESULTS.items():
                    about = '%s %s %s %s' % (identity, domain, result, action)
                    if identity == 'mail_from':
                        answer = sent(milter, 'a@' + domain)
                    else:
                        answer = sent(milter, 'a@fail.test', helo=domain)
                    if result == 'pass' or not code:
                        same(answer.verdict, 'accept', about)
                        continue
                    same((answer.reply.code, answer.reply.dsn), (code, codes[result][dsn]), about)
                    check('[SPF%d] ' % (number + codes[result][0]) in answer.reply.text, '%s: %r', about, answer)
                if action == 'off':
                    check(not milter.log_lines('observed='), milter.log())


def test_an_explanation_is_shortened_and_can_be_left_out():
    with filtering() as milter:
        text = sent(milter, 'a@long.test').reply.text
        check(re.search(r'; that domain says: "(word ?)+\w*\.\.\." \(id \w+\)$', text), text)
        check(len(text) < 490, '%d: %s', len(text), text)
    with filtering('explanation = off') as milter:
        check('says' not in sent(milter, 'a@long.test').reply.text, 'the explanation is shown')
        same(milter.dns.queries('longwhy.test'), 0)


def test_an_explanation_can_stand_alone():
    options = 'explanation = alone\nmail_from_softfail = reject\nmail_from_none = reject'
    with filtering(options, leumund='url = "https://help.example/"', zone=ZONE + EXPLAINED) as milter:
        reply = sent(milter, 'a@fail.test').reply
        same((reply.code, reply.dsn, reply.text), ('550', '5.7.23', '192.0.2.1 is no "server" of ours'))
        same(sent(milter, 'a@percent.test').reply.text, '100% no: see http://percent.test/?a%20b')
        longest = sent(milter, 'a@longest.test').reply.text
        check(re.fullmatch(r'(words? ?){80,}\w*\.\.\.', longest) and len(longest) < 490, longest)
        # where the domain says nothing, our words, also alone
        same(sent(milter, 'a@plain.test').reply.text[:53], 'the SPF record of a@plain.test forbids 192.0.2.1 to s')
        check('(id ' not in sent(milter, 'a@plain.test').reply.text, 'not alone')
        # only a fail is explained by the domain
        for domain, code in (('softfail.test', 'SPF11'), ('none.test', 'SPF13')):
            text = sent(milter, 'a@' + domain).reply.text
            check(text.startswith('[%s] ' % code) and text.endswith(' https://help.example/'), text)
        # code and id are known all the same
        line = milter.wait_log(r'rule=mail_from_fail action=reject code=SPF10 .*about=a@fail\.test ')[0]
        check(re.search(r' id=\w+', line), line)


def test_the_null_sender_is_postmaster_of_helo():
    with filtering() as milter:
        reply = sent(milter, '', helo='fail.test').reply
        check('[SPF10] the SPF record of postmaster@fail.test ' in reply.text, reply.text)
        same(sent(milter, '', helo='pass.test').verdict, 'accept')
        same(sent(milter, '', helo='[192.0.2.1]').verdict, 'accept')
        same(sent(milter, 'a@pass.test', helo='fail.test').verdict, 'accept', 'HELO only marks')
        milter.wait_log('action=accept observed=helo_fail ')


def test_own_clients_are_not_judged():
    with filtering('exempt_networks = {"203.0.113.0/24: backup MX", "2001:db8:1::/48 until 2020-01-31: over"}') as milter:
        same(sent(milter, 'a@fail.test', auth_user='cp1001').verdict, 'accept', 'with SMTP AUTH')
        same(sent(milter, 'a@fail.test', client='127.0.0.1').verdict, 'accept', 'from this host')
        same(sent(milter, 'a@fail.test', client='203.0.113.7').verdict, 'accept', 'from a relay of ours')
        same(sent(milter, 'a@fail.test', client=None).verdict, 'accept', 'from no address')
        same(milter.dns.queries('fail.test'), 0, 'asked for')
        same(sent(milter, 'a@fail.test', client='2001:db8:1::1').verdict, 'reject', 'an exemption that is over')


def test_messages_of_one_session_are_judged_each():
    with filtering() as milter, Mta(milter.socket) as mta:
        mta.open('192.0.2.1', helo=HELO)
        for _ in range(20):
            for domain, result in ALL_RESULTS.items():
                found = mta.message(Message(mail_from='a@' + domain, auth_user=None))
                same(found.verdict, 'reject' if result == 'fail' else 'accept', domain)
        for _ in range(50):  # given up in the middle
            mta.event('M', b'<a@silent.test>\0')
            mta.abort()
        two = mta.message(Message(mail_from='a@fail.test', auth_user=None, rcpt_to=['a@own.example', 'b@own.example']))
        same(two.rcpt, ['reject', 'reject'])


def test_what_only_marks_is_waited_for_at_the_end():
    with filtering('mail_from_fail = mark') as milter:
        with Mta(milter.socket) as mta:
            mta.open('192.0.2.1', helo=HELO)
            mta.message(Message(mail_from='a@slow.test', auth_user=None))
            check(mta.waits[0] < 0.2 < mta.waits[-1] < 0.4 + 0.3 * SLOW, 'waits: %r', mta.waits)
        milter.wait_log('observed=mail_from_fail ')


def test_a_reload_keeps_what_the_dns_said():
    with filtering() as milter:
        sent(milter, 'a@pass.test')
        asked = milter.dns.queries('pass.test')
        milter.write('40-spf.conf', section(milter.dns, 'mail_from_pass = off\nmail_from_fail = mark'))
        milter.reload()
        same(sent(milter, 'a@pass.test').verdict, 'accept')
        same(sent(milter, 'a@fail.test').verdict, 'accept', 'by the new configuration')
        same(milter.dns.queries('pass.test'), asked)


def test_exim_hears_the_same():
    with filtering() as milter:
        def asked(verb, domain, **more):
            return exim.ask(milter.exim, verb, client_addr='192.0.2.1', client_port='40000', helo=HELO,
                            mail_from='a@' + domain, **more)
        answer = asked('rcpt', 'fail.test', rcpt_to='x@own.example')
        check(answer.startswith('550 5.7.23 [SPF10] the SPF record of a@fail.test '), answer)
        same(asked('rcpt', 'pass.test', rcpt_to='x@own.example'), 'accept')
        same(asked('rcpt', 'fail.test', rcpt_to='x@own.example', auth_user='cp1001', auth_type='plain'), 'accept')
        answer = asked('data', 'fail.test', recipients='x@own.example', headers='From: a@b\n\n')
        check(answer.startswith('550 5.7.23 [SPF10] '), answer)


def exim_asked(milter, mail_from, headers, verb='data', **more):
    more = dict({'client_addr': '192.0.2.1', 'client_port': '40000', 'helo': HELO, 'recipients': 'x@own.example'}, **more)
    return exim.ask(milter.exim, verb, mail_from=mail_from, headers=headers, **more)


def test_exim_is_told_the_header_when_it_can_change_it():
    ours = ':at_start:Authentication-Results: mx.own.example;\n\tspf=pass smtp.mailfrom=a@pass.test;\n\tspf=none smtp.helo=none.test'
    forged = 'Authentication-Results: mx.own.example; spf=pass\n'
    others = 'authentication-results: one.example;\n\tnone\nX-Other: x\nAuthentication-Results:two.example; ${run{x}}\n'
    with filtering('authserv_id = "mx.own.example"') as milter:
        plain = 'From: a@b\n' + others + '\n'
        same(exim_asked(milter, 'a@pass.test', plain), 'accept', 'of lines of before')
        milter.wait_log("Exim's lines are of an older version .*leumund mta exim")
        same(exim_asked(milter, 'a@pass.test', plain), 'accept')
        same(len(milter.log_lines('older version')), 1, 'said once')
        check('2 messages were not changed or put off' in ' '.join(leumund(milter, 'check').out.split()), 'not told')
        same(exim.changes(exim_asked(milter, 'a@pass.test', plain, header_changes='1')), ('accept', [], [ours], ''))
        found = exim.changes(exim_asked(milter, 'a@pass.test', forged + plain, header_changes='1'))
        same(found, ('accept', ['Authentication-Results'],
                     [':after_received:Authentication-Results:two.example; ${run{x}}',
                      ':after_received:authentication-results: one.example;\n\tnone', ours], ''))
        found = exim.changes(exim_asked(milter, 'a@own.example', forged + 'From: a@own.example\n\n', 'data', header_changes='1',
                                        auth_user='cp1001', auth_type='plain'))
        same(found, ('accept', ['Authentication-Results'], [], ''), 'of a customer')
        check(exim_asked(milter, 'a@fail.test', forged + plain, header_changes='1').startswith('550 5.7.23 [SPF10] '), 'refused')
        same(exim_asked(milter, 'a@pass.test', '', 'rcpt', header_changes='1', rcpt_to='x@own.example'), 'accept')
        found = exim_asked(milter, 'a@pass.test', 'Authentication-Results\n : mx.own.example; spf=pass\n' + plain, header_changes='1')
        check(found.startswith('451 4.3.0 [LEU00] '), found)


def test_exim_is_told_a_header_of_any_size():
    forged = 'Authentication-Results: mx.own.example; spf=pass\n'
    with filtering('authserv_id = "mx.own.example"') as milter:
        for count, size in ((1, 16000), (60, 900), (900, 30), (500, 60)):
            others = ['Authentication-Results: n%d.example; %s' % (n, 'x' * size) for n in range(count)]
            text = '\n'.join(['From: a@b', *others, forged])
            verdict, names, lines, _ = exim.changes(exim_asked(milter, 'a@pass.test', text, header_changes='1'))
            same((verdict, names), ('accept', ['Authentication-Results']))
            same(lines[:-1], [':after_received:' + line for line in others[::-1]], '%d of %d' % (count, size))
        check(exim_asked(milter, 'a@pass.test', forged * 1001, header_changes='1').startswith('451 '), 'too many')
        # more than Exim shows: what is behind might be forged
        shown = ('From: a@b\nAuthentication-Results: one.example; none\n' + 'X-Filler: %s\n' % ('x' * 900) * 80)[:65536]
        _, names, lines, _ = exim.changes(exim_asked(milter, 'a@pass.test', shown, header_changes='1'))
        same((names, lines[0]), (['Authentication-Results'], ':after_received:Authentication-Results: one.example; none'))
        shown = shown[:65536 - 40] + '\nAuthentication-Results: mx.own.example; spf=pass'[:40]
        _, names, lines, _ = exim.changes(exim_asked(milter, 'a@pass.test', shown, header_changes='1'))
        same((names, len(lines)), (['Authentication-Results'], 2), 'the last is cut')


def test_exim_is_told_the_header_of_what_it_shall_hold():
    spf = section(DnsServer(ZONE), 'service = "outbound"\nauthserv_id = "mx.own.example"')
    with Instance('display_spoof = hold', conf={'40-spf.conf': spf}) as milter:
        text = 'Authentication-Results: mx.own.example; spf=pass\nFrom: "ceo@bank.example" <a@own.example>\n\n'
        for key, found in (('', ('hold', [], [])), ('1', ('hold', ['Authentication-Results'], []))):
            verdict, names, lines, rest = exim.changes(exim_asked(milter, 'a@own.example', text, header_changes=key, auth_user='cp1001',
                                                                  auth_type='plain'))
            same((verdict.split(' ')[0], names, lines), found)
            check((rest or verdict[5:]).startswith('[SND'), '%r %r', verdict, rest)


def test_a_wrong_option_is_refused_by_name():
    with Instance() as other:
        other.service = 'inbound'
        for option, line in (('authserv_id', 'authserv_id = "a b"'),
                             ('exempt_spf', 'exempt_spf = {%s}' % ', '.join('"d%d.test: x"' % i for i in range(9))),
                             ('exempt_spf', 'exempt_spf = {"192.0.2.1/32: x"}')):
            other.write('40-spf.conf', 'spf {\n\tenable = true\n\t%s\n}\n' % line)
            status, said = other.refused()
            check(status == 78 and option in said, '%s: %d: %s', line, status, said)


def test_a_name_is_no_dns_server():
    with Instance() as other:
        other.service = 'inbound'
        other.write('40-spf.conf', 'dns {\n\tservers = "ns.example"\n}\nspf {\n\tenable = true\n}\n')
        status, said = other.refused()
        check(status == 78 and '40-spf.conf:2' in said and 'addresses apart by commas' in said, '%d: %s', status, said)


def test_an_inbound_service_needs_no_canary():
    with filtering(leumund='\tcanary_every = 5m') as milter:
        check(not milter.log_lines('canary'), milter.log())
        same(json.loads(exim.ask(milter.exim, 'status'))['canary'], 'not needed')


def fields(result):
    """What was added, by name, and the numbers of those that were removed."""
    added, removed = {}, []
    for letter, data in result.changes:
        number = int.from_bytes(data[:4], 'big')
        name, value = data[4:].rstrip(b'\0').decode().partition('\0')[::2]
        if letter == 'i':
            same(number, 0, 'the place of ' + name)
            added.setdefault(name, []).append(value)
        elif letter == 'm':
            same((name, value), ('Authentication-Results', ''))
            removed.append(number)
    return added, removed


def results(result):
    return fields(result)[0].get('Authentication-Results', [''])[0]


def test_results_are_added_under_our_name():
    with filtering('authserv_id = "mx.own.example"\nmail_from_fail = mark') as milter:
        for domain, result in ALL_RESULTS.items():
            found = results(sent(milter, 'a@' + domain))
            check(found.startswith('mx.own.example;\n\tspf=' + result), '%s: %r', domain, found)
            check(found.endswith(' smtp.mailfrom=a@%s;\n\tspf=none smtp.helo=none.test' % domain), '%s: %r', domain, found)
        check('spf=permerror reason="' in results(sent(milter, 'a@broken.test')), 'no reason')
        found = results(sent(milter, '', helo='pass.test'))
        same(found, 'mx.own.example;\n\tspf=pass smtp.mailfrom=postmaster@pass.test')
        found = results(sent(milter, '"a b\\"; dkim=pass"@pass.test', helo='[192.0.2.1]; dmarc=pass\n x'))
        same(found, 'mx.own.example;\n\tspf=pass smtp.mailfrom="\\"a b\\\\\\"; dkim=pass\\"@pass.test";\n\t'
             'spf=none smtp.helo="[192.0.2.1]; dmarc=pass? x"')
    with filtering('mail_from_none = off\nhelo_none = off') as milter:
        same(sent(milter, 'a@none.test').changes, [])


def test_received_spf_is_an_option():
    with filtering('authserv_id = "mx.own.example"\nreceived_spf = true') as milter:
        same(fields(sent(milter, 'a@pass.test'))[0]['Received-SPF'],
             ['pass client-ip=192.0.2.1;\n\tenvelope-from=a@pass.test;\n\thelo=none.test;\n\treceiver=mx.own.example;\n\t'
              'identity=mailfrom',
              'none client-ip=192.0.2.1;\n\tenvelope-from=a@pass.test;\n\thelo=none.test;\n\treceiver=mx.own.example;\n\t'
              'identity=helo'])
    with filtering() as milter:
        check('Received-SPF' not in fields(sent(milter, 'a@pass.test'))[0], 'it is added by default')


def test_forged_results_are_removed_and_those_of_others_kept():
    forged = ['mx.own.example; spf=pass', 'MX.Own.Example 1; spf=pass', '"mx.own.example"; spf=pass',
              '(c (d) \\) e) mx.own.example(x); none', '\n\tmx.own.example\n\t; spf=pass', '"m\\x.own.example" ;', '', ';x']
    kept = ['mx.other.example; spf=pass', 'mx.own.example.org; spf=pass', 'own.example; spf=pass', 'mx.own.exampl;',
            '(mx.own.example) other.example; none']
    headers = [('From', 'x@elsewhere.example')]
    for pair in zip(kept, forged):
        headers += [('authentication-RESULTS', pair[0]), ('X-Other', 'x'), ('Authentication-Results', pair[1])]
    headers += [('Authentication-Results', value) for value in forged[len(kept):]]
    numbers = [2, 4, 6, 8, 10, 11, 12, 13]
    with filtering('authserv_id = "mx.own.example"\nexempt_networks = {"203.0.113.0/24: backup MX"}') as milter:
        added, removed = fields(sent(milter, 'a@pass.test', headers=headers))
        same(removed, numbers[::-1], 'the last first')
        check(added['Authentication-Results'][0].startswith('mx.own.example;\n\tspf=pass '), added)
        for about, fields_of in (('a customer', {'auth_user': 'cp1001'}), ('a script', {'client': '127.0.0.1'})):
            added, removed = fields(sent(milter, 'a@own.example', headers=headers, **fields_of))
            same((added, removed), ({}, numbers[::-1]), about)
        same(sent(milter, 'a@own.example', client='203.0.113.1', headers=headers).changes, [], 'a relay of ours')
        with Mta(milter.socket) as mta:  # several messages on a session
            mta.open('192.0.2.1', helo=HELO)
            for _ in range(20):
                same(fields(mta.message(Message('a@pass.test', auth_user=None, headers=headers)))[1], numbers[::-1])
                same(fields(mta.message(Message('a@pass.test', auth_user=None)))[1], [])


def test_changes_are_asked_for_only_by_who_makes_them():
    with filtering() as milter, Mta(milter.socket) as mta:
        mta.negotiate()
        same(mta.actions, 0x1 | 0x10 | 0x20 | 0x100)
    with Instance() as milter, Mta(milter.socket) as mta:
        mta.negotiate()
        same(mta.actions, 0x20 | 0x100)


def test_an_mta_that_lets_no_header_be_changed_is_served():
    with filtering() as milter, Mta(milter.socket, actions=0x20) as mta:
        mta.open('192.0.2.1', helo=HELO)
        found = mta.message(Message('a@pass.test', auth_user=None))
        same((found.verdict, found.changes), ('accept', []))
        milter.wait_log('lets no milter change header fields')


def test_some_domains_have_rules_of_their_own():
    with filtering('mail_from_none = reject\noverrides = {"softfail.test  softfail=reject", "none.test none=mark", '
                   '"*.test fail=mark temperror=defer neutral=off", "fail.test fail=reject"}') as milter:
        for domain, verdict in (('softfail.test', 'reject'), ('none.test', 'accept'), ('fail.test', 'accept'),
                                ('missing.test', 'reject'), ('servfail.test', 'tempfail'), ('pass.test', 'accept')):
            same(sent(milter, 'a@' + domain, helo='pass.test').verdict, verdict, domain)
        found = results(sent(milter, 'a@neutral.test', helo='pass.test'))
        check('mailfrom' not in found and 'spf=pass smtp.helo=pass.test' in found, found)
        same(sent(milter, 'a@pass.test', helo='softfail.test').verdict, 'reject', 'of HELO')
    for value in ('softfail.test', 'softfail.test fail', 'softfail.test fial=mark', 'x@softfail.test fail=mark',
                  'softfail.test fail=observe', 'softfail.test pass=reject', '', '[ fail=mark'):
        with Instance() as other:
            other.write('40-spf.conf', 'spf {\n\toverrides = {"%s"}\n}\n' % value)
            status, said = other.refused()
            check(status == 78 and '40-spf.conf:2' in said, '%r: %d: %s', value, status, said)


def test_recipients_of_a_forwarder_are_refused_nothing():
    with filtering('exempt_recipients = {"forwarded@own.example: old provider", "*.gone.example until 2020-01-31: over"}'
                   ) as milter:
        found = sent(milter, 'a@fail.test', rcpt_to=['b@own.example', 'Forwarded@OWN.example', 'x@gone.example'])
        same((found.verdict, found.rcpt), ('accept', ['reject', 'continue', 'reject']))
        check(results(found).split(';')[1].strip() == 'spf=fail smtp.mailfrom=a@fail.test', found)
        milter.wait_log('action=accept observed=mail_from_fail ')
        same(exim.ask(milter.exim, 'data', client_addr='192.0.2.1', client_port='40000', helo=HELO, mail_from='a@fail.test',
                      recipients='forwarded@own.example', headers='From: a@b\n\n'), 'accept')


def test_relays_are_known_by_the_spf_record_of_their_domain():
    with filtering('exempt_spf = {"softfail.test: nobody", "filter.test until 2020-01-31: over", "pass.test: our filter"}'
                   ) as milter:
        found = sent(milter, 'a@fail.test', client='192.0.2.9',
                     headers=[('Authentication-Results', 'mx.own.example; spf=pass')])
        same((found.verdict, found.changes), ('accept', []))
        same(sent(milter, 'a@fail.test', client='203.0.113.9').verdict, 'reject')
        check(not milter.log_lines('observed=mail_from_fail'), 'judged')
    with filtering('timeout = 1s\nexempt_spf = {"servfail.test: our filter"}') as milter:
        reply = sent(milter, 'a@fail.test').reply
        same((reply.code, reply.dsn), ('451', '4.7.23'), 'while it is not known')


def test_the_log_line_says_the_results_of_what_passes():
    def words(milter, queue_id, mail_from, **more):
        sent(milter, mail_from, queue_id=queue_id, **more)
        line = milter.wait_log(queue_id + ': id=')[-1]
        return dict(w.split('=', 1) for w in re.findall(r' (spf\w*=\S+)', line)), line

    with filtering('mail_from_fail = mark\ntimeout = 1s') as milter:
        for number, (domain, result) in enumerate(ALL_RESULTS.items()):
            found, line = words(milter, '4R%d' % number, 'a@' + domain)
            problem = found.pop('spf_problem', None)
            same(found, {'spf': result, 'spf_domain': domain, 'spf_helo': 'none'}, domain)
            check((problem is not None) == (result in ('permerror', 'temperror')), line)
            check(line.index(' spf=') > line.index(' mta='), 'at the end: %s', line)
            check(' client=192.0.2.1 helo=%s ' % HELO in line, line)
        found, _ = words(milter, '4P1', 'a@silent.test')
        same(found['spf_problem'], 'the_DNS_did_not_answer_in_time')
        same(words(milter, '4P2', '', helo='pass.test')[0], {'spf': 'pass', 'spf_domain': 'pass.test'}, 'of the null sender')
        same(words(milter, '4P3', 'a@pass.test', helo='[192.0.2.1] spf=pass')[0],
             {'spf': 'pass', 'spf_domain': 'pass.test', 'spf_helo': 'none'})
        same(words(milter, '4P4', 'a@own.example', auth_user='cp1001')[0], {}, 'of a customer')
    with filtering('helo_none = off\nhelo_neutral = off\nhelo_pass = off\nhelo_fail = off\nhelo_softfail = off\n'
                   'helo_temperror = off\nhelo_permerror = off\nexempt_spf = {"softfail.test: x", "pass.test: ours"}') as milter:
        same(words(milter, '4P5', 'a@neutral.test', client='198.51.100.7')[0],
             {'spf': 'neutral', 'spf_domain': 'neutral.test'}, 'HELO is not asked')
        same(words(milter, '4P6', 'a@neutral.test')[0], {}, 'of a relay')
    with Instance(service='outbound', conf={'40-spf.conf': section(DnsServer(ZONE), 'service = "outbound"')}) as milter:
        found, line = words(milter, '4P7', 'a@pass.test')
        check(found['spf'] == 'pass' and 'rule=' not in line, line)
        check('[SPF10]' in sent(milter, 'a@fail.test', queue_id='4P8').reply.text, 'refused')
        check(' spf=' not in milter.wait_log('4P8: id=')[0], 'at a recipient')


def test_the_status_tells_how_the_dns_does():
    with filtering('timeout = 1s\nmail_from_fail = mark', more='dns {\n\tcache = 3\n}\n') as milter:
        def figures():
            return json.loads(exim.ask(milter.exim, 'status'))['figures']['spf']
        before = figures()
        same((before['dns']['asked'], before['evaluations']['under_way'], before['evaluations']['under_way_max']), (0, 0, 1000))
        for _ in range(3):
            sent(milter, 'a@pass.test')
        sent(milter, 'a@servfail.test')
        sent(milter, 'a@silent.test')
        now = figures()
        same((now['dns']['asked'], now['dns']['failed'], now['dns']['unanswered']), (4, 1, 0), 'asked, failed, unanswered')
        check(now['dns']['cached'] >= 4, '%r', now)
        same(now['dns']['cache_bytes_max'], 3 << 20)
        check(before['dns']['cache_bytes'] < now['dns']['cache_bytes'] < 3 << 20, '%r', now)
        same((now['evaluations']['refused'], now['evaluations']['late']), (0, 1), 'refused, late')
        wait_for(lambda: figures()['dns']['unanswered'] == 1, 6)
        same(figures()['dns']['unanswered'], 1)
        check(wait_for(lambda: figures()['evaluations']['under_way'] == 0, 2), '%r', figures())
        said = leumund(milter, 'status').out
        check(re.search(r'(?m)^  dns +4 asked, \d+ from cache, 1 unanswered, 1 failed; cache \d\.\d of 3 MB$', said), said)
        check(re.search(r'(?m)^  spf +0 of 1000 evaluations under way, 0 turned away, 1 too late$', said), said)
        listed = {s['service']: s for s in leumund(milter, 'status', '--json').json()['services']}
        same(listed['inbound']['figures']['spf'].keys(), now.keys())
    with Instance() as milter:
        same(json.loads(exim.ask(milter.exim, 'status'))['figures'], {}, 'of a service without it')
        check('  dns' not in leumund(milter, 'status').out, 'shown')


def test_what_is_refused_to_other_servers_can_be_explained():
    with filtering() as milter:
        redis = Redis(milter).start()
        try:
            wait_for(lambda: milter.log_lines('connected to'), 5)
            sent(milter, 'a@pass.test', queue_id='4PASS')
            sent(milter, 'a@softfail.test', queue_id='4SOFT')
            sent(milter, '', helo='fail.test')
            sent(milter, "a';touch x;'@fail.test")
            refused = re.search(r'\(id (\w+)\)', sent(milter, 'a@fail.test').reply.text).group(1)
            wait_for(lambda: leumund(milter, 'explain', refused).status == 0, 5)
            said = leumund(milter, 'explain', refused)
            check('reject by mail_from_fail  remote  ' + refused in said.out, said.all)
            check('[SPF10] the SPF record of a@fail.test forbids 192.0.2.1 to send' in ' '.join(said.out.split()), said.out)
            check('option mail_from_fail of section spf' in said.out, said.out)
            check('SPF now:     leumund spf check 192.0.2.1 none.test a@fail.test\n' in said.out, said.out)
            listed = leumund(milter, 'history', 'remote', '--json').json()['decisions']
            same([d['facts'].get('rule') or d['facts']['observed'] for d in listed], ['mail_from_fail'] * 3 + ['mail_from_softfail'])
            hints = [leumund(milter, 'explain', d['facts']['id']).out for d in listed if d['facts'].get('rule')]
            check('leumund spf check 192.0.2.1 none.test MAILFROM\n' in hints[1], hints[1])
            check("leumund spf check 192.0.2.1 fail.test ''\n" in hints[2], hints[2])
            check(re.search(r'remote +mail_from_fail.reject +3\b', leumund(milter, 'refusals').out), leumund(milter, 'refusals').out)
            passed = re.search(r'id=(\w+)', milter.wait_log('4PASS: ')[0]).group(1)
            found = leumund(milter, 'explain', passed)
            check(found.status == 1 and 'nothing objected to' in ' '.join(found.out.split()), found.all)
            said = leumund(milter, 'explain', listed[3]['facts']['id']).out
            check('Accepted. Rules that only observe would have said:\n    [SPF11] by the SPF record of a@softfail.test' in said, said)
            check('leumund spf check 192.0.2.1 none.test a@softfail.test\n' in said, said)
            check(max(map(len, said.split('\n'))) <= 80, said)
        finally:
            redis.end()
