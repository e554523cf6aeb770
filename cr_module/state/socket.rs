// SPDX-License-Identifier: GPL-2.0

//! Sockets of the family AF_UNIX: connected, listening, with what waits in them.
//!
//! A socket is an object of its own; an open file refers to it. One that waits to be accepted has no
//! file, and is in the queue of its listener. What sockets are connected to, and what waits in them,
//! comes when all files are there, those included that are only on their way in a message.
//!
//! A restart connects the sockets, and sends the messages once more; then each gets its name and
//! what else it had. One whose name is in the file system is found by the same inode again. Who is
//! closed already, but was the peer of somebody or has sent something, comes back for that long.
//! Filters come last, so that nobody asks them about a message twice.
//!
//! Refused: peers outside of the container, unless the socket is external; eBPF; messages with
//! labels (SO_PASSSEC), options that mean nothing to this family; other network namespaces.

use crate::{
    files::Files,
    image::Records,
    objects::Kind,
    report::{fail, failure, words_for, Context, Name, Result},
    save::Save,
    state::{
        file,
        name::{self, CName},
        sockfilter::{self, Programs},
    },
};
use cr_codec::{check::Rec, sockopt::SO_ATTACH_FILTER, uapi::*};
use cr_sys::{
    errno::{EADDRINUSE, ENOTSOCK, EOPNOTSUPP, ESTALE},
    file::{FileRef, FileType},
    path::PathRef,
    pid_ns::PidNs,
    socket::*,
    vec,
};
use kernel::{prelude::*, rbtree::RBTree};
use zerocopy::IntoBytes;

const SOCK_DGRAM: u32 = 2;
const SOCK_STREAM: u32 = 1;

/// A socket that has been saved.
#[derive(Clone)]
pub(crate) struct Saved {
    socket: SocketRef,
    id: u64,
    /// SOCK_*
    kind: u32,
    listening: bool,
}

/// Whether the other end of a socket is outside of the container.
pub(crate) fn leaves(save: &Save<'_>, file: &FileRef) -> bool {
    file.socket().is_some_and(|socket| {
        let info = socket.read_info(save.container.ns());
        is_outside(save, &info)
    })
}

fn is_outside(save: &Save<'_>, info: &SocketInfo) -> bool {
    info.peer != 0 && !info.peer_gone && !save.references.has_socket(info.peer)
}

/// Saves a socket, and those that wait to be accepted from it, unless that was done already.
pub(crate) fn save(save: &mut Save<'_>, socket: &SocketRef, buffer: &mut [u8]) -> Result<u64> {
    match save.objects.find(Kind::Socket, socket.identity()) {
        Some(id) => Ok(id),
        None => save_new(save, socket, 0, buffer),
    }
}

fn save_new(
    save: &mut Save<'_>,
    socket: &SocketRef,
    listener: u64,
    buffer: &mut [u8],
) -> Result<u64> {
    let mut record = cr_img_socket::default();
    let info = socket.read(save.container.ns(), &mut record);
    check(&info)?;
    record.listener = listener;
    let mut groups = vec::zeroed(record.nr_groups as usize, GFP_KERNEL)?;
    socket.peer_groups(&mut groups);
    let path = match info.has_path {
        true => path(save, socket, buffer)?,
        false => &[],
    };
    let name = &info.name[..record.name_len as usize];
    // Nobody finds it by a name that was removed.
    if path.is_empty() && name.first().is_some_and(|first| *first != 0) {
        record.options &= !CR_SOCKET_BOUND;
    }
    record.path_len = path.len() as u32;
    let id = save.objects.add(Kind::Socket, socket.identity())?;
    save.object(id, &record, &[groups.as_bytes(), name, path])?;
    sockfilter::save(save, id, socket)?;
    let saved = Saved {
        socket: socket.clone(),
        id,
        kind: record.type_,
        listening: record.state == CR_SOCKET_LISTENING,
    };
    let listening = saved.listening;
    save.sockets.push(saved, GFP_KERNEL)?;
    if listening {
        for new in socket.messages().filter_map(|new| new.connection()) {
            let info = new.read_info(save.container.ns());
            if is_outside(save, &info) {
                fail!(
                    EBUSY,
                    "a socket has a connection from outside of the container, which it has not \
                     accepted yet: try again"
                );
            }
            save_new(save, &new, id, buffer)?;
        }
    }
    Ok(id)
}

