#!/usr/bin/python3
# What bench_spf.c does, with pyspf (Debian's python3-spf, which is there for the system's Python only). "warm": all
# answers are at hand in a dict.
# usage: bench_pyspf.py warm|cold COUNT    prints evaluations a second and their CPU in microseconds
import sys
import time

import spf


def cached(look_up):
    answers = {}

    def look(name, kind, *arguments, **more):
        if (name, kind) not in answers:
            answers[name, kind] = look_up(name, kind, *arguments, **more)
        return answers[name, kind]
    return look


def evaluate(number):
    result = spf.check2(i='192.0.2.1', s='user@%d.sender.test' % number, h='mail.sender.test')
    if result[0] != 'pass':
        sys.exit('bench_pyspf: %r' % (result,))


def main(way, count):
    if way == 'warm':
        spf.DNSLookup = cached(spf.DNSLookup)
    evaluate(0)
    wall, cpu = time.monotonic(), time.process_time()
    for number in range(count):
        evaluate(number if way == 'cold' else 0)
    wall, cpu = time.monotonic() - wall, time.process_time() - cpu
    print('%.0f %.2f' % (count / wall, cpu * 1e6 / count))


main(sys.argv[1], int(sys.argv[2]))
