// SPDX-License-Identifier: GPL-2.0

//! File locks: POSIX locks of processes, flock(2) and open file description locks; leases.
//!
//! They hang on the inode, with an owner. A lock of somebody outside on the same file is none of
//! our business.

use crate::{
    build::Build,
    objects::Kind,
    report::{fail, Context, Result},
    save::Save,
};
use cr_codec::uapi::*;
use cr_sys::{
    build::with_fd,
    errno::{EBADMSG, EOPNOTSUPP},
    file::{FileRef, Lock},
    list::read_all,
    pid_ns::PidNs,
    task::TaskRef,
};
use kernel::{prelude::*, rbtree::RBTree};
use zerocopy::IntoBytes;
use zerocopy_derive::{Immutable, IntoBytes};

/// Saves the locks that the container has on the files that have been saved.
pub(crate) fn save(save: &mut Save<'_>) -> Result {
    let files = core::mem::take(&mut save.lockable);
    let ns = save.container.ns();
    let mut open = RBTree::new();
    for (file, _) in &files {
        open.try_create_and_insert(file.identity(), file, GFP_KERNEL)?;
    }
    for file in one_of_each_inode(&files)? {
        for lock in &read_all(|room: &mut [Lock]| Result::Ok(file.locks(ns, room)))? {
            save_lock(save, open.get(&lock.file).copied(), lock)?;
        }
    }
    Ok(())
}

/// Of open files with the identities of their inodes: the first one of each inode.
pub(super) fn one_of_each_inode(files: &[(FileRef, u64)]) -> Result<KVVec<&FileRef>> {
    let (mut seen, mut first) = (RBTree::new(), KVVec::new());
    for (file, inode) in files {
        if seen
            .try_create_and_insert(*inode, (), GFP_KERNEL)?
            .is_none()
        {
            first.push(file, GFP_KERNEL)?;
        }
    }
    Ok(first)
}

/// Saves a lock that was taken through a file of the container, or of a process that has none.
fn save_lock(save: &mut Save<'_>, file: Option<&FileRef>, lock: &Lock) -> Result {
    let table = save.objects.find(Kind::FdTable, lock.owner);
    let id = save.objects.find(Kind::File, lock.file);
    let owner = match (lock.kind, table, id) {
        (CR_LOCK_POSIX, Some(table), _) => table,
        (CR_LOCK_OFD | CR_LOCK_FLOCK | CR_LOCK_LEASE, _, Some(_)) => 0,
        // Somebody else's.
        _ => return Ok(()),
    };
    // A mapping keeps a file and the locks that belong to it. Those of a process are taken again
    // through one of its descriptors.
    let open = file.is_some_and(|file| save.references.descriptors_of(file) > 0);
    let Some(id) = id.filter(|_| open || owner == 0) else {
        fail!(
            EOPNOTSUPP(),
            "a lock on a file that is not open any more is not supported yet"
        );
    };
    if save.externals.contains(&id) {
        fail!(
            EOPNOTSUPP(),
            "a lock on an external file is not supported yet"
        );
    }
    if lock.breaking || lock.delegation {
        fail!(
            EOPNOTSUPP(),
            "{}, which is not supported yet",
            match lock.delegation {
                true => "a delegation of a file (F_SETDELEG)",
                false => "a lease of a file that somebody else wants to open",
            }
        );
    }
    let record = cr_img_lock {
        file: id,
        owner,
        start: lock.start,
        end: lock.end,
        kind: lock.kind,
        exclusive: lock.exclusive,
        pid: lock.pid,
        fd: lock.fd,
    };
    save.record(&record, &[])
}

const SYS_FCNTL: u32 = 72;
const SYS_FLOCK: u32 = 73;
const F_SETLK: u64 = 6;
const F_OFD_SETLK: u64 = 37;
const F_RDLCK: u16 = 0;
const F_WRLCK: u16 = 1;
const F_SETLEASE: u64 = 1024;
const LOCK_SH: u64 = 1;
const LOCK_EX: u64 = 2;
const LOCK_NB: u64 = 4;

/// struct flock of `include/uapi/asm-generic/fcntl.h`.
#[derive(IntoBytes, Immutable)]
#[repr(C)]
struct Flock {
    kind: u16,
    whence: u16,
    pad: u32,
    start: u64,
    len: u64,
    pid: u32,
    pad2: u32,
}

/// Takes those locks of a descriptor table, which the current task has, that are to be its own: by the
/// pid that has taken each.
pub(crate) fn restore(build: &Build<'_>, files: u64, own: impl Fn(u32) -> bool) -> Result {
    for rec in build.locks() {
        let lock: cr_img_lock = rec.fixed()?;
        if lock.owner != files || !own(lock.pid) {
            continue;
        }
        // Closing any descriptor of a file drops these locks on it: use one that stays.
        let Some(fd) = build.fd_of(files, lock.file)? else {
            fail!(EBADMSG(), "a lock on a file that its owner has not open");
        };
        take(build, fd, &lock).context(format_args!("lock on fd {fd}"))?;
    }
    Ok(())
}

/// Takes those that belong to open files and not to a process. One process does so for all, whether
/// it has a file open or not; before its own, which go when it closes a descriptor of the file.
pub(crate) fn restore_of_files(build: &Build<'_>) -> Result {
    for rec in build.locks() {
        let lock: cr_img_lock = rec.fixed()?;
        if lock.owner != 0 {
            continue;
        }
        let file = build.file(lock.file)?;
        with_fd(file, |fd| {
            take(build, fd, &lock)?;
            match lock.kind {
                CR_LOCK_LEASE => hand_over(file, &lock),
                _ => Ok(()),
            }
        })
        .context(format_args!("lock"))?;
    }
    Ok(())
}

/// Makes a lease that of who has taken it before: all processes exist.
fn hand_over(file: &FileRef, lock: &cr_img_lock) -> Result {
    let ns = PidNs::for_children_of(&TaskRef::current()).ok_or(ESRCH)?;
    let pid = ns.find_pid(lock.pid);
    Ok(file.set_lease(pid.as_ref(), lock.fd)?)
}

fn take(build: &Build<'_>, fd: u32, lock: &cr_img_lock) -> Result {
    let fd = u64::from(fd);
    if lock.kind == CR_LOCK_LEASE {
        let how = if lock.exclusive != 0 {
            F_WRLCK
        } else {
            F_RDLCK
        };
        build
            .syscall(SYS_FCNTL, [fd, F_SETLEASE, u64::from(how)])
            .context(format_args!("a lease"))?;
        return Ok(());
    }
    if lock.kind == CR_LOCK_FLOCK {
        let how = if lock.exclusive != 0 {
            LOCK_EX
        } else {
            LOCK_SH
        };
        build.syscall(SYS_FLOCK, [fd, how | LOCK_NB, 0])?;
        return Ok(());
    }
    const TO_THE_END: u64 = i64::MAX as u64;
    let flock = Flock {
        kind: if lock.exclusive != 0 {
            F_WRLCK
        } else {
            F_RDLCK
        },
        whence: 0,
        pad: 0,
        start: lock.start,
        len: match lock.end {
            TO_THE_END => 0,
            end => end - lock.start + 1,
        },
        pid: 0,
        pad2: 0,
    };
    let command = match lock.kind {
        CR_LOCK_POSIX => F_SETLK,
        _ => F_OFD_SETLK,
    };
    let addr = build.scratch(0, flock.as_bytes())?;
    build.syscall(SYS_FCNTL, [fd, command, addr])?;
    Ok(())
}
