// SPDX-License-Identifier: GPL-2.0

//! Shared anonymous memory: mmap(MAP_SHARED | MAP_ANONYMOUS), or of /dev/zero; and that of huge pages,
//! MAP_HUGETLB, shared or not.
//!
//! Behind such mappings there is an object of the kernel's own tmpfs, or hugetlbfs, which goes with its last
//! mapping. Its pages are saved once, however many processes map it.

use crate::{
    objects::Kind,
    report::{Context, Result},
    save::Save,
    state::{hugetlb, numa},
};
use cr_codec::check::Rec;
use cr_sys::file::FileRef;

/// Saves the object behind a mapping.
pub(crate) fn save(save: &mut Save<'_>, file: &FileRef, inode: u64) -> Result<u64> {
    if let Some(id) = save.objects.find(Kind::Shmem, inode) {
        save.memory.map_again(id);
        return Ok(id);
    }
    let (id, size) = save_new(save, file, inode)?;
    save.memory.add_shmem(id, file.clone(), size)?;
    Ok(id)
}

/// The same of a segment of System V shared memory, which knows itself who maps it.
pub(crate) fn save_segment(save: &mut Save<'_>, file: &FileRef) -> Result<u64> {
    let (_, info, _) = file.read_info();
    let (id, size) = save_new(save, file, info.inode)?;
    save.memory.add_segment(id, file.clone(), size)?;
    Ok(id)
}

/// Saves all but the contents; returns how many bytes these are.
fn save_new(save: &mut Save<'_>, file: &FileRef, inode: u64) -> Result<(u64, u64)> {
    let record = file.shmem_info();
    let id = save.objects.add(Kind::Shmem, inode)?;
    save.object(id, &record, &[])?;
    hugetlb::save_reserved(save, id, file)?;
    numa::save_shared(save, id, file)?;
    Ok((id, record.size))
}

/// Makes an object of the same size, empty.
pub(crate) fn restore(rec: &Rec<'_>) -> Result<FileRef> {
    FileRef::make_shmem(&rec.fixed()?).context(format_args!("shared memory"))
}
