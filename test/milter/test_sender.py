# What `sender` says to a message, by each of its rules and exemptions.
import datetime
import os
import pwd
import socket

from case import Skip, check, same
from instance import DOMAINS, Instance
from mta import Message, Mta, ask

DEFAULTS = 'default_domains = {"cp1server.example.com", "cp[0-9]+@*"}'


def instance(more='', **kw):
    return Instance(sender=DEFAULTS + '\n' + more, **kw)


def expect(milter, verdict, about='', code=None, **fields):
    """Sends one message, compares verdict and the rule's code in the reply; the Result."""
    client = fields.pop('client', '192.0.2.1')
    result = ask(milter.socket, Message(**fields), client=client)
    same(result.verdict, verdict, about or repr(fields))
    if code:
        words = result.hold if verdict == 'hold' else result.reply.text
        check('[%s]' % code in words, '%s: no %s in %r', about or fields, code, words)
    return result


def test_ordinary_mail_of_an_account_passes():
    with instance() as milter:
        expect(milter, 'accept')
        expect(milter, 'accept', mail_from='x@second.example', header_from='X <y@own.example>, z@second.example')
        expect(milter, 'accept', mail_from='x@shared.example', auth_user='cp1002')
        expect(milter, 'accept', auth_user='info@own.example')
        expect(milter, 'accept', auth_user='INFO@OWN.EXAMPLE', mail_from='INFO@OWN.EXAMPLE')


def test_mail_from_a_default_domain_is_refused_in_every_guise():
    with instance() as milter:
        for address in ('cp9999@cp1server.example.com', 'info@CP1Server.EXAMPLE.com',
                        'x@deep.below.cp1server.example.com',
                        'x@cp1server.example.com.', 'cp1234@own.example', 'CP1234@own.example', '"cp1234"@own.example',
                        'x@cp1001.cp1server.example.com'):
            expect(milter, 'reject', address, 'SND10', mail_from=address, header_from='info@own.example')
            expect(milter, 'reject', address, 'SND10', header_from=address)
            expect(milter, 'reject', address, 'SND10', header_from='Me <me@own.example>, You <%s>' % address)
        for address in ('x@notcp1server.example.com', 'x@example.com', 'x@cp1server.example.com.example.org'):
            result = expect(milter, 'reject', address, 'SND20', mail_from=address)
            check('SND10' not in result.reply.text, 'a name that only looks like the default domain: %r', result)


def test_default_domain_written_in_unicode_is_the_same_domain():
    with Instance(sender='default_domains = {"xn--bcher-kva.example"}') as milter:
        for address in ('x@xn--bcher-kva.example', 'x@XN--BCHER-KVA.example', 'x@b\u00fccher.example',
                        'x@www.b\u00fccher.example'):
            expect(milter, 'reject', address, 'SND10', mail_from=address, header_from='info@own.example')
            expect(milter, 'reject', address, 'SND10', header_from=address)


def test_default_domain_in_sender_field_is_refused():
    with instance() as milter:
        for name in ('Sender', 'SENDER', 'Sender '):
            expect(milter, 'reject', name, 'SND10', headers=[('From', 'info@own.example'),
                                                             (name, 'x@cp1server.example.com')])
        expect(milter, 'accept', headers=[('From', 'info@own.example'), ('Sender', 'x@second.example')])
        expect(milter, 'reject', 'foreign Sender', 'SND21', headers=[('From', 'info@own.example'),
                                                                     ('Sender', 'x@neighbour.example')])


def test_envelope_of_another_account_is_refused():
    with instance() as milter:
        for address in ('x@neighbour.example', 'x@victim.example', 'own.example@victim.example',
                        'x@own.example.victim.example',
                        'x@notown.example', 'x@[192.0.2.1]'):
            expect(milter, 'reject', address, 'SND20', mail_from=address, header_from='info@own.example')
        expect(milter, 'reject', 'other account', 'SND20', auth_user='cp1002', mail_from='x@own.example',
               header_from='x@neighbour.example')
        expect(milter, 'accept', 'IDN', mail_from='x@b\u00fccher.example', header_from='x@xn--bcher-kva.example')


def test_envelope_that_is_no_path_is_refused():
    with instance() as milter:
        for path in (b'<a@own.example', b'<@>', b'<@own.example>', b'<a@>', b'<a@b@own.example>',
                     b'<@r.example:a@own.example>',
                     b'<\xff@own.example>', b'<a@own.example>\r\nRCPT TO:<x@y>', b'<a@\xff.example>'):
            message = Message()
            message.mail_raw = path
            result = ask(milter.socket, message)
            same(result.verdict, 'reject', repr(path))


