// SPDX-License-Identifier: GPL-2.0
/* Anonymous memory that processes share, also in parts and twice in one; and that of /dev/zero. */
#include "payload.h"

#define NR	64

static volatile uint32_t *area, *second, *stranger, *zeroes, *own_zeroes;

/* It has lost the first half and shares the rest; and something of its own. */
static int sibling(void *unused)
{
	volatile uint32_t *own = map_anon(PAGE, MAP_SHARED);

	sure(munmap((void *)area, NR / 2 * PAGE));
	own[0] = 99;
	tell("sibling");
	await_go();
	for (size_t page = NR / 2; page < NR; page++)
		if (area[page * PAGE / 4] != (page % 5 ? page + 1000 : 0))
			expect(false, "page %zu in the sibling", page);
	expect_eq(own[0], 99, "memory that nobody else maps");
	expect_eq(zeroes[0], 11, "shared memory of /dev/zero in a child");
	zeroes[1] = 12;
	own_zeroes[2] = 13;
	tell("sibling has looked");
	await("parent wrote");
	expect_eq(area[40 * PAGE / 4], 4040, "what the parent wrote is seen");
	area[41 * PAGE / 4] = 4141;
	area[60 * PAGE / 4] = 6060;
	tell("sibling wrote");
	(void)unused;
	return 0;
}

/* Two children of a parent that has unmapped what they share. */
static int left(void *unused)
{
	stranger[1] = 5;
	tell("left");
	await_go();
	stranger[2] = 7;
	tell("left wrote");
	(void)unused;
	return 0;
}

static int right(void *unused)
{
	await_go();
	await("left wrote");
	expect_eq(stranger[1], 5, "between children: before");
	expect_eq(stranger[2], 7, "between children: after");
	(void)unused;
	return 0;
}

int main(int argc, char **argv)
{
	const int rights = PROT_READ | PROT_WRITE;
	pid_t pid[3];
	int fd;

	payload_begin(argc, argv);
	fd = sure(open("/dev/zero", O_RDWR));
	zeroes = sure(mmap(NULL, 2 * PAGE, rights, MAP_SHARED, fd, 0));
	own_zeroes = sure(mmap(NULL, 2 * PAGE, rights, MAP_PRIVATE, fd, 0));
	close(fd);
	zeroes[0] = 11;
	own_zeroes[0] = 21;
	area = map_anon(NR * PAGE, MAP_SHARED);
	for (size_t page = 0; page < NR; page++)
		if (page % 5)
			area[page * PAGE / 4] = page + 1000;
	/* The same pages a second time. */
	second = sure(mremap((void *)area, 0, 4 * PAGE, MREMAP_MAYMOVE));
	pid[0] = child(sibling, NULL);
	stranger = map_anon(2 * PAGE, MAP_SHARED);
	pid[1] = child(left, NULL);
	pid[2] = child(right, NULL);
	sure(munmap((void *)stranger, 2 * PAGE));
	await("sibling");
	await("left");

	if (pause_here())
		area[7 * PAGE / 4] = 1;
	for (size_t page = 0; page < NR; page++)
		if (area[page * PAGE / 4] != (page % 5 ? page + 1000 : 0))
			expect(false, "page %zu", page);
	await("sibling has looked");
	area[PAGE / 4] = 2;
	expect_eq(second[PAGE / 4], 2, "second mapping");
	area[40 * PAGE / 4] = 4040;
	tell("parent wrote");
	await("sibling wrote");
	expect_eq(area[41 * PAGE / 4], 4141, "what the child wrote is seen");
	expect_eq(area[60 * PAGE / 4], 6060, "also in a page that was a hole");
	expect_eq(zeroes[1], 12, "shared memory of /dev/zero");
	expect(own_zeroes[0] == 21 && !own_zeroes[2], "private memory of /dev/zero");
	for (int i = 0; i < 3; i++)
		reap(pid[i]);
	return payload_end();
}
