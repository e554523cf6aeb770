// SPDX-License-Identifier: GPL-2.0
/*
 * Stopped processes: what their parent can wait for, which signals wait for
 * them, the system calls that they were in, how they continue and die.
 */
#include "payload.h"
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>

#define NAP	(3 * SECOND)

/* What parent and children share. */
static struct shared {
	unsigned long turns;
	int tids[8], nr_tids;
	int futex, woken, asleep;
} *shared;

static int pipe_fds[2];
static volatile sig_atomic_t caught;

static void handler(int sig)
{
	caught = sig;
}

static void catch(int sig)
{
	struct sigaction action = { .sa_handler = handler };

	sure(sigaction(sig, &action, NULL));
}

static int sleeper(void *name)
{
	/* Not in the parent's group: SIGTSTP does nothing in an orphaned one. */
	sure(setpgid(0, 0));
	tell(name);
	for (;;)
		sleep_ms(1000);
}

static pid_t stopped_by(int sig, void *name)
{
	pid_t pid = child(sleeper, name);
	siginfo_t info;

	await(name);
	sure(kill(pid, sig));
	sure(waitid(P_PID, pid, &info, WSTOPPED | WNOWAIT));
	return pid;
}

static int in_pause(void *unused)
{
	(void)unused;
	catch(SIGCONT);
	tell("in pause");
	expect_errno(pause(), EINTR, "pause with a handler of SIGCONT");
	expect_eq(caught, SIGCONT, "handler of SIGCONT");
	return 0;
}

static void enter(void)
{
	shared->tids[__atomic_fetch_add(&shared->nr_tids, 1, __ATOMIC_SEQ_CST)] = gettid();
}

static void *spins(void *unused)
{
	enter();
	while (!__atomic_load_n(&shared->woken, __ATOMIC_SEQ_CST))
		__atomic_fetch_add(&shared->turns, 1, __ATOMIC_SEQ_CST);
	return unused;
}

static void *reads(void *unused)
{
	char byte = 0;

	enter();
	expect_eq(read(pipe_fds[0], &byte, 1), 1, "read of a stopped thread");
	expect_eq(byte, 'x', "what it has read");
	return unused;
}

static void slept(long long since, const char *what)
{
	long long elapsed = now_ns(CLOCK_REALTIME) - since;

	expect(elapsed >= NAP + payload_down_min, "%s of a stopped thread: %lld ms", what,
	       elapsed / MS);
	__atomic_fetch_sub(&shared->asleep, 1, __ATOMIC_SEQ_CST);
}

static void *naps(void *unused)
{
	long long begin = now_ns(CLOCK_REALTIME);
	struct timespec ts = timespec_of(NAP);

	enter();
	expect_eq(nanosleep(&ts, NULL), 0, "nanosleep of a stopped thread");
	await_go();
	slept(begin, "nanosleep");
	return unused;
}

static void *polls(void *unused)
{
	long long begin = now_ns(CLOCK_REALTIME);

	enter();
	expect_eq(poll(NULL, 0, NAP / MS), 0, "poll of a stopped thread");
	await_go();
	slept(begin, "poll");
	return unused;
}

static void *waits(void *unused)
{
	enter();
	expect_eq(syscall(SYS_futex, &shared->futex, FUTEX_WAIT, 0, NULL), 0,
		  "futex wait of a stopped thread");
	__atomic_store_n(&shared->woken, 1, __ATOMIC_SEQ_CST);
	return unused;
}

/* Many threads in many calls; the first one gets a signal when it continues. */
static int threads(void *unused)
{
	void *(*const functions[])(void *) = { spins, reads, naps, polls, waits };
	pthread_t thread[ARRAY_SIZE(functions)];
	sigset_t set;

	(void)unused;
	shared->asleep = 2;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	sigprocmask(SIG_BLOCK, &set, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(functions); i++)
		pthread_create(&thread[i], NULL, functions[i], NULL);
	catch(SIGUSR2);
	sigemptyset(&set);
	expect_errno(sigsuspend(&set), EINTR, "sigsuspend of a stopped thread");
	expect_eq(caught, SIGUSR2, "signal that waited for it");
	sigprocmask(SIG_BLOCK, NULL, &set);
	expect(sigismember(&set, SIGUSR2), "mask after sigsuspend");
	for (size_t i = 0; i < ARRAY_SIZE(functions); i++)
		pthread_join(thread[i], NULL);
	return 0;
}

/* What a parent sees that looks without waiting, or 0. */
static int seen(pid_t pid, int options)
{
	int status = 0;

	return waitpid(pid, &status, WNOHANG | options) == pid ? status : 0;
}

static void expect_sigchld(pid_t pid, int code, const char *what)
{
	struct timespec patient = { 20, 0 };
	siginfo_t info = { 0 };
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	expect_eq(sigtimedwait(&set, &info, &patient), SIGCHLD, "%s: SIGCHLD", what);
	expect_eq(info.si_code, code, "%s: its code", what);
	expect_eq(info.si_pid, pid, "%s: its child", what);
}

static bool sigchld_pending(void)
{
	sigset_t set;

	sigpending(&set);
	return sigismember(&set, SIGCHLD);
}

