// SPDX-License-Identifier: GPL-2.0

//! Open files, pipes, descriptor tables, directories and locks.

use core::mem::size_of;

use super::{bpf, events, inode, ipc, is_path, landlock, tty, Placed, Rec, Result, State, PID_MAX};
use crate::{record, uapi::*};

/// Flags of open(2) that stay with an open file, and that a restart may pass to it again. Not those
/// that create or truncate a file.
pub const OPEN_FLAGS: u32 = O_ACCMODE
    | 0o2000 // O_APPEND
    | 0o4000 // O_NONBLOCK
    | 0o10000 // O_DSYNC
    | 0o40000 // O_DIRECT
    | 0o100000 // O_LARGEFILE
    | 0o200000 // O_DIRECTORY
    | 0o400000 // O_NOFOLLOW
    | 0o1000000 // O_NOATIME
    | 0o4000000; // __O_SYNC
/// Which events come of what is done with an open file.
pub const EVENT_FLAGS: u32 = CR_OPEN_UNTOLD | CR_OPEN_ASKS;
pub(super) const O_ACCMODE: u32 = 0o3;
const O_DIRECTORY: u32 = 0o200000;
const O_NOFOLLOW: u32 = 0o400000;
const O_PATH: u32 = 0o10000000;
const O_CLOEXEC: u32 = 0o2000000;

/// Without O_DIRECTORY.
const O_TMPFILE: u32 = 0o20000000;

const S_IFMT: u32 = 0o170000;
const S_IFIFO: u32 = 0o010000;
const S_IFCHR: u32 = 0o020000;
const S_IFDIR: u32 = 0o040000;
const S_IFBLK: u32 = 0o060000;
const S_IFREG: u32 = 0o100000;
const S_IFLNK: u32 = 0o120000;
const S_IFSOCK: u32 = 0o140000;

/// null, zero, full, random, urandom.
const MEMORY_DEVICES: [u64; 5] = [0x103, 0x105, 0x107, 0x108, 0x109];

/// Most buffers in a pipe: those of 2 GiB.
const RING_MAX: u32 = 1 << 19;

pub(super) fn pipe(state: &State<'_>, rec: &Rec<'_>) -> Result {
    let pipe: cr_img_pipe = rec.fixed()?;
    rec.require(
        pipe.ring_size.is_power_of_two() && pipe.ring_size <= RING_MAX,
        "impossible size",
    )?;
    rec.require(
        u64::from(pipe.length) <= u64::from(pipe.ring_size).saturating_mul(state.page_size.bytes()),
        "more bytes than there is room for",
    )?;
    let packets = u64::from(pipe.nr_packets).saturating_mul(size_of::<cr_img_packet>() as u64);
    let length = u64::from(pipe.length).saturating_add(u64::from(pipe.path_len));
    rec.require_elements::<cr_img_pipe, u8>(length.saturating_add(packets))?;
    let rest = rec.variable::<cr_img_pipe>().get(packets as usize..);
    let path = rest.and_then(|rest| rest.get(..pipe.path_len as usize));
    let path = path.unwrap_or_default();
    rec.require(path.is_empty() || is_path(path), "not an absolute path")?;
    packets_of(state, rec, &pipe)
}

/// Each packet takes a buffer; what is between two of them fills as few as it can.
fn packets_of(state: &State<'_>, rec: &Rec<'_>, pipe: &cr_img_pipe) -> Result {
    let page = state.page_size.bytes();
    let (mut end, mut buffers) = (0, 0_u64);
    let packets = rec.array::<cr_img_packet>(size_of::<cr_img_pipe>());
    for packet in packets.first(pipe.nr_packets) {
        rec.require(
            (1..=page).contains(&u64::from(packet.length)),
            "impossible size of a packet",
        )?;
        let before = u64::from(packet.at).checked_sub(end);
        let before = before.ok_or_else(|| rec.error("packets that overlap"))?;
        buffers = buffers
            .saturating_add(before.div_ceil(page))
            .saturating_add(1);
        end = u64::from(packet.at).saturating_add(u64::from(packet.length));
    }
    let after = u64::from(pipe.length).checked_sub(end);
    let after = after.ok_or_else(|| rec.error("a packet that is not in the pipe"))?;
    rec.require(
        buffers.saturating_add(after.div_ceil(page)) <= u64::from(pipe.ring_size),
        "more packets than there is room for",
    )
}

