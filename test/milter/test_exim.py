# The line protocol for Exim: the same verdicts as over milter, and what is no request.
import base64
import json
import os
import pwd
import re
import socket
import threading
import time

import exim
from case import check, same
from instance import DOMAINS, Instance, wait_for

SENDER = 'default_domains = {"cp1server.example.com"}\ndefault_domain_recipient = reject'


def instance(**kw):
    return Instance(sender=SENDER, **kw)


def headers(header_from, more=''):
    return ('Received: from x by y\n\tfor z\nFrom: %s\nTo: rcpt@remote.example\nSubject: test\n%s\n'
            % (header_from, more))


def asked(milter, verb, mail_from='info@own.example', header_from=None, auth_user='cp1001', **keys):
    keys = dict({'queue_id': '1xUqxM-00001S-0x', 'client_addr': '192.0.2.1', 'client_port': '40000',
                 'helo': 'client.example.org',
                 'mail_from': mail_from}, **keys)
    if auth_user:
        keys.update(auth_user=auth_user, auth_type='plain')
    if verb in ('data', 'local'):
        keys.setdefault('recipients', 'rcpt@remote.example')
        keys.setdefault('headers', headers(mail_from if header_from is None else header_from))
    return exim.ask(milter.exim, verb, **keys)


def test_recipient_is_answered_by_envelope():
    with instance() as milter:
        same(asked(milter, 'rcpt', rcpt_to='x@remote.example'), 'accept')
        answer = asked(milter, 'rcpt', mail_from='x@victim.example', rcpt_to='x@remote.example')
        check(answer.startswith('550 5.7.1 [SND20] '), answer)
        answer = asked(milter, 'rcpt', rcpt_to='x@cp1server.example.com')
        check(answer.startswith('550 5.7.1 [SND11] '), answer)
        same(asked(milter, 'rcpt', mail_from='', rcpt_to='x@remote.example'), 'accept', 'the null sender')
        same(asked(milter, 'rcpt', auth_user=None, mail_from='x@victim.example', rcpt_to='x@own.example'), 'accept',
             'incoming mail')


def test_whole_message_is_answered_by_its_author():
    with instance() as milter:
        for body in ('', 'a', 'text\n' * 100, b'\0\xff' * 4096):
            same(asked(milter, 'data', body=body), 'accept')
        for value in ('x@victim.example', 'info@own.example, x@victim.example', '',
                      'info@own.example\nFrom: x@victim.example'):
            answer = asked(milter, 'data', header_from=value)
            check(answer.startswith('550 5.7.1 [SND21] '), '%r: %s', value, answer)
        answer = asked(milter, 'data', header_from='x@cp1server.example.com')
        check(answer.startswith('550 5.7.1 [SND10] '), answer)
        same(asked(milter, 'data', header_from='Info\n <info@own.example>'), 'accept', 'a folded From')
        answer = asked(milter, 'data', headers='Subject: none\n\n')
        check(answer.startswith('550 5.7.1 [SND21] '), 'no From: %s', answer)
        answer = asked(milter, 'data', headers='Subject: a\n\nFrom: info@own.example\n')
        check(answer.startswith('550 '), 'a From in the body: %s', answer)


def test_local_message_is_judged_by_the_uid_that_exim_names():
    user = next(u for u in pwd.getpwall() if 0 < u.pw_uid < 1000 and u.pw_name not in ('mail', 'www-data', 'nobody'))
    with Instance(sender=SENDER + '\nexempt_uids = {}',
                  domains=DOMAINS + 'user.example: %s\n' % user.pw_name) as milter:
        local = {'auth_user': None, 'client_addr': '', 'client_port': '', 'uid': str(user.pw_uid),
                 'ident': user.pw_name}
        same(asked(milter, 'local', 'x@user.example', **local), 'accept')
        check(asked(milter, 'local', 'x@own.example', **local).startswith('550 '), 'a foreign domain')
        check(asked(milter, 'local', 'x@user.example', header_from='x@own.example', **local).startswith('550 '),
              'a foreign author')
        with_login = dict(local, auth_user='cp1001')
        check(asked(milter, 'local', 'x@own.example', **with_login).startswith('550 '),
              '$authenticated_id of local mail is no SMTP AUTH')
        milter.wait_log(r'account=%s .*path=command known_by=mta' % user.pw_name)


