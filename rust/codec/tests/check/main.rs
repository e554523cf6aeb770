// SPDX-License-Identifier: GPL-2.0

//! The meaning of images: each rule has a record that breaks it.

use cr_codec::{check::check_state, uapi::*, Record};
use proptest::prelude::*;
use zerocopy::{FromBytes, IntoBytes};

mod bpf;
mod fanotify;
mod inet;
mod kernfs;
mod landlock;
mod netlink;
mod packet;
#[path = "../sample/mod.rs"]
mod sample;
mod sockets;
mod tty;
use sample::*;

fn check(sample: &Sample) -> Result<(), String> {
    let recs = sample.recs();
    let mut scratch = vec![0; recs.len()];
    let state = check_state(&sample.header, &recs, &mut scratch).map_err(|err| err.to_string())?;
    for (object, runs, _) in &sample.pages {
        for run in runs {
            state
                .check_run(0, *object, run)
                .map_err(|err| err.to_string())?;
        }
    }
    Ok(())
}

/// Index of the `nth` record of a kind.
fn index(sample: &Sample, tag: u32, nth: usize) -> usize {
    let mut found = sample
        .state
        .iter()
        .enumerate()
        .filter(|(_, r)| r.tag == tag);
    found.nth(nth).unwrap().0
}

/// Changes the fixed part of the `nth` record of a kind.
fn change<R: Record>(nth: usize, f: impl Fn(&mut R)) -> Sample {
    let mut sample = Sample::new();
    sample.change(nth, f);
    sample
}

#[track_caller]
fn refused(sample: &Sample, message: &str) {
    let error = check(sample).unwrap_err();
    assert!(error.contains(message), "{error:?} is not {message:?}");
}

#[track_caller]
fn fails<R: Record>(nth: usize, message: &str, f: impl Fn(&mut R)) {
    refused(&change(nth, f), message);
}

#[track_caller]
fn passes<R: Record>(nth: usize, f: impl Fn(&mut R)) {
    assert_eq!(check(&change(nth, f)), Ok(()));
}

/// Changes bytes of the `nth` record of a kind.
#[track_caller]
fn fails_bytes(tag: u32, nth: usize, message: &str, f: impl Fn(&mut Vec<u8>)) {
    let mut sample = Sample::new();
    let at = index(&sample, tag, nth);
    f(&mut sample.state[at].payload);
    refused(&sample, message);
}

#[test]
fn the_sample_is_right() {
    assert_eq!(check(&Sample::new()), Ok(()));
}

#[test]
fn every_record_is_needed() {
    let sample = Sample::new();
    for at in 0..sample.state.len() {
        let mut less = sample.clone();
        let gone = less.state.remove(at);
        let optional = matches!(
            gone.tag,
            CR_TAG_SECTION
                | CR_TAG_LOCK
                | CR_TAG_DNOTIFY
                | CR_TAG_OWNER
                | CR_TAG_PEER
                | CR_TAG_MESSAGE
                | CR_TAG_WAITING
                | CR_TAG_DATAGRAM
                | CR_TAG_SOURCE
                | CR_TAG_SOCKERR
                | CR_TAG_CORK
                | CR_TAG_NLMSG
                | CR_TAG_SOCKFILTER
                | CR_TAG_FRAME
                | CR_TAG_SIGQUEUE
                | CR_TAG_SCHED
                | CR_TAG_CONTROLS
                | CR_TAG_TRACE
                | CR_TAG_DEBUGREGS
                | CR_TAG_PID
                | CR_TAG_GUARDS
                | CR_TAG_LDT
                | CR_TAG_TLS
                | CR_TAG_SEM
                | CR_TAG_MSGQ
                | CR_TAG_SEMADJ
                | CR_TAG_SHM
                | CR_TAG_URING_TABLE
                | CR_TAG_URING_GROUP
                | CR_TAG_URING_TASK
                | CR_TAG_URING_REQUEST
        ) || (FILE_LISTENER..FILE_DATAGRAMS).contains(&gone.id)
            || (FILE_MASTER..=FILE_PROC).contains(&gone.id)
            || matches!(
                gone.id,
                FILE_INET
                    | FILE_CONNECTED
                    | FILE_ACCEPTED
                    | FILE_UDP
                    | FILE_NETLINK
                    | FILE_RAW
                    | FILE_LINK
                    | FILE_KERNFS
                    | FILE_PING
                    | FILE_MQUEUE
                    | FILE_PLACE
                    | FILE_BPF_MAP
                    | FILE_RULES
            );
        assert_eq!(check(&less).is_ok(), optional, "{gone:?}");
        if !matches!(
            gone.tag,
            CR_TAG_SECTION
                | CR_TAG_LOCK
                | CR_TAG_DNOTIFY
                | CR_TAG_SIGQUEUE
                | CR_TAG_MESSAGE
                | CR_TAG_WAITING
                | CR_TAG_DATAGRAM
                | CR_TAG_URING_REQUEST
                | CR_TAG_SOURCE
                | CR_TAG_SOCKERR
                | CR_TAG_NLMSG
                | CR_TAG_FRAME
                | CR_TAG_SEM
                | CR_TAG_MSGQ
                | CR_TAG_SEMADJ
                | CR_TAG_SHM
        ) {
            let mut twice = sample.clone();
            twice.state.insert(at, gone);
            assert!(check(&twice).is_err());
        }
    }
}

#[test]
fn every_length_is_checked() {
    let sample = Sample::new();
    for at in 0..sample.state.len() {
        for delta in [-8, -1, 1, 8, 16, 128] {
            let mut other = sample.clone();
            let payload = &mut other.state[at].payload;
            payload.resize(payload.len().saturating_add_signed(delta), b'x');
            // What is in a section is not the kernel's business.
            // Nor does it know how many names of features there are.
            let any = matches!(other.state[at].tag, CR_TAG_SECTION | CR_TAG_CPU);
            assert_eq!(check(&other).is_ok(), any, "{at} {delta}");
        }
    }
}

#[test]
fn references_lead_backwards() {
    let mut sample = Sample::new();
    let (file, pipe) = (
        index(&sample, CR_TAG_FILE, 1),
        index(&sample, CR_TAG_PIPE, 0),
    );
    let pipe = sample.state.remove(pipe);
    sample.state.insert(file, pipe);
    assert!(check(&sample)
        .unwrap_err()
        .contains("its object id is not above"));
    sample.state[file].id = FILE_READ + 1;
    sample.state[file - 1].id = FILE_READ;
    assert!(check(&sample).is_err());

    fails::<cr_img_file>(1, "no pipe behind it", |file| file.target = FILE_READ);
    fails::<cr_img_file>(1, "no pipe behind it", |file| file.target = FDTABLE);
    fails::<cr_img_file>(1, "no pipe behind it", |file| file.target = 0);
    fails::<cr_img_mm>(0, "the program is no file", |mm| mm.exe = PIPE);
    fails::<cr_img_mm>(0, "the program is not a regular file", |mm| {
        mm.exe = FILE_NULL
    });
    fails::<cr_img_vma>(0, "no file behind it", |vma| vma.object = MM);
    fails::<cr_img_vma>(2, "no shared memory behind it", |vma| vma.object = FILE_EXE);
    fails::<cr_img_process>(0, "no memory", |process| process.mm = FS);
    fails::<cr_img_process>(0, "no descriptor table", |process| process.files = 0);
    fails::<cr_img_process>(0, "no working directory", |process| process.fs = 999);
    fails::<cr_img_process>(0, "no signal actions", |process| process.sighand = FS);
    fails::<cr_img_thread>(0, "no credentials", |thread| thread.cred = 0);
    fails::<cr_img_lock>(0, "a lock on no file", |lock| lock.file = FS);
    fails::<cr_img_lock>(0, "a lock of no descriptor table", |lock| lock.owner = FS);
    fails_bytes(CR_TAG_FDTABLE, 0, "a descriptor of no file", |bytes| {
        bytes[16] = PIPE as u8
    });
}

#[test]
fn order() {
    let sample = Sample::new();
    let swap = |a, b| {
        let mut sample = sample.clone();
        sample.state.swap(a, b);
        check(&sample).unwrap_err()
    };
    let container = index(&sample, CR_TAG_CONTAINER, 0);
    assert!(swap(container, container + 1).ends_with("before the container"));
    let vma = index(&sample, CR_TAG_VMA, 0);
    assert!(swap(vma, vma - 1).ends_with("a mapping without a memory descriptor"));
    let thread = index(&sample, CR_TAG_THREAD, 0);
    assert!(swap(thread, thread + 1).ends_with("without a thread"));
    let leader = index(&sample, CR_TAG_THREAD, 0);
    let other = index(&sample, CR_TAG_THREAD, 1);
    assert!(swap(leader, other).ends_with("the leader is not the first thread of the process"));

    let mut late = sample.clone();
    let section = late.state.remove(0);
    late.state.insert(5, section);
    assert!(check(&late).unwrap_err().contains("a section after"));

    let mut many = sample.clone();
    for _ in 0..16 {
        many.state.insert(0, sample.state[0].clone());
    }
    assert!(check(&many).unwrap_err().ends_with("too many sections"));
    many.state.remove(0);
    assert_eq!(check(&many), Ok(()));
}

#[test]
fn container() {
    fails::<cr_img_container>(0, "number of processes than announced", |c| {
        c.nr_processes = 2
    });
    fails::<cr_img_container>(0, "number of threads than announced", |c| c.nr_threads = 9);
    fails::<cr_img_container>(0, "impossible number of tasks", |c| c.nr_threads = 1);
    fails::<cr_img_container>(0, "impossible number of tasks", |c| c.nr_threads = u32::MAX);
    fails::<cr_img_container>(0, "impossible last pid", |c| c.last_pid = 0);
    fails::<cr_img_container>(0, "unknown namespaces", |c| c.namespaces = 16);
    fails::<cr_img_container>(0, "only come together", |c| c.namespaces = CR_NS_MNT);
    fails::<cr_img_container>(0, "impossible time", |c| c.monotonic_ns = 1 << 62);
    fails::<cr_img_container>(0, "impossible time", |c| c.boottime_ns = u64::MAX);
    fails::<cr_img_uts>(0, "not NUL padded", |uts| uts.nodename = [b'x'; 65]);
    fails::<cr_img_uts>(0, "not NUL padded", |uts| uts.domainname[64] = b'x');
    fails::<cr_img_uts>(0, "reserved member", |uts| uts.reserved[5] = 1);
    let limits = "impossible limits of System V IPC";
    fails::<cr_img_ipc>(0, limits, |ipc| ipc.shmmni = (1 << 24) + 1);
    fails::<cr_img_ipc>(0, limits, |ipc| ipc.shm_rmid_forced = 2);
    fails::<cr_img_ipc>(0, limits, |ipc| ipc.msgmax = 1 << 31);
    fails::<cr_img_ipc>(0, limits, |ipc| ipc.msgmni = u32::MAX);
    let ids = "impossible identifiers of new objects";
    fails::<cr_img_ipc>(0, ids, |ipc| ipc.next_seq[1] = 65536);
    fails::<cr_img_ipc>(0, ids, |ipc| ipc.last_index[2] = -2);
    let limits = "impossible limits of message queues";
    fails::<cr_img_ipc>(0, limits, |ipc| ipc.mq_msg_max = 0);
    fails::<cr_img_ipc>(0, limits, |ipc| ipc.mq_msgsize_default = 127);
    passes::<cr_img_ipc>(0, |ipc| {
        (ipc.sem, ipc.shmall, ipc.mq_queues_max) = ([-1; 4], 0, u32::MAX);
    });
    for names in ["", "avx", "avx avx2"] {
        let mut other = Sample::new();
        let at = index(&other, CR_TAG_CPU, 0);
        other.state[at].payload = names.into();
        assert_eq!(check(&other), Ok(()), "{names}");
    }
    for names in [" ", "avx ", " avx", "avx  avx2", "AVX", "avx\n", "avx\0"] {
        fails_bytes(CR_TAG_CPU, 0, "not names of features", |payload| {
            *payload = names.into()
        });
    }
    fails::<cr_img_section>(0, "not a name", |section| section.name = [0; 16]);
    fails::<cr_img_section>(0, "not a name", |section| section.name = [b'x'; 16]);
    fails::<cr_img_section>(0, "not a name", |section| section.name[0] = b'\n');

    let mut other = Sample::new();
    other.header.arch = 183;
    assert!(check(&other).is_err());
}

#[test]
fn owners_of_files() {
    fails::<cr_img_owner>(0, "an owner of no file", |owner| owner.file = FS);
    fails::<cr_img_owner>(0, "cannot have an owner", |owner| {
        owner.file = FILE_EXTERNAL
    });
    fails::<cr_img_owner>(0, "impossible owner", |owner| owner.pid = u32::MAX);
    fails::<cr_img_owner>(0, "impossible owner", |owner| owner.kind = 3);
    fails::<cr_img_owner>(0, "impossible owner", |owner| owner.signal = 65);
    fails::<cr_img_owner>(0, "cannot send signals", |owner| owner.file = FILE_EVENTFD);
    fails::<cr_img_owner>(0, "cannot send signals", |owner| owner.fd = 1 << 20);
    fails::<cr_img_owner>(0, "impossible flags", |owner| owner.flags = 1);
    fails::<cr_img_owner>(0, "not zero", |owner| owner.reserved = 1);
    fails::<cr_img_owner>(1, "cannot send signals", |owner| owner.fd = 9);
}

#[test]
fn directories_that_send_signals() {
    let refused =
        |why, change: &dyn Fn(&mut cr_img_dnotify)| fails::<cr_img_dnotify>(0, why, change);
    refused("signals of no file", &|watch| watch.file = FS);
    refused("what is no directory", &|watch| watch.file = FILE_READ);
    refused("no descriptor table", &|watch| watch.files = FS);
    refused("unknown events", &|watch| watch.mask = 0x40);
    refused("impossible descriptor", &|watch| watch.fd = 1 << 20);
    passes::<cr_img_dnotify>(0, |watch| watch.mask = 0);
}

#[test]
fn timers_as_files() {
    fails::<cr_img_timerfd>(0, "no timerfd", |timer| timer.file = FILE_EVENTFD);
    fails::<cr_img_timerfd>(0, "no timerfd", |timer| timer.file = FS);
    fails::<cr_img_timerfd>(0, "unknown flags", |timer| timer.flags |= 0x20);
    fails::<cr_img_timerfd>(0, "unknown flags", |timer| timer.settime_flags = 4);
    fails::<cr_img_timerfd>(0, "has expired", |timer| timer.flags |= CR_TIMERFD_EXPIRED);
    fails::<cr_img_timerfd>(0, "the clock on the wall", |timer| {
        timer.flags &= !CR_TIMERFD_WALL
    });
    fails::<cr_img_timerfd>(0, "the clock on the wall", |timer| {
        timer.flags &= !CR_TIMERFD_CANCELABLE
    });
    fails::<cr_img_timerfd>(0, "impossible time", |timer| timer.expires_ns = 1 << 63);
    fails::<cr_img_timerfd>(0, "impossible time", |timer| timer.interval_ns = 1 << 63);
    fails::<cr_img_timerfd>(0, "impossible time", |timer| {
        timer.flags &= !CR_TIMERFD_ARMED
    });
    passes::<cr_img_timerfd>(0, |timer| {
        timer.flags ^= CR_TIMERFD_ARMED | CR_TIMERFD_EXPIRED
    });
    fails::<cr_img_file>(8, "the clock on the wall", |file| file.target = 1);
    fails::<cr_img_file>(8, "an anonymous file", |file| file.target = 8);
    fails::<cr_img_file>(8, "an anonymous file", |file| file.size = 1);
    fails::<cr_img_file>(8, "no timerfd", |file| {
        (file.kind, file.pos) = (CR_FILE_EVENTFD, 0)
    });
    fails::<cr_img_file>(5, "when it expires", |file| {
        (file.kind, file.target) = (CR_FILE_TIMERFD, 7)
    });
}

