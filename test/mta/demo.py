"""What `make run` shows: a private Postfix on 127.0.0.1:2525 with leumund behind it, sample mails and their verdicts.

The box has file systems and processes of its own but this machine's network, so that swaks reaches it from another
terminal. Nothing leaves the machine: whatever Postfix accepts is discarded. SAMPLES=only ends after the table; then the
status is 0 only if every verdict was the expected one.
"""
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import textwrap
import time

import mtas
from bed import LOGIN, Bed, Failed, expect, message
from box import PROJECT, Box, BoxError, why_not

PORT = 2525
OUTSIDE = "ADDR=198.51.100.77 NAME=client.world.example"

# Beside the conf.d that is shipped: what a server would say about itself, and every rule with teeth.
CONFIG = """leumund {
	run = "/run/leumund"
	socket_group = "postfix"
	domains = {"/etc/userdomains"}
	log = syslog
}
sender {
	enable = true
	default_domains = {"cp1server.example.com", "*.cp1server.example.com"}
	default_domain = reject
	default_domain_recipient = reject
	envelope_owner = reject
	author_owner = reject
	display_spoof = hold
	unknown_account = reject
}
"""


class DemoPostfix(mtas.Postfix):
    # No chroot here, and the run directory that conf.d ships: the other half of what `leumund mta postfix` knows.
    run = "/run/leumund"

    def main_settings(self):
        settings = self.main_cf.replace("inet_interfaces = all", "inet_interfaces = 127.0.0.1")
        return settings + "".join(name + "\n" for name in (
            "local_recipient_maps =", "local_transport = discard:", "default_transport = discard:",
            "relay_transport = discard:", "virtual_transport = discard:", "smtpd_authorized_xclient_hosts = 127.0.0.1",
            "smtpd_client_connection_rate_limit = 0"))

    def master_settings(self):
        master = self.box.read("/usr/share/postfix/master.cf.dist")
        master = re.sub(r"(?m)^((?:\S+\s+){4})y(\s)", r"\1n\2", master)
        return re.sub(r"(?m)^smtp(\s+inet\s)", r"127.0.0.1:%d\1" % PORT, master)


class DemoBed(Bed):
    smtp_port = auth_port = PORT

    def daemon_start(self):
        """The private instance, as anybody can start it: its own Redis, and a leumundd for each enabled service."""
        argv = ["sh", "-c", 'echo $$ >/run/instance.pid; exec "$@"', "sh"]
        argv += ["/build/leumund", "run", "/etc/leumund/conf.d", self.mta.run]
        with open(self.box.path("/var/log/instance"), "wb") as log:
            self.instance = self.box.start(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)

        def ready():
            if self.instance.poll() is not None:
                raise BoxError("leumund run ended with status %d: %s" % (
                    self.instance.returncode, self.box.read("/var/log/instance") + self._log()))
            return self.box.path(self.mta.run + "/outbound.sock").exists()
        expect(self.box.wait(ready, 15), "leumund run does not serve", self.box.read("/var/log/instance"), self._log())

    def daemon_stop(self):
        if self.instance.poll() is None:
            self.box.run(["sh", "-c", "kill -TERM $(cat /run/instance.pid)"], check=False)
            self.instance.wait(10)

    def config(self):
        for path in sorted(PROJECT.glob("conf.d/*.conf")):
            self.box.write("/etc/leumund/conf.d/" + path.name, path.read_text())
        self.box.write("/etc/leumund/conf.d/99-make-run.conf", CONFIG)

    def outside(self, mail_from, rcpt, text):
        plan = self._one(mail_from, rcpt, text)
        return self._smtp(plan, xclient=OUTSIDE)[0]

    def stranger(self, mail_from, rcpt, text):
        """A program on this machine whose user has no account."""
        return self.loopback(mail_from, rcpt, text, user="12345")


# What it shows; by which way; MAIL FROM, From, RCPT TO ("" = a fresh one); the verdict and rule that are expected.
OWN, OLD = "info@kunde-eins.example", LOGIN[0]
SAMPLES = (
    ("own domain", "auth", OWN, "Kunde Eins <%s>" % OWN, "", "accept", ""),
    ("own domain, sendmail(1)", "command", OWN, OWN, "", "accept", ""),
    ("own domain, PHP as www-data", "script", OWN, OWN, "", "accept", ""),
    ("own domain, script to port 2525", "loopback", OWN, OWN, "", "accept", ""),
    ("incoming from outside", "outside", "x@bank.example", "x@bank.example", OWN, "accept", ""),
    ("bounce from outside", "outside", "", "MAILER-DAEMON@bank.example", OWN, "accept", ""),
    ("default domain", "auth", OLD, OLD, "", "reject", "default_domain"),
    ("default domain, sendmail(1)", "command", OLD, OLD, "", "reject", "default_domain"),
    ("default domain in From alone", "script", OWN, OLD, "", "reject", "default_domain"),
    ("to a default domain", "auth", OWN, OWN, "cp1002@cp1server.example.com", "reject", "default_domain_recipient"),
    ("neighbour's domain as sender", "auth", "info@kunde-zwei.example", OWN, "", "reject", "envelope_owner"),
    ("neighbour's domain, sendmail(1)", "command", "info@kunde-zwei.example", OWN, "", "reject", "envelope_owner"),
    ("foreign author", "auth", OWN, "Chef <ceo@bank.example>", "", "reject", "author_owner"),
    ("foreign author, PHP as www-data", "script", OWN, "ceo@bank.example", "", "reject", "author_owner"),
    ("name shows a foreign address", "auth", OWN, '"ceo@bank.example" <%s>' % OWN, "", "hold", "display_spoof"),
    ("user without an account", "stranger", "x@shop.example", "x@shop.example", "", "reject", "unknown_account"),
)
WAYS = {"auth": "SMTP AUTH", "command": "sendmail(1)", "script": "PHP mail()", "loopback": "local SMTP",
        "outside": "SMTP from outside", "stranger": "local SMTP"}


