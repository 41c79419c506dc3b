# `leumund limit`, `show`, `reset`: what an admin sees and does of an account's limits, with a real store.
import os
import pty
import subprocess
import time

from case import Skip, check, same
from command import LEUMUND, Command
from instance import ROOT, Redis, redis_program

HOUR = 3600
SECRET = '00112233445566778899aabbccddeeff'
VICTIM = 'f8bfcf6294f15936'  # of somebody@gmail.com, with that secret


def script(name):
    with open(os.path.join(ROOT, 'redis', name + '.lua'), encoding='ascii') as f:
        return f.read()


class Admin(Command):
    """Beside it the private server of its run directory."""

    def __init__(self):
        if not redis_program():  # before there is a place that nobody would clear away
            raise Skip('no redis-server or valkey-server here')
        super().__init__()
        os.mkdir(self.run)
        self.redis = Redis(self)
        self.redis.start()
        # who it was is told by sudo where nobody has logged in, as in a container
        self.environment.update(TZ='Europe/Berlin', SUDO_USER='alice')
        self.name = 'alice'
        with open('/proc/self/loginuid', encoding='ascii') as f:
            if f.read().strip() != '4294967295':
                self.name = os.getlogin()

    def __exit__(self, *_):
        self.redis.end()
        super().__exit__()

    def count(self, *limits, account='cp1001', sub='', mode='count', ago=0, now=''):
        """Each limit NAME, N, HOUR, DAY; `ago` in seconds. Of the last limit: used, limit of the hour, the same of the day."""
        words = [str(word) for limit in limits for word in limit]
        answer = self.redis.command('EVAL', script('limit'), '2', 'leu:limit:{%s}%s' % (account, sub),
                                    'leu:override:{%s}' % account, mode, '', str(ago * 1000), now, *words)
        return answer[-7:-3]

    def set(self, name, limits, *more, account='cp1001', until='+2d', reason='newsletter'):
        return self('limit', account, name, limits, '--until', until, '--reason', reason, *more)

    def overrides(self, *words):
        answer = self('limit', *(words or ('--list',)), '--json').json()
        return [(o['account'], o['name'], o['per_hour'], o['per_day']) for o in answer['overrides']]

    def noted(self, account='cp1001'):
        return [d['facts'] for d in self('history', account, '--json').json()['decisions']]


# ---- limit -------------------------------------------------------------------------------------------

def test_a_limit_set_by_an_admin_is_in_force_listed_noted_and_dropped():
    with Admin() as leumund:
        same(leumund('limit', 'cp1001').status, 1)
        answer = leumund.set('account:confirm', '50/200', reason='newsletter as agreed')
        same((answer.status, answer.err), (0, ''))
        check('50 an hour, 200 a day' in answer.out and 'by %s: newsletter as agreed' % leumund.name in answer.out,
              '%s', answer.out)
        # not the 10 and 20 that a milter asks for
        same(leumund.count(('account:confirm', 40, 10, 20)), [40, 50, 40, 200])
        same(leumund.overrides('cp1001'), [('cp1001', 'account:confirm', 50, 200)])
        row = leumund('limit', '--list', '--json').json()['overrides'][0]
        same((row['who'], row['reason']), (leumund.name, 'newsletter as agreed'))
        check(abs(row['until_ms'] / 1000 - time.time() - 48 * HOUR) < 60, '%r', row)
        answer = leumund('limit', 'cp1001', 'account:confirm', '--drop')
        same((answer.status, answer.err), (0, ''))
        same(leumund('limit', 'cp1001', 'account:confirm', '--drop').status, 1)
        same(leumund.count(('account:confirm', 1, 10, 20), mode='check')[1], 10)
        noted = leumund.noted()
        same([(f['action'], f['what'], f['who'], f['names']) for f in noted],
             [('admin', 'limit_drop', leumund.name, 'account:confirm'),
              ('admin', 'limit', leumund.name, 'account:confirm')])
        same((noted[1]['per_hour'], noted[1]['per_day'], noted[1]['reason']),
             ('50', '200', 'newsletter\\x20as\\x20agreed'))
        text = leumund('history', 'cp1001').out
        check('limit by %s  cp1001' % leumund.name in text and 'reason newsletter as agreed' in text and
              '->' not in text, '%s', text)
        same(leumund('explain', noted[0]['id']).status, 0)


