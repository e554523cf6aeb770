// SPDX-License-Identifier: GPL-2.0
/*
 * Tracers that are told of events: a program that is executed, a vfork(2) at its
 * beginning and its end, an exit, a system call that a filter tells of.
 */
#include "filter.h"
#include "tracer.h"
#include <pthread.h>
#include <sys/rseq.h>

#define AT_CALL		(SIGTRAP | 0x80)
#define EVENT(what)	(SIGTRAP | PTRACE_EVENT_##what << 8)
#define DATA		0x1234
/* What an executed program ends with, whose rseq area is its own. */
#define GOOD_RSEQ	4

/*
 * FORKED is at the beginning of a vfork(2) whose child is gone, WAITS in one. FILTERED is
 * told of by a filter, CAUGHT after the beginning of the call.
 */
enum { EXECS, FORKS, FORKED, WAITS, EXITS, KILLED, GROUP, FILTERED, CAUGHT, NR };

#define OPTIONS		(PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL)

static const struct {
	long options;
	int stop;
	unsigned long message;
} kinds[NR] = {
	[EXECS] = { PTRACE_O_TRACEEXEC, EVENT(EXEC), 0 },
	[FORKS] = { PTRACE_O_TRACEVFORK | PTRACE_O_TRACEVFORKDONE, EVENT(VFORK), 0 },
	[FORKED] = { PTRACE_O_TRACEVFORK | PTRACE_O_TRACEVFORKDONE, EVENT(VFORK), 0 },
	[WAITS] = { PTRACE_O_TRACEVFORKDONE, 0, 0 },
	[EXITS] = { PTRACE_O_TRACEEXIT, EVENT(EXIT), 3 << 8 },
	[KILLED] = { PTRACE_O_TRACEEXIT, EVENT(EXIT), SIGKILL },
	[GROUP] = { PTRACE_O_TRACEEXIT | PTRACE_O_TRACECLONE, EVENT(EXIT), 6 << 8 },
	[FILTERED] = { PTRACE_O_TRACESECCOMP, EVENT(SECCOMP), DATA },
	[CAUGHT] = { PTRACE_O_TRACESECCOMP, EVENT(SECCOMP), DATA },
};

static pid_t pid[NR], forked[NR], thread, survivor;
static const char *program;

static struct shared {
	int ready[NR], go[NR];
	pid_t vforked;
	int vfork_ends, lives;
} *shared;

static void *exits_alone(void *unused)
{
	syscall(SYS_exit, 5);
	return unused;
}

/* First a thread of it exits, and then the other one, which makes that its end. */
static void exit_with_thread(void)
{
	pthread_t made;

	pthread_create(&made, NULL, exits_alone, NULL);
	while (__atomic_load_n(&shared->go[GROUP], __ATOMIC_SEQ_CST) < 2)
		;
	syscall(SYS_exit, 6);
}

/* The child has the memory of its parent until it ends. */
static void vfork_and_exit(int which)
{
	pid_t child = vfork();

	if (!child) {
		shared->vforked = getpid();
		while (which == WAITS && !__atomic_load_n(&shared->vfork_ends, __ATOMIC_SEQ_CST))
			sleep_ms(5);
		_exit(0);
	}
}

