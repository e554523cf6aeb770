// SPDX-License-Identifier: GPL-2.0

//! Memory descriptors, mappings and pages.
//!
//! C headers: [`include/linux/mm.h`](srctree/include/linux/mm.h),
//! [`include/linux/pagewalk.h`](srctree/include/linux/pagewalk.h).

use crate::{bindings, file::FileRef, task::TaskRef};
use core::ptr::NonNull;
use cr_codec::uapi::*;
use kernel::{
    error::{from_err_ptr, to_result},
    mm::MmWithUser,
    prelude::*,
    sync::aref::ARef,
};

pub use bindings::{
    CR_MM_X_ABI, CR_MM_X_LAM, CR_MM_X_RDPMC, CR_MM_X_UPROBES, CR_MM_X_VDSO, CR_VMA_X_NAMED,
    CR_VMA_X_OTHER, CR_VMA_X_PFNMAP, CR_VMA_X_POLICY, CR_VMA_X_SHSTK, CR_VMA_X_SPECIAL,
    CR_VMA_X_SYNC, CR_VMA_X_UFFD,
};

/// In the number of a page frame: the page may have changed since changes were noted last.
pub const PFN_CHANGED: u64 = bindings::CR_SHIM_PFN_CHANGED as u64;

/// In the number of a page frame: the page is a part of a huge one.
pub const PFN_HUGE: u64 = bindings::CR_SHIM_PFN_HUGE;

/// Bytes in a page.
pub const PAGE_SIZE: usize = kernel::page::PAGE_SIZE;

/// Words in the longest auxiliary vector.
pub const MAX_AUXV: usize = 64;

/// The vDSO that 64-bit programs have, or `compat` ones of 32 bits: whole pages.
pub fn vdso(compat: bool) -> &'static [u8] {
    let mut len = 0;
    // SAFETY: `len` is valid for writes.
    let data = unsafe { bindings::cr_shim_vdso(compat, &mut len) };
    // SAFETY: It is a part of the kernel, so many bytes, which has patched it at boot and does not
    // write to it any more.
    unsafe { core::slice::from_raw_parts(data.cast(), len) }
}

/// Pages that [`Mm::pages`] gets at once.
pub const PAGE_BATCH: usize = 16;

/// Memory of a process, with a reference that keeps its mappings.
#[derive(Clone)]
pub struct Mm(ARef<MmWithUser>);

/// A mapping.
pub struct Vma {
    /// First address.
    pub start: u64,
    /// First address after it.
    pub end: u64,
    /// Offset in the file, in pages.
    pub pgoff: u64,
    /// VM_* as the kernel has them.
    pub vm_flags: u64,
    /// CR_VMA_X_*: what cannot be saved about it.
    pub unsupported: u64,
    /// CR_VMA_*.
    pub flags: u32,
    /// No file and no driver provides its pages.
    pub anonymous: bool,
    /// Part of the vDSO's group.
    pub vdso: bool,
    /// There may be guard regions in it.
    pub guards: bool,
    /// It has a NUMA policy of its own.
    pub policy: bool,
    /// The mapped file.
    pub file: Option<FileRef>,
}

impl Vma {
    /// Whether it is a shared one that nobody may write to, nor make writable.
    pub fn is_sealed(&self) -> bool {
        self.flags & CR_VMA_SHARED != 0 && self.vm_flags & bindings::VM_MAYWRITE as u64 == 0
    }
}

impl Mm {
    /// Takes over a reference.
    ///
    /// # Safety
    ///
    /// `ptr` is valid, with `mm_users` raised by the caller, who gives that up.
    pub(crate) unsafe fn from_owned(ptr: NonNull<bindings::mm_struct>) -> Self {
        // SAFETY: `MmWithUser` is a transparent wrapper, and the reference is the caller's.
        Self(unsafe { ARef::from_raw(ptr.cast()) })
    }

    pub(crate) fn as_ptr(&self) -> *mut bindings::mm_struct {
        self.0.as_raw()
    }

