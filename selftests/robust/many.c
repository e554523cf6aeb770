// SPDX-License-Identifier: GPL-2.0
/*
 * many DIR threads|processes COUNT: a container of so many tasks, each of which
 * knows what it is. The file "ready" is there when all of them sleep; when "go"
 * is there, each looks whether it is what it was. Exits with success if all are.
 */
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define STACK	16384

static int gate[2], bad;
static long nr, ready;
static __thread uint64_t own;

static uint64_t value_of(long n)
{
	return (n + 1) * 0x9e3779b97f4a7c15ULL;
}

/* Remembers what it is, in registers, on its stack and elsewhere; true if all is the same. */
static int sleep_and_look(long n)
{
	volatile uint64_t on_stack[4] = { value_of(n), ~value_of(n), n, 0 };
	char name[16], now[16];
	pid_t tid = gettid();
	char byte;

	own = value_of(n);
	snprintf(name, sizeof(name), "many-%ld", n);
	prctl(PR_SET_NAME, name);
	__atomic_add_fetch(&ready, 1, __ATOMIC_SEQ_CST);
	/* Its end is all that ever comes. */
	if (read(gate[0], &byte, 1))
		return 0;
	prctl(PR_GET_NAME, now);
	return own == value_of(n) && on_stack[0] == own && on_stack[1] == ~own &&
	       on_stack[2] == (uint64_t)n && gettid() == tid && !strcmp(name, now);
}

static void *thread(void *number)
{
	if (!sleep_and_look((long)number))
		__atomic_store_n(&bad, 1, __ATOMIC_SEQ_CST);
	return number;
}

static void await(const char *name)
{
	while (access(name, F_OK))
		usleep(20000);
}

static void announce(void)
{
	int fd = open("ready", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

	if (fd < 0)
		err(1, "ready");
	close(fd);
	await("go");
	close(gate[1]);
}

static int threads(void)
{
	pthread_t *all = calloc(nr, sizeof(*all));
	pthread_attr_t attr;
	void *number;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK);
	for (long n = 0; n < nr; n++)
		if (pthread_create(&all[n], &attr, thread, (void *)n))
			errx(1, "thread %ld cannot be created", n);
	while (__atomic_load_n(&ready, __ATOMIC_SEQ_CST) < nr)
		usleep(5000);
	announce();
	for (long n = 0; n < nr; n++)
		if (pthread_join(all[n], &number) || number != (void *)n)
			bad = 1;
	return bad;
}

static int processes(void)
{
	pid_t *all = calloc(nr, sizeof(*all));
	int said[2], status;
	char byte;

	if (pipe(said))
		err(1, "pipe");
	for (long n = 0; n < nr; n++) {
		all[n] = fork();
		if (all[n] < 0)
			err(1, "process %ld", n);
		if (!all[n]) {
			close(gate[1]);
			close(said[0]);
			if (write(said[1], "", 1) != 1)
				_exit(1);
			close(said[1]);
			_exit(!sleep_and_look(n) || getppid() != 1);
		}
	}
	for (long n = 0; n < nr; n++)
		if (read(said[0], &byte, 1) != 1)
			errx(1, "a process is not there");
	announce();
	for (long n = 0; n < nr; n++)
		bad |= waitpid(all[n], &status, 0) != all[n] || status;
	return bad;
}

int main(int argc, char **argv)
{
	if (argc != 4 || chdir(argv[1]))
		errx(2, "usage: many DIR threads|processes COUNT");
	nr = strtol(argv[3], NULL, 10);
	if (pipe(gate))
		err(1, "pipe");
	return strcmp(argv[2], "threads") ? processes() : threads();
}
