// SPDX-License-Identifier: GPL-2.0

//! The whole restart, top to bottom, as its caller sees it. What the tasks do meanwhile is in
//! [`build`](crate::build).
//!
//! Everything but the contents of memory is read and checked before anything is created. Then the
//! tree of processes comes into being, parents first; each process maps its memory, and the contents
//! are put in place as they come from the image. A process that shares pages with its parent is
//! forked when that one's memory is complete. When all are there, they rebuild the rest, wait at
//! their return to user mode, and go on together.

use crate::{
    abi::{self, Argument},
    build::{ProcessMain, SIGCHLD},
    contents::{self, Contents},
    files::{Files, Opened},
    image::{FileSource, Records},
    late::{HandedOver, Late},
    plan::{Plan, ThreadPlan},
    report::{fail, Context, Log, Result},
    roll::Created,
    state::{
        cpu, debugreg, dnotify, event, fanotify, file, hugetlb, inode, inotify, io_uring, ipc,
        memory, numa, owner, pid_ns, proc_task, regs, session, stop, task, thread,
        trace::{self, Traced},
        vdso,
    },
};
use cr_codec::{
    check::{check_state, State, EM_X86_64},
    cpu::Components,
    read::{Head, Reader},
    uapi::*,
};
use cr_sys::{
    build::{self as sys_build, spawn, Spawn},
    errno::{EBADMSG, EPROTONOSUPPORT},
    file::FileRef,
    misc,
    mm::{Mm, PAGE_SIZE},
    park::{Slot, Stage},
    path::PathRef,
    pid_ns::{PidNs, ReservedPid},
    task::TaskRef,
    vec,
};
use kernel::{prelude::*, sync::Arc};

const FLAGS: u32 = CR_RESTART_PROGRESS | CR_RESTART_CHANGED_FILES | CR_RESTART_LAZY;

/// CR_IOC_RESTART.
pub(crate) fn ioctl(arg: usize) -> Result {
    let mut args = Argument::<cr_restart>::read(arg)?;
    let log = Log::from_fd(args.value.log_fd)?;
    restart(&mut args, &log).inspect_err(|failure| log.failure(failure))
}

fn restart(args: &mut Argument<cr_restart>, log: &Log) -> Result {
    let start = misc::monotonic_ns();
    if args.value.flags & !FLAGS != 0 {
        fail!(EINVAL, "argument: unknown flags");
    }
    if !cr_sys::task::current_is_capable() {
        fail!(EPERM, "CAP_CHECKPOINT_RESTORE or CAP_SYS_ADMIN is needed");
    }
    task::check_caller()?;
    let mut image = Image::read(&args.value)?;
    let (header, records) = (image.header, image.records.clone());
    let list = records.list(&[])?;
    let mut scratch = vec::zeroed(list.len(), GFP_KERNEL)?;
    let state = check_state(&header, &list, &mut scratch)?;
    let container = container_of(&state)?;
    if container.is_increment() {
        fail!(
            EINVAL,
            "the image has only what had changed since its parent: merge the two (crctl merge)"
        );
    }

    for rec in list.iter().filter(|rec| rec.tag == CR_TAG_CPU) {
        cpu::check(rec)?;
    }
    for rec in list.iter().filter(|rec| rec.tag == CR_TAG_MM) {
        vdso::check_crc(rec)?;
    }
    for rec in list.iter().filter(|rec| rec.tag == CR_TAG_POLICY) {
        numa::check(rec)?;
    }
    hugetlb::check(&records)?;

    let root = match args.value.root_fd {
        fd if fd >= 0 => PathRef::from_fd(fd).context(format_args!("root descriptor"))?,
        _ => PathRef::current_root()?,
    };
    let Opened {
        mut files,
        sockets,
        mut inets,
    } = Files::make(&args.value, &root, &records)?;
    let progress = (args.value.flags & CR_RESTART_PROGRESS != 0).then_some(log);
    let late = match args.value.flags & CR_RESTART_LAZY {
        0 => Late::none(),
        _ => Late::find(&records)?,
    };
    let late = Arc::new(late, GFP_KERNEL)?;
    let root_fd = (args.value.root_fd >= 0).then_some(args.value.root_fd);
    let mut contents = Contents::new(container.nr_pages, progress, &records, late.clone())?;
    contents.fill(&mut image, &state, |object| {
        contents::of_file(&files, object)
    })?;
    inode::complete(&records, &mut files)?;
    let plan = Plan::new(container, records.clone(), files, root_fd, late)?;

    let begin = misc::monotonic_ns();
    let mut tasks = Tasks::create(plan, &args.value, container.namespaces)?;
    let pages = tasks.fill(&mut image, &state, contents)?;
    tasks.assemble()?;
    args.value.stats.forking_time = (misc::monotonic_ns() - begin) / 1000;
    tasks.rebuild(&root)?;
    tasks.set_parents()?;
    tasks.bury()?;
    tasks.set_registers()?;
    inode::finish(&tasks.plan)?;
    inotify::finish(&tasks.plan)?;
    fanotify::finish(&tasks.plan, &tasks.ns, &root)?;
    dnotify::finish(&tasks.plan)?;
    io_uring::finish(&tasks.plan, &tasks.ns)?;
    owner::restore(&tasks.plan, &tasks.ns)?;
    event::restore_watched_late(&tasks.plan)?;
    file::finish(&tasks.plan)?;
    sockets.restore_credentials(&records, &tasks.ns)?;
    ipc::finish(&tasks.plan, &tasks.ns)?;
    tasks.set_vforks()?;
    tasks.stop()?;
    tasks.traced = trace::restore(&tasks.plan)?;
    tasks.ns.set_last_pid(container.last_pid);
    pid_ns::restore_last_pids(&tasks.plan)?;

    args.value.stats.pages_restored = pages;
    args.value.stats.nr_tasks = u64::from(container.nr_threads);
    args.value.stats.image_bytes = image.reader.offset();
    args.value.stats.restore_time = (misc::monotonic_ns() - start) / 1000;
    args.value.pid = tasks.pid;
    let handed_over = HandedOver::to_caller(&tasks.plan, &tasks.init, &mut args.value)?;
    args.value.pidfd = open_pidfd(tasks.pid)?;
    // The last thing that can fail: afterwards there is no way back.
    if let Err(failure) = args.write() {
        let _ = sys_build::syscall(SYS_CLOSE, [args.value.pidfd as u64, 0, 0, 0, 0, 0]);
        return Err(failure);
    }
    handed_over.keep();
    inets.go_on();
    tasks.release();
    Ok(())
}

