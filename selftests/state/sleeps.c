// SPDX-License-Identifier: GPL-2.0
/*
 * Calls that end after a time. They go on sleeping for the time that was left:
 * the time in which the container did not exist does not count, nor does a
 * call begin again. None reports an interruption.
 */
#include "payload.h"
#include <linux/aio_abi.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/un.h>

/* They sleep LENGTH, and have slept HEAD_START when the checkpoint comes. */
#define LENGTH		(patience() * 12 * SECOND)
#define HEAD_START	(2 * SECOND)
/* How much later a busy machine may let a sleeper run. */
#define LATE		(patience() * SECOND)

static uint32_t word;
static int quiet[2];

static int do_nanosleep(void)
{
	struct timespec ts = timespec_of(LENGTH), left;

	return nanosleep(&ts, &left) ? errno : 0;
}

static int sleep_on(clockid_t clock)
{
	struct timespec ts = timespec_of(LENGTH);

	return clock_nanosleep(clock, 0, &ts, NULL);
}

static int do_monotonic(void)
{
	return sleep_on(CLOCK_MONOTONIC);
}

static int do_realtime(void)
{
	return sleep_on(CLOCK_REALTIME);
}

static int do_boottime(void)
{
	return sleep_on(CLOCK_BOOTTIME);
}

static int do_absolute(void)
{
	struct timespec ts = timespec_of(now_ns(CLOCK_MONOTONIC) + LENGTH);

	return clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL);
}

static int do_wall(void)
{
	struct timespec ts = timespec_of(now_ns(CLOCK_REALTIME) + LENGTH);

	return clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &ts, NULL);
}

static int do_futex(void)
{
	struct timespec ts = timespec_of(LENGTH);
	long ret = syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, &ts, NULL, 0);

	return ret == -1 && errno == ETIMEDOUT ? 0 : ret ? errno : -1;
}

static int do_futex_absolute(void)
{
	struct timespec ts = timespec_of(now_ns(CLOCK_MONOTONIC) + LENGTH);
	long ret = syscall(SYS_futex, &word, FUTEX_WAIT_BITSET, 0, &ts, NULL, 0xff);

	return ret == -1 && errno == ETIMEDOUT ? 0 : ret ? errno : -1;
}

static int do_poll(void)
{
	struct pollfd fd = { .fd = quiet[0], .events = POLLIN };

	return poll(&fd, 1, LENGTH / MS) ? errno : 0;
}

static int do_poll_nothing(void)
{
	return poll(NULL, 0, LENGTH / MS) ? errno : 0;
}

static int do_ppoll(void)
{
	struct pollfd fd = { .fd = quiet[0], .events = POLLIN };
	struct timespec ts = timespec_of(LENGTH);

	return ppoll(&fd, 1, &ts, NULL) ? errno : 0;
}

static int do_select(void)
{
	struct timeval tv = { LENGTH / SECOND, 0 };
	fd_set set;

	FD_ZERO(&set);
	FD_SET(quiet[0], &set);
	/* The C library would use pselect6. */
	return syscall(SYS_select, quiet[0] + 1, &set, NULL, NULL, &tv) ? errno : 0;
}

static int do_pselect(void)
{
	struct timespec ts = timespec_of(LENGTH);
	sigset_t mask;

	sigemptyset(&mask);
	return pselect(0, NULL, NULL, NULL, &ts, &mask) ? errno : 0;
}

static int wait_for(int sig, long long ns, siginfo_t *info)
{
	struct timespec ts = timespec_of(ns);
	sigset_t set;
	int got;

	sigemptyset(&set);
	sigaddset(&set, sig);
	got = sigtimedwait(&set, info, &ts);
	/* It is the program's, which may use it again. */
	expect_eq(ts.tv_sec * SECOND + ts.tv_nsec, ns, "time-out of sigtimedwait");
	return got;
}

static int do_sigtimedwait(void)
{
	siginfo_t info;

	return wait_for(SIGUSR1, LENGTH, &info) == -1 && errno == EAGAIN ? 0 : errno ? errno : -1;
}

