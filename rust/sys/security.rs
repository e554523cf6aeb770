// SPDX-License-Identifier: GPL-2.0

//! Audit ids, and whom a process lets trace itself.
//!
//! C headers: [`include/linux/audit.h`](srctree/include/linux/audit.h).

use crate::{bindings, pid_ns::PidNs, task::TaskRef};
use cr_codec::uapi::cr_img_thread;
use kernel::{error::to_result, prelude::*};

const NO_SESSION: u32 = u32::MAX;

impl TaskRef {
    /// Fills in its audit ids. Fails with EOVERFLOW when the login id has no mapping here.
    pub fn read_audit(&self, out: &mut cr_img_thread) -> Result {
        // SAFETY: The task is valid, `out` is valid for writes.
        to_result(unsafe { bindings::cr_shim_audit_read(self.as_ptr(), out) })
    }

    /// Whom its process has named by PR_SET_PTRACER: a pid, `CR_PTRACER_ANY`, or 0. Fails with EXDEV
    /// when that one is not in the namespace, EOPNOTSUPP when it does not lead its thread group.
    pub fn ptracer(&self, ns: &PidNs) -> Result<u32> {
        let mut tracer = 0;
        // SAFETY: The task and the namespace are valid, `tracer` is valid for writes.
        to_result(unsafe {
            bindings::cr_shim_ptracer_read(self.as_ptr(), ns.as_ptr(), &mut tracer)
        })?;
        Ok(tracer)
    }
}

/// Gives the current task a login id, and with it a session: one that there is, or a new one.
pub fn set_audit_login(login: u32, session: Option<u32>) -> Result {
    // SAFETY: No preconditions; only fields that the task itself writes.
    to_result(unsafe { bindings::cr_shim_audit_set(login, session.unwrap_or(NO_SESSION)) })
}

/// Sets which terminals' input of the current process is audited.
pub fn set_audit_tty(bits: u32) -> Result {
    // SAFETY: No preconditions.
    to_result(unsafe { bindings::cr_shim_audit_tty_set(bits) })
}
