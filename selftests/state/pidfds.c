// SPDX-License-Identifier: GPL-2.0
/*
 * pidfd: of processes that live, are zombies, or have been waited for; of
 * threads; waits in progress; what epoll has been told.
 */
#include "watch.h"
#include <poll.h>
#include <pthread.h>
#include <sys/ioctl.h>

#define THREAD		O_EXCL
#define NONBLOCK	O_NONBLOCK
#define BY_PIDFD	((idtype_t)3)

/* struct pidfd_info, as far as it goes here */
struct info {
	uint64_t mask, cgroup;
	uint32_t pid, tgid, ppid, ids[8];
	int32_t exit_code;
};
#define GET_INFO	_IOWR(0xff, 11, struct info)
#define INFO_EXIT	8

static int open_pid(pid_t pid, unsigned int flags)
{
	return sure((int)syscall(SYS_pidfd_open, pid, flags));
}

static int send_to(int fd, int sig)
{
	return syscall(SYS_pidfd_send_signal, fd, sig, NULL, 0);
}

static int events_of(int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };

	return poll(&pfd, 1, 0) == 1 ? pfd.revents : 0;
}

static ino_t ino_of(int fd)
{
	struct stat st = { 0 };

	fstat(fd, &st);
	return st.st_ino;
}

/* "Pid:" of /proc/self/fdinfo; -1 for one that is gone. */
static int pid_shown(int fd)
{
	char path[64], text[1024], *at;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	read_file(path, text, sizeof(text));
	at = strstr(text, "Pid:");
	return at ? atoi(at + 4) : -2;
}

static int exit_code_of(int fd)
{
	struct info info = { .mask = INFO_EXIT };

	if (ioctl(fd, GET_INFO, &info) || !(info.mask & INFO_EXIT))
		return -1;
	return info.exit_code;
}

static pid_t exits(int status)
{
	pid_t pid = sure(fork());

	if (!pid)
		_exit(status);
	return pid;
}

static pid_t sleeps(void)
{
	pid_t pid = sure(fork());

	while (!pid)
		pause();
	return pid;
}

/* Waits for a child of its own. */
static int waits(void *unused)
{
	pid_t pid = sleeps();
	int fd = open_pid(pid, 0);
	siginfo_t info = { 0 };
	char text[16];

	snprintf(text, sizeof(text), "%d", pid);
	write_file(file_at("grandchild"), O_CREAT, text);
	expect_eq(waitid(BY_PIDFD, fd, &info, WEXITED), 0, "waitid");
	expect_eq(info.si_pid, pid, "who has ended");
	expect_eq(info.si_status, SIGTERM, "how it has ended");
	(void)unused;
	return 0;
}

/* Is told when somebody else ends. */
static int polls(void *fd)
{
	struct pollfd pfd = { .fd = *(int *)fd, .events = POLLIN };

	expect_eq(poll(&pfd, 1, -1), 1, "poll of a process");
	expect_eq(pfd.revents, POLLIN, "what it says");
	return 0;
}

static volatile pid_t thread_tid;

static void *in_thread(void *unused)
{
	thread_tid = syscall(SYS_gettid);
	await("done");
	return unused;
}

