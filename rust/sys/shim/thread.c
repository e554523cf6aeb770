// SPDX-License-Identifier: GPL-2.0
/* What belongs to a process and to a thread, and interrupted system calls. */

#include <linux/futex.h>
#include <linux/hrtimer.h>
#include <linux/posix-timers.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/seccomp.h>
#include <linux/sched/task_stack.h>
#include <linux/time_namespace.h>
#include <linux/timekeeping.h>
#include <linux/unistd.h>
#include <asm/unistd_32_ia32.h>

#include "shim.h"

static u64 cpu_timer_left(struct signal_struct *sig, int which)
{
	struct task_cputime_atomic *now = &sig->cputimer.cputime_atomic;
	u64 at = atomic64_read(&now->utime);

	if (which == CPUCLOCK_PROF)
		at += atomic64_read(&now->stime);
	if (!sig->it[which].expires)
		return 0;
	/* A timer that is due fires with the next tick. */
	return sig->it[which].expires > at ? sig->it[which].expires - at :
					     TICK_NSEC;
}

/* Limits, which a zombie has as well. */
void cr_shim_limits_read(struct task_struct *t, struct cr_img_process *out)
{
	struct signal_struct *sig = t->signal;
	int i;

	BUILD_BUG_ON(CR_NR_RLIMITS != RLIM_NLIMITS);

	task_lock(t->group_leader);
	for (i = 0; i < RLIM_NLIMITS; i++) {
		out->rlimit[i].cur = sig->rlim[i].rlim_cur;
		out->rlimit[i].max = sig->rlim[i].rlim_max;
	}
	task_unlock(t->group_leader);
	out->oom_score_adj = sig->oom_score_adj;
	out->oom_score_adj_min = sig->oom_score_adj_min;
}

/* The stop that the thread group of @t is in. Caller holds the siglock. */
static void stop_read(struct task_struct *t, struct cr_img_process *out)
{
	struct signal_struct *sig = t->signal;

	/* Who is traced may run meanwhile. */
	if (t->jobctl & (JOBCTL_STOPPED | JOBCTL_STOP_PENDING) ||
	    (t->ptrace && sig->flags & SIGNAL_STOP_STOPPED))
		out->stop_signal = t->jobctl & JOBCTL_STOP_SIGMASK;
	if (!(sig->flags & SIGNAL_STOP_STOPPED))
		return;
	out->flags |= CR_PROCESS_STOPPED;
	if (!sig->group_exit_code)
		out->flags |= CR_PROCESS_STOP_WAITED;
}

/* The other part of @out that belongs to the signal_struct. @t is alive. */
void cr_shim_process_read(struct task_struct *t, struct cr_img_process *out)
{
	unsigned long flags;
	struct signal_struct *sig = t->signal;
	ktime_t left;

#ifdef CONFIG_AUDIT
	out->audit_tty = READ_ONCE(sig->audit_tty);
#endif
	if (sig->is_child_subreaper)
		out->flags |= CR_PROCESS_SUBREAPER;
	if (sig->has_child_subreaper)
		out->flags |= CR_PROCESS_HAS_SUBREAPER;
	if (!(t->group_leader->flags & PF_FORKNOEXEC))
		out->flags |= CR_PROCESS_EXECED;
	if (sig->flags & SIGNAL_STOP_CONTINUED)
		out->flags |= CR_PROCESS_CONTINUED;
	/* Its tracer has stopped it at the beginning of do_exit(). */
	if (sig->flags & SIGNAL_GROUP_EXIT && t->flags & PF_POSTCOREDUMP &&
	    task_is_traced(t)) {
		out->flags |= CR_PROCESS_EXITS;
		out->exit_code = sig->group_exit_code;
		if (sigismember(&sig->shared_pending.signal, SIGKILL))
			out->flags |= CR_PROCESS_KILLED;
	}

	/* Of a task that has been killed meanwhile, nothing is used. */
	if (!lock_task_sighand(t, &flags))
		return;
	stop_read(t, out);
	if (hrtimer_active(&sig->real_timer)) {
		left = __hrtimer_get_remaining(&sig->real_timer, true);
		/* A timer that is due is about to fire: never show it as off. */
		out->itimer[ITIMER_REAL].value_ns = max_t(s64, left, 1000);
	} else {
		/* It is armed again when its signal is delivered. */
		out->itimer[ITIMER_REAL].value_ns = sig->it_real_incr;
	}
	out->itimer[ITIMER_REAL].interval_ns = sig->it_real_incr;
	out->itimer[ITIMER_VIRTUAL].value_ns = cpu_timer_left(sig, CPUCLOCK_VIRT);
	out->itimer[ITIMER_VIRTUAL].interval_ns = sig->it[CPUCLOCK_VIRT].incr;
	out->itimer[ITIMER_PROF].value_ns = cpu_timer_left(sig, CPUCLOCK_PROF);
	out->itimer[ITIMER_PROF].interval_ns = sig->it[CPUCLOCK_PROF].incr;
	unlock_task_sighand(t, &flags);
}

