// SPDX-License-Identifier: GPL-2.0

//! Creating tasks, and what a task under construction does to itself.
//!
//! Functions that say "current task" act on whoever calls them. All of them are meant for tasks
//! that [`spawn`] has created, and for nobody else: they give up what the task has.

use crate::{
    bindings,
    file::FileRef,
    park::{Interrupted, Parking, Slot},
    pid_ns::PidRef,
    task::TaskRef,
};
use core::ffi::c_void;
use cr_codec::uapi::*;
use kernel::{error::to_result, prelude::*, sync::Arc, types::ForeignOwnable};
use zerocopy_derive::{FromBytes, IntoBytes};

/// What a new task does.
pub trait TaskMain: Send + Sync + Sized + 'static {
    /// Runs in the task. On success it returns to user mode with the registers that it has been
    /// given by then; on failure it exits.
    fn main(this: Arc<Self>) -> Result;
}

/// How a task is created.
#[derive(Clone, Copy)]
pub struct Spawn<'a> {
    /// CLONE_*.
    pub flags: u64,
    /// Sent to the parent when it exits.
    pub exit_signal: u32,
    /// Its numbers in its pid namespace and those around it, from the inside out; any number in
    /// those that are not named.
    pub tids: &'a [i32],
    /// Descriptor of the cgroup to start in.
    pub cgroup: Option<i32>,
}

/// Creates a task that runs `T::main`, and returns its pid as the current task sees it.
pub fn spawn<T: TaskMain>(how: Spawn<'_>, arg: Arc<T>) -> Result<i32> {
    /// # Safety
    ///
    /// Called in a task that `spawn::<T>` has created, with the argument from there.
    unsafe extern "C" fn start<T: TaskMain>(arg: *mut c_void) -> i32 {
        // SAFETY: `spawn` has given the reference away.
        let arg = unsafe { <Arc<T> as ForeignOwnable>::from_foreign(arg) };
        match T::main(arg) {
            Ok(()) => 0,
            Err(error) => error.to_errno(),
        }
    }

    let into_cgroup = how.cgroup.map_or(0, |_| CLONE_INTO_CGROUP);
    let arg = arg.into_foreign();
    let mut raw = bindings::cr_shim_spawn {
        fn_: Some(start::<T>),
        arg,
        flags: how.flags | into_cgroup,
        exit_signal: how.exit_signal,
        tids: how.tids.as_ptr(),
        nr_tids: how.tids.len() as u32,
        cgroup: how.cgroup.unwrap_or(0),
    };
    // SAFETY: `start` fits the argument, and takes its reference over when this succeeds; the
    // numbers are valid for reads.
    let pid = unsafe { bindings::cr_shim_spawn(&mut raw) };
    if pid < 0 {
        // SAFETY: No task was created, so nobody has taken the reference.
        drop(unsafe { <Arc<T> as ForeignOwnable>::from_foreign(arg) });
    }
    to_result(pid.min(0))?;
    Ok(pid)
}

const CLONE_INTO_CGROUP: u64 = 0x2_0000_0000;

/// Makes the current task wait in `parking` on its way to user mode; and then go on with the system
/// call that it is in, if it is in one.
///
/// Drops the module reference that [`spawn`] took for it: the slot has its own.
pub fn park_current(
    parking: &Arc<Parking>,
    current: &TaskRef,
    call: Option<Interrupted>,
) -> Result<Arc<Slot>> {
    let slot = Slot::queue(parking, current, call)?;
    // SAFETY: Called at the end of `TaskMain::main`, once for each task, whose last instructions
    // the slot's reference and `wait_for_callbacks` cover.
    unsafe { bindings::cr_shim_module_put() };
    Ok(slot)
}

/// Issues a system call as the current task, and returns what it returns to user space.
///
/// Pointers among the arguments are user addresses.
pub fn syscall(nr: u32, args: [u64; 6]) -> Result<i64> {
    let [a, b, c, d, e, f] = args;
    // SAFETY: A system call checks all of its arguments.
    let result = unsafe { bindings::cr_shim_syscall(nr, a, b, c, d, e, f) };
    match result {
        -4095..=-1 => Err(Error::from_errno(result as i32)),
        result => Ok(result as i64),
    }
}

/// The current task gives up what it has from its parent: rseq, robust list and the like.
pub fn forget_caller() {
    // SAFETY: No preconditions; only fields that the task itself writes.
    unsafe { bindings::cr_shim_forget_caller() }
}

/// Unmaps all memory of the current task.
pub fn unmap_all() -> Result {
    // SAFETY: The task returns to user mode only with new memory and new registers, or not at all.
    to_result(unsafe { bindings::cr_shim_unmap_all() })
}

