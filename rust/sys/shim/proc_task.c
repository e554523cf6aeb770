// SPDX-License-Identifier: GPL-2.0
/*
 * Files of processes and threads in procfs, /proc/PID/mem and the like: fs/proc/base.c,
 * fs/proc/task_mmu.c, fs/proc_namespace.c.
 */

#include <linux/cred.h>
#include <linux/ctype.h>
#include <linux/dcache.h>
#include <linux/file.h>
#include <linux/fs_struct.h>
#include <linux/kstrtox.h>
#include <linux/magic.h>
#include <linux/nsproxy.h>
#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/proc_fs.h>
#include <linux/rbtree.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/sched/task.h>
#include <linux/seq_file.h>
#include <linux/seqlock.h>
#include <linux/string.h>

#include "mount.h"
#include "shim.h"

/* As in fs/proc/internal.h. */
typedef int (*proc_write_t)(struct file *, char *, size_t);
#include "proc_types.h"

/* What such a file knows besides its offset. */
enum kind {
	NONE,
	/* Nothing. */
	PLAIN,
	/* How far a sequence of records was read. */
	SEQUENCE,
	/* Whose memory it shows. */
	MEMORY,
	/* Both; records have addresses, or SENTINEL_VMA_*. */
	MAPPINGS,
	/* As SEQUENCE, of the user namespace of the thread, as that of who has opened it sees it. */
	ID_MAP,
	/* The mounts that it shows, and whether it has told of their last change. */
	MOUNTS,
};

/*
 * Files whose openers are asked about when they are written to are not among them, but
 * for ID_MAP, if they cannot be written to.
 */
static const struct {
	const char *name;
	u8 kind;
} kinds[] = {
	{ "arch_status", SEQUENCE },	{ "autogroup", SEQUENCE },
	{ "auxv", MEMORY },		{ "cgroup", SEQUENCE },
	{ "children", SEQUENCE },	{ "cmdline", PLAIN },
	{ "comm", SEQUENCE },		{ "coredump_filter", PLAIN },
	{ "cpuset", SEQUENCE },		{ "environ", MEMORY },
	{ "io", SEQUENCE },		{ "limits", SEQUENCE },
	{ "loginuid", PLAIN },		{ "maps", MAPPINGS },
	{ "mem", MEMORY },		{ "mountinfo", MOUNTS },
	{ "mounts", MOUNTS },		{ "mountstats", MOUNTS },
	{ "numa_maps", MAPPINGS },	{ "oom_adj", PLAIN },
	{ "oom_score", SEQUENCE },	{ "oom_score_adj", PLAIN },
	{ "pagemap", MEMORY },		{ "personality", SEQUENCE },
	{ "sched", SEQUENCE },		{ "schedstat", SEQUENCE },
	{ "sessionid", PLAIN },		{ "smaps", MAPPINGS },
	{ "stack", SEQUENCE },		{ "stat", SEQUENCE },
	{ "statm", SEQUENCE },		{ "status", SEQUENCE },
	{ "syscall", SEQUENCE },	{ "timerslack_ns", SEQUENCE },
	{ "wchan", SEQUENCE },		{ "uid_map", ID_MAP },
	{ "gid_map", ID_MAP },		{ "projid_map", ID_MAP },
	{ "setgroups", ID_MAP },
};

/* Of MAPPINGS, what @next says of a record: SENTINEL_VMA_* are -1 and -2. */
#define NEXT_MAPPING	3
/* Of MOUNTS, the same. */
#define AT_END		1
#define CHANGED		2

static bool is_number(const struct dentry *dentry)
{
	u32 number;

	return isdigit(dentry->d_name.name[0]) &&
	       !kstrtou32((const char *)dentry->d_name.name, 10, &number);
}

/* In a directory of a thread: /proc/PID, /proc/PID/task/TID? Names in procfs do not change. */
static bool is_of_thread(const struct dentry *dentry)
{
	const struct dentry *thread = dentry->d_parent;
	const struct dentry *dir = thread->d_parent;

	if (dentry->d_sb->s_magic != PROC_SUPER_MAGIC || IS_ROOT(dentry) ||
	    IS_ROOT(thread) || !is_number(thread))
		return false;
	return IS_ROOT(dir) ||
	       (!strcmp((const char *)dir->d_name.name, "task") &&
		IS_ROOT(dir->d_parent->d_parent) && is_number(dir->d_parent));
}

static enum kind kind_of(const struct dentry *dentry)
{
	int i;

	for (i = 0; is_of_thread(dentry) && i < ARRAY_SIZE(kinds); i++)
		if (!strcmp((const char *)dentry->d_name.name, kinds[i].name))
			return kinds[i].kind;
	return NONE;
}

bool cr_shim_is_proc_task(const struct dentry *dentry)
{
	return kind_of(dentry) != NONE;
}

static struct proc_maps_private *maps_of(struct file *file)
{
	return ((struct seq_file *)file->private_data)->private;
}

static const struct proc_mounts *mounts_of(struct file *file)
{
	return ((struct seq_file *)file->private_data)->private;
}

