// SPDX-License-Identifier: GPL-2.0
/* How long tasks are going to sleep: no interface shows the time that is left. */

#include <linux/compat.h>
#include <linux/cpumask.h>
#include <linux/hrtimer.h>
#include <linux/hrtimer_defs.h>
#include <linux/jiffies.h>
#include <linux/percpu.h>
#include <linux/sched/signal.h>
#include <linux/sched/task_stack.h>
#include <linux/timekeeping.h>
#include <linux/timer.h>
#include <linux/timerqueue.h>
#include <linux/uaccess.h>
#include <asm/unistd_32_ia32.h>
#include <asm/unistd_64.h>

#include "shim.h"
#include "rest.h"

/* kernel/time/hrtimer.c */
DECLARE_PER_CPU(struct hrtimer_cpu_base, hrtimer_bases);
extern enum hrtimer_restart hrtimer_wakeup(struct hrtimer *timer);
/* kernel/time/sleep_timeout.c */
struct process_timer {
	struct timer_list timer;
	struct task_struct *task;
};
extern void process_timeout(struct timer_list *timer);

/* What ends a call that has no time-out of its own: see finish_until(). */
static enum hrtimer_restart end_of_call(struct hrtimer *timer)
{
	struct hrtimer_sleeper *end =
		container_of(timer, struct hrtimer_sleeper, timer);
	struct task_struct *t = end->task;

	WRITE_ONCE(end->task, NULL);
	set_tsk_thread_flag(t, TIF_NOTIFY_SIGNAL);
	wake_up_process(t);
	return HRTIMER_NORESTART;
}

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
		const void *function = ACCESS_PRIVATE(timer, function);

		if (function != hrtimer_wakeup && function != end_of_call)
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

/* Can @word be where a timer begins that is going to wake @t? */
static bool wakes(const unsigned long *word, struct task_struct *t)
{
	const struct process_timer *p = (const void *)word;

	return READ_ONCE_NOCHECK(p->timer.function) == process_timeout &&
	       READ_ONCE_NOCHECK(p->task) == t &&
	       READ_ONCE_NOCHECK(p->timer.entry.pprev);
}

static u64 left(const unsigned long *word)
{
	const struct process_timer *p = (const void *)word;
	long ticks = READ_ONCE_NOCHECK(p->timer.expires) - jiffies;

	return jiffies64_to_nsecs(max(ticks, 0));
}

/*
 * How long is @t, which sleeps, off its CPU, in schedule_timeout() going to do
 * that: ns, or U64_MAX if there is no end. Its timer is on its stack, and only
 * the timer knows. If @t has been woken meanwhile, this means nothing.
 */
u64 cr_shim_timeout_left(struct task_struct *t)
{
	const unsigned long *word, *first, *last;
	u64 left_ns = U64_MAX;

	if (!try_get_task_stack(t))
		return left_ns;
	first = task_stack_page(t);
	last = (const unsigned long *)task_pt_regs(t) -
	       sizeof(struct process_timer) / sizeof(*last);
	word = (const unsigned long *)READ_ONCE(t->thread.sp);
	if (word >= first)
		for (; word <= last && left_ns == U64_MAX; word++)
			if (wakes(word, t))
				left_ns = left(word);
	put_task_stack(t);
	return left_ns;
}

void cr_shim_call_begins(struct hrtimer_sleeper *end, ktime_t until)
{
	end->task = current;
	hrtimer_setup_on_stack(&end->timer, end_of_call, CLOCK_MONOTONIC,
			       HRTIMER_MODE_ABS);
	hrtimer_start(&end->timer, until, HRTIMER_MODE_ABS);
}

void cr_shim_call_ends(struct hrtimer_sleeper *end)
{
	hrtimer_cancel(&end->timer);
	destroy_hrtimer_on_stack(&end->timer);
}

/* Do they return that there is nothing when their time is over? Others have an error. */
static bool waits_for_events(u32 nr)
{
	switch (nr) {
	case __NR_epoll_wait:
	case __NR_epoll_pwait:
	case __NR_epoll_pwait2:
	case __NR_io_getevents:
	case __NR_io_pgetevents:
		return true;
	}
	return false;
}

/*
 * Issues a system call for the current task, @nr of 64-bit programs, that ends after so
 * long as if by a time-out of its own, if it has none, or a longer one. As if by a signal,
 * in fact: the call has done nothing then.
 */
static long finish_until(u64 left_ns, u32 nr, const u64 *args)
{
	struct hrtimer_sleeper end;
	long ret;

	cr_shim_call_begins(&end, ktime_add_safe(ktime_get(), left_ns));
	ret = cr_shim_call_again(task_pt_regs(current)->orig_ax, args);
	cr_shim_call_ends(&end);
	if (end.task || task_sigpending(current))
		return ret;
	switch (ret) {
	case -ERESTARTSYS:
		/* A terminal has nothing then, a socket an error. */
	case -ERESTARTNOHAND:
		return 0;
	case -EINTR:
		return waits_for_events(nr) ? 0 : -EAGAIN;
	}
	return ret;
}

