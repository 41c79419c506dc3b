#!/usr/bin/env python3
# A name server for tests, on 127.0.0.1, UDP and TCP. What it does with a name stands in its zone, a line each:
#
#   NAME TYPE [ttl=SECONDS] DATA   A AAAA PTR CNAME: one word; MX: PREFERENCE NAME; TXT: "STRING" ..., \DDD = one octet
#   NAME SOA ttl=SECONDS MINIMUM   how long a "no" below NAME holds; without it 60 s; MINIMUM none: it sends no SOA
#   NAME MODE WORD [SECONDS]       see MODES
#
# *.NAME answers for all names below NAME that stand in no line. QUERIES.of.NAME TXT tells how often NAME was asked for.
# usage: dns_server.py [PORT]    reads the zone up to a line END, prints the port, serves until its standard input ends
import os
import re
import socket
import struct
import sys
import threading

TYPES = {'A': 1, 'CNAME': 5, 'SOA': 6, 'PTR': 12, 'MX': 15, 'TXT': 16, 'AAAA': 28}
MODES = {
    'silent': 'no answer',
    'slow': 'the answer, SECONDS later',
    'servfail': 'the response code 2',
    'refused': 'the response code 5',
    'no-edns': 'the response code 1 to questions with EDNS',
    'garbage': 'octets by chance behind the right id',
    'cut-record': 'an answer that ends within a record',
    'truncated': 'over UDP: come by TCP',
    'closing': 'over UDP: come by TCP; that is closed at once',
    'wrong-id': 'the answer with another id',
    'wrong-question': 'an answer to the question for another name',
    'wrong-owner': 'the right question, records of another name',
    'once-silent': 'no answer to the first question, then the answer',
}


def name_wire(name):
    wire = b''
    for label in re.findall(r'(?:\\.|[^.\\])+', name):
        octets = re.sub(r'\\(\d{3}|.)', lambda m: chr(int(m[1])) if m[1].isdigit() else m[1], label).encode('latin-1')
        wire += bytes([len(octets)]) + octets
    return wire + b'\0'


def label_text(octets):
    return ''.join('\\' + chr(o) if chr(o) in '.\\' else chr(o) if 32 < o < 127 else '\\%03d' % o for o in octets)


def txt_wire(data):
    wire = b''
    for string in re.findall(r'"((?:[^"\\]|\\.)*)"', data):
        octets = re.sub(r'\\(\d{3}|.)', lambda m: chr(int(m[1])) if m[1].isdigit() else m[1], string).encode('latin-1')
        for at in range(0, max(1, len(octets)), 255):
            wire += bytes([len(octets[at:at + 255])]) + octets[at:at + 255]
    return wire


def data_wire(kind, data):
    if kind == 'A':
        return socket.inet_aton(data)
    if kind == 'AAAA':
        return socket.inet_pton(socket.AF_INET6, data)
    if kind == 'MX':
        preference, name = data.split()
        return struct.pack('!H', int(preference)) + name_wire(name)
    return txt_wire(data) if kind == 'TXT' else name_wire(data)


class Zone:
    def __init__(self, text):
        self.records, self.modes, self.soas, self.names = {}, {}, {}, set()
        for line in text.splitlines():
            if line.strip() and not line.startswith('#'):
                self.line(line)

    def line(self, line):
        name, kind, rest = line.split(None, 2)
        name, ttl = name.lower(), 60
        if rest.startswith('ttl='):
            ttl, rest = int(rest[4:].split(None, 1)[0]), rest.split(None, 1)[1]
        labels = name.split('.')
        self.names.update('.'.join(labels[i:]) for i in range(len(labels)))
        if kind == 'MODE':
            self.modes[name] = rest.split()
        elif kind == 'SOA':
            self.soas[name] = (ttl, None if rest == 'none' else int(rest))
        else:
            self.records.setdefault((name, TYPES[kind]), []).append((ttl, data_wire(kind, rest), rest))

    def below(self, name, table):
        """The nearest of `table`'s names that `name` is or lies below."""
        labels = name.split('.')
        return next((n for n in ('.'.join(labels[i:]) for i in range(len(labels))) if n in table), None)

    def find(self, name, kind):
        if name not in self.names:
            name = '*.' + name.split('.', 1)[-1]
        return self.records.get((name, kind))

    def exists(self, name):
        return name in self.names or '*.' + name.split('.', 1)[-1] in self.names

    def mode(self, name):
        return self.modes.get(name) or self.modes.get('*.' + name.split('.', 1)[-1]) or ['']

    def soa(self, name):
        at = self.below(name, self.soas)
        ttl, minimum = self.soas[at] if at else (60, 60)
        if minimum is None:
            return b''
        data = b'\0\0' + struct.pack('!5I', 1, 1, 1, 1, minimum)
        return name_wire(at or '') + struct.pack('!HHIH', 6, 1, ttl, len(data)) + data

    def answer(self, name, kind):
        """Response code, number of answers, answers, authority."""
        count, out, owner = 0, b'', name
        for _ in range(20):
            found = self.find(owner, kind) or self.find(owner, TYPES['CNAME'])
            if not found:
                return 0 if self.exists(owner) else 3, count, out, self.soa(owner)
            is_alias = not self.find(owner, kind)
            for ttl, data, _ in found:
                number = TYPES['CNAME'] if is_alias else kind
                out += name_wire(owner) + struct.pack('!HHIH', number, 1, ttl, len(data)) + data
                count += 1
            if not is_alias:
                break
            owner = found[0][2].lower()
        return 0, count, out, b''


