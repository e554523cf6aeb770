// SPDX-License-Identifier: GPL-2.0

//! Checkpoints and restarts containers. The library does it all.

use std::process::ExitCode;

fn main() -> ExitCode {
    crctl::main()
}
