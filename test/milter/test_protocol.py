# The milter protocol itself: what is negotiated, and MTAs that are older, or say things in another order.
from case import check, same
from instance import Instance
from mta import NO_REPLY, NO_STEP, Message, Mta, ProtocolError, ask


def test_negotiation_asks_only_for_what_is_needed():
    with Instance() as milter, Mta(milter.socket) as mta:
        mta.negotiate()
        for command, words in (('B', 'body'), ('U', 'unknown commands'), ('T', 'DATA')):
            check(mta.steps & NO_STEP[command], '%s is not negotiated away (steps %x)', words, mta.steps)
        for command in 'CHMLN':
            check(mta.steps & (NO_REPLY[command] | NO_STEP[command]), 'a reply to %s is awaited (steps %x)', command,
                  mta.steps)
        for command in 'LMR':
            check(not mta.steps & NO_STEP[command], '%s was negotiated away', command)
        # hold is the only change that is ever made
        same(mta.actions & ~0x20, 0x100 & mta.actions, 'actions asked for')
        check(mta.wanted, 'no macro lists are set')
        check(sum(len(names) for names in mta.wanted.values()) <= 20, 'macros: %r', mta.wanted)
        check(all(len(names) < 50 for names in mta.wanted.values()), 'sendmail refuses more than 50: %r', mta.wanted)
        check('{auth_authen}' in mta.wanted.get('M', []), 'macros: %r', mta.wanted)


def test_awaited_replies_are_one_and_the_recipients():
    with Instance() as milter, Mta(milter.socket) as mta:
        mta.open()
        for recipients in (1, 2, 7):
            result = mta.message(Message(rcpt_to=['r%d@remote.example' % i for i in range(recipients)]))
            check(result.awaited <= 1 + recipients, '%d awaited replies for %d recipients', result.awaited, recipients)


def test_old_protocol_versions_work_or_are_refused_cleanly():
    outcomes = {}
    with Instance() as milter:
        for version, actions, steps in ((2, 0x3F, 0x7F), (3, 0x3F, 0x1FF), (4, 0x7F, 0x3FF), (6, 0x1FF, 0),
                                        (6, 0, 0x1FFFFF), (6, 0x1FF, 0x3FF)):
            offer = 'version %d actions %x steps %x' % (version, actions, steps)
            with Mta(milter.socket, version=version, actions=actions, steps=steps) as mta:
                try:
                    reply = mta.open()
                    check(reply is None, '%s: %r', offer, reply)
                    same(mta.message(Message()).verdict, 'accept', offer)
                    same(mta.message(Message(mail_from='x@victim.example')).verdict, 'reject', offer)
                    same(mta.message(Message(header_from='x@victim.example')).verdict, 'reject', offer)
                    outcomes[offer] = 'works'
                except ProtocolError as wrong:
                    check('closed' in str(wrong) and not mta.negotiated, '%s: %s', offer, wrong)
                    outcomes[offer] = 'refused'
        same(ask(milter.socket).verdict, 'accept', 'a modern MTA after the old ones')
    same(outcomes['version 6 actions 1ff steps 3ff'], 'works')
    same(outcomes['version 6 actions 1ff steps 0'], 'works')


def test_message_without_connect_or_helo_is_answered():
    with Instance() as milter:
        for skipped in ('C', 'H', 'CH'):
            with Mta(milter.socket) as mta:
                mta.negotiate()
                for command, data in (('C', b'h\x004\x61\xa8192.0.2.1\0'), ('H', b'h\0')):
                    if command not in skipped:
                        mta.event(command, data)
                result = mta.message(Message())
                check(result.verdict in ('accept', 'tempfail', 'reject'), '%s: %r', skipped, result)


def test_quit_and_new_connection_begins_afresh():
    with Instance() as milter, Mta(milter.socket) as mta:
        mta.open('192.0.2.1')
        same(mta.message(Message(auth_user=None)).verdict, 'accept')
        mta.send('K')
        mta.open('198.51.100.7')
        same(mta.message(Message(auth_user=None)).verdict, 'accept')
        check('client=198.51.100.7' in milter.wait_log(r'\bid=', at_least=2)[1], 'the second connection: %r', milter.log())


def test_clients_without_address_are_answered():
    with Instance() as milter:
        for client in (None, '/run/some.sock', '::1', '2001:db8::1', '::ffff:192.0.2.1'):
            same(ask(milter.socket, Message(), client=client).verdict, 'accept', repr(client))


def test_no_reply_comes_twice():
    with Instance(sender='default_domain_recipient = reject\ndefault_domains = {"bad.example"}') as milter, Mta(milter.socket) as mta:
        mta.open()
        for _ in range(200):
            mta.message(Message(rcpt_to=['a@remote.example', 'b@bad.example']))
            mta.message(Message(mail_from='x@victim.example'))
        mta.quiet()
