// SPDX-License-Identifier: GPL-2.0

//! Memory whose pages come when its processes run already.
//!
//! C header: [`include/linux/userfaultfd_k.h`](srctree/include/linux/userfaultfd_k.h).

use crate::{bindings, file::FileRef, task::TaskRef};
use kernel::prelude::*;

impl FileRef {
    /// A file that keeps userfaultfds of the processes of a container until it is closed, and kills
    /// the container's init then, unless CR_IOC_LAZY_DONE came before.
    pub fn make_lazy(init: &TaskRef, userfaultfds: &[FileRef]) -> Result<Self> {
        let mut files = KVVec::with_capacity(userfaultfds.len(), GFP_KERNEL)?;
        for file in userfaultfds {
            files.push(file.as_ptr(), GFP_KERNEL)?;
        }
        // SAFETY: Task and files are valid, and there are so many; the result is an error or
        // referenced.
        Self::from_result(unsafe {
            bindings::cr_shim_lazy_file(init.as_ptr(), files.as_mut_ptr(), files.len() as u32)
        })
    }
}
