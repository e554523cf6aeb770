// SPDX-License-Identifier: GPL-2.0
/*
 * A debugger and its programs: at a breakpoint, at a signal that has come while
 * they slept, seized, stepped, watched by the processor, running.
 */
#include "tracer.h"
#include <sched.h>
#include <stddef.h>

#define INT3		0xcc
#define DEBUGREG(n)	(offsetof(struct user, u_debugreg) + (n) * sizeof(long))
/* DR7: the first address is watched for writes of eight bytes. */
#define WATCH_0		0x90001UL
#define EVENT_STOPPED	(SIGTRAP | PTRACE_EVENT_STOP << 8)

static struct shared {
	unsigned long rounds[8];
	volatile unsigned long watched;
	int go, handled, value;
} *shared;

static void on_signal(int sig, siginfo_t *info, void *context)
{
	(void)context;
	shared->handled = sig;
	shared->value = info->si_value.sival_int;
}

/* A place for a breakpoint. */
__attribute__((noinline)) static void here(void)
{
	__asm__ volatile("nop; nop; nop; nop" ::: "memory");
}

static void handle(int sig)
{
	struct sigaction action = { .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO };

	sure(sigaction(sig, &action, NULL));
}

static int at_breakpoint(void *unused)
{
	(void)unused;
	sure(ptrace(PTRACE_TRACEME, 0, 0, 0));
	raise(SIGSTOP);
	for (int i = 0; i < 5; i++) {
		here();
		shared->rounds[0]++;
	}
	return 7;
}

static int in_sleep(void *unused)
{
	struct timespec ts = { 0, 300 * MS }, left = { 9, 9 };

	(void)unused;
	handle(SIGUSR1);
	handle(SIGRTMIN);
	tell("sleeps");
	sure(nanosleep(&ts, &left));
	shared->rounds[1]++;
	while (shared->handled != SIGUSR1)
		sched_yield();
	return 0;
}

static int spins(void *number)
{
	unsigned long *rounds = &shared->rounds[(long)number];

	for (;;) {
		__atomic_fetch_add(rounds, 1, __ATOMIC_SEQ_CST);
		if (__atomic_load_n(&shared->go, __ATOMIC_SEQ_CST))
			shared->watched++;
		/* One that spins is enough. */
		if ((long)number == 4)
			sleep_ms(1);
	}
	return 0;
}

static pid_t debugged(int (*function)(void *), long number)
{
	return child(function, (void *)number);
}

static siginfo_t siginfo_of(pid_t pid)
{
	siginfo_t info = {};

	sure(ptrace(PTRACE_GETSIGINFO, pid, 0, &info));
	return info;
}

static void poke_byte(pid_t pid, unsigned long addr, unsigned char byte)
{
	long word = ptrace(PTRACE_PEEKTEXT, pid, addr, 0);

	sure(ptrace(PTRACE_POKETEXT, pid, addr, (word & ~0xffL) | byte));
}

/* As a debugger does it: the instruction, one step, the breakpoint again. */
static void over_breakpoint(pid_t pid, unsigned long addr, unsigned char original)
{
	struct user_regs_struct regs = regs_of(pid);

	expect_eq(regs.rip, addr + 1, "address behind the breakpoint");
	regs.rip = addr;
	sure(ptrace(PTRACE_SETREGS, pid, 0, &regs));
	poke_byte(pid, addr, original);
	sure(ptrace(PTRACE_SINGLESTEP, pid, 0, 0));
	expect_eq(stop_of(pid), SIGTRAP, "stop after a step");
	expect_eq(siginfo_of(pid).si_code, TRAP_TRACE, "si_code of a step");
	expect_eq(regs_of(pid).rip, addr + 1, "address after a step");
	poke_byte(pid, addr, INT3);
	sure(ptrace(PTRACE_CONT, pid, 0, 0));
}

static void end(pid_t pid)
{
	int status;

	sure(kill(pid, SIGKILL));
	sure(waitpid(pid, &status, __WALL));
	expect(WIFSIGNALED(status), "%d is killed: %#x", pid, status);
}

