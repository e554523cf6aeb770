// SPDX-License-Identifier: GPL-2.0

//! Threads that others trace by ptrace(2): debuggers and their programs.
//!
//! A thread that has stopped for its tracer waits in the kernel, in the middle of what it does about
//! a signal, say. It is left there when it is held. When it is restarted, it has to get to the same
//! place, by way of the kernel's own code: something takes it into a stop of the same kind, where it
//! gets what its tracer is to see: siginfo, message, and the status that wait4(2) returns. From there
//! on it does what its tracer says, as it would have.
//!
//! Nobody is to notice that: tracers get no SIGCHLD for these stops, which they have got before; and
//! all of them are complete before anybody else goes on.

use crate::{
    hold::Standing,
    plan::Plan,
    report::{fail, Context, Result},
    save::Save,
    state::regs::REG_AX,
    tree::Thread,
};
use cr_codec::{order, ptrace::*, uapi::*};
use cr_sys::{
    errno::{EOPNOTSUPP, EUSERS},
    misc,
    pid_ns::PidNs,
    task::TaskRef,
};
use kernel::prelude::*;

const SIGTRAP: i32 = 5;
const SA_NOCLDSTOP: u64 = 1;
const SIGCHLD: usize = 17;

/// What a system call that has no result yet has there: -ENOSYS.
const NO_RESULT: u64 = -38_i64 as u64;
/// The instruction that a system call begins with.
pub(crate) const SYSCALL: [u8; 2] = [0x0f, 0x05];
/// TF and RF.
const FLAGS_OF_STEPS: u64 = 0x1_0100;
const SUSPEND_SECCOMP: u32 = 1 << 21;

/// Saves who traces a thread, and where it stands.
pub(crate) fn save(save: &mut Save<'_>, thread: &Thread, regs: &cr_img_regs) -> Result {
    let read = thread.task.read_trace(save.container.ns());
    let mut trace = match read {
        Ok(None) => return Ok(()),
        Ok(Some(trace)) => trace,
        Err(error) if error == EXDEV => fail!(
            EBUSY,
            "is traced from outside of the container, which is not supported yet: detach the \
             debugger first"
        ),
        Err(error) if error == EPERM => fail!(
            EOPNOTSUPP(),
            "is traced by who has lost or gained rights since, which is not supported yet"
        ),
        Err(error) if error == EBUSY => fail!(
            EOPNOTSUPP(),
            "is traced while a signal stops or continues its process, which is not supported \
             yet: let its tracers continue all threads first"
        ),
        Err(error) if error == EUSERS() => fail!(
            EOPNOTSUPP(),
            "is traced while all signals wait for it, which is not supported yet"
        ),
        Err(error) => return Err(error.into()),
    };
    if trace.options & SUSPEND_SECCOMP != 0 {
        fail!(
            EOPNOTSUPP(),
            "is traced without its seccomp filters (PTRACE_O_SUSPEND_SECCOMP), which is not \
             supported yet"
        );
    }
    let traced = matches!(thread.standing, Standing::Traced(_));
    if traced != (trace.stop != CR_TRACE_RUNS) {
        fail!(EAGAIN, "was woken during the checkpoint: try again");
    }
    let parked = matches!(thread.standing, Standing::Parked | Standing::Traced(_));
    if trace.flags & CR_TRACE_SYSCALLS != 0 && !parked {
        trace.flags |= CR_TRACE_SLEEPS;
    }
    if traced {
        trace.stop = kind_of_stop(thread, &trace, regs)?;
    }
    save.record(&trace, &[])
}

