# `leumund run` and what it keeps running; stop, reload, restart.
import grp
import os
import pwd
import re
import signal
import subprocess
import time

from case import Skip, check, same
from command import LEUMUND, Command, Questions
from instance import SLOW, processes_marked, wait_for
from mta import ask


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
            process = subprocess.Popen([LEUMUND, 'run', leumund.conf, leumund.run], stdin=subprocess.DEVNULL,
                                       stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=leumund.environment)
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
        check(wait_for(lambda: leumund.pid('outbound') not in (0, old) and leumund.answers(), 10),
              'it does not come back')
        leumund.stop()


def test_a_redis_that_dies_comes_back_with_its_data():
    with Command() as leumund:
        leumund.needs_redis()
        leumund.start()
        found = leumund.refuse()
        check(wait_for(lambda: leumund('explain', found).status == 0, 5), 'the decision is not in the history')
        time.sleep(1.2)  # appendfsync everysec
        old = leumund.kill('redis')
        check(wait_for(lambda: leumund.pid('redis') != old and leumund('explain', found).status == 0, 15),
              'the history is gone')
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
        same(answer.status, 1)
        check('nothing runs in ' + leumund.run in answer.err, '%r', answer.err)


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
        check(wait_for(lambda: ask(leumund.socket, mail_from='x@neighbour.example').verdict == 'accept', 5),
              'not in force')
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
        check(wait_for(lambda: leumund.pid('second') and not leumund.pid('outbound'), 10), 'pid files: %r',
              os.listdir(leumund.run))
        same(ask(os.path.join(leumund.run, 'second.sock'), mail_from='x@own.example').verdict, 'accept')
        leumund.stop()


def test_a_service_that_cannot_start_ends_run_and_its_words_are_shown():
    with Command() as leumund:
        os.makedirs(os.path.join(leumund.run, 'outbound.sock', 'in-the-way'))
        answer = leumund('run', '--detach')
        check(answer.status not in (0, 1), 'status %d', answer.status)
        for words in ('outbound: does not start', 'cannot be put in force'):
            check(words in answer.err, '%r', answer.err)
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


def test_a_shared_directory_such_as_tmp_is_refused_and_left_as_it_is():
    with Command() as leumund:
        os.mkdir(leumund.run)
        os.chmod(leumund.run, 0o1777)
        answer = leumund('run', '--detach')
        same(answer.status, 78)
        check('name a directory of its own' in answer.err and 'chmod' not in answer.err, '%r', answer.err)


def test_restart_says_at_once_that_a_successor_does_not_start():
    with Command() as leumund:
        leumund.start()
        before = leumund.pid('outbound')
        leumund.write('90-store.conf', 'store { address = "/x.sock" password_file = "/nonexistent" }')
        began = time.monotonic()
        answer = leumund('restart')
        same(answer.status, 69)
        check('successor does not start' in answer.err, '%r', answer.err)
        check(time.monotonic() - began < 15 * SLOW, 'only after %d s', time.monotonic() - began)
        same(leumund.pid('outbound'), before, 'the service')
        same(ask(leumund.socket, mail_from='x@neighbour.example').verdict, 'reject')
        leumund.remove('90-store.conf')
        leumund.stop()


def test_a_configuration_that_the_services_may_not_read_is_refused_to_root_who_reloads():
    if os.geteuid() != 0:
        raise Skip('needs root for a second user')
    with Command() as leumund:
        leumund.write('90-user.conf', 'leumund { user = "nobody" }')
        leumund.start()
        same(leumund('reload').status, 0)
        os.chmod(os.path.join(leumund.conf, '90-user.conf'), 0o600)
        answer = leumund('reload')
        same(answer.status, 78)
        check('90-user.conf: cannot be read' in answer.err, '%r', answer.err)
        leumund.stop()


def test_a_data_directory_that_redis_may_not_write_is_named():
    if os.geteuid() != 0:
        raise Skip('needs root for a second user')
    with Command() as leumund:
        leumund.needs_redis()
        data = os.path.join(leumund.home, 'data')
        os.mkdir(data, 0o755)
        leumund.write('90-user.conf', 'leumund { user = "nobody" } store { data = "%s" }' % data)
        answer = leumund('run', '--detach')
        same(answer.status, 0, answer.all)
        check('%s may not be written by nobody' % data in answer.err, '%r', answer.err)
        os.chown(data, pwd.getpwnam('nobody').pw_uid, -1)
        check(wait_for(lambda: leumund.pid('redis'), 15), 'it does not come back by itself')
        leumund.stop()


