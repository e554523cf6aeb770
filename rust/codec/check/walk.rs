// SPDX-License-Identifier: GPL-2.0

//! The order of the records, and how many of each there are.
//!
//! ```text
//! section* container
//! ( cpu | object | reserve | shared policy | uts | ipc | sem | msgq | semadj | lock | epoll
//!   | timerfd | pid | dnotify
//!   | inotify watch …
//!   | fanotify mark …
//!   | mm … vma …                  objects may come between
//!   | guards | ldt | uring table | uring group | uring task | uring request
//!   | process … thread … regs … xstate … sigqueue … sched … controls …
//!     … trace … debugregs … tls … timers …
//! )*
//! ```

use super::{
    bpf, events, fanotify, files, hugetlb, inet, inode, inotify, ipc, kernfs, landlock, memory,
    netlink, numa, packet, pid_ns, signals, sockets, tasks, tty, uring, Placed, Rec, Result, State,
};
use crate::{cpu, record, uapi::*};

mod process;

use process::OpenProcess;

/// Above what a clock may say, ns: half of what the kernel can count, `kernel/time/namespace.c`.
const MAX_CLOCK: u64 = 1 << 62;

/// A memory descriptor whose mappings are not all there yet.
struct OpenMm<'a> {
    rec: &'a Rec<'a>,
    mm: cr_img_mm,
    remaining: u32,
    last_end: u64,
    first_vdso: Option<u64>,
}

/// An inotify instance or fanotify group of which what it watches is not all there yet.
struct OpenWatcher<'a> {
    rec: &'a Rec<'a>,
    remaining: u32,
    last_wd: i32,
}

#[derive(Default)]
struct Walk<'a> {
    nr_sections: u32,
    container: Option<(&'a Rec<'a>, cr_img_container)>,
    uts: bool,
    ipc: bool,
    cpu: bool,
    mm: Option<OpenMm<'a>>,
    process: Option<OpenProcess<'a>>,
    nr_processes: u32,
    nr_threads: u32,
    epolls: Told,
    timerfds: Told,
    inotifies: Told,
    fanotifies: Told,
    /// To ends of connections.
    streams: Told,
    watcher: Option<OpenWatcher<'a>>,
    /// The last memory that has guard regions.
    last_guarded: u64,
    /// The last one that has a local descriptor table.
    last_ldt: u64,
    /// The last file that has an owner.
    last_owned: u64,
    /// The last socket that is connected, and the last that something waits in.
    last_connected: u64,
    last_listener: u64,
    last_filled: u64,
    last_received: u64,
    last_source: u64,
    last_failed: u64,
    last_corked: u64,
    last_told: u64,
    last_frame: u64,
    /// The last socket that has a program, and how it has it.
    last_filter: (u64, u32),
    /// The last number of a dead leader.
    last_pid: u32,
    last_unchanged: u64,
    last_huge: u64,
    /// The last object that huge pages are kept for.
    last_reserved: u64,
    /// The last object that has NUMA policies.
    last_policed: u64,
    /// The last table of what is registered with io_uring, and the last thread that uses it.
    last_table: (u64, u32),
    /// The last group of buffers that are provided to an instance, and the number of the next one.
    last_group: (u64, u32),
    last_user: u32,
}

/// Files of a kind of which a record says more than that of a file: how many there are, of how many
/// there is such a record, and the last of these.
#[derive(Default)]
struct Told {
    files: u32,
    told: u32,
    last: u64,
}

impl Told {
    fn tell(&mut self, rec: &Rec<'_>, file: u64, order: &'static str) -> Result {
        self.told = self.told.saturating_add(1);
        follows(rec, &mut self.last, file, order)
    }
}

/// Records of one kind ascend by this key.
fn follows<T: PartialOrd>(rec: &Rec<'_>, last: &mut T, key: T, order: &'static str) -> Result {
    rec.require(key > *last, order)?;
    *last = key;
    Ok(())
}

/// Several of one key come one after the other.
fn in_order(rec: &Rec<'_>, last: &mut u64, socket: u64) -> Result {
    rec.require(
        socket >= *last,
        "messages that are not in the order of their sockets",
    )?;
    *last = socket;
    Ok(())
}

fn one_less(remaining: u32) -> Option<u32> {
    remaining.checked_sub(1)
}