/// Maps a file, or anonymous memory, into the current task at a free place.
pub fn map(
    file: Option<&FileRef>,
    addr: u64,
    len: u64,
    prot: u32,
    flags: u32,
    offset: u64,
) -> Result {
    let file = file.map_or(core::ptr::null_mut(), FileRef::as_ptr);
    // SAFETY: The file is null or valid; mmap checks all else, and replaces nothing.
    to_result(unsafe { bindings::cr_shim_map(file, addr, len, prot, flags, offset) })
}

/// Copies to user memory of the current task.
pub fn write_user(addr: u64, bytes: &[u8]) -> Result {
    // SAFETY: `bytes` is valid for reads of its length; the address is checked.
    to_result(unsafe {
        bindings::cr_shim_scratch_write(addr, bytes.as_ptr().cast(), bytes.len() as u32)
    })
}

/// Copies from user memory of the current task.
pub fn read_user(addr: u64, out: &mut [u8]) -> Result {
    // SAFETY: `out` is valid for writes of its length; the address is checked.
    to_result(unsafe {
        bindings::cr_shim_user_read(addr, out.as_mut_ptr().cast(), out.len() as u32)
    })
}

/// Installs a file under a given descriptor of the current task.
pub fn install_fd(fd: u32, file: &FileRef, cloexec: bool) -> Result {
    // SAFETY: The file is valid; the table takes its own reference.
    to_result(unsafe { bindings::cr_shim_install_fd(fd, file.as_ptr(), cloexec) })
}

/// Installs a file under any descriptor of the current task.
pub fn install_any_fd(file: &FileRef) -> Result<u32> {
    // SAFETY: The file is valid; the table takes its own reference.
    let fd = unsafe { bindings::cr_shim_install_any(file.as_ptr()) };
    u32::try_from(fd).map_err(|_| Error::from_errno(fd))
}

/// Does something with a descriptor that the current task has of a file meanwhile.
pub fn with_fd<T, E: From<Error>>(
    file: &FileRef,
    f: impl FnOnce(u32) -> core::result::Result<T, E>,
) -> core::result::Result<T, E> {
    const SYS_CLOSE: u32 = 3;
    let fd = install_any_fd(file)?;
    let result = f(fd);
    syscall(SYS_CLOSE, [fd.into(), 0, 0, 0, 0, 0])?;
    result
}

/// Gives the current task the descriptor table of another one under construction, instead of its
/// own. Fails with ESRCH when that one has exited.
pub fn share_files(with: &TaskRef) -> Result {
    // SAFETY: The task is valid. All its users are tasks that [`spawn`] has created, of which none
    // closes descriptors of others while they are under construction.
    to_result(unsafe { bindings::cr_shim_share_files(with.as_ptr()) })
}

/// The same with its directories and umask.
pub fn share_fs(with: &TaskRef) -> Result {
    // SAFETY: The task is valid.
    to_result(unsafe { bindings::cr_shim_share_fs(with.as_ptr()) })
}

/// Replaces the supplementary groups of the current task.
pub fn set_groups(groups: &[u32]) -> Result {
    // SAFETY: `groups` is valid for reads of its length.
    to_result(unsafe { bindings::cr_shim_set_groups(groups.as_ptr(), groups.len() as u32) })
}

/// Restores the restart block of the current task. ENOSYS: it is that of a 32-bit program, and this
/// machine runs none.
pub fn set_restart_block(thread: &cr_img_thread) -> Result {
    // SAFETY: `thread` is valid for reads; its values are checked.
    to_result(unsafe { bindings::cr_shim_restart_block(thread) })
}

/// Sets the signal mask of the current task, and the one to put back at the return to user mode.
pub fn set_sigmask(blocked: u64, saved: Option<u64>) {
    // SAFETY: No preconditions.
    unsafe { bindings::cr_shim_set_sigmask(blocked, saved.unwrap_or(0), saved.is_some()) }
}

/// Lets the return to user mode decide about the restart of an interrupted system call.
pub fn want_syscall_restart() {
    // SAFETY: No preconditions.
    unsafe { bindings::cr_shim_want_restart() }
}

/// Sets oom_score_adj of the current process, and what it cannot be set below.
pub fn set_oom_score_adj(adj: i32, min: i32) -> Result {
    // SAFETY: No preconditions; the values are checked.
    to_result(unsafe { bindings::cr_shim_set_oom_score_adj(adj, min) })
}