def test_a_signal_in_the_middle_of_the_start_ends_it_in_order():
    with Command() as leumund:
        leumund.needs_redis()
        for number in range(60):
            process = subprocess.Popen([LEUMUND, 'run', leumund.conf, leumund.run], stdin=subprocess.DEVNULL,
                                       stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=leumund.environment)
            wait_for(lambda run=process.pid: leumund.pid('leumund') == run, 5)
            time.sleep(number * 0.0001)
            process.send_signal(signal.SIGTERM)
            said = process.communicate(timeout=30 * SLOW)[1].decode()
            check('killed' not in said, 'run %d: %s', number, said)
        same(processes_marked('LEUMUND_TEST=' + leumund.home), [], 'processes left')


def test_run_with_closed_output_serves():
    with Command() as leumund:
        process = subprocess.Popen(['sh', '-c', 'exec "$@" >&- 2>&-', 'sh', LEUMUND, 'run', leumund.conf, leumund.run],
                                   stdin=subprocess.DEVNULL, env=leumund.environment)
        check(wait_for(lambda: os.path.exists(leumund.socket) and leumund.answers(), 10), 'it does not serve')
        process.send_signal(signal.SIGTERM)
        same(process.wait(20 * SLOW), 74)


def test_a_long_run_directory_is_asked_for_its_configuration():
    with Command() as leumund:
        leumund.run = os.path.join(leumund.home, 'x' * 120)
        leumund.start()
        same(leumund('-r', leumund.run, 'status', place=False).status, 0)
        leumund.stop()


def test_run_gives_its_directory_to_a_new_socket_group():
    if os.geteuid() != 0:
        raise Skip('needs root for a second user')
    with Command() as leumund:
        for group in ('nogroup', 'mail'):
            leumund.write('90-user.conf', 'leumund { user = "nobody" socket_group = "%s" }' % group)
            leumund.start()
            wanted = grp.getgrnam(group).gr_gid
            for path in (leumund.run, leumund.socket):
                same(os.stat(path).st_gid, wanted, '%s: group' % path)
            leumund.stop()


def test_without_an_answer_the_unknown_configuration_is_said_not_another_blamed():
    with Command() as leumund:
        leumund.start()
        os.kill(leumund.pid('outbound'), signal.SIGSTOP)
        answer = leumund('-r', leumund.run, 'status', place=False)
        if os.path.isdir(re.search(r'directory \((.*)\)', leumund('help').out).group(1)):
            raise Skip('a configuration is installed here')
        same(answer.status, 78)
        check('no service there answers' in answer.err and leumund.run in answer.err, '%r', answer.err)


def on_small_disk(leumund, commands):
    """What shell commands say where the run directory has 200 kB; $L is leumund, $RUN the directory."""
    tried = subprocess.run(['unshare', '--mount', 'true'], check=False, capture_output=True)
    if os.geteuid() != 0 or tried.returncode != 0:
        raise Skip('needs root and a mount namespace of its own')
    os.mkdir(leumund.run)
    script = 'mount -t tmpfs -o size=200k,mode=750 small "$RUN" && cd / || exit 7\n' + commands
    environment = dict(leumund.environment, RUN=leumund.run, L='%s -c %s -r %s' % (LEUMUND, leumund.conf, leumund.run))
    done = subprocess.run(['unshare', '--mount', '--propagation', 'private', 'sh', '-c', script], check=False,
                          capture_output=True, text=True, env=environment, timeout=120 * SLOW)
    return (done.stdout + done.stderr).replace('\n      ', ' ')


FILL = 'dd if=/dev/zero of="$RUN/ballast" bs=1k count=400 2>/dev/null\n'


def test_check_finds_a_full_disk():
    with Command() as leumund:
        text = on_small_disk(leumund, FILL + '$L check')
        check(re.search(r'fail  run directory \S+: its disk is full \(0 kB are free\) -> make room', text), '%s', text)


def test_a_restart_on_a_full_disk_leaves_no_service_without_its_sockets():
    with Command() as leumund:
        text = on_small_disk(leumund, '$L run --detach\n' + FILL + '$L restart; $L status; ls "$RUN"\n'
                             'rm "$RUN/ballast"; $L stop; echo "stop: $?"')
        for word in ('outbound.sock\n', 'outbound.exim.sock\n', 'serves since', 'stop: 0'):
            check(word in text, '%r is missing: %s', word, text)


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
