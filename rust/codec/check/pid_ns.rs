// SPDX-License-Identifier: GPL-2.0

//! Nested pid namespaces: each has an init, which is there before the others and outlives them.
//!
//! An init ends its namespace when it dies, and waits until all other numbers in it are free, also
//! those of groups. So that a container can always be killed, none may wait for itself that way.

use core::mem::size_of;

use super::{tree, Placed, Rec, Result, State, PID_MAX};
use crate::{order, record::Record, uapi::*};

/// The namespace with this id, which has been looked at before.
fn namespace(state: &State<'_>, id: u64) -> Option<cr_img_pidns> {
    state.object(id).and_then(|rec| rec.fixed().ok())
}

/// A namespace and those around it, the container's own left out. Each refers to one before it.
fn outwards<'a>(state: &'a State<'_>, id: u64) -> impl Iterator<Item = u64> + 'a {
    core::iter::successors(Some(id), |&id| Some(namespace(state, id)?.parent))
        .take_while(|&id| id != 0)
}

fn depth(state: &State<'_>, id: u64) -> u64 {
    outwards(state, id).take(CR_MAX_PIDNS as usize).count() as u64
}

/// Whether a namespace is `outer`, or nested in it.
fn is_within(state: &State<'_>, id: u64, outer: u64) -> bool {
    outer == 0 || outwards(state, id).any(|id| id == outer)
}

pub(super) fn namespace_record(state: &State<'_>, rec: Placed<'_>) -> Result {
    let ns: cr_img_pidns = rec.fixed()?;
    if ns.parent != 0 {
        state.refers::<cr_img_pidns>(rec, ns.parent, "no pid namespace around it")?;
    }
    rec.require(
        depth(state, ns.parent) < u64::from(CR_MAX_PIDNS),
        "too many pid namespaces around it",
    )?;
    rec.require(ns.last_pid <= PID_MAX, "impossible last pid")?;
    rec.require(ns.flags & !CR_PIDNS_DEAD == 0, "unknown flags")
}

/// Checks the numbers behind a record of a task or group in this namespace.
fn numbers<R: Record>(state: &State<'_>, rec: &Rec<'_>, ns: u64) -> Result {
    rec.require_elements::<R, u32>(depth(state, ns))?;
    let mut numbers = rec.array::<u32>(size_of::<R>());
    rec.require(
        numbers.all(|number| (1..=PID_MAX).contains(&number)),
        "impossible number in a pid namespace",
    )
}

/// The number of a dead leader; returns that in the container's own namespace.
pub(super) fn pid(state: &State<'_>, rec: Placed<'_>) -> Result<u32> {
    let pid: cr_img_pid = rec.fixed()?;
    state.refers::<cr_img_pidns>(rec, pid.pid_ns, "no pid namespace")?;
    rec.require((1..=PID_MAX).contains(&pid.nr), "impossible process id")?;
    rec.require(pid.reserved == 0, "a reserved member is not zero")?;
    numbers::<cr_img_pid>(state, rec.rec, pid.pid_ns)?;
    Ok(pid.nr)
}

/// What belongs to pid namespaces in a thread of a process in this one.
pub(super) fn thread(
    state: &State<'_>,
    rec: Placed<'_>,
    thread: &cr_img_thread,
    ns: u64,
    alive: bool,
) -> Result {
    numbers::<cr_img_thread>(state, rec.rec, ns)?;
    let children = thread.children_pid_ns;
    if children != 0 {
        state.refers::<cr_img_pidns>(rec, children, "no pid namespace for its children")?;
        rec.require(
            alive && children != ns && is_within(state, children, ns),
            "a pid namespace for its children that it cannot have entered",
        )?;
    }
    Ok(())
}

