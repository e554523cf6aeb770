// SPDX-License-Identifier: GPL-2.0
/* POSIX timers: what is left of them, signals that they have sent, overruns. */
#include "payload.h"
#include <linux/time_types.h>
#include <pthread.h>

#define LENGTH	(400 * SECOND)
#define SLACK	(patience() * 500 * MS)

#define SIG_ORDER	(SIGRTMIN + 1)
#define SIG_OVERRUN	(SIGRTMIN + 2)
#define SIG_THREAD	(SIGRTMIN + 3)
#define SIG_CPU		(SIGRTMIN + 4)
#define SIG_STALE	(SIGRTMIN + 5)

/* Some clocks have no names in C. */
#define PROCESS_USER_CLOCK	(~0U << 3 | 1)

static volatile int seen;
static long long thread_cpu_left;
static char timers_before[4096];

static int create_for(clockid_t clock, int signo, void *value, int notify, pid_t tid)
{
	struct sigevent event = {
		.sigev_notify = notify,
		.sigev_signo = signo,
		.sigev_value.sival_ptr = value,
	};
	int id = -1;

	event._sigev_un._tid = tid;
	sure(syscall(SYS_timer_create, clock, &event, &id));
	return id;
}

static int create(clockid_t clock, int signo, void *value)
{
	return create_for(clock, signo, value, SIGEV_SIGNAL, 0);
}

static void set(int id, int flags, long long value, long long interval)
{
	struct itimerspec spec = { timespec_of(interval), timespec_of(value) };

	sure(syscall(SYS_timer_settime, id, flags, &spec, NULL));
}

static struct itimerspec get(int id)
{
	struct itimerspec spec;

	sure(syscall(SYS_timer_gettime, id, &spec));
	return spec;
}

static long long ns_of(struct timespec ts)
{
	return ts.tv_sec * SECOND + ts.tv_nsec;
}

static long long left(int id)
{
	return ns_of(get(id).it_value);
}

static int overrun(int id)
{
	return syscall(SYS_timer_getoverrun, id);
}

static void within(long long got, long long from, long long to, const char *what)
{
	expect(got >= from && got <= to, "%s: %lld us, wanted %lld to %lld", what, got / 1000,
	       from / 1000, to / 1000);
}

static void handler(int sig)
{
	seen++;
	(void)sig;
}

static int wait_for(int sig, siginfo_t *info, int ms)
{
	struct timespec ts = timespec_of(ms * MS);
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, sig);
	memset(info, 0, sizeof(*info));
	return sigtimedwait(&set, info, &ts);
}

static bool is_pending(int sig)
{
	sigset_t set;

	sigpending(&set);
	return sigismember(&set, sig);
}

static void expect_timer(const siginfo_t *info, int id, unsigned long value)
{
	expect_eq(info->si_code, SI_TIMER, "sent by a timer");
	expect_eq(info->si_timerid, id, "by the right one");
	expect_eq((unsigned long)info->si_ptr, value, "with its value");
}

/* A timer that sends to this thread, and one of its own CPU time. */
static void *in_thread(void *unused)
{
	pid_t tid = syscall(SYS_gettid);
	int own = create_for(CLOCK_MONOTONIC, SIG_THREAD, (void *)0x7e57, SIGEV_THREAD_ID, tid);
	int cpu = create_for(CLOCK_THREAD_CPUTIME_ID, SIG_CPU, (void *)0xc9, SIGEV_THREAD_ID, tid);
	bool spoil;
	siginfo_t info;
	sigset_t all;

	/* A handler would interrupt what waits here. */
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, NULL);
	set(own, 0, MS, 0);
	set(cpu, 0, 900 * MS, 0);
	while (!is_pending(SIG_THREAD))
		sleep_ms(2);
	thread_cpu_left = left(cpu);
	tell("thread");
	spoil = await_go();
	if (spoil) {
		wait_for(SIG_THREAD, &info, 0);
		set(cpu, 0, 0, 0);
	}
	expect_eq(wait_for(SIG_THREAD, &info, 0), SIG_THREAD, "signal that waits for a thread");
	expect_timer(&info, own, 0x7e57);
	/* As well as what it took to wait. */
	within(left(cpu), 1, thread_cpu_left, "CPU time of a thread");
	while (left(cpu) > 0 && !is_pending(SIG_CPU))
		;
	expect_eq(wait_for(SIG_CPU, &info, 2000), SIG_CPU, "signal of CPU time");
	expect_timer(&info, cpu, 0xc9);
	(void)unused;
	return NULL;
}

