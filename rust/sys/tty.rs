// SPDX-License-Identifier: GPL-2.0

//! Pseudoterminals.
//!
//! C source: [`drivers/tty/pty.c`](srctree/drivers/tty/pty.c),
//! [`drivers/tty/n_tty.c`](srctree/drivers/tty/n_tty.c).

use crate::{
    bindings,
    file::FileRef,
    path::PathRef,
    pid_ns::{PidNs, PidRef},
    task::TaskRef,
    vec,
};
use core::ptr::NonNull;
use cr_codec::uapi::*;
use kernel::{error::to_result, prelude::*};

/// What a read of a pseudoterminal waits for.
pub enum TtyRead {
    /// A character, or a line.
    One,
    /// A character, for a time.
    Time,
    /// Several characters, of which it may have some. If there is a time, it begins with each of them.
    Many,
}

impl FileRef {
    /// A number that tells the pseudoterminal of which it is the master or the slave from others; none
    /// for other files.
    pub fn tty(&self) -> Option<u64> {
        // SAFETY: The file is valid.
        match unsafe { bindings::cr_shim_tty_identity(self.as_ptr()) } {
            0 => None,
            identity => Some(identity),
        }
    }

    /// Whether it is the master of one.
    pub fn is_tty_master(&self) -> bool {
        // SAFETY: The file is valid.
        unsafe { bindings::cr_shim_tty_is_master(self.as_ptr()) }
    }

    /// Whether it is of a terminal that has been hung up since it was opened.
    pub fn is_hung_up(&self) -> bool {
        // SAFETY: The file is valid.
        unsafe { bindings::cr_shim_tty_is_hung_up(self.as_ptr()) }
    }

    /// The open file of its master, unless that is closed.
    pub fn tty_master(&self) -> Option<FileRef> {
        self.tty()?;
        // SAFETY: The file is a valid end of a pseudoterminal; the result is null or referenced.
        let ptr = unsafe { bindings::cr_shim_tty_master(self.as_ptr()) };
        // SAFETY: The reference is ours now.
        Some(unsafe { Self::from_owned(NonNull::new(ptr)?) })
    }

    /// The identities of the open files of both ends: how many there are (as many as fit are written).
    pub fn tty_files(&self, out: &mut [u64]) -> usize {
        // SAFETY: The file is a valid end of a pseudoterminal, `out` is valid for writes of its length.
        let nr = unsafe {
            bindings::cr_shim_tty_files(self.as_ptr(), out.as_mut_ptr(), out.len() as u32)
        };
        nr as usize
    }

    /// What a read of it that sleeps waits for, and after how long it ends, ns. None if it is none.
    pub fn tty_reads(&self) -> Option<(TtyRead, Option<u64>)> {
        self.tty()?;
        let mut timeout = 0;
        // SAFETY: The file is a valid end of a pseudoterminal; `timeout` is valid for writes.
        let reads = unsafe { bindings::cr_shim_tty_reads(self.as_ptr(), &mut timeout) };
        let reads = match reads {
            bindings::CR_SHIM_TTY_MANY => TtyRead::Many,
            bindings::CR_SHIM_TTY_TIME => TtyRead::Time,
            _ => TtyRead::One,
        };
        Some((reads, (timeout != u64::MAX).then_some(timeout)))
    }

    /// Fills in the state of a pseudoterminal that nobody uses, and returns what waits in it.
    /// EOPNOTSUPP: it has another line discipline; EXDEV: it is the terminal of a session outside of `ns`; EEXIST: the foreground
    /// process group has ended, and its number is in use again.
    pub fn read_tty(&self, ns: &PidNs, record: &mut cr_img_tty) -> Result<KVVec<u8>> {
        let mut data = vec::zeroed(bindings::CR_SHIM_TTY_DATA as usize, GFP_KERNEL)?;
        // SAFETY: The file is a valid end of a pseudoterminal, and the namespace is valid; `data` has
        // room for as much as the function writes.
        let len = unsafe {
            bindings::cr_shim_tty_read(self.as_ptr(), ns.as_ptr(), record, data.as_mut_ptr())
        };
        to_result(len.min(0))?;
        data.truncate(len as usize);
        Ok(data)
    }