pub(super) fn file(state: &State<'_>, rec: Placed<'_>) -> Result<cr_img_file> {
    let file: cr_img_file = rec.fixed()?;
    // PIDFD_THREAD is one of a call that creates a file.
    let known = match file.kind {
        CR_FILE_PIDFD => OPEN_FLAGS | events::O_EXCL,
        CR_FILE_REG | CR_FILE_DIR | CR_FILE_REMOVED_DIR => OPEN_FLAGS | EVENT_FLAGS,
        CR_FILE_INODE => OPEN_FLAGS | EVENT_FLAGS | O_TMPFILE,
        // mq_open(2) keeps it.
        CR_FILE_MQUEUE => OPEN_FLAGS | O_CLOEXEC,
        CR_FILE_PATH => O_PATH | O_DIRECTORY | O_NOFOLLOW,
        _ => OPEN_FLAGS,
    };
    rec.require(
        file.flags & !known == 0,
        "flags that an open file cannot have",
    )?;
    let most = match file.kind {
        CR_FILE_EVENTFD => u64::MAX - 1,
        CR_FILE_PROC_TASK | CR_FILE_TIMERFD => u64::MAX,
        _ => i64::MAX as u64,
    };
    rec.require(
        file.pos <= most && file.size < 1 << 63,
        "impossible offset or size",
    )?;
    rec.require(file.mode <= 0o177777, "impossible mode")?;

    let left = match file.kind {
        CR_FILE_PROC | CR_FILE_PROC_TASK => file.size,
        _ => 0,
    };
    rec.require_elements::<cr_img_file, u8>(left.saturating_add(u64::from(file.path_len)))?;
    let path = rec.variable::<cr_img_file>();
    let path = path.get(..file.path_len as usize).unwrap_or_default();
    let type_of_file = file.mode & S_IFMT;
    match file.kind {
        CR_FILE_REG | CR_FILE_DIR | CR_FILE_CHR | CR_FILE_PROC_TASK | CR_FILE_PROC
        | CR_FILE_KERNFS => {
            rec.require(is_path(path), "not an absolute path")?;
            rec.require(
                match file.kind {
                    // Some files take the number of a record for an int.
                    CR_FILE_PROC => file.target <= i32::MAX as u64,
                    CR_FILE_PROC_TASK | CR_FILE_KERNFS => true,
                    _ => file.target == 0,
                },
                "it refers to something",
            )?;
            let expected = match file.kind {
                CR_FILE_DIR => S_IFDIR,
                CR_FILE_CHR => S_IFCHR,
                _ => S_IFREG,
            };
            rec.require(type_of_file == expected, "mode and kind disagree")?;
            rec.require(
                left == 0 || file.target != 0,
                "something left of a read that was none",
            )?;
            if file.kind == CR_FILE_KERNFS {
                super::kernfs::file(state, rec, &file, path)?;
            }
        }
        CR_FILE_PATH => {
            rec.require(is_path(path), "not an absolute path")?;
            place(rec.rec, &file)?;
        }
        CR_FILE_PIPE => {
            rec.require(path.is_empty(), "a path to a pipe")?;
            rec.require(
                matches!(type_of_file, 0 | S_IFIFO),
                "mode and kind disagree",
            )?;
            state.refers::<cr_img_pipe>(rec, file.target, "no pipe behind it")?;
        }
        CR_FILE_SOCKET => super::sockets::file(state, rec, &file)?,
        CR_FILE_INET => super::inet::file(state, rec, &file)?,
        CR_FILE_NETLINK => super::netlink::file(state, rec, &file)?,
        CR_FILE_LINK => super::packet::file(state, rec, &file)?,
        CR_FILE_IO_URING => super::uring::file(state, rec, &file)?,
        CR_FILE_BPF_MAP => bpf::file(state, rec, &file)?,
        CR_FILE_RULESET => landlock::file(state, rec, &file)?,
        CR_FILE_EXTERNAL => {
            rec.require(path.is_empty(), "a path to something outside")?;
            rec.require(u32::try_from(file.target).is_ok(), "impossible key")?;
        }
        CR_FILE_EVENTFD | CR_FILE_EPOLL | CR_FILE_TIMERFD | CR_FILE_SIGNALFD | CR_FILE_PIDFD
        | CR_FILE_INOTIFY | CR_FILE_FANOTIFY => events::file(rec.rec, &file)?,
        CR_FILE_MEMFD | CR_FILE_INODE | CR_FILE_REMOVED_DIR => inode::file(state, rec, &file)?,
        CR_FILE_MQUEUE => ipc::posix_queue_file(state, rec, &file)?,
        CR_FILE_PTMX | CR_FILE_PTS | CR_FILE_CURRENT_TTY | CR_FILE_HUNG_UP => {
            tty::file(state, rec, &file)?
        }
        _ => return Err(rec.error("unknown kind of file")),
    }
    match file.kind {
        CR_FILE_CHR => rec.require(
            MEMORY_DEVICES.contains(&file.rdev),
            "not one of the memory devices",
        ),
        CR_FILE_PATH if matches!(type_of_file, S_IFCHR | S_IFBLK) => Ok(()),
        CR_FILE_EXTERNAL => Ok(()),
        _ => rec.require(file.rdev == 0, "a device number without a device"),
    }?;
    Ok(file)
}

