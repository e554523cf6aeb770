// SPDX-License-Identifier: GPL-2.0
/*
 * 1,000 threads, each with its own id, name, thread-local value, signal mask
 * and stack content; some spin, most sleep. All of them can be joined later.
 */
#include "payload.h"
#include <pthread.h>
#include <sys/prctl.h>

#define NR	1000
#define NR_SPIN	1

static __thread unsigned long own = 0xdead;
static __thread char padding[300] MAYBE_UNUSED;
static int ready, go, bad;
static pid_t tids[NR];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;

static void make(long n, sigset_t *set, char *name)
{
	sigemptyset(set);
	for (int bit = 0; bit < 10; bit++)
		if (n >> bit & 1)
			sigaddset(set, SIGRTMIN + bit);
	snprintf(name, 16, "thread-%ld", n);
}

static void *thread(void *arg)
{
	unsigned long on_stack[32];
	sigset_t mine, now;
	char name[16], is[16];
	long n = (long)arg, wrong = 0;

	make(n, &mine, name);
	own = n * 0x9e3779b97f4a7c15UL;
	for (int i = 0; i < 32; i++)
		on_stack[i] = own ^ i;
	prctl(PR_SET_NAME, name);
	pthread_sigmask(SIG_SETMASK, &mine, NULL);
	tids[n] = gettid();
	__atomic_add_fetch(&ready, 1, __ATOMIC_SEQ_CST);

	if (n < NR_SPIN) {
		while (!__atomic_load_n(&go, __ATOMIC_SEQ_CST))
			;
	} else {
		pthread_mutex_lock(&lock);
		while (!go)
			pthread_cond_wait(&cond, &lock);
		pthread_mutex_unlock(&lock);
	}

	wrong += own != n * 0x9e3779b97f4a7c15UL;
	for (int i = 0; i < 32; i++)
		wrong += on_stack[i] != (own ^ i);
	prctl(PR_GET_NAME, is);
	wrong += strcmp(is, name) != 0;
	pthread_sigmask(SIG_SETMASK, NULL, &now);
	wrong += memcmp(&now, &mine, 8) != 0;
	wrong += gettid() != tids[n];
	if (wrong)
		__atomic_add_fetch(&bad, 1, __ATOMIC_SEQ_CST);
	return (void *)(n + 1);
}

int main(int argc, char **argv)
{
	static pthread_t threads[NR];
	pthread_attr_t attr;
	long joined = 0;
	void *value;

	payload_begin(argc, argv);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 64 << 10);
	for (long n = 0; n < NR; n++)
		if (pthread_create(&threads[n], &attr, thread, (void *)n))
			sure(-1);
	while (__atomic_load_n(&ready, __ATOMIC_SEQ_CST) < NR)
		sleep_ms(5);

	if (pause_here())
		tids[7]++;
	pthread_mutex_lock(&lock);
	__atomic_store_n(&go, 1, __ATOMIC_SEQ_CST);
	pthread_cond_broadcast(&cond);
	pthread_mutex_unlock(&lock);
	for (long n = 0; n < NR; n++)
		joined += !pthread_join(threads[n], &value) && value == (void *)(n + 1);
	expect_eq(joined, NR, "joined threads");
	expect_eq(bad, 0, "threads that are not what they were");
	return payload_end();
}
