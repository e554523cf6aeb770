// SPDX-License-Identifier: GPL-2.0
/*
 * TCP sockets that listen, and that are not connected: names, options, backlog;
 * who waits for a connection; one that has been connected.
 */
#include "options.h"
#include <net/if.h>
#include <poll.h>

#define LISTENERS	6
#define SOCKETS		(LISTENERS + 5)

static int fds[SOCKETS], lonely;

static int acceptor(void *unused)
{
	char text[10] = "";
	int fd;

	(void)unused;
	tell("acceptor");
	fd = accept(lonely, NULL, NULL);
	expect(fd >= 0, "who waited for a connection: %s", strerror(errno));
	expect(read(fd, text, 4) == 4 && !strcmp(text, "late"), "what came for it: \"%s\"", text);
	expect_eq(write(fd, "thanks", 6), 6, "its answer");
	return 0;
}

static void talk(int listener, int family, const char *what)
{
	struct pollfd poll_fd = { listener, POLLIN, 0 };
	union address to = name_of(listener);
	int client, server = -1;
	char text[10] = "";

	if (to.any.sa_family == AF_INET6 && IN6_IS_ADDR_UNSPECIFIED(&to.v6.sin6_addr))
		to = loopback(family, ntohs(to.v6.sin6_port));
	client = connected(to);
	sure(write(client, "hello", 5));
	expect(poll(&poll_fd, 1, 5000) == 1 && (server = accept(listener, NULL, NULL)) >= 0,
	       "%s: a connection", what);
	expect(read(server, text, 5) == 5 && !strcmp(text, "hello"), "%s: data \"%s\"", what, text);
	close(client);
	close(server);
}

static void set_many(int fd)
{
	struct timeval timeout = { 3, 0 };
	struct linger linger = { 0, 9 };
	long rate = 123456789;

	set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
	set_option(fd, SOL_SOCKET, SO_OOBINLINE, 1);
	set_option(fd, SOL_SOCKET, SO_PRIORITY, 5);
	set_option(fd, SOL_SOCKET, SO_MARK, 99);
	set_option(fd, SOL_SOCKET, SO_TIMESTAMPNS, 1);
	set_option(fd, SOL_SOCKET, SO_SNDBUFFORCE, 9000000);
	set_option(fd, SOL_SOCKET, SO_RCVBUF, 123456);
	set_option(fd, SOL_SOCKET, SO_RCVLOWAT, 7);
	set_option(fd, SOL_SOCKET, SO_PEEK_OFF, 2);
	sure(setsockopt(fd, SOL_SOCKET, SO_MAX_PACING_RATE, &rate, sizeof(rate)));
	sure(setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout)));
	linger.l_onoff = 1;
	sure(setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)));
	linger.l_onoff = 0;
	sure(setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)));
	set_option(fd, IPPROTO_IP, IP_TOS, 0x20);
	set_option(fd, IPPROTO_IP, IP_TTL, 33);
	set_option(fd, IPPROTO_IP, IP_RECVTOS, 1);
	set_option(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_PROBE);
	set_option(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
	set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	set_option(fd, IPPROTO_TCP, TCP_CORK, 1);
	set_option(fd, IPPROTO_TCP, TCP_MAXSEG, 1000);
	set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, 77);
	set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, 11);
	set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, 4);
	set_option(fd, IPPROTO_TCP, TCP_SYNCNT, 3);
	set_option(fd, IPPROTO_TCP, TCP_LINGER2, -1);
	set_option(fd, IPPROTO_TCP, TCP_WINDOW_CLAMP, 60000);
	set_option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, 12345);
	set_option(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, 4096);
	set_option(fd, IPPROTO_TCP, TCP_QUICKACK, 0);
	sure(setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "reno", 4));
}

static int reset_by_peer(void)
{
	struct linger now = { 1, 0 };
	int listener = listening(AF_INET, 1), client = connected(name_of(listener));
	int server = sure(accept(listener, NULL, NULL));

	close(listener);
	sure(setsockopt(client, SOL_SOCKET, SO_LINGER, &now, sizeof(now)));
	close(client);
	return server;
}

static unsigned int backlog_of(int fd)
{
	struct tcp_info info;
	socklen_t len = sizeof(info);

	sure(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len));
	return info.tcpi_state == 10 /* TCP_LISTEN */ ? info.tcpi_sacked : 0;
}

