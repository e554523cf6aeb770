// SPDX-License-Identifier: GPL-2.0

//! Traced threads and debug registers.

use super::{signals, tasks, Rec, Result, PID_MAX, USER_END};
use crate::{ptrace::*, uapi::*};

const FLAGS: u32 = CR_TRACE_SEIZED
    | CR_TRACE_SINGLE_STEP
    | CR_TRACE_FORCED_TF
    | CR_TRACE_STEP_OUT
    | CR_TRACE_SYSCALLS
    | CR_TRACE_TRAP_STOP
    | CR_TRACE_TRAP_NOTIFY
    | CR_TRACE_STOP_DEQUEUED
    | CR_TRACE_LISTENS
    | CR_TRACE_SLEEPS;
/// What only PTRACE_SEIZE makes possible.
const ONLY_SEIZED: u32 = CR_TRACE_TRAP_STOP | CR_TRACE_TRAP_NOTIFY;

/// Bytes of a siginfo that the kernel keeps: `struct kernel_siginfo`.
const SIGINFO_LEN: usize = 48;
const SIGTRAP: u32 = 5;
/// What PTRACE_O_TRACESYSGOOD makes of it.
const SYSCALL_TRAP: u32 = 0x85;
/// SECCOMP_RET_DATA
const SECCOMP_DATA: u64 = 0xffff;

pub(super) fn trace(rec: &Rec<'_>) -> Result<cr_img_trace> {
    let trace: cr_img_trace = rec.fixed()?;
    let has = |flag| trace.flags & flag != 0;
    rec.require((1..=PID_MAX).contains(&trace.tracer), "impossible tracer")?;
    rec.require(
        trace.flags & !FLAGS == 0 && trace.options & !CR_TRACE_OPTIONS == 0,
        "unknown flags",
    )?;
    rec.require(
        has(CR_TRACE_SEIZED) || !(has(ONLY_SEIZED) || trace.stop == CR_TRACE_IN_INTERRUPT),
        "a trap of a thread that was not seized",
    )?;
    rec.require(
        has(CR_TRACE_SINGLE_STEP) || !has(CR_TRACE_FORCED_TF),
        "impossible single step",
    )?;
    let (status, event) = (trace.status & 0xff, trace.status >> 8);
    let [.., a, b, c, d] = *trace.siginfo.first_chunk::<12>().unwrap_or(&[0; 12]);
    let code = u32::from_le_bytes([a, b, c, d]);
    let reason = code >> 8;
    let told = |wanted: u32| trace.status == 0 || (status, event) == (SIGTRAP, wanted);
    let at_call = matches!(trace.status, 0 | SIGTRAP | SYSCALL_TRAP)
        && matches!(code, SIGTRAP | SYSCALL_TRAP);
    let is_pid = (1..=u64::from(PID_MAX)).contains(&trace.message);
    // Without the option, there is no stop.
    let at_event = |event: u32| {
        code == ((event << 8) | SIGTRAP) && told(event) && trace.options & (1 << event) != 0
    };
    let stopped = match (trace.stop, trace.message) {
        (CR_TRACE_RUNS, 0) => trace.status == 0 && !has(CR_TRACE_STOP_DEQUEUED),
        (CR_TRACE_IN_SIGNAL, 0) => trace.status <= CR_NSIG,
        (CR_TRACE_IN_INTERRUPT, 0) => {
            told(EVENT_STOP) || (event == EVENT_STOP && signals::is_stop(status))
        }
        (CR_TRACE_IN_STOP, 0) => {
            (trace.status == 0 || signals::is_stop(trace.status)) && !has(CR_TRACE_SEIZED)
        }
        (CR_TRACE_BEFORE_CALL, SYSCALL_ENTRY) => at_call && has(CR_TRACE_SYSCALLS),
        (CR_TRACE_AFTER_CALL, SYSCALL_EXIT) => at_call,
        (CR_TRACE_IN_EVENT, _) => {
            matches!(reason, EVENT_FORK..=EVENT_VFORK_DONE)
                && code & 0xff == SIGTRAP
                && told(reason)
                && is_pid
        }
        (CR_TRACE_IN_EXIT, status) => {
            at_event(EVENT_EXIT) && u32::try_from(status).is_ok_and(tasks::exit_code_fits)
        }
        (CR_TRACE_IN_FILTER, data) => at_event(EVENT_SECCOMP) && data <= SECCOMP_DATA,
        (CR_TRACE_RUNS..=CR_TRACE_IN_STOP, _) => false,
        _ => return Err(rec.error("unknown kind of stop")),
    };
    rec.require(stopped, "impossible stop")?;
    rec.require(
        !has(CR_TRACE_SLEEPS) || (trace.stop == CR_TRACE_RUNS && has(CR_TRACE_SYSCALLS)),
        "a sleep that nobody waits for",
    )?;
    rec.require(
        !has(CR_TRACE_LISTENS)
            || (trace.stop == CR_TRACE_IN_INTERRUPT && !has(CR_TRACE_TRAP_NOTIFY)),
        "it listens, and stands elsewhere",
    )?;
    let used = match trace.stop {
        CR_TRACE_RUNS | CR_TRACE_IN_STOP => 0,
        _ => SIGINFO_LEN,
    };
    let mut rest = trace.siginfo.iter().skip(used);
    rec.require(rest.all(|byte| *byte == 0), "impossible siginfo")?;
    Ok(trace)
}

/// DR7: the bits that enable each breakpoint.
const ENABLED: [u64; CR_NR_BREAKPOINTS as usize] = [3, 3 << 2, 3 << 4, 3 << 6];

pub(super) fn debugregs(rec: &Rec<'_>) -> Result {
    let registers: cr_img_debugregs = rec.fixed()?;
    rec.require(
        registers.reserved == 0 && registers.breakpoints < 1 << CR_NR_BREAKPOINTS,
        "unknown breakpoints",
    )?;
    let breakpoints = registers.address.into_iter().zip(ENABLED);
    for (number, (address, enabled)) in (0..CR_NR_BREAKPOINTS).zip(breakpoints) {
        let there = registers.breakpoints & (1 << number) != 0;
        let enabled = registers.control & enabled != 0;
        rec.require(
            match there {
                true => address < USER_END,
                // Of a child that has its parent's register, none is.
                false => address == 0 && (!enabled || registers.breakpoints == 0),
            },
            "impossible breakpoint",
        )?;
    }
    Ok(())
}
