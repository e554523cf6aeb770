// SPDX-License-Identifier: GPL-2.0

//! Processes and threads: what they are by themselves, and what is refused about them.
//!
//! A process is restored as a child of its parent, with its pid; sessions and process groups follow
//! when all processes exist, so that it does not matter who has led them and died.

use crate::{
    hold::Standing,
    report::{fail, words_for, Context, Result},
    save::Save,
    state::{
        audit, controls, cred, debugreg, fdtable, fs, mm,
        pid_ns::{self, Numbers},
        posix_timer, ptracer, regs, sched, seccomp, segments, session, signal, syscall, trace, tty,
        usage,
    },
    tree::{Process, Thread},
};
use cr_codec::uapi::*;
use cr_sys::{errno::EOPNOTSUPP, task::*};
use kernel::prelude::*;

/// What a task may have that is not supported, and what the user can do about it.
const REFUSED: &[(u32, &str)] = &[
    (CR_TASK_TRACED, "is traced"),
    (
        CR_TASK_TRACED_DEAD,
        "has died, and its tracer does not know yet: let that one wait for it first",
    ),
    (
        CR_TASK_STOPPED,
        "is just being stopped or continued: try again",
    ),
    (CR_TASK_SECCOMP, "has a seccomp filter"),
    (
        CR_TASK_IO_URING_RESTRICT,
        "is restricted in its use of io_uring",
    ),
    (
        CR_TASK_SCHED_EXT,
        "has the extended scheduling policy (SCHED_EXT)",
    ),
    (CR_TASK_CORE_COOKIE, "has a core scheduling cookie"),
    (
        CR_TASK_SHARED_IO,
        "shares its I/O priority with another task (CLONE_IO)",
    ),
    (CR_TASK_SHSTK, "has a shadow stack"),
    (CR_TASK_IOPERM, "has I/O port permissions"),
    (CR_TASK_IOPL, "has an I/O privilege level"),
    (CR_TASK_PERF, "is counted by perf events"),
    (CR_TASK_KEYRING, "has keyrings of its own"),
    (CR_TASK_LSM, "has another security label than the caller"),
    (CR_TASK_RSEQ_SLICE, "has rseq time slice extensions"),
    (CR_TASK_SINGLE_STEP, "is stepped from branch to branch"),
    (CR_TASK_NS_NET, "has a network namespace of its own"),
    (CR_TASK_NS_USER, "has a user namespace of its own"),
    (CR_TASK_NS_CGROUP, "has a cgroup namespace of its own"),
    (
        CR_TASK_NS_TIME_CHILDREN,
        "has unshared a time namespace for its children",
    ),
    (CR_TASK_USER_EVENTS, "has user events registered"),
    (CR_TASK_UPROBES, "is probed by uprobes"),
    (CR_TASK_AUTOREAP, "is reaped automatically"),
    (
        CR_TASK_SYSEMU,
        "has its system calls emulated by its tracer (PTRACE_SYSEMU)",
    ),
    (
        CR_TASK_XFEATURES,
        "has asked for more processor features (AMX)",
    ),
    (CR_TASK_RESCTRL, "is in a resource group (resctrl)"),
];

/// Refuses, by name, what a task has that is not supported.
pub(crate) fn check(thread: &Thread) -> Result {
    let unsupported = thread.info.unsupported;
    if let Some(what) = words_for(REFUSED, unsupported) {
        let (what, advice) = what.split_once(": ").unwrap_or((what, ""));
        let colon = if advice.is_empty() { "" } else { ": " };
        fail!(
            EOPNOTSUPP(),
            "{}: {what}, which is not supported yet{colon}{advice}",
            thread.who()
        );
    }
    if unsupported != 0 {
        fail!(
            EOPNOTSUPP(),
            "{}: unknown state {unsupported:#x}",
            thread.who()
        );
    }
    if thread.info.pgid == 0 || thread.info.sid == 0 {
        fail!(
            EBUSY,
            "{}: its session or process group was made outside of the container: \
             start the container with setsid(1), as crctl run does",
            thread.who()
        );
    }
    if thread.info.exit_state == 0 {
        thread
            .task
            .may_read()
            .context(format_args!("{}", thread.who()))?;
    }
    Ok(())
}

/// Refuses what a task would inherit from the caller of restart and must not have.
pub(crate) fn check_caller() -> Result {
    let unsupported = cr_sys::task::current_unsupported();
    if let Some(what) = words_for(REFUSED, unsupported) {
        let what = what.split_once(": ").map_or(what, |(what, _)| what);
        fail!(
            EPERM,
            "the caller {what}, which the container would inherit"
        );
    }
    if unsupported & (1 << CR_TASK_COMPAT) != 0 {
        fail!(EPERM, "the caller is a 32-bit program: use a 64-bit one");
    }
    Ok(())
}

/// Saves a process and its threads.
pub(crate) fn save(save: &mut Save<'_>, process: &Process) -> Result {
    let leader = process.leader();
    let living = process.living();
    let (dead, alive) = process.threads.split_at(usize::from(leader.is_dead()));
    let pid_ns = pid_ns::save(save, leader)?;
    let tty = tty::save_controlling(save, &leader.task)?;
    let shared = match process.is_zombie() {
        true => None,
        false => {
            for thread in alive {
                check_shared(thread, living)?;
            }
            Some(save_shared(save, process)?)
        }
    };
    save_process(save, process, (pid_ns, tty), shared.as_ref())?;
    if shared.is_none() {
        return save_dead_thread(save, leader);
    }
    for thread in dead {
        save_dead_thread(save, thread)?;
    }
    for thread in alive {
        save_thread(save, thread, living).context(format_args!("{}", thread.who()))?;
    }
    signal::save_queue(save, living, true)?;
    // After the queues: what expires meanwhile is pending, and in no queue yet.
    posix_timer::save(save, living)
}

