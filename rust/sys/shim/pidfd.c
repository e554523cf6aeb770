// SPDX-License-Identifier: GPL-2.0
/* pidfds: fs/pidfs.c. */

#include <linux/cgroup.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/list.h>
#include <linux/llist.h>
#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/pidfs.h>
#include <linux/rcupdate.h>
#include <uapi/linux/pidfd.h>
#include <asm/unistd_64.h>

#include "shim.h"
#include "pidfd_types.h"

/* Bits of pidfs_attr.attr_mask. */
#define ATTR_EXIT	0
#define ATTR_COREDUMP	1

bool cr_shim_is_pidfd(struct file *file)
{
	return !IS_ERR(pidfd_pid(file));
}

static u64 cgroup_of(struct task_struct *t)
{
	u64 id;

	rcu_read_lock();
	id = cgroup_id(task_dfl_cgroup(t));
	rcu_read_unlock();
	return id;
}

/*
 * What @file refers to, as seen from @ns, of which @init is the init. -EXDEV:
 * something outside of @ns. -EAGAIN: it ends right now.
 */
int cr_shim_pidfd_read(struct file *file, struct pid_namespace *ns,
		       struct task_struct *init, struct cr_shim_pidfd *out)
{
	struct pid *pid = pidfd_pid(file);
	const struct pidfs_attr *attr = READ_ONCE(pid->attr);
	bool alive;

	memset(out, 0, sizeof(*out));
	if (!pid_nr_ns(pid, ns))
		return -EXDEV;
	if (IS_ERR_OR_NULL(attr))
		return -EAGAIN;
	out->kills = file->f_flags & PIDFD_AUTOKILL;
	out->has_attributes = !list_empty(&attr->xattrs);
	out->dumped = test_bit(ATTR_COREDUMP, &attr->attr_mask);
	rcu_read_lock();
	alive = pid_task(pid, PIDTYPE_PID);
	rcu_read_unlock();
	if (alive) {
		out->tid = pid_nr_ns(pid, ns);
		return 0;
	}
	if (!test_bit(ATTR_EXIT, &attr->attr_mask))
		return -EAGAIN;
	smp_rmb();
	out->ino = pid->ino;
	out->exit_code = attr->exit_code;
	out->nested = pid->level != ns->level;
	out->elsewhere = attr->cgroupid != cgroup_of(init);
	return 0;
}

/* @flags: of pidfd_open(2). */
struct file *cr_shim_pidfd_make(struct pid *pid, u32 flags)
{
	struct file *file;

	file = cr_shim_without_fd(cr_shim_syscall(__NR_pidfd_open, pid_vnr(pid),
						  flags, 0, 0, 0, 0));
	/* Somebody else may have had the descriptor in between. */
	if (!IS_ERR(file) && pidfd_pid(file) != pid) {
		fput(file);
		return ERR_PTR(-EBADF);
	}
	return file;
}

/*
 * One of a process in @ns that has ended, in the cgroup of @init, and is not
 * even a zombie: of a number that nobody has had.
 */
struct file *cr_shim_pidfd_make_dead(struct pid_namespace *ns,
				     struct task_struct *init, s32 exit_code,
				     u32 flags)
{
	struct pid *pid = alloc_pid(ns, NULL, 0);
	struct file *file;

	if (IS_ERR(pid))
		return ERR_CAST(pid);
	file = pidfs_alloc_file(pid, flags | O_RDWR | PIDFD_STALE);
	if (!IS_ERR(file)) {
		pid->attr->cgroupid = cgroup_of(init);
		pid->attr->exit_code = exit_code;
		/* As fs/pidfs.c:pidfs_exit(). */
		smp_wmb();
		set_bit(ATTR_EXIT, &pid->attr->attr_mask);
	}
	free_pid(pid);
	return file;
}

/* Another one of the same. */
struct file *cr_shim_pidfd_make_same(struct file *file, u32 flags)
{
	return pidfs_alloc_file(pidfd_pid(file), flags | O_RDWR | PIDFD_STALE);
}
