// SPDX-License-Identifier: GPL-2.0
/* Locks of files: fs/locks.c. */

#include <linux/filelock.h>
#include <linux/fs.h>
#include <linux/pid_namespace.h>

#include "lock.h"
#include "shim.h"

/* The number in @ns of the process that has taken a lock, 0 if it is gone. */
static u32 pid_of_lock(const struct file_lock_core *c, struct pid_namespace *ns)
{
	struct pid *pid;
	u32 nr = 0;

	rcu_read_lock();
	pid = find_pid_ns(c->flc_pid, &init_pid_ns);
	if (pid && pid_task(pid, PIDTYPE_TGID))
		nr = pid_nr_ns(pid, ns);
	rcu_read_unlock();
	return nr;
}

static u32 add_lock(struct cr_shim_lock *locks, u32 n, u32 max,
		    const struct file_lock_core *c, u32 kind,
		    struct pid_namespace *ns)
{
	bool has_pid = kind == CR_LOCK_POSIX || kind == CR_LOCK_LEASE;

	if (n < max) {
		memset(&locks[n], 0, sizeof(locks[n]));
		locks[n].owner = (unsigned long)c->flc_owner;
		locks[n].file = (unsigned long)c->flc_file;
		locks[n].end = OFFSET_MAX;
		locks[n].kind = kind;
		locks[n].pid = has_pid ? pid_of_lock(c, ns) : 0;
		locks[n].exclusive = c->flc_type == F_WRLCK;
	}
	return n + 1;
}

static u32 add_ranged(struct cr_shim_lock *locks, u32 n, u32 max,
		     const struct file_lock *fl, u32 kind, struct pid_namespace *ns)
{
	if (n < max) {
		add_lock(locks, n, max, &fl->c, kind, ns);
		locks[n].start = fl->fl_start;
		locks[n].end = fl->fl_end;
	}
	return n + 1;
}

static u32 add_lease(struct cr_shim_lock *locks, u32 n, u32 max,
		     const struct file_lease *fl, struct pid_namespace *ns)
{
	if (n < max) {
		add_lock(locks, n, max, &fl->c, CR_LOCK_LEASE, ns);
		locks[n].fd = fl->fl_fasync ? fl->fl_fasync->fa_fd : 0;
		locks[n].breaking = fl->c.flc_flags & (FL_UNLOCK_PENDING |
						       FL_DOWNGRADE_PENDING);
		locks[n].delegation = !(fl->c.flc_flags & FL_LEASE);
	}
	return n + 1;
}

/* All locks on the inode of @file; returns how many, maybe more than @max. */
u32 cr_shim_locks_read(struct file *file, struct pid_namespace *ns,
		       struct cr_shim_lock *locks, u32 max)
{
	struct file_lock_context *ctx = locks_inode_context(file_user_inode(file));
	struct file_lease *lease;
	struct file_lock *fl;
	u32 n = 0;

	if (!ctx)
		return 0;
	spin_lock(&ctx->flc_lock);
	list_for_each_entry(fl, &ctx->flc_posix, c.flc_list)
		n = add_ranged(locks, n, max, fl,
			     fl->c.flc_flags & FL_OFDLCK ? CR_LOCK_OFD :
							   CR_LOCK_POSIX, ns);
	list_for_each_entry(fl, &ctx->flc_flock, c.flc_list)
		n = add_ranged(locks, n, max, fl, CR_LOCK_FLOCK, ns);
	list_for_each_entry(lease, &ctx->flc_lease, c.flc_list)
		n = add_lease(locks, n, max, lease, ns);
	spin_unlock(&ctx->flc_lock);
	return n;
}

/* Whether @file has a lease or a delegation. */
bool cr_shim_has_lease(const struct file *file)
{
	struct file_lock_context *ctx = locks_inode_context(file_user_inode(file));
	const struct file_lease *fl;
	bool found = false;

	if (!ctx)
		return false;
	spin_lock(&ctx->flc_lock);
	list_for_each_entry(fl, &ctx->flc_lease, c.flc_list)
		found |= fl->c.flc_file == file;
	spin_unlock(&ctx->flc_lock);
	return found;
}

/*
 * Makes the lease of @file, which the current task has just taken, that of the process
 * @pid, which may be gone, by its descriptor @fd. -ENOENT: it has none.
 */
int cr_shim_lease_set(struct file *file, struct pid *pid, u32 fd)
{
	struct file_lock_context *ctx = locks_inode_context(file_user_inode(file));
	struct file_lease *fl;
	int err = -ENOENT;

	if (!ctx)
		return err;
	spin_lock(&ctx->flc_lock);
	list_for_each_entry(fl, &ctx->flc_lease, c.flc_list) {
		if (fl->c.flc_file != file || !fl->fl_fasync)
			continue;
		fl->c.flc_pid = pid_nr(pid);
		write_lock_irq(&fl->fl_fasync->fa_lock);
		fl->fl_fasync->fa_fd = fd;
		write_unlock_irq(&fl->fl_fasync->fa_lock);
		err = 0;
	}
	spin_unlock(&ctx->flc_lock);
	return err;
}
