// SPDX-License-Identifier: GPL-2.0

//! `crctl`, the tool over `/dev/cr`.
//!
//! It does what the kernel should not guess: namespaces and a cgroup for the restarted container,
//! its root, the replacement for what it shares with the outside; it shows progress, explains
//! errors and inspects images. One file per subcommand under [`commands`].

#![forbid(unsafe_code)]

use std::{env, ffi::c_int, os::unix::ffi::OsStrExt};

pub mod cli;
pub mod commands;
pub mod device;
pub mod error;
pub mod image;
pub mod runtime;

use cr_user as sys;
use error::Code;

/// Runs the program, and ends it.
pub fn main() -> c_int {
    sys::start();
    let status = run();
    // All that has a destructor is gone. What the C library does at the end is for what it has done.
    sys::exit(status)
}

fn run() -> u8 {
    // The guardian of a cgroup is this program under another name.
    let mut args = env::args_os();
    if let Some(name) = args.next() {
        if let Some(cgroup) = name
            .as_bytes()
            .strip_prefix(runtime::guardian::NAME.as_bytes())
        {
            return runtime::guardian::main(cgroup, args.next().as_deref());
        }
    }

    let cli = match cli::parse(env::args_os().collect()) {
        Ok(cli) => cli,
        Err(err) => {
            let _ = err.print();
            return match err.use_stderr() {
                true => cli::usage_status(env::args_os()),
                false => 0,
            };
        }
    };
    start_log(cli.verbose);
    sys::keep_descriptors_private();

    let name = cli.command.name();
    let own_failure = cli.command.own_failure();
    match commands::execute(cli.command) {
        Ok(status) => status,
        Err(err) => {
            let code = error::report(name, &err);
            own_failure.unwrap_or(code as u8)
        }
    }
}

fn start_log(verbose: bool) {
    use tracing_subscriber::{filter::Targets, prelude::*};

    let filter = match env::var("RUST_LOG").map(|words| words.parse::<Targets>()) {
        Ok(Ok(filter)) => filter,
        _ if verbose => Targets::new().with_target("crctl", tracing::Level::DEBUG),
        _ => return,
    };
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_timer(tracing_subscriber::fmt::time::uptime());
    tracing_subscriber::registry()
        .with(lines)
        .with(filter)
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
