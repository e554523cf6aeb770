// SPDX-License-Identifier: GPL-2.0

//! A small container for the tests: two processes, one with two threads, and a zombie, which share
//! a pipe and a piece of memory. The second one is the init of a pid namespace, where the zombie is
//! as well, and has another one for its children, who have not come yet.

#![allow(dead_code, unreachable_pub)]

use cr_codec::{
    check::Rec,
    crc,
    error::FormatError,
    record::Cpu,
    uapi::*,
    write::{Sink, Writer},
    Checksum, Record,
};
use zerocopy::IntoBytes;

pub const PAGE: usize = 4096;
pub const XSTATE_SIZE: usize = 832;

/// A sink in memory.
#[derive(Debug, Default)]
pub struct Memory(pub Vec<u8>);

impl Sink for Memory {
    type Error = FormatError;

    fn write_all(&mut self, bytes: &[u8]) -> Result<(), FormatError> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }
}

/// A record that tests may change before it is written.
#[derive(Clone, Debug)]
pub struct Owned {
    pub tag: u32,
    pub id: u64,
    pub payload: Vec<u8>,
}

/// Pages: object, runs, and a byte to fill each page with.
pub type Pages = (u64, Vec<cr_img_run>, u8);

/// An image before it is written.
#[derive(Clone, Debug)]
pub struct Sample {
    pub header: cr_img_header,
    pub state: Vec<Owned>,
    pub pages: Vec<Pages>,
}

pub const MQUEUE: u64 = 6;
pub const RULES: u64 = 7;
pub const LAYER: u64 = 8;
pub const LAYER2: u64 = 9;
pub const CRED: u64 = 10;
pub const PIPE: u64 = 11;
pub const INODE: u64 = 12;
pub const SECCOMP: u64 = 61;
pub const SECCOMP2: u64 = 62;
pub const FILE_EXE: u64 = 20;
pub const FILE_READ: u64 = 21;
pub const FILE_WRITE: u64 = 22;
pub const FILE_NULL: u64 = 23;
pub const FILE_EXTERNAL: u64 = 24;
pub const FILE_EVENTFD: u64 = 25;
pub const FILE_EPOLL: u64 = 26;
pub const FILE_PROC_TASK: u64 = 27;
pub const FILE_TIMERFD: u64 = 28;
pub const FILE_MEMFD: u64 = 29;
pub const FDTABLE: u64 = 30;
pub const FS: u64 = 31;
pub const SIGHAND: u64 = 32;
pub const SHMEM: u64 = 33;
pub const SEGMENT: u64 = 34;
pub const FILE_SIGNALFD: u64 = 35;
pub const FILE_PIDFD: u64 = 36;
pub const FILE_INOTIFY: u64 = 37;
pub const TTY: u64 = 38;
pub const FILE_MASTER: u64 = 39;
pub const FILE_SLAVE: u64 = 40;
pub const FILE_HUNG_UP: u64 = 41;
pub const FILE_CURRENT_TTY: u64 = 42;
pub const FILE_PROC: u64 = 43;
pub const AIO: u64 = 44;
pub const POLICY: u64 = 45;
pub const MM: u64 = 46;
pub const MM2: u64 = 50;
pub const SIGHAND2: u64 = 51;
pub const URING: u64 = 52;
pub const FILE_IO_URING: u64 = 53;
pub const FILE_MQUEUE: u64 = 54;
pub const FILE_PLACE: u64 = 55;
pub const BPF_MAP: u64 = 56;
pub const FILE_BPF_MAP: u64 = 57;
pub const FILE_RULES: u64 = 58;
pub const FILE_FANOTIFY: u64 = 59;
pub const FILE_FANOTIFY2: u64 = 60;
pub const PIDNS: u64 = 70;
pub const PIDNS2: u64 = 71;
pub const FILE_TOLD: u64 = 72;
pub const INET: u64 = 78;
pub const FILE_INET: u64 = 79;
pub const LISTENER: u64 = 80;
pub const WAITING: u64 = 81;
pub const CLIENT: u64 = 82;
pub const ALONE: u64 = 83;
pub const DATAGRAMS: u64 = 84;
pub const FILE_LISTENER: u64 = 90;
pub const FILE_DATAGRAMS: u64 = 93;
pub const CONNECTED: u64 = 94;
pub const ACCEPTED: u64 = 95;
pub const FILE_CONNECTED: u64 = 96;
pub const FILE_ACCEPTED: u64 = 97;
pub const UDP: u64 = 98;
pub const FILE_UDP: u64 = 99;
pub const NETLINK: u64 = 101;
pub const FILE_NETLINK: u64 = 102;
pub const RAW: u64 = 103;
pub const FILE_RAW: u64 = 104;
pub const LINK: u64 = 105;
pub const FILE_LINK: u64 = 106;
pub const PING: u64 = 108;
pub const FILE_PING: u64 = 109;
pub const CGROUP: u64 = 110;
pub const FILE_KERNFS: u64 = 111;
pub const FILE_DIR: u64 = 0x6800;

