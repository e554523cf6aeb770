// SPDX-License-Identifier: GPL-2.0

//! Processes, their threads, and the parts of these, in their order.

use zerocopy::FromZeros;

use super::{
    super::{pid_ns, signals, tasks, trace, Placed, Rec, Result, State},
    one_less, Walk,
};
use crate::uapi::*;

/// A process whose threads are not all there yet.
pub(super) struct OpenProcess<'a> {
    rec: &'a Rec<'a>,
    alive: bool,
    /// The first thread is dead, although others live.
    leader_dead: bool,
    /// All threads that are alive exit.
    exits: bool,
    pid: u32,
    pid_ns: u64,
    first: bool,
    remaining: u32,
    sigqueue: bool,
    timers: bool,
    /// There are signals that timers have sent.
    timed: bool,
    /// CPU time of its threads, as far as they are there.
    cpu_ns: u64,
    thread: Option<OpenThread<'a>>,
    /// A stop has begun that is not complete.
    stop_begun: bool,
    /// A stop is complete.
    stopped: bool,
    /// One of its threads has still to stop.
    stopping: bool,
}

/// A thread whose parts are not all there yet.
struct OpenThread<'a> {
    rec: &'a Rec<'a>,
    regs: bool,
    xstate: bool,
    sigqueue: bool,
    sched: bool,
    controls: bool,
    trace: bool,
    /// It exits, or has.
    exits: bool,
    debugregs: bool,
    tls: bool,
    policy: u32,
}

impl<'a> Walk<'a> {
    pub(super) fn process(&mut self, state: &State<'a>, rec: Placed<'a>) -> Result {
        self.close_mm()?;
        self.close_process()?;
        let mut process = cr_img_process::new_zeroed();
        rec.read_fixed(&mut process)?;
        tasks::process(state, rec, &process)?;
        rec.require(
            (process.ppid == 0) == (self.nr_processes == 0),
            "init is not the first process and the only one without a parent",
        )?;
        self.nr_processes = self.nr_processes.saturating_add(1);
        self.process = Some(OpenProcess {
            rec: rec.rec,
            alive: process.state == CR_PROCESS_ALIVE,
            leader_dead: process.flags & CR_PROCESS_LEADER_DEAD != 0,
            exits: process.flags & CR_PROCESS_EXITS != 0,
            pid: process.pid,
            pid_ns: process.pid_ns,
            first: true,
            remaining: process.nr_threads,
            sigqueue: false,
            timers: false,
            timed: false,
            cpu_ns: tasks::add_cpu_time(rec.rec, 0, &process.dead_threads)?,
            thread: None,
            stop_begun: process.stop_signal != 0 && process.flags & CR_PROCESS_STOPPED == 0,
            stopped: process.flags & CR_PROCESS_STOPPED != 0,
            stopping: false,
        });
        Ok(())
    }

    pub(super) fn thread(&mut self, state: &State<'a>, rec: Placed<'a>) -> Result {
        let Some(open) = &mut self.process else {
            return Err(rec.error("a thread without a process"));
        };
        open.close_thread()?;
        open.remaining =
            one_less(open.remaining).ok_or_else(|| rec.error("more threads than announced"))?;
        let alive = open.alive && !(open.first && open.leader_dead);
        let mut thread = cr_img_thread::new_zeroed();
        rec.read_fixed(&mut thread)?;
        tasks::thread(state, rec, &thread, alive)?;
        pid_ns::thread(state, rec, &thread, open.pid_ns, alive)?;
        rec.require(
            open.first == (thread.tid == open.pid),
            "the leader is not the first thread of the process",
        )?;
        rec.require(
            !open.first || (thread.files, thread.fs) == (0, 0),
            "a leader that does not use what its process uses",
        )?;
        open.first = false;
        open.cpu_ns = tasks::add_cpu_time(rec.rec, open.cpu_ns, &thread.usage)?;
        let stopping = thread.flags & CR_THREAD_STOPPING != 0;
        rec.require(alive || !stopping, "a dead thread that is to stop")?;
        open.stopping |= stopping;
        open.thread = Some(OpenThread {
            rec: rec.rec,
            // Who is dead has none, and gets none.
            regs: !alive,
            xstate: !alive,
            sigqueue: !alive,
            sched: !alive,
            controls: !alive,
            trace: !alive,
            exits: !alive,
            debugregs: !alive,
            tls: !alive,
            policy: thread.policy,
        });
        self.nr_threads = self.nr_threads.saturating_add(1);
        Ok(())
    }

