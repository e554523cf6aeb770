// SPDX-License-Identifier: GPL-2.0

//! Sockets, what they are connected to, and what waits in them.

use super::*;

const SOCKETS: usize = 5;

#[test]
fn sockets_have_values_that_there_are() {
    fails::<cr_img_socket>(0, "unknown type", |socket| socket.type_ = 3);
    fails::<cr_img_socket>(0, "unknown type", |socket| socket.state = 3);
    fails::<cr_img_socket>(0, "unknown options", |socket| socket.options |= 1 << 31);
    for at in 0..SOCKETS {
        fails::<cr_img_socket>(at, "impossible value", |socket| socket.shutdown = 4);
        fails::<cr_img_socket>(at, "impossible value", |socket| socket.error = 5000);
        fails::<cr_img_socket>(at, "impossible value", |socket| socket.sndbuf = 0);
        fails::<cr_img_socket>(at, "impossible value", |socket| socket.rcvbuf = -1);
        fails::<cr_img_socket>(at, "impossible value", |socket| socket.rcvlowat = -1);
        fails::<cr_img_socket>(at, "impossible value", |socket| socket.peek_off = -2);
        fails::<cr_img_socket>(at, "impossible value", |socket| socket.backlog = 1 << 31);
        fails::<cr_img_socket>(at, "impossible value", |socket| socket.mode = 0o10000);
        fails::<cr_img_socket>(at, "at the other end", |socket| socket.peer_pid = 1 << 23);
    }
    fails::<cr_img_socket>(0, "at the other end", |socket| {
        socket.options &= !CR_SOCKET_PEERCRED
    });
}

#[test]
fn names_of_sockets_can_be_found() {
    fails::<cr_img_socket>(0, "count disagree", |socket| socket.nr_groups = 2);
    fails::<cr_img_socket>(0, "count disagree", |socket| socket.nr_groups = 60000);
    fails::<cr_img_socket>(0, "at the other end", |socket| socket.nr_groups = 70000);
    fails::<cr_img_socket>(0, "impossible name", |socket| {
        (socket.name_len, socket.path_len) = (9, 10)
    });
    fails::<cr_img_socket>(0, "impossible name", |socket| {
        (socket.name_len, socket.path_len) = (19, 0)
    });
    fails_bytes(CR_TAG_SOCKET, 0, "not an absolute path", |bytes| {
        let at = bytes.len() - 9;
        bytes[at] = b'x'
    });
    fails_bytes(CR_TAG_SOCKET, 0, "not in the file system", |bytes| {
        let at = bytes.len() - 19;
        bytes[at] = 0
    });
    fails::<cr_img_socket>(2, "nobody could find it", |socket| {
        socket.options |= CR_SOCKET_BOUND
    });
}

#[test]
fn connections_wait_for_one_that_listens() {
    fails::<cr_img_socket>(2, "cannot listen", |socket| {
        socket.state = CR_SOCKET_LISTENING
    });
    fails::<cr_img_socket>(4, "cannot listen", |socket| {
        socket.state = CR_SOCKET_LISTENING
    });
    fails::<cr_img_socket>(1, "no listener", |socket| socket.listener = CLIENT);
    fails::<cr_img_socket>(1, "no listener", |socket| socket.listener = CRED);
    fails::<cr_img_socket>(0, "it cannot wait", |socket| {
        socket.state = CR_SOCKET_CONNECTED
    });
    fails::<cr_img_socket>(1, "it cannot wait", |socket| {
        socket.state = CR_SOCKET_CLOSED
    });
    fails::<cr_img_socket>(1, "it cannot wait", |socket| socket.mode = 0o777);
    let files = Sample::new();
    let mut files = files.state.iter().filter(|rec| rec.tag == CR_TAG_FILE);
    let last = files.position(|rec| rec.id == FILE_DATAGRAMS).unwrap();
    fails::<cr_img_file>(last, "no socket behind it", |file| file.target = PIPE);
    fails::<cr_img_file>(last, "waits to be accepted", |file| file.target = WAITING);
    fails::<cr_img_file>(last, "does not have", |file| file.pos = 1);
}

