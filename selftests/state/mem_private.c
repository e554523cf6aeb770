// SPDX-License-Identifier: GPL-2.0
/*
 * Private anonymous memory: content, holes, protections, and memory that a
 * parent and its children share copy-on-write.
 */
#include "payload.h"
#include <setjmp.h>

#define NR_PAGES	2048

static sigjmp_buf trap;

static void on_fault(int sig)
{
	siglongjmp(trap, sig);
}

/* Whether the access is refused by the memory's protection. */
static bool faults(volatile char *p, bool write)
{
	if (sigsetjmp(trap, 1))
		return true;
	if (write)
		*p = *p + 1;
	else
		(void)*p;
	return false;
}

static bool present(void *address)
{
	int fd = sure(open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC));
	uint64_t entry = 0;

	sure(pread(fd, &entry, 8, (uintptr_t)address / PAGE * 8));
	close(fd);
	return entry >> 63 || (entry >> 62 & 1);
}

static uint64_t value(long page, int salt)
{
	return (page + 1) * 0x9e3779b97f4a7c15UL ^ salt;
}

/* Every third page is written, every sixth only with zeroes; the rest is a hole. */
static void fill(uint64_t *area, int salt)
{
	for (long page = 0; page < NR_PAGES; page += 3)
		for (size_t i = 0; i < PAGE / 8; i += 37)
			area[page * PAGE / 8 + i] = page % 2 ? value(page, salt) + i : 0;
}

static void check(uint64_t *area, int salt, const char *name)
{
	long wrong = 0, holes = 0;

	for (long page = 0; page < NR_PAGES; page++)
		if (page % 3)
			holes += !present(area + page * PAGE / 8);
	for (long page = 0; page < NR_PAGES; page++)
		for (size_t i = 0; i < PAGE / 8; i++) {
			uint64_t wanted = page % 3 == 0 && page % 2 && i % 37 == 0 ?
					  value(page, salt) + i : 0;

			wrong += area[page * PAGE / 8 + i] != wanted;
		}
	expect_eq(wrong, 0, "%s: wrong words", name);
	expect_eq(holes, NR_PAGES - (NR_PAGES + 2) / 3, "%s: holes", name);
}

/* Of what it inherited it changes one page, before and after. */
static int writer(void *area)
{
	uint64_t *mine = area;

	mine[9 * PAGE / 8] = 1111;
	tell("writer");
	await_go();
	expect_eq(mine[9 * PAGE / 8], 1111, "page that the child wrote");
	mine[9 * PAGE / 8] = value(9, 1);
	check(mine, 1, "memory of the child");
	mine[15 * PAGE / 8] = 2222;
	tell("wrote");
	await("checked");
	expect_eq(mine[21 * PAGE / 8], value(21, 1), "page that the parent wrote later");
	return 0;
}

int main(int argc, char **argv)
{
	struct sigaction sa = { .sa_handler = on_fault };
	char *none, *readonly, *executable, *unmapped, *huge;
	uint64_t *area;
	pid_t pid;

	payload_begin(argc, argv);
	area = map_anon(NR_PAGES * PAGE, MAP_PRIVATE);
	sure(madvise(area, NR_PAGES * PAGE, MADV_NOHUGEPAGE));
	fill(area, 1);
	pid = child(writer, area);
	await("writer");

	none = map_anon(4 * PAGE, MAP_PRIVATE);
	strcpy(none + PAGE, "behind PROT_NONE");
	sure(mprotect(none, 4 * PAGE, PROT_NONE));
	readonly = map_anon(4 * PAGE, MAP_PRIVATE);
	strcpy(readonly + PAGE, "read-only");
	sure(mprotect(readonly, 4 * PAGE, PROT_READ));
	executable = map_anon(PAGE, MAP_PRIVATE);
	memcpy(executable, "\xb8\x2a\0\0\0\xc3", 6); /* return 42 */
	sure(mprotect(executable, PAGE, PROT_READ | PROT_EXEC));
	unmapped = map_anon(3 * PAGE, MAP_PRIVATE);
	sure(munmap(unmapped + PAGE, PAGE));
	/* Much address space, little memory. */
	huge = sure(mmap(NULL, 1UL << 40, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
	strcpy(huge, "first");
	strcpy(huge + (1UL << 39), "middle");
	strcpy(huge + (1UL << 40) - PAGE, "last");

	if (pause_here())
		area[6 * PAGE / 8] = 1;
	sigaction(SIGSEGV, &sa, NULL);
	check(area, 1, "memory");
	area[21 * PAGE / 8] = 3333;
	await("wrote");
	expect_eq(area[15 * PAGE / 8], value(15, 1), "page that the child wrote later");
	tell("checked");
	reap(pid);

	expect(faults(none + PAGE, false), "PROT_NONE cannot be read");
	sure(mprotect(none, 4 * PAGE, PROT_READ));
	expect(!strcmp(none + PAGE, "behind PROT_NONE"), "content behind PROT_NONE");
	expect(!faults(readonly + PAGE, false), "PROT_READ can be read");
	expect(faults(readonly + PAGE, true), "PROT_READ cannot be written");
	expect(!strcmp(readonly + PAGE, "read-only"), "read-only content");
	expect_eq(((int (*)(void))executable)(), 42, "code in anonymous memory");
	expect(faults(executable, true), "code cannot be written");
	expect(faults(unmapped + PAGE, false), "gap between mappings");
	expect(!strcmp(huge, "first") && !strcmp(huge + (1UL << 39), "middle") &&
	       !strcmp(huge + (1UL << 40) - PAGE, "last"), "sparse mapping of 1 TB");
	return payload_end();
}