static void queue(int sig, int value)
{
	sure(sigqueue(getpid(), sig, (union sigval){ .sival_int = value }));
}

int main(int argc, char **argv)
{
	int plain, gone, wall, boot, silent, off, process, user, order, over, ignored, stale, next;
	long long start, elapsed, at, overruns, process_left;
	struct sigaction sa = { .sa_handler = handler };
	char timers_after[4096];
	pthread_t thread;
	siginfo_t info;
	sigset_t all;
	bool spoil;

	payload_begin(argc, argv);
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);

	plain = create(CLOCK_MONOTONIC, SIGRTMIN, (void *)0x123456789abc);
	gone = create(CLOCK_MONOTONIC, SIGRTMIN, NULL);
	wall = create(CLOCK_REALTIME, SIGRTMIN, NULL);
	boot = create(CLOCK_BOOTTIME, SIGUSR2, NULL);
	silent = create_for(CLOCK_REALTIME, 0, NULL, SIGEV_NONE, 0);
	off = create(CLOCK_TAI, SIGRTMIN, NULL);
	process = create(CLOCK_PROCESS_CPUTIME_ID, SIGRTMIN, NULL);
	user = create(PROCESS_USER_CLOCK, SIGRTMIN, NULL);
	order = create(CLOCK_MONOTONIC, SIG_ORDER, (void *)2);
	over = create(CLOCK_MONOTONIC, SIG_OVERRUN, (void *)0x0e);
	ignored = create(CLOCK_REALTIME, SIGUSR1, NULL);
	stale = create(CLOCK_MONOTONIC, SIG_STALE, NULL);

	sure(syscall(SYS_timer_delete, gone));
	/* Blocked signals are not ignored. */
	sigdelset(&all, SIGUSR1);
	signal(SIGUSR1, SIG_IGN);
	sigprocmask(SIG_SETMASK, &all, NULL);
	set(ignored, 0, MS, 5 * MS);
	set(stale, 0, MS, 0);
	queue(SIG_ORDER, 1);
	set(order, 0, MS, 0);
	set(over, 0, MS, 10 * MS);
	while (!is_pending(SIG_STALE) || !is_pending(SIG_OVERRUN))
		sleep_ms(2);
	sleep_ms(100);
	queue(SIG_ORDER, 3);
	set(stale, 0, 0, 0);
	expect_eq(wait_for(SIG_OVERRUN, &info, 0), SIG_OVERRUN, "periodic timer");
	overruns = overrun(over);
	expect(overruns >= 8, "%lld overruns", overruns);
	while (!is_pending(SIG_OVERRUN))
		;

	sure(pthread_create(&thread, NULL, in_thread, NULL));
	await("thread");
	start = now_ns(CLOCK_REALTIME);
	at = now_ns(CLOCK_REALTIME) + LENGTH;
	set(plain, 0, LENGTH, 0);
	set(wall, TIMER_ABSTIME, at, 7 * SECOND);
	set(boot, 0, LENGTH, 2 * LENGTH);
	set(silent, 0, 10 * MS, LENGTH);
	set(process, 0, LENGTH, 0);
	set(user, 0, LENGTH, LENGTH);
	sleep_ms(50);
	process_left = left(process);
	read_file("/proc/self/timers", timers_before, sizeof(timers_before));

	spoil = pause_here();
	if (spoil) {
		set(plain, 0, 2 * LENGTH, 0);
		set(wall, 0, 1, 0);
		set(boot, 0, 1, 0);
		set(silent, 0, 0, 0);
		set(off, 0, LENGTH, 0);
		set(process, 0, 2 * LENGTH, 0);
		set(over, 0, 0, 0);
		set(ignored, 0, 0, 0);
		queue(SIG_STALE, 1);
		wait_for(SIG_ORDER, &info, 0);
		create(CLOCK_MONOTONIC, SIGRTMIN, NULL);
	}
	elapsed = now_ns(CLOCK_REALTIME) - start;

	within(left(plain), LENGTH - elapsed + payload_down_min - SLACK,
	       LENGTH - elapsed + payload_down_max + SLACK, "CLOCK_MONOTONIC");
	expect_eq(ns_of(get(plain).it_interval), 0, "it fires once");
	within(left(wall), at - now_ns(CLOCK_REALTIME) - SLACK, at - now_ns(CLOCK_REALTIME) + SLACK,
	       "CLOCK_REALTIME at a time");
	expect_eq(ns_of(get(wall).it_interval), 7 * SECOND, "its interval");
	within(left(boot), LENGTH - elapsed + payload_down_min - SLACK,
	       LENGTH - elapsed + payload_down_max + SLACK, "CLOCK_BOOTTIME");
	expect_eq(ns_of(get(boot).it_interval), 2 * LENGTH, "its interval");
	within(left(silent), LENGTH - elapsed + payload_down_min - SLACK,
	       LENGTH - elapsed + payload_down_max + SLACK, "SIGEV_NONE");
	expect_eq(left(off), 0, "a timer that is off");
	within(left(process), process_left - 5 * SECOND, process_left, "CPU time of the process");
	expect_eq(ns_of(get(user).it_interval), LENGTH, "interval of user CPU time");
	within(left(user), LENGTH - 5 * SECOND, LENGTH, "user CPU time");
	expect_errno(syscall(SYS_timer_gettime, gone, &(struct itimerspec){}), EINVAL, "deleted");

	read_file("/proc/self/timers", timers_after, sizeof(timers_after));
	expect(!strcmp(timers_before, timers_after), "/proc/self/timers");
	next = create(CLOCK_MONOTONIC, SIGRTMIN, NULL);
	expect_eq(next, stale + 3, "id of the next timer");

	for (int i = 1; i <= 3; i++) {
		expect_eq(wait_for(SIG_ORDER, &info, 0), SIG_ORDER, "queue");
		expect_eq(info.si_int, i, "order of the queue");
		expect_eq(info.si_code, i == 2 ? SI_TIMER : SI_QUEUE, "sender");
	}
	expect_eq(wait_for(SIG_STALE, &info, 0), -1, "signal of a timer that was set anew");

	expect_eq(overrun(over), overruns, "overruns of the last signal");
	elapsed = now_ns(CLOCK_REALTIME) - start;
	expect_eq(wait_for(SIG_OVERRUN, &info, 0), SIG_OVERRUN, "signal that waits");
	expect_timer(&info, over, 0x0e);
	within(info.si_overrun * 10 * MS, elapsed - payload_down_max - SLACK,
	       elapsed - payload_down_min + SLACK, "overruns");
	expect_eq(overrun(over), info.si_overrun, "overruns of this signal");
	expect_eq(wait_for(SIG_OVERRUN, &info, 2000), SIG_OVERRUN, "it goes on");

	sigaction(SIGUSR1, &sa, NULL);
	for (int i = 0; i < 400 && seen < 3; i++)
		usleep(5000);
	expect(seen >= 3, "a timer that was ignored goes on: %d", seen);
	/* Nor is it to interrupt what comes next. */
	set(ignored, 0, 0, 0);

	set(plain, 0, MS, 0);
	expect_eq(wait_for(SIGRTMIN, &info, 2000), SIGRTMIN, "a timer that is set anew");
	expect_timer(&info, plain, 0x123456789abc);
	pthread_join(thread, NULL);
	return payload_end();
}