#[test]
fn inotify() {
    fails::<cr_img_inotify>(0, "no inotify instance", |inotify| {
        inotify.file = FILE_PIDFD
    });
    fails::<cr_img_inotify>(0, "no inotify instance", |inotify| inotify.file = FS);
    fails::<cr_img_inotify>(0, "impossible limits", |inotify| {
        inotify.next_wd = (1 << 31) + 1
    });
    fails::<cr_img_inotify>(0, "impossible limits", |inotify| {
        inotify.max_events = 1 << 31
    });
    fails::<cr_img_inotify>(0, "there is room for", |inotify| inotify.max_events = 1);
    fails::<cr_img_inotify>(0, "its count", |inotify| inotify.nr_events = 2);
    fails::<cr_img_inotify>(0, "fewer watches", |inotify| inotify.nr_watches = 3);
    fails::<cr_img_inotify>(0, "more watches", |inotify| inotify.nr_watches = 1);
    // The events: mask, descriptor, cookie and length of a name each; the first has a name of 3 bytes.
    let first = size_of::<cr_img_inotify>();
    let second = first + size_of::<cr_img_inotify_event>() + 3;
    let event = |at: usize, message: &str, f: &dyn Fn(&mut cr_img_inotify_event)| {
        fails_bytes(CR_TAG_INOTIFY, 0, message, |payload| {
            let place = at..at + size_of::<cr_img_inotify_event>();
            let mut event = cr_img_inotify_event::read_from_bytes(&payload[place.clone()]).unwrap();
            f(&mut event);
            payload[place].copy_from_slice(event.as_bytes());
        });
    };
    event(first, "an impossible event", &|event| event.wd = 0);
    event(first, "an impossible event", &|event| event.mask = 0);
    event(first, "an impossible event", &|event| event.mask = 0x4100);
    event(first, "an impossible event", &|event| event.mask = 0x1_0000);
    event(first, "its count", &|event| event.name_len = u32::MAX);
    event(second, "an impossible event", &|event| event.cookie = 1);
    event(second, "an impossible event", &|event| event.wd = 1);
    event(second, "there is room for", &|event| {
        (event.mask, event.wd) = (1, 1)
    });
    fails_bytes(CR_TAG_INOTIFY, 0, "an impossible name", |payload| {
        payload[second - 1] = 0
    });
    fails_bytes(CR_TAG_INOTIFY, 0, "its count", |payload| payload.push(0));

    fails::<cr_img_watch>(0, "impossible watch descriptor", |watch| watch.wd = 0);
    fails::<cr_img_watch>(1, "above the last one", |watch| watch.wd = 7);
    fails::<cr_img_watch>(0, "unknown events", |watch| watch.mask = 0x1000);
    fails::<cr_img_watch>(0, "impossible type of file", |watch| watch.mode = 0o040755);
    fails::<cr_img_watch>(0, "impossible type of file", |watch| watch.mode = 0);
    fails::<cr_img_watch>(0, "its count", |watch| watch.path_len = 3);
    fails_bytes(CR_TAG_WATCH, 0, "not an absolute path", |payload| {
        payload[size_of::<cr_img_watch>()] = b'.'
    });
    let mut other = Sample::new();
    let at = index(&other, CR_TAG_INOTIFY, 0);
    other.state.remove(at);
    let error = check(&other).unwrap_err();
    assert!(error.contains("watched by nobody"), "{error}");
    fails::<cr_img_file>(5, "what it watches", |file| {
        (file.kind, file.pos, file.target) = (CR_FILE_INOTIFY, 0, 0)
    });
}

#[test]
fn objects() {
    fails::<cr_img_cred>(0, "no such user or group", |cred| cred.uid[3] = u32::MAX);
    fails::<cr_img_cred>(0, "unknown capabilities", |cred| cred.cap[3] = 1 << 41);
    fails::<cr_img_cred>(0, "not permitted", |cred| cred.cap[2] = 4);
    fails::<cr_img_cred>(0, "not permitted", |cred| cred.cap[4] = 1);
    fails::<cr_img_cred>(0, "unknown securebits", |cred| cred.securebits = 1 << 12);
    for own in [1, 2, 6, 8] {
        fails::<cr_img_cred>(0, "unknown keyring", |cred| cred.reqkey_keyring = own);
    }
    passes::<cr_img_cred>(0, |cred| cred.reqkey_keyring = 4);
    fails::<cr_img_mm>(0, "number of slots", |mm| mm.futex_slots = 3);
    passes::<cr_img_mm>(0, |mm| mm.futex_slots = CR_FUTEX_GLOBAL);
    passes::<cr_img_mm>(0, |mm| mm.futex_slots = 1 << 31);
    fails::<cr_img_pipe>(0, "impossible size", |pipe| pipe.ring_size = 0);
    fails::<cr_img_pipe>(0, "impossible size", |pipe| pipe.ring_size = 15);
    fails::<cr_img_pipe>(0, "impossible size", |pipe| pipe.ring_size = 1 << 31);
    fails::<cr_img_pipe>(0, "more bytes than there is room for", |pipe| {
        pipe.length = 65537
    });
    fails::<cr_img_pipe>(0, "disagree", |pipe| pipe.nr_packets = 2);
    passes::<cr_img_pipe>(0, |pipe| pipe.ring_size = 4);
    fails_bytes(CR_TAG_PIPE, 0, "impossible size of a packet", |pipe| {
        pipe[28..30].copy_from_slice(&0u16.to_le_bytes());
    });
    fails_bytes(CR_TAG_PIPE, 0, "impossible size of a packet", |pipe| {
        pipe[28..30].copy_from_slice(&4097u16.to_le_bytes());
    });
    fails_bytes(CR_TAG_PIPE, 0, "not in the pipe", |pipe| pipe[24] = 3);
    // One buffer each for what is before the packet, the packet, and what is after it.
    fails::<cr_img_pipe>(0, "more packets than there is room for", |pipe| {
        pipe.ring_size = 2
    });
    fails::<cr_img_shmem>(0, "impossible size", |shmem| shmem.size = 0);
    fails::<cr_img_shmem>(0, "impossible size", |shmem| shmem.size = 100);
    fails::<cr_img_shmem>(0, "impossible size", |shmem| shmem.size = 1 << 48);
    fails::<cr_img_shmem>(0, "unknown flags", |shmem| shmem.flags = 16);
    fails::<cr_img_shmem>(0, "a key without a segment", |shmem| shmem.key = 1);
    fails::<cr_img_shmem>(0, "of another kind", |shmem| shmem.flags = CR_SHMEM_SYSV);
    let sizes = "queues of an impossible size";
    fails::<cr_img_uring>(0, sizes, |uring| uring.sq_entries = 3);
    fails::<cr_img_uring>(0, sizes, |uring| uring.cq_entries = 0);
    fails::<cr_img_uring>(0, sizes, |uring| uring.cq_entries = 2);
    fails::<cr_img_uring>(0, sizes, |uring| uring.cq_entries = 131072);
    fails::<cr_img_uring>(0, "unknown flags", |uring| uring.setup_flags |= 2);
    fails::<cr_img_uring>(0, "unknown flags", |uring| uring.flags = 32);
    let against = "restrictions against its flags";
    fails::<cr_img_uring>(0, against, |uring| uring.allowed_ops = [0, 1]);
    fails::<cr_img_uring>(0, against, |uring| uring.allowed_flags = 1);
    fails::<cr_img_uring>(0, against, |uring| uring.required_flags = 1);
    fails::<cr_img_uring>(0, against, |uring| uring.allowed_register = 1);
    fails::<cr_img_uring>(0, against, |uring| {
        (uring.flags, uring.allowed_flags) = (CR_URING_FEW_REQUESTS, 256)
    });
    passes::<cr_img_uring>(0, |uring| {
        uring.flags = CR_URING_FEW_REQUESTS | CR_URING_FEW_REGISTER;
        (uring.allowed_ops, uring.allowed_register) = ([1, u64::MAX], 1);
        (uring.allowed_flags, uring.required_flags) = (255, 1);
    });
    fails::<cr_img_uring>(0, "a request of an instance that is disabled", |uring| {
        (uring.flags, uring.submitter) = (CR_URING_DISABLED, 0)
    });
    fails::<cr_img_uring>(0, "against its flags", |uring| {
        uring.flags = CR_URING_DISABLED
    });
    fails::<cr_img_uring>(0, "impossible process", |uring| uring.owner = 0);
    fails::<cr_img_uring>(0, "impossible process", |uring| uring.submitter = u32::MAX);
    let submits = "a thread that submits requests";
    fails::<cr_img_uring>(0, submits, |uring| uring.submitter = 0);
    fails::<cr_img_uring>(0, submits, |uring| uring.setup_flags = 0);
    fails::<cr_img_uring>(0, "without memory", |uring| uring.nr_entry_pages = 0);
    fails::<cr_img_uring>(0, "disagree", |uring| uring.nr_ring_pages = 2);
    let instance = 18;
    fails::<cr_img_file>(instance, "no io_uring behind it", |file| file.target = MM);
    fails::<cr_img_file>(instance, "does not have", |file| file.pos = 1);
    fails::<cr_img_aio>(0, "a ring of an impossible size", |aio| aio.nr_pages = 0);
    fails::<cr_img_aio>(0, "a ring of an impossible size", |aio| {
        aio.nr_pages = 65537
    });
    fails::<cr_img_aio>(0, "number of requests", |aio| aio.max_requests = 0);
    fails::<cr_img_aio>(0, "number of requests", |aio| aio.max_requests = 256);
    fails::<cr_img_aio>(0, "has no room for", |aio| aio.head = 255);
    fails::<cr_img_aio>(0, "has no room for", |aio| aio.nr_events = 255);
    fails::<cr_img_aio>(0, "disagree", |aio| aio.nr_events = 3);
    let ring = 3;
    fails::<cr_img_aio>(0, "a ring of another size", |aio| aio.nr_pages = 3);
    fails::<cr_img_vma>(ring, "a ring of another size", |vma| vma.pgoff = 1);
    fails::<cr_img_vma>(ring, "no context", |vma| vma.object = SHMEM);
    fails::<cr_img_vma>(ring, "that others have", |vma| vma.flags &= !CR_VMA_SHARED);
    fails::<cr_img_vma>(ring, "that others have", |vma| {
        vma.flags &= !CR_VMA_DONTFORK
    });
    fails::<cr_img_vma>(2, "of another kind", |vma| vma.kind = CR_VMA_SHM);
    fails::<cr_img_vma>(2, "cannot be read only", |vma| vma.flags |= CR_VMA_RDONLY);

    let proc = 17;
    fails::<cr_img_file>(proc, "it refers to something", |file| file.target = 1 << 31);
    fails::<cr_img_file>(proc, "its count disagree", |file| file.size = 5);
    fails::<cr_img_file>(proc, "something left of a read", |file| file.target = 0);
    fails::<cr_img_file>(proc, "mode and kind disagree", |file| file.mode = 0o040555);
    fails::<cr_img_file>(0, "unknown kind of file", |file| file.kind = 99);
    fails::<cr_img_file>(0, "flags that an open file cannot have", |file| {
        file.flags |= 0o1000
    });
    fails::<cr_img_file>(0, "flags that an open file cannot have", |file| {
        file.flags |= 0o100
    });
    fails::<cr_img_file>(0, "impossible offset or size", |file| file.pos = u64::MAX);
    fails::<cr_img_file>(0, "mode and kind disagree", |file| file.mode = 0o040755);
    fails::<cr_img_file>(0, "impossible mode", |file| file.mode = 1 << 20);
    fails::<cr_img_file>(0, "it refers to something", |file| file.target = PIPE);
    fails::<cr_img_file>(0, "a device number without a device", |file| file.rdev = 1);
    fails::<cr_img_file>(0, "its count disagree", |file| file.path_len = 3);
    fails::<cr_img_file>(3, "not one of the memory devices", |file| file.rdev = 0x101);
    fails::<cr_img_file>(4, "impossible key", |file| file.target = 1 << 32);
    let path = size_of::<cr_img_file>();
    fails_bytes(CR_TAG_FILE, 0, "not an absolute path", |bytes| {
        bytes[path] = b'x'
    });
    fails_bytes(CR_TAG_FILE, 0, "not an absolute path", |bytes| {
        bytes[path + 3] = 0
    });

    fails::<cr_img_fdtable>(0, "below the lowest that may be free", |table| {
        table.next_fd = 4
    });
    passes::<cr_img_fdtable>(0, |table| table.next_fd = 0);
    fails_bytes(CR_TAG_FDTABLE, 0, "do not ascend, or too high", |bytes| {
        bytes[24] = 0
    });
    fails_bytes(CR_TAG_FDTABLE, 0, "do not ascend, or too high", |bytes| {
        bytes[58] = 0x10
    });
    fails_bytes(CR_TAG_FDTABLE, 0, "unknown flags", |bytes| bytes[12] = 2);
    fails::<cr_img_fs>(0, "impossible umask", |fs| fs.umask = 0o1000);
    fails::<cr_img_fs>(0, "reserved member", |fs| fs.reserved = 1);
    fails::<cr_img_fs>(0, "not an absolute path", |fs| {
        (fs.cwd_len, fs.root_len) = (5, 0)
    });
    fails::<cr_img_fs>(0, "its count disagree", |fs| fs.cwd_len = u32::MAX);
    fails::<cr_img_fs>(0, "no working directory", |fs| fs.cwd = FDTABLE);
    fails::<cr_img_fs>(0, "that was not removed", |fs| fs.cwd = INODE);
    fails::<cr_img_epoll>(0, "no epoll instance", |epoll| epoll.file = FILE_EVENTFD);
    fails::<cr_img_epoll>(0, "its length and its count", |epoll| epoll.nr = 6);
    fails::<cr_img_epoll>(0, "a reserved member", |epoll| epoll.reserved = 1);
    // The second of four items, of 40 bytes each, after a fixed part of 16.
    let second = |at: usize, value: u8| move |bytes: &mut Vec<u8>| bytes[16 + 40 + at] = value;
    fails_bytes(CR_TAG_EPOLL, 0, "no file is watched", second(0, FS as u8));
    passes::<cr_img_file>(7, |file| file.target = u64::MAX);
    fails::<cr_img_file>(7, "its count disagree", |file| file.size = 1);
    fails::<cr_img_file>(7, "mode and kind disagree", |file| file.mode = 0o040600);
    fails::<cr_img_file>(7, "a device number", |file| file.rdev = 1);
    fails_bytes(
        CR_TAG_EPOLL,
        0,
        "it watches itself",
        second(0, FILE_EPOLL as u8),
    );
    fails_bytes(CR_TAG_EPOLL, 0, "impossible descriptor", second(18, 0xff));
    fails_bytes(CR_TAG_EPOLL, 0, "does not come first", second(24, 2));
    fails_bytes(
        CR_TAG_EPOLL,
        0,
        "does not wait for is missing",
        second(28, 4),
    );
    fails_bytes(CR_TAG_EPOLL, 0, "does not come first", |bytes| {
        bytes[16 + 24] = 0;
        bytes[56 + 24] = 1;
    });
    let no_signals = "signals of a file that has none";
    fails_bytes(CR_TAG_EPOLL, 0, no_signals, second(32, SIGHAND as u8));
    fails_bytes(CR_TAG_EPOLL, 0, "signals of nobody", |bytes| {
        bytes[96 + 32] = FS as u8
    });
    fails::<cr_img_file>(10, "an anonymous file", |file| file.target = 1 << 8);
    fails::<cr_img_file>(10, "an anonymous file", |file| file.pos = 1);
    fails::<cr_img_file>(10, "flags that an open", |file| file.flags |= 0o200);
    fails::<cr_img_file>(10, "an anonymous file", |file| file.ino = 1);
    fails::<cr_img_file>(11, "an anonymous file", |file| file.ino = 0);
    fails::<cr_img_file>(11, "an anonymous file", |file| file.pos = 1 << 32);
    fails::<cr_img_file>(11, "an anonymous file", |file| file.target = 1);
    fails::<cr_img_file>(11, "an anonymous file", |file| {
        (file.pos, file.ino, file.target) = (0, 0, 1 << 23)
    });
    passes::<cr_img_file>(11, |file| {
        (file.pos, file.ino, file.target) = (0, 0, 1 << 22)
    });
    fails::<cr_img_file>(5, "impossible offset", |file| file.pos = u64::MAX);
    fails::<cr_img_file>(5, "an anonymous file", |file| file.target = 2);
    fails::<cr_img_file>(5, "an anonymous file", |file| file.flags = 0o2002);
    fails::<cr_img_file>(6, "an anonymous file", |file| file.pos = 1);
    fails::<cr_img_file>(5, "nobody knows what it watches", |file| {
        (file.kind, file.pos, file.target) = (CR_FILE_EPOLL, 0, 0)
    });
    let memfd = 9;
    fails::<cr_img_file>(memfd, "no inode behind it", |file| file.target = SHMEM);
    fails::<cr_img_file>(memfd, "what is said of its inode", |file| file.size = 1);
    fails::<cr_img_file>(memfd, "flags that an open file cannot", |file| {
        file.flags |= 1 << 21
    });
    fails::<cr_img_file>(memfd, "as memfd_create opens it", |file| file.flags ^= 2);
    fails::<cr_img_file>(memfd, "impossible offset", |file| file.pos = 1 << 63);
    passes::<cr_img_file>(memfd, |file| (file.kind, file.flags) = (CR_FILE_INODE, 1));
    fails::<cr_img_inode>(0, "unknown kind of inode", |inode| inode.kind = 0);
    fails::<cr_img_inode>(0, "impossible mode or owner", |inode| inode.mode = 0o10000);
    fails::<cr_img_inode>(0, "impossible mode or owner", |inode| inode.gid = u32::MAX);
    fails::<cr_img_inode>(0, "impossible size", |inode| inode.size = 1 << 63);
    passes::<cr_img_inode>(0, |inode| inode.size = (1 << 63) - 1);
    fails::<cr_img_inode>(0, "impossible time", |inode| {
        inode.mtime_nsec = 1_000_000_000
    });
    fails::<cr_img_inode>(0, "impossible seals", |inode| inode.seals = 0x40);
    passes::<cr_img_inode>(0, |inode| inode.seals = 0x20);
    fails::<cr_img_inode>(0, "impossible seals", |inode| {
        (inode.seals, inode.mode) = (0x20, 0o100)
    });
    passes::<cr_img_inode>(0, |inode| (inode.seals, inode.mode) = (0x3e, 0o100));
    fails::<cr_img_inode>(0, "its count disagree", |inode| inode.name_len = 5);
    for kind in [CR_INODE_REMOVED, CR_INODE_TMPFILE, CR_INODE_DIRECTORY] {
        fails::<cr_img_inode>(0, "not an absolute path", |inode| inode.kind = kind);
    }
    fails::<cr_img_file>(memfd, "flags that an open file cannot", |file| {
        file.flags = 0o20200002
    });
    fails::<cr_img_file>(memfd, "what has no contents", |file| {
        (file.kind, file.flags) = (CR_FILE_INODE, 0o20000002)
    });
    passes::<cr_img_file>(memfd, |file| {
        (file.kind, file.flags) = (CR_FILE_INODE, 0o20200002)
    });
    fails::<cr_img_file>(memfd, "not as a directory is opened", |file| {
        file.kind = CR_FILE_REMOVED_DIR
    });
    let name = size_of::<cr_img_inode>();
    fails_bytes(CR_TAG_INODE, 0, "impossible name", |bytes| bytes[name] = 0);
    fails_bytes(CR_TAG_INODE, 0, "impossible name", |bytes| {
        bytes[name - 4..name].copy_from_slice(&250u32.to_le_bytes());
        bytes.resize(name + 250, b'x');
    });
    fails::<cr_img_lock>(0, "unknown kind of lock", |lock| lock.kind = 0);
    fails::<cr_img_lock>(0, "a lock with two owners", |lock| lock.kind = CR_LOCK_OFD);
    fails::<cr_img_lock>(0, "impossible range", |lock| lock.end = u64::MAX);
    fails::<cr_img_lock>(0, "impossible range", |lock| {
        (lock.start, lock.end) = (2, 1)
    });
    fails::<cr_img_lock>(0, "impossible process", |lock| lock.pid = 1 << 23);
    fails::<cr_img_lock>(0, "impossible descriptor", |lock| lock.fd = 1);
    fails::<cr_img_lock>(1, "impossible descriptor", |lock| lock.fd = 1 << 20);
    fails::<cr_img_lock>(1, "a lock with two owners", |lock| lock.owner = FDTABLE);
    fails::<cr_img_lock>(1, "a part of the file", |lock| lock.start = 1);
    fails::<cr_img_lock>(1, "no regular file", |lock| lock.file = FILE_MEMFD);
    fails::<cr_img_lock>(0, "neither exclusive nor shared", |lock| lock.exclusive = 2);
    fails::<cr_img_lock>(0, "that has none", |lock| lock.file = FILE_READ);
}

