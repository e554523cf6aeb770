# SPDX-License-Identifier: GPL-2.0
"""What /proc shows of the tasks of a container, in terms that stay the same.

A restarted container must look as it did before: the two pictures that
picture() takes are compared by difference(). Numbers that the kernel chooses
anew (pids as seen from here, inodes of pipes and of shared memory) are replaced
by numbers that only say which of them are equal.
"""

import fcntl
import os
import pathlib
import re

STATUS = ("Name", "Umask", "Uid", "Gid", "Groups", "SigPnd",
          "ShdPnd", "SigBlk", "SigIgn", "SigCgt", "CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb",
          "NoNewPrivs", "Seccomp", "Cpus_allowed_list", "Mems_allowed_list", "VmLck", "THP_enabled")
FILES = ("oom_score_adj", "timerslack_ns", "personality", "cmdline", "environ", "auxv", "limits",
         "comm", "coredump_filter", "loginuid")
# Fields of /proc/PID/stat, counted from 1: exit signal, real-time priority,
# policy, start of code and stack, data, heap, arguments and environment, exit code.
STAT = (18, 19, 26, 27, 28, 38, 40, 41, 45, 46, 47, 48, 49, 50, 51, 52)


def text(path):
    """The content of a file of /proc; None when it or its process is gone."""
    try:
        return pathlib.Path(path).read_bytes().decode("latin-1")
    except OSError as err:
        return None if err.errno in (2, 3) else f"({err.strerror})"


def link(path):
    """Where a symbolic link of /proc leads."""
    try:
        return os.fsencode(os.readlink(path)).decode("latin-1")
    except OSError as err:
        return None if err.errno in (2, 3) else f"({err.strerror})"


def fields(content):
    """The lines "NAME: VALUE"."""
    return dict(re.findall(r"^(\w+):[ \t]*(.*?)[ \t]*$", content or "", re.M))


def stat(path):
    """The fields of a stat file, counted from 1."""
    content = text(path)
    if content is None:
        return None
    head, _, tail = content.rpartition(")")
    pid, _, name = head.partition(" (")
    return ["", pid, name] + tail.split()


def start_time(pid):
    """When a process started, in ticks; None when it is gone."""
    found = stat(f"/proc/{pid}/stat")
    return found and int(found[22])


def alive(pid):
    """Whether a process exists and is not a zombie. Its first thread may be one."""
    found = stat(f"/proc/{pid}/stat")
    return found is not None and (found[3] not in "ZX" or int(found[20]) > 1)


# ioctl(2) on a pid namespace: the one around it.
NS_GET_PARENT = 0xb702


