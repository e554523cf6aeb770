// SPDX-License-Identifier: GPL-2.0
/*
 * All options of sockets of all families that are saved: each is set to what it is not
 * by itself, wherever setsockopt(2) takes it, and all that getsockopt(2) tells has to be
 * the same later. The table has all that the headers of the kernel have; what it does not
 * have may not be there: an option of a newer kernel has to be looked at.
 */
#include "payload.h"
#include <sys/socket.h>

/* Numbers, as the C library is older than the kernel. */
enum { SOCKET = 1, IP = 0, IPV6 = 41, TCP = 6, UDP = 17, RAW = 255, ICMPV6 = 58, PACKET = 263,
       NETLINK = 270 };

static const int levels[] = { SOCKET, IP, IPV6, TCP, UDP, RAW, ICMPV6, PACKET, NETLINK };

#define NAMES	128
#define SO_INQ_	84
/* Of each kind: one in which nothing is set, and what cannot be set together in others. */
#define SOCKETS	5
#define ALL	0x1e
#define SIZE	128

static const struct kind {
	const char *name;
	int family, type, protocol;
} kinds[] = {
	{ "TCP", AF_INET, SOCK_STREAM, 0 },
	{ "TCP of IPv6", AF_INET6, SOCK_STREAM, 0 },
	{ "UDP", AF_INET, SOCK_DGRAM, 0 },
	{ "UDP of IPv6", AF_INET6, SOCK_DGRAM, 0 },
	{ "ping", AF_INET, SOCK_DGRAM, 1 },
	{ "ping of IPv6", AF_INET6, SOCK_DGRAM, 58 },
	{ "raw", AF_INET, SOCK_RAW, 253 },
	{ "raw of ICMP", AF_INET, SOCK_RAW, 1 },
	{ "raw of IPv6", AF_INET6, SOCK_RAW, 253 },
	{ "raw of ICMPv6", AF_INET6, SOCK_RAW, 58 },
	{ "Unix stream", AF_UNIX, SOCK_STREAM, 0 },
	{ "Unix datagrams", AF_UNIX, SOCK_DGRAM, 0 },
	{ "Unix sequence", AF_UNIX, SOCK_SEQPACKET, 0 },
	{ "packet", AF_PACKET, SOCK_RAW, 0 },
	{ "cooked packet", AF_PACKET, SOCK_DGRAM, 0 },
	{ "netlink", AF_NETLINK, SOCK_RAW, 0 },
};

#define KINDS	ARRAY_SIZE(kinds)

static struct option {
	int level, number;
	const char *name;
	/* What it is set to, the bytes of that, and in which sockets. */
	int value[8];
	unsigned int len, where;
	/* A kind of sockets that is refused with it: that is no matter here. */
	int except;
	/* Not asked for, as it is no setting. */
	bool is_state;
	/* Why it is not set, or not asked for. */
	const char *why;
	/* How many sockets have it, and do not have it by themselves. */
	int set;
} options[] = {
#define SET(l, n, t, v)		{ .level = l, .number = n, .name = t, .value = { v }, .len = 4, .where = ALL }
#define SET_IN(w, l, n, t, v)	{ .level = l, .number = n, .name = t, .value = { v }, .len = 4, .where = w }
#define BUT(e, l, n, t, v)	{ .level = l, .number = n, .name = t, .value = { v }, .len = 4, .where = ALL, \
				  .except = e }
#define LONG(b, l, n, t, ...)	{ .level = l, .number = n, .name = t, .value = { __VA_ARGS__ }, .len = b, \
				  .where = ALL }
