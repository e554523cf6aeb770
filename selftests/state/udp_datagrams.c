// SPDX-License-Identifier: GPL-2.0
/*
 * Datagrams that nobody has received yet: from whom they are, and all that recvmsg(2)
 * tells of them; in connected sockets, in several at one port, more than there is room
 * for, one of which a part was looked at. And who waits for them.
 */
#include "options.h"
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <stdlib.h>

#define MOST	16
#define BIG	60000
#define TAKEN_FROM	union address
#define TAKEN_DATA	(BIG + 1)
#define TAKEN_CONTROL	400
#include "take.h"

struct queue {
	const char *name;
	int fd, count;
	struct taken *taken;
};

/* All that waits in a socket, which goes on waiting. */
static void look(struct queue *queue, const char *name, int fd)
{
	*queue = (struct queue){ name, fd, 0, calloc(MOST, sizeof(struct taken)) };
	set_option(fd, SOL_SOCKET, SO_PEEK_OFF, 0);
	while (queue->count < MOST) {
		queue->taken[queue->count] = take(fd, MSG_PEEK);
		if (queue->taken[queue->count].len < 0)
			break;
		queue->count++;
	}
	set_option(fd, SOL_SOCKET, SO_PEEK_OFF, -1);
}

static void compare(struct queue *queue, int count)
{
	expect_eq(queue->count, count, "%s: how many wait", queue->name);
	for (int i = 0; i < queue->count; i++) {
		const struct taken *before = &queue->taken[i];
		struct taken now = take(queue->fd, 0);

		expect_eq(now.len, before->len, "%s %d: length", queue->name, i);
		expect(!memcmp(now.data, before->data, sizeof(now.data)), "%s %d: data", queue->name, i);
		expect(is_same(now.from, before->from), "%s %d: sender", queue->name, i);
		expect_eq(now.flags, before->flags, "%s %d: flags", queue->name, i);
		expect_eq(now.control_len, before->control_len, "%s %d: length of what comes with it",
			  queue->name, i);
		expect(!memcmp(now.control, before->control, sizeof(now.control)),
		       "%s %d: what comes with it", queue->name, i);
	}
	expect_eq(take(queue->fd, 0).flags, EAGAIN, "%s: no more", queue->name);
}

static void send_text(int fd, union address to, const char *text)
{
	sure(sendto(fd, text, strlen(text), 0, &to.any, sizeof(to)));
}

