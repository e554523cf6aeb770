// SPDX-License-Identifier: GPL-2.0

//! Working directory, root directory and umask.

use crate::{
    build::Build,
    checkpoint::Save,
    objects::Kind,
    report::{fail, Context, Result},
    tree::Thread,
};
use cr_codec::{check::Rec, uapi::*};
use cr_sys::{errno::EOPNOTSUPP, file::PathRef};
use kernel::prelude::*;

/// Saves where a process is.
pub(crate) fn save(save: &mut Save<'_>, leader: &Thread) -> Result<u64> {
    let (cwd, umask) = leader.task.cwd()?;
    let root = leader.task.root()?;
    let mut buffer = core::mem::take(&mut save.path);
    let mut names = KVVec::new();
    let cwd_len = name(save, &cwd, &mut buffer, "working").and_then(|name| {
        names.extend_from_slice(name, GFP_KERNEL)?;
        Ok(name.len())
    })?;
    let root_len = name(save, &root, &mut buffer, "root").and_then(|name| {
        names.extend_from_slice(name, GFP_KERNEL)?;
        Ok(name.len())
    })?;
    save.path = buffer;

    let id = save.objects.add(Kind::Fs, leader.info.fs)?;
    let record = cr_img_fs {
        umask,
        cwd_len: cwd_len as u32,
        root_len: root_len as u32,
        reserved: 0,
    };
    save.object(id, &record, &[&names])?;
    Ok(id)
}

/// The name of a directory, as the container's init sees it.
fn name<'a>(save: &Save<'_>, path: &PathRef, buffer: &'a mut [u8], what: &str) -> Result<&'a [u8]> {
    if path.is_unlinked() {
        fail!(
            EOPNOTSUPP(),
            "its {what} directory was removed, which is not supported yet"
        );
    }
    match path.name(save.container.root(), buffer) {
        Err(error) if error == EXDEV => fail!(
            EBUSY,
            "its {what} directory is outside of the container's root"
        ),
        result => result.context(format_args!(
            "its {what} directory cannot be found by its name"
        )),
    }
}

const SYS_CHDIR: u32 = 80;
const SYS_UMASK: u32 = 95;
const SYS_CHROOT: u32 = 161;

/// Moves the current process there. Afterwards names mean what they meant to it.
pub(crate) fn restore(build: &Build<'_>, rec: &Rec<'_>) -> Result {
    let fs: cr_img_fs = rec.fixed()?;
    let (cwd, root) = rec.variable::<cr_img_fs>().split_at(fs.cwd_len as usize);
    build.syscall(SYS_UMASK, [u64::from(fs.umask), 0, 0])?;
    // The working directory may be outside of the root directory.
    let cwd = build.scratch_path(cwd)?;
    build
        .syscall(SYS_CHDIR, [cwd, 0, 0])
        .context(format_args!("working directory"))?;
    if root != b"/" {
        let root = build.scratch_path(root)?;
        build
            .syscall(SYS_CHROOT, [root, 0, 0])
            .context(format_args!("root directory"))?;
    }
    Ok(())
}
