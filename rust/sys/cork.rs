// SPDX-License-Identifier: GPL-2.0

//! Datagrams of UDP sockets that are not complete.
//!
//! C source: [`net/ipv4/udp.c`](srctree/net/ipv4/udp.c).

use crate::{bindings, inet::InetRef, vec};
use cr_codec::uapi::*;
use kernel::{error::to_result, prelude::*};

impl InetRef {
    /// The datagram of which more is to come, if there is one, and what there is of it.
    pub fn cork(&self) -> Result<Option<(cr_img_cork, KVVec<u8>)>> {
        let mut record = cr_img_cork::default();
        // SAFETY: The socket is valid, `record` is valid for writes.
        if !unsafe { bindings::cr_shim_cork_read(self.as_ptr(), &raw mut record) } {
            return Ok(None);
        }
        let mut bytes = vec::zeroed::<u8>(record.length as usize, GFP_KERNEL)?;
        // SAFETY: The socket is valid, `bytes` is valid for writes of its length.
        to_result(unsafe {
            bindings::cr_shim_cork_copy(self.as_ptr(), bytes.as_mut_ptr(), record.length)
        })?;
        Ok(Some((record, bytes)))
    }

    /// Sends the same again, of which more is to come. Nobody else has the socket yet.
    pub fn send_corked(&self, record: &cr_img_cork, data: &[u8]) -> Result {
        if data.len() != record.length as usize {
            return Err(EINVAL);
        }
        // SAFETY: The socket is valid, `record` is valid for reads, and `data` for those of its length.
        to_result(unsafe {
            bindings::cr_shim_cork_send(self.as_ptr(), record, data.as_ptr().cast())
        })
    }
}
