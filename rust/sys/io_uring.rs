// SPDX-License-Identifier: GPL-2.0

//! io_uring instances without requests in progress.
//!
//! C source: [`io_uring/`](srctree/io_uring).

use crate::{bindings, file::FileRef, task::TaskRef, vec};
use core::ptr::null_mut;
use cr_codec::uapi::*;
use kernel::{error::to_result, prelude::*};

pub use crate::bindings::{
    cr_shim_uring as Owners, CR_URING_X_BUSY, CR_URING_X_RESOURCES, CR_URING_X_SETUP,
};

impl FileRef {
    /// All about an instance, whom it belongs to, and its memory. Its tasks stand still.
    pub fn read_io_uring(&self) -> Result<(cr_img_uring, Owners, KVVec<u8>)> {
        let mut memory = KVVec::new();
        loop {
            let (mut out, mut owners) = (cr_img_uring::default(), Owners::default());
            // SAFETY: The file is a valid instance, the results are valid for writes, `memory` for those
            // of its length.
            unsafe {
                bindings::cr_shim_uring_read(
                    self.as_ptr(),
                    &raw mut out,
                    &raw mut owners,
                    memory.as_mut_ptr(),
                    memory.len() as u32,
                )
            };
            let length = memory_of(&out);
            if length == memory.len() {
                return Ok((out, owners, memory));
            }
            memory = vec::zeroed(length, GFP_KERNEL)?;
        }
    }

    /// A new instance, with that in its memory. For a moment, the current task has a descriptor of it.
    /// ERANGE: it has memory of another size.
    pub fn make_io_uring(record: &cr_img_uring, memory: &[u8]) -> Result<Self> {
        if memory.len() != memory_of(record) {
            return Err(EINVAL);
        }
        // SAFETY: `memory` has as much as `record` says; the result is an error or referenced.
        Self::from_result(unsafe { bindings::cr_shim_uring_make(record, memory.as_ptr()) })
    }

    /// Makes an instance that the current task has made that of `owner`; requests come from `submitter`
    /// alone, if there is one. Both stand still. EPERM: not without a limit.
    pub fn adopt_io_uring(
        &self,
        owner: &TaskRef,
        submitter: Option<&TaskRef>,
        unlimited: bool,
    ) -> Result {
        let submitter = submitter.map_or(null_mut(), |task| task.as_ptr());
        // SAFETY: The file is a valid instance, the tasks are valid.
        to_result(unsafe {
            bindings::cr_shim_uring_adopt(self.as_ptr(), owner.as_ptr(), submitter, unlimited)
        })
    }

    /// Maps an instance into the current task, at a free place.
    pub fn map_io_uring(&self, addr: u64, len: u64, prot: u32, pgoff: u64) -> Result {
        // SAFETY: The file is a valid instance; it checks what of it can be mapped.
        to_result(unsafe { bindings::cr_shim_uring_map(self.as_ptr(), addr, len, prot, pgoff) })
    }
}

impl TaskRef {
    /// A number that tells its user from others, as [`Owners::user`].
    pub fn user_identity(&self) -> u64 {
        // SAFETY: The task is valid.
        unsafe { bindings::cr_shim_task_user(self.as_ptr()) }
    }
}

/// Bytes of memory of an instance.
fn memory_of(record: &cr_img_uring) -> usize {
    let pages = u64::from(record.nr_ring_pages) + u64::from(record.nr_entry_pages);
    (pages * crate::mm::PAGE_SIZE as u64) as usize
}
