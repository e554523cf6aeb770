// SPDX-License-Identifier: GPL-2.0
/*
 * Files of sysfs and of cgroups of version 2: fs/kernfs/file.c, fs/sysfs/file.c,
 * kernel/cgroup/cgroup.c, kernel/sched/psi.c.
 */

#include <linux/capability.h>
#include <linux/cgroup.h>
#include <linux/cred.h>
#include <linux/dcache.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <linux/mount.h>
#include <linux/namei.h>
#include <linux/nsproxy.h>
#include <linux/poll.h>
#include <linux/psi_types.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uidgid.h>

#include "cgroup-internal.h"
#include "kernfs-internal.h"
#include "kernfs_types.h"
#include "shim.h"

/* As in mm/memcontrol.c: nobody has asked for a peak from then on. */
#define OFP_PEAK_UNSET	(-1UL)

bool cr_shim_is_kernfs_file(const struct inode *inode)
{
	return (inode->i_sb->s_magic == CGROUP2_SUPER_MAGIC ||
		inode->i_sb->s_magic == SYSFS_MAGIC) &&
	       S_ISREG(inode->i_mode);
}

static struct kernfs_open_file *open_file_of(struct file *file)
{
	return ((struct seq_file *)file->private_data)->private;
}

/* What a file of a cgroup is; NULL for one of sysfs. */
static const struct cftype *cftype_of(struct kernfs_open_file *of)
{
	const struct inode *inode = file_inode(of->file);

	return inode->i_sb->s_magic == CGROUP2_SUPER_MAGIC ? of_cft(of) : NULL;
}

/* Was the cgroup, or the device, removed? */
bool cr_shim_kernfs_is_gone(struct file *file)
{
	struct kernfs_node *kn = open_file_of(file)->kn;
	bool there = kernfs_get_active(kn);

	if (there)
		kernfs_put_active(kn);
	return !there;
}

/* Do its records come from a walk over tasks, of which it knows where that is? */
static bool is_list(struct kernfs_open_file *of)
{
	return cftype_of(of) && cftype_of(of)->seq_start;
}

static bool is_pressure(struct kernfs_open_file *of)
{
	const struct cftype *cft = cftype_of(of);

	return cft && strends(cft->name, ".pressure") &&
	       strcmp(cft->name, "cgroup.pressure");
}

/* Does it know more than others, such as a peak since it was written to? */
static bool knows_more(struct kernfs_open_file *of)
{
	const struct cgroup_file_ctx *ctx = of->priv;
	const struct cftype *cft = cftype_of(of);

	return cft->open && (!strends(cft->name, "peak") ||
			     ctx->peak.value != OFP_PEAK_UNSET);
}

/* May who has opened it move tasks because of a group, of which several may be? */
static bool has_groups(const struct cred *cred)
{
	int i;

	for (i = 0; i < cred->group_info->ngroups; i++)
		if (!gid_eq(cred->group_info->gid[i], cred->fsgid))
			return !cap_raised(cred->cap_effective, CAP_DAC_OVERRIDE);
	return false;
}

static u64 unsupported(struct kernfs_open_file *of)
{
	const struct cred *opener = of->file->f_cred;
	const struct cgroup_file_ctx *ctx = of->priv;
	u64 found = 0;

	if (opener->user_ns != current_user_ns())
		found |= BIT_ULL(CR_KERNFS_X_OPENER);
	if (!cftype_of(of))
		return found;
	if (ctx->ns != current->nsproxy->cgroup_ns)
		found |= BIT_ULL(CR_KERNFS_X_NS);
	if (is_list(of) && of->file->f_mode & FMODE_WRITE && has_groups(opener))
		found |= BIT_ULL(CR_KERNFS_X_GROUPS);
	if (is_list(of) && of->file->f_pos)
		found |= BIT_ULL(CR_KERNFS_X_LIST);
	if (knows_more(of))
		found |= BIT_ULL(CR_KERNFS_X_PEAK);
	return found;
}

/* The name below the mount of a file of the cgroup that @t is in: its length. */
static u32 below_mount(const struct file *file, struct task_struct *t)
{
	const struct dentry *dentry = file->f_path.dentry;
	const struct dentry *top = file->f_path.mnt->mnt_root;
	u32 len = 0;
	bool own;

	rcu_read_lock();
	own = d_inode(dentry->d_parent)->i_private == task_dfl_cgroup(t)->kn;
	rcu_read_unlock();
	/* Nobody renames cgroups of version 2. */
	for (; own && dentry != top && !IS_ROOT(dentry); dentry = dentry->d_parent)
		len += 1 + dentry->d_name.len;
	return len;
}

