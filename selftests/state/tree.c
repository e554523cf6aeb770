// SPDX-License-Identifier: GPL-2.0
/*
 * Process tree: parents, sessions and process groups, also those whose leader
 * is dead, orphans that init has adopted, zombies, a child reaper that is not
 * init.
 */
#include "members.h"
#include <linux/sched.h>
#include <sys/prctl.h>

static int leader_of_group(void *name)
{
	sure(setpgid(0, 0));
	return member(name);
}

static int session(void *unused)
{
	pid_t own, other;

	(void)unused;
	sure(setsid());
	own = child(member, "in the session leader's group");
	other = child(leader_of_group, "another group of the session");
	member("session leader");
	reap(own);
	reap(other);
	return 0;
}

/* Its group and its child outlive it. */
static int dead_group_leader(void *unused)
{
	(void)unused;
	sure(setpgid(0, 0));
	child(wait_for_signal, "orphan in a group without leader");
	await("orphan in a group without leader");
	return 0;
}

static int dead_session_leader(void *unused)
{
	(void)unused;
	sure(setsid());
	child(orphan, "orphan in a session without leader");
	return 0;
}

static int dies(void *sig)
{
	signal((long)sig, SIG_DFL);
	raise((long)sig);
	return 0;
}

/* A zombie leads this one's group; another zombie is its child. */
static int parent_of_zombies(void *unused)
{
	pid_t leader, zombie;
	int status;

	(void)unused;
	leader = child(exits, (void *)7);
	sure(setpgid(leader, leader));
	sure(setpgid(0, leader));
	zombie = child(dies, (void *)SIGKILL);
	while (task_state(leader) != 'Z' || task_state(zombie) != 'Z')
		sleep_ms(5);
	member("parent of zombies");
	expect_eq(getpgid(leader), leader, "group of a zombie");
	expect_eq(waitpid(leader, &status, 0), leader, "zombie that leads a group");
	expect_eq(status, 7 << 8, "its status");
	expect_eq(waitpid(zombie, &status, 0), zombie, "killed zombie");
	expect_eq(status, SIGKILL, "its status");
	return 0;
}

static int chain(void *depth)
{
	static const char *const names[] = { "level 0", "level 1", "level 2", "level 3", "level 4" };
	long n = (long)depth;
	pid_t next = 0;

	if (n)
		next = child(chain, (void *)(n - 1));
	member((void *)names[n]);
	if (n)
		reap(next);
	return 0;
}

static int orphan_of_reaper(void *unused)
{
	(void)unused;
	tell("orphan of a reaper");
	await("reaper checked");
	return 5;
}

static int middle(void *unused)
{
	child(orphan_of_reaper, unused);
	return 0;
}

static int reaper(void *unused)
{
	int on = 0, status;

	sure(prctl(PR_SET_CHILD_SUBREAPER, 1));
	reap(child(middle, unused));
	await("orphan of a reaper");
	member("child reaper");
	prctl(PR_GET_CHILD_SUBREAPER, &on);
	expect_eq(on, 1, "PR_GET_CHILD_SUBREAPER");
	/* And it must still work for those who are born later. */
	reap(child(middle, unused));
	tell("reaper checked");
	for (int i = 0; i < 2; i++) {
		status = 0;
		expect(wait(&status) > 0, "orphan of a child reaper: %s", strerror(errno));
		expect_eq(status, 5 << 8, "its status");
	}
	return 0;
}

/* The pid of a child that was to have this one. */
static pid_t child_with_pid(pid_t wanted)
{
	struct clone_args args = {
		.exit_signal = SIGCHLD, .set_tid = (uintptr_t)&wanted, .set_tid_size = 1,
	};
	pid_t pid = syscall(SYS_clone3, &args, sizeof(args));

	if (!pid)
		_exit(0);
	if (pid > 0)
		reap(pid);
	return pid;
}

int main(int argc, char **argv)
{
	pid_t live[5], zombie[3], dead_group, dead_session, newest;
	int status, orphans = 0;

	payload_begin(argc, argv);
	live[0] = child(session, NULL);
	live[1] = child(parent_of_zombies, NULL);
	live[2] = child(chain, (void *)4);
	live[3] = child(reaper, NULL);
	live[4] = child(member, "plain child");
	dead_group = child(dead_group_leader, NULL);
	reap(dead_group);
	dead_session = child(dead_session_leader, NULL);
	reap(dead_session);
	zombie[0] = child(exits, (void *)42);
	zombie[1] = child(dies, (void *)SIGTERM);
	zombie[2] = child(exits, (void *)0);
	for (int i = 0; i < 3; i++)
		while (task_state(zombie[i]) != 'Z')
			sleep_ms(5);
	await("session leader");
	await("in the session leader's group");
	await("another group of the session");
	await("parent of zombies");
	await("level 0");
	await("child reaper");
	await("plain child");
	await("orphan in a session without leader");
	newest = sure(fork());
	if (!newest)
		_exit(0);
	reap(newest);

	if (pause_here())
		reap(zombie[0]);
	expect_eq(getpid(), 1, "pid of init");
	expect_eq(getppid(), 0, "parent of init");
	expect_eq(waitpid(zombie[0], &status, 0), zombie[0], "zombie that exited");
	expect_eq(status, 42 << 8, "its status");
	expect_eq(waitpid(zombie[1], &status, 0), zombie[1], "zombie that was killed");
	expect_eq(status, SIGTERM, "its status");
	expect_eq(waitpid(zombie[2], &status, 0), zombie[2], "zombie that had success");
	expect_eq(status, 0, "its status");
	for (int i = 0; i < 5; i++)
		reap(live[i]);
	/* A pid is handed out again only after all the others. */
	expect(child(exits, NULL) > newest, "pids go on");
	expect_eq(kill(-dead_group, SIGUSR2), 0, "signal to a group without leader");
	while (wait(&status) > 0) {
		expect_eq(status, 0, "orphan's status");
		orphans++;
	}
	expect_eq(orphans, 3, "orphans and the last child");
	expect_eq(child_with_pid(dead_group), dead_group, "a number that is free again");
	expect_eq(child_with_pid(zombie[1]), zombie[1], "that of a zombie, too");
	return payload_end();
}
