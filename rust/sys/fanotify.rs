// SPDX-License-Identifier: GPL-2.0

//! What fanotify groups watch, and have to tell.
//!
//! C headers: [`include/linux/fsnotify_backend.h`](srctree/include/linux/fsnotify_backend.h),
//! [`fs/notify/fanotify/fanotify.h`](srctree/fs/notify/fanotify/fanotify.h).

use crate::{
    bindings,
    file::FileRef,
    inotify::InodeRef,
    list::{read_all, try_read_all},
    path::{name_in, PathRef},
    pid_ns::{PidNs, PidRef},
};
use core::ptr::NonNull;
use cr_codec::uapi::*;
use kernel::{error::to_result, prelude::*};

/// What a mark is on.
pub enum Watched<'a> {
    /// A file.
    Inode(&'a InodeRef),
    /// A mount, and a place in it.
    Mount(&'a PathRef),
    /// A file system.
    Super(&'a SuperRef),
}

/// A mark, with references to what it is on.
#[derive(Default)]
#[repr(transparent)]
pub struct Mark(bindings::cr_shim_fanotify_mark);

/// A file system, with a reference that keeps it mounted.
#[repr(transparent)]
pub struct SuperRef(NonNull<bindings::super_block>);

impl Mark {
    /// What it is on.
    pub fn watched(&self) -> Option<Watched<'_>> {
        if !self.0.inode.is_null() {
            // SAFETY: InodeRef is a pointer that is not null, as this one; whose reference lives as
            // long as the mark.
            let inode = unsafe { &*(&raw const self.0.inode).cast::<InodeRef>() };
            return Some(Watched::Inode(inode));
        }
        if !self.0.sb.is_null() {
            // SAFETY: As above.
            let sb = unsafe { &*(&raw const self.0.sb).cast::<SuperRef>() };
            return Some(Watched::Super(sb));
        }
        if self.0.path.mnt.is_null() {
            return None;
        }
        // SAFETY: PathRef is such a structure, whose references live as long as the mark.
        let path = unsafe { &*(&raw const self.0.path).cast::<PathRef>() };
        Some(Watched::Mount(path))
    }

    /// What it tells of.
    pub fn read(&self) -> cr_img_fanotify_mark {
        cr_img_fanotify_mark {
            type_: self.0.type_,
            flags: self.0.flags,
            mask: self.0.mask,
            ignored: self.0.ignored,
            ..Default::default()
        }
    }
}

impl Drop for Mark {
    fn drop(&mut self) {
        // SAFETY: The references are ours, where there are any.
        unsafe { bindings::cr_shim_fanotify_mark_put(&mut self.0) }
    }
}

impl SuperRef {
    /// A name of any mount of it below `root`, in `buffer`. EXDEV: there is none; ESTALE: they lead
    /// elsewhere.
    pub fn name<'a>(&self, root: &PathRef, buffer: &'a mut [u8]) -> Result<&'a [u8]> {
        name_in(buffer, |to, length, start| {
            let (what, root) = (self.0.as_ptr(), root.as_ptr());
            // SAFETY: File system and path are valid; `to` is valid for writes of that length.
            unsafe { bindings::cr_shim_super_name(what, root, to, length, start) }
        })
    }
}

/// A fanotify group.
impl FileRef {
    /// Its flags and, above 32 bits, those of files that it opens.
    pub fn fanotify_flags(&self) -> u64 {
        // SAFETY: The file is a valid fanotify group.
        unsafe { bindings::cr_shim_fanotify_flags(self.as_ptr()) }
    }

    /// How many events there is room for.
    pub fn fanotify_max_events(&self) -> u32 {
        // SAFETY: The file is a valid fanotify group.
        unsafe { bindings::cr_shim_fanotify_max_events(self.as_ptr()) }
    }

    /// What it watches, the oldest mark first. EAGAIN: one is just being removed; EXDEV: a mount
    /// that is not in the namespace of `root`.
    pub fn fanotify_marks(&self, root: &PathRef) -> Result<KVVec<Mark>> {
        try_read_all(|room: &mut [Mark]| {
            // SAFETY: The file is a valid fanotify group, the path is valid; `room` is valid for
            // writes of its length, and has no references yet.
            unsafe {
                bindings::cr_shim_fanotify_marks(
                    self.as_ptr(),
                    root.as_ptr(),
                    room.as_mut_ptr().cast(),
                    room.len() as u32,
                )
            }
        })
    }

