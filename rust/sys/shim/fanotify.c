// SPDX-License-Identifier: GPL-2.0
/*
 * fanotify: fs/notify/fanotify/.
 *
 * Locks: that of the marks of a group, which nobody is removed from it under,
 * around that of a mark; that of its queue.
 */

#include <linux/fanotify.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/fsnotify_backend.h>
#include <linux/hash.h>
#include <linux/memcontrol.h>
#include <linux/pid.h>
#include <linux/pidfs.h>
#include <linux/sched/mm.h>
#include <linux/stringhash.h>
#include <asm/unistd_64.h>

#include "fanotify.h"
#include "../../mount.h"
#include "notify.h"
#include "shim.h"

extern const struct file_operations fanotify_fops;

bool cr_shim_is_fanotify(struct file *file)
{
	return file->f_op == &fanotify_fops;
}

/* The flags of the group, and those of the files that it opens above these. */
u64 cr_shim_fanotify_flags(struct file *file)
{
	const struct fsnotify_group *group = file->private_data;

	return (u32)group->fanotify_data.flags |
	       (u64)(u32)group->fanotify_data.f_flags << 32;
}

u32 cr_shim_fanotify_max_events(struct file *file)
{
	const struct fsnotify_group *group = file->private_data;

	return group->max_events;
}

static int take_mount(struct vfsmount *mnt, const struct path *root,
		      struct path *out)
{
	bool ours;

	/* Those that have a namespace are there for as long as the lock is held. */
	read_seqlock_excl(&mount_lock);
	ours = real_mount(mnt)->mnt_ns == real_mount(root->mnt)->mnt_ns;
	if (ours)
		out->mnt = mntget(mnt);
	read_sequnlock_excl(&mount_lock);
	if (!ours)
		return -EXDEV;
	/* Of a mount that the root is in, the root is what has a name. */
	out->dentry = dget(mnt == root->mnt ? root->dentry : mnt->mnt_root);
	return 0;
}

static int take_object(const struct fsnotify_mark_connector *conn,
		       const struct path *root,
		       struct cr_shim_fanotify_mark *out)
{
	struct super_block *sb;

	switch (conn->type) {
	case FSNOTIFY_OBJ_TYPE_INODE:
		out->type = FAN_MARK_INODE;
		out->inode = igrab(conn->obj);
		return out->inode ? 0 : -EAGAIN;
	case FSNOTIFY_OBJ_TYPE_VFSMOUNT:
		out->type = FAN_MARK_MOUNT;
		return take_mount(conn->obj, root, &out->path);
	case FSNOTIFY_OBJ_TYPE_SB:
		sb = conn->obj;
		out->type = FAN_MARK_FILESYSTEM;
		if (!atomic_inc_not_zero(&sb->s_active))
			return -EAGAIN;
		out->sb = sb;
		return 0;
	default:
		return -EOPNOTSUPP;
	}
}

void cr_shim_fanotify_mark_put(struct cr_shim_fanotify_mark *mark)
{
	path_put(&mark->path);
	iput(mark->inode);
	if (mark->sb)
		deactivate_super(mark->sb);
}

/*
 * What the group watches, the oldest mark first, with a reference each: returns how
 * many there are, of which none is taken unless there is room for all. -EAGAIN: one is
 * just being removed; -EXDEV: a mount that is not in the namespace of @root.
 */
int cr_shim_fanotify_marks(struct file *file, const struct path *root,
			   struct cr_shim_fanotify_mark *marks, u32 max)
{
	struct fsnotify_group *group = file->private_data;
	struct fsnotify_mark *mark;
	u32 nr = 0, n = 0;
	int err = 0;

	fsnotify_group_lock(group);
	list_for_each_entry(mark, &group->marks_list, g_list)
		nr++;
	list_for_each_entry_reverse(mark, &group->marks_list, g_list) {
		struct cr_shim_fanotify_mark *out = &marks[n];

		if (nr > max)
			break;
		memset(out, 0, sizeof(*out));
		n++;
		err = -EAGAIN;
		if (!(READ_ONCE(mark->flags) & FSNOTIFY_MARK_FLAG_ATTACHED))
			break;
		err = take_object(mark->connector, root, out);
		if (err == -EAGAIN && mark->flags & FSNOTIFY_MARK_FLAG_NO_IREF) {
			/* It goes with the inode, which is not in use. */
			err = 0;
			n--, nr--;
			continue;
		}
		if (err)
			break;
		spin_lock(&mark->lock);
		out->flags = fanotify_mark_user_flags(mark);
		out->mask = mark->mask;
		out->ignored = mark->ignore_mask;
		spin_unlock(&mark->lock);
	}
	fsnotify_group_unlock(group);
	return err ?: nr;
}

