// SPDX-License-Identifier: GPL-2.0

//! What each task of a container does to become what the image says, in its own context.
//!
//! A process starts with a copy of its parent's insides, which is next to nothing, and gives that
//! up. It creates its children, so that they have the right parent; waits until all processes
//! exist; then maps its memory, opens what it has open, creates its threads, and waits in the
//! parking at its return to user mode. Wherever possible, it issues the system calls that would
//! have made the state in the first place, so that the kernel's own rules decide.

use crate::{
    address_space::{self, map_memory, protect_memory, start_over},
    late,
    plan::{self, Plan, ProcessPlan, ThreadPlan, LEADER_SCRATCH, THREAD_SCRATCH},
    report::{fail, failure, Context, Failure, Result},
    sharing::{self, Sharer},
    state::{
        audit, clock, fanotify, fs, inotify, ipc, limits, lock, mm_flags, mqueue, numa,
        pid_ns::{self, PidNsPlan, Tids},
        posix_timer, ptracer, seccomp, segments, semaphore, session, signal, signalfd, stop,
        syscall, thread, timer, timerfd, trace, uring_request, usage, uts,
    },
};
use core::ops::Range;
use cr_codec::{
    check::{is_of_timers, Rec},
    uapi::*,
};
use cr_sys::{
    build::{self as sys, Spawn, TaskMain},
    file::FileRef,
    misc,
    task::TaskRef,
};
use kernel::{
    prelude::*,
    sync::{
        lock::{mutex::MutexBackend, Guard},
        Arc,
    },
};

const SYS_FCHDIR: u32 = 81;
const SYS_SETSID: u32 = 112;
pub(crate) const SYS_PRCTL: u32 = 157;
const SYS_CHROOT: u32 = 161;
const SYS_CLOSE_RANGE: u32 = 436;

pub(crate) const SIGCHLD: u32 = 17;

const PR_SET_DUMPABLE: u64 = 4;
const PR_SET_CHILD_SUBREAPER: u64 = 36;
pub(crate) const PR_SET_THP_DISABLE: u64 = 41;

const CLONE_VM: u64 = 0x100;
const CLONE_FS: u64 = 0x200;
const CLONE_FILES: u64 = 0x400;
const CLONE_SIGHAND: u64 = 0x800;
const CLONE_THREAD: u64 = 0x1_0000;
const CLONE_SYSVSEM: u64 = 0x4_0000;
const CLONE_LIKE_PTHREAD: u64 =
    CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM;

/// A task under construction: what it is to become, and how it talks to the kernel.
pub(crate) struct Build<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) process: &'a ProcessPlan,
    scratch: Range<u64>,
    filter_scratch: Range<u64>,
}

impl<'a> Build<'a> {
    /// A thread of a process; 0 is the leader.
    pub(crate) fn new(plan: &'a Plan, process: &'a ProcessPlan, thread: usize) -> Self {
        let (start, len) = match (thread as u64).checked_sub(1) {
            None => (process.scratch, LEADER_SCRATCH),
            Some(before) => (
                process.scratch + LEADER_SCRATCH + before * THREAD_SCRATCH,
                THREAD_SCRATCH,
            ),
        };
        let end = process.scratch + process.scratch_len();
        Self {
            plan,
            process,
            scratch: start..start + len,
            filter_scratch: end - process.filter_scratch_len..end,
        }
    }

    /// Puts bytes into scratch memory, and returns their address for a system call.
    pub(crate) fn scratch(&self, at: u64, bytes: &[u8]) -> Result<u64> {
        write_scratch(&self.scratch, at, bytes)
    }

    /// The same with that for seccomp filters, which all threads of a process share: only for who
    /// holds [`Self::installed_filters`].
    pub(crate) fn filter_scratch(&self, at: u64, bytes: &[u8]) -> Result<u64> {
        write_scratch(&self.filter_scratch, at, bytes)
    }

