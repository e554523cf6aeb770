// SPDX-License-Identifier: GPL-2.0

//! What `run` and `restart` have in common: before there is a container, and once there is.

use std::{
    fs,
    io::{self, Write},
    os::fd::{AsFd, AsRawFd},
};

use anyhow::{Context, Result};
use nix::{
    sys::signal::{kill, Signal},
    sys::wait::waitpid,
    unistd::Pid,
};

use super::{attached::Signals, guardian::Guardian, output::PidFile};
use crate::cli;

/// A container that is being started. If this is dropped, nothing is left of it.
#[derive(Debug)]
pub struct Starting {
    detach: bool,
    pid_file: Option<PidFile>,
    guardian: Option<Guardian>,
}

impl Starting {
    /// Prepares everything that has to be there before; there must be no threads.
    pub fn prepare(options: &cli::Start) -> Result<Self> {
        let pid_file = options.pid_file.as_deref().map(PidFile::prepare);
        Ok(Self {
            detach: options.detach,
            pid_file: pid_file.transpose()?,
            guardian: Guardian::start(),
        })
    }

    /// The container's cgroup.
    pub fn guardian(&self) -> Option<&Guardian> {
        self.guardian.as_ref()
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
                if let Some(guardian) = &mut self.guardian {
                    guardian.release();
                }
                // It lives on.
                std::mem::forget(self.guardian.take());
                0
            }
            // Until here, a signal ends crctl, and the guardian the rest.
            false => Signals::block()?.wait_for(init)?,
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
    let is_anonymous = |fd: i32| {
        let link = fs::read_link(format!("/proc/self/fd/{fd}"));
        link.is_ok_and(|link| {
            let link = link.to_string_lossy();
            link.starts_with("pipe:") || link.starts_with("socket:")
        })
    };
    (0..3).filter(|&fd| detach && is_anonymous(fd)).collect()
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
