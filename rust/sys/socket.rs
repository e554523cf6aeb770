// SPDX-License-Identifier: GPL-2.0

//! Sockets of the family AF_UNIX, and what waits in them.
//!
//! C header: [`include/net/af_unix.h`](srctree/include/net/af_unix.h).

use crate::{
    bindings,
    errno::ENOTCONN,
    file::FileRef,
    inet::SockRef,
    path::PathRef,
    pid_ns::{PidNs, PidRef},
    queue::Queue,
};
use core::{
    ops::Deref,
    ptr::{null, null_mut, NonNull},
};
use cr_codec::uapi::*;
use kernel::{
    error::{from_err_ptr, to_result},
    prelude::*,
};

pub use bindings::{
    cr_shim_message as MessageInfo, cr_shim_socket as SocketInfo, CR_SOCKET_X_BPF,
    CR_SOCKET_X_FILTER, CR_SOCKET_X_NET, CR_SOCKET_X_OPTION, CR_SOCKET_X_PASSSEC,
};

/// A call that sleeps in a socket until something can be sent, or received.
pub struct SocketSleep {
    /// The socket is a stream, without messages.
    pub is_stream: bool,
    /// It may have done a part of what it is to do.
    pub is_partial: bool,
    /// After how long it ends, if it has begun with the socket as it is now, ns.
    pub timeout: Option<u64>,
}

impl FileRef {
    /// The socket behind it, if it is one of this family.
    pub fn socket(&self) -> Option<SocketRef> {
        // SAFETY: The file is valid; the result is null or referenced.
        let sk = unsafe { bindings::cr_shim_socket_of(self.as_ptr()) };
        // SAFETY: The reference is ours now.
        unsafe { SockRef::from_owned(sk) }.map(SocketRef)
    }

    /// What a call is like that sleeps in it.
    pub fn socket_sleep(&self, send: bool) -> SocketSleep {
        let (mut is_stream, mut timeout) = (false, 0);
        // SAFETY: The file is valid, and so are the others for writes.
        let is_partial = unsafe {
            bindings::cr_shim_socket_sleep(
                self.as_ptr(),
                send,
                &raw mut is_stream,
                &raw mut timeout,
            )
        };
        SocketSleep {
            is_stream,
            is_partial,
            timeout: (timeout != u64::MAX).then_some(timeout),
        }
    }

    /// Whether a read of it, a stream, that has got a part can be taken up again by another one.
    pub fn has_rest(&self) -> bool {
        // SAFETY: The file is valid.
        unsafe { bindings::cr_shim_has_rest(self.as_ptr()) }
    }

    /// A new socket of this type, with the flags of its file.
    pub fn make_socket(kind: u32, flags: u32) -> Result<Self> {
        // SAFETY: No preconditions; the result is an error or referenced.
        Self::from_result(unsafe { bindings::cr_shim_socket_make(kind, flags) })
    }
}

/// A socket of this family.
#[derive(Clone)]
pub struct SocketRef(SockRef);

impl Deref for SocketRef {
    type Target = SockRef;

    fn deref(&self) -> &SockRef {
        &self.0
    }
}

impl SocketRef {
    /// All that can be said about it in one look, with numbers of pids in `ns`; the rest of that
    /// in `record`.
    pub fn read(&self, ns: &PidNs, record: &mut cr_img_socket) -> SocketInfo {
        let mut info = SocketInfo::default();
        // SAFETY: Socket and namespace are valid, the others are valid for writes.
        unsafe { bindings::cr_shim_socket_read(self.as_ptr(), ns.as_ptr(), &mut info, record) };
        info
    }

    /// The same without what is in the record.
    pub fn read_info(&self, ns: &PidNs) -> SocketInfo {
        self.read(ns, &mut cr_img_socket::default())
    }

    /// The groups of who is at the other end: how many there are, of which as many as fit are
    /// written.
    pub fn peer_groups(&self, groups: &mut [u32]) -> usize {
        let max = groups.len() as u32;
        // SAFETY: The socket is valid, `groups` is valid for writes of its length.
        let nr =
            unsafe { bindings::cr_shim_socket_groups(self.as_ptr(), groups.as_mut_ptr(), max) };
        nr as usize
    }

    /// Where its name is in the file system.
    pub fn path(&self) -> Result<PathRef> {
        // SAFETY: The socket is valid, `path` is valid for writes.
        PathRef::filled(|path| unsafe { bindings::cr_shim_socket_path(self.as_ptr(), path) })
    }

