// SPDX-License-Identifier: GPL-2.0

//! TCP, UDP, ping and raw sockets.

use core::mem::size_of;

use super::{sockets, Placed, Rec, Result, State};
use crate::{sockopt, uapi::*};

const AF_INET: u32 = 2;
const AF_INET6: u32 = 10;
/// The highest protocol that a header can name.
const MAX_PROTOCOL: u32 = 255;
const IPPROTO_TCP: u32 = sockopt::SOL_TCP;
const IPPROTO_UDP: u32 = sockopt::SOL_UDP;
const INADDR_LEN: usize = 4;
/// Who tells of an error: SO_EE_ORIGIN_*.
const ORIGIN_NONE: u32 = 0;
const ORIGIN_LOCAL: u32 = 1;
const ORIGIN_ICMP: u32 = 2;
const ORIGIN_ICMP6: u32 = 3;
/// The shortest header of IPv4; its first byte says how many words it has.
const HEADER_LEN: usize = 20;
const HEADER_WORD: usize = 4;

const FLAGS: u32 = CR_INET_BOUND
    | CR_INET_OWN_ADDR
    | CR_INET_OWN_PORT
    | CR_INET_CONNECT_PORT
    | CR_INET_DONE
    | CR_INET_CAME_BY_LO;

/// An open file of such a socket.
pub(super) fn file(state: &State<'_>, rec: Placed<'_>, file: &cr_img_file) -> Result {
    state.refers::<cr_img_inet>(rec, file.target, "no socket behind it")?;
    sockets::nothing_else(&rec, file)
}

pub(super) fn inet(rec: Placed<'_>) -> Result<cr_img_inet> {
    let inet: cr_img_inet = rec.fixed()?;
    rec.require(
        matches!(
            (inet.family, inet.type_, inet.protocol),
            (AF_INET | AF_INET6, sockets::SOCK_STREAM, IPPROTO_TCP)
                | (AF_INET | AF_INET6, sockets::SOCK_DGRAM, IPPROTO_UDP)
                | (AF_INET, sockets::SOCK_DGRAM, sockopt::ICMP)
                | (AF_INET6, sockets::SOCK_DGRAM, sockopt::ICMPV6)
                | (AF_INET | AF_INET6, sockopt::SOCK_RAW, 1..=MAX_PROTOCOL)
        ) && inet.state <= CR_SOCKET_LISTENING,
        "unknown type or state",
    )?;
    rec.require(inet.flags & !FLAGS == 0, "unknown flags")?;
    let sort = sockopt::sort(&inet);
    match sort {
        IPPROTO_UDP | sockopt::PING => udp(&rec, &inet)?,
        sockopt::SOL_RAW => raw(&rec, &inet)?,
        _ => rec.require(
            (1..=u32::from(u16::MAX)).contains(&inet.mss)
                && (inet.drops == 0
                    || inet.state == CR_SOCKET_LISTENING && inet.drops <= u16::MAX.into()),
            "impossible value",
        )?,
    }
    rec.require(
        inet.shutdown <= sockets::SHUTDOWN_BOTH
            && inet.error <= sockets::MAX_ERRNO
            && inet.error_soft <= sockets::MAX_ERRNO
            && inet.backlog <= i32::MAX as u32
            && inet.mode <= 0o7777
            && inet.local_port <= u32::from(u16::MAX)
            && inet.remote_port <= u32::from(u16::MAX)
            && inet.ttl <= u32::from(u8::MAX),
        "impossible value",
    )?;
    addresses(&rec, inet.family, [inet.local, inet.remote])?;
    let bound = inet.flags & CR_INET_BOUND != 0;
    rec.require(!bound || inet.local_port != 0, "bound to no port")?;
    rec.require(
        inet.state != CR_SOCKET_LISTENING || (bound && inet.shutdown == 0),
        "a socket that cannot listen",
    )?;
    rec.require(
        inet.state != CR_SOCKET_CONNECTED
            || (bound
                && (inet.remote_port != 0 || matches!(sort, sockopt::SOL_RAW | sockopt::PING))),
        "a connection without a port",
    )?;
    rec.require_elements::<cr_img_inet, cr_img_sockopt>(u64::from(inet.nr_options))?;
    options(&rec, sort, size_of::<cr_img_inet>())?;
    Ok(inet)
}

/// The options of a socket, from this place on in its record.
pub(super) fn options(rec: &Rec<'_>, protocol: u32, from: usize) -> Result {
    let mut last = None;
    for option in rec.array::<cr_img_sockopt>(from) {
        check_option(rec, protocol, &option)?;
        let order = (option.level, option.name);
        rec.require(
            last != Some(order) || sockopt::is_membership(&option),
            "an option twice",
        )?;
        last = Some(order);
    }
    Ok(())
}