static int tracee(void *arg)
{
	int which = *(int *)arg;

	signal(SIGCHLD, SIG_DFL);
	if (which == FILTERED || which == CAUGHT) {
		sure(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
		filter(SYS_getppid, SECCOMP_RET_TRACE | DATA, 0);
	}
	__atomic_store_n(&shared->ready[which], 1, __ATOMIC_SEQ_CST);
	while (!__atomic_load_n(&shared->go[which], __ATOMIC_SEQ_CST))
		;
	switch (which) {
	case EXECS:
		execl(program, program, payload_dir, "executed", NULL);
		break;
	case FORKS:
	case FORKED:
	case WAITS:
		vfork_and_exit(which);
		break;
	case EXITS:
		syscall(SYS_exit_group, 3);
		break;
	case GROUP:
		exit_with_thread();
		break;
	case FILTERED:
	case CAUGHT:
		syscall(SYS_getppid);
		break;
	}
	for (;;)
		pause();
}

static void resume(pid_t tid, long how)
{
	sure(ptrace(how, tid, 0, 0));
}

static unsigned long message_of(pid_t tid)
{
	unsigned long message = 0;

	sure(ptrace(PTRACE_GETEVENTMSG, tid, 0, &message));
	return message;
}

static void await_traced(pid_t tid)
{
	while (task_state(tid) != 't')
		sleep_ms(5);
}

/* Its end, and with which status. */
static void ends(pid_t tid, int wanted, const char *what)
{
	int status = -1;

	expect_eq(waitpid(tid, &status, __WALL), tid, "%s: its end", what);
	expect_eq(status, wanted, "%s: its status", what);
}

static void start(int which)
{
	bool from_call = which == EXECS || which == WAITS || which == CAUGHT;

	pid[which] = child(tracee, &which);
	while (!__atomic_load_n(&shared->ready[which], __ATOMIC_SEQ_CST))
		sleep_ms(5);
	sure(ptrace(PTRACE_SEIZE, pid[which], 0, OPTIONS | kinds[which].options));
	sure(ptrace(PTRACE_INTERRUPT, pid[which], 0, 0));
	expect_eq(stop_of(pid[which]), EVENT(STOP), "first stop");
	shared->go[which] = 1;
	resume(pid[which], from_call ? PTRACE_SYSCALL : PTRACE_CONT);
	if (!from_call)
		return;
	expect_eq(stop_of(pid[which]), AT_CALL, "beginning of a call");
	resume(pid[which], PTRACE_SYSCALL);
}

/* Both threads are at their exit. */
static void start_group(void)
{
	expect_eq(stop_of(pid[GROUP]), EVENT(CLONE), "stop at a new thread");
	thread = message_of(pid[GROUP]);
	resume(pid[GROUP], PTRACE_CONT);
	expect_eq(stop_of(thread), EVENT(STOP), "first stop of that");
	resume(thread, PTRACE_CONT);
	expect_eq(stop_of(thread), EVENT(EXIT), "stop at the exit of a thread");
	shared->go[GROUP] = 2;
}

static void *exits_late(void *unused)
{
	while (!__atomic_load_n(&shared->lives, __ATOMIC_SEQ_CST))
		;
	return unused;
}

static int outlives_thread(void *unused)
{
	pthread_t made;

	(void)unused;
	sure(ptrace(PTRACE_TRACEME, 0, 0, 0));
	raise(SIGSTOP);
	pthread_create(&made, NULL, exits_late, NULL);
	pthread_join(made, NULL);
	/* Its exit would be that of the thread, too. */
	while (__atomic_load_n(&shared->lives, __ATOMIC_SEQ_CST) < 2)
		sleep_ms(5);
	return 8;
}

/* One of two threads is at its exit; the other one waits for that. */
static pid_t start_survivor(void)
{
	pid_t tid;

	survivor = child(outlives_thread, NULL);
	expect_eq(stop_of(survivor), SIGSTOP, "first stop");
	sure(ptrace(PTRACE_SETOPTIONS, survivor, 0, PTRACE_O_TRACECLONE | PTRACE_O_EXITKILL));
	resume(survivor, PTRACE_CONT);
	expect_eq(stop_of(survivor), EVENT(CLONE), "stop at a new thread");
	tid = message_of(survivor);
	resume(survivor, PTRACE_CONT);
	expect_eq(stop_of(tid), SIGSTOP, "first stop of that");
	sure(ptrace(PTRACE_SETOPTIONS, tid, 0, PTRACE_O_TRACEEXIT));
	resume(tid, PTRACE_CONT);
	shared->lives = 1;
	expect_eq(stop_of(tid), EVENT(EXIT), "stop at the exit of a thread");
	return tid;
}

/* The child of a vfork(2) is traced as well. */
static void start_vfork(int which)
{
	forked[which] = message_of(pid[which]);
	expect_eq(stop_of(forked[which]), EVENT(STOP), "first stop of the child");
	if (which == FORKED) {
		resume(forked[which], PTRACE_CONT);
		ends(forked[which], 0, "child of vfork");
	}
}

static void look_at_vfork(int which, const char *what)
{
	pid_t parent = pid[which];
	char state;

	if (which == FORKS) {
		resume(parent, PTRACE_SYSCALL);
		/* It would go on at once if it did not wait. */
		do
			state = task_state(parent);
		while (state == 'R' || state == 'S');
		expect_eq(state, 'D', "%s: it waits", what);
		resume(forked[which], PTRACE_CONT);
		ends(forked[which], 0, what);
	} else if (which == FORKED) {
		resume(parent, PTRACE_SYSCALL);
	} else {
		expect_eq(task_state(parent), 'D', "%s: it waits", what);
		shared->vfork_ends = 1;
	}
	expect_eq(stop_of(parent), EVENT(VFORK_DONE), "%s: stop at its end", what);
	expect_eq(message_of(parent), forked[which], "%s: message at its end", what);
	expect_eq(regs_of(parent).rax, -38UL, "%s: it has no result", what);
	resume(parent, PTRACE_SYSCALL);
	expect_eq(stop_of(parent), AT_CALL, "%s: stop behind it", what);
	expect_eq(regs_of(parent).rax, forked[which], "%s: result", what);
	sure(kill(parent, SIGKILL));
}

static void look_at_call(int which, const char *what)
{
	resume(pid[which], PTRACE_SYSCALL);
	expect_eq(stop_of(pid[which]), AT_CALL, "%s: stop at its end", what);
	expect_eq(message_of(pid[which]), 2, "%s: message at its end", what);
	expect_eq(regs_of(pid[which]).rax, getpid(), "%s: result", what);
	sure(kill(pid[which], SIGKILL));
}

/* Whether libc could register its area. */
static int executed(void)
{
	struct rseq *area = (void *)((char *)__builtin_thread_pointer() + __rseq_offset);

	return (int)area->cpu_id >= 0 ? GOOD_RSEQ : 1;
}

int main(int argc, char **argv)
{
	struct user_regs_struct before[NR], regs;
	pid_t alone;
	siginfo_t info;
	bool spoil;

	if (argc > 2)
		return executed();
	payload_begin(argc, argv);
	program = argv[0];
	shared = map_anon(PAGE, MAP_SHARED);
	count_children();
	for (int i = 0; i < NR; i++) {
		start(i);
		if (i == GROUP)
			start_group();
		if (i == KILLED)
			sure(kill(pid[i], SIGKILL));
		/* Of this one, nobody has been told. */
		if (i == KILLED)
			await_traced(pid[i]);
		else if (kinds[i].stop)
			expect_eq(stop_of(pid[i]), kinds[i].stop, "stop %d", i);
		if (i == FORKS || i == FORKED)
			start_vfork(i);
		if (kinds[i].stop)
			before[i] = regs_of(pid[i]);
	}
	alone = start_survivor();
	while (task_state(pid[WAITS]) != 'D')
		sleep_ms(5);
	forked[WAITS] = shared->vforked;

	spoil = pause_unheard();
	if (spoil) {
		resume(pid[FILTERED], PTRACE_SYSCALL);
		await_traced(pid[FILTERED]);
	}
	for (int i = 0; i < NR; i++) {
		unsigned long message = kinds[i].message;

		if (!kinds[i].stop)
			continue;
		if (i == FORKS || i == FORKED)
			message = forked[i];
		if (i == EXECS)
			message = pid[i];
		regs = regs_of(pid[i]);
		expect(!memcmp(&regs, &before[i], sizeof(regs)), "registers of %d: rax %llx, rip %llx", i,
		       regs.rax, regs.rip);
		expect_eq(message_of(pid[i]), message, "message of %d", i);
		sure(ptrace(PTRACE_GETSIGINFO, pid[i], 0, &info));
		expect_eq(info.si_code, kinds[i].stop, "si_code of %d", i);
		if (i == KILLED)
			continue;
		info.si_pid = 0;
		sure(waitid(P_PID, pid[i], &info, WSTOPPED | WNOHANG | WNOWAIT | __WALL));
		expect_eq(info.si_pid, 0, "the tracer was told of %d before", i);
	}
	if (spoil)
		return payload_end();

	resume(pid[EXECS], PTRACE_SYSCALL);
	expect_eq(stop_of(pid[EXECS]), AT_CALL, "execve: stop at its end");
	expect_eq(regs_of(pid[EXECS]).rax, 0, "execve: result");
	resume(pid[EXECS], PTRACE_CONT);
	ends(pid[EXECS], GOOD_RSEQ << 8, "program that was executed");

	look_at_vfork(FORKS, "vfork that had begun");
	look_at_vfork(FORKED, "vfork whose child was gone");
	look_at_vfork(WAITS, "vfork that slept");

	resume(pid[EXITS], PTRACE_CONT);
	ends(pid[EXITS], 3 << 8, "exit");
	expect_eq(stop_of(pid[KILLED]), EVENT(EXIT), "exit by a signal: stop");
	resume(pid[KILLED], PTRACE_CONT);
	ends(pid[KILLED], SIGKILL, "exit by a signal");

	expect_eq(message_of(thread), 5 << 8, "exit of a thread: message");
	resume(thread, PTRACE_CONT);
	ends(thread, 6 << 8, "exit of a thread, and then of its process");
	resume(pid[GROUP], PTRACE_CONT);
	ends(pid[GROUP], 6 << 8, "exit of a process with a thread");

	expect_eq(message_of(alone), 0, "exit of a thread alone: message");
	expect_eq(waitpid(survivor, NULL, WNOHANG | __WALL), 0, "the other thread lives");
	resume(alone, PTRACE_CONT);
	ends(alone, 0, "exit of a thread alone");
	shared->lives = 2;
	ends(survivor, 8 << 8, "process of that thread");

	look_at_call(FILTERED, "call that a filter tells of");
	look_at_call(CAUGHT, "call that a filter tells of, after its beginning");
	return payload_end();
}