    /// The seccomp filters that have been installed by now.
    pub(crate) fn installed_filters(&self) -> Guard<'_, seccomp::Installed, MutexBackend> {
        self.plan.filters.lock()
    }

    /// The right to have descriptors open for a moment in a table that is complete, and that others
    /// may have as well: there is room for two.
    pub(crate) fn spare_descriptors(&self) -> Guard<'_, (), MutexBackend> {
        self.plan.spare_descriptors.lock()
    }

    /// What the process calls another one, if it can.
    pub(crate) fn pid_as_seen(&self, pid: u32) -> Option<u32> {
        let depth = self.process.threads[0].numbers.len();
        let mut others = self.plan.processes.iter();
        let other = others.find(|other| other.process.pid == pid)?;
        other.threads[0].tid_below(depth)
    }

    /// Puts a name into scratch memory.
    pub(crate) fn scratch_path(&self, path: &[u8]) -> Result<u64> {
        self.scratch(path.len() as u64, &[0])?;
        self.scratch(0, path)
    }

    /// Issues a system call with up to three arguments.
    pub(crate) fn syscall(&self, nr: u32, [a, b, c]: [u64; 3]) -> Result<i64> {
        self.syscall6(nr, [a, b, c, 0, 0, 0])
    }

    /// Issues a system call.
    pub(crate) fn syscall6(&self, nr: u32, args: [u64; 6]) -> Result<i64> {
        Ok(sys::syscall(nr, args)?)
    }

    /// Issues prctl(2).
    pub(crate) fn prctl(&self, option: u64, arg: u64) -> Result<i64> {
        self.syscall(SYS_PRCTL, [option, arg, 0])
    }

    /// A record by its place.
    pub(crate) fn record(&self, at: usize) -> Rec<'_> {
        self.plan.records.get(at)
    }

    /// The record of the POSIX timers of the process.
    pub(crate) fn timers(&self) -> Option<Rec<'_>> {
        Some(self.record(self.process.timers?))
    }

    /// The records of all locks.
    pub(crate) fn locks(&self) -> impl Iterator<Item = Rec<'_>> {
        self.plan.locks.iter().map(|at| self.record(*at))
    }

    /// The record of an object.
    pub(crate) fn object(&self, id: u64) -> Result<Rec<'_>> {
        Ok(self.record(self.plan.records.find(id)?))
    }

    /// A file or shared memory object.
    pub(crate) fn file(&self, id: u64) -> Result<&FileRef> {
        self.plan.file(id)
    }

    /// The mappings of a memory descriptor.
    pub(crate) fn vmas(&self, mm: usize) -> Result<impl Iterator<Item = cr_img_vma> + '_> {
        plan::vmas(&self.plan.records, mm)
    }

    /// A pid namespace.
    pub(crate) fn pid_ns(&self, id: u64) -> Result<&PidNsPlan> {
        self.plan.pid_ns(id)
    }

    /// The lowest descriptor in a table that refers to a file.
    pub(crate) fn fd_of(&self, table: u64, file: u64) -> Result<Option<u32>> {
        let rec = self.object(table)?;
        let mut fds = rec.array::<cr_img_fd>(size_of::<cr_img_fdtable>());
        Ok(fds.find(|fd| fd.file == file).map(|fd| fd.fd))
    }
}

fn write_scratch(scratch: &Range<u64>, at: u64, bytes: &[u8]) -> Result<u64> {
    let end = at.checked_add(bytes.len() as u64);
    if end.is_none_or(|end| end > scratch.end - scratch.start) {
        fail!(
            EINVAL,
            "{} bytes do not fit into scratch memory",
            bytes.len()
        );
    }
    let addr = scratch.start + at;
    sys::write_user(addr, bytes).context(format_args!("scratch memory"))?;
    Ok(addr)
}

/// Runs a part of a task's construction; a failure ends the task, and the restart.
fn attempt(plan: &Plan, tid: u32, part: impl FnOnce() -> Result) -> kernel::error::Result {
    part()
        // Whatever was interrupted by that, and however that shows.
        .map_err(|failure| match misc::is_being_killed() {
            true => failure!(EINTR, "was killed"),
            false => failure,
        })
        .context(format_args!("pid {tid}"))
        .map_err(|failure: Failure| {
            let errno = failure.errno();
            plan.fail(failure);
            errno
        })
}

/// A process under construction.
pub(crate) struct ProcessMain {
    plan: Arc<Plan>,
    at: usize,
}

impl ProcessMain {
    /// The process at this place in the plan.
    pub(crate) fn new(plan: Arc<Plan>, at: usize) -> Result<Arc<Self>> {
        Ok(Arc::new(Self { plan, at }, GFP_KERNEL)?)
    }
}

