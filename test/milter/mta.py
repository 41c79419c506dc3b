# The MTA's side of the milter protocol (versions 2 to 6) for tests: says what Postfix and sendmail
# would say, checks that every reply is due and allowed, and times each wait.
import select
import socket
import struct
import time

# Bits of the option negotiation, as libmilter's mfdef.h numbers them.
ACTIONS = 0x1FF
STEPS = 0x1FFFFF
NO_STEP = {'C': 0x1, 'H': 0x2, 'M': 0x4, 'R': 0x8, 'B': 0x10, 'L': 0x20, 'N': 0x40, 'U': 0x100, 'T': 0x200}
NO_REPLY = {'L': 0x80, 'C': 0x1000, 'H': 0x2000, 'M': 0x4000, 'R': 0x8000, 'T': 0x10000, 'U': 0x20000,
            'N': 0x40000, 'B': 0x80000}
STEP_SKIP, STEP_RCPT_REJ, STEP_LEADING_BLANK = 0x400, 0x800, 0x100000
ACTION_OF = {'h': 0x1, 'i': 0x1, 'b': 0x2, '+': 0x4, '2': 0x80, '-': 0x8, 'm': 0x10, 'q': 0x20, 'e': 0x40}
STAGE_OF = {0: 'C', 1: 'H', 2: 'M', 3: 'R', 4: 'T', 5: 'E', 6: 'N'}
FINAL = {'a': 'accept', 'c': 'continue', 'd': 'discard', 'r': 'reject', 't': 'tempfail', 'y': 'reply', 's': 'skip',
         '4': 'shutdown'}


class ProtocolError(Exception):
    """The milter closed, said what was not due, or used what was not negotiated."""


def raw(value):
    return value if isinstance(value, bytes) else value.encode('utf-8', 'surrogateescape')


def packet(command, data=b''):
    return struct.pack('>I', len(data) + 1) + command.encode('latin1') + raw(data)


def strings(*values):
    return b''.join(raw(v) + b'\0' for v in values)


class Reply:
    """One verdict: kind is accept, continue, discard, reject, tempfail or skip; text holds a reply's words."""

    def __init__(self, letter, data):
        self.letter = letter
        self.kind = FINAL[letter]
        self.packet = data
        self.code = self.dsn = self.text = ''
        if letter != 'y':
            return
        words = data.rstrip(b'\0').decode('latin1')
        self.kind = 'tempfail' if words[:1] == '4' else 'reject'
        # The MTA takes the text as a format: %% arrives at the client as %.
        self.code, self.dsn, self.text = (words.replace('%%', '%').split(' ', 2) + ['', ''])[:3]

    def __repr__(self):
        return ' '.join(filter(None, (self.kind, self.code, self.dsn, self.text)))


class Result:
    """What became of a message: verdict, the stage that gave it, each recipient's reply, changes, hold reason."""

    def __init__(self):
        self.verdict = 'accept'
        self.stage = 'end'
        self.reply = None
        self.rcpt = []
        self.replies = []  # to recipients
        self.changes = []
        self.hold = None
        self.awaited = 0

    def __repr__(self):
        return '%s at %s (%r) rcpt=%r changes=%r' % (self.verdict, self.stage, self.reply, self.rcpt, self.changes)


class Message:
    """A message as the MTA would hand it over. Headers are pairs; a value is what follows 'Name: '."""

    def __init__(self, mail_from='info@own.example', rcpt_to=('rcpt@remote.example',), headers=None, header_from=None,
                 auth_user='cp1001', auth_type='PLAIN', queue_id='4Tst', body=b'hello\r\n', macros=None):
        self.mail_from = b'<' + raw(mail_from) + b'>'
        self.mail_raw = None
        self.rcpt_to = [b'<' + raw(r) + b'>' for r in rcpt_to]
        self.auth_user, self.auth_type, self.queue_id, self.body = auth_user, auth_type, queue_id, body
        self.macros = dict(macros or {})
        if headers is None:
            headers = [('From', raw(header_from) if header_from is not None else self.mail_from)]
            headers += [('To', self.rcpt_to[0] if self.rcpt_to else 'x@remote.example'), ('Subject', 'test'),
                        ('Date', 'Mon, 01 Jan 2024 00:00:00 +0000'), ('Message-ID', '<1@own.example>')]
        self.headers = [(raw(n), raw(v)) for n, v in headers]

    def values(self):
        known = {'i': self.queue_id, '{mail_addr}': self.mail_from.strip(b'<>')}
        if self.auth_user:
            known.update({'{auth_type}': self.auth_type, '{auth_authen}': self.auth_user})
        known.update(self.macros)
        return known


