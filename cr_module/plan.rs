// SPDX-License-Identifier: GPL-2.0

//! What is to be built: the image as a tree of processes, and where its builders meet.

use crate::{
    countdown::Countdown,
    image::{places, places_by, Records},
    late::Late,
    report::{fail, failure, Failure, Result},
    roll::{Created, Place, Roll},
    sharing::{self, Shared},
    state::{
        audit, io_uring, landlock,
        pid_ns::{self, PidNsPlan},
        proc_task::ProcTask,
        seccomp, sysv_shm, uring_request,
    },
};
use core::ops::Range;
use cr_codec::{check::Rec, order, uapi::*, Record};
use cr_sys::{cred::CredRef, file::FileRef, mm::PAGE_SIZE, park::Parking, sync::Event};
use kernel::{
    new_mutex,
    prelude::*,
    rbtree::RBTree,
    sync::{Arc, Mutex, SetOnce},
};

/// A thread to be built.
pub(crate) struct ThreadPlan {
    pub(crate) thread: KBox<cr_img_thread>,
    /// What it is called in the pid namespaces below the container's own, from the outside in.
    pub(crate) numbers: KVVec<u32>,
    pub(crate) regs: usize,
    pub(crate) xstate: usize,
    pub(crate) sigqueue: Option<usize>,
    pub(crate) sched: Option<usize>,
    pub(crate) controls: Option<usize>,
    pub(crate) trace: Option<usize>,
    pub(crate) debugregs: Option<usize>,
    pub(crate) tls: Option<usize>,
}

impl ThreadPlan {
    /// Its id as it sees it itself.
    pub(crate) fn own_tid(&self) -> u32 {
        self.numbers.last().copied().unwrap_or(self.thread.tid)
    }

    /// Its id in a pid namespace so many levels below the container's own, if it has one there.
    pub(crate) fn tid_below(&self, depth: usize) -> Option<u32> {
        match depth.checked_sub(1) {
            None => Some(self.thread.tid),
            Some(at) => self.numbers.get(at).copied(),
        }
    }
}

/// A process to be built.
pub(crate) struct ProcessPlan {
    pub(crate) process: KBox<cr_img_process>,
    pub(crate) threads: KVVec<ThreadPlan>,
    pub(crate) parent: usize,
    pub(crate) children: KVVec<usize>,
    /// The process that creates it, in what way; and those that it creates itself.
    pub(crate) creator: usize,
    pub(crate) clone_flags: u64,
    pub(crate) creates: KVVec<usize>,
    /// The process that makes its memory, and how many others share that.
    pub(crate) memory: usize,
    pub(crate) sharers: usize,
    pub(crate) sigqueue: Option<usize>,
    pub(crate) timers: Option<usize>,
    /// No process before it is in its session.
    pub(crate) begins_session: bool,
    /// Place of its leader among the tasks; the other threads follow.
    first_task: usize,
    /// Places of the record that says which pages it shares with which memory, and of the first process
    /// that has that.
    pub(crate) inherit: Option<(usize, usize)>,
    /// Place of the record of the guard regions in its memory.
    pub(crate) guards: Option<usize>,
    /// Place of the record of the huge pages in its memory.
    pub(crate) huge: Option<usize>,
    /// Place of the record of its local descriptor table.
    pub(crate) ldt: Option<usize>,
    /// Places of the records of its semaphore adjustments.
    pub(crate) semadjs: KVVec<usize>,
    /// Places of the message queues that tell it of messages.
    pub(crate) notified: KVVec<usize>,
    /// A range of addresses that the process does not use, and the range of all who share its memory.
    pub(crate) scratch: u64,
    pub(crate) all_scratch: Range<u64>,
    /// Credentials that threads of it were found to have, and the object that they are.
    pub(crate) credentials: SetOnce<(CredRef, u64)>,
    /// Bytes at the end of it that are for seccomp filters.
    pub(crate) filter_scratch_len: u64,
    /// It has all of its mappings.
    pub(crate) mapped: Arc<Countdown>,
    /// Its memory has its contents: it may be forked.
    pub(crate) filled: Arc<Countdown>,
    /// Its POSIX timers exist.
    pub(crate) timers_made: Arc<Countdown>,
    /// The other threads are done with it, and the processes that share its memory.
    pub(crate) threads_done: Arc<Countdown>,
    /// The processes that share its memory do not fork any more.
    pub(crate) forked: Arc<Countdown>,
}

