// SPDX-License-Identifier: GPL-2.0

//! Packet sockets, and the frames that wait in them.
//!
//! C source: [`net/packet/af_packet.c`](srctree/net/packet/af_packet.c).

use crate::{
    bindings,
    file::FileRef,
    inet::{SockRef, SOCKOPT_LEN},
    queue::{bytes_of, Queue},
};
use core::{ops::Deref, ptr::NonNull};
use cr_codec::uapi::*;
use kernel::{error::to_result, prelude::*};

const AF_PACKET: u32 = 17;

impl FileRef {
    /// The packet socket behind it, if it is one.
    pub fn packet(&self) -> Option<PacketRef> {
        // SAFETY: The file is valid; the result is null or referenced.
        let sk = unsafe { bindings::cr_shim_packet_of(self.as_ptr()) };
        // SAFETY: The reference is ours now.
        unsafe { SockRef::from_owned(sk) }.map(PacketRef)
    }

    /// A new packet socket of this type, with the flags of its file, that receives nothing.
    pub fn make_packet(kind: u32, flags: u32) -> Result<Self> {
        // SAFETY: No preconditions; the result is an error or referenced.
        Self::from_result(unsafe { bindings::cr_shim_inet_make(AF_PACKET, kind, 0, flags) })
    }
}

/// A packet socket.
#[derive(Clone)]
pub struct PacketRef(SockRef);

impl Deref for PacketRef {
    type Target = SockRef;

    fn deref(&self) -> &SockRef {
        &self.0
    }
}

impl PacketRef {
    /// All that can be said about it in one look, but for its options; and what it has that is not
    /// supported: `CR_INET_X_*`.
    pub fn read(&self) -> (u64, cr_img_link) {
        let mut out = cr_img_link::default();
        // SAFETY: The socket is valid, `out` is valid for writes.
        let unsupported = unsafe { bindings::cr_shim_packet_read(self.as_ptr(), &raw mut out) };
        (unsupported, out)
    }

    /// Groups that it is a member of, as setsockopt(2) takes them.
    pub fn groups(&self) -> impl Iterator<Item = [u8; SOCKOPT_LEN]> + '_ {
        (0..).map_while(|nr| {
            let mut value = [0; SOCKOPT_LEN];
            let to = value.as_mut_ptr().cast();
            // SAFETY: The socket is valid, `to` is valid for writes of such a group.
            unsafe { bindings::cr_shim_packet_group(self.as_ptr(), nr, to) }.then_some(value)
        })
    }

    /// What waits in it, in order, while nobody receives it. EOPNOTSUPP: one that the record has no room
    /// for; E2BIG: a large one.
    pub fn frames(&self) -> impl Iterator<Item = Result<(cr_img_frame, KVVec<u8>)>> + '_ {
        let mut queue = Queue::new(self, bindings::cr_shim_sock_next);
        core::iter::from_fn(move || Some(read(queue.advance()?)))
    }

    /// Puts a frame into it as it was received. Nobody else has the socket yet.
    pub fn queue_frame(&self, record: &cr_img_frame, data: &[u8]) -> Result {
        if data.len() != record.length as usize {
            return Err(EINVAL);
        }
        // SAFETY: The socket is valid, `record` is valid for reads, and `data` for those of its length.
        to_result(unsafe {
            bindings::cr_shim_packet_queue(self.as_ptr(), record, data.as_ptr().cast())
        })
    }

    /// Lets it receive from its device. ENODEV: there is none of this name; EXDEV: it has another number;
    /// ENETDOWN: it is down.
    pub fn bind(&self, record: &cr_img_link) -> Result {
        // SAFETY: The socket is valid, `record` is valid for reads.
        to_result(unsafe { bindings::cr_shim_packet_bind(self.as_ptr(), record) })
    }

    /// Sets what is left. Fails with EPERM if the current task may not.
    pub fn set(&self, record: &cr_img_link) -> Result {
        // SAFETY: The socket is valid, `record` is valid for reads.
        to_result(unsafe { bindings::cr_shim_packet_set(self.as_ptr(), record) })
    }
}

fn read(frame: NonNull<bindings::sk_buff>) -> Result<(cr_img_frame, KVVec<u8>)> {
    let mut record = cr_img_frame::default();
    // SAFETY: The frame is valid, `record` is valid for writes.
    to_result(unsafe { bindings::cr_shim_packet_frame_read(frame.as_ptr(), &raw mut record) })?;
    if record.length > CR_FRAME_MAX {
        return Err(E2BIG);
    }
    let bytes = bytes_of(frame, record.length)?;
    Ok((record, bytes))
}
