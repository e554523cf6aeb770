// SPDX-License-Identifier: GPL-2.0
/*
 * debugged ROUNDS: what debug.sh looks at with gdb. One thread adds up, the
 * other one counts down, each when it is its turn.
 */
#include <pthread.h>
#include <stdlib.h>

struct entry {
	int number;
	const char *name;
	struct entry *next;
};

static long total;
static int left, turn;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t turned = PTHREAD_COND_INITIALIZER;

static void await_turn(int whose)
{
	pthread_mutex_lock(&lock);
	while (turn != whose)
		pthread_cond_wait(&turned, &lock);
	pthread_mutex_unlock(&lock);
}

static void give_turn(int to)
{
	pthread_mutex_lock(&lock);
	turn = to;
	pthread_cond_broadcast(&turned);
	pthread_mutex_unlock(&lock);
}

static long weigh(const struct entry *entry, int depth)
{
	if (!entry)
		return depth;
	return entry->number + weigh(entry->next, depth + 1);
}

static void add(int number)
{
	struct entry last = { number, "last", NULL };
	struct entry first = { number * 2, "first", &last };

	total += weigh(&first, 0);
}

static void count_down(void)
{
	left--;
}

static void *other(void *unused)
{
	while (left) {
		await_turn(1);
		count_down();
		give_turn(0);
	}
	return unused;
}

int main(int argc, char **argv)
{
	pthread_t thread;

	left = argc > 1 ? atoi(argv[1]) : 1;
	pthread_create(&thread, NULL, other, NULL);
	for (int round = 0; left; round++) {
		for (int number = 0; number < 12; number++)
			add(number);
		give_turn(1);
		await_turn(0);
	}
	pthread_join(thread, NULL);
	return total % 100;
}