/// Bytes of scratch memory for the leader, and for each other thread.
pub(crate) const LEADER_SCRATCH: u64 = 2 * PAGE_SIZE as u64;
pub(crate) const THREAD_SCRATCH: u64 = 1024;

impl ProcessPlan {
    /// Its id as it sees it itself.
    pub(crate) fn own_pid(&self) -> u32 {
        self.threads[0].own_tid()
    }

    /// Whether it is the init of its pid namespace.
    pub(crate) fn is_ns_init(&self) -> bool {
        self.own_pid() == 1
    }

    /// Whether it is to die before the others live.
    pub(crate) fn is_zombie(&self) -> bool {
        self.process.state == CR_PROCESS_ZOMBIE
    }

    /// Whether its leader is to die, before the other threads live.
    pub(crate) fn has_dead_leader(&self) -> bool {
        self.process.flags & CR_PROCESS_LEADER_DEAD != 0
    }

    /// The threads that are to live, with their numbers.
    pub(crate) fn living(&self) -> impl Iterator<Item = (usize, &ThreadPlan)> {
        let dead = usize::from(self.has_dead_leader() || self.is_zombie());
        self.threads.iter().enumerate().skip(dead)
    }

    /// Bytes of scratch memory that all of its threads need.
    pub(crate) fn scratch_len(&self) -> u64 {
        let threads = self.threads.len() as u64;
        let own = LEADER_SCRATCH + threads * THREAD_SCRATCH;
        (own + self.filter_scratch_len).next_multiple_of(PAGE_SIZE as u64)
    }
}

/// Everything that the builders need and none of them changes, and where they meet.
#[pin_data]
pub(crate) struct Plan {
    pub(crate) records: Arc<Records>,
    pub(crate) processes: KVVec<ProcessPlan>,
    /// Files and shared memory objects by id, ascending.
    pub(crate) files: KVVec<(u64, FileRef)>,
    pub(crate) container: cr_img_container,
    pub(crate) uts: Option<usize>,
    /// What several tasks have, by id.
    pub(crate) shared: KVVec<Shared>,
    pub(crate) ipc: Option<usize>,
    /// By id, ascending.
    pub(crate) pid_namespaces: KVVec<PidNsPlan>,
    /// Numbers of dead leaders that were in nested pid namespaces, with the places of their records.
    pub(crate) pids: KVVec<(u32, usize)>,
    /// Places of the records of locks.
    pub(crate) locks: KVVec<usize>,
    /// Those of directories that send signals, by the ids of descriptor tables.
    pub(crate) dnotifies: KVVec<(u64, usize)>,
    /// io_uring instances, by the threads that they are charged to.
    pub(crate) rings: KVVec<(u32, io_uring::Place)>,
    /// Places of the records of what is registered with them, by the ids of their open files; and of
    /// the threads that use them, by the ids of those.
    pub(crate) uring_tables: KVVec<(u64, usize)>,
    pub(crate) uring_groups: KVVec<(u64, usize)>,
    pub(crate) uring_tasks: KVVec<(u32, usize)>,
    /// Requests of io_uring that are to be submitted again.
    pub(crate) uring_requests: uring_request::Batches,
    /// Descriptor of the caller, which becomes the root directory.
    pub(crate) root_fd: Option<i32>,

    /// Every process exists.
    pub(crate) created: Arc<Countdown>,
    /// Sessions and process groups are right: zombies die.
    #[pin]
    pub(crate) grouped: Event,
    /// The zombies are dead: the others are built.
    #[pin]
    pub(crate) rebuild: Event,
    /// Every thread is complete and waits in the parking, or is about to; or for its death.
    pub(crate) complete: Arc<Countdown>,
    /// The children of all threads are theirs: leaders die that are dead.
    #[pin]
    pub(crate) burial: Event,
    pub(crate) parking: Arc<Parking>,
    /// The same for threads that have stopped, and have to again before the others go on.
    pub(crate) stopping: Arc<Parking>,

