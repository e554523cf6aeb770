// SPDX-License-Identifier: GPL-2.0

//! Sockets, what they are connected to, and what waits in them.

use core::mem::size_of;

use super::{is_path, Placed, Rec, Result, State, PID_MAX};
use crate::{record::MAX_GROUPS, sockopt, uapi::*};

const O_ACCMODE: u32 = 0o3;
const O_NONBLOCK: u32 = 0o4000;
const O_LARGEFILE: u32 = 0o100000;
pub(super) const SOCK_STREAM: u32 = 1;
pub(super) const SOCK_DGRAM: u32 = 2;
const SOCK_SEQPACKET: u32 = 5;
pub(super) const SHUTDOWN_BOTH: u32 = 3;
pub(super) const MAX_ERRNO: u32 = 4095;

const OPTIONS: u32 = CR_SOCKET_KEEPALIVE
    | CR_SOCKET_LINGER
    | CR_SOCKET_BROADCAST
    | CR_SOCKET_DONTROUTE
    | CR_SOCKET_DEBUG
    | CR_SOCKET_OOBINLINE
    | CR_SOCKET_STAMPED
    | CR_SOCKET_TIMESTAMP
    | CR_SOCKET_TIMESTAMPNS
    | CR_SOCKET_TIMESTAMP_NEW
    | CR_SOCKET_RXQ_OVFL
    | CR_SOCKET_RCVMARK
    | CR_SOCKET_RCVPRIORITY
    | CR_SOCKET_FILTER_LOCKED
    | CR_SOCKET_PASSCRED
    | CR_SOCKET_PASSPIDFD
    | CR_SOCKET_PASSRIGHTS
    | CR_SOCKET_INQ
    | CR_SOCKET_NO_CHECK
    | CR_SOCKET_REUSEADDR
    | CR_SOCKET_REUSEPORT
    | CR_SOCKET_SNDBUF
    | CR_SOCKET_RCVBUF
    | CR_SOCKET_PASSSEC
    | CR_SOCKET_BOUND
    | CR_SOCKET_PEERCRED;

/// An open file of a socket.
pub(super) fn file(state: &State<'_>, rec: Placed<'_>, file: &cr_img_file) -> Result {
    let socket = state.refers::<cr_img_socket>(rec, file.target, "no socket behind it")?;
    rec.require(
        socket.fixed::<cr_img_socket>()?.listener == 0,
        "the socket waits to be accepted",
    )?;
    nothing_else(&rec, file)
}

/// An open file of a socket has flags, and no more.
pub(super) fn nothing_else(rec: &Rec<'_>, file: &cr_img_file) -> Result {
    rec.require(
        file.path_len == 0
            && file.flags & !(O_ACCMODE | O_NONBLOCK | O_LARGEFILE) == 0
            && [file.pos, file.dev, file.ino, file.size, file.mtime_ns] == [0; 5]
            && file.mode == 0,
        "what a socket does not have",
    )
}

pub(super) fn socket(state: &State<'_>, rec: Placed<'_>) -> Result {
    let socket: cr_img_socket = rec.fixed()?;
    rec.require(
        matches!(socket.type_, SOCK_STREAM | SOCK_DGRAM | SOCK_SEQPACKET)
            && socket.state <= CR_SOCKET_LISTENING,
        "unknown type or state",
    )?;
    rec.require(socket.options & !OPTIONS == 0, "unknown options")?;
    rec.require(
        socket.shutdown <= SHUTDOWN_BOTH
            && socket.error <= MAX_ERRNO
            && socket.backlog <= i32::MAX as u32
            && socket.sndbuf > 0
            && socket.rcvbuf > 0
            && socket.rcvlowat >= 0
            && socket.peek_off >= -1
            && socket.mode <= 0o7777,
        "impossible value",
    )?;
    rec.require(
        socket.peer_pid <= PID_MAX
            && socket.nr_groups <= MAX_GROUPS
            && (socket.options & CR_SOCKET_PEERCRED != 0
                || [
                    socket.peer_pid,
                    socket.peer_uid,
                    socket.peer_gid,
                    socket.nr_groups,
                ] == [0; 4]),
        "impossible process at the other end",
    )?;
    name_and_path(&rec, &socket)?;
    if socket.state == CR_SOCKET_LISTENING {
        rec.require(
            socket.type_ != SOCK_DGRAM && socket.name_len > 0 && socket.listener == 0,
            "a socket that cannot listen",
        )?;
    }
    if socket.listener == 0 {
        return Ok(());
    }
    let listener = state.refers::<cr_img_socket>(rec, socket.listener, "no listener")?;
    let listener: cr_img_socket = listener.fixed()?;
    rec.require(
        listener.state == CR_SOCKET_LISTENING
            && listener.type_ == socket.type_
            && socket.state == CR_SOCKET_CONNECTED
            && socket.options & CR_SOCKET_BOUND == 0
            && [socket.uid, socket.gid, socket.mode] == [0; 3],
        "it cannot wait to be accepted",
    )
}

