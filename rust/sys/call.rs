// SPDX-License-Identifier: GPL-2.0

//! System calls by their numbers. Those of 32-bit programs have other ones, and are calls of 64-bit
//! programs otherwise, most of them with the same arguments.

#![allow(missing_docs)]

use crate::task::TaskRef;
use zerocopy::IntoBytes;

pub const READ: u32 = 0;
pub const WRITE: u32 = 1;
pub const OPEN: u32 = 2;
pub const POLL: u32 = 7;
pub const READV: u32 = 19;
pub const WRITEV: u32 = 20;
pub const SELECT: u32 = 23;
pub const PAUSE: u32 = 34;
pub const NANOSLEEP: u32 = 35;
pub const SENDFILE: u32 = 40;
pub const CONNECT: u32 = 42;
pub const ACCEPT: u32 = 43;
pub const SENDTO: u32 = 44;
pub const RECVFROM: u32 = 45;
pub const SENDMSG: u32 = 46;
pub const RECVMSG: u32 = 47;
pub const WAIT4: u32 = 61;
pub const SEMOP: u32 = 65;
pub const MSGSND: u32 = 69;
pub const MSGRCV: u32 = 70;
pub const FCNTL: u32 = 72;
pub const FLOCK: u32 = 73;
pub const CREAT: u32 = 85;
pub const RT_SIGTIMEDWAIT: u32 = 128;
pub const RT_SIGSUSPEND: u32 = 130;
pub const FUTEX: u32 = 202;
pub const RESTART_SYSCALL: u32 = 219;
pub const IO_GETEVENTS: u32 = 208;
pub const SEMTIMEDOP: u32 = 220;
pub const CLOCK_NANOSLEEP: u32 = 230;
pub const EPOLL_WAIT: u32 = 232;
pub const MQ_TIMEDSEND: u32 = 242;
pub const MQ_TIMEDRECEIVE: u32 = 243;
pub const WAITID: u32 = 247;
pub const OPENAT: u32 = 257;
pub const RECVMMSG: u32 = 299;
pub const SENDMMSG: u32 = 307;
pub const PSELECT6: u32 = 270;
pub const PPOLL: u32 = 271;
pub const SPLICE: u32 = 275;
pub const TEE: u32 = 276;
pub const VMSPLICE: u32 = 278;
pub const EPOLL_PWAIT: u32 = 281;
pub const EPOLL_PWAIT2: u32 = 441;
pub const ACCEPT4: u32 = 288;
pub const IO_PGETEVENTS: u32 = 333;
pub const IO_URING_ENTER: u32 = 426;
pub const FUTEX_WAITV: u32 = 449;
/// futex_wait(2), not the operation of futex(2).
pub const FUTEX_WAIT_CALL: u32 = 455;

// Those of 32-bit programs.
const WAITPID: u32 = 7;
const IPC: u32 = 117;
const SIGSUSPEND: u32 = 72;
pub const OLD_SELECT: u32 = 82;
const SOCKETCALL: u32 = 102;
pub const NEW_SELECT: u32 = 142;
pub const NANOSLEEP_TIME32: u32 = 162;
pub const CLOCK_NANOSLEEP_TIME32: u32 = 267;
pub const PSELECT6_TIME32: u32 = 308;
pub const PPOLL_TIME32: u32 = 309;

/// Commands of fcntl(2).
pub const F_SETLKW: u64 = 7;
const F_SETLKW64: u64 = 14;

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
fn native(task: &TaskRef, nr: u32, args: [u64; 6]) -> Option<(u32, [u64; 6])> {
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

impl TaskRef {
    /// The call that it is in, with the number and the arguments that 64-bit programs have for it.
    pub fn native_call(&self) -> Option<(u32, [u64; 6])> {
        let (nr, args) = self.syscall()?;
        match self.is_in_compat_call() {
            true => native(self, nr, args),
            false => Some((nr, args)),
        }
    }
}
