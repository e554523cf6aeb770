// SPDX-License-Identifier: GPL-2.0

//! Open files of sysfs, and of cgroups (version 2): memory.pressure with a trigger, cgroup.events, and
//! the like.
//!
//! A file of sysfs is opened again by its name. The container is in one cgroup, which may be another one at restart. A file of that cgroup is opened
//! again in the one that the container is in by then; a file of another one by its name. How far it was
//! read, and the rest of what was made up for that, are as those of a file of /proc; so is what poll(2)
//! has been told. The kernel asks at each write who has opened the file, so it is opened by the same.
//!
//! A trigger is written again. What has happened in its window so far is not known any more.
//!
//! Refused: lists of tasks that were read, of which only the kernel knows how far; memory.peak, once
//! it was written to; files that were opened in other namespaces; of cgroups that were removed, by
//! [`file`](crate::state::file).

use crate::{
    files::Files,
    image::Records,
    report::{fail, failure, words_for, Context, Result},
    save::Save,
    state::{
        file::O_NOCTTY,
        name::{self, CName},
    },
};
use cr_codec::uapi::*;
use cr_sys::{
    errno::{EOPNOTSUPP, ESTALE},
    file::{FileRef, FileType},
    kernfs_file::*,
    path::PathRef,
};
use kernel::prelude::*;

/// Saves what a file has besides its name and offset.
pub(crate) fn save(save: &mut Save<'_>, file: &FileRef, path: &[u8]) -> Result<u64> {
    let (info, mut record, left) = file.read_kernfs(&save.init)?;
    check(&info)?;
    if info.below != 0 {
        let mount = path.len().checked_sub(info.below as usize).ok_or(EINVAL)?;
        record.mount_len = mount as u32;
    }
    let id = save.objects.add_private()?;
    save.object(id, &record, &[&left])?;
    Ok(id)
}

const REFUSED: &[(u32, &str)] = &[
    (
        CR_KERNFS_X_NS,
        "was opened in another cgroup namespace, which is not supported yet",
    ),
    (
        CR_KERNFS_X_OPENER,
        "was opened in another user namespace, which is not supported yet",
    ),
    (
        CR_KERNFS_X_GROUPS,
        "was opened to move tasks by somebody with supplementary groups, which is not supported yet",
    ),
    (
        CR_KERNFS_X_LIST,
        "is a list of tasks that was read in part, which is not supported yet (seek to its \
         beginning, or close it)",
    ),
    (
        CR_KERNFS_X_PEAK,
        "tells of a peak since it was written to, which is not supported yet (close it)",
    ),
];

fn check(info: &KernfsFileInfo) -> Result {
    match words_for(REFUSED, info.unsupported) {
        Some(why) => fail!(EOPNOTSUPP(), "{why}"),
        None => Ok(()),
    }
}

/// Opens a file again.
pub(crate) fn restore(files: &Files<'_>, record: &cr_img_file, path: &[u8]) -> Result<FileRef> {
    let records = files.records();
    let rec = records.get(records.find(record.target)?);
    let cgroup: cr_img_kernfs_file = rec.fixed()?;
    let found = match cgroup.mount_len as usize {
        0 => name::lookup(files.root(), CName::new(path)?.as_cstr()?)?,
        mount => find_own(files, path, mount)?,
    };
    let (kind, _) = found.read();
    if kind != FileType::Kernfs {
        return Err(name::another_type());
    }
    open(
        &found,
        record,
        &cgroup,
        rec.variable::<cr_img_kernfs_file>(),
    )
}

/// Opens it at this place, and gives it `left`, the rest of what was read.
fn open(
    found: &PathRef,
    record: &cr_img_file,
    cgroup: &cr_img_kernfs_file,
    left: &[u8],
) -> Result<FileRef> {
    let file = found
        .open_kernfs(record.flags | O_NOCTTY, cgroup)
        .map_err(|error| match error {
            EPERM => failure!(
                EPERM,
                "was opened by somebody with more rights than the caller"
            ),
            error => error.into(),
        })?;
    file.write_kernfs(record.pos, cgroup, left)
        .map_err(|error| match error {
            error if error == ESTALE() => name::another_type(),
            error => failure!(error, "what was read of it, or its trigger"),
        })?;
    Ok(file)
}

/// The file of the container's own cgroup.
fn find_own(files: &Files<'_>, path: &[u8], mount: usize) -> Result<PathRef> {
    let (mount, below) = path.split_at_checked(mount).ok_or(EINVAL)?;
    let name = below
        .rsplit(|byte| *byte == b'/')
        .next()
        .unwrap_or_default();
    let mount = name::lookup(files.root(), CName::new(mount)?.as_cstr()?)
        .context(format_args!("the mount of cgroups"))?;
    let found = mount.find_in_cgroup(files.cgroup(), CName::new(name)?.as_cstr()?);
    found.map_err(|error| match error {
        error if error == EXDEV => failure!(
            ESTALE(),
            "the mount does not show the cgroup that the container is in now"
        ),
        error if error == ESTALE() => failure!(ESTALE(), "there is no mount of cgroups any more"),
        error if error == ENOENT => failure!(
            ESTALE(),
            "there is no such file in the cgroup that the container is in now"
        ),
        error => error.into(),
    })
}

/// Lets triggers tell what they have had to tell. Until now, who watches the files may have polled them.
pub(crate) fn trigger(files: &Files<'_>, records: &Records) -> Result {
    for (_, rec) in records.tagged(CR_TAG_FILE) {
        let record: cr_img_file = rec.fixed()?;
        if record.kind != CR_FILE_KERNFS {
            continue;
        }
        let cgroup: cr_img_kernfs_file = records.get(records.find(record.target)?).fixed()?;
        if cgroup.flags & CR_KERNFS_EVENT != 0 {
            files.made(rec.id)?.trigger_kernfs()?;
        }
    }
    Ok(())
}
