// SPDX-License-Identifier: GPL-2.0
/* Tasks that sleep in vfork(2): kernel/fork.c. */

#include <linux/cgroup.h>
#include <linux/completion.h>
#include <linux/sched/task.h>
#include <linux/swait.h>

#include "shim.h"

bool cr_shim_in_vfork(struct task_struct *t)
{
	return READ_ONCE(t->vfork_done);
}

/*
 * The task that sleeps in vfork(2) until @t gives up its memory, referenced; and
 * the number of @t as that one sees it. NULL if there is none, or not yet.
 */
struct task_struct *cr_shim_vfork_waiter(struct task_struct *t, u32 *pid)
{
	struct task_struct *waiter = NULL;
	struct swait_queue *entry;
	struct completion *done;
	unsigned long flags;

	/* Who sleeps does not leave with the completion while this is held. */
	task_lock(t);
	done = t->vfork_done;
	if (done) {
		raw_spin_lock_irqsave(&done->wait.lock, flags);
		entry = list_first_entry_or_null(&done->wait.task_list,
						 struct swait_queue, task_list);
		if (entry)
			waiter = get_task_struct(entry->task);
		raw_spin_unlock_irqrestore(&done->wait.lock, flags);
	}
	task_unlock(t);
	if (waiter) {
		rcu_read_lock();
		*pid = task_pid_nr_ns(t, task_active_pid_ns(waiter));
		rcu_read_unlock();
	}
	return waiter;
}

/*
 * Lets @t complete @done when it gives up its memory. False if it exits, or
 * somebody waits for that already.
 */
bool cr_shim_vfork_begin(struct task_struct *t, struct completion *done)
{
	bool can;

	task_lock(t);
	can = !t->vfork_done;
	if (can) {
		WRITE_ONCE(t->vfork_done, done);
		/* Who exits says so first, and looks for somebody who waits then. */
		smp_mb();
		can = !(READ_ONCE(t->flags) & PF_EXITING);
		if (!can)
			t->vfork_done = NULL;
	}
	task_unlock(t);
	return can;
}

/* As wait_for_vfork_done(). */
void cr_shim_vfork_wait(struct completion *done)
{
	cgroup_enter_frozen();
	wait_for_completion_state(done, TASK_KILLABLE | TASK_FREEZABLE);
	cgroup_leave_frozen(false);
}

/* @done goes: @t must not know it any more. */
void cr_shim_vfork_end(struct task_struct *t, struct completion *done)
{
	task_lock(t);
	if (t->vfork_done == done)
		t->vfork_done = NULL;
	task_unlock(t);
}