const REFUSED: &[(u32, &str)] = &[
    (CR_SOCKET_X_NET, "of another network namespace"),
    (
        CR_SOCKET_X_FILTER,
        "with an eBPF program as a filter (SO_ATTACH_BPF)",
    ),
    (CR_SOCKET_X_BPF, "that a BPF program looks after"),
    (
        CR_SOCKET_X_PASSSEC,
        "with messages with labels (SO_PASSSEC)",
    ),
    (
        CR_SOCKET_X_OPTION,
        "with an option that others have (SO_TIMESTAMPING, SO_BINDTODEVICE, SO_BUSY_POLL ...)",
    ),
];

fn check(info: &SocketInfo) -> Result {
    if let Some(why) = words_for(REFUSED, info.unsupported) {
        fail!(EOPNOTSUPP(), "a socket {why} is not supported yet");
    }
    Ok(())
}

/// Where the name of a socket is, below the container's root; empty if it was removed.
fn path<'a>(save: &Save<'_>, socket: &SocketRef, buffer: &'a mut [u8]) -> Result<&'a [u8]> {
    let path = socket.path()?;
    if path.is_unlinked() {
        return Ok(&[]);
    }
    match path.name(save.container.root(), buffer) {
        Ok(name) => Ok(name),
        Err(error) if error == EXDEV => fail!(
            EOPNOTSUPP(),
            "a socket with a name outside of the container's root is not supported yet"
        ),
        Err(error) if error == ESTALE() => fail!(
            EOPNOTSUPP(),
            "a socket with a name that a mount hides is not supported yet"
        ),
        Err(error) => Err(error.into()),
    }
}

/// Saves what sockets are connected to, what waits in them, and the files that are on their way in
/// that.
pub(crate) fn save_queues(save: &mut Save<'_>) -> Result {
    let mut next = 0;
    // Those that come in a message are added to the end.
    while let Some(saved) = save.sockets.get(next).cloned() {
        next += 1;
        if saved.listening {
            continue;
        }
        for message in saved.socket.messages() {
            for sent in message.files() {
                save_sent(save, &sent).context(format_args!("a file in a message"))?;
            }
        }
    }
    let sockets = core::mem::take(&mut save.sockets);
    for saved in &sockets {
        save_peer(save, saved)?;
    }
    for saved in sockets.iter().filter(|saved| !saved.listening) {
        for message in saved.socket.messages() {
            save_message(save, &message, saved)?;
        }
    }
    Ok(())
}

fn save_sent(save: &mut Save<'_>, sent: &FileRef) -> Result<u64> {
    let what = match sent.read_type() {
        FileType::ProcTask => "a file of a process (/proc/PID)",
        FileType::PidFd => "a pidfd",
        FileType::MessageQueue => "a POSIX message queue",
        _ => return file::save(save, sent),
    };
    // These are not there yet when messages are sent.
    fail!(EOPNOTSUPP(), "{what} is not supported yet")
}

fn save_peer(save: &mut Save<'_>, saved: &Saved) -> Result {
    let info = saved.socket.read_info(save.container.ns());
    let mut name: &[u8] = &[];
    let peer = match (info.peer, info.peer_gone) {
        (0, _) => return Ok(()),
        (_, true) => {
            name = &info.peer_name[..info.peer_name_len as usize];
            0
        }
        (peer, false) => match save.objects.find(Kind::Socket, peer) {
            Some(peer) => peer,
            None => fail!(EAGAIN, "a socket was closed during the checkpoint"),
        },
    };
    // The other one has said so.
    if saved.kind != SOCK_DGRAM && peer != 0 && peer < saved.id {
        return Ok(());
    }
    let record = cr_img_peer {
        socket: saved.id,
        peer,
        name_len: name.len() as u32,
        reserved: 0,
    };
    save.record(&record, &[name])
}