    /// The memory of the current task.
    pub fn current() -> Option<Self> {
        // SAFETY: Never called from a kernel thread; the result is referenced.
        let ptr = unsafe { bindings::cr_shim_current_mm() };
        // SAFETY: The reference is ours now.
        Some(unsafe { Self::from_owned(NonNull::new(ptr)?) })
    }

    /// A number that tells it from others that live.
    pub fn identity(&self) -> u64 {
        self.as_ptr() as u64
    }

    /// Fills in the layout and the auxiliary vector (of which `nr_auxv` words are used), and
    /// returns what cannot be saved about it (CR_MM_X_*) and the program.
    pub fn read(
        &self,
        task: &TaskRef,
        out: &mut cr_img_mm,
        auxv: &mut [u64],
    ) -> (u64, Option<FileRef>) {
        let mut unsupported = 0;
        let mut exe = core::ptr::null_mut();
        // SAFETY: Task and memory are valid; `auxv` has as much room as said; `exe` becomes null
        // or a referenced file.
        unsafe {
            bindings::cr_shim_mm_read(
                task.as_ptr(),
                self.as_ptr(),
                out,
                auxv.as_mut_ptr(),
                auxv.len() as u32,
                &mut unsupported,
                &mut exe,
            )
        };
        // SAFETY: The reference is ours now.
        let exe = NonNull::new(exe).map(|exe| unsafe { FileRef::from_owned(exe) });
        (unsupported, exe)
    }

    /// The mappings, by ascending address.
    pub fn vmas(&self) -> impl Iterator<Item = Vma> + '_ {
        self.vmas_from(0, false)
    }

    /// Those of them that belong to the vDSO.
    pub fn vdso(&self) -> impl Iterator<Item = Vma> + '_ {
        self.vmas_from(0, true)
    }

    /// The mapping at an address.
    pub fn vma_at(&self, addr: u64) -> Option<Vma> {
        let next = self.vmas_from(addr, false).next();
        next.filter(|vma| vma.start <= addr)
    }

    fn vmas_from(&self, mut addr: u64, vdso: bool) -> impl Iterator<Item = Vma> + '_ {
        core::iter::from_fn(move || {
            let mut raw = bindings::cr_shim_vma::default();
            // SAFETY: The memory is valid, `raw` is valid for writes.
            if !unsafe { bindings::cr_shim_vma_next(self.as_ptr(), addr, vdso, &mut raw) } {
                return None;
            }
            addr = raw.end;
            Some(Vma {
                start: raw.start,
                end: raw.end,
                pgoff: raw.pgoff,
                vm_flags: raw.vm_flags,
                unsupported: raw.unsupported,
                flags: raw.flags,
                anonymous: raw.anonymous,
                vdso: raw.vdso,
                guards: raw.guards,
                policy: raw.policy,
                file: NonNull::new(raw.file).map(|file| {
                    // SAFETY: The reference is ours now.
                    unsafe { FileRef::from_owned(file) }
                }),
            })
        })
    }

    /// Finds the pages between two addresses that belong to this memory alone.
    ///
    /// Returns how many runs were found and where to go on, which is `end` when all is done. For
    /// each page, `pfns` gets the number of its frame, or 0 when it is swapped out, with
    /// [`PFN_CHANGED`] and [`PFN_HUGE`] where that holds; it has room for a huge page at least. Counts
    /// the pages looked at in `scanned`.
    pub fn private_runs(
        &self,
        start: u64,
        end: u64,
        runs: &mut [cr_img_run],
        pfns: &mut [u64],
        scanned: &mut u64,
    ) -> Result<(usize, u64)> {
        let (mut nr, mut next) = (0, start);
        // SAFETY: The memory is valid; `runs` has as much room as said.
        to_result(unsafe {
            bindings::cr_shim_mm_runs(
                self.as_ptr(),
                start,
                end,
                runs.as_mut_ptr(),
                runs.len() as u32,
                &mut nr,
                pfns.as_mut_ptr(),
                pfns.len() as u32,
                &mut next,
                scanned,
            )
        })?;
        Ok((nr as usize, next))
    }

    /// Finds the guard regions between two addresses. Returns how many, and where to go on, which is
    /// `end` when all is done.
    pub fn guards(&self, start: u64, end: u64, runs: &mut [cr_img_run]) -> Result<(usize, u64)> {
        let (mut nr, mut next) = (0, start);
        // SAFETY: The memory is valid; `runs` has as much room as said.
        to_result(unsafe {
            bindings::cr_shim_mm_guards(
                self.as_ptr(),
                start,
                end,
                runs.as_mut_ptr(),
                runs.len() as u32,
                &mut nr,
                &mut next,
            )
        })?;
        Ok((nr as usize, next))
    }

    /// Gets at most [`PAGE_BATCH`] of `nr` pages from `addr` on; with `write`, makes them private.
    pub fn pages(&self, addr: u64, nr: u64, write: bool) -> Result<Pages> {
        let mut pages = Pages {
            pages: [core::ptr::null_mut(); PAGE_BATCH],
            nr: 0,
            write,
        };
        let nr = nr.min(PAGE_BATCH as u64) as u32;
        // SAFETY: The memory is valid; there is room for as many pages as are asked for.
        let got = unsafe {
            bindings::cr_shim_pages_get(self.as_ptr(), addr, nr, write, pages.pages.as_mut_ptr())
        };
        match got {
            0 => Err(EFAULT),
            got if got < 0 => Err(Error::from_errno(got as i32)),
            got => {
                pages.nr = got as usize;
                Ok(pages)
            }
        }
    }

    /// Whether pages may be made huge ones, until its process says so itself: it stands still.
    pub fn allow_huge(&self, allow: bool) {
        // SAFETY: The memory is valid.
        unsafe { bindings::cr_shim_mm_allow_huge(self.as_ptr(), allow) }
    }

    /// A copy-on-write snapshot of its private memory, as fork(2) makes it: without mappings that
    /// are not for children. Its tasks stand still.
    pub fn snapshot(&self) -> Result<Self> {
        // SAFETY: The memory is valid; the result is an error or referenced.
        let ptr = from_err_ptr(unsafe { bindings::cr_shim_mm_snapshot(self.as_ptr()) })?;
        // SAFETY: The reference is ours now.
        Ok(unsafe { Self::from_owned(NonNull::new(ptr).ok_or(ENOMEM)?) })
    }

    /// Copies from it to `out`.
    pub fn copy(&self, addr: u64, out: &mut [u8]) -> Result {
        // SAFETY: The memory is valid; `out` is valid for writes of its length.
        to_result(unsafe {
            bindings::cr_shim_mm_copy(
                self.as_ptr(),
                addr,
                out.as_mut_ptr().cast(),
                out.len() as u32,
            )
        })
    }
}

