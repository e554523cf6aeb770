# SPDX-License-Identifier: GPL-2.0
"""Who gets what: restarts of changed images and checkpoints, by callers of all kinds."""

import os
import pathlib
import re
import shutil
import sys

from . import caller, device, proc, runtime
from .caller import ALL, mask, user
from .image import Image, TAG_CONTAINER, TAG_IPC, TAG_NETLINK, TAG_PIPE, TAG_UTS, change, credentials
from .traces import Traces

PROGRAM = pathlib.Path(__file__).resolve().parents[3] / "build/selftests/privileges"
USER = 1000
NS_UTS, NS_IPC, NS_TIME = 2, 4, 8


def shared(image, namespaces):
    """The container has none of these namespaces of its own, nor what belongs to them."""
    for part in image.of(TAG_CONTAINER):
        part["namespaces"] &= ~namespaces
    gone = [tag for namespace, tag in ((NS_UTS, TAG_UTS), (NS_IPC, TAG_IPC)) if namespaces & namespace]
    image.parts = [part for part in image.parts if part.tag not in gone]
    return image


def shared_names(image):
    """The container has no UTS, IPC and time namespaces of its own."""
    return shared(image, NS_UTS | NS_IPC | NS_TIME)


def namespace_root(*steps):
    """A caller: root of a user namespace, with one user, after some steps."""
    def become():
        for step in steps:
            step()
        user(USER)
        caller.namespace_root(USER)
    return become


def nobody_special():
    """A caller like the image: root."""


class Bench:
    """A good image, and callers that restart others like it."""

    def __init__(self, ktap, log, scratch):
        self.ktap, self.log = ktap, log
        self.scratch = pathlib.Path(scratch)
        self.device = device.Device()
        self.null = os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC)
        self.memfd = os.memfd_create("image")
        self.program = self.scratch / "program"
        shutil.copy(PROGRAM, self.program)
        self.place = self.make_place("place")
        pid = self.start(self.place)
        runtime.Crctl().checkpoint(pid, self.scratch / "good.img")
        runtime.reap(pid)
        self.data = (self.scratch / "good.img").read_bytes()
        self.path = os.fsencode(self.place / "file")
        self.traces = Traces()

    def make_place(self, name):
        """A directory for a container."""
        place = self.scratch / name
        (place / "work").mkdir(parents=True)
        (place / "file").write_bytes(bytes(4096))
        os.chmod(place, 0o777)
        return place

    def start(self, place, *argv, command=()):
        """A container; returns the pid of its init."""
        output = self.scratch / f"{place.name}.output"
        # Whoever restarts it has to open these.
        for file in (output, pathlib.Path(f"{output}.err")):
            file.touch()
            os.chmod(file, 0o666)
        pid = runtime.Crctl().start([*command, str(self.program), str(place), *argv], output)
        if not runtime.wait_until((place / "ready").exists, 30):
            sys.exit(f"the payload in {place} does not get ready")
        return pid

    def image(self, **values):
        """A copy of the good image, with these credentials."""
        return credentials(Image(self.data), **values)

    def image_without(self, *names, **values):
        """With all that root without these capabilities has."""
        keep = ALL & ~mask(*names)
        return self.image(cap=[0, keep, keep, keep, 0], **values)

    def image_of_user(self, *names, groups=()):
        """With all that an ordinary user with these capabilities has."""
        keep = mask(*names)
        image = self.image(uid=[USER] * 4, gid=[USER] * 4, groups=groups, cap=[0, keep, keep, ALL, 0])
        change(image, TAG_NETLINK, uid=USER, gid=USER)
        return change(image, TAG_PIPE, uid=USER, gid=USER)

    def restart(self, become, image, **options):
        """Restart it as somebody else; the result is the pid of init."""
        os.ftruncate(self.memfd, 0)
        os.pwrite(self.memfd, image.bytes(), 0)
        os.lseek(self.memfd, 0, os.SEEK_SET)

        def call(log):
            return self.device.restart(self.memfd, log, self.null, **options)

        return caller.ask(become, call)

    def conclude(self, what, wrong, pid=None, logged=None):
        """One result; nothing may be left, and the kernel has no more to say than what is expected."""
        if pid:
            runtime.kill_container(pid)
        runtime.reap_orphans()
        said = [line for line in self.log.new() if not logged or not re.search(logged, line)]
        wrong = [*wrong, *self.traces.left(), *said]
        self.ktap.result(not wrong, what, wrong[:40])

    def refused(self, what, become, image, error, words, **options):
        """It has to fail with that error, and words that match."""
        outcome = self.restart(become, image, **options)
        wrong = []
        if outcome.error != error:
            wrong.append(f"{outcome.error or 'success'}, wanted {error}")
        if not re.search(words, outcome.words):
            wrong.append(f"the words are {outcome.words!r}, wanted {words!r}")
        if outcome.value:
            wrong.append(f"status: {caller.status(outcome.value)}")
        self.conclude(f"refused: {what}: {outcome.words}", wrong, outcome.value)

    def given(self, what, become, image, look, **options):
        """It has to succeed; look(pid) says what is wrong with the result."""
        outcome = self.restart(become, image, **options)
        pid = outcome.value
        wrong = look(pid) if pid else [f"{outcome.error}: {outcome.words}"]
        self.conclude(f"given: {what}", wrong, pid)

    def told(self, pid):
        """Lets the container end; returns what it has to say."""
        (self.place / "go").write_text("0 0", encoding="ascii")
        status = runtime.reap(pid, 20)
        said = (self.place / "told").read_text(encoding="ascii") if status == 0 else f"ends with {status}"
        for name in ("go", "told", "result"):
            (self.place / name).unlink(missing_ok=True)
        return said


