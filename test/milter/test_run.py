# `leumund run` and what it keeps running; stop, reload, restart.
import os
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
