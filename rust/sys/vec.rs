// SPDX-License-Identifier: GPL-2.0

//! Vectors of many bytes.
//!
//! `KVVec::from_elem`, `resize` and `extend_from_slice` go element by element, where the allocator
//! has cleared the memory already, or `memset()` and `memcpy()` do it at once. For bytes, that took a
//! tenth of the time of many a checkpoint and restart.

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

/// Adds bytes to the end of a vector. Those who have its memory are charged for it.
pub fn extend(vec: &mut KVVec<u8>, bytes: &[u8]) -> Result {
    vec.reserve(bytes.len(), GFP_KERNEL_ACCOUNT)?;
    let spare = vec.spare_capacity_mut().as_mut_ptr().cast::<u8>();
    // SAFETY: There is room for so many bytes behind the elements, which nobody else refers to.
    unsafe { spare.copy_from_nonoverlapping(bytes.as_ptr(), bytes.len()) };
    // SAFETY: They have just been initialised.
    unsafe { vec.inc_len(bytes.len()) };
    Ok(())
}
