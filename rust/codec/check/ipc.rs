// SPDX-License-Identifier: GPL-2.0

//! IPC namespaces, what System V has there, and POSIX message queues.

use super::{hugetlb, Placed, Rec, Result, State, PID_MAX};
use crate::uapi::*;
use core::mem::size_of;
use zerocopy::FromBytes;

/// Most System V IPC objects of a kind, `ipc/util.h`: `IPCMNI_EXTEND`.
const IPC_IDS: u32 = 1 << 24;
/// Most messages in a queue, and their sizes: `ipc/mq_sysctl.c`.
const MQ_MESSAGES: core::ops::RangeInclusive<u32> = 1..=65536;
const MQ_SIZES: core::ops::RangeInclusive<u32> = 128..=16 << 20;

/// The limits of a namespace.
pub(super) fn limits(rec: &Rec<'_>) -> Result {
    let ipc: cr_img_ipc = rec.fixed()?;
    let is_int = |limit| limit <= i32::MAX as u32;
    rec.require(
        ipc.shmmni <= IPC_IDS
            && ipc.msgmni <= IPC_IDS
            && ipc.shm_rmid_forced <= 1
            && is_int(ipc.msgmax)
            && is_int(ipc.msgmnb),
        "impossible limits of System V IPC",
    )?;
    rec.require(
        [ipc.mq_msg_max, ipc.mq_msg_default]
            .iter()
            .all(|limit| MQ_MESSAGES.contains(limit))
            && [ipc.mq_msgsize_max, ipc.mq_msgsize_default]
                .iter()
                .all(|limit| MQ_SIZES.contains(limit)),
        "impossible limits of message queues",
    )?;
    let is_seq = |seq: &u32| *seq <= u32::from(u16::MAX);
    rec.require(
        ipc.next_seq.iter().all(is_seq)
            && (ipc.last_index.iter()).all(|last| (-1..IPC_IDS as i32).contains(last)),
        "impossible identifiers of new objects",
    )
}

fn perm(rec: &Rec<'_>, perm: &cr_img_ipc_perm) -> Result {
    rec.require(perm.id >= 0, "impossible identifier")?;
    rec.require(
        [perm.uid, perm.gid, perm.cuid, perm.cgid]
            .iter()
            .all(|id| *id != u32::MAX),
        "an owner without an id here",
    )?;
    rec.require(perm.mode <= 0o777, "impossible permissions")?;
    rec.require(perm.reserved == 0, "a reserved member is not zero")
}

fn is_pid_or_none(pid: u32) -> bool {
    pid <= PID_MAX
}

pub(super) fn semaphores(rec: &Rec<'_>) -> Result {
    let set: cr_img_sem = rec.fixed()?;
    perm(rec, &set.perm)?;
    rec.require(set.reserved == 0, "a reserved member is not zero")?;
    rec.require(set.nr > 0, "no semaphore")?;
    rec.require_elements::<cr_img_sem, cr_img_semaphore>(u64::from(set.nr))?;
    for sem in rec.array::<cr_img_semaphore>(size_of::<cr_img_sem>()) {
        rec.require(
            sem.value <= CR_SEM_MAX && is_pid_or_none(sem.pid),
            "an impossible semaphore",
        )?;
    }
    Ok(())
}

pub(super) fn adjustments(rec: &Rec<'_>) -> Result {
    let adjustments: cr_img_semadj = rec.fixed()?;
    rec.require(
        adjustments.id >= 0 && adjustments.reserved == 0,
        "impossible identifier",
    )?;
    rec.require(adjustments.nr > 0, "no adjustment")?;
    rec.require_elements::<cr_img_semadj, i16>(u64::from(adjustments.nr))?;
    let mut all = rec.array::<i16>(size_of::<cr_img_semadj>());
    rec.require(all.all(|one| one != i16::MIN), "an impossible adjustment")
}

pub(super) fn queue(rec: &Rec<'_>) -> Result {
    let queue: cr_img_msgq = rec.fixed()?;
    perm(rec, &queue.perm)?;
    rec.require(queue.reserved == 0, "a reserved member is not zero")?;
    rec.require(
        is_pid_or_none(queue.lspid) && is_pid_or_none(queue.lrpid),
        "impossible process",
    )?;
    let bytes = rec.variable::<cr_img_msgq>();
    let mut rest = messages(bytes);
    let mut found = 0_u32;
    for (message, _) in &mut rest {
        rec.require(
            message.mtype > 0 && message.reserved == 0,
            "an impossible message",
        )?;
        found = found.saturating_add(1);
    }
    rec.require(
        found == queue.nr && rest.bytes.is_empty(),
        "its length and its count disagree",
    )
}

