// SPDX-License-Identifier: GPL-2.0

//! What comes with a session: an autogroup of the scheduler; a controlling terminal, see [`tty`], or
//! the process group that is told when the leader of a session exits that has lost its terminal.
//!
//! An autogroup is made by setsid(2) and inherited by fork(2), so that each session has its own. At
//! restart, the first process of a session makes it, and its children inherit it; those that have
//! been adopted by others join it.

use crate::{
    plan::Plan,
    report::{fail, Context, Result},
    save::Save,
    state::tty,
    tree::{Process, Tree},
};
use cr_codec::uapi::*;
use cr_sys::{errno::EOPNOTSUPP, misc, pid_ns::PidNs, session, task::TaskRef};
use kernel::{prelude::*, rbtree::RBTree};

/// Refuses processes whose autogroup is not that of their session.
pub(crate) fn check(tree: &Tree) -> Result {
    let mut group_of = RBTree::new();
    let mut session_of = RBTree::new();
    for process in &tree.processes {
        let leader = process.leader();
        let (group, _) = leader.task.autogroup();
        let sid = leader.info.sid;
        if group == 0 {
            continue;
        }
        if group_of.get(&sid).is_none() {
            group_of.try_create_and_insert(sid, group, GFP_KERNEL)?;
        }
        if session_of.get(&group).is_none() {
            session_of.try_create_and_insert(group, sid, GFP_KERNEL)?;
        }
        if group_of.get(&sid) != Some(&group) || session_of.get(&group) != Some(&sid) {
            fail!(
                EOPNOTSUPP(),
                "{}: is in the autogroup of another session, which is not supported yet",
                leader.who()
            );
        }
    }
    Ok(())
}

/// Adds what a process has to its record.
pub(crate) fn save(save: &Save<'_>, process: &Process, record: &mut cr_img_process) {
    let task = &process.leader().task;
    (_, record.autogroup_nice) = task.autogroup();
    record.tty_old_pgrp = task.old_pgrp(save.container.ns());
}

/// Gives the current process, which has no children yet, its autogroup if it is the first one of
/// its session. That of init has one already.
pub(crate) fn restore_autogroup(plan: &Plan, at: usize) -> Result {
    let image = &plan.processes[at].process;
    if !plan.processes[at].begins_session {
        return Ok(());
    }
    if at != 0 {
        session::make_autogroup()?;
    }
    if image.autogroup_nice == 0 {
        return Ok(());
    }
    // Who has no privilege may do that only ten times a second.
    loop {
        match session::set_autogroup_nice(image.autogroup_nice) {
            Err(EAGAIN) if !misc::is_being_killed() => misc::nap(10_000),
            result => return result.context(format_args!("autogroup")),
        }
    }
}

/// Once all processes exist: those that have an autogroup of another session's join theirs; and
/// leaders know whom to tell of their end.
pub(crate) fn restore(plan: &Plan, ns: &PidNs) -> Result {
    let mut first: RBTree<u32, TaskRef> = RBTree::new();
    for (at, process) in plan.processes.iter().enumerate() {
        let image = &process.process;
        let task = plan.task(at, 0)?.task;
        if image.tty_old_pgrp != 0 {
            match ns.find_pid(image.tty_old_pgrp) {
                Some(pgrp) => task.set_old_pgrp(&pgrp),
                None => fail!(ESRCH, "no process group {}", image.tty_old_pgrp),
            }
        }
        match first.get(&image.sid) {
            Some(other) => task.join_autogroup(other),
            None => {
                first.try_create_and_insert(image.sid, task, GFP_KERNEL)?;
            }
        }
    }
    tty::restore_controlling(plan, ns)
}
