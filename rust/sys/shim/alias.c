// SPDX-License-Identifier: GPL-2.0
/*
 * Names of inodes: what watches a file, or has it open under a name that it has
 * no more, leads to an inode.
 */

#include <linux/dcache.h>
#include <linux/fs.h>
#include <linux/mount.h>
#include <linux/namei.h>

#include "mount.h"
#include "shim.h"

/*
 * The @n-th mount of a file system in a mount namespace, referenced; or NULL.
 * Those that have a namespace are in its tree for as long as the lock is held.
 */
static struct vfsmount *mount_of(const struct super_block *sb,
				 const struct mnt_namespace *ns, u32 n)
{
	struct vfsmount *found = NULL;
	struct mount *m;

	read_seqlock_excl(&mount_lock);
	for (m = sb->s_mounts; m && !found; m = m->mnt_next_for_sb)
		if (m->mnt_ns == ns && !n--)
			found = mntget(&m->mnt);
	read_sequnlock_excl(&mount_lock);
	return found;
}

/* The @n-th of the entries that lead to @inode, referenced; or NULL. */
static struct dentry *alias_of(struct inode *inode, u32 n)
{
	struct dentry *found = NULL, *alias;

	spin_lock(&inode->i_lock);
	for_each_alias(alias, inode) {
		spin_lock(&alias->d_lock);
		if (!d_unlinked(alias) && !n--)
			found = dget_dlock(alias);
		spin_unlock(&alias->d_lock);
		if (found)
			break;
	}
	spin_unlock(&inode->i_lock);
	return found;
}

/* A name of @alias below @root, by any mount: as cr_shim_path_name(). */
static int name_of(struct dentry *alias, const struct path *root, char *buf,
		   u32 size, u32 *start)
{
	const struct mnt_namespace *ns = real_mount(root->mnt)->mnt_ns;
	struct path path = { .dentry = alias };
	int err = -EXDEV, this;
	u32 n;

	for (n = 0; (path.mnt = mount_of(alias->d_sb, ns, n)); n++) {
		this = -EXDEV;
		if (is_subdir(alias, path.mnt->mnt_root))
			this = cr_shim_path_name(&path, root, buf, size, start);
		mntput(path.mnt);
		if (!this || this == -ENAMETOOLONG)
			return this;
		if (this == -ESTALE)
			err = this;
	}
	return err;
}

/*
 * A name of @inode below @root: @buf + *@start, up to the end of @buf, where a
 * NUL is. -ENOENT: it has none, or none that the kernel remembers; -EXDEV: none
 * below @root; -ESTALE: all that it has there lead elsewhere.
 */
int cr_shim_inode_name(struct inode *inode, const struct path *root, char *buf,
		       u32 size, u32 *start)
{
	struct dentry *alias;
	int err = -ENOENT, this;
	u32 n;

	for (n = 0; (alias = alias_of(inode, n)); n++) {
		this = name_of(alias, root, buf, size, start);
		dput(alias);
		if (!this || this == -ENAMETOOLONG)
			return this;
		if (err != -ESTALE)
			err = this;
	}
	return err;
}

/* The same of any mount of a file system. */
int cr_shim_super_name(struct super_block *sb, const struct path *root, char *buf,
		       u32 size, u32 *start)
{
	struct path path;
	int err = -EXDEV;
	u32 n;

	if (root->mnt->mnt_sb == sb)
		return cr_shim_path_name(root, root, buf, size, start);
	for (n = 0; err; n++) {
		path.mnt = mount_of(sb, real_mount(root->mnt)->mnt_ns, n);
		if (!path.mnt)
			break;
		path.dentry = path.mnt->mnt_root;
		err = cr_shim_path_name(&path, root, buf, size, start);
		mntput(path.mnt);
	}
	return err;
}

/* The same for what @file has open, whatever the name that it was opened by. */
int cr_shim_file_other_name(struct file *file, const struct path *root, char *buf,
			    u32 size, u32 *start)
{
	return cr_shim_inode_name(d_inode(file_user_path(file)->dentry), root, buf,
				  size, start);
}

void cr_shim_inode_put(struct inode *inode)
{
	iput(inode);
}

/* Type, and whether names on its file system lead to what they led to. */
u32 cr_shim_inode_type(const struct inode *inode, bool *plain)
{
	*plain = cr_shim_fs_is_plain(inode->i_sb);
	return inode->i_mode & S_IFMT;
}

/* As cr_shim_lookup(); but a symbolic link at its end stands for itself. */
int cr_shim_lookup_itself(const struct path *root, const char *name,
			  struct path *path, u32 *type)
{
	int err = vfs_path_lookup(root->dentry, root->mnt, name,
				  LOOKUP_NO_SYMLINKS, path);

	if (!err)
		*type = d_inode(path->dentry)->i_mode & S_IFMT;
	return err;
}
