// SPDX-License-Identifier: GPL-2.0

//! Private pages that a process shares with another one since fork(2), copy-on-write.
//!
//! They are the same page frame at the same address of both, and are stored once, with the earlier
//! one: its parent, a brother, or who else has most of its pages (kin.rs), all of which are called
//! the parent here. At restart such a process is forked from that one when its memory is there, and
//! so shares it again; what the two do not have in common any more is unmapped, dropped, or stored
//! with the child. It becomes the child of its true parent later.

use crate::{
    build::Build,
    report::{Context, Result},
    state::track::Known,
};
use cr_codec::{
    check::{is_inheritable, Rec},
    uapi::*,
};
use cr_sys::mm::{PAGE_SIZE, PFN_CHANGED, PFN_HUGE};
use kernel::prelude::*;

/// Whether a child has this mapping from its parent: the parent has the same one, and it is handed
/// on as it is.
pub(crate) fn is_kept(parents: &[cr_img_vma], vma: &cr_img_vma) -> bool {
    find(parents, vma.start).is_some_and(|parent| is_same(parent, vma))
}

/// The mapping that begins at an address.
fn find(vmas: &[cr_img_vma], start: u64) -> Option<&cr_img_vma> {
    let found = vmas.binary_search_by_key(&start, |vma| vma.start);
    found.ok().map(|at| &vmas[at])
}

/// Whether a child's mapping is what fork(2) makes of this one, which begins at the same address.
fn is_same(parent: &cr_img_vma, vma: &cr_img_vma) -> bool {
    const NOT_KEPT: u32 = CR_VMA_LOCKED | CR_VMA_DONTFORK;
    vma.flags & NOT_KEPT == 0
        && (
            parent.end,
            parent.pgoff,
            parent.object,
            parent.policy,
            parent.kind,
            // No child inherits a reservation.
            parent.flags & !CR_VMA_RESERVED,
        ) == (
            vma.end, vma.pgoff, vma.object, vma.policy, vma.kind, vma.flags,
        )
}

/// Pages of a process, and in which frames they are.
pub(crate) struct Frames {
    pub(crate) runs: KVVec<cr_img_run>,
    /// For each page of the runs, with [`PFN_CHANGED`] and [`PFN_HUGE`].
    pub(crate) pfns: KVVec<u64>,
}

impl Frames {
    /// Addresses with frames, ascending.
    fn pages(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        let addrs = self
            .runs
            .iter()
            .flat_map(|run| (0..run.nr_pages).map(|page| run.start + page * PAGE_SIZE as u64));
        addrs.zip(self.pfns.iter().copied())
    }

    /// The frames alone; 0 is none.
    pub(crate) fn frames(&self) -> impl Iterator<Item = u64> + '_ {
        self.pfns.iter().map(|pfn| pfn & !PFN_FLAGS)
    }

    /// How many pages both have at the same address.
    pub(crate) fn in_common(&self, other: &Self) -> usize {
        let mut theirs = other.pages().peekable();
        let pages = self.pages().filter(|(_, pfn)| pfn & !PFN_FLAGS != 0);
        let common = pages.filter(|(addr, pfn)| {
            while theirs.next_if(|(their, _)| their < addr).is_some() {}
            theirs.peek().is_some_and(|(their, their_pfn)| {
                (their, their_pfn & !PFN_FLAGS) == (addr, pfn & !PFN_FLAGS)
            })
        });
        common.count()
    }

    /// Those that are huge.
    fn huge(&self) -> Result<KVVec<cr_img_run>> {
        let mut huge = KVVec::new();
        for (addr, _) in self.pages().filter(|(_, pfn)| pfn & PFN_HUGE != 0) {
            append(&mut huge, addr)?;
        }
        Ok(huge)
    }

    /// Divides the pages by who has them.
    pub(crate) fn divide(
        &self,
        vmas: &[cr_img_vma],
        parent: Option<(&Frames, &[cr_img_vma])>,
        known: Option<&Known<'_>>,
    ) -> Result<Divided> {
        let mut divided = Divided {
            huge: self.huge()?,
            ..Default::default()
        };
        if parent.is_none() && known.is_none() {
            divided.own.extend_from_slice(&self.runs, GFP_KERNEL)?;
            return Ok(divided);
        }
        let (mut theirs, parents_vmas) = match parent {
            Some((parent, vmas)) => (Some(parent.pages().peekable()), vmas),
            None => (None, &[][..]),
        };
        let mut changed = known.map(|known| known.changed.iter().peekable());
        let mut vmas = vmas.iter().peekable();
        // The mapping that was looked at last, and whether it hands on pages.
        let (mut end, mut inheritable) = (0, false);
        for (addr, pfn) in self.pages() {
            while addr >= end {
                let Some(vma) = vmas.next() else { break };
                end = vma.end;
                inheritable = is_inheritable(vma) && is_kept(parents_vmas, vma);
            }
            let same = theirs.as_mut().is_some_and(|theirs| {
                while theirs.next_if(|(their, _)| *their < addr).is_some() {}
                let frame = pfn & !PFN_FLAGS;
                let is_same = |(their, pfn)| (their, pfn & !PFN_FLAGS) == (addr, frame);
                frame != 0 && theirs.peek().copied().is_some_and(is_same)
            });
            let unchanged = changed.as_mut().is_some_and(|changed| {
                while changed.next_if(|run| run_end(run) <= addr).is_some() {}
                let changed = changed.peek().is_some_and(|run| run.start <= addr);
                pfn & PFN_CHANGED == 0 && !changed
            });
            let runs = match (same && inheritable, unchanged) {
                (true, _) => &mut divided.inherited,
                (false, true) => &mut divided.unchanged,
                (false, false) => &mut divided.own,
            };
            append(runs, addr)?;
        }
        Ok(divided)
    }
}

