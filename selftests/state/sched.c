// SPDX-License-Identifier: GPL-2.0
/* What threads ask of the scheduler: each policy with its parameters, and what goes with any. */
#include "payload.h"
#include <linux/sched/types.h>
#include <pthread.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>

/* The C library has a structure of that name, or not: this is what the kernel has. */
struct attr {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
	uint32_t util_min, util_max;
};

#define NORMAL		0
#define FIFO		1
#define RR		2
#define BATCH		3
#define IDLE		5
#define DEADLINE	6
#define RESET_ON_FORK	0x1
#define RECLAIM		0x2
#define DL_OVERRUN	0x4
#define CLAMP		0x60
#define NONE		0xffffffffU
#define IOPRIO(class, level) ((class) << 13 | (level))

static void set(struct attr attr)
{
	attr.size = sizeof(attr);
	/* A kernel may be without utilization clamps. */
	if (attr.flags & CLAMP && syscall(SYS_sched_setattr, 0, &attr, 0) && errno == EOPNOTSUPP)
		attr.flags &= ~CLAMP;
	sure(syscall(SYS_sched_setattr, 0, &attr, 0));
}

static struct attr get(void)
{
	struct attr attr = { 0 };

	sure(syscall(SYS_sched_getattr, 0, &attr, sizeof(attr), 0));
	return attr;
}

static void be_ordinary(void)
{
	set((struct attr){ .nice = getpriority(PRIO_PROCESS, 0) });
}

/* Every thread compares all of this with what it was. */
struct look {
	struct attr attr;
	int nice, ioprio;
	long slack;
	cpu_set_t cpus;
	char allowed[200];
};

static struct look look(void)
{
	struct look now;

	memset(&now, 0, sizeof(now));
	now.attr = get();
	now.nice = getpriority(PRIO_PROCESS, 0);
	now.ioprio = syscall(SYS_ioprio_get, 1, 0);
	now.slack = prctl(PR_GET_TIMERSLACK);
	sure(sched_getaffinity(0, sizeof(now.cpus), &now.cpus));
	snprintf(now.allowed, sizeof(now.allowed), "%s",
		 status_field("thread-self", "Cpus_allowed_list"));
	return now;
}

static void compare(const char *name, const struct look *was, const struct look *is)
{
	expect_eq(is->attr.policy, was->attr.policy, "%s: policy", name);
	expect_eq(is->attr.flags, was->attr.flags, "%s: flags", name);
	expect_eq(is->attr.nice, was->attr.nice, "%s: nice value in its attributes", name);
	expect_eq(is->attr.priority, was->attr.priority, "%s: priority", name);
	expect_eq(is->attr.runtime, was->attr.runtime, "%s: runtime", name);
	expect_eq(is->attr.deadline, was->attr.deadline, "%s: deadline", name);
	expect_eq(is->attr.period, was->attr.period, "%s: period", name);
	expect_eq(is->attr.util_min, was->attr.util_min, "%s: lower clamp", name);
	expect_eq(is->attr.util_max, was->attr.util_max, "%s: upper clamp", name);
	expect_eq(is->nice, was->nice, "%s: nice value", name);
	expect_eq(is->ioprio, was->ioprio, "%s: I/O priority", name);
	expect_eq(is->slack, was->slack, "%s: timer slack", name);
	expect(CPU_EQUAL(&is->cpus, &was->cpus), "%s: CPUs", name);
	expect(!strcmp(is->allowed, was->allowed), "%s: CPUs are %s, were %s", name, is->allowed,
	       was->allowed);
}

static void make_plain(void)
{
}

static void make_fifo(void)
{
	/* Both wait until it is an ordinary thread again. */
	set((struct attr){ .nice = 7, .runtime = 3 * MS });
	set((struct attr){ .policy = FIFO, .priority = 10, .flags = RESET_ON_FORK });
}

