// SPDX-License-Identifier: GPL-2.0
/*
 * Memory that somebody in user space provides by means of userfaultfd(2). Were
 * the last reference to one dropped too early, by the death of that process, say,
 * the kernel would take what is missing for zeroes, and nobody would notice. So
 * a file keeps them all, and drops them when it is told that nothing is missing
 * any more, or when the container is dead.
 */

#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/overflow.h>
#include <linux/pid.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/cr.h>

#include "shim.h"

struct lazy {
	struct pid *init;
	bool done;
	u32 nr;
	struct file *files[] __counted_by(nr);
};

/* The last one of a pid namespace that dies is its init. */
static bool lives(struct pid *init)
{
	struct task_struct *t;
	bool alive;

	rcu_read_lock();
	t = pid_task(init, PIDTYPE_TGID);
	alive = t && !READ_ONCE(t->exit_state);
	rcu_read_unlock();
	return alive;
}

/* One of the tasks for which its init waits before it dies. */
static bool is_inside(struct pid *init)
{
	return pid_nr_ns(task_pid(current), ns_of_pid(init));
}

static int lazy_release(struct inode *inode, struct file *file)
{
	struct lazy *lazy = file->private_data;
	u32 i;

	if (!READ_ONCE(lazy->done)) {
		kill_pid(lazy->init, SIGKILL, 1);
		/* A caller that has given it to the container has given up the container. */
		while (lives(lazy->init) && !is_inside(lazy->init))
			schedule_timeout_idle(1);
	}
	for (i = 0; i < lazy->nr; i++)
		fput(lazy->files[i]);
	put_pid(lazy->init);
	kfree(lazy);
	return 0;
}

static long lazy_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct lazy *lazy = file->private_data;

	if (cmd != CR_IOC_LAZY_DONE)
		return -ENOTTY;
	WRITE_ONCE(lazy->done, true);
	return 0;
}

static const struct file_operations lazy_fops = {
	.owner = THIS_MODULE,
	.release = lazy_release,
	.unlocked_ioctl = lazy_ioctl,
};

/* A file that takes references to @files, for as long as @init may need them. */
struct file *cr_shim_lazy_file(struct task_struct *init, struct file **files,
			       u32 nr)
{
	struct lazy *lazy = kzalloc(struct_size(lazy, files, nr), GFP_KERNEL);
	struct file *file;
	u32 i;

	if (!lazy)
		return ERR_PTR(-ENOMEM);
	lazy->init = get_task_pid(init, PIDTYPE_TGID);
	lazy->nr = nr;
	file = anon_inode_getfile("[cr-lazy]", &lazy_fops, lazy, O_RDWR);
	if (IS_ERR(file)) {
		put_pid(lazy->init);
		kfree(lazy);
		return file;
	}
	for (i = 0; i < nr; i++)
		lazy->files[i] = get_file(files[i]);
	return file;
}