/// A POSIX message queue.
pub(super) fn posix_queue(rec: &Rec<'_>) -> Result {
    let queue: cr_img_mqueue = rec.fixed()?;
    const NOTIFY: u32 = CR_MQUEUE_SIGNALS | CR_MQUEUE_SOCKET;
    rec.require(
        queue.flags & !(CR_MQUEUE_REMOVED | NOTIFY) == 0 && queue.mode <= 0o7777,
        "unknown flags",
    )?;
    rec.require(
        is_pid_or_none(queue.notify_pid) && is_notification(&queue, queue.flags & NOTIFY),
        "impossible notification",
    )?;
    rec.require(
        ![queue.uid, queue.gid].contains(&u32::MAX),
        "an owner without an id here",
    )?;
    rec.require(
        [queue.atime_nsec, queue.mtime_nsec, queue.ctime_nsec]
            .iter()
            .all(|nsec| *nsec < 1_000_000_000),
        "impossible time",
    )?;
    rec.require(
        MQ_MESSAGES.contains(&queue.max_messages)
            && (1..=*MQ_SIZES.end()).contains(&queue.max_length),
        "impossible limits",
    )?;
    let bytes = rec.variable::<cr_img_mqueue>();
    let Some((name, bytes)) = bytes.split_at_checked(queue.name_len as usize) else {
        return Err(rec.error("its length and its count disagree"));
    };
    rec.require(
        (1..=CR_MQUEUE_NAME_MAX).contains(&queue.name_len)
            && !name.contains(&0)
            && !name.contains(&b'/')
            && name != b"."
            && name != b"..",
        "not a name",
    )?;
    let mut rest = messages(bytes);
    let (mut found, mut last) = (0_u32, i64::from(CR_MQUEUE_PRIORITIES).saturating_sub(1));
    for (message, _) in &mut rest {
        rec.require(
            (0..=last).contains(&message.mtype)
                && message.length <= queue.max_length
                && message.reserved == 0,
            "an impossible message, or before others that are received first",
        )?;
        (found, last) = (found.saturating_add(1), message.mtype);
    }
    rec.require(
        found == queue.nr && rest.bytes.is_empty() && found <= queue.max_messages,
        "its length and its count disagree",
    )
}

/// Whether what is said of who is told of a message goes with how he is.
fn is_notification(queue: &cr_img_mqueue, how: u32) -> bool {
    let has_value = queue.notify_value != 0;
    let has_cookie = queue.cookie != [0; 32];
    match (queue.notify_pid, how) {
        (0, how) => {
            (how, queue.notify_signal, queue.notify_fd) == (0, 0, 0) && !has_value && !has_cookie
        }
        (_, 0) => queue.notify_signal == 0 && !has_value && !has_cookie,
        (_, CR_MQUEUE_SIGNALS) => queue.notify_signal <= CR_NSIG && !has_cookie,
        (_, CR_MQUEUE_SOCKET) => !has_value,
        _ => false,
    }
}

/// An open file of one.
pub(super) fn posix_queue_file(state: &State<'_>, rec: Placed<'_>, file: &cr_img_file) -> Result {
    state.refers::<cr_img_mqueue>(rec, file.target, "no message queue behind it")?;
    rec.require(
        rec.variable::<cr_img_file>().is_empty(),
        "a path to a message queue",
    )?;
    rec.require(
        [file.dev, file.ino, file.size, file.mtime_ns] == [0; 4] && file.mode == 0,
        "what is said of its inode",
    )
}

pub(super) fn segment(state: &State<'_>, rec: Placed<'_>) -> Result {
    let segment: cr_img_shm = rec.fixed()?;
    perm(&rec, &segment.perm)?;
    let object: cr_img_shmem = state
        .refers::<cr_img_shmem>(rec, segment.object, "no memory behind it")?
        .fixed()?;
    let memory = match hugetlb::of_shmem(&object) {
        Some(size) => size.round_up(segment.size),
        None => segment
            .size
            .checked_next_multiple_of(state.page_size.bytes()),
    };
    rec.require(
        object.flags & CR_SHMEM_SYSV != 0 && memory == Some(object.size) && segment.size > 0,
        "other memory behind it",
    )?;
    rec.require(segment.flags & !CR_SHM_DEST == 0, "unknown flags")?;
    rec.require(
        [segment.cpid, segment.lpid, segment.creator]
            .into_iter()
            .all(is_pid_or_none),
        "impossible process",
    )
}

/// Messages of a queue, with their texts.
#[derive(Clone, Debug)]
pub struct Messages<'a> {
    bytes: &'a [u8],
}

/// The messages in the variable part of a `CR_TAG_MSGQ`.
pub fn messages(bytes: &[u8]) -> Messages<'_> {
    Messages { bytes }
}

impl<'a> Iterator for Messages<'a> {
    type Item = (cr_img_msg, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (message, rest) = cr_img_msg::read_from_prefix(self.bytes).ok()?;
        let (text, rest) = rest.split_at_checked(message.length as usize)?;
        self.bytes = rest;
        Some((message, text))
    }
}
