"""One MTA in its box with a leumundd behind it: how mail is handed in, and how one sees what came of it."""
import json
import os
import re
import subprocess

import mtas
from box import BoxError

LOGIN = ("cp1001@cp1server.example.com", mtas.PASSWORD)
LOGIN_TWO = ("cp1002@cp1server.example.com", mtas.PASSWORD)
SERVER, LOOPBACK = "203.0.113.10", "127.0.0.1"

CONFIG = """leumund {
	run = "%(run)s"
	user = "leumund"
	socket_group = "%(group)s"
	domains = {"/etc/userdomains"}
	log = syslog
	drain_limit = 20s
}
sender {
	enable = true
	service = "outbound"
	default_domains = {"cp1server.example.com", "*.cp1server.example.com"}
	default_domain = reject
	default_domain_recipient = defer
	envelope_owner = reject
	author_owner = reject
	display_spoof = hold
	unknown_account = observe
}
"""
DIRECTORY = "kunde-eins.example: cp1001\nkunde-zwei.example: cp1002\n"


def only(*names):
    """Marks a test that one MTA has only."""
    def mark(method):
        method.only = names
        return method
    return mark


class Failed(AssertionError):
    pass


class Skipped(Exception):
    pass


def expect(truth, *seen):
    if not truth:
        raise Failed("; ".join(str(one) for one in seen) or "see the line above")


def same(seen, wanted, what=""):
    expect(seen == wanted, "%s: expected %r" % (what, wanted), "seen %r" % (seen,))


def message(author="info@kunde-eins.example", headers=None, subject="test"):
    lines = ["%s: %s" % (name.strip(), value) for name, value in (headers or {}).items()]
    lines += ["From: " + author, "To: someone@elsewhere.example", "Subject: " + subject, "", "Hello", ""]
    return "\n".join(lines)


