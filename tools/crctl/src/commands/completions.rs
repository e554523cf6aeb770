// SPDX-License-Identifier: GPL-2.0

//! `crctl completions`.

use anyhow::Result;
use clap::CommandFactory;

use super::print_to_stdout;
use crate::cli::{Cli, Completions};

pub(super) fn completions(args: &Completions) -> Result<u8> {
    // Into memory first: the generator panics when standard output is closed.
    let mut text = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "crctl", &mut text);
    print_to_stdout(|out| out.write_all(&text))?;
    Ok(0)
}
