// SPDX-License-Identifier: GPL-2.0
/* Finding tasks, and reading what they are. */

#include <linux/cred.h>
#include <linux/fdtable.h>
#include <linux/fs_struct.h>
#include <linux/futex.h>
#include <linux/io_uring.h>
#include <linux/iocontext.h>
#include <linux/ipc_namespace.h>
#include <linux/keyctl.h>
#include <linux/nsproxy.h>
#include <linux/perf_event.h>
#include <linux/pid.h>
#include <linux/ptrace.h>
#include <linux/resctrl.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/sched/task_stack.h>
#include <linux/seccomp.h>
#include <linux/security.h>
#include <linux/timekeeping.h>
#include <linux/user_namespace.h>
#include <linux/utsname.h>
#include <asm/fpu/api.h>
#include <asm/proto.h>
#include <asm/syscall.h>

#include "shim.h"

struct task_struct *cr_shim_find_task(pid_t nr)
{
	struct pid *pid = find_get_pid(nr);
	struct task_struct *t = get_pid_task(pid, PIDTYPE_TGID);

	put_pid(pid);
	return t;
}

struct task_struct *cr_shim_pidfd_task(int fd)
{
	unsigned int flags;
	struct task_struct *t;
	struct pid *pid = pidfd_get_pid(fd, &flags);

	if (IS_ERR(pid))
		return ERR_CAST(pid);
	t = get_pid_task(pid, PIDTYPE_TGID);
	put_pid(pid);
	return t ?: ERR_PTR(-ESRCH);
}

bool cr_shim_current_capable(void)
{
	return checkpoint_restore_ns_capable(current_user_ns());
}

/* May the caller read the memory of @t? As for PTRACE_ATTACH. */
int cr_shim_may_read(struct task_struct *t)
{
	return ptrace_may_access(t, PTRACE_MODE_ATTACH_REALCREDS) ? 0 : -EPERM;
}

void cr_shim_task_comm(struct task_struct *t, u8 *comm)
{
	get_task_comm(*(char (*)[TASK_COMM_LEN])comm, t);
}

/* @t, or another thread of its group if it has exited; referenced. Or NULL. */
struct task_struct *cr_shim_living_thread(struct task_struct *t)
{
	struct task_struct *thread, *found = NULL;

	if (!READ_ONCE(t->exit_state))
		return get_task_struct(t);
	rcu_read_lock();
	for_each_thread(t, thread) {
		if (!READ_ONCE(thread->exit_state)) {
			found = get_task_struct(thread);
			break;
		}
	}
	rcu_read_unlock();
	return found;
}

bool cr_shim_is_leader(struct task_struct *t)
{
	return thread_group_leader(t);
}

u32 cr_shim_task_pid(struct task_struct *t)
{
	return task_tgid_vnr(t);
}

u32 cr_shim_task_tid(struct task_struct *t, struct pid_namespace *ns)
{
	return task_pid_nr_ns(t, ns);
}

/* How many tasks share the I/O context of @t, but for workers that io_uring has made. */
static int io_sharers(struct task_struct *t)
{
	struct task_struct *other;
	int n = 0;

	/* Keeps the context, which goes when the task exits. */
	task_lock(t);
	if (t->io_context) {
		n = atomic_read(&t->io_context->active_ref);
		rcu_read_lock();
		for_each_thread(t, other)
			if (cr_shim_is_uring_worker(other) &&
			    READ_ONCE(other->io_context) == t->io_context)
				n--;
		rcu_read_unlock();
	}
	task_unlock(t);
	return n;
}

static u64 sched_unsupported(struct task_struct *t)
{
	u64 x = 0;

	if (t->policy == SCHED_EXT)
		x |= BIT_ULL(CR_TASK_SCHED_EXT);
#ifdef CONFIG_SCHED_CORE
	if (t->core_cookie)
		x |= BIT_ULL(CR_TASK_CORE_COOKIE);
#endif
	if (io_sharers(t) > 1)
		x |= BIT_ULL(CR_TASK_SHARED_IO);
	return x;
}

