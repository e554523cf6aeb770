// SPDX-License-Identifier: GPL-2.0
/*
 * A write to a pipe that has been done in part, and goes on: its result is the
 * whole of it.
 */
#include "payload.h"

#define SIZE	(3 * 65536 + 77)

static int ends[2];

static unsigned char pattern(size_t i)
{
	return i * 7 + i / 251;
}

static int writer(void *unused)
{
	static unsigned char data[SIZE];

	close(ends[0]);
	for (size_t i = 0; i < SIZE; i++)
		data[i] = pattern(i);
	expect_eq(write(ends[1], data, SIZE), SIZE, "write");
	(void)unused;
	return 0;
}

int main(int argc, char **argv)
{
	unsigned char buf[3000];
	size_t at = 0, wrong = 0;
	ssize_t n;
	pid_t pid;

	payload_begin(argc, argv);
	sure(pipe(ends));
	pid = child(writer, NULL);
	close(ends[1]);
	await_syscall(pid, SYS_write);
	/* Some of it is read, and more comes. */
	for (; at < 5 * sizeof(buf); at += n) {
		n = sure(read(ends[0], buf, sizeof(buf)));
		for (ssize_t i = 0; i < n; i++)
			wrong += buf[i] != pattern(at + i);
	}
	sleep_ms(20);
	await_syscall(pid, SYS_write);

	if (pause_here())
		sure(read(ends[0], buf, 1));
	expect_eq(task_state(pid), 'S', "the writer waits");
	for (; (n = read(ends[0], buf, sizeof(buf))) > 0; at += n)
		for (ssize_t i = 0; i < n; i++)
			wrong += buf[i] != pattern(at + i);
	expect_eq(at, SIZE, "bytes");
	expect_eq(wrong, 0, "wrong bytes");
	reap(pid);
	return payload_end();
}
