// SPDX-License-Identifier: GPL-2.0
/* Mappings of files: private ones with changed pages, shared ones, parts. */
#include "payload.h"

#define SIZE	(16 * PAGE)

static char *make(const char *name, char letter)
{
	char *path = strdup(file_at(name)), page[PAGE];
	int fd = sure(open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));

	for (size_t i = 0; i < SIZE / PAGE; i++) {
		memset(page, letter + i, PAGE);
		sure(write(fd, page, PAGE));
	}
	close(fd);
	return path;
}

static char *map(const char *path, int prot, int flags, int mode, size_t len, off_t offset)
{
	int fd = sure(open(path, mode | O_CLOEXEC));
	char *p = sure(mmap(NULL, len, prot, flags, fd, offset));

	close(fd);
	return p;
}

static char byte_in_file(const char *path, off_t offset)
{
	int fd = sure(open(path, O_RDONLY | O_CLOEXEC));
	char c = 0;

	sure(pread(fd, &c, 1, offset));
	close(fd);
	return c;
}

static void write_byte(const char *path, off_t offset, char c)
{
	int fd = sure(open(path, O_WRONLY | O_CLOEXEC));

	sure(pwrite(fd, &c, 1, offset));
	close(fd);
}

int main(int argc, char **argv)
{
	char *path[5], *private, *shared, *readonly, *part, *beyond, *two, *renamed;
	const int rw = PROT_READ | PROT_WRITE;

	payload_begin(argc, argv);
	path[0] = make("private", 'a');
	path[1] = make("shared", 'A');
	path[2] = make("read-only", '0');
	path[3] = make("short", 'x');
	private = map(path[0], rw, MAP_PRIVATE, O_RDONLY, SIZE, 0);
	private[2 * PAGE] = '!';
	private[5 * PAGE + 17] = '?';
	shared = map(path[1], rw, MAP_SHARED, O_RDWR, SIZE, 0);
	shared[3 * PAGE] = '#';
	two = map(path[1], PROT_READ, MAP_SHARED, O_RDONLY, 4 * PAGE, 2 * PAGE);
	readonly = map(path[2], PROT_READ, MAP_SHARED, O_RDONLY, SIZE, 0);
	part = map(path[2], rw, MAP_PRIVATE, O_RDONLY, 2 * PAGE, 7 * PAGE);
	part[PAGE] = '=';
	/* The mapping is longer than the file, whose last page is not full. */
	sure(truncate(path[3], PAGE + 100));
	beyond = map(path[3], rw, MAP_PRIVATE, O_RDONLY, 4 * PAGE, 0);
	beyond[PAGE + 99] = 'L';
	path[4] = make("old name", 'n');
	renamed = map(path[4], rw, MAP_SHARED, O_RDWR, SIZE, 0);
	sure(rename(path[4], file_at("new name")));

	if (pause_here())
		private[2 * PAGE] = 'c';
	expect_eq(private[0], 'a', "private page that was not changed");
	expect_eq(private[2 * PAGE], '!', "private page that was changed");
	expect_eq(private[2 * PAGE + 1], 'c', "the rest of it");
	expect_eq(private[5 * PAGE + 17], '?', "another one");
	expect_eq(byte_in_file(path[0], 2 * PAGE), 'c', "the file does not see it");
	private[9 * PAGE] = 'N';
	expect_eq(byte_in_file(path[0], 9 * PAGE), 'j', "nor what is written now");
	write_byte(path[0], 10 * PAGE, 'W');
	expect_eq(private[10 * PAGE], 'W', "an untouched page shows the file");
	write_byte(path[0], 2 * PAGE + 1, 'W');
	expect_eq(private[2 * PAGE + 1], 'c', "a changed page does not");

	expect_eq(shared[3 * PAGE], '#', "shared page");
	expect_eq(byte_in_file(path[1], 3 * PAGE), '#', "shared page in the file");
	shared[4 * PAGE] = '+';
	expect_eq(byte_in_file(path[1], 4 * PAGE), '+', "write to a shared page");
	expect_eq(two[2 * PAGE], '+', "seen in another mapping of it");
	write_byte(path[1], 5 * PAGE, '-');
	expect_eq(shared[5 * PAGE], '-', "write to the file");
	expect_eq(two[3 * PAGE], '-', "seen in another mapping of it");
	expect_errno(mprotect(two, PAGE, rw), EACCES, "a read-only shared mapping stays one");

	expect_eq(readonly[15 * PAGE], '0' + 15, "read-only mapping");
	renamed[PAGE] = '*';
	expect_eq(byte_in_file(file_at("new name"), PAGE), '*', "a file that was renamed");
	expect_eq(part[0], '0' + 7, "mapping with an offset");
	expect_eq(part[PAGE], '=', "changed page of it");
	expect_eq(beyond[PAGE + 99], 'L', "last byte of a short file");
	expect_eq(beyond[PAGE + 200], 0, "beyond the end of a file");
	return payload_end();
}
