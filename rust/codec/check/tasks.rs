// SPDX-License-Identifier: GPL-2.0

//! Processes, threads, their registers and credentials.

use super::{signals, Placed, Rec, Result, State, PID_MAX, USER_END};
use crate::{record, uapi::*};

/// Capabilities up to `CAP_CHECKPOINT_RESTORE`, the last one.
const CAPABILITIES: u64 = (1 << 41) - 1;
/// All `SECBIT_*` and their locks.
const SECUREBITS: u32 = 0xfff;
/// Not a user or group.
const NOBODY: u32 = u32::MAX;

const PROCESS_FLAGS: u32 =
    CR_PROCESS_SUBREAPER | CR_PROCESS_HAS_SUBREAPER | CR_PROCESS_EXECED | CR_PROCESS_CONTINUED;
const THREAD_FLAGS: u32 = CR_THREAD_RESTORE_SIGMASK | CR_THREAD_NO_NEW_PRIVS | CR_THREAD_IN_SYSCALL;

const SCHED_NORMAL: u32 = 0;
const SCHED_BATCH: u32 = 3;
const SCHED_IDLE: u32 = 5;

const SS_DISABLE: u32 = 2;
const SS_AUTODISARM: u32 = 1 << 31;

/// Length of the original rseq area; and a bound for what it may grow to.
const RSEQ_LEN: core::ops::RangeInclusive<u32> = 32..=4096;

/// Above all clocks that nanosleep knows (`CLOCK_TAI` is 11).
const CLOCKS: u64 = 12;

pub(super) fn cred(rec: &Rec<'_>) -> Result {
    let cred: cr_img_cred = rec.fixed()?;
    rec.require(
        cred.nr_landlock <= CR_MAX_LANDLOCK && cred.reserved == 0,
        "too many Landlock layers",
    )?;
    let landlock = u64::from(cred.nr_landlock).saturating_mul(3);
    let words = u64::from(cred.nr_groups).saturating_add(landlock);
    rec.require_elements::<cr_img_cred, u32>(words)?;
    let groups = rec.array::<u32>(size_of::<cr_img_cred>());
    let groups = groups.first(cred.nr_groups);
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
    rec.require(cred.securebits & !SECUREBITS == 0, "unknown securebits")
}

pub(super) fn process(state: &State<'_>, rec: Placed<'_>) -> Result<cr_img_process> {
    let process: cr_img_process = rec.fixed()?;
    for pid in [process.pid, process.pgid, process.sid] {
        rec.require((1..=PID_MAX).contains(&pid), "impossible process id")?;
    }
    rec.require(process.ppid <= PID_MAX, "impossible process id")?;
    rec.require(
        (process.pid == 1) == (process.ppid == 0),
        "init has a parent, or another process has none",
    )?;
    rec.require(process.exit_signal <= CR_NSIG, "impossible exit signal")?;
    rec.require(process.flags & !PROCESS_FLAGS == 0, "unknown flags")?;
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
    rec.require(process.reserved == 0, "a reserved member is not zero")?;
    rec.require(process.nr_threads > 0, "no threads")?;

    match process.state {
        CR_PROCESS_ALIVE => {
            rec.require(process.exit_code == 0, "alive, with an exit code")?;
            state.refers::<cr_img_mm>(rec, process.mm, "no memory")?;
            state.refers::<cr_img_fdtable>(rec, process.files, "no descriptor table")?;
            state.refers::<cr_img_fs>(rec, process.fs, "no working directory")?;
            state.refers::<cr_img_sighand>(rec, process.sighand, "no signal actions")?;
        }
        CR_PROCESS_ZOMBIE => {
            rec.require(process.pid != 1, "init is dead")?;
            rec.require(process.nr_threads == 1, "a zombie with threads")?;
            rec.require(
                [process.mm, process.files, process.fs, process.sighand] == [0; 4],
                "a zombie that refers to objects",
            )?;
            let signal = process.exit_code & 0x7f;
            rec.require(
                process.exit_code <= 0xffff
                    && (signal == 0 || process.exit_code <= 0xff)
                    && signal <= CR_NSIG
                    && process.exit_code & 0xff != 0x80,
                "impossible exit code",
            )?;
        }
        _ => return Err(rec.error("unknown state")),
    }
    Ok(process)
}

