// SPDX-License-Identifier: GPL-2.0
/*
 * The parts of an address space that the kernel keeps an eye on: stack, heap,
 * vDSO, what /proc shows of arguments and auxiliary vector.
 */
#include "payload.h"
#include <sys/auxv.h>
#include <sys/prctl.h>

#ifndef PR_FUTEX_HASH
#define PR_FUTEX_HASH			78
#define PR_FUTEX_HASH_SET_SLOTS		1
#define PR_FUTEX_HASH_GET_SLOTS		2
#endif

static __attribute__((noinline)) unsigned long deep(int depth)
{
	volatile char frame[8192];

	frame[0] = depth;
	frame[8191] = depth;
	return depth ? deep(depth - 1) + (unsigned char)frame[0] : 0;
}

static unsigned long start_of(const char *name)
{
	char line[512];
	unsigned long start = 0;
	FILE *maps = fopen("/proc/self/maps", "re");

	while (maps && fgets(line, sizeof(line), maps))
		if (strstr(line, name))
			start = strtoul(line, NULL, 16);
	if (maps)
		fclose(maps);
	return start;
}

/* The mapping of the vDSO, and its protection. */
static size_t vdso_of(char *prot)
{
	unsigned long start, end;
	char line[512];
	size_t size = 0;
	FILE *maps = fopen("/proc/self/maps", "re");

	strcpy(prot, "?");
	while (maps && fgets(line, sizeof(line), maps))
		if (strstr(line, "[vdso]") && sscanf(line, "%lx-%lx %4s", &start, &end, prot) == 3)
			size = end - start;
	if (maps)
		fclose(maps);
	return size;
}

/* A hash of futexes, and a vDSO that could be written to. */
static int unusual(void *vdso)
{
	char prot[8];

	sure(prctl(PR_FUTEX_HASH, PR_FUTEX_HASH_SET_SLOTS, 64, 0, 0));
	sure(mprotect(vdso, vdso_of(prot), PROT_READ | PROT_WRITE | PROT_EXEC));
	tell("unusual");
	if (await_go())
		sure(prctl(PR_FUTEX_HASH, PR_FUTEX_HASH_SET_SLOTS, 32, 0, 0));
	expect_eq(prctl(PR_FUTEX_HASH, PR_FUTEX_HASH_GET_SLOTS, 0, 0, 0), 64, "slots for futexes");
	vdso_of(prot);
	expect(!strcmp(prot, "rwxp"), "protection of the vDSO: %s", prot);
	return 0;
}

static int global_futexes(void *unused)
{
	sure(prctl(PR_FUTEX_HASH, PR_FUTEX_HASH_SET_SLOTS, 0, 0, 0));
	tell("global futexes");
	await_go();
	expect_errno(prctl(PR_FUTEX_HASH, PR_FUTEX_HASH_SET_SLOTS, 16, 0, 0), EBUSY, "futexes are in the global hash");
	(void)unused;
	return 0;
}

int main(int argc, char **argv)
{
	char *heap, *heap_end, *grows, cmdline[2][512], auxv[2][512], environment[2][4096];
	unsigned long vdso, stack;
	ssize_t len[3];
	long long before[3];
	pid_t children[2];

	payload_begin(argc, argv);
	deep(20);
	heap = sure(sbrk(0));
	sure(brk(heap + 10 * PAGE));
	strcpy(heap + 9 * PAGE, "end of the heap");
	heap_end = sbrk(0);
	grows = sure(mmap(NULL, 64 * PAGE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	sure(munmap(grows, 64 * PAGE));
	grows = sure(mmap(grows + 60 * PAGE, 4 * PAGE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_GROWSDOWN | MAP_FIXED_NOREPLACE, -1, 0));
	strcpy(grows, "grows down");
	vdso = getauxval(AT_SYSINFO_EHDR);
	children[0] = child(unusual, (void *)vdso);
	children[1] = child(global_futexes, NULL);
	await("unusual");
	await("global futexes");
	stack = start_of("[stack]");
	len[0] = read_file("/proc/self/cmdline", cmdline[0], sizeof(cmdline[0]));
	len[1] = read_file("/proc/self/auxv", auxv[0], sizeof(auxv[0]));
	len[2] = read_file("/proc/self/environ", environment[0], sizeof(environment[0]));
	before[0] = now_ns(CLOCK_MONOTONIC);
	before[1] = now_ns(CLOCK_REALTIME);
	before[2] = now_ns(CLOCK_BOOTTIME);

	if (pause_here())
		sure(brk(heap + 8 * PAGE));
	expect_eq((long)sbrk(0), (long)heap_end, "end of the heap");
	expect(!strcmp(heap + 9 * PAGE, "end of the heap"), "content of the heap");
	expect_eq(brk(heap_end + 20 * PAGE), 0, "heap grows");
	heap_end[19 * PAGE] = 1;
	expect_eq(brk(heap), 0, "heap shrinks");
	expect(malloc(1 << 16) != NULL, "malloc");

	expect_eq(start_of("[stack]"), stack, "stack");
	deep(400);
	expect(start_of("[stack]") < stack, "stack grows");
	expect(!strcmp(grows, "grows down"), "content of a mapping that grows down");
	grows[-1] = 1;
	expect_eq(grows[-PAGE], 0, "it grows down");

	expect_eq(getauxval(AT_SYSINFO_EHDR), vdso, "address of the vDSO");
	expect_eq(start_of("[vdso]"), vdso, "vDSO is there");
	expect(!memcmp((void *)vdso, "\177ELF", 4), "vDSO can be read");
	expect(now_ns(CLOCK_MONOTONIC) > before[0], "CLOCK_MONOTONIC goes on");
	expect(now_ns(CLOCK_REALTIME) > before[1], "CLOCK_REALTIME goes on");
	expect(now_ns(CLOCK_BOOTTIME) > before[2], "CLOCK_BOOTTIME goes on");
	before[0] = now_ns(CLOCK_MONOTONIC);
	sleep_ms(30);
	before[0] = now_ns(CLOCK_MONOTONIC) - before[0];
	expect(before[0] >= 30 * MS && before[0] < 5 * SECOND, "clocks run");

	expect_eq(read_file("/proc/self/cmdline", cmdline[1], sizeof(cmdline[1])), len[0], "length of cmdline");
	expect(!memcmp(cmdline[0], cmdline[1], len[0]), "/proc/self/cmdline");
	expect_eq(read_file("/proc/self/auxv", auxv[1], sizeof(auxv[1])), len[1], "length of auxv");
	expect(!memcmp(auxv[0], auxv[1], len[1]), "/proc/self/auxv");
	expect_eq(read_file("/proc/self/environ", environment[1], sizeof(environment[1])), len[2], "length of environ");
	expect(!memcmp(environment[0], environment[1], len[2]), "/proc/self/environ");
	reap(children[0]);
	reap(children[1]);
	return payload_end();
}
