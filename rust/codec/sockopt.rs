// SPDX-License-Identifier: GPL-2.0

//! The options of TCP, UDP, ping, raw, netlink and packet sockets that are saved: those that getsockopt(2) tells and
//! setsockopt(2) takes again. No other is taken from an image.

use crate::uapi::{cr_img_inet, cr_img_sockopt};

/// Level of options that all families have.
pub const SOL_SOCKET: u32 = 1;
/// Level of options of the Internet Protocol.
pub const SOL_IP: u32 = 0;
/// Level of options of its version 6.
pub const SOL_IPV6: u32 = 41;
/// Level of options of TCP, which is its protocol.
pub const SOL_TCP: u32 = 6;
/// The same of UDP.
pub const SOL_UDP: u32 = 17;
/// Level of options of raw sockets, which stands for all protocols of these.
pub const SOL_RAW: u32 = 255;
/// Level of an option of raw sockets of ICMP for IPv6.
pub const SOL_ICMPV6: u32 = 58;
/// The type of raw sockets.
pub const SOCK_RAW: u32 = 3;
/// The type of UDP sockets, and of those for ping(8).
const SOCK_DGRAM: u32 = 2;
/// IPPROTO_ICMP and IPPROTO_ICMPV6, of those for ping(8).
pub const ICMP: u32 = 1;
/// The same of IPv6.
pub const ICMPV6: u32 = SOL_ICMPV6;
/// Stands for these protocols, of which it is none.
pub const PING: u32 = 1 << 16;

/// Level of options of netlink, which stands for its protocols.
pub const SOL_NETLINK: u32 = 270;

/// The same of packet sockets.
pub const SOL_PACKET: u32 = 263;

/// SO_SNDBUF and SO_RCVBUF: twice what is to be set.
pub const SO_SNDBUF: u32 = 7;
/// The same.
pub const SO_RCVBUF: u32 = 8;
/// SO_LINGER.
pub const SO_LINGER: u32 = 13;
/// A program that is asked what the socket is to receive: a struct sock_fprog.
pub const SO_ATTACH_FILTER: u32 = 26;
/// One that is asked which of several sockets at a port is to receive it.
pub const SO_ATTACH_REUSEPORT_CBPF: u32 = 51;
/// SO_BUF_LOCK: which of the two was set, as a sum of 1 and 2.
pub const SO_BUF_LOCK: u32 = 72;
/// SO_BINDTODEVICE: the name of the device.
pub const SO_BINDTODEVICE: u32 = 25;

/// Of a member of a multicast group, once for each: a struct ip_mreqn.
pub const IP_ADD_MEMBERSHIP: u32 = 35;
/// The same of IPv6: a struct ipv6_mreq.
pub const IPV6_ADD_MEMBERSHIP: u32 = 20;
/// The same of netlink: a number.
pub const NETLINK_ADD_MEMBERSHIP: u32 = 1;

/// Options with a value of one int, by level.
const INTS: &[(u32, &[u32])] = &[
    (
        SOL_SOCKET,
        &[
            SO_SNDBUF,
            SO_RCVBUF,
            SO_BUF_LOCK, // before those that depend on them
            1,           // SO_DEBUG
            2,           // SO_REUSEADDR
            5,           // SO_DONTROUTE
            6,           // SO_BROADCAST
            9,           // SO_KEEPALIVE
            10,          // SO_OOBINLINE
            11,          // SO_NO_CHECK
            12,          // SO_PRIORITY
            15,          // SO_REUSEPORT
            18,          // SO_RCVLOWAT
            29,          // SO_TIMESTAMP_OLD
            35,          // SO_TIMESTAMPNS_OLD
            36,          // SO_MARK
            40,          // SO_RXQ_OVFL
            41,          // SO_WIFI_STATUS
            42,          // SO_PEEK_OFF
            43,          // SO_NOFCS
            44,          // SO_LOCK_FILTER
            45,          // SO_SELECT_ERR_QUEUE
            46,          // SO_BUSY_POLL
            49,          // SO_INCOMING_CPU
            63,          // SO_TIMESTAMP_NEW
            64,          // SO_TIMESTAMPNS_NEW
            69,          // SO_PREFER_BUSY_POLL
            74,          // SO_TXREHASH
            75,          // SO_RCVMARK
            82,          // SO_RCVPRIORITY
        ],
    ),
    (
        SOL_IP,
        &[
            1,  // IP_TOS
            2,  // IP_TTL
            6,  // IP_RECVOPTS
            7,  // IP_RETOPTS
            8,  // IP_PKTINFO
            10, // IP_MTU_DISCOVER
            11, // IP_RECVERR
            12, // IP_RECVTTL
            13, // IP_RECVTOS
            15, // IP_FREEBIND
            18, // IP_PASSSEC
            19, // IP_TRANSPARENT
            20, // IP_RECVORIGDSTADDR
            21, // IP_MINTTL
            23, // IP_CHECKSUM
            24, // IP_BIND_ADDRESS_NO_PORT
            25, // IP_RECVFRAGSIZE
            26, // IP_RECVERR_RFC4884
            34, // IP_MULTICAST_LOOP
            49, // IP_MULTICAST_ALL
            51, // IP_LOCAL_PORT_RANGE
        ],
    ),
    (
        SOL_IPV6,
        &[
            2,  // IPV6_2292PKTINFO
            3,  // IPV6_2292HOPOPTS
            4,  // IPV6_2292DSTOPTS
            5,  // IPV6_2292RTHDR
            8,  // IPV6_2292HOPLIMIT
            11, // IPV6_FLOWINFO
            16, // IPV6_UNICAST_HOPS
            19, // IPV6_MULTICAST_LOOP
            23, // IPV6_MTU_DISCOVER
            25, // IPV6_RECVERR
            26, // IPV6_V6ONLY
            29, // IPV6_MULTICAST_ALL
            31, // IPV6_RECVERR_RFC4884
            33, // IPV6_FLOWINFO_SEND
            49, // IPV6_RECVPKTINFO
            51, // IPV6_RECVHOPLIMIT
            53, // IPV6_RECVHOPOPTS
            56, // IPV6_RECVRTHDR
            58, // IPV6_RECVDSTOPTS
            60, // IPV6_RECVPATHMTU
            62, // IPV6_DONTFRAG
            66, // IPV6_RECVTCLASS
            67, // IPV6_TCLASS
            70, // IPV6_AUTOFLOWLABEL
            72, // IPV6_ADDR_PREFERENCES
            73, // IPV6_MINHOPCOUNT
            74, // IPV6_RECVORIGDSTADDR
            77, // IPV6_RECVFRAGSIZE
        ],
    ),
];