fn name_and_path(rec: &Rec<'_>, socket: &cr_img_socket) -> Result {
    let groups = u64::from(socket.nr_groups).saturating_mul(size_of::<u32>() as u64);
    let names = u64::from(socket.name_len).saturating_add(u64::from(socket.path_len));
    rec.require_elements::<cr_img_socket, u8>(groups.saturating_add(names))?;
    let rest = rec.variable::<cr_img_socket>();
    let rest = rest.get(groups as usize..).unwrap_or_default();
    let (name, path) = rest
        .split_at_checked(socket.name_len as usize)
        .unwrap_or_default();
    rec.require(is_name(name), "impossible name")?;
    rec.require(path.is_empty() || is_path(path), "not an absolute path")?;
    let in_files = name.first().is_some_and(|first| *first != 0);
    rec.require(
        path.is_empty() || in_files,
        "a path to a name that is not in the file system",
    )?;
    rec.require(
        socket.options & CR_SOCKET_BOUND == 0 || (!name.is_empty() && path.is_empty() != in_files),
        "nobody could find it",
    )
}

/// None at all, an abstract one that begins with a NUL, or one that has a NUL at its end only.
fn is_name(name: &[u8]) -> bool {
    match name {
        [] => true,
        [0, rest @ ..] => rest.len() < CR_SOCKET_NAME_MAX.saturating_sub(1) as usize,
        [rest @ .., 0] => {
            !rest.is_empty()
                && name.len() <= CR_SOCKET_NAME_MAX as usize
                && rest.iter().all(|byte| *byte != 0)
        }
        _ => false,
    }
}

/// A program of a socket, of any family.
pub(super) fn filter(state: &State<'_>, rec: Placed<'_>) -> Result<cr_img_sockfilter> {
    let filter: cr_img_sockfilter = rec.fixed()?;
    rec.require_elements::<cr_img_sockfilter, u64>(u64::from(filter.nr_insns))?;
    rec.require(filter.nr_insns > 0, "an empty filter")?;
    let no_socket = "no socket that it could be attached to";
    let shares_port = match state.find_placed(filter.socket) {
        Some(found) if found.at < rec.at => match found.tag {
            CR_TAG_INET => {
                let inet: cr_img_inet = found.fixed()?;
                match sockopt::sort(&inet) {
                    sockopt::SOL_UDP => true,
                    sockopt::SOL_TCP => inet.state != CR_SOCKET_CONNECTED,
                    _ => false,
                }
            }
            CR_TAG_SOCKET | CR_TAG_NETLINK | CR_TAG_LINK => false,
            _ => return Err(rec.error(no_socket)),
        },
        _ => return Err(rec.error(no_socket)),
    };
    rec.require(
        filter.option == sockopt::SO_ATTACH_FILTER
            || (shares_port && filter.option == sockopt::SO_ATTACH_REUSEPORT_CBPF),
        "a program that such a socket does not have",
    )?;
    Ok(filter)
}

fn type_of(state: &State<'_>, rec: Placed<'_>, id: u64) -> Result<cr_img_socket> {
    let found = state.refers::<cr_img_socket>(rec, id, "no socket")?;
    found.fixed()
}

