// SPDX-License-Identifier: GPL-2.0

//! Netlink sockets, and the messages that wait in them.
//!
//! C source: [`net/netlink/af_netlink.c`](srctree/net/netlink/af_netlink.c).

use crate::{
    bindings,
    file::FileRef,
    inet::SockRef,
    queue::{bytes_of, Queue},
};
use core::{ops::Deref, ptr::NonNull};
use cr_codec::uapi::*;
use kernel::{error::to_result, prelude::*};

impl FileRef {
    /// The netlink socket behind it, if it is one.
    pub fn netlink(&self) -> Option<NetlinkRef> {
        // SAFETY: The file is valid; the result is null or referenced.
        let sk = unsafe { bindings::cr_shim_netlink_of(self.as_ptr()) };
        // SAFETY: The reference is ours now.
        unsafe { SockRef::from_owned(sk) }.map(NetlinkRef)
    }

    /// A new netlink socket as the record says, with the flags of its file. EPERM: it was opened by
    /// somebody with more capabilities than the current task has.
    pub fn make_netlink(record: &cr_img_netlink, flags: u32) -> Result<Self> {
        // SAFETY: `record` is valid for reads; the result is an error or referenced.
        Self::from_result(unsafe { bindings::cr_shim_netlink_make(record, flags) })
    }
}

/// A netlink socket.
#[derive(Clone)]
pub struct NetlinkRef(SockRef);

impl Deref for NetlinkRef {
    type Target = SockRef;

    fn deref(&self) -> &SockRef {
        &self.0
    }
}

impl NetlinkRef {
    /// All that can be said about it in one look, but for its options; and what it has that is not
    /// supported: `CR_INET_X_*`. The file is that of the socket.
    pub fn read(&self, file: &FileRef) -> (u64, cr_img_netlink) {
        let mut out = cr_img_netlink::default();
        // SAFETY: Socket and file are valid, `out` is valid for writes.
        let unsupported =
            unsafe { bindings::cr_shim_netlink_read(self.as_ptr(), file.as_ptr(), &raw mut out) };
        (unsupported, out)
    }

    /// Groups that it is a member of.
    pub fn groups(&self) -> impl Iterator<Item = u32> + '_ {
        let mut group = 0;
        core::iter::from_fn(move || {
            // SAFETY: The socket is valid.
            group = unsafe { bindings::cr_shim_netlink_group(self.as_ptr(), group) };
            (group != 0).then_some(group)
        })
    }

    /// What waits in it, in order, while nobody receives it. EOPNOTSUPP: one that is another one for
    /// 32-bit programs; E2BIG: a large one.
    pub fn messages(
        &self,
    ) -> impl Iterator<Item = Result<(cr_img_netlink_message, KVVec<u8>)>> + '_ {
        let mut queue = Queue::new(self, bindings::cr_shim_sock_next);
        core::iter::from_fn(move || Some(read(queue.advance()?)))
    }

    /// Puts a message into it as it was received. Nobody else has the socket yet. EPERM: the current task
    /// may not say that it is from this sender.
    pub fn queue_message(&self, record: &cr_img_netlink_message, data: &[u8]) -> Result {
        if data.len() != record.length as usize {
            return Err(EINVAL);
        }
        // SAFETY: The socket is valid, `record` is valid for reads, and `data` for those of its length.
        to_result(unsafe {
            bindings::cr_shim_netlink_queue(self.as_ptr(), record, data.as_ptr().cast())
        })
    }

    /// Gives it its port, and connects it.
    pub fn bind(&self, record: &cr_img_netlink) -> Result {
        // SAFETY: The socket is valid, `record` is valid for reads.
        to_result(unsafe { bindings::cr_shim_netlink_bind(self.as_ptr(), record) })
    }

    /// Sets what is left. Fails with EPERM if the current task may not.
    pub fn set(&self, record: &cr_img_netlink) -> Result {
        // SAFETY: The socket is valid, `record` is valid for reads.
        to_result(unsafe { bindings::cr_shim_netlink_set(self.as_ptr(), record) })
    }
}

fn read(message: NonNull<bindings::sk_buff>) -> Result<(cr_img_netlink_message, KVVec<u8>)> {
    let mut record = cr_img_netlink_message::default();
    // SAFETY: The message is valid, `record` is valid for writes.
    to_result(unsafe {
        bindings::cr_shim_netlink_message_read(message.as_ptr(), &raw mut record)
    })?;
    if record.length > CR_NETLINK_MAX {
        return Err(E2BIG);
    }
    let bytes = bytes_of(message, record.length)?;
    Ok((record, bytes))
}
