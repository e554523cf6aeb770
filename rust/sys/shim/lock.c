// SPDX-License-Identifier: GPL-2.0
/* Locks of files: fs/locks.c. */

#include <linux/filelock.h>
#include <linux/fs.h>
#include <linux/pid_namespace.h>

#include "shim.h"

/* The number in @ns of the process that has taken a lock, 0 if it is gone. */
static u32 pid_of_lock(const struct file_lock *fl, struct pid_namespace *ns)
{
	struct pid *pid;
	u32 nr = 0;

	rcu_read_lock();
	pid = find_pid_ns(fl->c.flc_pid, &init_pid_ns);
	if (pid && pid_task(pid, PIDTYPE_TGID))
		nr = pid_nr_ns(pid, ns);
	rcu_read_unlock();
	return nr;
}

static u32 add_lock(struct cr_shim_lock *locks, u32 n, u32 max,
		    const struct file_lock *fl, u32 kind,
		    struct pid_namespace *ns)
{
	if (n < max) {
		locks[n].owner = (unsigned long)fl->c.flc_owner;
		locks[n].file = (unsigned long)fl->c.flc_file;
		locks[n].start = fl->fl_start;
		locks[n].end = fl->fl_end;
		locks[n].kind = kind;
		locks[n].pid = kind == CR_LOCK_POSIX ? pid_of_lock(fl, ns) : 0;
		locks[n].exclusive = lock_is_write((struct file_lock *)fl);
	}
	return n + 1;
}

/* All locks on the inode of @file; returns how many, maybe more than @max. */
u32 cr_shim_locks_read(struct file *file, struct pid_namespace *ns,
		       struct cr_shim_lock *locks, u32 max)
{
	struct file_lock_context *ctx = locks_inode_context(file_user_inode(file));
	struct file_lock *fl;
	u32 n = 0;

	if (!ctx)
		return 0;
	spin_lock(&ctx->flc_lock);
	list_for_each_entry(fl, &ctx->flc_posix, c.flc_list)
		n = add_lock(locks, n, max, fl,
			     fl->c.flc_flags & FL_OFDLCK ? CR_LOCK_OFD :
							   CR_LOCK_POSIX, ns);
	list_for_each_entry(fl, &ctx->flc_flock, c.flc_list)
		n = add_lock(locks, n, max, fl, CR_LOCK_FLOCK, ns);
	spin_unlock(&ctx->flc_lock);
	return n;
}
