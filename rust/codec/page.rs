// SPDX-License-Identifier: GPL-2.0

//! Arithmetic with pages that cannot fail by accident.

use core::num::NonZero;

use crate::uapi::cr_img_run;

/// Bytes in a page: a power of two within reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PageSize(NonZero<u64>);

impl PageSize {
    /// Takes what a file header says.
    pub(crate) fn new(bytes: u32) -> Option<Self> {
        let possible = bytes.is_power_of_two() && (4096..=65536).contains(&bytes);
        NonZero::new(u64::from(bytes))
            .filter(|_| possible)
            .map(Self)
    }

    /// Bytes in a page.
    pub(crate) fn bytes(self) -> u64 {
        self.0.get()
    }

    /// Pages in so many bytes, if none is left over.
    pub(crate) fn pages_in(self, length: u64) -> Option<u64> {
        // A NonZero is the divisor that cannot be zero in the eyes of the compiler as well.
        (length % self.0 == 0).then_some(length / self.0)
    }

    /// The first byte after a run, if that is a run of pages at all.
    pub(crate) fn end_of(self, run: &cr_img_run) -> Option<u64> {
        self.pages_in(run.start)?;
        let length = run.nr_pages.checked_mul(self.bytes())?;
        run.start.checked_add(length).filter(|end| *end > run.start)
    }
}