    /// Whether it takes connections.
    pub fn is_listening(&self) -> bool {
        // SAFETY: The socket is valid.
        unsafe { bindings::cr_shim_socket_listens(self.as_ptr()) }
    }

    /// What waits in it, in order.
    pub fn messages(&self) -> impl Iterator<Item = MessageRef> + '_ {
        let mut queue = Queue::new(self, bindings::cr_shim_sock_next);
        core::iter::from_fn(move || Some(MessageRef::new(queue.advance()?)))
    }

    /// Lets others connect to it, before it has a name.
    pub fn listen(&self) -> Result {
        // SAFETY: The socket is valid.
        to_result(unsafe { bindings::cr_shim_socket_listen(self.as_ptr()) })
    }

    /// Connects it to one that listens; what accept(2) is going to return.
    pub fn connect(&self, listener: &SocketRef) -> Result<Self> {
        // SAFETY: Both sockets are valid; the result is an error or referenced.
        let sk = unsafe { bindings::cr_shim_socket_connect(self.as_ptr(), listener.as_ptr()) };
        // SAFETY: It is no error; the reference is ours now.
        let peer = unsafe { SockRef::from_owned(from_err_ptr(sk)?) };
        Ok(Self(peer.ok_or(ENOTCONN())?))
    }

    /// Connects two with each other, as socketpair(2).
    pub fn pair(&self, other: &SocketRef) -> Result {
        // SAFETY: Both sockets are valid.
        to_result(unsafe { bindings::cr_shim_socket_pair(self.as_ptr(), other.as_ptr()) })
    }

    /// Where its datagrams go to.
    pub fn set_peer(&self, peer: &SocketRef) -> Result {
        // SAFETY: Both sockets are valid.
        to_result(unsafe { bindings::cr_shim_socket_set_peer(self.as_ptr(), peer.as_ptr()) })
    }

    /// Puts a message into `to`. Nobody else has either of them yet. For a moment, the current task
    /// has descriptors of the files that go with it.
    pub fn send(&self, to: &SocketRef, data: &[u8], files: &[FileRef], time_ns: u64) -> Result {
        // SAFETY: Both sockets are valid; `data` and `files`, which are pointers to valid files, are
        // valid for reads of their lengths.
        to_result(unsafe {
            bindings::cr_shim_socket_send(
                self.as_ptr(),
                to.as_ptr(),
                data.as_ptr().cast(),
                data.len() as u32,
                files.as_ptr().cast_mut().cast(),
                files.len() as u32,
                time_ns,
            )
        })
    }

    /// Whether a message that waits in it is, or was, urgent: CR_MESSAGE_URGENT*.
    pub fn urgency(&self, message: &MessageRef) -> u32 {
        // SAFETY: The socket is valid, and so is the message.
        unsafe { bindings::cr_shim_message_urgency(self.as_ptr(), message.as_ptr()) }
    }

    /// Makes the byte that waits in it last what these flags say, if they do. Nobody else has it yet.
    pub fn set_urgency(&self, flags: u32) -> Result {
        // SAFETY: The socket is valid.
        to_result(unsafe { bindings::cr_shim_message_set_urgency(self.as_ptr(), flags) })
    }

    /// Gives it a name, by which others find it if it is `bound`. Fails with EADDRINUSE if they find
    /// somebody else by it.
    pub fn set_name(&self, name: &[u8], path: Option<&PathRef>, bound: bool) -> Result {
        let path = path.map_or(null(), PathRef::as_ptr);
        // SAFETY: The socket is valid, and so is the path, if there is one; `name` is valid for reads of
        // its length.
        to_result(unsafe {
            bindings::cr_shim_socket_set_name(
                self.as_ptr(),
                name.as_ptr().cast(),
                name.len() as u32,
                path,
                bound,
            )
        })
    }

    /// Sets what its connections have not told it. Fails with EPERM if the current task may not.
    pub fn set(&self, record: &cr_img_socket) -> Result {
        // SAFETY: The socket is valid, `record` is valid for reads.
        to_result(unsafe { bindings::cr_shim_socket_set(self.as_ptr(), record) })
    }

    /// Says whose it is at the other end. Fails with EPERM if the current task may not.
    pub fn set_peer_cred(
        &self,
        pid: Option<&PidRef>,
        record: &cr_img_socket,
        groups: &[u32],
    ) -> Result {
        if groups.len() != record.nr_groups as usize {
            return Err(EINVAL);
        }
        let pid = pid.map_or(null_mut(), PidRef::as_ptr);
        // SAFETY: The socket is valid, and so is the pid, if there is one; there are as many groups as
        // the record says.
        to_result(unsafe {
            bindings::cr_shim_socket_set_peercred(self.as_ptr(), pid, record, groups.as_ptr())
        })
    }
}

