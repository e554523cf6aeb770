// SPDX-License-Identifier: GPL-2.0

//! Resource limits and the OOM score, which belong to a process.

use crate::{
    build::Build,
    report::{Context, Result},
};
use cr_codec::uapi::*;
use cr_sys::{build, task::TaskRef};
use zerocopy::IntoBytes;

const SYS_PRLIMIT64: u32 = 302;
const RLIMIT_NOFILE: usize = 7;

/// What the limits of the caller might get in the way of: processes, memory, locked memory,
/// pending signals, message queues. Each process sets its own in the end.
pub(crate) fn lift(build: &Build<'_>) {
    let mut have = cr_img_process::default();
    TaskRef::current().read_limits(&mut have);
    for resource in [2, 3, 6, 8, 9, 11, 12] {
        if have.rlimit[resource].cur == u64::MAX {
            continue;
        }
        let none = cr_img_rlimit {
            cur: u64::MAX,
            max: u64::MAX,
        };
        // Without the privilege to do so, they are in the way.
        let _ = set(build, resource, &none);
    }
}

/// Descriptors may be above the limit, so the limit comes after them: see [`restore`].
pub(crate) fn allow_descriptors(build: &Build<'_>, nr: u32) -> Result {
    let mut have = cr_img_process::default();
    TaskRef::current().read_limits(&mut have);
    let limit = &have.rlimit[RLIMIT_NOFILE];
    let enough = u64::from(nr);
    if limit.cur >= enough {
        return Ok(());
    }
    let raised = cr_img_rlimit {
        cur: enough,
        max: limit.max.max(enough),
    };
    set(build, RLIMIT_NOFILE, &raised)
}

/// Sets the limits of the current process.
pub(crate) fn restore(build: &Build<'_>, process: &cr_img_process) -> Result {
    let mut have = cr_img_process::default();
    TaskRef::current().read_limits(&mut have);
    for (resource, limit) in process.rlimit.iter().enumerate() {
        if have.rlimit[resource].as_bytes() != limit.as_bytes() {
            set(build, resource, limit)?;
        }
    }
    build::set_oom_score_adj(process.oom_score_adj, process.oom_score_adj_min)
        .context(format_args!("oom_score_adj"))
}

fn set(build: &Build<'_>, resource: usize, limit: &cr_img_rlimit) -> Result {
    let addr = build.scratch(0, limit.as_bytes())?;
    build
        .syscall6(SYS_PRLIMIT64, [0, resource as u64, addr, 0, 0, 0])
        .context(format_args!("resource limit {resource}"))?;
    Ok(())
}