/// Whether something has to be said about what is on its way to it.
pub(super) fn has_stream(inet: &cr_img_inet) -> bool {
    sockopt::sort(inet) == IPPROTO_TCP && inet.state == CR_SOCKET_CONNECTED
}

/// What UDP and ping sockets do not have. One that is not connected any more may still know an address of IPv6.
fn udp(rec: &Rec<'_>, inet: &cr_img_inet) -> Result {
    let connected = inet.state == CR_SOCKET_CONNECTED;
    rec.require(
        inet.state != CR_SOCKET_LISTENING
            && inet.flags & (CR_INET_DONE | CR_INET_CAME_BY_LO) == 0
            && [inet.mss, inet.ttl] == [0; 2]
            && (connected || inet.remote_port == 0)
            && (connected || inet.family == AF_INET6 || inet.remote == [0; 16]),
        "what a UDP socket does not have",
    )
}

/// A raw socket has its protocol as its port, and else no more than a UDP socket.
fn raw(rec: &Rec<'_>, inet: &cr_img_inet) -> Result {
    rec.require(
        inet.flags == CR_INET_BOUND && inet.local_port == inet.protocol && inet.backlog == 0,
        "what a raw socket does not have",
    )?;
    udp(rec, inet)
}

/// A packet in a raw or ping socket. One of IPv4 in a raw one has its header.
fn packet(rec: &Rec<'_>, datagram: &cr_img_datagram, sort: u32) -> Result {
    let ports = [datagram.from_port, datagram.to_port, datagram.segment];
    rec.require(ports == [0; 3], "what a packet does not have")?;
    if datagram.family == AF_INET6 || sort == sockopt::PING {
        return Ok(());
    }
    let data = rec.variable::<cr_img_datagram>();
    let words = data.first().map_or(0, |first| first & 0xf);
    let header = HEADER_WORD.saturating_mul(words.into());
    rec.require(
        header >= HEADER_LEN && data.len() >= header,
        "a packet without its header",
    )?;
    rec.require(
        [datagram.ttl, datagram.tos] == [0; 2] && [datagram.from, datagram.to] == [[0; 16]; 2],
        "what the header of a packet says",
    )
}

/// What a packet says, whatever it is.
fn values(rec: &Rec<'_>, datagram: &cr_img_datagram) -> Result {
    let ports = [datagram.from_port, datagram.to_port];
    rec.require(
        datagram.length <= CR_DATAGRAM_MAX
            && matches!(datagram.family, AF_INET | AF_INET6)
            && ports.iter().all(|port| *port <= u32::from(u16::MAX))
            && datagram.time_ns <= i64::MAX as u64
            && datagram.ifindex <= i32::MAX as u32
            && datagram.ttl <= u32::from(u8::MAX)
            && datagram.tos <= u32::from(u8::MAX)
            && datagram.flow < 1 << 20
            && datagram.frag_max <= u32::from(u16::MAX)
            && datagram.segment <= u32::from(u16::MAX),
        "impossible value",
    )?;
    let v6 = datagram.family == AF_INET6;
    rec.require(
        match v6 {
            true => datagram.spec_dst == [0; INADDR_LEN],
            false => datagram.flow == 0,
        },
        "what a packet of the other family has",
    )?;
    addresses(rec, datagram.family, [datagram.from, datagram.to])
}

/// A datagram that waits.
pub(super) fn datagram(state: &State<'_>, rec: Placed<'_>) -> Result<cr_img_datagram> {
    let datagram: cr_img_datagram = rec.fixed()?;
    rec.require_elements::<cr_img_datagram, u8>(u64::from(datagram.length))?;
    values(&rec, &datagram)?;
    let socket = state.refers::<cr_img_inet>(rec, datagram.socket, "nobody to receive it")?;
    let socket: cr_img_inet = socket.fixed()?;
    let v6 = datagram.family == AF_INET6;
    let family = v6 == (socket.family == AF_INET6);
    let sort = sockopt::sort(&socket);
    let fits = match sort {
        IPPROTO_UDP => family || !v6,
        sockopt::SOL_RAW | sockopt::PING => family,
        _ => false,
    };
    rec.require(fits, "a socket that does not receive it")?;
    if sort != IPPROTO_UDP {
        packet(&rec, &datagram, sort)?;
    }
    Ok(datagram)
}