/// Checks the order of the records, and each by itself.
pub(super) fn check(state: &State<'_>) -> Result {
    let mut walk = Walk::default();
    for (at, rec) in state.recs.iter().enumerate() {
        walk.step(state, Placed { at, rec })?;
    }
    walk.finish()
}

impl<'a> Walk<'a> {
    fn step(&mut self, state: &State<'a>, rec: Placed<'a>) -> Result {
        match rec.tag {
            CR_TAG_SECTION => return self.section(rec.rec),
            CR_TAG_CONTAINER => return self.container(rec.rec),
            _ => rec.require(self.container.is_some(), "before the container")?,
        }
        match rec.tag {
            CR_TAG_UTS => self.uts(rec.rec),
            CR_TAG_IPC => self.ipc(rec.rec),
            CR_TAG_SEM | CR_TAG_MSGQ | CR_TAG_SHM | CR_TAG_MQUEUE if !self.ipc => {
                Err(rec.error("an object without an IPC namespace"))
            }
            CR_TAG_SEM => ipc::semaphores(rec.rec),
            CR_TAG_MSGQ => ipc::queue(rec.rec),
            CR_TAG_MQUEUE => ipc::posix_queue(rec.rec),
            CR_TAG_SHM => ipc::segment(state, rec),
            CR_TAG_SEMADJ => {
                self.close_process()?;
                ipc::adjustments(rec.rec)
            }
            CR_TAG_CPU => self.cpu(rec.rec),
            CR_TAG_CRED => tasks::cred(state, rec),
            CR_TAG_BPF_MAP => bpf::map(rec.rec),
            CR_TAG_PIPE => files::pipe(state, rec.rec),
            CR_TAG_SHMEM => memory::shmem(state, rec.rec),
            CR_TAG_AIO => memory::aio(state, rec.rec),
            CR_TAG_URING => uring::instance(state, rec.rec),
            CR_TAG_INODE => inode::inode(rec.rec),
            CR_TAG_TTY => tty::tty(rec.rec),
            CR_TAG_FILE => {
                let told = match files::file(state, rec)?.kind {
                    CR_FILE_EPOLL => &mut self.epolls,
                    CR_FILE_TIMERFD => &mut self.timerfds,
                    CR_FILE_INOTIFY => &mut self.inotifies,
                    CR_FILE_FANOTIFY => &mut self.fanotifies,
                    _ => return Ok(()),
                };
                told.files = told.files.saturating_add(1);
                Ok(())
            }
            CR_TAG_FDTABLE => files::fdtable(state, rec),
            CR_TAG_FS => files::fs(state, rec),
            CR_TAG_SIGHAND => signals::sighand(rec.rec),
            CR_TAG_POLICY => numa::policy(rec.rec),
            CR_TAG_MM => {
                self.close_mm()?;
                let mm = memory::mm(state, rec)?;
                self.mm = Some(OpenMm {
                    rec: rec.rec,
                    remaining: mm.nr_vmas,
                    mm,
                    last_end: 0,
                    first_vdso: None,
                });
                Ok(())
            }
            CR_TAG_VMA => self.vma(state, rec),
            CR_TAG_GUARDS => {
                self.close_mm()?;
                let guards = memory::guards(state, rec)?;
                let order = "guard regions of memory that is not after the last one";
                follows(&rec, &mut self.last_guarded, guards.mm, order)
            }
            CR_TAG_LDT => {
                self.close_mm()?;
                let ldt = memory::ldt(state, rec)?;
                let order = "a descriptor table of memory that is not after the last one";
                follows(&rec, &mut self.last_ldt, ldt.mm, order)
            }
            CR_TAG_RESERVE => {
                let object = hugetlb::reserve(state, rec)?;
                let order = "huge pages that are kept for an object not after the last one";
                follows(&rec, &mut self.last_reserved, object, order)
            }
            CR_TAG_SHARED_POLICY => {
                let object = numa::shared(state, rec)?;
                let order = "NUMA policies of an object not after the last one";
                follows(&rec, &mut self.last_policed, object, order)
            }
            CR_TAG_LOCK => files::lock(state, rec),
            CR_TAG_EPOLL => {
                let epoll = files::epoll(state, rec)?;
                let order = "an epoll instance that is not after the last one";
                self.epolls.tell(&rec, epoll.file, order)
            }
            CR_TAG_TIMERFD => {
                let timer = events::timerfd(state, rec)?;
                let order = "a timerfd that is not after the last one";
                self.timerfds.tell(&rec, timer.file, order)
            }
            CR_TAG_INOTIFY => {
                let inotify = inotify::instance(state, rec)?;
                self.open_watcher(rec.rec, inotify.nr_watches)?;
                let order = "an inotify instance that is not after the last one";
                self.inotifies.tell(&rec, inotify.file, order)
            }
            CR_TAG_WATCH => {
                let last = self.announced(rec.rec, CR_TAG_INOTIFY)?;
                let order = "a watch descriptor that is not above the last one";
                follows(rec.rec, last, inotify::watch(rec.rec)?.wd, order)
            }
            CR_TAG_FANOTIFY => {
                let group = fanotify::group(state, rec)?;
                self.open_watcher(rec.rec, group.nr_marks)?;
                let order = "a fanotify group that is not after the last one";
                self.fanotifies.tell(&rec, group.file, order)
            }
            CR_TAG_FANOTIFY_MARK => {
                self.announced(rec.rec, CR_TAG_FANOTIFY)?;
                fanotify::mark(rec.rec)
            }
            CR_TAG_OWNER => {
                let owner = files::owner(state, rec)?;
                let order = "an owner of a file that is not after the last one";
                follows(&rec, &mut self.last_owned, owner.file, order)
            }
            CR_TAG_DNOTIFY => files::dnotify(state, rec),
            CR_TAG_SOCKET => sockets::socket(state, rec),
            CR_TAG_INET => {
                let has_stream = inet::has_stream(&inet::inet(rec)?);
                self.streams.files = self.streams.files.saturating_add(has_stream.into());
                Ok(())
            }
            CR_TAG_STREAM => {
                let stream = inet::stream(state, rec)?;
                let order = "a stream to a socket that is not after the last one";
                self.streams.tell(&rec, stream.socket, order)
            }
            CR_TAG_WAITING => {
                let waiting = inet::waiting(state, rec)?;
                rec.require(
                    waiting.listener >= self.last_listener,
                    "a connection to a socket that is not after the last one",
                )?;
                self.last_listener = waiting.listener;
                let told = u32::from(waiting.client != 0);
                self.streams.told = self.streams.told.saturating_add(told);
                Ok(())
            }
            CR_TAG_DATAGRAM => {
                let socket = inet::datagram(state, rec)?.socket;
                in_order(&rec, &mut self.last_received, socket)
            }
            CR_TAG_SOURCE => {
                let socket = inet::source(state, rec)?.socket;
                in_order(&rec, &mut self.last_source, socket)
            }
            CR_TAG_SOCKERR => {
                let socket = inet::error(state, rec)?.packet.socket;
                in_order(&rec, &mut self.last_failed, socket)
            }
            CR_TAG_CORK => {
                let cork = inet::cork(state, rec)?;
                let order = "a part of a datagram of a socket that is not after the last one";
                follows(&rec, &mut self.last_corked, cork.socket, order)
            }
            CR_TAG_NETLINK => netlink::netlink(rec.rec),
            CR_TAG_NLMSG => {
                let socket = netlink::message(state, rec)?.socket;
                in_order(&rec, &mut self.last_told, socket)
            }
            CR_TAG_LINK => packet::link(rec.rec),
            CR_TAG_FRAME => {
                let socket = packet::frame(state, rec)?.socket;
                in_order(&rec, &mut self.last_frame, socket)
            }
            CR_TAG_KERNFS_FILE => kernfs::kernfs_file(rec.rec),
            CR_TAG_SOCKFILTER => {
                let filter = sockets::filter(state, rec)?;
                let order = "a program of a socket that is not after the last one";
                let key = (filter.socket, filter.option);
                follows(&rec, &mut self.last_filter, key, order)
            }
            CR_TAG_PEER => {
                let peer = sockets::peer(state, rec)?;
                let order = "a peer of a socket that is not after the last one";
                follows(&rec, &mut self.last_connected, peer.socket, order)
            }
            CR_TAG_MESSAGE => {
                let socket = sockets::message(state, rec)?.socket;
                in_order(&rec, &mut self.last_filled, socket)
            }
            CR_TAG_PIDNS => pid_ns::namespace_record(state, rec),
            CR_TAG_PID => {
                let nr = pid_ns::pid(state, rec)?;
                let order = "a number that is not above the last one";
                follows(&rec, &mut self.last_pid, nr, order)
            }
            CR_TAG_INHERIT | CR_TAG_UNCHANGED | CR_TAG_HUGE => {
                self.close_mm()?;
                self.close_process()?;
                self.about_pages(state, rec)
            }
            CR_TAG_URING_TABLE => {
                self.close_process()?;
                let table = uring::table(state, rec)?;
                let order = "a table of io_uring that is not after the last one";
                follows(&rec, &mut self.last_table, (table.ring, table.kind), order)
            }
            CR_TAG_URING_GROUP => {
                self.close_process()?;
                let group = uring::group(state, rec)?;
                let order = "a group of buffers that is not after the last one";
                let next = group.group.saturating_add(1);
                follows(&rec, &mut self.last_group, (group.ring, next), order)
            }
            CR_TAG_URING_TASK => {
                self.close_process()?;
                let task = uring::task(state, rec)?;
                let order = "a thread that uses io_uring and is not after the last one";
                follows(&rec, &mut self.last_user, task.tid, order)
            }
            CR_TAG_URING_REQUEST => {
                self.close_process()?;
                uring::request(state, rec)
            }
            CR_TAG_LANDLOCK => landlock::landlock(state, rec),
            CR_TAG_SECCOMP => tasks::seccomp(state, rec),
            CR_TAG_PROCESS => self.process(state, rec),
            CR_TAG_THREAD => self.thread(state, rec),
            CR_TAG_REGS | CR_TAG_XSTATE | CR_TAG_SIGQUEUE | CR_TAG_SCHED | CR_TAG_CONTROLS
            | CR_TAG_TRACE | CR_TAG_DEBUGREGS | CR_TAG_TLS | CR_TAG_TIMERS => {
                self.part_of_task(state, rec)
            }
            _ => Err(rec.error("no part of the state")),
        }
    }

