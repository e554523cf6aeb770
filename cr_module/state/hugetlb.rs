// SPDX-License-Identifier: GPL-2.0

//! Huge pages that programs have asked for: mmap(2) with MAP_HUGETLB, memfd_create(2) with MFD_HUGETLB,
//! shmget(2) with SHM_HUGETLB, files of a mounted hugetlbfs.
//!
//! They come from a pool, and the kernel reserves as many for a mapping as it may come to have, unless the
//! program does not want that (MAP_NORESERVE). The reservation of a private mapping belongs to who has made
//! it: a child has the mapping without it, and is killed when it wants a page that there is not. That of a
//! shared one belongs to the object behind it, and stays when the mapping goes.
//!
//! The process itself maps the memory again, with its reservation or without, and asks for the private pages
//! that it had, so that they are charged to it, and come from the nodes that they are to come from. Whether
//! there are enough for all is looked at before anything is made.
//!
//! No snapshot of private ones is taken: it would need huge pages of its own, and a child could die for want
//! of them. A container that has any stands still until the image is written.

use crate::{
    build::Build,
    image::{places_by, places_of, Records},
    plan::{self, Plan, ProcessPlan},
    report::{fail, Context, Result},
    save::Save,
    state::inherit::run_end,
};
use cr_codec::{
    check::{huge_pages_of_inode, huge_pages_of_vma, HugeSize},
    order,
    uapi::*,
};
use cr_sys::{
    errno::{EOPNOTSUPP, ESTALE},
    file::FileRef,
    hugetlb,
    mm::PAGE_SIZE,
};
use kernel::prelude::*;
use zerocopy::IntoBytes;

/// Whether a mapping may have huge pages of its own.
pub(crate) fn is_private(vma: &cr_img_vma) -> bool {
    vma.flags & (CR_VMA_HUGETLB | CR_VMA_SHARED) == CR_VMA_HUGETLB
}

/// Sizes of huge pages in bits, and names.
const SIZES: [(u32, &str); 2] = [(21, "2 MB"), (30, "1 GB")];

/// The huge pages of a memory descriptor that it does not share with a parent, by ascending address.
pub(crate) struct Pages(KVVec<cr_img_run>);

impl Pages {
    /// Those of the memory that a process makes.
    pub(crate) fn of(plan: &Plan, process: &ProcessPlan) -> Result<Self> {
        let mm = plan.records.find(process.process.mm)?;
        Self::new(
            &plan.records,
            mm,
            process.huge,
            process.inherit.map(|(at, _)| at),
        )
    }

    /// By the places of the memory descriptor, and of the records of its huge and of its inherited pages.
    fn new(
        records: &Records,
        mm: usize,
        huge: Option<usize>,
        inherit: Option<usize>,
    ) -> Result<Self> {
        let mut own = KVVec::new();
        let Some(huge) = huge.filter(|_| has_private(records, mm)) else {
            return Ok(Self(own));
        };
        let rec = inherit.map(|at| records.get(at));
        let inherited = rec
            .iter()
            .flat_map(|rec| rec.array::<cr_img_run>(size_of::<cr_img_inherit>()));
        let mut inherited = inherited.peekable();
        for run in records
            .get(huge)
            .array::<cr_img_run>(size_of::<cr_img_huge>())
        {
            let (mut start, end) = (run.start, run_end(&run));
            while start < end {
                while inherited.next_if(|run| run_end(run) <= start).is_some() {}
                let (until, next) = match inherited.peek() {
                    Some(run) if run.start < end => (run.start.max(start), run_end(run)),
                    _ => (end, end),
                };
                if until > start {
                    let nr_pages = (until - start) / PAGE_SIZE as u64;
                    own.push(cr_img_run { start, nr_pages }, GFP_KERNEL)?;
                }
                start = next;
            }
        }
        Ok(Self(own))
    }

