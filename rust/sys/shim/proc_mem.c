// SPDX-License-Identifier: GPL-2.0
/* Memory of a process as a file: /proc/PID/mem, fs/proc/base.c. */

#include <linux/ctype.h>
#include <linux/dcache.h>
#include <linux/file.h>
#include <linux/kstrtox.h>
#include <linux/magic.h>
#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/proc_fs.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/sched/task.h>

#include "shim.h"

/* Names in procfs do not change. */
static u32 number_of(const struct dentry *dentry)
{
	const char *name = (const char *)dentry->d_name.name;
	u32 number;

	if (!isdigit(name[0]) || kstrtou32(name, 10, &number))
		return 0;
	return number;
}

/*
 * Is it that file of a thread: /proc/PID/mem, /proc/PID/task/TID/mem? In the
 * root directory of procfs, nobody but tasks may have a number as a name.
 */
bool cr_shim_is_proc_mem(const struct dentry *dentry)
{
	const struct dentry *thread = dentry->d_parent;
	const struct dentry *dir = thread->d_parent;

	if (dentry->d_sb->s_magic != PROC_SUPER_MAGIC ||
	    strcmp((const char *)dentry->d_name.name, "mem") ||
	    !number_of(thread))
		return false;
	if (IS_ROOT(dir))
		return true;
	return !strcmp((const char *)dir->d_name.name, "task") &&
	       IS_ROOT(dir->d_parent->d_parent) && number_of(dir->d_parent);
}

/*
 * The thread in @ns whose memory @file shows, which is such a file. -EXDEV:
 * it is from a procfs that shows others. -ESRCH: the thread has ended, or has
 * executed another program since.
 */
int cr_shim_proc_mem_read(struct file *file, struct pid_namespace *ns)
{
	const struct dentry *dentry = file->f_path.dentry;
	u32 tid = number_of(dentry->d_parent);
	struct task_struct *t;
	int result = -ESRCH;

	if (proc_pid_ns(dentry->d_sb) != ns)
		return -EXDEV;
	rcu_read_lock();
	t = pid_task(find_pid_ns(tid, ns), PIDTYPE_PID);
	if (t) {
		task_lock(t);
		if (t->mm && t->mm == file->private_data)
			result = tid;
		task_unlock(t);
	}
	rcu_read_unlock();
	return result;
}

/*
 * Opens such a file of the thread @tid in @ns. -ESTALE: the name is that of
 * something else.
 */
struct file *cr_shim_proc_mem_open(const struct path *root, const char *name,
				   u32 flags, u64 pos, u32 tid,
				   struct pid_namespace *ns)
{
	struct file *file = cr_shim_open(root, name, flags);

	if (IS_ERR(file))
		return file;
	if (!cr_shim_is_proc_mem(file->f_path.dentry) ||
	    cr_shim_proc_mem_read(file, ns) != tid) {
		fput(file);
		return ERR_PTR(-ESTALE);
	}
	/* An address: lseek(2) has no limit for it. */
	file->f_pos = pos;
	return file;
}
