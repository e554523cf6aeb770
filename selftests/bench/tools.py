# SPDX-License-Identifier: GPL-2.0
"""The tools that are measured, each with a running load."""

import dataclasses
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import time

from crtest import proc, runtime

PROGRAM = pathlib.Path(__file__).resolve().parent.parent.parent / "build/selftests/load"


@dataclasses.dataclass(frozen=True)
class Load:
    """What a process has: tasks in all, anonymous memory, TCP connections with its first child, files."""

    processes: int = 1
    threads: int = 1
    megabytes: int = 0
    connections: int = 0
    descriptors: int = 0

    def argv(self):
        """How load.c is told."""
        return list(map(str, dataclasses.astuple(self)))


class Wrong(Exception):
    """A measurement that is none."""


def timed(argv):
    """Run a command; returns what it printed on both outputs, and how many us it took.

    From the start of the process to its end: what Python does besides is not in it.
    """
    argv = list(map(str, argv))
    program = shutil.which(argv[0])
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        actions = [(os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
                   (os.POSIX_SPAWN_DUP2, out.fileno(), 1),
                   (os.POSIX_SPAWN_DUP2, err.fileno(), 2)]
        begin = time.monotonic()
        pid = os.posix_spawn(program, argv, os.environ, file_actions=actions)
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        took = (time.monotonic() - begin) * 1e6
        out.seek(0)
        err.seek(0)
        printed = [file.read().decode(errors="replace") for file in (out, err)]
    if status:
        raise runtime.Failed(argv, status, printed[1])
    return *printed, took


class Tool:
    """One of the two, with one running load."""

    name = ""

    def __init__(self, directory, load):
        self.directory = directory / self.name
        self.directory.mkdir()
        self.load = load
        ready = self.directory / "ready"
        self.pid = None
        # Its own copy, on a file system of the machine.
        program = shutil.copy(PROGRAM, self.directory)
        self.start([str(program), *load.argv(), str(ready)])
        if not runtime.wait_until(ready.exists):
            raise Wrong("the load does not start")

    def start(self, argv):
        """Start the load."""
        raise NotImplementedError

    def dump(self, kill):
        """Checkpoint; returns frozen and total time, and the size."""
        raise NotImplementedError

    def restore(self):
        """Restart; returns the time that the tool says, and that of the command."""
        raise NotImplementedError

    def members(self):
        """Host pids of the processes."""
        raise NotImplementedError

    def gone(self):
        """Wait until what was killed has vanished."""
        raise NotImplementedError

    def end(self):
        """End what was restarted."""
        raise NotImplementedError

    def memory_in_use(self):
        """The memory of all processes, shared pages in parts, bytes."""
        total = 0
        for pid in {self.pid, *self.members()}:
            rollup = proc.fields(proc.text(f"/proc/{pid}/smaps_rollup"))
            total += int(rollup["Pss"].split()[0]) * 1024
        return total

    def check(self):
        """Whether everything is there again."""
        members = self.members()
        status = proc.fields(proc.text(f"/proc/{self.pid}/status"))
        there = len(members), int(status.get("Threads", 0))
        if there != (self.load.processes, self.load.threads):
            raise Wrong(f"{there} processes and threads instead of {self.tasks}")
        if int(status["VmRSS"].split()[0]) < self.load.megabytes * 1024:
            raise Wrong("the memory is not there")
        if len(os.listdir(f"/proc/{self.pid}/fd")) < self.load.connections + self.load.descriptors:
            raise Wrong("descriptors are missing")
        self.change()

    def change(self):
        """Have it change one page of a hundred, and ask on all of its connections."""
        changed = self.directory / "ready.changed"
        changed.unlink(missing_ok=True)
        os.kill(self.pid, signal.SIGUSR1)
        if not runtime.wait_until(changed.exists):
            raise Wrong("the load does not go on")


class Cr(Tool):
    """This project."""

    name = "cr"

    def start(self, argv):
        self.pid = int(runtime.command(["crctl", "run", "--detach", "--", *argv])[0])

    def dump(self, kill):
        image = self.directory / "image"
        _, err, took = timed(["crctl", "checkpoint", "--stats=json", *(["--kill"] if kill else []),
                              "-o", image, self.pid])
        return {"frozen": json.loads(err)["frozen_time"], "checkpoint": took,
                "image": image.stat().st_size}

    def restore(self, *options):
        out, err, took = timed(["crctl", "restart", "--stats=json", "--detach", *options,
                                "-i", self.directory / "image"])
        self.pid = int(out)
        return {"restore": json.loads(err)["restore_time"], "restart": took}

    def members(self):
        return list(proc.processes(self.pid).values())

    def gone(self):
        if runtime.reap(self.pid) != 137:
            raise Wrong("it was not killed")

    def end(self):
        os.kill(self.pid, signal.SIGKILL)
        self.gone()


class Increments(Cr):
    """This project, where one page of a hundred has changed since the last image."""

    name = "increments"

    def increment(self):
        """Checkpoint what changed since the last image; returns the time and the size."""
        image, more = self.directory / "image", self.directory / "more"
        _, _, took = timed(["crctl", "checkpoint", "--parent", image, "-o", more, self.pid])
        size = more.stat().st_size
        more.rename(image)
        return {"checkpoint": took, "image": size}


class Criu(Tool):
    """The other one. The load is a session and a process group."""

    name = "criu"
    OPTIONS = ("-v0", "--display-stats", "--tcp-established", "--network-lock", "nftables")

    def start(self, argv):
        with subprocess.Popen(["setsid", "--fork", "--", *argv], stdin=subprocess.DEVNULL,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/"):
            pass
        ready = self.directory / "ready"
        runtime.wait_until(ready.exists)
        # It is an orphan, and so a child of ours.
        children = proc.text(f"/proc/self/task/{os.getpid()}/children").split()
        for child in map(int, children):
            if proc.text(f"/proc/{child}/cmdline").split("\0")[:-1] == argv:
                self.pid = child

    @staticmethod
    def stat(printed, name):
        """One of the statistics that criu prints, in us."""
        found = re.search(rf"^{name}: (\d+) us", printed, re.M)
        if not found:
            raise Wrong(f"criu does not say the {name}")
        return int(found[1])

    def dump(self, kill):
        images = self.directory / "images"
        shutil.rmtree(images, ignore_errors=True)
        images.mkdir()
        out, err, took = timed(["criu", "dump", "-t", self.pid, "-D", images, *self.OPTIONS,
                                *([] if kill else ["--leave-running"])])
        return {"frozen": self.stat(out + err, "Frozen time"), "checkpoint": took,
                "image": sum(file.stat().st_size for file in images.iterdir())}

    def restore(self):
        out, err, took = timed(["criu", "restore", "-d", "-D", self.directory / "images",
                                *self.OPTIONS])
        return {"restore": self.stat(out + err, "Restore time"), "restart": took}

    def members(self):
        found = []
        for entry in os.listdir("/proc"):
            numbers = proc.stat(f"/proc/{entry}/stat") if entry.isdigit() else None
            if numbers and int(numbers[6]) == self.pid:
                found.append(int(entry))
        return found

    def gone(self):
        # Its children are orphans, and so children of ours.
        try:
            while True:
                os.waitpid(-self.pid, 0)
        except ChildProcessError:
            pass

    def end(self):
        os.killpg(self.pid, signal.SIGKILL)
        self.gone()
