// SPDX-License-Identifier: GPL-2.0

//! Names in the file system, and finding again what they stood for.

use crate::report::{fail, failure, Failure, Name, Result};
use cr_sys::{
    errno::{ELOOP, EOPNOTSUPP, ESTALE},
    inotify::InodeRef,
    path::PathRef,
};
use kernel::prelude::*;

/// Looks a name up that had no symbolic link in it when it was saved.
pub(crate) fn lookup(root: &PathRef, name: &CStr) -> Result<PathRef> {
    PathRef::lookup(root, name).map_err(not_there)
}

/// The same for what may be a symbolic link itself; with its type, as S_IFMT.
pub(crate) fn lookup_itself(root: &PathRef, name: &CStr) -> Result<(PathRef, u32)> {
    PathRef::lookup_itself(root, name).map_err(not_there)
}

/// What an absolute name stands for that was saved with this type, as S_IFMT, if it was with one.
pub(crate) fn find(root: &PathRef, path: &[u8], mode: u32) -> Result<PathRef> {
    let (target, found) = lookup_itself(root, CName::new(path)?.as_cstr()?)?;
    match mode == 0 || found == mode {
        true => Ok(target),
        false => Err(another_type()),
    }
}

pub(crate) fn another_type() -> Failure {
    failure!(ESTALE(), "is not of the same type any more")
}

/// The name of an inode that the kernel has without one, in `buffer`. `words` say what the object does
/// with it, and what is to be done if it has none.
pub(crate) fn of_inode<'a>(
    root: &PathRef,
    inode: &InodeRef,
    is_supported: bool,
    buffer: &'a mut [u8],
    [does, remedy]: [&str; 2],
) -> Result<&'a [u8]> {
    let name = match inode.name(root, buffer) {
        Ok(name) => name,
        Err(error) if error == ENOENT => fail!(
            EOPNOTSUPP(),
            "{does} a file that was removed, or whose name nobody has used for long: {remedy}"
        ),
        Err(error) if error == EXDEV => fail!(
            EOPNOTSUPP(),
            "{does} a file outside of the container's root, which is not supported yet"
        ),
        Err(error) if error == ESTALE() => fail!(
            EOPNOTSUPP(),
            "{does} a file that is hidden by a mount or another file, which is not supported yet"
        ),
        Err(error) => return Err(error.into()),
    };
    if !is_supported {
        fail!(
            EOPNOTSUPP(),
            "{does} {}, on a file system whose files are not supported yet",
            Name(name)
        );
    }
    Ok(name)
}

fn not_there(error: Error) -> Failure {
    match error {
        error if error == ENOENT => failure!(ESTALE(), "is gone"),
        error if error == ELOOP() => became_a_link(),
        error => error.into(),
    }
}

/// What a name is refused for that had no symbolic link in it when it was saved.
pub(crate) fn became_a_link() -> Failure {
    failure!(ESTALE(), "is a symbolic link, or behind one, by now")
}

/// A name for the kernel, with a NUL at its end. A name need not be UTF-8.
pub(crate) struct CName(KVVec<u8>);

impl CName {
    /// Adds the NUL.
    pub(crate) fn new(path: &[u8]) -> Result<Self> {
        let mut bytes = KVVec::with_capacity(path.len() + 1, GFP_KERNEL)?;
        bytes.extend_from_slice(path, GFP_KERNEL)?;
        bytes.push(0, GFP_KERNEL)?;
        Ok(Self(bytes))
    }

    /// As the kernel takes it.
    pub(crate) fn as_cstr(&self) -> Result<&CStr> {
        CStr::from_bytes_with_nul(&self.0).map_err(|_| failure!(EINVAL, "a name with a NUL in it"))
    }
}