/// Sets what signal frames of the current task say about its last fault.
pub fn set_fault(fault: &[u64; 3]) {
    // SAFETY: `fault` has three values, which mean something to the program only.
    unsafe { bindings::cr_shim_set_fault(fault.as_ptr()) }
}

/// Lets the parent of the current process wait for its having been continued.
pub fn set_continued() {
    // SAFETY: No preconditions.
    unsafe { bindings::cr_shim_set_continued() }
}

/// Gives the current task a time namespace in which CLOCK_MONOTONIC and CLOCK_BOOTTIME go on from
/// there, ns. It is alone in its thread group.
pub fn set_clocks(monotonic: u64, boottime: u64) -> Result {
    // SAFETY: No preconditions; the clocks are the task's own.
    to_result(unsafe { bindings::cr_shim_clocks_set(monotonic, boottime) })
}

/// Makes a POSIX timer of the current process one that has expired, if it has not. It is disarmed,
/// or was set to expire in a long time, and relative or absolute as `timer` says.
pub fn expire_timer(timer: &cr_img_timer) -> Result {
    // SAFETY: `timer` is valid for reads; its values are checked.
    to_result(unsafe { bindings::cr_shim_timer_expire(timer) })
}

/// Sets what timer_settime(2) cannot about a POSIX timer of the current process.
pub fn finish_timer(timer: &cr_img_timer) -> Result {
    // SAFETY: `timer` is valid for reads; its values are checked.
    to_result(unsafe { bindings::cr_shim_timer_finish(timer) })
}

/// Sets where timer_create(2) looks for a free id in the current process.
pub fn set_timer_ids(timers: &cr_img_timers) {
    // SAFETY: `timers` is valid for reads.
    unsafe { bindings::cr_shim_timer_ids(timers) }
}

/// Sets what the current thread has used, and since when it exists, by the clocks of its time
/// namespace. Its CPU times are such that their sums do not overflow.
pub fn set_usage(thread: &cr_img_thread) {
    let current = TaskRef::current();
    // SAFETY: The task is the current one, `thread` is valid for reads.
    unsafe { bindings::cr_shim_usage_set(current.as_ptr(), thread) }
    // SAFETY: `thread` is valid for reads.
    unsafe { bindings::cr_shim_start_set(thread) }
}

/// Sets what the dead threads of the current process and its children have used.
pub fn set_process_usage(process: &cr_img_process) {
    // SAFETY: `process` is valid for reads.
    unsafe { bindings::cr_shim_process_usage_set(process) }
}

/// Sets the limits of the current task's IPC namespace, which nobody else is in.
pub fn set_ipc(ipc: &cr_img_ipc) {
    // SAFETY: `ipc` is valid for reads; its values were checked.
    unsafe { bindings::cr_shim_ipc_set(ipc) }
}

/// Says whether the current thread has exceeded RLIMIT_NPROC by setuid(2).
pub fn set_nproc_exceeded(exceeded: bool) {
    // SAFETY: No preconditions; the flag is the task's own.
    unsafe { bindings::cr_shim_set_nproc_exceeded(exceeded) }
}

/// Sets which protection keys the current process has allocated, and which of them is for mappings
/// that can only be executed, or 0. Returns whether the processor has such keys.
pub fn set_pkeys(keys: u32, exec_key: u32) -> bool {
    // SAFETY: The values only matter for the task's own memory; they were checked.
    unsafe { bindings::cr_shim_pkeys_set(keys, exec_key) }
}

/// Sets how much memory the current process has had at most.
pub fn set_memory_peaks(mm: &cr_img_mm) {
    // SAFETY: `mm` is valid for reads.
    unsafe { bindings::cr_shim_mm_peaks_set(mm) }
}

/// Sets where the current process maps next, and what it leaves in a core dump.
pub fn set_layout(mm: &cr_img_mm) {
    // SAFETY: The values only matter for the search of free addresses in the task's own memory.
    unsafe { bindings::cr_shim_mm_layout(mm) }
}

/// Whether this machine runs 32-bit programs.
pub fn runs_compat() -> bool {
    // SAFETY: No preconditions.
    unsafe { bindings::cr_shim_runs_compat() }
}

/// Makes the memory of the current process that of a 32-bit program.
pub fn set_compat_memory() {
    // SAFETY: The current task has memory, and is not in a call that looks at its kind.
    unsafe { bindings::cr_shim_compat_mm_set() }
}

/// rt_sigaction(2) of the current process, as if it was called by a 32-bit program. ENOSYS: this
/// machine runs none.
pub fn sigaction_compat(signal: u32, action: u64) -> Result {
    // SAFETY: The system call checks everything.
    to_result(unsafe { bindings::cr_shim_sigaction_compat(signal, action) })
}

