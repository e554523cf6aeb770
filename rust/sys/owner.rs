// SPDX-License-Identifier: GPL-2.0

//! Signals that open files send.
//!
//! C source: [`fs/fcntl.c`](srctree/fs/fcntl.c).

use crate::{
    bindings,
    file::FileRef,
    pid_ns::{PidNs, PidRef},
};
use cr_codec::uapi::cr_img_owner;
use kernel::{error::to_result, prelude::*};

impl FileRef {
    /// To whom it sends signals, with numbers in `ns`; none if nobody has ever set that.
    ///
    /// Fails with EXDEV if somebody outside of `ns` gets them, with EOPNOTSUPP if it sends any and is
    /// not a pipe.
    pub fn owner(&self, ns: &PidNs) -> Result<Option<cr_img_owner>> {
        let mut owner = cr_img_owner::default();
        // SAFETY: The file and the namespace are valid as long as their handles; `owner` is valid for
        // writes.
        let found = unsafe { bindings::cr_shim_owner_read(self.as_ptr(), ns.as_ptr(), &mut owner) };
        match to_result(found) {
            Err(error) if error == ENOENT => Ok(None),
            found => found.map(|()| Some(owner)),
        }
    }

    /// Lets it send signals to `pid`.
    ///
    /// Fails with EPERM if the current task may not be who has set that.
    pub fn set_owner(&self, pid: Option<&PidRef>, owner: &cr_img_owner) -> Result {
        let pid = pid.map_or(core::ptr::null_mut(), PidRef::as_ptr);
        // SAFETY: The file and the pid, if there is one, are valid as long as their handles; `owner` is
        // valid for reads.
        to_result(unsafe { bindings::cr_shim_owner_set(self.as_ptr(), pid, owner) })
    }
}
