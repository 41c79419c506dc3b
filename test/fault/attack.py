# An attack by a form on several daemons at once: each message is timed, and what became of it is known.
import contextlib
import threading
import time

from case import check, note
from instance import SLOW, Instance, wait_for
from mta import Mta
from test_signup import letter, used

FIRST_MS, THEN_MS = 100, 5


class Hurried(AssertionError):
    """A wait over the limit, and nothing else wrong: a busy machine has that without any fault."""


class Shot:
    def __init__(self, daemon, at, wait_ms, verdict):
        self.daemon, self.at, self.wait_ms, self.verdict = daemon, at, wait_ms, verdict


class Attack:
    """One session on each daemon, one message after the other to ever new recipients, until `stop`."""

    def __init__(self, milters, pause=0.002):
        self.shots, self.troubles, self.ending, self.pause = [], [], threading.Event(), pause
        self.threads = [threading.Thread(target=self.session, args=(i, m)) for i, m in enumerate(milters)]
        for thread in self.threads:
            thread.start()

    def session(self, number, milter):
        try:
            with Mta(milter.socket) as mta:
                mta.open()
                count = 0
                while not self.ending.is_set():
                    count += 1
                    message = letter('r%d.%d.%d@far.example' % (number, count, id(self)))
                    start = time.monotonic()
                    verdict = mta.message(message).verdict
                    end = time.monotonic()
                    self.shots.append(Shot(number, start, (end - start) * 1000, verdict))
                    time.sleep(self.pause)
        except Exception as e:  # said by stop(), for this is no thread of the test's
            self.troubles.append(e)

    def stop(self):
        self.ending.set()
        for thread in self.threads:
            thread.join(30)
        check(not self.troubles, '%r', self.troubles)
        strange = {s.verdict for s in self.shots} - {'accept', 'tempfail'}
        check(not strange, 'verdicts %r', strange)
        return self

    def passed(self, daemon=None, since=0.0):
        return sum(s.verdict == 'accept' and s.at >= since and daemon in (None, s.daemon) for s in self.shots)

    def waits(self, since, until):
        """The longest, that of nine in ten, and how many there were."""
        waits = sorted(s.wait_ms for s in self.shots if s.at + s.wait_ms / 1000 >= since and s.at < until)
        return waits[-1], waits[len(waits) * 9 // 10], len(waits)

    def judge_waits(self, about, since, until):
        longest, rest, count = self.waits(since, until)
        before = self.waits(0.0, since)
        note('%s: %d messages, longest wait %.1f ms, nine in ten within %.1f ms; before it %.1f and %.1f ms', about, count,
             longest, rest, *before[:2])
        # what was so before has other causes: the machine is busy
        if longest > max(FIRST_MS * SLOW, before[0]) or rest > max(THEN_MS * SLOW, before[1]):
            raise Hurried('%s: waits of %.1f and %.1f ms' % (about, longest, rest))


@contextlib.contextmanager
def daemons(count, options, address):
    """So many of them with `signup`, all with one store."""
    milters = []
    try:
        for _ in range(count):
            milter = Instance()
            milters.append(milter)
            milter.write('60-signup.conf', 'signup {\n\tenable = true\n\tlearning = 0s\n\tscript_recipients = off\n'
                         '\tprovider_recipients = off\n%s\n}\n' % options)
            milter.write('90-store.conf', 'store {\n\taddress = "%s"\n}\n' % address)
            milter.start()
            milter.wait_log('store: connected')
        yield milters
        for milter in milters:
            milter.end()
    finally:
        for milter in milters:
            milter.end(check=False)
            milter.remove()


def counted(redis):
    return used(redis, '{cp1001}', 'account:confirm')


def becomes_counted(redis, wanted, seconds=15.0):
    wait_for(lambda: counted(redis) == wanted, seconds, 0.1)
    return counted(redis)