/// set_robust_list(2) of 32-bit programs for the current task. ENOSYS: this machine runs none.
pub fn set_compat_robust_list(head: u32) -> Result {
    // SAFETY: It is an address in user space, which the kernel looks at when the task exits.
    to_result(unsafe { bindings::cr_shim_compat_robust_list(head) })
}

pub use bindings::cr_shim_inherited as Inherited;

/// What the current thread has, most of it from who has created it.
pub fn inherited() -> Inherited {
    let mut out = Inherited::default();
    // SAFETY: `out` is valid for writes.
    unsafe { bindings::cr_shim_inherited_read(&mut out) };
    out
}

/// Sets the timer slack that PR_SET_TIMERSLACK 0 goes back to.
pub fn set_default_timer_slack(ns: u64) {
    // SAFETY: No preconditions.
    unsafe { bindings::cr_shim_set_default_slack(ns) }
}

/// Says whether the current process has executed a program since it was forked.
pub fn set_execed(execed: bool) {
    // SAFETY: No preconditions; the flag is the task's own.
    unsafe { bindings::cr_shim_set_execed(execed) }
}

/// Says that an ancestor of the current process is a child subreaper.
pub fn set_has_subreaper() {
    // SAFETY: No preconditions.
    unsafe { bindings::cr_shim_set_has_subreaper() }
}

/// The current task becomes a zombie with a status as of wait4(2). Does not return, so the caller
/// has nothing left to drop.
pub fn exit_as_zombie(status: u32) -> ! {
    // SAFETY: The task is one that `spawn` has created and holds no locks.
    unsafe { bindings::cr_shim_exit_zombie(status) }
}

/// Whether the caller has prepared a pid namespace for its children that is still empty.
pub fn has_fresh_pid_namespace() -> bool {
    // SAFETY: No preconditions.
    unsafe { bindings::cr_shim_fresh_pidns() }
}

/// The beginning of `struct rseq`, see `include/uapi/linux/rseq.h`.
#[derive(FromBytes, IntoBytes)]
#[repr(C)]
pub struct RseqIds {
    cpu_id_start: u32,
    cpu_id: u32,
    rseq_cs: u64,
    flags: u32,
    node_id: u32,
    mm_cid: u32,
    reserved: u32,
}

impl TaskRef {
    /// Sets what a thread has used that has died, once it has left its CPU. False before that.
    pub fn set_remains(&self, thread: &cr_img_thread) -> bool {
        // SAFETY: The task is valid; this may wait for it to be off its CPU, which is soon.
        let at_rest = unsafe { bindings::cr_shim_at_rest(self.as_ptr()) };
        if at_rest {
            // SAFETY: The task is valid and does nothing any more, `thread` is valid for reads.
            unsafe { bindings::cr_shim_usage_set(self.as_ptr(), thread) }
        }
        at_rest
    }

    /// Tells the kernel what a parked task's rseq area says: the first fields of `struct rseq`.
    ///
    /// `interrupted`: it was not in a system call, so a critical section has to be aborted.
    pub fn adopt_rseq(&self, area: &RseqIds, interrupted: bool) {
        // SAFETY: The task is valid and parked, so nobody else touches its fields.
        unsafe {
            bindings::cr_shim_rseq_adopt(
                self.as_ptr(),
                area.cpu_id_start,
                area.node_id,
                area.mm_cid,
                interrupted,
            )
        }
    }

    /// Puts a process, all of whose threads are parked, into a stop by this signal that has begun, or
    /// is `complete`, and then maybe `waited` for by its parent.
    pub fn set_stop(&self, signal: u32, complete: bool, waited: bool) {
        // SAFETY: The task is valid; the signal was checked.
        unsafe { bindings::cr_shim_set_stop(self.as_ptr(), signal, complete, waited) }
    }

    /// Lets a parked thread take part in the stop of its process before it returns to user mode.
    pub fn join_stop(&self, signal: u32, awaited: bool) {
        // SAFETY: The task is valid; the signal was checked.
        unsafe { bindings::cr_shim_join_stop(self.as_ptr(), signal, awaited) }
    }

    /// Puts a process under construction into a process group and a session; `leader` says whether
    /// it leads the session.
    pub fn join_groups(&self, pgrp: &PidRef, session: &PidRef, leader: bool) -> Result {
        // SAFETY: The task and both numbers are valid.
        to_result(unsafe {
            bindings::cr_shim_set_groups_ids(self.as_ptr(), pgrp.as_ptr(), session.as_ptr(), leader)
        })
    }
}
