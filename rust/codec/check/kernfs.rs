// SPDX-License-Identifier: GPL-2.0

//! Open files of sysfs and of cgroups.

use super::{files::O_ACCMODE, is_path, Placed, Rec, Result, State};
use crate::uapi::*;

const FLAGS: u32 = CR_KERNFS_CHANGED | CR_KERNFS_FULL | CR_KERNFS_EVENT;
/// The longest window of a trigger, `kernel/sched/psi.c`.
const WINDOW_MAX_US: u32 = 10_000_000;

/// What such a file has besides its name and offset.
pub(super) fn kernfs_file(rec: &Rec<'_>) -> Result {
    let file: cr_img_kernfs_file = rec.fixed()?;
    rec.require_elements::<cr_img_kernfs_file, u8>(u64::from(file.nr_left))?;
    rec.require(file.reserved == 0, "a reserved member is not zero")?;
    rec.require(file.flags & !FLAGS == 0, "unknown flags")?;
    rec.require(
        file.next <= i32::MAX as u64 && file.uid != u32::MAX && file.gid != u32::MAX,
        "impossible value",
    )?;
    rec.require(
        file.nr_left == 0 || file.next != 0,
        "something left of a read that was none",
    )?;
    let told = file.flags & !CR_KERNFS_CHANGED;
    rec.require(
        match file.window_us {
            0 => (file.threshold_us, told) == (0, 0),
            1..=WINDOW_MAX_US => (1..=file.window_us).contains(&file.threshold_us),
            _ => false,
        },
        "impossible trigger",
    )
}

/// An open file of one of both.
pub(super) fn file(state: &State<'_>, rec: Placed<'_>, file: &cr_img_file, path: &[u8]) -> Result {
    let found =
        state.refers::<cr_img_kernfs_file>(rec, file.target, "no file of kernfs behind it")?;
    let found: cr_img_kernfs_file = found.fixed()?;
    let mount = found.mount_len as usize;
    rec.require(
        mount == 0 || path.get(..mount).is_some_and(is_path) && path.get(mount) == Some(&b'/'),
        "a path that is not below the mount",
    )?;
    rec.require(
        file.flags & O_ACCMODE != 0
            || (found.opener, found.uid, found.gid, found.window_us) == (0, 0, 0, 0),
        "what a file that is only read does not have",
    )
}
