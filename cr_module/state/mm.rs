// SPDX-License-Identifier: GPL-2.0

//! Memory descriptors: mappings, and where the parts of the program are.
//!
//! A mapping is restored by mmap(2) in the process itself, with what madvise(2), mprotect(2) and
//! mlock(2) have done to it since; the layout by prctl(PR_SET_MM_MAP). Contents follow when all
//! mappings are there: see [`memory`](crate::state::memory); what concerns all of it at once, and can be
//! taken back by nobody, at the end: see [`mm_flags`](crate::state::mm_flags).

use crate::{
    build::{Build, SYS_PRCTL},
    objects::Kind,
    report::{fail, words_for, Context, Result},
    save::Save,
    state::{
        aio, file, guard, hugetlb, inherit, inode, kin::Origin, numa, segments, shmem, sysv_shm,
        vdso,
    },
    tree::Process,
};
use cr_codec::{
    check::{huge_pages_of_vma, Rec},
    uapi::*,
};
use cr_sys::{
    build,
    errno::EOPNOTSUPP,
    file::{FileRef, FileType},
    mm::*,
    vec,
};
use kernel::prelude::*;
use zerocopy::IntoBytes;
use zerocopy_derive::{Immutable, IntoBytes};

const REFUSED_MM: &[(u32, &str)] = &[
    (CR_MM_X_LAM, "linear address masking"),
    (CR_MM_X_UPROBES, "uprobes"),
    (CR_MM_X_RDPMC, "mapped perf events"),
    (
        CR_MM_X_VDSO,
        "another vDSO than that of its kind of programs",
    ),
    (
        CR_MM_X_ABI,
        "a 32-bit program with less memory than others (ADDR_LIMIT_3GB), or of another kind",
    ),
];

const REFUSED_VMA: &[(u32, &str)] = &[
    (
        CR_VMA_X_UFFD,
        "is watched by userfaultfd, as it is until a restart with --lazy has brought all pages",
    ),
    (CR_VMA_X_PFNMAP, "shows a device"),
    (CR_VMA_X_POLICY, "has a NUMA policy (mbind)"),
    (CR_VMA_X_SHSTK, "is a shadow stack"),
    (CR_VMA_X_NAMED, "has a name (PR_SET_VMA_ANON_NAME)"),
    (CR_VMA_X_SYNC, "is synchronous (MAP_SYNC)"),
    (CR_VMA_X_SPECIAL, "belongs to the kernel"),
    (CR_VMA_X_OTHER, "has unknown flags"),
];

/// Saves the memory of a process, without its contents.
pub(crate) fn save(save: &mut Save<'_>, process: &Process) -> Result<u64> {
    let task = &process.living().task;
    let Some(mm) = task.mm() else {
        fail!(EAGAIN, "has given up its memory: try again");
    };
    if let Some(id) = save.objects.find(Kind::Mm, mm.identity()) {
        return Ok(id);
    }
    const SUID_DUMP_ROOT: u32 = 2;
    let mut record = cr_img_mm::default();
    let mut auxv = vec::zeroed(MAX_AUXV, GFP_KERNEL)?;
    let (unsupported, exe) = mm.read(task, &mut record, &mut auxv);
    if let Some(what) = words_for(REFUSED_MM, unsupported) {
        fail!(EOPNOTSUPP(), "{what}: not supported yet");
    }
    if record.dumpable == SUID_DUMP_ROOT {
        fail!(
            EOPNOTSUPP(),
            "dumps core for root only, which is not supported yet"
        );
    }
    let Some(exe) = exe else {
        fail!(EOPNOTSUPP(), "has no program file");
    };
    record.exe = file::save(save, &exe).context(format_args!("program"))?;

    // Mappings refer to files, which have to come first.
    let (vmas, guards) = save_mappings(save, &mm, &mut record)?;
    aio::check(&mm, &vmas)?;
    let id = save.objects.add(Kind::Mm, mm.identity())?;
    save.object(id, &record, &[auxv[..record.nr_auxv as usize].as_bytes()])?;
    for vma in &vmas {
        save.record(vma, &[])?;
    }
    guard::save(save, id, &guards)?;
    segments::save_ldt(save, id, &mm)?;
    let origin = Origin::of(&process.leader().info);
    save.memory.add_private(id, mm, vmas, origin)?;
    Ok(id)
}

