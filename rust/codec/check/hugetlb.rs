// SPDX-License-Identifier: GPL-2.0

//! Huge pages that programs have asked for: objects and mappings of them, and what is kept for these.

use core::mem::size_of;

use super::{memory, Placed, Rec, Result, State};
use crate::uapi::*;

/// All that says of shared memory that it is of huge pages.
pub(super) const SHMEM: u32 = CR_SHMEM_HUGETLB | CR_SHMEM_GIGANTIC;

/// What a mapping of huge pages cannot be: there is always an object behind it, it has rules of its own
/// for what is promised, and the pages never move.
const NOT_HUGETLB: u32 = CR_VMA_GROWSDOWN
    | CR_VMA_ACCOUNT
    | CR_VMA_LOCKED
    | CR_VMA_WIPEONFORK
    | CR_VMA_DROPPABLE
    | CR_VMA_MERGEABLE;

/// Sizes of huge pages. Objects of other pages have none of them.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Size {
    /// 2 MiB.
    Huge,
    /// 1 GiB.
    Gigantic,
}

impl Size {
    /// In bytes.
    pub fn bytes(self) -> u64 {
        match self {
            Self::Huge => 2 << 20,
            Self::Gigantic => 1 << 30,
        }
    }

    fn of(has_any: bool, gigantic: bool) -> Option<Self> {
        match (has_any, gigantic) {
            (false, _) => None,
            (_, false) => Some(Self::Huge),
            (_, true) => Some(Self::Gigantic),
        }
    }

    /// Whether so many bytes are whole pages.
    pub(super) fn divides(self, bytes: u64) -> bool {
        bytes.checked_rem(self.bytes()) == Some(0)
    }

    /// The next multiple.
    pub(super) fn round_up(self, bytes: u64) -> Option<u64> {
        bytes.checked_next_multiple_of(self.bytes())
    }
}

/// Of a shared memory object.
pub(super) fn of_shmem(shmem: &cr_img_shmem) -> Option<Size> {
    let has = |flag| shmem.flags & flag != 0;
    Size::of(has(CR_SHMEM_HUGETLB), has(CR_SHMEM_GIGANTIC))
}

/// Of an inode.
pub fn of_inode(inode: &cr_img_inode) -> Option<Size> {
    match inode.kind {
        CR_INODE_HUGETLB | CR_INODE_HUGETLB_REMOVED | CR_INODE_HUGETLB_TMPFILE => Some(Size::Huge),
        CR_INODE_GIGANTIC | CR_INODE_GIGANTIC_REMOVED | CR_INODE_GIGANTIC_TMPFILE => {
            Some(Size::Gigantic)
        }
        _ => None,
    }
}

/// Of an open file that does not have a name.
pub(super) fn of_file(
    state: &State<'_>,
    rec: Placed<'_>,
    file: &cr_img_file,
) -> Result<Option<Size>> {
    if !matches!(file.kind, CR_FILE_MEMFD | CR_FILE_INODE) {
        return Ok(None);
    }
    let inode = state.refers::<cr_img_inode>(rec, file.target, "no inode behind its file")?;
    Ok(of_inode(&inode.fixed()?))
}

/// Of a mapping.
pub fn of_vma(vma: &cr_img_vma) -> Option<Size> {
    let has = |flag| vma.flags & flag != 0;
    Size::of(has(CR_VMA_HUGETLB), has(CR_VMA_GIGANTIC))
}

pub(super) fn shmem(rec: &Rec<'_>, shmem: &cr_img_shmem) -> Result {
    let Some(size) = of_shmem(shmem) else {
        return rec.require(
            shmem.flags & CR_SHMEM_GIGANTIC == 0,
            "flags of huge pages without any",
        );
    };
    rec.require(
        shmem.flags & CR_SHMEM_NORESERVE == 0,
        "flags that huge pages cannot have",
    )?;
    rec.require(size.divides(shmem.size), "not whole huge pages")
}

/// Whatever is behind it.
pub(super) fn vma(rec: &Rec<'_>, vma: &cr_img_vma) -> Result {
    let has_any = |flags: u32| vma.flags & flags != 0;
    let Some(size) = of_vma(vma) else {
        return rec.require(
            !has_any(CR_VMA_GIGANTIC | CR_VMA_RESERVED),
            "flags of huge pages without any",
        );
    };
    rec.require(!has_any(NOT_HUGETLB), "flags that huge pages cannot have")?;
    rec.require(
        !has_any(CR_VMA_RESERVED) || !has_any(CR_VMA_SHARED | CR_VMA_NORESERVE),
        "huge pages that are not kept for it alone",
    )?;
    rec.require(
        matches!(vma.kind, CR_VMA_FILE | CR_VMA_SHMEM | CR_VMA_SHM),
        "huge pages of nothing",
    )?;
    let offset = vma.pgoff.saturating_mul(4096);
    let mut places = [vma.start, vma.end, offset].into_iter();
    rec.require(places.all(|at| size.divides(at)), "not whole huge pages")
}

/// A mapping has the pages of what is behind it.
pub(super) fn mapped(rec: &Rec<'_>, vma: &cr_img_vma, size: Option<Size>) -> Result {
    rec.require(
        of_vma(vma) == size,
        "pages of another size than those of its object",
    )
}

/// What is kept for an object, which is returned.
pub(super) fn reserve(state: &State<'_>, rec: Placed<'_>) -> Result<u64> {
    let reserve: cr_img_reserve = rec.fixed()?;
    let none = "no object of huge pages";
    let is_shmem = |object: Placed<'_>| object.tag == CR_TAG_SHMEM;
    let size = match state.find_placed(reserve.object).is_some_and(is_shmem) {
        true => of_shmem(
            &state
                .refers::<cr_img_shmem>(rec, reserve.object, none)?
                .fixed()?,
        ),
        false => of_inode(
            &state
                .refers::<cr_img_inode>(rec, reserve.object, none)?
                .fixed()?,
        ),
    };
    let Some(size) = size else {
        return Err(rec.error(none));
    };
    rec.require(reserve.reserved == 0, "a reserved member is not zero")?;
    rec.require(reserve.nr_runs > 0, "nothing is kept")?;
    rec.require_elements::<cr_img_reserve, cr_img_run>(u64::from(reserve.nr_runs))?;
    let runs = rec.array::<cr_img_run>(size_of::<cr_img_reserve>());
    memory::ascending_offsets(state, &rec, runs, |run| {
        rec.require(
            size.divides(run.start) && size.divides(run.end),
            "not whole huge pages",
        )
    })?;
    Ok(reserve.object)
}
