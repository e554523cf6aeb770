// SPDX-License-Identifier: GPL-2.0
/*
 * Files of sysfs, made of text or of bytes, and sysctls: how far they were read, and
 * the rest of what was made up for that; whether poll(2) has something to tell; who may
 * write to them. Directories of both, read in part.
 */
#include "made_up.h"
#include <dirent.h>
#include <stdlib.h>

#define HUGE	"/sys/kernel/mm/transparent_hugepage/"
#define NOTES	"/sys/kernel/notes"
#define SYSCTL	"/proc/sys/kernel/"

static int open_sure(const char *path, int flags)
{
	return sure(open(path, flags));
}

/* The next bytes are those of @text from @from on, and no more. */
static void rest_is(int fd, const char *text, size_t from, const char *what)
{
	char rest[4096];
	ssize_t len = read(fd, rest, sizeof(rest));

	expect_eq(len, strlen(text) - from, "%s: length of the rest", what);
	expect(len > 0 && !memcmp(rest, text + from, len), "%s: the rest", what);
	expect_eq(read(fd, rest, sizeof(rest)), 0, "%s: its end", what);
}

/* Writes a number to it, and reads it back. */
static void change(int fd, const char *number, const char *what)
{
	char text[32] = "";

	expect_eq(pwrite(fd, number, strlen(number), 0), strlen(number), "write to %s", what);
	expect(pread(fd, text, sizeof(text) - 1, 0) > 0, "read %s", what);
	text[strcspn(text, "\n")] = '\0';
	expect(!strcmp(text, number), "%s: %s, wanted %s", what, text, number);
}

/* Directories, and how many entries of each were seen. */
static const char * const names[] = {
	"/sys/kernel", "/sys/class/net", "/proc/sys/kernel", "/proc/irq",
};
static struct {
	int fd;
	long seen, sum;
} dirs[4];

/* The next entries; whether there were any. */
static bool look(int at)
{
	char buffer[64 + sizeof(struct dirent64)] __attribute__((aligned(8)));
	ssize_t len = sure(getdents64(dirs[at].fd, buffer, 64));

	for (ssize_t i = 0; i < len; i += ((struct dirent64 *)(buffer + i))->d_reclen) {
		dirs[at].seen++;
		for (const char *c = ((struct dirent64 *)(buffer + i))->d_name; *c; c++)
			dirs[at].sum += *c;
	}
	return len;
}

/* The others are those that were not seen before. */
static void look_at_rest(int at)
{
	long seen, sum;

	while (look(at))
		;
	seen = dirs[at].seen;
	sum = dirs[at].sum;
	dirs[at].seen = dirs[at].sum = 0;
	sure((int)lseek(dirs[at].fd, 0, SEEK_SET));
	while (look(at))
		;
	expect_eq(seen, dirs[at].seen, "entries of %s", names[at]);
	expect_eq(sum, dirs[at].sum, "their names");
}

int main(int argc, char **argv)
{
	char enabled[128] = "", notes[64], bytes[64], sleep[32] = "", swappiness[32] = "";
	int part, whole, fresh, binary, tunable, type, changed, unchanged, sysctl, irq;

	payload_begin(argc, argv);
	part = open_sure(HUGE "enabled", O_RDONLY);
	whole = open_sure(HUGE "enabled", O_RDONLY);
	fresh = open_sure(HUGE "enabled", O_RDONLY);
	sure((int)read(whole, enabled, sizeof(enabled) - 1));
	read_it(whole);
	expect_eq(ready(whole, 0), 0, "one that was read");
	expect_eq(read(part, bytes, 3), 3, "the first bytes");
	binary = open_sure(NOTES, O_RDONLY);
	expect_eq(pread(binary, notes, sizeof(notes), 16), sizeof(notes), "bytes of " NOTES);
	expect_eq(lseek(binary, 16, SEEK_SET), 16, "offset before");
	tunable = open_sure(HUGE "khugepaged/scan_sleep_millisecs", O_RDWR);
	sure((int)read(tunable, sleep, sizeof(sleep) - 1));

	type = open_sure(SYSCTL "ostype", O_RDONLY);
	expect_eq(read(type, bytes, 3), 3, "the first bytes of ostype");
	changed = open_sure(SYSCTL "hostname", O_RDONLY);
	sysctl = open_sure("/proc/sys/vm/swappiness", O_RDWR);
	sure((int)read(sysctl, swappiness, sizeof(swappiness) - 1));
	irq = open_sure("/proc/irq/0/spurious", O_RDONLY);
	expect_eq(read(irq, bytes, 3), 3, "the first bytes of a file of /proc/irq");
	write_file(SYSCTL "hostname", 0, "other");
	unchanged = open_sure(SYSCTL "hostname", O_RDONLY);

	for (int i = 0; i < 4; i++) {
		dirs[i].fd = open_sure(names[i], O_RDONLY | O_DIRECTORY);
		while (dirs[i].seen < 4 && strcmp(names[i], "/sys/class/net"))
			expect(look(i), "some entries of %s", names[i]);
	}

	if (pause_here()) {
		for (int i = 0; i < 4; i++)
			lseek(dirs[i].fd, 0, SEEK_SET);
		lseek(part, 0, SEEK_SET);
		lseek(binary, 0, SEEK_SET);
		lseek(type, 0, SEEK_SET);
		ready(changed, 0);
	}

	for (int i = 0; i < 4; i++)
		look_at_rest(i);
	rest_is(part, enabled, 3, "a file of sysfs");
	expect_eq(read(whole, bytes, sizeof(bytes)), 0, "one at its end");
	expect_eq(ready(whole, 0), 0, "one that has not changed");
	expect(ready(fresh, 0) == (POLLPRI | POLLERR), "one that was not read");
	expect_eq(read(binary, bytes, sizeof(bytes)), sizeof(bytes), "bytes from an offset");
	expect(!memcmp(bytes, notes, sizeof(notes)), "they are the same");
	expect_eq(read(tunable, bytes, sizeof(bytes)), 0, "a tunable at its end");
	change(tunable, "12345", "a tunable");
	expect_eq(pwrite(tunable, sleep, strlen(sleep), 0), strlen(sleep), "what it was");
	expect_errno(write(whole, "x", 1), EBADF, "not to be written to");

	rest_is(type, "Linux\n", 3, "a sysctl");
	expect(ready(changed, 0) & POLLPRI, "a sysctl that has changed");
	expect_eq(ready(changed, 0) & POLLPRI, 0, "it has told that");
	expect_eq(ready(unchanged, 0) & POLLPRI, 0, "one that has not");
	expect_eq(read(sysctl, bytes, sizeof(bytes)), 0, "a sysctl at its end");
	change(sysctl, "42", "a sysctl");
	expect_eq(pwrite(sysctl, swappiness, strlen(swappiness), 0), strlen(swappiness),
		  "what it was");
	rest_is(irq, "count 0\nunhandled 0\nlast_unhandled 0 ms\n", 3, "a file of /proc/irq");
	return payload_end();
}
