// SPDX-License-Identifier: GPL-2.0

//! Tasks, and reading what they are.
//!
//! C header: [`include/linux/sched.h`](srctree/include/linux/sched.h).

use crate::{bindings, mm::Mm, pid_ns::PidNs, vec};
use core::ptr::NonNull;
use cr_codec::uapi::*;
use kernel::{
    error::{from_err_ptr, to_result},
    prelude::*,
    sync::aref::ARef,
    task::Task,
};

pub use bindings::{
    cr_shim_task as TaskInfo, CR_TASK_AUTOREAP, CR_TASK_COMPAT, CR_TASK_CORE_COOKIE,
    CR_TASK_IOPERM, CR_TASK_IOPL, CR_TASK_IO_URING_RESTRICT, CR_TASK_KEYRING, CR_TASK_LSM,
    CR_TASK_NS_CGROUP, CR_TASK_NS_NET, CR_TASK_NS_TIME_CHILDREN, CR_TASK_NS_USER, CR_TASK_PERF,
    CR_TASK_RESCTRL, CR_TASK_RSEQ_SLICE, CR_TASK_SCHED_EXT, CR_TASK_SECCOMP, CR_TASK_SHARED_IO,
    CR_TASK_SHSTK, CR_TASK_SINGLE_STEP, CR_TASK_STOPPED, CR_TASK_SYSEMU, CR_TASK_TRACED,
    CR_TASK_TRACED_DEAD, CR_TASK_UPROBES, CR_TASK_USER_EVENTS, CR_TASK_XFEATURES,
};

/// A thread, with a reference: the structure stays, the thread may exit.
#[derive(Clone)]
pub struct TaskRef(ARef<Task>);

/// How a stopped task was stopped.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Stopped {
    /// It runs, or could.
    No,
    /// By a signal.
    BySignal,
    /// By its tracer.
    ByTracer,
    /// By the freezer of its cgroup.
    Frozen,
}

impl TaskRef {
    /// Takes over a reference.
    ///
    /// # Safety
    ///
    /// `ptr` is a valid task of which the caller owns a reference, and gives it up.
    pub(crate) unsafe fn from_owned(ptr: NonNull<bindings::task_struct>) -> Self {
        // SAFETY: `Task` is a transparent wrapper, and the reference is the caller's.
        Self(unsafe { ARef::from_raw(ptr.cast()) })
    }

    pub(crate) fn as_ptr(&self) -> *mut bindings::task_struct {
        self.0.as_ptr()
    }

    /// The thread-group leader that the caller knows under this pid.
    pub fn find(pid: i32) -> Result<Self> {
        // SAFETY: No preconditions; the result is null or referenced.
        let ptr = unsafe { bindings::cr_shim_find_task(pid) };
        // SAFETY: The reference is ours now.
        Ok(unsafe { Self::from_owned(NonNull::new(ptr).ok_or(ESRCH)?) })
    }

    /// The thread-group leader that a descriptor of the caller refers to.
    pub fn from_pidfd(fd: i32) -> Result<Self> {
        // SAFETY: No preconditions; the result is an error or referenced.
        let ptr = from_err_ptr(unsafe { bindings::cr_shim_pidfd_task(fd) })?;
        // SAFETY: The reference is ours now.
        Ok(unsafe { Self::from_owned(NonNull::new(ptr).ok_or(ESRCH)?) })
    }

    /// The current task.
    pub fn current() -> Self {
        // SAFETY: No preconditions; the result is referenced.
        let ptr = unsafe { bindings::cr_shim_current() };
        // SAFETY: The reference is ours now, and there is always a current task.
        unsafe { Self::from_owned(NonNull::new_unchecked(ptr)) }
    }

    /// A number that tells this task from all others that live.
    pub fn identity(&self) -> usize {
        self.as_ptr() as usize
    }

    /// Its name, NUL padded.
    pub fn comm(&self) -> [u8; CR_COMM_LEN as usize] {
        let mut comm = [0; CR_COMM_LEN as usize];
        // SAFETY: `comm` has room for TASK_COMM_LEN bytes.
        unsafe { bindings::cr_shim_task_comm(self.as_ptr(), comm.as_mut_ptr()) };
        comm
    }

