// SPDX-License-Identifier: GPL-2.0
/* Tasks that others trace by ptrace(2), and their debug registers. */

#include <linux/cred.h>
#include <linux/hw_breakpoint.h>
#include <linux/kallsyms.h>
#include <linux/perf_event.h>
#include <linux/ptrace.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/sched/task_stack.h>
#include <linux/signal.h>
#include <linux/stacktrace.h>
#include <linux/user.h>

#include "shim.h"

/* Bytes of the instruction. */
#define SYSCALL_LEN	2

/*
 * What security_capable() makes of who has attached to @t is the same for who
 * traces it: see ptracer_capable(). Caller holds the tasklist_lock.
 */
static bool has_tracers_rights(struct task_struct *t)
{
	const struct cred *cred = get_task_cred(t->parent);
	bool has = t->ptracer_cred->user_ns == cred->user_ns &&
		   cap_issubset(t->ptracer_cred->cap_effective,
				cred->cap_effective) &&
		   cap_issubset(cred->cap_effective,
				t->ptracer_cred->cap_effective);

	put_cred(cred);
	return has;
}

static int tracer_read(struct task_struct *t, struct pid_namespace *ns,
		       struct cr_img_trace *out)
{
	struct task_struct *p;
	int err = 0;

	read_lock(&tasklist_lock);
	if (t->ptrace) {
		out->tracer = task_pid_nr_ns(t->parent, ns);
		if (!out->tracer)
			err = -EXDEV;
		else if (!has_tracers_rights(t))
			err = -EPERM;
		list_for_each_entry(p, &t->parent->ptraced, ptrace_entry) {
			if (p == t)
				break;
			out->position++;
		}
		out->options = t->ptrace >> PT_OPT_FLAG_SHIFT & PTRACE_O_MASK;
		if (t->ptrace & PT_SEIZED)
			out->flags |= CR_TRACE_SEIZED;
	}
	read_unlock(&tasklist_lock);
	return err;
}

/* Caller holds the siglock. */
static void stop_read(struct task_struct *t, struct cr_img_trace *out)
{
	if (t->jobctl & JOBCTL_TRAP_STOP)
		out->flags |= CR_TRACE_TRAP_STOP;
	if (t->jobctl & JOBCTL_TRAP_NOTIFY)
		out->flags |= CR_TRACE_TRAP_NOTIFY;
	if (!task_is_traced(t))
		return;
	if (t->jobctl & JOBCTL_STOP_DEQUEUED)
		out->flags |= CR_TRACE_STOP_DEQUEUED;
	if (t->jobctl & JOBCTL_LISTENING)
		out->flags |= CR_TRACE_LISTENS;
	/* Of the stop of its process, one that was not seized has no siginfo. */
	out->stop = t->last_siginfo ? CR_TRACE_IN_SIGNAL : CR_TRACE_IN_STOP;
	out->status = t->exit_code;
	out->message = t->ptrace_message;
	if (t->last_siginfo)
		copy_siginfo_to_external((siginfo_t *)out->siginfo,
					 t->last_siginfo);
}

/*
 * A stop of the thread group that has begun, or ended, and not everybody has been told.
 * In one that is complete, the stop of a thread of it, or a new one, is by that signal.
 */
static bool in_unsettled_stop(struct task_struct *t)
{
	struct signal_struct *sig = t->signal;
	u32 signal = t->jobctl & JOBCTL_STOP_SIGMASK;

	if (sig->group_stop_count || sig->flags & SIGNAL_CLD_MASK ||
	    t->jobctl & JOBCTL_STOP_PENDING)
		return true;
	if (!(sig->flags & SIGNAL_STOP_STOPPED))
		return task_is_traced(t) && !t->last_siginfo;
	return !sig_kernel_stop(signal) ||
	       (sig->group_exit_code && sig->group_exit_code != signal);
}

/* See cr_shim_trace_stop(). Not a stop signal, nor one that anybody sends. */
static int carrier_for(struct task_struct *t)
{
	u64 taken = t->pending.signal.sig[0] | sigmask(SIGKILL) |
		    sigmask(SIGSTOP) | sigmask(SIGTSTP) | sigmask(SIGTTIN) |
		    sigmask(SIGTTOU) | sigmask(SIGCONT);

	if (!(taken & sigmask(SIGSTKFLT)))
		return SIGSTKFLT;
	return ~taken ? __ffs64(~taken) + 1 : 0;
}

/*
 * Who traces @t, and how. No tracer: none does. If it is in a stop, the kind of
 * that is left to the caller.
 *
 * -EXDEV: the tracer is not in @ns. -EPERM: it had other rights when it has
 * attached. -EBUSY: its process is being stopped or continued. -EUSERS: all signals
 * wait for it.
 */
