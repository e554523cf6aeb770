// SPDX-License-Identifier: GPL-2.0

//! Interval timers: setitimer(2), alarm(2). They are saved with their process as the time that was
//! left, so that the time between checkpoint and restart does not count.

use crate::{
    build::Build,
    report::{Context, Result},
};
use cr_codec::uapi::*;
use cr_sys::misc;
use zerocopy::IntoBytes;

const SYS_SETITIMER: u32 = 38;

const ITIMER_REAL: usize = 0;

/// Arms the timers of the current process.
pub(crate) fn restore(build: &Build<'_>, process: &cr_img_process) -> Result {
    for (which, timer) in process.itimer.iter().enumerate() {
        if timer.value_ns == 0 {
            continue;
        }
        // setitimer(2) adds a tick to what it is given of CPU time.
        let left = match which {
            ITIMER_REAL => timer.value_ns,
            _ => timer.value_ns.saturating_sub(misc::tick_ns()).max(1),
        };
        let microseconds = |ns: u64| ns.div_ceil(1000);
        let split = |us: u64| [us / 1_000_000, us % 1_000_000];
        let [interval_s, interval_us] = split(microseconds(timer.interval_ns));
        let [value_s, value_us] = split(microseconds(left));
        let itimerval = [interval_s, interval_us, value_s, value_us];
        let addr = build.scratch(0, itimerval.as_bytes())?;
        build
            .syscall(SYS_SETITIMER, [which as u64, addr, 0])
            .context(format_args!("interval timer {which}"))?;
    }
    Ok(())
}
