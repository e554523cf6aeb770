// SPDX-License-Identifier: GPL-2.0
/* Creating tasks, and what they do to themselves while they are rebuilt. */

#include <linux/compat.h>
#include <linux/cred.h>
#include <linux/fdtable.h>
#include <linux/file.h>
#include <linux/fs_struct.h>
#include <linux/futex.h>
#include <linux/mman.h>
#include <linux/module.h>
#include <linux/oom.h>
#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/rseq.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/sched/task_stack.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/user_namespace.h>
#include <asm/ia32.h>
#include <asm/unistd_64.h>

#include "shim.h"

/* arch/x86/entry/syscall_64.c */
extern long x64_sys_call(const struct pt_regs *regs, unsigned int nr);
/* arch/x86/entry/syscall_32.c */
extern long ia32_sys_call(const struct pt_regs *regs, unsigned int nr);

struct start {
	cr_shim_task_fn fn;
	void *arg;
};

static int task_main(void *arg)
{
	struct start start = *(struct start *)arg;
	int err;

	kfree(arg);
	cr_shim_debug_begin();
	err = start.fn(start.arg);
	cr_shim_debug_end();
	if (!err)
		return 0;
	/* It has no user state to return to. */
	module_put(THIS_MODULE);
	do_exit(SIGKILL);
}

/*
 * Creates a task that runs @how->fn. It holds a reference to the module, which
 * the function's successor drops (see cr_shim_module_put()). Returns its pid
 * as the caller sees it.
 */
int cr_shim_spawn(struct cr_shim_spawn *how)
{
	struct kernel_clone_args args = {
		.flags = how->flags,
		.exit_signal = how->exit_signal,
		/* Read only. */
		.set_tid = (pid_t *)how->tids,
		.set_tid_size = how->nr_tids,
		.cgroup = how->cgroup,
		.fn = task_main,
	};
	struct start *start = kmalloc(sizeof(*start), GFP_KERNEL);
	int pid;

	if (!start)
		return -ENOMEM;
	start->fn = how->fn;
	start->arg = how->arg;
	args.fn_arg = start;
	__module_get(THIS_MODULE);
	pid = kernel_clone(&args);
	if (pid < 0) {
		module_put(THIS_MODULE);
		kfree(start);
	}
	return pid;
}

long cr_shim_syscall(unsigned int nr, u64 a, u64 b, u64 c, u64 d, u64 e, u64 f)
{
	struct pt_regs regs = {
		.di = a, .si = b, .dx = c, .r10 = d, .r8 = e, .r9 = f,
		.orig_ax = nr,
	};

	return x64_sys_call(&regs, nr);
}

/*
 * Issues a system call for the current task, with the number that its program has for
 * it: those of 32 bits have others, and other registers for the arguments.
 */
long cr_shim_call_again(u32 nr, const u64 *args)
{
#ifdef CONFIG_IA32_EMULATION
	struct pt_regs regs = {
		.bx = args[0], .cx = args[1], .dx = args[2], .si = args[3],
		.di = args[4], .bp = args[5], .orig_ax = nr,
	};

	if (cr_shim_in_compat_call(current))
		return ia32_sys_call(&regs, nr);
#endif
	return cr_shim_syscall(nr, args[0], args[1], args[2], args[3], args[4],
			       args[5]);
}

#ifdef CONFIG_IA32_EMULATION
/* The kernel notes that the caller is a 32-bit program. */
int cr_shim_sigaction_compat(u32 signal, u64 action)
{
	int err;

	if (!ia32_enabled())
		return -ENOSYS;
	current_thread_info()->status |= TS_COMPAT;
	err = cr_shim_syscall(__NR_rt_sigaction, signal, action, 0,
			      sizeof(sigset_t), 0, 0);
	current_thread_info()->status &= ~TS_COMPAT;
	return err;
}

int cr_shim_compat_robust_list(u32 head)
{
	if (!ia32_enabled())
		return -ENOSYS;
	current->futex.compat_robust_list = compat_ptr(head);
	return 0;
}
#else
int cr_shim_sigaction_compat(u32 signal, u64 action)
{
	return -ENOSYS;
}

int cr_shim_compat_robust_list(u32 head)
{
	return -ENOSYS;
}
#endif