impl TaskMain for ProcessMain {
    fn main(this: Arc<Self>) -> kernel::error::Result {
        let plan = this.plan.clone();
        let at = this.at;
        drop(this);
        let process = &plan.processes[at];
        let tid = process.process.pid;
        attempt(&plan, tid, || come_into_being(&plan, at))?;
        if !process.is_zombie() {
            attempt(&plan, tid, || {
                plan.rebuild.wait()?;
                rebuild_process(&plan, at)
            })?;
            if !process.has_dead_leader() {
                return Ok(());
            }
        }
        sys::set_sigmask(process.threads[0].thread.blocked, None);
        let status = process.process.exit_code;
        drop(plan);
        sys::exit_as_zombie(status);
    }
}

/// Creates memory and children. A zombie waits until all processes are there and in their groups.
fn come_into_being(plan: &Arc<Plan>, at: usize) -> Result {
    let process = &plan.processes[at];
    let image = &process.process;
    plan.place(at, 0).register();
    sys::forget_caller();
    sys::set_execed(image.flags & CR_PROCESS_EXECED != 0);
    if at == 0 {
        become_init(plan, process)?;
    }
    let leader = &process.threads[0].thread;
    let creator = (at != 0).then(|| &*plan.processes[process.creator].threads[0].thread);
    audit::restore(plan, leader, creator)?;
    audit::restore_tty(image)?;
    session::restore_autogroup(plan, at)?;
    if process.is_ns_init() {
        pid_ns::create_nested(plan, process)?;
    }
    if image.flags & CR_PROCESS_SUBREAPER != 0 {
        sys::syscall(SYS_PRCTL, [PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0, 0])?;
    }
    if image.flags & CR_PROCESS_HAS_SUBREAPER != 0 {
        sys::set_has_subreaper();
    }
    if process.is_zombie() {
        prepare_zombie(plan, process)?;
    } else {
        // The less there is to copy, the faster; but some are to get a copy.
        let at_home = |child: &ProcessPlan| child.process.pid_ns == image.pid_ns;
        create_processes(plan, process, |child| {
            at_home(child) && child.inherit.is_none()
        })?;
        let maker = &plan.processes[process.memory];
        if process.memory == at {
            process.forked.wait()?;
            map_memory(plan, at)?;
            process.mapped.arrive();
            process.filled.wait()?;
            protect_memory(plan, process)?;
            create_processes(plan, process, |child| {
                at_home(child) && child.inherit.is_some()
            })?;
        } else {
            maker.forked.arrive();
        }
        // These may have to wait for others, who are before them in the image.
        maker.filled.wait()?;
        create_processes(plan, process, |child| !at_home(child))?;
    }
    plan.created.arrive();
    // Others have more to wait for.
    match process.is_zombie() {
        true => Ok(plan.grouped.wait()?),
        false => Ok(()),
    }
}

/// Creates those children, and others, that are the current process' to create.
fn create_processes(
    plan: &Arc<Plan>,
    process: &ProcessPlan,
    which: impl Fn(&ProcessPlan) -> bool,
) -> Result {
    for child in process
        .creates
        .iter()
        .filter(|child| which(&plan.processes[**child]))
    {
        let (child, at) = (&plan.processes[*child], *child);
        let image = &child.process;
        let tids = Tids::of(&child.threads[0]);
        let how = Spawn {
            flags: child.clone_flags,
            // What may be sent to a parent that is not complete: it does not mind that one.
            exit_signal: match child.is_zombie() {
                true => SIGCHLD,
                false => image.exit_signal,
            },
            tids: tids.as_slice(),
            cgroup: None,
        };
        let main = ProcessMain::new(plan.clone(), at)?;
        pid_ns::in_that_of(plan, process, child, || {
            sys::spawn(how, main)?;
            Ok(())
        })
        .context(format_args!("creating pid {}", image.pid))?;
    }
    Ok(())
}

