// SPDX-License-Identifier: GPL-2.0

//! What several tasks share, and how they come to share it again.
//!
//! Memory and signal actions are shared from birth on: a process is created, by clone(2), by the
//! first one that has what it is to have, which need not be its parent. It becomes the parent's
//! child when all are there. That first process makes the memory; while it does, none of the others
//! forks. So is a process that shares pages with another one copy-on-write, once that one has its
//! memory.
//!
//! A descriptor table, or directories, may be shared by tasks none of which has all that another one
//! shares with others. So the first task that has one makes it, and the others take it over instead
//! of their own.

use crate::{
    build::Build,
    countdown::Countdown,
    image::Records,
    plan::{Plan, ProcessPlan},
    report::{fail, Context, Result},
    state::{dnotify, fdtable, fs, lock, proc_task},
};
use cr_codec::{order, uapi::*};
use cr_sys::{build as sys, task::TaskRef};
use kernel::{prelude::*, sync::Arc};

const CLONE_VM: u64 = 0x100;
const CLONE_FS: u64 = 0x200;
const CLONE_SIGHAND: u64 = 0x800;

/// A descriptor table, directories or signal actions that more than one task has.
pub(crate) struct Shared {
    id: u64,
    /// The task that makes it: process and thread.
    maker: (usize, usize),
    made: Arc<Countdown>,
}

/// The first process for each object, by id.
type Firsts = KVVec<(u64, usize)>;

fn firsts(processes: &[ProcessPlan], object: fn(&cr_img_process) -> u64) -> Result<Firsts> {
    let mut firsts = Firsts::new();
    for (at, process) in processes.iter().enumerate().filter(|(_, p)| !p.is_zombie()) {
        firsts.push((object(&process.process), at), GFP_KERNEL)?;
    }
    order::sort_by_key(&mut firsts, |&entry| entry);
    Ok(firsts)
}

/// Finds the first process with an object.
fn first(firsts: &Firsts, id: u64) -> Result<usize> {
    match order::after(firsts, |(found, _)| *found < id).first() {
        Some((found, at)) if *found == id => Ok(*at),
        _ => fail!(EINVAL, "object {id} of no process"),
    }
}

/// The processes by their pids, sorted.
pub(crate) fn by_pid(processes: &[ProcessPlan]) -> Result<KVVec<(u32, usize)>> {
    let mut by_pid = KVVec::with_capacity(processes.len(), GFP_KERNEL)?;
    for (at, process) in processes.iter().enumerate() {
        by_pid.push((process.process.pid, at), GFP_KERNEL)?;
    }
    order::sort_by_key(&mut by_pid, |&entry| entry);
    Ok(by_pid)
}

/// Finds out what processes have to do with objects of the IPC namespace.
fn link_ipc(records: &Records, processes: &mut [ProcessPlan]) -> Result {
    let by_pid = by_pid(processes)?;
    let living = |processes: &[ProcessPlan], pid: u32| {
        let &(_, at) = order::find_by_key(&by_pid, pid, |(pid, _)| *pid)?;
        (!processes[at].is_zombie()).then_some(at)
    };
    for (at, rec) in records.tagged(CR_TAG_SEMADJ) {
        match living(processes, rec.fixed::<cr_img_semadj>()?.pid) {
            Some(process) => processes[process].semadjs.push(at, GFP_KERNEL)?,
            None => fail!(EINVAL, "semaphore adjustments of no process"),
        }
    }
    for (at, rec) in records.tagged(CR_TAG_MQUEUE) {
        let queue: cr_img_mqueue = rec.fixed()?;
        match living(processes, queue.notify_pid) {
            Some(process) => processes[process].notified.push(at, GFP_KERNEL)?,
            None if queue.notify_pid == 0 => {}
            None => fail!(EINVAL, "a message queue that tells no process"),
        }
    }
    Ok(())
}

