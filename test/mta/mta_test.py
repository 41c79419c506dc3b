"""leumund behind the real Postfix, sendmail and Exim: whose mail it is, what is refused, held and let through, by
each way that a customer's mail can be handed in.

Every behaviour is a method of Behaviour whose name says it; one that a single MTA has only is marked with @only.
"""
import base64
import os
import re
import threading
import time

import mtas
from bed import LOGIN, LOGIN_TWO, SERVER, Failed, Skipped, expect, message, only, same
from box import Box, BoxError
from recipient import Recipient

# What a customer's script may write to look like somebody else.
FORGED = {
    "X-Local-Uid": "10001",
    "Received": "(from cp1001@localhost)\n\tby cp1server.example.com (8.17.1.9/8.17.1.9/Submit) id 6APAaE3o000091",
    "Received ": "by cp1server.example.com (Postfix, from userid 10001)\n\tid EE3AA7F; Wed, 25 Nov 2026 10:36:08 +0000",
    "X-PHP-Originating-Script": "10001:reg.php",
    "X-Authentication-Warning": "cp1server.example.com: cp1001 set sender to info@kunde-eins.example using -f",
}


# A client that seems to be 127.0.0.1 and is nowhere to be found there.
OWN_CLIENT = """
import ctypes, os, socket, subprocess, sys, time
ours, theirs = socket.socketpair()
if os.fork() == 0:
    user = os.getuid()
    if ctypes.CDLL(None).unshare(0x50000000):  # CLONE_NEWUSER | CLONE_NEWNET
        print("no namespace", flush=True)
        os._exit(1)
    open("/proc/self/uid_map", "w").write("0 %d 1" % user)
    subprocess.run(["/usr/sbin/ip", "link", "set", "lo", "up"])
    listener = socket.create_server(("127.0.0.1", 25))
    client = socket.create_connection(("127.0.0.1", 25))
    server = listener.accept()[0]
    socket.send_fds(theirs, [b"x"], [server.fileno(), client.fileno()])
    time.sleep(5)
    os._exit(0)
theirs.close()
data, (server, client), _, _ = socket.recv_fds(ours, 1, 2)
exim = subprocess.Popen(["/usr/sbin/exim4", "-bs"], stdin=server, stdout=server)
os.close(server)
client = socket.socket(fileno=client)
client.settimeout(5)
client.recv(4096)
for line in ("EHLO x", "MAIL FROM:<ceo@bank.example>", "RCPT TO:<%s>" % sys.argv[1], "QUIT"):
    client.sendall(line.encode() + b"\\r\\n")
    client.recv(4096)
"""


