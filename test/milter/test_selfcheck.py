# The milter `selfcheck`: what other servers would make of our customers' mail, with a name server of our own.
import contextlib
import os
import signal
import threading
import time

from case import check, note, same
from dns_server import DnsServer
from instance import Instance, Redis, wait_for
from mta import Message, Mta, ProtocolError, ask, strings

V4, V6 = '192.0.2.1', '2001:db8::1'
ZONE = r'''
own.example TXT "v=spf1 ip4:192.0.2.0/24 ip6:2001:db8::/32 -all"
second.example TXT "v=spf1 ip4:192.0.2.0/24 -all"
_dmarc.second.example TXT "v=DMARC1; p=reject"
soft.example TXT "v=spf1 ip6:2001:db8::1 ~all"
broken.example TXT "v=spf1 ip4:192.0.2.0/33 -all"
none.example A 192.0.2.1
silent.example MODE silent
*.silent.example MODE silent
slow.example TXT "v=spf1 -all"
slow.example MODE slow 0.4
mailbox.example TXT "v=spf1 exists:%{l}.u.mailbox.example -all"
strict.example TXT "v=spf1 ip4:192.0.2.0/24 ip6:2001:db8::/32 -all"
_dmarc.strict.example TXT "v=DMARC1; p=quarantine; aspf=s"
neutral.example TXT "v=spf1 ?all"
_dmarc.neutral.example TXT "v=DMARC1; p=reject"
includes.example TXT "v=spf1 ip4:192.0.2.1 include:spf.hoster.example -all"
spf.hoster.example TXT "v=spf1 ip4:198.51.100.1 -all"
'''
DOMAINS = ''.join('%s.example: cp1001\n' % name for name in 'own second soft broken none silent slow mailbox strict '
                  'neutral includes'.split()) + 'pooled.example: cp1007\n'
REJECT = 'spf_fail = reject\nspf_softfail = reject\nspf_permerror = reject\ndmarc_spf = reject\ndmarc_alignment = reject'


@contextlib.contextmanager
def checking(options=REJECT, egress='', leumund='', zone=ZONE, wait_ms=2000, addresses=(V4, V6), domains=DOMAINS):
    server = DnsServer(zone)
    conf = {'05-egress.conf': 'egress {\n\taddresses = {%s}\n%s\n}\ndns {\n\tservers = "127.0.0.1:%d"\n}\n'
            % (', '.join('"%s"' % one for one in addresses), egress, server.port),
            '10-sender.conf': 'sender {\n\tenable = false\n}\n',
            '50-selfcheck.conf': 'selfcheck {\n\tenable = true\n\twait_ms = %d\n%s\n}\n' % (wait_ms, options)}
    with Instance(conf=conf, domains=domains, leumund=leumund) as milter:
        milter.dns = server
        yield milter


def sent(milter, mail_from, **fields):
    fields.setdefault('header_from', mail_from)
    return ask(milter.socket, Message(mail_from=mail_from, **fields))


def begun(milter, senders):
    """MAIL and no more, each time."""
    with Mta(milter.socket) as mta:
        mta.open()
        for mail_from in senders:
            mta.macros('M', Message(mail_from=mail_from).values())
            mta.event('M', strings('<%s>' % mail_from))
            mta.send('A')
            mta.flush()


def warnings(answer):
    fields = [data[4:].rstrip(b'\0').decode().split('\0') for letter, data in answer.changes if letter == 'i']
    return [value for name, value in fields if name == 'X-Leumund-Warning']


def test_what_would_be_refused_elsewhere_is_refused_with_the_remedy():
    with checking() as milter:
        for mail_from, result, code, words in (
                ('info@own.example', 'pass', None, ''),
                ('info@none.example', 'none', None, ''),
                ('info@second.example', 'fail', 'SLF10', 'add ip6:%s to the SPF record of second.example' % V6),
                ('info@soft.example', 'softfail', 'SLF11', 'add ip4:%s to the SPF record of soft.example' % V4),
                ('info@broken.example', 'permerror', 'SLF12', 'ip4:192.0.2.0/33'),
                ('info@neutral.example', 'neutral', 'SLF20', 'add ip4:%s ip6:%s to the SPF record of neutral.example' % (V4, V6))):
            answer = sent(milter, mail_from)
            same(answer.verdict, 'reject' if code else 'accept', mail_from)
            check(milter.wait_log('mail_from=%s .*own_spf=%s' % (mail_from, result)), 'no %s in the log', result)
            if code:
                check('[%s]' % code in answer.reply.text and words in answer.reply.text, '%s', answer.reply.text)
        answer = sent(milter, 'info@second.example').reply
        same((answer.code, answer.dsn), ('550', '5.7.23'))


