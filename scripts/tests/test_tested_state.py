# SPDX-License-Identifier: GPL-2.0
"""What scripts/tested-state makes of the lists, and of the results of tests."""

import importlib.machinery
import importlib.util
import pathlib
import tempfile
import unittest

PATH = pathlib.Path(__file__).resolve().parent.parent / "tested-state"
LOADER = importlib.machinery.SourceFileLoader("tested_state", str(PATH))
tested = importlib.util.module_from_spec(importlib.util.spec_from_loader("tested_state", LOADER))
LOADER.exec_module(tested)

LOG = """KTAP version 1
    ok child: parent
    ok pid of init
ok 1 tree, twice: 2 checks, 1.0 s
not ok 2 regs, twice: 0 checks, 1.0 s
    # refused: crctl: checkpoint: pid 2 (x): is traced, which is not supported yet
ok 3 refuse_tasks:traced, kill (refused): 0 checks, 1.0 s
    # saved
ok 4 refuse_tasks:vfork, kill (saved): 1 checks, 1.0 s
ok 5 refuse_processor:amx, kill # SKIP not possible here
"""


class List(unittest.TestCase):
    """Lines of the list."""

    def test_item(self):
        item = tested.Item("", 'saved | Parents | tree ": parent", tree "pid of init"')
        self.assertEqual([test.check for test in item.tests], [": parent", "pid of init"])
        self.assertEqual([test.wrong() for test in item.tests], ["", ""])

    def test_bad_items(self):
        for line in ("saved | Parents", "saved | Parents | ", "lost | Parents | tree",
                     "refused | Tracing | refuse_tasks:traced"):
            with self.assertRaises(ValueError, msg=line):
                tested.Item("", line)

    def test_missing_tests(self):
        for test in ('nothing "x"', 'tree "no such check"', "refuse_tasks:no-such", "tree",
                     'robust/no-such "x"'):
            self.assertTrue(tested.Test(test).wrong(), test)
        for test in ('tree ": parent"', 'tree "session leader: session"', "refuse_tasks:keyring"):
            self.assertFalse(tested.Test(test).wrong(), test)

    def test_the_lists(self):
        self.assertEqual(tested.static(tested.read_lists()), [])

    def test_what_is_missing(self):
        tables = tested.read_lists()
        for table in tables:
            table.items = []
        wrong = tested.static(tables)
        self.assertIn("tasks.list: refuse_tasks:net is the test of no item", wrong)
        self.assertTrue([line for line in wrong if "no item is refused as: has a shadow stack" in line])


class Results(unittest.TestCase):
    """What tests have printed."""

    def outcome(self, line):
        """What is wrong with the item of a line."""
        with tempfile.TemporaryDirectory() as directory:
            (pathlib.Path(directory) / "state-twice.log").write_text(LOG)
            item = tested.Item("", line)
            return tested.outcome_of(item, item.tests[0], tested.read_results(pathlib.Path(directory)))

    def test_good(self):
        self.assertEqual(self.outcome('saved | a | tree ": parent"'), "")
        self.assertEqual(self.outcome("refused | a | refuse_tasks:traced | is traced"), "")
        self.assertEqual(self.outcome("saved | a | refuse_tasks:vfork"), "")
        self.assertIsNone(self.outcome("refused | a | refuse_processor:amx | AMX"))

    def test_wrong(self):
        for line in ('saved | a | tree "group"', 'saved | a | regs "fs base"',
                     "refused | a | refuse_tasks:traced | other words", "saved | a | refuse_tasks:traced",
                     "refused | a | refuse_tasks:vfork | vfork", 'saved | a | threads "x"'):
            self.assertTrue(self.outcome(line), line)


if __name__ == "__main__":
    unittest.main()
