# `leumund spf check`: what SPF says, by way of a name server of our own.
import os
import subprocess

from case import check, same
from command import LEUMUND, Command
from dns_server import DnsServer
from instance import SLOW

ZONE = r'''
good.test TXT "v=spf1 ip4:192.0.2.0/24 ip6:2001:db8::/32 -all exp=why.test"
why.test TXT "%{i} is none of ours, see http://good.test/"
helo.test TXT "v=spf1 a -all"
helo.test A 192.0.2.25
plus.test TXT "v=spf1 exists:%{l}.users.test -all"
a+b=c.users.test A 127.0.0.2
broken.test TXT "v=spf1 ip4:192.0.2.0/33 -all"
silent.test MODE silent
servfail.test MODE servfail
'''


def spf(leumund, server, *words):
    return leumund('spf', 'check', '--dns', '127.0.0.1:%d' % server.port, *words)


def test_result_and_explanation_are_printed():
    server = DnsServer(ZONE)
    with Command() as leumund:
        same(spf(leumund, server, '192.0.2.1', 'h.test', 'a@good.test').out, 'pass\t\n')
        same(spf(leumund, server, '2001:db8::1', 'h.test', 'a@good.test').out, 'pass\t\n')
        same(spf(leumund, server, '198.51.100.1', 'h.test', 'a@good.test').out,
             'fail\t198.51.100.1 is none of ours, see http://good.test/\n')
        same(spf(leumund, server, '192.0.2.1', 'h.test', 'a+b=c@plus.test').out, 'pass\t\n')
        for null in ('', '<>'):
            same(spf(leumund, server, '192.0.2.25', 'helo.test', null).out, 'pass\t\n')
        answer = spf(leumund, server, '192.0.2.1', 'h.test', 'a@broken.test')
        same((answer.status, answer.out), (0, 'permerror\t\n'))
        check(answer.err.startswith('leumund: '), 'why? %r', answer.err)


def test_json_tells_all_of_it():
    server = DnsServer(ZONE)
    with Command() as leumund:
        found = spf(leumund, server, '198.51.100.1', 'h.test', 'a@good.test', '--json').json()
        same((found['result'], found['domain'], found['problem'], found['terms']), ('fail', 'good.test', '', 0))
        check(found['explanation'].startswith('198.51.100.1 is'), '%r', found)
        found = spf(leumund, server, '198.51.100.1', 'h.test', 'a@none.test', '--json').json()
        same((found['result'], found['problem']), ('none', ''))


def test_batch_answers_line_by_line_and_in_order():
    server = DnsServer(ZONE)
    child = subprocess.Popen([LEUMUND, 'spf', 'check', '--batch', '--dns', '127.0.0.1:%d' % server.port],
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=dict(os.environ))
    with child:
        for line, answer in ((b'192.0.2.1\th.test\ta@good.test', b'pass\t'), (b'192.0.2.25\thelo.test\t', b'pass\t'),
                             (b'nonsense', b'error\t'), (b'x\th.test\ta@good.test', b'error\t'),
                             (b'192.0.2.1\th.test\ta@servfail.test', b'temperror\t')):
            child.stdin.write(line + b'\n')
            child.stdin.flush()
            check(child.stdout.readline().startswith(answer), '%r', line)
        child.stdin.close()
        same(child.wait(10 * SLOW), 0)


def test_a_silent_name_server_is_temperror_in_time():
    server = DnsServer(ZONE)
    with Command() as leumund:
        same(spf(leumund, server, '192.0.2.1', 'h.test', 'a@silent.test').out, 'temperror\t\n')


def test_wrong_calls_are_refused_with_a_remedy():
    with Command() as leumund:
        for words, said in ((('check', '192.0.2.1', 'h.test'), 'check IP HELO MAILFROM'),
                            (('check', '--batch', '192.0.2.1', 'h.test', 'a@b.test'), 'check IP HELO MAILFROM'),
                            (('chekc', '192.0.2.1', 'h.test', 'a@b.test'), 'check IP HELO MAILFROM'),
                            (('check', '--dns', '127.0.0.1', '192.0.2', 'h.test', 'a@b.test'), 'no IP address'),
                            (('check', '--dns', 'localhost', '192.0.2.1', 'h.test', 'a@b.test'), 'ADDRESS[:PORT]')):
            answer = leumund('spf', *words)
            same((answer.status, answer.out), (64, ''), repr(words))
            check(said in answer.err, '%r: %s', words, answer.err)