int cr_shim_trace_read(struct task_struct *t, struct pid_namespace *ns,
		       struct cr_img_trace *out)
{
	unsigned long flags;
	int err;

	BUILD_BUG_ON(sizeof(out->siginfo) != sizeof(siginfo_t));
	BUILD_BUG_ON(CR_TRACE_OPTIONS != (PTRACE_O_MASK & ~PTRACE_O_SUSPEND_SECCOMP));

	memset(out, 0, sizeof(*out));
	err = tracer_read(t, ns, out);
	if (err || !out->tracer)
		return err;
	if (test_tsk_thread_flag(t, TIF_SINGLESTEP))
		out->flags |= CR_TRACE_SINGLE_STEP;
	if (test_tsk_thread_flag(t, TIF_FORCED_TF))
		out->flags |= CR_TRACE_FORCED_TF;
	if (test_task_syscall_work(t, SYSCALL_EXIT_TRAP))
		out->flags |= CR_TRACE_STEP_OUT;
	if (test_task_syscall_work(t, SYSCALL_TRACE))
		out->flags |= CR_TRACE_SYSCALLS;
	/* Of a task that has been killed meanwhile, nothing is used. */
	if (!lock_task_sighand(t, &flags))
		return 0;
	stop_read(t, out);
	if (in_unsettled_stop(t))
		err = -EBUSY;
	else if (!carrier_for(t))
		err = -EUSERS;
	unlock_task_sighand(t, &flags);
	return err;
}

/* The thread group of @t, which is traced and parked, has been stopped by @signal. */
void cr_shim_trace_note_stop(struct task_struct *t, u32 signal)
{
	unsigned long flags;

	if (!lock_task_sighand(t, &flags))
		return;
	/* As in task_set_jobctl_pending(). */
	t->jobctl &= ~JOBCTL_STOP_SIGMASK;
	t->jobctl |= signal;
	unlock_task_sighand(t, &flags);
}

/*
 * @tracer traces @t, as the image says. Both are parked.
 *
 * ptrace(2) would stop @t, tell its tracer, and want the rights that this one
 * may have had only once.
 */
int cr_shim_trace_link(struct task_struct *t, struct task_struct *tracer,
		       const struct cr_img_trace *in)
{
	const struct cred *cred = get_task_cred(tracer);
	int err = -ESRCH;

	write_lock_irq(&tasklist_lock);
	if (t->ptrace || same_thread_group(t, tracer)) {
		err = -EPERM;
	} else if (!t->exit_state && !tracer->exit_state &&
		   !((t->flags | tracer->flags) & PF_EXITING)) {
		t->ptrace = PT_PTRACED | in->options << PT_OPT_FLAG_SHIFT;
		if (in->flags & CR_TRACE_SEIZED)
			t->ptrace |= PT_SEIZED;
		__ptrace_link(t, tracer, cred);
		err = 0;
	}
	write_unlock_irq(&tasklist_lock);
	put_cred(cred);
	return err;
}

static bool begins_call(const struct cr_img_trace *in)
{
	return in->stop == CR_TRACE_BEFORE_CALL || in->stop == CR_TRACE_IN_FILTER;
}

/* How the tracer of @t, which is parked with all of its registers, lets it go. */
void cr_shim_trace_resume(struct task_struct *t, const struct cr_img_trace *in)
{
	struct pt_regs *regs = task_pt_regs(t);

	if (in->flags & CR_TRACE_SINGLE_STEP)
		set_tsk_thread_flag(t, TIF_SINGLESTEP);
	if (in->flags & CR_TRACE_FORCED_TF) {
		set_tsk_thread_flag(t, TIF_FORCED_TF);
		regs->flags |= X86_EFLAGS_TF;
	}
	if (in->flags & CR_TRACE_STEP_OUT)
		set_task_syscall_work(t, SYSCALL_EXIT_TRAP);
	if (in->flags & CR_TRACE_SYSCALLS)
		set_task_syscall_work(t, SYSCALL_TRACE);
	/* Seccomp comes after that. */
	if (in->stop == CR_TRACE_IN_FILTER)
		clear_task_syscall_work(t, SYSCALL_TRACE);
	/* The call is issued again, and the kernel stops it there again. */
	if (begins_call(in) && regs->ip >= SYSCALL_LEN) {
		regs->ip -= SYSCALL_LEN;
		regs->ax = regs->orig_ax;
		regs->orig_ax = -1;
	}
}

/* Caller holds the siglock. */
static void set_traps(struct task_struct *t, const struct cr_img_trace *in)
{
	if (in->flags & CR_TRACE_TRAP_STOP)
		t->jobctl |= JOBCTL_TRAP_STOP;
	if (in->flags & CR_TRACE_TRAP_NOTIFY)
		t->jobctl |= JOBCTL_TRAP_NOTIFY;
}

