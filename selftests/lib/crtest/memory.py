# SPDX-License-Identifier: GPL-2.0
"""Too little memory: swap space, and a cgroup with a limit."""

import os
import pathlib

from . import runtime

CGROUPS = pathlib.Path("/sys/fs/cgroup")


def swap(scratch, size=64 << 20):
    """Have the kernel swap to memory; returns the device, or None if that is not possible.

    Preferably to memory that is compressed: who needs some gets it at once, and need not wait for a
    device that is slower than he is, which the kernel takes for a reason to kill somebody.
    """
    try:
        if runtime.succeeds(["modprobe", "zram"]):
            device = "/dev/zram0"
            pathlib.Path("/sys/block/zram0/disksize").write_text(str(size), encoding="ascii")
        else:
            device = loop(scratch / "swap", size)
        runtime.command(["mkswap", device])
        runtime.command(["swapon", device])
    except (runtime.Failed, FileNotFoundError) as err:
        print(f"# no swap: {err}")
        return None
    return device


def loop(area, size):
    """A file as a device."""
    # Who swaps does not pay for room in it.
    with open(area, "wb") as file:
        os.posix_fallocate(file.fileno(), 0, size)
    runtime.command(["modprobe", "loop"])
    return runtime.command(["losetup", "--find", "--show", area])[0].strip()


def no_swap(device):
    """Give it up."""
    runtime.command(["swapoff", device])
    if device.startswith("/dev/loop"):
        runtime.command(["losetup", "--detach", device])
    else:
        runtime.command(["rmmod", "zram"])


class Limit:
    """A cgroup with so much memory, for those who are started within."""

    def __init__(self, name, most):
        (CGROUPS / "cgroup.subtree_control").write_text("+memory", encoding="ascii")
        self.path = CGROUPS / name
        self.path.mkdir()
        (self.path / "memory.max").write_text(str(most), encoding="ascii")

    def __enter__(self):
        self._enter(self.path)
        return self

    def __exit__(self, *_exception):
        self._enter(CGROUPS)

    @staticmethod
    def _enter(path):
        (path / "cgroup.procs").write_text(str(os.getpid()), encoding="ascii")

    def event(self, name):
        """How often that has happened."""
        lines = (self.path / "memory.events").read_text(encoding="ascii").splitlines()
        return dict((key, int(count)) for key, count in map(str.split, lines))[name]

    def remove(self):
        """When nobody is in it."""
        runtime.wait_until(lambda: not any(path.is_dir() for path in self.path.iterdir()))
        self.path.rmdir()
