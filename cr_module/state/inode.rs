// SPDX-License-Identifier: GPL-2.0

//! Inodes whose contents are in the image, because no name leads to them: memfds (memfd_create(2)),
//! and regular files that have been removed, or never had a name (O_TMPFILE), and are in use. And
//! directories that have been removed, which have no contents: see [`removed_dir`].
//!
//! However many open files and mappings an inode has, its pages are stored once, where data is. They
//! are read while the container stands still, through an open file that nobody notices. Seals come
//! last at restart: when all is mapped and written.
//!
//! A removed file is made again as one without a name in the directory that it was in, or, if that was
//! removed as well, in the next one above that is there.
//!
//! Refused: what is open or mapped outside as well; extended attributes; flags (FS_IOC_SETFLAGS);
//! removed files whose file system has no O_TMPFILE.

use crate::{
    files::Files,
    image::Records,
    objects::Kind,
    plan::Plan,
    report::{fail, words_for, Context, Failure, Name, Result},
    save::Save,
    state::{hugetlb, name::CName, numa, removed_dir},
};
use cr_codec::{
    check::{huge_pages_of_inode, Rec},
    uapi::*,
};
use cr_sys::{
    build,
    errno::EOPNOTSUPP,
    file::{FileRef, FileType},
    inode::*,
    mm::PAGE_SIZE,
    path::PathRef,
    vec,
};
use kernel::prelude::*;

const REFUSED: &[(u32, &str)] = &[
    (CR_INODE_X_FLAGS, "has flags (FS_IOC_SETFLAGS, chattr)"),
    (CR_INODE_X_XATTRS, "has extended attributes"),
    (CR_INODE_X_SIZE, "has a size that is not whole huge pages"),
];

/// Saves the inode of an open file, unless it has been already.
fn save_inode(save: &mut Save<'_>, file: &FileRef, inode: u64) -> Result<u64> {
    if let Some(id) = save.objects.find(Kind::Inode, inode) {
        return Ok(id);
    }
    let mut buffer = vec::zeroed(PAGE_SIZE, GFP_KERNEL)?;
    let (mut record, unsupported) = file.read_inode(&mut buffer)?;
    check(unsupported)?;
    let id = save.objects.add(Kind::Inode, inode)?;
    let name = match is_memfd(record.kind) {
        true => buffer.get(..record.name_len as usize).ok_or(EINVAL)?,
        false => directory(save, file, &mut buffer)?,
    };
    record.name_len = name.len() as u32;
    save.object(id, &record, &[name])?;
    hugetlb::save_reserved(save, id, file)?;
    numa::save_shared(save, id, file)?;
    save.memory
        .add_inode(id, file.reopen_unseen()?, record.size)?;
    Ok(id)
}

/// Whether memfd_create(2) has made it.
fn is_memfd(kind: u32) -> bool {
    matches!(kind, CR_INODE_MEMFD | CR_INODE_HUGETLB | CR_INODE_GIGANTIC)
}

/// Whether it was made with O_TMPFILE, and may get a name.
fn is_linkable(kind: u32) -> bool {
    matches!(
        kind,
        CR_INODE_TMPFILE | CR_INODE_HUGETLB_TMPFILE | CR_INODE_GIGANTIC_TMPFILE
    )
}

/// Refuses what is lost of an inode.
pub(super) fn check(unsupported: u32) -> Result {
    if let Some(what) = words_for(REFUSED, unsupported.into()) {
        fail!(EOPNOTSUPP(), "{what}, which is not supported yet");
    }
    Ok(())
}

/// The name of the directory that a removed file was in.
fn directory<'a>(save: &Save<'_>, file: &FileRef, buffer: &'a mut [u8]) -> Result<&'a [u8]> {
    let dir = PathRef::of(file)?.living_directory()?;
    if !dir.takes_tmpfiles() {
        fail!(
            EOPNOTSUPP(),
            "was removed from a file system without O_TMPFILE, which is not supported yet"
        );
    }
    name_of(save, &dir, buffer)
}

