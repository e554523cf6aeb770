// SPDX-License-Identifier: GPL-2.0

//! Sockets of the families AF_INET and AF_INET6.
//!
//! C header: [`include/net/inet_sock.h`](srctree/include/net/inet_sock.h).

use crate::{bindings, file::FileRef};
use core::{ops::Deref, ptr::NonNull};
use cr_codec::uapi::*;
use kernel::{error::to_result, prelude::*};

pub use bindings::{
    cr_shim_inet as InetInfo, CR_INET_X_AUDITD, CR_INET_X_BPF, CR_INET_X_CORKED, CR_INET_X_DEVICE,
    CR_INET_X_DISCONNECTED, CR_INET_X_DUMP, CR_INET_X_ENCAP, CR_INET_X_ERRORS, CR_INET_X_FANOUT,
    CR_INET_X_FASTOPEN, CR_INET_X_FILTER, CR_INET_X_IPOPTIONS, CR_INET_X_LABELS, CR_INET_X_MEMBER,
    CR_INET_X_NET, CR_INET_X_OPENER, CR_INET_X_OPTION, CR_INET_X_PACKET, CR_INET_X_POLICY,
    CR_INET_X_PROTOCOL, CR_INET_X_RING, CR_INET_X_ROUTER, CR_INET_X_SIGNED, CR_INET_X_SOURCES,
    CR_INET_X_ULP,
};

impl FileRef {
    /// The socket behind it, if it is one of these families.
    pub fn inet(&self) -> Option<InetRef> {
        // SAFETY: The file is valid; the result is null or referenced.
        let sk = unsafe { bindings::cr_shim_inet_of(self.as_ptr()) };
        // SAFETY: The reference is ours now.
        unsafe { InetRef::from_owned(sk) }
    }

    /// A new socket as the record says, with the flags of its file.
    pub fn make_inet(record: &cr_img_inet, flags: u32) -> Result<Self> {
        // SAFETY: No preconditions; the result is an error or referenced.
        Self::from_result(unsafe {
            bindings::cr_shim_inet_make(record.family, record.type_, record.protocol, flags)
        })
    }
}

/// A socket of any family, with a reference.
pub struct SockRef(NonNull<bindings::sock>);

impl Drop for SockRef {
    fn drop(&mut self) {
        // SAFETY: The reference is ours.
        unsafe { bindings::cr_shim_socket_put(self.as_ptr()) }
    }
}

impl Clone for SockRef {
    fn clone(&self) -> Self {
        // SAFETY: The socket is valid.
        unsafe { bindings::cr_shim_socket_hold(self.as_ptr()) };
        Self(self.0)
    }
}

impl SockRef {
    /// # Safety
    ///
    /// The pointer is null, or to a socket with a reference that becomes that of the result.
    pub(crate) unsafe fn from_owned(sk: *mut bindings::sock) -> Option<Self> {
        Some(Self(NonNull::new(sk)?))
    }

    pub(crate) fn as_ptr(&self) -> *mut bindings::sock {
        self.0.as_ptr()
    }

    /// A number that tells it from others.
    pub fn identity(&self) -> u64 {
        self.as_ptr() as u64
    }

    /// The value of an option, with zeros after it; none if such a socket does not have it.
    pub fn option(&self, level: u32, name: u32, length: usize) -> Option<[u8; SOCKOPT_LEN]> {
        let mut value = [0; SOCKOPT_LEN];
        let room = value.get_mut(..length)?;
        // SAFETY: The socket is valid, `room` is valid for writes of its length.
        let result = unsafe {
            let to = room.as_mut_ptr().cast();
            bindings::cr_shim_inet_getsockopt(self.as_ptr(), level, name, to, room.len() as u32)
        };
        to_result(result).ok().map(|()| value)
    }

    /// Sets an option. Fails with EPERM, and the like, if the current task may not.
    pub fn set_option(&self, level: u32, name: u32, value: &[u8]) -> Result {
        // Some that are set and not told are longer.
        let mut copy = [0; 2 * SOCKOPT_LEN];
        let copy = copy.get_mut(..value.len()).ok_or(EINVAL)?;
        copy.copy_from_slice(value);
        // SAFETY: The socket is valid, `copy` is valid for reads of its length.
        to_result(unsafe {
            let from = copy.as_mut_ptr().cast();
            bindings::cr_shim_inet_setsockopt(self.as_ptr(), level, name, from, copy.len() as u32)
        })
    }

    /// Sets the size of a buffer that the kernel has chosen, not the program, as far as the system
    /// allows here.
    pub fn set_buffer(&self, send: bool, size: u32) {
        // SAFETY: The socket is valid.
        unsafe { bindings::cr_shim_inet_set_buffer(self.as_ptr(), send, size) }
    }

    /// Sets IPV6_V6ONLY, also if it is bound.
    pub fn set_v6only(&self, only: bool) {
        // SAFETY: The socket is valid.
        unsafe { bindings::cr_shim_inet_set_v6only(self.as_ptr(), only) }
    }
}

/// A socket of one of these families.
#[derive(Clone)]
pub struct InetRef(SockRef);

impl Deref for InetRef {
    type Target = SockRef;

    fn deref(&self) -> &SockRef {
        &self.0
    }
}

impl InetRef {
    /// # Safety
    ///
    /// The pointer is null, or to a socket of one of these families, with a reference that becomes
    /// that of the result.
    pub(crate) unsafe fn from_owned(sk: *mut bindings::sock) -> Option<Self> {
        // SAFETY: Our own.
        unsafe { SockRef::from_owned(sk) }.map(Self)
    }

    /// All that can be said about it in one look, but for its options.
    pub fn read(&self) -> (InetInfo, cr_img_inet) {
        let mut info = InetInfo::default();
        let mut out = cr_img_inet::default();
        // SAFETY: The socket is valid, the others are valid for writes.
        unsafe { bindings::cr_shim_inet_read(self.as_ptr(), &mut info, &mut out) };
        (info, out)
    }

    /// Gives it the address and port by which others find it, as bind(2).
    pub fn bind(&self, record: &cr_img_inet) -> Result {
        // SAFETY: The socket is valid, `record` is valid for reads.
        to_result(unsafe { bindings::cr_shim_inet_bind(self.as_ptr(), record) })
    }

    /// Lets others connect to it.
    pub fn listen(&self, backlog: u32) -> Result {
        // SAFETY: The socket is valid.
        to_result(unsafe { bindings::cr_shim_inet_listen(self.as_ptr(), backlog) })
    }

    /// Sets what is left. Fails with EPERM if the current task may not.
    pub fn set(&self, record: &cr_img_inet) -> Result {
        // SAFETY: The socket is valid, `record` is valid for reads.
        to_result(unsafe { bindings::cr_shim_inet_set(self.as_ptr(), record) })
    }
}

/// Bytes of an option.
pub const SOCKOPT_LEN: usize = CR_SOCKOPT_LEN as usize;
