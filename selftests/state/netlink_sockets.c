// SPDX-License-Identifier: GPL-2.0
/*
 * Netlink sockets: ports, groups, options, where they are connected to; messages that
 * nobody has received yet, from the kernel and from others; one that has lost some; who
 * waits for one; and which capabilities one was opened with. What PAM and others tell
 * audit, and who listens to that.
 */
#include "payload.h"
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>

#define MOST	8
#define SOL_NETLINK_	270
/* The first of the groups that bind(2) cannot name. */
#define HIGH_GROUP	33
#define TAKEN_FROM	struct sockaddr_nl
#define TAKEN_DATA	2048
#define TAKEN_CONTROL	200
#include "take.h"

enum { ROUTE, AUTO, UNBOUND, USER, PEER, EVENTS, FULL, WEAK, LISTENER, AUDITED, WEAK_AUDITED, SOCKETS };

static int fds[SOCKETS], sleeping;

struct state {
	struct sockaddr_nl name, peer;
	int options[13], pass, rcvbuf;
	unsigned int groups[4];
	socklen_t groups_len;
};

static int opened(int type, int protocol)
{
	return sure(socket(AF_NETLINK, type, protocol));
}

static void set(int fd, int option, int value)
{
	sure(setsockopt(fd, SOL_NETLINK_, option, &value, sizeof(value)));
}

static int bound_to(int type, int protocol, unsigned int port, unsigned int groups)
{
	struct sockaddr_nl at = { .nl_family = AF_NETLINK, .nl_pid = port, .nl_groups = groups };
	int fd = opened(type, protocol);

	sure(bind(fd, (void *)&at, sizeof(at)));
	return fd;
}

static void look(int fd, struct state *state)
{
	socklen_t len = sizeof(state->name);

	memset(state, 0, sizeof(*state));
	sure(getsockname(fd, (void *)&state->name, &len));
	len = sizeof(state->peer);
	sure(getpeername(fd, (void *)&state->peer, &len));
	for (int i = 1; i < 13; i++) {
		len = sizeof(int);
		if (i != NETLINK_LIST_MEMBERSHIPS &&
		    getsockopt(fd, SOL_NETLINK_, i, &state->options[i], &len))
			state->options[i] = -errno;
	}
	state->groups_len = sizeof(state->groups);
	sure(getsockopt(fd, SOL_NETLINK_, NETLINK_LIST_MEMBERSHIPS, state->groups,
			&state->groups_len));
	len = sizeof(int);
	sure(getsockopt(fd, SOL_SOCKET, SO_PASSCRED, &state->pass, &len));
	len = sizeof(int);
	sure(getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &state->rcvbuf, &len));
}

/* Asks for a device, once, without a list. */
static void ask(int fd, unsigned int type, unsigned int seq)
{
	struct {
		struct nlmsghdr head;
		struct ifinfomsg link;
	} request = {
		.head = { sizeof(request), type, NLM_F_REQUEST | NLM_F_ACK, seq, 0 },
		.link = { .ifi_family = AF_UNSPEC, .ifi_index = 1 },
	};

	/* Who says where to is not asked who has opened the socket. */
	sure(send(fd, &request, sizeof(request), 0));
}

static unsigned int seq_of(const struct taken *taken)
{
	return ((const struct nlmsghdr *)taken->data)->nlmsg_seq;
}

static int error_of(const struct taken *taken)
{
	const struct nlmsghdr *head = (const void *)taken->data;

	return head->nlmsg_type == NLMSG_ERROR ?
		       ((const struct nlmsgerr *)NLMSG_DATA(head))->error : 1;
}

static void tell_group(int from, unsigned int group, unsigned int port, const char *text)
{
	struct sockaddr_nl to = { .nl_family = AF_NETLINK, .nl_pid = port,
				  .nl_groups = group ? 1U << (group - 1) : 0 };

	/* It goes to the kernel, too, which does not listen. */
	if (sendto(from, text, strlen(text), 0, (void *)&to, sizeof(to)) < 0 && port)
		expect(false, "to port %u: %s", port, strerror(errno));
}

/* As somebody who may not change devices, or tell audit anything. */
static int opened_without_rights(int protocol)
{
	struct __user_cap_header_struct head = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct all[2], some[2];
	int fd;

	sure((int)syscall(SYS_capget, &head, all));
	memcpy(some, all, sizeof(some));
	some[0].effective &= ~(1U << CAP_NET_ADMIN | 1U << CAP_AUDIT_WRITE);
	sure((int)syscall(SYS_capset, &head, some));
	fd = opened(SOCK_RAW, protocol);
	sure((int)syscall(SYS_capset, &head, all));
	return fd;
}

/* As PAM does, and dbus-daemon; whatever audit is set to, this is told those who listen. */
static void tell_audit(int fd, const char *text)
{
	struct {
		struct nlmsghdr head;
		char text[40];
	} message = { .head = { sizeof(message), AUDIT_USER_AVC, NLM_F_REQUEST | NLM_F_ACK, 15, 0 } };

	snprintf(message.text, sizeof(message.text), "%s", text);
	sure(send(fd, &message, sizeof(message), 0));
}