static int quiet_epoll(void)
{
	struct epoll_event event = { .events = EPOLLIN };
	int epoll = sure(epoll_create1(0));

	sure(epoll_ctl(epoll, EPOLL_CTL_ADD, quiet[0], &event));
	return epoll;
}

static int do_epoll_wait(void)
{
	struct epoll_event event;

	return epoll_wait(quiet_epoll(), &event, 1, LENGTH / MS) ? errno ? errno : -1 : 0;
}

static int do_io_getevents(void)
{
	struct timespec ts = timespec_of(LENGTH);
	aio_context_t context = 0;
	struct io_event event;

	sure(syscall(SYS_io_setup, 1, &context));
	return syscall(SYS_io_getevents, context, 1, 1, &event, &ts) ? errno ? errno : -1 : 0;
}

static int do_epoll_pwait(void)
{
	struct epoll_event event;
	sigset_t mask, now;
	int ret;

	sigfillset(&mask);
	ret = epoll_pwait(quiet_epoll(), &event, 1, LENGTH / MS, &mask);
	pthread_sigmask(SIG_BLOCK, NULL, &now);
	expect(sigismember(&now, SIGUSR1) && !sigismember(&now, SIGHUP), "mask after epoll_pwait");
	return ret ? errno ? errno : -1 : 0;
}

static int do_epoll_pwait2(void)
{
	struct timespec ts = timespec_of(LENGTH);
	struct epoll_event event;
	int ret = syscall(SYS_epoll_pwait2, quiet_epoll(), &event, 1, &ts, NULL, 0);

	expect_eq(ts.tv_sec * SECOND + ts.tv_nsec, LENGTH, "time-out of epoll_pwait2");
	return ret ? errno ? errno : -1 : 0;
}

/* They end when the time of the socket is up. */
static void set_timeout(int fd, int option, long long ns)
{
	struct timeval tv = { ns / SECOND, 0 };

	sure(setsockopt(fd, SOL_SOCKET, option, &tv, sizeof(tv)));
}

static int quiet_socket(int type)
{
	int fd[2];

	sure(socketpair(AF_UNIX, type, 0, fd));
	set_timeout(fd[0], SO_RCVTIMEO, LENGTH);
	return fd[0];
}

/* A call ends with EAGAIN, and the socket has the time-out that it had. */
static int has_timed_out(int fd, int option, long ret)
{
	int error = ret == -1 ? errno : 0;
	struct timeval tv;
	socklen_t len = sizeof(tv);

	sure(getsockopt(fd, SOL_SOCKET, option, &tv, &len));
	expect_eq(tv.tv_sec, LENGTH / SECOND, "time-out of a socket");
	return error == EAGAIN ? 0 : error ? error : -1;
}

static int do_recv(void)
{
	int fd = quiet_socket(SOCK_STREAM);
	char c;

	return has_timed_out(fd, SO_RCVTIMEO, recv(fd, &c, 1, 0));
}

static int do_recvmsg(void)
{
	int fd = quiet_socket(SOCK_SEQPACKET);
	struct msghdr msg = { 0 };

	return has_timed_out(fd, SO_RCVTIMEO, recvmsg(fd, &msg, 0));
}

static int do_read(void)
{
	int fd = quiet_socket(SOCK_DGRAM);
	char c;

	return has_timed_out(fd, SO_RCVTIMEO, read(fd, &c, 1));
}

static int listener(struct sockaddr_un *addr, socklen_t *len)
{
	int fd = sure(socket(AF_UNIX, SOCK_STREAM, 0));

	addr->sun_family = AF_UNIX;
	sure(bind(fd, (struct sockaddr *)addr, sizeof(addr->sun_family)));
	sure(listen(fd, 0));
	*len = sizeof(*addr);
	sure(getsockname(fd, (struct sockaddr *)addr, len));
	return fd;
}

static int do_accept(void)
{
	struct sockaddr_un addr;
	socklen_t len;
	int fd = listener(&addr, &len);

	set_timeout(fd, SO_RCVTIMEO, LENGTH);
	return has_timed_out(fd, SO_RCVTIMEO, accept(fd, NULL, NULL));
}

