// SPDX-License-Identifier: GPL-2.0
/*
 * Pipes between processes: content, blocked readers and writers, size, ends
 * that are closed.
 */
#include "payload.h"
#include <sys/ioctl.h>

#define BIG	(1 << 20)

static int to_reader[2], from_writer[2], shared[2];

static void fill(int fd, size_t from, size_t len)
{
	/* Whole pages, so that the pipe has no gaps. */
	unsigned char buf[PAGE];

	while (len) {
		size_t n = len < sizeof(buf) ? len : sizeof(buf);

		for (size_t i = 0; i < n; i++)
			buf[i] = byte_at(from + i);
		sure(write(fd, buf, n));
		from += n;
		len -= n;
	}
}

/* Read to the end; all of it must be the pattern. Returns how much it was. */
static long drain(int fd)
{
	unsigned char buf[3000];
	size_t at = 0;
	ssize_t n;

	while ((n = read(fd, buf, sizeof(buf))) > 0)
		for (ssize_t i = 0; i < n; i++)
			if (buf[i] != byte_at(at++))
				return -(long)at;
	return n < 0 ? -errno : (long)at;
}

static int waiting(int fd)
{
	int n = -1;

	ioctl(fd, FIONREAD, &n);
	return n;
}

static int blocked_reader(void *unused)
{
	char buf[32] = "";

	close(to_reader[1]);
	tell("reader");
	expect_eq(read(to_reader[0], buf, 32), 5, "blocked reader");
	expect(!strcmp(buf, "hello"), "what it read: %s", buf);
	expect_eq(read(to_reader[0], buf, 32), 0, "blocked reader: end");
	(void)unused;
	return 0;
}

/* The pipe is full: nothing of it has been written. */
static int blocked_writer(void *unused)
{
	unsigned char data[200];

	close(to_reader[1]);
	close(from_writer[0]);
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = byte_at(65536 + i);
	tell("writer");
	expect_eq(write(from_writer[1], data, sizeof(data)), sizeof(data), "blocked writer");
	(void)unused;
	return 0;
}

static int other_end(void *unused)
{
	close(to_reader[1]);
	close(from_writer[0]);
	close(shared[0]);
	tell("other end");
	await_go();
	await("parent has read");
	expect_eq(write(shared[1], "more", 4), 4, "write to what the parent reads");
	(void)unused;
	return 0;
}

int main(int argc, char **argv)
{
	int full[2], big[2], closed[2], broken[2], nonblock[2];
	pid_t pid[3];
	char buf[64] = "";
	long n;

	payload_begin(argc, argv);
	signal(SIGPIPE, SIG_IGN);
	sure(pipe(to_reader));
	pid[0] = child(blocked_reader, NULL);
	close(to_reader[0]);
	sure(pipe(from_writer));
	fill(from_writer[1], 0, 65536);
	pid[1] = child(blocked_writer, NULL);
	close(from_writer[1]);
	sure(pipe(shared));
	sure(write(shared[1], "content", 7));
	pid[2] = child(other_end, NULL);
	close(shared[1]);

	sure(pipe(full));
	fill(full[1], 0, 65536);
	sure(pipe(big));
	sure(fcntl(big[1], F_SETPIPE_SZ, BIG));
	fill(big[1], 0, 300000);
	sure(pipe(closed));
	fill(closed[1], 0, 100);
	close(closed[1]);
	sure(pipe(broken));
	close(broken[0]);
	sure(pipe2(nonblock, O_NONBLOCK | O_CLOEXEC));
	await("reader");
	await("writer");
	await("other end");
	await_syscall(pid[0], SYS_read);
	await_syscall(pid[1], SYS_write);

	if (pause_here())
		sure(read(full[0], buf, 1));
	expect_eq(task_state(pid[0]), 'S', "the reader waits");
	expect_eq(task_state(pid[1]), 'S', "the writer waits");
	expect_eq(write(to_reader[1], "hello", 5), 5, "write to a blocked reader");
	sleep_ms(20);
	close(to_reader[1]);
	reap(pid[0]);
	expect_eq(drain(from_writer[0]), 65536 + 200, "all that the blocked writer wrote");
	reap(pid[1]);

	expect_eq(waiting(full[0]), 65536, "bytes in a full pipe");
	fcntl(full[1], F_SETFL, O_NONBLOCK);
	expect_errno(write(full[1], "x", 1), EAGAIN, "it is full");
	close(full[1]);
	expect_eq(drain(full[0]), 65536, "content of a full pipe");

	expect_eq(fcntl(big[0], F_GETPIPE_SZ), BIG, "size of an enlarged pipe");
	expect_eq(waiting(big[0]), 300000, "bytes in it");
	fill(big[1], 300000, 400000);
	close(big[1]);
	expect_eq(drain(big[0]), 700000, "content of it, and more");

	expect_eq(drain(closed[0]), 100, "content of a pipe without writer, and the end");
	expect_errno(write(broken[1], "x", 1), EPIPE, "pipe without reader");
	expect_errno(read(nonblock[0], buf, 1), EAGAIN, "O_NONBLOCK");
	expect_eq(fcntl(nonblock[0], F_GETFD), FD_CLOEXEC, "O_CLOEXEC");

	n = read(shared[0], buf, sizeof(buf));
	expect(n == 7 && !memcmp(buf, "content", 7), "content from another process");
	tell("parent has read");
	n = read(shared[0], buf, sizeof(buf));
	expect(n == 4 && !memcmp(buf, "more", 4), "and what it writes now");
	reap(pid[2]);
	expect_eq(read(shared[0], buf, 1), 0, "and its end");
	return payload_end();
}
