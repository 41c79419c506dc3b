# Notices: what section notice of conf.d takes, what its hook, webhook and mail get, and what is said of those that fail.
import contextlib
import http.server
import json
import os
import re
import shutil
import socketserver
import ssl
import subprocess
import threading
import time

from case import Skip, check, same
from command import Command
from instance import SLOW, Instance, wait_for

FAKE_SENDMAIL = '''#!/bin/sh
{ echo "$@"; cat; } >%s/mail.new && mv %s/mail.new %s/mail
'''


class Web(http.server.BaseHTTPRequestHandler):
    """Keeps what is posted; answers as the server's `status` says, 0 is never."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers['Content-Length']))
        self.server.posts.append((self.path, self.headers, body))
        if self.server.status == 0:
            self.server.over.wait(60)
            return
        self.send_response(self.server.status)
        if self.server.status // 100 == 3:
            self.send_header('Location', 'http://127.0.0.1:%d/elsewhere' % self.server.server_address[1])
        self.send_header('Content-Length', '6')
        self.end_headers()
        self.wfile.write(b'words\x1b')

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def web(status=200):
    with http.server.ThreadingHTTPServer(('127.0.0.1', 0), Web) as server:
        server.posts, server.status, server.over = [], status, threading.Event()
        server.url = 'http://127.0.0.1:%d/in?a=b' % server.server_address[1]
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.over.set()
        server.shutdown()


class Smtp(socketserver.StreamRequestHandler):
    """As much of a mail server as one message needs."""

    def handle(self):
        said, data = [], None
        self.wfile.write(b'220 mx.example ESMTP\r\n')
        for line in self.rfile:
            if data is not None:
                data.append(line)
                if line == b'.\r\n':
                    self.server.mails.append((said, b''.join(data[:-1])))
                    data = None
                    self.wfile.write(b'250 2.0.0 ok\r\n')
                continue
            said.append(line.strip())
            if line.upper().startswith(b'RCPT') and self.server.refuses:
                self.wfile.write(b'550 5.1.1 no such user\r\n')
            elif line.upper().startswith(b'DATA'):
                data = []
                self.wfile.write(b'354 go on\r\n')
            elif line.upper().startswith(b'QUIT'):
                self.wfile.write(b'221 bye\r\n')
                return
            else:
                self.wfile.write(b'250 2.0.0 ok\r\n')


@contextlib.contextmanager
def smtp(refuses=False):
    with socketserver.ThreadingTCPServer(('127.0.0.1', 0), Smtp) as server:
        server.mails, server.refuses, server.daemon_threads = [], refuses, True
        server.url = 'smtp://127.0.0.1:%d' % server.server_address[1]
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def program(place, name, text, mode=0o755):
    path = os.path.join(place.home, name)
    with open(path, 'w') as f:
        f.write(text)
    os.chmod(path, mode)
    return path


def section(**options):
    return 'notice {\n%s}\n' % ''.join('\t%s = "%s"\n' % row for row in options.items())


def tried(leumund, **options):
    leumund.environment['no_proxy'] = '*'
    leumund.write('30-notice.conf', section(**options))
    return leumund('notice', 'test')


def needs_curl(leumund):
    if 'built without libcurl' in tried(leumund, webhook='http://127.0.0.1:1/').all:
        raise Skip('this build has no libcurl')


# ---- leumund notice test

def test_nothing_configured_is_said():
    with Command() as leumund:
        answer = leumund('notice', 'test')
        same(answer.status, 1)
        check('stand in the log only' in answer.out, '%r', answer.out)
        same(leumund('notice', 'tset').status, 64)


def test_hook_gets_the_notice():
    with Command() as leumund:
        hook = program(leumund, 'hook', '#!/bin/sh\n{ echo "$1/$2"; env; cat; } >%s/out; echo heard\n' % leumund.home)
        answer = tried(leumund, hook=hook + '  one two')
        same((answer.status, answer.out), (0, 'ok   hook     it says: heard\n'))
        out = open(os.path.join(leumund.home, 'out')).read()
        check(out.startswith('one/two\n'), '%r', out)
        check('\nLEUMUND_KIND=test\n' in out and '\nLEUMUND_LIMIT=100\n' in out, '%r', out)
        check('LEUMUND_TEST' not in out, 'our own environment: %r', out)
        found = json.loads(out[out.index('{'):])
        same((found['kind'], found['service'], found['facts']), ('test', 'outbound', {'limit': '100', 'used': '80'}))


def test_webhook_gets_json_and_the_token():
    with Command() as leumund, web() as server:
        needs_curl(leumund)
        token = program(leumund, 'token', 's3cret.token\nsecond line\n', 0o600)
        answer = tried(leumund, webhook=server.url, webhook_token_file=token)
        same((answer.status, answer.out), (0, 'ok   webhook  the server answers 200\n'))
        path, headers, body = server.posts[0]
        same((path, headers['Content-Type'], headers['Authorization']),
             ('/in?a=b', 'application/json', 'Bearer s3cret.token'))
        same(json.loads(body)['kind'], 'test')
        check('s3cret' not in answer.all, 'the token is shown')


def test_webhook_tells_what_the_server_answers_and_follows_nobody():
    with Command() as leumund, web() as server:
        needs_curl(leumund)
        for status, words in ((500, r'answers 500: words\x1b'), (404, 'answers 404'), (307, 'not followed')):
            server.status, server.posts = status, []
            answer = tried(leumund, webhook=server.url)
            same(answer.status, 1)
            check(answer.out.startswith('fail webhook') and words in answer.out, '%r', answer.out)
            same([p[0] for p in server.posts], ['/in?a=b'])


def test_webhook_that_is_away_or_silent_is_given_up():
    with Command() as leumund, web(0) as server:
        needs_curl(leumund)
        answer = tried(leumund, webhook='http://127.0.0.1:1/')
        check(answer.status == 1 and 'connect' in answer.out, '%r', answer.all)
        start = time.monotonic()
        answer = tried(leumund, webhook=server.url)
        took = time.monotonic() - start
        check(answer.status == 1 and 'timed out' in answer.out, '%r', answer.all)
        check(9.5 < took < 10 + 5 * SLOW, 'given up after %.1f s', took)


def certificate(place):
    """Signed by nobody, for 127.0.0.1: paths of certificate and key."""
    if not shutil.which('openssl'):
        raise Skip('no openssl here')
    pem = os.path.join(place.home, 'pem')
    subprocess.run(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes',
                    '-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', pem, '-out',
                    pem + '.crt'], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return pem + '.crt', pem


def test_webhook_with_a_certificate_of_nobody_gets_nothing():
    with Command() as leumund, web() as server:
        needs_curl(leumund)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate(leumund))
        server.socket = context.wrap_socket(server.socket, server_side=True)
        answer = tried(leumund, webhook=server.url.replace('http:', 'https:'))
        check(answer.status == 1 and 'certificate' in answer.out, '%r', answer.all)
        same(server.posts, [])


def mail_checked(arguments, mail):
    same(arguments.split(), ['-i', '-f', '<>', 'admin@example.com'])
    head, _, body = mail.partition('\n\n')
    check(re.search(r'^To: admin@example.com$', head, re.M) and re.search(r'^Auto-Submitted: auto-generated$', head, re.M)
          and re.search(r'^From: \S+$', head, re.M) and re.search(r'^Date: \w{3}, .* \+0000$', head, re.M), '%r', head)
    check('This is a test' in body and '\n  limit: 100\n' in body, '%r', body)


def test_mail_by_sendmail_has_the_null_sender():
    with Command() as leumund:
        by = program(leumund, 'sendmail', FAKE_SENDMAIL % (leumund.home, leumund.home, leumund.home))
        answer = tried(leumund, mail='admin@example.com', mail_by=by)
        same((answer.status, answer.out), (0, 'ok   mail     delivered\n'))
        arguments, _, mail = open(os.path.join(leumund.home, 'mail')).read().partition('\n')
        mail_checked(arguments, mail)


def test_mail_by_smtp_has_the_null_sender():
    with Command() as leumund, smtp() as server:
        needs_curl(leumund)
        answer = tried(leumund, mail='admin@example.com', mail_by=server.url)
        same((answer.status, answer.out), (0, 'ok   mail     the mail server has taken it\n'))
        said, mail = server.mails[0]
        envelope = [s.split(b' SIZE')[0] for s in said if s.startswith((b'MAIL', b'RCPT'))]
        same(envelope, [b'MAIL FROM:<>', b'RCPT TO:<admin@example.com>'])
        same(mail.count(b'\r\n'), mail.count(b'\n'), 'line ends')
        mail_checked('-i -f <> admin@example.com', mail.decode().replace('\r\n', '\n'))


def test_mail_that_is_refused_is_told():
    with Command() as leumund, smtp(refuses=True) as server:
        needs_curl(leumund)
        answer = tried(leumund, mail='admin@example.com', mail_by=server.url)
        check(answer.status == 1 and answer.out.startswith('fail mail') and '550' in answer.out, '%r', answer.all)
        same(server.mails, [])


def test_one_way_that_fails_keeps_no_other_from_trying():
    with Command() as leumund:
        hook = program(leumund, 'hook', '#!/bin/sh\necho "no network" >&2; exit 7\n')
        by = program(leumund, 'sendmail', FAKE_SENDMAIL % (leumund.home, leumund.home, leumund.home))
        answer = tried(leumund, hook=hook, mail='admin@example.com', mail_by=by)
        same((answer.status, answer.out), (1, 'fail hook     ended with status 7, saying: no network\n'
                                              'ok   mail     delivered\n'))


def test_what_cannot_be_run_is_told():
    with Command() as leumund:
        hook = program(leumund, 'hook', '#!/nonexistent/interpreter\n')
        answer = tried(leumund, hook=hook)
        check(answer.status == 1 and 'its #! line names' in answer.out, '%r', answer.all)
        program(leumund, 'hook', 'echo no shell\n')
        answer = tried(leumund, hook=hook)
        check(answer.status == 1 and 'no #! line' in answer.out, '%r', answer.all)


def test_wrong_options_are_refused_with_file_and_line():
    with Command() as leumund:
        open_hook = program(leumund, 'open', '#!/bin/sh\n', 0o757)
        open_token = program(leumund, 'token', 'x\n', 0o644)
        for options, words in (({'hook': '/nonexistent/hook'}, 'not there'),
                               ({'hook': open_hook}, 'chmod o-w'),
                               ({'hook': "/bin/sh -c 'x'"}, 'no shell reads it'),
                               ({'webhook_token_file': open_token}, 'chmod o='),
                               ({'mail': 'admin'}, 'one address'),
                               ({'mail_by': 'sendmail'}, '/usr/sbin/sendmail'),
                               ({'webhook': 'gopher://x/'}, 'write https|libcurl')):
            answer = tried(leumund, **options)
            same(answer.status, 78, '%r' % options)
            check(re.search(r'30-notice\.conf:2: ', answer.err) and re.search(words, answer.err), '%r', answer.err)
        leumund.write('30-notice.conf', 'notice {\n\thok = "/bin/true"\n}\n')
        check('hook' in leumund('notice', 'test').err, 'no word of what was meant')


def test_token_leaves_this_host_by_tls_only():
    with Command() as leumund:
        needs_curl(leumund)
        token = program(leumund, 'token', 'x\n', 0o600)
        for url in ('http://192.0.2.1/', 'http://127.0.0.1.example/', 'http://localhost.example/'):
            answer = tried(leumund, webhook=url, webhook_token_file=token)
            check(answer.status == 78 and re.search(r'30-notice\.conf:2: .*https', answer.err), '%r', answer.err)


# ---- the daemon

def test_service_with_every_way_serves_reloads_and_ends_at_once():
    with Instance() as milter:
        hook = program(milter, 'hook', '#!/bin/sh\nexec sleep 300\n')
        before = milter.figures()
        milter.write('30-notice.conf', section(hook=hook, mail='admin@example.com'))
        milter.reload()
        wait_for(lambda: milter.figures()['threads'] >= before['threads'] + 2, 5)
        check(milter.figures()['threads'] >= before['threads'] + 2, 'no threads for the two')
        with open('/proc/%d/maps' % milter.pid) as maps:
            check('libcurl' not in maps.read(), 'libcurl takes memory before anything is sent by it')
        milter.write('30-notice.conf', section(hook='/nonexistent'))
        milter.reload(expect=r'is refused, the old one stays')
        check(milter.log_lines(r'30-notice\.conf:2: .*not there'), 'no word of why')
        start = time.monotonic()
        milter.end()
        check(time.monotonic() - start < 5 * SLOW, 'the end took %.1f s', time.monotonic() - start)
