// SPDX-License-Identifier: GPL-2.0

//! The processes of a container and their threads, parents first.

use crate::{
    container::Container,
    hold::{Hold, Standing},
    report::{fail, Result, Who},
    state::task,
};
use cr_codec::order;
use cr_sys::task::{TaskInfo, TaskRef};
use kernel::prelude::*;

/// A thread.
pub(crate) struct Thread {
    pub(crate) task: TaskRef,
    pub(crate) info: TaskInfo,
    pub(crate) standing: Standing,
}

impl Thread {
    /// Whether it has exited.
    pub(crate) fn is_dead(&self) -> bool {
        self.info.exit_state != 0
    }

    /// For people.
    pub(crate) fn who(&self) -> Who {
        Who {
            pid: self.info.tid,
            comm: self.info.comm,
        }
    }
}

/// A process: its threads, the leader first.
pub(crate) struct Process {
    pub(crate) threads: KVVec<Thread>,
}

impl Process {
    /// The thread-group leader, which may be dead while others live.
    pub(crate) fn leader(&self) -> &Thread {
        &self.threads[0]
    }

    /// The first thread that lives: it has what its process has. The leader of a zombie.
    pub(crate) fn living(&self) -> &Thread {
        let mut threads = self.threads.iter();
        let living = threads.find(|thread| !thread.is_dead());
        living.unwrap_or(self.leader())
    }

    /// Whether all of it has exited and waits for its parent.
    pub(crate) fn is_zombie(&self) -> bool {
        self.living().is_dead()
    }
}

/// All processes of a held container.
pub(crate) struct Tree {
    pub(crate) processes: KVVec<Process>,
}

impl Tree {
    /// Finds them. Refuses what no task of a container may have.
    pub(crate) fn collect(container: &Container, hold: &Hold<'_>) -> Result<Self> {
        // More memory is looked for only if there are zombies.
        let mut threads = KVVec::with_capacity(hold.len() as usize, GFP_KERNEL)?;
        for task in container.ns().tasks() {
            let info = task.info(container.ns());
            let standing = hold.standing(&task);
            if info.exit_state == 0 && standing == Standing::Gone {
                fail!(
                    EAGAIN,
                    "{}: died during the checkpoint: try again",
                    container.who(&task)
                );
            }
            if info.vanishing != 0 {
                fail!(
                    EAGAIN,
                    "{}: has just exited: try again",
                    container.who(&task)
                );
            }
            let thread = Thread {
                task,
                info,
                standing,
            };
            task::check(&thread)?;
            threads.push(thread, GFP_KERNEL)?;
        }
        if threads.first().is_none_or(|init| init.info.tid != 1) {
            fail!(ESRCH, "the container's init is gone");
        }
        let processes = group(threads)?;
        Ok(Self {
            processes: parents_first(processes)?,
        })
    }

    /// All threads that live.
    pub(crate) fn live_threads(&self) -> impl Iterator<Item = &Thread> {
        let threads = self.processes.iter().flat_map(|process| &process.threads);
        threads.filter(|thread| !thread.is_dead())
    }

    /// How many threads there are, zombies included.
    pub(crate) fn nr_threads(&self) -> usize {
        self.processes
            .iter()
            .map(|process| process.threads.len())
            .sum()
    }
}

/// Puts threads into their processes, the leader first.
fn group(mut threads: KVVec<Thread>) -> Result<KVVec<Process>> {
    // The leader has the number of the group, and is the only one that has.
    order::sort_by_key(&mut threads, |thread| {
        (
            thread.info.tgid,
            thread.info.tid != thread.info.tgid,
            thread.info.tid,
        )
    });
    let mut processes: KVVec<Process> = KVVec::new();
    for thread in threads {
        match processes.last_mut() {
            Some(process) if process.leader().info.tgid == thread.info.tgid => {
                process.threads.push(thread, GFP_KERNEL)?;
            }
            _ if thread.info.tid != thread.info.tgid => {
                fail!(EAGAIN, "{}: has no thread-group leader", thread.who())
            }
            _ => {
                let nr = thread.info.nr_threads as usize;
                let mut threads = KVVec::with_capacity(nr, GFP_KERNEL)?;
                threads.push(thread, GFP_KERNEL)?;
                processes.push(Process { threads }, GFP_KERNEL)?;
            }
        }
    }
    Ok(processes)
}

/// Puts every process after its parent.
fn parents_first(processes: KVVec<Process>) -> Result<KVVec<Process>> {
    let count = processes.len();
    let mut by_parent = KVVec::with_capacity(count, GFP_KERNEL)?;
    let mut places = KVVec::with_capacity(count, GFP_KERNEL)?;
    for (at, process) in processes.into_iter().enumerate() {
        let info = &process.leader().info;
        if (info.ppid == 0) != (info.tgid == 1) {
            fail!(
                EBUSY,
                "{}: its parent is outside of the container, which is not supported yet",
                process.leader().who()
            );
        }
        by_parent.push((info.ppid, at), GFP_KERNEL)?;
        places.push(Some(process), GFP_KERNEL)?;
    }
    order::sort_by_key(&mut by_parent, |&entry| entry);

    let mut sorted: KVVec<Process> = KVVec::with_capacity(count, GFP_KERNEL)?;
    let mut next = 0;
    let mut parent = 0;
    loop {
        for (_, at) in order::after(&by_parent, |(ppid, _)| *ppid < parent)
            .iter()
            .take_while(|(ppid, _)| *ppid == parent)
        {
            if let Some(process) = places[*at].take() {
                sorted.push(process, GFP_KERNEL)?;
            }
        }
        match sorted.get(next) {
            Some(process) => parent = process.leader().info.tgid,
            None => break,
        }
        next += 1;
    }
    if sorted.len() != count {
        fail!(
            EAGAIN,
            "the tree of processes changed during the checkpoint: try again"
        );
    }
    inits_first(sorted)
}

/// Puts the init of every pid namespace before the others in it. Whoever is nested deeper than
/// another one is no ancestor of that one.
fn inits_first(processes: KVVec<Process>) -> Result<KVVec<Process>> {
    let mut order = KVVec::with_capacity(processes.len(), GFP_KERNEL)?;
    for (at, process) in processes.into_iter().enumerate() {
        let info = &process.leader().info;
        order.push(
            ((info.pid_depth, info.ns_init == 0, at), process),
            GFP_KERNEL,
        )?;
    }
    order::sort_by_key(&mut order, |(place, _)| *place);
    let mut sorted = KVVec::with_capacity(order.len(), GFP_KERNEL)?;
    for (_, process) in order {
        sorted.push(process, GFP_KERNEL)?;
    }
    Ok(sorted)
}
