// SPDX-License-Identifier: GPL-2.0
/*
 * Datagrams that are not complete (UDP_CORK, MSG_MORE): what there is of them, where they go,
 * and what their first part has said, which is not what the socket says by now. Of each kind,
 * one was sent before, and another one has to arrive as that did.
 */
#include "options.h"
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <stdlib.h>

#define TAKEN_FROM	union address
#define TAKEN_DATA	50000
#define TAKEN_CONTROL	300
#include "take.h"

#define SO_RCVMARK_	75
#define SO_RCVPRIORITY_	82
/* The most datagrams that one becomes. */
#define MOST		3

enum { PLAIN, OPTION, CONNECTED, LARGE, SEGMENTS, V6, MAPPED, KINDS };

static const struct kind {
	const char *name;
	int family, to;
	/* Bytes of the first parts, and of the last one. */
	int parts[2], last;
} kinds[] = {
	[PLAIN] = { "plain", AF_INET, AF_INET, { 5, 6 }, 7 },
	[OPTION] = { "by the option", AF_INET, AF_INET, { 8, 0 }, 0 },
	[CONNECTED] = { "connected, with nothing yet", AF_INET, AF_INET, { 0, 0 }, 9 },
	[LARGE] = { "large", AF_INET, AF_INET, { 30000, 5000 }, 10000 },
	[SEGMENTS] = { "segments", AF_INET, AF_INET, { 150, 0 }, 100 },
	[V6] = { "IPv6", AF_INET6, AF_INET6, { 10, 3000 }, 11 },
	[MAPPED] = { "IPv4 from IPv6", AF_INET6, AF_INET, { 12, 0 }, 13 },
};

static struct taken wanted[KINDS][MOST];
static char text[50000];