    /// What pages of the processes before are.
    fn about_pages(&mut self, state: &State<'_>, rec: Placed<'_>) -> Result {
        match rec.tag {
            CR_TAG_UNCHANGED => {
                let mm = memory::unchanged(state, rec)?;
                let order = "unchanged memory that is not after the last one";
                follows(&rec, &mut self.last_unchanged, mm, order)?;
                let increment = self
                    .container
                    .is_some_and(|(_, container)| container.is_increment());
                rec.require(increment, "unchanged since no other image")
            }
            CR_TAG_HUGE => {
                let mm = memory::huge(state, rec)?;
                let order = "huge pages of memory that is not after the last one";
                follows(&rec, &mut self.last_huge, mm, order)
            }
            _ => memory::inherit(state, rec),
        }
    }

    fn section(&mut self, rec: &Rec<'_>) -> Result {
        rec.require(
            self.container.is_none(),
            "a section after the first record of the kernel",
        )?;
        self.nr_sections = self.nr_sections.saturating_add(1);
        rec.require(self.nr_sections <= CR_MAX_SECTIONS, "too many sections")?;
        let section: cr_img_section = rec.fixed()?;
        let name = record::text(&section.name);
        rec.require(
            record::is_nul_padded(&section.name)
                && !name.is_empty()
                && name.iter().all(u8::is_ascii_graphic),
            "not a name",
        )
    }