static u64 arch_unsupported(struct task_struct *t)
{
	struct thread_struct *th = &t->thread;
	u64 x = 0;

	if (th->io_bitmap)
		x |= BIT_ULL(CR_TASK_IOPERM);
	if (th->iopl_emul)
		x |= BIT_ULL(CR_TASK_IOPL);
#ifdef CONFIG_X86_USER_SHADOW_STACK
	if (th->features || th->features_locked)
		x |= BIT_ULL(CR_TASK_SHSTK);
#endif
	/* Nobody who asks for more has less than the caller, which asked for nothing. */
	if (x86_task_fpu(t->group_leader)->perm.__state_perm !=
	    x86_task_fpu(current->group_leader)->perm.__state_perm)
		x |= BIT_ULL(CR_TASK_XFEATURES);
	if (test_tsk_thread_flag(t, TIF_BLOCKSTEP) ||
	    (!t->ptrace && (test_tsk_thread_flag(t, TIF_SINGLESTEP) ||
			    test_tsk_thread_flag(t, TIF_FORCED_TF))))
		x |= BIT_ULL(CR_TASK_SINGLE_STEP);
	return x;
}

static u64 cred_unsupported(struct task_struct *t)
{
	const struct cred *cred = get_task_cred(t);
	struct lsm_prop theirs, ours;
	u64 x = 0;

	if (cred->user_ns != current_user_ns())
		x |= BIT_ULL(CR_TASK_NS_USER);
#ifdef CONFIG_KEYS
	/* A session keyring of the login is the caller's as well. */
	if (cred->thread_keyring || cred->process_keyring ||
	    cred->jit_keyring == KEY_REQKEY_DEFL_THREAD_KEYRING ||
	    cred->jit_keyring == KEY_REQKEY_DEFL_PROCESS_KEYRING ||
	    (cred->session_keyring &&
	     cred->session_keyring != current_cred()->session_keyring))
		x |= BIT_ULL(CR_TASK_KEYRING);
#endif
	if (cred->request_key_auth)
		x |= BIT_ULL(CR_TASK_KEYRING);
	memset(&theirs, 0, sizeof(theirs));
	memset(&ours, 0, sizeof(ours));
	security_task_getlsmprop_obj(t, &theirs);
	security_current_getlsmprop_subj(&ours);
	if (memcmp(&theirs, &ours, sizeof(ours)))
		x |= BIT_ULL(CR_TASK_LSM);
	put_cred(cred);
	return x;
}

/* Caller holds task_lock(@t), which keeps the namespaces. */
static u64 ns_unsupported(struct task_struct *t, struct cr_shim_task *out)
{
	struct nsproxy *theirs = t->nsproxy, *ours = current->nsproxy;
	u64 x = 0;

	if (!theirs)
		return 0;
	out->mnt_ns = (unsigned long)theirs->mnt_ns;
	out->uts_ns = (unsigned long)theirs->uts_ns;
	out->ipc_ns = (unsigned long)theirs->ipc_ns;
	out->time_ns = (unsigned long)theirs->time_ns;
	if (theirs->net_ns != ours->net_ns)
		x |= BIT_ULL(CR_TASK_NS_NET);
	if (theirs->cgroup_ns != ours->cgroup_ns)
		x |= BIT_ULL(CR_TASK_NS_CGROUP);
	if (theirs->time_ns_for_children != theirs->time_ns)
		x |= BIT_ULL(CR_TASK_NS_TIME_CHILDREN);
	if (theirs->pid_ns_for_children != task_active_pid_ns(t))
		out->pid_ns_for_children =
			(unsigned long)theirs->pid_ns_for_children;
	return x;
}

/*
 * In a stop, each thread has stopped or is about to. When it ends, the first
 * thread that notices tells the parent so.
 */
static bool stop_unsupported(struct task_struct *t)
{
	struct signal_struct *sig = t->signal;
	bool group = sig->flags & SIGNAL_STOP_STOPPED || sig->group_stop_count;
	bool thread = t->jobctl & (JOBCTL_STOPPED | JOBCTL_STOP_PENDING);

	return group != thread || sig->flags & SIGNAL_CLD_MASK ||
	       (thread && !sig_kernel_stop(t->jobctl & JOBCTL_STOP_SIGMASK));
}

static u64 signal_unsupported(struct task_struct *t)
{
	struct signal_struct *sig = t->signal;
	u64 x = 0;

	if (sig->autoreap)
		x |= BIT_ULL(CR_TASK_AUTOREAP);
	/* Traced threads have stops of their own. */
	if (!t->ptrace && stop_unsupported(t))
		x |= BIT_ULL(CR_TASK_STOPPED);
	return x;
}

