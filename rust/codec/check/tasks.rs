// SPDX-License-Identifier: GPL-2.0

//! Processes, threads, their registers and credentials.

use super::{
    landlock, numa, signals, tty, Placed, Rec, Result, State, COMPAT_END, PID_MAX, USER_END,
};
use crate::{read::is_zero, record, segment, uapi::*, xstate};

/// Capabilities up to `CAP_CHECKPOINT_RESTORE`, the last one.
const CAPABILITIES: u64 = (1 << 41) - 1;
/// All `SECBIT_*` and their locks.
const SECUREBITS: u32 = 0xfff;
/// `KEY_REQKEY_DEFL_*` that need no keyring of the task's own.
const REQKEY_KEYRINGS: &[u32] = &[0, 3, 4, 5, 7];
/// `AUDIT_TTY_ENABLE` and `AUDIT_TTY_LOG_PASSWD`.
const AUDIT_TTY: u32 = 3;
/// Not a user or group.
const NOBODY: u32 = u32::MAX;

const PROCESS_FLAGS: u32 = CR_PROCESS_SUBREAPER
    | CR_PROCESS_HAS_SUBREAPER
    | CR_PROCESS_EXECED
    | CR_PROCESS_CONTINUED
    | CR_PROCESS_STOPPED
    | CR_PROCESS_STOP_WAITED
    | CR_PROCESS_PARENT_EXECED
    | CR_PROCESS_LEADER_DEAD
    | CR_PROCESS_EXITS
    | CR_PROCESS_KILLED;
const THREAD_FLAGS: u32 = CR_THREAD_RESTORE_SIGMASK
    | CR_THREAD_NO_NEW_PRIVS
    | CR_THREAD_IN_SYSCALL
    | CR_THREAD_SECCOMP_STRICT
    | CR_THREAD_STOPPING
    | CR_THREAD_NPROC_EXCEEDED
    | CR_THREAD_COMPAT_CALL;

const SCHED_NORMAL: u32 = 0;
const SCHED_FIFO: u32 = 1;
const SCHED_RR: u32 = 2;
const SCHED_BATCH: u32 = 3;
const SCHED_IDLE: u32 = 5;
const SCHED_DEADLINE: u32 = 6;

/// Priorities of `SCHED_FIFO` and `SCHED_RR`.
const RT_PRIORITIES: core::ops::RangeInclusive<u32> = 1..=99;
/// Least runtime of `SCHED_DEADLINE`, ns: `kernel/sched/deadline.c`, `__checkparam_dl()`.
const DL_RUNTIME_MIN: u64 = 1024;
/// Time slices, ns: `kernel/sched/fair.c`, `__setparam_fair()`.
const SLICES: core::ops::RangeInclusive<u64> = 100_000..=100_000_000;
/// `SCHED_CAPACITY_SCALE`, the highest utilization.
const CAPACITY: u32 = 1024;
/// First number that has no I/O priority class, and first that has one.
const IOPRIO_END: u32 = 4 << 13;
const IOPRIO_FIRST: u32 = 1 << 13;

const SS_DISABLE: u32 = 2;
const SS_AUTODISARM: u32 = 1 << 31;

/// Length of the original rseq area; and a bound for what it may grow to.
const RSEQ_LEN: core::ops::RangeInclusive<u32> = 32..=4096;

/// Above all clocks that nanosleep knows (`CLOCK_TAI` is 11).
const CLOCKS: u64 = 12;

pub(super) fn cred(state: &State<'_>, rec: Placed<'_>) -> Result {
    let cred: cr_img_cred = rec.fixed()?;
    rec.require_elements::<cr_img_cred, u32>(u64::from(cred.nr_groups))?;
    landlock::domain(state, rec, &cred)?;
    let groups = rec.array::<u32>(size_of::<cr_img_cred>());
    let mut ids = cred.uid.into_iter().chain(cred.gid).chain(groups);
    rec.require(ids.all(|id| id != NOBODY), "no such user or group")?;
    rec.require(
        cred.cap.iter().all(|set| set & !CAPABILITIES == 0),
        "unknown capabilities",
    )?;
    let [inheritable, permitted, effective, _, ambient] = cred.cap;
    rec.require(
        effective & !permitted == 0 && ambient & !(permitted & inheritable) == 0,
        "capabilities that are not permitted",
    )?;
    rec.require(cred.securebits & !SECUREBITS == 0, "unknown securebits")?;
    rec.require(
        REQKEY_KEYRINGS.contains(&cred.reqkey_keyring),
        "unknown keyring for requested keys",
    )
}

