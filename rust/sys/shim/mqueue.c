// SPDX-License-Identifier: GPL-2.0
/*
 * POSIX message queues: files of a file system that each IPC namespace has.
 *
 * A queue is told by its entry in the only directory of that, which whoever has it
 * open keeps, also when the name is gone.
 */

#include <linux/dcache.h>
#include <linux/fdtable.h>
#include <linux/fs.h>
#include <linux/ipc_namespace.h>
#include <linux/mount.h>
#include <linux/mqueue.h>
#include <linux/msg.h>
#include <linux/net.h>
#include <linux/pid.h>
#include <linux/rbtree.h>
#include <linux/sched/task.h>
#include <linux/skbuff.h>
#include <linux/user_namespace.h>

#include "shim.h"
#include "mqueue_types.h"

/* ipc/mqueue.c */
#define MQUEUE_MAGIC	0x19800202

bool cr_shim_is_mqueue(const struct inode *inode)
{
	return inode->i_sb->s_magic == MQUEUE_MAGIC && S_ISREG(inode->i_mode);
}

static struct mqueue_inode_info *queue_of(struct dentry *entry)
{
	return container_of(d_inode(entry), struct mqueue_inode_info, vfs_inode);
}

/* How many there are in the namespace, with those that have no name any more. */
u32 cr_shim_mqueue_count(struct ipc_namespace *ipc)
{
	return READ_ONCE(ipc->mq_queues_count);
}

/* The queue at this place among those that have a name, referenced, or NULL. */
struct dentry *cr_shim_mqueue_get(struct ipc_namespace *ipc, u32 place)
{
	struct dentry *root = ipc->mq_mnt->mnt_root, *entry, *found = NULL;

	spin_lock(&root->d_lock);
	hlist_for_each_entry(entry, &root->d_children, d_sib) {
		if (d_really_is_negative(entry) || d_unhashed(entry) || place--)
			continue;
		spin_lock_nested(&entry->d_lock, DENTRY_D_LOCK_NESTED);
		found = dget_dlock(entry);
		spin_unlock(&entry->d_lock);
		break;
	}
	spin_unlock(&root->d_lock);
	return found;
}

/*
 * The queue that @file is, referenced. NULL if it is of another namespace, or was
 * opened through a mount of the file system, by another name.
 */
struct dentry *cr_shim_mqueue_of(struct ipc_namespace *ipc, struct file *file)
{
	if (file->f_path.mnt != ipc->mq_mnt)
		return NULL;
	return dget(file->f_path.dentry);
}

void cr_shim_mqueue_put(struct dentry *entry)
{
	dput(entry);
}

/* References to it: its name, if it has one, ours, and one of each open file. */
u32 cr_shim_mqueue_users(struct dentry *entry)
{
	return d_count(entry);
}

static void read_inode(struct inode *inode, struct cr_img_mqueue *out)
{
	struct user_namespace *ns = current_user_ns();
	struct timespec64 atime = inode_get_atime(inode);
	struct timespec64 mtime = inode_get_mtime(inode);
	struct timespec64 ctime = inode_get_ctime(inode);

	*out = (struct cr_img_mqueue) {
		.mode = inode->i_mode & S_IALLUGO,
		.uid = from_kuid(ns, inode->i_uid),
		.gid = from_kgid(ns, inode->i_gid),
		.flags = inode->i_nlink ? 0 : CR_MQUEUE_REMOVED,
		.atime_sec = atime.tv_sec,
		.atime_nsec = atime.tv_nsec,
		.mtime_sec = mtime.tv_sec,
		.mtime_nsec = mtime.tv_nsec,
		.ctime_sec = ctime.tv_sec,
		.ctime_nsec = ctime.tv_nsec,
	};
}

/* The messages of one priority; where the next ones go. */
static u8 *read_messages(const struct posix_msg_tree_node *node, u8 *to)
{
	struct msg_msg *msg;

	list_for_each_entry(msg, &node->msg_list, m_list) {
		struct cr_img_msg head = {
			.mtype = msg->m_type,
			.length = msg->m_ts,
		};

		memcpy(to, &head, sizeof(head));
		cr_shim_copy_text(msg, to + sizeof(head));
		to += sizeof(head) + msg->m_ts;
	}
	return to;
}

