/* SPDX-License-Identifier: GPL-2.0 */
/* Processes that have to be the same as before: what they are called, and by whom. */
#ifndef MEMBERS_H
#define MEMBERS_H

#include "payload.h"

struct ids {
	pid_t pid, tid, ppid, pgid, sid;
};

MAYBE_UNUSED static struct ids look(void)
{
	return (struct ids){ getpid(), gettid(), getppid(), getpgrp(), getsid(0) };
}

MAYBE_UNUSED static void same(const char *name, struct ids before)
{
	struct ids after = look();

	expect_eq(after.pid, before.pid, "%s: pid", name);
	expect_eq(after.tid, before.tid, "%s: thread", name);
	expect_eq(after.ppid, before.ppid, "%s: parent", name);
	expect_eq(after.pgid, before.pgid, "%s: process group", name);
	expect_eq(after.sid, before.sid, "%s: session", name);
}

/* A process that only has to be the same as before. */
MAYBE_UNUSED static int member(void *name)
{
	struct ids before = look();

	tell(name);
	await_go();
	same(name, before);
	return 0;
}

MAYBE_UNUSED static int orphan(void *name)
{
	while (getppid() != 1)
		sleep_ms(5);
	return member(name);
}

MAYBE_UNUSED static int wait_for_signal(void *name)
{
	sigset_t set = block_signal(SIGUSR2);
	int sig;

	tell(name);
	sigwait(&set, &sig);
	return 0;
}

MAYBE_UNUSED static int exits(void *code)
{
	return (long)code;
}

#endif
