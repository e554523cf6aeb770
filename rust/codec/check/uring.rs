// SPDX-License-Identifier: GPL-2.0

//! io_uring instances, what is registered with them, what threads have for their use, and requests in
//! progress.

use super::{sockets, Placed, Rec, Result, State, PID_MAX};
use crate::uapi::*;

/// `IORING_SETUP_SINGLE_ISSUER`, with which one thread submits requests.
const SINGLE_ISSUER: u32 = 1 << 12;

/// Flags of an instance that is not for everything.
const LIMITED: u32 = CR_URING_DISABLED | CR_URING_FEW_REQUESTS | CR_URING_FEW_REGISTER;

pub(super) fn instance(state: &State<'_>, rec: &Rec<'_>) -> Result {
    let uring: cr_img_uring = rec.fixed()?;
    rec.require(
        uring.setup_flags & !CR_URING_SETUP == 0
            && uring.flags & !(CR_URING_UNLIMITED | CR_URING_NO_DRAIN | LIMITED) == 0,
        "unknown flags",
    )?;
    let has = |flag| uring.flags & flag != 0;
    let flags = (uring.allowed_flags, uring.required_flags);
    rec.require(
        (has(CR_URING_FEW_REQUESTS) || (uring.allowed_ops, flags) == ([0; 2], (0, 0)))
            && (has(CR_URING_FEW_REGISTER) || uring.allowed_register == 0)
            && flags.0.max(flags.1) <= u32::from(u8::MAX),
        "restrictions against its flags",
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
        (uring.setup_flags & SINGLE_ISSUER != 0 && !has(CR_URING_DISABLED))
            == (uring.submitter != 0),
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

pub(super) fn group(state: &State<'_>, rec: Placed<'_>) -> Result<cr_img_uring_group> {
    let group: cr_img_uring_group = rec.fixed()?;
    rec.require_elements::<cr_img_uring_group, cr_img_uring_buffer>(u64::from(group.nr))?;
    is_ring(state, rec, group.ring)?;
    rec.require(
        group.group <= u32::from(u16::MAX) && group.head <= u32::from(u16::MAX),
        "a group of buffers with an impossible number",
    )?;
    let (places, head, least) = (group.nr_places, group.head, group.min_left);
    let pages = buffer_pages(state, places);
    let (known, in_program) = match group.flags & !CR_URING_GROUP_INC {
        CR_URING_GROUP_LIST => (group.flags == CR_URING_GROUP_LIST, false),
        CR_URING_GROUP_MAPPED => (true, false),
        0 => (true, true),
        _ => (false, false),
    };
    rec.require(known, "unknown flags")?;
    if in_program {
        state.refers::<cr_img_mm>(rec, group.mm, "a ring of buffers in no memory")?;
    }
    let aligned = state.page_size.pages_in(group.addr).is_some();
    rec.require(
        match in_program {
            true => group.addr > 0 && aligned && group.addr.checked_add(pages).is_some(),
            false => (group.mm, group.addr) == (0, 0),
        },
        "a ring of buffers at an impossible place",
    )?;
    if group.flags == CR_URING_GROUP_LIST {
        rec.require((places, head, least) == (0, 0, 0), "a ring without places")?;
        return check_buffers(rec).map(|()| group);
    }
    let follow = match in_program {
        true => Some(0),
        false => pages.checked_div(BUFFER_LEN),
    };
    rec.require(
        places.is_power_of_two()
            && places <= CR_URING_MAX_RING
            && (least == 0 || group.flags & CR_URING_GROUP_INC != 0)
            && Some(u64::from(group.nr)) == follow,
        "an impossible ring of buffers",
    )?;
    Ok(group)
}

const BUFFER_LEN: u64 = size_of::<cr_img_uring_buffer>() as u64;

/// Bytes in the pages of a ring of buffers.
fn buffer_pages(state: &State<'_>, places: u32) -> u64 {
    let page = state.page_size.bytes();
    let bytes = u64::from(places).saturating_mul(BUFFER_LEN);
    bytes.div_ceil(page).saturating_mul(page)
}

/// Buffers without a ring.
fn check_buffers(rec: Placed<'_>) -> Result {
    for buffer in rec.array::<cr_img_uring_buffer>(size_of::<cr_img_uring_group>()) {
        rec.require(
            (1..=CR_URING_MAX_PROVIDED).contains(&buffer.length)
                && buffer.reserved == 0
                && buffer.addr.checked_add(u64::from(buffer.length)).is_some(),
            "an impossible buffer",
        )?;
    }
    Ok(())
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

/// `enum io_uring_op` and the flags of `include/uapi/linux/io_uring.h`.
const OP_READV: u8 = 1;
const OP_WRITEV: u8 = 2;
const OP_READ_FIXED: u8 = 4;
const OP_WRITE_FIXED: u8 = 5;
const OP_POLL_ADD: u8 = 6;
const OP_SENDMSG: u8 = 9;
const OP_RECVMSG: u8 = 10;
const OP_TIMEOUT: u8 = 11;
const OP_ACCEPT: u8 = 13;
const OP_READ: u8 = 22;
const OP_WRITE: u8 = 23;
const OP_SEND: u8 = 26;
const OP_RECV: u8 = 27;

const SQE_FIXED_FILE: u8 = 1;
const SQE_SKIP_SUCCESS: u8 = 1 << 6;

const POLL_FIRST: u16 = 1;
const ACCEPT_MULTISHOT: u16 = 1;
const ACCEPT_POLL_FIRST: u16 = 1 << 2;
/// Events, and EPOLLEXCLUSIVE.
const POLL_EVENTS: u32 = 0x1000_ffff;

const TIMEOUT_ABS: u32 = 1;
const TIMEOUT_BOOTTIME: u32 = 1 << 2;
const TIMEOUT_REALTIME: u32 = 1 << 3;
const TIMEOUT_ETIME_SUCCESS: u32 = 1 << 5;
const TIMEOUT_MULTISHOT: u32 = 1 << 6;
const TIMEOUT_IMMEDIATE: u32 = 1 << 7;

pub(super) fn request(state: &State<'_>, rec: Placed<'_>) -> Result {
    let request: cr_img_uring_request = rec.fixed()?;
    let has = |flag| request.sqe_flags & flag != 0;
    is_ring(state, rec, request.ring)?;
    rec.require((1..=PID_MAX).contains(&request.tid), "impossible thread")?;
    rec.require(
        request.sqe_flags & !(SQE_FIXED_FILE | SQE_SKIP_SUCCESS) == 0
            && u32::from(request.flags) & !CR_URING_FIRED == 0,
        "unknown flags",
    )?;
    rec.require(request.reserved == 0, "a reserved member is not zero")?;
    if has(SQE_FIXED_FILE) || request.opcode == OP_TIMEOUT {
        rec.require(request.file == 0, "a file against its flags")?;
    } else {
        state.refers::<cr_img_file>(rec, request.file, "a request about no file")?;
    }
    rec.require(
        has(SQE_FIXED_FILE) || request.index == 0,
        "the place of a registered file, against its flags",
    )?;
    let file = state.refers::<cr_img_file>(rec, request.ring, "no io_uring instance")?;
    let instance = file.fixed::<cr_img_file>()?.target;
    let instance = state.refers::<cr_img_uring>(rec, instance, "no io_uring instance")?;
    let instance: cr_img_uring = instance.fixed()?;
    rec.require(
        instance.flags & CR_URING_DISABLED == 0,
        "a request of an instance that is disabled",
    )?;
    let submitter = instance.submitter;
    rec.require(
        submitter == 0 || submitter == request.tid,
        "a request of a thread that may submit none",
    )?;
    rec.require(of_kind(&request), "an impossible request")
}

/// Whether the rest of a request is what one of its kind can have; false for one of an unknown kind.
fn of_kind(request: &cr_img_uring_request) -> bool {
    // What some kinds have, and others have not.
    let unused = |parts: &[bool]| parts.iter().all(|part| *part);
    let (no_value, no_slot) = (request.value == 0, request.slot == 0);
    let (no_buffer, no_priority) = (request.buf_index == 0, request.ioprio == 0);
    let (no_addr, no_off) = (request.addr == 0, request.off == 0);
    match request.opcode {
        OP_READ | OP_WRITE | OP_READV | OP_WRITEV => unused(&[no_value, no_slot, no_buffer]),
        OP_READ_FIXED | OP_WRITE_FIXED => unused(&[no_value, no_slot]),
        OP_SEND | OP_RECV | OP_SENDMSG | OP_RECVMSG => {
            unused(&[no_value, no_slot, no_buffer, no_off]) && request.ioprio & !POLL_FIRST == 0
        }
        OP_ACCEPT => {
            unused(&[no_buffer, request.len == 0])
                && request.ioprio & !(ACCEPT_MULTISHOT | ACCEPT_POLL_FIRST) == 0
        }
        OP_POLL_ADD => {
            unused(&[no_value, no_slot, no_buffer, no_priority, no_addr, no_off])
                && request.len <= 1
                && request.op_flags & !POLL_EVENTS == 0
                && (request.len == 0 || request.sqe_flags & SQE_SKIP_SUCCESS == 0)
        }
        OP_TIMEOUT => {
            unused(&[no_slot, no_buffer, no_priority]) && request.len == 1 && is_timeout(request)
        }
        _ => false,
    }
}

fn is_timeout(request: &cr_img_uring_request) -> bool {
    const KNOWN: u32 = TIMEOUT_ABS
        | TIMEOUT_BOOTTIME
        | TIMEOUT_REALTIME
        | TIMEOUT_ETIME_SUCCESS
        | TIMEOUT_MULTISHOT
        | TIMEOUT_IMMEDIATE;
    let has = |flag| request.op_flags & flag != 0;
    let most = i64::MAX as u64;
    request.op_flags & !KNOWN == 0
        && has(TIMEOUT_IMMEDIATE)
        && !(has(TIMEOUT_BOOTTIME) && has(TIMEOUT_REALTIME))
        && (!has(TIMEOUT_ABS) || (has(TIMEOUT_REALTIME) && !has(TIMEOUT_MULTISHOT)))
        && (request.value == 0 || has(TIMEOUT_MULTISHOT))
        && request.addr <= most
        && request.value <= most
        && request.off <= u64::from(u32::MAX)
        && request.sqe_flags & SQE_FIXED_FILE == 0
}
