// SPDX-License-Identifier: GPL-2.0

//! Memory descriptors, mappings, shared memory and where pages may go.

use core::{mem::size_of, ops::Range};

use super::{
    hugetlb, is_user_range, CheckError, Placed, Result, State, COMPAT_END, COMPAT_USER_END,
    USER_END,
};
use crate::{
    check::{Elements, Rec},
    order, segment,
    uapi::*,
};

/// End marker of an auxiliary vector.
const AT_NULL: u64 = 0;

/// Highest `/proc/sys/fs/suid_dumpable`.
const DUMPABLE_MAX: u32 = 2;

/// All `MEMBARRIER_STATE_*`.
const MEMBARRIER: u32 = 0xff;

const MM_FLAGS: u32 = CR_MM_THP_DISABLE
    | CR_MM_THP_ADVISED
    | CR_MM_BOTTOM_UP
    | CR_MM_MDWE
    | CR_MM_MDWE_NO_INHERIT
    | CR_MM_LOCKED
    | CR_MM_LOCKONFAULT
    | CR_MM_MERGE_ANY
    | CR_MM_COMPAT;

const VMA_FLAGS: u32 = CR_VMA_READ
    | CR_VMA_WRITE
    | CR_VMA_EXEC
    | CR_VMA_SHARED
    | CR_VMA_GROWSDOWN
    | CR_VMA_ACCOUNT
    | CR_VMA_NORESERVE
    | CR_VMA_LOCKED
    | CR_VMA_LOCKONFAULT
    | CR_VMA_DONTFORK
    | CR_VMA_WIPEONFORK
    | CR_VMA_DONTDUMP
    | CR_VMA_HUGEPAGE
    | CR_VMA_NOHUGEPAGE
    | CR_VMA_RAND_READ
    | CR_VMA_SEQ_READ
    | CR_VMA_SEALED
    | CR_VMA_RDONLY
    | CR_VMA_DROPPABLE
    | CR_VMA_MERGEABLE
    | CR_VMA_HUGETLB
    | CR_VMA_GIGANTIC
    | CR_VMA_RESERVED
    | PKEY;

/// The protection key of a mapping.
const PKEY: u32 = u32::MAX << CR_VMA_PKEY_SHIFT;
/// All but number 0.
const PKEYS: u32 = (1 << CR_NR_PKEYS) - 2;

pub(super) fn shmem(state: &State<'_>, rec: &Rec<'_>) -> Result {
    let shmem: cr_img_shmem = rec.fixed()?;
    rec.require(
        matches!(state.page_size.pages_in(shmem.size), Some(1..)) && shmem.size <= USER_END,
        "impossible size",
    )?;
    rec.require(
        shmem.flags & !(CR_SHMEM_NORESERVE | CR_SHMEM_SYSV | hugetlb::SHMEM) == 0,
        "unknown flags",
    )?;
    rec.require(
        shmem.flags & CR_SHMEM_SYSV != 0 || shmem.key == 0,
        "a key without a segment",
    )?;
    hugetlb::shmem(rec, &shmem)
}

/// Bytes before the first event in a ring of asynchronous I/O.
const AIO_HEADER: u64 = 32;
/// Bytes of an event.
const AIO_SLOT: u64 = size_of::<cr_img_aio_event>() as u64;
/// Most events that the kernel makes room for, as its own limit in bytes.
const AIO_MAX_BYTES: u64 = 0x1000_0000;

pub(super) fn aio(state: &State<'_>, rec: &Rec<'_>) -> Result {
    let aio: cr_img_aio = rec.fixed()?;
    let bytes = u64::from(aio.nr_pages).checked_mul(state.page_size.bytes());
    let possible = |bytes: &u64| (1..=AIO_MAX_BYTES).contains(bytes);
    let Some(bytes) = bytes.filter(possible) else {
        return Err(rec.error("a ring of an impossible size"));
    };
    let slots = bytes.saturating_sub(AIO_HEADER).div_euclid(AIO_SLOT);
    rec.require(
        aio.max_requests > 0 && u64::from(aio.max_requests) <= slots,
        "an impossible number of requests",
    )?;
    rec.require(
        u64::from(aio.head) < slots && u64::from(aio.nr_events) < slots,
        "events that the ring has no room for",
    )?;
    rec.require_elements::<cr_img_aio, cr_img_aio_event>(u64::from(aio.nr_events))
}

