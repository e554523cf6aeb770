// SPDX-License-Identifier: GPL-2.0

//! Mount namespaces: a root directory, and a /proc that shows the container's processes.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use nix::{
    mount::{mount, umount2, MntFlags, MsFlags},
    sched::{unshare, CloneFlags},
    unistd::{chdir, pivot_root},
};

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

/// Gets a mount namespace whose mounts nobody else sees.
pub fn private_mounts() -> Result<()> {
    leave(CloneFlags::CLONE_NEWNS)?;
    mount(NONE, "/", NONE, MsFlags::MS_REC | MsFlags::MS_PRIVATE, NONE).context("private mounts")
}

/// An absolute path of a directory that is to become the root, before anything changes.
pub fn find_root(root: &Path) -> Result<PathBuf> {
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
    Ok(found)
}

/// Makes a directory the root of this mount namespace; the old root goes out of sight. Devices and
/// /sys are those of the old root, unless the new one has its own.
pub fn enter_root(root: &Path) -> Result<()> {
    let bind = |from: &Path, to: &Path| {
        mount(
            Some(from),
            to,
            NONE,
            MsFlags::MS_BIND | MsFlags::MS_REC,
            NONE,
        )
        .with_context(|| format!("bind {} to {}", from.display(), to.display()))
    };
    bind(root, root)?;
    for (dir, marker) in [("dev", "dev/null"), ("sys", "sys/kernel")] {
        let to = root.join(dir);
        if to.is_dir() && !root.join(marker).exists() {
            bind(&Path::new("/").join(dir), &to)?;
        }
    }
    chdir(root).with_context(|| root.display().to_string())?;
    // The old root is mounted over the new one, and taken away from there.
    pivot_root(".", ".").context("pivot_root")?;
    umount2(".", MntFlags::MNT_DETACH).context("umount of the old root")?;
    chdir("/").context("/")
}

/// Whose processes a /proc shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Processes {
    /// Those of the pid namespace that the caller is in.
    Own,
    /// Those of the pid namespace that the caller's children will be in.
    OfChildren,
}

/// Mounts /proc.
pub fn mount_proc(processes: Processes) -> Result<()> {
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
    let options = match processes {
        Processes::Own => None,
        Processes::OfChildren => Some("pidns=/proc/self/ns/pid_for_children"),
    };
    mount(Some("proc"), "/proc", Some("proc"), flags, options).context("mount of /proc")
}