/// Some pages of a process that stands still, with references.
pub struct Pages {
    pages: [*mut bindings::page; PAGE_BATCH],
    nr: usize,
    write: bool,
}

impl Pages {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.nr
    }

    /// Whether there is none, which cannot be.
    pub fn is_empty(&self) -> bool {
        self.nr == 0
    }

    /// Contents of one. Its process stands still, and nobody else maps a private page writably.
    pub fn bytes(&self, index: usize) -> &[u8] {
        let page = self.pages[..self.nr][index];
        // SAFETY: The page is referenced as long as `self`.
        let addr = unsafe { bindings::cr_shim_page_addr(page) };
        // SAFETY: Every page has an address in the kernel's direct mapping.
        unsafe { core::slice::from_raw_parts(addr.cast(), PAGE_SIZE) }
    }

    /// The same for writing; only of pages that were got with `write`.
    pub fn bytes_mut(&mut self, index: usize) -> Result<&mut [u8]> {
        if !self.write {
            return Err(EINVAL);
        }
        let page = self.pages[..self.nr][index];
        // SAFETY: The page is referenced as long as `self`.
        let addr = unsafe { bindings::cr_shim_page_addr(page) };
        // SAFETY: As above; the page is private to a process that stands still.
        Ok(unsafe { core::slice::from_raw_parts_mut(addr.cast(), PAGE_SIZE) })
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        for page in &self.pages[..self.nr] {
            // SAFETY: The reference is ours.
            unsafe { bindings::cr_shim_page_put(*page, self.write) }
        }
    }
}
