// SPDX-License-Identifier: GPL-2.0

//! Open files, pipes, locks and shared memory objects.
//!
//! C headers: [`include/linux/fs.h`](srctree/include/linux/fs.h),
//! [`include/linux/pipe_fs_i.h`](srctree/include/linux/pipe_fs_i.h),
//! [`include/linux/filelock.h`](srctree/include/linux/filelock.h).

use crate::{
    bindings,
    mm::PAGE_BATCH,
    path::{name_in, PathRef},
    pid_ns::{PidNs, PidRef},
    task::TaskRef,
};
use core::ptr::NonNull;
use cr_codec::uapi::*;
use kernel::{
    error::{from_err_ptr, to_result},
    prelude::*,
};

pub use bindings::{
    cr_shim_file as FileInfo, cr_shim_lock as Lock, cr_shim_pipe as PipeInfo, CR_FILE_X_FS,
    CR_FILE_X_LEASE, CR_FILE_X_LOCK, CR_FILE_X_UNLINKED,
};

/// What is behind an open file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FileType {
    /// Something that has no name here: see `FileInfo::name`.
    Other,
    /// Regular file.
    Regular,
    /// Directory.
    Directory,
    /// null, zero, full, random or urandom.
    MemoryDevice,
    /// Pipe or fifo.
    Pipe,
    /// Shared anonymous memory, or anonymous memory of huge pages.
    SharedMemory,
    /// Terminal.
    Terminal,
    /// memfd_create(2).
    Memfd,
    /// Regular file that has no name any more, or none yet.
    Removed,
    /// System V shared memory.
    SysvSharedMemory,
    /// eventfd(2).
    EventFd,
    /// epoll(7).
    Epoll,
    /// /proc/PID/mem, or another file of a process in procfs.
    ProcTask,
    /// timerfd_create(2).
    TimerFd,
    /// signalfd(2).
    SignalFd,
    /// pidfd_open(2).
    PidFd,
    /// Socket of the family AF_UNIX.
    Socket,
    /// inotify_init(2).
    Inotify,
    /// fanotify_init(2).
    Fanotify,
    /// TCP socket.
    Inet,
    /// File of procfs that is not a process's.
    Proc,
    /// Ring of a context of asynchronous I/O, which is only ever mapped.
    AioRing,
    /// io_uring_setup(2).
    IoUring,
    /// A netlink socket.
    Netlink,
    /// A packet socket.
    Packet,
    /// mq_open(3).
    MessageQueue,
    /// Opened with O_PATH, whatever is there.
    Place,
    /// File of sysfs, or of a cgroup of version 2.
    Kernfs,
    /// landlock_create_ruleset(2).
    Ruleset,
    /// BPF_MAP_CREATE of bpf(2).
    BpfMap,
}

