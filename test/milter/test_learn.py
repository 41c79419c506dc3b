# `leumund learn-contacts`: logs in, then the store knows whom an account has written to.
import gzip
import os
import subprocess
import time

from case import check, note, same
from command import LEUMUND, Command
from instance import ROOT, SLOW, Redis, process_figures

DATA = os.path.join(ROOT, 'test', 'data', 'maillog')
DAY = 86400


class Learner(Command):
    """Beside it the private server of its run directory."""

    def __init__(self):
        super().__init__()
        self.needs_redis()
        os.mkdir(self.run)
        self.redis = Redis(self)
        self.redis.start()

    def __exit__(self, *_):
        self.redis.end()
        super().__exit__()

    def file(self, name, lines):
        path = os.path.join(self.home, name)
        with (gzip.open if name.endswith('.gz') else open)(path, 'wt') as f:
            f.write(''.join(line + '\n' for line in lines))
        return path

    def learn(self, *words, **more):
        return self('learn-contacts', *words, **more)

    def sets(self):
        """{(account, month): how many}"""
        found = {}
        for key in self.redis.command('KEYS', 'leu:seen:*'):
            account, _, rest = key.decode()[len('leu:seen:{'):].partition('}')
            if rest:
                number = found.setdefault((account, rest[1:8]), 0)
                found[account, rest[1:8]] = number + self.redis.command('SCARD', key)
        return found


def months(now=None):
    """This one and the last, UTC."""
    year, month = time.gmtime(now)[:2]
    return '%04d-%02d' % (year, month), '%04d-%02d' % ((year, month - 1) if month > 1 else (year - 1, 12))


def postfix(login, *recipients, at=None, number=[0]):
    """A message by SMTP AUTH and its deliveries, now or at another time."""
    number[0] += 1
    stamp = time.strftime('%Y-%m-%dT%H:%M:%S+00:00', time.gmtime(at))
    head = stamp + ' host postfix/%s[1]: ' + 'A%06X: ' % number[0]
    yield head % 'submission/smtpd' + 'client=pc.test[192.0.2.1], sasl_method=PLAIN, sasl_username=' + login
    for recipient in recipients:
        yield head % 'smtp' + ('to=<%s>, relay=mx.test[198.51.100.1]:25, delay=1, delays=1/0/0/0, dsn=2.0.0, '
                               'status=sent (250 ok)' % recipient)
    yield head % 'qmgr' + 'removed'


def shifted(name):
    """A real log with its days moved to yesterday."""
    month, day = time.strftime('%b %d %Y-%m-%d', time.gmtime(time.time() - DAY)).rsplit(' ', 1)
    with open(os.path.join(DATA, name)) as f:
        return f.read().replace('Nov 21', month).replace('2026-11-21', day).splitlines()


def test_what_was_learnt_is_known_when_it_is_looked_for():
    with Learner() as leumund:
        log = leumund.file('mail.log', [*postfix('info@own.example', 'A.Friend+tag@Far.Example', 'b@far.example')])
        answer = leumund.learn(log, '--json')
        same(answer.status, 0, answer.all)
        found = answer.json()
        same([found[k] for k in ('lines', 'deliveries', 'accounts', 'recipients', 'added', 'unknown_accounts')],
             [4, 2, 1, 2, 2, 0])
        same(leumund.sets(), {('cp1001', months()[0]): 2})
        # another spelling, another domain of the same account: nothing that the store does not know
        log = leumund.file('more.log', [*postfix('x@second.example', 'a.friend@far.example'),
                                        *postfix('x@second.example', 'A.FRIEND+other@FAR.example', 'c@far.example')])
        found = leumund.learn(log, '--json').json()
        same((found['deliveries'], found['recipients'], found['added']), (3, 2, 1))
        same(leumund.sets(), {('cp1001', months()[0]): 3})
        # twice is the same as once
        same(leumund.learn(log, '--json').json()['added'], 0)
        same(leumund.sets(), {('cp1001', months()[0]): 3})


def test_logs_of_all_three_mtas():
    for name, known, deliveries in (('postfix.log', {'cp1001': 2}, 3), ('sendmail.log', {'cp1001': 2}, 4),
                                    ('exim.log', {'cp1001': 2}, 4)):
        with Learner() as leumund:
            leumund.environment['TZ'] = 'UTC'
            answer = leumund.learn(leumund.file(name, shifted(name)), '--json')
            same(answer.status, 0, answer.all)
            sets = leumund.sets()
            same({account: count for (account, _), count in sets.items()}, known, name)
            same(answer.json()['deliveries'], deliveries, name)