static ktime_t clock_now(clockid_t clock)
{
	switch (clock) {
	case CLOCK_REALTIME:
		return ktime_get_real();
	case CLOCK_BOOTTIME:
		return ktime_get_boottime();
	case CLOCK_TAI:
		return ktime_get_clocktai();
	default:
		return ktime_get();
	}
}

static u64 time_left(clockid_t clock, ktime_t expires)
{
	return max_t(s64, ktime_sub(expires, clock_now(clock)), 0);
}

/* kernel/time/hrtimer.c, kernel/futex/waitwake.c, fs/select.c */
extern long hrtimer_nanosleep_restart(struct restart_block *restart);
extern long futex_wait_restart(struct restart_block *restart);
extern long do_restart_poll(struct restart_block *restart);
/* kernel/time/posix-cpu-timers.c */
extern long posix_cpu_nsleep_restart(struct restart_block *restart);

/* kernel/futex/futex.h */
#define FUTEX_FLAGS_SIZE_32	0x0002
#define FUTEX_FLAGS_SHARED	0x0010
#define FUTEX_FLAGS_CLOCKRT	0x0020
#define FUTEX_FLAGS_HAS_TIMEOUT	0x0040
#define FUTEX_FLAGS_KNOWN	0x0072

static int restart_block_read(struct task_struct *t, struct cr_img_thread *out)
{
	struct restart_block *rb = &t->restart_block;
	const struct pt_regs *regs = task_pt_regs(t);
	/*
	 * The kernel may have gone on with the call already: then the thread
	 * is about to issue restart_syscall(2), or has the same number there
	 * for another reason, and what is saved does no harm. Or its tracer has
	 * stopped it at the beginning of that.
	 */
	bool compat = rb->arch_data & TS_COMPAT;
	unsigned long nr = compat ? __NR_ia32_restart_syscall :
				    __NR_restart_syscall;
	bool issues_it = regs->ax == nr ||
			 (regs->orig_ax == nr && (long)regs->ax == -ENOSYS);

	if (cr_shim_rest_time(t, &out->restart_ns)) {
		out->restart_kind = CR_RESTART_WAIT;
		return 0;
	}
	if (!issues_it && (regs->ax != -ERESTART_RESTARTBLOCK ||
			   (long)regs->orig_ax < 0))
		return 0;

	if (compat)
		out->flags |= CR_THREAD_COMPAT_CALL;
	if (rb->fn == hrtimer_nanosleep_restart) {
		out->restart_kind = CR_RESTART_NANOSLEEP;
		out->restart_arg[0] = rb->nanosleep.clockid;
		out->restart_arg[1] = (unsigned long)rb->nanosleep.rmtp;
		out->restart_arg[2] = rb->nanosleep.type;
		out->restart_ns = time_left(rb->nanosleep.clockid,
					    rb->nanosleep.expires);
		return 0;
	}
	if (rb->fn == posix_cpu_nsleep_restart) {
		out->restart_kind = CR_RESTART_CPU_NANOSLEEP;
		out->restart_arg[0] = (u32)rb->nanosleep.clockid;
		out->restart_arg[1] = (unsigned long)rb->nanosleep.rmtp;
		out->restart_arg[2] = rb->nanosleep.type;
		out->restart_arg[3] = rb->nanosleep.expires;
		return 0;
	}
	if (rb->fn == futex_wait_restart) {
		out->restart_kind = CR_RESTART_FUTEX;
		out->restart_arg[0] = (unsigned long)rb->futex.uaddr;
		out->restart_arg[1] = rb->futex.val;
		out->restart_arg[2] = rb->futex.flags;
		out->restart_arg[3] = rb->futex.bitset;
		out->restart_arg[4] = !!(rb->futex.flags & FUTEX_FLAGS_HAS_TIMEOUT);
		if (rb->futex.flags & FUTEX_FLAGS_HAS_TIMEOUT)
			out->restart_ns =
				time_left(rb->futex.flags & FUTEX_FLAGS_CLOCKRT ?
					  CLOCK_REALTIME : CLOCK_MONOTONIC,
					  rb->futex.time);
		return rb->futex.flags & ~FUTEX_FLAGS_KNOWN ? -EOPNOTSUPP : 0;
	}
	if (rb->fn == do_restart_poll) {
		out->restart_kind = CR_RESTART_POLL;
		out->restart_arg[0] = (unsigned long)rb->poll.ufds;
		out->restart_arg[1] = rb->poll.nfds;
		out->restart_arg[2] = rb->poll.has_timeout;
		if (rb->poll.has_timeout)
			out->restart_ns =
				time_left(CLOCK_MONOTONIC,
					  timespec64_to_ktime(rb->poll.end_time));
		return 0;
	}
	return issues_it ? 0 : -EOPNOTSUPP;
}