pub const TEXT: u64 = 0x40_0000;
pub const HEAP: u64 = 0x100_0000;
pub const SHARED: u64 = 0x7f00_0000_0000;
pub const RING: u64 = 0x7f00_1000_0000;
pub const VDSO: u64 = 0x7fff_e000_0000;
pub const STACK: u64 = 0x7fff_f000_0000;

/// Copies text into a NUL-padded member.
pub fn padded<const N: usize>(text: &str) -> [u8; N] {
    let mut member = [0; N];
    member[..text.len()].copy_from_slice(text.as_bytes());
    member
}

mod directories;
mod fanotify;
mod sockets;
mod terminals;

fn run(start: u64, nr_pages: u64) -> cr_img_run {
    cr_img_run { start, nr_pages }
}

impl Sample {
    pub fn new() -> Self {
        let mut sample = Self {
            header: cr_img_header {
                arch: 62,
                page_size: PAGE as u32,
                xfeatures: 7,
                xstate_size: XSTATE_SIZE as u32,
                time_ns: 1_700_000_000_000_000_000,
                kernel_release: padded("7.2.12+deb13-cloud-amd64"),
                ..Default::default()
            },
            state: Vec::new(),
            pages: Vec::new(),
        };
        sample.put(
            0,
            &cr_img_section {
                name: padded("test"),
            },
            b"{\"version\":1}",
        );
        sample.put(
            0,
            &cr_img_container {
                nr_processes: 3,
                nr_threads: 4,
                last_pid: 9,
                namespaces: CR_NS_MNT | CR_NS_UTS | CR_NS_IPC | CR_NS_TIME,
                monotonic_ns: 1,
                boottime_ns: 2,
                nr_pages: 7,
                id: [1; 16],
                parent: [0; 16],
            },
            &[],
        );
        let uts = cr_img_uts {
            nodename: padded("sample"),
            domainname: padded("(none)"),
            ..Default::default()
        };
        sample.put(0, &uts, &[]);
        sample.put(0, &Cpu {}, b"avx avx512f sse4_2");
        let ipc = cr_img_ipc {
            shmmax: u64::MAX - (1 << 24),
            shmall: u64::MAX - (1 << 24),
            shmmni: 4096,
            msgmax: 8192,
            msgmnb: 16384,
            msgmni: 32000,
            sem: [32000, 1024000000, 500, 32000],
            mq_queues_max: 256,
            mq_msg_max: 10,
            mq_msgsize_max: 8192,
            mq_msg_default: 10,
            mq_msgsize_default: 8192,
            ..Default::default()
        };
        sample.put(0, &ipc, &[]);
        sample.ipc_objects();
        sample.objects();
        sample.terminals();
        sample.memory();
        sample.tasks();
        let adjustments = cr_img_semadj {
            pid: 1,
            id: 32769,
            nr: 2,
            reserved: 0,
        };
        sample.put(0, &adjustments, [1i16, -2].as_bytes());
        sample.registered();
        sample.sockets();
        sample.cgroup();
        sample.directories();
        sample.pages.push((INODE, vec![run(PAGE as u64, 1)], 0x44));
        sample
            .pages
            .push((SHMEM, vec![run(0, 1), run(8192, 1)], 0x11));
        sample
            .pages
            .push((MM, vec![run(HEAP, 2), run(STACK + 4096, 1)], 0x22));
        sample.pages.push((MM2, vec![run(HEAP + 4096, 1)], 0x33));
        sample
    }

    fn put<R: Record>(&mut self, id: u64, fixed: &R, variable: &[u8]) {
        self.state.push(Owned {
            tag: R::TAG,
            id,
            payload: [fixed.as_bytes(), variable].concat(),
        });
    }

