// SPDX-License-Identifier: GPL-2.0
/*
 * Interrupting calls half done, which are to go on: see rest.c. It is noted that they were
 * interrupted, and how much time they had left.
 */

#include <linux/net.h>
#include <linux/sched/signal.h>
#include <linux/sched/task_stack.h>
#include <linux/timekeeping.h>
#include <linux/wait.h>
#include <net/af_unix.h>
#include <net/sock.h>

#include "shim.h"
#include "rest.h"

static bool is_asleep(struct task_struct *t)
{
	return READ_ONCE(t->__state) & TASK_INTERRUPTIBLE && !READ_ONCE(t->on_cpu);
}

/* Does @t wait in @queue, whose lock the caller holds? */
static bool waits_in(wait_queue_head_t *queue, struct task_struct *t)
{
	wait_queue_entry_t *entry;

	list_for_each_entry(entry, &queue->head, entry)
		if (entry->private == t &&
		    (entry->func == autoremove_wake_function ||
		     entry->func == woken_wake_function))
			return true;
	return false;
}

/*
 * Interrupts @t, if it sleeps in @queue: without the lock of that, it does not get out
 * of there.
 */
static bool interrupt(wait_queue_head_t *queue, struct task_struct *t)
{
	struct pt_regs *regs = task_pt_regs(t);
	unsigned long flags;
	bool waits = false;
	u64 left;

	spin_lock_irqsave(&queue->lock, flags);
	if (waits_in(queue, t) && is_asleep(t)) {
		left = cr_shim_timeout_left(t);
		/* If it has been woken since, that means nothing. */
		waits = is_asleep(t);
	}
	if (waits) {
		/* One that goes on has noted that. */
		if (!has_mark(regs, HALFWAY) && left != U64_MAX) {
			*end_of(t) = ktime_get() + left;
			regs->orig_ax |= TIMED;
		}
		regs->orig_ax |= HALFWAY;
		set_tsk_thread_flag(t, TIF_NOTIFY_SIGNAL);
		wake_up_process(t);
	}
	spin_unlock_irqrestore(&queue->lock, flags);
	return waits;
}

/*
 * Interrupts @t, which has come to sleep in a read of @file, or a write with a time-out,
 * if it has not been woken since: what it has done is not all then that it is to do, and
 * it is to go on. Of a read of a Unix stream that has ended by itself only the kernel knows
 * why: streams end at messages with descriptors.
 */
bool cr_shim_interrupt_halfway(struct task_struct *t, struct file *file)
{
	struct socket *sock = sock_from_file(file);
	struct sock *sk = sock ? sock->sk : NULL;
	wait_queue_head_t *queue = sk ? sk_sleep(sk) : cr_shim_tty_queue(t, file);
	bool is_unix = sk && sk->sk_family == AF_UNIX;
	bool waits;

	if (!queue)
		return false;
	/* With that it does not make up its mind, either. */
	if (is_unix)
		unix_state_lock(sk);
	waits = interrupt(queue, t);
	if (is_unix)
		unix_state_unlock(sk);
	return waits;
}

/* Was @t interrupted halfway, and has not come to an end since? */
bool cr_shim_goes_on(struct task_struct *t)
{
	bool goes_on;

	if (!try_get_task_stack(t))
		return false;
	goes_on = has_mark(task_pt_regs(t), HALFWAY);
	put_task_stack(t);
	return goes_on;
}

/* For how long is @t, whose registers are there, to go on, if not until all is done? */
bool cr_shim_rest_time(struct task_struct *t, u64 *left_ns)
{
	if (!has_mark(task_pt_regs(t), TIMED))
		return false;
	*left_ns = max_t(s64, *end_of(t) - ktime_get(), 0);
	return true;
}

/* The current task was interrupted halfway: its call ends after so long. */
bool cr_shim_rest_ends_after(u64 left_ns)
{
	struct pt_regs *regs = task_pt_regs(current);

	if (!has_mark(regs, HALFWAY))
		return false;
	*end_of(current) = ktime_add_safe(ktime_get(), left_ns);
	regs->orig_ax |= TIMED;
	return true;
}

/*
 * The current task has come from its call: only of one that has got a part there is a
 * rest, or if it would have waited for one.
 */
void cr_shim_settle(void)
{
	struct pt_regs *regs = task_pt_regs(current);

	if (regs->ax == -EINTR && is_timed() && !task_sigpending(current))
		regs->ax = 0;
	else if ((long)regs->ax < 0 || (!regs->ax && !is_timed()))
		clear_marks(regs);
}