static int do_connect(void)
{
	int fd = sure(socket(AF_UNIX, SOCK_STREAM, 0));
	int other = sure(socket(AF_UNIX, SOCK_STREAM, 0));
	struct sockaddr_un addr;
	socklen_t len;

	listener(&addr, &len);
	/* There is room for one who waits to be accepted. */
	sure(connect(other, (struct sockaddr *)&addr, len));
	set_timeout(fd, SO_SNDTIMEO, LENGTH);
	return has_timed_out(fd, SO_SNDTIMEO, connect(fd, (struct sockaddr *)&addr, len));
}

static int do_send(void)
{
	int fd[2];

	sure(socketpair(AF_UNIX, SOCK_DGRAM, 0, fd));
	while (send(fd[0], "x", 1, MSG_DONTWAIT) == 1)
		;
	set_timeout(fd[0], SO_SNDTIMEO, LENGTH);
	return has_timed_out(fd[0], SO_SNDTIMEO, send(fd[0], "y", 1, 0));
}

static int late[2];
static pid_t late_tid;

/* What it waits for comes after the restart, before its time is up. */
static void *receives_late(void *unused)
{
	char c = 0;

	__atomic_store_n(&late_tid, gettid(), __ATOMIC_SEQ_CST);
	expect_eq(recv(late[0], &c, 1, 0), 1, "recv before the time is up");
	expect_eq(c, 'z', "what it receives");
	return unused;
}

static pid_t receiver_tid;

/* What it waits for comes after the restart. */
static void *receives(void *unused)
{
	siginfo_t info = { 0 };

	__atomic_store_n(&receiver_tid, gettid(), __ATOMIC_SEQ_CST);
	expect_eq(wait_for(SIGUSR2, 100 * LENGTH, &info), SIGUSR2, "sigtimedwait gets a signal");
	expect_eq(info.si_int, 4711, "its value");
	return unused;
}

static struct sleeper {
	const char *name;
	int (*function)(void);
	long nr;
	/* It goes by the clock on the wall, which goes on while the container does not exist. */
	bool wall;
	pthread_t thread;
	pid_t tid;
	int result;
	long long elapsed;
} sleepers[] = {
	{ .name = "nanosleep", .function = do_nanosleep, .nr = SYS_clock_nanosleep },
	{ .name = "clock_nanosleep(CLOCK_MONOTONIC)", .function = do_monotonic, .nr = SYS_clock_nanosleep },
	{ .name = "clock_nanosleep(CLOCK_REALTIME)", .function = do_realtime, .nr = SYS_clock_nanosleep },
	{ .name = "clock_nanosleep(CLOCK_BOOTTIME)", .function = do_boottime, .nr = SYS_clock_nanosleep },
	{ .name = "clock_nanosleep(TIMER_ABSTIME)", .function = do_absolute, .nr = SYS_clock_nanosleep },
	{ .name = "clock_nanosleep(TIMER_ABSTIME), CLOCK_REALTIME", .function = do_wall, .nr = SYS_clock_nanosleep,
	  .wall = true },
	{ .name = "futex", .function = do_futex, .nr = SYS_futex },
	{ .name = "futex, absolute", .function = do_futex_absolute, .nr = SYS_futex },
	{ .name = "poll", .function = do_poll, .nr = SYS_poll },
	{ .name = "poll of nothing", .function = do_poll_nothing, .nr = SYS_poll },
	{ .name = "ppoll", .function = do_ppoll, .nr = SYS_ppoll },
	{ .name = "select", .function = do_select, .nr = SYS_select },
	{ .name = "pselect", .function = do_pselect, .nr = SYS_pselect6 },
	{ .name = "epoll_wait", .function = do_epoll_wait, .nr = SYS_epoll_wait },
	{ .name = "epoll_pwait", .function = do_epoll_pwait, .nr = SYS_epoll_pwait },
	{ .name = "epoll_pwait2", .function = do_epoll_pwait2, .nr = SYS_epoll_pwait2 },
	{ .name = "io_getevents", .function = do_io_getevents, .nr = SYS_io_getevents },
	{ .name = "sigtimedwait", .function = do_sigtimedwait, .nr = SYS_rt_sigtimedwait },
	{ .name = "recv with SO_RCVTIMEO", .function = do_recv, .nr = SYS_recvfrom },
	{ .name = "recvmsg with SO_RCVTIMEO", .function = do_recvmsg, .nr = SYS_recvmsg },
	{ .name = "read with SO_RCVTIMEO", .function = do_read, .nr = SYS_read },
	{ .name = "accept with SO_RCVTIMEO", .function = do_accept, .nr = SYS_accept },
	{ .name = "connect with SO_SNDTIMEO", .function = do_connect, .nr = SYS_connect },
	{ .name = "send with SO_SNDTIMEO", .function = do_send, .nr = SYS_sendto },
};

