// SPDX-License-Identifier: GPL-2.0

//! System calls in progress.
//!
//! A call that a thread sleeps in has either done nothing yet that cannot be done again, or it has.
//! In the first case the thread is left asleep while it is held, and after a restart the call is
//! issued again, with the same rules about signals as if it had been interrupted; if it has a
//! time-out, the kernel's timers tell what is left of it, and the kernel's own restart mechanism
//! makes it go on: see `restart_syscall(2)`. In the second case, the call is interrupted.
//!
//! Documentation/system-calls.rst has the table for users.

use crate::{
    hold::Standing,
    report::{fail, Result},
    state::{call::CallName, compat, regs::REG_AX},
    tree::Thread,
};
use cr_codec::uapi::*;
use cr_sys::{
    build,
    call::*,
    file::{FileRef, FileType},
    park::Interrupted,
    socket::SocketSleep,
    task::TaskRef,
    tty::TtyRead,
};
use kernel::prelude::*;
use zerocopy::IntoBytes;

/// What to do about a thread that sleeps in a system call.
#[derive(Clone, Copy)]
pub(crate) enum Asleep {
    /// Leave it there. An interrupted call would return this.
    Leave(i32),
    /// The same, and the call ends by itself at some point in time.
    LeaveUntil(i32),
    /// The same, and interrupted, it would not be issued again: it waits on at restart.
    LeaveWaiting,
    /// Leave it there, and remember for how long it was going to sleep.
    LeaveFor(Timed),
    /// Interrupt the call: it leaves behind all that is needed to go on.
    Wake,
    /// The same, of a call on this descriptor that may end by itself with a part, or when its time is up.
    WakeHalfway(u32, &'static str),
    /// Wait until it returns by itself; it is an error when it does not.
    Wait(CallName),
}

impl Asleep {
    /// Whether the call is interrupted, in a container that `dies`.
    pub(crate) fn is_woken(self, dies: bool) -> bool {
        match self {
            Self::Wake | Self::WakeHalfway(..) => true,
            Self::LeaveFor(Timed::RewrittenWithSets(_)) => dies,
            _ => false,
        }
    }
}

/// A call that goes on with the time that is left, and how.
#[derive(Clone, Copy)]
pub(crate) enum Timed {
    /// As the kernel's own restart blocks do it.
    Block(u32, [u64; 5]),
    /// It is issued again, and finds the time that is left where it has found the time-out: the
    /// address, and [`IS_TIMEVAL`], [`IS_32_BIT`].
    Rewritten([u64; 2]),
    /// The same, and when it ends it overwrites the sets of descriptors that it was given: it
    /// must not end before memory is saved.
    RewrittenWithSets([u64; 2]),
    /// It is issued again without its time-out, which is not for writing, and ended in time.
    Finished,
}

impl Timed {
    /// Whether the call changes something when it ends, so that it must not before all is saved.
    pub(crate) fn leaves_traces(self) -> bool {
        matches!(self, Self::RewrittenWithSets(_) | Self::Finished)
    }
}

/// Issued again unless a signal handler without SA_RESTART has run.
const ERESTARTSYS: i32 = -512;
/// Issued again in any case.
const ERESTARTNOINTR: i32 = -513;
/// Issued again unless a signal handler has run.
const ERESTARTNOHAND: i32 = -514;
/// Continued by restart_syscall(2).
const ERESTART_RESTARTBLOCK: i32 = -516;
const EINTR_RESULT: i32 = -4;
const EAGAIN_RESULT: i64 = -11;

const MSG_WAITALL: u64 = 0x100;
const MSG_NOSIGNAL: u64 = 0x4000;
const MSG_WAITFORONE: u64 = 0x1_0000;
const MSG_CMSG_CLOEXEC: u64 = 0x4000_0000;
const O_CREAT_EXCL: u64 = 0o300;
const IORING_ENTER_GETEVENTS: u32 = 1;
const IORING_ENTER_REGISTERED_RING: u32 = 1 << 4;
/// A time that does not come.
const FOR_EVER_NS: u64 = i64::MAX as u64;
const F_OFD_SETLKW: u64 = 38;
const FUTEX_COMMAND: u64 = 0x7f;
const FUTEX_PRIVATE_FLAG: u64 = 0x80;
const FUTEX_WAIT: u64 = 0;
const FUTEX_LOCK_PI: u64 = 6;
const FUTEX_WAIT_BITSET: u64 = 9;
const FUTEX_WAIT_REQUEUE_PI: u64 = 11;
const FUTEX_LOCK_PI2: u64 = 13;
const TIMER_ABSTIME: u64 = 1;
const CLOCK_REALTIME: u64 = 0;
const CLOCK_MONOTONIC: u64 = 1;
const CLOCK_BOOTTIME: u64 = 7;
const CLOCK_TAI: u64 = 11;
/// Time left is only written to where there is something.
const TT_NONE: u64 = 0;
pub(crate) const TT_NATIVE: u64 = 1;
/// What is at an address where a call finds its time-out, else a struct timespec of 64-bit members.
const IS_TIMEVAL: u64 = 1;
pub(crate) const IS_32_BIT: u64 = 2;
/// `kernel/futex/futex.h`: FLAGS_SIZE_32, FLAGS_HAS_TIMEOUT and FLAGS_SHARED.
const FLAGS_OF_WAIT: u64 = 0x42;
const FLAGS_SHARED: u64 = 0x10;
const FUTEX_BITSET_MATCH_ANY: u64 = 0xffff_ffff;
/// select(2) and the like leave the time-out alone, and cannot go on, therefore.
const STICKY_TIMEOUTS: u32 = 0x400_0000;

/// A pipe takes that much as a whole or not at all.
const PIPE_BUF: u64 = 4096;

/// Looks up what to do about a thread that is in an interruptible sleep.
pub(crate) fn asleep_in(task: &TaskRef) -> Asleep {
    let Some((nr, args)) = task.syscall() else {
        return Asleep::Wait(CallName::NoCall);
    };
    match task.is_in_compat_call() {
        true => compat::asleep_in(task, nr),
        false => asleep_in_call(task, nr, args),
    }
}

/// The same by the number and the arguments that 64-bit programs have for the call.
pub(crate) fn asleep_in_call(task: &TaskRef, nr: u32, args: [u64; 6]) -> Asleep {
    let [a, b, c, d, e, _] = args;
    let file_type = |fd| file_of(task, fd).map_or(FileType::Regular, |file| file.read_type());
    match nr {
        _ if task.goes_on() => Asleep::WakeHalfway(a as u32, "read"),
        READ | READV if rest_of_stream(task, a, 0) => reading_stream(task, a, 0, "read"),
        RECVFROM if rest_of_stream(task, a, d) => reading_stream(task, a, e, "recvfrom"),
        RECVMSG if rest_of_stream(task, a, c) && is_plain_message(task, b) => {
            reading_stream(task, a, 0, "recvmsg")
        }
        READ | READV if is_socket(file_type(a)) => receiving(task, a, 0, "read"),
        // It may have told others already.
        WRITE | WRITEV | SENDTO | SENDMSG | SENDMMSG if file_type(a) == FileType::Netlink => {
            Asleep::Wait(CallName::Name("sendmsg"))
        }
        WRITE | WRITEV if is_socket(file_type(a)) => sending(task, a, true, "write"),
        READ | READV | WRITE | WRITEV => match (nr, file_type(a)) {
            // Nothing has been taken from an empty pipe, or put into a full one that takes all of
            // it or nothing. Something else is external, or refused later.
            (READ | READV, FileType::Pipe) => Asleep::Leave(ERESTARTSYS),
            (WRITE, FileType::Pipe) if c <= PIPE_BUF => Asleep::Leave(ERESTARTSYS),
            (READ, FileType::Inotify | FileType::Fanotify) => Asleep::Leave(ERESTARTSYS),
            // These may be half done, and say how far they are when they are interrupted.
            (READ | READV, FileType::Other) => Asleep::Leave(ERESTARTSYS),
            // All of it or nothing.
            (_, FileType::EventFd | FileType::TimerFd | FileType::SignalFd) => {
                Asleep::Leave(ERESTARTSYS)
            }
            (READ | READV, FileType::Terminal) => reading_terminal(task, a),
            (
                _,
                FileType::Pipe
                | FileType::Terminal
                | FileType::Inotify
                | FileType::Fanotify
                | FileType::Other,
            ) => Asleep::Wake,
            // On a disk, or a file server: it does not take long.
            (READ | READV, _) => Asleep::Wait(CallName::Name("read")),
            _ => Asleep::Wait(CallName::Name("write")),
        },

        // Who creates a file may have done so already.
        OPEN if b & O_CREAT_EXCL == O_CREAT_EXCL => Asleep::Wait(CallName::Name("open")),
        OPENAT if c & O_CREAT_EXCL == O_CREAT_EXCL => Asleep::Wait(CallName::Name("openat")),
        // The other end of a fifo is not open yet, or somebody else has a lease of the file.
        OPEN | OPENAT | CREAT => Asleep::Leave(ERESTARTSYS),

        // A negative time-out is none.
        POLL if (c as i32) < 0 => Asleep::Leave(ERESTARTNOHAND),
        SELECT | PSELECT6 if e == 0 => Asleep::Leave(ERESTARTNOHAND),
        PPOLL if c == 0 => Asleep::Leave(ERESTARTNOHAND),
        POLL => restarted(task, "poll", CR_RESTART_POLL, [a, b & 0xffff_ffff, 1, 0, 0]),
        SELECT => Asleep::LeaveFor(Timed::RewrittenWithSets([e, IS_TIMEVAL])),
        PSELECT6 => Asleep::LeaveFor(Timed::RewrittenWithSets([e, 0])),
        PPOLL => Asleep::LeaveFor(Timed::Rewritten([c, 0])),

        WAIT4 | WAITID => Asleep::Leave(ERESTARTSYS),
        PAUSE | RT_SIGSUSPEND => Asleep::Leave(ERESTARTNOHAND),
        RT_SIGTIMEDWAIT if c == 0 => Asleep::Leave(ERESTARTNOHAND),
        RT_SIGTIMEDWAIT => Asleep::LeaveFor(Timed::Finished),
        // A negative time-out is none.
        EPOLL_WAIT | EPOLL_PWAIT if (d as i32) < 0 => Asleep::Leave(ERESTARTNOHAND),
        EPOLL_PWAIT2 if d == 0 => Asleep::Leave(ERESTARTNOHAND),
        EPOLL_WAIT | EPOLL_PWAIT | EPOLL_PWAIT2 => Asleep::LeaveFor(Timed::Finished),
        // Events that were fetched already are in its memory, and counted nowhere else.
        IO_GETEVENTS | IO_PGETEVENTS if !task.waits_for_all_aio(a, b) => {
            Asleep::Wait(CallName::Name("io_getevents"))
        }
        IO_GETEVENTS | IO_PGETEVENTS if e == 0 => Asleep::Leave(ERESTARTNOHAND),
        IO_GETEVENTS | IO_PGETEVENTS => Asleep::LeaveFor(Timed::Finished),
        // Requests that it has submitted are so still: it sleeps only when all of them are.
        IO_URING_ENTER if d as u32 & !IORING_ENTER_REGISTERED_RING == IORING_ENTER_GETEVENTS => {
            match b as u32 {
                0 => Asleep::Leave(ERESTARTNOHAND),
                _ => Asleep::LeaveWaiting,
            }
        }
        IO_URING_ENTER => Asleep::Wait(CallName::Name("io_uring_enter")),
        // All of it or nothing, as for messages.
        SEMOP | MSGSND | MSGRCV => Asleep::Leave(ERESTARTNOHAND),
        SEMTIMEDOP if d == 0 => Asleep::Leave(ERESTARTNOHAND),
        SEMTIMEDOP => Asleep::LeaveFor(Timed::Finished),
        MQ_TIMEDSEND | MQ_TIMEDRECEIVE if e == 0 => Asleep::Leave(ERESTARTSYS),
        // The time-out is absolute.
        MQ_TIMEDSEND | MQ_TIMEDRECEIVE => Asleep::LeaveUntil(ERESTARTSYS),
        FCNTL if matches!(b, F_SETLKW | F_OFD_SETLKW) => Asleep::Leave(ERESTARTSYS),
        FLOCK => Asleep::Leave(ERESTARTSYS),

        NANOSLEEP => nanosleep(task, "nanosleep", CLOCK_MONOTONIC, b),
        CLOCK_NANOSLEEP if b & TIMER_ABSTIME != 0 => Asleep::LeaveUntil(ERESTARTNOHAND),
        // CPU time passes for others only. When it is up is known once the call is interrupted.
        CLOCK_NANOSLEEP
            if !matches!(
                a,
                CLOCK_REALTIME | CLOCK_MONOTONIC | CLOCK_BOOTTIME | CLOCK_TAI
            ) =>
        {
            match task.may_restart_syscalls() {
                true => Asleep::Wake,
                false => Asleep::Wait(CallName::NoRestart("clock_nanosleep")),
            }
        }
        // Setting the clock has no influence on a relative sleep.
        CLOCK_NANOSLEEP if a == CLOCK_REALTIME => {
            nanosleep(task, "clock_nanosleep", CLOCK_MONOTONIC, d)
        }
        CLOCK_NANOSLEEP => nanosleep(task, "clock_nanosleep", a, d),
        FUTEX => match (b & FUTEX_COMMAND, d) {
            (FUTEX_WAIT | FUTEX_WAIT_BITSET, 0) => Asleep::Leave(ERESTARTSYS),
            // The time-out is absolute.
            (FUTEX_WAIT_BITSET, _) => Asleep::LeaveUntil(ERESTARTNOHAND),
            (FUTEX_LOCK_PI | FUTEX_LOCK_PI2, 0) => Asleep::Leave(ERESTARTNOINTR),
            (FUTEX_LOCK_PI | FUTEX_LOCK_PI2, _) => Asleep::LeaveUntil(ERESTARTNOINTR),
            // Whoever waits for the lock that it was requeued to was woken already.
            (FUTEX_WAIT_REQUEUE_PI, _) if task.waits_for_pi_lock() => {
                Asleep::Wait(CallName::Name("futex"))
            }
            (FUTEX_WAIT_REQUEUE_PI, 0) => Asleep::Leave(ERESTARTNOINTR),
            (FUTEX_WAIT_REQUEUE_PI, _) => Asleep::LeaveUntil(ERESTARTNOINTR),
            (FUTEX_WAIT, _) => {
                let shared = match b & FUTEX_PRIVATE_FLAG {
                    0 => FLAGS_SHARED,
                    _ => 0,
                };
                let (value, flags) = (c & 0xffff_ffff, FLAGS_OF_WAIT | shared);
                let args = [a, value, flags, FUTEX_BITSET_MATCH_ANY, 1];
                restarted(task, "futex", CR_RESTART_FUTEX, args)
            }
            _ => Asleep::Wait(CallName::Name("futex")),
        },
        FUTEX_WAITV if d == 0 => Asleep::Leave(ERESTARTSYS),
        FUTEX_WAIT_CALL if e == 0 => Asleep::Leave(ERESTARTSYS),
        FUTEX_WAITV | FUTEX_WAIT_CALL => Asleep::LeaveUntil(ERESTARTSYS),
        RESTART_SYSCALL => Asleep::Wake,

        RECVFROM if is_socket(file_type(a)) => receiving(task, a, d, "recvfrom"),
        RECVMSG if is_socket(file_type(a)) => receiving(task, a, c, "recvmsg"),
        RECVMMSG if is_socket(file_type(a)) => receiving_many(task, a, d, e),
        SENDMMSG if is_socket(file_type(a)) => sending_many(task, a, d),
        SENDTO if is_socket(file_type(a)) => {
            sending(task, a, d & !MSG_NOSIGNAL == 0 && e == 0, "sendto")
        }
        SENDMSG if is_socket(file_type(a)) => {
            let plain = c & !MSG_NOSIGNAL == 0 && is_plain_message(task, b);
            sending(task, a, plain, "sendmsg")
        }
        ACCEPT | ACCEPT4 if is_socket(file_type(a)) => receiving(task, a, 0, "accept"),
        CONNECT if file_type(a) == FileType::Socket => connecting(task, a),

        // Until a pipe has room, or something in it, these have done nothing. After that they
        // return what they have done.
        TEE | VMSPLICE => Asleep::Leave(ERESTARTSYS),
        SENDFILE if file_type(a) == FileType::Pipe => Asleep::Leave(ERESTARTSYS),
        SPLICE if file_type(c) == FileType::Pipe => Asleep::Leave(ERESTARTSYS),
        SPLICE if (file_type(a), file_type(c)) == (FileType::Pipe, FileType::Regular) => {
            Asleep::Leave(ERESTARTSYS)
        }
        SENDFILE | SPLICE => Asleep::Wake,
        nr => Asleep::Wait(CallName::Number(nr)),
    }
}

/// Whether the call that a thread has just come from, which was [`Timed::Finished`], has ended since
/// its time was over.
pub(crate) fn has_timed_out(task: &TaskRef) -> bool {
    let timed_out = match task.native_call() {
        Some((EPOLL_WAIT | EPOLL_PWAIT | EPOLL_PWAIT2 | IO_GETEVENTS | IO_PGETEVENTS, _)) => 0,
        // There is nothing in a terminal.
        Some((READ | READV, [a, ..])) if is_terminal(task, a) => 0,
        // The others: in a socket, too.
        _ => EAGAIN_RESULT,
    };
    task.syscall_result() == Some(timed_out)
}

/// Who waits for input. A read that is to get several characters may have taken some, and has if it
/// ends by itself, since its time begins with the first.
fn reading_terminal(task: &TaskRef, fd: u64) -> Asleep {
    let Some((reads, timeout)) = file_of(task, fd).and_then(|file| file.tty_reads()) else {
        return Asleep::Wake;
    };
    match (reads, timeout, task.timeout_left()) {
        (TtyRead::One, _, None) | (TtyRead::Many, Some(_), None) => Asleep::Leave(ERESTARTSYS),
        (TtyRead::Time, Some(timeout), Some(left)) if left <= timeout => {
            Asleep::LeaveFor(Timed::Finished)
        }
        (TtyRead::Many, None, None) => Asleep::WakeHalfway(fd as u32, "read"),
        (TtyRead::Many, Some(timeout), Some(left)) if left <= timeout => {
            Asleep::WakeHalfway(fd as u32, "read")
        }
        // The terminal has got other settings since.
        _ => Asleep::Wait(CallName::Name("read")),
    }
}

/// The file that an argument of a call names.
fn file_of(task: &TaskRef, fd: u64) -> Option<FileRef> {
    task.file(u32::try_from(fd).ok()?)
}

fn is_terminal(task: &TaskRef, fd: u64) -> bool {
    file_of(task, fd).is_some_and(|file| file.tty().is_some())
}

fn is_socket(kind: FileType) -> bool {
    matches!(
        kind,
        FileType::Socket | FileType::Inet | FileType::Netlink | FileType::Packet
    )
}

/// Who waits for something in a socket, with these flags of recv(2). Messages come as a whole.
fn receiving(task: &TaskRef, fd: u64, flags: u64, name: &'static str) -> Asleep {
    match socket_sleep(task, fd, false) {
        Some(sleep) if !sleep.is_partial && (!sleep.is_stream || flags & MSG_WAITALL == 0) => {
            until_timeout(task, &sleep, name)
        }
        _ => Asleep::Wait(CallName::Name(name)),
    }
}

/// Flags of calls that go on with the rest, if they are interrupted: see `rust/sys/shim/rest.c`.
const REST_FLAGS: u64 = MSG_WAITALL | MSG_NOSIGNAL | MSG_CMSG_CLOEXEC;

/// Whether somebody who waits for something in a socket is to get so much of a stream, and may have a
/// part of it.
fn rest_of_stream(task: &TaskRef, fd: u64, flags: u64) -> bool {
    flags & !REST_FLAGS == 0
        && file_of(task, fd).is_some_and(|file| {
            let is_partial = file.socket_sleep(false).is_partial;
            file.has_rest() && (is_partial || flags & MSG_WAITALL != 0)
        })
}

/// Who is to get so much of a stream. Its address is told with the first part, if somebody wants it.
fn reading_stream(task: &TaskRef, fd: u64, address: u64, name: &'static str) -> Asleep {
    let file = file_of(task, fd);
    let timeout = file
        .as_ref()
        .and_then(|file| file.socket_sleep(false).timeout);
    match (timeout, file.map(|file| file.read_type())) {
        (None, Some(FileType::Inet)) => Asleep::Wake,
        (None, _) => Asleep::WakeHalfway(fd as u32, name),
        (Some(_), _) if address == 0 => until_rest(task, fd, timeout, name),
        _ => Asleep::Wait(CallName::Name(name)),
    }
}

/// Who may have done a part of what it is to do in a socket until its time is up.
fn until_rest(task: &TaskRef, fd: u64, timeout: Option<u64>, name: &'static str) -> Asleep {
    match (task.timeout_left(), timeout) {
        (Some(left), Some(timeout)) if left <= timeout => Asleep::WakeHalfway(fd as u32, name),
        // The socket has got another one since.
        _ => Asleep::Wait(CallName::Name(name)),
    }
}

/// Whether a struct msghdr has no address and no control data.
fn is_plain_message(task: &TaskRef, addr: u64) -> bool {
    let (mut words, mut words32) = ([0_u64; 7], [0_u32; 7]);
    let is_compat = task.is_in_compat_call();
    let bytes = match is_compat {
        false => words.as_mut_bytes(),
        true => words32.as_mut_bytes(),
    };
    let copied = task.mm().map(|mm| mm.copy(addr, bytes));
    if is_compat {
        words = words32.map(u64::from);
    }
    let [_, name_len, _, _, _, control_len, _] = words;
    copied.is_some_and(|copied| copied.is_ok()) && name_len as u32 == 0 && control_len == 0
}

/// Who waits for messages, and may have some.
fn receiving_many(task: &TaskRef, fd: u64, flags: u64, timeout: u64) -> Asleep {
    match socket_sleep(task, fd, false) {
        Some(sleep) if timeout == 0 && sleep.timeout.is_none() && !sleep.is_partial => {
            match flags {
                // It waits for the first one alone.
                MSG_WAITFORONE => Asleep::Leave(ERESTARTSYS),
                flags if flags & !REST_FLAGS == 0 => Asleep::Wake,
                _ => Asleep::Wait(CallName::Name("recvmmsg")),
            }
        }
        _ => Asleep::Wait(CallName::Name("recvmmsg")),
    }
}

/// Who waits for room for messages, and may have sent some.
fn sending_many(task: &TaskRef, fd: u64, flags: u64) -> Asleep {
    match socket_sleep(task, fd, true) {
        Some(sleep) if flags & !REST_FLAGS == 0 && sleep.timeout.is_none() && !sleep.is_partial => {
            Asleep::Wake
        }
        _ => Asleep::Wait(CallName::Name("sendmmsg")),
    }
}

/// Who waits for room in a socket: a stream may have taken a part.
fn sending(task: &TaskRef, fd: u64, plain: bool, name: &'static str) -> Asleep {
    match socket_sleep(task, fd, true) {
        Some(sleep) if !sleep.is_partial => until_timeout(task, &sleep, name),
        Some(sleep) if sleep.timeout.is_none() => Asleep::Wake,
        Some(sleep) if plain => until_rest(task, fd, sleep.timeout, name),
        _ => Asleep::Wait(CallName::Name(name)),
    }
}

/// Who waits to be connected: as long as it does, it is not.
fn connecting(task: &TaskRef, fd: u64) -> Asleep {
    match socket_sleep(task, fd, true) {
        Some(sleep) => until_timeout(task, &sleep, "connect"),
        None => Asleep::Wait(CallName::Name("connect")),
    }
}

fn socket_sleep(task: &TaskRef, fd: u64, send: bool) -> Option<SocketSleep> {
    Some(file_of(task, fd)?.socket_sleep(send))
}

/// Who has done nothing in a socket yet.
fn until_timeout(task: &TaskRef, sleep: &SocketSleep, name: &'static str) -> Asleep {
    match (task.timeout_left(), sleep.timeout) {
        (None, None) => Asleep::Leave(ERESTARTSYS),
        // Issued again, it has that of the socket, and is interrupted when it is over.
        (Some(left), Some(timeout)) if left <= timeout => Asleep::LeaveFor(Timed::Finished),
        // The socket has got another one since.
        _ => Asleep::Wait(CallName::Name(name)),
    }
}

fn nanosleep(task: &TaskRef, name: &'static str, clock: u64, left: u64) -> Asleep {
    let kind = match left {
        0 => TT_NONE,
        _ => TT_NATIVE,
    };
    restarted(task, name, CR_RESTART_NANOSLEEP, [clock, left, kind, 0, 0])
}

/// A call that goes on by restart_syscall(2), which a seccomp filter is asked about as well.
fn restarted(task: &TaskRef, name: &'static str, kind: u32, args: [u64; 5]) -> Asleep {
    match task.may_restart_syscalls() {
        true => Asleep::LeaveFor(Timed::Block(kind, args)),
        false => Asleep::Wait(CallName::NoRestart(name)),
    }
}

/// Makes the saved state of a thread that was left asleep that of one whose call was interrupted.
pub(crate) fn interrupt(
    thread: &Thread,
    record: &mut cr_img_thread,
    regs: &mut cr_img_regs,
) -> Result {
    record.flags |= CR_THREAD_IN_SYSCALL;
    record.restart_kind = CR_RESTART_NONE;
    record.restart_arg = [0; 5];
    record.restart_ns = 0;
    if let Standing::InVfork(child, result) = thread.standing {
        record.restart_kind = CR_RESTART_VFORK;
        record.restart_arg[0] = u64::from(child);
        regs.reg[REG_AX] = u64::from(result);
        return Ok(());
    }
    let result = match (asleep_in(&thread.task), thread.standing) {
        (Asleep::Leave(result) | Asleep::LeaveUntil(result), _) => result,
        (Asleep::LeaveFor(Timed::Block(kind, args)), Standing::AsleepFor(left)) => {
            (record.restart_kind, record.restart_arg) = (kind, args);
            record.restart_ns = left;
            ERESTART_RESTARTBLOCK
        }
        (Asleep::LeaveWaiting, _) => {
            record.restart_kind = CR_RESTART_WAIT;
            record.restart_ns = FOR_EVER_NS;
            EINTR_RESULT
        }
        (Asleep::LeaveFor(Timed::Finished), Standing::AsleepFor(left)) => {
            record.restart_kind = CR_RESTART_WAIT;
            record.restart_ns = left;
            EINTR_RESULT
        }
        (Asleep::LeaveFor(_), _) if record.personality & STICKY_TIMEOUTS != 0 => EINTR_RESULT,
        (
            Asleep::LeaveFor(
                Timed::Rewritten([address, kind]) | Timed::RewrittenWithSets([address, kind]),
            ),
            Standing::AsleepFor(left),
        ) => {
            record.restart_kind = CR_RESTART_SELECT;
            record.restart_arg = [address, kind, 0, 0, 0];
            record.restart_ns = left;
            ERESTARTNOHAND
        }
        _ => fail!(EAGAIN, "was woken during the checkpoint: try again"),
    };
    regs.reg[REG_AX] = i64::from(result) as u64;
    // It says so itself only when it is interrupted.
    if matches!(thread.task.native_call(), Some((RT_SIGSUSPEND, _))) {
        record.flags |= CR_THREAD_RESTORE_SIGMASK;
    }
    Ok(())
}

/// Tells the call that the current thread is in how much time it has left.
pub(crate) fn restore_time_left(thread: &cr_img_thread) {
    if thread.restart_kind != CR_RESTART_SELECT {
        return;
    }
    let [address, kind, ..] = thread.restart_arg;
    // Rather too late than too early.
    let (part, per_second) = match kind & IS_TIMEVAL {
        0 => (1, 1_000_000_000),
        _ => (1_000, 1_000_000),
    };
    let left = thread.restart_ns.div_ceil(part);
    let time = [left / per_second, left % per_second];
    // In read-only memory, it is a constant of the program: then it begins again.
    let _ = match kind & IS_32_BIT {
        0 => build::write_user(address, time.as_bytes()),
        _ => build::write_user(address, time.map(|part| part as u32).as_bytes()),
    };
}

/// The call that a thread goes on with: in one with a time-out that is issued again for it, it waits
/// so long.
pub(crate) fn interrupted(thread: &cr_img_thread) -> Option<Interrupted> {
    let is_in = |flag| thread.flags & flag != 0;
    is_in(CR_THREAD_IN_SYSCALL).then(|| Interrupted {
        is_compat: is_in(CR_THREAD_COMPAT_CALL),
        wait_left: (thread.restart_kind == CR_RESTART_WAIT).then_some(thread.restart_ns),
    })
}

/// The child that a thread waits for in vfork(2), until that one gives up its memory.
pub(crate) fn vfork_child(thread: &cr_img_thread) -> Option<u64> {
    (thread.restart_kind == CR_RESTART_VFORK).then_some(thread.restart_arg[0])
}