/// Decides which process creates which, and with what. Parents are known.
pub(crate) fn link_processes(records: &Records, processes: &mut [ProcessPlan]) -> Result {
    let mms = firsts(processes, |process| process.mm)?;
    let sighands = firsts(processes, |process| process.sighand)?;
    for (at, process) in processes.iter_mut().enumerate() {
        (process.creator, process.memory) = (process.parent, at);
        if process.is_zombie() {
            continue;
        }
        process.memory = first(&mms, process.process.mm)?;
        let sighand = first(&sighands, process.process.sighand)?;
        if sighand != at {
            (process.creator, process.clone_flags) = (sighand, CLONE_VM | CLONE_SIGHAND);
        } else if process.memory != at {
            (process.creator, process.clone_flags) = (process.memory, CLONE_VM);
        }
    }
    link_ipc(records, processes)?;
    for (at, rec) in records.tagged(CR_TAG_GUARDS) {
        let guards: cr_img_guards = rec.fixed()?;
        processes[first(&mms, guards.mm)?].guards = Some(at);
    }
    for (at, rec) in records.tagged(CR_TAG_HUGE) {
        let huge: cr_img_huge = rec.fixed()?;
        processes[first(&mms, huge.mm)?].huge = Some(at);
    }
    for (at, rec) in records.tagged(CR_TAG_LDT) {
        let ldt: cr_img_ldt = rec.fixed()?;
        processes[first(&mms, ldt.mm)?].ldt = Some(at);
    }
    for (at, rec) in records.tagged(CR_TAG_INHERIT) {
        let inherit: cr_img_inherit = rec.fixed()?;
        let (child, owner) = (first(&mms, inherit.mm)?, first(&mms, inherit.parent)?);
        let heir = &processes[child];
        let parent = &processes[heir.parent].process;
        // Nobody else gets into another pid namespace.
        let at_home = processes[owner].process.pid_ns == heir.process.pid_ns;
        let from_parent = parent.mm == inherit.parent;
        if child == 0 || heir.clone_flags != 0 || heir.inherit.is_some() {
            fail!(
                EINVAL,
                "memory that is inherited twice, or by who shares it"
            );
        }
        if !from_parent && (!at_home || heir.is_ns_init()) {
            fail!(
                EINVAL,
                "memory that is inherited from another pid namespace"
            );
        }
        processes[child].inherit = Some((at, owner));
        processes[child].creator = owner;
    }
    for at in 1..processes.len() {
        let (creator, memory) = (processes[at].creator, processes[at].memory);
        // All of them come after their creators, so that there is no circle.
        if creator >= at {
            fail!(EINVAL, "a process that comes before who creates it");
        }
        processes[creator].creates.push(at, GFP_KERNEL)?;
        if memory != at {
            processes[memory].sharers += 1;
        }
    }
    for process in processes.iter_mut() {
        let others = process.threads.len().saturating_sub(1) + process.sharers;
        process.threads_done = Countdown::new(others)?;
        process.forked = Countdown::new(process.sharers)?;
    }
    Ok(())
}

/// Finds what is shared besides memory, by id.
pub(crate) fn find(processes: &[ProcessPlan]) -> Result<KVVec<Shared>> {
    // A process makes what it has before it creates threads: so theirs come after that.
    let mut users: KVVec<(u64, bool, usize, usize)> = KVVec::new();
    for (at, process) in processes.iter().enumerate().filter(|(_, p)| !p.is_zombie()) {
        let image = &process.process;
        for id in [image.files, image.fs, image.sighand] {
            users.push((id, false, at, 0), GFP_KERNEL)?;
        }
        for (number, thread) in process.threads.iter().enumerate() {
            let own = [thread.thread.files, thread.thread.fs];
            for id in own.into_iter().filter(|id| *id != 0) {
                users.push((id, true, at, number), GFP_KERNEL)?;
            }
        }
    }
    order::sort_by_key(&mut users, |&user| user);
    let mut shared: KVVec<Shared> = KVVec::new();
    for pair in users.windows(2) {
        let ((id, _, at, number), (next, ..)) = (pair[0], pair[1]);
        if id == next && shared.last().is_none_or(|last| last.id != id) {
            let found = Shared {
                id,
                maker: (at, number),
                made: Countdown::new(1)?,
            };
            shared.push(found, GFP_KERNEL)?;
        }
    }
    Ok(shared)
}

impl Shared {
    /// Those who wait for it need not any more.
    pub(crate) fn give_up(&self) {
        self.made.give_up();
    }

    fn wait(&self, plan: &Plan) -> Result<TaskRef> {
        self.made.wait()?;
        Ok(plan.task(self.maker.0, self.maker.1)?.task)
    }
}

