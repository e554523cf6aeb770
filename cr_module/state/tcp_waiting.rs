// SPDX-License-Identifier: GPL-2.0

//! TCP connections that were not accepted yet.
//!
//! Their server's end is no open file, and has sent nothing. What the client has sent, or is to send, is
//! saved. A restart connects the client again, as it did itself, and sends that; if the client was
//! closed, it is one that is closed again. They come in the order in which they are to be accepted.
//!
//! Refused: clients in the outside; filters; programs that choose between listeners.

use crate::{
    image::Records,
    objects::Kind,
    report::{fail, Context, Result},
    save::Save,
    state::{
        inet::{Address, Made, AF_INET, TCP_CLOSE, TCP_SYN_SENT},
        sockopt::Options,
        tcp,
    },
};
use cr_codec::{
    check::Rec,
    order,
    sockopt::{SOL_TCP, SO_ATTACH_FILTER, SO_ATTACH_REUSEPORT_CBPF},
    uapi::*,
};
use cr_sys::{
    errno::{ECONNREFUSED, EINPROGRESS, EOPNOTSUPP},
    file::FileRef,
    inet::InetRef,
    misc,
};
use kernel::prelude::*;

const AF_INET6: u32 = 10;
/// The first bytes of an IPv4 address among those of IPv6.
const MAPPED: [u8; 12] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];

/// Saves them, when all sockets are known. Returns the clients.
pub(crate) fn save(save: &mut Save<'_>) -> Result<KVVec<u64>> {
    let mut clients = KVVec::new();
    // While a connection is locked, the listening socket must not be closed, even if the container is
    // killed: the kernel does not count on somebody who has one that was not accepted.
    for (id, listener, _file) in core::mem::take(&mut save.listeners) {
        let (_, record) = listener.read();
        for nr in 0.. {
            let Some(end) = listener.waiting(nr) else {
                break;
            };
            let client = save_one(save, id, &listener, &end).context(format_args!(
                "a TCP connection to {} that was not accepted yet",
                Address(&record)
            ))?;
            clients.push(client, GFP_KERNEL)?;
        }
    }
    order::sort_by_key(&mut clients, |client| *client);
    Ok(clients)
}

fn save_one(save: &mut Save<'_>, listener: u64, socket: &InetRef, end: &InetRef) -> Result<u64> {
    let peer = end.peer();
    let outside = matches!(&peer, Err(error) if *error == EXDEV)
        || matches!(&peer, Ok(Some((_, file))) if *file != 0 && !save.references.has_file(*file));
    if outside {
        fail!(
            EOPNOTSUPP(),
            "is from outside of the container, which is not supported yet: try again"
        );
    }
    let peer = peer.context(format_args!("its client"))?;
    if end.has_program(SO_ATTACH_FILTER) {
        fail!(
            EOPNOTSUPP(),
            "has a filter (SO_ATTACH_FILTER), which is not supported yet: accept it first"
        );
    }
    if socket.has_program(SO_ATTACH_REUSEPORT_CBPF) {
        fail!(
            EOPNOTSUPP(),
            "was chosen by a program (SO_ATTACH_REUSEPORT_CBPF), which is not supported yet: accept it \
             first"
        );
    }
    let live = peer.as_ref().is_some_and(|(_, file)| *file != 0);
    let (stream, bytes) = tcp::read_stream(end, peer.as_ref().map(|(peer, _)| peer), live)?;
    if stream.flags & CR_STREAM_URGENT != 0 {
        fail!(
            EOPNOTSUPP(),
            "has urgent data (MSG_OOB), which is not supported yet: accept it first"
        );
    }
    let client = match &peer {
        Some((peer, _)) if live => {
            let found = save.objects.find(Kind::Socket, peer.identity());
            found.ok_or(EAGAIN)?
        }
        _ => 0,
    };
    let shut_down = |socket: &InetRef| socket.read().1.shutdown & tcp::SEND_SHUTDOWN != 0;
    let ended = !live || peer.is_some_and(|(peer, _)| shut_down(&peer));
    let (_, names) = end.read();
    let (family, from) = plain(names.family, names.remote);
    let (_, to) = plain(names.family, names.local);
    let record = cr_img_waiting {
        listener,
        client,
        nr_bytes: bytes.len() as u32,
        flags: if ended { CR_WAITING_ENDED } else { 0 },
        family,
        port: names.remote_port,
        from,
        to,
    };
    save.record(&record, &[&bytes])?;
    Ok(client)
}