impl FileType {
    pub(crate) fn from_raw(raw: u32) -> Self {
        match raw {
            bindings::cr_shim_file_type_CR_SHIM_FILE_REG => Self::Regular,
            bindings::cr_shim_file_type_CR_SHIM_FILE_DIR => Self::Directory,
            bindings::cr_shim_file_type_CR_SHIM_FILE_MEMDEV => Self::MemoryDevice,
            bindings::cr_shim_file_type_CR_SHIM_FILE_PIPE => Self::Pipe,
            bindings::cr_shim_file_type_CR_SHIM_FILE_SHMEM => Self::SharedMemory,
            bindings::cr_shim_file_type_CR_SHIM_FILE_TTY => Self::Terminal,
            bindings::cr_shim_file_type_CR_SHIM_FILE_MEMFD => Self::Memfd,
            bindings::cr_shim_file_type_CR_SHIM_FILE_REMOVED => Self::Removed,
            bindings::cr_shim_file_type_CR_SHIM_FILE_SYSV_SHM => Self::SysvSharedMemory,
            bindings::cr_shim_file_type_CR_SHIM_FILE_EVENTFD => Self::EventFd,
            bindings::cr_shim_file_type_CR_SHIM_FILE_EPOLL => Self::Epoll,
            bindings::cr_shim_file_type_CR_SHIM_FILE_PROC_TASK => Self::ProcTask,
            bindings::cr_shim_file_type_CR_SHIM_FILE_TIMERFD => Self::TimerFd,
            bindings::cr_shim_file_type_CR_SHIM_FILE_SIGNALFD => Self::SignalFd,
            bindings::cr_shim_file_type_CR_SHIM_FILE_PIDFD => Self::PidFd,
            bindings::cr_shim_file_type_CR_SHIM_FILE_SOCKET => Self::Socket,
            bindings::cr_shim_file_type_CR_SHIM_FILE_INOTIFY => Self::Inotify,
            bindings::cr_shim_file_type_CR_SHIM_FILE_FANOTIFY => Self::Fanotify,
            bindings::cr_shim_file_type_CR_SHIM_FILE_INET => Self::Inet,
            bindings::cr_shim_file_type_CR_SHIM_FILE_PROC => Self::Proc,
            bindings::cr_shim_file_type_CR_SHIM_FILE_AIO => Self::AioRing,
            bindings::cr_shim_file_type_CR_SHIM_FILE_IO_URING => Self::IoUring,
            bindings::cr_shim_file_type_CR_SHIM_FILE_NETLINK => Self::Netlink,
            bindings::cr_shim_file_type_CR_SHIM_FILE_PACKET => Self::Packet,
            bindings::cr_shim_file_type_CR_SHIM_FILE_MQUEUE => Self::MessageQueue,
            bindings::cr_shim_file_type_CR_SHIM_FILE_PATH => Self::Place,
            bindings::cr_shim_file_type_CR_SHIM_FILE_KERNFS => Self::Kernfs,
            bindings::cr_shim_file_type_CR_SHIM_FILE_RULESET => Self::Ruleset,
            bindings::cr_shim_file_type_CR_SHIM_FILE_BPF_MAP => Self::BpfMap,
            _ => Self::Other,
        }
    }
}

/// An open file description, with a reference.
#[repr(transparent)]
pub struct FileRef(NonNull<bindings::file>);

// SAFETY: Open files are reference counted, and every operation here takes what locks it needs.
unsafe impl Send for FileRef {}
// SAFETY: As above.
unsafe impl Sync for FileRef {}

impl Clone for FileRef {
    fn clone(&self) -> Self {
        // SAFETY: The file is valid.
        unsafe { bindings::cr_shim_file_hold(self.as_ptr()) };
        Self(self.0)
    }
}

impl Drop for FileRef {
    fn drop(&mut self) {
        // SAFETY: The reference is ours.
        unsafe { bindings::cr_shim_file_put(self.as_ptr()) }
    }
}

impl FileRef {
    /// Takes over a reference.
    ///
    /// # Safety
    ///
    /// `ptr` is a valid file of which the caller owns a reference, and gives it up.
    pub(crate) unsafe fn from_owned(ptr: NonNull<bindings::file>) -> Self {
        Self(ptr)
    }

    pub(crate) fn as_ptr(&self) -> *mut bindings::file {
        self.0.as_ptr()
    }

    /// What a function returned that gives a reference or an error.
    pub(crate) fn from_result(ptr: *mut bindings::file) -> Result<Self> {
        let ptr = NonNull::new(from_err_ptr(ptr)?).ok_or(ENOENT)?;
        Ok(Self(ptr))
    }

    /// The file behind a descriptor of the current task.
    pub fn from_fd(fd: i32) -> Result<Self> {
        let fd = u32::try_from(fd).map_err(|_| EBADF)?;
        // SAFETY: No preconditions; the result is null or referenced.
        let ptr = unsafe { kernel::bindings::fget(fd) };
        Ok(Self(NonNull::new(ptr).ok_or(EBADF)?))
    }

