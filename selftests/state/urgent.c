// SPDX-License-Identifier: GPL-2.0
/*
 * Urgent data (MSG_OOB) of TCP and of Unix streams: not received, received by itself,
 * in line; the mark, before it and at it; what signals it; after the end of the stream.
 */
#include "options.h"
#include <poll.h>
#include <sys/ioctl.h>

enum { PLAIN, DROPPED, AT_MARK, TAKEN, TAKEN_AT_MARK, INLINE, ENDED, CASES };

static const char *const kinds[] = { "TCP", "Unix" };
static const char *const cases[] = {
	"urgent", "urgent, dropped", "urgent, at the mark", "received", "received, at the mark", "in line", "ended",
};

static int fds[2][CASES], others[2][CASES];

static void reads(int fd, const char *wanted, const char *what)
{
	char text[30] = "";

	recv(fd, text, sizeof(text) - 1, MSG_DONTWAIT);
	expect(!strcmp(text, wanted), "%s: read \"%s\", wanted \"%s\"", what, text, wanted);
}

static void takes(int fd, int wanted, const char *what)
{
	char byte;
	int got = recv(fd, &byte, 1, MSG_OOB | MSG_DONTWAIT);

	expect_eq(got == 1 ? byte : -errno, wanted, "%s: MSG_OOB", what);
}

static void marked(int fd, int wanted, const char *what)
{
	int at = -1;

	sure(ioctl(fd, SIOCATMARK, &at));
	expect_eq(at, wanted, "%s: SIOCATMARK", what);
}

static void waits(int fd, int wanted, const char *what)
{
	struct pollfd poll_fd = { fd, POLLPRI, 0 };

	poll(&poll_fd, 1, 0);
	expect_eq(poll_fd.revents & POLLPRI, wanted, "%s: POLLPRI", what);
}

static void make_pair(int kind, int i)
{
	int pair[2];

	if (kind) {
		sure(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
		fds[kind][i] = pair[0];
		others[kind][i] = pair[1];
	} else {
		connect_pair(&fds[kind][i], &others[kind][i]);
	}
}

static void make(int kind, int i)
{
	struct pollfd poll_fd = { .events = POLLPRI };
	int fd, other;

	make_pair(kind, i);
	fd = fds[kind][i];
	other = others[kind][i];
	if (i == PLAIN)
		sure(fcntl(fd, F_SETOWN, getpid()));
	if (i == INLINE)
		set_option(fd, SOL_SOCKET, SO_OOBINLINE, 1);
	sure(send(other, "ab", 2, 0));
	sure(send(other, "!", 1, MSG_OOB));
	sure(send(other, "cd", 2, 0));
	poll_fd.fd = fd;
	poll(&poll_fd, 1, 2000);
	sleep_ms(20);
	if (i == AT_MARK || i == TAKEN_AT_MARK)
		reads(fd, "ab", "before");
	if (i == TAKEN || i == TAKEN_AT_MARK)
		takes(fd, '!', "before");
	if (i == ENDED)
		sure(close(other));
}

static void check(int kind, int i)
{
	bool taken = i == TAKEN || i == TAKEN_AT_MARK, at = i == AT_MARK || i == TAKEN_AT_MARK;
	int fd = fds[kind][i];
	char what[60];

	snprintf(what, sizeof(what), "%s, %s", kinds[kind], cases[i]);
	waits(fd, taken ? 0 : POLLPRI, what);
	if (!at) {
		marked(fd, 0, what);
		reads(fd, "ab", what);
	}
	marked(fd, 1, what);
	if (i == INLINE) {
		takes(fd, -EINVAL, what);
		reads(fd, "!cd", what);
		return;
	}
	if (i != DROPPED)
		takes(fd, taken ? -EINVAL : '!', what);
	reads(fd, "cd", what);
	waits(fd, 0, what);
	if (i == ENDED)
		expect_eq(recv(fd, what, 1, MSG_DONTWAIT), 0, "%s: the end", kinds[kind]);
}

/* A signal tells of what is urgent: the one that waits, and one for what comes. */
static void check_signals(const sigset_t *set, int kind)
{
	struct timespec none = { 0, 0 }, some = { 2, 0 };
	int fd = fds[kind][PLAIN];

	expect_eq(sigtimedwait(set, NULL, &none), -1, "%s: no signal", kinds[kind]);
	sure(send(others[kind][PLAIN], "?", 1, MSG_OOB));
	expect_eq(sigtimedwait(set, NULL, &some), SIGURG, "%s: a signal", kinds[kind]);
	takes(fd, '?', kinds[kind]);
}

int main(int argc, char **argv)
{
	struct timespec none = { 0, 0 };
	char byte;
	sigset_t set;

	payload_begin(argc, argv);
	set = block_signal(SIGURG);
	for (int kind = 0; kind < 2; kind++)
		for (int i = 0; i < CASES; i++)
			make(kind, i);
	if (pause_here()) {
		sure(recv(fds[0][PLAIN], &byte, 1, MSG_OOB));
		sure(recv(fds[1][DROPPED], &byte, 1, MSG_OOB));
	}
	expect_eq(sigtimedwait(&set, NULL, &none), SIGURG, "the signal that waits");
	for (int kind = 0; kind < 2; kind++) {
		for (int i = 0; i < CASES; i++)
			check(kind, i);
		check_signals(&set, kind);
	}
	return payload_end();
}