def test_each_contact_in_its_month():
    now = time.time()
    this, last = months(now)
    middle = time.mktime(time.strptime(last + '-28', '%Y-%m-%d'))
    with Learner() as leumund:
        log = leumund.file('mail.log', [*postfix('info@own.example', 'a@far.example', at=middle - 60 * DAY),
                                        *postfix('info@own.example', 'b@far.example', at=middle),
                                        *postfix('info@own.example', 'b@far.example', 'c@far.example', at=now)])
        found = leumund.learn(log, '--since', '100d', '--json').json()
        same((found['deliveries'], found['skipped_too_old']), (3, 1))
        same(leumund.sets(), {('cp1001', this): 2, ('cp1001', last): 1})
        for key in leumund.redis.command('KEYS', 'leu:seen:*'):
            check(0 < leumund.redis.command('TTL', key) <= 62 * DAY, 'does not end: %r', key)
        same(leumund.learn(log, '--since', '1h', '--json').json()['deliveries'], 2)


def test_files_in_order_plain_and_gzipped_and_standard_input():
    lines = [*postfix('info@own.example', 'a@far.example')]
    with Learner() as leumund:
        # the begin of a message in one file, its end in the next
        first, second = leumund.file('mail.log.2.gz', lines[:1]), leumund.file('mail.log', lines[1:])
        same(leumund.learn(first, second, '--json').json()['added'], 1)
        for words in ((), ('-',)):
            with open(first, 'rb') as f:
                answer = subprocess.run([LEUMUND, '-c', leumund.conf, '-r', leumund.run, 'learn-contacts', '--json', *words],
                                        stdin=f, stdout=subprocess.PIPE, env=leumund.environment, check=False,
                                        timeout=30 * SLOW)
            check(b'"lines":1,' in answer.stdout, '%r', answer)


def test_dry_run_writes_nothing_and_needs_no_store():
    with Learner() as leumund:
        leumund.redis.end()
        log = leumund.file('mail.log', [*postfix('info@own.example', 'a@far.example', 'b@far.example'),
                                        *postfix('nobody@else.example', 'a@far.example')])
        answer = leumund.learn(log, '--dry-run')
        same(answer.status, 0, answer.all)
        for words in ('2  recipients', '1  logins and users whose account cannot be told',
                      'without an account: nobody@else.example', 'Nothing was written'):
            check(words in answer.out, '%s: %s', words, answer.out)


def test_what_cannot_be_read_is_said():
    with Learner() as leumund:
        good = leumund.file('mail.log', [*postfix('info@own.example', 'a@far.example')])
        packed = leumund.file('cut.gz', [l for _ in range(2000) for l in postfix('info@own.example', 'b@far.example')])
        with open(packed, 'r+b') as f:
            f.truncate(os.path.getsize(packed) // 2)
        other = os.path.join(leumund.home, 'mail.xz')
        with open(other, 'wb') as f:
            f.write(b'\xfd7zXZ\0rest')
        for words, status, said in (((good, 'missing.log'), 66, 'missing.log'), ((leumund.home,), 1, 'a directory'),
                                    ((good, '--since', 'soon'), 64, 'such as 62d'), ((packed,), 1, 'damaged or cut off'),
                                    ((other,), 1, 'xz -dc FILE')):
            answer = leumund.learn(*words)
            same(answer.status, status, '%s: %s' % (words, answer.all))
            check(said in answer.err, '%s: %s', words, answer.err)
        same(leumund.redis.command('KEYS', 'leu:seen:*') != [], True, 'what stood before the damage was not read')


def test_a_store_that_is_away_or_full_is_said():
    with Learner() as leumund:
        log = leumund.file('mail.log', [*postfix('info@own.example', 'a@far.example')])
        leumund.redis.command('SET', 'x', 'y' * 100)
        leumund.redis.command('CONFIG', 'SET', 'maxmemory', '1')
        answer = leumund.learn(log)
        same(answer.status, 69, answer.all)
        check('twice is the same as once' in answer.err, '%s', answer.err)
        leumund.redis.command('CONFIG', 'SET', 'maxmemory', '0')
        same(leumund.learn(log).status, 0)
        leumund.redis.end()
        answer = leumund.learn(log)
        same(answer.status, 69, answer.all)


def test_a_large_log_in_little_memory():
    def lines(count):
        for i in range(count):
            yield from postfix('u%d@own.example' % (i % 5000), 'r%d@far.example' % i, 'common@far.example')

    with Learner() as leumund:
        log, most = leumund.file('mail.log', lines(30000)), 0
        start = time.monotonic()
        child = subprocess.Popen([LEUMUND, '-c', leumund.conf, '-r', leumund.run, 'learn-contacts', log],
                                 stdout=subprocess.PIPE, env=leumund.environment)
        with child:
            while child.poll() is None:
                try:
                    most = max(most, process_figures(child.pid)['rss'])
                except (OSError, AttributeError):
                    break
                time.sleep(0.02)
            out = child.stdout.read().decode()
        took = time.monotonic() - start
        same(child.returncode, 0, out)
        check('30001  recipients' in out, '%s', out)
        # of so many fingerprints of 32 bits two may be the same
        known = leumund.sets()['cp1001', months()[0]]
        check(29995 <= known <= 30001, 'known: %d', known)
        note('%d lines/s, at most %d kB resident', 120000 / took, most)
        check(SLOW > 1 or most < 40000, '%d kB', most)
        check(SLOW > 1 or 120000 / took >= 20000, 'slow: %.1f s', took)
