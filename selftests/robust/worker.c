// SPDX-License-Identifier: GPL-2.0
/*
 * worker DIR LINES [spawn]: work that never stands still, with a result that is
 * known. Numbers go from one process to a second, whose threads work on them,
 * and on to a third that appends them to DIR/out. Timers tick meanwhile, short-
 * lived children come and go, also such that execute another program ("spawn").
 * It ends after so many lines, or when there is a file DIR/stop.
 *
 * A call that is interrupted though no signal came, a short write or a wrong
 * number leaves its trace in the output.
 */
#include "payload.h"
#include <pthread.h>
#include <spawn.h>
#include <sys/time.h>

#define NR_THREADS	3

struct job {
	uint64_t number, result;
	int done;
};

static int to_pool[2], to_writer[2];
static bool spawns;

static void fail(const char *what)
{
	char line[200];
	int n = snprintf(line, sizeof(line), "%s: %s\n", what, strerror(errno));
	int fd = open(file_at("out"), O_WRONLY | O_APPEND | O_CREAT, 0600);

	if (write(fd, line, n) != n)
		_exit(101);
	_exit(100);
}

/* With SA_RESTART none of these may be interrupted or cut short. */
static void put(int fd, const void *data, size_t size)
{
	if (write(fd, data, size) != (ssize_t)size)
		fail("write");
}

static bool get(int fd, void *data, size_t size)
{
	ssize_t n = read(fd, data, size);

	if (n && n != (ssize_t)size)
		fail("read");
	return n;
}

static uint64_t work(uint64_t x)
{
	for (int i = 0; i < 2000; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
	}
	return x;
}

static volatile long ticks;

static void tick(int sig)
{
	ticks++;
	(void)sig;
}

static int exits(void *code)
{
	struct timespec ts = timespec_of(MS);

	if (nanosleep(&ts, NULL))
		return 99;
	return (long)code;
}

/* A child whose exit status becomes part of the number. */
static uint64_t with_child(uint64_t n)
{
	static char *const argv[] = { "false", NULL };
	int status = -1;
	pid_t pid;

	if (spawns && n % 40 == 0) {
		if (posix_spawn(&pid, "/bin/false", NULL, NULL, argv, NULL))
			fail("posix_spawn");
	} else {
		pid = child(exits, (void *)(n % 100));
	}
	if (waitpid(pid, &status, 0) != pid)
		fail("waitpid");
	if (spawns && n % 40 == 0)
		return status == 1 << 8 ? n : 0;
	return n - n % 100 + (status >> 8);
}

/* The first process, init. Its timer interrupts it, but only to go on. */
static void produce(uint64_t lines)
{
	struct sigaction sa = { .sa_handler = tick, .sa_flags = SA_RESTART };
	struct itimerval timer = { { 0, 7000 }, { 0, 7000 } };

	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &timer, NULL);
	for (uint64_t n = 1; n <= lines && access(file_at("stop"), F_OK); n++) {
		uint64_t number = n % 20 ? n : with_child(n);

		put(to_pool[1], &number, sizeof(number));
	}
	memset(&timer, 0, sizeof(timer));
	setitimer(ITIMER_REAL, &timer, NULL);
}

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static struct job jobs[NR_THREADS];

/* One of the second process; state 1 is a job, 2 its result. */
static void *pool_thread(void *arg) __attribute__((noreturn));
static void *pool_thread(void *arg)
{
	struct job *job = arg;

	for (;;) {
		pthread_mutex_lock(&lock);
		while (job->done != 1)
			pthread_cond_wait(&cond, &lock);
		pthread_mutex_unlock(&lock);
		job->result = work(job->number);
		pthread_mutex_lock(&lock);
		job->done = 2;
		pthread_cond_broadcast(&cond);
		pthread_mutex_unlock(&lock);
	}
}

static int pool(void *unused)
{
	pthread_t thread;
	int given = 0, n;

	close(to_pool[1]);
	close(to_writer[0]);
	for (int i = 0; i < NR_THREADS; i++)
		pthread_create(&thread, NULL, pool_thread, &jobs[i]);
	do {
		for (n = 0; n < NR_THREADS && get(to_pool[0], &jobs[n].number, 8); n++)
			;
		given = n;
		pthread_mutex_lock(&lock);
		for (int i = 0; i < given; i++)
			jobs[i].done = 1;
		pthread_cond_broadcast(&cond);
		for (int i = 0; i < given; i++)
			while (jobs[i].done != 2)
				pthread_cond_wait(&cond, &lock);
		pthread_mutex_unlock(&lock);
		for (int i = 0; i < given; i++)
			put(to_writer[1], &jobs[i], sizeof(jobs[i]));
	} while (given == NR_THREADS);
	(void)unused;
	return 0;
}

static int writer(void *unused)
{
	struct job job;
	char line[64];
	int fd = sure(open(file_at("out"), O_WRONLY | O_APPEND | O_CREAT, 0600)), n;

	close(to_pool[0]);
	close(to_pool[1]);
	close(to_writer[1]);
	while (get(to_writer[0], &job, sizeof(job))) {
		n = snprintf(line, sizeof(line), "%lu %016lx\n", job.number, job.result);
		put(fd, line, n);
	}
	(void)unused;
	return 0;
}

int main(int argc, char **argv)
{
	pid_t pid[2];

	if (argc < 3)
		return 2;
	payload_begin(argc, argv);
	spawns = argc > 3 && !strcmp(argv[3], "spawn");
	sure(pipe(to_pool));
	sure(pipe(to_writer));
	pid[0] = child(pool, NULL);
	pid[1] = child(writer, NULL);
	close(to_pool[0]);
	close(to_writer[0]);
	close(to_writer[1]);
	produce(strtoul(argv[2], NULL, 10));
	close(to_pool[1]);
	for (int i = 0, status; i < 2; i++)
		if (waitpid(pid[i], &status, 0) != pid[i] || status)
			return 1;
	return 0;
}
