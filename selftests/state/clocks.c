// SPDX-License-Identifier: GPL-2.0
/*
 * CLOCK_MONOTONIC and CLOCK_BOOTTIME go on where they were: without the time in
 * which the container did not exist. All ways to ask for them agree.
 */
#include "payload.h"
#include <sys/sysinfo.h>

#define SLACK	(patience() * 40 * MS)

static const struct {
	clockid_t clock;
	const char *name;
} clocks[] = {
	{ CLOCK_MONOTONIC, "CLOCK_MONOTONIC" },
	{ CLOCK_MONOTONIC_RAW, "CLOCK_MONOTONIC_RAW" },
	{ CLOCK_MONOTONIC_COARSE, "CLOCK_MONOTONIC_COARSE" },
	{ CLOCK_BOOTTIME, "CLOCK_BOOTTIME" },
};

static void within(long long got, long long from, long long to, const char *what)
{
	expect(got >= from && got <= to, "%s: %lld us, wanted %lld to %lld", what, got / 1000,
	       from / 1000, to / 1000);
}

/* Not by the vDSO. */
static long long by_call(clockid_t clock)
{
	struct timespec ts;

	sure(syscall(SYS_clock_gettime, clock, &ts));
	return ts.tv_sec * SECOND + ts.tv_nsec;
}

static int agree(void *unused)
{
	char text[100];
	struct sysinfo info;
	double uptime = 0;

	for (size_t i = 0; i < ARRAY_SIZE(clocks); i++) {
		long long a = by_call(clocks[i].clock), b = now_ns(clocks[i].clock);

		within(b - a, 0, SLACK, clocks[i].name);
	}
	sure(sysinfo(&info));
	within(now_ns(CLOCK_BOOTTIME) - info.uptime * SECOND, -SECOND, 2 * SECOND, "sysinfo(2)");
	read_file("/proc/uptime", text, sizeof(text));
	sscanf(text, "%lf", &uptime);
	within(now_ns(CLOCK_BOOTTIME) - (long long)(uptime * 100) * 10 * MS, 0, SLACK + 20 * MS,
	       "/proc/uptime");
	(void)unused;
	return 0;
}

int main(int argc, char **argv)
{
	long long real, passed, before[ARRAY_SIZE(clocks)];
	bool spoil;

	payload_begin(argc, argv);
	agree(NULL);
	real = now_ns(CLOCK_REALTIME);
	for (size_t i = 0; i < ARRAY_SIZE(clocks); i++)
		before[i] = now_ns(clocks[i].clock);
	spoil = pause_here();
	for (size_t i = 0; i < ARRAY_SIZE(clocks); i++) {
		passed = now_ns(CLOCK_REALTIME) - real;
		within(now_ns(clocks[i].clock) - before[i] + (spoil ? SECOND : 0),
		       passed - payload_down_max - SLACK, passed - payload_down_min + SLACK,
		       clocks[i].name);
	}
	agree(NULL);
	reap(child(agree, NULL));
	return payload_end();
}
