"""The milter signup on real MTAs: what each way of submission hears when a limit is reached. There is no Redis in the
box: this server's own counts decide, and everybody is a stranger.
"""
import contextlib

from bed import LOGIN, LOGIN_TWO, expect, message, same
from selfcheck import Selfcheck


def form(author="info@kunde-eins.example"):
    return message(author, {"X-Mailer": "PHPMailer 6.9.1"}, "Confirm your account")


class Signup(Selfcheck):
    @contextlib.contextmanager
    def _signup(self, options):
        path = "/etc/leumund/conf.d/60-signup.conf"
        self.box.write(path, "signup {\n\tenable = true\n\tlearning = 0s\n\tvictim_messages = off\n\tscript_recipients = off\n"
                       "\taccount_recipients_limit = \"5/500\"\n%s\n}\n" % options)
        self.reload()
        try:
            yield
        finally:
            self.box.run(["rm", path])
            self.reload()

    def _until_full(self, send):
        """Two strangers an hour are no flood, the third is; counts of earlier tests stand. Who was refused, and how."""
        for _ in range(3):
            to = self._name()
            answer = send(to)
            if self.decision(to)["action"] != "accept":
                return to, answer
            self.must_arrive(to)
        expect(False, "nothing is refused")

    def _forget_counts(self):
        """They are the process' own."""
        self.daemon_stop()
        self.daemon_start()

    def signup_tells_smtp_to_try_again_later_or_never(self):
        author = "info@kunde-eins.example"
        with self._signup(""):
            for login, sender in ((LOGIN, author), (LOGIN_TWO, "info@kunde-zwei.example")):
                to, answer = self._until_full(lambda to: self.auth(sender, to, form(sender), login))
                same(answer["code"], 451, answer["text"])
                said = " ".join(answer["text"].replace("4.7.1 ", "").split())
                expect("[SGN50] account cp100" in said and "2 new recipients in one hour by sign-up mail, limit 2" in said and
                       "free again at " in said and " UTC" in said, said)
                self.decision(to, milter="signup", rule="account_recipients", action="defer", kind="confirm", new="1")
                self.must_not_arrive(to)
            # his own domain is no stranger, and personal mail is of another kind
            same(self.auth(author, "cp1001@kunde-eins.example", form())["code"], 250, "own domain")
            to = self._name()
            same(self.auth(author, to, message())["code"], 250, "a person's mail")
            self.must_arrive(to)
        with self._signup("\taccount_recipients = reject"):
            to = self._name()
            answer = self.auth(author, to, form())
            same(answer["code"], 550, answer["text"])
            to, answer = self._until_full(lambda to: self.loopback(author, to, form()))
            same(answer["code"], 550, answer["text"])

    def signup_keeps_or_refuses_what_a_command_cannot_be_told_to_try_again(self):
        author = "info@kunde-eins.example"
        with self._signup(""):
            to, done = self._until_full(lambda to: self.command(author, to, form()))
            if self.mta.kind == "sendmail":
                # the client queue keeps it and tries again
                expect(self.box.wait(self.mta.client_queue, 5), "not in the client queue", done.stdout)
                self.must_not_arrive(to)
            elif self.mta.kind == "exim":
                queue_id = self.decision(to, action="defer", rule="account_recipients")["queue_id"]
                expect(self.box.wait(lambda: len(self.decisions(to)) >= 2, 30), "its router does not ask", self.decisions(to))
                expect(queue_id in self.mta.queued() and queue_id not in self.mta.held(), "does not wait", self.mta.queued())
                self.must_not_arrive(to)
                expect("free\\x20again\\x20at" in self.decision(to)["detail"], "the router does not tell when", self.decision(to))
                self._forget_counts()
                expect(self.arrived(to, 40), "does not go when it is free")
                expect("SGN50" not in self.must_arrive(to)["data"], "strangers read why it waited", self.must_arrive(to))
            else:
                same(done.returncode, 0, "exit status")
                queue_id = self.decision(to, action="defer", said="hold", rule="account_recipients")["queue_id"]
                expect(self.box.wait(lambda: queue_id in self.mta.held(), 5), "not held", self.mta.held())
                self.nothing_stuck()
                self.must_not_arrive(to)
        with self._signup("\taccount_recipients = reject"):
            to, done = self._until_full(lambda to: self.command(author, to, form()))
            self.command_refused(done, to)

    def signup_counts_the_scripts_of_a_web_server_by_their_owner(self):
        with self._signup("\taccount_recipients = off\n\tscript_recipients = hold\n\tscript_recipients_limit = \"5/500\""):
            to, _ = self._until_full(lambda to: self.script("info@kunde-eins.example", to, form()))
            self.decision(to, rule="script_recipients", action="hold", about="reg.php", account="cp1001", script="reg.php")
            self.must_not_arrive(to)

    def signup_tells_smtp_after_long_that_waiting_is_over(self):
        author = "info@kunde-eins.example"
        with self._signup("\treject_after = 1s"):
            self._forget_counts()
            _, answer = self._until_full(lambda to: self.auth(author, to, form()))
            same(answer["code"], 451, answer["text"])

            def refused():
                said = self.auth(author, self._name(), form())
                return said if said["code"] == 550 else None

            answer = self.box.wait(refused, 30)
            expect(answer and answer["text"].startswith("5.7.1 ") and "[SGN50]" in answer["text"], "never", answer)

    def signup_charges_no_forward_to_who_wrote_it(self):
        with self._signup(""):
            for _ in range(4):
                answer = self.remote("ada@world.example", "weg@kunde-eins.example", form("ada@world.example"))
                same(answer["code"], 250, answer["text"])
            self.decision("weg@kunde-eins.example", path="remote", action="accept", account="", new="")
            self.must_arrive("jemand@elsewhere.example")
            same(self.decisions("jemand@elsewhere.example"), [], "the copy that leaves")
