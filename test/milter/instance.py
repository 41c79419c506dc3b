# Starts leumundd (or any other milter) in a directory of its own, waits until it serves, ends it,
# and checks that nothing is left behind.
import contextlib
import glob
import os
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time

from case import Skip

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.join(ROOT, os.environ.get('BUILD', 'build'))
DAEMON = os.environ.get('LEUMUNDD', os.path.join(BUILD, 'leumundd'))
SHARED = os.path.join(ROOT, '..', 'shared')

# Sanitizers and valgrind slow everything down: LEUMUND_SLOW=5 gives five times the time.
SLOW = float(os.environ.get('LEUMUND_SLOW', '1'))



def is_sanitized():
    """A sanitizer keeps freed memory back, so memory cannot be judged."""
    with open(DAEMON, 'rb') as f:
        program = f.read()
    return b'__asan_init' in program or b'__tsan_init' in program


# Two accounts with domains of their own, one domain that they share, and one in A-labels.
DOMAINS = '''own.example: cp1001
second.example: cp1001
xn--bcher-kva.example: cp1001
shared.example: cp1001
shared.example: cp1002
neighbour.example: cp1002
cp1001.cp1server.example.com: cp1001
'''


class Left(AssertionError):
    """Something that a clean end would have taken away."""


def wait_for(what, seconds, step=0.01):
    """The first true value of what(), or its last value after `seconds`."""
    end = time.monotonic() + seconds * SLOW
    while True:
        value = what()
        if value or time.monotonic() > end:
            return value
        time.sleep(step)


def process_figures(pid):
    """Descriptors, threads, resident memory (kB) of a process."""
    status = open('/proc/%d/status' % pid).read()
    figure = lambda name: int(re.search(r'^%s:\s+(\d+)' % name, status, re.M).group(1))
    return {'descriptors': len(os.listdir('/proc/%d/fd' % pid)), 'threads': figure('Threads'), 'rss': figure('VmRSS')}


def processes_marked(mark):
    found = []
    for pid in filter(str.isdigit, os.listdir('/proc')):
        with contextlib.suppress(OSError):
            if mark.encode() in open('/proc/%s/environ' % pid, 'rb').read() and int(pid) != os.getpid():
                # a zombie has no environment any more, so it does not count here
                found.append(int(pid))
    return found


def processes_in(directory):
    """By working directory: Redis writes its title over its environment, and so loses its mark."""
    found = []
    for pid in filter(str.isdigit, os.listdir('/proc')):
        with contextlib.suppress(OSError):
            if os.readlink('/proc/%s/cwd' % pid).startswith(directory) and int(pid) != os.getpid():
                found.append(int(pid))
    return found


class Metronome(threading.Thread):
    """How late the machine itself is: the longest delay beyond a sleep of 2 ms while this runs."""

    def __init__(self):
        super().__init__(daemon=True)
        self.stop, self.late_ms = threading.Event(), 0.0

    def run(self):
        while not self.stop.is_set():
            start = time.monotonic()
            time.sleep(0.002)
            self.late_ms = max(self.late_ms, (time.monotonic() - start) * 1000 - 2)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        self.join()


