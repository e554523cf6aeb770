// SPDX-License-Identifier: GPL-2.0

//! Credentials, to tell them from others.
//!
//! C header: [`include/linux/cred.h`](srctree/include/linux/cred.h).

use crate::bindings;
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
        // SAFETY: There are always some; `Credential` is a transparent wrapper, and the reference is
        // ours now.
        Self(unsafe { ARef::from_raw(NonNull::new_unchecked(ptr.cast_mut()).cast()) })
    }

    /// Whether these are the same.
    pub fn is(&self, other: &Self) -> bool {
        self.0.as_ptr() == other.0.as_ptr()
    }
}