/// The same, of TCP only.
const TCP_INTS: &[(u32, &[u32])] = &[(
    SOL_TCP,
    &[
        1,  // TCP_NODELAY
        2,  // TCP_MAXSEG
        3,  // TCP_CORK
        4,  // TCP_KEEPIDLE
        5,  // TCP_KEEPINTVL
        6,  // TCP_KEEPCNT
        7,  // TCP_SYNCNT
        8,  // TCP_LINGER2
        9,  // TCP_DEFER_ACCEPT
        10, // TCP_WINDOW_CLAMP
        12, // TCP_QUICKACK
        16, // TCP_THIN_LINEAR_TIMEOUTS
        18, // TCP_USER_TIMEOUT
        25, // TCP_NOTSENT_LOWAT
        27, // TCP_SAVE_SYN
        36, // TCP_INQ
        37, // TCP_TX_DELAY
        44, // TCP_RTO_MAX_MS
        45, // TCP_RTO_MIN_US
        46, // TCP_DELACK_MAX_US
    ],
)];

/// The same, of UDP and ping.
const DATAGRAM_INTS: &[(u32, &[u32])] = &[
    (
        SOL_IP,
        &[
            33, // IP_MULTICAST_TTL
            50, // IP_UNICAST_IF
        ],
    ),
    (
        SOL_IPV6,
        &[
            17, // IPV6_MULTICAST_IF
            18, // IPV6_MULTICAST_HOPS
            76, // IPV6_UNICAST_IF
        ],
    ),
];

/// The same, of UDP only.
const UDP_INTS: &[(u32, &[u32])] = &[(
    SOL_UDP,
    &[
        1,   // UDP_CORK
        100, // UDP_ENCAP
        101, // UDP_NO_CHECK6_TX
        102, // UDP_NO_CHECK6_RX
        103, // UDP_SEGMENT
        104, // UDP_GRO
    ],
)];

/// The same, of raw sockets only.
const RAW_INTS: &[(u32, &[u32])] = &[
    (
        SOL_IP,
        &[
            3,  // IP_HDRINCL
            22, // IP_NODEFRAG
            33, // IP_MULTICAST_TTL
            50, // IP_UNICAST_IF
        ],
    ),
    (
        SOL_IPV6,
        &[
            17, // IPV6_MULTICAST_IF
            18, // IPV6_MULTICAST_HOPS
            75, // IPV6_TRANSPARENT
            76, // IPV6_UNICAST_IF
            78, // IPV6_FREEBIND
        ],
    ),
    (
        SOL_RAW,
        &[
            1,  // ICMP_FILTER
            7,  // IPV6_CHECKSUM
            36, // IPV6_HDRINCL
        ],
    ),
];

/// The same, of netlink only.
const NETLINK_INTS: &[(u32, &[u32])] = &[
    (
        SOL_SOCKET,
        &[
            16, // SO_PASSCRED
            76, // SO_PASSPIDFD
        ],
    ),
    (
        SOL_NETLINK,
        &[
            3,  // NETLINK_PKTINFO
            4,  // NETLINK_BROADCAST_ERROR
            5,  // NETLINK_NO_ENOBUFS
            8,  // NETLINK_LISTEN_ALL_NSID
            10, // NETLINK_CAP_ACK
            11, // NETLINK_EXT_ACK
            12, // NETLINK_GET_STRICT_CHK
        ],
    ),
];

