# SPDX-License-Identifier: GPL-2.0
"""What the kernel has to say."""

import os

BAD = ("BUG:", "WARNING:", "Oops", "Call Trace:", "KASAN", "UBSAN", "possible recursive",
       "possible circular", "suspicious RCU", "rcu: INFO", "blocked for more than", "lockup",
       "Missing ENDBR", "refcount_t:", "corruption", "general protection fault,", "unable to handle",
       "sleeping function called", "scheduling while atomic")
# What an emulated processor on a busy machine makes of its clocks.
NOISE = ("clocksource:", "tsc:", "TSC found unstable", "sched_clock:", "hrtimer: interrupt took",
         "sched: DL replenish lagged")


class KernelLog:
    """The messages since the last look."""

    def __init__(self):
        try:
            self.fd = os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            os.lseek(self.fd, 0, os.SEEK_END)
        except OSError:
            self.fd = -1

    def new(self):
        """New messages, without time and level."""
        found = []
        while self.fd >= 0:
            try:
                record = os.read(self.fd, 16384).decode("utf-8", "replace")
            except BlockingIOError:
                break
            except OSError:
                continue
            line = record.split(";", 1)[-1].splitlines()[0]
            if not line.startswith(NOISE):
                found.append(line)
        return found

    def complaints(self):
        """New messages, if one of them is a complaint."""
        found = self.new()
        return found if any(bad in line for line in found for bad in BAD) else []
