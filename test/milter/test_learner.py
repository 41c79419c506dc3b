# leumund-learn: the MTA's log in, what other servers answered into the store; each outcome once, whatever is killed,
# rotated or away meanwhile.
import collections
import contextlib
import os
import shutil
import signal
import subprocess
import threading
import time

from case import Skip, check, note, same
from command import Command
from instance import BUILD, ROOT, SLOW, Redis, process_figures, wait_for

LEARN = os.path.join(BUILD, 'leumund-learn')
DATA = os.path.join(ROOT, 'test', 'data', 'maillog')
REFUSED = ('to=<%s>, relay=mx.test[198.51.100.1]:25, delay=1, delays=1/0/0/0, dsn=5.1.1, status=bounced (host '
           'mx.test[198.51.100.1] said: 550 5.1.1 <%s>: User unknown (in reply to RCPT TO command))')


def message(number, recipient=None, login='info@own.example'):
    """One by SMTP AUTH that is refused, as Postfix logs it now."""
    now = time.time() - 10 + number / 1000  # as no account is refused faster than that
    stamp = time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(now)) + '.%06d+00:00' % (now % 1 * 1000000)
    head = stamp + ' host postfix/%s[1]: ' + '%07X: ' % number
    recipient = recipient or 'u%d@far.example' % number
    return ''.join(line + '\n' for line in (
        head % 'smtpd' + 'client=pc.test[192.0.2.1], sasl_method=PLAIN, sasl_username=' + login,
        head % 'qmgr' + 'from=<%s>, size=1, nrcpt=1 (queue active)' % login,
        head % 'smtp' + REFUSED % (recipient, recipient),
        head % 'qmgr' + 'removed'))


class Follower(Command):
    def __init__(self, learn='', store=''):
        super().__init__()
        self.needs_redis()
        os.mkdir(self.run)
        self.log, self.state, self.children = os.path.join(self.home, 'mail.log'), os.path.join(self.home, 'state'), []
        self.write('60-learn.conf', 'learn {\n\tfiles = {"%s"}\n\tstate = "%s"\n%s\n}\n' % (self.log, self.state, learn))
        self.write('61-store.conf', 'store {\n\thistory_max = 1000000\n%s\n}\n' % store)
        open(self.log, 'w').close()
        self.redis = Redis(self)
        self.redis.start()

    def __exit__(self, *_):
        with contextlib.suppress(OSError):
            self.redis.thaw()
        for child in self.children:
            child.kill()
            child.wait()
        self.redis.end()
        super().__exit__()

    def add(self, text, name=None):
        with open(name or self.log, 'a') as f:
            f.write(text)

    def learner(self, *words):
        """Runs, and has found its place."""
        read, write = os.pipe()
        child = subprocess.Popen([LEARN, '-S', '-c', self.conf, '-r', self.run, *words], pass_fds=[write],
                                 stdin=subprocess.DEVNULL, stderr=open(os.path.join(self.home, 'said'), 'ab'),
                                 env=dict(self.environment, LEUMUND_READY_FD=str(write)))
        os.close(write)
        self.children.append(child)
        with os.fdopen(read) as f:
            same(f.read(5), 'ready', self.said())
        return child

    def end(self, child, number=signal.SIGTERM):
        child.send_signal(number)
        child.wait(20 * SLOW)
        self.children.remove(child)
        return child.returncode

    def said(self):
        with contextlib.suppress(FileNotFoundError), open(os.path.join(self.home, 'said')) as f:
            return f.read()
        return ''

    def once(self, *words, stdin=subprocess.DEVNULL):
        done = subprocess.run([LEARN, '-S', '-c', self.conf, '-r', self.run, *words], stdin=stdin,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=self.environment, check=False,
                              timeout=60 * SLOW)
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    def recipients(self):
        """{recipient: how often it stands in the history}"""
        entries = self.redis.command('XRANGE', 'leu:hist:{cp1001}', '-', '+') or []
        words = (dict(w.split('=', 1) for w in entry[1][1].decode().split(' ')[1:] if '=' in w) for entry in entries)
        return collections.Counter(word['rcpt_to'] for word in words)

    def expect(self, count, seconds=20):
        """Each of so many recipients, once."""
        wait_for(lambda: len(self.recipients()) >= count, seconds, 0.1)
        found = self.recipients()
        same(sorted(set(range(count)) - {int(r[1:r.index('@')]) for r in found}), [], 'not counted:\n' + self.said()[-2000:])
        same({r: n for r, n in found.items() if n != 1}, {}, 'counted more than once')
        same(len(found), count)