/// What was opened with O_PATH, which can be anything, and has no offset.
fn place(rec: &Rec<'_>, file: &cr_img_file) -> Result {
    let type_of_file = file.mode & S_IFMT;
    rec.require(
        file.flags & O_PATH != 0 && (file.pos, file.target) == (0, 0),
        "more than a place",
    )?;
    rec.require(
        matches!(
            type_of_file,
            S_IFIFO | S_IFCHR | S_IFDIR | S_IFBLK | S_IFREG | S_IFLNK | S_IFSOCK
        ),
        "a file of no type",
    )?;
    rec.require(
        file.flags & O_DIRECTORY == 0 || type_of_file == S_IFDIR,
        "mode and flags disagree",
    )
}

/// Events that poll(2) tells, too, but for its own bits.
const EVENTS_OF_POLL: u32 = 0xffff;

pub(super) fn epoll(state: &State<'_>, rec: Placed<'_>) -> Result<cr_img_epoll> {
    let epoll: cr_img_epoll = rec.fixed()?;
    rec.require_elements::<cr_img_epoll, cr_img_epoll_item>(u64::from(epoll.nr))?;
    rec.require(epoll.reserved == 0, "a reserved member is not zero")?;
    let file = state.refers::<cr_img_file>(rec, epoll.file, "no epoll instance")?;
    rec.require(
        file.fixed::<cr_img_file>()?.kind == CR_FILE_EPOLL,
        "no epoll instance",
    )?;
    let mut ready = true;
    for item in rec.array::<cr_img_epoll_item>(size_of::<cr_img_epoll>()) {
        let watched = state.refers::<cr_img_file>(rec, item.file, "no file is watched")?;
        let kind = watched.fixed::<cr_img_file>()?.kind;
        rec.require(
            !matches!(kind, CR_FILE_PATH | CR_FILE_RULESET),
            "it watches a place, or rules",
        )?;
        match kind {
            CR_FILE_SIGNALFD => {
                state.refers::<cr_img_sighand>(rec, item.signals, "signals of nobody")?;
            }
            _ => rec.require(item.signals == 0, "signals of a file that has none")?,
        }
        rec.require(
            item.file != epoll.file && item.fd < record::MAX_FDS,
            "it watches itself, or an impossible descriptor",
        )?;
        rec.require(
            item.ready <= u32::from(ready),
            "what is ready does not come first",
        )?;
        rec.require(
            item.missing & !(item.events & EVENTS_OF_POLL) == 0,
            "what it does not wait for is missing",
        )?;
        ready = item.ready != 0;
    }
    Ok(epoll)
}

pub(super) fn owner(state: &State<'_>, rec: Placed<'_>) -> Result<cr_img_owner> {
    let owner: cr_img_owner = rec.fixed()?;
    let file = state.refers::<cr_img_file>(rec, owner.file, "an owner of no file")?;
    let file: cr_img_file = file.fixed()?;
    rec.require(
        !matches!(file.kind, CR_FILE_EXTERNAL | CR_FILE_PATH),
        "a file that cannot have an owner",
    )?;
    rec.require(
        owner.pid <= PID_MAX && owner.kind <= CR_OWNER_GROUP && owner.signal <= 64,
        "impossible owner",
    )?;
    rec.require(owner.reserved == 0, "a reserved member is not zero")?;
    let sends = owner.fd != CR_OWNER_SYNC;
    rec.require(
        match owner.flags {
            0 => true,
            CR_OWNER_WANTS_ROOM => sends && is_socket(file.kind),
            _ => false,
        },
        "impossible flags",
    )?;
    rec.require(
        !sends
            || (is_socket(file.kind) || matches!(file.kind, CR_FILE_PIPE | CR_FILE_INOTIFY))
                && owner.fd < record::MAX_FDS,
        "a file that cannot send signals, or for no descriptor",
    )?;
    Ok(owner)
}

/// Events of F_NOTIFY, and DN_MULTISHOT.
const DN_ALL: u32 = 0x8000_003f;

pub(super) fn dnotify(state: &State<'_>, rec: Placed<'_>) -> Result {
    let watch: cr_img_dnotify = rec.fixed()?;
    let file = state.refers::<cr_img_file>(rec, watch.file, "signals of no file")?;
    rec.require(
        matches!(
            file.fixed::<cr_img_file>()?.kind,
            CR_FILE_DIR | CR_FILE_REMOVED_DIR
        ),
        "signals of what is no directory",
    )?;
    state.refers::<cr_img_fdtable>(rec, watch.files, "signals of no descriptor table")?;
    rec.require(watch.mask & !DN_ALL == 0, "unknown events")?;
    rec.require(watch.fd < record::MAX_FDS, "impossible descriptor")
}