    /// Seccomp filters.
    #[pin]
    pub(crate) filters: Mutex<seccomp::Installed>,
    /// Layers of Landlock domains.
    #[pin]
    pub(crate) domains: Mutex<landlock::Enforced>,
    /// Files that can be opened only when all threads exist.
    #[pin]
    pub(crate) proc_task: ProcTask,
    /// For who uses the two descriptors for which there is room besides those of the image.
    #[pin]
    pub(crate) spare_descriptors: Mutex<()>,
    /// System V shared memory, as it can be mapped.
    #[pin]
    segments: Mutex<KVVec<sysv_shm::Attachable>>,
    /// Pages that come when the processes run, and by memory the userfaultfds for them.
    pub(crate) late: Arc<Late>,
    #[pin]
    pub(crate) watched: Mutex<KVVec<(u64, FileRef)>>,
    /// POSIX message queues, by an open file, and open files of them; by id.
    #[pin]
    mqueues: Mutex<KVVec<(u64, FileRef)>>,
    /// Sessions of audit.
    #[pin]
    pub(crate) audit_sessions: Mutex<audit::Sessions>,
    roll: Roll,
    #[pin]
    failure: Mutex<Option<Failure>>,
}

impl Plan {
    /// Adds a segment of System V shared memory that can be mapped now.
    pub(crate) fn add_segment(&self, segment: sysv_shm::Attachable) -> Result {
        Ok(self.segments.lock().push(segment, GFP_KERNEL)?)
    }

    /// What a process maps of a segment, by the object behind it.
    pub(crate) fn segment(&self, object: u64, read_only: bool) -> Result<FileRef> {
        let segments = self.segments.lock();
        let found = segments
            .iter()
            .find(|(id, _)| *id == object)
            .ok_or(EINVAL)?;
        Ok(found.1[usize::from(read_only)].clone())
    }

    /// Adds a POSIX message queue, or an open file of one.
    pub(crate) fn add_mqueue(&self, id: u64, file: FileRef) -> Result {
        Ok(self.mqueues.lock().push((id, file), GFP_KERNEL)?)
    }

    /// One of these.
    pub(crate) fn mqueue(&self, id: u64) -> Result<FileRef> {
        let mqueues = self.mqueues.lock();
        let found = mqueues.iter().find(|(of, _)| *of == id).ok_or(EINVAL)?;
        Ok(found.1.clone())
    }

