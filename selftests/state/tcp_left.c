// SPDX-License-Identifier: GPL-2.0
/*
 * TCP connections whose other end was closed: the kernel, which knows of that one for a
 * while, is told when this one is closed, too, and hears it. IPv4, IPv6 and both at once.
 */
#include "options.h"

/* That the kernel takes what one of them says may be luck. */
#define LEFT	12

static int fds[LEFT];

static void leave(int v4, int v6)
{
	int ports[] = { ntohs(name_of(v4).v4.sin_port), ntohs(name_of(v6).v6.sin6_port) };

	for (int i = 0; i < LEFT; i++) {
		bool to_v6 = i % 3;
		int fd = connected(loopback(i % 3 == 2 ? AF_INET6 : AF_INET, ports[to_v6]));

		fds[i] = sure(accept(to_v6 ? v6 : v4, NULL, NULL));
		sure(close(fd));
	}
}

/* It waits until the other end has heard of it. */
static void end(int fd)
{
	struct linger linger = { .l_onoff = 1, .l_linger = 3 };
	long long begin;
	char byte;

	expect_eq(read(fd, &byte, 1), 0, "at its end");
	sure(setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)));
	begin = now_ns(CLOCK_MONOTONIC);
	sure(close(fd));
	expect(now_ns(CLOCK_MONOTONIC) - begin < 2000000000LL, "closed at once");
}

int main(int argc, char **argv)
{
	union address any = loopback(AF_INET6, 0);
	int v4, v6;

	payload_begin(argc, argv);
	any.v6.sin6_addr = in6addr_any;
	v4 = listening(AF_INET, LEFT);
	v6 = bound(any, SOCK_STREAM);
	sure(listen(v6, LEFT));
	leave(v4, v6);

	if (pause_here())
		sure(shutdown(fds[0], SHUT_RDWR) + close(fds[0]));
	for (int i = 0; i < LEFT; i++)
		end(fds[i]);
	return payload_end();
}
