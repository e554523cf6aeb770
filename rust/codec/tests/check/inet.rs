// SPDX-License-Identifier: GPL-2.0

//! TCP, UDP and raw sockets, their options, and datagrams.

use super::*;

/// Changes the listener, at which nobody waits.
fn check_listener(f: impl Fn(&mut cr_img_inet)) -> Result<(), String> {
    let mut sample = change(0, f);
    let at = index(&sample, CR_TAG_WAITING, 0);
    sample.state.remove(at);
    check(&sample)
}

#[test]
fn tcp_sockets_have_values_that_there_are() {
    fails::<cr_img_inet>(0, "unknown type", |inet| inet.family = 1);
    fails::<cr_img_inet>(0, "unknown type", |inet| inet.type_ = 4);
    fails::<cr_img_inet>(0, "unknown type", |inet| inet.protocol = 132);
    fails::<cr_img_inet>(0, "unknown type", |inet| inet.state = 3);
    fails::<cr_img_inet>(0, "unknown flags", |inet| inet.flags |= 1 << 31);
    fails::<cr_img_inet>(0, "impossible value", |inet| inet.error = 5000);
    fails::<cr_img_inet>(0, "impossible value", |inet| inet.error_soft = 5000);
    fails::<cr_img_inet>(0, "impossible value", |inet| inet.backlog = 1 << 31);
    fails::<cr_img_inet>(0, "impossible value", |inet| inet.mode = 0o10000);
    fails::<cr_img_inet>(0, "impossible value", |inet| inet.local_port = 1 << 16);
    fails::<cr_img_inet>(0, "impossible value", |inet| inet.remote_port = 1 << 16);
    fails::<cr_img_inet>(0, "impossible value", |inet| inet.mss = 0);
    fails::<cr_img_inet>(0, "impossible value", |inet| inet.drops = 1 << 16);
    fails::<cr_img_inet>(1, "impossible value", |inet| inet.drops = 1);
    fails::<cr_img_inet>(0, "unknown type", |inet| inet.protocol = 17);
    fails::<cr_img_inet>(0, "impossible value", |inet| inet.ttl = 256);
    fails::<cr_img_inet>(0, "impossible address", |inet| inet.local[4] = 1);
    fails::<cr_img_inet>(0, "impossible address", |inet| inet.remote[15] = 1);
    passes::<cr_img_inet>(0, |inet| (inet.family, inet.local[4]) = (10, 1));
    let error = check_listener(|inet| (inet.state, inet.remote_port) = (CR_SOCKET_CONNECTED, 1));
    assert!(error.unwrap_err().contains("nothing is said"));
    fails::<cr_img_inet>(1, "without a port", |inet| inet.remote_port = 0);
    fails::<cr_img_inet>(1, "without a port", |inet| inet.flags = 0);
}

#[test]
fn streams_are_between_the_ends_of_a_connection() {
    let refused = |why, change: &dyn Fn(&mut cr_img_stream)| {
        fails::<cr_img_stream>(1, why, change);
    };
    refused("no connection", &|stream| stream.socket = INET);
    refused("no connection", &|stream| stream.socket = LISTENER);
    refused("no other end", &|stream| stream.peer = INET);
    refused("not of the same connection", &|stream| {
        stream.peer = ACCEPTED
    });
    refused("not after the last one", &|stream| {
        (stream.socket, stream.peer) = (CONNECTED, ACCEPTED)
    });
    refused("nobody sends it", &|stream| stream.peer = 0);
    refused("count disagree", &|stream| stream.nr_pending = 6);
    refused("impossible value", &|stream| stream.flags = 16);
    refused("impossible urgent data", &|stream| stream.urgent = 1);
    refused("impossible urgent data", &|stream| {
        stream.flags |= CR_STREAM_URGENT | CR_STREAM_URGENT_READ
    });
    refused("impossible urgent data", &|stream| {
        (stream.flags, stream.urgent) = (CR_STREAM_URGENT, stream.nr_received)
    });
    refused("impossible value", &|stream| stream.mss = 0);
    refused("impossible value", &|stream| stream.send_scale = 15);
    refused("impossible value", &|stream| stream.receive_scale = 15);
    refused("impossible value", &|stream| stream.send_window = 65537);
    refused("impossible value", &|stream| stream.max_window = 1 << 30);
    refused("impossible value", &|stream| {
        stream.receive_window = 1 << 30
    });
    for change in [
        |inet: &mut cr_img_inet| inet.local_port = 81,
        |inet: &mut cr_img_inet| inet.remote_port = 81,
        |inet: &mut cr_img_inet| inet.local[15] = 2,
        |inet: &mut cr_img_inet| inet.remote[15] = 2,
    ] {
        fails::<cr_img_inet>(2, "not of the same connection", change);
    }
    passes::<cr_img_stream>(1, |stream| {
        (stream.peer, stream.nr_received, stream.nr_pending) = (0, 8, 0)
    });
}

