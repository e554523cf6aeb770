// SPDX-License-Identifier: GPL-2.0
/*
 * Programs of classic BPF that sockets ask: which datagrams, segments and messages
 * they are to receive, and which of several sockets at a port. What waited before
 * there was a program is there later, too; who has locked his cannot change it.
 */
#include "options.h"
#include <linux/filter.h>
#include <linux/netlink.h>
#include <poll.h>
#include <stdlib.h>

#define GET_FILTER		26
#define REUSEPORT_CBPF		51

enum {
	UDP, CONNECTED, PORT, PORT_TOO, LOOSE, LISTENER, ACCEPTED, DEAF, SHARED, SHARED_TOO, CHOOSES, UNIX, STREAM,
	NETLINK, SOCKETS
};

static const char *const names[] = {
	"UDP", "connected UDP", "first of a port", "second of a port", "of no port yet", "TCP, listening",
	"TCP", "deaf TCP", "second of a TCP port", "first of a TCP port", "TCP of no port yet", "Unix datagrams", "Unix stream", "netlink",
};

static int fds[SOCKETS], others[SOCKETS];
static int locked = CONNECTED;

struct program {
	struct sock_filter insns[64];
	unsigned int nr;
};

static struct sock_filter insn(unsigned int code, unsigned int jt, unsigned int jf, unsigned int k)
{
	return (struct sock_filter){ code, jt, jf, k };
}

/* What has an 'a' in this place, and no other. */
static struct program only_a(unsigned int at)
{
	return (struct program){ {
		insn(BPF_LD | BPF_B | BPF_ABS, 0, 0, at),
		insn(BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 'a'),
		insn(BPF_RET | BPF_K, 0, 0, 0xffffffff),
		insn(BPF_RET | BPF_K, 0, 0, 0),
	}, 4 };
}

/* All, or nothing. The kernel would do with one of many lines, but gives back all. */
static struct program always(unsigned int verdict)
{
	struct program program = { .nr = 60 };

	for (unsigned int i = 0; i < program.nr - 1; i++)
		program.insns[i] = insn(BPF_LD | BPF_IMM, 0, 0, i);
	program.insns[program.nr - 1] = insn(BPF_RET | BPF_K, 0, 0, verdict);
	return program;
}

/* By number. */
static struct program chooser(void)
{
	return (struct program){ {
		insn(BPF_LD | BPF_B | BPF_ABS, 0, 0, 0),
		insn(BPF_ALU | BPF_SUB | BPF_K, 0, 0, '0'),
		insn(BPF_RET | BPF_A, 0, 0, 0),
	}, 3 };
}

static void attach(int fd, int option, struct program program)
{
	struct sock_fprog fprog = { program.nr, program.insns };

	sure(setsockopt(fd, SOL_SOCKET, option, &fprog, sizeof(fprog)));
}

static struct program attached(int fd)
{
	struct program program = { .nr = 0 };
	socklen_t len = ARRAY_SIZE(program.insns);

	if (!getsockopt(fd, SOL_SOCKET, GET_FILTER, program.insns, &len))
		program.nr = len;
	return program;
}

static void put(int from, const char *text, union address to)
{
	expect_eq(sendto(from, text, strlen(text), 0, &to.any, sizeof(to)), strlen(text), "%s", text);
}

static void get(int fd, const char *wanted, const char *what)
{
	struct pollfd poll_fd = { fd, POLLIN, 0 };
	char text[30] = "";

	poll(&poll_fd, 1, *wanted ? 2000 : 50);
	recv(fd, text, sizeof(text) - 1, MSG_DONTWAIT);
	expect(!strcmp(text, wanted), "%s: \"%s\", wanted \"%s\"", what, text, wanted);
}

static union address share(union address at, int type, int *fd)
{
	*fd = sure(socket(AF_INET, type, 0));
	set_option(*fd, SOL_SOCKET, SO_REUSEPORT, 1);
	sure(bind(*fd, &at.any, sizeof(at)));
	return name_of(*fd);
}

static union address share_port(union address at, int *fd)
{
	return share(at, SOCK_DGRAM, fd);
}

