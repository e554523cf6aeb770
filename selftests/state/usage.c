// SPDX-License-Identifier: GPL-2.0
/*
 * What processes have used, and when they have started: CPU time of processes,
 * of threads, of those that are dead, of children; page faults, context
 * switches, input and output, the most memory; a limit of CPU time.
 */
#include "payload.h"
#include <pthread.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/times.h>

#define KB	1024LL

/* What is looked at. */
enum what {
	PROCESS_CPU, THREAD_CPU, OTHER_CPU, SELF_USER, SELF_SYSTEM, CHILD_CPU, SELF_TIMES,
	MINOR, SWITCHES, CHILD_MINOR, CHILD_SWITCHES, MAXRSS, CHILD_MAXRSS, VM_PEAK,
	READ_CHARS, READ_CALLS, OTHER_READS, RUN_TIME, RUNS, NR_WHATS
};

static const struct {
	const char *name;
	/* By how much it may grow until it is looked at again. */
	long long slack;
} what[NR_WHATS] = {
	[PROCESS_CPU] = { "CPU time of the process", 800 * MS },
	[THREAD_CPU] = { "CPU time of a thread", 800 * MS },
	[OTHER_CPU] = { "CPU time of another thread", 100 * MS },
	[SELF_USER] = { "user time", 800 * MS },
	[SELF_SYSTEM] = { "system time", 800 * MS },
	[CHILD_CPU] = { "CPU time of children", 0 },
	[SELF_TIMES] = { "times(2)", 800 * MS },
	[MINOR] = { "page faults", 400 },
	[SWITCHES] = { "context switches", 1500 },
	[CHILD_MINOR] = { "page faults of children", 0 },
	[CHILD_SWITCHES] = { "context switches of children", 0 },
	[MAXRSS] = { "most memory", 64 },
	[CHILD_MAXRSS] = { "most memory of a child", 0 },
	[VM_PEAK] = { "most address space", 64 },
	[READ_CHARS] = { "bytes read", 100 * KB },
	[READ_CALLS] = { "read(2) calls", 100 },
	[OTHER_READS] = { "read(2) calls of another thread", 0 },
	[RUN_TIME] = { "schedstat: CPU time", 800 * MS },
	[RUNS] = { "schedstat: runs", 2000 },
};

static pthread_t other;
static pid_t other_tid;
static int gate[2];

static void burn(clockid_t clock, long long ns)
{
	long long end = now_ns(clock) + ns;

	while (now_ns(clock) < end)
		for (volatile int i = 0; i < 1000; i++)
			;
}

/* Half of it in the kernel. */
static void use(long long ns)
{
	long long end = now_ns(CLOCK_THREAD_CPUTIME_ID) + ns;
	char buf[512];

	while (now_ns(CLOCK_THREAD_CPUTIME_ID) < end) {
		int fd = open("/proc/self/status", O_RDONLY);

		for (volatile int i = 0; i < 30000; i++)
			;
		while (read(fd, buf, sizeof(buf)) > 0)
			;
		close(fd);
	}
}

static void touch_memory(size_t size)
{
	char *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	/* A fault for each page. */
	madvise(at, size, MADV_NOHUGEPAGE);
	for (size_t i = 0; i < size; i += PAGE)
		at[i] = 1;
	munmap(at, size);
}

static void *dies(void *unused)
{
	use(150 * MS);
	return unused;
}

static void *stays(void *unused)
{
	char byte;

	other_tid = gettid();
	use(150 * MS);
	tell("used");
	(void)!read(gate[0], &byte, 1);
	return unused;
}

static void uses(void)
{
	use(200 * MS);
	touch_memory(24 << 20);
	sleep_ms(1);
}

static int used(void *unused)
{
	uses();
	(void)unused;
	return 7;
}

static long long ns_of(struct timeval t)
{
	return t.tv_sec * SECOND + t.tv_usec * 1000LL;
}

/* Of this timer, which is never to expire, the CPU time is left that was not used since. */
static const struct itimerval never = { .it_value = { .tv_sec = 1000000 } };

static long long used_by_ticks(void)
{
	struct itimerval left;

	sure(getitimer(ITIMER_PROF, &left));
	return ns_of(never.it_value) - ns_of(left.it_value);
}

/*
 * Comes to its limit of CPU time, of which it has used a second before. The limit goes
 * by ticks, as does the timer; a busy virtual machine may lose some of them.
 */
static int limited(void *unused)
{
	struct rlimit limit = { 1 + patience(), 8 + patience() };
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGXCPU);
	sigprocmask(SIG_BLOCK, &set, NULL);
	setrlimit(RLIMIT_CPU, &limit);
	sure(setitimer(ITIMER_PROF, &never, NULL));
	burn(CLOCK_PROCESS_CPUTIME_ID, SECOND);
	tell("limited");
	if (await_go())
		return 0;
	long long before = now_ns(CLOCK_PROCESS_CPUTIME_ID);

	expect(before >= SECOND, "CPU time of a limited process: %lld", before);
	while (sigpending(&set), !sigismember(&set, SIGXCPU))
		burn(CLOCK_PROCESS_CPUTIME_ID, 5 * MS);
	long long after = used_by_ticks();

	long long late = after - (long long)limit.rlim_cur * SECOND;

	expect(late > -100 * MS && late < 300 * MS, "the limit is reached at %lld", after);
	(void)unused;
	return payload_failed;
}

static long long number(const char *path, const char *name)
{
	char text[2048], *at;

	if (read_file(path, text, sizeof(text)) <= 0 || !(at = strstr(text, name)))
		return -1;
	return atoll(at + strlen(name));
}