/* What a new task inherits from the caller of restart by way of fork. */
void cr_shim_forget_caller(void)
{
#ifdef CONFIG_RSEQ
	rseq_reset(current);
#endif
	current->set_child_tid = NULL;
	current->clear_child_tid = NULL;
	current->futex.robust_list = NULL;
#ifdef CONFIG_COMPAT
	current->futex.compat_robust_list = NULL;
#endif
	sas_ss_reset(current);
	current->pdeath_signal = 0;
	/* Its breakpoints stay with it, what the registers say does not. */
	current->thread.virtual_dr6 = 0;
	current->thread.ptrace_dr7 = 0;
}

/*
 * @t, which is parked, takes the ids that its rseq area has for those that the
 * kernel wrote there last: it checks that nobody else did. @interrupted: it was
 * not in a system call, so that a critical section it is in has to be aborted.
 */
void cr_shim_rseq_adopt(struct task_struct *t, u32 cpu_id, u32 node_id,
			u32 mm_cid, bool interrupted)
{
#ifdef CONFIG_RSEQ
	t->rseq.ids.cpu_id = cpu_id;
	t->rseq.ids.node_id = node_id;
	t->rseq.ids.mm_cid = mm_cid;
	t->rseq.event.user_irq = interrupted;
#endif
}

int cr_shim_unmap_all(void)
{
	return vm_munmap(0, TASK_SIZE);
}

int cr_shim_map(struct file *file, u64 addr, u64 len, u32 prot, u32 flags,
		u64 offset)
{
	unsigned long at = vm_mmap(file, addr, len, prot,
				   flags | MAP_FIXED_NOREPLACE, offset);

	return IS_ERR_VALUE(at) ? (int)at : at == addr ? 0 : -EEXIST;
}

int cr_shim_scratch_write(u64 addr, const void *buf, u32 len)
{
	return copy_to_user((void __user *)addr, buf, len) ? -EFAULT : 0;
}

int cr_shim_user_read(u64 addr, void *buf, u32 len)
{
	return copy_from_user(buf, (void __user *)addr, len) ? -EFAULT : 0;
}

int cr_shim_install_fd(u32 fd, struct file *file, bool cloexec)
{
	return replace_fd(fd, file, cloexec ? O_CLOEXEC : 0);
}

/* A descriptor for a system call that wants one. */
int cr_shim_install_any(struct file *file)
{
	int fd = get_unused_fd_flags(O_CLOEXEC);

	if (fd >= 0)
		fd_install(fd, get_file(file));
	return fd;
}

/*
 * Moves a process into a process group and session, as setsid(2) and
 * setpgid(2) would have, had they been called while the leaders were alive.
 */
int cr_shim_set_groups_ids(struct task_struct *t, struct pid *pgrp,
			   struct pid *session, bool leader)
{
	struct pid *pids[PIDTYPE_MAX] = {};
	int i, err = -ESRCH;

	write_lock_irq(&tasklist_lock);
	if (pid_alive(t)) {
		if (task_session(t) != session)
			change_pid(pids, t, PIDTYPE_SID, session);
		if (task_pgrp(t) != pgrp)
			change_pid(pids, t, PIDTYPE_PGID, pgrp);
		t->signal->leader = leader;
		err = 0;
	}
	write_unlock_irq(&tasklist_lock);
	for (i = 0; i < PIDTYPE_MAX; i++)
		if (pids[i])
			free_pid(pids[i]);
	return err;
}

bool cr_shim_is_zombie(struct task_struct *t)
{
	return READ_ONCE(t->exit_state) & EXIT_ZOMBIE;
}

/* Whether @t is a zombie whose parent has been told; and its wait status. */
bool cr_shim_zombie_status(struct task_struct *t, u32 *status)
{
	bool zombie;

	/* exit_notify() sends the signal before it lets go of the lock. */
	read_lock(&tasklist_lock);
	zombie = t->exit_state & EXIT_ZOMBIE;
	*status = cr_shim_wait_status(t);
	read_unlock(&tasklist_lock);
	return zombie;
}

