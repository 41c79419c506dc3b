"""What leumund makes of a message's header on the real MTAs: SPF results added, forged ones taken out, all else left
as it was. Whatever strangers write there, an MTA must not expand it.
"""
import base64
import contextlib
import json
import re
import time

from bed import LOGIN_TWO, Bed, expect, message, only, same

SERVER_NAME = "cp1server.example.com"
FORGED = "%s; spf=pass smtp.mailfrom=forged.example" % SERVER_NAME
NAME = "Authentication-Results"
HOSTILE = [
    "elsewhere.example; none",
    "a.example;${run{/usr/bin/touch /tmp/expanded}}; $h_from: $sender_address \\n\\x41 \\\\ %n %s",
    "b.example;\n\t${readsocket{/tmp/x}{x}} : colons :: and = equals\n  \"quotes\" 'and' {braces} }\n\t;",
    "c.example;\n\t:at_end:X-Injected: yes\n :at_start:X-Injected: yes\n\tX-Injected: yes",
    ":at_end:d.example; <; * , /etc/passwd",
    "e.example; " + "x" * (998 - len("authentication-results: e.example; ")),
    "f.example; b\u00fccher \u00ff tab\there",
]


def fields(text):
    """The fields of a header, each with its folds: [(name, value)]."""
    return [tuple(field.split(":", 1)) for field in re.findall(r"(?m)^\S[^\n]*(?:\n[ \t][^\n]*)*", text.split("\n\n")[0])]


