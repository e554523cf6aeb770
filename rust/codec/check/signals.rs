// SPDX-License-Identifier: GPL-2.0

//! Signal actions and pending signals.

use core::mem::size_of;

use super::{Rec, Result};
use crate::uapi::*;

const SIGKILL: u32 = 9;
const SIGSTOP: u32 = 19;
const SIGTTOU: u32 = 22;
/// First of the signals of which more than one can wait.
const SIGRTMIN: u32 = 32;

/// All `SA_*` that the kernel keeps.
const SA_FLAGS: u64 = 0x0000_0001 // SA_NOCLDSTOP
    | 0x0000_0002 // SA_NOCLDWAIT
    | 0x0000_0004 // SA_SIGINFO
    | 0x0000_0800 // SA_EXPOSE_TAGBITS
    | 0x0400_0000 // SA_RESTORER
    | 0x0800_0000 // SA_ONSTACK
    | 0x1000_0000 // SA_RESTART
    | 0x4000_0000 // SA_NODEFER
    | 0x8000_0000; // SA_RESETHAND

/// The bit of a signal in a set; none for what is no signal.
const fn bit(signal: u32) -> u64 {
    match 1u64.checked_shl(signal.wrapping_sub(1)) {
        Some(bit) => bit,
        None => 0,
    }
}

/// Whether a set has no signal that cannot be blocked.
pub(super) fn can_be_blocked(set: u64) -> bool {
    set & (bit(SIGKILL) | bit(SIGSTOP)) == 0
}

/// Whether the default action of a signal is to stop the process.
pub(super) fn is_stop(signal: u32) -> bool {
    (SIGSTOP..=SIGTTOU).contains(&signal)
}

pub(super) fn sighand(rec: &Rec<'_>) -> Result {
    for (signal, action) in (1..=CR_NSIG).zip(rec.array::<cr_img_sigaction>(0)) {
        rec.require(action.flags & !SA_FLAGS == 0, "unknown flags")?;
        rec.require(
            can_be_blocked(action.mask),
            "a mask with SIGKILL or SIGSTOP",
        )?;
        rec.require(
            !matches!(signal, SIGKILL | SIGSTOP) || action.handler == 0,
            "a handler for SIGKILL or SIGSTOP",
        )?;
    }
    Ok(())
}

/// Checks a queue, and says whether it belongs to the whole process.
pub(super) fn sigqueue(rec: &Rec<'_>) -> Result<bool> {
    let queue: cr_img_sigqueue = rec.fixed()?;
    rec.require(queue.shared <= 1, "neither shared nor private")?;
    rec.require_elements::<cr_img_sigqueue, cr_img_siginfo>(u64::from(queue.nr))?;
    rec.require(queue.pending != 0, "an empty queue")?;
    rec.require(queue.pending & bit(SIGKILL) == 0, "SIGKILL is pending")?;
    let mut seen = 0;
    for siginfo in rec.array::<cr_img_siginfo>(size_of::<cr_img_sigqueue>()) {
        let [a, b, c, d, ..] = siginfo.info;
        let signal = u32::from_le_bytes([a, b, c, d]);
        rec.require((1..=CR_NSIG).contains(&signal), "no such signal")?;
        rec.require(
            queue.pending & bit(signal) != 0,
            "a signal that is not pending",
        )?;
        rec.require(
            signal >= SIGRTMIN || seen & bit(signal) == 0,
            "the same signal twice",
        )?;
        seen |= bit(signal);
    }
    Ok(queue.shared == 1)
}
