// SPDX-License-Identifier: GPL-2.0
/*
 * Memfds: contents with holes, beyond the end of the file, mapped by several
 * processes, opened several times; name, owner, mode, times, seals.
 */
#include "payload.h"
#include <sys/file.h>
#include <sys/prctl.h>

#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE	0x0010
#endif
#ifndef F_SEAL_EXEC
#define F_SEAL_EXEC		0x0020
#endif
#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL		0x0008U
#define MFD_EXEC		0x0010U
#endif
#define O_LARGE			0100000

static int big;
static volatile uint32_t *shared;

static int reopen(int fd, int flags)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return sure(open(path, flags));
}

static void expect_name(int fd, const char *name)
{
	char path[64], text[300] = "";

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	expect(readlink(path, text, sizeof(text) - 1) > 0 && !strcmp(text, name),
	       "name: %s, wanted %s", text, name);
}

static volatile uint32_t *map(int fd, size_t length, int prot, int how)
{
	return sure(mmap(NULL, length, prot, how, fd, 0));
}

/* Has what its parent has mapped, and nothing open. */
static int sibling(void *unused)
{
	volatile uint32_t *own = map(big, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE);

	own[0] = 77;
	close(big);
	tell("sibling");
	await_go();
	expect_eq(own[0], 77, "what was written to a private mapping");
	expect_eq(own[2 * PAGE / 4], 3, "and what the file has");
	await("parent wrote");
	expect_eq(shared[0], 4711, "what the parent has written");
	expect_eq(own[2 * PAGE / 4 + 1], 4712, "the same through a private mapping");
	shared[1] = 1234;
	tell("sibling wrote");
	(void)unused;
	return 0;
}

/* A program that was in a memfd when it was executed: this one, with other arguments. */
static int executes(void *unused)
{
	char program[32], buf[65536];
	int from = sure(open("/proc/self/exe", O_RDONLY)), fd;
	ssize_t n;

	fd = sure(memfd_create("program", MFD_CLOEXEC | MFD_EXEC));
	while ((n = read(from, buf, sizeof(buf))) > 0)
		sure(write(fd, buf, n));
	snprintf(program, sizeof(program), "/proc/self/fd/%d", fd);
	sure(execl(program, "program", payload_dir, "executed", NULL));
	(void)unused;
	return 1;
}

static int executed(void)
{
	char text[64] = "";

	tell("executed");
	await_go();
	expect(readlink("/proc/self/exe", text, sizeof(text) - 1) > 0 &&
	       !strcmp(text, "/memfd:program (deleted)"), "program in a memfd: %s", text);
	return payload_failed;
}

