// SPDX-License-Identifier: GPL-2.0

//! Waiting that ends when the waiter is killed.
//!
//! C header: [`include/linux/completion.h`](srctree/include/linux/completion.h).

use crate::bindings;
use kernel::{error::to_result, prelude::*, types::Opaque};

/// An event that happens once, and that any number of tasks wait for.
///
/// Unlike `kernel::sync::Completion`, waiting ends with an error when the waiting task is killed.
#[pin_data]
pub struct Event {
    #[pin]
    inner: Opaque<bindings::completion>,
}

// SAFETY: A completion is made for use by several tasks.
unsafe impl Send for Event {}
// SAFETY: As above: all operations take its lock.
unsafe impl Sync for Event {}

impl Event {
    /// Has not happened.
    pub fn new() -> impl PinInit<Self> {
        pin_init!(Self {
            inner <- Opaque::ffi_init(|slot| {
                // SAFETY: `slot` is valid for writes, and pinned from now on.
                unsafe { bindings::cr_shim_completion_init(slot) }
            }),
        })
    }

    pub(crate) fn as_ptr(&self) -> *mut bindings::completion {
        self.inner.get()
    }

    /// It happens: all who wait, and will wait, go on.
    pub fn happen(&self) {
        // SAFETY: `inner` has been initialised and is pinned.
        unsafe { bindings::cr_shim_completion_all(self.inner.get()) }
    }

    /// Waits for it. Fails with ERESTARTSYS when the current task is killed.
    pub fn wait(&self) -> Result {
        // SAFETY: `inner` has been initialised and is pinned.
        to_result(unsafe { bindings::cr_shim_completion_wait(self.inner.get()) })
    }

    /// Waits for it at most `ms` milliseconds, and says whether it happened.
    pub fn wait_timeout(&self, ms: u32) -> Result<bool> {
        // SAFETY: `inner` has been initialised and is pinned.
        let left = unsafe { bindings::cr_shim_completion_wait_timeout(self.inner.get(), ms) };
        match left {
            0 => Ok(false),
            left if left > 0 => Ok(true),
            error => Err(Error::from_errno(error as i32)),
        }
    }
}
