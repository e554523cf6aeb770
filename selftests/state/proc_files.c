// SPDX-License-Identifier: GPL-2.0
/*
 * Files of /proc that are not a process's: read to the end, as top(1) has them;
 * read in part, whose rest was made up when that began; read up to a record, in
 * the middle of one, or moved; only to be written to. The directory itself, too.
 */
#include "made_up.h"
#include <dirent.h>

#define PART	5
#define MANY	4096

static int open_proc(const char *name, int flags)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%s", name);
	return sure(open(path, flags));
}

static double uptime(void)
{
	return now_ns(CLOCK_BOOTTIME) / 1e9;
}

/* How often each process was found in /proc. */
#define MOST	100
static int seen[MOST];

/* As getdents64(2) writes it. */
struct entry {
	long long ino, off;
	unsigned short reclen;
	unsigned char type;
	char name[];
};

/* Some more entries of a directory; whether there were any. */
static bool look(int dir)
{
	char buffer[128] __attribute__((aligned(8)));
	ssize_t len = sure(getdents64(dir, buffer, sizeof(buffer)));
	struct entry *entry;

	for (ssize_t at = 0; at < len; at += entry->reclen) {
		int number;

		entry = (void *)(buffer + at);
		number = atoi(entry->name);
		if (number > 0 && number < MOST)
			seen[number]++;
	}
	return len;
}

static int waits(void *arg)
{
	(void)arg;
	await_go();
	return 0;
}

int main(int argc, char **argv)
{
	static char wanted[2 * MANY], symbols[2 * MANY], text[2 * MANY], *memory;
	int stat, part, whole, first, second, moved, trigger, again, dir;
	pid_t pid[3];
	double then, said;
	char number[64];
	ssize_t len;

	payload_begin(argc, argv);
	stat = open_proc("stat", O_RDONLY | O_CLOEXEC);
	len = read_all(stat, text, sizeof(text));
	expect(len > 100 && !strncmp(text, "cpu ", 4), "/proc/stat");
	again = sure(dup(stat));

	part = open_proc("uptime", O_RDONLY);
	then = uptime();
	memset(number, 0, sizeof(number));
	expect_eq(read(part, number, PART), PART, "the first bytes of /proc/uptime");

	whole = open_proc("filesystems", O_RDONLY);
	len = read_all(whole, wanted, sizeof(wanted));
	moved = open_proc("filesystems", O_RDONLY);
	expect_eq(lseek(moved, 20, SEEK_SET), 20, "offset before");

	/* More than one buffer: the first ends with a record, or in one. */
	first = open_proc("kallsyms", O_RDONLY);
	second = open_proc("kallsyms", O_RDONLY);
	expect_eq(read_all(second, symbols, sizeof(symbols)), 2 * MANY, "symbols before");
	expect_eq(read_all(first, text, MANY), MANY, "the first ones");
	trigger = open_proc("sysrq-trigger", O_WRONLY);
	dir = sure(open("/proc", O_RDONLY | O_DIRECTORY));
	for (int i = 0; i < 3; i++)
		pid[i] = child(waits, NULL);
	while (!seen[1])
		look(dir);
	/* So that the times differ. */
	sleep_ms(300);
	if (pause_here()) {
		lseek(part, 0, SEEK_SET);
		lseek(moved, 10, SEEK_SET);
		lseek(first, 100, SEEK_SET);
	}
	while (look(dir))
		;
	expect_eq(seen[1], 1, "init in /proc");
	for (int i = 0; i < 3; i++) {
		expect(pid[i] < MOST && seen[pid[i]] == 1, "process %d in /proc", pid[i]);
		reap(pid[i]);
	}

	expect_eq(read(stat, text, sizeof(text)), 0, "/proc/stat at its end");
	expect_eq(lseek(again, 0, SEEK_SET), 0, "back to the beginning");
	len = read_all(stat, text, sizeof(text) - 1);
	text[len > 0 ? len : 0] = '\0';
	memory = strstr(text, "\nbtime ");
	expect(!strncmp(text, "cpu ", 4) && memory, "/proc/stat once more");

	expect(read(part, number + PART, sizeof(number) - PART - 1) > 3, "the rest of /proc/uptime");
	said = strtod(number, NULL);
	expect(said > then - 0.011 && said < then + 0.15, "uptime: %.2f, wanted %.2f", said, then);
	expect_eq(read(part, number, sizeof(number)), 0, "there is no more");
	expect_eq(lseek(part, 0, SEEK_SET), 0, "to its beginning");
	memset(number, 0, sizeof(number));
	expect(read(part, number, sizeof(number) - 1) > 8, "another /proc/uptime");
	said = strtod(number, NULL);
	expect(said > then + 0.25 && said < uptime() + 0.011, "uptime now: %.2f", said);

	expect_eq(read(whole, text, sizeof(text)), 0, "/proc/filesystems at its end");
	len = read_all(moved, text, sizeof(text));
	expect(len > 0 && !memcmp(text, wanted + 20, len), "from an offset");
	expect_eq(read_all(first, text, MANY), MANY, "the next symbols");
	expect(!memcmp(text, symbols + MANY, MANY), "they are the same");
	expect_eq(fcntl(trigger, F_GETFL) & O_ACCMODE, O_WRONLY, "only to be written to");
	expect_errno(read(trigger, text, 1), EBADF, "not to be read");
	return payload_end();
}