/// What kind of stop a thread is in. Its tracer may have written to the siginfo of one that a signal
/// has caused, maybe what it has seen in another stop; but only those others have a message.
fn kind_of_stop(thread: &Thread, trace: &cr_img_trace, regs: &cr_img_regs) -> Result<u32> {
    if trace.stop == CR_TRACE_IN_STOP {
        return Ok(trace.stop);
    }
    let member = |at: usize| {
        let bytes = trace.siginfo.get(at..at + 4).unwrap_or_default();
        bytes.try_into().map_or(0, i32::from_le_bytes)
    };
    let (signal, code) = (member(0), member(8));
    let event = u32::try_from(code).map_or(0, |code| code >> 8);
    let is_trap = code & 0x7f == SIGTRAP;
    let in_call = is_trap && regs.reg[REG_AX] == NO_RESULT;
    // Its tracer may have changed its mind about that.
    let at_event = is_trap && trace.options & 1_u32.checked_shl(event).unwrap_or(0) != 0;
    let place = match (event, trace.message) {
        (EVENT_STOP, 0) => return Ok(CR_TRACE_IN_INTERRUPT),
        (EVENT_EXIT, _) if at_event => return Ok(CR_TRACE_IN_EXIT),
        (EVENT_EXIT, _) if is_trap => "its exit, without PTRACE_O_TRACEEXIT",
        (EVENT_SECCOMP, data) if at_event && in_call && is_in_filter(&thread.task, regs, data) => {
            return Ok(CR_TRACE_IN_FILTER)
        }
        (EVENT_SECCOMP, _) if is_trap => {
            "a system call that seccomp tells it of, and that is another one now"
        }
        (0, SYSCALL_ENTRY) if in_call && can_begin_again(&thread.task, regs) => {
            return Ok(CR_TRACE_BEFORE_CALL)
        }
        (0, SYSCALL_ENTRY) if is_trap => {
            "the beginning of a system call that cannot be issued again"
        }
        (0, SYSCALL_EXIT) if is_trap => return Ok(CR_TRACE_AFTER_CALL),
        (EVENT_EXEC, 1..) if is_trap => return Ok(CR_TRACE_IN_EVENT),
        (EVENT_FORK..=EVENT_VFORK_DONE, 1..) if in_call && is_first_level(thread) => {
            return Ok(CR_TRACE_IN_EVENT)
        }
        (EVENT_FORK..=EVENT_VFORK_DONE, 1..) if is_trap => "the creation of a task",
        (_, 1..) => "what its tracer has disguised",
        (0, 0) if (signal, code) == (SIGTRAP, SIGTRAP) => "the beginning of a signal handler",
        _ => return Ok(CR_TRACE_IN_SIGNAL),
    };
    fail!(
        EOPNOTSUPP(),
        "is stopped by its tracer at {place}, which is not supported yet: continue it first"
    )
}

/// Whether a system call that has not begun can be issued again: its tracer has changed nothing that the
/// instruction sets, that one is there, and the kernel looks at nothing else before it stops the thread.
fn can_begin_again(task: &TaskRef, regs: &cr_img_regs) -> bool {
    let [.., r11, _, _, _, _, cx, _, _, _, orig_ax, ip, _, flags, _, _, _, _, _, _, _, _] =
        regs.reg;
    let mut instruction = [0; SYSCALL.len()];
    let at = ip.wrapping_sub(SYSCALL.len() as u64);
    let copied = task.mm().map(|mm| mm.copy(at, &mut instruction));
    copied.is_some_and(|copied| copied.is_ok())
        && instruction == SYSCALL
        && u32::try_from(orig_ax).is_ok()
        && cx == ip
        && (r11 ^ flags) & !FLAGS_OF_STEPS == 0
        && task.read_controls().flags & CR_CONTROL_DISPATCH == 0
}

/// Whether a filter that is asked about the call again says the same as before: its tracer may have
/// changed what it looks at.
fn is_in_filter(task: &TaskRef, regs: &cr_img_regs, data: u64) -> bool {
    can_begin_again(task, regs) && task.is_traced_by_filter(data)
}

/// Notes for whom a thread is going to wait that has stopped for its tracer in the middle of vfork(2).
pub(crate) fn note_vfork(ns: &PidNs, thread: &Thread, record: &mut cr_img_thread) {
    if let Some(child) = thread.task.vfork_child() {
        record.restart_kind = CR_RESTART_VFORK;
        record.restart_arg[0] = u64::from(child.tid_in(ns));
    }
}

/// Whether what the tracer is told about a new task is what the call returns: in a nested pid namespace,
/// it may not be.
fn is_first_level(thread: &Thread) -> bool {
    thread.info.pid_depth == 0
}

/// A traced thread that is restarted.
pub(crate) struct Traced {
    task: TaskRef,
    tracer: TaskRef,
    trace: cr_img_trace,
    /// Signals that it blocks.
    blocked: u64,
    /// Its tracer does not want to be told about stops.
    nocldstop: bool,
    /// With what its process exits, if it does, and whether it was killed.
    group_exit: Option<(u32, bool)>,
}

/// Whether a thread begins its system call again, to stop for its tracer in that.
pub(crate) fn begins_call(trace: &cr_img_trace) -> bool {
    matches!(trace.stop, CR_TRACE_BEFORE_CALL | CR_TRACE_IN_FILTER)
}