/// The task under construction that makes, or takes over, what it shares with others.
pub(crate) struct Sharer<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) build: &'a Build<'a>,
    /// Process and thread.
    pub(crate) who: (usize, usize),
}

impl Sharer<'_> {
    fn shared(&self, id: u64) -> Option<&Shared> {
        order::find_by_key(&self.plan.shared, id, |shared| shared.id)
    }

    /// Whether somebody else makes it.
    fn others(&self, id: u64) -> Option<&Shared> {
        self.shared(id).filter(|shared| shared.maker != self.who)
    }

    /// Makes an object with `make`, unless somebody else does.
    pub(crate) fn make(&self, id: u64, make: impl FnOnce() -> Result) -> Result {
        if self.others(id).is_some() {
            return Ok(());
        }
        make()?;
        if let Some(shared) = self.shared(id) {
            shared.made.arrive();
        }
        Ok(())
    }

    /// Waits for an object that somebody else makes, and that is shared already.
    pub(crate) fn await_made(&self, id: u64) -> Result {
        match self.others(id) {
            Some(shared) => Ok(shared.made.wait()?),
            None => Ok(()),
        }
    }

    /// Makes a descriptor table, or takes over the one that somebody else has made; `first` is done
    /// in it before anybody else has it.
    pub(crate) fn make_files(&self, id: u64, first: impl FnOnce() -> Result) -> Result {
        self.make(id, || {
            fdtable::restore(self.build, &self.build.object(id)?)?;
            first()
        })
    }

    /// Takes over a descriptor table that somebody else makes.
    pub(crate) fn take_files(&self, id: u64) -> Result {
        if let Some(shared) = self.others(id) {
            sys::share_files(&shared.wait(self.plan)?).context(format_args!("descriptors"))?;
        }
        let is_maker = self.others(id).is_none();
        lock::restore(self.build, id, |pid| {
            pid == self.process().process.pid || is_maker && !self.has_user(id, pid)
        })
    }

    /// Puts what can be opened only now that all threads exist into a descriptor table that this task
    /// has made.
    pub(crate) fn complete_files(&self, id: u64) -> Result {
        match self.others(id) {
            Some(_) => Ok(()),
            None => {
                proc_task::install(self.plan, self.build, id)?;
                dnotify::restore(self.build, id)
            }
        }
    }

    /// Takes over directories that somebody else makes.
    pub(crate) fn take_fs(&self, id: u64) -> Result {
        if let Some(shared) = self.others(id) {
            sys::share_fs(&shared.wait(self.plan)?).context(format_args!("directories"))?;
        }
        Ok(())
    }

    fn process(&self) -> &ProcessPlan {
        &self.plan.processes[self.who.0]
    }

    /// Whether a process with this pid uses a descriptor table.
    fn has_user(&self, files: u64, pid: u32) -> bool {
        let mut processes = self.plan.processes.iter();
        let process = processes.find(|process| process.process.pid == pid);
        process.is_some_and(|process| {
            let mut threads = process.threads.iter();
            process.process.files == files || threads.any(|thread| thread.thread.files == files)
        })
    }
}

const SYS_UNSHARE: u32 = 272;
const SYS_CLOSE_RANGE: u32 = 436;
const CLOSE_RANGE_UNSHARE: u64 = 2;

/// Gives the current thread descriptors and directories that are not those of its process.
pub(crate) fn restore_thread(sharer: &Sharer<'_>, thread: &cr_img_thread) -> Result {
    if (thread.files, thread.fs) == (0, 0) {
        return Ok(());
    }
    let build = sharer.build;
    // An empty table for now, in which there is room for whatever is needed.
    let all = [0, u64::from(u32::MAX), CLOSE_RANGE_UNSHARE];
    build.syscall(SYS_CLOSE_RANGE, all)?;
    if thread.fs != 0 {
        build.syscall(SYS_UNSHARE, [CLONE_FS, 0, 0])?;
        sharer.make(thread.fs, || fs::restore(build, &build.object(thread.fs)?))?;
    }
    if thread.files != 0 {
        sharer.make_files(thread.files, || Ok(()))?;
    }
    if thread.fs != 0 {
        sharer.take_fs(thread.fs)?;
    }
    match thread.files {
        0 => {
            let leader = sharer.plan.task(sharer.who.0, 0)?.task;
            Ok(sys::share_files(&leader)?)
        }
        files => sharer.take_files(files),
    }
}