    /// The same, if it is open for reading, and no directory.
    pub fn from_fd_readable(fd: i32) -> Result<Self> {
        Self::from_fd(fd)?.only_if(false)
    }

    /// The same, if it is open for writing.
    pub fn from_fd_writable(fd: i32) -> Result<Self> {
        Self::from_fd(fd)?.only_if(true)
    }

    fn only_if(self, write: bool) -> Result<Self> {
        // SAFETY: The file is valid.
        match unsafe { bindings::cr_shim_file_may(self.as_ptr(), write) } {
            true => Ok(self),
            false => Err(EBADF),
        }
    }

    /// A number that tells it from others that are open.
    pub fn identity(&self) -> u64 {
        self.as_ptr() as u64
    }

    /// What is behind it.
    pub fn read_type(&self) -> FileType {
        // SAFETY: The file is valid.
        FileType::from_raw(unsafe { bindings::cr_shim_file_type(self.as_ptr()) })
    }

    /// All that can be said about it in one look.
    pub fn read_info(&self) -> (FileType, FileInfo, cr_img_file) {
        let mut info = FileInfo::default();
        let mut out = cr_img_file::default();
        // SAFETY: The file is valid, the others are valid for writes.
        unsafe { bindings::cr_shim_file_read(self.as_ptr(), &mut info, &mut out) };
        let kind = FileType::from_raw(info.type_);
        (kind, info, out)
    }