/// Checks how processes and namespaces fit together. `threads` ascend by id; `processes` are
/// reordered.
pub(super) fn check(state: &State<'_>, processes: &mut [u32], threads: &[u32]) -> Result {
    let process = |&index: &u32| tree::process(state.recs, index);
    order::sort_by_key(processes, |index| process(index).pid);
    let find = |pid| order::find_by_key(processes, pid, |index| process(index).pid).map(process);
    for index in processes.iter() {
        let Some(rec) = state.get(*index) else {
            continue;
        };
        let own = process(index);
        let parent = find(own.ppid).unwrap_or_default();
        rec.require(
            is_within(state, own.pid_ns, parent.pid_ns),
            "its parent is in a pid namespace that is not around its own",
        )?;
        let tracer = find(own.ptracer).unwrap_or(own);
        rec.require(
            is_within(state, tracer.pid_ns, own.pid_ns),
            "it has named a tracer that it does not see",
        )?;
        if own.pid_ns == 0 || !is_init(state, threads, own.pid) {
            continue;
        }
        for group in [own.pgid, own.sid] {
            let of_group = match find(group) {
                Some(leader) => leader.pid_ns,
                None => of_dead_leader(state, group),
            };
            let around = of_group != own.pid_ns && is_within(state, own.pid_ns, of_group);
            rec.require(
                group == own.pid || around,
                "the init of a pid namespace is in a group of that",
            )?;
        }
    }

    order::sort_by_key(processes, |index| (process(index).pid_ns, *index));
    // The first one in each namespace is its init.
    let first = |ns| order::find_by_key(processes, ns, |index| process(index).pid_ns);
    for (index, next) in processes.iter().zip(processes.iter().skip(1)) {
        let Some(rec) = state.get(*next) else {
            continue;
        };
        let (before, own) = (process(index), process(next));
        if own.pid_ns == 0 {
            continue;
        }
        let is_first = before.pid_ns != own.pid_ns;
        rec.require(
            is_first == is_init(state, threads, own.pid),
            "the init of its pid namespace is not the first in it",
        )?;
        rec.require(
            is_first || before.alive || first(own.pid_ns) != Some(index),
            "the init of its pid namespace is dead",
        )?;
    }
    let lives = |init: Option<&u32>| init.is_some_and(|init| process(init).alive);
    for rec in state.recs {
        match rec.tag {
            CR_TAG_PIDNS => {
                let ns: cr_img_pidns = rec.fixed()?;
                let (around, own) = (first(ns.parent), first(rec.id));
                rec.require(lives(around), NO_INIT)?;
                rec.require(
                    own.is_none_or(|own| around < Some(own)),
                    "its init comes before that of the pid namespace around it",
                )?;
                rec.require(
                    own.is_none() || ns.flags & CR_PIDNS_DEAD == 0,
                    "a dead pid namespace with processes",
                )?;
            }
            CR_TAG_PID => rec.require(lives(first(rec.fixed::<cr_img_pid>()?.pid_ns)), NO_INIT)?,
            _ => {}
        }
    }
    Ok(())
}

const NO_INIT: &str = "in a pid namespace without a living init";

/// Whether a process is the init of its pid namespace, which is not the container's own.
fn is_init(state: &State<'_>, threads: &[u32], pid: u32) -> bool {
    let tid = |&index: &u32| tree::tid(state.recs, index);
    let leader = order::find_by_key(threads, pid, tid).and_then(|index| state.get(*index));
    let number = leader.map(|rec| rec.array::<u32>(size_of::<cr_img_thread>()).last());
    number == Some(Some(1))
}

/// The namespace of the dead leader of a group: the container's own, unless a record names it.
fn of_dead_leader(state: &State<'_>, nr: u32) -> u64 {
    let pid = |index: &u32| -> cr_img_pid {
        let rec = state.get(*index).map(Rec::fixed);
        rec.and_then(Result::ok).unwrap_or_default()
    };
    let found = order::find_by_key(state.pids, nr, |index| pid(index).nr);
    found.map_or(0, |index| pid(index).pid_ns)
}
