// SPDX-License-Identifier: GPL-2.0

//! System calls of 32-bit programs, which have other numbers, and times of another size.
//!
//! Most of them are calls of 64-bit programs with the same arguments, and what is to be done about a
//! thread that sleeps in one is the same. Those that are not known to be so are refused by their
//! number, and so is who may have done a part of what it is to do, or has a time-out of which only
//! the kernel knows.

use super::{
    call::*,
    syscall::{asleep_in_call, Asleep, Timed, F_SETLKW, IS_32_BIT, TT_NATIVE},
};
use cr_codec::uapi::*;
use cr_sys::task::TaskRef;
use zerocopy::IntoBytes;

const WAITPID: u32 = 7;
const IPC: u32 = 117;
const SIGSUSPEND: u32 = 72;
const OLD_SELECT: u32 = 82;
const SOCKETCALL: u32 = 102;
const NEW_SELECT: u32 = 142;
const NANOSLEEP_TIME32: u32 = 162;
const CLOCK_NANOSLEEP_TIME32: u32 = 267;
const PSELECT6_TIME32: u32 = 308;
const PPOLL_TIME32: u32 = 309;

const F_SETLKW64: u64 = 14;
/// The time left is written as a struct timespec of 32-bit members.
const TT_COMPAT: u64 = 2;

/// Those with the same arguments: the number, and that of 64-bit programs. Where times differ in size
/// there are two of them.
const SAME: &[(u32, u32)] = &[
    (0, RESTART_SYSCALL),
    (3, READ),
    (4, WRITE),
    (5, OPEN),
    (8, CREAT),
    (29, PAUSE),
    (114, WAIT4),
    (143, FLOCK),
    (145, READV),
    (146, WRITEV),
    (NANOSLEEP_TIME32, NANOSLEEP),
    (168, POLL),
    (177, RT_SIGTIMEDWAIT),
    (179, RT_SIGSUSPEND),
    (187, SENDFILE),
    (239, SENDFILE),
    (240, FUTEX),
    (256, EPOLL_WAIT),
    (CLOCK_NANOSLEEP_TIME32, CLOCK_NANOSLEEP),
    (279, MQ_TIMEDSEND),
    (280, MQ_TIMEDRECEIVE),
    (284, WAITID),
    (295, OPENAT),
    (PSELECT6_TIME32, PSELECT6),
    (PPOLL_TIME32, PPOLL),
    (313, SPLICE),
    (315, TEE),
    (316, VMSPLICE),
    (319, EPOLL_PWAIT),
    (337, RECVMMSG),
    (345, SENDMMSG),
    (362, CONNECT),
    (364, ACCEPT4),
    (369, SENDTO),
    (370, SENDMSG),
    (371, RECVFROM),
    (372, RECVMSG),
    (NEW_SELECT, SELECT),
    (400, MSGSND),
    (401, MSGRCV),
    (407, CLOCK_NANOSLEEP),
    (413, PSELECT6),
    (414, PPOLL),
    (417, RECVMMSG),
    (418, MQ_TIMEDSEND),
    (419, MQ_TIMEDRECEIVE),
    (420, SEMTIMEDOP),
    (421, RT_SIGTIMEDWAIT),
    (422, FUTEX),
    (441, EPOLL_PWAIT2),
    (449, FUTEX_WAITV),
    (455, FUTEX_WAIT_CALL),
];

/// Calls of socketcall(2): the number, that of 64-bit programs, and how many arguments it has.
const SOCKET_CALLS: &[(u64, u32, usize)] = &[
    (3, CONNECT, 3),
    (5, ACCEPT, 3),
    (9, SENDTO, 4),
    (10, RECVFROM, 4),
    (11, SENDTO, 6),
    (12, RECVFROM, 6),
    (16, SENDMSG, 3),
    (17, RECVMSG, 3),
    (18, ACCEPT4, 4),
    (19, RECVMMSG, 5),
    (20, SENDMMSG, 4),
];