/* A descriptor in @t of the queue, or of its socket @sk, or -1. */
static int fd_of(struct task_struct *t, const struct inode *queue,
		 const struct sock *sk)
{
	struct files_struct *files;
	struct file *file;
	struct socket *sock;
	int found = -1;

	task_lock(t);
	files = t->files;
	if (files)
		spin_lock(&files->file_lock);
	for (int fd = 0; files && fd < files_fdtable(files)->max_fds; fd++) {
		file = files_lookup_fd_locked(files, fd);
		if (!file || file->f_mode & FMODE_PATH)
			continue;
		sock = sock_from_file(file);
		if (sk ? sock && sock->sk == sk : file_inode(file) == queue) {
			found = fd;
			break;
		}
	}
	if (files)
		spin_unlock(&files->file_lock);
	task_unlock(t);
	return found;
}

/*
 * Who is told of the next message, as @ns sees him. False if he cannot be told of it
 * again: one that has executed a program since gets no signal, and keeps others from
 * asking. Nothing changes meanwhile, since all who have the queue open are held; what
 * was asked for from outside is not looked into any further.
 */
static bool read_notification(struct mqueue_inode_info *info,
			      struct pid_namespace *ns,
			      struct cr_img_mqueue *out)
{
	int how, fd = -1, socket = 0;
	struct task_struct *t = NULL;

	spin_lock(&info->lock);
	if (!info->notify_owner) {
		spin_unlock(&info->lock);
		return true;
	}
	how = info->notify.sigev_notify;
	out->notify_pid = pid_nr_ns(info->notify_owner, ns);
	if (out->notify_pid && info->notify_user_ns == current_user_ns())
		t = get_pid_task(info->notify_owner, PIDTYPE_TGID);
	if (t && how == SIGEV_SIGNAL) {
		if (t->self_exec_id != info->notify_self_exec_id)
			out->notify_pid = 0;
		out->flags |= CR_MQUEUE_SIGNALS;
		out->notify_signal = info->notify.sigev_signo;
		out->notify_value =
			(unsigned long)info->notify.sigev_value.sival_ptr;
	} else if (t && how == SIGEV_THREAD) {
		out->flags |= CR_MQUEUE_SOCKET;
		memcpy(out->cookie, info->notify_cookie->data,
		       sizeof(out->cookie));
	}
	spin_unlock(&info->lock);
	if (!t)
		return false;
	fd = fd_of(t, &info->vfs_inode, NULL);
	if (how == SIGEV_THREAD) {
		socket = fd_of(t, NULL, info->notify_sock);
		out->notify_signal = socket;
	}
	out->notify_fd = fd;
	put_task_struct(t);
	return out->notify_pid && fd >= 0 && socket >= 0;
}

/*
 * A queue: its name and its messages are in @buf, and *@length is what they take
 * there; with less @room than that, they are not. False if who is told of the next one
 * cannot be again.
 */
bool cr_shim_mqueue_read(struct dentry *entry, struct pid_namespace *ns,
			 struct cr_img_mqueue *out, u8 *buf, size_t room,
			 size_t *length)
{
	struct mqueue_inode_info *info = queue_of(entry);
	struct rb_node *node;

	read_inode(d_inode(entry), out);
	/* Nobody renames it. */
	out->name_len = entry->d_name.len;
	spin_lock(&info->lock);
	out->max_messages = info->attr.mq_maxmsg;
	out->max_length = info->attr.mq_msgsize;
	out->nr = info->attr.mq_curmsgs;
	*length = out->name_len + info->qsize +
		  out->nr * sizeof(struct cr_img_msg);
	if (*length <= room) {
		memcpy(buf, entry->d_name.name, out->name_len);
		buf += out->name_len;
		for (node = rb_last(&info->msg_tree); node; node = rb_prev(node))
			buf = read_messages(rb_entry(node, struct posix_msg_tree_node,
						     rb_node), buf);
	}
	spin_unlock(&info->lock);
	return read_notification(info, ns, out);
}

/* Gives the queue behind @file its owner, permissions and times. */
int cr_shim_mqueue_finish(struct ipc_namespace *ipc, struct file *file,
			  const struct cr_img_mqueue *in)
{
	struct user_namespace *ns = current_user_ns();
	kuid_t uid = make_kuid(ns, in->uid);
	kgid_t gid = make_kgid(ns, in->gid);
	struct inode *inode = file_inode(file);

	if (!cr_shim_may_set_perm(ipc))
		return -EPERM;
	if (!uid_valid(uid) || !gid_valid(gid))
		return -EINVAL;
	inode_lock(inode);
	inode->i_uid = uid;
	inode->i_gid = gid;
	inode->i_mode = (inode->i_mode & S_IFMT) | in->mode;
	inode_set_atime(inode, in->atime_sec, in->atime_nsec);
	inode_set_mtime(inode, in->mtime_sec, in->mtime_nsec);
	inode_set_ctime(inode, in->ctime_sec, in->ctime_nsec);
	inode_unlock(inode);
	return 0;
}
