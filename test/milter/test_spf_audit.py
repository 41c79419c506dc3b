# `leumund spf DOMAIN` and `leumund audit spf`: what the world makes of mail from here, by way of a name server of our own.
import contextlib
import csv
import io
import os
import pty
import re
import subprocess
import time

from case import check, note, same
from command import LEUMUND, Command
from dns_server import DnsServer
from instance import SLOW

V4, V6 = '192.0.2.1', '2001:db8::1'
EGRESS = 'egress {\n\taddresses = {"%s", "%s"}\n}\n' % (V4, V6)
ZONE = r'''
pass.example TXT "v=spf1 ip4:192.0.2.0/24 ip6:2001:db8::/32 -all"
v4.example TXT "v=spf1 mx -all"
v4.example MX 10 mail.v4.example
mail.v4.example A 192.0.2.1
_dmarc.v4.example TXT "v=DMARC1; p=reject"
soft.example TXT "v=spf1 a:mail.v4.example include:pass.elsewhere.example ~all"
pass.elsewhere.example TXT "v=spf1 ip4:198.51.100.0/24 -all"
neutral.example TXT "v=spf1 ?all"
none.example A 192.0.2.1
none.example TXT "something else"
sub.none.example A 192.0.2.1
_dmarc.none.example TXT "v=DMARC1; p=none; sp=quarantine; pct=50"
two.example TXT "v=spf1 -all"
two.example TXT "v=spf1 ~all"
many.example TXT "v=spf1 a:h.many.example a:h.many.example a:h.many.example a:h.many.example include:more.many.example -all"
more.many.example TXT "v=spf1 a:h.many.example a:h.many.example a:h.many.example a:h.many.example mx:h.many.example a:h.many.example -all"
h.many.example A 198.51.100.1
h.many.example AAAA 2001:db8:ffff::1
h.many.example MX 10 h.many.example
servfail.example MODE servfail
*.servfail.example MODE servfail
silent.example MODE silent
*.silent.example MODE silent
'''
LONG = 'long.example TXT "v=spf1 %s -all"\n' % ' '.join('ip4:198.51.100.%d' % i for i in range(40))


@contextlib.contextmanager
def world(domains='', zone=ZONE, egress=EGRESS):
    """The command with a directory and a name server that it asks."""
    server = DnsServer(zone)
    with Command() as leumund:
        leumund.write('05-egress.conf', egress)
        leumund.write(leumund.domains, domains or 'pass.example: alice\n')

        def ask(*words):
            return leumund(*words, '--dns', '127.0.0.1:%d' % server.port)
        ask.leumund, ask.server = leumund, server
        yield ask


def test_the_name_servers_of_the_milters_are_asked():
    with world() as ask:
        ask.leumund.write('06-dns.conf', 'dns {\n\tservers = "127.0.0.1:%d"\n}\n' % ask.server.port)
        for words in (['spf', 'pass.example'], ['audit', 'spf']):
            answer = ask.leumund(*words)
            check(re.search(r'\bpass\b.*\n', answer.out.replace('pass.example', '')), '%r: %s', words, answer.all)


def test_an_address_that_passes_needs_nothing():
    with world() as ask:
        answer = ask('spf', 'pass.example')
        same((answer.status, answer.err), (0, ''))
        check(answer.out.startswith('pass.example: pass\n'), '%s', answer.out)
        check('publish' not in answer.out, '%s', answer.out)
        same(ask('spf', 'pass.example', '--json').json()['publish'], '')


def test_a_missing_address_gets_the_record_to_publish():
    with world() as ask:
        answer = ask('spf', 'v4.example')
        same((answer.status, answer.err), (1, ''))
        check(re.search(r'^ .* 192\.0\.2\.1 +pass$', answer.out, re.M), '%s', answer.out)
        check(re.search(r'^ .* 2001:db8::1 +fail$', answer.out, re.M), '%s', answer.out)
        check('\n  v4.example. IN TXT "v=spf1 mx ip6:2001:db8::1 -all"\n' in answer.out, '%s', answer.out)
        check('look-ups 1 of 10' in answer.out, '%s', answer.out)
        check('DMARC    reject (by _dmarc.v4.example)' in answer.out and 'rejected' in answer.out, '%s', answer.out)
        found = ask('spf', 'v4.example', '--json').json()
        same([(a['address'], a['result']) for a in found['addresses']], [(V4, 'pass'), (V6, 'fail')])
        same((found['result'], found['fails'], found['missing'], found['publish'], found['terms'], found['terms_limit']),
             ('fail', True, 'ip6:2001:db8::1', 'v=spf1 mx ip6:2001:db8::1 -all', 1, 10))
        same({k: found['dmarc'][k] for k in ('state', 'domain', 'p', 'pct', 'action', 'hits')},
             {'state': 'found', 'domain': 'v4.example', 'p': 'reject', 'pct': 100, 'action': 'reject', 'hits': True})


