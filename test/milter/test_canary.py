# The canary: a forged message that the daemon sends itself; a filter that has gone blind is noticed.
import json

import exim
from case import same
from instance import Instance, wait_for
from mta import ask

EVERY_SECOND = {'90-canary.conf': 'leumund {\n\tcanary_every = 1s\n}\n'}
OFF = '\n'.join('%s = off' % r for r in ('default_domain', 'default_domain_recipient', 'envelope_owner',
                                         'author_owner', 'display_spoof', 'hidden_account',
                                         'unknown_account'))


def canary_of(milter):
    return json.loads(exim.ask(milter.exim, 'status')).get('canary')


def test_canary_of_a_sound_service_is_refused_and_neither_logged_nor_counted():
    with Instance(conf=EVERY_SECOND) as milter:
        wait_for(lambda: False, 2.5)
        same(canary_of(milter), 'refused')
        same(milter.log_lines(r'(?i)canary.*(passed|accepted)'), [], 'an alarm')
        same(milter.log_lines(r'\bid=[0-9a-z]{13} '), [], 'decisions in the log')


def test_canary_says_when_no_rule_can_refuse():
    with Instance(sender=OFF, conf=EVERY_SECOND) as milter:
        milter.wait_log(r'(?i)canary')
        same(ask(milter.socket, mail_from='x@victim.example').verdict, 'accept')
        same(canary_of(milter), 'nothing to test')


def test_canary_is_content_when_rules_only_observe():
    observe = OFF.replace('off', 'observe')
    with Instance(sender=observe, conf=EVERY_SECOND) as milter:
        wait_for(lambda: False, 1.5)
        same(canary_of(milter), 'refused')
        same(milter.log_lines(r'(?i)canary.*(passed|accepted)'), [], 'an alarm')
