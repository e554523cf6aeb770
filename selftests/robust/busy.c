// SPDX-License-Identifier: GPL-2.0
/*
 * busy: memory that changes all the time and is consistent at any moment. An
 * image of it that mixes two moments is found out after its restart: the loops
 * below then meet a page that is ahead of or behind what they expect.
 *
 * It uses no files. SIGTERM ends it: with status 0, or 1 if it met such a page.
 */
#define _GNU_SOURCE
#include <err.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE		4096UL

#define NR_PRIVATE	300
#define NR_SHARED	100

static volatile int stop, bad;

static volatile uint64_t *map(size_t pages, int flags)
{
	void *p = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_ANONYMOUS | flags, -1, 0);

	if (p == MAP_FAILED)
		err(1, "mmap");
	return p;
}

static void terminate(int sig)
{
	stop = sig;
}

/* A thread: every page of its memory has the same number, but for where it is. */
static void *private_thread(void *unused)
{
	volatile uint64_t *area = map(NR_PRIVATE, MAP_PRIVATE);

	for (uint64_t round = 0; !stop; round++) {
		for (size_t page = 0; page < NR_PRIVATE; page++) {
			volatile uint64_t *word = area + page * PAGE / 8 + page % 500;

			if (*word != round)
				bad = 1;
			*word = round + 1;
		}
	}
	return unused;
}

/* Two processes take turns on shared memory. */
static void take_turns(volatile uint64_t *area, uint64_t me)
{
	volatile uint64_t *turn = area, *end = area + 1;

	for (uint64_t round = me; !stop && !*end; round += 2) {
		while (__atomic_load_n(turn, __ATOMIC_SEQ_CST) != round && !*end && !stop)
			sched_yield();
		if (*end || stop)
			break;
		for (size_t page = 1; page < NR_SHARED; page++) {
			volatile uint64_t *word = area + page * PAGE / 8 + page;

			if (*word != round)
				bad = 1;
			*word = round + 1;
		}
		__atomic_store_n(turn, round + 1, __ATOMIC_SEQ_CST);
	}
	*end = 1;
}

static void *shared_thread(void *area)
{
	take_turns(area, 0);
	return area;
}

static int other(void *area)
{
	take_turns(area, 1);
	return bad;
}

int main(void)
{
	struct sigaction sa = { .sa_handler = terminate };
	volatile uint64_t *area = map(NR_SHARED, MAP_SHARED);
	pthread_t threads[2];
	int status = -1;
	pid_t pid;

	pid = fork();
	if (pid < 0)
		err(1, "fork");
	if (!pid)
		_exit(other((void *)area));
	sigaction(SIGTERM, &sa, NULL);
	pthread_create(&threads[0], NULL, private_thread, NULL);
	pthread_create(&threads[1], NULL, shared_thread, (void *)area);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	waitpid(pid, &status, 0);
	return bad || status;
}