def test_null_sender_passes_with_an_owned_author():
    with instance() as milter:
        expect(milter, 'accept', mail_from='', header_from='info@own.example')
        result = expect(milter, 'reject', 'null sender, foreign author', 'SND21', mail_from='',
                        header_from='x@victim.example')
        same(result.stage, 'end')


def test_author_of_another_account_is_refused():
    with instance() as milter:
        for value in ('x@neighbour.example', 'me@own.example, x@victim.example', '"me@own.example" <x@victim.example>',
                      'x@victim.example (me@own.example)', 'Me <x@victim.example>'):
            expect(milter, 'reject', value, 'SND21', header_from=value)


def test_missing_or_repeated_or_unreadable_author_is_refused():
    to = ('To', 'rcpt@remote.example')
    fine = ('From', 'info@own.example')
    with instance() as milter:
        for about, headers in (
                ('missing', [to]), ('empty', [('From', ''), to]), ('blank', [('From', '   '), to]),
                ('twice', [fine, fine]), ('twice, other case', [fine, ('FROM', 'info@own.example')]),
                ('twice, blank before the colon', [fine, ('From ', 'x@victim.example')]),
                ('blank before the colon alone', [('From ', 'x@victim.example')]),
                ('tab before the colon alone', [('From\t', 'x@victim.example')]),
                ('no address', [('From', 'just words')]), ('no domain', [('From', 'info')]),
                ('literal', [('From', 'x@[192.0.2.1]')]), ('open quote', [('From', '"info@own.example')]),
                ('open bracket', [('From', 'Info <info@own.example')]),
                ('two brackets', [('From', '<info@own.example><x@victim.example>')]),
                ('group', [('From', 'friends: info@own.example;')]),
                ('route', [('From', '<@victim.example:info@own.example>')]),
                ('encoded word as address',
                 [('From', '=?utf-8?Q?x=40victim.example?= <=?utf-8?Q?info?=@own.example>')]),
                ('control', [('From', b'info\x01@own.example')]), ('not UTF-8',
                                                                   [('From', b'Inf\xff <info@own.example>')]),
                ('too long', [('From', b'"' + b'x' * 59500 + b'" <info@own.example>')])):
            expect(milter, 'reject', about, 'SND21', headers=headers)
        expect(milter, 'accept', 'blank before the colon, owned', headers=[('From ', 'info@own.example'), to])


def test_shown_address_is_observed_and_does_not_refuse():
    with instance() as milter:
        for value in ('"ceo@bank.example" <me@own.example>', 'me@own.example (ceo@bank.example)',
                      '=?utf-8?Q?ceo=40bank.example?= <me@own.example>',
                      '=?utf-8?B?Y2VvQGJhbmsuZXhhbXBsZQ==?= <me@own.example>'):
            before = len(milter.log_lines(r'observed=display_spoof'))
            expect(milter, 'accept', value, header_from=value)
            milter.wait_log(r'observed=display_spoof', at_least=before + 1)
        before = len(milter.log_lines(r'display_spoof'))
        expect(milter, 'accept', 'own address shown', header_from='"other@second.example" <me@own.example>')
        milter.wait_log(r'action=accept', at_least=5)
        same(len(milter.log_lines(r'display_spoof')), before, 'an own address in the display name')


def test_mail_of_nobody_known_is_observed():
    with instance() as milter:
        expect(milter, 'accept', auth_user='x@nobody.example', mail_from='x@anything.example')
        milter.wait_log(r'observed=unknown_account')


def test_local_client_that_has_gone_is_told_to_come_again():
    """Whoever closes its connection at once must not be nobody, nor root, whose name a closed socket bears."""
    with socket.create_server(('127.0.0.1', 0)) as server, instance() as milter:
        client = socket.create_connection(server.getsockname())
        port, held = client.getsockname()[1], server.accept()[0]
        client.close()
        for number in (port, 1):  # orphaned; never there
            with Mta(milter.socket) as mta:
                mta.open('127.0.0.1', number, 'localhost', 'localhost')
                same(mta.message(Message(auth_user=None, mail_from='x@anything.example')).verdict, 'tempfail')
        milter.wait_log(r'rule=hidden_account action=defer', at_least=2)
        held.close()


