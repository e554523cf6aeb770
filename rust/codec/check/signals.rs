// SPDX-License-Identifier: GPL-2.0

//! Signal actions and pending signals.

use core::mem::size_of;

use super::{Rec, Result, PID_MAX};
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
    | CR_SA_COMPAT as u64
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

/// The bits that tell kinds of CPU-time clocks from each other, and how many kinds there are.
const CPU_CLOCK_KIND: i32 = 3;
const CPU_CLOCK_KINDS: i32 = 3;

const CLOCK_REALTIME: i32 = 0;
const CLOCK_MONOTONIC: i32 = 1;
const CLOCK_BOOTTIME: i32 = 7;
const CLOCK_TAI: i32 = 11;

const SIGEV_NONE: u32 = 1;
const SIGEV_THREAD: u32 = 2;
const SIGEV_THREAD_ID: u32 = 4;

const TIMER_STATES: u32 = CR_TIMER_ARMED | CR_TIMER_PENDING | CR_TIMER_IGNORED;

pub(super) fn timers(rec: &Rec<'_>) -> Result {
    let timers: cr_img_timers = rec.fixed()?;
    rec.require_elements::<cr_img_timers, cr_img_timer>(u64::from(timers.nr))?;
    rec.require(
        timers.flags & !CR_TIMERS_CHOOSE_IDS == 0 && timers.reserved == 0,
        "unknown flags",
    )?;
    rec.require(timers.next_id < 1 << 31, "impossible timer id")?;
    let mut last = None;
    for timer in rec.array::<cr_img_timer>(size_of::<cr_img_timers>()) {
        rec.require(
            timer.id < 1 << 31 && last < Some(timer.id),
            "timers do not ascend",
        )?;
        last = Some(timer.id);
        self::timer(rec, &timer)?;
    }
    Ok(())
}

fn timer(rec: &Rec<'_>, timer: &cr_img_timer) -> Result {
    let has = |flag| timer.flags & flag != 0;
    let wall = matches!(timer.clock, CLOCK_REALTIME | CLOCK_TAI);
    let known = match timer.clock {
        CLOCK_REALTIME | CLOCK_MONOTONIC | CLOCK_BOOTTIME | CLOCK_TAI => timer.clock_pid == 0,
        clock => {
            clock < 0
                && clock & CPU_CLOCK_KIND < CPU_CLOCK_KINDS
                && (1..=PID_MAX).contains(&timer.clock_pid)
        }
    };
    rec.require(known, "a timer with an unknown clock")?;
    rec.require(
        timer.reserved == 0
            && timer.flags & !(TIMER_STATES | CR_TIMER_ABSOLUTE) == 0
            && (timer.flags & TIMER_STATES).count_ones() <= 1
            && (wall || !has(CR_TIMER_ABSOLUTE)),
        "a timer with unknown flags",
    )?;
    rec.require(
        match timer.notify {
            SIGEV_NONE => !has(CR_TIMER_PENDING | CR_TIMER_IGNORED),
            0 | SIGEV_THREAD | SIGEV_THREAD_ID => (1..=CR_NSIG).contains(&timer.signal),
            _ => false,
        },
        "a timer that nobody would hear of",
    )?;
    rec.require(
        (timer.notify == SIGEV_THREAD_ID) == (timer.target != 0) && timer.target <= PID_MAX,
        "a timer for an impossible thread",
    )?;
    let due = match timer.flags & TIMER_STATES {
        0 => timer.interval_ns == 0 && timer.expires_ns == 0 && timer.overrun == 0,
        CR_TIMER_ARMED => timer.expires_ns > 0,
        CR_TIMER_PENDING => timer.expires_ns > 0 || timer.interval_ns == 0,
        // One that does not repeat would be over.
        _ => timer.expires_ns > 0 && timer.interval_ns > 0,
    };
    rec.require(
        due && [
            timer.expires_ns,
            timer.interval_ns,
            timer.overrun,
            timer.overrun_last,
        ]
        .iter()
        .all(|value| *value < 1 << 63),
        "a timer with impossible times",
    )
}

/// Whether timers have sent some of the signals of a queue.
pub fn is_of_timers(rec: &Rec<'_>) -> bool {
    let mut infos = rec.array::<cr_img_siginfo>(size_of::<cr_img_sigqueue>());
    infos.any(|siginfo| siginfo.timer != 0)
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
        rec.require(siginfo.reserved == 0, "a reserved member is not zero")?;
        rec.require(siginfo.timer <= 1 << 31, "no such timer")?;
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
