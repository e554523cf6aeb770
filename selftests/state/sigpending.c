// SPDX-License-Identifier: GPL-2.0
/*
 * Pending signals, of the process and of one thread, with all that is known
 * about them, in their order.
 */
#include "payload.h"
#include <pthread.h>

#define RT	(SIGRTMIN + 3)

static sigset_t all;

/* Take one signal, which must be there. */
static siginfo_t take(int sig, const char *what)
{
	struct timespec none = { 0, 0 };
	sigset_t set;
	siginfo_t info = { .si_signo = -1 };

	sigemptyset(&set);
	sigaddset(&set, sig);
	/* The C library's function changes SI_TKILL to SI_USER. */
	if (syscall(SYS_rt_sigtimedwait, &set, &info, &none, 8) != sig)
		expect(false, "%s: signal %d is not pending", what, sig);
	return info;
}

static bool pending(int sig)
{
	sigset_t set;

	sigpending(&set);
	return sigismember(&set, sig);
}

static void *thread(void *unused)
{
	siginfo_t info;

	tell("thread");
	await_go();
	expect(pending(SIGUSR2), "signal of a thread is pending");
	info = take(SIGUSR2, "signal of a thread");
	expect_eq(info.si_code, SI_TKILL, "its code");
	expect_eq(info.si_pid, 1, "its sender");
	for (int i = 0; i < 3; i++) {
		info = take(SIGRTMAX, "queue of a thread");
		expect_eq(info.si_value.sival_int, 300 + i, "its value");
	}
	return unused;
}

static int exits(void *code)
{
	return (long)code;
}

int main(int argc, char **argv)
{
	siginfo_t info, tkill = { .si_code = SI_QUEUE };
	pthread_t other;
	pid_t tid, pid;

	payload_begin(argc, argv);
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	pthread_create(&other, NULL, thread, NULL);
	await("thread");
	pid = child(exits, (void *)9);
	while (task_state(pid) != 'Z')
		sleep_ms(5);
	for (int i = 0; i < 20; i++)
		sure(sigqueue(1, RT, (union sigval){ .sival_int = 100 + i }));
	for (int i = 0; i < 3; i++)
		sure(sigqueue(1, RT + 1, (union sigval){ .sival_ptr = (void *)(0x123456789aUL + i) }));
	sure(kill(1, SIGTERM));
	sure(kill(1, SIGTERM));
	/* The thread's id: the only other entry. */
	for (tid = 2; syscall(SYS_tgkill, 1, tid, 0); tid++)
		;
	sure(syscall(SYS_tgkill, 1, tid, SIGUSR2));
	for (int i = 0; i < 3; i++) {
		tkill.si_value.sival_int = 300 + i;
		sure(syscall(SYS_rt_tgsigqueueinfo, 1, tid, SIGRTMAX, &tkill));
	}
	sure(syscall(SYS_tgkill, 1, gettid(), SIGHUP));

	if (pause_here())
		take(RT, "spoil");
	expect(pending(SIGTERM) && pending(RT) && pending(SIGCHLD) && pending(SIGHUP), "signals are pending");
	expect(!pending(SIGUSR2) && !pending(SIGINT), "others are not");
	for (int i = 0; i < 20; i++) {
		info = take(RT, "queue");
		if (info.si_value.sival_int != 100 + i || info.si_code != SI_QUEUE || info.si_pid != 1)
			expect(false, "queued signal %d: value %d, code %d, from %d", i,
			       info.si_value.sival_int, info.si_code, info.si_pid);
	}
	expect(!pending(RT), "20 signals and no more");
	for (int i = 0; i < 3; i++) {
		info = take(RT + 1, "queue with pointers");
		expect_eq((long)info.si_value.sival_ptr, 0x123456789aL + i, "pointer in a signal");
	}
	info = take(SIGTERM, "kill");
	expect_eq(info.si_code, SI_USER, "code of kill()");
	expect_eq(info.si_pid, 1, "sender of kill()");
	expect(!pending(SIGTERM), "SIGTERM came once");
	info = take(SIGHUP, "own thread");
	expect_eq(info.si_code, SI_TKILL, "its code");
	info = take(SIGCHLD, "child");
	expect_eq(info.si_code, CLD_EXITED, "SIGCHLD: code");
	expect_eq(info.si_status, 9, "SIGCHLD: status");
	expect_eq(info.si_pid, pid, "SIGCHLD: child");
	pthread_join(other, NULL);
	return payload_end();
}
