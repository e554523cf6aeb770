// SPDX-License-Identifier: GPL-2.0

//! An image in the terms of people and programs: what `crctl show` prints.

use std::collections::BTreeMap;

use anyhow::Result;
use cr_codec::{check::Rec, record, uapi::*};
use serde::Serialize;

use super::{hex, Image, Record, Stored, PAGE_SIZE};

/// All of an image.
#[derive(Debug, Serialize)]
pub struct Model {
    /// Version of the format.
    pub format_version: u32,
    /// ELF machine.
    pub arch: u32,
    /// Bytes in a page.
    pub page_size: u32,
    /// XSAVE components in use.
    pub xfeatures: u64,
    /// Release of the kernel that wrote it.
    pub kernel_release: String,
    /// Time of the checkpoint, ns since the epoch.
    pub time_ns: u64,
    /// Bytes in the image.
    pub length: u64,
    /// Records in the image.
    pub records: u64,
    /// Records that this program does not know.
    pub unknown_records: u64,
    /// Pages in the image.
    pub pages: u64,
    /// Namespaces that the container has to itself.
    pub namespaces: Vec<&'static str>,
    /// Host name, if it has its own.
    pub hostname: Option<String>,
    /// Pid handed out last.
    pub last_pid: u32,
    /// Id of the image.
    pub id: String,
    /// Id of the image that has what did not change since, if that is not here.
    pub parent: Option<String>,
    /// Sections of user space, by name.
    pub sections: BTreeMap<String, serde_json::Value>,
    /// Processes, parents first.
    pub processes: Vec<Process>,
    /// Memory descriptors by object id.
    pub memory: BTreeMap<u64, Memory>,
    /// Shared memory objects by object id.
    pub shared_memory: BTreeMap<u64, SharedMemory>,
    /// Inodes whose contents are in the image, by object id.
    pub inodes: BTreeMap<u64, Inode>,
    /// Descriptor tables by object id: open files by descriptor.
    pub descriptors: BTreeMap<u64, Vec<Descriptor>>,
    /// Open files by object id.
    pub files: BTreeMap<u64, OpenFile>,
    /// Pipes by object id.
    pub pipes: BTreeMap<u64, Pipe>,
    /// File locks.
    pub locks: u64,
}

/// A process.
#[derive(Debug, Serialize)]
#[allow(missing_docs)]
pub struct Process {
    pub pid: u32,
    pub ppid: u32,
    pub pgid: u32,
    pub sid: u32,
    /// Pid namespace by object id, 0 for the container's own; its ids in the namespaces below that.
    pub pid_ns: u64,
    pub nested_pids: Vec<u32>,
    pub zombie: bool,
    /// Its first thread has exited, others live.
    pub leader_dead: bool,
    pub exit_code: u32,
    /// The signal of the stop it is in, or 0; and whether all of its threads have stopped.
    pub stop_signal: u32,
    pub stopped: bool,
    /// References to objects; 0 for a zombie.
    pub memory: u64,
    pub descriptors: u64,
    pub working_directory: Option<String>,
    pub root_directory: Option<String>,
    pub umask: Option<u32>,
    pub uid: Option<u32>,
    pub gid: Option<u32>,
    /// Signals with a handler, and those ignored.
    pub handled: Vec<u32>,
    pub ignored: Vec<u32>,
    pub pending: Vec<u32>,
    /// Time left of real, virtual and profiling timer, ns; 0 when not armed.
    pub timers_ns: [u64; 3],
    /// How many timers it has from timer_create(2).
    pub posix_timers: u32,
    pub threads: Vec<Thread>,
}

/// A thread.
#[derive(Debug, Serialize)]
#[allow(missing_docs)]
pub struct Thread {
    pub tid: u32,
    pub name: String,
    pub blocked: Vec<u32>,
    pub pending: Vec<u32>,
    pub policy: &'static str,
    pub nice: i32,
    /// Real-time priority, 0 for none.
    pub priority: u32,
    /// Its system calls are filtered, or there are next to none in strict mode.
    pub seccomp: Option<&'static str>,
    /// Interrupted system call that goes on, and the time left for it.
    pub restarts: Option<&'static str>,
    pub restart_ns: u64,
    /// Thread that traces it, 0 for none, and whether it has stopped for that one.
    pub tracer: u32,
    pub tracing_stop: bool,
}

/// A memory descriptor.
#[derive(Debug, Serialize)]
#[allow(missing_docs)]
pub struct Memory {
    pub program: String,
    pub mapped_bytes: u64,
    pub saved_bytes: u64,
    /// What the image's parent has of it.
    pub unchanged_bytes: u64,
    pub mappings: Vec<Mapping>,
}

