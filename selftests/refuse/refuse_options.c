// SPDX-License-Identifier: GPL-2.0
/*
 * Options of sockets that are not saved, and protocols that are not supported: what
 * socket_options does not set. Numbers, as the C library is older than the kernel.
 */
#include "cases.h"
#include <netinet/in.h>
#include <sys/socket.h>

static void make(int family, int type, int level, int option, const void *value, size_t len)
{
	int fd = sure(socket(family, type, 0));

	need(setsockopt(fd, level, option, value, len));
}

/* A case that sets an option of a socket to some numbers. */
#define OPTION(name, family, type, level, option, ...)				\
	static void name(void)							\
	{									\
		int value[] = { __VA_ARGS__ };					\
										\
		make(family, type, level, option, value, sizeof(value));	\
	}

OPTION(txtime, AF_INET, SOCK_DGRAM, SOL_SOCKET, 61, CLOCK_TAI, 0)
OPTION(reserve_mem, AF_INET, SOCK_STREAM, SOL_SOCKET, 73, 4096)
OPTION(budget, AF_INET, SOCK_STREAM, SOL_SOCKET, 70, 100)
OPTION(unix_polling, AF_UNIX, SOCK_STREAM, SOL_SOCKET, 46, 50)
OPTION(unix_prefer, AF_UNIX, SOCK_DGRAM, SOL_SOCKET, 69, 1)
OPTION(unix_budget, AF_UNIX, SOCK_DGRAM, SOL_SOCKET, 70, 100)
OPTION(unix_pacing, AF_UNIX, SOCK_STREAM, SOL_SOCKET, 47, 123456789, 0)
OPTION(unix_device, AF_UNIX, SOCK_STREAM, SOL_SOCKET, 62, 1)
OPTION(unix_cpu, AF_UNIX, SOCK_STREAM, SOL_SOCKET, 49, 0)
OPTION(repair, AF_INET, SOCK_STREAM, IPPROTO_TCP, 19, 1)
OPTION(fastopen_connect, AF_INET, SOCK_STREAM, IPPROTO_TCP, 30, 1)
OPTION(fastopen_no_cookie, AF_INET, SOCK_STREAM, IPPROTO_TCP, 34, 1)
OPTION(unicast_if, AF_INET, SOCK_STREAM, IPPROTO_IP, 50, htonl(1))
OPTION(unicast_if6, AF_INET6, SOCK_STREAM, IPPROTO_IPV6, 76, htonl(1))
OPTION(mtu6, AF_INET6, SOCK_DGRAM, IPPROTO_IPV6, 24, 1300)
OPTION(pktinfo, AF_INET6, SOCK_DGRAM, IPPROTO_IPV6, 50, 0, 0, 0, htonl(1), 1)
OPTION(hopopts, AF_INET6, SOCK_DGRAM, IPPROTO_IPV6, 54, htonl(0x00000104), 0)
OPTION(dstopts, AF_INET6, SOCK_DGRAM, IPPROTO_IPV6, 59, htonl(0x00000104), 0)
OPTION(isolate, AF_INET6, SOCK_DGRAM, IPPROTO_IPV6, 30, 1)

static void md5(void)
{
	struct {
		struct sockaddr_in address;
		char rest[112];
		unsigned char flags, prefix;
		unsigned short len;
		int device;
		char key[80];
	} value = { .address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) },
		    .len = 3, .key = "key" };

	make(AF_INET, SOCK_STREAM, IPPROTO_TCP, 14, &value, sizeof(value));
}

static void mptcp(void)
{
	need(socket(AF_INET, SOCK_STREAM, 262));
}

static void sctp(void)
{
	need(socket(AF_INET, SOCK_STREAM, IPPROTO_SCTP));
}

static void vsock(void)
{
	need(socket(AF_VSOCK, SOCK_STREAM, 0));
}

static void crypto(void)
{
	need(socket(AF_ALG, SOCK_SEQPACKET, 0));
}

static const struct case_ cases[] = {
	{ "txtime", "a UDP socket with an option that others have", txtime, NULL },
	{ "reserve-mem", "a TCP socket with an option that others have", reserve_mem, NULL },
	{ "budget", "a TCP socket with an option that others have", budget, NULL },
	{ "unix-polling", "a socket with an option that others have", unix_polling, NULL },
	{ "unix-prefer", "a socket with an option that others have", unix_prefer, NULL },
	{ "unix-budget", "a socket with an option that others have", unix_budget, NULL },
	{ "unix-pacing", "a socket with an option that others have", unix_pacing, NULL },
	{ "unix-device", "a socket with an option that others have", unix_device, NULL },
	{ "unix-cpu", "a socket with an option that others have", unix_cpu, NULL },
	{ "repair", "a TCP socket with an option that others have", repair, NULL },
	{ "fastopen-connect", "with TCP Fast Open", fastopen_connect, NULL },
	{ "fastopen-no-cookie", "with TCP Fast Open", fastopen_no_cookie, NULL },
	{ "unicast-if", "a TCP socket with an option that others have", unicast_if, NULL },
	{ "unicast-if6", "a TCP socket with an option that others have", unicast_if6, NULL },
	{ "mtu6", "a UDP socket with an option that others have", mtu6, NULL },
	{ "pktinfo", "a UDP socket with an option that others have", pktinfo, NULL },
	{ "hopopts", "a UDP socket with IP options or flow labels", hopopts, NULL },
	{ "dstopts", "a UDP socket with IP options or flow labels", dstopts, NULL },
	{ "isolate", "a UDP socket with an option that others have", isolate, NULL },
	{ "md5", "a TCP socket with signatures", md5, NULL },
	{ "mptcp", "a Multipath TCP socket", mptcp, NULL },
	{ "sctp", "an SCTP socket", sctp, NULL },
	{ "vsock", "a vsock socket", vsock, NULL },
	{ "crypto", "a socket is not supported", crypto, NULL },
};

int main(int argc, char **argv)
{
	return run_cases(argc, argv, cases, ARRAY_SIZE(cases));
}