/// The name of a directory from which something was removed.
pub(super) fn name_of<'a>(
    save: &Save<'_>,
    dir: &PathRef,
    buffer: &'a mut [u8],
) -> Result<&'a [u8]> {
    match dir.name(save.container.root(), buffer) {
        Ok(name) => Ok(name),
        Err(_) => fail!(
            EOPNOTSUPP(),
            "was removed from a directory that is hidden, or outside of the container's root, which \
             is not supported yet"
        ),
    }
}

/// Saves an open file of such an inode, and returns the record.
pub(crate) fn save(
    save: &mut Save<'_>,
    file: &FileRef,
    kind: FileType,
    inode: u64,
    record: &cr_img_file,
) -> Result<cr_img_file> {
    Ok(cr_img_file {
        kind: match kind == FileType::Memfd && file.is_first_memfd() {
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
pub(crate) fn restore(rec: &Rec<'_>, root: &PathRef) -> Result<FileRef> {
    let inode: cr_img_inode = rec.fixed()?;
    let name = CName::new(rec.variable::<cr_img_inode>())?;
    let name = name.as_cstr()?;
    match inode.kind {
        kind if is_memfd(kind) => return Ok(FileRef::make_memfd(kind, name, inode.size)?),
        CR_INODE_DIRECTORY => return removed_dir::restore(root, name),
        _ => {}
    }
    FileRef::make_tmpfile(root, name, inode.size, is_linkable(inode.kind))
        .map_err(Failure::from)
        .and_then(|file| hugetlb::check_size(&file, huge_pages_of_inode(&inode)).map(|()| file))
        .context(format_args!(
            "a file without a name in {}",
            Name(rec.variable::<cr_img_inode>())
        ))
}

/// Gives inodes, whose contents are there, their mode and owner, and gives up the right to write to
/// removed files: a program can be one that may be executed, and that nobody writes to.
pub(crate) fn complete(records: &Records, files: &mut [(u64, FileRef)]) -> Result {
    for (id, file) in files {
        let rec = records.get(records.find(*id)?);
        if rec.tag != CR_TAG_INODE {
            continue;
        }
        let inode: cr_img_inode = rec.fixed()?;
        set(file, &inode)?;
        if !is_memfd(inode.kind) && inode.kind != CR_INODE_DIRECTORY {
            // Who watches its directory is not told when it is closed, at the end of the restart.
            let reads = file.reopen_unseen()?;
            core::mem::replace(file, reads).close();
        }
    }
    Ok(())
}

fn set(file: &FileRef, inode: &cr_img_inode) -> Result {
    file.set_inode(inode).context(format_args!(
        "mode, owner and times of a file without a name"
    ))
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

const SYS_FCNTL: u32 = 72;
const F_ADD_SEALS: u64 = 1033;

/// Gives inodes their times and seals. All are mapped, and nobody reads or writes them any more.
pub(crate) fn finish(plan: &Plan) -> Result {
    for (at, rec) in plan.records.tagged(CR_TAG_INODE) {
        let inode: cr_img_inode = rec.fixed()?;
        let file = plan.file(plan.records.get(at).id)?;
        if huge_pages_of_inode(&inode).is_some() {
            // Writable mappings have made it as long as they are.
            file.resize(inode.size)
                .context(format_args!("size of a file without a name"))?;
        }
        set(file, &inode)?;
        if inode.seals != 0 {
            seal(file, inode.seals).context(format_args!("seals of a memfd"))?;
        }
    }
    Ok(())
}

fn seal(file: &FileRef, seals: u32) -> Result {
    build::with_fd(file, |fd| {
        let args = [fd.into(), F_ADD_SEALS, seals.into(), 0, 0, 0];
        build::syscall(SYS_FCNTL, args)
    })?;
    Ok(())
}
