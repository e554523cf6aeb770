// SPDX-License-Identifier: GPL-2.0
/* Interval timers: of real time, of CPU time; once and periodic. */
#include "payload.h"
#include <sys/time.h>

#define LENGTH	(patience() * 20 * SECOND)
#define LATE	(patience() * SECOND)
/* Where a signal waits long to be delivered, it has to come rarely: nobody is to see it pending. */
#define INTERVAL	(patience() > 1 ? 900 * MS : 70 * MS)

static volatile int fired;
/* Who measures CPU time waits here, which takes none. */
static int gate[2];

static void handler(int sig)
{
	fired++;
	(void)sig;
}

static long long left(int which)
{
	struct itimerval now;

	getitimer(which, &now);
	return now.it_value.tv_sec * SECOND + now.it_value.tv_usec * 1000LL;
}

static long long interval(int which)
{
	struct itimerval now;

	getitimer(which, &now);
	return now.it_interval.tv_sec * SECOND + now.it_interval.tv_usec * 1000LL;
}

static void arm(int which, long long value, long long period)
{
	struct itimerval timer = {
		{ period / SECOND, period % SECOND / 1000 },
		{ value / SECOND, value % SECOND / 1000 },
	};

	sure(setitimer(which, &timer, NULL));
}

static int once(void *unused)
{
	long long start = now_ns(CLOCK_REALTIME), elapsed;
	sigset_t set;
	int sig;

	sigemptyset(&set);
	sigaddset(&set, SIGALRM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	arm(ITIMER_REAL, LENGTH, 0);
	sleep_ms(1000);
	tell("once");
	if (await_go())
		arm(ITIMER_REAL, 1000, 0);
	expect(left(ITIMER_REAL) > 0, "the timer runs");
	sigwait(&set, &sig);
	elapsed = now_ns(CLOCK_REALTIME) - start;
	expect(elapsed >= LENGTH + payload_down_min && elapsed <= LENGTH + payload_down_max + LATE,
	       "ITIMER_REAL: %lld ms, wanted %lld to %lld", elapsed / MS, (LENGTH + payload_down_min) / MS,
	       (LENGTH + payload_down_max + LATE) / MS);
	expect_eq(left(ITIMER_REAL), 0, "it fires once");
	(void)unused;
	return 0;
}

/* No EINTR here: the handler says SA_RESTART, and the file is looked for. */
static int periodic(void *unused)
{
	struct sigaction sa = { .sa_handler = handler, .sa_flags = SA_RESTART };
	int before;

	sigaction(SIGALRM, &sa, NULL);
	arm(ITIMER_REAL, 100 * MS, INTERVAL);
	while (fired < 3)
		;
	tell("periodic");
	while (access(file_at("go"), F_OK))
		;
	before = fired;
	expect_eq(interval(ITIMER_REAL), INTERVAL, "interval of ITIMER_REAL");
	while (fired < before + 3)
		;
	expect(true, "it goes on to fire");
	(void)unused;
	return 0;
}

static int cpu_time(void *which)
{
	struct sigaction sa = { .sa_handler = handler };
	int timer = *(int *)which;
	const char *name = timer == ITIMER_PROF ? "ITIMER_PROF" : "ITIMER_VIRTUAL";
	long long before, after, end;
	char byte;

	sigaction(timer == ITIMER_PROF ? SIGPROF : SIGVTALRM, &sa, NULL);
	arm(timer, 2 * SECOND, 900 * SECOND);
	while (left(timer) > SECOND)
		;
	before = left(timer);
	tell(name);
	expect_eq(read(gate[0], &byte, 1), 1, "%s: waits", name);
	await_go();
	after = left(timer);
	expect(after <= before + 4 * MS && after > before - SECOND + 100 * MS, "%s: %lld us left, were %lld", name,
	       after / 1000, before / 1000);
	expect_eq(fired, 0, "%s: has not fired", name);
	end = now_ns(CLOCK_REALTIME) + 30 * SECOND;
	while (!fired && now_ns(CLOCK_REALTIME) < end)
		;
	expect_eq(fired, 1, "%s: fires", name);
	expect_eq((interval(timer) + MS) / SECOND, 900, "%s: interval", name);
	return 0;
}

int main(int argc, char **argv)
{
	static int virtual = ITIMER_VIRTUAL, prof = ITIMER_PROF;
	pid_t pid[4];

	payload_begin(argc, argv);
	sure(pipe(gate));
	pid[0] = child(cpu_time, &virtual);
	pid[1] = child(cpu_time, &prof);
	await("ITIMER_VIRTUAL");
	await("ITIMER_PROF");
	pid[2] = child(periodic, NULL);
	await("periodic");
	pid[3] = child(once, NULL);
	await("once");
	pause_here();
	sure(write(gate[1], "..", 2));
	for (int i = 0; i < 4; i++)
		reap(pid[i]);
	return payload_end();
}