    /// With the io_uring instance.
    fn registered(&mut self) {
        let file = cr_img_uring_entry {
            object: FILE_NULL,
            tag: 5,
            index: 2,
            ..Default::default()
        };
        let buffer = cr_img_uring_entry {
            object: MM,
            addr: HEAP + 3,
            length: 1 << 30,
            ..Default::default()
        };
        let event = cr_img_uring_entry {
            object: FILE_TOLD,
            ..Default::default()
        };
        let told = cr_img_file {
            kind: CR_FILE_EVENTFD,
            flags: 0o2,
            ..Default::default()
        };
        self.put(FILE_TOLD, &told, &[]);
        for (kind, value, entries) in [
            (
                CR_URING_FILES,
                [8, 1, 8, 8],
                vec![file, cr_img_uring_entry { index: 7, ..file }],
            ),
            (CR_URING_BUFFERS, [1, 0, 0, 0], vec![buffer]),
            (CR_URING_EVENTFD, [1, u32::MAX, 0, 0], vec![event]),
            (CR_URING_LIMITS, [3, 0, 0, 0], vec![]),
        ] {
            let table = cr_img_uring_table {
                ring: FILE_IO_URING,
                kind,
                nr: entries.len() as u32,
                value,
            };
            self.put(0, &table, entries.as_bytes());
        }
        self.provided();
        let task = cr_img_uring_task {
            ring: FILE_IO_URING,
            rings: core::array::from_fn(|at| if at == 15 { FILE_IO_URING } else { 0 }),
            tid: 1,
            workers: [1, i32::MAX as u32],
            nr_words: 1,
        };
        self.put(0, &task, 1u64.as_bytes());
        let task = cr_img_uring_task {
            tid: 2,
            nr_words: 0,
            ..task
        };
        self.put(0, &task, &[]);
        let poll = cr_img_uring_request {
            ring: FILE_IO_URING,
            file: FILE_NULL,
            user_data: u64::MAX,
            tid: 2,
            len: 1,
            op_flags: 0x1000_0001,
            opcode: 6,
            ..Default::default()
        };
        let timeout = cr_img_uring_request {
            ring: FILE_IO_URING,
            addr: 1_000_000,
            off: 3,
            value: 5_000,
            tid: 2,
            len: 1,
            op_flags: 0xe0,
            opcode: 11,
            sqe_flags: 0x40,
            flags: CR_URING_FIRED as u16,
            ..Default::default()
        };
        let read = cr_img_uring_request {
            ring: FILE_IO_URING,
            addr: HEAP,
            off: u64::MAX,
            tid: 2,
            len: 9,
            index: 7,
            ioprio: 0x4004,
            opcode: 22,
            sqe_flags: 1,
            ..Default::default()
        };
        let receive = cr_img_uring_request {
            ioprio: 1,
            off: 0,
            opcode: 27,
            ..read
        };
        let accept = cr_img_uring_request {
            value: 1024,
            len: 0,
            slot: u32::MAX,
            opcode: 13,
            ..receive
        };
        for request in [timeout, poll, read, receive, accept] {
            self.put(0, &request, &[]);
        }
    }

    /// Groups of buffers of the io_uring instance: with a ring in a program, in the kernel, and without.
    fn provided(&mut self) {
        let buffer = cr_img_uring_buffer {
            addr: HEAP,
            length: 0x7fff_f000,
            id: u16::MAX,
            reserved: 0,
        };
        let program = cr_img_uring_group {
            ring: FILE_IO_URING,
            mm: MM,
            addr: HEAP,
            nr_places: 1 << 15,
            head: 65535,
            ..Default::default()
        };
        self.put(0, &program, &[]);
        let kernel = cr_img_uring_group {
            ring: FILE_IO_URING,
            group: 1,
            flags: CR_URING_GROUP_MAPPED | CR_URING_GROUP_INC,
            nr_places: 4,
            min_left: u32::MAX,
            nr: (PAGE / size_of::<cr_img_uring_buffer>()) as u32,
            ..Default::default()
        };
        self.put(0, &kernel, &[9; PAGE]);
        let list = cr_img_uring_group {
            ring: FILE_IO_URING,
            group: 65535,
            flags: CR_URING_GROUP_LIST,
            nr: 2,
            ..Default::default()
        };
        let other = cr_img_uring_buffer { id: 3, ..buffer };
        self.put(0, &list, [buffer, other].as_bytes());
    }

    fn ipc_objects(&mut self) {
        let perm = cr_img_ipc_perm {
            id: 32769,
            key: -5,
            mode: 0o640,
            ..Default::default()
        };
        let set = cr_img_sem {
            perm,
            nr: 2,
            ..Default::default()
        };
        let semaphore = cr_img_semaphore {
            otime: 1_700_000_000,
            value: 3,
            pid: 1,
        };
        self.put(0, &set, [semaphore, semaphore].as_bytes());
        let queue = cr_img_msgq {
            perm,
            qbytes: 16384,
            lspid: 1,
            nr: 2,
            ..Default::default()
        };
        let message = |length| cr_img_msg {
            mtype: 7,
            length,
            reserved: 0,
        };
        let (some, none) = (message(5), message(0));
        self.put(
            0,
            &queue,
            &[some.as_bytes(), b"bytes", none.as_bytes()].concat(),
        );
        let queue = cr_img_mqueue {
            mode: 0o600,
            flags: CR_MQUEUE_SIGNALS,
            max_messages: 2,
            max_length: 100,
            nr: 2,
            name_len: 4,
            notify_pid: 1,
            notify_signal: 10,
            notify_value: 1 << 40,
            notify_fd: 5,
            ..Default::default()
        };
        let messages = [some.as_bytes(), b"bytes", none.as_bytes()].concat();
        self.put(MQUEUE, &queue, &[b"name", &messages[..]].concat());
    }