def test_incoming_mail_is_not_judged():
    with instance('default_domain_recipient = reject') as milter:
        for address in ('x@own.example', 'x@cp1server.example.com', 'x@victim.example', ''):
            expect(milter, 'accept', auth_user=None, mail_from=address, header_from='x@cp1server.example.com')
            expect(milter, 'accept', auth_user=None, client='2001:db8::1', mail_from=address)
        milter.wait_log(r'path=remote', at_least=8)


def test_each_action_is_said_as_configured():
    for action, verdict in (('off', 'accept'), ('observe', 'accept'), ('hold', 'hold'), ('defer', 'tempfail'),
                            ('reject', 'reject')):
        rules = '\n'.join('%s = %s' % (r, action) for r in ('envelope_owner', 'author_owner', 'default_domain'))
        with instance(rules) as milter:
            for about, code, fields in (('envelope', 'SND20',
                                         {'mail_from': 'x@victim.example', 'header_from': 'x@own.example'}),
                                        ('author', 'SND21', {'header_from': 'x@victim.example'}),
                                        ('default domain', 'SND10', {'header_from': 'x@cp1server.example.com'})):
                result = expect(milter, verdict, '%s %s' % (action, about), verdict != 'accept' and code, **fields)
                if verdict in ('reject', 'tempfail'):
                    digit = '5' if verdict == 'reject' else '4'
                    check(result.reply.code[0] == digit and result.reply.dsn.startswith(digit + '.7.1'), 'codes: %r',
                          result)
            if action == 'observe':
                milter.wait_log(r'observed=\S*envelope_owner')
                milter.wait_log(r'observed=\S*author_owner')
            if action == 'off':
                milter.wait_log(r'action=accept', at_least=3)
                same(milter.log_lines(r'(observed|rule)='), [], 'a rule that is off')


def test_strongest_action_wins():
    with instance('envelope_owner = hold\nauthor_owner = reject') as milter:
        expect(milter, 'reject', 'hold and reject', 'SND21', mail_from='x@victim.example',
               header_from='x@victim.example')
        expect(milter, 'hold', 'hold alone', 'SND20', mail_from='x@victim.example', header_from='x@own.example')


def test_recipient_below_the_default_domain_alone_is_refused():
    with instance('default_domain_recipient = reject') as milter:
        message = Message(rcpt_to=['a@remote.example', 'x@cp1server.example.com', 'b@remote.example'])
        result = ask(milter.socket, message)
        same(result.rcpt, ['continue', 'reject', 'continue'])
        same(result.verdict, 'accept', 'the rest of the message')
        check('[SND11]' in result.reply.text or result.reply.kind == 'continue', 'reply: %r', result)
        result = ask(milter.socket, Message(rcpt_to=['x@sub.CP1server.example.com']))
        same(result.verdict, 'reject', 'the only recipient')
        check('[SND11]' in result.reply.text, 'reply: %r', result)
    with instance('default_domain_recipient = defer') as milter:
        same(ask(milter.socket, Message(rcpt_to=['x@cp1server.example.com', 'b@remote.example'])).rcpt,
             ['tempfail', 'continue'])
    with instance() as milter:
        same(ask(milter.socket, Message(rcpt_to=['x@cp1server.example.com'])).verdict, 'accept', 'observe')
        milter.wait_log(r'observed=default_domain_recipient')


def days_from_now(days):
    return (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=days)).strftime('%Y-%m-%d')


def test_exempt_account_passes_until_its_day():
    foreign = {'mail_from': 'x@victim.example', 'header_from': 'x@victim.example'}
    for value, verdict in (('cp1001: moves its shop', 'accept'), ('CP1001: other case', 'accept'),
                           ('cp1001 until %s: soon over' % days_from_now(2), 'accept'),
                           ('cp1001 until %s: over' % days_from_now(-2), 'reject'), ('cp1002: another', 'reject')):
        with instance('exempt_accounts = {"%s"}' % value) as milter:
            expect(milter, verdict, value, **foreign)


def test_exempt_network_passes_until_its_day():
    foreign = {'mail_from': 'x@victim.example', 'header_from': 'x@victim.example', 'auth_user': 'cp1001'}
    networks = ', '.join('"%s"' % n for n in ('192.0.2.0/24: tickets', '2001:db8::/32: tickets',
                                              '198.51.100.7 until %s: over' % days_from_now(-2)))
    with instance('exempt_networks = {%s}' % networks) as milter:
        for client, verdict in (('192.0.2.77', 'accept'), ('2001:db8::5', 'accept'), ('192.0.3.1', 'reject'),
                                ('2001:db9::5', 'reject'),
                                ('198.51.100.7', 'reject')):
            expect(milter, verdict, client, client=client, **foreign)