const SYS_CLOSE: u32 = 3;
const SYS_PIDFD_OPEN: u32 = 434;

fn open_pidfd(pid: i32) -> Result<i32> {
    let fd = sys_build::syscall(SYS_PIDFD_OPEN, [pid as u64, 0, 0, 0, 0, 0])
        .context(format_args!("opening a pidfd"))?;
    Ok(fd as i32)
}

/// An image of which all records before the pages have been read.
pub(crate) struct Image {
    header: cr_img_header,
    pub(crate) reader: Reader<FileSource>,
    records: Arc<Records>,
    /// The record that comes next.
    pub(crate) head: Head,
}

impl Image {
    fn read(args: &cr_restart) -> Result<KBox<Self>> {
        let prefix = abi::read_bytes(args.prefix, u64::from(args.prefix_len), CR_MAX_PREFIX_LEN)?;
        let file =
            FileRef::from_fd_readable(args.image_fd).context(format_args!("image descriptor"))?;
        let source = FileSource::new(prefix, file)?;
        let (header, mut reader) = Reader::new(source, misc::crc32c)?;
        check_header(&header)?;

        let mut records = Records::new()?;
        let head = loop {
            let head = reader.next()?;
            match head.tag {
                CR_TAG_PAGES | CR_TAG_END => break head,
                // For user space, or from a later version of this module.
                CR_TAG_SECTION => reader.skip(&head)?,
                _ if !head.is_known() => reader.skip(&head)?,
                _ => {
                    let payload = records.add(head.tag, head.id, head.offset, head.length)?;
                    reader.payload(&head, payload)?;
                }
            }
        };
        let image = Self {
            header,
            reader,
            records: Arc::new(records, GFP_KERNEL)?,
            head,
        };
        Ok(KBox::new(image, GFP_KERNEL)?)
    }
}

fn check_header(header: &cr_img_header) -> Result {
    header.check_machine(EM_X86_64, PAGE_SIZE as u32)?;
    let (xfeatures, xstate_size) = crate::xstate()?;
    let missing = header.xfeatures & !xfeatures;
    if missing != 0 {
        fail!(
            EPROTONOSUPPORT(),
            "the image is from a processor with more registers: this one has no {}",
            Components(missing)
        );
    }
    if header.xstate_size != xstate_size {
        fail!(
            EPROTONOSUPPORT(),
            "extended processor state has {} bytes in the image and {xstate_size} here",
            header.xstate_size
        );
    }
    Ok(())
}

fn container_of(state: &State<'_>) -> Result<cr_img_container> {
    let mut records = state.records().iter();
    let container = records.find(|rec| rec.tag == CR_TAG_CONTAINER);
    match container {
        Some(rec) => Ok(rec.fixed()?),
        None => fail!(EINVAL, "an image without a container"),
    }
}