/// The call of 64-bit programs that this one is.
pub(crate) fn native(task: &TaskRef, nr: u32, args: [u64; 6]) -> Option<(u32, [u64; 6])> {
    let [a, b, c, d, e, f] = args;
    match nr {
        WAITPID => Some((WAIT4, [a, b, c, 0, 0, 0])),
        SIGSUSPEND => Some((RT_SIGSUSPEND, [0; 6])),
        OLD_SELECT => Some((SELECT, words(task, a, 5)?)),
        SOCKETCALL => {
            let (_, native, len) = SOCKET_CALLS.iter().find(|(call, ..)| *call == a)?;
            Some((*native, words(task, b, *len)?))
        }
        // Above 16 bits it is the version of how the arguments come.
        IPC => match a & 0xffff {
            1 => Some((SEMOP, [b, e, c, 0, 0, 0])),
            4 => Some((SEMTIMEDOP, [b, e, c, f, 0, 0])),
            11 => Some((MSGSND, [b, e, c, d, 0, 0])),
            12 => Some((MSGRCV, [b, e, c, d, 0, 0])),
            _ => None,
        },
        // fcntl(2) and fcntl64(2).
        55 | 221 if b == F_SETLKW64 => Some((FCNTL, [a, F_SETLKW, c, 0, 0, 0])),
        55 | 221 => Some((FCNTL, args)),
        _ => {
            let (_, native) = SAME.iter().find(|(compat, _)| *compat == nr)?;
            Some((*native, args))
        }
    }
}

/// Arguments that a program has in its memory.
fn words(task: &TaskRef, addr: u64, len: usize) -> Option<[u64; 6]> {
    let mut words = [0_u32; 6];
    task.mm()?.copy(addr, words[..len].as_mut_bytes()).ok()?;
    Some(words.map(u64::from))
}

/// What to do about a thread that sleeps in such a call.
pub(crate) fn asleep_in(task: &TaskRef, nr: u32, args: [u64; 6]) -> Asleep {
    let refused = Asleep::Wait(CallName::Compat(nr));
    let Some((native, args)) = native(task, nr, args) else {
        return refused;
    };
    match asleep_in_call(task, native, args) {
        Asleep::LeaveFor(Timed::Block(CR_RESTART_NANOSLEEP, args)) => {
            Asleep::LeaveFor(Timed::Block(CR_RESTART_NANOSLEEP, time_left(nr, args)))
        }
        Asleep::LeaveFor(Timed::Rewritten(timeout)) => {
            Asleep::LeaveFor(Timed::Rewritten(sized(nr, timeout)))
        }
        Asleep::LeaveFor(Timed::RewrittenWithSets(timeout)) => {
            Asleep::LeaveFor(Timed::RewrittenWithSets(sized(nr, timeout)))
        }
        // It is not issued again for it, and would come back with a part.
        Asleep::LeaveFor(Timed::Finished) | Asleep::LeaveWaiting | Asleep::WakeHalfway(..) => {
            refused
        }
        Asleep::Wake if !ends_alone(native) => refused,
        Asleep::Wait(why @ CallName::NoRestart(_)) => Asleep::Wait(why),
        Asleep::Wait(_) => refused,
        other => other,
    }
}

/// Whether a call that is interrupted leaves behind what it goes on with by itself.
fn ends_alone(native: u32) -> bool {
    matches!(
        native,
        RESTART_SYSCALL | CLOCK_NANOSLEEP | SENDFILE | SPLICE
    )
}

/// Arguments of a restart block, with the size that the time left has.
fn time_left(nr: u32, [clock, address, kind, d, e]: [u64; 5]) -> [u64; 5] {
    let kind = match (nr, kind) {
        (NANOSLEEP_TIME32 | CLOCK_NANOSLEEP_TIME32, TT_NATIVE) => TT_COMPAT,
        (_, kind) => kind,
    };
    [clock, address, kind, d, e]
}

/// A time-out in memory, with its size.
fn sized(nr: u32, [address, kind]: [u64; 2]) -> [u64; 2] {
    match nr {
        OLD_SELECT | NEW_SELECT | PSELECT6_TIME32 | PPOLL_TIME32 => [address, kind | IS_32_BIT],
        _ => [address, kind],
    }
}
