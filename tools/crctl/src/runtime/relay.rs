// SPDX-License-Identifier: GPL-2.0

//! Images to and from what the kernel cannot write or read by itself.
//!
//! That is most character devices: /dev/null, /dev/full, a tape. Somebody copies between such a
//! device and a pipe then, from which the kernel sees neither the errors nor the end of the device.

use std::{
    fs::File,
    io,
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::fs::FileTypeExt,
    },
    thread::{self, JoinHandle},
};

use anyhow::{Context, Result};
use nix::{
    fcntl::OFlag,
    sys::{
        prctl,
        signal::{kill, Signal},
        wait::waitpid,
    },
    unistd::{getppid, pipe2, ForkResult, Pid},
};

use crate::{image::ReadError, sys};

/// Whether somebody has to stand in between.
pub fn is_needed(file: &File) -> io::Result<bool> {
    Ok(file.metadata()?.file_type().is_char_device())
}

/// A thread that copies to a file.
#[derive(Debug)]
pub struct ToFile {
    write: OwnedFd,
    thread: JoinHandle<io::Result<u64>>,
}

impl ToFile {
    /// Starts it.
    pub fn start(mut file: File) -> io::Result<Self> {
        let (read, write) = pipe2(OFlag::O_CLOEXEC)?;
        let mut read = File::from(read);
        // With the thread goes its end of the pipe: the kernel will not write for nobody.
        let thread = thread::Builder::new().spawn(move || io::copy(&mut read, &mut file))?;
        Ok(Self { write, thread })
    }

    /// Where to write instead.
    pub fn fd(&self) -> BorrowedFd<'_> {
        self.write.as_fd()
    }

    /// Waits until everything has arrived.
    pub fn finish(self) -> io::Result<()> {
        drop(self.write);
        match self.thread.join() {
            Ok(result) => result.map(drop),
            Err(_) => Err(io::Error::other("a thread has died")),
        }
    }
}

/// A process that writes an image to a pipe: a thread would not do, because who has one cannot get a
/// new pid namespace for its children.
#[derive(Debug)]
pub struct FromProcess {
    child: Pid,
}

impl FromProcess {
    /// Starts it. The file is the end of the pipe.
    pub fn start(
        command: &str,
        write: impl FnOnce(&mut File) -> Result<()>,
    ) -> Result<(File, Self)> {
        let (read, end) = pipe2(OFlag::O_CLOEXEC).context("pipe")?;
        let parent = nix::unistd::getpid();
        match sys::fork().context("fork")? {
            ForkResult::Parent { child } => Ok((read.into(), Self { child })),
            ForkResult::Child => {
                drop(read);
                let _ = prctl::set_pdeathsig(Signal::SIGKILL);
                let _ = prctl::set_name(c"crctl: relay");
                if getppid() != parent {
                    sys::exit(1);
                }
                sys::exit(match write(&mut File::from(end)) {
                    Err(err) if !is_broken_pipe(&err) => {
                        eprintln!("crctl: {command}: {err:#}");
                        1
                    }
                    _ => 0,
                })
            }
        }
    }
}

/// Who read has seen enough.
fn is_broken_pipe(err: &anyhow::Error) -> bool {
    let kind = |cause: &(dyn std::error::Error + 'static)| match cause.downcast_ref() {
        Some(ReadError::Io(err)) => Some(err.kind()),
        _ => Some(cause.downcast_ref::<io::Error>()?.kind()),
    };
    err.chain()
        .any(|cause| kind(cause) == Some(io::ErrorKind::BrokenPipe))
}

impl Drop for FromProcess {
    /// What it has not copied by now is not wanted.
    fn drop(&mut self) {
        let _ = kill(self.child, Signal::SIGKILL);
        let _ = waitpid(self.child, None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn to_a_full_device() {
        let full = File::options().write(true).open("/dev/full").unwrap();
        assert!(is_needed(&full).unwrap());
        let relay = ToFile::start(full).unwrap();
        let mut write = File::from(relay.fd().try_clone_to_owned().unwrap());
        write.write_all(b"image").unwrap();
        drop(write);
        let err = relay.finish().unwrap_err();
        assert_eq!(err.kind(), io::ErrorKind::StorageFull);
    }

    #[test]
    fn to_nowhere() {
        let null = File::options().write(true).open("/dev/null").unwrap();
        let relay = ToFile::start(null).unwrap();
        let mut write = File::from(relay.fd().try_clone_to_owned().unwrap());
        write.write_all(&[1; 1 << 20]).unwrap();
        drop(write);
        relay.finish().unwrap();
    }

    #[test]
    fn files_need_none() {
        assert!(!is_needed(&tempfile::tempfile().unwrap()).unwrap());
    }
}