const CLONE_NEWUTS: u64 = 0x0400_0000;
const CLONE_NEWIPC: u64 = 0x0800_0000;
const CLONE_NEWPID: u64 = 0x2000_0000;

/// The tasks of a container that is being built. Dropping this kills them.
pub(crate) struct Tasks {
    pub(crate) plan: Arc<Plan>,
    pub(crate) init: TaskRef,
    ns: PidNs,
    pid: i32,
    traced: KVVec<Traced>,
    released: bool,
}

impl Tasks {
    /// Creates the first process, which creates the others.
    fn create(plan: Arc<Plan>, args: &cr_restart, namespaces: u32) -> Result<Self> {
        let mut flags = 0;
        if !sys_build::has_fresh_pid_namespace() {
            flags |= CLONE_NEWPID;
        }
        if namespaces & CR_NS_UTS != 0 {
            flags |= CLONE_NEWUTS;
        }
        if namespaces & CR_NS_IPC != 0 {
            flags |= CLONE_NEWIPC;
        }
        let how = Spawn {
            flags,
            exit_signal: SIGCHLD,
            tids: &[1],
            cgroup: (args.cgroup_fd >= 0).then_some(args.cgroup_fd),
        };
        let main = ProcessMain::new(plan.clone(), 0)?;
        let pid = spawn(how, main).context(format_args!("creating the container's init"))?;
        let init = TaskRef::find(pid)?;
        let ns = PidNs::of_init(&init).ok_or(ESRCH)?;
        Ok(Self {
            plan,
            init,
            ns,
            pid,
            traced: KVVec::new(),
            released: false,
        })
    }

    /// Waits for all processes, and makes them sessions, process groups and zombies.
    fn assemble(&self) -> Result {
        self.plan.created.wait()?;
        self.plan.check()?;
        self.group()?;
        session::restore(&self.plan, &self.ns)?;
        self.plan.grouped.happen();
        self.wait_for_zombies()
    }

    /// Puts every process into its session and process group.
    fn group(&self) -> Result {
        let mut reserved: KVVec<(u32, ReservedPid)> = KVVec::new();
        for process in &self.plan.processes {
            for nr in [process.process.sid, process.process.pgid] {
                // Nobody has the number if the leader of the group is dead.
                if self.ns.find_pid(nr).is_none() {
                    let pid = pid_ns::reserve(&self.plan, &self.ns, nr)
                        .context(format_args!("process group {nr}"))?;
                    reserved.push((nr, pid), GFP_KERNEL)?;
                }
            }
        }
        for (at, process) in self.plan.processes.iter().enumerate() {
            let image = &process.process;
            let task = self.plan.task(at, 0)?.task;
            let group = self.ns.find_pid(image.pgid).ok_or(ESRCH)?;
            let session = self.ns.find_pid(image.sid).ok_or(ESRCH)?;
            task.join_groups(&group, &session, image.sid == image.pid)
                .context(format_args!("pid {}: process group", image.pid))?;
            for (nr, pid) in reserved.iter_mut() {
                if *nr == image.pgid || *nr == image.sid {
                    pid.mark_taken();
                }
            }
        }
        Ok(())
    }

    /// Lets the tasks rebuild themselves, until all of them stand still again.
    fn rebuild(&self, root: &PathRef) -> Result {
        self.plan.rebuild.happen();
        proc_task::restore(&self.plan, root, &self.ns, &self.init)?;
        self.plan.complete.wait()?;
        self.plan.check()
    }

    /// Puts the contents of their memory in place, and reads the image to its end.
    fn fill(
        &self,
        image: &mut Image,
        state: &State<'_>,
        mut contents: Contents<'_>,
    ) -> Result<u64> {
        let mut filled = 0;
        contents.fill(image, state, |object| {
            let place = self.place_of(object, &mut filled)?;
            self.plan.check()?;
            Ok(Some(place))
        })?;
        let head = image.head;
        image.reader.end(&head)?;
        if image.reader.nr_pages() != contents.total {
            fail!(
                EBADMSG(),
                "the image has another number of pages than it says"
            );
        }
        self.mark_filled(&mut filled, self.plan.processes.len());
        Ok(contents.total)
    }

    /// Notes that no more pages come for the processes before this one.
    fn mark_filled(&self, filled: &mut usize, until: usize) {
        while *filled < until {
            self.plan.processes[*filled].filled.arrive();
            *filled += 1;
        }
    }