class Behaviour(Recipient):
    # ---- whose mail is it ----------------------------------------------------------------------

    def auth_is_known_by_its_login(self):
        to = self._name()
        same(self.auth("info@kunde-eins.example", to, message())["code"], 250, "reply")
        self.decision(to, account="cp1001", mailbox=LOGIN[0], path="auth", known_by="auth", script="", action="accept",
                      mta=self.mta.kind)
        self.must_arrive(to)

    def auth_login_at_own_domain_is_its_owner(self):
        to = self._name()
        answer = self.auth("info@kunde-eins.example", to, message(), ("info@kunde-eins.example", mtas.PASSWORD))
        same(answer["code"], 250, "reply")
        self.decision(to, account="cp1001", mailbox="info@kunde-eins.example", path="auth", known_by="auth")
        self.must_arrive(to)

    def loopback_client_is_known_by_its_socket(self):
        to = self._name()
        same(self.loopback("info@kunde-eins.example", to, message())["code"], 250, "reply")
        self.decision(to, account="cp1001", path="loopback", known_by="socket", script="", action="accept", uid="10001")
        self.must_arrive(to)

    def own_address_client_is_known_by_its_socket(self):
        to = self._name()
        answer = self._smtp(self._one("info@kunde-eins.example", to, message()), user="cp1001", server=SERVER)[0]
        same(answer["code"], 250, "reply")
        self.decision(to, account="cp1001", path="loopback", known_by="socket")

    def loopback_client_over_ipv6_is_known_by_its_socket(self):
        if not os.path.exists("/proc/net/if_inet6"):
            raise Skipped("no IPv6 here")
        to = self._name()
        answer = self._smtp(self._one("info@kunde-eins.example", to, message()), user="cp1001", server="::1")[0]
        same(answer["code"], 250, "reply (%s)" % answer["text"])
        self.decision(to, account="cp1001", path="loopback", known_by="socket", uid="10001")

    def command_is_known_by_its_user(self):
        to = self._name()
        same(self.command("info@kunde-eins.example", to, message()).returncode, 0, "exit status")
        # sendmail(1) of sendmail hands over by SMTP: the socket's owner is better than any line.
        known_by = "socket" if self.mta.kind == "sendmail" else "mta"
        self.decision(to, account="cp1001", path="command", known_by=known_by, script="", action="accept", uid="10001")
        self.must_arrive(to)

    def script_of_shared_web_server_is_known_by_php_line(self):
        to = self._name()
        same(self.script("info@kunde-eins.example", to, message()).returncode, 0, "exit status")
        self.decision(to, account="cp1001", path="command", known_by="script", script="reg.php", action="accept",
                      uid="33")
        self.must_arrive(to)

    def smtp_on_standard_input_is_known_by_its_user(self):
        to = self._name()
        author = "info@kunde-zwei.example"
        commands = ("EHLO x", "MAIL FROM:<%s>" % author, "RCPT TO:<%s>" % to, "DATA", message(author) + ".", "QUIT")
        replies = self.standard_input("cp1002", commands)
        expect(replies[-2].startswith("250 "), replies)
        # sendmail's own line names the user here too, but looks different: the socket's owner is enough.
        path = "loopback" if self.mta.kind == "sendmail" else "command"
        self.decision(to, account="cp1002", path=path, action="accept", uid="10002")
        self.must_arrive(to)

    def remote_client_has_no_account(self):
        to, subject = "cp1001@kunde-eins.example", "remote%d" % time.monotonic_ns()
        same(self.remote("ceo@bank.example", to, message("ceo@bank.example", subject=subject))["code"], 250, "reply")
        self.decision(to, account="", path="remote", known_by="nothing", action="accept")
        expect(self.mailbox("cp1001", subject), "not delivered")

    @only("sendmail")
    def client_queue_runner_submits_for_the_user_of_the_first_received_line(self):
        to = self._name()
        same(self.command("info@kunde-eins.example", to, message(), options=["-odq"]).returncode, 0, "exit status")
        expect(self.mta.client_queue(), "not in the client queue")
        self.box.run([self.mta.daemon, "-Ac", "-q"], user="smmsp")
        self.decision(to, account="cp1001", path="command", known_by="mta", action="accept", uid="10001")
        self.must_arrive(to)

    @only("sendmail")
    def client_queue_is_no_way_round(self):
        """The queue runner's uid, which is exempt, is not the submitter's; nor may the submitter hide."""
        foreign, options = "ceo@bank.example", (["-odq"], ["-odq", "-pESMTP:x"])
        names = [self._name() for _ in options]
        for to, chosen in zip(names, options):
            self.command(foreign, to, message(foreign), options=chosen)
        fed = self._name()
        program = ("import socket, subprocess, sys; a, b = socket.socketpair();"
                   "p = subprocess.Popen(sys.argv[1:], stdin=b); b.close(); a.sendall(sys.stdin.buffer.read());"
                   "a.close(); p.wait()")
        self.box.run(["/usr/bin/python3", "-c", program, self.mta.sendmail, "-i", "-odq", "-f", foreign, fed],
                     user="cp1001", input=message(foreign))
        self.box.run([self.mta.daemon, "-Ac", "-q"], user="smmsp", check=False)
        for to in names:
            self.decision(to, account="cp1001", uid="10001", action="reject", rule="envelope_owner")
            self.must_not_arrive(to)
        self.decision(fed, account="", action="defer", rule="hidden_account")
        self.must_not_arrive(fed)
        self.box.run(["sh", "-c", "rm -f /var/spool/mqueue-client/*"])

    def client_that_does_not_wait_is_no_way_round(self):
        """A closed socket is nobody's, or root's."""
        program = ("import socket, sys; s = socket.create_connection(('127.0.0.1', %d)); s.recv(4096);"
                   "s.sendall(b'EHLO x\\r\\n'); s.recv(4096);"
                   "s.sendall(sys.stdin.buffer.read().replace(b'\\n', b'\\r\\n')); s.close()") % self.smtp_port
        names = [self._name() for _ in range(8)]
        for to in names:
            session = "MAIL FROM:<ceo@bank.example>\nRCPT TO:<%s>\nDATA\n%s.\nQUIT\n" % (
                to, message("ceo@bank.example"))
            self.box.run(["/usr/bin/python3", "-c", program], user="cp1001", input=session)
        time.sleep(1)
        for to in names:
            self.must_not_arrive(to)
        self.auth_is_known_by_its_login()

    @only("postfix")
    def own_address_is_local_however_many_there_are(self):
        add = "for i in $(seq 1 250); do ip addr add 10.77.%d.$i/32 dev lo; done"
        self.box.run(["sh", "-c", add % 1 + "; " + add % 2])
        self.daemon_start()  # they are read once a minute
        program = ("import socket; s = socket.socket(); s.bind(('10.77.2.250', 0)); s.connect(('%s', 25))\n"
                   "f = s.makefile('rb'); f.readline()\n"
                   "for line in ('HELO x', 'MAIL FROM:<ceo@bank.example>', 'RCPT TO:<cp1001@kunde-eins.example>'):\n"
                   "    s.sendall(line.encode() + b'\\r\\n'); answer = f.readline()\n"
                   "print(answer)") % SERVER
        answer = self.box.run(["/usr/bin/python3", "-c", program], user="cp1001").stdout
        expect("[SND20]" in answer, answer)

    @only("exim")
    def client_of_a_customers_own_exim_is_that_customer(self):
        """`exim -bs` takes its standard input's other end for the client; from a network namespace it can be any."""
        to = self._name()
        done = self.box.run(["/usr/bin/python3", "-c", OWN_CLIENT, to], user="cp1001", check=False)
        if "no namespace" in done.stdout:
            raise Skipped("a user may make no namespaces here")
        self.decision(to, account="cp1001", path="command", uid="10001", action="reject", rule="envelope_owner")
        self.must_not_arrive(to)

    def web_server_without_a_php_line_has_no_account_and_is_not_exempt(self):
        """A script of a shared web server may call sendmail(1) itself: then nobody knows whose it is."""
        to = self._name()
        same(self.command("info@kunde-eins.example", to, message(), user="www-data").returncode, 0, "exit status")
        self.decision(to, account="", path="command", action="accept", observed="unknown_account", uid="33")
        to = self._name()
        done = self.command(LOGIN[0], to, message(LOGIN[0]), user="www-data")
        self.decision(to, account="", action="reject", rule="default_domain")
        self.command_refused(done, to)

    def mail_of_the_system_itself_passes(self):
        """cron and the panel write as root, below the server's own name."""
        to = self._name()
        root = "root@cp1server.example.com"
        same(self.command(root, to, message(root), user="root").returncode, 0, "exit status")
        self.decision(to, action="accept", path="command", account="root")
        self.must_arrive(to)

    # ---- forgeries -----------------------------------------------------------------------------

    def forged_lines_do_not_change_who_called_the_command(self):
        to = self._name()
        self.command("info@kunde-zwei.example", to, message("info@kunde-zwei.example", FORGED), user="cp1002")
        self.decision(to, account="cp1002", path="command", action="accept", uid="10002")
        self.must_arrive(to)

    def forged_lines_do_not_change_who_owns_the_socket(self):
        to = self._name()
        self.loopback("info@kunde-zwei.example", to, message("info@kunde-zwei.example", FORGED), user="cp1002")
        self.decision(to, account="cp1002", known_by="socket", action="accept", uid="10002")

    def forged_lines_do_not_change_who_logged_in(self):
        to = self._name()
        self.auth("info@kunde-zwei.example", to, message("info@kunde-zwei.example", FORGED), LOGIN_TWO)
        self.decision(to, account="cp1002", path="auth", known_by="auth", action="accept")

    def forged_lines_do_not_make_remote_mail_local(self):
        to = "cp1001@kunde-eins.example"
        self.remote("x@bank.example", to, message("x@bank.example", FORGED))
        self.decision(to, account="", path="remote", action="accept")

    def forged_lines_do_not_let_foreign_mail_pass(self):
        """cp1002 writes as cp1001, with every line that would make it cp1001's."""
        to = self._name()
        done = self.command("info@kunde-eins.example", to, message(headers=FORGED), user="cp1002")
        self.decision(to, account="cp1002", action="reject", rule="envelope_owner")
        self.command_refused(done, to)

    def first_php_line_counts_not_the_scripts_own(self):
        to = self._name()
        text = message("info@kunde-zwei.example", {"X-PHP-Originating-Script": "10001:other.php"})
        same(self.script("info@kunde-zwei.example", to, text, owner=10002).returncode, 0, "exit status")
        self.decision(to, account="cp1002", known_by="script", script="reg.php", action="accept")

    def local_uid_line_does_not_leave(self):
        to = self._name()
        self.command("info@kunde-eins.example", to, message(headers={"X-Local-Uid": "4711"}))
        mail = self.must_arrive(to)
        if self.mta.kind == "postfix":
            expect("X-Local-Uid" not in mail["data"], mail["data"])

    @only("postfix")
    def local_uid_line_does_not_leave_with_requeued_mail(self):
        to = self._name()
        self.box.run(["postconf", "-e", "defer_transports=smtp"])
        self.box.run(["postfix", "reload"])
        self.command("info@kunde-eins.example", to, message())
        self.decision(to, action="accept")
        self.box.wait(self.mta.queued, 5)
        self.box.run(["postsuper", "-r", "ALL"])
        self.box.run(["postconf", "-X", "defer_transports"])
        self.box.run(["postfix", "reload"])
        self.box.wait(lambda: (self.mta.queue_run(), self.arrived(to, 0.5))[1], 10)
        expect("X-Local-Uid" not in self.must_arrive(to)["data"], "the line left")

    # ---- what is refused -----------------------------------------------------------------------

    def _smtp_refused(self, answer, to, code, rule):
        same(answer["code"], 550, "reply (%s)" % answer["text"])
        expect("[%s]" % code in answer["text"] and "(id " in answer["text"], answer["text"])
        self.decision(to, action="reject", rule=rule, code=code)
        self.must_not_arrive(to)

    def default_domain_is_refused_by_auth(self):
        to = self._name()
        self._smtp_refused(self.auth(LOGIN[0], to, message(LOGIN[0])), to, "SND10", "default_domain")

    def default_domain_is_refused_by_loopback(self):
        to = self._name()
        self._smtp_refused(self.loopback(LOGIN[0], to, message(LOGIN[0])), to, "SND10", "default_domain")

    def default_domain_is_refused_by_command(self):
        to = self._name()
        done = self.command(LOGIN[0], to, message(LOGIN[0]))
        self.decision(to, account="cp1001", path="command", action="reject", rule="default_domain")
        self.command_refused(done, to)

    def default_domain_is_refused_by_command_without_sender(self):
        """PHP's mail() without -f: the MTA makes the sender, from the login and its own name."""
        to = self._name()
        done = self.box.run([self.mta.sendmail, "-i", to], user="cp1001", input="Subject: x\n\nHello\n", check=False)
        self.decision(to, account="cp1001", path="command", action="reject", rule="default_domain")
        self.command_refused(done, to)

    def default_domain_is_refused_by_script_of_shared_web_server(self):
        to = self._name()
        done = self.script("www-data@cp1server.example.com", to, message(LOGIN[0]))
        self.decision(to, account="cp1001", known_by="script", action="reject", rule="default_domain")
        self.command_refused(done, to)

    def default_domain_as_author_alone_is_refused(self):
        to = self._name()
        self._smtp_refused(self.auth("info@kunde-eins.example", to, message(LOGIN[0])), to, "SND10", "default_domain")
        to = self._name()
        done = self.command("info@kunde-eins.example", to, message(LOGIN[0]))
        self.decision(to, action="reject", rule="default_domain")
        self.command_refused(done, to)

    def foreign_envelope_is_refused_by_smtp(self):
        for send in (self.auth, self.loopback):
            to = self._name()
            answer = send("info@kunde-zwei.example", to, message())
            same(answer["code"], 550, "reply (%s)" % answer["text"])
            self.decision(to, account="cp1001", action="reject", rule="envelope_owner")
            self.must_not_arrive(to)

    def foreign_envelope_is_refused_by_command(self):
        for send in (self.command, self.script):
            to = self._name()
            done = send("info@kunde-zwei.example", to, message())
            self.decision(to, account="cp1001", action="reject", rule="envelope_owner")
            self.command_refused(done, to)

    def foreign_author_is_refused_by_smtp(self):
        for send in (self.auth, self.loopback):
            to = self._name()
            answer = send("info@kunde-eins.example", to, message("Chef <ceo@bank.example>"))
            same(answer["code"], 550, "reply (%s)" % answer["text"])
            self.decision(to, account="cp1001", action="reject", rule="author_owner")
            self.must_not_arrive(to)

    def foreign_author_is_refused_by_command(self):
        for send in (self.command, self.script):
            to = self._name()
            done = send("info@kunde-eins.example", to, message("Chef <ceo@bank.example>"))
            self.decision(to, account="cp1001", action="reject", rule="author_owner")
            self.command_refused(done, to)

    def refused_command_tells_the_customer_why(self):
        """By the text on the screen or by a bounce to the sender's mailbox."""
        before = len(self.box.read("/var/mail/cp1001"))
        to = self._name()
        done = self.command("info@kunde-eins.example", to, message("ceo@bank.example"))
        decision_id = self.decision(to, action="reject")["id"]
        bounce = self.box.wait(lambda: decision_id in self.box.read("/var/mail/cp1001")[before:], 10)
        expect(bounce or decision_id in done.stdout, "the reason is nowhere to be read", done.stdout)

    # ---- hold and defer ------------------------------------------------------------------------

    def _held(self, to, rule="display_spoof"):
        queue_id = self.decision(to, action="hold", rule=rule)["queue_id"]
        held = self.box.wait(lambda: [one for one in self.mta.held() if one == queue_id], 5)
        expect(held, "%s is not held" % queue_id, self.mta.held())
        self.must_not_arrive(to)
        self.mta.release(queue_id)
        self.mta.queue_run()
        self.must_arrive(to)

    def held_mail_waits_for_the_admin_and_then_leaves(self):
        author = '"ceo@bank.example" <info@kunde-eins.example>'
        to = self._name()
        same(self.auth("info@kunde-eins.example", to, message(author))["code"], 250, "reply")
        self._held(to)
        to = self._name()
        same(self.command("info@kunde-eins.example", to, message(author)).returncode, 0, "exit status")
        self._held(to)

    def deferred_smtp_recipient_gets_451_and_others_pass(self):
        to, old = self._name(), "cp1002@cp1server.example.com"
        answer = self.auth("info@kunde-eins.example", [old, to], message())
        same([reply[0] for reply in answer["rcpt"]], [451, 250], "replies %s" % answer["rcpt"])
        same(answer["code"], 250, "reply")
        self.must_arrive(to)

    def _waits_in_the_queue(self, to, old):
        """Exim takes the message; its router asks again for each recipient, at each try, and one without fault goes."""
        queue_id = self.decision(to, action="defer", rule="default_domain_recipient")["queue_id"]
        self.must_arrive(to)
        expect(self.box.wait(lambda: len(self.decisions(old)) >= 2, 30), "not asked about again", self.decisions(old))
        expect(queue_id in self.mta.queued() and queue_id not in self.mta.held(), "does not wait", self.mta.queued())
        self.box.run(["exim4", "-Mrm", queue_id])

    def deferral_that_a_command_cannot_be_told_becomes_hold(self):
        to, old = self._name(), "cp1002@cp1server.example.com"
        done = self.command("info@kunde-eins.example", [to, old], message())
        same(done.returncode, 0, "exit status")
        if self.mta.kind == "sendmail":
            # The client queue keeps what is deferred and tries again.
            self.must_arrive(to)
            expect(self.box.wait(self.mta.client_queue, 5), "not in the client queue")
            return
        if self.mta.kind == "exim":
            self._waits_in_the_queue(to, old)
            return
        queue_id = self.decision(to, action="defer", said="hold", rule="default_domain_recipient")["queue_id"]
        expect(self.box.wait(lambda: queue_id in self.mta.held(), 5), "not held", self.mta.held())
        self.nothing_stuck()
        self.must_not_arrive(to)

    @only("postfix")
    def nothing_loops_in_maildrop(self):
        """Other local mail makes pickup look at maildrop: what was judged before must not come again."""
        old = "old@cp1server.example.com"
        self.command("info@kunde-eins.example", old, message())
        self.decision(old, action="defer", said="hold")
        before = len(self.decisions(old))
        for _ in range(3):
            to = self._name()
            self.command("info@kunde-eins.example", to, message())
            self.must_arrive(to)
        same((before, len(self.decisions(old))), (1, 1), "decisions about one mail")
        self.nothing_stuck()

    # ---- what is never judged ------------------------------------------------------------------

    def bounce_of_the_mta_reaches_the_customer(self):
        nobody = "nobody%d@kunde-zwei.example" % time.monotonic_ns()
        self.command("info@kunde-eins.example", nobody, message())
        expect(self.mailbox("cp1001", nobody, 15), "no bounce in the mailbox")

    @only("postfix")
    def bounce_passes_when_postfix_shows_bounces_to_milters(self):
        self.box.run(["postconf", "-e", "internal_mail_filter_classes=bounce"])
        self.box.run(["postfix", "reload"])
        try:
            self.bounce_of_the_mta_reaches_the_customer()
            self.decision("info@kunde-eins.example", path="internal", action="accept", mail_from="<>")
        finally:
            self.box.run(["postconf", "-X", "internal_mail_filter_classes"])
            self.box.run(["postfix", "reload"])

    def null_sender_with_own_author_passes(self):
        to = self._name()
        same(self.auth("", to, message())["code"], 250, "reply")
        self.decision(to, account="cp1001", action="accept", mail_from="<>")
        self.must_arrive(to)
        to = self._name()
        same(self.command("<>", to, message()).returncode, 0, "exit status")
        self.decision(to, action="accept")
        self.must_arrive(to)

    def notice_by_mail_leaves_and_is_never_judged(self):
        """It would count what it tells of."""
        path = "/etc/leumund/conf.d/60-notice.conf"
        for by in ("smtp://127.0.0.1:%d" % self.smtp_port, self.mta.sendmail):
            to = self._name()
            self.box.write(path, 'notice {\n\tmail = "%s"\n\tmail_by = "%s"\n}\n' % (to, by))
            done = self.box.run(["/build/leumund", "-c", "/etc/leumund/conf.d", "notice", "test"], check=False)
            self.box.run(["rm", path])
            same(done.returncode, 0, "by %s: %s" % (by, done.stdout))
            self.decision(to, path="internal", action="accept", account="leumund", mail_from="<>")
            mail = self.must_arrive(to)
            same(mail["mail_from"], "<>", "envelope")
            author = re.search(r"^From: .*?leumund@\S+", mail["data"], re.M)
            expect(author and "\nAuto-Submitted: auto-generated" in mail["data"], mail["data"])

    def bounce_from_outside_passes(self):
        subject = "bounce%d" % time.monotonic_ns()
        text = message("MAILER-DAEMON@elsewhere.example", subject=subject)
        answer = self.remote("", "cp1001@kunde-eins.example", text)
        same(answer["code"], 250, answer["text"])
        expect(self.mailbox("cp1001", subject), "not delivered")

    def mail_from_outside_is_not_judged(self):
        """Not even when it claims a customer's domain or the default domain: that is another milter's work."""
        for author in ("ceo@bank.example", "info@kunde-zwei.example", "root@cp1server.example.com", "no address"):
            subject = "outside%d" % time.monotonic_ns()
            answer = self.remote("x@elsewhere.example", "cp1001@kunde-eins.example", message(author, subject=subject))
            same(answer["code"], 250, answer["text"])
            expect(self.mailbox("cp1001", subject), "not delivered: " + author)

    def mail_that_an_alias_sends_on_passes(self):
        subject = "forwarded%d" % time.monotonic_ns()
        answer = self.remote("x@bank.example", "weg@kunde-eins.example", message("x@bank.example", subject=subject))
        same(answer["code"], 250, answer["text"])
        expect(self.box.wait(lambda: subject in self.box.read("/var/log/exchanger"), 10), "was not sent on")

    # ---- hostile bytes -------------------------------------------------------------------------

    def percent_signs_in_addresses_arrive_harmless(self):
        for local in ("a%s%n%d", "%1$s%n", "a%%b"):
            to = self._name()
            sender = local + "@cp1server.example.com"
            answer = self.auth(sender, to, message())
            same(answer["code"], 550, "reply (%s)" % answer["text"])
            expect(sender in answer["text"], "the reply does not show " + sender, answer["text"])

    def percent_signs_in_authors_arrive_harmless(self):
        to = self._name()
        answer = self.auth("info@kunde-eins.example", to, message("a%s%n%x@cp1server.example.com"))
        same(answer["code"], 550, "reply (%s)" % answer["text"])
        expect("[SND10]" in answer["text"] and "a%s%n%x@" in answer["text"], answer["text"])

    def control_and_8_bit_characters_arrive_harmless(self):
        """Whatever each MTA makes of them: replies are printable, and the service lives."""
        hostile = ["a\x01\x1b[2J", "\xe4\xf6\xfc", "a\x7f", '"a\x08 b"', "\xc3\xa4", "a\\\x07"]
        for local in hostile:
            old, own = local + "@cp1server.example.com", "info@kunde-eins.example"
            for answer in (self.auth(old, self._name(), message()), self.auth(own, self._name(), message(old))):
                if "[SND" in answer["text"]:
                    expect(re.fullmatch(r"[\x20-\x7e\n]*", answer["text"]), "reply %r" % answer["text"])
            self.command(own, self._name(), message("x <%s>" % old))
        for line in self._log().splitlines():
            if "rcpt_to=" in line and "leumund" in line:
                expect(re.fullmatch(r"[\x20-\x7e]*", line), "log line %r" % line)
        self.auth_is_known_by_its_login()

    def long_header_of_authors_is_refused_not_passed(self):
        to = self._name()
        author = ", ".join("u%d@kunde-eins.example" % number for number in range(4000)) + ", ceo@bank.example"
        answer = self.loopback("info@kunde-eins.example", to, message(re.sub(", ", ",\n ", author)))
        expect(answer["code"] in (550, 552, 554), answer["text"])
        self.must_not_arrive(to)

    def second_author_behind_many_headers_is_seen(self):
        """Exim shows 64 KiB of headers to its ACLs, and no more."""
        padding = "".join("X-Padding-%d: %s\n" % (number, "x" * 900) for number in range(100))
        text = "From: info@kunde-eins.example\n" + padding + message("ceo@bank.example")
        for send in (self.auth, self.loopback, self.command):
            to = self._name()
            send("info@kunde-eins.example", to, text)
            self.must_not_arrive(to)
        self.nothing_stuck()

    def many_headers_from_outside_pass(self):
        subject = "many%d" % time.monotonic_ns()
        padding = "".join("X-Padding-%d: %s\n" % (number, "x" * 900) for number in range(100))
        text = padding + message("x@bank.example", subject=subject)
        answer = self.remote("x@bank.example", "cp1001@kunde-eins.example", text)
        # Debian's sendmail takes 32 KiB of headers at most.
        if self.mta.kind == "sendmail" and answer["code"] == 552:
            return
        same(answer["code"], 250, answer["text"])
        expect(self.mailbox("cp1001", subject), "not delivered")

    # ---- leumund away --------------------------------------------------------------------------

    def smtp_waits_and_local_mail_is_taken_while_leumund_is_away(self):
        self.daemon_stop()
        try:
            to, local = self._name(), self._name()
            answer = self.auth("info@kunde-eins.example", to, message())
            # Postfix says 454 to AUTH already
            expect(answer["code"] in (451, 454), "reply", answer)
            same(self.command("info@kunde-eins.example", local, message()).returncode, 0, "exit status")
            if self.mta.kind != "sendmail":
                self.must_arrive(local)
                self.nothing_stuck()
        finally:
            self.daemon_start()
        if self.mta.kind == "sendmail":
            self.box.run([self.mta.daemon, "-Ac", "-q"], user="smmsp")
        self.must_arrive(local)
        self.auth_is_known_by_its_login()

    @only("exim")
    def question_without_an_answer_is_no_way_round(self):
        """Whatever happens to leumund in the middle: SMTP comes again, local mail waits for the admin."""
        self.daemon_stop()
        path = self.mta.run + "/outbound.exim.sock"
        program = ("import os, socket, sys; s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]);"
                   "os.chmod(sys.argv[1], 0o666); s.listen(9)\n"
                   "while True: client = s.accept()[0]; client.makefile('rb').readline(); client.close()")
        self.box.run(["rm", "-f", path])
        deaf = self.box.start(["/usr/bin/python3", "-c", program, path])
        try:
            self.box.wait(self.box.path(path).exists, 5)
            same(self.auth("info@kunde-eins.example", self._name(), message())["code"], 451, "reply")
            to, before = self._name(), self.mta.held()
            same(self.command("info@kunde-eins.example", to, message()).returncode, 0, "exit status")
            held = self.box.wait(lambda: set(self.mta.held()) - set(before), 5)
            expect(held, "not held")
            self.must_not_arrive(to)
        finally:
            self.box.run(["pkill", "-f", path])  # inside the box
            deaf.wait(5)
            self.box.run(["rm", "-f", path])
            self.daemon_start()

    @only("exim")
    def begin_of_the_body_is_told_as_it_is(self):
        """By SMTP and by command. Exim keeps lines without CR, and a NUL as a blank."""
        self.daemon_stop()
        path, asked = self.mta.run + "/outbound.exim.sock", self.mta.run + "/asked"
        program = ("import os, socket, sys; s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]);"
                   "os.chmod(sys.argv[1], 0o666); s.listen(9); out = open(sys.argv[2], 'ab', 0)\n"
                   "while True: client = s.accept()[0]; out.write(client.makefile('rb').readline());"
                   "client.sendall(b'accept\\n'); client.close()")
        self.box.run(["rm", "-f", path])
        recorder = self.box.start(["/usr/bin/python3", "-c", program, path, asked])
        begin = "Guten Tag \u00e4\u00f6\u00fc \"$h_from:\" ${run{x}} \\n %s\n\n --boundary=\nkey=value\n"
        try:
            self.box.wait(self.box.path(path).exists, 5)
            for send, charset in ((self.auth, "latin-1"), (self.command, "utf-8")):
                for body in (begin, begin + "x" * 70 + "\n" + "y" * 5000 + "\n", ""):
                    head = message().split("\n\n")[0] + "\n\n"
                    send("info@kunde-eins.example", self._name(), head + body)
                    question = self.box.read(asked).splitlines()[-1]
                    told = base64.b64decode(re.search(r" body=([A-Za-z0-9+/=]*)$", question).group(1))
                    same(told.rstrip(b"\n"), body.encode(charset)[:2048].rstrip(b"\n"), send.__name__)
        finally:
            self.box.run(["pkill", "-f", path])  # inside the box
            recorder.wait(5)
            self.box.run(["rm", "-f", path, asked])
            self.daemon_start()

    @only("exim")
    def question_too_long_to_be_asked_is_no_way_round(self):
        """1.2 MB of recipients are 1.6 MB in base64. Exim's spool can read back 16,384 recipients at most."""
        to, before = self._name(), self.mta.held()
        many = ["r%05d%s@elsewhere.example" % (number, "x" * 58) for number in range(14500)]
        done = self.command("ceo@bank.example", [to] + many, message())
        same(done.returncode, 0, "exit status")
        held = self.box.wait(lambda: set(self.mta.held()) - set(before), 10)
        expect(held, "not held")
        self.box.run(["exim4", "-Mrm", *held])

    def restart_under_traffic_loses_nothing(self):
        clients, each = 3, 25
        names = [[self._name() for _ in range(each)] for _ in range(clients)]
        answers = [None] * clients

        def send(number):
            mails = sum((self._one("info@kunde-eins.example", to, message()) for to in names[number]), [])
            answers[number] = self._smtp(mails, port=587, auth=LOGIN, world=True)

        threads = [threading.Thread(target=send, args=(number,)) for number in range(clients)]
        for thread in threads:
            thread.start()
        for _ in range(2):
            time.sleep(0.3)
            self.daemon_start()
        for thread in threads:
            thread.join()
        codes = [answer["code"] for answer in sum(answers, [])]
        same(codes, [250] * clients * each, "replies")
        for to in sum(names, []):
            self.must_arrive(to)


