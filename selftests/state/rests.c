// SPDX-License-Identifier: GPL-2.0
/*
 * Calls at sockets that are half done, and go on with the rest: all of a stream,
 * at least so much of it, several messages in both directions, one large message
 * in parts. They return what they would have without an interruption.
 */
#include "options.h"
#include "stream.h"
#include <stdlib.h>

#define MANY	500
/* More than the buffers of both ends grow to. */
#define BIG	(16 << 20)

enum {
	ALL, LEAST, READS, ALL_UNIX, LEAST_UNIX, READS_UNIX, DESCRIPTORS, CLOSED, MESSAGES, SENDS,
	PARTS, TO_UNIX, CUT, CUT_UNIX, NR
};

static bool is_unix(int which)
{
	return (which >= ALL_UNIX && which <= SENDS) || which == TO_UNIX || which == CUT_UNIX;
}

static int ours[NR], theirs[NR];

static int gets_all(void *arg)
{
	int which = *(int *)arg;
	unsigned char bytes[100];

	expect_eq(recv(theirs[which], bytes, 100, MSG_WAITALL), 100,
		  which == ALL ? "recv with MSG_WAITALL" : "recv with MSG_WAITALL of a Unix stream");
	expect(is_right(bytes, 0, 100), "all of it");
	return 0;
}

/* A read ends at a message with descriptors, also one that nobody has asked for. */
static int gets_part(void *arg)
{
	int which = *(int *)arg;
	unsigned char bytes[100];
	ssize_t n = recv(theirs[which], bytes, 100, MSG_WAITALL);

	expect_eq(n, which == CLOSED ? 40 : 70,
		  which == CLOSED ? "up to the end" : "up to a message with descriptors");
	expect(is_right(bytes, 0, n), "a part of it");
	if (which == DESCRIPTORS)
		expect_eq(recv(theirs[which], bytes, 100, 0), 30, "what is behind that");
	return 0;
}

static void supply_descriptor(int fd, size_t from, size_t len)
{
	unsigned char bytes[100];
	struct iovec part = { bytes, len };
	union {
		char room[CMSG_SPACE(sizeof(int))];
		struct cmsghdr head;
	} control = { .head = { CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS } };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control,
				  .msg_controllen = sizeof(control) };

	for (size_t i = 0; i < len; i++)
		bytes[i] = byte_at(from + i);
	memcpy(CMSG_DATA(&control.head), &fd, sizeof(fd));
	sure(sendmsg(fd, &message, 0));
}

/* It is woken by so much at once only, which is more than is missing. */
static int gets_least(void *arg)
{
	int which = *(int *)arg;
	unsigned char bytes[200];
	bool reads = which == READS || which == READS_UNIX;
	ssize_t n = reads ? read(theirs[which], bytes, 200) : recv(theirs[which], bytes, 200, 0);

	expect_eq(n, 100,
		  which == READS ? "read with SO_RCVLOWAT" :
		  which == LEAST ? "recv with SO_RCVLOWAT" :
		  which == READS_UNIX ? "read with SO_RCVLOWAT of a Unix stream" :
					"recv with SO_RCVLOWAT of a Unix stream");
	expect(is_right(bytes, 0, 100), "at least so much, and the rest");
	return 0;
}

static int gets_messages(void *unused)
{
	struct mmsghdr messages[4] = {};
	struct iovec parts[4];
	char text[4][10] = {};

	for (int i = 0; i < 4; i++) {
		parts[i] = (struct iovec){ text[i], sizeof(text[i]) };
		messages[i].msg_hdr = (struct msghdr){ .msg_iov = &parts[i], .msg_iovlen = 1 };
	}
	expect_eq(recvmmsg(theirs[MESSAGES], messages, 4, 0, NULL), 4, "recvmmsg");
	expect(!strcmp(text[0], "one") && !strcmp(text[1], "two") && !strcmp(text[2], "three") &&
	       !strcmp(text[3], "four"), "messages: %s %s %s %s", text[0], text[1], text[2], text[3]);
	expect(messages[1].msg_len == 3 && messages[3].msg_len == 4, "their lengths");
	(void)unused;
	return 0;
}

static int sends_messages(void *unused)
{
	static struct mmsghdr messages[MANY];
	static int numbers[MANY];
	struct iovec parts[MANY];

	for (int i = 0; i < MANY; i++) {
		numbers[i] = i;
		parts[i] = (struct iovec){ &numbers[i], sizeof(int) };
		messages[i].msg_hdr = (struct msghdr){ .msg_iov = &parts[i], .msg_iovlen = 1 };
	}
	expect_eq(sendmmsg(ours[SENDS], messages, MANY, 0), MANY, "sendmmsg");
	(void)unused;
	return 0;
}

static int sends_parts(void *arg)
{
	int which = *(int *)arg;
	unsigned char *bytes = malloc(BIG);
	struct iovec parts[] = { { bytes, 1000 }, { bytes + 1000, BIG - 1000 } };
	struct msghdr message = { .msg_iov = parts, .msg_iovlen = 2 };

	for (size_t i = 0; i < BIG; i++)
		bytes[i] = byte_at(i);
	expect_eq(sendmsg(ours[which], &message, MSG_NOSIGNAL), BIG,
		  which == PARTS ? "sendmsg over TCP" : "sendmsg to a Unix stream");
	return 0;
}

