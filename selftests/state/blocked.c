// SPDX-License-Identifier: GPL-2.0
/*
 * Calls that wait for something to happen: they go on waiting, do not report an
 * interruption, and return when it has happened.
 */
#include "payload.h"
#include <linux/aio_abi.h>
#include <linux/futex.h>
#include <linux/io_uring.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/select.h>

#define SYS_futex_wait_	455

struct shared {
	/* For each kind of wait its own. */
	uint32_t word, vector[2], plain, condition, lock;
};

static struct shared *shared;
static int to_child[2], lock_fd;
static volatile int caught;

static void handler(int sig)
{
	caught = sig;
}

static void block_usr(sigset_t *old)
{
	struct sigaction sa = { .sa_handler = handler };
	sigset_t set;

	sigaction(SIGUSR1, &sa, NULL);
	sigaction(SIGUSR2, &sa, NULL);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGUSR2);
	sigprocmask(SIG_BLOCK, &set, old);
}

static void check_blocked(const char *name)
{
	sigset_t now;

	sigprocmask(SIG_BLOCK, NULL, &now);
	expect(sigismember(&now, SIGUSR1) && sigismember(&now, SIGUSR2), "%s: mask is put back", name);
}

static int do_futex(void)
{
	expect_eq(syscall(SYS_futex, &shared->word, FUTEX_WAIT, 0, NULL, NULL, 0), 0, "futex");
	return 0;
}

static int do_futex_waitv(void)
{
	struct futex_waitv wait[2] = {
		{ .uaddr = (uintptr_t)&shared->vector[0], .flags = FUTEX_32 },
		{ .uaddr = (uintptr_t)&shared->vector[1], .flags = FUTEX_32 },
	};

	expect_eq(syscall(SYS_futex_waitv, wait, 2, 0, NULL, 0), 1, "futex_waitv");
	return 0;
}

/* The time-out is far away. */
static int do_futex_wait(void)
{
	struct timespec ts = timespec_of(now_ns(CLOCK_MONOTONIC) + 1000 * SECOND);

	expect_eq(syscall(SYS_futex_wait_, &shared->plain, 0UL, ~0U, FUTEX_32, &ts, CLOCK_MONOTONIC),
		  0, "futex_wait");
	return 0;
}

/* Who wakes it gives it the lock. */
static int do_requeue_pi(void)
{
	expect_eq(syscall(SYS_futex, &shared->condition, FUTEX_WAIT_REQUEUE_PI, 0, NULL,
			  &shared->lock, 0), 0, "futex(WAIT_REQUEUE_PI)");
	expect_eq(shared->lock & FUTEX_TID_MASK, gettid(), "futex(WAIT_REQUEUE_PI): owner");
	expect_eq(syscall(SYS_futex, &shared->lock, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0), 0, "unlock");
	return 0;
}

static int do_open_reader(void)
{
	char c = 0;
	int fd = open(file_at("fifo"), O_RDONLY);

	expect(fd >= 0, "open of a fifo: %s", strerror(errno));
	expect_eq(read(fd, &c, 1), 1, "fifo");
	expect_eq(c, 'f', "fifo: data");
	return 0;
}

static int do_open_writer(void)
{
	int fd = open(file_at("fifo2"), O_WRONLY);

	expect(fd >= 0, "open of a fifo for writing: %s", strerror(errno));
	expect_eq(write(fd, "g", 1), 1, "fifo");
	return 0;
}

static int do_poll(void)
{
	struct pollfd fd = { .fd = to_child[0], .events = POLLIN };

	expect_eq(poll(&fd, 1, -1), 1, "poll");
	expect_eq(fd.revents, POLLIN, "poll: events");
	return 0;
}

static int do_select(void)
{
	fd_set set;

	FD_ZERO(&set);
	FD_SET(to_child[0], &set);
	expect_eq(syscall(SYS_select, to_child[0] + 1, &set, NULL, NULL, NULL), 1, "select");
	expect(FD_ISSET(to_child[0], &set), "select: set");
	return 0;
}