static bool fits_time(const struct cr_img_thread *in)
{
	u64 most = in->flags & CR_THREAD_COMPAT_CALL ? TT_COMPAT : TT_NATIVE;

	return in->restart_arg[2] <= most;
}

static int restart_block_set(const struct cr_img_thread *in)
{
	struct restart_block *rb = &current->restart_block;
	clockid_t clock = in->restart_arg[0];

	switch (in->restart_kind) {
	case CR_RESTART_NANOSLEEP:
		if (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC &&
		    clock != CLOCK_BOOTTIME && clock != CLOCK_TAI)
			return -EINVAL;
		if (!fits_time(in))
			return -EINVAL;
		rb->nanosleep.clockid = clock;
		rb->nanosleep.rmtp = (void __user *)in->restart_arg[1];
		rb->nanosleep.type = in->restart_arg[2];
		rb->nanosleep.expires = ktime_add_safe(clock_now(clock),
						       in->restart_ns);
		set_restart_fn(rb, hrtimer_nanosleep_restart);
		return 0;
	case CR_RESTART_CPU_NANOSLEEP:
		/* Whose clock it is will be looked up when the call goes on. */
		if (clock >= 0 || !fits_time(in))
			return -EINVAL;
		rb->nanosleep.clockid = clock;
		rb->nanosleep.rmtp = (void __user *)in->restart_arg[1];
		rb->nanosleep.type = in->restart_arg[2];
		rb->nanosleep.expires = in->restart_arg[3];
		set_restart_fn(rb, posix_cpu_nsleep_restart);
		return 0;
	case CR_RESTART_FUTEX:
		if (in->restart_arg[2] & ~FUTEX_FLAGS_KNOWN ||
		    !(in->restart_arg[2] & FUTEX_FLAGS_SIZE_32) ||
		    !in->restart_arg[3] || in->restart_arg[4] !=
		    !!(in->restart_arg[2] & FUTEX_FLAGS_HAS_TIMEOUT))
			return -EINVAL;
		rb->futex.uaddr = (void __user *)in->restart_arg[0];
		rb->futex.val = in->restart_arg[1];
		rb->futex.flags = in->restart_arg[2];
		rb->futex.bitset = in->restart_arg[3];
		clock = rb->futex.flags & FUTEX_FLAGS_CLOCKRT ?
			CLOCK_REALTIME : CLOCK_MONOTONIC;
		rb->futex.time = ktime_add_safe(clock_now(clock), in->restart_ns);
		set_restart_fn(rb, futex_wait_restart);
		return 0;
	case CR_RESTART_POLL:
		if (in->restart_arg[1] > INT_MAX || in->restart_arg[2] > 1)
			return -EINVAL;
		rb->poll.ufds = (void __user *)in->restart_arg[0];
		rb->poll.nfds = in->restart_arg[1];
		rb->poll.has_timeout = in->restart_arg[2];
		rb->poll.end_time =
			ktime_to_timespec64(ktime_add_safe(ktime_get(),
							   in->restart_ns));
		set_restart_fn(rb, do_restart_poll);
		return 0;
	case CR_RESTART_NONE:
	case CR_RESTART_SELECT:
	case CR_RESTART_WAIT:
	case CR_RESTART_VFORK:
		return 0;
	default:
		return -EINVAL;
	}
}

/*
 * Put back what restart_block_read() found, in the current task. The values
 * come from an image: refuse what the functions behind would trip over. -ENOSYS: this
 * machine has no system calls of 32-bit programs, and it was in one.
 */