def test_each_result_has_its_status_and_remedy():
    with world(zone=ZONE) as ask:
        for domain, status, result, publish in (
                ('soft', 1, 'softfail', 'v=spf1 a:mail.v4.example include:pass.elsewhere.example ip6:2001:db8::1 ~all'),
                ('neutral', 0, 'neutral', 'v=spf1 ip4:192.0.2.1 ip6:2001:db8::1 ?all'),
                ('none', 0, 'none', 'v=spf1 ip4:192.0.2.1 ip6:2001:db8::1 ~all'),
                ('nowhere', 0, 'none', ''),
                ('two', 1, 'permerror', ''), ('many', 1, 'permerror', ''), ('servfail', 1, 'temperror', '')):
            answer = ask('spf', domain + '.example', '--json')
            found = answer.json()
            same((answer.status, found['result'], found['publish']), (status, result, publish), domain)
            same(bool(found['notes']), domain in ('nowhere', 'two', 'many', 'servfail'), domain)
        same(ask('spf', 'many.example', '--json').json()['terms'], 11)
        check('no offence' in ask('spf', 'none.example').out, 'a domain without SPF is blamed')


def test_a_policy_of_the_organisation_counts_for_its_subdomains():
    with world() as ask:
        found = ask('spf', 'sub.none.example', '--json').json()['dmarc']
        same((found['domain'], found['action'], found['hits'], found['pct']), ('none.example', 'quarantine', True, 50))
        same(ask('spf', 'none.example', '--json').json()['dmarc']['hits'], False)


def test_addresses_come_from_the_command_line_too_and_need_no_configuration():
    with world(egress='') as ask:
        answer = ask('spf', 'pass.example')
        same((answer.status, answer.out), (78, ''))
        check('egress {' in answer.err and '--egress' in answer.err, '%s', answer.err)
        ask.leumund.remove('00-leumund.conf')
        ask.leumund.write('90-broken.conf', 'what')
        found = ask('spf', 'pass.example', '--egress', '198.51.100.1,%s,%s' % (V6, V6), '--json').json()
        same([a['address'] for a in found['addresses']], ['198.51.100.1', V6])
        same(found['missing'], 'ip4:198.51.100.1')
        for wrong in ('192.0.2', '192.0.2.0/24', '127.0.0.1', '192.0.2.1,', '::'):
            answer = ask('spf', 'pass.example', '--egress', wrong)
            same((answer.status, answer.out), (64, ''), wrong)
    with world(egress='egress {\n\taddresses = {"192.0.2.0/24"}\n}\n') as ask:
        answer = ask('spf', 'pass.example')
        same((answer.status, answer.out), (78, ''))
        check('05-egress.conf:2' in answer.err and 'single IPv4 or IPv6 addresses' in answer.err, '%s', answer.err)


def test_a_long_record_is_cut_into_strings_for_the_zone():
    with world(zone=LONG) as ask:
        line = ask('spf', 'long.example').out.splitlines()[-1]
        strings = re.findall(r'"([^"]*)"', line)
        check(len(strings) > 1 and max(map(len, strings)) <= 255, '%s', line)
        same(''.join(strings), ask('spf', 'long.example', '--json').json()['publish'])


def test_wrong_calls_are_refused():
    with world() as ask:
        for words in (('spf', 'nodots'), ('spf', 'a..b.example'), ('spf', 'pass.example', 'more'), ('audit', 'dkim'),
                      ('spf', 'pass.example', '--batch'), ('spf', 'check', V4, 'h.test', 'a@b.test', '--egress', V4),
                      ('audit', 'spf', '--csv', '--json'), ('spf', 'pass.example', '--csv')):
            answer = ask(*words)
            same((answer.status, answer.out), (64, ''), repr(words))


DOMAINS = ''.join('%s.example: %s\n' % row for row in (
    ('v4', 'bob'), ('pass', 'alice'), ('soft', 'bob'), ('none', 'carol'), ('servfail', 'dan'), ('many', 'bob'),
    ('v4', 'eve'), ('two', 'carol'))) + 'info@pass.example: alice\n'


