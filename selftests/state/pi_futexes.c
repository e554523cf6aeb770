// SPDX-License-Identifier: GPL-2.0
/*
 * Mutexes with priority inheritance: held, waited for, with a time-out, by a
 * thread with a higher priority; and robust ones, whose owner dies.
 */
#include "payload.h"
#include <pthread.h>
#include <sched.h>

#define WAITERS		0x80000000U

struct shared {
	pthread_mutex_t free, held, wanted, robust;
};

static struct shared *shared;
static volatile int got;

static void make(pthread_mutex_t *mutex, int robust)
{
	pthread_mutexattr_t attr;

	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setprotocol(&attr, PTHREAD_PRIO_INHERIT);
	pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	pthread_mutexattr_setrobust(&attr, robust);
	pthread_mutex_init(mutex, &attr);
}

/* The word that the kernel knows. */
static unsigned int word_of(pthread_mutex_t *mutex)
{
	return *(volatile unsigned int *)mutex;
}

/* The priority that a task has at the moment, as ps shows it. */
static long priority(void)
{
	char text[512], *at;
	long value = 0;

	if (read_file("/proc/thread-self/stat", text, sizeof(text)) > 0 && (at = strrchr(text, ')')))
		sscanf(at + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %ld", &value);
	return value;
}

static void *waiter(void *arg)
{
	struct timespec far = { now_ns(CLOCK_REALTIME) / SECOND + 3600, 0 };
	struct sched_param param = { .sched_priority = 10 };
	long which = (long)arg;
	int err;

	if (which == 0)
		sure(sched_setscheduler(0, SCHED_FIFO, &param));
	err = which == 1 ? pthread_mutex_timedlock(&shared->wanted, &far) : pthread_mutex_lock(&shared->wanted);
	expect_eq(err, 0, "waiter %ld gets the mutex", which);
	__atomic_fetch_add(&got, 1, __ATOMIC_SEQ_CST);
	pthread_mutex_unlock(&shared->wanted);
	return NULL;
}

/* It dies with a mutex that others wait for. */
static int owner(void *unused)
{
	pthread_mutex_lock(&shared->robust);
	tell("owner");
	await("checked");
	(void)unused;
	_exit(0);
}

static int heir(void *unused)
{
	int err;

	tell("heir");
	err = pthread_mutex_lock(&shared->robust);
	expect_eq(err, EOWNERDEAD, "mutex of an owner that has died");
	expect_eq(pthread_mutex_consistent(&shared->robust), 0, "it can be mended");
	expect_eq(pthread_mutex_unlock(&shared->robust), 0, "and unlocked");
	(void)unused;
	return 0;
}

int main(int argc, char **argv)
{
	pthread_t threads[3];
	pid_t pid[2];

	payload_begin(argc, argv);
	shared = map_anon(PAGE, MAP_SHARED);
	make(&shared->free, PTHREAD_MUTEX_STALLED);
	make(&shared->held, PTHREAD_MUTEX_STALLED);
	make(&shared->wanted, PTHREAD_MUTEX_STALLED);
	make(&shared->robust, PTHREAD_MUTEX_ROBUST);
	pthread_mutex_lock(&shared->held);
	pthread_mutex_lock(&shared->wanted);
	for (long i = 0; i < 3; i++)
		sure(pthread_create(&threads[i], NULL, waiter, (void *)i));
	pid[0] = child(owner, NULL);
	await("owner");
	pid[1] = child(heir, NULL);
	await("heir");
	while (!(word_of(&shared->wanted) & WAITERS) || !(word_of(&shared->robust) & WAITERS) || priority() > -11)
		sleep_ms(5);

	if (pause_here()) {
		pthread_mutex_unlock(&shared->wanted);
		sleep_ms(50);
		pthread_mutex_lock(&shared->wanted);
	}
	expect_eq(got, 0, "nobody has got what is held");
	expect_eq(word_of(&shared->held), getpid(), "mutex that is held");
	expect_eq(word_of(&shared->wanted), getpid() | WAITERS, "mutex that is waited for");
	/* As soon as the waiters have issued their calls again. */
	for (int i = 0; i < 400 && priority() > -11; i++)
		sleep_ms(5);
	expect_eq(priority(), -11, "priority from who waits");
	expect_eq(pthread_mutex_unlock(&shared->wanted), 0, "it is given up");
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	expect_eq(got, 3, "all have got it");
	expect(priority() > 0, "priority of its own: %ld", priority());
	expect_eq(pthread_mutex_unlock(&shared->held), 0, "what was held is given up");
	expect_eq(pthread_mutex_trylock(&shared->free), 0, "what was free can be had");
	tell("checked");
	reap(pid[0]);
	reap(pid[1]);
	return payload_end();
}
