// SPDX-License-Identifier: GPL-2.0
/*
 * Tracers that look at system calls, as strace does: at their beginning, while they
 * sleep, at their end; and at new tasks.
 */
#include "tracer.h"

#define AT_CALL		(SIGTRAP | 0x80)
#define EVENT(what)	(SIGTRAP | PTRACE_EVENT_##what << 8)
#define OPTIONS		(PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACECLONE | \
			 PTRACE_O_EXITKILL)

/* RESTARTED is before its restart_syscall(2). */
enum { BEFORE, AFTER, ASLEEP, TIMED, READER, FORKS, WAITED, RESTARTED, VFORKS, NR };

static pid_t pid[NR], grandchild;
static int ends[2];

static struct shared {
	int ready[NR], go[NR], done[NR];
	long result[NR];
	pid_t vforked;
	int vfork_ends;
} *shared;

/* The child has the memory of its parent until it ends. */
static long in_vfork(void)
{
	pid_t child = vfork();

	if (!child) {
		shared->vforked = getpid();
		while (!__atomic_load_n(&shared->vfork_ends, __ATOMIC_SEQ_CST))
			sleep_ms(5);
		_exit(0);
	}
	return child;
}

static long calls(int which)
{
	char c = 0;

	switch (which) {
	case ASLEEP:
		return syscall(SYS_pause);
	case TIMED:
	case RESTARTED:
		return syscall(SYS_nanosleep, &(struct timespec){ 12 * patience(), 0 }, NULL);
	case READER:
		return syscall(SYS_read, ends[0], &c, 1);
	case FORKS:
		return syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
	case VFORKS:
		return in_vfork();
	default:
		return syscall(SYS_getpid);
	}
}

static int tracee(void *arg)
{
	int which = *(int *)arg;
	sigset_t about_children;

	/* Its tracer would be told. */
	sigemptyset(&about_children);
	sigaddset(&about_children, SIGCHLD);
	sigprocmask(SIG_BLOCK, &about_children, NULL);
	__atomic_store_n(&shared->ready[which], 1, __ATOMIC_SEQ_CST);
	while (!__atomic_load_n(&shared->go[which], __ATOMIC_SEQ_CST))
		;
	shared->result[which] = calls(which);
	if (which == FORKS && !shared->result[which])
		_exit(9);
	__atomic_store_n(&shared->done[which], 1, __ATOMIC_SEQ_CST);
	for (;;)
		pause();
}

static void resume(int which, long how)
{
	sure(ptrace(how, pid[which], 0, 0));
}

static void ends_with(int which, long result, const char *what)
{
	expect_eq(stop_of(pid[which]), AT_CALL, "%s: stop at its end", what);
	expect_eq(regs_of(pid[which]).rax, (unsigned long)result, "%s: result", what);
	resume(which, PTRACE_CONT);
	for (int i = 0; !__atomic_load_n(&shared->done[which], __ATOMIC_SEQ_CST) && i < 1000; i++)
		sleep_ms(5);
	expect_eq(shared->result[which], result, "%s: what it got", what);
}

/* A signal that nobody handles would do the same. */
static void interrupt_sleep(void)
{
	await_syscall(pid[RESTARTED], SYS_nanosleep);
	sure(ptrace(PTRACE_INTERRUPT, pid[RESTARTED], 0, 0));
	expect_eq(stop_of(pid[RESTARTED]), AT_CALL, "end of a sleep that is interrupted");
	resume(RESTARTED, PTRACE_SYSCALL);
	expect_eq(stop_of(pid[RESTARTED]), AT_CALL, "beginning of restart_syscall");
	expect_eq(regs_of(pid[RESTARTED]).orig_rax, SYS_restart_syscall, "its number");
}

static bool was_told_of(int which)
{
	return which == BEFORE || which == AFTER || which == FORKS || which == RESTARTED;
}