static int sleeps(void *unused)
{
	await_go();
	(void)unused;
	return 3;
}

static int do_wait4(void)
{
	int status = 0;

	child(sleeps, NULL);
	tell("wait4 has a child");
	expect(wait4(-1, &status, 0, NULL) > 0, "wait4: %s", strerror(errno));
	expect_eq(status, 3 << 8, "wait4: status");
	return 0;
}

static int do_waitid(void)
{
	siginfo_t info = { 0 };
	pid_t pid = child(sleeps, NULL);

	tell("waitid has a child");
	expect_eq(waitid(P_PID, pid, &info, WEXITED), 0, "waitid");
	expect_eq(info.si_status, 3, "waitid: status");
	return 0;
}

static int do_pause(void)
{
	signal(SIGUSR1, handler);
	expect_errno(pause(), EINTR, "pause");
	expect_eq(caught, SIGUSR1, "pause: handler");
	return 0;
}

static int do_sigsuspend(void)
{
	sigset_t set;

	block_usr(&set);
	sigaddset(&set, SIGUSR2);
	expect_errno(sigsuspend(&set), EINTR, "sigsuspend");
	expect_eq(caught, SIGUSR1, "sigsuspend: handler");
	check_blocked("sigsuspend");
	return 0;
}

static int do_ppoll(void)
{
	sigset_t set;

	block_usr(&set);
	expect_errno(ppoll(NULL, 0, NULL, &set), EINTR, "ppoll");
	expect_eq(caught, SIGUSR1, "ppoll: handler");
	check_blocked("ppoll");
	return 0;
}

static int do_pselect(void)
{
	sigset_t set;

	block_usr(&set);
	expect_errno(pselect(0, NULL, NULL, NULL, NULL, &set), EINTR, "pselect");
	expect_eq(caught, SIGUSR1, "pselect: handler");
	check_blocked("pselect");
	return 0;
}

static int do_sigwaitinfo(void)
{
	siginfo_t info = { 0 };
	sigset_t set;

	block_usr(NULL);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	expect_eq(sigwaitinfo(&set, &info), SIGUSR1, "sigwaitinfo");
	expect_eq(info.si_pid, 1, "sigwaitinfo: sender");
	return 0;
}

static int do_epoll_wait(void)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u64 = 77 };
	int epoll = sure(epoll_create1(0));

	sure(epoll_ctl(epoll, EPOLL_CTL_ADD, to_child[0], &event));
	event.data.u64 = 0;
	expect_eq(epoll_wait(epoll, &event, 1, -1), 1, "epoll_wait");
	expect_eq(event.data.u64, 77, "epoll_wait: data");
	return 0;
}

static int do_epoll_pwait(void)
{
	struct epoll_event event;
	sigset_t set;

	block_usr(&set);
	expect_errno(epoll_pwait(sure(epoll_create1(0)), &event, 1, -1, &set), EINTR, "epoll_pwait");
	expect_eq(caught, SIGUSR1, "epoll_pwait: handler");
	check_blocked("epoll_pwait");
	return 0;
}

/* The same with a time-out, which is far away. */
static int do_epoll_timed(void)
{
	struct timespec ts = { 1000, 0 };
	struct epoll_event event;
	sigset_t set;

	block_usr(&set);
	expect_errno(syscall(SYS_epoll_pwait2, sure(epoll_create1(0)), &event, 1, &ts, &set, 8), EINTR,
		     "epoll_pwait2");
	expect_eq(caught, SIGUSR1, "epoll_pwait2: handler");
	expect(ts.tv_sec == 1000 && ts.tv_nsec == 0, "epoll_pwait2: time-out");
	check_blocked("epoll_pwait2");
	return 0;
}

