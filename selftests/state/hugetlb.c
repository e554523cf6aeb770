// SPDX-License-Identifier: GPL-2.0
/* Private memory of huge pages that the program has asked for (MAP_HUGETLB). */
#include "hugetlb.h"

static void *map_huge(size_t pages, int flags)
{
	return map_anon(pages * HUGE, MAP_PRIVATE | MAP_HUGETLB | flags);
}

/* The offset that /proc/self/maps shows, in huge pages. */
static long offset_of(const void *area)
{
	char line[512];
	FILE *file = fopen("/proc/self/maps", "re");
	unsigned long start, end, offset, found = -HUGE;

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "%lx-%lx %*s %lx", &start, &end, &offset) == 3 &&
		    start == (unsigned long)area)
			found = offset;
	if (file)
		fclose(file);
	return (long)found / (long)HUGE;
}

static char *whole, *frugal, *reads, *none, *part, *moved, *shared, *given, *closed;
static int go[2], done[2], reserved, available;

static void make(void)
{
	char *place;

	/* With a hole in it. */
	whole = map_huge(4, 0);
	fill_huge(whole, 1);
	fill_huge(whole + HUGE, 2);
	fill_huge(whole + 3 * HUGE, 3);
	sure(madvise(whole, 4 * HUGE, MADV_DONTDUMP));
	frugal = map_huge(3, MAP_NORESERVE);
	fill_huge(frugal + HUGE, 4);
	reads = map_huge(2, 0);
	fill_huge(reads, 5);
	sure(mprotect(reads, 2 * HUGE, PROT_READ));
	none = map_huge(1, 0);
	fill_huge(none, 6);
	sure(mprotect(none, HUGE, PROT_NONE));
	/* The second and the fourth of five. */
	part = map_huge(5, 0);
	for (int i = 0; i < 5; i++)
		fill_huge(part + i * HUGE, 10 + i);
	sure(munmap(part, HUGE));
	sure(munmap(part + 2 * HUGE, HUGE));
	sure(munmap(part + 4 * HUGE, HUGE));
	sure(mprotect(part + 3 * HUGE, HUGE, PROT_READ));
	moved = map_huge(2, 0);
	fill_huge(moved + HUGE, 7);
	place = map_huge(2, MAP_NORESERVE);
	moved = sure(mremap(moved, 2 * HUGE, 2 * HUGE, MREMAP_MAYMOVE | MREMAP_FIXED, place));
}

static void look(void)
{
	char size[64];

	expect(is_filled(whole, 1) && is_filled(whole + HUGE, 2) && is_filled(whole + 3 * HUGE, 3),
	       "all pages of a huge page");
	expect_eq(huge_pages_at(whole, "Private_Hugetlb:"), 3, "a huge page that is not there");
	smaps(whole, "KernelPageSize:", size, sizeof(size));
	expect_eq(atoi(size), 2048, "size of the pages");
	expect(has_flag(whole, "ht") && has_flag(whole, "dd") && !has_flag(whole, "nr"), "their flags");

	expect(is_filled(frugal + HUGE, 4), "a huge page that was not reserved");
	expect_eq(huge_pages_at(frugal, "Private_Hugetlb:"), 1, "and two that are not there");
	expect(has_flag(frugal, "nr"), "MAP_NORESERVE");

	expect(is_filled(reads, 5), "huge pages that cannot be written");
	expect_errno(read(open("/dev/zero", O_RDONLY | O_CLOEXEC), reads, 1), EFAULT, "nor by the kernel");
	expect(!has_flag(none, "rd"), "a huge page that cannot be read");
	sure(mprotect(none, HUGE, PROT_READ));
	expect(is_filled(none, 6), "what was in it");
	sure(mprotect(none, HUGE, PROT_NONE));

	expect(is_filled(part + HUGE, 11) && is_filled(part + 3 * HUGE, 13), "parts of a mapping");
	expect_eq(offset_of(part + HUGE), 1, "offset of the first one");
	expect_eq(offset_of(part + 3 * HUGE), 3, "offset of the second one");

	expect(is_filled(moved + HUGE, 7), "what mremap has moved");
	expect_huge_pages("HugePages_Rsvd:", reserved, "reserved huge pages");
	expect_huge_pages("HugePages_Free:", available, "free huge pages");
	expect(!moved[0] && !whole[2 * HUGE], "and those that are wanted now");
	expect_huge_pages("HugePages_Rsvd:", reserved - 2, "come from there");
}

/*
 * The child has written to the second page, and the parent to the third one. Of
 * what is closed, the child has written to the first page. It alone has what was given.
 */
static int heir(void *unused MAYBE_UNUSED)
{
	char byte;

	sure(close(go[1]));
	fill_huge(shared + HUGE, 21);
	fill_huge(closed, 23);
	sure(mprotect(closed, 2 * HUGE, PROT_READ));
	sure(write(done[1], "", 1));
	sure(read(go[0], &byte, 1));
	expect(is_filled(shared, 30) && is_filled(shared + HUGE, 21) && is_filled(shared + 2 * HUGE, 32),
	       "huge pages of a child");
	expect_eq(huge_pages_at(shared, "Shared_Hugetlb:"), 1, "a huge page that a child shares");
	expect_eq(huge_pages_at(shared, "Private_Hugetlb:"), 2, "those that it does not");
	expect(!has_flag(shared, "nr"), "it has not asked for less");
	expect(is_filled(closed, 23) && is_filled(closed + HUGE, 34), "where it cannot write any more");
	expect_eq(huge_pages_at(closed, "Private_Hugetlb:"), 1, "what it has written there");
	expect_eq(huge_pages_at(closed, "Shared_Hugetlb:"), 1, "and what it has not");
	expect(is_filled(given, 36) && !has_flag(given, "nr"), "a huge page that the parent has no more");
	expect_eq(huge_pages_at(given, "Private_Hugetlb:"), 1, "nor another one");
	return 0;
}

int main(int argc, char **argv)
{
	char byte;
	pid_t pid;

	payload_begin(argc, argv);
	fill_pool();
	shared = map_huge(4, 0);
	for (int i = 0; i < 3; i++)
		fill_huge(shared + i * HUGE, 30 + i);
	closed = map_huge(2, 0);
	fill_huge(closed, 33);
	fill_huge(closed + HUGE, 34);
	given = map_huge(2, 0);
	fill_huge(given, 36);
	sure(pipe(go));
	sure(pipe(done));
	pid = child(heir, NULL);
	sure(read(done[0], &byte, 1));
	fill_huge(shared + 2 * HUGE, 22);
	sure(mprotect(closed, 2 * HUGE, PROT_READ));
	sure(munmap(given, 2 * HUGE));
	make();
	reserved = huge_pages("HugePages_Rsvd:");
	available = huge_pages("HugePages_Free:");
	if (pause_here())
		whole[HUGE + 5 * PAGE]++;
	look();
	expect(is_filled(shared, 30) && is_filled(shared + HUGE, 31) && is_filled(shared + 2 * HUGE, 22),
	       "huge pages of the parent");
	expect_eq(huge_pages_at(shared, "Shared_Hugetlb:"), 1, "a huge page that both have");
	expect(is_filled(closed, 33) && is_filled(closed + HUGE, 34), "where it cannot write any more either");
	sure(write(go[1], "", 1));
	reap(pid);
	return payload_end();
}