class Instance:
    """`sender` and `leumund` are the insides of those sections; `conf` adds whole files of conf.d."""

    def __init__(self, sender='', leumund='', conf=None, domains=DOMAINS, service='outbound', environment=None):
        self.home = tempfile.mkdtemp(prefix='leumund-test-')
        os.chmod(self.home, 0o755)
        self.conf, self.run = os.path.join(self.home, 'conf.d'), os.path.join(self.home, 'run')
        os.mkdir(self.conf)
        os.mkdir(self.run, 0o750)
        self.service = service
        self.socket = os.path.join(self.run, service + '.sock')
        self.exim = os.path.join(self.run, service + '.exim.sock')
        self.pid_file = os.path.join(self.run, service + '.pid')
        self.domains = os.path.join(self.home, 'userdomains')
        self.log_file = os.path.join(self.home, 'log')
        self.environment = dict(os.environ, LEUMUND_TEST=self.home, **(environment or {}))
        self.daemons = []
        self.write_domains(domains)
        self.write('00-leumund.conf', 'leumund {\n\tlog = stderr\n\tdomains = {"%s"}\n\tcanary_every = 0s\n%s\n}\n'
                   % (self.domains, leumund))
        self.write('10-sender.conf', 'sender {\n\tenable = true\n%s\n}\n' % sender)
        for name, text in (conf or {}).items():
            self.write(name, text)

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.remove()
            raise
        return self

    def __exit__(self, kind, *_):
        try:
            self.end(check=kind is None)
        finally:
            self.remove()

    # ---- files

    def write(self, name, text):
        self.replace(os.path.join(self.conf, name), text)

    def write_domains(self, text):
        self.replace(self.domains, text)

    @staticmethod
    def replace(path, text):
        with open(path + '.new', 'wb') as f:
            f.write(text if isinstance(text, bytes) else text.encode())
        os.chmod(path + '.new', 0o644)
        os.rename(path + '.new', path)

    def log(self):
        with open(self.log_file, 'rb') as f:
            return f.read().decode('latin1')

    def log_lines(self, pattern):
        return [l for l in self.log().split('\n') if re.search(pattern, l)]

    def wait_log(self, pattern, seconds=5.0, at_least=1):
        """The log lines that match, once there are enough of them."""
        wait_for(lambda: len(self.log_lines(pattern)) >= at_least, seconds)
        lines = self.log_lines(pattern)
        if len(lines) < at_least:
            raise AssertionError('%d log lines match %r, expected %d; the log ends with:\n%s'
                                 % (len(lines), pattern, at_least, self.log()[-2000:]))
        return lines

    # ---- processes

    @property
    def pid(self):
        return self.daemons[-1].pid

    def start(self, wrapper=(), wait=20.0):
        """Starts a daemon for the service; while another one serves, it takes over."""
        if not os.access(DAEMON, os.X_OK):
            raise AssertionError('%s is not there: run make' % DAEMON)
        ready, theirs = os.pipe()
        os.set_inheritable(theirs, True)
        with open(self.log_file, 'ab') as log:
            command = [*wrapper, DAEMON, '-c', self.conf, '-r', self.run, '-S', self.service]
            daemon = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, pass_fds=[theirs],
                                      env=dict(self.environment, LEUMUND_READY_FD=str(theirs)))
        os.close(theirs)
        self.daemons.append(daemon)
        os.set_blocking(ready, False)
        said = []

        def serves():
            with contextlib.suppress(BlockingIOError):
                piece = os.read(ready, 64)
                said.append(piece)
                return piece == b'' or b'ready' in b''.join(said)
            return False
        wait_for(serves, wait)
        os.close(ready)
        if b'ready' not in b''.join(said):
            status = wait_for(lambda: daemon.poll() is not None and ('status %d' % daemon.returncode), 2)
            raise AssertionError('leumundd is not ready (%s):\n%s' % (status or 'still running', self.log()[-2000:]))
        return daemon

    def refused(self, seconds=10.0):
        """Starts a daemon that must not come up; its exit status and what it said."""
        done = subprocess.run([DAEMON, '-c', self.conf, '-r', self.run, '-S', self.service], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=seconds * SLOW,
                              env=self.environment, check=False)
        return done.returncode, done.stdout.decode('latin1')

    def reload(self, seconds=5.0, expect=r'(?i)(reload|read again|configuration)'):
        """SIGHUP; returns once the log says something about it."""
        before = len(self.log_lines(expect))
        os.kill(self.pid, signal.SIGHUP)
        return self.wait_log(expect, seconds, before + 1)[before:]

    def figures(self):
        return process_figures(self.pid)

    def alive(self):
        return self.daemons[-1].poll() is None

    def end(self, seconds=10.0, check=True):
        """SIGTERM to what still runs; with `check` each daemon must end by itself, and leave nothing."""
        wrong = []
        for daemon in self.daemons:
            if daemon.poll() is None:
                daemon.terminate()
        for daemon in self.daemons:
            try:
                status = daemon.wait(seconds * SLOW)
                if status != 0:
                    wrong.append('leumundd ended with status %d' % status)
            except subprocess.TimeoutExpired:
                wrong.append('leumundd did not end within %g s of SIGTERM' % (seconds * SLOW))
                daemon.kill()
                daemon.wait()
        left = wait_for(lambda: not processes_marked('LEUMUND_TEST=' + self.home), 2) or None
        if left is None:
            pids = processes_marked('LEUMUND_TEST=' + self.home)
            wrong.append('processes left: %r' % pids)
            for pid in pids:
                os.kill(pid, signal.SIGKILL)
        files = [f for f in os.listdir(self.run) if not f.startswith('redis') and not f.endswith('.rdb')]
        if files:
            wrong.append('files left in the run directory: ' + ' '.join(sorted(files)))
        wrong += self.log_lines(r'(Address|Leak|Thread|UndefinedBehavior)Sanitizer|runtime error:')[:5]
        self.daemons = []
        if wrong and check:
            raise Left('; '.join(wrong) + '\n' + self.log()[-1500:])

    def remove(self):
        shutil.rmtree(self.home, ignore_errors=True)