    fn container(&mut self, rec: &'a Rec<'a>) -> Result {
        rec.require(self.container.is_none(), "a second container")?;
        let container: cr_img_container = rec.fixed()?;
        rec.require(
            container.nr_processes > 0
                && container.nr_processes <= container.nr_threads
                && container.nr_threads <= super::PID_MAX,
            "impossible number of tasks",
        )?;
        rec.require(
            (1..=super::PID_MAX).contains(&container.last_pid),
            "impossible last pid",
        )?;
        rec.require(
            container.namespaces & !(CR_NS_MNT | CR_NS_UTS | CR_NS_IPC | CR_NS_TIME) == 0,
            "unknown namespaces",
        )?;
        rec.require(
            container.monotonic_ns < MAX_CLOCK && container.boottime_ns < MAX_CLOCK,
            "impossible time",
        )?;
        rec.require(
            !container.is_increment() || container.parent != container.id,
            "an image that is its own parent",
        )?;
        self.container = Some((rec, container));
        Ok(())
    }

    fn uts(&mut self, rec: &Rec<'_>) -> Result {
        rec.require(!self.uts, "a second time")?;
        self.uts = true;
        let uts: cr_img_uts = rec.fixed()?;
        rec.require(
            record::is_nul_padded(&uts.nodename) && record::is_nul_padded(&uts.domainname),
            "a name that is not NUL padded",
        )?;
        rec.require(uts.reserved == [0; 6], "a reserved member is not zero")
    }