def test_each_action_does_what_it_says():
    for action, verdict in (('off', 'accept'), ('observe', 'accept'), ('warn', 'accept'), ('hold', 'hold'),
                            ('reject', 'reject')):
        with checking('spf_fail = %s' % action) as milter:
            answer = sent(milter, 'info@second.example')
            same(answer.verdict, verdict, action)
            same(warnings(answer),
                 ['[SLF10] other servers will refuse this mail as forged: add ip6:%s to the SPF record of '
                  'second.example' % V6] if action == 'warn' else [], action)
            same(len(milter.log_lines('observed=spf_fail')), int(action in ('observe', 'warn')), action)


def test_a_warning_is_in_the_admins_own_words():
    with checking('spf_fail = warn', leumund='\ttexts = {"SLF10=ask the hotline about {about}"}') as milter:
        same(warnings(sent(milter, 'info@second.example')), ['[SLF10] ask the hotline about second.example'])


def test_dmarc_looks_at_from():
    with checking('dmarc_spf = reject\ndmarc_alignment = reject') as milter:
        # another domain in MAIL FROM helps only if it is From's
        answer = sent(milter, 'info@own.example', header_from='info@second.example')
        check(answer.verdict == 'reject' and '[SLF21]' in answer.reply.text and 'own.example' in answer.reply.text,
              '%s', answer)
        same(answer.reply.dsn, '5.7.26')
        same(sent(milter, 'info@own.example', header_from='info@none.example').verdict, 'accept')
        # nor does one of which nothing is known
        for mail_from in ('info@silent.example', 'info@mailbox.example'):
            answer = sent(milter, mail_from, header_from='info@second.example')
            check('[SLF21]' in answer.reply.text, '%s: %s', mail_from, answer)
        # relaxed: a subdomain will do; strict: it will not
        same(sent(milter, 'info@strict.example', header_from='info@strict.example').verdict, 'accept')
        same(sent(milter, 'info@www.strict.example', header_from='info@strict.example').verdict, 'reject')
        # the author's signature makes up for it, somebody else's does not
        for signature, verdict in (('v=1; a=rsa-sha256; d=second.example; s=x; b=', 'accept'),
                                   ('v=1; a=rsa-sha256;\n\td = mail.second.example; s=x; b=', 'accept'),
                                   ('v=1; a=rsa-sha256; d=own.example; s=x; b=', 'reject'), ('rubbish', 'reject')):
            headers = [('From', 'info@second.example'), ('DKIM-Signature', signature)]
            same(sent(milter, 'info@own.example', headers=headers).verdict, verdict, signature)
    with checking(REJECT + '\ndkim_signs = true\nspf_fail = observe') as milter:
        same(sent(milter, 'info@own.example', header_from='info@second.example').verdict, 'accept')


def test_other_mail_is_not_looked_at():
    with checking(REJECT + '\nexempt_accounts = {"cp1009: test"}\nexempt_senders = {"second.example until 2099-01-01: test"}') as milter:
        same(sent(milter, 'info@second.example').verdict, 'accept')
        same(sent(milter, 'info@soft.example', auth_user='cp1009').verdict, 'accept')
        same(sent(milter, 'info@soft.example', auth_user=None).verdict, 'accept')
        same(sent(milter, '', header_from='info@soft.example').verdict, 'accept')
        same(sent(milter, 'info@soft.example', rcpt_to=('a@own.example', 'b@second.example')).verdict, 'accept')
        same(sent(milter, 'info@soft.example', rcpt_to=('a@own.example', 'b@remote.example')).verdict, 'reject')
        # what says nothing about this mailbox is not held against it
        same(sent(milter, 'info@mailbox.example').verdict, 'accept')


