// SPDX-License-Identifier: GPL-2.0

//! Waiting for a container: signals are forwarded to it, its exit status becomes ours.

use anyhow::{Context, Result};
use nix::{
    errno::Errno,
    sys::{
        signal::{kill, SigSet, Signal},
        wait::{waitpid, WaitPidFlag, WaitStatus},
    },
    unistd::Pid,
};

/// What somebody may send to crctl and mean the container.
const FORWARDED: &[Signal] = &[
    Signal::SIGHUP,
    Signal::SIGINT,
    Signal::SIGQUIT,
    Signal::SIGTERM,
    Signal::SIGUSR1,
    Signal::SIGUSR2,
    Signal::SIGWINCH,
    Signal::SIGCONT,
    Signal::SIGALRM,
    Signal::SIGPWR,
];

/// Signals that wait until somebody looks for them.
#[derive(Debug)]
pub struct Signals {
    set: SigSet,
}

impl Signals {
    /// Blocks them.
    pub fn block() -> Result<Self> {
        let mut set: SigSet = FORWARDED.iter().copied().collect();
        set.add(Signal::SIGCHLD);
        set.thread_block().context("blocking signals")?;
        Ok(Self { set })
    }

    /// Forwards signals until the child has ended; returns its exit status, or 128 and the number of
    /// the signal that ended it.
    pub fn wait_for(&self, child: Pid) -> Result<u8> {
        loop {
            // Look first: it may have ended before.
            match waitpid(child, Some(WaitPidFlag::WNOHANG)) {
                Ok(WaitStatus::Exited(_, status)) => return Ok(status as u8),
                Ok(WaitStatus::Signaled(_, signal, _)) => return Ok(128 + signal as u8),
                Ok(_) | Err(Errno::EINTR) => {}
                Err(err) => return Err(err).context("waiting for the container"),
            }
            match self.set.wait() {
                Ok(Signal::SIGCHLD) | Err(Errno::EINTR) => {}
                Ok(signal) => {
                    tracing::debug!(%signal, "forwarding");
                    match kill(child, signal) {
                        // It has just ended.
                        Ok(()) | Err(Errno::ESRCH) => {}
                        Err(err) => tracing::warn!(%signal, %err, "cannot forward"),
                    }
                }
                Err(err) => return Err(err).context("waiting for signals"),
            }
        }
    }
}
