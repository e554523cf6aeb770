// SPDX-License-Identifier: GPL-2.0

//! How long tasks are going to sleep.
//!
//! C header: [`include/linux/hrtimer.h`](srctree/include/linux/hrtimer.h).

use crate::{bindings, list::read_all, task::TaskRef};
use cr_codec::order;
use kernel::prelude::*;

/// All tasks that were to be woken by a timer of high resolution at one moment.
pub struct Sleepers(KVVec<bindings::cr_shim_sleeper>);

impl Sleepers {
    /// Looks for them.
    pub fn look() -> Result<Self> {
        let mut found = read_all(|room: &mut [bindings::cr_shim_sleeper]| {
            // SAFETY: `room` is valid for writes of its length.
            let nr = unsafe { bindings::cr_shim_sleepers(room.as_mut_ptr(), room.len() as u32) };
            Ok::<_, Error>(nr as usize)
        })?;
        order::sort_by_key(&mut found, |sleeper| sleeper.task);
        Ok(Self(found))
    }

    /// How long a task was going to sleep, ns; none if its time was up.
    pub fn time_left(&self, task: &TaskRef) -> Option<u64> {
        let identity = task.identity() as u64;
        let found = order::find_by_key(&self.0, identity, |sleeper| sleeper.task);
        // One of low resolution is known to the task alone.
        found.map_or_else(|| task.timeout_left(), |found| Some(found.left_ns))
    }
}
