// SPDX-License-Identifier: GPL-2.0

//! vfork(2), and clone(2) with CLONE_VFORK: a task sleeps until its child gives up its memory.
//!
//! The child knows a completion on the stack of who sleeps. That one is put to sleep again with one
//! of ours.

use crate::{bindings, sync::Event, task::TaskRef};
use core::ptr::NonNull;
use kernel::{prelude::*, sync::Arc};

/// The end of a vfork(2): the child executes a program, or exits.
#[pin_data(PinnedDrop)]
pub struct Vfork {
    child: TaskRef,
    #[pin]
    done: Event,
}

impl Vfork {
    /// Lets `child` end it. Fails with ESRCH when that one exits, or ends another one's already.
    pub fn new(child: &TaskRef) -> Result<Arc<Self>> {
        let vfork = Arc::pin_init(
            pin_init!(Self {
                child: child.clone(),
                done <- Event::new(),
            }),
            GFP_KERNEL,
        )?;
        // SAFETY: The task is valid. The completion is pinned, and taken back before it goes.
        match unsafe { bindings::cr_shim_vfork_begin(child.as_ptr(), vfork.done.as_ptr()) } {
            true => Ok(vfork),
            false => Err(ESRCH),
        }
    }

    /// Sleeps until then, or until the current task is killed.
    pub(crate) fn wait(&self) {
        // SAFETY: The completion is valid.
        unsafe { bindings::cr_shim_vfork_wait(self.done.as_ptr()) }
    }
}

#[pinned_drop]
impl PinnedDrop for Vfork {
    fn drop(self: Pin<&mut Self>) {
        // SAFETY: The task and the completion are valid.
        unsafe { bindings::cr_shim_vfork_end(self.child.as_ptr(), self.done.as_ptr()) }
    }
}

impl TaskRef {
    /// The task that sleeps in vfork(2) until this one gives up its memory, and this one's pid as
    /// that one sees it.
    pub fn vfork_waiter(&self) -> Option<(Self, u32)> {
        let mut pid = 0;
        // SAFETY: The task is valid, and so is `pid` for writes; the result is null or referenced.
        let ptr = unsafe { bindings::cr_shim_vfork_waiter(self.as_ptr(), &mut pid) };
        // SAFETY: The reference is ours now.
        let waiter = unsafe { Self::from_owned(NonNull::new(ptr)?) };
        Some((waiter, pid))
    }
}
