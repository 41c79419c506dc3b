"""The milter selfcheck on real MTAs: what the records of kunde-eins.example and kunde-zwei.example say of SERVER."""
import contextlib

from bed import LOGIN_TWO, SERVER, expect, message, same
from headers import Headers


class Selfcheck(Headers):
    @contextlib.contextmanager
    def _selfcheck(self, options):
        path = "/etc/leumund/conf.d/50-selfcheck.conf"
        self.box.write(path, "egress {\n\taddresses = {\"%s\"}\n}\nselfcheck {\n\tenable = true\n\twait_ms = 2000\n%s\n}\n"
                       % (SERVER, options))
        self.reload()
        try:
            yield
        finally:
            self.box.run(["rm", path])
            self.reload()

    def selfcheck_refuses_what_others_would_and_names_the_remedy(self):
        author = "info@kunde-zwei.example"
        with self._selfcheck("spf_fail = reject"):
            to = self._name()
            answer = self.auth(author, to, message(author), LOGIN_TWO)
            same(answer["code"], 550, answer["text"])
            expect(answer["text"].startswith("5.7.23 "), answer["text"])
            said = " ".join(answer["text"].replace("5.7.23 ", "").split())
            expect("[SLF10]" in said and "add ip4:%s to the SPF record of kunde-zwei.example (id " % SERVER in said, said)
            self.decision(to, milter="selfcheck", rule="spf_fail", action="reject", account="cp1002")
            self.must_not_arrive(to)
            to = self._name()
            self.command_refused(self.command(author, to, message(author), "cp1002"), to)
            good = self._name()
            same(self.auth("info@kunde-eins.example", good, message())["code"], 250, "its record names us")
            self.must_arrive(good)

    def selfcheck_holds(self):
        author, to = "info@kunde-zwei.example", self._name()
        with self._selfcheck("spf_fail = hold"):
            same(self.auth(author, to, message(author), LOGIN_TWO)["code"], 250, "reply")
            self._held(to, "spf_fail")

    def selfcheck_dmarc_wants_mail_from_of_the_same_organisation(self):
        with self._selfcheck("dmarc_alignment = reject"):
            to = self._name()
            answer = self.auth("info@www.kunde-eins.example", to, message())
            same(answer["code"], 550, answer["text"])
            expect(answer["text"].startswith("5.7.26 ") and "[SLF21]" in answer["text"], answer["text"])
            to = self._name()
            same(self.auth("info@kunde-eins.example", to, message())["code"], 250, "the same domain")
            self.must_arrive(to)
