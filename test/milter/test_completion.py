# How bash completes the command line of `leumund`: what the tables say, asked of a real bash.
import os
import re
import shutil
import subprocess
import tempfile

from case import Skip, check, same
from command import LEUMUND

ASK = 'COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)); _leumund; printf "%s\\n" "${COMPREPLY[@]}"'


def run(*words):
    return subprocess.run([LEUMUND, *words], stdout=subprocess.PIPE, check=True, timeout=30).stdout.decode()


def complete(*words, where='/'):
    """What is offered for the last of the words."""
    if not shutil.which('bash'):
        raise Skip('no bash here')
    done = subprocess.run(['bash', '-c', run('completion') + ASK, 'bash', 'leumund', *words], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, cwd=where, check=False, timeout=30)
    same((done.returncode, done.stderr), (0, b''), '%r' % (words,))
    return [l for l in done.stdout.decode().split('\n') if l]


def commands():
    return re.findall(r'^  ([a-z][a-z-]*) +\S', run('help'), re.M)


def test_every_command_that_help_lists_is_completed():
    same(complete(''), commands())
    same(complete('li'), ['limit'])
    same(complete('-c', '/etc', 're'), ['refusals', 'reset', 'release', 'reload', 'restart'])
    same(complete('help', 'li'), ['limit'])


def test_the_options_are_those_of_each_commands_usage():
    for command in commands():
        usage = run('help', command)
        offered = complete(command, '--')
        for option in re.findall(r'--[a-z-]+', usage):
            check(option in offered, '%s: %s is not offered: %r', command, option, offered)
        for option in offered:
            check(option in usage or option in ('--config', '--run', '--help', '--version', '--stay-root'),
                  '%s: %s stands not in its usage', command, option)
    same(complete('limit', 'cp1001', '--re'), ['--reason'])


def test_words_files_and_values():
    same(complete('mta', ''), ['postfix', 'sendmail', 'exim'])
    same(complete('audit', ''), ['spf'])
    same(complete('history', 'cp1001', '--since', ''), [])
    same(complete('history', ''), [])
    with tempfile.TemporaryDirectory() as where:
        os.mkdir(os.path.join(where, 'mail dir'))
        with open(os.path.join(where, 'mail.log'), 'w', encoding='ascii'):
            pass
        same(sorted(complete('learn-contacts', 'ma', where=where)), ['mail dir', 'mail.log'])
        same(complete('-c', 'ma', where=where), ['mail dir'])
        same(complete('status', '--run', 'ma', where=where), ['mail dir'])