    /// Where the pages of an object go.
    fn place_of(&self, object: u64, filled: &mut usize) -> Result<memory::Place> {
        // They come in the order of their processes.
        let mut left = self.plan.processes.iter().enumerate().skip(*filled);
        let first =
            left.find(|(at, process)| process.process.mm == object && process.memory == *at);
        if let Some((at, _)) = first {
            // It may come into being only when its parent is complete.
            self.mark_filled(filled, at);
            self.plan.processes[at].mapped.wait()?;
            self.plan.check()?;
            let task = self.plan.task(at, 0)?.task;
            return Ok(memory::Place::Private(task.mm().ok_or(ESRCH)?));
        }
        fail!(
            EBADMSG(),
            "pages of object {object}, which has none, or had its turn before"
        )
    }

    /// Gives every thread its registers. They are parked, so that nothing overwrites them.
    fn set_registers(&self) -> Result {
        let mut xstate = regs::buffer()?;
        for (at, process) in self.plan.processes.iter().enumerate() {
            let Some((living, _)) = process.living().next() else {
                continue;
            };
            let mm = self.plan.task(at, living)?.task.mm().ok_or(ESRCH)?;
            let records = &self.plan.records;
            let image: cr_img_mm = records.get(records.find(process.process.mm)?).fixed()?;
            for (number, thread) in process.living() {
                let created = self.plan.task(at, number)?;
                let tid = thread.thread.tid;
                self.set_thread_registers(&created, thread, &mm, &mut xstate)
                    .context(format_args!("pid {tid}"))?;
                // It maps nothing any more that this would be in the way of.
                if vdso::is_compat(&image) {
                    created.task.set_compat();
                }
            }
        }
        Ok(())
    }

    /// Puts the threads of stopped processes, which are parked, into their stop.
    fn stop(&self) -> Result {
        for (at, process) in self.plan.processes.iter().enumerate() {
            if !stop::is_in_stop(&process.process) {
                continue;
            }
            for (number, thread) in process.living() {
                let task = self.plan.task(at, number)?.task;
                let is_traced = thread.trace.is_some();
                stop::restore_thread(&task, &process.process, &thread.thread, is_traced);
            }
            stop::restore(&self.plan.task(at, 0)?.task, &process.process);
        }
        Ok(())
    }

    fn set_thread_registers(
        &self,
        created: &Created,
        plan: &ThreadPlan,
        mm: &Mm,
        xstate: &mut [u8],
    ) -> Result {
        let Some(slot) = &created.slot else {
            fail!(EINVAL, "is not complete");
        };
        self.wait_parked(slot)?;
        thread::adopt_rseq(&created.task, mm, &plan.thread)?;
        let general: cr_img_regs = self.plan.records.get(plan.regs).fixed()?;
        let extended = self.plan.records.get(plan.xstate);
        regs::restore(&created.task, &general, &extended, xstate)
            .context(format_args!("registers"))?;
        if let Some(at) = plan.debugregs {
            debugreg::restore(&created.task, &self.plan.records.get(at).fixed()?)
                .context(format_args!("debug registers"))?;
        }
        Ok(())
    }

    fn wait_parked(&self, slot: &Slot) -> Result {
        while slot.stage() != Stage::Parked || !slot.task().is_parked() {
            if slot.task().is_dying() || misc::is_being_killed() || self.init.is_group_dying() {
                fail!(EINTR, "killed");
            }
            misc::nap(20);
        }
        Ok(())
    }

    /// Lets all of them go on, at once, except for those that are stopped.
    fn release(mut self) {
        trace::stop(&self.traced);
        self.plan.stopping.open();
        self.wait_stopped();
        // Who is killed before all of them stand where they were takes them along.
        if trace::finish(&self.traced) {
            self.released = true;
            self.plan.parking.open();
        }
    }

    /// Waits for those that are stopped: nobody is to see them on their way there.
    fn wait_stopped(&self) {
        for (at, process) in self.plan.processes.iter().enumerate() {
            for (number, thread) in process.living() {
                if thread.trace.is_some() || !stop::has_stopped(&process.process, &thread.thread) {
                    continue;
                }
                let Ok(Created { task, .. }) = self.plan.task(at, number) else {
                    continue;
                };
                while task.is_about_to_stop() && !task.is_dying() && !misc::is_being_killed() {
                    misc::nap(20);
                }
            }
        }
    }
}

impl Drop for Tasks {
    fn drop(&mut self) {
        if self.released {
            return;
        }
        // The death of its init takes the whole pid namespace along.
        self.init.kill();
        while !self.init.is_group_dead() && !misc::is_being_killed() {
            misc::nap(100);
        }
        let _ = sys_build::syscall(SYS_WAIT4, [self.pid as u64, 0, WALL | WNOHANG, 0, 0, 0]);
    }
}

const SYS_WAIT4: u32 = 61;
const WNOHANG: u64 = 1;
const WALL: u64 = 0x4000_0000;