/* All of many connections go to one of two. */
static void all_go_to(int fd, int other, const char *what)
{
	struct pollfd no = { other, POLLIN, 0 };
	int came = 0;

	for (int i = 0; i < 6; i++) {
		int client = connected(name_of(fd));
		struct pollfd yes = { fd, POLLIN, 0 };

		if (poll(&yes, 1, 500) == 1 && (close(accept(fd, NULL, NULL)), true))
			came++;
		close(client);
	}
	expect_eq(came, 6, "%s: connections", what);
	expect_eq(poll(&no, 1, 0), 0, "%s: none to the other one", what);
}

static void tell_members(const char *text)
{
	struct sockaddr_nl to = { .nl_family = AF_NETLINK, .nl_groups = 1 << 6 };

	sendto(others[NETLINK], text, strlen(text), 0, (void *)&to, sizeof(to));
}

static void make_udp(void)
{
	union address at;

	fds[UDP] = bound(loopback(AF_INET, 0), SOCK_DGRAM);
	others[UDP] = bound(loopback(AF_INET, 0), SOCK_DGRAM);
	put(others[UDP], "before", name_of(fds[UDP]));
	attach(fds[UDP], SO_ATTACH_FILTER, only_a(8));
	put(others[UDP], "a waiting", name_of(fds[UDP]));

	fds[CONNECTED] = bound(loopback(AF_INET, 0), SOCK_DGRAM);
	others[CONNECTED] = bound(loopback(AF_INET, 0), SOCK_DGRAM);
	at = name_of(others[CONNECTED]);
	sure(connect(fds[CONNECTED], &at.any, sizeof(at)));
	put(others[CONNECTED], "before", name_of(fds[CONNECTED]));
	attach(fds[CONNECTED], SO_ATTACH_FILTER, only_a(8));
	set_option(fds[CONNECTED], SOL_SOCKET, SO_LOCK_FILTER, 1);

	at = share_port(loopback(AF_INET, 0), &fds[PORT]);
	share_port(at, &fds[PORT_TOO]);
	attach(fds[PORT_TOO], REUSEPORT_CBPF, chooser());
	fds[LOOSE] = sure(socket(AF_INET6, SOCK_DGRAM, 0));
	attach(fds[LOOSE], SO_ATTACH_FILTER, only_a(8));
}

