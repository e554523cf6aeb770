# SPDX-License-Identifier: GPL-2.0
"""stack-depth: what it adds up, and when it fails."""

import pathlib
import subprocess
import tempfile
import unittest

SCRIPTS = pathlib.Path(__file__).resolve().parent.parent
# More functions than it takes to be believed, and three that call each other.
SOURCE = "".join(f"int other{number}(void) {{ return {number}; }}\n" for number in range(100)) + """
int user(char *room);
static __attribute__((noinline)) int inner(int size) { char room[1000]; return user(room) + size; }
static __attribute__((noinline)) int middle(int size) { char room[500]; return inner(user(room)) + size; }
int outer(int size); int outer(int size) { char room[100]; return middle(user(room)) + size; }
"""


class StackDepth(unittest.TestCase):
    """One object file, compiled like a module."""

    def run_on(self, source, *limit):
        """Compile, look, and return the exit status and what was said."""
        with tempfile.TemporaryDirectory() as directory:
            code, made = pathlib.Path(directory) / "in.c", pathlib.Path(directory) / "in.o"
            code.write_text(source)
            subprocess.run(["gcc", "-O2", "-c", "-o", made, code], check=True)
            done = subprocess.run([SCRIPTS / "stack-depth", made, *map(str, limit)],
                                  stdout=subprocess.PIPE, text=True, check=False)
        return done.returncode, done.stdout

    def test_adds_up(self):
        """Frames of callers and callees, from the outside in."""
        status, said = self.run_on(SOURCE)
        self.assertEqual(status, 0, said)
        needs = int(said.split("at most ")[1].split()[0])
        self.assertTrue(1600 < needs < 1900, said)
        names = [line.split()[2] for line in said.splitlines() if line.startswith("# ")]
        self.assertEqual(names, ["outer", "middle", "inner"])

    def test_too_deep(self):
        """More than there is."""
        status, said = self.run_on(SOURCE, 1600)
        self.assertEqual(status, 1)
        self.assertIn("not ok 1 ", said)

    def test_nothing_seen(self):
        """Code that it does not understand is not good."""
        self.assertEqual(self.run_on("int none(void) { return 0; }")[0], 1)
