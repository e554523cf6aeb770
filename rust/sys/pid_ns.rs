// SPDX-License-Identifier: GPL-2.0

//! Pid namespaces, and the numbers in them.
//!
//! C headers: [`include/linux/pid.h`](srctree/include/linux/pid.h),
//! [`include/linux/pid_namespace.h`](srctree/include/linux/pid_namespace.h).

use crate::{bindings, task::TaskRef};
use core::ptr::NonNull;
use cr_codec::uapi::*;
use kernel::{
    error::{from_err_ptr, to_result},
    prelude::*,
};

pub use bindings::cr_shim_pidns as PidNsInfo;

/// A pid namespace, with a reference.
pub struct PidNs(NonNull<bindings::pid_namespace>);

// SAFETY: The structure is reference counted and used under its own locks.
unsafe impl Send for PidNs {}
// SAFETY: As above.
unsafe impl Sync for PidNs {}

impl PidNs {
    /// The pid namespace, other than the first one, that `task` is the init of.
    pub fn of_init(task: &TaskRef) -> Option<Self> {
        // SAFETY: The task is valid; the result is null or referenced.
        let ptr = unsafe { bindings::cr_shim_pidns_of_init(task.as_ptr()) };
        Some(Self(NonNull::new(ptr)?))
    }

    /// The one that children of `task` come to be in, unless it has exited.
    pub fn for_children_of(task: &TaskRef) -> Option<Self> {
        // SAFETY: The task is valid; the result is null or referenced.
        let ptr = unsafe { bindings::cr_shim_pidns_for_children(task.as_ptr()) };
        Some(Self(NonNull::new(ptr)?))
    }

    /// The one around it, unless it is the first.
    pub fn parent(&self) -> Option<Self> {
        // SAFETY: The namespace is valid; the result is null or referenced.
        let ptr = unsafe { bindings::cr_shim_pidns_parent(self.as_ptr()) };
        Some(Self(NonNull::new(ptr)?))
    }

    pub(crate) fn as_ptr(&self) -> *mut bindings::pid_namespace {
        self.0.as_ptr()
    }

    /// A number that tells it from all others.
    pub fn identity(&self) -> u64 {
        self.as_ptr() as u64
    }

    /// What it is like. It is not the first one.
    pub fn info(&self) -> PidNsInfo {
        let mut info = PidNsInfo::default();
        // SAFETY: The namespace is valid and has a parent; `info` is valid for writes.
        unsafe { bindings::cr_shim_pidns_read(self.as_ptr(), &mut info) };
        info
    }

    /// The thread with the lowest number from `*nr` on, which is set to its number.
    fn next_task(&self, nr: &mut i32) -> Option<TaskRef> {
        // SAFETY: The namespace is valid; the result is null or referenced.
        let ptr = unsafe { bindings::cr_shim_ns_next_task(self.as_ptr(), nr) };
        // SAFETY: The reference is ours now.
        Some(unsafe { TaskRef::from_owned(NonNull::new(ptr)?) })
    }

    /// The thread with a number.
    pub fn find_task(&self, nr: u32) -> Option<TaskRef> {
        let mut found = nr as i32;
        let task = self.next_task(&mut found)?;
        (found == nr as i32).then_some(task)
    }