/// Saves what is mapped, and returns the mappings themselves and the guard regions in them. Adds to
/// `record` what it says about them.
fn save_mappings(
    save: &mut Save<'_>,
    mm: &Mm,
    record: &mut cr_img_mm,
) -> Result<(KVVec<cr_img_vma>, KVVec<cr_img_run>)> {
    let mut vmas = KVVec::with_capacity(record.nr_vmas as usize, GFP_KERNEL)?;
    let mut guards = KVVec::new();
    let mut vdso_end = 0;
    for vma in mm.vmas() {
        let saved = save_vma(save, mm, &vma)
            .and_then(|saved| guard::find(mm, &vma, &mut guards).map(|()| saved))
            .context(format_args!("mapping {:#x}-{:#x}", vma.start, vma.end))?;
        if vma.vdso {
            if record.vdso == 0 {
                record.vdso = vma.start;
            } else if vdso_end != vma.start {
                fail!(
                    EOPNOTSUPP(),
                    "the vDSO was moved in parts, which is not supported yet"
                );
            }
            vdso_end = vma.end;
            if saved.flags & CR_VMA_EXEC != 0 {
                if vma.end - vma.start != vdso::len(vdso::is_compat(record)) {
                    fail!(
                        EOPNOTSUPP(),
                        "another vDSO than that of its kind of programs is not supported yet"
                    );
                }
            }
        }
        vmas.push(saved, GFP_KERNEL)?;
    }
    record.nr_vmas = vmas.len() as u32;
    if record.vdso != 0 {
        // The data of the caller is the same, and nobody has taken parts of it away.
        let data_len = match save.vdso_data_len {
            Some(len) => len,
            None => *save.vdso_data_len.insert(vdso::data_len()?),
        };
        if vdso_end - record.vdso != data_len + vdso::len(vdso::is_compat(record)) {
            fail!(
                EOPNOTSUPP(),
                "a part of the vDSO was unmapped, which is not supported yet"
            );
        }
        record.vdso_crc = vdso::crc(vdso::is_compat(record));
    }
    Ok((vmas, guards))
}

fn save_vma(save: &mut Save<'_>, mm: &Mm, vma: &Vma) -> Result<cr_img_vma> {
    let mut record = cr_img_vma {
        start: vma.start,
        end: vma.end,
        pgoff: vma.pgoff,
        object: 0,
        policy: numa::save_vma(save, mm, vma)?,
        kind: CR_VMA_ANON,
        flags: vma.flags,
    };
    if vma.vdso {
        const BY_KERNEL: u32 = CR_VMA_DONTDUMP | CR_VMA_ACCOUNT;
        record.kind = CR_VMA_VDSO;
        record.pgoff = 0;
        record.flags &= PROTECTION;
        if vma.flags & !(PROTECTION | BY_KERNEL) != 0 {
            fail!(
                EOPNOTSUPP(),
                "advice about the vDSO (madvise), which is not supported yet"
            );
        }
        return Ok(record);
    }
    if let Some(what) = words_for(REFUSED_VMA, vma.unsupported) {
        fail!(
            EOPNOTSUPP(),
            "{what} ({:#x}), which is not supported yet",
            vma.vm_flags
        );
    }
    if let Some(file) = &vma.file {
        let (kind, info, read) = file.read_info();
        record.kind = CR_VMA_FILE;
        if kind == FileType::Regular {
            hugetlb::check_length(&record, read.size)?;
        }
        if kind == FileType::SharedMemory {
            record.kind = CR_VMA_SHMEM;
            record.object = shmem::save(save, file, info.inode)?;
        } else if kind == FileType::AioRing {
            record.kind = CR_VMA_AIO;
            record.object = aio::save(save, mm, vma, file)?;
        } else if kind == FileType::SysvSharedMemory {
            record.kind = CR_VMA_SHM;
            record.object = sysv_shm::object_of(save, info.inode)?;
            if vma.is_sealed() {
                record.flags |= CR_VMA_RDONLY;
            }
        } else if kind == FileType::Memfd && vma.is_sealed() && info.writable {
            // It may have locks.
            file::save(save, file)?;
            record.object = inode::save_sealed(save, file, info.inode)?;
        } else {
            if kind == FileType::IoUring && vma.flags & CR_VMA_SHARED == 0 {
                fail!(
                    EOPNOTSUPP(),
                    "a private mapping of io_uring is not supported yet"
                );
            }
            if kind == FileType::IoUring && !file.uring_is_mapped(mm, vma.start, vma.end, vma.pgoff)
            {
                fail!(
                    EOPNOTSUPP(),
                    "shows memory of io_uring that is not the instance's any more, or a part of it, which is \
                     not supported yet: unmap it"
                );
            }
            record.object = file::save(save, file)?;
        }
    } else {
        // Its page offset follows from where it was made, and has no meaning.
        record.pgoff = 0;
        if !vma.anonymous || vma.flags & CR_VMA_SHARED != 0 {
            fail!(
                EOPNOTSUPP(),
                "belongs to the kernel, which is not supported yet"
            );
        }
    }
    Ok(record)
}

