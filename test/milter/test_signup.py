# The milter `signup`: first contacts are counted, with a real Redis beside the daemon.
import contextlib
import itertools
import os
import pwd
import re
import subprocess
import time

import exim
from case import Skip, check, same
from command import LEUMUND
from instance import DOMAINS, ROOT, SLOW, Instance, Redis, wait_for
from mta import Message, Mta, ask

FORM = [('X-Mailer', 'PHPMailer 6.9.1 (https://github.com/PHPMailer/PHPMailer)')]
PAUSE = 0.1  # what only observes is written within 50 ms
serial = itertools.count(1)


@contextlib.contextmanager
def counting(options='', sender='', learning='0s', domains=DOMAINS, files=(), start_redis=True, leumund='', conf=None):
    """leumundd with `signup`, and a Redis of its own."""
    milter = Instance(sender=sender, domains=domains, leumund=leumund)
    redis = Redis(milter)
    try:
        for name, text in files:
            milter.replace(os.path.join(milter.home, name), text)
        for name, text in (conf or {}).items():
            milter.write(name, text)
        milter.write('10-provider.conf', 'provider {\n\tlookup = false\n'
                     '\tgroups = {"microsoft: hotmail.com outlook.com live.com"}\n}\n')
        milter.write('60-signup.conf', 'signup {\n\tenable = true\n\tlearning = %s\n%s\n}\n'
                     % (learning, options.replace('HOME', milter.home)))
        if start_redis:
            redis.start()
        milter.start()
        if start_redis:
            # the servers' secret is agreed on with the first mail, and this one is to no stranger
            milter.wait_log('store: connected')
            wait_for(lambda: send(milter, 'x@own.example') and redis.command('HEXISTS', 'leu:meta', 'secret'), 5)
        yield milter, redis
        milter.end()
    finally:
        milter.end(check=False)
        redis.end()
        milter.remove()


def letter(rcpt_to, subject='Confirm your account', headers=FORM, **fields):
    rcpt_to = (rcpt_to,) if isinstance(rcpt_to, str) else tuple(rcpt_to)
    fields.setdefault('mail_from', 'info@own.example')
    fields['headers'] = [('From', fields['mail_from']), ('To', rcpt_to[0]), ('Subject', subject),
                         ('Date', 'Mon, 01 Jan 2024 00:00:00 +0000'),
                         ('Message-ID', '<%d.%d@own.example>' % (os.getpid(), next(serial))), *headers]
    return Message(rcpt_to=rcpt_to, **fields)


def send(milter, rcpt_to, subject='Confirm your account', headers=FORM, **fields):
    return ask(milter.socket, letter(rcpt_to, subject, headers, **fields))


def settled(redis, key, field=None, expect=None):
    """What was posted is there within 50 ms: waits for a key or a field of it."""
    look = lambda: redis.command('HGET', key, field) if field else redis.command('EXISTS', key)
    wait_for(lambda: look() == expect if expect is not None else look(), 5)
    return look()


def knows(redis, account, count):
    """So many contacts of the account are known."""
    key = 'leu:seen:{%s}:%s' % (account, time.strftime('%Y-%m', time.gmtime()))
    return wait_for(lambda: redis.command('SCARD', key) == count, 5)


def used(redis, entity, name):
    """What is counted by that name in the last day."""
    value = redis.command('HGET', 'leu:limit:' + entity, name) or b''
    # "USED/LIMIT USED/LIMIT MARK:AGE ... COUNT AGE:COUNT ..."
    return sum(int(word.split(b':')[-1]) for word in value.split() if b'/' not in word and word[:1] not in b'pqrs')


def test_a_first_contact_is_counted_and_a_known_one_is_not():
    with counting() as (milter, redis):
        same(send(milter, 'a@far.example').verdict, 'accept')
        check(milter.wait_log(r'kind=confirm new=1 evidence=machine,subject percent=40 limit=\S+:\d+/\d+'), 'no facts')
        check(knows(redis, 'cp1001', 1), 'the recipient is not known afterwards')
        same(used(redis, '{cp1001}', 'account:confirm'), 1)
        same(used(redis, '{cp1001}', 'script:cp1001%3aconfirm'), 1)
        same(send(milter, 'a@far.example').verdict, 'accept')
        milter.wait_log(r'kind=confirm new=0')
        same(used(redis, '{cp1001}', 'account:confirm'), 1, 'a known recipient')
        # another account does not know him
        same(send(milter, 'a@far.example', auth_user='cp1002', mail_from='x@neighbour.example').verdict, 'accept')
        same(used(redis, '{cp1002}', 'account:confirm'), 1)
        # nor are the account's own domains strangers
        same(send(milter, ('b@own.example', 'c@sub.second.example')).verdict, 'accept')
        same(used(redis, '{cp1001}', 'account:confirm'), 1, 'own domains')