/*
 * Lets @t, which is parked, enter the stop that it was in before it returns to
 * user mode. Which signal takes it there is not important, as long as it comes
 * before those that wait: cr_shim_trace_stopped() makes it the right one.
 */
void cr_shim_trace_stop(struct task_struct *t, const struct cr_img_trace *in)
{
	unsigned long flags;
	int carrier;

	if (!lock_task_sighand(t, &flags))
		return;
	switch (in->stop) {
	case CR_TRACE_IN_SIGNAL:
		carrier = carrier_for(t);
		if (!carrier)
			break;
		/* As PTRACE_SETSIGMASK does it with a task that is stopped. */
		siginitsetinv(&t->blocked, sigmask(carrier) | sigmask(SIGKILL));
		/* One without a siginfo: see collect_signal(). */
		sigaddset(&t->pending.signal, carrier);
		break;
	case CR_TRACE_IN_INTERRUPT:
	case CR_TRACE_IN_STOP:
		t->jobctl |= JOBCTL_TRAP_STOP;
		break;
	case CR_TRACE_BEFORE_CALL:
	case CR_TRACE_IN_FILTER:
		/* Those that wait come after the call. */
		siginitsetinv(&t->blocked, sigmask(SIGKILL));
		break;
	case CR_TRACE_RUNS:
		set_traps(t, in);
		break;
	}
	if (in->stop != CR_TRACE_RUNS || t->jobctl & JOBCTL_TRAP_MASK)
		set_tsk_thread_flag(t, TIF_SIGPENDING);
	unlock_task_sighand(t, &flags);
}

/*
 * When @t has stopped for its tracer: what that one is to see of it. False as
 * long as it has not.
 */
bool cr_shim_trace_stopped(struct task_struct *t, const struct cr_img_trace *in,
			   u64 blocked)
{
	unsigned long flags;

	if (!wait_task_inactive(t, __TASK_TRACED))
		return false;
	/* If it has been killed meanwhile, it has left all of this behind. */
	if (!lock_task_sighand(t, &flags))
		return true;
	siginitset(&t->blocked, blocked);
	if (task_is_traced(t)) {
		t->exit_code = in->status;
		t->ptrace_message = in->message;
		/* As PTRACE_SETSIGINFO. */
		if (t->last_siginfo)
			memcpy(t->last_siginfo, in->siginfo,
			       sizeof(*t->last_siginfo));
		if (!(in->flags & CR_TRACE_STOP_DEQUEUED))
			t->jobctl &= ~JOBCTL_STOP_DEQUEUED;
		if (in->flags & CR_TRACE_LISTENS)
			t->jobctl |= JOBCTL_LISTENING;
		set_traps(t, in);
		if (in->flags & CR_TRACE_SYSCALLS)
			set_task_syscall_work(t, SYSCALL_TRACE);
	}
	unlock_task_sighand(t, &flags);
	return true;
}

/* The end of the system call that the current task is in, if its tracer waits for that. */
void cr_shim_trace_end_call(void)
{
	bool step = test_task_syscall_work(current, SYSCALL_EXIT_TRAP);

	if (step || test_task_syscall_work(current, SYSCALL_TRACE))
		ptrace_report_syscall_exit(task_pt_regs(current), step);
}

/* PTRACE_EVENT_* */
static int event_of(const struct cr_img_trace *in)
{
	return ((const siginfo_t *)in->siginfo)->si_code >> 8 & 0xff;
}

/*
 * The current task, on its way to user mode, stops for its tracer in the system call that
 * it comes from, as it was.
 */
void cr_shim_trace_in_call(const struct cr_img_trace *in)
{
	if (in->stop == CR_TRACE_AFTER_CALL)
		ptrace_report_syscall_exit(task_pt_regs(current), false);
	else if (in->stop == CR_TRACE_IN_EVENT)
		ptrace_notify(event_of(in) << 8 | SIGTRAP, in->message);
}

/* If that is a vfork(2), the child has gone meanwhile: the tracer may want to know. */
void cr_shim_trace_vfork_done(const struct cr_img_trace *in)
{
	if (in->stop == CR_TRACE_IN_EVENT && event_of(in) == PTRACE_EVENT_VFORK &&
	    !fatal_signal_pending(current))
		ptrace_event(PTRACE_EVENT_VFORK_DONE, in->message);
}

/* That call ends, if it had not yet. */
void cr_shim_trace_return(const struct cr_img_trace *in)
{
	if (in->stop != CR_TRACE_IN_EVENT)
		return;
	task_pt_regs(current)->ax =
		event_of(in) == PTRACE_EVENT_EXEC ? 0 : in->message;
	cr_shim_trace_end_call();
}