    /// Makes a plan of records that have been checked.
    pub(crate) fn new(
        container: cr_img_container,
        records: Arc<Records>,
        files: KVVec<(u64, FileRef)>,
        root_fd: Option<i32>,
        late: Arc<Late>,
    ) -> Result<Arc<Self>> {
        let mut processes = read_processes(&records)?;
        let mut nr_tasks = 0;
        for process in processes.iter_mut() {
            process.first_task = nr_tasks;
            nr_tasks += process.threads.len();
        }
        let roll = Roll::new(nr_tasks)?;
        let shared = sharing::find(&processes)?;
        let find = |tag| records.tagged(tag).map(|(at, _)| at).next();
        let (uts, ipc) = (find(CR_TAG_UTS), find(CR_TAG_IPC));
        let pid_namespaces = pid_ns::plan(&records)?;
        let pids = places_by(&records, CR_TAG_PID, |rec| {
            Ok(rec.fixed::<cr_img_pid>()?.nr)
        })?;
        let locks = places(&records, CR_TAG_LOCK)?;
        let mut dnotifies = places_by(&records, CR_TAG_DNOTIFY, |rec| {
            Ok(rec.fixed::<cr_img_dnotify>()?.files)
        })?;
        order::sort_by_key(&mut dnotifies, |&entry| entry);
        let uring_tables = places_by(&records, CR_TAG_URING_TABLE, |rec| {
            Ok(rec.fixed::<cr_img_uring_table>()?.ring)
        })?;
        let uring_groups = places_by(&records, CR_TAG_URING_GROUP, |rec| {
            Ok(rec.fixed::<cr_img_uring_group>()?.ring)
        })?;
        let uring_tasks = places_by(&records, CR_TAG_URING_TASK, |rec| {
            Ok(rec.fixed::<cr_img_uring_task>()?.tid)
        })?;
        let rings = io_uring::find(&records)?;
        let uring_requests = uring_request::Batches::new(&records, &processes)?;
        let live = processes.iter().filter(|process| !process.is_zombie());
        let threads = live.map(|process| process.threads.len()).sum();
        let created = Countdown::new(processes.len())?;
        let complete = Countdown::new(threads)?;
        let proc_task = ProcTask::new(&records, &processes)?;
        let parking = Parking::new()?;
        let stopping = Parking::new()?;
        Ok(Arc::pin_init(
            try_pin_init!(Self {
                records,
                processes,
                files,
                container,
                uts,
                shared,
                ipc,
                pid_namespaces,
                pids,
                locks,
                dnotifies,
                rings,
                uring_tables,
                uring_groups,
                uring_tasks,
                uring_requests,
                root_fd,
                created,
                grouped <- Event::new(),
                rebuild <- Event::new(),
                complete,
                burial <- Event::new(),
                parking,
                stopping,
                filters <- new_mutex!(RBTree::new()),
                domains <- new_mutex!(RBTree::new()),
                proc_task <- proc_task,
                spare_descriptors <- new_mutex!(()),
                segments <- new_mutex!(KVVec::new()),
                late,
                watched <- new_mutex!(KVVec::new()),
                mqueues <- new_mutex!(KVVec::new()),
                audit_sessions <- new_mutex!(RBTree::new()),
                roll,
                failure <- new_mutex!(None),
            }? Error),
            GFP_KERNEL,
        )?)
    }

    /// A file or shared memory object by its id.
    pub(crate) fn file(&self, id: u64) -> Result<&FileRef> {
        match self.files.binary_search_by_key(&id, |(id, _)| *id) {
            Ok(at) => Ok(&self.files[at].1),
            Err(_) => fail!(EINVAL, "no file {id}"),
        }
    }

    /// The same when those are opened, too, that another file stood in for.
    pub(crate) fn opened_file(&self, id: u64) -> Result<FileRef> {
        match self.proc_task.file(id) {
            Some(file) => Ok(file),
            None => self.file(id).cloned(),
        }
    }

    /// A pid namespace by its id.
    pub(crate) fn pid_ns(&self, id: u64) -> Result<&PidNsPlan> {
        match self.pid_namespaces.binary_search_by_key(&id, PidNsPlan::id) {
            Ok(at) => Ok(&self.pid_namespaces[at]),
            Err(_) => fail!(EINVAL, "no pid namespace {id}"),
        }
    }

    /// The place of a task in the roll.
    pub(crate) fn place(&self, process: usize, thread: usize) -> &Place {
        self.roll.place(self.processes[process].first_task + thread)
    }

    /// One of the tasks, by what it is.
    pub(crate) fn task(&self, process: usize, thread: usize) -> Result<Created> {
        self.place(process, thread).created()
    }

    /// A task has failed: the first one says why.
    pub(crate) fn fail(&self, failure: Failure) {
        let mut first = self.failure.lock();
        if first.is_none() {
            *first = Some(failure);
        }
        drop(first);
        self.created.give_up();
        self.complete.give_up();
        self.proc_task.give_up();
        for ns in &self.pid_namespaces {
            ns.give_up();
        }
        for process in &self.processes {
            process.mapped.give_up();
            process.filled.give_up();
            process.threads_done.give_up();
            process.forked.give_up();
        }
        for shared in &self.shared {
            shared.give_up();
        }
        self.uring_requests.give_up();
    }

    /// The failure of a task, if there was one.
    pub(crate) fn check(&self) -> Result {
        match self.failure.lock().take() {
            Some(failure) => Err(failure),
            None => Ok(()),
        }
    }
}