    /// Its process id as the caller sees it.
    pub fn pid(&self) -> u32 {
        // SAFETY: The task is valid.
        unsafe { bindings::cr_shim_task_pid(self.as_ptr()) }
    }

    /// Its number in a pid namespace, 0 when it has none there.
    pub fn tid_in(&self, ns: &PidNs) -> u32 {
        // SAFETY: Both are valid as long as their handles.
        unsafe { bindings::cr_shim_task_tid(self.as_ptr(), ns.as_ptr()) }
    }

    /// All that can be said about it in one look.
    pub fn info(&self, ns: &PidNs) -> TaskInfo {
        let mut info = TaskInfo::default();
        // SAFETY: Both are valid as long as their handles; `info` is valid for writes.
        unsafe { bindings::cr_shim_task_read(self.as_ptr(), ns.as_ptr(), &mut info) };
        info
    }

    /// Fills in the limits, which a zombie has, too.
    pub fn read_limits(&self, out: &mut cr_img_process) {
        // SAFETY: The task is valid, and so is its signal structure.
        unsafe { bindings::cr_shim_limits_read(self.as_ptr(), out) }
    }

    /// Fills in what else belongs to the thread group: interval timers, flags.
    ///
    /// The task stands still and is alive, so it has a `sighand`.
    pub fn read_process(&self, out: &mut cr_img_process) {
        // SAFETY: The task is valid; it is held, so that its signal handling does not go away.
        unsafe { bindings::cr_shim_process_read(self.as_ptr(), out) }
    }

    /// Fills in what belongs to the thread. Fails with EOPNOTSUPP on an unknown restart block.
    ///
    /// The task stands still and is alive.
    pub fn read_thread(&self, out: &mut cr_img_thread) -> Result {
        // SAFETY: As for `read_process`.
        to_result(unsafe { bindings::cr_shim_thread_read(self.as_ptr(), out) })
    }

    /// Fills in what matters of a thread that has exited.
    pub fn read_remains(&self, out: &mut cr_img_thread) {
        // SAFETY: The task is valid.
        unsafe { bindings::cr_shim_remains_read(self.as_ptr(), out) }
    }

    /// This thread, or another one of its process if this one has exited.
    pub fn living(&self) -> Option<Self> {
        // SAFETY: The task is valid; the result is null or referenced.
        let ptr = unsafe { bindings::cr_shim_living_thread(self.as_ptr()) };
        // SAFETY: The reference is ours now.
        Some(unsafe { Self::from_owned(NonNull::new(ptr)?) })
    }

    /// Fills in the credentials, and returns the number of groups written to `groups`.
    pub fn read_cred(&self, out: &mut cr_img_cred, groups: &mut [u32]) -> Result {
        // SAFETY: `groups` is valid for writes of its length.
        to_result(unsafe {
            bindings::cr_shim_cred_read(
                self.as_ptr(),
                out,
                groups.as_mut_ptr(),
                groups.len() as u32,
            )
        })
    }

    /// What it has asked for by prctl(2).
    pub fn read_controls(&self) -> cr_img_controls {
        let mut out = cr_img_controls::default();
        // SAFETY: The task is valid, `out` is valid for writes.
        unsafe { bindings::cr_shim_controls_read(self.as_ptr(), &mut out) };
        out
    }

    /// How many seccomp filters it has, and the identities of as many as fit, newest first.
    pub fn read_seccomp(&self, identities: &mut [u64]) -> usize {
        let max = identities.len() as u32;
        // SAFETY: The task is valid, `identities` is valid for writes of its length.
        let nr =
            unsafe { bindings::cr_shim_seccomp_read(self.as_ptr(), identities.as_mut_ptr(), max) };
        nr as usize
    }

    /// The program of its `depth`th seccomp filter, counted from the oldest: how many of `insns`
    /// are filled in, which have room for any. Fails with EOPNOTSUPP when a supervisor decides about
    /// system calls.
    pub fn read_filter(
        &self,
        depth: usize,
        out: &mut cr_img_seccomp,
        insns: &mut [u64],
    ) -> Result<usize> {
        // SAFETY: The task is valid, `out` is valid for writes, there is room for so many instructions.
        let nr = unsafe {
            bindings::cr_shim_seccomp_program(
                self.as_ptr(),
                depth as u32,
                out,
                insns.as_mut_ptr(),
                insns.len() as u32,
            )
        };
        to_result(nr.min(0))?;
        Ok(nr as usize)
    }

