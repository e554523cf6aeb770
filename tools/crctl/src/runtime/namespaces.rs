// SPDX-License-Identifier: GPL-2.0

//! Mount namespaces: a root directory, and a /proc that shows the container's processes.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use nix::{
    fcntl::{open, openat, OFlag},
    mount::{mount, umount2, MntFlags, MsFlags},
    sched::{unshare, CloneFlags},
    sys::stat::Mode,
    unistd::{chdir, pivot_root},
};

use super::mounts::{self, Mount};
use crate::error::Error;

const NONE: Option<&str> = None;

/// Unshares namespaces.
pub fn leave(flags: CloneFlags) -> Result<()> {
    unshare(flags).map_err(|err| match err {
        nix::Error::EPERM => {
            Error::NotPermitted("new namespaces: not permitted: try as root".into()).into()
        }
        err => anyhow::Error::new(err).context("new namespaces"),
    })
}

/// An absolute path of a directory that is to become the root, before anything changes; none if it
/// is the root already.
pub fn find_root(root: &Path) -> Result<Option<PathBuf>> {
    let found = fs::canonicalize(root).with_context(|| root.display().to_string())?;
    if !found.is_dir() {
        return Err(Error::Usage(format!("{} is not a directory", root.display())).into());
    }
    for (dir, why) in [("proc", "the container's processes"), ("dev", "devices")] {
        if !found.join(dir).is_dir() {
            let what = format!("{} has no directory {dir} for {why}", root.display());
            return Err(Error::Usage(what).into());
        }
    }
    Ok(Some(found).filter(|found| found != Path::new("/")))
}

/// Whose processes a /proc shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Processes {
    /// Those of the pid namespace that the caller is in.
    Own,
    /// Those of a new pid namespace, which the caller's children will be in.
    OfChildren,
}

/// Gets a private mount namespace with a new /proc in it, and makes `root` its root directory.
/// `mounts` are those of the caller, before and afterwards.
///
/// With [`Processes::OfChildren`], the caller is not among the processes that /proc shows: there is
/// no /proc/self for it.
pub fn enter(root: Option<&Path>, processes: Processes, mounts: &mut Vec<Mount>) -> Result<()> {
    let Some(root) = root else {
        private_mounts(processes)?;
        mounts.push(mount_proc(Path::new("/proc"), processes)?);
        return Ok(());
    };
    // The old /proc knows the caller, and goes on to do so when it is out of sight.
    let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    let old_proc = open("/proc", flags, Mode::empty()).context("/proc")?;
    private_mounts(processes)?;
    bind(root, root)?;
    devices(root)?;
    mount_proc(&root.join("proc"), processes)?;
    pivot(root)?;

    let flags = OFlag::O_RDONLY | OFlag::O_CLOEXEC;
    let table = openat(&old_proc, "self/mountinfo", flags, Mode::empty());
    let table = table.map_err(io::Error::from).map(File::from);
    *mounts = table
        .and_then(mounts::read)
        .context("/proc/self/mountinfo")?;
    Ok(())
}

/// Gets a mount namespace whose mounts nobody else sees.
fn private_mounts(processes: Processes) -> Result<()> {
    leave(match processes {
        Processes::Own => CloneFlags::CLONE_NEWNS,
        Processes::OfChildren => CloneFlags::CLONE_NEWNS | CloneFlags::CLONE_NEWPID,
    })?;
    mount(NONE, "/", NONE, MsFlags::MS_REC | MsFlags::MS_PRIVATE, NONE).context("private mounts")
}

fn bind(from: &Path, to: &Path) -> Result<()> {
    mount(
        Some(from),
        to,
        NONE,
        MsFlags::MS_BIND | MsFlags::MS_REC,
        NONE,
    )
    .with_context(|| format!("bind {} to {}", from.display(), to.display()))
}

/// A new root gets the devices and the /sys of the old one, unless it has its own.
fn devices(root: &Path) -> Result<()> {
    for (dir, marker) in [("dev", "dev/null"), ("sys", "sys/kernel")] {
        let to = root.join(dir);
        if to.is_dir() && !root.join(marker).exists() {
            bind(&Path::new("/").join(dir), &to)?;
        }
    }
    Ok(())
}

fn mount_proc(at: &Path, processes: Processes) -> Result<Mount> {
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
    let options = match processes {
        Processes::Own => None,
        Processes::OfChildren => Some("pidns=/proc/self/ns/pid_for_children"),
    };
    mount(Some("proc"), at, Some("proc"), flags, options).context("mount of /proc")?;
    Ok(Mount {
        mount_point: at.display().to_string(),
        root: "/".into(),
        fstype: "proc".into(),
        source: "proc".into(),
        read_only: false,
    })
}

/// Makes a mount the root; the old root goes out of sight.
fn pivot(root: &Path) -> Result<()> {
    chdir(root).with_context(|| root.display().to_string())?;
    // The old root is mounted over the new one, and taken away from there.
    pivot_root(".", ".").context("pivot_root")?;
    umount2(".", MntFlags::MNT_DETACH).context("umount of the old root")?;
    chdir("/").context("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roots() {
        assert!(find_root(Path::new("/does/not/exist")).is_err());
        assert!(find_root(Path::new("/dev/null")).is_err());
        assert!(find_root(Path::new("/proc/self")).is_err());
        assert_eq!(find_root(Path::new("/usr/..")).unwrap(), None);
    }
}