def test_a_limit_bites_with_its_reason():
    with counting('account_recipients_limit = "10/100"\nvictim_messages = off',
                  leumund='\tlanguage = en') as (milter, redis):
        for i in range(4):
            same(send(milter, 'r%d@far.example' % i).verdict, 'accept')
        answer = send(milter, 'r5@far.example')
        same((answer.verdict, answer.reply.code, answer.reply.dsn), ('tempfail', '451', '4.7.1'))
        check(re.search(r'\[SGN50\] account cp1001 writes to too many new recipients: 4 new recipients in one hour by '
                        r'sign-up mail, limit 4, this mail 1; free again at (\d{4}-\d\d-\d\d )?\d\d:\d\d UTC '
                        r'(\((\d{4}-\d\d-\d\d )?\d\d:\d\d \S+\) )?\(id ', answer.reply.text), '%s', answer.reply.text)
        milter.wait_log(r'rule=account_recipients action=defer .*kind=confirm new=1 .*limit=account_recipients:4/4')
        same(used(redis, '{cp1001}', 'account:confirm'), 4, 'what is refused')
        # a kind of mail by itself: orders go on, and so do those who are known
        same(send(milter, 'buyer@far.example', 'Your order 12').verdict, 'accept')
        check(knows(redis, 'cp1001', 5), 'contacts')
        same(send(milter, 'r1@far.example').verdict, 'accept')


def test_too_many_recipients_at_once_are_refused_for_good():
    with counting('account_recipients_limit = "10/100"') as (milter, redis):
        answer = send(milter, ['r%d@far.example' % i for i in range(5)])
        same((answer.verdict, answer.reply.code), ('reject', '550'))
        check('send at most 4 at a time' in answer.reply.text, '%s', answer.reply.text)
        same(used(redis, '{cp1001}', 'account:confirm'), 0)


def test_a_message_that_is_tried_again_counts_once():
    with counting('victim_messages = observe') as (milter, redis):
        message = letter(('a@far.example', 'b@far.example'))
        again = letter(('b@far.example', 'a@far.example'), queue_id='5Other')
        again.headers = [(n, dict(message.headers)[b'Message-ID'] if n == b'Message-ID' else v) for n, v in again.headers]
        redis.command('SET', 'x', 'y')
        with Mta(milter.socket) as one, Mta(milter.socket) as two:
            one.open()
            two.open()
            same(one.message(message).verdict, 'accept')
            same(two.message(again).verdict, 'accept')
        wait_for(lambda: used(redis, '{cp1001}', 'account:confirm') == 2, 2)
        same(used(redis, '{cp1001}', 'account:confirm'), 2)


def test_a_retry_without_contacts_counts_once_by_its_token():
    with counting() as (milter, redis):
        message = letter('a@far.example')
        same(ask(milter.socket, message).verdict, 'accept')
        check(knows(redis, 'cp1001', 1), 'not known')
        redis.command('DEL', 'leu:seen:{cp1001}:' + time.strftime('%Y-%m', time.gmtime()))
        same(ask(milter.socket, message).verdict, 'accept')
        same(used(redis, '{cp1001}', 'account:confirm'), 1)


def test_another_text_is_no_retry_whatever_its_id():
    for name, more in (('none', []), ('same', [('Message-ID', '<same@own.example>')])):
        with counting() as (milter, redis):
            for i in range(4):
                message = Message(rcpt_to=('v@far.example',), body=b'Your code is %d\r\n' % i,
                                  headers=[('From', 'info@own.example'), ('Subject', 'Confirm your account'), *FORM, *more])
                answer = ask(milter.socket, message)
                same(answer.verdict == 'accept', i < 3, '%s, mail %d' % (name, i))
                if i == 0:
                    check(knows(redis, 'cp1001', 1), 'not known')
            check('[SGN10]' in answer.reply.text, '%s', answer.reply.text)


def test_what_another_milter_refuses_counts_nothing():
    with counting(sender='\tdefault_domains = {"*.cp1server.example.com"}') as (milter, redis):
        same(send(milter, 'a@far.example', mail_from='x@victim.example').verdict, 'reject')
        same(send(milter, 'b@far.example').verdict, 'accept')
        check(knows(redis, 'cp1001', 1), 'contacts')
        same(used(redis, '{cp1001}', 'account:confirm'), 1)


def test_a_burst_by_bcc_counts_recipients():
    with counting() as (milter, redis):
        same(send(milter, ['r%d@far.example' % i for i in range(7)]).verdict, 'accept')
        same(used(redis, '{cp1001}', 'account:confirm'), 7)
        # more than go into one request
        same(send(milter, ['q%d@far.example' % i for i in range(150)], 'News', [('List-Id', '<news.own.example>')]).verdict,
             'accept')
        check(knows(redis, 'cp1001', 157), 'contacts')
        same(used(redis, '{cp1001}', 'account:bulk'), 150)
        same(send(milter, ['q%d@far.example' % i for i in range(150)], 'News', [('List-Id', '<news.own.example>')]).verdict,
             'accept')
        same(used(redis, '{cp1001}', 'account:bulk'), 150)


