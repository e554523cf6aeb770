// SPDX-License-Identifier: GPL-2.0
/*
 * Pairs of Unix sockets: what waits in them, ends that are closed or shut down,
 * who waits for data and for room.
 */
#include "payload.h"
#include <sys/ioctl.h>
#include <sys/socket.h>

#define BIG	(1 << 20)

static int streams[2], datagrams[2], sequence[2], to_child[2], full[2];

static void put(int fd, const char *text)
{
	sure(send(fd, text, strlen(text), 0));
}

/* The next message, or all that is there of a stream. */
static void comes(int fd, const char *wanted, const char *what)
{
	char got[200] = "";
	ssize_t n = recv(fd, got, sizeof(got) - 1, MSG_DONTWAIT);

	expect(n == (ssize_t)strlen(wanted) && !strcmp(got, wanted), "%s: \"%s\" (%zd), wanted \"%s\"",
	       what, got, n, wanted);
}

static void nothing_comes(int fd, int error, const char *what)
{
	char byte;

	expect_errno(recv(fd, &byte, 1, MSG_DONTWAIT), error, what);
}

static int reader(void *unused)
{
	char got[32] = "";

	(void)unused;
	close(to_child[0]);
	tell("reader");
	expect_eq(read(to_child[1], got, sizeof(got)), 5, "bytes for who waited for them");
	expect(!strcmp(got, "later"), "what they are: \"%s\"", got);
	put(to_child[1], "thanks");
	return 0;
}

static int writer(void *how)
{
	unsigned char *bytes = malloc(BIG);
	ssize_t n;

	close(full[0]);
	for (size_t i = 0; i < BIG; i++)
		bytes[i] = byte_at(i);
	tell("writer");
	n = how ? send(full[1], bytes, BIG, 0) : write(full[1], bytes, BIG);
	expect_eq(n, BIG, "bytes written by who waited for room");
	close(full[1]);
	return 0;
}

static long drain(void)
{
	unsigned char bytes[3000];
	size_t at = 0;
	ssize_t n;

	while ((n = read(full[0], bytes, sizeof(bytes))) > 0)
		for (ssize_t i = 0; i < n; i++, at++)
			if (bytes[i] != byte_at(at))
				return -(long)at;
	return n ? -errno : (long)at;
}

static void peers_gone(int pair[2], int type, bool unread)
{
	sure(socketpair(AF_UNIX, type, 0, pair));
	put(pair[0], "last words");
	if (unread)
		put(pair[1], "never read");
	close(pair[0]);
	pair[0] = -1;
}

int main(int argc, char **argv)
{
	int gone[2], reset[2], lost[2], half[2], error, n, sndbuf = 300000;
	socklen_t len = sizeof(error);
	struct stat before, after;
	pid_t waits, blocked;
	char got[16];

	payload_begin(argc, argv);
	sure(socketpair(AF_UNIX, SOCK_STREAM, 0, streams));
	put(streams[0], "one two");
	put(streams[0], " three");
	sure(read(streams[1], got, 4));
	put(streams[1], "back");

	sure(socketpair(AF_UNIX, SOCK_DGRAM, 0, datagrams));
	put(datagrams[0], "first");
	put(datagrams[0], "");
	put(datagrams[0], "third");
	put(datagrams[1], "answer");

	sure(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, sequence));
	put(sequence[1], "a");
	put(sequence[1], "bc");

	peers_gone(gone, SOCK_STREAM, false);
	peers_gone(reset, SOCK_STREAM, true);
	peers_gone(lost, SOCK_DGRAM, false);

	sure(socketpair(AF_UNIX, SOCK_STREAM, 0, half));
	put(half[0], "before the end");
	sure(shutdown(half[0], SHUT_WR));

	sure(setsockopt(streams[0], SOL_SOCKET, SO_SNDBUF, &sndbuf, sizeof(sndbuf)));
	sure(fchown(streams[0], 12, 34));

	sure(socketpair(AF_UNIX, SOCK_STREAM, 0, to_child));
	sure(socketpair(AF_UNIX, SOCK_STREAM, 0, full));
	waits = child(reader, NULL);
	close(to_child[1]);
	/* By send(2) in one run out of two. */
	blocked = child(writer, getpid() & 1 ? (void *)1 : NULL);
	close(full[1]);
	await("reader");
	await_syscall(waits, SYS_read);
	await("writer");
	while (task_state(blocked) != 'S')
		sleep_ms(5);
	sure(ioctl(full[0], FIONREAD, &n));
	sure(fstat(streams[0], &before));

	if (pause_here()) {
		sure(read(streams[1], got, 1));
		sure(recv(datagrams[1], got, sizeof(got), 0));
	}

	comes(streams[1], "two three", "rest of a stream");
	comes(streams[0], "back", "the other direction");
	nothing_comes(streams[1], EAGAIN, "nothing more");
	put(streams[0], "still there");
	comes(streams[1], "still there", "still connected");
	sure(fstat(streams[0], &after));
	expect(after.st_uid == 12 && after.st_gid == 34 && after.st_mode == before.st_mode,
	       "owner of a socket: %d:%d %o", after.st_uid, after.st_gid, after.st_mode);

	comes(datagrams[1], "first", "a datagram");
	expect_eq(recv(datagrams[1], got, sizeof(got), MSG_DONTWAIT), 0, "an empty datagram");
	comes(datagrams[1], "third", "the third datagram");
	nothing_comes(datagrams[1], EAGAIN, "no fourth one");
	comes(datagrams[0], "answer", "a datagram back");

	expect(fcntl(sequence[0], F_GETFL) & O_NONBLOCK, "O_NONBLOCK");
	comes(sequence[0], "a", "a packet of a sequence");
	comes(sequence[0], "bc", "the next packet of a sequence");

	comes(gone[1], "last words", "what one has sent that is gone");
	expect_eq(recv(gone[1], got, 1, 0), 0, "then the end");
	expect_errno(send(gone[1], "x", 1, MSG_NOSIGNAL), EPIPE, "a write to one that is gone");
	sure(getsockopt(reset[1], SOL_SOCKET, SO_ERROR, &error, &len));
	expect_eq(error, ECONNRESET, "one that is gone had not read all");
	comes(reset[1], "last words", "the same: what it has sent");
	comes(lost[1], "last words", "the last datagram of one that is gone");
	expect_errno(send(lost[1], "x", 1, 0), ECONNREFUSED, "a datagram to one that is gone");

	comes(half[1], "before the end", "before it was shut down");
	expect_eq(recv(half[1], got, 1, 0), 0, "shut down");
	put(half[1], "only one direction");
	comes(half[0], "only one direction", "the other direction is not");
	expect_errno(send(half[0], "x", 1, MSG_NOSIGNAL), EPIPE, "a write when it is shut down");

	put(to_child[0], "later");
	while (recv(to_child[0], got, 6, MSG_PEEK | MSG_DONTWAIT) < 0)
		sleep_ms(5);
	comes(to_child[0], "thanks", "an answer of who waited");
	reap(waits);
	expect(n > 0 && n < BIG, "a write was half done: %d bytes", n);
	expect_eq(drain(), BIG, "bytes of a write that was half done");
	reap(blocked);
	return payload_end();
}
