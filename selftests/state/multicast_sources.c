// SPDX-License-Identifier: GPL-2.0
/*
 * Multicast groups of UDP and raw sockets that receive what certain sources send, or
 * what others send; of IPv4 and IPv6, also of an IPv4 group in a socket of IPv6.
 */
#include "payload.h"
#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>

#define GROUP	"239.255.1.2"
#define GROUP6	"ff15::1234"
#define MOST	5

enum { INCLUDES, EXCLUDES, INCLUDES6, EXCLUDES6, MAPPED, BY_ADDRESS, RAW, SOCKETS };

static int fds[SOCKETS], device;

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
	struct sockaddr_storage storage;
};

static union address address(const char *text)
{
	union address at = { .any.sa_family = strchr(text, ':') ? AF_INET6 : AF_INET };

	if (at.any.sa_family == AF_INET6)
		inet_pton(AF_INET6, text, &at.v6.sin6_addr);
	else
		inet_pton(AF_INET, text, &at.v4.sin_addr);
	return at;
}

static void change(int fd, int option, const char *group, const char *source)
{
	struct group_source_req request = {
		.gsr_interface = device,
		.gsr_group = address(group).storage,
		.gsr_source = address(source).storage,
	};

	sure(setsockopt(fd, address(group).any.sa_family == AF_INET ? IPPROTO_IP : IPPROTO_IPV6, option,
			&request, sizeof(request)));
}

static void join(int fd, const char *group)
{
	struct group_req request = { .gr_interface = device, .gr_group = address(group).storage };

	sure(setsockopt(fd, address(group).any.sa_family == AF_INET ? IPPROTO_IP : IPPROTO_IPV6,
			MCAST_JOIN_GROUP, &request, sizeof(request)));
}

/* The sources of a group, in their order. */
union sources {
	struct group_filter filter;
	unsigned char bytes[GROUP_FILTER_SIZE(MOST)];
};

static union sources sources_of(int fd, const char *group)
{
	static union sources all;
	socklen_t len = sizeof(all);

	memset(&all, 0, sizeof(all));
	all.filter.gf_interface = device;
	all.filter.gf_group = address(group).storage;
	all.filter.gf_numsrc = MOST;
	sure(getsockopt(fd, address(group).any.sa_family == AF_INET ? IPPROTO_IP : IPPROTO_IPV6,
			MCAST_MSFILTER, &all, &len));
	return all;
}

static int opened(const char *any)
{
	union address at = address(any);
	int fd = sure(socket(at.any.sa_family, SOCK_DGRAM, 0));

	sure(bind(fd, &at.any, sizeof(at)));
	return fd;
}

static int port_of(int fd)
{
	union address at;
	socklen_t len = sizeof(at);

	sure(getsockname(fd, &at.any, &len));
	return at.v4.sin_port;
}

static void say(const char *source, int to, const char *text)
{
	struct ip_mreqn by = { .imr_ifindex = device };
	union address at = address(GROUP);
	int fd = opened(source);

	at.v4.sin_port = port_of(to);
	sure(setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &by, sizeof(by)));
	sure(sendto(fd, text, strlen(text), 0, &at.any, sizeof(at)));
	close(fd);
}

static void expect_next(int fd, const char *wanted, const char *what)
{
	char text[20] = "";

	sure(poll(&(struct pollfd){ .fd = fd, .events = POLLIN }, 1, -1));
	sure((int)recv(fd, text, sizeof(text) - 1, 0));
	expect(!strcmp(text, wanted), "%s: \"%s\", wanted \"%s\"", what, text, wanted);
}

