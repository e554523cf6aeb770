// SPDX-License-Identifier: GPL-2.0
/*
 * timerfd: what is left of it, expirations that have not been read, overruns,
 * the clock on the wall, reads and waits in progress.
 */
#include "watch.h"
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/timerfd.h>

#ifndef TFD_IOC_SET_TICKS
#define TFD_IOC_SET_TICKS	_IOW('T', 0, uint64_t)
#endif

#define LENGTH	(400 * SECOND)
#define SLACK	(patience() * 500 * MS)

static int make(clockid_t clock, int flags, long long value, long long interval)
{
	struct itimerspec spec = { timespec_of(interval), timespec_of(value) };
	int fd = sure(timerfd_create(clock, TFD_NONBLOCK));

	sure(timerfd_settime(fd, flags, &spec, NULL));
	return fd;
}

static long long ns_of(struct timespec ts)
{
	return ts.tv_sec * SECOND + ts.tv_nsec;
}

static struct itimerspec get(int fd)
{
	struct itimerspec spec;

	sure(timerfd_gettime(fd, &spec));
	return spec;
}

static long long left(int fd)
{
	return ns_of(get(fd).it_value);
}

/* What has been counted; minus the error number when there is nothing. */
static long long take(int fd)
{
	uint64_t ticks = 0;

	return read(fd, &ticks, sizeof(ticks)) == sizeof(ticks) ? (long long)ticks : -errno;
}

static void within(long long got, long long from, long long to, const char *what)
{
	expect(got >= from && got <= to, "%s: %lld us, wanted %lld to %lld", what, got / 1000,
	       from / 1000, to / 1000);
}

static int is_ready(int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };

	return poll(&pfd, 1, 0);
}

/* The line of /proc/self/fdinfo that begins so. */
static const char *info(int fd, const char *begin)
{
	static char text[1024];
	char path[64], *line, *rest = text;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	read_file(path, text, sizeof(text));
	while ((line = strsep(&rest, "\n")))
		if (!strncmp(line, begin, strlen(begin)))
			return line;
	return "";
}

/* Sleeps in a call until its timer expires, which is set again in another life. */
static int sleeper(int which, int fd)
{
	struct epoll_event event;
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	int epoll = watch(fd, EPOLLIN);
	uint64_t ticks = 0;
	fd_set set;

	sure(fcntl(fd, F_SETFL, 0));
	FD_ZERO(&set);
	FD_SET(fd, &set);
	switch (which) {
	case 0:
		expect_eq(read(fd, &ticks, 8), 8, "read");
		break;
	case 1:
		expect_eq(poll(&pfd, 1, -1), 1, "poll");
		break;
	case 2:
		expect_eq(epoll_wait(epoll, &event, 1, -1), 1, "epoll_wait");
		break;
	default:
		expect_eq(select(fd + 1, &set, NULL, NULL, NULL), 1, "select");
	}
	if (which)
		expect_eq(read(fd, &ticks, 8), 8, "read, then");
	expect_eq(ticks, 1, "it has expired once");
	return 0;
}

static int shared;

static int shares(void *unused)
{
	await_go();
	expect_eq(take(shared), 7, "ticks of a shared one");
	within(ns_of(get(shared).it_interval), 3 * SECOND, 3 * SECOND, "interval of a shared one");
	(void)unused;
	return 0;
}