    /// Whether its seccomp filters allow restart_syscall(2).
    pub fn may_restart_syscalls(&self) -> bool {
        // SAFETY: The task is valid.
        unsafe { bindings::cr_shim_seccomp_allows_restart(self.as_ptr()) }
    }

    /// Whether its seccomp filters say of the system call that it stands at that its tracer is to be
    /// told so. It stands still.
    pub fn is_traced_by_filter(&self, message: u64) -> bool {
        // SAFETY: The task is valid and stands still, so that its registers stay.
        unsafe { bindings::cr_shim_seccomp_asks_tracer(self.as_ptr(), message) }
    }

    /// Whether it waits for a lock with priority inheritance, such as a futex.
    pub fn waits_for_pi_lock(&self) -> bool {
        // SAFETY: The task is valid.
        unsafe { bindings::cr_shim_waits_for_pi_lock(self.as_ptr()) }
    }

    /// Gives the current task, which has none, the oldest `depth` seccomp filters of this one.
    pub fn share_filters(&self, depth: usize) -> Result {
        // SAFETY: The task is valid.
        to_result(unsafe { bindings::cr_shim_seccomp_share(self.as_ptr(), depth as u32) })
    }

    /// What it asks of the scheduler, with the words of its CPU affinity, if it has asked for one.
    pub fn read_sched(&self, cpus: &mut CpuWords) -> cr_img_sched {
        let mut out = cr_img_sched::default();
        // SAFETY: The task is valid, `out` is valid for writes, `cpus` has room for any affinity.
        unsafe { bindings::cr_shim_sched_read(self.as_ptr(), &mut out, cpus.0.as_mut_ptr()) };
        out
    }

    /// The names in its UTS namespace.
    pub fn read_uts(&self) -> cr_img_uts {
        let mut uts = cr_img_uts {
            nodename: [0; 65],
            domainname: [0; 65],
            reserved: [0; 6],
        };
        // SAFETY: The task is valid, `uts` is valid for writes.
        unsafe { bindings::cr_shim_uts_read(self.as_ptr(), &mut uts) };
        uts
    }

    /// How many references its mm, files, fs and sighand have.
    pub fn users(&self) -> [u32; 4] {
        let mut users = [0; 4];
        // SAFETY: The task is valid; `users` has room for four numbers.
        unsafe { bindings::cr_shim_users(self.as_ptr(), users.as_mut_ptr()) };
        users
    }

    /// The limits of its IPC namespace.
    pub fn read_ipc(&self) -> cr_img_ipc {
        let mut ipc = cr_img_ipc::default();
        // SAFETY: The task is valid, `ipc` is valid for writes.
        unsafe { bindings::cr_shim_ipc_read(self.as_ptr(), &mut ipc) };
        ipc
    }

    /// Its signal actions. The task stands still and is alive.
    pub fn read_sighand(&self, out: &mut cr_img_sighand) {
        // SAFETY: The task is held, so that its signal handling does not go away.
        unsafe { bindings::cr_shim_sighand_read(self.as_ptr(), out) }
    }

    /// Its pending signals: how many there are (as many as fit are written), and their set.
    ///
    /// The task stands still and is alive.
    pub fn read_sigqueue(&self, shared: bool, out: &mut [cr_img_siginfo]) -> (usize, u64) {
        let mut pending = 0;
        // SAFETY: The task is held; `out` is valid for writes of its length.
        let count = unsafe {
            bindings::cr_shim_sigqueue_read(
                self.as_ptr(),
                shared,
                out.as_mut_ptr(),
                out.len() as u32,
                &mut pending,
            )
        };
        (count as usize, pending)
    }

