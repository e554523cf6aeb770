// SPDX-License-Identifier: GPL-2.0

//! What a process has said about its memory as a whole: by prctl(2), mlockall(2), membarrier(2); and
//! mseal(2), after which nothing can be said any more.

use crate::{
    build::{Build, PR_SET_THP_DISABLE, SYS_PRCTL},
    report::{fail, Context, Result},
};
use cr_codec::uapi::*;
use cr_sys::build;
use kernel::prelude::*;

const SYS_MADVISE: u32 = 28;
const SYS_MLOCKALL: u32 = 151;
const SYS_MSEAL: u32 = 462;
const MCL_FUTURE: u64 = 2;
const MCL_ONFAULT: u64 = 4;
const PR_THP_DISABLE_EXCEPT_ADVISED: u64 = 2;
const PR_SET_MDWE: u64 = 65;
const PR_GET_MDWE: u64 = 66;
const PR_MDWE_REFUSE_EXEC_GAIN: u64 = 1;
const PR_MDWE_NO_INHERIT: u64 = 2;
const PR_SET_MEMORY_MERGE: u64 = 67;
const PR_GET_MEMORY_MERGE: u64 = 68;
const PR_FUTEX_HASH: u64 = 78;
const PR_FUTEX_HASH_SET_SLOTS: u64 = 1;
const MADV_MERGEABLE: u64 = 12;
const MADV_UNMERGEABLE: u64 = 13;

/// Says all of it again. A child would inherit it.
pub(crate) fn restore(build: &Build<'_>, mm: &cr_img_mm) -> Result {
    let (thp_disable, how) = match mm.flags & (CR_MM_THP_DISABLE | CR_MM_THP_ADVISED) {
        0 => (0, 0),
        CR_MM_THP_ADVISED => (1, PR_THP_DISABLE_EXCEPT_ADVISED),
        _ => (1, 0),
    };
    build
        .syscall(SYS_PRCTL, [PR_SET_THP_DISABLE, thp_disable, how])
        .context(format_args!("PR_SET_THP_DISABLE"))?;
    restore_mdwe(build, mm)?;
    restore_merging(build, mm)?;
    if mm.flags & CR_MM_LOCKED != 0 {
        let on_fault = match mm.flags & CR_MM_LOCKONFAULT {
            0 => 0,
            _ => MCL_ONFAULT,
        };
        build
            .syscall(SYS_MLOCKALL, [MCL_FUTURE | on_fault, 0, 0])
            .context(format_args!("mlockall"))?;
    }
    seal(build)?;
    restore_membarrier(build, mm.membarrier)?;
    if mm.futex_slots != 0 {
        let slots = match mm.futex_slots {
            CR_FUTEX_GLOBAL => 0,
            slots => u64::from(slots),
        };
        build
            .syscall(SYS_PRCTL, [PR_FUTEX_HASH, PR_FUTEX_HASH_SET_SLOTS, slots])
            .context(format_args!("PR_FUTEX_HASH"))?;
    }
    build::set_layout(mm);
    if mm.flags & CR_MM_COMPAT != 0 {
        build::set_compat_memory();
    }
    Ok(())
}

/// From here on nothing can be made executable, nor can this be taken back: all mappings are there.
fn restore_mdwe(build: &Build<'_>, mm: &cr_img_mm) -> Result {
    let mut wanted = 0;
    if mm.flags & CR_MM_MDWE != 0 {
        wanted |= PR_MDWE_REFUSE_EXEC_GAIN;
    }
    if mm.flags & CR_MM_MDWE_NO_INHERIT != 0 {
        wanted |= PR_MDWE_NO_INHERIT;
    }
    let inherited = build.prctl(PR_GET_MDWE, 0)? as u64;
    if inherited & !wanted != 0 {
        fail!(
            EPERM,
            "the caller has memory-deny-write-execute set (PR_SET_MDWE), which the container would \
             inherit"
        );
    }
    if wanted != inherited {
        build
            .prctl(PR_SET_MDWE, wanted)
            .context(format_args!("PR_SET_MDWE"))?;
    }
    Ok(())
}

/// What may be merged (KSM): new mappings, and those that are there. The caller's rule for new ones
/// has marked all of these.
fn restore_merging(build: &Build<'_>, mm: &cr_img_mm) -> Result {
    let wanted = mm.flags & CR_MM_MERGE_ANY != 0;
    let inherited = build.prctl(PR_GET_MEMORY_MERGE, 0)? != 0;
    for (condition, how) in [(inherited, 0), (wanted, 1)] {
        if condition {
            build
                .prctl(PR_SET_MEMORY_MERGE, how)
                .context(format_args!("PR_SET_MEMORY_MERGE"))?;
        }
    }
    let at = build.plan.records.find(build.process.process.mm)?;
    for vma in build.vmas(at)? {
        let advice = match vma.flags & CR_VMA_MERGEABLE {
            0 if wanted => MADV_UNMERGEABLE,
            0 => continue,
            _ => MADV_MERGEABLE,
        };
        build
            .syscall(SYS_MADVISE, [vma.start, vma.end - vma.start, advice])
            .context(format_args!("madvise {advice}"))?;
    }
    Ok(())
}

/// Seals what nobody has to change any more, neither this process nor a child on its way to its own
/// mappings.
fn seal(build: &Build<'_>) -> Result {
    let sealed = |vma: &cr_img_vma| vma.flags & CR_VMA_SEALED != 0;
    let mm = build.plan.records.find(build.process.process.mm)?;
    for vma in build.vmas(mm)?.filter(sealed) {
        build
            .syscall(SYS_MSEAL, [vma.start, vma.end - vma.start, 0])
            .context(format_args!("mseal {:#x}-{:#x}", vma.start, vma.end))?;
    }
    Ok(())
}

const SYS_MEMBARRIER: u32 = 324;

/// MEMBARRIER_STATE_* of `include/linux/sched/mm.h`, and the command that registers each.
const MEMBARRIER: &[(u32, u64)] = &[
    (1 << 1, 1 << 4),
    (1 << 3, 1 << 2),
    (1 << 5, 1 << 6),
    (1 << 7, 1 << 8),
];

fn restore_membarrier(build: &Build<'_>, state: u32) -> Result {
    for (registered, command) in MEMBARRIER {
        if state & registered != 0 {
            build
                .syscall(SYS_MEMBARRIER, [*command, 0, 0])
                .context(format_args!("membarrier registration"))?;
        }
    }
    Ok(())
}
