/* SPDX-License-Identifier: GPL-2.0 */
/* Huge pages that programs have asked for. */
#ifndef HUGETLB_H
#define HUGETLB_H

#include "smaps.h"

#define HUGE	(2UL << 20)
#define POOL	"/proc/sys/vm/nr_hugepages"

/* A line of /proc/meminfo: HugePages_Free, say. */
MAYBE_UNUSED static int huge_pages(const char *name)
{
	static char text[8192];
	char *at;

	if (read_file("/proc/meminfo", text, sizeof(text) - 1) <= 0)
		return -1;
	at = strstr(text, name);
	return at ? atoi(at + strlen(name) + 1) : -1;
}

/*
 * The same becomes what it should be. What a container had that is gone comes
 * back a little later, with its IPC namespace.
 */
MAYBE_UNUSED static void expect_huge_pages(const char *name, int wanted, const char *what)
{
	for (int tries = 0; huge_pages(name) != wanted && tries < 3000; tries++)
		sleep_ms(20);
	expect_eq(huge_pages(name), wanted, "%s", what);
}

/* As many of them as all payloads together may want. */
MAYBE_UNUSED static void fill_pool(void)
{
	char text[32] = "";

	write_file(POOL, 0, "24");
	read_file(POOL, text, sizeof(text) - 1);
	expect_eq(atoi(text), 24, "huge pages of the machine");
	expect_huge_pages("HugePages_Free:", 24, "which nobody has");
	expect_huge_pages("HugePages_Rsvd:", 0, "nor will have");
}

/* A line of /proc/self/smaps, in huge pages of 2 MB. */
MAYBE_UNUSED static int huge_pages_at(const void *area, const char *what)
{
	char text[256];

	smaps(area, what, text, sizeof(text));
	return atoi(text) / 2048;
}

/* Writes to all small pages of a huge one. */
MAYBE_UNUSED static void fill_huge(char *page, size_t seed)
{
	for (size_t at = 0; at < HUGE; at += PAGE)
		page[at] = byte_at(seed + at / PAGE);
	page[HUGE - 1] = byte_at(seed);
}

MAYBE_UNUSED static bool is_filled(const char *page, size_t seed)
{
	for (size_t at = 0; at < HUGE; at += PAGE)
		if ((unsigned char)page[at] != byte_at(seed + at / PAGE))
			return false;
	return (unsigned char)page[HUGE - 1] == byte_at(seed);
}

#endif /* HUGETLB_H */