/* The other end is closed meanwhile, which is no reason for a signal yet. */
static int is_cut(void *arg)
{
	int which = *(int *)arg;
	char *bytes = calloc(1, BIG);
	ssize_t n;

	for (int i = CUT; i <= CUT_UNIX; i++)
		close(theirs[i]);
	n = write(ours[which], bytes, BIG);
	expect(n > 0 && n < BIG, "a write that is cut short: %zd", n);
	signal(SIGPIPE, SIG_IGN);
	expect(write(ours[which], bytes, 1) < 0, "the next one is told of it");
	return 0;
}

static pid_t start(int (*function)(void *), int which, long nr)
{
	pid_t pid = child(function, &which);

	await_syscall(pid, nr);
	return pid;
}

static void pair_up(int which, int family, int type, int listener)
{
	int pair[2];

	if (family == AF_UNIX) {
		sure(socketpair(AF_UNIX, type, 0, pair));
		ours[which] = pair[0];
		theirs[which] = pair[1];
		return;
	}
	ours[which] = connected(name_of(listener));
	theirs[which] = sure(accept(listener, NULL, NULL));
}

int main(int argc, char **argv)
{
	int listener, number, wrong = 0;
	pid_t pid[NR];

	payload_begin(argc, argv);
	listener = listening(AF_INET, 10);
	for (int i = 0; i < NR; i++)
		pair_up(i, is_unix(i) ? AF_UNIX : AF_INET,
			i == MESSAGES || i == SENDS ? SOCK_SEQPACKET : SOCK_STREAM, listener);
	for (int i = ALL; i <= CLOSED; i++) {
		if (i == LEAST || i == READS || i == LEAST_UNIX || i == READS_UNIX)
			set_option(theirs[i], SOL_SOCKET, SO_RCVLOWAT, 50);
		supply(ours[i], 0, 40);
	}
	sure(write(ours[MESSAGES], "one", 3));
	sure(write(ours[MESSAGES], "two", 3));
	pid[ALL] = start(gets_all, ALL, SYS_recvfrom);
	pid[LEAST] = start(gets_least, LEAST, SYS_recvfrom);
	pid[READS] = start(gets_least, READS, SYS_read);
	pid[ALL_UNIX] = start(gets_all, ALL_UNIX, SYS_recvfrom);
	pid[LEAST_UNIX] = start(gets_least, LEAST_UNIX, SYS_recvfrom);
	pid[READS_UNIX] = start(gets_least, READS_UNIX, SYS_read);
	pid[DESCRIPTORS] = start(gets_part, DESCRIPTORS, SYS_recvfrom);
	pid[CLOSED] = start(gets_part, CLOSED, SYS_recvfrom);
	pid[MESSAGES] = start(gets_messages, MESSAGES, SYS_recvmmsg);
	pid[SENDS] = start(sends_messages, SENDS, SYS_sendmmsg);
	pid[PARTS] = start(sends_parts, PARTS, SYS_sendmsg);
	pid[TO_UNIX] = start(sends_parts, TO_UNIX, SYS_sendmsg);
	pid[CUT] = start(is_cut, CUT, SYS_write);
	pid[CUT_UNIX] = start(is_cut, CUT_UNIX, SYS_write);
	for (int i = CUT; i <= CUT_UNIX; i++)
		close(ours[i]);

	if (pause_here())
		supply(ours[ALL], 41, 1);
	sleep_ms(100);
	for (int i = 0; i < NR; i++)
		expect_eq(task_state(pid[i]), 'S', "call %d still waits", i);
	for (int i = ALL; i <= READS_UNIX; i++)
		supply(ours[i], 40, i == LEAST_UNIX || i == READS_UNIX ? 5 : 60);
	/* A Unix stream wakes who gets less than that. */
	sleep_ms(100);
	expect_eq(task_state(pid[LEAST_UNIX]), 'S', "too little is no reason to return");
	supply(ours[LEAST_UNIX], 45, 55);
	supply(ours[READS_UNIX], 45, 55);
	supply_descriptor(ours[DESCRIPTORS], 40, 30);
	supply(ours[DESCRIPTORS], 70, 30);
	sure(shutdown(ours[CLOSED], SHUT_WR));
	sure(write(ours[MESSAGES], "three", 5));
	sure(write(ours[MESSAGES], "four", 4));
	for (int i = 0; i < MANY; i++)
		wrong += sure(read(theirs[SENDS], &number, sizeof(number))) != sizeof(number) || number != i;
	expect_eq(wrong, 0, "what sendmmsg has sent");
	expect(drained(theirs[PARTS], BIG), "what sendmsg has sent over TCP");
	expect(drained(theirs[TO_UNIX], BIG), "what sendmsg has sent to a Unix stream");
	for (int i = CUT; i <= CUT_UNIX; i++)
		close(theirs[i]);
	for (int i = 0; i < NR; i++)
		reap(pid[i]);
	return payload_end();
}
