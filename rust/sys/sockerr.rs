// SPDX-License-Identifier: GPL-2.0

//! Errors that wait in sockets.
//!
//! C header: [`include/linux/errqueue.h`](srctree/include/linux/errqueue.h).

use crate::{
    bindings,
    inet::InetRef,
    queue::{bytes_of, Queue},
};
use core::ptr::NonNull;
use cr_codec::uapi::*;
use kernel::{error::to_result, prelude::*};

impl InetRef {
    /// Errors that wait in it, in order, while nobody receives them. EOPNOTSUPP: one with more than the
    /// record has room for; E2BIG: a large one.
    pub fn errors(&self) -> impl Iterator<Item = Result<(cr_img_sockerr, KVVec<u8>)>> + '_ {
        let mut queue = Queue::new(self, bindings::cr_shim_sock_next_error);
        core::iter::from_fn(move || Some(read_error(self, queue.advance()?)))
    }

    /// The path MTU that it is to be told of, as a record of an error.
    pub fn path_mtu(&self) -> Option<cr_img_sockerr> {
        let mut record = cr_img_sockerr::default();
        // SAFETY: The socket is valid, and nobody receives from it; `record` is valid for writes.
        unsafe { bindings::cr_shim_sockerr_read_mtu(self.as_ptr(), &raw mut record) }
            .then_some(record)
    }

    /// Puts an error, or the path MTU, into it as it waited. Nobody else has the socket yet.
    pub fn queue_error(&self, record: &cr_img_sockerr, data: &[u8]) -> Result {
        if data.len() != record.packet.length as usize {
            return Err(EINVAL);
        }
        // SAFETY: The socket is valid, `record` is valid for reads, and `data` for those of its length.
        to_result(unsafe {
            bindings::cr_shim_sockerr_queue(self.as_ptr(), record, data.as_ptr().cast())
        })
    }
}

fn read_error(
    socket: &InetRef,
    error: NonNull<bindings::sk_buff>,
) -> Result<(cr_img_sockerr, KVVec<u8>)> {
    let mut record = cr_img_sockerr::default();
    // SAFETY: Socket and error are valid, `record` is valid for writes.
    to_result(unsafe {
        bindings::cr_shim_sockerr_read(socket.as_ptr(), error.as_ptr(), &raw mut record)
    })?;
    if record.packet.length > CR_DATAGRAM_MAX {
        return Err(E2BIG);
    }
    let bytes = bytes_of(error, record.packet.length)?;
    Ok((record, bytes))
}