#[test]
fn tcp_sockets_listen_at_a_port() {
    fails::<cr_img_inet>(0, "bound to no port", |inet| inet.local_port = 0);
    fails::<cr_img_inet>(0, "cannot listen", |inet| inet.flags = 0);
    fails::<cr_img_inet>(0, "cannot listen", |inet| inet.shutdown = 1);
    let checked = check_listener(|inet| {
        (inet.state, inet.flags, inet.shutdown) = (CR_SOCKET_CLOSED, CR_INET_DONE, 3)
    });
    assert_eq!(checked, Ok(()));
}

#[test]
fn options_are_among_those_that_are_saved() {
    fails::<cr_img_inet>(0, "count disagree", |inet| inet.nr_options = 3);
    let option = size_of::<cr_img_inet>();
    fails_bytes(CR_TAG_INET, 0, "unknown option", |bytes| bytes[option] = 2);
    // SO_ATTACH_FILTER has a pointer in it.
    fails_bytes(CR_TAG_INET, 0, "unknown option", |bytes| {
        bytes[option + 4] = 26
    });
    fails_bytes(CR_TAG_INET, 0, "unknown option", |bytes| {
        bytes[option + 8] = 8
    });
    fails_bytes(CR_TAG_INET, 0, "reserved", |bytes| bytes[option + 12] = 1);
    fails_bytes(CR_TAG_INET, 0, "longer than", |bytes| {
        bytes[option + 20] = 1
    });
    fails_bytes(CR_TAG_INET, 0, "an option twice", |bytes| {
        let (first, second) = bytes[option..].split_at_mut(size_of::<cr_img_sockopt>());
        second.copy_from_slice(first);
    });
}

/// The number of the UDP socket among the others.
const OF_UDP: usize = 3;

#[test]
fn udp_sockets_have_less() {
    let refused = |why, change: &dyn Fn(&mut cr_img_inet)| {
        fails::<cr_img_inet>(OF_UDP, why, change);
    };
    let not = "what a UDP socket does not have";
    refused("unknown type", &|inet| inet.type_ = 1);
    refused("unknown type", &|inet| inet.protocol = 6);
    refused(not, &|inet| inet.state = CR_SOCKET_LISTENING);
    refused(not, &|inet| inet.flags |= CR_INET_DONE);
    refused(not, &|inet| inet.flags |= CR_INET_CAME_BY_LO);
    refused("impossible value", &|inet| inet.backlog = 1 << 31);
    refused(not, &|inet| inet.mss = 1);
    refused(not, &|inet| inet.ttl = 1);
    refused(not, &|inet| inet.remote_port = 1);
    refused("without a port", &|inet| inet.state = CR_SOCKET_CONNECTED);
    passes::<cr_img_inet>(OF_UDP, |inet| inet.remote[15] = 1);
    // It needs no stream.
    passes::<cr_img_inet>(OF_UDP, |inet| {
        (inet.state, inet.remote_port) = (CR_SOCKET_CONNECTED, 53)
    });
    // Neither can it be the end of one.
    let mut sample = change::<cr_img_inet>(OF_UDP, |inet| {
        (inet.state, inet.remote_port) = (CR_SOCKET_CONNECTED, 53)
    });
    let at = index(&sample, CR_TAG_STREAM, 1);
    let mut stream = sample.state.remove(at);
    stream.payload[..8].copy_from_slice(&UDP.to_ne_bytes());
    sample.state.push(stream);
    super::refused(&sample, "no connection");
}

