# RFC 7208's suite (test/data/spf) through the milter, as the client of an MTA sees it: 203 results, 22 explanations.
import os
import re
import socket

from case import check, same
from dns_server import DnsServer, label_text
from instance import ROOT, Instance
from mta import Message, Mta

OPTIONS = '''	explanation = alone
	mail_from_pass = mark
	timeout = 20s
'''
# the suite's name for the receiver's own words, where the domain has none
OWN_TEXT = 'texts = {"SPF10=DEFAULT"}'
CONF = 'dns {\n\tservers = "127.0.0.1:%d"\n}\nspf {\n\tenable = true\n%s}\n'


def octets(field):
    return re.sub(r'\\x(..)', lambda m: chr(int(m[1], 16)), field).encode('latin-1')


def scenarios():
    """Each as its records and its cases: [[fields]]."""
    with open(os.path.join(ROOT, 'test', 'data', 'spf', 'rfc7208.tsv'), encoding='ascii') as f:
        for line in f:
            kind, *fields = line.rstrip('\n').split('\t')
            if kind == 'scenario':
                records, cases = [], []
                yield records, cases
            elif kind == 'rr':
                records.append(fields)
            elif kind == 'case':
                cases.append([octets(field) for field in fields + [''] * (6 - len(fields))])


def name_text(name):
    return '.'.join(label_text(label) for label in octets(name).rstrip(b'.').split(b'.'))


def zone(records):
    lines, texts = [], {name for name, kind, _ in records if kind == 'TXT'}
    for name, kind, data in records:
        if kind == 'TIMEOUT':
            # beside a record, the suite means a type that nobody asks for any more
            if name not in texts:
                lines.append('%s MODE servfail' % name_text(name))
            continue
        if kind == 'TXT':
            data = '"%s"' % ''.join('\\%03d' % o if chr(o) in '"\\' or not 32 <= o < 127 else chr(o)
                                    for o in octets(data))
        elif kind == 'MX':
            preference, _, exchange = data.partition(' ')
            data = '%s %s' % (preference, name_text(exchange) or '.')
        elif kind in ('CNAME', 'PTR'):
            data = name_text(data)
        lines.append('%s %s ttl=0 %s' % (name_text(name), kind, data))
    return '\n'.join(lines)


def is_own(ip):
    """A host that happens to have a client's address rightly judges nothing from there."""
    with socket.socket(socket.AF_INET6 if ':' in ip else socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((ip, 0))
        except OSError:
            return False
    return True


def seen(milter, ip, helo, mail_from):
    """Result and explanation."""
    with Mta(milter.socket) as mta:
        mta.open(ip.decode(), helo=helo)
        found = mta.message(Message(mail_from=mail_from, auth_user=None, header_from='x@elsewhere.example'))
    if found.verdict == 'reject':
        same((found.reply.code, found.reply.dsn), ('550', '5.7.23'))
        return 'fail', found.reply.text
    shown = re.search(r'spf=(\w+)[^;]* smtp\.mailfrom', str(found.changes), re.I)
    return shown[1] if shown else repr(found), ''


def test_all_of_rfc7208_is_right_and_explained():
    wrong, passed, explained, own = [], 0, 0, 0
    for records, cases in list(scenarios()):
        server = DnsServer(zone(records))
        with Instance(service='inbound', leumund=OWN_TEXT, conf={'40-spf.conf': CONF % (server.port, OPTIONS)}) as milter:
            for name, ip, helo, mail_from, results, explanation in cases:
                if is_own(ip.decode()) and not explanation:
                    own += 1
                    continue
                result, text = seen(milter, ip, helo, mail_from)
                passed += result in results.decode().split('/')
                explained += bool(explanation) and text == explanation.decode('latin-1')
                if result not in results.decode().split('/') or (explanation and text != explanation.decode('latin-1')):
                    wrong.append('%s: %s %r, not %s %r' % (name.decode(), result, text, results.decode(), explanation))
    same(wrong, [])
    same((passed + own, explained), (203, 22))
    check(own <= 2, own)
