// SPDX-License-Identifier: GPL-2.0

//! UDP, ping and raw sockets, and the datagrams that wait in them.
//!
//! C source: [`net/ipv4/udp.c`](srctree/net/ipv4/udp.c).

use crate::{
    bindings,
    inet::{InetRef, SOCKOPT_LEN},
    list::read_all,
    queue::{bytes_of, Queue},
};
use core::ptr::NonNull;
use cr_codec::uapi::*;
use kernel::{error::to_result, prelude::*};

/// Waits until what was sent within the machine has been received.
pub fn settle() {
    // SAFETY: No preconditions, but to be in a task that may sleep.
    unsafe { bindings::cr_shim_udp_settle() }
}

impl InetRef {
    /// Groups that it is a member of, but for those of certain sources alone, from the first that it has joined on, as setsockopt(2) takes them.
    /// A TCP socket has none.
    pub fn groups(&self, v6: bool) -> impl Iterator<Item = [u8; SOCKOPT_LEN]> + '_ {
        (0..).map_while(move |nr| {
            let mut value = [0; SOCKOPT_LEN];
            let to = value.as_mut_ptr().cast();
            // SAFETY: The socket is valid, `to` is valid for writes of the longest of them.
            unsafe { bindings::cr_shim_udp_group(self.as_ptr(), v6, nr, to) }.then_some(value)
        })
    }

    /// Sources of groups that it is a member of.
    pub fn sources(&self) -> Result<KVVec<cr_img_source>> {
        read_all(|room: &mut [cr_img_source]| {
            let (to, max) = (room.as_mut_ptr(), room.len() as u32);
            // SAFETY: The socket is valid, `to` is valid for writes of so many.
            let nr = unsafe { bindings::cr_shim_udp_sources(self.as_ptr(), to, max) };
            Ok::<_, Error>(nr as usize)
        })
    }

    /// Lets it have one more source of a group.
    pub fn add_source(&self, record: &cr_img_source) -> Result {
        // SAFETY: The socket is valid, `record` is valid for reads.
        to_result(unsafe { bindings::cr_shim_udp_add_source(self.as_ptr(), record) })
    }

    /// What waits in it, in order, while nobody receives it; nothing in a TCP socket. EBADMSG: one that
    /// is damaged, which nobody is going to receive; EOPNOTSUPP: one with more than the record has room
    /// for.
    pub fn datagrams(&self) -> impl Iterator<Item = Result<(cr_img_datagram, KVVec<u8>)>> + '_ {
        let mut queue = Queue::new(self, bindings::cr_shim_udp_next);
        core::iter::from_fn(move || Some(read(self, queue.advance()?)))
    }

    /// Puts a datagram into it as it was received. Nobody else has the socket yet.
    pub fn queue_datagram(&self, record: &cr_img_datagram, data: &[u8]) -> Result {
        if data.len() != record.length as usize {
            return Err(EINVAL);
        }
        // SAFETY: The socket is valid, `record` is valid for reads, and `data` for those of its length.
        to_result(unsafe {
            bindings::cr_shim_udp_queue(self.as_ptr(), record, data.as_ptr().cast())
        })
    }

    /// Hides a new raw socket from the network, and throws away what it has received.
    pub fn hide(&self) {
        // SAFETY: The socket is valid.
        unsafe { bindings::cr_shim_raw_hide(self.as_ptr()) }
    }

    /// Lets a raw socket receive packets again.
    pub fn show(&self) {
        // SAFETY: The socket is valid.
        unsafe { bindings::cr_shim_raw_show(self.as_ptr()) }
    }

    /// Connects it to where the record says, as connect(2), and throws away what had come before.
    pub fn connect_datagrams(&self, record: &cr_img_inet) -> Result {
        // SAFETY: The socket is valid, `record` is valid for reads.
        to_result(unsafe { bindings::cr_shim_inet_connect(self.as_ptr(), record) })?;
        // SAFETY: The socket is valid.
        unsafe { bindings::cr_shim_udp_drain(self.as_ptr()) };
        Ok(())
    }
}

fn read(
    socket: &InetRef,
    datagram: NonNull<bindings::sk_buff>,
) -> Result<(cr_img_datagram, KVVec<u8>)> {
    let mut record = cr_img_datagram::default();
    // SAFETY: Socket and datagram are valid, `record` is valid for writes.
    to_result(unsafe {
        bindings::cr_shim_udp_read(socket.as_ptr(), datagram.as_ptr(), &raw mut record)
    })?;
    if record.length > CR_DATAGRAM_MAX {
        return Err(E2BIG);
    }
    let bytes = bytes_of(datagram, record.length)?;
    Ok((record, bytes))
}
