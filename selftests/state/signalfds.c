// SPDX-License-Identifier: GPL-2.0
/*
 * signalfd: the signals that it accepts, those that wait, reads and waits in
 * progress; whose signals an epoll instance notices by it, and what it has told.
 */
#include "payload.h"
#include <poll.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>

static sigset_t set_of(int a, int b)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, a);
	sigaddset(&set, b);
	return set;
}

/* All signals that are accepted are blocked. */
static int make(int a, int b)
{
	sigset_t set = set_of(a, b);

	sigprocmask(SIG_BLOCK, &set, NULL);
	return sure(signalfd(-1, &set, SFD_NONBLOCK));
}

/* The next signal; minus the error number if there is none. */
static int take(int fd, int *value)
{
	struct signalfd_siginfo info = { 0 };

	if (read(fd, &info, sizeof(info)) != sizeof(info))
		return -errno;
	if (value)
		*value = info.ssi_int;
	return info.ssi_signo;
}

static void queue(pid_t pid, int sig, int value)
{
	sure(sigqueue(pid, sig, (union sigval){ .sival_int = value }));
}

static void add(int epoll, int fd, uint32_t events, uint64_t data)
{
	struct epoll_event event = { .events = events, .data.u64 = data };

	sure(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event));
}

/* One more event of an instance, by its data; 0 when there is none. */
static int next(int epoll)
{
	struct epoll_event event;

	return epoll_wait(epoll, &event, 1, 0) == 1 ? (int)event.data.u64 : 0;
}

static int is_ready(int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };

	return poll(&pfd, 1, 0);
}

static void accepted(int fd, char *out, size_t size)
{
	char path[64], text[1024], *at;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	read_file(path, text, sizeof(text));
	at = strstr(text, "sigmask:");
	snprintf(out, size, "%s", at ? at : "");
}

/* Sleeps until its signal comes, in another life. */
static int sleeper(int which)
{
	int fd = make(SIGUSR1, SIGRTMIN), epoll = sure(epoll_create1(0)), value = 0;
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	struct epoll_event event;

	sure(fcntl(fd, F_SETFL, 0));
	add(epoll, fd, EPOLLIN, 1);
	if (which == 1)
		expect_eq(poll(&pfd, 1, -1), 1, "poll");
	if (which == 2)
		expect_eq(epoll_wait(epoll, &event, 1, -1), 1, "epoll_wait");
	expect_eq(take(fd, &value), SIGRTMIN, "read of a signalfd");
	expect_eq(value, 50 + which, "its value, %d", which);
	return 0;
}

static int of_parent, of_child, both;

/* Has an instance of its parent, which notices the signals of that one. */
static int another(void *unused)
{
	add(of_child, both, EPOLLIN | EPOLLET, 2);
	tell("added");
	await_go();
	await("looked at");
	queue(getpid(), SIGRTMIN + 2, 9);
	expect_eq(is_ready(both), 1, "a signal of the child");
	expect_eq(next(of_parent), 0, "not noticed by the parent's");
	expect_eq(next(of_child), 2, "but by its own");
	expect_eq(take(both, NULL), SIGRTMIN + 2, "the child's signal");
	(void)unused;
	return 0;
}

