// SPDX-License-Identifier: GPL-2.0
/* The clocks that a time namespace has to itself: kernel/time/namespace.c. */

#include <linux/capability.h>
#include <linux/nsproxy.h>
#include <linux/sched/task.h>
#include <linux/time_namespace.h>
#include <linux/timekeeping.h>
#include <linux/user_namespace.h>
#include <uapi/linux/sched.h>
#include <asm/unistd_64.h>

#include "shim.h"

/* How much more than on the host the clocks say to @t, ns. Nothing, if it has died. */
void cr_shim_clock_offsets(struct task_struct *t, s64 *monotonic, s64 *boottime)
{
	*monotonic = 0;
	*boottime = 0;
	task_lock(t);
	if (t->nsproxy) {
		struct timens_offsets *offsets = &t->nsproxy->time_ns->offsets;

		*monotonic = timespec64_to_ns(&offsets->monotonic);
		*boottime = timespec64_to_ns(&offsets->boottime);
	}
	task_unlock(t);
}

/* What the clocks say to @t, ns. */
void cr_shim_clocks_read(struct task_struct *t, u64 *monotonic, u64 *boottime)
{
	s64 more_monotonic, more_boottime;

	cr_shim_clock_offsets(t, &more_monotonic, &more_boottime);
	*monotonic = ktime_get_ns() + more_monotonic;
	*boottime = ktime_get_boottime_ns() + more_boottime;
}

/*
 * Gives the current task, which is alone in its thread group, a time namespace
 * whose clocks go on from there.
 */
int cr_shim_clocks_set(u64 monotonic, u64 boottime)
{
	struct time_namespace *ns;
	int err;

	err = cr_shim_syscall(__NR_unshare, CLONE_NEWTIME, 0, 0, 0, 0, 0);
	if (err)
		return err;
	/* Nobody else knows it yet, nor uses this nsproxy. */
	ns = current->nsproxy->time_ns_for_children;
	if (!ns_capable(ns->user_ns, CAP_SYS_TIME))
		return -EPERM;
	ns->offsets.monotonic = ns_to_timespec64(monotonic - ktime_get_ns());
	ns->offsets.boottime = ns_to_timespec64(boottime -
						ktime_get_boottime_ns());
	timens_on_fork(current->nsproxy, current);
	return 0;
}
