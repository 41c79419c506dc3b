# A client for the Exim line protocol (common/exim/exim.h): one connection, one line, one answer,
# with values quoted as Exim's ${quote:} does it.
import base64
import re
import socket


def quote(value):
    """Exim's ${quote:}: bare when it is made of letters, digits, dot, hyphen, underscore alone."""
    if re.fullmatch(r'[A-Za-z0-9._-]+', value):
        return value
    for char, written in (('\\', '\\\\'), ('"', '\\"'), ('\n', '\\n'), ('\r', '\\r')):
        value = value.replace(char, written)
    return '"' + value + '"'


def encode(data):
    return base64.b64encode(data if isinstance(data, bytes) else data.encode('utf-8', 'surrogateescape')).decode()


def line(verb, **keys):
    """A request line. `headers`, `recipients` and `body` are given as text and go as base64."""
    words = [verb]
    for key, value in keys.items():
        words.append(key + '=' + (encode(value) if key in ('headers', 'recipients', 'body') else quote(str(value))))
    return ' '.join(words).encode('utf-8', 'surrogateescape') + b'\n'


def talk(path, data, timeout=20.0, shut=False, pieces=None, pause=None):
    """Sends bytes (all at once, or in `pieces`), returns the bytes of the answer until the daemon closes."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as s:
        s.settimeout(timeout)
        s.connect(path)
        answer = b''
        try:
            for at in range(0, len(data), pieces or len(data) or 1):
                s.sendall(data[at:at + pieces] if pieces else data)
                if pause:
                    pause()
            if shut:
                s.shutdown(socket.SHUT_WR)
        except (BrokenPipeError, ConnectionResetError):
            pass
        while True:
            try:
                got = s.recv(65536)
            except ConnectionResetError:
                return answer
            if not got:
                return answer
            answer += got
            # Exim's ${readsocket} reads to the end of file, but a daemon may leave closing to the client.
            if answer.endswith(b'\n'):
                return answer


def ask(path, verb, timeout=20.0, **keys):
    return talk(path, line(verb, **keys), timeout).decode('latin1').rstrip('\n')


def changes(answer):
    """What an answer to header_changes=1 says: verdict, names of fields to be removed, lines to be added, the rest."""
    verdict, word, names, lines, *rest = answer.split(' ', 4) + [''] * 3
    if word != 'header':
        return answer, [], [], ''
    lines = base64.b64decode(lines, validate=True).decode('latin1')
    return verdict, [] if names == '-' else names.split(':'), re.findall(r'(?m)^\S.*(?:\n[ \t].*)*', lines), ' '.join(rest).strip()