    fn landlock(&mut self) {
        let below = cr_img_landlock_rule {
            access: 2,
            flags: CR_LANDLOCK_RULE_QUIET as u16,
            mode: 0o040000,
            path_len: 4,
            ..Default::default()
        };
        let port = cr_img_landlock_rule {
            access: 1,
            port: 80,
            flags: CR_LANDLOCK_RULE_PORT as u16,
            ..Default::default()
        };
        let rules = [below.as_bytes(), b"/dir", port.as_bytes()].concat();
        let layers = [
            (RULES, 0, CR_LANDLOCK_RULESET),
            (LAYER, 0, CR_LANDLOCK_SAME_EXEC_OFF),
            (LAYER2, LAYER, CR_LANDLOCK_UNLOGGED),
        ];
        for (id, prev, flags) in layers {
            let layer = cr_img_landlock {
                prev,
                fs: 6,
                net: 1,
                scoped: 3,
                quiet_fs: 4,
                flags,
                nr_rules: 2,
                ..Default::default()
            };
            self.put(id, &layer, &rules);
        }
    }

    fn objects(&mut self) {
        self.landlock();
        let cred = cr_img_cred {
            nr_groups: 2,
            cap: [0, 3, 1, 3, 0],
            landlock: LAYER2,
            landlock_log: CR_LANDLOCK_LOG_OFF | 2,
            ..Default::default()
        };
        self.put(CRED, &cred, [0u32, 27].as_bytes());
        let pipe = cr_img_pipe {
            ring_size: 16,
            length: 5,
            nr_packets: 1,
            ..Default::default()
        };
        let packet = cr_img_packet { at: 1, length: 3 };
        self.put(PIPE, &pipe, &[packet.as_bytes(), b"bytes"].concat());
        let inode = cr_img_inode {
            kind: CR_INODE_MEMFD,
            mode: 0o600,
            size: PAGE as u64 + 1,
            seals: 1,
            name_len: 4,
            ..Default::default()
        };
        self.put(INODE, &inode, b"name");

        let path = "/usr/bin/sample";
        let exe = cr_img_file {
            kind: CR_FILE_REG,
            flags: 0o100000,
            mode: 0o100755,
            ino: 17,
            size: 1234,
            path_len: path.len() as u32,
            ..Default::default()
        };
        self.put(FILE_EXE, &exe, path.as_bytes());
        for (id, flags) in [(FILE_READ, 0), (FILE_WRITE, 1)] {
            let file = cr_img_file {
                kind: CR_FILE_PIPE,
                flags,
                target: PIPE,
                mode: 0o010600,
                ..Default::default()
            };
            self.put(id, &file, &[]);
        }
        let null = cr_img_file {
            kind: CR_FILE_CHR,
            flags: 0o100002,
            mode: 0o020666,
            rdev: 0x103,
            path_len: 9,
            ..Default::default()
        };
        self.put(FILE_NULL, &null, b"/dev/null");
        let external = cr_img_file {
            kind: CR_FILE_EXTERNAL,
            target: 2,
            mode: 0o020620,
            ..Default::default()
        };
        self.put(FILE_EXTERNAL, &external, &[]);
        let eventfd = cr_img_file {
            kind: CR_FILE_EVENTFD,
            flags: 0o4002,
            pos: 1 << 63,
            target: 1,
            ..Default::default()
        };
        self.put(FILE_EVENTFD, &eventfd, &[]);
        let epoll = cr_img_file {
            kind: CR_FILE_EPOLL,
            flags: 2,
            ..Default::default()
        };
        self.put(FILE_EPOLL, &epoll, &[]);
        let memory = cr_img_file {
            kind: CR_FILE_PROC_TASK,
            flags: 0o100002,
            pos: u64::MAX,
            target: 1,
            mode: 0o100600,
            path_len: 11,
            ..Default::default()
        };
        self.put(FILE_PROC_TASK, &memory, b"/proc/1/mem");
        let timerfd = cr_img_file {
            kind: CR_FILE_TIMERFD,
            flags: 2,
            pos: u64::MAX,
            target: 0,
            ..Default::default()
        };
        self.put(FILE_TIMERFD, &timerfd, &[]);
        let timer = cr_img_timerfd {
            file: FILE_TIMERFD,
            expires_ns: i64::MAX as u64,
            interval_ns: 1,
            flags: CR_TIMERFD_ARMED | CR_TIMERFD_WALL | CR_TIMERFD_CANCELABLE | CR_TIMERFD_CANCELED,
            settime_flags: 3,
        };
        self.put(0, &timer, &[]);
        let memfd = cr_img_file {
            kind: CR_FILE_MEMFD,
            flags: 0o100002,
            pos: 100,
            target: INODE,
            ..Default::default()
        };
        self.put(FILE_MEMFD, &memfd, &[]);
        let owner = cr_img_owner {
            file: FILE_READ,
            pid: 1,
            kind: CR_OWNER_PROCESS,
            uid: 1000,
            euid: 0,
            signal: 34,
            fd: 7,
            ..Default::default()
        };
        self.put(0, &owner, &[]);

        let fd = |fd, flags, file| cr_img_fd { fd, flags, file };
        let fds = [
            fd(0, 0, FILE_NULL),
            fd(1, 0, FILE_WRITE),
            fd(2, 0, FILE_EXTERNAL),
            fd(7, CR_FD_CLOEXEC, FILE_READ),
            fd(8, CR_FD_CLOEXEC, FILE_PROC_TASK),
            fd(9, 0, FILE_MEMFD),
        ];
        let table = cr_img_fdtable {
            nr_fds: fds.len() as u32,
            next_fd: 3,
        };
        self.put(FDTABLE, &table, fds.as_bytes());
        let fs = cr_img_fs {
            umask: 0o22,
            cwd_len: 4,
            root_len: 1,
            ..Default::default()
        };
        self.put(FS, &fs, b"/tmp/");
        let mut sighand = cr_img_sighand::default();
        sighand.action[14].handler = 0x40_1000;
        sighand.action[14].flags = 0x1400_0000;
        self.put(SIGHAND, &sighand, &[]);
        let shmem = cr_img_shmem {
            size: 3 * PAGE as u64,
            ..Default::default()
        };
        self.put(SHMEM, &shmem, &[]);
        let memory = cr_img_shmem {
            size: PAGE as u64,
            flags: CR_SHMEM_SYSV,
            key: 0x1234,
        };
        self.put(SEGMENT, &memory, &[]);
        let segment = cr_img_shm {
            perm: cr_img_ipc_perm {
                id: 5,
                ..Default::default()
            },
            object: SEGMENT,
            size: 4000,
            creator: 1,
            ..Default::default()
        };
        self.put(0, &segment, &[]);
        let signalfd = cr_img_file {
            kind: CR_FILE_SIGNALFD,
            flags: 0o4002,
            target: (1 << 63) | 1,
            ..Default::default()
        };
        self.put(FILE_SIGNALFD, &signalfd, &[]);
        let pidfd = cr_img_file {
            kind: CR_FILE_PIDFD,
            flags: 0o4202,
            ino: 77,
            pos: 7 << 8,
            ..Default::default()
        };
        self.put(FILE_PIDFD, &pidfd, &[]);
        self.inotify();
        let item = |file, fd, ready| cr_img_epoll_item {
            file,
            data: u64::MAX,
            fd,
            events: (1 << 31) | 1,
            ready,
            missing: 1 - ready,
            signals: 0,
        };
        let mut items = [
            item(FILE_READ, 7, 1),
            item(FILE_EVENTFD, 100, 0),
            item(FILE_SIGNALFD, 9, 0),
            item(FILE_PIDFD, 10, 0),
            item(FILE_INOTIFY, 11, 0),
        ];
        items[2].signals = SIGHAND;
        let watched = cr_img_epoll {
            file: FILE_EPOLL,
            nr: items.len() as u32,
            reserved: 0,
        };
        self.put(0, &watched, items.as_bytes());
    }