#[test]
fn options_are_those_of_the_protocol() {
    let option = size_of::<cr_img_inet>();
    let level = |bytes: &mut Vec<u8>, nth: usize, level: u8| {
        bytes[option + nth * size_of::<cr_img_sockopt>()] = level;
    };
    fails_bytes(CR_TAG_INET, OF_UDP, "unknown option", |bytes| {
        level(bytes, 0, 6)
    });
    fails_bytes(CR_TAG_INET, 0, "unknown option", |bytes| {
        level(bytes, 1, 17)
    });
    fails_bytes(CR_TAG_INET, 0, "unknown option", |bytes| {
        // IP_ADD_MEMBERSHIP.
        let at = option + size_of::<cr_img_sockopt>();
        bytes[at..at + 12].copy_from_slice([0u32, 35, 12].as_bytes());
    });
    fails_bytes(CR_TAG_INET, OF_UDP, "unknown option", |bytes| {
        bytes[option + size_of::<cr_img_sockopt>() + 8] = 8
    });
}

#[test]
fn datagrams_wait_in_udp_sockets() {
    let refused = |nth, why, change: &dyn Fn(&mut cr_img_datagram)| {
        fails::<cr_img_datagram>(nth, why, change);
    };
    let value = "impossible value";
    refused(0, "nobody to receive it", &|datagram| {
        datagram.socket = LISTENER
    });
    refused(0, "does not receive it", &|datagram| datagram.socket = INET);
    refused(0, "count disagree", &|datagram| datagram.length = 4);
    refused(0, value, &|datagram| datagram.family = 1);
    refused(0, value, &|datagram| datagram.from_port = 1 << 16);
    refused(0, value, &|datagram| datagram.to_port = 1 << 16);
    refused(0, value, &|datagram| datagram.time_ns = 1 << 63);
    refused(0, value, &|datagram| datagram.ifindex = 1 << 31);
    refused(0, value, &|datagram| datagram.ttl = 256);
    refused(0, value, &|datagram| datagram.tos = 256);
    refused(1, value, &|datagram| datagram.flow = 1 << 20);
    refused(0, value, &|datagram| datagram.frag_max = 1 << 16);
    refused(0, value, &|datagram| datagram.segment = 1 << 16);
    refused(0, "of the other family", &|datagram| datagram.flow = 1);
    refused(1, "of the other family", &|datagram| {
        datagram.spec_dst[0] = 1
    });
    refused(0, "impossible address", &|datagram| datagram.from[4] = 1);
    refused(0, "impossible address", &|datagram| datagram.to[15] = 1);
    let sample = change::<cr_img_inet>(OF_UDP, |inet| inet.family = 2);
    super::refused(&sample, "does not receive it");
}

/// The number of the raw socket, and of its packet.
const OF_RAW: usize = 4;
const PACKET: usize = 2;

#[test]
fn raw_sockets_have_a_protocol() {
    let refused = |why, change: &dyn Fn(&mut cr_img_inet)| {
        fails::<cr_img_inet>(OF_RAW, why, change);
    };
    let more = "what a raw socket does not have";
    refused("unknown type", &|inet| inet.protocol = 0);
    refused("unknown type", &|inet| inet.protocol = 256);
    refused(more, &|inet| inet.local_port = 2);
    refused(more, &|inet| inet.flags |= CR_INET_OWN_PORT);
    refused(more, &|inet| inet.flags = 0);
    refused(more, &|inet| inet.backlog = 1);
    refused("does not have", &|inet| inet.state = CR_SOCKET_LISTENING);
    refused("does not have", &|inet| inet.mss = 1);
    for protocol in [6, 17, 255] {
        passes::<cr_img_inet>(OF_RAW, |inet| {
            (inet.protocol, inet.local_port) = (protocol, protocol)
        });
    }
    passes::<cr_img_inet>(OF_RAW, |inet| inet.state = CR_SOCKET_CONNECTED);
    fails_bytes(CR_TAG_INET, OF_RAW, "unknown option", |bytes| {
        // UDP_CORK.
        let at = size_of::<cr_img_inet>();
        bytes[at..at + 12].copy_from_slice([17u32, 1, 4].as_bytes())
    });
}

#[test]
fn packets_wait_in_raw_sockets() {
    let refused = |why, change: &dyn Fn(&mut cr_img_datagram)| {
        fails::<cr_img_datagram>(PACKET, why, change);
    };
    refused("what a packet does not have", &|packet| {
        packet.from_port = 1
    });
    refused("what a packet does not have", &|packet| packet.to_port = 1);
    refused("what a packet does not have", &|packet| packet.segment = 1);
    let header = "what the header of a packet says";
    refused(header, &|packet| packet.ttl = 1);
    refused(header, &|packet| packet.tos = 1);
    refused(header, &|packet| packet.from[0] = 1);
    refused(header, &|packet| packet.to[3] = 1);
    refused("does not receive it", &|packet| {
        (packet.family, packet.spec_dst) = (10, [0; 4])
    });
    let at = size_of::<cr_img_datagram>();
    for first in [0x44, 0x46, 0x4f] {
        let without = "a packet without its header";
        fails_bytes(CR_TAG_DATAGRAM, PACKET, without, |bytes| bytes[at] = first);
    }
}