#[test]
fn memory() {
    fails::<cr_img_mm>(0, "impossible address", |mm| mm.end_code = 0);
    fails::<cr_img_mm>(0, "impossible address", |mm| mm.brk = u64::MAX);
    fails::<cr_img_mm>(0, "fewer mappings than announced", |mm| mm.nr_vmas += 1);
    fails::<cr_img_mm>(0, "more mappings than announced", |mm| mm.nr_vmas -= 1);
    fails::<cr_img_mm>(0, "its count disagree", |mm| mm.nr_auxv = 2);
    fails::<cr_img_mm>(0, "the vDSO is not where its mapping is", |mm| {
        mm.vdso = STACK
    });
    fails::<cr_img_mm>(0, "a checksum without a vDSO", |mm| mm.vdso = 0);
    fails::<cr_img_mm>(0, "impossible dumpable", |mm| mm.dumpable = 3);
    fails::<cr_img_mm>(0, "unknown membarrier registration", |mm| {
        mm.membarrier = 256
    });
    fails::<cr_img_mm>(0, "unknown flags", |mm| mm.flags = 1 << 31);
    for flags in [
        CR_MM_THP_DISABLE | CR_MM_THP_ADVISED,
        CR_MM_MDWE_NO_INHERIT,
        CR_MM_LOCKONFAULT,
    ] {
        fails::<cr_img_mm>(0, "do not go together", |mm| mm.flags = flags);
    }
    fails_bytes(CR_TAG_MM, 0, "the auxiliary vector has no end", |bytes| {
        bytes[size_of::<cr_img_mm>() + 16] = 1;
    });

    fails::<cr_img_vma>(1, "not a range of pages in user space", |vma| {
        vma.start += 1
    });
    fails::<cr_img_vma>(1, "not a range of pages in user space", |vma| {
        vma.end = vma.start
    });
    fails::<cr_img_vma>(0, "not a range of pages in user space", |vma| vma.start = 0);
    fails::<cr_img_vma>(5, "not a range of pages in user space", |vma| {
        vma.end = 0x7fff_ffff_f000 + 4096
    });
    fails::<cr_img_vma>(1, "mappings overlap or do not ascend", |vma| {
        vma.start = TEXT
    });
    fails::<cr_img_vma>(1, "impossible offset", |vma| vma.pgoff = u64::MAX);
    fails::<cr_img_vma>(1, "unknown flags", |vma| vma.flags |= 1 << 27);
    // It may be free by now.
    passes::<cr_img_vma>(1, |vma| vma.flags |= 1 << 31);
    fails::<cr_img_mm>(0, "impossible protection keys", |mm| mm.pkeys = 1);
    fails::<cr_img_mm>(0, "impossible protection keys", |mm| mm.pkeys = 1 << 16);
    fails::<cr_img_mm>(0, "impossible protection keys", |mm| mm.exec_pkey = 1);
    fails::<cr_img_mm>(0, "impossible protection keys", |mm| {
        (mm.pkeys, mm.exec_pkey) = (2, 33)
    });
    let mut keys = change::<cr_img_mm>(0, |mm| (mm.pkeys, mm.exec_pkey) = (0b110, 2));
    keys.change::<cr_img_vma>(1, |vma| vma.flags |= 1 << 28);
    assert_eq!(check(&keys), Ok(()));
    keys.change::<cr_img_vma>(1, |vma| vma.flags ^= 3 << 28);
    assert!(check(&keys).unwrap_err().contains("a protection key"));
    keys.change::<cr_img_vma>(1, |vma| vma.flags = (2 << 28) | CR_VMA_EXEC);
    assert_eq!(check(&keys), Ok(()));
    passes::<cr_img_vma>(1, |vma| vma.flags |= CR_VMA_SEALED);
    passes::<cr_img_vma>(1, |vma| vma.flags |= CR_VMA_MERGEABLE);
    fails::<cr_img_vma>(1, "cannot be mergeable", |vma| {
        vma.flags |= CR_VMA_MERGEABLE | CR_VMA_DROPPABLE
    });
    fails::<cr_img_vma>(1, "unknown kind of mapping", |vma| vma.kind = 0);
    fails::<cr_img_vma>(1, "anonymous, but with an object", |vma| vma.object = SHMEM);
    fails::<cr_img_vma>(1, "shared, but without an object", |vma| {
        vma.flags |= CR_VMA_SHARED
    });
    fails::<cr_img_vma>(2, "shared memory that is not shared", |vma| {
        vma.flags = CR_VMA_READ
    });
    fails::<cr_img_vma>(0, "flags of anonymous memory", |vma| {
        vma.flags |= CR_VMA_GROWSDOWN
    });
    fails::<cr_img_vma>(0, "a file that cannot be mapped", |vma| {
        vma.object = FILE_READ
    });
    fails::<cr_img_vma>(4, "but with an object", |vma| vma.object = FILE_EXE);
    fails::<cr_img_vma>(4, "flags that the vDSO cannot have", |vma| {
        vma.flags |= CR_VMA_ACCOUNT
    });
    fails::<cr_img_vma>(1, "flags that exclude each other", |vma| {
        vma.flags |= CR_VMA_LOCKONFAULT
    });
}

#[test]
fn ipc_objects() {
    fails::<cr_img_sem>(0, "impossible identifier", |set| set.perm.id = -1);
    fails::<cr_img_sem>(0, "an owner without an id", |set| set.perm.cgid = u32::MAX);
    fails::<cr_img_sem>(0, "impossible permissions", |set| set.perm.mode = 0o1000);
    fails::<cr_img_sem>(0, "not zero", |set| set.perm.reserved = 1);
    fails::<cr_img_sem>(0, "not zero", |set| set.reserved = 1);
    fails::<cr_img_sem>(0, "no semaphore", |set| set.nr = 0);
    fails::<cr_img_sem>(0, "disagree", |set| set.nr = 3);
    let value_at = size_of::<cr_img_sem>() + 8;
    let a_value = |value: u32| {
        move |set: &mut Vec<u8>| set[value_at..value_at + 4].copy_from_slice(&value.to_le_bytes())
    };
    fails_bytes(CR_TAG_SEM, 0, "an impossible semaphore", a_value(32768));
    fails_bytes(CR_TAG_SEM, 0, "an impossible semaphore", |set| {
        set[value_at + 7] = 1
    });

    fails::<cr_img_semadj>(0, "impossible identifier", |adjustments| {
        adjustments.id = -1
    });
    fails::<cr_img_semadj>(0, "no adjustment", |adjustments| adjustments.nr = 0);
    fails::<cr_img_semadj>(0, "disagree", |adjustments| adjustments.nr = 1);
    fails_bytes(
        CR_TAG_SEMADJ,
        0,
        "an impossible adjustment",
        |adjustments| {
            let at = size_of::<cr_img_semadj>();
            adjustments[at..at + 2].copy_from_slice(&i16::MIN.to_le_bytes());
        },
    );

    fails::<cr_img_msgq>(0, "an owner without an id", |queue| {
        queue.perm.uid = u32::MAX
    });
    fails::<cr_img_msgq>(0, "impossible process", |queue| queue.lrpid = u32::MAX);
    fails::<cr_img_msgq>(0, "not zero", |queue| queue.reserved = 1);
    fails::<cr_img_msgq>(0, "disagree", |queue| queue.nr = 1);
    fails::<cr_img_msgq>(0, "disagree", |queue| queue.nr = 3);
    let first = size_of::<cr_img_msgq>();
    fails_bytes(CR_TAG_MSGQ, 0, "an impossible message", |queue| {
        queue[first] = 0
    });
    fails_bytes(CR_TAG_MSGQ, 0, "disagree", |queue| queue[first + 8] = 200);
    fails_bytes(CR_TAG_MSGQ, 0, "disagree", |queue| queue.push(0));
    fails::<cr_img_shm>(0, "no memory behind it", |segment| {
        segment.object = FILE_EXE
    });
    fails::<cr_img_shm>(0, "other memory behind it", |segment| {
        segment.object = SHMEM
    });
    fails::<cr_img_shm>(0, "other memory behind it", |segment| segment.size = 4097);
    fails::<cr_img_shm>(0, "other memory behind it", |segment| segment.size = 0);
    passes::<cr_img_shm>(0, |segment| segment.size = 1);
    fails::<cr_img_shm>(0, "unknown flags", |segment| segment.flags = 2);
    fails::<cr_img_shm>(0, "impossible process", |segment| {
        segment.creator = u32::MAX
    });
    let without_namespace = "without an IPC namespace";
    let mut sample = Sample::new();
    let at = index(&sample, CR_TAG_IPC, 0);
    sample.state.remove(at);
    assert!(check(&sample).unwrap_err().contains(without_namespace));
}

#[test]
fn posix_queues() {
    passes::<cr_img_mqueue>(0, |queue| queue.flags |= CR_MQUEUE_REMOVED);
    fails::<cr_img_mqueue>(0, "unknown flags", |queue| queue.flags |= 8);
    let bad = "impossible notification";
    passes::<cr_img_mqueue>(0, |queue| queue.notify_signal = 0);
    fails::<cr_img_mqueue>(0, bad, |queue| queue.notify_signal = 65);
    fails::<cr_img_mqueue>(0, bad, |queue| queue.notify_pid = 0);
    fails::<cr_img_mqueue>(0, bad, |queue| queue.notify_pid = u32::MAX);
    fails::<cr_img_mqueue>(0, bad, |queue| queue.cookie[31] = 1);
    fails::<cr_img_mqueue>(0, bad, |queue| queue.flags |= CR_MQUEUE_SOCKET);
    fails::<cr_img_mqueue>(0, bad, |queue| queue.flags = CR_MQUEUE_SOCKET);
    fails::<cr_img_mqueue>(0, bad, |queue| queue.flags = 0);
    fails::<cr_img_mqueue>(0, bad, |queue| {
        (queue.flags, queue.notify_signal) = (0, 0);
    });
    passes::<cr_img_mqueue>(0, |queue| {
        (queue.flags, queue.notify_signal, queue.notify_value) = (0, 0, 0);
    });
    passes::<cr_img_mqueue>(0, |queue| {
        (queue.flags, queue.notify_value) = (CR_MQUEUE_SOCKET, 0);
        (queue.notify_signal, queue.cookie) = (1000, [1; 32]);
    });
    fails::<cr_img_mqueue>(0, bad, |queue| {
        (queue.flags, queue.notify_signal, queue.notify_value) = (0, 0, 0);
        queue.notify_pid = 0;
    });
    fails::<cr_img_mqueue>(0, "unknown flags", |queue| queue.mode = 0o10000);
    fails::<cr_img_mqueue>(0, "an owner without an id", |queue| queue.gid = u32::MAX);
    fails::<cr_img_mqueue>(0, "impossible time", |queue| {
        queue.ctime_nsec = 1_000_000_000
    });
    fails::<cr_img_mqueue>(0, "impossible limits", |queue| queue.max_messages = 65537);
    fails::<cr_img_mqueue>(0, "impossible limits", |queue| queue.max_length = 0);
    fails::<cr_img_mqueue>(0, "an impossible message", |queue| queue.max_length = 4);
    fails::<cr_img_mqueue>(0, "disagree", |queue| queue.max_messages = 1);
    fails::<cr_img_mqueue>(0, "disagree", |queue| queue.nr = 3);
    fails::<cr_img_mqueue>(0, "disagree", |queue| queue.name_len = 1000);
    fails::<cr_img_mqueue>(0, "not a name", |queue| queue.name_len = 0);
    let name = size_of::<cr_img_mqueue>();
    let first = name + 4;
    let second = first + size_of::<cr_img_msg>() + 5;
    fails_bytes(CR_TAG_MQUEUE, 0, "not a name", |queue| queue[name] = b'/');
    fails_bytes(CR_TAG_MQUEUE, 0, "not a name", |queue| queue[name + 1] = 0);
    // Priorities do not rise, and are below 32768.
    let earlier = "before others that are received first";
    fails_bytes(CR_TAG_MQUEUE, 0, earlier, |queue| queue[second] = 8);
    fails_bytes(CR_TAG_MQUEUE, 0, earlier, |queue| queue[first + 1] = 0x80);
    fails_bytes(CR_TAG_MQUEUE, 0, earlier, |queue| queue[first + 12] = 1);
    fails_bytes(CR_TAG_MQUEUE, 0, "disagree", |queue| queue.push(0));
    let file = |message, f: &dyn Fn(&mut cr_img_file)| {
        let mut sample = Sample::new();
        let record = sample.state.iter_mut().find(|rec| rec.id == FILE_MQUEUE);
        let record = record.unwrap();
        let mut file = cr_img_file::read_from_bytes(&record.payload).unwrap();
        f(&mut file);
        record.payload = file.as_bytes().to_vec();
        refused(&sample, message);
    };
    file("no message queue behind it", &|file| file.target = PIPE);
    file("what is said of its inode", &|file| file.size = 1);
    file("flags that an open file cannot have", &|file| {
        file.flags |= 0o100
    });
    let mut sample = Sample::new();
    let at = index(&sample, CR_TAG_MQUEUE, 0);
    let queue = sample.state.remove(at);
    let ipc = index(&sample, CR_TAG_IPC, 0);
    sample.state.insert(ipc, queue);
    refused(&sample, "an object without an IPC namespace");
}

