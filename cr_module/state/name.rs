// SPDX-License-Identifier: GPL-2.0

//! Names in the file system, and finding again what they stood for.

use crate::report::{failure, Failure, Result};
use cr_sys::{
    errno::{ELOOP, ESTALE},
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