/// The same, of packet sockets only.
const PACKET_INTS: &[(u32, &[u32])] = &[(
    SOL_PACKET,
    &[
        7,  // PACKET_COPY_THRESH
        8,  // PACKET_AUXDATA
        9,  // PACKET_ORIGDEV
        10, // PACKET_VERSION
        12, // PACKET_RESERVE
        14, // PACKET_LOSS
        17, // PACKET_TIMESTAMP
        19, // PACKET_TX_HAS_OFF
        20, // PACKET_QDISC_BYPASS
        23, // PACKET_IGNORE_OUTGOING
        24, // PACKET_VNET_HDR_SZ
    ],
)];

/// Others of UDP and ping, with their lengths.
const DATAGRAM_LONGER: &[(u32, u32, u32)] = &[
    (SOL_IP, 32, 12), // IP_MULTICAST_IF: a struct ip_mreqn
];

/// The same of raw sockets.
const RAW_LONGER: &[(u32, u32, u32)] = &[
    (SOL_IP, 32, 12),    // IP_MULTICAST_IF
    (SOL_ICMPV6, 1, 32), // ICMPV6_FILTER: a struct icmp6_filter
];

/// Others of TCP only.
const TCP_LONGER: &[(u32, u32, u32)] = &[
    (SOL_TCP, 13, 16), // TCP_CONGESTION
];

/// Others, with their lengths. A device has to be after those of [`DATAGRAM_INTS`].
const LONGER: &[(u32, u32, u32)] = &[
    (SOL_SOCKET, SO_LINGER, 8),
    (SOL_SOCKET, SO_BINDTODEVICE, 16),
    (SOL_SOCKET, 47, 8),  // SO_MAX_PACING_RATE
    (SOL_SOCKET, 66, 16), // SO_RCVTIMEO_NEW
    (SOL_SOCKET, 67, 16), // SO_SNDTIMEO_NEW
];

/// Groups that a UDP, ping or raw socket is a member of, with the lengths.
pub const MEMBERSHIPS: &[(u32, u32, u32)] = &[
    (SOL_IP, IP_ADD_MEMBERSHIP, 12),
    (SOL_IPV6, IPV6_ADD_MEMBERSHIP, 20),
];

/// The same of a netlink socket.
pub const NETLINK_MEMBERSHIP: (u32, u32, u32) = (SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, INT);

/// The same of a packet socket: a struct packet_mreq. 1 is PACKET_ADD_MEMBERSHIP.
pub const PACKET_MEMBERSHIP: (u32, u32, u32) = (SOL_PACKET, 1, 16);

const INT: u32 = 4;

/// The protocol that says what a socket has: raw ones, and those for ping, are of sorts of their own.
pub fn sort(socket: &cr_img_inet) -> u32 {
    match (socket.type_, socket.protocol) {
        (SOCK_RAW, _) => SOL_RAW,
        (SOCK_DGRAM, ICMP | ICMPV6) => PING,
        (_, protocol) => protocol,
    }
}

/// All options of sockets of a protocol, but for memberships: level, name, bytes of the value.
pub fn all(protocol: u32) -> impl Iterator<Item = (u32, u32, u32)> {
    let (ints, own, longer): (_, &[_], &[_]) = match protocol {
        SOL_UDP => (DATAGRAM_INTS, UDP_INTS, DATAGRAM_LONGER),
        PING => (DATAGRAM_INTS, &[], DATAGRAM_LONGER),
        SOL_RAW => (RAW_INTS, &[], RAW_LONGER),
        SOL_NETLINK => (NETLINK_INTS, &[], &[]),
        SOL_PACKET => (PACKET_INTS, &[], &[]),
        _ => (TCP_INTS, &[], TCP_LONGER),
    };
    let ints = INTS
        .iter()
        .filter(move |(level, _)| {
            *level == SOL_SOCKET || !matches!(protocol, SOL_NETLINK | SOL_PACKET)
        })
        .chain(ints)
        .chain(own)
        .flat_map(|(level, names)| names.iter().map(|name| (*level, *name, INT)));
    ints.chain(longer.iter().chain(LONGER).copied())
}

/// Whether it says that a socket is a member of a group: there may be several of these.
pub fn is_membership(option: &cr_img_sockopt) -> bool {
    let option = (option.level, option.name, option.length);
    MEMBERSHIPS.contains(&option) || [NETLINK_MEMBERSHIP, PACKET_MEMBERSHIP].contains(&option)
}

/// Whether sockets of a protocol have such an option.
pub(crate) fn is_known(protocol: u32, option: &cr_img_sockopt) -> bool {
    all(protocol).any(|known| known == (option.level, option.name, option.length))
        || match protocol {
            SOL_UDP | SOL_RAW | PING => {
                is_membership(option) && matches!(option.level, SOL_IP | SOL_IPV6)
            }
            SOL_NETLINK | SOL_PACKET => is_membership(option) && option.level == protocol,
            _ => false,
        }
}