def test_spellings_of_one_recipient_and_of_one_login_are_one():
    with counting() as (milter, redis):
        for rcpt_to in ('Some.One@Far.Example', 'some.one+tag@far.example', 'SOME.ONE@FAR.EXAMPLE'):
            same(send(milter, rcpt_to).verdict, 'accept')
            check(knows(redis, 'cp1001', 1), rcpt_to)
        same(used(redis, '{cp1001}', 'account:confirm'), 1)
        for login in ('Web@Own.Example', 'web@own.example', 'WEB@OWN.EXAMPLE'):
            same(send(milter, login + '.far.example', auth_user=login).verdict, 'accept')
            check(knows(redis, 'cp1001', 2), 'logins')
        same(used(redis, '{cp1001}', 'script:web@own.example%3aconfirm'), 1)


def test_ways_past_our_parser_that_an_mta_goes_are_counted():
    with counting('account_recipients_limit = "100/100"') as (milter, redis):
        ways = ('@relay.example,@b.example:v1@far.example', r'"v\2"@far.example', 'v3%far.example', 'far.example!v4',
                'v5@[192.0.2.1]', 'v6%far.example@own.example', '"v 7(%s)"@far.example' % ('x' * 80))
        for number, way in enumerate(ways):
            same(send(milter, way).verdict, 'accept')
            check(knows(redis, 'cp1001', number + 1), way)
            same(used(redis, '{cp1001}', 'account:confirm'), number + 1, way)
        for way in ('v1@far.example', 'v2@far.example', 'v3@far.example', 'v4@far.example', 'root', 'x@own.example'):
            same(send(milter, way).verdict, 'accept')
        same(used(redis, '{cp1001}', 'account:confirm'), len(ways), 'no spelling makes a new one')


def test_a_victim_is_counted_over_all_accounts():
    with counting(sender='\tenvelope_owner = off\n\tauthor_owner = off') as (milter, redis):
        verdicts = [send(milter, 'v.ictim@gmail.com', auth_user='cp100%d' % (i % 2 + 1), mail_from='info@own.example').verdict
                    for i in range(3)]
        same(verdicts, ['accept'] * 3)
        answer = send(milter, 'vic.tim+x@googlemail.com', auth_user='cp1003')
        same(answer.reply.code, '451')
        check('[SGN10]' in answer.reply.text and 'messages' in answer.reply.text, '%s', answer.reply.text)
        same(used(redis, '{cp1003}', 'account:confirm'), 0, 'what is refused counts nothing')


def test_who_is_bombed_gets_the_mail_of_those_who_have_long_known_him():
    with counting(sender='\tenvelope_owner = off\n\tauthor_owner = off') as (milter, redis):
        bomb = lambda account: send(milter, 'v@far.example', auth_user=account).verdict == 'accept'
        check(bomb('cp1004'), 'a stranger')
        check(knows(redis, 'cp1004', 1), 'not known')
        # that was days ago
        for key in redis.command('KEYS', 'leu:limit:*'):
            redis.command('DEL', key)
        same([bomb('cp100%d' % n) for n in (1, 2, 3, 1)], [True, True, True, False])
        check(bomb('cp1004'), 'a new password, of an old acquaintance')
        same(bomb('cp1005'), False, 'a stranger')


def test_orders_and_personal_mail_do_not_count_for_a_victim():
    with counting() as (milter, redis):
        for i in range(6):
            same(send(milter, 'friend@far.example', 'hello', []).verdict, 'accept')
            same(send(milter, 'buyer@far.example', 'Your order %d' % i).verdict, 'accept')
        same(redis.command('KEYS', 'leu:limit:*:victim'), [])


# ---- scripts ---------------------------------------------------------------------------------------

def a_user():
    for user in pwd.getpwall():
        if 0 < user.pw_uid < 1000 and user.pw_name not in ('mail', 'smmsp', 'www-data', 'nobody'):
            return user
    raise Skip('no ordinary user in this system')


def by_script(milter, user, rcpt_to, script='reg.php', visitor=None, subject='Confirm your account', believed=True):
    """As Postfix hands over what PHP's mail() gave to sendmail(1)."""
    headers = [('X-PHP-Script', 'forum.own.example/%s for %s' % (script, visitor))] if visitor else []
    message = letter(rcpt_to, subject, headers, auth_user=None)
    message.mail_raw = message.mail_from.strip(b'<>')
    if believed:
        message.headers.insert(0, (b'X-PHP-Originating-Script', b'%d:%s' % (user.pw_uid, script.encode())))
    message.headers.insert(0, (b'X-Local-Uid', str(user.pw_uid).encode()))
    with Mta(milter.socket) as mta:
        mta.connection_macros['{daemon_name}'] = 'LOCAL'
        mta.open('127.0.0.1', 0, 'localhost', 'localhost')
        return mta.message(message)


