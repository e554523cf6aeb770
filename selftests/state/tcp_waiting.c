// SPDX-License-Identifier: GPL-2.0
/*
 * TCP connections that were not accepted yet: with data, without, half closed, closed
 * by their clients; more data than there is room for; IPv4, IPv6 and both at once.
 * They are accepted in their order.
 */
#include "options.h"
#include <poll.h>
#include <stdlib.h>

enum { TALKS, SILENT, GONE, HALF, FULL, NAMED, CLIENTS };

static int client[CLIENTS];

static void fill(int fd, size_t len)
{
	char *bytes = malloc(len);

	for (size_t i = 0; i < len; i++)
		bytes[i] = byte_at(i);
	for (size_t done = 0; done < len;)
		done += sure(write(fd, bytes + done, len - done));
	free(bytes);
}

/* Reads that much, and compares. */
static bool drained(int fd, size_t len)
{
	static char bytes[65536];
	size_t done = 0;
	bool right = true;

	while (done < len) {
		struct pollfd poll_fd = { fd, POLLIN, 0 };
		ssize_t n = poll(&poll_fd, 1, 5000) == 1 ? read(fd, bytes, sizeof(bytes)) : 0;

		if (n <= 0)
			return false;
		for (ssize_t i = 0; i < n; i++, done++)
			right &= bytes[i] == (char)byte_at(done);
	}
	return right && done == len;
}

static int next(int listener, union address from, const char *what)
{
	struct pollfd poll_fd = { listener, POLLIN, 0 };
	int fd = poll(&poll_fd, 1, 5000) == 1 ? accept4(listener, NULL, NULL, SOCK_NONBLOCK) : -1;

	expect(fd >= 0, "%s: accepted", what);
	expect(is_same(peer_of(fd), from), "%s: name of the client", what);
	return fd;
}

static void at_end(int fd, const char *what)
{
	struct pollfd poll_fd = { fd, POLLIN, 0 };
	char c;

	poll(&poll_fd, 1, 5000);
	expect_eq(read(fd, &c, 1), 0, "%s: at its end", what);
}

static void nothing_yet(int fd, const char *what)
{
	char c;

	expect_errno(recv(fd, &c, 1, MSG_DONTWAIT), EAGAIN, what);
}

/* It can be answered. */
static void answers(int fd, int to, const char *what)
{
	char text[8] = "";

	sure(write(fd, "answer", 6));
	expect(read(to, text, 6) == 6 && !strcmp(text, "answer"), "%s: an answer", what);
}

int main(int argc, char **argv)
{
	union address names[CLIENTS], at = loopback(AF_INET6, 0), gone;
	static struct options options[CLIENTS];
	int v4, v6, mapped, plain6, fd[CLIENTS];
	size_t full = 6 << 20;
	pid_t writer;

	payload_begin(argc, argv);
	v4 = listening(AF_INET, 20);
	at.v6.sin6_addr = in6addr_any;
	v6 = bound(at, SOCK_STREAM);
	sure(listen(v6, 20));
	for (int i = 0; i < CLIENTS; i++) {
		if (i == NAMED) {
			client[i] = bound(loopback(AF_INET, 0), SOCK_STREAM);
			at = name_of(v4);
			sure(connect(client[i], &at.any, sizeof(at)));
		} else {
			client[i] = connected(name_of(v4));
		}
		names[i] = name_of(client[i]);
	}
	set_option(client[TALKS], IPPROTO_TCP, TCP_NODELAY, 1);
	set_option(client[SILENT], SOL_SOCKET, SO_KEEPALIVE, 1);
	fill(client[TALKS], 1000);
	fill(client[GONE], 2000);
	sure(close(client[GONE]));
	fill(client[HALF], 3000);
	sure(shutdown(client[HALF], SHUT_WR));
	writer = sure(fork());
	if (!writer) {
		fill(client[FULL], full);
		_exit(payload_failed);
	}
	await_syscall(writer, SYS_write);
	mapped = connected(loopback(AF_INET, ntohs(name_of(v6).v6.sin6_port)));
	plain6 = connected(loopback(AF_INET6, ntohs(name_of(v6).v6.sin6_port)));
	fill(plain6, 50000);
	gone = name_of(plain6);
	sure(close(plain6));
	for (int i = 0; i < CLIENTS; i++)
		if (i != GONE)
			get_options(client[i], &options[i]);

	if (pause_here())
		fill(client[SILENT], 1);
	for (int i = 0; i < CLIENTS; i++)
		if (i != GONE) {
			expect(is_same(names[i], name_of(client[i])), "client %d: its name", i);
			same_options(client[i], &options[i], true, "client");
		}
	expect_errno(bind(client[SILENT], &names[TALKS].any, sizeof(names[0].v4)), EINVAL, "is bound");
	for (int i = 0; i < CLIENTS; i++) {
		char what[20];

		snprintf(what, sizeof(what), "connection %d", i);
		fd[i] = next(v4, names[i], what);
	}
	expect_eq(poll(&(struct pollfd){ v4, POLLIN, 0 }, 1, 0), 0, "no more to accept");
	expect(drained(fd[TALKS], 1000), "data");
	nothing_yet(fd[TALKS], "and no more");
	answers(fd[TALKS], client[TALKS], "who talks");
	nothing_yet(fd[SILENT], "no data");
	answers(fd[SILENT], client[SILENT], "who is silent");
	expect(drained(fd[GONE], 2000), "data of one that is gone");
	at_end(fd[GONE], "gone");
	expect(drained(fd[HALF], 3000), "data of a half closed one");
	at_end(fd[HALF], "half closed");
	answers(fd[HALF], client[HALF], "half closed");
	expect(drained(fd[FULL], full), "more data than there is room for");
	reap(writer);
	answers(fd[NAMED], client[NAMED], "whose port was chosen");
	at = peer_of(mapped);
	fd[0] = sure(accept(v6, NULL, NULL));
	answers(fd[0], mapped, "IPv4 to IPv6");
	fd[1] = next(v6, gone, "IPv6");
	expect(drained(fd[1], 50000), "data by IPv6");
	at_end(fd[1], "IPv6");
	fd[0] = connected(name_of(v4));
	answers(sure(accept(v4, NULL, NULL)), fd[0], "a new one");
	return payload_end();
}
