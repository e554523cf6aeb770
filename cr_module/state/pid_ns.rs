// SPDX-License-Identifier: GPL-2.0

//! Pid namespaces nested in the container's own, and what tasks are called there.
//!
//! A namespace is found by the tasks in it, or whose children are to be in it, and by the groups
//! whose dead leaders were in it. At restart, its parent's init makes it before it has children.
//! Whoever then has a child there, enters it for that as by setns(2), and comes back.

use crate::{
    build::Build,
    countdown::Countdown,
    image::Records,
    objects::Kind,
    plan::{Plan, ProcessPlan, ThreadPlan},
    report::{fail, failure, Context, Result},
    save::Save,
    tree::{Thread, Tree},
};
use cr_codec::{check::PID_MAX, order, uapi::*};
use cr_sys::{
    build::{self as sys, Spawn, TaskMain},
    errno::EOPNOTSUPP,
    file::FileRef,
    pid_ns::{PidNs, PidRef, ReservedPid},
};
use kernel::{
    prelude::*,
    sync::{Arc, SetOnce},
};
use zerocopy::IntoBytes;

/// Saves the namespace that a task is in: 0 for the container's own.
pub(crate) fn save(save: &mut Save<'_>, thread: &Thread) -> Result<u64> {
    if thread.info.pid_depth == 0 {
        return Ok(0);
    }
    match save.objects.find(Kind::PidNs, thread.info.pid_ns) {
        Some(id) => Ok(id),
        None => save_ns(save, find(save, thread.info.tid)?.ns()),
    }
}

/// Saves the namespace that children of a task come to be in: 0 for its own.
pub(crate) fn save_for_children(save: &mut Save<'_>, thread: &Thread) -> Result<u64> {
    let identity = thread.info.pid_ns_for_children;
    match save.objects.find(Kind::PidNs, identity) {
        _ if identity == 0 => Ok(0),
        Some(id) => Ok(id),
        None => save_ns(save, PidNs::for_children_of(&thread.task)),
    }
}

/// What a task or group is called in the namespaces below the container's own, from the outside in.
pub(crate) struct Numbers {
    numbers: [u32; CR_MAX_PIDNS as usize],
    count: usize,
}

impl Numbers {
    /// Those of a task.
    pub(crate) fn of(save: &Save<'_>, thread: &Thread) -> Result<Self> {
        match thread.info.pid_depth {
            0 => Ok(Self {
                numbers: [0; CR_MAX_PIDNS as usize],
                count: 0,
            }),
            _ => Ok(Self::of_pid(save, &find(save, thread.info.tid)?)),
        }
    }

    fn of_pid(save: &Save<'_>, pid: &PidRef) -> Self {
        let mut numbers = [0; CR_MAX_PIDNS as usize];
        let count = pid.numbers_below(save.container.ns(), &mut numbers);
        Self { numbers, count }
    }

    /// As they are in an image.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.numbers[..self.count].as_bytes()
    }
}

/// A number in the container's own namespace.
fn find(save: &Save<'_>, nr: u32) -> Result<PidRef> {
    let found = save.container.ns().find_pid(nr);
    found.ok_or_else(|| {
        failure!(
            EAGAIN,
            "pid {nr} went away during the checkpoint: try again"
        )
    })
}

/// Saves a namespace, and before it those around it that have not been met.
fn save_ns(save: &mut Save<'_>, ns: Option<PidNs>) -> Result<u64> {
    let gone = || failure!(EAGAIN, "a pid namespace went away: try again");
    let mut new = KVVec::new();
    let mut parent = 0;
    let mut next = ns.ok_or_else(gone)?;
    while next.identity() != save.container.ns().identity() {
        if let Some(id) = save.objects.find(Kind::PidNs, next.identity()) {
            parent = id;
            break;
        }
        let around = next.parent().ok_or_else(gone)?;
        new.push(next, GFP_KERNEL)?;
        next = around;
    }
    while let Some(ns) = new.pop() {
        parent = save_one(save, &ns, parent)?;
    }
    Ok(parent)
}

fn save_one(save: &mut Save<'_>, ns: &PidNs, parent: u64) -> Result<u64> {
    let info = ns.info();
    if info.sysctls {
        fail!(
            EOPNOTSUPP(),
            "kernel.pid_max or vm.memfd_noexec was set in a nested pid namespace, which is not \
             supported yet"
        );
    }
    if info.foreign {
        fail!(
            EOPNOTSUPP(),
            "a nested pid namespace belongs to another user namespace, which is not supported yet"
        );
    }
    let (last_pid, flags) = match (ns.tasks().next(), info.closed) {
        (Some(_), _) => (info.last_pid, 0),
        (None, true) => (0, CR_PIDNS_DEAD),
        (None, false) => (0, 0),
    };
    let record = cr_img_pidns {
        parent,
        last_pid,
        flags,
    };
    let id = save.objects.add(Kind::PidNs, ns.identity())?;
    save.object(id, &record, &[])?;
    Ok(id)
}