def is_inside(pid, namespace):
    """Whether a process is in the pid namespace with this inode, or in one nested in it."""
    try:
        fd = os.open(f"/proc/{pid}/ns/pid", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        while os.fstat(fd).st_ino != namespace:
            around = fcntl.ioctl(fd, NS_GET_PARENT)
            os.close(fd)
            fd = around
        return True
    except OSError:
        return False
    finally:
        os.close(fd)


def level(init):
    """How many pid namespaces there are from here to that of a container."""
    return len(fields(text(f"/proc/{init}/status")).get("NSpid", "").split()) - 1


def processes(init):
    """The processes in the pid namespace of a container's init, nested ones too, by their pid there."""
    try:
        namespace = os.stat(f"/proc/{init}/ns/pid").st_ino
    except OSError:
        return {}
    depth, found, known = level(init), {}, {}
    for entry in filter(str.isdigit, os.listdir("/proc")):
        own = link(f"/proc/{entry}/ns/pid")
        if own not in known:
            known[own] = is_inside(entry, namespace)
        if known[own]:
            inside = fields(text(f"/proc/{entry}/status")).get("NSpid", "").split()
            if len(inside) > depth >= 0:
                found[int(inside[depth])] = int(entry)
    return dict(sorted(found.items()))


class Names:
    """Replaces arbitrary numbers by the order in which they were met."""

    def __init__(self):
        self.known = {}

    def __call__(self, kind, number):
        return self.known.setdefault((kind, number), f"{kind} {len(self.known)}")

    def of_link(self, target):
        """"pipe:[123]" becomes "pipe:[pipe 4]"."""
        match = re.fullmatch(r"(\w+):\[(\d+)\]", target or "")
        return f"{match[1]}:[{self(match[1], match[2])}]" if match else target


def without_name(path):
    """Of what was removed, only the directory that it was in, or the next one above that is left.

    That is the same after a restart. Other names are as they are.
    """
    if not (path or "").endswith(" (deleted)") or path.startswith("/memfd:"):
        return path
    directory = os.path.dirname(path)
    while not os.path.isdir(directory):
        directory = os.path.dirname(directory)
    return f"{directory}/ (deleted)"


def name_left(opened, path):
    """Of a removed file with another link in its directory, that one, by which it is opened again."""
    try:
        if (path or "").endswith(" (deleted)") and os.stat(opened).st_nlink:
            for entry in os.scandir(os.path.dirname(path)):
                if os.path.samestat(entry.stat(follow_symlinks=False), os.stat(opened)):
                    return entry.path
    except OSError:
        pass
    return path


def mappings(pid, names):
    """The mappings of a process; neighbours that differ in nothing are one."""
    found = []
    for line in (text(f"/proc/{pid}/smaps") or "").splitlines():
        match = re.match(r"([0-9a-f]+)-([0-9a-f]+) (\S+) (\S+) (\S+) (\d+) *(.*)$", line)
        if match:
            start, end, offset = (int(match[i], 16) for i in (1, 2, 4))
            inode, name = match[6], match[7]
            # File systems count their inodes each by itself.
            key = match[5], inode
            if name == "/dev/zero (deleted)" or name.startswith("/memfd:"):
                inode = names("memory", key)
            # Each has one of its own.
            elif name == "anon_inode:[io_uring]":
                inode = names("memory", key)
            # That of a System V segment is its identifier, and stays.
            elif name.endswith(" (deleted)") and not name.startswith("/SYSV"):
                inode, name = names("memory", key), without_name(name)
            if inode == "0":
                offset = 0
            found.append([start, end, match[3], offset, match[5], inode, name, "", 0])
        elif line.startswith("VmFlags:"):
            # "sd" is set by any write. What may never be written is shared to read only.
            flags = set(line.split()[1:]) - {"sd"}
            found[-1][7] = " ".join(sorted(flags if "mw" in flags else flags - {"sh"}))
        elif line.startswith("Anonymous:"):
            found[-1][8] = int(line.split()[1])
    merged = []
    for item in found:
        last = merged[-1] if merged else None
        follows = last and last[1] == item[0] and last[2] == item[2] and last[4:8] == item[4:8] and (
            item[5] == "0" or last[3] + last[1] - last[0] == item[3])
        if follows and not item[6].startswith("[v"):
            last[1] = item[1]
            last[8] += item[8]
        else:
            merged.append(item)
    return merged


def own_cgroup(pid):
    """Where the files of a process's cgroup are, which has another name after a restart."""
    found = re.search("^0::(/.+)$", text(f"/proc/{pid}/cgroup") or "", re.M)
    return f"/sys/fs/cgroup{found[1]}/" if found else None


def descriptors(pid, names):
    """The descriptors of a process: what they refer to, offset, flags, locks."""
    found = {}
    try:
        numbers = sorted(map(int, os.listdir(f"/proc/{pid}/fd")))
    except OSError:
        return found
    cgroup = own_cgroup(pid)
    for number in numbers:
        info = text(f"/proc/{pid}/fdinfo/{number}") or ""
        # The order of locks means nothing, nor do their numbers and the pids.
        locks = sorted(re.sub(r"^lock:\s*\d+: (\S+ +\S+ +\S+ )\S+ \S+", r"\1", line)
                       for line in info.splitlines() if line.startswith("lock:"))
        values = fields(info)
        # crctl writes to what becomes the standard output of a container.
        position = values.get("pos") if number > 2 else None
        opened = f"/proc/{pid}/fd/{number}"
        name = without_name(name_left(opened, names.of_link(link(opened))))
        if name and cgroup and name.startswith(cgroup):
            name = f"(own cgroup)/{name[len(cgroup):]}"
        found[number] = (name, position, values.get("flags"), tuple(locks))
    return found


def thread(pid, tid, depth):
    """What belongs to one thread, whose container is in a pid namespace so deep."""
    base = f"/proc/{pid}/task/{tid}"
    status = fields(text(f"{base}/status"))
    numbers = stat(f"{base}/stat") or []
    found = {name: status.get(name) for name in STATUS}
    # As they are inside, at every level.
    for name in ("NSpid", "NStgid", "NSpgid", "NSsid"):
        found[name] = status.get(name, "").split()[depth:]
    found["zombie"] = status.get("State", "").startswith("Z")
    found["stopped"] = status.get("State", "").startswith("T")
    if found["zombie"]:
        # Nobody sends it a signal any more.
        found.update(SigBlk=None, SigCgt=None, SigIgn=None)
    found["stat"] = {n: numbers[n] for n in STAT if n < len(numbers)}
    found["comm"] = text(f"{base}/comm")
    return int((found["NSpid"] or ["0"])[0]), found


def picture(init):
    """All that can be seen of a container."""
    names = Names()
    inside, depth = processes(init), level(init)
    outside = {host: pid for pid, host in inside.items()}
    found = {}
    for pid, host in inside.items():
        status = fields(text(f"/proc/{host}/status"))
        try:
            tids = os.listdir(f"/proc/{host}/task")
        except OSError:
            tids = []
        # Workers of io_uring come and go.
        tids = [tid for tid in tids
                if not (text(f"/proc/{host}/task/{tid}/comm") or "").startswith("iou-wrk-")]
        maps = mappings(host, names)
        found[f"process {pid}"] = {
            "threads": len(tids),
            # Threads of a process ask for it by ids that differ: the tgid.
            "parent": outside.get(int(status.get("PPid", "0")), 0),
            "mappings": {f"{m[0]:x}-{m[1]:x}": tuple(m[2:8]) for m in maps},
            "descriptors": descriptors(host, names),
            **{name: text(f"/proc/{host}/{name}") for name in FILES},
            **{name: without_name(link(f"/proc/{host}/{name}")) for name in ("cwd", "root", "exe")},
            **{name: names.of_link(link(f"/proc/{host}/ns/{name}"))
               for name in ("pid", "pid_for_children")},
        }
        # A sample will do when there are very many.
        tids = sorted(tids, key=int)[::1 + len(tids) // 100]
        for tid, data in sorted(thread(host, t, depth) for t in tids):
            found[f"thread {tid} of {pid}"] = data
    return found


def anonymous_kb(init):
    """Anonymous memory that processes of a container have, by their pid there."""
    return {pid: sum(m[8] for m in mappings(host, Names()))
            for pid, host in processes(init).items()}


def difference(before, after, where=""):
    """Lines that say what differs between two pictures."""
    if isinstance(before, dict) and isinstance(after, dict):
        lines = []
        for key in sorted(set(before) | set(after), key=str):
            name = f"{where}: {key}" if where else str(key)
            if key not in after:
                lines.append(f"{name}: is gone (was {brief(before[key])})")
            elif key not in before:
                lines.append(f"{name}: is new ({brief(after[key])})")
            else:
                lines += difference(before[key], after[key], name)
        return lines
    if before == after:
        return []
    return [f"{where}: {brief(after)}, was {brief(before)}"]


def brief(value):
    """A value that fits on a line."""
    shown = repr(value)
    return shown if len(shown) <= 400 else shown[:400] + "..."
