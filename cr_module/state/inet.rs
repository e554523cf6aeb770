// SPDX-License-Identifier: GPL-2.0

//! TCP, UDP, ping and raw sockets, of the families AF_INET and AF_INET6. See [`tcp`] for what is on its way in
//! connections, and [`udp`] for datagrams and packets.
//!
//! Their options are saved as getsockopt(2) tells them. A restart makes a socket, sets by
//! setsockopt(2) what a new one does not have already, and binds it; so the kernel checks what the
//! caller may have. When all are bound, those listen that did, and then the others are connected.
//!
//! Refused: sockets that are about to be connected; other protocols of the kernel that sit upon TCP
//! (TLS), signatures (MD5, AO), TCP Fast Open; eBPF, policies of IPsec; other network namespaces.

use crate::{
    image::Records,
    objects::Kind,
    report::{fail, failure, words_for, Context, Result},
    save::Save,
    state::{
        sockerr::Errors,
        sockfilter::{self, Programs},
        sockopt::{self, Options},
        tcp, udp,
    },
};
use cr_codec::{
    check::Rec,
    order,
    sockopt::{
        sort, PING, SOL_NETLINK, SOL_PACKET, SOL_RAW, SOL_TCP, SOL_UDP, SO_ATTACH_FILTER,
        SO_ATTACH_REUSEPORT_CBPF,
    },
    uapi::*,
};
use cr_sys::{
    errno::{EADDRINUSE, EADDRNOTAVAIL, EOPNOTSUPP},
    file::FileRef,
    inet::*,
};
use kernel::prelude::*;
use zerocopy::IntoBytes;

const TCP_ESTABLISHED: u32 = 1;
pub(crate) const TCP_SYN_SENT: u32 = 2;
const TCP_FIN_WAIT1: u32 = 4;
const TCP_FIN_WAIT2: u32 = 5;
pub(crate) const TCP_CLOSE: u32 = 7;
const TCP_CLOSE_WAIT: u32 = 8;
const TCP_LISTEN: u32 = 10;

/// Saves a socket, unless that was done already, and its open file.
pub(crate) fn save(save: &mut Save<'_>, socket: &InetRef, file: &FileRef) -> Result<u64> {
    if let Some(id) = save.objects.find(Kind::Socket, socket.identity()) {
        return Ok(id);
    }
    let (info, mut record) = socket.read();
    check(&info, &record)?;
    let mut options = sockopt::read(socket, sort(&record))?;
    udp::save_groups(socket, &mut options).context(format_args!("{}", Called(&record)))?;
    record.nr_options = options.len() as u32;
    let id = save.objects.add(Kind::Socket, socket.identity())?;
    save.object(id, &record, &[options.as_bytes()])?;
    sockfilter::save(save, id, socket)?;
    let of_tcp = sort(&record) == SOL_TCP;
    if !of_tcp || info.errors != 0 {
        save.datagrams.push((id, socket.clone()), GFP_KERNEL)?;
    }
    if of_tcp && record.state == CR_SOCKET_CONNECTED {
        save.connections.push((id, socket.clone()), GFP_KERNEL)?;
    }
    if record.state == CR_SOCKET_LISTENING {
        let listener = (id, socket.clone(), file.clone());
        save.listeners.push(listener, GFP_KERNEL)?;
    }
    Ok(id)
}

fn check(info: &InetInfo, record: &cr_img_inet) -> Result {
    check_supported(info.unsupported, sort(record))?;
    if sort(record) != SOL_TCP {
        return Ok(());
    }
    let local = Address(record);
    if info.state == TCP_SYN_SENT {
        fail!(
            EOPNOTSUPP(),
            "a TCP connection ({local}) that is being made (connect) is not supported yet: try again"
        );
    }
    if !matches!(
        info.state,
        TCP_CLOSE | TCP_LISTEN | TCP_ESTABLISHED | TCP_FIN_WAIT1 | TCP_FIN_WAIT2 | TCP_CLOSE_WAIT
    ) {
        fail!(
            EAGAIN,
            "a TCP connection ({local}) is just being ended: try again"
        );
    }
    if info.state == TCP_CLOSE && info.received != 0 {
        fail!(
            EOPNOTSUPP(),
            "a TCP connection ({local}) that has ended, with data that was not received, is not \
             supported yet"
        );
    }
    Ok(())
}

