// SPDX-License-Identifier: GPL-2.0
/*
 * What else a process is known by: resource limits, name, executable,
 * scheduling, personality, and the values that prctl() keeps.
 */
#include "payload.h"
#include <linux/membarrier.h>
#include <pthread.h>
#include <sched.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>

static struct rlimit limits[RLIM_NLIMITS];

static rlim_t at_most(rlim_t value, rlim_t limit)
{
	return value > limit ? limit : value;
}

static void set_limits(void)
{
	for (int i = 0; i < RLIM_NLIMITS; i++) {
		struct rlimit *limit = &limits[i];

		sure(getrlimit(i, limit));
		switch (i) {
		case RLIMIT_AS:
		case RLIMIT_DATA:
			limit->rlim_cur = (8UL << 30) + i * PAGE;
			break;
		case RLIMIT_CPU:
			limit->rlim_cur = 3000;
			limit->rlim_max = 4000;
			break;
		case RLIMIT_STACK:
			limit->rlim_cur = 9 << 20;
			break;
		default:
			limit->rlim_max = at_most(limit->rlim_max, 1000 + i);
			limit->rlim_cur = at_most(limit->rlim_max, 900 + i);
		}
		if (i != RLIMIT_MEMLOCK && i != RLIMIT_FSIZE && i != RLIMIT_NPROC)
			sure(setrlimit(i, limit));
		else
			sure(getrlimit(i, limit));
	}
}

static void check_limits(void)
{
	struct rlimit now;

	for (int i = 0; i < RLIM_NLIMITS; i++) {
		getrlimit(i, &now);
		expect(now.rlim_cur == limits[i].rlim_cur && now.rlim_max == limits[i].rlim_max,
		       "resource limit %d: %lu %lu, was %lu %lu", i, now.rlim_cur, now.rlim_max,
		       limits[i].rlim_cur, limits[i].rlim_max);
	}
}

static void proc_value(const char *name, char *text, size_t size)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/%s", name);
	if (read_file(path, text, size) < 0)
		snprintf(text, size, "?");
}

static void *thread(void *unused)
{
	struct sched_param param = { 0 };
	char name[16];

	prctl(PR_SET_NAME, "second (thread)");
	sure(setpriority(PRIO_PROCESS, gettid(), 13));
	sure(sched_setscheduler(0, SCHED_BATCH, &param));
	sure(prctl(PR_SET_TIMERSLACK, 777777));
	tell("thread");
	await_go();
	prctl(PR_GET_NAME, name);
	expect(!strcmp(name, "second (thread)"), "name of a thread: %s", name);
	expect_eq(getpriority(PRIO_PROCESS, gettid()), 13, "nice value of a thread");
	expect_eq(sched_getscheduler(0), SCHED_BATCH, "policy of a thread");
	expect_eq(prctl(PR_GET_TIMERSLACK), 777777, "timer slack of a thread");
	return unused;
}

static int idle(void *unused)
{
	struct sched_param param = { 0 };

	sure(sched_setscheduler(0, SCHED_IDLE, &param));
	sure(personality(ADDR_NO_RANDOMIZE | UNAME26));
	sure(prctl(PR_SET_TIMERSLACK, 123456));
	tell("idle");
	await_go();
	expect_eq(sched_getscheduler(0), SCHED_IDLE, "policy of a child");
	expect_eq(personality(0xffffffff), ADDR_NO_RANDOMIZE | UNAME26, "personality");
	expect_eq(prctl(PR_GET_TIMERSLACK), 123456, "timer slack of a child");
	sure(prctl(PR_SET_TIMERSLACK, 0));
	expect_eq(prctl(PR_GET_TIMERSLACK), 50000, "and its default");
	(void)unused;
	return 0;
}

/* When its parent dies it gets a signal. */
static int attached(void *unused)
{
	sigset_t set;
	int sig = 0;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	sure(prctl(PR_SET_PDEATHSIG, SIGUSR1));
	tell("attached");
	await_go();
	expect_eq(prctl(PR_GET_PDEATHSIG, &sig), 0, "PR_GET_PDEATHSIG");
	expect_eq(sig, SIGUSR1, "parent death signal");
	tell("attached checked");
	sigwait(&set, &sig);
	expect_eq(sig, SIGUSR1, "signal at the death of the parent");
	(void)unused;
	return 0;
}

static int short_lived(void *unused)
{
	child(attached, unused);
	await("attached");
	await("attached checked");
	return 0;
}

int main(int argc, char **argv)
{
	char text[2][64], exe[2][512] = { "", "" };
	pid_t idle_pid, parent;
	pthread_t other;
	int status;

	payload_begin(argc, argv);
	set_limits();
	prctl(PR_SET_NAME, "odd ) name\n(x");
	write_file("/proc/self/oom_score_adj", 0, "345");
	sure(setpriority(PRIO_PROCESS, 0, -7));
	sure(prctl(PR_SET_DUMPABLE, 0));
	sure(prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0));
	sure(syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0));
	sure(readlink("/proc/self/exe", exe[0], sizeof(exe[0]) - 1));
	pthread_create(&other, NULL, thread, NULL);
	idle_pid = child(idle, NULL);
	parent = child(short_lived, NULL);
	await("thread");
	await("idle");
	await("attached");

	if (pause_here())
		sure(setpriority(PRIO_PROCESS, 0, -6));
	check_limits();
	prctl(PR_GET_NAME, text[0]);
	expect(!strcmp(text[0], "odd ) name\n(x"), "name");
	proc_value("oom_score_adj", text[0], sizeof(text[0]));
	expect_eq(atoi(text[0]), 345, "oom_score_adj");
	expect_eq(getpriority(PRIO_PROCESS, 0), -7, "nice value");
	expect_eq(prctl(PR_GET_DUMPABLE), 0, "dumpable");
	expect_eq(prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0), 1, "huge pages are off");
	expect_eq(syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0), 0, "membarrier is registered");
	sure(readlink("/proc/self/exe", exe[1], sizeof(exe[1]) - 1));
	expect(!strcmp(exe[0], exe[1]), "/proc/self/exe: %s", exe[1]);
	pthread_join(other, NULL);
	reap(idle_pid);
	reap(parent);
	expect(wait(&status) > 0 && status == 0, "child whose parent died: %#x", status);
	return payload_end();
}
