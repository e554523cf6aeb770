// SPDX-License-Identifier: GPL-2.0

//! The kernel's words during a checkpoint or restart: progress and errors, line by line.
//!
//! Who looks at a terminal sees them as they come. A process of its own reads them then, because the
//! caller sits in the ioctl, and must not have threads when it has unshared its pid namespace.
//! Otherwise they are kept until the end: they come with it, and a process takes its time.

use std::{
    fs::File,
    io::{BufRead, BufReader, IsTerminal, Seek},
    os::fd::{AsFd, BorrowedFd, OwnedFd},
};

use anyhow::{Context, Result};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use nix::{
    fcntl::OFlag,
    sys::{
        memfd::{memfd_create, MFdFlags},
        signal::Signal,
        wait::{waitpid, WaitStatus},
    },
    unistd::{pipe2, ForkResult, Pid},
};

use crate::sys;

/// Exit status of the reader after lines other than progress.
const SAID_SOMETHING: i32 = 1;

/// Where the kernel writes its words.
#[derive(Debug)]
pub struct Log {
    /// What the lines begin with.
    command: &'static str,
    write: OwnedFd,
    /// Who reads at the other end, if it is a pipe.
    reader: Option<Pid>,
}

impl Log {
    /// Starts the log of `command`.
    pub fn start(command: &'static str) -> Result<Self> {
        match std::io::stderr().is_terminal() {
            true => Self::shown(command),
            false => Ok(Self {
                command,
                write: memfd_create("log", MFdFlags::MFD_CLOEXEC).context("memfd_create")?,
                reader: None,
            }),
        }
    }

    fn shown(command: &'static str) -> Result<Self> {
        let (read, write) = pipe2(OFlag::O_CLOEXEC).context("pipe")?;
        match sys::fork().context("fork")? {
            ForkResult::Parent { child } => Ok(Self {
                command,
                write,
                reader: Some(child),
            }),
            ForkResult::Child => {
                drop(write);
                // A key that ends crctl should not keep its last words back.
                for signal in [
                    Signal::SIGINT,
                    Signal::SIGQUIT,
                    Signal::SIGTERM,
                    Signal::SIGHUP,
                ] {
                    sys::ignore_signal(signal);
                }
                let _ = nix::sys::prctl::set_name(c"crctl: log");
                std::process::exit(match pump(command, read.into()) {
                    true => SAID_SOMETHING,
                    false => 0,
                });
            }
        }
    }

    /// The descriptor for the kernel.
    pub fn fd(&self) -> BorrowedFd<'_> {
        self.write.as_fd()
    }

    /// Whether there is somebody to see the progress.
    pub fn wants_progress(&self) -> bool {
        self.reader.is_some()
    }

    /// Forgets what has not been printed yet: there is a better explanation.
    pub fn discard(self) {
        if self.reader.is_some() {
            self.finish();
        }
    }

    /// Waits until everything is printed. Says whether there was an error among it.
    pub fn finish(self) -> bool {
        let Some(reader) = self.reader else {
            let mut kept = File::from(self.write);
            // The kernel writes where the file position is, and moves it.
            return matches!(kept.stream_position(), Ok(1..))
                && kept.rewind().is_ok()
                && pump(self.command, kept);
        };
        drop(self.write);
        loop {
            match waitpid(reader, None) {
                Ok(WaitStatus::Exited(_, status)) => return status == SAID_SOMETHING,
                Err(nix::Error::EINTR) => {}
                _ => return false,
            }
        }
    }
}

/// Prints all lines; says whether there were others than progress.
fn pump(command: &str, read: File) -> bool {
    let mut bar = None;
    let mut said_something = false;
    let mut lines = BufReader::new(read);
    let mut line = Vec::new();
    while matches!(lines.read_until(b'\n', &mut line), Ok(1..)) {
        let text = String::from_utf8_lossy(&line);
        match parse(&text) {
            Line::Progress { done, total } => {
                let bar = bar.get_or_insert_with(|| progress_bar(command));
                bar.set_length(total);
                bar.set_position(done);
            }
            Line::Error(text) => {
                if let Some(bar) = bar.take() {
                    bar.finish_and_clear();
                }
                eprintln!("crctl: {command}: {text}");
                said_something = true;
            }
        }
        line.clear();
    }
    if let Some(bar) = bar {
        bar.finish_and_clear();
    }
    said_something
}

#[derive(Debug, PartialEq, Eq)]
enum Line<'a> {
    Progress { done: u64, total: u64 },
    Error(&'a str),
}

fn parse(line: &str) -> Line<'_> {
    let line = line.trim_end();
    let progress = || {
        let (done, total) = line.strip_prefix("progress ")?.split_once(' ')?;
        Some(Line::Progress {
            done: done.parse().ok()?,
            total: total.parse().ok()?,
        })
    };
    progress().unwrap_or(Line::Error(line))
}

fn progress_bar(command: &str) -> ProgressBar {
    let bar = ProgressBar::new(0);
    bar.set_draw_target(ProgressDrawTarget::stderr_with_hz(10));
    let template = "{prefix} [{bar:40}] {pos}/{len} pages, {eta} left";
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style.progress_chars("=> "));
    }
    bar.set_prefix(format!("crctl: {command}:"));
    bar
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines() {
        assert_eq!(
            parse("progress 3 17\n"),
            Line::Progress { done: 3, total: 17 }
        );
        assert_eq!(parse("progress 3\n"), Line::Error("progress 3"));
        let line = "pid 12 (redis-server): fd 7: io_uring is not supported yet";
        assert_eq!(parse(line), Line::Error(line));
    }
}
