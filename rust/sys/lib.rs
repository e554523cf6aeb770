// SPDX-License-Identifier: GPL-2.0

//! Safe wrappers over what checkpoint and restart need of the kernel.

#![allow(unused_attributes)] // Kbuild says no_std as well.
#![no_std]

mod bindings {
    #![allow(
        missing_docs,
        dead_code,
        non_camel_case_types,
        non_upper_case_globals,
        improper_ctypes,
        unreachable_pub,
        clippy::all,
        clippy::undocumented_unsafe_blocks
    )]
    use cr_codec::uapi::*;
    use kernel::{bindings::*, ffi};
    include!(concat!(env!("CR_OBJ"), "/rust/sys/shim_generated.rs"));
}
/// probe
pub fn now() -> u64 {
    // SAFETY: x.
    unsafe { bindings::cr_shim_ktime_ns() }
}