@contextlib.contextmanager
def scripting(options='', **more):
    user = a_user()
    with counting('exempt_uids = {}\n' + options, domains=DOMAINS.replace('cp1001', user.pw_name), **more) as (milter, redis):
        yield milter, redis, user


def test_a_script_has_a_limit_of_its_own():
    with scripting('script_recipients_limit = "10/100"') as (milter, redis, user):
        for i in range(4):
            same(by_script(milter, user, 'r%d@far.example' % i).verdict, 'accept')
        answer = by_script(milter, user, 'r9@far.example')
        # sendmail(1) on Postfix cannot be told to try again later
        same(answer.verdict, 'hold')
        milter.wait_log(r'rule=script_recipients .*about=reg.php')
        same(by_script(milter, user, 'r9@far.example', 'shop.php').verdict, 'accept')


def test_visitors_of_forms_are_counted_by_their_network():
    with scripting('client_recipients_limit = "2/10"') as (milter, redis, user):
        for visitor in ('198.51.100.7', '203.0.113.9, 198.51.100.200'):
            same(by_script(milter, user, visitor.replace(', ', '-') + '@far.example', visitor=visitor).verdict, 'accept')
        wait_for(lambda: used(redis, '{198.51.100.0%2f24}:client', 'client') == 2, 5)
        same(used(redis, '{198.51.100.0%2f24}:client', 'client'), 2)
        same(by_script(milter, user, 'z@far.example', visitor='198.51.100.9').verdict, 'hold')
        milter.wait_log(r'rule=client_recipients .*about=198.51.100.0/24')
        same(by_script(milter, user, 'z@far.example', visitor='198.51.101.9').verdict, 'accept')
        # what a script says by itself is not believed
        for i in range(4):
            same(by_script(milter, user, 'y%d@far.example' % i, visitor='192.0.2.66', believed=False).verdict, 'accept')
        same(redis.command('EXISTS', 'leu:limit:{192.0.2.0%2f24}:client'), 0)


# ---- what an admin sets ----------------------------------------------------------------------------

def test_rules_observe_while_the_installation_learns():
    with counting('account_recipients_limit = "10/100"', learning='14d') as (milter, redis):
        for i in range(6):
            same(send(milter, 'r%d@far.example' % i).verdict, 'accept')
            time.sleep(PAUSE)
        milter.wait_log(r'observed=account_recipients.*account_recipients_detail=\S*limit\\x204.*learning=yes')
        check(wait_for(lambda: used(redis, '{cp1001}', 'account:confirm') == 6, 5), 'all count')
        # two weeks later
        check(redis.command('HGET', 'leu:meta', 'since') is not None, 'since is not kept')


def test_each_action_does_what_it_says():
    for action, verdict, code in (('off', 'accept', None), ('observe', 'accept', None), ('hold', 'hold', None),
                                  ('defer', 'tempfail', '451'), ('reject', 'reject', '550')):
        with counting('account_recipients_limit = "5/100"\naccount_recipients = %s\nvictim_messages = off' % action) as (milter, _):
            for i in range(2):
                send(milter, 'r%d@far.example' % i)
                time.sleep(PAUSE)
            answer = send(milter, 'r9@far.example')
            same(answer.verdict, verdict, action)
            if code:
                same(answer.reply.code, code, action)
            same(bool(milter.log_lines('observed=account_recipients')), action == 'observe', action)


def test_an_observing_rule_keeps_nobody_and_counts():
    with counting('account_recipients_limit = "5/100"\naccount_recipients = observe') as (milter, redis):
        for i in range(4):
            same(send(milter, 'r%d@far.example' % i).verdict, 'accept')
        check(wait_for(lambda: used(redis, '{cp1001}', 'account:confirm') == 4, 5), 'observed')
        same(used(redis, '{cp1001}', 'script:cp1001%3aconfirm'), 4)


def override(redis, account, name, hour, day):
    with open(os.path.join(ROOT, 'redis', 'override.lua')) as f:
        same(redis.command('EVAL', f.read(), 1, 'leu:override:{%s}' % account, 'set', '', name, hour, day,
                           int((time.time() + 3600) * 1000), 'test', 'tester'), 1)


