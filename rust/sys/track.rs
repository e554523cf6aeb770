// SPDX-License-Identifier: GPL-2.0

//! Which private pages of a process change between two checkpoints.
//!
//! C headers: [`include/linux/mmu_notifier.h`](srctree/include/linux/mmu_notifier.h).

use crate::{
    bindings,
    mm::{Mm, PAGE_SIZE},
};
use core::ptr::NonNull;
use cr_codec::{read::ImageId, uapi::*};
use kernel::{
    error::{from_err_ptr, to_result},
    prelude::*,
};

/// The object of an image that has what a process has not changed since.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Origin {
    /// Id of the image.
    pub image: ImageId,
    /// Id of the memory descriptor there.
    pub object: u64,
}

/// What is known of a process.
pub struct Before {
    /// What its marks are relative to.
    pub origin: Option<Origin>,
    /// There was no interval before.
    pub is_new: bool,
    /// Somebody else, or its parent, has cleared marks before the first interval.
    pub used_before: bool,
}

/// The right to clear the marks of a process. It does not keep the memory.
pub struct Tracking {
    /// Of the memory.
    identity: u64,
    raw: NonNull<bindings::cr_shim_track>,
}

impl Tracking {
    /// EBUSY while another checkpoint is being made, ENOTUNIQ when somebody else clears marks.
    pub fn begin(mm: &Mm) -> Result<(Self, Before)> {
        let mut origin = bindings::cr_shim_origin::default();
        let (mut is_new, mut used_before) = (false, false);
        // SAFETY: The memory is valid; the others are valid for writes.
        let raw = from_err_ptr(unsafe {
            bindings::cr_shim_track_begin(mm.as_ptr(), &mut origin, &mut is_new, &mut used_before)
        })?;
        let tracking = Self {
            identity: mm.identity(),
            raw: NonNull::new(raw).ok_or(ENOMEM)?,
        };
        let origin = (origin.object != 0).then_some(Origin {
            image: origin.image,
            object: origin.object,
        });
        let before = Before {
            origin,
            is_new,
            used_before,
        };
        Ok((tracking, before))
    }

    /// Clears all marks of `mm`, whose track this is, from `from` on, so that they are relative to nothing that is known. With room in `runs`, these are the pages that had one; returns
    /// how many runs, and where to go on if they did not fit.
    pub fn clear(
        &self,
        mm: &Mm,
        from: u64,
        runs: &mut [cr_img_run],
    ) -> Result<(usize, Option<u64>)> {
        if mm.identity() != self.identity {
            return Err(EINVAL);
        }
        let (mut nr, mut next) = (0, 0);
        let room = match runs.is_empty() {
            true => core::ptr::null_mut(),
            false => runs.as_mut_ptr(),
        };
        // SAFETY: The track is ours, and `mm` keeps its memory; `room` has as many runs as said, or
        // is null.
        to_result(unsafe {
            bindings::cr_shim_track_clear(
                self.raw.as_ptr(),
                from,
                room,
                runs.len() as u32,
                &mut nr,
                &mut next,
            )
        })?;
        Ok((nr as usize, (next != 0).then_some(next)))
    }

    /// Gives the pages of a run their marks again.
    pub fn mark(&self, run: &cr_img_run) -> Result {
        let end = run.start + run.nr_pages * PAGE_SIZE as u64;
        // SAFETY: The track is ours.
        to_result(unsafe { bindings::cr_shim_track_mark(self.raw.as_ptr(), run.start, end) })
    }

    /// Whether somebody else has cleared marks.
    pub fn is_disturbed(&self) -> bool {
        // SAFETY: The track is ours.
        unsafe { bindings::cr_shim_track_is_disturbed(self.raw.as_ptr()) }
    }

    /// Notes what the marks are relative to.
    pub fn keep(&self, origin: Origin) {
        let origin = bindings::cr_shim_origin {
            image: origin.image,
            object: origin.object,
        };
        // SAFETY: The track is ours.
        unsafe { bindings::cr_shim_track_keep(self.raw.as_ptr(), &origin) }
    }
}

impl Drop for Tracking {
    fn drop(&mut self) {
        // SAFETY: The track is ours, and nobody uses it afterwards.
        unsafe { bindings::cr_shim_track_end(self.raw.as_ptr()) }
    }
}