static void *run(void *arg)
{
	struct sleeper *s = arg;
	long long start = now_ns(CLOCK_REALTIME);

	s->tid = gettid();
	s->result = s->function();
	s->elapsed = now_ns(CLOCK_REALTIME) - start;
	return NULL;
}

static void check(struct sleeper *s)
{
	long long least = LENGTH, most = LENGTH + payload_down_max + LATE;

	if (!s->wall)
		least += payload_down_min;
	expect_eq(s->result, 0, "%s: result", s->name);
	expect(s->elapsed >= least && s->elapsed <= most, "%s: %lld ms, wanted %lld to %lld", s->name,
	       s->elapsed / MS, least / MS, most / MS);
}

int main(int argc, char **argv)
{
	pthread_attr_t attr;
	pthread_t receiver, late_receiver;
	long long start;
	sigset_t set;

	payload_begin(argc, argv);
	sure(pipe(quiet));
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGUSR2);
	sigprocmask(SIG_BLOCK, &set, NULL);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 64 << 10);
	start = now_ns(CLOCK_REALTIME);
	for (size_t i = 0; i < ARRAY_SIZE(sleepers); i++)
		pthread_create(&sleepers[i].thread, &attr, run, &sleepers[i]);
	for (size_t i = 0; i < ARRAY_SIZE(sleepers); i++) {
		while (!__atomic_load_n(&sleepers[i].tid, __ATOMIC_SEQ_CST))
			sleep_ms(5);
		/* Some libraries use another number for nanosleep. */
		if (i)
			await_syscall(sleepers[i].tid, sleepers[i].nr);
	}
	pthread_create(&receiver, &attr, receives, NULL);
	while (!__atomic_load_n(&receiver_tid, __ATOMIC_SEQ_CST))
		sleep_ms(5);
	await_syscall(receiver_tid, SYS_rt_sigtimedwait);
	sure(socketpair(AF_UNIX, SOCK_STREAM, 0, late));
	set_timeout(late[0], SO_RCVTIMEO, 100 * LENGTH);
	pthread_create(&late_receiver, &attr, receives_late, NULL);
	while (!__atomic_load_n(&late_tid, __ATOMIC_SEQ_CST))
		sleep_ms(5);
	await_syscall(late_tid, SYS_recvfrom);
	while (now_ns(CLOCK_REALTIME) < start + HEAD_START)
		sleep_ms(5);

	if (pause_here())
		syscall(SYS_futex, &word, FUTEX_WAKE, 1);
	expect(now_ns(CLOCK_REALTIME) < start + LENGTH + payload_down_min, "the test was fast enough");
	/* It has not been here yet. */
	await_syscall(receiver_tid, SYS_rt_sigtimedwait);
	pthread_sigqueue(receiver, SIGUSR2, (union sigval){ .sival_int = 4711 });
	pthread_join(receiver, NULL);
	await_syscall(late_tid, SYS_recvfrom);
	sure(write(late[1], "z", 1));
	pthread_join(late_receiver, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(sleepers); i++) {
		pthread_join(sleepers[i].thread, NULL);
		check(&sleepers[i]);
	}
	return payload_end();
}
