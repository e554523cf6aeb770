// SPDX-License-Identifier: GPL-2.0

//! An IPC namespace that the container has to itself: its sysctls, and what is in it.

use crate::{
    build::Build,
    plan::Plan,
    report::{fail, Result},
    save::Save,
    state::{mqueue, msgq, semaphore, sysv_shm},
};
use cr_codec::{check::Rec, uapi::*};
use cr_sys::{
    build,
    pid_ns::PidNs,
    sysv::{self, Ipc, Kind},
};
use kernel::prelude::*;

/// Saves the limits and the objects.
pub(crate) fn save(save: &mut Save<'_>) -> Result {
    let ipc = save.init.read_ipc();
    save.record(&ipc, &[])?;
    semaphore::save(save)?;
    msgq::save(save)?;
    mqueue::save(save)?;
    sysv_shm::save(save)
}

/// Makes the objects and sets the limits, in the container's init.
pub(crate) fn restore(build: &Build<'_>, rec: &Rec<'_>) -> Result {
    const MOST: u32 = i32::MAX as u32;
    let ipc: cr_img_ipc = rec.fixed()?;
    // What is there already may be more than what could be made now.
    build::set_ipc(&cr_img_ipc {
        msgmax: MOST,
        msgmnb: MOST,
        msgmni: MOST,
        sem: [i32::MAX; 4],
        shmmax: u64::MAX,
        shmall: u64::MAX,
        shmmni: MOST,
        mq_queues_max: MOST,
        mq_msg_max: MOST,
        mq_msgsize_max: MOST,
        ..ipc
    });
    semaphore::restore(build)?;
    msgq::restore(build)?;
    mqueue::restore(build)?;
    sysv_shm::restore(build)?;
    build::set_ipc(&ipc);
    Ok(())
}

/// Makes an object by a system call that gets its key and its flags; everybody may use it.
pub(crate) fn create(
    perm: &cr_img_ipc_perm,
    kind: Kind,
    call: impl FnOnce(u64, u64) -> Result<i64>,
) -> Result {
    const CREATE: u64 = 0o1000 | 0o2000 | 0o666;
    sysv::set_next_id(kind, perm.id);
    // The same key may belong to several objects, if it is that of none.
    let id = call(perm.key as u64, CREATE)?;
    if id != i64::from(perm.id) {
        fail!(EEXIST, "its identifier is in use, or impossible here");
    }
    Ok(())
}

/// Gives the objects their owners and what else they have from processes, which are complete.
pub(crate) fn finish(plan: &Plan, ns: &PidNs) -> Result {
    // The first thread of the init may be dead by now, and has left its namespaces.
    let Some((living, _)) = plan.processes[0].living().next() else {
        fail!(EINVAL, "an init without threads");
    };
    let ipc = Ipc::of(&plan.task(0, living)?.task)?;
    semaphore::finish(plan, &ipc, ns)?;
    msgq::finish(plan, &ipc, ns)?;
    mqueue::finish(plan, &ipc)?;
    sysv_shm::finish(plan, &ipc, ns)
}
