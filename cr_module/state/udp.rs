// SPDX-License-Identifier: GPL-2.0

//! UDP, ping and raw sockets: groups that they are members of, and datagrams that nobody has received yet.
//!
//! A restart puts those into the queue of the socket as the network had brought them, and then gives it its
//! port; one that was connected is connected first, so that nobody else's come in between. The other
//! end of that may be anywhere: it is not told.
//!
//! A ping socket has an identifier of ICMP as its port.
//!
//! A datagram of which more is to come (UDP_CORK, MSG_MORE) is sent again as far as it was, with where it is to
//! go and all that its first part has said of it.
//!
//! Raw sockets have no port: they get packets as soon as they exist. So a new one is hidden from the
//! network until it is complete.
//!
//! Refused: datagrams with IP options or extension headers, or times at which they are to be sent; parts of
//! packets of raw sockets.

use crate::{
    image::{Records, Waiting},
    report::{fail, Context, Result},
    save::Save,
    state::{
        inet::{bind, Called, Made},
        sockerr,
        sockfilter::Programs,
        sockopt::{option, Options},
    },
};
use cr_codec::{check::Rec, sockopt::*, uapi::*};
use cr_sys::{
    errno::{EBADMSG, EOPNOTSUPP},
    inet::InetRef,
    udp::settle,
};
use kernel::prelude::*;

/// Adds groups that a socket is a member of to its options.
pub(crate) fn save_groups(socket: &InetRef, options: &mut KVVec<cr_img_sockopt>) -> Result {
    for known in MEMBERSHIPS {
        for value in socket.groups(known.0 == SOL_IPV6) {
            if options.len() == CR_MAX_SOCKOPTS as usize {
                fail!(
                    EOPNOTSUPP(),
                    "so many multicast groups are not supported yet"
                );
            }
            options.push(option(*known, value), GFP_KERNEL)?;
        }
    }
    Ok(())
}

/// Saves what waits in sockets, when all of them are known. Those of TCP have no more than errors here.
pub(crate) fn save_datagrams(save: &mut Save<'_>) -> Result {
    let sockets = core::mem::take(&mut save.datagrams);
    if !sockets.is_empty() {
        settle();
    }
    for (id, socket) in &sockets {
        let (_, record) = socket.read();
        for source in &socket.sources()? {
            let source = cr_img_source {
                socket: *id,
                ..*source
            };
            save.record(&source, &[])?;
        }
        for datagram in socket.datagrams() {
            let (mut datagram, bytes) = match datagram {
                Err(error) if error == EBADMSG() => continue,
                Err(error) if error == EOPNOTSUPP() => fail!(
                    EOPNOTSUPP(),
                    "{}: a datagram with IP options, extension headers or a checksum or label that is \
                     told (IP_CHECKSUM, IP_PASSSEC) is not supported yet: receive it first",
                    Called(&record)
                ),
                datagram => datagram.context(format_args!("{}", Called(&record)))?,
            };
            datagram.socket = *id;
            save.record(&datagram, &[&bytes])?;
        }
        let cork = socket.cork().context(format_args!("{}", Called(&record)))?;
        if let Some((mut cork, bytes)) = cork {
            cork.socket = *id;
            save.record(&cork, &[&bytes])?;
        }
        sockerr::save(save, *id, socket).context(format_args!("{}", Called(&record)))?;
    }
    Ok(())
}

/// Gives all sockets what waits in them, their ports, and their other ends.
pub(crate) fn restore(made: &Made, records: &Records, programs: &Programs<'_>) -> Result {
    let waiting = Waiting::tagged(records, CR_TAG_DATAGRAM, |rec| {
        Ok(rec.fixed::<cr_img_datagram>()?.socket)
    })?;
    let sources = Waiting::tagged(records, CR_TAG_SOURCE, |rec| {
        Ok(rec.fixed::<cr_img_source>()?.socket)
    })?;
    let corked = Waiting::tagged(records, CR_TAG_CORK, |rec| {
        Ok(rec.fixed::<cr_img_cork>()?.socket)
    })?;
    let receives = |record: &cr_img_inet| sort(record) != SOL_TCP;
    for id in made.in_order(receives, |record| record.backlog)? {
        let (socket, record) = made.find(id)?;
        let rec = records.get(records.find(id)?);
        join_groups(socket, &rec, sources.of(id))
            .and_then(|()| restore_one(socket, &rec, waiting.of(id), programs))
            .and_then(|()| send_again(socket, corked.of(id)))
            .context(format_args!("{}", Called(record)))?;
    }
    Ok(())
}

/// Before others find it: it must not receive what a source sends that it does not want.
fn join_groups<'a>(
    socket: &InetRef,
    rec: &Rec<'_>,
    sources: impl Iterator<Item = Rec<'a>>,
) -> Result {
    Options::of::<cr_img_inet>(rec, sort(&rec.fixed()?)).join_groups(socket)?;
    for rec in sources {
        socket
            .add_source(&rec.fixed()?)
            .context(format_args!("a source of a multicast group"))?;
    }
    Ok(())
}

fn restore_one<'a>(
    socket: &InetRef,
    rec: &Rec<'_>,
    waiting: impl Iterator<Item = Rec<'a>>,
    programs: &Programs<'_>,
) -> Result {
    let record: cr_img_inet = rec.fixed()?;
    // Nobody asks it about what waits already.
    programs.attach(rec.id, SO_ATTACH_FILTER, socket)?;
    let connected = record.state == CR_SOCKET_CONNECTED;
    if connected {
        bind(socket, &record)?;
        socket
            .connect_datagrams(&record)
            .context(format_args!("its other end"))?;
        fill(socket, waiting)?;
    } else {
        fill(socket, waiting)?;
        bind(socket, &record)?;
    }
    programs.attach(rec.id, SO_ATTACH_REUSEPORT_CBPF, socket)?;
    // A name has changed one of them.
    Options::of::<cr_img_inet>(rec, sort(&record)).set(socket)?;
    if sort(&record) == SOL_RAW {
        socket.show();
    }
    Ok(())
}

/// Sends what there was of a datagram that is not complete.
fn send_again<'a>(socket: &InetRef, mut corked: impl Iterator<Item = Rec<'a>>) -> Result {
    match corked.next() {
        Some(rec) => Ok(socket
            .send_corked(&rec.fixed()?, rec.variable::<cr_img_cork>())
            .context(format_args!("a datagram that is not complete"))?),
        None => Ok(()),
    }
}

/// Puts what waits into a socket.
fn fill<'a>(socket: &InetRef, waiting: impl Iterator<Item = Rec<'a>>) -> Result {
    for rec in waiting {
        let datagram: cr_img_datagram = rec.fixed()?;
        socket
            .queue_datagram(&datagram, rec.variable::<cr_img_datagram>())
            .context(format_args!("a datagram that waits"))?;
    }
    Ok(())
}