static void make(void)
{
	struct ip_mreq_source request = {
		.imr_multiaddr = address(GROUP).v4.sin_addr,
		.imr_interface.s_addr = htonl(INADDR_LOOPBACK),
		.imr_sourceaddr = address("127.0.0.9").v4.sin_addr,
	};

	device = if_nametoindex("lo");
	fds[INCLUDES] = opened("0.0.0.0");
	change(fds[INCLUDES], MCAST_JOIN_SOURCE_GROUP, GROUP, "127.0.0.3");
	change(fds[INCLUDES], MCAST_JOIN_SOURCE_GROUP, GROUP, "127.0.0.2");
	fds[EXCLUDES] = opened("0.0.0.0");
	join(fds[EXCLUDES], GROUP);
	change(fds[EXCLUDES], MCAST_BLOCK_SOURCE, GROUP, "127.0.0.4");
	change(fds[EXCLUDES], MCAST_BLOCK_SOURCE, GROUP, "127.0.0.5");
	fds[INCLUDES6] = opened("::");
	change(fds[INCLUDES6], MCAST_JOIN_SOURCE_GROUP, GROUP6, "2001:db8::2");
	change(fds[INCLUDES6], MCAST_JOIN_SOURCE_GROUP, GROUP6, "2001:db8::1");
	fds[EXCLUDES6] = opened("::");
	join(fds[EXCLUDES6], GROUP6);
	change(fds[EXCLUDES6], MCAST_BLOCK_SOURCE, GROUP6, "2001:db8::3");
	fds[MAPPED] = opened("::");
	change(fds[MAPPED], MCAST_JOIN_SOURCE_GROUP, GROUP, "127.0.0.6");
	fds[BY_ADDRESS] = opened("0.0.0.0");
	sure(setsockopt(fds[BY_ADDRESS], IPPROTO_IP, IP_ADD_SOURCE_MEMBERSHIP, &request, sizeof(request)));
	fds[RAW] = sure(socket(AF_INET, SOCK_RAW, 253));
	join(fds[RAW], GROUP);
	change(fds[RAW], MCAST_BLOCK_SOURCE, GROUP, "127.0.0.7");
}

static const char *group_of(int i)
{
	return i == INCLUDES6 || i == EXCLUDES6 ? GROUP6 : GROUP;
}

int main(int argc, char **argv)
{
	static const unsigned int counts[] = { 2, 2, 2, 1, 1, 1, 1 };
	static union sources before[SOCKETS], now;
	struct ip_mreq by_address = {
		.imr_multiaddr = address(GROUP).v4.sin_addr,
		.imr_interface.s_addr = htonl(INADDR_LOOPBACK),
	};

	payload_begin(argc, argv);
	make();
	for (int i = 0; i < SOCKETS; i++) {
		before[i] = sources_of(fds[i], group_of(i));
		expect_eq(before[i].filter.gf_numsrc, counts[i], "sources of socket %d before", i);
	}
	say("127.0.0.2", fds[INCLUDES], "first");

	if (pause_here()) {
		change(fds[INCLUDES], MCAST_LEAVE_SOURCE_GROUP, GROUP, "127.0.0.3");
		change(fds[EXCLUDES], MCAST_UNBLOCK_SOURCE, GROUP, "127.0.0.4");
		change(fds[EXCLUDES6], MCAST_UNBLOCK_SOURCE, GROUP6, "2001:db8::3");
	}

	for (int i = 0; i < SOCKETS; i++) {
		now = sources_of(fds[i], group_of(i));
		expect(!memcmp(&now, &before[i], sizeof(now)), "sources of socket %d: %u", i, now.filter.gf_numsrc);
	}
	expect_next(fds[INCLUDES], "first", "what waited");
	say("127.0.0.1", fds[INCLUDES], "unwanted");
	say("127.0.0.2", fds[INCLUDES], "wanted");
	expect_next(fds[INCLUDES], "wanted", "from a source");
	say("127.0.0.4", fds[EXCLUDES], "unwanted");
	say("127.0.0.1", fds[EXCLUDES], "other");
	expect_next(fds[EXCLUDES], "other", "from another source");
	say("127.0.0.1", fds[MAPPED], "unwanted");
	say("127.0.0.6", fds[MAPPED], "mapped");
	expect_next(fds[MAPPED], "mapped", "in a socket of IPv6");
	change(fds[INCLUDES], MCAST_LEAVE_SOURCE_GROUP, GROUP, "127.0.0.3");
	change(fds[INCLUDES], MCAST_LEAVE_SOURCE_GROUP, GROUP, "127.0.0.2");
	change(fds[EXCLUDES6], MCAST_UNBLOCK_SOURCE, GROUP6, "2001:db8::3");
	expect_eq(setsockopt(fds[BY_ADDRESS], IPPROTO_IP, IP_DROP_MEMBERSHIP, &by_address, sizeof(by_address)),
		  0, "left by the address of the device");
	return payload_end();
}