    /// Its name below `root`, in `buffer`. EXDEV: not below it; ESTALE: the name leads elsewhere.
    pub fn name<'a>(&self, root: &PathRef, buffer: &'a mut [u8]) -> Result<&'a [u8]> {
        name_in(buffer, |to, length, start| {
            let (what, root) = (self.as_ptr(), root.as_ptr());
            // SAFETY: File and path are valid; `to` is valid for writes of that length.
            unsafe { bindings::cr_shim_file_name(what, root, to, length, start) }
        })
    }

    /// A task outside of `ns` that has it open, by its pid as the caller sees it; with `alike`, or any
    /// other file of the same inode.
    pub fn outside_user(&self, ns: &PidNs, alike: bool) -> Option<i32> {
        // SAFETY: Namespace and file are valid; the file is only compared.
        match unsafe { bindings::cr_shim_outside_file(ns.as_ptr(), self.as_ptr(), alike) } {
            0 => None,
            pid => Some(pid),
        }
    }

    /// The locks on its inode: how many there are, of which as many as fit are written.
    pub fn locks(&self, ns: &PidNs, out: &mut [Lock]) -> usize {
        // SAFETY: The file and the namespace are valid; `out` is valid for writes of its length.
        let nr = unsafe {
            bindings::cr_shim_locks_read(
                self.as_ptr(),
                ns.as_ptr(),
                out.as_mut_ptr(),
                out.len() as u32,
            )
        };
        nr as usize
    }

    /// Makes its lease, which the current task has just taken, that of another process, which may be
    /// gone, by its descriptor `fd`. ENOENT: it has none.
    pub fn set_lease(&self, pid: Option<&PidRef>, fd: u32) -> Result {
        let pid = pid.map_or(core::ptr::null_mut(), PidRef::as_ptr);
        // SAFETY: The file and the pid, if there is one, are valid.
        to_result(unsafe { bindings::cr_shim_lease_set(self.as_ptr(), pid, fd) })
    }

    /// Which events come of what is done with it, of one that was just opened: CR_OPEN_*.
    pub fn set_events(&self, flags: u32) {
        // SAFETY: The file is valid, and nobody else has it yet.
        unsafe { bindings::cr_shim_file_set_events(self.as_ptr(), flags) }
    }

    /// The pipe that it is an end of.
    pub fn pipe(&self) -> Result<PipeInfo> {
        let mut info = PipeInfo::default();
        // SAFETY: The file is valid, `info` is valid for writes.
        to_result(unsafe { bindings::cr_shim_pipe_read(self.as_ptr(), &mut info) })?;
        Ok(info)
    }

    /// Copies what waits in the pipe, and leaves it there.
    pub fn copy_pipe(&self, out: &mut [u8]) -> Result {
        // SAFETY: The file is valid; `out` is valid for writes of its length.
        to_result(unsafe {
            bindings::cr_shim_pipe_copy(self.as_ptr(), out.as_mut_ptr(), out.len() as u32)
        })
    }

    /// Where packets that wait in the pipe are; how many fit into `out`.
    pub fn pipe_packets(&self, out: &mut [cr_img_packet]) -> usize {
        // SAFETY: The file is valid; `out` is valid for writes of so many.
        let nr = unsafe {
            bindings::cr_shim_pipe_packets(self.as_ptr(), out.as_mut_ptr(), out.len() as u32)
        };
        nr as usize
    }

    /// What other parts of the kernel have of an eventfd.
    pub fn eventfd_identity(&self) -> u64 {
        // SAFETY: The file is a valid eventfd.
        unsafe { bindings::cr_shim_eventfd_identity(self.as_ptr()) }
    }

    /// The counter of an eventfd, and whether it is a semaphore. Fails with EBUSY when a part of the
    /// kernel signals it that is none of so many `rings`.
    pub fn read_eventfd(&self, rings: u32) -> Result<(u64, bool)> {
        let (mut count, mut semaphore) = (0, false);
        // SAFETY: The file is a valid eventfd, the results are valid for writes.
        to_result(unsafe {
            bindings::cr_shim_eventfd_read(self.as_ptr(), rings, &mut count, &mut semaphore)
        })?;
        Ok((count, semaphore))
    }

    /// A new eventfd. For a moment, the current task has a descriptor of it.
    pub fn make_eventfd(count: u64, semaphore: bool) -> Result<Self> {
        // SAFETY: No preconditions; the result is an error or referenced.
        Self::from_result(unsafe { bindings::cr_shim_eventfd_make(count, semaphore) })
    }

    /// What an epoll instance watches, with the identities of files: how many there are (as many as
    /// fit are written). Fails with EOPNOTSUPP when it polls devices.
    pub fn read_epoll(&self, items: &mut [cr_img_epoll_item]) -> Result<usize> {
        let max = items.len() as u32;
        // SAFETY: The file is a valid epoll instance, `items` is valid for writes of its length.
        let nr = unsafe { bindings::cr_shim_epoll_read(self.as_ptr(), items.as_mut_ptr(), max) };
        to_result(nr.min(0))?;
        Ok(nr as usize)
    }

    /// A new epoll instance. For a moment, the current task has a descriptor of it.
    pub fn make_epoll() -> Result<Self> {
        // SAFETY: No preconditions; the result is an error or referenced.
        Self::from_result(unsafe { bindings::cr_shim_epoll_make() })
    }

    /// Lets this epoll instance watch a file. If `consumed`, it has told already what is ready of it
    /// by now.
    pub fn add_to_epoll(
        &self,
        target: &FileRef,
        item: &cr_img_epoll_item,
        consumed: bool,
    ) -> Result {
        // SAFETY: Both files are valid, and this one is an epoll instance.
        to_result(unsafe {
            bindings::cr_shim_epoll_add(self.as_ptr(), target.as_ptr(), item, consumed)
        })
    }

    /// A new pipe with room for `ring_size` pages: the end to read from, the end to write to.
    pub fn make_pipe(ring_size: u32) -> Result<(Self, Self)> {
        let mut ends = [core::ptr::null_mut(); 2];
        // SAFETY: There is room for two files.
        to_result(unsafe { bindings::cr_shim_pipe_make(ends.as_mut_ptr(), ring_size) })?;
        let [read, write] = ends.map(Self::from_result);
        Ok((read?, write?))
    }

    /// Sets the room in a pipe, in pages.
    pub fn resize_pipe(&self, ring_size: u32) -> Result {
        // SAFETY: The file is valid.
        to_result(unsafe { bindings::cr_shim_pipe_resize(self.as_ptr(), ring_size) })
    }

    /// Gives a pipe without a name to a user and a group.
    pub fn chown_pipe(&self, uid: u32, gid: u32) -> Result {
        // SAFETY: The file is a pipe that was just made.
        to_result(unsafe { bindings::cr_shim_pipe_chown(self.as_ptr(), uid, gid) })
    }

    /// Sets O_NONBLOCK, or O_DIRECT of a pipe, or both.
    pub fn add_flags(&self, flags: u32) {
        // SAFETY: The file is valid.
        unsafe { bindings::cr_shim_add_flags(self.as_ptr(), flags) }
    }

    /// Another open file description of the same pipe.
    pub fn reopen_pipe(&self, flags: u32) -> Result<Self> {
        // SAFETY: The file is valid; the result is an error or referenced.
        Self::from_result(unsafe { bindings::cr_shim_pipe_reopen(self.as_ptr(), flags) })
    }

    /// Writes some of `bytes` where the file is, and says how much.
    pub fn write(&self, bytes: &[u8]) -> Result<usize> {
        // SAFETY: The file is valid; `bytes` is valid for reads of its length.
        count(unsafe {
            bindings::cr_shim_stream_write(self.as_ptr(), bytes.as_ptr().cast(), bytes.len())
        })
    }

    /// Writes `parts`, at most [`PAGE_BATCH`], where the file is, and says how many bytes: all, or it
    /// takes no more.
    pub fn write_parts(&self, parts: &[&[u8]]) -> Result<usize> {
        let mut raw = [bindings::kvec::default(); PAGE_BATCH];
        let mut len = 0;
        for (raw, part) in raw.iter_mut().zip(parts) {
            raw.iov_base = part.as_ptr().cast_mut().cast();
            raw.iov_len = part.len();
            len += part.len();
        }
        let nr = raw.len().min(parts.len()) as u32;
        // SAFETY: The file is valid; so many parts are valid for reads of their lengths.
        count(unsafe { bindings::cr_shim_stream_writev(self.as_ptr(), raw.as_ptr(), nr, len) })
    }

    /// Reads some bytes from where the file is, and says how many; 0 at its end.
    pub fn read(&self, out: &mut [u8]) -> Result<usize> {
        // SAFETY: The file is valid; `out` is valid for writes of its length.
        count(unsafe {
            bindings::cr_shim_stream_read(self.as_ptr(), out.as_mut_ptr().cast(), out.len())
        })
    }

    /// Reads at most `len` bytes from where the file is to the end of `out`, which has room for
    /// them, and says how many; 0 at its end.
    pub fn read_to(&self, out: &mut KVVec<u8>, len: usize) -> Result<usize> {
        let room = out.spare_capacity_mut();
        let len = len.min(room.len());
        // SAFETY: The file is valid; there is room for `len` bytes.
        let some = count(unsafe {
            bindings::cr_shim_stream_read(self.as_ptr(), room.as_mut_ptr().cast(), len)
        })?;
        // SAFETY: The file has filled in that many bytes, no more than there was room for.
        unsafe { out.inc_len(some) };
        Ok(some)
    }

    /// Writes some of `bytes` at an offset.
    pub fn write_at(&self, bytes: &[u8], at: u64) -> Result<usize> {
        // SAFETY: The file is valid; `bytes` is valid for reads of its length.
        count(unsafe {
            bindings::cr_shim_pwrite(self.as_ptr(), bytes.as_ptr().cast(), bytes.len(), at)
        })
    }

    /// Reads some bytes from an offset.
    pub fn read_at(&self, out: &mut [u8], at: u64) -> Result<usize> {
        // SAFETY: The file is valid; `out` is valid for writes of its length.
        count(unsafe {
            bindings::cr_shim_pread(self.as_ptr(), out.as_mut_ptr().cast(), out.len(), at)
        })
    }

    /// The next offset from `at` on where data is, or none; with `hole`, where none is.
    pub fn seek_data(&self, at: u64, hole: bool) -> Result<Option<u64>> {
        // SAFETY: The file is valid.
        match unsafe { bindings::cr_shim_seek_data(self.as_ptr(), at, hole) } {
            at if at >= 0 => Ok(Some(at as u64)),
            error if error == i64::from(ENXIO.to_errno()) => Ok(None),
            error => Err(Error::from_errno(error as i32)),
        }
    }

    /// Sets its offset.
    pub fn seek(&self, at: u64) -> Result {
        // SAFETY: The file is valid.
        match unsafe { bindings::cr_shim_seek_set(self.as_ptr(), at) } {
            at if at >= 0 => Ok(()),
            error => Err(Error::from_errno(error as i32)),
        }
    }

    /// Moves its position by so many bytes. Only some files can do that.
    pub fn skip(&self, count: u64) -> Result {
        // SAFETY: The file is valid.
        match unsafe { bindings::cr_shim_seek_cur(self.as_ptr(), count) } {
            at if at >= 0 => Ok(()),
            error => Err(Error::from_errno(error as i32)),
        }
    }

    /// Waits until what was written is on the disk, if it is a regular file.
    pub fn sync(&self) -> Result {
        // SAFETY: The file is valid.
        to_result(unsafe { bindings::cr_shim_sync(self.as_ptr()) })
    }

    /// A new object of shared anonymous memory.
    pub fn make_shmem(shmem: &cr_img_shmem) -> Result<Self> {
        // SAFETY: No preconditions; the result is an error or referenced.
        Self::from_result(unsafe { bindings::cr_shim_shmem_make(shmem) })
    }

    /// Size and CR_SHMEM_* of shared anonymous memory.
    pub fn shmem_info(&self) -> cr_img_shmem {
        let mut shmem = cr_img_shmem::default();
        // SAFETY: The file is valid.
        unsafe { bindings::cr_shim_shmem_info(self.as_ptr(), &mut shmem) };
        shmem
    }
}

