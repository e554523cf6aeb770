// SPDX-License-Identifier: GPL-2.0

//! Codec of checkpoint images: reads, writes and validates format 1.
//!
//! The module and `crctl` are built from the same source, so that what one writes the other
//! understands. Nothing here allocates, blocks or knows where the bytes come from: a
//! [`write::Sink`] takes them, a [`read::Source`] gives them.
//!
//! - [`uapi`] has the C structures, generated from the headers in `uapi/linux`.
//! - [`record`] is the table of the kinds of records, with their sizes.
//! - [`write`](mod@write) and [`read`] are the framing: headers, lengths, checksums, alignment.
//! - [`cpu`] names what a processor has.
//! - [`order`] sorts and searches.
//! - [`check`] is about meaning: does this sequence of records describe a container?
//!
//! An image is hostile input. After [`read`] every record has a plausible length and the contents
//! that its writer gave it; only after [`check`] may anything be done with it.

// Kbuild says no_std as well.
#![allow(unused_attributes, clippy::duplicated_attributes)]
#![no_std]
#![deny(unsafe_code)]
// A panic in the kernel is an oops, and an image is hostile input. So nothing here indexes, slices,
// divides or adds in a way that could panic, and the object file has no call of core::panicking.
#![cfg_attr(
    not(test),
    deny(
        clippy::arithmetic_side_effects,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::string_slice,
        clippy::unreachable,
        clippy::unwrap_used
    )
)]

#[cfg(test)]
extern crate std;

#[cfg(not(target_endian = "little"))]
compile_error!("images are little endian and this codec does not convert");

pub mod check;
pub mod cpu;
pub mod crc;
pub mod error;
pub mod order;
mod page;
pub mod ptrace;
pub mod read;
pub mod record;
pub mod segment;
pub mod sockopt;
pub mod uapi;
pub mod write;
pub mod xstate;

pub use error::{FormatError, FormatErrorKind};
pub use record::Record;

/// Computes a CRC32C: [`crc::update`] or anything faster that does the same.
pub type Checksum = fn(seed: u32, bytes: &[u8]) -> u32;
