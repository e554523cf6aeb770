// SPDX-License-Identifier: GPL-2.0
/* What comes with a session: its autogroup, and what a lost terminal leaves. */

#include <linux/kref.h>
#include <linux/pid.h>
#include <linux/rwsem.h>
#include <linux/sched/autogroup.h>
#include <linux/sched/signal.h>

#include "shim.h"
#ifdef CONFIG_SCHED_AUTOGROUP
#include "autogroup_types.h"

/* kernel/sched/core.c */
extern void sched_move_task(struct task_struct *tsk, bool for_autogroup);

/* The autogroup of the process of @t; 0 when it is gone. */
u64 cr_shim_autogroup_read(struct task_struct *t, s32 *nice)
{
	unsigned long flags;
	u64 identity;

	*nice = 0;
	if (!lock_task_sighand(t, &flags))
		return 0;
	identity = (unsigned long)t->signal->autogroup;
	*nice = READ_ONCE(t->signal->autogroup->nice);
	unlock_task_sighand(t, &flags);
	return identity;
}

/* As setsid(2) does. */
int cr_shim_autogroup_make(void)
{
	struct autogroup *old = current->signal->autogroup;

	sched_autogroup_create_attach(current->group_leader);
	return current->signal->autogroup == old ? -ENOMEM : 0;
}

int cr_shim_autogroup_nice(int nice)
{
	return proc_sched_autogroup_set_nice(current, nice);
}

/* The process that has made it is there, and has it still. */
static void never_last(struct kref *kref)
{
	WARN_ON_ONCE(1);
}

/*
 * Moves the process of @t into the autogroup of that of @other, as
 * autogroup_move_group() does. Whoever has made the one that it leaves has it
 * still.
 */
void cr_shim_autogroup_join(struct task_struct *t, struct task_struct *other)
{
	struct autogroup *group, *drop;
	struct task_struct *p;
	unsigned long flags;

	if (!lock_task_sighand(other, &flags))
		return;
	group = other->signal->autogroup;
	kref_get(&group->kref);
	unlock_task_sighand(other, &flags);

	drop = group;
	if (lock_task_sighand(t, &flags)) {
		if (t->signal->autogroup != group) {
			drop = t->signal->autogroup;
			t->signal->autogroup = group;
			for_each_thread(t, p)
				sched_move_task(p, true);
		}
		unlock_task_sighand(t, &flags);
	}
	kref_put(&drop->kref, never_last);
}
#else
u64 cr_shim_autogroup_read(struct task_struct *t, s32 *nice)
{
	*nice = 0;
	return 0;
}

int cr_shim_autogroup_make(void)
{
	return 0;
}

int cr_shim_autogroup_nice(int nice)
{
	return nice ? -EOPNOTSUPP : 0;
}

void cr_shim_autogroup_join(struct task_struct *t, struct task_struct *other)
{
}
#endif

/*
 * The process group that is sent SIGHUP when @t, which leads a session that has
 * lost its terminal, exits; 0 for none, or one without a process.
 */
u32 cr_shim_old_pgrp_read(struct task_struct *t, struct pid_namespace *ns)
{
	unsigned long flags;
	struct pid *pgrp;
	u32 nr = 0;

	if (!lock_task_sighand(t, &flags))
		return 0;
	pgrp = t->signal->tty_old_pgrp;
	if (pgrp && pid_has_task(pgrp, PIDTYPE_PGID))
		nr = pid_nr_ns(pgrp, ns);
	unlock_task_sighand(t, &flags);
	return nr;
}

void cr_shim_old_pgrp_set(struct task_struct *t, struct pid *pgrp)
{
	unsigned long flags;

	if (!lock_task_sighand(t, &flags))
		return;
	if (!t->signal->tty_old_pgrp)
		t->signal->tty_old_pgrp = get_pid(pgrp);
	unlock_task_sighand(t, &flags);
}