    /// The number of a pseudoterminal, if it is an end of one.
    pub fn tty_index(&self) -> Option<u32> {
        self.tty()?;
        // SAFETY: The file is a valid end of a pseudoterminal.
        Some(unsafe { bindings::cr_shim_tty_index(self.as_ptr()) })
    }

    /// Opens the slave of this master. For a moment, the current task has a descriptor of it.
    pub fn open_peer(&self, flags: u32) -> Result<Self> {
        if !self.is_tty_master() {
            return Err(ENOTTY);
        }
        // SAFETY: The file is a valid master; the result is an error or referenced.
        Self::from_result(unsafe { bindings::cr_shim_tty_open_peer(self.as_ptr(), flags) })
    }

    /// Whether it was opened as /dev/tty.
    pub fn is_current_tty(&self) -> bool {
        // SAFETY: The file is valid.
        unsafe { bindings::cr_shim_is_current_tty(self.as_ptr()) }
    }

    /// Opens the slave of this master as /dev/tty, whose absolute name below `root` that is, as the
    /// current task may. ESTALE: the name is that of something else.
    pub fn open_current_tty(&self, root: &PathRef, name: &CStr, flags: u32) -> Result<Self> {
        if !self.is_tty_master() {
            return Err(ENOTTY);
        }
        // SAFETY: The file is a valid master, path and name are valid; the result is an error or
        // referenced.
        Self::from_result(unsafe {
            bindings::cr_shim_tty_open_current(
                self.as_ptr(),
                root.as_ptr(),
                name.as_char_ptr(),
                flags,
            )
        })
    }

    /// Hangs the slave of this master up.
    pub fn hang_up_peer(&self) -> Result {
        if !self.is_tty_master() {
            return Err(ENOTTY);
        }
        // SAFETY: The file is a valid master.
        unsafe { bindings::cr_shim_tty_hang_up(self.as_ptr()) };
        Ok(())
    }

    /// Gives the pair of this master its state, when all of its files are open.
    pub fn write_tty(&self, record: &cr_img_tty, data: &[u8]) -> Result {
        if !self.is_tty_master() {
            return Err(ENOTTY);
        }
        // SAFETY: The file is a valid master; `data` is valid for reads of its length.
        to_result(unsafe {
            bindings::cr_shim_tty_write(self.as_ptr(), record, data.as_ptr(), data.len() as u32)
        })
    }

    /// Makes the slave of this master the controlling terminal of a session.
    pub fn set_tty_session(&self, session: &PidRef, pgrp: &PidRef) -> Result {
        if !self.is_tty_master() {
            return Err(ENOTTY);
        }
        // SAFETY: The file is a valid master, and both numbers are valid.
        to_result(unsafe {
            bindings::cr_shim_tty_set_session(self.as_ptr(), session.as_ptr(), pgrp.as_ptr())
        })
    }
}

impl TaskRef {
    /// The controlling terminal of its process, as [`FileRef::tty`] says it for pseudoterminals.
    pub fn tty(&self) -> Option<u64> {
        // SAFETY: The task is valid.
        match unsafe { bindings::cr_shim_task_tty(self.as_ptr()) } {
            0 => None,
            identity => Some(identity),
        }
    }

    /// The open file of the master of that.
    pub fn tty_master(&self) -> Option<FileRef> {
        // SAFETY: The task is valid; the result is null or referenced.
        let ptr = unsafe { bindings::cr_shim_task_tty_master(self.as_ptr()) };
        // SAFETY: The reference is ours now.
        Some(unsafe { FileRef::from_owned(NonNull::new(ptr)?) })
    }

    /// Makes the slave of a master the controlling terminal of its process, which is of that session.
    pub fn set_tty(&self, master: &FileRef) -> Result {
        if !master.is_tty_master() {
            return Err(ENOTTY);
        }
        // SAFETY: The task is valid, and the file is a valid master.
        to_result(unsafe { bindings::cr_shim_task_set_tty(self.as_ptr(), master.as_ptr()) })
    }
}
