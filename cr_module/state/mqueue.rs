// SPDX-License-Identifier: GPL-2.0

//! POSIX message queues with their messages, and open files of them.
//!
//! They belong to an IPC namespace, whoever has them open, and go with it. The container's init makes
//! them, and opens the files, which take the places of others that stand in for them when all threads
//! exist. Owner, permissions and times come when all processes are complete. Whoever waits for a message,
//! or for room, issues his call again. Who wants to be told of a message asks for it again, when he has his
//! descriptors.
//!
//! Refused: queues that tell somebody of a message who has executed a program since, or who is elsewhere;
//! open files of another namespace, or of a mount of the file system (/dev/mqueue); queues that are open
//! outside of the container.

use crate::{
    build::Build,
    objects::Kind,
    plan::Plan,
    report::{fail, Context, Name, Result},
    save::Save,
    state::msgq,
};
use cr_codec::{check::Rec, uapi::*};
use cr_sys::{errno::EOPNOTSUPP, file::FileRef, mqueue::Mqueue, sysv::Ipc, task::TaskRef};
use kernel::prelude::*;
use zerocopy::IntoBytes;
use zerocopy_derive::{Immutable, IntoBytes};

/// A queue that has been saved, and how many open files of it.
pub(crate) struct Saved {
    queue: Mqueue,
    id: u64,
    removed: bool,
    files: u32,
}

/// Saves all queues that have a name.
pub(crate) fn save(save: &mut Save<'_>) -> Result {
    let ipc = Ipc::of(&save.init)?;
    let mut place = 0;
    while let Some(queue) = ipc.mqueue(place) {
        save_queue(save, queue)?;
        place += 1;
    }
    Ok(())
}

fn save_queue(save: &mut Save<'_>, queue: Mqueue) -> Result<usize> {
    if let Some(id) = save.objects.find(Kind::Mqueue, queue.identity()) {
        let found = save.mqueues.iter().position(|saved| saved.id == id);
        return Ok(found.ok_or(EINVAL)?);
    }
    let (record, bytes, is_known) = queue.read(save.container.ns())?;
    let name = Name(&bytes[..record.name_len as usize]);
    if !is_known {
        fail!(
            EOPNOTSUPP(),
            "POSIX message queue {name} has a notification (mq_notify) for a process that has executed \
             a program since, or has it open no more, or is outside, which is not supported yet"
        );
    }
    if bytes.len() > (CR_IMG_MAX_PAYLOAD as usize) - size_of::<cr_img_mqueue>() {
        fail!(
            EOPNOTSUPP(),
            "POSIX message queue {name} has more than 32 MB of messages, which is not supported yet"
        );
    }
    let id = save.objects.add(Kind::Mqueue, queue.identity())?;
    save.object(id, &record, &[&bytes])?;
    let saved = Saved {
        queue,
        id,
        removed: record.flags & CR_MQUEUE_REMOVED != 0,
        files: 0,
    };
    save.mqueues.push(saved, GFP_KERNEL)?;
    Ok(save.mqueues.len() - 1)
}

/// The record of an open file of a queue, which may have no name any more.
pub(crate) fn save_file(
    save: &mut Save<'_>,
    file: &FileRef,
    record: &cr_img_file,
) -> Result<cr_img_file> {
    let queue = match save.has_own_ipc {
        true => Ipc::of(&save.init)?.mqueue_of(file),
        false => None,
    };
    let Some(queue) = queue else {
        fail!(
            EOPNOTSUPP(),
            "is of another IPC namespace, or of a mount (/dev/mqueue), which is not supported yet"
        );
    };
    let at = save_queue(save, queue)?;
    save.mqueues[at].files += 1;
    Ok(cr_img_file {
        kind: CR_FILE_MQUEUE,
        flags: record.flags,
        pos: record.pos,
        target: save.mqueues[at].id,
        ..Default::default()
    })
}

/// Refuses queues that somebody else has open. All files have been saved.
pub(crate) fn check_contained(save: &Save<'_>) -> Result {
    if !save.has_own_ipc {
        return Ok(());
    }
    let known = save.mqueues.len() as u32;
    let all = save.mqueues.iter().all(|saved| {
        let name = u32::from(!saved.removed);
        saved.queue.users() <= saved.files + name + 1
    });
    if !all || Ipc::of(&save.init)?.count_mqueues() != known {
        fail!(
            EBUSY,
            "a POSIX message queue is also open outside of the container"
        );
    }
    Ok(())
}

const SYS_CLOSE: u32 = 3;
const SYS_MQ_OPEN: u32 = 240;
const SYS_MQ_UNLINK: u32 = 241;
const SYS_MQ_TIMEDSEND: u32 = 242;
const SYS_MQ_NOTIFY: u32 = 244;
const O_RDWR: u64 = 2;
const O_CREAT_EXCL: u64 = 0o300;
const O_NONBLOCK: u64 = 0o4000;

