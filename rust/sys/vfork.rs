// SPDX-License-Identifier: GPL-2.0

//! vfork(2), and clone(2) with CLONE_VFORK: a task sleeps until its child gives up its memory.
//!
//! The child knows a completion on the stack of who sleeps. That one is put to sleep again with one
//! of ours.

use crate::{bindings, pid_ns::PidRef, sync::Event, task::TaskRef};
use core::ptr::NonNull;
use kernel::{prelude::*, sync::Arc};

/// The end of a vfork(2): the child executes a program, or exits.
#[pin_data(PinnedDrop)]
pub struct Vfork {
    child: TaskRef,
    pid: PidRef,
    #[pin]
    done: Event,
}

impl Vfork {
    /// Lets `child` end it. Fails with ESRCH when that one exits, or ends another one's already.
    pub fn new(child: &TaskRef) -> Result<Arc<Self>> {
        let pid = PidRef::of(child).ok_or(ESRCH)?;
        let vfork = Arc::pin_init(
            pin_init!(Self {
                child: child.clone(),
                pid,
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

    /// Sleeps until then, or until the current task is killed; and stops if its tracer wants that.
    pub(crate) fn wait(&self) {
        // SAFETY: The completion and the number are valid. On its way to user mode, the task may
        // stop for its tracer.
        unsafe { bindings::cr_shim_vfork_wait(self.done.as_ptr(), self.pid.as_ptr()) }
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
    /// Who has been created by the vfork(2) at whose beginning its tracer has stopped this one, and
    /// has not given up its memory yet.
    pub fn vfork_child(&self) -> Option<Self> {
        // SAFETY: The task is valid; the result is null or referenced.
        let ptr = unsafe { bindings::cr_shim_vfork_child(self.as_ptr()) };
        // SAFETY: The reference is ours now.
        Some(unsafe { Self::from_owned(NonNull::new(ptr)?) })
    }

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