/* The whole thread group of @t, even when @t itself has exited already. */
void cr_shim_kill(struct task_struct *t)
{
	struct pid *tgid = get_task_pid(t, PIDTYPE_TGID);

	kill_pid(tgid, SIGKILL, 1);
	put_pid(tgid);
}

int cr_shim_set_groups(const u32 *groups, u32 nr)
{
	struct user_namespace *ns = current_user_ns();
	struct group_info *gi;
	int i, err = -EINVAL;

	/* kernel/groups.c:may_setgroups */
	if (!ns_capable(ns, CAP_SETGID) || !ns->gid_map.nr_extents ||
	    !(ns->flags & USERNS_SETGROUPS_ALLOWED))
		return -EPERM;
	gi = groups_alloc(nr);
	if (!gi)
		return -ENOMEM;
	for (i = 0; i < nr; i++) {
		gi->gid[i] = make_kgid(ns, groups[i]);
		if (!gid_valid(gi->gid[i]))
			goto out;
	}
	groups_sort(gi);
	err = set_current_groups(gi);
out:
	put_group_info(gi);
	return err;
}

void cr_shim_set_sigmask(u64 blocked, u64 saved, bool restore)
{
	sigset_t set = { .sig = { blocked } };

	sigdelsetmask(&set, sigmask(SIGKILL) | sigmask(SIGSTOP));
	sigprocmask(SIG_SETMASK, &set, NULL);
	if (restore) {
		current->saved_sigmask.sig[0] = saved;
		set_restore_sigmask();
	}
}

/* Lets the return to user mode look at an interrupted system call. */
void cr_shim_want_restart(void)
{
	set_thread_flag(TIF_SIGPENDING);
}

/* Same rules as fs/proc/base.c:__set_oom_adj. */
int cr_shim_set_oom_score_adj(int adj, int min)
{
	struct signal_struct *sig = current->signal;

	if (adj < OOM_SCORE_ADJ_MIN || adj > OOM_SCORE_ADJ_MAX ||
	    min < OOM_SCORE_ADJ_MIN || min > OOM_SCORE_ADJ_MAX)
		return -EINVAL;
	if ((adj < sig->oom_score_adj_min || min < sig->oom_score_adj_min) &&
	    !capable(CAP_SYS_RESOURCE))
		return -EACCES;
	sig->oom_score_adj = adj;
	sig->oom_score_adj_min = min;
	return 0;
}

/* What signal frames say about the last fault. */
void cr_shim_set_fault(const u64 *fault)
{
	current->thread.trap_nr = fault[0];
	current->thread.error_code = fault[1];
	current->thread.cr2 = fault[2];
}

void cr_shim_set_continued(void)
{
	spin_lock_irq(&current->sighand->siglock);
	/* Who is being killed has no such state any more. */
	if (!(current->signal->flags & SIGNAL_GROUP_EXIT))
		signal_set_stop_flags(current->signal, SIGNAL_STOP_CONTINUED);
	spin_unlock_irq(&current->sighand->siglock);
}

/*
 * Puts the thread group of @t into a stop that has begun, or is @complete, and
 * then maybe @waited for. All of its threads are parked: what one that has
 * joined the stop creates would join it, too. The parent is not told.
 */
void cr_shim_set_stop(struct task_struct *t, u32 signal, bool complete,
		      bool waited)
{
	struct signal_struct *sig = t->signal;
	unsigned long flags;

	if (!lock_task_sighand(t, &flags))
		return;
	if (!(sig->flags & SIGNAL_GROUP_EXIT)) {
		sig->group_exit_code = waited ? 0 : signal;
		if (complete)
			signal_set_stop_flags(sig, SIGNAL_STOP_STOPPED);
	}
	unlock_task_sighand(t, &flags);
}

/*
 * The thread @t, which is parked, stops before it returns to user mode, as one
 * that was created during the stop: see task_join_group_stop(). Only if the
 * stop has @awaited it, the parent is told when it has stopped.
 */