static void check_fifo(void)
{
	struct sched_param none = { 0 };

	/* Unlike sched_setattr(2), this call keeps the slice. */
	sure(sched_setscheduler(0, SCHED_OTHER, &none));
	expect_eq(get().runtime, 3 * MS, "FIFO: the slice it had before");
	expect_eq(get().nice, 7, "FIFO: the nice value it had before");
	expect_eq(prctl(PR_GET_TIMERSLACK), 50000, "FIFO: the slack it had before");
}

static void make_rr(void)
{
	set((struct attr){ .policy = RR, .priority = 99 });
}

static void make_batch(void)
{
	set((struct attr){ .policy = BATCH, .nice = -5, .flags = RESET_ON_FORK });
}

static void check_batch(void)
{
	pid_t pid = sure(fork());

	if (!pid)
		_exit(get().policy != BATCH || get().nice != 0 || get().flags);
	reap(pid);
}

static void make_idle(void)
{
	set((struct attr){ .nice = 3, .runtime = 100 * MS });
	set((struct attr){ .policy = IDLE, .nice = 3 });
}

static void check_idle(void)
{
	struct sched_param none = { 0 };

	sure(sched_setscheduler(0, SCHED_OTHER, &none));
	expect_eq(get().runtime, 100 * MS, "IDLE: the slice it had before");
}

static void make_deadline(void)
{
	set((struct attr){ .policy = DEADLINE, .runtime = 5 * MS, .deadline = 70 * MS,
			   .period = 100 * MS, .flags = RECLAIM | DL_OVERRUN });
}

static void make_clamps(void)
{
	set((struct attr){ .flags = CLAMP, .util_min = 100, .util_max = NONE });
}

static void make_affinity(void)
{
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(1, &cpus);
	/* There is no such CPU here. */
	CPU_SET(700, &cpus);
	sure(sched_setaffinity(0, sizeof(cpus), &cpus));
}

static void make_ioprio(void)
{
	sure(syscall(SYS_ioprio_set, 1, 0, IOPRIO(3, 0)));
}

static void make_ioprio_rt(void)
{
	sure(syscall(SYS_ioprio_set, 1, 0, IOPRIO(1, 2)));
	make_affinity();
	set((struct attr){ .policy = RR, .priority = 1, .flags = CLAMP, .util_min = 0,
			   .util_max = 512 });
}

static const struct kind {
	const char *name;
	void (*make)(void);
	void (*check)(void);
} kinds[] = {
	{ "plain", make_plain, NULL },
	{ "FIFO", make_fifo, check_fifo },
	{ "RR", make_rr, NULL },
	{ "BATCH", make_batch, check_batch },
	{ "IDLE", make_idle, check_idle },
	{ "DEADLINE", make_deadline, NULL },
	{ "clamps", make_clamps, NULL },
	{ "affinity", make_affinity, NULL },
	{ "I/O priority", make_ioprio, NULL },
	{ "all at once", make_ioprio_rt, NULL },
};

static struct worker {
	const struct kind *kind;
	struct look was, is;
	bool ready;
} workers[ARRAY_SIZE(kinds)];

static void *work(void *arg)
{
	struct worker *worker = arg;

	worker->kind->make();
	worker->was = look();
	__atomic_store_n(&worker->ready, true, __ATOMIC_RELEASE);
	if (await_go())
		be_ordinary();
	worker->is = look();
	if (worker->kind->check)
		worker->kind->check();
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t threads[ARRAY_SIZE(workers)];
	struct look was, is;

	payload_begin(argc, argv);
	sure(setpriority(PRIO_PROCESS, 0, -2));
	sure(setpriority(PRIO_PROCESS, 0, 0));
	was = look();
	for (size_t i = 0; i < ARRAY_SIZE(workers); i++) {
		workers[i].kind = &kinds[i];
		pthread_create(&threads[i], NULL, work, &workers[i]);
		while (!__atomic_load_n(&workers[i].ready, __ATOMIC_ACQUIRE))
			sleep_ms(5);
	}
	pause_here();
	is = look();
	compare("main", &was, &is);
	for (size_t i = 0; i < ARRAY_SIZE(workers); i++) {
		pthread_join(threads[i], NULL);
		compare(kinds[i].name, &workers[i].was, &workers[i].is);
	}
	return payload_end();
}
