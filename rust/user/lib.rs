// SPDX-License-Identifier: GPL-2.0

//! The system calls of `crctl` that need `unsafe`: the ioctls of `/dev/cr`, and a few that nix has not
//! got or cannot make safe.

use std::{
    io::{self, Write},
    os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd},
    ptr,
};

use cr_codec::uapi::*;
use nix::{
    errno::Errno,
    sched::{unshare, CloneFlags},
    sys::signal::{SigSet, SigmaskHow},
    unistd::{ForkResult, Pid},
};

pub mod first_life;
pub mod userfaultfd;

/// Issues an ioctl of `/dev/cr`.
///
/// # Safety
///
/// `arg` is the structure that belongs to `number`, with its size in the first member, and the
/// addresses in it are those of memory that the kernel may read.
unsafe fn ioctl<T>(device: BorrowedFd<'_>, number: u32, arg: &mut T) -> nix::Result<()> {
    // SAFETY: By the conditions of this function; the kernel writes to `arg` only, and not beyond
    // the size that is in it.
    let ret = unsafe { libc::ioctl(device.as_raw_fd(), libc::c_ulong::from(number), arg) };
    Errno::result(ret).map(drop)
}

fn address<T>(slice: &[T]) -> u64 {
    slice.as_ptr() as u64
}

/// Asks the module what it can do.
pub fn info(device: BorrowedFd<'_>) -> nix::Result<cr_info> {
    let mut arg = cr_info {
        size: size_of::<cr_info>() as u32,
        ..Default::default()
    };
    // SAFETY: The structure belongs to the number and has no addresses in it.
    unsafe { ioctl(device, CR_IOCTL_INFO, &mut arg)? };
    Ok(arg)
}

/// Saves a container. Sizes and addresses in `arg` are set here.
pub fn checkpoint(
    device: BorrowedFd<'_>,
    arg: &mut cr_checkpoint,
    externals: &[cr_external],
    sections: &[([u8; 16], &[u8])],
) -> nix::Result<()> {
    let sections: Vec<cr_section> = sections
        .iter()
        .map(|(name, data)| cr_section {
            name: *name,
            addr: address(data),
            len: data.len() as u64,
        })
        .collect();
    arg.size = size_of::<cr_checkpoint>() as u32;
    arg.externals = address(externals);
    arg.nr_externals = externals.len() as u32;
    arg.sections = address(&sections);
    arg.nr_sections = sections.len() as u32;
    // SAFETY: The structure belongs to the number, and the slices live until the call returns.
    unsafe { ioctl(device, CR_IOCTL_CHECKPOINT, arg) }
}

/// Memory whose pages are still to come.
#[derive(Debug)]
pub struct Lazy {
    /// The right to provide them, and the duty.
    pub right: OwnedFd,
    /// Object id and userfaultfd of each.
    pub memories: Vec<(u64, OwnedFd)>,
}

/// Says that all pages are in.
pub fn lazy_done(right: BorrowedFd<'_>) -> nix::Result<()> {
    // SAFETY: The number has no argument.
    let ret = unsafe { libc::ioctl(right.as_raw_fd(), libc::c_ulong::from(CR_IOCTL_LAZY_DONE)) };
    Errno::result(ret).map(drop)
}

/// A descriptor that has just come through a socket.
pub fn received_fd(fd: RawFd) -> OwnedFd {
    // SAFETY: The kernel has just made it for us, and nobody else knows of it.
    unsafe { OwnedFd::from_raw_fd(fd) }
}

/// Restarts a container. Sizes and addresses in `arg` are set here. Returns the new init's pid and
/// pidfd, and what is still to come of the memory of at most `nr_lazy` processes.
pub fn restart(
    device: BorrowedFd<'_>,
    arg: &mut cr_restart,
    externals: &[cr_external_fd],
    prefix: &[u8],
    nr_lazy: usize,
) -> nix::Result<(Pid, OwnedFd, Option<Lazy>)> {
    let mut memories = vec![cr_lazy::default(); nr_lazy];
    arg.lazy = memories.as_mut_ptr() as u64;
    arg.nr_lazy = nr_lazy as u32;
    arg.size = size_of::<cr_restart>() as u32;
    arg.externals = address(externals);
    arg.nr_externals = externals.len() as u32;
    arg.prefix = address(prefix);
    arg.prefix_len = prefix.len() as u32;
    leave_memory_to_parents();
    // SAFETY: The structure belongs to the number, and the slices live until the call returns; the
    // kernel writes as many entries as it says to that of memories, which has so much room.
    unsafe { ioctl(device, CR_IOCTL_RESTART, arg)? };
    let pidfd = received_fd(arg.pidfd);
    memories.truncate(arg.nr_lazy as usize);
    let lazy = (arg.lazy_fd >= 0 && !memories.is_empty()).then(|| Lazy {
        right: received_fd(arg.lazy_fd),
        memories: memories
            .iter()
            .map(|entry| (entry.mm, received_fd(entry.fd)))
            .collect(),
    });
    Ok((Pid::from_raw(arg.pid), pidfd, lazy))
}