/* Whether that is what waits: others may tell audit something, too. */
static bool is_told(const struct taken *taken, const char *text)
{
	return taken->len > 0 && memmem(taken->data, taken->len, text, strlen(text));
}

/* Until that is what comes next, which a thread of the kernel tells. */
static void await_told(int fd, const char *text)
{
	struct taken taken;

	for (;;) {
		sure(poll(&(struct pollfd){ .fd = fd, .events = POLLIN }, 1, -1));
		taken = take(fd, MSG_PEEK);
		if (is_told(&taken, text))
			return;
		take(fd, 0);
	}
}

static int receiver(void *unused)
{
	char text[10] = "";

	(void)unused;
	expect_eq(recv(sleeping, text, sizeof(text), 0), 4, "recv of a netlink socket");
	expect(!strcmp(text, "wake"), "what it has received: \"%s\"", text);
	return 0;
}

static void make(void)
{
	struct sockaddr_nl to = { .nl_family = AF_NETLINK, .nl_pid = 70001 };

	fds[ROUTE] = bound_to(SOCK_RAW, NETLINK_ROUTE, 70000, RTMGRP_LINK | RTMGRP_IPV4_IFADDR);
	set(fds[ROUTE], NETLINK_ADD_MEMBERSHIP, HIGH_GROUP);
	set(fds[ROUTE], NETLINK_EXT_ACK, 1);
	set(fds[ROUTE], NETLINK_CAP_ACK, 1);
	set(fds[ROUTE], NETLINK_GET_STRICT_CHK, 1);
	set(fds[ROUTE], NETLINK_PKTINFO, 1);
	sure(setsockopt(fds[ROUTE], SOL_SOCKET, SO_RCVBUF, &(int){ 70000 }, sizeof(int)));
	fds[AUTO] = bound_to(SOCK_DGRAM, NETLINK_SOCK_DIAG, 0, 0);
	fds[UNBOUND] = opened(SOCK_RAW, NETLINK_USERSOCK);
	set(fds[UNBOUND], NETLINK_ADD_MEMBERSHIP, 3);
	fds[USER] = bound_to(SOCK_RAW, NETLINK_USERSOCK, 70001, 1 << 2);
	set(fds[USER], NETLINK_PKTINFO, 1);
	set(fds[USER], NETLINK_LISTEN_ALL_NSID, 1);
	set(fds[USER], NETLINK_NO_ENOBUFS, 1);
	set(fds[USER], NETLINK_BROADCAST_ERROR, 1);
	sure(setsockopt(fds[USER], SOL_SOCKET, SO_PASSCRED, &(int){ 1 }, sizeof(int)));
	fds[PEER] = bound_to(SOCK_RAW, NETLINK_USERSOCK, 70002, 0);
	sure(connect(fds[PEER], (void *)&to, sizeof(to)));
	fds[EVENTS] = bound_to(SOCK_DGRAM, NETLINK_KOBJECT_UEVENT, 0, 1);
	fds[FULL] = bound_to(SOCK_RAW, NETLINK_USERSOCK, 70003, 1 << 4);
	fds[WEAK] = opened_without_rights(NETLINK_ROUTE);
	fds[LISTENER] = bound_to(SOCK_RAW, NETLINK_AUDIT, 70005, 1 << (AUDIT_NLGRP_READLOG - 1));
	fds[AUDITED] = opened(SOCK_RAW, NETLINK_AUDIT);
	fds[WEAK_AUDITED] = opened_without_rights(NETLINK_AUDIT);
	sleeping = bound_to(SOCK_RAW, NETLINK_USERSOCK, 70004, 0);

	ask(fds[ROUTE], RTM_GETLINK, 11);
	ask(fds[ROUTE], RTM_NEWLINK, 12);
	tell_group(fds[PEER], 3, 70001, "to a group");
	sure(send(fds[PEER], "to a port", 9, 0));
	sure(setsockopt(fds[FULL], SOL_SOCKET, SO_RCVBUF, &(int){ 3000 }, sizeof(int)));
	for (int i = 0; i < 20; i++)
		tell_group(fds[PEER], 5, 0, "much");
	tell_audit(fds[AUDITED], "cr was here");
	await_told(fds[LISTENER], "cr was here");
}

/* What waits in a socket. */
static int receive_all(int fd, struct taken *all)
{
	int count = 0;

	while (count < MOST && (all[count] = take(fd, 0)).len >= 0)
		count++;
	return count;
}