def test_an_audit_has_a_line_for_each_domain_of_the_directory():
    with world(DOMAINS) as ask:
        answer = ask('audit', 'spf')
        same((answer.status, answer.err), (1, ''))
        *lines, last = answer.out.splitlines()
        same([tuple(l.split()[:2]) for l in lines],
             [('permerror', 'many.example'), ('none', 'none.example'), ('pass', 'pass.example'),
              ('temperror', 'servfail.example'), ('softfail', 'soft.example'), ('permerror', 'two.example'),
              ('fail', 'v4.example')])
        check('add ip6:2001:db8::1' in lines[-1] and 'DMARC reject hits' in lines[-1], '%s', lines[-1])
        check(last.startswith('7 domains: 1 none, 1 pass, 1 fail, 1 softfail, 1 temperror, 2 permerror'), '%s', last)
        ask.leumund.write(ask.leumund.domains, 'pass.example: alice\nnone.example: carol\n')
        same(ask('audit', 'spf').status, 0)


def test_an_audit_is_valid_csv_and_json():
    with world(DOMAINS) as ask:
        found = ask('audit', 'spf', '--json').json()['domains']
        same([d['domain'] for d in found if d['fails']],
             ['many.example', 'servfail.example', 'soft.example', 'two.example', 'v4.example'])
        answer = ask('audit', 'spf', '--csv')
        same((answer.status, answer.err), (1, ''))
        rows = list(csv.DictReader(io.StringIO(answer.out), strict=True))
        same([(r['domain'], r['result'], r['record'], r['publish'], r['missing'], int(r['terms'])) for r in rows],
             [(d['domain'], d['result'], d['record'], d['publish'], d['missing'], d['terms']) for d in found])
        same((rows[-1]['addresses'], rows[-1]['accounts'], rows[-1]['dmarc'], rows[-1]['dmarc_hits']),
             ('%s=pass %s=fail' % (V4, V6), 'bob eve', 'reject', 'yes'))
        same(found[-1]['accounts'], ['bob', 'eve'])
        check(None not in rows[0] and all(None not in r.values() for r in rows), 'rows of different length')


def test_no_directory_is_said():
    with world() as ask:
        os.unlink(ask.leumund.domains)
        answer = ask('audit', 'spf')
        same((answer.status, answer.out), (78, ''))
        check('leumund.domains' in answer.err, '%s', answer.err)


def many_domains(count, silent):
    names = ['d%03d.example' % i for i in range(count)]
    zone = ''.join('%s TXT "v=spf1 include:i%s ip6:2001:db8::/32 -all"\ni%s TXT "v=spf1 ip4:192.0.2.0/24 -all"\n' % (n, n, n)
                   if i % (count // silent) else '%s MODE silent\n*.%s MODE silent\n' % (n, n) for i, n in enumerate(names))
    return ''.join('%s: a%d\n' % (n, i) for i, n in enumerate(names)), zone


def test_300_domains_are_audited_in_bounded_time_whoever_is_silent():
    domains, zone = many_domains(300, 30)
    with world(domains, zone) as ask:
        start = time.monotonic()
        found = ask('audit', 'spf', '--json').json()['domains']
        took = time.monotonic() - start
        note('300 domains, 30 of them silent: %.1f s', took)
        same([d['domain'] for d in found], sorted(d['domain'] for d in found))
        same((sum(d['result'] == 'pass' for d in found), sum(d['result'] == 'temperror' for d in found)), (270, 30))
        check(took < 15 * SLOW, 'took %.1f s', took)


def test_progress_is_shown_on_a_terminal_only():
    domains, zone = many_domains(30, 1)
    with world(domains, zone) as ask:
        same(ask('audit', 'spf', '--csv').err, '')
        ours, theirs = pty.openpty()
        with subprocess.Popen([LEUMUND, '-c', ask.leumund.conf, 'audit', 'spf', '--csv', '--dns',
                               '127.0.0.1:%d' % ask.server.port], stdout=subprocess.DEVNULL, stderr=theirs) as child:
            os.close(theirs)
            shown = b''
            with contextlib.suppress(OSError):
                while True:
                    more = os.read(ours, 4096)
                    if not more:
                        break
                    shown += more
            child.wait(30 * SLOW)
        os.close(ours)
        check(b'of 30 domains' in shown and shown.endswith(b'\r\x1b[K'), '%r', shown[-80:])
