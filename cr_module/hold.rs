// SPDX-License-Identifier: GPL-2.0

//! Holding a container still.
//!
//! Every thread gets a place in a parking, which it enters when it is about to return to user mode.
//! A thread that sleeps in a system call which can be issued again from its beginning is left
//! asleep, and held all the same: if something wakes it, it does not come further than the parking.
//! So is one that a signal has stopped, or its tracer.
//! Threads create threads meanwhile, so the search goes on until nothing new is found.
//!
//! Nothing that is done here can be seen by the container, and dropping a [`Hold`] undoes it.

use crate::{
    container::Container,
    report::{fail, failure, Result, Who},
    state::{
        call::CallName,
        syscall::{self, Asleep, Timed},
    },
};
use cr_sys::{
    errno::EOPNOTSUPP,
    misc,
    park::{Parking, Slot, Stage},
    sleep::Sleepers,
    task::{Stopped, TaskRef},
};
use kernel::{prelude::*, rbtree::RBTree, sync::Arc};

/// How a held thread stands still.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Not yet.
    Unsettled,
    /// In the parking, all of its user registers saved.
    Parked,
    /// In a system call, with the number that tells whether it has been woken.
    Asleep(usize),
    /// The same, and its time may run out meanwhile: that changes nothing but its result.
    AsleepUntil,
    /// The same: it had so much time left, ns.
    AsleepFor(u64),
    /// In vfork(2) or the like, until its child gives up its memory: the child's number, and what the
    /// call is going to return.
    InVfork(u32, u32),
    /// Stopped by a signal, on its way to user mode, with the number that tells whether it goes on.
    Stopped(usize),
    /// Stopped for its tracer, with the number that tells whether it goes on.
    Traced(usize),
    /// It has exited.
    Gone,
}

struct Held {
    slot: Arc<Slot>,
    standing: Standing,
    /// It sleeps for a time, and must not be woken: the number that tells.
    stamp: Option<usize>,
    woken: bool,
    /// When it was first seen in a state that has to pass, CLOCK_MONOTONIC ns.
    since: u64,
}

impl Held {
    /// Whether its time was over, and nothing else: its call has changed nothing then.
    fn has_timed_out(&self) -> bool {
        let begin = misc::monotonic_ns();
        // It is in the parking as soon as a processor has time for it.
        while self.slot.stage() == Stage::Queued {
            let patient = misc::monotonic_ns() - begin < PATIENCE_NS;
            if self.slot.task().sleep_stamp().is_some() || !patient {
                return false;
            }
            misc::nap(PAUSE_US);
        }
        self.slot.stage() == Stage::Parked && syscall::has_timed_out(self.slot.task())
    }
}

/// All threads of a container, held until this is dropped.
pub(crate) struct Hold<'a> {
    container: &'a Container,
    /// It does not go on afterwards: it may see that something was interrupted.
    dies: bool,
    parking: Arc<Parking>,
    held: RBTree<usize, Held>,
}

/// What a search for threads has shown.
#[derive(Default)]
struct Found {
    /// There are new ones.
    some: bool,
    /// One cannot have a place, since it exits.
    exiting: Option<Who>,
    /// Or since it never gets to user mode.
    worker: Option<Who>,
}

/// What a look at all threads has shown.
struct Settled {
    /// Some stand still that did not before, or the other way round.
    changed: bool,
    /// One that does not.
    waiting: Option<Who>,
}

/// How long to give a thread to leave a state that passes by itself, ns.
const PATIENCE_NS: u64 = 1_000_000_000;

/// Between two looks at threads that do not stand still yet, us.
const PAUSE_US: u32 = 50;

impl<'a> Hold<'a> {
    /// Holds every thread, or fails and holds none.
    pub(crate) fn new(container: &'a Container, dies: bool, timeout_ns: u64) -> Result<Self> {
        let mut hold = Self {
            container,
            dies,
            parking: Parking::for_all()?,
            held: RBTree::new(),
        };
        hold.settle_all(timeout_ns)?;
        Ok(hold)
    }

