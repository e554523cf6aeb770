// SPDX-License-Identifier: GPL-2.0

//! Files of sysfs and of cgroups.
//!
//! C source: [`fs/kernfs/file.c`](srctree/fs/kernfs/file.c),
//! [`kernel/cgroup/cgroup.c`](srctree/kernel/cgroup/cgroup.c).

use crate::{
    bindings,
    file::{FileRef, FileType},
    list::try_read_all,
    path::PathRef,
    task::TaskRef,
};
use cr_codec::uapi::*;
use kernel::{error::to_result, prelude::*};

pub use bindings::{
    cr_shim_kernfs_file as KernfsFileInfo, CR_KERNFS_X_GROUPS, CR_KERNFS_X_LIST, CR_KERNFS_X_NS,
    CR_KERNFS_X_OPENER, CR_KERNFS_X_PEAK,
};

impl FileRef {
    fn is_kernfs(&self) -> Result {
        match self.read_type() {
            FileType::Kernfs => Ok(()),
            _ => Err(EINVAL),
        }
    }

    /// What a [`FileType::Kernfs`] has besides its name and offset, of a container with this init; and
    /// what is left of what was made up for the last read. ENODEV: the cgroup or device was
    /// removed.
    pub fn read_kernfs(
        &self,
        init: &TaskRef,
    ) -> Result<(KernfsFileInfo, cr_img_kernfs_file, KVVec<u8>)> {
        self.is_kernfs()?;
        let mut info = KernfsFileInfo::default();
        let mut record = cr_img_kernfs_file::default();
        let left = try_read_all(|room: &mut [u8]| {
            // SAFETY: File and task are valid, and the file is of that kind; the others are valid for
            // writes, `room` for those of its length.
            unsafe {
                bindings::cr_shim_kernfs_file_read(
                    self.as_ptr(),
                    init.as_ptr(),
                    &mut info,
                    &mut record,
                    room.as_mut_ptr(),
                    room.len() as u32,
                )
            }
        })?;
        record.nr_left = left.len() as u32;
        Ok((info, record, left))
    }

    /// Gives one that was just opened all of that, but for an event of its trigger. ESTALE: it is
    /// another one than that of the record.
    pub fn write_kernfs(&self, pos: u64, record: &cr_img_kernfs_file, left: &[u8]) -> Result {
        self.is_kernfs()?;
        if left.len() != record.nr_left as usize {
            return Err(EINVAL);
        }
        // SAFETY: The file is valid, and of that kind; `record` is valid for reads, `left` for those of
        // its length.
        to_result(unsafe {
            bindings::cr_shim_kernfs_file_write(self.as_ptr(), pos, record, left.as_ptr())
        })
    }

    /// Lets its trigger tell the next who polls it.
    pub fn trigger_kernfs(&self) -> Result {
        self.is_kernfs()?;
        // SAFETY: The file is valid, and of that kind.
        unsafe { bindings::cr_shim_kernfs_file_trigger(self.as_ptr()) };
        Ok(())
    }
}

impl PathRef {
    /// A file of the cgroup behind a descriptor of the current task, or of its own, as this mount
    /// shows it. EXDEV: it does not show that cgroup; ESTALE: it is no mount of cgroups.
    pub fn find_in_cgroup(&self, cgroup: Option<i32>, name: &CStr) -> Result<Self> {
        Self::filled(|path| {
            // SAFETY: Path and name are valid, `path` is valid for writes.
            unsafe {
                let (mount, fd) = (self.as_ptr(), cgroup.unwrap_or(-1));
                bindings::cr_shim_kernfs_file_find(mount, fd, name.as_char_ptr(), path)
            }
        })
    }

    /// Opens a file of a cgroup as the record says. EPERM: the current task may not be who has opened it.
    pub fn open_kernfs(&self, flags: u32, record: &cr_img_kernfs_file) -> Result<FileRef> {
        // SAFETY: The path is valid, `record` is valid for reads; the result is an error or referenced.
        FileRef::from_result(unsafe {
            bindings::cr_shim_kernfs_file_open(self.as_ptr(), flags, record)
        })
    }
}
