// SPDX-License-Identifier: GPL-2.0

//! TCP sockets, of the families AF_INET and AF_INET6: those that listen, and those that are not
//! connected.
//!
//! Their options are saved as getsockopt(2) tells them. A restart makes a socket, sets by
//! setsockopt(2) what a new one does not have already, and binds it; so the kernel checks what the
//! caller may have. When all are bound, those listen that did.
//!
//! Refused: sockets that are connected, or are about to be; connections that have not been accepted
//! yet; other protocols of the kernel that sit upon TCP (TLS), signatures (MD5, AO), TCP Fast Open;
//! filters, BPF, policies of IPsec; other network namespaces.

use crate::{
    checkpoint::Save,
    objects::Kind,
    report::{fail, failure, Context, Name, Result},
};
use cr_codec::{
    check::Rec,
    sockopt::{self, SOL_SOCKET, SO_BINDTODEVICE, SO_BUF_LOCK, SO_LINGER, SO_RCVBUF, SO_SNDBUF},
    uapi::*,
};
use cr_sys::{
    errno::{EADDRINUSE, EADDRNOTAVAIL, EOPNOTSUPP},
    file::FileRef,
    inet::*,
};
use kernel::prelude::*;
use zerocopy::IntoBytes;

const TCP_CLOSE: u32 = 7;
const TCP_LISTEN: u32 = 10;
const SO_SNDBUFFORCE: u32 = 32;
const SO_RCVBUFFORCE: u32 = 33;
/// Of SO_BUF_LOCK.
const SNDBUF_LOCK: u32 = 1;
const RCVBUF_LOCK: u32 = 2;

/// Saves a socket, unless that was done already.
pub(crate) fn save(save: &mut Save<'_>, socket: &InetRef) -> Result<u64> {
    if let Some(id) = save.objects.find(Kind::Socket, socket.identity()) {
        return Ok(id);
    }
    let (info, mut record) = socket.read();
    check(&info, &record)?;
    let mut options = KVVec::new();
    for (level, name, length) in sockopt::all() {
        if let Some(value) = socket.option(level, name, length as usize) {
            let option = cr_img_sockopt {
                level,
                name,
                length,
                reserved: 0,
                value,
            };
            options.push(option, GFP_KERNEL)?;
        }
    }
    record.nr_options = options.len() as u32;
    let id = save.objects.add(Kind::Socket, socket.identity())?;
    save.object(id, &record, &[options.as_bytes()])?;
    Ok(id)
}

fn check(info: &InetInfo, record: &cr_img_inet) -> Result {
    for (bit, why) in [
        (CR_INET_X_NET, "of another network namespace"),
        (CR_INET_X_FILTER, "with a filter (SO_ATTACH_FILTER)"),
        (CR_INET_X_BPF, "that BPF, or the kernel, looks after"),
        (CR_INET_X_ULP, "with another protocol on top (TCP_ULP: TLS)"),
        (CR_INET_X_SIGNED, "with signatures (TCP_MD5SIG, TCP-AO)"),
        (CR_INET_X_FASTOPEN, "with TCP Fast Open"),
        (CR_INET_X_ERRORS, "with errors that wait (MSG_ERRQUEUE)"),
        (CR_INET_X_MEMBER, "that is a member of a multicast group"),
        (CR_INET_X_IPOPTIONS, "with IP options or flow labels"),
        (CR_INET_X_POLICY, "with a policy of IPsec or PSP"),
        (
            CR_INET_X_OPTION,
            "with an option that others have (SO_TIMESTAMPING, SO_TXTIME, SO_ZEROCOPY, IPV6_MTU, \
             IP_UNICAST_IF ...)",
        ),
    ] {
        if info.unsupported & (1 << bit) != 0 {
            fail!(EOPNOTSUPP(), "a TCP socket {why} is not supported yet");
        }
    }
    let local = Address(record);
    if !matches!(info.state, TCP_CLOSE | TCP_LISTEN) {
        fail!(
            EOPNOTSUPP(),
            "a TCP connection ({local}) is not supported yet: close it"
        );
    }
    if info.waiting != 0 {
        fail!(
            EOPNOTSUPP(),
            "a TCP socket ({local}) has a connection that it has not accepted yet, which is not \
             supported yet: try again"
        );
    }
    if info.received != 0 {
        fail!(
            EOPNOTSUPP(),
            "a TCP connection ({local}) that has ended, with data that was not received, is not \
             supported yet"
        );
    }
    Ok(())
}

