// SPDX-License-Identifier: GPL-2.0

//! Requests of io_uring in progress: those that wait for a file to become ready, and time-outs.
//!
//! A container that goes on keeps them. At restart, the thread that has submitted one submits it again,
//! when all else is there; the queue of requests is as before afterwards. Which of several requests
//! for a file is served first goes by their order in the queue of that file, so they are submitted in
//! an order that makes it again. One that has something to tell already, tells it then. Time-outs go on
//! with what was left.
//!
//! Refused: requests that workers do; that are linked with others, or wait for others; that have done
//! a part; that have a personality, or a buffer that was selected for them; whose files, buffers or
//! vectors are not what they were; of other kinds than those below.

use crate::{
    build::Build,
    countdown::Countdown,
    image::{places_of, Records},
    objects::Kind,
    plan::ProcessPlan,
    report::{fail, words_for, Context, Result},
    save::Save,
    state::uring_table::Opened,
};
use cr_codec::{order, uapi::*};
use cr_sys::{
    errno::EOPNOTSUPP,
    file::FileRef,
    io_uring_request::{self as sys, Request},
    task::TaskRef,
};
use kernel::{prelude::*, sync::Arc};

const REFUSED: &[(u32, &str)] = &[
    (
        sys::CR_URING_R_LINKED,
        "that is linked with others (IOSQE_IO_LINK)",
    ),
    (
        sys::CR_URING_R_DRAIN,
        "that waits for others (IOSQE_IO_DRAIN)",
    ),
    (sys::CR_URING_R_ASYNC, "for workers (IOSQE_ASYNC)"),
    (sys::CR_URING_R_CREDS, "with a personality"),
    (
        sys::CR_URING_R_SELECTED,
        "that selects a provided buffer (IOSQE_BUFFER_SELECT)",
    ),
    (sys::CR_URING_R_PARTIAL, "that has done a part already"),
    (
        sys::CR_URING_R_REPLACED,
        "with a registered buffer that was replaced since",
    ),
    (
        sys::CR_URING_R_CHANGED,
        "whose vector or message header in memory was changed since, or names an address to send to",
    ),
    (
        sys::CR_URING_R_PASSED,
        "to poll for what has happened, and is not so any more,",
    ),
    (sys::CR_URING_R_KIND, "of this kind"),
    (sys::CR_URING_R_OTHER, "with these flags"),
];

/// A request that has been found, and when it is to be submitted.
struct Found {
    request: Request,
    image: cr_img_uring_request,
    turn: Turn,
}

/// Time-outs have their order in each instance. Others have it in the queue of a file, of which those that
/// are woken alone are at the end, while of the others the last one is first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
struct Turn {
    class: u32,
    place: i64,
    tid: u32,
    ring: u64,
    nr: usize,
}

const TIMEOUT: u32 = 0;
const FIRED: u32 = 1;
const WAITING: u32 = 2;
const WAITING_ALONE: u32 = 3;

/// Saves them, with those that have submitted them.
pub(crate) fn save(save: &mut Save<'_>) -> Result {
    let ns = save.container.ns();
    let mut tids: KVVec<(usize, u32)> = KVVec::new();
    for task in save.uring_users() {
        tids.push((task.identity(), task.tid_in(ns)), GFP_KERNEL)?;
    }
    order::sort_by_key(&mut tids, |entry| *entry);
    let mut all = KVVec::new();
    for (ring, id) in &save.rings {
        find(save, ring, *id, &tids, &mut all).context(format_args!("io_uring"))?;
    }
    check_all_found(save, &mut all)?;
    set_turns(&mut all)?;
    order::sort_by_key(&mut all, |found| found.turn);
    for found in &all {
        save.record(&found.image, &[])?;
    }
    Ok(())
}

