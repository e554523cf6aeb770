// SPDX-License-Identifier: GPL-2.0
/*
 * Nested pid namespaces: what processes, threads and groups are called at every
 * level; namespaces that were made for children, with and without an init;
 * processes whose parent is further outside.
 */
#include "members.h"
#include <pthread.h>

static int tells_pid(void *unused)
{
	(void)unused;
	return getpid();
}

static void await_zombie(pid_t pid)
{
	siginfo_t info;

	sure(waitid(P_PID, pid, &info, WEXITED | WNOWAIT));
}

static void expect_status(pid_t pid, int wanted, const char *what)
{
	int status = -1;

	expect_eq(waitpid(pid, &status, 0), pid, "%s", what);
	expect_eq(status, wanted, "%s: status", what);
}

/* Three of them, one in another. */
static int level(void *depth)
{
	static const char *const names[] = { "level 1", "level 2", "level 3" };
	static const char *const members[] = { "member 1", "member 2", "member 3" };
	long n = (long)depth;
	pid_t plain, next = 0, newest, zombie;

	expect_eq(getpid(), 1, "%s: pid of init", names[n]);
	expect_eq(getppid(), 0, "%s: parent of init", names[n]);
	plain = child(member, (void *)members[n]);
	if (n < 2)
		next = init_of_new(level, (void *)(n + 1));
	zombie = child(exits, (void *)(n + 40));
	await_zombie(zombie);
	await(members[n]);
	if (n < 2)
		await(names[n + 1]);
	newest = child(exits, NULL);
	reap(newest);
	member((void *)names[n]);
	expect_status(zombie, (n + 40) << 8, "zombie in a nested namespace");
	expect(child(exits, NULL) > newest, "%s: pids go on", names[n]);
	reap(plain);
	if (n < 2)
		reap(next);
	return 0;
}

static int dead_parent(void *unused)
{
	(void)unused;
	child(orphan, "nested orphan");
	return 0;
}

static int dead_session_leader(void *unused)
{
	(void)unused;
	sure(setsid());
	child(wait_for_signal, "in a nested session without leader");
	await("in a nested session without leader");
	return 0;
}

static void *second_thread(void *unused)
{
	struct sigevent event = { .sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGUSR1 };
	struct ids before = look();
	struct itimerspec soon = { .it_value.tv_nsec = 1000 };
	clockid_t clock;
	timer_t timer;
	siginfo_t info;
	sigset_t set = block_signal(SIGUSR1);

	event._sigev_un._tid = before.tid;
	sure(clock_getcpuclockid(getpid(), &clock) ? -1 : 0);
	sure(timer_create(clock, &event, &timer));
	tell("nested thread");
	await_go();
	same("nested thread", before);
	sure(timer_settime(timer, 0, &soon, NULL));
	/* It goes by CPU time. */
	while (sigtimedwait(&set, &info, &(struct timespec){ 0, 0 }) < 0)
		;
	expect_eq(info.si_code, SI_TIMER, "timer of a nested thread");
	return unused;
}

static int with_threads(void *unused)
{
	pthread_t thread;

	/* The thread waits for it. */
	block_signal(SIGUSR1);
	sure(pthread_create(&thread, NULL, second_thread, unused) ? -1 : 0);
	await("nested thread");
	member("nested process with threads");
	pthread_join(thread, NULL);
	return 0;
}

