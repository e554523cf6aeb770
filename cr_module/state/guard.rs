// SPDX-License-Identifier: GPL-2.0

//! Guard regions (MADV_GUARD_INSTALL): pages that must not be touched, in the middle of a mapping.
//!
//! They are marks in the page tables, which fork(2) hands on. The C library guards the stacks of
//! threads with them.

use crate::{
    build::Build,
    plan::{Plan, ProcessPlan},
    report::{fail, Context, Result},
    save::Save,
};
use cr_codec::{order, uapi::*};
use cr_sys::{
    errno::EOPNOTSUPP,
    mm::{Mm, Vma, PAGE_SIZE},
};
use kernel::prelude::*;
use zerocopy::IntoBytes;

/// Adds those of a mapping to `found`.
pub(crate) fn find(mm: &Mm, vma: &Vma, found: &mut KVVec<cr_img_run>) -> Result {
    let before = found.len();
    let mut batch = [const { NOTHING }; 32];
    let mut from = vma.start;
    while vma.guards && from < vma.end {
        let (nr, next) = mm.guards(from, vma.end, &mut batch)?;
        found.extend_from_slice(&batch[..nr], GFP_KERNEL)?;
        from = next;
    }
    // They were there before it was locked. Neither can be done in that order without an error.
    if found.len() > before && vma.flags & CR_VMA_LOCKED != 0 {
        fail!(
            EOPNOTSUPP(),
            "has guard regions (MADV_GUARD_INSTALL) and is locked (mlock), which is not supported yet"
        );
    }
    Ok(())
}

const NOTHING: cr_img_run = cr_img_run {
    start: 0,
    nr_pages: 0,
};

/// Saves all of a memory descriptor.
pub(crate) fn save(save: &mut Save<'_>, mm: u64, guards: &[cr_img_run]) -> Result {
    if guards.is_empty() {
        return Ok(());
    }
    let record = cr_img_guards {
        mm,
        nr_runs: guards.len() as u32,
        reserved: 0,
    };
    save.record(&record, &[guards.as_bytes()])
}

/// The guard regions that a process is to have, by ascending address.
pub(crate) struct Guards(KVVec<cr_img_run>);

const SYS_MADVISE: u32 = 28;
const MADV_GUARD_INSTALL: u64 = 102;
const MADV_GUARD_REMOVE: u64 = 103;

impl Guards {
    /// Those of the memory that a process makes.
    pub(crate) fn of(plan: &Plan, process: &ProcessPlan) -> Result<Self> {
        let mut runs = KVVec::new();
        if let Some(at) = process.guards {
            let rec = plan.records.get(at);
            for run in rec.array::<cr_img_run>(size_of::<cr_img_guards>()) {
                runs.push(run, GFP_KERNEL)?;
            }
        }
        Ok(Self(runs))
    }

    /// Those in a mapping.
    fn within(&self, vma: &cr_img_vma) -> &[cr_img_run] {
        let from = order::after(&self.0, |run| run.start < vma.start);
        let after = order::after(from, |run| run.start < vma.end);
        &from[..from.len() - after.len()]
    }

    /// Installs those in a mapping of the current process, which has none.
    pub(crate) fn install(&self, build: &Build<'_>, vma: &cr_img_vma) -> Result {
        for run in self.within(vma) {
            let length = run.nr_pages * PAGE_SIZE as u64;
            build
                .syscall(SYS_MADVISE, [run.start, length, MADV_GUARD_INSTALL])
                .context(format_args!("guard region at {:#x}", run.start))?;
        }
        Ok(())
    }

    /// The same in a mapping that has those of the parent.
    pub(crate) fn change(&self, build: &Build<'_>, vma: &cr_img_vma, parents: &Self) -> Result {
        if self.within(vma).as_bytes() == parents.within(vma).as_bytes() {
            return Ok(());
        }
        build
            .syscall(
                SYS_MADVISE,
                [vma.start, vma.end - vma.start, MADV_GUARD_REMOVE],
            )
            .context(format_args!("guard regions at {:#x}", vma.start))?;
        self.install(build, vma)
    }
}
