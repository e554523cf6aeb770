// SPDX-License-Identifier: GPL-2.0
/*
 * Descriptor tables and open file descriptions: numbers, gaps, close-on-exec,
 * offsets, flags, who shares what; memory devices; directories.
 */
#include "payload.h"
#include <dirent.h>
#include <sys/resource.h>

static int reopen(const char *name, int flags)
{
	return sure(open(file_at(name), flags | O_CREAT, 0644));
}

static off_t at(int fd)
{
	return lseek(fd, 0, SEEK_CUR);
}

/* It shares the description behind @fd with its parent. */
static int sharer(void *fd)
{
	int shared = *(int *)fd;

	await_go();
	await("parent has read");
	expect_eq(at(shared), 103, "offset that the parent moved");
	sure(lseek(shared, 500, SEEK_SET));
	tell("child has moved");
	return 0;
}

static void chardevs(const int *fd)
{
	char buf[64], zero[64] = { 0 }, twice[64];

	expect_eq(read(fd[0], buf, 64), 0, "/dev/null reads nothing");
	expect_eq(write(fd[0], buf, 64), 64, "/dev/null takes all");
	memset(buf, 1, 64);
	expect_eq(read(fd[1], buf, 64), 64, "/dev/zero");
	expect(!memcmp(buf, zero, 64), "/dev/zero has zeroes");
	expect_errno(write(fd[2], buf, 64), ENOSPC, "/dev/full");
	expect_eq(read(fd[3], buf, 64), 64, "/dev/random");
	expect_eq(read(fd[4], twice, 64), 64, "/dev/urandom");
	expect(memcmp(buf, twice, 64), "they differ");
}

static void files(const int *fd, const int *high)
{
	struct stat a, b;
	char buf[16] = "";

	expect_eq(fcntl(high[0], F_GETFD), 0, "high descriptor");
	expect_eq(fcntl(high[1], F_GETFD), FD_CLOEXEC, "close-on-exec");
	expect_errno(fcntl(high[0] - 1, F_GETFD), EBADF, "gap");
	expect_eq(dup(0) < high[0] ? 0 : 1, 0, "gaps are used");

	expect_eq(at(fd[0]), 100, "offset");
	expect_eq(read(fd[0], buf, 3), 3, "read");
	expect(!memcmp(buf, "abc", 3), "what is at the offset: %s", buf);
	expect_eq(at(fd[1]), 103, "dup shares the offset");
	expect_eq(at(fd[2]), 7, "another description of the same file does not");
	expect_errno(write(fd[2], "x", 1), EBADF, "read-only");
	expect_eq(fcntl(fd[0], F_GETFL) & (O_ACCMODE | O_NONBLOCK), O_RDWR | O_NONBLOCK, "O_RDWR | O_NONBLOCK");
	expect_errno(read(fd[3], buf, 1), EBADF, "write-only");

	expect_eq(fcntl(fd[3], F_GETFL) & (O_ACCMODE | O_APPEND), O_WRONLY | O_APPEND, "O_APPEND");
	lseek(fd[3], 0, SEEK_SET);
	expect_eq(write(fd[3], "tail", 4), 4, "append");
	fstat(fd[3], &a);
	expect_eq(a.st_size, 8, "it was appended");
	expect_eq(at(fd[4]), 1LL << 40, "offset beyond the end");
	stat(file_at("numbers"), &a);
	fstat(fd[0], &b);
	expect(a.st_ino == b.st_ino && a.st_dev == b.st_dev, "it is the same file");
}

static void synchronous(int fd)
{
	/* With O_LARGEFILE, which the kernel adds. */
	expect_eq(fcntl(fd, F_GETFL) & ~0100000, O_RDWR | O_DIRECT | O_DSYNC | O_NOATIME,
		  "O_DIRECT, O_DSYNC, O_NOATIME");
}

static void directories(int dir, int half, char names[][256], int seen, int all)
{
	DIR *stream;
	struct dirent *entry;
	bool again = false;
	struct stat st;

	expect_eq(fstatat(dir, "numbers", &st, 0), 0, "openat in a directory");
	expect_eq(fcntl(dir, F_GETFL) & O_DIRECTORY, O_DIRECTORY, "O_DIRECTORY");
	/* What had been read of it does not come again. */
	stream = sure(fdopendir(half));
	while ((entry = readdir(stream))) {
		if (entry->d_name[0] != 'f')
			continue;
		for (int i = 0; i < seen; i++)
			again |= !strcmp(names[i], entry->d_name);
		seen++;
	}
	expect(!again, "no entry is read twice");
	expect_eq(seen, all, "no entry is left out");
}

int main(int argc, char **argv)
{
	static char names[64][256];
	static const char *const devices[] = { "null", "zero", "full", "random", "urandom" };
	struct rlimit limit = { 5000, 5000 };
	int fd[5], dev[5], high[2], direct, dir, half, seen = 0;
	char path[64], buf[4096];
	pid_t pid;
	long n;

	payload_begin(argc, argv);
	fd[0] = reopen("numbers", O_RDWR | O_NONBLOCK);
	for (int i = 0; i < 100; i++)
		sure(write(fd[0], "abcdefghijklmnopqrstuvwxy", 25));
	fd[1] = sure(dup2(fd[0], 77));
	sure(lseek(fd[0], 100, SEEK_SET));
	fd[2] = reopen("numbers", O_RDONLY);
	sure(lseek(fd[2], 7, SEEK_SET));
	fd[3] = reopen("log", O_WRONLY | O_APPEND);
	sure(write(fd[3], "head", 4));
	fd[4] = reopen("empty", O_RDWR);
	sure(lseek(fd[4], 1LL << 40, SEEK_SET));
	direct = reopen("direct", O_RDWR | O_DIRECT | O_DSYNC | O_NOATIME);
	for (int i = 0; i < 5; i++) {
		snprintf(path, sizeof(path), "/dev/%s", devices[i]);
		dev[i] = sure(open(path, i < 3 ? O_RDWR : O_RDONLY));
	}
	sure(setrlimit(RLIMIT_NOFILE, &limit));
	high[0] = sure(fcntl(fd[2], F_DUPFD, 1000));
	high[1] = sure(fcntl(fd[2], F_DUPFD_CLOEXEC, 4999));

	sure(mkdir(file_at("dir"), 0755));
	for (int i = 0; i < 40; i++) {
		snprintf(path, sizeof(path), "dir/f%02d", i);
		write_file(file_at(path), O_CREAT, "");
	}
	dir = sure(open(payload_dir, O_RDONLY | O_DIRECTORY));
	half = sure(open(file_at("dir"), O_RDONLY | O_DIRECTORY));
	/* The buffer has room for some of the entries only. */
	n = sure(syscall(SYS_getdents64, half, buf, 400));
	for (long i = 0; i < n; i += ((struct dirent64 *)(buf + i))->d_reclen)
		if (((struct dirent64 *)(buf + i))->d_name[0] == 'f')
			strcpy(names[seen++], ((struct dirent64 *)(buf + i))->d_name);
	sure(seen > 0 && seen < 40 ? 0 : -1);
	pid = child(sharer, &fd[0]);

	if (pause_here())
		sure(lseek(fd[0], 1, SEEK_SET));
	files(fd, high);
	synchronous(direct);
	tell("parent has read");
	await("child has moved");
	expect_eq(at(fd[0]), 500, "offset that the child moved");
	reap(pid);
	chardevs(dev);
	directories(dir, half, names, seen, 40);
	return payload_end();
}