/// What the first process does for all: it leaves what it has from the caller.
fn become_init(plan: &Plan, process: &ProcessPlan) -> Result {
    sys::set_sigmask(0, None);
    // Nobody may look into a task before the image's own word on that, which comes last: by then
    // its memory is there and its rights are gone. Children have this from here.
    sys::syscall(SYS_PRCTL, [PR_SET_DUMPABLE, 0, 0, 0, 0, 0])?;
    // Nor does anybody get a huge page for a small one; the image's word on that comes late, too.
    sys::syscall(SYS_PRCTL, [PR_SET_THP_DISABLE, 1, 0, 0, 0, 0])?;
    sys::syscall(SYS_SETSID, [0; 6]).context(format_args!("setsid"))?;
    start_over(process)?;
    clock::restore(&plan.container)?;
    let build = Build::new(plan, process, 0);
    limits::lift(&build);
    signal::reset_sighand(&build)?;
    if let Some(fd) = plan.root_fd {
        build
            .syscall(SYS_FCHDIR, [fd as u64, 0, 0])
            .context(format_args!("root directory"))?;
        let here = build.scratch_path(b".")?;
        build
            .syscall(SYS_CHROOT, [here, 0, 0])
            .context(format_args!("root directory"))?;
    }
    if let Some(at) = plan.uts {
        uts::restore(&build, &build.record(at))?;
    }
    if let Some(at) = plan.ipc {
        ipc::restore(&build, &build.record(at))?;
    }
    build.syscall(SYS_CLOSE_RANGE, [0, u64::from(u32::MAX), 0])?;
    timerfd::restore_times(plan, &build)?;
    inotify::restore_watches(plan, &build)?;
    fanotify::restore_marks(plan, &build)?;
    // Those whom it creates have these from it.
    let leader = &process.threads[0].thread;
    thread::restore_name(&build, leader, &sys::inherited())?;
    fs::restore_for_all(&build)
}

fn rebuild_process(plan: &Arc<Plan>, at: usize) -> Result {
    let process = &plan.processes[at];
    let image = &process.process;
    let leader = &process.threads[0];
    sys::set_sigmask(u64::MAX, None);
    let build = Build::new(plan, process, 0);

    let makes_memory = process.memory == at;
    if makes_memory {
        late::watch(plan, &build)?;
    }

    allow_descriptors(&build)?;
    let sharer = Sharer {
        plan,
        build: &build,
        who: (at, 0),
    };
    make_shared(&sharer, at)?;
    let mm: cr_img_mm = build.object(image.mm)?.fixed()?;
    if makes_memory {
        mm_flags::restore(&build, &mm)?;
        segments::restore_ldt(&build)?;
    }
    // Threads share them.
    semaphore::restore_adjustments(&build)?;
    for thread in 1..process.threads.len() {
        create_thread(plan, at, thread)?;
    }
    plan.proc_task.has_threads();
    sharer.complete_files(image.files)?;
    mqueue::restore_notifications(&build)?;
    ptracer::restore(&build, image.ptracer)?;
    pid_ns::restore_for_children(&build, &leader.thread)?;
    posix_timer::create(&build)?;
    process.timers_made.arrive();
    if let Some(queue) = process.sigqueue {
        let pid = process.own_pid();
        signal::restore_queue(&build, &build.record(queue), pid, pid)?;
    }
    if image.flags & CR_PROCESS_CONTINUED != 0 {
        sys::set_continued();
    }

    process.threads_done.wait()?;
    // From here on, its CPU time counts: a limit and timers go by it.
    usage::restore_process(image);
    usage::restore_thread(&leader.thread);
    limits::restore(&build, image)?;
    match process.has_dead_leader() {
        true => thread::restore_dead(&build, &leader.thread)?,
        false => rebuild_thread(&build, leader)?,
    }
    signalfd::restore_watched(plan, at)?;
    if makes_memory {
        // Changed credentials of any thread have reset it.
        build.prctl(PR_SET_DUMPABLE, u64::from(mm.dumpable))?;
    }
    timer::restore(&build, image)?;
    posix_timer::restore(&build)?;
    address_space::give_up_scratch(&build)?;
    match makes_memory {
        true => usage::restore_peaks(&build, image.mm)?,
        false => plan.processes[process.memory].threads_done.arrive(),
    }
    if process.has_dead_leader() {
        plan.complete.arrive();
        return Ok(plan.burial.wait()?);
    }
    park(plan, at, 0)
}

/// Makes what a process may share with others, first of all what they wait for.
fn make_shared(sharer: &Sharer<'_>, at: usize) -> Result {
    let build = sharer.build;
    let image = &sharer.plan.processes[at].process;
    sharer.make(image.fs, || match fs::is_for_all(build, image.fs)? {
        true => Ok(()),
        false => fs::restore(build, &build.object(image.fs)?),
    })?;
    sharer.make_files(image.files, || match at {
        0 => lock::restore_of_files(build),
        _ => Ok(()),
    })?;
    sharer.make(image.sighand, || {
        signal::restore_sighand(build, &build.object(image.sighand)?)
    })?;
    sharer.take_fs(image.fs)?;
    sharer.take_files(image.files)?;
    sharer.await_made(image.sighand)
}

