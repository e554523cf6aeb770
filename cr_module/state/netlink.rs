// SPDX-License-Identifier: GPL-2.0

//! Netlink sockets, by which a program talks to the kernel: ports, groups, and messages that nobody has
//! received yet.
//!
//! The kernel asks not only who sends, but also with which capabilities the socket was opened: it is opened
//! with the same again. It must not have more than the caller has.
//!
//! Refused: sockets of protocols for which the kernel knows more of a socket than is in it; those that are
//! being told a list, because the kernel goes on with it in between; that of the audit daemon; eBPF.

use crate::{
    image::{Records, Waiting},
    objects::Kind,
    report::{fail, failure, Context, Result},
    save::Save,
    state::{
        inet::check_supported,
        sockfilter::{self, Programs},
        sockopt::{self, Options},
    },
};
use cr_codec::{
    check::Rec,
    sockopt::{NETLINK_MEMBERSHIP, SOL_NETLINK, SO_ATTACH_FILTER},
    uapi::*,
};
use cr_sys::{
    errno::{EADDRINUSE, EOPNOTSUPP},
    file::FileRef,
    netlink::NetlinkRef,
};
use kernel::prelude::*;
use zerocopy::IntoBytes;

/// Saves a socket, unless that was done already. The file is its own.
pub(crate) fn save(save: &mut Save<'_>, socket: &NetlinkRef, file: &FileRef) -> Result<u64> {
    if let Some(id) = save.objects.find(Kind::Socket, socket.identity()) {
        return Ok(id);
    }
    let (unsupported, mut record) = socket.read(file);
    check_supported(unsupported, SOL_NETLINK)?;
    let mut options = sockopt::read(socket, SOL_NETLINK)?;
    for group in socket.groups() {
        if options.len() == CR_MAX_SOCKOPTS as usize {
            fail!(EOPNOTSUPP(), "so many groups are not supported yet");
        }
        let mut value = [0; CR_SOCKOPT_LEN as usize];
        value[..size_of::<u32>()].copy_from_slice(group.as_bytes());
        options.push(sockopt::option(NETLINK_MEMBERSHIP, value), GFP_KERNEL)?;
    }
    record.nr_options = options.len() as u32;
    let id = save.objects.add(Kind::Socket, socket.identity())?;
    save.object(id, &record, &[options.as_bytes()])?;
    sockfilter::save(save, id, socket)?;
    let saved = (id, socket.clone(), record.portid);
    save.netlinks.push(saved, GFP_KERNEL)?;
    Ok(id)
}

/// Saves what waits in sockets, when all of them are known.
pub(crate) fn save_messages(save: &mut Save<'_>) -> Result {
    for (id, socket, port) in core::mem::take(&mut save.netlinks) {
        for message in socket.messages() {
            let (mut message, bytes) = match message {
                Err(error) if error == EOPNOTSUPP() => fail!(
                    EOPNOTSUPP(),
                    "netlink socket {port}: a message for 32-bit programs is not supported yet: receive \
                     it first"
                ),
                Err(E2BIG) => fail!(
                    EOPNOTSUPP(),
                    "netlink socket {port}: a message of more than {CR_NETLINK_MAX} bytes is not \
                     supported yet: receive it first"
                ),
                message => message.context(format_args!("netlink socket {port}"))?,
            };
            message.socket = id;
            save.record(&message, &[&bytes])?;
        }
    }
    Ok(())
}

/// Sockets that were made again.
pub(crate) struct Made(KVVec<(u64, NetlinkRef)>);

impl Made {
    /// None.
    pub(crate) fn new() -> Self {
        Self(KVVec::new())
    }

    /// Makes a socket, with its open file.
    pub(crate) fn open(&mut self, rec: &Rec<'_>, flags: u32) -> Result<FileRef> {
        let record: cr_img_netlink = rec.fixed()?;
        let file = FileRef::make_netlink(&record, flags).map_err(|error| match error {
            EPERM => failure!(
                EPERM,
                "a netlink socket was opened by somebody with more capabilities than the caller"
            ),
            error => failure!(error, "making a netlink socket"),
        })?;
        let socket = file.netlink().ok_or(EINVAL)?;
        Options::of::<cr_img_netlink>(rec, SOL_NETLINK).set(&socket)?;
        self.0.push((rec.id, socket), GFP_KERNEL)?;
        Ok(file)
    }

    /// Gives all sockets what waits in them, their ports and groups.
    pub(crate) fn finish(self, records: &Records) -> Result {
        let waiting = Waiting::tagged(records, CR_TAG_NLMSG, |rec| {
            Ok(rec.fixed::<cr_img_netlink_message>()?.socket)
        })?;
        let programs = Programs::of(records)?;
        for (id, socket) in &self.0 {
            // Before others know its port.
            programs.attach(*id, SO_ATTACH_FILTER, socket)?;
            restore_one(socket, &records.get(records.find(*id)?), waiting.of(*id))?;
        }
        Ok(())
    }
}

fn restore_one<'a>(
    socket: &NetlinkRef,
    rec: &Rec<'_>,
    waiting: impl Iterator<Item = Rec<'a>>,
) -> Result {
    let record: cr_img_netlink = rec.fixed()?;
    for rec in waiting {
        socket
            .queue_message(&rec.fixed()?, rec.variable::<cr_img_netlink_message>())
            .context(format_args!("a message that waits in a netlink socket"))?;
    }
    socket.bind(&record).map_err(|error| match error {
        error if error == EADDRINUSE() => failure!(
            EADDRINUSE(),
            "netlink socket {} of protocol {}: this port is in use",
            record.portid,
            record.protocol
        ),
        error => failure!(error, "netlink socket {}", record.portid),
    })?;
    Options::of::<cr_img_netlink>(rec, SOL_NETLINK).join_groups(socket)?;
    socket
        .set(&record)
        .context(format_args!("netlink socket {}", record.portid))
}