#ifdef CONFIG_PSI
static struct psi_trigger *trigger_of(struct kernfs_open_file *of)
{
	struct cgroup_file_ctx *ctx = of->priv;

	return cftype_of(of) ? smp_load_acquire(&ctx->psi.trigger) : NULL;
}

static bool is_of_full(const struct psi_trigger *trigger)
{
#ifdef CONFIG_IRQ_TIME_ACCOUNTING
	if (trigger->state == PSI_IRQ_FULL)
		return true;
#endif
	return trigger->state == PSI_IO_FULL || trigger->state == PSI_MEM_FULL ||
	       trigger->state == PSI_CPU_FULL;
}

static void trigger_read(const struct psi_trigger *trigger,
			 struct cr_img_kernfs_file *out)
{
	out->threshold_us = div_u64(trigger->threshold, NSEC_PER_USEC);
	out->window_us = div_u64(trigger->win.size, NSEC_PER_USEC);
	if (is_of_full(trigger))
		out->flags |= CR_KERNFS_FULL;
	/* One that is only due when the window is over is due after a restart. */
	if (READ_ONCE(trigger->event) || READ_ONCE(trigger->pending_event))
		out->flags |= CR_KERNFS_EVENT;
}
#endif

static struct kernfs_open_node *open_node(const struct kernfs_open_file *of)
{
	return rcu_dereference_protected(of->kn->attr.open, true);
}

static void read_open_file(struct kernfs_open_file *of,
			   struct cr_img_kernfs_file *out)
{
	const struct cred *opener = of->file->f_cred;
#ifdef CONFIG_PSI
	const struct psi_trigger *trigger = trigger_of(of);

	if (trigger)
		trigger_read(trigger, out);
#endif
	if (of->event != atomic_read(&open_node(of)->event))
		out->flags |= CR_KERNFS_CHANGED;
	if (of->file->f_mode & FMODE_WRITE) {
		out->opener = opener->cap_effective.val;
		out->uid = from_kuid_munged(current_user_ns(), opener->fsuid);
		out->gid = from_kgid_munged(current_user_ns(), opener->fsgid);
	}
}

/*
 * @mount_len stays 0. How much is left of the last read; as much as fits is written
 * to @buf. -ENODEV: the cgroup, or the device, was removed.
 */
int cr_shim_kernfs_file_read(struct file *file, struct task_struct *init,
			     struct cr_shim_kernfs_file *info,
			     struct cr_img_kernfs_file *out, u8 *buf, u32 room)
{
	struct kernfs_open_file *of = open_file_of(file);
	int left;

	memset(info, 0, sizeof(*info));
	memset(out, 0, sizeof(*out));
	left = cr_shim_seq_read(of->seq_file, file->f_pos, &out->next, buf, room);
	if (!kernfs_get_active(of->kn))
		return -ENODEV;
	info->unsupported = unsupported(of);
	info->below = below_mount(file, init);
	read_open_file(of, out);
	kernfs_put_active(of->kn);
	out->nr_left = left;
	return left;
}

static struct cgroup *own_cgroup(void)
{
	struct cgroup *cgrp;

	rcu_read_lock();
	do {
		cgrp = task_dfl_cgroup(current);
	} while (!cgroup_tryget(cgrp));
	rcu_read_unlock();
	return cgrp;
}

/* The name of file @name of @cgrp below @mount. -EXDEV: it is not below that. */
static int name_below(const struct path *mount, const struct cgroup *cgrp,
		      const char *name, char *buf, size_t size)
{
	struct kernfs_node *top = d_inode(mount->dentry)->i_private;
	int len;

	if (mount->dentry->d_sb->s_magic != CGROUP2_SUPER_MAGIC ||
	    kernfs_type(top) != KERNFS_DIR)
		return -ESTALE;
	len = kernfs_path_from_node(cgrp->kn, top, buf, size);
	if (len < 0)
		return len;
	if (len + 1 + strlen(name) >= size)
		return -ENAMETOOLONG;
	if (!strncmp(buf, "/..", 3) && (buf[3] == '/' || !buf[3]))
		return -EXDEV;
	buf[len] = '/';
	strscpy(buf + len + 1, name, size - len - 1);
	return 0;
}