pub(super) fn seccomp(state: &State<'_>, rec: Placed<'_>) -> Result {
    let seccomp: cr_img_seccomp = rec.fixed()?;
    rec.require_elements::<cr_img_seccomp, u64>(u64::from(seccomp.nr_insns))?;
    rec.require(seccomp.nr_insns > 0, "an empty filter")?;
    rec.require(seccomp.flags & !CR_SECCOMP_LOG == 0, "unknown flags")?;
    if seccomp.prev != 0 {
        state.refers::<cr_img_seccomp>(rec, seccomp.prev, "no filter before it")?;
    }
    Ok(())
}

pub(super) fn process(state: &State<'_>, rec: Placed<'_>, process: &cr_img_process) -> Result {
    for pid in [process.pid, process.pgid, process.sid] {
        rec.require((1..=PID_MAX).contains(&pid), "impossible process id")?;
    }
    rec.require(process.ppid <= PID_MAX, "impossible process id")?;
    rec.require(
        (process.pid == 1) == (process.ppid == 0),
        "init has a parent, or another process has none",
    )?;
    // A namespace only ends when all other numbers in it are free: those that init has, too.
    rec.require(
        process.pid != 1 || (process.pgid, process.sid) == (1, 1),
        "init does not lead its session and process group",
    )?;
    rec.require(
        process.parent_tid <= PID_MAX
            && (process.parent_tid == 0) == (process.ppid == 0)
            && (process.ppid != 0 || process.flags & CR_PROCESS_PARENT_EXECED == 0),
        "impossible thread of its parent",
    )?;
    rec.require(process.reserved == 0, "a reserved member is not zero")?;
    if process.pid_ns != 0 {
        state.refers::<cr_img_pidns>(rec, process.pid_ns, "no pid namespace")?;
    }
    rec.require(process.exit_signal <= CR_NSIG, "impossible exit signal")?;
    let exits = process.flags & CR_PROCESS_EXITS != 0;
    rec.require(
        process.flags & !PROCESS_FLAGS == 0 && (exits || process.flags & CR_PROCESS_KILLED == 0),
        "unknown flags",
    )?;
    rec.require(
        (-1000..=1000).contains(&process.oom_score_adj)
            && (-1000..=1000).contains(&process.oom_score_adj_min),
        "impossible oom_score_adj",
    )?;
    rec.require(
        process.rlimit.iter().all(|limit| limit.cur <= limit.max),
        "a resource limit above its maximum",
    )?;
    rec.require(
        process
            .itimer
            .iter()
            .all(|timer| timer.value_ns < 1 << 63 && timer.interval_ns < 1 << 63),
        "impossible interval timer",
    )?;
    rec.require(stop_fits(process), "impossible stop")?;
    rec.require(process.nr_threads > 0, "no threads")?;
    rec.require(
        process.audit_tty & !AUDIT_TTY == 0,
        "unknown audit of terminals",
    )?;
    rec.require(
        process.ptracer <= PID_MAX || process.ptracer == CR_PTRACER_ANY,
        "impossible tracer",
    )?;
    rec.require(
        process.tty_old_pgrp <= PID_MAX
            && (process.tty_old_pgrp == 0
                || (process.pid == process.sid && process.state == CR_PROCESS_ALIVE)),
        "a terminal that it cannot have lost",
    )?;
    tty::controlling(state, rec, process)?;
    rec.require(
        (-20..20).contains(&process.autogroup_nice),
        "impossible nice value of its autogroup",
    )?;

    match process.state {
        CR_PROCESS_ALIVE => {
            let has = |flag| process.flags & flag != 0;
            rec.require(
                has(CR_PROCESS_LEADER_DEAD | CR_PROCESS_EXITS) || process.exit_code == 0,
                "alive, with an exit code",
            )?;
            rec.require(
                !has(CR_PROCESS_LEADER_DEAD) || process.nr_threads > 1,
                "a dead leader of nobody",
            )?;
            rec.require(exit_code_fits(process.exit_code), "impossible exit code")?;
            state.refers::<cr_img_mm>(rec, process.mm, "no memory")?;
            state.refers::<cr_img_fdtable>(rec, process.files, "no descriptor table")?;
            state.refers::<cr_img_fs>(rec, process.fs, "no working directory")?;
            state.refers::<cr_img_sighand>(rec, process.sighand, "no signal actions")?;
        }
        CR_PROCESS_ZOMBIE => {
            rec.require(process.pid != 1, "init is dead")?;
            rec.require(
                process.nr_threads == 1
                    && process.flags & (CR_PROCESS_LEADER_DEAD | CR_PROCESS_EXITS) == 0,
                "a zombie with threads",
            )?;
            rec.require(
                [process.mm, process.files, process.fs, process.sighand] == [0; 4],
                "a zombie that refers to objects",
            )?;
            rec.require(exit_code_fits(process.exit_code), "impossible exit code")?;
        }
        _ => return Err(rec.error("unknown state")),
    }
    Ok(())
}