fn is_socket(kind: u32) -> bool {
    matches!(
        kind,
        CR_FILE_SOCKET | CR_FILE_INET | CR_FILE_NETLINK | CR_FILE_LINK
    )
}

pub(super) fn fdtable(state: &State<'_>, rec: Placed<'_>) -> Result {
    let table: cr_img_fdtable = rec.fixed()?;
    rec.require_elements::<cr_img_fdtable, cr_img_fd>(u64::from(table.nr_fds))?;
    let mut lowest = 0;
    let mut first_free = 0;
    for fd in rec.array::<cr_img_fd>(size_of::<cr_img_fdtable>()) {
        rec.require(
            fd.fd >= lowest && fd.fd < record::MAX_FDS,
            "descriptors that do not ascend, or too high",
        )?;
        rec.require(fd.flags & !CR_FD_CLOEXEC == 0, "unknown flags")?;
        state.refers::<cr_img_file>(rec, fd.file, "a descriptor of no file")?;
        if fd.fd == first_free {
            first_free = fd.fd.saturating_add(1);
        }
        lowest = fd.fd.saturating_add(1);
    }
    rec.require(
        table.next_fd <= first_free,
        "a free descriptor below the lowest that may be free",
    )
}

pub(super) fn fs(state: &State<'_>, rec: Placed<'_>) -> Result {
    let fs: cr_img_fs = rec.fixed()?;
    rec.require(fs.umask <= 0o777, "impossible umask")?;
    rec.require(fs.reserved == 0, "a reserved member is not zero")?;
    let length = u64::from(fs.cwd_len).saturating_add(u64::from(fs.root_len));
    rec.require_elements::<cr_img_fs, u8>(length)?;
    let paths = rec.variable::<cr_img_fs>();
    let Some((cwd, root)) = paths.split_at_checked(fs.cwd_len as usize) else {
        return Err(rec.error("its length and its count disagree"));
    };
    let removed = fs.cwd != 0;
    if removed {
        let inode = state.refers::<cr_img_inode>(rec, fs.cwd, "no working directory")?;
        rec.require(
            cwd.is_empty() && inode.fixed::<cr_img_inode>()?.kind == CR_INODE_DIRECTORY,
            "a working directory that was not removed",
        )?;
    }
    rec.require(
        (removed || is_path(cwd)) && is_path(root),
        "not an absolute path",
    )
}

pub(super) fn lock(state: &State<'_>, rec: Placed<'_>) -> Result {
    let lock: cr_img_lock = rec.fixed()?;
    let file = state.refers::<cr_img_file>(rec, lock.file, "a lock on no file")?;
    rec.require(
        matches!(
            file.fixed::<cr_img_file>()?.kind,
            CR_FILE_REG
                | CR_FILE_DIR
                | CR_FILE_CHR
                | CR_FILE_MEMFD
                | CR_FILE_INODE
                | CR_FILE_REMOVED_DIR
        ),
        "a lock on a file that has none",
    )?;
    match lock.kind {
        CR_LOCK_POSIX => {
            state.refers::<cr_img_fdtable>(rec, lock.owner, "a lock of no descriptor table")?;
        }
        CR_LOCK_OFD => rec.require(lock.owner == 0, "a lock with two owners")?,
        CR_LOCK_FLOCK | CR_LOCK_LEASE => {
            rec.require(lock.owner == 0, "a lock with two owners")?;
            let kind = file.fixed::<cr_img_file>()?.kind;
            rec.require(
                kind == CR_FILE_REG || lock.kind == CR_LOCK_FLOCK,
                "a lease of what is no regular file",
            )?;
            rec.require(
                lock.start == 0 && lock.end == i64::MAX as u64,
                "a lock on a part of the file",
            )?;
        }
        _ => return Err(rec.error("unknown kind of lock")),
    }
    rec.require(
        lock.start <= lock.end && lock.end <= i64::MAX as u64,
        "impossible range",
    )?;
    rec.require(
        lock.pid <= PID_MAX
            && (lock.pid == 0 || matches!(lock.kind, CR_LOCK_POSIX | CR_LOCK_LEASE)),
        "impossible process",
    )?;
    rec.require(
        lock.fd < record::MAX_FDS && (lock.fd == 0 || lock.kind == CR_LOCK_LEASE),
        "impossible descriptor",
    )?;
    rec.require(lock.exclusive <= 1, "neither exclusive nor shared")
}
