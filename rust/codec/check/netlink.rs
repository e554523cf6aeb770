// SPDX-License-Identifier: GPL-2.0

//! Netlink sockets, and messages in them.

use core::mem::size_of;

use super::{inet, sockets, Placed, Rec, Result, State, PID_MAX};
use crate::{sockopt::SOL_NETLINK, uapi::*};

const SOCK_RAW: u32 = 3;
/// NETLINK_ROUTE, NETLINK_USERSOCK, NETLINK_SOCK_DIAG, NETLINK_AUDIT, NETLINK_KOBJECT_UEVENT: those whose
/// sockets are nothing but sockets.
const PROTOCOLS: [u32; 5] = [0, 2, 4, 9, 15];

/// An open file of such a socket.
pub(super) fn file(state: &State<'_>, rec: Placed<'_>, file: &cr_img_file) -> Result {
    state.refers::<cr_img_netlink>(rec, file.target, "no socket behind it")?;
    sockets::nothing_else(&rec, file)
}

pub(super) fn netlink(rec: &Rec<'_>) -> Result {
    let socket: cr_img_netlink = rec.fixed()?;
    rec.require(
        matches!(socket.type_, SOCK_RAW | sockets::SOCK_DGRAM)
            && PROTOCOLS.contains(&socket.protocol)
            && socket.state <= CR_SOCKET_CONNECTED,
        "unknown type or state",
    )?;
    rec.require(socket.flags & !CR_NETLINK_CONGESTED == 0, "unknown flags")?;
    rec.require(
        socket.error <= sockets::MAX_ERRNO && socket.to_group <= u32::BITS && socket.mode <= 0o7777,
        "impossible value",
    )?;
    rec.require(
        match socket.state {
            CR_SOCKET_CONNECTED => socket.portid != 0,
            _ => [socket.to_portid, socket.to_group] == [0; 2],
        },
        "impossible other end",
    )?;
    rec.require_elements::<cr_img_netlink, cr_img_sockopt>(u64::from(socket.nr_options))?;
    inet::options(rec, SOL_NETLINK, size_of::<cr_img_netlink>())
}

pub(super) fn message(state: &State<'_>, rec: Placed<'_>) -> Result<cr_img_netlink_message> {
    let message: cr_img_netlink_message = rec.fixed()?;
    rec.require_elements::<cr_img_netlink_message, u8>(u64::from(message.length))?;
    rec.require(
        message.length <= CR_NETLINK_MAX
            && message.flags & !CR_NETLINK_NSID == 0
            && (message.flags & CR_NETLINK_NSID != 0 || message.nsid == 0)
            && message.pid <= PID_MAX,
        "impossible value",
    )?;
    state.refers::<cr_img_netlink>(rec, message.socket, "nobody to receive it")?;
    Ok(message)
}