/// What mprotect(2) says: PROT_* are the same.
pub(crate) const PROTECTION: u32 = CR_VMA_READ | CR_VMA_WRITE | CR_VMA_EXEC;

const SYS_MPROTECT: u32 = 10;
const SYS_MADVISE: u32 = 28;
const SYS_CLOSE: u32 = 3;
const SYS_MLOCK2: u32 = 325;
const SYS_PKEY_MPROTECT: u32 = 329;

const MAP_SHARED: u32 = 0x01;
const MAP_PRIVATE: u32 = 0x02;
const MAP_DROPPABLE: u32 = 0x08;
const MAP_ANONYMOUS: u32 = 0x20;
const MAP_GROWSDOWN: u32 = 0x0100;
const MAP_NORESERVE: u32 = 0x4000;
const PROT_WRITE: u32 = 2;
const MLOCK_ONFAULT: u64 = 1;
const PR_SET_MM: u64 = 35;
const PR_SET_MM_MAP: u64 = 14;

/// madvise(2) advice that leaves a mark on a mapping.
const ADVICE: &[(u32, u64)] = &[
    (CR_VMA_RAND_READ, 1),
    (CR_VMA_SEQ_READ, 2),
    (CR_VMA_DONTFORK, 10),
    (CR_VMA_HUGEPAGE, 14),
    (CR_VMA_NOHUGEPAGE, 15),
    (CR_VMA_DONTDUMP, 16),
    (CR_VMA_WIPEONFORK, 18),
];

/// struct prctl_mm_map of `include/uapi/linux/prctl.h`.
#[derive(IntoBytes, Immutable)]
#[repr(C)]
struct MmMap {
    code_data_brk_stack_arg_env: [u64; 11],
    auxv: u64,
    auxv_size: u32,
    exe_fd: u32,
}

/// Maps everything into the current process, but what it has already from its parent.
pub(crate) fn restore(build: &Build<'_>, at: usize, inherited: Option<&Inherited<'_>>) -> Result {
    let rec = build.record(at);
    let mm: cr_img_mm = rec.fixed()?;
    build::set_pkeys(mm.pkeys, mm.exec_pkey);
    let same_layout = inherited.is_some_and(|parent| {
        parent.layout.as_bytes() == layout_of(&mm).as_bytes()
            && parent.auxv == rec.variable::<cr_img_mm>()
    });
    if !same_layout {
        // The program can be replaced only while none of it is mapped.
        let same_exe = inherited.is_some_and(|parent| parent.layout.exe == mm.exe);
        let exe = if same_exe {
            None
        } else {
            Some(build.file(mm.exe)?)
        };
        restore_layout(build, &mm, &rec, exe)?;
    }
    let guards = guard::Guards::of(build.plan, build.process)?;
    let huge = hugetlb::Pages::of(build.plan, build.process)?;
    let mut vdso_done = inherited.is_some_and(|parent| parent.vdso);
    for vma in build.vmas(at)? {
        if vma.kind == CR_VMA_VDSO {
            if !core::mem::replace(&mut vdso_done, true) {
                vdso::map(build, &mm)?;
            }
            continue;
        }
        if let Some(parent) = inherited.filter(|parent| inherit::is_kept(parent.vmas, &vma)) {
            guards.change(build, &vma, &parent.guards)?;
            huge.populate(build, &vma, false)?;
            continue;
        }
        map(build, &vma, &guards)
            .and_then(|()| huge.populate(build, &vma, true))
            .context(format_args!("mapping {:#x}-{:#x}", vma.start, vma.end))?;
    }
    match inherited.is_some_and(|parent| parent.vdso) {
        true => Ok(()),
        false => {
            vdso::protect(build, at)?;
            vdso::check(build, at)
        }
    }
}