    /// Waits until every thread stands still, those that have moved since included.
    pub(crate) fn settle_all(&mut self, timeout_ns: u64) -> Result {
        let begin = misc::monotonic_ns();
        let deadline = begin.saturating_add(timeout_ns);
        loop {
            let found = self.find()?;
            let Settled {
                changed,
                mut waiting,
            } = self.settle()?;
            // Who has just come to a halt may have woken somebody before, or created him.
            if !found.some && !changed && found.worker.is_none() && waiting.is_none() {
                waiting = self.note_times()?;
                if waiting.is_none() {
                    if self.parking.is_shut() {
                        return Ok(());
                    }
                    match self.with_requests() {
                        // Most of them do not take long.
                        Some(who) if misc::monotonic_ns() - begin < PATIENCE_NS => {
                            waiting = Some(who);
                        }
                        _ => {
                            self.parking.shut();
                            continue;
                        }
                    }
                }
            }
            if misc::is_being_killed() {
                fail!(EINTR, "the caller is being killed");
            }
            match found.worker {
                // One that exits cannot be told from others.
                Some(who) if misc::monotonic_ns() - begin > PATIENCE_NS => fail!(
                    EOPNOTSUPP(),
                    "{who}: is a worker thread of the kernel (io_uring, vhost), which is not supported yet"
                ),
                worker => waiting = waiting.or(worker),
            }
            if misc::monotonic_ns() > deadline {
                match (found.exiting, waiting) {
                    (Some(who), _) => fail!(
                        EBUSY,
                        "{who}: exits, and does not come to an end: the init of a pid namespace \
                         waits for all others in it; let their parents wait for them first"
                    ),
                    (None, Some(who)) => fail!(ETIMEDOUT, "{who}: does not stand still"),
                    (None, None) => fail!(ETIMEDOUT, "the container keeps creating tasks"),
                }
            }
            if waiting.is_some() {
                misc::nap(PAUSE_US);
            }
        }
    }

    /// Gives a place to every thread that has none.
    fn find(&mut self) -> Result<Found> {
        let mut found = Found::default();
        for task in self.container.ns().tasks() {
            if self.held.get(&task.identity()).is_some() || task.is_zombie() {
                continue;
            }
            // It would not come by, nor say where it sleeps.
            if task.is_worker() {
                found.worker = Some(self.container.who(&task));
                continue;
            }
            found.some = true;
            let slot = match Slot::queue(&self.parking, &task, None) {
                Ok(slot) => slot,
                Err(error) if error == ESRCH => {
                    found.exiting = Some(self.container.who(&task));
                    continue;
                }
                Err(error) => return Err(error.into()),
            };
            let held = Held {
                slot,
                standing: Standing::Unsettled,
                stamp: None,
                woken: false,
                since: 0,
            };
            self.held
                .try_create_and_insert(task.identity(), held, GFP_KERNEL)?;
        }
        Ok(found)
    }

    /// Looks at how far every thread is.
    fn settle(&mut self) -> Result<Settled> {
        let mut settled = Settled {
            changed: false,
            waiting: None,
        };
        let waiting = self.in_vfork()?;
        for (identity, held) in self.held.iter_mut() {
            let before = held.standing;
            let task = held.slot.task();
            match held.slot.stage() {
                Stage::Parked | Stage::Gone if task.is_gone() => held.standing = Standing::Gone,
                Stage::Parked
                    if !task.is_dying() && (before == Standing::Parked || task.is_parked()) =>
                {
                    held.standing = Standing::Parked;
                }
                Stage::Parked | Stage::Gone => held.standing = Standing::Unsettled,
                Stage::Passed => {
                    held.standing = Standing::Unsettled;
                    Slot::queue_again(&held.slot)?;
                }
                Stage::Halted => fail!(
                    EAGAIN,
                    "{}: was woken during the checkpoint: try again",
                    self.container.who(task)
                ),
                Stage::Queued => match waiting.iter().find(|(waiter, _)| waiter == identity) {
                    Some((_, standing)) if !task.is_dying() && task.is_parked() => {
                        held.standing = *standing;
                    }
                    _ => settle_one(self.container, held, self.dies)?,
                },
            }
            settled.changed |= held.standing != before;
            if held.standing == Standing::Unsettled && settled.waiting.is_none() {
                settled.waiting = Some(self.container.who(held.slot.task()));
            }
        }
        Ok(settled)
    }