fn save_message(save: &mut Save<'_>, message: &MessageRef, saved: &Saved) -> Result {
    let (info, mut record) = message.read(save.container.ns());
    let kind = saved.kind;
    let mut name: &[u8] = &[];
    if kind == SOCK_DGRAM {
        record.sender = match save.objects.find(Kind::Socket, info.sender) {
            Some(sender) if !info.sender_gone => sender,
            _ => {
                name = &info.name[..record.name_len as usize];
                0
            }
        };
    }
    record.flags |= saved.socket.urgency(message);
    record.socket = saved.id;
    record.name_len = name.len() as u32;
    let mut files = KVVec::new();
    for file in message.files() {
        let found = save.objects.find(Kind::File, file.identity());
        files.push(found.ok_or(EAGAIN)?, GFP_KERNEL)?;
    }
    let length = record.length as usize;
    if kind != SOCK_STREAM && length > CR_MESSAGE_MAX as usize {
        fail!(
            EOPNOTSUPP(),
            "a message of more than {CR_MESSAGE_MAX} bytes is not supported yet"
        );
    }
    let piece = match kind {
        SOCK_STREAM => length.min(CR_MESSAGE_PIECE as usize),
        _ => length,
    };
    let mut bytes = vec::zeroed(piece, GFP_KERNEL)?;
    let mut at = 0;
    loop {
        let some = (length - at).min(piece);
        message.copy(at, &mut bytes[..some])?;
        record.length = some as u32;
        record.nr_files = files.len() as u32;
        save.record(&record, &[files.as_bytes(), name, &bytes[..some]])?;
        at += some;
        // Files go with the first piece.
        files.clear();
        if at == length {
            return Ok(());
        }
    }
}

/// Sockets that were made again, by id.
pub(crate) struct Made {
    sockets: RBTree<u64, SocketRef>,
    /// What streams and sequences are connected to: 0 for one that is gone.
    peers: RBTree<u64, u64>,
    /// Those that were closed already, by who is connected to them.
    gone: RBTree<u64, TemporarySocket>,
}

impl Made {
    /// None.
    pub(crate) fn new() -> Self {
        Self {
            sockets: RBTree::new(),
            peers: RBTree::new(),
            gone: RBTree::new(),
        }
    }

    /// Makes a socket, with its open file.
    pub(crate) fn open(&mut self, rec: &Rec<'_>, flags: u32) -> Result<FileRef> {
        let record: cr_img_socket = rec.fixed()?;
        if record.listener != 0 || self.sockets.get(&rec.id).is_some() {
            fail!(EINVAL, "a socket with a file that it cannot have");
        }
        let file =
            FileRef::make_socket(record.type_, flags).context(format_args!("making a socket"))?;
        self.add(rec.id, file.socket().ok_or(EINVAL)?)?;
        Ok(file)
    }

    fn add(&mut self, id: u64, socket: SocketRef) -> Result {
        self.sockets.try_create_and_insert(id, socket, GFP_KERNEL)?;
        Ok(())
    }

    fn get(&self, id: u64) -> Result<&SocketRef> {
        let found = self.sockets.get(&id);
        found.ok_or_else(|| failure!(EINVAL, "socket {id} does not exist"))
    }

    /// Connects the sockets, fills them, and gives them their names. All files exist.
    pub(crate) fn restore_queues(&mut self, files: &Files<'_>, records: &Records) -> Result {
        for (_, rec) in records.tagged(CR_TAG_PEER) {
            self.note_peer(records, &rec)?;
        }
        self.connect_waiting(records)?;
        for (_, rec) in records.tagged(CR_TAG_PEER) {
            self.connect(records, &rec)?;
        }
        for (_, rec) in records.tagged(CR_TAG_MESSAGE) {
            self.send(records, &rec, files)
                .and_then(|()| self.mark(&rec))
                .context(format_args!("filling a socket"))?;
        }
        for (_, rec) in records.tagged(CR_TAG_PEER) {
            self.direct(records, &rec)?;
        }
        // They tell their peers that they are gone.
        self.gone = RBTree::new();
        let programs = Programs::of(records)?;
        for (_, rec) in records.tagged(CR_TAG_SOCKET) {
            self.finish(files.root(), &rec)?;
            programs.attach(rec.id, SO_ATTACH_FILTER, self.get(rec.id)?)?;
        }
        Ok(())
    }

    fn note_peer(&mut self, records: &Records, rec: &Rec<'_>) -> Result {
        let record: cr_img_peer = rec.fixed()?;
        if record_of(records, record.socket)?.type_ == SOCK_DGRAM {
            return Ok(());
        }
        for (socket, peer) in [(record.socket, record.peer), (record.peer, record.socket)] {
            if socket != 0 {
                if self.peers.get(&socket).is_some() || socket == peer {
                    fail!(EINVAL, "socket {socket} is connected twice");
                }
                self.peers.try_create_and_insert(socket, peer, GFP_KERNEL)?;
            }
        }
        Ok(())
    }