def test_lines_that_the_mta_itself_writes_name_this_server_alone():
    user = next(u for u in pwd.getpwall() if 0 < u.pw_uid < 1000 and u.pw_name not in ('mail', 'www-data', 'nobody'))
    host = socket.gethostname() if '.' in socket.gethostname() else 'cp1server.example.com'
    with Instance(sender=SENDER + '\nexempt_uids = {}',
                  domains=DOMAINS + 'user.example: %s\n' % user.pw_name) as milter:
        for domain, passes in (('cp1server.example.com', True), (host, True), ('victim.example', False)):
            for mail_from, recipient, text in (
                    ('x@user.example', 'x@remote.example',
                     headers('x@user.example', 'Sender: %s@%s\n' % (user.pw_name, domain))),
                    ('', 'x@user.example', headers('MAILER-DAEMON@' + domain))):
                answer = asked(milter, 'local', mail_from, auth_user=None, client_addr='', uid=str(user.pw_uid),
                               ident=user.pw_name, recipients=recipient, headers=text)
                check(answer == 'accept' if passes else answer.startswith('550 5.7.1 [SND21] '), '%s: %s', text, answer)


def test_client_of_a_customers_own_exim_is_that_customer():
    """`exim -bs` takes any connected socket for its client, whose address can be made up."""
    with instance() as milter:
        asked(milter, 'data', 'x@remote.example', auth_user=None, client_addr='203.0.113.200', uid='54321')
        milter.wait_log(r'uid=54321 path=command')
        asked(milter, 'data', 'x@remote.example', auth_user=None, client_addr='203.0.113.200', uid='8')
        milter.wait_log(r'path=remote')


def own_user():
    return next(u for u in pwd.getpwall() if 0 < u.pw_uid < 1000 and u.pw_name not in ('mail', 'www-data', 'nobody'))


def test_local_message_is_never_told_to_come_back_later():
    user = own_user()
    with Instance(sender='envelope_owner = defer\nexempt_uids = {}',
                  domains=DOMAINS + 'user.example: %s\n' % user.pw_name) as milter:
        answer = asked(milter, 'local', 'x@own.example', header_from='x@user.example', auth_user=None, client_addr='',
                       uid=str(user.pw_uid))
        check(answer.startswith('hold [SND20] '), answer)
        milter.wait_log("Exim's lines are of an older version and let no local mail wait .*leumund mta exim")
        same(json.loads(exim.ask(milter.exim, 'status'))['exim_outdated'], 1)


def later(milter, verb, user, mail_from='x@user.example', **keys):
    """A question about local mail, by printed lines that can put it off."""
    return asked(milter, verb, mail_from, auth_user=None, client_addr='', uid=str(user.pw_uid), later='1',
                 header_changes='1', **keys)


