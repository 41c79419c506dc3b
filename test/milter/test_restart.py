# Restart, reload and change of the directory while mail flows: no message is lost, none is judged by half a
# configuration.
import os
import signal
import threading
import time

from case import check, note, same
from instance import DOMAINS, Instance, is_sanitized, wait_for
from mta import Message, Mta, ask
from tools import MIXED, Load

FOREIGN = {'mail_from': 'x@victim.example', 'header_from': 'x@own.example'}


def test_three_restarts_under_fifty_busy_clients_lose_nothing():
    with Instance(leumund='drain_limit = 60s') as milter:
        work = Load(milter.socket, '-c', 50, '-n', 1200, '-k', 20, '-g', 4000, *MIXED)
        for number in range(3):
            time.sleep(2)
            check(work.running(), 'the load was over before restart %d: send more', number)
            old, start = milter.daemons[-1], time.monotonic()
            milter.start()
            note('restart %d: the new daemon serves after %.0f ms', number + 1, (time.monotonic() - start) * 1000)
            status = wait_for(lambda: old.poll() is not None, 70)
            check(status, 'the replaced daemon is still there')
            same(old.returncode, 0, 'exit status of the replaced daemon')
        done = work.finish()
        note('%d messages, %d lost, %d wrong, longest wait %.0f ms', done['messages'], done['lost'], done['wrong'],
             done['max_wait_ms'])
        same((done['messages'], done['lost'], done['wrong']), (60000, 0, 0), done['trouble'])
        same(open(milter.pid_file).read().strip(), str(milter.pid), 'the pid file')


def test_open_session_is_finished_by_the_daemon_that_began_it():
    with Instance(leumund='drain_limit = 30s') as milter, Mta(milter.socket) as mta:
        mta.open()
        same(mta.message(Message()).verdict, 'accept')
        mta.macros('M', Message().values())
        mta.event('M', b'<x@victim.example>\0')
        old = milter.daemons[-1]
        milter.start()
        same(ask(milter.socket).verdict, 'accept', 'the new daemon')
        reply = mta.event('R', b'<y@remote.example>\0')
        same(reply.kind, 'reject', 'the message in the middle of the change')
        mta.abort()
        same(mta.message(Message()).verdict, 'accept', 'another message in the old session')
        check(old.poll() is None, 'the old daemon left its session')
        mta.close()
        check(wait_for(lambda: old.poll() is not None, 10), 'the old daemon stays after its last session')
        same(ask(milter.socket).verdict, 'accept', 'and its end takes nothing away')


def test_drain_limit_ends_a_session_that_never_ends():
    with Instance(leumund='drain_limit = 2s') as milter, Mta(milter.socket) as mta:
        mta.open()
        old = milter.daemons[-1]
        milter.start()
        check(wait_for(lambda: old.poll() is not None, 8), 'still there 8 s after a drain limit of 2 s')
        same(ask(milter.socket).verdict, 'accept')


def test_sigterm_ends_within_the_drain_limit_and_leaves_nothing():
    with Instance() as milter:
        ask(milter.socket)
        start = time.monotonic()
        milter.daemons[-1].terminate()
        check(wait_for(lambda: not milter.alive(), 4), "waits for libmilter's own 5 s")
        note('SIGTERM to end: %.0f ms', (time.monotonic() - start) * 1000)
        same([f for f in os.listdir(milter.run) if 'sock' in f or 'pid' in f], [], 'files left')


def test_killed_daemon_leaves_no_obstacle():
    with Instance() as milter:
        for _ in range(3):
            milter.daemons[-1].kill()
            milter.daemons.pop().wait()
            milter.start()
            same(ask(milter.socket).verdict, 'accept')
            same(open(milter.pid_file).read().strip(), str(milter.pid), 'the pid file')


def test_reload_takes_new_rules_for_new_connections():
    with Instance() as milter:
        same(ask(milter.socket, **FOREIGN).verdict, 'reject')
        milter.write('20-more.conf', 'sender {\n\tenvelope_owner = hold\n}\n')
        os.kill(milter.pid, signal.SIGHUP)
        check(wait_for(lambda: ask(milter.socket, **FOREIGN).verdict == 'hold', 3),
              'the new rule is not in force:\n%s', milter.log())


def test_bad_configuration_is_refused_and_the_old_one_stays():
    with Instance() as milter:
        for text, words in (('sender {\n\tenvelope_owner = perhaps\n}\n', r'20-more\.conf:2: .*'),
                            ('sender {\n\tnonsense = 1\n}\n', r'20-more\.conf:2: .*nonsense'),
                            ('nonsense {\n}\n', r'20-more\.conf:1: .*nonsense'), ('sender {\n', r'20-more\.conf:\d+: '),
                            ('sender {\n\tenable = false\n}\n', r'no milter')):
            milter.write('20-more.conf', text)
            before = len(milter.log_lines(words))
            os.kill(milter.pid, signal.SIGHUP)
            milter.wait_log(words, at_least=before + 1)
            milter.wait_log(r'(?i)(stays|kept|remains|old|still in force)')
            same(ask(milter.socket, **FOREIGN).verdict, 'reject', 'the old rules')
            same(ask(milter.socket).verdict, 'accept', 'the old rules')