#define TOLD(l, n, t, w)	{ .level = l, .number = n, .name = t, .why = w }
#define STATE(l, n, t, w)	{ .level = l, .number = n, .name = t, .why = w, .is_state = true }
	SET(SOCKET, 1, "SO_DEBUG", 1),
	SET(SOCKET, 2, "SO_REUSEADDR", 1),
	TOLD(SOCKET, 3, "SO_TYPE", "fixed"),
	TOLD(SOCKET, 4, "SO_ERROR", "told"),
	SET(SOCKET, 5, "SO_DONTROUTE", 1),
	SET(SOCKET, 6, "SO_BROADCAST", 1),
	SET_IN(6, SOCKET, 7, "SO_SNDBUF", 50000),
	SET_IN(6, SOCKET, 8, "SO_RCVBUF", 60000),
	SET_IN(8, SOCKET, 32, "SO_SNDBUFFORCE", 9000000),
	SET_IN(8, SOCKET, 33, "SO_RCVBUFFORCE", 9000000),
	SET(SOCKET, 9, "SO_KEEPALIVE", 1),
	SET(SOCKET, 10, "SO_OOBINLINE", 1),
	SET(SOCKET, 11, "SO_NO_CHECK", 1),
	SET(SOCKET, 12, "SO_PRIORITY", 5),
	LONG(8, SOCKET, 13, "SO_LINGER", 1, 9),
	STATE(SOCKET, 14, "SO_BSDCOMPAT", "does nothing"),
	SET(SOCKET, 15, "SO_REUSEPORT", 1),
	SET(SOCKET, 16, "SO_PASSCRED", 1),
	TOLD(SOCKET, 17, "SO_PEERCRED", "told"),
	SET(SOCKET, 18, "SO_RCVLOWAT", 7),
	TOLD(SOCKET, 19, "SO_SNDLOWAT", "fixed"),
	TOLD(SOCKET, 20, "SO_RCVTIMEO_OLD", "as SO_RCVTIMEO_NEW"),
	TOLD(SOCKET, 21, "SO_SNDTIMEO_OLD", "as SO_SNDTIMEO_NEW"),
	STATE(SOCKET, 22, "SO_SECURITY_AUTHENTICATION", "does not exist"),
	STATE(SOCKET, 23, "SO_SECURITY_ENCRYPTION_TRANSPORT", "does not exist"),
	STATE(SOCKET, 24, "SO_SECURITY_ENCRYPTION_NETWORK", "does not exist"),
	/* With a device, IP_UNICAST_IF is none of its own. */
	{ .level = SOCKET, .number = 25, .name = "SO_BINDTODEVICE", .value = { 'l' | 'o' << 8 }, .len = 3,
	  .where = 2, .except = AF_UNIX },
	TOLD(SOCKET, 26, "SO_ATTACH_FILTER, SO_GET_FILTER", "see socket_filters"),
	STATE(SOCKET, 27, "SO_DETACH_FILTER, SO_DETACH_BPF", "an action"),
	TOLD(SOCKET, 28, "SO_PEERNAME", "told"),
	TOLD(SOCKET, 30, "SO_ACCEPTCONN", "told"),
	TOLD(SOCKET, 31, "SO_PEERSEC", "told"),
	BUT(AF_NETLINK, SOCKET, 34, "SO_PASSSEC", 1),
	SET(SOCKET, 36, "SO_MARK", 99),
	TOLD(SOCKET, 38, "SO_PROTOCOL", "fixed"),
	TOLD(SOCKET, 39, "SO_DOMAIN", "fixed"),
	SET(SOCKET, 40, "SO_RXQ_OVFL", 1),
	BUT(AF_UNIX, SOCKET, 41, "SO_WIFI_STATUS", 1),
	SET(SOCKET, 42, "SO_PEEK_OFF", 2),
	BUT(AF_UNIX, SOCKET, 43, "SO_NOFCS", 1),
	SET(SOCKET, 44, "SO_LOCK_FILTER", 1),
	BUT(AF_UNIX, SOCKET, 45, "SO_SELECT_ERR_QUEUE", 1),
	BUT(AF_UNIX, SOCKET, 46, "SO_BUSY_POLL", 50),
	{ .level = SOCKET, .number = 47, .name = "SO_MAX_PACING_RATE", .value = { 123456789, 0 }, .len = 8,
	  .where = ALL, .except = AF_UNIX },
	TOLD(SOCKET, 48, "SO_BPF_EXTENSIONS", "fixed"),
	BUT(AF_UNIX, SOCKET, 49, "SO_INCOMING_CPU", 0),
	STATE(SOCKET, 50, "SO_ATTACH_BPF", "is refused"),
	STATE(SOCKET, 51, "SO_ATTACH_REUSEPORT_CBPF", "see socket_filters"),
	STATE(SOCKET, 52, "SO_ATTACH_REUSEPORT_EBPF", "is refused"),
	STATE(SOCKET, 53, "SO_CNX_ADVICE", "an action"),
	STATE(SOCKET, 55, "SO_MEMINFO", "what is used now"),
	TOLD(SOCKET, 56, "SO_INCOMING_NAPI_ID", "told"),
	STATE(SOCKET, 57, "SO_COOKIE", "a number of the kernel's"),
	TOLD(SOCKET, 59, "SO_PEERGROUPS", "told"),
	TOLD(SOCKET, 60, "SO_ZEROCOPY", "is refused"),
	TOLD(SOCKET, 61, "SO_TXTIME", "is refused"),
	TOLD(SOCKET, 62, "SO_BINDTOIFINDEX", "as SO_BINDTODEVICE"),
	SET_IN(2, SOCKET, 29, "SO_TIMESTAMP, SO_TIMESTAMP_OLD", 1),
	SET_IN(4, SOCKET, 35, "SO_TIMESTAMPNS, SO_TIMESTAMPNS_OLD", 1),
	TOLD(SOCKET, 37, "SO_TIMESTAMPING, SO_TIMESTAMPING_OLD", "is refused"),
	SET_IN(8, SOCKET, 63, "SO_TIMESTAMP_NEW", 1),
	SET_IN(16, SOCKET, 64, "SO_TIMESTAMPNS_NEW", 1),
	TOLD(SOCKET, 65, "SO_TIMESTAMPING_NEW", "is refused"),
	LONG(16, SOCKET, 66, "SO_RCVTIMEO, SO_RCVTIMEO_NEW", 3, 0, 500000, 0),
	LONG(16, SOCKET, 67, "SO_SNDTIMEO, SO_SNDTIMEO_NEW", 4, 0, 250000, 0),
	STATE(SOCKET, 68, "SO_DETACH_REUSEPORT_BPF", "an action"),
	BUT(AF_UNIX, SOCKET, 69, "SO_PREFER_BUSY_POLL", 1),
	TOLD(SOCKET, 70, "SO_BUSY_POLL_BUDGET", "is refused"),
	TOLD(SOCKET, 71, "SO_NETNS_COOKIE", "the network's"),
	SET_IN(16, SOCKET, 72, "SO_BUF_LOCK", 1),
	TOLD(SOCKET, 73, "SO_RESERVE_MEM", "is refused"),
	SET(SOCKET, 74, "SO_TXREHASH", 0),
	SET(SOCKET, 75, "SO_RCVMARK", 1),
	SET(SOCKET, 76, "SO_PASSPIDFD", 1),
	STATE(SOCKET, 77, "SO_PEERPIDFD", "opens a descriptor"),
	STATE(SOCKET, 78, "SO_DEVMEM_LINEAR", "of messages"),
	STATE(SOCKET, 79, "SO_DEVMEM_DMABUF", "of messages"),
	STATE(SOCKET, 80, "SO_DEVMEM_DONTNEED", "an action"),
	SET(SOCKET, 82, "SO_RCVPRIORITY", 1),
	SET(SOCKET, 83, "SO_PASSRIGHTS", 0),
	STATE(SOCKET, 84, "SO_INQ", "not told: see look_at_inq()"),

	SET(IP, 1, "IP_TOS", 0x20),
	SET(IP, 2, "IP_TTL", 33),
	SET(IP, 3, "IP_HDRINCL", 1),
	TOLD(IP, 4, "IP_OPTIONS", "is refused"),
	STATE(IP, 5, "IP_ROUTER_ALERT", "is refused"),
	SET(IP, 6, "IP_RECVOPTS", 1),
	SET(IP, 7, "IP_RETOPTS, IP_RECVRETOPTS", 1),
	SET(IP, 8, "IP_PKTINFO", 1),
	STATE(IP, 9, "IP_PKTOPTIONS", "what has come"),
	SET_IN(6, IP, 10, "IP_MTU_DISCOVER", 3),
	SET_IN(8, IP, 10, "IP_MTU_DISCOVER", 0),
	SET_IN(16, IP, 10, "IP_MTU_DISCOVER", 5),
	SET(IP, 11, "IP_RECVERR", 1),
	SET(IP, 12, "IP_RECVTTL", 1),
	SET(IP, 13, "IP_RECVTOS", 1),
	TOLD(IP, 14, "IP_MTU", "of a connection"),
	SET(IP, 15, "IP_FREEBIND", 1),
	STATE(IP, 16, "IP_IPSEC_POLICY", "is refused"),
	STATE(IP, 17, "IP_XFRM_POLICY", "is refused"),
	SET(IP, 18, "IP_PASSSEC", 1),
	SET(IP, 19, "IP_TRANSPARENT", 1),
	SET(IP, 20, "IP_ORIGDSTADDR, IP_RECVORIGDSTADDR", 1),
	SET(IP, 21, "IP_MINTTL", 7),
	SET(IP, 22, "IP_NODEFRAG", 1),
	SET(IP, 23, "IP_CHECKSUM", 1),
	SET(IP, 24, "IP_BIND_ADDRESS_NO_PORT", 1),
	SET(IP, 25, "IP_RECVFRAGSIZE", 1),
	SET(IP, 26, "IP_RECVERR_RFC4884", 1),
	LONG(12, IP, 32, "IP_MULTICAST_IF", 0, 0x0100007f, 1),
	SET(IP, 33, "IP_MULTICAST_TTL", 7),
	SET(IP, 34, "IP_MULTICAST_LOOP", 0),
	STATE(IP, 35, "IP_ADD_MEMBERSHIP", "see udp_sockets"),
	STATE(IP, 36, "IP_DROP_MEMBERSHIP", "an action"),
	STATE(IP, 37, "IP_UNBLOCK_SOURCE", "an action"),
	STATE(IP, 38, "IP_BLOCK_SOURCE", "see multicast_sources"),
	STATE(IP, 39, "IP_ADD_SOURCE_MEMBERSHIP", "see multicast_sources"),
	STATE(IP, 40, "IP_DROP_SOURCE_MEMBERSHIP", "an action"),
	STATE(IP, 41, "IP_MSFILTER", "see multicast_sources"),
	STATE(IP, 42, "MCAST_JOIN_GROUP", "as IP_ADD_MEMBERSHIP"),
	STATE(IP, 43, "MCAST_BLOCK_SOURCE", "see multicast_sources"),
	STATE(IP, 44, "MCAST_UNBLOCK_SOURCE", "an action"),
	STATE(IP, 45, "MCAST_LEAVE_GROUP", "an action"),
	STATE(IP, 46, "MCAST_JOIN_SOURCE_GROUP", "see multicast_sources"),
	STATE(IP, 47, "MCAST_LEAVE_SOURCE_GROUP", "an action"),
	STATE(IP, 48, "MCAST_MSFILTER", "see multicast_sources"),
	SET(IP, 49, "IP_MULTICAST_ALL", 0),
	{ .level = IP, .number = 50, .name = "IP_UNICAST_IF", .value = { 0x01000000 }, .len = 4, .where = 0x1c,
	  .except = SOCK_STREAM << 8 },
	SET(IP, 51, "IP_LOCAL_PORT_RANGE", (int)(50000u << 16 | 40000)),
	TOLD(IP, 52, "IP_PROTOCOL", "fixed"),

	STATE(IPV6, 1, "IPV6_ADDRFORM", "an action"),
	SET(IPV6, 2, "IPV6_2292PKTINFO", 1),
	SET(IPV6, 3, "IPV6_2292HOPOPTS", 1),
	SET(IPV6, 4, "IPV6_2292DSTOPTS", 1),
	SET(IPV6, 5, "IPV6_2292RTHDR", 1),
	STATE(IPV6, 6, "IPV6_2292PKTOPTIONS", "what has come"),
	SET(IPV6, 7, "IPV6_CHECKSUM", 2),
	SET(IPV6, 8, "IPV6_2292HOPLIMIT", 1),
	STATE(IPV6, 9, "IPV6_NEXTHOP", "does not exist"),
	STATE(IPV6, 10, "IPV6_AUTHHDR", "does not exist"),
	SET(IPV6, 11, "IPV6_FLOWINFO", 1),
	SET(IPV6, 16, "IPV6_UNICAST_HOPS", 9),
	SET(IPV6, 17, "IPV6_MULTICAST_IF", 1),
	SET(IPV6, 18, "IPV6_MULTICAST_HOPS", 11),
	SET(IPV6, 19, "IPV6_MULTICAST_LOOP", 0),
	STATE(IPV6, 20, "IPV6_ADD_MEMBERSHIP", "see udp_sockets"),
	STATE(IPV6, 21, "IPV6_DROP_MEMBERSHIP", "an action"),
	STATE(IPV6, 22, "IPV6_ROUTER_ALERT", "is refused"),
	SET_IN(6, IPV6, 23, "IPV6_MTU_DISCOVER", 3),
	SET_IN(8, IPV6, 23, "IPV6_MTU_DISCOVER", 0),
	SET_IN(16, IPV6, 23, "IPV6_MTU_DISCOVER", 5),
	TOLD(IPV6, 24, "IPV6_MTU", "is refused"),
	SET(IPV6, 25, "IPV6_RECVERR", 1),
	SET(IPV6, 26, "IPV6_V6ONLY", 1),
	STATE(IPV6, 27, "IPV6_JOIN_ANYCAST", "is refused"),
	STATE(IPV6, 28, "IPV6_LEAVE_ANYCAST", "an action"),
	SET(IPV6, 29, "IPV6_MULTICAST_ALL", 0),
	TOLD(IPV6, 30, "IPV6_ROUTER_ALERT_ISOLATE", "is refused"),
	SET(IPV6, 31, "IPV6_RECVERR_RFC4884", 1),
	STATE(IPV6, 32, "IPV6_FLOWLABEL_MGR", "is refused"),
	SET(IPV6, 33, "IPV6_FLOWINFO_SEND", 1),
	STATE(IPV6, 34, "IPV6_IPSEC_POLICY", "is refused"),
	STATE(IPV6, 35, "IPV6_XFRM_POLICY", "is refused"),
	SET(IPV6, 36, "IPV6_HDRINCL", 1),
	SET(IPV6, 49, "IPV6_RECVPKTINFO", 1),
	STATE(IPV6, 50, "IPV6_PKTINFO", "is refused"),
	SET(IPV6, 51, "IPV6_RECVHOPLIMIT", 1),
	STATE(IPV6, 52, "IPV6_HOPLIMIT", "of messages"),
	SET(IPV6, 53, "IPV6_RECVHOPOPTS", 1),
	TOLD(IPV6, 54, "IPV6_HOPOPTS", "is refused"),
	TOLD(IPV6, 55, "IPV6_RTHDRDSTOPTS", "is refused"),
	SET(IPV6, 56, "IPV6_RECVRTHDR", 1),
	TOLD(IPV6, 57, "IPV6_RTHDR", "is refused"),
	SET(IPV6, 58, "IPV6_RECVDSTOPTS", 1),
	TOLD(IPV6, 59, "IPV6_DSTOPTS", "is refused"),
	SET(IPV6, 60, "IPV6_RECVPATHMTU", 1),
	TOLD(IPV6, 61, "IPV6_PATHMTU", "of a connection"),
	SET(IPV6, 62, "IPV6_DONTFRAG", 1),
	STATE(IPV6, 63, "IPV6_USE_MIN_MTU", "does not exist"),
	SET(IPV6, 66, "IPV6_RECVTCLASS", 1),
	SET(IPV6, 67, "IPV6_TCLASS", 0x40),
	SET(IPV6, 70, "IPV6_AUTOFLOWLABEL", 0),
	SET(IPV6, 72, "IPV6_ADDR_PREFERENCES", 2),
	SET(IPV6, 73, "IPV6_MINHOPCOUNT", 5),
	SET(IPV6, 74, "IPV6_ORIGDSTADDR, IPV6_RECVORIGDSTADDR", 1),
	SET(IPV6, 75, "IPV6_TRANSPARENT", 1),
	{ .level = IPV6, .number = 76, .name = "IPV6_UNICAST_IF", .value = { 0x01000000 }, .len = 4,
	  .where = 0x1c, .except = SOCK_STREAM << 8 },
	SET(IPV6, 77, "IPV6_RECVFRAGSIZE", 1),
	SET(IPV6, 78, "IPV6_FREEBIND", 1),

	SET(TCP, 1, "TCP_NODELAY", 1),
	SET(TCP, 2, "TCP_MAXSEG", 1000),
	SET(TCP, 3, "TCP_CORK", 1),
	SET(TCP, 4, "TCP_KEEPIDLE", 77),
	SET(TCP, 5, "TCP_KEEPINTVL", 11),
	SET(TCP, 6, "TCP_KEEPCNT", 4),
	SET(TCP, 7, "TCP_SYNCNT", 3),
	SET(TCP, 8, "TCP_LINGER2", 20),
	SET(TCP, 9, "TCP_DEFER_ACCEPT", 5),
	SET(TCP, 10, "TCP_WINDOW_CLAMP", 60000),
	STATE(TCP, 11, "TCP_INFO", "statistics"),
	SET(TCP, 12, "TCP_QUICKACK", 0),
	LONG(4, TCP, 13, "TCP_CONGESTION", 'r' | 'e' << 8 | 'n' << 16 | 'o' << 24),
	STATE(TCP, 14, "TCP_MD5SIG", "is refused"),
	SET(TCP, 16, "TCP_THIN_LINEAR_TIMEOUTS", 1),
	TOLD(TCP, 17, "TCP_THIN_DUPACK", "does nothing"),
	SET(TCP, 18, "TCP_USER_TIMEOUT", 12345),
	TOLD(TCP, 19, "TCP_REPAIR", "is refused"),
	TOLD(TCP, 20, "TCP_REPAIR_QUEUE", "is refused"),
	TOLD(TCP, 21, "TCP_QUEUE_SEQ", "is refused"),
	STATE(TCP, 22, "TCP_REPAIR_OPTIONS", "an action"),
	TOLD(TCP, 23, "TCP_FASTOPEN", "is refused"),
	STATE(TCP, 24, "TCP_TIMESTAMP", "a time"),
	SET(TCP, 25, "TCP_NOTSENT_LOWAT", 4096),
	STATE(TCP, 26, "TCP_CC_INFO", "statistics"),
	SET(TCP, 27, "TCP_SAVE_SYN", 1),
	TOLD(TCP, 28, "TCP_SAVED_SYN", "of a connection"),
	TOLD(TCP, 29, "TCP_REPAIR_WINDOW", "is refused"),
	TOLD(TCP, 30, "TCP_FASTOPEN_CONNECT", "is refused"),
	TOLD(TCP, 31, "TCP_ULP", "is refused"),
	STATE(TCP, 32, "TCP_MD5SIG_EXT", "is refused"),
	TOLD(TCP, 33, "TCP_FASTOPEN_KEY", "is refused"),
	TOLD(TCP, 34, "TCP_FASTOPEN_NO_COOKIE", "is refused"),
	STATE(TCP, 35, "TCP_ZEROCOPY_RECEIVE", "an action"),
	SET(TCP, 36, "TCP_INQ, TCP_CM_INQ", 1),
	SET(TCP, 37, "TCP_TX_DELAY", 1000),
	STATE(TCP, 38, "TCP_AO_ADD_KEY", "is refused"),
	STATE(TCP, 39, "TCP_AO_DEL_KEY", "an action"),
	TOLD(TCP, 40, "TCP_AO_INFO", "is refused"),
	TOLD(TCP, 41, "TCP_AO_GET_KEYS", "is refused"),
	TOLD(TCP, 42, "TCP_AO_REPAIR", "is refused"),
	TOLD(TCP, 43, "TCP_IS_MPTCP", "fixed"),
	SET(TCP, 44, "TCP_RTO_MAX_MS", 5000),
	SET(TCP, 45, "TCP_RTO_MIN_US", 100000),
	SET(TCP, 46, "TCP_DELACK_MAX_US", 20000),

	SET(UDP, 1, "UDP_CORK", 1),
	TOLD(UDP, 100, "UDP_ENCAP", "is refused"),
	SET(UDP, 101, "UDP_NO_CHECK6_TX", 1),
	SET(UDP, 102, "UDP_NO_CHECK6_RX", 1),
	SET(UDP, 103, "UDP_SEGMENT", 1200),
	SET(UDP, 104, "UDP_GRO", 1),

	SET(RAW, 1, "ICMP_FILTER", 0x55),
	SET(RAW, 7, "IPV6_CHECKSUM", 4),
	SET(RAW, 36, "IPV6_HDRINCL", 1),
	LONG(32, ICMPV6, 1, "ICMPV6_FILTER", 1, 2, 3, 4, 5, 6, 7, 8),

	STATE(PACKET, 1, "PACKET_ADD_MEMBERSHIP", "see packet_sockets"),
	STATE(PACKET, 2, "PACKET_DROP_MEMBERSHIP", "an action"),
	STATE(PACKET, 3, "PACKET_RECV_OUTPUT", "does not exist"),
	STATE(PACKET, 5, "PACKET_RX_RING", "is refused"),
	STATE(PACKET, 6, "PACKET_STATISTICS", "see packet_sockets"),
	SET(PACKET, 7, "PACKET_COPY_THRESH", 3),
	SET(PACKET, 8, "PACKET_AUXDATA", 1),
	SET(PACKET, 9, "PACKET_ORIGDEV", 1),
	SET(PACKET, 10, "PACKET_VERSION", 1),
	TOLD(PACKET, 11, "PACKET_HDRLEN", "fixed"),
	SET(PACKET, 12, "PACKET_RESERVE", 8),
	STATE(PACKET, 13, "PACKET_TX_RING", "is refused"),
	SET(PACKET, 14, "PACKET_LOSS", 1),
	SET_IN(6, PACKET, 15, "PACKET_VNET_HDR", 1),
	STATE(PACKET, 16, "PACKET_TX_TIMESTAMP", "does not exist"),
	SET(PACKET, 17, "PACKET_TIMESTAMP", 1),
	TOLD(PACKET, 18, "PACKET_FANOUT", "is refused"),
	SET(PACKET, 19, "PACKET_TX_HAS_OFF", 1),
	SET(PACKET, 20, "PACKET_QDISC_BYPASS", 1),
	TOLD(PACKET, 21, "PACKET_ROLLOVER_STATS", "is refused"),
	STATE(PACKET, 22, "PACKET_FANOUT_DATA", "is refused"),
	SET(PACKET, 23, "PACKET_IGNORE_OUTGOING", 1),
	SET_IN(24, PACKET, 24, "PACKET_VNET_HDR_SZ", 12),

	STATE(NETLINK, 1, "NETLINK_ADD_MEMBERSHIP", "see netlink_sockets"),
	STATE(NETLINK, 2, "NETLINK_DROP_MEMBERSHIP", "an action"),
	SET(NETLINK, 3, "NETLINK_PKTINFO", 1),
	SET(NETLINK, 4, "NETLINK_BROADCAST_ERROR", 1),
	SET(NETLINK, 5, "NETLINK_NO_ENOBUFS", 1),
	STATE(NETLINK, 6, "NETLINK_RX_RING", "does not exist"),
	STATE(NETLINK, 7, "NETLINK_TX_RING", "does not exist"),
	SET(NETLINK, 8, "NETLINK_LISTEN_ALL_NSID", 1),
	TOLD(NETLINK, 9, "NETLINK_LIST_MEMBERSHIPS", "see netlink_sockets"),
	SET(NETLINK, 10, "NETLINK_CAP_ACK", 1),
	SET(NETLINK, 11, "NETLINK_EXT_ACK", 1),
	SET(NETLINK, 12, "NETLINK_GET_STRICT_CHK", 1),
};