def test_a_name_without_a_kind_means_all_kinds_of_mail():
    kinds = ('bulk', 'confirm', 'person', 'program', 'sale')
    with Admin() as leumund:
        for word, scope in (('account', 'account'), ('account_recipients', 'account'), ('script:reg.php', 'script:reg.php'),
                            ('provider:microsoft', 'provider:microsoft'), ('mailbox:info@own.example', 'mailbox:info@own.example')):
            same(leumund.set(word, '3/none').status, 0, word)
            same(sorted(leumund.overrides('cp1001')), [('cp1001', scope + ':' + k, 3, None) for k in kinds], word)
            same(leumund('limit', 'cp1001', word, '--drop', '--json').json()['dropped'].sort(),
                 [scope + ':' + k for k in kinds].sort())
            same(leumund('limit', 'cp1001').status, 1, word)


def test_names_are_those_that_the_milter_counts_under():
    path = '/home/cp1001/public_html/' + 60 * 'x' + '/reg.php'
    with Admin() as leumund:
        same(leumund.set('script:reg.php:confirm', '7/9').status, 0)
        same(leumund.count(('script:reg.php%3aconfirm', 1, 1, 1))[1], 7)
        # one that the store cuts is named as `show` lists it
        same(leumund.set('script:%s:confirm' % path, '8/9').status, 0)
        name = [n for _, n, hour, _ in leumund.overrides('cp1001') if hour == 8][0]
        same(leumund.count((name, 1, 1, 1))[1], 8)
        same(leumund('limit', 'cp1001', name, '--drop').status, 0)


def test_all_overrides_of_all_accounts():
    with Admin() as leumund:
        same(leumund('limit', '--list').status, 1)
        for account in ('cp1002', 'cp1001', 'a b'):
            same(leumund.set('account:sale', '5/6', account=account).status, 0)
        leumund.set('account:bulk', 'none/9', account='cp1001')
        leumund.redis.command('HSET', 'leu:override:{over}', 'account:sale', '1 1 1000', 'account:sale_text', 'until')
        same(leumund.overrides(), [('a%20b', 'account:sale', 5, 6), ('cp1001', 'account:bulk', None, 9),
                                   ('cp1001', 'account:sale', 5, 6), ('cp1002', 'account:sale', 5, 6)])


def test_progress_is_for_terminals_only():
    with Admin() as leumund:
        leumund.set('account:sale', '5/6')
        same(leumund('limit', '--list').err, '')
        main, terminal = pty.openpty()
        subprocess.run([LEUMUND, '-c', leumund.conf, '-r', leumund.run, 'limit', '--list'], stdout=subprocess.DEVNULL,
                       stderr=terminal, env=leumund.environment, check=True, timeout=60)
        os.close(terminal)
        said = os.read(main, 1000)
        os.close(main)
        check(b'keys looked through, 1 limits found' in said and said.endswith(b'\r\x1b[K'), '%r', said)


def test_until_is_local_time_and_shown_in_both():
    year = time.gmtime().tm_year + (1 if time.gmtime().tm_mon > 1 else 0)  # its January is to come, and within a year
    with Admin() as leumund:
        for until, shown in (('%d-01-20' % year, '%d-01-21 00:00 CET (%d-01-20 23:00 UTC)' % (year, year)),
                             ('%d-01-20 18:00' % year, '%d-01-20 18:00 CET (17:00 UTC)' % year),
                             ('%d-01-20T18:30' % year, '%d-01-20 18:30 CET (17:30 UTC)' % year)):
            answer = leumund.set('account:sale', '5/6', until=until)
            check(answer.status == 0 and 'until ' + shown in answer.out, '%s: %s', until, answer.all)
        leumund.environment['TZ'] = 'UTC'
        check('until %d-01-20 17:30 UTC, by' % year in leumund('limit', 'cp1001').out, '%s', leumund('limit', 'cp1001').out)