int main(int argc, char **argv)
{
	struct user_regs_struct before[NR], regs;
	unsigned long message;
	bool spoil;
	siginfo_t info;

	payload_begin(argc, argv);
	shared = map_anon(PAGE, MAP_SHARED);
	sure(pipe(ends));
	for (int i = 0; i < NR; i++) {
		pid[i] = child(tracee, &i);
		while (!__atomic_load_n(&shared->ready[i], __ATOMIC_SEQ_CST))
			sleep_ms(5);
		sure(ptrace(PTRACE_SEIZE, pid[i], 0, OPTIONS));
		sure(ptrace(PTRACE_INTERRUPT, pid[i], 0, 0));
		expect_eq(stop_of(pid[i]), EVENT(STOP), "first stop");
		shared->go[i] = 1;
		resume(i, PTRACE_SYSCALL);
		expect_eq(stop_of(pid[i]), AT_CALL, "beginning of call %d", i);
		if (i != BEFORE)
			resume(i, PTRACE_SYSCALL);
	}
	/* Nobody has waited for the end of this one. */
	expect_eq(stop_of(pid[AFTER]), AT_CALL, "end of a call");
	while (task_state(pid[WAITED]) != 't')
		sleep_ms(5);
	interrupt_sleep();
	await_syscall(pid[ASLEEP], SYS_pause);
	await_syscall(pid[TIMED], SYS_nanosleep);
	while (!__atomic_load_n(&shared->vforked, __ATOMIC_SEQ_CST))
		sleep_ms(5);
	await_syscall(pid[READER], SYS_read);
	expect_eq(stop_of(pid[FORKS]), EVENT(FORK), "stop at a new task");
	sure(ptrace(PTRACE_GETEVENTMSG, pid[FORKS], 0, &message));
	grandchild = message;
	expect_eq(stop_of(grandchild), EVENT(STOP), "first stop of that");
	for (int i = 0; i < NR; i++)
		if (was_told_of(i))
			before[i] = regs_of(pid[i]);

	spoil = pause_here();
	for (int i = 0; i < NR; i++) {
		if (!was_told_of(i))
			continue;
		regs = regs_of(pid[i]);
		expect(!memcmp(&regs, &before[i], sizeof(regs)), "registers of %d: rax %llx, rip %llx", i,
		       regs.rax, regs.rip);
	}
	if (spoil) {
		resume(BEFORE, PTRACE_SYSCALL);
		while (task_state(pid[BEFORE]) != 't')
			sleep_ms(5);
	}
	info.si_pid = 0;
	sure(waitid(P_PID, pid[BEFORE], &info, WSTOPPED | WNOHANG | WNOWAIT | __WALL));
	expect_eq(info.si_pid, 0, "the tracer was told before");
	if (!spoil) {
		sure(ptrace(PTRACE_GETSIGINFO, pid[BEFORE], 0, &info));
		expect_eq(info.si_code, AT_CALL, "si_code at the beginning of a call");
		resume(BEFORE, PTRACE_SYSCALL);
	}
	ends_with(BEFORE, pid[BEFORE], "a call that had not begun");
	resume(AFTER, PTRACE_SYSCALL);
	for (int i = 0; !__atomic_load_n(&shared->done[AFTER], __ATOMIC_SEQ_CST) && i < 1000; i++)
		sleep_ms(5);
	expect_eq(shared->result[AFTER], pid[AFTER], "a call that had ended: what it got");
	ends_with(WAITED, pid[WAITED], "a call whose end nobody had waited for");
	expect_eq(task_state(pid[TIMED]), 'S', "a sleep goes on");
	ends_with(TIMED, 0, "a sleep");
	resume(RESTARTED, PTRACE_SYSCALL);
	ends_with(RESTARTED, 0, "a sleep that was about to be taken up again");
	shared->vfork_ends = 1;
	ends_with(VFORKS, shared->vforked, "vfork");
	sure(write(ends[1], "x", 1) == 1 ? 0 : -1);
	ends_with(READER, 1, "a read that slept");
	expect_eq(task_state(pid[ASLEEP]), 'S', "it sleeps");
	sure(kill(pid[ASLEEP], SIGUSR2));
	expect_eq(stop_of(pid[ASLEEP]), AT_CALL, "the end of a call that a signal interrupts");
	expect_eq(regs_of(pid[ASLEEP]).rax, -514UL, "its result");
	resume(ASLEEP, PTRACE_CONT);
	expect_eq(stop_of(pid[ASLEEP]), SIGUSR2, "the signal");
	resume(FORKS, PTRACE_SYSCALL);
	ends_with(FORKS, grandchild, "fork");
	sure(ptrace(PTRACE_CONT, grandchild, 0, 0));
	for (int i = 0; i < NR; i++)
		kill(pid[i], SIGKILL);
	return payload_end();
}
