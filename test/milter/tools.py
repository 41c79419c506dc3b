# The C programs that tests and benchmarks use: compiled on first use into the build directory, run, and read.
import contextlib
import os
import subprocess

from instance import BUILD, ROOT, SLOW

PROGRAMS = {'load': [], 'null_milter': ['-lmilter'], 'name_server': [], 'bench_directory': None, 'bench_spf': None}


def house():
    """What a program of the house's own functions is linked with."""
    libs = subprocess.run(['make', '-s', 'libs'], cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout
    return ['-I', os.path.join(ROOT, 'common'), '-I', ROOT, os.path.join(BUILD, 'libleumund.a'), *libs.split()]


def program(name):
    source = os.path.join(ROOT, 'test', 'bench', name + '.c')
    out = os.path.join(BUILD, 'test', 'bench', name)
    needs = [source] if PROGRAMS[name] is not None else [source, os.path.join(BUILD, 'libleumund.a')]
    if not os.path.exists(out) or os.path.getmtime(out) < max(map(os.path.getmtime, needs)):
        os.makedirs(os.path.dirname(out), exist_ok=True)
        subprocess.run([os.environ.get('CC', 'cc'), '-std=c11', '-D_GNU_SOURCE', '-O2', '-g', '-pthread', '-Wall',
                        '-Wextra',
                        '-o', out + '.new', source, *(house() if PROGRAMS[name] is None else PROGRAMS[name])], check=True)
        os.rename(out + '.new', out)
    return out


@contextlib.contextmanager
def name_server(port=0):
    """For look-ups by the ten thousand; its `port`."""
    with subprocess.Popen([program('name_server'), str(port)], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
        server.port = int(server.stdout.readline())
        yield server
        server.stdin.close()


def message_class(weight, expect, auth_user='cp1001', mail_from='info@own.example',
                  header_from='Info <info@own.example>'):
    return ['-m', '%d,%s,%s,%s,%s' % (weight, expect, auth_user, mail_from, header_from)]


# What a busy server sees: mostly ordinary mail, here and there what `sender` refuses.
MIXED = [word for group in (message_class(6, 'accept'),
                            message_class(1, 'accept', 'cp1002', 'x@shared.example', 'x@shared.example'),
                            message_class(1, 'reject', 'cp1001', 'x@neighbour.example', 'x@own.example'),
                            message_class(1, 'reject', 'cp1001', 'x@own.example', 'x@own.example, y@victim.example'),
                            message_class(1, 'reject', 'cp1002', 'x@own.example', 'x@own.example')) for word in group]


class Load:
    """A run of the load generator; `finish` gives its figures."""

    def __init__(self, socket, *arguments):
        self.process = subprocess.Popen([program('load'), '-s', socket, '-t', str(int(30000 * SLOW)),
                                         *map(str, arguments)],
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def running(self):
        return self.process.poll() is None

    def stop(self):
        """Ends it after the messages under way."""
        self.process.terminate()
        return self.finish()

    def finish(self):
        out, trouble = self.process.communicate()
        figures = {}
        for word in out.split():
            name, _, value = word.partition('=')
            figures[name] = float(value)
        if not figures:
            raise AssertionError('load: ' + trouble)
        figures['trouble'] = trouble
        return figures


def load(socket, *arguments):
    return Load(socket, *arguments).finish()
