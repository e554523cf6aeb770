// SPDX-License-Identifier: GPL-2.0

//! A small process that makes the container's cgroup, and removes it after the container's end.
//!
//! It is there so that nothing is left behind when `crctl` is killed, at whatever moment: the
//! guardian makes the cgroup only when it runs itself, and sees it on a socket when `crctl` is gone.
//! Then it kills what is in the cgroup, unless `crctl` has released the container before (`--detach`),
//! waits until the cgroup is empty and removes it.
//!
//! It is this program again, under a name that tells people what it is. Its standard input is the
//! socket, its standard output the directory in which to make the cgroup.

use std::{
    ffi::{CStr, CString},
    fs::File,
    io::{self, Read, Write},
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::{net::UnixStream, process::CommandExt},
    },
    process::{self, Child, Command, Stdio},
    thread,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use nix::{
    errno::Errno,
    poll::{poll, PollFd, PollFlags, PollTimeout},
    sys::stat::Mode,
};

use super::cgroup;

/// Beginning of the guardian's name; that of the cgroup follows.
pub const NAME: &str = "crctl: guardian of ";

/// From `crctl`: the container may live without you.
const RELEASE: u8 = b'r';
/// From the guardian: there is a cgroup.
const READY: u8 = b'+';

/// A container's cgroup, and who looks after it.
#[derive(Debug)]
pub struct Guardian {
    cgroup: OwnedFd,
    socket: UnixStream,
    child: Child,
}

impl Guardian {
    /// Makes a cgroup below that of the caller. Without a cgroup2 file system, or the right to make
    /// one, there is none: a container can do without.
    pub fn start() -> Option<Self> {
        let parent = cgroup::own().or_else(|| {
            tracing::warn!("there is no cgroup2 file system: the container gets no cgroup");
            None
        })?;
        match Self::start_below(&parent) {
            Ok(guardian) => Some(guardian),
            Err(err) => {
                tracing::warn!(?parent, %err, "the container gets no cgroup of its own");
                None
            }
        }
    }

    fn start_below(parent: &std::path::Path) -> io::Result<Self> {
        let parent = cgroup::open_dir(parent)?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let now = now.map_or(0, |now| now.subsec_nanos());
        let name = format!("crctl-{}-{now:08x}", process::id());
        let (mut socket, theirs) = UnixStream::pair()?;
        let child = Command::new("/proc/self/exe")
            .arg0(format!("{NAME}{name}"))
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(Stdio::from(parent.try_clone()?))
            .stderr(Stdio::null())
            .spawn()?;

        let mut answer = Vec::new();
        let mut byte = [0];
        while socket.read(&mut byte)? == 1 && byte[0] != READY {
            answer.push(byte[0]);
        }
        if byte[0] != READY || !answer.is_empty() {
            return Err(io::Error::other(String::from_utf8_lossy(&answer)));
        }
        let cgroup = cgroup::open_child(parent.as_fd(), &*name)?;
        tracing::debug!(name, "cgroup made");
        Ok(Self {
            cgroup,
            socket,
            child,
        })
    }

    /// The cgroup.
    pub fn cgroup(&self) -> BorrowedFd<'_> {
        self.cgroup.as_fd()
    }

    /// Lets the container live on after the end of this process.
    pub fn release(&mut self) {
        if let Err(err) = self.socket.write_all(&[RELEASE]) {
            tracing::warn!(%err, "the guardian of the cgroup is gone");
        }
    }

    /// In a forked process: closes its copies.
    pub fn abandon(self) {}

    /// Ends the container, if anything is left of it, and waits until the cgroup is gone.
    pub fn finish(self) {
        let Self {
            socket, mut child, ..
        } = self;
        drop(socket);
        let _ = child.wait();
    }
}

/// The guardian's life. Returns its exit status, in which nobody is interested.
pub fn main(name: &[u8]) -> u8 {
    let Ok(name) = CString::new(name) else {
        return 2;
    };
    // Signals from a terminal are not for the guardian.
    let _ = nix::unistd::setsid();
    let _ = nix::sys::prctl::set_name(c"crctl: guardian");
    match guard(&name) {
        Ok(()) => 0,
        Err(_) => 1,
    }
}

fn guard(name: &CStr) -> io::Result<()> {
    let parent = io::stdout().as_fd().try_clone_to_owned()?;
    let mut socket = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    // The standard descriptors are copies: let the socket have one end only here.
    let null = File::options().read(true).write(true).open("/dev/null")?;
    nix::unistd::dup2_stdin(&null)?;
    nix::unistd::dup2_stdout(&null)?;

    let made = nix::sys::stat::mkdirat(&parent, name, Mode::from_bits_truncate(0o755))
        .and_then(|()| cgroup::open_child(parent.as_fd(), name))
        .and_then(|dir| cgroup::events(dir.as_fd()).map(|events| (dir, events)));
    let (dir, events) = match made {
        Ok(made) => made,
        Err(err) => {
            let _ = cgroup::remove(parent.as_fd(), name);
            let _ = socket
                .write_all(format!("mkdir {}: {}", name.to_string_lossy(), err.desc()).as_bytes());
            return Err(err.into());
        }
    };

    let mut byte = [READY];
    let mut released = socket.write_all(&byte).is_err();
    released = !released && matches!(socket.read(&mut byte), Ok(1)) && byte[0] == RELEASE;
    drop(socket);
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
