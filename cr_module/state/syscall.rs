// SPDX-License-Identifier: GPL-2.0

//! System calls in progress.
//!
//! A call that a thread sleeps in has either done nothing yet that cannot be done again, or it has.
//! In the first case the thread is left asleep while it is held, and after a restart the call is
//! issued again, with the same rules about signals as if it had been interrupted. In the second
//! case, which is mostly about time-outs, the call is interrupted and the kernel's own restart
//! mechanism says how it goes on: see `restart_syscall(2)`.
//!
//! Documentation/system-calls.rst has the table for users.

use crate::{
    report::{fail, Result},
    state::regs::{REG_AX, REG_ORIG_AX},
};
use cr_codec::uapi::*;
use cr_sys::{file::FileType, task::TaskRef};
use kernel::prelude::*;

/// What to do about a thread that sleeps in a system call.
#[derive(Clone, Copy)]
pub(crate) enum Asleep {
    /// Leave it there. An interrupted call would return this.
    Leave(i32),
    /// The same, and the call ends by itself at some point in time.
    LeaveForATime(i32),
    /// Interrupt the call: it leaves behind all that is needed to go on.
    Wake,
    /// Wait until it returns by itself; it is an error when it does not.
    Wait(CallName),
}

/// A system call, for people.
#[derive(Clone, Copy)]
pub(crate) enum CallName {
    /// By its name.
    Name(&'static str),
    /// By its number.
    Number(u32),
    /// Not in a system call at all.
    NoCall,
}

impl core::fmt::Display for CallName {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Name(name) => write!(f, "{name}(2)"),
            Self::Number(nr) => write!(f, "system call {nr}"),
            Self::NoCall => f.write_str("the kernel"),
        }
    }
}

/// Issued again unless a signal handler without SA_RESTART has run.
const ERESTARTSYS: i32 = -512;
/// Issued again unless a signal handler has run.
const ERESTARTNOHAND: i32 = -514;

const READ: u32 = 0;
const WRITE: u32 = 1;
const POLL: u32 = 7;
const READV: u32 = 19;
const WRITEV: u32 = 20;
const SELECT: u32 = 23;
const PAUSE: u32 = 34;
const NANOSLEEP: u32 = 35;
const SENDFILE: u32 = 40;
const WAIT4: u32 = 61;
const FCNTL: u32 = 72;
const FLOCK: u32 = 73;
const RT_SIGTIMEDWAIT: u32 = 128;
const RT_SIGSUSPEND: u32 = 130;
const FUTEX: u32 = 202;
const RESTART_SYSCALL: u32 = 219;
const CLOCK_NANOSLEEP: u32 = 230;
const WAITID: u32 = 247;
const PSELECT6: u32 = 270;
const PPOLL: u32 = 271;
const SPLICE: u32 = 275;
const TEE: u32 = 276;
const VMSPLICE: u32 = 278;

const F_SETLKW: u64 = 7;
const F_OFD_SETLKW: u64 = 38;
const FUTEX_COMMAND: u64 = 0x7f;
const FUTEX_WAIT: u64 = 0;
const FUTEX_WAIT_BITSET: u64 = 9;
const TIMER_ABSTIME: u64 = 1;
const CLOCK_REALTIME: u64 = 0;
const CLOCK_MONOTONIC: u64 = 1;
const CLOCK_BOOTTIME: u64 = 7;
const CLOCK_TAI: u64 = 11;

/// A pipe takes that much as a whole or not at all.
const PIPE_BUF: u64 = 4096;

