# How tests are written: functions named test_BEHAVIOUR in files test_*.py. A test that returns passes,
# Skip("reason") is seen in the count, everything else that it raises is a failure.
import inspect
import os
import sys
import time
import traceback


class Skip(Exception):
    """Something outside the project that this test needs is not there."""


def check(condition, words, *arguments):
    if not condition:
        raise AssertionError(words % arguments if arguments else words)


def same(found, expected, about=''):
    if found != expected:
        raise AssertionError('%sexpected %r, found %r' % (about and about + ': ', expected, found))


def note(words, *arguments):
    """A figure worth keeping: shown below the test's line."""
    print('#   ' + (words % arguments if arguments else words), flush=True)


def tests_of(module):
    """In the order in which they stand in the file."""
    found = [f for n, f in vars(module).items() if n.startswith('test_') and callable(f)]
    return sorted(found, key=lambda f: inspect.unwrap(f).__code__.co_firstlineno)


def run(modules, words):
    """Runs all tests whose name holds one of `words` (all when there are none); the exit status."""
    count = {'ok': 0, 'not ok': 0, 'skip': 0}
    for module in modules:
        for test in tests_of(module):
            name = module.__name__[len('test_'):] + ': ' + test.__name__[len('test_'):].replace('_', ' ')
            if words and not any(w in name or w in module.__name__ or w in test.__name__ for w in words):
                continue
            start = time.monotonic()
            try:
                test()
                outcome, more = 'ok', ''
            except Skip as skip:
                outcome, more = 'skip', ' ' + str(skip)
            except KeyboardInterrupt:
                raise
            except BaseException as wrong:
                outcome, more = 'not ok', ''
                at = [f for f in traceback.extract_tb(wrong.__traceback__) if 'test_' in os.path.basename(f.filename)]
                where = '%s:%d: ' % (os.path.basename(at[-1].filename), at[-1].lineno) if at else ''
                words_of = '%s%s: %s' % (where, type(wrong).__name__, wrong)
                more = ''.join('\n#   ' + l for l in words_of.split('\n'))
                if os.environ.get('V') == '1':
                    more += ''.join('\n#   ' + l for l in traceback.format_exc().split('\n'))
            count[outcome] += 1
            took = time.monotonic() - start
            print('%s %s%s%s' % (outcome, name, more, ' (%.1f s)' % took if took > 5 and outcome == 'ok' else ''),
                  flush=True)
    print('%d ok, %d not ok, %d skipped' % (count['ok'], count['not ok'], count['skip']))
    return 1 if count['not ok'] else 0


def main(directory, arguments):
    import importlib
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    sys.path.insert(0, directory)
    names = sorted(f[:-3] for f in os.listdir(directory) if f.startswith('test_') and f.endswith('.py'))
    return run([importlib.import_module(n) for n in names], arguments)
