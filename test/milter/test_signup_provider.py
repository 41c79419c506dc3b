# The milter `signup` and mail providers: an account's strangers at one of them are counted together.
import os

from case import check, same
from dns_server import DnsServer
from instance import ROOT, wait_for
from test_signup import counting, send, used

ZONE = '''
club.example MX 10 802679870.pamx1.hotmail.com
office.example MX 10 office-example.mail.protection.outlook.com
alone.example MX 10 mx1.mailbox.test
hotmail.com MODE silent
'''


def files(server):
    with open(os.path.join(ROOT, 'conf.d', '10-provider.conf')) as shipped:
        groups = shipped.read().replace('#lookup', 'lookup')
    return {'20-provider.conf': groups, '50-dns.conf': 'dns {\n\tservers = "127.0.0.1:%d"\n}\n' % server.port}


def test_strangers_are_counted_by_the_provider_of_their_mx():
    server = DnsServer(ZONE)
    with counting(conf=files(server)) as (milter, redis):
        # not known yet: nobody waits for it
        same(send(milter, 'first@club.example').verdict, 'accept')
        same(send(milter, 'first@office.example').verdict, 'accept')
        check(wait_for(lambda: redis.command('HGET', 'leu:provider:{club.example}', 'mx'), 5), 'not kept')
        check(wait_for(lambda: redis.command('HGET', 'leu:provider:{office.example}', 'mx'), 5), 'not kept')
        same(redis.command('HGET', 'leu:provider:{club.example}', 'mx'), b'802679870.pamx1.hotmail.com')
        before = used(redis, '{cp1001}', 'provider:microsoft%3aconfirm')
        same(send(milter, 'a@club.example').verdict, 'accept')
        same(send(milter, 'a@office.example').verdict, 'accept')
        # by the list, while the DNS is silent
        same(send(milter, 'a@hotmail.com').verdict, 'accept')
        same(used(redis, '{cp1001}', 'provider:microsoft%3aconfirm'), before + 2)
        check(used(redis, '{cp1001}', 'provider:office365%3aconfirm') >= 1, 'the tenants')
        same(server.queries('club.example'), 1)


def test_who_is_in_no_group_has_no_counter_of_a_provider():
    server = DnsServer(ZONE)
    with counting(conf=files(server)) as (milter, redis):
        for name in ('a', 'b'):
            same(send(milter, name + '@alone.example').verdict, 'accept')
            wait_for(lambda: redis.command('HGET', 'leu:provider:{alone.example}', 'mx'), 5)
        names = redis.command('HKEYS', 'leu:limit:{cp1001}')
        check(names and not any(name.startswith(b'provider:') for name in names), '%r', names)