static int do_io_pgetevents(void)
{
	aio_context_t context = 0;
	struct io_event event;
	sigset_t set;
	struct { sigset_t *set; size_t size; } mask = { &set, 8 };

	block_usr(&set);
	sure(syscall(SYS_io_setup, 1, &context));
	expect_errno(syscall(SYS_io_pgetevents, context, 1, 1, &event, NULL, &mask), EINTR,
		     "io_pgetevents");
	expect_eq(caught, SIGUSR1, "io_pgetevents: handler");
	check_blocked("io_pgetevents");
	return 0;
}

static int do_io_uring_enter(void)
{
	struct io_uring_params params = { 0 };
	int ring = syscall(SYS_io_uring_setup, 1, &params);
	sigset_t set;

	block_usr(&set);
	expect_errno(syscall(SYS_io_uring_enter, sure(ring), 0, 1, IORING_ENTER_GETEVENTS, &set, 8),
		     EINTR, "io_uring_enter");
	expect_eq(caught, SIGUSR1, "io_uring_enter: handler");
	check_blocked("io_uring_enter");
	return 0;
}

static int do_eventfd(void)
{
	uint64_t count = 0;
	int fd = sure(eventfd(0, 0));
	pid_t writer = sure(fork());

	if (!writer) {
		await_go();
		await("signals sent");
		sleep_ms(100);
		count = 5;
		_exit(write(fd, &count, 8) != 8);
	}
	tell("eventfd has a child");
	expect_eq(read(fd, &count, 8), 8, "eventfd");
	expect_eq(count, 5, "eventfd: count");
	reap(writer);
	return 0;
}

static int do_flock(void)
{
	int fd = sure(open(file_at("lock"), O_RDWR));

	expect_eq(flock(fd, LOCK_EX), 0, "flock");
	return 0;
}

static int do_fcntl(void)
{
	struct flock lock = { .l_type = F_WRLCK, .l_start = 100, .l_len = 10 };
	int fd = sure(open(file_at("lock"), O_RDWR));

	expect_eq(fcntl(fd, F_SETLKW, &lock), 0, "fcntl(F_SETLKW)");
	return 0;
}

/* The handler asks for a restart: the read goes on. */
static int do_read(void)
{
	struct sigaction sa = { .sa_handler = handler, .sa_flags = SA_RESTART };
	char c = 0;
	int fd[2];
	pid_t writer;

	sigaction(SIGUSR1, &sa, NULL);
	sure(pipe(fd));
	writer = sure(fork());
	if (!writer) {
		await_go();
		await("signals sent");
		sleep_ms(100);
		_exit(write(fd[1], "r", 1) != 1);
	}
	tell("read has a child");
	expect_eq(read(fd[0], &c, 1), 1, "read");
	expect_eq(c, 'r', "read: data");
	expect_eq(caught, SIGUSR1, "read: handler");
	reap(writer);
	return 0;
}

