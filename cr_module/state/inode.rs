// SPDX-License-Identifier: GPL-2.0

//! Inodes whose contents are in the image, because no name leads to them: memfds (memfd_create(2)).
//!
//! However many open files and mappings an inode has, its pages are stored once, where data is. They
//! are read while the container stands still, through an open file that nobody notices. Seals come
//! last at restart: when all is mapped and written.
//!
//! Refused: what is open or mapped outside as well; extended attributes; flags (FS_IOC_SETFLAGS);
//! NUMA policies of the memory.

use crate::{
    checkpoint::Save,
    objects::Kind,
    plan::Plan,
    report::{fail, Context, Name, Result},
    restart::Files,
    state::file::CName,
};
use cr_codec::{check::Rec, uapi::*};
use cr_sys::{build, errno::EOPNOTSUPP, file::FileRef, inode::*};
use kernel::prelude::*;

const REFUSED: &[(u32, &str)] = &[
    (CR_INODE_X_FLAGS, "has flags (FS_IOC_SETFLAGS, chattr)"),
    (CR_INODE_X_POLICY, "has a NUMA policy (mbind)"),
    (CR_INODE_X_XATTRS, "has extended attributes"),
];

/// Saves the inode of an open file, unless it has been already.
fn save_inode(save: &mut Save<'_>, file: &FileRef, inode: u64) -> Result<u64> {
    if let Some(id) = save.objects.find(Kind::Inode, inode) {
        return Ok(id);
    }
    let (record, name, unsupported) = file.read_inode()?;
    for (bit, what) in REFUSED {
        if unsupported & (1 << bit) != 0 {
            fail!(EOPNOTSUPP(), "{what}, which is not supported yet");
        }
    }
    let name = name.get(..record.name_len as usize).ok_or(EINVAL)?;
    let id = save.objects.add(Kind::Inode, inode)?;
    save.object(id, &record, &[name])?;
    save.memory
        .add_inode(id, file.reopen_unseen()?, record.size)?;
    Ok(id)
}

/// Saves an open file of such an inode, and returns the record.
pub(crate) fn save(
    save: &mut Save<'_>,
    file: &FileRef,
    inode: u64,
    record: &cr_img_file,
) -> Result<cr_img_file> {
    Ok(cr_img_file {
        kind: match file.is_first_memfd() {
            true => CR_FILE_MEMFD,
            false => CR_FILE_INODE,
        },
        flags: record.flags,
        pos: record.pos,
        target: save_inode(save, file, inode)?,
        ..Default::default()
    })
}

/// Saves what stands in for a file that was mapped when a seal forbade to write to it ever: one that
/// is open to read only, which a mapping has the same rights of.
pub(crate) fn save_sealed(save: &mut Save<'_>, file: &FileRef, inode: u64) -> Result<u64> {
    const O_LARGEFILE: u32 = 0o100000;
    if let Some(id) = save.objects.find(Kind::SealedInode, inode) {
        return Ok(id);
    }
    let record = cr_img_file {
        kind: CR_FILE_INODE,
        flags: O_LARGEFILE,
        target: save_inode(save, file, inode)?,
        ..Default::default()
    };
    let id = save.objects.add(Kind::SealedInode, inode)?;
    save.object(id, &record, &[])?;
    Ok(id)
}

/// Refuses those that are mapped outside of the container, where nobody would have them open.
pub(crate) fn check_contained(save: &Save<'_>) -> Result {
    for file in save.memory.inodes() {
        for mm in &file.mappers()? {
            if save.objects.find(Kind::Mm, *mm).is_none() {
                let (_, info, _) = file.read_info();
                fail!(
                    EBUSY,
                    "{} is also mapped outside of the container",
                    Name(&info.name)
                );
            }
        }
    }
    Ok(())
}

/// Makes an inode again, with contents yet to come.
pub(crate) fn restore(rec: &Rec<'_>) -> Result<FileRef> {
    let inode: cr_img_inode = rec.fixed()?;
    let name = CName::new(rec.variable::<cr_img_inode>())?;
    Ok(FileRef::make_memfd(name.as_cstr()?, inode.size)?)
}

/// Makes an open file of it again.
pub(crate) fn open(files: &Files<'_>, record: &cr_img_file) -> Result<FileRef> {
    let inode = files.made(record.target)?;
    let file = match record.kind {
        CR_FILE_MEMFD => {
            inode.set_status(record.flags);
            inode.clone()
        }
        _ => inode.reopen(record.flags)?,
    };
    file.seek(record.pos)?;
    Ok(file)
}

const SYS_CLOSE: u32 = 3;
const SYS_FCNTL: u32 = 72;
const F_ADD_SEALS: u64 = 1033;

/// Gives inodes what they have besides contents. All are mapped, and nobody writes to them any more.
pub(crate) fn finish(plan: &Plan) -> Result {
    for (at, rec) in plan.records.tagged(CR_TAG_INODE) {
        let inode: cr_img_inode = rec.fixed()?;
        let file = plan.file(plan.records.get(at).id)?;
        file.set_inode(&inode)
            .context(format_args!("mode, owner and times of a memfd"))?;
        if inode.seals != 0 {
            seal(file, inode.seals).context(format_args!("seals of a memfd"))?;
        }
    }
    Ok(())
}

fn seal(file: &FileRef, seals: u32) -> Result {
    let fd = u64::from(build::install_any_fd(file)?);
    let result = build::syscall(SYS_FCNTL, [fd, F_ADD_SEALS, u64::from(seals), 0, 0, 0]);
    build::syscall(SYS_CLOSE, [fd, 0, 0, 0, 0, 0])?;
    result?;
    Ok(())
}
