// SPDX-License-Identifier: GPL-2.0
/*
 * TCP connections within the container: with data that was received, and that is
 * still to be sent, in both directions; IPv4, IPv6 and both at once; half closed, or
 * with an end that is gone; who waits for data, and for room.
 */
#include "options.h"
#include <poll.h>
#include <stdlib.h>
#include <sys/epoll.h>

#define PAIRS		7
#define BIG		(3 << 20)

/* The first ends of the last ones are closed. */
enum { PLAIN, FULL, MIXED, V6, HALF, GONE, LEFT_MUCH };

static int ends[PAIRS][2], reader_end, writer_end;

static void pair_up(int *end, union address to, int listener)
{
	end[0] = connected(to);
	end[1] = sure(accept(listener, NULL, NULL));
}

/* As much as there is room for, if not more than that; how much it was. */
static size_t fill(int fd, size_t at, size_t most)
{
	static unsigned char bytes[4096];
	size_t done = 0;

	while (done < most) {
		size_t len = most - done < sizeof(bytes) ? most - done : sizeof(bytes);
		ssize_t n;

		for (size_t i = 0; i < len; i++)
			bytes[i] = byte_at(at + done + i);
		n = send(fd, bytes, len, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n < 0)
			break;
		done += n;
	}
	return done;
}

static void drain(int fd, size_t at, size_t wanted, const char *what)
{
	static unsigned char bytes[65536];
	size_t done = 0;

	while (done < wanted) {
		struct pollfd poll_fd = { fd, POLLIN, 0 };
		size_t len = wanted - done < sizeof(bytes) ? wanted - done : sizeof(bytes);
		ssize_t n = poll(&poll_fd, 1, 5000) == 1 ? read(fd, bytes, len) : 0;

		if (n <= 0)
			break;
		for (ssize_t i = 0; i < n; i++, done++)
			if (bytes[i] != byte_at(at + done)) {
				expect(false, "%s: byte %zu", what, at + done);
				return;
			}
	}
	expect_eq(done, wanted, "%s: bytes", what);
}

static void at_end(int fd, const char *what)
{
	struct pollfd poll_fd = { fd, POLLIN | POLLRDHUP, 0 };
	char byte;

	sure(poll(&poll_fd, 1, 5000));
	expect(poll_fd.revents & POLLRDHUP, "%s: poll: %#x", what, poll_fd.revents);
	expect_eq(read(fd, &byte, 1), 0, "%s: end", what);
}

static int reader(void *unused)
{
	char text[10] = "";

	(void)unused;
	tell("reader");
	expect(read(reader_end, text, 6) == 6 && !strcmp(text, "at end"), "who waited for data: \"%s\"",
	       text);
	return 0;
}

static int writer(void *unused)
{
	unsigned char *bytes = malloc(BIG);

	(void)unused;
	for (size_t i = 0; i < BIG; i++)
		bytes[i] = byte_at(i);
	tell("writer");
	expect_eq(write(writer_end, bytes, BIG), BIG, "a large write");
	return 0;
}

/* What both ends have agreed on: timestamps, selective acknowledgements, the scale of windows. */
static unsigned int agreed(int fd)
{
	struct tcp_info info;
	socklen_t len = sizeof(info);

	sure(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len));
	return info.tcpi_options | info.tcpi_snd_wscale << 8 | info.tcpi_rcv_wscale << 16;
}

static void sleeps(pid_t pid)
{
	while (task_state(pid) != 'S')
		sleep_ms(5);
	sleep_ms(50);
}

