// SPDX-License-Identifier: GPL-2.0
/*
 * What a parent is told at the end of its children, and which of its threads:
 * other signals than SIGCHLD, or none; zombies that have told already; children
 * of threads; a parent that has executed another program since.
 */
#include "payload.h"
#include <pthread.h>
#include <sched.h>
#include <sys/prctl.h>

static char stack[16][4 * PAGE];
static pid_t of_thread, doomed;
static int gate[2];

static int waits(void *unused)
{
	await_go();
	(void)unused;
	return 4;
}

static int ends(void *unused)
{
	(void)unused;
	return 5;
}

static pid_t start(int (*function)(void *), int exit_signal)
{
	static int nr;

	return sure(clone(function, stack[nr++] + sizeof(stack[0]), exit_signal, NULL));
}

static void block(void)
{
	sigset_t all;

	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
}

static pid_t signal_of(int sig, int ms, int *status)
{
	struct timespec ts = timespec_of(ms * MS);
	sigset_t set;
	siginfo_t info;

	sigemptyset(&set);
	sigaddset(&set, sig);
	if (sigtimedwait(&set, &info, &ts) != sig)
		return 0;
	*status = info.si_status;
	return info.si_pid;
}

/* The same program once more, whose child was born before. */
static int execed(pid_t born)
{
	int status = 0;

	tell("execed");
	await_go();
	if (access(file_at("spoil"), F_OK) == 0)
		start(ends, SIGUSR2);
	expect_eq(waitpid(born, NULL, __WCLONE), born, "child of before execve(2)");
	expect_eq(signal_of(SIGCHLD, 0, &status), born, "it has sent SIGCHLD");
	expect_eq(signal_of(SIGUSR2, 100, &status), 0, "and no other signal");
	return payload_failed;
}

static int executes(void *unused)
{
	char born[16];

	snprintf(born, sizeof(born), "%d", start(waits, SIGUSR2));
	execl("/proc/self/exe", "exit_signals", payload_dir, born, NULL);
	(void)unused;
	return 100;
}

static int outlives(void *unused)
{
	int status;

	prctl(PR_SET_PDEATHSIG, SIGUSR1);
	tell("outlives");
	await_go();
	expect_eq(signal_of(SIGUSR1, 5000, &status) != 0, 1, "signal at the death of a thread");
	tell("told");
	(void)unused;
	return payload_failed;
}

/* Has a child, which is its own only. */
static void *parent_thread(void *unused)
{
	char byte;

	of_thread = start(waits, SIGCHLD);
	doomed = child(outlives, NULL);
	await("outlives");
	tell("thread");
	if (read(gate[0], &byte, 1) == 1)
		expect_eq(waitpid(of_thread, NULL, __WNOTHREAD), of_thread, "child of this thread");
	return unused;
}

int main(int argc, char **argv)
{
	pid_t odd, quiet, zombie, silent, caller;
	int status = 0;
	pthread_t thread;
	bool spoil;

	payload_begin(argc, argv);
	block();
	if (argc == 3)
		return execed(atoi(argv[2]));
	sure(pipe(gate));
	odd = start(waits, SIGUSR2);
	quiet = start(waits, 0);
	zombie = start(ends, SIGRTMIN);
	silent = start(ends, 0);
	expect_eq(signal_of(SIGRTMIN, 5000, &status), zombie, "signal of a zombie");
	while (task_state(silent) != 'Z')
		sleep_ms(2);
	caller = child(executes, NULL);
	await("execed");
	pthread_create(&thread, NULL, parent_thread, NULL);
	await("thread");

	spoil = pause_here();
	if (spoil) {
		start(ends, SIGRTMIN);
		start(ends, SIGCHLD);
	}
	expect_eq(signal_of(SIGRTMIN, spoil ? 1000 : 100, &status), 0, "a zombie tells nobody again");
	expect_errno(waitpid(zombie, NULL, WNOHANG), ECHILD, "it is no ordinary child");
	expect_eq(waitpid(zombie, &status, __WCLONE | WNOHANG), zombie, "but one with a signal of its own");
	expect_eq(WEXITSTATUS(status), 5, "its status");
	expect_eq(waitpid(silent, &status, __WCLONE | WNOHANG), silent, "the same without a signal");

	expect_eq(signal_of(SIGUSR2, 5000, &status), odd, "signal at the end of a child");
	expect_eq(status, 4, "its status");
	expect_eq(waitpid(odd, NULL, __WCLONE), odd, "it can be waited for");
	expect_eq(waitpid(quiet, NULL, __WCLONE), quiet, "a child without a signal");
	expect_eq(waitpid(caller, &status, 0), caller, "a parent that has executed a program");
	expect_eq(status, 0, "its status");

	while (task_state(of_thread) != 'Z')
		sleep_ms(2);
	expect_errno(waitpid(of_thread, NULL, __WNOTHREAD | WNOHANG), ECHILD, "child of another thread");
	sure(write(gate[1], ".", 1));
	pthread_join(thread, NULL);
	expect_eq(waitpid(doomed, &status, 0), doomed, "a child that outlives its thread");
	expect_eq(status, 0, "its status");
	return payload_end();
}
