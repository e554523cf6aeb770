// SPDX-License-Identifier: GPL-2.0

//! Landlock domains, and sets of rules for them.
//!
//! C headers: [`security/landlock/ruleset.h`](srctree/security/landlock/ruleset.h),
//! [`security/landlock/cred.h`](srctree/security/landlock/cred.h).

use crate::{
    bindings, cred::CredRef, file::FileRef, inotify::InodeRef, path::PathRef, task::TaskRef,
};
use core::{
    ffi::c_void,
    marker::PhantomData,
    ptr::{self, NonNull},
};
use cr_codec::uapi::*;
use kernel::{error::to_result, prelude::*};

pub use bindings::{
    CR_LANDLOCK_X_IOCTL, CR_LANDLOCK_X_OWNER, CR_LANDLOCK_X_SCOPED, CR_LANDLOCK_X_TRUNCATE,
};

/// The rules of a domain, or of an open file, which has them for so long.
pub struct Rules<'a> {
    ptr: NonNull<c_void>,
    owner: PhantomData<&'a ()>,
}

impl Rules<'_> {
    /// Layer `level`, from 1 on, or 0 for those of an open file; and what tells it from others.
    pub fn layer(&self, level: u32) -> (u64, cr_img_landlock) {
        let mut out = cr_img_landlock::default();
        // SAFETY: The owner keeps the rules; a domain has as many layers; `out` is valid for writes.
        let identity =
            unsafe { bindings::cr_shim_landlock_layer(self.ptr.as_ptr(), level, &mut out) };
        (identity, out)
    }

    /// The rules of a layer, about ports or about files, that have any effect.
    pub fn of_layer(
        &self,
        level: u32,
        ports: bool,
    ) -> impl Iterator<Item = (cr_img_landlock_rule, Option<InodeRef>)> + '_ {
        let mut next = Some(0);
        core::iter::from_fn(move || {
            let mut key = next?;
            let mut rule = cr_img_landlock_rule::default();
            let mut inode = ptr::null_mut();
            // SAFETY: The owner keeps the rules; the rest is valid for writes.
            let found = unsafe {
                bindings::cr_shim_landlock_rule(
                    self.ptr.as_ptr(),
                    level,
                    ports,
                    &mut key,
                    &mut rule,
                    &mut inode,
                )
            };
            next = key.checked_add(1).filter(|_| found);
            // SAFETY: It is null, or the reference is ours.
            let inode = unsafe { InodeRef::from_owned(inode) };
            found.then_some((rule, inode))
        })
    }
}

/// Landlock.
impl CredRef {
    /// The domain.
    pub fn domain(&self) -> Option<Rules<'_>> {
        // SAFETY: The credentials are valid.
        let ptr = unsafe { bindings::cr_shim_landlock_domain(self.as_ptr()) };
        Some(Rules {
            ptr: NonNull::new(ptr.cast_mut())?,
            owner: PhantomData,
        })
    }
}

/// Landlock.
impl TaskRef {
    /// How many layers its domain has, and what is logged of that: as `landlock_log` of a CR_TAG_CRED.
    pub fn read_landlock(&self) -> (u32, u32) {
        let mut log = 0;
        // SAFETY: The task is valid, `log` is valid for writes.
        let nr = unsafe { bindings::cr_shim_landlock_read(self.as_ptr(), &mut log) };
        (nr, log)
    }
}

/// Gives the current task, which is in none, the domain of others, if any, and says what is logged.
pub fn enter(domain: Option<&CredRef>, log: u32) -> Result {
    let domain = domain.map_or(ptr::null(), CredRef::as_ptr);
    // SAFETY: The credentials are valid, or null.
    to_result(unsafe { bindings::cr_shim_landlock_enter(domain, log) })
}

/// Landlock.
impl FileRef {
    /// The rules of a ruleset.
    pub fn rules(&self) -> Result<Rules<'_>> {
        // SAFETY: The file is a valid ruleset.
        let ptr = unsafe { bindings::cr_shim_ruleset_of(self.as_ptr()) };
        Ok(Rules {
            ptr: NonNull::new(ptr.cast_mut()).ok_or(EINVAL)?,
            owner: PhantomData,
        })
    }

    /// A ruleset that has no rules yet. EOPNOTSUPP: it denies what this kernel does not know.
    pub fn make_ruleset(layer: &cr_img_landlock) -> Result<Self> {
        // SAFETY: `layer` is valid; the result is an error or referenced.
        Self::from_result(unsafe { bindings::cr_shim_ruleset_make(layer) })
    }

    /// Adds a rule about what is at a place, or about a port, to a ruleset.
    pub fn add_rule(&self, path: Option<&PathRef>, rule: &cr_img_landlock_rule) -> Result {
        let path = path.map_or(ptr::null(), PathRef::as_ptr);
        // SAFETY: The file is a valid ruleset; the path is valid, or null.
        to_result(unsafe { bindings::cr_shim_ruleset_add(self.as_ptr(), path, rule) })
    }

    /// What it is forbidden because of the domain that it was opened in, as bits: CR_LANDLOCK_X_*.
    pub fn forbidden(&self) -> u64 {
        // SAFETY: The file is valid.
        u64::from(unsafe { bindings::cr_shim_landlock_of_file(self.as_ptr()) })
    }
}