/// First address that a process with this memory cannot map.
fn end_of(mm: &cr_img_mm) -> u64 {
    match mm.flags & CR_MM_COMPAT {
        0 => USER_END,
        _ => COMPAT_USER_END,
    }
}

pub(super) fn mm(state: &State<'_>, rec: Placed<'_>) -> Result<cr_img_mm> {
    let mm: cr_img_mm = rec.fixed()?;
    let user_end = end_of(&mm);
    for (start, end) in [
        (mm.start_code, mm.end_code),
        (mm.start_data, mm.end_data),
        (mm.start_brk, mm.brk),
        (mm.start_stack, user_end),
        (mm.arg_start, mm.arg_end),
        (mm.env_start, mm.env_end),
        (mm.vdso, user_end),
    ] {
        rec.require(
            start <= end && end <= user_end,
            "a part of the program at an impossible address",
        )?;
    }

    let exe = state.refers::<cr_img_file>(rec, mm.exe, "the program is no file")?;
    rec.require(
        matches!(
            exe.fixed::<cr_img_file>()?.kind,
            CR_FILE_REG | CR_FILE_MEMFD | CR_FILE_INODE
        ),
        "the program is not a regular file",
    )?;

    rec.require_elements::<cr_img_mm, u64>(u64::from(mm.nr_auxv))?;
    rec.require(mm.nr_auxv % 2 == 0, "half an entry in the auxiliary vector")?;
    let mut auxv = rec.array::<u64>(size_of::<cr_img_mm>());
    let mut last = None;
    while let (Some(key), Some(_)) = (auxv.next(), auxv.next()) {
        last = Some(key);
    }
    rec.require(
        matches!(last, None | Some(AT_NULL)),
        "the auxiliary vector has no end",
    )?;

    rec.require(
        mm.vdso != 0 || mm.vdso_crc == 0,
        "a checksum without a vDSO",
    )?;
    rec.require(mm.dumpable <= DUMPABLE_MAX, "impossible dumpable")?;
    rec.require(
        mm.membarrier & !MEMBARRIER == 0,
        "unknown membarrier registration",
    )?;
    rec.require(mm.flags & !MM_FLAGS == 0, "unknown flags")?;
    let both = |flags| mm.flags & flags == flags;
    rec.require(
        !both(CR_MM_THP_DISABLE | CR_MM_THP_ADVISED)
            && (both(CR_MM_MDWE) || !both(CR_MM_MDWE_NO_INHERIT))
            && (both(CR_MM_LOCKED) || !both(CR_MM_LOCKONFAULT)),
        "flags that do not go together",
    )?;
    rec.require(
        mm.dump_filter <= 0x1ff,
        "unknown kinds of mappings in core dumps",
    )?;
    rec.require(
        mm.futex_slots == 0 || mm.futex_slots.is_power_of_two(),
        "impossible number of slots for futexes",
    )?;
    let exec_pkey = mm.pkeys.checked_shr(mm.exec_pkey).unwrap_or(0) & 1;
    rec.require(
        mm.pkeys & !PKEYS == 0 && (mm.exec_pkey == 0 || exec_pkey != 0),
        "impossible protection keys",
    )?;
    for (base, end) in [
        (mm.mmap_base, USER_END),
        (mm.mmap_legacy_base, USER_END),
        (mm.mmap_compat_base, COMPAT_END),
        (mm.mmap_compat_legacy_base, COMPAT_END),
    ] {
        rec.require(
            state.page_size.pages_in(base).is_some() && base <= end,
            "impossible place for new mappings",
        )?;
    }
    Ok(mm)
}

