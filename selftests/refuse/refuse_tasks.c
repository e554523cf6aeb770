// SPDX-License-Identifier: GPL-2.0
/* Tasks in a state that is not supported, or need not be. */
#include "cases.h"
#include "filter.h"
#include <linux/keyctl.h>
#include <pthread.h>
#include <sched.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/resource.h>

static pid_t other;

/* A child that does @make and waits. */
static void in_child(void (*make)(void))
{
	other = sure(fork());
	if (!other) {
		make();
		tell("child");
		await_go();
		_exit(payload_failed);
	}
	await("child");
}

static void alarm_timer(void)
{
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1 };
	timer_t timer;

	need(timer_create(CLOCK_BOOTTIME_ALARM, &event, &timer));
}

static void *make_orphan(void *unused)
{
	struct sigevent event = { .sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGUSR1 };
	timer_t timer;

	event._sigev_un._tid = syscall(SYS_gettid);
	sure(timer_create(CLOCK_MONOTONIC, &event, &timer));
	return unused;
}

/* A timer for a thread that is gone: nobody would get its signal. */
static void orphaned_timer(void)
{
	pthread_t thread;

	sure(pthread_create(&thread, NULL, make_orphan, NULL));
	sure(pthread_join(thread, NULL));
}

static void supervised_child(void)
{
	filter(SYS_getppid, SECCOMP_RET_USER_NOTIF, SECCOMP_FILTER_FLAG_NEW_LISTENER);
}

static void supervised(void)
{
	in_child(supervised_child);
}

/* Such a sleep could not go on after it was interrupted. */
static void make_no_restart(void)
{
	struct timespec ts = { 4, 0 };

	other = sure(fork());
	if (!other) {
		filter(SYS_restart_syscall, SECCOMP_RET_KILL_PROCESS, 0);
		_exit(syscall(SYS_nanosleep, &ts, NULL) ? 1 : 0);
	}
	await_syscall(other, SYS_nanosleep);
}

static void check_no_restart(void)
{
	int status = -1;

	expect_eq(waitpid(other, &status, 0), other, "it ends");
	expect_eq(status, 0, "it has slept");
}

/* What the child does is up to its first signal, or to "go". */
static void traced(long options)
{
	other = sure(fork());
	if (!other) {
		signal(SIGUSR1, _exit);
		for (;;)
			pause();
	}
	await_syscall(other, SYS_pause);
	sure(ptrace(PTRACE_SEIZE, other, 0, options));
}

static void await_stop(int wanted)
{
	int status;

	sure(waitpid(other, &status, 0));
	expect_eq(status >> 8, wanted, "stop of the child");
}

/* That it goes on, up to its end. */
static void check_traced(void)
{
	int status = 0;

	sure(kill(other, SIGKILL));
	expect_eq(waitpid(other, &status, 0), other, "child that is traced");
	expect(WIFSIGNALED(status), "its status: %#x", status);
}

/* With the options that it has now, there would be no such stop. */
static void at_exit_stop(void)
{
	traced(PTRACE_O_TRACEEXIT);
	sure(kill(other, SIGUSR1));
	await_stop(SIGUSR1);
	sure(ptrace(PTRACE_CONT, other, 0, SIGUSR1));
	await_stop(SIGTRAP | PTRACE_EVENT_EXIT << 8);
	sure(ptrace(PTRACE_SETOPTIONS, other, 0, 0));
}

static void check_exit_stop(void)
{
	int status = 0;

	sure(ptrace(PTRACE_CONT, other, 0, 0));
	expect_eq(waitpid(other, &status, 0), other, "child that exits");
	expect_eq(status, SIGUSR1 << 8, "its status");
}

/* Nobody has been told that it is continued. */
static void in_group_stop(void)
{
	traced(0);
	sure(kill(other, SIGSTOP));
	await_stop(SIGSTOP);
	sure(ptrace(PTRACE_CONT, other, 0, SIGSTOP));
	await_stop(SIGSTOP | PTRACE_EVENT_STOP << 8);
	sure(kill(other, SIGCONT));
}

