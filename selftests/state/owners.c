// SPDX-License-Identifier: GPL-2.0
/*
 * Files that send signals: to a process, a thread, a process group, or nobody any
 * more; with a signal of choice; when something can be read.
 */
#include "payload.h"
#include <pthread.h>
#include <sys/socket.h>
#include <sys/wait.h>

#define F_GETOWNER_UIDS_	17
#define SENT			(SIGRTMIN + 3)

static int gate[2];
static pid_t other_tid;

static void *stays(void *unused)
{
	char byte;

	other_tid = gettid();
	tell("thread");
	(void)!read(gate[0], &byte, 1);
	return unused;
}

static int leads_group(void *unused)
{
	char byte;

	close(gate[1]);
	sure(setpgid(0, 0));
	tell("group");
	(void)!read(gate[0], &byte, 1);
	(void)unused;
	return 0;
}

static int sets_owner(void *arg)
{
	int *fds = arg;

	sure(setresuid(1234, 1235, 1236));
	sure(fcntl(fds[0], F_SETOWN, 1));
	return 0;
}

static int dies(void *arg)
{
	int *fds = arg;

	sure(fcntl(fds[0], F_SETOWN, getpid()));
	sure(fcntl(fds[0], F_SETSIG, SENT + 1));
	return 0;
}

static void check_owner(const char *name, int fd, int type, pid_t pid, int sig)
{
	struct f_owner_ex owner = { -1, -1 };

	expect_eq(fcntl(fd, F_GETOWN_EX, &owner), 0, "%s: F_GETOWN_EX", name);
	expect_eq(owner.type, type, "%s: type", name);
	expect_eq(owner.pid, pid, "%s: pid", name);
	expect_eq(fcntl(fd, F_GETSIG), sig, "%s: signal", name);
}

/* Ends of pairs: they send one signal for what can be read, another for room. */
static void make_async(int fd)
{
	sure(fcntl(fd, F_SETOWN, getpid()));
	sure(fcntl(fd, F_SETSIG, SENT));
	sure(fcntl(fd, F_SETFL, O_ASYNC | O_NONBLOCK));
}

static void check_signal(const sigset_t *set, int fd, long band, const char *what)
{
	siginfo_t info = { 0 };

	expect_eq(sigtimedwait(set, &info, &(struct timespec){ 5, 0 }), SENT, "%s: a signal", what);
	expect(info.si_fd == fd && info.si_band & band, "%s: descriptor %d, band %#lx", what, info.si_fd,
	       info.si_band);
}

static void fill(int fd)
{
	static char block[4096];

	while (write(fd, block, sizeof(block)) > 0)
		;
}

static void empty(int fd)
{
	static char block[4096];

	while (recv(fd, block, sizeof(block), MSG_DONTWAIT) > 0)
		;
}

int main(int argc, char **argv)
{
	struct f_owner_ex owner = { F_OWNER_TID, 0 };
	int async[2], thread[2], group[2], foreign[2], dead[2], file, copy;
	uid_t uids[2] = { 0 };
	siginfo_t info = { 0 };
	pthread_t other;
	int readable[2], full[2];
	sigset_t set, pending;
	pid_t leader;

	payload_begin(argc, argv);
	sure(pipe(gate));
	sure(pipe(async));
	sure(pipe(thread));
	sure(pipe(group));
	sure(pipe(foreign));
	sure(pipe(dead));
	set = block_signal(SENT);

	/* What comes says for which descriptor it was asked. */
	copy = sure(dup(async[0]));
	sure(fcntl(copy, F_SETOWN, getpid()));
	sure(fcntl(copy, F_SETSIG, SENT));
	sure(fcntl(copy, F_SETFL, O_ASYNC | O_NONBLOCK));

	sure(socketpair(AF_UNIX, SOCK_STREAM, 0, readable));
	sure(socketpair(AF_UNIX, SOCK_STREAM, 0, full));
	make_async(readable[0]);
	make_async(full[0]);
	fill(full[0]);

	pthread_create(&other, NULL, stays, NULL);
	await("thread");
	owner.pid = other_tid;
	sure(fcntl(thread[1], F_SETOWN_EX, &owner));
	leader = child(leads_group, NULL);
	await("group");
	sure(fcntl(group[0], F_SETOWN, -leader));
	reap(child(sets_owner, foreign));
	reap(child(dies, dead));
	file = sure(open(file_at("file"), O_RDWR | O_CREAT, 0600));
	sure(fcntl(file, F_SETOWN, leader));

	if (pause_here())
		sure(fcntl(copy, F_SETSIG, SENT + 2));
	check_owner("a pipe", async[0], F_OWNER_PID, getpid(), SENT);
	expect_eq(fcntl(async[0], F_GETFL) & O_ASYNC, O_ASYNC, "O_ASYNC");
	expect_eq(fcntl(async[1], F_GETFL) & O_ASYNC, 0, "not of the other end");
	check_owner("owned by a thread", thread[1], F_OWNER_TID, other_tid, 0);
	check_owner("owned by a group", group[0], F_OWNER_PGRP, leader, 0);
	check_owner("owned by a dead process", dead[0], F_OWNER_PID, 0, SENT + 1);
	check_owner("a file", file, F_OWNER_PID, leader, 0);
	check_owner("set by another user", foreign[0], F_OWNER_PID, 1, 0);
	expect_eq(fcntl(foreign[0], F_GETOWNER_UIDS_, uids), 0, "F_GETOWNER_UIDS");
	expect(uids[0] == 1234 && uids[1] == 1235, "who has set it: %u %u", uids[0], uids[1]);

	sigpending(&pending);
	expect(!sigismember(&pending, SENT), "no signal came by itself");
	sure(write(async[1], "x", 1));
	expect_eq(sigtimedwait(&set, &info, &(struct timespec){ 5, 0 }), SENT, "a signal comes");
	expect_eq(info.si_fd, copy, "descriptor of the signal");
	expect(info.si_band & 1, "POLLIN: %#lx", info.si_band);
	sure(write(readable[1], "x", 1));
	check_signal(&set, readable[0], 1, "a socket with data");
	empty(full[1]);
	check_signal(&set, full[0], 4, "a socket with room");
	sure(write(gate[1], "..", 2));
	pthread_join(other, NULL);
	reap(leader);
	return payload_end();
}