/// Saves the numbers of those leaders of groups that are dead and were in a nested namespace.
pub(crate) fn save_groups(save: &mut Save<'_>, tree: &Tree) -> Result {
    let mut pids = KVVec::with_capacity(tree.processes.len(), GFP_KERNEL)?;
    for process in &tree.processes {
        pids.push(process.leader().info.tgid, GFP_KERNEL)?;
    }
    order::sort_by_key(&mut pids, |pid| *pid);
    let mut groups = KVVec::new();
    for process in &tree.processes {
        let info = &process.leader().info;
        for group in [info.pgid, info.sid] {
            if pids.binary_search(&group).is_err() {
                groups.push(group, GFP_KERNEL)?;
            }
        }
    }
    order::sort_by_key(&mut groups, |group| *group);
    let mut last = 0;
    for nr in groups {
        if core::mem::replace(&mut last, nr) == nr {
            continue;
        }
        let pid = find(save, nr)?;
        let numbers = Numbers::of_pid(save, &pid);
        if numbers.count > 0 {
            let record = cr_img_pid {
                pid_ns: save_ns(save, pid.ns())?,
                nr,
                reserved: 0,
            };
            save.record(&record, &[numbers.as_bytes()])?;
        }
    }
    Ok(())
}

/// A pid namespace to be built.
pub(crate) struct PidNsPlan {
    id: u64,
    image: cr_img_pidns,
    /// As setns(2) wants it, once it exists.
    file: SetOnce<FileRef>,
    /// Its init exists, and so do the namespaces nested in it.
    populated: Arc<Countdown>,
}

impl PidNsPlan {
    fn new(id: u64, image: cr_img_pidns) -> Result<Self> {
        Ok(Self {
            id,
            image,
            file: SetOnce::new(),
            populated: Countdown::new(1)?,
        })
    }

    /// Its object id.
    pub(crate) fn id(&self) -> u64 {
        self.id
    }

    /// Those who wait for it need not any more.
    pub(crate) fn give_up(&self) {
        self.populated.give_up();
    }
}

/// The namespaces of an image, by ascending id: the container's own first, which has none.
pub(crate) fn plan(records: &Records) -> Result<KVVec<PidNsPlan>> {
    let mut namespaces = KVVec::new();
    namespaces.push(PidNsPlan::new(0, Default::default())?, GFP_KERNEL)?;
    for (_, rec) in records.tagged(CR_TAG_PIDNS) {
        namespaces.push(PidNsPlan::new(rec.id, rec.fixed()?)?, GFP_KERNEL)?;
    }
    Ok(namespaces)
}

/// What a new task is to be called, as [`Spawn`] wants it: in its own namespace, and in those around
/// it out to the container's own.
pub(crate) struct Tids {
    /// Filled from its end.
    tids: [i32; MAX_TIDS],
    first: usize,
}

const MAX_TIDS: usize = CR_MAX_PIDNS as usize + 1;

impl Tids {
    /// Takes the number in the container's own namespace, and those below it from the outside in.
    fn new(nr: u32, below: impl Iterator<Item = u32>) -> Self {
        let mut tids = Self {
            tids: [0; MAX_TIDS],
            first: MAX_TIDS,
        };
        tids.add(nr);
        below.for_each(|nr| tids.add(nr));
        tids
    }

    /// Adds the number in the next namespace further inside.
    fn add(&mut self, nr: u32) {
        // There are no more of them.
        if let Some(first) = self.first.checked_sub(1) {
            self.first = first;
            self.tids[first] = nr as i32;
        }
    }

    /// Those of a thread.
    pub(crate) fn of(thread: &ThreadPlan) -> Self {
        Self::new(thread.thread.tid, thread.numbers.iter().copied())
    }

    pub(crate) fn as_slice(&self) -> &[i32] {
        &self.tids[self.first..]
    }
}

/// The current process, which is the init of a pid namespace, makes those that are nested in it.
pub(crate) fn create_nested(plan: &Plan, process: &ProcessPlan) -> Result {
    let own = plan.pid_ns(process.process.pid_ns)?;
    if plan.pid_namespaces.len() > 1 && own.id == 0 {
        own.file.populate(open(PIDFD_GET_PID_NAMESPACE)?);
    }
    for (at, ns) in plan.pid_namespaces.iter().enumerate().skip(1) {
        if ns.image.parent != own.id {
            continue;
        }
        sys::syscall(SYS_UNSHARE, [CLONE_NEWPID, 0, 0, 0, 0, 0])
            .context(format_args!("a nested pid namespace"))?;
        ns.file
            .populate(open(PIDFD_GET_PID_FOR_CHILDREN_NAMESPACE)?);
        if ns.image.flags & CR_PIDNS_DEAD != 0 {
            populate_for_a_moment(process, at)?;
        }
        enter(own)?;
    }
    own.populated.arrive();
    Ok(())
}

const SYS_IOCTL: u32 = 16;
const SYS_CLOSE: u32 = 3;
const SYS_WAIT4: u32 = 61;
const SYS_UNSHARE: u32 = 272;
const SYS_SETNS: u32 = 308;
const SYS_PIDFD_OPEN: u32 = 434;

const CLONE_NEWPID: u64 = 0x2000_0000;
const WALL: u64 = 0x4000_0000;