/* Who has done something, in @ns: just a number by now, if that has ended. */
static int read_pid(struct fsnotify_group *group, struct pid *pid,
		    struct pid_namespace *ns, struct cr_img_fanotify_event *out)
{
	struct pid *has_it;

	out->pid = pid_nr_ns(pid, ns);
	if (!out->pid)
		return 0;
	rcu_read_lock();
	has_it = find_pid_ns(out->pid, ns);
	rcu_read_unlock();
	if (has_it == pid)
		return 0;
	/* Somebody else has the number; or there are others; or it shows how it has ended. */
	if (has_it || pid->level != ns->level || FAN_GROUP_FLAG(group, FAN_REPORT_PIDFD))
		return -ESRCH;
	return 0;
}

/* Where the parts of an event are, as they follow it in an image. */
struct parts {
	struct fanotify_fh *dir, *dir2, *object;
	const char *name, *name2;
};

static u64 fsid_of(const __kernel_fsid_t *fsid)
{
	return (u32)fsid->val[0] | (u64)(u32)fsid->val[1] << 32;
}

static int read_event(struct fsnotify_group *group, struct fanotify_event *event,
		      struct pid_namespace *ns, struct cr_img_fanotify_event *out,
		      struct parts *parts)
{
	struct fanotify_info *info = fanotify_event_info(event);

	memset(out, 0, sizeof(*out));
	memset(parts, 0, sizeof(*parts));
	out->mask = event->mask;
	switch (event->type) {
	case FANOTIFY_EVENT_TYPE_FID:
		out->kind = CR_FANOTIFY_FID;
		parts->object = fanotify_event_object_fh(event);
		break;
	case FANOTIFY_EVENT_TYPE_FID_NAME:
		out->kind = CR_FANOTIFY_NAME;
		if (info->dir_fh_totlen)
			parts->dir = fanotify_info_dir_fh(info);
		if (info->dir2_fh_totlen)
			parts->dir2 = fanotify_info_dir2_fh(info);
		if (info->file_fh_totlen)
			parts->object = fanotify_info_file_fh(info);
		parts->name = fanotify_info_name(info);
		parts->name2 = fanotify_info_name2(info);
		out->name_len = info->name_len;
		out->name2_len = info->name2_len;
		/* The file system had no handle to give. */
		if ((!parts->dir && !parts->dir2) || (parts->name && !parts->dir) ||
		    (parts->name2 && !parts->dir2))
			return -EOPNOTSUPP;
		break;
	case FANOTIFY_EVENT_TYPE_PATH:
		out->kind = CR_FANOTIFY_PATH;
		break;
	case FANOTIFY_EVENT_TYPE_OVERFLOW:
		out->kind = CR_FANOTIFY_OVERFLOW;
		return 0;
	case FANOTIFY_EVENT_TYPE_PATH_PERM:
		return -EBUSY;
	default:
		return -EOPNOTSUPP;
	}
	if (fanotify_event_fsid(event))
		out->fsid = fsid_of(fanotify_event_fsid(event));
	if (parts->dir) {
		out->dir_type = parts->dir->type;
		out->dir_len = parts->dir->len;
	}
	if (parts->dir2) {
		out->dir2_type = parts->dir2->type;
		out->dir2_len = parts->dir2->len;
	}
	if (parts->object) {
		out->object_type = parts->object->type;
		out->object_len = parts->object->len;
	}
	return read_pid(group, event->pid, ns, out);
}

static size_t length_of(const struct cr_img_fanotify_event *event)
{
	return (size_t)event->dir_len + event->dir2_len + event->object_len +
	       event->name_len + event->name2_len;
}

static u8 *put(u8 *to, const void *from, size_t len)
{
	if (len)
		memcpy(to, from, len);
	return to + len;
}

static u8 *put_handle(u8 *to, struct fanotify_fh *fh)
{
	return fh ? put(to, fanotify_fh_buf(fh), fh->len) : to;
}

/*
 * The events that wait, without their paths: returns how many bytes they take, and
 * sets *@nr_paths to how many have a path. If there is room for all, they are copied,
 * and the paths referenced, which those are that an error comes with. -EBUSY: somebody waits for an answer; -ESRCH: of somebody
 * whose end cannot be told of again; -EOPNOTSUPP: another one that cannot be saved.
 */
