// SPDX-License-Identifier: GPL-2.0
/* Paths and names: fs/namei.c, fs/d_path.c. */

#include <linux/dcache.h>
#include <linux/file.h>
#include <linux/fs_struct.h>
#include <linux/mount.h>
#include <linux/namei.h>
#include <linux/path.h>
#include <linux/sched/task.h>

#include "shim.h"

int cr_shim_task_root(struct task_struct *t, struct path *root)
{
	int err = -ESRCH;

	task_lock(t);
	if (t->fs) {
		get_fs_root(t->fs, root);
		err = 0;
	}
	task_unlock(t);
	return err;
}

int cr_shim_task_cwd(struct task_struct *t, struct path *cwd, u32 *umask)
{
	int err = -ESRCH;

	task_lock(t);
	if (t->fs) {
		get_fs_pwd(t->fs, cwd);
		*umask = t->fs->umask;
		err = 0;
	}
	task_unlock(t);
	return err;
}

void cr_shim_current_root(struct path *path)
{
	get_fs_root(current->fs, path);
}

int cr_shim_path_of_fd(int fd, struct path *path)
{
	struct file *file = fget_raw(fd);
	int err = -EBADF;

	if (!file)
		return err;
	err = -ENOTDIR;
	if (S_ISDIR(file_inode(file)->i_mode)) {
		*path = file->f_path;
		path_get(path);
		err = 0;
	}
	fput(file);
	return err;
}

void cr_shim_path_put(struct path *path)
{
	path_put(path);
}

bool cr_shim_path_unlinked(const struct path *path)
{
	return d_unlinked(path->dentry);
}

/*
 * The name of @path below @root: @buf + *@start, up to the end of @buf, where
 * a NUL is. -EXDEV: not below @root. -ESTALE: the name leads elsewhere.
 */
int cr_shim_path_name(const struct path *path, const struct path *root,
		      char *buf, u32 size, u32 *start)
{
	char *name = __d_path(path, root, buf, size);
	struct path found, ours;
	bool outside = !name;
	int err;

	/* Opened outside: the container may have it under the same name. */
	if (outside) {
		get_fs_root(current->fs, &ours);
		name = __d_path(path, &ours, buf, size);
		path_put(&ours);
	}
	if (IS_ERR(name))
		return PTR_ERR(name);
	if (!name)
		return -EXDEV;
	*start = name - buf;
	if (d_unlinked(path->dentry))
		return outside ? -EXDEV : 0;
	err = vfs_path_lookup(root->dentry, root->mnt, name, 0, &found);
	if (err && outside)
		return -EXDEV;
	if (err)
		return err == -ENOENT ? -ESTALE : err;
	if (d_inode(found.dentry) != d_inode(path->dentry))
		err = outside ? -EXDEV : -ESTALE;
	path_put(&found);
	return err;
}

int cr_shim_file_name(struct file *file, const struct path *root, char *buf,
		      u32 size, u32 *start)
{
	return cr_shim_path_name(file_user_path(file), root, buf, size, start);
}

/*
 * Names come from d_path(), without symbolic links. Whoever put one there since
 * may have less rights than who looks it up now: -ELOOP.
 */
int cr_shim_lookup(const struct path *root, const char *name,
		   struct path *path)
{
	return vfs_path_lookup(root->dentry, root->mnt, name,
			       LOOKUP_FOLLOW | LOOKUP_NO_SYMLINKS, path);
}

/* As by its name, with all that is asked then; as open_by_handle_at(2) does. */
struct file *cr_shim_path_open(const struct path *path, u32 flags)
{
	return file_open_root(path, "", flags, 0);
}

/* Where @file is, as users see it. */
void cr_shim_path_of(struct file *file, struct path *path)
{
	*path = *file_user_path(file);
	path_get(path);
}

struct file *cr_shim_open(const struct path *root, const char *name, u32 flags)
{
	struct path path;
	struct file *file;
	int err;

	err = cr_shim_lookup(root, name, &path);
	if (err)
		return ERR_PTR(err);
	file = cr_shim_path_open(&path, flags);
	path_put(&path);
	return file;
}
