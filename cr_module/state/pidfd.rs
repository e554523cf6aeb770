// SPDX-License-Identifier: GPL-2.0

//! Processes and threads as files: pidfd_open(2).
//!
//! They are opened when all threads exist: see [`proc_task`](super::proc_task). One of a process that
//! has ended, and been waited for, stays one of such a process, and tells how that one has ended.
//!
//! Refused: processes outside of the container; processes that end with their pidfd; what others
//! have attached to one: extended attributes, core dumps.

use crate::{
    report::{fail, Context, Result},
    save::Save,
};
use cr_codec::uapi::*;
use cr_sys::{errno::EOPNOTSUPP, file::FileRef, pid_ns::PidNs, task::TaskRef};
use kernel::prelude::*;

/// PIDFD_THREAD, PIDFD_NONBLOCK
pub(crate) const FLAGS: u32 = O_EXCL | O_NONBLOCK;
const O_EXCL: u32 = 0o200;
const O_NONBLOCK: u32 = 0o4000;

/// Whether it is of somebody outside of the container.
pub(crate) fn leaves(save: &Save<'_>, file: &FileRef) -> bool {
    let ns = save.container.ns();
    matches!(file.read_pidfd(ns, &save.init), Err(error) if error == EXDEV)
}

/// Reads one that is about to be saved.
pub(crate) fn read(save: &Save<'_>, file: &FileRef, record: &mut cr_img_file) -> Result {
    let ns = save.container.ns();
    let info = file.read_pidfd(ns, &save.init)?;
    for (has, what) in [
        (info.kills, "of a process that is killed when it is closed"),
        (info.has_attributes, "with extended attributes"),
        (info.dumped, "of a process that has dumped core"),
        (
            info.nested,
            "of a process that has ended in a nested pid namespace",
        ),
        (
            info.elsewhere,
            "of a process that has ended in another cgroup",
        ),
    ] {
        if has {
            fail!(EOPNOTSUPP(), "a pidfd {what} is not supported yet");
        }
    }
    record.kind = CR_FILE_PIDFD;
    record.target = u64::from(info.tid);
    record.ino = info.ino;
    record.pos = u64::from(info.exit_code as u32);
    Ok(())
}

/// Those that have been opened of processes that have ended: which, and the first of them.
pub(crate) type Dead = KVVec<(u64, FileRef)>;

/// Opens one, in a container of which all threads exist.
pub(crate) fn open(
    ns: &PidNs,
    init: &TaskRef,
    record: &cr_img_file,
    dead: &mut Dead,
) -> Result<FileRef> {
    let flags = record.flags & FLAGS;
    if record.target != 0 {
        let tid = u32::try_from(record.target).map_err(|_| EINVAL)?;
        let pid = ns.find_pid(tid).ok_or(ESRCH);
        return pid
            .and_then(|pid| FileRef::make_pidfd(&pid, flags))
            .context(format_args!("pidfd of {tid}"));
    }
    if let Some((_, first)) = dead.iter().find(|(ino, _)| *ino == record.ino) {
        return Ok(first.make_same_pidfd(flags)?);
    }
    let file = FileRef::make_dead_pidfd(ns, init, record.pos as u32, flags)
        .context(format_args!("pidfd of a process that has ended"))?;
    dead.push((record.ino, file.clone()), GFP_KERNEL)?;
    Ok(file)
}