    /// Registers, queues of signals and what else a thread may have: at most once each.
    pub(super) fn part_of_task(&mut self, state: &State<'_>, placed: Placed<'_>) -> Result {
        let rec = placed.rec;
        let Some(process) = &mut self.process else {
            return Err(rec.error("without a process"));
        };
        process.timed |= rec.tag == CR_TAG_SIGQUEUE && signals::is_of_timers(rec);
        let seen = match rec.tag {
            CR_TAG_SIGQUEUE if signals::sigqueue(rec)? => {
                rec.require(process.alive, "it belongs to a zombie")?;
                &mut process.sigqueue
            }
            CR_TAG_TIMERS => {
                signals::timers(rec)?;
                rec.require(process.alive, "it belongs to a zombie")?;
                &mut process.timers
            }
            tag => {
                let Some(thread) = &mut process.thread else {
                    return Err(rec.error("without a thread"));
                };
                match tag {
                    CR_TAG_REGS => {
                        tasks::regs(rec)?;
                        &mut thread.regs
                    }
                    CR_TAG_XSTATE => {
                        tasks::xstate(state, rec)?;
                        &mut thread.xstate
                    }
                    CR_TAG_SCHED => {
                        tasks::sched(state, placed, thread.policy)?;
                        &mut thread.sched
                    }
                    CR_TAG_CONTROLS => {
                        tasks::controls(rec)?;
                        &mut thread.controls
                    }
                    CR_TAG_TRACE => {
                        let trace = trace::trace(rec)?;
                        thread.exits = trace.stop == CR_TRACE_IN_EXIT;
                        rec.require(
                            trace.stop != CR_TRACE_IN_STOP || process.stopped,
                            "the stop of a process that is not stopped",
                        )?;
                        rec.require(
                            !process.stop_begun,
                            "a traced thread of a process that is still to stop",
                        )?;
                        &mut thread.trace
                    }
                    CR_TAG_DEBUGREGS => {
                        trace::debugregs(rec)?;
                        &mut thread.debugregs
                    }
                    CR_TAG_TLS => {
                        tasks::tls(rec)?;
                        &mut thread.tls
                    }
                    _ => &mut thread.sigqueue,
                }
            }
        };
        rec.require(!*seen, "a second time for one task, or of a dead one")?;
        *seen = true;
        Ok(())
    }

    pub(super) fn close_process(&mut self) -> Result {
        let Some(mut open) = self.process.take() else {
            return Ok(());
        };
        open.close_thread()?;
        open.rec
            .require(open.remaining == 0, "fewer threads than announced")?;
        open.rec.require(
            open.stopping == open.stop_begun,
            "a stop waits for nobody, or a thread for no stop",
        )?;
        open.rec.require(
            open.timers || !open.timed,
            "signals of timers, without timers",
        )
    }
}

impl OpenProcess<'_> {
    fn close_thread(&mut self) -> Result {
        match self.thread.take() {
            Some(open) => {
                open.rec
                    .require(open.regs && open.xstate, "a thread without registers")?;
                open.rec.require(
                    open.exits || !self.exits,
                    "a thread of a process that exits, and does not itself",
                )?;
                open.rec.require(
                    open.sched || !tasks::policy_has_parameters(open.policy),
                    "a scheduling policy without its parameters",
                )
            }
            None => Ok(()),
        }
    }
}