class LightBehaviour(Behaviour):
    """Exim's light build has the same ${readsocket}: local submission shows it."""
    chosen = ("auth_is_known_by_its_login", "begin_of_the_body_is_told_as_it_is", "command_is_known_by_its_user",
              "default_domain_is_refused_by_command", "held_mail_waits_for_the_admin_and_then_leaves",
              "smtp_waits_and_local_mail_is_taken_while_leumund_is_away", "spf_results_are_shown_and_forged_ones_are_gone")


def tests_of(behaviour):
    for name, method in [item for kind in Behaviour.__mro__[:5] for item in vars(kind).items()]:
        if name.startswith("_") or not callable(method):
            continue
        if behaviour.mta.kind not in getattr(method, "only", (behaviour.mta.kind,)):
            continue
        if name in getattr(behaviour, "chosen", (name,)):
            yield name, getattr(behaviour, name)


def run_mta(mta_class, report, wanted=""):
    """Runs the tests of one MTA; report(state, name, text) hears of each."""
    behaviour_class = LightBehaviour if mta_class.name == "exim-light" else Behaviour
    with Box(mta_class.name, list(mta_class.trees) + ["redis"]) as box:
        mta = mta_class(box)
        behaviour = behaviour_class(box, mta)
        try:
            behaviour.set_up()
        except (BoxError, Failed, AssertionError, OSError) as error:
            report("not ok", mta.name + ": starts", "%s\n%s" % (error, box.read("/var/log/mail.log")[-3000:]))
            return
        for name, test in tests_of(behaviour):
            if wanted and wanted not in name:
                continue
            try:
                test()
                report("ok", "%s: %s" % (mta.name, name), "")
            except Skipped as reason:
                report("skip", "%s: %s" % (mta.name, name), str(reason))
            except Exception as error:  # a test that breaks must not end the others
                report("not ok", "%s: %s" % (mta.name, name), "%s: %s" % (type(error).__name__, error))
        with open(os.path.join(box.plan["mount"], "..", mta.name + ".log"), "w") as log:
            log.write(box.read("/var/log/mail.log"))
