// SPDX-License-Identifier: GPL-2.0

//! System calls of 32-bit programs, which have other numbers, and times of another size.
//!
//! Most of them are calls of 64-bit programs with the same arguments, and what is to be done about a
//! thread that sleeps in one is the same. Those that are not known to be so are refused by their
//! number.

use super::{
    call::CallName,
    syscall::{asleep_in_call, Asleep, Timed, IS_32_BIT, TT_NATIVE},
};
use cr_codec::uapi::*;
use cr_sys::{call::*, task::TaskRef};

/// The time left is written as a struct timespec of 32-bit members.
const TT_COMPAT: u64 = 2;

/// What to do about a thread that sleeps in such a call.
pub(crate) fn asleep_in(task: &TaskRef, nr: u32) -> Asleep {
    let refused = Asleep::Wait(CallName::Compat(nr));
    let Some((native, args)) = task.native_call() else {
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
        Asleep::Wait(why @ CallName::NoRestart(_)) => Asleep::Wait(why),
        Asleep::Wait(_) => refused,
        other => other,
    }
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
