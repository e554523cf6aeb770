// SPDX-License-Identifier: GPL-2.0

//! io_uring instances. Requests in progress: see [`uring_request`](crate::state::uring_request).
//!
//! The memory that they share with programs is saved as it is: requests that were not submitted, results
//! that were not looked at. The restart sets up an instance with that. A thread of the process which is
//! charged for what it pins takes it over, and registers with it what was registered: see [`uring_table`] and [`uring_buffers`].
//! In the end it is that of the thread that may submit requests, and only what its restrictions allow is
//! possible; or nothing, if it is still disabled.
//!
//! Refused: some of what can be registered, threads of the kernel that poll for it, results for which the
//! queue has no place.

use crate::{
    build::Build,
    image::{places_of, Records},
    objects::Kind,
    plan::Plan,
    report::{fail, words_for, Context, Result},
    save::Save,
    state::{event, uring_buffers, uring_table},
};
use cr_codec::{check::Rec, order, uapi::*};
use cr_sys::{errno::EOPNOTSUPP, file::FileRef, io_uring::*, pid_ns::PidNs, task::TaskRef};
use kernel::prelude::*;

const REFUSED: &[(u32, &str)] = &[
    (
        CR_URING_X_SETUP,
        "with flags like IORING_SETUP_SQPOLL, IORING_SETUP_IOPOLL",
    ),
    (
        CR_URING_X_PERSONALITIES,
        "with registered personalities (IORING_REGISTER_PERSONALITY)",
    ),
    (
        CR_URING_X_RESTRICTED,
        "with restrictions of the task that has made it (IORING_REGISTER_RESTRICTIONS)",
    ),
    (
        CR_URING_X_RESOURCES,
        "with a clock, NAPI, zero-copy receiving, regions of memory or the like (io_uring_register)",
    ),
    (
        CR_URING_X_BUSY,
        "with results that have no place, or requests that wait for others (IOSQE_IO_DRAIN)",
    ),
];

/// Flags of an instance that is not for everything.
const LIMITED: u32 = CR_URING_DISABLED | CR_URING_FEW_REQUESTS | CR_URING_FEW_REGISTER;

/// An instance that has been saved.
pub(crate) struct Ring {
    /// As [`cr_sys::io_uring::Workers::ring`].
    pub(crate) identity: u64,
    /// The identity of its open file.
    pub(crate) file: u64,
    /// Any thread may submit requests; or else it may be the one that takes it over at restart.
    pub(crate) is_open_to_all: bool,
    pub(crate) taker: u32,
}

/// Saves the instance behind an open file.
pub(crate) fn save(save: &mut Save<'_>, file: &FileRef) -> Result<u64> {
    let (mut record, owners, memory) = file.read_io_uring()?;
    if let Some(what) = words_for(REFUSED, owners.unsupported.into()) {
        fail!(EOPNOTSUPP(), "io_uring {what} is not supported yet");
    }
    let ns = save.container.ns();
    let is_charged = |task: &TaskRef| task.mm().is_some_and(|mm| mm.identity() == owners.mm);
    for task in ns.tasks().filter(|task| !task.is_dead()) {
        let submits = task.identity() as u64 == owners.submitter;
        if submits {
            record.submitter = task.tid_in(ns);
        }
        // Who may submit requests can register something, too.
        if (submits || record.owner == 0) && is_charged(&task) {
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
    let ring = Ring {
        identity: file.uring_identity(),
        file: file.identity(),
        is_open_to_all: record.submitter == 0 && record.flags & CR_URING_DISABLED == 0,
        taker: record.owner,
    };
    save.saved_rings.push(ring, GFP_KERNEL)?;
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
        Err(error) if error == EACCES => fail!(
            EACCES,
            "the caller is restricted in its use of io_uring (IORING_REGISTER_RESTRICTIONS)"
        ),
        Err(error) if error == E2BIG => fail!(
            EOPNOTSUPP(),
            "io_uring allows operations that this kernel does not have"
        ),
        result => {
            let file = result.context(format_args!("io_uring_setup"))?;
            Ok(event::with_flags(file, flags))
        }
    }
}

/// The id of the open file of an instance, and the place of its record.
pub(crate) type Place = (u64, usize);

/// All instances, by the threads that they are charged to.
pub(crate) fn find(records: &Records) -> Result<KVVec<(u32, Place)>> {
    let mut rings = KVVec::new();
    for (_, rec) in records.tagged(CR_TAG_FILE) {
        let file: cr_img_file = rec.fixed()?;
        if file.kind == CR_FILE_IO_URING {
            let at = records.find(file.target)?;
            let ring: cr_img_uring = records.get(at).fixed()?;
            rings.push((ring.owner, (rec.id, at)), GFP_KERNEL)?;
        }
    }
    order::sort_by_key(&mut rings, |ring| *ring);
    Ok(rings)
}

/// Makes the instances that are charged to the current thread its own, and registers with them what was
/// registered.
pub(crate) fn take(build: &Build<'_>, tid: u32) -> Result {
    for (id, at) in places_of(&build.plan.rings, tid) {
        let record: cr_img_uring = build.record(at).fixed()?;
        let ring = build.file(id)?;
        match ring.take_io_uring(record.flags & CR_URING_UNLIMITED != 0) {
            Err(error) if error == EPERM => fail!(EPERM, "io_uring: CAP_IPC_LOCK is needed"),
            result => result?,
        }
        uring_table::restore(build, id, ring)
            .and_then(|()| uring_buffers::restore(build, id, ring))
            .context(format_args!("io_uring {id}"))?;
    }
    Ok(())
}

/// Gives all of them to the threads that may submit requests, which stand still, with their restrictions.
pub(crate) fn finish(plan: &Plan, ns: &PidNs) -> Result {
    for (_, (id, at)) in &plan.rings {
        let record: cr_img_uring = plan.records.get(*at).fixed()?;
        for tid in [record.owner, record.submitter] {
            if tid != 0 && ns.find_task(tid).is_none() {
                fail!(EINVAL, "io_uring of pid {tid}, which does not live");
            }
        }
        if let Some(submitter) = ns.find_task(record.submitter) {
            plan.file(*id)?.set_uring_submitter(&submitter);
        }
        if record.flags & LIMITED != 0 {
            plan.file(*id)?.limit_uring(&record);
        }
    }
    Ok(())
}
