// SPDX-License-Identifier: GPL-2.0
/*
 * stops DIR: a process of several threads that is stopped and continued all the
 * time. Its parent is told each once, and nothing of it moves in between. What
 * is not so is written to DIR/wrong. It ends when there is a file DIR/stop.
 */
#include "payload.h"
#include <pthread.h>
#include <sched.h>

#define NR_THREADS	3

static volatile unsigned long *turns;
static int pipe_fds[2];

static void wrong(const char *what, long got)
{
	char line[200];

	snprintf(line, sizeof(line), "%s: %ld\n", what, got);
	write_file(file_at("wrong"), O_CREAT | O_APPEND, line);
}

static void *spins(void *number) __attribute__((noreturn));
static void *spins(void *number)
{
	for (;;)
		turns[(long)number]++;
}

static void *naps(void *unused)
{
	struct timespec ts = timespec_of(MS);

	for (;;)
		if (nanosleep(&ts, NULL))
			wrong("nanosleep", errno);
	return unused;
}

/* What a signal interrupts is issued again. */
static void *reads(void *unused)
{
	char byte;
	ssize_t n;

	while ((n = read(pipe_fds[0], &byte, 1)) == 1)
		;
	wrong("read", n);
	return unused;
}

static int stopped(void *unused)
{
	pthread_t thread;

	(void)unused;
	for (long i = 0; i < NR_THREADS; i++)
		pthread_create(&thread, NULL, spins, (void *)i);
	pthread_create(&thread, NULL, naps, NULL);
	reads(NULL);
	return 1;
}

static void expect_child(pid_t pid, int code, int options, int wanted)
{
	siginfo_t info = { 0 };
	int status = 0;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	/* Without a time-out: its end may be what a checkpoint keeps from coming. */
	while (sigwaitinfo(&set, &info) < 0)
		;
	if (info.si_code != code)
		wrong("code of SIGCHLD", info.si_code);
	if (waitpid(pid, &status, options | WNOHANG) != pid || status != wanted)
		wrong("status", status);
	if (waitpid(pid, &status, options | WNOHANG))
		wrong("the same status again", status);
}

/* Of /proc, no file may be open at a checkpoint. */
static void expect_stopped(void)
{
	unsigned long before[NR_THREADS];

	for (int i = 0; i < NR_THREADS; i++)
		before[i] = turns[i];
	sched_yield();
	for (int i = 0; i < NR_THREADS; i++)
		if (turns[i] != before[i])
			wrong("turns of a stopped thread", turns[i] - before[i]);
}

/* Stops and continues a child without looking: nobody is told what becomes of that. */
static int unwatched(void *unused)
{
	pid_t pid;

	turns = map_anon(PAGE, MAP_SHARED);
	pid = child(stopped, unused);
	for (unsigned int n = 1; access(file_at("end"), F_OK); n++) {
		sure(kill(pid, n % 2 ? SIGSTOP : SIGCONT));
		if (n % 7 == 0)
			sleep_ms(1);
	}
	sure(kill(pid, SIGCONT));
	sure(kill(pid, SIGTERM));
	if (waitpid(pid, NULL, 0) != pid)
		wrong("end of the unwatched one", errno);
	return 0;
}

int main(int argc, char **argv)
{
	pid_t pid, other;
	sigset_t set;

	payload_begin(argc, argv);
	turns = map_anon(PAGE, MAP_SHARED);
	sure(pipe(pipe_fds));
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	other = child(unwatched, NULL);
	pid = child(stopped, NULL);
	tell("ready");
	while (access(file_at("stop"), F_OK)) {
		sure(write(pipe_fds[1], "x", 1));
		sure(kill(pid, SIGSTOP));
		expect_child(pid, CLD_STOPPED, WUNTRACED, W_STOPCODE(SIGSTOP));
		expect_stopped();
		sure(kill(pid, SIGCONT));
		expect_child(pid, CLD_CONTINUED, WCONTINUED, 0xffff);
	}
	kill(pid, SIGKILL);
	tell("end");
	waitpid(pid, NULL, 0);
	waitpid(other, NULL, 0);
	return access(file_at("wrong"), F_OK) == 0;
}
