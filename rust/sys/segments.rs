// SPDX-License-Identifier: GPL-2.0

//! Segments that programs have made for themselves.
//!
//! C headers: [`arch/x86/include/asm/desc.h`](srctree/arch/x86/include/asm/desc.h),
//! [`arch/x86/include/asm/mmu_context.h`](srctree/arch/x86/include/asm/mmu_context.h).

use crate::{bindings, mm::Mm, task::TaskRef, vec};
use cr_codec::uapi::cr_img_tls;
use kernel::{error::to_result, prelude::*};

impl Mm {
    /// Its local descriptor table; empty if it has none.
    pub fn ldt(&self) -> Result<KVVec<u64>> {
        let mut entries: KVVec<u64> = KVVec::new();
        loop {
            let max = entries.len() as u32;
            // SAFETY: The memory is valid, and `entries` for writes of so many.
            let nr =
                unsafe { bindings::cr_shim_ldt_read(self.as_ptr(), entries.as_mut_ptr(), max) };
            // It never becomes smaller.
            if nr == max {
                return Ok(entries);
            }
            entries = vec::zeroed(nr as usize, GFP_KERNEL)?;
        }
    }
}

impl TaskRef {
    /// The segments that it has in the global descriptor table. It stands still, or is the current
    /// one.
    pub fn tls(&self) -> cr_img_tls {
        let mut out = cr_img_tls::default();
        // SAFETY: The task is valid, `out` is valid for writes.
        unsafe { bindings::cr_shim_tls_read(self.as_ptr(), &mut out) };
        out
    }
}

/// Gives the current task a segment of these three, of the `struct user_desc` at an address in its
/// memory.
pub fn set_tls(entry: u32, user_desc: u64) -> Result {
    // SAFETY: The current task may set its own, by which nobody else is concerned; every value is
    // checked.
    to_result(unsafe { bindings::cr_shim_tls_set(entry, user_desc) })
}