static u64 other_unsupported(struct task_struct *t)
{
	u64 x = 0;

	if (test_task_syscall_work(t, SYSCALL_EMU))
		x |= BIT_ULL(CR_TASK_SYSEMU);
	x |= cr_shim_uring_unsupported(t);
	if (cr_shim_has_perf_events(t))
		x |= BIT_ULL(CR_TASK_PERF);
#ifdef CONFIG_RSEQ_SLICE_EXTENSION
	if (t->rseq.slice.state.enabled)
		x |= BIT_ULL(CR_TASK_RSEQ_SLICE);
#endif
#ifdef CONFIG_X86_CPU_RESCTRL
	if (t->closid != RESCTRL_RESERVED_CLOSID ||
	    t->rmid != RESCTRL_RESERVED_RMID)
		x |= BIT_ULL(CR_TASK_RESCTRL);
#endif
#ifdef CONFIG_USER_EVENTS
	if (t->user_event_mm)
		x |= BIT_ULL(CR_TASK_USER_EVENTS);
#endif
#ifdef CONFIG_UPROBES
	if (t->utask)
		x |= BIT_ULL(CR_TASK_UPROBES);
#endif
	return x;
}

bool cr_shim_is_worker(struct task_struct *t)
{
	return t->flags & (PF_KTHREAD | PF_USER_WORKER | PF_IO_WORKER);
}

/* Threads that poll for io_uring have nothing there, nor have workers that exit. */
bool cr_shim_is_uring_worker(struct task_struct *t)
{
	return t->flags & PF_IO_WORKER && READ_ONCE(t->worker_private);
}

/* CR_TASK_* of what tasks that the current one creates would inherit. */
u64 cr_shim_current_unsupported(void)
{
	u64 x = sched_unsupported(current) | arch_unsupported(current) |
		other_unsupported(current);

	if (current->seccomp.mode)
		x |= BIT_ULL(CR_TASK_SECCOMP);
	if (current->ptrace)
		x |= BIT_ULL(CR_TASK_TRACED);
	if (test_thread_flag(TIF_ADDR32))
		x |= BIT_ULL(CR_TASK_COMPAT);

	/* That is its own alone. */
	return x & ~BIT_ULL(CR_TASK_SHARED_IO);
}

/* What wait4(2) says of @t, which has exited. */
u32 cr_shim_wait_status(struct task_struct *t)
{
	return t->signal->flags & SIGNAL_GROUP_EXIT ?
	       t->signal->group_exit_code : t->exit_code;
}

void cr_shim_task_read(struct task_struct *t, struct pid_namespace *ns,
		       struct cr_shim_task *out)
{
	struct pid *pid;

	memset(out, 0, sizeof(*out));

	rcu_read_lock();
	out->tid = task_pid_nr_ns(t, ns);
	out->tgid = task_tgid_nr_ns(t, ns);
	/* Once it is released, its parent may be gone as well. */
	if (pid_alive(t)) {
		struct task_struct *parent = rcu_dereference(t->real_parent);

		out->ppid = task_tgid_nr_ns(parent, ns);
		out->parent_tid = task_pid_nr_ns(parent, ns);
		out->parent_execed = out->ppid && t->parent_exec_id !=
				     READ_ONCE(parent->self_exec_id);
	}
	out->pgid = task_pgrp_nr_ns(t, ns);
	out->sid = task_session_nr_ns(t, ns);
	pid = task_pid(t);
	if (pid) {
		out->pid_ns = (unsigned long)ns_of_pid(pid);
		out->pid_depth = pid->level - ns->level;
		out->ns_init = is_child_reaper(pid);
	}
	rcu_read_unlock();

	out->pf = t->flags;
	out->nr_threads = get_nr_threads(t);
	out->exit_state = t->exit_state;
	out->exit_code = cr_shim_wait_status(t);
	out->exit_signal = t->exit_signal;
	out->cgroups = (unsigned long)rcu_access_pointer(t->cgroups);
	get_task_comm(*(char (*)[TASK_COMM_LEN])out->comm, t);

	/* Zombies have this still. */
	out->sighand = (unsigned long)rcu_access_pointer(t->sighand);
	out->vanishing = t->exit_state && !cr_shim_gone(t);
	if (t->exit_state) {
		/* Its tracer is told first, and then its parent. */
		if (t->ptrace)
			out->unsupported |= BIT_ULL(CR_TASK_TRACED_DEAD);
		return;
	}

	task_lock(t);
	out->mm = (unsigned long)t->mm;
	out->files = (unsigned long)t->files;
	out->fs = (unsigned long)t->fs;
	out->unsupported |= ns_unsupported(t, out);
	task_unlock(t);
	out->sem_undo = (unsigned long)t->sysvsem.undo_list;
	out->cred = (unsigned long)rcu_access_pointer(t->real_cred);