/// Makes all queues, in the container's init. One that has no name any more has had one, which may
/// be another one's by now.
pub(crate) fn restore(build: &Build<'_>) -> Result {
    for removed in [CR_MQUEUE_REMOVED, 0] {
        for (_, rec) in build.plan.records.tagged(CR_TAG_MQUEUE) {
            let queue: cr_img_mqueue = rec.fixed()?;
            if queue.flags & CR_MQUEUE_REMOVED == removed {
                let bytes = rec.variable::<cr_img_mqueue>();
                let (name, messages) = bytes.split_at(queue.name_len as usize);
                make(build, &rec, &queue, name, messages)
                    .context(format_args!("POSIX message queue {}", Name(name)))?;
            }
        }
    }
    Ok(())
}

fn make(
    build: &Build<'_>,
    rec: &Rec<'_>,
    queue: &cr_img_mqueue,
    name: &[u8],
    messages: &[u8],
) -> Result {
    const ATTR_AT: u64 = 512;
    let attr: [u64; 8] = [
        0,
        u64::from(queue.max_messages),
        u64::from(queue.max_length),
        0,
        0,
        0,
        0,
        0,
    ];
    let attr = build.scratch(ATTR_AT, attr.as_bytes())?;
    let path = build.scratch_path(name)?;
    let flags = O_RDWR | O_CREAT_EXCL | O_NONBLOCK;
    let fd = build.syscall6(SYS_MQ_OPEN, [path, flags, 0o600, attr, 0, 0])? as u64;
    msgq::send_all(build, messages, |message, _, text| {
        let args = [
            fd,
            text,
            u64::from(message.length),
            message.mtype as u64,
            0,
            0,
        ];
        build.syscall6(SYS_MQ_TIMEDSEND, args)
    })?;
    build.plan.add_mqueue(rec.id, take(build, fd)?)?;
    for (_, file) in build.plan.records.tagged(CR_TAG_FILE) {
        let record: cr_img_file = file.fixed()?;
        if (record.kind, record.target) != (CR_FILE_MQUEUE, rec.id) {
            continue;
        }
        let fd = build.syscall(SYS_MQ_OPEN, [path, u64::from(record.flags), 0])? as u64;
        let opened = take(build, fd)?;
        opened.seek(record.pos)?;
        build.plan.add_mqueue(file.id, opened)?;
    }
    if queue.flags & CR_MQUEUE_REMOVED != 0 {
        build.syscall(SYS_MQ_UNLINK, [path, 0, 0])?;
    }
    Ok(())
}

/// The open file of a descriptor, which is closed.
fn take(build: &Build<'_>, fd: u64) -> Result<FileRef> {
    let file = TaskRef::current().file(fd as u32).ok_or(EBADF)?;
    build.syscall(SYS_CLOSE, [fd, 0, 0])?;
    Ok(file)
}

const SIGEV_SIGNAL: u32 = 0;
const SIGEV_NONE: u32 = 1;
const SIGEV_THREAD: u32 = 2;

/// struct sigevent of `include/uapi/asm-generic/siginfo.h`.
#[derive(IntoBytes, Immutable)]
#[repr(C)]
struct Event {
    value: u64,
    signal: u32,
    notify: u32,
    rest: [u64; 6],
}

/// Lets the current process, which has its descriptors, be told of messages as it was.
pub(crate) fn restore_notifications(build: &Build<'_>) -> Result {
    const COOKIE_AT: u64 = 512;
    for at in &build.process.notified {
        let queue: cr_img_mqueue = build.record(*at).fixed()?;
        let (notify, value) = match queue.flags & (CR_MQUEUE_SIGNALS | CR_MQUEUE_SOCKET) {
            0 => (SIGEV_NONE, 0),
            CR_MQUEUE_SIGNALS => (SIGEV_SIGNAL, queue.notify_value),
            _ => (SIGEV_THREAD, build.scratch(COOKIE_AT, &queue.cookie)?),
        };
        let event = Event {
            value,
            signal: queue.notify_signal,
            notify,
            rest: [0; 6],
        };
        let event = build.scratch(0, event.as_bytes())?;
        build
            .syscall(SYS_MQ_NOTIFY, [u64::from(queue.notify_fd), event, 0])
            .context(format_args!("notification of a POSIX message queue"))?;
    }
    Ok(())
}

/// Gives all queues what only the kernel can.
pub(crate) fn finish(plan: &Plan, ipc: &Ipc) -> Result {
    for (_, rec) in plan.records.tagged(CR_TAG_MQUEUE) {
        let queue: cr_img_mqueue = rec.fixed()?;
        ipc.finish_mqueue(&plan.mqueue(rec.id)?, &queue)
            .context(format_args!("owner of a POSIX message queue"))?;
    }
    Ok(())
}
