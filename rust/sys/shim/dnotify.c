// SPDX-License-Identifier: GPL-2.0
/*
 * Directories that send signals: fs/notify/dnotify/dnotify.c.
 *
 * Locks: that of the marks of the one group, under which nobody adds or removes a
 * watch but who tells of an event, around that of the mark of a directory.
 */

#include <linux/dnotify.h>
#include <linux/fs.h>
#include <linux/fsnotify_backend.h>
#include <linux/sched/task.h>

#include "dnotify_types.h"
#include "shim.h"

extern struct fsnotify_group *dnotify_group;

static const struct {
	u32 dn;
	u32 fs;
} events[] = {
	{ DN_ACCESS, FS_ACCESS },
	{ DN_MODIFY, FS_MODIFY },
	{ DN_CREATE, FS_CREATE | FS_MOVED_TO },
	{ DN_DELETE, FS_DELETE | FS_MOVED_FROM },
	{ DN_RENAME, FS_RENAME },
	{ DN_ATTRIB, FS_ATTRIB },
	{ DN_MULTISHOT, FS_DN_MULTISHOT },
};

static u32 mask_of_user(u32 mask)
{
	u32 out = 0;
	int i;

	for (i = 0; i < ARRAY_SIZE(events); i++)
		out |= mask & events[i].fs ? events[i].dn : 0;
	return out;
}

static u32 mask_of_kernel(u32 mask)
{
	u32 out = FS_EVENT_ON_CHILD;
	int i;

	for (i = 0; i < ARRAY_SIZE(events); i++)
		out |= mask & events[i].dn ? events[i].fs : 0;
	return out;
}

static struct fsnotify_mark *find_mark(struct file *file)
{
	if (!S_ISDIR(file_inode(file)->i_mode))
		return NULL;
	return fsnotify_find_inode_mark(file_inode(file), dnotify_group);
}

/*
 * All watches of the directory @file, in the order in which they are told; with
 * identities of open files and descriptor tables. Returns how many, maybe more than
 * @max.
 */
u32 cr_shim_dnotify_read(struct file *file, struct cr_img_dnotify *out, u32 max)
{
	struct fsnotify_mark *mark = find_mark(file);
	struct dnotify_struct *dn;
	u32 n = 0;

	if (!mark)
		return 0;
	spin_lock(&mark->lock);
	dn = container_of(mark, struct dnotify_mark, fsn_mark)->dn;
	for (; dn; dn = dn->dn_next, n++) {
		if (n >= max)
			continue;
		out[n] = (struct cr_img_dnotify){
			.file = (unsigned long)dn->dn_filp,
			.files = (unsigned long)dn->dn_owner,
			.mask = mask_of_user(dn->dn_mask),
			.fd = dn->dn_fd,
		};
	}
	spin_unlock(&mark->lock);
	fsnotify_put_mark(mark);
	return n;
}

/* Puts the watch of @file in the table @files before all others, with other events. */
static bool arm(struct dnotify_mark *mark, struct file *file, const void *files, u32 mask)
{
	struct dnotify_struct **at, *dn;

	for (at = &mark->dn; (dn = *at); at = &dn->dn_next) {
		if (dn->dn_filp != file || dn->dn_owner != files)
			continue;
		*at = dn->dn_next;
		dn->dn_mask = mask;
		dn->dn_next = mark->dn;
		mark->dn = dn;
		return true;
	}
	return false;
}

/*
 * Lets the watch of @file in the descriptor table of @task, which stands still, tell
 * of events, before all others. -ENOENT: there is none.
 */
int cr_shim_dnotify_arm(struct file *file, struct task_struct *task, u32 mask)
{
	struct fsnotify_mark *mark = find_mark(file);
	const void *files;
	bool found;

	if (!mark)
		return -ENOENT;
	task_lock(task);
	files = task->files;
	task_unlock(task);
	mask = mask_of_kernel(mask);
	fsnotify_group_lock(dnotify_group);
	spin_lock(&mark->lock);
	found = arm(container_of(mark, struct dnotify_mark, fsn_mark), file, files, mask);
	spin_unlock(&mark->lock);
	if (found)
		fsnotify_modify_mark_mask(mark, mask & ~FS_DN_MULTISHOT, 0);
	fsnotify_group_unlock(dnotify_group);
	fsnotify_put_mark(mark);
	return found ? 0 : -ENOENT;
}
