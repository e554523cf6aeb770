// SPDX-License-Identifier: GPL-2.0
/* Making tasks stand still, and finding out that they do. */

#include <linux/crc32.h>
#include <linux/delay.h>
#include <linux/file.h>
#include <linux/mmu_notifier.h>
#include <linux/module.h>
#include <linux/nsproxy.h>
#include <linux/rcupdate.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/sched/task_stack.h>
#include <linux/task_work.h>
#include <linux/timekeeping.h>
#include <linux/utsname.h>
#include <asm/syscall.h>
#include <asm/unistd_64.h>

#include "shim.h"

bool cr_shim_is_dying(struct task_struct *t)
{
	return t->exit_state || t->flags & PF_EXITING || fatal_signal_pending(t);
}

/* 1: stopped by a signal; 2: stopped by its tracer; 3: frozen. */
int cr_shim_stopped(struct task_struct *t)
{
	if (t->jobctl & JOBCTL_TRAP_FREEZE || READ_ONCE(t->__state) & TASK_FROZEN)
		return 3;
	return task_is_traced(t) ? 2 : task_is_stopped(t) ? 1 : 0;
}

/* Is @t to stop with its process, and has not yet? */
bool cr_shim_about_to_stop(struct task_struct *t)
{
	return READ_ONCE(t->jobctl) & JOBCTL_STOP_PENDING;
}

/*
 * When @t is off its CPU in this state: a number that is another one after it
 * has left the state. Otherwise 0.
 */
static unsigned long stamp(struct task_struct *t, unsigned int state)
{
	return READ_ONCE(t->__state) & state ? wait_task_inactive(t, state) : 0;
}

/* For an interruptible sleep. */
unsigned long cr_shim_sleep_stamp(struct task_struct *t)
{
	return stamp(t, TASK_INTERRUPTIBLE);
}

/* For a stop by a signal. */
unsigned long cr_shim_stop_stamp(struct task_struct *t)
{
	return stamp(t, __TASK_STOPPED);
}

/*
 * Is @t asleep in cr_shim_completion_wait()? On the way there it is still on its
 * CPU, which has the last word on its extended registers and segment bases.
 */
bool cr_shim_is_parked(struct task_struct *t)
{
	return wait_task_inactive(t, TASK_UNINTERRUPTIBLE);
}

/* Has @t exited and left its CPU for the last time? */
bool cr_shim_at_rest(struct task_struct *t)
{
	return wait_task_inactive(t, TASK_DEAD);
}

/* Number and arguments of the system call that @t is in, or -1. */
int cr_shim_syscall_of(struct task_struct *t, u64 *args)
{
	struct pt_regs *regs;
	int nr;

	if (!try_get_task_stack(t))
		return -1;
	regs = task_pt_regs(t);
	if (cr_shim_in_compat_call(t)) {
		args[0] = (u32)regs->bx;
		args[1] = (u32)regs->cx;
		args[2] = (u32)regs->dx;
		args[3] = (u32)regs->si;
		args[4] = (u32)regs->di;
		args[5] = (u32)regs->bp;
	} else {
		args[0] = regs->di;
		args[1] = regs->si;
		args[2] = regs->dx;
		args[3] = regs->r10;
		args[4] = regs->r8;
		args[5] = regs->r9;
	}
	nr = (int)regs->orig_ax;
	put_task_stack(t);
	return nr;
}

/* What the system call that @t has come from returns, or is going to. */
bool cr_shim_syscall_result(struct task_struct *t, s64 *result)
{
	if (!try_get_task_stack(t))
		return false;
	*result = task_pt_regs(t)->ax;
	put_task_stack(t);
	return true;
}

bool cr_shim_signal_pending(struct task_struct *t)
{
	return task_sigpending(t);
}

bool cr_shim_current_exiting(void)
{
	return current->flags & PF_EXITING;
}

/*
 * Is the current task, which runs its works, in the middle of something? Of a system
 * call: only when that returns, it has a result; one that does not exist cannot be
 * told from that. Or about to stop for its tracer: it runs them before it does.
 */
