// SPDX-License-Identifier: GPL-2.0

//! What few threads have asked for by prctl(2): no TSC, no CPUID, policies for memory errors and for
//! writing back, less speculation, and system calls that are dispatched to the program.
//!
//! Threads have some of it from the caller of restart, so it is undone as well as done.

use crate::{
    build::{Build, SYS_PRCTL},
    report::{Context, Result},
    save::Save,
    tree::Thread,
};
use cr_codec::{check::Rec, uapi::*};
use cr_sys::task::TaskRef;
use zerocopy::IntoBytes;

/// Saves what a thread has asked for, if there is anything.
pub(crate) fn save(save: &mut Save<'_>, thread: &Thread) -> Result {
    let controls = thread.task.read_controls();
    match controls.as_bytes() == cr_img_controls::default().as_bytes() {
        true => Ok(()),
        false => save.record(&controls, &[]),
    }
}

const SYS_ARCH_PRCTL: u32 = 158;

const PR_SET_TSC: u64 = 26;
const PR_TSC_ENABLE: u64 = 1;
const PR_TSC_SIGSEGV: u64 = 2;
const PR_MCE_KILL: u64 = 33;
const PR_MCE_KILL_SET: u64 = 1;
const PR_MCE_KILL_LATE: u64 = 0;
const PR_MCE_KILL_EARLY: u64 = 1;
const PR_MCE_KILL_DEFAULT: u64 = 2;
const PR_SET_SPECULATION_CTRL: u64 = 53;
const PR_SPEC_STORE_BYPASS: u64 = 0;
const PR_SPEC_INDIRECT_BRANCH: u64 = 1;
const PR_SPEC_L1D_FLUSH: u64 = 2;
const PR_SPEC_ENABLE: u64 = 2;
const PR_SPEC_DISABLE: u64 = 4;
const PR_SET_IO_FLUSHER: u64 = 57;
const PR_SET_SYSCALL_USER_DISPATCH: u64 = 59;
const PR_SYS_DISPATCH_EXCLUSIVE_ON: u64 = 1;
const PR_SYS_DISPATCH_INCLUSIVE_ON: u64 = 2;
const ARCH_SET_CPUID: u64 = 0x1012;

/// Asks for what the current thread had asked for, where that is not what it has already.
pub(crate) fn restore(build: &Build<'_>, rec: Option<Rec<'_>>) -> Result {
    let wanted = match rec {
        Some(rec) => rec.fixed()?,
        None => cr_img_controls::default(),
    };
    let have = TaskRef::current().read_controls();
    let changed = (wanted.flags ^ have.flags) & !CR_CONTROL_DISPATCH;
    let set = |flag| wanted.flags & flag != 0;

    if changed & CR_CONTROL_NO_TSC != 0 {
        let mode = match set(CR_CONTROL_NO_TSC) {
            true => PR_TSC_SIGSEGV,
            false => PR_TSC_ENABLE,
        };
        build
            .prctl(PR_SET_TSC, mode)
            .context(format_args!("PR_SET_TSC"))?;
    }
    if changed & CR_CONTROL_NO_CPUID != 0 {
        let enable = u64::from(!set(CR_CONTROL_NO_CPUID));
        build
            .syscall(SYS_ARCH_PRCTL, [ARCH_SET_CPUID, enable, 0])
            .context(format_args!("ARCH_SET_CPUID"))?;
    }
    if changed & CR_CONTROL_IO_FLUSHER != 0 {
        let flusher = u64::from(set(CR_CONTROL_IO_FLUSHER));
        build
            .prctl(PR_SET_IO_FLUSHER, flusher)
            .context(format_args!("PR_SET_IO_FLUSHER"))?;
    }
    if changed & (CR_CONTROL_MCE_LATE | CR_CONTROL_MCE_EARLY) != 0 {
        let policy = match (set(CR_CONTROL_MCE_LATE), set(CR_CONTROL_MCE_EARLY)) {
            (true, _) => PR_MCE_KILL_LATE,
            (_, true) => PR_MCE_KILL_EARLY,
            _ => PR_MCE_KILL_DEFAULT,
        };
        build
            .syscall(SYS_PRCTL, [PR_MCE_KILL, PR_MCE_KILL_SET, policy])
            .context(format_args!("PR_MCE_KILL"))?;
    }
    for (which, wanted, have, otherwise) in [
        (
            PR_SPEC_STORE_BYPASS,
            wanted.store_bypass,
            have.store_bypass,
            PR_SPEC_ENABLE,
        ),
        (
            PR_SPEC_INDIRECT_BRANCH,
            wanted.indirect_branch,
            have.indirect_branch,
            PR_SPEC_ENABLE,
        ),
        (
            PR_SPEC_L1D_FLUSH,
            wanted.l1d_flush,
            have.l1d_flush,
            PR_SPEC_DISABLE,
        ),
    ] {
        if wanted != have {
            let control = match wanted {
                0 => otherwise,
                wanted => u64::from(wanted),
            };
            build
                .syscall(SYS_PRCTL, [PR_SET_SPECULATION_CTRL, which, control])
                .context(format_args!("control of speculation {which}"))?;
        }
    }
    // A new task has none of that.
    if set(CR_CONTROL_DISPATCH) {
        let [mode, offset, len, selector] = dispatch(&wanted);
        let option = PR_SET_SYSCALL_USER_DISPATCH;
        build
            .syscall6(SYS_PRCTL, [option, mode, offset, len, selector, 0])
            .context(format_args!("system call user dispatch"))?;
    }
    Ok(())
}

/// The mode and the calls that are not dispatched, or, where the range wraps around, those that are.
fn dispatch(controls: &cr_img_controls) -> [u64; 4] {
    let (offset, len) = (controls.dispatch_offset, controls.dispatch_len);
    let end = offset.wrapping_add(len);
    let (mode, offset, len) = match offset != 0 && end <= offset {
        true => (PR_SYS_DISPATCH_INCLUSIVE_ON, end, len.wrapping_neg()),
        false => (PR_SYS_DISPATCH_EXCLUSIVE_ON, offset, len),
    };
    [mode, offset, len, controls.dispatch_selector]
}
