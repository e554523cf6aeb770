// SPDX-License-Identifier: GPL-2.0

//! The process tree: ids are unique, parents come first, sessions and groups fit together.

use super::{Rec, Result, State};
use crate::uapi::*;

type Process = cr_img_process;

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
    parents_first(recs, processes, threads)
}

/// The process at this index; it has been looked at before.
fn process(recs: &[Rec<'_>], index: u32) -> Process {
    recs[index as usize].fixed().unwrap_or_default()
}

fn tid(recs: &[Rec<'_>], index: u32) -> u32 {
    let thread: cr_img_thread = recs[index as usize].fixed().unwrap_or_default();
    thread.tid
}

fn unique_threads(recs: &[Rec<'_>], threads: &mut [u32]) -> Result {
    threads.sort_unstable_by_key(|&index| (tid(recs, index), index));
    for pair in threads.windows(2) {
        if tid(recs, pair[0]) == tid(recs, pair[1]) {
            return Err(recs[pair[1] as usize].error("a second thread with this id"));
        }
    }
    Ok(())
}

/// Checks that processes with the same `key` have the same `value`; finds one that has not.
fn consistent<'a, K: Ord, V: PartialEq>(
    recs: &'a [Rec<'a>],
    processes: &mut [u32],
    key: fn(&Process) -> K,
    value: fn(&Process) -> V,
) -> core::result::Result<(), &'a Rec<'a>> {
    processes.sort_unstable_by_key(|&index| (key(&process(recs, index)), index));
    for pair in processes.windows(2) {
        let (a, b) = (process(recs, pair[0]), process(recs, pair[1]));
        if key(&a) == key(&b) && value(&a) != value(&b) {
            return Err(&recs[pair[1] as usize]);
        }
    }
    Ok(())
}

fn parents_first(recs: &[Rec<'_>], processes: &mut [u32], threads: &[u32]) -> Result {
    processes.sort_unstable_by_key(|&index| process(recs, index).pid);
    let find = |pid: u32| {
        let at = processes.binary_search_by_key(&pid, |&index| process(recs, index).pid);
        at.ok().map(|at| processes[at])
    };
    let is_thread = |pid: u32| {
        threads
            .binary_search_by_key(&pid, |&index| tid(recs, index))
            .is_ok()
    };

    // Every process has a leader of its id, so the ids of processes are unique as well.
    for &index in processes.iter() {
        let rec = &recs[index as usize];
        let own = process(recs, index);
        if own.ppid != 0 {
            let Some(parent) = find(own.ppid).filter(|&parent| parent < index) else {
                return Err(rec.error("its parent does not come before it"));
            };
            rec.require(
                process(recs, parent).state == CR_PROCESS_ALIVE,
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