def test_limits_set_by_hand_are_meant_as_they_are():
    with counting('account_recipients_limit = "10/100"') as (milter, redis):
        override(redis, 'cp1001', 'account:confirm', 2, 50)
        for i in range(2):
            same(send(milter, 'r%d@far.example' % i).verdict, 'accept')
        answer = send(milter, 'r9@far.example')
        check('limit 2,' in answer.reply.text, '%s', answer.reply.text)
        override(redis, 'cp1001', 'account:confirm', 7, 50)
        for i in range(5):
            same(send(milter, 's%d@far.example' % i).verdict, 'accept', 'no evidence bends it')
        check('limit 7,' in send(milter, 'r9@far.example').reply.text, 'the second limit')


def test_exempt_accounts_and_senders_are_not_counted_until_their_day():
    with counting('account_recipients_limit = "5/100"\nexempt_accounts = {"CP1001: shop moves", "cp1002 until 2020-01-31: over"}\n'
                  'exempt_senders = {"*-bounces@shared.example: lists"}') as (milter, redis):
        for i in range(5):
            same(send(milter, 'r%d@far.example' % i).verdict, 'accept')
            same(send(milter, 'q%d@far.example' % i, auth_user='cp1002', mail_from='talk-bounces@shared.example').verdict, 'accept')
        same(redis.command('KEYS', 'leu:limit:*'), [])
        check(knows(redis, 'cp1001', 5), 'they are known when the exemption ends')
        verdicts = [send(milter, 'p%d@far.example' % i, auth_user='cp1002', mail_from='x@neighbour.example').verdict
                    for i in range(3)]
        same(verdicts, ['accept', 'accept', 'tempfail'])


def test_limits_inherit_from_package_to_account_to_mailbox():
    limits = ('account_recipients_limit = "5/100"\nscript_recipients = off\npackages = {"HOME/userplans"}\n'
              'limits = {"package Gold Plus account_recipients 10/100", "account cp1002 account_recipients 15/100", '
              '"mailbox News@Neighbour.example account_recipients 20/100"}')
    plans = '# userplans v1\ncp1001: Gold Plus\ncp1002: Gold Plus\nbroken line\n'

    def room(milter, prefix, **fields):
        for i in range(20):
            if send(milter, '%s%d@far.example' % (prefix, i), **fields).verdict != 'accept':
                return i
        return 20

    with counting(limits, files=[('userplans', plans)]) as (milter, redis):
        milter.wait_log(r'userplans:4: write `account: package`')
        theirs = {'auth_user': 'cp1002', 'mail_from': 'x@neighbour.example'}
        same(room(milter, 'a', auth_user='cp1003', mail_from='x@own.example'), 0)
        same(room(milter, 'b'), 4, 'the package')
        same(room(milter, 'c', **theirs), 6, 'the account')
        same(room(milter, 'd', **dict(theirs, auth_user='news@neighbour.example')), 8, 'a login of its own')
        same(used(redis, '{cp1002}', 'mailbox:news@neighbour.example%3aconfirm'), 8)
        # the panel moves an account to another package
        milter.replace(os.path.join(milter.home, 'userplans'), 'cp1001: Silver\n')
        time.sleep(1.1)
        check('limit 2,' in send(milter, 'z@far.example').reply.text, 'the package of now')


def test_wrong_options_are_refused_with_file_and_line():
    for options, words in (('victim_messages_limit = "3"', 'HOUR/DAY'),
                           ('account_recipients_limit = "40/20"', 'the hour first'),
                           ('limits = {"account bob account_recipients 4/3"}', 'the hour first'),
                           ('limits = {"account bob"}', 'package NAME RULE HOUR/DAY'),
                           ('limits = {"account bob victim_messages 3/4"}', 'over all accounts'),
                           ('limits = {"account bob account_messages 3/4"}', 'account_recipients'),
                           ('limits = {"account bob account_recipients 3/x"}', 'HOUR/DAY'),
                           ('limits = {"package gold account_recipients 3/4"}', 'packages'),
                           ('limits = {"account b account_recipients 3/4", "account B account_recipients 4/4"}', 'twice'),
                           ('packages = {"userplans"}', 'whole path'),
                           ('exempt_accounts = {"bob"}', 'reason'),
                           ('subject_percent = 0', '1 to 12800')):
        with Instance() as milter:
            milter.write('60-signup.conf', 'signup {\n\tenable = true\n\n%s\n}\n' % options)
            status, said = milter.refused()
            check(status != 0 and '60-signup.conf:4' in said and words in said, '%s: %s', options, said)


# ---- warnings --------------------------------------------------------------------------------------