    /// The events that wait in it, as in a CR_TAG_FANOTIFY but for their paths, which come apart, and
    /// with numbers in `ns`. EBUSY: somebody waits for an answer; ESRCH: of somebody whose end cannot
    /// be told of again; EOPNOTSUPP: another one that cannot be saved.
    pub fn fanotify_events(&self, ns: &PidNs) -> Result<(KVVec<u8>, KVVec<PathRef>)> {
        let mut places: KVVec<bindings::path> = KVVec::new();
        let mut taken = 0;
        let events = read_all(|room: &mut [u8]| loop {
            let mut found = 0;
            // SAFETY: The file is a valid fanotify group, the namespace is valid; both lists are valid
            // for writes of their lengths.
            let len = unsafe {
                bindings::cr_shim_fanotify_events(
                    self.as_ptr(),
                    ns.as_ptr(),
                    room.as_mut_ptr(),
                    room.len(),
                    places.as_mut_ptr(),
                    places.len() as u32,
                    &mut found,
                )
            };
            let found = found as usize;
            let len = usize::try_from(len).map_err(|_| Error::from_errno(len as i32));
            match len {
                Ok(_) if found > places.len() => {
                    places.resize(found, Default::default(), GFP_KERNEL)?
                }
                Ok(len) => {
                    taken = if len <= room.len() { found } else { 0 };
                    return Ok(len);
                }
                Err(error) => {
                    taken = found;
                    return Err(error);
                }
            }
        });
        places.truncate(taken);
        // Whatever has failed, the references are ours.
        let mut owned = places.into_iter().map(PathRef);
        let mut paths = KVVec::new();
        let result = owned.try_for_each(|path| paths.push(path, GFP_KERNEL));
        owned.for_each(drop);
        result?;
        Ok((events?, paths))
    }

    /// A new group, which is told of nothing until it is [opened](Self::open_fanotify). For a moment,
    /// the current task has a descriptor of it. EPERM: the current task may not have such a one.
    pub fn make_fanotify(flags: u64) -> Result<Self> {
        // SAFETY: No preconditions; the result is an error or referenced.
        Self::from_result(unsafe { bindings::cr_shim_fanotify_make(flags) })
    }

    /// Completes a mark that was just made, of what is at `path`. ENOENT: there is none; EBUSY: it
    /// tells of something else.
    pub fn set_fanotify_mark(&self, path: &PathRef, mark: &cr_img_fanotify_mark) -> Result {
        // SAFETY: The file is a valid fanotify group, the path is valid.
        to_result(unsafe {
            bindings::cr_shim_fanotify_mark_set(self.as_ptr(), path.as_ptr(), mark)
        })
    }

    /// Puts an event behind those that wait, and tells nobody.
    pub fn queue_fanotify_event(
        &self,
        event: &cr_img_fanotify_event,
        rest: &[u8],
        path: Option<&PathRef>,
        pid: Option<&PidRef>,
    ) -> Result {
        let parts = [
            event.dir_len,
            event.dir2_len,
            event.object_len,
            event.name_len,
            event.name2_len,
        ];
        let len: usize = parts.iter().map(|&len| usize::from(len)).sum();
        let has_path = event.kind == CR_FANOTIFY_PATH;
        if len + event.path_len as usize != rest.len() || path.is_some() != has_path {
            return Err(EINVAL);
        }
        let path = path.map_or(core::ptr::null(), PathRef::as_ptr);
        let pid = pid.map_or(core::ptr::null_mut(), PidRef::as_ptr);
        // SAFETY: The file is a valid fanotify group; `rest` is as long as the event says, which has a
        // path if it needs one; the path and the pid, if there are any, are valid.
        to_result(unsafe {
            bindings::cr_shim_fanotify_queue(self.as_ptr(), event, rest.as_ptr(), path, pid)
        })
    }

    /// Lets a new group be told of what happens from now on.
    pub fn open_fanotify(&self) {
        // SAFETY: The file is a valid fanotify group.
        unsafe { bindings::cr_shim_fanotify_open(self.as_ptr()) }
    }
}
