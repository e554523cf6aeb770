// SPDX-License-Identifier: GPL-2.0
/* Pid namespaces and the numbers in them. */

#include <linux/nsproxy.h>
#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/user_namespace.h>

#include "shim.h"

/* The pid namespace that @t is the init of, with a reference; or NULL. */
struct pid_namespace *cr_shim_pidns_of_init(struct task_struct *t)
{
	struct pid_namespace *ns = NULL;
	struct pid *pid;

	rcu_read_lock();
	pid = task_pid(t);
	if (pid && pid->level && is_child_reaper(pid))
		ns = get_pid_ns(pid->numbers[pid->level].ns);
	rcu_read_unlock();
	return ns;
}

/* The one that children of @t come to be in, with a reference; or NULL. */
struct pid_namespace *cr_shim_pidns_for_children(struct task_struct *t)
{
	struct pid_namespace *ns = NULL;

	task_lock(t);
	if (t->nsproxy)
		ns = get_pid_ns(t->nsproxy->pid_ns_for_children);
	task_unlock(t);
	return ns;
}

/* The one that @pid is from, with a reference. */
struct pid_namespace *cr_shim_pidns_of_pid(struct pid *pid)
{
	return get_pid_ns(pid->numbers[pid->level].ns);
}

/* The one around @ns, with a reference; NULL if it is the first one. */
struct pid_namespace *cr_shim_pidns_parent(struct pid_namespace *ns)
{
	return ns->parent ? get_pid_ns(ns->parent) : NULL;
}

void cr_shim_ns_put(struct pid_namespace *ns)
{
	put_pid_ns(ns);
}

/* The thread with the lowest number >= *@nr in @ns, referenced; or NULL. */
struct task_struct *cr_shim_ns_next_task(struct pid_namespace *ns, int *nr)
{
	struct task_struct *t = NULL;
	struct pid *pid;

	rcu_read_lock();
	while ((pid = find_ge_pid(*nr, ns))) {
		*nr = pid_nr_ns(pid, ns);
		t = pid_task(pid, PIDTYPE_PID);
		if (t) {
			get_task_struct(t);
			break;
		}
		++*nr;
	}
	rcu_read_unlock();
	return t;
}

int cr_shim_ns_capable(struct pid_namespace *ns)
{
	return checkpoint_restore_ns_capable(ns->user_ns) ? 0 : -EPERM;
}

bool cr_shim_ns_contains_current(struct pid_namespace *ns)
{
	return task_pid_nr_ns(current, ns) != 0;
}

/* @ns is not the first one. */
void cr_shim_pidns_read(struct pid_namespace *ns, struct cr_shim_pidns *out)
{
	struct task_struct *init = READ_ONCE(ns->child_reaper);

	memset(out, 0, sizeof(*out));
	out->level = ns->level;
	/* An init that was given its number has not moved the cursor. */
	out->last_pid = max(idr_get_cursor(&ns->idr), 2U) - 1;
	/* Compared, never followed: it may be long gone. */
	out->populated = init;
	out->closed = !(READ_ONCE(ns->pid_allocated) & PIDNS_ADDING);
	out->foreign = ns->user_ns != current_user_ns();
	/* What a new one has. */
	out->sysctls = ns->pid_max != PID_MAX_LIMIT;
#if defined(CONFIG_SYSCTL) && defined(CONFIG_MEMFD_CREATE)
	out->sysctls |= ns->memfd_noexec_scope != ns->parent->memfd_noexec_scope;
#endif
}

/* The next pid handed out is the first free one above @nr. */
void cr_shim_ns_set_last_pid(struct pid_namespace *ns, u32 nr)
{
	idr_set_cursor(&ns->idr, nr + 1);
}

/*
 * What @pid, which has a number in @ns, is in the namespaces below that, from
 * the outside in. Returns how many there are.
 */
u32 cr_shim_pid_numbers(struct pid *pid, struct pid_namespace *ns, u32 *numbers)
{
	u32 n = 0;
	int i;

	/* The container's own is not the first one. */
	BUILD_BUG_ON(CR_MAX_PIDNS != MAX_PID_NS_LEVEL - 1);
	for (i = ns->level + 1; i <= pid->level; i++)
		numbers[n++] = pid->numbers[i].nr;
	return n;
}

struct pid *cr_shim_pid_find(struct pid_namespace *ns, pid_t nr)
{
	struct pid *pid;

	rcu_read_lock();
	pid = get_pid(find_pid_ns(nr, ns));
	rcu_read_unlock();
	return pid;
}

void cr_shim_pid_put(struct pid *pid)
{
	put_pid(pid);
}

/*
 * A number without a task, for a group whose leader is gone: what it is in @ns
 * and those around it, from the inside out.
 */
struct pid *cr_shim_pid_alloc(struct pid_namespace *ns, const pid_t *nrs,
			      u32 count)
{
	/* Read only. */
	return alloc_pid(ns, (pid_t *)nrs, count);
}

/* Takes back cr_shim_pid_alloc() of a number that no task has taken up. */
void cr_shim_pid_release(struct pid *pid)
{
	free_pid(pid);
}