int main(int argc, char **argv)
{
	static const long calls[] = { SYS_read, SYS_poll, SYS_epoll_wait, SYS_select };
	int plain, boot, wall, relative, due, expired, again, fast, off, told, untold, level, before, idle;
	int edge, edge_untold, ready, cancel, odd;
	long long start, elapsed, wall_at, mono_at, most;
	struct itimerspec spec;
	pid_t child_pid, pids[4];
	int slept[4];
	uint64_t ticks = 7;
	bool spoil;

	payload_begin(argc, argv);
	for (int i = 0; i < 4; i++) {
		slept[i] = make(CLOCK_MONOTONIC, 0, LENGTH, 0);
		pids[i] = sure(fork());
		if (!pids[i])
			_exit(sleeper(i, slept[i]) || payload_failed);
	}
	for (int i = 0; i < 4; i++) {
		char path[64], text[128];

		/* glibc has other calls below poll() and the like on some machines. */
		snprintf(path, sizeof(path), "/proc/%d/syscall", pids[i]);
		do
			sleep_ms(5);
		while (task_state(pids[i]) != 'S' || read_file(path, text, sizeof(text)) <= 0 ||
		       (i < 3 && strtol(text, NULL, 10) != calls[i]));
	}
	start = now_ns(CLOCK_MONOTONIC);
	plain = make(CLOCK_MONOTONIC, 0, LENGTH, 0);
	boot = make(CLOCK_BOOTTIME, 0, LENGTH, 11 * SECOND);
	mono_at = now_ns(CLOCK_MONOTONIC) + LENGTH;
	before = make(CLOCK_MONOTONIC, TFD_TIMER_ABSTIME, mono_at, 0);
	wall_at = now_ns(CLOCK_REALTIME) + LENGTH;
	wall = make(CLOCK_REALTIME, TFD_TIMER_ABSTIME, wall_at, 0);
	cancel = make(CLOCK_REALTIME, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, wall_at, 5 * SECOND);
	relative = make(CLOCK_REALTIME, 0, LENGTH, 0);
	due = make(CLOCK_REALTIME, TFD_TIMER_ABSTIME, now_ns(CLOCK_REALTIME) + 100 * MS, 0);
	expired = make(CLOCK_MONOTONIC, 0, 1, 0);
	again = make(CLOCK_MONOTONIC, 0, MS, 100 * SECOND);
	fast = make(CLOCK_MONOTONIC, 0, MS, 10 * MS);
	off = make(CLOCK_BOOTTIME, 0, 0, 0);
	idle = sure(timerfd_create(CLOCK_REALTIME, 0));
	told = make(CLOCK_MONOTONIC, 0, 1, 0);
	untold = make(CLOCK_MONOTONIC, 0, 1, 0);
	ready = make(CLOCK_MONOTONIC, 0, 1, 0);
	odd = make(CLOCK_MONOTONIC, 0, LENGTH, 0);
	sure(ioctl(odd, TFD_IOC_SET_TICKS, &(uint64_t){ UINT64_MAX }));
	shared = make(CLOCK_MONOTONIC, 0, LENGTH, 3 * SECOND);
	sure(ioctl(shared, TFD_IOC_SET_TICKS, &ticks));
	child_pid = child(shares, NULL);
	edge = watch(told, EPOLLIN | EPOLLET);
	edge_untold = watch(untold, EPOLLIN | EPOLLET);
	level = watch(ready, EPOLLIN);
	sleep_ms(200);
	expect_eq(next(edge), 1, "edge-triggered, before");
	expect_eq(next(level), 1, "level-triggered, before");

	spoil = pause_here();
	elapsed = now_ns(CLOCK_MONOTONIC) - start;
	if (spoil) {
		spec = (struct itimerspec){ .it_value.tv_sec = 1000 };
		sure(timerfd_settime(plain, 0, &spec, NULL));
		take(expired);
		take(untold);
	}
	most = LENGTH - elapsed + SLACK;
	within(left(plain), LENGTH - elapsed - SLACK, most, "CLOCK_MONOTONIC");
	within(left(boot), LENGTH - elapsed - SLACK, most, "CLOCK_BOOTTIME");
	expect_eq(ns_of(get(boot).it_interval), 11 * SECOND, "interval");
	within(left(before) + now_ns(CLOCK_MONOTONIC), mono_at - MS, mono_at + SLACK, "absolute");
	within(left(wall) + now_ns(CLOCK_REALTIME), wall_at - MS, wall_at + SLACK, "CLOCK_REALTIME, absolute");
	within(left(relative), LENGTH - elapsed - SLACK, most, "CLOCK_REALTIME, relative");
	expect_eq(take(due), 1, "the time on the wall has come");
	expect_eq(is_ready(expired), 1, "poll of one that has expired");
	expect_eq(take(expired), 1, "it has expired");
	expect_eq(take(expired), -EAGAIN, "but once");
	expect_eq(left(expired), 0, "and is over");
	expect_eq(take(again), 1, "one that goes on");
	within(left(again), 100 * SECOND - elapsed - SLACK, 100 * SECOND - elapsed + SLACK,
	       "time left of one that goes on");
	elapsed = now_ns(CLOCK_MONOTONIC) - start;
	within(take(fast) * 10 * MS, elapsed - SLACK, elapsed + SLACK, "overruns");
	expect_eq(is_ready(off), 0, "one that is off");
	expect_eq(left(off), 0, "time left of one that is off");
	expect_eq(fcntl(plain, F_GETFL) & O_NONBLOCK, O_NONBLOCK, "one that does not block");
	expect_eq(fcntl(idle, F_GETFL) & O_NONBLOCK, 0, "one that blocks");
	expect(!strcmp(info(idle, "clockid"), "clockid: 0"), "clock of one that was never set");
	expect(!strcmp(info(boot, "clockid"), "clockid: 7"), "CLOCK_BOOTTIME is shown");
	expect(!strcmp(info(before, "settime"), "settime flags: 01"), "absolute is shown");
	expect(!strcmp(info(plain, "settime"), "settime flags: 00"), "relative is shown");
	expect(!strcmp(info(cancel, "settime"), "settime flags: 03"), "cancelled by clocks is shown");
	expect_eq(take(odd), -1, "any number of expirations");
	reap(child_pid);
	expect_eq(take(shared), -EAGAIN, "a shared one was read by another process");

	expect_eq(next(edge), 0, "told before: not again");
	expect_eq(next(edge_untold), 1, "edge-triggered, not told before");
	expect_eq(next(level), 1, "level-triggered");
	take(ready);
	expect_eq(next(level), 0, "level-triggered: read");
	spec = (struct itimerspec){ .it_value.tv_nsec = 1 };
	sure(timerfd_settime(told, 0, &spec, NULL));
	sleep_ms(50);
	expect_eq(next(edge), 1, "but the next time");

	/* Who sleeps goes on, and wakes up. */
	for (int i = 0; i < 4; i++) {
		expect_eq(task_state(pids[i]), 'S', "asleep");
		sure(timerfd_settime(slept[i], 0, &spec, NULL));
		reap(pids[i]);
	}

	/* Setting the clock, a little. */
	expect_eq(take(cancel), -EAGAIN, "nobody has set the clock");
	{
		struct timespec now;

		clock_gettime(CLOCK_REALTIME, &now);
		now.tv_nsec = now.tv_nsec / 2;
		if (!clock_settime(CLOCK_REALTIME, &now)) {
			expect_eq(is_ready(cancel), 1, "the clock was set");
			expect_eq(take(cancel), -ECANCELED, "it is cancelled");
			expect_eq(take(cancel), -EAGAIN, "once");
		}
	}
	return payload_end();
}
