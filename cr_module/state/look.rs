// SPDX-License-Identifier: GPL-2.0

//! What can be seen of an open file before it is known what is to be saved of it.

use crate::{
    report::{fail, words_for, Name, Result},
    state::event,
};
use cr_codec::{
    check::{EVENT_FLAGS, OPEN_FLAGS},
    uapi::*,
};
use cr_sys::{errno::EOPNOTSUPP, file::*};

/// O_TMPFILE, which comes with O_DIRECTORY.
const O_TMPFILE: u32 = 0o20000000;
/// What mq_open(2) keeps.
const O_CLOEXEC: u32 = 0o2000000;
/// What was opened with it is only a place: what is there is not open.
const O_PATH: u32 = 0o10000000;
/// O_ASYNC: see [`owner`].
const FASYNC: u32 = 0o20000;
/// Opened by execve(2): means nothing afterwards.
const FMODE_EXEC: u32 = 0o40;

/// What one look at an open file has found; shown as people call it.
pub(super) struct Look {
    pub(super) kind: FileType,
    pub(super) info: FileInfo,
    /// With all its flags, and what the file itself is.
    pub(super) read: cr_img_file,
}

impl Look {
    pub(super) fn at(file: &FileRef) -> Self {
        let (kind, info, read) = file.read_info();
        Self { kind, info, read }
    }

    /// Whether there is something special about it: CR_FILE_X_*.
    pub(super) fn has(&self, bit: u32) -> bool {
        self.info.unsupported & (1 << bit) != 0
    }

    /// What an image tells of it, whatever it is: with the flags that stay with it, and the device that
    /// a node names only if it is one of those that are found by it.
    pub(super) fn record(&self) -> cr_img_file {
        let (flags, rdev) = match self.kind {
            FileType::Regular | FileType::Directory => (OPEN_FLAGS | EVENT_FLAGS, 0),
            FileType::Removed => (OPEN_FLAGS | EVENT_FLAGS | O_TMPFILE, 0),
            FileType::MemoryDevice => (OPEN_FLAGS, self.read.rdev),
            FileType::Place => (OPEN_FLAGS | O_PATH, self.read.rdev),
            _ => (OPEN_FLAGS, 0),
        };
        cr_img_file {
            flags: self.read.flags & flags,
            rdev,
            ..self.read
        }
    }

    /// What an image tells of one that is nothing but a reference to something else.
    pub(super) fn refers(&self, kind: u32, target: u64) -> cr_img_file {
        cr_img_file {
            kind,
            flags: self.read.flags & OPEN_FLAGS,
            target,
            ..Default::default()
        }
    }

    /// Whether it is found by a name that has to be there.
    pub(super) fn has_name(&self, file: &FileRef) -> Result<bool> {
        Ok(match self.kind {
            FileType::Regular
            | FileType::MemoryDevice
            | FileType::Proc
            | FileType::ProcTask
            | FileType::Kernfs
            | FileType::Place => true,
            FileType::Directory => !self.has(CR_FILE_X_UNLINKED),
            FileType::Pipe => file.pipe()?.named,
            _ => false,
        })
    }
}

const REFUSED: &[(u32, &str)] = &[
    (CR_FILE_X_LEASE, "has a lease"),
    (CR_FILE_X_LOCK, "has a lock"),
];

/// Refuses what is special about a file that is found by its name, or is a pipe.
pub(super) fn check(look: &Look) -> Result {
    if look.kind == FileType::Removed && look.has(CR_FILE_X_FS) {
        fail!(
            EOPNOTSUPP(),
            "{look} was removed from a file system whose files are not supported yet"
        );
    }
    if let Some(why) = words_for(REFUSED, look.info.unsupported) {
        fail!(EOPNOTSUPP(), "{look} {why}, which is not supported yet");
    }
    // Those that have no name have flags of their own.
    let mut known = OPEN_FLAGS | EVENT_FLAGS | FMODE_EXEC | FASYNC;
    match look.kind {
        FileType::Removed => known |= O_TMPFILE,
        FileType::MessageQueue => known |= O_CLOEXEC,
        FileType::Place => known |= O_PATH,
        _ => {}
    }
    if !event::is_anonymous(look.kind) && look.read.flags & !known != 0 {
        fail!(
            EOPNOTSUPP(),
            "{look} has unknown flags {:#o}",
            look.read.flags
        );
    }
    Ok(())
}

impl core::fmt::Display for Look {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let name = Name(&self.info.name);
        match self.kind {
            FileType::Pipe => f.write_str("a pipe"),
            FileType::Terminal => write!(f, "a terminal ({name})"),
            FileType::Memfd => write!(f, "a memfd ({name})"),
            FileType::SharedMemory => f.write_str("shared anonymous memory"),
            FileType::SysvSharedMemory => f.write_str("System V shared memory"),
            FileType::Regular
            | FileType::Directory
            | FileType::Removed
            | FileType::Proc
            | FileType::Kernfs
            | FileType::Place => write!(f, "file {name}"),
            FileType::EventFd => f.write_str("an eventfd"),
            FileType::Epoll => f.write_str("an epoll instance"),
            FileType::TimerFd => f.write_str("a timerfd"),
            FileType::SignalFd => f.write_str("a signalfd"),
            FileType::PidFd => f.write_str("a pidfd"),
            FileType::Inotify => f.write_str("an inotify instance"),
            FileType::BpfMap => f.write_str("a BPF map"),
            FileType::Ruleset => f.write_str("a Landlock ruleset"),
            FileType::ProcTask => write!(f, "file {name} of a process (/proc/PID)"),
            FileType::Fanotify => f.write_str("a fanotify group"),
            FileType::Socket => f.write_str("a socket"),
            FileType::IoUring => f.write_str("io_uring"),
            FileType::MessageQueue => write!(f, "POSIX message queue {name}"),
            FileType::AioRing => f.write_str("a ring of asynchronous I/O"),
            FileType::Inet
            | FileType::Netlink
            | FileType::Packet
            | FileType::MemoryDevice
            | FileType::Other => {
                write!(f, "{name}")
            }
        }
    }
}