class Writer(threading.Thread):
    """What an MTA does: opens its log, and writes on until it is told to open it anew."""

    def __init__(self, path, count, pause=0.002):
        super().__init__()
        self.path, self.count, self.pause, self.reopen, self.file = path, count, pause, threading.Event(), None

    def run(self):
        self.file = open(self.path, 'a', buffering=1)
        for number in range(self.count):
            if self.reopen.is_set():
                self.reopen.clear()
                self.file.close()
                self.file = open(self.path, 'a', buffering=1)
            self.file.write(message(number))
            time.sleep(self.pause)
        self.file.close()


def test_an_answer_is_in_the_store_within_a_second():
    with Follower() as leumund:
        leumund.learner()
        slowest = 0
        for number in range(10):
            start = time.monotonic()
            leumund.add(message(number))
            check(wait_for(lambda: len(leumund.recipients()) > number, 5, 0.01), 'never: %s', leumund.said())
            slowest = max(slowest, time.monotonic() - start)
            time.sleep(0.03 * number)
        note('at most %d ms from the line to the store', slowest * 1000)
        check(SLOW > 1 or slowest <= 1, '%.2f s', slowest)
        leumund.write('20-sender.conf', 'sender {\n\tenable = false\n}\n')
        shown = leumund('history', 'cp1001', '--max', '1').out
        for words in ('bounced', 'info@own.example -> u9@far.example', 'class=nonexistent-mailbox', 'phase=rcpt', 'code=550', 'User'):
            check(words in shown, '%s: %s', words, shown)


def test_what_was_delivered_or_said_by_ourselves_is_no_refusal():
    with Follower() as leumund:
        child = leumund.learner()
        for name in ('postfix.log', 'sendmail.log', 'exim.log'):
            with open(os.path.join(DATA, name)) as f:
                leumund.add(f.read().replace('cp1001@cp1server.example.com, mech', 'info@own.example, mech'))
        leumund.add(message(0))
        leumund.expect(1)
        same(leumund.end(child), 0)
        check('0 doubtful lines' in leumund.said(), '%s', leumund.said())


def test_killed_again_and_again():
    count = 1500
    with Follower() as leumund:
        child, writer = leumund.learner(), Writer(leumund.log, count)
        writer.start()
        kills = 0
        while writer.is_alive():
            time.sleep(0.25)
            leumund.end(child, signal.SIGKILL)
            kills += 1
            child = leumund.learner()
        writer.join()
        leumund.expect(count)
        note('%d kills', kills)
        check(kills >= 5, '%d kills', kills)


def rotate_by_rename(leumund, writer):
    os.rename(leumund.log, leumund.log + '.1')
    open(leumund.log, 'w').close()
    time.sleep(0.1)  # until its writer is told
    writer.reopen.set()


def rotate_by_copy(leumund, writer):
    # what is written between copy and truncation is lost to all, so the writer waits as long
    writer.pause, pause = 0.5, writer.pause
    time.sleep(0.1)
    shutil.copyfile(leumund.log, leumund.log + '.1')
    os.truncate(leumund.log, 0)
    writer.pause = pause


def test_rotated_and_killed_in_the_middle():
    count = 1200
    for rotate in (rotate_by_rename, rotate_by_copy):
        with Follower() as leumund:
            child, writer = leumund.learner(), Writer(leumund.log, count)
            writer.start()
            for turn in range(3):
                time.sleep(0.4)
                if turn == 1:  # and nobody looks
                    leumund.end(child, signal.SIGKILL)
                rotate(leumund, writer)
                if turn == 2:
                    leumund.end(child, signal.SIGKILL)
                if turn > 0:
                    time.sleep(0.1)
                    child = leumund.learner()
            writer.join()
            leumund.expect(count)
            same(leumund.end(child), 0)
            check('gaps 0' in leumund.said(), '%s', leumund.said()[-1000:])


def test_the_store_is_away():
    count = 1000
    with Follower() as leumund:
        child, writer = leumund.learner(), Writer(leumund.log, count)
        writer.start()
        time.sleep(0.3)
        leumund.redis.freeze()  # what is asked then may happen later
        time.sleep(2)
        leumund.end(child, signal.SIGKILL)
        child = leumund.learner()
        writer.join()
        check(wait_for(lambda: any(name.startswith('spool.0') for name in os.listdir(leumund.state)), 10), 'no spool')
        time.sleep(0.5)
        leumund.redis.thaw()
        start = time.monotonic()
        leumund.expect(count)
        note('%.1f s after it came back', time.monotonic() - start)
        check(wait_for(lambda: not any(name.startswith('spool.0') for name in os.listdir(leumund.state)), 10), 'spool left')
        same(leumund.end(child), 0)
        check('takes nothing; outcomes are kept' in leumund.said(), '%s', leumund.said())
        check('dropped 0' in leumund.said(), '%s', leumund.said())


