// SPDX-License-Identifier: GPL-2.0

//! Directories that send signals when something happens in them.
//!
//! C source: [`fs/notify/dnotify/dnotify.c`](srctree/fs/notify/dnotify/dnotify.c).

use crate::{bindings, file::FileRef, list::read_all, task::TaskRef};
use cr_codec::uapi::cr_img_dnotify;
use kernel::{error::to_result, prelude::*};

impl FileRef {
    /// The watches of a directory, in the order in which they are told: by the identities of open files
    /// and descriptor tables.
    pub fn dnotifies(&self) -> Result<KVVec<cr_img_dnotify>> {
        read_all(|room: &mut [cr_img_dnotify]| {
            let max = room.len() as u32;
            // SAFETY: The file is valid, `room` is valid for writes of its length.
            let nr =
                unsafe { bindings::cr_shim_dnotify_read(self.as_ptr(), room.as_mut_ptr(), max) };
            Ok(nr as usize)
        })
    }

    /// Lets the watch that it is in the descriptor table of a task, which stands still, tell of events,
    /// before all others of the directory. ENOENT: there is none.
    pub fn arm_dnotify(&self, task: &TaskRef, mask: u32) -> Result {
        // SAFETY: The file and the task are valid as long as their handles.
        to_result(unsafe { bindings::cr_shim_dnotify_arm(self.as_ptr(), task.as_ptr(), mask) })
    }
}
