// SPDX-License-Identifier: GPL-2.0

//! Timers as files.
//!
//! C header: [`include/linux/timerfd.h`](srctree/include/linux/timerfd.h).

use crate::{bindings, file::FileRef, task::TaskRef};
use cr_codec::uapi::*;
use kernel::{error::to_result, prelude::*};

/// What a timerfd is: its clock, expirations that have not been read, and the rest.
pub type Timerfd = (u32, u64, cr_img_timerfd);

impl FileRef {
    /// All about a timerfd, with times as `task` sees them. EOPNOTSUPP: by a clock that can wake the
    /// machine.
    pub fn read_timerfd(&self, task: &TaskRef) -> Result<Timerfd> {
        let (mut clock, mut ticks) = (0, 0);
        let mut out = cr_img_timerfd::default();
        // SAFETY: The file is a valid timerfd, the task is valid, the results are valid for writes.
        to_result(unsafe {
            bindings::cr_shim_timerfd_read(
                self.as_ptr(),
                task.as_ptr(),
                &mut clock,
                &mut ticks,
                &mut out,
            )
        })?;
        Ok((clock, ticks, out))
    }

    /// A new timerfd, disarmed. For a moment, the current task has a descriptor of it.
    pub fn make_timerfd(clock: u32, ticks: u64) -> Result<Self> {
        // SAFETY: No preconditions; the result is an error or referenced.
        Self::from_result(unsafe { bindings::cr_shim_timerfd_make(clock, ticks) })
    }

    /// Gives a timerfd, which has its interval and goes by the right clock, all else: what the
    /// current task sees as these times.
    pub fn set_timerfd(&self, ticks: u64, timer: &cr_img_timerfd) -> Result {
        // SAFETY: The file is a timerfd that [`Self::make_timerfd`] has made.
        to_result(unsafe { bindings::cr_shim_timerfd_set(self.as_ptr(), ticks, timer) })
    }
}