void cr_shim_join_stop(struct task_struct *t, u32 signal, bool awaited)
{
	unsigned long flags;

	if (!lock_task_sighand(t, &flags))
		return;
	/* As in task_set_jobctl_pending(). */
	if (!fatal_signal_pending(t) && !(t->flags & PF_EXITING)) {
		t->jobctl &= ~JOBCTL_STOP_SIGMASK;
		t->jobctl |= signal | JOBCTL_STOP_PENDING;
		if (awaited) {
			t->jobctl |= JOBCTL_STOP_CONSUME;
			t->signal->group_stop_count++;
		}
		set_tsk_thread_flag(t, TIF_SIGPENDING);
	}
	unlock_task_sighand(t, &flags);
}

void cr_shim_set_default_slack(u64 ns)
{
	current->default_timer_slack_ns = ns;
}

void cr_shim_set_execed(bool execed)
{
	if (execed)
		current->flags &= ~PF_FORKNOEXEC;
	else
		current->flags |= PF_FORKNOEXEC;
}

/* See do_execveat_common(). */
void cr_shim_set_nproc_exceeded(bool exceeded)
{
	if (exceeded)
		current->flags |= PF_NPROC_EXCEEDED;
	else
		current->flags &= ~PF_NPROC_EXCEEDED;
}

void cr_shim_set_has_subreaper(void)
{
	current->signal->has_child_subreaper = 1;
}

/*
 * Makes the thread group of @t a child of the thread @parent, which is none of
 * its descendants, and which has @execed a program since it is the parent: see
 * do_notify_parent(). False if one of them is not there any more.
 */
bool cr_shim_set_parent(struct task_struct *t, struct task_struct *parent,
			bool execed)
{
	struct task_struct *thread;
	bool can;

	write_lock_irq(&tasklist_lock);
	can = pid_alive(t) && pid_alive(parent) &&
	      !(parent->flags & PF_EXITING) && !t->ptrace;
	if (can) {
		list_move_tail(&t->sibling, &parent->children);
		for_each_thread(t, thread) {
			rcu_assign_pointer(thread->real_parent, parent);
			rcu_assign_pointer(thread->parent, parent);
		}
		t->parent_exec_id = parent->self_exec_id - execed;
	}
	write_unlock_irq(&tasklist_lock);
	return can;
}

/*
 * The current task gives up its descriptor table for that of @t, as unshare(2)
 * gives it up for a new one. Until all tasks under construction are parked,
 * nobody closes a descriptor in that table that another task uses: who has
 * begun a system call as its only user may rely on it. -ESRCH: @t has exited.
 */
int cr_shim_share_files(struct task_struct *t)
{
	struct files_struct *files;

	task_lock(t);
	files = t->files;
	if (files)
		atomic_inc(&files->count);
	task_unlock(t);
	if (!files)
		return -ESRCH;
	task_lock(current);
	swap(current->files, files);
	task_unlock(current);
	put_files_struct(files);
	return 0;
}

/* The same with the directories and umask of @t. */
int cr_shim_share_fs(struct task_struct *t)
{
	struct fs_struct *fs;
	bool last;

	task_lock(t);
	fs = t->fs;
	if (fs) {
		read_seqlock_excl(&fs->seq);
		fs->users++;
		read_sequnlock_excl(&fs->seq);
	}
	task_unlock(t);
	if (!fs)
		return -ESRCH;
	task_lock(current);
	swap(current->fs, fs);
	read_seqlock_excl(&fs->seq);
	last = !--fs->users;
	read_sequnlock_excl(&fs->seq);
	task_unlock(current);
	if (last)
		free_fs_struct(fs);
	return 0;
}

/* Of a zombie, whose parent has been sent SIGCHLD. False if it is gone. */
bool cr_shim_set_exit_signal(struct task_struct *t, u32 signal)
{
	bool can;

	write_lock_irq(&tasklist_lock);
	can = t->exit_state & EXIT_ZOMBIE;
	if (can)
		t->exit_signal = signal;
	write_unlock_irq(&tasklist_lock);
	return can;
}

void __noreturn cr_shim_exit_zombie(u32 code)
{
	cr_shim_debug_end();
	module_put(THIS_MODULE);
	do_exit(code);
}

/* Did the caller unshare a pid namespace that nobody has entered yet? */
bool cr_shim_fresh_pidns(void)
{
	struct pid_namespace *ns = current->nsproxy->pid_ns_for_children;

	return ns != task_active_pid_ns(current) && !READ_ONCE(ns->child_reaper);
}