WRONG = (
    # words of `leumund limit`, what stands in the answer
    ([], 'or write --list'), (['a', '--list'], '--list stands alone'), (['a', 'account:sale'], 'HOUR/DAY'),
    (['a', '--drop'], 'ACCOUNT NAME --drop'), (['a', 'account', '1/2'], '--until DATE is missing'),
    (['a', 'account', '1/2', '--until', '+1d'], '--reason TEXT is missing'),
    (['a', 'account', '--drop', '--reason', 'x'], 'takes no --until and no --reason'),
    (['a', '--until', '+1d'], 'write ACCOUNT NAME HOUR/DAY too'),
) + tuple((['a', name, '1/2', '--until', '+1d', '--reason', 'x'], words) for name, words in (
    ('acount', 'no limit has this name'), ('account:', 'no limit has'), ('account:confrm', 'did you mean confirm'),
    ('account:x:sale', 'no such kind'), ('script', 'script:reg.php:confirm'), ('script_recipients', 'script:reg.php'),
    ('provider_recipients', 'provider:microsoft'), ('victim_messages', 'reset --victim'),
    ('client_recipients', 'conf.d'), ('\x1b[2J', '\\x1b[2J'))
) + tuple((['a', 'account', limits, '--until', '+1d', '--reason', 'x'], words) for limits, words in (
    ('5', 'HOUR/DAY'), ('0/5', 'from 1'), ('5/', 'from 1'), ('5/6x', 'from 1'),
    ('9999999999/none', 'from 1'), ('6/5', 'the hour first'), ('\x1b/1', '\\x1b'))
) + tuple((['a', 'account', '1/2', '--until', until, '--reason', 'x'], words) for until, words in (
    ('2020-01-01', 'is over'), ('+400d', 'at most 366 days'), ('tomorrow', 'write a day'), ('2026-02-30', 'write a day'),
    ('2026-3-29', 'write a day'), ('2026-03-29 02:30', 'write a day'), ('2026-12-01 25:00', 'write a day'),
    ('+0d', 'write a day'), ('+2', 'write a day'), ('', 'is empty'))
) + tuple((['a', 'account', '1/2', '--until', '+1d', '--reason', reason], words) for reason, words in (
    ('', 'is empty'), ('   ', 'why'), (300 * 'x', 'why'), ('a\nb', 'one line'), ('a\x1bb', 'one line')))


def test_a_wrong_limit_is_told_what_is_wrong_and_nothing_is_set():
    with Admin() as leumund:
        for words, expected in WRONG:
            answer = leumund('limit', *words)
            same(answer.status, 64, '%r: %s' % (words, answer.all))
            check(expected in answer.err and '\x1b' not in answer.all, '%r: %r is missing in %r', words, expected,
                  answer.err)
        same(leumund.redis.command('DBSIZE'), 0)


def test_a_refusal_of_the_store_is_said():
    with Admin() as leumund:
        for i in range(32):
            same(leumund.set('script:s%d:sale' % i, '5/6').status, 0)
        answer = leumund.set('account', '5/6')
        same(answer.status, 1, answer.all)
        check('too many already; drop one' in answer.err, '%s', answer.err)
        same(len(leumund.overrides()), 32)
        leumund.redis.command('CONFIG', 'SET', 'maxmemory', '1')
        answer = leumund.set('script:s1:sale', '5/6')
        same(answer.status, 69, answer.all)
        check('leumund check' in answer.err, '%s', answer.err)
        leumund.redis.end()
        for words in (('limit', 'a'), ('limit', '--list'), ('show', 'a'), ('reset', 'a'), ('reset', '--victim', 'a@b.example'),
                      ('limit', 'a', 'account', '--drop')):
            answer = leumund(*words)
            same(answer.status, 69, '%r: %s' % (words, answer.all))
            check('leumund check' in answer.err, '%s', answer.err)


def test_an_account_that_nobody_knows_is_noted():
    with Admin() as leumund:
        same(leumund.set('account', '5/6').err, '')
        answer = leumund.set('account', '5/6', account='info@own.example')
        same(answer.status, 0)
        check("'info@own.example'; it belongs to the account 'cp1001'" in answer.err, '%s', answer.err)
        check("names an account 'cp101'" in leumund('show', 'cp101').err, '')


# ---- show --------------------------------------------------------------------------------------------