    /// Connects those that wait to be accepted, in their order.
    fn connect_waiting(&mut self, records: &Records) -> Result {
        for (_, rec) in records.tagged(CR_TAG_SOCKET) {
            let record: cr_img_socket = rec.fixed()?;
            if record.state == CR_SOCKET_LISTENING {
                self.get(rec.id)?
                    .listen()
                    .context(format_args!("a socket that listens"))?;
            }
            if record.listener == 0 {
                continue;
            }
            let listener = self.get(record.listener)?;
            let new = match self.peers.get(&rec.id) {
                Some(0) => {
                    let gone = TemporarySocket::new(record.type_)?;
                    let new = gone.socket().connect(listener)?;
                    self.gone.try_create_and_insert(rec.id, gone, GFP_KERNEL)?;
                    new
                }
                Some(peer) => self
                    .get(*peer)?
                    .connect(listener)
                    .context(format_args!("a connection that waits to be accepted"))?,
                None => fail!(EINVAL, "a connection without another end"),
            };
            self.add(rec.id, new)?;
        }
        Ok(())
    }

    /// Connects two that wait for nobody, and gives names to those that are gone.
    fn connect(&mut self, records: &Records, rec: &Rec<'_>) -> Result {
        let record: cr_img_peer = rec.fixed()?;
        let socket = record_of(records, record.socket)?;
        if socket.type_ == SOCK_DGRAM {
            return Ok(());
        }
        let mut waits = socket.listener != 0;
        if record.peer != 0 {
            waits |= record_of(records, record.peer)?.listener != 0;
            if !waits {
                self.get(record.socket)?.pair(self.get(record.peer)?)?;
            }
            return Ok(());
        }
        if !waits {
            let gone = TemporarySocket::new(socket.type_)?;
            self.get(record.socket)?.pair(gone.socket())?;
            self.gone
                .try_create_and_insert(record.socket, gone, GFP_KERNEL)?;
        }
        match self.gone.get(&record.socket) {
            Some(gone) => Ok(gone
                .socket()
                .set_name(rec.variable::<cr_img_peer>(), None, false)?),
            None => Ok(()),
        }
    }

    /// Sends a message once more.
    fn send(&self, records: &Records, rec: &Rec<'_>, files: &Files<'_>) -> Result {
        let record: cr_img_message = rec.fixed()?;
        let kind = record_of(records, record.socket)?.type_;
        let mut sent = KVVec::with_capacity(record.nr_files as usize, GFP_KERNEL)?;
        let ids = rec.array::<u64>(size_of::<cr_img_message>());
        for id in ids.take(record.nr_files as usize) {
            sent.push(files.made(id)?.clone(), GFP_KERNEL)?;
        }
        let rest = rec.variable::<cr_img_message>();
        let rest = rest.get(sent.len() * size_of::<u64>()..).ok_or(EINVAL)?;
        let (name, data) = rest
            .split_at_checked(record.name_len as usize)
            .ok_or(EINVAL)?;
        let was_read = record.flags & CR_MESSAGE_URGENT_READ != 0;
        let data = if was_read { &[0][..] } else { data };
        let to = self.get(record.socket)?;
        if let Some(gone) = self.gone.get(&record.socket) {
            return Ok(gone.socket().send(to, data, &sent, record.time_ns)?);
        }
        let from = match (kind, record.sender) {
            (SOCK_DGRAM, 0) => {
                let gone = TemporarySocket::new(kind)?;
                gone.socket().set_name(name, None, false)?;
                return Ok(gone.socket().send(to, data, &sent, record.time_ns)?);
            }
            (SOCK_DGRAM, sender) => sender,
            _ => *self.peers.get(&record.socket).ok_or(EINVAL)?,
        };
        Ok(self.get(from)?.send(to, data, &sent, record.time_ns)?)
    }

    /// Says of the message that was sent last that it is, or was, urgent.
    fn mark(&self, rec: &Rec<'_>) -> Result {
        let record: cr_img_message = rec.fixed()?;
        Ok(self.get(record.socket)?.set_urgency(record.flags)?)
    }

