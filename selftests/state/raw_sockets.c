// SPDX-License-Identifier: GPL-2.0
/*
 * Raw sockets: protocols, names, other ends, options; packets that nobody has received
 * yet, with all that recvmsg(2) tells of them; which of the new ones come, and who waits
 * for one.
 */
#include "options.h"
#include <linux/filter.h>
#include <netinet/icmp6.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <stdlib.h>

#define OWN		253
#define OWN_TOO		254
#define SOL_RAW_	255
#define ICMP_FILTER_	1
#define MOST		10
#define TAKEN_FROM	union address
#define TAKEN_DATA	300
#define TAKEN_CONTROL	400
#include "take.h"

enum { ICMP, PLAIN, CONNECTED, HEADERS, SENDER, UDP, ICMP6, PLAIN6, CONNECTED6, SOCKETS };

static const char *const names[] = {
	"ICMP", "plain", "connected", "with headers", "of no protocol", "UDP", "ICMP for IPv6",
	"plain of IPv6", "connected of IPv6",
};

static int fds[SOCKETS], sleeping;

static int opened(int family, int protocol)
{
	return sure(socket(family, SOCK_RAW, protocol));
}

static void put(int fd, const void *data, size_t len, union address to)
{
	expect_eq(sendto(fd, data, len, 0, &to.any, sizeof(to)), len, "%zu bytes of packet", len);
}

/* The loopback device answers it itself. */
static void ping(int number)
{
	struct icmphdr echo = { .type = ICMP_ECHO, .un.echo.sequence = htons(number) };

	echo.checksum = ~(htons(ICMP_ECHO << 8) + htons(number));
	put(fds[ICMP], &echo, sizeof(echo), loopback(AF_INET, 0));
}

static void set_all(int fd)
{
	set_option(fd, SOL_SOCKET, SO_TIMESTAMP, 1);
	set_option(fd, SOL_SOCKET, SO_RXQ_OVFL, 1);
	set_option(fd, SOL_SOCKET, SO_RCVBUF, 70000);
}

static void set_v4(int fd)
{
	set_all(fd);
	set_option(fd, IPPROTO_IP, IP_PKTINFO, 1);
	set_option(fd, IPPROTO_IP, IP_RECVTTL, 1);
	set_option(fd, IPPROTO_IP, IP_RECVTOS, 1);
}

static void set_v6(int fd)
{
	set_all(fd);
	set_option(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
	set_option(fd, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1);
	set_option(fd, IPPROTO_IPV6, IPV6_RECVTCLASS, 1);
	set_option(fd, IPPROTO_IPV6, 33 /* IPV6_FLOWINFO_SEND */, 1);
}

static void make_v4(void)
{
	union address at = loopback(AF_INET, 0), other = loopback(AF_INET, 7);
	struct sock_filter small[] = {
		{ BPF_LD | BPF_W | BPF_LEN, 0, 0, 0 },
		{ BPF_JMP | BPF_JGT | BPF_K, 1, 0, 40 },
		{ BPF_RET | BPF_K, 0, 0, 0xffffffff },
		{ BPF_RET | BPF_K, 0, 0, 0 },
	};
	struct sock_fprog filter = { ARRAY_SIZE(small), small };
	struct ip_mreqn group = { .imr_multiaddr.s_addr = htonl(0xefff0107), .imr_ifindex = 1 };

	fds[ICMP] = opened(AF_INET, IPPROTO_ICMP);
	set_v4(fds[ICMP]);
	/* No answers. */
	set_option(fds[ICMP], SOL_RAW_, ICMP_FILTER_, 1 << ICMP_ECHOREPLY);
	sure(bind(fds[ICMP], &at.any, sizeof(at)));
	fds[PLAIN] = opened(AF_INET, OWN);
	set_v4(fds[PLAIN]);
	set_option(fds[PLAIN], IPPROTO_IP, IP_TOS, 0x28);
	set_option(fds[PLAIN], IPPROTO_IP, 22 /* IP_NODEFRAG */, 1);
	sure(setsockopt(fds[PLAIN], IPPROTO_IP, IP_ADD_MEMBERSHIP, &group, sizeof(group)));
	sure(setsockopt(fds[PLAIN], SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof(filter)));
	fds[CONNECTED] = opened(AF_INET, OWN);
	other.v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1);
	sure(connect(fds[CONNECTED], &other.any, sizeof(other)));
	fds[HEADERS] = opened(AF_INET, OWN_TOO);
	set_option(fds[HEADERS], IPPROTO_IP, IP_HDRINCL, 1);
	fds[SENDER] = opened(AF_INET, IPPROTO_RAW);
	fds[UDP] = opened(AF_INET, IPPROTO_UDP);
	sleeping = opened(AF_INET, OWN - 1);
}

static void make_v6(void)
{
	union address at = loopback(AF_INET6, 0);
	struct icmp6_filter pass;

	fds[ICMP6] = opened(AF_INET6, IPPROTO_ICMPV6);
	ICMP6_FILTER_SETBLOCKALL(&pass);
	ICMP6_FILTER_SETPASS(ICMP6_ECHO_REPLY, &pass);
	ICMP6_FILTER_SETPASS(200, &pass);
	sure(setsockopt(fds[ICMP6], IPPROTO_ICMPV6, ICMP6_FILTER, &pass, sizeof(pass)));
	fds[PLAIN6] = opened(AF_INET6, OWN);
	set_v6(fds[PLAIN6]);
	set_option(fds[PLAIN6], IPPROTO_IPV6, IPV6_CHECKSUM, 2);
	set_option(fds[PLAIN6], IPPROTO_IPV6, 75 /* IPV6_TRANSPARENT */, 1);
	set_option(fds[PLAIN6], IPPROTO_IPV6, IPV6_TCLASS, 0x44);
	sure(bind(fds[PLAIN6], &at.any, sizeof(at)));
	fds[CONNECTED6] = opened(AF_INET6, OWN_TOO);
	sure(connect(fds[CONNECTED6], &at.any, sizeof(at)));
}