    /// Those in a mapping: address and length.
    fn within<'a>(&'a self, vma: &'a cr_img_vma) -> impl Iterator<Item = (u64, u64)> + 'a {
        let runs = order::after(&self.0, |run| run_end(run) <= vma.start).iter();
        let runs = runs.take_while(|run| run.start < vma.end);
        runs.map(|run| {
            let start = run.start.max(vma.start);
            (start, run_end(run).min(vma.end) - start)
        })
    }

    /// Gives a mapping of the current process, which is new, or has those of the parent, its pages.
    pub(crate) fn populate(&self, build: &Build<'_>, vma: &cr_img_vma, is_new: bool) -> Result {
        // Where the parent cannot write any more, whoever fills the pages makes them.
        if !is_private(vma) || !is_new && vma.flags & CR_VMA_WRITE == 0 {
            return Ok(());
        }
        for (start, length) in self.within(vma) {
            build
                .syscall(SYS_MADVISE, [start, length, MADV_POPULATE_WRITE])
                .context(format_args!(
                    "huge pages at {start:#x}: too few are left ({SYSCTL})"
                ))?;
        }
        Ok(())
    }
}

fn has_private(records: &Records, mm: usize) -> bool {
    plan::vmas(records, mm).is_ok_and(|mut vmas| vmas.any(|vma| is_private(&vma)))
}

const SYS_MADVISE: u32 = 28;
const MADV_POPULATE_WRITE: u64 = 23;

/// Whether a private mapping is one without a reservation: it is made with MAP_NORESERVE then.
pub(crate) fn has_nothing_reserved(vma: &cr_img_vma) -> bool {
    is_private(vma) && vma.flags & CR_VMA_RESERVED == 0
}

/// Takes MAP_NORESERVE away again from a new mapping of the current process that is not to have it.
pub(crate) fn restore_flags(vma: &cr_img_vma) {
    if has_nothing_reserved(vma) && vma.flags & CR_VMA_NORESERVE == 0 {
        hugetlb::clear_noreserve(vma.start);
    }
}

const SHM_HUGETLB: u64 = 0o4000;
const SHM_HUGE_SHIFT: u32 = 26;

/// Flags of shmget(2) for a segment with this memory.
pub(crate) fn segment_flags(memory: &cr_img_shmem) -> u64 {
    let gigantic = memory.flags & CR_SHMEM_GIGANTIC != 0;
    let (bits, _) = SIZES[usize::from(gigantic)];
    match memory.flags & CR_SHMEM_HUGETLB {
        0 => 0,
        _ => SHM_HUGETLB | u64::from(bits) << SHM_HUGE_SHIFT,
    }
}

/// Saves which parts of an object of huge pages have pages, or a promise of them. Others have none.
pub(crate) fn save_reserved(save: &mut Save<'_>, object: u64, file: &FileRef) -> Result {
    let runs = file.reserved()?;
    if runs.is_empty() {
        return Ok(());
    }
    let record = cr_img_reserve {
        object,
        nr_runs: runs.len() as u32,
        reserved: 0,
    };
    save.record(&record, &[runs.as_bytes()])
}

/// Promises huge pages to new objects, `file_of` which is one of them.
pub(crate) fn reserve<'a>(
    records: &Records,
    file_of: impl Fn(u64) -> Result<&'a FileRef>,
) -> Result {
    for (_, rec) in records.tagged(CR_TAG_RESERVE) {
        let file = file_of(rec.fixed::<cr_img_reserve>()?.object)?;
        for run in rec.array::<cr_img_run>(size_of::<cr_img_reserve>()) {
            file.reserve(&run).context(format_args!(
                "shared huge pages: too few are left ({SYSCTL})"
            ))?;
        }
    }
    Ok(())
}

const SYSCTL: &str = "vm.nr_hugepages";