def test_local_message_that_must_wait_is_asked_about_again():
    user = own_user()
    domains = DOMAINS + 'user.example: %s\n' % user.pw_name
    with Instance(sender=SENDER.replace('reject', 'defer') + '\nexempt_uids = {}', domains=domains) as milter:
        old = 'cp1001@cp1server.example.com'
        same(later(milter, 'local', user), 'accept', 'a message without fault')
        words = later(milter, 'local', user, recipients='y@remote.example, ' + old).split(' ')
        same(words[:3], ['accept', 'header', '-'], words)
        added = base64.b64decode(words[3]).decode()
        # strangers will read it: no reason, no account
        check(re.fullmatch(r':at_start:X-Leumund-Later: \w{13}\n?', added), added)
        shown = headers('x@user.example', added)
        same(later(milter, 'route', user, rcpt_to='y@remote.example', headers=shown), '', 'one without fault goes')
        for _ in range(2):
            answer = later(milter, 'route', user, rcpt_to=old, headers=shown)
            check(answer.startswith(':defer: [SND11] '), answer)
        # what an alias leads to is not the sender's doing
        answer = later(milter, 'route', user, rcpt_to=old, headers=shown, parent='alias@own.example')
        same(answer, '', 'a forwarded copy')
        # what has become forbidden meanwhile
        answer = later(milter, 'route', user, 'x@own.example', rcpt_to='y@remote.example', headers=shown)
        check(answer.startswith(':fail: [SND20] '), answer)
        cut = exim.line('route', later='1', uid=str(user.pw_uid), mail_from='x@user.example', rcpt_to='y@remote.example')
        answer = exim.talk(milter.exim, cut[:-1] + b' headers=%%%\n')
        check(answer.startswith(b':defer: '), answer)


def test_bounces_of_exim_itself_are_accepted():
    with instance() as milter:
        for name in ('Debian-exim', 'mail'):
            if name not in (u.pw_name for u in pwd.getpwall()):
                continue
            answer = asked(milter, 'local', '',
                           header_from='Mail Delivery System <Mailer-Daemon@cp1server.example.com>',
                           auth_user=None, client_addr='', uid=str(pwd.getpwnam(name).pw_uid), ident=name)
            same(answer, 'accept', name)


def test_route_lets_deliveries_go_on():
    with instance() as milter:
        same(exim.talk(milter.exim, exim.line('route', mail_from='x@own.example', rcpt_to='y@remote.example',
                                              parent='z@own.example')), b'\n')


def test_status_is_one_json_object():
    with instance() as milter:
        asked(milter, 'data')
        asked(milter, 'data', mail_from='x@victim.example')
        status = json.loads(exim.ask(milter.exim, 'status'))
        check(isinstance(status, dict) and status, 'status: %r', status)
        check(status.get('service') == 'outbound', 'status: %r', status)


def test_what_is_no_request_gets_an_error():
    with instance() as milter:
        for text in (b'\n', b' \n', b'nonsense\n', b'DATA\n', b'data=1\n', b'data mail_from\n',
                     b'data mail_from="open\n', b'data "x"\n',
                     b'\x00\n', b'data mail_from="a"b"\n', b'\xff\xfe\xfd\n', b'GET / HTTP/1.0\r\n',
                     b'data mail_from="x\\\n'):
            answer = exim.talk(milter.exim, text)
            check(answer.startswith(b'error ') and answer.count(b'\n') == 1, '%r: %r', text, answer)
        for text in (b'data\n', b'local\n', b'rcpt\n', b'route\n', b'data =x\n', b'data mail_from=x@own.example\n',
                     b'local recipients=\n', b'data unknown=1\n'):
            answer = exim.talk(milter.exim, text)
            check(milter.alive() and answer.endswith(b'\n') and answer.count(b'\n') == 1, '%r: %r', text, answer)
        for wrong in (b'***', b'A'):
            for key in (b'headers', b'body'):
                answer = exim.talk(milter.exim, b'data ' + key + b'=' + wrong + b' mail_from=x@own.example '
                                                b'auth_user=cp1001 auth_type=plain client_addr=192.0.2.1\n')
                check(not answer.startswith(b'accept'), '%r that is no base64 is not accepted unseen: %r', key, answer)
        same(asked(milter, 'data'), 'accept', 'afterwards')


