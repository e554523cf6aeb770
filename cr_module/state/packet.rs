// SPDX-License-Identifier: GPL-2.0

//! Packet sockets, by which a program sends and receives frames of devices: protocols, devices, groups, and
//! frames that nobody has received yet.
//!
//! A socket without a protocol receives nothing: so a restart makes one, puts into it what waits, and
//! gives it its protocol and its device at the end. That one has to have the name and the number that it
//! had, which the program knows.
//!
//! Refused: rings, which are mapped; fanout groups; those of the type SOCK_PACKET; frames of several
//! segments, or of virtual networks; devices that are down.

use crate::{
    image::{Records, Waiting},
    objects::Kind,
    report::{fail, failure, Context, Name, Result},
    save::Save,
    state::{
        inet::check_supported,
        sockfilter::{self, Programs},
        sockopt::{self, Options},
    },
};
use cr_codec::{
    check::Rec,
    record::text,
    sockopt::{PACKET_MEMBERSHIP, SOL_PACKET, SO_ATTACH_FILTER},
    uapi::*,
};
use cr_sys::{
    errno::{ENETDOWN, EOPNOTSUPP},
    file::FileRef,
    packet::PacketRef,
    udp::settle,
};
use kernel::prelude::*;
use zerocopy::IntoBytes;

/// Saves a socket, unless that was done already.
pub(crate) fn save(save: &mut Save<'_>, socket: &PacketRef) -> Result<u64> {
    if let Some(id) = save.objects.find(Kind::Socket, socket.identity()) {
        return Ok(id);
    }
    let (unsupported, mut record) = socket.read();
    check_supported(unsupported, SOL_PACKET)?;
    let mut options = sockopt::read(socket, SOL_PACKET)?;
    for value in socket.groups() {
        if options.len() == CR_MAX_SOCKOPTS as usize {
            fail!(EOPNOTSUPP(), "so many groups are not supported yet");
        }
        options.push(sockopt::option(PACKET_MEMBERSHIP, value), GFP_KERNEL)?;
    }
    record.nr_options = options.len() as u32;
    let id = save.objects.add(Kind::Socket, socket.identity())?;
    save.object(id, &record, &[options.as_bytes()])?;
    sockfilter::save(save, id, socket)?;
    save.packets.push((id, socket.clone()), GFP_KERNEL)?;
    Ok(id)
}

/// Saves what waits in sockets, when all of them are known.
pub(crate) fn save_frames(save: &mut Save<'_>) -> Result {
    let sockets = core::mem::take(&mut save.packets);
    if !sockets.is_empty() {
        settle();
    }
    for (id, socket) in &sockets {
        for frame in socket.frames() {
            let (mut frame, bytes) = match frame {
                Err(error) if error == EOPNOTSUPP() || error == E2BIG => fail!(
                    EOPNOTSUPP(),
                    "a packet socket: a frame of several segments, of a virtual network (VLAN), or of \
                     more than {CR_FRAME_MAX} bytes is not supported yet: receive it first"
                ),
                frame => frame.context(format_args!("a packet socket"))?,
            };
            frame.socket = *id;
            save.record(&frame, &[&bytes])?;
        }
    }
    Ok(())
}

/// Sockets that were made again.
pub(crate) struct Made(KVVec<(u64, PacketRef)>);

impl Made {
    /// None.
    pub(crate) fn new() -> Self {
        Self(KVVec::new())
    }

    /// Makes a socket, with its open file.
    pub(crate) fn open(&mut self, rec: &Rec<'_>, flags: u32) -> Result<FileRef> {
        let record: cr_img_link = rec.fixed()?;
        let file = FileRef::make_packet(record.type_, flags)
            .context(format_args!("making a packet socket"))?;
        let socket = file.packet().ok_or(EINVAL)?;
        Options::of::<cr_img_link>(rec, SOL_PACKET).set(&socket)?;
        self.0.push((rec.id, socket), GFP_KERNEL)?;
        Ok(file)
    }

    /// Gives all sockets what waits in them, their groups, protocols and devices.
    pub(crate) fn finish(self, records: &Records) -> Result {
        let waiting = Waiting::tagged(records, CR_TAG_FRAME, |rec| {
            Ok(rec.fixed::<cr_img_frame>()?.socket)
        })?;
        let programs = Programs::of(records)?;
        for (id, socket) in &self.0 {
            programs.attach(*id, SO_ATTACH_FILTER, socket)?;
            restore_one(socket, &records.get(records.find(*id)?), waiting.of(*id))?;
        }
        Ok(())
    }
}

fn restore_one<'a>(
    socket: &PacketRef,
    rec: &Rec<'_>,
    waiting: impl Iterator<Item = Rec<'a>>,
) -> Result {
    let record: cr_img_link = rec.fixed()?;
    for rec in waiting {
        socket
            .queue_frame(&rec.fixed()?, rec.variable::<cr_img_frame>())
            .context(format_args!("a frame that waits in a packet socket"))?;
    }
    Options::of::<cr_img_link>(rec, SOL_PACKET).join_groups(socket)?;
    let device = Name(text(&record.device));
    socket.bind(&record).map_err(|error| match error {
        ENODEV => failure!(ENODEV, "a packet socket: there is no device {device}"),
        EXDEV => failure!(
            ENODEV,
            "a packet socket: device {device} had the number {}, and has another one",
            record.ifindex
        ),
        error if error == ENETDOWN() => {
            failure!(ENETDOWN(), "a packet socket: device {device} is down")
        }
        error => failure!(error, "a packet socket: device {device}"),
    })?;
    socket.set(&record).context(format_args!("a packet socket"))
}
