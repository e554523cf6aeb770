// SPDX-License-Identifier: GPL-2.0

//! Arguments of the ioctls: structures that may grow.
//!
//! C header: `uapi/linux/cr.h`. The rules are those of `copy_struct_from_user()`.

use crate::report::{fail, Result};
use cr_sys::vec;
use kernel::{
    prelude::*,
    uaccess::{UserPtr, UserSlice},
};
use zerocopy::{FromBytes, Immutable, IntoBytes};

/// An argument structure of the caller.
pub(crate) struct Argument<T> {
    /// As the caller has filled it in.
    pub(crate) value: T,
    addr: usize,
    size: usize,
}

impl<T: FromBytes + IntoBytes + Immutable> Argument<T> {
    /// Copies it from the caller; its first member is its size.
    pub(crate) fn read(addr: usize) -> Result<KBox<Self>> {
        let ptr = UserPtr::from_addr(addr);
        let size = UserSlice::new(ptr, size_of::<u32>())
            .reader()
            .read::<u32>()? as usize;
        if size < size_of::<u64>() {
            fail!(EINVAL, "argument: impossible size {size}");
        }
        if size > cr_sys::mm::PAGE_SIZE {
            fail!(E2BIG, "argument: impossible size {size}");
        }
        let value = T::new_zeroed();
        let mut argument = KBox::new(Self { value, addr, size }, GFP_KERNEL)?;
        let bytes = argument.value.as_mut_bytes();
        let known = size.min(bytes.len());
        let mut reader = UserSlice::new(ptr, size).reader();
        reader.read_slice(&mut bytes[..known])?;
        for _ in known..size {
            if reader.read::<u8>()? != 0 {
                fail!(
                    E2BIG,
                    "argument: has members that this module does not know"
                );
            }
        }
        Ok(argument)
    }

    /// Copies it back to the caller, as much of it as the caller knows.
    pub(crate) fn write(&self) -> Result {
        let bytes = self.value.as_bytes();
        let known = self.size.min(bytes.len());
        let mut writer = UserSlice::new(UserPtr::from_addr(self.addr), known).writer();
        writer.write_slice(&bytes[..known])?;
        Ok(())
    }
}

/// Copies an array from the caller.
pub(crate) fn read_array<T: FromBytes + IntoBytes + Immutable>(
    addr: u64,
    count: u32,
    max: u32,
) -> Result<KVVec<T>> {
    if count > max {
        fail!(
            EINVAL,
            "argument: {count} entries, of which at most {max} are allowed"
        );
    }
    let mut array = KVVec::with_capacity(count as usize, GFP_KERNEL)?;
    let bytes = (count as usize).checked_mul(size_of::<T>()).ok_or(EINVAL)?;
    let mut reader = UserSlice::new(UserPtr::from_addr(addr as usize), bytes).reader();
    for _ in 0..count {
        let mut entry = T::new_zeroed();
        reader.read_slice(entry.as_mut_bytes())?;
        array.push(entry, GFP_KERNEL)?;
    }
    Ok(array)
}

/// Copies an array to the caller.
pub(crate) fn write_array<T: IntoBytes + Immutable>(addr: u64, array: &[T]) -> Result {
    let bytes = array.as_bytes();
    let mut writer = UserSlice::new(UserPtr::from_addr(addr as usize), bytes.len()).writer();
    Ok(writer.write_slice(bytes)?)
}

/// Copies bytes from the caller.
pub(crate) fn read_bytes(addr: u64, len: u64, max: u32) -> Result<KVVec<u8>> {
    if len > u64::from(max) {
        fail!(
            EINVAL,
            "argument: {len} bytes, of which at most {max} are allowed"
        );
    }
    let mut bytes = vec::zeroed(len as usize, GFP_KERNEL)?;
    UserSlice::new(UserPtr::from_addr(addr as usize), len as usize)
        .reader()
        .read_slice(&mut bytes)?;
    Ok(bytes)
}