int main(int argc, char **argv)
{
	pid_t waited, fresh, again, doomed, pausing, many, continued;
	struct timespec none = { 0, 0 };
	unsigned long turns;
	sigset_t set;

	payload_begin(argc, argv);
	shared = map_anon(PAGE, MAP_SHARED);
	sure(pipe2(pipe_fds, O_CLOEXEC));
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);

	waited = stopped_by(SIGSTOP, "waited");
	expect_eq(seen(waited, WUNTRACED), W_STOPCODE(SIGSTOP), "status that was waited for");
	fresh = stopped_by(SIGTSTP, "fresh");
	again = stopped_by(SIGTTIN, "again");
	sure(kill(again, SIGSTOP));
	sure(kill(again, SIGUSR1));
	doomed = stopped_by(SIGTTOU, "doomed");
	continued = stopped_by(SIGSTOP, "continued");
	sure(kill(continued, SIGCONT));
	while (task_state(continued) == 'T')
		sleep_ms(5);

	pausing = child(in_pause, NULL);
	await("in pause");
	await_syscall(pausing, SYS_pause);
	sure(kill(pausing, SIGSTOP));
	many = child(threads, NULL);
	while (shared->nr_tids < 5)
		sleep_ms(5);
	await_syscall(many, SYS_rt_sigsuspend);
	for (int i = 0; i < 5; i++) {
		static const long calls[] = { SYS_read, SYS_clock_nanosleep, SYS_poll, SYS_futex };
		char path[64], text[64] = "";

		/* Each of them sleeps, or spins. */
		snprintf(path, sizeof(path), "/proc/%d/syscall", shared->tids[i]);
		for (bool there = false; !there; sleep_ms(5)) {
			if (read_file(path, text, sizeof(text)) > 0 && text[0] == 'r')
				there = true;
			for (size_t n = 0; n < ARRAY_SIZE(calls); n++)
				there |= text[0] != 'r' && strtol(text, NULL, 10) == calls[n];
		}
	}
	sure(kill(many, SIGSTOP));
	for (int i = 0; i < 5; i++)
		while (task_state(shared->tids[i]) != 'T')
			sleep_ms(5);
	sure(kill(many, SIGUSR2));
	while (task_state(pausing) != 'T')
		sleep_ms(5);
	while (sigtimedwait(&set, NULL, &none) > 0)
		;

	turns = shared->turns;
	if (pause_here()) {
		sure(kill(waited, SIGCONT));
		sure(kill(many, SIGCONT));
		while (task_state(waited) == 'T')
			sleep_ms(5);
	}
	expect(!sigchld_pending(), "no SIGCHLD");
	expect_eq(shared->turns, turns, "turns of a stopped thread");
	expect_eq(task_state(waited), 'T', "state of the one that was waited for");
	expect_eq(task_state(fresh), 'T', "state of the one that was not");
	expect_eq(task_state(many), 'T', "state of a leader");
	for (int i = 0; i < 5; i++)
		expect_eq(task_state(shared->tids[i]), 'T', "state of thread %d", i);

	expect_eq(seen(waited, WUNTRACED), 0, "nothing to wait for");
	expect_eq(seen(fresh, WUNTRACED), W_STOPCODE(SIGTSTP), "stop by SIGTSTP");
	expect_eq(seen(fresh, WUNTRACED), 0, "it was waited for");
	expect_eq(seen(again, WUNTRACED), W_STOPCODE(SIGTTIN), "stop by SIGTTIN");
	expect_eq(seen(doomed, WUNTRACED), W_STOPCODE(SIGTTOU), "stop by SIGTTOU");
	expect_eq(seen(pausing, WUNTRACED), W_STOPCODE(SIGSTOP), "stop by SIGSTOP");
	expect_eq(seen(many, WUNTRACED), W_STOPCODE(SIGSTOP), "stop of many threads");
	expect_eq(seen(continued, WUNTRACED), 0, "one that was continued");
	expect_eq(seen(continued, WCONTINUED), 0xffff, "that it was continued");
	expect_eq(seen(continued, WCONTINUED), 0, "once");

	sure(kill(waited, SIGCONT));
	expect_sigchld(waited, CLD_CONTINUED, "SIGCONT");
	expect_eq(seen(waited, WCONTINUED), 0xffff, "continued");
	expect(task_state(waited) != 'T', "it goes on");
	sure(kill(waited, SIGSTOP));
	expect_sigchld(waited, CLD_STOPPED, "SIGSTOP");
	expect_eq(seen(waited, WUNTRACED), W_STOPCODE(SIGSTOP), "stopped again");
	for (pid_t *pid = (pid_t[]){ waited, fresh, doomed, 0 }; *pid; pid++) {
		int status = 0;

		sure(kill(*pid, SIGKILL));
		expect_eq(waitpid(*pid, &status, 0), *pid, "killed while it was stopped");
		expect_eq(status, SIGKILL, "its status");
	}
	sure(kill(continued, SIGKILL));
	sure(waitpid(continued, NULL, 0));
	while (sigtimedwait(&set, NULL, &none) > 0)
		;

	/* SIGCONT takes the second SIGSTOP away, and SIGUSR1 kills it. */
	expect(strtoul(status_field("self", "ShdPnd"), NULL, 16) == 0, "nothing waits for init");
	sure(kill(again, SIGCONT));
	{
		int status = 0;

		expect_eq(waitpid(again, &status, WUNTRACED), again, "with signals that waited");
		expect_eq(status, SIGUSR1, "its status");
	}
	sure(kill(pausing, SIGCONT));
	reap(pausing);

	sure(kill(many, SIGCONT));
	sure(write(pipe_fds[1], "x", 1));
	while (!__atomic_load_n(&shared->woken, __ATOMIC_SEQ_CST)) {
		syscall(SYS_futex, &shared->futex, FUTEX_WAKE, 1);
		sleep_ms(5);
	}
	reap(many);
	expect(shared->turns > turns, "the one that spins went on");
	return payload_end();
}