pub(super) fn thread(state: &State<'_>, rec: Placed<'_>, alive: bool) -> Result<cr_img_thread> {
    let thread: cr_img_thread = rec.fixed()?;
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
        signals::can_be_blocked(thread.blocked) && signals::can_be_blocked(thread.saved_sigmask),
        "SIGKILL or SIGSTOP is blocked",
    )?;

    let mode = thread.altstack_flags & !SS_AUTODISARM;
    rec.require(mode <= SS_DISABLE, "unknown flags of the alternate stack")?;
    rec.require(
        mode != SS_DISABLE || thread.altstack_size == 0,
        "an alternate stack that is disabled",
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
        matches!(thread.policy, SCHED_NORMAL | SCHED_BATCH | SCHED_IDLE),
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
        restart_block_fits(&thread),
        "impossible arguments of an interrupted system call",
    )?;
    Ok(thread)
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
    match thread.restart_kind {
        CR_RESTART_NONE => [a, b, c, d, e] == [0; 5] && thread.restart_ns == 0,
        // To a 64-bit program the time left has type 1; type 0 is not to report it.
        CR_RESTART_NANOSLEEP => {
            a < CLOCKS && b < USER_END && c <= 1 && d == 0 && e == 0 && time_left(1)
        }
        CR_RESTART_FUTEX => {
            a < USER_END && a % 4 == 0 && fits_u32(b) && fits_u32(c) && fits_u32(d) && time_left(e)
        }
        CR_RESTART_POLL => a < USER_END && fits_u32(b) && d == 0 && e == 0 && time_left(c),
        _ => false,
    }
}

/// Flags that a program may set itself; and those that are always there: IF, and bit 1.
const FLAGS: u64 = 0x0025_4dd5 | FLAGS_SET;
const FLAGS_SET: u64 = 0x202;

/// Selectors of user space: its 64-bit code and its data.
const USER_CS: u64 = 0x33;
const USER_DS: u64 = 0x2b;
/// Its 32-bit code.
const USER32_CS: u64 = 0x23;

pub(super) fn regs(rec: &Rec<'_>) -> Result {
    let regs: cr_img_regs = rec.fixed()?;
    let [.., cs, flags, _sp, ss, fs_base, gs_base, ds, es, fs, gs] = regs.reg;
    rec.require(
        cs == USER_CS && ss == USER_DS,
        "not the registers of a 64-bit program",
    )?;
    rec.require(
        [ds, es, fs, gs]
            .iter()
            .all(|selector| matches!(*selector, 0..=3 | USER32_CS | USER_DS | USER_CS)),
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

/// Offsets in an XSAVE area.
const MXCSR: usize = 24;
const XSTATE_BV: usize = 512;
const XSTATE_BV_HIGH: usize = 516;
const XSTATE_HEADER_REST: core::ops::Range<usize> = 520..576;

pub(super) fn xstate(state: &State<'_>, rec: &Rec<'_>) -> Result {
    let area = rec.payload;
    rec.require(
        area.len() == state.header.xstate_size as usize && area.len() >= XSTATE_HEADER_REST.end,
        "another size than the file header says",
    )?;
    let word = |at: usize| {
        let bytes = area.get(at..).and_then(<[u8]>::first_chunk);
        u32::from_le_bytes(bytes.copied().unwrap_or_default())
    };
    rec.require(word(MXCSR) & !0xffff == 0, "reserved bits in MXCSR")?;
    let components = u64::from(word(XSTATE_BV)) | (u64::from(word(XSTATE_BV_HIGH)) << 32);
    rec.require(
        components & !state.header.xfeatures == 0,
        "components that the file header does not know",
    )?;
    rec.require(
        area.get(XSTATE_HEADER_REST)
            .is_some_and(|rest| rest.iter().all(|&byte| byte == 0)),
        "reserved bytes, or the compacted form",
    )
}
