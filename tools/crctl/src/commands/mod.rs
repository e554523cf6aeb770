// SPDX-License-Identifier: GPL-2.0

//! The subcommands. Each returns the exit status.

use std::io::{self, BufWriter, Write};

use anyhow::{Context, Result};

use crate::cli::Command;

mod check;
mod checkpoint;
mod completions;
mod man;
mod merge;
mod restart;
mod run;
mod show;
mod verify;

/// Does what the command line says.
pub fn execute(command: Command) -> Result<u8> {
    match command {
        Command::Run(args) => run::run(&args),
        Command::Checkpoint(args) => checkpoint::checkpoint(&args),
        Command::Restart(args) => restart::restart(&args),
        Command::Show(args) => show::show(&args),
        Command::Verify(args) => verify::verify(&args),
        Command::Merge(args) => merge::merge(&args),
        Command::Check(args) => check::check(&args),
        Command::Completions(args) => completions::completions(&args),
        Command::Man(args) => man::man(&args),
    }
}

/// Prints. Who reads only the beginning, as in "crctl show img | head", has seen enough.
fn print_to_stdout(print: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<()> {
    let mut out = BufWriter::new(io::stdout().lock());
    match print(&mut out).and_then(|()| out.flush()) {
        Err(err) if err.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result.context("standard output"),
    }
}
