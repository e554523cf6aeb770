// SPDX-License-Identifier: GPL-2.0

//! A process that provides pages while the container runs already (`crctl restart --lazy`).
//!
//! It exists before the container does, outside of all its namespaces, and gets what it needs when
//! there is a container: a userfaultfd for each memory, and the right to provide its pages. If it ends
//! before all are in, for whatever reason, the kernel kills the container: nobody ever sees a page
//! that is wrong or missing.

mod pieces;

use std::{
    fs::File,
    io::{IoSlice, IoSliceMut, Read},
    os::{
        fd::{AsFd, AsRawFd, OwnedFd, RawFd},
        unix::net::UnixStream,
    },
};

use anyhow::{bail, Context, Result};
use nix::{
    errno::Errno,
    poll::{poll, PollFd, PollFlags, PollTimeout},
    sys::{
        prctl,
        socket::{recvmsg, sendmsg, ControlMessage, ControlMessageOwned, MsgFlags},
    },
    unistd::{setsid, ForkResult},
};

use self::pieces::{Piece, Pieces};
use super::start;
use crate::{
    image::{Paged, PAGE_SIZE},
    sys::{
        self,
        userfaultfd::{Event, Userfaultfd},
        Lazy,
    },
};

/// Pages that are copied at once.
const STEP: u64 = 64 * PAGE_SIZE as u64;
/// Descriptors in one message; the kernel takes some more.
const BATCH: usize = 200;

/// The process, before it has anything to do.
#[derive(Debug)]
pub struct Pager(UnixStream);

impl Pager {
    /// Starts it for an image in a file, called `name`, that begins at `base`.
    pub fn start(file: &File, base: u64, name: &str, detach: bool) -> Result<Self> {
        let (ours, theirs) = UnixStream::pair().context("socket")?;
        match sys::fork().context("fork")? {
            ForkResult::Parent { .. } => Ok(Self(ours)),
            ForkResult::Child => {
                drop(ours);
                let _ = setsid();
                let _ = prctl::set_name(c"crctl: pager");
                let result = become_pager(file, base, detach, theirs);
                sys::exit(match result {
                    Ok(0) => 0,
                    Ok(nr_pages) => {
                        eprintln!(
                            "crctl: restart: {name}: all pages are in, {nr_pages} of them late"
                        );
                        0
                    }
                    Err(err) => {
                        eprintln!("crctl: restart: {name}: the container is killed: {err:#}");
                        1
                    }
                })
            }
        }
    }

    /// Gives it what it is to provide.
    pub fn provide(self, lazy: &Lazy) -> Result<()> {
        let mut entries = vec![(0, lazy.right.as_raw_fd())];
        entries.extend(lazy.memories.iter().map(|(mm, fd)| (*mm, fd.as_raw_fd())));
        for batch in entries.chunks(BATCH) {
            let bytes: Vec<u8> = batch.iter().flat_map(|(mm, _)| mm.to_ne_bytes()).collect();
            let fds: Vec<RawFd> = batch.iter().map(|(_, fd)| *fd).collect();
            let parts = [IoSlice::new(&bytes)];
            let rights = [ControlMessage::ScmRights(&fds)];
            sendmsg::<()>(self.0.as_raw_fd(), &parts, &rights, MsgFlags::empty(), None)
                .context("the pager is gone")?;
        }
        Ok(())
    }
}

fn become_pager(file: &File, base: u64, detach: bool, socket: UnixStream) -> Result<u64> {
    // Who waits for the end of crctl does not wait for this.
    let mut withheld = start::withheld(detach);
    withheld.retain(|fd| *fd > 1);
    withheld.extend([0, 1]);
    start::replace_with_null(&withheld)?;
    let entries = receive(&socket)?;
    drop(socket);
    let mut entries = entries.into_iter();
    // The first one of all; without it, there is no container.
    let Some((_, right)) = entries.next() else {
        return Ok(0);
    };
    let paged = Paged::index(file.try_clone()?, base)?;
    let mut provider = Provider::new(paged, right);
    for (mm, fd) in entries {
        provider.add(mm, Userfaultfd::new(fd));
    }
    provider.provide()
}

/// What comes before the end of the stream.
fn receive(mut socket: &UnixStream) -> Result<Vec<(u64, OwnedFd)>> {
    let mut received = Vec::new();
    loop {
        let mut bytes = [0; 8 * BATCH];
        let mut space = nix::cmsg_space!([RawFd; BATCH]);
        let mut parts = [IoSliceMut::new(&mut bytes)];
        let flags = MsgFlags::MSG_CMSG_CLOEXEC;
        let message = recvmsg::<()>(socket.as_raw_fd(), &mut parts, Some(&mut space), flags)?;
        let length = message.bytes;
        let mut fds: Vec<OwnedFd> = Vec::new();
        for control in message.cmsgs()? {
            if let ControlMessageOwned::ScmRights(rights) = control {
                fds.extend(rights.into_iter().map(sys::received_fd));
            }
        }
        if length == 0 {
            return Ok(received);
        }
        let missing = fds.len() * 8 - length;
        socket.read_exact(&mut bytes[length..length + missing])?;
        let ids = bytes.chunks_exact(8);
        let ids = ids.map(|id| u64::from_ne_bytes(id.try_into().unwrap_or_default()));
        received.extend(ids.zip(fds));
    }
}

/// Somebody's memory, and what is still to come of it.
#[derive(Debug)]
struct Memory {
    fd: Userfaultfd,
    left: Pieces,
    /// Its process has ended, or executes another program.
    ended: bool,
}

