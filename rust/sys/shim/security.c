// SPDX-License-Identifier: GPL-2.0
/* Who answers for a task (audit), and whom it lets trace itself (Yama). */

#include <linux/audit.h>
#include <linux/cred.h>
#include <linux/list.h>
#include <linux/pid_namespace.h>
#include <linux/rculist.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/user_namespace.h>

#include "shim.h"
#include "yama_types.h"

/* -EOVERFLOW: the login id has no mapping here. */
int cr_shim_audit_read(struct task_struct *t, struct cr_img_thread *out)
{
	kuid_t login = audit_get_loginuid(t);

	out->login_uid = from_kuid(current_user_ns(), login);
	out->audit_session = audit_get_sessionid(t);
	return uid_valid(login) && out->login_uid == (u32)-1 ? -EOVERFLOW : 0;
}

/*
 * Gives the current task a login id, as a write to /proc/self/loginuid does, and
 * with it a new session; or, if it is not that of nobody, this @session.
 */
int cr_shim_audit_set(u32 login_uid, u32 session)
{
#ifdef CONFIG_AUDIT
	kuid_t login = make_kuid(current_user_ns(), login_uid);
	int err;

	if (login_uid != (u32)-1 && !uid_valid(login))
		return -EINVAL;
	err = audit_set_loginuid(login);
	if (!err && session != AUDIT_SID_UNSET)
		current->sessionid = session;
	return err;
#else
	return -EOPNOTSUPP;
#endif
}

/* Which terminals' input of the current process is audited: see AUDIT_TTY_SET. */
int cr_shim_audit_tty_set(u32 bits)
{
#ifdef CONFIG_AUDIT
	if (READ_ONCE(current->signal->audit_tty) == bits)
		return 0;
	if (!capable(CAP_AUDIT_CONTROL))
		return -EPERM;
	WRITE_ONCE(current->signal->audit_tty, bits);
	return 0;
#else
	return bits ? -EOPNOTSUPP : 0;
#endif
}

/* security/yama/yama_lsm.c */
extern struct list_head ptracer_relations;

/*
 * Whom the process of @t has named by PR_SET_PTRACER: a number in @ns, CR_PTRACER_ANY,
 * or 0. -EXDEV: somebody outside; -EOPNOTSUPP: not the first thread of a process.
 */
int cr_shim_ptracer_read(struct task_struct *t, struct pid_namespace *ns,
			 u32 *tracer)
{
	struct ptrace_relation *relation;
	int err = 0;

	*tracer = 0;
	rcu_read_lock();
	list_for_each_entry_rcu(relation, &ptracer_relations, node) {
		if (relation->invalid || relation->tracee != t->group_leader)
			continue;
		if (!relation->tracer) {
			*tracer = CR_PTRACER_ANY;
		} else if (pid_alive(relation->tracer)) {
			*tracer = task_pid_nr_ns(relation->tracer, ns);
			if (!*tracer)
				err = -EXDEV;
			else if (!thread_group_leader(relation->tracer))
				err = -EOPNOTSUPP;
		}
		break;
	}
	rcu_read_unlock();
	return err;
}
