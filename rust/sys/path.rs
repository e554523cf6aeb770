// SPDX-License-Identifier: GPL-2.0

//! Places in a tree of mounts.
//!
//! C headers: [`include/linux/path.h`](srctree/include/linux/path.h),
//! [`include/linux/namei.h`](srctree/include/linux/namei.h).

use crate::{
    bindings,
    file::{FileRef, FileType},
};
use core::mem::MaybeUninit;
use cr_codec::uapi::*;
use kernel::{error::to_result, ffi::c_char, prelude::*};

/// A place in a tree of mounts, with references.
#[repr(transparent)]
pub struct PathRef(pub(crate) bindings::path);

// SAFETY: Mounts and dentries are reference counted and not changed here.
unsafe impl Send for PathRef {}
// SAFETY: As above.
unsafe impl Sync for PathRef {}

impl PathRef {
    pub(crate) fn filled(fill: impl FnOnce(*mut bindings::path) -> i32) -> Result<Self> {
        let mut path = MaybeUninit::zeroed();
        to_result(fill(path.as_mut_ptr()))?;
        // SAFETY: A path of zeroes is valid, if useless; and it has been filled in.
        Ok(Self(unsafe { path.assume_init() }))
    }

    /// What an absolute name below `root` stands for, without symbolic links.
    pub fn lookup(root: &PathRef, name: &CStr) -> Result<Self> {
        Self::filled(|path| {
            // SAFETY: Path and name are valid, `path` is valid for writes.
            unsafe { bindings::cr_shim_lookup(&root.0, name.as_char_ptr(), path) }
        })
    }

    pub(crate) fn as_ptr(&self) -> *const bindings::path {
        &self.0
    }

    /// Whether it is the same place.
    pub fn is(&self, other: &Self) -> bool {
        (self.0.mnt, self.0.dentry) == (other.0.mnt, other.0.dentry)
    }

    /// Where an open file is.
    pub fn of(file: &FileRef) -> Result<Self> {
        Self::filled(|path| {
            // SAFETY: The file is valid, `path` is valid for writes.
            unsafe { bindings::cr_shim_path_of(file.as_ptr(), path) };
            0
        })
    }

    /// What it is, and its attributes: found out without opening it, which the driver of a device
    /// might not like.
    pub fn read(&self) -> (FileType, cr_img_file) {
        let mut out = cr_img_file::default();
        // SAFETY: The path is valid, `out` is valid for writes.
        let kind = unsafe { bindings::cr_shim_path_read(&self.0, &mut out) };
        (FileType::from_raw(kind), out)
    }

    /// Opens it, as the current task may.
    pub fn open(&self, flags: u32) -> Result<FileRef> {
        // SAFETY: The path is valid; the result is an error or referenced.
        FileRef::from_result(unsafe { bindings::cr_shim_path_open(&self.0, flags) })
    }

    /// The directory behind a descriptor of the current task.
    pub fn from_fd(fd: i32) -> Result<Self> {
        // SAFETY: `path` is valid for writes.
        Self::filled(|path| unsafe { bindings::cr_shim_path_of_fd(fd, path) })
    }

    /// The root directory of the current task.
    pub fn current_root() -> Result<Self> {
        Self::filled(|path| {
            // SAFETY: `path` is valid for writes.
            unsafe { bindings::cr_shim_current_root(path) };
            0
        })
    }

    /// Whether it has been removed.
    pub fn is_unlinked(&self) -> bool {
        // SAFETY: The path is valid.
        unsafe { bindings::cr_shim_path_unlinked(&self.0) }
    }

    /// Its name below `root`, in `buffer`. EXDEV: not below it; ESTALE: the name leads elsewhere.
    pub fn name<'a>(&self, root: &PathRef, buffer: &'a mut [u8]) -> Result<&'a [u8]> {
        name_in(buffer, |to, length, start| {
            let (what, root) = (&self.0, &root.0);
            // SAFETY: Both paths are valid; `to` is valid for writes of that length.
            unsafe { bindings::cr_shim_path_name(what, root, to, length, start) }
        })
    }
}

impl Drop for PathRef {
    fn drop(&mut self) {
        // SAFETY: The references are ours.
        unsafe { bindings::cr_shim_path_put(&mut self.0) }
    }
}

/// The name that `write` puts at the end of a buffer, of which it gets the beginning and the length; it
/// says where in it the name begins.
pub(crate) fn name_in(
    buffer: &mut [u8],
    write: impl FnOnce(*mut c_char, u32, &mut u32) -> i32,
) -> Result<&[u8]> {
    let mut start = 0;
    let (to, length) = (buffer.as_mut_ptr().cast(), buffer.len() as u32);
    to_result(write(to, length, &mut start))?;
    let name = buffer.get(start as usize..).ok_or(EINVAL)?;
    name.strip_suffix(&[0]).ok_or(EINVAL)
}