/// Adds those of an instance.
fn find(
    save: &Save<'_>,
    ring: &FileRef,
    id: u64,
    tids: &[(usize, u32)],
    all: &mut KVVec<Found>,
) -> Result {
    let requests = ring.uring_requests()?;
    let mut nodes: KVVec<(u64, u32)> = KVVec::new();
    if requests.iter().any(|request| request.node() != 0) {
        for node in ring.uring_nodes() {
            nodes.push(node, GFP_KERNEL)?;
        }
        order::sort_by_key(&mut nodes, |entry| *entry);
    }
    for (nr, request) in requests.into_iter().enumerate() {
        let mut image = *request.image();
        image.ring = id;
        let (kind, data) = (image.opcode, image.user_data);
        complete(save, &request, &mut image, tids, &nodes)
            .context(format_args!("request {data:#x}, operation {kind}"))?;
        let turn = Turn {
            tid: image.tid,
            ring: id,
            nr,
            ..Default::default()
        };
        let found = Found {
            request,
            image,
            turn,
        };
        all.push(found, GFP_KERNEL)?;
    }
    Ok(())
}

/// Fills in who has submitted it, and what it is about.
fn complete(
    save: &Save<'_>,
    request: &Request,
    image: &mut cr_img_uring_request,
    tids: &[(usize, u32)],
    nodes: &[(u64, u32)],
) -> Result {
    if let Some(what) = words_for(REFUSED, request.unsupported().into()) {
        fail!(EOPNOTSUPP(), "a request {what} is not supported yet");
    }
    let Some((_, tid)) = order::find_by_key(tids, request.task(), |(task, _)| *task) else {
        fail!(EAGAIN, "who has submitted it is gone: try again");
    };
    image.tid = *tid;
    if let Some(file) = request.file() {
        let Some(id) = save.objects.find(Kind::File, file.identity()) else {
            fail!(
                EOPNOTSUPP(),
                "a request for a file that is not open any more is not supported yet"
            );
        };
        image.file = id;
    }
    if request.node() != 0 {
        let Some((_, index)) = order::find_by_key(nodes, request.node(), |(node, _)| *node) else {
            fail!(
                EOPNOTSUPP(),
                "a request for a registered file that was replaced since is not supported yet"
            );
        };
        image.index = *index;
    }
    Ok(())
}

/// Fails if a thread has more requests than were found.
fn check_all_found(save: &Save<'_>, all: &mut KVVec<Found>) -> Result {
    order::sort_by_key(all, |found| found.turn.tid_first());
    for task in save.uring_users().filter(|task| !task.is_dead()) {
        let tid = task.tid_in(save.container.ns());
        let from = order::after(all, |found| found.image.tid < tid);
        let own = from.iter().take_while(|found| found.image.tid == tid);
        if own.count() as u64 != task.nr_uring_requests() {
            fail!(
                EOPNOTSUPP(),
                "{}: has requests of io_uring in progress that neither wait for a file to become ready nor \
                 for a time, which is not supported yet",
                save.container.who(&task)
            );
        }
    }
    Ok(())
}

impl Turn {
    fn tid_first(&self) -> (u32, u64, usize) {
        (self.tid, self.ring, self.nr)
    }
}

/// Decides when each is to be submitted.
fn set_turns(all: &mut [Found]) -> Result {
    let mut identities: KVVec<(u64, usize)> = KVVec::new();
    let mut followers: KVVec<(u64, usize)> = KVVec::new();
    for (at, found) in all.iter().enumerate() {
        identities.push((found.request.identity(), at), GFP_KERNEL)?;
        followers.push((found.request.before(), at), GFP_KERNEL)?;
    }
    order::sort_by_key(&mut identities, |entry| *entry);
    order::sort_by_key(&mut followers, |entry| *entry);
    let find = |entries: &[(u64, usize)], wanted| {
        order::find_by_key(entries, wanted, |(identity, _)| *identity).map(|(_, at)| *at)
    };
    for first in 0..all.len() {
        // Others come with the one that they follow.
        if find(&identities, all[first].request.before()).is_some() {
            continue;
        }
        let (mut next, mut place) = (Some(first), 0);
        while let Some(at) = next {
            let found = &mut all[at];
            (found.turn.class, found.turn.place) = class_of(found, place);
            next = find(&followers, found.request.identity());
            place += 1;
        }
    }
    Ok(())
}

fn class_of(found: &Found, place: i64) -> (u32, i64) {
    const IORING_OP_TIMEOUT: u8 = 11;
    match &found.image {
        image if image.opcode == IORING_OP_TIMEOUT => (TIMEOUT, 0),
        image if image.flags & CR_URING_FIRED as u16 != 0 => (FIRED, 0),
        _ if found.request.is_exclusive() => (WAITING_ALONE, place),
        _ => (WAITING, -place),
    }
}