/// A message, or piece of a stream, that waits in a socket, with a reference.
pub struct MessageRef(NonNull<bindings::sk_buff>);

impl Drop for MessageRef {
    fn drop(&mut self) {
        // SAFETY: The reference is ours.
        unsafe { bindings::cr_shim_message_put(self.as_ptr()) }
    }
}

impl MessageRef {
    /// Adds a reference to one that waits in a socket.
    fn new(waiting: NonNull<bindings::sk_buff>) -> Self {
        // SAFETY: It is valid for now.
        unsafe { bindings::cr_shim_message_hold(waiting.as_ptr()) };
        Self(waiting)
    }

    fn as_ptr(&self) -> *mut bindings::sk_buff {
        self.0.as_ptr()
    }

    /// All that can be said about it in one look, with numbers of pids in `ns`.
    pub fn read(&self, ns: &PidNs) -> (MessageInfo, cr_img_message) {
        let mut info = MessageInfo::default();
        let mut out = cr_img_message::default();
        // SAFETY: Message and namespace are valid, the others are valid for writes.
        unsafe {
            bindings::cr_shim_message_read(self.as_ptr(), ns.as_ptr(), &mut info, &mut out);
        }
        (info, out)
    }

    /// Copies bytes of it, beginning with `from`.
    pub fn copy(&self, from: usize, out: &mut [u8]) -> Result {
        // SAFETY: The message is valid, `out` is valid for writes of its length.
        to_result(unsafe {
            bindings::cr_shim_message_copy(
                self.as_ptr(),
                from as u32,
                out.as_mut_ptr().cast(),
                out.len() as u32,
            )
        })
    }

    /// Says who has sent it, before anybody can receive it. Fails with EPERM if the current task may
    /// not.
    pub fn set_cred(&self, pid: Option<&PidRef>, record: &cr_img_message) -> Result {
        let pid = pid.map_or(null_mut(), PidRef::as_ptr);
        // SAFETY: The message is valid, and so is the pid, if there is one; `record` is valid for reads.
        to_result(unsafe { bindings::cr_shim_message_set_cred(self.as_ptr(), pid, record) })
    }

    /// The files that go with it.
    pub fn files(&self) -> impl Iterator<Item = FileRef> + '_ {
        (0..).map_while(|index| {
            // SAFETY: The message is valid; the result is null or referenced.
            let file = unsafe { bindings::cr_shim_message_file(self.as_ptr(), index) };
            // SAFETY: The reference is ours.
            NonNull::new(file).map(|file| unsafe { FileRef::from_owned(file) })
        })
    }

    /// In the queue of a socket that listens: what accept(2) is going to return.
    pub fn connection(&self) -> Option<SocketRef> {
        // SAFETY: The message is valid; the result is referenced.
        let sk = unsafe { bindings::cr_shim_message_socket(self.as_ptr()) };
        // SAFETY: The reference is ours now.
        unsafe { SockRef::from_owned(sk) }.map(SocketRef)
    }
}

/// A socket without a file, for a moment.
pub struct TemporarySocket {
    socket: NonNull<bindings::socket>,
    sk: SocketRef,
}

impl TemporarySocket {
    /// A new one of this type.
    pub fn new(kind: u32) -> Result<Self> {
        // SAFETY: No preconditions; the result is an error or ours.
        let socket = unsafe { bindings::cr_shim_socket_temporary(kind) };
        let socket = NonNull::new(from_err_ptr(socket)?).ok_or(ENOMEM)?;
        // SAFETY: The socket is valid.
        let sk = unsafe { bindings::cr_shim_socket_sk(socket.as_ptr()) };
        // SAFETY: It is valid as long as its socket, which nobody else has.
        unsafe { bindings::cr_shim_socket_hold(sk) };
        // SAFETY: The reference is ours now.
        let sk = unsafe { SockRef::from_owned(sk) }.ok_or(ENOTCONN())?;
        Ok(Self {
            socket,
            sk: SocketRef(sk),
        })
    }

    /// As the others have it.
    pub fn socket(&self) -> &SocketRef {
        &self.sk
    }
}

impl Drop for TemporarySocket {
    fn drop(&mut self) {
        // SAFETY: It is ours, and nobody else has it.
        unsafe { bindings::cr_shim_socket_release(self.socket.as_ptr()) }
    }
}
