# SPDX-License-Identifier: GPL-2.0
"""Test results in KTAP, as selftests/lib/ktap.sh writes them."""

import json
import sys


class Ktap:
    """Counts results and prints them as they come."""

    def __init__(self):
        self.count = self.failed = 0
        print("KTAP version 1", flush=True)

    def result(self, good, what, details=()):
        """One result; details follow it as comments when it is bad."""
        self.count += 1
        self.failed += not good
        print(f"{'ok' if good else 'not ok'} {self.count} {what}", flush=True)
        if not good:
            self.diag(*details)
        return good

    def skip(self, what, reason):
        """A test that could not be made."""
        self.count += 1
        print(f"ok {self.count} {what} # SKIP {reason}", flush=True)

    @staticmethod
    def part(line):
        """Something that the next result consists of."""
        print(f"    {line}", flush=True)

    @staticmethod
    def diag(*lines):
        """For people who read the log."""
        for line in lines:
            for part in str(line).splitlines():
                print(f"# {part}", flush=True)

    def figure(self, name, value):
        """Something that was counted, for a summary of many tests."""
        self.diag(f"figure {name}={json.dumps(value)}")

    def end(self):
        """The plan; ends the program."""
        print(f"1..{self.count}", flush=True)
        sys.exit(self.failed != 0)