def test_the_spool_is_bounded_and_says_what_it_lost():
    with Follower(learn='\tspool = 1000') as leumund:
        leumund.redis.freeze()
        child = leumund.learner()
        for number in range(0, 25000, 500):
            leumund.add(''.join(message(n) for n in range(number, number + 500)))
            time.sleep(0.05)
        time.sleep(2 * SLOW)
        leumund.redis.thaw()
        check(wait_for(lambda: leumund.recipients().get('u24999@far.example'), 30, 0.2), '%s', leumund.said())
        same(leumund.end(child), 0)
        dropped = int(leumund.said().rsplit('dropped ', 1)[1].split(',')[0])
        found = leumund.recipients()
        same(set(found.values()), {1})
        check(dropped > 0 and len(found) + dropped >= 25000 - 50, '%d + %d', len(found), dropped)


def test_one_at_a_time_and_a_successor():
    with Follower() as leumund:
        first = leumund.learner()
        leumund.add(message(0))
        leumund.expect(1)
        status, _, said = leumund.once()
        same(status, 69, said)
        leumund.add(message(1))
        second = leumund.learner('-T')
        same(first.wait(20 * SLOW), 0)
        leumund.children.remove(first)
        leumund.add(message(2))
        leumund.expect(3)
        second.send_signal(signal.SIGHUP)
        leumund.add(message(3))
        leumund.expect(4)
        same(leumund.end(second), 0)
        check('was read again' in leumund.said(), '%s', leumund.said())
        same(os.path.exists(os.path.join(leumund.run, 'learn.pid')), False)


def test_a_bad_configuration_keeps_the_old_one():
    with Follower() as leumund:
        child = leumund.learner()
        leumund.write('70-bad.conf', 'learn {\n\tspool = never\n}\n')
        child.send_signal(signal.SIGHUP)
        leumund.add(message(0))
        leumund.expect(1)
        check(wait_for(lambda: 'is refused' in leumund.said(), 5), '%s', leumund.said())
        leumund.write('70-bad.conf', 'learn {\n\tfiles = {"mail.log"}\n}\n')
        status, _, said = leumund.once('--print')
        same((status, 'write the whole name' in said), (78, True), said)
        leumund.write('70-bad.conf', 'learn {\n\tenable = true\n\tfiles = {}\n}\n')
        status, _, said = leumund.once('--print')
        same((status, 'there is nothing to read' in said), (78, True), said)


def test_run_starts_it_and_ends_it():
    with Follower(learn='\tenable = true') as leumund:
        leumund.redis.end()
        leumund.start()
        pid = leumund.pid('learn')
        check(pid > 0, 'does not run')
        leumund.add(message(0))
        check(wait_for(lambda: 'u0@far.example' in leumund('history', 'cp1001').out, 5, 0.1), 'not read')
        leumund.kill('learn')
        check(wait_for(lambda: leumund.pid('learn') not in (0, pid), 10), 'not started again')
        pid = leumund.pid('learn')
        same(leumund('restart').status, 0)
        check(wait_for(lambda: leumund.pid('learn') not in (0, pid), 10), 'not replaced')
        leumund.add(message(1))
        check(wait_for(lambda: 'u1@far.example' in leumund('history', 'cp1001').out, 5, 0.1), 'not read')
        leumund.write('60-learn.conf', 'learn {\n\tenable = false\n}\n')
        same(leumund('reload').status, 0)
        check(wait_for(lambda: not leumund.pid('learn'), 10), 'still runs')
        leumund.stop()


def test_standard_input_is_read_to_its_end_and_twice_is_once():
    with Follower() as leumund:
        text = ''.join(message(n) for n in range(300))
        for _ in range(2):
            path = os.path.join(leumund.home, 'old.log')
            with open(path, 'w') as f:
                f.write(text)
            with open(path) as f:
                status, _, said = leumund.once('-', stdin=f)
            same(status, 0, said)
            check('1200 lines' in said and '300 bounced' in said, '%s', said)
        leumund.expect(300)
        status, out, said = leumund.once('--print', path)
        same(status, 0, said)
        same(len({line.split(' ')[0] for line in out.splitlines()}), 300)


def test_no_line_is_forged_through_a_sender_or_a_subject():
    tricks = ['"x, status=bounced (to=<victim@far.example>"@own.example', '"a\n2026"@own.example',
              'x => victim@far.example', '"to=<victim@far.example>, relay=m[192.0.2.1]:25, status=bounced (550 no)"@own.example']
    with Follower() as leumund:
        child = leumund.learner()
        leumund.add(message(0))
        for number, trick in enumerate(tricks, 1):
            leumund.add(message(number, login=trick) + message(100 + number, recipient=trick))
        leumund.add(message(1))
        wait_for(lambda: len(leumund.recipients()) >= 2, 5)
        time.sleep(1)
        # as written in quotes it is a mailbox of the sender's own
        same(sorted(r for r in leumund.recipients() if not r.endswith('@own.example')),
             ['u0@far.example', 'u1@far.example'])
        same(leumund.end(child), 0)


