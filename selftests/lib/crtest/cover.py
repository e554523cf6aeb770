# SPDX-License-Identifier: GPL-2.0
"""How much of the module's code was reached, by kcov."""

import bisect
import pathlib
import struct
import subprocess
import sys
from collections import Counter

TOP = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(TOP / "scripts/lib"))
import elf  # noqa: E402

KCOV = pathlib.Path("/sys/kernel/debug/kcov")
HANDLE = pathlib.Path("/sys/module/cr/parameters/kcov_handle")
TEXT = pathlib.Path("/sys/module/cr/sections/.text")
STT_FUNC = 2
# From the call that a relocation is in to the address that kcov sees.
RETURN = 4
# What does nothing but jump is no code; nor is what KASAN has put there for itself.
JUMPS = (0xEB, 0xE9)
KASAN_BLOCK = 64


def available():
    """Whether this kernel and the module in it can tell."""
    return KCOV.exists() and HANDLE.exists()


class Coverage:
    """The points of the module, by function."""

    def __init__(self, module=TOP / "build/debug/cr.ko"):
        image = elf.Elf(module.read_bytes())
        text = next(n for n, s in enumerate(image.sections) if s.name == ".text")
        trace = image.undefined_symbols()["__sanitizer_cov_trace_pc"]
        functions = sorted(
            (value, elf.string_at(image.strtab.data, name))
            for name, info, _, section, value, _ in elf.SYMBOL.iter_unpack(bytes(image.symtab.data))
            if section == text and info & 15 == STT_FUNC)
        starts = [start for start, _ in functions]
        calls = sorted((relocation.offset, relocation.symbol)
                       for relocation in image.section(".rela.text").relocations())
        reports = {index for name, index in image.undefined_symbols().items()
                   if name.startswith("__asan_report")}
        code = image.sections[text].data
        self.function = {}
        own = set()
        # From the end: KASAN looks closer, and then reports.
        for (offset, symbol), (after, callee) in reversed(list(zip(calls, calls[1:] + [(0, 0)]))):
            if symbol != trace:
                continue
            if callee in reports or after in own and after - offset < KASAN_BLOCK:
                own.add(offset)
            elif code[offset + RETURN] not in JUMPS:
                place = bisect.bisect(starts, offset) - 1
                self.function[offset + RETURN] = functions[place][1]
        self.base = int(TEXT.read_text(), 16)
        self.reached = set()

    def read(self, path):
        """Add the addresses in a file, which are all of the module."""
        found = {pc - self.base for (pc,) in struct.iter_unpack("<Q", pathlib.Path(path).read_bytes())}
        self.reached |= found & self.function.keys()

    def entered(self):
        """Points reached and points there are, of every function that was entered."""
        reached = Counter(self.function[point] for point in self.reached)
        points = Counter(self.function.values())
        return {name: (reached[name], points[name]) for name in reached}

    def summary(self):
        """One line."""
        entered = self.entered()
        reached, points = (sum(column) for column in zip(*entered.values())) if entered else (0, 1)
        return (f"{reached} of {points} points ({100 * reached // points} %) in the {len(entered)} functions "
                f"that a restart enters; the module has {len(self.function)} points "
                f"in {len(set(self.function.values()))} functions")

    def table(self):
        """A line for each function that was entered, those with most left to reach first."""
        entered = sorted(self.entered().items(), key=lambda item: item[1][0] - item[1][1])
        names = subprocess.run(["c++filt"], input="\n".join(name for name, _ in entered), text=True,
                               capture_output=True, check=True).stdout.splitlines()
        return [f"{reached:5} of {points:5}  {name}"
                for name, (_, (reached, points)) in zip(names, entered)]