/// An address with its own family.
fn plain(family: u32, address: [u8; 16]) -> (u32, [u8; 16]) {
    let mut v4 = [0; 16];
    match address.split_first_chunk() {
        Some((&MAPPED, rest)) if family == AF_INET6 => {
            v4[..rest.len()].copy_from_slice(rest);
            (AF_INET, v4)
        }
        _ => (family, address),
    }
}

/// Connects all of them, when all listen that did.
pub(crate) fn restore(made: &mut Made, records: &Records) -> Result {
    for (_, rec) in records.tagged(CR_TAG_WAITING) {
        let waiting: cr_img_waiting = rec.fixed()?;
        let (listener, record) = made.find(waiting.listener)?;
        let (listener, at) = (listener.clone(), *record);
        restore_one(made, records, &rec, &waiting, &listener).context(format_args!(
            "a TCP connection to {} that was not accepted yet",
            Address(&at)
        ))?;
    }
    Ok(())
}

fn restore_one(
    made: &mut Made,
    records: &Records,
    rec: &Rec<'_>,
    waiting: &cr_img_waiting,
    listener: &InetRef,
) -> Result {
    let (socket, record) = match waiting.client {
        0 => {
            let record = cr_img_inet {
                family: waiting.family,
                type_: SOCK_STREAM,
                protocol: IPPROTO_TCP,
                local: waiting.from,
                local_port: waiting.port,
                remote: waiting.to,
                remote_port: made.find(waiting.listener)?.1.local_port,
                ..Default::default()
            };
            let file =
                FileRef::make_inet(&record, 0).context(format_args!("making a TCP socket"))?;
            let socket = file.inet().ok_or(EINVAL)?;
            made.close_later(&socket, file)?;
            (socket, record)
        }
        id => {
            let (socket, record) = made.find(id)?;
            (socket.clone(), *record)
        }
    };
    tcp::bind_client(&socket, &record)?;
    let before = listener.read().0.waiting;
    match socket.connect(&record) {
        Err(error) if error == EINPROGRESS() => {}
        result => result?,
    }
    if waiting.client != 0 {
        // To bind it has changed one.
        let rec = records.get(records.find(waiting.client)?);
        Options::of::<cr_img_inet>(&rec, SOL_TCP).set(&socket)?;
    }
    wait_connected(&socket)?;
    socket
        .send(rec.variable::<cr_img_waiting>())
        .context(format_args!("what was to be received"))?;
    if waiting.client != 0 && waiting.flags & CR_WAITING_ENDED != 0 {
        socket.shut_down()?;
    }
    wait(|| listener.read().0.waiting > before)
}

const SOCK_STREAM: u32 = 1;
const IPPROTO_TCP: u32 = 6;

fn wait_connected(socket: &InetRef) -> Result {
    wait(|| socket.read().0.state != TCP_SYN_SENT)?;
    match socket.read().0.state {
        TCP_CLOSE => fail!(ECONNREFUSED(), "is not possible here"),
        _ => Ok(()),
    }
}

/// Waits for what the machine does with packets to itself, as soon as it has time.
fn wait(has_happened: impl Fn() -> bool) -> Result {
    const PATIENCE_NS: u64 = 5_000_000_000;
    let begin = misc::monotonic_ns();
    while !has_happened() {
        if misc::is_being_killed() || misc::monotonic_ns() - begin > PATIENCE_NS {
            fail!(
                EAGAIN,
                "does not come about: packets to this machine are lost"
            );
        }
        misc::nap(50);
    }
    Ok(())
}
