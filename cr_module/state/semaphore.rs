// SPDX-License-Identifier: GPL-2.0

//! System V semaphores, and what processes adjust when they end (SEM_UNDO).
//!
//! Sets are made by the container's init, with the identifiers that they had. While processes are
//! built they are empty, and everybody may use them; they get their values and owners at last.
//! Whoever waits for one issues his semop(2) again.

use crate::{
    build::Build,
    plan::Plan,
    report::{fail, Context, Result},
    save::Save,
    state::ipc,
    tree::{Process, Thread, Tree},
};
use cr_codec::uapi::*;
use cr_sys::{
    errno::EOPNOTSUPP,
    pid_ns::PidNs,
    sysv::{self, Ipc, Kind},
    task::TaskRef,
};
use kernel::prelude::*;
use zerocopy::IntoBytes;
use zerocopy_derive::{Immutable, IntoBytes};

/// Saves all sets.
pub(crate) fn save(save: &mut Save<'_>) -> Result {
    let sets = Ipc::of(&save.init)?;
    let mut at = 0;
    while let Some((set, sems)) = sets.next_sem(save.container.ns(), &mut at)? {
        save.record(&set, &[sems.as_bytes()])?;
        save.semaphores.push((set.perm.id, set.nr), GFP_KERNEL)?;
    }
    Ok(())
}

/// Saves what processes adjust, if the container has its IPC namespace to itself.
pub(crate) fn save_adjustments(save: &mut Save<'_>, tree: &Tree) -> Result {
    if save.semaphores.is_empty() {
        return Ok(());
    }
    let sets = Ipc::of(&save.init)?;
    for process in tree.processes.iter().filter(|process| !process.is_zombie()) {
        let first = process.living();
        for thread in process.threads.iter().filter(|thread| !thread.is_dead()) {
            // All threads that share a list have what the first of them has.
            let is_first = thread.info.tid == first.info.tid;
            let list = thread.info.sem_undo;
            if list == 0 || (list == first.info.sem_undo && !is_first) {
                continue;
            }
            for at in 0..save.semaphores.len() {
                let (id, nr) = save.semaphores[at];
                let Some(adjustments) = sets.adjustments(list, id, nr)? else {
                    continue;
                };
                check_shared(process, thread)?;
                let record = cr_img_semadj {
                    pid: thread.info.tgid,
                    id,
                    nr,
                    reserved: 0,
                };
                save.record(&record, &[adjustments.as_bytes()])?;
            }
        }
    }
    Ok(())
}

/// Refuses adjustments of a thread that are not those of all threads of its process.
fn check_shared(process: &Process, thread: &Thread) -> Result {
    let mut live = process.threads.iter().filter(|other| !other.is_dead());
    if live.any(|other| other.info.sem_undo != thread.info.sem_undo) {
        fail!(
            EOPNOTSUPP(),
            "{}: has System V semaphore adjustments that are not those of its process (clone \
             without CLONE_SYSVSEM), which is not supported yet",
            thread.who()
        );
    }
    Ok(())
}

/// Refuses adjustments to semaphores of the caller's IPC namespace.
pub(crate) fn check_outside(init: &TaskRef, ns: &PidNs, tree: &Tree) -> Result {
    let sets = Ipc::of(init)?;
    let mut at = 0;
    while let Some((set, _)) = sets.next_sem(ns, &mut at)? {
        for thread in tree
            .live_threads()
            .filter(|thread| thread.info.sem_undo != 0)
        {
            let list = thread.info.sem_undo;
            if sets.adjustments(list, set.perm.id, set.nr)?.is_some() {
                fail!(
                    EOPNOTSUPP(),
                    "{}: has System V semaphore adjustments outside of the container",
                    thread.who()
                );
            }
        }
    }
    Ok(())
}

const SYS_SEMGET: u32 = 64;
const SYS_SEMOP: u32 = 65;
const SEM_UNDO: u16 = 0x1000;

/// struct sembuf of `include/uapi/linux/sem.h`.
#[derive(IntoBytes, Immutable)]
#[repr(C)]
struct Operation {
    number: u16,
    change: i16,
    flags: u16,
}

/// Makes all sets, in the container's init.
pub(crate) fn restore(build: &Build<'_>) -> Result {
    for (_, rec) in build.plan.records.tagged(CR_TAG_SEM) {
        let set: cr_img_sem = rec.fixed()?;
        ipc::create(&set.perm, Kind::Sem, |key, flags| {
            build.syscall(SYS_SEMGET, [key, u64::from(set.nr), flags])
        })
        .context(format_args!("semaphores {}", set.perm.id))?;
    }
    Ok(())
}

/// Sets what the current process adjusts.
pub(crate) fn restore_adjustments(build: &Build<'_>) -> Result {
    for at in &build.process.semadjs {
        let rec = build.record(*at);
        let record: cr_img_semadj = rec.fixed()?;
        // Waiting for zero succeeds, and makes the list and its entry.
        let operation = Operation {
            number: 0,
            change: 0,
            flags: SEM_UNDO,
        };
        let operation = build.scratch(0, operation.as_bytes())?;
        build
            .syscall(SYS_SEMOP, [record.id as u64, operation, 1])
            .context(format_args!("semaphores {}", record.id))?;
        let mut adjustments = KVVec::with_capacity(record.nr as usize, GFP_KERNEL)?;
        for adjustment in rec.array::<i16>(size_of::<cr_img_semadj>()) {
            adjustments.push(adjustment, GFP_KERNEL)?;
        }
        sysv::set_adjustments(record.id, &adjustments)
            .context(format_args!("semaphores {}", record.id))?;
    }
    Ok(())
}

/// Gives all sets their values and owners, when all processes are complete.
pub(crate) fn finish(plan: &Plan, ipc: &Ipc, ns: &PidNs) -> Result {
    for (_, rec) in plan.records.tagged(CR_TAG_SEM) {
        let set: cr_img_sem = rec.fixed()?;
        let sems = rec.array::<cr_img_semaphore>(size_of::<cr_img_sem>());
        for (nr, sem) in (0..).zip(sems) {
            let pid = ns.pid_or_number(sem.pid)?;
            ipc.set_sem(set.perm.id, nr, &sem, pid.as_ref())?;
        }
        ipc.finish_sem(&set)
            .context(format_args!("owner of semaphores {}", set.perm.id))?;
    }
    Ok(())
}