#[test]
fn places() {
    let sample = Sample::new();
    let files = sample.state.iter().filter(|rec| rec.tag == CR_TAG_FILE);
    let place = files.take_while(|rec| rec.id != FILE_PLACE).count();
    let fails = |message, change: fn(&mut cr_img_file)| {
        fails::<cr_img_file>(place, message, change);
    };
    let passes = |change: fn(&mut cr_img_file)| passes::<cr_img_file>(place, change);
    // A device has a number, and a directory may be opened as one.
    passes(|file| (file.mode, file.rdev) = (0o060600, 0x7_0001));
    passes(|file| (file.mode, file.flags) = (0o040700, 0o10200000));
    passes(|file| file.mode = 0o140600);
    fails("flags that an open file cannot", |file| file.flags |= 2);
    fails("more than a place", |file| file.flags = 0);
    fails("more than a place", |file| file.pos = 1);
    fails("more than a place", |file| file.target = PIPE);
    fails("a file of no type", |file| file.mode = 0o777);
    fails("a file of no type", |file| file.mode = 0o170777);
    fails("mode and flags disagree", |file| file.flags |= 0o200000);
    fails("a device number without", |file| file.rdev = 1);
    let watches = "it watches a place, or rules";
    let mut sample = Sample::new();
    let at = index(&sample, CR_TAG_EPOLL, 0);
    let item = size_of::<cr_img_epoll>();
    sample.state[at].payload[item..item + 8].copy_from_slice(&FILE_PLACE.to_le_bytes());
    let epoll = sample.state.remove(at);
    let end = sample.state.iter().position(|rec| rec.id == FILE_PLACE);
    sample.state.insert(end.unwrap() + 1, epoll);
    refused(&sample, watches);
    fails_bytes(CR_TAG_FILE, place, "not an absolute path", |bytes| {
        bytes[size_of::<cr_img_file>()] = b'x'
    });
}

#[test]
fn guards() {
    fails::<cr_img_guards>(0, "no memory to guard", |guards| guards.mm = FILE_EXE);
    fails::<cr_img_guards>(0, "no memory to guard", |guards| guards.mm = MM2);
    fails::<cr_img_guards>(1, "not after the last one", |guards| guards.mm = MM);
    fails::<cr_img_guards>(0, "a reserved member is not zero", |guards| {
        guards.reserved = 1
    });
    fails::<cr_img_guards>(0, "disagree", |guards| guards.nr_runs = 1);
    // The first run is of the last page of the heap, the second one of the stack.
    let first = |start: u64, nr_pages: u64| {
        move |guards: &mut Vec<u8>| {
            guards[16..24].copy_from_slice(&start.to_le_bytes());
            guards[24..32].copy_from_slice(&nr_pages.to_le_bytes());
        }
    };
    let nowhere = "not in a mapping which can have one";
    fails_bytes(CR_TAG_GUARDS, 0, nowhere, first(HEAP + 7 * 4096, 2));
    fails_bytes(CR_TAG_GUARDS, 0, nowhere, first(HEAP - 4096, 1));
    fails_bytes(CR_TAG_GUARDS, 0, nowhere, first(VDSO, 1));
    let not = "not a range of pages";
    fails_bytes(CR_TAG_GUARDS, 0, not, first(HEAP + 7 * 4096, 0));
    fails_bytes(CR_TAG_GUARDS, 0, not, first(HEAP + 7 * 4096, u64::MAX));
    let order = "not ascending";
    fails_bytes(CR_TAG_GUARDS, 0, order, first(STACK, 2));
    fails_bytes(CR_TAG_GUARDS, 0, not, first(HEAP + 1, 1));
    fails::<cr_img_vma>(1, nowhere, |heap| heap.flags |= CR_VMA_LOCKED);
}

#[test]
fn what_32bit_calls_leave() {
    passes::<cr_img_sighand>(0, |sighand| sighand.action[4].flags = 0x0600_0000);
    fails::<cr_img_sighand>(0, "unknown flags", |sighand| {
        sighand.action[4].flags = 0x0100_0000
    });
    passes::<cr_img_thread>(0, |thread| thread.compat_robust_list = 0xffff_fffc);
    fails::<cr_img_thread>(0, "impossible list of robust futexes", |thread| {
        thread.compat_robust_list = 1 << 32
    });
    let message = "impossible place for new mappings";
    passes::<cr_img_mm>(0, |mm| mm.mmap_compat_base = 0xffff_e000);
    fails::<cr_img_mm>(0, message, |mm| mm.mmap_compat_base = 1);
    fails::<cr_img_mm>(0, message, |mm| mm.mmap_compat_legacy_base = 0x1_0000_1000);
}

#[test]
fn registered_with_io_uring() {
    let entry = |nth: usize, message: &str, f: &dyn Fn(&mut cr_img_uring_entry)| {
        fails_bytes(CR_TAG_URING_TABLE, nth, message, |payload| {
            let place = size_of::<cr_img_uring_table>();
            let place = place..place + size_of::<cr_img_uring_entry>();
            let mut entry = cr_img_uring_entry::read_from_bytes(&payload[place.clone()]).unwrap();
            f(&mut entry);
            payload[place].copy_from_slice(entry.as_bytes());
        });
    };
    let (files, buffers, eventfd, limits) = (0, 1, 2, 3);
    for table in [files, buffers, eventfd, limits] {
        let table = |message: &str, f: fn(&mut cr_img_uring_table)| {
            fails::<cr_img_uring_table>(table, message, f);
        };
        table("no io_uring instance", |table| table.ring = FILE_NULL);
        table("no io_uring instance", |table| table.ring = URING);
        table("disagree", |table| table.nr += 1);
        table("unknown kind", |table| table.kind = 9);
    }
    let order = "not after the last one";
    let mut sample = Sample::new();
    let at = index(&sample, CR_TAG_URING_TABLE, 0);
    sample.state.swap(at, at + 1);
    refused(&sample, order);
    let table = "an impossible table";
    fails::<cr_img_uring_table>(files, table, |table| table.value = [(1 << 20) + 1, 0, 0, 0]);
    fails::<cr_img_uring_table>(files, table, |table| table.value = [0, 0, 0, 0]);
    fails::<cr_img_uring_table>(files, table, |table| table.value = [8, 5, 4, 0]);
    fails::<cr_img_uring_table>(files, table, |table| table.value = [8, 0, 9, 0]);
    fails::<cr_img_uring_table>(files, table, |table| table.value = [8, 0, 0, 9]);
    fails::<cr_img_uring_table>(buffers, table, |table| table.value[0] = (1 << 14) + 1);
    fails::<cr_img_uring_table>(buffers, table, |table| table.value[0] = 0);
    for at in 1..4 {
        fails::<cr_img_uring_table>(buffers, table, |table| table.value[at] = 1);
    }
    fails::<cr_img_uring_table>(eventfd, table, |table| table.value[0] = 2);
    fails::<cr_img_uring_table>(eventfd, table, |table| table.value[2] = 1);
    fails::<cr_img_uring_table>(eventfd, table, |table| table.value[3] = 1);
    fails::<cr_img_uring_table>(limits, table, |table| table.value[0] = 1 << 31);
    fails::<cr_img_uring_table>(limits, table, |table| table.value[1] = 1 << 31);
    fails::<cr_img_uring_table>(limits, table, |table| table.value[2] = 1);
    fails::<cr_img_uring_table>(limits, table, |table| table.value[3] = 1);
    let mut sample = change::<cr_img_uring_table>(eventfd, |table| table.nr = 0);
    let at = index(&sample, CR_TAG_URING_TABLE, eventfd);
    let length = size_of::<cr_img_uring_table>();
    sample.state[at].payload.truncate(length);
    refused(&sample, table);

    entry(files, "places that do not ascend", &|entry| entry.index = 7);
    entry(files, "places that do not ascend", &|entry| entry.index = 8);
    entry(buffers, "places that do not ascend", &|entry| {
        entry.index = 1
    });
    entry(eventfd, "places that do not ascend", &|entry| {
        entry.index = 1
    });
    entry(files, "a reserved member", &|entry| entry.reserved = 1);
    entry(files, "no file is registered", &|entry| entry.object = MM);
    entry(files, "cannot be registered", &|entry| {
        entry.object = FILE_IO_URING
    });
    entry(eventfd, "cannot be registered", &|entry| {
        entry.object = FILE_NULL
    });
    entry(eventfd, "cannot be registered", &|entry| entry.tag = 1);
    entry(files, "a file with an address", &|entry| entry.addr = 1);
    entry(files, "a file with an address", &|entry| entry.length = 1);
    entry(buffers, "a buffer in no memory", &|entry| {
        entry.object = FILE_NULL
    });
    entry(buffers, "an impossible buffer", &|entry| entry.addr = 0);
    entry(buffers, "an impossible buffer", &|entry| entry.length = 0);
    entry(buffers, "an impossible buffer", &|entry| {
        entry.length = (1 << 30) + 1
    });
    entry(buffers, "an impossible buffer", &|entry| {
        entry.addr = u64::MAX
    });

    fails::<cr_img_uring_task>(0, "no io_uring instance", |task| task.ring = 0);
    fails::<cr_img_uring_task>(0, "no io_uring instance", |task| task.rings[3] = URING);
    fails::<cr_img_uring_task>(0, "impossible thread", |task| task.tid = 0);
    fails::<cr_img_uring_task>(0, "impossible thread", |task| task.tid = u32::MAX);
    fails::<cr_img_uring_task>(0, "impossible number of workers", |task| {
        task.workers[1] = 1 << 31
    });
    fails::<cr_img_uring_task>(0, "disagree", |task| task.nr_words = 0);
    fails::<cr_img_uring_task>(1, order, |task| task.tid = 1);
}

#[test]
fn buffers_of_io_uring() {
    #[track_caller]
    fn fails(nth: usize, message: &str, f: impl Fn(&mut cr_img_uring_group)) {
        crate::fails(nth, message, f);
    }
    let (program, kernel, list) = (0, 1, 2);
    for nth in [program, kernel, list] {
        fails(nth, "no io_uring instance", |group| group.ring = URING);
        fails(nth, "disagree", |group| group.nr += 1);
        fails(nth, "impossible number", |group| group.group = 65536);
        fails(nth, "impossible number", |group| group.head = 65536);
        fails(nth, "unknown flags", |group| group.flags |= 8);
    }
    fails(list, "unknown flags", |group| group.flags |= 1);
    fails(list, "unknown flags", |group| group.flags |= 2);
    fails(kernel, "not after the last one", |group| group.group = 0);
    let place = "impossible place";
    fails(program, "in no memory", |group| group.mm = FILE_NULL);
    fails(program, place, |group| group.addr = 0);
    fails(program, place, |group| group.addr += 16);
    fails(program, place, |group| {
        group.addr = u64::MAX - PAGE as u64 + 1
    });
    for nth in [kernel, list] {
        fails(nth, place, |group| group.mm = MM);
        fails(nth, place, |group| group.addr = HEAP);
    }
    let ring = "an impossible ring of buffers";
    fails(program, ring, |group| group.nr_places = 0);
    fails(program, ring, |group| group.nr_places = 1 << 16);
    fails(program, ring, |group| group.min_left = 1);
    fails(kernel, ring, |group| group.nr_places = 3);
    fails(kernel, ring, |group| group.nr_places = 512);
    crate::passes::<cr_img_uring_group>(kernel, |group| group.nr_places = 256);
    fails(list, "without places", |group| group.nr_places = 1);
    fails(list, "without places", |group| group.head = 1);
    fails(list, "without places", |group| group.min_left = 1);
    let buffer = |f: &dyn Fn(&mut cr_img_uring_buffer)| {
        fails_bytes(CR_TAG_URING_GROUP, list, "impossible buffer", |payload| {
            let place = size_of::<cr_img_uring_group>();
            let place = place..place + size_of::<cr_img_uring_buffer>();
            let mut buffer = cr_img_uring_buffer::read_from_bytes(&payload[place.clone()]).unwrap();
            f(&mut buffer);
            payload[place].copy_from_slice(buffer.as_bytes());
        });
    };
    buffer(&|buffer| buffer.length = 0);
    buffer(&|buffer| buffer.length += 1);
    buffer(&|buffer| buffer.reserved = 1);
    buffer(&|buffer| buffer.addr = u64::MAX);
}

#[test]
fn requests_of_io_uring() {
    #[track_caller]
    fn fails(nth: usize, message: &str, f: impl Fn(&mut cr_img_uring_request)) {
        crate::fails(nth, message, f);
    }
    #[track_caller]
    fn passes(nth: usize, f: impl Fn(&mut cr_img_uring_request)) {
        crate::passes(nth, f);
    }
    let (timeout, poll, read, receive, accept) = (0, 1, 2, 3, 4);
    fails(poll, "no io_uring instance", |request| request.ring = URING);
    fails(poll, "no io_uring instance", |request| {
        request.ring = FILE_NULL
    });
    fails(poll, "impossible thread", |request| request.tid = 0);
    fails(poll, "may submit none", |request| request.tid += 1);
    fails(poll, "unknown flags", |request| request.sqe_flags = 2);
    fails(poll, "unknown flags", |request| request.flags = 2);
    fails(poll, "reserved", |request| request.reserved = 1);
    fails(poll, "about no file", |request| request.file = 0);
    fails(poll, "about no file", |request| request.file = MM);
    fails(read, "a file against", |request| request.file = FILE_NULL);
    fails(timeout, "a file against", |request| {
        request.file = FILE_NULL
    });
    fails(poll, "the place of a registered", |request| {
        request.index = 1
    });
    let impossible = "an impossible request";
    for nth in [poll, read, receive, accept] {
        fails(nth, impossible, |request| request.opcode = 16);
        fails(nth, impossible, |request| request.buf_index = 1);
    }
    fails(timeout, impossible, |request| request.buf_index = 1);
    for nth in [timeout, poll, read, receive] {
        fails(nth, impossible, |request| request.slot = 1);
    }
    for nth in [poll, read, receive] {
        fails(nth, impossible, |request| request.value = 1);
    }
    for nth in [timeout, poll] {
        fails(nth, impossible, |request| request.ioprio = 1);
        fails(nth, impossible, |request| request.len = 2);
    }
    fails(poll, impossible, |request| request.addr = 1);
    fails(poll, impossible, |request| request.off = 1);
    fails(poll, impossible, |request| request.op_flags |= 1 << 30);
    fails(poll, impossible, |request| request.sqe_flags = 0x40);
    passes(poll, |request| (request.len, request.sqe_flags) = (0, 0x40));
    fails(receive, impossible, |request| request.off = 1);
    fails(receive, impossible, |request| request.ioprio = 2);
    fails(accept, impossible, |request| request.len = 1);
    fails(accept, impossible, |request| request.ioprio = 2);
    passes(accept, |request| request.ioprio = 5);
    passes(read, |request| (request.opcode, request.buf_index) = (4, 3));
    fails(timeout, impossible, |request| request.op_flags |= 1 << 9);
    fails(timeout, impossible, |request| request.op_flags = 0x60);
    fails(timeout, impossible, |request| request.op_flags = 0xec);
    fails(timeout, impossible, |request| request.op_flags = 0xe9);
    fails(timeout, impossible, |request| {
        (request.op_flags, request.value) = (0x81, 0)
    });
    passes(timeout, |request| {
        (request.op_flags, request.value) = (0x89, 0)
    });
    fails(timeout, impossible, |request| request.op_flags = 0xa0);
    fails(timeout, impossible, |request| request.addr = 1 << 63);
    fails(timeout, impossible, |request| request.value = 1 << 63);
    fails(timeout, impossible, |request| request.off = 1 << 32);
    fails(timeout, impossible, |request| request.sqe_flags = 1);
}

#[test]
fn programs_of_32_bits() {
    // The sample has memory above 4 GiB.
    let message = "a part of the program at an impossible address";
    fails::<cr_img_mm>(0, message, |mm| {
        mm.flags |= CR_MM_COMPAT;
        mm.start_stack = 0xffff_e001;
    });
    fails::<cr_img_mm>(0, "beyond what a 32-bit program can map", |mm| {
        *mm = cr_img_mm {
            exe: mm.exe,
            nr_vmas: mm.nr_vmas,
            nr_auxv: mm.nr_auxv,
            vdso: 0,
            flags: CR_MM_COMPAT,
            ..Default::default()
        }
    });

    let restart = "impossible arguments of an interrupted system call";
    let sleeps = |flags: u32, kind: u32, arg: [u64; 5]| {
        move |thread: &mut cr_img_thread| {
            thread.flags |= flags;
            (thread.restart_kind, thread.restart_arg) = (kind, arg);
            thread.restart_ns = 1;
        }
    };
    let compat = CR_THREAD_COMPAT_CALL;
    let (sleep, select) = (CR_RESTART_NANOSLEEP, CR_RESTART_SELECT);
    passes(0, sleeps(compat, sleep, [1, 0x7000, 2, 0, 0]));
    fails(0, restart, sleeps(0, sleep, [1, 0x7000, 2, 0, 0]));
    fails(0, restart, sleeps(compat, sleep, [1, 0x7000, 3, 0, 0]));
    passes(0, sleeps(compat, select, [0x7000, 3, 0, 0, 0]));
    fails(0, restart, sleeps(0, select, [0x7000, 3, 0, 0, 0]));
    fails(0, restart, sleeps(compat, select, [0x7000, 4, 0, 0, 0]));
}