def test_pools_have_addresses_of_their_own():
    egress = '\tpools = {"bulk: 198.51.100.1"}\n\tpool_of = {"cp1007: bulk", "@soft.example: bulk"}'
    with checking(egress=egress) as milter:
        answer = sent(milter, 'info@own.example', auth_user='cp1007')
        check('add ip4:198.51.100.1 to' in answer.reply.text, '%s', answer)
        answer = sent(milter, 'info@soft.example')
        check('add ip4:198.51.100.1 to' in answer.reply.text, '%s', answer)
        same(sent(milter, 'info@own.example').verdict, 'accept')


def test_the_hosters_record_is_what_is_missing():
    with checking(egress='\tinclude = "spf.hoster.example"') as milter:
        check('add include:spf.hoster.example to' in sent(milter, 'info@second.example').reply.text, 'include')
        # it is there, and does not help
        check('add ip6:%s to' % V6 in sent(milter, 'info@includes.example').reply.text, 'included')


def test_many_missing_addresses_are_cut_between_terms():
    with checking(addresses=['2001:db8:1234:5678:9abc:def0:1234:%x' % (4096 + i) for i in range(64)]) as milter:
        text = sent(milter, 'info@second.example').reply.text
        check(' ... to the SPF record' in text or '...' in text, '%s', text)
        check(len(text) < 480 and text.count('ip6:') >= 3, '%s', text)


def test_a_silent_dns_refuses_nothing_and_holds_nobody():
    with checking(wait_ms=100) as milter:
        same(sent(milter, 'info@own.example').verdict, 'accept')
        begin = time.monotonic()
        same(sent(milter, 'info@silent.example').verdict, 'accept')
        took = time.monotonic() - begin
        check(took < 2, 'the message took %.2f s', took)
        note('a silent domain holds its message for %.0f ms', took * 1000)
        same(sent(milter, 'info@second.example').verdict, 'reject')


def test_domains_by_the_thousand_hold_up_no_customer():
    with checking(wait_ms=200) as milter:
        begun(milter, ['info@n%d.silent.example' % i for i in range(2000)])
        for i in range(10):
            same(sent(milter, 'info@m%d.silent.example' % i).verdict, 'accept')
        same(sent(milter, 'info@second.example').verdict, 'reject')
        # a stranger's domain is looked at all the same
    with checking() as milter:
        same(sent(milter, 'info@n1.second.example', header_from='info@second.example').verdict, 'reject')


def test_what_comes_late_judges_the_next_message():
    with checking(wait_ms=0) as milter:
        same(sent(milter, 'info@slow.example').verdict, 'accept')
        check(wait_for(lambda: sent(milter, 'info@slow.example').verdict == 'reject', 5), 'never known')


def test_the_dns_is_asked_once():
    with checking() as milter:
        for _ in range(20):
            sent(milter, 'info@second.example')
        asked = milter.dns.queries('second.example')
        check(asked == 1, '%d queries for the record', asked)


def test_servers_share_what_they_know():
    with checking() as milter:
        redis = Redis(milter).start()
        try:
            key = 'leu:spf:{second.example}'
            check(wait_for(lambda: milter.log_lines('store'), 5), milter.log())
            same(sent(milter, 'info@second.example').verdict, 'reject')
            check(wait_for(lambda: redis.command('EXISTS', key) == 1, 5), 'nothing is kept')
            fields = redis.command('HGETALL', key)
            fields = dict(zip(fields[::2], fields[1::2]))
            same(fields[b'dmarc'], b'reject relaxed')
            same(fields[V4.encode()].split()[0], b'pass')
            same(fields[V6.encode()].split()[0], b'fail')
            check(280 <= redis.command('TTL', key) <= 300, 'TTL %s', redis.command('TTL', key))
            # another server's answer is taken, without the DNS
            until = int(time.time()) + 500
            redis.command('HSET', 'leu:spf:{soft.example}', 'dmarc', 'none', V4, 'pass until %d' % until, V6,
                          'pass until %d' % until)
            same(sent(milter, 'info@soft.example').verdict, 'accept')
            same(milter.dns.queries('soft.example'), 0)
            # what is too old, or no answer, is not
            redis.command('HSET', 'leu:spf:{broken.example}', 'dmarc', 'none', V4, 'pass until 1', V6, 'pass until 1')
            same(sent(milter, 'info@broken.example').verdict, 'reject')
        finally:
            redis.end()