    fn inotify(&mut self) {
        let file = cr_img_file {
            kind: CR_FILE_INOTIFY,
            flags: 0o4000,
            ..Default::default()
        };
        self.put(FILE_INOTIFY, &file, &[]);
        let inotify = cr_img_inotify {
            file: FILE_INOTIFY,
            next_wd: 1 << 31,
            max_events: 2,
            nr_watches: 2,
            nr_events: 3,
        };
        let mut events = Vec::new();
        for (mask, wd, cookie, name) in [
            (0x4800_0100, 7, 9, "new"),
            (0x4000, -1, 0, ""),
            (0x8000, 3, 0, ""),
        ] {
            let event = cr_img_inotify_event {
                mask,
                wd,
                cookie,
                name_len: name.len() as u32,
            };
            events.extend_from_slice(event.as_bytes());
            events.extend_from_slice(name.as_bytes());
        }
        self.put(0, &inotify, &events);
        for (wd, mask, mode, path) in [
            (7, 0x8400_0fff, 0o040000, "/tmp"),
            (i32::MAX, 0, 0o120000, "/tmp/link"),
        ] {
            let watch = cr_img_watch {
                wd,
                mask,
                mode,
                path_len: path.len() as u32,
            };
            self.put(0, &watch, path.as_bytes());
        }
    }

