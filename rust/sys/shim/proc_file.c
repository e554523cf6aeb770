// SPDX-License-Identifier: GPL-2.0
/*
 * The top directory of procfs, and files of it that are not a process's, such
 * as /proc/stat: fs/proc/generic.c, fs/seq_file.c.
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

#include "shim.h"

/* As in fs/proc/internal.h. */
typedef int (*proc_write_t)(struct file *, char *, size_t);
#include "proc_types.h"

/* The position in it is made of the number of a process. */
bool cr_shim_is_proc_root(const struct dentry *dentry)
{
	return dentry->d_sb->s_magic == PROC_SUPER_MAGIC && IS_ROOT(dentry);
}

/* Names in the top directory do not change; those of processes are numbers. */
bool cr_shim_is_proc_file(const struct dentry *dentry,
			  const struct inode *inode)
{
	return dentry->d_sb->s_magic == PROC_SUPER_MAGIC &&
	       S_ISREG(inode->i_mode) && IS_ROOT(dentry->d_parent) &&
	       !isdigit(dentry->d_name.name[0]);
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
	const struct inode *inode = file_inode(file);
	struct proc_dir_entry *pde =
		container_of(inode, struct proc_inode, vfs_inode)->pde;
	const struct proc_ops *ops = pde->proc_ops;
	bool is_sequence;

	if (!begin_use(pde))
		return ERR_PTR(-ENOENT);
	is_sequence = ops->proc_read_iter == seq_read_iter ||
		      ops->proc_read == seq_read;
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

int cr_shim_proc_file_read(struct file *file, u64 *next, u8 *buf, u32 room)
{
	struct seq_file *seq = sequence_of(file);

	*next = 0;
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

/* -ESTALE: it has no records any more. */
int cr_shim_proc_file_write(struct file *file, u64 pos, u64 next,
			    const u8 *left, u32 len)
{
	struct seq_file *seq = sequence_of(file);

	if (IS_ERR(seq))
		return PTR_ERR(seq);
	file->f_pos = pos;
	if (!seq)
		return next ? -ESTALE : 0;
	return cr_shim_seq_write(seq, pos, next, left, len);
}
