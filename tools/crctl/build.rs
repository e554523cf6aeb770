// SPDX-License-Identifier: GPL-2.0

//! How the static program is linked: for a start without delay.

use std::env;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let features = env::var("CARGO_CFG_TARGET_FEATURE").unwrap_or_default();
    if !features.split(',').any(|feature| feature == "crt-static") {
        return;
    }
    for arg in [
        // At a fixed address: every page of tables with addresses in it would have to be copied and
        // gone through, which is one millisecond of the fifteen that a restart may take.
        "-no-pie",
        "-static",
        // Does not go through all unwinding tables for a panic that will not come. Those that
        // unwind find the tables in the program headers.
        "-Wl,--wrap=__register_frame_info",
        "-Wl,--wrap=__deregister_frame_info",
    ] {
        println!("cargo:rustc-link-arg-bins={arg}");
    }
}
