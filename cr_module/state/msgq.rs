// SPDX-License-Identifier: GPL-2.0

//! System V message queues with their messages.
//!
//! The container's init makes them, with the identifiers that they had, and sends the messages.
//! Owner, limit, times and who has used a queue last come when all processes are complete. Whoever
//! waits for a message, or for room, issues his call again.

use crate::{
    build::Build,
    plan::Plan,
    report::{Context, Result},
    save::Save,
    state::ipc,
};
use cr_codec::{check::messages, uapi::*};
use cr_sys::{
    build,
    pid_ns::PidNs,
    sysv::{Ipc, Kind},
};
use kernel::prelude::*;
use zerocopy::IntoBytes;

/// Saves all queues.
pub(crate) fn save(save: &mut Save<'_>) -> Result {
    let queues = Ipc::of(&save.init)?;
    let mut at = 0;
    while let Some((queue, messages)) = queues.next_queue(save.container.ns(), &mut at)? {
        save.record(&queue, &[&messages])?;
    }
    Ok(())
}

const SYS_MMAP: u32 = 9;
const SYS_MUNMAP: u32 = 11;
const SYS_MSGGET: u32 = 68;
const SYS_MSGSND: u32 = 69;
const PROT_READ_WRITE: u64 = 3;
const MAP_PRIVATE_ANONYMOUS: u64 = 0x22;
const IPC_NOWAIT: u64 = 0o4000;

/// Makes all queues, in the container's init.
pub(crate) fn restore(build: &Build<'_>) -> Result {
    for (_, rec) in build.plan.records.tagged(CR_TAG_MSGQ) {
        let queue: cr_img_msgq = rec.fixed()?;
        let id = queue.perm.id;
        ipc::create(&queue.perm, Kind::Msg, |key, flags| {
            build.syscall(SYS_MSGGET, [key, flags, 0])
        })
        .and_then(|()| {
            send_all(build, rec.variable::<cr_img_msgq>(), |message, place, _| {
                let length = u64::from(message.length);
                build.syscall6(SYS_MSGSND, [id as u64, place, length, IPC_NOWAIT, 0, 0])
            })
        })
        .context(format_args!("message queue {id}"))?;
    }
    Ok(())
}

/// Sends all messages: `send` gets each, with the addresses of a struct msgbuf with it, and of its text.
pub(crate) fn send_all(
    build: &Build<'_>,
    bytes: &[u8],
    send: impl Fn(&cr_img_msg, u64, u64) -> Result<i64>,
) -> Result {
    let length = bytes.len() as u64;
    if length == 0 {
        return Ok(());
    }
    let place = [
        0,
        length,
        PROT_READ_WRITE,
        MAP_PRIVATE_ANONYMOUS,
        u64::MAX,
        0,
    ];
    let place = build.syscall6(SYS_MMAP, place)? as u64;
    let at = place + size_of::<i64>() as u64;
    for (message, text) in messages(bytes) {
        build::write_user(place, message.mtype.as_bytes())?;
        build::write_user(at, text)?;
        send(&message, place, at)?;
    }
    build.syscall(SYS_MUNMAP, [place, length, 0])?;
    Ok(())
}

/// Gives all queues what only the kernel can.
pub(crate) fn finish(plan: &Plan, ipc: &Ipc, ns: &PidNs) -> Result {
    for (_, rec) in plan.records.tagged(CR_TAG_MSGQ) {
        let queue: cr_img_msgq = rec.fixed()?;
        let sender = ns.pid_or_number(queue.lspid)?;
        let receiver = ns.pid_or_number(queue.lrpid)?;
        ipc.finish_queue(&queue, sender.as_ref(), receiver.as_ref())
            .context(format_args!("owner of message queue {}", queue.perm.id))?;
    }
    Ok(())
}