    fn memory(&mut self) {
        let aio = cr_img_aio {
            max_requests: 128,
            nr_pages: 2,
            head: 254,
            nr_events: 2,
        };
        let event = cr_img_aio_event {
            data: 7,
            res: -5,
            ..Default::default()
        };
        self.put(AIO, &aio, [event, event].as_bytes());
        // MPOL_INTERLEAVE with MPOL_F_STATIC_NODES: one of the nodes is not there.
        let policy = cr_img_policy {
            mode: 3,
            flags: 1 << 15,
            home_node: 0,
            nr_words: 2,
        };
        self.put(POLICY, &policy, [0b11u64, 1, 0b11, 0].as_bytes());
        for (id, shared) in [(MM, true), (MM2, false)] {
            let vma = |start, nr_pages: u64, kind, object, flags| cr_img_vma {
                start,
                end: start + nr_pages * PAGE as u64,
                pgoff: 0,
                object,
                policy: match start {
                    HEAP => POLICY,
                    _ => 0,
                },
                kind,
                flags,
            };
            let rw = CR_VMA_READ | CR_VMA_WRITE;
            let rx = CR_VMA_READ | CR_VMA_EXEC;
            let mut vmas = vec![
                vma(TEXT, 4, CR_VMA_FILE, FILE_EXE, rx),
                vma(HEAP, 8, CR_VMA_ANON, 0, rw | CR_VMA_ACCOUNT),
            ];
            if shared {
                vmas.push(vma(SHARED, 3, CR_VMA_SHMEM, SHMEM, rw | CR_VMA_SHARED));
                let flags = rw | CR_VMA_SHARED | CR_VMA_DONTFORK;
                vmas.push(vma(RING, 2, CR_VMA_AIO, AIO, flags));
            }
            vmas.push(vma(VDSO, 4, CR_VMA_VDSO, 0, CR_VMA_READ));
            vmas.push(vma(VDSO + 4 * PAGE as u64, 2, CR_VMA_VDSO, 0, rx));
            vmas.push(vma(STACK, 4, CR_VMA_ANON, 0, rw | CR_VMA_GROWSDOWN));
            let mm = cr_img_mm {
                start_code: TEXT,
                end_code: TEXT + 100,
                start_brk: HEAP,
                brk: HEAP + 0x8000,
                start_stack: STACK + 0x3000,
                exe: FILE_EXE,
                vdso: VDSO,
                vdso_crc: 1,
                nr_vmas: vmas.len() as u32,
                nr_auxv: 4,
                dumpable: 1,
                ..Default::default()
            };
            self.put(id, &mm, [6u64, 4096, 0, 0].as_bytes());
            for vma in &vmas {
                self.put(0, vma, &[]);
            }
            let guards = cr_img_guards {
                mm: id,
                nr_runs: 2,
                ..Default::default()
            };
            let runs = [run(HEAP + 7 * PAGE as u64, 1), run(STACK, 1)];
            self.put(0, &guards, runs.as_bytes());
            let ldt = cr_img_ldt {
                mm: id,
                nr: 3,
                ..Default::default()
            };
            // Data that can be written, nothing, and code.
            let entries = [0x0040_f300_0000_0fff_u64, 0, 0x12cf_fb34_5678_ffff];
            self.put(0, &ldt, entries.as_bytes());
        }
        self.put(SIGHAND2, &cr_img_sighand::default(), &[]);
        let uring = cr_img_uring {
            setup_flags: 1 << 12,
            sq_entries: 4,
            cq_entries: 8,
            sq_head: u32::MAX,
            owner: 1,
            submitter: 2,
            nr_ring_pages: 1,
            nr_entry_pages: 1,
            ..Default::default()
        };
        self.put(URING, &uring, &[7; 2 * PAGE]);
        let file = cr_img_file {
            kind: CR_FILE_IO_URING,
            flags: 0o2,
            target: URING,
            ..Default::default()
        };
        self.put(FILE_IO_URING, &file, &[]);
        let file = cr_img_file {
            kind: CR_FILE_MQUEUE,
            flags: 0o2004002,
            target: MQUEUE,
            pos: 7,
            ..Default::default()
        };
        self.put(FILE_MQUEUE, &file, &[]);
        let place = cr_img_file {
            kind: CR_FILE_PATH,
            flags: 0o10400000,
            mode: 0o120777,
            size: 7,
            path_len: 9,
            ..Default::default()
        };
        self.put(FILE_PLACE, &place, b"/dev/link");
        // BPF_MAP_TYPE_PERCPU_HASH with BPF_F_NO_PREALLOC.
        let map = cr_img_bpf_map {
            type_: 5,
            key_size: 4,
            value_size: 5,
            max_entries: 3,
            map_flags: 1,
            nr_cpus: 2,
            nr: 2,
            flags: CR_BPF_MAP_FROZEN,
            name: padded("map"),
            ..Default::default()
        };
        self.put(BPF_MAP, &map, &[7; 40]);
        let file = cr_img_file {
            kind: CR_FILE_BPF_MAP,
            flags: 2,
            target: BPF_MAP,
            ..Default::default()
        };
        self.put(FILE_BPF_MAP, &file, &[]);
        let rules = cr_img_file {
            kind: CR_FILE_RULESET,
            flags: 0o4002,
            target: RULES,
            ..Default::default()
        };
        self.put(FILE_RULES, &rules, &[]);
        self.fanotify();
        let lock = cr_img_lock {
            file: FILE_EXE,
            owner: FDTABLE,
            start: 0,
            end: i64::MAX as u64,
            kind: CR_LOCK_POSIX,
            exclusive: 0,
            pid: 1,
            fd: 0,
        };
        self.put(0, &lock, &[]);
        let lease = cr_img_lock {
            owner: 0,
            kind: CR_LOCK_LEASE,
            exclusive: 1,
            fd: 3,
            ..lock
        };
        self.put(0, &lease, &[]);
    }