class Mta:
    """One connection of an MTA to a milter; use as a context manager."""

    def __init__(self, path, timeout=20.0, version=6, actions=ACTIONS, steps=STEPS):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(timeout)
        self.socket.connect(path)
        self.offered = (version, actions, steps)
        self.out = bytearray()
        self.waits = []
        self.negotiated = False
        self.version = self.actions = self.steps = 0
        self.wanted = {}
        self.connection_macros = {'j': 'mx.example.net', '{daemon_name}': 'smtpd', 'v': 'Postfix 3.7.11'}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    # ---- packets

    def send(self, command, data=b''):
        self.out += packet(command, data)

    def flush(self):
        self.socket.sendall(self.out)
        self.out.clear()

    def receive(self):
        def exactly(n):
            got = b''
            while len(got) < n:
                piece = self.socket.recv(n - len(got))
                if not piece:
                    raise ProtocolError('the milter closed the connection')
                got += piece
            return got
        length, = struct.unpack('>I', exactly(4))
        if not 1 <= length <= 1 << 20:
            raise ProtocolError('packet of %d bytes from the milter' % length)
        data = exactly(length)
        return chr(data[0]), data[1:]

    def quiet(self):
        """Nothing may be waiting unread: a second reply to one command would shift all later ones."""
        waiting = select.poll()
        waiting.register(self.socket, select.POLLIN)
        if waiting.poll(0):
            raise ProtocolError('bytes from the milter when none were due')

    def await_reply(self, changes=None):
        start = time.monotonic()
        self.flush()
        while True:
            letter, data = self.receive()
            if letter == 'p':
                continue
            if letter in ACTION_OF:
                if changes is None or not self.actions & ACTION_OF[letter]:
                    raise ProtocolError('change %r that was not negotiated or not due' % letter)
                changes.append((letter, data))
                continue
            if letter not in FINAL:
                raise ProtocolError('unknown reply %r' % letter)
            self.waits.append(time.monotonic() - start)
            return Reply(letter, data)

    # ---- events

    def negotiate(self):
        version, actions, steps = self.offered
        self.send('O', struct.pack('>III', version, actions, steps))
        self.flush()
        letter, data = self.receive()
        if letter != 'O' or len(data) < 12:
            raise ProtocolError('bad answer %r to the negotiation' % letter)
        self.version, self.actions, self.steps = struct.unpack('>III', data[:12])
        # libmilter takes an offer of no steps for the set of version 1
        if self.actions & ~actions or self.steps & ~(steps or 0x3F) or self.version > version:
            raise ProtocolError('the milter took what was not offered')
        rest = data[12:]
        while len(rest) >= 4:
            stage, = struct.unpack('>I', rest[:4])
            names, _, rest = rest[4:].partition(b'\0')
            self.wanted[STAGE_OF[stage]] = names.decode().split()
        self.negotiated = True

    def macros(self, command, values):
        """As Postfix does it: only what the milter asked for, and even when the event itself is not wanted."""
        if command in self.wanted:
            values = {k: v for k,
                      v in values.items() if k in self.wanted[command] or k.strip('{}') in self.wanted[command]}
        if values:
            self.send('D', command.encode() + b''.join(strings(k, v) for k, v in values.items()))

    def event(self, command, data=b''):
        """Sends an event unless it was negotiated away; its Reply, or None when none is due."""
        if self.steps & NO_STEP.get(command, 0):
            return None
        self.send(command, data)
        if self.steps & NO_REPLY.get(command, 0):
            return None
        return self.await_reply()

    def open(self, client='192.0.2.1', port=25025, name='client.example.org', helo='client.example.org'):
        """Negotiation, connection and HELO. The first Reply that is not continue, or None."""
        if not self.negotiated:
            self.negotiate()
        self.macros('C', {'{client_addr}': client or '', '{client_name}': name, **self.connection_macros})
        if client is None:
            where = b'U'
        elif client.startswith('/'):
            where = b'L' + struct.pack('>H', 0) + strings(client)
        else:
            where = (b'6' if ':' in client else b'4') + struct.pack('>H', port)
            where += strings('IPv6:' + client if ':' in client else client)
        for command, data in (('C', strings(name) + where), ('H', strings(helo))):
            if command == 'H':
                self.macros('H', {})
            reply = self.event(command, data)
            if reply and reply.kind != 'continue':
                return reply
        return None

    def message(self, message):
        """One whole transaction; returns a Result. Afterwards the next message may follow."""
        self.quiet()
        result = Result()
        awaited = len(self.waits)
        try:
            self.envelope(message, result) and self.content(message, result)
        finally:
            result.awaited = len(self.waits) - awaited
        self.quiet()
        return result

    def ended(self, result, reply, stage):
        """True when this reply ends the message."""
        if reply is None or reply.kind in ('continue', 'skip'):
            return False
        result.verdict, result.stage, result.reply = reply.kind, stage, reply
        # After a refusal an MTA ends the transaction; after accept and discard the milter has forgotten it.
        if reply.kind in ('reject', 'tempfail'):
            self.send('A')
            self.flush()
        return True

    def envelope(self, message, result):
        values = message.values()
        self.macros('M', values)
        path = message.mail_from if message.mail_raw is None else message.mail_raw
        if self.ended(result, self.event('M', strings(path)), 'mail'):
            return False
        for rcpt in message.rcpt_to:
            self.macros('R', {'{rcpt_addr}': rcpt.strip(b'<>'), '{rcpt_mailer}': 'smtp', 'i': message.queue_id})
            reply = self.event('R', strings(rcpt))
            result.rcpt.append(reply.kind if reply else 'continue')
            result.replies.append(reply)
            if reply and reply.kind in ('reject', 'tempfail'):
                result.reply = reply
            elif self.ended(result, reply, 'rcpt'):
                return False
        if message.rcpt_to and all(k in ('reject', 'tempfail') for k in result.rcpt):
            self.ended(result, result.reply, 'rcpt')
            return False
        self.macros('T', {'i': message.queue_id})
        return not self.ended(result, self.event('T'), 'data')

    def content(self, message, result):
        lead = b' ' if self.steps & STEP_LEADING_BLANK else b''
        for name, value in message.headers:
            if self.ended(result, self.event('L', strings(name, lead + value)), 'header'):
                return
        self.macros('N', {'i': message.queue_id})
        if self.ended(result, self.event('N'), 'eoh'):
            return
        for at in range(0, len(message.body), 65535):
            reply = self.event('B', message.body[at:at + 65535])
            if reply and reply.kind == 'skip':
                break
            if self.ended(result, reply, 'body'):
                return
        # Postfix says another {daemon_name} from here on: its own host name.
        self.macros('E', {'i': message.queue_id, '{daemon_name}': 'mx.example.net'})
        self.send('E')
        reply = self.await_reply(result.changes)
        result.hold = next((d.rstrip(b'\0').decode('latin1') for c, d in result.changes if c == 'q'), None)
        if not self.ended(result, reply, 'end') or reply.kind == 'accept':
            result.verdict, result.reply = ('hold' if result.hold is not None else 'accept'), reply

    def abort(self):
        self.send('A')
        self.flush()

    def close(self):
        try:
            self.send('Q')
            self.flush()
        except OSError:
            pass
        self.socket.close()


def ask(path, message=None, client='192.0.2.1', port=25025, timeout=20.0, **fields):
    """One message over a connection of its own."""
    with Mta(path, timeout) as mta:
        reply = mta.open(client, port)
        if reply:
            result = Result()
            result.verdict, result.stage, result.reply = reply.kind, 'connect', reply
            return result
        return mta.message(message or Message(**fields))