/// Keeps the memory of this process, all below its stack, out of its children.
///
/// The kernel makes a container's init from a child of its own, which throws away what it has from
/// its parent. Not to copy that is faster. Nobody may fork by means of the C library afterwards.
fn leave_memory_to_parents() {
    let local = 0u8;
    // Far enough below the stack, and what the kernel has put above it.
    let end = (ptr::from_ref(&local).addr() & !0xfff).saturating_sub(1 << 20);
    // SAFETY: The memory of this process stays as it is.
    unsafe { libc::madvise(ptr::null_mut(), end, libc::MADV_DONTFORK) };
    // ENOMEM says that there are holes in the range, which are no mistake.
}

/// Opens a pidfd.
pub fn pidfd_open(pid: Pid) -> nix::Result<OwnedFd> {
    // SAFETY: The call has no pointers among its arguments.
    let ret = unsafe { libc::syscall(libc::SYS_pidfd_open, pid.as_raw(), 0) };
    let fd = Errno::result(ret)? as RawFd;
    // SAFETY: The kernel has just made this descriptor for us, and nobody else knows of it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Forks. Fails when there is more than one thread.
pub fn fork() -> nix::Result<ForkResult> {
    // Changes nothing for the only thread, and is refused if there are others.
    unshare(CloneFlags::CLONE_THREAD)?;
    // SAFETY: There is one thread, so the child is a complete copy of the parent.
    unsafe { nix::unistd::fork() }
}

/// What the standard library does before `fn main()`, as far as it matters here.
pub fn start() {
    // A standard descriptor that is closed is one that the next file gets.
    for fd in 0..3 {
        // SAFETY: These calls have no pointers among their arguments but the name.
        unsafe {
            if libc::fcntl(fd, libc::F_GETFD) == -1 {
                libc::open(c"/dev/null".as_ptr(), libc::O_RDWR);
            }
        }
    }
    // Who writes to a pipe that nobody reads gets an error, and can say so.
    ignore_signal(nix::sys::signal::Signal::SIGPIPE);
}

/// Ends the process at once. There must be nothing left to do.
pub fn exit(status: u8) -> ! {
    let _ = io::stdout().flush();
    // SAFETY: Nothing comes after this.
    unsafe { libc::_exit(i32::from(status)) }
}

/// Makes all descriptors but the standard ones close at exec: nothing that the caller left open may
/// get into a container or into the guardian of its cgroup.
pub fn keep_descriptors_private() {
    // SAFETY: No descriptor is closed now, and those above 2 are not supposed to survive an exec.
    let ret = unsafe { libc::close_range(3, libc::c_uint::MAX, libc::CLOSE_RANGE_CLOEXEC as i32) };
    if ret != 0 {
        tracing::warn!("close_range: {}", Errno::last());
    }
}

/// Gives all signals their default action and blocks none. Those that wait are forgotten.
pub fn reset_signals() -> nix::Result<()> {
    for signal in 1..=libc::SIGRTMAX() {
        // The C library keeps two for itself, and two cannot be changed: errors do not matter.
        // SAFETY: Neither action is a function of ours.
        unsafe {
            libc::signal(signal, libc::SIG_IGN);
            libc::signal(signal, libc::SIG_DFL);
        }
    }
    nix::sys::signal::sigprocmask(SigmaskHow::SIG_SETMASK, Some(&SigSet::empty()), None)
}

/// Ignores a signal.
pub fn ignore_signal(signal: nix::sys::signal::Signal) {
    // SAFETY: To ignore a signal takes no function of ours.
    unsafe { libc::signal(signal as i32, libc::SIG_IGN) };
}