/// The number of the socket for ping, and of its answer.
const OF_PING: usize = 5;
const ANSWER: usize = 3;

#[test]
fn sockets_for_ping_are_of_their_protocols() {
    let refused = |why, change: &dyn Fn(&mut cr_img_inet)| {
        fails::<cr_img_inet>(OF_PING, why, change);
    };
    refused("unknown type", &|inet| inet.protocol = 1);
    refused("unknown type", &|inet| inet.family = 2);
    refused("unknown type", &|inet| inet.type_ = 1);
    refused("bound to no port", &|inet| inet.local_port = 0);
    refused("does not have", &|inet| inet.state = CR_SOCKET_LISTENING);
    refused("does not have", &|inet| inet.mss = 1);
    refused("does not have", &|inet| {
        (inet.state, inet.remote_port) = (CR_SOCKET_CLOSED, 1)
    });
    passes::<cr_img_inet>(OF_PING, |inet| inet.remote_port = 7);
    for option in [[17u32, 1, 4], [255, 1, 4], [58, 1, 32]] {
        fails_bytes(CR_TAG_INET, OF_PING, "unknown option", |bytes| {
            let at = size_of::<cr_img_inet>();
            bytes[at..at + 12].copy_from_slice(option.as_bytes())
        });
    }
    let packet = |why, change: &dyn Fn(&mut cr_img_datagram)| {
        fails::<cr_img_datagram>(ANSWER, why, change);
    };
    let more = "what a packet does not have";
    packet(more, &|packet| packet.from_port = 1);
    packet(more, &|packet| packet.to_port = 1);
    packet(more, &|packet| packet.segment = 1);
    packet("does not receive it", &|packet| {
        (packet.family, packet.from, packet.to) = (2, [0; 16], [0; 16])
    });
}

#[test]
fn errors_wait_in_sockets() {
    let refused = |why, change: &dyn Fn(&mut cr_img_sockerr)| {
        fails::<cr_img_sockerr>(0, why, change);
    };
    refused("count disagree", &|error| error.packet.length = 4);
    refused("nobody to receive it", &|error| {
        error.packet.socket = NETLINK
    });
    refused("does not receive it", &|error| {
        (error.packet.socket, error.packet.family) = (INET, 10);
        (error.packet.spec_dst, error.origin) = ([0; 4], 3)
    });
    passes::<cr_img_sockerr>(0, |error| error.packet.socket = INET);
    let value = "impossible value";
    refused(value, &|error| error.packet.ttl = 256);
    refused(value, &|error| error.error = 0);
    refused(value, &|error| error.error = 4096);
    refused(value, &|error| error.origin = 0);
    refused(value, &|error| error.origin = 3);
    refused(value, &|error| error.origin = 4);
    refused(value, &|error| error.type_ = 256);
    refused(value, &|error| error.code = 256);
    refused(value, &|error| error.port = 1 << 16);
    refused(value, &|error| error.flow = 1);
    refused("tells", &|error| error.packet.from_port = 1);
    refused("tells", &|error| error.packet.segment = 1);
    refused("tells", &|error| error.packet.mark = 1);
    refused("impossible address", &|error| error.packet.from[4] = 1);
    refused("impossible address", &|error| error.to[4] = 1);
    passes::<cr_img_sockerr>(0, |error| error.origin = 1);
    passes::<cr_img_sockerr>(0, |error| {
        (error.packet.family, error.packet.spec_dst) = (10, [0; 4]);
        (error.origin, error.flow, error.to) = (3, 1, [1; 16])
    });
    refused(value, &|error| {
        (error.packet.family, error.packet.spec_dst) = (10, [0; 4]);
        (error.origin, error.flow) = (3, 1 << 28)
    });
    fails::<cr_img_sockerr>(1, "path MTU", |mtu| mtu.port = 1);
    fails::<cr_img_sockerr>(1, value, |mtu| mtu.error = 1);
}