/* Does a tracer want to know when the system call ends that @t is in? */
bool cr_shim_trace_waits(struct task_struct *t)
{
	return READ_ONCE(t->ptrace) && test_task_syscall_work(t, SYSCALL_TRACE);
}

/* Is the process of @t not to be told about stops? Returns whether it was. */
bool cr_shim_set_nocldstop(struct task_struct *t, bool set)
{
	unsigned long flags, *sa_flags;
	bool was;

	if (!lock_task_sighand(t, &flags))
		return false;
	sa_flags = &t->sighand->action[SIGCHLD - 1].sa.sa_flags;
	was = *sa_flags & SA_NOCLDSTOP;
	*sa_flags &= ~SA_NOCLDSTOP;
	if (set)
		*sa_flags |= SA_NOCLDSTOP;
	unlock_task_sighand(t, &flags);
	return was;
}

/*
 * All threads of the group of @t exit: with @code, whatever they say themselves, and
 * maybe since it was @killed.
 */
void cr_shim_trace_group_exit(struct task_struct *t, u32 code, bool killed)
{
	unsigned long flags;

	if (!lock_task_sighand(t, &flags))
		return;
	/* As in do_group_exit(). */
	if (!(t->signal->flags & SIGNAL_GROUP_EXIT)) {
		t->signal->flags = SIGNAL_GROUP_EXIT;
		t->signal->group_exit_code = code;
		if (killed)
			sigaddset(&t->signal->shared_pending.signal, SIGKILL);
	}
	unlock_task_sighand(t, &flags);
}

/* For a stop by a tracer: see cr_shim_stop_stamp(). */
unsigned long cr_shim_trace_stamp(struct task_struct *t)
{
	return READ_ONCE(t->__state) & __TASK_TRACED ?
	       wait_task_inactive(t, __TASK_TRACED) : 0;
}

/* As ptrace_get_debugreg(), of a task that stands still. */
void cr_shim_debugregs_read(struct task_struct *t, struct cr_img_debugregs *out)
{
	struct thread_struct *thread = &t->thread;
	int i;

	BUILD_BUG_ON(CR_NR_BREAKPOINTS != HBP_NUM);

	memset(out, 0, sizeof(*out));
	for (i = 0; i < HBP_NUM; i++) {
		struct perf_event *bp = thread->ptrace_bps[i];

		if (!bp)
			continue;
		out->breakpoints |= BIT(i);
		out->address[i] = counter_arch_bp(bp)->address;
	}
	out->status = thread->virtual_dr6;
	out->control = thread->ptrace_dr7;
}

#define DEBUGREG(n) (offsetof(struct user, u_debugreg) + (n) * sizeof(long))

/* Of @t, which is parked and has none. */
int cr_shim_debugregs_write(struct task_struct *t,
			    const struct cr_img_debugregs *in)
{
	int i, err = 0;

	for (i = 0; i < HBP_NUM && !err; i++)
		if (in->breakpoints & BIT(i))
			err = arch_ptrace(t, PTRACE_POKEUSR, DEBUGREG(i),
					  in->address[i]);
	if (in->breakpoints && !err)
		err = arch_ptrace(t, PTRACE_POKEUSR, DEBUGREG(7), in->control);
	/* A child has its parent's control register, and none of its breakpoints. */
	t->thread.ptrace_dr7 = in->control;
	t->thread.virtual_dr6 = in->status;
	return err;
}

/* Does @t have perf events other than those of its debug registers? */
bool cr_shim_has_perf_events(struct task_struct *t)
{
	struct perf_event_context *ctx;
	int i, nr = 0;
	bool has;

	for (i = 0; i < HBP_NUM; i++)
		nr += !!t->thread.ptrace_bps[i];
	rcu_read_lock();
	ctx = READ_ONCE(t->perf_event_ctxp);
	/* All that @t has ever had leave an empty one behind. */
	has = ctx && READ_ONCE(ctx->nr_events) != nr;
	rcu_read_unlock();
	return has;
}

/*
 * Is the current task, which runs its works, about to stop for its tracer, at a system
 * call or an event? Nothing but its stack says so.
 */
bool cr_shim_trace_is_near(void)
{
	unsigned long callers[24];
	char name[KSYM_SYMBOL_LEN];
	unsigned int i, nr;

	if (!READ_ONCE(current->ptrace))
		return false;
	nr = stack_trace_save(callers, ARRAY_SIZE(callers), 1);
	for (i = 0; i < nr; i++) {
		sprint_symbol_no_offset(name, callers[i]);
		if (!strcmp(name, "ptrace_notify"))
			return true;
	}
	return false;
}