/// Finds the processes among the records, with their threads and children.
fn read_processes(records: &Records) -> Result<KVVec<ProcessPlan>> {
    let mut processes: KVVec<ProcessPlan> = KVVec::new();
    for at in 0..records.len() {
        let rec = records.get(at);
        match (rec.tag, processes.last_mut()) {
            (CR_TAG_PROCESS, _) => processes.push(new_process(&rec)?, GFP_KERNEL)?,
            (
                CR_TAG_THREAD | CR_TAG_REGS | CR_TAG_XSTATE | CR_TAG_SIGQUEUE | CR_TAG_SCHED
                | CR_TAG_CONTROLS | CR_TAG_TRACE | CR_TAG_DEBUGREGS | CR_TAG_TLS | CR_TAG_TIMERS,
                Some(process),
            ) => add_part(process, &rec, at)?,
            _ => {}
        }
    }
    find_sessions(&mut processes)?;
    link_children(&mut processes)?;
    sharing::link_processes(records, &mut processes)?;
    let filters = records.tagged(CR_TAG_SECCOMP);
    let filter_scratch_len = filters.map(|(_, rec)| seccomp::scratch_len(&rec)).max();
    for process in processes.iter_mut() {
        let mut threads = process.threads.iter();
        if threads.any(|thread| thread.thread.seccomp != 0) {
            process.filter_scratch_len = filter_scratch_len.unwrap_or(0);
        }
    }
    place_scratch(records, &mut processes)?;
    Ok(processes)
}

/// Gives scratch memory to every process, side by side to those that share their memory.
fn place_scratch(records: &Records, processes: &mut KVVec<ProcessPlan>) -> Result {
    let mut lens = KVVec::from_elem(0, processes.len(), GFP_KERNEL)?;
    for process in processes.iter_mut() {
        // For now, how much those before it have.
        process.scratch = lens[process.memory];
        lens[process.memory] += process.scratch_len();
    }
    for at in 0..processes.len() {
        let first = match processes[at].memory {
            first if first != at => processes[first].all_scratch.clone(),
            _ => {
                let start = match processes[at].is_zombie() {
                    true => LOWEST,
                    false => find_scratch(records, processes[at].process.mm, lens[at])?,
                };
                start..start + lens[at]
            }
        };
        processes[at].scratch += first.start;
        processes[at].all_scratch = first;
    }
    Ok(())
}

/// Notes which process is the first one of its session.
fn find_sessions(processes: &mut [ProcessPlan]) -> Result {
    let mut sessions = RBTree::new();
    for process in processes {
        let sid = process.process.sid;
        process.begins_session = sessions.get(&sid).is_none();
        if process.begins_session {
            sessions.try_create_and_insert(sid, (), GFP_KERNEL)?;
        }
    }
    Ok(())
}

/// The fixed part of a record that is too large for the stack.
fn fixed<R: Record + Default>(rec: &Rec<'_>) -> Result<KBox<R>> {
    let mut fixed = KBox::new(R::default(), GFP_KERNEL)?;
    rec.read_fixed(&mut *fixed)?;
    Ok(fixed)
}

fn new_process(rec: &Rec<'_>) -> Result<ProcessPlan> {
    let process: KBox<cr_img_process> = fixed(rec)?;
    Ok(ProcessPlan {
        // So many have been found in the image.
        threads: KVVec::with_capacity(process.nr_threads as usize, GFP_KERNEL)?,
        process,
        parent: 0,
        children: KVVec::new(),
        creator: 0,
        clone_flags: 0,
        creates: KVVec::new(),
        memory: 0,
        sharers: 0,
        sigqueue: None,
        timers: None,
        begins_session: false,
        first_task: 0,
        inherit: None,
        guards: None,
        huge: None,
        ldt: None,
        semadjs: KVVec::new(),
        notified: KVVec::new(),
        scratch: 0,
        all_scratch: 0..0,
        credentials: SetOnce::new(),
        filter_scratch_len: 0,
        mapped: Countdown::new(1)?,
        filled: Countdown::new(1)?,
        timers_made: Countdown::new(1)?,
        threads_done: Countdown::new(0)?,
        forked: Countdown::new(0)?,
    })
}

