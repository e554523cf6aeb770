// SPDX-License-Identifier: GPL-2.0

//! Files of procfs, which the kernel makes up when they are read.
//!
//! C source: [`fs/seq_file.c`](srctree/fs/seq_file.c), [`fs/proc`](srctree/fs/proc).

use crate::{
    bindings,
    file::{FileRef, FileType},
    list::try_read_all,
    path::PathRef,
    pid_ns::PidNs,
};
use kernel::{error::to_result, prelude::*};

impl FileRef {
    fn is(&self, kind: FileType) -> Result {
        match self.read_type() == kind {
            true => Ok(()),
            false => Err(EINVAL),
        }
    }

    /// Where the next read of a [`FileType::Proc`] goes on: with what is left of what was made up for
    /// the last one, then with the record of that number, plus one; 0 if the offset says all. Of a
    /// sysctl, the number says whether it has changed since it was polled.
    pub fn read_proc(&self) -> Result<(u64, KVVec<u8>)> {
        self.is(FileType::Proc)?;
        let mut next = 0;
        let left = try_read_all(|room: &mut [u8]| {
            let (to, length) = (room.as_mut_ptr(), room.len() as u32);
            // SAFETY: The file is valid, and of that kind; `to` is valid for writes of that length.
            unsafe { bindings::cr_shim_proc_file_read(self.as_ptr(), &mut next, to, length) }
        })?;
        Ok((next, left))
    }

    /// The same of a [`FileType::ProcTask`] of a thread in `ns`. EXDEV: it is of a procfs for another
    /// namespace; ESRCH: that thread is gone, or has not got what it shows any more; EBUSY: it shows
    /// mounts, and was read in part.
    pub fn read_proc_task(&self, ns: &PidNs) -> Result<(u64, KVVec<u8>)> {
        self.is(FileType::ProcTask)?;
        let mut next = 0;
        let left = try_read_all(|room: &mut [u8]| {
            let (to, length) = (room.as_mut_ptr(), room.len() as u32);
            let (file, ns) = (self.as_ptr(), ns.as_ptr());
            // SAFETY: The namespace is valid, and so is the file, which is of that kind; `to` is valid for
            // writes of that length.
            unsafe { bindings::cr_shim_proc_task_read(file, ns, &mut next, to, length) }
        })?;
        Ok((next, left))
    }

    /// Opens a [`FileType::ProcTask`] of a thread in `ns` by its absolute name below `root`, as the current
    /// task may. ESTALE: the name is that of something else.
    pub fn open_proc_task(root: &PathRef, name: &CStr, flags: u32, ns: &PidNs) -> Result<Self> {
        // SAFETY: Path, name and namespace are valid; the result is an error or referenced.
        Self::from_result(unsafe {
            let (root, name) = (root.as_ptr(), name.as_char_ptr());
            bindings::cr_shim_proc_task_open(root, name, flags, ns.as_ptr())
        })
    }

    /// Lets reads of one of both kinds, which was just opened, go on where those of another one would
    /// have. ESTALE: it cannot have got there.
    pub fn write_proc(&self, pos: u64, next: u64, left: &[u8]) -> Result {
        let write: unsafe extern "C" fn(*mut bindings::file, u64, u64, *const u8, u32) -> i32 =
            match self.read_type() {
                FileType::Proc => bindings::cr_shim_proc_file_write,
                FileType::ProcTask => bindings::cr_shim_proc_task_write,
                _ => return Err(EINVAL),
            };
        let (from, length) = (left.as_ptr(), left.len() as u32);
        // SAFETY: The file is valid, and of that kind; `from` is valid for reads of that length.
        to_result(unsafe { write(self.as_ptr(), pos, next, from, length) })
    }

    /// What who polls one of both kinds was told so far, which a poll changes: `next` as it was read.
    pub fn set_polled(&self, next: u64) -> Result {
        let set: unsafe extern "C" fn(*mut bindings::file, u64) = match self.read_type() {
            FileType::Proc => bindings::cr_shim_proc_file_polled,
            FileType::ProcTask => bindings::cr_shim_proc_task_polled,
            _ => return Err(EINVAL),
        };
        // SAFETY: The file is valid, and of that kind.
        unsafe { set(self.as_ptr(), next) };
        Ok(())
    }
}
