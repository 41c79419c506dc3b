# The log: one event is one line, readable by programs, whatever the mail contains.
import re

from case import check, same
from instance import Instance
from mta import Message, Mta, ask

HOSTILE = (b'a\r\nNov 25 host leumundd[1]: 4FAKE: action=accept', b'a\nb', b'\x1b[2J\x1b]0;title\x07',
           bytes(range(1, 32)), b'\x7f\x80\xff\xfe',
           b'%s%n%x%%', b'x' * 60000, b'action=accept rule=none', b'"quoted" \\ back',
            b'\xe2\x80\xae\xe2\x80\xa8', b' ')


def decisions(milter, at_least):
    return milter.wait_log(r'\bid=[0-9a-z]{13} ', at_least=at_least)


def test_each_message_is_one_line_with_queue_id_first():
    with Instance() as milter, Mta(milter.socket) as mta:
        mta.open()
        for number in range(20):
            mta.message(Message(queue_id='4Q%03d' % number,
                                mail_from='x@%s.example' % ('own' if number % 2 else 'victim')))
        lines = decisions(milter, 20)
        same(len(lines), 20)
        for number, line in enumerate(lines):
            check(re.search(r'\b4Q%03d: id=\w{13} ' % number, line), 'queue id and decision id first: %r', line)
            check(('action=accept' in line) == bool(number % 2), 'action: %r', line)
            check('account=cp1001' in line and 'path=auth' in line and 'known_by=auth' in line, 'identity: %r', line)


def test_id_of_the_reply_is_that_of_the_line():
    with Instance() as milter:
        result = ask(milter.socket, mail_from='x@victim.example')
        found = re.search(r'\(id ([0-9a-z]{13})\)', result.reply.text)
        check(found, 'no id in %r', result.reply.text)
        line = milter.wait_log('id=' + found.group(1))[0]
        check('rule=envelope_owner' in line and 'code=SND20' in line and 'about=x@victim.example' in line, '%r', line)


def test_hostile_bytes_anywhere_are_one_printable_line():
    count = 0
    with Instance() as milter:
        for text in HOSTILE:
            for place in range(7):
                message = Message(queue_id='4Q')
                client = {'helo': 'h', 'name': 'n'}
                if place == 0:
                    message.mail_raw = b'<' + text + b'@victim.example>'
                elif place == 1:
                    message.rcpt_to = [b'<' + text + b'@remote.example>']
                elif place == 2:
                    message.headers[0] = (b'From', text)
                elif place == 3:
                    message.auth_user = text
                elif place == 4:
                    message.queue_id = text
                elif place == 5:
                    client = {'helo': text, 'name': text}
                else:
                    message.headers.insert(0, (text[:30000].replace(b"\0", b""), text[:30000]))
                with Mta(milter.socket) as mta:
                    mta.open(**client)
                    mta.message(message)
                count += 1
        decisions(milter, count)
        lines = [l for l in milter.log().split('\n') if l]
        same(len([l for l in lines if re.search(r'\bid=[0-9a-z]{13} ', l)]), count, 'lines of decisions')
        for line in lines:
            check(all(0x20 <= ord(c) <= 0x7e for c in line), 'not printable: %r', line[:200])
            check(len(line) < 2048, 'a line of %d bytes', len(line))
            if ' id=' in line:
                # date, time, program, queue id: four words, whatever the queue id was
                same(len(line.split(' id=')[0].split(' ')), 4, 'words before the id of %r' % line[:200])
            check(len(re.findall(r' action=', line.split(' id=')[-1])) <= 1, 'a forged key: %r', line[:300])
