// SPDX-License-Identifier: GPL-2.0

//! The container's own cgroup (version 2), below that of the caller.

use std::{
    ffi::{CStr, OsStr},
    fs::{self, File},
    io::{self, Write},
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    path::{Path, PathBuf},
};

use nix::{
    dir::{Dir, Type},
    errno::Errno,
    fcntl::{openat, OFlag},
    sys::stat::Mode,
    unistd::{unlinkat, Pid, UnlinkatFlags},
    NixPath,
};

use super::mounts::Mount;

/// Path of the caller's own cgroup, if there is a cgroup2 file system among its mounts.
pub fn own(mounts: &[Mount]) -> Option<PathBuf> {
    let mount = mounts.iter().find(|mount| mount.fstype == "cgroup2")?;
    let cgroups = fs::read_to_string("/proc/self/cgroup").ok()?;
    let path = cgroups.lines().find_map(|line| line.strip_prefix("0::"))?;
    // In a cgroup namespace, or a container, only a part of the tree is mounted.
    let below = Path::new(path).strip_prefix(&mount.root).ok()?;
    Some(Path::new(&mount.mount_point).join(below))
}

/// Path of a process's cgroup, if that is below one that `crctl` has made: then the container has
/// a tree of its own, and restart would not make it again.
pub fn below_ours(pid: i32) -> Option<PathBuf> {
    let cgroups = fs::read_to_string(format!("/proc/{pid}/cgroup")).ok()?;
    let path = Path::new(cgroups.lines().find_map(|line| line.strip_prefix("0::"))?);
    let is_ours = |name: &OsStr| name.as_encoded_bytes().starts_with(PREFIX.as_bytes());
    let mut above = path.ancestors().skip(1).filter_map(Path::file_name);
    above.any(is_ours).then(|| path.into())
}

/// How the names of the cgroups begin that `crctl` makes.
pub const PREFIX: &str = "crctl-";

/// Opens a directory.
pub fn open_dir(dir: &Path) -> io::Result<OwnedFd> {
    use std::os::unix::fs::OpenOptionsExt;
    let dir = fs::OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_DIRECTORY)
        .open(dir)?;
    Ok(dir.into())
}

/// Opens a file in a cgroup.
fn open_in(cgroup: BorrowedFd<'_>, name: &str, flags: OFlag) -> nix::Result<File> {
    openat(cgroup, name, flags | OFlag::O_CLOEXEC, Mode::empty()).map(File::from)
}

/// Opens a cgroup below another.
pub fn open_child<P>(parent: BorrowedFd<'_>, name: &P) -> nix::Result<OwnedFd>
where
    P: NixPath + ?Sized,
{
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    openat(parent, name, flags, Mode::empty())
}

/// Moves a process into a cgroup.
pub fn join(cgroup: BorrowedFd<'_>, pid: Pid) -> io::Result<()> {
    open_in(cgroup, "cgroup.procs", OFlag::O_WRONLY)?.write_all(pid.to_string().as_bytes())
}

/// Kills all processes in a cgroup and below it.
pub fn kill(cgroup: BorrowedFd<'_>) -> io::Result<()> {
    open_in(cgroup, "cgroup.kill", OFlag::O_WRONLY)?.write_all(b"1")
}

/// Opens the file that says whether there are processes in a cgroup; it can be polled.
pub fn events(cgroup: BorrowedFd<'_>) -> nix::Result<File> {
    open_in(cgroup, "cgroup.events", OFlag::O_RDONLY)
}

/// Whether there are processes in a cgroup or below it.
pub fn is_populated(events: &File) -> io::Result<bool> {
    use std::os::unix::fs::FileExt;
    let mut buffer = [0; 256];
    let got = events.read_at(&mut buffer, 0)?;
    Ok(buffer[..got]
        .split(|&b| b == b'\n')
        .any(|line| line == b"populated 1"))
}

/// Removes a cgroup and all below it. There are no processes in any.
pub fn remove(parent: BorrowedFd<'_>, name: &CStr) -> nix::Result<()> {
    match unlinkat(parent, name, UnlinkatFlags::RemoveDir) {
        // There are others below it, mostly.
        Err(Errno::EBUSY) => {}
        Err(Errno::ENOENT) => return Ok(()),
        result => return result,
    }
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    let mut cgroup = Dir::openat(parent, name, flags, Mode::empty())?;
    let below = cgroup.iter().filter_map(|entry| {
        let entry = entry.ok()?;
        let name = entry.file_name();
        let is_child = entry.file_type() == Some(Type::Directory) && name != c"." && name != c"..";
        is_child.then(|| name.to_owned())
    });
    let below: Vec<_> = below.collect();
    for child in below {
        remove(cgroup.as_fd(), &child)?;
    }
    unlinkat(parent, name, UnlinkatFlags::RemoveDir)
}
