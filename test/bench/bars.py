# How benchmarks say what they found, and which bars are missed.
missed = []


def bar(name, found, limit, form='%.2f', least=False):
    """`found` must not be above `limit`; with `least`, not below it."""
    good = found >= limit if least else found <= limit
    word = ('at least' if least else 'within') if good else 'MISSED'
    print('  %-58s %10s  %s %s' % (name, form % found, word, form % limit), flush=True)
    if not good:
        missed.append(name)


def figure(name, words):
    print('  %-58s %s' % (name, words), flush=True)