def test_answer_is_one_printable_line_whatever_was_asked():
    with instance() as milter:
        same(asked(milter, 'data', header_changes='1'), 'accept', 'nothing is to be changed')
        for text in ('a\nb', 'a\r\nb', '%s%n%%', '\x1b[31m', 'x' * 5000, '"', '\\', '\udcff\udcfe', '\u00fc',
                     "' || rm", '${run{/bin/id}}'):
            for keys in ({'mail_from': text + '@victim.example'}, {'mail_from': text}, {'auth_user': text},
                         {'helo': text},
                         {'header_from': text + ' <x@victim.example>'}):
                answer = exim.talk(milter.exim, exim.line('data', **{
                    'queue_id': '1x', 'client_addr': '192.0.2.1', 'mail_from': 'x@own.example',
                    'auth_user': 'cp1001', 'auth_type': 'plain',
                    'recipients': 'y@remote.example', 'headers': headers(keys.get('header_from', 'x@victim.example')),
                    **{k: v for k, v in keys.items() if k != 'header_from'}}))
                check(answer.endswith(b'\n') and answer.count(b'\n') == 1, 'not one line: %r', answer)
                check(all(0x20 <= c <= 0x7e for c in answer[:-1]), 'not printable: %r', answer)


def test_half_and_slow_lines_do_not_block_others():
    with instance() as milter:
        whole = exim.line('data', queue_id='1x', client_addr='192.0.2.1', mail_from='info@own.example',
                          auth_user='cp1001', auth_type='plain',
                          recipients='x@remote.example', headers=headers('info@own.example'))
        same(exim.talk(milter.exim, whole, pieces=7, pause=lambda: time.sleep(0.002)), b'accept\n', 'a slow line')
        answer = exim.talk(milter.exim, whole[:-1], shut=True)
        check(answer in (b'', b'accept\n') or answer.startswith(b'error'), 'a line without its end: %r', answer)
        silent = []
        for _ in range(40):
            s = socket.socket(socket.AF_UNIX)
            s.connect(milter.exim)
            s.sendall(b'data mail_from=')
            silent.append(s)
        start = time.monotonic()
        same(asked(milter, 'data'), 'accept', 'beside 40 silent callers')
        check(time.monotonic() - start < 2, 'waited %.1f s behind silent callers', time.monotonic() - start)
        silent[0].settimeout(15)
        same(silent[0].recv(10), b'', 'a silent caller is sent away')
        for s in silent:
            s.close()


def test_headers_of_a_megabyte_are_read():
    with instance() as milter:
        # Exim's header_maxsize; in base64 it comes close to the longest line
        filler = ''.join('X-Filler-%d: %s\n' % (i, 'y' * 900) for i in range(1090))
        same(asked(milter, 'data', headers=headers('info@own.example', filler)), 'accept')
        check(asked(milter, 'data', headers=headers('x@victim.example', filler)).startswith('550 '),
              'From before the filler')
        answer = asked(milter, 'data', headers=filler + headers('x@victim.example'))
        check(answer[:1] in '54h', 'a foreign From behind a megabyte of headers: %s', answer)
        answer = exim.talk(milter.exim, b'data headers=' + b'A' * (3 << 20) + b'\n')
        check(answer == b'' or answer.startswith((b'error', b'4')), 'a line of 3 MB: %r', answer[:100])
        same(asked(milter, 'data'), 'accept', 'afterwards')


def test_many_askers_at_once_get_their_own_answers():
    wrong = []

    def worker(number, milter):
        for i in range(30):
            foreign = (number + i) % 2
            answer = asked(milter, 'data', mail_from='x@victim.example' if foreign else 'x@own.example')
            if not answer.startswith('550 ' if foreign else 'accept'):
                wrong.append(answer)

    with instance() as milter:
        asked(milter, 'data')
        before = milter.figures()
        threads = [threading.Thread(target=worker, args=(n, milter)) for n in range(60)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        same(wrong, [], 'wrong answers')
        wait_for(lambda: milter.figures()['descriptors'] <= before['descriptors'], 3)
        check(milter.figures()['descriptors'] <= before['descriptors'], 'descriptors: %r, before %r', milter.figures(),
              before)
        check(milter.figures()['threads'] <= before['threads'] + 1, 'threads %r, before %r', milter.figures(), before)


def test_socket_is_not_for_everybody():
    with instance() as milter:
        for path in (milter.exim, milter.socket):
            same(oct(os.stat(path).st_mode & 0o777), '0o660', path.rsplit('/', 1)[1])
