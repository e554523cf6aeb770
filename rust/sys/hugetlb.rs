// SPDX-License-Identifier: GPL-2.0

//! Huge pages that programs have asked for (hugetlbfs).
//!
//! C header: [`include/linux/hugetlb.h`](srctree/include/linux/hugetlb.h).

use crate::{bindings, file::FileRef, list::read_all};
use cr_codec::uapi::*;
use kernel::{error::to_result, prelude::*};

/// How many huge pages of `size` bytes there may be at most, for who asks for them now. None if this
/// machine has none of that size at all.
pub fn available(size: u64) -> Option<u64> {
    // SAFETY: No preconditions.
    u64::try_from(unsafe { bindings::cr_shim_hugetlb_available(size) }).ok()
}

/// Makes the mapping of the current process at an address, that has no huge pages reserved, look as
/// that of a child does, which has not asked for that.
pub fn clear_noreserve(addr: u64) {
    // SAFETY: No preconditions but that it is not called from a kernel thread, which it never is.
    unsafe { bindings::cr_shim_vma_clear_noreserve(addr) }
}

impl FileRef {
    /// How large its huge pages are. None, if it is of other pages.
    pub fn huge_page_size(&self) -> Option<u64> {
        // SAFETY: The file is valid.
        let size = unsafe { bindings::cr_shim_huge_page_size(self.as_ptr()) };
        (size != 0).then_some(size)
    }

    /// Which parts of an object have huge pages, or a promise of them, by ascending offset.
    pub fn reserved(&self) -> Result<KVVec<cr_img_run>> {
        read_all(|runs: &mut [cr_img_run]| {
            let max = runs.len() as u32;
            // SAFETY: The file is valid, `runs` is valid for writes of its length.
            let nr = unsafe {
                bindings::cr_shim_hugetlb_reserved(self.as_ptr(), runs.as_mut_ptr(), max)
            };
            Result::Ok(nr as usize)
        })
    }

    /// Promises huge pages for a part of such an object.
    pub fn reserve(&self, run: &cr_img_run) -> Result {
        // SAFETY: The file is valid; that it is one of huge pages is checked.
        to_result(unsafe {
            bindings::cr_shim_hugetlb_reserve(self.as_ptr(), run.start, run.nr_pages)
        })
    }
}