fn count(result: isize) -> Result<usize> {
    usize::try_from(result).map_err(|_| Error::from_errno(result as i32))
}

impl TaskRef {
    /// Its open files: descriptor, close-on-exec, file. The task stands still.
    pub fn files(&self) -> impl Iterator<Item = (u32, bool, FileRef)> + '_ {
        let mut next = Some(0u32);
        core::iter::from_fn(move || {
            let mut fd = next?;
            let mut cloexec = false;
            // SAFETY: The task is valid; the result is null or referenced.
            let file = unsafe { bindings::cr_shim_fd_next(self.as_ptr(), &mut fd, &mut cloexec) };
            next = fd.checked_add(1);
            Some((fd, cloexec, FileRef(NonNull::new(file)?)))
        })
    }

    /// The file behind one descriptor of it.
    pub fn file(&self, fd: u32) -> Option<FileRef> {
        // SAFETY: The task is valid; the result is null or referenced.
        let file = unsafe { bindings::cr_shim_fd_get(self.as_ptr(), fd) };
        Some(FileRef(NonNull::new(file)?))
    }

    /// The lowest descriptor that may be free.
    pub fn next_fd(&self) -> u32 {
        // SAFETY: The task is valid.
        unsafe { bindings::cr_shim_next_fd(self.as_ptr()) }
    }

    /// Its root directory.
    pub fn root(&self) -> Result<PathRef> {
        // SAFETY: The task is valid.
        PathRef::filled(|path| unsafe { bindings::cr_shim_task_root(self.as_ptr(), path) })
    }

    /// Its working directory and umask.
    pub fn cwd(&self) -> Result<(PathRef, u32)> {
        let mut umask = 0;
        let cwd = PathRef::filled(|path| {
            // SAFETY: The task is valid.
            unsafe { bindings::cr_shim_task_cwd(self.as_ptr(), path, &mut umask) }
        })?;
        Ok((cwd, umask))
    }
}
