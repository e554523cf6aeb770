// SPDX-License-Identifier: GPL-2.0

//! Scheduling: policy and nice value, which are in the record of every thread; and what few threads
//! ask for: priorities, deadlines, time slices, a CPU affinity, utilization clamps, an I/O priority, a
//! NUMA memory policy.
//!
//! It is asked for again with the rights of the caller, and so is what only a container needs that
//! has less than its caller. CPUs that this machine has not are forgotten.

use crate::{
    build::Build,
    report::{fail, Context, Result},
    save::Save,
    state::numa,
    tree::Thread,
};
use cr_codec::{check::Rec, uapi::*};
use cr_sys::{
    build::Inherited,
    task::{CpuWords, TaskRef},
};
use kernel::prelude::*;
use zerocopy::IntoBytes;
use zerocopy_derive::{Immutable, IntoBytes};

/// All that a thread asks for, but for its CPU affinity.
struct Scheduling {
    policy: u32,
    nice: i32,
    sched: cr_img_sched,
}

impl Scheduling {
    fn has_clamps(&self) -> bool {
        [self.sched.util_min, self.sched.util_max] != [CR_SCHED_NO_CLAMP; 2]
    }

    /// The argument of sched_setattr(2).
    fn attr(&self) -> SchedAttr {
        let sched = &self.sched;
        SchedAttr {
            size: size_of::<SchedAttr>() as u32,
            policy: self.policy,
            flags: u64::from(sched.flags),
            nice: self.nice,
            priority: sched.priority,
            runtime: match self.policy {
                SCHED_NORMAL | SCHED_BATCH => sched.slice_ns,
                _ => sched.runtime_ns,
            },
            deadline: sched.deadline_ns,
            period: sched.period_ns,
            util_min: sched.util_min,
            util_max: sched.util_max,
        }
    }
}

/// What a thread without a record asks for.
const NOTHING: cr_img_sched = cr_img_sched {
    flags: 0,
    priority: 0,
    runtime_ns: 0,
    deadline_ns: 0,
    period_ns: 0,
    slice_ns: 0,
    util_min: CR_SCHED_NO_CLAMP,
    util_max: CR_SCHED_NO_CLAMP,
    ioprio: 0,
    nr_cpu_words: 0,
    policy: 0,
    last_node: 0,
    last_weight: 0,
};

/// Saves what a thread asks for besides policy and nice value.
pub(crate) fn save(save: &mut Save<'_>, thread: &Thread) -> Result {
    let mut cpus = save.cpus.take().ok_or(EINVAL)?;
    let result = save_with(save, thread, &mut cpus);
    save.cpus = Some(cpus);
    result
}

fn save_with(save: &mut Save<'_>, thread: &Thread, cpus: &mut CpuWords) -> Result {
    let mut sched = thread.task.read_sched(cpus);
    numa::save_task(save, &thread.task, &mut sched)?;
    if sched.as_bytes() == NOTHING.as_bytes() {
        return Ok(());
    }
    save.record(&sched, &[cpus.used(sched.nr_cpu_words)])
}

const SYS_SETPRIORITY: u32 = 141;
const SYS_SCHED_SETAFFINITY: u32 = 203;
const SYS_IOPRIO_SET: u32 = 251;
const SYS_SCHED_SETATTR: u32 = 314;

const SCHED_NORMAL: u32 = 0;
const SCHED_BATCH: u32 = 3;

const SCHED_FLAG_UTIL_CLAMP: u64 = 0x60;
const IOPRIO_WHO_PROCESS: u64 = 1;

/// `struct sched_attr`, see `include/uapi/linux/sched/types.h`.
#[derive(Clone, Copy, PartialEq, Eq, Immutable, IntoBytes)]
#[repr(C)]
struct SchedAttr {
    size: u32,
    policy: u32,
    flags: u64,
    nice: i32,
    priority: u32,
    runtime: u64,
    deadline: u64,
    period: u64,
    util_min: u32,
    util_max: u32,
}

/// Asks for what the records of the current thread say, where that is not what it has already.
pub(crate) fn restore(
    build: &Build<'_>,
    thread: &cr_img_thread,
    rec: Option<Rec<'_>>,
    current: &Inherited,
) -> Result {
    let alike = (thread.policy, thread.nice) == (current.policy, current.nice);
    match rec {
        None if alike && !current.asks_more => Ok(()),
        rec => ask(build, thread, rec, current),
    }
}

/// The same where it is not known to have that.
#[inline(never)]
fn ask(
    build: &Build<'_>,
    thread: &cr_img_thread,
    rec: Option<Rec<'_>>,
    current: &Inherited,
) -> Result {
    let mut cpus = CpuWords::new()?;
    let sched = TaskRef::current().read_sched(&mut cpus);
    let have = Scheduling {
        policy: current.policy,
        nice: current.nice,
        sched,
    };
    let wanted = Scheduling {
        policy: thread.policy,
        nice: thread.nice,
        sched: match rec {
            Some(rec) => rec.fixed()?,
            None => NOTHING,
        },
    };

    let affinity = rec.map_or(&[][..], |rec| rec.variable::<cr_img_sched>());
    if affinity != cpus.used(sched.nr_cpu_words) {
        restore_affinity(build, affinity)?;
    }
    numa::restore_task(build, &wanted.sched)?;
    if wanted.sched.ioprio != have.sched.ioprio {
        let ioprio = u64::from(wanted.sched.ioprio);
        build
            .syscall(SYS_IOPRIO_SET, [IOPRIO_WHO_PROCESS, 0, ioprio])
            .context(format_args!("I/O priority"))?;
    }
    // Real-time threads have one, too, for the time when they are no more.
    if wanted.nice != have.nice {
        build
            .syscall(SYS_SETPRIORITY, [0, 0, i64::from(wanted.nice) as u64])
            .context(format_args!("nice value"))?;
    }
    let mut attr = wanted.attr();
    let same_slice = wanted.sched.slice_ns == have.sched.slice_ns;
    if attr == have.attr() && same_slice {
        return Ok(());
    }
    if !same_slice {
        // The other policies keep the one that was there before.
        let ordinary = Scheduling {
            policy: SCHED_NORMAL,
            sched: cr_img_sched {
                slice_ns: wanted.sched.slice_ns,
                ..NOTHING
            },
            ..wanted
        };
        set_attr(build, ordinary.attr()).context(format_args!("time slice"))?;
    }
    // To mention clamps makes the kernel account for them from then on.
    if wanted.has_clamps() || have.has_clamps() {
        attr.flags |= SCHED_FLAG_UTIL_CLAMP;
    }
    set_attr(build, attr).context(format_args!("scheduling policy"))
}

fn restore_affinity(build: &Build<'_>, cpus: &[u8]) -> Result {
    if cpus.is_empty() {
        fail!(
            EPERM,
            "the caller has a CPU affinity, which the container would inherit"
        );
    }
    let addr = build.scratch(0, cpus)?;
    build
        .syscall(SYS_SCHED_SETAFFINITY, [0, cpus.len() as u64, addr])
        .context(format_args!("CPU affinity"))?;
    Ok(())
}

fn set_attr(build: &Build<'_>, attr: SchedAttr) -> Result {
    let addr = build.scratch(0, attr.as_bytes())?;
    build.syscall(SYS_SCHED_SETATTR, [0, addr, 0])?;
    Ok(())
}
