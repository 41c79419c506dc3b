# Fewer descriptors or threads than max_connections wants: the cap is lowered with a warning that names the remedy,
# and what still fails is refused at once, with nothing left behind.
import contextlib
import os
import re
import shutil
import socket
import struct

from case import Skip, check, note, same
from instance import DAEMON, Instance, is_sanitized, wait_for
from mta import ACTIONS, Mta, ask, packet

NEGOTIATE = packet('O', struct.pack('>III', 6, ACTIONS, 0))
NOBODY = 61234  # a user of whom there is no other process


def lowered_to(milter):
    found = milter.wait_log(r'max_connections is lowered to \d+.*raise ')
    return int(re.search(r'lowered to (\d+)', found[-1]).group(1))


@contextlib.contextmanager
def started(*wrapper, **more):
    if not shutil.which(wrapper[0]):
        raise Skip('no ' + wrapper[0])
    milter = Instance(**more)
    try:
        if 'setpriv' in wrapper:
            if os.geteuid() != 0:
                raise Skip('only root can become another user')
            for path in (milter.home, milter.run):
                os.chown(path, NOBODY, NOBODY)
        milter.start(wrapper)
        yield milter
        milter.end()
    finally:
        milter.end(check=False)
        milter.remove()


def knock(milter, number):
    held = []
    for _ in range(number):
        s = socket.socket(socket.AF_UNIX)
        s.connect(milter.socket)
        with contextlib.suppress(OSError):
            s.sendall(NEGOTIATE)
        held.append(s)
    return held


def flooded(milter, number):
    """More knock than there are places; then they go, and all is as before."""
    ask(milter.socket)
    before = milter.figures()
    held = knock(milter, number)
    wait_for(lambda: False, 1)
    note('with %d clients %r', number, milter.figures())
    with Mta(milter.socket, timeout=5) as mta:
        # refused at once, by words or by a closed door
        with contextlib.suppress(Exception):
            reply = mta.open()
            check(reply is None or reply.kind == 'tempfail', 'one too many: %r', reply)
    for s in held:
        s.close()
    check(wait_for(lambda: milter.figures()['descriptors'] <= before['descriptors'] + 2, 5), 'descriptors: %r, before %r',
          milter.figures(), before)
    check(wait_for(lambda: milter.figures()['threads'] <= before['threads'] + 2, 5), 'threads: %r, before %r',
          milter.figures(), before)
    same(ask(milter.socket).verdict, 'accept', 'afterwards')


def test_few_descriptors_lower_max_connections():
    with started('prlimit', '--nofile=364:364') as milter:
        same(lowered_to(milter), 200)
        check(any('LimitNOFILE' in l for l in milter.log_lines('lowered')), 'no remedy: %r', milter.log())
        flooded(milter, 500)


def test_few_threads_of_the_user_lower_max_connections():
    with started('prlimit', '--nproc=500:500', 'setpriv', '--reuid=%d' % NOBODY, '--clear-groups') as milter:
        lowered = lowered_to(milter)
        check(100 <= lowered <= 250, 'lowered to %d', lowered)
        check(any('LimitNPROC' in l for l in milter.log_lines('lowered')), 'no remedy: %r', milter.log())
        flooded(milter, 600)
        same(milter.log_lines('no thread can be started'), [], 'threads ran out all the same')


def test_no_thread_to_be_had_is_a_refusal_and_no_leak():
    with open(DAEMON, 'rb') as f:
        if is_sanitized() or b'libmilter.so' in f.read():
            raise Skip('a sanitizer wants threads of its own, a shared libmilter leaks what has none')
    with started('prlimit', '--nproc=25:25', 'setpriv', '--reuid=%d' % NOBODY, '--clear-groups') as milter:
        same(lowered_to(milter), 10)
        flooded(milter, 60)
        same(len(milter.wait_log(r'no thread can be started.*TasksMax')), 1, 'said once, not for each')
        check(milter.alive(), 'the daemon ended')


@contextlib.contextmanager
def control_group(limit):
    for root, file in (('/sys/fs/cgroup', 'cgroup.subtree_control'), ('/sys/fs/cgroup/pids', 'tasks')):
        group = os.path.join(root, 'leumund-test-%d' % os.getpid())
        if not os.path.exists(os.path.join(root, file)):
            continue
        try:
            os.mkdir(group)
        except OSError:
            continue
        try:
            try:
                with open(os.path.join(group, 'pids.max'), 'w') as f:
                    f.write('%d\n' % limit)
            except OSError:
                continue
            yield group
            return
        finally:
            wait_for(lambda: not open(os.path.join(group, 'cgroup.procs')).read().strip(), 5)
            os.rmdir(group)
    raise Skip('no control group may be made here')


def test_few_tasks_of_the_control_group_lower_max_connections():
    with control_group(600) as group, \
            started('sh', '-c', 'echo $$ >%s/cgroup.procs && exec "$@"' % group, 'sh') as milter:
        lowered = lowered_to(milter)
        check(200 <= lowered <= 350, 'lowered to %d', lowered)
        check(any('TasksMax' in l for l in milter.log_lines('lowered')), 'no remedy: %r', milter.log())
        flooded(milter, 700)


def test_default_fits_the_shipped_unit():
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    unit = open(os.path.join(root, 'packaging', 'leumund.service')).read()
    figure = lambda name: int(re.search(r'^%s=(\d+)' % name, unit, re.M).group(1))
    check((figure('LimitNOFILE') - 64) * 2 // 3 >= 1000, 'LimitNOFILE=%d', figure('LimitNOFILE'))
    # two services, or one with its successor beside it, and Redis
    check(figure('TasksMax') >= 2 * (1000 + 64 + 256 + 16) + 20, 'TasksMax=%d', figure('TasksMax'))
