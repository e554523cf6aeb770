// SPDX-License-Identifier: GPL-2.0

//! Signals: actions of a process, and what waits in the queues of processes and threads.
//!
//! Waiting signals are restored by rt_sigqueueinfo(2) from the task to itself, with all signals
//! blocked, in the order in which they arrived.

use crate::{
    build::Build,
    objects::Kind,
    report::{fail, Context, Result},
    save::Save,
    state::{posix_timer, thread::emulated},
    tree::Thread,
};
use cr_codec::{check::Rec, uapi::*};
use cr_sys::{build, errno::EOPNOTSUPP, list::read_all, task::TaskRef};
use kernel::prelude::*;
use zerocopy::{FromZeros, IntoBytes};

const SIGKILL: u32 = 9;
const SIGSTOP: u32 = 19;

/// Saves the signal actions of a process.
pub(crate) fn save_sighand(save: &mut Save<'_>, leader: &Thread) -> Result<u64> {
    if let Some(id) = save.objects.find(Kind::Sighand, leader.info.sighand) {
        return Ok(id);
    }
    let mut record = KBox::new(cr_img_sighand::new_zeroed(), GFP_KERNEL)?;
    leader.task.read_sighand(&mut record);
    let id = save.objects.add(Kind::Sighand, leader.info.sighand)?;
    save.object(id, &*record, &[])?;
    Ok(id)
}

/// Saves the signals that wait for a thread, or, shared, for its process.
pub(crate) fn save_queue(save: &mut Save<'_>, thread: &Thread, shared: bool) -> Result {
    let mut pending = 0;
    let infos: KVVec<cr_img_siginfo> = read_all(|room: &mut [_]| {
        let nr;
        (nr, pending) = thread.task.read_sigqueue(shared, room);
        Result::Ok(nr)
    })?;
    if pending == 0 {
        return Ok(());
    }
    // It has come from outside, and an init could not send it to itself again.
    if pending & (1 << (SIGSTOP - 1)) != 0 && thread.info.ns_init != 0 {
        fail!(
            EOPNOTSUPP(),
            "is about to be stopped, which is not supported yet: try again"
        );
    }
    let record = cr_img_sigqueue {
        shared: u32::from(shared),
        nr: infos.len() as u32,
        pending,
    };
    save.record(&record, &[infos.as_bytes()])
}

const SYS_RT_SIGACTION: u32 = 13;
const SYS_RT_SIGQUEUEINFO: u32 = 129;
const SYS_RT_TGSIGQUEUEINFO: u32 = 297;

/// struct sigaction as the kernel has it.
fn kernel_sigaction(action: &cr_img_sigaction) -> [u64; 4] {
    [action.handler, action.flags, action.restorer, action.mask]
}

/// Gives the current process the default actions.
pub(crate) fn reset_sighand(build: &Build<'_>) -> Result {
    let mut have = KBox::new(cr_img_sighand::new_zeroed(), GFP_KERNEL)?;
    TaskRef::current().read_sighand(&mut have);
    let default = build.scratch(0, [0u64; 4].as_bytes())?;
    for (signal, action) in (1u64..).zip(&have.action) {
        if action.handler != 0 || action.flags != 0 || action.mask != 0 {
            build.syscall6(SYS_RT_SIGACTION, [signal, default, 0, 8, 0, 0])?;
        }
    }
    Ok(())
}

/// Sets the signal actions of the current process, which has the default ones.
pub(crate) fn restore_sighand(build: &Build<'_>, rec: &Rec<'_>) -> Result {
    for (signal, action) in (1u32..).zip(rec.array::<cr_img_sigaction>(0)) {
        let untouched = action.handler == 0 && action.flags == 0 && action.mask == 0;
        if signal == SIGKILL || signal == SIGSTOP || untouched {
            continue;
        }
        let addr = build.scratch(0, kernel_sigaction(&action).as_bytes())?;
        let result = match action.flags & u64::from(CR_SA_COMPAT) {
            0 => build
                .syscall6(SYS_RT_SIGACTION, [u64::from(signal), addr, 0, 8, 0, 0])
                .map(drop),
            _ => emulated(build::sigaction_compat(signal, addr)),
        };
        result.context(format_args!("action of signal {signal}"))?;
    }
    Ok(())
}

/// Queues signals to the current task, or to its process. All signals are blocked; the timers of
/// the process exist.
pub(crate) fn restore_queue(build: &Build<'_>, rec: &Rec<'_>, pid: u32, tid: u32) -> Result {
    let queue: cr_img_sigqueue = rec.fixed()?;
    let shared = queue.shared != 0;
    let mut left = queue.pending;
    for siginfo in rec.array::<cr_img_siginfo>(size_of::<cr_img_sigqueue>()) {
        let [a, b, c, d, ..] = siginfo.info;
        let signal = u32::from_le_bytes([a, b, c, d]);
        match siginfo.timer.checked_sub(1) {
            Some(id) => posix_timer::send(build, id, signal)?,
            None => send(build, signal, &siginfo, shared, pid, tid)?,
        }
        left &= !(1 << (signal - 1));
    }
    // The kernel had no memory to remember the details of these.
    for signal in 1..=CR_NSIG {
        if left & (1 << (signal - 1)) != 0 {
            let mut siginfo = cr_img_siginfo::default();
            siginfo.info[..4].copy_from_slice(&signal.to_le_bytes());
            send(build, signal, &siginfo, shared, pid, tid)?;
        }
    }
    Ok(())
}

fn send(
    build: &Build<'_>,
    signal: u32,
    siginfo: &cr_img_siginfo,
    shared: bool,
    pid: u32,
    tid: u32,
) -> Result {
    let (pid, tid, signal) = (u64::from(pid), u64::from(tid), u64::from(signal));
    let addr = build.scratch(0, &siginfo.info)?;
    match shared {
        true => build.syscall(SYS_RT_SIGQUEUEINFO, [pid, signal, addr]),
        false => build.syscall6(SYS_RT_TGSIGQUEUEINFO, [pid, tid, signal, addr, 0, 0]),
    }
    .context(format_args!("pending signal {signal}"))?;
    Ok(())
}