/* A call is issued again for the current task, on its way to user mode. */
static void prepare_call(void)
{
	/* The call has a mask of its own for as long as it waits. */
	if (test_and_clear_restore_sigmask())
		sigprocmask(SIG_SETMASK, &current->saved_sigmask, NULL);
	look_at_signals();
}

/* Those that do not come back, or go on with other registers: nobody sleeps in them. */
#define COMES_NOT_BACK(call)			\
	case __NR_##call##rt_sigreturn:		\
	case __NR_##call##fork:			\
	case __NR_##call##vfork:		\
	case __NR_##call##clone:		\
	case __NR_##call##clone3:		\
	case __NR_##call##execve:		\
	case __NR_##call##execveat:		\
	case __NR_##call##exit:			\
	case __NR_##call##exit_group

static bool comes_back(u32 nr)
{
	if (in_compat_syscall()) {
		switch (nr) {
		COMES_NOT_BACK(ia32_):
		case __NR_ia32_sigreturn:
			return false;
		}
		return true;
	}
	switch (nr) {
	COMES_NOT_BACK():
		return false;
	}
	return true;
}

/*
 * The current task goes on with the system call that it was interrupted in, as it would
 * from user mode: but a tracer that waits for its end does not see it begin.
 */
void cr_shim_reissue(void)
{
	struct pt_regs *regs = task_pt_regs(current);
	u32 nr = regs->orig_ax;
	u64 args[6];

	switch ((long)regs->ax) {
	case -ERESTART_RESTARTBLOCK:
		nr = in_compat_syscall() ? __NR_ia32_restart_syscall :
					   __NR_restart_syscall;
		break;
	case -ERESTARTSYS:
	case -ERESTARTNOINTR:
	case -ERESTARTNOHAND:
		break;
	default:
		return;
	}
	if ((long)regs->orig_ax < 0 || !comes_back(nr))
		return;
	prepare_call();
	/* It has no result. */
	regs->ax = -ENOSYS;
	cr_shim_syscall_of(current, args);
	regs->ax = cr_shim_call_again(nr, args);
}

/* The place among its arguments in which a call of the current task has its time-out. */
static int place_of_timeout(u32 nr)
{
	const struct pt_regs *regs = task_pt_regs(current);

	switch (nr) {
	case __NR_rt_sigtimedwait:
		return 2;
	case __NR_semtimedop:
		return in_compat_syscall() && (u32)regs->orig_ax == __NR_ia32_ipc ?
			       5 : 3;
	case __NR_epoll_pwait2:
	case __NR_epoll_wait:
	case __NR_epoll_pwait:
		return 3;
	case __NR_io_getevents:
	case __NR_io_pgetevents:
		return 4;
	}
	return -1;
}

/* Does a call end when the time-out of its file is over? */
static bool has_time_of_file(u32 nr)
{
	switch (nr) {
	case __NR_read:
	case __NR_readv:
	case __NR_write:
	case __NR_writev:
	case __NR_recvfrom:
	case __NR_recvmsg:
	case __NR_sendto:
	case __NR_sendmsg:
	case __NR_accept:
	case __NR_accept4:
	case __NR_connect:
		return true;
	}
	return false;
}

/* Requests have been submitted, and io_uring_enter(2) has no other result, however it ends. */
static void wait_for_requests(u32 nr)
{
	struct pt_regs *regs = task_pt_regs(current);
	u64 args[6];
	u32 submitted;

	cr_shim_syscall_of(current, args);
	submitted = args[1];
	args[1] = 0;
	prepare_call();
	cr_shim_call_again(nr, args);
	regs->ax = submitted;
}

/*
 * The current task goes on to wait in the system call that its registers say, @call,
 * for so long. A time-out in its memory is not to be written to, nor is that of a socket,
 * which others may use: the call is issued without one, or with that of the socket.
 */
void cr_shim_finish_wait(const struct cr_shim_call *call, u64 left_ns)
{
	struct pt_regs *regs = task_pt_regs(current);
	int place = place_of_timeout(call->nr);
	u64 args[6];

	if (call->nr == __NR_io_uring_enter) {
		wait_for_requests(call->nr);
		return;
	}
	if (cr_shim_rest_ends_after(left_ns))
		return;
	if (place < 0 && !has_time_of_file(call->nr))
		return;
	cr_shim_syscall_of(current, args);
	if (call->nr == __NR_epoll_wait || call->nr == __NR_epoll_pwait)
		args[place] = (u32)-1;
	else if (place >= 0)
		args[place] = 0;
	prepare_call();
	regs->ax = finish_until(left_ns, call->nr, args);
}
