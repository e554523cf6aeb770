// SPDX-License-Identifier: GPL-2.0

//! What `run` and `restart` have in common: before there is a container, and once there is.

use std::{
    fs,
    io::{self, Write},
    os::fd::{AsFd, AsRawFd, BorrowedFd},
};

use anyhow::{Context, Result};
use nix::{
    sys::signal::{kill, Signal},
    sys::statfs::{fstatfs, FsType},
    sys::wait::waitpid,
    unistd::Pid,
};

use super::{attached::Signals, guardian::Guardian, mounts::Mount, output::PidFile};
use crate::cli;

/// A container that is being started. If this is dropped, nothing is left of it.
#[derive(Debug)]
pub struct Starting {
    detach: bool,
    pid_file: Option<PidFile>,
    guardian: Option<Guardian>,
}

impl Starting {
    /// Prepares everything that has to be there before. `mounts` are those of the caller.
    pub fn prepare(options: &cli::Start, mounts: &[Mount]) -> Result<Self> {
        let pid_file = options.pid_file.as_deref().map(PidFile::prepare);
        Ok(Self {
            detach: options.detach,
            pid_file: pid_file.transpose()?,
            guardian: Guardian::start(mounts),
        })
    }

    /// The container's cgroup, if it gets one.
    pub fn cgroup(&self) -> Option<BorrowedFd<'_>> {
        Some(self.guardian.as_ref()?.cgroup())
    }

    /// In a forked process, which has nothing to do with all this: closes what it has a copy of.
    pub fn abandon(mut self) {
        if let Some(guardian) = self.guardian.take() {
            guardian.abandon();
        }
    }

    /// The container is there: tells its pid, and waits for its end unless it is detached. Returns
    /// the exit status.
    pub fn started(mut self, init: Pid) -> Result<u8> {
        if let Err(err) = self.announce(init) {
            // Who cannot know of it cannot end it.
            let _ = kill(init, Signal::SIGKILL);
            let _ = waitpid(init, None);
            return Err(err);
        }
        let status = match self.detach {
            true => {
                if let Some(guardian) = self.guardian.take() {
                    guardian.release();
                }
                0
            }
            false => {
                if let Some(guardian) = &self.guardian {
                    guardian.stay();
                }
                // Until here, a signal ends crctl, and the guardian the rest.
                Signals::block()?.wait_for(init)?
            }
        };
        Ok(status)
    }

    fn announce(&self, init: Pid) -> Result<()> {
        if let Some(pid_file) = &self.pid_file {
            pid_file.write(init.as_raw())?;
        }
        if self.detach {
            let mut stdout = io::stdout();
            writeln!(stdout, "{init}")
                .and_then(|()| stdout.flush())
                .context("standard output")?;
        }
        Ok(())
    }
}

impl Drop for Starting {
    fn drop(&mut self) {
        if let Some(guardian) = self.guardian.take() {
            guardian.finish();
        }
    }
}

/// The standard descriptors that a detached container must not get: anonymous pipes and sockets,
/// at whose other end somebody waits for crctl, and not for the container.
pub fn withheld(detach: bool) -> Vec<i32> {
    // Named ones are where their names are.
    const PIPEFS: FsType = FsType(0x5049_5045);
    const SOCKFS: FsType = FsType(0x534f_434b);

    let is_anonymous = |fd: &dyn AsFd| {
        fstatfs(fd.as_fd()).is_ok_and(|fs| [PIPEFS, SOCKFS].contains(&fs.filesystem_type()))
    };
    let standard: [&dyn AsFd; 3] = [&io::stdin(), &io::stdout(), &io::stderr()];
    (0..)
        .zip(standard)
        .filter(|(_, fd)| detach && is_anonymous(*fd))
        .map(|(number, _)| number)
        .collect()
}

/// /dev/null in place of a standard descriptor.
pub fn null() -> Result<fs::File> {
    let null = fs::File::options().read(true).write(true).open("/dev/null");
    null.context("/dev/null")
}

/// Puts /dev/null in place of standard descriptors of this process.
pub fn replace_with_null(fds: &[i32]) -> Result<()> {
    for fd in fds {
        let null = null()?;
        debug_assert!(null.as_raw_fd() > 2);
        match fd {
            0 => nix::unistd::dup2_stdin(null.as_fd())?,
            1 => nix::unistd::dup2_stdout(null.as_fd())?,
            _ => nix::unistd::dup2_stderr(null.as_fd())?,
        }
    }
    Ok(())
}
