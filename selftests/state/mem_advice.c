// SPDX-License-Identifier: GPL-2.0
/* What mlock(), madvise() and mmap() say about memory, as /proc/self/smaps shows it. */
#include "smaps.h"

#define MAP_DROPPABLE_	0x08

static const struct {
	const char *name, *flag;
	int advice;
} advices[] = {
	{ "MADV_DONTFORK", "dc", MADV_DONTFORK },
	{ "MADV_WIPEONFORK", "wf", MADV_WIPEONFORK },
	{ "MADV_DONTDUMP", "dd", MADV_DONTDUMP },
	{ "MADV_HUGEPAGE", "hg", MADV_HUGEPAGE },
	{ "MADV_NOHUGEPAGE", "nh", MADV_NOHUGEPAGE },
	{ "MADV_RANDOM", "rr", MADV_RANDOM },
	{ "MADV_SEQUENTIAL", "sr", MADV_SEQUENTIAL },
};

static int forked(void *area)
{
	char *dontfork = ((char **)area)[0], *wiped = ((char **)area)[1];
	unsigned char vec;

	expect_errno(mincore(dontfork, PAGE, &vec), ENOMEM, "MADV_DONTFORK works");
	expect_eq(wiped[0], 0, "MADV_WIPEONFORK works");
	return 0;
}

int main(int argc, char **argv)
{
	char *area[ARRAY_SIZE(advices)], *locked, *onfault, *frugal, *droppable, *gap, text[256];

	payload_begin(argc, argv);
	for (size_t i = 0; i < ARRAY_SIZE(advices); i++) {
		gap = map_anon(16 * PAGE, MAP_PRIVATE);
		sure(mprotect(gap, PAGE, PROT_NONE));
		area[i] = gap + PAGE;
		memset(area[i], 'a' + i, PAGE);
		sure(madvise(area[i], 15 * PAGE, advices[i].advice));
	}
	frugal = map_anon(PAGE, MAP_PRIVATE | MAP_NORESERVE);
	locked = map_anon(8 * PAGE, MAP_PRIVATE);
	sure(mlock(locked, 8 * PAGE));
	map_anon(PAGE, MAP_PRIVATE | MAP_NORESERVE);
	onfault = map_anon(8 * PAGE, MAP_PRIVATE);
	sure(mlock2(onfault, 8 * PAGE, MLOCK_ONFAULT));
	onfault[PAGE] = 1;
	droppable = map_anon(4 * PAGE, MAP_DROPPABLE_);
	droppable[0] = 'd';

	if (pause_here())
		sure(munlock(locked, 8 * PAGE));
	for (size_t i = 0; i < ARRAY_SIZE(advices); i++) {
		expect(has_flag(area[i], advices[i].flag), "%s", advices[i].name);
		expect_eq(area[i][100], 'a' + (int)i, "%s: content", advices[i].name);
	}
	reap(child(forked, area));
	expect(has_flag(locked, "lo"), "mlock");
	smaps(locked, "Locked:", text, sizeof(text));
	expect_eq(atoi(text), 32, "locked memory, kB");
	smaps(locked, "Rss:", text, sizeof(text));
	expect_eq(atoi(text), 32, "all of it is there");
	expect(has_flag(onfault, "lo") && has_flag(onfault, "lf"), "mlock2(MLOCK_ONFAULT)");
	smaps(onfault, "Rss:", text, sizeof(text));
	expect_eq(atoi(text), 4, "memory that was touched, kB");
	expect_eq(atoi(status_field("self", "VmLck")), 64, "VmLck");
	expect(has_flag(frugal, "nr"), "MAP_NORESERVE");
	expect(has_flag(droppable, "dp"), "MAP_DROPPABLE");
	expect(!droppable[0] || droppable[0] == 'd', "it may be gone, and is no other");
	return payload_end();
}
