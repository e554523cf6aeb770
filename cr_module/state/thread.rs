// SPDX-License-Identifier: GPL-2.0

//! What a thread has for itself: name, stacks and lists that it told the kernel about, personality,
//! an interrupted system call. Saved in [`task`](crate::state::task).

use crate::{
    build::Build,
    plan::ThreadPlan,
    report::{fail, failure, Context, Result},
    state::{controls, cred, io_uring, sched, seccomp, segments, syscall, uring_task},
};
use cr_codec::uapi::*;
use cr_sys::{
    build::{self, Inherited, RseqIds},
    errno::{ENOSYS, EOPNOTSUPP},
    mm::Mm,
    task::TaskRef,
};
use kernel::prelude::*;
use zerocopy::{FromZeros, IntoBytes};

const SYS_SIGALTSTACK: u32 = 131;
const SYS_PERSONALITY: u32 = 135;
const SYS_SET_TID_ADDRESS: u32 = 218;
const SYS_SET_ROBUST_LIST: u32 = 273;
const SYS_RSEQ: u32 = 334;

const PR_SET_PDEATHSIG: u64 = 1;
const PR_SET_NAME: u64 = 15;
const PR_SET_TIMERSLACK: u64 = 29;
const PR_SET_NO_NEW_PRIVS: u64 = 38;

/// sizeof(struct robust_list_head)
const ROBUST_LIST_LEN: u64 = 24;

/// Gives the current thread what the record says.
pub(crate) fn restore(build: &Build<'_>, plan: &ThreadPlan) -> Result {
    let thread = &plan.thread;
    let have = build::inherited();
    restore_name(build, thread, &have)?;

    // A new task has none.
    if thread.altstack_size != 0 {
        let altstack = [
            thread.altstack_sp,
            u64::from(thread.altstack_flags),
            thread.altstack_size,
        ];
        let addr = build.scratch(0, altstack.as_bytes())?;
        build
            .syscall(SYS_SIGALTSTACK, [addr, 0, 0])
            .context(format_args!("alternate stack"))?;
    }
    if thread.robust_list != 0 {
        let args = [thread.robust_list, ROBUST_LIST_LEN, 0];
        build.syscall(SYS_SET_ROBUST_LIST, args)?;
    }
    // A new task has none.
    if thread.compat_robust_list != 0 {
        emulated(build::set_compat_robust_list(
            thread.compat_robust_list as u32,
        ))
        .context(format_args!("list of robust futexes"))?;
    }
    if thread.clear_child_tid != 0 {
        build.syscall(SYS_SET_TID_ADDRESS, [thread.clear_child_tid, 0, 0])?;
    }
    if thread.rseq != 0 {
        restore_rseq(build, thread).context(format_args!("rseq area"))?;
    }
    segments::restore_tls(build, plan.tls.map(|at| build.record(at)))?;
    if thread.personality != have.personality {
        build.syscall(SYS_PERSONALITY, [u64::from(thread.personality), 0, 0])?;
    }
    sched::restore(build, thread, plan.sched.map(|at| build.record(at)), &have)?;
    controls::restore(build, plan.controls.map(|at| build.record(at)))?;
    // The policy has reset the slack.
    build::set_default_timer_slack(thread.default_timer_slack_ns);
    if thread.timer_slack_ns != build::inherited().timer_slack_ns {
        // 0 would mean the default. A real-time policy has none.
        build.prctl(PR_SET_TIMERSLACK, thread.timer_slack_ns.max(1))?;
    }
    build::set_fault(&thread.fault);
    emulated(build::set_restart_block(thread)).context(format_args!("interrupted system call"))?;
    syscall::restore_time_left(thread);

    match (thread.flags & CR_THREAD_NO_NEW_PRIVS, have.no_new_privs) {
        (0, true) => {
            fail!(
                EPERM,
                "the caller has no_new_privs set, which the container would inherit"
            )
        }
        (0, false) => 0,
        _ => build.prctl(PR_SET_NO_NEW_PRIVS, 1)?,
    };
    seccomp::restore(build, thread)?;
    // Changed credentials take the signal at the parent's death with them, so it comes after.
    cred::restore(build, &build.object(thread.cred)?)?;
    build::set_nproc_exceeded(thread.flags & CR_THREAD_NPROC_EXCEEDED != 0);
    // A new task has none.
    if thread.pdeath_signal != 0 {
        build.prctl(PR_SET_PDEATHSIG, u64::from(thread.pdeath_signal))?;
    }
    // Its user is charged.
    io_uring::take(build, thread.tid)?;
    uring_task::restore(build, thread.tid)
}

/// Gives the current thread its name. Those whom it creates have it from there.
pub(crate) fn restore_name(build: &Build<'_>, thread: &cr_img_thread, have: &Inherited) -> Result {
    if thread.comm != have.comm {
        let name = build.scratch(0, &thread.comm)?;
        build.prctl(PR_SET_NAME, name)?;
    }
    Ok(())
}

/// Says what a machine lacks that has no system calls of 32-bit programs.
pub(crate) fn emulated(result: kernel::error::Result) -> Result {
    result.map_err(|error| match error {
        error if error == ENOSYS() => {
            failure!(
                EOPNOTSUPP(),
                "this machine runs no 32-bit programs (IA32 emulation)"
            )
        }
        error => error.into(),
    })
}

/// Gives the current thread, which is to die, what can be seen of it then.
pub(crate) fn restore_dead(build: &Build<'_>, thread: &cr_img_thread) -> Result {
    restore_name(build, thread, &build::inherited())?;
    if thread.cred != 0 {
        cred::restore(build, &build.object(thread.cred)?)?;
    }
    Ok(())
}

fn restore_rseq(build: &Build<'_>, thread: &cr_img_thread) -> Result {
    // Registration empties this member, and the thread may be in a critical section.
    const RSEQ_CS: u64 = 8;
    let mut critical_section = [0; 8];
    build::read_user(thread.rseq + RSEQ_CS, &mut critical_section)?;
    let (len, signature) = (u64::from(thread.rseq_len), u64::from(thread.rseq_sig));
    build.syscall6(SYS_RSEQ, [thread.rseq, len, 0, signature, 0, 0])?;
    if critical_section != [0; 8] {
        build::write_user(thread.rseq + RSEQ_CS, &critical_section)?;
    }
    Ok(())
}

/// The last thing before the thread waits for its release.
pub(crate) fn restore_sigmask(thread: &cr_img_thread) {
    let restore = thread.flags & CR_THREAD_RESTORE_SIGMASK != 0;
    build::set_sigmask(thread.blocked, restore.then_some(thread.saved_sigmask));
    if thread.flags & CR_THREAD_IN_SYSCALL != 0 {
        build::want_syscall_restart();
    }
}

/// Once the contents of memory are there: the kernel has to know what the rseq area says.
pub(crate) fn adopt_rseq(task: &TaskRef, mm: &Mm, thread: &cr_img_thread) -> Result {
    // Without the node id and what follows there is nothing to agree about.
    const ORIGINAL_LEN: u32 = 32;
    if thread.rseq == 0 || thread.rseq_len < ORIGINAL_LEN {
        return Ok(());
    }
    let mut area = RseqIds::new_zeroed();
    mm.copy(thread.rseq, area.as_mut_bytes())
        .context(format_args!("rseq area"))?;
    task.adopt_rseq(&area, thread.flags & CR_THREAD_IN_SYSCALL == 0);
    Ok(())
}
