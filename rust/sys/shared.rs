// SPDX-License-Identifier: GPL-2.0

//! Shared memory as it was at one moment, for as long as it takes to write it.

use crate::{bindings, file::FileRef, mm::PAGE_SIZE};
use core::ptr::NonNull;
use cr_codec::uapi::*;
use kernel::{
    error::{from_err_ptr, to_result},
    prelude::*,
};

/// Pages of files, by number, in the order in which they were added. Until [`Shared::copy`] is over,
/// whoever wants one of them waits for it.
pub struct Shared(NonNull<bindings::cr_shim_shared>);

impl Shared {
    /// Room for so many pages, if there is memory for as many copies.
    pub fn with_room(nr_pages: u64) -> Result<Self> {
        // SAFETY: Always safe; the result is an error or valid.
        let ptr = from_err_ptr(unsafe { bindings::cr_shim_shared_alloc(nr_pages) })?;
        Ok(Self(NonNull::new(ptr).ok_or(ENOMEM)?))
    }

    /// Adds pages of a file as they are now: all who may write to it stand still. `self` is of no use
    /// after an error.
    pub fn add(&mut self, file: &FileRef, runs: &[cr_img_run]) -> Result {
        let nr = u32::try_from(runs.len()).map_err(|_| E2BIG)?;
        // SAFETY: `self` and the file are valid; there are as many runs as said.
        to_result(unsafe {
            bindings::cr_shim_shared_add(self.0.as_ptr(), file.as_ptr(), runs.as_ptr(), nr)
        })
    }

    /// Copies what has not been yet, while those run who may write to it. `self` is of no use after an
    /// error.
    pub fn copy(&mut self) -> Result {
        // SAFETY: `self` is valid.
        to_result(unsafe { bindings::cr_shim_shared_copy(self.0.as_ptr()) })
    }

    /// Contents of a page that has been copied.
    pub fn page(&self, at: u64) -> Result<&[u8]> {
        // SAFETY: `self` is valid.
        let page = unsafe { bindings::cr_shim_shared_page(self.0.as_ptr(), at) };
        if page.is_null() {
            return Err(EINVAL);
        }
        // SAFETY: It is a page, which lives as long as `self`, and which nobody writes to.
        Ok(unsafe { core::slice::from_raw_parts(page.cast(), PAGE_SIZE) })
    }
}

impl Drop for Shared {
    /// Lets go what has not been copied.
    fn drop(&mut self) {
        // SAFETY: It is ours, and nobody uses it afterwards.
        unsafe { bindings::cr_shim_shared_free(self.0.as_ptr()) }
    }
}