/// Whether a task can have exited with this code: a status times 256, or a signal.
pub(super) fn exit_code_fits(code: u32) -> bool {
    let signal = code & 0x7f;
    code <= 0xffff && (signal == 0 || code <= 0xff) && signal <= CR_NSIG && code & 0xff != 0x80
}

/// Above what all the CPU time of a process may be, ns: the kernel divides by sums of it.
const MAX_CPU_TIME: u64 = 1 << 62;

/// Adds what a thread has used to what the others of its process have.
pub(super) fn add_cpu_time(rec: &Rec<'_>, sum: u64, usage: &cr_img_usage) -> Result<u64> {
    let times = [usage.utime_ns, usage.stime_ns, usage.runtime_ns];
    let sum = times.into_iter().fold(sum, u64::saturating_add);
    let shown = usage.shown_utime_ns.saturating_add(usage.shown_stime_ns);
    rec.require(
        sum < MAX_CPU_TIME && shown < MAX_CPU_TIME,
        "impossible CPU time",
    )?;
    Ok(sum)
}

/// Whether a process is in a stop that there can be.
fn stop_fits(process: &cr_img_process) -> bool {
    let has = |flag| process.flags & flag != 0;
    if has(CR_PROCESS_EXITS) && (process.stop_signal != 0 || has(CR_PROCESS_CONTINUED)) {
        return false;
    }
    match process.stop_signal {
        0 => !has(CR_PROCESS_STOPPED) && !has(CR_PROCESS_STOP_WAITED),
        signal => {
            process.state == CR_PROCESS_ALIVE
                && signals::is_stop(signal)
                && (has(CR_PROCESS_STOPPED) || !has(CR_PROCESS_STOP_WAITED))
                && !(has(CR_PROCESS_STOPPED) && has(CR_PROCESS_CONTINUED))
        }
    }
}

