// SPDX-License-Identifier: GPL-2.0

//! `crctl run`.

use std::{
    convert::Infallible,
    ffi::{CStr, CString},
    fs::File,
    io::{Read, Write},
    os::unix::ffi::OsStrExt,
    path::Path,
    process,
};

use anyhow::{bail, Context, Result};
use nix::{
    errno::Errno,
    fcntl::OFlag,
    sched::CloneFlags,
    sys::wait::waitpid,
    unistd::{execvp, pipe2, sethostname, setsid, ForkResult},
};

use crate::{
    cli::Run,
    error::Error,
    runtime::{
        cgroup,
        mounts::{self, Mount},
        namespaces::{self, Processes},
        start::{self, Starting},
    },
    sys,
};

/// Exit status when the command cannot be executed, and when there is none.
const CANNOT_EXECUTE: u8 = 126;
const NOT_FOUND: u8 = 127;

/// The command could not be executed.
#[derive(Debug, thiserror::Error)]
#[error("{command}: {}", errno.desc())]
struct ExecError {
    command: String,
    errno: Errno,
}

/// What init is to be.
struct Init<'a> {
    root: Option<&'a Path>,
    hostname: Option<&'a str>,
    /// Standard descriptors that it does not get.
    withheld: Vec<i32>,
    command: Vec<CString>,
}

pub(super) fn run(args: &Run) -> Result<u8> {
    let command = args
        .command
        .iter()
        .map(|word| CString::new(word.as_bytes()));
    let command = command.collect::<Result<Vec<_>, _>>();
    let root = args.start.root.as_deref().map(namespaces::find_root);
    let root = root.transpose()?.flatten();
    let init = Init {
        root: root.as_deref(),
        hostname: args.hostname.as_deref(),
        withheld: start::withheld(args.start.detach),
        command: command.map_err(|_| Error::Usage("a NUL in the command".into()))?,
    };

    let mut mounts = mounts::of_process("self").context("/proc/self/mountinfo")?;
    let starting = Starting::prepare(&args.start, &mounts)?;
    let (go, may_go) = pipe2(OFlag::O_CLOEXEC).context("pipe")?;
    let (complaint, complain) = pipe2(OFlag::O_CLOEXEC).context("pipe")?;
    namespaces::leave(CloneFlags::CLONE_NEWPID)?;
    let child = match sys::fork().context("fork")? {
        ForkResult::Parent { child } => child,
        ForkResult::Child => {
            // The guardian watches for the end of crctl, and of nobody else.
            starting.abandon();
            drop((may_go, complaint));
            let Err(err) = become_init(&init, &mut mounts, go.into());
            let mut words = vec![status_of(&err)];
            words.extend(format!("{err:#}").bytes());
            let _ = File::from(complain).write_all(&words);
            process::exit(1);
        }
    };
    drop((go, complain));

    // Into the cgroup before it can do anything: what is in there, the guardian will find.
    if let Some(cgroup) = starting.cgroup() {
        cgroup::join(cgroup, child).context("joining the cgroup")?;
    }
    File::from(may_go)
        .write_all(b"!")
        .context("starting init")?;
    let mut words = Vec::new();
    File::from(complaint).read_to_end(&mut words)?;
    let Some((&status, words)) = words.split_first() else {
        return starting.started(child);
    };
    let _ = waitpid(child, None);
    failure(
        status,
        String::from_utf8_lossy(words).into_owned(),
        args.start.detach,
    )
}

/// Runs as the first process of the new pid namespace, and returns only if something fails.
fn become_init(init: &Init<'_>, mounts: &mut Vec<Mount>, mut go: File) -> Result<Infallible> {
    if go.read(&mut [0])? == 0 {
        bail!("crctl is gone");
    }
    namespaces::leave(CloneFlags::CLONE_NEWUTS | CloneFlags::CLONE_NEWIPC)?;
    namespaces::enter(init.root, Processes::Own, mounts)?;
    if let Some(hostname) = init.hostname {
        sethostname(hostname).context("host name")?;
    }
    setsid().context("setsid")?;
    start::replace_with_null(&init.withheld)?;
    sys::reset_signals()?;
    let command: &CStr = &init.command[0];
    execvp(command, &init.command).map_err(|errno| {
        let command = command.to_string_lossy().into_owned();
        ExecError { command, errno }.into()
    })
}

fn status_of(err: &anyhow::Error) -> u8 {
    match err.downcast_ref() {
        Some(ExecError {
            errno: Errno::ENOENT,
            ..
        }) => NOT_FOUND,
        Some(ExecError { .. }) => CANNOT_EXECUTE,
        None => crate::error::code(err) as u8,
    }
}

/// The end when init has not come to life.
fn failure(status: u8, words: String, detached: bool) -> Result<u8> {
    match status {
        CANNOT_EXECUTE | NOT_FOUND if !detached => {
            eprintln!("crctl: run: {words}");
            Ok(status)
        }
        5 => Err(Error::NotPermitted(words).into()),
        2 => Err(Error::Usage(words).into()),
        _ => bail!(words),
    }
}
