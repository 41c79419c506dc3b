"""The milter recipient on real MTAs: a dead mailbox is refused alone where the MTA can say so. Here a Redis runs beside
the daemon, and what a provider has said is told to it as who reads the log tells it.
"""
import contextlib
import time

from bed import expect, message, same
from signup import Signup

DAY = 86400000
OWN = "info@kunde-eins.example"
RULE = ["3", "3", str(20 * 3600000), str(90 * DAY), str(30 * DAY)]


class Recipient(Signup):
    @contextlib.contextmanager
    def _guarded(self, options=""):
        path, socket = "/etc/leumund/conf.d/30-recipient.conf", self.mta.run + "/redis.sock"
        self.box.write(path, "recipient {\n\tenable = true\n\tlearning = 0s\n%s\n}\n" % options)
        redis = self.box.start(["redis-server", "--port", "0", "--unixsocket", socket, "--unixsocketperm", "777", "--save", "",
                                "--logfile", "/dev/null"], user="leumund")
        expect(self.box.wait(lambda: self.box.path(socket).exists(), 10), "Redis does not start")
        self.daemon_stop()
        log = len(self._log())
        self.daemon_start()
        try:
            expect(self.box.wait(lambda: "store: connected" in self._log()[log:], 10), "no store", self._log()[log:])
            yield lambda *words: self.box.run(["redis-cli", "-s", socket, *words]).stdout
        finally:
            self.box.run(["redis-cli", "-s", socket, "shutdown", "nosave"], check=False)
            redis.wait(10)
            self.box.run(["rm", "-f", path, socket])
            self.daemon_stop()
            self.daemon_start()

    def _dead(self, redis):
        """An address of which its provider has said on three days that there is no such mailbox."""
        address, now = self._name(), int(time.time() * 1000)
        for days in (4, 3, 2):
            redis("--eval", "/leumund/redis/dead.lua", "leu:dead:{%s}" % address, ",", "fail", "", str(now - days * DAY), "",
                  *RULE, "cp1001", "elsewhere.example 550 5.1.1 no such user")
        same(redis("HGET", "leu:dead:{%s}" % address, "state").strip(), "dead", "state")
        return address

    def recipient_dead_is_refused_alone_over_smtp(self):
        with self._guarded() as redis:
            for send in (self.auth, self.loopback):
                gone, first, last = self._dead(redis), self._name(), self._name()
                answer = send(OWN, [first, gone, last], message())
                code, text = answer["rcpt"][1]
                if self.mta.kind == "sendmail" and send == self.loopback:
                    continue  # its own queue runner may be behind it: judged at the end
                same(([reply[0] for reply in answer["rcpt"]], code), ([250, 550, 250], 550), str(answer))
                expect("[RCP10] this mailbox does not exist (said by elsewhere.example on " in " ".join(text.split()), text)
                self.must_arrive(first)
                self.must_arrive(last)
                self.must_not_arrive(gone)
                self.decision(gone, milter="recipient", rule="dead_mailbox", action="reject")

    def recipient_dead_by_command_is_told_to_the_sender(self):
        with self._guarded() as redis:
            gone, other = self._dead(redis), self._name()
            done = self.command(OWN, gone, message())
            self.command_refused(done, gone)
            # living ones go
            self.command(OWN, other, message())
            self.must_arrive(other)
            self.nothing_stuck()
