"""klp-link: what it makes, and above all what it refuses."""

import pathlib
import subprocess
import tempfile
import unittest

SCRIPTS = pathlib.Path(__file__).resolve().parent.parent
SOURCE = """
int kernel_clone(void); int kfree(void); extern int tasklist_lock;
int probe(void); int probe(void) { return kfree() + kernel_clone() + tasklist_lock; }
__attribute__((section(".modinfo"))) const char info[] = "license=GPL";
"""
POINTER = SOURCE + "int (*pointer)(void) = kernel_clone;\n"
KALLSYMS = """\
ffffffff81000000 T _stext
ffffffff81000100 T kernel_clone
ffffffff81000200 t twice
ffffffff81000300 t twice
ffffffff81000400 t hidden
ffffffff81100000 T _etext
ffffffff82000000 D tasklist_lock
ffffffffc0000000 t kernel_clone [module]
"""
LIST = "# comment\nkernel_clone  creates tasks\ntasklist_lock  protects them # really\n"


class KlpLink(unittest.TestCase):
    """One object file, compiled like a module, with lists good and bad."""

    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.dir = pathlib.Path(directory.name)

    def link(self, names=LIST, source=SOURCE, kallsyms=KALLSYMS):
        """Compile, link, and return the exit status and what was said."""
        for name, text in (("in.c", source), ("list", names), ("kallsyms", kallsyms),
                           ("symvers", "0x00000000\tkfree\tvmlinux\tEXPORT_SYMBOL\t\n")):
            (self.dir / name).write_text(text)
        subprocess.run(["gcc", "-c", "-O2", "-fno-pic", "-mcmodel=kernel", "-o", self.dir / "in.ko",
                        self.dir / "in.c"], check=True)
        done = subprocess.run(
            [SCRIPTS / "klp-link", "link", self.dir / "in.ko", self.dir / "out.ko",
             "--list", self.dir / "list", "--symvers", self.dir / "symvers",
             "--kallsyms", self.dir / "kallsyms"],
            stderr=subprocess.PIPE, text=True, check=False)
        return done.returncode, done.stderr

    def readelf(self, *options):
        """What binutils make of the result."""
        return subprocess.run(["readelf", "-W", *options, self.dir / "out.ko"], check=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True).stdout

    def refused(self, complaint, **kwargs):
        """It must fail with a line that says why."""
        status, text = self.link(**kwargs)
        self.assertEqual(status, 1, text)
        self.assertIn(complaint, text)

    def test_links(self):
        self.assertEqual(self.link(), (0, ""))
        symbols = self.readelf("-s")
        self.assertRegex(symbols, r"OS \[0xff20\] \.klp\.sym\.vmlinux\.kernel_clone,0")
        self.assertRegex(symbols, r"OS \[0xff20\] \.klp\.sym\.vmlinux\.tasklist_lock,0")
        self.assertRegex(symbols, r"UND kfree")
        self.assertRegex(self.readelf("-S"), r"\.klp\.rela\.vmlinux\.\.text +RELA .* AIo ")
        self.assertNotIn("Warning", self.readelf("-a"))
        self.assertIn("livepatch=Y", self.readelf("-p", ".modinfo"))

    def test_every_relocation_is_kept_once(self):
        self.link()
        relocations = self.readelf("-r")
        for name in ("kernel_clone,0", "tasklist_lock,0", " kfree"):
            self.assertEqual(relocations.count(name), 1, name)

    def test_neither_exported_nor_listed(self):
        self.refused("tasklist_lock: neither exported nor listed", names="kernel_clone  x\n")

    def test_listed_but_exported(self):
        self.refused("kfree: is exported", names=LIST + "kfree  x\n")

    def test_listed_but_not_used(self):
        self.refused("hidden: is not used", names=LIST + "hidden  x\n")

    def test_listed_twice(self):
        self.refused("kernel_clone is listed twice", names=LIST + "kernel_clone  x\n")

    def test_no_reason(self):
        self.refused("kernel_clone has no reason", names="kernel_clone\n")

    def test_not_in_the_kernel(self):
        self.refused("tasklist_lock: this kernel has no such symbol",
                     kallsyms=KALLSYMS.replace("tasklist_lock", "other"))

    def test_not_unique(self):
        self.refused("twice: 2 symbols", names=LIST.replace("kernel_clone", "twice"),
                     source=SOURCE.replace("kernel_clone", "twice"))

    def test_static(self):
        self.refused("hidden: is static", names=LIST.replace("kernel_clone", "hidden"),
                     source=SOURCE.replace("kernel_clone", "hidden"))

    def test_address_taken(self):
        self.refused("kernel_clone: its address is taken", source=POINTER)

    def test_address_may_be_taken(self):
        self.assertEqual(self.link(names=LIST.replace("kernel", "&kernel"), source=POINTER),
                         (0, ""))

    def test_static_by_address(self):
        self.assertEqual(self.link(names=LIST.replace("kernel_clone", "&hidden"),
                                   source=POINTER.replace("kernel_clone", "hidden")), (0, ""))

    def test_symvers(self):
        (self.dir / "list").write_text(LIST)
        text = subprocess.run([SCRIPTS / "klp-link", "symvers", "--list", self.dir / "list"],
                              check=True, stdout=subprocess.PIPE, text=True).stdout
        self.assertEqual(text.splitlines()[0],
                         "0x00000000\tkernel_clone\tvmlinux\tEXPORT_SYMBOL_GPL\t")
        self.assertEqual(len(text.splitlines()), 2)


if __name__ == "__main__":
    unittest.main()
