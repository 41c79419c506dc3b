# `leumund classify`: what a mail, a reply, a line of a log, a report means.
import os
import subprocess

from case import Skip, check, same
from command import LEUMUND, Command
from instance import ROOT

DATA = os.path.join(ROOT, 'test', 'data', 'evidence')


def classify(kind, data, *words, conf=None):
    call = [LEUMUND] + (['-c', conf] if conf else []) + ['classify', '--kind', kind] + list(words)
    return subprocess.run(call, input=data, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def sample(name):
    with open(os.path.join(DATA, name), 'rb') as f:
        return f.read()


def mail(name):
    done = classify('mail', sample(name))
    if b'libgmime' in done.stderr:
        raise Skip('this build has no GMime')
    same((done.returncode, done.stderr), (0, b''))
    return done.stdout.decode()


def test_reply_is_explained():
    same(classify('reply', b'550 5.1.1 User unknown\n').stdout, b'nonexistent-mailbox\t\t5.1.1\n')
    words = classify('reply', b'451 4.7.650 temporarily rate limited (S775)', '--explain').stdout.decode().rstrip().split('\t')
    same(words[:5], ['rate-limited', '', '4.7.650', 'about ip', 'slow 1800s'])
    check(words[5].startswith('rule ms-rate-reputation, (built-in rules):'), 'which rule? %r', words)


def test_log_lines_of_each_mta():
    for line, answer in (
            ('Nov  2 10:00:00 mx postfix/smtp[7]: 4ABCDE: to=<jo@gone.test>, relay=mx.gone.test[192.0.2.20]:25, delay=1, '
             'delays=0/0/1/0, dsn=5.1.1, status=bounced (host mx.gone.test[192.0.2.20] said: 550 5.1.1 <jo@gone.test>: '
             'user unknown (in reply to RCPT TO command))', 'nonexistent-mailbox\tjo@gone.test\t5.1.1\n'),
            ('Nov  2 10:00:00 mx postfix/smtp[7]: 4ABCDE: to=<jo@h.test>, relay=mx.h.test[192.0.2.20]:25, delay=1, '
             'delays=0/0/1/0, dsn=5.7.1, status=bounced (host mx.h.test[192.0.2.20] said: 550 5.1.1 user unknown '
             '(in reply to MAIL FROM command))', 'permanent-other\tjo@h.test\t5.7.1\n'),
            ('2026-11-02 10:00:00 1xUrLK-00001U-1i ** jo@gone.test R=dnslookup T=remote_smtp H=mx.gone.test [192.0.2.20]: '
             'SMTP error from remote mail server after RCPT TO:<jo@gone.test>: 550 5.1.1 No such user',
             'nonexistent-mailbox\tjo@gone.test\t5.1.1\n'),
            ('2026-11-02 10:00:00 1xUrLK-00001U-1i == jo@gone.test R=dnslookup T=remote_smtp defer (-54): retry time not '
             'reached for any host for \'gone.test\'', 'local-defer\tjo@gone.test\t\n'),
            ('Nov  2 10:00:00 mx sm-mta[7]: 6A2A00aB001234: to=<jo@there.test>, delay=00:00:01, xdelay=00:00:01, mailer=esmtp, '
             'pri=30000, relay=mx.there.test. [192.0.2.20], dsn=2.0.0, stat=Sent (ok)', 'delivered\tjo@there.test\t2.0.0\n'),
            ('Nov  2 10:00:00 mx postfix/smtp[7]: 4ABCDE: host mx.h.test[192.0.2.20] refused to talk to me: 554 5.7.1 bad '
             'reputation', 'policy-block\t\t5.7.1\n'),
            ('Nov  2 10:00:00 mx cron[7]: user unknown', '')):
        same(classify('log', line.encode() + b'\n').stdout.decode(), answer)


def test_mails_and_reports():
    same(mail('dsn.eml'), 'policy-block\tjo@hotmail.test\t5.7.1\ndelivered\tal@there.test\t2.0.0\n')
    same(mail('exim.eml'), 'nonexistent-mailbox\tjo@gone.test\t5.1.1\nmailbox-full\tal@full.test\t\n')
    same(mail('vacation.eml'), 'not-bounce\t\t\n')
    same(classify('report', sample('jmrp.eml')).stdout, b'complaint\tjo@hotmail.test\t\n')
    same(classify('report', sample('dmarc.eml')).stdout, b'not-bounce\t\t\n')


def test_hostile_mails_are_cheap():
    mail('dsn.eml')
    head = b'From: MAILER-DAEMON@x\nSubject: failure\nContent-Type: multipart/mixed; boundary=B\n\n'
    nested = head + b'--B\nContent-Type: multipart/mixed; boundary=B\n\n' * 10000
    done = classify('mail', nested)
    same((done.returncode, done.stdout), (65, b''))
    check(b'parts' in done.stderr, 'why? %r', done.stderr)
    for data in (head + b'x' * (8 << 20), b'\0' * (1 << 20), b'', b'\n\n\n', head + b'--B\n' * 300000):
        same(classify('mail', data).returncode, 0)


def test_own_table_comes_first_and_is_checked():
    with Command() as leumund:
        leumund.write('evidence.table', 'acme  user unknown  -  -  mailbox-full  recipient  back-off 2h  ours\n')
        answer = classify('reply', b'550 5.1.1 user unknown', '--explain', conf=leumund.conf).stdout.decode()
        same(answer, 'mailbox-full\t\t5.1.1\tabout recipient\tback-off 7200s\trule acme, %s/evidence.table:1\n' % leumund.conf)
        leumund.write('evidence.table', 'ui-dead  -  -  -  complaint  nothing  none  off\n')
        same(classify('reply', b'550 c=r1601').stdout, b'nonexistent-mailbox\t\t\n')
        same(classify('reply', b'550 c=r1601', conf=leumund.conf).stdout, b'permanent-other\t\t\n')
        leumund.write('evidence.table', '# ours\nacme  user (unknown  -  -  mailbox-full  recipient  count  ours\n')
        done = classify('reply', b'550', conf=leumund.conf)
        same((done.returncode, done.stdout), (78, b''))
        check(b'evidence.table:2: ' in done.stderr and b'bracket' in done.stderr, '%r', done.stderr)


def test_wrong_calls_say_what_is_wrong():
    for words in ([], ['--kind', 'letter']):
        done = subprocess.run([LEUMUND, 'classify'] + words, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
        same(done.returncode, 64)
        check(b'--kind mail' in done.stderr, '%r', done.stderr)