#[test]
fn own_segments() {
    fails::<cr_img_ldt>(0, "no memory with a descriptor table", |ldt| {
        ldt.mm = FILE_EXE
    });
    fails::<cr_img_ldt>(0, "no memory with a descriptor table", |ldt| ldt.mm = MM2);
    fails::<cr_img_ldt>(1, "not after the last one", |ldt| ldt.mm = MM);
    fails::<cr_img_ldt>(0, "a reserved member is not zero", |ldt| ldt.reserved = 1);
    fails::<cr_img_ldt>(0, "an empty table", |ldt| ldt.nr = 0);
    fails::<cr_img_ldt>(0, "disagree", |ldt| ldt.nr = 2);
    let first = |descriptor: u64| {
        let mut sample = Sample::new();
        let at = index(&sample, CR_TAG_LDT, 0);
        sample.state[at].payload[16..24].copy_from_slice(&descriptor.to_le_bytes());
        sample
    };
    const DATA: u64 = 0x0040_f300_0000_0fff;
    const BITS: [(u32, bool); 12] = [
        (0, true),   // limit
        (16, true),  // base
        (40, false), // accessed
        (41, true),  // can be written
        (42, true),  // grows downwards
        (43, true),  // code
        (44, false), // not for the system
        (45, false), // privilege
        (47, true),  // present
        (53, false), // 64-bit code
        (54, true),  // 32 bits
        (63, true),  // base
    ];
    for (bit, free) in BITS {
        let sample = first(DATA ^ (1 << bit));
        match free {
            true => assert_eq!(check(&sample), Ok(()), "{bit}"),
            false => refused(&sample, "a segment that a program cannot make"),
        }
    }
    let refuses = |descriptor| refused(&first(descriptor), "a segment that a program cannot make");
    // Code that conforms may only be there if it cannot be entered.
    refuses(DATA | (1 << 42) | (1 << 43));
    assert_eq!(check(&first(0x0040_7f00_0000_0fff)), Ok(()));
    // What is written to clear an entry.
    refuses(0x0000_7100_0000_0000);
    // A call gate.
    refuses(0x0000_ec00_0010_0000);

    let tls = "segments that a thread cannot make, or none";
    fails::<cr_img_tls>(0, tls, |tls| tls.descriptor = [0; 3]);
    passes::<cr_img_tls>(0, |tls| tls.descriptor = [0, DATA, DATA | (1 << 42)]);
    for bit in [40, 43, 44, 47, 53, 54] {
        fails::<cr_img_tls>(0, tls, |tls| tls.descriptor[1] = DATA ^ (1 << bit));
    }
}

#[test]
fn what_segments_are_made_of() {
    use cr_codec::segment::user_desc;
    // Base, limit, and 32 bits; that in pages; 16 bits, to be read only, for use.
    assert_eq!(
        user_desc(1, 0x0040_f300_0000_0fff),
        [1, 0, 0xfff, 0b00000001]
    );
    assert_eq!(
        user_desc(2, 0x12cf_fb34_5678_ffff),
        [2, 0x12345678, 0xfffff, 0b0010101]
    );
    assert_eq!(user_desc(3, 0x0010_f100_0000_0000), [3, 0, 0, 0b1001000]);
    // An entry is cleared by what cannot be read or written, nor is there.
    assert_eq!(user_desc(4, 0), [4, 0, 0, 0b0101000]);
}

#[test]
fn stops() {
    let stop = |signal, flags| {
        move |process: &mut cr_img_process| (process.stop_signal, process.flags) = (signal, flags)
    };
    for signal in 19..=22 {
        passes(1, stop(signal, CR_PROCESS_STOPPED));
    }
    passes(1, stop(19, CR_PROCESS_STOPPED | CR_PROCESS_STOP_WAITED));
    for (signal, flags) in [
        (0, CR_PROCESS_STOPPED),
        (0, CR_PROCESS_STOP_WAITED),
        (9, CR_PROCESS_STOPPED),
        (18, CR_PROCESS_STOPPED),
        (23, CR_PROCESS_STOPPED),
        (19, CR_PROCESS_STOP_WAITED),
        (19, CR_PROCESS_STOPPED | CR_PROCESS_CONTINUED),
    ] {
        fails(1, "impossible stop", stop(signal, flags));
    }

    // One of two threads has still to stop; none is traced.
    let mut sample = change(0, stop(20, CR_PROCESS_CONTINUED));
    let traced = index(&sample, CR_TAG_TRACE, 0);
    sample.state.remove(traced);
    assert!(check(&sample).unwrap_err().contains("waits for nobody"));
    sample.change(1, |thread: &mut cr_img_thread| {
        thread.flags = CR_THREAD_STOPPING
    });
    assert_eq!(check(&sample), Ok(()));
    sample.change(0, stop(20, CR_PROCESS_STOPPED));
    assert!(check(&sample).unwrap_err().contains("a thread for no stop"));
    sample.change(0, stop(0, 0));
    assert!(check(&sample).unwrap_err().contains("a thread for no stop"));
}

#[test]
fn pid_namespaces() {
    fails::<cr_img_pidns>(0, "no pid namespace around it", |ns| ns.parent = PIDNS2);
    fails::<cr_img_pidns>(0, "no pid namespace around it", |ns| ns.parent = MM);
    fails::<cr_img_pidns>(0, "impossible last pid", |ns| ns.last_pid = 1 << 23);
    fails::<cr_img_pidns>(0, "unknown flags", |ns| ns.flags = 2);
    let dead = "a dead pid namespace with processes";
    fails::<cr_img_pidns>(0, dead, |ns| ns.flags = CR_PIDNS_DEAD);
    passes::<cr_img_pidns>(1, |ns| ns.flags = CR_PIDNS_DEAD);

    fails::<cr_img_pid>(0, "impossible process id", |pid| pid.nr = 0);
    fails::<cr_img_pid>(0, "a reserved member", |pid| pid.reserved = 1);
    fails::<cr_img_pid>(0, "no pid namespace", |pid| pid.pid_ns = 0);
    let count = "its length and its count disagree";
    fails::<cr_img_pid>(0, count, |pid| pid.pid_ns = PIDNS2);
    let number = "impossible number in a pid namespace";
    fails_bytes(CR_TAG_PID, 0, number, |bytes| bytes[16] = 0);
    fails_bytes(CR_TAG_THREAD, 3, number, |bytes| {
        *bytes.last_mut().unwrap() = 1
    });
    fails_bytes(CR_TAG_THREAD, 0, count, |bytes| bytes.extend([1, 0, 0, 0]));

    fails::<cr_img_process>(1, "no pid namespace", |process| process.pid_ns = MM);
    fails::<cr_img_process>(1, count, |process| process.pid_ns = 0);
    let children = "a pid namespace for its children that it cannot have entered";
    fails::<cr_img_thread>(2, children, |thread| thread.children_pid_ns = PIDNS);
    fails::<cr_img_thread>(3, children, |thread| thread.children_pid_ns = PIDNS2);
    let group = "the init of a pid namespace is in a group of that";
    fails::<cr_img_process>(1, group, |process| process.pgid = 7);
    passes::<cr_img_process>(1, |process| process.pgid = 8);
    let dead = "the init of its pid namespace is dead";
    let first = "the init of its pid namespace is not the first in it";
    let outside = "its parent is in a pid namespace that is not around its own";
    // The second process is not the init of its namespace; its child, in its group, is another one.
    for (number, of, message) in [(2, 2, first), (1, 3, group)] {
        let mut sample = Sample::new();
        let at = index(&sample, CR_TAG_THREAD, of);
        let bytes = &mut sample.state[at].payload;
        let numbers = bytes.len() - 4;
        bytes[numbers] = number;
        assert!(check(&sample).unwrap_err().contains(message));
    }
    // A child that has got out.
    let mut sample = change::<cr_img_process>(2, |process| process.pid_ns = 0);
    let at = index(&sample, CR_TAG_THREAD, 3);
    let numbers = sample.state[at].payload.len() - 4;
    sample.state[at].payload.truncate(numbers);
    assert!(check(&sample).unwrap_err().contains(outside));
    // The second process is a zombie, and the third its sibling.
    let mut sample = change::<cr_img_process>(1, |process| {
        process.state = CR_PROCESS_ZOMBIE;
        (process.mm, process.files, process.fs, process.sighand) = (0, 0, 0, 0);
    });
    sample.change::<cr_img_thread>(2, |thread| thread.children_pid_ns = 0);
    sample.change::<cr_img_process>(2, |process| (process.ppid, process.parent_tid) = (1, 1));
    for tag in [CR_TAG_REGS, CR_TAG_XSTATE] {
        let at = index(&sample, tag, 2);
        sample.state.remove(at);
    }
    assert!(check(&sample).unwrap_err().contains(dead));
}

#[test]
fn tasks() {
    fails::<cr_img_process>(0, "impossible process id", |process| process.pid = 0);
    fails::<cr_img_process>(
        0,
        "init has a parent, or another process has none",
        |process| process.pid = 2,
    );
    fails::<cr_img_process>(
        1,
        "init has a parent, or another process has none",
        |process| process.ppid = 0,
    );
    fails::<cr_img_process>(1, "impossible process id", |process| process.sid = 1 << 23);
    fails::<cr_img_process>(0, "init does not lead", |process| process.pgid = 7);
    let parent = "impossible thread of its parent";
    fails::<cr_img_process>(0, parent, |process| process.parent_tid = 1);
    fails::<cr_img_process>(0, parent, |process| {
        process.flags = CR_PROCESS_PARENT_EXECED
    });
    fails::<cr_img_process>(1, parent, |process| process.parent_tid = 0);
    fails::<cr_img_process>(1, "a reserved member", |process| process.reserved = 1);
    fails::<cr_img_process>(1, "audit of terminals", |process| process.audit_tty = 4);
    fails::<cr_img_process>(1, "impossible tracer", |process| process.ptracer = 1 << 23);
    passes::<cr_img_process>(1, |process| process.ptracer = CR_PTRACER_ANY);
    fails::<cr_img_process>(1, "a tracer that it does not see", |process| {
        process.ptracer = 1
    });
    passes::<cr_img_process>(0, |process| process.ptracer = 5);
    fails::<cr_img_process>(1, "nice value of its autogroup", |process| {
        process.autogroup_nice = 20
    });
    let terminal = "a terminal that it cannot have lost";
    fails::<cr_img_process>(0, terminal, |process| process.tty_old_pgrp = 1 << 23);
    passes::<cr_img_process>(0, |process| (process.tty, process.tty_old_pgrp) = (0, 7));
    fails::<cr_img_process>(1, terminal, |process| {
        (process.sid, process.tty_old_pgrp) = (1, 1)
    });
    passes::<cr_img_process>(1, |process| process.flags = CR_PROCESS_PARENT_EXECED);
    passes::<cr_img_process>(2, |process| process.dead_threads.utime_ns = 1 << 61);
    fails::<cr_img_process>(2, "impossible CPU time", |process| {
        process.dead_threads.shown_utime_ns = 1 << 62
    });
    fails::<cr_img_process>(1, "impossible exit signal", |process| {
        process.exit_signal = 65
    });
    fails::<cr_img_process>(1, "unknown flags", |process| process.flags = 1 << 31);
    fails::<cr_img_process>(1, "impossible oom_score_adj", |process| {
        process.oom_score_adj = 1001
    });
    fails::<cr_img_process>(1, "above its maximum", |process| process.rlimit[3].cur = 1);
    fails::<cr_img_process>(1, "impossible interval timer", |process| {
        process.itimer[2].value_ns = 1 << 63
    });
    fails::<cr_img_process>(1, "unknown state", |process| process.state = 3);
    fails::<cr_img_process>(1, "alive, with an exit code", |process| {
        process.exit_code = 1
    });
    let dead = |process: &mut cr_img_process| process.flags |= CR_PROCESS_LEADER_DEAD;
    fails::<cr_img_process>(1, "a dead leader of nobody", dead);
    fails::<cr_img_process>(2, "a zombie with threads", dead);
    fails::<cr_img_process>(0, "or of a dead one", dead);
    fails::<cr_img_process>(0, "impossible exit code", |process| {
        dead(process);
        process.exit_code = 0x80;
    });
    fails::<cr_img_process>(1, "fewer threads than announced", |process| {
        process.nr_threads = 2
    });
    fails::<cr_img_process>(0, "more threads than announced", |process| {
        process.nr_threads = 1
    });
    fails::<cr_img_process>(1, "no threads", |process| process.nr_threads = 0);
    fails::<cr_img_process>(2, "a zombie that refers to objects", |process| {
        process.mm = MM
    });
    fails::<cr_img_process>(2, "impossible exit code", |process| {
        process.exit_code = 0x17f
    });
    fails::<cr_img_process>(2, "impossible exit code", |process| {
        process.exit_code = 0x10000
    });
    passes::<cr_img_process>(2, |process| process.exit_code = 0x8b);
    fails::<cr_img_process>(2, "impossible stop", |process| process.stop_signal = 19);
    fails::<cr_img_process>(2, "its parent does not come before it", |process| {
        process.ppid = 9
    });
    fails::<cr_img_process>(2, "its parent does not come before it", |process| {
        process.ppid = 2
    });
    fails::<cr_img_process>(2, "its process group is in another session", |process| {
        process.sid = 7
    });
    fails::<cr_img_process>(1, "it shares signal actions, but not memory", |process| {
        process.sighand = SIGHAND
    });
    fails::<cr_img_process>(
        1,
        "it shares memory with another pid namespace",
        |process| process.mm = MM,
    );
    fails::<cr_img_process>(2, "its process group has the id of a thread", |process| {
        process.pgid = 2
    });
    fails::<cr_img_thread>(1, "impossible CPU time", |thread| {
        thread.usage.runtime_ns = u64::MAX
    });
    fails::<cr_img_thread>(1, "a second thread with this id", |thread| thread.tid = 5);
    fails::<cr_img_thread>(1, "the leader is not the first", |thread| thread.tid = 1);
    fails::<cr_img_thread>(
        2,
        "the leader is not the first thread of the process",
        |thread| thread.tid = 6,
    );

    fails::<cr_img_thread>(0, "impossible thread id", |thread| thread.tid = u32::MAX);
    fails::<cr_img_thread>(0, "unknown flags", |thread| thread.flags = 1 << 31);
    passes::<cr_img_thread>(0, |thread| thread.flags = CR_THREAD_SECCOMP_STRICT);
    passes::<cr_img_thread>(0, |thread| thread.seccomp = SECCOMP);
    fails::<cr_img_thread>(0, "no filter", |thread| thread.seccomp = CRED);
    fails::<cr_img_thread>(1, "in strict mode", |thread| {
        thread.flags = CR_THREAD_SECCOMP_STRICT
    });
    fails::<cr_img_thread>(3, "of a zombie", |thread| thread.seccomp = SECCOMP);
    fails::<cr_img_thread>(1, "no descriptor table", |thread| thread.files = FS);
    fails::<cr_img_thread>(1, "no working directory", |thread| thread.fs = MM);
    passes::<cr_img_thread>(1, |thread| thread.fs = FS);
    fails::<cr_img_thread>(0, "a leader that does not use", |thread| thread.fs = FS);
    fails::<cr_img_thread>(3, "a dead thread that refers", |thread| thread.fs = FS);
    fails::<cr_img_thread>(0, "a name that is not NUL padded", |thread| {
        thread.comm = [b'x'; 16]
    });
    fails::<cr_img_thread>(0, "SIGKILL or SIGSTOP is blocked", |thread| {
        thread.blocked = 1 << 8
    });
    fails::<cr_img_thread>(0, "SIGKILL or SIGSTOP is blocked", |thread| {
        thread.saved_sigmask = 1 << 18
    });
    fails::<cr_img_thread>(0, "unknown flags of the alternate stack", |thread| {
        thread.altstack_flags = 3
    });
    fails::<cr_img_thread>(0, "that is disabled", |thread| thread.altstack_size = 8192);
    fails::<cr_img_thread>(0, "impossible rseq area", |thread| thread.rseq = 32);
    fails::<cr_img_thread>(0, "an rseq area without an address", |thread| {
        thread.rseq_sig = 1
    });
    fails::<cr_img_thread>(0, "unknown scheduling policy", |thread| thread.policy = 4);
    fails::<cr_img_thread>(0, "without its parameters", |thread| thread.policy = 1);
    fails::<cr_img_thread>(0, "impossible nice value", |thread| thread.nice = 20);
    fails::<cr_img_thread>(0, "impossible parent death signal", |thread| {
        thread.pdeath_signal = 65
    });
    fails::<cr_img_thread>(0, "impossible personality", |thread| {
        thread.personality = u32::MAX
    });
    let restart = "impossible arguments of an interrupted system call";
    fails::<cr_img_thread>(0, restart, |thread| thread.restart_kind = 8);
    fails::<cr_img_thread>(0, restart, |thread| {
        thread.restart_kind = CR_RESTART_CPU_NANOSLEEP;
        thread.restart_arg = [2, 0, 0, 0, 0];
    });
    let vfork = |thread: &mut cr_img_thread, child| {
        thread.restart_kind = CR_RESTART_VFORK;
        thread.restart_arg[0] = child;
    };
    passes::<cr_img_thread>(0, |thread| vfork(thread, 7));
    fails::<cr_img_thread>(0, restart, |thread| vfork(thread, 0));
    fails::<cr_img_thread>(0, restart, |thread| vfork(thread, 1));
    passes::<cr_img_thread>(0, |thread| {
        thread.restart_kind = CR_RESTART_WAIT;
        thread.restart_ns = 1;
    });
    fails::<cr_img_thread>(0, restart, |thread| {
        thread.restart_kind = CR_RESTART_WAIT;
        thread.restart_arg[0] = 1;
    });
    passes::<cr_img_thread>(0, |thread| {
        thread.restart_kind = CR_RESTART_SELECT;
        thread.restart_arg = [0x7000, 1, 0, 0, 0];
        thread.restart_ns = 1;
    });
    fails::<cr_img_thread>(0, restart, |thread| {
        thread.restart_kind = CR_RESTART_SELECT;
        thread.restart_arg = [0x7000, 2, 0, 0, 0];
    });
    fails::<cr_img_thread>(0, restart, |thread| thread.restart_ns = 1);
    fails::<cr_img_thread>(0, restart, |thread| thread.restart_arg[4] = 1);
    passes::<cr_img_thread>(0, |thread| {
        thread.restart_kind = CR_RESTART_NANOSLEEP;
        thread.restart_arg = [1, 0x7000, 1, 0, 0];
        thread.restart_ns = 1_000_000_000;
    });
    fails::<cr_img_thread>(0, restart, |thread| {
        thread.restart_kind = CR_RESTART_FUTEX;
        thread.restart_arg = [3, 0, 0, 1, 0];
    });
    fails::<cr_img_thread>(0, restart, |thread| {
        thread.restart_kind = CR_RESTART_POLL;
        thread.restart_arg = [0, 0, 0, 0, 0];
        thread.restart_ns = 5;
    });
}

