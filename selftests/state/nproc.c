// SPDX-License-Identifier: GPL-2.0
/*
 * A process that has become a user with too many processes: it runs on, but may
 * not execute a program.
 */
#include "payload.h"
#include <sys/resource.h>

#define USER 12345

static int sleeper(void *unused)
{
	/* Two of them: whoever becomes that user is not counted yet. */
	sure(setresuid(USER, USER, USER));
	if (sure(fork()))
		tell("sleeper");
	/* Until then there are too many. */
	await("over");
	(void)unused;
	return 0;
}

static int one_too_many(void *arg)
{
	struct rlimit one = { 1, RLIM_INFINITY };
	char *const argv[] = { "true", NULL };
	bool excused = arg;

	sure(setrlimit(RLIMIT_NPROC, &one));
	if (excused) {
		/* It was one of theirs before, and has not exceeded anything. */
		one.rlim_cur = RLIM_INFINITY;
		sure(setrlimit(RLIMIT_NPROC, &one));
		sure(setresuid(USER, USER, 0));
		one.rlim_cur = 1;
		sure(setrlimit(RLIMIT_NPROC, &one));
	} else {
		sure(setresuid(USER, USER, 0));
	}
	tell(excused ? "excused" : "one too many");
	if (await_go() && !excused) {
		one.rlim_cur = RLIM_INFINITY;
		sure(setrlimit(RLIMIT_NPROC, &one));
	}
	if (excused) {
		execv("/bin/true", argv);
		_exit(99);
	}
	expect_eq(execv("/bin/true", argv), -1, "execve fails");
	expect_eq(errno, EAGAIN, "because of the limit");
	return 0;
}

int main(int argc, char **argv)
{
	pid_t pid[3];
	int status = 0;

	payload_begin(argc, argv);
	umask(0);
	sure(chmod(payload_dir, 0777));
	write_file(file_at("result"), O_CREAT | O_APPEND, "");
	pid[0] = child(sleeper, NULL);
	await("sleeper");
	pid[1] = child(one_too_many, NULL);
	await("one too many");
	pid[2] = child(one_too_many, "excused");
	await("excused");
	if (pause_here())
		status = 1;
	for (int turn = 0; turn < 3; turn++) {
		int ended = -1, i = (turn + 1) % 3;

		waitpid(pid[i], &ended, 0);
		if (i == 1)
			tell("over");
		/* With the limit lifted it becomes another program. */
		expect(!ended && !(status && i == 1), "child %d: wait status %#x", i, ended);
	}
	return payload_end();
}
