// SPDX-License-Identifier: GPL-2.0
/*
 * inotify: fs/notify/inotify/.
 *
 * Locks: that of the marks of a group, which nobody is removed from it under,
 * around that of its watch descriptors, of a mark, or of its queue.
 */

#include <linux/file.h>
#include <linux/fs.h>
#include <linux/fsnotify_backend.h>
#include <linux/idr.h>
#include <linux/memcontrol.h>
#include <linux/sched/mm.h>
#include <asm/unistd_64.h>

#include "inotify.h"
#include "notify.h"
#include "shim.h"

extern const struct file_operations inotify_fops;

bool cr_shim_is_inotify(struct file *file)
{
	return file->f_op == &inotify_fops;
}

void cr_shim_inotify_read(struct file *file, struct cr_img_inotify *out)
{
	struct fsnotify_group *group = file->private_data;
	struct inotify_group_private_data *data = &group->inotify_data;

	memset(out, 0, sizeof(*out));
	out->max_events = group->max_events;
	spin_lock(&data->idr_lock);
	out->next_wd = idr_get_cursor(&data->idr);
	spin_unlock(&data->idr_lock);
}

/* The mark with the lowest watch descriptor >= *@wd, or NULL. */
static struct inotify_inode_mark *next_mark(struct fsnotify_group *group, int *wd)
{
	struct inotify_group_private_data *data = &group->inotify_data;
	struct inotify_inode_mark *mark;

	fsnotify_group_assert_locked(group);
	spin_lock(&data->idr_lock);
	mark = idr_get_next(&data->idr, wd);
	/* Somebody else is about to remove it. */
	if (mark && !(READ_ONCE(mark->fsn_mark.flags) & FSNOTIFY_MARK_FLAG_ATTACHED))
		mark = ERR_PTR(-EAGAIN);
	spin_unlock(&data->idr_lock);
	return mark;
}

/*
 * The watch with the lowest descriptor >= @wd: its inode, referenced, or NULL
 * when there is none; -EAGAIN when it is just being removed.
 */
struct inode *cr_shim_inotify_watch(struct file *file, int wd,
				    struct cr_img_watch *out)
{
	struct fsnotify_group *group = file->private_data;
	struct inotify_inode_mark *mark;
	struct inode *inode = NULL;

	memset(out, 0, sizeof(*out));
	fsnotify_group_lock(group);
	mark = next_mark(group, &wd);
	if (IS_ERR(mark)) {
		inode = ERR_CAST(mark);
	} else if (mark) {
		inode = igrab(mark->fsn_mark.connector->obj) ?: ERR_PTR(-EAGAIN);
		spin_lock(&mark->fsn_mark.lock);
		out->mask = inotify_mark_user_mask(&mark->fsn_mark);
		spin_unlock(&mark->fsn_mark.lock);
		out->wd = wd;
	}
	fsnotify_group_unlock(group);
	return inode;
}

/*
 * Copies the events that wait: returns how many bytes they take, of which as
 * many as fit are written.
 */
size_t cr_shim_inotify_events(struct file *file, u8 *buf, size_t size)
{
	struct fsnotify_group *group = file->private_data;
	struct fsnotify_event *fse;
	size_t at = 0;

	spin_lock(&group->notification_lock);
	list_for_each_entry(fse, &group->notification_list, list) {
		const struct inotify_event_info *event = INOTIFY_E(fse);
		struct cr_img_inotify_event out = {
			.mask = event->mask,
			.wd = event->wd,
			.cookie = event->sync_cookie,
			.name_len = event->name_len,
		};
		size_t end = at + sizeof(out) + out.name_len;

		if (end <= size) {
			memcpy(buf + at, &out, sizeof(out));
			memcpy(buf + at + sizeof(out), event->name, out.name_len);
		}
		at = end;
	}
	spin_unlock(&group->notification_lock);
	return at;
}

struct file *cr_shim_inotify_make(void)
{
	struct file *file;

	file = cr_shim_without_fd(cr_shim_syscall(__NR_inotify_init1, IN_CLOEXEC,
						  0, 0, 0, 0, 0));
	/* Somebody else may have had the descriptor in between. */
	if (IS_ERR(file) || cr_shim_is_inotify(file))
		return file;
	fput(file);
	return ERR_PTR(-EBADF);
}

/*
 * Makes @file, which watches nothing, that of the current task, to whose cgroup
 * its events are charged. -ENOSPC: it would have room for more than others.
 */
int cr_shim_notify_adopt(struct file *file, u32 max_events)
{
	struct fsnotify_group *group = file->private_data;
	struct mem_cgroup *old = group->memcg;

	if (max_events > group->max_events)
		return -ENOSPC;
	group->max_events = max_events;
	group->memcg = get_mem_cgroup_from_mm(current->mm);
	mem_cgroup_put(old);
	return 0;
}

