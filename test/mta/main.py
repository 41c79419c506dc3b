"""Runs the tests on the real MTAs and prints `ok NAME`, `not ok NAME` or `skip NAME reason`, then a count.

main.py [MTA...] [-k PART-OF-A-NAME]; status 0 when nothing failed; what cannot be run here is skipped, visibly.
"""
import argparse
import os
import sys
import threading
import time

import box
import mta_test
import mtas

sys.dont_write_bytecode = True


class Report:
    def __init__(self):
        self.counts = {"ok": 0, "not ok": 0, "skip": 0}
        self.lock = threading.Lock()

    def __call__(self, state, name, text):
        with self.lock:
            self.counts[state] += 1
            print(state, name, text if state == "skip" else "", flush=True)
            if state == "not ok":
                print("".join("    " + line + "\n" for line in text.splitlines()), end="", flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("mta", nargs="*", help=", ".join(mta.name for mta in mtas.ALL))
    parser.add_argument("-k", default="", help="only tests whose names contain this")
    parser.add_argument("-1", dest="single", action="store_true", help="one MTA after the other")
    wanted = parser.parse_args()
    chosen = [mta for mta in mtas.ALL if not wanted.mta or mta.name in wanted.mta]
    report, begin = Report(), time.monotonic()
    reason = box.why_not()
    if reason:
        for mta in chosen:
            report("skip", mta.name, reason)
        print("0 tests on real MTAs passed, all skipped: " + reason)
        return 0
    for program in ("leumundd", "leumund"):
        if not os.access(box.build_dir() / program, os.X_OK):
            print("no %s: run make first" % (box.build_dir() / program), file=sys.stderr)
            return 1

    def run(mta):
        try:
            mta_test.run_mta(mta, report, wanted.k)
        except Exception as error:  # the other MTAs go on
            report("not ok", mta.name + ": box", "%s: %s" % (type(error).__name__, error))

    threads = [threading.Thread(target=run, args=(mta,)) for mta in chosen]
    for thread in threads:
        thread.start()
        if wanted.single:
            thread.join()
    for thread in threads:
        thread.join()
    print("%(ok)d tests on real MTAs passed, %(not ok)d failed, %(skip)d skipped" % report.counts,
          "(%d s)" % (time.monotonic() - begin))
    return 1 if report.counts["not ok"] else 0


if __name__ == "__main__":
    sys.exit(main())
