// SPDX-License-Identifier: GPL-2.0
/* Mappings that nobody can change any more (mseal), with children that have them. */
#include "payload.h"

#ifndef SYS_mseal
#define SYS_mseal		462
#endif

#define SIZE	(4 * PAGE)

static char *writable, *constant, *parents;

static void expect_sealed(char *memory, const char *name)
{
	expect(munmap(memory, PAGE) < 0 && errno == EPERM, "%s: munmap", name);
	expect(mprotect(memory, PAGE, PROT_READ | PROT_EXEC) < 0 && errno == EPERM, "%s: mprotect",
	       name);
}

/* Its own memory is sealed after the fork, and what only the parent has sealed is not. */
static int inherits(void *unused)
{
	tell("child");
	await_go();
	expect_sealed(constant, "in a child");
	expect_eq(constant[PAGE], 'c', "content in a child");
	expect_eq(writable[PAGE], 'w', "content that can be written to");
	writable[PAGE] = 'x';
	expect_eq(munmap(parents, PAGE), 0, "what the parent alone has sealed");
	(void)unused;
	return 0;
}

int main(int argc, char **argv)
{
	char *file;
	pid_t pid;
	int fd;

	payload_begin(argc, argv);
	writable = map_anon(SIZE, MAP_PRIVATE);
	memset(writable, 'w', SIZE);
	constant = map_anon(SIZE, MAP_PRIVATE);
	memset(constant, 'c', SIZE);
	sure(mprotect(constant, SIZE, PROT_READ));
	parents = map_anon(SIZE, MAP_PRIVATE);
	fd = sure(open("/proc/self/exe", O_RDONLY));
	file = sure(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 0));
	close(fd);
	sure(syscall(SYS_mseal, writable, SIZE, 0));
	sure(syscall(SYS_mseal, constant, SIZE, 0));
	sure(syscall(SYS_mseal, file, PAGE, 0));
	pid = child(inherits, NULL);
	await("child");
	sure(syscall(SYS_mseal, parents, SIZE, 0));

	if (pause_here())
		writable[0] = 's';
	reap(pid);
	expect_sealed(writable, "writable");
	expect_eq(writable[0], 'w', "writable: content");
	writable[1] = 'x';
	expect_sealed(constant, "read-only");
	expect_errno(madvise(constant, SIZE, MADV_DONTNEED), EPERM, "it cannot be dropped");
	expect_eq(constant[0], 'c', "read-only: content");
	expect_sealed(file, "a file");
	expect_errno(munmap(parents, PAGE), EPERM, "sealed after the fork");
	return payload_end();
}
