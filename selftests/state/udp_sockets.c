// SPDX-License-Identifier: GPL-2.0
/*
 * UDP sockets: names, options, other ends, groups; those that nobody has bound, that
 * sending has bound, that were connected, and are not any more; an error that nobody
 * has seen yet.
 */
#include "options.h"
#include <stdlib.h>

enum { UNBOUND, UNBOUND6, MANY, MANY6, SENT, CONNECTED, ANYWHERE, WAS_CONNECTED, CONNECTED6,
       BOTH, REUSE, REUSE_TOO, GROUP, GROUP6, REFUSED, SHUT, CORKED, OUTSIDE, DEVICE, SOCKETS };

static int fds[SOCKETS];

static int opened(int family)
{
	return sure(socket(family, SOCK_DGRAM, 0));
}

static void connect_to(int fd, union address to)
{
	sure(connect(fd, &to.any, sizeof(to)));
}

static void disconnect(int fd)
{
	struct sockaddr none = { .sa_family = AF_UNSPEC };

	sure(connect(fd, &none, sizeof(none)));
}

static void set_many(int fd, bool v6)
{
	struct timeval timeout = { 3, 0 };
	struct ip_mreqn device = { .imr_ifindex = 1 };

	set_option(fd, SOL_SOCKET, SO_BROADCAST, 1);
	set_option(fd, SOL_SOCKET, SO_PRIORITY, 5);
	set_option(fd, SOL_SOCKET, SO_MARK, 99);
	set_option(fd, SOL_SOCKET, SO_TIMESTAMP, 1);
	set_option(fd, SOL_SOCKET, SO_SNDBUFFORCE, 9000000);
	set_option(fd, SOL_SOCKET, SO_RCVBUF, 123456);
	set_option(fd, SOL_SOCKET, SO_RXQ_OVFL, 1);
	set_option(fd, SOL_SOCKET, SO_PEEK_OFF, 2);
	sure(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)));
	set_option(fd, IPPROTO_IP, IP_TOS, 0x20);
	set_option(fd, IPPROTO_IP, IP_TTL, 33);
	set_option(fd, IPPROTO_IP, IP_PKTINFO, 1);
	set_option(fd, IPPROTO_IP, IP_RECVERR, 1);
	set_option(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO);
	set_option(fd, IPPROTO_IP, IP_PASSSEC, 1);
	set_option(fd, IPPROTO_IP, IP_MULTICAST_TTL, 7);
	set_option(fd, IPPROTO_IP, IP_MULTICAST_LOOP, 0);
	set_option(fd, IPPROTO_IP, IP_MULTICAST_ALL, 0);
	set_option(fd, IPPROTO_IP, 50 /* IP_UNICAST_IF */, htonl(1));
	device.imr_address.s_addr = htonl(INADDR_LOOPBACK);
	sure(setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &device, sizeof(device)));
	set_option(fd, IPPROTO_UDP, 100 /* UDP_ENCAP */, 3 /* L2TP */);
	set_option(fd, IPPROTO_UDP, 101 /* UDP_NO_CHECK6_TX */, 1);
	set_option(fd, IPPROTO_UDP, 102 /* UDP_NO_CHECK6_RX */, 1);
	set_option(fd, IPPROTO_UDP, 103 /* UDP_SEGMENT */, 1200);
	set_option(fd, IPPROTO_UDP, 104 /* UDP_GRO */, 1);
	if (!v6)
		return;
	set_option(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, 9);
	set_option(fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, 11);
	set_option(fd, IPPROTO_IPV6, IPV6_MULTICAST_IF, 1);
	set_option(fd, IPPROTO_IPV6, IPV6_MULTICAST_LOOP, 0);
	set_option(fd, IPPROTO_IPV6, 76 /* IPV6_UNICAST_IF */, htonl(1));
	set_option(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
	set_option(fd, IPPROTO_IPV6, IPV6_TCLASS, 0x40);
}

static union address group4(int port)
{
	union address at = loopback(AF_INET, port);

