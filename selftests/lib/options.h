/* SPDX-License-Identifier: GPL-2.0 */
/* All options of an Internet socket that getsockopt(2) tells, to be the same later. */
#ifndef OPTIONS_H
#define OPTIONS_H

#include "payload.h"
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#define OPTIONS_NR	110

struct options {
	unsigned char value[5][OPTIONS_NR][40];
};

static const int option_levels[] = { SOL_SOCKET, IPPROTO_IP, IPPROTO_IPV6, IPPROTO_TCP, IPPROTO_UDP };

/* Options that are other things: errors, cookies, statistics, the time. */
static bool option_is_state(int level, int name)
{
	switch (level) {
	case SOL_SOCKET:
		return name == SO_ERROR || name == 17 /* SO_PEERCRED */ ||
		       name == 49 /* SO_INCOMING_CPU */ ||
		       (name >= 55 && name <= 57) /* SO_MEMINFO, _INCOMING_NAPI_ID, _COOKIE */ ||
		       name == 77 /* SO_PEERPIDFD */;
	case IPPROTO_TCP:
		return name == TCP_INFO || name == TCP_QUICKACK ||
		       name == 24 /* TCP_TIMESTAMP */ || name == 26 /* TCP_CC_INFO */ ||
		       name == 28 /* TCP_SAVED_SYN */ || name == 35 /* TCP_ZEROCOPY_RECEIVE */;
	case IPPROTO_IP:
		return name == IP_MTU;
	default:
		return false;
	}
}

MAYBE_UNUSED static void get_options(int fd, struct options *to)
{
	memset(to, 0, sizeof(*to));
	for (size_t level = 0; level < ARRAY_SIZE(option_levels); level++) {
		for (int name = 1; name < OPTIONS_NR; name++) {
			unsigned char *value = to->value[level][name];
			socklen_t len = 32;

			if (option_is_state(option_levels[level], name))
				continue;
			if (getsockopt(fd, option_levels[level], name, value, &len))
				memset(value, errno, 32);
			value[39] = len;
		}
	}
}

/* Those that the kernel changes when data comes. */
static bool option_is_tuned(int level, int name)
{
	return (level == SOL_SOCKET && (name == SO_SNDBUF || name == SO_RCVBUF)) ||
	       (level == IPPROTO_TCP && (name == TCP_MAXSEG || name == TCP_WINDOW_CLAMP));
}

/* Data flows through it: what is tuned then may differ. */
MAYBE_UNUSED static void same_options(int fd, const struct options *before, bool flows,
				      const char *what)
{
	static struct options now;

	get_options(fd, &now);
	for (size_t level = 0; level < ARRAY_SIZE(option_levels); level++)
		for (int name = 1; name < OPTIONS_NR; name++) {
			int got, wanted;

			if (flows && option_is_tuned(option_levels[level], name))
				continue;
			memcpy(&got, now.value[level][name], sizeof(got));
			memcpy(&wanted, before->value[level][name], sizeof(wanted));
			if (memcmp(now.value[level][name], before->value[level][name], 40))
				expect(false, "%s: option %d of level %d: %d, wanted %d", what, name,
				       option_levels[level], got, wanted);
		}
	expect(true, "%s: options", what);
}

MAYBE_UNUSED static void set_option(int fd, int level, int name, int value)
{
	sure(setsockopt(fd, level, name, &value, sizeof(value)));
}

/* Addresses of sockets, IPv4 and IPv6. */
union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

MAYBE_UNUSED static union address loopback(int family, int port)
{
	union address address = {};

	address.any.sa_family = family;
	if (family == AF_INET) {
		address.v4.sin_port = htons(port);
		address.v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	} else {
		address.v6.sin6_port = htons(port);
		address.v6.sin6_addr = in6addr_loopback;
	}
	return address;
}

MAYBE_UNUSED static union address name_of(int fd)
{
	union address address = {};
	socklen_t len = sizeof(address);

	sure(getsockname(fd, &address.any, &len));
	return address;
}

MAYBE_UNUSED static union address peer_of(int fd)
{
	union address address = {};
	socklen_t len = sizeof(address);

	if (getpeername(fd, &address.any, &len))
		address.any.sa_family = errno;
	return address;
}

MAYBE_UNUSED static bool is_same(union address a, union address b)
{
	return !memcmp(&a, &b, sizeof(a));
}

MAYBE_UNUSED static int bound(union address at, int type)
{
	int fd = sure(socket(at.any.sa_family, type, 0));

	sure(bind(fd, &at.any, sizeof(at)));
	return fd;
}

MAYBE_UNUSED static int listening(int family, int backlog)
{
	int fd = bound(loopback(family, 0), SOCK_STREAM);

	sure(listen(fd, backlog));
	return fd;
}

MAYBE_UNUSED static int connected(union address to)
{
	int fd = sure(socket(to.any.sa_family, SOCK_STREAM, 0));

	sure(connect(fd, &to.any, sizeof(to)));
	return fd;
}

/* Both ends of a TCP connection. */
MAYBE_UNUSED static void connect_pair(int *fd, int *other)
{
	int listener = listening(AF_INET, 5);
	union address at = name_of(listener);

	*other = sure(socket(AF_INET, SOCK_STREAM, 0));
	sure(connect(*other, &at.any, sizeof(at)));
	*fd = sure(accept(listener, NULL, NULL));
	close(listener);
}

#endif
