// SPDX-License-Identifier: GPL-2.0
/* Objects of an IPC namespace, which belong to no process. */
#include "cases.h"
#include <mqueue.h>
#include <sched.h>
#include <sys/sem.h>
#include <sys/shm.h>

static void make_locked(void)
{
	sure(shmctl(sure(shmget(IPC_PRIVATE, PAGE, 0600)), SHM_LOCK, NULL));
}

static int asks_and_ends(void *unused)
{
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1 };

	(void)unused;
	sure(mq_notify(sure(mq_open("/notifies", O_RDWR | O_CREAT, 0600, NULL)), &event));
	return 0;
}

/* By a process that is gone, and had its descriptors in common with one that is not. */
static void make_notification(void)
{
	char *stack = map_anon(16 * PAGE, MAP_PRIVATE);
	pid_t pid = sure(clone(asks_and_ends, stack + 16 * PAGE, CLONE_FILES | SIGCHLD, NULL));

	reap(pid);
}

static int set, state;

/* A thread with adjustments of its own. It shares the C library's data with the other one. */
static int adjusts(void *unused)
{
	struct sembuf op = { 0, 1, SEM_UNDO };

	(void)unused;
	__atomic_store_n(&state, semop(set, &op, 1) ? -1 : 1, __ATOMIC_SEQ_CST);
	for (;;)
		syscall(SYS_pause);
	return 0;
}

static void make_adjustments(void)
{
	char *stack = map_anon(16 * PAGE, MAP_PRIVATE);

	set = sure(semget(IPC_PRIVATE, 1, 0600));
	sure(clone(adjusts, stack + 16 * PAGE,
		   CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD, NULL));
	while (!__atomic_load_n(&state, __ATOMIC_SEQ_CST))
		sleep_ms(5);
	expect_eq(state, 1, "semop with SEM_UNDO");
}

static const struct case_ cases[] = {
	{ "adjustments", "adjustments that are not those of its process \\(clone without CLONE_SYSVSEM\\)",
	  make_adjustments, NULL },
	{ "locked", "System V shared memory [0-9]+ is locked", make_locked, NULL },
	{ "notification", "POSIX message queue notifies has a notification", make_notification, NULL },
};

int main(int argc, char **argv)
{
	return run_cases(argc, argv, cases, ARRAY_SIZE(cases));
}