def test_notices_tell_of_four_fifths_and_of_the_limit():
    with counting('account_recipients_limit = "25/1000"\nscript_recipients = off') as (milter, _):
        for i in range(7):
            same(send(milter, 'r%d@far.example' % i).verdict, 'accept')
        same(milter.log_lines('limit_'), [])
        same(send(milter, 'r7@far.example').verdict, 'accept')
        near = milter.wait_log('limit_near')
        check('account cp1001 comes near its limit: 8 of 10 new recipients in one hour' in near[0], '%s', near)
        for i in range(8, 10):
            same(send(milter, 'r%d@far.example' % i).verdict, 'accept')
        full = milter.wait_log('limit_full')
        check('account cp1001 has reached its limit: 10 of 10 new recipients in one hour' in full[0], '%s', full)
        check('free_at=' not in near[0] + full[0], 'what is not known is told: %s', full)
        same(send(milter, 'r10@far.example').verdict, 'tempfail')
        same((len(milter.log_lines('limit_near')), len(milter.log_lines('limit_full'))), (1, 1), 'once')


# ---- who wrote first -------------------------------------------------------------------------------

def test_who_wrote_to_an_account_is_no_stranger_to_it():
    with counting() as (milter, redis):
        incoming = {'auth_user': None, 'headers': []}
        same(send(milter, 'info@own.example', mail_from='Asker+x@far.example', **incoming).verdict, 'accept')
        check(knows(redis, 'cp1001', 1), 'the sender is not known')
        same(send(milter, 'info@own.example', mail_from='', **incoming).verdict, 'accept')
        same(send(milter, 'asker@far.example').verdict, 'accept')
        milter.wait_log('kind=confirm new=0')
        same(redis.command('EXISTS', 'leu:limit:{cp1001}'), 0)


def test_a_flood_of_senders_makes_few_contacts():
    with counting() as (milter, redis):
        with Mta(milter.socket) as mta:
            mta.open()
            for i in range(200):
                mta.message(letter('info@own.example', mail_from='w%d@far.example' % i, auth_user=None))
        time.sleep(0.3)
        key = 'leu:seen:{cp1001}:' + time.strftime('%Y-%m', time.gmtime())
        check(0 < redis.command('SCARD', key) <= 120, '%r contacts', redis.command('SCARD', key))


# ---- the store goes ---------------------------------------------------------------------------------

def test_without_redis_the_local_limit_holds():
    with counting('account_recipients_limit = "25/1000"\nscript_recipients = off') as (milter, redis):
        for i in range(4):
            same(send(milter, 'r%d@far.example' % i).verdict, 'accept')
        redis.kill()
        verdicts = [send(milter, 'q%d@far.example' % i).verdict for i in range(10)]
        same(verdicts, ['accept'] * 6 + ['tempfail'] * 4)
        check(milter.wait_log('store=away'), 'not told')
        start = time.monotonic()
        for i in range(20):
            send(milter, 'z%d@far.example' % i)
        check(time.monotonic() - start < 2, 'it is waited for')
        # what was counted alone is told when it is back
        redis.start()
        check(wait_for(lambda: used(redis, '{cp1001}', 'account:confirm') == 6, 10), 'counts: %r',
              redis.command('HGETALL', 'leu:limit:{cp1001}'))


def test_from_the_start_without_redis_the_local_limit_holds():
    with counting('account_recipients_limit = "25/1000"\nscript_recipients = off', start_redis=False) as (milter, _):
        same([send(milter, 'q%d@far.example' % i).verdict for i in range(14)], ['accept'] * 10 + ['tempfail'] * 4)


def test_without_redis_those_seen_lately_are_known():
    with counting('account_recipients_limit = "25/1000"\nscript_recipients = off') as (milter, redis):
        for i in range(9):
            same(send(milter, 'r%d@far.example' % i).verdict, 'accept')
        redis.kill()
        for i in range(9):
            same(send(milter, 'r%d@far.example' % i).verdict, 'accept')
        same([send(milter, 'q%d@far.example' % i).verdict for i in range(3)], ['accept', 'tempfail', 'tempfail'])


def test_what_is_done_without_redis_can_be_chosen():
    for choice, verdict in (('accept', 'accept'), ('defer', 'tempfail')):
        with counting('account_recipients_limit = "5/1000"\non_store_failure = %s' % choice) as (milter, redis):
            same(send(milter, 'a@far.example').verdict, 'accept')
            redis.kill()
            for i in range(6):
                same(send(milter, 'q%d@far.example' % i).verdict, verdict, choice)


def test_mail_of_nobody_only_observes():
    with counting('account_recipients_limit = "5/100"', sender='\tunknown_account = off') as (milter, _):
        for i in range(4):
            same(send(milter, 'r%d@far.example' % i, auth_user='x@nowhere.example').verdict, 'accept')
            time.sleep(PAUSE)
        milter.wait_log('observed=account_recipients')


def test_status_tells_how_long_it_learns():
    with counting(learning='14d') as (milter, redis):
        send(milter, 'a@far.example')
        import socket
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(milter.exim)
            s.sendall(b'status\n')
            answer = s.makefile().read()
        check(re.search(r'"signup":\{"learning_until_ms":\d{13},"learning_s":1209600,"messages":1,"first_contacts":1', answer), '%s', answer)