    fn ipc(&mut self, rec: &Rec<'_>) -> Result {
        rec.require(!self.ipc, "a second time")?;
        self.ipc = true;
        ipc::limits(rec)
    }

    fn cpu(&mut self, rec: &Rec<'_>) -> Result {
        rec.require(!self.cpu, "a second time")?;
        self.cpu = true;
        rec.require(
            cpu::features(rec.payload).all(cpu::is_feature),
            "not names of features",
        )
    }

    fn vma(&mut self, state: &State<'_>, rec: Placed<'_>) -> Result {
        let Some(open) = &mut self.mm else {
            return Err(rec.error("a mapping without a memory descriptor"));
        };
        open.remaining =
            one_less(open.remaining).ok_or_else(|| rec.error("more mappings than announced"))?;
        let vma = memory::vma(state, rec, &open.mm)?;
        rec.require(
            vma.start >= open.last_end,
            "mappings overlap or do not ascend",
        )?;
        open.last_end = vma.end;
        if vma.kind == CR_VMA_VDSO && open.first_vdso.is_none() {
            open.first_vdso = Some(vma.start);
        }
        Ok(())
    }

    fn open_watcher(&mut self, rec: &'a Rec<'a>, remaining: u32) -> Result {
        self.close_watcher()?;
        self.watcher = Some(OpenWatcher {
            rec,
            remaining,
            last_wd: 0,
        });
        Ok(())
    }

    /// One more of what is watched, by whom the last record of this kind is: the last descriptor.
    fn announced(&mut self, rec: &Rec<'_>, by: u32) -> Result<&mut i32> {
        let open = self.watcher.as_mut().filter(|open| open.rec.tag == by);
        let open = open.ok_or_else(|| rec.error("watched by nobody"))?;
        open.remaining =
            one_less(open.remaining).ok_or_else(|| rec.error("more watches than announced"))?;
        Ok(&mut open.last_wd)
    }

    fn close_watcher(&mut self) -> Result {
        match self.watcher.take() {
            Some(open) => open
                .rec
                .require(open.remaining == 0, "fewer watches than announced"),
            None => Ok(()),
        }
    }

    fn close_mm(&mut self) -> Result {
        let Some(open) = self.mm.take() else {
            return Ok(());
        };
        open.rec
            .require(open.remaining == 0, "fewer mappings than announced")?;
        open.rec.require(
            open.mm.vdso == open.first_vdso.unwrap_or(0),
            "the vDSO is not where its mapping is",
        )
    }

    fn finish(mut self) -> Result {
        self.close_mm()?;
        self.close_watcher()?;
        self.close_process()?;
        let Some((rec, container)) = self.container else {
            return Err(super::CheckError {
                offset: 0,
                tag: None,
                message: "there is no container in the image",
            });
        };
        rec.require(self.cpu, "nothing is said about the processor")?;
        rec.require(
            container.nr_processes == self.nr_processes,
            "another number of processes than announced",
        )?;
        rec.require(
            container.nr_threads == self.nr_threads,
            "another number of threads than announced",
        )?;
        rec.require(
            self.epolls.files == self.epolls.told,
            "an epoll instance of which nobody knows what it watches",
        )?;
        rec.require(
            self.timerfds.files == self.timerfds.told,
            "a timerfd of which nobody knows when it expires",
        )?;
        rec.require(
            self.streams.files == self.streams.told,
            "a connection of which nothing is said",
        )?;
        rec.require(
            self.inotifies.files == self.inotifies.told,
            "an inotify instance of which nobody knows what it watches",
        )?;
        rec.require(
            self.fanotifies.files == self.fanotifies.told,
            "a fanotify group of which nobody knows what it watches",
        )?;
        rec.require(
            self.uts == (container.namespaces & CR_NS_UTS != 0),
            "host name and UTS namespace only come together",
        )?;
        rec.require(
            self.ipc == (container.namespaces & CR_NS_IPC != 0),
            "limits and IPC namespace only come together",
        )
    }
}