def test_a_log_that_may_not_be_read_is_said():
    if os.geteuid() != 0:
        return
    with Follower() as leumund:
        os.unlink(leumund.log)
        child = leumund.learner()
        check(wait_for(lambda: 'it is waited for' in leumund.said(), 5), '%s', leumund.said())
        leumund.add(message(0))
        leumund.expect(1)
        same(leumund.end(child), 0)
        # as another user
        for path in (leumund.home, leumund.run, leumund.state):
            os.chown(path, 65534, 65534)
        for name in os.listdir(leumund.state):
            os.chown(os.path.join(leumund.state, name), 65534, 65534)
        os.chmod(leumund.log, 0o600)
        done = subprocess.Popen([LEARN, '-c', leumund.conf, '-r', leumund.run], user=65534, group=65534, extra_groups=[],
                                stderr=open(os.path.join(leumund.home, 'said'), 'ab'), env=leumund.environment)
        leumund.children.append(done)
        check(wait_for(lambda: 'must be a member of the file\'s group' in leumund.said(), 5), '%s', leumund.said())


def test_much_in_little_memory():
    with Follower(learn='\tcontext = 1') as leumund:
        child = leumund.learner()
        with open(os.path.join(DATA, 'postfix.log')) as f:
            block = f.read()
        start, lines, most = time.monotonic(), 0, []
        with open(leumund.log, 'a') as f:
            while lines < 600000:
                f.write(block * 50)
                lines += 50 * block.count('\n')
        f = None
        size = os.path.getsize(leumund.log)
        while time.monotonic() - start < 60 * SLOW:
            most.append(process_figures(child.pid)['rss'])
            place = [n for n in os.listdir(leumund.state) if n.startswith('place.') and not n.endswith('.new')]
            text = open(os.path.join(leumund.state, place[0])).read() if place else ''
            if ' %d ' % size in text:
                break
            time.sleep(0.05)
        took = time.monotonic() - start
        note('%d lines/s with the writing, at most %d kB resident', lines / took, max(most))
        check(SLOW > 1 or lines / took >= 20000, 'slow: %.1f s', took)
        check(SLOW > 1 or max(most) < 60000, '%d kB', max(most))


REMOTE = '/lib/systemd/systemd-journal-remote'


def journal_entry(number, message, program='postfix/smtp', uid=0, facility=2):
    return ('__REALTIME_TIMESTAMP=%d\n__MONOTONIC_TIMESTAMP=%d\n_BOOT_ID=5a2c1f0e7d6b4a39886f0d1c2b3a4958\n'
            '_MACHINE_ID=0a2c1f0e7d6b4a39886f0d1c2b3a4958\n_HOSTNAME=host\nPRIORITY=6\nSYSLOG_FACILITY=%d\n'
            'SYSLOG_IDENTIFIER=%s\n_PID=7\n_UID=%d\nMESSAGE=%s\n\n' % (
                (time.time() - 60) * 1000000 + number * 1000, 1000000 + number * 1000, facility, program, uid, message))


def journal_message(number, uid=0):
    """As message(), in the journal's form of export."""
    lines = [line.split(': ', 1) for line in message(number).splitlines()]
    return ''.join(journal_entry(number, line, head.split(' ')[2].split('[')[0], uid) for head, line in lines)


def test_the_journal_in_place_of_a_file():
    if not os.path.exists(REMOTE):
        raise Skip('no systemd-journal-remote')
    with Follower() as leumund:
        place = os.path.join(leumund.home, 'journal')
        os.mkdir(place)

        def write(name, text):
            subprocess.run([REMOTE, '-o', os.path.join(place, name), '-'], input=text.encode(), check=True,
                           stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)

        write('a.journal', ''.join(journal_message(n) for n in range(100)) + journal_message(500, uid=10001) +
              journal_entry(300, 'x', facility=4))
        leumund.write('60-learn.conf', 'learn {\n\tfiles = {"journal:%s"}\n\tstate = "%s"\n}\n' % (place, leumund.state))
        status, _, said = leumund.once('--help')
        child = leumund.learner('-b')
        if 'lacks libsystemd' in leumund.said():
            raise Skip('built without libsystemd')
        leumund.expect(100)  # and not what a customer wrote
        check(wait_for(lambda: any(n.startswith('place.') for n in os.listdir(leumund.state)), 5), 'no place')
        time.sleep(1.2)
        leumund.end(child, signal.SIGKILL)
        write('b.journal', ''.join(journal_message(n) for n in range(100, 130)))
        child = leumund.learner()
        leumund.expect(130)
        same(leumund.end(child), 0)
        check('120 lines' in leumund.said() or '520 lines' in leumund.said(), '%s', leumund.said()[-600:])