def local_message(uid, **fields):
    """As Postfix hands over what sendmail(1) took: no brackets, port 0, the uid in the first header."""
    message = Message(auth_user=None, **fields)
    message.mail_raw = message.mail_from.strip(b'<>')
    message.headers.insert(0, (b'X-Local-Uid', str(uid).encode()))
    return message


def ask_local(milter, message):
    with Mta(milter.socket) as mta:
        mta.connection_macros['{daemon_name}'] = 'LOCAL'
        reply = mta.open('127.0.0.1', 0, 'localhost', 'localhost')
        check(reply is None, 'refused at the connection: %r', reply)
        return mta.message(message)


def a_user():
    for user in pwd.getpwall():
        if 0 < user.pw_uid < 1000 and user.pw_name not in ('mail', 'smmsp', 'www-data', 'nobody'):
            return user
    raise Skip('no ordinary user in this system')


def test_local_submission_is_judged_by_its_uid():
    user = a_user()
    domains = DOMAINS + 'user.example: %s\n' % user.pw_name
    with instance('exempt_uids = {}', domains=domains) as milter:
        same(ask_local(milter, local_message(user.pw_uid, mail_from='x@user.example')).verdict, 'accept')
        result = ask_local(milter, local_message(user.pw_uid, mail_from='x@own.example'))
        same(result.verdict, 'reject', 'a foreign domain')
        same(result.stage, 'end', "Postfix' sendmail(1) mail must not be refused at RCPT")
        milter.wait_log(r'account=%s .*path=command known_by=mta' % user.pw_name)
        forged = local_message(user.pw_uid, mail_from='x@own.example')
        forged.headers.append((b'X-Local-Uid', b'0'))
        same(ask_local(milter, forged).verdict, 'reject', 'a forged second X-Local-Uid')


def test_local_submission_is_never_deferred_or_refused_by_recipient():
    user = a_user()
    domains = DOMAINS + 'user.example: %s\n' % user.pw_name
    with instance('exempt_uids = {}\nenvelope_owner = defer\ndefault_domain_recipient = reject',
                  domains=domains) as milter:
        result = ask_local(milter, local_message(user.pw_uid, mail_from='x@own.example', header_from='x@user.example'))
        same(result.verdict, 'hold', 'a deferral that sendmail(1) mail cannot carry')
        result = ask_local(milter, local_message(user.pw_uid, mail_from='x@user.example',
                                                 rcpt_to=['y@cp1server.example.com', 'z@remote.example']))
        check('reject' not in result.rcpt and 'tempfail' not in result.rcpt, 'a verdict at RCPT: %r', result)
        same(result.verdict, 'reject', 'the whole message, at its end')


def test_exempt_uid_passes_until_its_day():
    user = a_user()
    domains = DOMAINS + 'user.example: %s\n' % user.pw_name
    for value, verdict in (('%d: panel' % user.pw_uid, 'accept'), ('0-%d: system' % user.pw_uid, 'accept'),
                           ('%s: panel' % user.pw_name, 'accept'),
                           ('%d until %s: over' % (user.pw_uid, days_from_now(-2)), 'reject'),
                           ('999999: another', 'reject')):
        with instance('exempt_uids = {"%s"}' % value, domains=domains) as milter:
            same(ask_local(milter, local_message(user.pw_uid, mail_from='x@victim.example')).verdict, verdict, value)


def test_platform_domains_are_everybodys():
    with instance('platform_domains = {"lists.example", "*.tickets.example"}') as milter:
        expect(milter, 'accept', mail_from='bounce@lists.example', header_from='x@own.example')
        expect(milter, 'accept', mail_from='x@a.tickets.example', header_from='x@LISTS.example')
        expect(milter, 'reject', mail_from='x@lists.example.victim.example')


def test_subdomains_of_owned_domains_follow_the_option():
    with instance() as milter:
        expect(milter, 'accept', mail_from='x@shop.own.example')
        expect(milter, 'accept', mail_from='x@a.b.own.example')
    with instance('own_subdomains = false') as milter:
        expect(milter, 'reject', mail_from='x@shop.own.example')
        expect(milter, 'accept')
    with instance(domains=DOMAINS + 'shop.own.example: cp1002\n') as milter:
        expect(milter, 'reject', 'a subdomain that is listed for another account', 'SND20',
               mail_from='x@shop.own.example')
        expect(milter, 'accept', auth_user='cp1002', mail_from='x@shop.own.example')