static const struct {
	const char *name;
	int (*function)(void);
	long nr;
	bool signalled;
	const char *first;
} waiters[] = {
	{ "futex", do_futex, SYS_futex, false, NULL },
	{ "poll", do_poll, SYS_poll, false, NULL },
	{ "select", do_select, SYS_select, false, NULL },
	{ "wait4", do_wait4, SYS_wait4, false, "wait4 has a child" },
	{ "waitid", do_waitid, SYS_waitid, false, "waitid has a child" },
	{ "pause", do_pause, SYS_pause, true, NULL },
	{ "sigsuspend", do_sigsuspend, SYS_rt_sigsuspend, true, NULL },
	{ "ppoll", do_ppoll, SYS_ppoll, true, NULL },
	{ "pselect", do_pselect, SYS_pselect6, true, NULL },
	{ "sigwaitinfo", do_sigwaitinfo, SYS_rt_sigtimedwait, true, NULL },
	{ "epoll_wait", do_epoll_wait, SYS_epoll_wait, false, NULL },
	{ "epoll_pwait", do_epoll_pwait, SYS_epoll_pwait, true, NULL },
	{ "epoll_pwait2", do_epoll_timed, SYS_epoll_pwait2, true, NULL },
	{ "io_pgetevents", do_io_pgetevents, SYS_io_pgetevents, true, NULL },
	{ "io_uring_enter", do_io_uring_enter, SYS_io_uring_enter, true, NULL },
	{ "eventfd", do_eventfd, SYS_read, false, "eventfd has a child" },
	{ "flock", do_flock, SYS_flock, false, NULL },
	{ "fcntl", do_fcntl, SYS_fcntl, false, NULL },
	{ "read", do_read, SYS_read, true, "read has a child" },
	{ "futex_waitv", do_futex_waitv, SYS_futex_waitv, false, NULL },
	{ "futex_wait", do_futex_wait, SYS_futex_wait_, false, NULL },
	{ "futex(WAIT_REQUEUE_PI)", do_requeue_pi, SYS_futex, false, NULL },
	{ "open of a fifo", do_open_reader, SYS_openat, false, NULL },
	{ "open of a fifo for writing", do_open_writer, SYS_openat, false, NULL },
};

#define NR	ARRAY_SIZE(waiters)

int main(int argc, char **argv)
{
	struct flock lock = { .l_type = F_WRLCK };
	pid_t pid[NR];
	int fifo;
	char c;

	payload_begin(argc, argv);
	shared = map_anon(PAGE, MAP_SHARED);
	sure(pipe(to_child));
	lock_fd = sure(open(file_at("lock"), O_RDWR | O_CREAT, 0600));
	sure(flock(lock_fd, LOCK_EX));
	sure(fcntl(lock_fd, F_SETLK, &lock));
	sure(mkfifo(file_at("fifo"), 0600));
	sure(mkfifo(file_at("fifo2"), 0600));
	for (size_t i = 0; i < NR; i++) {
		pid[i] = sure(fork());
		if (!pid[i]) {
			close(lock_fd);
			_exit(waiters[i].function() || payload_failed);
		}
	}
	for (size_t i = 0; i < NR; i++) {
		if (waiters[i].first)
			await(waiters[i].first);
		await_syscall(pid[i], waiters[i].nr);
	}

	if (pause_here())
		kill(pid[5], SIGUSR2);
	sleep_ms(50);
	for (size_t i = 0; i < NR; i++)
		if (waiters[i].nr != SYS_wait4 && waiters[i].nr != SYS_waitid)
			expect_eq(task_state(pid[i]), 'S', "%s: still waits", waiters[i].name);
	shared->word = 1;
	syscall(SYS_futex, &shared->word, FUTEX_WAKE, 1, NULL, NULL, 0);
	syscall(SYS_futex, &shared->vector[1], FUTEX_WAKE, 1, NULL, NULL, 0);
	syscall(SYS_futex, &shared->plain, FUTEX_WAKE, 1, NULL, NULL, 0);
	expect_eq(syscall(SYS_futex, &shared->condition, FUTEX_CMP_REQUEUE_PI, 1, 0, &shared->lock, 0),
		  1, "one was requeued");
	fifo = sure(open(file_at("fifo"), O_WRONLY));
	sure(write(fifo, "f", 1));
	fifo = sure(open(file_at("fifo2"), O_RDONLY));
	expect_eq(read(fifo, &c, 1), 1, "somebody has written");
	sure(write(to_child[1], "x", 1));
	for (size_t i = 0; i < NR; i++)
		if (waiters[i].signalled)
			sure(kill(pid[i], SIGUSR1));
	tell("signals sent");
	sure(flock(lock_fd, LOCK_UN));
	lock.l_type = F_UNLCK;
	sure(fcntl(lock_fd, F_SETLK, &lock));
	for (size_t i = 0; i < NR; i++)
		reap(pid[i]);
	return payload_end();
}