pub(super) fn vma(state: &State<'_>, rec: Placed<'_>, mm: &cr_img_mm) -> Result<cr_img_vma> {
    let vma: cr_img_vma = rec.fixed()?;
    let has = |flags: u32| vma.flags & flags == flags;
    let has_any = |flags: u32| vma.flags & flags != 0;

    rec.require(
        is_user_range(vma.start, vma.end, state.page_size),
        "not a range of pages in user space",
    )?;
    rec.require(
        vma.end <= end_of(mm),
        "beyond what a 32-bit program can map",
    )?;
    let pages = state.page_size.pages_in(vma.end.saturating_sub(vma.start));
    let end = pages.and_then(|pages| vma.pgoff.checked_add(pages));
    rec.require(end.is_some_and(|end| end < 1 << 51), "impossible offset")?;
    rec.require(vma.flags & !VMA_FLAGS == 0, "unknown flags")?;
    rec.require(
        !has(CR_VMA_HUGEPAGE | CR_VMA_NOHUGEPAGE)
            && !has(CR_VMA_RAND_READ | CR_VMA_SEQ_READ)
            && (has(CR_VMA_LOCKED) || !has(CR_VMA_LOCKONFAULT)),
        "flags that exclude each other",
    )?;
    let protection = vma.flags & (CR_VMA_READ | CR_VMA_WRITE | CR_VMA_EXEC);
    let key = vma.flags.wrapping_shr(CR_VMA_PKEY_SHIFT);
    rec.require(
        key == 0 || key != mm.exec_pkey || protection == CR_VMA_EXEC,
        "a protection key that it cannot have",
    )?;
    rec.require(
        !has(CR_VMA_RDONLY) || (vma.kind == CR_VMA_SHM && !has(CR_VMA_WRITE)),
        "cannot be read only",
    )?;
    rec.require(
        !has(CR_VMA_MERGEABLE) || !has_any(CR_VMA_SHARED | CR_VMA_DROPPABLE),
        "cannot be mergeable",
    )?;
    hugetlb::vma(&rec, &vma)?;
    if vma.policy != 0 {
        state.refers::<cr_img_policy>(rec, vma.policy, "no NUMA policy")?;
        rec.require(
            vma.kind != CR_VMA_VDSO,
            "a NUMA policy of what cannot have one",
        )?;
    }
    match vma.kind {
        CR_VMA_ANON => {
            rec.require(vma.object == 0, "anonymous, but with an object")?;
            rec.require(!has(CR_VMA_SHARED), "shared, but without an object")?;
            return Ok(vma);
        }
        CR_VMA_FILE => {
            let file = state.refers::<cr_img_file>(rec, vma.object, "no file behind it")?;
            let file: cr_img_file = file.fixed()?;
            // What a name leads to is known when it is opened.
            if file.kind != CR_FILE_REG {
                hugetlb::mapped(&rec, &vma, hugetlb::of_file(state, rec, &file)?)?;
            }
            rec.require(
                match file.kind {
                    CR_FILE_REG | CR_FILE_CHR | CR_FILE_MEMFD | CR_FILE_INODE => true,
                    CR_FILE_IO_URING => has(CR_VMA_SHARED) && !has(CR_VMA_EXEC),
                    _ => false,
                },
                "a file that cannot be mapped",
            )?;
        }
        CR_VMA_SHMEM | CR_VMA_SHM => {
            let shmem = state
                .refers::<cr_img_shmem>(rec, vma.object, "no shared memory behind it")?
                .fixed::<cr_img_shmem>()?;
            rec.require(
                has(CR_VMA_SHARED) || (vma.kind == CR_VMA_SHMEM && has(CR_VMA_HUGETLB)),
                "shared memory that is not shared",
            )?;
            hugetlb::mapped(&rec, &vma, hugetlb::of_shmem(&shmem))?;
            rec.require(
                (shmem.flags & CR_SHMEM_SYSV != 0) == (vma.kind == CR_VMA_SHM),
                "shared memory of another kind",
            )?;
        }
        CR_VMA_AIO => {
            let aio = state
                .refers::<cr_img_aio>(rec, vma.object, "no context of asynchronous I/O behind it")?
                .fixed::<cr_img_aio>()?;
            rec.require(
                has(CR_VMA_SHARED | CR_VMA_DONTFORK),
                "a ring of asynchronous I/O that others have",
            )?;
            rec.require(
                vma.pgoff == 0 && pages == Some(u64::from(aio.nr_pages)),
                "a ring of another size",
            )?;
        }
        CR_VMA_VDSO => {
            rec.require(vma.object == 0, "part of the kernel, but with an object")?;
            rec.require(vma.flags == protection, "flags that the vDSO cannot have")?;
        }
        _ => return Err(rec.error("unknown kind of mapping")),
    }
    rec.require(
        !has_any(CR_VMA_GROWSDOWN | CR_VMA_WIPEONFORK | CR_VMA_DROPPABLE),
        "flags of anonymous memory",
    )?;
    Ok(vma)
}