    fn tasks(&mut self) {
        for (id, prev) in [(SECCOMP, 0), (SECCOMP2, SECCOMP)] {
            let filter = cr_img_seccomp {
                prev,
                flags: CR_SECCOMP_LOG,
                nr_insns: 1,
            };
            // BPF_RET | BPF_K, SECCOMP_RET_ALLOW
            self.put(id, &filter, 0x7fff_0000_0000_0006u64.as_bytes());
        }
        for (id, parent, last_pid) in [(PIDNS, 0, 4), (PIDNS2, PIDNS, 0)] {
            let ns = cr_img_pidns {
                parent,
                last_pid,
                flags: 0,
            };
            self.put(id, &ns, &[]);
        }
        let dead = cr_img_pid {
            pid_ns: PIDNS,
            nr: 7,
            reserved: 0,
        };
        self.put(0, &dead, 3u32.as_bytes());
        let init = cr_img_process {
            pid: 1,
            ppid: 0,
            pgid: 1,
            sid: 1,
            state: CR_PROCESS_ALIVE,
            mm: MM,
            files: FDTABLE,
            fs: FS,
            sighand: SIGHAND,
            nr_threads: 2,
            tty: TTY,
            ..Default::default()
        };
        self.put(0, &init, &[]);
        self.siginfo(1, &[15]);
        self.thread(1, "init", &[]);
        self.siginfo(0, &[34, 34, 10]);
        self.thread(2, "worker", &[]);
        let sched = cr_img_sched {
            slice_ns: 1_000_000,
            util_min: 10,
            util_max: CR_SCHED_NO_CLAMP,
            ioprio: (2 << 13) | 7,
            nr_cpu_words: 2,
            policy: POLICY,
            last_node: 1023,
            ..Default::default()
        };
        self.put(0, &sched, [3u64, 1].as_bytes());
        let controls = cr_img_controls {
            flags: CR_CONTROL_NO_TSC | CR_CONTROL_MCE_LATE | CR_CONTROL_DISPATCH,
            store_bypass: 16,
            indirect_branch: 8,
            l1d_flush: 2,
            dispatch_offset: TEXT,
            dispatch_len: 4096,
            dispatch_selector: HEAP,
        };
        self.put(0, &controls, &[]);
        let mut trace = cr_img_trace {
            tracer: 5,
            flags: CR_TRACE_SEIZED | CR_TRACE_SINGLE_STEP | CR_TRACE_TRAP_STOP,
            options: 1,
            stop: CR_TRACE_IN_SIGNAL,
            status: 5,
            ..Default::default()
        };
        trace.siginfo[0] = 5;
        self.put(0, &trace, &[]);
        let debugregs = cr_img_debugregs {
            address: [0, HEAP, 0, 0],
            control: 4,
            breakpoints: 2,
            ..Default::default()
        };
        self.put(0, &debugregs, &[]);
        let tls = cr_img_tls {
            descriptor: [0x12cf_f334_5678_ffff, 0, 0],
        };
        self.put(0, &tls, &[]);
        let head = cr_img_timers {
            next_id: 9,
            nr: 2,
            ..Default::default()
        };
        let timer = cr_img_timer {
            id: 7,
            clock: -6,
            clock_pid: 1,
            flags: CR_TIMER_PENDING,
            signal: 15,
            expires_ns: 1_000_000,
            interval_ns: 2_000_000,
            overrun: 3,
            ..Default::default()
        };
        let alarm = cr_img_timer {
            id: 8,
            flags: CR_TIMER_ARMED | CR_TIMER_ABSOLUTE,
            notify: 4,
            signal: 40,
            target: 2,
            expires_ns: 1_700_000_000_000_000_000,
            ..Default::default()
        };
        self.put(0, &head, [timer, alarm].as_bytes());

        let child = cr_img_process {
            pid: 5,
            ppid: 1,
            parent_tid: 2,
            pgid: 5,
            mm: MM2,
            sighand: SIGHAND2,
            exit_signal: 17,
            nr_threads: 1,
            pid_ns: PIDNS,
            ..init
        };
        self.put(0, &child, &[]);
        self.thread(5, "child", &[1]);

        let zombie = cr_img_process {
            pid: 9,
            ppid: 5,
            parent_tid: 5,
            pgid: 5,
            sid: 1,
            state: CR_PROCESS_ZOMBIE,
            exit_code: 3 << 8,
            exit_signal: 17,
            nr_threads: 1,
            pid_ns: PIDNS,
            ..Default::default()
        };
        self.put(0, &zombie, &[]);
        let thread = cr_img_thread {
            tid: 9,
            comm: padded("gone"),
            ..Default::default()
        };
        self.put(0, &thread, 4u32.as_bytes());
    }