    /// The POSIX timers of its process, in any order: how many there are (as many as fit are
    /// written). Fails with the id of a timer, and ESRCH when its thread is gone, EOPNOTSUPP when it
    /// is of an unknown kind.
    ///
    /// All tasks of the namespace stand still.
    pub fn read_timers(
        &self,
        head: &mut cr_img_timers,
        out: &mut [cr_img_timer],
    ) -> Result<usize, (u32, Error)> {
        let mut id = 0;
        // SAFETY: The task is valid, `out` is valid for writes of its length.
        let count = unsafe {
            bindings::cr_shim_timers_read(
                self.as_ptr(),
                head,
                out.as_mut_ptr(),
                out.len() as u32,
                &mut id,
            )
        };
        to_result(count.min(0)).map_err(|error| (id, error))?;
        Ok(count as usize)
    }

    /// Fills in what the thread has used, and when it has started by the clocks of `init`.
    ///
    /// It stands still, or is a zombie.
    pub fn read_usage(&self, init: &TaskRef, out: &mut cr_img_thread) {
        // SAFETY: The task is valid.
        unsafe { bindings::cr_shim_usage_read(self.as_ptr(), out) };
        // SAFETY: Both tasks are valid.
        unsafe { bindings::cr_shim_start_read(self.as_ptr(), init.as_ptr(), out) };
    }

    /// Fills in what the dead threads of its process and its children have used.
    pub fn read_process_usage(&self, out: &mut cr_img_process) {
        // SAFETY: The task is valid, and so is its signal structure.
        unsafe { bindings::cr_shim_process_usage_read(self.as_ptr(), out) }
    }

    /// What CLOCK_MONOTONIC and CLOCK_BOOTTIME say to it, ns.
    pub fn clocks(&self) -> (u64, u64) {
        let (mut monotonic, mut boottime) = (0, 0);
        // SAFETY: The task is valid, the numbers are valid for writes.
        unsafe {
            bindings::cr_shim_clocks_read(self.as_ptr(), &mut monotonic, &mut boottime);
        }
        (monotonic, boottime)
    }

    /// Whether the caller may read its memory. Mirrors PTRACE_ATTACH.
    pub fn may_read(&self) -> Result {
        // SAFETY: The task is valid.
        to_result(unsafe { bindings::cr_shim_may_read(self.as_ptr()) })
    }

    /// Whether it exits, or has exited, or is being killed.
    pub fn is_dying(&self) -> bool {
        // SAFETY: The task is valid.
        unsafe { bindings::cr_shim_is_dying(self.as_ptr()) }
    }

    /// Whether it has exited and waits for its parent.
    pub fn is_zombie(&self) -> bool {
        // SAFETY: The task is valid.
        unsafe { bindings::cr_shim_is_zombie(self.as_ptr()) }
    }

    /// Its status for wait4(2) when it is a zombie whose parent has been told so.
    pub fn zombie_status(&self) -> Option<u32> {
        let mut status = 0;
        // SAFETY: The task is valid, and so is `status` for writes.
        let zombie = unsafe { bindings::cr_shim_zombie_status(self.as_ptr(), &mut status) };
        zombie.then_some(status)
    }

    /// Whether it is the leader of its thread group.
    pub fn is_leader(&self) -> bool {
        // SAFETY: The task is valid.
        unsafe { bindings::cr_shim_is_leader(self.as_ptr()) }
    }

    /// Whether its whole thread group has exited, and all of its pid namespace if it is an init.
    ///
    /// Only for the leader of a thread group.
    pub fn is_group_dead(&self) -> bool {
        // SAFETY: The task is valid.
        unsafe { bindings::cr_shim_group_dead(self.as_ptr()) }
    }

    /// Whether it has exited.
    pub fn is_dead(&self) -> bool {
        // SAFETY: The task is valid.
        unsafe { bindings::cr_shim_dead(self.as_ptr()) != 0 }
    }

    /// Whether it has exited for good: it is released, or stays as a zombie.
    pub fn is_gone(&self) -> bool {
        // SAFETY: The task is valid.
        unsafe { bindings::cr_shim_gone(self.as_ptr()) }
    }

    /// Whether its process exits as a whole, or has exited.
    pub fn is_group_dying(&self) -> bool {
        // SAFETY: The task is valid, and so is its signal structure.
        unsafe { bindings::cr_shim_group_dying(self.as_ptr()) }
    }