    /// Who sleeps in vfork(2), and how they stand, therefore.
    fn in_vfork(&self) -> Result<KVVec<(usize, Standing)>> {
        let mut waiting = KVVec::new();
        let tasks = self.held.values().map(|held| held.slot.task());
        for child in tasks.filter(|task| task.is_in_vfork()) {
            if let Some((waiter, pid)) = child.vfork_waiter() {
                let standing = Standing::InVfork(child.tid_in(self.container.ns()), pid);
                waiting.push((waiter.identity(), standing), GFP_KERNEL)?;
            }
        }
        Ok(waiting)
    }

    /// Somebody of whose requests of io_uring some do more than wait.
    fn with_requests(&self) -> Option<Who> {
        let mut tasks = self.held.values().map(|held| held.slot.task());
        let task = tasks.find(|task| !task.uring_requests_wait())?;
        Some(self.container.who(task))
    }

    /// Notes how much time those have left who sleep for a time. Returns one whose time is up.
    fn note_times(&mut self) -> Result<Option<Who>> {
        let for_a_time = |held: &Held| matches!(held.standing, Standing::AsleepFor(_));
        if !self.held.values().any(for_a_time) {
            return Ok(None);
        }
        let sleepers = Sleepers::look()?;
        let mut awake = None;
        for held in self.held.values_mut().filter(|held| for_a_time(held)) {
            held.standing = match sleepers.time_left(held.slot.task()) {
                Some(left) => Standing::AsleepFor(left),
                None => {
                    awake = Some(self.container.who(held.slot.task()));
                    Standing::Unsettled
                }
            };
        }
        Ok(awake)
    }

    /// How a thread stands still.
    pub(crate) fn standing(&self, task: &TaskRef) -> Standing {
        self.held
            .get(&task.identity())
            .map_or(Standing::Gone, |held| held.standing)
    }

    /// Fails unless no thread has moved or died since all stood still. A thread that acts upon a
    /// signal does what it would have done after the moment of the checkpoint anyway.
    pub(crate) fn check_still(&self) -> Result {
        self.check(|_| false)
    }

    /// The same, when all but memory has been copied: by then, a thread whose time-out is over may
    /// have come to the parking, if that is all that has happened to it.
    pub(crate) fn check_memory(&self) -> Result {
        self.check(Held::has_timed_out)
    }

    fn check(&self, may_have_moved: fn(&Held) -> bool) -> Result {
        for held in self.held.values() {
            let task = held.slot.task();
            let woken = |stamp| task.sleep_stamp() != Some(stamp) && !task.has_signal();
            let moved = match held.standing {
                Standing::Asleep(stamp) => woken(stamp),
                Standing::AsleepFor(_) => held.stamp.is_some_and(woken) && !may_have_moved(held),
                Standing::Stopped(stamp) => task.stop_stamp() != Some(stamp),
                Standing::Traced(stamp) => task.trace_stamp() != Some(stamp),
                _ => false,
            };
            if held.standing != Standing::Gone && task.is_dying() {
                fail!(
                    EAGAIN,
                    "{}: died during the checkpoint: try again",
                    self.container.who(task)
                );
            }
            if moved {
                fail!(
                    EAGAIN,
                    "{}: was woken from outside during the checkpoint: try again",
                    self.container.who(task)
                );
            }
        }
        Ok(())
    }

