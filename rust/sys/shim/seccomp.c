// SPDX-License-Identifier: GPL-2.0
/*
 * Restrictions of system calls. ptrace(2) shows the filters of a task, but not
 * which of them it shares with others, so this reads struct seccomp_filter,
 * which Kbuild takes from the kernel's own source.
 */

#include <linux/filter.h>
#include <linux/sched/signal.h>
#include <linux/seccomp.h>
#include <asm/unistd_32_ia32.h>
#include <asm/unistd_64.h>

#include "shim.h"
#include "seccomp_types.h"

/* Caller holds the siglock of @t, which keeps its filters. */
static u32 count(struct task_struct *t)
{
	u32 nr = 0;

	for (struct seccomp_filter *f = t->seccomp.filter; f; f = f->prev)
		nr++;
	return nr;
}

/* The filter that was the @depth'th one to come, starting at 1. The same. */
static struct seccomp_filter *find(struct task_struct *t, u32 depth)
{
	struct seccomp_filter *f = t->seccomp.filter;

	for (u32 nr = count(t); nr > depth; nr--)
		f = f->prev;
	return depth ? f : NULL;
}

/* How many filters @t has, and the identities of as many as fit, newest first. */
u32 cr_shim_seccomp_read(struct task_struct *t, u64 *identities, u32 max)
{
	unsigned long flags;
	u32 nr = 0;

	/* Of a task that has been killed meanwhile, nothing is used. */
	if (!lock_task_sighand(t, &flags))
		return 0;
	for (struct seccomp_filter *f = t->seccomp.filter; f; f = f->prev) {
		if (nr < max)
			identities[nr] = (unsigned long)f;
		nr++;
	}
	unlock_task_sighand(t, &flags);
	return nr;
}

/*
 * The program of the @depth'th filter: returns how many instructions it has, of
 * which at most @max are copied. -EOPNOTSUPP: somebody is asked about system
 * calls by it. -ESRCH: there is none, since @t has died.
 */
int cr_shim_seccomp_program(struct task_struct *t, u32 depth,
			    struct cr_img_seccomp *out, u64 *insns, u32 max)
{
	const struct sock_fprog_kern *program;
	struct seccomp_filter *f;
	unsigned long flags;
	int ret = -ESRCH;

	BUILD_BUG_ON(sizeof(*insns) != sizeof(struct sock_filter));
	BUILD_BUG_ON(CR_MAX_FILTER != BPF_MAXINSNS);

	if (!lock_task_sighand(t, &flags))
		return ret;
	f = find(t, depth);
	if (!f)
		goto out;
	program = f->prog->orig_prog;
	ret = -EOPNOTSUPP;
	if (!program || f->notif || f->wait_killable_recv)
		goto out;
	out->flags = f->log ? CR_SECCOMP_LOG : 0;
	ret = program->len;
	memcpy(insns, program->filter, min_t(u32, ret, max) * sizeof(*insns));
out:
	unlock_task_sighand(t, &flags);
	return ret;
}

/* What is in the cache is allowed whatever the arguments are. */
static bool allows_restart(const struct seccomp_filter *f, bool compat)
{
#ifdef SECCOMP_ARCH_COMPAT
	if (compat)
		return test_bit(__NR_ia32_restart_syscall, f->cache.allow_compat);
#endif
	return !compat && test_bit(__NR_restart_syscall, f->cache.allow_native);
}

/* Do the filters of @t let it issue a call that time-outs are continued by? */
bool cr_shim_seccomp_allows_restart(struct task_struct *t)
{
	bool allows = true, compat = cr_shim_in_compat_call(t);
	unsigned long flags;

	if (!lock_task_sighand(t, &flags))
		return true;
	if (t->seccomp.mode == SECCOMP_MODE_STRICT)
		allows = false;
	for (struct seccomp_filter *f = t->seccomp.filter; f; f = f->prev)
		if (!allows_restart(f, compat))
			allows = false;
	unlock_task_sighand(t, &flags);
	return allows;
}

/* As in seccomp_run_filters(). Caller holds the siglock of @t, which keeps its filters. */
static u32 verdict(struct task_struct *t, const struct seccomp_data *data)
{
	u32 least = SECCOMP_RET_ALLOW, ret;

	for (struct seccomp_filter *f = t->seccomp.filter; f; f = f->prev) {
		ret = bpf_prog_run_pin_on_cpu(f->prog, data);
		if ((s32)(ret & SECCOMP_RET_ACTION_FULL) <
		    (s32)(least & SECCOMP_RET_ACTION_FULL))
			least = ret;
	}
	return least;
}

/*
 * Do the filters of @t, which stands still at a system call, say of that one that the
 * tracer is to be told @message?
 */
bool cr_shim_seccomp_asks_tracer(struct task_struct *t, u64 message)
{
	const struct pt_regs *regs = task_pt_regs(t);
	struct seccomp_data data = {
		.nr = regs->orig_ax,
		.arch = AUDIT_ARCH_X86_64,
		.instruction_pointer = regs->ip,
		.args = { regs->di, regs->si, regs->dx, regs->r10, regs->r8, regs->r9 },
	};
	unsigned long flags;
	bool asks;

	if (!lock_task_sighand(t, &flags))
		return false;
	asks = verdict(t, &data) == (SECCOMP_RET_TRACE | message);
	unlock_task_sighand(t, &flags);
	return asks;
}

/*
 * Gives the current task, which has no filter, the first @depth ones of @t.
 * Mirrors what fork(2) and SECCOMP_FILTER_FLAG_TSYNC do; who may is as for
 * seccomp(2).
 */
int cr_shim_seccomp_share(struct task_struct *t, u32 depth)
{
	struct seccomp_filter *f;
	unsigned long flags;

	if (!task_no_new_privs(current) &&
	    !ns_capable_noaudit(current_user_ns(), CAP_SYS_ADMIN))
		return -EACCES;
	if (current->seccomp.mode != SECCOMP_MODE_DISABLED)
		return -EINVAL;

	if (!lock_task_sighand(t, &flags))
		return -EINTR;
	f = find(t, depth);
	if (f) {
		refcount_inc(&f->refs);
		refcount_inc(&f->users);
	}
	unlock_task_sighand(t, &flags);
	if (!f)
		return -EINTR;

	spin_lock_irq(&current->sighand->siglock);
	current->seccomp.filter = f;
	atomic_set(&current->seccomp.filter_count, depth);
	current->seccomp.mode = SECCOMP_MODE_FILTER;
	/* As in seccomp_assign_mode(): first the filter, then the flag. */
	smp_mb__before_atomic();
	set_task_syscall_work(current, SECCOMP);
	spin_unlock_irq(&current->sighand->siglock);
	return 0;
}
