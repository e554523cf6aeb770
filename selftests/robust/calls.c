// SPDX-License-Identifier: GPL-2.0
/*
 * calls DIR: a process that is stopped at the beginning and at the end of each of
 * its system calls, as by strace. Its tracer is told of them in turns. What is
 * not so is written to DIR/wrong. It ends when there is a file DIR/stop.
 */
#include "payload.h"
#include <sys/ptrace.h>

#define SYSCALL_STOP	(SIGTRAP | 0x80)

/* It is checkpointed in its calls and outside of them. */
static int traced(void *unused)
{
	(void)unused;
	sure(ptrace(PTRACE_TRACEME, 0, 0, 0));
	sure(raise(SIGSTOP));
	for (;;) {
		for (volatile int i = 0; i < 100000; i++)
			;
		syscall(SYS_getppid);
	}
}

static void wrong(const char *what, long got, unsigned long call)
{
	char line[200];

	snprintf(line, sizeof(line), "stop %lu: %s: %ld\n", call, what, got);
	write_file(file_at("wrong"), O_CREAT | O_APPEND, line);
}

static void expect_stop(pid_t pid, int wanted, unsigned long call)
{
	int status = 0;

	if (waitpid(pid, &status, 0) != pid || status != W_STOPCODE(wanted))
		wrong("status", status, call);
}

int main(int argc, char **argv)
{
	struct __ptrace_syscall_info info;
	pid_t pid;

	payload_begin(argc, argv);
	pid = child(traced, NULL);
	expect_stop(pid, SIGSTOP, 0);
	sure(ptrace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL));
	tell("ready");
	for (unsigned long n = 1; access(file_at("stop"), F_OK); n++) {
		sure(ptrace(PTRACE_SYSCALL, pid, 0, 0));
		expect_stop(pid, SYSCALL_STOP, n);
		sure(ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), &info));
		/* The first are of raise(3). */
		if (info.op != (n % 2 ? PTRACE_SYSCALL_INFO_ENTRY : PTRACE_SYSCALL_INFO_EXIT))
			wrong("beginning or end", info.op, n);
		else if (n > 8 && n % 2 && info.entry.nr != SYS_getppid)
			wrong("system call", info.entry.nr, n);
		else if (n > 8 && n % 2 == 0 && info.exit.rval != getpid())
			wrong("its result", info.exit.rval, n);
	}
	sure(kill(pid, SIGKILL));
	waitpid(pid, NULL, 0);
	return payload_end();
}
