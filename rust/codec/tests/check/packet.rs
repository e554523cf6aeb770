// SPDX-License-Identifier: GPL-2.0

//! Packet sockets, and frames in them.

use super::*;

#[test]
fn packet_sockets_have_values_that_there_are() {
    let refused = |why, change: &dyn Fn(&mut cr_img_link)| {
        fails::<cr_img_link>(0, why, change);
    };
    // SOCK_PACKET.
    refused("unknown type", &|link| link.type_ = 10);
    refused("impossible value", &|link| link.protocol = 1 << 16);
    refused("impossible value", &|link| link.error = 4096);
    refused("impossible value", &|link| link.ifindex = 1 << 31);
    refused("impossible value", &|link| link.mode = 0o10000);
    refused("impossible device", &|link| link.device = [b'x'; 16]);
    refused("impossible device", &|link| link.device[8] = 1);
    refused("impossible device", &|link| link.device = [0; 16]);
    refused("impossible device", &|link| link.ifindex = 0);
    refused("count disagree", &|link| link.nr_options = 3);
    passes::<cr_img_link>(0, |link| {
        (link.type_, link.ifindex, link.device) = (2, 0, [0; 16])
    });
}

#[test]
fn packet_sockets_have_their_options() {
    let at = size_of::<cr_img_link>();
    // PACKET_FANOUT, PACKET_RX_RING, IP_TTL, NETLINK_ADD_MEMBERSHIP.
    for option in [[263u32, 18, 4], [263, 5, 16], [0, 2, 4], [270, 1, 4]] {
        fails_bytes(CR_TAG_LINK, 0, "unknown option", |bytes| {
            bytes[at..at + 12].copy_from_slice(option.as_bytes())
        });
    }
}

#[test]
fn files_of_packet_sockets_refer_to_one() {
    let sample = Sample::new();
    let mut files = sample.state.iter().filter(|rec| rec.tag == CR_TAG_FILE);
    let at = files.position(|rec| rec.id == FILE_LINK).unwrap();
    fails::<cr_img_file>(at, "no socket behind it", |file| file.target = INET);
    fails::<cr_img_file>(at, "what a socket does not have", |file| file.pos = 1);
}

#[test]
fn frames_wait_in_packet_sockets() {
    let refused = |why, change: &dyn Fn(&mut cr_img_frame)| {
        fails::<cr_img_frame>(0, why, change);
    };
    let value = "impossible value";
    refused("nobody to receive it", &|frame| frame.socket = UDP);
    refused("count disagree", &|frame| frame.length = 3);
    refused(value, &|frame| frame.time_ns = 1 << 63);
    refused(value, &|frame| frame.ifindex = 1 << 31);
    refused(value, &|frame| frame.hatype = 1 << 16);
    refused(value, &|frame| frame.protocol = 1 << 16);
    refused(value, &|frame| frame.protocol = 0x8100);
    refused(value, &|frame| frame.network = 1 << 16);
    refused(value, &|frame| frame.pkttype = 5);
    refused(value, &|frame| frame.csum = 3);
    refused(value, &|frame| frame.csum_start = 1 << 16);
    refused(value, &|frame| frame.csum_offset = 1 << 16);
    refused("not to be filled in", &|frame| frame.csum = 0);
    refused("impossible address", &|frame| frame.halen = 33);
    refused("impossible address", &|frame| frame.halen = 5);
    let mut sample = Sample::new();
    let at = index(&sample, CR_TAG_LINK, 0);
    let mut other = sample.state[at].clone();
    other.id = FILE_LINK + 1;
    let first = index(&sample, CR_TAG_FRAME, 0);
    sample.state.insert(first, other);
    let mut frame = sample.state[first + 1].clone();
    frame.payload[..8].copy_from_slice(&(FILE_LINK + 1).to_ne_bytes());
    sample.state.insert(first + 1, frame);
    super::refused(&sample, "not in the order of their sockets");
}
