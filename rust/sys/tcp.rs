// SPDX-License-Identifier: GPL-2.0

//! TCP connections within the machine, of which both ends are at hand.
//!
//! C source: [`net/ipv4/tcp.c`](srctree/net/ipv4/tcp.c).

use crate::{bindings, inet::InetRef, vec};
use core::ptr::null_mut;
use cr_codec::uapi::*;
use kernel::{
    error::{from_err_ptr, to_result},
    prelude::*,
};

impl InetRef {
    /// The other end of this connection, and the identity of its open file, which is 0 if it was
    /// closed; none if it is gone. EXDEV: it is not in this machine; EAGAIN: it was not accepted yet.
    pub fn peer(&self) -> Result<Option<(InetRef, u64)>> {
        let mut file = 0;
        // SAFETY: The socket is valid, and so is `file` for writes.
        let peer = unsafe { bindings::cr_shim_tcp_peer(self.as_ptr(), &raw mut file) };
        // SAFETY: It is null or referenced, and the reference is ours now.
        let peer = unsafe { InetRef::from_owned(from_err_ptr(peer)?) };
        Ok(peer.map(|peer| (peer, file)))
    }

    /// Connection number `nr` of those that it has not accepted.
    pub fn waiting(&self, nr: u32) -> Option<InetRef> {
        // SAFETY: The socket is valid, and listens.
        let waiting = unsafe { bindings::cr_shim_tcp_waiting(self.as_ptr(), nr) };
        // SAFETY: It is null or referenced, and the reference is ours now.
        unsafe { InetRef::from_owned(waiting) }
    }

    /// What it is to receive from `peer`: how much, and the bytes. `live`: somebody has that open.
    /// EAGAIN: it is about to end; EOPNOTSUPP: urgent data is still to come; E2BIG: it is too much.
    pub fn read_stream(
        &self,
        peer: Option<&InetRef>,
        live: bool,
    ) -> Result<(cr_img_stream, KVVec<u8>)> {
        let peer = peer.map_or(null_mut(), |peer| peer.as_ptr());
        let mut bytes = KVVec::new();
        loop {
            let mut stream = cr_img_stream::default();
            // SAFETY: Both sockets are valid, `stream` is valid for writes, and `bytes` for those of its
            // length.
            to_result(unsafe {
                bindings::cr_shim_tcp_read(
                    self.as_ptr(),
                    peer,
                    live,
                    &raw mut stream,
                    bytes.as_mut_ptr(),
                    bytes.len() as u32,
                )
            })?;
            let length = stream.nr_received.saturating_add(stream.nr_pending);
            if length > CR_STREAM_MAX {
                return Err(E2BIG);
            }
            if length as usize <= bytes.len() {
                bytes.truncate(length as usize);
                return Ok((stream, bytes));
            }
            bytes = vec::zeroed(length as usize, GFP_KERNEL)?;
        }
    }

    /// Says which byte of those that it has received is urgent, and which one that is. Nobody else has it yet.
    pub fn set_urgent(&self, record: &cr_img_stream, byte: u8) {
        // SAFETY: The socket is valid, `record` is valid for reads.
        unsafe { bindings::cr_shim_tcp_set_urgent(self.as_ptr(), record, byte) }
    }

    /// Lets it go without a word to the other end, when its file is closed.
    pub fn silence(&self) {
        // SAFETY: The socket is valid.
        unsafe { bindings::cr_shim_tcp_silence(self.as_ptr()) }
    }

    /// Connects it to where the record says; in repair mode, without a word. EADDRNOTAVAIL: that is not
    /// in this machine; EINPROGRESS: it takes a moment.
    pub fn connect(&self, record: &cr_img_inet) -> Result {
        // SAFETY: The socket is valid, `record` is valid for reads.
        to_result(unsafe { bindings::cr_shim_tcp_connect(self.as_ptr(), record) })
    }

    /// Sends all of it; in repair mode, puts it into the queue that was chosen.
    pub fn send(&self, data: &[u8]) -> Result {
        // SAFETY: The socket is valid, `data` is valid for reads of its length.
        to_result(unsafe {
            bindings::cr_shim_tcp_send(self.as_ptr(), data.as_ptr(), data.len() as u32)
        })
    }

    /// Nothing more is received, as if the other end had said so.
    pub fn end(&self) {
        // SAFETY: The socket is valid.
        unsafe { bindings::cr_shim_tcp_end(self.as_ptr()) }
    }

    /// Nothing more is sent: see shutdown(2).
    pub fn shut_down(&self) -> Result {
        // SAFETY: The socket is valid.
        to_result(unsafe { bindings::cr_shim_tcp_shut_down(self.as_ptr()) })
    }
}
