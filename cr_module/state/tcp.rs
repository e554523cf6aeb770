// SPDX-License-Identifier: GPL-2.0

//! TCP connections both ends of which are in the container, or whose other end is gone.
//!
//! What is on its way to an end is saved with it, in two parts: what waits there to be read, and what
//! the other end has been told to send. A restart puts the ends in repair mode (TCP_REPAIR), which
//! connects them without a word on the network; the first part goes into the queue of the receiver, and
//! when all are connected, the second is sent. Then comes the end of the stream, if the sender had said so.
//!
//! A container that is killed, and one whose restart fails, must not say that its connections end:
//! their ports would be in use for a minute afterwards.
//!
//! Refused: connections to the outside, those with urgent data that was not received yet, those that are
//! made or ended just now.

use crate::{
    image::Records,
    objects::Kind,
    report::{fail, Context, Result},
    save::Save,
    state::{
        inet::{Address, Made},
        sockopt::Options,
        tcp_waiting,
    },
};
use cr_codec::{
    sockopt::{sort, SOL_TCP, SO_ATTACH_FILTER},
    uapi::*,
};
use cr_sys::{
    errno::{EADDRNOTAVAIL, EOPNOTSUPP},
    file::FileRef,
    inet::InetRef,
};
use kernel::prelude::*;
use zerocopy::IntoBytes;

const TCP_REPAIR: u32 = 19;
const TCP_REPAIR_QUEUE: u32 = 20;
const TCP_QUEUE_SEQ: u32 = 21;
const TCP_REPAIR_OPTIONS: u32 = 22;
const TCP_REPAIR_WINDOW: u32 = 29;
/// Values of TCP_REPAIR.
const ON: u32 = 1;
const OFF: u32 = 0;
const OFF_WITHOUT_PROBE: u32 = u32::MAX;
/// Values of TCP_REPAIR_QUEUE.
const NO_QUEUE: u32 = 0;
const RECEIVE_QUEUE: u32 = 1;
const SEND_QUEUE: u32 = 2;
/// Options as they are in packets, for TCP_REPAIR_OPTIONS.
const OPT_MSS: u32 = 2;
const OPT_WINDOW: u32 = 3;
const OPT_SACK: u32 = 4;
const OPT_TIMESTAMPS: u32 = 8;
/// RCV_SHUTDOWN
const RECEIVE_SHUTDOWN: u32 = 1;
/// SEND_SHUTDOWN
pub(crate) const SEND_SHUTDOWN: u32 = 2;

/// Whether it is a connection whose other end is outside of the container.
pub(crate) fn leaves(save: &Save<'_>, file: &FileRef) -> bool {
    let Some(socket) = file.inet() else {
        return false;
    };
    let (_, record) = socket.read();
    sort(&record) == SOL_TCP
        && record.state == CR_SOCKET_CONNECTED
        && match socket.peer() {
            Ok(Some((_, file))) => file != 0 && !save.references.has_file(file),
            Ok(None) => false,
            Err(error) => error == EXDEV,
        }
}

/// Saves what is on its way in connections, when all of them are known.
pub(crate) fn save_streams(save: &mut Save<'_>) -> Result {
    let clients = tcp_waiting::save(save)?;
    for at in 0..save.connections.len() {
        let (id, socket) = save.connections[at].clone();
        if clients.binary_search(&id).is_ok() {
            continue;
        }
        let (_, record) = socket.read();
        save_stream(save, id, &socket)
            .context(format_args!("a TCP connection ({})", Address(&record)))?;
    }
    Ok(())
}