/// The part of the record that [`restore_layout`] is about.
pub(crate) fn layout_of(mm: &cr_img_mm) -> cr_img_mm {
    cr_img_mm {
        vdso: 0,
        vdso_crc: 0,
        nr_vmas: 0,
        dumpable: 0,
        membarrier: 0,
        flags: 0,
        dump_filter: 0,
        futex_slots: 0,
        hiwater_rss: 0,
        hiwater_vm: 0,
        pkeys: 0,
        exec_pkey: 0,
        mmap_base: 0,
        mmap_legacy_base: 0,
        mmap_compat_base: 0,
        mmap_compat_legacy_base: 0,
        ..*mm
    }
}

/// What a process that was just forked has from its parent.
pub(crate) struct Inherited<'a> {
    pub(crate) vmas: &'a [cr_img_vma],
    pub(crate) guards: guard::Guards,
    /// The vDSO, too.
    pub(crate) vdso: bool,
    pub(crate) layout: cr_img_mm,
    pub(crate) auxv: &'a [u8],
}

fn map(build: &Build<'_>, vma: &cr_img_vma, guards: &guard::Guards) -> Result {
    let has = |flag| vma.flags & flag != 0;
    let prot = vma.flags & PROTECTION;
    let length = vma.end - vma.start;
    let mut flags = match (has(CR_VMA_SHARED), has(CR_VMA_DROPPABLE)) {
        (true, _) => MAP_SHARED,
        (_, true) => MAP_DROPPABLE,
        _ => MAP_PRIVATE,
    };
    let first_prot = match was_writable(vma) {
        true => prot | PROT_WRITE,
        false => prot,
    };
    if has(CR_VMA_NORESERVE) || hugetlb::has_nothing_reserved(vma) {
        flags |= MAP_NORESERVE;
    }
    if has(CR_VMA_GROWSDOWN) {
        flags |= MAP_GROWSDOWN;
    }
    if vma.kind == CR_VMA_AIO {
        aio::restore(build, vma)?;
        return advise(build, vma, guards);
    }
    let is_io_uring = vma.kind == CR_VMA_FILE
        && build.object(vma.object)?.fixed::<cr_img_file>()?.kind == CR_FILE_IO_URING;
    if is_io_uring {
        build
            .file(vma.object)?
            .map_io_uring(vma.start, length, prot, vma.pgoff)?;
        return advise(build, vma, guards);
    }
    let file = match vma.kind {
        CR_VMA_ANON => {
            flags |= MAP_ANONYMOUS;
            None
        }
        CR_VMA_SHM => Some(build.plan.segment(vma.object, has(CR_VMA_RDONLY))?),
        _ => Some(build.file(vma.object)?.clone()),
    };
    if let (CR_VMA_FILE, Some(file)) = (vma.kind, &file) {
        hugetlb::check_size(file, huge_pages_of_vma(vma))?;
    }
    build::map(
        file.as_ref(),
        vma.start,
        length,
        first_prot,
        flags,
        vma.pgoff << 12,
    )?;
    hugetlb::restore_flags(vma);
    advise(build, vma, guards)
}