static void tell_all(int fd, int family)
{
	set_option(fd, SOL_SOCKET, SO_TIMESTAMPNS, 1);
	set_option(fd, SOL_SOCKET, SO_RXQ_OVFL, 1);
	set_option(fd, SOL_SOCKET, 75 /* SO_RCVMARK */, 1);
	set_option(fd, SOL_SOCKET, 82 /* SO_RCVPRIORITY */, 1);
	set_option(fd, IPPROTO_IP, IP_PKTINFO, 1);
	set_option(fd, IPPROTO_IP, IP_RECVTTL, 1);
	set_option(fd, IPPROTO_IP, IP_RECVTOS, 1);
	set_option(fd, IPPROTO_IP, IP_RECVORIGDSTADDR, 1);
	if (family == AF_INET)
		return;
	set_option(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
	set_option(fd, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1);
	set_option(fd, IPPROTO_IPV6, IPV6_RECVTCLASS, 1);
	set_option(fd, IPPROTO_IPV6, 11 /* IPV6_FLOWINFO */, 1);
	set_option(fd, IPPROTO_IPV6, 74 /* IPV6_RECVORIGDSTADDR */, 1);
}

static int of_all(int family)
{
	union address at = loopback(family, 0);
	int fd = sure(socket(family, SOCK_DGRAM, 0));

	tell_all(fd, family);
	if (family == AF_INET6)
		at.v6.sin6_addr = in6addr_any;
	sure(bind(fd, &at.any, sizeof(at)));
	return fd;
}

/* From several, of which one is gone: to an IPv4 and an IPv6 socket. */
static void fill(int v4, int v6)
{
	static char much[BIG];
	union address at = loopback(AF_INET, 0), to = name_of(v4);
	union address to_v6 = loopback(AF_INET6, ntohs(name_of(v6).v6.sin6_port));
	int gone = bound(at, SOCK_DGRAM), other = bound(loopback(AF_INET6, 0), SOCK_DGRAM);

	for (int i = 0; i < BIG; i++)
		much[i] = byte_at(i);
	set_option(gone, IPPROTO_IP, IP_TTL, 77);
	set_option(gone, IPPROTO_IP, IP_TOS, 0x28);
	set_option(gone, SOL_SOCKET, SO_MARK, 33);
	set_option(gone, SOL_SOCKET, SO_PRIORITY, 4);
	send_text(gone, to, "one");
	to.v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	send_text(gone, to, "two");
	sure(sendto(gone, much, BIG, 0, &to.any, sizeof(to)));
	close(gone);
	send_text(v4, to, "from itself");

	set_option(other, IPPROTO_IPV6, IPV6_UNICAST_HOPS, 55);
	set_option(other, IPPROTO_IPV6, IPV6_TCLASS, 0x44);
	send_text(other, to_v6, "of IPv6");
	sure(sendto(other, much, BIG, 0, &to_v6.any, sizeof(to_v6)));
	send_text(v4, loopback(AF_INET, ntohs(to_v6.v6.sin6_port)), "of IPv4");
	close(other);
}

/* Three datagrams that come as one. */
static int of_segments(void)
{
	int fd = bound(loopback(AF_INET, 0), SOCK_DGRAM), from = sure(socket(AF_INET, SOCK_DGRAM, 0));
	union address to = name_of(fd);

	set_option(fd, IPPROTO_UDP, 104 /* UDP_GRO */, 1);
	set_option(from, IPPROTO_UDP, 103 /* UDP_SEGMENT */, 1000);
	sure(sendto(from, calloc(1, 2500), 2500, 0, &to.any, sizeof(to)));
	close(from);
	return fd;
}

/* Until there is no room for more; how many did fit. */
static int overflow(int fd, int *sent)
{
	union address to = name_of(fd);
	int from = sure(socket(AF_INET, SOCK_DGRAM, 0)), waiting = 0;
	socklen_t len = sizeof(int[9]);
	int info[9];

	set_option(fd, SOL_SOCKET, SO_RCVBUF, 4000);
	for (*sent = 0; *sent < 12; ++*sent)
		send_text(from, to, "much");
	close(from);
	sure(getsockopt(fd, SOL_SOCKET, 55 /* SO_MEMINFO */, info, &len));
	waiting = *sent - info[8];
	return waiting;
}

static int sleeping, timed, many;

static int receiver(void *unused)
{
	union address from = {};
	socklen_t len = sizeof(from);
	char text[10] = "";

	(void)unused;
	expect_eq(recvfrom(sleeping, text, sizeof(text), MSG_WAITALL, &from.any, &len), 4,
		  "recvfrom of a UDP socket");
	expect(!strcmp(text, "wake"), "what it has received: \"%s\"", text);
	expect_eq(len, sizeof(from.v4), "length of its sender");
	return 0;
}

static int timed_receiver(void *unused)
{
	char text[10] = "";
	struct iovec iov = { text, sizeof(text) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	(void)unused;
	expect_eq(recvmsg(timed, &msg, 0), 5, "recvmsg of a UDP socket with SO_RCVTIMEO");
	return 0;
}

static int many_receiver(void *unused)
{
	char text[2][10] = { "", "" };
	struct iovec iov[2] = { { text[0], 10 }, { text[1], 10 } };
	struct mmsghdr messages[2] = {
		{ .msg_hdr = { .msg_iov = &iov[0], .msg_iovlen = 1 } },
		{ .msg_hdr = { .msg_iov = &iov[1], .msg_iovlen = 1 } },
	};

	(void)unused;
	expect_eq(recvmmsg(many, messages, 2, 0, NULL), 2, "recvmmsg of a UDP socket");
	expect(!strcmp(text[0], "early") && !strcmp(text[1], "late"), "its messages: \"%s\" \"%s\"",
	       text[0], text[1]);
	return 0;
}

int main(int argc, char **argv)
{
	int connected[2], shared[2], full, peeked, sent, fit, stranger, empty;
	struct timeval timeout = { 1000, 0 };
	static struct queue queues[6];
	union address to;
	char text[20] = "";
	pid_t pid[3];

	payload_begin(argc, argv);
	look(&queues[0], "nothing", of_all(AF_INET));
	queues[1].fd = of_all(AF_INET);
	queues[2].fd = of_all(AF_INET6);
	fill(queues[1].fd, queues[2].fd);
	look(&queues[1], "IPv4", queues[1].fd);
	look(&queues[2], "IPv6", queues[2].fd);
	look(&queues[3], "segments", of_segments());

	connected[0] = bound(loopback(AF_INET, 0), SOCK_DGRAM);
	connected[1] = bound(loopback(AF_INET, 0), SOCK_DGRAM);
	stranger = bound(loopback(AF_INET, 0), SOCK_DGRAM);
	for (int i = 0; i < 2; i++) {
		to = name_of(connected[!i]);
		sure(connect(connected[i], &to.any, sizeof(to)));
	}
	sure(send(connected[0], "there", 5, 0));
	sure(send(connected[1], "back", 4, 0));
	sure(send(connected[1], "and more", 8, 0));
	look(&queues[4], "there", connected[1]);
	look(&queues[5], "back", connected[0]);

	/* In another order than they are bound. */
	shared[1] = sure(socket(AF_INET, SOCK_DGRAM, 0));
	shared[0] = sure(socket(AF_INET, SOCK_DGRAM, 0));
	for (int i = 0; i < 2; i++) {
		set_option(shared[i], SOL_SOCKET, SO_REUSEADDR, 1);
		to = i ? name_of(shared[0]) : loopback(AF_INET, 0);
		sure(bind(shared[i], &to.any, sizeof(to)));
		send_text(stranger, name_of(shared[i]), i ? "second" : "first");
	}
	full = bound(loopback(AF_INET, 0), SOCK_DGRAM);
	set_option(full, SOL_SOCKET, SO_RXQ_OVFL, 1);
	fit = overflow(full, &sent);
	peeked = bound(loopback(AF_INET, 0), SOCK_DGRAM);
	set_option(peeked, SOL_SOCKET, SO_PEEK_OFF, 0);
	send_text(stranger, name_of(peeked), "a part of it");
	sure(recv(peeked, text, 7, MSG_PEEK));
	empty = bound(loopback(AF_INET, 0), SOCK_DGRAM);
	send_text(stranger, name_of(empty), "");

	sleeping = bound(loopback(AF_INET, 0), SOCK_DGRAM);
	timed = bound(loopback(AF_INET6, 0), SOCK_DGRAM);
	sure(setsockopt(timed, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)));
	many = bound(loopback(AF_INET, 0), SOCK_DGRAM);
	pid[0] = child(receiver, NULL);
	pid[1] = child(timed_receiver, NULL);
	pid[2] = child(many_receiver, NULL);
	await_syscall(pid[0], SYS_recvfrom);
	await_syscall(pid[1], SYS_recvmsg);
	await_syscall(pid[2], SYS_recvmmsg);
	send_text(stranger, name_of(many), "early");
	sleep_ms(50);

	if (pause_here()) {
		take(queues[1].fd, 0);
		send_text(stranger, name_of(queues[2].fd).any.sa_family == AF_INET6 ?
			  loopback(AF_INET, ntohs(name_of(queues[2].fd).v6.sin6_port)) : to, "spoilt");
	}

	send_text(stranger, name_of(sleeping), "wake");
	reap(pid[0]);
	to = name_of(timed);
	expect_eq(sendto(timed, "timed", 5, 0, &to.any, sizeof(to)), 5, "to who waits");
	reap(pid[1]);
	send_text(stranger, name_of(many), "late");
	reap(pid[2]);

	send_text(stranger, name_of(connected[1]), "not from who it is connected to");
	compare(&queues[0], 0);
	compare(&queues[1], 4);
	compare(&queues[2], 3);
	compare(&queues[3], 1);
	compare(&queues[4], 1);
	compare(&queues[5], 2);
	expect_eq(send(connected[0], "again", 5, 0), 5, "a connected socket sends");
	memset(text, 0, sizeof(text));
	expect(recv(connected[1], text, sizeof(text), 0) == 5 && !strcmp(text, "again"),
	       "and receives: \"%s\"", text);

	for (int i = 0; i < 2; i++) {
		memset(text, 0, sizeof(text));
		recv(shared[i], text, sizeof(text), MSG_DONTWAIT);
		expect(!strcmp(text, i ? "second" : "first"), "of two at a port, %d: \"%s\"", i, text);
	}
	to = name_of(shared[1]);
	send_text(stranger, to, "to the last");
	expect_eq(recv(shared[1], text, sizeof(text), MSG_DONTWAIT), 11, "the last one gets it");
	close(shared[1]);
	send_text(stranger, to, "to the first");
	expect_eq(recv(shared[0], text, sizeof(text), MSG_DONTWAIT), 12, "the first, when it is alone");
	expect_eq(recv(peeked, text, 20, MSG_PEEK), 5, "the rest of what was looked at");
	expect_eq(recv(peeked, text, 20, 0), 12, "all of it");
	expect_eq(take(empty, 0).len, 0, "an empty one");
	expect_eq(take(empty, 0).flags, EAGAIN, "and no more");

	expect(fit > 1 && fit < sent, "%d of %d had room", fit, sent);
	for (int i = 0; i < fit; i++)
		expect_eq(take(full, 0).len, 4, "number %d in a full socket", i);
	expect_eq(take(full, 0).len, -1, "no more in it");
	send_text(stranger, name_of(full), "after");
	{
		struct taken last = take(full, 0);
		struct cmsghdr *lost = (struct cmsghdr *)last.control;

		expect(last.control_len && lost->cmsg_type == SO_RXQ_OVFL &&
		       *(int *)CMSG_DATA(lost) == sent - fit, "how many were lost");
	}
	return payload_end();
}
