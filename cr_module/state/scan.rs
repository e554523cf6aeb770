// SPDX-License-Identifier: GPL-2.0

//! Which private pages a process has.

use crate::{
    report::{fail, Result},
    state::inherit::{count, Frames},
};
use cr_codec::uapi::*;
use cr_sys::{errno::EOPNOTSUPP, mm::Mm, vec};
use kernel::prelude::*;

/// Runs and pages that are asked for at once: a huge page at least.
const RUN_BATCH: usize = 256;
const PFN_BATCH: usize = 2048;

/// Finds private pages, with room for what it finds at once.
pub(crate) struct Scanner {
    runs: KVVec<cr_img_run>,
    pfns: KVVec<u64>,
    /// Pages that were looked at.
    pub(crate) scanned: u64,
}

impl Scanner {
    /// Nothing yet.
    pub(crate) fn new() -> Result<Self> {
        Ok(Self {
            runs: vec::zeroed(RUN_BATCH, GFP_KERNEL)?,
            pfns: vec::zeroed(PFN_BATCH, GFP_KERNEL)?,
            scanned: 0,
        })
    }

    /// Of those mappings that are `wanted`.
    pub(crate) fn scan(
        &mut self,
        mm: &Mm,
        vmas: &[cr_img_vma],
        wanted: impl Fn(&cr_img_vma) -> bool,
    ) -> Result<Frames> {
        let mut frames = Frames {
            runs: KVVec::new(),
            pfns: KVVec::new(),
        };
        for vma in vmas.iter() {
            if vma.kind == CR_VMA_VDSO {
                self.check_unchanged(mm, vma)?;
            }
            if !wanted(vma) {
                continue;
            }
            let mut from = vma.start;
            while from < vma.end {
                let (nr, next) = mm.private_runs(
                    from,
                    vma.end,
                    &mut self.runs,
                    &mut self.pfns,
                    &mut self.scanned,
                )?;
                let runs = &self.runs[..nr];
                let pages = count(runs) as usize;
                frames.runs.extend_from_slice(runs, GFP_KERNEL)?;
                frames
                    .pfns
                    .extend_from_slice(&self.pfns[..pages], GFP_KERNEL)?;
                from = next;
            }
        }
        Ok(frames)
    }

    /// Refuses a part of the vDSO that a debugger, say, has written to.
    fn check_unchanged(&mut self, mm: &Mm, vma: &cr_img_vma) -> Result {
        let (nr, _) = mm.private_runs(
            vma.start,
            vma.end,
            &mut self.runs,
            &mut self.pfns,
            &mut self.scanned,
        )?;
        match nr {
            0 => Ok(()),
            _ => fail!(EOPNOTSUPP(), "a changed vDSO is not supported yet"),
        }
    }
}
