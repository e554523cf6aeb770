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

#endif