/// An error that waits.
pub(super) fn error(state: &State<'_>, rec: Placed<'_>) -> Result<cr_img_sockerr> {
    let error: cr_img_sockerr = rec.fixed()?;
    let packet = &error.packet;
    rec.require_elements::<cr_img_sockerr, u8>(u64::from(packet.length))?;
    values(&rec, packet)?;
    let v6 = packet.family == AF_INET6;
    let byte = u32::from(u8::MAX);
    rec.require(
        matches!(
            (error.origin, v6, error.error),
            (ORIGIN_NONE, true, 0)
                | (ORIGIN_LOCAL, _, 1..=sockets::MAX_ERRNO)
                | (ORIGIN_ICMP, false, 1..=sockets::MAX_ERRNO)
                | (ORIGIN_ICMP6, true, 1..=sockets::MAX_ERRNO)
        ) && error.type_ <= byte
            && error.code <= byte
            && error.port <= u32::from(u16::MAX)
            && error.flow < 1 << 28
            && (v6 || error.flow == 0),
        "impossible value",
    )?;
    let ports = [packet.from_port, packet.to_port, packet.segment];
    let asked = [packet.mark, packet.priority, packet.drops];
    rec.require(
        [ports, asked] == [[0; 3]; 2],
        "what no packet of an error tells",
    )?;
    if error.origin == ORIGIN_NONE {
        let said = [error.data, error.type_, error.code, error.port, error.flow];
        rec.require(
            said == [0; 5] && packet.length == 0,
            "what a path MTU does not tell",
        )?;
    }
    addresses(&rec, packet.family, [error.to; 2])?;
    let socket = state.refers::<cr_img_inet>(rec, packet.socket, "nobody to receive it")?;
    let socket: cr_img_inet = socket.fixed()?;
    rec.require(
        !v6 || socket.family == AF_INET6,
        "a socket that does not receive it",
    )?;
    Ok(error)
}

/// A datagram of which more is to come.
pub(super) fn cork(state: &State<'_>, rec: Placed<'_>) -> Result<cr_img_cork> {
    let cork: cr_img_cork = rec.fixed()?;
    rec.require_elements::<cr_img_cork, u8>(u64::from(cork.length))?;
    let v6 = cork.family == AF_INET6;
    let byte = u32::from(u8::MAX);
    rec.require(
        matches!(cork.family, AF_INET | AF_INET6)
            && (1..=u32::from(u16::MAX)).contains(&cork.port)
            && cork.length <= CR_DATAGRAM_MAX
            && cork.ifindex <= i32::MAX as u32
            && cork.ttl <= byte
            && cork.tos <= byte
            && cork.segment <= u32::from(u16::MAX)
            && cork.whole <= v6.into(),
        "impossible value",
    )?;
    addresses(&rec, cork.family, [cork.from, cork.to])?;
    let socket = state.refers::<cr_img_inet>(rec, cork.socket, "nobody to send it")?;
    let socket: cr_img_inet = socket.fixed()?;
    rec.require(
        sockopt::sort(&socket) == IPPROTO_UDP
            && socket.flags & CR_INET_BOUND != 0
            && (!v6 || socket.family == AF_INET6),
        "a socket that does not send it",
    )?;
    Ok(cork)
}

/// A source of a multicast group.
pub(super) fn source(state: &State<'_>, rec: Placed<'_>) -> Result<cr_img_source> {
    let source: cr_img_source = rec.fixed()?;
    let v6 = source.family == AF_INET6;
    rec.require(
        matches!(source.family, AF_INET | AF_INET6)
            && source.ifindex <= i32::MAX as u32
            && source.blocked <= 1
            && (source.address == [0; INADDR_LEN] || (!v6 && source.blocked == 0)),
        "impossible value",
    )?;
    addresses(&rec, source.family, [source.group, source.source])?;
    let socket = state.refers::<cr_img_inet>(rec, source.socket, "no member of a group")?;
    let socket: cr_img_inet = socket.fixed()?;
    rec.require(
        sockopt::sort(&socket) != IPPROTO_TCP && (!v6 || socket.family == AF_INET6),
        "no member of a group",
    )?;
    Ok(source)
}

/// Addresses of IPv4 have nothing after them.
fn addresses(rec: &Rec<'_>, family: u32, addresses: [[u8; 16]; 2]) -> Result {
    let mut rest = addresses
        .iter()
        .flat_map(|address| address.iter().skip(INADDR_LEN));
    rec.require(
        family == AF_INET6 || rest.all(|byte| *byte == 0),
        "impossible address",
    )
}