int main(int argc, char **argv)
{
	static struct state before[SOCKETS], now;
	static struct taken all[MOST];
	char what[30];
	pid_t pid;
	int count, me = getpid();
	bool spoil;

	payload_begin(argc, argv);
	make();
	for (int i = 0; i < SOCKETS; i++)
		look(fds[i], &before[i]);
	pid = child(receiver, NULL);
	await_syscall(pid, SYS_recvfrom);

	spoil = pause_here();
	if (spoil) {
		set(fds[ROUTE], NETLINK_EXT_ACK, 0);
		set(fds[USER], NETLINK_DROP_MEMBERSHIP, 3);
		take(fds[USER], 0);
		set(fds[LISTENER], NETLINK_DROP_MEMBERSHIP, AUDIT_NLGRP_READLOG);
		take(fds[LISTENER], 0);
	}

	for (int i = 0; i < SOCKETS; i++) {
		snprintf(what, sizeof(what), "socket %d", i);
		look(fds[i], &now);
		expect(!memcmp(&now.name, &before[i].name, sizeof(now.name)), "%s: name", what);
		expect(!memcmp(&now.peer, &before[i].peer, sizeof(now.peer)), "%s: other end", what);
		expect(!memcmp(now.options, before[i].options, sizeof(now.options)), "%s: options", what);
		expect(!memcmp(now.groups, before[i].groups, sizeof(now.groups)), "%s: groups", what);
		expect_eq(now.groups_len, before[i].groups_len, "%s: room for groups", what);
		expect_eq(now.pass, before[i].pass, "%s: SO_PASSCRED", what);
		expect_eq(now.rcvbuf, before[i].rcvbuf, "%s: SO_RCVBUF", what);
	}

	count = receive_all(fds[ROUTE], all);
	expect_eq(count, 3, "what the kernel has told");
	expect(seq_of(&all[0]) == 11 && error_of(&all[0]) == 1, "the answer");
	expect(seq_of(&all[1]) == 11 && error_of(&all[1]) == 0, "that it was all");
	expect_eq(seq_of(&all[2]), 12, "and of the next");
	expect(all[0].from.nl_pid == 0 && all[0].from.nl_groups == 0, "from the kernel");

	count = receive_all(fds[USER], all);
	expect_eq(count, 2, "what another one has told");
	for (int i = 0; i < count; i++) {
		struct cmsghdr *head = (struct cmsghdr *)all[i].control;
		struct nl_pktinfo *info = (void *)CMSG_DATA(head);
		struct ucred *creds;

		expect_eq(all[i].from.nl_pid, 70002, "message %d: sender", i);
		expect_eq(all[i].from.nl_groups, i ? 0 : 4, "message %d: group", i);
		expect(head->cmsg_type == NETLINK_PKTINFO && info->group == (i ? 0 : 3),
		       "message %d: group of the packet", i);
		head = (void *)((char *)head + CMSG_ALIGN(head->cmsg_len));
		creds = (void *)CMSG_DATA(head);
		expect(all[i].control_len > sizeof(*head) && head->cmsg_type == SCM_CREDENTIALS &&
		       creds->pid == me && creds->uid == 0, "message %d: credentials", i);
		expect(!strcmp((char *)all[i].data, i ? "to a port" : "to a group"),
		       "message %d: \"%s\"", i, all[i].data);
	}
	count = receive_all(fds[UNBOUND], all);
	expect(count == 1 && !strcmp((char *)all[0].data, "to a group"), "of no port: %d", count);

	expect_eq(take(fds[FULL], 0).flags, ENOBUFS, "one that has lost some");
	expect_eq(take(fds[FULL], 0).len, 4, "and has others");
	tell_group(fds[PEER], 5, 0, "more");
	count = 1 + receive_all(fds[FULL], all);
	expect(count < MOST && strcmp((char *)all[count - 2].data, "more"), "no more come: %d", count);
	tell_group(fds[PEER], 5, 0, "after");
	expect_eq(take(fds[FULL], 0).len, 5, "until all are received");

	ask(fds[WEAK], RTM_NEWLINK, 13);
	all[0] = take(fds[WEAK], 0);
	expect_eq(error_of(&all[0]), -EPERM, "opened without rights");
	ask(fds[ROUTE], RTM_GETLINK, 14);
	all[0] = take(fds[ROUTE], 0);
	expect(seq_of(&all[0]) == 14 && error_of(&all[0]) == 1, "a new answer");
	all[0] = take(fds[LISTENER], 0);
	expect(is_told(&all[0], "cr was here"), "what audit was told: %zd", all[0].len);
	expect_eq(error_of((all[0] = take(fds[AUDITED], 0), all)), 0, "that it was told");
	tell_audit(fds[AUDITED], "cr is back");
	expect_eq(error_of((all[0] = take(fds[AUDITED], 0), all)), 0, "that it is told again");
	/* Who has left the group would wait for ever. */
	if (!spoil)
		await_told(fds[LISTENER], "cr is back");
	tell_audit(fds[WEAK_AUDITED], "cr is nobody");
	expect_eq(error_of((all[0] = take(fds[WEAK_AUDITED], 0), all)), -EPERM, "opened without rights for audit");
	tell_group(fds[PEER], 3, 70001, "again");
	expect_eq(take(fds[USER], 0).len, 5, "to a group");
	expect_eq(take(fds[UNBOUND], 0).len, 5, "to the other member");
	tell_group(fds[PEER], 0, 70004, "wake");
	reap(pid);
	return payload_end();
}
