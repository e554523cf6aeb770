// SPDX-License-Identifier: GPL-2.0
/*
 * System calls of 32-bit programs that are half done, and go on with the rest: they return what they
 * would have without an interruption.
 */
#include "int80.h"
#include "options.h"
#include "stream.h"
#include <termios.h>

#define TIME_S		15
#define BEFORE_MS	8000
/* What the time may come to, ns: less than if it had begun again. */
#define ENOUGH		((TIME_S + 5) * SECOND)
/* More than the buffers of both ends grow to. */
#define BIG		(4 << 20)
#define MANY		500

enum {
	RECV_UNIX, RECV_TCP, RECVMSG, TOO_LATE, LOW_MARK, PIPE, PIPE_PARTS, SENDS, SENDMSG,
	MESSAGES, MESSAGES_BY_SOCKETCALL, MANY_MESSAGES, TERMINAL, NR
};

static int ours[NR], theirs[NR];

/* Where arguments and data are. */
static struct low {
	uint32_t args[6];
	struct message32 message;
	struct iovec32 parts[2];
	struct message32_of_many many[MANY];
	struct iovec32 of_many[MANY];
	uint32_t number[MANY];
	unsigned char bytes[BIG];
} *low;

static uint32_t message(uint32_t len)
{
	low->parts[0] = (struct iovec32){ low_address(low->bytes), 30 };
	low->parts[1] = (struct iovec32){ low_address(low->bytes + 30), len - 30 };
	low->message = (struct message32){ .iov = low_address(low->parts), .iov_len = 2 };
	return low_address(&low->message);
}

/* So many messages of one number each. */
static uint32_t messages(int nr)
{
	for (int i = 0; i < nr; i++) {
		low->of_many[i] = (struct iovec32){ low_address(&low->number[i]), 4 };
		low->many[i].head = (struct message32){
			.iov = low_address(&low->of_many[i]), .iov_len = 1,
		};
	}
	return low_address(low->many);
}

static long issue(int i)
{
	uint32_t bytes = low_address(low->bytes), fd = theirs[i];
	uint32_t recv[] = { fd, bytes, 100, MSG_WAITALL }, recvmmsg[] = { fd, messages(4), 4, 0, 0 };

	switch (i) {
	case RECV_UNIX:
	case TOO_LATE:
		memcpy(low->args, recv, sizeof(recv));
		return int80(CALL32_SOCKETCALL, SOCKETCALL_RECV, low_address(low->args), 0, 0, 0);
	case RECV_TCP:
		return int80(CALL32_RECVFROM, fd, bytes, 100, MSG_WAITALL, 0);
	case RECVMSG:
		return int80(CALL32_RECVMSG, fd, message(100), MSG_WAITALL, 0, 0);
	case LOW_MARK:
	case TERMINAL:
		return int80(CALL32_READ, fd, bytes, 100, 0, 0);
	case PIPE:
	case SENDS:
		return int80(CALL32_WRITE, fd, bytes, BIG, 0, 0);
	case PIPE_PARTS:
		message(BIG);
		return int80(CALL32_WRITEV, fd, low_address(low->parts), 2, 0, 0);
	case SENDMSG:
		return int80(CALL32_SENDMSG, fd, message(BIG), MSG_NOSIGNAL, 0, 0);
	case MESSAGES:
		return int80(CALL32_RECVMMSG, fd, messages(4), 4, 0, 0);
	case MESSAGES_BY_SOCKETCALL:
		memcpy(low->args, recvmmsg, sizeof(recvmmsg));
		return int80(CALL32_SOCKETCALL, SOCKETCALL_RECVMMSG, low_address(low->args), 0, 0, 0);
	default:
		for (int n = 0; n < MANY; n++)
			low->number[n] = n;
		return int80(CALL32_SENDMMSG, fd, messages(MANY), MANY, 0, 0);
	}
}

static const struct {
	const char *what;
	int nr, wanted;
} calls[NR] = {
	[RECV_UNIX] = { "all of a Unix stream by socketcall(2)", CALL32_SOCKETCALL, 100 },
	[RECV_TCP] = { "all of TCP", CALL32_RECVFROM, 100 },
	[RECVMSG] = { "recvmsg of a Unix stream", CALL32_RECVMSG, 100 },
	[TOO_LATE] = { "all of a Unix stream, too late", CALL32_SOCKETCALL, 40 },
	[LOW_MARK] = { "at least so much of TCP", CALL32_READ, 100 },
	[PIPE] = { "write to a pipe", CALL32_WRITE, BIG },
	[PIPE_PARTS] = { "writev to a pipe", CALL32_WRITEV, BIG },
	[SENDS] = { "write to a Unix stream with a time-out", CALL32_WRITE, BIG },
	[SENDMSG] = { "sendmsg to a Unix stream", CALL32_SENDMSG, BIG },
	[MESSAGES] = { "recvmmsg", CALL32_RECVMMSG, 4 },
	[MESSAGES_BY_SOCKETCALL] = { "recvmmsg by socketcall(2)", CALL32_SOCKETCALL, 4 },
	[MANY_MESSAGES] = { "sendmmsg", CALL32_SENDMMSG, MANY },
	[TERMINAL] = { "read of a terminal with VMIN", CALL32_READ, 60 },
};