    /// Whether it has anything of io_uring, which those have who have used an instance.
    pub fn has_uring(&self) -> bool {
        // SAFETY: The task is valid.
        unsafe { bindings::cr_shim_has_uring(self.as_ptr()) }
    }

    /// Whether it works off requests of io_uring that would have to wait.
    pub fn is_uring_worker(&self) -> bool {
        // SAFETY: The task is valid.
        unsafe { bindings::cr_shim_is_uring_worker(self.as_ptr()) }
    }

    /// Whether all requests of io_uring that it has submitted, and that are not completed yet, wait for
    /// something.
    pub fn uring_requests_wait(&self) -> bool {
        // SAFETY: The task is valid, and keeps what it has of io_uring.
        unsafe { bindings::cr_shim_requests_wait(self.as_ptr()) }
    }

    /// How many there are.
    pub fn nr_uring_requests(&self) -> u64 {
        // SAFETY: As above.
        unsafe { bindings::cr_shim_nr_requests(self.as_ptr()) }
    }

    /// Whether the kernel works in it, for the process that it is a thread of.
    pub fn is_worker(&self) -> bool {
        // SAFETY: The task is valid.
        unsafe { bindings::cr_shim_is_worker(self.as_ptr()) }
    }

    /// Whether its parent sleeps until it executes another program.
    pub fn is_in_vfork(&self) -> bool {
        // SAFETY: The task is valid.
        unsafe { bindings::cr_shim_in_vfork(self.as_ptr()) }
    }

    /// Whether, and how, it is stopped.
    pub fn stopped(&self) -> Stopped {
        // SAFETY: The task is valid.
        match unsafe { bindings::cr_shim_stopped(self.as_ptr()) } {
            1 => Stopped::BySignal,
            2 => Stopped::ByTracer,
            3 => Stopped::Frozen,
            _ => Stopped::No,
        }
    }

    /// Whether it is to stop with its process, and has not yet, nor has it been told to go on.
    pub fn is_about_to_stop(&self) -> bool {
        // SAFETY: The task is valid.
        unsafe { bindings::cr_shim_about_to_stop(self.as_ptr()) }
    }

    /// When it is in an interruptible sleep: a number that changes when it is woken.
    pub fn sleep_stamp(&self) -> Option<usize> {
        // SAFETY: The task is valid; this may wait for it to be off its CPU, which is soon.
        match unsafe { bindings::cr_shim_sleep_stamp(self.as_ptr()) } {
            0 => None,
            stamp => Some(stamp),
        }
    }

    /// When it sleeps in a call with a time-out of the kernel's own: how much of it is left, ns. Good
    /// if its [`sleep_stamp`](Self::sleep_stamp) has not changed since.
    pub fn timeout_left(&self) -> Option<u64> {
        // SAFETY: The task is valid; its stack is referenced while it is read.
        let left = unsafe { bindings::cr_shim_timeout_left(self.as_ptr()) };
        (left != u64::MAX).then_some(left)
    }

    /// Whether its call was interrupted half done, and is to go on with the rest.
    pub fn goes_on(&self) -> bool {
        // SAFETY: The task is valid; its stack is referenced while it is read.
        unsafe { bindings::cr_shim_goes_on(self.as_ptr()) }
    }

    /// When a signal has stopped it: a number that changes when it continues.
    pub fn stop_stamp(&self) -> Option<usize> {
        // SAFETY: The task is valid; this may wait for it to be off its CPU, which is soon.
        match unsafe { bindings::cr_shim_stop_stamp(self.as_ptr()) } {
            0 => None,
            stamp => Some(stamp),
        }
    }

    /// The system call that it is in, with its arguments.
    pub fn syscall(&self) -> Option<(u32, [u64; 6])> {
        let mut args = [0; 6];
        // SAFETY: A task that has not been released has a kernel stack with its registers.
        let nr = unsafe { bindings::cr_shim_syscall_of(self.as_ptr(), args.as_mut_ptr()) };
        Some((u32::try_from(nr).ok()?, args))
    }

