// SPDX-License-Identifier: GPL-2.0

//! A small process that removes the container's cgroup after the container's end.
//!
//! It is there so that nothing is left behind when `crctl` is killed, at whatever moment: `crctl`
//! makes the cgroup only when there is a guardian, and this sees at the end of a pipe when `crctl` is gone.
//! Then it kills what is in the cgroup, unless `crctl` has released the container before (`--detach`),
//! waits until the cgroup is empty and removes it.
//!
//! It has two lives: see [`first_life`] for the one while somebody waits for `crctl`. In the second it
//! is this program again, under a name that tells people what it is. Its standard input is the
//! pipe, its standard output the directory that has the cgroup in it.

use std::{
    ffi::{CStr, CString, OsStr},
    fs::File,
    io::{self, Read, Write},
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::ffi::OsStrExt,
    },
    path::Path,
    process, thread,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use nix::{
    errno::Errno,
    fcntl::OFlag,
    poll::{poll, PollFd, PollFlags, PollTimeout},
    sys::{
        stat::{mkdirat, Mode},
        wait::waitpid,
    },
    unistd::{pipe2, Pid},
};

use super::{cgroup, mounts::Mount};
use crate::sys::{self, first_life};

/// Beginning of the guardian's name; that of the cgroup follows.
pub const NAME: &str = "crctl: guardian of ";

/// A container's cgroup, and who looks after it.
#[derive(Debug)]
pub struct Guardian {
    cgroup: OwnedFd,
    pipe: File,
    child: Pid,
}

impl Guardian {
    /// Makes a cgroup below that of the caller, with whose mounts. Without a cgroup2 file system, or
    /// the right to make one, there is none: a container can do without.
    pub fn start(mounts: &[Mount]) -> Option<Self> {
        let parent = cgroup::own(mounts).or_else(|| {
            tracing::warn!("there is no cgroup2 file system: the container gets no cgroup");
            None
        })?;
        Self::start_below(&parent)
            .inspect_err(|err| {
                tracing::warn!(?parent, %err, "the container gets no cgroup of its own");
            })
            .ok()
    }

    fn start_below(parent: &Path) -> io::Result<Self> {
        let parent = cgroup::open_dir(parent)?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let now = now.map_or(0, |now| now.subsec_nanos());
        let name = format!("{}{}-{now:08x}", cgroup::PREFIX, process::id());
        let arg0 = CString::new(format!("{NAME}{name}"))?;
        let (theirs, pipe) = pipe2(OFlag::O_CLOEXEC)?;
        let pipe = File::from(pipe);
        let child = first_life::start(theirs.as_fd(), parent.as_fd(), arg0)?;
        let make = || {
            mkdirat(&parent, &*name, Mode::from_bits_truncate(0o755))?;
            cgroup::open_child(parent.as_fd(), &*name)
        };
        match make() {
            Ok(cgroup) => {
                tracing::debug!(name, "cgroup made");
                Ok(Self {
                    cgroup,
                    pipe,
                    child,
                })
            }
            Err(err) => {
                end(pipe, child);
                Err(err.into())
            }
        }
    }

    /// The cgroup.
    pub fn cgroup(&self) -> BorrowedFd<'_> {
        self.cgroup.as_fd()
    }

    /// Lets the container live on after the end of this process, which is near.
    pub fn release(self) {
        self.say(first_life::RELEASE);
        // The end of the process closes it, and nothing else may do so earlier.
        std::mem::forget(self.pipe);
    }

    /// From now on nobody waits for this process but for the container's end.
    pub fn stay(&self) {
        self.say(first_life::STAY);
    }

    fn say(&self, word: u8) {
        if let Err(err) = (&self.pipe).write_all(&[word]) {
            tracing::warn!(%err, "the guardian of the cgroup is gone");
        }
    }

    /// In a forked process: closes its copies.
    pub fn abandon(self) {}

    /// Ends the container, if anything is left of it, and waits until the cgroup is gone.
    pub fn finish(self) {
        end(self.pipe, self.child);
    }
}

/// Lets the guardian do its work, and waits until it is done.
fn end(pipe: File, guardian: Pid) {
    drop(pipe);
    while waitpid(guardian, None) == Err(Errno::EINTR) {}
}

/// The guardian's second life. Returns its exit status, in which nobody is interested.
pub fn main(name: &[u8], mode: Option<&OsStr>) -> u8 {
    let Ok(name) = CString::new(name) else {
        return 2;
    };
    let _ = sys::reset_signals();
    let _ = nix::sys::prctl::set_name(c"crctl: guardian");
    let released = mode.is_some_and(|mode| mode.as_bytes() == first_life::RELEASED.to_bytes());
    match guard(&name, released) {
        Ok(()) => 0,
        Err(_) => 1,
    }
}

fn guard(name: &CStr, mut released: bool) -> io::Result<()> {
    let parent = io::stdout().as_fd().try_clone_to_owned()?;
    // Until crctl is gone.
    let mut words = Vec::new();
    io::stdin().read_to_end(&mut words)?;
    released |= words.contains(&first_life::RELEASE);
    let null = File::options().read(true).write(true).open("/dev/null")?;
    nix::unistd::dup2_stdin(&null)?;
    nix::unistd::dup2_stdout(&null)?;
    nix::unistd::dup2_stderr(&null)?;

    let dir = match cgroup::open_child(parent.as_fd(), name) {
        // It could not be made, or crctl ended before.
        Err(Errno::ENOENT) => return Ok(()),
        dir => dir?,
    };
    let events = cgroup::events(dir.as_fd())?;
    if !released && cgroup::is_populated(&events)? {
        let _ = cgroup::kill(dir.as_fd());
    }
    loop {
        wait_until_empty(&events)?;
        match cgroup::remove(parent.as_fd(), name) {
            // Somebody has come in meanwhile, or the last one is not quite gone.
            Err(Errno::EBUSY) => thread::sleep(Duration::from_millis(10)),
            result => return result.map_err(io::Error::from),
        }
    }
}

fn wait_until_empty(events: &File) -> io::Result<()> {
    while cgroup::is_populated(events)? {
        let mut polled = [PollFd::new(events.as_fd(), PollFlags::POLLPRI)];
        match poll(&mut polled, PollTimeout::from(1000u16)) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(err) => return Err(err.into()),
        }
    }
    Ok(())
}