/// Makes room for all descriptors in the tables of a process and of its threads.
fn allow_descriptors(build: &Build<'_>) -> Result {
    let process = build.process;
    let mut most = nr_descriptors(&build.object(process.process.files)?);
    let tables = process.threads.iter().map(|thread| thread.thread.files);
    for table in tables.filter(|id| *id != 0) {
        most = nr_descriptors(&build.object(table)?).max(most);
    }
    // Two more are in use for a moment: see `Build::spare_descriptors`.
    limits::allow_descriptors(build, most + 2)
}

/// Descriptors up to the highest one in a table.
fn nr_descriptors(table: &Rec<'_>) -> u32 {
    let fds = table.array::<cr_img_fd>(size_of::<cr_img_fdtable>());
    fds.last().map_or(0, |fd| fd.fd + 1)
}

/// What can be seen of a zombie: its name, its user and its limits.
fn prepare_zombie(plan: &Plan, process: &ProcessPlan) -> Result {
    let thread = &process.threads[0].thread;
    start_over(process)?;
    let build = Build::new(plan, process, 0);
    // There is nothing to be seen in it.
    build.prctl(PR_SET_DUMPABLE, 1)?;
    limits::restore(&build, &process.process)?;
    thread::restore_dead(&build, thread)?;
    usage::restore_process(&process.process);
    usage::restore_thread(thread);
    Ok(())
}

fn create_thread(plan: &Arc<Plan>, process: usize, thread: usize) -> Result {
    let image = &plan.processes[process].threads[thread];
    let tid = image.thread.tid;
    let tids = Tids::of(image);
    let main = ThreadMain {
        plan: plan.clone(),
        process,
        thread,
    };
    let how = Spawn {
        flags: CLONE_LIKE_PTHREAD,
        exit_signal: 0,
        tids: tids.as_slice(),
        cgroup: None,
    };
    sys::spawn(how, Arc::new(main, GFP_KERNEL)?).context(format_args!("creating thread {tid}"))?;
    Ok(())
}

/// A thread other than the leader under construction.
struct ThreadMain {
    plan: Arc<Plan>,
    process: usize,
    thread: usize,
}

impl TaskMain for ThreadMain {
    fn main(this: Arc<Self>) -> kernel::error::Result {
        let plan = this.plan.clone();
        let (process, thread) = (this.process, this.thread);
        drop(this);
        let owner = &plan.processes[process];
        let image = &owner.threads[thread];
        attempt(&plan, image.thread.tid, || {
            plan.place(process, thread).register();
            sys::set_sigmask(u64::MAX, None);
            let build = Build::new(&plan, owner, thread);
            let sharer = Sharer {
                plan: &plan,
                build: &build,
                who: (process, thread),
            };
            sharing::restore_thread(&sharer, &image.thread)?;
            if image.thread.files != 0 {
                sharer.complete_files(image.thread.files)?;
            }
            audit::restore(&plan, &image.thread, Some(&owner.threads[0].thread))?;
            pid_ns::restore_for_children(&build, &image.thread)?;
            rebuild_thread(&build, image)?;
            usage::restore_thread(&image.thread);
            owner.threads_done.arrive();
            park(&plan, process, thread)
        })
    }
}

/// What every thread does for itself.
fn rebuild_thread(build: &Build<'_>, image: &ThreadPlan) -> Result {
    if let Some(queue) = image.sigqueue {
        let rec = build.record(queue);
        if is_of_timers(&rec) {
            build.process.timers_made.wait()?;
        }
        let (pid, tid) = (build.process.own_pid(), image.own_tid());
        signal::restore_queue(build, &rec, pid, tid)?;
    }
    thread::restore(build, image)
}

/// The last step: wait for the release on the way to user mode.
fn park(plan: &Arc<Plan>, process: usize, thread: usize) -> Result {
    let image = &plan.processes[process].process;
    let build = &plan.processes[process].threads[thread];
    let record = &build.thread;
    uring_request::restore(
        &Build::new(plan, &plan.processes[process], thread),
        record.tid,
    )?;
    thread::restore_sigmask(record);
    let stops = match build.trace {
        Some(at) => trace::has_stopped(plan, at),
        None => stop::has_stopped(image, record),
    };
    let parking = match stops {
        true => &plan.stopping,
        false => &plan.parking,
    };
    let call = syscall::interrupted(record);
    let slot = sys::park_current(parking, &TaskRef::current(), call)?;
    plan.place(process, thread).register_slot(slot);
    if let Some(at) = build.sched {
        numa::restore_place(&plan.records.get(at).fixed()?);
    }
    plan.complete.arrive();
    Ok(())
}
