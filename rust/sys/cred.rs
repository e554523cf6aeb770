// SPDX-License-Identifier: GPL-2.0

//! Credentials, to tell them from others.
//!
//! C header: [`include/linux/cred.h`](srctree/include/linux/cred.h).

use crate::{bindings, task::TaskRef};
use core::ptr::NonNull;
use kernel::{cred::Credential, sync::aref::ARef};

/// The credentials of a task, which do not change: others take their place.
#[derive(Clone)]
pub struct CredRef(ARef<Credential>);

impl CredRef {
    /// Those of the current task.
    pub fn current() -> Self {
        // SAFETY: No preconditions; the result is referenced.
        let ptr = unsafe { bindings::cr_shim_current_cred() };
        // SAFETY: There are always some, and the reference is ours now.
        unsafe { Self::from_owned(ptr) }
    }

    /// Those of a task.
    pub fn of(task: &TaskRef) -> Self {
        // SAFETY: The task is valid; the result is referenced.
        let ptr = unsafe { bindings::cr_shim_task_cred(task.as_ptr()) };
        // SAFETY: As above.
        unsafe { Self::from_owned(ptr) }
    }

    /// # Safety
    ///
    /// `ptr` is not null, and the reference is the caller's to give.
    unsafe fn from_owned(ptr: *const bindings::cred) -> Self {
        // SAFETY: `Credential` is a transparent wrapper; the caller promises the rest.
        Self(unsafe { ARef::from_raw(NonNull::new_unchecked(ptr.cast_mut()).cast()) })
    }

    pub(crate) fn as_ptr(&self) -> *const bindings::cred {
        self.0.as_ptr()
    }

    /// Whether these are the same.
    pub fn is(&self, other: &Self) -> bool {
        self.0.as_ptr() == other.0.as_ptr()
    }
}
