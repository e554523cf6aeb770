// SPDX-License-Identifier: GPL-2.0

//! Files that tell of events, and have no name.

use super::{fanotify, files::O_ACCMODE, Placed, Rec, Result, State, PID_MAX};
use crate::uapi::*;

pub(super) const O_EXCL: u32 = 0o200;
const O_NONBLOCK: u32 = 0o4000;
const O_LARGEFILE: u32 = 0o100000;

const CLOCK_REALTIME: u64 = 0;
const CLOCK_MONOTONIC: u64 = 1;
const CLOCK_BOOTTIME: u64 = 7;

/// SIGKILL, SIGSTOP.
const NEVER_ACCEPTED: u64 = (1 << 8) | (1 << 18);

/// TFD_TIMER_ABSTIME, TFD_TIMER_CANCEL_ON_SET
const SETTIME_FLAGS: u32 = 0x3;

pub(super) fn file(rec: &Rec<'_>, file: &cr_img_file) -> Result {
    rec.require(file.path_len == 0, "a path to something without a name")?;
    let fits = match file.kind {
        CR_FILE_EVENTFD => file.target <= 1,
        CR_FILE_TIMERFD => matches!(
            file.target,
            CLOCK_REALTIME | CLOCK_MONOTONIC | CLOCK_BOOTTIME
        ),
        CR_FILE_SIGNALFD => file.pos == 0 && file.target & NEVER_ACCEPTED == 0,
        CR_FILE_PIDFD if file.target == 0 => file.ino != 0 && u32::try_from(file.pos).is_ok(),
        CR_FILE_PIDFD => file.target <= u64::from(PID_MAX) && (file.ino, file.pos) == (0, 0),
        CR_FILE_FANOTIFY => file.pos == 0 && fanotify::is_group(file),
        _ => (file.pos, file.target) == (0, 0),
    };
    rec.require(
        fits && file.flags & !(O_ACCMODE | O_NONBLOCK | O_LARGEFILE | O_EXCL) == 0
            && [file.dev, file.size, file.mtime_ns] == [0; 3]
            && (file.ino == 0 || file.kind == CR_FILE_PIDFD)
            && file.mode == 0,
        "what an anonymous file does not have",
    )
}

pub(super) fn timerfd(state: &State<'_>, rec: Placed<'_>) -> Result<cr_img_timerfd> {
    let timer: cr_img_timerfd = rec.fixed()?;
    let file = state.refers::<cr_img_file>(rec, timer.file, "no timerfd")?;
    let file: cr_img_file = file.fixed()?;
    rec.require(file.kind == CR_FILE_TIMERFD, "no timerfd")?;
    let known = CR_TIMERFD_ARMED
        | CR_TIMERFD_EXPIRED
        | CR_TIMERFD_WALL
        | CR_TIMERFD_CANCELABLE
        | CR_TIMERFD_CANCELED;
    rec.require(
        timer.flags & !known == 0 && timer.settime_flags & !SETTIME_FLAGS == 0,
        "unknown flags",
    )?;
    let has = |flag| timer.flags & flag != 0;
    rec.require(
        !(has(CR_TIMERFD_ARMED) && has(CR_TIMERFD_EXPIRED))
            && (!has(CR_TIMERFD_EXPIRED) || file.pos != 0),
        "it is to expire and has expired, or nobody can have noticed",
    )?;
    rec.require(
        (!has(CR_TIMERFD_WALL) || file.target == CLOCK_REALTIME)
            && (!has(CR_TIMERFD_CANCELABLE) || has(CR_TIMERFD_WALL))
            && (!has(CR_TIMERFD_CANCELED) || has(CR_TIMERFD_CANCELABLE)),
        "by the clock on the wall, or cancelled by it, and is not",
    )?;
    let set = has(CR_TIMERFD_ARMED) || has(CR_TIMERFD_EXPIRED);
    let most = i64::MAX as u64;
    rec.require(
        timer.interval_ns <= most && timer.expires_ns <= if set { most } else { 0 },
        "impossible time",
    )
    .map(|()| timer)
}