/// Lets threads trace others. All of them are parked.
pub(crate) fn restore(plan: &Plan) -> Result<KVVec<Traced>> {
    let mut traced = KVVec::new();
    let threads = |at: usize| plan.processes[at].threads.iter();
    let places = 0..plan.processes.len();
    if !places
        .clone()
        .any(|at| threads(at).any(|thread| thread.trace.is_some()))
    {
        return Ok(traced);
    }
    let mut tids = KVVec::new();
    for at in places.clone() {
        for (number, thread) in threads(at).enumerate() {
            tids.push((thread.thread.tid, (at, number)), GFP_KERNEL)?;
        }
    }
    order::sort_by_key(&mut tids, |(tid, _)| *tid);

    for at in places {
        for (number, thread) in threads(at).enumerate() {
            let Some(record) = thread.trace else {
                continue;
            };
            let trace: cr_img_trace = plan.records.get(record).fixed()?;
            let tid = thread.thread.tid;
            let found = order::find_by_key(&tids, trace.tracer, |(tid, _)| *tid);
            let Some((_, (tracer, tracer_number))) = found else {
                fail!(EINVAL, "pid {tid}: is traced by a thread that is not there");
            };
            let created = plan.task(at, number)?;
            // Else it would go anywhere, and never stop.
            let regs = plan.records.get(thread.regs).fixed()?;
            let stands = match trace.stop {
                CR_TRACE_BEFORE_CALL => can_begin_again(&created.task, &regs),
                CR_TRACE_IN_FILTER => is_in_filter(&created.task, &regs, trace.message),
                _ => true,
            };
            if !stands {
                fail!(EINVAL, "pid {tid}: does not stand after a system call");
            }
            let in_call = matches!(
                trace.stop,
                CR_TRACE_AFTER_CALL | CR_TRACE_IN_EVENT | CR_TRACE_IN_EXIT
            );
            let process = &plan.processes[at].process;
            if in_call || trace.flags & CR_TRACE_SLEEPS != 0 {
                created.slot.ok_or(ESRCH)?.trace(&trace);
            }
            let entry = Traced {
                task: created.task,
                tracer: plan.task(*tracer, *tracer_number)?.task,
                trace,
                blocked: thread.thread.blocked,
                nocldstop: ignores_stops(plan, *tracer)?,
                group_exit: (process.flags & CR_PROCESS_EXITS != 0)
                    .then_some((process.exit_code, process.flags & CR_PROCESS_KILLED != 0)),
            };
            traced.push(entry, GFP_KERNEL)?;
        }
    }
    // Who is traced last is the first that its tracer hears of.
    order::sort_by_key(&mut traced, |entry| {
        core::cmp::Reverse(entry.trace.position)
    });
    for entry in &traced {
        link(entry).context(format_args!("tracing pid {}", entry.task.pid()))?;
    }
    Ok(traced)
}

fn link(entry: &Traced) -> Result {
    entry.task.may_read()?;
    Ok(entry.task.set_trace(&entry.tracer, &entry.trace)?)
}

/// Whether a process has SA_NOCLDSTOP.
fn ignores_stops(plan: &Plan, process: usize) -> Result<bool> {
    let id = plan.processes[process].process.sighand;
    if id == 0 {
        fail!(EINVAL, "a dead process cannot trace others");
    }
    let rec = plan.records.get(plan.records.find(id)?);
    let action = rec.array::<cr_img_sigaction>(0).nth(SIGCHLD - 1);
    Ok(action.is_some_and(|action| action.flags & SA_NOCLDSTOP != 0))
}

/// Whether a thread stands where its tracer has stopped it, so that nobody is to see it before it
/// does again.
pub(crate) fn has_stopped(plan: &Plan, record: usize) -> bool {
    let trace = plan.records.get(record).fixed::<cr_img_trace>();
    trace.is_ok_and(|trace| trace.stop != CR_TRACE_RUNS)
}

/// Lets traced threads, which are parked, stop when they go on, without their tracers hearing of it.
pub(crate) fn stop(traced: &[Traced]) {
    for entry in traced {
        entry.tracer.set_nocldstop(true);
        // From now on, nobody can kill it.
        if let Some((code, killed)) = entry.group_exit {
            entry.task.set_group_exit(code, killed);
        }
        entry.task.stop_for_tracer(&entry.trace);
    }
}

/// Waits until they have stopped. False when the caller is being killed before.
pub(crate) fn finish(traced: &[Traced]) -> bool {
    for entry in traced
        .iter()
        .filter(|entry| entry.trace.stop != CR_TRACE_RUNS)
    {
        let (task, trace) = (&entry.task, &entry.trace);
        while !task.has_stopped_for_tracer(trace, entry.blocked) && !task.is_dying() {
            if misc::is_being_killed() {
                return false;
            }
            misc::nap(20);
        }
    }
    for entry in traced {
        entry.tracer.set_nocldstop(entry.nocldstop);
    }
    true
}