#[test]
fn datagrams_are_not_complete() {
    let refused = |why, change: &dyn Fn(&mut cr_img_cork)| fails::<cr_img_cork>(0, why, change);
    refused("count disagree", &|cork| cork.length = 5);
    refused("nobody to send it", &|cork| cork.socket = NETLINK);
    refused("does not send it", &|cork| cork.socket = INET);
    let value = "impossible value";
    refused(value, &|cork| cork.family = 1);
    refused(value, &|cork| cork.port = 0);
    refused(value, &|cork| cork.port = 1 << 16);
    refused(value, &|cork| cork.ifindex = 1 << 31);
    refused(value, &|cork| cork.ttl = 256);
    refused(value, &|cork| cork.tos = 256);
    refused(value, &|cork| cork.segment = 1 << 16);
    refused(value, &|cork| cork.whole = 1);
    refused("impossible address", &|cork| cork.from[4] = 1);
    refused("impossible address", &|cork| cork.to[4] = 1);
    passes::<cr_img_cork>(0, |cork| {
        (cork.family, cork.whole, cork.to) = (10, 1, [1; 16])
    });
    fails::<cr_img_inet>(OF_UDP, "does not send it", |inet| inet.flags = 0);
}

#[test]
fn groups_have_sources() {
    let refused = |why, change: &dyn Fn(&mut cr_img_source)| {
        fails::<cr_img_source>(0, why, change);
    };
    refused("no member of a group", &|source| source.socket = INET);
    refused("no member of a group", &|source| source.socket = NETLINK);
    refused("impossible value", &|source| source.family = 1);
    refused("impossible value", &|source| source.ifindex = 1 << 31);
    refused("impossible value", &|source| source.blocked = 2);
    refused("impossible value", &|source| source.blocked = 1);
    refused("impossible value", &|source| source.family = 10);
    refused("impossible address", &|source| source.group[4] = 1);
    refused("impossible address", &|source| source.source[15] = 1);
    passes::<cr_img_source>(0, |source| (source.blocked, source.address) = (1, [0; 4]));
    passes::<cr_img_source>(0, |source| {
        (source.family, source.address, source.group[15]) = (10, [0; 4], 1)
    });
    fails::<cr_img_source>(1, "no member of a group", |source| source.family = 10);
    let mut sample = Sample::new();
    let first = sample.state[index(&sample, CR_TAG_SOURCE, 0)].clone();
    let second = index(&sample, CR_TAG_SOURCE, 1);
    sample.state.insert(second + 1, first);
    super::refused(&sample, "not in the order of their sockets");
}

#[test]
fn datagrams_come_in_the_order_of_their_sockets() {
    let mut sample = Sample::new();
    let at = index(&sample, CR_TAG_INET, OF_UDP);
    let mut other = sample.state[at].clone();
    other.id = FILE_UDP + 1;
    let after = index(&sample, CR_TAG_DATAGRAM, 0);
    sample.state.insert(after, other);
    let first = index(&sample, CR_TAG_DATAGRAM, 0);
    sample.state[first].payload[..8].copy_from_slice(&(FILE_UDP + 1).to_ne_bytes());
    super::refused(&sample, "not in the order of their sockets");
}

#[test]
fn files_of_tcp_sockets_refer_to_one() {
    let sample = Sample::new();
    let mut files = sample.state.iter().filter(|rec| rec.tag == CR_TAG_FILE);
    let at = files.position(|rec| rec.id == FILE_INET).unwrap();
    fails::<cr_img_file>(at, "no socket behind it", |file| file.target = LISTENER);
    fails::<cr_img_file>(at, "what a socket does not have", |file| file.pos = 1);
}

#[test]
fn connections_wait_at_a_listener() {
    let refused = |why, change: &dyn Fn(&mut cr_img_waiting)| {
        fails::<cr_img_waiting>(0, why, change);
    };
    refused("nobody to accept it", &|waiting| {
        waiting.listener = CONNECTED
    });
    refused("nobody to accept it", &|waiting| {
        waiting.listener = LISTENER
    });
    refused("no client", &|waiting| waiting.client = INET);
    refused("of another connection", &|waiting| {
        waiting.client = CONNECTED
    });
    refused("nobody who sends more", &|waiting| waiting.flags = 0);
    refused("count disagree", &|waiting| waiting.nr_bytes = 5);
    refused("impossible value", &|waiting| waiting.flags = 2);
    refused("impossible value", &|waiting| waiting.family = 1);
    refused("impossible value", &|waiting| waiting.port = 0);
    refused("impossible address", &|waiting| waiting.from[15] = 1);
    refused("impossible address", &|waiting| waiting.to[15] = 1);
}
