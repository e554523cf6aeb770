// SPDX-License-Identifier: GPL-2.0

//! What inotify instances watch, and have to tell.
//!
//! C headers: [`include/linux/fsnotify_backend.h`](srctree/include/linux/fsnotify_backend.h),
//! [`fs/notify/inotify/inotify.h`](srctree/fs/notify/inotify/inotify.h).

use crate::{
    bindings,
    file::FileRef,
    list::read_all,
    path::{name_in, PathRef},
};
use core::ptr::NonNull;
use cr_codec::uapi::*;
use kernel::{
    error::{from_err_ptr, to_result},
    prelude::*,
};

/// An inode, with a reference.
pub struct InodeRef(NonNull<bindings::inode>);

impl Drop for InodeRef {
    fn drop(&mut self) {
        // SAFETY: The reference is ours.
        unsafe { bindings::cr_shim_inode_put(self.0.as_ptr()) }
    }
}

impl InodeRef {
    /// Takes a reference over; none of a null pointer.
    ///
    /// # Safety
    ///
    /// The reference is the caller's to give.
    pub(crate) unsafe fn from_owned(inode: *mut bindings::inode) -> Option<Self> {
        Some(Self(NonNull::new(inode)?))
    }

    /// Whether a name leads to it again as to a place, whatever is there.
    pub fn is_place(&self) -> bool {
        // SAFETY: The inode is valid.
        unsafe { bindings::cr_shim_inode_is_place(self.0.as_ptr()) }
    }

    /// Its type, as S_IFMT, and whether it is on a file system where a name leads to it again.
    pub fn read_type(&self) -> (u32, bool) {
        let mut plain = false;
        // SAFETY: The inode is valid, `plain` is valid for writes.
        let mode = unsafe { bindings::cr_shim_inode_type(self.0.as_ptr(), &mut plain) };
        (mode, plain)
    }

    /// A name of it below `root`, in `buffer`. ENOENT: it has none that the kernel knows; EXDEV: not
    /// below it; ESTALE: its names lead elsewhere.
    pub fn name<'a>(&self, root: &PathRef, buffer: &'a mut [u8]) -> Result<&'a [u8]> {
        name_in(buffer, |to, length, start| {
            let (what, root) = (self.0.as_ptr(), root.as_ptr());
            // SAFETY: Inode and path are valid; `to` is valid for writes of that length.
            unsafe { bindings::cr_shim_inode_name(what, root, to, length, start) }
        })
    }
}

impl FileRef {
    /// Any name of what it has open, as [`InodeRef::name`].
    pub fn other_name<'a>(&self, root: &PathRef, buffer: &'a mut [u8]) -> Result<&'a [u8]> {
        name_in(buffer, |to, length, start| {
            let (what, root) = (self.as_ptr(), root.as_ptr());
            // SAFETY: File and path are valid; `to` is valid for writes of that length.
            unsafe { bindings::cr_shim_file_other_name(what, root, to, length, start) }
        })
    }
}

/// An inotify instance.
impl FileRef {
    /// Its limits.
    pub fn read_inotify(&self) -> cr_img_inotify {
        let mut out = cr_img_inotify::default();
        // SAFETY: The file is a valid inotify instance, `out` is valid for writes.
        unsafe { bindings::cr_shim_inotify_read(self.as_ptr(), &mut out) };
        out
    }

    /// The watch with the lowest descriptor from `wd` on, and what it watches. EAGAIN: it is just
    /// being removed.
    pub fn next_watch(&self, wd: i32) -> Result<Option<(cr_img_watch, InodeRef)>> {
        let mut out = cr_img_watch::default();
        // SAFETY: The file is a valid inotify instance, `out` is valid for writes.
        let inode = unsafe { bindings::cr_shim_inotify_watch(self.as_ptr(), wd, &mut out) };
        let inode = NonNull::new(from_err_ptr(inode)?);
        // The reference is ours by now.
        Ok(inode.map(|inode| (out, InodeRef(inode))))
    }

    /// The events that wait in it, as in a CR_TAG_INOTIFY.
    pub fn inotify_events(&self) -> Result<KVVec<u8>> {
        read_all(|room: &mut [u8]| {
            // SAFETY: The file is a valid inotify instance; `room` is valid for writes of its length.
            Ok(unsafe {
                bindings::cr_shim_inotify_events(self.as_ptr(), room.as_mut_ptr(), room.len())
            })
        })
    }

    /// A new inotify instance. For a moment, the current task has a descriptor of it.
    pub fn make_inotify() -> Result<Self> {
        // SAFETY: No preconditions; the result is an error or referenced.
        Self::from_result(unsafe { bindings::cr_shim_inotify_make() })
    }

    /// Makes a new one, or a new fanotify group, which watches nothing, that of the current task. ENOSPC: it would have room
    /// for more events than others.
    pub fn adopt_watcher(&self, max_events: u32) -> Result {
        // SAFETY: The file is a valid inotify instance or fanotify group, which nobody uses.
        to_result(unsafe { bindings::cr_shim_notify_adopt(self.as_ptr(), max_events) })
    }

    /// Sets where it begins to look for the next watch descriptor.
    pub fn set_next_wd(&self, wd: u32) {
        // SAFETY: The file is a valid inotify instance.
        unsafe { bindings::cr_shim_inotify_set_next(self.as_ptr(), wd) }
    }

    /// Whether it watches what is at `path`, under this descriptor.
    pub fn watches(&self, wd: i32, path: &PathRef) -> bool {
        // SAFETY: The file is a valid inotify instance, the path is valid.
        unsafe { bindings::cr_shim_inotify_watches(self.as_ptr(), wd, path.as_ptr()) }
    }

    /// Lets a watch, which tells of nothing, tell of events. ENOENT: it is gone.
    pub fn arm_watch(&self, wd: i32, mask: u32) -> Result {
        // SAFETY: The file is a valid inotify instance.
        to_result(unsafe { bindings::cr_shim_inotify_arm(self.as_ptr(), wd, mask) })
    }

    /// Lets its end be no event, if the caller alone has it.
    pub fn end_quietly(&self) {
        // SAFETY: The file is valid; if there is one reference, it is the caller's.
        unsafe { bindings::cr_shim_file_end_quietly(self.as_ptr()) }
    }

    /// Whether any event waits in it, or in a fanotify group.
    pub fn has_unread(&self) -> bool {
        // SAFETY: The file is a valid inotify instance or fanotify group.
        unsafe { bindings::cr_shim_notify_has_events(self.as_ptr()) }
    }

    /// Puts an event behind those that wait, and tells nobody.
    pub fn queue_inotify_event(&self, event: &cr_img_inotify_event, name: &[u8]) -> Result {
        if event.name_len as usize != name.len() {
            return Err(EINVAL);
        }
        // SAFETY: The file is a valid inotify instance; `name` is as long as the event says.
        to_result(unsafe { bindings::cr_shim_inotify_queue(self.as_ptr(), event, name.as_ptr()) })
    }
}

impl PathRef {
    /// What an absolute name below `root` stands for: a symbolic link for itself, and none before
    /// that. With its type, as S_IFMT.
    pub fn lookup_itself(root: &PathRef, name: &CStr) -> Result<(Self, u32)> {
        let mut mode = 0;
        let path = Self::filled(|path| {
            // SAFETY: Path and name are valid, the results are valid for writes.
            unsafe {
                bindings::cr_shim_lookup_itself(root.as_ptr(), name.as_char_ptr(), path, &mut mode)
            }
        })?;
        Ok((path, mode))
    }
}
