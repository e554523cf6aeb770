// SPDX-License-Identifier: GPL-2.0
/*
 * Autogroups of the scheduler: one for each session, with its nice value, also
 * where the leader is dead and its children have been adopted.
 */
#include "payload.h"

/* The number of the autogroup of a process; its nice value. */
static long group_of(pid_t pid, int *nice)
{
	char path[64], text[128];
	long group = -1;

	*nice = -1;
	snprintf(path, sizeof(path), "/proc/%d/autogroup", pid);
	if (read_file(path, text, sizeof(text)) > 0)
		sscanf(text, "/autogroup-%ld nice %d", &group, nice);
	return group;
}

static int waiter(void *unused)
{
	await("looked");
	(void)unused;
	return 0;
}

/* It leads a session with two more processes, and dies. */
static int leader(void *unused)
{
	char pids[64];

	sure(setsid());
	write_file("/proc/self/autogroup", 0, "7");
	snprintf(pids, sizeof(pids), "%d %d", child(waiter, NULL), child(waiter, NULL));
	write_file(file_at("orphans"), O_CREAT, pids);
	(void)unused;
	return 0;
}

static int daemon_(void *spoil)
{
	int nice;

	sure(setsid());
	write_file("/proc/self/autogroup", 0, "3");
	child(waiter, NULL);
	tell("daemon");
	if (await_go())
		write_file("/proc/self/autogroup", 0, "4");
	group_of(getpid(), &nice);
	expect_eq(nice, 3, "nice value of the autogroup");
	while (wait(NULL) > 0)
		;
	(void)spoil;
	return 0;
}

int main(int argc, char **argv)
{
	pid_t dead, orphan[2], alive;
	long groups[4];
	char text[64];
	int nice;

	payload_begin(argc, argv);
	dead = child(leader, NULL);
	reap(dead);
	read_file(file_at("orphans"), text, sizeof(text));
	sscanf(text, "%d %d", &orphan[0], &orphan[1]);
	alive = child(daemon_, NULL);
	await("daemon");
	if (group_of(getpid(), &nice) < 0) {
		payload_announce("skip no autogroups here");
		_exit(4);
	}

	pause_here();
	groups[0] = group_of(getpid(), &nice);
	expect_eq(nice, 0, "nice value of the autogroup of init");
	for (int i = 0; i < 2; i++) {
		groups[1 + i] = group_of(orphan[i], &nice);
		expect_eq(nice, 7, "nice value of the autogroup of an orphan");
	}
	groups[3] = group_of(alive, &nice);
	expect(groups[1] == groups[2], "orphans share an autogroup");
	expect(groups[0] != groups[1] && groups[0] != groups[3] && groups[1] != groups[3],
	       "sessions have autogroups of their own: %ld %ld %ld", groups[0], groups[1], groups[3]);
	expect_eq(group_of(alive + 1, &nice), groups[3], "child is in the autogroup of its session");
	tell("looked");
	reap(orphan[0]);
	reap(orphan[1]);
	reap(alive);
	return payload_end();
}