	at.v4.sin_addr.s_addr = htonl(0xefff0102);
	return at;
}

/* Two groups each; the second of which is left again later. */
static void join(int fd, bool v6, int option, int option6)
{
	struct ipv6_mreq mreq6 = { { .s6_addr = { 0xff, 0x01, [15] = 0x77 } }, 1 };
	struct ip_mreqn mreq = { .imr_multiaddr = group4(0).v4.sin_addr, .imr_ifindex = 1 };

	sure(setsockopt(fd, IPPROTO_IP, option, &mreq, sizeof(mreq)));
	mreq.imr_multiaddr.s_addr ^= htonl(0xff);
	sure(setsockopt(fd, IPPROTO_IP, option, &mreq, sizeof(mreq)));
	if (!v6)
		return;
	sure(setsockopt(fd, IPPROTO_IPV6, option6, &mreq6, sizeof(mreq6)));
	mreq6.ipv6mr_multiaddr.s6_addr[15]++;
	sure(setsockopt(fd, IPPROTO_IPV6, option6, &mreq6, sizeof(mreq6)));
}

static void get(int fd, const char *wanted, const char *what)
{
	char text[30] = "";

	recv(fd, text, sizeof(text) - 1, MSG_DONTWAIT);
	expect(!strcmp(text, wanted), "%s: \"%s\", wanted \"%s\"", what, text, wanted);
}

static void send_to(int from, int fd, const char *text)
{
	union address to = name_of(fd);

	if (to.any.sa_family == AF_INET6)
		to.v6.sin6_addr = in6addr_loopback;
	else
		to.v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	expect_eq(sendto(from, text, strlen(text), 0, &to.any, sizeof(to)), strlen(text), "%s", text);
}

/* Who is bound to it has chosen it, other than to port 0. */
static union address free_port(uint32_t host)
{
	int fd = bound(loopback(AF_INET, 0), SOCK_DGRAM);
	union address at = name_of(fd);

	close(fd);
	at.v4.sin_addr.s_addr = htonl(host);
	return at;
}

static void make_connected(int peer)
{
	union address at = free_port(INADDR_LOOPBACK), outside = loopback(AF_INET, 53);

	fds[CONNECTED] = bound(at, SOCK_DGRAM);
	connect_to(fds[CONNECTED], name_of(peer));
	fds[ANYWHERE] = opened(AF_INET);
	connect_to(fds[ANYWHERE], name_of(peer));
	at = free_port(INADDR_ANY);
	fds[WAS_CONNECTED] = bound(at, SOCK_DGRAM);
	connect_to(fds[WAS_CONNECTED], name_of(peer));
	disconnect(fds[WAS_CONNECTED]);
	fds[CONNECTED6] = opened(AF_INET6);
	connect_to(fds[CONNECTED6], name_of(fds[MANY6]));
	at = name_of(peer);
	fds[SHUT] = opened(AF_INET);
	connect_to(fds[SHUT], at);
	set_option(fds[SHUT], IPPROTO_UDP, 100 /* UDP_ENCAP */, 2 /* ESP */);
	sure(shutdown(fds[SHUT], SHUT_RDWR));
	/* Whoever that is. */
	fds[OUTSIDE] = opened(AF_INET);
	outside.v4.sin_addr.s_addr = htonl(0x7f090909);
	connect_to(fds[OUTSIDE], outside);
}

/* Connected to a port that nobody has, which it has been told. */
static int refused(void)
{
	int gone = bound(loopback(AF_INET, 0), SOCK_DGRAM), fd = opened(AF_INET);

	connect_to(fd, name_of(gone));
	close(gone);
	sure(send(fd, "x", 1, 0));
	sleep_ms(50);
	return fd;
}

