// SPDX-License-Identifier: GPL-2.0
/* What a task asks of the scheduler. */

#include <linux/cpumask.h>
#include <linux/iocontext.h>
#include <linux/ioprio.h>
#include <linux/sched.h>
#include <linux/sched/task.h>

#include "shim.h"

#define DL_FLAGS	(CR_SCHED_RECLAIM | CR_SCHED_DL_OVERRUN)

static u32 clamp_of(struct task_struct *t, int which)
{
#ifdef CONFIG_UCLAMP_TASK
	if (t->uclamp_req[which].user_defined)
		return t->uclamp_req[which].value;
#endif
	return CR_SCHED_NO_CLAMP;
}

/* Copies the mask that sched_setaffinity(2) was given last; 0 if there is none. */
static u32 affinity_read(struct task_struct *t, u64 *cpus)
{
	unsigned long flags;
	u32 nr = 0;

	BUILD_BUG_ON(BITS_TO_LONGS(NR_CPUS) > CR_MAX_CPU_WORDS);

	raw_spin_lock_irqsave(&t->pi_lock, flags);
	if (t->user_cpus_ptr) {
		const unsigned long *bits = cpumask_bits(t->user_cpus_ptr);

		for (u32 i = 0; i < BITS_TO_LONGS(nr_cpu_ids); i++) {
			cpus[i] = bits[i];
			if (bits[i])
				nr = i + 1;
		}
	}
	raw_spin_unlock_irqrestore(&t->pi_lock, flags);
	return nr;
}

/* Does @t, which is not of SCHED_DEADLINE, ask for more than policy and nice? */
bool cr_shim_sched_asks(struct task_struct *t)
{
	bool asks;

	task_lock(t);
	asks = t->io_context && ioprio_valid(t->io_context->ioprio);
	task_unlock(t);
	return asks || t->sched_reset_on_fork || t->rt_priority ||
	       t->se.custom_slice || READ_ONCE(t->user_cpus_ptr) ||
	       clamp_of(t, UCLAMP_MIN) != CR_SCHED_NO_CLAMP ||
	       clamp_of(t, UCLAMP_MAX) != CR_SCHED_NO_CLAMP ||
	       cr_shim_has_task_policy(t);
}

/* @cpus has room for CR_MAX_CPU_WORDS. */
void cr_shim_sched_read(struct task_struct *t, struct cr_img_sched *out,
			u64 *cpus)
{
	memset(out, 0, sizeof(*out));
	if (t->sched_reset_on_fork)
		out->flags |= CR_SCHED_RESET_ON_FORK;
	if (t->policy == SCHED_DEADLINE) {
		out->flags |= t->dl.flags & DL_FLAGS;
		out->runtime_ns = t->dl.dl_runtime;
		out->deadline_ns = t->dl.dl_deadline;
		out->period_ns = t->dl.dl_period;
	}
	out->priority = t->rt_priority;
	/* Real-time tasks have it again when they are ordinary ones. */
	if (t->se.custom_slice)
		out->slice_ns = t->se.slice;
	out->util_min = clamp_of(t, UCLAMP_MIN);
	out->util_max = clamp_of(t, UCLAMP_MAX);
	/* Keeps the context, which goes when the task exits. */
	task_lock(t);
	if (t->io_context && ioprio_valid(t->io_context->ioprio))
		out->ioprio = t->io_context->ioprio;
	task_unlock(t);
	out->nr_cpu_words = affinity_read(t, cpus);
}
