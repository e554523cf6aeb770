// SPDX-License-Identifier: GPL-2.0

//! Inodes whose contents are in the image, and pages of shared memory.

use crate::{bindings, file::FileRef, list::read_all, mm::PAGE_SIZE, path::PathRef};
use cr_codec::uapi::*;
use kernel::{error::to_result, prelude::*};

pub use bindings::{CR_INODE_X_FLAGS, CR_INODE_X_SIZE, CR_INODE_X_XATTRS};

/// NAME_MAX of `include/uapi/linux/limits.h`.
const NAME_MAX: usize = 255;

impl FileRef {
    /// Its inode, the name of that in `name`, and what cannot be saved of it: CR_INODE_X_*.
    pub fn read_inode(&self, name: &mut [u8]) -> Result<(cr_img_inode, u32)> {
        if name.len() < NAME_MAX {
            return Err(EINVAL);
        }
        let mut inode = cr_img_inode::default();
        // SAFETY: The file is valid, the others are valid for writes, of as much as is wanted.
        let unsupported = unsafe {
            bindings::cr_shim_inode_read(self.as_ptr(), &mut inode, name.as_mut_ptr().cast())
        };
        to_result(unsupported.min(0))?;
        Ok((inode, unsupported as u32))
    }

    /// Whether it is a memfd as memfd_create(2) has returned it, not opened since.
    pub fn is_first_memfd(&self) -> bool {
        // SAFETY: The file is valid.
        unsafe { bindings::cr_shim_is_first_memfd(self.as_ptr()) }
    }

    /// Another open file description of the same inode.
    pub fn reopen(&self, flags: u32) -> Result<Self> {
        // SAFETY: The file is valid; the result is an error or referenced.
        Self::from_result(unsafe { bindings::cr_shim_reopen(self.as_ptr(), flags, false) })
    }

    /// One to read the contents by: neither who watches the inode nor its times say that it is read.
    pub fn reopen_unseen(&self) -> Result<Self> {
        const O_LARGEFILE: u32 = 0o100000;
        const O_NOATIME: u32 = 0o1000000;
        let flags = O_LARGEFILE | O_NOATIME;
        // SAFETY: The file is valid; the result is an error or referenced.
        Self::from_result(unsafe { bindings::cr_shim_reopen(self.as_ptr(), flags, true) })
    }

    /// A new memfd of a kind (CR_INODE_*), without seals.
    pub fn make_memfd(kind: u32, name: &CStr, size: u64) -> Result<Self> {
        // SAFETY: The name is valid; the result is an error or referenced.
        Self::from_result(unsafe { bindings::cr_shim_memfd_make(kind, name.as_char_ptr(), size) })
    }

    /// Gives it another size, unless it has that.
    pub fn resize(&self, size: u64) -> Result {
        // SAFETY: The file is valid.
        to_result(unsafe { bindings::cr_shim_resize(self.as_ptr(), size) })
    }

    /// An open file of a directory that was made in the one with that name below `root`, and removed
    /// again. As the current task may.
    pub fn make_removed_directory(root: &PathRef, name: &CStr) -> Result<Self> {
        // SAFETY: Path and name are valid; the result is an error or referenced.
        Self::from_result(unsafe {
            bindings::cr_shim_removed_dir(root.as_ptr(), name.as_char_ptr())
        })
    }

    /// A new file without a name in a directory, by the name of that below `root`; it can be given a
    /// name if it is `linkable`. As the current task may.
    pub fn make_tmpfile(root: &PathRef, name: &CStr, size: u64, linkable: bool) -> Result<Self> {
        // SAFETY: Path and name are valid; the result is an error or referenced.
        Self::from_result(unsafe {
            bindings::cr_shim_tmpfile(&root.0, name.as_char_ptr(), size, linkable)
        })
    }

    /// Gives up the file at once, with the right to write that it has. Nobody else refers to it.
    pub fn close(self) {
        // SAFETY: The reference is ours, and given up.
        unsafe { bindings::cr_shim_file_put_now(self.as_ptr()) };
        core::mem::forget(self);
    }

    /// Gives it the flags that F_SETFL sets.
    pub fn set_status(&self, flags: u32) {
        // SAFETY: The file is valid.
        unsafe { bindings::cr_shim_set_status(self.as_ptr(), flags) }
    }

    /// Gives its inode mode, owner and times, as the current task may.
    pub fn set_inode(&self, inode: &cr_img_inode) -> Result {
        // SAFETY: The file is valid.
        to_result(unsafe { bindings::cr_shim_inode_set(self.as_ptr(), inode) })
    }

    /// Reads the page at an offset, with zeroes behind the end.
    pub fn read_page(&self, at: u64, page: &mut [u8]) -> Result {
        if page.len() != PAGE_SIZE {
            return Err(EINVAL);
        }
        // SAFETY: The file is valid; there is room for a page.
        to_result(unsafe {
            bindings::cr_shim_page_read(self.as_ptr(), at, page.as_mut_ptr().cast())
        })
    }

    /// Writes one, up to the end.
    pub fn write_page(&self, at: u64, page: &[u8]) -> Result {
        if page.len() != PAGE_SIZE {
            return Err(EINVAL);
        }
        // SAFETY: The file is valid; there is a page.
        to_result(unsafe { bindings::cr_shim_page_write(self.as_ptr(), at, page.as_ptr().cast()) })
    }

    /// The memory descriptors, by their identities, that it or another file of its inode is mapped in.
    pub fn mappers(&self) -> Result<KVVec<u64>> {
        read_all(|mms: &mut [u64]| {
            let max = mms.len() as u32;
            // SAFETY: The file is valid, `mms` is valid for writes of its length.
            let nr = unsafe { bindings::cr_shim_mappers(self.as_ptr(), mms.as_mut_ptr(), max) };
            Result::Ok(nr as usize)
        })
    }
}

impl PathRef {
    /// The next directory above it that was not removed. ENOENT: there is none.
    pub fn living_directory(&self) -> Result<Self> {
        // SAFETY: The path is valid; `path` is valid for writes, and filled in on success.
        Self::filled(|path| unsafe { bindings::cr_shim_living_directory(self.as_ptr(), path) })
    }

    /// Whether files without a name can be made in this directory.
    pub fn takes_tmpfiles(&self) -> bool {
        // SAFETY: The path is valid, and one that was found by a name.
        unsafe { bindings::cr_shim_takes_tmpfiles(self.as_ptr()) }
    }

    /// The inode of this directory, which was removed, its identity, and what cannot be saved of it:
    /// CR_INODE_X_*.
    pub fn read_removed(&self) -> Result<(cr_img_inode, u64, u32)> {
        let (mut inode, mut identity) = (cr_img_inode::default(), 0);
        // SAFETY: The path is valid, the others are valid for writes.
        let unsupported =
            unsafe { bindings::cr_shim_removed_dir_read(self.as_ptr(), &mut inode, &mut identity) };
        to_result(unsupported.min(0))?;
        Ok((inode, identity, unsupported as u32))
    }
}
