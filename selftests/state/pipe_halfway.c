// SPDX-License-Identifier: GPL-2.0
/*
 * Writes to pipes that have been done in part, and go on: the result is the whole
 * of it. One of them is from three places.
 */
#include "payload.h"
#include <sys/uio.h>

#define SIZE	(3 * 65536 + 77)

struct writer {
	int ends[2];
	pid_t pid;
	size_t read;
};

static unsigned char data[SIZE];

static int writes(void *arg)
{
	struct writer *self = arg;

	close(self->ends[0]);
	expect_eq(write(self->ends[1], data, SIZE), SIZE, "write");
	return 0;
}

static int writes_vector(void *arg)
{
	struct writer *self = arg;
	struct iovec parts[] = {
		{ data, 40000 }, { data + 40000, 0 }, { data + 40000, 90001 },
		{ data + 130001, SIZE - 130001 },
	};

	close(self->ends[0]);
	expect_eq(writev(self->ends[1], parts, ARRAY_SIZE(parts)), SIZE, "writev");
	return 0;
}

/* Reads so much, or what there is; returns how many bytes of it are wrong. */
static size_t read_some(struct writer *writer, size_t most)
{
	unsigned char buf[3000];
	size_t wrong = 0;
	ssize_t n;

	for (; writer->read < most; writer->read += n) {
		n = sure(read(writer->ends[0], buf, sizeof(buf)));
		if (!n)
			break;
		for (ssize_t i = 0; i < n; i++)
			wrong += buf[i] != byte_at(writer->read + i);
	}
	return wrong;
}

static void start(struct writer *writer, int (*function)(void *), long nr)
{
	sure(pipe(writer->ends));
	writer->pid = child(function, writer);
	close(writer->ends[1]);
	await_syscall(writer->pid, nr);
	/* Some of it is read, and more comes. */
	expect_eq(read_some(writer, 15000), 0, "wrong bytes");
	sleep_ms(20);
	await_syscall(writer->pid, nr);
}

static void finish(struct writer *writer)
{
	expect_eq(task_state(writer->pid), 'S', "the writer waits");
	expect_eq(read_some(writer, SIZE_MAX), 0, "wrong bytes");
	expect_eq(writer->read, SIZE, "bytes");
	reap(writer->pid);
}

int main(int argc, char **argv)
{
	struct writer simple = { 0 }, vector = { 0 };
	char byte;

	payload_begin(argc, argv);
	for (size_t i = 0; i < SIZE; i++)
		data[i] = byte_at(i);
	start(&simple, writes, SYS_write);
	start(&vector, writes_vector, SYS_writev);

	if (pause_here())
		sure(read(vector.ends[0], &byte, 1));
	finish(&simple);
	finish(&vector);
	return payload_end();
}