bool cr_shim_current_is_busy(void)
{
	struct pt_regs *regs = task_pt_regs(current);

	return ((long)regs->orig_ax >= 0 && (long)regs->ax == -ENOSYS) ||
	       cr_shim_trace_is_near();
}

void cr_shim_work_init(struct callback_head *work, task_work_func_t func)
{
	init_task_work(work, func);
}

/* With @wake an interruptible sleep ends; without, it goes on. */
int cr_shim_work_add(struct task_struct *t, struct callback_head *work,
		     bool wake)
{
	return task_work_add(t, work, wake ? TWA_SIGNAL : TWA_RESUME);
}

bool cr_shim_work_cancel(struct task_struct *t, struct callback_head *work)
{
	return task_work_cancel(t, work);
}

/* Is @work the last of those of the current task that are being run? */
bool cr_shim_work_is_last(const struct callback_head *work)
{
	return !work->next;
}

void cr_shim_completion_init(struct completion *c)
{
	init_completion(c);
}

/* -ERESTARTSYS when the current task is being killed. */
int cr_shim_completion_wait(struct completion *c)
{
	cr_shim_debug_wait();
	return wait_for_completion_killable(c);
}

/* 0 on time-out, -ERESTARTSYS when the current task is being killed. */
long cr_shim_completion_wait_timeout(struct completion *c, unsigned int ms)
{
	return wait_for_completion_killable_timeout(c, msecs_to_jiffies(ms));
}

void cr_shim_completion_all(struct completion *c)
{
	complete_all(c);
}

bool cr_shim_fatal_pending(void)
{
	return fatal_signal_pending(current);
}

void cr_shim_nap(unsigned int us)
{
	usleep_range(us, us * 2);
}

/* False when the module is on its way out. */
bool cr_shim_module_get(void)
{
	return try_module_get(THIS_MODULE);
}

void cr_shim_module_put(void)
{
	module_put(THIS_MODULE);
}

/*
 * A task that drops the last reference to the module still executes a few
 * instructions of it. Tasks RCU waits until each has left them.
 */
void cr_shim_wait_for_callbacks(void)
{
	/* Tracks of memory that has gone, which have held the module until now. */
	mmu_notifier_synchronize();
	synchronize_rcu_tasks();
}

u64 cr_shim_ktime_ns(void)
{
	return ktime_get_ns();
}

u64 cr_shim_tick_ns(void)
{
	return TICK_NSEC;
}

u64 cr_shim_realtime_ns(void)
{
	return ktime_get_real_ns();
}

u32 cr_shim_crc32c(u32 seed, const void *buf, size_t len)
{
	return ~crc32c(~seed, buf, len);
}

const char *cr_shim_running_release(void)
{
	return init_uts_ns.name.release;
}

int cr_shim_dead(struct task_struct *t)
{
	return READ_ONCE(t->exit_state);
}

/*
 * Has @t exited, and is released, or waits for somebody: its parent, as leaders
 * do, or its tracer? Others vanish, and soon.
 */
bool cr_shim_gone(struct task_struct *t)
{
	if (!pid_alive(t))
		return true;
	return READ_ONCE(t->exit_state) & EXIT_ZOMBIE &&
	       (thread_group_leader(t) || t->ptrace);
}

/* Does the thread group of @t exit, or has it? */
bool cr_shim_group_dying(struct task_struct *t)
{
	return READ_ONCE(t->signal->flags) & SIGNAL_GROUP_EXIT;
}

/* The last thread of an init ends its pid namespace before it goes. */
bool cr_shim_group_dead(struct task_struct *t)
{
	return READ_ONCE(t->exit_state) && thread_group_empty(t);
}

struct task_struct *cr_shim_current(void)
{
	return get_task_struct(current);
}

/* Identities of the current task's namespaces: mount, UTS, IPC. */
void cr_shim_current_ns(u64 *ns)
{
	ns[0] = (unsigned long)current->nsproxy->mnt_ns;
	ns[1] = (unsigned long)current->nsproxy->uts_ns;
	ns[2] = (unsigned long)current->nsproxy->ipc_ns;
}
