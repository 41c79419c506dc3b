# The store killed, frozen, out of memory, read-only during traffic: no verdict of `sender` changes, nobody
# waits for it, and it comes back by itself.
import functools
import re
import time

from case import Skip, check, note, same
from instance import SLOW, Instance, Metronome, Redis, redis_program, wait_for
from mta import Message, Mta
from tools import MIXED, Load, load

LONGEST_MS = 100
ATTEMPTS = 5


class WithStore:
    """An instance with its private Redis; the history is seen to work before the fault."""

    def __init__(self, **kw):
        if not redis_program():
            raise Skip('no redis-server (REDIS_SERVER names one)')
        # entries are counted below, so none may fall out
        self.milter = Instance(conf={'90-store.conf': 'store {\n\thistory_max = 1000000\n}\n'}, **kw)
        self.redis = Redis(self.milter)

    def __enter__(self):
        try:
            self.redis.start()
            self.milter.start()
            self.history_goes_on('before the fault')
        except BaseException:
            self.__exit__(None, None, None, check_end=False)
            raise
        return self

    def __exit__(self, kind, *_, check_end=True):
        try:
            self.redis.end()
            self.milter.end(check=check_end and kind is None)
        finally:
            self.milter.remove()

    def written(self):
        """How often the id of a decision stands in the history of cp1001."""
        total = 0
        for key in self.redis.command('KEYS', '*') or []:
            if b'cp1001' in key and self.redis.command('TYPE', key) == b'stream':
                total += self.redis.command('XLEN', key)
        return total

    def history_goes_on(self, about, seconds=10.0):
        before = self.written()
        with Mta(self.milter.socket) as mta:
            mta.open()
            for _ in range(5):
                same(mta.message(Message()).verdict, 'accept', about)
        check(wait_for(lambda: self.written() >= before + 5, seconds, 0.1),
              '%s: the history does not go on (%d, before %d):\n%s', about,
              self.written(), before, self.milter.log()[-1500:])

    def traffic(self, *arguments):
        return Traffic(self.milter, *arguments)


class Traffic:
    """Mixed mail over a few connections, each wait timed, and beside it how late the machine itself is."""

    def __init__(self, milter, *arguments):
        self.metronome = Metronome()
        self.metronome.start()
        self.load = Load(milter.socket, '-c', 4, '-k', 20, '-w', LONGEST_MS, *arguments, *MIXED)

    def judge(self, about):
        done = self.load.finish()
        self.metronome.__exit__()
        late = self.metronome.late_ms
        note('%s: %d messages, %d lost, %d wrong, longest wait %.0f ms, %d over %d ms (the machine itself: %.0f ms '
             'late)', about,
             done['messages'], done['lost'], done['wrong'], done['max_wait_ms'], done['slow'], LONGEST_MS, late)
        same((done['lost'], done['wrong']), (0, 0), '%s: %s' % (about, done['trouble']))
        # each single wait, not a percentile
        if done['max_wait_ms'] > LONGEST_MS * SLOW:
            raise Hurried('%s: a wait of %.0f ms' % (about, done['max_wait_ms']))


class Hurried(AssertionError):
    """A wait over the limit, and nothing else wrong."""


def repeated(test):
    """
    A busy machine makes single waits long without any fault: measured at load 20, a null milter without a store had
    one over 100 ms in 4 of 12 runs. What the store causes comes back each time, so the limit must be kept in one of
    five attempts. A stall that comes only now and then is not found by this; lost messages and wrong verdicts are
    never repeated.
    """
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


@repeated
def test_store_away_from_the_start_changes_no_verdict():
    with Instance() as milter:
        Traffic(milter, '-n', 1000).judge('never there')


@repeated
def test_store_killed_during_traffic():
    with WithStore() as both:
        work = both.traffic('-n', 4000)
        time.sleep(0.5)
        both.redis.kill()
        work.judge('killed')
        both.traffic('-n', 500).judge('while it is away')
        both.redis.start()
        both.history_goes_on('after its return', 15)


