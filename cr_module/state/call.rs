// SPDX-License-Identifier: GPL-2.0

//! System calls by their numbers, and by their names, which people are told.

pub(crate) const READ: u32 = 0;
pub(crate) const WRITE: u32 = 1;
pub(crate) const OPEN: u32 = 2;
pub(crate) const POLL: u32 = 7;
pub(crate) const READV: u32 = 19;
pub(crate) const WRITEV: u32 = 20;
pub(crate) const SELECT: u32 = 23;
pub(crate) const PAUSE: u32 = 34;
pub(crate) const NANOSLEEP: u32 = 35;
pub(crate) const SENDFILE: u32 = 40;
pub(crate) const CONNECT: u32 = 42;
pub(crate) const ACCEPT: u32 = 43;
pub(crate) const SENDTO: u32 = 44;
pub(crate) const RECVFROM: u32 = 45;
pub(crate) const SENDMSG: u32 = 46;
pub(crate) const RECVMSG: u32 = 47;
pub(crate) const WAIT4: u32 = 61;
pub(crate) const SEMOP: u32 = 65;
pub(crate) const MSGSND: u32 = 69;
pub(crate) const MSGRCV: u32 = 70;
pub(crate) const FCNTL: u32 = 72;
pub(crate) const FLOCK: u32 = 73;
pub(crate) const CREAT: u32 = 85;
pub(crate) const RT_SIGTIMEDWAIT: u32 = 128;
pub(crate) const RT_SIGSUSPEND: u32 = 130;
pub(crate) const FUTEX: u32 = 202;
pub(crate) const RESTART_SYSCALL: u32 = 219;
pub(crate) const IO_GETEVENTS: u32 = 208;
pub(crate) const SEMTIMEDOP: u32 = 220;
pub(crate) const CLOCK_NANOSLEEP: u32 = 230;
pub(crate) const EPOLL_WAIT: u32 = 232;
pub(crate) const MQ_TIMEDSEND: u32 = 242;
pub(crate) const MQ_TIMEDRECEIVE: u32 = 243;
pub(crate) const WAITID: u32 = 247;
pub(crate) const OPENAT: u32 = 257;
pub(crate) const RECVMMSG: u32 = 299;
pub(crate) const SENDMMSG: u32 = 307;
pub(crate) const PSELECT6: u32 = 270;
pub(crate) const PPOLL: u32 = 271;
pub(crate) const SPLICE: u32 = 275;
pub(crate) const TEE: u32 = 276;
pub(crate) const VMSPLICE: u32 = 278;
pub(crate) const EPOLL_PWAIT: u32 = 281;
pub(crate) const EPOLL_PWAIT2: u32 = 441;
pub(crate) const ACCEPT4: u32 = 288;
pub(crate) const IO_PGETEVENTS: u32 = 333;
pub(crate) const IO_URING_ENTER: u32 = 426;
pub(crate) const FUTEX_WAITV: u32 = 449;
/// futex_wait(2), not the operation of futex(2).
pub(crate) const FUTEX_WAIT_CALL: u32 = 455;

/// A system call, for people.
#[derive(Clone, Copy)]
pub(crate) enum CallName {
    /// By its name.
    Name(&'static str),
    /// By its name, and restart_syscall(2), which would continue it, is forbidden.
    NoRestart(&'static str),
    /// By its number.
    Number(u32),
    /// By the number that 32-bit programs have for it.
    Compat(u32),
    /// One whose end its tracer waits for.
    Traced,
    /// Not in a system call at all.
    NoCall,
}

impl core::fmt::Display for CallName {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Name(name) => write!(f, "{name}(2)"),
            Self::NoRestart(name) => write!(
                f,
                "{name}(2) under a seccomp filter that does not allow restart_syscall(2)"
            ),
            Self::Number(nr) => write!(f, "system call {nr}"),
            Self::Compat(nr) => write!(f, "system call {nr} of 32-bit programs"),
            Self::Traced => f.write_str("a system call that its tracer waits for"),
            Self::NoCall => f.write_str("the kernel"),
        }
    }
}