class Headers(Bed):
    @contextlib.contextmanager
    def _spf(self, options=""):
        """Beside `sender`, as one service: the MTA's lines stay the same."""
        self.box.write("/etc/leumund/conf.d/40-spf.conf", "spf {\n\tenable = true\n\tservice = \"outbound\"\n%s}\n" % options)
        self.reload()
        try:
            yield
        finally:
            self.box.run(["rm", "/etc/leumund/conf.d/40-spf.conf"])
            self.reload()

    def spf_fail_is_refused_and_says_whose_words_it_quotes(self):
        to = "cp1001@kunde-eins.example"
        with self._spf():
            answer = self.remote("x@forbidden.example", to, message("x@forbidden.example"))
            same(answer["code"], 550, answer["text"])
            expect(answer["text"].startswith("5.7.23 "), answer["text"])
            # Exim splits the text, and begins each line with the code
            said = " ".join(answer["text"].replace("5.7.23 ", "").split())
            expect("[SPF10] the SPF record of x@forbidden.example forbids 198.51.100.77 " in said, said)
            expect("; that domain says: \"100% sure: 198.51.100.77 is no 'server' of ours\" (id " in said, said)
            self.decision(to, milter="spf", rule="mail_from_fail", action="reject", path="remote")
            # our own customers send from anywhere, and for domains that name other servers
            out = self._name()
            same(self.auth("info@kunde-eins.example", out, message())["code"], 250, "a customer")
            self.must_arrive(out)

    def an_explanation_can_stand_alone_and_a_percent_sign_is_one(self):
        to, said = "cp1001@kunde-eins.example", {}
        with self._spf("\texplanation = alone\n"):
            for mail_from in ("x@forbidden.example", "~jack&jill=up-a_b3.c@escaped.example"):
                answer = self.remote(mail_from, to, message("x@forbidden.example"))
                same(answer["code"], 550, answer["text"])
                expect(answer["text"].startswith("5.7.23 "), answer["text"])
                said[mail_from] = " ".join(answer["text"].replace("5.7.23 ", "").split())
            # Postfix names the recipient in front of it
            expect(said["x@forbidden.example"].endswith("100% sure: 198.51.100.77 is no \"server\" of ours"), said)
            # RFC 7208's suite, upper-macro
            expect(said["~jack&jill=up-a_b3.c@escaped.example"].endswith(
                "http://example.com/why.html?l=~jack%26jill%3Dup-a_b3.c"), said)
            for text in said.values():
                expect("SPF10" not in text and "(id " not in text, text)
            self.decision(to, milter="spf", rule="mail_from_fail", action="reject", code="SPF10")

    def spf_results_are_shown_and_forged_ones_are_gone(self):
        forged = {"Authentication-Results": "cp1server.example.com; spf=pass smtp.mailfrom=forged.example",
                  "authentication-results": "elsewhere.example; dkim=pass",
                  "AUTHENTICATION-RESULTS": "(x) \"CP1SERVER.example.com\" 1; spf=pass smtp.mailfrom=forged.example"}
        with self._spf():
            for mail_from, result in (("x@allowed.example", "spf=pass smtp.mailfrom=x@allowed.example"),
                                      ("x@silent.example", "spf=none smtp.mailfrom=x@silent.example")):
                subject = "spf%d" % time.monotonic_ns()
                answer = self.remote(mail_from, "cp1001@kunde-eins.example", message(mail_from, forged, subject))
                same(answer["code"], 250, answer["text"])
                expect(self.mailbox("cp1001", subject), "not delivered")
                mail = next(m for m in re.split("^From ", self.box.read("/var/mail/cp1001"), flags=re.M) if subject in m)
                fields = re.findall("^authentication-results:((?:.*\n)(?:[ \t].*\n)*)", mail, re.M | re.I)
                fields = [" ".join(field.split()) for field in fields]
                same(fields[1:], ["elsewhere.example; dkim=pass"], "the fields of others")
                expect(fields[0].startswith("cp1server.example.com; " + result + "; spf=none smtp.helo="), fields[0])
                expect("forged.example" not in mail, mail)

    def _outside(self, text):
        """The mail of that text that was sent on to somebody elsewhere."""
        def look():
            mails = [json.loads(line) for line in self.box.read("/var/log/exchanger").split("\n")[:-1]]
            return next((mail["data"] for mail in mails if text in mail["data"]), None)
        mail = self.box.wait(look, 10)
        expect(mail, "%s was not sent on" % text)
        return mail

    def _sent_on(self, lines, body="Hello"):
        """A mail from outside with these header lines, as an alias of ours sends it on."""
        subject = "sent-on-%d" % time.monotonic_ns()
        text = "\n".join(lines + ["From: x@allowed.example", "Subject: " + subject, "", body, ""])
        answer = self.remote("x@allowed.example", "weg@kunde-eins.example", text)
        same(answer["code"], 250, answer["text"])
        return fields(self._outside(subject))

    def results_of_others_stay_as_they_were_beside_a_forged_one(self):
        lines, others = ["Received: from a.example by b.example; Mon, 1 Jan 2024 00:00:00 +0000"], []
        for number, value in enumerate(HOSTILE + ["many%d.example; none" % number for number in range(60)]):
            # sendmail itself breaks what is longer than 990 bytes
            if self.mta.kind == "sendmail" and len(value) > 900:
                continue
            name = NAME if number % 2 else NAME.lower()
            lines += ["%s: %s" % (name, value), "X-Other-%d: ${run{/usr/bin/touch /tmp/expanded}} :at_end:x" % number]
            others.append(value)
        with self._spf():
            plain = self._sent_on(lines)
            both = self._sent_on(lines[:9] + ["%s: %s" % (NAME, FORGED)] + lines[9:] + ["%s: %s" % (NAME.upper(), FORGED)])
        expect(not self.box.path("/tmp/expanded").exists(), "expanded")
        for about, seen in (("nothing forged", plain), ("forged", both)):
            results = [value for name, value in seen if name.lower() == NAME.lower()]
            expect(results[0].startswith(" %s;\n\tspf=pass smtp.mailfrom=x@allowed.example;" % SERVER_NAME), results[0])
            same([value.strip() for value in results[1:]], [value.strip() for value in others], about)
            expect(not [name for name, _ in seen if "njected" in name or name.startswith("X-ACL")], seen)
        rest = [[field for field in seen if field[0].startswith(("X-Other", "From"))] for seen in (plain, both)]
        same(rest[0], rest[1], "the other fields")

    def customers_cannot_show_results_of_ours(self):
        forged = {NAME: FORGED, "X-Kept": "1", NAME.lower(): "elsewhere.example; none"}
        text, wanted = message(headers=forged), ["elsewhere.example; none"]
        with self._spf():
            for way in (self.auth, self.loopback, self.command):
                to = self._name()
                way("info@kunde-eins.example", to, text)
                seen = fields(self.must_arrive(to)["data"])
                same([value.strip() for name, value in seen if name.lower() == NAME.lower()], wanted, way.__name__)
                expect(("X-Kept", " 1") in seen, seen)

    def forged_results_do_not_leave_with_held_mail(self):
        author = '"ceo@bank.example" <info@kunde-eins.example>'
        with self._spf():
            for way in (self.auth, self.command):
                to = self._name()
                way("info@kunde-eins.example", to, message(author, {NAME: FORGED}))
                queue_id = self.decision(to, action="hold", rule="display_spoof")["queue_id"]
                expect(self.box.wait(lambda: queue_id in self.mta.held(), 5), "not held", self.mta.held())
                self.mta.release(queue_id)
                self.mta.queue_run()
                expect("forged.example" not in self.must_arrive(to)["data"], "it left")

    def customers_are_warned_in_the_header_of_their_mail(self):
        self.box.write("/etc/leumund/conf.d/50-selfcheck.conf", "egress {\n\taddresses = {\"203.0.113.10\"}\n}\n"
                       "selfcheck {\n\tenable = true\n\tspf_fail = warn\n\twait_ms = 2000\n}\n")
        self.reload()
        try:
            for way, how in ((self.auth, {"login": LOGIN_TWO}), (self.loopback, {"user": "cp1002"}), (self.command, {"user": "cp1002"})):
                to = self._name()
                way("info@kunde-zwei.example", to, message("info@kunde-zwei.example"), **how)
                seen = dict(fields(self.must_arrive(to)["data"]))
                expect("203.0.113.10" in seen.get("X-Leumund-Warning", ""), way.__name__, seen)
        finally:
            self.box.run(["rm", "/etc/leumund/conf.d/50-selfcheck.conf"])
            self.reload()

    # ---- what Exim alone can be made to do -----------------------------------------------------

    @only("exim")
    def results_behind_what_exim_shows_are_gone(self):
        """$message_headers_raw ends after 64 KiB: what is behind cannot be told from a forged one."""
        padding = ["X-Padding-%d: %s" % (number, "x" * 900) for number in range(100)]
        with self._spf():
            seen = self._sent_on(["%s: seen.example; none" % NAME] + padding + ["%s: %s" % (NAME, FORGED)])
            results = [value.strip() for name, value in seen if name == NAME]
            same(results[1:], ["seen.example; none"])
            # the last that is shown ends in the middle of a name
            for cut in range(0, 40, 7):
                first = 65536 - 200 - cut
                lines = ["X-Padding: %s" % ("y" * 950)] * (first // 963)
                seen = self._sent_on(lines + ["X-Padding: %s" % ("z" * (first % 963 + 100)), "%s: %s" % (NAME, FORGED)] + padding)
                expect("forged.example" not in str(seen), "cut %d: %s" % (cut, [f for f in seen if f[0] == NAME]))

    @only("exim")
    def field_that_exim_cannot_add_is_left_out(self):
        huge = "huge.example; " + "\n\t".join(["h" * 900] * 45)
        with self._spf():
            seen = self._sent_on(["%s: %s" % (NAME, huge), "%s: %s" % (NAME, FORGED), "%s: small.example; none" % NAME])
            same([value.strip() for name, value in seen if name == NAME][1:], ["small.example; none"])

    @only("exim")
    def as_many_results_as_exim_shows_come_back(self):
        others = ["n%d.example; %s" % (number, "x" * 900) for number in range(65)]
        with self._spf():
            seen = self._sent_on(["%s: %s" % (NAME, FORGED)] + ["%s: %s" % (NAME, value) for value in others])
            same([value.strip() for name, value in seen if name == NAME][1:], others)

    @only("exim")
    def field_that_exim_cannot_remove_is_not_let_in(self):
        """A line break before the colon: Exim takes it for that field, but remove_header does not find it."""
        with self._spf():
            for name in (NAME + "\n ", NAME + "\x0b", NAME + " \n\t "):
                text = "%s: %s\nFrom: x@allowed.example\n\nHello\n" % (name, FORGED)
                answer = self.remote("x@allowed.example", "weg@kunde-eins.example", text)
                same(answer["code"], 451, "%r: %s" % (name, answer["text"]))

    @only("exim")
    def lines_of_an_answer_are_added_and_not_expanded(self):
        """For a milter that adds to what customers send, by SMTP and by sendmail(1); leumund is played by a script."""
        value = "a ${run{/usr/bin/touch /tmp/expanded}} :at_end:X-Injected: x $h_from: \\n %s \u00fc" + "\n\t" + "l" * 900
        added = ":at_start:X-Warning: %s\n:at_start:X-Second: 2\n" % value
        lines = base64.b64encode(added.encode("latin-1")).decode()
        answers = {"accept header - " + lines: False, "hold header - %s add header Subject x" % lines: True,
                   "accept header X-Gone:x-GONE-too " + lines: False}
        headers = {"X-Gone": "1", "X-Gone-Too": "2", "X-Gone-Not": "3", "header": "x"}
        for answer, holds in answers.items():
            with self._played(answer):
                for way in (self.auth, self.command):
                    to, before = self._name(), self.mta.held()
                    way("info@kunde-eins.example", to, message(headers=headers))
                    if holds:
                        held = self.box.wait(lambda: set(self.mta.held()) - set(before), 5)
                        expect(held, "not held")
                        expect("hold add header Subject x" in self._log(), "the reason is not told")
                        self.mta.release(held.pop())
                    seen = fields(self.must_arrive(to)["data"])
                    same([name for name, _ in seen[:2]], ["X-Second", "X-Warning"], "at the top")
                    same(seen[1][1], " " + value, "the value")
                    names = [name for name, _ in seen]
                    same(["X-Gone" in names, "X-Gone-Too" in names, "X-Gone-Not" in names], ["Gone:" not in answer] * 2 + [True])
                    expect("header" in names and "Subject" in names and "X-Injected" not in names, names)
        expect(not self.box.path("/tmp/expanded").exists(), "expanded")

    @contextlib.contextmanager
    def _played(self, answer):
        """Instead of leumundd somebody who answers this to each question about a message."""
        path = self.mta.run + "/outbound.exim.sock"
        program = ("import os, socket, sys; s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]);"
                   "os.chmod(sys.argv[1], 0o666); s.listen(9)\n"
                   "while True:\n client = s.accept()[0]\n line = client.makefile('rb').readline()\n"
                   " verb = line.split(b' ')[0]\n"
                   " client.sendall((b'' if verb == b'route' else b'accept' if verb == b'rcpt' else sys.argv[2].encode()) + b'\\n')\n"
                   " client.close()")
        self.daemon_stop()
        self.box.run(["rm", "-f", path])
        player = self.box.start(["/usr/bin/python3", "-c", program, path, answer])
        try:
            self.box.wait(self.box.path(path).exists, 5)
            yield
        finally:
            self.box.run(["pkill", "-f", path])  # inside the box
            player.wait(5)
            self.box.run(["rm", "-f", path])
            self.daemon_start()
