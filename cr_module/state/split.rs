// SPDX-License-Identifier: GPL-2.0

//! Which pages come in one record.

use crate::{report::Result, state::inherit::run_end};
use cr_codec::{check::may_come_late, uapi::*, write::RECORD_PAGES};
use cr_sys::mm::PAGE_SIZE;
use kernel::prelude::*;

/// Cuts runs into records. Pages that may come late at a restart have records of their own, which
/// can be passed over as a whole; and so has a large run, without a few others, of which one may be
/// needed at once.
pub(crate) struct Split<'a> {
    runs: &'a [cr_img_run],
    /// Pages of the first run that have been dealt with.
    used: u64,
    vmas: &'a [cr_img_vma],
}

impl<'a> Split<'a> {
    /// Nothing yet of `runs`, which are in `vmas`, or in no mapping.
    pub(crate) fn new(runs: &'a [cr_img_run], vmas: &'a [cr_img_vma]) -> Self {
        Self {
            runs,
            used: 0,
            vmas,
        }
    }

    /// Whether the page at an address may come late, and the end of its mapping.
    fn lateness(&self, addr: u64) -> (bool, u64) {
        let at = self.vmas.partition_point(|vma| vma.end <= addr);
        let vma = self.vmas.get(at);
        vma.map_or((false, u64::MAX), |vma| (may_come_late(vma), vma.end))
    }

    /// The runs of the next record.
    pub(crate) fn next_record(&mut self) -> Result<Option<KVVec<cr_img_run>>> {
        let mut record: KVVec<cr_img_run> = KVVec::new();
        let mut room = RECORD_PAGES;
        let mut kind = None;
        while let (Some(run), 1..) = (self.runs.first(), room) {
            let start = run.start + self.used * PAGE_SIZE as u64;
            let (may_be_late, end) = self.lateness(start);
            let is_large = run.nr_pages - self.used >= RECORD_PAGES;
            let fits = *kind.get_or_insert(may_be_late) == may_be_late && !is_large;
            if !fits && !record.is_empty() {
                break;
            }
            let mapped = (end - start) / PAGE_SIZE as u64;
            let some = (run.nr_pages - self.used).min(room).min(mapped);
            match record.last_mut().filter(|last| run_end(last) == start) {
                Some(last) => last.nr_pages += some,
                None => {
                    let nr_pages = some;
                    record.push(cr_img_run { start, nr_pages }, GFP_KERNEL)?;
                }
            }
            room -= some;
            self.used += some;
            if self.used == run.nr_pages {
                self.used = 0;
                self.runs = &self.runs[1..];
            }
        }
        Ok((!record.is_empty()).then_some(record))
    }
}
