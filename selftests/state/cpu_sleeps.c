// SPDX-License-Identifier: GPL-2.0
/*
 * Sleeps by clocks of CPU time: of another process, for a time and until a time, and
 * of another thread. They end when that has used so much, not before.
 */
#include "payload.h"

/* Used before, and until the sleeps end, ns. */
#define USED	(150 * MS)
#define SLEPT	(1200 * MS)

static clockid_t clock_of_init;
static long long started;

static void burn(clockid_t clock, long long until)
{
	while (now_ns(clock) < until)
		for (volatile int i = 0; i < 1000; i++)
			;
}

static void check(const char *name, int result)
{
	long long now = now_ns(clock_of_init);

	expect_eq(result, 0, "%s", name);
	expect(now >= started + SLEPT, "%s: not too early: %lld", name, now - started);
}

static int relative(void *unused)
{
	struct timespec ts = timespec_of(SLEPT), left = { 77, 77 };

	check("for a time", clock_nanosleep(clock_of_init, 0, &ts, &left));
	(void)unused;
	return 0;
}

static int no_remainder(void *unused)
{
	struct timespec ts = timespec_of(SLEPT);

	check("without an address for the rest", clock_nanosleep(clock_of_init, 0, &ts, NULL));
	(void)unused;
	return 0;
}

static int absolute(void *unused)
{
	struct timespec ts = timespec_of(started + SLEPT);

	check("until a time", clock_nanosleep(clock_of_init, TIMER_ABSTIME, &ts, NULL));
	(void)unused;
	return 0;
}

int main(int argc, char **argv)
{
	int (*const sleeps[])(void *) = { relative, no_remainder, absolute };
	pid_t pid[ARRAY_SIZE(sleeps)];

	payload_begin(argc, argv);
	sure(clock_getcpuclockid(1, &clock_of_init));
	started = now_ns(clock_of_init);
	for (size_t i = 0; i < ARRAY_SIZE(sleeps); i++) {
		pid[i] = child(sleeps[i], NULL);
		await_syscall(pid[i], SYS_clock_nanosleep);
	}
	burn(clock_of_init, started + USED);

	if (pause_here())
		sure(kill(pid[0], SIGKILL));
	for (size_t i = 0; i < ARRAY_SIZE(sleeps); i++)
		expect_eq(task_state(pid[i]), 'S', "%zu: sleeps", i);
	expect(now_ns(clock_of_init) < started + SLEPT, "there is time left");
	/* Those that began later have a little more. */
	for (size_t i = 0; i < ARRAY_SIZE(sleeps); i++)
		while (task_state(pid[i]) == 'S')
			burn(clock_of_init, now_ns(clock_of_init) + 2 * MS);
	expect(now_ns(clock_of_init) < started + 2 * SLEPT * patience(), "and not too late: %lld",
	       now_ns(clock_of_init) - started);
	for (size_t i = 0; i < ARRAY_SIZE(sleeps); i++)
		reap(pid[i]);
	return payload_end();
}
