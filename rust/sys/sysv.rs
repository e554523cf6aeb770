// SPDX-License-Identifier: GPL-2.0

//! System V semaphores, message queues and shared memory, in the IPC namespace of a task.
//!
//! C headers: [`include/linux/ipc_namespace.h`](srctree/include/linux/ipc_namespace.h),
//! `ipc/util.h`.

use crate::{
    bindings,
    file::FileRef,
    pid_ns::{PidNs, PidRef},
    task::TaskRef,
    vec,
};
use core::ptr::NonNull;
use cr_codec::uapi::*;
use kernel::{error::to_result, prelude::*};

/// A kind of objects.
#[derive(Clone, Copy)]
pub enum Kind {
    /// Sets of semaphores.
    Sem = bindings::cr_shim_ipc_CR_SHIM_SEM as isize,
    /// Message queues.
    Msg = bindings::cr_shim_ipc_CR_SHIM_MSG as isize,
    /// Segments of shared memory.
    Shm = bindings::cr_shim_ipc_CR_SHIM_SHM as isize,
}

/// Chooses the identifier of the next object that the current task creates.
pub fn set_next_id(kind: Kind, id: i32) {
    // SAFETY: The current task has an IPC namespace.
    unsafe { bindings::cr_shim_ipc_next_id(kind as u32, id) }
}

fn raw(pid: Option<&PidRef>) -> *mut bindings::pid {
    pid.map_or(core::ptr::null_mut(), PidRef::as_ptr)
}

/// An IPC namespace, with a reference.
pub struct Ipc(NonNull<bindings::ipc_namespace>);

impl Drop for Ipc {
    fn drop(&mut self) {
        // SAFETY: The reference is ours.
        unsafe { bindings::cr_shim_ipc_put(self.0.as_ptr()) }
    }
}

impl Ipc {
    /// That of a task. Fails with ESRCH when it has exited.
    pub fn of(task: &TaskRef) -> Result<Self> {
        // SAFETY: The task is valid; the result is null or referenced.
        let ptr = unsafe { bindings::cr_shim_ipc_of(task.as_ptr()) };
        Ok(Self(NonNull::new(ptr).ok_or(ESRCH)?))
    }

    pub(crate) fn as_ptr(&self) -> *mut bindings::ipc_namespace {
        self.0.as_ptr()
    }

    /// The next set of semaphores from `*at` on. Processes are numbers of `ns`.
    pub fn next_sem(
        &self,
        ns: &PidNs,
        at: &mut i32,
    ) -> Result<Option<(cr_img_sem, KVVec<cr_img_semaphore>)>> {
        let mut set = cr_img_sem::default();
        let mut sems = KVVec::<cr_img_semaphore>::new();
        loop {
            // SAFETY: Both namespaces are valid, `sems` has as much room as said, the rest is
            // valid for writes.
            let found = unsafe {
                bindings::cr_shim_sem_next(
                    self.0.as_ptr(),
                    ns.as_ptr(),
                    at,
                    &mut set,
                    sems.as_mut_ptr(),
                    sems.len() as u32,
                )
            };
            if !found {
                return Ok(None);
            }
            let nr = set.nr as usize;
            if nr <= sems.len() {
                sems.truncate(nr);
                return Ok(Some((set, sems)));
            }
            sems = vec::zeroed(nr, GFP_KERNEL)?;
        }
    }

    /// Gives one semaphore of a set its state.
    pub fn set_sem(
        &self,
        id: i32,
        nr: u32,
        sem: &cr_img_semaphore,
        pid: Option<&PidRef>,
    ) -> Result {
        // SAFETY: The namespace is valid, and so is what else is not null.
        to_result(unsafe { bindings::cr_shim_sem_set(self.0.as_ptr(), id, nr, sem, raw(pid)) })
    }

    /// Gives a set its owner and its time.
    pub fn finish_sem(&self, set: &cr_img_sem) -> Result {
        // SAFETY: The namespace is valid, `set` is valid for reads.
        to_result(unsafe { bindings::cr_shim_sem_finish(self.0.as_ptr(), set) })
    }

    /// What a list of adjustments, which may be gone, does to a set of `nr` semaphores, if anything.
    pub fn adjustments(&self, list: u64, id: i32, nr: u32) -> Result<Option<KVVec<i16>>> {
        let mut adjustments = vec::zeroed::<i16>(nr as usize, GFP_KERNEL)?;
        // SAFETY: The namespace is valid, `adjustments` has as much room as said; the list is only
        // compared.
        let any = unsafe {
            bindings::cr_shim_semadj_read(self.0.as_ptr(), list, id, adjustments.as_mut_ptr(), nr)
        };
        Ok(any.then_some(adjustments))
    }