def redis_program():
    """redis-server or valkey-server: $REDIS_SERVER, the tree of test servers below build, or the system's."""
    found = os.environ.get('REDIS_SERVER')
    if found:
        return found
    for path in sorted(glob.glob(os.path.join(BUILD, 'mta', 'tree', '*', 'usr', 'bin', 'redis-server'))):
        if os.access(path, os.X_OK):
            return path
    return shutil.which('redis-server') or shutil.which('valkey-server')


class Redis:
    """A private server on RUN/redis.sock, the address that leumundd takes when none is configured."""

    def __init__(self, instance):
        self.program, self.socket = redis_program(), os.path.join(instance.run, 'redis.sock')
        if not self.program:
            raise Skip('no redis-server or valkey-server here')
        self.home, self.log_file, self.process = instance.run, os.path.join(instance.home, 'redis.log'), None
        self.environment = dict(os.environ)
        tree = os.path.join(os.path.dirname(os.path.dirname(self.program)), 'lib', 'x86_64-linux-gnu')
        if not self.program.startswith('/usr/') and os.path.isdir(tree):
            self.environment['LD_LIBRARY_PATH'] = tree

    def start(self, *more):
        with open(self.log_file, 'ab') as log:
            self.process = subprocess.Popen(
                [self.program, '--port', '0', '--unixsocket', self.socket, '--unixsocketperm', '770', '--save', '',
                 '--appendonly', 'no', '--daemonize', 'no', '--dir', self.home, '--enable-debug-command', 'local', *more],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self.environment)
        if not wait_for(lambda: self.answers(), 10):
            raise AssertionError('redis-server does not answer:\n' + open(self.log_file).read()[-1000:])
        return self

    def answers(self):
        with contextlib.suppress(OSError):
            return self.command('PING') == b'PONG'
        return False

    def command(self, *words):
        """One command over a connection of its own: str, int, list, or b'-ERR ...' for an error."""
        import socket
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as s:
            s.settimeout(5)
            s.connect(self.socket)
            parts = [str(w).encode() if not isinstance(w, bytes) else w for w in words]
            s.sendall(b'*%d\r\n' % len(parts) + b''.join(b'$%d\r\n%s\r\n' % (len(p), p) for p in parts))
            return self.read(s.makefile('rb'))

    def read(self, stream):
        line = stream.readline().rstrip(b'\r\n')
        kind, rest = line[:1], line[1:]
        if kind == b'+':
            return rest
        if kind == b'-':
            return line
        if kind == b':':
            return int(rest)
        if kind == b'$':
            return None if int(rest) < 0 else stream.read(int(rest) + 2)[:-2]
        if kind == b'*':
            return None if int(rest) < 0 else [self.read(stream) for _ in range(int(rest))]
        raise OSError('not a reply: %r' % line)

    def freeze(self):
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self):
        self.process.send_signal(signal.SIGCONT)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def end(self):
        if self.process and self.process.poll() is None:
            self.thaw()
            self.process.terminate()
            self.process.wait(10)