    /// All threads in it, and in those nested in it, by ascending number. Not a snapshot. Without those
    /// that work for io_uring, which makes them when it needs some: they have nothing to do unless there
    /// are requests in progress.
    pub fn tasks(&self) -> impl Iterator<Item = TaskRef> + '_ {
        let mut nr = 0;
        let all = core::iter::from_fn(move || {
            nr += 1;
            self.next_task(&mut nr)
        });
        all.filter(|task| !task.is_uring_worker())
    }

    /// Whether the caller may checkpoint and restart tasks of it.
    pub fn check_capable(&self) -> Result {
        // SAFETY: The namespace is valid.
        to_result(unsafe { bindings::cr_shim_ns_capable(self.as_ptr()) })
    }

    /// Whether the current task is in it.
    pub fn contains_current(&self) -> bool {
        // SAFETY: The namespace is valid.
        unsafe { bindings::cr_shim_ns_contains_current(self.as_ptr()) }
    }

    /// Makes the search for free numbers go on after `nr`.
    pub fn set_last_pid(&self, nr: u32) {
        // SAFETY: The namespace is valid.
        unsafe { bindings::cr_shim_ns_set_last_pid(self.as_ptr(), nr) }
    }

    /// Whether a task outside uses one of these objects, and which task: its pid as the caller
    /// sees it, and its name. An identity of 0 stands for none.
    pub fn outside_user(
        &self,
        mm: u64,
        files: u64,
        fs: u64,
        sighand: u64,
    ) -> Option<(u32, [u8; CR_COMM_LEN as usize])> {
        let mut comm = [0; CR_COMM_LEN as usize];
        let mut pid = 0;
        // SAFETY: The identities are only compared; `comm` has room for TASK_COMM_LEN bytes.
        let found = unsafe {
            bindings::cr_shim_outside_user(
                self.as_ptr(),
                mm,
                files,
                fs,
                sighand,
                comm.as_mut_ptr(),
                &mut pid,
            )
        };
        found.then_some((pid, comm))
    }

    /// The number `nr`, taken up by a task or not.
    pub fn find_pid(&self, nr: u32) -> Option<PidRef> {
        // SAFETY: The namespace is valid; the result is null or referenced.
        let ptr = unsafe { bindings::cr_shim_pid_find(self.as_ptr(), nr as i32) };
        Some(PidRef(NonNull::new(ptr)?))
    }

    /// The process with a number; just the number, which is free again, if it is gone. None for 0.
    pub fn pid_or_number(&self, nr: u32) -> Result<Option<PidRef>> {
        if nr == 0 {
            return Ok(None);
        }
        if let Some(pid) = self.find_pid(nr) {
            return Ok(Some(pid));
        }
        let _free_again = self.reserve_pid(&[nr as i32])?;
        Ok(self.find_pid(nr))
    }

    /// Reserves a free number: what it is here and in the namespaces around, from the inside out.
    pub fn reserve_pid(&self, nrs: &[i32]) -> Result<ReservedPid> {
        let count = nrs.len() as u32;
        // SAFETY: The namespace is valid, and so are the numbers; the result is an error or a
        // number that is ours to free.
        let ptr = unsafe { bindings::cr_shim_pid_alloc(self.as_ptr(), nrs.as_ptr(), count) };
        let pid = NonNull::new(from_err_ptr(ptr)?).ok_or(ENOMEM)?;
        Ok(ReservedPid { pid, taken: false })
    }
}

impl Drop for PidNs {
    fn drop(&mut self) {
        // SAFETY: The reference is ours.
        unsafe { bindings::cr_shim_ns_put(self.as_ptr()) }
    }
}

/// A number in a pid namespace, with a reference to its structure.
pub struct PidRef(NonNull<bindings::pid>);

impl PidRef {
    /// The number of a thread. None if that is gone.
    pub(crate) fn of(task: &TaskRef) -> Option<Self> {
        // SAFETY: The task is valid; the result is null or referenced.
        let ptr = unsafe { bindings::cr_shim_vfork_pid(task.as_ptr()) };
        Some(Self(NonNull::new(ptr)?))
    }

    pub(crate) fn as_ptr(&self) -> *mut bindings::pid {
        self.0.as_ptr()
    }

    /// The innermost namespace that it is a number in.
    pub fn ns(&self) -> Option<PidNs> {
        // SAFETY: The number is valid, and so is its namespace; the result is referenced.
        let ptr = unsafe { bindings::cr_shim_pidns_of_pid(self.as_ptr()) };
        Some(PidNs(NonNull::new(ptr)?))
    }

    /// What it is in the namespaces below `ns`, in which it has a number as well: how many of
    /// `numbers` are filled in, from the outside in.
    pub fn numbers_below(&self, ns: &PidNs, numbers: &mut [u32; CR_MAX_PIDNS as usize]) -> usize {
        // SAFETY: Both are valid; no namespace is deeper than there is room for.
        let count = unsafe {
            bindings::cr_shim_pid_numbers(self.as_ptr(), ns.as_ptr(), numbers.as_mut_ptr())
        };
        count as usize
    }
}

impl Drop for PidRef {
    fn drop(&mut self) {
        // SAFETY: The reference is ours.
        unsafe { bindings::cr_shim_pid_put(self.as_ptr()) }
    }
}

/// A number in a pid namespace that no task has: of a dead leader of a group.
pub struct ReservedPid {
    pid: NonNull<bindings::pid>,
    taken: bool,
}

impl ReservedPid {
    /// A task has joined its group: from now on it lives as long as the group.
    pub fn mark_taken(&mut self) {
        self.taken = true;
    }
}

impl Drop for ReservedPid {
    fn drop(&mut self) {
        if !self.taken {
            // SAFETY: No task has taken it up, so nobody else frees it.
            unsafe { bindings::cr_shim_pid_release(self.pid.as_ptr()) }
        }
    }
}
