// SPDX-License-Identifier: GPL-2.0
/* What a process has ruled for its memory by prctl(2), and whether its children inherit it. */
#include "payload.h"
#include <sys/prctl.h>

/* Newer than the C library. */
#define PR_THP_DISABLE_EXCEPT_ADVISED_	2
#define PR_MDWE_REFUSE_EXEC_GAIN_	1
#define PR_MDWE_NO_INHERIT_		2

static const struct rules {
	const char *name;
	int mdwe, thp, lock;
} rules[] = {
	{ "MDWE", PR_MDWE_REFUSE_EXEC_GAIN_, 0, 0 },
	{ "MDWE, not inherited", PR_MDWE_REFUSE_EXEC_GAIN_ | PR_MDWE_NO_INHERIT_, 0, 0 },
	{ "huge pages only where advised", 0, 1 | PR_THP_DISABLE_EXCEPT_ADVISED_, 0 },
	{ "no huge pages", 0, 1, 0 },
	{ "locked", 0, 0, MCL_FUTURE },
	{ "locked on fault", 0, 0, MCL_FUTURE | MCL_ONFAULT },
	{ "nothing", 0, 0, 0 },
};

#define PAGES	8

/* How many pages that are mapped from now on are locked, and how many are there. */
static void check_locks(const struct rules *rules)
{
	long before = atol(status_field("self", "VmLck"));
	char *pages = map_anon(PAGES * PAGE, MAP_PRIVATE);
	unsigned char there[PAGES];
	int nr = 0;

	expect_eq(atol(status_field("self", "VmLck")) - before, rules->lock ? PAGES * PAGE / 1024 : 0,
		  "%s: new mappings", rules->name);
	sure(mincore(pages, PAGES * PAGE, there));
	for (int i = 0; i < PAGES; i++)
		nr += there[i] & 1;
	expect_eq(nr, rules->lock == MCL_FUTURE ? PAGES : 0, "%s: their pages", rules->name);
	sure(munmap(pages, PAGES * PAGE));
}

static int get_mdwe(void *unused)
{
	(void)unused;
	return prctl(PR_GET_MDWE, 0, 0, 0, 0);
}

/* What a child has of it is its exit status. */
static int in_child(void)
{
	int status = -1;
	pid_t pid = sure(fork());

	if (!pid)
		_exit(get_mdwe(NULL));
	waitpid(pid, &status, 0);
	return status >> 8;
}

static void check(const struct rules *rules)
{
	char *page = map_anon(PAGE, MAP_PRIVATE);

	check_locks(rules);
	expect_eq(get_mdwe(NULL), rules->mdwe, "%s: PR_GET_MDWE", rules->name);
	expect_eq(in_child(), rules->mdwe & PR_MDWE_NO_INHERIT_ ? 0 : rules->mdwe, "%s: in a child",
		  rules->name);
	expect_eq(prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0), rules->thp, "%s", rules->name);
	if (rules->mdwe)
		expect(mprotect(page, PAGE, PROT_READ | PROT_EXEC) < 0 && errno == EACCES,
		       "%s: nothing becomes executable", rules->name);
	else
		expect_eq(mprotect(page, PAGE, PROT_READ | PROT_EXEC), 0, "%s: as ever", rules->name);
}

static int ruled(void *arg)
{
	const struct rules *rules = arg;

	if (rules->mdwe)
		sure(prctl(PR_SET_MDWE, rules->mdwe, 0, 0, 0));
	if (rules->thp)
		sure(prctl(PR_SET_THP_DISABLE, 1, rules->thp & ~1, 0, 0));
	if (rules->lock)
		sure(mlockall(rules->lock));
	tell(rules->name);
	if (await_go())
		sure(prctl(PR_SET_THP_DISABLE, !rules->thp, 0, 0, 0));
	check(rules);
	return 0;
}

int main(int argc, char **argv)
{
	pid_t pid[ARRAY_SIZE(rules)];

	payload_begin(argc, argv);
	for (size_t i = 0; i < ARRAY_SIZE(rules); i++) {
		pid[i] = child(ruled, (void *)&rules[i]);
		await(rules[i].name);
	}
	pause_here();
	for (size_t i = 0; i < ARRAY_SIZE(rules); i++)
		reap(pid[i]);
	return payload_end();
}
