# SPDX-License-Identifier: GPL-2.0
"""A container that works, and is checkpointed, killed and restarted meanwhile."""

import os
import time

from . import device, proc, runtime


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

    def cycle(self, tries=1):
        """Checkpoint, so often as it says "try again", death, restart; returns what is wrong."""
        with open(self.image, "w+b") as file:
            for _ in range(tries):
                file.seek(0)
                file.truncate()
                _, wrong = self.call("checkpoint", lambda log: self.device.checkpoint(
                    self.pid, file.fileno(), flags=device.KILL, log_fd=log))
                if not any("EAGAIN" in line for line in wrong):
                    break
            if wrong:
                return wrong
            status = runtime.reap(self.pid, 20)
            if status != 137:
                return [f"it ends with {status}"]
            file.seek(0)
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


def disturb(container, rng, pauses, count=None, seconds=None, tries=1):
    """Checkpoint, kill and restart it at random moments, so often or so long, until something is
    wrong or it has ended by itself; returns what is wrong, and how often it was."""
    wrong, cycles, end = [], 0, time.monotonic() + (seconds or 0)
    while not wrong and (time.monotonic() < end if seconds else cycles < count):
        time.sleep(rng.uniform(*pauses) * runtime.SLOWER)
        if not proc.alive(container.pid):
            return ["it has ended too early"], cycles
        wrong = container.cycle(tries)
        cycles += 1
    return wrong, cycles
