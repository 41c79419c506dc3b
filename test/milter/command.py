# The admin's command in a place of its own: a configuration, a run directory, and what was started there.
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

from case import Skip, same
from instance import BUILD, DOMAINS, SLOW, processes_in, processes_marked, redis_program, wait_for
from mta import ask

LEUMUND = os.environ.get('LEUMUND', os.path.join(BUILD, 'leumund'))
DEFAULTS = 'default_domains = {"*.cp1server.example.com"}'


class Answer:
    def __init__(self, done):
        self.status, self.out, self.err = done.returncode, (done.stdout or b'').decode(), done.stderr.decode()
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
        self.write('00-leumund.conf', 'leumund {\n\tlog = stderr\n\tuser = "nobody-of-this-name"\n'
                   '\tdomains = {"%s"}\n%s\n}\n' % (self.domains, leumund))
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

    def __call__(self, *words, place=True, out=subprocess.PIPE):
        where = ['-c', self.conf, '-r', self.run] if place else []
        more = {'user': self.user, 'group': self.user, 'extra_groups': []} if self.user is not None else {}
        return Answer(subprocess.run([LEUMUND, *where, *words], stdin=subprocess.DEVNULL, stdout=out,
                                     stderr=subprocess.PIPE, cwd=self.home, timeout=90 * SLOW, env=self.environment,
                                     check=False, **more))

    def start(self):
        answer = self('run', '--detach')
        same(answer.status, 0, 'run: ' + answer.all)
        same(answer.out, 'leumund: ready (%s)\n' % self.run)

    def stop(self):
        answer = self('stop')
        same((answer.status, answer.all), (0, ''))
        same(self.processes(), [], 'processes left')
        kept = ('appendonlydir', 'appendonly.aof', 'redis.log', 'leumund.log')
        left = [f for f in os.listdir(self.run) if f not in kept]
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


@contextlib.contextmanager
def pretender(path, words):
    """In place of a service: says `words` to each question."""
    with socket.socket(socket.AF_UNIX) as listener:
        os.makedirs(os.path.dirname(path), 0o750, exist_ok=True)
        listener.bind(path)
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
        yield
        listener.shutdown(socket.SHUT_RDWR)