def test_show_tells_used_of_limits_as_they_are_now():
    with Admin() as leumund:
        same(leumund('show', 'cp1001').status, 1)
        now = time.time()
        before = str(int((now - 2 * HOUR) * 1000))
        leumund.count(('account:confirm', 20, 20, 30), ('script:reg.php%3aconfirm', 20, 20, 100),
                      ('script:reg.php%3aprogram', 3, 20, 100), ('provider:microsoft%3aconfirm', 12, 50, 90),
                      ('provider:web.example%3aconfirm', 8, 50, 90), now=before)
        leumund.count(('account:confirm', 1, 20, 30), now=before)
        # the hash still says "20/20": that was two hours ago
        same(leumund.redis.command('HGET', 'leu:limit:{cp1001}', 'account:confirm').split()[0], b'20/20')
        shown = leumund('show', 'cp1001', '--json').json()
        first = shown['limits'][0]
        same([first[k] for k in ('name', 'used_hour', 'per_hour', 'used_day', 'per_day', 'state', 'free_ms')],
             ['account:confirm', 0, 20, 20, 30, '', 0])
        same(shown['refused'], 1)
        check(abs(shown['refused_ms'] / 1000 - now + 2 * HOUR) < 90, '%r', shown)  # by the minute
        same(shown['full_since_ms'], shown['refused_ms'])
        same(shown['scripts'], [{'name': 'reg.php', 'used_day': 23}])
        same(shown['providers'], [{'name': 'microsoft', 'used_day': 12}, {'name': 'web.example', 'used_day': 8}])
        same([(l['name'], l['below_half'], l['per_day']) for l in shown['limits'][2:4]],
             [('provider:microsoft:confirm', True, None), ('provider:web.example:confirm', True, None)])
        leumund.count(('account:confirm', 10, 20, 30))
        first = leumund('show', 'cp1001', '--json').json()['limits'][0]
        same((first['used_hour'], first['used_day'], first['state']), (10, 30, 'full'))
        free = first['free_ms'] / 1000 - now
        check(21 * HOUR < free < 23 * HOUR, 'free in %d s', free)
        text = leumund('show', 'cp1001').out
        for words in ('10 of 20', '30 of 30  full', 'free again at ', 'below half', '  microsoft\n', '  reg.php\n'):
            check(words in text, '%r is missing in:\n%s', words, text)
        for line in text.split('\n'):
            check(len(line) <= 80 and line == line.rstrip(), '%r', line)


def test_show_tells_the_usual_day_overrides_and_what_objected():
    with Admin() as leumund:
        leumund.start()
        found = leumund.refuse()
        leumund.set('account:confirm', '50/200')
        leumund.count(('account:confirm', 160, 10, 20), mode='observe')
        day = time.strftime('%Y-%m-%d', time.gmtime())
        leumund.redis.command('HSET', 'leu:seen:{cp1001}', 'confirm', '5 on %s, usual 3.200' % day, day[:7], '2',
                              'sale', '800 on 2026-01-02, usual 800.000')
        for _ in range(50):
            shown = leumund('show', 'cp1001', '--json').json()
            if shown['objections'] and shown['rules']:
                break
            time.sleep(0.1)
        same([(o['id'], o['action'], o['rule']) for o in shown['objections']], [(found, 'reject', 'envelope_owner')])
        same(shown['rules'], [{'rule': 'envelope_owner.reject', 'count': 1}])
        # what was usual long ago is so no more
        same(shown['usual'], [{'kind': 'confirm', 'usual': 3, 'today': 5}, {'kind': 'sale', 'usual': 0, 'today': 0}])
        same([(o['name'], o['per_hour']) for o in shown['overrides']], [('account:confirm', 50)])
        same((shown['limits'][0]['per_day'], shown['limits'][0]['state']), (200, 'full'))
        check(abs(shown['limits'][0]['overridden_ms'] - shown['overrides'][0]['until_ms']) < 5000, '%r', shown)
        text = leumund('show', 'CP1001').out
        for words in (found, 'envelope_owner.reject', 'set by an admin until', 'usual day', '160 of 50'):
            check(words in text, '%r is missing in:\n%s', words, text)


def test_what_strangers_named_harms_no_terminal():
    with Admin() as leumund:
        leumund.count(('script:%1b[2J%0ax%3aconfirm', 3, 20, 100), ('account:sale', 1, 2, 3), account='%1b')
        for words in (('show', '\x1b'), ('reset', '\x1b'), ('limit', '\x1b'), ('show', '\x1b', '--json')):
            answer = leumund(*words)
            check('\x1b' not in answer.all, '%r: %r', words, answer.all)


