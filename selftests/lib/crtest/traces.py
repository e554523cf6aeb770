# SPDX-License-Identifier: GPL-2.0
"""What a failure must not leave behind: tasks, mounts, cgroups, files."""

import os
import pathlib

from . import runtime


def user_tasks():
    """Processes that are not the kernel's."""
    found = set()
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            os.readlink(f"/proc/{entry}/exe")
            found.add((int(entry), pathlib.Path(f"/proc/{entry}/comm").read_text(errors="replace").strip()))
        except OSError:
            # A kernel thread, or a zombie, or gone.
            continue
    return found


def cgroups():
    """All cgroups."""
    return {directory for directory, _, _ in os.walk("/sys/fs/cgroup")}


def mounts():
    """What is mounted here."""
    return set(pathlib.Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines())


def describe(pid):
    """What a task that should not be there does."""
    parts = []
    for tid in os.listdir(f"/proc/{pid}/task"):
        for name in ("status", "stack"):
            try:
                text = pathlib.Path(f"/proc/{pid}/task/{tid}/{name}").read_text(errors="replace")
            except OSError as err:
                text = str(err)
            if name == "status":
                wanted = ("State", "NSpid", "SigPnd", "ShdPnd", "PPid")
                text = " ".join(line for line in text.splitlines() if line.startswith(wanted))
            parts.append(f"{tid}: {text}")
    return "\n".join(parts)


class Traces:
    """What is there now."""

    def __init__(self, *directories):
        self.directories = [pathlib.Path(directory) for directory in directories]
        self.before = self.look()

    def look(self):
        """Everything, by kind."""
        files = {entry for directory in self.directories for entry in directory.rglob("*")}
        return {"task": user_tasks(), "cgroup": cgroups(), "mount": mounts(), "file": files}

    def left(self, timeout=5):
        """What is there that was not; what goes away by itself soon is given the time."""
        found = []

        def clean():
            now = self.look()
            found[:] = [f"{kind} is left: {item}" for kind in now
                        for item in sorted(now[kind] - self.before[kind], key=str)]
            return not found

        if not runtime.wait_until(clean, timeout, 0.05):
            for pid, _ in self.look()["task"] - self.before["task"]:
                found.append(describe(pid))
        return found