    /// Says where datagrams go to.
    fn direct(&self, records: &Records, rec: &Rec<'_>) -> Result {
        let record: cr_img_peer = rec.fixed()?;
        let kind = record_of(records, record.socket)?.type_;
        let socket = self.get(record.socket)?;
        match (kind, record.peer) {
            (SOCK_DGRAM, 0) => {
                let gone = TemporarySocket::new(kind)?;
                gone.socket()
                    .set_name(rec.variable::<cr_img_peer>(), None, false)?;
                socket.set_peer(gone.socket())?;
            }
            (SOCK_DGRAM, peer) => socket.set_peer(self.get(peer)?)?,
            _ => {}
        }
        Ok(())
    }

    /// Gives a socket its name and all that its connections have not.
    fn finish(&self, root: &PathRef, rec: &Rec<'_>) -> Result {
        let Parts {
            record, name, path, ..
        } = Parts::of(rec)?;
        let connected = record.state == CR_SOCKET_CONNECTED;
        if record.type_ != SOCK_DGRAM && self.peers.get(&rec.id).is_some() != connected {
            fail!(
                EINVAL,
                "socket {} is connected to nothing, or must not be",
                rec.id
            );
        }
        let socket = self.get(rec.id)?;
        socket
            .set(&record)
            .context(format_args!("options of a socket"))?;
        let place = match path {
            [] => None,
            path => {
                let name = CName::new(path)?;
                let found = name::lookup(root, name.as_cstr()?);
                Some(found.context(format_args!("socket {}", Name(path)))?)
            }
        };
        let bound = record.options & CR_SOCKET_BOUND != 0;
        match socket.set_name(name, place.as_ref(), bound) {
            Err(error) if error == EADDRINUSE() => {
                fail!(
                    EADDRINUSE(),
                    "socket {}: its name is in use",
                    Name(shown(name))
                )
            }
            Err(error) if error == ENOTSOCK() => {
                fail!(ESTALE(), "socket {}: is not a socket any more", Name(path))
            }
            result => result.context(format_args!("socket {}", Name(shown(name)))),
        }
    }

    /// Says who is at the other end of each, and who has sent what waits. All tasks exist.
    pub(crate) fn restore_credentials(&self, records: &Records, ns: &PidNs) -> Result {
        for (_, rec) in records.tagged(CR_TAG_SOCKET) {
            let Parts { record, groups, .. } = Parts::of(&rec)?;
            let pid = ns.pid_or_number(record.peer_pid)?;
            self.get(rec.id)?
                .set_peer_cred(pid.as_ref(), &record, &groups)
                .context(format_args!("who is at the other end of a socket"))?;
        }
        let mut last = None;
        for (_, rec) in records.tagged(CR_TAG_MESSAGE) {
            let record: cr_img_message = rec.fixed()?;
            let mut waiting = match last.take() {
                Some((socket, waiting)) if socket == record.socket => waiting,
                _ => self.get(record.socket)?.messages(),
            };
            let pid = ns.pid_or_number(record.pid)?;
            waiting
                .next()
                .ok_or(EINVAL)?
                .set_cred(pid.as_ref(), &record)
                .context(format_args!("who has sent a message"))?;
            last = Some((record.socket, waiting));
        }
        Ok(())
    }
}

fn record_of(records: &Records, id: u64) -> Result<cr_img_socket> {
    Ok(records.get(records.find(id)?).fixed()?)
}

/// A socket's record.
struct Parts<'a> {
    record: cr_img_socket,
    groups: KVVec<u32>,
    name: &'a [u8],
    path: &'a [u8],
}

impl<'a> Parts<'a> {
    fn of(rec: &Rec<'a>) -> Result<Self> {
        let record: cr_img_socket = rec.fixed()?;
        let mut groups = KVVec::with_capacity(record.nr_groups as usize, GFP_KERNEL)?;
        let all = rec.array::<u32>(size_of::<cr_img_socket>());
        for group in all.take(record.nr_groups as usize) {
            groups.push(group, GFP_KERNEL)?;
        }
        let rest = rec.variable::<cr_img_socket>();
        let rest = rest.get(size_of::<u32>() * groups.len()..).ok_or(EINVAL)?;
        let (name, path) = rest
            .split_at_checked(record.name_len as usize)
            .ok_or(EINVAL)?;
        Ok(Self {
            record,
            groups,
            name,
            path,
        })
    }
}

/// A name for people: an abstract one without the NUL that it begins with, others without the one
/// at the end.
fn shown(name: &[u8]) -> &[u8] {
    match name {
        [0, rest @ ..] | [rest @ .., 0] => rest,
        name => name,
    }
}