/// Flags of mappings whose pages no child has from its parent.
const NOT_INHERITED: u32 =
    CR_VMA_SHARED | CR_VMA_LOCKED | CR_VMA_DONTFORK | CR_VMA_WIPEONFORK | CR_VMA_DROPPABLE;

/// Whether a child that has this mapping has the pages in it from its parent, if that one has the
/// same mapping.
pub fn is_inheritable(vma: &cr_img_vma) -> bool {
    matches!(vma.kind, CR_VMA_ANON | CR_VMA_FILE | CR_VMA_SHMEM) && vma.flags & NOT_INHERITED == 0
}

/// Whether the pages in a mapping may come while its process runs already: whoever touches one first
/// waits for it. The kernel has a way to let somebody in user space provide such pages.
pub fn may_come_late(vma: &cr_img_vma) -> bool {
    const TOO_LATE: u32 = NOT_INHERITED | CR_VMA_GROWSDOWN;
    let writable = vma.flags & CR_VMA_WRITE != 0;
    vma.kind == CR_VMA_ANON && writable && vma.flags & TOO_LATE == 0
}

pub(super) fn inherit(state: &State<'_>, rec: Placed<'_>) -> Result {
    let inherit: cr_img_inherit = rec.fixed()?;
    state.refers::<cr_img_mm>(rec, inherit.mm, "no memory that inherits")?;
    state.refers::<cr_img_mm>(rec, inherit.parent, "no memory to inherit from")?;
    rec.require(
        inherit.parent < inherit.mm,
        "memory that inherits from a later one",
    )?;
    rec.require(inherit.reserved == 0, "a reserved member is not zero")?;
    rec.require(inherit.nr_runs > 0, "nothing is inherited")?;
    rec.require_elements::<cr_img_inherit, cr_img_run>(u64::from(inherit.nr_runs))?;
    let runs = rec.array(size_of::<cr_img_inherit>());
    ascending(state, &rec, runs, |_| Ok(()))
}

pub(super) fn unchanged(state: &State<'_>, rec: Placed<'_>) -> Result<u64> {
    let unchanged: cr_img_unchanged = rec.fixed()?;
    let mm = state.refers::<cr_img_mm>(rec, unchanged.mm, "no memory that is unchanged")?;
    rec.require(unchanged.reserved == 0, "a reserved member is not zero")?;
    rec.require(unchanged.object != 0, "unchanged since it was nothing")?;
    rec.require(unchanged.nr_runs > 0, "nothing is unchanged")?;
    rec.require_elements::<cr_img_unchanged, cr_img_run>(u64::from(unchanged.nr_runs))?;
    let runs = rec.array(size_of::<cr_img_unchanged>());
    let nowhere = "unchanged pages where no private memory is mapped";
    private(state, &rec, mm, runs, nowhere)?;
    Ok(unchanged.mm)
}

