// SPDX-License-Identifier: GPL-2.0
/*
 * Memory whose pages may be merged with others of the same contents (KSM): marked
 * by madvise(), or by a rule of its process, from which a part is exempt. Where
 * that is possible, some are merged when the checkpoint comes.
 */
#include "smaps.h"
#include <sys/prctl.h>

/* Newer than some C libraries. */
#define PR_SET_MEMORY_MERGE_	67
#define PR_GET_MEMORY_MERGE_	68

#define PAGES	64

static const char ksm[] = "/sys/kernel/mm/ksm/run";

struct areas {
	char *marked, *plain;
};

static struct areas make_areas(void)
{
	struct areas areas;

	/* What is between them keeps mappings apart. */
	areas.marked = map_anon(PAGES * PAGE, MAP_PRIVATE);
	map_anon(PAGE, MAP_SHARED);
	areas.plain = map_anon(PAGES * PAGE, MAP_PRIVATE);
	map_anon(PAGE, MAP_SHARED);
	memset(areas.marked, 'm', PAGES * PAGE);
	memset(areas.plain, 'p', PAGES * PAGE);
	return areas;
}

static void check(const char *name, struct areas areas, int rule)
{
	char *page = map_anon(PAGE, MAP_PRIVATE | MAP_NORESERVE);
	int wrong = 0;

	expect_eq(prctl(PR_GET_MEMORY_MERGE_, 0, 0, 0, 0), rule, "%s: PR_GET_MEMORY_MERGE", name);
	expect(has_flag(areas.marked, "mg"), "%s: marked", name);
	expect(!has_flag(areas.plain, "mg"), "%s: exempt", name);
	expect_eq(has_flag(page, "mg"), rule, "%s: a new mapping", name);
	for (size_t i = 0; i < PAGES * PAGE; i++)
		wrong += areas.marked[i] != 'm' || areas.plain[i] != 'p';
	expect_eq(wrong, 0, "%s: contents", name);
	areas.marked[PAGE] = 'x';
	expect(areas.marked[0] == 'm' && areas.marked[2 * PAGE] == 'm', "%s: writing to one page", name);
}

static void await_merged(void)
{
	char text[64];

	if (access(ksm, W_OK))
		return;
	write_file(ksm, 0, "1");
	do {
		sleep_ms(50);
	} while (read_file("/proc/self/ksm_merging_pages", text, sizeof(text)) <= 0 || atoi(text) < PAGES);
}

static void wait_there(const char *name, struct areas areas)
{
	await_merged();
	tell(name);
	if (await_go())
		sure(madvise(areas.marked, PAGES * PAGE, MADV_UNMERGEABLE));
}

static int by_advice(void *unused)
{
	struct areas areas = make_areas();

	(void)unused;
	sure(madvise(areas.marked, PAGES * PAGE, MADV_MERGEABLE));
	wait_there("by advice", areas);
	check("by advice", areas, 0);
	return 0;
}

static int without_rule(void *arg)
{
	struct areas areas = *(struct areas *)arg;

	/* A child has the rule of its parent, and what was marked. */
	sure(prctl(PR_SET_MEMORY_MERGE_, 0, 0, 0, 0));
	sure(madvise(areas.marked, PAGES * PAGE, MADV_MERGEABLE));
	wait_there("without", areas);
	check("without", areas, 0);
	return 0;
}

static int by_rule(void *unused)
{
	struct areas areas;
	pid_t pid;

	(void)unused;
	sure(prctl(PR_SET_MEMORY_MERGE_, 1, 0, 0, 0));
	areas = make_areas();
	sure(madvise(areas.plain, PAGES * PAGE, MADV_UNMERGEABLE));
	pid = child(without_rule, &areas);
	await("without");
	wait_there("by rule", areas);
	check("by rule", areas, 1);
	reap(pid);
	return 0;
}

int main(int argc, char **argv)
{
	pid_t pid[2];

	payload_begin(argc, argv);
	pid[0] = child(by_advice, NULL);
	await("by advice");
	pid[1] = child(by_rule, NULL);
	await("by rule");
	pause_here();
	reap(pid[0]);
	reap(pid[1]);
	return payload_end();
}
