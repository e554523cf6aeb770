# SPDX-License-Identifier: GPL-2.0
"""The program that changes its memory when it is told to, and knows what should be in it."""

import os
import pathlib
import signal
import subprocess

from . import runtime

PROGRAM = pathlib.Path(__file__).resolve().parent.parent.parent.parent / "build/selftests/changes"
# The change that makes a child.
CHILD = 3


def crctl(*argv, **kwargs):
    """Run crctl; returns its exit status and what it said on standard error."""
    done = subprocess.run(["crctl", *map(str, argv)], text=True, stderr=subprocess.PIPE,
                          timeout=runtime.TIMEOUT, check=False,
                          **{"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, **kwargs})
    return done.returncode, done.stderr.strip()


class Program:
    """The program, which runs or is restarted."""

    def __init__(self, scratch):
        self.scratch, self.backend = scratch, runtime.Crctl()
        self.pid = self.backend.start([str(PROGRAM), str(scratch)], scratch / "output")
        self.tell("parent", 0)

    def tell(self, name, number, meanwhile=lambda: None):
        """Have it make a change, or look at all pages; returns what it says."""
        go, done = self.scratch / f"go-{name}", self.scratch / f"done-{name}"
        done.unlink(missing_ok=True)
        new = self.scratch / "number"
        new.write_text(f"{number}\n", encoding="ascii")
        new.rename(go)
        meanwhile()
        if not runtime.wait_until(done.exists, 60):
            return f"{name} does not answer"
        return done.read_text(encoding="ascii").strip()

    def look(self, last, child=False):
        """What is wrong after the last change."""
        wrong = []
        for name in ["parent", "child"][:1 + child]:
            expected = f"0 {CHILD if name == 'child' else last} nothing"
            said = self.tell(name, 0)
            if said != expected:
                wrong.append(f"{name}: {said!r} instead of {expected!r}")
        return wrong

    def end(self):
        """Kill it."""
        os.kill(self.pid, signal.SIGKILL)
        runtime.reap(self.pid)

    def restart(self, image, *options):
        """Bring it back."""
        self.pid = self.backend.restart(image, self.scratch / "output", *options)
