/* SPDX-License-Identifier: GPL-2.0 */
/* What rest.c wants of others: calls that go on with the rest. */
#ifndef CR_SHIM_REST_H
#define CR_SHIM_REST_H

#include <linux/bits.h>
#include <linux/hrtimer.h>
#include <linux/sched/signal.h>
#include <linux/sched/task_stack.h>
#include <linux/wait.h>

/*
 * In orig_ax, above the number of the call, where the kernel does not look. HALFWAY: the
 * call was interrupted after a part; it is in the image as well. TIMED: it ends at a time,
 * which is where a call has it that goes on by restart_syscall(2).
 */
#define HALFWAY		BIT_ULL(32)
#define TIMED		BIT_ULL(33)

/* Outside of calls, it is -1. */
static inline bool has_mark(const struct pt_regs *regs, u64 mark)
{
	return (long)regs->orig_ax >= 0 && regs->orig_ax & mark;
}

static inline void clear_marks(struct pt_regs *regs)
{
	if ((long)regs->orig_ax >= 0)
		regs->orig_ax &= ~(HALFWAY | TIMED);
}

static inline bool is_timed(void)
{
	return has_mark(task_pt_regs(current), TIMED);
}

/* When the call in progress ends, if it does. */
static inline u64 *end_of(struct task_struct *t)
{
	return &t->restart_block.nanosleep.expires;
}

/* That the current task was made to look at its signals is none. */
static inline void look_at_signals(void)
{
	spin_lock_irq(&current->sighand->siglock);
	recalc_sigpending();
	spin_unlock_irq(&current->sighand->siglock);
}

/* sleep.c: the call that the current task is about to issue ends at a time, or before. */
void cr_shim_call_begins(struct hrtimer_sleeper *end, ktime_t until);
void cr_shim_call_ends(struct hrtimer_sleeper *end);

/* halfway.c */
bool cr_shim_rest_ends_after(u64 left_ns);

/* tty_sleep.c */
u64 cr_shim_tty_least(struct file *file, u64 len);
u64 cr_shim_tty_most(struct file *file, u64 len);
u64 cr_shim_tty_time(struct file *file);
wait_queue_head_t *cr_shim_tty_queue(struct task_struct *t, struct file *file);

#endif /* CR_SHIM_REST_H */
