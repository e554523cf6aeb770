// SPDX-License-Identifier: GPL-2.0

//! io_uring instances.

use super::{sockets, Placed, Rec, Result, State, PID_MAX};
use crate::uapi::*;

/// `IORING_SETUP_SINGLE_ISSUER`, with which one thread submits requests.
const SINGLE_ISSUER: u32 = 1 << 12;

pub(super) fn instance(state: &State<'_>, rec: &Rec<'_>) -> Result {
    let uring: cr_img_uring = rec.fixed()?;
    rec.require(
        uring.setup_flags & !CR_URING_SETUP == 0
            && uring.flags & !(CR_URING_UNLIMITED | CR_URING_NO_DRAIN) == 0,
        "unknown flags",
    )?;
    let (sq, cq) = (uring.sq_entries, uring.cq_entries);
    rec.require(
        sq.is_power_of_two()
            && cq.is_power_of_two()
            && sq <= cq
            && sq <= CR_URING_MAX_ENTRIES
            && cq <= 2 * CR_URING_MAX_ENTRIES,
        "queues of an impossible size",
    )?;
    rec.require(
        (1..=PID_MAX).contains(&uring.owner) && uring.submitter <= PID_MAX,
        "impossible process",
    )?;
    rec.require(
        (uring.setup_flags & SINGLE_ISSUER != 0) == (uring.submitter != 0),
        "a thread that submits requests, or none, against its flags",
    )?;
    rec.require(
        uring.nr_ring_pages > 0 && uring.nr_entry_pages > 0,
        "queues without memory",
    )?;
    let pages = u64::from(uring.nr_ring_pages).saturating_add(u64::from(uring.nr_entry_pages));
    rec.require_elements::<cr_img_uring, u8>(pages.saturating_mul(state.page_size.bytes()))
}

pub(super) fn file(state: &State<'_>, rec: Placed<'_>, file: &cr_img_file) -> Result {
    state.refers::<cr_img_uring>(rec, file.target, "no io_uring behind it")?;
    sockets::nothing_else(&rec, file)
}
