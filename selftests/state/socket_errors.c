// SPDX-License-Identifier: GPL-2.0
/*
 * Errors that wait in UDP, raw and TCP sockets (IP_RECVERR, IPV6_RECVERR), of the network
 * and of the machine itself, and a path MTU that is to be told: of each kind, one socket has
 * received its own before, and another one has to receive the same.
 */
#include "payload.h"
#include <linux/errqueue.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include "options.h"
#define TAKEN_FROM	union address
#define TAKEN_DATA	8000
#define TAKEN_CONTROL	300
#include "take.h"

/* A port that nobody has. */
#define NOBODY	9
#define LARGE	5000

enum { V4, V6, MAPPED, LARGE4, LARGE6, RAW, KINDS };

static const char *const names[] = { "IPv4", "IPv6", "mapped", "too large", "too large for IPv6", "raw" };

static void set_mtu(int mtu)
{
	struct ifreq request = { .ifr_name = "lo", .ifr_mtu = mtu };
	int fd = sure(socket(AF_INET, SOCK_DGRAM, 0));

	sure(ioctl(fd, SIOCSIFMTU, &request));
	close(fd);
}

static int opened(int family, int type, int protocol)
{
	int fd = sure(socket(family, type, protocol));

	if (family == AF_INET6) {
		set_option(fd, IPPROTO_IPV6, IPV6_RECVERR, 1);
		set_option(fd, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1);
		set_option(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
		set_option(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_DO);
	}
	set_option(fd, IPPROTO_IP, IP_RECVERR, 1);
	set_option(fd, IPPROTO_IP, IP_RECVTTL, 1);
	set_option(fd, IPPROTO_IP, IP_PKTINFO, 1);
	set_option(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO);
	return fd;
}

/* An error waits in it. */
static void await_error(int fd)
{
	sure(poll(&(struct pollfd){ .fd = fd }, 1, -1));
}

/* What the next call would fail with, which it does not any more. */
static int error_of(int fd)
{
	socklen_t len = sizeof(int);
	int error = 0;

	sure(getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len));
	return error;
}

static void send_to(int fd, union address to, size_t size, bool works)
{
	static char text[LARGE];

	memset(text, 'x', sizeof(text));
	expect_eq(sendto(fd, text, size, 0, &to.any, sizeof(to)), works ? (int)size : -1, "%zu bytes", size);
	await_error(fd);
}

static int make(int kind)
{
	union address to4 = loopback(AF_INET, NOBODY), to6 = loopback(AF_INET6, NOBODY);
	union address mapped = { .v6 = { .sin6_family = AF_INET6, .sin6_port = htons(NOBODY) } };
	bool v6 = kind == V6 || kind == MAPPED || kind == LARGE6;
	int fd;

	mapped.v6.sin6_addr.s6_addr32[2] = htonl(0xffff);
	mapped.v6.sin6_addr.s6_addr32[3] = htonl(INADDR_LOOPBACK);
	fd = opened(v6 ? AF_INET6 : AF_INET, kind == RAW ? SOCK_RAW : SOCK_DGRAM, kind == RAW ? 253 : 0);
	switch (kind) {
	case V4:
		send_to(fd, to4, 10, true);
		break;
	case V6:
		send_to(fd, to6, 20, true);
		break;
	case MAPPED:
		send_to(fd, mapped, 30, true);
		break;
	case LARGE4:
		send_to(fd, to4, LARGE, false);
		break;
	case LARGE6:
		send_to(fd, to6, LARGE, false);
		break;
	case RAW:
		to4.v4.sin_port = 0;
		send_to(fd, to4, LARGE, false);
		break;
	}
	return fd;
}

static void expect_same(const struct taken *got, const struct taken *wanted, const char *what)
{
	expect_eq(got->len, wanted->len, "%s: length", what);
	expect(!memcmp(got->data, wanted->data, sizeof(got->data)), "%s: data", what);
	expect(is_same(got->from, wanted->from), "%s: to whom it was sent", what);
	expect_eq(got->control_len, wanted->control_len, "%s: what is told", what);
	expect(!memcmp(got->control, wanted->control, sizeof(got->control)), "%s: all that is told", what);
	expect_eq(got->flags, wanted->flags, "%s: flags", what);
}

/* A socket that was told what there is room for on the way, which is told instead of data. */
static int make_path_mtu(void)
{
	static char text[LARGE];
	union address to = loopback(AF_INET6, NOBODY);
	int fd = sure(socket(AF_INET6, SOCK_DGRAM, 0));

	set_option(fd, IPPROTO_IPV6, IPV6_RECVPATHMTU, 1);
	set_option(fd, IPPROTO_IPV6, IPV6_DONTFRAG, 1);
	expect_errno(sendto(fd, text, sizeof(text), 0, &to.any, sizeof(to)), EMSGSIZE, "a long way");
	return fd;
}

/* The packet by which @fd asks for a connection to @to, with its header. */
static struct iphdr *await_syn(int raw, int fd, union address to)
{
	static char packet[1500];
	struct iphdr *ip = (void *)packet;
	const struct tcphdr *tcp;

	do {
		sure(recv(raw, packet, sizeof(packet), 0));
		tcp = (void *)(packet + ip->ihl * 4);
	} while (!tcp->syn || tcp->source != name_of(fd).v4.sin_port || tcp->dest != to.v4.sin_port);
	return ip;
}