fn save_stream(save: &mut Save<'_>, id: u64, socket: &InetRef) -> Result {
    let peer = socket.peer().context(format_args!("its other end"))?;
    let live = peer.as_ref().is_some_and(|(_, file)| *file != 0);
    let (mut stream, bytes) = read_stream(socket, peer.as_ref().map(|(peer, _)| peer), live)?;
    stream.socket = id;
    let ends = |(peer, _): &(InetRef, u64)| peer.read().1.shutdown & SEND_SHUTDOWN != 0;
    let end_comes =
        live && peer.as_ref().is_some_and(ends) && socket.read().1.shutdown & RECEIVE_SHUTDOWN == 0;
    if socket.has_program(SO_ATTACH_FILTER) && (stream.nr_pending != 0 || end_comes) {
        fail!(
            EOPNOTSUPP(),
            "has a filter (SO_ATTACH_FILTER) that is still to be asked about what is on its way, which is \
             not supported yet: try again"
        );
    }
    match peer {
        Some((peer, _)) if live => {
            let found = save.objects.find(Kind::Socket, peer.identity());
            stream.peer = found.ok_or(EAGAIN)?;
        }
        // Nobody has to send it any more.
        _ => {
            stream.nr_received += stream.nr_pending;
            stream.nr_pending = 0;
        }
    }
    save.record(&stream, &[&bytes])
}

/// What an end is to receive from the other one, and all about it.
pub(crate) fn read_stream(
    socket: &InetRef,
    peer: Option<&InetRef>,
    live: bool,
) -> Result<(cr_img_stream, KVVec<u8>)> {
    match socket.read_stream(peer, live) {
        Err(error) if error == EOPNOTSUPP() => fail!(
            EOPNOTSUPP(),
            "has urgent data (MSG_OOB) that is still on its way, which is not supported yet: try again"
        ),
        Err(EAGAIN) => fail!(EAGAIN, "is just being made or ended: try again"),
        Err(E2BIG) => fail!(
            EOPNOTSUPP(),
            "more than {CR_STREAM_MAX} bytes that wait are not supported yet"
        ),
        result => Ok(result?),
    }
}

/// Connections while they are made.
struct Connections<'a> {
    made: &'a Made,
    records: &'a Records,
    /// By the end that receives, ascending.
    streams: KVVec<(cr_img_stream, usize)>,
}

/// Connects all sockets that were connected, and lets go on what was on its way.
pub(crate) fn restore(made: &mut Made, records: &Records) -> Result {
    let mut streams = KVVec::new();
    for (at, rec) in records.tagged(CR_TAG_STREAM) {
        streams.push((rec.fixed()?, at), GFP_KERNEL)?;
    }
    let connections = Connections {
        made: &*made,
        records,
        streams,
    };
    connections.each(Connections::connect)?;
    connections.each(Connections::leave_repair)?;
    connections.each(Connections::send)?;
    connections.each(Connections::end)?;
    tcp_waiting::restore(made, records)
}

/// An end of one of them.
struct End<'a> {
    stream: &'a cr_img_stream,
    socket: &'a InetRef,
    record: &'a cr_img_inet,
    received: &'a [u8],
    pending: &'a [u8],
}

