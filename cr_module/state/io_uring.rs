// SPDX-License-Identifier: GPL-2.0

//! io_uring instances, without requests in progress.
//!
//! The memory that they share with programs is saved as it is: requests that were not submitted, results
//! that were not looked at. The restart sets up an instance with that, and makes it that of the process
//! which is charged for what it pins, and of the thread that may submit requests.
//!
//! Refused: requests in progress, whatever was registered (files, buffers, an eventfd ...), threads of
//! the kernel that poll or work for it.

use crate::{
    checkpoint::Save,
    objects::Kind,
    plan::Plan,
    report::{fail, Context, Result},
    state::event,
};
use cr_codec::{check::Rec, uapi::*};
use cr_sys::{errno::EOPNOTSUPP, file::FileRef, io_uring::*, pid_ns::PidNs, task::TaskRef};
use kernel::prelude::*;

const REFUSED: &[(u32, &str)] = &[
    (
        CR_URING_X_SETUP,
        "with flags like IORING_SETUP_SQPOLL, IORING_SETUP_IOPOLL, IORING_SETUP_R_DISABLED",
    ),
    (
        CR_URING_X_RESOURCES,
        "with registered files, buffers, limits or the like (io_uring_register)",
    ),
    (CR_URING_X_BUSY, "that is not idle"),
];

/// Saves the instance behind an open file.
pub(crate) fn save(save: &mut Save<'_>, file: &FileRef) -> Result<u64> {
    let (mut record, owners, memory) = file.read_io_uring()?;
    for (bit, what) in REFUSED {
        if owners.unsupported & (1 << bit) != 0 {
            fail!(EOPNOTSUPP(), "io_uring {what} is not supported yet");
        }
    }
    let ns = save.container.ns();
    for task in ns.tasks().filter(|task| !task.is_dead()) {
        if task.identity() as u64 == owners.submitter {
            record.submitter = task.tid_in(ns);
        }
        let charged = || task.mm().is_some_and(|mm| mm.identity() == owners.mm);
        if record.owner == 0 && charged() {
            if owners.user != 0 && owners.user != task.user_identity() {
                fail!(
                    EOPNOTSUPP(),
                    "io_uring of a process that has become another user's is not supported yet"
                );
            }
            record.owner = task.tid_in(ns);
        }
    }
    if record.owner == 0 || (owners.submitter != 0 && record.submitter == 0) {
        fail!(
            EOPNOTSUPP(),
            "io_uring whose process has ended or executed another program is not supported yet"
        );
    }
    let id = save.objects.add(Kind::IoUring, file.identity())?;
    save.object(id, &record, &[&memory])?;
    Ok(id)
}

/// Makes one, which is the caller's until [`finish`].
pub(crate) fn restore(rec: &Rec<'_>, flags: u32) -> Result<FileRef> {
    let record: cr_img_uring = rec.fixed()?;
    match FileRef::make_io_uring(&record, rec.variable::<cr_img_uring>()) {
        Err(error) if error == ERANGE => fail!(
            EOPNOTSUPP(),
            "io_uring of this kernel needs another amount of memory"
        ),
        Err(error) if error == EPERM => fail!(
            EPERM,
            "io_uring is forbidden here: see kernel.io_uring_disabled"
        ),
        result => {
            let file = result.context(format_args!("io_uring_setup"))?;
            Ok(event::with_flags(file, flags))
        }
    }
}

/// Gives all of them to their processes, which stand still.
pub(crate) fn finish(plan: &Plan, ns: &PidNs) -> Result {
    for (_, rec) in plan.records.tagged(CR_TAG_FILE) {
        let file: cr_img_file = rec.fixed()?;
        if file.kind != CR_FILE_IO_URING {
            continue;
        }
        let record: cr_img_uring = plan.records.get(plan.records.find(file.target)?).fixed()?;
        let owner = task(ns, record.owner)?;
        let submitter = match record.submitter {
            0 => None,
            tid => Some(task(ns, tid)?),
        };
        let unlimited = record.flags & CR_URING_UNLIMITED != 0;
        let ring = plan.file(rec.id)?;
        match ring.adopt_io_uring(&owner, submitter.as_ref(), unlimited) {
            Err(error) if error == EPERM => fail!(EPERM, "io_uring: CAP_IPC_LOCK is needed"),
            result => result.context(format_args!("io_uring of pid {}", record.owner))?,
        }
    }
    Ok(())
}

fn task(ns: &PidNs, tid: u32) -> Result<TaskRef> {
    match ns.find_task(tid) {
        Some(task) => Ok(task),
        None => fail!(EINVAL, "io_uring of pid {tid}, which does not live"),
    }
}
