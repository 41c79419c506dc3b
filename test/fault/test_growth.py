# An attacker who chooses everything at random (scripts, recipients, domains, networks) while the rules only observe, so
# that nothing stops him: how far he gets Redis to grow.
import random

from case import check, note, same
from instance import wait_for
from test_signup import by_script, scripting

MESSAGES = 700
MOST_GUESTS = 1000  # of one account an hour: LIMIT_GUESTS_HOUR
BYTES_GUEST = 300
BYTES_ACCOUNT = 8000


def sizes(redis, pattern):
    """How many keys, and what they take with their TTL."""
    keys = redis.command('KEYS', pattern)
    return len(keys), sum(redis.command('MEMORY', 'USAGE', k, 'SAMPLES', 0) + 32 for k in keys)


def test_an_attacker_does_not_make_redis_grow():
    chance = random.Random(1)
    word = lambda: ''.join(chance.choice('bcdfghjklmnpqrstvwxz') for _ in range(12))
    with scripting('subject_percent = 12800', learning='14d') as (milter, redis, user):
        for _ in range(MESSAGES):
            visitor = '%d.%d.%d.9' % tuple(chance.randrange(1, 224) for _ in range(3))
            answer = by_script(milter, user, tuple('%s@%s.example' % (word(), word()) for _ in range(4)),
                               script=word() + '.php', visitor=visitor)
            same(answer.verdict, 'accept')
        wait_for(lambda: sizes(redis, 'leu:limit:*:*')[0] >= MOST_GUESTS, 5)
        guests, guest_bytes = sizes(redis, 'leu:limit:*:*')
        account_keys, account_bytes = sizes(redis, 'leu:limit:{%s}' % user.pw_name)
        seen_keys, seen_bytes = sizes(redis, 'leu:seen:*')
        others = [k for k in redis.command('KEYS', '*') if not k.startswith((b'leu:limit:', b'leu:seen:'))]
        note('%d messages to %d strangers: %d victims and networks (%d bytes), %d of the account (%d bytes), contacts in %d '
             'keys (%d bytes), others %r', MESSAGES, 4 * MESSAGES, guests, guest_bytes, account_keys, account_bytes,
             seen_keys, seen_bytes, sorted(others))
        check(guests <= MOST_GUESTS + 5, '%d victims and networks', guests)
        check(guest_bytes <= guests * BYTES_GUEST, '%d bytes each', guest_bytes // guests)
        check(account_bytes <= BYTES_ACCOUNT, '%d bytes', account_bytes)
        check(redis.command('HLEN', 'leu:limit:{%s}' % user.pw_name) <= 48, 'fields')
        check(seen_bytes <= 4 * MESSAGES * 8 + 500, '%d bytes of contacts', seen_bytes)
        check(len(others) <= 4, 'keys %r', others)
        # every key ends, but what all servers have to agree on
        endless = [k for k in redis.command('KEYS', '*') if redis.command('TTL', k) < 0]
        same(endless, [b'leu:meta'])