class DnsServer:
    def __init__(self, zone, port=0):
        self.zone, self.asked, self.held = Zone(zone), {}, []
        for _ in range(50):  # until a port is free for both
            self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self.udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
            self.udp.bind(('127.0.0.1', port))
            self.tcp = socket.socket()
            self.tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                self.tcp.bind(self.udp.getsockname())
                break
            except OSError:
                self.udp.close()
                self.tcp.close()
        self.port = self.udp.getsockname()[1]
        self.tcp.listen(64)
        for serve in (self.serve_udp, self.serve_tcp):
            threading.Thread(target=serve, daemon=True).start()

    def queries(self, name):
        return self.asked.get(name.lower(), 0)

    def reply(self, query, tcp):
        """Seconds to wait and the message, or None."""
        labels, at = [], 12
        while query[at]:
            labels.append(label_text(query[at + 1:at + 1 + query[at]]))
            at += 1 + query[at]
        name, kind = '.'.join(labels).lower(), struct.unpack('!H', query[at + 1:at + 3])[0]
        question, id = query[12:at + 5], query[:2]
        if name.startswith('queries.of.'):
            data = txt_wire('"%d"' % self.queries(name[11:]))
            return 0, self.message(id, question, 0, 1, name_wire(name) + struct.pack('!HHIH', 16, 1, 0, len(data)) + data)
        self.asked[name] = self.asked.get(name, 0) + 1
        mode, *more = self.zone.mode(name)
        if mode == 'silent' or (mode == 'once-silent' and self.asked[name] == 1):
            return None
        if mode == 'garbage':
            return 0, id + os.urandom(200)
        if mode == 'no-edns' and query[11]:
            return 0, self.message(id, b'', 1, 0, b'')[:4] + bytes(8)
        if mode in ('servfail', 'refused'):
            return 0, self.message(id, question, {'servfail': 2, 'refused': 5}[mode], 0, b'')
        code, count, answers, authority = self.zone.answer(name, kind)
        if mode == 'wrong-id':
            id = bytes([id[0] ^ 1, id[1]])
        if mode == 'wrong-question':
            question = name_wire('other.example') + question[-4:]
        if mode == 'wrong-owner':
            answers = answers.replace(name_wire(name), name_wire('x' * len(name.split('.')[0]) + name[name.index('.'):]))
        message = self.message(id, question, code, count, answers, authority)
        if mode == 'cut-record':
            message = message[:-3]
        if not tcp and (mode in ('truncated', 'closing') or len(message) > 1232):
            message = self.message(id, question, 0x200, 0, b'')
        if tcp and mode == 'closing':
            return None
        return float(more[0]) if mode == 'slow' else 0, message

    @staticmethod
    def message(id, question, flags, count, answers, authority=b''):
        return id + struct.pack('!5H', 0x8180 | flags, 1, count, 1 if authority else 0, 0) + question + answers + authority

    def serve_udp(self):
        while True:
            query, client = self.udp.recvfrom(4096)
            reply = self.reply(query, False)
            if reply and reply[0]:
                threading.Timer(reply[0], self.udp.sendto, (reply[1], client)).start()
            elif reply:
                self.udp.sendto(reply[1], client)

    def serve_tcp(self):
        while True:
            threading.Thread(target=self.serve_connection, args=(self.tcp.accept()[0],), daemon=True).start()

    def serve_connection(self, connection):
        with connection, connection.makefile('rb') as stream:
            while True:
                size = stream.read(2)
                if len(size) < 2:
                    return
                reply = self.reply(stream.read(struct.unpack('!H', size)[0]), True)
                if not reply:
                    return
                connection.sendall(struct.pack('!H', len(reply[1])) + reply[1])


def main():
    zone = []
    for line in sys.stdin:
        if line.strip() == 'END':
            break
        zone.append(line)
    server = DnsServer(''.join(zone), int(sys.argv[1]) if len(sys.argv) > 1 else 0)
    sys.stdout.write('%d\n' % server.port)
    sys.stdout.flush()
    while sys.stdin.readline():
        pass


if __name__ == '__main__':
    main()
