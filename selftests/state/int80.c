// SPDX-License-Identifier: GPL-2.0
/* What the kernel keeps for 64-bit programs that make system calls of 32-bit ones. */
#include "int80.h"
#include <linux/futex.h>

/* sys/mman.h, for mmap2(2) */
#define RIGHTS		(PROT_READ | PROT_WRITE)
#define WHAT		(MAP_PRIVATE | MAP_ANONYMOUS)

#define SLEEP_S		24

/* struct robust_list_head of 32-bit programs, a lock in the list, and its word. */
struct robust {
	uint32_t next, offset, pending;
	uint32_t lock_next, word;
};

static int owner(void *arg)
{
	struct robust *robust = arg;

	*robust = (struct robust){
		.next = low_address(&robust->lock_next), .offset = 4,
		.lock_next = low_address(robust), .word = gettid(),
	};
	sure((int)int80(CALL32_SET_ROBUST_LIST, low_address(robust), 12, 0, 0, 0));
	tell("owner");
	if (await_go())
		sure((int)int80(CALL32_SET_ROBUST_LIST, 0, 12, 0, 0, 0));
	return 0;
}

/* Sleeps in the nanosleep(2) of 32-bit programs. */
static int sleeper(void *arg)
{
	int32_t *time = low_page();
	long long began = now_ns(CLOCK_MONOTONIC);

	(void)arg;
	time[0] = SLEEP_S;
	time[2] = time[4] = 7;
	expect_eq(int80(CALL32_NANOSLEEP, low_address(time), low_address(time + 2), 0, 0, 0), 0,
		  "nanosleep(2) of 32-bit programs goes on");
	expect(now_ns(CLOCK_MONOTONIC) - began >= SLEEP_S * SECOND, "and not for a shorter time");
	expect_eq(time[4], 7, "what is behind the time left");
	return 0;
}

/* Where it would map something next. */
static uint32_t next_address(void)
{
	long at = int80(CALL32_MMAP2, 0, PAGE, RIGHTS, WHAT, -1);

	munmap((void *)(unsigned long)(uint32_t)at, PAGE);
	return at;
}

int main(int argc, char **argv)
{
	struct robust *robust = sure(mmap(NULL, PAGE, RIGHTS, MAP_SHARED | MAP_ANONYMOUS | MAP_32BIT, -1, 0));
	uint32_t before;
	pid_t pid, sleeps;

	payload_begin(argc, argv);
	pid = child(owner, robust);
	await("owner");
	sleeps = child(sleeper, NULL);
	await_syscall(sleeps, CALL32_NANOSLEEP);
	before = next_address();
	pause_here();
	expect_eq(next_address(), before, "where mmap2(2) looks for free addresses");
	reap(pid);
	reap(sleeps);
	expect_eq(robust->word, FUTEX_OWNER_DIED, "lock in a list of 32-bit programs, whose owner died");
	return payload_end();
}