int main(int argc, char **argv)
{
	int v4, v6, waiting[2], writing[2], events, again[2];
	static struct options options[PAIRS][2];
	unsigned int terms[PAIRS][2];
	union address names[PAIRS][2], at;
	struct epoll_event event;
	size_t full, back, left;
	pid_t pid[2];

	payload_begin(argc, argv);
	v4 = listening(AF_INET, 10);
	at = loopback(AF_INET6, 0);
	at.v6.sin6_addr = in6addr_any;
	v6 = bound(at, SOCK_STREAM);
	sure(listen(v6, 10));
	pair_up(ends[PLAIN], name_of(v4), v4);
	pair_up(ends[FULL], name_of(v4), v4);
	pair_up(ends[MIXED], loopback(AF_INET, ntohs(name_of(v6).v6.sin6_port)), v6);
	pair_up(ends[V6], loopback(AF_INET6, ntohs(name_of(v6).v6.sin6_port)), v6);
	pair_up(ends[HALF], name_of(v4), v4);
	pair_up(ends[GONE], name_of(v4), v4);
	pair_up(ends[LEFT_MUCH], name_of(v4), v4);
	pair_up(waiting, name_of(v4), v4);
	pair_up(writing, name_of(v4), v4);

	set_option(ends[PLAIN][0], IPPROTO_TCP, TCP_NODELAY, 1);
	set_option(ends[PLAIN][1], SOL_SOCKET, SO_KEEPALIVE, 1);
	set_option(ends[PLAIN][1], SOL_SOCKET, SO_REUSEADDR, 1);
	expect_eq(fill(ends[PLAIN][0], 0, 1000), 1000, "before");
	expect_eq(fill(ends[PLAIN][1], 5, 10), 10, "and back");
	full = fill(ends[FULL][0], 0, 64 << 20);
	back = fill(ends[FULL][1], 3, 200000);
	expect(full > 100000, "before: %zu bytes", full);
	fill(ends[MIXED][0], 0, 100);
	fill(ends[MIXED][1], 1, 100);
	fill(ends[V6][1], 2, 77777);
	fill(ends[HALF][0], 0, 50);
	sure(shutdown(ends[HALF][0], SHUT_WR));
	fill(ends[GONE][0], 0, 60);
	close(ends[GONE][0]);
	left = fill(ends[LEFT_MUCH][0], 8, 64 << 20);
	close(ends[LEFT_MUCH][0]);
	/* It has told of what is there already. */
	events = sure(epoll_create1(0));
	event = (struct epoll_event){ .events = EPOLLIN | EPOLLRDHUP | EPOLLET, .data.fd = 7 };
	sure(epoll_ctl(events, EPOLL_CTL_ADD, ends[HALF][1], &event));
	expect_eq(epoll_wait(events, &event, 1, 0), 1, "an event before");
	reader_end = waiting[1];
	writer_end = writing[0];
	pid[0] = child(reader, NULL);
	pid[1] = child(writer, NULL);
	await("reader");
	await("writer");
	sleeps(pid[0]);
	sleeps(pid[1]);
	for (int i = 0; i < PAIRS; i++)
		for (int end = i >= GONE; end < 2; end++) {
			names[i][0] = name_of(ends[i][1]);
			names[i][1] = peer_of(ends[i][1]);
			get_options(ends[i][end], &options[i][end]);
			terms[i][end] = agreed(ends[i][end]);
		}
	if (pause_here())
		sure(write(ends[PLAIN][1], "wrong", 5));

	expect_eq(epoll_wait(events, &event, 1, 0), 0, "no new event");
	for (int i = 0; i < PAIRS; i++) {
		char what[20];

		snprintf(what, sizeof(what), "connection %d", i);
		expect(is_same(names[i][0], name_of(ends[i][1])), "%s: name", what);
		expect(is_same(names[i][1], peer_of(ends[i][1])), "%s: name of the other end", what);
		for (int end = i >= GONE; end < 2; end++) {
			same_options(ends[i][end], &options[i][end], true, what);
			expect_eq(agreed(ends[i][end]), terms[i][end], "%s: what both have agreed on", what);
		}
	}
	drain(ends[PLAIN][1], 0, 1000, "data");
	drain(ends[PLAIN][0], 5, 10, "data, back");
	expect_eq(fill(ends[PLAIN][0], 1000, 1000), 1000, "more of it");
	drain(ends[PLAIN][1], 1000, 1000, "more of it");
	drain(ends[FULL][1], 0, full, "much data");
	drain(ends[FULL][0], 3, back, "much data, back");
	drain(ends[MIXED][1], 0, 100, "IPv4 to IPv6");
	drain(ends[MIXED][0], 1, 100, "IPv6 to IPv4");
	drain(ends[V6][0], 2, 77777, "IPv6");
	drain(ends[HALF][1], 0, 50, "half closed");
	at_end(ends[HALF][1], "half closed");
	expect_eq(fill(ends[HALF][1], 0, 500), 500, "half closed: back");
	drain(ends[HALF][0], 0, 500, "half closed: back");
	expect_errno(send(ends[HALF][0], "", 1, MSG_NOSIGNAL), EPIPE, "half closed: nothing more");
	drain(ends[GONE][1], 0, 60, "from one that is gone");
	at_end(ends[GONE][1], "from one that is gone");
	drain(ends[LEFT_MUCH][1], 8, left, "more than had room, from one that is gone");
	at_end(ends[LEFT_MUCH][1], "more than had room");
	sure(write(waiting[0], "at end", 6));
	reap(pid[0]);
	drain(writing[1], 0, BIG, "a large write");
	reap(pid[1]);
	close(ends[PLAIN][0]);
	at_end(ends[PLAIN][1], "closed");
	pair_up(again, name_of(v4), v4);
	expect_eq(fill(again[0], 0, 9), 9, "a new connection");
	drain(again[1], 0, 9, "a new connection");
	return payload_end();
}