def test_what_was_decided_while_the_store_was_away_is_written_later():
    with WithStore() as both:
        before = both.written()
        both.redis.kill()
        with Mta(both.milter.socket) as mta:
            mta.open()
            for _ in range(50):
                same(mta.message(Message()).verdict, 'accept')
        both.redis.start()
        # the killed server kept nothing on disk: only what was posted meanwhile can be there
        check(wait_for(lambda: both.written() >= 50, 15, 0.1), '%d of 50 entries, %d before', both.written(), before)


@repeated
def test_store_frozen_during_traffic():
    with WithStore() as both:
        work = both.traffic('-n', 4000)
        time.sleep(0.5)
        both.redis.freeze()
        try:
            work.judge('frozen')
        finally:
            both.redis.thaw()
        both.history_goes_on('after the thaw', 15)


def trouble_during_traffic(begin, end, about, logged):
    """The server takes no writes from the Redis command `begin` until `end`."""
    with WithStore() as both:
        work = both.traffic('-n', 3000)
        time.sleep(0.3)
        both.redis.command(*begin)
        work.judge(about)
        both.milter.wait_log(logged)
        both.redis.command(*end)
        both.history_goes_on('afterwards', 15)


@repeated
def test_store_out_of_memory_during_traffic():
    trouble_during_traffic(('CONFIG', 'SET', 'maxmemory', '1'), ('CONFIG', 'SET', 'maxmemory', '0'), 'out of memory',
                           r'(?i)(oom|memory)')


@repeated
def test_store_read_only_during_traffic():
    trouble_during_traffic(('REPLICAOF', '127.0.0.1', '1'), ('REPLICAOF', 'NO', 'ONE'), 'read-only replica',
                           r'(?i)(readonly|read-only|read only|replica)')


@repeated
def test_scripts_flushed_and_data_lost_are_no_trouble():
    with WithStore() as both:
        work = both.traffic('-n', 2000)
        for _ in range(10):
            both.redis.command('SCRIPT', 'FLUSH')
            both.redis.command('FLUSHALL')
            time.sleep(0.1)
        work.judge('scripts and data flushed')
        both.history_goes_on('afterwards')


@repeated
def test_connections_killed_again_and_again_are_no_trouble():
    with WithStore() as both:
        before = both.milter.figures()
        work = both.traffic('-n', 3000)
        for _ in range(30):
            both.redis.command('CLIENT', 'KILL', 'TYPE', 'normal')
            time.sleep(0.05)
        work.judge('connections killed')
        both.history_goes_on('afterwards')
        wait_for(lambda: both.milter.figures()['descriptors'] <= before['descriptors'], 5)
        check(both.milter.figures()['descriptors'] <= before['descriptors'], 'descriptors %r, before %r',
              both.milter.figures(), before)


def test_trouble_of_the_store_is_said_once_and_not_for_each_message():
    with WithStore() as both:
        both.redis.kill()
        load(both.milter.socket, '-c', 4, '-n', 500, *MIXED)
        lines = [l for l in both.milter.log().split('\n')
                 if re.search(r'(?i)(store|redis)', l) and not re.search(r'\bid=[0-9a-z]{13} ', l)]
        note('log lines about the store during 2,000 messages: %d', len(lines))
        check(1 <= len(lines) <= 10, '%d lines: %r', len(lines), lines[:12])
        both.redis.start()
        both.history_goes_on('after its return', 15)


def test_refusals_are_counted_by_account_and_rule():
    with WithStore() as both, Mta(both.milter.socket) as mta:
        mta.open()
        for _ in range(7):
            same(mta.message(Message(mail_from='x@victim.example')).verdict, 'reject')

        def counted():
            for key in both.redis.command('KEYS', '*'):
                if both.redis.command('TYPE', key) == b'hash':
                    fields = both.redis.command('HGETALL', key)
                    if any(b'envelope_owner' in f for f in fields) and b'7' in fields:
                        return True
            return False
        check(wait_for(counted, 5, 0.1), 'keys: %r', both.redis.command('KEYS', '*'))