    /// Whether that is one of those that 32-bit programs have, which have other numbers.
    pub fn is_in_compat_call(&self) -> bool {
        // SAFETY: The task is valid, and has not been released.
        unsafe { bindings::cr_shim_in_compat_call(self.as_ptr()) }
    }

    /// What the system call that it has come from returns, or is going to.
    pub fn syscall_result(&self) -> Option<i64> {
        let mut result = 0;
        // SAFETY: A task that has not been released has a kernel stack with its registers.
        unsafe { bindings::cr_shim_syscall_result(self.as_ptr(), &mut result) }.then_some(result)
    }

    /// Whether a signal waits that it is going to act upon.
    pub fn has_signal(&self) -> bool {
        // SAFETY: The task is valid.
        unsafe { bindings::cr_shim_signal_pending(self.as_ptr()) }
    }

    /// Its memory, unless it has none any more.
    pub fn mm(&self) -> Option<Mm> {
        // SAFETY: The task is valid; the result is null or referenced.
        let ptr = unsafe { bindings::cr_shim_task_mm(self.as_ptr()) };
        // SAFETY: The reference is ours now.
        Some(unsafe { Mm::from_owned(NonNull::new(ptr)?) })
    }

    /// Makes its process a child of a thread, which is none of its descendants and has `execed` a
    /// program since it is the parent. Fails with ESRCH when one of them has died.
    pub fn set_parent(&self, parent: &TaskRef, execed: bool) -> Result {
        // SAFETY: Both tasks are valid.
        match unsafe { bindings::cr_shim_set_parent(self.as_ptr(), parent.as_ptr(), execed) } {
            true => Ok(()),
            false => Err(ESRCH),
        }
    }

    /// Sets the signal that its parent waits for, of a zombie. Fails with ESRCH when it is gone.
    pub fn set_exit_signal(&self, signal: u32) -> Result {
        // SAFETY: The task is valid.
        match unsafe { bindings::cr_shim_set_exit_signal(self.as_ptr(), signal) } {
            true => Ok(()),
            false => Err(ESRCH),
        }
    }

    /// Kills it, and its thread group.
    pub fn kill(&self) {
        // SAFETY: The task is valid.
        unsafe { bindings::cr_shim_kill(self.as_ptr()) }
    }

    /// Whether it sleeps, off its CPU, in an [`Event`](crate::sync::Event). While it has not got
    /// there, its registers are to be left alone.
    pub fn is_parked(&self) -> bool {
        // SAFETY: The task is valid; this may wait for it to be off its CPU, which is soon.
        unsafe { bindings::cr_shim_is_parked(self.as_ptr()) }
    }
}

/// Room for any CPU affinity; the first words are used, as many as what was read says.
pub struct CpuWords(pub(crate) KVVec<u64>);

impl CpuWords {
    /// Without any CPU.
    pub fn new() -> Result<Self> {
        Ok(Self(vec::zeroed(CR_MAX_CPU_WORDS as usize, GFP_KERNEL)?))
    }

    /// Those that are used, as bytes for a record or a system call.
    pub fn used(&self, nr: u32) -> &[u8] {
        self.0[..nr as usize].as_bytes()
    }
}

/// CR_TASK_*, as bit numbers, of what tasks that the current one creates would inherit.
pub fn current_unsupported() -> u64 {
    // SAFETY: No preconditions.
    unsafe { bindings::cr_shim_current_unsupported() }
}

/// Identities of namespaces.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Namespaces {
    /// Mount namespace.
    pub mnt: u64,
    /// UTS namespace.
    pub uts: u64,
    /// IPC namespace.
    pub ipc: u64,
}

impl Namespaces {
    /// Those of the current task.
    pub fn current() -> Self {
        let mut ns = [0; 3];
        // SAFETY: There is room for three numbers.
        unsafe { bindings::cr_shim_current_ns(ns.as_mut_ptr()) };
        let [mnt, uts, ipc] = ns;
        Self { mnt, uts, ipc }
    }
}

/// Whether the caller has the capability in its own user namespace.
pub fn current_is_capable() -> bool {
    // SAFETY: No preconditions.
    unsafe { bindings::cr_shim_current_capable() }
}
