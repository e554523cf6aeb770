// SPDX-License-Identifier: GPL-2.0

//! `crctl man`.

use std::fs;

use anyhow::{Context, Result};
use clap::CommandFactory;

use crate::cli::{Cli, Man};

pub(super) fn man(args: &Man) -> Result<u8> {
    let context = || args.output.display().to_string();
    fs::create_dir_all(&args.output).with_context(context)?;
    clap_mangen::generate_to(Cli::command(), &args.output).with_context(context)?;
    Ok(0)
}
