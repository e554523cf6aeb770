/* SPDX-License-Identifier: GPL-2.0 */
/* What a tracer asks about a thread. */
#ifndef TRACER_H
#define TRACER_H

#include "payload.h"
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>

/* Waits for its stop; with which signal and event, or -1 if it has ended. */
MAYBE_UNUSED static int stop_of(pid_t pid)
{
	int status = 0;

	sure(waitpid(pid, &status, __WALL));
	return WIFSTOPPED(status) ? status >> 8 : -1;
}

MAYBE_UNUSED static struct user_regs_struct regs_of(pid_t pid)
{
	struct user_regs_struct regs;

	sure(ptrace(PTRACE_GETREGS, pid, 0, &regs));
	return regs;
}

static volatile sig_atomic_t children_heard;

static void on_child(int sig)
{
	(void)sig;
	children_heard++;
}

/* Counts signals about children, which are blocked but while the test pauses: they would end its sleeps. */
MAYBE_UNUSED static void count_children(void)
{
	struct sigaction action = { .sa_handler = on_child, .sa_flags = SA_RESTART };

	sure(sigaction(SIGCHLD, &action, NULL));
	block_signal(SIGCHLD);
}

/* Pauses, and expects that meanwhile nothing is said about children. */
MAYBE_UNUSED static bool pause_unheard(void)
{
	sigset_t set = block_signal(SIGCHLD);
	bool spoil;

	sure(sigprocmask(SIG_UNBLOCK, &set, NULL));
	children_heard = 0;
	spoil = pause_here();
	expect_eq(children_heard, 0, "signals about children");
	block_signal(SIGCHLD);
	return spoil;
}

#endif
