// SPDX-License-Identifier: GPL-2.0

//! Contexts of asynchronous I/O.
//!
//! C source: [`fs/aio.c`](srctree/fs/aio.c).

use crate::{bindings, mm::Mm, task::TaskRef, vec};
use cr_codec::uapi::*;
use kernel::{error::to_result, prelude::*};

impl Mm {
    /// How many contexts it has.
    pub fn aio_contexts(&self) -> u32 {
        // SAFETY: The memory is valid.
        unsafe { bindings::cr_shim_aio_contexts(self.as_ptr()) }
    }

    /// The context whose ring is mapped there, and its events that nobody has fetched. ENOENT: there
    /// is none; EBUSY: requests are in progress. Its tasks stand still.
    pub fn read_aio(&self, addr: u64) -> Result<(cr_img_aio, KVVec<cr_img_aio_event>)> {
        let mut events = KVVec::new();
        loop {
            let mut out = cr_img_aio::default();
            // SAFETY: The memory is valid, `out` is valid for writes, `events` for those of its length.
            to_result(unsafe {
                bindings::cr_shim_aio_read(
                    self.as_ptr(),
                    addr,
                    &raw mut out,
                    events.as_mut_ptr(),
                    events.len() as u32,
                )
            })?;
            if events.len() == out.nr_events as usize {
                return Ok((out, events));
            }
            events = vec::zeroed(out.nr_events as usize, GFP_KERNEL)?;
        }
    }
}

/// Puts events into a new context of the current task, whose ring is there. ERANGE: that has another
/// size.
pub fn fill(addr: u64, aio: &cr_img_aio, events: &[cr_img_aio_event]) -> Result {
    if events.len() != aio.nr_events as usize {
        return Err(EINVAL);
    }
    // SAFETY: `events` has as many as `aio` says.
    to_result(unsafe { bindings::cr_shim_aio_fill(addr, aio, events.as_ptr()) })
}

impl TaskRef {
    /// Whether it sleeps in io_getevents(2), with that context and that number of events to wait for,
    /// and has fetched none yet.
    pub fn waits_for_all_aio(&self, addr: u64, min_nr: u64) -> bool {
        // SAFETY: The task is valid.
        unsafe { bindings::cr_shim_aio_waits_for_all(self.as_ptr(), addr, min_nr) }
    }
}