pub(super) fn huge(state: &State<'_>, rec: Placed<'_>) -> Result<u64> {
    let huge: cr_img_huge = rec.fixed()?;
    let mm = state.refers::<cr_img_mm>(rec, huge.mm, "no memory with huge pages")?;
    rec.require(huge.reserved == 0, "a reserved member is not zero")?;
    rec.require(huge.nr_runs > 0, "nothing is huge")?;
    rec.require_elements::<cr_img_huge, cr_img_run>(u64::from(huge.nr_runs))?;
    let runs = rec.array::<cr_img_run>(size_of::<cr_img_huge>());
    let pages = u64::from(CR_HUGE_PAGES);
    let bytes = state.page_size.bytes().saturating_mul(pages);
    let whole = |run: cr_img_run| {
        run.start.checked_rem(bytes) == Some(0) && run.nr_pages.checked_rem(pages) == Some(0)
    };
    rec.require(runs.clone().all(whole), "not whole huge pages")?;
    let nowhere = "huge pages where no private memory is mapped";
    private(state, &rec, mm, runs, nowhere)?;
    Ok(huge.mm)
}

/// Checks runs of private pages, all and each; `nowhere` says what is wrong when there can be none.
fn private(
    state: &State<'_>,
    rec: &Rec<'_>,
    mm: &Rec<'_>,
    runs: Elements<'_, cr_img_run>,
    nowhere: &'static str,
) -> Result {
    let nr_vmas = mm.fixed::<cr_img_mm>()?.nr_vmas;
    let Some(mm) = state.find_placed(mm.id) else {
        return Err(rec.error(nowhere));
    };
    ascending(state, rec, runs, |run| {
        rec.require(state.covers(mm, nr_vmas, run.start, run.end), nowhere)
    })
}

/// Checks runs of pages in user space, all and each.
fn ascending(
    state: &State<'_>,
    rec: &Rec<'_>,
    runs: Elements<'_, cr_img_run>,
    check: impl Fn(Range<u64>) -> Result,
) -> Result {
    ascending_offsets(state, rec, runs, |run| {
        let in_user_space = is_user_range(run.start, run.end, state.page_size);
        rec.require(in_user_space, NOT_ASCENDING)?;
        check(run)
    })
}

const NOT_ASCENDING: &str = "not ascending ranges of pages";

/// The same, wherever they are.
pub(super) fn ascending_offsets(
    state: &State<'_>,
    rec: &Rec<'_>,
    runs: impl Iterator<Item = cr_img_run>,
    check: impl Fn(Range<u64>) -> Result,
) -> Result {
    let mut last_end = 0;
    for run in runs {
        let Some(end) = state.page_size.end_of(&run) else {
            return Err(rec.error("not a range of pages"));
        };
        rec.require(run.start >= last_end, NOT_ASCENDING)?;
        check(run.start..end)?;
        last_end = end;
    }
    Ok(())
}

pub(super) fn guards(state: &State<'_>, rec: Placed<'_>) -> Result<cr_img_guards> {
    let guards: cr_img_guards = rec.fixed()?;
    let mm: cr_img_mm = state
        .refers::<cr_img_mm>(rec, guards.mm, "no memory to guard")?
        .fixed()?;
    rec.require(guards.reserved == 0, "a reserved member is not zero")?;
    rec.require(guards.nr_runs > 0, "nothing is guarded")?;
    rec.require_elements::<cr_img_guards, cr_img_run>(u64::from(guards.nr_runs))?;
    let vmas = state.find_placed(guards.mm);
    let vmas = vmas.map_or(&[][..], |found| state.vmas_of(found, mm.nr_vmas));
    let vma = |index: &u32| state.get(*index)?.fixed::<cr_img_vma>().ok();
    let runs = rec.array(size_of::<cr_img_guards>());
    ascending(state, &rec, runs, |run| {
        let from = order::after(vmas, |index| {
            vma(index).is_some_and(|vma| vma.end <= run.start)
        });
        let fits = |vma: cr_img_vma| {
            vma.start <= run.start
                && run.end <= vma.end
                && vma.kind != CR_VMA_VDSO
                && vma.flags & (CR_VMA_LOCKED | CR_VMA_HUGETLB) == 0
        };
        rec.require(
            from.first().and_then(vma).is_some_and(fits),
            "a guard region that is not in a mapping which can have one",
        )
    })?;
    Ok(guards)
}

