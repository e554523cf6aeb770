// SPDX-License-Identifier: GPL-2.0

//! Inodes whose contents are in the image, and open files of them.

use super::{hugetlb, is_path, Placed, Rec, Result, State};
use crate::uapi::*;

/// F_SEAL_SEAL to F_SEAL_EXEC, which comes with the four that forbid changes if anybody may execute it.
const SEALS: u32 = 0x3f;
const F_SEAL_EXEC: u32 = 0x20;
const UNCHANGED: u32 = 0x1e;

/// Longest name that memfd_create(2) takes.
const MEMFD_NAME_MAX: u32 = 249;

const O_ACCMODE: u32 = 0o3;
const O_RDWR: u32 = 0o2;
const O_DIRECTORY: u32 = 0o200000;
const O_TMPFILE: u32 = 0o20000000 | O_DIRECTORY;

pub(super) fn inode(rec: &Rec<'_>) -> Result {
    let inode: cr_img_inode = rec.fixed()?;
    rec.require_elements::<cr_img_inode, u8>(u64::from(inode.name_len))?;
    rec.require(
        inode.mode <= 0o7777 && inode.uid != u32::MAX && inode.gid != u32::MAX,
        "impossible mode or owner",
    )?;
    rec.require(inode.size < 1 << 63, "impossible size")?;
    rec.require(
        inode.atime_nsec < 1_000_000_000 && inode.mtime_nsec < 1_000_000_000,
        "impossible time",
    )?;
    let name = rec.variable::<cr_img_inode>();
    if let Some(size) = hugetlb::of_inode(&inode) {
        rec.require(size.divides(inode.size), "not whole huge pages")?;
    }
    match inode.kind {
        CR_INODE_MEMFD | CR_INODE_HUGETLB | CR_INODE_GIGANTIC => {
            rec.require(
                inode.name_len <= MEMFD_NAME_MAX && name.iter().all(|&b| b != 0),
                "impossible name",
            )?;
            let executable = inode.seals & F_SEAL_EXEC != 0 && inode.mode & 0o111 != 0;
            rec.require(
                inode.seals & !SEALS == 0 && (!executable || inode.seals & UNCHANGED == UNCHANGED),
                "impossible seals",
            )
        }
        CR_INODE_REMOVED
        | CR_INODE_TMPFILE
        | CR_INODE_HUGETLB_REMOVED
        | CR_INODE_HUGETLB_TMPFILE
        | CR_INODE_GIGANTIC_REMOVED
        | CR_INODE_GIGANTIC_TMPFILE => {
            rec.require(is_path(name), "not an absolute path")?;
            rec.require(inode.seals == 0, "impossible seals")
        }
        CR_INODE_DIRECTORY => {
            rec.require(is_path(name), "not an absolute path")?;
            rec.require(
                inode.seals == 0 && inode.size == 0,
                "contents of a directory that was removed",
            )
        }
        _ => Err(rec.error("unknown kind of inode")),
    }
}

fn is_memfd(kind: u32) -> bool {
    matches!(kind, CR_INODE_MEMFD | CR_INODE_HUGETLB | CR_INODE_GIGANTIC)
}

/// An open file of such an inode.
pub(super) fn file(state: &State<'_>, rec: Placed<'_>, file: &cr_img_file) -> Result {
    let inode = state.refers::<cr_img_inode>(rec, file.target, "no inode behind it")?;
    rec.require(
        rec.variable::<cr_img_file>().is_empty(),
        "a path to something without a name",
    )?;
    rec.require(
        [file.dev, file.ino, file.size, file.mtime_ns] == [0; 4] && file.mode == 0,
        "what is said of its inode",
    )?;
    let kind = inode.fixed::<cr_img_inode>()?.kind;
    if file.kind == CR_FILE_REMOVED_DIR {
        rec.require(
            kind == CR_INODE_DIRECTORY && file.flags & O_ACCMODE == 0,
            "not as a directory is opened",
        )?;
        return Ok(());
    }
    rec.require(
        kind != CR_INODE_DIRECTORY && matches!(file.flags & O_TMPFILE, 0 | O_TMPFILE),
        "flags of what has no contents",
    )?;
    if file.kind == CR_FILE_MEMFD {
        rec.require(
            is_memfd(kind) && file.flags & O_ACCMODE == O_RDWR,
            "not as memfd_create opens it",
        )?;
    }
    Ok(())
}
