// SPDX-License-Identifier: GPL-2.0

//! POSIX timers: timer_create(2).
//!
//! What is left of a timer's time is saved; of a timer that goes by the clock on the wall, when it
//! is to expire. One that has expired is made to expire again where its signal was in the queue, so
//! that it goes on, and counts overruns, when the signal is delivered.

use crate::{
    build::Build,
    report::{fail, failure, Context, Result},
    save::Save,
    tree::Thread,
};
use cr_codec::{check::Rec, order, uapi::*};
use cr_sys::{build as sys, errno::EOPNOTSUPP, list::read_all};
use kernel::prelude::*;
use zerocopy::{FromBytes, IntoBytes};

/// Saves the timers of a process.
pub(crate) fn save(save: &mut Save<'_>, leader: &Thread) -> Result {
    let mut head = cr_img_timers::default();
    let unreadable = |(id, error)| match error {
        ESRCH => failure!(
            EOPNOTSUPP(),
            "timer {id} is of a thread or process that has ended, which is not supported yet: \
             delete the timer"
        ),
        _ => failure!(
            EOPNOTSUPP(),
            "timer {id} goes by a clock that is not supported yet"
        ),
    };
    let mut timers = read_all(|room: &mut [cr_img_timer]| {
        let read = leader.task.read_timers(&mut head, room);
        read.map_err(unreadable)
    })?;
    if (timers.len(), head.next_id, head.flags) == (0, 0, 0) {
        return Ok(());
    }
    head.nr = timers.len() as u32;
    order::sort_by_key(&mut timers, |timer| timer.id);
    save.record(&head, &[timers.as_bytes()])
}

const SYS_TIMER_CREATE: u32 = 222;
const SYS_TIMER_SETTIME: u32 = 223;

const PR_TIMER_CREATE_RESTORE_IDS: u64 = 77;

const TIMER_ABSTIME: u64 = 1;

const NSEC_PER_SEC: u64 = 1_000_000_000;
/// As good as never, ns: a hundred years.
const LATER: u64 = 100 * 365 * 86400 * NSEC_PER_SEC;

/// Creates the timers of the current process, whose threads exist. They are disarmed.
pub(crate) fn create(build: &Build<'_>) -> Result {
    let Some(rec) = build.timers() else {
        return Ok(());
    };
    let head: cr_img_timers = rec.fixed()?;
    build.prctl(PR_TIMER_CREATE_RESTORE_IDS, 1)?;
    for timer in all(&rec) {
        create_one(build, &timer).context(format_args!("timer {}", timer.id))?;
    }
    let choose = head.flags & CR_TIMERS_CHOOSE_IDS != 0;
    build.prctl(PR_TIMER_CREATE_RESTORE_IDS, u64::from(choose))?;
    sys::set_timer_ids(&head);
    Ok(())
}

/// The timers of a record.
fn all<'a>(rec: &Rec<'a>) -> impl Iterator<Item = cr_img_timer> + 'a {
    rec.array(size_of::<cr_img_timers>())
}

fn create_one(build: &Build<'_>, timer: &cr_img_timer) -> Result {
    let clock = match timer.clock_pid {
        0 => timer.clock,
        // MAKE_PROCESS_CPUCLOCK(), MAKE_THREAD_CPUCLOCK()
        pid => (!pid << 3) as i32 | timer.clock & 7,
    };
    // struct sigevent
    let mut event = [0; 8];
    event[0] = timer.value;
    event[1] = u64::from(timer.signal) | u64::from(timer.notify) << 32;
    event[2] = u64::from(timer.target);
    let event = build.scratch(8, event.as_bytes())?;
    let id = build.scratch(0, timer.id.as_bytes())?;
    build.syscall(SYS_TIMER_CREATE, [clock as u64, event, id])?;
    // What is to go on with a period has to know by what clock, and whether relative.
    match timer.flags & (CR_TIMER_PENDING | CR_TIMER_IGNORED) {
        0 => Ok(()),
        _ if timer.clock < 0 || timer.interval_ns == 0 => Ok(()),
        _ => set(build, timer, LATER),
    }
}

/// Sends the signal of a timer: the next in a queue. If the timer was set anew since, the kernel is
/// going to drop it, or the next one takes its place.
pub(crate) fn send(build: &Build<'_>, id: u32, signal: u32) -> Result {
    match find(build, id) {
        Some(timer) if timer.signal == signal => {
            sys::expire_timer(&timer).context(format_args!("timer {id}"))
        }
        _ => fail!(EINVAL, "a signal of timer {id}, which has not sent it"),
    }
}

fn find(build: &Build<'_>, id: u32) -> Option<cr_img_timer> {
    const SIZE: usize = size_of::<cr_img_timer>();
    let rec = build.timers()?;
    let timers = <[[u8; SIZE]]>::ref_from_bytes(rec.variable::<cr_img_timers>()).ok()?;
    let timer = |bytes: &[u8; SIZE]| cr_img_timer::read_from_bytes(bytes).unwrap_or_default();
    order::find_by_key(timers, id, |bytes| timer(bytes).id).map(timer)
}

/// Arms the timers of the current process.
pub(crate) fn restore(build: &Build<'_>) -> Result {
    let Some(rec) = build.timers() else {
        return Ok(());
    };
    for timer in all(&rec) {
        restore_one(build, &timer).context(format_args!("timer {}", timer.id))?;
    }
    Ok(())
}

fn restore_one(build: &Build<'_>, timer: &cr_img_timer) -> Result {
    match timer.flags & (CR_TIMER_PENDING | CR_TIMER_IGNORED) {
        // Also for the sake of a signal that it has sent before it was set.
        0 => set(build, timer, timer.expires_ns)?,
        // The signal may be in a queue by now.
        _ => sys::expire_timer(timer)?,
    }
    Ok(sys::finish_timer(timer)?)
}

/// Sets a timer to expire after, or at, a time in ns.
fn set(build: &Build<'_>, timer: &cr_img_timer, expires: u64) -> Result {
    let flags = match timer.flags & CR_TIMER_ABSOLUTE {
        0 => 0,
        _ => TIMER_ABSTIME,
    };
    let split = |ns: u64| [ns / NSEC_PER_SEC, ns % NSEC_PER_SEC];
    let [interval_s, interval_ns] = split(timer.interval_ns);
    let [value_s, value_ns] = split(expires);
    // struct itimerspec
    let spec = [interval_s, interval_ns, value_s, value_ns];
    let spec = build.scratch(0, spec.as_bytes())?;
    build.syscall6(
        SYS_TIMER_SETTIME,
        [u64::from(timer.id), flags, spec, 0, 0, 0],
    )?;
    Ok(())
}
