"""A mailing customer with several connections at once: hands in the same mail again and again, and times each.

Reads a JSON object from standard input: server, port, auth [user, password], connections, sessions (of each
connection, one after another), messages (of a session), mail_from, rcpt_to, data. Writes {"taken", "refused": the
first other replies, "times": seconds from MAIL to the reply to the final dot}.
"""
import base64
import json
import socket
import sys
import threading
import time


class Worker(threading.Thread):
    def __init__(self, plan):
        super().__init__(daemon=True)
        self.plan, self.times, self.refused = plan, [], []
        login = "\0%s\0%s" % tuple(plan["auth"])
        self.login = b"AUTH PLAIN " + base64.b64encode(login.encode()) + b"\r\n"
        self.mail = b"MAIL FROM:<%s>\r\n" % plan["mail_from"].encode()
        self.rcpt = b"RCPT TO:<%s>\r\n" % plan["rcpt_to"].encode()
        self.data = plan["data"].replace("\n", "\r\n").encode() + b"\r\n.\r\n"

    def run(self):
        try:
            for _ in range(self.plan["sessions"]):
                self.session()
        except OSError as error:
            self.refused.append(str(error))

    def session(self):
        with socket.create_connection((self.plan["server"], self.plan["port"]), 60) as self.socket:
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            hello = b"EHLO client.world.example\r\n"
            if not (self.say(b"", b"220") and self.say(hello) and self.say(self.login, b"235")):
                return
            for _ in range(self.plan["messages"]):
                begin = time.monotonic()
                asked = self.say(self.mail) and self.say(self.rcpt) and self.say(b"DATA\r\n", b"354")
                if not asked or not self.say(self.data):
                    return
                self.times.append(time.monotonic() - begin)
            self.say(b"QUIT\r\n", b"221")

    def say(self, command, wanted=b"250"):
        self.socket.sendall(command)
        reply = b""
        # the last line of a reply has no hyphen behind its code
        while not reply.endswith(b"\n") or reply[reply[:-1].rfind(b"\n") + 1:][3:4] == b"-":
            piece = self.socket.recv(4096)
            if not piece:
                raise OSError("connection closed")
            reply += piece
        if not reply.startswith(wanted):
            self.refused.append(reply.decode("latin-1").strip())
        return reply.startswith(wanted)


def main():
    plan = json.load(sys.stdin)
    workers = [Worker(plan) for _ in range(plan["connections"])]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    times = [one for worker in workers for one in worker.times]
    refused = [reply for worker in workers for reply in worker.refused]
    json.dump({"taken": len(times), "refused": refused[:3], "times": times}, sys.stdout)


if __name__ == "__main__":
    main()