/* ICMP says that there is no way for a packet: all of its headers come back. */
static void send_back(const struct iphdr *ip)
{
	union address to = loopback(AF_INET, 0);
	struct {
		struct icmphdr icmp;
		char packet[200];
	} message = { .icmp = { .type = ICMP_DEST_UNREACH, .code = ICMP_HOST_UNREACH } };
	int fd = sure(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP));
	const uint16_t *words = (void *)&message;
	size_t len = sizeof(message.icmp) + ntohs(ip->tot_len);
	uint32_t sum = 0;

	memcpy(message.packet, ip, ntohs(ip->tot_len));
	for (size_t i = 0; i < len / 2; i++)
		sum += words[i];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	message.icmp.checksum = ~sum;
	sure(sendto(fd, &message, len, 0, &to.any, sizeof(to)));
	close(fd);
}

/* A socket whose connection was refused by a message of ICMP; what that has sent back. */
static int make_tcp(const char **data, int *len, union address *to)
{
	int full = listening(AF_INET, 0), raw = sure(socket(AF_INET, SOCK_RAW, IPPROTO_TCP)), filler, fd;
	const struct iphdr *ip;

	/* Who listens there and has enough does not answer. */
	*to = name_of(full);
	filler = connected(*to);
	fd = sure(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
	set_option(fd, IPPROTO_IP, IP_RECVERR, 1);
	expect_errno(connect(fd, &to->any, sizeof(*to)), EINPROGRESS, "a connection");
	ip = await_syn(raw, fd, *to);
	send_back(ip);
	await_error(fd);
	close(filler);
	close(full);
	close(raw);
	*data = (const char *)ip + ip->ihl * 4;
	*len = ntohs(ip->tot_len) - ip->ihl * 4;
	return fd;
}

static const struct sock_extended_err *error_in(struct taken *got)
{
	struct msghdr msg = { .msg_control = got->control, .msg_controllen = got->control_len };
	static const struct sock_extended_err none;
	struct cmsghdr *head;

	for (head = CMSG_FIRSTHDR(&msg); head; head = CMSG_NXTHDR(&msg, head))
		if (head->cmsg_level == IPPROTO_IP && head->cmsg_type == IP_RECVERR)
			return (void *)CMSG_DATA(head);
	return &none;
}

int main(int argc, char **argv)
{
	static struct taken wanted[KINDS], got;
	int fds[KINDS], several, mtu, tcp, len;
	union address to = loopback(AF_INET, NOBODY), server;
	static struct taken wanted_mtu;
	const char *syn;

	payload_begin(argc, argv);
	set_mtu(1500);
	for (int i = 0; i < KINDS; i++) {
		int fd = make(i);

		wanted[i] = take(fd, MSG_ERRQUEUE);
		expect(wanted[i].len >= 0, "%s: an error before", names[i]);
		close(fd);
		fds[i] = make(i);
	}
	mtu = make_path_mtu();
	wanted_mtu = take(mtu, 0);
	expect_eq(wanted_mtu.len, 0, "a path MTU before");
	close(mtu);
	mtu = make_path_mtu();
	set_mtu(65536);
	tcp = make_tcp(&syn, &len, &server);
	several = opened(AF_INET, SOCK_DGRAM, 0);
	send_to(several, to, 1, true);
	to.v4.sin_port = htons(NOBODY + 10);
	expect_eq(error_of(several), ECONNREFUSED, "the first one is announced");
	sure(sendto(several, "ab", 2, 0, &to.any, sizeof(to)));
	while (!error_of(several))
		sched_yield();

	if (pause_here()) {
		for (int i = 0; i < KINDS; i++)
			take(fds[i], MSG_ERRQUEUE);
		take(several, MSG_ERRQUEUE);
		take(mtu, 0);
		take(tcp, MSG_ERRQUEUE);
	}

	for (int i = 0; i < KINDS; i++) {
		got = take(fds[i], MSG_ERRQUEUE);
		expect_same(&got, &wanted[i], names[i]);
		expect_errno(take(fds[i], MSG_ERRQUEUE).len, EAGAIN, "no other error");
	}
	got = take(mtu, 0);
	expect_same(&got, &wanted_mtu, "the path MTU");
	expect_errno(take(mtu, 0).len, EAGAIN, "no other path MTU");
	got = take(tcp, MSG_ERRQUEUE);
	expect_eq(got.len, len, "TCP: length");
	expect(!memcmp(got.data, syn, len), "TCP: what it has sent");
	expect(is_same(got.from, server), "TCP: to whom");
	expect_eq(error_in(&got)->ee_errno, EHOSTUNREACH, "TCP: why");
	expect_eq(error_in(&got)->ee_code, ICMP_HOST_UNREACH, "TCP: what ICMP says");
	expect_eq(ntohl(((const struct sockaddr_in *)SO_EE_OFFENDER(error_in(&got)))->sin_addr.s_addr),
		  INADDR_LOOPBACK, "TCP: who says so");
	got = take(several, MSG_ERRQUEUE);
	expect_eq(got.len, 1, "the first of several");
	expect_eq(error_of(several), ECONNREFUSED, "the next one is announced");
	got = take(several, MSG_ERRQUEUE);
	expect_eq(got.len, 2, "the second one");
	expect_eq(ntohs(got.from.v4.sin_port), NOBODY + 10, "its port");
	send_to(several, to, 3, true);
	expect_eq(take(several, MSG_ERRQUEUE).len, 3, "a new error");
	return payload_end();
}
