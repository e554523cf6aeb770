// SPDX-License-Identifier: GPL-2.0

//! Checkpoint and restart of containers.
#![crate_name = "cr"]
use kernel::prelude::*;

module! {
    type: Cr,
    name: "cr",
    authors: ["The cr authors"],
    description: "Checkpoint and restart of containers",
    license: "GPL",
}
struct Cr;
impl kernel::Module for Cr {
    fn init(_m: &'static ThisModule) -> Result<Self> {
        pr_info!("now {}\n", cr_sys::now());
        Ok(Cr)
    }
}
