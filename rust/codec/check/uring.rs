// SPDX-License-Identifier: GPL-2.0

//! io_uring instances, what is registered with them, and what threads have for their use.

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

/// The open file of an instance.
fn is_ring(state: &State<'_>, rec: Placed<'_>, file: u64) -> Result {
    let file = state.refers::<cr_img_file>(rec, file, "no io_uring instance")?;
    rec.require(
        file.fixed::<cr_img_file>()?.kind == CR_FILE_IO_URING,
        "no io_uring instance",
    )
}

pub(super) fn table(state: &State<'_>, rec: Placed<'_>) -> Result<cr_img_uring_table> {
    let table: cr_img_uring_table = rec.fixed()?;
    rec.require_elements::<cr_img_uring_table, cr_img_uring_entry>(u64::from(table.nr))?;
    is_ring(state, rec, table.ring)?;
    let [first, second, third, fourth] = table.value;
    let (places, possible) = match table.kind {
        CR_URING_FILES => (
            first,
            (1..=CR_URING_MAX_FILES).contains(&first)
                && second <= third
                && third <= first
                && fourth <= first,
        ),
        CR_URING_BUFFERS => (
            first,
            (1..=CR_URING_MAX_BUFFERS).contains(&first) && (second, third, fourth) == (0, 0, 0),
        ),
        CR_URING_EVENTFD => (1, table.nr == 1 && first <= 1 && (third, fourth) == (0, 0)),
        CR_URING_LIMITS => {
            let most = i32::MAX as u32;
            (
                0,
                first <= most && second <= most && (third, fourth) == (0, 0),
            )
        }
        _ => return Err(rec.error("unknown kind of what is registered")),
    };
    rec.require(possible, "an impossible table of what is registered")?;
    let mut lowest = 0;
    for entry in rec.array::<cr_img_uring_entry>(size_of::<cr_img_uring_table>()) {
        rec.require(
            entry.index >= lowest && entry.index < places,
            "places that do not ascend, or are none",
        )?;
        lowest = entry.index.saturating_add(1);
        rec.require(entry.reserved == 0, "a reserved member is not zero")?;
        self::entry(state, rec, table.kind, &entry)?;
    }
    Ok(table)
}

fn entry(state: &State<'_>, rec: Placed<'_>, kind: u32, entry: &cr_img_uring_entry) -> Result {
    if kind == CR_URING_BUFFERS {
        state.refers::<cr_img_mm>(rec, entry.object, "a buffer in no memory")?;
        return rec.require(
            entry.addr > 0
                && (1..=u64::from(CR_URING_MAX_BUFFER)).contains(&entry.length)
                && entry.addr.checked_add(entry.length).is_some(),
            "an impossible buffer",
        );
    }
    let file = state.refers::<cr_img_file>(rec, entry.object, "no file is registered")?;
    let is_event = file.fixed::<cr_img_file>()?.kind == CR_FILE_EVENTFD;
    let is_ring = file.fixed::<cr_img_file>()?.kind == CR_FILE_IO_URING;
    rec.require(
        match kind {
            CR_URING_EVENTFD => is_event && entry.tag == 0,
            _ => !is_ring,
        },
        "a file that cannot be registered",
    )?;
    rec.require(
        (entry.addr, entry.length) == (0, 0),
        "a file with an address",
    )
}

pub(super) fn task(state: &State<'_>, rec: Placed<'_>) -> Result<cr_img_uring_task> {
    let task: cr_img_uring_task = rec.fixed()?;
    rec.require_elements::<cr_img_uring_task, u64>(u64::from(task.nr_words))?;
    rec.require((1..=PID_MAX).contains(&task.tid), "impossible thread")?;
    let most = i32::MAX as u32;
    rec.require(
        task.workers.iter().all(|workers| *workers <= most),
        "an impossible number of workers",
    )?;
    is_ring(state, rec, task.ring)?;
    for ring in task.rings.into_iter().filter(|ring| *ring != 0) {
        is_ring(state, rec, ring)?;
    }
    Ok(task)
}