    /// The next message queue from `*at` on, with its messages as they are in an image. Processes
    /// are numbers of `ns`.
    pub fn next_queue(&self, ns: &PidNs, at: &mut i32) -> Result<Option<(cr_img_msgq, KVVec<u8>)>> {
        let mut queue = cr_img_msgq::default();
        let mut messages = KVVec::<u8>::new();
        loop {
            let mut length = 0;
            // SAFETY: Both namespaces are valid, `messages` has as much room as said, the rest
            // is valid for writes.
            let found = unsafe {
                bindings::cr_shim_msgq_next(
                    self.0.as_ptr(),
                    ns.as_ptr(),
                    at,
                    &mut queue,
                    messages.as_mut_ptr(),
                    messages.len(),
                    &mut length,
                )
            };
            if !found {
                return Ok(None);
            }
            if length <= messages.len() {
                messages.truncate(length);
                return Ok(Some((queue, messages)));
            }
            messages = vec::zeroed(length, GFP_KERNEL)?;
        }
    }

    /// Gives a message queue all but its messages.
    pub fn finish_queue(
        &self,
        queue: &cr_img_msgq,
        sender: Option<&PidRef>,
        receiver: Option<&PidRef>,
    ) -> Result {
        // SAFETY: The namespace is valid, and so is what else is not null.
        to_result(unsafe {
            bindings::cr_shim_msgq_finish(self.0.as_ptr(), queue, raw(sender), raw(receiver))
        })
    }
}

/// A segment of shared memory.
pub struct Segment {
    /// Its memory.
    pub file: FileRef,
    /// How many mappings of it there are.
    pub attached: u64,
    /// It is not swapped out (SHM_LOCK).
    pub locked: bool,
}

impl Ipc {
    /// The next segment from `*at` on. Processes are numbers of `ns`.
    pub fn next_segment(&self, ns: &PidNs, at: &mut i32) -> Result<Option<(cr_img_shm, Segment)>> {
        let mut record = cr_img_shm::default();
        let mut info = bindings::cr_shim_shm::default();
        // SAFETY: Both namespaces are valid, the rest is valid for writes.
        let found = unsafe {
            bindings::cr_shim_shm_next(self.0.as_ptr(), ns.as_ptr(), at, &mut record, &mut info)
        };
        if !found {
            return Ok(None);
        }
        let segment = Segment {
            file: FileRef::from_result(info.file)?,
            attached: info.attached,
            locked: info.locked,
        };
        Ok(Some((record, segment)))
    }

    /// Gives a segment all but its memory. `creator` takes it along when it exits, if the namespace
    /// says so.
    pub fn finish_segment(
        &self,
        segment: &cr_img_shm,
        maker: Option<&PidRef>,
        user: Option<&PidRef>,
        creator: Option<&TaskRef>,
    ) -> Result {
        let creator = creator.map_or(core::ptr::null_mut(), TaskRef::as_ptr);
        // SAFETY: The namespace is valid, and so is what else is not null. A creator is put on a list that
        // it leaves when it exits, and not if it has begun to.
        to_result(unsafe {
            bindings::cr_shim_shm_finish(self.0.as_ptr(), segment, raw(maker), raw(user), creator)
        })
    }
}

/// Gives a new segment of the current task's namespace its memory.
pub fn adopt_segment(segment: &cr_img_shm, memory: &FileRef) -> Result {
    // SAFETY: `segment` is valid for reads, the file is valid.
    to_result(unsafe { bindings::cr_shim_shm_adopt(segment, memory.as_ptr()) })
}

/// The file that the current process has mapped at an address.
pub fn file_at(address: u64) -> Result<FileRef> {
    // SAFETY: The current task has memory; the result is an error or referenced.
    FileRef::from_result(unsafe { bindings::cr_shim_shm_file_at(address) })
}

/// Sets what the current process adjusts when it ends, in a set that it has adjusted before.
pub fn set_adjustments(id: i32, adjustments: &[i16]) -> Result {
    let nr = adjustments.len() as u32;
    // SAFETY: `adjustments` is valid for reads of its length.
    to_result(unsafe { bindings::cr_shim_semadj_set(id, adjustments.as_ptr(), nr) })
}
