// SPDX-License-Identifier: GPL-2.0
/* Filters of system calls: what they refuse, who shares them; and the strict mode. */
#include "payload.h"
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <linux/ptrace.h>

/* The calls that filters here refuse, each with an error of its own. */
#define REFUSED_BY_ALL		SYS_getppid
#define REFUSED_BY_CHILDREN	SYS_getpgrp
#define REFUSED_BY_ONE		SYS_getuid
#define REFUSED_LATER		SYS_getgid

static int install(int call, int error, unsigned int flags)
{
	struct sock_filter program[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog fprog = { ARRAY_SIZE(program), program };

	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &fprog);
}

/* Long enough for scratch memory to matter. */
static void install_long(void)
{
	static struct sock_filter program[BPF_MAXINSNS];
	struct sock_fprog fprog = { ARRAY_SIZE(program), program };

	for (size_t i = 0; i < ARRAY_SIZE(program); i++)
		program[i] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_IMM, i);
	program[ARRAY_SIZE(program) - 1] =
		(struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	sure(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &fprog));
}

/* What a call says now: 0, or the error of a filter. */
static int refusal(int call)
{
	errno = 0;
	syscall(call);
	return errno;
}

static void check_filters(const char *who, int all, int children, int one, int number)
{
	expect_eq(refusal(REFUSED_BY_ALL), all, "%s: refused to all", who);
	expect_eq(refusal(REFUSED_BY_CHILDREN), children, "%s: refused to children", who);
	expect_eq(refusal(REFUSED_BY_ONE), one, "%s: refused to one", who);
	expect_eq(atoi(status_field("thread-self", "Seccomp")), 2, "%s: mode", who);
	expect_eq(atoi(status_field("thread-self", "Seccomp_filters")), number, "%s: filters", who);
}

static int plain_child(void *unused)
{
	(void)unused;
	if (await_go())
		sure(install(REFUSED_BY_ALL, 1, 0));
	check_filters("child", 1001, 1002, 0, 2);
	return 0;
}

static int restricted_child(void *unused)
{
	(void)unused;
	sure(install(REFUSED_BY_ONE, 1003, SECCOMP_FILTER_FLAG_LOG));
	install_long();
	tell("restricted");
	await_go();
	check_filters("grandchild", 1001, 1002, 1003, 4);
	/* It is looked at from outside. */
	await("looked");
	return 0;
}

static int family(void *unused)
{
	pid_t pid[2];

	(void)unused;
	sure(install(REFUSED_BY_ALL, 1001, 0));
	sure(install(REFUSED_BY_CHILDREN, 1002, 0));
	pid[0] = child(plain_child, NULL);
	pid[1] = child(restricted_child, NULL);
	await("restricted");
	await_go();
	check_filters("parent", 1001, 1002, 0, 2);
	reap(pid[0]);
	reap(pid[1]);
	return 0;
}

/*
 * Threads that have, or have not, the same filters: SECCOMP_FILTER_FLAG_TSYNC
 * wants those of all others to be among its own, and says who stands out.
 */
static void *sharing_thread(void *unused)
{
	tell("sharing");
	await("synced");
	check_filters("sharing thread", 1001, 1002, 0, 3);
	expect_eq(refusal(REFUSED_LATER), 1005, "sharing thread: it was synchronized");
	(void)unused;
	return NULL;
}

static int sharing_child(void *unused)
{
	pthread_t thread;

	(void)unused;
	sure(install(REFUSED_BY_ALL, 1001, 0));
	pthread_create(&thread, NULL, sharing_thread, NULL);
	await("sharing");
	expect_eq(install(REFUSED_BY_CHILDREN, 1002, SECCOMP_FILTER_FLAG_TSYNC), 0, "filter for all");
	tell("shared");
	await_go();
	expect_eq(install(REFUSED_LATER, 1005, SECCOMP_FILTER_FLAG_TSYNC), 0, "threads share their filters");
	tell("synced");
	pthread_join(thread, NULL);
	return 0;
}

static pid_t other_tid;