/// Does to a new mapping what mbind(2), madvise(2) and mlock(2) have done.
fn advise(build: &Build<'_>, vma: &cr_img_vma, guards: &guard::Guards) -> Result {
    let has = |flag| vma.flags & flag != 0;
    let length = vma.end - vma.start;
    numa::bind(build, vma)?;
    // What droppable memory has of these, it has from the beginning.
    let advice = ADVICE
        .iter()
        .filter(|(flag, _)| has(*flag) && !has(CR_VMA_DROPPABLE));
    for (_, advice) in advice {
        build
            .syscall(SYS_MADVISE, [vma.start, length, *advice])
            .context(format_args!("madvise {advice}"))?;
    }
    guards.install(build, vma)?;
    if has(CR_VMA_LOCKED) {
        let lock = |how| build.syscall(SYS_MLOCK2, [vma.start, length, how]);
        // Whether so much may be locked is known after that.
        lock(MLOCK_ONFAULT).context(format_args!("mlock"))?;
        if !has(CR_VMA_LOCKONFAULT) {
            // There may be no pages to be had, as in a guard page of a stack: the mapping is locked
            // then, all the same, as it is by mlockall(2), which does not complain.
            if let Err(failure) = lock(0) {
                if failure.errno() != ENOMEM {
                    return Err(failure).context(format_args!("mlock"));
                }
            }
        }
    }
    Ok(())
}

/// Whether it was writable once: the memory was promised then. Or it is to be for as long as it gets huge
/// pages, which the process itself asks for.
fn was_writable(vma: &cr_img_vma) -> bool {
    vma.flags & (CR_VMA_SHARED | CR_VMA_WRITE | CR_VMA_ACCOUNT) == CR_VMA_ACCOUNT
        || hugetlb::is_private(vma) && vma.flags & CR_VMA_WRITE == 0
}

/// Takes the right to write from mappings that have lost it, and gives them their protection keys.
/// With pages in them, they keep the promise, so this comes after the contents of memory.
///
/// What a process has from its parent, `parents`, has lost it already.
pub(crate) fn restore_protection(build: &Build<'_>, at: usize, parents: &[cr_img_vma]) -> Result {
    let mm: cr_img_mm = build.record(at).fixed()?;
    // Mappings may have keys that are free by now.
    const ALL: u32 = (1 << CR_NR_PKEYS) - 1;
    let has_keys = build::set_pkeys(ALL, mm.exec_pkey);
    for vma in build
        .vmas(at)?
        .filter(|vma| !inherit::is_kept(parents, vma))
    {
        let prot = u64::from(vma.flags & PROTECTION);
        let key = u64::from(vma.flags >> CR_VMA_PKEY_SHIFT);
        let (start, length) = (vma.start, vma.end - vma.start);
        let by_kernel = match key {
            0 => !has_keys || prot != u64::from(CR_VMA_EXEC) || vma.kind == CR_VMA_VDSO,
            key => key == u64::from(mm.exec_pkey),
        };
        let result = if !by_kernel {
            build.syscall6(SYS_PKEY_MPROTECT, [start, length, prot, key, 0, 0])
        } else if was_writable(&vma) {
            build.syscall(SYS_MPROTECT, [start, length, prot])
        } else {
            continue;
        };
        result.context(format_args!("mprotect {start:#x}-{:#x}", vma.end))?;
    }
    // mmap(2) may have taken one, too, for what can only be executed.
    build::set_pkeys(mm.pkeys, mm.exec_pkey);
    Ok(())
}

fn restore_layout(
    build: &Build<'_>,
    mm: &cr_img_mm,
    rec: &Rec<'_>,
    exe: Option<&FileRef>,
) -> Result {
    const AUXV_AT: u64 = 256;
    const NO_CHANGE: u32 = u32::MAX;
    let auxv = rec.variable::<cr_img_mm>();
    let exe_fd = match exe {
        Some(exe) => build::install_any_fd(exe)?,
        None => NO_CHANGE,
    };
    let map = MmMap {
        code_data_brk_stack_arg_env: [
            mm.start_code,
            mm.end_code,
            mm.start_data,
            mm.end_data,
            mm.start_brk,
            mm.brk,
            mm.start_stack,
            mm.arg_start,
            mm.arg_end,
            mm.env_start,
            mm.env_end,
        ],
        auxv: build.scratch(AUXV_AT, auxv)?,
        auxv_size: auxv.len() as u32,
        exe_fd,
    };
    let addr = build.scratch(0, map.as_bytes())?;
    let size = size_of::<MmMap>() as u64;
    let result = build.syscall6(SYS_PRCTL, [PR_SET_MM, PR_SET_MM_MAP, addr, size, 0, 0]);
    if exe.is_some() {
        build.syscall(SYS_CLOSE, [u64::from(exe_fd), 0, 0])?;
    }
    result.context(format_args!("layout of the program"))?;
    Ok(())
}
