# SPDX-License-Identifier: GPL-2.0
"""Callers of all kinds: a child process that gives up rights, and then asks for something."""

import ctypes
import json
import os
import struct

from . import device, proc

LIBC = ctypes.CDLL(None, use_errno=True)
CAPABILITIES = (
    "chown dac_override dac_read_search fowner fsetid kill setgid setuid setpcap linux_immutable "
    "net_bind_service net_broadcast net_admin net_raw ipc_lock ipc_owner sys_module sys_rawio "
    "sys_chroot sys_ptrace sys_pacct sys_admin sys_boot sys_nice sys_resource sys_time "
    "sys_tty_config mknod lease audit_write audit_control setfcap mac_override mac_admin syslog "
    "wake_alarm block_suspend audit_read perfmon bpf checkpoint_restore").split()
ALL = (1 << len(CAPABILITIES)) - 1

PR_SET_DUMPABLE, PR_SET_KEEPCAPS, PR_SET_SECCOMP, PR_CAPBSET_DROP = 4, 8, 22, 24
PR_SET_TSC, PR_SET_SECUREBITS, PR_SET_NO_NEW_PRIVS, PR_SET_IO_FLUSHER = 26, 28, 38, 57
PR_SET_MDWE = 65
SYS_MODIFY_LDT, SYS_SET_MEMPOLICY, SYS_IOPRIO_SET, SYS_IOPRIO_GET = 154, 238, 251, 252
SYS_LANDLOCK_CREATE, SYS_LANDLOCK_RESTRICT = 444, 446


def check(result):
    """Raises what errno says if a call failed."""
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def prctl(option, *args):
    """prctl(2)."""
    args = [ctypes.c_ulong(arg) if isinstance(arg, int) else arg for arg in (*args, 0, 0, 0, 0)[:4]]
    return check(LIBC.prctl(option, *args))


def syscall(number, *args):
    """Any system call."""
    return check(LIBC.syscall(ctypes.c_long(number),
                              *(ctypes.c_long(arg) if isinstance(arg, int) else arg for arg in args)))


def mask(*names):
    """Capabilities as a set of bits."""
    return sum(1 << CAPABILITIES.index(name) for name in names)


def capset(effective, permitted, inheritable):
    """capset(2) of the caller."""
    header = struct.pack("=Ii", 0x20080522, 0)
    sets = (effective, permitted, inheritable)
    data = struct.pack("=6I", *(s & 0xFFFFFFFF for s in sets), *(s >> 32 for s in sets))
    check(LIBC.capset(header, data))


# What a caller may be made of.

def without(*names):
    """Has no longer these capabilities, and cannot get them back."""
    for name in names:
        prctl(PR_CAPBSET_DROP, CAPABILITIES.index(name))
    permitted_without(*names)


def permitted_without(*names):
    """The same, but they stay in the bounding set."""
    keep = ALL & ~mask(*names)
    capset(keep, keep, 0)


def user(uid, groups=(), caps=()):
    """An ordinary user, with these capabilities."""
    keep = mask(*caps)
    prctl(PR_SET_KEEPCAPS, 1)
    os.setgroups(list(groups))
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)
    capset(keep, keep, 0)
    prctl(PR_SET_KEEPCAPS, 0)
    prctl(PR_SET_DUMPABLE, 1)


def namespace_root(outside):
    """Root of a new user namespace in which nobody else has an id."""
    os.unshare(os.CLONE_NEWUSER)
    for name, text in (("setgroups", "deny"), ("uid_map", f"0 {outside} 1"), ("gid_map", f"0 {outside} 1")):
        with open(f"/proc/self/{name}", "w", encoding="ascii") as file:
            file.write(text)


def seccomp_filter():
    """Has a seccomp filter, which allows everything."""
    program = ctypes.create_string_buffer(struct.pack("=HBBI", 6, 0, 0, 0x7FFF0000), 8)
    prctl(PR_SET_SECCOMP, 2, struct.pack("=H6xQ", 1, ctypes.addressof(program)))


def landlock(denied):
    """Is in a Landlock domain that denies these accesses to files."""
    ruleset = syscall(SYS_LANDLOCK_CREATE, struct.pack("=Q", denied), 8, 0)
    syscall(SYS_LANDLOCK_RESTRICT, ruleset, 0)
    os.close(ruleset)


def local_table():
    """Has a segment in its local descriptor table."""
    syscall(SYS_MODIFY_LDT, 1, struct.pack("=4I", 0, 0x1000, 10, 1), 16)


def traced():
    """Is traced by its parent."""
    check(LIBC.ptrace(0, 0, None, None))


class Outcome:
    """How a call went: the name of an error or None, the kernel's words, the call's result."""

    def __init__(self, error, words, value):
        self.error, self.words, self.value = error, words, value


def ask(become, call):
    """Calls call(log_fd) in a child that has called become(). The child is gone afterwards."""
    here, there = os.pipe()
    log = os.memfd_create("log")
    child = os.fork()
    if not child:
        os.close(here)
        error = value = None
        try:
            become()
        except OSError as err:
            error = f"cannot become such a caller: {err}"
        try:
            value = value if error else call(log)
        except OSError as err:
            error = device.name(err)
        except Exception as err:  # pylint: disable=broad-exception-caught
            error = repr(err)
        os.write(there, json.dumps([error, value]).encode())
        os._exit(0)
    os.close(there)
    with open(here, "rb") as file:
        said = file.read()
    os.waitpid(child, 0)
    os.lseek(log, 0, os.SEEK_SET)
    with open(log, "rb") as file:
        words = file.read().decode(errors="replace").strip()
    error, value = json.loads(said) if said else ["died", None]
    return Outcome(error, words, value)


def status(pid):
    """/proc/PID/status, by name."""
    return proc.fields(proc.text(f"/proc/{pid}/status"))
