// SPDX-License-Identifier: GPL-2.0

//! Whom a process lets trace it besides its ancestors: PR_SET_PTRACER, of the security module Yama.

use crate::{
    build::Build,
    report::{fail, Context, Result},
    tree::Thread,
};
use cr_codec::uapi::*;
use cr_sys::{errno::EOPNOTSUPP, pid_ns::PidNs};
use kernel::prelude::*;

/// The pid of the process that is allowed to, in the container's own pid namespace, or
/// `CR_PTRACER_ANY`, or 0.
pub(crate) fn save(ns: &PidNs, leader: &Thread) -> Result<u32> {
    match leader.task.ptracer(ns) {
        Ok(tracer) => Ok(tracer),
        Err(EXDEV) => fail!(
            EBUSY,
            "lets a process outside of the container trace it (PR_SET_PTRACER)"
        ),
        Err(_) => fail!(
            EOPNOTSUPP(),
            "lets a thread trace it that is not the first of its process (PR_SET_PTRACER), \
             which is not supported yet"
        ),
    }
}

const PR_SET_PTRACER: u64 = 0x5961_6d61;
const PR_SET_PTRACER_ANY: u64 = u64::MAX;

/// Allows it again. All processes exist.
pub(crate) fn restore(build: &Build<'_>, tracer: u32) -> Result {
    let tracer = match tracer {
        0 => return Ok(()),
        CR_PTRACER_ANY => PR_SET_PTRACER_ANY,
        pid => match build.pid_as_seen(pid) {
            Some(pid) => u64::from(pid),
            None => fail!(ESRCH, "PR_SET_PTRACER: no process {pid}"),
        },
    };
    build
        .prctl(PR_SET_PTRACER, tracer)
        .context(format_args!("PR_SET_PTRACER"))?;
    Ok(())
}
