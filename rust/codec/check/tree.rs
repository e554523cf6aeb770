// SPDX-License-Identifier: GPL-2.0

//! The process tree: ids are unique, parents come first, sessions and groups fit together.

use super::{Rec, Result, State};
use zerocopy::FromZeros;

use crate::{order, uapi::*};

/// Checks the tree. `processes` and `threads` are the indices of the records; they are reordered.
pub(super) fn check(state: &State<'_>, processes: &mut [u32], threads: &mut [u32]) -> Result {
    let recs = state.recs;
    unique_threads(recs, threads)?;
    consistent(
        recs,
        processes,
        |process| process.pgid,
        |process| process.sid,
    )
    .map_err(|rec| rec.error("its process group is in another session"))?;
    consistent(
        recs,
        processes,
        |process| process.sighand,
        |process| process.mm,
    )
    .map_err(|rec| rec.error("it shares signal actions, but not memory"))?;
    consistent(
        recs,
        processes,
        // The dead have none.
        |process| (process.mm, if process.mm == 0 { process.pid_ns } else { 0 }),
        |process| process.pid_ns,
    )
    .map_err(|rec| rec.error("it shares memory with another pid namespace"))?;
    parents_first(recs, processes, threads)
}

/// What a process is among the others.
#[derive(Clone, Copy, Default)]
pub(super) struct Process {
    pub(super) pid: u32,
    pub(super) ppid: u32,
    pub(super) pgid: u32,
    pub(super) sid: u32,
    pub(super) ptracer: u32,
    pub(super) pid_ns: u64,
    parent_tid: u32,
    mm: u64,
    sighand: u64,
    pub(super) alive: bool,
    leader_dead: bool,
}

/// The process at this index; it has been looked at before.
pub(super) fn process(recs: &[Rec<'_>], index: u32) -> Process {
    let mut process = cr_img_process::new_zeroed();
    let Some(Ok(())) = recs
        .get(index as usize)
        .map(|rec| rec.read_fixed(&mut process))
    else {
        return Process::default();
    };
    Process {
        pid: process.pid,
        ppid: process.ppid,
        pgid: process.pgid,
        sid: process.sid,
        ptracer: process.ptracer,
        pid_ns: process.pid_ns,
        parent_tid: process.parent_tid,
        mm: process.mm,
        sighand: process.sighand,
        alive: process.state == CR_PROCESS_ALIVE,
        leader_dead: process.flags & CR_PROCESS_LEADER_DEAD != 0,
    }
}

/// The id of the thread at this index; it has been looked at before.
pub(super) fn tid(recs: &[Rec<'_>], index: u32) -> u32 {
    let mut thread = cr_img_thread::new_zeroed();
    let read = recs
        .get(index as usize)
        .map(|rec| rec.read_fixed(&mut thread));
    match read {
        Some(Ok(())) => thread.tid,
        _ => 0,
    }
}

fn unique_threads(recs: &[Rec<'_>], threads: &mut [u32]) -> Result {
    order::sort_by_key(threads, |&index| (tid(recs, index), index));
    neighbours(recs, threads, |a, b| tid(recs, a) != tid(recs, b))
        .map_err(|rec| rec.error("a second thread with this id"))
}

/// Checks that processes with the same `key` have the same `value`; finds one that has not.
fn consistent<'a, K: Ord, V: PartialEq>(
    recs: &'a [Rec<'a>],
    processes: &mut [u32],
    key: fn(&Process) -> K,
    value: fn(&Process) -> V,
) -> core::result::Result<(), &'a Rec<'a>> {
    order::sort_by_key(processes, |&index| (key(&process(recs, index)), index));
    neighbours(recs, processes, |a, b| {
        let (a, b) = (process(recs, a), process(recs, b));
        key(&a) != key(&b) || value(&a) == value(&b)
    })
}

/// Finds the second of two neighbours in a list that do not get on with each other.
fn neighbours<'a>(
    recs: &'a [Rec<'a>],
    indices: &[u32],
    get_on: impl Fn(u32, u32) -> bool,
) -> core::result::Result<(), &'a Rec<'a>> {
    let mut pairs = indices.iter().zip(indices.iter().skip(1));
    let bad = pairs.find(|(&a, &b)| !get_on(a, b));
    match bad.and_then(|(_, &b)| recs.get(b as usize)) {
        Some(rec) => Err(rec),
        None => Ok(()),
    }
}

fn parents_first(recs: &[Rec<'_>], processes: &mut [u32], threads: &[u32]) -> Result {
    order::sort_by_key(processes, |&index| process(recs, index).pid);
    let find = |pid| order::find_by_key(processes, pid, |&index| process(recs, index).pid).copied();
    let is_thread = |pid| order::find_by_key(threads, pid, |&index| tid(recs, index)).is_some();

    // Every process has a leader of its id, so the ids of processes are unique as well.
    for &index in processes.iter() {
        let Some(rec) = recs.get(index as usize) else {
            continue;
        };
        let own = process(recs, index);
        if own.ppid != 0 {
            let Some(parent) = find(own.ppid).filter(|&parent| parent < index) else {
                return Err(rec.error("its parent does not come before it"));
            };
            let parent = process(recs, parent);
            rec.require(
                parent.alive && !(parent.leader_dead && own.parent_tid == parent.pid),
                "its parent is dead",
            )?;
        }
        match find(own.sid) {
            Some(leader) => rec.require(
                process(recs, leader).sid == own.sid,
                "the leader of its session is in another one",
            )?,
            None => rec.require(!is_thread(own.sid), "its session has the id of a thread")?,
        }
        rec.require(
            find(own.pgid).is_some() || !is_thread(own.pgid),
            "its process group has the id of a thread",
        )?;
    }
    Ok(())
}