/* What getsockopt(2) tells, or why it does not. */
struct told {
	unsigned char value[SIZE];
	socklen_t len;
	int error;
};

static int fds[KINDS][SOCKETS];
static struct told before[KINDS][SOCKETS][ARRAY_SIZE(options)];

static struct told ask(int fd, int level, int number)
{
	struct told told;

	memset(&told, 0, sizeof(told));
	told.len = SIZE;
	if (getsockopt(fd, level, number, told.value, &told.len)) {
		memset(&told, 0, sizeof(told));
		told.error = errno;
	}
	return told;
}

static bool is_refused_with(const struct kind *kind, const struct option *option)
{
	return option->except == kind->family ||
	       (option->except == SOCK_STREAM << 8 && kind->type == SOCK_STREAM);
}

static void set_all(size_t nr)
{
	const struct kind *kind = &kinds[nr];

	for (int i = 0; i < SOCKETS; i++)
		fds[nr][i] = sure(socket(kind->family, kind->type, kind->protocol));
	for (size_t j = 0; j < ARRAY_SIZE(options); j++) {
		struct option *option = &options[j];
		/* Those that only set tell by another one. */
		int number = option->number == 32 ? 7 : option->number == 33 ? 8 : option->number;

		if (option->level != SOCKET)
			number = option->number;
		for (int i = 1; option->len && i < SOCKETS; i++) {
			struct told plain, now;

			if (!(option->where & 1 << i) || is_refused_with(kind, option) ||
			    setsockopt(fds[nr][i], option->level, option->number, option->value,
				       option->len))
				continue;
			plain = ask(fds[nr][0], option->level, number);
			now = ask(fds[nr][i], option->level, number);
			option->set += memcmp(&plain, &now, sizeof(now)) != 0;
		}
	}
}