#[test]
fn controls() {
    fails::<cr_img_controls>(0, "unknown flags", |controls| controls.flags |= 0x40);
    fails::<cr_img_controls>(0, "unknown flags", |controls| {
        controls.flags |= CR_CONTROL_MCE_EARLY
    });
    fails::<cr_img_controls>(0, "unknown control", |controls| controls.store_bypass = 2);
    fails::<cr_img_controls>(0, "unknown control", |controls| {
        controls.indirect_branch = 16
    });
    fails::<cr_img_controls>(0, "unknown control", |controls| controls.l1d_flush = 4);
    fails::<cr_img_controls>(0, "system call dispatch", |controls| controls.flags = 0);
    fails::<cr_img_controls>(0, "system call dispatch", |controls| {
        controls.dispatch_selector = 1 << 63
    });
    passes::<cr_img_controls>(0, |controls| controls.dispatch_len = u64::MAX);
}

/// Traced threads of a process that a signal has stopped, or not.
fn group_stops() {
    let with = |flags, change: &dyn Fn(&mut cr_img_trace)| {
        let mut sample = Sample::new();
        sample.change::<cr_img_trace>(0, |trace| {
            (trace.stop, trace.status) = (CR_TRACE_IN_INTERRUPT, (128 << 8) | 20);
            trace.siginfo = [0; 128];
            change(trace);
        });
        sample.change::<cr_img_process>(0, |process| {
            (process.stop_signal, process.flags) = (20, flags);
        });
        sample.change::<cr_img_thread>(1, |thread| {
            if flags == 0 {
                thread.flags |= CR_THREAD_STOPPING;
            }
        });
        check(&sample)
    };
    let in_stop = |trace: &mut cr_img_trace| {
        (trace.stop, trace.status, trace.flags) = (CR_TRACE_IN_STOP, 20, 0);
    };
    let refused = |change: &dyn Fn(&mut cr_img_trace), why| {
        assert!(with(CR_PROCESS_STOPPED, change).unwrap_err().contains(why));
    };
    assert_eq!(with(CR_PROCESS_STOPPED, &|_| ()), Ok(()));
    assert_eq!(with(CR_PROCESS_STOPPED, &in_stop), Ok(()));
    assert!(with(0, &|_| ()).unwrap_err().contains("still to stop"));
    fails::<cr_img_trace>(0, "that is not stopped", |trace| {
        in_stop(trace);
        trace.siginfo = [0; 128];
    });
    refused(&|trace| trace.status = (128 << 8) | 11, "impossible stop");
    let seized = |trace: &mut cr_img_trace| {
        in_stop(trace);
        trace.flags = CR_TRACE_SEIZED;
    };
    refused(&seized, "impossible stop");
    let told = |trace: &mut cr_img_trace| {
        in_stop(trace);
        trace.siginfo[0] = 20;
    };
    refused(&told, "impossible siginfo");
    let listens = |trace: &mut cr_img_trace| trace.flags |= CR_TRACE_LISTENS;
    assert_eq!(with(CR_PROCESS_STOPPED, &listens), Ok(()));
    let notified = |trace: &mut cr_img_trace| {
        trace.flags |= CR_TRACE_LISTENS | CR_TRACE_TRAP_NOTIFY;
    };
    refused(&notified, "stands elsewhere");
    fails::<cr_img_trace>(0, "stands elsewhere", listens);
}

/// A process that exits, as do all of its threads.
fn exits(stop: &dyn Fn(&mut cr_img_trace)) {
    fails::<cr_img_process>(0, "and does not itself", |process| {
        process.flags |= CR_PROCESS_EXITS
    });
    let with = |change: &dyn Fn(&mut cr_img_process)| {
        let mut sample = Sample::new();
        sample.change::<cr_img_trace>(0, stop);
        // Of the other thread.
        let trace = sample.state[index(&sample, CR_TAG_TRACE, 0)].clone();
        let at = index(&sample, CR_TAG_REGS, 0);
        sample.state.insert(at, trace);
        sample.change::<cr_img_process>(0, |process| {
            (process.flags, process.exit_code) = (CR_PROCESS_EXITS, 0x300);
            change(process);
        });
        check(&sample)
    };
    assert_eq!(with(&|_| ()), Ok(()));
    let refused = |change: &dyn Fn(&mut cr_img_process), why| {
        assert!(with(change).unwrap_err().contains(why));
    };
    refused(&|process| process.exit_code = 0x80, "impossible exit code");
    refused(&|process| process.stop_signal = 19, "impossible stop");
    assert_eq!(with(&|process| process.flags |= CR_PROCESS_KILLED), Ok(()));
    refused(
        &|process| process.flags |= CR_PROCESS_CONTINUED,
        "impossible stop",
    );
    fails::<cr_img_process>(0, "unknown flags", |process| {
        process.flags |= CR_PROCESS_KILLED
    });
    fails::<cr_img_process>(2, "a zombie with threads", |process| {
        process.flags |= CR_PROCESS_EXITS
    });
}

#[test]
fn traces() {
    fails::<cr_img_trace>(0, "impossible tracer", |trace| trace.tracer = 0);
    fails::<cr_img_trace>(0, "unknown flags", |trace| trace.flags |= 0x400);
    fails::<cr_img_trace>(0, "unknown flags", |trace| trace.options = 1 << 21);
    fails::<cr_img_trace>(0, "not seized", |trace| trace.flags &= !CR_TRACE_SEIZED);
    fails::<cr_img_trace>(0, "single step", |trace| trace.flags = CR_TRACE_FORCED_TF);
    fails::<cr_img_trace>(0, "kind of stop", |trace| trace.stop = 99);
    fails::<cr_img_trace>(0, "impossible stop", |trace| trace.status = 65);
    fails::<cr_img_trace>(0, "impossible stop", |trace| trace.message = 1);
    fails::<cr_img_trace>(0, "impossible stop", |trace| trace.stop = CR_TRACE_RUNS);
    fails::<cr_img_trace>(0, "impossible stop", |trace| {
        trace.stop = CR_TRACE_IN_INTERRUPT
    });
    let stop = |trace: &mut cr_img_trace, stop, code: u32, message| {
        trace.siginfo[8..12].copy_from_slice(&code.to_le_bytes());
        (trace.stop, trace.status, trace.message) = (stop, code, message);
        trace.flags = CR_TRACE_SEIZED | CR_TRACE_SYSCALLS;
    };
    let before = CR_TRACE_BEFORE_CALL;
    passes::<cr_img_trace>(0, |trace| stop(trace, before, 0x85, 1));
    fails::<cr_img_trace>(0, "impossible stop", |trace| stop(trace, before, 0x85, 2));
    fails::<cr_img_trace>(0, "impossible stop", |trace| {
        stop(trace, before, 5, 1);
        trace.flags = 0;
    });
    fails::<cr_img_trace>(0, "impossible stop", |trace| stop(trace, before, 0x705, 1));
    let after = CR_TRACE_AFTER_CALL;
    passes::<cr_img_trace>(0, |trace| stop(trace, after, 5, 2));
    fails::<cr_img_trace>(0, "impossible stop", |trace| stop(trace, after, 5, 1));
    fails::<cr_img_trace>(0, "impossible stop", |trace| stop(trace, after, 11, 2));
    let event = CR_TRACE_IN_EVENT;
    passes::<cr_img_trace>(0, |trace| stop(trace, event, 0x305, 7));
    fails::<cr_img_trace>(0, "impossible stop", |trace| stop(trace, event, 0x305, 0));
    fails::<cr_img_trace>(0, "impossible stop", |trace| stop(trace, event, 0x205, 0));
    fails::<cr_img_trace>(0, "impossible stop", |trace| {
        stop(trace, event, 0x105, 7);
        trace.status = 0x305;
    });
    passes::<cr_img_trace>(0, |trace| stop(trace, event, 0x405, 7));
    fails::<cr_img_trace>(0, "impossible stop", |trace| {
        stop(trace, event, 0x605, 7);
    });
    let at = |trace: &mut cr_img_trace, kind, event: u32, message| {
        stop(trace, kind, (event << 8) | 5, message);
        trace.options = 1 << event;
    };
    let exit = CR_TRACE_IN_EXIT;
    passes::<cr_img_trace>(0, |trace| at(trace, exit, 6, 0x300));
    passes::<cr_img_trace>(0, |trace| at(trace, exit, 6, 0));
    fails::<cr_img_trace>(0, "impossible stop", |trace| at(trace, exit, 6, 0x1_0000));
    fails::<cr_img_trace>(0, "impossible stop", |trace| at(trace, exit, 6, 1 << 32));
    fails::<cr_img_trace>(0, "impossible stop", |trace| at(trace, exit, 7, 0x300));
    fails::<cr_img_trace>(0, "impossible stop", |trace| {
        at(trace, exit, 6, 0x300);
        trace.options = 0;
    });
    let filter = CR_TRACE_IN_FILTER;
    passes::<cr_img_trace>(0, |trace| at(trace, filter, 7, 0xffff));
    fails::<cr_img_trace>(0, "impossible stop", |trace| at(trace, filter, 7, 0x1_0000));
    fails::<cr_img_trace>(0, "impossible stop", |trace| {
        at(trace, filter, 7, 1);
        trace.options = 1 << 6;
    });
    exits(&|trace| at(trace, exit, 6, 0x300));
    group_stops();
    let sleep = |trace: &mut cr_img_trace| {
        stop(trace, CR_TRACE_RUNS, 0, 0);
        trace.siginfo = [0; 128];
        trace.flags |= CR_TRACE_SLEEPS;
    };
    passes::<cr_img_trace>(0, sleep);
    fails::<cr_img_trace>(0, "nobody waits for", |trace| {
        sleep(trace);
        trace.flags &= !CR_TRACE_SYSCALLS;
    });
    fails::<cr_img_trace>(0, "siginfo", |trace| trace.siginfo[48] = 1);
    passes::<cr_img_trace>(0, |trace| trace.siginfo[47] = 1);
    passes::<cr_img_trace>(0, |trace| {
        trace.stop = CR_TRACE_IN_INTERRUPT;
        trace.status = (128 << 8) | 5;
    });
}

#[test]
fn debug_registers() {
    fails::<cr_img_debugregs>(0, "unknown breakpoints", |regs| regs.breakpoints |= 16);
    fails::<cr_img_debugregs>(0, "impossible breakpoint", |regs| regs.address[0] = 1);
    fails::<cr_img_debugregs>(0, "impossible breakpoint", |regs| regs.address[1] = 1 << 63);
    fails::<cr_img_debugregs>(0, "impossible breakpoint", |regs| regs.control = 1);
    passes::<cr_img_debugregs>(0, |regs| {
        regs.breakpoints = 0;
        regs.address[1] = 0;
    });
}

#[test]
fn filters() {
    fails::<cr_img_seccomp>(0, "unknown flags", |seccomp| seccomp.flags = 2);
    fails::<cr_img_seccomp>(0, "no filter before it", |seccomp| seccomp.prev = SECCOMP);
    fails::<cr_img_seccomp>(1, "no filter before it", |seccomp| seccomp.prev = CRED);
    passes::<cr_img_seccomp>(1, |seccomp| seccomp.prev = 0);
    fails::<cr_img_seccomp>(0, "its count disagree", |seccomp| seccomp.nr_insns = 2);
}

#[test]
fn scheduling() {
    // The thread that has the record is the second one.
    let with_policy = |policy: u32, f: &dyn Fn(&mut cr_img_sched)| {
        let mut sample = change(0, f);
        sample.change(1, |thread: &mut cr_img_thread| thread.policy = policy);
        check(&sample)
    };
    let deadline = |runtime_ns, deadline_ns, period_ns| {
        with_policy(6, &|sched| {
            sched.flags = CR_SCHED_RECLAIM | CR_SCHED_DL_OVERRUN;
            (sched.runtime_ns, sched.deadline_ns) = (runtime_ns, deadline_ns);
            sched.period_ns = period_ns;
        })
    };
    assert_eq!(with_policy(1, &|sched| sched.priority = 1), Ok(()));
    assert_eq!(with_policy(2, &|sched| sched.priority = 99), Ok(()));
    assert_eq!(deadline(1024, 1024, 1024), Ok(()));
    assert!(with_policy(1, &|_| {}).is_err());
    assert!(with_policy(2, &|sched| sched.priority = 100).is_err());
    assert!(with_policy(3, &|sched| sched.priority = 1).is_err());
    assert!(with_policy(1, &|sched| sched.flags = CR_SCHED_RECLAIM).is_err());
    assert!(with_policy(5, &|sched| sched.deadline_ns = 1).is_err());
    assert!(deadline(1023, 2000, 2000).is_err());
    assert!(deadline(3000, 2000, 2000).is_err());
    assert!(deadline(2000, 2000, 1999).is_err());
    assert!(deadline(2000, 2000, 1 << 63).is_err());

    fails::<cr_img_sched>(0, "unknown flags", |sched| sched.flags = 8);
    passes::<cr_img_sched>(0, |sched| sched.slice_ns = 0);
    fails::<cr_img_sched>(0, "impossible time slice", |sched| sched.slice_ns = 99_999);
    fails::<cr_img_sched>(0, "impossible utilization", |sched| sched.util_min = 1025);
    fails::<cr_img_sched>(0, "impossible utilization", |sched| sched.util_max = 9);
    passes::<cr_img_sched>(0, |sched| sched.util_max = 10);
    fails::<cr_img_sched>(0, "impossible I/O priority", |sched| sched.ioprio = 1);
    fails::<cr_img_sched>(0, "impossible I/O priority", |sched| sched.ioprio = 4 << 13);
    fails::<cr_img_sched>(0, "its count disagree", |sched| sched.nr_cpu_words = 1);
    let last = size_of::<cr_img_sched>() + 8;
    fails_bytes(CR_TAG_SCHED, 0, "ends in nothing", |bytes| bytes[last] = 0);
    fails::<cr_img_sched>(0, "no NUMA policy", |sched| sched.policy = MM);
    fails::<cr_img_sched>(0, "impossible place", |sched| sched.policy = 0);
    fails::<cr_img_sched>(0, "impossible place", |sched| sched.last_node = 1024);
    fails::<cr_img_sched>(0, "impossible place", |sched| sched.last_weight = 256);
    passes::<cr_img_sched>(0, |sched| (sched.last_node, sched.last_weight) = (1, 255));
}

