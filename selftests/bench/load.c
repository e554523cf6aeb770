// SPDX-License-Identifier: GPL-2.0
/*
 * What is measured: load PROCESSES THREADS MEGABYTES CONNECTIONS DESCRIPTORS READY
 *
 * A process that touches so much anonymous memory and has so many children and
 * threads in all, itself among them. Its first child is connected with it over
 * TCP so many times, and it has so many files open besides. All of them sleep, as
 * most processes do most of the time. The file READY appears when they do.
 *
 * What children write to is to be in few pages: each has its own copy of them.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <err.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
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

static int *connections;
static int nr_connections;

/* The first is the child's end, the second ours. */
static void connect_all(int count)
{
	struct sockaddr_in name = { .sin_family = AF_INET,
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(name);
	int listener = socket(AF_INET, SOCK_STREAM, 0);

	connections = calloc(count, 2 * sizeof(int));
	if (!connections || listener < 0 || bind(listener, (struct sockaddr *)&name, len) ||
	    listen(listener, 1) || getsockname(listener, (struct sockaddr *)&name, &len))
		err(1, "listen");
	for (; nr_connections < count; nr_connections++) {
		int *ends = connections + 2 * nr_connections;

		ends[0] = socket(AF_INET, SOCK_STREAM, 0);
		if (ends[0] < 0 || connect(ends[0], (struct sockaddr *)&name, len))
			err(1, "connect");
		ends[1] = accept(listener, NULL, NULL);
		if (ends[1] < 0)
			err(1, "accept");
	}
	close(listener);
}

static void close_ends(int which)
{
	for (int i = 0; i < nr_connections; i++)
		close(connections[2 * i + which]);
}

/* Answers what comes on each connection, one after the other. */
static void answer_for_ever(void) __attribute__((noreturn));
static void answer_for_ever(void)
{
	char byte;

	for (int i = 0;; i = (i + 1) % nr_connections) {
		if (read(connections[2 * i], &byte, 1) != 1)
			errx(1, "a connection is gone");
		byte++;
		if (write(connections[2 * i], &byte, 1) != 1)
			err(1, "write");
	}
}

static void ask_all(void)
{
	char byte = 'a';

	for (int i = 0; i < nr_connections; i++)
		if (write(connections[2 * i + 1], &byte, 1) != 1)
			err(1, "write");
	for (int i = 0; i < nr_connections; i++)
		if (read(connections[2 * i + 1], &byte, 1) != 1 || byte != 'b')
			errx(1, "no answer");
}

/* Files and eventfds: of pipes, criu takes only some hundreds. */
static void open_all(const char *program, int count)
{
	for (int i = 0; i < count; i += 2)
		if (eventfd(0, 0) < 0 || open(program, O_RDONLY) < 0)
			err(1, "open");
}

/*
 * Each time it is told to, changes every hundredth page, and asks on every
 * connection.
 */
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
		ask_all();
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

static void child(int number)
{
	started();
	close(ready[0]);
	close(ready[1]);
	close_ends(1);
	if (!number && nr_connections)
		answer_for_ever();
	close_ends(0);
	sleep_for_ever();
}

int main(int argc, char **argv)
{
	struct rlimit files = { 65536, 65536 };
	pthread_attr_t attr;
	size_t memory;
	uint32_t *words = NULL;
	sigset_t change;
	int count;

	if (argc != 7)
		errx(2, "usage: load PROCESSES THREADS MEGABYTES CONNECTIONS DESCRIPTORS READY");
	if (setrlimit(RLIMIT_NOFILE, &files))
		err(1, "setrlimit");
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

	connect_all(atoi(argv[4]));
	count = atoi(argv[1]) - 1;
	for (int i = 0; i < count; i++) {
		switch (fork()) {
		case -1:
			err(1, "fork");
		case 0:
			child(i);
		}
	}
	wait_for(count);
	close_ends(0);
	open_all(argv[0], atoi(argv[5]));

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
	touch(argv[6]);
	change_for_ever(&change, words, memory, argv[6]);
}
