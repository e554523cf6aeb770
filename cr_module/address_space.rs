// SPDX-License-Identifier: GPL-2.0

//! The address space of a process under construction, in its own context: at first empty but for scratch
//! memory, or that of the parent it was forked from; then with all mappings; at last, when their
//! contents are there, with their protection.

use crate::{
    build::Build,
    plan::{self, Plan, ProcessPlan},
    report::{Context, Result},
    state::{guard::Guards, inherit, mm, vdso},
};
use cr_codec::{check::Rec, uapi::*};
use cr_sys::build as sys;
use kernel::prelude::*;

const SYS_MUNMAP: u32 = 11;
const SYS_MADVISE: u32 = 28;
const MADV_DONTFORK: u64 = 10;

const PROT_READ_WRITE: u32 = 3;
const MAP_PRIVATE_ANONYMOUS: u32 = 0x22;

/// Gives the current process nothing but scratch memory.
pub(crate) fn start_over(process: &ProcessPlan) -> Result {
    sys::unmap_all()?;
    map_scratch(process)
}

/// Those who are forked from the current process get none of it: to copy it, and to have it in common
/// with all others until they give it up, would take them longer than to map their own.
fn map_scratch(process: &ProcessPlan) -> Result {
    let range = &process.all_scratch;
    let (addr, len) = (range.start, range.end - range.start);
    sys::map(None, addr, len, PROT_READ_WRITE, MAP_PRIVATE_ANONYMOUS, 0)
        .and_then(|()| match process.creates.is_empty() {
            true => Ok(0),
            false => sys::syscall(SYS_MADVISE, [addr, len, MADV_DONTFORK, 0, 0, 0]),
        })
        .context(format_args!("scratch memory"))?;
    Ok(())
}

/// Unmaps the scratch memory of the current process, which needs it no more.
pub(crate) fn give_up_scratch(build: &Build<'_>) -> Result {
    let process = build.process;
    build.syscall(SYS_MUNMAP, [process.scratch, process.scratch_len(), 0])?;
    Ok(())
}

/// Gives the current process its mappings.
pub(crate) fn map_memory(plan: &Plan, at: usize) -> Result {
    let process = &plan.processes[at];
    let build = Build::new(plan, process, 0);
    let mm_at = plan.records.find(process.process.mm)?;
    let Some(parent) = Parent::of(plan, process)? else {
        if at != 0 {
            start_over(process)?;
        }
        return mm::restore(&build, mm_at, None);
    };

    let vmas = collect_vmas(plan, mm_at)?;
    let parent_mm: cr_img_mm = parent.mm.fixed()?;
    let image: cr_img_mm = plan.records.get(mm_at).fixed()?;
    let keeps_vdso = vdso::is_compat(&parent_mm) == vdso::is_compat(&image)
        && inherit::keeps_vdso(&parent.vmas, &vmas);
    inherit::unmap_others(&build, &parent.vmas, &vmas, keeps_vdso)?;
    map_scratch(process)?;
    inherit::drop_others(&build, &parent.vmas, &vmas, &parent.inherit)?;
    let inherited = mm::Inherited {
        vmas: &parent.vmas,
        guards: parent.guards,
        vdso: keeps_vdso,
        layout: mm::layout_of(&parent_mm),
        auxv: parent.mm.variable::<cr_img_mm>(),
    };
    mm::restore(&build, mm_at, Some(&inherited))
}

/// What a process that inherits pages has to know about its parent.
struct Parent<'a> {
    inherit: Rec<'a>,
    mm: Rec<'a>,
    vmas: KVVec<cr_img_vma>,
    guards: Guards,
}

impl<'a> Parent<'a> {
    fn of(plan: &'a Plan, process: &ProcessPlan) -> Result<Option<Self>> {
        let Some((inherit, parent)) = process.inherit else {
            return Ok(None);
        };
        let parent = &plan.processes[parent];
        let at = plan.records.find(parent.process.mm)?;
        Ok(Some(Self {
            inherit: plan.records.get(inherit),
            mm: plan.records.get(at),
            vmas: collect_vmas(plan, at)?,
            guards: Guards::of(plan, parent)?,
        }))
    }
}

/// Gives the mappings of the current process, which have their contents, their final protection.
pub(crate) fn protect_memory(plan: &Plan, process: &ProcessPlan) -> Result {
    let build = Build::new(plan, process, 0);
    let parent = Parent::of(plan, process)?;
    let parents_vmas = parent.as_ref().map_or(&[][..], |parent| &parent.vmas[..]);
    mm::restore_protection(&build, plan.records.find(process.process.mm)?, parents_vmas)
}

fn collect_vmas(plan: &Plan, mm: usize) -> Result<KVVec<cr_img_vma>> {
    let nr = plan.records.get(mm).fixed::<cr_img_mm>()?.nr_vmas as usize;
    let mut vmas = KVVec::with_capacity(nr, GFP_KERNEL)?;
    for vma in plan::vmas(&plan.records, mm)? {
        vmas.push(vma, GFP_KERNEL)?;
    }
    Ok(vmas)
}
