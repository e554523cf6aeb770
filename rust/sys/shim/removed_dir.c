// SPDX-License-Identifier: GPL-2.0
/* Directories that were removed, and the directories that what was removed is made in. */

#include <linux/cred.h>
#include <linux/dcache.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/mount.h>
#include <linux/namei.h>
#include <linux/random.h>

#include "shim.h"

/*
 * The next directory above @path that was not removed, whether @path had a name
 * in it or not. -ENOENT: there is none.
 */
int cr_shim_living_directory(const struct path *path, struct path *dir)
{
	struct dentry *above, *dentry = dget_parent(path->dentry);

	while (d_unlinked(dentry)) {
		above = dget_parent(dentry);
		dput(dentry);
		dentry = above;
	}
	if (dentry == path->dentry) {
		dput(dentry);
		return -ENOENT;
	}
	dir->dentry = dentry;
	dir->mnt = mntget(path->mnt);
	return 0;
}

/* Whether files without a name can be made in it (O_TMPFILE). */
bool cr_shim_takes_tmpfiles(const struct path *dir)
{
	return d_inode(dir->dentry)->i_op->tmpfile;
}

/*
 * The directory with that name below @root, in which something is to be made:
 * until cr_shim_end_making(), its mount is not remounted to be read only.
 */
int cr_shim_begin_making(const struct path *root, const char *name,
			 struct path *dir)
{
	int err = vfs_path_lookup(root->dentry, root->mnt, name, LOOKUP_FOLLOW |
				  LOOKUP_DIRECTORY | LOOKUP_NO_SYMLINKS, dir);

	if (err)
		return err;
	err = mnt_want_write(dir->mnt);
	if (err)
		path_put(dir);
	return err;
}

void cr_shim_end_making(struct path *dir)
{
	mnt_drop_write(dir->mnt);
	path_put(dir);
}

static struct file *open_and_remove(const struct path *dir, struct dentry *child)
{
	struct path path = { .mnt = dir->mnt, .dentry = child };
	struct dentry *removed;
	struct file *file;
	int err;

	file = dentry_open(&path, O_RDONLY | O_DIRECTORY | O_LARGEFILE,
			   current_cred());
	removed = start_removing_dentry(dir->dentry, child);
	err = PTR_ERR_OR_ZERO(removed);
	if (!err) {
		err = vfs_rmdir(mnt_idmap(dir->mnt), d_inode(dir->dentry),
				removed, NULL);
		end_removing(removed);
	}
	if (err && !IS_ERR(file)) {
		fput(file);
		file = ERR_PTR(err);
	}
	return file;
}

/*
 * A directory that was made in the one with that name below @root, and removed
 * again. In between it has a name that nobody else has.
 */
struct file *cr_shim_removed_dir(const struct path *root, const char *name)
{
	char temporary[32];
	struct dentry *child;
	struct file *file;
	struct path dir;
	int err;

	err = cr_shim_begin_making(root, name, &dir);
	if (err)
		return ERR_PTR(err);
	snprintf(temporary, sizeof(temporary), ".cr-%016llx", get_random_u64());
	child = start_creating(mnt_idmap(dir.mnt), dir.dentry, &QSTR(temporary));
	if (!IS_ERR(child))
		/* Lets go of it when it fails. */
		child = vfs_mkdir(mnt_idmap(dir.mnt), d_inode(dir.dentry), child,
				  0700, NULL);
	if (IS_ERR(child)) {
		file = ERR_CAST(child);
	} else {
		child = end_creating_keep(child);
		file = open_and_remove(&dir, child);
		dput(child);
	}
	cr_shim_end_making(&dir);
	return file;
}
