// SPDX-License-Identifier: GPL-2.0

//! Working directory, root directory and umask. A working directory that was removed is an object of
//! its own: see [`removed_dir`].

use crate::{
    build::Build,
    objects::Kind,
    report::{fail, Context, Result},
    save::Save,
    state::{name, removed_dir},
    tree::Thread,
};
use cr_codec::{check::Rec, uapi::*};
use cr_sys::{
    build::install_any_fd,
    errno::{ELOOP, EOPNOTSUPP, ESTALE},
    path::PathRef,
};
use kernel::prelude::*;
use zerocopy::IntoBytes;

/// Saves where a thread is.
pub(crate) fn save(save: &mut Save<'_>, thread: &Thread) -> Result<u64> {
    if let Some(id) = save.objects.find(Kind::Fs, thread.info.fs) {
        return Ok(id);
    }
    let (cwd, umask) = thread.task.cwd()?;
    let root = thread.task.root()?;
    let removed = match cwd.is_unlinked() {
        true => removed_dir::save(save, &cwd).context(format_args!("its working directory"))?,
        false => 0,
    };
    let last = save.directories.take();
    let directories = match last.filter(|last| last.cwd.is(&cwd) && last.root.is(&root)) {
        Some(last) => last,
        None => Directories::find(save, cwd, root, removed)?,
    };

    let id = save.objects.add(Kind::Fs, thread.info.fs)?;
    let record = cr_img_fs {
        umask,
        cwd_len: directories.cwd_len as u32,
        root_len: (directories.names.len() - directories.cwd_len) as u32,
        reserved: 0,
        cwd: removed,
    };
    save.object(id, &record, &[&directories.names])?;
    save.directories = Some(directories);
    Ok(id)
}

/// Where a thread is: many are in the same place as the one before.
pub(crate) struct Directories {
    cwd: PathRef,
    root: PathRef,
    /// The names of both, the first of so many bytes, which are none if it was removed.
    names: KVVec<u8>,
    cwd_len: usize,
}

impl Directories {
    fn find(save: &mut Save<'_>, cwd: PathRef, root: PathRef, removed: u64) -> Result<Self> {
        let mut buffer = core::mem::take(&mut save.path);
        let mut names = KVVec::new();
        if removed == 0 {
            let name = name_of(save, &cwd, &mut buffer, "working")?;
            names.extend_from_slice(name, GFP_KERNEL)?;
        }
        let cwd_len = names.len();
        let name = name_of(save, &root, &mut buffer, "root")?;
        names.extend_from_slice(name, GFP_KERNEL)?;
        save.path = buffer;
        Ok(Self {
            cwd,
            root,
            names,
            cwd_len,
        })
    }
}

/// The name of a directory, as the container's init sees it.
fn name_of<'a>(
    save: &Save<'_>,
    path: &PathRef,
    buffer: &'a mut [u8],
    what: &str,
) -> Result<&'a [u8]> {
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
        Err(error) if error == ESTALE() => fail!(
            EOPNOTSUPP(),
            "its {what} directory is hidden by a mount or another file, which is not supported yet \
             (leave it first)"
        ),
        result => result.context(format_args!(
            "its {what} directory cannot be found by its name"
        )),
    }
}

const SYS_CLOSE: u32 = 3;
const SYS_FCHDIR: u32 = 81;
const SYS_UMASK: u32 = 95;
const SYS_CHROOT: u32 = 161;
const SYS_OPENAT2: u32 = 437;

/// Moves the current process there. Afterwards names mean what they meant to it. It has no descriptors
/// yet.
pub(crate) fn restore(build: &Build<'_>, rec: &Rec<'_>) -> Result {
    let fs: cr_img_fs = rec.fixed()?;
    let (cwd, root) = rec.variable::<cr_img_fs>().split_at(fs.cwd_len as usize);
    build.syscall(SYS_UMASK, [u64::from(fs.umask), 0, 0])?;
    // The working directory may be outside of the root directory.
    let fd = match fs.cwd {
        0 => open(build, cwd).context(format_args!("working directory"))?,
        removed => u64::from(install_any_fd(build.file(removed)?)?),
    };
    if root != b"/" {
        enter(build, root).context(format_args!("root directory"))?;
    }
    let result = build.syscall(SYS_FCHDIR, [fd, 0, 0]);
    build.syscall(SYS_CLOSE, [fd, 0, 0])?;
    result.context(format_args!("working directory"))?;
    Ok(())
}

/// Gives the container's init its directories before it creates others, who have them from it then.
pub(crate) fn restore_for_all(build: &Build<'_>) -> Result {
    let id = build.plan.processes[0].process.fs;
    match id != 0 && is_for_all(build, id)? {
        true => restore(build, &build.object(id)?),
        false => Ok(()),
    }
}

/// Whether processes have these from the container's init. From another root directory than its own,
/// no other name would mean what it says.
pub(crate) fn is_for_all(build: &Build<'_>, id: u64) -> Result<bool> {
    let init = build.object(build.plan.processes[0].process.fs)?;
    let fs: cr_img_fs = init.fixed()?;
    let (_, root) = init.variable::<cr_img_fs>().split_at(fs.cwd_len as usize);
    Ok(fs.cwd == 0 && root == b"/" && build.object(id)?.payload == init.payload)
}

/// Makes a directory the root directory.
fn enter(build: &Build<'_>, root: &[u8]) -> Result {
    let fd = open(build, root)?;
    let result = build.syscall(SYS_FCHDIR, [fd, 0, 0]);
    build.syscall(SYS_CLOSE, [fd, 0, 0])?;
    result?;
    let here = build.scratch_path(b".")?;
    build.syscall(SYS_CHROOT, [here, 0, 0])?;
    Ok(())
}

/// A descriptor for a directory. Its name had no symbolic link in it when it was saved.
fn open(build: &Build<'_>, path: &[u8]) -> Result<u64> {
    const O_PATH_DIRECTORY_CLOEXEC: u64 = 0o12200000;
    const RESOLVE_NO_SYMLINKS: u64 = 0x04;
    // struct open_how
    let how = [O_PATH_DIRECTORY_CLOEXEC, 0, RESOLVE_NO_SYMLINKS];
    let size = size_of_val(&how) as u64;
    let name = build.scratch_path(path)?;
    let how = build.scratch(path.len() as u64 + 1, how.as_bytes())?;
    match build.syscall6(SYS_OPENAT2, [0, name, how, size, 0, 0]) {
        Err(failure) if failure.errno() == ELOOP() => Err(name::became_a_link()),
        result => Ok(result? as u64),
    }
}
