// SPDX-License-Identifier: GPL-2.0

//! Processes and threads as files.
//!
//! C header: [`include/linux/pidfs.h`](srctree/include/linux/pidfs.h).

use crate::{
    bindings,
    file::FileRef,
    pid_ns::{PidNs, PidRef},
    task::TaskRef,
};
use kernel::{error::to_result, prelude::*};

pub use bindings::cr_shim_pidfd as PidfdInfo;

impl FileRef {
    /// What a pidfd refers to, as seen from `ns` with its init. EXDEV: something outside of it;
    /// EAGAIN: it ends right now.
    pub fn read_pidfd(&self, ns: &PidNs, init: &TaskRef) -> Result<PidfdInfo> {
        let mut info = PidfdInfo::default();
        // SAFETY: The file is a valid pidfd, namespace and task are valid, `info` is valid for writes.
        to_result(unsafe {
            bindings::cr_shim_pidfd_read(self.as_ptr(), ns.as_ptr(), init.as_ptr(), &mut info)
        })?;
        Ok(info)
    }

    /// A new pidfd. For a moment, the current task has a descriptor of it.
    pub fn make_pidfd(pid: &PidRef, flags: u32) -> Result<Self> {
        // SAFETY: The number is valid; the result is an error or referenced.
        Self::from_result(unsafe { bindings::cr_shim_pidfd_make(pid.as_ptr(), flags) })
    }

    /// A new pidfd of a process in `ns`, of which `init` is the init, that has ended.
    pub fn make_dead_pidfd(ns: &PidNs, init: &TaskRef, exit_code: u32, flags: u32) -> Result<Self> {
        // SAFETY: Namespace and task are valid; the result is an error or referenced.
        Self::from_result(unsafe {
            bindings::cr_shim_pidfd_make_dead(ns.as_ptr(), init.as_ptr(), exit_code as i32, flags)
        })
    }

    /// Another pidfd of the same.
    pub fn make_same_pidfd(&self, flags: u32) -> Result<Self> {
        // SAFETY: The file is a valid pidfd; the result is an error or referenced.
        Self::from_result(unsafe { bindings::cr_shim_pidfd_make_same(self.as_ptr(), flags) })
    }
}