static void make(int peer)
{
	union address at;

	fds[UNBOUND] = opened(AF_INET);
	fds[UNBOUND6] = opened(AF_INET6);
	fds[MANY] = bound(loopback(AF_INET, 0), SOCK_DGRAM);
	set_many(fds[MANY], false);
	sure(fchown(fds[MANY], 7, 8));
	fds[MANY6] = bound(loopback(AF_INET6, 0), SOCK_DGRAM);
	set_many(fds[MANY6], true);
	fds[SENT] = opened(AF_INET);
	send_to(fds[SENT], peer, "to be bound");
	get(peer, "to be bound", "before");
	make_connected(peer);

	fds[BOTH] = opened(AF_INET6);
	set_option(fds[BOTH], IPPROTO_IPV6, IPV6_V6ONLY, 0);
	at = loopback(AF_INET6, 0);
	at.v6.sin6_addr = in6addr_any;
	sure(bind(fds[BOTH], &at.any, sizeof(at)));
	for (int i = REUSE; i <= REUSE_TOO; i++) {
		fds[i] = opened(AF_INET);
		set_option(fds[i], SOL_SOCKET, SO_REUSEPORT, 1);
		at = i == REUSE ? loopback(AF_INET, 0) : name_of(fds[REUSE]);
		sure(bind(fds[i], &at.any, sizeof(at)));
	}
	fds[GROUP] = bound(group4(0), SOCK_DGRAM);
	join(fds[GROUP], false, IP_ADD_MEMBERSHIP, 0);
	fds[GROUP6] = opened(AF_INET6);
	at = loopback(AF_INET6, 0);
	at.v6.sin6_addr = in6addr_any;
	sure(bind(fds[GROUP6], &at.any, sizeof(at)));
	join(fds[GROUP6], true, IP_ADD_MEMBERSHIP, IPV6_ADD_MEMBERSHIP);
	fds[REFUSED] = refused();
	fds[CORKED] = opened(AF_INET);
	set_option(fds[CORKED], IPPROTO_UDP, 1 /* UDP_CORK */, 1);
	fds[DEVICE] = opened(AF_INET);
	sure(setsockopt(fds[DEVICE], SOL_SOCKET, SO_BINDTODEVICE, "lo", 3));
}

/* How many sockets are members of the groups of IPv6. */
static int members6(void)
{
	static char text[65536];
	int count = 0;
	char *at;

	read_file("/proc/net/igmp6", text, sizeof(text));
	for (int i = 0x77; i <= 0x78; i++) {
		char address[50];

		snprintf(address, sizeof(address), "ff01%026x%02x", 0, i);
		at = strstr(text, address);
		count += at ? atoi(at + strlen(address)) : 0;
	}
	return count;
}

static void look_at_groups(int from)
{
	union address to = group4(ntohs(name_of(fds[GROUP]).v4.sin_port));
	struct ip_mreqn device = { .imr_ifindex = 1 };

	sure(setsockopt(from, IPPROTO_IP, IP_MULTICAST_IF, &device, sizeof(device)));
	expect_eq(sendto(from, "all", 3, 0, &to.any, sizeof(to)), 3, "to a group");
	get(fds[GROUP], "all", "a member");
	expect_eq(members6(), 2, "members of groups of IPv6");
	join(fds[GROUP], false, IP_DROP_MEMBERSHIP, 0);
	join(fds[GROUP6], true, IP_DROP_MEMBERSHIP, IPV6_DROP_MEMBERSHIP);
	expect_eq(members6(), 0, "members of groups that were left");
}

