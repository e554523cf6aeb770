// SPDX-License-Identifier: GPL-2.0

//! io_uring instances.
//!
//! C source: [`io_uring/`](srctree/io_uring).

use crate::{
    bindings,
    file::FileRef,
    mm::Mm,
    task::{CpuWords, TaskRef},
    vec,
};
use core::ptr::NonNull;
use cr_codec::uapi::*;
use kernel::{error::to_result, prelude::*};

pub use crate::bindings::{
    cr_shim_uring as Owners, cr_shim_uring_tables as Tables, CR_URING_X_BUSY,
    CR_URING_X_PERSONALITIES, CR_URING_X_RESOURCES, CR_URING_X_RESTRICTED, CR_URING_X_SETUP,
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
    /// ERANGE: it has memory of another size. EACCES: the current task is restricted in its use of io_uring.
    /// E2BIG: it allows operations that this kernel does not have.
    pub fn make_io_uring(record: &cr_img_uring, memory: &[u8]) -> Result<Self> {
        if memory.len() != memory_of(record) {
            return Err(EINVAL);
        }
        // SAFETY: `memory` has as much as `record` says; the result is an error or referenced.
        Self::from_result(unsafe { bindings::cr_shim_uring_make(record, memory.as_ptr()) })
    }

    /// Makes an instance that the caller of a restart has made that of the current task. EPERM: not
    /// without a limit.
    pub fn take_io_uring(&self, unlimited: bool) -> Result {
        // SAFETY: The file is a valid instance; the current task is a process, and has memory.
        to_result(unsafe { bindings::cr_shim_uring_take(self.as_ptr(), unlimited) })
    }

    /// From now on, nothing is possible with a complete instance but what the record allows.
    pub fn limit_uring(&self, record: &cr_img_uring) {
        // SAFETY: The file is a valid instance, whose lock the call takes; the record is valid for reads.
        unsafe { bindings::cr_shim_uring_limit(self.as_ptr(), record) }
    }

    /// From now on, requests come from this thread alone, which stands still.
    pub fn set_uring_submitter(&self, submitter: &TaskRef) {
        // SAFETY: The file is a valid instance, which takes its own reference to the task.
        unsafe { bindings::cr_shim_uring_set_submitter(self.as_ptr(), submitter.as_ptr()) }
    }

    /// What is registered with an instance, but for the entries.
    pub fn uring_tables(&self) -> Tables {
        let mut out = Tables::default();
        // SAFETY: The file is a valid instance, `out` is valid for writes.
        unsafe { bindings::cr_shim_uring_tables(self.as_ptr(), &mut out) };
        out
    }

    /// The files that are registered with an instance: place, tag, file.
    pub fn uring_files(&self) -> impl Iterator<Item = (u32, u64, FileRef)> + '_ {
        let mut next = Some(0u32);
        core::iter::from_fn(move || {
            let (mut at, mut tag) = (next?, 0);
            // SAFETY: The file is a valid instance; the result is null or referenced.
            let file = unsafe { bindings::cr_shim_uring_file(self.as_ptr(), &mut at, &mut tag) };
            next = at.checked_add(1);
            // SAFETY: The reference is ours.
            let file = unsafe { FileRef::from_owned(NonNull::new(file)?) };
            Some((at, tag, file))
        })
    }

    /// The first buffer that is registered with an instance at that place or later. EXDEV: it is none
    /// of the memory that `mm` has there now.
    pub fn uring_buffer(&self, mut from: u32, mm: &Mm) -> Result<Option<cr_img_uring_entry>> {
        let mut out = cr_img_uring_entry::default();
        // SAFETY: The file is a valid instance, the memory is valid; `out` is valid for writes.
        let result = to_result(unsafe {
            bindings::cr_shim_uring_buffer(self.as_ptr(), &mut from, mm.as_ptr(), &mut out)
        });
        match result {
            Err(error) if error == ENOENT => Ok(None),
            result => result.map(|()| Some(out)),
        }
    }

    /// Sets where the search for a free place for a file begins.
    pub fn set_uring_hint(&self, hint: u32) {
        // SAFETY: The file is a valid instance.
        unsafe { bindings::cr_shim_uring_set_hint(self.as_ptr(), hint) }
    }

    /// Sets up to which result the eventfd of an instance has been told.
    pub fn set_uring_told(&self, tail: u32) {
        // SAFETY: The file is a valid instance.
        unsafe { bindings::cr_shim_uring_set_told(self.as_ptr(), tail) }
    }

    /// Sets how many workers a task gets that is to use an instance for the first time.
    pub fn set_uring_limits(&self, bounded: u32, unbounded: u32) {
        // SAFETY: The file is a valid instance.
        unsafe { bindings::cr_shim_uring_set_limits(self.as_ptr(), bounded, unbounded) }
    }

    /// The identity of an instance, as [`Workers::ring`] has it.
    pub fn uring_identity(&self) -> u64 {
        // SAFETY: The file is a valid instance.
        unsafe { bindings::cr_shim_uring_identity(self.as_ptr()) }
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

/// What a task has told its workers.
#[derive(Default)]
pub struct Workers {
    /// The identity of an instance that it uses, 0: none.
    pub ring: u64,
    /// How many there may be.
    pub most: [u32; 2],
    /// So many words of the processors where they may run; 0 for all that the task may use.
    pub nr_words: u32,
}

impl TaskRef {
    /// What it has told its workers, and where they may run. It stands still.
    pub fn uring_workers(&self, cpus: &mut CpuWords) -> Result<Workers> {
        let mut out = Workers::default();
        cpus.0.fill(0);
        // SAFETY: The task is valid, and keeps what it has of io_uring; the results are valid for
        // writes, `cpus` for those of its length.
        to_result(unsafe {
            bindings::cr_shim_uring_task_read(
                self.as_ptr(),
                &mut out.ring,
                out.most.as_mut_ptr(),
                cpus.0.as_mut_ptr(),
                cpus.0.len() as u32,
                &mut out.nr_words,
            )
        })?;
        Ok(out)
    }

    /// The instances that it has registered for itself, with their places. It stands still.
    pub fn registered_rings(&self) -> impl Iterator<Item = (usize, FileRef)> + '_ {
        (0..CR_URING_MAX_RINGS).filter_map(|place| {
            // SAFETY: The task is valid, and keeps what it has of io_uring; the result is null or
            // referenced.
            let file = unsafe { bindings::cr_shim_uring_registered(self.as_ptr(), place) };
            // SAFETY: The reference is ours.
            let file = unsafe { FileRef::from_owned(NonNull::new(file)?) };
            Some((place as usize, file))
        })
    }
}

/// Sets how many workers the current task may have, which has used an instance.
pub fn set_workers(most: &[u32; 2]) {
    // SAFETY: The array is valid for reads; the current task keeps what it has of io_uring.
    unsafe { bindings::cr_shim_uring_set_workers(most.as_ptr()) }
}

/// Bytes of memory of an instance.
fn memory_of(record: &cr_img_uring) -> usize {
    let pages = u64::from(record.nr_ring_pages) + u64::from(record.nr_entry_pages);
    (pages * crate::mm::PAGE_SIZE as u64) as usize
}