int main(int argc, char **argv)
{
	int live, live_again, zombie, dead, dead_again, killed, self, thread, by_live, told, untold, by_dead;
	pid_t live_pid, zombie_pid, dead_pid, killed_pid, waiter, poller;
	siginfo_t info = { 0 };
	pthread_t other;
	char text[32];
	bool spoil;

	payload_begin(argc, argv);
	live_pid = sleeps();
	live = open_pid(live_pid, NONBLOCK);
	live_again = open_pid(live_pid, 0);
	zombie_pid = exits(5);
	zombie = open_pid(zombie_pid, 0);
	sure(waitid(BY_PIDFD, zombie, &info, WEXITED | WNOWAIT));
	dead_pid = exits(7);
	dead = open_pid(dead_pid, 0);
	dead_again = open_pid(dead_pid, NONBLOCK);
	sure(waitpid(dead_pid, NULL, 0));
	killed_pid = sleeps();
	killed = open_pid(killed_pid, 0);
	sure(kill(killed_pid, SIGKILL));
	sure(waitpid(killed_pid, NULL, 0));
	self = open_pid(getpid(), 0);
	sure(pthread_create(&other, NULL, in_thread, NULL) ? -1 : 0);
	while (!thread_tid)
		sleep_ms(1);
	thread = open_pid(thread_tid, THREAD);
	by_live = watch(live, EPOLLIN);
	told = watch(zombie, EPOLLIN | EPOLLET);
	expect_eq(next(told), 1, "edge-triggered, before");
	untold = watch(zombie, EPOLLIN | EPOLLET);
	by_dead = watch(dead, EPOLLIN);
	waiter = child(waits, NULL);
	poller = child(polls, &live_again);
	await_syscall(waiter, SYS_waitid);
	await_syscall(poller, SYS_poll);

	spoil = pause_here();
	if (spoil) {
		sure(waitpid(zombie_pid, NULL, 0));
		sure(dup2(live, dead));
	}
	expect_eq(pid_shown(live), live_pid, "one that lives");
	expect_eq(pid_shown(zombie), zombie_pid, "a zombie");
	expect_eq(pid_shown(dead), -1, "one that is gone");
	expect_eq(pid_shown(self), 1, "the process itself");
	expect_eq(pid_shown(thread), thread_tid, "a thread");
	expect_eq(fcntl(live, F_GETFL), O_RDWR | NONBLOCK, "flags of one that does not block");
	expect_eq(fcntl(live_again, F_GETFL), O_RDWR, "flags");
	expect_eq(fcntl(thread, F_GETFL), O_RDWR | THREAD, "flags of a thread's");
	expect_eq(fcntl(live, F_GETFD), FD_CLOEXEC, "close-on-exec");
	expect(ino_of(live) == ino_of(live_again), "two of one process");
	expect(ino_of(dead) == ino_of(dead_again), "two of one that is gone");
	expect(ino_of(dead) != ino_of(killed), "of another one that is gone");
	expect(ino_of(dead) != ino_of(live), "of another one");

	expect_eq(send_to(live, 0), 0, "signal to one that lives");
	expect_eq(send_to(zombie, 0), 0, "signal to a zombie");
	expect_eq(send_to(thread, 0), 0, "signal to a thread");
	expect_errno(send_to(dead, 0), ESRCH, "signal to one that is gone");
	expect_errno(send_to(killed, 0), ESRCH, "signal to one that was killed");
	expect_eq(exit_code_of(dead), 7 << 8, "exit code");
	expect_eq(exit_code_of(dead_again), 7 << 8, "exit code, by the other one");
	expect_eq(exit_code_of(killed), SIGKILL, "exit code of one that was killed");
	expect_eq(exit_code_of(live), -1, "no exit code yet");

	expect_eq(events_of(live), 0, "poll of one that lives");
	expect_eq(events_of(zombie), POLLIN, "poll of a zombie");
	expect_eq(events_of(dead), POLLIN | POLLHUP, "poll of one that is gone");
	expect_eq(next(by_live), 0, "epoll of one that lives");
	expect_eq(next(told), 0, "told before: not again");
	expect_eq(next(untold), 1, "edge-triggered, not told before");
	expect_eq(next(untold), 0, "once");
	expect_eq(next(by_dead), 1, "epoll of one that is gone");

	expect_errno(waitid(BY_PIDFD, live, &info, WEXITED), EAGAIN, "waitid that does not block");
	expect_errno(waitid(BY_PIDFD, dead, &info, WEXITED), ECHILD, "waitid for one that is gone");
	expect_eq(waitid(BY_PIDFD, zombie, &info, WEXITED), 0, "waitid for a zombie");
	expect_eq(info.si_status, 5, "its status");

	expect_eq(send_to(live, SIGTERM), 0, "a signal");
	reap(poller);
	expect_eq(next(by_live), 1, "epoll of one that has ended");
	expect_eq(waitid(BY_PIDFD, live_again, &info, WEXITED), 0, "waitid, then");
	expect_eq(info.si_status, SIGTERM, "it was the signal");
	expect_errno(send_to(live, 0), ESRCH, "now it is gone");
	read_file(file_at("grandchild"), text, sizeof(text));
	kill(atoi(text), SIGTERM);
	reap(waiter);
	tell("done");
	pthread_join(other, NULL);
	return payload_end();
}
