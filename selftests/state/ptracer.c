// SPDX-License-Identifier: GPL-2.0
/*
 * Who may trace a process besides its ancestors (PR_SET_PTRACER), where Yama
 * allows nobody else.
 */
#include "payload.h"
#include <sys/prctl.h>
#include <sys/ptrace.h>

#define SCOPE "/proc/sys/kernel/yama/ptrace_scope"

static void become_user(void)
{
	sure(setresgid(4321, 4321, 4321));
	sure(setresuid(4321, 4321, 4321));
	sure(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0));
}

static pid_t friend;

/* Targets 0 to 2 are for the first tracer, 3 is for the second one. */
#define NESTED		3

/* May trace who has named it, or everybody. */
static int tracer(void *arg)
{
	long first = (long)arg;

	become_user();
	tell(first ? "nested tracer" : "tracer");
	await("targets");
	await_go();
	for (long i = first; i < (first ? NESTED + 1 : NESTED); i++) {
		char name[32], text[16] = "";
		pid_t pid;
		long ret;

		snprintf(name, sizeof(name), "target%ld", i);
		read_file(file_at(name), text, sizeof(text));
		pid = atoi(text);
		ret = ptrace(PTRACE_SEIZE, pid, 0, 0);
		expect(i != 2 ? !ret : ret == -1 && errno == EPERM, "target %ld: %ld, %s", i, ret, strerror(errno));
	}
	tell(first ? "traced in its namespace" : "traced");
	return 0;
}

static int target(void *arg)
{
	char name[16], text[16];
	long which = (long)arg;

	become_user();
	if (which == 0 || which == NESTED)
		sure(prctl(PR_SET_PTRACER, friend, 0, 0, 0));
	if (which == 1)
		sure(prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0));
	if (which == 2) {
		/* Taken back. */
		sure(prctl(PR_SET_PTRACER, friend, 0, 0, 0));
		sure(prctl(PR_SET_PTRACER, 0, 0, 0, 0));
	}
	snprintf(name, sizeof(name), "target%ld", which);
	snprintf(text, sizeof(text), "%d", getpid());
	write_file(file_at(name), O_CREAT, text);
	if (await_go() && (which == 0 || which == NESTED))
		sure(prctl(PR_SET_PTRACER, 0, 0, 0, 0));
	snprintf(name, sizeof(name), "ready%ld", which);
	tell(name);
	await(which == NESTED ? "traced in its namespace" : "traced");
	return 0;
}

/* In a pid namespace, where the two have numbers that others have outside. */
static int nested(void *unused)
{
	pid_t pid;

	(void)unused;
	friend = child(tracer, (void *)NESTED);
	await("nested tracer");
	pid = child(target, (void *)NESTED);
	reap(pid);
	reap(friend);
	return 0;
}

int main(int argc, char **argv)
{
	char scope[16];
	pid_t last, init;

	payload_begin(argc, argv);
	umask(0);
	sure(chmod(payload_dir, 0777));
	write_file(file_at("result"), O_CREAT | O_APPEND, "");
	if (read_file(SCOPE, scope, sizeof(scope)) <= 0) {
		payload_announce("skip no Yama here");
		return 4;
	}
	write_file(SCOPE, 0, "1");
	friend = child(tracer, NULL);
	await("tracer");
	child(target, (void *)0);
	child(target, (void *)1);
	last = child(target, (void *)2);
	init = init_of_new(nested, NULL);
	for (int i = 0; i <= NESTED; i++) {
		char name[16];

		snprintf(name, sizeof(name), "target%d", i);
		await(name);
	}
	pause_here();
	for (int i = 0; i <= NESTED; i++) {
		char name[16];

		snprintf(name, sizeof(name), "ready%d", i);
		await(name);
	}
	tell("targets");
	reap(friend);
	for (pid_t pid = friend + 1; pid <= last; pid++)
		reap(pid);
	reap(init);
	write_file(SCOPE, 0, scope);
	return payload_end();
}