const PFN_FLAGS: u64 = PFN_CHANGED | PFN_HUGE;

/// Pages of a process, by who has them.
#[derive(Default)]
pub(crate) struct Divided {
    /// The process that it is forked from.
    pub(crate) inherited: KVVec<cr_img_run>,
    /// The parent of the image.
    pub(crate) unchanged: KVVec<cr_img_run>,
    /// Nobody else.
    pub(crate) own: KVVec<cr_img_run>,
    /// Of all of them, those that are huge.
    pub(crate) huge: KVVec<cr_img_run>,
}

/// How many pages there are.
pub(crate) fn count(runs: &[cr_img_run]) -> u64 {
    runs.iter().map(|run| run.nr_pages).sum()
}

/// The first address after a run.
pub(crate) fn run_end(run: &cr_img_run) -> u64 {
    run.start + run.nr_pages * PAGE_SIZE as u64
}

/// Adds a page to runs that end before it.
fn append(runs: &mut KVVec<cr_img_run>, addr: u64) -> Result {
    if let Some(last) = runs.last_mut() {
        if run_end(last) == addr {
            last.nr_pages += 1;
            return Ok(());
        }
    }
    let run = cr_img_run {
        start: addr,
        nr_pages: 1,
    };
    Ok(runs.push(run, GFP_KERNEL)?)
}

const SYS_MUNMAP: u32 = 11;
const SYS_MADVISE: u32 = 28;
const MADV_DONTNEED: u64 = 4;

/// Unmaps from the current process, which was just forked, what its parent has and it has not.
pub(crate) fn unmap_others(
    build: &Build<'_>,
    parents: &[cr_img_vma],
    vmas: &[cr_img_vma],
    keeps_vdso: bool,
) -> Result {
    for parent in parents {
        let keep = match parent.kind {
            // A part of it alone cannot be mapped again.
            CR_VMA_VDSO => keeps_vdso,
            _ => find(vmas, parent.start).is_some_and(|vma| is_same(parent, vma)),
        };
        if !keep && parent.flags & CR_VMA_DONTFORK == 0 {
            let length = parent.end - parent.start;
            build
                .syscall(SYS_MUNMAP, [parent.start, length, 0])
                .context(format_args!("unmapping {:#x}", parent.start))?;
        }
    }
    Ok(())
}

/// Whether parent and child, which are of one kind, have the vDSO at the same place.
pub(crate) fn keeps_vdso(parents: &[cr_img_vma], vmas: &[cr_img_vma]) -> bool {
    let is_vdso = |vma: &&cr_img_vma| vma.kind == CR_VMA_VDSO;
    let place = |vma: &cr_img_vma| (vma.start, vma.end, vma.flags);
    let theirs = parents.iter().filter(is_vdso).map(place);
    theirs.eq(vmas.iter().filter(is_vdso).map(place))
}

/// Drops the pages that the current process has from its parent and is not to have.
pub(crate) fn drop_others(
    build: &Build<'_>,
    parents: &[cr_img_vma],
    vmas: &[cr_img_vma],
    rec: &Rec<'_>,
) -> Result {
    let kept = vmas
        .iter()
        .filter(|vma| is_inheritable(vma) && is_kept(parents, vma));
    let mut runs = rec
        .array::<cr_img_run>(size_of::<cr_img_inherit>())
        .peekable();
    for vma in kept {
        let mut from = vma.start;
        while from < vma.end {
            while runs.next_if(|run| run_end(run) <= from).is_some() {}
            let (start, next) = match runs.peek() {
                Some(run) if run.start < vma.end => (run.start.max(from), run_end(run)),
                _ => (vma.end, vma.end),
            };
            if start > from {
                build
                    .syscall(SYS_MADVISE, [from, start - from, MADV_DONTNEED])
                    .context(format_args!("dropping pages at {from:#x}"))?;
            }
            from = next;
        }
    }
    Ok(())
}