pub(super) fn ldt(state: &State<'_>, rec: Placed<'_>) -> Result<cr_img_ldt> {
    let ldt: cr_img_ldt = rec.fixed()?;
    state.refers::<cr_img_mm>(rec, ldt.mm, "no memory with a descriptor table")?;
    rec.require(ldt.reserved == 0, "a reserved member is not zero")?;
    rec.require(ldt.nr > 0, "an empty table")?;
    rec.require_elements::<cr_img_ldt, u64>(u64::from(ldt.nr))?;
    let mut descriptors = rec.array::<u64>(size_of::<cr_img_ldt>());
    rec.require(
        descriptors.all(segment::fits_ldt),
        "a segment that a program cannot make",
    )?;
    Ok(ldt)
}

impl State<'_> {
    /// Checks that pages of an object may go where a run says: into mappings that can have private
    /// pages, or into a shared memory object.
    ///
    /// `head_offset` is the offset of the `CR_TAG_PAGES`, for the error.
    pub fn check_run(&self, head_offset: u64, object: u64, run: &cr_img_run) -> Result {
        let fail = |message| {
            Err(CheckError {
                offset: head_offset,
                tag: Some(CR_TAG_PAGES),
                message,
            })
        };
        let Some(end) = self.page_size.end_of(run) else {
            return fail("not a range of pages");
        };
        let Some(rec) = self.find_placed(object) else {
            return fail("pages of an object that does not exist");
        };
        match rec.tag {
            CR_TAG_SHMEM => {
                let shmem: cr_img_shmem = rec.fixed()?;
                match end <= shmem.size {
                    true => Ok(()),
                    false => fail("pages beyond the end of the shared memory"),
                }
            }
            CR_TAG_INODE => {
                let inode: cr_img_inode = rec.fixed()?;
                match inode.size.checked_next_multiple_of(self.page_size.bytes()) {
                    Some(size) if end <= size => Ok(()),
                    _ => fail("pages beyond the end of the file"),
                }
            }
            CR_TAG_MM => {
                let mm: cr_img_mm = rec.fixed()?;
                match self.covers(rec, mm.nr_vmas, run.start, end) {
                    true => Ok(()),
                    false => fail("pages where no private memory is mapped"),
                }
            }
            _ => fail("pages of an object that has none"),
        }
    }

    /// Whether mappings that can have private pages cover the range.
    fn covers(&self, mm: Placed<'_>, nr_vmas: u32, mut start: u64, end: u64) -> bool {
        let vma = |index: &u32| self.get(*index)?.fixed::<cr_img_vma>().ok();
        let vmas = self.vmas_of(mm, nr_vmas);
        let vmas = order::after(vmas, |index| vma(index).is_some_and(|vma| vma.end <= start));
        for vma in vmas.iter().filter_map(vma) {
            let private = match vma.kind {
                CR_VMA_ANON => vma.flags & CR_VMA_DROPPABLE == 0,
                CR_VMA_FILE | CR_VMA_SHMEM => vma.flags & CR_VMA_SHARED == 0,
                _ => false,
            };
            if vma.start > start || !private {
                return false;
            }
            if vma.end >= end {
                return true;
            }
            start = vma.end;
        }
        false
    }
}