impl Memory {
    fn new(fd: Userfaultfd, left: Pieces) -> Self {
        Self {
            fd,
            left,
            ended: false,
        }
    }

    fn end(&mut self) {
        self.left.clear();
        self.ended = true;
    }
}

struct Provider {
    paged: Paged,
    right: OwnedFd,
    memories: Vec<Memory>,
    /// The record whose pages are in `bytes`.
    read: Option<usize>,
    bytes: Vec<u8>,
    nr_pages: u64,
}

impl Provider {
    fn new(paged: Paged, right: OwnedFd) -> Self {
        Self {
            paged,
            right,
            memories: Vec::new(),
            read: None,
            bytes: Vec::new(),
            nr_pages: 0,
        }
    }

    fn add(&mut self, mm: u64, fd: Userfaultfd) {
        let mut left = Pieces::default();
        let records = self.paged.records.iter().enumerate();
        for (record, pages) in records.filter(|(_, pages)| pages.object == mm) {
            let mut at = 0;
            for run in &pages.runs {
                let length = run.nr_pages * u64::from(PAGE_SIZE);
                left.add(Piece {
                    start: run.start,
                    end: run.start + length,
                    record,
                    at,
                });
                at += length;
            }
        }
        self.memories.push(Memory::new(fd, left));
    }

    /// Until all pages are in. Returns how many were provided; 0 if nobody needs them any more.
    fn provide(mut self) -> Result<u64> {
        // The container has precedence while it starts.
        let mut patience = PollTimeout::from(50u8);
        loop {
            let ready = self.ready(std::mem::replace(&mut patience, PollTimeout::ZERO))?;
            for at in &ready {
                while let Some(event) = self.memories[*at].fd.next(self.right.as_fd())? {
                    self.handle(*at, event)?;
                }
            }
            let unfinished = self.memories.iter().enumerate();
            let next = unfinished.filter_map(|(at, memory)| Some((at, memory.left.first()?)));
            match next.min_by_key(|(_, piece)| piece.record) {
                Some((at, piece)) if ready.is_empty() => self.copy(at, piece)?,
                Some(_) => {}
                None if ready.is_empty() => break,
                None => {}
            }
        }
        sys::lazy_done(self.right.as_fd()).context("ending the lazy restart")?;
        match self.memories.iter().all(|memory| memory.ended) {
            true => Ok(0),
            false => Ok(self.nr_pages),
        }
    }

    /// Memories that something has happened in.
    fn ready(&self, timeout: PollTimeout) -> Result<Vec<usize>> {
        let mut fds: Vec<_> = self
            .memories
            .iter()
            .map(|memory| PollFd::new(memory.fd.as_fd(), PollFlags::POLLIN))
            .collect();
        match poll(&mut fds, timeout) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(err) => return Err(err.into()),
        }
        let is_ready = |fd: &PollFd<'_>| {
            let events = fd.revents();
            events.is_some_and(|events| events.contains(PollFlags::POLLIN))
        };
        let fds = fds.iter().enumerate();
        Ok(fds
            .filter(|(_, fd)| is_ready(fd))
            .map(|(at, _)| at)
            .collect())
    }

    fn handle(&mut self, at: usize, event: Event) -> Result<()> {
        let memory = &mut self.memories[at];
        match event {
            Event::Fault(addr) => {
                let page = u64::from(PAGE_SIZE);
                let addr = addr & !(page - 1);
                match memory.left.find(addr) {
                    Some(piece) => self.copy(at, piece.part(addr, piece.end))?,
                    None => match memory.fd.zero(addr, page) {
                        Ok(_) => {}
                        // It is there, or the mapping is gone: let them look again.
                        Err(Errno::EEXIST | Errno::ENOENT | Errno::EAGAIN) => {
                            memory.fd.wake(addr, page)?;
                        }
                        Err(Errno::ESRCH) => memory.end(),
                        Err(err) => bail!("a page of zeroes: {}", err.desc()),
                    },
                }
            }
            Event::Fork(fd) => {
                let left = memory.left.clone();
                self.memories.push(Memory::new(fd, left));
            }
            Event::Moved(from, to, length) => memory.left.shift(from, to, length),
            Event::Gone(start, end) => {
                memory.left.take(start, end);
            }
        }
        Ok(())
    }

    /// Copies the beginning of a piece.
    fn copy(&mut self, at: usize, piece: Piece) -> Result<()> {
        if self.read != Some(piece.record) {
            self.read = None;
            self.paged.read(piece.record, &mut self.bytes)?;
            self.read = Some(piece.record);
        }
        let memory = &mut self.memories[at];
        let page = u64::from(PAGE_SIZE);
        let end = piece.end.min(piece.start + STEP);
        let mut next = piece.start;
        while next < end {
            let from = (piece.at + (next - piece.start)) as usize;
            let bytes = &self.bytes[from..from + (end - next) as usize];
            let done = match memory.fd.copy(next, bytes) {
                Ok(copied) => {
                    self.nr_pages += copied / page;
                    copied
                }
                // It was there from the beginning, or somebody has put another one in its place.
                Err(Errno::EEXIST) => {
                    memory.fd.wake(next, page)?;
                    page
                }
                // There is no such mapping any more, or another one.
                Err(Errno::ENOENT) => page,
                // It is just being changed: an event tells how.
                Err(Errno::EAGAIN) => return Ok(()),
                Err(Errno::ESRCH) => {
                    memory.end();
                    return Ok(());
                }
                Err(err) => bail!("a page at {next:#x}: {}", err.desc()),
            };
            memory.left.take(next, next + done);
            next += done;
        }
        Ok(())
    }
}
