// SPDX-License-Identifier: GPL-2.0
/* What the kernel keeps for 64-bit programs that make system calls of 32-bit ones. */
#include "int80.h"
#include <linux/futex.h>

/* sys/mman.h, for mmap2(2) */
#define RIGHTS		(PROT_READ | PROT_WRITE)
#define WHAT		(MAP_PRIVATE | MAP_ANONYMOUS)

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
	pid_t pid;

	payload_begin(argc, argv);
	pid = child(owner, robust);
	await("owner");
	before = next_address();
	pause_here();
	expect_eq(next_address(), before, "where mmap2(2) looks for free addresses");
	reap(pid);
	expect_eq(robust->word, FUTEX_OWNER_DIED, "lock in a list of 32-bit programs, whose owner died");
	return payload_end();
}
