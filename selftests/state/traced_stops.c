// SPDX-License-Identifier: GPL-2.0
/*
 * Tracers of processes that a signal has stopped: threads that were told so, that listen,
 * and that run all the same.
 */
#include "tracer.h"
#include <pthread.h>

#define EVENT_STOPPED(sig)	((sig) | PTRACE_EVENT_STOP << 8)

/* UNTOLD was not waited for, ATTACHED not seized; RUNS although its process is stopped. */
enum { STOPS, LISTENS, UNTOLD, ATTACHED, RUNS, NR };

static pid_t pid[NR], thread;

static struct shared {
	unsigned long rounds[NR];
	pid_t thread;
} *shared;

static void *waits(void *unused)
{
	__atomic_store_n(&shared->thread, syscall(SYS_gettid), __ATOMIC_SEQ_CST);
	for (;;)
		pause();
	return unused;
}

static int tracee(void *arg)
{
	int which = *(int *)arg;
	pthread_t made;

	signal(SIGCHLD, SIG_DFL);
	if (which == ATTACHED)
		sure(ptrace(PTRACE_TRACEME, 0, 0, 0));
	if (which == LISTENS)
		pthread_create(&made, NULL, waits, NULL);
	for (;;) {
		__atomic_fetch_add(&shared->rounds[which], 1, __ATOMIC_SEQ_CST);
		sleep_ms(1);
	}
	return 0;
}

/* Waits until it does; one that does not is found by who waits for this one. */
static void makes_progress(int which, const char *what)
{
	unsigned long before = __atomic_load_n(&shared->rounds[which], __ATOMIC_SEQ_CST);

	while (__atomic_load_n(&shared->rounds[which], __ATOMIC_SEQ_CST) == before)
		sleep_ms(5);
	expect(true, "%s: it runs", what);
}

static void start(int which)
{
	pid[which] = child(tracee, &which);
	makes_progress(which, "before");
	if (which != ATTACHED)
		sure(ptrace(PTRACE_SEIZE, pid[which], 0, PTRACE_O_EXITKILL));
	if (which == LISTENS) {
		while (!__atomic_load_n(&shared->thread, __ATOMIC_SEQ_CST))
			sleep_ms(5);
		thread = shared->thread;
		sure(ptrace(PTRACE_SEIZE, thread, 0, PTRACE_O_EXITKILL));
	}
}

static int first_stop(int which)
{
	return which == ATTACHED ? SIGSTOP : EVENT_STOPPED(SIGSTOP);
}

/* The thread that took the signal has its tracer decide about it, the others see the stop. */
static void stop(int which)
{
	int seen;

	sure(syscall(SYS_tgkill, pid[which], pid[which], SIGSTOP));
	expect_eq(stop_of(pid[which]), SIGSTOP, "the signal of %d", which);
	sure(ptrace(PTRACE_CONT, pid[which], 0, SIGSTOP));
	if (which == UNTOLD) {
		while (task_state(pid[which]) != 't')
			sleep_ms(5);
		return;
	}
	seen = stop_of(pid[which]);
	expect_eq(seen, first_stop(which), "the stop of %d", which);
	if (which == LISTENS) {
		expect_eq(stop_of(thread), EVENT_STOPPED(SIGSTOP), "the stop of its thread");
		sure(ptrace(PTRACE_LISTEN, pid[which], 0, 0));
		sure(ptrace(PTRACE_LISTEN, thread, 0, 0));
	}
	if (which == RUNS) {
		sure(ptrace(PTRACE_CONT, pid[which], 0, 0));
		makes_progress(which, "in a stop");
	}
}

static void is_continued(pid_t tid, const char *what)
{
	expect_eq(stop_of(tid), EVENT_STOPPED(SIGTRAP), "%s: stop when it is continued", what);
	sure(ptrace(PTRACE_CONT, tid, 0, 0));
}

/* That goes to its tracer as well, which lets it go. */
static void gets_continued(int which, const char *what)
{
	expect_eq(stop_of(pid[which]), SIGCONT, "%s: SIGCONT", what);
	sure(ptrace(PTRACE_CONT, pid[which], 0, 0));
	makes_progress(which, what);
	sure(kill(pid[which], SIGKILL));
}

static void look_at_siginfo(int which)
{
	siginfo_t info = {};
	long told = ptrace(PTRACE_GETSIGINFO, pid[which], 0, &info);

	if (which == LISTENS) {
		expect(told < 0 && errno == ESRCH, "who listens is not looked at");
	} else if (which == ATTACHED) {
		expect(told < 0 && errno == EINVAL, "who was not seized has no siginfo");
	} else if (which != RUNS) {
		expect_eq(told, 0, "siginfo of %d", which);
		expect_eq(info.si_code, EVENT_STOPPED(SIGSTOP), "si_code of %d", which);
		expect_eq(info.si_signo, SIGSTOP, "si_signo of %d", which);
	}
	if (which == UNTOLD)
		return;
	info.si_pid = 0;
	sure(waitid(P_PID, pid[which], &info, WSTOPPED | WNOHANG | WNOWAIT | __WALL));
	expect_eq(info.si_pid, 0, "the tracer was told of %d before", which);
}

int main(int argc, char **argv)
{
	bool spoil;

	payload_begin(argc, argv);
	shared = map_anon(PAGE, MAP_SHARED);
	count_children();
	for (int i = 0; i < NR; i++) {
		start(i);
		stop(i);
	}

	spoil = pause_unheard();
	if (spoil) {
		sure(ptrace(PTRACE_LISTEN, pid[STOPS], 0, 0));
		sure(kill(pid[STOPS], SIGCONT));
		while (task_state(pid[STOPS]) != 't')
			sleep_ms(5);
	}
	for (int i = 0; i < NR; i++)
		look_at_siginfo(i);
	if (spoil)
		return payload_end();

	sure(ptrace(PTRACE_LISTEN, pid[STOPS], 0, 0));
	sure(kill(pid[STOPS], SIGCONT));
	is_continued(pid[STOPS], "told");
	gets_continued(STOPS, "told");

	/* Both of its threads hear of it. */
	sure(syscall(SYS_tgkill, pid[LISTENS], pid[LISTENS], SIGCONT));
	is_continued(thread, "thread that listens");
	is_continued(pid[LISTENS], "leader that listens");
	gets_continued(LISTENS, "who listens");

	expect_eq(stop_of(pid[UNTOLD]), EVENT_STOPPED(SIGSTOP), "a stop nobody had waited for");
	sure(ptrace(PTRACE_CONT, pid[UNTOLD], 0, 0));
	makes_progress(UNTOLD, "nobody had waited for");
	sure(kill(pid[UNTOLD], SIGKILL));

	sure(kill(pid[ATTACHED], SIGCONT));
	sure(ptrace(PTRACE_CONT, pid[ATTACHED], 0, 0));
	gets_continued(ATTACHED, "not seized");

	makes_progress(RUNS, "in a stop");
	sure(ptrace(PTRACE_INTERRUPT, pid[RUNS], 0, 0));
	expect_eq(stop_of(pid[RUNS]), EVENT_STOPPED(SIGSTOP), "who runs is in the stop still");
	sure(ptrace(PTRACE_DETACH, pid[RUNS], 0, 0));
	while (task_state(pid[RUNS]) != 'T')
		sleep_ms(5);
	expect(true, "without its tracer, it stands in it");
	sure(kill(pid[RUNS], SIGCONT));
	makes_progress(RUNS, "let go");
	for (int i = 0; i < NR; i++)
		kill(pid[i], SIGKILL);
	return payload_end();
}