/* Signals from inside and from outside wait for it. */
static int gets_signals(void *unused)
{
	siginfo_t info;
	sigset_t set;

	(void)unused;
	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	sigaddset(&set, SIGRTMIN + 1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	tell("nested receiver");
	await_go();
	sigwaitinfo(&set, &info);
	expect_eq(info.si_pid, 1, "signal from inside");
	expect_eq(info.si_value.sival_int, 17, "its value");
	sigwaitinfo(&set, &info);
	expect_eq(info.si_pid, 0, "signal from outside");
	return 0;
}

/* The init of a namespace that others enter. */
static int town(void *unused)
{
	pid_t threads, receiver, leader;
	int status;

	(void)unused;
	reap(child(dead_parent, NULL));
	leader = child(dead_session_leader, NULL);
	reap(leader);
	threads = child(with_threads, NULL);
	receiver = child(gets_signals, NULL);
	await("nested orphan");
	await("nested process with threads");
	await("nested receiver");
	sure(sigqueue(receiver, SIGRTMIN, (union sigval){ .sival_int = 17 }));
	member("town");
	reap(threads);
	reap(receiver);
	expect_eq(kill(-leader, SIGUSR2), 0, "signal to a nested group without leader");
	await("visitor done");
	while (wait(&status) > 0)
		expect_eq(status, 0, "nested orphan's status");
	return 0;
}

static void enter(pid_t pid)
{
	int fd = sure((int)syscall(SYS_pidfd_open, pid, 0));

	sure(setns(fd, CLONE_NEWPID));
	close(fd);
}

static int holder_in_town(void *unused)
{
	(void)unused;
	sure(unshare(CLONE_NEWPID));
	return member("holder in town");
}

static int init_from_outside(void *unused)
{
	(void)unused;
	expect_eq(getpid(), 1, "init with a parent from outside");
	return member("init from outside");
}

static pid_t town_pid;

/* It has children where it is not, and is in a group whose dead leader was there. */
static int visitor(void *unused)
{
	pid_t inside, leader, holder, init;
	char path[64];
	int fd;

	(void)unused;
	enter(town_pid);
	inside = child(member, "inside");
	leader = child(exits, NULL);
	sure(setpgid(leader, leader));
	sure(setpgid(0, leader));
	reap(leader);
	holder = child(holder_in_town, NULL);
	await("holder in town");
	snprintf(path, sizeof(path), "/proc/%d/ns/pid_for_children", holder);
	fd = sure(open(path, O_RDONLY));
	sure(setns(fd, CLONE_NEWPID));
	close(fd);
	init = child(init_from_outside, NULL);
	await("init from outside");
	enter(getpid());
	await("inside");
	member("visitor");
	expect_eq(getpgrp(), leader, "group whose leader was in another namespace");
	expect_eq(kill(-leader, 0), 0, "it is there");
	reap(inside);
	reap(holder);
	reap(init);
	tell("visitor done");
	return 0;
}

static int unshared_init(void *unused)
{
	(void)unused;
	member("unshared init");
	await("holder done");
	return 0;
}

/* Namespaces for children: with an init, without one yet, and with none any more. */
static int holder(void *unused)
{
	pid_t init;

	(void)unused;
	sure(unshare(CLONE_NEWPID));
	init = child(unshared_init, NULL);
	await("unshared init");
	expect_status(child(tells_pid, NULL), 2 << 8, "second in an unshared namespace");
	member("holder");
	expect_status(child(tells_pid, NULL), 3 << 8, "third in an unshared namespace");
	tell("holder done");
	reap(init);
	return 0;
}

static int holder_of_empty(void *unused)
{
	(void)unused;
	sure(unshare(CLONE_NEWPID));
	member("holder of an empty namespace");
	expect_status(child(tells_pid, NULL), 1 << 8, "first in an empty namespace");
	expect_errno(fork(), ENOMEM, "fork after its init has died");
	return 0;
}

static int holder_of_dead(void *unused)
{
	(void)unused;
	sure(unshare(CLONE_NEWPID));
	reap(child(exits, NULL));
	expect_errno(fork(), ENOMEM, "fork without init");
	member("holder of a dead namespace");
	expect_errno(fork(), ENOMEM, "fork without init, again");
	return 0;
}

static int holder_of_zombie(void *unused)
{
	pid_t init;

	(void)unused;
	sure(unshare(CLONE_NEWPID));
	init = child(exits, (void *)9);
	await_zombie(init);
	member("holder of a zombie's namespace");
	expect_status(init, 9 << 8, "init that is a zombie");
	expect_errno(fork(), ENOMEM, "fork with an init that was a zombie");
	return 0;
}

static int waits_forever(void *name)
{
	tell(name);
	while (pause())
		;
	return 0;
}

static int victim(void *unused)
{
	child(waits_forever, "victim's child");
	init_of_new(waits_forever, "victim's nested init");
	await("victim's child");
	await("victim's nested init");
	waits_forever("victim");
	return unused != NULL;
}

int main(int argc, char **argv)
{
	pid_t live[7], zombie, dies, receiver = 0;
	int ends[2];
	char byte;

	payload_begin(argc, argv);
	live[0] = init_of_new(level, NULL);
	live[2] = town_pid = init_of_new(town, NULL);
	await("town");
	/* It is reaped before: its group has a number there, which the init waits for. */
	live[1] = child(visitor, NULL);
	live[3] = child(holder, NULL);
	live[4] = child(holder_of_empty, NULL);
	live[5] = child(holder_of_dead, NULL);
	live[6] = child(holder_of_zombie, NULL);
	zombie = init_of_new(exits, (void *)5);
	await_zombie(zombie);
	sure(pipe(ends));
	dies = init_of_new(victim, NULL);
	close(ends[1]);
	await("level 1");
	await("visitor");
	await("holder");
	await("holder of an empty namespace");
	await("holder of a dead namespace");
	await("holder of a zombie's namespace");
	await("victim");
	/* By its number out here, which nobody inside knows. */
	for (pid_t pid = 2; pid < 100 && !receiver; pid++) {
		char name[16];

		snprintf(name, sizeof(name), "%d", pid);
		if (strtoull(status_field(name, "SigBlk"), NULL, 16) & (1ULL << (SIGRTMIN - 1)))
			receiver = pid;
	}
	sure(kill(receiver, SIGRTMIN + 1));

	if (pause_here())
		waitpid(zombie, NULL, 0);
	for (size_t i = 0; i < ARRAY_SIZE(live); i++)
		reap(live[i]);
	expect_status(zombie, 5 << 8, "init of a namespace that is a zombie");
	sure(kill(dies, SIGKILL));
	expect_status(dies, SIGKILL, "init that is killed");
	expect_eq(read(ends[0], &byte, 1), 0, "the others die with it");
	expect_eq(wait(NULL), -1, "nobody is left");
	return payload_end();
}