/* It has written a part of what does not fit into a pipe. */
static void in_traced_call(void)
{
	static char much[1 << 20];
	int ends[2], status;

	sure(pipe(ends));
	other = sure(fork());
	if (!other) {
		sure(ptrace(PTRACE_TRACEME, 0, 0, 0));
		raise(SIGUSR1);
		syscall(SYS_write, ends[1], much, sizeof(much));
	}
	await_stop(SIGUSR1);
	/* The end of kill(2), if that is one, and the beginning of write(2). */
	for (;;) {
		sure(ptrace(PTRACE_SYSCALL, other, 0, 0));
		sure(waitpid(other, &status, 0));
		if (ptrace(PTRACE_PEEKUSER, other, offsetof(struct user, regs.orig_rax), 0) == SYS_write)
			break;
	}
	sure(ptrace(PTRACE_SYSCALL, other, 0, 0));
	await_syscall(other, SYS_write);
	while (task_state(other) != 'S')
		sleep_ms(5);
}

/*
 * A child that does something, after its tracer has asked for these events; with flags of
 * clone(2).
 */
static void traced_doing(void (*what)(void), long options, unsigned long flags)
{
	other = sure((pid_t)syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0));
	if (!other) {
		sure(ptrace(PTRACE_TRACEME, 0, 0, 0));
		raise(SIGUSR1);
		what();
		for (;;)
			pause();
	}
	await_stop(SIGUSR1);
	sure(ptrace(PTRACE_SETOPTIONS, other, 0, options | PTRACE_O_EXITKILL));
	sure(ptrace(PTRACE_CONT, other, 0, 0));
}

