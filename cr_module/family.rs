// SPDX-License-Identifier: GPL-2.0

//! A part of restart: who is whose child, who waits for whom, and who is dead.

use crate::{
    build::SIGCHLD,
    plan::ProcessPlan,
    report::{fail, Context, Result},
    restart::Tasks,
    state::{syscall, usage},
};
use cr_codec::{order, uapi::*};
use cr_sys::{misc, task::TaskRef, vfork::Vfork};
use kernel::prelude::*;

impl Tasks {
    /// Waits until those are dead that were.
    pub(crate) fn wait_for_zombies(&self) -> Result {
        let processes = self.plan.processes.iter().enumerate();
        for (at, process) in processes.filter(|(_, process)| process.is_zombie()) {
            let task = self.plan.task(at, 0)?.task;
            let image = &process.process;
            self.wait_for_death(&task, process)?;
            if image.exit_signal != SIGCHLD {
                task.set_exit_signal(image.exit_signal)
                    .context(format_args!("pid {}", image.pid))?;
            }
        }
        Ok(())
    }

    /// Waits until a thread-group leader is dead as it is to be.
    fn wait_for_death(&self, leader: &TaskRef, process: &ProcessPlan) -> Result {
        let status = loop {
            if let Some(status) = leader.zombie_status() {
                break status;
            }
            self.plan.check()?;
            if misc::is_being_killed() || self.init.is_group_dying() {
                fail!(EINTR, "killed");
            }
            misc::nap(50);
        };
        if status != process.process.exit_code {
            fail!(EINTR, "pid {}: was killed", process.process.pid);
        }
        while !usage::restore_dead(leader, &process.threads[0].thread) {
            misc::nap(20);
        }
        Ok(())
    }

    /// Lets leaders die whose other threads live. They have made what belongs to their processes.
    pub(crate) fn bury(&self) -> Result {
        self.plan.burial.happen();
        let processes = self.plan.processes.iter().enumerate();
        for (at, process) in processes.filter(|(_, process)| process.has_dead_leader()) {
            self.wait_for_death(&self.plan.task(at, 0)?.task, process)?;
        }
        Ok(())
    }

    /// Gives children that somebody else has created to the threads that they belong to.
    pub(crate) fn set_parents(&self) -> Result {
        for (at, process) in self.plan.processes.iter().enumerate() {
            let children = process.children.iter();
            let mut children = children.map(|child| &self.plan.processes[*child]);
            let pid = process.process.pid;
            let is_right = |child: &ProcessPlan| {
                let image = &child.process;
                let execed = image.flags & CR_PROCESS_PARENT_EXECED != 0;
                child.creator == at && image.parent_tid == pid && !execed
            };
            if children.all(is_right) {
                continue;
            }
            let mut tids = KVVec::with_capacity(process.threads.len(), GFP_KERNEL)?;
            for (number, thread) in process.threads.iter().enumerate() {
                tids.push((thread.thread.tid, number), GFP_KERNEL)?;
            }
            order::sort_by_key(&mut tids, |(tid, _)| *tid);
            // All of them, so that they stay in their order.
            for child in &process.children {
                let image = &self.plan.processes[*child].process;
                let pid = image.pid;
                let found = order::find_by_key(&tids, image.parent_tid, |(tid, _)| *tid);
                let Some((_, number)) = found else {
                    fail!(
                        EINVAL,
                        "pid {pid}: is the child of a thread that is not there"
                    );
                };
                let task = self.plan.task(*child, 0)?.task;
                let parent = self.plan.task(at, *number)?.task;
                task.set_parent(&parent, image.flags & CR_PROCESS_PARENT_EXECED != 0)
                    .context(format_args!("pid {pid}: its parent"))?;
            }
        }
        Ok(())
    }

    /// Lets those who were in vfork(2) wait for their children again. They are parked.
    pub(crate) fn set_vforks(&self) -> Result {
        for (at, process) in self.plan.processes.iter().enumerate() {
            for (number, thread) in process.living() {
                let Some(child) = syscall::vfork_child(&thread.thread) else {
                    continue;
                };
                let tid = thread.thread.tid;
                let created = self.plan.task(at, number)?;
                let vfork = Vfork::new(&self.find(child)?);
                let vfork = vfork.context(format_args!("pid {tid}: vfork of {child}"))?;
                created.slot.ok_or(ESRCH)?.wait_for(vfork);
            }
        }
        Ok(())
    }

    /// A thread that is to live, by its number.
    fn find(&self, tid: u64) -> Result<TaskRef> {
        for (at, process) in self.plan.processes.iter().enumerate() {
            let mut threads = process.living();
            if let Some((number, _)) = threads.find(|(_, plan)| u64::from(plan.thread.tid) == tid) {
                return Ok(self.plan.task(at, number)?.task);
            }
        }
        fail!(EINVAL, "pid {tid}: is not there, or dead")
    }
}
