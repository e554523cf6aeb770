// SPDX-License-Identifier: GPL-2.0
/*
 * Calls at streams that have a time-out (SO_RCVTIMEO, SO_SNDTIMEO) and are half done: they
 * go on with the rest for the time that is left, and return what they would have.
 */
#include "options.h"
#include "stream.h"
#include <sys/uio.h>

#define TIME_S		15
#define BEFORE_MS	8000
/* What the time may come to, ns: less than if it had begun again. */
#define ENOUGH		((TIME_S + 5) * SECOND)
/* More than the buffers of both ends grow to. */
#define BIG		(4 << 20)

enum { RECV, READ_LOW, READV_LOW, RECVMSG, SEND, WRITEV, SENDMSG };

static struct call {
	const char *what;
	int family, kind;
	/* Bytes that are there before and come later, of 100 that it wants. */
	int before, after;
} calls[] = {
	{ "all of TCP", AF_INET, RECV, 40, 60 },
	{ "all of TCP, nothing yet", AF_INET, RECV, 0, 100 },
	{ "all of TCP, too late", AF_INET, RECV, 40, 0 },
	{ "all of TCP, nothing at all", AF_INET, RECV, 0, 0 },
	{ "all of a Unix stream", AF_UNIX, RECV, 40, 60 },
	{ "all of a Unix stream, nothing yet", AF_UNIX, RECV, 0, 100 },
	{ "all of a Unix stream, too late", AF_UNIX, RECV, 40, 0 },
	{ "all of a Unix stream, nothing at all", AF_UNIX, RECV, 0, 0 },
	{ "at least so much of TCP", AF_INET, READ_LOW, 40, 60 },
	{ "at least so much of a Unix stream", AF_UNIX, READ_LOW, 40, 60 },
	{ "at least so much of TCP in parts", AF_INET, READV_LOW, 40, 60 },
	{ "at least so much of a Unix stream in parts", AF_UNIX, READV_LOW, 40, 60 },
	{ "recvmsg of TCP", AF_INET, RECVMSG, 40, 60 },
	{ "recvmsg of a Unix stream", AF_UNIX, RECVMSG, 40, 60 },
	{ "recvmsg of a Unix stream, too late", AF_UNIX, RECVMSG, 40, 0 },
	{ "send to TCP", AF_INET, SEND, 0, 1 },
	{ "send to a Unix stream", AF_UNIX, SEND, 0, 1 },
	{ "send to TCP, too late", AF_INET, SEND, 0, 0 },
	{ "send to a Unix stream, too late", AF_UNIX, SEND, 0, 0 },
	{ "writev to TCP", AF_INET, WRITEV, 0, 1 },
	{ "sendmsg to a Unix stream", AF_UNIX, SENDMSG, 0, 1 },
};

static struct {
	int ours, theirs;
	pid_t pid;
} made[ARRAY_SIZE(calls)];

static const long numbers[] = {
	[RECV] = SYS_recvfrom, [READ_LOW] = SYS_read, [READV_LOW] = SYS_readv,
	[RECVMSG] = SYS_recvmsg, [SEND] = SYS_sendto, [WRITEV] = SYS_writev, [SENDMSG] = SYS_sendmsg,
};

static unsigned char *bytes;

static bool sends(const struct call *call)
{
	return call->kind >= SEND;
}

static ssize_t issue(int i)
{
	const struct call *call = &calls[i];
	size_t len = sends(call) ? BIG : 100;
	struct iovec parts[] = { { bytes, 30 }, { bytes + 30, len - 30 } };
	struct msghdr message = { .msg_iov = parts, .msg_iovlen = 2 };

	switch (call->kind) {
	case RECV:
		return recv(made[i].theirs, bytes, len, MSG_WAITALL);
	case READ_LOW:
		return read(made[i].theirs, bytes, len);
	case READV_LOW:
		return readv(made[i].theirs, parts, 2);
	case RECVMSG:
		return recvmsg(made[i].theirs, &message, MSG_WAITALL);
	case SEND:
		return send(made[i].theirs, bytes, len, MSG_NOSIGNAL);
	case WRITEV:
		return writev(made[i].theirs, parts, 2);
	default:
		return sendmsg(made[i].theirs, &message, 0);
	}
}

static int does(void *arg)
{
	int which = *(int *)arg;
	const struct call *call = &calls[which];
	int wanted = call->before + call->after, wrong = 0;
	long long took, begin = now_ns(CLOCK_MONOTONIC);
	ssize_t n;
	int error;

	bytes = map_anon(BIG, MAP_PRIVATE);
	for (size_t i = 0; sends(call) && i < BIG; i++)
		bytes[i] = byte_at(i);
	n = issue(which);
	error = errno;
	took = now_ns(CLOCK_MONOTONIC) - begin;
	/* It stays, for who compares containers. */
	await_go();
	if (sends(call))
		expect(call->after ? n == BIG : n > 0 && n < BIG, "%s: %zd", call->what, n);
	else if (wanted)
		expect_eq(n, wanted, "%s", call->what);
	else
		expect(n == -1 && error == EAGAIN, "%s: %zd, %s", call->what, n, strerror(error));
	for (ssize_t i = 0; !sends(call) && i < n; i++)
		wrong += bytes[i] != byte_at(i);
	expect_eq(wrong, 0, "%s: what it got", call->what);
	if (!call->after && !(sends(call) && call->family == AF_UNIX))
		expect(took >= (TIME_S - 1) * SECOND && took < ENOUGH * patience(),
		       "%s: after %lld ms", call->what, took / MS);
	return 0;
}

static void make(int i, int listener)
{
	const struct call *call = &calls[i];
	struct timeval time = { call->after ? 1000 : TIME_S, 0 };
	int pair[2];

	if (call->family == AF_UNIX) {
		sure(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
		made[i].ours = pair[0];
		made[i].theirs = pair[1];
	} else {
		made[i].ours = connected(name_of(listener));
		made[i].theirs = sure(accept(listener, NULL, NULL));
	}
	sure(setsockopt(made[i].theirs, SOL_SOCKET, sends(call) ? SO_SNDTIMEO : SO_RCVTIMEO, &time,
			sizeof(time)));
	if (call->kind == READ_LOW || call->kind == READV_LOW)
		/* TCP is woken by so much at once only. */
		set_option(made[i].theirs, SOL_SOCKET, SO_RCVLOWAT, 50);
	supply(made[i].ours, 0, call->before);
	made[i].pid = child(does, &i);
	await_syscall(made[i].pid, numbers[call->kind]);
}

int main(int argc, char **argv)
{
	const int nr = ARRAY_SIZE(calls);
	int listener;

	payload_begin(argc, argv);
	listener = listening(AF_INET, 10);
	for (int i = 0; i < nr; i++)
		make(i, listener);
	sleep_ms(BEFORE_MS);
	if (pause_here())
		supply(made[0].ours, 41, 1);
	for (int i = 0; i < nr; i++)
		if (calls[i].after)
			expect_eq(task_state(made[i].pid), 'S', "%s: it waits", calls[i].what);
	for (int i = 0; i < nr; i++) {
		if (!sends(&calls[i]))
			supply(made[i].ours, calls[i].before, calls[i].after);
		else if (calls[i].after)
			expect(drained(made[i].ours, BIG), "%s: what it has sent", calls[i].what);
	}
	for (int i = 0; i < nr; i++)
		reap(made[i].pid);
	return payload_end();
}
