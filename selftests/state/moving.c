// SPDX-License-Identifier: GPL-2.0
/*
 * Calls that move data from and to pipes, and wait because there is none, or no
 * room: they go on to wait, and move it when they can.
 */
#include "payload.h"
#include <sys/sendfile.h>
#include <sys/uio.h>

#define LEN	7

static bool spoil;

static ssize_t do_splice(const int in[2], const int out[2])
{
	return splice(in[0], NULL, out[1], NULL, LEN, 0);
}

static ssize_t do_tee(const int in[2], const int out[2])
{
	return tee(in[0], out[1], LEN, 0);
}

static ssize_t do_vmsplice(const int in[2], const int out[2])
{
	struct iovec data = { "abcdefg", LEN };

	(void)in;
	return vmsplice(out[1], &data, 1, 0);
}

static ssize_t do_sendfile(const int in[2], const int out[2])
{
	int fd = open(file_at("data"), O_RDONLY | O_CLOEXEC);
	off_t from = 1;
	ssize_t moved = sendfile(out[1], fd, &from, LEN);

	expect_eq(from, 1 + LEN, "sendfile: offset");
	(void)in;
	return moved;
}

static ssize_t do_splice_in(const int in[2], const int out[2])
{
	int fd = open(file_at("data"), O_RDONLY | O_CLOEXEC);
	off_t from = 1;
	ssize_t moved = splice(fd, &from, out[1], NULL, LEN, 0);

	expect_eq(from, 1 + LEN, "splice to a pipe: offset");
	(void)in;
	return moved;
}

/* The file's data goes on to the pipe that is looked at. */
static ssize_t do_splice_out(const int in[2], const int out[2])
{
	int fd = open(file_at("spliced"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	off_t to = 3;
	ssize_t moved = splice(in[0], NULL, fd, &to, 10 * LEN, 0);

	expect_eq(to, 3 + LEN, "splice to a file: offset");
	to = 3;
	return moved == LEN ? sendfile(out[1], fd, &to, LEN) : moved;
}

static ssize_t do_writev(const int in[2], const int out[2])
{
	struct iovec data[2] = { { "abc", 3 }, { "defg", 4 } };

	(void)in;
	return writev(out[1], data, 2);
}

static const struct {
	const char *name;
	ssize_t (*call)(const int *in, const int *out);
	long nr;
	/* It waits for data, or else for room. */
	bool for_data;
} movers[] = {
	{ "splice", do_splice, SYS_splice, true },
	{ "tee", do_tee, SYS_tee, true },
	{ "vmsplice", do_vmsplice, SYS_vmsplice, false },
	{ "sendfile", do_sendfile, SYS_sendfile, false },
	{ "writev", do_writev, SYS_writev, false },
	{ "splice to a pipe", do_splice_in, SYS_splice, false },
	{ "splice to a file", do_splice_out, SYS_splice, true },
};

static int in[ARRAY_SIZE(movers)][2], out[ARRAY_SIZE(movers)][2];

static int move(void *number)
{
	size_t n = (size_t)number;
	ssize_t moved = movers[n].call(in[n], out[n]);

	expect_eq(moved, LEN, "%s: bytes", movers[n].name);
	return 0;
}

/* Empties a pipe; its last bytes must be the right ones. */
static void check_out(size_t n, size_t before)
{
	static char data[1 << 17];
	ssize_t got;

	for (size_t at = 0; at < before + LEN; at += got)
		if ((got = read(out[n][0], data + at, before + LEN - at)) <= 0)
			break;
	expect(!memcmp(data + before, "abcdefg", LEN), "%s: data", movers[n].name);
}

int main(int argc, char **argv)
{
	static char filler[PAGE];
	size_t filled[ARRAY_SIZE(movers)] = { 0 };
	pid_t pid[ARRAY_SIZE(movers)];

	payload_begin(argc, argv);
	write_file(file_at("data"), O_CREAT, "-abcdefg, and more");
	for (size_t n = 0; n < ARRAY_SIZE(movers); n++) {
		sure(pipe(in[n]));
		sure(pipe(out[n]));
		if (movers[n].for_data)
			continue;
		sure(fcntl(out[n][1], F_SETFL, O_NONBLOCK));
		for (ssize_t did; (did = write(out[n][1], filler, sizeof(filler))) > 0;)
			filled[n] += did;
		sure(fcntl(out[n][1], F_SETFL, 0));
	}
	for (size_t n = 0; n < ARRAY_SIZE(movers); n++) {
		pid[n] = child(move, (void *)n);
		await_syscall(pid[n], movers[n].nr);
	}

	spoil = pause_here();
	for (size_t n = 0; n < ARRAY_SIZE(movers); n++) {
		if (movers[n].for_data)
			sure((int)write(in[n][1], spoil ? "1234567" : "abcdefg", LEN));
		check_out(n, filled[n]);
		reap(pid[n]);
	}
	return payload_end();
}