/// A mapping.
#[derive(Debug, Serialize)]
#[allow(missing_docs)]
pub struct Mapping {
    pub start: u64,
    pub end: u64,
    /// As in /proc/PID/maps.
    pub permissions: String,
    pub kind: &'static str,
    pub object: u64,
    pub offset: u64,
    pub path: Option<String>,
}

/// Shared memory.
#[derive(Debug, Serialize)]
#[allow(missing_docs)]
pub struct SharedMemory {
    pub bytes: u64,
    pub saved_bytes: u64,
}

/// An inode whose contents are in the image.
#[derive(Debug, Serialize)]
#[allow(missing_docs)]
pub struct Inode {
    pub kind: &'static str,
    pub name: String,
    pub mode: u32,
    pub uid: u32,
    pub gid: u32,
    pub seals: u32,
    pub bytes: u64,
    pub saved_bytes: u64,
}

/// A descriptor.
#[derive(Debug, Serialize)]
#[allow(missing_docs)]
pub struct Descriptor {
    pub fd: u32,
    pub close_on_exec: bool,
    pub file: u64,
}

/// An open file.
#[derive(Debug, Serialize)]
#[allow(missing_docs)]
pub struct OpenFile {
    pub kind: &'static str,
    pub name: String,
    pub flags: u32,
    pub offset: u64,
    /// Pipe, or key of an external.
    pub target: u64,
}

/// A pipe.
#[derive(Debug, Serialize)]
#[allow(missing_docs)]
pub struct Pipe {
    pub capacity: u64,
    pub bytes: u32,
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn signals(set: u64) -> Vec<u32> {
    (1..=CR_NSIG)
        .filter(|signal| set & (1 << (signal - 1)) != 0)
        .collect()
}

impl Model {
    /// Describes an image that has been checked.
    pub fn new(image: &Image) -> Result<Self> {
        let mut model = Self {
            format_version: image.header.version,
            arch: image.header.arch,
            page_size: image.header.page_size,
            xfeatures: image.header.xfeatures,
            kernel_release: lossy(record::text(&image.header.kernel_release)),
            time_ns: image.header.time_ns,
            length: image.length,
            records: image.end.nr_records,
            unknown_records: image.skipped,
            pages: image.end.nr_pages,
            namespaces: Vec::new(),
            hostname: None,
            last_pid: 0,
            id: String::new(),
            parent: None,
            sections: BTreeMap::new(),
            processes: Vec::new(),
            memory: BTreeMap::new(),
            shared_memory: BTreeMap::new(),
            inodes: BTreeMap::new(),
            descriptors: BTreeMap::new(),
            files: BTreeMap::new(),
            pipes: BTreeMap::new(),
            locks: 0,
        };
        let mut objects = Objects::default();
        for record in &image.state {
            model.add(&record.rec(), &mut objects)?;
        }
        for Stored { object, run, .. } in &image.runs {
            let bytes = run.nr_pages * u64::from(PAGE_SIZE);
            if let Some(memory) = model.memory.get_mut(object) {
                memory.saved_bytes += bytes;
            }
            if let Some(shared) = model.shared_memory.get_mut(object) {
                shared.saved_bytes += bytes;
            }
            if let Some(inode) = model.inodes.get_mut(object) {
                inode.saved_bytes += bytes;
            }
        }
        Ok(model)
    }