ssize_t cr_shim_fanotify_events(struct file *file, struct pid_namespace *ns,
				u8 *buf, size_t size, struct path *paths,
				u32 max_paths, u32 *nr_paths)
{
	struct fsnotify_group *group = file->private_data;
	struct cr_img_fanotify_event out;
	struct fsnotify_event *fse;
	struct parts parts;
	size_t total = 0;
	int err = 0;

	*nr_paths = 0;
	spin_lock(&group->notification_lock);
	if (!list_empty(&group->fanotify_data.access_list))
		err = -EBUSY;
	list_for_each_entry(fse, &group->notification_list, list) {
		if (err)
			break;
		err = read_event(group, FANOTIFY_E(fse), ns, &out, &parts);
		total += sizeof(out) + length_of(&out);
		*nr_paths += out.kind == CR_FANOTIFY_PATH;
	}
	if (err)
		*nr_paths = 0;
	if (err || total > size || *nr_paths > max_paths)
		goto unlock;
	list_for_each_entry(fse, &group->notification_list, list) {
		/* Somebody may have ended since. */
		err = read_event(group, FANOTIFY_E(fse), ns, &out, &parts) ?: err;
		buf = put(buf, &out, sizeof(out));
		buf = put_handle(buf, parts.dir);
		buf = put_handle(buf, parts.dir2);
		buf = put_handle(buf, parts.object);
		buf = put(buf, parts.name, out.name_len);
		buf = put(buf, parts.name2, out.name2_len);
		if (out.kind == CR_FANOTIFY_PATH) {
			*paths = *fanotify_event_path(FANOTIFY_E(fse));
			path_get(paths++);
		}
	}
unlock:
	spin_unlock(&group->notification_lock);
	return err ?: total;
}

/*
 * A new group, whose queue is closed until it is opened: nobody is told of anything.
 * @flags: as cr_shim_fanotify_flags() returns them. -EPERM: the current task may not
 * have it.
 */
struct file *cr_shim_fanotify_make(u64 flags)
{
	const u32 own = (u32)flags & ~FANOTIFY_INTERNAL_GROUP_FLAGS;
	struct fsnotify_group *group;
	struct file *file;

	file = cr_shim_without_fd(cr_shim_syscall(__NR_fanotify_init,
						  own | FAN_CLOEXEC,
						  flags >> 32, 0, 0, 0, 0));
	if (IS_ERR(file))
		return file;
	/* Somebody else may have had the descriptor in between. */
	if (!cr_shim_is_fanotify(file)) {
		fput(file);
		return ERR_PTR(-EBADF);
	}
	group = file->private_data;
	/* Rights can be given up, but not taken. */
	if (FAN_GROUP_FLAG(group, FANOTIFY_UNPRIV) & ~flags) {
		fput(file);
		return ERR_PTR(-EPERM);
	}
	group->fanotify_data.flags = (u32)flags;
	spin_lock(&group->notification_lock);
	group->shutdown = true;
	spin_unlock(&group->notification_lock);
	return file;
}

static int type_of_object(u32 type, const struct path *path, void **obj)
{
	switch (type) {
	case FAN_MARK_MOUNT:
		*obj = path->mnt;
		return FSNOTIFY_OBJ_TYPE_VFSMOUNT;
	case FAN_MARK_FILESYSTEM:
		*obj = path->mnt->mnt_sb;
		return FSNOTIFY_OBJ_TYPE_SB;
	default:
		*obj = d_inode(path->dentry);
		return FSNOTIFY_OBJ_TYPE_INODE;
	}
}

/*
 * Completes a mark that fanotify_mark(2) has just made, with the mask that it has set
 * or, if there is none, another one. -ENOENT: there is none of what is at @path; -EBUSY:
 * it has another mask.
 */
