// SPDX-License-Identifier: GPL-2.0
/*
 * Pipes in packet mode: a read gets one packet and no more, what it does not
 * take of it is lost, and packets and a stream may be in one pipe.
 */
#include "payload.h"

static int blocking[2], half[2];

static long get(int fd, size_t most)
{
	char buf[8192];

	return read(fd, buf, most);
}

static int reader(void *unused)
{
	close(blocking[1]);
	expect_eq(get(blocking[0], 100), 5, "a blocked reader gets a packet");
	expect_eq(get(blocking[0], 100), 7, "and the next");
	expect_eq(get(blocking[0], 100), 0, "and the end");
	(void)unused;
	return 0;
}

/* Three packets of the five that it becomes fit. */
static int writer(void *unused)
{
	static char data[4 * PAGE + 100];

	close(half[0]);
	close(blocking[1]);
	expect_eq(write(half[1], data, sizeof(data)), sizeof(data), "a write half done");
	(void)unused;
	return 0;
}

/* The same in a pipe without a name and in a fifo. */
static void put(int fd)
{
	sure(write(fd, "one", 3));
	sure(write(fd, "three", 5));
	sure(fcntl(fd, F_SETFL, 0));
	sure(write(fd, "stream", 6));
	sure(write(fd, " of two", 7));
	sure(fcntl(fd, F_SETFL, O_DIRECT));
	sure(write(fd, "end", 3));
}

static void take(int fd, const char *name)
{
	expect_eq(get(fd, 2), 2, "%s: a part of the first packet", name);
	expect_eq(get(fd, 100), 5, "%s: the second packet", name);
	expect_eq(get(fd, 100), 16, "%s: a stream, and the packet after it", name);
}

int main(int argc, char **argv)
{
	int mixed[2], full[2], fifo;
	bool spoil;
	pid_t pid[2];

	payload_begin(argc, argv);
	sure(pipe2(blocking, O_DIRECT));
	sure(pipe2(half, O_DIRECT));
	sure(fcntl(half[1], F_SETPIPE_SZ, 4 * PAGE));
	sure(write(half[1], "first", 5));
	pid[0] = child(reader, NULL);
	pid[1] = child(writer, NULL);
	close(blocking[0]);
	close(half[1]);

	sure(pipe2(mixed, O_DIRECT));
	put(mixed[1]);
	sure(pipe2(full, O_DIRECT | O_NONBLOCK));
	while (write(full[1], "x", 1) == 1)
		;
	sure(mkfifo(file_at("fifo"), 0600));
	fifo = sure(open(file_at("fifo"), O_RDWR));
	sure(fcntl(fifo, F_SETFL, O_DIRECT));
	put(fifo);
	await_syscall(pid[0], SYS_read);
	await_syscall(pid[1], SYS_write);

	spoil = pause_here();
	if (spoil)
		fcntl(full[1], F_SETFL, O_NONBLOCK);
	sure(write(blocking[1], "five.", 5));
	sure(write(blocking[1], "seven..", 7));
	close(blocking[1]);
	reap(pid[0]);

	expect_eq(get(half[0], 8192), 5, "what was in a full pipe");
	for (int i = 0; i < 4; i++)
		expect_eq(get(half[0], 8192), PAGE, "packet %d of a large write", i);
	expect_eq(get(half[0], 8192), 100, "its last packet");
	expect_eq(get(half[0], 8192), 0, "it was all");
	reap(pid[1]);

	take(mixed[0], "pipe");
	take(fifo, "fifo");
	expect_eq(fcntl(mixed[1], F_GETFL), O_WRONLY | O_DIRECT, "flags of the end to write to");
	expect_eq(fcntl(mixed[0], F_GETFL), O_RDONLY, "flags of the end to read from");
	expect_eq(fcntl(full[1], F_GETFL), O_WRONLY | O_DIRECT | O_NONBLOCK, "flags of a full one");
	expect_eq(fcntl(fifo, F_GETFL) & (O_ACCMODE | O_DIRECT), O_RDWR | O_DIRECT, "flags of a fifo");
	sure(write(mixed[1], "new", 3));
	sure(write(mixed[1], "newer", 5));
	expect_eq(get(mixed[0], 100), 3, "a new packet");
	expect_eq(get(mixed[0], 100), 5, "another");
	for (int i = 0; i < 16; i++)
		expect_eq(get(full[0], 100), 1, "packet %d of a full pipe", i);
	expect_errno(get(full[0], 100), EAGAIN, "it was full");
	return payload_end();
}
