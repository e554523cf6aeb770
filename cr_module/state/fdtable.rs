// SPDX-License-Identifier: GPL-2.0

//! Descriptor tables.

use crate::{
    build::Build,
    objects::Kind,
    report::{Context, Result},
    save::Save,
    state::file,
    tree::Thread,
};
use cr_codec::{check::Rec, uapi::*};
use cr_sys::build;
use kernel::prelude::*;
use zerocopy::IntoBytes;

/// Saves the table that a thread uses, and the files in it.
pub(crate) fn save(save: &mut Save<'_>, thread: &Thread) -> Result<u64> {
    if let Some(id) = save.objects.find(Kind::FdTable, thread.info.files) {
        return Ok(id);
    }
    let mut fds = KVVec::new();
    for (fd, cloexec, file) in thread.task.files() {
        let file = file::save(save, &file).context(format_args!("fd {fd}"))?;
        let flags = if cloexec { CR_FD_CLOEXEC } else { 0 };
        fds.push(cr_img_fd { fd, flags, file }, GFP_KERNEL)?;
    }
    // The hint may lie above a free descriptor for a moment, but is not to be believed then.
    let first_free = (0..).zip(fds.iter()).find(|(at, fd)| *at != fd.fd);
    let first_free = first_free.map_or(fds.len() as u32, |(at, _)| at);
    let record = cr_img_fdtable {
        nr_fds: fds.len() as u32,
        next_fd: thread.task.next_fd().min(first_free),
    };
    let id = save.objects.add(Kind::FdTable, thread.info.files)?;
    save.object(id, &record, &[fds.as_bytes()])?;
    Ok(id)
}

/// Fills the empty table of the current process.
pub(crate) fn restore(build: &Build<'_>, rec: &Rec<'_>) -> Result {
    for entry in rec.array::<cr_img_fd>(size_of::<cr_img_fdtable>()) {
        let cloexec = entry.flags & CR_FD_CLOEXEC != 0;
        build::install_fd(entry.fd, build.file(entry.file)?, cloexec)
            .context(format_args!("fd {}", entry.fd))?;
    }
    Ok(())
}