int cr_shim_fanotify_mark_set(struct file *file, const struct path *path,
			      const struct cr_img_fanotify_mark *in)
{
	struct fsnotify_group *group = file->private_data;
	struct fsnotify_mark *mark;
	unsigned int flags = 0;
	int err = 0, type;
	void *obj;

	if (in->flags & FAN_MARK_IGNORED_SURV_MODIFY)
		flags |= FSNOTIFY_MARK_FLAG_IGNORED_SURV_MODIFY;
	if (in->flags & FAN_MARK_IGNORE)
		flags |= FSNOTIFY_MARK_FLAG_HAS_IGNORE_FLAGS;
	type = type_of_object(in->type, path, &obj);
	fsnotify_group_lock(group);
	mark = fsnotify_find_mark(obj, type, group);
	if (!mark) {
		fsnotify_group_unlock(group);
		return -ENOENT;
	}
	spin_lock(&mark->lock);
	if ((mark->mask ^ in->mask) & ~FAN_EVENT_ON_CHILD) {
		err = -EBUSY;
	} else {
		mark->flags &= ~(FSNOTIFY_MARK_FLAG_IGNORED_SURV_MODIFY |
				 FSNOTIFY_MARK_FLAG_HAS_IGNORE_FLAGS);
		mark->flags |= flags;
		mark->ignore_mask = in->ignored;
		/* The other way round, so that what follows is a change. */
		mark->mask = in->mask ^ FAN_ONDIR;
	}
	spin_unlock(&mark->lock);
	if (!err)
		fsnotify_modify_mark_mask(mark, in->mask & FAN_ONDIR,
					  ~in->mask & FAN_ONDIR);
	fsnotify_group_unlock(group);
	fsnotify_put_mark(mark);
	return err;
}

static unsigned int hash_handle(struct fanotify_fh *fh)
{
	long salt = (long)fh->type | (long)fh->len << 8;

	return full_name_hash((void *)salt, fanotify_fh_buf(fh), fh->len);
}

/* The same as fs/notify/fanotify/fanotify.c mixes, which later events are merged by. */
static unsigned int hash_of(struct fanotify_event *event)
{
	const __kernel_fsid_t *fsid = fanotify_event_fsid(event);
	struct fanotify_info *info = fanotify_event_info(event);
	const struct path *path = fanotify_event_path(event);
	bool ondir = event->mask & FAN_ONDIR;
	unsigned int hash;

	hash = hash_long((unsigned long)event->pid | ondir, FANOTIFY_EVENT_HASH_BITS);
	if (fsid)
		hash ^= hash_32(fsid->val[0], FANOTIFY_EVENT_HASH_BITS) ^
			hash_32(fsid->val[1], FANOTIFY_EVENT_HASH_BITS);
	if (path)
		hash ^= hash_ptr(path->dentry, FANOTIFY_EVENT_HASH_BITS) ^
			hash_ptr(path->mnt, FANOTIFY_EVENT_HASH_BITS);
	if (event->type == FANOTIFY_EVENT_TYPE_FID)
		return hash ^ hash_handle(fanotify_event_object_fh(event));
	if (!info)
		return hash;
	if (info->dir_fh_totlen)
		hash ^= hash_handle(fanotify_info_dir_fh(info));
	if (info->dir2_fh_totlen)
		hash ^= hash_handle(fanotify_info_dir2_fh(info));
	if (info->file_fh_totlen)
		hash ^= hash_handle(fanotify_info_file_fh(info));
	if (info->name_len)
		hash ^= full_name_hash((void *)(long)info->name_len,
				       fanotify_info_name(info), info->name_len);
	if (info->name2_len)
		hash ^= full_name_hash((void *)(long)info->name2_len,
				       fanotify_info_name2(info), info->name2_len);
	return hash;
}

static void set_handle(struct fanotify_fh *fh, u8 type, u8 len, const u8 **from)
{
	fh->type = type;
	fh->len = len;
	memcpy(fanotify_fh_buf(fh), *from, len);
	*from += len;
}

static struct fanotify_event *new_fid_event(const struct cr_img_fanotify_event *in,
					    const u8 *rest)
{
	struct fanotify_fid_event *fid;

	fid = kmem_cache_alloc(fanotify_fid_event_cachep, GFP_KERNEL_ACCOUNT);
	if (!fid)
		return NULL;
	fid->object_fh.flags = 0;
	fid->object_fh.pad = 0;
	if (in->object_len > FANOTIFY_INLINE_FH_LEN) {
		char *room = kmalloc(in->object_len, GFP_KERNEL_ACCOUNT);

		if (!room) {
			kmem_cache_free(fanotify_fid_event_cachep, fid);
			return NULL;
		}
		*fanotify_fh_ext_buf_ptr(&fid->object_fh) = room;
		fid->object_fh.flags = FANOTIFY_FH_FLAG_EXT_BUF;
	}
	set_handle(&fid->object_fh, in->object_type, in->object_len, &rest);
	fid->fae.type = FANOTIFY_EVENT_TYPE_FID;
	return &fid->fae;
}

