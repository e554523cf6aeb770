// SPDX-License-Identifier: GPL-2.0

//! userfaultfd(2), as far as it takes to provide pages: the few ioctls, and what can be read.
//!
//! Kernel header: `include/uapi/linux/userfaultfd.h`. The descriptor comes from the kernel module,
//! with its ranges registered.

use std::{
    fs::File,
    io::Read,
    os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd},
};

use nix::{
    errno::Errno,
    fcntl::{fcntl, FcntlArg},
};

const UFFDIO_WAKE: u32 = 0x8010_aa02;
const UFFDIO_COPY: u32 = 0xc028_aa03;
const UFFDIO_ZEROPAGE: u32 = 0xc020_aa04;

const EVENT_PAGEFAULT: u64 = 0x12;
const EVENT_FORK: u64 = 0x13;
const EVENT_REMAP: u64 = 0x14;
const EVENT_REMOVE: u64 = 0x15;
const EVENT_UNMAP: u64 = 0x16;

/// What has happened in somebody's memory.
#[derive(Debug)]
pub enum Event {
    /// Somebody waits for the page with this address.
    Fault(u64),
    /// The process has forked: here is the memory of its child.
    Fork(Userfaultfd),
    /// Pages have moved: from, to, and how many bytes.
    Moved(u64, u64, u64),
    /// Pages between these addresses are gone, and are zero if they are asked for again.
    Gone(u64, u64),
}

/// Somebody's memory.
#[derive(Debug)]
pub struct Userfaultfd(File);

impl AsFd for Userfaultfd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl Userfaultfd {
    /// Takes the descriptor.
    pub fn new(fd: OwnedFd) -> Self {
        Self(fd.into())
    }

    /// The next thing that has happened, if there is one. Who has forked is told apart by a descriptor
    /// above `above`.
    pub fn next(&self, above: BorrowedFd<'_>) -> nix::Result<Option<Event>> {
        let mut words = [0u64; 4];
        let mut bytes = [0u8; 32];
        match (&self.0).read(&mut bytes) {
            Ok(32) => {}
            Ok(_) => return Ok(None),
            Err(err) => match err.raw_os_error().map_or(Errno::EIO, Errno::from_raw) {
                Errno::EAGAIN | Errno::EINTR => return Ok(None),
                errno => return Err(errno),
            },
        }
        for (word, bytes) in words.iter_mut().zip(bytes.chunks_exact(8)) {
            *word = u64::from_ne_bytes(bytes.try_into().unwrap_or_default());
        }
        let [event, a, b, c] = words;
        Ok(match event & 0xff {
            EVENT_PAGEFAULT => Some(Event::Fault(b)),
            EVENT_FORK => {
                // SAFETY: The kernel has just made this descriptor for us, and nobody else knows it.
                let fd = unsafe { OwnedFd::from_raw_fd(a as u32 as RawFd) };
                let least = above.as_raw_fd().saturating_add(1);
                let high = fcntl(&fd, FcntlArg::F_DUPFD_CLOEXEC(least))?;
                // SAFETY: The same.
                Some(Event::Fork(Self::new(unsafe {
                    OwnedFd::from_raw_fd(high)
                })))
            }
            EVENT_REMAP => Some(Event::Moved(a, b, c)),
            EVENT_REMOVE | EVENT_UNMAP => Some(Event::Gone(a, b)),
            _ => None,
        })
    }

    /// Copies pages to an address. Returns how many bytes were copied; an error is that of the first
    /// page: EEXIST if there is one already.
    pub fn copy(&self, to: u64, pages: &[u8]) -> nix::Result<u64> {
        let length = pages.len() as u64;
        let mut arg = [to, pages.as_ptr() as u64, length, 0, 0];
        // SAFETY: The kernel reads `pages`, and writes to the last word.
        unsafe { self.ioctl(UFFDIO_COPY, &mut arg, 4, length) }
    }

    /// Puts zeroes in the place of a page.
    pub fn zero(&self, at: u64, length: u64) -> nix::Result<u64> {
        let mut arg = [at, length, 0, 0];
        // SAFETY: The kernel writes to the last word only.
        unsafe { self.ioctl(UFFDIO_ZEROPAGE, &mut arg, 3, length) }
    }

    /// Has those look again who wait for pages that are there.
    pub fn wake(&self, at: u64, length: u64) -> nix::Result<()> {
        let mut arg = [at, length];
        // SAFETY: The kernel writes nothing.
        unsafe { self.ioctl(UFFDIO_WAKE, &mut arg, 1, length) }.map(drop)
    }

    /// Issues an ioctl that says in word `done` how far it came, of `length`.
    ///
    /// # Safety
    ///
    /// `arg` is what belongs to `number`.
    unsafe fn ioctl(
        &self,
        number: u32,
        arg: &mut [u64],
        done: usize,
        length: u64,
    ) -> nix::Result<u64> {
        let number = libc::c_ulong::from(number);
        // SAFETY: By the condition of this function.
        let ret = unsafe { libc::ioctl(self.0.as_raw_fd(), number, arg.as_mut_ptr()) };
        match Errno::result(ret) {
            Ok(_) => Ok(length),
            // As far as the first page that it was not possible for.
            Err(Errno::EAGAIN) if (arg[done] as i64) > 0 => Ok(arg[done]),
            Err(errno) => Err(errno),
        }
    }
}
