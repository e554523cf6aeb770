// SPDX-License-Identifier: GPL-2.0

//! The whole checkpoint, top to bottom.
//!
//! First all state but the contents of memory is copied, while the container stands still, to
//! records in memory. Everything that is not supported has been found by then, and nothing has been
//! written. A container that is to run on does so from here, with a snapshot of its memory left
//! behind, which of shared memory is still to be copied; one that is to die dies when the image is
//! complete.

use crate::{
    abi::{self, Argument},
    container::Container,
    hold::Hold,
    image::{FileSink, Records},
    report::{fail, Context, Log, Result},
    save::Save,
    state::{
        clock, cpu, dnotify, event, fanotify, inode, inotify, ipc, lock, memory::Memory, mqueue,
        netlink, owner, packet, pid_ns, semaphore, session, socket, sysv_shm, task, tcp, timerfd,
        track::Track, udp, uring_buffers, uring_request, uring_table, uring_task, uts,
    },
    tree::Tree,
};
use cr_codec::{
    check::{check_state, Rec, EM_X86_64},
    read::ImageId,
    record,
    uapi::*,
    write::Writer,
};
use cr_sys::{
    errno::{ECANCELED, EOPNOTSUPP},
    file::FileRef,
    inet::InetRef,
    misc,
    mm::PAGE_SIZE,
    regs,
    task::Namespaces,
    vec,
};
use kernel::prelude::*;
use zerocopy::{FromZeros, IntoBytes};

const FLAGS: u32 = CR_CHECKPOINT_KILL
    | CR_CHECKPOINT_PROGRESS
    | CR_CHECKPOINT_TRACK
    | CR_CHECKPOINT_INCREMENT
    | CR_CHECKPOINT_NO_DONTDUMP
    | CR_CHECKPOINT_CONFIRM;
const DEFAULT_TIMEOUT_MS: u32 = 10_000;

/// How long the state is copied again and again if something from outside wakes a thread meanwhile,
/// ns: on a busy machine, one that waits for its program to be read is woken many times.
const AGAIN_NS: u64 = 1_000_000_000;

/// CR_IOC_CHECKPOINT.
pub(crate) fn ioctl(arg: usize) -> Result {
    let mut args = Argument::<cr_checkpoint>::read(arg)?;
    let log = Log::from_fd(args.value.log_fd)?;
    let mut stats = cr_stats::default();
    checkpoint(&args.value, &mut stats, &log)
        .and_then(|()| {
            args.value.stats = stats;
            args.write()
        })
        .inspect_err(|failure| log.failure(failure))
}