/// A TCP socket that has to be in a state.
fn socket_in(
    state: &State<'_>,
    rec: Placed<'_>,
    id: u64,
    in_state: u32,
    what: &'static str,
) -> Result<cr_img_inet> {
    let found: cr_img_inet = state.refers::<cr_img_inet>(rec, id, what)?.fixed()?;
    rec.require(
        sockopt::sort(&found) == IPPROTO_TCP && found.state == in_state,
        what,
    )?;
    Ok(found)
}

/// An address as one of IPv6, which that of an IPv4 socket may be at the other end.
fn mapped(family: u32, address: [u8; 16]) -> [u8; 16] {
    if family == AF_INET6 {
        return address;
    }
    let [a, b, c, d, ..] = address;
    [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, b, c, d]
}

/// A byte that was sent with MSG_OOB.
const URGENT: u32 = CR_STREAM_URGENT | CR_STREAM_URGENT_READ;

/// What is on its way to an end of a connection.
pub(super) fn stream(state: &State<'_>, rec: Placed<'_>) -> Result<cr_img_stream> {
    let stream: cr_img_stream = rec.fixed()?;
    let length = u64::from(stream.nr_received).saturating_add(u64::from(stream.nr_pending));
    rec.require_elements::<cr_img_stream, u8>(length)?;
    rec.require(
        stream.flags & !(CR_STREAM_SACK | CR_STREAM_TIMESTAMPS | URGENT) == 0
            && (1..=u32::from(u16::MAX)).contains(&stream.mss)
            && stream.send_scale <= CR_STREAM_SCALE_MAX
            && stream.receive_scale <= CR_STREAM_SCALE_MAX
            && stream.send_window <= stream.max_window
            && stream.max_window < 1 << 30
            && stream.receive_window < 1 << 30,
        "impossible value",
    )?;
    rec.require(
        match stream.flags & URGENT {
            0 => stream.urgent == 0,
            CR_STREAM_URGENT | CR_STREAM_URGENT_READ => stream.urgent < stream.nr_received,
            _ => false,
        },
        "impossible urgent data",
    )?;
    let end = |id, what| socket_in(state, rec, id, CR_SOCKET_CONNECTED, what);
    let socket = end(stream.socket, "no connection")?;
    if stream.peer == 0 {
        rec.require(stream.nr_pending == 0, "nobody sends it")?;
        return Ok(stream);
    }
    let peer = end(stream.peer, "no other end")?;
    let ours = (mapped(socket.family, socket.local), socket.local_port);
    let theirs = (mapped(socket.family, socket.remote), socket.remote_port);
    rec.require(
        ours == (mapped(peer.family, peer.remote), peer.remote_port)
            && theirs == (mapped(peer.family, peer.local), peer.local_port),
        "ends that are not of the same connection",
    )?;
    Ok(stream)
}

/// A connection that was not accepted yet.
pub(super) fn waiting(state: &State<'_>, rec: Placed<'_>) -> Result<cr_img_waiting> {
    let waiting: cr_img_waiting = rec.fixed()?;
    rec.require_elements::<cr_img_waiting, u8>(u64::from(waiting.nr_bytes))?;
    rec.require(
        waiting.flags & !CR_WAITING_ENDED == 0
            && matches!(waiting.family, AF_INET | AF_INET6)
            && (1..=u32::from(u16::MAX)).contains(&waiting.port),
        "impossible value",
    )?;
    addresses(&rec, waiting.family, [waiting.from, waiting.to])?;
    let socket = |id, in_state, what| socket_in(state, rec, id, in_state, what);
    let listener = socket(waiting.listener, CR_SOCKET_LISTENING, "nobody to accept it")?;
    if waiting.client == 0 {
        let closed = waiting.flags & CR_WAITING_ENDED != 0;
        rec.require(closed, "nobody who sends more")?;
        return Ok(waiting);
    }
    let client = socket(waiting.client, CR_SOCKET_CONNECTED, "no client")?;
    rec.require(
        client.remote_port == listener.local_port
            && client.local_port == waiting.port
            && mapped(client.family, client.local) == mapped(waiting.family, waiting.from)
            && mapped(client.family, client.remote) == mapped(waiting.family, waiting.to),
        "a client of another connection",
    )?;
    Ok(waiting)
}

fn check_option(rec: &Rec<'_>, protocol: u32, option: &cr_img_sockopt) -> Result {
    rec.require(option.reserved == 0, "a reserved member is not zero")?;
    rec.require(sockopt::is_known(protocol, option), "unknown option")?;
    let rest = option.value.get(option.length as usize..);
    rec.require(
        rest.is_some_and(|rest| rest.iter().all(|byte| *byte == 0)),
        "an option that is longer than its length",
    )
}