/* An option that is not in the table. */
static void look_for_others(size_t nr)
{
	static bool known[ARRAY_SIZE(levels)][NAMES];

	for (size_t level = 0; level < ARRAY_SIZE(levels); level++) {
		for (size_t j = 0; j < ARRAY_SIZE(options); j++)
			if (options[j].level == levels[level])
				known[level][options[j].number] = true;
		for (int number = 1; number < NAMES; number++)
			if (!known[level][number] && !ask(fds[nr][0], levels[level], number).error)
				expect(false, "%s: an option that is not looked at: %d of level %d",
				       kinds[nr].name, number, levels[level]);
	}
}

static void look_at(size_t nr)
{
	for (size_t j = 0; j < ARRAY_SIZE(options); j++) {
		const struct option *option = &options[j];

		for (int i = 0; !option->is_state && i < SOCKETS; i++) {
			struct told now = ask(fds[nr][i], option->level, option->number);
			const struct told *was = &before[nr][i][j];
			int is, wanted;

			if (!memcmp(&now, was, sizeof(now)))
				continue;
			memcpy(&is, now.value, sizeof(is));
			memcpy(&wanted, was->value, sizeof(wanted));
			expect(false, "%s, socket %d: %s: %d, errno %d, wanted %d, errno %d",
			       kinds[nr].name, i, option->name, is, now.error, wanted, was->error);
		}
	}
	expect(true, "%s: all options", kinds[nr].name);
}

