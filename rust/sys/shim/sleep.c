// SPDX-License-Identifier: GPL-2.0
/* How long tasks are going to sleep: no interface shows the time that is left. */

#include <linux/cpumask.h>
#include <linux/hrtimer.h>
#include <linux/hrtimer_defs.h>
#include <linux/percpu.h>
#include <linux/timekeeping.h>
#include <linux/timerqueue.h>

#include "shim.h"

/* kernel/time/hrtimer.c */
DECLARE_PER_CPU(struct hrtimer_cpu_base, hrtimer_bases);
extern enum hrtimer_restart hrtimer_wakeup(struct hrtimer *timer);

/* Caller holds the lock of the base, without which no sleeper goes away. */
static void look(struct hrtimer *timer, ktime_t now,
		 struct cr_shim_sleeper *out)
{
	struct hrtimer_sleeper *sleeper =
		container_of(timer, struct hrtimer_sleeper, timer);
	ktime_t left = ktime_sub(hrtimer_get_softexpires(timer), now);

	out->task = (unsigned long)READ_ONCE(sleeper->task);
	out->left_ns = max_t(s64, left, 0);
}

static u32 look_at_base(struct hrtimer_clock_base *base,
			struct cr_shim_sleeper *out, u32 nr, u32 max)
{
	/* As kernel/time/hrtimer.c:__hrtimer_cb_get_time(), which it is compared with. */
	ktime_t now = ktime_add(ktime_get(), base->offset);
	struct timerqueue_linked_node *node;

	for (node = timerqueue_linked_first(&base->active); node;
	     node = timerqueue_linked_next(node)) {
		struct hrtimer *timer = container_of(node, struct hrtimer, node);

		if (ACCESS_PRIVATE(timer, function) != hrtimer_wakeup)
			continue;
		if (nr < max)
			look(timer, now, &out[nr]);
		nr++;
	}
	return nr;
}

/*
 * Finds the tasks that are woken by a timer of high resolution, as those are
 * that sleep in a system call with a time-out: returns how many there are, of
 * which as many as fit are written.
 */
u32 cr_shim_sleepers(struct cr_shim_sleeper *out, u32 max)
{
	unsigned long flags;
	u32 nr = 0;
	int cpu, i;

	for_each_possible_cpu(cpu) {
		struct hrtimer_cpu_base *base = per_cpu_ptr(&hrtimer_bases, cpu);

		raw_spin_lock_irqsave(&base->lock, flags);
		for (i = 0; i < HRTIMER_MAX_CLOCK_BASES; i++)
			nr = look_at_base(&base->clock_base[i], out, nr, max);
		raw_spin_unlock_irqrestore(&base->lock, flags);
	}
	return nr;
}