# ---- reset -------------------------------------------------------------------------------------------

def test_reset_forgets_one_limit_or_all_and_says_what():
    with Admin() as leumund:
        leumund.count(('account:confirm', 20, 20, 30), ('account:sale', 4, 20, 30), ('script:reg.php%3aconfirm', 20, 20, 100))
        leumund.count(('account:confirm', 1, 20, 30))
        answer = leumund('reset', 'cp1001', 'script:reg.php')
        same((answer.status, answer.err), (0, ''))
        check('script:reg.php:confirm: forgotten, 20 in the last hour' in answer.out, '%s', answer.out)
        check('while the store is away' in answer.out and 'leumund restart' in answer.out, '%s', answer.out)
        same(leumund('reset', 'cp1001', 'script:reg.php').status, 1)
        same(leumund.count(('account:sale', 1, 20, 30), mode='check'), [4, 20, 4, 30])
        done = leumund('reset', 'cp1001', '--json').json()['reset']
        same([(r['name'], r['used_hour'], r['used_day']) for r in done], [('account:confirm', 20, 20), ('account:sale', 4, 4)])
        same(leumund.redis.command('EXISTS', 'leu:limit:{cp1001}'), 0)
        same(leumund('reset', 'cp1001').status, 1)
        same([(f['what'], f['scope']) for f in leumund.noted()], [('reset', 'everything'), ('reset', 'names')])
        same(leumund.count(('account:confirm', 20, 20, 30)), [20, 20, 20, 30])


def test_reset_of_a_victim_finds_the_counter_by_any_spelling():
    with Admin() as leumund:
        leumund.redis.command('HSET', 'leu:meta', 'secret', SECRET)
        for address in ('some.body@gmail.com', '<SomeBody+tag@Gmail.com>'):
            leumund.count(('victim', 5, 5, 10), account=VICTIM, sub=':victim')
            answer = leumund('reset', '--victim', address)
            same((answer.status, answer.err), (0, ''), address)
            check(VICTIM in answer.out, '%s', answer.out)
            same(leumund('reset', '--victim', address).status, 1)
        noted = leumund.noted('unknown')
        same([(f['what'], f['victim']) for f in noted], 2 * [('reset', VICTIM)])
        check('body' not in repr(noted), 'the address stands in the store: %r', noted)
        for words in (('reset',), ('reset', 'a', '--victim', 'a@b.example'), ('reset', '--victim', 'nobody'),
                      ('reset', '--victim', '\x1b'), ('reset', 'a', 'acount')):
            same(leumund(*words).status, 64, '%r' % (words,))


# ---- the store's user --------------------------------------------------------------------------------

def test_the_example_user_may_do_all_of_it():
    with open(os.path.join(ROOT, 'redis', 'users.acl.example'), encoding='ascii') as f:
        users = dict((line.split()[1], line.split()[2:]) for line in f if line.startswith('user '))
    with Admin() as leumund:
        leumund.redis.command('HSET', 'leu:meta', 'secret', SECRET)
        leumund.count(('account:confirm', 20, 20, 30))
        leumund.count(('victim', 5, 5, 10), account=VICTIM, sub=':victim')
        rules = [r.replace('>CHANGE-ME-1', '>secret') for r in users['leumund']]
        same(leumund.redis.command('ACL', 'SETUSER', 'leumund', *rules), b'OK')
        password = os.path.join(leumund.home, 'password')
        with open(os.open(password, os.O_CREAT | os.O_WRONLY, 0o600), 'w', encoding='ascii') as f:
            f.write('secret\n')
        leumund.write('11-store.conf', 'store {\n\tuser = leumund\n\tpassword_file = "%s"\n}\n' % password)
        same(leumund.redis.command('ACL', 'SETUSER', 'default', 'off'), b'OK')
        for words in (('limit', 'cp1001', 'account', '5/6', '--until', '+2d', '--reason', 'x'), ('limit', 'cp1001'),
                      ('limit', '--list'), ('limit', 'cp1001', 'account:sale', '--drop'), ('show', 'cp1001'),
                      ('reset', 'cp1001', 'account:confirm'), ('reset', '--victim', 'somebody@gmail.com'),
                      ('history', 'cp1001')):
            answer = leumund(*words)
            same((answer.status, answer.err), (0, ''), '%r' % (words,))