def test_servers_share_what_a_record_includes():
    # of two servers of one hoster the record names the first alone: the second needs to know that it is included
    with checking(egress='\tinclude = "spf.hoster.example"', addresses=['198.51.100.1']) as milter:
        redis = Redis(milter).start()
        try:
            check(wait_for(lambda: milter.log_lines('store'), 5), milter.log())
            same(sent(milter, 'info@includes.example').verdict, 'accept')
            key = 'leu:spf:{includes.example}'
            check(wait_for(lambda: redis.command('EXISTS', key) == 1, 5), 'nothing is kept')
            same(redis.command('HGET', key, 'includes'), b'spf.hoster.example')
        finally:
            redis.end()


def test_only_what_the_directory_lists_is_kept_in_the_store():
    with checking(zone=ZONE + '*.own.example TXT "v=spf1 -all"\n') as milter:
        redis = Redis(milter).start()
        try:
            check(wait_for(lambda: milter.log_lines('store'), 5), milter.log())
            begun(milter, ['info@n%d.own.example' % i for i in range(100)])
            same(sent(milter, 'info@x.own.example').verdict, 'reject')
            same(sent(milter, 'info@second.example').verdict, 'reject')
            check(wait_for(lambda: redis.command('EXISTS', 'leu:spf:{second.example}') == 1, 5), 'nothing is kept')
            time.sleep(0.2)
            same(redis.command('KEYS', 'leu:spf:*'), [b'leu:spf:{second.example}'])
            same(milter.dns.queries('n99.own.example'), 0, 'no mail came of it')
        finally:
            redis.end()


def test_without_addresses_it_does_not_start():
    with Instance() as other:
        other.write('50-selfcheck.conf', 'selfcheck {\n\tenable = true\n}\n')
        status, said = other.refused()
        check(status == 78 and 'egress { addresses' in said, '%d: %s', status, said)


def test_a_reload_takes_nothing_away_from_what_is_being_asked():
    with checking(wait_ms=0, egress='\tinclude = "spf.hoster.example"') as milter:
        milter.reload()  # the store keeps the first configuration for ever
        sent(milter, 'info@slow.example')
        milter.reload()
        time.sleep(1.5)
        check(milter.alive(), '%s', milter.log()[-2000:])


def test_a_reload_and_an_end_do_not_wait_for_the_dns():
    with checking(wait_ms=0) as milter:
        for i in range(5):
            sent(milter, 'info@silent.example')
            sent(milter, 'info@www%d.silent.example' % i)
            milter.reload()
        same(sent(milter, 'info@own.example').verdict, 'accept')
        begin = time.monotonic()
        milter.end()
        took = time.monotonic() - begin
        check(took < 3, 'it ended after %.1f s', took)
        milter.start()


def test_what_began_before_a_reload_leaves_a_closed_store_alone():
    names = ['n%d.own.example' % i for i in range(20000)]
    with checking(zone=ZONE + '*.own.example TXT "v=spf1 -all"\n', domains=''.join(n + ': cp1001\n' for n in names)) as milter:
        redis = Redis(milter).start()
        try:
            check(wait_for(lambda: milter.log_lines('store'), 5), milter.log())

            def work():
                with contextlib.suppress(OSError, ProtocolError):
                    while True:
                        begun(milter, ['info@' + name for name in names])
            worker = threading.Thread(target=work)
            worker.start()
            time.sleep(0.3)
            milter.reload()
            os.kill(milter.pid, signal.SIGTERM)
            worker.join()
            wait_for(lambda: not milter.alive(), 5)
            same(milter.log_lines('Sanitizer'), [])
        finally:
            redis.end()
