// SPDX-License-Identifier: GPL-2.0

//! Netlink sockets, and messages in them.

use super::*;

#[test]
fn netlink_sockets_have_values_that_there_are() {
    let refused = |why, change: &dyn Fn(&mut cr_img_netlink)| {
        fails::<cr_img_netlink>(0, why, change);
    };
    refused("unknown type", &|socket| socket.type_ = 1);
    // NETLINK_GENERIC.
    refused("unknown type", &|socket| socket.protocol = 16);
    refused("unknown type", &|socket| socket.protocol = 32);
    refused("unknown type", &|socket| socket.state = CR_SOCKET_LISTENING);
    refused("unknown flags", &|socket| socket.flags = 2);
    refused("impossible value", &|socket| socket.error = 4096);
    refused("impossible value", &|socket| socket.to_group = 33);
    refused("impossible value", &|socket| socket.mode = 0o10000);
    refused("impossible other end", &|socket| socket.portid = 0);
    refused("impossible other end", &|socket| {
        socket.state = CR_SOCKET_CLOSED
    });
    refused("impossible other end", &|socket| {
        (socket.state, socket.to_group, socket.to_portid) = (CR_SOCKET_CLOSED, 0, 1)
    });
    refused("count disagree", &|socket| socket.nr_options = 2);
    for protocol in [0, 2, 4, 9, 15] {
        passes::<cr_img_netlink>(0, |socket| socket.protocol = protocol);
    }
    passes::<cr_img_netlink>(0, |socket| {
        (socket.state, socket.portid, socket.to_group) = (CR_SOCKET_CLOSED, 0, 0)
    });
}

#[test]
fn netlink_sockets_have_their_options() {
    let option = size_of::<cr_img_netlink>();
    let changed = |level: u32, name: u32, length: u32| {
        move |bytes: &mut Vec<u8>| {
            bytes[option..option + 12].copy_from_slice([level, name, length].as_bytes())
        }
    };
    let refused = |level, name, length| {
        fails_bytes(
            CR_TAG_NETLINK,
            0,
            "unknown option",
            changed(level, name, length),
        );
    };
    // TCP_NODELAY, IP_TTL, UDP_CORK, IP_ADD_MEMBERSHIP, NETLINK_LIST_MEMBERSHIPS.
    refused(6, 1, 4);
    refused(0, 2, 4);
    refused(17, 1, 4);
    refused(0, 35, 12);
    refused(270, 9, 4);
    // SO_PASSCRED is none of the others.
    fails_bytes(CR_TAG_INET, 0, "unknown option", |bytes| {
        let at = size_of::<cr_img_inet>();
        bytes[at..at + 12].copy_from_slice([1u32, 16, 4].as_bytes())
    });
}

#[test]
fn files_of_netlink_sockets_refer_to_one() {
    let sample = Sample::new();
    let mut files = sample.state.iter().filter(|rec| rec.tag == CR_TAG_FILE);
    let at = files.position(|rec| rec.id == FILE_NETLINK).unwrap();
    fails::<cr_img_file>(at, "no socket behind it", |file| file.target = INET);
    fails::<cr_img_file>(at, "what a socket does not have", |file| file.pos = 1);
}

#[test]
fn messages_wait_in_netlink_sockets() {
    let refused = |why, change: &dyn Fn(&mut cr_img_netlink_message)| {
        fails::<cr_img_netlink_message>(0, why, change);
    };
    refused("nobody to receive it", &|message| message.socket = UDP);
    refused("count disagree", &|message| message.length = 3);
    refused("impossible value", &|message| message.flags = 3);
    refused("impossible value", &|message| message.flags = 0);
    refused("impossible value", &|message| message.pid = 1 << 23);
}
