// SPDX-License-Identifier: GPL-2.0

//! Images, as user space sees them.

mod chain;
mod compressed;
mod load;
mod model;
mod paged;
mod prefix;
mod source;
mod tree;

pub use chain::{hex, Chain};
pub use compressed::{encoder, peek, unpacked, Decoded};
pub use load::{fuzz_one, Image, Record, Stored, EM_X86_64, PAGE_SIZE};
pub use model::Model;
pub use paged::{base_of, Paged, PagesRecord};
pub use prefix::Prefix;
pub use source::{open, ReadError, Stream};
pub use tree::print;
