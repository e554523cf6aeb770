// SPDX-License-Identifier: GPL-2.0

//! Vectors of zeroes.
//!
//! `KVVec::from_elem` and `KVVec::resize` write element by element what the allocator has cleared
//! already, or what `memset()` clears at once: for many a restart, that took a tenth of the time.

use kernel::{
    alloc::{
        flags::{GFP_KERNEL_ACCOUNT, __GFP_ZERO},
        Flags,
    },
    prelude::*,
};
use zerocopy::FromZeros;

/// A vector of `len` zeroes.
pub fn zeroed<T: FromZeros>(len: usize, flags: Flags) -> Result<KVVec<T>> {
    let mut vec = KVVec::with_capacity(len, flags | __GFP_ZERO)?;
    // SAFETY: There is room for `len` elements, all of whose bytes the allocator has cleared, and
    // zeroes are valid elements.
    unsafe { vec.inc_len(len) };
    Ok(vec)
}

/// Adds `more` zeroes to the end of a vector. Those who have its memory are charged for it.
pub fn extend_zeroed(vec: &mut KVVec<u8>, more: usize) -> Result {
    vec.reserve(more, GFP_KERNEL_ACCOUNT)?;
    let spare = vec.spare_capacity_mut().as_mut_ptr();
    // SAFETY: There is room for so many bytes behind the elements, which nobody else refers to.
    unsafe { spare.write_bytes(0, more) };
    // SAFETY: They have just been initialised.
    unsafe { vec.inc_len(more) };
    Ok(())
}
