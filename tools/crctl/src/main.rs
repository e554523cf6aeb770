// SPDX-License-Identifier: GPL-2.0

//! Checkpoints and restarts containers. The library does it all.
//!
//! There is no `fn main()`: what the standard library does before it (it looks for the end of the
//! stack in /proc/self/maps and makes a second one, to explain an overflow) takes a tenth of the
//! time that `crctl` takes for a restart.

#![no_main]

use std::ffi::{c_char, c_int};

/// Where the C library starts the program. The arguments come from [`std::env`] all the same.
#[no_mangle]
extern "C" fn main(_argc: c_int, _argv: *const *const c_char) -> c_int {
    crctl::main()
}
