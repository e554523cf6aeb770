// SPDX-License-Identifier: GPL-2.0
/* Signal actions, masks, and what is ignored. */
#include "payload.h"

struct kernel_sigaction {
	void *handler;
	unsigned long flags;
	void *restorer;
	unsigned long mask;
};

static int caught, value, from;

static void handler(int sig, siginfo_t *info, void *context)
{
	caught = sig;
	value = info->si_value.sival_int;
	from = info->si_pid;
	(void)context;
}

static void get(int sig, struct kernel_sigaction *act)
{
	sure(syscall(SYS_rt_sigaction, sig, NULL, act, 8));
}

int main(int argc, char **argv)
{
	struct kernel_sigaction before[65], after;
	const int flags[] = { 0, SA_RESTART, SA_NODEFER, SA_RESETHAND, SA_ONSTACK, SA_NOCLDSTOP };
	unsigned long mask = 0xfeed00000000beefUL & ~(1UL << (SIGKILL - 1) | 1UL << (SIGSTOP - 1)), got;
	int wrong = 0;

	payload_begin(argc, argv);
	for (int sig = 1; sig <= 64; sig++) {
		struct sigaction sa = { .sa_flags = SA_SIGINFO | flags[sig % 6] };

		if (sig == SIGKILL || sig == SIGSTOP || sig == 32 || sig == 33)
			continue;
		sigemptyset(&sa.sa_mask);
		sigaddset(&sa.sa_mask, sig % 31 + 1);
		sigaddset(&sa.sa_mask, 64 - sig % 20);
		if (sig % 5 == 0)
			sa.sa_handler = SIG_IGN;
		else if (sig % 7)
			sa.sa_sigaction = handler;
		sure(sigaction(sig, &sa, NULL));
	}
	for (int sig = 1; sig <= 64; sig++)
		get(sig, &before[sig]);
	sure(syscall(SYS_rt_sigprocmask, SIG_SETMASK, &mask, NULL, 8));

	if (pause_here())
		signal(SIGUSR2, SIG_IGN);
	for (int sig = 1; sig <= 64; sig++) {
		get(sig, &after);
		if (memcmp(&after, &before[sig], sizeof(after)))
			expect(false, "action of signal %d, difference %d", sig, ++wrong);
	}
	expect_eq(wrong, 0, "signal actions that differ");
	sure(syscall(SYS_rt_sigprocmask, SIG_SETMASK, NULL, &got, 8));
	expect_eq(got, mask, "signal mask");
	got = 0;
	sure(syscall(SYS_rt_sigprocmask, SIG_SETMASK, &got, NULL, 8));
	sure(sigqueue(1, SIGUSR2, (union sigval){ .sival_int = 4711 }));
	expect_eq(caught, SIGUSR2, "the handler runs");
	expect_eq(value, 4711, "with the value");
	expect_eq(from, 1, "and the sender");
	raise(SIGPROF);
	expect_eq(caught, SIGPROF, "another one runs too");
	raise(15);
	expect_eq(caught, SIGPROF, "what is ignored stays ignored");
	return payload_end();
}
