# The milter `recipient`: dead mailboxes, weather, budgets and complaints, with a real Redis beside the daemon. What
# providers have answered is told to the scripts as the learner tells it, with a clock of the test's.
import contextlib
import itertools
import json
import os
import re
import subprocess
import time

from case import check, same
from instance import BUILD, ROOT, Instance, Redis, wait_for
from mta import Message, Mta, ask

HOUR, DAY = 3600000, 86400000
EGRESS = '192.0.2.1'
NEWS = [('List-Unsubscribe', '<https://own.example/u>')]
FORM = [('X-Mailer', 'PHPMailer 6.9.1')]
GROUPS = 'groups = {"microsoft: hotmail.com outlook.com", "office365: office.example"}'
DEAD = ('3', '3', str(20 * HOUR), str(90 * DAY), str(30 * DAY))
WEATHER = (str(2 * HOUR), str(2 * DAY), str(DAY), '5', str(HOUR // 2), str(6 * HOUR), str(2 * HOUR), '20', '60', '10', '50')
serial = itertools.count(1)


class Store(Redis):
    """Redis, with the scripts by their names."""

    def script(self, name, key, *words):
        with open(os.path.join(ROOT, 'redis', name + '.lua')) as f:
            return self.command('EVAL', f.read(), '1', key, *words)

    def now(self):
        return int(time.time() * 1000)

    def fail(self, address, at, token=''):
        """A provider has said that there is no such mailbox."""
        return self.script('dead', 'leu:dead:{%s}' % address, 'fail', token, str(at), '', *DEAD, 'cp1001',
                           'hotmail.com 550 5.5.0 mailbox unavailable')

    def delivered(self, address):
        return self.script('dead', 'leu:dead:{%s}' % address, 'clear', '', str(self.now()), '', *DEAD, '', '')

    def kill_mailbox(self, address):
        for days in (3, 2, 1):
            self.fail(address, self.now() - days * DAY + 4 * HOUR - DAY)
        same(self.command('HGET', 'leu:dead:{%s}' % address, 'state'), b'dead')

    def event(self, kind, provider='microsoft', at=None, count=1, egress=EGRESS, now=None):
        key = 'leu:weather:{%s}:%s' % (provider, egress)
        self.script('weather', key, 'event', '', str(at or self.now()), str(now) if now else '', *WEATHER, kind, str(count),
                    '451 4.7.650 rate limited' if kind == 'warning' else '550 5.7.1 S3150 block list')
        return self.command('HGET', key, 'state')


@contextlib.contextmanager
def guarded(options='', reputation='', learning='0s', signup=False, sender=''):
    milter = Instance(sender=sender, leumund='\tlanguage = en')
    redis = Store(milter)
    try:
        milter.write('05-egress.conf', 'egress {\n\taddresses = {"%s"}\n}\n' % EGRESS)
        milter.write('10-provider.conf', 'provider {\n\tlookup = false\n\t%s\n}\n' % GROUPS)
        milter.write('15-reputation.conf', 'reputation {\n%s\n}\n' % reputation)
        milter.write('30-recipient.conf', 'recipient {\n\tenable = true\n\tlearning = %s\n%s\n}\n' % (learning, options))
        if signup:
            milter.write('60-signup.conf', 'signup {\n\tenable = true\n\tlearning = 0s\n}\n')
        redis.start()
        milter.start()
        milter.wait_log('store: connected')
        wait_for(lambda: send(milter, 'x@own.example') and redis.command('HEXISTS', 'leu:meta', 'secret'), 5)
        yield milter, redis
        milter.end()
    finally:
        milter.end(check=False)
        redis.end()
        milter.remove()


def send(milter, rcpt_to, subject='Hello', headers=(), **fields):
    rcpt_to = (rcpt_to,) if isinstance(rcpt_to, str) else tuple(rcpt_to)
    fields.setdefault('mail_from', 'info@own.example')
    fields['headers'] = [('From', fields['mail_from']), ('To', rcpt_to[0]), ('Subject', subject),
                         ('Message-ID', '<%d.%d@own.example>' % (os.getpid(), next(serial))), *headers]
    return ask(milter.socket, Message(rcpt_to=rcpt_to, **fields))


def leumund(milter, *words):
    return subprocess.run([os.path.join(BUILD, 'leumund'), '-c', milter.conf, '-r', milter.run, *words],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def kinds(answer):
    return answer.rcpt


def meet(milter, redis, *addresses):
    """From now on the account knows them."""
    key = 'leu:seen:{cp1001}:' + time.strftime('%Y-%m', time.gmtime())
    before = redis.command('SCARD', key)
    same(send(milter, addresses).verdict, 'accept')
    check(wait_for(lambda: redis.command('SCARD', key) == before + len(addresses), 5), 'not known afterwards')


def use(redis, key, name, count):
    """As who reads answers counts: by limit.lua."""
    with open(os.path.join(ROOT, 'redis', 'limit.lua')) as f:
        text = f.read()
    found = redis.command('EVAL', text, '2', key, key.replace(':limit:', ':override:'), 'observe', '', '', '', name, str(count), '0', '0')
    check(not isinstance(found, Exception), '%r', found)


def test_a_dead_mailbox_is_refused_alone():
    with guarded() as (milter, redis):
        redis.kill_mailbox('gone@hotmail.com')
        answer = send(milter, ('alive@hotmail.com', 'Gone+tag@hotmail.com', 'b@far.example'))
        same(kinds(answer), ['continue', 'reject', 'continue'])
        refused = answer.replies[1]
        same((refused.code, refused.dsn), ('550', '5.1.1'))
        check(re.search(r'\[RCP10\] this mailbox does not exist \(said by hotmail\.com on \d{4}-\d\d-\d\d\), remove it from '
                        r'your lists', refused.text), '%s', refused.text)
        same(answer.verdict, 'accept')
        milter.wait_log(r'rule=dead_mailbox action=reject')
        milter.wait_log(r'provider=\S*microsoft\S* weather=green dead=1')
        check(wait_for(lambda: redis.command('HGET', 'leu:dead:{gone@hotmail.com}', 'refused') == b'1', 5), 'not counted')


def test_between_two_attempts_a_mailbox_waits_and_one_attempt_is_one():
    with guarded() as (milter, redis):
        # it was said an hour ago: the next attempt is tomorrow
        redis.fail('maybe@hotmail.com', redis.now() - HOUR)
        answer = send(milter, ('maybe@hotmail.com', 'b@hotmail.com'))
        same(kinds(answer), ['reject', 'continue'])
        check('next attempt after ' in answer.replies[0].text, '%s', answer.replies[0].text)
        # two days ago: the attempt is due, for one message
        redis.fail('due@hotmail.com', redis.now() - 2 * DAY)
        same(send(milter, 'due@hotmail.com').verdict, 'accept')
        same(kinds(send(milter, 'due@hotmail.com')), ['reject'])
        # a delivery clears it
        redis.delivered('due@hotmail.com')
        same(send(milter, 'due@hotmail.com').verdict, 'accept')


def test_another_account_is_kept_from_it_too():
    with guarded() as (milter, redis):
        redis.kill_mailbox('gone@hotmail.com')
        same(kinds(send(milter, 'gone@hotmail.com', auth_user='cp1002', mail_from='x@neighbour.example')), ['reject'])


def test_yellow_lets_known_correspondents_and_orders_go():
    with guarded() as (milter, redis):
        meet(milter, redis, 'friend@hotmail.com')
        same(redis.event('warning'), b'yellow')
        same(send(milter, 'friend@hotmail.com').verdict, 'accept')
        answer = send(milter, 'stranger@hotmail.com')
        same((answer.verdict, answer.reply.code), ('tempfail', '451'))
        check('[RCP20] Microsoft may soon block this server' in answer.reply.text, '%s', answer.reply.text)
        same(send(milter, 'friend@hotmail.com', headers=NEWS).verdict, 'tempfail', 'a newsletter')
        same(send(milter, 'buyer@hotmail.com', 'Your order 12', headers=FORM).verdict, 'accept')
        same(send(milter, 'buyer2@hotmail.com', 'Your order 12').verdict, 'tempfail', 'a person can write that too')
        # offices are another provider
        same(send(milter, 'new@office.example').verdict, 'accept')
        milter.wait_log(r'provider=microsoft weather=yellow dead=0')
        milter.wait_log(r'provider=office365 weather=green dead=0')


def test_red_defers_what_can_wait_and_refuses_the_rest():
    with guarded() as (milter, redis):
        meet(milter, redis, 'friend@hotmail.com')
        same(redis.event('block'), b'red')
        answer = send(milter, ('friend@hotmail.com', 'b@far.example', 'c@office.example'))
        same(kinds(answer), ['tempfail', 'continue', 'continue'])
        check('[RCP21] hotmail.com takes no mail from this server at present (again after ' in answer.replies[0].text, '%s',
              answer.replies[0].text)
    with guarded('\tknown_wait = 1h\n\tfirst_wait = 0s') as (milter, redis):
        same(redis.event('block'), b'red')
        answer = send(milter, 'friend@hotmail.com')
        same((answer.rcpt[0], answer.replies[0].code), ('reject', '550'))


def test_half_open_lets_a_few_probes_go():
    with guarded() as (milter, redis):
        known = ['f%d@hotmail.com' % i for i in range(8)]
        meet(milter, redis, *known)
        past = redis.now() - 3 * HOUR
        redis.event('block', at=past, now=past)
        answers = [send(milter, one) for one in known]
        same([a.verdict for a in answers].count('accept'), 5)
        same(send(milter, 'stranger@hotmail.com').rcpt[0], 'tempfail', 'nobody new is a probe')
        same(send(milter, known[0], headers=NEWS).verdict, 'tempfail', 'no newsletter is one')


def test_budget_and_share():
    with guarded(reputation='\tbudgets = {"microsoft: 8/10"}\n\tbudget_share = 50') as (milter, redis):
        meet(milter, redis, 'friend@hotmail.com')
        # first contacts under way count as unknown until something is known of them
        verdicts = [send(milter, 'n%d@hotmail.com' % i).verdict for i in range(10)]
        same(verdicts.count('accept'), 7)
        same(verdicts[-1], 'tempfail')
        same(send(milter, 'friend@hotmail.com').verdict, 'accept')
        same(send(milter, 'a@office.example').verdict, 'accept')
    with guarded(reputation='\tbudgets = {"microsoft: 8/10"}\n\tbudget_share = 50') as (milter, redis):
        # the account has used four of its four
        use(redis, 'leu:limit:{cp1001}', 'unknown:microsoft', 4)
        answer = send(milter, 'n@hotmail.com')
        # free in a day, and a first contact may wait for four hours
        same((answer.verdict, answer.reply.code), ('reject', '550'))
        check('[RCP31] account cp1001 writes to too many mailboxes at Microsoft' in answer.reply.text, '%s', answer.reply.text)
        # others are not throttled by it
        same(send(milter, 'n@hotmail.com', auth_user='cp1002', mail_from='x@neighbour.example').verdict, 'accept')


def test_a_complaint_stops_newsletters_only():
    with guarded() as (milter, redis):
        meet(milter, redis, 'angry@hotmail.com')
        prints = redis.command('SMEMBERS', 'leu:seen:{cp1001}:' + time.strftime('%Y-%m', time.gmtime()))
        redis.script('complaint', 'leu:complaint:{cp1001}', 'add', str(365 * DAY), *[p.decode() for p in prints])
        answer = send(milter, 'angry@hotmail.com', headers=NEWS)
        same((answer.verdict, answer.reply.dsn), ('reject', '5.7.1'))
        check('[RCP40] angry@hotmail.com has complained' in answer.reply.text, '%s', answer.reply.text)
        same(send(milter, 'angry@hotmail.com').verdict, 'accept')


def test_without_the_store_what_was_known_stays():
    with guarded() as (milter, redis):
        redis.kill_mailbox('gone@hotmail.com')
        redis.kill_mailbox('never-asked@hotmail.com')
        meet(milter, redis, 'friend@hotmail.com')
        redis.event('warning', 'office365')
        same(kinds(send(milter, 'gone@hotmail.com')), ['reject'])
        same(send(milter, 'new@office.example').verdict, 'tempfail')
        redis.kill()
        milter.wait_log(r'store: .*(lost|closed|away|refused)')
        same(kinds(send(milter, 'gone@hotmail.com')), ['reject'], 'a dead mailbox')
        same(kinds(send(milter, 'never-asked@hotmail.com')), ['continue'], 'what nobody knows')
        same(send(milter, 'friend@hotmail.com').verdict, 'accept')
        # nobody is new while nobody can say so, but a newsletter waits
        same(send(milter, 'new@office.example', headers=NEWS).verdict, 'tempfail')


def test_exempt_accounts_and_senders_are_stopped_by_dead_mailboxes_only():
    with guarded('\texempt_senders = {"billing@own.example: invoices"}') as (milter, redis):
        redis.kill_mailbox('gone@hotmail.com')
        redis.event('block')
        same(send(milter, 'a@hotmail.com', mail_from='billing@own.example').verdict, 'accept')
        same(kinds(send(milter, 'gone@hotmail.com', mail_from='billing@own.example')), ['reject'])
        same(kinds(send(milter, 'a@hotmail.com')), ['tempfail'])
    with guarded('\texempt_senders = {"billing@own.example until 2020-01-01: invoices"}') as (milter, redis):
        redis.event('block')
        same(kinds(send(milter, 'a@hotmail.com', mail_from='billing@own.example')), ['tempfail'], 'it has ended')


def test_what_observes_refuses_nothing():
    with guarded('\tdead_mailbox = observe\n\tprovider_blocked = observe') as (milter, redis):
        redis.kill_mailbox('gone@hotmail.com')
        redis.event('block')
        same(send(milter, 'gone@hotmail.com').verdict, 'accept')
        milter.wait_log(r'observe\S*dead_mailbox')


def test_while_it_learns_nobody_is_new():
    with guarded(learning='2w') as (milter, redis):
        redis.event('warning')
        same(send(milter, 'a@hotmail.com').verdict, 'accept')
        same(send(milter, 'a@hotmail.com', headers=NEWS).verdict, 'tempfail')


def test_beside_signup_a_first_contact_is_still_counted_there():
    with guarded(signup=True) as (milter, redis):
        same(send(milter, 'a@hotmail.com', 'Confirm your account', headers=FORM).verdict, 'accept')
        milter.wait_log(r'provider=microsoft weather=green dead=0 .*kind=confirm new=1')


def test_one_batch_for_each_recipient_and_the_message_asked_once():
    with guarded() as (milter, redis):
        send(milter, 'warm@hotmail.com')
        time.sleep(0.2)
        before = int(redis.command('INFO', 'commandstats').split(b'cmdstat_evalsha:calls=')[1].split(b',')[0])
        send(milter, ['r%d@hotmail.com' % i for i in range(10)])
        time.sleep(0.2)
        after = int(redis.command('INFO', 'commandstats').split(b'cmdstat_evalsha:calls=')[1].split(b',')[0])
        # three of each, weather and two budgets of the provider, room for first contacts, contacts, the decision
        check(after - before <= 3 * 10 + 3 + 1 + 1 + 2, '%d scripts', after - before)


def test_the_command_shows_a_dead_mailbox_and_releases_it():
    with guarded() as (milter, redis):
        redis.kill_mailbox('gone@hotmail.com')
        redis.script('dead_of', 'leu:dead_of:{cp1001}', 'add', '', '1000', str(90 * DAY), '', 'gone@hotmail.com')
        same(kinds(send(milter, 'gone@hotmail.com')), ['reject'])
        shown = leumund(milter, 'dead', 'Gone@Hotmail.com')
        same(shown.returncode, 0, shown.stdout)
        check(re.search(r'state +dead', shown.stdout) and re.search(r'said by +hotmail\.com', shown.stdout), '%s', shown.stdout)
        same(json.loads(leumund(milter, 'dead', 'gone@hotmail.com', '--json').stdout)['dead'][0]['attempts'], 3)
        csv = leumund(milter, 'dead', '--account', 'cp1001', '--csv').stdout.splitlines()
        same((csv[0], csv[1].split(',')[1]), ('last,address', 'gone@hotmail.com'))
        same(leumund(milter, 'release', 'gone@hotmail.com').returncode, 0)
        same(kinds(send(milter, 'gone@hotmail.com')), ['continue'])
        check('release' in leumund(milter, 'history', 'unknown').stdout, 'no note of it')
        check('nothing is held' in leumund(milter, 'release', 'gone@hotmail.com').stdout, 'nothing to release')
        same(leumund(milter, 'dead', 'nobody').returncode, 64)
