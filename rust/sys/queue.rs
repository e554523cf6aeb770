// SPDX-License-Identifier: GPL-2.0

//! What waits in sockets that have messages.
//!
//! C header: [`include/linux/skbuff.h`](srctree/include/linux/skbuff.h).

use crate::{bindings, inet::SockRef, vec};
use core::ptr::{null_mut, NonNull};
use kernel::{error::to_result, prelude::*};

/// What is behind another one in a socket, or the first one for null: referenced, or null.
pub(crate) type Next =
    unsafe extern "C" fn(*mut bindings::sock, *mut bindings::sk_buff) -> *mut bindings::sk_buff;

/// What waits in a socket that nobody receives from meanwhile, one after the other.
pub(crate) struct Queue<'a> {
    socket: &'a SockRef,
    next: Next,
    last: Option<NonNull<bindings::sk_buff>>,
    is_over: bool,
}

impl<'a> Queue<'a> {
    pub(crate) fn new(socket: &'a SockRef, next: Next) -> Self {
        Self {
            socket,
            next,
            last: None,
            is_over: false,
        }
    }

    /// The next one, which is valid until the one after that is asked for.
    pub(crate) fn advance(&mut self) -> Option<NonNull<bindings::sk_buff>> {
        if self.is_over {
            return None;
        }
        let last = self.last.map_or(null_mut(), |last| last.as_ptr());
        // SAFETY: The socket is valid, and so is `last`, which is still in it, if there is one.
        let next = unsafe { (self.next)(self.socket.as_ptr(), last) };
        self.put_last();
        self.last = NonNull::new(next);
        self.is_over = self.last.is_none();
        self.last
    }

    fn put_last(&mut self) {
        if let Some(last) = self.last.take() {
            // SAFETY: The reference is ours.
            unsafe { bindings::cr_shim_message_put(last.as_ptr()) }
        }
    }
}

impl Drop for Queue<'_> {
    fn drop(&mut self) {
        self.put_last();
    }
}

/// The bytes of what waits, which are so many.
pub(crate) fn bytes_of(waiting: NonNull<bindings::sk_buff>, length: u32) -> Result<KVVec<u8>> {
    let mut bytes = vec::zeroed::<u8>(length as usize, GFP_KERNEL)?;
    // SAFETY: It is valid, and fails if it has fewer bytes than that, for which `bytes` is valid for
    // writes.
    to_result(unsafe {
        let to = bytes.as_mut_ptr().cast();
        bindings::cr_shim_udp_copy(waiting.as_ptr(), to, length)
    })?;
    Ok(bytes)
}