static void make_filtered_call(void)
{
	sure(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	filter(SYS_getppid, SECCOMP_RET_TRACE, 0);
	syscall(SYS_getppid);
}

/* What its filter would be asked about again is another call now. */
static void at_seccomp_stop(void)
{
	traced_doing(make_filtered_call, PTRACE_O_TRACESECCOMP, 0);
	await_stop(SIGTRAP | PTRACE_EVENT_SECCOMP << 8);
	sure(ptrace(PTRACE_POKEUSER, other, offsetof(struct user, regs.orig_rax), SYS_getpid));
}

/* The instruction would set this register. */
static void at_changed_call(void)
{
	traced(PTRACE_O_EXITKILL);
	sure(ptrace(PTRACE_INTERRUPT, other, 0, 0));
	await_stop(SIGTRAP | PTRACE_EVENT_STOP << 8);
	sure(ptrace(PTRACE_SYSCALL, other, 0, 0));
	await_stop(SIGTRAP);
	sure(ptrace(PTRACE_POKEUSER, other, offsetof(struct user, regs.rcx), 0x5eed));
}

static void make_child(void)
{
	syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
}

/* It is to be told another number than its tracer. */
static void at_nested_fork(void)
{
	traced_doing(make_child, PTRACE_O_TRACEFORK, CLONE_NEWPID);
	await_stop(SIGTRAP | PTRACE_EVENT_FORK << 8);
}

static void traced_zombie(void)
{
	traced(0);
	sure(kill(other, SIGKILL));
	while (task_state(other) != 'Z')
		sleep_ms(5);
}

/* A limit of a nested pid namespace. */
static void nested_pid_max(void)
{
	sure(unshare(CLONE_NEWPID));
	other = sure(fork());
	if (!other) {
		write_file("/proc/sys/kernel/pid_max", 0, "100000");
		tell("child");
		await_go();
		_exit(0);
	}
	await("child");
}

/* Nothing but a descriptor keeps it. */
static void pid_namespace_of_descriptor(void)
{
	char path[64];

	other = sure((pid_t)syscall(SYS_clone, CLONE_NEWPID | SIGCHLD, 0, 0, 0, 0));
	if (!other)
		for (;;)
			sleep_ms(10);
	snprintf(path, sizeof(path), "/proc/%d/ns/pid", other);
	sure(open(path, O_RDONLY));
	sure(kill(other, SIGKILL));
	sure(waitpid(other, NULL, 0));
}

static int leads(void *unused)
{
	sure(setpgid(0, 0));
	tell("leads");
	await("joined");
	return unused != NULL;
}

/* The leader of its group was the init of a namespace, which is gone. */
static void in_group_of_dead_init(void)
{
	pid_t leader;

	other = sure(fork());
	if (!other) {
		leader = init_of_new(leads, NULL);
		await("leads");
		sure(setpgid(0, leader));
		tell("joined");
		sure(waitpid(leader, NULL, 0));
		tell("child");
		await_go();
		_exit(getpgrp() == leader ? 0 : 1);
	}
	await("child");
}

static bool is_exiting(pid_t pid)
{
	unsigned int flags = 0;
	char path[64], text[512], *at;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	if (read_file(path, text, sizeof(text)) > 0 && (at = strrchr(text, ')')))
		sscanf(at + 1, " %*c %*d %*d %*d %*d %*d %u", &flags);
	return flags & 0x4;
}

/* Its init is dead but for a zombie, whose parent is outside and does not wait. */
static int holds_zombie(void *unused)
{
	pid_t init, zombie;

	sure(unshare(CLONE_NEWPID));
	init = sure(fork());
	if (!init)
		for (;;)
			sleep_ms(10);
	zombie = sure(fork());
	if (!zombie)
		_exit(7);
	while (task_state(zombie) != 'Z')
		sleep_ms(5);
	sure(kill(init, SIGKILL));
	/* It waits in its exit. */
	while (!is_exiting(init))
		sleep_ms(5);
	tell("child");
	await_go();
	expect_eq(waitpid(zombie, NULL, 0), zombie, "zombie of a dying namespace");
	expect_eq(waitpid(init, NULL, 0), init, "its init");
	return unused != NULL;
}

static void dying_namespace(void)
{
	other = child(holds_zombie, NULL);
	await("child");
}

static void check_dying_namespace(void)
{
	reap(other);
}

static void unshare_uts(void) { sure(unshare(CLONE_NEWUTS)); }
static void unshare_ipc(void) { sure(unshare(CLONE_NEWIPC)); }
static void unshare_net(void) { sure(unshare(CLONE_NEWNET)); }
static void unshare_mnt(void) { sure(unshare(CLONE_NEWNS)); }
static void unshare_user(void) { sure(unshare(CLONE_NEWUSER)); }
static void unshare_time(void) { sure(unshare(CLONE_NEWTIME)); }
static void unshare_cgroup(void) { sure(unshare(CLONE_NEWCGROUP)); }

static void child_uts(void) { in_child(unshare_uts); }
static void child_ipc(void) { in_child(unshare_ipc); }
static void child_net(void) { in_child(unshare_net); }
static void child_mnt(void) { in_child(unshare_mnt); }
static void child_user(void) { in_child(unshare_user); }

static void make_sched_ext(void)
{
	struct sched_param param = { 0 };

	need(sched_setscheduler(0, 7, &param));
}

static void make_keyring(void)
{
	sure(syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, "mine"));
}

static int cgroup_of(char *path, size_t size)
{
	char text[256], *at;

	if (read_file("/proc/self/cgroup", text, sizeof(text)) <= 0 || !(at = strstr(text, "0::")))
		return -1;
	at[strcspn(at, "\n")] = 0;
	snprintf(path, size, "/sys/fs/cgroup%s", at + 3);
	return 0;
}

static char cgroup[300];

static void make_cgroup(void)
{
	char path[400];

	sure(cgroup_of(cgroup, sizeof(cgroup)));
	snprintf(path, sizeof(path), "%s/inner", cgroup);
	sure(mkdir(path, 0755));
	strcat(path, "/cgroup.procs");
	write_file(path, 0, "0");
	sure(cgroup_of(cgroup, sizeof(cgroup)));
}

