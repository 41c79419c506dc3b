# Whoever reaches the socket may say anything, in any order: the daemon stays, and the next honest message is judged.
import os
import random
import socket
import struct
import subprocess
import sys
import time

from case import Skip, check, note, same
from instance import SHARED, SLOW, Instance, is_sanitized, wait_for
from mta import ACTIONS, Message, Mta, ProtocolError, ask, packet, strings

NEGOTIATE = packet('O', struct.pack('>III', 6, ACTIONS, 0))
CONNECT = packet('C', b'host\x004\x61\xa8192.0.2.1\0')
STEPS = {
    'negotiate': NEGOTIATE, 'connect': CONNECT, 'helo': packet('H', b'host\0'),
    'mail': packet('M', b'<x@own.example>\0'), 'rcpt': packet('R', b'<y@remote.example>\0'), 'data': packet('T'),
    'header': packet('L', b'From\0x@own.example\0'), 'eoh': packet('N'), 'body': packet('B', b'hello\r\n'),
    'end': packet('E'), 'abort': packet('A'), 'unknown': packet('U', b'X\0'),
    'again': packet('K'), 'macros': packet('D', b'M{auth_type}\0PLAIN\0{auth_authen}\0cp1001\0i\x004Q\0'),
}


def throw(path, data, slowly=False):
    """Sends bytes, reads what comes until the daemon closes or 0.2 s of silence."""
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(0.2)
        s.connect(path)
        got = b''
        try:
            if slowly:
                for byte in data:
                    s.sendall(bytes([byte]))
                    time.sleep(0.0005)
            else:
                s.settimeout(5)
                s.sendall(data)
                s.settimeout(0.2)
            s.shutdown(socket.SHUT_WR)
            while len(got) < 1 << 20:
                piece = s.recv(65536)
                if not piece:
                    break
                got += piece
        except OSError:
            pass
        return got


def stays(milter, about):
    check(milter.alive(), '%s: the daemon ended: %s', about, milter.log()[-1000:])
    start = time.monotonic()
    same(ask(milter.socket).verdict, 'accept', about)
    same(ask(milter.socket, mail_from='x@victim.example').verdict, 'reject', about)
    return time.monotonic() - start


def test_every_packet_first_and_every_pair_of_packets():
    with Instance() as milter:
        for first in STEPS:
            throw(milter.socket, STEPS[first])
            for second in STEPS:
                throw(milter.socket, NEGOTIATE + STEPS[first] + STEPS[second])
            stays(milter, first)


def test_packets_in_random_order():
    chance = random.Random(20)
    with Instance() as milter:
        for number in range(300):
            data = NEGOTIATE + b''.join(STEPS[chance.choice(list(STEPS))] for _ in range(chance.randrange(1, 60)))
            throw(milter.socket, data)
            if number % 50 == 49:
                stays(milter, 'random order %d' % number)


def test_end_without_message_is_answered_and_not_accepted_unseen():
    with Instance() as milter:
        for about, data in (('end first', 'end'), ('end twice', 'mail rcpt header end end')):
            got = throw(milter.socket, NEGOTIATE + CONNECT + b''.join(STEPS[w] for w in data.split()))
            check(len(got) >= 17, '%s: no answer: %r', about, got)
            stays(milter, about)


def test_garbage_truncated_and_oversized_packets():
    chance = random.Random(21)
    bytes_of = lambda n: bytes(chance.randrange(256) for _ in range(n))
    prefix = NEGOTIATE + CONNECT
    with Instance() as milter:
        for about, data in (
                ('nothing', b''), ('http', b'GET / HTTP/1.0\r\n\r\n'), ('smtp', b'EHLO x\r\n'),
                ('tls', b'\x16\x03\x01\x02\x00\x01\x00' + bytes_of(300)), ('random', bytes_of(5000)),
                ('zeros', b'\0' * 70000), ('ones', b'\xff' * 70000), ('length 0', b'\0\0\0\0O'),
                ('length 4 GB', b'\xff\xff\xff\xffM'), ('length 2 GB', b'\x80\0\0\0M'),
                ('length lies', prefix + b'\0\0\xff\xffM<a'), ('short negotiation', packet('O', b'\0\0\0\6')),
                ('no strings', prefix + packet('M') + packet('R') + packet('L') + packet('E')),
                ('no NUL', prefix + packet('M', b'<a@own.example>') + packet('R', b'<b@c>') + packet('L', b'From')),
                ('header without value',
                 prefix + STEPS['mail'] + STEPS['rcpt'] + packet('L', b'From\0') + STEPS['end']),
                ('header with three strings',
                 prefix + STEPS['mail'] + STEPS['rcpt'] + packet('L', b'From\0a\0b\0') + STEPS['end']),
                ('empty header name', prefix + STEPS['mail'] + STEPS['rcpt'] + packet('L', b'\0x\0') + STEPS['end']),
                ('1 MB packet', prefix + STEPS['mail'] + packet('B', b'x' * (1 << 20))),
                ('unknown family', NEGOTIATE + packet('C', b'h\0Z') + STEPS['mail'] + STEPS['end']),
                ('bad address', NEGOTIATE + packet('C', b'h\x004\0\x19999.1.1.1\0') + STEPS['mail'] + STEPS['end']),
                ('bad address 6', NEGOTIATE + packet('C', b'h\x006\0\x19IPv6:zz\0') + STEPS['mail'] + STEPS['end'])):
            throw(milter.socket, data)
            stays(milter, about)
        whole = NEGOTIATE + b''.join(STEPS[w] for w in 'connect helo macros mail rcpt header eoh body end'.split())
        for cut in range(0, len(whole), 3):
            throw(milter.socket, whole[:cut])
        stays(milter, 'truncated at every third byte')