impl Connections<'_> {
    fn each(&self, step: impl Fn(&Self, &End<'_>) -> Result) -> Result {
        for (stream, at) in &self.streams {
            let (socket, record) = self.made.find(stream.socket)?;
            let rec = self.records.get(*at);
            let bytes = rec.variable::<cr_img_stream>();
            let parts = bytes.split_at_checked(stream.nr_received as usize);
            let (received, pending) = parts.ok_or(EINVAL)?;
            let end = End {
                stream,
                socket,
                record,
                received,
                pending,
            };
            step(self, &end).context(format_args!("TCP connection {}", Address(record)))?;
        }
        Ok(())
    }

    /// The first sequence number that an end sends: it comes after what the other one has received.
    fn first_seq(&self, stream: &cr_img_stream) -> u32 {
        let other = self
            .streams
            .binary_search_by_key(&stream.peer, |(other, _)| other.socket);
        match other {
            Ok(at) => next_read(&self.streams[at].0),
            Err(_) => stream.write_seq,
        }
    }

    fn connect(&self, end: &End<'_>) -> Result {
        let End { stream, socket, .. } = *end;
        bind(socket, end.record)?;
        set(socket, TCP_REPAIR_QUEUE, SEND_QUEUE)?;
        set(socket, TCP_QUEUE_SEQ, self.first_seq(stream))?;
        set(socket, TCP_REPAIR_QUEUE, RECEIVE_QUEUE)?;
        set(socket, TCP_QUEUE_SEQ, stream.read_seq)?;
        match socket.connect(end.record) {
            Err(error) if error == EADDRNOTAVAIL() => fail!(
                EADDRNOTAVAIL(),
                "there is such a connection already, or the other end was in another machine"
            ),
            result => result?,
        }
        let window = stream.receive_scale << 16 | stream.send_scale;
        agree(socket, OPT_MSS, stream.mss)?;
        agree(socket, OPT_WINDOW, window)?;
        if stream.flags & CR_STREAM_SACK != 0 {
            agree(socket, OPT_SACK, 0)?;
        }
        if stream.flags & CR_STREAM_TIMESTAMPS != 0 {
            agree(socket, OPT_TIMESTAMPS, 0)?;
        }
        socket
            .send(end.received)
            .context(format_args!("what was received"))?;
        set(socket, TCP_REPAIR_QUEUE, NO_QUEUE)?;
        if stream.flags & (CR_STREAM_URGENT | CR_STREAM_URGENT_READ) != 0 {
            let byte = end.received.get(stream.urgent as usize).ok_or(EINVAL)?;
            socket.set_urgent(stream, *byte);
        }
        // What was last told of a window has come with the last that was received.
        let next = next_read(stream);
        let windows = [
            next,
            stream.send_window,
            stream.max_window,
            stream.receive_window,
            next,
        ];
        Ok(socket.set_option(SOL_TCP, TCP_REPAIR_WINDOW, windows.as_bytes())?)
    }

    fn leave_repair(&self, end: &End<'_>) -> Result {
        let how = match end.stream.peer {
            0 => OFF_WITHOUT_PROBE,
            _ => OFF,
        };
        set(end.socket, TCP_REPAIR, how)?;
        // That has changed one, and the connection may have changed others.
        let found = self.records.find(end.stream.socket)?;
        Options::of::<cr_img_inet>(&self.records.get(found), SOL_TCP).set(end.socket)
    }

    /// Lets the other end send what it was told to.
    fn send(&self, end: &End<'_>) -> Result {
        if end.pending.is_empty() {
            return Ok(());
        }
        let (peer, _) = self.made.find(end.stream.peer)?;
        peer.send(end.pending)
            .context(format_args!("what was to be received"))
    }

    fn end(&self, end: &End<'_>) -> Result {
        if end.stream.peer == 0 {
            end.socket.end();
        }
        if end.record.shutdown & SEND_SHUTDOWN != 0 {
            end.socket.shut_down()?;
        }
        Ok(())
    }
}

/// Gives a socket its port, which others may have for other connections, and leaves it in repair mode.
fn bind(socket: &InetRef, record: &cr_img_inet) -> Result {
    match set(socket, TCP_REPAIR, ON) {
        Err(error) if error == EPERM => fail!(EPERM, "CAP_NET_ADMIN is needed"),
        result => result?,
    }
    socket
        .bind(record)
        .context(format_args!("its address and port"))
}

/// The same for one that is going to be connected as a program does it.
pub(crate) fn bind_client(socket: &InetRef, record: &cr_img_inet) -> Result {
    bind(socket, record)?;
    Ok(set(socket, TCP_REPAIR, OFF_WITHOUT_PROBE)?)
}

/// The sequence number after what an end has received.
fn next_read(stream: &cr_img_stream) -> u32 {
    stream.read_seq.wrapping_add(stream.nr_received)
}

fn set(socket: &InetRef, option: u32, value: u32) -> kernel::error::Result {
    socket.set_option(SOL_TCP, option, value.as_bytes())
}

/// What the ends have agreed on: an option as it is in packets.
fn agree(socket: &InetRef, code: u32, value: u32) -> kernel::error::Result {
    let option = [code, value];
    socket.set_option(SOL_TCP, TCP_REPAIR_OPTIONS, option.as_bytes())
}