class Bed:
    smtp_port, auth_port = 25, 587

    def __init__(self, box, mta):
        self.box = box
        self.mta = mta
        self.daemons = []
        self.count = 0

    # ---- fixture -------------------------------------------------------------------------------

    def set_up(self):
        box, mta = self.box, self.mta
        self.config()
        box.write("/etc/userdomains", DIRECTORY)
        box.run(["install", "-d", "-o", "root", "-g", "root", "-m", "755", os.path.dirname(mta.run)])
        box.run(["install", "-d", "-o", "leumund", "-g", mta.group, "-m", "750", mta.run])
        printed = box.run(["/build/leumund", "-c", "/etc/leumund/conf.d", "mta", mta.kind])
        mta.configure(printed.stdout)
        self.daemon_start()
        mta.start()
        listening = ":%04X 00000000:0000 0A" % self.smtp_port

        def listens():
            return listening in re.sub("0{24}", "", box.run(["cat", "/proc/net/tcp", "/proc/net/tcp6"]).stdout)

        expect(box.wait(listens, 10), "%s does not listen" % mta.name, self._log())

    def config(self):
        self.box.write("/etc/leumund/conf.d/10-test.conf", CONFIG % {"run": self.mta.run, "group": self.mta.group})

    def daemon_start(self):
        box = self.box
        log = len(self._log())
        daemon = box.start(["/build/leumundd", "-c", "/etc/leumund/conf.d", "outbound"])
        self.daemons.append(daemon)
        socket = self.mta.run + ("/outbound.exim.sock" if self.mta.kind == "exim" else "/outbound.sock")

        def serves():
            if daemon.poll() is not None:
                raise BoxError("leumundd ended with status %d: %s" % (daemon.returncode, self._log()[log:]))
            return box.path(socket).exists() and "serving" in self._log()[log:]

        expect(box.wait(serves, 10) or box.path(socket).exists(), "leumundd does not serve", self._log()[log:])

    def daemon_stop(self):
        # nsenter passes no signals on: the daemon itself is told.
        pid = self.box.read(self.mta.run + "/outbound.pid").strip()
        self.box.run(["kill", "-TERM", pid])
        for daemon in self.daemons:
            daemon.wait(30)
        self.daemons = []

    def reload(self):
        log = len(self._log())
        self.box.run(["kill", "-HUP", self.box.read(self.mta.run + "/outbound.pid").strip()])
        expect(self.box.wait(lambda: "was read again" in self._log()[log:], 10), "no reload", self._log()[log:])

    def _log(self):
        return self.box.read("/var/log/mail.log")

    # ---- handing mail in -----------------------------------------------------------------------

    def _name(self):
        """An address at the outside exchanger that no other mail has."""
        self.count += 1
        return "%s%d@elsewhere.example" % (re.sub("[^a-z]", "", self.mta.name), self.count)

    def _smtp(self, messages, port=None, auth=None, user=None, world=False, server=None, xclient=None):
        plan = {"server": server or (SERVER if world else LOOPBACK), "port": port or self.smtp_port, "auth": auth,
                "messages": messages, "xclient": xclient}
        done = self.box.run(["/usr/bin/python3", "/leumund/test/mta/smtp_client.py"], user=user, world=world,
                            input=json.dumps(plan), check=False)
        expect(done.returncode == 0, "SMTP client", done.stdout)
        return json.loads(done.stdout)

    def _one(self, mail_from, rcpt, text):
        rcpt = [rcpt] if isinstance(rcpt, str) else rcpt
        return [{"mail_from": mail_from, "rcpt_to": rcpt, "data": text}]

    def auth(self, mail_from, rcpt, text, login=LOGIN):
        return self._smtp(self._one(mail_from, rcpt, text), port=self.auth_port, auth=login, world=self.box.own_net)[0]

    def loopback(self, mail_from, rcpt, text, user="cp1001"):
        return self._smtp(self._one(mail_from, rcpt, text), user=user)[0]

    def remote(self, mail_from, rcpt, text):
        return self._smtp(self._one(mail_from, rcpt, text), world=True)[0]

    def command(self, mail_from, rcpt, text, user="cp1001", options=()):
        rcpt = [rcpt] if isinstance(rcpt, str) else rcpt
        argv = [self.mta.sendmail, "-i", *options, "-f", mail_from, *rcpt]
        return self.box.run(argv, user=user, input=text, check=False)

    def script(self, mail_from, rcpt, text, owner=10001):
        """As PHP's mail() does it below a web server that runs all customers' scripts as www-data."""
        return self.command(mail_from, rcpt, "X-PHP-Originating-Script: %d:reg.php\n" % owner + text, user="www-data")

    def standard_input(self, user, commands):
        """sendmail -bs: an SMTP dialogue on standard input, as some mailers of scripts do it. The replies."""
        program = self.box.start([self.mta.sendmail, "-bs"], user=user, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

        def reply():
            lines = [program.stdout.readline().decode("latin-1")]
            while lines[-1][3:4] == "-":
                lines.append(program.stdout.readline().decode("latin-1"))
            return "".join(lines)

        replies = [reply()]
        for command in commands:
            program.stdin.write(command.replace("\n", "\r\n").encode() + b"\r\n")
            program.stdin.flush()
            replies.append(reply())
        program.stdin.close()
        program.wait(10)
        return replies

    # ---- looking at what came of it ------------------------------------------------------------

    def decisions(self, rcpt):
        """leumundd's log lines about mail to this recipient, each as a dictionary."""
        found, shown = [], re.compile(r" rcpt_to=<?%s>?( |$)" % re.escape(rcpt))
        for line in self._log().splitlines():
            if "leumund" in line and shown.search(line):
                pairs = dict(re.findall(r" ([a-z_]+)=(\S*)", line))
                pairs["queue_id"] = re.search(r"([0-9A-Za-z-]+): id=", line).group(1)
                found.append(pairs)
        return found

    def decision(self, rcpt, **wanted):
        """The last decision about it; fails when a field of `wanted` differs ("" stands for absent)."""
        found = self.box.wait(lambda: self.decisions(rcpt), 10)
        expect(found, "no decision about %s was logged" % rcpt)
        seen = {key: found[-1].get(key, "") for key in wanted}
        same(seen, wanted, "decision about " + rcpt)
        return found[-1]

    def arrived(self, rcpt, seconds=10):
        """The mail that the outside exchanger got for this recipient, or None."""
        def look():
            for line in self.box.read("/var/log/exchanger").split("\n")[:-1]:
                mail = json.loads(line)
                if "<%s>" % rcpt in mail["rcpt_to"]:
                    return mail
            return None
        return self.box.wait(look, seconds)

    def must_arrive(self, rcpt):
        mail = self.arrived(rcpt)
        expect(mail, "mail to %s did not arrive outside" % rcpt)
        return mail

    def must_not_arrive(self, rcpt):
        expect(not self.arrived(rcpt, 0.3), "mail to %s left" % rcpt)

    def mailbox(self, user, text, seconds=10):
        return self.box.wait(lambda: text in self.box.read("/var/mail/" + user), seconds)

    def nothing_stuck(self):
        expect(self.box.wait(lambda: not self.mta.stuck(), 5), "left in maildrop", self.mta.stuck())

    def command_refused(self, done, rcpt):
        """How each MTA tells sendmail(1)'s caller, or the envelope sender, of a refusal for good."""
        if self.mta.kind == "postfix":
            same(done.returncode, 0, "exit status")
            queue_id = self.decision(rcpt)["queue_id"]
            bounced = queue_id + r": (to=.*status=bounced|milter-reject)"
            expect(self.box.wait(lambda: re.search(bounced, self._log()), 5), "no bounce of " + queue_id)
        elif self.mta.kind == "sendmail":
            expect(done.returncode in (67, 69), "exit status", done.returncode, done.stdout)
        else:
            same(done.returncode, 1, "exit status")
        self.nothing_stuck()
        self.must_not_arrive(rcpt)
