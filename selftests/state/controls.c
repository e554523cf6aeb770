// SPDX-License-Identifier: GPL-2.0
/* What threads ask for by prctl(2): of the processor, of the kernel, and for system calls. */
#include "payload.h"
#include <asm/prctl.h>
#include <linux/prctl.h>
#include <pthread.h>

/* The C library's header and the kernel's exclude each other. */
static long control(long option, unsigned long a, unsigned long b)
{
	return syscall(SYS_prctl, option, a, b, 0, 0);
}

/* System calls become signals while the selector says so. */
static volatile char selector = SYSCALL_DISPATCH_FILTER_ALLOW;
static volatile int dispatched;

static void on_dispatch(int sig, siginfo_t *info, void *context)
{
	/* Its own return is a system call. */
	selector = SYSCALL_DISPATCH_FILTER_ALLOW;
	dispatched++;
	(void)sig;
	(void)info;
	(void)context;
}

/* What can be asked for: all of it is compared, however much of it a thread has set. */
struct look {
	int tsc, flusher, mce, cpuid;
	long bypass, branch, l1d;
};

static struct look look(void)
{
	struct look now;

	memset(&now, 0, sizeof(now));
	sure(control(PR_GET_TSC, (unsigned long)&now.tsc, 0));
	now.flusher = control(PR_GET_IO_FLUSHER, 0, 0);
	now.mce = control(PR_MCE_KILL_GET, 0, 0);
	now.cpuid = syscall(SYS_arch_prctl, ARCH_GET_CPUID, 0);
	now.bypass = control(PR_GET_SPECULATION_CTRL, PR_SPEC_STORE_BYPASS, 0);
	now.branch = control(PR_GET_SPECULATION_CTRL, PR_SPEC_INDIRECT_BRANCH, 0);
	now.l1d = control(PR_GET_SPECULATION_CTRL, PR_SPEC_L1D_FLUSH, 0);
	return now;
}

static void compare(const char *name, const struct look *was, const struct look *is)
{
	expect_eq(is->tsc, was->tsc, "%s: TSC", name);
	expect_eq(is->flusher, was->flusher, "%s: I/O flusher", name);
	expect_eq(is->mce, was->mce, "%s: machine checks", name);
	expect_eq(is->cpuid, was->cpuid, "%s: CPUID", name);
	expect_eq(is->bypass, was->bypass, "%s: store bypass", name);
	expect_eq(is->branch, was->branch, "%s: indirect branches", name);
	expect_eq(is->l1d, was->l1d, "%s: L1D flush", name);
}

static void make_plain(void)
{
}

static void make_no_tsc(void)
{
	sure(control(PR_SET_TSC, PR_TSC_SIGSEGV, 0));
}

static void make_flusher(void)
{
	sure(control(PR_SET_IO_FLUSHER, 1, 0));
}

static void make_early(void)
{
	sure(control(PR_MCE_KILL, PR_MCE_KILL_SET, PR_MCE_KILL_EARLY));
}

static void make_late(void)
{
	sure(control(PR_MCE_KILL, PR_MCE_KILL_SET, PR_MCE_KILL_LATE));
}

/* Whatever of these a processor does not offer stays as it is. */
static void make_speculation(void)
{
	control(PR_SET_SPECULATION_CTRL, PR_SPEC_STORE_BYPASS, PR_SPEC_DISABLE);
	control(PR_SET_SPECULATION_CTRL, PR_SPEC_INDIRECT_BRANCH, PR_SPEC_FORCE_DISABLE);
	control(PR_SET_SPECULATION_CTRL, PR_SPEC_L1D_FLUSH, PR_SPEC_ENABLE);
}

static void make_noexec(void)
{
	control(PR_SET_SPECULATION_CTRL, PR_SPEC_STORE_BYPASS, PR_SPEC_DISABLE_NOEXEC);
	control(PR_SET_SPECULATION_CTRL, PR_SPEC_INDIRECT_BRANCH, PR_SPEC_DISABLE);
	syscall(SYS_arch_prctl, ARCH_SET_CPUID, 0);
}

static const struct kind {
	const char *name;
	void (*make)(void);
} kinds[] = {
	{ "plain", make_plain },
	{ "no TSC", make_no_tsc },
	{ "I/O flusher", make_flusher },
	{ "machine checks, early", make_early },
	{ "machine checks, late", make_late },
	{ "speculation", make_speculation },
	{ "speculation and CPUID", make_noexec },
};

static struct worker {
	struct look was, is;
	bool ready;
} workers[ARRAY_SIZE(kinds)];

/* No time is looked at here: a thread may be without the TSC. */
static void *work(void *arg)
{
	struct worker *worker = arg;

	kinds[worker - workers].make();
	worker->was = look();
	__atomic_store_n(&worker->ready, true, __ATOMIC_RELEASE);
	if (await_go()) {
		control(PR_SET_TSC, PR_TSC_ENABLE, 0);
		control(PR_SET_IO_FLUSHER, 0, 0);
		control(PR_MCE_KILL, PR_MCE_KILL_SET, PR_MCE_KILL_DEFAULT);
	}
	worker->is = look();
	return NULL;
}

static int dispatching_child(void *unused)
{
	struct sigaction sa = { .sa_sigaction = on_dispatch, .sa_flags = SA_SIGINFO };
	bool spoiled;
	pid_t pid;

	(void)unused;
	sigaction(SIGSYS, &sa, NULL);
	sure(syscall(SYS_prctl, PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_ON, 0, 0, &selector));
	tell("dispatching");
	spoiled = await_go();
	if (spoiled)
		sure(syscall(SYS_prctl, PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_OFF, 0, 0, 0));
	pid = getpid();
	dispatched = 0;
	selector = SYSCALL_DISPATCH_FILTER_BLOCK;
	syscall(SYS_getppid);
	selector = SYSCALL_DISPATCH_FILTER_ALLOW;
	expect_eq(dispatched, 1, "calls are dispatched");
	expect_eq(getpid(), pid, "and are not, when the selector says so");
	return 0;
}

int main(int argc, char **argv)
{
	pthread_t threads[ARRAY_SIZE(kinds)];
	pid_t pid;

	payload_begin(argc, argv);
	pid = child(dispatching_child, NULL);
	await("dispatching");
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		pthread_create(&threads[i], NULL, work, &workers[i]);
		while (!__atomic_load_n(&workers[i].ready, __ATOMIC_ACQUIRE))
			sleep_ms(5);
	}
	pause_here();
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		pthread_join(threads[i], NULL);
		compare(kinds[i].name, &workers[i].was, &workers[i].is);
	}
	reap(pid);
	return payload_end();
}