static void make_tcp(void)
{
	connect_pair(&fds[ACCEPTED], &others[ACCEPTED]);
	sure(send(others[ACCEPTED], "before", 6, 0));
	attach(fds[ACCEPTED], SO_ATTACH_FILTER, always(0xffffffff));
	connect_pair(&fds[DEAF], &others[DEAF]);
	sure(send(others[DEAF], "before", 6, 0));
	attach(fds[DEAF], SO_ATTACH_FILTER, always(0));
	fds[LISTENER] = listening(AF_INET, 5);
	others[LISTENER] = sure(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
	attach(fds[LISTENER], SO_ATTACH_FILTER, always(0));

	/* Which of them is meant goes by the order in which they have begun to listen. */
	share(share(loopback(AF_INET, 0), SOCK_STREAM, &fds[SHARED]), SOCK_STREAM, &fds[SHARED_TOO]);
	sure(listen(fds[SHARED_TOO], 10));
	sure(listen(fds[SHARED], 10));
	attach(fds[SHARED], REUSEPORT_CBPF, always(1));
	fds[CHOOSES] = sure(socket(AF_INET, SOCK_STREAM, 0));
	set_option(fds[CHOOSES], SOL_SOCKET, SO_REUSEPORT, 1);
	attach(fds[CHOOSES], REUSEPORT_CBPF, always(1));
}

static void make_others(void)
{
	struct sockaddr_nl at = { .nl_family = AF_NETLINK, .nl_groups = 1 << 6 };
	int pair[2];

	sure(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair));
	fds[UNIX] = pair[0];
	others[UNIX] = pair[1];
	sure(send(others[UNIX], "before", 6, 0));
	attach(fds[UNIX], SO_ATTACH_FILTER, only_a(0));
	set_option(fds[UNIX], SOL_SOCKET, SO_LOCK_FILTER, 1);
	sure(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	fds[STREAM] = pair[0];
	others[STREAM] = pair[1];
	attach(fds[STREAM], SO_ATTACH_FILTER, always(7));

	fds[NETLINK] = sure(socket(AF_NETLINK, SOCK_RAW, NETLINK_USERSOCK));
	sure(bind(fds[NETLINK], (void *)&at, sizeof(at)));
	others[NETLINK] = sure(socket(AF_NETLINK, SOCK_RAW, NETLINK_USERSOCK));
	tell_members("before");
	attach(fds[NETLINK], SO_ATTACH_FILTER, only_a(0));
}

/* Nobody gets through to one that is deaf, until it is not. */
static void check_tcp(void)
{
	union address at = name_of(fds[LISTENER]);
	struct pollfd ready = { fds[LISTENER], POLLIN, 0 };
	int fd;

	get(fds[ACCEPTED], "before", "TCP, what waited");
	sure(send(others[ACCEPTED], "after", 5, 0));
	get(fds[ACCEPTED], "after", "TCP");
	get(fds[DEAF], "before", "deaf TCP, what waited");
	sure(send(others[DEAF], "unheard", 7, 0));
	get(fds[DEAF], "", "deaf TCP");
	sure(setsockopt(fds[DEAF], SOL_SOCKET, SO_DETACH_FILTER, &(int){ 0 }, sizeof(int)));
	get(fds[DEAF], "unheard", "deaf TCP, what was sent again");

	connect(others[LISTENER], &at.any, sizeof(at));
	expect_eq(poll(&ready, 1, 200), 0, "a connection to one that listens");
	sure(setsockopt(fds[LISTENER], SOL_SOCKET, SO_DETACH_FILTER, &(int){ 0 }, sizeof(int)));
	expect_eq(poll(&ready, 1, 5000), 1, "a connection to one that listens again");

	all_go_to(fds[SHARED], fds[SHARED_TOO], "one of two at a TCP port");
	at = loopback(AF_INET, 0);
	sure(bind(fds[CHOOSES], &at.any, sizeof(at)));
	sure(listen(fds[CHOOSES], 10));
	share(name_of(fds[CHOOSES]), SOCK_STREAM, &fd);
	sure(listen(fd, 10));
	all_go_to(fd, fds[CHOOSES], "a program that was attached before there was a port");
}

int main(int argc, char **argv)
{
	static struct program before[SOCKETS], now;
	int fd;

	payload_begin(argc, argv);
	make_udp();
	make_tcp();
	make_others();
	for (int i = 0; i < SOCKETS; i++)
		before[i] = attached(fds[i]);

	if (pause_here()) {
		sure(setsockopt(fds[UDP], SOL_SOCKET, SO_DETACH_FILTER, &locked, sizeof(locked)));
		attach(fds[STREAM], SO_ATTACH_FILTER, always(8));
	}

	for (int i = 0; i < SOCKETS; i++) {
		now = attached(fds[i]);
		expect(now.nr == before[i].nr && !memcmp(now.insns, before[i].insns, sizeof(now.insns)),
		       "%s: a program of %u instructions", names[i], now.nr);
	}
	errno = 0;
	setsockopt(fds[locked], SOL_SOCKET, SO_DETACH_FILTER, &locked, sizeof(locked));
	expect_eq(errno, EPERM, "a program that is locked");

	get(fds[UDP], "before", "UDP, what waited");
	get(fds[UDP], "a waiting", "UDP, what waited and was asked about");
	put(others[UDP], "b", name_of(fds[UDP]));
	put(others[UDP], "a", name_of(fds[UDP]));
	get(fds[UDP], "a", "UDP");
	get(fds[CONNECTED], "before", "connected UDP, what waited");
	put(others[CONNECTED], "b", name_of(fds[CONNECTED]));
	put(others[CONNECTED], "a", name_of(fds[CONNECTED]));
	get(fds[CONNECTED], "a", "connected UDP");
	for (int i = 0; i < 4; i++) {
		put(others[UDP], i & 1 ? "1" : "0", name_of(fds[PORT]));
		get(fds[i & 1 ? PORT_TOO : PORT], i & 1 ? "1" : "0", "one of two at a port");
	}
	share_port(name_of(fds[PORT]), &fd);
	put(others[UDP], "2", name_of(fds[PORT]));
	get(fd, "2", "a third one");
	check_tcp();

	get(fds[UNIX], "before", "Unix datagrams, what waited");
	sure(send(others[UNIX], "b", 1, 0));
	sure(send(others[UNIX], "a", 1, 0));
	get(fds[UNIX], "a", "Unix datagrams");
	get(fds[NETLINK], "before", "netlink, what waited");
	tell_members("b");
	tell_members("a");
	get(fds[NETLINK], "a", "netlink");
	return payload_end();
}
