"""One SMTP session, byte by byte: what smtplib would clean up (8-bit and control characters) goes out as it is.

Reads a JSON object from standard input: server, port, auth [user, password], xclient and messages [{mail_from,
rcpt_to [], data}], where strings are latin-1 bytes. Writes the replies as a JSON list with one object a message.
"""
import base64
import json
import socket
import sys


class Client:
    def __init__(self, plan):
        self.socket = socket.create_connection((plan["server"], plan["port"]), 30)
        self.stream = self.socket.makefile("rb")
        self.refused = None  # the reply that ended it before the first message
        self.reply()
        self.say("EHLO client.world.example")
        if plan.get("xclient"):
            self.say("XCLIENT " + plan["xclient"])
            self.say("EHLO client.world.example")
        if plan.get("auth"):
            user, password = plan["auth"]
            answer = self.say("AUTH PLAIN " + base64.b64encode(("\0%s\0%s" % (user, password)).encode()).decode())
            if answer[0] != 235:
                self.refused = answer

    def reply(self):
        lines = []
        while True:
            line = self.stream.readline()
            if not line:
                return [0, "connection closed"]
            lines.append(line[4:].rstrip(b"\r\n").decode("latin-1"))
            if line[3:4] != b"-":
                return [int(line[:3]), "\n".join(lines)]

    def say(self, command):
        self.socket.sendall(command.encode("latin-1") + b"\r\n")
        return self.reply()

    def send(self, message):
        """The replies; `code` and `text` are those of the step at which the message ended."""
        reply = self.refused or self.say("MAIL FROM:<%s>" % message["mail_from"])
        answer = {"mail": reply, "rcpt": [], "data": None}
        last = answer["mail"]
        if last[0] == 250:
            answer["rcpt"] = [self.say("RCPT TO:<%s>" % address) for address in message["rcpt_to"]]
            last = next((reply for reply in answer["rcpt"] if reply[0] == 250), answer["rcpt"][-1])
        if last[0] == 250:
            last = self.say("DATA")
            if last[0] == 354:
                text = message["data"].replace("\r\n", "\n").replace("\n", "\r\n")
                self.socket.sendall(text.encode("latin-1") + b"\r\n.\r\n")
                last = self.reply()
            answer["data"] = last
        answer["code"], answer["text"] = last
        if last[0] != 250:
            self.say("RSET")
        return answer


def main():
    plan = json.load(sys.stdin)
    client = Client(plan)
    print(json.dumps([client.send(message) for message in plan["messages"]]))
    client.say("QUIT")


if __name__ == "__main__":
    main()