def test_one_byte_at_a_time():
    whole = NEGOTIATE + b''.join(STEPS[w] for w in 'connect helo macros mail rcpt header eoh body end'.split())
    with Instance() as milter:
        got = throw(milter.socket, whole, slowly=True)
        check(got.startswith(b'\0\0\0'), 'answer %r', got)
        stays(milter, 'trickle')


def test_macros_with_garbage():
    with Instance() as milter:
        for data in (b'', b'M', b'\0', b'Mi', b'M\0\0\0\0', b'Z{auth_authen}\0x\0', b'M{auth_authen}\0',
                     b'M{auth_authen}\0' + b'u' * 60000 + b'\0{auth_type}\0PLAIN\0',
                     b'M' + b''.join(b'{m%d}\0v\0' % i for i in range(5000)),
                     b'M{auth_type}\0%n%s\0{auth_authen}\0%n%s\r\n\x1b\0i\0%n\0',
                     b'M{auth_type}\0PLAIN\0{auth_authen}\0\xff\xfe@\xff\0', b'Ci\0' + bytes(range(1, 256)) + b'\0'):
            throw(milter.socket, NEGOTIATE + CONNECT + packet('D', data) + STEPS['mail'] + STEPS['rcpt'] +
                  STEPS['header'] + STEPS['end'])
            stays(milter, 'macros %r' % data[:30])
        throw(milter.socket, NEGOTIATE + STEPS['macros'] * 20000 + CONNECT)
        stays(milter, 'a flood of macros')


def test_macros_without_value_do_not_end_the_daemon():
    # libmilter's own smfi_getsymval() reads beyond a list of names and values that is odd
    with Instance() as milter:
        for number in range(100):
            for junk in (packet('D', b'C' + b'A' * 22 + b'\0'), packet('D', b'C' + b'A' * 23)):
                throw(milter.socket, NEGOTIATE + junk * 4 + packet('D', b'Cxy\0') + CONNECT + STEPS['mail'])
                throw(milter.socket, NEGOTIATE + CONNECT + packet('D', b'Ma\0b\0c\0') + STEPS['mail'])
            check(milter.alive(), 'the daemon ended after %d rounds', number)
        stays(milter, 'odd macros')


def test_headers_of_64_kilobytes():
    with Instance() as milter:
        for value, verdict in ((b'info@own.example' + b' ' * 65000, 'reject'), (b'(' * 60000, 'reject'),
                               (b'"' + b'\\' * 60000, 'reject'),
                               (b',' * 60000, 'reject'), (b'<' * 60000, 'reject'),
                               (b'a@own.example,' * 4000 + b'a@own.example', None),
                               (b'=?utf-8?Q?' * 5000, 'reject'), (b'g:' * 30000, 'reject')):
            start = time.monotonic()
            result = ask(milter.socket, header_from=value)
            check(result.verdict in (verdict, 'tempfail') or verdict is None, '%r...: %r', value[:20], result)
            check(time.monotonic() - start < 2 * SLOW, '%r... took %.1f s', value[:20], time.monotonic() - start)
        stays(milter, 'large headers')


def test_ten_thousand_headers():
    many = [('X-Header-%d' % i, 'value') for i in range(10000)]
    author = [('From', 'info@own.example')]
    foreign = [('From', 'x@victim.example')]
    with Instance() as milter:
        same(ask(milter.socket, Message(headers=author + many)).verdict, 'accept')
        same(ask(milter.socket, Message(headers=many + author)).verdict, 'accept')
        same(ask(milter.socket, Message(headers=many + foreign)).verdict, 'reject', 'a foreign From behind them')
        same(ask(milter.socket, Message(headers=author + many + foreign)).verdict, 'reject',
             'a second From behind them')
        result = ask(milter.socket, Message(headers=author * 10000))
        check(result.verdict in ('reject', 'tempfail'), '10,000 From fields: %r', result)
        result = ask(milter.socket, Message(headers=author + [('Sender', 'x' * 60000)] * 1000))
        check(result.verdict in ('reject', 'tempfail'), '60 MB of Sender fields: %r', result)
        stays(milter, 'many headers')