#[test]
fn memory_policies() {
    const PREFERRED: u32 = 1;
    const BIND: u32 = 2;
    const LOCAL: u32 = 4;
    const BALANCING: u32 = 1 << 13;
    const RELATIVE: u32 = 1 << 14;
    const STATIC: u32 = 1 << 15;
    // The first record, with other sets of nodes; only a mapping has it.
    let with = |mode, flags, home_node, sets: &[u64]| {
        let mut sample = change::<cr_img_sched>(0, |sched| {
            (sched.policy, sched.last_node) = (0, 0);
        });
        let at = index(&sample, CR_TAG_POLICY, 0);
        let policy = cr_img_policy {
            mode,
            flags,
            home_node,
            nr_words: sets.len() as u32 / 2,
        };
        sample.state[at].payload = [policy.as_bytes(), sets.as_bytes()].concat();
        sample
    };
    let good = |mode, flags, home_node, sets: &[u64]| {
        assert_eq!(check(&with(mode, flags, home_node, sets)), Ok(()));
    };
    let bad = |message, mode, flags, home_node, sets: &[u64]| {
        refused(&with(mode, flags, home_node, sets), message);
    };
    good(LOCAL, 0, 0, &[]);
    good(PREFERRED, 0, 0, &[2, 2]);
    good(PREFERRED, RELATIVE, 0, &[4, 1]);
    good(BIND, STATIC | BALANCING, 1024, &[7, 3]);
    bad("unknown NUMA policy", 0, 0, 0, &[]);
    bad("unknown NUMA policy", 7, 0, 0, &[1, 1]);
    bad("flags that its mode", BIND, 1, 0, &[1, 1]);
    bad("flags that its mode", BIND, STATIC | RELATIVE, 0, &[1, 1]);
    bad("flags that its mode", PREFERRED, BALANCING, 0, &[1, 1]);
    bad("flags that its mode", LOCAL, STATIC, 0, &[]);
    bad("impossible home node", BIND, 0, 1025, &[1, 1]);
    bad("impossible home node", PREFERRED, 0, 1, &[1, 1]);
    bad("another number of nodes", LOCAL, 0, 0, &[1, 1]);
    bad("another number of nodes", BIND, 0, 0, &[]);
    bad("another number of nodes", BIND, RELATIVE, 0, &[1, 0]);
    bad("another number of nodes", PREFERRED, 0, 0, &[3, 3]);
    bad("not asked for", BIND, 0, 0, &[1, 3]);
    bad("not asked for", BIND, STATIC, 0, &[1, 3]);
    bad("end in nothing", BIND, 0, 0, &[1, 0, 1, 0]);
    fails::<cr_img_policy>(0, "its count disagree", |policy| policy.nr_words = 1);
    // A thread has none with a home node.
    let mut sample = with(BIND, 0, 1, &[1, 1]);
    sample.change(0, |sched: &mut cr_img_sched| sched.policy = POLICY);
    refused(&sample, "a home node");
    fails::<cr_img_vma>(1, "no NUMA policy", |vma| vma.policy = AIO);
    passes::<cr_img_vma>(2, |vma| vma.policy = POLICY);
    fails::<cr_img_vma>(4, "what cannot have one", |vma| vma.policy = POLICY);
}

#[test]
fn registers() {
    fails::<cr_img_regs>(0, "impossible number of a system call", |regs| {
        regs.reg[15] = 1 << 33;
    });
    passes::<cr_img_regs>(0, |regs| regs.reg[15] = 1 << 32);
    passes::<cr_img_regs>(0, |regs| regs.reg[15] = u64::MAX);
    let (code, stack) = (17, 20);
    // 32-bit code, that in an own segment; a stack in one, also in the global table.
    for (which, selector) in [(code, 0x23), (code, 0xf), (stack, 0xffff), (stack, 0x63)] {
        passes::<cr_img_regs>(0, |regs| regs.reg[which] = selector);
    }
    // Of the kernel; another privilege; an own segment of data; none; not one of all.
    let wrong = [
        (code, 0x10),
        (code, 0xe),
        (code, 0x63),
        (code, 0),
        (code, 0x1_0033),
        (code, 0x1_000f),
        (stack, 0x18),
        (stack, 0x33),
        (stack, 0x7b),
        (stack, 0),
    ];
    for (which, selector) in wrong {
        let message = "a segment for code or stack that user space does not have";
        fails::<cr_img_regs>(0, message, |regs| regs.reg[which] = selector);
    }
    fails::<cr_img_regs>(0, "flags that a program cannot set", |regs| {
        regs.reg[18] |= 0x3000
    });
    fails::<cr_img_regs>(0, "flags that a program cannot set", |regs| {
        regs.reg[18] &= !0x200
    });
    fails::<cr_img_regs>(0, "flags that a program cannot set", |regs| {
        regs.reg[18] |= 0x20000
    });
    fails::<cr_img_regs>(0, "a segment base outside user space", |regs| {
        regs.reg[22] = 1 << 63
    });
    for selector in [0, 3, 0x23, 0x2b, 0x33, 0x63, 0x6b, 0x73, 7, 0xffff] {
        passes::<cr_img_regs>(0, |regs| regs.reg[26] = selector);
    }
    for selector in [1, 0x10, 0x28, 0x5b, 0x7b, 4, 0x1_0007] {
        fails::<cr_img_regs>(0, "a segment that user space does not have", |regs| {
            regs.reg[26] = selector
        });
    }
    // Block 0 and the header, which is block 8, are there; the area has 13.
    const BLOCKS: usize = size_of::<cr_img_xstate>();
    fails_bytes(CR_TAG_XSTATE, 0, "reserved bits in MXCSR", |bytes| {
        bytes[BLOCKS + 27] = 0x80
    });
    fails_bytes(CR_TAG_XSTATE, 0, "does not know", |bytes| {
        bytes[BLOCKS + 65] = 2
    });
    fails_bytes(CR_TAG_XSTATE, 0, "the compacted form", |bytes| {
        bytes[BLOCKS + 79] = 0x80
    });
    fails_bytes(CR_TAG_XSTATE, 0, "other blocks than", |bytes| {
        bytes.truncate(BLOCKS + 64)
    });
    fails::<cr_img_xstate>(0, "other blocks than", |xstate| xstate.blocks[0] |= 2);
    fails::<cr_img_xstate>(0, "other blocks than", |xstate| {
        xstate.blocks = [1 | (1 << 13), 0, 0, 0]
    });
    let mut sample = Sample::new();
    sample.header.xstate_size += 8;
    let at = index(&sample, CR_TAG_XSTATE, 0);
    let mut area = vec![0; 896];
    area[839] = 1;
    let mut record = |area: &[u8]| {
        let mut area = area.to_vec();
        let (xstate, blocks) = cr_codec::xstate::pack(&mut area);
        sample.state[at].payload = [xstate.as_bytes(), blocks].concat();
        check(&sample)
    };
    assert_eq!(record(&area), Ok(()));
    area[840] = 1;
    assert!(record(&area)
        .unwrap_err()
        .contains("more than the XSAVE area"));
}

#[test]
fn signals() {
    fails_bytes(CR_TAG_SIGHAND, 0, "unknown flags", |bytes| {
        bytes[8 + 2] = 0x80
    });
    fails_bytes(
        CR_TAG_SIGHAND,
        0,
        "a mask with SIGKILL or SIGSTOP",
        |bytes| bytes[24 + 1] = 1,
    );
    fails_bytes(
        CR_TAG_SIGHAND,
        0,
        "a handler for SIGKILL or SIGSTOP",
        |bytes| bytes[8 * 32] = 1,
    );
    fails::<cr_img_sigqueue>(0, "neither shared nor private", |queue| queue.shared = 2);
    fails::<cr_img_sigqueue>(0, "without a thread", |queue| queue.shared = 0);
    fails::<cr_img_sigqueue>(1, "a second time for one task, or of a dead one", |queue| {
        queue.shared = 1
    });
    fails::<cr_img_sigqueue>(0, "an empty queue", |queue| queue.pending = 0);
    fails::<cr_img_sigqueue>(0, "SIGKILL is pending", |queue| queue.pending |= 1 << 8);
    fails::<cr_img_sigqueue>(0, "a signal that is not pending", |queue| queue.pending = 1);
    fails::<cr_img_sigqueue>(0, "its count disagree", |queue| queue.nr = 0);
    passes::<cr_img_sigqueue>(0, |queue| queue.pending |= 1);
    fails_bytes(CR_TAG_SIGQUEUE, 0, "no such signal", |bytes| bytes[24] = 65);
    fails_bytes(CR_TAG_SIGQUEUE, 0, "no such signal", |bytes| {
        bytes[27] = 0x80
    });
    fails_bytes(CR_TAG_SIGQUEUE, 1, "the same signal twice", |bytes| {
        bytes[24] = 10
    });
    fails_bytes(CR_TAG_SIGQUEUE, 0, "no such timer", |bytes| {
        bytes[19] = 0x81
    });
    fails_bytes(CR_TAG_SIGQUEUE, 0, "a reserved member", |bytes| {
        bytes[20] = 1
    });
}

/// Changes a timer: the first is of CPU time and has expired, the second is absolute and armed.
fn with_timer(nth: usize, f: impl Fn(&mut cr_img_timer)) -> impl Fn(&mut Vec<u8>) {
    move |bytes| {
        let at = size_of::<cr_img_timers>() + nth * size_of::<cr_img_timer>();
        let place = &mut bytes[at..at + size_of::<cr_img_timer>()];
        let mut timer = cr_img_timer::read_from_bytes(place).unwrap();
        f(&mut timer);
        place.copy_from_slice(timer.as_bytes());
    }
}

#[test]
fn increments() {
    assert_eq!(check(&Sample::increment()), Ok(()));
    let fails = |message: &str, f: &dyn Fn(&mut Sample)| {
        let mut sample = Sample::increment();
        f(&mut sample);
        refused(&sample, message);
    };
    let unchanged = |f: fn(&mut cr_img_unchanged)| {
        move |sample: &mut Sample| sample.change::<cr_img_unchanged>(0, f)
    };
    let container = |f: fn(&mut cr_img_container)| {
        move |sample: &mut Sample| sample.change::<cr_img_container>(0, f)
    };
    fails(
        "its own parent",
        &container(|container| container.id = container.parent),
    );
    fails(
        "since no other image",
        &container(|container| container.parent = [0; 16]),
    );
    fails(
        "no memory that",
        &unchanged(|unchanged| unchanged.mm = PIPE),
    );
    fails(
        "since it was nothing",
        &unchanged(|unchanged| unchanged.object = 0),
    );
    fails(
        "nothing is unchanged",
        &unchanged(|unchanged| unchanged.nr_runs = 0),
    );
    fails(
        "its count disagree",
        &unchanged(|unchanged| unchanged.nr_runs = 2),
    );
    fails(
        "reserved member",
        &unchanged(|unchanged| unchanged.reserved = 1),
    );
    for (start, nr_pages) in [(HEAP, 9), (SHARED, 1), (VDSO, 1), (0x1_0000, 1)] {
        fails("no private memory is mapped", &|sample| {
            let run = cr_img_run { start, nr_pages };
            sample.state.last_mut().unwrap().payload[24..].copy_from_slice(run.as_bytes());
        });
    }
    fails("not after the last one", &|sample| {
        let last = sample.state.last().unwrap().clone();
        sample.state.push(last);
    });
    fails("", &|sample| {
        let last = sample.state.pop().unwrap();
        sample.state.insert(3, last);
    });
}

/// An image with shared memory of huge pages, of which some are kept.
fn with_huge_pages() -> Sample {
    let mut sample = Sample::new();
    let at = sample.state.iter().position(|rec| rec.id == SHMEM).unwrap();
    let reserve = cr_img_reserve {
        object: SHMEM,
        nr_runs: 1,
        reserved: 0,
    };
    let run = cr_img_run {
        start: 0,
        nr_pages: 1024,
    };
    let reserve = Owned {
        tag: CR_TAG_RESERVE,
        id: 0,
        payload: [reserve.as_bytes(), run.as_bytes()].concat(),
    };
    sample.state.insert(at + 1, reserve);
    sample.change::<cr_img_shmem>(0, |shmem| {
        (shmem.size, shmem.flags) = (4 << 20, CR_SHMEM_HUGETLB)
    });
    sample.change::<cr_img_vma>(2, |vma| {
        vma.end = SHARED + (4 << 20);
        vma.flags |= CR_VMA_HUGETLB;
    });
    // The one behind it goes out of the way.
    sample.change::<cr_img_vma>(3, |vma| {
        (vma.start, vma.end) = (vma.start + (2 << 30), vma.end + (2 << 30))
    });
    sample
}

#[test]
fn mappings_of_huge_pages() {
    const VMA: usize = 2;
    let with = |f: &dyn Fn(&mut cr_img_vma)| {
        let mut sample = with_huge_pages();
        sample.change(VMA, f);
        sample
    };
    let passes = |f: &dyn Fn(&mut cr_img_vma)| assert_eq!(check(&with(f)), Ok(()));
    let private = |vma: &mut cr_img_vma| vma.flags ^= CR_VMA_SHARED;
    passes(&|_| {});
    passes(&|vma| vma.pgoff = 512);
    passes(&|vma| vma.flags |= CR_VMA_NORESERVE | CR_VMA_DONTFORK | CR_VMA_DONTDUMP);
    passes(&private);
    passes(&|vma| {
        private(vma);
        vma.flags |= CR_VMA_RESERVED;
    });
    let fails = |message: &str, f: &dyn Fn(&mut cr_img_vma)| refused(&with(f), message);
    for flag in [
        CR_VMA_GROWSDOWN,
        CR_VMA_ACCOUNT,
        CR_VMA_LOCKED,
        CR_VMA_WIPEONFORK,
    ] {
        fails("flags that huge pages cannot have", &|vma| {
            vma.flags |= flag
        });
    }
    for flag in [CR_VMA_DROPPABLE, CR_VMA_MERGEABLE] {
        fails("", &|vma| vma.flags |= flag);
    }
    for flag in [CR_VMA_RESERVED, CR_VMA_GIGANTIC] {
        fails("flags of huge pages without any", &|vma| {
            vma.flags ^= CR_VMA_HUGETLB | flag
        });
    }
    let alone = "huge pages that are not kept for it alone";
    fails(alone, &|vma| vma.flags |= CR_VMA_RESERVED);
    fails(alone, &|vma| {
        private(vma);
        vma.flags |= CR_VMA_RESERVED | CR_VMA_NORESERVE;
    });
    fails("huge pages of nothing", &|vma| {
        private(vma);
        (vma.kind, vma.object) = (CR_VMA_ANON, 0);
    });
    fails("not whole huge pages", &|vma| vma.start += 4096);
    fails("not whole huge pages", &|vma| vma.end += 4096);
    fails("not whole huge pages", &|vma| vma.pgoff = 1);
    fails("not whole huge pages", &|vma| vma.flags |= CR_VMA_GIGANTIC);
    let other = "pages of another size than those of its object";
    fails(other, &|vma| vma.flags ^= CR_VMA_HUGETLB);
    fails(other, &|vma| {
        vma.end = vma.start + (1 << 30);
        vma.flags |= CR_VMA_GIGANTIC;
    });
    fails(other, &|vma| {
        (vma.kind, vma.object) = (CR_VMA_FILE, FILE_MEMFD)
    });
    // Of what pages one is that has a name, nobody knows yet.
    passes(&|vma| (vma.kind, vma.object) = (CR_VMA_FILE, FILE_EXE));
    let mut guarded = with_huge_pages();
    let at = index(&guarded, CR_TAG_GUARDS, 0);
    let run = size_of::<cr_img_guards>();
    guarded.state[at].payload[run..run + 8].copy_from_slice(&SHARED.to_le_bytes());
    refused(&guarded, "a guard region");
}