/*
 * File @name of the cgroup behind descriptor @cgroup_fd, or, if that is negative, of
 * that of the current task, as it is seen in @mount.
 */
int cr_shim_kernfs_file_find(const struct path *mount, int cgroup_fd,
			     const char *name, struct path *out)
{
	struct cgroup *cgrp;
	char *buf;
	int err;

	buf = kmalloc(PATH_MAX, GFP_KERNEL);
	if (!buf)
		return -ENOMEM;
	cgrp = cgroup_fd < 0 ? own_cgroup() : cgroup_get_from_fd(cgroup_fd);
	err = PTR_ERR_OR_ZERO(cgrp);
	if (!err) {
		err = name_below(mount, cgrp, name, buf, PATH_MAX);
		cgroup_put(cgrp);
	}
	if (!err)
		err = vfs_path_lookup(mount->dentry, mount->mnt, buf,
				      LOOKUP_NO_SYMLINKS, out);
	kfree(buf);
	return err;
}

/*
 * Opens it as who has opened it before, whom the kernel asks about at each write.
 * -EPERM: the current task may not be that.
 */
struct file *cr_shim_kernfs_file_open(const struct path *path, u32 flags,
				      const struct cr_img_kernfs_file *in)
{
	const kernel_cap_t opener = { .val = in->opener };
	struct group_info *none;
	const struct cred *old;
	struct file *file;
	struct cred *cred;

	if ((flags & O_ACCMODE) == O_RDONLY)
		return cr_shim_path_open(path, flags);
	if (!cap_issubset(opener, current_cred()->cap_effective) ||
	    !cr_shim_may_send_as(in->uid, in->gid))
		return ERR_PTR(-EPERM);
	none = groups_alloc(0);
	if (!none)
		return ERR_PTR(-ENOMEM);
	cred = prepare_creds();
	if (!cred) {
		put_group_info(none);
		return ERR_PTR(-ENOMEM);
	}
	cred->cap_effective = opener;
	cred->fsuid = make_kuid(current_user_ns(), in->uid);
	cred->fsgid = make_kgid(current_user_ns(), in->gid);
	set_groups(cred, none);
	put_group_info(none);
	old = override_creds(cred);
	file = cr_shim_path_open(path, flags);
	put_cred(revert_creds(old));
	return file;
}

/* The same trigger again: its window begins anew. */
static int trigger_write(struct file *file, const struct cr_img_kernfs_file *in)
{
	char text[32];
	loff_t at = 0;
	ssize_t n;

	snprintf(text, sizeof(text), "%s %u %u",
		 in->flags & CR_KERNFS_FULL ? "full" : "some",
		 in->threshold_us, in->window_us);
	if (!is_pressure(open_file_of(file)))
		return -ESTALE;
	n = kernel_write(file, text, strlen(text), &at);
	return min(n, 0);
}

/* What one that was just opened has besides, but for an event of its trigger. */
int cr_shim_kernfs_file_write(struct file *file, u64 pos,
			      const struct cr_img_kernfs_file *in, const u8 *left)
{
	struct kernfs_open_file *of = open_file_of(file);
	int err;

	/* Nothing but the beginning of a walk can be found. */
	if (is_list(of) && pos)
		return -ESTALE;
	file->f_pos = pos;
	err = pos ? cr_shim_seq_write(of->seq_file, pos, in->next, left, in->nr_left) : 0;
	if (!err && in->window_us)
		err = trigger_write(file, in);
	mutex_lock(&of->mutex);
	of->event = atomic_read(&open_node(of)->event);
	if (in->flags & CR_KERNFS_CHANGED)
		of->event--;
	mutex_unlock(&of->mutex);
	return err;
}

/* Lets its trigger tell the next who polls it. */
void cr_shim_kernfs_file_trigger(struct file *file)
{
#ifdef CONFIG_PSI
	struct kernfs_open_file *of = open_file_of(file);
	struct psi_trigger *trigger;

	if (!kernfs_get_active(of->kn))
		return;
	trigger = trigger_of(of);
	if (trigger)
		WRITE_ONCE(trigger->event, 1);
	kernfs_put_active(of->kn);
#endif
}