static struct fanotify_event *new_name_event(const struct cr_img_fanotify_event *in,
					     const u8 *rest)
{
	struct fanotify_name_event *name;
	struct fanotify_info *info;

	/* Each name has a NUL, also one that is not there. */
	name = kzalloc(sizeof(*name) + 3 * FANOTIFY_FH_HDR_LEN + length_of(in) + 2,
		       GFP_KERNEL_ACCOUNT);
	if (!name)
		return NULL;
	info = &name->info;
	if (in->dir_len) {
		set_handle(fanotify_info_dir_fh(info), in->dir_type, in->dir_len, &rest);
		fanotify_info_set_dir_fh(info, FANOTIFY_FH_HDR_LEN + in->dir_len);
	}
	if (in->dir2_len) {
		set_handle(fanotify_info_dir2_fh(info), in->dir2_type, in->dir2_len, &rest);
		fanotify_info_set_dir2_fh(info, FANOTIFY_FH_HDR_LEN + in->dir2_len);
	}
	if (in->object_len) {
		set_handle(fanotify_info_file_fh(info), in->object_type, in->object_len,
			   &rest);
		fanotify_info_set_file_fh(info, FANOTIFY_FH_HDR_LEN + in->object_len);
	}
	info->name_len = in->name_len;
	memcpy(FANOTIFY_NAME_BUF(info), rest, in->name_len);
	rest += in->name_len;
	info->name2_len = in->name2_len;
	memcpy(FANOTIFY_NAME2_BUF(info), rest, in->name2_len);
	name->fae.type = FANOTIFY_EVENT_TYPE_FID_NAME;
	return &name->fae;
}

static struct fanotify_event *new_path_event(const struct path *path)
{
	struct fanotify_path_event *event;

	event = kmem_cache_alloc(fanotify_path_event_cachep, GFP_KERNEL_ACCOUNT);
	if (!event)
		return NULL;
	event->path = *path;
	path_get(path);
	event->fae.type = FANOTIFY_EVENT_TYPE_PATH;
	return &event->fae;
}

static struct fanotify_event *new_event(struct fsnotify_group *group,
					const struct cr_img_fanotify_event *in,
					const u8 *rest, const struct path *path,
					struct pid *pid)
{
	struct fanotify_event *event;
	struct mem_cgroup *old;
	__kernel_fsid_t *fsid;

	old = set_active_memcg(group->memcg);
	event = in->kind == CR_FANOTIFY_PATH ? new_path_event(path) :
		in->kind == CR_FANOTIFY_NAME ? new_name_event(in, rest) :
					       new_fid_event(in, rest);
	set_active_memcg(old);
	if (!event)
		return NULL;
	fanotify_init_event(event, 0, in->mask);
	event->pid = get_pid(pid);
	fsid = fanotify_event_fsid(event);
	if (fsid) {
		fsid->val[0] = (u32)in->fsid;
		fsid->val[1] = in->fsid >> 32;
	}
	event->hash = hash_of(event);
	return event;
}

/*
 * As cr_shim_notify_add(), for an event of a record. @rest: its handles and names;
 * @path: of one with a path; @pid: NULL for somebody outside.
 */
int cr_shim_fanotify_queue(struct file *file, const struct cr_img_fanotify_event *in,
			   const u8 *rest, const struct path *path, struct pid *pid)
{
	struct fsnotify_group *group = file->private_data;
	struct fsnotify_event *fse = group->overflow_event;
	struct fanotify_event *event = NULL;
	int err = 0;

	/* Its pidfd can be made after it has ended. */
	if (pid && FAN_GROUP_FLAG(group, FAN_REPORT_PIDFD))
		err = pidfs_register_pid_gfp(pid, GFP_KERNEL_ACCOUNT);
	if (err)
		return err;
	if (in->kind != CR_FANOTIFY_OVERFLOW) {
		event = new_event(group, in, rest, path, pid);
		if (!event)
			return -ENOMEM;
		fse = &event->fse;
	}
	spin_lock(&group->notification_lock);
	err = cr_shim_notify_add(group, fse);
	if (!err && event)
		hlist_add_head(&event->merge_list, &group->fanotify_data.merge_hash[
			fanotify_event_hash_bucket(group, event)]);
	spin_unlock(&group->notification_lock);
	return err;
}

/* Lets its queue take what happens from now on. */
void cr_shim_fanotify_open(struct file *file)
{
	struct fsnotify_group *group = file->private_data;

	spin_lock(&group->notification_lock);
	group->shutdown = false;
	spin_unlock(&group->notification_lock);
}