/* Whether it does, as often as it is looked at. */
static bool makes_progress(int number, int looks)
{
	unsigned long before = __atomic_load_n(&shared->rounds[number], __ATOMIC_SEQ_CST);

	for (int i = 0; i < looks; i++) {
		if (__atomic_load_n(&shared->rounds[number], __ATOMIC_SEQ_CST) != before)
			return true;
		sleep_ms(5);
	}
	return false;
}

int main(int argc, char **argv)
{
	const unsigned long addr = (unsigned long)here;
	const unsigned char original = *(unsigned char *)addr;
	struct user_regs_struct regs, slept;
	pid_t bp, sleeper, seized, interrupted, watched, stepped;
	siginfo_t info;
	int status;
	bool spoil;

	payload_begin(argc, argv);
	shared = map_anon(PAGE, MAP_SHARED);
	count_children();

	/* At a breakpoint for the second time. */
	bp = debugged(at_breakpoint, 0);
	expect_eq(stop_of(bp), SIGSTOP, "first stop");
	sure(ptrace(PTRACE_SETOPTIONS, bp, 0, PTRACE_O_EXITKILL | PTRACE_O_TRACESYSGOOD));
	poke_byte(bp, addr, INT3);
	sure(ptrace(PTRACE_CONT, bp, 0, 0));
	expect_eq(stop_of(bp), SIGTRAP, "breakpoint");
	over_breakpoint(bp, addr, original);
	expect_eq(stop_of(bp), SIGTRAP, "breakpoint again");

	/* A signal has come while it slept; others wait. Nobody has waited for that. */
	sleeper = debugged(in_sleep, 0);
	await("sleeps");
	await_syscall(sleeper, SYS_clock_nanosleep);
	sure(ptrace(PTRACE_SEIZE, sleeper, 0, PTRACE_O_TRACEEXIT));
	sure(sigqueue(sleeper, SIGRTMIN, (union sigval){ .sival_int = 77 }));
	while (task_state(sleeper) != 't')
		sleep_ms(5);
	sure(kill(sleeper, SIGUSR1));
	sure(sigqueue(sleeper, SIGRTMIN, (union sigval){ .sival_int = 78 }));
	slept = regs_of(sleeper);

	seized = debugged(spins, 2);
	sure(ptrace(PTRACE_SEIZE, seized, 0, 0));
	interrupted = debugged(spins, 3);
	sure(ptrace(PTRACE_SEIZE, interrupted, 0, 0));
	sure(ptrace(PTRACE_INTERRUPT, interrupted, 0, 0));
	expect_eq(stop_of(interrupted), EVENT_STOPPED, "stop by PTRACE_INTERRUPT");

	/* It runs, and the processor watches what it writes. */
	watched = debugged(spins, 4);
	sure(ptrace(PTRACE_ATTACH, watched, 0, 0));
	expect_eq(stop_of(watched), SIGSTOP, "stop by PTRACE_ATTACH");
	sure(ptrace(PTRACE_POKEUSER, watched, DEBUGREG(0), &shared->watched));
	sure(ptrace(PTRACE_POKEUSER, watched, DEBUGREG(7), WATCH_0));
	sure(ptrace(PTRACE_CONT, watched, 0, 0));

	/* It has made a step. */
	stepped = debugged(spins, 5);
	sure(ptrace(PTRACE_ATTACH, stepped, 0, 0));
	expect_eq(stop_of(stepped), SIGSTOP, "stop by PTRACE_ATTACH");
	sure(ptrace(PTRACE_SINGLESTEP, stepped, 0, 0));
	expect_eq(stop_of(stepped), SIGTRAP, "stop after a step");
	regs = regs_of(stepped);

	spoil = pause_unheard();
	if (spoil) {
		info = siginfo_of(bp);
		info.si_code = SI_USER;
		sure(ptrace(PTRACE_SETSIGINFO, bp, 0, &info));
		sure(ptrace(PTRACE_DETACH, interrupted, 0, 0));
	}

	expect_eq(waitpid(bp, &status, WNOHANG | __WALL), 0, "the breakpoint was told already");
	expect_eq(siginfo_of(bp).si_code, SI_KERNEL, "si_code of the breakpoint");
	expect_eq(ptrace(PTRACE_CONT, seized, 0, 0), -1, "to continue who runs");
	for (int i = 2; i < 5; i++) {
		over_breakpoint(bp, addr, original);
		expect_eq(stop_of(bp), SIGTRAP, "breakpoint, round %d", i);
	}
	poke_byte(bp, addr, original);
	regs_of(bp);
	expect_eq(shared->rounds[0], 4, "rounds before the last breakpoint");
	regs = regs_of(bp);
	regs.rip--;
	sure(ptrace(PTRACE_SETREGS, bp, 0, &regs));
	sure(ptrace(PTRACE_CONT, bp, 0, 0));
	expect_eq(waitpid(bp, &status, __WALL), bp, "wait for its end");
	expect_eq(status, 7 << 8, "its end");

	/* Of the stop at a signal nobody has been told. */
	expect_eq(stop_of(sleeper), SIGRTMIN, "stop at a signal");
	info = siginfo_of(sleeper);
	expect(info.si_code == SI_QUEUE && info.si_pid == getpid() && info.si_int == 77,
	       "its siginfo: %d %d %d", info.si_code, info.si_pid, info.si_int);
	regs = regs_of(sleeper);
	expect(!memcmp(&regs, &slept, sizeof(regs)), "its registers: rax %llx, was %llx",
	       regs.rax, slept.rax);
	sure(ptrace(PTRACE_CONT, sleeper, 0, 0));
	expect_eq(stop_of(sleeper), SIGUSR1, "stop at the next signal");
	expect_eq(siginfo_of(sleeper).si_code, SI_USER, "si_code of that");
	sure(ptrace(PTRACE_CONT, sleeper, 0, 0));
	expect_eq(stop_of(sleeper), SIGRTMIN, "stop at the last signal");
	expect_eq(siginfo_of(sleeper).si_int, 78, "value of that");
	expect_eq(shared->rounds[1], 0, "it still sleeps");
	sure(ptrace(PTRACE_CONT, sleeper, 0, 0));
	while (!shared->rounds[1])
		sleep_ms(5);
	expect_eq(shared->handled, 0, "no handler has run");
	sure(kill(sleeper, SIGUSR1));
	expect_eq(stop_of(sleeper), SIGUSR1, "stop at a new signal");
	sure(ptrace(PTRACE_CONT, sleeper, 0, SIGUSR1));
	expect_eq(stop_of(sleeper), SIGTRAP | PTRACE_EVENT_EXIT << 8, "stop at its exit");
	expect_eq(shared->handled, SIGUSR1, "handler");
	sure(ptrace(PTRACE_CONT, sleeper, 0, 0));
	reap(sleeper);

	expect(makes_progress(2, 2000), "who runs, runs");
	sure(ptrace(PTRACE_INTERRUPT, seized, 0, 0));
	expect_eq(stop_of(seized), EVENT_STOPPED, "stop by PTRACE_INTERRUPT");
	end(seized);

	expect(!makes_progress(3, 40) || spoil, "who is stopped does not run");
	expect_eq(ptrace(PTRACE_CONT, interrupted, 0, 0), 0, "to continue after PTRACE_INTERRUPT");
	expect(makes_progress(3, 2000), "then it runs");
	end(interrupted);

	expect(makes_progress(4, 2000), "who is watched, runs");
	__atomic_store_n(&shared->go, 1, __ATOMIC_SEQ_CST);
	expect_eq(stop_of(watched), SIGTRAP, "watchpoint");
	expect_eq(siginfo_of(watched).si_code, TRAP_HWBKPT, "si_code of that");
	expect_eq(ptrace(PTRACE_PEEKUSER, watched, DEBUGREG(6), 0) & 0xf, 1, "DR6");
	expect_eq(ptrace(PTRACE_PEEKUSER, watched, DEBUGREG(7), 0), WATCH_0, "DR7");
	end(watched);

	for (int i = 0; i < 3; i++) {
		sure(ptrace(PTRACE_SINGLESTEP, stepped, 0, 0));
		expect_eq(stop_of(stepped), SIGTRAP, "step %d", i);
		expect_eq(siginfo_of(stepped).si_code, TRAP_TRACE, "si_code of that");
		expect_eq(regs_of(stepped).eflags & 0x100, 0, "TF is not shown");
	}
	sure(ptrace(PTRACE_DETACH, stepped, 0, 0));
	expect(makes_progress(5, 2000), "who is let go, runs");
	end(stepped);
	return payload_end();
}
