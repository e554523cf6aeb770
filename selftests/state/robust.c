// SPDX-License-Identifier: GPL-2.0
/*
 * What the kernel does when a thread ends: owners of robust mutexes are
 * reported dead, the word of set_tid_address() is cleared.
 */
#include "payload.h"
#include <linux/futex.h>
#include <pthread.h>

struct shared {
	pthread_mutex_t held, waited;
};

static void make(pthread_mutex_t *mutex)
{
	pthread_mutexattr_t attr;

	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
	pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	pthread_mutex_init(mutex, &attr);
}

/* It dies with both. */
static int owner(void *arg)
{
	struct shared *shared = arg;

	pthread_mutex_lock(&shared->held);
	pthread_mutex_lock(&shared->waited);
	tell("owner");
	await_go();
	await("die");
	return 0;
}

static int waiter(void *arg)
{
	struct shared *shared = arg;

	tell("waiter");
	expect_eq(pthread_mutex_lock(&shared->waited), EOWNERDEAD, "who waits for a mutex whose owner dies");
	return 0;
}

static void *thread(void *mutex)
{
	pthread_mutex_lock(mutex);
	tell("thread");
	await_go();
	await("die");
	return mutex;
}

int main(int argc, char **argv)
{
	struct shared *shared = map_anon(PAGE, MAP_SHARED);
	static pthread_mutex_t private;
	pid_t pid[2];
	pthread_t other;
	void *value = NULL;

	payload_begin(argc, argv);
	make(&shared->held);
	make(&shared->waited);
	make(&private);
	pid[0] = child(owner, shared);
	await("owner");
	pid[1] = child(waiter, shared);
	await("waiter");
	await_syscall(pid[1], SYS_futex);
	pthread_create(&other, NULL, thread, &private);
	await("thread");

	if (pause_here())
		kill(pid[1], SIGKILL);
	expect_eq(pthread_mutex_trylock(&shared->held), EBUSY, "mutex of another process is held");
	expect_eq(pthread_mutex_trylock(&private), EBUSY, "mutex of another thread is held");
	tell("die");
	expect_eq(pthread_mutex_lock(&shared->held), EOWNERDEAD, "mutex whose owner died");
	expect_eq(pthread_mutex_consistent(&shared->held), 0, "it can be used again");
	reap(pid[0]);
	reap(pid[1]);
	expect_eq(pthread_join(other, &value), 0, "thread can be joined");
	expect(value == &private, "its value");
	expect_eq(pthread_mutex_lock(&private), EOWNERDEAD, "mutex that it held");
	return payload_end();
}