/// Requests to a pidfd: include/uapi/linux/pidfd.h
const PIDFD_GET_PID_NAMESPACE: u64 = 0xff05;
const PIDFD_GET_PID_FOR_CHILDREN_NAMESPACE: u64 = 0xff06;

/// Opens a namespace of the current process, which is the init of its own.
fn open(request: u64) -> Result<FileRef> {
    let pidfd = sys::syscall(SYS_PIDFD_OPEN, [1, 0, 0, 0, 0, 0])? as u64;
    let fd = sys::syscall(SYS_IOCTL, [pidfd, request, 0, 0, 0, 0])
        .context(format_args!("opening a pid namespace"))?;
    let file = FileRef::from_fd(fd as i32)?;
    for fd in [pidfd, fd as u64] {
        sys::syscall(SYS_CLOSE, [fd, 0, 0, 0, 0, 0])?;
    }
    Ok(file)
}

/// Makes a namespace the one that children of the current task come to be in.
fn enter(ns: &PidNsPlan) -> Result {
    let Some(file) = ns.file.as_ref() else {
        fail!(EINVAL, "a pid namespace that does not exist");
    };
    sys::with_fd(file, |fd| {
        sys::syscall(SYS_SETNS, [fd.into(), CLONE_NEWPID, 0, 0, 0, 0])
            .context(format_args!("entering a pid namespace"))
    })?;
    Ok(())
}

/// An init that dies at once.
struct ShortLived;

impl TaskMain for ShortLived {
    fn main(this: Arc<Self>) -> kernel::error::Result {
        drop(this);
        sys::exit_as_zombie(0)
    }
}

/// Creates the init of the namespace that children of the current process come to be in, and waits
/// until it is dead.
fn populate_for_a_moment(process: &ProcessPlan, at: usize) -> Result {
    // Nobody has these numbers, or if somebody has, one of the two cannot be created.
    let unused = (PID_MAX - 1).saturating_sub(at as u32);
    let around = process.threads[0].numbers.iter().map(|_| unused);
    let mut tids = Tids::new(unused, around);
    tids.add(1);
    let how = Spawn {
        flags: 0,
        exit_signal: 0,
        tids: tids.as_slice(),
        cgroup: None,
    };
    let pid = sys::spawn(how, Arc::new(ShortLived, GFP_KERNEL)?)
        .context(format_args!("a pid namespace with a dead init"))?;
    sys::syscall(SYS_WAIT4, [pid as u64, 0, WALL, 0, 0, 0])?;
    Ok(())
}

/// Runs `create`, which creates a child of the current process, in the namespace of the child.
pub(crate) fn in_that_of(
    plan: &Plan,
    process: &ProcessPlan,
    child: &ProcessPlan,
    create: impl FnOnce() -> Result,
) -> Result {
    let (own, theirs) = (process.process.pid_ns, child.process.pid_ns);
    if own == theirs {
        return create();
    }
    let ns = plan.pid_ns(theirs)?;
    // Who is not its init needs one there.
    let first = match child.is_ns_init() {
        true => plan.pid_ns(ns.image.parent)?,
        false => ns,
    };
    first.populated.wait()?;
    enter(ns)?;
    create()?;
    enter(plan.pid_ns(own)?)
}

/// Enters the namespace that children of the current thread are to be in. It creates none before
/// the restart is over.
pub(crate) fn restore_for_children(build: &Build<'_>, thread: &cr_img_thread) -> Result {
    match thread.children_pid_ns {
        0 => Ok(()),
        id => {
            let _spare = build.spare_descriptors();
            enter(build.pid_ns(id)?)
        }
    }
}

/// The namespaces go on with the numbers that come next.
pub(crate) fn restore_last_pids(plan: &Plan) -> Result {
    for (at, process) in plan.processes.iter().enumerate() {
        let id = process.process.pid_ns;
        if id == 0 || !process.is_ns_init() {
            continue;
        }
        if let Some(ns) = PidNs::of_init(&plan.task(at, 0)?.task) {
            ns.set_last_pid(plan.pid_ns(id)?.image.last_pid);
        }
    }
    Ok(())
}

/// Reserves the number of a dead leader of a group, which is `nr` in the container's own namespace.
pub(crate) fn reserve(plan: &Plan, own: &PidNs, nr: u32) -> Result<ReservedPid> {
    let records = &plan.records;
    let Ok(at) = plan.pids.binary_search_by_key(&nr, |(nr, _)| *nr) else {
        return Ok(own.reserve_pid(&[nr as i32])?);
    };
    let rec = records.get(plan.pids[at].1);
    let id = rec.fixed::<cr_img_pid>()?.pid_ns;
    let tids = Tids::new(nr, rec.array(size_of::<cr_img_pid>()));
    // The first one in a namespace is its init.
    let mut processes = plan.processes.iter();
    let init = processes.position(|process| process.process.pid_ns == id);
    let init = plan.task(init.ok_or(EINVAL)?, 0)?.task;
    let ns = PidNs::of_init(&init).ok_or(ESRCH)?;
    Ok(ns.reserve_pid(tids.as_slice())?)
}