def leumund(milter, *words):
    """What the admin's command prints, in one line."""
    done = subprocess.run([LEUMUND, '-c', milter.conf, '-r', milter.run, *words], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=30 * SLOW, check=False)
    return ' '.join(done.stdout.decode().split())


def test_status_tells_that_it_learns_before_there_was_any_mail():
    with counting(learning='14d', start_redis=False) as (milter, _):
        check('its rules only observe' in leumund(milter, 'status'), '%s', leumund(milter, 'status'))


def test_history_says_what_was_counted_in_words():
    with counting('account_recipients_limit = "5/100"\nvictim_messages = off') as (milter, _):
        for i in range(3):
            send(milter, 'r%d@far.example' % i)
        milter.wait_log('action=defer')
        told = lambda: re.search('detail="2 new recipients in one hour by sign-up mail, limit 2, .* UTC[^"]*"',
                                 leumund(milter, 'history', 'cp1001'))
        check(wait_for(told, 5), '%s', leumund(milter, 'history', 'cp1001'))


def test_providers_are_counted_by_their_group():
    with counting('provider_recipients_limit = "10/100"\nscript_recipients = off') as (milter, redis):
        for rcpt_to in ('anna.berg@hotmail.com', 'bob.miller@outlook.com', 'carla.weber@live.com', 'dan.fischer@hotmail.com'):
            same(send(milter, rcpt_to).verdict, 'accept', rcpt_to)
        answer = send(milter, 'eva.schmidt@outlook.com')
        check('[SGN40]' in answer.reply.text and 'at microsoft:' in answer.reply.text, '%s', answer.reply.text)
        same(send(milter, 'eva.schmidt@far.example').verdict, 'accept')


def test_evidence_raises_and_lowers_a_limit():
    with counting('account_recipients_limit = "10/1000"\nscript_recipients = off\nvictim_messages = off') as (milter, _):
        for rcpt_to, subject, headers, evidence, percent in (
                ('anna.berg@far.example', 'Confirm your account', FORM, 'machine,subject', 40),
                ('bob.miller@far.example', '=?UTF-8?B?QmVzdMOkdGlnZW4gU2ll?=', FORM, 'machine,subject', 40),
                ('xkqzvwptgh@far.example', 'Hello', FORM, 'machine,random', 33),
                ('carla.weber@far.example', 'Your order', FORM, 'machine,trade', 1600),
                ('dan.fischer@far.example', 'News', [('List-Id', '<n.own.example>')], 'machine,list', 10000),
                ('eva.schmidt@far.example', 'Re: hello', [('In-Reply-To', '<1@far.example>')], 'personal,reply', 800)):
            same(send(milter, rcpt_to, subject, headers).verdict, 'accept', rcpt_to)
            check(milter.wait_log(r'rcpt_to=%s .*evidence=%s percent=%d ' % (rcpt_to, evidence, percent)), rcpt_to)


def test_nearly_the_same_text_to_many_strangers_is_a_machines():
    with counting() as (milter, _):
        for i in range(7):
            same(send(milter, 'r%d@far.example' % i, 'hello from us', [],
                      body=b'Dear visitor %d,\r\nthank you for your interest in our wonderful garden furniture, the new catalogue '
                      b'of this spring is now here for you to look at.\r\n' % i).verdict, 'accept')
        milter.wait_log(r'rcpt_to=r0@far.example .*kind=person new=1 evidence=personal ')
        milter.wait_log(r'rcpt_to=r6@far.example .*kind=program new=1 evidence=alike ')


def test_deferring_for_long_becomes_a_refusal():
    with counting('account_recipients_limit = "5/100"\nreject_after = 1h\nvictim_messages = off') as (milter, redis):
        for i in range(2):
            same(send(milter, 'r%d@far.example' % i).verdict, 'accept')
        same(send(milter, 'r9@far.example').reply.code, '451')
        count = redis.command('HGET', 'leu:limit:{cp1001}', 'refused').split()[0].decode()
        redis.command('HSET', 'leu:limit:{cp1001}', 'refused', '%s 0 61' % count)
        same(send(milter, 'r9@far.example').reply.code, '550')