/* It leaves, so that the cgroup above can be removed. */
static void check_cgroup(void)
{
	char now[300] = "", *name;

	cgroup_of(now, sizeof(now));
	name = strrchr(now, '/');
	expect(name && !strcmp(name, "/inner"), "cgroup: %s, was %s", now, cgroup);
}

static char stack[65536] __attribute__((aligned(16)));
static int wait_for_go(void *unused)
{
	await_go();
	(void)unused;
	return 0;
}

static void share_semaphores(void)
{
	other = sure(clone(wait_for_go, stack + sizeof(stack), CLONE_SYSVSEM | SIGCHLD, NULL));
}

static void share_io(void)
{
	sure(syscall(SYS_ioprio_set, 1, 0, 3 << 13));
	other = sure(clone(wait_for_go, stack + sizeof(stack), CLONE_IO | SIGCHLD, NULL));
}

static int waits_alone(void *unused)
{
	for (;;)
		syscall(SYS_pause);
	return unused != NULL;
}

static void share_memory_with_namespace(void)
{
	other = sure(clone(waits_alone, stack + sizeof(stack), CLONE_VM | CLONE_NEWPID | SIGCHLD, NULL));
}

static const struct case_ cases[] = {
	{ "alarm-timer", "timer 0 goes by a clock", alarm_timer, NULL },
	{ "orphaned-timer", "timer 0 is of a thread", orphaned_timer, NULL },
	{ "seccomp-supervisor", "pid 2 .*seccomp", supervised, NULL },
	{ "seccomp-restart", "nanosleep.* restart_syscall", make_no_restart, check_no_restart },
	{ "traced-exit", "stopped by its tracer at its exit, without", at_exit_stop, check_exit_stop },
	{ "traced-group", "traced while a signal stops or continues", in_group_stop, check_traced },
	{ "traced-call", "that its tracer waits for", in_traced_call, NULL },
	{ "traced-seccomp", "that seccomp tells it of", at_seccomp_stop, NULL },
	{ "traced-changed", "cannot be issued again", at_changed_call, NULL },
	{ "traced-fork", "at the creation of a task", at_nested_fork, NULL },
	{ "traced-zombie", "tracer does not know", traced_zombie, check_traced },
	{ "nested-pid-max", "kernel.pid_max .* nested pid namespace", nested_pid_max, NULL },
	{ "pid-namespace-fd", "fd [0-9]+: a namespace", pid_namespace_of_descriptor, NULL },
	{ "group-of-dead-init", "record pid .*without a living init", in_group_of_dead_init, NULL },
	{ "dying-namespace", "exits, and does not come to an end", dying_namespace, check_dying_namespace },
	{ "memory-of-namespace", "CLONE_VM.* in another pid namespace", share_memory_with_namespace, NULL },
	{ "uts-child", "namespace", child_uts, NULL },
	{ "ipc-child", "namespace", child_ipc, NULL },
	{ "net-child", "namespace", child_net, NULL },
	{ "mnt-child", "namespace", child_mnt, NULL },
	{ "user-child", "namespace", child_user, NULL },
	{ "net", "namespace", unshare_net, NULL },
	{ "user", "namespace", unshare_user, NULL },
	{ "time", "namespace", unshare_time, NULL },
	{ "cgroup-namespace", "namespace", unshare_cgroup, NULL },
	{ "sched-ext", "SCHED_EXT", make_sched_ext, NULL },
	{ "shared-semaphores", "CLONE_SYSVSEM", share_semaphores, NULL },
	{ "shared-io", "CLONE_IO", share_io, NULL },
	{ "keyring", "key", make_keyring, NULL },
	{ "cgroup", "cgroup", make_cgroup, check_cgroup },
};

int main(int argc, char **argv)
{
	return run_cases(argc, argv, cases, ARRAY_SIZE(cases));
}
