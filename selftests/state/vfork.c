// SPDX-License-Identifier: GPL-2.0
/*
 * Parents that sleep in vfork(2), or clone(2) with CLONE_VFORK, whose child does
 * not execute a program for a while: they sleep on, and have the pid of the
 * child as result when it executes one, or exits.
 */
#include "payload.h"
#include <sched.h>

#define STACK	(1 << 16)

static const char *program;
static char *go, *exits;
/* What the child says to its parent, by way of their memory; and the other way round. */
static volatile int on_the_way, returned, caught, other_thread;

static void nap(void)
{
	struct timespec ts = { .tv_nsec = 5 * MS };

	syscall(SYS_nanosleep, &ts, NULL);
}

/* Parent and child share everything of libc's, but one of them sleeps. */
static void until_go(void)
{
	while (syscall(SYS_access, go, F_OK))
		nap();
	/* Who does not wait any more has time to show it. */
	for (int i = 0; i < 20; i++)
		nap();
	on_the_way = returned ? -1 : 1;
}

static void handler(int sig)
{
	(void)sig;
	caught = on_the_way;
}

static int look_back(pid_t pid, const char *what)
{
	int status = -1;
	int way = on_the_way;

	returned = 1;
	expect_eq(way, 1, "%s: the parent has waited", what);
	expect_eq(waitpid(pid, &status, 0), pid, "%s: the result is the child", what);
	expect_eq(status, 3 << 8, "%s: its status", what);
	return payload_failed;
}

static int with_exit(void *unused)
{
	pid_t pid;

	(void)unused;
	signal(SIGUSR1, handler);
	tell("with exit");
	pid = vfork();
	if (!pid) {
		until_go();
		_exit(3);
	}
	/* The signal came in the middle of it. */
	expect_eq(caught, 1, "a signal is caught when the child is gone");
	return look_back(pid, "vfork and exit");
}

static int with_exec(void *unused)
{
	pid_t pid;

	(void)unused;
	tell("with exec");
	pid = vfork();
	if (!pid) {
		until_go();
		execl(program, program, payload_dir, "executed", NULL);
		_exit(1);
	}
	/* It lives until it is told not to. */
	expect_eq(waitpid(pid, NULL, WNOHANG), 0, "vfork and exec: the child goes on");
	write_file(exits, O_CREAT, "");
	return look_back(pid, "vfork and exec");
}

static int child_of_clone(void *unused)
{
	(void)unused;
	until_go();
	return 3;
}

/* As posix_spawn(3) does it, with a stack of its own, in one of two threads. */
static int sleeper(void *unused)
{
	(void)unused;
	while (!returned) {
		other_thread++;
		nap();
	}
	for (;;)
		nap();
	return 0;
}

static int with_clone(void *flags)
{
	char *stack = map_anon(2 * STACK, MAP_PRIVATE);
	int turns;
	pid_t pid;

	sure(clone(sleeper, stack + STACK,
		   CLONE_VM | CLONE_FILES | CLONE_FS | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM,
		   NULL));
	tell("with clone");
	turns = other_thread;
	pid = sure(clone(child_of_clone, stack + 2 * STACK, (long)flags | CLONE_VFORK | SIGCHLD, NULL));
	expect(other_thread > turns, "clone: the other thread goes on");
	/* Without CLONE_VM, what the child has written is its own. */
	if (!((long)flags & CLONE_VM)) {
		expect_eq(access(go, F_OK), 0, "clone without CLONE_VM: the parent has waited");
		on_the_way = 1;
	}
	return look_back(pid, "clone");
}

/* A child of vfork that sleeps in vfork itself. */
static int with_two(void *unused)
{
	pid_t pid, inner;

	(void)unused;
	tell("with two");
	pid = vfork();
	if (!pid) {
		inner = vfork();
		if (!inner) {
			until_go();
			_exit(0);
		}
		_exit(on_the_way == 1 ? 3 : 4);
	}
	return look_back(pid, "vfork in vfork");
}

int main(int argc, char **argv)
{
	pid_t pids[6];

	payload_begin(argc, argv);
	program = argv[0];
	go = strdup(file_at("go"));
	exits = strdup(file_at("exits"));
	if (argc == 3) {
		while (access(exits, F_OK))
			sleep_ms(5);
		return 3;
	}
	pids[0] = child(with_exit, NULL);
	pids[1] = child(with_exec, NULL);
	pids[2] = child(with_clone, (void *)(long)CLONE_VM);
	pids[3] = child(with_clone, (void *)(long)(CLONE_VM | CLONE_FILES | CLONE_FS | CLONE_SIGHAND));
	pids[4] = child(with_clone, NULL);
	pids[5] = child(with_two, NULL);
	for (int i = 0; i < 6; i++)
		while (task_state(pids[i]) != 'D')
			sleep_ms(5);
	kill(pids[0], SIGUSR1);
	if (pause_here())
		kill(pids[5], SIGKILL);
	for (int i = 0; i < 6; i++)
		reap(pids[i]);
	return payload_end();
}