#[test]
fn objects_of_huge_pages() {
    let fails = |message: &str, f: &dyn Fn(&mut cr_img_shmem)| {
        let mut sample = with_huge_pages();
        sample.change(0, f);
        refused(&sample, message);
    };
    fails("not whole huge pages", &|shmem| shmem.size += 4096);
    fails("not whole huge pages", &|shmem| {
        shmem.flags |= CR_SHMEM_GIGANTIC
    });
    fails("flags of huge pages without any", &|shmem| {
        shmem.flags = CR_SHMEM_GIGANTIC
    });
    fails("flags that huge pages cannot have", &|shmem| {
        shmem.flags |= CR_SHMEM_NORESERVE
    });
    fails("no object of huge pages", &|shmem| shmem.flags = 0);

    let segment = |size| {
        let mut sample = change::<cr_img_shmem>(1, |memory| {
            (memory.size, memory.flags) = (2 << 20, memory.flags | CR_SHMEM_HUGETLB)
        });
        sample.change::<cr_img_shm>(0, |segment| segment.size = size);
        sample
    };
    assert_eq!(check(&segment(2 << 20)), Ok(()));
    assert_eq!(check(&segment(4000)), Ok(()));
    refused(&segment((2 << 20) + 1), "other memory behind it");
    let reserve = |message: &str, f: &dyn Fn(&mut cr_img_reserve)| {
        let mut sample = with_huge_pages();
        sample.change(0, f);
        refused(&sample, message);
    };
    reserve("no object of huge pages", &|reserve| reserve.object = PIPE);
    reserve("no object of huge pages", &|reserve| {
        reserve.object = SEGMENT
    });
    reserve("a reserved member is not zero", &|reserve| {
        reserve.reserved = 1
    });
    reserve("nothing is kept", &|reserve| reserve.nr_runs = 0);
    reserve("its count disagree", &|reserve| reserve.nr_runs = 2);
    let mut twice = with_huge_pages();
    let at = index(&twice, CR_TAG_RESERVE, 0);
    twice.state.insert(at, twice.state[at].clone());
    refused(&twice, "not after the last one");
    for (start, nr_pages, message) in [
        (4096, 512, "not whole huge pages"),
        (0, 511, "not whole huge pages"),
        (0, 0, "not a range of pages"),
        (u64::MAX, 512, "not a range of pages"),
    ] {
        let mut sample = with_huge_pages();
        let at = index(&sample, CR_TAG_RESERVE, 0);
        let run = cr_img_run { start, nr_pages };
        let runs = size_of::<cr_img_reserve>();
        sample.state[at].payload[runs..].copy_from_slice(run.as_bytes());
        refused(&sample, message);
    }
}

#[test]
fn memfds_of_huge_pages() {
    let path = |sample: &mut Sample| {
        let at = index(sample, CR_TAG_INODE, 0);
        sample.state[at].payload[size_of::<cr_img_inode>()] = b'/';
    };
    for (kind, size) in [
        (CR_INODE_HUGETLB_REMOVED, 2 << 20),
        (CR_INODE_HUGETLB_TMPFILE, 2 << 20),
        (CR_INODE_GIGANTIC_REMOVED, 1 << 30),
        (CR_INODE_GIGANTIC_TMPFILE, 1 << 30),
    ] {
        let removed = |size| {
            let mut sample = change::<cr_img_inode>(0, |inode| {
                (inode.kind, inode.size, inode.seals) = (kind, size, 0)
            });
            path(&mut sample);
            sample.change::<cr_img_file>(9, |file| file.kind = CR_FILE_INODE);
            sample
        };
        assert_eq!(check(&removed(3 * size)), Ok(()));
        refused(&removed(size / 2), "not whole huge pages");
        fails::<cr_img_inode>(0, "not an absolute path", |inode| {
            (inode.kind, inode.size) = (kind, size)
        });
    }
    for (kind, size) in [(CR_INODE_HUGETLB, 2 << 20), (CR_INODE_GIGANTIC, 1 << 30)] {
        passes::<cr_img_inode>(0, |inode| (inode.kind, inode.size) = (kind, 3 * size));
        fails::<cr_img_inode>(0, "not whole huge pages", |inode| {
            (inode.kind, inode.size) = (kind, size / 2)
        });
        fails::<cr_img_inode>(0, "impossible seals", |inode| {
            (inode.kind, inode.size, inode.seals) = (kind, size, 0x40)
        });
    }
}

#[test]
fn numa_policies_of_shared_memory() {
    let with = |object: u64, runs: &[cr_img_policy_run], f: &dyn Fn(&mut cr_img_shared_policy)| {
        let mut sample = Sample::new();
        let at = sample
            .state
            .iter()
            .position(|rec| rec.id == POLICY)
            .unwrap();
        let mut shared = cr_img_shared_policy {
            object,
            nr_runs: runs.len() as u32,
            reserved: 0,
        };
        f(&mut shared);
        let record = Owned {
            tag: CR_TAG_SHARED_POLICY,
            id: 0,
            payload: [shared.as_bytes(), runs.as_bytes()].concat(),
        };
        sample.state.insert(at + 1, record);
        sample
    };
    let run = |start, nr_pages, policy| cr_img_policy_run {
        start,
        nr_pages,
        policy,
    };
    let good = [
        run(0, 1, POLICY),
        run(4096, 2, POLICY),
        run(1 << 40, 1 << 30, POLICY),
    ];
    for object in [SHMEM, SEGMENT, INODE] {
        assert_eq!(check(&with(object, &good, &|_| {})), Ok(()));
    }
    let fails = |message: &str, object, runs: &[cr_img_policy_run]| {
        refused(&with(object, runs, &|_| {}), message)
    };
    fails("no object that has policies", PIPE, &good);
    fails("no object that has policies", 1 << 40, &good);
    fails("no policy", SHMEM, &[]);
    fails("no NUMA policy", SHMEM, &[run(0, 1, SHMEM)]);
    fails("not a range of pages", SHMEM, &[run(1, 1, POLICY)]);
    fails("not a range of pages", SHMEM, &[run(0, 0, POLICY)]);
    fails("not a range of pages", SHMEM, &[run(0, u64::MAX, POLICY)]);
    let overlap = [run(0, 2, POLICY), run(4096, 1, POLICY)];
    fails("not ascending", SHMEM, &overlap);
    fails("more than can be mapped", SHMEM, &[run(0, 1 << 35, POLICY)]);
    let end = (1 << 63) - 4096;
    fails("more than can be mapped", SHMEM, &[run(end, 1, POLICY)]);
    let changed = |message: &str, f: &dyn Fn(&mut cr_img_shared_policy)| {
        refused(&with(SHMEM, &good, f), message)
    };
    changed("a reserved member is not zero", &|shared| {
        shared.reserved = 1
    });
    changed("its count disagree", &|shared| shared.nr_runs = 2);
    let mut twice = with(SHMEM, &good, &|_| {});
    let at = index(&twice, CR_TAG_SHARED_POLICY, 0);
    twice.state.insert(at, twice.state[at].clone());
    refused(&twice, "not after the last one");
    let mut huge = with_huge_pages();
    let at = huge.state.iter().position(|rec| rec.id == POLICY).unwrap();
    let shared = with(SHMEM, &good, &|_| {});
    let record = shared.state[index(&shared, CR_TAG_SHARED_POLICY, 0)].clone();
    huge.state.insert(at + 1, record);
    refused(&huge, "no object that has policies");
}

#[test]
fn huge_pages() {
    let sample = |start: u64, nr_pages: u64| {
        let mut sample = Sample::new();
        let heap = sample.state.iter().filter(|rec| rec.tag == CR_TAG_VMA);
        let heap = heap
            .enumerate()
            .find(|(_, rec)| rec.payload[..8] == HEAP.to_le_bytes());
        let heap = heap.unwrap().0;
        sample.change::<cr_img_vma>(heap, |vma| vma.end = HEAP + 1024 * 4096);
        let huge = cr_img_huge {
            mm: MM,
            nr_runs: 1,
            reserved: 0,
        };
        let run = cr_img_run { start, nr_pages };
        sample.state.push(Owned {
            tag: CR_TAG_HUGE,
            id: 0,
            payload: [huge.as_bytes(), run.as_bytes()].concat(),
        });
        sample
    };
    assert_eq!(check(&sample(HEAP, 512)), Ok(()));
    assert_eq!(check(&sample(HEAP, 1024)), Ok(()));
    refused(&sample(HEAP, 1), "not whole huge pages");
    refused(&sample(HEAP + 4096, 512), "not whole huge pages");
    refused(&sample(HEAP, 1536), "no private memory is mapped");
    refused(&sample(SHARED, 512), "no private memory is mapped");
    let fails = |message: &str, f: fn(&mut cr_img_huge)| {
        let mut sample = sample(HEAP, 512);
        sample.change(0, f);
        refused(&sample, message);
    };
    fails("no memory with", |huge| huge.mm = PIPE);
    fails("nothing is huge", |huge| huge.nr_runs = 0);
    fails("its count disagree", |huge| huge.nr_runs = 2);
    fails("reserved member", |huge| huge.reserved = 1);
    let mut twice = sample(HEAP, 512);
    let last = twice.state.last().unwrap().clone();
    twice.state.push(last);
    refused(&twice, "not after the last one");
}

fn timer_fails(nth: usize, message: &str, f: impl Fn(&mut cr_img_timer)) {
    fails_bytes(CR_TAG_TIMERS, 0, message, with_timer(nth, f));
}

#[test]
fn timers() {
    fails::<cr_img_timers>(0, "its count disagree", |timers| timers.nr = 1);
    fails::<cr_img_timers>(0, "unknown flags", |timers| timers.flags = 2);
    fails::<cr_img_timers>(0, "unknown flags", |timers| timers.reserved = 1);
    fails::<cr_img_timers>(0, "impossible timer id", |timers| timers.next_id = 1 << 31);
    passes::<cr_img_timers>(0, |timers| timers.flags = CR_TIMERS_CHOOSE_IDS);
    timer_fails(1, "timers do not ascend", |timer| timer.id = 7);
    timer_fails(1, "timers do not ascend", |timer| timer.id = 1 << 31);
    for clock in [2, 3, 4, 8, 9, 10, 12, -1, -5] {
        timer_fails(1, "an unknown clock", |timer| timer.clock = clock);
    }
    timer_fails(1, "an unknown clock", |timer| timer.clock_pid = 1);
    timer_fails(0, "an unknown clock", |timer| timer.clock_pid = 0);
    timer_fails(0, "unknown flags", |timer| timer.flags |= CR_TIMER_ABSOLUTE);
    timer_fails(0, "unknown flags", |timer| timer.flags |= CR_TIMER_IGNORED);
    timer_fails(0, "unknown flags", |timer| timer.flags |= 0x10);
    timer_fails(0, "unknown flags", |timer| timer.reserved = 1);
    timer_fails(0, "nobody would hear of", |timer| timer.notify = 1);
    timer_fails(0, "nobody would hear of", |timer| timer.notify = 3);
    timer_fails(0, "nobody would hear of", |timer| timer.signal = 65);
    timer_fails(1, "an impossible thread", |timer| timer.target = 0);
    timer_fails(0, "an impossible thread", |timer| timer.target = 2);
    timer_fails(1, "impossible times", |timer| timer.expires_ns = 0);
    timer_fails(1, "impossible times", |timer| timer.flags = 0);
    timer_fails(1, "impossible times", |timer| {
        timer.flags = CR_TIMER_IGNORED
    });
    timer_fails(0, "impossible times", |timer| timer.expires_ns = 0);
    timer_fails(0, "impossible times", |timer| timer.overrun_last = 1 << 63);
    timer_fails(0, "impossible times", |timer| timer.interval_ns = 1 << 63);

    let mut sample = Sample::new();
    let at = index(&sample, CR_TAG_TIMERS, 0);
    let timers = sample.state.remove(at);
    let error = check(&sample).unwrap_err();
    assert!(error.contains("signals of timers, without"), "{error}");
    // After all processes: the last one is a zombie.
    let end = index(&sample, CR_TAG_SEMADJ, 0);
    sample.state.insert(end, timers);
    let error = check(&sample).unwrap_err();
    assert!(error.contains("without timers"), "{error}");
    let mut sample = Sample::new();
    let end = index(&sample, CR_TAG_SEMADJ, 0);
    sample.state.insert(end, sample.state[at].clone());
    let error = check(&sample).unwrap_err();
    assert!(error.contains("it belongs to a zombie"), "{error}");
}

#[test]
fn runs() {
    let sample = Sample::new();
    let recs = sample.recs();
    let mut scratch = vec![0; recs.len()];
    let state = check_state(&sample.header, &recs, &mut scratch).unwrap();
    let run = |object, start, nr_pages| {
        let run = cr_img_run { start, nr_pages };
        state.check_run(77, object, &run).map_err(|err| err.message)
    };
    assert_eq!(run(SHMEM, 0, 3), Ok(()));
    assert_eq!(
        run(SHMEM, 0, 4),
        Err("pages beyond the end of the shared memory")
    );
    assert_eq!(run(INODE, 0, 2), Ok(()));
    assert_eq!(run(INODE, 8192, 1), Err("pages beyond the end of the file"));
    assert_eq!(run(MM, HEAP, 8), Ok(()));
    assert_eq!(run(MM, TEXT, 4), Ok(()));
    let nowhere = Err("pages where no private memory is mapped");
    assert_eq!(run(MM, HEAP, 9), nowhere);
    assert_eq!(run(MM, HEAP - 4096, 2), nowhere);
    assert_eq!(run(MM, SHARED, 1), nowhere);
    assert_eq!(run(MM, VDSO, 1), nowhere);
    assert_eq!(run(MM, STACK + 0x4000, 1), nowhere);
    assert_eq!(run(MM2, STACK, 4), Ok(()));
    assert_eq!(run(MM, 0, 1 << 60), Err("not a range of pages"));
    assert_eq!(run(MM, HEAP, 0), Err("not a range of pages"));
    assert_eq!(run(PIPE, 0, 1), Err("pages of an object that has none"));
    assert_eq!(
        run(12345, 0, 1),
        Err("pages of an object that does not exist")
    );
}

#[test]
fn scratch_is_bounded() {
    let sample = Sample::new();
    let recs = sample.recs();
    for room in 0..recs.len() {
        assert!(check_state(&sample.header, &recs, &mut vec![0; room]).is_err());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(3000) })]

    /// With right checksums and wrong contents, the checks are all there is.
    #[test]
    fn changed_bytes_do_no_harm(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut sample = Sample::new();
        for (rec, byte, value) in changes {
            let rec = rec.index(sample.state.len());
            let payload = &mut sample.state[rec].payload;
            let at = byte.index(payload.len());
            payload[at] = value;
        }
        let _ = check(&sample);
    }

    #[test]
    fn shuffled_records_do_no_harm(
        moves in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>()), 1..20),
    ) {
        let mut sample = Sample::new();
        for (from, to) in moves {
            let rec = sample.state.remove(from.index(sample.state.len()));
            sample.state.insert(to.index(sample.state.len() + 1), rec);
        }
        let _ = check(&sample);
    }

    #[test]
    fn any_state_does_no_harm(
        recs in prop::collection::vec(
            (prop::sample::select(cr_codec::record::KINDS), 0u64..4, prop::collection::vec(any::<u8>(), 600)),
            0..30,
        ),
    ) {
        let mut sample = Sample::new();
        sample.state.truncate(2);
        for (kind, id, mut payload) in recs {
            payload.resize(kind.fixed as usize, 0);
            sample.state.push(Owned { tag: kind.tag, id, payload });
        }
        let _ = check(&sample);
    }
}

#[test]
fn components_have_names() {
    let named = |components| cr_codec::cpu::Components(components).to_string();
    assert_eq!(named(0), "");
    assert_eq!(
        named((1 << 17) | (1 << 18)),
        "AMX tile configuration, AMX tile data"
    );
    assert_eq!(named(1 << 9), "protection keys (PKRU)");
    assert_eq!(named(0b110 | (1 << 62)), "SSE, AVX, component 62");
}

/// The file that nobody maps, and the working directory, are a directory that was removed.
fn removed_directory() -> Sample {
    let mut sample =
        change::<cr_img_file>(9, |file| (file.kind, file.flags) = (CR_FILE_REMOVED_DIR, 0));
    let inode = index(&sample, CR_TAG_INODE, 0);
    let name = size_of::<cr_img_inode>();
    sample.state[inode].payload[name..].copy_from_slice(b"/tmp");
    sample.change::<cr_img_inode>(0, |inode| {
        (inode.kind, inode.size, inode.seals) = (CR_INODE_DIRECTORY, 0, 0)
    });
    sample.pages.retain(|(object, ..)| *object != INODE);
    sample.change::<cr_img_fs>(0, |fs| (fs.cwd, fs.cwd_len) = (INODE, 0));
    let fs = index(&sample, CR_TAG_FS, 0);
    sample.state[fs].payload.truncate(size_of::<cr_img_fs>());
    sample.state[fs].payload.push(b'/');
    sample
}

#[test]
fn directories_that_were_removed() {
    assert_eq!(check(&removed_directory()), Ok(()));
    let fails = |message: &str, f: &dyn Fn(&mut Sample)| {
        let mut sample = removed_directory();
        f(&mut sample);
        refused(&sample, message);
    };
    fails("contents of a directory", &|sample| {
        sample.change::<cr_img_inode>(0, |inode| inode.size = 1)
    });
    fails("contents of a directory", &|sample| {
        sample.change::<cr_img_inode>(0, |inode| inode.seals = 1)
    });
    fails("not as a directory is opened", &|sample| {
        sample.change::<cr_img_file>(9, |file| file.flags = 2)
    });
    fails("what has no contents", &|sample| {
        sample.change::<cr_img_file>(9, |file| file.kind = CR_FILE_INODE)
    });
    fails("that was not removed", &|sample| {
        sample.change::<cr_img_fs>(0, |fs| (fs.cwd_len, fs.root_len) = (1, 0))
    });
}
