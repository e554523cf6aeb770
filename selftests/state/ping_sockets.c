// SPDX-License-Identifier: GPL-2.0
/*
 * Sockets for ping(8), of ICMP and ICMPv6: identifiers, options, where they are
 * connected to; answers that nobody has received yet; which of two with the same
 * identifier gets one; one that nothing was sent by yet; who waits for an answer.
 */
#include "payload.h"
#include <arpa/inet.h>
#include <netinet/icmp6.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <stdlib.h>
#include "options.h"
#define TAKEN_FROM	union address
#define TAKEN_DATA	2000
#define TAKEN_CONTROL	300
#include "take.h"

#define IDENTIFIER	0x1234
#define SHARED		0x1235

enum { V4, V6, CONNECTED, FRESH, EARLIER, LATER, SLEEPS, SOCKETS };

static int fds[SOCKETS];

static int opened(int family)
{
	return sure(socket(family, SOCK_DGRAM, family == AF_INET ? IPPROTO_ICMP : IPPROTO_ICMPV6));
}

static void bind_to(int fd, int family, int identifier)
{
	union address at = loopback(family, identifier);

	sure(bind(fd, &at.any, sizeof(at)));
}

/* The header is the same in both families. */
struct echo {
	unsigned char type, code;
	unsigned short checksum, identifier, sequence;
	char text[1000];
};

static void ask(int fd, int family, bool connected, int sequence, size_t size)
{
	union address to = loopback(family, 0);
	struct echo echo = {
		.type = family == AF_INET ? ICMP_ECHO : ICMP6_ECHO_REQUEST,
		.sequence = htons(sequence),
	};

	memset(echo.text, 'a' + sequence, sizeof(echo.text));
	if (connected)
		sure(send(fd, &echo, 8 + size, 0));
	else
		sure(sendto(fd, &echo, 8 + size, 0, &to.any, sizeof(to)));
}

/* The next answer, as soon as it is there. */
static struct taken next(int fd)
{
	sure(poll(&(struct pollfd){ .fd = fd, .events = POLLIN }, 1, -1));
	return take(fd, 0);
}

static void expect_answer(int fd, int family, int identifier, int sequence, size_t size, const char *what)
{
	struct taken taken = next(fd);
	struct echo *echo = (void *)taken.data;
	union address from = loopback(family, 0);

	expect_eq(taken.len, 8 + size, "%s: length", what);
	expect(is_same(taken.from, from), "%s: sender", what);
	expect_eq(echo->type, family == AF_INET ? ICMP_ECHOREPLY : ICMP6_ECHO_REPLY, "%s: type", what);
	expect_eq(ntohs(echo->identifier), identifier, "%s: identifier", what);
	expect_eq(ntohs(echo->sequence), sequence, "%s: sequence", what);
	expect_eq(echo->text[size - 1], 'a' + sequence, "%s: its end", what);
}

static const struct cmsghdr *told(const struct taken *taken, int level, int type)
{
	const struct cmsghdr *head = (const void *)taken->control;
	size_t at = 0;

	while (at + sizeof(*head) <= taken->control_len) {
		head = (const void *)(taken->control + at);
		if (head->cmsg_level == level && head->cmsg_type == type)
			return head;
		at += CMSG_ALIGN(head->cmsg_len);
	}
	expect(false, "a control message %d of level %d", type, level);
	return NULL;
}

static void expect_told(const struct taken *taken, int level, int type, int wanted, const char *what)
{
	const struct cmsghdr *head = told(taken, level, type);

	if (head)
		expect_eq(*(const int *)CMSG_DATA(head), wanted, "%s", what);
}

static int sleeper(void *unused)
{
	char text[100];

	(void)unused;
	expect_eq(recv(fds[SLEEPS], text, sizeof(text), 0), 13, "recv of a ping socket");
	return 0;
}

