#!/usr/bin/env python3
"""Makes a table for test_spf_suite.c of a test suite of openspf.org (YAML, as in Debian's source package pyspf).

    from_yaml.py rfc7208-tests.yml LICENCE-FILE >rfc7208.tsv
"""
import sys
import yaml


def escape(text):
    out = ''
    for octet in text.encode('utf-8'):
        plain = 0x20 <= octet < 0x7f and octet != 0x5c
        out += chr(octet) if plain else '\\x%02x' % octet
    return out


def joined(value):
    return ''.join(value) if isinstance(value, list) else value


def records(entries):
    """(type, data) of one name. What is published as SPF is published as TXT too, unless the suite gives a TXT."""
    pairs = [('TIMEOUT', '') if entry == 'TIMEOUT' else next(iter(entry.items())) for entry in entries]
    has_txt = any(kind == 'TXT' for kind, _ in pairs)
    for kind, value in pairs:
        if kind == 'SPF' and not has_txt:
            kind = 'TXT'
        if kind == 'SPF' or value == 'NONE':
            continue
        yield kind, '%d %s' % tuple(value) if kind == 'MX' else joined(value)


def words(value):
    return value if isinstance(value, list) else [value]


def main():
    path, licence = sys.argv[1:]
    print('# %s of openspf.org, made by from_yaml.py; licence: %s' % (path.rsplit('/', 1)[-1], licence))
    print('# scenario NAME | rr NAME TYPE DATA | case ID IP HELO MAIL-FROM RESULT[/RESULT] [EXPLANATION]')
    print('# Separated by tabs; an octet that is not printable ASCII, and the backslash, is \\xNN.')
    with open(path, encoding='utf-8') as file:
        for scenario in yaml.safe_load_all(file):
            if not scenario:
                continue
            print('scenario\t' + escape(scenario['description']))
            for name, entries in scenario['zonedata'].items():
                for kind, data in records(entries):
                    print('\t'.join(['rr', escape(name), kind, escape(data)]))
            for name, case in scenario['tests'].items():
                fields = ['case', name, str(case['host']), case['helo'], case['mailfrom'],
                          '/'.join(words(case['result']))]
                if 'explanation' in case:
                    fields.append(case['explanation'])
                print('\t'.join([fields[0]] + [escape(field) for field in fields[1:]]))


main()
