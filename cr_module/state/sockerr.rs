// SPDX-License-Identifier: GPL-2.0

//! Errors that wait in UDP, ping, raw and TCP sockets (IP_RECVERR, IPV6_RECVERR), and the path MTU that a program
//! has asked to be told of (IPV6_RECVPATHMTU).
//!
//! They are as the network has told of them, or the machine itself: with the packet that did, and what of that
//! of the program has come back. A restart queues them again.
//!
//! Refused: what tells of something else in the same queue (when a packet was sent, that memory is not
//! needed any more); errors with IP options or extension headers.

use crate::{
    image::{Records, Waiting},
    report::{fail, Context, Result},
    save::Save,
};
use cr_codec::uapi::*;
use cr_sys::{errno::EOPNOTSUPP, inet::InetRef};

/// Saves those of a socket, which has this id.
pub(super) fn save(save: &mut Save<'_>, id: u64, socket: &InetRef) -> Result {
    for error in socket.errors() {
        let (mut error, bytes) = match error {
            Err(error) if error == EOPNOTSUPP() => fail!(
                EOPNOTSUPP(),
                "what waits as an error (MSG_ERRQUEUE), and is none of the network, or has IP options or \
                 extension headers, is not supported yet: receive it first"
            ),
            error => error?,
        };
        error.packet.socket = id;
        save.record(&error, &[&bytes])?;
    }
    if let Some(mut mtu) = socket.path_mtu() {
        mtu.packet.socket = id;
        save.record(&mtu, &[])?;
    }
    Ok(())
}

/// Those in an image, by their sockets.
pub(super) struct Errors<'a>(Waiting<'a>);

impl<'a> Errors<'a> {
    /// All of them.
    pub(super) fn of(records: &'a Records) -> Result<Self> {
        Ok(Self(Waiting::tagged(records, CR_TAG_SOCKERR, |rec| {
            Ok(rec.fixed::<cr_img_sockerr>()?.packet.socket)
        })?))
    }

    /// Puts those into a socket that waited in it. Nobody else has the socket yet.
    pub(super) fn queue(&self, id: u64, socket: &InetRef) -> Result {
        for rec in self.0.of(id) {
            socket
                .queue_error(&rec.fixed()?, rec.variable::<cr_img_sockerr>())
                .context(format_args!("an error that waits"))?;
        }
        Ok(())
    }
}