def test_empty_directory_refuses_nobody():
    with Instance(sender='default_domains = {"cp1server.example.com"}', domains='') as milter:
        expect(milter, 'accept', mail_from='x@anything.example')
        expect(milter, 'reject', 'the default domain is known without a directory', 'SND10',
               mail_from='x@cp1server.example.com')


def test_reply_is_harmless_whatever_the_sender_is_called():
    hostile = [b'%s%n%%%d@victim.example', b'"a\\"b"@victim.example', b'a%%b@victim.example',
               b'\xc3\xbc@victim.example', b'x\xff\xfe@victim.example',
               b'a\x1b[31m\x07@victim.example', b'a\r\n250 ok@victim.example',
                b'x' * 5000 + b'@victim.example', b'a@' + b'x.' * 3000 + b'example',
               b'`id`$(id);|@victim.example', b'{about}{account}@victim.example']
    with instance() as milter:
        for address in hostile:
            for fields in ({'mail_from': address, 'header_from': 'info@own.example'}, {'header_from': address}):
                result = ask(milter.socket, Message(**fields))
                same(result.verdict, 'reject', repr(address[:40]))
                packet = result.reply.packet.rstrip(b'\0')
                check(all(0x20 <= c <= 0x7e for c in packet), 'bytes that are not printable ASCII in %r', packet)
                check(len(packet) <= 980, 'a reply of %d bytes', len(packet))
                # as the MTA's format: only %% is one character
                check(b'%' not in packet.replace(b'%%', b''), 'a single %% in %r', packet)
                check(b'(id ' in packet, 'no decision id in %r', packet)
        result = ask(milter.socket, Message(mail_from=b'50%off@victim.example'))
        check('50%off@victim.example' in result.reply.text, 'the client does not see the address: %r',
              result.reply.text)


def test_reply_names_code_reason_account_and_id():
    with instance(leumund='language = de\nurl = "https://help.example/mail"\n'
                          'texts = {"SND21=eigener Text {about}, 100% {account}"}') as milter:
        result = expect(milter, 'reject', mail_from='x@victim.example', header_from='x@own.example', code='SND20')
        check('x@victim.example gehoert nicht zum Konto cp1001' in result.reply.text, 'German text: %r',
              result.reply.text)
        check('https://help.example/mail' in result.reply.text, 'the address of the help page: %r', result.reply.text)
        result = expect(milter, 'reject', header_from='x@victim.example', code='SND21')
        check('eigener Text x@victim.example, 100% cp1001' in result.reply.text, 'own text: %r', result.reply.text)


def test_several_messages_on_one_connection_do_not_mix():
    with instance('default_domain_recipient = reject') as milter, Mta(milter.socket) as mta:
        check(mta.open() is None, 'refused at the connection')
        for number in range(60):
            kind = number % 6
            if kind == 0:
                same(mta.message(Message()).verdict, 'accept')
            elif kind == 1:
                same(mta.message(Message(mail_from='x@victim.example')).verdict, 'reject')
            elif kind == 2:
                same(mta.message(Message(header_from='x@victim.example')).verdict, 'reject')
            elif kind == 3:
                same(mta.message(Message(rcpt_to=['a@remote.example', 'b@cp1server.example.com'])).rcpt,
                     ['continue', 'reject'])
            elif kind == 4:
                same(mta.message(Message(auth_user='cp1002', mail_from='x@neighbour.example')).verdict, 'accept')
            else:
                # ended by the client in the middle, after a foreign envelope and header
                mta.macros('M', Message().values())
                mta.event('M', b'<x@victim.example>\0')
                mta.event('R', b'<rcpt@remote.example>\0')
                mta.event('L', b'From\0 x@victim.example\0')
                mta.abort()
        mta.quiet()


def test_login_of_the_last_message_does_not_stick():
    with instance() as milter, Mta(milter.socket) as mta:
        mta.open()
        same(mta.message(Message(auth_user='cp1001')).verdict, 'accept')
        same(mta.message(Message(auth_user='cp1002')).verdict, 'reject', "another login's envelope")
        same(mta.message(Message(auth_user=None)).verdict, 'accept', 'incoming mail')
        milter.wait_log(r'path=remote')