pub(super) fn thread(
    state: &State<'_>,
    rec: Placed<'_>,
    thread: &cr_img_thread,
    alive: bool,
) -> Result {
    rec.require((1..=PID_MAX).contains(&thread.tid), "impossible thread id")?;
    rec.require(thread.flags & !THREAD_FLAGS == 0, "unknown flags")?;
    rec.require(
        record::is_nul_padded(&thread.comm),
        "a name that is not NUL padded",
    )?;
    if alive || thread.cred != 0 {
        state.refers::<cr_img_cred>(rec, thread.cred, "no credentials")?;
    }
    rec.require(
        alive || (thread.files, thread.fs) == (0, 0),
        "a dead thread that refers to objects",
    )?;
    if thread.files != 0 {
        state.refers::<cr_img_fdtable>(rec, thread.files, "no descriptor table")?;
    }
    if thread.fs != 0 {
        state.refers::<cr_img_fs>(rec, thread.fs, "no working directory")?;
    }
    rec.require(
        signals::can_be_blocked(thread.blocked) && signals::can_be_blocked(thread.saved_sigmask),
        "SIGKILL or SIGSTOP is blocked",
    )?;

    if thread.seccomp != 0 {
        rec.require(
            alive && thread.flags & CR_THREAD_SECCOMP_STRICT == 0,
            "a filter in strict mode, or of a zombie",
        )?;
        state.refers::<cr_img_seccomp>(rec, thread.seccomp, "no filter")?;
    }

    let mode = thread.altstack_flags & !SS_AUTODISARM;
    rec.require(mode <= SS_DISABLE, "unknown flags of the alternate stack")?;
    rec.require(
        mode != SS_DISABLE || thread.altstack_size == 0,
        "an alternate stack that is disabled",
    )?;
    rec.require(
        thread.compat_robust_list < COMPAT_END,
        "impossible list of robust futexes",
    )?;
    match thread.rseq {
        0 => rec.require(
            thread.rseq_len == 0 && thread.rseq_sig == 0,
            "an rseq area without an address",
        )?,
        rseq => rec.require(
            rseq % 32 == 0
                && RSEQ_LEN.contains(&thread.rseq_len)
                && rseq
                    .checked_add(u64::from(thread.rseq_len))
                    .is_some_and(|end| end <= USER_END),
            "impossible rseq area",
        )?,
    }

    let [trap, error, _] = thread.fault;
    rec.require(
        trap < 256 && u32::try_from(error).is_ok(),
        "impossible fault",
    )?;
    rec.require(
        matches!(thread.policy, SCHED_NORMAL | SCHED_BATCH | SCHED_IDLE)
            || policy_has_parameters(thread.policy),
        "unknown scheduling policy",
    )?;
    rec.require((-20..20).contains(&thread.nice), "impossible nice value")?;
    rec.require(
        thread.pdeath_signal <= CR_NSIG,
        "impossible parent death signal",
    )?;
    rec.require(thread.personality != u32::MAX, "impossible personality")?;
    rec.require(
        thread.timer_slack_ns < 1 << 63 && thread.default_timer_slack_ns < 1 << 63,
        "impossible timer slack",
    )?;
    rec.require(
        restart_block_fits(thread),
        "impossible arguments of an interrupted system call",
    )
}

/// Whether threads with this policy need a record of their scheduling.
pub(super) fn policy_has_parameters(policy: u32) -> bool {
    matches!(policy, SCHED_FIFO | SCHED_RR | SCHED_DEADLINE)
}

/// The record of a thread with this policy.
pub(super) fn sched(state: &State<'_>, rec: Placed<'_>, policy: u32) -> Result {
    let sched: cr_img_sched = rec.fixed()?;
    let words = u64::from(sched.nr_cpu_words);
    rec.require_elements::<cr_img_sched, u64>(words)?;
    let cpus = rec.array::<u64>(size_of::<cr_img_sched>());
    rec.require(
        cpus.last() != Some(0),
        "a CPU affinity that ends in nothing",
    )?;

    let deadline_flags = CR_SCHED_RECLAIM | CR_SCHED_DL_OVERRUN;
    let flags = match policy {
        SCHED_DEADLINE => CR_SCHED_RESET_ON_FORK | deadline_flags,
        _ => CR_SCHED_RESET_ON_FORK,
    };
    rec.require(sched.flags & !flags == 0, "unknown flags")?;
    let real_time = matches!(policy, SCHED_FIFO | SCHED_RR);
    rec.require(
        match real_time {
            true => RT_PRIORITIES.contains(&sched.priority),
            false => sched.priority == 0,
        },
        "a priority that its policy does not have",
    )?;
    let [runtime, deadline, period] = [sched.runtime_ns, sched.deadline_ns, sched.period_ns];
    rec.require(
        match policy {
            SCHED_DEADLINE => {
                DL_RUNTIME_MIN <= runtime
                    && runtime <= deadline
                    && deadline <= period
                    && period < 1 << 63
            }
            _ => [runtime, deadline, period] == [0; 3],
        },
        "a deadline that its policy does not have",
    )?;
    rec.require(
        sched.slice_ns == 0 || SLICES.contains(&sched.slice_ns),
        "impossible time slice",
    )?;
    let clamps = [sched.util_min, sched.util_max];
    rec.require(
        clamps
            .iter()
            .all(|clamp| *clamp <= CAPACITY || *clamp == CR_SCHED_NO_CLAMP)
            && (sched.util_min <= sched.util_max || clamps.contains(&CR_SCHED_NO_CLAMP)),
        "impossible utilization clamps",
    )?;
    rec.require(
        sched.ioprio == 0 || (IOPRIO_FIRST..IOPRIO_END).contains(&sched.ioprio),
        "impossible I/O priority",
    )?;
    numa::policy_of_task(state, rec, &sched)
}

