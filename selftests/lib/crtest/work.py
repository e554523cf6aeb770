# SPDX-License-Identifier: GPL-2.0
"""A container that works, and is checkpointed, killed and restarted meanwhile."""

import os
import re
import time

from . import device, proc, runtime

# How long something may take to pass by itself.
PASSING_SECONDS = 5


class Container:
    """What argv_in(directory) says works in that directory; it makes a file there first."""

    def __init__(self, scratch, argv_in):
        self.place = scratch / "run"
        self.place.mkdir()
        self.image, self.words = scratch / "image", scratch / "words"
        self.device = device.Device()
        self.null = os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC)
        argv = list(map(str, argv_in(self.place)))
        self.pid = runtime.Crctl().start(argv, scratch / "output")
        runtime.wait_until(lambda: any(self.place.iterdir()))

    def call(self, what, function):
        """An ioctl; returns its result, and what is wrong."""
        with open(self.words, "wb") as words:
            try:
                return function(words.fileno()), []
            except OSError as err:
                return None, [f"{what}: {device.name(err)}: {self.words.read_text()}"]

    def cycle(self, tries=1, passing=None):
        """Checkpoint, so often as it says "try again", death, restart; returns what is wrong.

        A refusal that this regular expression finds passes by itself, when the container goes on.
        """
        end = time.monotonic() + PASSING_SECONDS * runtime.SLOWER
        while wrong := self.checkpoint():
            if "try again" in wrong[0] and tries > 1:
                tries -= 1
            elif passing and re.search(passing, wrong[0]) and time.monotonic() < end:
                time.sleep(0.01)
            else:
                return wrong
        status = runtime.reap(self.pid, 20)
        if status != 137:
            return [f"it ends with {status}"]
        return self.restart()

    def checkpoint(self):
        """It dies; returns what is wrong."""
        with open(self.image, "wb") as file:
            return self.call("checkpoint", lambda log: self.device.checkpoint(
                self.pid, file.fileno(), flags=device.KILL, log_fd=log))[1]

    def restart(self):
        """It lives again; returns what is wrong."""
        with open(self.image, "rb") as file:
            self.pid, wrong = self.call("restart", lambda log: self.device.restart(
                file.fileno(), null_fd=self.null, log_fd=log))
        return wrong

    def finish(self):
        """Let it end; returns what is wrong with that."""
        (self.place / "stop").touch()
        status = runtime.reap(self.pid)
        wrong = [] if status == 0 else [f"exit status {status}"]
        if (self.place / "wrong").exists():
            wrong += (self.place / "wrong").read_text().splitlines()[:20]
        return wrong


class WithMounts(Container):
    """The same by way of crctl, which makes mounts: a /proc that shows the container's processes."""

    def checkpoint(self):
        try:
            runtime.Crctl.checkpoint(self.pid, self.image)
            return []
        except runtime.Failed as err:
            return [str(err)]

    def restart(self):
        try:
            self.pid = runtime.Crctl().restart(self.image, self.words)
            return []
        except runtime.Failed as err:
            self.pid = None
            return [str(err)]


def disturb(container, rng, pauses, count=None, seconds=None, **how):
    """Checkpoint, kill and restart it at random moments, so often or so long, until something is
    wrong or it has ended by itself; returns what is wrong, and how often it was."""
    wrong, cycles, end = [], 0, time.monotonic() + (seconds or 0)
    while not wrong and (time.monotonic() < end if seconds else cycles < count):
        time.sleep(rng.uniform(*pauses) * runtime.SLOWER)
        if not proc.alive(container.pid):
            return ["it has ended too early"], cycles
        wrong = container.cycle(**how)
        cycles += 1
    return wrong, cycles