def test_what_waits_in_exims_queue_hears_when_it_is_free_again_and_is_no_new_refusal():
    user = next(u for u in pwd.getpwall() if 0 < u.pw_uid < 1000 and u.pw_name not in ('mail', 'www-data', 'nobody'))
    author = 'x@user.example'
    with counting('account_recipients_limit = "5/100"\nvictim_messages = off\nexempt_uids = {}',
                  domains=DOMAINS + 'user.example: %s\n' % user.pw_name) as (milter, redis):

        def asked(verb, rcpt_to):
            keys = {'recipients': rcpt_to} if verb == 'local' else {'rcpt_to': rcpt_to}
            text = ''.join('%s: %s\n' % pair for pair in [('From', author), ('Subject', 'Confirm your account'), *FORM])
            return exim.ask(milter.exim, verb, later='1', header_changes='1', uid=str(user.pw_uid), mail_from=author,
                            headers=text, **keys)

        for i in range(2):
            same(asked('local', 'r%d@far.example' % i), 'accept')
        check(asked('local', 'r9@far.example').startswith('accept header '), 'is not put off')
        refused = redis.command('HGET', 'leu:limit:{%s}' % user.pw_name, 'refused')
        for _ in range(2):
            answer = asked('route', 'r9@far.example')
            check(answer.startswith(':defer: [SGN50] ') and 'limit 2, this mail 1; free again at ' in answer, answer)
        same(redis.command('HGET', 'leu:limit:{%s}' % user.pw_name, 'refused'), refused, 'refusals')
        wait_for(lambda: redis.command('XLEN', 'leu:hist:{%s}' % user.pw_name) == 5, 5)
        same(redis.command('HGET', 'leu:refused:{%s}' % user.pw_name, 'account_recipients.defer'), b'1', 'leumund refusals')
        redis.command('DEL', 'leu:limit:{%s}' % user.pw_name)
        same(asked('route', 'r9@far.example'), '', 'when it is free')
        same(used(redis, '{%s}' % user.pw_name, 'account:confirm'), 1, 'it is counted')


def test_two_daemons_share_their_counts():
    with counting('account_recipients_limit = "25/1000"\nscript_recipients = off') as (milter, redis):
        other = Instance(domains=DOMAINS)
        try:
            other.write('05-store.conf', 'store {\n\taddress = "%s"\n}\n' % redis.socket)
            other.write('10-provider.conf', 'provider {\n\tlookup = false\n}\n')
            other.write('60-signup.conf', 'signup {\n\tenable = true\n\tlearning = 0s\n'
                        '\taccount_recipients_limit = "25/1000"\n\tscript_recipients = off\n}\n')
            other.start()
            other.wait_log('store: connected')
            verdicts = [send((milter, other)[i % 2], 'r%d@far.example' % i).verdict for i in range(14)]
            same(verdicts, ['accept'] * 10 + ['tempfail'] * 4)
            same(used(redis, '{cp1001}', 'account:confirm'), 10)
            other.end()
        finally:
            other.end(check=False)
            other.remove()


def test_an_attacker_cannot_make_redis_grow():
    with counting('script_recipients = observe\naccount_recipients = observe\nprovider_recipients = observe',
                  sender='\tenvelope_owner = off\n\tauthor_owner = off') as (milter, redis):
        with Mta(milter.socket) as mta:
            mta.open()
            for i in range(600):
                # each by another login, of another kind, to another domain
                mta.message(letter('u%d@d%d.example' % (i, i), ('Confirm it', 'Your order', 'hello')[i % 3],
                                   auth_user='u%d@own.example' % i, mail_from='u%d@own.example' % i))
        time.sleep(0.5)
        check(redis.command('HLEN', 'leu:limit:{cp1001}') <= 56, '%r fields', redis.command('HLEN', 'leu:limit:{cp1001}'))
        victims = redis.command('KEYS', 'leu:limit:*:victim')
        check(len(victims) <= 410, '%d victims', len(victims))
        for key in redis.command('KEYS', '*'):
            if key != b'leu:meta':
                check(redis.command('TTL', key) > 0, '%r stays for ever', key)


def test_mail_of_nobody_cannot_make_redis_grow_either():
    with counting(sender='\tunknown_account = off') as (milter, redis):
        with Mta(milter.socket) as mta:
            mta.open()
            for i in range(1100):
                mta.message(letter('n%d@far.example' % i, auth_user='x@nowhere.example'))
        time.sleep(0.5)
        victims = redis.command('KEYS', 'leu:limit:*:victim')
        check(len(victims) <= 1000, '%d victims in an hour', len(victims))


def test_one_message_takes_two_trips_at_most():
    with counting('account_recipients_limit = "100/1000"') as (milter, redis):
        scripts = lambda: sum(int(n) for n in re.findall(rb'cmdstat_evalsha:calls=(\d+)', redis.command('INFO', 'commandstats')))
        send(milter, 'a@far.example')
        check(knows(redis, 'cp1001', 1), 'contacts')
        time.sleep(0.2)
        before = scripts()
        send(milter, 'b@far.example')
        check(knows(redis, 'cp1001', 2), 'contacts')
        time.sleep(0.2)
        # look, account, victim; account, victim; contact, history
        same(scripts() - before, 7, 'a stranger')
        before = scripts()
        send(milter, 'b@far.example', 'Your order', auth_user='cp1001')
        time.sleep(0.2)
        # look, account; contact, history
        same(scripts() - before, 4, 'a known recipient')