static void look_at_connected(int peer)
{
	union address at = name_of(fds[ANYWHERE]);
	struct stat owner;
	char text[10];

	expect_eq(send(fds[CONNECTED], "one", 3, 0), 3, "a connected one sends");
	get(peer, "one", "from a connected one");
	expect_eq(send(fds[ANYWHERE], "two", 3, 0), 3, "another");
	get(peer, "two", "from another");
	send_to(peer, fds[ANYWHERE], "back");
	get(fds[ANYWHERE], "back", "and back");
	disconnect(fds[ANYWHERE]);
	expect_eq(name_of(fds[ANYWHERE]).v4.sin_port, 0, "it gives up its port");
	disconnect(fds[CONNECTED]);
	expect(name_of(fds[CONNECTED]).v4.sin_port != 0, "and this one does not");
	at = loopback(AF_INET, ntohs(at.v4.sin_port));
	close(bound(at, SOCK_DGRAM));
	send_to(peer, fds[WAS_CONNECTED], "from anybody");
	get(fds[WAS_CONNECTED], "from anybody", "not connected any more");
	expect_eq(send(fds[CONNECTED6], "three", 5, 0), 5, "a connected one of IPv6");
	set_option(fds[MANY6], SOL_SOCKET, SO_PEEK_OFF, -1);
	get(fds[MANY6], "three", "from that");
	expect_errno(send(fds[SHUT], "x", 1, MSG_NOSIGNAL), EPIPE, "shut down");
	expect_eq(recv(fds[SHUT], text, 1, 0), 0, "shut down: end");
	expect_errno(recv(fds[REFUSED], text, 1, MSG_DONTWAIT), ECONNREFUSED,
		     "an error that nobody has seen yet");
	expect_errno(recv(fds[REFUSED], text, 1, MSG_DONTWAIT), EAGAIN, "and no other");
	sure(fstat(fds[MANY], &owner));
	expect(owner.st_uid == 7 && owner.st_gid == 8, "owner %d:%d", owner.st_uid, owner.st_gid);
}

int main(int argc, char **argv)
{
	static struct options before[SOCKETS];
	union address names[SOCKETS], peers[SOCKETS], at;
	char what[30];
	int peer, fd;

	payload_begin(argc, argv);
	peer = bound(loopback(AF_INET, 0), SOCK_DGRAM);
	make(peer);
	for (int i = 0; i < SOCKETS; i++) {
		get_options(fds[i], &before[i]);
		names[i] = name_of(fds[i]);
		peers[i] = peer_of(fds[i]);
	}

	if (pause_here()) {
		set_option(fds[MANY], IPPROTO_IP, IP_TTL, 34);
		disconnect(fds[CONNECTED6]);
		join(fds[GROUP], false, IP_DROP_MEMBERSHIP, 0);
		join(fds[GROUP], false, IP_ADD_MEMBERSHIP, 0);
		close(fds[SENT]);
		fds[SENT] = opened(AF_INET);
	}

	for (int i = 0; i < SOCKETS; i++) {
		snprintf(what, sizeof(what), "socket %d", i);
		same_options(fds[i], &before[i], false, what);
		expect(is_same(name_of(fds[i]), names[i]), "%s: name", what);
		expect(is_same(peer_of(fds[i]), peers[i]), "%s: other end", what);
	}
	at = loopback(AF_INET, ntohs(name_of(fds[BOTH]).v6.sin6_port));
	expect_eq(sendto(fds[UNBOUND], "of IPv4", 7, 0, &at.any, sizeof(at)), 7, "to both families");
	get(fds[BOTH], "of IPv4", "IPv4");
	look_at_connected(peer);
	look_at_groups(fds[SENT]);
	send_to(fds[UNBOUND6], fds[BOTH], "hello");
	get(fds[BOTH], "hello", "IPv6");
	expect_eq(name_of(fds[UNBOUND]).v4.sin_port != 0, 1, "sending binds");
	at = name_of(fds[MANY]);
	fd = opened(AF_INET);
	expect_errno(bind(fd, &at.any, sizeof(at)), EADDRINUSE, "a port that is taken");
	set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1);
	at = name_of(fds[REUSE]);
	expect_eq(bind(fd, &at.any, sizeof(at)), 0, "a third one at a port");
	at = name_of(peer);
	expect_eq(sendto(fds[CORKED], "a part", 6, 0, &at.any, sizeof(at)), 6, "it is corked");
	get(peer, "", "nothing is sent");
	set_option(fds[CORKED], IPPROTO_UDP, 1 /* UDP_CORK */, 0);
	get(peer, "a part", "all is sent");
	return payload_end();
}
