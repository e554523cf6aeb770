// SPDX-License-Identifier: GPL-2.0
/*
 * What is measured: load PROCESSES THREADS MEGABYTES READY
 *
 * A process that touches so much anonymous memory and has so many children and
 * threads in all, itself among them. All of them sleep, as most processes do
 * most of the time. The file READY appears when they do.
 *
 * What children write to is to be in few pages: each has its own copy of them.
 */
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static int ready[2];

static void started(void)
{
	if (write(ready[1], "", 1) != 1)
		err(1, "write");
}

static void wait_for(int count)
{
	char byte;

	while (count-- > 0)
		if (read(ready[0], &byte, 1) != 1)
			err(1, "read");
}

static void touch(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0)
		err(1, "%s", path);
	close(fd);
}

/* Changes every hundredth page each time it is told to. */
static void change_for_ever(const sigset_t *change, uint32_t *words, size_t memory,
			    const char *ready) __attribute__((noreturn));
static void change_for_ever(const sigset_t *change, uint32_t *words, size_t memory,
			    const char *ready)
{
	char *path = malloc(strlen(ready) + sizeof(".changed"));
	int signal;

	if (!path)
		err(1, "malloc");
	stpcpy(stpcpy(path, ready), ".changed");
	while (!sigwait(change, &signal)) {
		for (size_t i = 0; i < memory / sizeof(*words); i += 102400)
			words[i]++;
		touch(path);
	}
	errx(1, "sigwait");
}

static void sleep_for_ever(void) __attribute__((noreturn));
static void sleep_for_ever(void)
{
	for (;;)
		pause();
}

static void *thread(void *unused)
{
	(void)unused;
	started();
	sleep_for_ever();
}

static void child(void)
{
	started();
	close(ready[0]);
	close(ready[1]);
	sleep_for_ever();
}

int main(int argc, char **argv)
{
	pthread_attr_t attr;
	size_t memory;
	uint32_t *words = NULL;
	sigset_t change;
	int count;

	if (argc != 5)
		errx(2, "usage: load PROCESSES THREADS MEGABYTES READY");
	if (pipe(ready))
		err(1, "pipe");
	sigemptyset(&change);
	sigaddset(&change, SIGUSR1);
	sigprocmask(SIG_BLOCK, &change, NULL);

	memory = strtoul(argv[3], NULL, 10) << 20;
	if (memory) {
		words = mmap(NULL, memory, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (words == MAP_FAILED)
			err(1, "mmap");
		/* Pages of 4 KB, all different and none empty. */
		madvise(words, memory, MADV_NOHUGEPAGE);
		for (size_t i = 0; i < memory / sizeof(*words); i += 64)
			words[i] = i * 2654435761u + 1;
	}

	count = atoi(argv[1]) - 1;
	for (int i = 0; i < count; i++) {
		switch (fork()) {
		case -1:
			err(1, "fork");
		case 0:
			child();
		}
	}
	wait_for(count);

	count = atoi(argv[2]) - 1;
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 65536);
	for (int i = 0; i < count; i++) {
		pthread_t id;

		if (pthread_create(&id, &attr, thread, NULL))
			errx(1, "pthread_create");
	}
	wait_for(count);

	close(ready[0]);
	close(ready[1]);
	touch(argv[4]);
	change_for_ever(&change, words, memory, argv[4]);
}
