# Limits of several servers with one Redis, while that is killed, frozen, full, read-only: each server's own limit holds,
# nobody waits, nothing is counted twice and nothing is forgotten.
import functools
import os
import shutil
import tempfile
import time

from attack import Attack, Hurried, becomes_counted, counted, daemons
from case import check, note, same
from instance import Redis

ATTEMPTS = 5
ALWAYS = ('--appendonly', 'yes', '--appendfsync', 'always')  # what was answered is there after a kill
OPEN = '\taccount_recipients_limit = "1000000/1000000"'
LIMIT = 40  # of "100/1000", for mail of this kind
CLOSED = '\taccount_recipients_limit = "100/1000"'


class Place:
    """Where a Redis lives that belongs to no daemon."""

    def __init__(self):
        self.home = self.run = tempfile.mkdtemp(prefix='leumund-test-')


class WithServers:
    def __init__(self, options, count=2):
        self.place = Place()
        self.redis = Redis(self.place)
        self.options, self.count = options, count

    def __enter__(self):
        try:
            os.chmod(self.place.home, 0o755)
            self.redis.start(*ALWAYS)
            self.daemons = daemons(self.count, self.options, self.redis.socket)
            self.milters = self.daemons.__enter__()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, *error):
        try:
            if self.__dict__.get('milters'):
                self.daemons.__exit__(*error)
        finally:
            self.redis.end()
            shutil.rmtree(self.place.home, ignore_errors=True)


def repeated(test):
    """See test_store.py: a wait that comes from the machine is not there each time."""
    @functools.wraps(test)
    def attempts():
        for left in range(ATTEMPTS - 1, -1, -1):
            try:
                return test()
            except Hurried as hurried:
                if not left:
                    raise
                note('again, %d attempts left: %s', left, hurried)
    return attempts


def test_two_servers_share_one_limit():
    with WithServers(CLOSED) as both:
        work = Attack(both.milters)
        time.sleep(1.0)
        work.stop()
        same(work.passed(), LIMIT)
        check(len(work.shots) > 2 * LIMIT, '%d messages', len(work.shots))
        same(counted(both.redis), LIMIT)


def trouble(begin, end, about, seconds=1.0):
    """During an attack that is let through, to see that nothing is lost, and during one that is not."""
    with WithServers(OPEN) as both:
        # 64 messages of an account are known again: as many as one server may have let through before the other, whose
        # connection comes back up to 2 s later, asks again about its last
        work = Attack(both.milters, 0.04)
        time.sleep(0.5)
        start = time.monotonic()
        begin(both.redis)
        begun = time.monotonic()
        time.sleep(seconds)
        work.judge = (start, time.monotonic())
        end(both.redis)
        time.sleep(0.5)
        work.stop()
        note('%s: it took %.0f ms; %d passed, %d of them meanwhile', about, (begun - start) * 1000, work.passed(),
             work.passed(since=begun))
        same(becomes_counted(both.redis, work.passed()), work.passed(), 'counted, ' + about)
        time.sleep(0.3)
        same(counted(both.redis), work.passed(), 'counted later, ' + about)
        open_attack = work
    with WithServers(CLOSED) as both:
        work = Attack(both.milters, 0.01)
        time.sleep(0.2)
        begin(both.redis)
        time.sleep(seconds)
        end(both.redis)
        work.stop()
        passed = [work.passed(i) for i in range(2)]
        note('%s: %r of %d passed', about, passed, LIMIT)
        check(max(passed) <= LIMIT, '%s: %r passed', about, passed)
    open_attack.judge_waits(about, *open_attack.judge)


@repeated
def test_the_store_killed_in_an_attack():
    trouble(lambda redis: redis.kill(), lambda redis: redis.start(*ALWAYS), 'killed')


@repeated
def test_the_store_frozen_in_an_attack():
    trouble(lambda redis: redis.freeze(), lambda redis: redis.thaw(), 'frozen')


@repeated
def test_the_store_out_of_memory_in_an_attack():
    trouble(lambda redis: redis.command('CONFIG', 'SET', 'maxmemory', '1'),
            lambda redis: redis.command('CONFIG', 'SET', 'maxmemory', '0'), 'out of memory')


@repeated
def test_the_store_read_only_in_an_attack():
    trouble(lambda redis: redis.command('REPLICAOF', '127.0.0.1', '1'),
            lambda redis: redis.command('REPLICAOF', 'NO', 'ONE'), 'read-only')


@repeated
def test_scripts_flushed_and_connections_killed_in_an_attack():
    def flush(redis):
        for _ in range(10):
            redis.command('SCRIPT', 'FLUSH')
            redis.command('CLIENT', 'KILL', 'TYPE', 'normal')
            time.sleep(0.05)
    trouble(flush, lambda redis: None, 'scripts flushed', 0.2)
