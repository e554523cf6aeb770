// SPDX-License-Identifier: GPL-2.0

//! Signals as files, and epoll instances that watch them.

use crate::{bindings, file::FileRef};
use kernel::{error::to_result, prelude::*};

impl FileRef {
    /// The signals that a signalfd accepts.
    pub fn read_signalfd(&self) -> u64 {
        // SAFETY: The file is a valid signalfd.
        unsafe { bindings::cr_shim_signalfd_read(self.as_ptr()) }
    }

    /// A new signalfd.
    pub fn make_signalfd(accepted: u64) -> Result<Self> {
        // SAFETY: No preconditions; the result is an error or referenced.
        Self::from_result(unsafe { bindings::cr_shim_signalfd_make(accepted) })
    }

    /// Puts a file that this epoll instance watches under descriptor `fd` behind all others that are
    /// ready. ENOENT: it does not watch it.
    pub fn make_ready_last(&self, target: &FileRef, fd: u32) -> Result {
        // SAFETY: Both files are valid, and this one is an epoll instance.
        to_result(unsafe { bindings::cr_shim_epoll_ready_last(self.as_ptr(), target.as_ptr(), fd) })
    }
}
