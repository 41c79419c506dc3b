# The admin's command: `leumund run` and what it keeps running, and what the other commands tell.
import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

from case import Skip, check, same
from instance import BUILD, DOMAINS, ROOT, SLOW, processes_in, processes_marked, redis_program, wait_for
from mta import ask

LEUMUND = os.environ.get('LEUMUND', os.path.join(BUILD, 'leumund'))
DEFAULTS = 'default_domains = {"*.cp1server.example.com"}'


class Answer:
    def __init__(self, done):
        self.status, self.out, self.err = done.returncode, done.stdout.decode(), done.stderr.decode()
        self.all = self.out + self.err

    def json(self):
        return json.loads(self.out)


class Command:
    """A configuration and a run directory; everything that is started there ends with it."""

    def __init__(self, leumund='', sender=DEFAULTS, user=None):
        self.home = tempfile.mkdtemp(prefix='leumund-test-')
        os.chmod(self.home, 0o755)
        self.conf, self.run = os.path.join(self.home, 'conf.d'), os.path.join(self.home, 'run')
        self.domains, self.user = os.path.join(self.home, 'userdomains'), user
        self.socket, self.exim = (os.path.join(self.run, 'outbound' + end) for end in ('.sock', '.exim.sock'))
        self.environment = dict(os.environ, LEUMUND_TEST=self.home)
        os.mkdir(self.conf)
        self.write(self.domains, DOMAINS)
        self.write('00-leumund.conf', 'leumund {\n\tlog = stderr\n\tuser = "nobody-of-this-name"\n\tdomains = {"%s"}\n%s\n}\n' % (self.domains, leumund))
        self.write('20-sender.conf', 'sender {\n\tenable = true\n%s\n}\n' % sender)
        program = redis_program()
        self.has_redis = bool(program)
        if program:
            self.write('10-store.conf', 'store {\n\tserver = "%s"\n}\n' % program)
            library = os.path.join(os.path.dirname(os.path.dirname(program)), 'lib', 'x86_64-linux-gnu')
            if not program.startswith('/usr/') and os.path.isdir(library):
                self.environment['LD_LIBRARY_PATH'] = library
        else:
            self.has_redis = bool(shutil.which('redis-check-rdb') or shutil.which('valkey-check-rdb'))
        if user is not None:
            os.chown(self.home, user, user)

    def write(self, name, text):
        path = os.path.join(self.conf, name)
        with open(path, 'w') as f:
            f.write(text)
        os.chmod(path, 0o644)

    def remove(self, name):
        os.unlink(os.path.join(self.conf, name))

    def needs_redis(self):
        if not self.has_redis:
            raise Skip('no redis-server, valkey-server or redis-check-rdb here')

    def __enter__(self):
        return self

    def __exit__(self, *_):
        # the supervisor first, so that it starts nothing again
        for pid in self.processes():
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        wait_for(lambda: not self.processes(), 5)
        shutil.rmtree(self.home, ignore_errors=True)

    def processes(self):
        return sorted(set(processes_marked('LEUMUND_TEST=' + self.home) + processes_in(self.home)))

    def __call__(self, *words, place=True):
        where = ['-c', self.conf, '-r', self.run] if place else []
        more = {'user': self.user, 'group': self.user, 'extra_groups': []} if self.user is not None else {}
        return Answer(subprocess.run([LEUMUND, *where, *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, cwd=self.home,
                                     stderr=subprocess.PIPE, timeout=90 * SLOW, env=self.environment, check=False, **more))

    def start(self):
        answer = self('run', '--detach')
        same(answer.status, 0, 'run: ' + answer.all)
        same(answer.out, 'leumund: ready (%s)\n' % self.run)

    def stop(self):
        answer = self('stop')
        same((answer.status, answer.all), (0, ''))
        same(self.processes(), [], 'processes left')
        left = [f for f in os.listdir(self.run) if f not in ('appendonlydir', 'appendonly.aof', 'redis.log', 'leumund.log')]
        same(left, [], 'files left')

    def pid(self, name):
        try:
            with open(os.path.join(self.run, name + '.pid')) as f:
                return int(f.read())
        except OSError:
            return 0

    def kill(self, name):
        pid = self.pid(name)
        os.kill(pid, signal.SIGKILL)
        return pid

    def answers(self):
        return self('status').status == 0

    def refuse(self):
        """A refusal; the decision's id."""
        text = ask(self.socket, mail_from='x@neighbour.example').reply.text
        return re.search(r'\(id ([0-9a-z]{13})\)', text).group(1)


class Questions:
    """Asks without a pause; every question must be answered."""

    def __init__(self, path):
        self.path, self.asked, self.lost, self.going = path, 0, [], True
        self.thread = threading.Thread(target=self.ask)

    def ask(self):
        while self.going:
            try:
                with socket.socket(socket.AF_UNIX) as s:
                    s.settimeout(5 * SLOW)
                    s.connect(self.path)
                    s.sendall(b'rcpt client_addr=192.0.2.1 mail_from="x@own.example" rcpt_to="y@remote.example"\n')
                    if s.makefile().readline() != 'accept\n':
                        self.lost.append('another answer')
            except OSError as wrong:
                self.lost.append(str(wrong))
            self.asked += 1

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.going = False
        self.thread.join()


# ---- run and what it keeps running

def test_run_serves_and_stop_leaves_nothing():
    with Command() as leumund:
        leumund.start()
        same(ask(leumund.socket, mail_from='x@own.example').verdict, 'accept')
        same(ask(leumund.socket, mail_from='x@neighbour.example').verdict, 'reject')
        for name in ('outbound.sock', 'outbound.exim.sock'):
            same(oct(os.stat(os.path.join(leumund.run, name)).st_mode & 0o7777), '0o660', name)
        same(oct(os.stat(leumund.run).st_mode & 0o7777), '0o750')
        leumund.stop()


def test_run_in_the_foreground_ends_with_status_0_on_sigterm_and_sigint():
    for number in (signal.SIGTERM, signal.SIGINT):
        with Command() as leumund:
            process = subprocess.Popen([LEUMUND, 'run', leumund.conf, leumund.run], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                       stderr=subprocess.DEVNULL, env=leumund.environment)
            same(process.stdout.readline().decode(), 'leumund: ready (%s)\n' % leumund.run)
            groups = {os.getpgid(leumund.pid('outbound')), os.getpgid(process.pid)}
            same(len(groups), 2, 'process groups')
            process.send_signal(number)
            same(process.wait(20 * SLOW), 0)
            process.stdout.close()
            same(processes_marked('LEUMUND_TEST=' + leumund.home), [], 'processes left')


def test_a_second_run_in_the_same_directory_is_refused():
    with Command() as leumund:
        leumund.start()
        before = leumund.pid('outbound')
        answer = leumund('run', '--detach')
        same(answer.status, 69)
        check('another `leumund run` (process %d)' % leumund.pid('leumund') in answer.err, '%r', answer.err)
        same(leumund.pid('outbound'), before, 'the service')
        leumund.stop()


def test_a_service_that_dies_comes_back():
    with Command() as leumund:
        leumund.start()
        old = leumund.kill('outbound')
        same(leumund('status').status, 1, 'status while it is away')
        check(wait_for(lambda: leumund.pid('outbound') not in (0, old) and leumund.answers(), 10), 'it does not come back')
        leumund.stop()


def test_a_redis_that_dies_comes_back_with_its_data():
    with Command() as leumund:
        leumund.needs_redis()
        leumund.start()
        found = leumund.refuse()
        check(wait_for(lambda: leumund('explain', found).status == 0, 5), 'the decision is not in the history')
        time.sleep(1.2)  # appendfsync everysec
        old = leumund.kill('redis')
        check(wait_for(lambda: leumund.pid('redis') != old and leumund('explain', found).status == 0, 15), 'the history is gone')
        leumund.stop()


def test_after_a_killed_supervisor_run_adopts_what_lives():
    with Command() as leumund:
        leumund.start()
        redis = leumund.pid('redis')
        leumund.kill('leumund')
        time.sleep(0.2)
        same(leumund('status').status, 0, 'the services live on')
        with Questions(leumund.exim) as questions:
            leumund.start()
            time.sleep(1.5)
        same(questions.lost, [], 'questions of %d' % questions.asked)
        same(leumund.pid('redis'), redis, 'redis')
        leumund.stop()


def test_stop_ends_what_a_killed_supervisor_left():
    with Command() as leumund:
        leumund.start()
        leumund.kill('leumund')
        leumund.stop()
        answer = leumund('stop')
        same((answer.status, answer.err), (1, 'leumund: nothing runs here\n'))


def test_restart_replaces_the_service_and_loses_no_question():
    with Command() as leumund:
        leumund.start()
        with Questions(leumund.exim) as questions:
            for _ in range(3):
                old = leumund.pid('outbound')
                same(leumund('restart').status, 0)
                check(leumund.pid('outbound') != old, 'the same process serves')
            time.sleep(1.5)
        check(questions.asked > 50, 'only %d questions', questions.asked)
        same(questions.lost, [], 'questions of %d' % questions.asked)
        leumund.stop()


def test_reload_takes_a_new_configuration_and_refuses_a_bad_one():
    with Command() as leumund:
        leumund.start()
        leumund.write('30-new.conf', 'sender { envelope_owner = observe author_owner = observe }')
        same(leumund('reload').status, 0)
        check(wait_for(lambda: ask(leumund.socket, mail_from='x@neighbour.example').verdict == 'accept', 5), 'not in force')
        leumund.write('30-new.conf', 'sender {\n\tenvelope_owner = never\n}')
        for command in ('reload', 'restart'):
            answer = leumund(command)
            same(answer.status, 78)
            check('30-new.conf:2: ' in answer.err, '%r', answer.err)
        same(ask(leumund.socket, mail_from='x@neighbour.example').verdict, 'accept', 'the old one stays')
        leumund.stop()


def test_reload_starts_and_ends_services():
    with Command() as leumund:
        leumund.start()
        leumund.write('30-new.conf', 'sender { service = "second" }')
        leumund('reload')
        check(wait_for(lambda: leumund.pid('second') and not leumund.pid('outbound'), 10), 'pid files: %r', os.listdir(leumund.run))
        same(ask(os.path.join(leumund.run, 'second.sock'), mail_from='x@own.example').verdict, 'accept')
        leumund.stop()


def test_a_service_that_cannot_start_ends_run_and_its_words_are_shown():
    with Command() as leumund:
        os.makedirs(os.path.join(leumund.run, 'outbound.sock', 'in-the-way'))
        answer = leumund('run', '--detach')
        check(answer.status not in (0, 1), 'status %d', answer.status)
        check('outbound: does not start' in answer.err and 'sockets cannot be put in force' in answer.err, '%r', answer.err)
        same(processes_marked('LEUMUND_TEST=' + leumund.home), [], 'processes left')


def test_without_redis_the_services_serve_and_one_line_says_so():
    with Command() as leumund:
        leumund.write('90-store.conf', 'store { server = "/nonexistent/redis-server" }')
        answer = leumund('run', '--detach')
        same(answer.status, 0, answer.all)
        same(len(re.findall('install redis-tools', answer.err)), 1, answer.err)
        same(ask(leumund.socket, mail_from='x@neighbour.example').verdict, 'reject')
        same(leumund('history', 'cp1001').status, 69)
        leumund.stop()


def test_a_run_directory_that_all_may_write_is_refused():
    with Command() as leumund:
        os.mkdir(leumund.run)
        os.chmod(leumund.run, 0o777)
        answer = leumund('run', '--detach')
        same(answer.status, 78)
        check('chmod 0750' in answer.err, '%r', answer.err)


def test_it_works_without_root():
    if os.geteuid() != 0:
        raise Skip('runs without root anyway')
    with Command(user=65534) as leumund:
        leumund.start()
        same(os.stat(leumund.socket).st_uid, 65534)
        same(leumund('status').status, 0)
        leumund.stop()


def test_a_user_who_may_not_look_into_it_is_told():
    if os.geteuid() != 0:
        raise Skip('needs root for a second user')
    with Command() as leumund:
        leumund.start()
        leumund.user = 65534
        for command in ('status', 'stop'):
            answer = leumund(command)
            same(answer.status, 69)
            check('you may not look into it' in answer.err, '%r', answer.err)
        leumund.user = None
        leumund.stop()


# ---- what the others tell

def test_history_and_explain_show_a_refusal():
    with Command() as leumund:
        leumund.needs_redis()
        leumund.start()
        ask(leumund.socket, mail_from='x@own.example')
        found = leumund.refuse()
        check(wait_for(lambda: leumund('explain', found).status == 0, 5), 'explain does not know it')
        text = leumund('explain', found).out
        for word in (found, 'reject by envelope_owner', 'cp1001', '[SND20]', 'x@neighbour.example', 'section sender'):
            check(word in text, '%r is missing in:\n%s', word, text)
        listed = leumund('history', 'cp1001', '--json').json()['decisions']
        same([d['facts']['action'] for d in listed], ['reject', 'accept'])
        same(listed[0]['facts']['id'], found)
        same(len(leumund('history', 'cp1001', '--max', '1', '--json').json()['decisions']), 1)
        same(leumund('history', 'cp1001', '--since', '1h', '--json').json()['decisions'], listed)
        same(leumund('refusals', 'cp1001', '--json').json()['refusals'],
             [{'account': 'cp1001', 'rule': 'envelope_owner.reject', 'count': 1}])
        same(leumund('history', 'nobody-here').status, 1)
        same(leumund('explain', 'mww0f7nfq8kx8').status, 1)
        leumund.stop()


def test_status_is_readable_by_people_and_programs():
    with Command() as leumund:
        leumund.start()
        leumund.refuse()
        text, listed = leumund('status').out, leumund('status', '--json').json()['services']
        same([s['service'] for s in listed], ['outbound'])
        same(listed[0]['pid'], leumund.pid('outbound'))
        check(re.search(r'sender +envelope_owner +reject +1\b', text), '%s', text)
        check('canary      refused' in text, '%s', text)
        leumund.stop()
        same(leumund('status').status, 1)
        check('DOES NOT ANSWER' in leumund('status').out, 'a service that is away')
        check('error' in leumund('status', '--json').json()['services'][0], 'a service that is away, in JSON')


def test_a_passed_canary_is_shown_loudly():
    with Command() as leumund, socket.socket(socket.AF_UNIX) as listener:
        os.mkdir(leumund.run, 0o750)
        listener.bind(leumund.exim)
        listener.listen(8)

        def serve():
            with contextlib.suppress(OSError):
                while True:
                    peer = listener.accept()[0]
                    peer.recv(100)
                    peer.sendall(b'{"service":"outbound","version":"0","canary":"PASSED","canary_ms":1}\n')
                    peer.close()
        threading.Thread(target=serve, daemon=True).start()
        for command in ('status', 'check'):
            answer = leumund(command)
            same(answer.status, 1)
            check('A FORGED MESSAGE' in answer.out, '%s', answer.out)
        same(leumund('status', '--json').status, 1)
        listener.shutdown(socket.SHUT_RDWR)


def test_an_answer_that_is_no_json_is_no_crash():
    for words in (b'', b'error unknown verb\n', b'{"service":\n', b'{' * 60000 + b'\n', b'x' * 100000 + b'\n', b'{"a":"\xff\x1b[2J"}\n'):
        with Command() as leumund, socket.socket(socket.AF_UNIX) as listener:
            os.mkdir(leumund.run, 0o750)
            listener.bind(leumund.exim)
            listener.listen(8)

            def serve():
                with contextlib.suppress(OSError):
                    while True:
                        peer = listener.accept()[0]
                        peer.recv(100)
                        with contextlib.suppress(OSError):
                            peer.sendall(words)
                        peer.close()
            threading.Thread(target=serve, daemon=True).start()
            for command in (['status'], ['check'], ['status', '--json']):
                answer = leumund(*command)
                check(answer.status in (0, 1), '%r: status %d', words[:20], answer.status)
                check('\x1b' not in answer.out or '--json' in command, 'control characters reach the terminal')
            listener.shutdown(socket.SHUT_RDWR)


WHO = (
    # words, status, what stands in the answer
    (['cp1001'], 0, ['is an account', 'own.example', 'shared.example']),
    (['CP1001'], 0, ['is an account']),
    (['x@own.example'], 0, ['belongs to account cp1001', 'outbound: accept']),
    (['deep.own.example'], 0, ['belongs to account cp1001', 'accept']),
    (['shared.example'], 0, ['cp1001 cp1002', 'accept']),
    (['own.example', '--as', 'cp1002'], 0, ['reject (sender.envelope_owner)', '550 5.7.1 [SND20]']),
    (['x@own.example', '--from', 'X <x@neighbour.example>'], 0, ['reject (sender.author_owner)']),
    (['x@own.example', '--from', '"ceo@bank.example" <x@own.example>'], 0, ['only observed: display_spoof']),
    (['cp1001@cp1server.example.com', '--as', 'cp1001'], 1, ['reject (sender.default_domain)']),
    (['x@b\u00fccher.example'], 0, ['belongs to account cp1001']),
    (['nobody.example'], 1, ['no account owns']),
    (['x@[192.0.2.1]'], 1, ['no domain that mail can be sent from']),
    (['a\x1b[2J@b.example'], 1, ['\\x1b']),
    (['%s%n@b.example'], 1, ['%s%n']),
    (['@'], 1, []), ([''], 1, []), (['x' * 5000 + '@own.example'], 0, ['belongs to']),
)


def test_who_tells_owners_and_what_would_be_decided():
    with Command() as leumund:
        for words, status, expected in WHO:
            answer = leumund('who', *words)
            same(answer.status, status, '%r: %s' % (words[0][:40], answer.all))
            for word in expected:
                check(word in answer.out, '%r: %r is missing in\n%s', words, word, answer.out)
            check('\x1b' not in answer.out, 'control characters reach the terminal')
            answer = leumund('who', '--json', *words)
            same((answer.status, sorted(answer.json())), (status, ['as', 'asked', 'decisions', 'domain', 'domains', 'login_of', 'owners']))


def test_check_finds_nothing_wrong_in_a_sound_instance():
    with Command() as leumund:
        leumund.needs_redis()
        leumund.start()
        answer = leumund('check')
        same(answer.status, 0, answer.out)
        check(not re.search('^fail', answer.out, re.M), '%s', answer.out)
        leumund.stop()


def test_check_finds_each_fault_and_says_what_to_do():
    def sockets_open(leumund):
        os.chmod(leumund.socket, 0o666)

    def run_open(leumund):
        os.chmod(leumund.run, 0o777)

    def conf_open(leumund):
        os.chmod(leumund.conf, 0o777)

    def no_domains(leumund):
        leumund.write(leumund.domains, '')

    def frozen(leumund):
        os.kill(leumund.pid('outbound'), signal.SIGSTOP)

    def dead(leumund):
        os.kill(leumund.pid('leumund'), signal.SIGKILL)
        os.kill(leumund.pid('outbound'), signal.SIGKILL)
        # it may still be ending
        wait_for(lambda: 'Connection refused' in leumund('status').out, 5)

    def conf_wrong(leumund):
        leumund.write('30-wrong.conf', 'sender { enbale = true }')

    for damage, words in ((sockets_open, 'socket outbound.sock has mode 0666'), (run_open, 'has mode 0777'),
                          (conf_open, 'anybody may write'), (conf_wrong, '30-wrong.conf:1: '), (no_domains, 'the directory is empty'),
                          (frozen, 'does not answer: Connection timed out'), (dead, 'does not answer: Connection refused')):
        with Command() as leumund:
            leumund.start()
            damage(leumund)
            answer = leumund('check')
            same(answer.status, 78 if 'conf' in damage.__name__ else 1, damage.__name__)
            found = re.search(r'^fail .*%s.*->' % re.escape(words), answer.out.replace('\n      ', ' '), re.M)
            check(found, '%s: no "fail ... %s ... -> ..." in\n%s', damage.__name__, words, answer.out)


def test_check_warns_of_missing_default_domains():
    with Command(sender='') as leumund:
        check(re.search(r'^warn  default_domains is empty', leumund('check').out, re.M), 'no warning')


def test_config_names_where_a_value_comes_from():
    with Command() as leumund:
        text = leumund('config', 'sender').out
        check(re.search(r'^sender\.enable = true +# .*20-sender\.conf:2$', text, re.M), '%s', text)
        check(re.search(r'^sender\.own_subdomains = true +# default$', text, re.M), '%s', text)
        same(leumund('config', '--json').json()['sender']['enable']['value'], True)
        answer = leumund('config', 'sendr')
        same(answer.status, 64)
        check('did you mean sender?' in answer.err, '%r', answer.err)


def test_shipped_configuration_holds_every_option_with_its_default():
    shipped = os.path.join(ROOT, 'conf.d')
    with Command() as leumund:
        for name, sections in (('00-leumund.conf', ('leumund', 'identity', 'store')), ('20-sender.conf', ('sender',))):
            with open(os.path.join(shipped, name)) as f:
                text = re.sub(r'^\t(enable|service) = .*$', lambda found: '\t#' + found.group(1), f.read(), flags=re.M)
            for section in sections:
                sample = re.sub(r'^\t#(enable|service) = .*$', lambda found: '\t#' + found.group(1), leumund('sample', section, place=False).out, flags=re.M)
                check(sample in text, 'section %s of conf.d/%s is not what `leumund sample %s` prints', section, name, section)
        answer = leumund('-c', shipped, 'config', '--json', place=False)
        same(answer.status, 0, answer.err)
        same([(s, o) for s, options in answer.json().items() for o, v in options.items() if v['from'] != 'default'],
             [('sender', 'enable'), ('sender', 'service')])


def test_mta_prints_the_sockets_of_the_run_directory():
    with Command() as leumund:
        for mta, name in (('postfix', 'outbound.sock'), ('sendmail', 'outbound.sock'), ('exim', 'outbound.exim.sock')):
            answer = leumund('mta', mta)
            same(answer.status, 0)
            check(os.path.join(leumund.run, name) in answer.out, '%s: %s', mta, answer.out)
        same(leumund('mta', 'qmail').status, 64)


def test_wrong_calls_are_answered_with_usage_or_a_guess():
    with Command() as leumund:
        same(leumund(place=False).status, 0)
        for words, status, expected in ((['statsu'], 64, "did you mean 'status'"), (['xyzzy'], 64, 'lists them'), (['explain'], 64, 'usage'),
                                        (['status', 'x'], 64, 'usage'), (['status', '--detach'], 64, 'usage'), (['--nonsense'], 64, 'nonsense'),
                                        (['explain', 'ABC'], 64, '13 characters'), (['history', 'a', '--since', '5'], 64, 'such as 24h'),
                                        (['history', 'a', '--max', '0'], 64, 'from 1 to'), (['run', 'one'], 64, 'both'),
                                        (['-c', '/nonexistent', 'config'], 78, 'name it with -c'), (['--version'], 0, 'leumund '),
                                        (['history', '--help'], 0, '--since'), (['\x1b[2J'], 64, '\\x1b')):
            answer = leumund(*words, place=False)
            same(answer.status, status, '%r' % words)
            check(expected in answer.all and '\x1b' not in answer.all, '%r: %r is missing in %r', words, expected, answer.all)


def test_output_fits_80_columns():
    with Command() as leumund:
        leumund.start()
        found = leumund.refuse()
        time.sleep(0.3)
        for words in ([], ['status'], ['explain', found], ['history', 'cp1001'], ['refusals'], ['who', 'neighbour.example', '--as', 'cp1001'],
                      ['history', '--help'], ['who', '--help']):
            for line in leumund(*words).out.split('\n'):
                check(len(line) <= 80 or leumund.home in line, '%r: %d columns: %s', words, len(line), line)
        leumund.stop()
