// SPDX-License-Identifier: GPL-2.0
/*
 * System V semaphores: values, owners, times, who has used them last; processes
 * that wait for them, with and without a time-out; what is undone when a process
 * ends (SEM_UNDO), also by a thread.
 */
#include "payload.h"
#include <pthread.h>
#include <sys/sem.h>

#define TIMEOUT	(12 * SECOND)

enum { PLAIN, DEAD, UNDONE, BY_THREAD, FOR_ZERO, FOR_MORE, FOR_TIME, NR };

union semun {
	int val;
	struct semid_ds *buf;
	unsigned short *array;
};

static int set;

static int change(int nr, int by, int flags)
{
	struct sembuf op = { nr, by, flags };

	return semop(set, &op, 1);
}

static int value(int nr)
{
	return sure(semctl(set, nr, GETVAL));
}

static void set_value(int nr, int to)
{
	sure(semctl(set, nr, SETVAL, (union semun){ .val = to }));
}

static int last(int nr)
{
	return sure(semctl(set, nr, GETPID));
}

static int dies(void *unused)
{
	(void)unused;
	return change(DEAD, 3, 0);
}

/* Its end takes back 4 and gives 2. */
static int adjusts(void *unused)
{
	sure(change(UNDONE, 4, SEM_UNDO));
	sure(change(PLAIN, -2, SEM_UNDO));
	tell("adjusts");
	await_go();
	await("looked");
	(void)unused;
	return 0;
}

static void *adjusting_thread(void *unused)
{
	sure(change(BY_THREAD, 5, SEM_UNDO));
	tell("thread adjusts");
	await_go();
	return unused;
}

/* The adjustments of a thread are those of its process. */
static int adjusts_by_thread(void *unused)
{
	pthread_t thread;

	pthread_create(&thread, NULL, adjusting_thread, NULL);
	await_go();
	pthread_join(thread, NULL);
	tell("thread is gone");
	await("looked again");
	(void)unused;
	return 0;
}

static int for_zero(void *unused)
{
	(void)unused;
	/* The C library makes it another call. */
	expect_eq(syscall(SYS_semop, set, &(struct sembuf){ FOR_ZERO, 0, 0 }, 1), 0, "semop for zero");
	return 0;
}

static int for_more(void *unused)
{
	struct sembuf ops[] = { { FOR_MORE, -3, 0 }, { FOR_MORE, 1, 0 } };

	(void)unused;
	expect_eq(semtimedop(set, ops, 2, &(struct timespec){ 400, 0 }), 0, "semtimedop that succeeds");
	return 0;
}

static int for_time(void *unused)
{
	struct sembuf op = { FOR_TIME, -1, 0 };
	long long begin = now_ns(CLOCK_MONOTONIC), took;

	expect_errno(semtimedop(set, &op, 1, &(struct timespec){ TIMEOUT / SECOND, 0 }), EAGAIN,
		     "semtimedop that does not");
	took = now_ns(CLOCK_MONOTONIC) - begin;
	expect(took >= TIMEOUT && took < TIMEOUT + patience() * SECOND, "time of semtimedop: %lld ms",
	       took / MS);
	(void)unused;
	return 0;
}

int main(int argc, char **argv)
{
	struct semid_ds before, after;
	int gone, private, again;
	pid_t pid[6];
	bool spoil;

	payload_begin(argc, argv);
	set = sure(semget(0x1234, NR, IPC_CREAT | 0640));
	private = sure(semget(IPC_PRIVATE, 1, 0600));
	gone = sure(semget(IPC_PRIVATE, 1, 0600));
	sure(semctl(gone, 0, IPC_RMID));
	set_value(PLAIN, 7);
	set_value(FOR_ZERO, 1);
	set_value(FOR_MORE, 1);
	pid[0] = child(dies, NULL);
	reap(pid[0]);
	pid[1] = child(adjusts, NULL);
	pid[2] = child(adjusts_by_thread, NULL);
	await("adjusts");
	await("thread adjusts");
	pid[3] = child(for_zero, NULL);
	pid[4] = child(for_more, NULL);
	pid[5] = child(for_time, NULL);
	await_syscall(pid[3], SYS_semop);
	await_syscall(pid[4], SYS_semtimedop);
	await_syscall(pid[5], SYS_semtimedop);
	sure(semctl(set, 0, IPC_STAT, (union semun){ .buf = &before }));
	before.sem_perm.uid = 1000;
	before.sem_perm.gid = 1001;
	before.sem_perm.mode = 0604;
	sure(semctl(set, 0, IPC_SET, (union semun){ .buf = &before }));
	sure(semctl(set, 0, IPC_STAT, (union semun){ .buf = &before }));

	spoil = pause_here();
	if (spoil)
		set_value(DEAD, 1);
	expect_eq(semget(0x1234, NR, 0), set, "identifier by key");
	sure(semctl(set, 0, IPC_STAT, (union semun){ .buf = &after }));
	expect(after.sem_perm.uid == 1000 && after.sem_perm.gid == 1001, "owner");
	expect(after.sem_perm.cuid == before.sem_perm.cuid && after.sem_perm.cgid == before.sem_perm.cgid,
	       "creator");
	expect_eq(after.sem_perm.mode, 0604, "permissions");
	expect_eq(after.sem_otime, before.sem_otime, "time of the last operation");
	expect_eq(after.sem_ctime, before.sem_ctime, "time of the last change");
	expect_eq(value(PLAIN), 5, "value");
	expect_eq(last(PLAIN), pid[1], "who has changed it");
	expect_eq(value(DEAD), 3, "value that a dead process has changed");
	expect_eq(last(DEAD), pid[0], "number of the dead process");
	expect_eq(value(UNDONE), 4, "value that will be undone");
	expect_eq(sure(semctl(private, 0, GETVAL)), 0, "a set without a key");
	expect_eq(last(FOR_TIME), 0, "nobody has used it");
	again = sure(semget(IPC_PRIVATE, 1, 0600));
	expect(again != gone, "a new identifier, not that of a removed set");

	tell("looked");
	reap(pid[1]);
	expect_eq(value(UNDONE), 0, "adjustment at the end of a process");
	expect_eq(value(PLAIN), 7, "another one, upwards");
	await("thread is gone");
	expect_eq(value(BY_THREAD), 5, "the end of a thread adjusts nothing");
	tell("looked again");
	reap(pid[2]);
	expect_eq(value(BY_THREAD), 0, "that of its process does");
	expect_eq(sure(semctl(set, FOR_ZERO, GETZCNT)), 1, "who waits for zero");
	expect_eq(sure(semctl(set, FOR_MORE, GETNCNT)), 1, "who waits for more");
	sure(change(FOR_ZERO, -1, 0));
	reap(pid[3]);
	sure(change(FOR_MORE, 2, 0));
	reap(pid[4]);
	expect_eq(value(FOR_MORE), 1, "value after it");
	reap(pid[5]);
	return payload_end();
}