const REFUSED: &[(u32, &str)] = &[
    (CR_INET_X_NET, "of another network namespace"),
    (
        CR_INET_X_FILTER,
        "with an eBPF program as a filter (SO_ATTACH_BPF)",
    ),
    (CR_INET_X_BPF, "that BPF, or the kernel, looks after"),
    (CR_INET_X_ULP, "with another protocol on top (TCP_ULP: TLS)"),
    (CR_INET_X_SIGNED, "with signatures (TCP_MD5SIG, TCP-AO)"),
    (CR_INET_X_FASTOPEN, "with TCP Fast Open"),
    (CR_INET_X_ERRORS, "with errors that wait (MSG_ERRQUEUE)"),
    (CR_INET_X_MEMBER, "that is a member of a multicast group"),
    (CR_INET_X_IPOPTIONS, "with IP options or flow labels"),
    (CR_INET_X_POLICY, "with a policy of IPsec or PSP"),
    (
        CR_INET_X_SOURCES,
        "that is a member of an anycast group, or of a group of which it receives nothing,",
    ),
    (
        CR_INET_X_CORKED,
        "with a datagram that is not complete (UDP_CORK, MSG_MORE), and is raw, or has IP options or \
         times of its own,",
    ),
    (
        CR_INET_X_DISCONNECTED,
        "that was disconnected, and receives nothing any more",
    ),
    (
        CR_INET_X_RING,
        "with a ring (PACKET_RX_RING, PACKET_TX_RING)",
    ),
    (CR_INET_X_FANOUT, "of a fanout group (PACKET_FANOUT)"),
    (CR_INET_X_DEVICE, "whose device is down or gone"),
    (CR_INET_X_PACKET, "of the type SOCK_PACKET"),
    (CR_INET_X_ROUTER, "of a router (IP_ROUTER_ALERT, MRT_INIT)"),
    (
        CR_INET_X_ENCAP,
        "that unpacks tunnels in another way than UDP_ENCAP has it",
    ),
    (CR_INET_X_LABELS, "that asks for labels (SO_PASSSEC)"),
    (
        CR_INET_X_PROTOCOL,
        "of a protocol whose sockets the kernel may know more of (others than NETLINK_ROUTE, \
         NETLINK_USERSOCK, NETLINK_SOCK_DIAG, NETLINK_AUDIT, NETLINK_KOBJECT_UEVENT)",
    ),
    (
        CR_INET_X_AUDITD,
        "of the audit daemon, which the kernel tells all (AUDIT_STATUS_PID; stop it first),",
    ),
    (
        CR_INET_X_DUMP,
        "that is being told a list (NLM_F_DUMP; receive it first)",
    ),
    (
        CR_INET_X_OPENER,
        "that was opened in another user namespace",
    ),
    (
        CR_INET_X_OPTION,
        "with an option that others have (SO_TIMESTAMPING, SO_TXTIME, SO_ZEROCOPY, IPV6_MTU, \
         IP_UNICAST_IF ...)",
    ),
];

/// Refuses what a socket of a protocol has that is not supported: `CR_INET_X_*`.
pub(crate) fn check_supported(unsupported: u64, of: u32) -> Result {
    if let Some(why) = words_for(REFUSED, unsupported) {
        let name = protocol(of);
        fail!(EOPNOTSUPP(), "a {name} socket {why} is not supported yet");
    }
    Ok(())
}

/// A protocol, for people.
pub(crate) fn protocol(protocol: u32) -> &'static str {
    match protocol {
        SOL_NETLINK => "netlink",
        SOL_PACKET => "packet",
        SOL_UDP => "UDP",
        SOL_RAW => "raw",
        PING => "ping",
        _ => "TCP",
    }
}

/// A socket, for people.
pub(crate) struct Called<'a>(pub(crate) &'a cr_img_inet);

impl core::fmt::Display for Called<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{} socket {}", protocol(sort(self.0)), Address(self.0))
    }
}

/// Its address and port, for people.
pub(crate) struct Address<'a>(pub(crate) &'a cr_img_inet);

pub(crate) const AF_INET: u32 = 2;

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

/// A socket that was made again.
struct Socket {
    id: u64,
    socket: InetRef,
    record: cr_img_inet,
    /// It is not closed before this is dropped.
    _file: FileRef,
}

/// Sockets that were made again. Dropping this is the end of their connections, which nobody is told,
/// unless the container goes on.
pub(crate) struct Made {
    /// By id, ascending.
    sockets: KVVec<Socket>,
    /// What the container has closed already.
    closed: KVVec<(InetRef, FileRef)>,
    goes_on: bool,
}

impl Drop for Made {
    fn drop(&mut self) {
        if !self.goes_on {
            let made = self.sockets.iter().map(|made| &made.socket);
            let closed = self.closed.iter().map(|(socket, _)| socket);
            made.for_each(InetRef::silence);
            closed.for_each(InetRef::silence);
        }
    }
}

impl Made {
    /// None.
    pub(crate) fn new() -> Self {
        Self {
            sockets: KVVec::new(),
            closed: KVVec::new(),
            goes_on: false,
        }
    }