int main(int argc, char **argv)
{
	static const long calls[] = { SYS_read, SYS_poll, SYS_epoll_wait };
	int plain, told, untold, level, stale, order, edge, edge_untold, by_level, pipes[2][2], value = 0;
	char before[128], after[128];
	pid_t pids[3], pid;
	sigset_t set;
	bool spoil;

	payload_begin(argc, argv);
	for (int i = 0; i < 3; i++) {
		pids[i] = sure(fork());
		if (!pids[i])
			_exit(sleeper(i) || payload_failed);
		await_syscall(pids[i], calls[i]);
	}
	plain = make(SIGUSR1, SIGRTMIN + 1);
	queue(getpid(), SIGRTMIN + 1, 1234);
	queue(getpid(), SIGRTMIN + 1, 5678);
	set = set_of(SIGKILL, SIGHUP);
	stale = sure(signalfd(-1, &set, 0));

	/* In an instance of each process. */
	of_parent = sure(epoll_create1(0));
	of_child = sure(epoll_create1(0));
	both = make(SIGRTMIN + 2, SIGRTMIN + 3);
	add(of_parent, both, EPOLLIN | EPOLLET, 1);
	pid = child(another, NULL);
	await("added");

	/* What was told of and what was not. */
	untold = make(SIGRTMIN + 5, SIGRTMIN + 5);
	edge_untold = sure(epoll_create1(0));
	add(edge_untold, untold, EPOLLIN | EPOLLET, 101);
	queue(getpid(), SIGRTMIN + 5, 1);
	level = make(SIGRTMIN + 6, SIGRTMIN + 6);
	by_level = sure(epoll_create1(0));
	add(by_level, level, EPOLLIN, 102);
	queue(getpid(), SIGRTMIN + 6, 1);
	expect_eq(next(by_level), 102, "level-triggered, before");

	/* One pipe before it, another one behind. */
	order = sure(epoll_create1(0));
	for (int i = 0; i < 2; i++) {
		sure(pipe(pipes[i]));
		add(order, pipes[i][0], EPOLLIN, 200 + i);
	}
	value = make(SIGRTMIN + 7, SIGRTMIN + 7);
	add(order, value, EPOLLIN, 202);
	sure(write(pipes[1][1], ".", 1));
	queue(getpid(), SIGRTMIN + 7, 1);
	sure(write(pipes[0][1], ".", 1));

	/* Any signal makes the instance look again: this is the last one. */
	told = make(SIGRTMIN + 4, SIGRTMIN + 4);
	edge = sure(epoll_create1(0));
	add(edge, told, EPOLLIN | EPOLLET, 100);
	queue(getpid(), SIGRTMIN + 4, 1);
	expect_eq(next(edge), 100, "edge-triggered, before");
	expect_eq(next(of_parent), 0, "nothing for the parent, before");
	accepted(plain, before, sizeof(before));
	spoil = pause_here();
	if (spoil) {
		take(plain, NULL);
		set = set_of(SIGUSR2, SIGTERM);
		sure(signalfd(plain, &set, 0));
	}
	expect_eq(next(edge), 0, "told before: not again");
	expect_eq(next(order), 201, "first");
	expect_eq(next(order), 202, "second");
	expect_eq(next(order), 200, "third");
	tell("looked at");
	reap(pid);
	accepted(plain, after, sizeof(after));
	expect(!strcmp(before, after), "accepted: %s; was: %s", after, before);
	accepted(stale, after, sizeof(after));
	expect(!strcmp(after, "sigmask:\t0000000000000001\n"), "SIGKILL is not accepted: %s", after);
	expect_eq(fcntl(plain, F_GETFL) & O_NONBLOCK, O_NONBLOCK, "one that does not block");
	expect_eq(fcntl(stale, F_GETFL) & O_NONBLOCK, 0, "one that blocks");
	expect_eq(take(plain, &value), SIGRTMIN + 1, "a signal that has waited");
	expect_eq(value, 1234, "its value");
	expect_eq(take(plain, &value), SIGRTMIN + 1, "the next one");
	expect_eq(value, 5678, "its value, then");
	expect_eq(take(plain, NULL), -EAGAIN, "it was all");
	queue(getpid(), SIGUSR1, 7);
	expect_eq(take(plain, NULL), SIGUSR1, "a new one");

	queue(getpid(), SIGRTMIN + 4, 2);
	expect_eq(next(edge), 100, "but the next time");
	expect_eq(next(edge_untold), 101, "edge-triggered, not told before");
	expect_eq(next(edge_untold), 0, "once");
	expect_eq(next(by_level), 102, "level-triggered");
	take(level, NULL);
	expect_eq(next(by_level), 0, "level-triggered: read");

	expect_eq(next(of_child), 0, "the child's signals are not those of its parent");
	queue(getpid(), SIGRTMIN + 3, 1);
	expect_eq(next(of_parent), 1, "the parent's are noticed");
	for (int i = 0; i < 3; i++) {
		expect_eq(task_state(pids[i]), 'S', "asleep");
		queue(pids[i], SIGRTMIN, 50 + i);
		reap(pids[i]);
	}
	return payload_end();
}
