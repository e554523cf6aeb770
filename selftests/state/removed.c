// SPDX-License-Identifier: GPL-2.0
/*
 * Files that were removed, or never had a name: contents with holes, opened
 * several times, mapped, executed; times, owner, mode, locks, O_TMPFILE.
 */
#include "attributes.h"
#include <sys/file.h>

static int reopen(int fd, int flags)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return sure(open(path, flags));
}

/* The puzzle: two names of one file, both gone, and two files open. */
struct puzzle {
	int a, b, unnamed, sparse, locked;
	volatile char *map, *private;
};

static void begin_in(const char *dir, struct puzzle *p)
{
	char name[600], other[600];

	snprintf(name, sizeof(name), "%s/removed-a", dir);
	snprintf(other, sizeof(other), "%s/removed-b", dir);
	p->a = sure(open(name, O_RDWR | O_CREAT | O_EXCL, 0600));
	sure(write(p->a, "content", 7));
	sure(link(name, other));
	p->b = sure(open(other, O_RDWR | O_APPEND));
	p->map = sure(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, p->a, 0));
	p->private = sure(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, p->a, 0));
	p->private[6] = 'T';
	sure(unlink(name));
	sure(unlink(other));

	p->unnamed = sure(open(dir, O_RDWR | O_TMPFILE, 0600));
	sure(write(p->unnamed, "unnamed", 7));

	p->sparse = sure(open(name, O_RDWR | O_CREAT | O_EXCL, 0644));
	sure(unlink(name));
	sure(pwrite(p->sparse, "begin", 5, 0));
	sure(pwrite(p->sparse, "odd", 3, 70001));
	sure(ftruncate(p->sparse, 2LL << 30));
	sure(pwrite(p->sparse, "end", 3, (2LL << 30) - 3));
	sure(lseek(p->sparse, 70000, SEEK_SET));
	give_attributes(p->sparse, 0751);

	p->locked = sure(open(name, O_RDWR | O_CREAT | O_EXCL, 0600));
	sure(unlink(name));
	sure(flock(p->locked, LOCK_EX));
	sure(lockf(p->b, F_LOCK, 10));
}

static void spoil_it(struct puzzle *p)
{
	sure(pwrite(p->a, "C", 1, 0));
	sure(pwrite(p->sparse, "END", 3, (2LL << 30) - 3));
	sure(lseek(p->sparse, 0, SEEK_SET));
	p->private[6] = 't';
	flock(p->locked, LOCK_UN);
}

static void check_in(const char *dir, struct puzzle *p)
{
	char name[600], path[64], text[32] = "";
	struct stat st;

	expect_eq(lseek(p->a, 0, SEEK_CUR), 7, "offset, in %s", dir);
	expect_eq(pread(p->a, text, sizeof(text), 0), 7, "length");
	expect(!memcmp(text, "content", 7), "content: %.7s", text);
	expect(!memcmp((char *)p->private, "contenT", 7), "private mapping: %.7s", (char *)p->private);
	expect_eq(write(p->b, ", more", 6), 6, "write to b");
	expect_eq(read(p->a, text, sizeof(text)), 6, "read from a");
	expect(!memcmp(text, ", more", 6), "what was written to b: %.6s", text);
	expect(!memcmp((char *)p->map, "content, more", 13), "the same in a mapping");
	p->map[0] = 'K';
	expect_eq(pread(p->b, text, 1, 0), 1, "read from b");
	expect_eq(text[0], 'K', "what was written to the mapping");
	sure(fstat(p->a, &st));
	expect_eq(st.st_nlink, 0, "names of it");
	expect_eq(fcntl(p->b, F_GETFL) & ~0100000, O_RDWR | O_APPEND, "flags of b");
	snprintf(path, sizeof(path), "/proc/self/fd/%d", p->a);
	snprintf(name, sizeof(name), "%s/removed-again", dir);
	expect_errno(linkat(AT_FDCWD, path, AT_FDCWD, name, AT_SYMLINK_FOLLOW), ENOENT, "a name for it");

	expect_eq(fcntl(p->unnamed, F_GETFL) & ~0100000, O_RDWR | O_TMPFILE, "flags of an unnamed file");
	snprintf(path, sizeof(path), "/proc/self/fd/%d", p->unnamed);
	expect_eq(linkat(AT_FDCWD, path, AT_FDCWD, name, AT_SYMLINK_FOLLOW), 0, "give it a name");
	expect_eq(read_file(name, text, sizeof(text)), 7, "read it by that name");
	expect(!memcmp(text, "unnamed", 7), "its content: %.7s", text);
	unlink(name);

	sure(fstat(p->sparse, &st));
	expect_eq(st.st_size, 2LL << 30, "size");
	expect(st.st_blocks < 1000, "blocks: %lld", (long long)st.st_blocks);
	expect_attributes(p->sparse, S_IFREG | 0751);
	expect_eq(read(p->sparse, text, 5), 5, "read at its offset");
	expect(!memcmp(text, "\0odd\0", 5), "what is there");
	expect_eq(pread(p->sparse, text, 9, (2LL << 30) - 5), 5, "read at its end");
	expect(!memcmp(text, "\0\0end", 5), "what is at its end");

	expect_errno(flock(reopen(p->locked, O_RDWR), LOCK_EX | LOCK_NB), EAGAIN, "lock");
}

static int executes(void *unused)
{
	char buf[65536];
	int from = sure(open("/proc/self/exe", O_RDONLY)), fd;
	ssize_t n;

	fd = sure(open(file_at("program"), O_WRONLY | O_CREAT | O_CLOEXEC, 0755));
	while ((n = read(from, buf, sizeof(buf))) > 0)
		sure(write(fd, buf, n));
	close(fd);
	sure(execl(file_at("program"), "program", payload_dir, "executed", NULL));
	(void)unused;
	return 1;
}

static int executed(void)
{
	char text[600] = "", *end = text;

	sure(unlink(file_at("program")));
	tell("executed");
	await_go();
	sure(readlink("/proc/self/exe", text, sizeof(text) - 1));
	end += strlen(text);
	expect(end - text > 10 && !strcmp(end - 10, " (deleted)"), "removed program: %s", text);
	return payload_failed;
}

int main(int argc, char **argv)
{
	struct puzzle here, memory, disk;
	pid_t program;

	payload_begin(argc, argv);
	if (argc > 2)
		return executed();
	program = child(executes, NULL);
	await("executed");
	begin_in(payload_dir, &here);
	begin_in("/dev/shm", &memory);
	/* A disk, or an overlay. */
	begin_in("/var/tmp", &disk);
	if (pause_here()) {
		spoil_it(&here);
		spoil_it(&memory);
		spoil_it(&disk);
	}
	check_in(payload_dir, &here);
	check_in("/dev/shm", &memory);
	check_in("/var/tmp", &disk);
	reap(program);
	return payload_end();
}