int cr_shim_restart_block(const struct cr_img_thread *in)
{
	bool compat = in->flags & CR_THREAD_COMPAT_CALL;
	int err;

	if (compat && !cr_shim_runs_compat())
		return -ENOSYS;
	/* By that the kernel knows which restart_syscall(2) it is to be. */
	if (compat)
		current_thread_info()->status |= TS_COMPAT;
	err = restart_block_set(in);
	if (compat)
		current_thread_info()->status &= ~TS_COMPAT;
	return err;
}

/* Returns -EOPNOTSUPP for a restart block that is not known. */
static int thread_read(struct task_struct *t, struct cr_img_thread *out)
{
	unsigned long flags;

	get_task_comm(*(char (*)[TASK_COMM_LEN])out->comm, t);

	if (!lock_task_sighand(t, &flags))
		return -ESRCH;
	/* rt_sigtimedwait(2) unblocks for a while what it waits for. */
	out->blocked = sigisemptyset(&t->real_blocked) ? t->blocked.sig[0] :
							 t->real_blocked.sig[0];
	out->saved_sigmask = t->saved_sigmask.sig[0];
	if (test_tsk_restore_sigmask(t))
		out->flags |= CR_THREAD_RESTORE_SIGMASK;
	if (t->jobctl & JOBCTL_STOP_PENDING && t->jobctl & JOBCTL_STOP_CONSUME)
		out->flags |= CR_THREAD_STOPPING;
	unlock_task_sighand(t, &flags);

	out->altstack_sp = t->sas_ss_sp;
	out->altstack_size = t->sas_ss_size;
	out->altstack_flags = t->sas_ss_flags;
	out->robust_list = (unsigned long)t->futex.robust_list;
#ifdef CONFIG_COMPAT
	out->compat_robust_list = (unsigned long)t->futex.compat_robust_list;
#endif
	out->clear_child_tid = (unsigned long)t->clear_child_tid;
#ifdef CONFIG_RSEQ
	/* When its tracer hears of a new program, that of the old one is still there. */
	if (!t->in_execve) {
		out->rseq = (unsigned long)t->rseq.usrptr;
		out->rseq_len = t->rseq.len;
		out->rseq_sig = t->rseq.sig;
	}
#endif
	out->fault[0] = t->thread.trap_nr;
	out->fault[1] = t->thread.error_code;
	out->fault[2] = t->thread.cr2;
	out->timer_slack_ns = t->timer_slack_ns;
	out->default_timer_slack_ns = t->default_timer_slack_ns;
	out->policy = t->policy;
	out->nice = task_nice(t);
	out->pdeath_signal = t->pdeath_signal;
	out->personality = t->personality;
	if (t->flags & PF_NPROC_EXCEEDED)
		out->flags |= CR_THREAD_NPROC_EXCEEDED;
	if (task_no_new_privs(t))
		out->flags |= CR_THREAD_NO_NEW_PRIVS;
	if (t->seccomp.mode == SECCOMP_MODE_STRICT)
		out->flags |= CR_THREAD_SECCOMP_STRICT;
	if ((long)task_pt_regs(t)->orig_ax >= 0)
		out->flags |= CR_THREAD_IN_SYSCALL;
	if (cr_shim_in_compat_call(t))
		out->flags |= CR_THREAD_COMPAT_CALL;
	return restart_block_read(t, out);
}

/* -ESRCH when it has died: a sleeping task is killed although it is held. */
int cr_shim_thread_read(struct task_struct *t, struct cr_img_thread *out)
{
	int err;

	/* Its user registers are there. */
	if (!try_get_task_stack(t))
		return -ESRCH;
	err = thread_read(t, out);
	put_task_stack(t);
	return err;
}

/* What the current thread has, most of it from who has created it. */
void cr_shim_inherited_read(struct cr_shim_inherited *out)
{
	get_task_comm(*(char (*)[TASK_COMM_LEN])out->comm, current);
	out->timer_slack_ns = current->timer_slack_ns;
	out->policy = current->policy;
	out->nice = task_nice(current);
	out->personality = current->personality;
	out->no_new_privs = task_no_new_privs(current);
	out->asks_more = cr_shim_sched_asks(current);
}

/*
 * What matters of the leader of a thread group that has exited before its other
 * threads: a signal to the process that it blocks is not dropped as ignored.
 */
void cr_shim_remains_read(struct task_struct *t, struct cr_img_thread *out)
{
	unsigned long flags;

	if (!lock_task_sighand(t, &flags))
		return;
	out->blocked = t->blocked.sig[0];
	unlock_task_sighand(t, &flags);
}
