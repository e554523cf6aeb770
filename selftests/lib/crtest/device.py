# SPDX-License-Identifier: GPL-2.0
"""The ioctls of /dev/cr, for tests that call them very often."""

import ctypes
import errno
import fcntl
import os
import struct

CHECKPOINT, RESTART = (3 << 30 | 0xCE << 8 | number for number in (1, 2))
KILL = 1
STATS = ("freezing_time", "frozen_time", "memdump_time", "memwrite_time", "pages_scanned",
         "pages_written", "forking_time", "restore_time", "pages_restored", "nr_tasks",
         "image_bytes")
CHECKPOINT_HEAD, RESTART_HEAD = struct.Struct("=IIiiiiIIQQII"), struct.Struct("=IIiiiiIIQQii")
STATS_FORMAT = struct.Struct(f"={len(STATS)}Q")


class Device:
    """An open /dev/cr."""

    def __init__(self):
        self.fd = os.open("/dev/cr", os.O_RDWR | os.O_CLOEXEC)
        # Statistics of the last restart.
        self.restarted = {}

    def checkpoint(self, pid, image_fd, flags=0, log_fd=-1, timeout_ms=0):
        """CHECKPOINT, with init's standard descriptors as externals; returns the statistics."""
        table = ctypes.create_string_buffer(
            b"".join(struct.pack("=iiII", 1, fd, fd, 0) for fd in range(3)), 48)
        size = CHECKPOINT_HEAD.size + STATS_FORMAT.size
        argument = bytearray(CHECKPOINT_HEAD.pack(size, flags, pid, -1, image_fd, log_fd, timeout_ms, 3,
                                                  ctypes.addressof(table), 0, 0, 0))
        argument += bytes(STATS_FORMAT.size)
        fcntl.ioctl(self.fd, CHECKPOINT, argument)
        return dict(zip(STATS, STATS_FORMAT.unpack_from(argument, CHECKPOINT_HEAD.size)))

    def restart(self, image_fd, log_fd=-1, null_fd=None, root_fd=-1, cgroup_fd=-1):
        """RESTART; returns the pid of the new init, a child of this process."""
        externals = 0 if null_fd is None else 3
        table = ctypes.create_string_buffer(
            b"".join(struct.pack("=Ii", key, null_fd or 0) for key in range(3)), 24)
        size = RESTART_HEAD.size + STATS_FORMAT.size
        argument = bytearray(RESTART_HEAD.pack(size, 0, image_fd, log_fd, root_fd, cgroup_fd, externals,
                                               0, ctypes.addressof(table), 0, 0, 0))
        argument += bytes(STATS_FORMAT.size)
        fcntl.ioctl(self.fd, RESTART, argument)
        *_, pid, pidfd = RESTART_HEAD.unpack_from(argument)
        self.restarted = dict(zip(STATS, STATS_FORMAT.unpack_from(argument, RESTART_HEAD.size)))
        os.close(pidfd)
        return pid


def name(err):
    """The name of an error number."""
    return errno.errorcode.get(err.errno, str(err.errno))
