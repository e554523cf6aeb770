// SPDX-License-Identifier: GPL-2.0
/* Tasks that sleep in vfork(2): kernel/fork.c. */

#include <linux/cgroup.h>
#include <linux/completion.h>
#include <linux/pid_namespace.h>
#include <linux/ptrace.h>
#include <linux/sched/task.h>
#include <linux/sched/task_stack.h>
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

/* Is the completion that @t knows on the stack of @waiter? */
static bool is_on_stack_of(struct task_struct *t, struct task_struct *waiter)
{
	unsigned long done = (unsigned long)READ_ONCE(t->vfork_done);
	unsigned long stack = (unsigned long)task_stack_page(waiter);

	return done - stack < THREAD_SIZE;
}

/*
 * Of @t, which its tracer has stopped when it has begun a vfork(2) and does not
 * wait yet: the child, referenced, as long as that one has not given up its
 * memory. NULL of any other task.
 */
struct task_struct *cr_shim_vfork_child(struct task_struct *t)
{
	struct task_struct *child = NULL, *tracer;
	struct pid_namespace *ns;

	rcu_read_lock();
	tracer = rcu_dereference(t->parent);
	ns = task_active_pid_ns(tracer);
	if (t->ptrace && ns && t->ptrace_message <= INT_MAX)
		child = pid_task(find_pid_ns(t->ptrace_message, ns), PIDTYPE_PID);
	/* Somebody else may have got the number since. */
	if (child && READ_ONCE(child->vfork_done) &&
	    (rcu_dereference(child->real_parent) == t || is_on_stack_of(child, t)))
		get_task_struct(child);
	else
		child = NULL;
	rcu_read_unlock();
	return child;
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

/* The number of @t, referenced: it stays when @t is gone. */
struct pid *cr_shim_vfork_pid(struct task_struct *t)
{
	return get_task_pid(t, PIDTYPE_PID);
}

/*
 * As wait_for_vfork_done(), and what kernel_clone() does afterwards. The tracer of the
 * current task sees that the call has no result yet.
 */
void cr_shim_vfork_wait(struct completion *done, struct pid *child)
{
	struct pt_regs *regs = task_pt_regs(current);
	unsigned long result = regs->ax;
	int killed;

	regs->ax = -ENOSYS;
	cgroup_enter_frozen();
	killed = wait_for_completion_state(done, TASK_KILLABLE | TASK_FREEZABLE);
	cgroup_leave_frozen(false);
	if (!killed)
		ptrace_event_pid(PTRACE_EVENT_VFORK_DONE, child);
	regs->ax = result;
}

/* @done goes: @t must not know it any more. */
void cr_shim_vfork_end(struct task_struct *t, struct completion *done)
{
	task_lock(t);
	if (t->vfork_done == done)
		t->vfork_done = NULL;
	task_unlock(t);
}
