// SPDX-License-Identifier: GPL-2.0

//! Work that other processors do meanwhile.
//!
//! C header: [`include/linux/workqueue.h`](srctree/include/linux/workqueue.h).

use crate::bindings;
use core::ptr::NonNull;
use kernel::{prelude::*, workqueue::Queue};

/// Threads of the kernel, on any processor. Dropping this waits for what they still do, so that it
/// does not outlast the module.
pub struct Workers(NonNull<bindings::workqueue_struct>);

// SAFETY: A workqueue is made for use by several tasks.
unsafe impl Send for Workers {}
// SAFETY: As above.
unsafe impl Sync for Workers {}

impl Workers {
    /// So many at most.
    pub fn new(most: u32) -> Result<Self> {
        // SAFETY: No preconditions.
        let ptr = unsafe { bindings::cr_shim_workers(most) };
        Ok(Self(NonNull::new(ptr).ok_or(ENOMEM)?))
    }

    /// Has one of them call `job`, when one is free.
    pub fn spawn(&self, job: impl FnOnce() + Send + 'static) -> Result {
        // SAFETY: The workqueue is destroyed when this is dropped, not before.
        let queue = unsafe { Queue::from_raw(self.0.as_ptr()) };
        Ok(queue.try_spawn(GFP_KERNEL, job)?)
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        // SAFETY: It is ours, and nobody can give it more to do.
        unsafe { bindings::cr_shim_workers_end(self.0.as_ptr()) }
    }
}

/// Processors that are at work.
pub fn nr_processors() -> u32 {
    // SAFETY: No preconditions.
    unsafe { bindings::cr_shim_nr_processors() }
}
