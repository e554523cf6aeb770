// SPDX-License-Identifier: GPL-2.0
/*
 * Pages that are shared copy-on-write, and not with the parent: with brothers,
 * since the parent has written to its own; and with brothers whose parent is dead.
 * Each says in which page frames its memory is; so is found out who shares what.
 */
#include "payload.h"

#define NR_PAGES	32

enum { PARENT, ELDER, NEXT, THIRD, FOURTH, FIFTH, NR_MEMBERS };

static const char *const names[NR_MEMBERS] = {
	"main", "first", "second", "orphan", "its brother", "child of first",
};

/* What all of them see. */
struct table {
	uint64_t frames[NR_MEMBERS][NR_PAGES];
	bool shared[NR_MEMBERS][NR_MEMBERS][NR_PAGES];
	int nr_done;
};

static struct table *table;
static char *area;

static void note_frames(int who)
{
	int fd = sure(open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC));
	uint64_t entry;

	for (int page = 0; page < NR_PAGES; page++) {
		sure(pread(fd, &entry, 8, (uintptr_t)(area + page * PAGE) / PAGE * 8));
		table->frames[who][page] = entry & ((1UL << 55) - 1);
		expect(table->frames[who][page], "%s: page %d is there", names[who], page);
	}
	close(fd);
}

static bool is_shared(int one, int other, int page)
{
	return table->frames[one][page] == table->frames[other][page];
}

static void write_all(char value)
{
	for (int page = 0; page < NR_PAGES; page++)
		memset(area + page * PAGE, value + page, PAGE);
}

static void check_all(int who, char value)
{
	long wrong = 0;

	for (int page = 0; page < NR_PAGES; page++)
		for (size_t at = 0; at < PAGE; at++)
			wrong += area[page * PAGE + at] != (char)(value + page);
	expect_eq(wrong, 0, "%s: contents", names[who]);
}

static void live(int who, char value)
{
	note_frames(who);
	tell(names[who]);
	if (await_go() && who == NEXT)
		write_all(value);
	note_frames(who);
	__atomic_add_fetch(&table->nr_done, 1, __ATOMIC_SEQ_CST);
	await("compared");
	check_all(who, value);
	/* Nobody sees what another one writes. */
	memset(area, who, PAGE);
	__atomic_add_fetch(&table->nr_done, 1, __ATOMIC_SEQ_CST);
	await("written");
	expect_eq(area[PAGE - 1], who, "%s: its own page", names[who]);
	area[0] = value;
	memset(area, value, PAGE);
	check_all(who, value);
}

static int fifth(void *unused)
{
	(void)unused;
	live(FIFTH, 'a');
	return payload_failed;
}

static int first(void *unused)
{
	pid_t pid = child(fifth, NULL);

	(void)unused;
	live(ELDER, 'a');
	reap(pid);
	return payload_failed;
}

static int second(void *unused)
{
	(void)unused;
	live(NEXT, 'a');
	return payload_failed;
}

static int orphan(void *who)
{
	live((long)who, 'o');
	return payload_failed;
}

/* It does not live to see the checkpoint. */
static int parent_of_orphans(void *unused)
{
	(void)unused;
	write_all('o');
	child(orphan, (void *)THIRD);
	await(names[THIRD]);
	child(orphan, (void *)FOURTH);
	await(names[FOURTH]);
	return 0;
}

static void await_done(int nr)
{
	while (__atomic_load_n(&table->nr_done, __ATOMIC_SEQ_CST) < nr)
		sleep_ms(5);
}

static void compare(void)
{
	for (int one = 0; one < NR_MEMBERS; one++)
		for (int other = 0; other < one; other++) {
			int lost = 0, gained = 0;

			for (int page = 0; page < NR_PAGES; page++) {
				lost += table->shared[one][other][page] > is_shared(one, other, page);
				gained += table->shared[one][other][page] < is_shared(one, other, page);
			}
			expect_eq(lost, 0, "%s and %s: pages not shared any more", names[one], names[other]);
			expect_eq(gained, 0, "%s and %s: pages shared now", names[one], names[other]);
		}
}

int main(int argc, char **argv)
{
	int status, reaped = 0;

	payload_begin(argc, argv);
	table = map_anon(sizeof(*table), MAP_SHARED);
	area = map_anon(NR_PAGES * PAGE, MAP_PRIVATE);
	sure(madvise(area, NR_PAGES * PAGE, MADV_NOHUGEPAGE));
	write_all('a');
	child(first, NULL);
	child(second, NULL);
	for (int who = ELDER; who <= FIFTH; who += who == NEXT ? FIFTH - NEXT : 1)
		await(names[who]);
	reap(child(parent_of_orphans, NULL));
	write_all('m');
	note_frames(PARENT);
	for (int one = 0; one < NR_MEMBERS; one++)
		for (int other = 0; other < NR_MEMBERS; other++)
			for (int page = 0; page < NR_PAGES; page++)
				table->shared[one][other][page] = is_shared(one, other, page);
	expect(table->shared[ELDER][NEXT][3] && table->shared[ELDER][FIFTH][3] &&
	       table->shared[THIRD][FOURTH][3], "they share pages");
	expect(!table->shared[PARENT][ELDER][3] && !table->shared[ELDER][THIRD][3], "others do not");

	pause_here();
	note_frames(PARENT);
	await_done(NR_MEMBERS - 1);
	compare();
	table->nr_done = 0;
	tell("compared");
	await_done(NR_MEMBERS - 1);
	tell("written");
	check_all(PARENT, 'm');
	while (wait(&status) > 0) {
		expect_eq(status, 0, "status of a child");
		reaped++;
	}
	expect_eq(reaped, 4, "children");
	return payload_end();
}