int main(int argc, char **argv)
{
	static struct options before[SOCKETS];
	union address names[SOCKETS], wildcard = {};
	struct stat owner;
	int fd, client;
	char text[10] = "";
	pid_t waits;

	payload_begin(argc, argv);
	lonely = listening(AF_INET, 1);
	waits = child(acceptor, NULL);
	await("acceptor");
	await_syscall(waits, SYS_accept);

	fds[0] = listening(AF_INET, 7);
	set_option(fds[0], IPPROTO_TCP, TCP_DEFER_ACCEPT, 5);
	set_option(fds[0], SOL_SOCKET, SO_KEEPALIVE, 1);
	fds[1] = listening(AF_INET6, 8);

	/* Both families, at all addresses, by the name of a device; nobody has chosen the port. */
	fds[2] = sure(socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK, 0));
	set_option(fds[2], IPPROTO_IPV6, IPV6_V6ONLY, 0);
	sure(setsockopt(fds[2], SOL_SOCKET, SO_BINDTODEVICE, "lo", 3));
	sure(listen(fds[2], 9));

	/* The same port twice, and a third time by the other family. */
	fds[3] = sure(socket(AF_INET, SOCK_STREAM, 0));
	set_option(fds[3], SOL_SOCKET, SO_REUSEPORT, 1);
	wildcard = loopback(AF_INET, 0);
	sure(bind(fds[3], &wildcard.any, sizeof(wildcard)));
	wildcard = name_of(fds[3]);
	sure(listen(fds[3], 10));
	fds[4] = sure(socket(AF_INET, SOCK_STREAM, 0));
	set_option(fds[4], SOL_SOCKET, SO_REUSEPORT, 1);
	sure(bind(fds[4], &wildcard.any, sizeof(wildcard)));
	sure(listen(fds[4], 11));
	wildcard = loopback(AF_INET6, ntohs(wildcard.v4.sin_port));
	wildcard.v6.sin6_addr = in6addr_any;
	fds[5] = sure(socket(AF_INET6, SOCK_STREAM, 0));
	set_option(fds[5], IPPROTO_IPV6, IPV6_V6ONLY, 1);
	set_option(fds[5], SOL_SOCKET, SO_REUSEADDR, 1);
	sure(bind(fds[5], &wildcard.any, sizeof(wildcard)));
	sure(listen(fds[5], 12));

	fds[6] = sure(socket(AF_INET, SOCK_STREAM, 0));
	fds[7] = sure(socket(AF_INET6, SOCK_STREAM, 0));
	set_option(fds[7], IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
	set_option(fds[7], IPPROTO_IPV6, IPV6_UNICAST_HOPS, 9);
	set_option(fds[7], IPPROTO_IPV6, IPV6_TCLASS, 0x40);
	fds[8] = bound(loopback(AF_INET, 0), SOCK_STREAM);
	set_many(fds[8]);
	sure(fchown(fds[8], 7, 8));
	fds[9] = reset_by_peer();
	fds[10] = reset_by_peer();
	expect_errno(read(fds[10], text, 1), ECONNRESET, "a connection that was reset");

	for (int i = 0; i < SOCKETS; i++) {
		get_options(fds[i], &before[i]);
		names[i] = name_of(fds[i]);
	}

	if (pause_here()) {
		close(fds[8]);
		fds[8] = bound(loopback(AF_INET, 0), SOCK_STREAM);
		set_option(fds[0], SOL_SOCKET, SO_KEEPALIVE, 0);
	}

	for (int i = 0; i < SOCKETS; i++) {
		snprintf(text, sizeof(text), "socket %d", i);
		same_options(fds[i], &before[i], false, text);
		expect(is_same(name_of(fds[i]), names[i]), "%s: name", text);
		expect_eq(backlog_of(fds[i]), i < LISTENERS ? i + 7 : 0, "%s: backlog", text);
		if (i < LISTENERS && i != 3 && i != 4)
			talk(fds[i], i == 5 ? AF_INET6 : AF_INET, text);
	}
	/* One of two that share a port. */
	close(fds[4]);
	talk(fds[3], AF_INET, "socket 3");
	expect(sure(fcntl(fds[2], F_GETFL)) & O_NONBLOCK, "a socket that does not block");

	memset(text, 0, sizeof(text));
	client = connected(name_of(lonely));
	sure(write(client, "late", 4));
	expect(read(client, text, 6) == 6 && !strcmp(text, "thanks"), "an answer: \"%s\"", text);
	reap(waits);

	fd = listening(AF_INET6, 1);
	sure(close(fds[7]));
	wildcard = name_of(fd);
	expect(sure(connected(wildcard)) >= 0, "a new listener");
	wildcard = name_of(fds[0]);
	expect_eq(connect(fds[6], &wildcard.any, sizeof(wildcard)), 0, "one that was not connected");
	expect(peer_of(fds[6]).v4.sin_port == wildcard.v4.sin_port, "and is now");

	sure(fstat(fds[8], &owner));
	expect(owner.st_uid == 7 && owner.st_gid == 8, "owner %d:%d", owner.st_uid, owner.st_gid);
	wildcard = name_of(fds[8]);
	fd = sure(socket(AF_INET, SOCK_STREAM, 0));
	expect_errno(bind(fd, &wildcard.any, sizeof(wildcard)), EADDRINUSE, "its port is taken");

	expect_errno(read(fds[9], text, 1), ECONNRESET, "an error that nobody has seen yet");
	expect_eq(read(fds[9], text, 1), 0, "and the end after it");
	expect_eq(read(fds[10], text, 1), 0, "the end of one that was reset");
	expect_eq(peer_of(fds[10]).any.sa_family, ENOTCONN, "it has no other end");
	return payload_end();
}