def test_bad_configuration_stops_the_start_with_file_and_line():
    milter = Instance()
    try:
        milter.write('20-more.conf', '# first line\nsender {\n\tenvelope_owner = perhaps\n}\n')
        status, said = milter.refused()
        same(status, 78, said)
        check('20-more.conf:3: ' in said and 'reject' in said, 'file, line and what is allowed: %r', said)
    finally:
        milter.remove()


def test_two_hundred_reloads_under_load_lose_nothing():
    with Instance() as milter:
        # 8 to 1 between good and bad: a bad one must change nothing
        work = Load(milter.socket, '-c', 20, '-n', 50000, '-k', 10, *MIXED)
        for number in range(200):
            action = 'nonsense' if number % 9 == 8 else ('off', 'observe')[number % 2]
            milter.write('20-more.conf', 'sender {\n\tdisplay_spoof = %s\n}\n' % action)
            os.kill(milter.pid, signal.SIGHUP)
            time.sleep(0.02)
        check(work.running(), 'the load was over before the reloads: send more')
        done = work.stop()
        note('%d messages, %d lost, %d wrong', done['messages'], done['lost'], done['wrong'])
        check(done['messages'] > 1000, 'only %d messages', done['messages'])
        same((done['lost'], done['wrong']), (0, 0), done['trouble'])
        same(ask(milter.socket, **FOREIGN).verdict, 'reject')


def test_thousand_reloads_leak_nothing():
    with Instance() as milter:
        ask(milter.socket)
        for number in range(1000):
            os.kill(milter.pid, signal.SIGHUP)
            time.sleep(0.002)
            if number == 100:
                before = milter.figures()
        same(ask(milter.socket).verdict, 'accept')
        # one descriptor is open while a file is read
        wait_for(lambda: milter.figures()['descriptors'] <= before['descriptors'], 3)
        after = milter.figures()
        note('after 100 reloads %r, after 1,000 %r', before, after)
        check(after['descriptors'] <= before['descriptors'], 'descriptors: %r, before %r', after, before)
        check(is_sanitized() or after['rss'] <= before['rss'] + 1024, 'memory grew: %r, before %r', after, before)


def test_change_of_the_directory_is_seen_within_two_seconds():
    with Instance() as milter:
        for number in range(3):
            domain = 'new%d.example' % number
            same(ask(milter.socket, mail_from='x@' + domain).verdict, 'reject')
            milter.write_domains(DOMAINS + domain + ': cp1001\n')
            start = time.monotonic()
            check(wait_for(lambda: ask(milter.socket, mail_from='x@' + domain).verdict == 'accept', 2.2, 0.05),
                  'not seen after 2 s')
            note('directory change seen after %.1f s', time.monotonic() - start)
        milter.write_domains(DOMAINS)
        check(wait_for(lambda: ask(milter.socket, mail_from='x@new2.example').verdict == 'reject', 2.2, 0.05),
              'a removal is not seen')


def test_broken_line_of_the_directory_is_reported_and_skipped():
    with Instance(domains='own.example: cp1001\nthis is no line\n') as milter:
        milter.wait_log(r'userdomains:2: ')
        same(ask(milter.socket).verdict, 'accept')
        same(ask(milter.socket, mail_from='x@victim.example').verdict, 'reject', 'the rest stays in force')


def test_vanished_or_empty_directory_keeps_the_last_good_state():
    with Instance() as milter:
        for empty in (True, False):
            before = len(milter.log_lines('userdomains'))
            milter.write_domains('') if empty else os.unlink(milter.domains)
            milter.wait_log('userdomains', at_least=before + 1)
            same(ask(milter.socket).verdict, 'accept')
            same(ask(milter.socket, mail_from='x@victim.example').verdict, 'reject', 'the last good state')
            milter.write_domains(DOMAINS + 'back%d.example: cp1001\n' % empty)
            check(wait_for(lambda: ask(milter.socket, mail_from='x@back%d.example' % empty).verdict == 'accept', 4,
                           0.05), 'a good file again')


def test_directory_changes_under_load_lose_nothing():
    stop = threading.Event()

    def change(milter):
        number = 0
        while not stop.wait(0.3):
            number += 1
            milter.write_domains(DOMAINS + ''.join('d%d.example: cp1003\n' % i for i in range(number % 7 * 1000)))

    with Instance() as milter:
        thread = threading.Thread(target=change, args=(milter,))
        thread.start()
        try:
            done = Load(milter.socket, '-c', 20, '-n', 1000, '-k', 20, *MIXED).finish()
        finally:
            stop.set()
            thread.join()
        same((done['messages'], done['lost'], done['wrong']), (20000, 0, 0), done['trouble'])