pub(super) fn peer(state: &State<'_>, rec: Placed<'_>) -> Result<cr_img_peer> {
    let peer: cr_img_peer = rec.fixed()?;
    rec.require(peer.reserved == 0, "a reserved member is not zero")?;
    rec.require_elements::<cr_img_peer, u8>(u64::from(peer.name_len))?;
    rec.require(
        is_name(rec.variable::<cr_img_peer>()) && (peer.peer == 0 || peer.name_len == 0),
        "impossible name",
    )?;
    let socket = type_of(state, rec, peer.socket)?;
    rec.require(
        socket.state != CR_SOCKET_LISTENING,
        "a socket that listens, and is connected",
    )?;
    if peer.peer == 0 {
        return Ok(peer);
    }
    let other = type_of(state, rec, peer.peer)?;
    rec.require(
        other.type_ == socket.type_ && other.state != CR_SOCKET_LISTENING,
        "sockets that cannot be connected",
    )?;
    rec.require(
        socket.type_ == SOCK_DGRAM
            || (peer.peer > peer.socket && (socket.listener == 0 || other.listener == 0)),
        "two that wait to be accepted, or not in order",
    )?;
    Ok(peer)
}

/// A byte that was sent with MSG_OOB.
const URGENT: u32 = CR_MESSAGE_URGENT | CR_MESSAGE_URGENT_READ;

pub(super) fn message(state: &State<'_>, rec: Placed<'_>) -> Result<cr_img_message> {
    let message: cr_img_message = rec.fixed()?;
    rec.require(message.reserved == 0, "a reserved member is not zero")?;
    rec.require(
        message.flags & !(CR_MESSAGE_CREDS | URGENT) == 0
            && message.pid <= PID_MAX
            && (message.pid == 0 || message.flags & CR_MESSAGE_CREDS != 0)
            && message.time_ns <= i64::MAX as u64,
        "impossible sender",
    )?;
    rec.require(message.nr_files <= CR_MESSAGE_FILES, "too many files")?;
    let files = u64::from(message.nr_files).saturating_mul(size_of::<u64>() as u64);
    let rest = u64::from(message.name_len).saturating_add(u64::from(message.length));
    rec.require_elements::<cr_img_message, u8>(files.saturating_add(rest))?;
    let rest = rec.variable::<cr_img_message>();
    let name = rest.get(files as usize..).unwrap_or_default();
    let name = name.get(..message.name_len as usize).unwrap_or_default();
    rec.require(is_name(name), "impossible name")?;
    let sent = rec.array::<u64>(size_of::<cr_img_message>());
    for id in sent.first(message.nr_files) {
        let file = state.refers::<cr_img_file>(rec, id, "no file is sent")?;
        rec.require(
            !matches!(
                file.fixed::<cr_img_file>()?.kind,
                CR_FILE_PROC_TASK | CR_FILE_PIDFD | CR_FILE_MQUEUE
            ),
            "it carries memory, a pidfd, or a message queue",
        )?;
    }

    let socket = type_of(state, rec, message.socket)?;
    rec.require(
        socket.state != CR_SOCKET_LISTENING,
        "a message for a socket that listens",
    )?;
    rec.require(
        match socket.type_ {
            SOCK_STREAM => match message.flags & URGENT {
                0 => (1..=CR_MESSAGE_PIECE).contains(&message.length),
                CR_MESSAGE_URGENT => message.length == 1,
                CR_MESSAGE_URGENT_READ => message.length == 0,
                _ => false,
            },
            _ => message.length <= CR_MESSAGE_MAX && message.flags & URGENT == 0,
        },
        "impossible length",
    )?;
    if socket.type_ != SOCK_DGRAM {
        rec.require(
            message.sender == 0 && name.is_empty(),
            "a sender other than the peer",
        )?;
    } else if message.sender != 0 {
        let sender = type_of(state, rec, message.sender)?;
        rec.require(
            sender.type_ == SOCK_DGRAM && name.is_empty(),
            "a sender that cannot be one",
        )?;
    }
    Ok(message)
}
