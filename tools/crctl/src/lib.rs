// SPDX-License-Identifier: GPL-2.0

//! `crctl`, the tool over `/dev/cr`.
//!
//! It does what the kernel should not guess: namespaces and a cgroup for the restarted container,
//! its root, the replacement for what it shares with the outside; it shows progress, explains
//! errors and inspects images. One file per subcommand under [`commands`].

#![deny(unsafe_code)]

use std::{env, os::unix::ffi::OsStrExt, process::ExitCode};

use clap::Parser;

pub mod cli;
pub mod commands;
pub mod device;
pub mod error;
pub mod image;
pub mod runtime;
#[allow(unsafe_code)]
pub mod sys;

use error::Code;

/// Runs the program.
pub fn main() -> ExitCode {
    // The guardian of a cgroup is this program under another name.
    if let Some(name) = env::args_os().next() {
        if let Some(cgroup) = name
            .as_bytes()
            .strip_prefix(runtime::guardian::NAME.as_bytes())
        {
            return ExitCode::from(runtime::guardian::main(cgroup));
        }
    }

    let cli = match cli::Cli::try_parse() {
        Ok(cli) => cli,
        Err(err) => {
            let _ = err.print();
            return ExitCode::from(match err.use_stderr() {
                true => cli::usage_status(env::args_os()),
                false => 0,
            });
        }
    };
    start_log(cli.verbose);
    sys::keep_descriptors_private();

    let name = cli.command.name();
    let own_failure = cli.command.own_failure();
    match commands::execute(cli.command) {
        Ok(status) => ExitCode::from(status),
        Err(err) => {
            let code = error::report(name, &err);
            ExitCode::from(own_failure.unwrap_or(code as u8))
        }
    }
}

fn start_log(verbose: bool) {
    use tracing_subscriber::EnvFilter;

    let filter = match EnvFilter::try_from_default_env() {
        Ok(filter) => filter,
        Err(_) if verbose => EnvFilter::new("crctl=debug"),
        Err(_) => return,
    };
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .without_time()
        .init();
}

/// Exit status of a failure of crctl itself where else the container's status is returned.
pub const OWN_FAILURE: u8 = 125;

/// The exit status for a code.
impl From<Code> for u8 {
    fn from(code: Code) -> Self {
        code as Self
    }
}
