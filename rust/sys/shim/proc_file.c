// SPDX-License-Identifier: GPL-2.0
/*
 * The top directory of procfs, and files that are not a process's, such as
 * /proc/stat and /proc/sys/kernel/hostname: fs/proc/generic.c,
 * fs/proc/proc_sysctl.c, fs/seq_file.c.
 */

#include <linux/atomic.h>
#include <linux/completion.h>
#include <linux/ctype.h>
#include <linux/dcache.h>
#include <linux/fs.h>
#include <linux/list.h>
#include <linux/magic.h>
#include <linux/minmax.h>
#include <linux/mutex.h>
#include <linux/proc_fs.h>
#include <linux/rbtree.h>
#include <linux/refcount.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/sysctl.h>

#include "shim.h"

/* As in fs/proc/internal.h. */
typedef int (*proc_write_t)(struct file *, char *, size_t);
#include "proc_types.h"

/*
 * Is it in procfs, and not a process's? Names there do not change; in the top
 * directory, those of processes are numbers.
 */
static bool is_nobodys(const struct dentry *dentry)
{
	if (dentry->d_sb->s_magic != PROC_SUPER_MAGIC)
		return false;
	if (IS_ROOT(dentry))
		return true;
	while (!IS_ROOT(dentry->d_parent))
		dentry = dentry->d_parent;
	return !isdigit(dentry->d_name.name[0]);
}

/* The position in the top directory is made of the number of a process. */
bool cr_shim_is_proc_dir(const struct dentry *dentry, const struct inode *inode)
{
	return S_ISDIR(inode->i_mode) && is_nobodys(dentry);
}

bool cr_shim_is_proc_file(const struct dentry *dentry,
			  const struct inode *inode)
{
	return S_ISREG(inode->i_mode) && is_nobodys(dentry);
}

static struct proc_inode *proc_inode_of(struct file *file)
{
	return container_of(file_inode(file), struct proc_inode, vfs_inode);
}

/*
 * What tells of changes of @file to who polls it; NULL if nothing does. Of all
 * sysctls, only those of the UTS namespace can be polled, and these stay.
 */
static struct ctl_table_poll *poll_of(struct file *file)
{
	const struct ctl_table *table = proc_inode_of(file)->sysctl_entry;
	const char *name = file->f_path.dentry->d_name.name;

	return proc_inode_of(file)->sysctl &&
			       (!strcmp(name, "hostname") || !strcmp(name, "domainname")) ?
		       table->poll :
		       NULL;
}

/* As in fs/proc/inode.c, to keep its module from going. */
#define BIAS	(-1U << 31)

static bool begin_use(struct proc_dir_entry *pde)
{
	return atomic_inc_unless_negative(&pde->in_use);
}

static void end_use(struct proc_dir_entry *pde)
{
	if (atomic_dec_return(&pde->in_use) == BIAS)
		complete(pde->pde_unload_completion);
}

/*
 * What @file, which is such a file, is read by, if that is a sequence of
 * records; NULL if it is not; -ENOENT if it has ended.
 */
static struct seq_file *sequence_of(struct file *file)
{
	struct proc_dir_entry *pde = proc_inode_of(file)->pde;
	bool is_sequence;

	/* A sysctl. */
	if (!pde)
		return NULL;
	if (!begin_use(pde))
		return ERR_PTR(-ENOENT);
	is_sequence = pde->proc_ops->proc_read_iter == seq_read_iter ||
		      pde->proc_ops->proc_read == seq_read;
	end_use(pde);
	return is_sequence ? file->private_data : NULL;
}

/*
 * Where the next read of @seq, by which a file at offset @pos is read, goes on: with
 * what is left of what was made up for the last one, then with a record: @next is its
 * number, plus one; 0 if the offset says all. How much is left; as much as fits is
 * written to @buf.
 */
int cr_shim_seq_read(struct seq_file *seq, u64 pos, u64 *next, u8 *buf, u32 room)
{
	int left = 0;

	*next = 0;
	mutex_lock(&seq->lock);
	/* Else the next read looks for its place by the offset. */
	if (seq->read_pos == pos) {
		*next = seq->index + 1;
		left = min_t(size_t, seq->count, INT_MAX);
		memcpy(buf, seq->buf + seq->from, min_t(u32, left, room));
	}
	mutex_unlock(&seq->lock);
	return left;
}

/* The same; of a sysctl that has changed since somebody has polled it, @next is 1. */
int cr_shim_proc_file_read(struct file *file, u64 *next, u8 *buf, u32 room)
{
	struct seq_file *seq = sequence_of(file);
	struct ctl_table_poll *poll = poll_of(file);

	*next = poll && file->private_data != proc_sys_poll_event(poll);
	return IS_ERR_OR_NULL(seq) ?
		       PTR_ERR_OR_ZERO(seq) :
		       cr_shim_seq_read(seq, file->f_pos, next, buf, room);
}

/* The same for one that was just opened. */
int cr_shim_seq_write(struct seq_file *seq, u64 pos, u64 next, const u8 *left,
		      u32 len)
{
	char *buf = NULL;

	if (!next)
		return 0;
	if (len) {
		/* As seq_read_iter() would: it has room for as much at least. */
		buf = kvmalloc(max_t(size_t, len, PAGE_SIZE), GFP_KERNEL_ACCOUNT);
		if (!buf)
			return -ENOMEM;
		memcpy(buf, left, len);
	}
	mutex_lock(&seq->lock);
	if (buf) {
		kvfree(seq->buf);
		seq->buf = buf;
		seq->size = max_t(size_t, len, PAGE_SIZE);
		seq->from = 0;
		seq->count = len;
	}
	seq->index = next - 1;
	seq->read_pos = pos;
	mutex_unlock(&seq->lock);
	return 0;
}

/* It has told who polls it all, or, if @next is 1, it has changed since. */
void cr_shim_proc_file_polled(struct file *file, u64 next)
{
	struct ctl_table_poll *poll = poll_of(file);

	if (poll)
		file->private_data = proc_sys_poll_event(poll) - !!next;
}

/* -ESTALE: it has no records any more. */
int cr_shim_proc_file_write(struct file *file, u64 pos, u64 next,
			    const u8 *left, u32 len)
{
	struct seq_file *seq = sequence_of(file);

	if (IS_ERR(seq))
		return PTR_ERR(seq);
	file->f_pos = pos;
	if (!seq)
		return next && !poll_of(file) ? -ESTALE : 0;
	return cr_shim_seq_write(seq, pos, next, left, len);
}
