# `leumund provider`, with the groups that ship: by way of a name server of our own.
import os
import shutil

from case import check, same
from command import Command
from dns_server import DnsServer
from instance import ROOT

ZONE = '''
hotmail.com MX ttl=300 2 hotmail-com.olc.protection.outlook.com
club.example MX 10 802679870.pamx1.hotmail.com
office.example MX 0 office-example.mail.protection.outlook.com
dane.example MX 0 dane-example.l-v1.mx.microsoft
school.example MX 1 aspmx.l.google.com
school.example MX 5 alt1.aspmx.l.google.com
att.net MX 10 ff-ip4-mx-vip1.am0.yahoodns.net
gmx.at MX 10 mx00.emig.gmx.net
flat.example MX 10 mx01.ionos.de
t-online.de MX 10 mx00.t-online.de
me.com MX 10 mx01.mail.icloud.com
readme.com MX 10 mail.readme.com
small.example MX 10 mx1.mailbox.test
small.example MX 20 backup.google.com
bare.example A 192.0.2.1
null.example MX 0 .
live.de MODE servfail
xn--bcher-kva.example MX 10 mx.acme.example
'''

GROUPS = {
    'hotmail.com': 'microsoft', 'club.example': 'microsoft', 'office.example': 'office365', 'dane.example': 'office365',
    'school.example': 'google', 'att.net': 'yahoo', 'gmx.at': 'united_internet', 'flat.example': 'united_internet',
    't-online.de': 't_online', 'me.com': 'apple',
}


def provider(leumund, server, *words):
    shutil.copy(os.path.join(ROOT, 'conf.d', '10-provider.conf'), leumund.conf)
    return leumund('provider', '--dns', '127.0.0.1:%d' % server.port, *words)


def test_what_ships_knows_the_large_providers():
    server = DnsServer(ZONE)
    with Command() as leumund:
        found = provider(leumund, server, '--json', *GROUPS).json()['providers']
        same({one['domain']: one['group'] for one in found}, GROUPS)
        same({one['by'] for one in found}, {'mx'})
        same(found[0], {'domain': 'hotmail.com', 'provider': 'microsoft', 'group': 'microsoft', 'by': 'mx',
                        'row': 'olc.protection.outlook.com', 'mail': 'mx',
                        'mx': 'hotmail-com.olc.protection.outlook.com', 'ttl': 300, 'holds': found[0]['holds']})
        check(3590 <= found[0]['holds'] <= 3600, '%r', found[0])


def test_it_says_by_what_a_provider_is_told():
    server = DnsServer(ZONE)
    with Command() as leumund:
        leumund.write('90-local.conf', 'provider {\n\town_groups = {"acme: mx:acme.example", "house: school.example"}\n}\n')
        for word, said in (
                ('Hotmail.COM', 'hotmail.com: microsoft, by mx:olc.protection.outlook.com; '
                                'MX hotmail-com.olc.protection.outlook.com, TTL 300 s'),
                ('info@readme.com', 'readme.com: readme.com, in no group: by the organisation of its host; '
                                    'MX mail.readme.com, TTL 60 s'),
                ('small.example', 'small.example: mailbox.test, in no group: by the organisation of its host; '
                                  'MX mx1.mailbox.test, TTL 60 s'),
                ('school.example', 'school.example: house, by own_groups, whatever its MX is'),
                ('bücher.example', 'xn--bcher-kva.example: acme, by mx:acme.example; MX mx.acme.example, TTL 60 s'),
                ('bare.example', 'bare.example: bare.example, in no group: by the organisation of its host; '
                                 'no MX, its own address takes its mail, TTL 60 s'),
                ('null.example', 'null.example: null.example, in no group; it takes no mail (null MX), TTL 60 s'),
                ('nowhere.test', 'nowhere.test: nowhere.test, in no group; there is no such domain, TTL 60 s')):
            answer = provider(leumund, server, word)
            same((answer.status, answer.out, answer.err), (0, said + '\n', ''), word)
        same(server.queries('school.example'), 0)
        answer = provider(leumund, server, 'live.de')
        same((answer.status, answer.out), (1, 'live.de: microsoft, by the list of domains; its MX is not known now\n'))


def test_a_group_that_is_wrong_is_told_by_its_line():
    with Command() as leumund:
        leumund.write('90-local.conf', 'provider {\n\town_groups = {\n\t\t"acme: acme.example",\n\t\t"b: acme..example" }\n}\n')
        answer = leumund('provider', 'hotmail.com')
        same(answer.status, 78)
        check('90-local.conf:4: ' in answer.err and 'GROUP: DOMAIN' in answer.err, '%s', answer.err)
        leumund.write('90-local.conf', 'provider {\n\town_groups = { "a: x.example", "b: x.example" }\n}\n')
        answer = leumund('provider', 'hotmail.com')
        check("90-local.conf:2: " in answer.err and "'x.example' stands in two groups, a and b" in answer.err, '%s', answer.err)


def test_wrong_calls_are_refused():
    with Command() as leumund:
        for words, said in (((), 'needs DOMAIN'), (('hotmail',), "'hotmail' is no domain"), (('a@',), 'no domain'),
                            (('a..b',), 'no domain'), (('--dns', 'localhost', 'hotmail.com'), 'ADDRESS[:PORT]')):
            answer = leumund('provider', *words)
            same((answer.status, answer.out), (64, ''), repr(words))
            check(said in answer.err, '%r: %s', words, answer.err)
