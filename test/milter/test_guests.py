# Who connects and says nothing, or half a packet, must not take the place of honest mail: not for a moment, and
# not for longer than a minute.
import contextlib
import select
import socket
import struct
import threading
import time

from case import Skip, check, note, same
from instance import DAEMON, SLOW, Instance, is_sanitized, wait_for
from mta import ACTIONS, Message, Mta, ask, packet

NEGOTIATE = packet('O', struct.pack('>III', 6, ACTIONS, 0))
CONNECT = packet('C', b'host\x004\x61\xa8192.0.2.1\0')
MAIL = packet('M', b'<x@own.example>\0')
HALVES = (b'', b'\0\0', NEGOTIATE[:9], NEGOTIATE + CONNECT[:7], NEGOTIATE + CONNECT + MAIL[:6])


def guard_needed():
    with open(DAEMON, 'rb') as f:
        if b'libmilter.so' in f.read():
            raise Skip('built with a shared libmilter, which cannot be guarded')


def guest(path, data):
    s = socket.socket(socket.AF_UNIX)
    s.connect(path)
    s.sendall(data)
    return s


def closed(sockets):
    """Those of them that the daemon has closed."""
    found = []
    for s in sockets:
        waiting = select.poll()
        waiting.register(s, select.POLLRDHUP)
        if waiting.poll(0):
            found.append(s)
    return found


def wait_connections(milter, number):
    check(wait_for(lambda: milter.figures()['descriptors'] >= number, 20), 'not all were let in: %r', milter.figures())


def test_half_packets_that_come_with_honest_mail_do_not_delay_it():
    guard_needed()
    stop, slowest = threading.Event(), [0.0]

    def honest(path):
        while not stop.is_set():
            start = time.monotonic()
            same(ask(path).verdict, 'accept')
            slowest[0] = max(slowest[0], time.monotonic() - start)
            time.sleep(0.001)

    # a sanitizer takes seconds to make a thread beside hundreds
    clients = 60 if is_sanitized() else 300
    with Instance() as milter, contextlib.ExitStack() as held:
        threads = [threading.Thread(target=honest, args=(milter.socket,)) for _ in range(3)]
        for thread in threads:
            thread.start()
        for number in range(clients):
            held.enter_context(guest(milter.socket, HALVES[number % len(HALVES)]))
            time.sleep(0.005)
        stop.set()
        for thread in threads:
            thread.join()
        note('the slowest message beside %d silent and half packets: %.0f ms', clients, slowest[0] * 1000)
        check(slowest[0] < 2 * SLOW, 'a message took %.1f s', slowest[0])


def test_half_packets_at_the_very_moment_of_honest_commands_do_not_delay_them():
    guard_needed()
    honest_words = CONNECT + MAIL + packet('R', b'<y@remote.example>\0')
    slowest = 0.0
    with Instance() as milter:
        for _ in range(12):
            with contextlib.ExitStack() as held:
                sockets = [held.enter_context(guest(milter.socket, NEGOTIATE)) for _ in range(6)]
                for s in sockets:
                    s.settimeout(30)
                    s.recv(4096)
                time.sleep(0.05)
                start = time.monotonic()
                for number, s in enumerate(sockets):
                    s.sendall(honest_words if number % 2 else CONNECT[:7])
                for s in sockets[1::2]:
                    s.recv(4096)
                slowest = max(slowest, time.monotonic() - start)
    note('the slowest of 12 rounds: %.0f ms', slowest * 1000)
    check(slowest < 2 * SLOW, 'an answer waited %.1f s for half packets', slowest)


def test_silent_and_half_packet_clients_are_sent_away_after_a_minute():
    guard_needed()
    with Instance() as milter, Mta(milter.socket) as kept, Mta(milter.socket) as waiting:
        kept.open()
        same(kept.message(Message()).verdict, 'accept')
        waiting.open()
        before = milter.figures()
        start = time.monotonic()
        held = [guest(milter.socket, HALVES[n % len(HALVES)]) for n in range(300)]
        wait_connections(milter, 300)
        full = milter.figures()
        while time.monotonic() - start < 55:
            began = time.monotonic()
            same(ask(milter.socket).verdict, 'accept', 'honest mail beside them')
            check(time.monotonic() - began < 2 * SLOW, 'honest mail took %.1f s', time.monotonic() - began)
            # one more byte now and then buys no time
            for s in held[2::5]:
                with contextlib.suppress(OSError):
                    s.send(b'\0')
            same(len(closed(held[:2])), 0, 'sent away after %.0f s' % (time.monotonic() - start))
            time.sleep(9)
        check(wait_for(lambda: len(closed(held)) == len(held), 12, 0.2), '%d of %d are still there after %.0f s',
              len(held) - len(closed(held)), len(held), time.monotonic() - start)
        note('all are sent away after %.1f s', time.monotonic() - start)
        wait_for(lambda: milter.figures()['threads'] <= before['threads'] + 2, 3)
        after = milter.figures()
        note('before %r, with 300 %r, after %r', before, full, after)
        check(after['descriptors'] <= before['descriptors'] + 2, 'descriptors: %r, before %r', after, before)
        check(after['threads'] <= before['threads'] + 2, 'threads: %r, before %r', after, before)
        same(kept.message(Message()).verdict, 'accept', 'a session that has had its first message may be silent')
        same(waiting.message(Message()).verdict, 'accept', "a session whose client is slow to begin is the MTA's affair")
        for s in held:
            s.close()


def test_silent_clients_beyond_max_connections_yield_to_honest_mail():
    guard_needed()
    with Instance(leumund='max_connections = 50') as milter, Mta(milter.socket) as mta:
        before = milter.figures()
        mta.open()
        same(mta.message(Message()).verdict, 'accept')
        held = [guest(milter.socket, HALVES[n % len(HALVES)]) for n in range(400)]
        # the door is shut in time: neither threads nor descriptors grow with the number of those who knock
        check(wait_for(lambda: len(closed(held)) >= 250, 10), 'only %d of 400 were turned away', len(closed(held)))
        most = milter.figures()
        note('with 400 knocking at 50 places: %r', most)
        check(most['descriptors'] <= before['descriptors'] + 120 and most['threads'] <= before['threads'] + 120,
              'more than the places: %r, before %r', most, before)
        same(mta.message(Message()).verdict, 'accept', 'a session that was there before')
        time.sleep(10.5)
        for _ in range(20):
            with Mta(milter.socket) as late:
                check(wait_for(lambda: late.open() is None, 1), 'an honest MTA was not let in')
                same(late.message(Message()).verdict, 'accept', 'honest mail when all places were taken')
        same(mta.message(Message()).verdict, 'accept', 'the session that was there before')
        milter.wait_log(r'max_connections \(50\) is reached')
        for s in held:
            s.close()


def test_client_that_takes_no_replies_holds_nobody_up():
    guard_needed()
    # each RCPT is answered; nobody reads the answers
    rcpt = packet('R', b'<r@remote.example>\0')
    with Instance() as milter, contextlib.ExitStack() as held:
        for _ in range(20):
            s = held.enter_context(guest(milter.socket, NEGOTIATE + CONNECT + MAIL))
            s.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                for _ in range(2000):
                    s.send(rcpt * 100)
        start = time.monotonic()
        for _ in range(20):
            same(ask(milter.socket).verdict, 'accept')
        check(time.monotonic() - start < 5 * SLOW, '20 messages took %.1f s', time.monotonic() - start)