fn checkpoint(args: &cr_checkpoint, stats: &mut cr_stats, log: &Log) -> Result {
    if args.flags & !FLAGS != 0 || args.reserved != 0 || args.reserved2 != 0 {
        fail!(EINVAL, "argument: unknown flags");
    }
    let image =
        FileRef::from_fd_writable(args.image_fd).context(format_args!("image descriptor"))?;
    let sections = read_sections(args)?;
    let confirm = match args.flags & CR_CHECKPOINT_CONFIRM {
        0 => None,
        _ => {
            let file = FileRef::from_fd(args.confirm_fd);
            Some(file.context(format_args!("confirming descriptor"))?)
        }
    };
    let mut container = Container::find(args)?;
    // Before anybody is held up.
    let (mut nr_processes, mut nr_threads) = (0, 0);
    for task in container.ns().tasks().filter(|task| !task.is_dead()) {
        task.may_read()
            .context(format_args!("{}", container.who(&task)))?;
        nr_processes += usize::from(task.is_leader());
        nr_threads += 1;
    }
    let records = Records::for_tasks(nr_processes, nr_threads)?;
    container.declare(args)?;
    let timeout_ms = match args.timeout_ms {
        0 => DEFAULT_TIMEOUT_MS,
        ms => ms,
    };

    let kill = args.flags & CR_CHECKPOINT_KILL != 0;
    let increment = args.flags & CR_CHECKPOINT_INCREMENT != 0;
    let parent = increment.then_some(args.parent);
    let mut id = ImageId::default();
    misc::random(&mut id);
    let track = match increment || (args.flags & CR_CHECKPOINT_TRACK != 0 && !kill) {
        true => Some(Track::begin(&container, id, parent)?),
        false => None,
    };

    let mut how = How {
        timeout_ns: u64::from(timeout_ms) * 1_000_000,
        dies: kill,
        detach: !kill,
        no_dontdump: args.flags & CR_CHECKPOINT_NO_DONTDUMP != 0,
    };

    let (mut state, hold) = match hold_and_collect(&container, records, &how, stats)? {
        Some(collected) => collected,
        None => {
            how.detach = false;
            let records = Records::for_tasks(nr_processes, nr_threads)?;
            hold_and_collect(&container, records, &how, stats)?.ok_or(EINVAL)?
        }
    };
    state.container.id = id;
    state.container.parent = parent.unwrap_or_default();

    let begin = misc::monotonic_ns();
    state.memory.scan(track.as_ref())?;
    state.container.nr_pages = state.memory.nr_pages();
    stats.pages_scanned = state.memory.scanned();
    let found = misc::monotonic_ns();
    stats.memdump_time += (found - begin) / 1000;
    let mut sink = FileSink::new(image)?;
    stats.pages_written = write(&mut sink, &state, &sections, args, log)?;
    stats.image_bytes = sink.written();
    if let Some((hold, still)) = hold {
        if kill {
            sink.sync()?;
            if let Some(confirm) = &confirm {
                await_confirmation(confirm)?;
            }
            hold.check_memory()?;
            end(&container, hold, &state.connections)?;
        } else {
            // Whoever died meanwhile may have changed memory while it was written.
            hold.check_memory()?;
            drop(hold);
        }
        stats.frozen_time += (misc::monotonic_ns() - still) / 1000;
    }
    stats.memwrite_time = (misc::monotonic_ns() - found) / 1000;
    if let Some(track) = track {
        track.finish(state.memory.private());
    }
    Ok(())
}

/// A hold, and when all stood still, CLOCK_MONOTONIC ns.
type HeldSince<'a> = (Hold<'a>, u64);

/// Copies all state while the container stands still. If it can run on from here, it does so, and
/// what it waits for then is copied first. None if there was too little memory for that, after all.
fn hold_and_collect<'a>(
    container: &'a Container,
    records: KBox<Records>,
    how: &How,
    stats: &mut cr_stats,
) -> Result<Option<(KBox<State>, Option<HeldSince<'a>>)>> {
    let start = misc::monotonic_ns();
    let mut hold = Hold::new(container, how.dies, how.timeout_ns)?;
    let still = misc::monotonic_ns();
    stats.freezing_time += (still - start) / 1000;
    stats.nr_tasks = hold.len();

    let mut state = collect(container, &mut hold, records, how)?;
    if !state.detached {
        return Ok(Some((state, Some((hold, still)))));
    }
    drop(hold);
    let released = misc::monotonic_ns();
    stats.frozen_time += (released - still) / 1000;
    let copied = state.memory.copy_shared();
    stats.memdump_time += (misc::monotonic_ns() - released) / 1000;
    Ok(copied.then_some((state, None)))
}

/// The sections that user space wants in the image.
fn read_sections(args: &cr_checkpoint) -> Result<KVVec<(cr_img_section, KVVec<u8>)>> {
    let raw = abi::read_array::<cr_section>(args.sections, args.nr_sections, CR_MAX_SECTIONS)?;
    let mut sections = KVVec::with_capacity(raw.len(), GFP_KERNEL)?;
    for section in &raw {
        let data = abi::read_bytes(section.addr, section.len, CR_MAX_SECTION_LEN)?;
        let head = cr_img_section { name: section.name };
        sections.push((head, data), GFP_KERNEL)?;
    }
    Ok(sections)
}

/// What has been copied of a container that stood still.
struct State {
    records: KBox<Records>,
    memory: Memory,
    container: cr_img_container,
    xfeatures: u64,
    /// Ends of TCP connections.
    connections: KVVec<(u64, InetRef)>,
    /// Nothing of it needs the container to stand still any more.
    detached: bool,
}

