// SPDX-License-Identifier: GPL-2.0
/* Signals that open files send: fs/fcntl.c. */

#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/fs.h>
#include <linux/net.h>
#include <linux/pid.h>
#include <linux/pipe_fs_i.h>
#include <linux/rcupdate.h>

#include "lock.h"
#include "shim.h"

static enum pid_type type_of(u32 kind)
{
	return kind == CR_OWNER_GROUP	? PIDTYPE_PGID :
	       kind == CR_OWNER_PROCESS ? PIDTYPE_TGID :
					  PIDTYPE_PID;
}

static u32 kind_of(enum pid_type type)
{
	return type == PIDTYPE_PGID ? CR_OWNER_GROUP :
	       type == PIDTYPE_TGID ? CR_OWNER_PROCESS :
				      CR_OWNER_THREAD;
}

/*
 * Under the lock of the pipe, as fs/pipe.c:pipe_fasync() changes these lists; or
 * RCU, which keeps their entries.
 */
static bool find_fd(const struct fasync_struct *list, const struct file *file,
		    u32 *fd)
{
	for (; list; list = list->fa_next) {
		if (list->fa_file != file)
			continue;
		*fd = list->fa_fd;
		return true;
	}
	return false;
}

static int async_fd(struct file *file, u32 *fd)
{
	struct inode *inode = file_inode(file);
	struct pipe_inode_info *pipe = inode->i_pipe;
	bool found;

	if (cr_shim_is_inotify(file) || cr_shim_is_socket(file)) {
		rcu_read_lock();
		found = find_fd(cr_shim_is_socket(file) ?
				sock_from_file(file)->wq.fasync_list :
				cr_shim_inotify_fasync(file), file, fd);
		rcu_read_unlock();
		return found ? 0 : -EOPNOTSUPP;
	}
	if (!S_ISFIFO(inode->i_mode) || file->f_mode & FMODE_PATH)
		return -EOPNOTSUPP;
	pipe_lock(pipe);
	found = find_fd(pipe->fasync_readers, file, fd) ||
		find_fd(pipe->fasync_writers, file, fd);
	pipe_unlock(pipe);
	return found ? 0 : -EOPNOTSUPP;
}

/* -EXDEV when somebody outside of @ns gets them. */
static int read_owner(struct fown_struct *owner, struct pid_namespace *ns,
		      struct cr_img_owner *out)
{
	int err = 0;

	read_lock_irq(&owner->lock);
	out->kind = kind_of(owner->pid_type);
	out->uid = from_kuid_munged(current_user_ns(), owner->uid);
	out->euid = from_kuid_munged(current_user_ns(), owner->euid);
	out->signal = owner->signum;
	rcu_read_lock();
	/* A number that is somebody else's by now means nobody. */
	if (pid_task(owner->pid, owner->pid_type)) {
		out->pid = pid_nr_ns(owner->pid, ns);
		err = out->pid ? 0 : -EXDEV;
	}
	rcu_read_unlock();
	read_unlock_irq(&owner->lock);
	return err;
}

/*
 * -ENOENT when @file has never been told to send any; -EOPNOTSUPP when it does,
 * and is none of a pipe, a socket, an inotify instance.
 */
int cr_shim_owner_read(struct file *file, struct pid_namespace *ns,
		       struct cr_img_owner *out)
{
	struct fown_struct *owner = file_f_owner(file);
	/* A lease sets the flag, and tells of nothing else. */
	bool async = file->f_flags & FASYNC && !cr_shim_has_lease(file);
	int err = 0;

	memset(out, 0, sizeof(*out));
	out->fd = CR_OWNER_SYNC;
	if (!owner && !async)
		return -ENOENT;
	if (owner)
		err = read_owner(owner, ns, out);
	if (!err && async)
		err = async_fd(file, &out->fd);
	if (!err && async && cr_shim_is_socket(file) &&
	    test_bit(SOCKWQ_ASYNC_NOSPACE, &sock_from_file(file)->wq.flags))
		out->flags |= CR_OWNER_WANTS_ROOM;
	return err;
}

/* As fcntl(2) does for who may take the identity that had called it. */
int cr_shim_owner_set(struct file *file, struct pid *pid,
		      const struct cr_img_owner *in)
{
	kuid_t uid = make_kuid(current_user_ns(), in->uid);
	kuid_t euid = make_kuid(current_user_ns(), in->euid);
	struct fown_struct *owner;
	int err;

	if (!uid_valid(uid) || !uid_valid(euid) || !valid_signal(in->signal))
		return -EINVAL;
	if ((!uid_eq(uid, current_uid()) || !uid_eq(euid, current_uid())) &&
	    !ns_capable(current_user_ns(), CAP_SETUID))
		return -EPERM;
	err = file_f_owner_allocate(file);
	if (err)
		return err;
	owner = file_f_owner(file);
	__f_setown(file, pid, type_of(in->kind), 1);
	write_lock_irq(&owner->lock);
	owner->uid = uid;
	owner->euid = euid;
	owner->signum = in->signal;
	write_unlock_irq(&owner->lock);
	if (in->fd == CR_OWNER_SYNC)
		return 0;
	if (!file->f_op->fasync)
		return -EINVAL;
	err = file->f_op->fasync(in->fd, file, 1);
	if (in->flags & CR_OWNER_WANTS_ROOM && cr_shim_is_socket(file))
		set_bit(SOCKWQ_ASYNC_NOSPACE, &sock_from_file(file)->wq.flags);
	return min(err, 0);
}
