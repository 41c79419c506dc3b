# Many connections and many messages: nothing is lost, nothing is judged wrongly, nothing is left behind in the daemon.
import time

from case import check, note, same
from instance import Instance, is_sanitized, wait_for
from tools import MIXED, load


def settled(milter, before):
    """Sessions end and libmilter's workers go a moment after the last client."""
    wait_for(lambda: milter.figures()['descriptors'] <= before['descriptors'], 5)
    return milter.figures()


def test_two_hundred_connections_of_five_hundred_messages_leak_nothing():
    with Instance() as milter:
        # what a first burst makes once (threads, arenas of malloc) is no leak
        load(milter.socket, '-c', 200, '-n', 20, '-k', 10, *MIXED)
        time.sleep(1)
        before = milter.figures()
        done = load(milter.socket, '-c', 200, '-n', 500, '-k', 20, *MIXED)
        after = settled(milter, before)
        note('%d messages, %d lost, %d wrong, p50 %d us, p99 %d us, longest wait %.0f ms', done['messages'],
             done['lost'], done['wrong'],
             done['p50_us'], done['p99_us'], done['max_wait_ms'])
        note('before %r, after %r', before, after)
        same((done['messages'], done['lost'], done['wrong']), (100000, 0, 0), done['trouble'])
        check(after['descriptors'] <= before['descriptors'], 'descriptors: %r, before %r', after, before)
        check(after['threads'] <= before['threads'] + 2, 'threads: %r, before %r', after, before)
        # 100,000 messages: 4 MiB is 40 bytes a message, which any real leak exceeds; the unwritten history may
        # take its 4 MiB
        check(is_sanitized() or after['rss'] <= before['rss'] + 8192, 'memory: %r, before %r', after, before)


def test_memory_does_not_grow_from_burst_to_burst():
    with Instance() as milter:
        sizes = []
        for _ in range(6):
            done = load(milter.socket, '-c', 20, '-n', 1000, '-k', 50, *MIXED)
            same((done['lost'], done['wrong']), (0, 0), done['trouble'])
            sizes.append(milter.figures()['rss'])
        note('resident kB after each 20,000 messages: %r', sizes)
        check(is_sanitized() or sizes[-1] - sizes[2] <= 512, 'memory grows: %r kB', sizes)


def test_clients_that_pause_are_served_alike():
    with Instance() as milter:
        done = load(milter.socket, '-c', 64, '-n', 60, '-g', 3000, *MIXED)
        same((done['messages'], done['lost'], done['wrong']), (3840, 0, 0), done['trouble'])
        note('64 sessions with pauses of 3 ms: p50 %d us, p99 %d us', done['p50_us'], done['p99_us'])