def has(**wanted):
    """Looks at /proc/PID/status of all processes."""
    def look(pid):
        wrong = []
        for number, host in proc.processes(pid).items():
            found = caller.status(host)
            wrong += [f"pid {number}: {name} is {found.get(name)!r}, wanted {value!r}"
                      for name, value in wanted.items() if found.get(name) != value]
        return wrong
    return look


def sets(inheritable, permitted, effective, bounding, ambient):
    """Capabilities as /proc/PID/status shows them."""
    values = inheritable, permitted, effective, bounding, ambient
    names = "CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"
    return {name: f"{value:016x}" for name, value in zip(names, values)}


def equal(what, found, wanted):
    """A list with what is wrong."""
    return [] if found == wanted else [f"{what} is {found!r}, wanted {wanted!r}"]


class Victim:
    """A container that is to be checkpointed."""

    def __init__(self, bench, name, *argv, command=()):
        self.bench = bench
        self.pid = bench.start(bench.make_place(name), *argv, command=command)
        self.before = proc.picture(self.pid)

    def ask(self, become):
        """A checkpoint; the result is the length of the image."""
        target = self.bench.memfd
        os.ftruncate(target, 0)
        os.lseek(target, 0, os.SEEK_SET)

        def call(log):
            self.bench.device.checkpoint(self.pid, target, log_fd=log)

        return caller.ask(become, call), os.fstat(target).st_size

    def refused(self, what, become, error, words, logged=None):
        """It has to fail, and the container must not notice."""
        outcome, length = self.ask(become)
        wrong = equal("the error", outcome.error, error) + equal("the length of the image", length, 0)
        if not re.search(words, outcome.words):
            wrong.append(f"the words are {outcome.words!r}, wanted {words!r}")
        wrong += proc.difference(self.before, proc.picture(self.pid))
        self.bench.conclude(f"checkpoint refused: {what}: {outcome.words}", wrong, logged=logged)

    def given(self, what, become):
        """It has to succeed."""
        outcome, length = self.ask(become)
        wrong = equal("the error", outcome.error, None) + ([] if length > 4096 else [f"{length} bytes"])
        self.bench.conclude(f"checkpoint given: {what}", wrong + ([outcome.words] if outcome.words else []))