int main(int argc, char **argv)
{
	int again, reads, appends, empty, tail, sealed, future, noexec, owned, locked, last;
	volatile uint32_t *beyond, *before, *after, *ro;
	struct timespec times[2] = { { 1000000000, 123456789 }, { -5, 999999999 } };
	struct stat st, old;
	char text[32] = "";
	off_t huge = 1LL << 40;
	bool spoil;
	pid_t pid, program;

	payload_begin(argc, argv);
	if (argc > 2)
		return executed();

	/* Sparse: a page at its beginning, one in it and one at its end. */
	big = sure(memfd_create("with / and  spaces", MFD_ALLOW_SEALING));
	sure(ftruncate(big, huge + 100));
	shared = map(big, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED);
	shared[0] = 1;
	shared[2 * PAGE / 4] = 3;
	sure(pwrite(big, "end", 3, huge + 97));
	sure(lseek(big, 5, SEEK_SET));
	again = reopen(big, O_RDWR);
	sure(lseek(again, huge, SEEK_SET));
	reads = reopen(big, O_RDONLY);
	appends = reopen(big, O_WRONLY | O_APPEND);
	pid = child(sibling, NULL);
	await("sibling");
	program = child(executes, NULL);
	await("executed");

	empty = sure(memfd_create("", 0));
	sure(fcntl(empty, F_SETFL, O_APPEND | O_NONBLOCK));

	/* Those who map it see what is beyond its end. */
	tail = sure(memfd_create("tail", 0));
	sure(ftruncate(tail, 100));
	beyond = map(tail, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED);
	beyond[1000] = 99;
	close(tail);

	sealed = sure(memfd_create("sealed", MFD_ALLOW_SEALING));
	sure(write(sealed, "final", 5));
	sure(fcntl(sealed, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE));
	ro = map(sealed, PAGE, PROT_READ, MAP_SHARED);

	future = sure(memfd_create("future", MFD_ALLOW_SEALING));
	sure(ftruncate(future, PAGE));
	before = map(future, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED);
	sure(fcntl(future, F_ADD_SEALS, F_SEAL_FUTURE_WRITE | F_SEAL_SEAL));
	after = map(future, PAGE, PROT_READ, MAP_SHARED);
	before[0] = 5;

	noexec = memfd_create("noexec", MFD_NOEXEC_SEAL);
	last = noexec < 0 ? -1 : sure(memfd_create("exec", MFD_EXEC | MFD_ALLOW_SEALING));
	if (last >= 0)
		sure(fcntl(last, F_ADD_SEALS, F_SEAL_EXEC));

	owned = sure(memfd_create("owned", MFD_CLOEXEC));
	sure(write(owned, "12345678", 8));
	sure(fchown(owned, 1000, 1001));
	sure(fchmod(owned, 04751));
	sure(futimens(owned, times));

	locked = sure(memfd_create("locked", 0));
	sure(flock(locked, LOCK_EX));
	sure(lockf(big, F_LOCK, 10));
	sure(fstat(big, &old));

	spoil = pause_here();
	if (spoil) {
		shared[1] = 2;
		sure(pwrite(big, "END", 3, huge + 97));
		beyond[1000] = 98;
		flock(locked, LOCK_UN);
		sure(fchmod(owned, 0751));
		sure(lseek(big, 6, SEEK_SET));
		sure(fcntl(sealed, F_ADD_SEALS, F_SEAL_SEAL));
		before[0] = 6;
	}

	expect_name(big, "/memfd:with / and  spaces (deleted)");
	sure(fstat(big, &st));
	expect_eq(st.st_size, huge + 100, "size");
	expect_eq(st.st_blocks, old.st_blocks, "blocks");
	expect_eq(st.st_mode, S_IFREG | 0777, "mode");
	expect_eq(shared[0], 1, "first page");
	expect_eq(shared[1], 0, "the rest of it");
	expect_eq(lseek(reads, PAGE, SEEK_DATA), 2 * PAGE, "where data is");
	expect_eq(lseek(reads, 3 * PAGE, SEEK_DATA), huge, "where more is");
	expect_eq(shared[PAGE / 4], 0, "hole");
	expect_eq(pread(reads, text, 10, huge + 97), 3, "what is at the end");
	expect(!memcmp(text, "end", 3), "content of the end: %.3s", text);
	expect_eq(lseek(big, 0, SEEK_CUR), 5, "offset");
	expect_eq(lseek(again, 0, SEEK_CUR), huge, "offset of another description");
	expect_errno(write(reads, "x", 1), EBADF, "write where it is open to read");
	expect_eq(fcntl(appends, F_GETFL), O_WRONLY | O_APPEND | O_LARGE, "flags");
	expect_eq(fcntl(big, F_GETFL), O_RDWR | O_LARGE, "flags of the first");
	expect_errno(fcntl(big, F_SETFL, O_DIRECT), EINVAL, "O_DIRECT of the first");
	expect_eq(fcntl(big, F_GET_SEALS), 0, "seals that may come");
	expect_eq(write(again, "again", 5), 5, "write");
	expect_eq(pread(reads, text, 5, huge), 5, "read through another description");
	expect(!memcmp(text, "again", 5), "the same: %.5s", text);
	shared[0] = 4711;
	shared[2 * PAGE / 4 + 1] = 4712;
	tell("parent wrote");
	await("sibling wrote");
	expect_eq(shared[1], 1234, "what another process has written");
	expect_eq(write(appends, "more", 4), 4, "append");
	expect_eq(pread(big, text, 5, huge + 100), 4, "to its end");
	reap(pid);
	reap(program);

	expect_name(empty, "/memfd: (deleted)");
	expect_eq(fcntl(empty, F_GETFL), O_RDWR | O_APPEND | O_NONBLOCK | O_LARGE, "flags of an empty one");
	expect_eq(fcntl(empty, F_GET_SEALS), F_SEAL_SEAL, "seals of an empty one");
	sure(fstat(empty, &st));
	expect_eq(st.st_size, 0, "size of an empty one");

	expect_eq(beyond[1000], 99, "what is beyond the end, in one that nobody has open");

	expect_eq(fcntl(sealed, F_GET_SEALS), F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE, "seals");
	expect_errno(pwrite(sealed, "x", 1, 0), EPERM, "write to a sealed one");
	expect_errno(ftruncate(sealed, 1), EPERM, "truncate it");
	expect(!memcmp((void *)ro, "final", 5), "its content, mapped");
	expect_errno(mprotect((void *)ro, PAGE, PROT_READ | PROT_WRITE), EACCES, "make it writable");

	expect_eq(fcntl(future, F_GET_SEALS), F_SEAL_FUTURE_WRITE | F_SEAL_SEAL, "seal of the future");
	expect_errno(pwrite(future, "x", 1, 0), EPERM, "write to it");
	expect_eq(after[0], 5, "its content");
	before[1] = 6;
	expect_eq(after[1], 6, "written through an old mapping");
	expect_errno(mprotect((void *)after, PAGE, PROT_READ | PROT_WRITE), EACCES, "make a new one writable");
	expect_eq(mprotect((void *)before, PAGE, PROT_READ), 0, "take an old one the right to write");
	expect_eq(mprotect((void *)before, PAGE, PROT_READ | PROT_WRITE), 0, "and give it back");

	if (noexec >= 0) {
		expect_eq(fcntl(noexec, F_GET_SEALS), F_SEAL_EXEC, "MFD_NOEXEC_SEAL");
		sure(fstat(noexec, &st));
		expect_eq(st.st_mode, S_IFREG | 0666, "its mode");
		expect_errno(fchmod(noexec, 0755), EPERM, "make it executable");
		expect_eq(fcntl(last, F_GET_SEALS), 0x3e, "F_SEAL_EXEC of one that can be executed");
	}

	sure(fstat(owned, &st));
	expect_eq(st.st_uid, 1000, "owner");
	expect_eq(st.st_gid, 1001, "group");
	expect_eq(st.st_mode, S_IFREG | 04751, "mode that was set");
	expect_eq(st.st_atim.tv_sec, 1000000000, "time of access");
	expect_eq(st.st_atim.tv_nsec, 123456789, "its nanoseconds");
	expect_eq(st.st_mtim.tv_sec, -5, "time of modification");
	expect_eq(st.st_mtim.tv_nsec, 999999999, "its nanoseconds");
	expect_eq(fcntl(owned, F_GETFD), FD_CLOEXEC, "close-on-exec");
	expect_eq(read(owned, text, 1), 0, "at its end");

	again = reopen(locked, O_RDWR);
	expect_errno(flock(again, LOCK_EX | LOCK_NB), EAGAIN, "lock");
	return payload_end();
}