static void look(long long *out)
{
	struct rusage self, children;
	char path[64], text[256];
	clockid_t clock;
	struct tms tms;

	getrusage(RUSAGE_SELF, &self);
	getrusage(RUSAGE_CHILDREN, &children);
	pthread_getcpuclockid(other, &clock);
	times(&tms);
	out[PROCESS_CPU] = now_ns(CLOCK_PROCESS_CPUTIME_ID);
	out[THREAD_CPU] = now_ns(CLOCK_THREAD_CPUTIME_ID);
	out[OTHER_CPU] = now_ns(clock);
	out[SELF_USER] = ns_of(self.ru_utime);
	out[SELF_SYSTEM] = ns_of(self.ru_stime);
	out[CHILD_CPU] = ns_of(children.ru_utime) + ns_of(children.ru_stime);
	out[SELF_TIMES] = (tms.tms_utime + tms.tms_stime) * (SECOND / sysconf(_SC_CLK_TCK));
	out[MINOR] = self.ru_minflt;
	out[SWITCHES] = self.ru_nvcsw + self.ru_nivcsw;
	out[CHILD_MINOR] = children.ru_minflt;
	out[CHILD_SWITCHES] = children.ru_nvcsw + children.ru_nivcsw;
	out[MAXRSS] = self.ru_maxrss;
	out[CHILD_MAXRSS] = children.ru_maxrss;
	out[VM_PEAK] = number("/proc/self/status", "VmPeak:");
	out[READ_CHARS] = number("/proc/self/io", "rchar: ");
	out[READ_CALLS] = number("/proc/self/io", "syscr: ");
	snprintf(path, sizeof(path), "/proc/self/task/%d/io", other_tid);
	out[OTHER_READS] = number(path, "syscr: ");
	read_file("/proc/self/schedstat", text, sizeof(text));
	sscanf(text, "%lld %*d %lld", &out[RUN_TIME], &out[RUNS]);
}

/* In ticks since the machine was started, as its own clock says. */
static long long start_of(const char *path)
{
	char text[1024], *at;
	long long start = -1;

	if (read_file(path, text, sizeof(text)) > 0 && (at = strrchr(text, ')')))
		sscanf(at + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %lld",
		       &start);
	return start;
}

static long long zombie_cpu(pid_t pid)
{
	clockid_t clock;

	return clock_getcpuclockid(pid, &clock) ? -1 : now_ns(clock);
}

int main(int argc, char **argv)
{
	long long before[NR_WHATS], after[NR_WHATS], started, other_started, child_started;
	char other_stat[64], child_stat[64];
	long long zombie_before;
	pid_t zombie, limit;
	struct rusage usage;
	pthread_t thread;
	int status;

	payload_begin(argc, argv);
	sure(pipe(gate));
	limit = child(limited, NULL);
	await("limited");
	pthread_create(&thread, NULL, dies, NULL);
	pthread_join(thread, NULL);
	pthread_create(&other, NULL, stays, NULL);
	await("used");
	await_syscall(other_tid, SYS_read);
	sure(waitpid(child(used, NULL), NULL, 0));
	zombie = child(used, NULL);
	while (task_state(zombie) != 'Z')
		sleep_ms(10);
	zombie_before = zombie_cpu(zombie);
	touch_memory(32 << 20);
	use(150 * MS);

	snprintf(other_stat, sizeof(other_stat), "/proc/self/task/%d/stat", other_tid);
	snprintf(child_stat, sizeof(child_stat), "/proc/%d/stat", limit);
	started = start_of("/proc/self/stat");
	other_started = start_of(other_stat);
	child_started = start_of(child_stat);
	look(before);
	if (pause_here()) {
		use(SECOND);
		uses();
		uses();
		touch_memory(40 << 20);
	}
	look(after);

	for (int i = 0; i < NR_WHATS; i++)
		expect(after[i] >= before[i] && after[i] <= before[i] + what[i].slack * patience(),
		       "%s: %lld, was %lld", what[i].name, after[i], before[i]);
	expect(before[READ_CALLS] > 300 && before[MINOR] > 5000 && before[CHILD_MINOR] > 5000,
	       "there is something to be lost");
	expect_eq(start_of("/proc/self/stat"), started, "when it has started");
	expect_eq(start_of(other_stat), other_started, "when a thread has started");
	expect_eq(start_of(child_stat), child_started, "when a child has started");

	expect_eq(zombie_cpu(zombie) >= zombie_before, 1, "CPU time of a zombie");
	expect_eq(wait4(zombie, &status, 0, &usage), zombie, "wait for it");
	expect(ns_of(usage.ru_utime) + ns_of(usage.ru_stime) >= 200 * MS &&
	       usage.ru_minflt > 5000 && usage.ru_maxrss > 24 * KB,
	       "what it has used: %lld ns, %ld faults, %ld kB",
	       ns_of(usage.ru_utime) + ns_of(usage.ru_stime), usage.ru_minflt, usage.ru_maxrss);
	getrusage(RUSAGE_CHILDREN, &usage);
	expect(ns_of(usage.ru_utime) + ns_of(usage.ru_stime) >= after[CHILD_CPU] + 200 * MS,
	       "CPU time of all children");
	expect_eq(waitpid(limit, &status, 0), limit, "a limit of CPU time");
	expect_eq(status, 0, "its status");
	sure(write(gate[1], ".", 1));
	pthread_join(other, NULL);
	return payload_end();
}