/* Whether @t still has what @file has shown since it was opened; under RCU and task_lock(). */
static bool is_same(struct task_struct *t, struct file *file, enum kind kind)
{
	switch (kind) {
	case MEMORY:
		return t->mm && t->mm == file->private_data;
	case MAPPINGS:
		return t->mm && t->mm == maps_of(file)->lock_ctx.mm;
	case MOUNTS:
		return t->nsproxy && t->nsproxy->mnt_ns == mounts_of(file)->ns &&
		       t->fs && path_equal(&t->fs->root, &mounts_of(file)->root);
	case ID_MAP:
		return task_cred_xxx(t, user_ns) ==
		       ((struct seq_file *)file->private_data)->private;
	default:
		return true;
	}
}

/*
 * -EXDEV: it is from a procfs that shows others; -ESRCH: the thread has not got it any
 * more; -EACCES: who has opened it matters, and is not the current task.
 */
static int check(struct file *file, enum kind kind, struct pid_namespace *ns)
{
	const struct proc_inode *inode =
		container_of(file_inode(file), struct proc_inode, vfs_inode);
	struct task_struct *t;
	int err = -ESRCH;

	if (proc_pid_ns(inode->vfs_inode.i_sb) != ns)
		return -EXDEV;
	if (kind == ID_MAP && (file->f_mode & FMODE_WRITE ||
				file->f_cred->user_ns != current_user_ns()))
		return -EACCES;
	rcu_read_lock();
	t = pid_task(inode->pid, PIDTYPE_PID);
	if (t) {
		task_lock(t);
		if (is_same(t, file, kind))
			err = 0;
		task_unlock(t);
	}
	rcu_read_unlock();
	return err;
}

/* Numbers of mounts are others after a restart. -EBUSY: it is not at the beginning or end. */
static int read_mounts(struct file *file, u64 *next)
{
	struct seq_file *seq = file->private_data;
	struct mnt_namespace *ns = mounts_of(file)->ns;
	struct rb_node *last;
	bool at_end = false;

	mutex_lock(&seq->lock);
	*next = seq->poll_event != READ_ONCE(ns->event) ? CHANGED : 0;
	if (file->f_pos && seq->read_pos == file->f_pos && !seq->count) {
		read_seqlock_excl(&mount_lock);
		last = rb_last(&ns->mounts);
		at_end = !last || seq->index > rb_entry(last, struct mount,
							mnt_node)->mnt_id_unique;
		read_sequnlock_excl(&mount_lock);
	}
	mutex_unlock(&seq->lock);
	if (at_end)
		*next |= AT_END;
	return file->f_pos && !at_end ? -EBUSY : 0;
}

/*
 * What @file, which is such a file, of a thread in @ns, has besides its offset: as
 * cr_shim_seq_read(). -EXDEV, -ESRCH, -EACCES: as above; -EBUSY: mounts that were read in part.
 */
int cr_shim_proc_task_read(struct file *file, struct pid_namespace *ns, u64 *next,
			   u8 *buf, u32 room)
{
	enum kind kind = kind_of(file->f_path.dentry);
	struct seq_file *seq = file->private_data;
	int left = check(file, kind, ns);

	*next = 0;
	if (left || kind == PLAIN || kind == MEMORY)
		return left;
	if (kind == MOUNTS)
		return read_mounts(file, next);
	left = cr_shim_seq_read(seq, file->f_pos, next, buf, room);
	/* It begins with the last one that did not fit in: see m_start(). */
	if (kind == MAPPINGS && seq->read_pos == file->f_pos)
		*next = NEXT_MAPPING +
			(seq->index > 0 ? maps_of(file)->last_pos : seq->index);
	return left;
}

/* Opens such a file of a thread in @ns. -ESTALE: the name is that of something else. */
struct file *cr_shim_proc_task_open(const struct path *root, const char *name,
				    u32 flags, struct pid_namespace *ns)
{
	struct file *file = cr_shim_open(root, name, flags);
	enum kind kind;

	if (IS_ERR(file))
		return file;
	kind = kind_of(file->f_path.dentry);
	if (kind == NONE || check(file, kind, ns)) {
		fput(file);
		return ERR_PTR(-ESTALE);
	}
	return file;
}

/* What who polls it was told so far of changes, which a poll changes. */
void cr_shim_proc_task_polled(struct file *file, u64 next)
{
	struct seq_file *seq = file->private_data;

	if (kind_of(file->f_path.dentry) == MOUNTS)
		seq->poll_event = READ_ONCE(mounts_of(file)->ns->event) -
				  (next & CHANGED ? 1 : 0);
}

/* Gives one that was just opened what it has had. -ESTALE: it cannot have that. */
int cr_shim_proc_task_write(struct file *file, u64 pos, u64 next, const u8 *left,
			    u32 len)
{
	enum kind kind = kind_of(file->f_path.dentry);
	struct seq_file *seq = file->private_data;
	int err = 0;

	/* In memory, an address: lseek(2) has no limit for it. */
	file->f_pos = pos;
	switch (kind) {
	case SEQUENCE:
	case ID_MAP:
		return cr_shim_seq_write(seq, pos, next, left, len);
	case MAPPINGS:
		err = cr_shim_seq_write(seq, pos, next, left, len);
		if (next)
			seq->index = maps_of(file)->last_pos = next - NEXT_MAPPING;
		return err;
	case MOUNTS:
		if (next & AT_END) {
			seq->read_pos = pos;
			seq->index = LLONG_MAX;
		}
		cr_shim_proc_task_polled(file, next);
		return 0;
	default:
		return next ? -ESTALE : 0;
	}
}