impl State {
    /// What has been saved.
    fn of(save: KBox<Save<'_>>, tree: &Tree, namespaces: u32) -> Result<KBox<Self>> {
        let save = KBox::into_inner(save);
        // The number of pages is known when they have been looked for.
        let mut container = cr_img_container {
            nr_processes: tree.processes.len() as u32,
            nr_threads: tree.nr_threads() as u32,
            last_pid: save.container.ns().info().last_pid,
            namespaces,
            ..Default::default()
        };
        clock::save(&mut container, &save.init);
        let state = Self {
            container,
            records: save.records,
            memory: save.memory,
            xfeatures: save.xfeatures,
            connections: save.connections,
            detached: false,
        };
        Ok(KBox::new(state, GFP_KERNEL)?)
    }
}

/// How state is to be copied.
struct How {
    /// For tasks to stand still, ns.
    timeout_ns: u64,
    /// The container does not go on afterwards.
    dies: bool,
    /// With snapshots of memory, from which all can be written while the container runs on.
    detach: bool,
    /// Without private memory that no core dump has.
    no_dontdump: bool,
}

/// Copies all state but the contents of memory.
fn collect(
    container: &Container,
    hold: &mut Hold<'_>,
    empty: KBox<Records>,
    how: &How,
) -> Result<KBox<State>> {
    let mut empty = Some(empty);
    let deadline = misc::monotonic_ns() + AGAIN_NS.min(how.timeout_ns);
    loop {
        let records = match empty.take() {
            Some(records) => records,
            None => Records::for_tasks(0, 0)?,
        };
        let result = collect_once(container, hold, records, how).map(|mut state| {
            state.detached = how.detach && state.memory.snapshot();
            state
        });
        // Of a task that has died meanwhile, anything may have been read.
        let result = hold.check_still().and(result);
        match result {
            Err(failure) if failure.errno() == EAGAIN && misc::monotonic_ns() < deadline => {}
            result => return result,
        }
        // Who has been woken is in the parking by now, or on its way there.
        hold.settle_all(how.timeout_ns)?;
    }
}

fn collect_once(
    container: &Container,
    hold: &Hold<'_>,
    records: KBox<Records>,
    how: &How,
) -> Result<KBox<State>> {
    let tree = Tree::collect(container, hold)?;
    let namespaces = namespaces(&tree)?;
    let memory = Memory::new(how.no_dontdump);
    let has_own_ipc = namespaces & CR_NS_IPC != 0;
    let mut save = Save::new(container, &tree, records, memory, has_own_ipc)?;
    save.references.check_contained(container, &tree)?;

    cpu::save(&mut save)?;
    if namespaces & CR_NS_UTS != 0 {
        uts::save(&mut save)?;
    }
    if namespaces & CR_NS_IPC != 0 {
        ipc::save(&mut save)?;
    }
    session::check(&tree)?;
    pid_ns::save_groups(&mut save, &tree)?;
    for process in &tree.processes {
        task::save(&mut save, process).context(format_args!("{}", process.leader().who()))?;
    }
    uring_table::save(&mut save)?;
    uring_buffers::save(&mut save)?;
    uring_task::save(&mut save)?;
    uring_request::save(&mut save)?;
    match namespaces & CR_NS_IPC {
        0 => semaphore::check_outside(&save.init, container.ns(), &tree)?,
        _ => semaphore::save_adjustments(&mut save, &tree)?,
    }
    socket::save_queues(&mut save)?;
    tcp::save_streams(&mut save)?;
    udp::save_datagrams(&mut save)?;
    netlink::save_messages(&mut save)?;
    packet::save_frames(&mut save)?;
    dnotify::save(&mut save)?;
    lock::save(&mut save)?;
    inotify::save(&mut save)?;
    fanotify::save(&mut save)?;
    timerfd::save(&mut save)?;
    event::save_watched(&mut save)?;
    owner::save(&mut save)?;
    save.memory.check_contained()?;
    sysv_shm::check_contained(&save)?;
    inode::check_contained(&save)?;
    mqueue::check_contained(&save)?;

    State::of(save, &tree, namespaces)
}

