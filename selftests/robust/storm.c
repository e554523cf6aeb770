// SPDX-License-Identifier: GPL-2.0
/*
 * storm DIR: processes and threads that are born and die all the time, so that a
 * checkpoint finds them at every moment of their lives. Every one of them checks
 * what it is told, and its creator checks how it ends. What is wrong is written
 * to DIR/wrong. A file DIR/stop ends it, with status 0 if nothing was.
 */
#include "payload.h"
#include <pthread.h>

#define NR_WORKERS	3

static void wrong(const char *what, long long got, long long wanted)
{
	char line[200];
	int n = snprintf(line, sizeof(line), "pid %d: %s: %lld, wanted %lld: %s\n", getpid(), what,
			 got, wanted, strerror(errno));
	int fd = open(file_at("wrong"), O_WRONLY | O_APPEND | O_CREAT, 0600);

	if (write(fd, line, n) != n)
		_exit(101);
	_exit(102);
}

static void check(const char *what, long long got, long long wanted)
{
	if (got != wanted)
		wrong(what, got, wanted);
}

static void *thread(void *arg)
{
	struct timespec ts = timespec_of(MS / 10);

	check("nanosleep of a thread", nanosleep(&ts, NULL), 0);
	return (char *)arg + 1;
}

/* What a young process does: it looks around, and leaves. */
static int live(int n)
{
	struct timespec ts = timespec_of(n % 3 * MS / 2);
	pthread_t threads[2];
	char name[32], text[16];
	int fds[2], fd;
	void *result;

	snprintf(name, sizeof(name), "file-%d", n % 7);
	fd = open(file_at(name), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		wrong("open", fd, 3);
	check("write of nothing", write(fd, "", 0), 0);
	check("close", close(fd), 0);
	check("nanosleep", nanosleep(&ts, NULL), 0);
	check("pipe", pipe(fds), 0);
	check("write", write(fds[1], "something", 10), 10);
	if (n % 5 == 0) {
		for (int i = 0; i < 2; i++)
			check("pthread_create", pthread_create(&threads[i], NULL, thread, text + i), 0);
		for (int i = 0; i < 2; i++) {
			check("pthread_join", pthread_join(threads[i], &result), 0);
			check("result of a thread", (char *)result - text, i + 1);
		}
	}
	check("read", read(fds[0], text, sizeof(text)), 10);
	check("content", memcmp(text, "something", 10), 0);
	return n % 100;
}

/* Its children are up to three generations. */
static int generation(int n, int depth)
{
	int status = -1;
	pid_t pid = fork();

	if (pid < 0)
		wrong("fork", pid, 0);
	if (!pid)
		_exit(depth ? generation(n, depth - 1) : live(n));
	check("waitpid", waitpid(pid, &status, 0), pid);
	check("wait status", status, n % 100 << 8);
	return n % 100;
}

static int work(void *unused)
{
	for (int n = 0; access(file_at("stop"), F_OK); n++)
		generation(n, n % 3);
	(void)unused;
	return 0;
}

int main(int argc, char **argv)
{
	pid_t pids[NR_WORKERS];
	int status;

	payload_begin(argc, argv);
	for (int i = 0; i < NR_WORKERS; i++)
		pids[i] = child(work, NULL);
	tell("ready");
	for (int i = 0; i < NR_WORKERS; i++) {
		check("worker", waitpid(pids[i], &status, 0), pids[i]);
		check("status of a worker", status, 0);
	}
	return 0;
}
