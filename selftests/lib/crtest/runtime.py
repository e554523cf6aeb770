# SPDX-License-Identifier: GPL-2.0
"""Containers, checkpointed by crctl or, to compare, by criu."""

import ctypes
import json
import os
import pathlib
import signal
import subprocess
import time

PR_SET_CHILD_SUBREAPER = 36
# How much slower than the stock kernel this one is.
SLOWER = int(os.environ.get("CR_SLOWER", "1"))
# How long anything may take by default, in seconds.
TIMEOUT = 120 * SLOWER


def adopt_orphans():
    """Make detached containers children of this process, so that it learns how they end."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def reap_orphans():
    """Reap all children that have ended, which crctl leaves to init; whether there are no others."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
        return False
    except ChildProcessError:
        return True


class Failed(Exception):
    """A command failed: its exit status, and what it said."""

    def __init__(self, argv, status, words):
        super().__init__(f"{' '.join(map(str, argv))}: exit status {status}: {words.strip()}")
        self.status, self.words = status, words


def command(argv, timeout=None, **kwargs):
    """Run a command; returns what it printed on both outputs, separately."""
    with subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
                          stderr=subprocess.PIPE, errors="replace", **kwargs) as process:
        try:
            out, err = process.communicate(timeout=timeout or TIMEOUT)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
            raise Failed(argv, "timeout", err) from None
    if process.returncode:
        raise Failed(argv, process.returncode, err)
    return out, err


def succeeds(argv):
    """Whether a command does, which says nothing."""
    try:
        command(argv)
        return True
    except (Failed, FileNotFoundError):
        return False


def wait_until(condition, timeout=None, interval=0.01):
    """Whether something became true in time."""
    end = time.monotonic() + (timeout * SLOWER if timeout else TIMEOUT)
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(interval)
    return True


def reap(pid, timeout=None):
    """The exit status of a child, as a shell shows it; None if it does not end."""
    status = []

    def ended():
        got, value = os.waitpid(pid, os.WNOHANG)
        if got:
            status.append(os.waitstatus_to_exitcode(value))
        return got

    if not wait_until(ended, timeout):
        return None
    return status[0] if status[0] >= 0 else 128 - status[0]


class Crctl:
    """The real thing."""

    name = "cr"

    def start(self, argv, output, *options):
        """Start a container; returns the pid of its init."""
        return self._detached(["crctl", "run", "--detach", *options, "--", *argv], output)

    @staticmethod
    def _detached(argv, output):
        """Run it; what it prints goes to files, because the container may keep them open."""
        pid_file, words = pathlib.Path(f"{output}.pid"), pathlib.Path(f"{output}.err")
        with open(output, "ab") as out, open(words, "ab") as err:
            said = err.tell()
            status = subprocess.run(argv[:2] + ["--pid-file", pid_file] + argv[2:], stdout=out,
                                    stdin=subprocess.DEVNULL, stderr=err, timeout=TIMEOUT,
                                    check=False).returncode
        if status:
            raise Failed(argv, status, words.read_bytes()[said:].decode("utf-8", "replace"))
        return int(pid_file.read_text(encoding="ascii"))

    @staticmethod
    def checkpoint(pid, image, kill=True):
        """Write an image; returns the statistics."""
        options = ["--kill"] if kill else []
        _, err = command(["crctl", "checkpoint", "--stats=json", *options, "-o", image, str(pid)])
        return json.loads(err)

    def restart(self, image, output, *options):
        """Start a container from an image; returns the pid of its init.

        The container has its old output; to change that file now would be an error.
        """
        return self._detached(["crctl", "restart", "--detach", "-i", image, *options],
                              f"{output}.restart")


class Undisturbed(Crctl):
    """A container without any tool: what a test has to pass at least."""

    name = "undisturbed"

    def start(self, argv, output, *_options):
        with open(output, "ab") as log, open("/dev/null", "rb") as null:
            unshare = subprocess.Popen(
                ["unshare", "--fork", "--pid", "--mount-proc", "--propagation", "unchanged",
                 "--uts", "--ipc", "--kill-child", "setsid", *argv],
                stdin=null, stdout=log, stderr=log)
        # reap() is to get its exit status.
        unshare.returncode = 0
        return unshare.pid


class Criu(Crctl):
    """criu, on the containers that crctl starts."""

    name = "criu"

    @staticmethod
    def checkpoint(pid, image, kill=True):
        directory = pathlib.Path(f"{image}.criu")
        directory.mkdir(exist_ok=True)
        argv = ["criu", "dump", "-t", str(pid), "-D", directory, "-v1", "-o", "dump.log",
                "--external", "mnt[]", "--manage-cgroups=ignore", "--file-locks"]
        try:
            command(argv + ([] if kill else ["--leave-running"]))
        except Failed as err:
            raise Failed(argv, err.status, (directory / "dump.log").read_text()) from None
        return {}

    def restart(self, image, output, *_options):
        directory = pathlib.Path(f"{image}.criu")
        pid_file = pathlib.Path(f"{output}.pid")
        pid_file.unlink(missing_ok=True)
        argv = ["criu", "restore", "-D", directory, "-v1", "-o", "restore.log", "--restore-detached",
                "--pidfile", pid_file, "--external", "mnt[]", "--manage-cgroups=ignore"]
        try:
            command(argv)
        except Failed as err:
            raise Failed(argv, err.status, (directory / "restore.log").read_text()) from None
        return int(pid_file.read_text())


def kill_container(pid):
    """End a container, whatever it does."""
    try:
        os.kill(pid, signal.SIGKILL)
        reap(pid, 20)
    except (ProcessLookupError, ChildProcessError):
        pass