/// The namespaces that the container has to itself.
fn namespaces(tree: &Tree) -> Result<u32> {
    let caller = Namespaces::current();
    let living = tree.processes[0].living();
    let init = &living.info;
    for thread in tree.live_threads() {
        let info = &thread.info;
        if !task::has_same_namespaces(info, init) {
            fail!(
                EOPNOTSUPP(),
                "{}: is in other namespaces than the container's init, which is not supported yet",
                thread.who()
            );
        }
    }
    let elsewhere = tree
        .live_threads()
        .find(|thread| thread.info.cgroups != init.cgroups);
    if let Some(thread) = elsewhere {
        fail!(
            EOPNOTSUPP(),
            "{}: is in another cgroup than the container's init, which is not supported yet",
            thread.who()
        );
    }
    // It may not have one; but from the restart on it needs one.
    let mut private = CR_NS_TIME;
    if init.mnt_ns != caller.mnt {
        private |= CR_NS_MNT;
    }
    if init.uts_ns != caller.uts {
        private |= CR_NS_UTS;
    }
    if init.ipc_ns != caller.ipc {
        private |= CR_NS_IPC;
    }
    Ok(private)
}

fn header(state: &State) -> cr_img_header {
    let mut header = cr_img_header::new_zeroed();
    header.arch = EM_X86_64;
    header.page_size = PAGE_SIZE as u32;
    header.xfeatures = state.xfeatures;
    header.xstate_size = regs::xstate_size() as u32;
    header.time_ns = misc::realtime_ns();
    header.kernel_release = crate::kernel_release();
    header
}

/// Looks at the image with the eyes of restart: what that one refuses is not to be relied upon.
fn check(header: &cr_img_header, state: &State) -> Result {
    let container = Rec {
        tag: CR_TAG_CONTAINER,
        id: 0,
        offset: 0,
        payload: state.container.as_bytes(),
    };
    let list = state.records.list(&[container])?;
    let mut scratch = vec::zeroed(list.len(), GFP_KERNEL)?;
    match check_state(header, &list, &mut scratch) {
        Ok(_) => Ok(()),
        Err(error) => fail!(EOPNOTSUPP(), "state that cannot be restored: {error}"),
    }
}

/// Writes the image, and returns how many pages are in it.
fn write(
    sink: &mut FileSink,
    state: &State,
    sections: &[(cr_img_section, KVVec<u8>)],
    args: &cr_checkpoint,
    log: &Log,
) -> Result<u64> {
    let header = header(state);
    check(&header, state)?;
    let mut writer = Writer::new(&mut *sink, misc::crc32c);
    writer.header(&header)?;
    for (section, data) in sections {
        writer.record(0, section, &[data])?;
    }
    writer.record(0, &state.container, &[])?;
    for rec in state.records.iter() {
        let kind = record::kind(rec.tag).ok_or(EINVAL)?;
        writer.raw(kind, rec.id, rec.payload)?;
    }
    state.memory.write_elsewhere(&mut writer)?;
    let progress = (args.flags & CR_CHECKPOINT_PROGRESS != 0).then_some(log);
    state.memory.write(&mut writer, progress)?;
    writer.end()?;
    let pages = writer.nr_pages();
    sink.flush()?;
    Ok(pages)
}

/// Tells user space that the image is complete, and waits until it says that it is safe.
fn await_confirmation(file: &FileRef) -> Result {
    const O_NONBLOCK: u32 = 0o4000;
    file.add_flags(O_NONBLOCK);
    let asked = file.write(&[1]);
    asked.context(format_args!("asking for confirmation"))?;
    loop {
        match file.read(&mut [0]) {
            Ok(0) => fail!(ECANCELED(), "the image was not confirmed"),
            Ok(_) => return Ok(()),
            Err(err) if err == EAGAIN => misc::nap(CONFIRMATION_US),
            Err(err) => return Err(err).context(format_args!("waiting for confirmation")),
        }
        if misc::is_being_killed() {
            fail!(EINTR, "the caller is being killed");
        }
    }
}

/// Between two looks for a confirmation, us.
const CONFIRMATION_US: u32 = 500;

/// How long the tasks of a container may take to die, ns.
const DEATH_NS: u64 = 10_000_000_000;

/// Ends the container and waits until it is gone.
fn end(container: &Container, hold: Hold<'_>, connections: &[(u64, InetRef)]) -> Result {
    for (_, connection) in connections {
        connection.silence();
    }
    // All of them, before any goes on: init alone would take the others along, but too late.
    hold.kill();
    drop(hold);
    let deadline = misc::monotonic_ns() + DEATH_NS;
    // Init becomes a zombie when all others in its pid namespace are reaped.
    while !container.init().is_group_dead() {
        if misc::is_being_killed() || misc::monotonic_ns() > deadline {
            break;
        }
        misc::nap(100);
    }
    Ok(())
}