static bool is_datagram(int i)
{
	return i == MESSAGES || i == MESSAGES_BY_SOCKETCALL || i == MANY_MESSAGES;
}

static bool writes(int i)
{
	return i == PIPE || i == PIPE_PARTS || i == SENDS || i == SENDMSG;
}

static int does(void *arg)
{
	int i = *(int *)arg;
	long long took, begin = now_ns(CLOCK_MONOTONIC);
	int wrong = 0;
	long n;

	low = map_anon(sizeof(*low), MAP_PRIVATE | MAP_32BIT);
	for (size_t at = 0; writes(i) && at < BIG; at++)
		low->bytes[at] = byte_at(at);
	n = issue(i);
	took = now_ns(CLOCK_MONOTONIC) - begin;
	/* It stays, for who compares containers. */
	await_go();
	expect_eq(n, calls[i].wanted, "%s", calls[i].what);
	if (!writes(i) && !is_datagram(i))
		expect(is_right(low->bytes, 0, n), "%s: what it got", calls[i].what);
	for (int at = 0; is_datagram(i) && at < n; at++)
		wrong += low->number[at] != (uint32_t)at || low->many[at].len != 4;
	expect_eq(wrong, 0, "%s: messages", calls[i].what);
	if (i == TOO_LATE)
		expect(took >= (TIME_S - 1) * SECOND && took < ENOUGH * patience(),
		       "%s: after %lld ms", calls[i].what, took / MS);
	return 0;
}

static void give(int i, int from, int to)
{
	for (uint32_t n = from; is_datagram(i) && n < (uint32_t)to; n++)
		sure(send(ours[i], &n, 4, 0));
	if (!is_datagram(i))
		supply(ours[i], from, to - from);
}

static void set_time(int fd, int option, int seconds)
{
	struct timeval time = { seconds, 0 };

	sure(setsockopt(fd, SOL_SOCKET, option, &time, sizeof(time)));
}

static void make_terminal(void)
{
	struct termios t;

	ours[TERMINAL] = sure(posix_openpt(O_RDWR | O_NOCTTY));
	sure(unlockpt(ours[TERMINAL]));
	theirs[TERMINAL] = sure(open(ptsname(ours[TERMINAL]), O_RDWR | O_NOCTTY));
	sure(tcgetattr(theirs[TERMINAL], &t));
	cfmakeraw(&t);
	t.c_cc[VMIN] = 60;
	sure(tcsetattr(theirs[TERMINAL], TCSANOW, &t));
}

static void make(int i, int listener)
{
	int pair[2];

	switch (i) {
	case RECV_TCP:
	case LOW_MARK:
		ours[i] = connected(name_of(listener));
		theirs[i] = sure(accept(listener, NULL, NULL));
		break;
	case PIPE:
	case PIPE_PARTS:
		sure(pipe(pair));
		ours[i] = pair[0];
		theirs[i] = pair[1];
		break;
	case TERMINAL:
		make_terminal();
		break;
	default:
		sure(socketpair(AF_UNIX, is_datagram(i) ? SOCK_DGRAM : SOCK_STREAM, 0, pair));
		ours[i] = pair[0];
		theirs[i] = pair[1];
	}
	if (i == LOW_MARK)
		/* It is woken by so much at once only. */
		set_option(theirs[i], SOL_SOCKET, SO_RCVLOWAT, 50);
	if (i == TOO_LATE)
		set_time(theirs[i], SO_RCVTIMEO, TIME_S);
	if (i == SENDS)
		set_time(theirs[i], SO_SNDTIMEO, 1000);
}

int main(int argc, char **argv)
{
	pid_t pid[NR];
	int listener;

	payload_begin(argc, argv);
	listener = listening(AF_INET, 10);
	for (int i = 0; i < NR; i++) {
		make(i, listener);
		if (!writes(i) && i != MANY_MESSAGES)
			give(i, 0, is_datagram(i) ? 2 : 40);
		pid[i] = child(does, &i);
		await_syscall(pid[i], calls[i].nr);
	}
	sleep_ms(BEFORE_MS);
	if (pause_here())
		supply(ours[RECV_UNIX], 41, 1);
	for (int i = 0; i < NR; i++) {
		if (i == TOO_LATE)
			continue;
		expect_eq(task_state(pid[i]), 'S', "%s: it waits", calls[i].what);
		if (writes(i))
			expect(drained(ours[i], BIG), "%s: what it has written", calls[i].what);
		else if (i != MANY_MESSAGES)
			give(i, is_datagram(i) ? 2 : 40, calls[i].wanted);
	}
	for (uint32_t n = 0, got; n < MANY; n++)
		if (recv(ours[MANY_MESSAGES], &got, 4, 0) != 4 || got != n)
			expect(false, "sendmmsg: message %u is %u", n, got);
	for (int i = 0; i < NR; i++)
		reap(pid[i]);
	return payload_end();
}