static int receiver(int family)
{
	int fd = bound(loopback(family, 0), SOCK_DGRAM);

	set_option(fd, SOL_SOCKET, SO_RCVMARK_, 1);
	/* A kernel without it does not tell. */
	setsockopt(fd, SOL_SOCKET, SO_RCVPRIORITY_, &(int){ 1 }, sizeof(int));
	if (family == AF_INET6) {
		set_option(fd, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1);
		set_option(fd, IPPROTO_IPV6, IPV6_RECVTCLASS, 1);
		set_option(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
	} else {
		set_option(fd, IPPROTO_IP, IP_RECVTTL, 1);
		set_option(fd, IPPROTO_IP, IP_RECVTOS, 1);
		set_option(fd, IPPROTO_IP, IP_PKTINFO, 1);
	}
	return fd;
}

/* One more int, or less, that a part is sent with. */
static void say(struct msghdr *msg, int level, int type, int value, size_t size)
{
	struct cmsghdr *head = (void *)((char *)msg->msg_control + msg->msg_controllen);

	head->cmsg_level = level;
	head->cmsg_type = type;
	head->cmsg_len = CMSG_LEN(size);
	memcpy(CMSG_DATA(head), &value, size);
	msg->msg_controllen += CMSG_SPACE(size);
}

/* The first part, with values of its own. */
static void send_first(int fd, int nr, union address to)
{
	const struct kind *kind = &kinds[nr];
	_Alignas(struct cmsghdr) char control[300] = {};
	struct iovec iov = { text, kind->parts[0] };
	struct msghdr msg = {
		.msg_name = nr == CONNECTED ? NULL : &to,
		.msg_namelen = nr == CONNECTED ? 0 : sizeof(to),
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
	};

	if (nr == PLAIN || nr == MAPPED) {
		say(&msg, IPPROTO_IP, IP_TTL, 7, sizeof(int));
		say(&msg, IPPROTO_IP, IP_TOS, 0x20, sizeof(int));
		say(&msg, SOL_SOCKET, SO_MARK, 77, sizeof(int));
	}
	if (nr == V6) {
		say(&msg, IPPROTO_IPV6, IPV6_HOPLIMIT, 8, sizeof(int));
		say(&msg, IPPROTO_IPV6, IPV6_TCLASS, 0x24, sizeof(int));
		say(&msg, IPPROTO_IPV6, IPV6_DONTFRAG, 1, sizeof(int));
	}
	if (nr == SEGMENTS)
		say(&msg, SOL_UDP, UDP_SEGMENT, 100, sizeof(uint16_t));
	expect_eq(sendmsg(fd, &msg, nr == OPTION ? 0 : MSG_MORE), kind->parts[0], "%s: the first part",
		  kind->name);
}

static int make(int nr, const int *receivers)
{
	const struct kind *kind = &kinds[nr];
	union address to = name_of(receivers[kind->to == AF_INET6]);
	int fd = sure(socket(kind->family, SOCK_DGRAM, 0));

	if (nr == CONNECTED)
		sure(connect(fd, &to.any, sizeof(to)));
	if (nr == OPTION) {
		set_option(fd, SOL_UDP, UDP_CORK, 1);
		set_option(fd, SOL_SOCKET, SO_PRIORITY, 5);
		set_option(fd, SOL_SOCKET, SO_MARK, 55);
		set_option(fd, IPPROTO_IP, IP_TOS, 0x40);
	}
	send_first(fd, nr, to);
	/* That is for the next one. */
	set_option(fd, SOL_SOCKET, SO_PRIORITY, 0);
	set_option(fd, SOL_SOCKET, SO_MARK, 3);
	set_option(fd, IPPROTO_IP, IP_TOS, 0x80);
	if (kind->parts[1])
		sure(send(fd, text + kind->parts[0], kind->parts[1], MSG_MORE));
	return fd;
}

static void finish(int fd, int nr)
{
	const struct kind *kind = &kinds[nr];

	if (nr == OPTION)
		set_option(fd, SOL_UDP, UDP_CORK, 0);
	else
		expect_eq(send(fd, text + kind->parts[0] + kind->parts[1], kind->last, 0), kind->last,
			  "%s: the last part", kind->name);
}

/* What comes from a socket whose port is that. */
static int receive(int fd, int nr, struct taken *all, int from)
{
	int count = take_all(fd, all, MOST);

	for (int i = 0; i < count; i++) {
		expect_eq(all[i].from.v4.sin_port, from, "%s: by whom", kinds[nr].name);
		all[i].from.v4.sin_port = 0;
	}
	return count;
}

int main(int argc, char **argv)
{
	static struct taken got[MOST];
	int receivers[2], fds[KINDS], counts[KINDS];

	payload_begin(argc, argv);
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = byte_at(i);
	receivers[0] = receiver(AF_INET);
	receivers[1] = receiver(AF_INET6);
	for (int nr = 0; nr < KINDS; nr++) {
		int from = receivers[kinds[nr].to == AF_INET6], fd = make(nr, receivers);

		expect_eq(take(from, 0).len, -1, "%s: nothing yet", kinds[nr].name);
		finish(fd, nr);
		counts[nr] = receive(from, nr, wanted[nr], name_of(fd).v4.sin_port);
		expect_eq(counts[nr], nr == SEGMENTS ? 3 : 1, "%s: how many before", kinds[nr].name);
		close(fd);
		fds[nr] = make(nr, receivers);
	}

	if (pause_here())
		for (int nr = 0; nr < KINDS; nr++)
			send(fds[nr], "spoilt", 6, MSG_MORE);

	for (int nr = 0; nr < KINDS; nr++) {
		const char *name = kinds[nr].name;
		int from = receivers[kinds[nr].to == AF_INET6], count;

		expect_eq(take(from, 0).len, -1, "%s: nothing yet", name);
		finish(fds[nr], nr);
		count = receive(from, nr, got, name_of(fds[nr]).v4.sin_port);
		expect_eq(count, counts[nr], "%s: how many", name);
		for (int i = 0; i < count; i++) {
			expect_eq(got[i].len, wanted[nr][i].len, "%s: length", name);
			expect(!memcmp(got[i].data, wanted[nr][i].data, sizeof(got[i].data)), "%s: data", name);
			expect(is_same(got[i].from, wanted[nr][i].from), "%s: from where", name);
			expect_eq(got[i].control_len, wanted[nr][i].control_len, "%s: what is told", name);
			expect(!memcmp(got[i].control, wanted[nr][i].control, sizeof(got[i].control)),
			       "%s: all that is told", name);
		}
	}
	/* It sends others as it does by now. */
	sure(sendto(fds[PLAIN], "!", 1, 0, (void *)&(union address){ .v4 = name_of(receivers[0]).v4 },
		    sizeof(union address)));
	expect_eq(take(receivers[0], 0).len, 1, "the next one");
	return payload_end();
}