	out->unsupported |= sched_unsupported(t) | arch_unsupported(t) |
			    cred_unsupported(t) | signal_unsupported(t) |
			    other_unsupported(t);
}

/* With a reference. */
const struct cred *cr_shim_current_cred(void)
{
	return get_current_cred();
}

const struct cred *cr_shim_task_cred(struct task_struct *t)
{
	return get_task_cred(t);
}

/* -EOVERFLOW: an id has no mapping here; -E2BIG: more than @max_groups. */
int cr_shim_cred_read(struct task_struct *t, struct cr_img_cred *out,
		      u32 *groups, u32 max_groups)
{
	const struct cred *cred = get_task_cred(t);
	struct user_namespace *ns = current_user_ns();
	kuid_t uids[4] = { cred->uid, cred->euid, cred->suid, cred->fsuid };
	kgid_t gids[4] = { cred->gid, cred->egid, cred->sgid, cred->fsgid };
	int i, err = -EOVERFLOW;

	for (i = 0; i < 4; i++) {
		if (!kuid_has_mapping(ns, uids[i]) ||
		    !kgid_has_mapping(ns, gids[i]))
			goto out;
		out->uid[i] = from_kuid(ns, uids[i]);
		out->gid[i] = from_kgid(ns, gids[i]);
	}
	out->cap[0] = cred->cap_inheritable.val;
	out->cap[1] = cred->cap_permitted.val;
	out->cap[2] = cred->cap_effective.val;
	out->cap[3] = cred->cap_bset.val;
	out->cap[4] = cred->cap_ambient.val;
	out->securebits = cred->securebits;
#ifdef CONFIG_KEYS
	out->reqkey_keyring = cred->jit_keyring;
#endif
	out->nr_groups = cred->group_info->ngroups;
	if (out->nr_groups > max_groups) {
		err = -E2BIG;
		goto out;
	}
	for (i = 0; i < out->nr_groups; i++) {
		if (!kgid_has_mapping(ns, cred->group_info->gid[i]))
			goto out;
		groups[i] = from_kgid(ns, cred->group_info->gid[i]);
	}
	err = 0;
out:
	put_cred(cred);
	return err;
}

void cr_shim_uts_read(struct task_struct *t, struct cr_img_uts *out)
{
	memset(out, 0, sizeof(*out));
	task_lock(t);
	if (t->nsproxy) {
		struct new_utsname *n = &t->nsproxy->uts_ns->name;

		strscpy_pad((char *)out->nodename, n->nodename,
			    sizeof(out->nodename));
		strscpy_pad((char *)out->domainname, n->domainname,
			    sizeof(out->domainname));
	}
	task_unlock(t);
}

/*
 * References to the objects of @t: mm, files, fs, sighand. When they are as many
 * as the container's tasks account for, nobody else has any.
 */
void cr_shim_users(struct task_struct *t, u32 *users)
{
	struct sighand_struct *sighand;

	memset(users, 0, 4 * sizeof(*users));
	task_lock(t);
	if (t->mm)
		users[0] = atomic_read(&t->mm->mm_users);
	if (t->files)
		users[1] = atomic_read(&t->files->count);
	if (t->fs)
		users[2] = READ_ONCE(t->fs->users);
	task_unlock(t);
	rcu_read_lock();
	sighand = rcu_dereference(t->sighand);
	if (sighand)
		users[3] = refcount_read(&sighand->count);
	rcu_read_unlock();
}

/* Does a task outside of @ns use one of these objects? Says which. */
bool cr_shim_outside_user(struct pid_namespace *ns, u64 mm, u64 files, u64 fs,
			  u64 sighand, u8 *comm, u32 *pid)
{
	struct task_struct *p, *t;
	bool found = false;

	rcu_read_lock();
	for_each_process_thread(p, t) {
		if (found || task_pid_nr_ns(t, ns))
			continue;
		/* Compared, never followed. */
		if ((mm && (unsigned long)READ_ONCE(t->mm) == mm) ||
		    (files && (unsigned long)READ_ONCE(t->files) == files) ||
		    (fs && (unsigned long)READ_ONCE(t->fs) == fs) ||
		    (sighand && (unsigned long)rcu_access_pointer(t->sighand) ==
				sighand)) {
			get_task_comm(*(char (*)[TASK_COMM_LEN])comm, t);
			*pid = task_pid_vnr(t);
			found = true;
		}
	}
	rcu_read_unlock();
	return found;
}
