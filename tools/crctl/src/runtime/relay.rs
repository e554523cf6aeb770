// SPDX-License-Identifier: GPL-2.0

//! Images to and from what the kernel cannot write or read by itself.
//!
//! That is most character devices: /dev/null, /dev/full, a tape; and compressed images. Somebody
//! copies between these and a pipe then, from which the kernel sees neither errors nor an end.

use std::{
    fs::File,
    io::{self, Read, Write},
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::{fs::FileTypeExt, net::UnixStream},
    },
    thread::{self, JoinHandle},
};

use anyhow::{Context, Result};
use nix::{
    errno::Errno,
    fcntl::OFlag,
    poll::{poll, PollFd, PollFlags, PollTimeout},
    sys::{
        prctl,
        signal::{kill, Signal},
        wait::waitpid,
    },
    unistd::{getppid, pipe2, ForkResult, Pid},
};

use crate::{error::io_kind, image::encoder, sys};

/// Whether somebody has to stand in between.
pub fn is_needed(file: &File) -> io::Result<bool> {
    Ok(file.metadata()?.file_type().is_char_device())
}

/// A thread that copies to a file.
#[derive(Debug)]
pub struct ToFile {
    write: OwnedFd,
    confirm: UnixStream,
    thread: JoinHandle<io::Result<()>>,
}

impl ToFile {
    /// Starts it; with a level, it compresses.
    pub fn start(file: File, level: Option<i32>) -> io::Result<Self> {
        let (read, write) = pipe2(OFlag::O_CLOEXEC)?;
        let (ours, confirm) = UnixStream::pair()?;
        // With the thread goes its end of the pipe: the kernel will not write for nobody.
        let thread =
            thread::Builder::new().spawn(move || to_file(read.into(), ours, file, level))?;
        Ok(Self {
            write,
            confirm,
            thread,
        })
    }

    /// Where to write instead.
    pub fn fd(&self) -> BorrowedFd<'_> {
        self.write.as_fd()
    }

    /// Where to ask whether all has arrived: a byte there says that there is no more, and one comes
    /// back when it is on the disk.
    pub fn confirm(&self) -> BorrowedFd<'_> {
        self.confirm.as_fd()
    }

    /// Waits until everything has arrived.
    pub fn finish(self) -> io::Result<()> {
        drop(self.write);
        match self.thread.join() {
            Ok(result) => result,
            Err(_) => Err(io::Error::other("a thread has died")),
        }
    }
}

fn to_file(
    mut pipe: File,
    mut confirm: UnixStream,
    mut file: File,
    level: Option<i32>,
) -> io::Result<()> {
    let asked = match level {
        Some(level) => {
            let mut encoder = encoder(&mut file, level)?;
            let asked = copy(&mut pipe, &mut confirm, &mut encoder)?;
            encoder.finish()?;
            asked
        }
        None => copy(&mut pipe, &mut confirm, &mut file)?,
    };
    if asked {
        let kind = file.metadata()?.file_type();
        if kind.is_file() || kind.is_block_device() {
            file.sync_all()?;
        }
        confirm.write_all(&[1])?;
    }
    Ok(())
}

/// Copies until nobody can write to the pipe any more, or somebody asks whether all has arrived.
fn copy(pipe: &mut File, confirm: &mut UnixStream, out: &mut impl Write) -> io::Result<bool> {
    let mut buffer = vec![0; 1 << 18];
    let mut asked = false;
    loop {
        let wait = match asked {
            // What was written before the question is there by now.
            true => PollTimeout::ZERO,
            false => PollTimeout::NONE,
        };
        let mut fds = [
            PollFd::new(pipe.as_fd(), PollFlags::POLLIN),
            PollFd::new(confirm.as_fd(), PollFlags::POLLIN),
        ];
        match poll(&mut fds, wait) {
            Err(Errno::EINTR) => continue,
            result => result?,
        };
        let ready = |fd: &PollFd<'_>| fd.any().unwrap_or(true);
        let (readable, question) = (ready(&fds[0]), ready(&fds[1]));
        if readable {
            match pipe.read(&mut buffer)? {
                0 => return Ok(asked),
                some => out.write_all(&buffer[..some])?,
            }
        } else if asked {
            return Ok(true);
        } else if question {
            asked = confirm.read(&mut [0])? > 0;
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
    err.chain()
        .any(|cause| io_kind(cause) == Some(io::ErrorKind::BrokenPipe))
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
    use crate::image::Decoded;

    #[test]
    fn to_a_full_device() {
        let full = File::options().write(true).open("/dev/full").unwrap();
        assert!(is_needed(&full).unwrap());
        let relay = ToFile::start(full, None).unwrap();
        let mut write = File::from(relay.fd().try_clone_to_owned().unwrap());
        write.write_all(b"image").unwrap();
        drop(write);
        let err = relay.finish().unwrap_err();
        assert_eq!(err.kind(), io::ErrorKind::StorageFull);
    }

    #[test]
    fn to_nowhere() {
        let null = File::options().write(true).open("/dev/null").unwrap();
        let relay = ToFile::start(null, None).unwrap();
        let mut write = File::from(relay.fd().try_clone_to_owned().unwrap());
        write.write_all(&[1; 1 << 20]).unwrap();
        drop(write);
        relay.finish().unwrap();
    }

    #[test]
    fn confirms_when_all_is_there() {
        let file = tempfile::NamedTempFile::new().unwrap();
        for level in [None, Some(1)] {
            let relay = ToFile::start(file.reopen().unwrap(), level).unwrap();
            let mut write = File::from(relay.fd().try_clone_to_owned().unwrap());
            let mut confirm = UnixStream::from(relay.confirm().try_clone_to_owned().unwrap());
            let image = vec![7; 300_000];
            write.write_all(&image).unwrap();
            confirm.write_all(&[1]).unwrap();
            confirm.read_exact(&mut [0]).unwrap();
            let mut found = Vec::new();
            let mut decoded = Decoded::new(file.reopen().unwrap()).unwrap();
            decoded.read_to_end(&mut found).unwrap();
            assert!(found == image);
            relay.finish().unwrap();
            file.as_file().set_len(0).unwrap();
        }
    }

    #[test]
    fn files_need_none() {
        assert!(!is_needed(&tempfile::tempfile().unwrap()).unwrap());
    }
}