def sample_send(bed, sample):
    """One row of the table: verdict, code, rule, what the customer sees, whether all was as expected."""
    what, way, mail_from, author, rcpt, wanted, rule = sample
    fresh = bed._name()
    to = rcpt or fresh
    seen = len(bed.decisions(to))
    answer = getattr(bed, way)(mail_from or "", to, message(author))
    found = bed.box.wait(lambda: bed.decisions(to)[seen:], 10)
    decision = found[-1] if found else {}
    if isinstance(answer, dict):
        code, text = answer["code"], answer["text"]
    else:
        code, text = command_outcome(bed, decision, answer)
    verdict, why = decision.get("action", "none"), decision.get("rule", "")
    good = verdict == wanted and why == rule and (verdict == "reject") == (code == 550)
    return {"verdict": verdict, "code": code, "why": why or "-", "sees": text, "good": good,
            "account": decision.get("account", "-")}


def command_outcome(bed, decision, done):
    """sendmail(1) of Postfix says nothing: what is refused comes back as a bounce to the sender."""
    queue_id = decision.get("queue_id", "?")
    if decision.get("action") != "reject":
        return "exit %d" % done.returncode, done.stdout.strip() or "(nothing)"
    pattern = r"%s: (?:to=.*status=bounced \((.*)\)|milter-reject: END-OF-MESSAGE from \S+ (.*?); from=)" % queue_id
    match = bed.box.wait(lambda: re.search(pattern, bed._log()), 10)
    text = (match.group(1) or match.group(2)) if match else "no bounce!"
    return (550 if match else 0), "a bounce: " + re.sub(r"^.*?(?=5\.7\.)", "", text)


def table_print(rows):
    width = max(40, shutil.get_terminal_size((110, 40)).columns)
    line = "%3s  %-33s %-18s %-8s %-8s %-5s %-25s %s"
    print(line % ("", "mail", "handed in by", "account", "verdict", "code", "why", ""))
    for number, (sample, row) in enumerate(rows, 1):
        print(line % (number, sample[0], WAYS[sample[1]], row["account"], row["verdict"], row["code"], row["why"],
                      "as expected" if row["good"] else "UNEXPECTED: %s %s" % (sample[5], sample[6])))
        print(textwrap.fill(row["sees"], width, initial_indent="       sees: ", subsequent_indent="             "))
    bad = sum(not row["good"] for _, row in rows)
    print("\n%d sample mails, %s\n" % (len(rows), "%d UNEXPECTED" % bad if bad else "all verdicts as expected"))
    return bad


def hints(box):
    swaks = "swaks --server 127.0.0.1:%d --to someone@elsewhere.example" % PORT
    print("Try it from another terminal (Postfix discards what it accepts):\n")
    for text in (
            swaks + " --auth PLAIN --auth-user %s --auth-password %s --from %s" % (LOGIN[0], mtas.PASSWORD, OWN),
            swaks + " --auth PLAIN --auth-user %s --auth-password %s --from %s" % (LOGIN[0], mtas.PASSWORD, OLD),
            "swaks --server 127.0.0.1:%d --to %s --from x@bank.example --xclient-addr 198.51.100.77" % (PORT, OWN)):
        print("  " + text)
    nsenter = "nsenter -m -u -i -p -t %d" % box.pid
    print("\n  %s /build/leumund -c /etc/leumund/conf.d status   (explain ID, history cp1001, who %s)" % (nsenter, OLD))
    print("  %s setpriv --reuid=cp1001 --regid=cp1001 --clear-groups sendmail -i someone@elsewhere.example" % nsenter)
    print("\nThe log follows; Ctrl-C ends everything.\n", flush=True)


def log_follow(bed):
    with open(bed.box.path("/var/log/mail.log"), errors="backslashreplace") as log:
        log.seek(0, os.SEEK_END)
        while bed.instance.poll() is None:
            line = log.readline()
            if line:
                print(line, end="", flush=True)
            else:
                time.sleep(0.2)
    print("leumund run ended with status %s" % bed.instance.returncode)


def port_is_free():
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", PORT))
            return True
        except OSError:
            return False


def run():
    with Box("run", ["postfix", "redis"], own_net=False) as box:
        bed = DemoBed(box, DemoPostfix(box))
        try:
            bed.set_up()
            bad = table_print([(sample, sample_send(bed, sample)) for sample in SAMPLES])
            if os.environ.get("SAMPLES") != "only":
                hints(box)
                log_follow(bed)
            elif bad:
                print(box.read("/var/log/mail.log"))
            return 1 if bad else 0
        finally:
            bed.daemon_stop()


def main():
    reason = why_not()
    if reason:
        print("make run: " + reason, file=sys.stderr)
        return 1
    if not port_is_free():
        print("make run: 127.0.0.1:%d is in use; is another `make run` alive?" % PORT, file=sys.stderr)
        return 1
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    try:
        return run()
    except KeyboardInterrupt:
        print("\nended")
        return 0
    except (BoxError, Failed) as error:
        print("make run: %s" % error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
