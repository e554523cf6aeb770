// SPDX-License-Identifier: GPL-2.0
/*
 * "sleepers DIR COUNT": so many processes that sleep, in every call that a
 * thread is left asleep in. Each says when it wakes up. DIR/ready is there when
 * all sleep.
 */
#include "../lib/payload.h"
#include <linux/futex.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/select.h>

#define LONG	1000000

static int quiet[2], full[2];
static uint32_t word;

static void do_pause(void) { pause(); }
static void do_lock(void) { flock(open(file_at("lock"), O_RDWR), LOCK_EX); }

static int sleep_on(void *unused)
{
	(void)unused;
	return pause();
}

static void do_wait(void) { waitpid(child(sleep_on, NULL), NULL, 0); }

static void do_sigsuspend(void)
{
	sigset_t none;

	sigemptyset(&none);
	sigsuspend(&none);
}

static void do_sigwait(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigwaitinfo(&set, NULL);
}

static void do_read(void)
{
	char byte;

	(void)!read(quiet[0], &byte, 1);
}

static void do_write(void) { (void)!write(full[1], "x", 1); }

static void do_nanosleep(void)
{
	struct timespec ts = { LONG, 0 }, left;

	nanosleep(&ts, &left);
}

static void do_sleep(void)
{
	struct timespec ts = { LONG, 0 };

	clock_nanosleep(CLOCK_BOOTTIME, 0, &ts, NULL);
}

static void do_sleep_until(void)
{
	struct timespec ts = timespec_of(now_ns(CLOCK_MONOTONIC) + LONG * SECOND);

	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL);
}

static void do_poll(void)
{
	struct pollfd fd = { quiet[0], POLLIN, 0 };

	poll(&fd, 1, -1);
}

static void do_timed_poll(void)
{
	struct pollfd fd = { quiet[0], POLLIN, 0 };

	poll(&fd, 1, LONG);
}

static void do_timed_ppoll(void)
{
	struct timespec ts = { LONG, 0 };
	struct pollfd fd = { quiet[0], POLLIN, 0 };
	sigset_t all;

	sigfillset(&all);
	ppoll(&fd, 1, &ts, &all);
}

static void do_select(void)
{
	struct timeval tv = { LONG, 0 };
	fd_set set;

	FD_ZERO(&set);
	FD_SET(quiet[0], &set);
	select(quiet[0] + 1, &set, NULL, NULL, &tv);
}

static void do_pselect(void)
{
	struct timespec ts = { LONG, 0 };
	fd_set set;

	FD_ZERO(&set);
	FD_SET(quiet[0], &set);
	pselect(quiet[0] + 1, &set, NULL, NULL, &ts, NULL);
}

static void wait_for_word(const struct timespec *ts)
{
	syscall(SYS_futex, &word, FUTEX_WAIT, 0, ts, NULL, 0);
}

static void do_futex(void) { wait_for_word(NULL); }

static void do_timed_futex(void)
{
	struct timespec ts = { LONG, 0 };

	wait_for_word(&ts);
}

static void do_futex_until(void)
{
	struct timespec ts = timespec_of(now_ns(CLOCK_MONOTONIC) + LONG * SECOND);

	syscall(SYS_futex, &word, FUTEX_WAIT_BITSET_PRIVATE, 0, &ts, NULL, FUTEX_BITSET_MATCH_ANY);
}

static void (*const kinds[])(void) = {
	do_pause, do_wait, do_lock, do_sigsuspend, do_sigwait, do_read, do_write, do_nanosleep,
	do_sleep, do_sleep_until, do_poll, do_timed_poll, do_timed_ppoll, do_select, do_pselect,
	do_futex, do_timed_futex, do_futex_until,
};

int main(int argc, char **argv)
{
	int count = argc == 3 ? atoi(argv[2]) : 0;
	char byte = 0;

	payload_begin(argc, argv);
	sure(pipe(quiet));
	sure(pipe(full));
	fcntl(full[1], F_SETFL, O_NONBLOCK);
	while (write(full[1], &byte, 1) == 1)
		;
	fcntl(full[1], F_SETFL, 0);
	sure(flock(sure(open(file_at("lock"), O_CREAT | O_RDWR, 0600)), LOCK_EX));
	for (int i = 0; i < count; i++) {
		pid_t pid = sure(fork());

		if (!pid) {
			kinds[i % ARRAY_SIZE(kinds)]();
			write_file(file_at("woken"), O_CREAT | O_APPEND, "x");
			_exit(1);
		}
		while (task_state(pid) != 'S')
			sleep_ms(1);
	}
	payload_announce("save");
	for (;;)
		pause();
}