    /// Makes a socket, with its open file.
    pub(crate) fn open(&mut self, rec: &Rec<'_>, flags: u32) -> Result<FileRef> {
        let record: cr_img_inet = rec.fixed()?;
        let file = FileRef::make_inet(&record, flags).context(format_args!("making a socket"))?;
        let socket = file.inet().ok_or(EINVAL)?;
        let sort = sort(&record);
        if sort == SOL_RAW {
            socket.hide();
        }
        Options::of::<cr_img_inet>(rec, sort).set(&socket)?;
        // Connections are bound in another way, and who receives datagrams when those are there.
        if sort == SOL_TCP && record.state != CR_SOCKET_CONNECTED {
            bind(&socket, &record).context(format_args!("{}", Called(&record)))?;
        }
        let made = Socket {
            id: rec.id,
            socket,
            record,
            _file: file.clone(),
        };
        self.sockets.push(made, GFP_KERNEL)?;
        Ok(file)
    }

    /// One of them, by its id.
    pub(crate) fn find(&self, id: u64) -> Result<(&InetRef, &cr_img_inet)> {
        let found = self.sockets.binary_search_by_key(&id, |made| made.id);
        let made = &self.sockets[found.map_err(|_| EINVAL)?];
        Ok((&made.socket, &made.record))
    }

    /// The ids of some of them; of several at a port, by the place that each had there.
    pub(crate) fn in_order(
        &self,
        which: impl Fn(&cr_img_inet) -> bool,
        place: impl Fn(&cr_img_inet) -> u32,
    ) -> Result<impl Iterator<Item = u64>> {
        let mut places = KVVec::new();
        for Socket { id, record, .. } in self.sockets.iter().filter(|made| which(&made.record)) {
            places.push((place(record), *id), GFP_KERNEL)?;
        }
        order::sort_by_key(&mut places, |place| *place);
        Ok(places.into_iter().map(|(_, id)| id))
    }

    /// Closes a socket when the container lives.
    pub(crate) fn close_later(&mut self, socket: &InetRef, file: FileRef) -> Result {
        Ok(self.closed.push((socket.clone(), file), GFP_KERNEL)?)
    }

    /// The container lives: connections end when their sockets are closed.
    pub(crate) fn go_on(&mut self) {
        self.goes_on = true;
    }

    /// Lets those listen that did, when all have their ports, and connects the others.
    pub(crate) fn finish(&mut self, records: &Records) -> Result {
        self.sockets.sort_unstable_by_key(|made| made.id);
        let listens = |record: &cr_img_inet| record.state == CR_SOCKET_LISTENING;
        for id in self.in_order(listens, |record| record.drops)? {
            let (socket, record) = self.find(id)?;
            listen(socket, record).context(format_args!("{}", Called(record)))?;
        }
        tcp::restore(self, records)?;
        let programs = Programs::of(records)?;
        udp::restore(self, records, &programs)?;
        let errors = Errors::of(records)?;
        for Socket {
            id, socket, record, ..
        } in &self.sockets
        {
            if sort(record) == SOL_TCP {
                // It has received what the others have sent it so far.
                programs.attach(*id, SO_ATTACH_FILTER, socket)?;
                programs.attach(*id, SO_ATTACH_REUSEPORT_CBPF, socket)?;
            }
            errors
                .queue(*id, socket)
                .and_then(|()| Ok(socket.set(record)?))
                .context(format_args!("{}", Called(record)))?;
        }
        Ok(())
    }
}

/// Lets a socket listen that did.
fn listen(socket: &InetRef, record: &cr_img_inet) -> Result {
    socket.listen(record.backlog).map_err(refused)?;
    // It is not more than the system allows by now.
    let (_, now) = socket.read();
    if now.backlog != record.backlog {
        fail!(
            EPERM,
            "a backlog of {} is not allowed here (net.core.somaxconn)",
            record.backlog
        );
    }
    Ok(())
}

/// Gives a socket its address and port, if it had one.
pub(crate) fn bind(socket: &InetRef, record: &cr_img_inet) -> Result {
    if record.flags & CR_INET_BOUND == 0 {
        return Ok(());
    }
    socket.bind(record).map_err(refused)
}

/// Why a port cannot be had.
fn refused(error: Error) -> crate::report::Failure {
    match error {
        error if error == EADDRINUSE() => failure!(EADDRINUSE(), "this port is in use"),
        error if error == EADDRNOTAVAIL() => {
            failure!(EADDRNOTAVAIL(), "there is no such address here")
        }
        error if error == EACCES => {
            failure!(EACCES, "CAP_NET_BIND_SERVICE is needed for this port")
        }
        error => failure!(error, "cannot be bound"),
    }
}