#[test]
fn peers_can_be_connected() {
    fails::<cr_img_peer>(0, "a reserved member", |peer| peer.reserved = 1);
    fails::<cr_img_peer>(0, "count disagree", |peer| peer.name_len = 1);
    fails::<cr_img_peer>(0, "no socket", |peer| peer.socket = CRED);
    fails::<cr_img_peer>(0, "no socket", |peer| peer.peer = CRED);
    fails::<cr_img_peer>(0, "that listens", |peer| peer.socket = LISTENER);
    fails::<cr_img_peer>(0, "cannot be connected", |peer| peer.peer = LISTENER);
    fails::<cr_img_peer>(0, "cannot be connected", |peer| peer.peer = DATAGRAMS);
    fails::<cr_img_peer>(0, "not in order", |peer| peer.peer = WAITING);
    fails::<cr_img_peer>(1, "impossible name", |peer| peer.peer = CLIENT);
    fails::<cr_img_peer>(1, "not after the last one", |peer| peer.socket = WAITING);
}

#[test]
fn messages_have_a_sender_and_a_socket() {
    fails::<cr_img_message>(0, "a reserved member", |message| message.reserved = 1);
    fails::<cr_img_message>(0, "impossible sender", |message| message.flags = 0);
    fails::<cr_img_message>(0, "impossible sender", |message| message.flags = 9);
    for urgent in [CR_MESSAGE_URGENT, CR_MESSAGE_URGENT_READ] {
        fails::<cr_img_message>(0, "impossible length", |message| message.flags |= urgent);
        fails::<cr_img_message>(1, "impossible length", |message| message.flags |= urgent);
    }
    fails::<cr_img_message>(0, "impossible sender", |message| message.pid = 1 << 23);
    fails::<cr_img_message>(1, "impossible sender", |message| message.time_ns = 1 << 63);
    fails::<cr_img_message>(1, "too many files", |message| message.nr_files = 254);
    fails::<cr_img_message>(0, "count disagree", |message| message.length = 4);
    fails::<cr_img_message>(1, "count disagree", |message| message.nr_files = 0);
    fails::<cr_img_message>(0, "impossible name", |message| {
        (message.length, message.name_len) = (0, 5)
    });
    fails::<cr_img_message>(1, "impossible length", |message| message.socket = WAITING);
    fails::<cr_img_message>(0, "no socket", |message| message.socket = CRED);
    fails::<cr_img_message>(0, "that listens", |message| message.socket = LISTENER);
    let mut sample = Sample::new();
    let at = index(&sample, CR_TAG_MESSAGE, 0);
    sample.state.swap(at, at + 1);
    assert!(check(&sample).unwrap_err().contains("in the order"));
    fails::<cr_img_message>(0, "other than the peer", |message| message.sender = CLIENT);
    fails::<cr_img_message>(1, "cannot be one", |message| message.sender = CLIENT);
    fails_bytes(CR_TAG_MESSAGE, 1, "no file is sent", |bytes| {
        let at = bytes.len() - 8;
        bytes[at] = CLIENT as u8
    });
    fails_bytes(CR_TAG_MESSAGE, 1, "it carries memory", |bytes| {
        let at = bytes.len() - 8;
        bytes[at] = FILE_PROC_TASK as u8
    });
}

#[test]
fn sockets_have_programs_that_they_can_ask() {
    let refused = |nth, why, change: &dyn Fn(&mut cr_img_sockfilter)| {
        fails::<cr_img_sockfilter>(nth, why, change);
    };
    refused(0, "no socket that", &|filter| filter.socket = CRED);
    refused(0, "no socket that", &|filter| filter.socket = 0);
    refused(0, "no socket that", &|filter| filter.socket = NETLINK);
    // SO_ATTACH_BPF.
    refused(0, "does not have", &|filter| filter.option = 50);
    refused(1, "does not have", &|filter| filter.socket = CONNECTED);
    refused(1, "does not have", &|filter| filter.socket = DATAGRAMS);
    refused(1, "not after the last one", &|filter| filter.option = 26);
    refused(0, "count disagree", &|filter| filter.nr_insns = 2);
    fails_bytes(CR_TAG_SOCKFILTER, 0, "an empty filter", |bytes| {
        bytes.truncate(bytes.len() - 8);
        bytes[12] = 0
    });
    for socket in [LISTENER, INET] {
        passes::<cr_img_sockfilter>(0, |filter| filter.socket = socket);
    }
    passes::<cr_img_sockfilter>(0, |filter| (filter.socket, filter.option) = (INET, 51));
}
