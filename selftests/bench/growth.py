# SPDX-License-Identifier: GPL-2.0
"""How time grows with the number of tasks, and with memory: measured, fitted, drawn."""

import math
import os
import pathlib
import signal
import tempfile
import time

from crtest import runtime

import plot
import tools

# By what there are many of: how many.
SIZES = {"processes": (50, 200, 500, 1000, 2000), "threads": (100, 1000, 3000, 10000),
         "megabytes": (32, 64, 128, 256, 512)}
MEASURED = ("frozen", "restart")
# A tool that would need longer than this for a size, by what it needed for the last one, s.
TOO_LONG = 150
# Time grows like this power of the number, at most, if it is called linear.
LINEAR = 1.15


def sample(kind, size, tool_class):
    """One tool, one size; returns what it measured, us, and how long all of that took, s."""
    load = tools.Load(**{kind: size})
    begin = time.monotonic()
    with tempfile.TemporaryDirectory() as directory:
        tool = None
        try:
            tool = tool_class(pathlib.Path(directory), load)
            # The first one warms the caches.
            tool.dump(False)
            found = tool.dump(False)
            tool.dump(True)
            tool.gone()
            found.update(tool.restore())
            tool.check()
            tool.end()
        except BaseException:
            for pid in [tool.pid, *tool.members()] if tool and tool.pid else ():
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            raise
    return {what: found[what] for what in MEASURED}, time.monotonic() - begin


def measure(note, most=None):
    """All sizes up to the most; returns kind, tool, size, and what was measured, us; and why not."""
    samples, missing = [], []
    for kind, sizes in SIZES.items():
        for tool_class in (tools.Cr, tools.Criu):
            name, last = tool_class.name, None
            for size in (size for size in sizes if not most or size <= most):
                # Nobody is expected to be worse than quadratic.
                if last and last[1] * (size / last[0]) ** 2 > TOO_LONG and name != "cr":
                    missing.append(f"{name}, {size:,} {kind}: would take too long")
                    break
                try:
                    found, took = sample(kind, size, tool_class)
                except (tools.Wrong, runtime.Failed, OSError, ValueError, KeyError) as err:
                    missing.append(f"{name}, {size:,} {kind}: {str(err).strip().splitlines()[0]}")
                    break
                last = size, took
                samples.append((kind, name, size, found))
                note(f"{name}, {size:,} {kind}: {took:.0f} s")
    return samples, missing


def exponent(points):
    """The power of the number that the time grows with, by least squares of the logarithms."""
    logs = [(math.log(size), math.log(us)) for size, us in points]
    mean_x, mean_y = (sum(column) / len(logs) for column in zip(*logs))
    square = sum((x - mean_x) ** 2 for x, _ in logs)
    return sum((x - mean_x) * (y - mean_y) for x, y in logs) / square if square else 1.0


def curves(samples):
    """Points (number, us) by (kind, what, tool)."""
    found = {}
    for kind, name, size, values in samples:
        for what, us in values.items():
            found.setdefault((kind, what, name), []).append((size, us))
    return found


def table(found, missing):
    """What people read; returns the verdicts for the JSON."""
    verdicts = []
    for kind in SIZES:
        for what in MEASURED:
            shown = {name: dict(found.get((kind, what, name), ())) for name in ("cr", "criu")}
            print(f"\n{what + ', ms':<16}{kind:>10}{'cr':>12}{'each, us':>12}{'criu':>12}{'criu/cr':>10}")
            for size, us in shown["cr"].items():
                criu = shown["criu"].get(size)
                print(f"{'':<16}{size:>10,}{us / 1e3:>12,.1f}{us / size:>12.0f}"
                      + (f"{criu / 1e3:>12,.1f}{criu / us:>10.1f}" if criu else f"{'-':>12}{'-':>10}"))
    print()
    for (kind, what, name), points in found.items():
        if len(points) < 2:
            continue
        # What each takes besides hides growth among the fewest.
        power = max(exponent(points), exponent(points[-2:]))
        (few, least), (most, longest) = points[0], points[-1]
        each = (longest / most) / (least / few)
        verdicts.append({"kind": kind, "what": what, "tool": name, "power": power, "each": each,
                         "linear": power <= LINEAR})
        print(f"{'linear' if power <= LINEAR else 'NOT LINEAR':<12}{name}, {what} of {kind}: grows with "
              f"the power {power:.2f} of their number; each takes {each:.2f} times as long with "
              f"{most:,} as with {few:,}")
    for words in missing:
        print(f"missing     {words}")
    return verdicts


def run(path, note, most):
    """All of it; the picture goes to a file. Returns what belongs in the JSON."""
    samples, missing = measure(note, most)
    found = curves(samples)
    verdicts = table(found, missing)
    path.parent.mkdir(parents=True, exist_ok=True)
    panels = [(f"{what}, {kind}", {name: found[kind, what, name] for name in ("cr", "criu")
                                   if (kind, what, name) in found})
              for kind in SIZES for what in MEASURED]
    path.write_text(plot.svg(panels), encoding="utf-8")
    print(f"\ndrawn: {path}")
    return {"samples": [dict(values, kind=kind, tool=name, number=size)
                        for kind, name, size, values in samples],
            "missing": missing, "verdicts": verdicts}