const CONTROLS: u32 = CR_CONTROL_NO_TSC
    | CR_CONTROL_NO_CPUID
    | CR_CONTROL_IO_FLUSHER
    | CR_CONTROL_MCE_LATE
    | CR_CONTROL_MCE_EARLY
    | CR_CONTROL_DISPATCH;
const PR_SPEC_ENABLE: u32 = 2;
const PR_SPEC_DISABLE: u32 = 4;
const PR_SPEC_FORCE_DISABLE: u32 = 8;
const PR_SPEC_DISABLE_NOEXEC: u32 = 16;

pub(super) fn controls(rec: &Rec<'_>) -> Result {
    let controls: cr_img_controls = rec.fixed()?;
    let both = CR_CONTROL_MCE_LATE | CR_CONTROL_MCE_EARLY;
    rec.require(
        controls.flags & !CONTROLS == 0 && controls.flags & both != both,
        "unknown flags",
    )?;
    rec.require(
        matches!(
            controls.store_bypass,
            0 | PR_SPEC_DISABLE | PR_SPEC_FORCE_DISABLE | PR_SPEC_DISABLE_NOEXEC
        ) && matches!(
            controls.indirect_branch,
            0 | PR_SPEC_DISABLE | PR_SPEC_FORCE_DISABLE
        ) && matches!(controls.l1d_flush, 0 | PR_SPEC_ENABLE),
        "unknown control of speculation",
    )?;
    let dispatch = [
        controls.dispatch_offset,
        controls.dispatch_len,
        controls.dispatch_selector,
    ];
    rec.require(
        controls.dispatch_selector < USER_END
            && (controls.flags & CR_CONTROL_DISPATCH != 0 || dispatch == [0; 3]),
        "impossible system call dispatch",
    )
}

fn restart_block_fits(thread: &cr_img_thread) -> bool {
    let fits_u32 = |value: u64| u32::try_from(value).is_ok();
    let [a, b, c, d, e] = thread.restart_arg;
    // Without a time-out, there is no time left either.
    let time_left = |timed: u64| match timed {
        0 => thread.restart_ns == 0,
        1 => thread.restart_ns < 1 << 63,
        _ => false,
    };
    // Types of times: the last ones are those of 32-bit programs.
    let (left_types, timeout_types) = match thread.flags & CR_THREAD_COMPAT_CALL {
        0 => (2, 2),
        _ => (3, 4),
    };
    match thread.restart_kind {
        CR_RESTART_NONE => [a, b, c, d, e] == [0; 5] && thread.restart_ns == 0,
        // Type 0 is not to report the time left.
        CR_RESTART_NANOSLEEP => {
            a < CLOCKS && b < USER_END && c < left_types && d == 0 && e == 0 && time_left(1)
        }
        // The number of a clock of CPU time is negative.
        CR_RESTART_CPU_NANOSLEEP => {
            (1 << 31..1 << 32).contains(&a)
                && b < USER_END
                && c < left_types
                && d < 1 << 63
                && e == 0
                && time_left(0)
        }
        CR_RESTART_FUTEX => {
            a < USER_END && a % 4 == 0 && fits_u32(b) && fits_u32(c) && fits_u32(d) && time_left(e)
        }
        CR_RESTART_SELECT => {
            a < USER_END && b < timeout_types && [c, d, e] == [0; 3] && time_left(1)
        }
        CR_RESTART_WAIT => [a, b, c, d, e] == [0; 5] && time_left(1),
        CR_RESTART_VFORK => {
            (1..=u64::from(PID_MAX)).contains(&a)
                && a != u64::from(thread.tid)
                && [b, c, d, e] == [0; 4]
                && time_left(0)
        }
        CR_RESTART_POLL => a < USER_END && fits_u32(b) && d == 0 && e == 0 && time_left(c),
        _ => false,
    }
}