/* An option that no getsockopt(2) tells: that each message tells how much is left. */
static int make_inq(void)
{
	int pair[2], on = 1;

	sure(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	sure(setsockopt(pair[0], SOL_SOCKET, SO_INQ_, &on, sizeof(on)));
	sure(write(pair[1], "hello", 5));
	return pair[0];
}

static void look_at_inq(int fd)
{
	char text[2], control[64];
	struct iovec iov = { text, sizeof(text) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
			      .msg_controllen = sizeof(control) };
	struct cmsghdr *head;
	int left = -1;

	expect_eq(recvmsg(fd, &msg, 0), 2, "a part of a message");
	head = CMSG_FIRSTHDR(&msg);
	if (head && head->cmsg_type == SO_INQ_)
		memcpy(&left, CMSG_DATA(head), sizeof(left));
	expect_eq(left, 3, "SO_INQ: how much is left");
}

int main(int argc, char **argv)
{
	int inq;

	payload_begin(argc, argv);
	inq = make_inq();
	write_file("/proc/sys/net/ipv4/ping_group_range", 0, "0 1000");
	for (size_t nr = 0; nr < KINDS; nr++) {
		set_all(nr);
		look_for_others(nr);
	}
	for (size_t j = 0; j < ARRAY_SIZE(options); j++) {
		if (options[j].len)
			expect(options[j].set, "%s is set", options[j].name);
		for (size_t nr = 0; !options[j].is_state && nr < KINDS; nr++)
			for (int i = 0; i < SOCKETS; i++)
				before[nr][i][j] = ask(fds[nr][i], options[j].level, options[j].number);
	}

	if (pause_here()) {
		int other = 34;

		sure(setsockopt(fds[0][1], IP, 2, &other, sizeof(other)));
	}
	for (size_t nr = 0; nr < KINDS; nr++)
		look_at(nr);
	look_at_inq(inq);
	return payload_end();
}