/// Looks up what to do about a thread that is in an interruptible sleep.
pub(crate) fn asleep_in(task: &TaskRef) -> Asleep {
    let Some((nr, [a, b, c, d, e, _])) = task.syscall() else {
        return Asleep::Wait(CallName::NoCall);
    };
    let file_type = || {
        let file = u32::try_from(a).ok().and_then(|fd| task.file(fd));
        file.map_or(FileType::Regular, |file| file.read_type())
    };
    match nr {
        READ | READV | WRITE | WRITEV => match (nr, file_type()) {
            // Nothing has been taken from an empty pipe, or put into a full one that takes all of
            // it or nothing. Something else is external, or refused later.
            (READ | READV, FileType::Pipe) => Asleep::Leave(ERESTARTSYS),
            (WRITE, FileType::Pipe) if c <= PIPE_BUF => Asleep::Leave(ERESTARTSYS),
            // These may be half done, and say how far they are when they are interrupted.
            (READ | READV, FileType::Other) => Asleep::Leave(ERESTARTSYS),
            (_, FileType::Pipe | FileType::Terminal | FileType::Other) => Asleep::Wake,
            // On a disk, or a file server: it does not take long.
            (READ | READV, _) => Asleep::Wait(CallName::Name("read")),
            _ => Asleep::Wait(CallName::Name("write")),
        },

        // A negative time-out is none.
        POLL if (c as i32) < 0 => Asleep::Leave(ERESTARTNOHAND),
        SELECT | PSELECT6 if e == 0 => Asleep::Leave(ERESTARTNOHAND),
        PPOLL if c == 0 => Asleep::Leave(ERESTARTNOHAND),
        POLL | SELECT | PSELECT6 | PPOLL => Asleep::Wake,

        WAIT4 | WAITID => Asleep::Leave(ERESTARTSYS),
        PAUSE | RT_SIGSUSPEND => Asleep::Leave(ERESTARTNOHAND),
        RT_SIGTIMEDWAIT if c == 0 => Asleep::Leave(ERESTARTNOHAND),
        RT_SIGTIMEDWAIT => Asleep::Wait(CallName::Name("rt_sigtimedwait")),
        FCNTL if matches!(b, F_SETLKW | F_OFD_SETLKW) => Asleep::Leave(ERESTARTSYS),
        FLOCK => Asleep::Leave(ERESTARTSYS),

        NANOSLEEP => Asleep::Wake,
        CLOCK_NANOSLEEP
            if !matches!(
                a,
                CLOCK_REALTIME | CLOCK_MONOTONIC | CLOCK_BOOTTIME | CLOCK_TAI
            ) =>
        {
            Asleep::Wait(CallName::Name("clock_nanosleep"))
        }
        CLOCK_NANOSLEEP if b & TIMER_ABSTIME != 0 => Asleep::LeaveForATime(ERESTARTNOHAND),
        CLOCK_NANOSLEEP => Asleep::Wake,
        FUTEX => match (b & FUTEX_COMMAND, d) {
            (FUTEX_WAIT | FUTEX_WAIT_BITSET, 0) => Asleep::Leave(ERESTARTSYS),
            // The time-out is absolute.
            (FUTEX_WAIT_BITSET, _) => Asleep::LeaveForATime(ERESTARTNOHAND),
            (FUTEX_WAIT, _) => Asleep::Wake,
            _ => Asleep::Wait(CallName::Name("futex")),
        },
        RESTART_SYSCALL => Asleep::Wake,

        SENDFILE | SPLICE | TEE | VMSPLICE => Asleep::Wake,
        nr => Asleep::Wait(CallName::Number(nr)),
    }
}

/// Makes the saved state of a thread that was left asleep that of one whose call was interrupted.
pub(crate) fn interrupt(
    task: &TaskRef,
    thread: &mut cr_img_thread,
    regs: &mut cr_img_regs,
) -> Result {
    let (Asleep::Leave(result) | Asleep::LeaveForATime(result)) = asleep_in(task) else {
        fail!(EAGAIN, "was woken during the checkpoint: try again");
    };
    regs.reg[REG_AX] = i64::from(result) as u64;
    thread.flags |= CR_THREAD_IN_SYSCALL;
    thread.restart_kind = CR_RESTART_NONE;
    thread.restart_arg = [0; 5];
    thread.restart_ns = 0;
    // It says so itself only when it is interrupted.
    if regs.reg[REG_ORIG_AX] == u64::from(RT_SIGSUSPEND) {
        thread.flags |= CR_THREAD_RESTORE_SIGMASK;
    }
    Ok(())
}