    /// Kills every task, so that none of them does anything when it is let go.
    pub(crate) fn kill(&self) {
        for held in self.held.values() {
            held.slot.task().kill();
        }
    }

    /// How many threads are held.
    pub(crate) fn len(&self) -> u64 {
        self.held.iter().count() as u64
    }
}

/// Decides what is to be done about a thread that has not come by yet.
fn settle_one(container: &Container, held: &mut Held, dies: bool) -> Result {
    let task = held.slot.task();
    if task.is_dying() {
        held.standing = Standing::Unsettled;
        return Ok(());
    }
    match task.stopped() {
        Stopped::No => {}
        Stopped::BySignal => {
            held.standing = task
                .stop_stamp()
                .map_or(Standing::Unsettled, Standing::Stopped);
            held.since = 0;
            return Ok(());
        }
        Stopped::Frozen => fail!(
            EOPNOTSUPP(),
            "{}: is frozen by its cgroup, which is not supported yet: thaw it first",
            container.who(task)
        ),
        Stopped::ByTracer => {
            held.standing = task
                .trace_stamp()
                .map_or(Standing::Unsettled, Standing::Traced);
            held.since = 0;
            return Ok(());
        }
    }
    let Some(stamp) = task.sleep_stamp() else {
        held.standing = Standing::Unsettled;
        held.since = 0;
        return Ok(());
    };
    if matches!(held.standing, Standing::Asleep(before) if before == stamp) {
        return Ok(());
    }
    let before = held.standing;
    held.standing = Standing::Unsettled;
    // Only now that it is known to sleep do its registers say where.
    let asleep = match syscall::asleep_in(task) {
        // Its tracer would be told what it has done so far.
        asleep if asleep.is_woken(dies) && task.is_waited_for() => Asleep::Wait(CallName::Traced),
        asleep => asleep,
    };
    match asleep {
        Asleep::Leave(_) | Asleep::LeaveWaiting => held.standing = Standing::Asleep(stamp),
        Asleep::LeaveUntil(_) => held.standing = Standing::AsleepUntil,
        // Its memory is saved while it is held, which takes longer than it may sleep.
        Asleep::LeaveFor(Timed::RewrittenWithSets(_)) if dies => wake(held)?,
        Asleep::LeaveFor(call) => {
            held.stamp = call.leaves_traces().then_some(stamp);
            held.standing = match before {
                Standing::AsleepFor(_) => before,
                // How long is found out when all stand still.
                _ => Standing::AsleepFor(0),
            };
        }
        Asleep::Wake => wake(held)?,
        Asleep::WakeHalfway(fd, name) => {
            if let (false, Some(file)) = (held.woken, task.file(fd)) {
                held.woken = Slot::interrupt_halfway(&held.slot, &file);
            }
            if !held.woken {
                be_patient(container, held, CallName::Name(name))?;
            }
        }
        Asleep::Wait(why) => be_patient(container, held, why)?,
    }
    Ok(())
}

/// Gives the call of a thread some time to return by itself.
fn be_patient(container: &Container, held: &mut Held, why: CallName) -> Result {
    let now = misc::monotonic_ns();
    if held.since == 0 {
        held.since = now;
    }
    if now - held.since > PATIENCE_NS {
        return Err(failure!(
            EOPNOTSUPP(),
            "{}: sleeps in {why}, which is not supported yet",
            container.who(held.slot.task())
        ));
    }
    Ok(())
}

/// Interrupts a thread, once.
fn wake(held: &mut Held) -> Result {
    if !held.woken {
        held.woken = true;
        Slot::wake(&held.slot)?;
    }
    Ok(())
}

impl Drop for Hold<'_> {
    fn drop(&mut self) {
        self.parking.open();
        // Who was woken comes by, and goes on with the rest.
        for held in self.held.values().filter(|held| !held.woken) {
            Slot::withdraw(&held.slot);
        }
    }
}