    fn thread(&mut self, tid: u32, comm: &str, numbers: &[u32]) {
        let thread = cr_img_thread {
            seccomp: if tid == 2 { SECCOMP2 } else { 0 },
            tid,
            comm: padded(comm),
            cred: CRED,
            altstack_flags: 2,
            timer_slack_ns: 50_000,
            default_timer_slack_ns: 50_000,
            children_pid_ns: if numbers.is_empty() { 0 } else { PIDNS2 },
            ..Default::default()
        };
        self.put(0, &thread, numbers.as_bytes());
        let mut regs = cr_img_regs::default();
        regs.reg[16] = TEXT;
        regs.reg[17] = 0x33;
        regs.reg[18] = 0x246;
        regs.reg[19] = STACK + 0x2000;
        regs.reg[20] = 0x2b;
        self.put(0, &regs, &[]);
        let mut xstate = vec![0; cr_codec::xstate::buffer_len(XSTATE_SIZE)];
        xstate[24..28].copy_from_slice(&0x1f80u32.to_le_bytes());
        xstate[512] = 3;
        let (xstate, blocks) = cr_codec::xstate::pack(&mut xstate);
        self.put(0, &xstate, blocks);
    }

    fn siginfo(&mut self, shared: u32, signals: &[u8]) {
        let queue = cr_img_sigqueue {
            shared,
            nr: signals.len() as u32,
            pending: signals
                .iter()
                .fold(0, |set, signal| set | (1 << (signal - 1))),
        };
        let info: Vec<_> = signals
            .iter()
            .map(|&signal| {
                let mut info = [0; 128];
                info[0] = signal;
                cr_img_siginfo {
                    timer: if signal == 15 { 8 } else { 0 },
                    info,
                    ..Default::default()
                }
            })
            .collect();
        self.put(0, &queue, info.as_bytes());
    }

    /// An image that has only what changed since the sample: the heap's first page. The second one has
    /// not changed, and that on the stack is gone.
    pub fn increment() -> Self {
        let mut sample = Self::new();
        sample.pages[2] = (MM, vec![run(HEAP, 1)], 0x77);
        sample.change::<cr_img_container>(0, |container| {
            container.nr_pages = 5;
            container.parent = container.id;
            container.id = [2; 16];
        });
        let unchanged = cr_img_unchanged {
            mm: MM,
            object: MM,
            nr_runs: 1,
            reserved: 0,
        };
        sample.put(0, &unchanged, run(HEAP + PAGE as u64, 1).as_bytes());
        sample
    }

    /// Changes the fixed part of the `nth` record of a kind.
    pub fn change<R: Record>(&mut self, nth: usize, f: impl Fn(&mut R)) {
        let mut found = self.state.iter_mut().filter(|rec| rec.tag == R::TAG);
        let payload = &mut found.nth(nth).unwrap().payload;
        let mut fixed = R::read_from_prefix(payload).unwrap().0;
        f(&mut fixed);
        payload[..size_of::<R>()].copy_from_slice(fixed.as_bytes());
    }

    /// The records as the checks want them.
    pub fn recs(&self) -> Vec<Rec<'_>> {
        let mut offset = 128;
        let mut recs = Vec::new();
        for owned in &self.state {
            recs.push(Rec {
                tag: owned.tag,
                id: owned.id,
                offset,
                payload: &owned.payload,
            });
            offset += 40 + owned.payload.len().next_multiple_of(8) as u64;
        }
        recs
    }

    /// The image.
    pub fn image(&self) -> Vec<u8> {
        self.image_with(crc::update)
    }

    /// The image with checksums of another kind.
    pub fn image_with(&self, checksum: Checksum) -> Vec<u8> {
        let mut writer = Writer::new(Memory::default(), checksum);
        writer.header(&self.header).unwrap();
        for owned in &self.state {
            let kind = cr_codec::record::kind(owned.tag).unwrap();
            writer.raw(kind, owned.id, &owned.payload).unwrap();
        }
        for (object, runs, fill) in &self.pages {
            let mut pages = writer.pages(*object, runs).unwrap();
            while pages.remaining() > 0 {
                pages.page(&[*fill; PAGE]).unwrap();
            }
            pages.finish().unwrap();
        }
        writer.end().unwrap();
        writer.into_sink().0
    }
}

/// A record with right checksums, whatever is in it.
pub fn raw(mut head: cr_img_record, payload: &[u8]) -> Vec<u8> {
    head.crc = crc::update(0, &head.as_bytes()[..28]);
    let mut padded = payload.to_vec();
    padded.resize(payload.len().next_multiple_of(8), 0);
    let tail = cr_img_tail {
        crc: crc::update(0, &padded),
        reserved: 0,
    };
    [head.as_bytes(), &padded, tail.as_bytes()].concat()
}
