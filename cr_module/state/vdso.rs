// SPDX-License-Identifier: GPL-2.0

//! The vDSO: a program has addresses in it, so that it has to be the same, at the same place.

use crate::{
    build::Build,
    report::{fail, failure, Context, Result},
    state::{mm::PROTECTION, thread::emulated},
};
use cr_codec::{check::Rec, uapi::*};
use cr_sys::{
    build,
    errno::{ENOSYS, EOPNOTSUPP},
    misc,
    mm::*,
};
use kernel::{prelude::*, sync::SetOnce};

const SYS_MPROTECT: u32 = 10;
const SYS_ARCH_PRCTL: u32 = 158;
const ARCH_MAP_VDSO_32: u64 = 0x2002;
const ARCH_MAP_VDSO_64: u64 = 0x2003;

/// Whether it is that of 32-bit programs.
pub(crate) fn is_compat(mm: &cr_img_mm) -> bool {
    mm.flags & CR_MM_COMPAT != 0
}

/// Checksum of this kernel's vDSO for one kind of programs, which never changes.
pub(crate) fn crc(compat: bool) -> u32 {
    static CRCS: [SetOnce<u32>; 2] = [SetOnce::new(), SetOnce::new()];
    let known = &CRCS[usize::from(compat)];
    known.copy().unwrap_or_else(|| {
        let crc = misc::crc32c(0, vdso(compat));
        known.populate(crc);
        crc
    })
}

/// Bytes of this kernel's vDSO, without its data.
pub(crate) fn len(compat: bool) -> u64 {
    vdso(compat).len() as u64
}

/// Maps it into the current process.
pub(crate) fn map(build: &Build<'_>, mm: &cr_img_mm) -> Result {
    let which = match is_compat(mm) {
        true => ARCH_MAP_VDSO_32,
        false => ARCH_MAP_VDSO_64,
    };
    build
        .syscall(SYS_ARCH_PRCTL, [which, mm.vdso, 0])
        .context(format_args!("mapping the vDSO"))?;
    Ok(())
}

/// Bytes of this kernel's data for the vDSO, which the caller has mapped as well.
pub(crate) fn data_len() -> Result<u64> {
    let mm = Mm::current().ok_or(ESRCH)?;
    let both: u64 = mm.vdso().map(|vma| vma.end - vma.start).sum();
    Ok(both.saturating_sub(len(false)))
}

/// A program has addresses in the vDSO: it has to be the same, and there has to be one.
pub(crate) fn check_crc(rec: &Rec<'_>) -> Result {
    let mm: cr_img_mm = rec.fixed()?;
    if is_compat(&mm) && !build::runs_compat() {
        return emulated(Err(ENOSYS()));
    }
    if mm.vdso != 0 && mm.vdso_crc != crc(is_compat(&mm)) {
        fail!(
            EOPNOTSUPP(),
            "this kernel has another vDSO than the image's"
        );
    }
    Ok(())
}

/// Gives the parts of the vDSO the protection that they had.
pub(crate) fn protect(build: &Build<'_>, at: usize) -> Result {
    let current = Mm::current().ok_or(ESRCH)?;
    for vma in build.vmas(at)?.filter(|vma| vma.kind == CR_VMA_VDSO) {
        let ours = current.vma_at(vma.start);
        if ours.is_none_or(|ours| ours.flags & PROTECTION != vma.flags) {
            let prot = u64::from(vma.flags);
            build
                .syscall(SYS_MPROTECT, [vma.start, vma.end - vma.start, prot])
                .context(format_args!("protection of the vDSO"))?;
        }
    }
    Ok(())
}

/// And it has to be at the same place.
pub(crate) fn check(build: &Build<'_>, at: usize) -> Result {
    let differs = || {
        failure!(
            EOPNOTSUPP(),
            "this kernel has another vDSO than the image's"
        )
    };
    let current = Mm::current().ok_or(ESRCH)?;
    let mut ours = current.vdso();
    for vma in build.vmas(at)?.filter(|vma| vma.kind == CR_VMA_VDSO) {
        let found = ours.next().ok_or_else(differs)?;
        if (found.start, found.end) != (vma.start, vma.end) {
            return Err(differs());
        }
    }
    match ours.next() {
        None => Ok(()),
        Some(_) => Err(differs()),
    }
}