/* Where the search for the next watch descriptor begins. */
void cr_shim_inotify_set_next(struct file *file, u32 wd)
{
	struct fsnotify_group *group = file->private_data;
	struct inotify_group_private_data *data = &group->inotify_data;

	spin_lock(&data->idr_lock);
	idr_set_cursor(&data->idr, wd);
	spin_unlock(&data->idr_lock);
}

/* Does @file watch what is at @path, under descriptor @wd? */
bool cr_shim_inotify_watches(struct file *file, int wd, const struct path *path)
{
	struct fsnotify_group *group = file->private_data;
	struct inotify_inode_mark *mark;
	int found = wd;
	bool watches;

	fsnotify_group_lock(group);
	mark = next_mark(group, &found);
	watches = !IS_ERR_OR_NULL(mark) && found == wd &&
		  mark->fsn_mark.connector->obj == d_inode(path->dentry);
	fsnotify_group_unlock(group);
	return watches;
}

/*
 * Lets the watch @wd tell of events, of which it has told none so far. -ENOENT:
 * it is gone.
 */
int cr_shim_inotify_arm(struct file *file, int wd, u32 mask)
{
	struct fsnotify_group *group = file->private_data;
	struct inotify_inode_mark *mark;
	int found = wd, err = -ENOENT;

	fsnotify_group_lock(group);
	mark = next_mark(group, &found);
	if (!IS_ERR_OR_NULL(mark) && found == wd) {
		struct fsnotify_mark *fsn = &mark->fsn_mark;

		spin_lock(&fsn->lock);
		if (mask & IN_EXCL_UNLINK)
			fsn->flags |= FSNOTIFY_MARK_FLAG_EXCL_UNLINK;
		if (mask & IN_ONESHOT)
			fsn->flags |= FSNOTIFY_MARK_FLAG_IN_ONESHOT;
		spin_unlock(&fsn->lock);
		fsnotify_modify_mark_mask(fsn, mask & INOTIFY_USER_MASK, 0);
		err = 0;
	}
	fsnotify_group_unlock(group);
	return err;
}

static struct inotify_event_info *new_event(struct fsnotify_group *group,
					    const struct cr_img_inotify_event *in,
					    const u8 *name)
{
	struct inotify_event_info *event;
	struct mem_cgroup *old;

	old = set_active_memcg(group->memcg);
	event = kmalloc(struct_size(event, name, in->name_len + 1),
			GFP_KERNEL_ACCOUNT);
	set_active_memcg(old);
	if (!event)
		return NULL;
	fsnotify_init_event(&event->fse);
	event->mask = in->mask;
	event->wd = in->wd;
	event->sync_cookie = in->cookie;
	event->name_len = in->name_len;
	memcpy(event->name, name, in->name_len);
	event->name[in->name_len] = 0;
	return event;
}

/* Whether anything waits in @file. */
bool cr_shim_notify_has_events(struct file *file)
{
	struct fsnotify_group *group = file->private_data;
	bool empty;

	spin_lock(&group->notification_lock);
	empty = fsnotify_notify_queue_is_empty(group);
	spin_unlock(&group->notification_lock);
	return !empty;
}

/*
 * Puts @event behind those that wait, without a merger and without telling anybody,
 * with notification_lock held. -EEXIST: a second one of those that there is only one of.
 */
int cr_shim_notify_add(struct fsnotify_group *group, struct fsnotify_event *event)
{
	if (!list_empty(&event->list))
		return -EEXIST;
	list_add_tail(&event->list, &group->notification_list);
	group->q_len++;
	return 0;
}

/* The same for an event of a record. */
int cr_shim_inotify_queue(struct file *file, const struct cr_img_inotify_event *in,
			  const u8 *name)
{
	struct fsnotify_group *group = file->private_data;
	struct fsnotify_event *fse = group->overflow_event;
	struct inotify_event_info *event;
	int err;

	if (in->mask != FS_Q_OVERFLOW) {
		event = new_event(group, in, name);
		if (!event)
			return -ENOMEM;
		fse = &event->fse;
	}
	spin_lock(&group->notification_lock);
	err = cr_shim_notify_add(group, fse);
	spin_unlock(&group->notification_lock);
	return err;
}

/*
 * If nobody else has @file: its end tells nobody. An overlay has another file
 * open for a mapping than that which was mapped.
 */
void cr_shim_file_end_quietly(struct file *file)
{
	if (file_count(file) == 1)
		file_set_fsnotify_mode(file, FMODE_NONOTIFY);
}

/* Who is told by a signal. */
const struct fasync_struct *cr_shim_inotify_fasync(struct file *file)
{
	struct fsnotify_group *group = file->private_data;

	return READ_ONCE(group->fsn_fa);
}
