# The bounds of a line of the Exim protocol: whatever is asked, the asker reads a whole answer. Exim's
# ${readsocket} takes a reset connection for a failure and never sees what was said before.
import os
import signal
import socket
import threading
import time

import exim
from case import check, same
from instance import Instance

LINE_MAX = 1536 * 1024  # common/exim/exim.h


def asked(path, data, shut=True):
    """As Exim does it: all is written, then the answer is read to its end; a reset is an error."""
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(20)
        s.connect(path)
        s.sendall(data)
        if shut:
            s.shutdown(socket.SHUT_WR)
        answer = b''
        while True:
            piece = s.recv(65536)
            if not piece:
                return answer
            answer += piece


def padded(size):
    """A question of so many bytes before its newline."""
    begin = b'data mail_from=info@own.example auth_user=cp1001 auth_type=plain client_addr=192.0.2.1 helo='
    return begin + b'h' * (size - len(begin)) + b'\n'


def test_line_that_is_too_long_is_answered_by_an_error():
    with Instance() as milter:
        for size in (LINE_MAX + 1, LINE_MAX + 2, LINE_MAX + 4096, 2 << 20, 3 << 20, 20 << 20):
            for shut in (True, False):
                answer = asked(milter.exim, padded(size), shut)
                check(answer.startswith(b'error ') and answer.endswith(b'\n') and answer.count(b'\n') == 1,
                      'a line of %d bytes: %r', size, answer)
        for size in (100, 4093, 4094, 4095, 4096, 4097, LINE_MAX - 1, LINE_MAX):
            answer = asked(milter.exim, padded(size))
            check(answer and not answer.startswith(b'error '), 'a line of %d bytes: %r', size, answer)
        same(milter.figures()['threads'] < 20, True, 'threads are left')


def test_line_that_never_ends_is_given_up():
    with Instance() as milter, socket.socket(socket.AF_UNIX) as s:
        s.settimeout(1)
        s.connect(milter.exim)
        start = time.monotonic()
        try:
            while time.monotonic() - start < 20:
                s.sendall(b'x' * 65536)
        except OSError:
            pass
        took = time.monotonic() - start
        check(took < 15, 'a caller that goes on for ever was heard for %.0f s', took)
        check(milter.figures()['rss'] < 40 << 10 or took < 8, 'memory: %r', milter.figures())


def test_signal_does_not_cut_a_question_short():
    wrong = []

    def ask(milter):
        for _ in range(30):
            line = exim.line('rcpt', mail_from='info@own.example', rcpt_to='x@remote.example', auth_user='cp1001',
                             auth_type='plain', client_addr='192.0.2.1')
            answer = exim.talk(milter.exim, line, pieces=20, pause=lambda: time.sleep(0.003))
            if answer != b'accept\n':
                wrong.append(answer)

    with Instance() as milter:
        threads = [threading.Thread(target=ask, args=(milter,)) for _ in range(8)]
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            os.kill(milter.pid, signal.SIGHUP)
            time.sleep(0.01)
        same(wrong, [], 'answers during reloads')
