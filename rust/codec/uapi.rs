// SPDX-License-Identifier: GPL-2.0

//! The structures and constants of `uapi/linux/cr.h` and `uapi/linux/cr_image.h`.
//!
//! C headers: `uapi/linux/cr.h`, `uapi/linux/cr_image.h`.

#![allow(
    clippy::all,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    dead_code,
    missing_docs,
    non_camel_case_types,
    non_snake_case,
    non_upper_case_globals,
    unreachable_pub,
    rustdoc::all,
    unsafe_code
)]

include!(concat!(env!("CR_OBJ"), "/rust/codec/uapi_generated.rs"));