fn add_part(process: &mut ProcessPlan, rec: &Rec<'_>, at: usize) -> Result {
    if rec.tag == CR_TAG_THREAD {
        let mut numbers = KVVec::new();
        for number in rec.array::<u32>(size_of::<cr_img_thread>()) {
            numbers.push(number, GFP_KERNEL)?;
        }
        let thread = ThreadPlan {
            thread: fixed(rec)?,
            numbers,
            regs: 0,
            xstate: 0,
            sigqueue: None,
            sched: None,
            controls: None,
            trace: None,
            debugregs: None,
            tls: None,
        };
        return Ok(process.threads.push(thread, GFP_KERNEL)?);
    }
    let shared = rec.tag == CR_TAG_SIGQUEUE && rec.fixed::<cr_img_sigqueue>()?.shared != 0;
    match (rec.tag, process.threads.last_mut()) {
        _ if shared => process.sigqueue = Some(at),
        (CR_TAG_TIMERS, _) => process.timers = Some(at),
        (CR_TAG_REGS, Some(thread)) => thread.regs = at,
        (CR_TAG_XSTATE, Some(thread)) => thread.xstate = at,
        (CR_TAG_SCHED, Some(thread)) => thread.sched = Some(at),
        (CR_TAG_CONTROLS, Some(thread)) => thread.controls = Some(at),
        (CR_TAG_TRACE, Some(thread)) => thread.trace = Some(at),
        (CR_TAG_DEBUGREGS, Some(thread)) => thread.debugregs = Some(at),
        (CR_TAG_TLS, Some(thread)) => thread.tls = Some(at),
        (_, Some(thread)) => thread.sigqueue = Some(at),
        (_, None) => fail!(EINVAL, "a part of a thread without a thread"),
    }
    Ok(())
}

fn link_children(processes: &mut KVVec<ProcessPlan>) -> Result {
    let by_pid = sharing::by_pid(processes)?;
    for child in 0..processes.len() {
        let ppid = processes[child].process.ppid;
        if ppid == 0 {
            continue;
        }
        let &(_, parent) = order::find_by_key(&by_pid, ppid, |(pid, _)| *pid)
            .ok_or_else(|| failure!(EINVAL, "pid {ppid}: no such parent"))?;
        processes[parent].children.push(child, GFP_KERNEL)?;
        processes[child].parent = parent;
    }
    Ok(())
}

/// The lowest address that user space may map anything at.
const LOWEST: u64 = 0x1_0000;

/// Addresses that one page of page table entries is for.
const PAGE_TABLE_SPAN: u64 = 2 << 20;

/// Finds a place for so much scratch memory between the mappings of a memory descriptor. Best is one in the vicinity
/// of a mapping, which needs no page tables of its own: these would be copied, freed and flushed.
fn find_scratch(records: &Records, mm: u64, len: u64) -> Result<u64> {
    let page = PAGE_SIZE as u64;
    let (mut from, mut lowest) = (LOWEST, None);
    for vma in vmas(records, records.find(mm)?)? {
        if lowest.is_none() && vma.start >= from && vma.start - from >= len {
            lowest = Some(from);
        }
        // A page in between, so that it does not become a part of the mapping.
        let near = from + page;
        let fits = vma.start >= near && vma.start - near >= len + page;
        let same_table = (from - 1) / PAGE_TABLE_SPAN == (near + len - 1) / PAGE_TABLE_SPAN;
        if fits && same_table && from != LOWEST && vma.flags & CR_VMA_GROWSDOWN == 0 {
            return Ok(near);
        }
        from = vma.end;
    }
    Ok(lowest.unwrap_or(from))
}

/// The mappings that belong to the memory descriptor at a place among the records.
pub(crate) fn vmas(records: &Records, mm: usize) -> Result<impl Iterator<Item = cr_img_vma> + '_> {
    let nr = records.get(mm).fixed::<cr_img_mm>()?.nr_vmas as usize;
    let after = (mm + 1..records.len()).map(|at| records.get(at));
    let vmas = after.filter(|rec| rec.tag == CR_TAG_VMA).take(nr);
    Ok(vmas.filter_map(|rec| rec.fixed().ok()))
}
