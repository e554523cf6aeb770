// SPDX-License-Identifier: GPL-2.0

//! Options of sockets: as getsockopt(2) tells them, and set again by setsockopt(2), so that the kernel
//! checks what the caller may have.

use crate::{
    report::{fail, Context, Name, Result},
    state::inet::protocol,
};
use cr_codec::{check::Rec, record::Record, sockopt::*, uapi::*};
use cr_sys::inet::SockRef;
use kernel::prelude::*;
use zerocopy::IntoBytes;

const IPV6_V6ONLY: u32 = 26;
const SO_SNDBUFFORCE: u32 = 32;
const SO_RCVBUFFORCE: u32 = 33;
/// Of SO_BUF_LOCK.
const SNDBUF_LOCK: u32 = 1;
const RCVBUF_LOCK: u32 = 2;

/// What the options of a socket are, but for groups that it is a member of.
pub(crate) fn read(socket: &SockRef, protocol: u32) -> Result<KVVec<cr_img_sockopt>> {
    let mut options = KVVec::with_capacity(all(protocol).count(), GFP_KERNEL)?;
    for known in all(protocol) {
        let (level, name, length) = known;
        if let Some(value) = socket.option(level, name, length as usize) {
            options.push(option(known, value), GFP_KERNEL)?;
        }
    }
    Ok(options)
}

/// A level, a name and a length, with a value.
pub(crate) fn option(
    (level, name, length): (u32, u32, u32),
    value: [u8; CR_SOCKOPT_LEN as usize],
) -> cr_img_sockopt {
    cr_img_sockopt {
        level,
        name,
        length,
        reserved: 0,
        value,
    }
}

/// The options in the record of a socket.
pub(crate) struct Options<'a> {
    rec: &'a Rec<'a>,
    from: usize,
    protocol: u32,
}

impl<'a> Options<'a> {
    /// Those behind a record of this kind.
    pub(crate) fn of<T: Record>(rec: &'a Rec<'a>, protocol: u32) -> Self {
        Self {
            rec,
            from: size_of::<T>(),
            protocol,
        }
    }

    fn each(&self, act: impl Fn(&cr_img_sockopt) -> Result) -> Result {
        for option in self.rec.array::<cr_img_sockopt>(self.from) {
            act(&option).context(format_args!("{}", Named(&option, self.protocol)))?;
        }
        Ok(())
    }

    /// Sets those that a new socket does not have already.
    pub(crate) fn set(&self, socket: &SockRef) -> Result {
        let mut locks = 0;
        for option in self.rec.array::<cr_img_sockopt>(self.from) {
            if (option.level, option.name) == (SOL_SOCKET, SO_BUF_LOCK) {
                locks = int(&option.value);
            }
        }
        self.each(|option| match is_membership(option) {
            // Groups are joined at the end.
            true => Ok(()),
            false => set_option(socket, option, locks),
        })
    }

    /// Makes a socket a member of the groups that it was in.
    pub(crate) fn join_groups(&self, socket: &SockRef) -> Result {
        self.each(|option| {
            let value = option.value.get(..option.length as usize).ok_or(EINVAL)?;
            match is_membership(option) {
                true => Ok(socket.set_option(option.level, option.name, value)?),
                false => Ok(()),
            }
        })
    }
}

fn set_option(socket: &SockRef, option: &cr_img_sockopt, locks: u32) -> Result {
    let (level, name, length) = (option.level, option.name, option.length as usize);
    let is_set = || socket.option(level, name, length) == Some(option.value);
    if is_set() {
        return Ok(());
    }
    let value = option.value.get(..length).ok_or(EINVAL)?;
    match (level, name) {
        // The kernel may choose another size at any time.
        (SOL_SOCKET, SO_SNDBUF) if locks & SNDBUF_LOCK == 0 => {
            socket.set_buffer(true, int(value));
            return Ok(());
        }
        (SOL_SOCKET, SO_RCVBUF) if locks & RCVBUF_LOCK == 0 => {
            socket.set_buffer(false, int(value));
            return Ok(());
        }
        (SOL_SOCKET, SO_SNDBUF | SO_RCVBUF) => {
            let half = int(value) / 2;
            socket.set_option(level, name, half.as_bytes())?;
            let force = match name {
                SO_SNDBUF => SO_SNDBUFFORCE,
                _ => SO_RCVBUFFORCE,
            };
            if !is_set() {
                socket.set_option(level, force, half.as_bytes())?;
            }
        }
        // Who was not bound by the program is now.
        (SOL_IPV6, IPV6_V6ONLY) => socket.set_v6only(int(value) != 0),
        (SOL_SOCKET, SO_LINGER) => {
            // The time is kept when it is switched off.
            let mut on = option.value;
            on[..size_of::<u32>()].copy_from_slice(1u32.as_bytes());
            socket.set_option(level, name, &on[..length])?;
            socket.set_option(level, name, value)?;
        }
        (SOL_SOCKET, SO_BINDTODEVICE) => {
            let end = value.iter().position(|byte| *byte == 0);
            let device = value.get(..end.unwrap_or(length)).ok_or(EINVAL)?;
            socket
                .set_option(level, name, device)
                .context(format_args!("device {}", Name(device)))?;
        }
        _ => socket.set_option(level, name, value)?,
    }
    match is_set() {
        true => Ok(()),
        false => fail!(EINVAL, "cannot be as it was"),
    }
}

/// An option with a value of one int, or the first part of another.
fn int(value: &[u8]) -> u32 {
    match value {
        [a, b, c, d, ..] => u32::from_ne_bytes([*a, *b, *c, *d]),
        _ => 0,
    }
}

/// An option, for people.
struct Named<'a>(&'a cr_img_sockopt, u32);

impl core::fmt::Display for Named<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let level = match self.0.level {
            SOL_SOCKET => "SOL_SOCKET",
            SOL_IP => "IPPROTO_IP",
            SOL_IPV6 => "IPPROTO_IPV6",
            SOL_UDP => "IPPROTO_UDP",
            SOL_RAW => "SOL_RAW",
            SOL_ICMPV6 => "IPPROTO_ICMPV6",
            SOL_NETLINK => "SOL_NETLINK",
            SOL_PACKET => "SOL_PACKET",
            _ => "IPPROTO_TCP",
        };
        let (name, protocol) = (self.0.name, protocol(self.1));
        write!(f, "option {name} of {level} of a {protocol} socket")
    }
}