/// Refuses an image that needs more huge pages than there are.
pub(crate) fn check(records: &Records) -> Result {
    let wanted = wanted(records)?;
    for ((bits, size), wanted) in SIZES.into_iter().zip(wanted) {
        if wanted == 0 {
            continue;
        }
        let wanted = wanted >> bits;
        let Some(available) = hugetlb::available(1 << bits) else {
            fail!(
                ENOMEM,
                "{wanted} huge pages of {size} are needed, which this machine has none of"
            );
        };
        if wanted > available {
            fail!(
                ENOMEM,
                "{wanted} huge pages of {size} are needed, {} more than there are: raise {SYSCTL}",
                wanted - available
            );
        }
    }
    Ok(())
}

/// How many bytes of huge pages of each size an image needs.
fn wanted(records: &Records) -> Result<[u64; 2]> {
    let mut wanted = [0u64; 2];
    let mut add = |gigantic: bool, bytes: u64| {
        let sum = &mut wanted[usize::from(gigantic)];
        *sum = sum.saturating_add(bytes);
    };
    for (_, rec) in records.tagged(CR_TAG_RESERVE) {
        let gigantic = is_gigantic(records, rec.fixed::<cr_img_reserve>()?.object)?;
        for run in rec.array::<cr_img_run>(size_of::<cr_img_reserve>()) {
            add(gigantic, run.nr_pages.saturating_mul(PAGE_SIZE as u64));
        }
    }
    let is_wanted = |vma: cr_img_vma| is_private(&vma);
    let mut vmas = records.tagged(CR_TAG_VMA);
    if !vmas.any(|(_, rec)| rec.fixed().is_ok_and(is_wanted)) {
        return Ok(wanted);
    }
    let huge = places_by(records, CR_TAG_HUGE, |rec| {
        Ok(rec.fixed::<cr_img_huge>()?.mm)
    })?;
    let mut inherit = places_by(records, CR_TAG_INHERIT, |rec| {
        Ok(rec.fixed::<cr_img_inherit>()?.mm)
    })?;
    order::sort_by_key(&mut inherit, |&entry| entry);
    for (at, rec) in records.tagged(CR_TAG_MM) {
        let of_mm = |places| places_of(places, rec.id).next();
        let pages = Pages::new(records, at, of_mm(&huge), of_mm(&inherit))?;
        for vma in plan::vmas(records, at)?.filter(is_private) {
            let gigantic = vma.flags & CR_VMA_GIGANTIC != 0;
            match vma.flags & CR_VMA_RESERVED {
                0 => pages
                    .within(&vma)
                    .for_each(|(_, length)| add(gigantic, length)),
                _ => add(gigantic, vma.end - vma.start),
            }
        }
    }
    Ok(wanted)
}

/// Whether an object of huge pages has the larger ones.
fn is_gigantic(records: &Records, object: u64) -> Result<bool> {
    let rec = records.get(records.find(object)?);
    Ok(match rec.tag {
        CR_TAG_SHMEM => rec.fixed::<cr_img_shmem>()?.flags & CR_SHMEM_GIGANTIC != 0,
        _ => huge_pages_of_inode(&rec.fixed()?) == Some(HugeSize::Gigantic),
    })
}

/// Refuses a mapping that is longer than its file, which has a name: to map a file of huge pages makes it as
/// long as the mapping. `size` is that of the file.
pub(crate) fn check_length(vma: &cr_img_vma, size: u64) -> Result {
    let offset = vma.pgoff.saturating_mul(PAGE_SIZE as u64);
    if huge_pages_of_vma(vma).is_some() && offset.saturating_add(vma.end - vma.start) > size {
        fail!(
            EOPNOTSUPP(),
            "is longer than its file of huge pages, which is not supported yet (make that longer, or unmap \
             the rest)"
        );
    }
    Ok(())
}

/// Refuses a file that is not of the pages that it is to be of.
pub(crate) fn check_size(file: &FileRef, expected: Option<HugeSize>) -> Result {
    if file.huge_page_size() != expected.map(HugeSize::bytes) {
        fail!(ESTALE(), "has pages of another size than at the checkpoint");
    }
    Ok(())
}
