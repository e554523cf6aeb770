// SPDX-License-Identifier: GPL-2.0

//! Packet sockets, and frames in them.

use core::mem::size_of;

use super::{inet, sockets, Placed, Rec, Result, State};
use crate::{
    sockopt::{SOCK_RAW, SOL_PACKET},
    uapi::*,
};

/// PACKET_OUTGOING. Those above are not for user space.
const MAX_PKTTYPE: u32 = 4;
/// A protocol, a type of device, or a place in a packet.
const MAX_SHORT: u32 = 0xffff;
/// What begins the tag of a virtual network: ETH_P_8021Q, ETH_P_8021AD.
const VLAN: [u32; 2] = [0x8100, 0x88a8];

/// An open file of such a socket.
pub(super) fn file(state: &State<'_>, rec: Placed<'_>, file: &cr_img_file) -> Result {
    state.refers::<cr_img_link>(rec, file.target, "no socket behind it")?;
    sockets::nothing_else(&rec, file)
}

pub(super) fn link(rec: &Rec<'_>) -> Result {
    let link: cr_img_link = rec.fixed()?;
    rec.require(
        matches!(link.type_, SOCK_RAW | sockets::SOCK_DGRAM),
        "unknown type",
    )?;
    rec.require(
        link.protocol <= MAX_SHORT
            && link.error <= sockets::MAX_ERRNO
            && link.ifindex <= i32::MAX as u32
            && link.mode <= 0o7777,
        "impossible value",
    )?;
    let end = link.device.iter().position(|byte| *byte == 0);
    let rest = end.and_then(|end| link.device.get(end..));
    rec.require(
        rest.is_some_and(|rest| rest.iter().all(|byte| *byte == 0))
            && (link.ifindex == 0) == (end == Some(0)),
        "impossible device",
    )?;
    rec.require_elements::<cr_img_link, cr_img_sockopt>(u64::from(link.nr_options))?;
    inet::options(rec, SOL_PACKET, size_of::<cr_img_link>())
}

/// A frame that waits.
pub(super) fn frame(state: &State<'_>, rec: Placed<'_>) -> Result<cr_img_frame> {
    let frame: cr_img_frame = rec.fixed()?;
    rec.require_elements::<cr_img_frame, u8>(u64::from(frame.length))?;
    let shorts = [
        frame.hatype,
        frame.protocol,
        frame.network,
        frame.csum_start,
        frame.csum_offset,
    ];
    rec.require(
        shorts.iter().all(|value| *value <= MAX_SHORT)
            && !VLAN.contains(&frame.protocol)
            && frame.time_ns <= i64::MAX as u64
            && frame.ifindex <= i32::MAX as u32
            && frame.pkttype <= MAX_PKTTYPE
            && frame.csum <= CR_FRAME_CSUM_VALID,
        "impossible value",
    )?;
    rec.require(
        frame.csum == CR_FRAME_CSUM_PARTIAL || [frame.csum_start, frame.csum_offset] == [0; 2],
        "a checksum that is not to be filled in",
    )?;
    rec.require(
        frame
            .addr
            .get(frame.halen as usize..)
            .is_some_and(|rest| rest.iter().all(|byte| *byte == 0)),
        "impossible address",
    )?;
    state.refers::<cr_img_link>(rec, frame.socket, "nobody to receive it")?;
    Ok(frame)
}
