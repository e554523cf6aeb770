// SPDX-License-Identifier: GPL-2.0

//! Autogroups of the scheduler, and what the loss of a terminal leaves.
//!
//! C header: [`include/linux/sched/autogroup.h`](srctree/include/linux/sched/autogroup.h).

use crate::{
    bindings,
    pid_ns::{PidNs, PidRef},
    task::TaskRef,
};
use kernel::{error::to_result, prelude::*};

impl TaskRef {
    /// A number that tells the autogroup of its process from others, or 0; and its nice value.
    pub fn autogroup(&self) -> (u64, i32) {
        let mut nice = 0;
        // SAFETY: The task is valid, `nice` is valid for writes.
        let identity = unsafe { bindings::cr_shim_autogroup_read(self.as_ptr(), &mut nice) };
        (identity, nice)
    }

    /// Moves a process under construction into the autogroup of another one. Who has made the one
    /// that it leaves has that one still, and is not released while this runs.
    pub fn join_autogroup(&self, other: &TaskRef) {
        // SAFETY: Both tasks are valid.
        unsafe { bindings::cr_shim_autogroup_join(self.as_ptr(), other.as_ptr()) }
    }

    /// The process group that is sent SIGHUP when it exits, as it leads a session that has lost its
    /// terminal; or 0.
    pub fn old_pgrp(&self, ns: &PidNs) -> u32 {
        // SAFETY: The task and the namespace are valid.
        unsafe { bindings::cr_shim_old_pgrp_read(self.as_ptr(), ns.as_ptr()) }
    }

    /// Sets the same.
    pub fn set_old_pgrp(&self, pgrp: &PidRef) {
        // SAFETY: The task and the number are valid; the task takes its own reference.
        unsafe { bindings::cr_shim_old_pgrp_set(self.as_ptr(), pgrp.as_ptr()) }
    }
}

/// Gives the current process an autogroup of its own.
pub fn make_autogroup() -> Result {
    // SAFETY: The current task is alive.
    to_result(unsafe { bindings::cr_shim_autogroup_make() })
}

/// Sets the nice value of the autogroup of the current process. Fails with EAGAIN if that was done
/// just before.
pub fn set_autogroup_nice(nice: i32) -> Result {
    // SAFETY: No preconditions.
    to_result(unsafe { bindings::cr_shim_autogroup_nice(nice) })
}
