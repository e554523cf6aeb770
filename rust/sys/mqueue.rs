// SPDX-License-Identifier: GPL-2.0

//! POSIX message queues.
//!
//! C headers: [`include/linux/mqueue.h`](srctree/include/linux/mqueue.h),
//! [`include/linux/ipc_namespace.h`](srctree/include/linux/ipc_namespace.h).

use crate::{bindings, file::FileRef, pid_ns::PidNs, sysv::Ipc, vec};
use core::ptr::NonNull;
use cr_codec::uapi::*;
use kernel::{error::to_result, prelude::*};

/// A queue, with a reference to its entry in the directory of its namespace.
pub struct Mqueue(NonNull<bindings::dentry>);

impl Drop for Mqueue {
    fn drop(&mut self) {
        // SAFETY: The reference is ours.
        unsafe { bindings::cr_shim_mqueue_put(self.0.as_ptr()) }
    }
}

impl Mqueue {
    /// A number that tells it from others that live.
    pub fn identity(&self) -> u64 {
        self.0.as_ptr() as u64
    }

    /// Its record, with its name and its messages, as they are in an image, and processes as `ns` sees
    /// them. False if who is told of the next message cannot be again.
    pub fn read(&self, ns: &PidNs) -> Result<(cr_img_mqueue, KVVec<u8>, bool)> {
        let mut record = cr_img_mqueue::default();
        let mut bytes = KVVec::<u8>::new();
        loop {
            let mut length = 0;
            // SAFETY: Entry and namespace are valid, `bytes` has as much room as said, the rest is
            // valid for writes.
            let is_known = unsafe {
                bindings::cr_shim_mqueue_read(
                    self.0.as_ptr(),
                    ns.as_ptr(),
                    &mut record,
                    bytes.as_mut_ptr(),
                    bytes.len(),
                    &mut length,
                )
            };
            if length <= bytes.len() {
                bytes.truncate(length);
                return Ok((record, bytes, is_known));
            }
            bytes = vec::zeroed(length, GFP_KERNEL)?;
        }
    }

    /// References to it: its name, if it has one, ours, and one of each open file.
    pub fn users(&self) -> u32 {
        // SAFETY: The entry is valid.
        unsafe { bindings::cr_shim_mqueue_users(self.0.as_ptr()) }
    }
}

impl Ipc {
    fn mqueue_from(ptr: *mut bindings::dentry) -> Option<Mqueue> {
        Some(Mqueue(NonNull::new(ptr)?))
    }

    /// How many POSIX message queues there are, also those that have no name any more.
    pub fn count_mqueues(&self) -> u32 {
        // SAFETY: The namespace is valid.
        unsafe { bindings::cr_shim_mqueue_count(self.as_ptr()) }
    }

    /// One of those that have a name, by its place.
    pub fn mqueue(&self, place: u32) -> Option<Mqueue> {
        // SAFETY: The namespace is valid; the result is null or referenced.
        Self::mqueue_from(unsafe { bindings::cr_shim_mqueue_get(self.as_ptr(), place) })
    }

    /// The one behind an open file, if mq_open(2) has opened that in this namespace.
    pub fn mqueue_of(&self, file: &FileRef) -> Option<Mqueue> {
        // SAFETY: Namespace and file are valid; the result is null or referenced.
        Self::mqueue_from(unsafe { bindings::cr_shim_mqueue_of(self.as_ptr(), file.as_ptr()) })
    }

    /// Gives the one behind an open file its owner, permissions and times.
    pub fn finish_mqueue(&self, file: &FileRef, queue: &cr_img_mqueue) -> Result {
        // SAFETY: Namespace and file are valid, `queue` is valid for reads.
        to_result(unsafe { bindings::cr_shim_mqueue_finish(self.as_ptr(), file.as_ptr(), queue) })
    }
}