/// Flags that a program may set itself; and those that are always there: IF, and bit 1.
const FLAGS: u64 = 0x0025_4dd5 | FLAGS_SET;
const FLAGS_SET: u64 = 0x202;

/// What the kernel has in a number of a system call beside what is in the image.
const TIMED: u64 = 1 << 33;

/// Selectors of user space: its 64-bit code and its data.
const USER_CS: u64 = 0x33;
const USER_DS: u64 = 0x2b;
/// Its 32-bit code.
const USER32_CS: u64 = 0x23;

pub(super) fn regs(rec: &Rec<'_>) -> Result {
    let regs: cr_img_regs = rec.fixed()?;
    let [.., orig_ax, _ip, cs, flags, _sp, ss, fs_base, gs_base, ds, es, fs, gs] = regs.reg;
    // Outside of system calls, it is -1.
    rec.require(
        orig_ax >> 63 != 0 || orig_ax & TIMED == 0,
        "impossible number of a system call",
    )?;
    rec.require(
        (matches!(cs, USER_CS | USER32_CS) || segment::is_local(cs))
            && (ss == USER_DS || segment::is_own(ss)),
        "a segment for code or stack that user space does not have",
    )?;
    let given = |selector| matches!(selector, 0 | 3 | USER32_CS | USER_DS | USER_CS);
    rec.require(
        [ds, es, fs, gs]
            .into_iter()
            .all(|selector| given(selector) || segment::is_own(selector)),
        "a segment that user space does not have",
    )?;
    rec.require(
        flags & !FLAGS == 0 && flags & FLAGS_SET == FLAGS_SET,
        "flags that a program cannot set",
    )?;
    rec.require(
        fs_base < USER_END && gs_base < USER_END,
        "a segment base outside user space",
    )
}

pub(super) fn tls(rec: &Rec<'_>) -> Result {
    let tls: cr_img_tls = rec.fixed()?;
    rec.require(
        tls.descriptor != [0; CR_NR_TLS as usize]
            && tls.descriptor.into_iter().all(segment::fits_tls),
        "segments that a thread cannot make, or none",
    )
}

const BLOCK: usize = CR_XSTATE_BLOCK as usize;
/// Offset in the first block of an XSAVE area.
const MXCSR: usize = 24;
/// The block that is the header: the components, and then zeroes.
const XSTATE_HEADER: usize = 8;

pub(super) fn xstate(state: &State<'_>, rec: &Rec<'_>) -> Result {
    let xstate: cr_img_xstate = rec.fixed()?;
    let size = state.header.xstate_size as usize;
    let (nr, end) = xstate::extent(&xstate);
    let data = rec.variable::<cr_img_xstate>();
    rec.require(
        data.len() == nr.saturating_mul(BLOCK) && end <= size.div_ceil(BLOCK),
        "other blocks than the file header and the length allow",
    )?;
    // The part of the last block that is behind the end.
    let beyond = match end.saturating_mul(BLOCK).checked_sub(size) {
        Some(beyond) => data
            .get(data.len().saturating_sub(beyond)..)
            .unwrap_or_default(),
        None => &[],
    };
    rec.require(is_zero(beyond), "more than the XSAVE area")?;
    let block = |at| xstate::block(rec, &xstate, at).unwrap_or(&[0; BLOCK]);
    let (legacy, header) = (block(0), block(XSTATE_HEADER));
    let word = |block: &[u8], at: usize| {
        let bytes = block.get(at..).and_then(<[u8]>::first_chunk);
        u32::from_le_bytes(bytes.copied().unwrap_or_default())
    };
    rec.require(word(legacy, MXCSR) & !0xffff == 0, "reserved bits in MXCSR")?;
    let components = u64::from(word(header, 0)) | (u64::from(word(header, 4)) << 32);
    rec.require(
        components & !state.header.xfeatures == 0,
        "components that the file header does not know",
    )?;
    rec.require(
        is_zero(header.get(8..).unwrap_or_default()),
        "reserved bytes, or the compacted form",
    )
}