/// Its address and port, for people.
struct Address<'a>(&'a cr_img_inet);

const AF_INET: u32 = 2;

impl core::fmt::Display for Address<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let (local, port) = (&self.0.local, self.0.local_port);
        if self.0.family == AF_INET {
            let [a, b, c, d, ..] = *local;
            return write!(f, "{}:{port}", core::net::Ipv4Addr::new(a, b, c, d));
        }
        write!(f, "[{}]:{port}", core::net::Ipv6Addr::from(*local))
    }
}

/// Sockets that were made again, with their records.
pub(crate) struct Made(KVVec<(InetRef, cr_img_inet)>);

impl Made {
    /// None.
    pub(crate) fn new() -> Self {
        Self(KVVec::new())
    }

    /// Makes a socket, with its open file.
    pub(crate) fn open(&mut self, rec: &Rec<'_>, flags: u32) -> Result<FileRef> {
        let record: cr_img_inet = rec.fixed()?;
        let file =
            FileRef::make_inet(&record, flags).context(format_args!("making a TCP socket"))?;
        let socket = file.inet().ok_or(EINVAL)?;
        set_options(&socket, rec)?;
        if record.flags & CR_INET_BOUND != 0 {
            socket
                .bind(&record)
                .map_err(|error| refused(error, &record))?;
        }
        self.0.push((socket, record), GFP_KERNEL)?;
        Ok(file)
    }

    /// Lets those listen that did, when all have their ports.
    pub(crate) fn finish(&self) -> Result {
        for (socket, record) in &self.0 {
            if record.state == CR_SOCKET_LISTENING {
                let listening = socket.listen(record.backlog);
                listening.map_err(|error| refused(error, record))?;
                // It is not more than the system allows by now.
                let (_, now) = socket.read();
                if now.backlog != record.backlog {
                    fail!(
                        EPERM,
                        "TCP socket {}: a backlog of {} is not allowed here \
                         (net.core.somaxconn)",
                        Address(record),
                        record.backlog
                    );
                }
            }
            socket
                .set(record)
                .context(format_args!("TCP socket {}", Address(record)))?;
        }
        Ok(())
    }
}

/// Why a port cannot be had.
fn refused(error: Error, record: &cr_img_inet) -> crate::report::Failure {
    let at = Address(record);
    match error {
        error if error == EADDRINUSE() => {
            failure!(EADDRINUSE(), "TCP socket {at}: this port is in use")
        }
        error if error == EADDRNOTAVAIL() => failure!(
            EADDRNOTAVAIL(),
            "TCP socket {at}: there is no such address here"
        ),
        error if error == EACCES => failure!(
            EACCES,
            "TCP socket {at}: CAP_NET_BIND_SERVICE is needed for this port"
        ),
        error => failure!(error, "TCP socket {at}: cannot be bound"),
    }
}

/// Sets the options that a new socket does not have already.
fn set_options(socket: &InetRef, rec: &Rec<'_>) -> Result {
    let mut locks = 0;
    for option in rec.array::<cr_img_sockopt>(size_of::<cr_img_inet>()) {
        if (option.level, option.name) == (SOL_SOCKET, SO_BUF_LOCK) {
            locks = int(&option.value);
        }
    }
    for option in rec.array::<cr_img_sockopt>(size_of::<cr_img_inet>()) {
        set_option(socket, &option, locks).context(format_args!("{}", Named(&option)))?;
    }
    Ok(())
}

fn set_option(socket: &InetRef, option: &cr_img_sockopt, locks: u32) -> Result {
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
struct Named<'a>(&'a cr_img_sockopt);

impl core::fmt::Display for Named<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let level = match self.0.level {
            SOL_SOCKET => "SOL_SOCKET",
            sockopt::SOL_IP => "IPPROTO_IP",
            sockopt::SOL_IPV6 => "IPPROTO_IPV6",
            _ => "IPPROTO_TCP",
        };
        write!(f, "option {} of {level} of a TCP socket", self.0.name)
    }
}
