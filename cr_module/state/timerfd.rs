// SPDX-License-Identifier: GPL-2.0

//! Timers as files: timerfd_create(2).
//!
//! When one is to expire is saved as the container's clocks say it, which go on where they were.
//! What goes by the clock on the wall, which nobody has set, expires when that says so: nothing is
//! cancelled by a restart (TFD_TIMER_CANCEL_ON_SET).
//!
//! Refused: clocks that can wake the machine.

use crate::{
    build::Build,
    plan::Plan,
    report::{fail, Context, Result},
    save::Save,
};
use cr_codec::uapi::*;
use cr_sys::{build::with_fd, errno::EOPNOTSUPP, file::FileRef};
use kernel::prelude::*;
use zerocopy::IntoBytes;

const SYS_TIMERFD_SETTIME: u32 = 286;

const TFD_TIMER_ABSTIME: u64 = 1;
const TFD_TIMER_CANCEL_ON_SET: u64 = 2;

const NSEC_PER_SEC: u64 = 1_000_000_000;

/// Reads one that is about to be saved: all of it at once, for it may expire any moment.
pub(crate) fn read(
    save: &Save<'_>,
    file: &FileRef,
    record: &mut cr_img_file,
) -> Result<cr_img_timerfd> {
    match file.read_timerfd(&save.init) {
        Ok((clock, ticks, timer)) => {
            (record.kind, record.pos, record.target) = (CR_FILE_TIMERFD, ticks, u64::from(clock));
            Ok(timer)
        }
        Err(error) if error == EOPNOTSUPP() => fail!(
            EOPNOTSUPP(),
            "a timerfd by a clock that can wake the machine (CLOCK_REALTIME_ALARM, \
             CLOCK_BOOTTIME_ALARM) is not supported yet"
        ),
        Err(error) => Err(error.into()),
    }
}

/// Saves them. This is before what epoll instances have noticed is saved, so that they notice the
/// rest after the restart.
pub(crate) fn save(save: &mut Save<'_>) -> Result {
    for timer in core::mem::take(&mut save.timerfds) {
        save.record(&timer, &[])?;
    }
    Ok(())
}

/// Makes one, disarmed.
pub(crate) fn restore(record: &cr_img_file) -> Result<FileRef> {
    let clock = u32::try_from(record.target).map_err(|_| EINVAL)?;
    FileRef::make_timerfd(clock, record.pos).context(format_args!("making a timerfd"))
}

/// Sets all of them. The current task is init, whose clocks go on, and which has nothing open.
pub(crate) fn restore_times(plan: &Plan, build: &Build<'_>) -> Result {
    for (_, rec) in plan.records.tagged(CR_TAG_TIMERFD) {
        let timer: cr_img_timerfd = rec.fixed()?;
        let record: cr_img_file = build.object(timer.file)?.fixed()?;
        set(build, build.file(timer.file)?, record.pos, &timer).context(format_args!("timerfd"))?;
    }
    Ok(())
}

fn set(build: &Build<'_>, file: &FileRef, ticks: u64, timer: &cr_img_timerfd) -> Result {
    let has = |flag| timer.flags & flag != 0;
    let mut flags = 0;
    if has(CR_TIMERFD_WALL) {
        flags |= TFD_TIMER_ABSTIME;
    }
    if has(CR_TIMERFD_CANCELABLE) {
        flags |= TFD_TIMER_CANCEL_ON_SET;
    }
    // struct itimerspec
    let interval = [
        timer.interval_ns / NSEC_PER_SEC,
        timer.interval_ns % NSEC_PER_SEC,
    ];
    let spec = build.scratch(0, [interval[0], interval[1], 0, 0].as_bytes())?;
    with_fd(file, |fd| {
        build.syscall6(SYS_TIMERFD_SETTIME, [fd.into(), flags, spec, 0, 0, 0])
    })?;
    Ok(file.set_timerfd(ticks, timer)?)
}