    fn add(&mut self, rec: &Rec<'_>, objects: &mut Objects) -> Result<()> {
        match rec.tag {
            CR_TAG_SECTION => {
                let section: cr_img_section = rec.fixed()?;
                let data = rec.variable::<cr_img_section>();
                // What is no JSON, somebody else has written: only its length is shown.
                let data = serde_json::from_slice(data).unwrap_or_else(|_| data.len().into());
                let name = lossy(record::text(&section.name));
                self.sections.insert(name, data);
            }
            CR_TAG_CONTAINER => {
                let container: cr_img_container = rec.fixed()?;
                self.last_pid = container.last_pid;
                self.id = hex(&container.id);
                self.parent = container.is_increment().then(|| hex(&container.parent));
                self.namespaces = vec!["pid"];
                for (flag, name) in [
                    (CR_NS_MNT, "mnt"),
                    (CR_NS_UTS, "uts"),
                    (CR_NS_IPC, "ipc"),
                    (CR_NS_TIME, "time"),
                ] {
                    if container.namespaces & flag != 0 {
                        self.namespaces.push(name);
                    }
                }
            }
            CR_TAG_UTS => {
                let uts: cr_img_uts = rec.fixed()?;
                self.hostname = Some(lossy(record::text(&uts.nodename)));
            }
            CR_TAG_CRED => {
                let cred: cr_img_cred = rec.fixed()?;
                objects.creds.insert(rec.id, (cred.uid[0], cred.gid[0]));
            }
            CR_TAG_FS => {
                let fs: cr_img_fs = rec.fixed()?;
                let (cwd, root) = rec.variable::<cr_img_fs>().split_at(fs.cwd_len as usize);
                let cwd = match fs.cwd {
                    0 => lossy(cwd),
                    inode => format!("removed directory {inode}"),
                };
                objects.fs.insert(rec.id, (cwd, lossy(root), fs.umask));
            }
            CR_TAG_SIGHAND => {
                objects.sighand.insert(rec.id, handlers(rec));
            }
            CR_TAG_PIPE => {
                let pipe: cr_img_pipe = rec.fixed()?;
                let shown = Pipe {
                    capacity: u64::from(pipe.ring_size) * u64::from(PAGE_SIZE),
                    bytes: pipe.length,
                };
                self.pipes.insert(rec.id, shown);
            }
            CR_TAG_SHMEM => {
                let shmem: cr_img_shmem = rec.fixed()?;
                let shown = SharedMemory {
                    bytes: shmem.size,
                    saved_bytes: 0,
                };
                self.shared_memory.insert(rec.id, shown);
            }
            CR_TAG_INODE => {
                let inode: cr_img_inode = rec.fixed()?;
                let shown = Inode {
                    kind: match inode.kind {
                        CR_INODE_MEMFD | CR_INODE_HUGETLB | CR_INODE_GIGANTIC => "memfd",
                        CR_INODE_REMOVED | CR_INODE_HUGETLB_REMOVED | CR_INODE_GIGANTIC_REMOVED => {
                            "removed file in"
                        }
                        CR_INODE_TMPFILE | CR_INODE_HUGETLB_TMPFILE | CR_INODE_GIGANTIC_TMPFILE => {
                            "unnamed file in"
                        }
                        CR_INODE_DIRECTORY => "removed directory in",
                        _ => "?",
                    },
                    name: lossy(rec.variable::<cr_img_inode>()),
                    mode: inode.mode,
                    uid: inode.uid,
                    gid: inode.gid,
                    seals: inode.seals,
                    bytes: inode.size,
                    saved_bytes: 0,
                };
                self.inodes.insert(rec.id, shown);
            }
            CR_TAG_FILE => {
                let mut file = open_file(rec)?;
                if let ("contents", Some(inode)) = (file.kind, self.inodes.get(&file.target)) {
                    file.name = format!("{} {}", inode.kind, inode.name);
                }
                self.files.insert(rec.id, file);
            }
            CR_TAG_FDTABLE => {
                let fds = rec.array::<cr_img_fd>(size_of::<cr_img_fdtable>());
                let shown = fds.map(|fd| Descriptor {
                    fd: fd.fd,
                    close_on_exec: fd.flags & CR_FD_CLOEXEC != 0,
                    file: fd.file,
                });
                self.descriptors.insert(rec.id, shown.collect());
            }
            CR_TAG_MM => {
                let mm: cr_img_mm = rec.fixed()?;
                objects.mm = rec.id;
                let shown = Memory {
                    program: self.file_name(mm.exe),
                    mapped_bytes: 0,
                    saved_bytes: 0,
                    unchanged_bytes: 0,
                    mappings: Vec::new(),
                };
                self.memory.insert(rec.id, shown);
            }
            CR_TAG_UNCHANGED => {
                let unchanged: cr_img_unchanged = rec.fixed()?;
                let runs = rec.array::<cr_img_run>(size_of::<cr_img_unchanged>());
                let pages: u64 = runs.map(|run| run.nr_pages).sum();
                if let Some(memory) = self.memory.get_mut(&unchanged.mm) {
                    memory.unchanged_bytes = pages * u64::from(PAGE_SIZE);
                }
            }
            CR_TAG_VMA => {
                let vma: cr_img_vma = rec.fixed()?;
                let path = (vma.kind == CR_VMA_FILE).then(|| self.file_name(vma.object));
                if let Some(memory) = self.memory.get_mut(&objects.mm) {
                    memory.mapped_bytes += vma.end - vma.start;
                    memory.mappings.push(mapping(&vma, path));
                }
            }
            CR_TAG_LOCK => self.locks += 1,
            CR_TAG_PROCESS => self.processes.push(process(&rec.fixed()?, objects)),
            CR_TAG_THREAD => {
                let thread: cr_img_thread = rec.fixed()?;
                if let Some(process) = self.processes.last_mut() {
                    if process.threads.is_empty() {
                        process.nested_pids = rec.array(size_of::<cr_img_thread>()).collect();
                    }
                    if let (None, Some((uid, gid))) = (process.uid, objects.creds.get(&thread.cred))
                    {
                        (process.uid, process.gid) = (Some(*uid), Some(*gid));
                    }
                    process.threads.push(self::thread(&thread));
                }
            }
            CR_TAG_SCHED => {
                let sched: cr_img_sched = rec.fixed()?;
                let process = self.processes.last_mut();
                if let Some(thread) = process.and_then(|process| process.threads.last_mut()) {
                    thread.priority = sched.priority;
                }
            }
            CR_TAG_TRACE => {
                let trace: cr_img_trace = rec.fixed()?;
                let process = self.processes.last_mut();
                if let Some(thread) = process.and_then(|process| process.threads.last_mut()) {
                    thread.tracer = trace.tracer;
                    thread.tracing_stop = trace.stop != CR_TRACE_RUNS;
                }
            }
            CR_TAG_TIMERS => {
                let timers: cr_img_timers = rec.fixed()?;
                if let Some(process) = self.processes.last_mut() {
                    process.posix_timers = timers.nr;
                }
            }
            CR_TAG_SIGQUEUE => {
                let queue: cr_img_sigqueue = rec.fixed()?;
                if let Some(process) = self.processes.last_mut() {
                    let pending = match (queue.shared, process.threads.last_mut()) {
                        (0, Some(thread)) => &mut thread.pending,
                        _ => &mut process.pending,
                    };
                    *pending = signals(queue.pending);
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn file_name(&self, id: u64) -> String {
        self.files
            .get(&id)
            .map_or_else(String::new, |file| file.name.clone())
    }
}

/// Objects that are shown with the processes that have them.
#[derive(Default)]
struct Objects {
    /// Real user and group.
    creds: BTreeMap<u64, (u32, u32)>,
    /// Working directory, root directory, umask.
    fs: BTreeMap<u64, (String, String, u32)>,
    /// Signals handled and ignored.
    sighand: BTreeMap<u64, (Vec<u32>, Vec<u32>)>,
    /// The memory descriptor that mappings belong to.
    mm: u64,
}

fn handlers(rec: &Rec<'_>) -> (Vec<u32>, Vec<u32>) {
    let actions = (1..).zip(rec.array::<cr_img_sigaction>(0));
    let (mut handled, mut ignored) = (Vec::new(), Vec::new());
    for (signal, action) in actions {
        match action.handler {
            0 => {}
            1 => ignored.push(signal),
            _ => handled.push(signal),
        }
    }
    (handled, ignored)
}

fn open_file(rec: &Rec<'_>) -> Result<OpenFile> {
    let file: cr_img_file = rec.fixed()?;
    let kind = match file.kind {
        CR_FILE_REG | CR_FILE_PROC | CR_FILE_PROC_TASK | CR_FILE_KERNFS => "file",
        CR_FILE_DIR | CR_FILE_REMOVED_DIR => "directory",
        CR_FILE_CHR => "device",
        CR_FILE_PIPE => "pipe",
        CR_FILE_EXTERNAL => "external",
        CR_FILE_EVENTFD => "eventfd",
        CR_FILE_EPOLL => "epoll",
        CR_FILE_TIMERFD => "timerfd",
        CR_FILE_MEMFD | CR_FILE_INODE => "contents",
        CR_FILE_SIGNALFD => "signalfd",
        CR_FILE_PIDFD => "pidfd",
        CR_FILE_INOTIFY => "inotify",
        CR_FILE_FANOTIFY => "fanotify",
        CR_FILE_SOCKET | CR_FILE_INET | CR_FILE_NETLINK | CR_FILE_LINK => "socket",
        CR_FILE_IO_URING => "io_uring",
        CR_FILE_MQUEUE => "mqueue",
        CR_FILE_RULESET => "landlock",
        CR_FILE_BPF_MAP => "bpf map",
        CR_FILE_PATH => "place",
        CR_FILE_PTMX => "pty master",
        CR_FILE_PTS | CR_FILE_CURRENT_TTY => "terminal",
        CR_FILE_HUNG_UP => "terminal, hung up",
        _ => "?",
    };
    let name = match file.kind {
        CR_FILE_PIPE => format!("pipe {}", file.target),
        CR_FILE_SOCKET | CR_FILE_INET | CR_FILE_NETLINK | CR_FILE_LINK => {
            format!("socket {}", file.target)
        }
        CR_FILE_EXTERNAL => format!("external {}", file.target),
        CR_FILE_MQUEUE => format!("message queue {}", file.target),
        CR_FILE_PTMX | CR_FILE_HUNG_UP => format!("tty {}", file.target),
        _ => {
            let path = rec.variable::<cr_img_file>();
            lossy(path.get(..file.path_len as usize).unwrap_or_default())
        }
    };
    Ok(OpenFile {
        kind,
        name,
        flags: file.flags,
        offset: file.pos,
        target: file.target,
    })
}

fn mapping(vma: &cr_img_vma, path: Option<String>) -> Mapping {
    let flag = |flag, yes, no| if vma.flags & flag != 0 { yes } else { no };
    Mapping {
        start: vma.start,
        end: vma.end,
        permissions: [
            flag(CR_VMA_READ, 'r', '-'),
            flag(CR_VMA_WRITE, 'w', '-'),
            flag(CR_VMA_EXEC, 'x', '-'),
            flag(CR_VMA_SHARED, 's', 'p'),
        ]
        .iter()
        .collect(),
        kind: match vma.kind {
            CR_VMA_ANON => "anonymous",
            CR_VMA_FILE => "file",
            CR_VMA_SHMEM if vma.flags & CR_VMA_SHARED == 0 => "anonymous",
            CR_VMA_SHMEM | CR_VMA_SHM => "shared",
            CR_VMA_VDSO => "vdso",
            CR_VMA_AIO => "aio",
            _ => "?",
        },
        object: vma.object,
        offset: vma.pgoff * u64::from(PAGE_SIZE),
        path,
    }
}

fn process(process: &cr_img_process, objects: &Objects) -> Process {
    let fs = objects.fs.get(&process.fs).cloned();
    let (handled, ignored) = objects
        .sighand
        .get(&process.sighand)
        .cloned()
        .unwrap_or_default();
    let (cwd, root, umask) = match fs {
        Some((cwd, root, umask)) => (Some(cwd), Some(root), Some(umask)),
        None => (None, None, None),
    };
    Process {
        pid: process.pid,
        ppid: process.ppid,
        pgid: process.pgid,
        sid: process.sid,
        pid_ns: process.pid_ns,
        nested_pids: Vec::new(),
        zombie: process.state == CR_PROCESS_ZOMBIE,
        leader_dead: process.flags & CR_PROCESS_LEADER_DEAD != 0,
        exit_code: process.exit_code,
        stop_signal: process.stop_signal,
        stopped: process.flags & CR_PROCESS_STOPPED != 0,
        memory: process.mm,
        descriptors: process.files,
        working_directory: cwd,
        root_directory: root,
        umask,
        uid: None,
        gid: None,
        handled,
        ignored,
        pending: Vec::new(),
        timers_ns: process.itimer.map(|timer| timer.value_ns),
        posix_timers: 0,
        threads: Vec::new(),
    }
}

fn thread(thread: &cr_img_thread) -> Thread {
    Thread {
        tid: thread.tid,
        name: lossy(record::text(&thread.comm)),
        blocked: signals(thread.blocked),
        pending: Vec::new(),
        policy: match thread.policy {
            0 => "SCHED_OTHER",
            1 => "SCHED_FIFO",
            2 => "SCHED_RR",
            3 => "SCHED_BATCH",
            5 => "SCHED_IDLE",
            6 => "SCHED_DEADLINE",
            _ => "?",
        },
        nice: thread.nice,
        priority: 0,
        seccomp: match (thread.flags & CR_THREAD_SECCOMP_STRICT, thread.seccomp) {
            (0, 0) => None,
            (0, _) => Some("filtered"),
            _ => Some("strict"),
        },
        restarts: match thread.restart_kind {
            CR_RESTART_NANOSLEEP | CR_RESTART_CPU_NANOSLEEP => Some("nanosleep"),
            CR_RESTART_FUTEX => Some("futex"),
            CR_RESTART_POLL => Some("poll"),
            CR_RESTART_SELECT => Some("select"),
            CR_RESTART_WAIT => Some("wait"),
            CR_RESTART_VFORK => Some("vfork"),
            _ => None,
        },
        restart_ns: thread.restart_ns,
        tracer: 0,
        tracing_stop: false,
    }
}

impl Image {
    /// Records of one kind.
    pub fn records(&self, tag: u32) -> impl Iterator<Item = &Record> {
        self.state.iter().filter(move |record| record.tag == tag)
    }
}