static void *other_thread(void *unused)
{
	/* The same program, but another filter. */
	sure(install(REFUSED_BY_CHILDREN, 1002, 0));
	other_tid = syscall(SYS_gettid);
	tell("other");
	await("tried");
	check_filters("other thread", 1001, 1002, 0, 2);
	(void)unused;
	return NULL;
}

static int other_child(void *unused)
{
	pthread_t thread;

	(void)unused;
	sure(install(REFUSED_BY_ALL, 1001, 0));
	pthread_create(&thread, NULL, other_thread, NULL);
	await("other");
	sure(install(REFUSED_BY_CHILDREN, 1002, 0));
	tell("apart");
	await_go();
	expect_eq(install(REFUSED_LATER, 1005, SECCOMP_FILTER_FLAG_TSYNC), other_tid,
		  "the thread with other filters stands out");
	expect_eq(refusal(REFUSED_LATER), 0, "nothing was synchronized");
	tell("tried");
	pthread_join(thread, NULL);
	return 0;
}

static int strict_in[2], strict_out[2];

/* Nothing but read(2), write(2) and _exit(2) is left to it. */
static int strict_child(void *unused)
{
	char byte;

	(void)unused;
	sure(prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT));
	syscall(SYS_read, strict_in[0], &byte, 1);
	syscall(SYS_write, strict_out[1], &byte, 1);
	syscall(SYS_getpid);
	syscall(SYS_exit, 0);
	return 0;
}

/* The C library's header and the kernel's exclude each other. */
static long trace(long request, pid_t pid, unsigned long addr, void *data)
{
	return syscall(SYS_ptrace, request, pid, addr, data);
}

/* What ptrace(2) shows of the newest filters of the grandchild. */
static void look_at_grandchild(void)
{
	struct seccomp_metadata metadata = { .filter_off = 2 };
	struct sock_filter program[BPF_MAXINSNS];
	pid_t pid = 0, found;
	int status;

	for (found = 2; found < 100 && !pid; found++) {
		char text[16];

		snprintf(text, sizeof(text), "%d", found);
		if (atoi(status_field(text, "Seccomp_filters")) == 4)
			pid = found;
	}
	sure(trace(PTRACE_SEIZE, pid, 0, NULL));
	sure(trace(PTRACE_INTERRUPT, pid, 0, NULL));
	sure(waitpid(pid, &status, __WALL));
	expect_eq(trace(PTRACE_SECCOMP_GET_METADATA, pid, sizeof(metadata), &metadata), sizeof(metadata),
		  "metadata");
	expect_eq(metadata.flags, SECCOMP_FILTER_FLAG_LOG, "flags of a filter");
	metadata.filter_off = 1;
	sure(trace(PTRACE_SECCOMP_GET_METADATA, pid, sizeof(metadata), &metadata));
	expect_eq(metadata.flags, 0, "flags of another filter");
	expect_eq(trace(PTRACE_SECCOMP_GET_FILTER, pid, 3, program), BPF_MAXINSNS, "length of a filter");
	expect(program[77].k == 77 && program[BPF_MAXINSNS - 1].k == SECCOMP_RET_ALLOW, "its instructions");
	sure(trace(PTRACE_DETACH, pid, 0, NULL));
}

int main(int argc, char **argv)
{
	pid_t pid[4];
	char byte = 'x';
	int status;

	payload_begin(argc, argv);
	sure(pipe(strict_in));
	sure(pipe(strict_out));
	pid[0] = child(family, NULL);
	pid[1] = child(sharing_child, NULL);
	pid[2] = child(other_child, NULL);
	pid[3] = child(strict_child, NULL);
	await("restricted");
	await("shared");
	await("apart");
	await_syscall(pid[3], SYS_read);
	pause_here();
	look_at_grandchild();
	tell("looked");
	for (int i = 0; i < 3; i++)
		reap(pid[i]);
	sure(write(strict_in[1], &byte, 1));
	byte = 0;
	expect_eq(read(strict_out[0], &byte, 1), 1, "strict mode: write");
	sure(waitpid(pid[3], &status, 0));
	expect(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "strict mode: %#x", status);
	return payload_end();
}