/// Objects of a process that lives.
struct Shared {
    mm: u64,
    files: u64,
    fs: u64,
    sighand: u64,
}

fn save_shared(save: &mut Save<'_>, process: &Process) -> Result<Shared> {
    let living = process.living();
    Ok(Shared {
        mm: mm::save(save, process)?,
        files: fdtable::save(save, living)?,
        fs: fs::save(save, living)?,
        sighand: signal::save_sighand(save, living)?,
    })
}

/// Saves the record of a process, when the objects that it refers to have been.
fn save_process(
    save: &mut Save<'_>,
    process: &Process,
    (pid_ns, tty): (u64, u64),
    shared: Option<&Shared>,
) -> Result {
    let leader = process.leader();
    let info = &leader.info;
    let mut record = cr_img_process {
        pid: info.tgid,
        ppid: info.ppid,
        pgid: info.pgid,
        sid: info.sid,
        exit_signal: info.exit_signal,
        parent_tid: info.parent_tid,
        nr_threads: process.threads.len() as u32,
        pid_ns,
        tty,
        ..Default::default()
    };
    if info.parent_execed != 0 {
        record.flags |= CR_PROCESS_PARENT_EXECED;
    }
    leader.task.read_limits(&mut record);
    session::save(save, process, &mut record);
    usage::save_process(leader, &mut record);
    if let Some(shared) = shared {
        record.state = CR_PROCESS_ALIVE;
        record.mm = shared.mm;
        record.files = shared.files;
        record.fs = shared.fs;
        record.sighand = shared.sighand;
        process.living().task.read_process(&mut record);
        record.ptracer = ptracer::save(save.container.ns(), leader)?;
        if leader.is_dead() {
            record.flags |= CR_PROCESS_LEADER_DEAD;
            record.exit_code = info.exit_code;
        }
    } else {
        record.state = CR_PROCESS_ZOMBIE;
        record.exit_code = info.exit_code;
    }
    save.record(&record, &[])
}

/// Saves what is left of a thread-group leader that has exited.
fn save_dead_thread(save: &mut Save<'_>, thread: &Thread) -> Result {
    let cred = cred::save(save, thread)?;
    let mut record = cr_img_thread {
        tid: thread.info.tid,
        comm: thread.info.comm,
        cred,
        ..Default::default()
    };
    thread.task.read_remains(&mut record);
    usage::save_thread(save, thread, &mut record);
    audit::save(thread, &mut record)?;
    let numbers = Numbers::of(save, thread)?;
    save.record(&record, &[numbers.as_bytes()])
}

/// Whether two tasks are in the same namespaces, where they may differ from the caller's.
pub(crate) fn has_same_namespaces(a: &TaskInfo, b: &TaskInfo) -> bool {
    let all = |info: &TaskInfo| (info.mnt_ns, info.uts_ns, info.ipc_ns, info.time_ns);
    all(a) == all(b)
}

/// Threads share all that can be shared, but for descriptors and directories.
fn check_shared(thread: &Thread, other: &Thread) -> Result {
    if !has_same_namespaces(&thread.info, &other.info) {
        fail!(
            EOPNOTSUPP(),
            "{}: is in other namespaces than its process, which is not supported yet",
            thread.who()
        );
    }
    Ok(())
}

fn save_thread(save: &mut Save<'_>, thread: &Thread, other: &Thread) -> Result {
    let files = match thread.info.files == other.info.files {
        true => 0,
        false => fdtable::save(save, thread)?,
    };
    let fs = match thread.info.fs == other.info.fs {
        true => 0,
        false => fs::save(save, thread)?,
    };
    let own = Own {
        files,
        fs,
        cred: cred::save(save, thread)?,
        seccomp: seccomp::save(save, thread)?,
        children_pid_ns: pid_ns::save_for_children(save, thread)?,
    };
    save_records(save, thread, &own)?;
    sched::save(save, thread)?;
    controls::save(save, thread)?;
    debugreg::save(save, thread)?;
    segments::save_tls(save, thread)?;
    signal::save_queue(save, thread, false)
}

/// Objects of a thread.
struct Own {
    files: u64,
    fs: u64,
    cred: u64,
    seccomp: u64,
    children_pid_ns: u64,
}

/// Saves the record of a thread and what goes by its registers, when the objects that it refers to
/// have been.
fn save_records(save: &mut Save<'_>, thread: &Thread, own: &Own) -> Result {
    let mut record = cr_img_thread {
        files: own.files,
        fs: own.fs,
        tid: thread.info.tid,
        cred: own.cred,
        seccomp: own.seccomp,
        children_pid_ns: own.children_pid_ns,
        ..Default::default()
    };
    if thread.task.read_thread(&mut record).is_err() {
        fail!(
            EOPNOTSUPP(),
            "sleeps in a system call whose time-out is not supported yet"
        );
    }
    usage::save_thread(save, thread, &mut record);
    audit::save(thread, &mut record)?;
    let mut regs = cr_img_regs::default();
    thread.task.read_regs(&mut regs)?;
    // Who is parked or stopped is on its way to user mode: its registers are complete.
    match thread.standing {
        Standing::Parked | Standing::Stopped(_) => {}
        Standing::Traced(_) => trace::note_vfork(save.container.ns(), thread, &mut record),
        _ => syscall::interrupt(thread, &mut record, &mut regs)?,
    }
    if record.flags & CR_THREAD_RESTORE_SIGMASK == 0 {
        record.saved_sigmask = 0;
    }
    let numbers = Numbers::of(save, thread)?;
    save.record(&record, &[numbers.as_bytes()])?;
    regs::save(save, thread, &regs)?;
    trace::save(save, thread, &regs)
}