def test_five_thousand_recipients():
    with Instance() as milter, Mta(milter.socket) as mta:
        mta.open()
        result = mta.message(Message(rcpt_to=['r%d@remote.example' % i for i in range(5000)]))
        check(result.verdict in ('accept', 'tempfail') and result.rcpt[0] == 'continue', '%r', result.verdict)
        note('5,000 recipients: %s, %d accepted', result.verdict, result.rcpt.count('continue'))
        result = mta.message(Message(mail_from='x@victim.example',
                                     rcpt_to=['r%d@remote.example' % i for i in range(5000)]))
        same(set(result.rcpt), {'reject'})
        line = max((len(l) for l in milter.log().split('\n')), default=0)
        check(line < 2048, 'a log line of %d bytes', line)
        same(len(milter.wait_log(r'SND20')), 1, 'log lines for one message refused at 5,000 recipients')


def test_flood_beyond_max_connections_is_told_to_come_back_later():
    with Instance(leumund='max_connections = 20\nidle_limit = 60s') as milter:
        before = milter.figures()
        opened = []
        for _ in range(20):
            mta = Mta(milter.socket)
            reply = mta.open()
            opened.append((mta, reply))
        same([r for _, r in opened if r], [], 'within the limit')
        for _ in range(5):
            with Mta(milter.socket) as mta:
                reply = mta.open()
                check(reply and reply.kind in ('tempfail', 'shutdown'), 'beyond the limit: %r', reply)
        for mta, _ in opened:
            same(mta.message(Message()).verdict, 'accept', 'a session within the limit')
            mta.close()
        check(wait_for(lambda: ask(milter.socket).verdict == 'accept', 3), 'not served after the flood')
        wait_for(lambda: milter.figures()['descriptors'] <= before['descriptors'], 3)
        check(milter.figures()['descriptors'] <= before['descriptors'], 'descriptors: %r, before %r', milter.figures(),
              before)


def test_half_open_flood_does_not_stop_service():
    # each has a thread, which costs a sanitizer more than a megabyte
    clients = 300 if is_sanitized() else 1500
    with Instance(leumund='max_connections = 2000') as milter:
        ask(milter.socket)
        before = milter.figures()
        held = []
        for number in range(clients):
            # without a timeout, connect() waits while the queue of the listening socket is full
            s = socket.socket(socket.AF_UNIX)
            s.connect(milter.socket)
            if number % 3 == 1:
                s.sendall(b'\0\0')
            if number % 3 == 2:
                s.sendall(NEGOTIATE[:9])
            held.append(s)
        # they come faster than they are accepted
        check(wait_for(lambda: milter.figures()['descriptors'] >= clients, 20), 'not all are accepted: %r',
              milter.figures())
        note('with %d half-open connections: %r', clients, milter.figures())
        cpu = lambda: sum(int(n) for n in open('/proc/%d/stat' % milter.pid).read().rsplit(')', 1)[1].split()[11:13])
        # silent clients must cost nothing; the honest one beside them is answered
        took = stays(milter, 'half-open connections')
        note('probe beside %d half-open connections: %.0f ms', clients, took * 1000)
        check(took < 2 * SLOW, 'two messages took %.1f s beside silent clients', took)
        start = cpu()
        time.sleep(1)
        check(cpu() - start < 50, 'silent clients burn %d %% of a core', cpu() - start)
        for s in held:
            s.close()
        wait_for(lambda: milter.figures()['descriptors'] <= before['descriptors'] + 2, 10)
        check(milter.figures()['descriptors'] <= before['descriptors'] + 2, 'descriptors %r, before %r',
              milter.figures(), before)


def clean(milter, before, about):
    """Sessions that ended in the middle must not stay."""
    wait_for(lambda: milter.figures()['descriptors'] <= before['descriptors'] + 2, 10)
    after = milter.figures()
    check(after['descriptors'] <= before['descriptors'] + 2, '%s: descriptors %r, before %r', about, after, before)


def shared_tool():
    tool = os.path.join(SHARED, 'tools', 'milter_abuse.py')
    if not os.path.exists(tool):
        raise Skip('no ../shared/tools/milter_abuse.py')
    return tool


def test_abuse_suite_beside_the_project():
    tool = shared_tool()
    with Instance() as milter:
        before = milter.figures()
        done = subprocess.run([sys.executable, '-B', tool, 'abuse', milter.socket, '--pid', str(milter.pid)],
                              stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, check=False)
        summary = [l for l in done.stdout.split('\n') if 'SUMMARY' in l]
        note('%s', summary and summary[0])
        check(done.returncode == 0, '%s', done.stdout[-3000:])
        stays(milter, 'the abuse suite')
        clean(milter, before, 'the abuse suite')


def test_protocol_fuzz_beside_the_project():
    tool = shared_tool()
    sessions = os.environ.get('FUZZ_SESSIONS', '20000')
    with Instance() as milter:
        before = milter.figures()
        done = subprocess.run([sys.executable, '-B', tool, 'fuzz', milter.socket, '--pid', str(milter.pid), '-n',
                               sessions, '--seed', '2', '--maxfail', '1'],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        summary = [l for l in done.stdout.split('\n') if 'SUMMARY' in l]
        note('%s', summary and summary[0])
        check(done.returncode == 0, '%s', done.stdout[-3000:])
        stays(milter, 'the fuzz')
        clean(milter, before, 'the fuzz')