static void make(void)
{
	union address to = loopback(AF_INET, 0);

	write_file("/proc/sys/net/ipv4/ping_group_range", 0, "0 0");
	fds[V4] = opened(AF_INET);
	bind_to(fds[V4], AF_INET, IDENTIFIER);
	set_option(fds[V4], IPPROTO_IP, IP_RECVTTL, 1);
	set_option(fds[V4], IPPROTO_IP, IP_RECVERR, 1);
	set_option(fds[V4], IPPROTO_IP, IP_TOS, 0x20);
	set_option(fds[V4], IPPROTO_IP, IP_MULTICAST_TTL, 7);
	set_option(fds[V4], SOL_SOCKET, SO_TIMESTAMP, 1);
	set_option(fds[V4], SOL_SOCKET, SO_RCVBUF, 100000);
	fds[V6] = opened(AF_INET6);
	bind_to(fds[V6], AF_INET6, IDENTIFIER);
	set_option(fds[V6], IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1);
	set_option(fds[V6], IPPROTO_IPV6, IPV6_UNICAST_HOPS, 33);
	fds[CONNECTED] = opened(AF_INET);
	sure(connect(fds[CONNECTED], &to.any, sizeof(to)));
	fds[FRESH] = opened(AF_INET);
	/* Later, although it was opened first. */
	fds[LATER] = opened(AF_INET);
	fds[EARLIER] = opened(AF_INET);
	set_option(fds[EARLIER], SOL_SOCKET, SO_REUSEADDR, 1);
	set_option(fds[LATER], SOL_SOCKET, SO_REUSEADDR, 1);
	bind_to(fds[EARLIER], AF_INET, SHARED);
	bind_to(fds[LATER], AF_INET, SHARED);
	fds[SLEEPS] = opened(AF_INET);
	bind_to(fds[SLEEPS], AF_INET, IDENTIFIER + 10);

	ask(fds[V4], AF_INET, false, 1, 56);
	ask(fds[V4], AF_INET, false, 2, 1000);
	ask(fds[V6], AF_INET6, false, 3, 20);
	ask(fds[CONNECTED], AF_INET, true, 4, 5);
}

int main(int argc, char **argv)
{
	static struct options before[SOCKETS];
	union address names[SOCKETS], peers[SOCKETS];
	struct taken taken;
	char what[30];
	pid_t pid;

	payload_begin(argc, argv);
	make();
	for (int i = 0; i < SOCKETS; i++) {
		get_options(fds[i], &before[i]);
		names[i] = name_of(fds[i]);
		peers[i] = peer_of(fds[i]);
	}
	pid = child(sleeper, NULL);
	await_syscall(pid, SYS_recvfrom);

	if (pause_here()) {
		take(fds[V4], 0);
		ask(fds[V4], AF_INET, false, 2, 1000);
		set_option(fds[V6], IPPROTO_IPV6, IPV6_UNICAST_HOPS, 34);
	}

	for (int i = 0; i < SOCKETS; i++) {
		snprintf(what, sizeof(what), "socket %d", i);
		same_options(fds[i], &before[i], false, what);
		expect(is_same(name_of(fds[i]), names[i]), "%s: name", what);
		expect(is_same(peer_of(fds[i]), peers[i]), "%s: other end", what);
	}

	taken = next(fds[V4]);
	expect_eq(taken.len, 64, "the first answer");
	expect_told(&taken, IPPROTO_IP, IP_TTL, 64, "its hops");
	expect(told(&taken, SOL_SOCKET, SO_TIMESTAMP), "when it came");
	expect_answer(fds[V4], AF_INET, IDENTIFIER, 2, 1000, "the second one");
	taken = next(fds[V6]);
	expect_eq(taken.len, 28, "an answer of ICMPv6");
	expect_eq(((struct echo *)taken.data)->type, ICMP6_ECHO_REPLY, "its type");
	expect_told(&taken, IPPROTO_IPV6, IPV6_HOPLIMIT, 64, "hops of ICMPv6");
	expect_answer(fds[CONNECTED], AF_INET,
		      ntohs(names[CONNECTED].v4.sin_port), 4, 5, "connected");

	ask(fds[V4], AF_INET, false, 5, 10);
	expect_answer(fds[V4], AF_INET, IDENTIFIER, 5, 10, "once more");
	ask(fds[V6], AF_INET6, false, 6, 10);
	expect_answer(fds[V6], AF_INET6, IDENTIFIER, 6, 10, "once more of ICMPv6");
	ask(fds[CONNECTED], AF_INET, true, 7, 10);
	expect_eq(next(fds[CONNECTED]).len, 18, "once more, connected");
	ask(fds[FRESH], AF_INET, false, 8, 10);
	expect_eq(next(fds[FRESH]).len, 18, "the first of all");
	ask(fds[EARLIER], AF_INET, false, 9, 10);
	expect_answer(fds[LATER], AF_INET, SHARED, 9, 10, "who shares an identifier");
	ask(fds[SLEEPS], AF_INET, false, 10, 5);
	reap(pid);
	return payload_end();
}