/// Requests that a thread submits one after the other, when it is its turn.
struct Batch {
    tid: u32,
    requests: KVVec<usize>,
    turn: Arc<Countdown>,
}

/// All of them, in their order; and where those of each thread are.
pub(crate) struct Batches {
    batches: KVVec<Batch>,
    by_tid: KVVec<(u32, usize)>,
}

impl Batches {
    /// Finds them among the records. The first turn begins when all threads are complete.
    pub(crate) fn new(records: &Records, processes: &[ProcessPlan]) -> Result<Self> {
        let mut tids = KVVec::new();
        let mut batches: KVVec<Batch> = KVVec::new();
        let mut by_tid = KVVec::new();
        for (at, rec) in records.tagged(CR_TAG_URING_REQUEST) {
            let request: cr_img_uring_request = rec.fixed()?;
            if tids.is_empty() {
                tids = living(processes)?;
            }
            if order::find_by_key(&tids, request.tid, |tid| *tid).is_none() {
                fail!(
                    EINVAL,
                    "a request of io_uring of pid {}, which does not live",
                    request.tid
                );
            }
            if batches.last().is_none_or(|last| last.tid != request.tid) {
                let before = match batches.is_empty() {
                    true => tids.len(),
                    false => 1,
                };
                by_tid.push((request.tid, batches.len()), GFP_KERNEL)?;
                let batch = Batch {
                    tid: request.tid,
                    requests: KVVec::new(),
                    turn: Countdown::new(before)?,
                };
                batches.push(batch, GFP_KERNEL)?;
            }
            if let Some(last) = batches.last_mut() {
                last.requests.push(at, GFP_KERNEL)?;
            }
        }
        order::sort_by_key(&mut by_tid, |entry| *entry);
        Ok(Self { batches, by_tid })
    }

    /// Those who wait need not any more.
    pub(crate) fn give_up(&self) {
        for batch in &self.batches {
            batch.turn.give_up();
        }
    }
}

/// The numbers of all threads that live, ascending.
fn living(processes: &[ProcessPlan]) -> Result<KVVec<u32>> {
    let mut tids = KVVec::new();
    for process in processes {
        for (_, thread) in process.living() {
            tids.push(thread.thread.tid, GFP_KERNEL)?;
        }
    }
    order::sort_by_key(&mut tids, |tid| *tid);
    Ok(tids)
}

/// Submits those of the current thread again, which is complete. Every thread comes here.
pub(crate) fn restore(build: &Build<'_>, tid: u32) -> Result {
    let Batches { batches, by_tid } = &build.plan.uring_requests;
    let Some(first) = batches.first() else {
        return Ok(());
    };
    first.turn.arrive();
    for at in places_of(by_tid, tid) {
        batches[at].turn.wait()?;
        for place in &batches[at].requests {
            issue(build, *place).context(format_args!("a request of io_uring"))?;
        }
        if let Some(next) = batches.get(at + 1) {
            next.turn.arrive();
        }
    }
    Ok(())
}

fn issue(build: &Build<'_>, place: usize) -> Result {
    let request: cr_img_uring_request = build.record(place).fixed()?;
    let ring = build.file(request.ring)?;
    let _spare = build.spare_descriptors();
    // It is given to who may submit requests in the end, which is the same.
    if has_submitter(build, request.ring)? {
        ring.set_uring_submitter(&TaskRef::current());
    }
    let opened = Opened::new(build, ring)?;
    let issue = |fd| Ok(ring.issue_uring_request(&request, opened.fd() as u32, fd)?);
    match request.file {
        0 => issue(0),
        file => opened.with_fd(file, |fd| issue(fd as u32)),
    }
}

/// Whether one thread alone may submit requests to an instance.
#[inline(never)]
fn has_submitter(build: &Build<'_>, ring: u64) -> Result<bool> {
    let file: cr_img_file = build.object(ring)?.fixed()?;
    let instance: cr_img_uring = build.object(file.target)?.fixed()?;
    Ok(instance.submitter != 0)
}