static void ping6(int number)
{
	struct icmp6_hdr echo = { .icmp6_type = ICMP6_ECHO_REQUEST, .icmp6_seq = htons(number) };

	put(fds[ICMP6], &echo, sizeof(echo), loopback(AF_INET6, 0));
}

/* Anybody's ICMP comes, too: nobody else is there. */
static int receiver(void *unused)
{
	char text[60] = "";

	(void)unused;
	expect_eq(recv(sleeping, text, sizeof(text), 0), 24, "recv of a raw socket");
	expect(!strcmp(text + 20, "wake"), "what it has received: \"%s\"", text + 20);
	return 0;
}

static bool same_taken(const struct taken *a, const struct taken *b)
{
	return a->len == b->len && a->control_len == b->control_len && a->flags == b->flags &&
	       is_same(a->from, b->from) && !memcmp(a->data, b->data, sizeof(a->data)) &&
	       !memcmp(a->control, b->control, sizeof(a->control));
}

int main(int argc, char **argv)
{
	static const int wanted[SOCKETS] = { [ICMP] = 1, [PLAIN] = 1, [ICMP6] = 1, [PLAIN6] = 2, [CONNECTED6] = 1 };
	static struct taken waiting[SOCKETS], now[MOST];
	static struct options options[SOCKETS];
	union address at[SOCKETS], peer[SOCKETS];
	unsigned int filter[SOCKETS][10];
	int got;
	struct icmp6_filter pass;
	socklen_t len;
	pid_t pid;

	payload_begin(argc, argv);
	make_v4();
	make_v6();
	ping(1);
	put(fds[PLAIN], "to all\0\1\2\3", 11, loopback(AF_INET, 0));
	put(fds[PLAIN], "this one is more than the filter lets through", 45, loopback(AF_INET, 0));
	put(fds[PLAIN6], "abcdefgh", 8, loopback(AF_INET6, 0));
	put(fds[PLAIN6], "ijklmnop", 8, loopback(AF_INET6, 0));
	put(fds[CONNECTED6], "x", 1, loopback(AF_INET6, 0));
	ping6(3);
	pid = child(receiver, NULL);
	await_syscall(pid, SYS_recvfrom);
	for (int i = 0; i < SOCKETS; i++) {
		get_options(fds[i], &options[i]);
		at[i] = name_of(fds[i]);
		peer[i] = peer_of(fds[i]);
		waiting[i] = take(fds[i], MSG_PEEK);
		len = sizeof(filter[i]);
		memset(filter[i], 0, sizeof(filter[i]));
		getsockopt(fds[i], SOL_RAW_, ICMP_FILTER_, filter[i], &len);
	}
	if (pause_here()) {
		take(fds[PLAIN6], 0);
		set_option(fds[ICMP], SOL_RAW_, ICMP_FILTER_, 0);
	}

	for (int i = 0; i < SOCKETS; i++) {
		unsigned int value[10] = { 0 };

		same_options(fds[i], &options[i], false, names[i]);
		expect(is_same(name_of(fds[i]), at[i]), "%s: name", names[i]);
		expect(is_same(peer_of(fds[i]), peer[i]), "%s: other end", names[i]);
		len = sizeof(value);
		getsockopt(fds[i], SOL_RAW_, ICMP_FILTER_, value, &len);
		expect(!memcmp(value, filter[i], sizeof(value)), "%s: filter %#x", names[i], value[0]);
		got = take_all(fds[i], now, MOST);
		expect_eq(got, wanted[i], "%s: packets", names[i]);
		expect(same_taken(&now[0], &waiting[i]), "%s: a packet of %zd bytes", names[i],
		       now[0].len);
		if (i == PLAIN6)
			expect(!memcmp(now[1].data, "ij", 2), "%s: the next one", names[i]);
	}
	len = sizeof(pass);
	sure(getsockopt(fds[ICMP6], IPPROTO_ICMPV6, ICMP6_FILTER, &pass, &len));
	expect(ICMP6_FILTER_WILLPASS(200, &pass) && ICMP6_FILTER_WILLBLOCK(201, &pass),
	       "filter of ICMP for IPv6");

	ping(2);
	expect_eq(take_all(fds[ICMP], now, MOST), 1, "a question and no answer");
	put(fds[PLAIN], "more", 4, loopback(AF_INET, 0));
	expect_eq(take_all(fds[PLAIN], now, MOST), 1, "to one of two sockets");
	expect_eq(take_all(fds[CONNECTED], now, MOST), 0, "and not the other one");
	put(fds[PLAIN], "once more than the filter lets through", 38, loopback(AF_INET, 0));
	expect_eq(take_all(fds[PLAIN], now, MOST), 0, "that it asks its filter");
	put(fds[PLAIN6], "abcdefgh", 8, loopback(AF_INET6, 0));
	expect_eq(take_all(fds[PLAIN6], now, MOST), 1, "one of IPv6");
	expect(now[0].data[2] != 'c', "with a checksum");
	ping6(4);
	expect_eq(take_all(fds[ICMP6], now, MOST), 1, "an answer and no question");
	put(sleeping, "wake", 4, loopback(AF_INET, 0));
	reap(pid);
	return payload_end();
}
