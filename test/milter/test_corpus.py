# The corpora of hostile and plain authors, sent through the daemon: no forgery passes, no honest mail is refused.
import os
import re
import subprocess
import sys

from case import Skip, check, note, same
from instance import ROOT, SHARED, Instance
from mta import Message, Mta

OWN = 'own.example: cust1\nsecond.example: cust1\nxn--bcher-kva.example: cust1\nneighbour.example: cust2\n'


CORPUS = os.path.join(ROOT, 'test', 'data', 'from', 'cases.tsv')
OWNED = 'shop.example: shop1\nzweite.example: shop1\nxn--mller-kva.example: shop1\nother.example: shop2\n'


def unescape(text):
    """\\r \\n \\t \\\\ and \\xNN, as the corpus' head says."""
    plain = {b'r': b'\r', b'n': b'\n', b't': b'\t', b'\\': b'\\'}
    return re.sub(rb'\\(x[0-9a-fA-F]{2}|[rnt\\])',
                  lambda m: bytes([int(m.group(1)[1:], 16)]) if m.group(1)[:1] == b'x' else plain[m.group(1)], text)


def corpus_cases():
    with open(CORPUS, 'rb') as f:
        for line in f.read().split(b'\n'):
            if not line or line.startswith(b'#'):
                continue
            name, verdict, mail_from, *fields = line.split(b'\t')
            headers = []
            for field in fields:
                header, _, value = unescape(field).partition(b':')
                headers.append((header, value[1:] if value[:1] == b' ' else value))
            headers += [(b'To', b'rcpt@remote.example'), (b'Subject', name)]
            message = Message(headers=headers, auth_user='shop1')
            message.mail_raw = unescape(mail_from)
            yield name.decode(), verdict.decode(), message


def test_own_corpus_of_authors_gets_no_wrong_verdict():
    if not os.path.exists(CORPUS):
        raise Skip('no test/data/from/cases.tsv')
    wrong, count = [], {'pass': 0, 'reject': 0}
    with Instance(domains=OWNED) as milter, Mta(milter.socket) as mta:
        mta.open()
        for name, expected, message in corpus_cases():
            result = mta.message(message)
            count[expected] += 1
            if result.verdict != {'pass': 'accept', 'reject': 'reject'}[expected]:
                wrong.append('%s: %s instead of %s %r' % (name, result.verdict, expected, result.reply or ''))
    note('%d must pass, %d must be refused, %d wrong', count['pass'], count['reject'], len(wrong))
    same(wrong, [], 'wrong verdicts')
    check(sum(count.values()) >= 200, 'only %r cases', count)


def test_bypass_corpus_beside_the_project():
    score = os.path.join(SHARED, 'data', 'from', 'score.py')
    if not os.path.exists(score):
        raise Skip('no ../shared/data/from')
    with Instance(sender='default_domains = {"cp1server.example.com"}', domains=OWN) as milter:
        for view in ('postfix37', 'ideal'):
            done = subprocess.run([sys.executable, '-B', score, milter.socket, '--view', view, '--list'],
                                  stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, text=True, check=False)
            note('%s: %s', view, done.stdout.split('\n')[0])
            # what no MTA hands to a milter (NUL, a second header block) is not counted: only the measured view is
            # the bar
            check(done.returncode == 0 or view == 'ideal', '%s: %s', view, done.stdout[-3000:])
