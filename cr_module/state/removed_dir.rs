// SPDX-License-Identifier: GPL-2.0

//! Directories that have been removed, and are open or somebody's working directory.
//!
//! Nothing is in them, and nothing can be made in them. They are made again in the next directory
//! above that was not removed, under a name of their own, and removed at once. They are opened as other
//! inodes that have no name are: see [`inode::open`].
//!
//! Refused: extended attributes, flags (FS_IOC_SETFLAGS); those that are somebody's root directory.

use crate::{
    objects::Kind,
    report::{Context, Result},
    save::Save,
    state::inode,
};
use cr_codec::uapi::*;
use cr_sys::{file::FileRef, mm::PAGE_SIZE, path::PathRef, vec};
use kernel::prelude::*;

/// Saves one, unless it has been already.
pub(crate) fn save(save: &mut Save<'_>, dir: &PathRef) -> Result<u64> {
    let (mut record, identity, unsupported) = dir.read_removed()?;
    if let Some(id) = save.objects.find(Kind::Inode, identity) {
        return Ok(id);
    }
    inode::check(unsupported)?;
    let mut buffer = vec::zeroed(PAGE_SIZE, GFP_KERNEL)?;
    let name = inode::name_of(save, &dir.living_directory()?, &mut buffer)?;
    record.name_len = name.len() as u32;
    let id = save.objects.add(Kind::Inode, identity)?;
    save.object(id, &record, &[name])?;
    Ok(id)
}

/// Saves an open file of one, and returns the record.
pub(crate) fn save_file(
    save: &mut Save<'_>,
    file: &FileRef,
    record: &cr_img_file,
) -> Result<cr_img_file> {
    Ok(cr_img_file {
        kind: CR_FILE_REMOVED_DIR,
        flags: record.flags,
        pos: record.pos,
        target: self::save(save, &PathRef::of(file)?)?,
        ..Default::default()
    })
}

/// Makes one again, of which attributes are yet to come.
pub(crate) fn restore(root: &PathRef, name: &CStr) -> Result<FileRef> {
    FileRef::make_removed_directory(root, name)
        .context(format_args!("a directory that was removed"))
}
