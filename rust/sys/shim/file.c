// SPDX-License-Identifier: GPL-2.0
/* Open files, their names, locks, and shared memory objects. */

#include <linux/dcache.h>
#include <linux/fdtable.h>
#include <linux/file.h>
#include <linux/filelock.h>
#include <linux/hugetlb.h>
#include <linux/kernfs.h>
#include <linux/magic.h>
#include <linux/major.h>
#include <linux/mount.h>
#include <linux/pid_namespace.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/shmem_fs.h>
#include <linux/statfs.h>
#include <linux/string.h>

#include "lock.h"
#include "shim.h"

/*
 * File systems whose files are found again by name, with nothing behind an
 * open file but its offset.
 */
static const char * const plain_fs[] = {
	"9p", "bcachefs", "btrfs", "erofs", "exfat", "ext2", "ext3", "ext4",
	"f2fs", "fuse", "hugetlbfs", "iso9660", "nfs", "nfs4", "overlay", "ramfs",
	"rootfs", "squashfs", "tmpfs", "vfat", "virtiofs", "xfs", "zfs",
};

bool cr_shim_fs_is_plain(const struct super_block *sb)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(plain_fs); i++)
		if (!strcmp(sb->s_type->name, plain_fs[i]))
			return true;
	return false;
}

/* The kernel's own tmpfs, and the same of huge pages: anonymous memory, memfd, SysV segments. */
static bool on_shm_mnt(const struct inode *inode)
{
	switch (inode->i_sb->s_magic) {
	case TMPFS_MAGIC:
		return inode->i_sb->s_flags & SB_NOUSER;
	case HUGETLBFS_MAGIC:
		return inode->i_sb->s_flags & SB_KERNMOUNT;
	default:
		return false;
	}
}

static bool is_memdev(const struct inode *inode)
{
	static const u8 minors[] = { 3, 5, 7, 8, 9 };

	return imajor(inode) == MEM_MAJOR &&
	       memchr(minors, iminor(inode), sizeof(minors));
}

/* What looks like a regular file and is none, by the name of its file system. */
static const char *special_fs(const struct inode *inode)
{
	static const char * const names[][2] = {
		{ "pidfs", "a pidfd" }, { "nsfs", "a namespace" },
		{ "bpf", "a BPF object" }, { "secretmem", "secret memory" },
	};
	int i;

	for (i = 0; i < ARRAY_SIZE(names); i++)
		if (!strcmp(inode->i_sb->s_type->name, names[i][0]))
			return names[i][1];
	return NULL;
}

/* They have a file system of their own, which nobody can mount. */
static bool is_aio_ring(const struct inode *inode)
{
	return !strcmp(inode->i_sb->s_type->name, "aio");
}

static u32 type_of_inode(const struct dentry *dentry, const struct inode *inode)
{
	const char *name;

	if (on_shm_mnt(inode)) {
		name = (const char *)dentry->d_name.name;
		if (!strcmp(name, "dev/zero") || !strcmp(name, HUGETLB_ANON_FILE))
			return CR_SHIM_FILE_SHMEM;
		if (!strncmp(name, "SYSV", 4))
			return CR_SHIM_FILE_SYSV_SHM;
		return cr_shim_is_memfd_name(name) ? CR_SHIM_FILE_MEMFD :
						     CR_SHIM_FILE_OTHER;
	}
	if (is_aio_ring(inode))
		return CR_SHIM_FILE_AIO;
	if (special_fs(inode))
		return CR_SHIM_FILE_OTHER;
	if (cr_shim_is_proc_task(dentry))
		return CR_SHIM_FILE_PROC_TASK;
	if (cr_shim_is_proc_file(dentry, inode))
		return CR_SHIM_FILE_PROC;
	if (cr_shim_is_kernfs_file(inode))
		return CR_SHIM_FILE_KERNFS;
	if (cr_shim_is_mqueue(inode))
		return CR_SHIM_FILE_MQUEUE;
	if (S_ISREG(inode->i_mode))
		return inode->i_nlink ? CR_SHIM_FILE_REG : CR_SHIM_FILE_REMOVED;
	if (S_ISDIR(inode->i_mode))
		return CR_SHIM_FILE_DIR;
	if (S_ISFIFO(inode->i_mode))
		return CR_SHIM_FILE_PIPE;
	if (S_ISCHR(inode->i_mode)) {
		if (is_memdev(inode))
			return CR_SHIM_FILE_MEMDEV;
		switch (imajor(inode)) {
		case TTY_MAJOR:
		case TTYAUX_MAJOR:
		case UNIX98_PTY_MASTER_MAJOR ... UNIX98_PTY_SLAVE_MAJOR + 7:
			return CR_SHIM_FILE_TTY;
		}
	}
	return CR_SHIM_FILE_OTHER;
}

static u32 type_of(struct file *file, const struct inode *inode)
{
	if (file->f_mode & FMODE_PATH)
		return CR_SHIM_FILE_PATH;
	if (cr_shim_is_eventfd(file))
		return CR_SHIM_FILE_EVENTFD;
	if (cr_shim_is_epoll(file))
		return CR_SHIM_FILE_EPOLL;
	if (cr_shim_is_io_uring(file))
		return CR_SHIM_FILE_IO_URING;
	if (cr_shim_is_timerfd(file))
		return CR_SHIM_FILE_TIMERFD;
	if (cr_shim_is_signalfd(file))
		return CR_SHIM_FILE_SIGNALFD;
	if (cr_shim_is_pidfd(file))
		return CR_SHIM_FILE_PIDFD;
	if (cr_shim_is_inotify(file))
		return CR_SHIM_FILE_INOTIFY;
	if (cr_shim_is_bpf_map(file))
		return CR_SHIM_FILE_BPF_MAP;
	if (cr_shim_is_ruleset(file))
		return CR_SHIM_FILE_RULESET;
	if (cr_shim_is_fanotify(file))
		return CR_SHIM_FILE_FANOTIFY;
	if (cr_shim_is_unix_socket(file))
		return CR_SHIM_FILE_SOCKET;
	if (cr_shim_is_inet_socket(file))
		return CR_SHIM_FILE_INET;
	if (cr_shim_is_netlink_socket(file))
		return CR_SHIM_FILE_NETLINK;
	if (cr_shim_is_packet_socket(file))
		return CR_SHIM_FILE_PACKET;
	return type_of_inode(file->f_path.dentry, inode);
}

/* Names that say little of what is behind them are good enough for a place. */
static bool is_lasting_place(const struct dentry *dentry,
			     const struct inode *inode)
{
	static const char * const names[] = {
		"cgroup", "cgroup2", "devpts", "sysfs",
	};
	const char *type = inode->i_sb->s_type->name;

	return !strcmp(type, "devtmpfs") || cr_shim_is_proc_file(dentry, inode) ||
	       (S_ISDIR(inode->i_mode) &&
		match_string(names, ARRAY_SIZE(names), type) >= 0);
}

/* Does a name lead to @inode again, which may be anything? */
bool cr_shim_inode_is_place(struct inode *inode)
{
	struct dentry *dentry = d_find_any_alias(inode);
	bool is_place = cr_shim_fs_is_plain(inode->i_sb);

	if (!dentry)
		return is_place;
	is_place |= cr_shim_is_proc_dir(dentry, inode) || is_lasting_place(dentry, inode);
	dput(dentry);
	return is_place;
}

static void name_of(struct file *file, const struct inode *inode,
		    char *name, size_t size)
{
	const char *dname = (const char *)file->f_path.dentry->d_name.name;
	size_t len = strlen(dname);

	if (special_fs(inode) && !on_shm_mnt(inode))
		strscpy(name, special_fs(inode), size);
	else if (file->f_mode & FMODE_PATH)
		strscpy(name, dname, size);
	else if (!strcmp(dname, "[eventpoll]"))
		strscpy(name, "epoll", size);
	else if (dname[0] == '[' && len < size)
		/* An anonymous inode: "[timerfd]". */
		snprintf(name, size, "%.*s", (int)len - 2, dname + 1);
	else if (S_ISSOCK(inode->i_mode))
		strscpy(name, cr_shim_socket_name(file), size);
	else if (S_ISCHR(inode->i_mode))
		snprintf(name, size, "character device %u:%u", imajor(inode),
			 iminor(inode));
	else if (S_ISBLK(inode->i_mode))
		snprintf(name, size, "block device %u:%u", imajor(inode),
			 iminor(inode));
	else
		strscpy(name, dname, size);
}

/*
 * A directory that the kernel makes up, and in which a position means the same
 * later. In sysfs, it is a hash of the name that comes next, and of the network
 * namespace where there are several things of one name.
 */
static bool is_lasting_dir(const struct file *file, const struct inode *inode)
{
	if (S_ISDIR(inode->i_mode) && inode->i_sb->s_magic == SYSFS_MAGIC)
		return !kernfs_ns_enabled(inode->i_private) ||
		       file->f_pos <= 2 || file->f_pos == INT_MAX;
	return cr_shim_is_proc_dir(file->f_path.dentry, inode);
}

static bool in_list(const struct list_head *locks, const struct file *file)
{
	const struct file_lock *fl;

	list_for_each_entry(fl, locks, c.flc_list)
		if (fl->c.flc_file == file)
			return true;
	return false;
}

/* Is there a lock that was taken through @file, of a type whose locks are lost? */
static bool has_lock(const struct file *file, u32 type,
		     struct file_lock_context *locks)
{
	bool found;

	if (!locks || type == CR_SHIM_FILE_REG || type == CR_SHIM_FILE_DIR ||
	    type == CR_SHIM_FILE_MEMFD || type == CR_SHIM_FILE_REMOVED)
		return false;
	spin_lock(&locks->flc_lock);
	found = in_list(&locks->flc_posix, file) ||
		in_list(&locks->flc_flock, file);
	spin_unlock(&locks->flc_lock);
	return found;
}

bool cr_shim_file_may(struct file *file, bool write)
{
	return file->f_mode & (write ? FMODE_WRITE : FMODE_READ) &&
	       !S_ISDIR(file_inode(file)->i_mode);
}

u32 cr_shim_file_type(struct file *file)
{
	return type_of(file, file_user_inode(file));
}

/* Zeroes stay zeroes if there is nothing to be had. */
static void read_attr(const struct path *path, struct cr_img_file *out)
{
	struct kstat st = {};

	if (vfs_getattr(path, &st, STATX_BASIC_STATS, AT_STATX_SYNC_AS_STAT))
		return;
	out->dev = new_encode_dev(st.dev);
	out->ino = st.ino;
	out->size = st.size;
	out->mtime_ns = timespec64_to_ns(&st.mtime);
	out->rdev = new_encode_dev(st.rdev);
	out->mode = st.mode;
}

/* Which events come of what is done with @file, if that is not as for most: CR_OPEN_*. */
static u32 event_flags(const struct file *file, u32 type)
{
	if (type != CR_SHIM_FILE_REG && type != CR_SHIM_FILE_DIR &&
	    type != CR_SHIM_FILE_REMOVED)
		return 0;
	switch (file->f_mode & FMODE_FSNOTIFY_MASK) {
	case FMODE_NONOTIFY:
		return CR_OPEN_UNTOLD;
	case 0:
		return CR_OPEN_ASKS;
	case FMODE_NONOTIFY_PERM:
		return 0;
	default:
		return CR_OPEN_UNTOLD | CR_OPEN_ASKS;
	}
}

/* The same of a file that was just opened, and that nobody has used. */
void cr_shim_file_set_events(struct file *file, u32 flags)
{
	file_set_fsnotify_mode(file, flags == CR_OPEN_UNTOLD ? FMODE_NONOTIFY :
				     flags == CR_OPEN_ASKS   ? 0 :
				     flags ? FMODE_FSNOTIFY_MASK : FMODE_NONOTIFY_PERM);
}

/* The state of @file; the fields of @out that name other objects stay 0. */
void cr_shim_file_read(struct file *file, struct cr_shim_file *info,
		       struct cr_img_file *out)
{
	const struct path *path = file_user_path(file);
	const struct inode *inode = file_user_inode(file);
	struct file_lock_context *locks = locks_inode_context(inode);

	memset(info, 0, sizeof(*info));
	info->type = type_of(file, inode);
	info->inode = (unsigned long)inode;
	info->count = file_count(file);
	info->readable = file->f_mode & FMODE_READ;
	info->writable = file->f_mode & FMODE_WRITE;
	name_of(file, inode, (char *)info->name, sizeof(info->name));

	if (info->type != CR_SHIM_FILE_REG && cr_shim_has_lease(file))
		info->unsupported |= BIT_ULL(CR_FILE_X_LEASE);
	if (has_lock(file, info->type, locks))
		info->unsupported |= BIT_ULL(CR_FILE_X_LOCK);
	if (d_unlinked(path->dentry) || !inode->i_nlink ||
	    (info->type == CR_SHIM_FILE_KERNFS && cr_shim_kernfs_is_gone(file)))
		info->unsupported |= BIT_ULL(CR_FILE_X_UNLINKED);
	if (!cr_shim_fs_is_plain(inode->i_sb) &&
	    !is_lasting_dir(file, inode) &&
	    !(info->type == CR_SHIM_FILE_PATH &&
	      is_lasting_place(path->dentry, inode)))
		info->unsupported |= BIT_ULL(CR_FILE_X_FS);

	memset(out, 0, sizeof(*out));
	out->flags = file->f_flags | event_flags(file, info->type);
	out->pos = file->f_pos;
	read_attr(path, out);
}

/* The open file with the lowest descriptor >= *@fd, referenced; or NULL. */
struct file *cr_shim_fd_next(struct task_struct *t, u32 *fd, bool *cloexec)
{
	struct file *file = fget_task_next(t, fd);

	if (!file)
		return NULL;
	task_lock(t);
	rcu_read_lock();
	*cloexec = t->files && close_on_exec(*fd, t->files);
	rcu_read_unlock();
	task_unlock(t);
	return file;
}

u32 cr_shim_next_fd(struct task_struct *t)
{
	u32 fd;

	task_lock(t);
	fd = t->files ? t->files->next_fd : 0;
	task_unlock(t);
	return fd;
}

struct file *cr_shim_fd_get(struct task_struct *t, u32 fd)
{
	u32 found = fd;
	struct file *file = fget_task_next(t, &found);

	if (file && found != fd) {
		fput(file);
		file = NULL;
	}
	return file;
}

void cr_shim_file_put(struct file *file)
{
	fput(file);
}

void cr_shim_file_hold(struct file *file)
{
	get_file(file);
}

/*
 * Does a task outside of @ns have @file open, or, with @alike, any file of the
 * same inode?
 */
int cr_shim_outside_file(struct pid_namespace *ns, struct file *file, bool alike)
{
	const struct inode *inode = file_user_inode(file);
	struct file *other;
	struct task_struct *p;
	int found = 0;

	rcu_read_lock();
	for_each_process(p) {
		struct files_struct *files;
		struct fdtable *fdt;
		unsigned int i;

		if (task_pid_nr_ns(p, ns))
			continue;
		task_lock(p);
		files = p->files;
		if (files) {
			spin_lock(&files->file_lock);
			fdt = files_fdtable(files);
			for (i = 0; i < fdt->max_fds && !found; i++) {
				other = rcu_dereference_protected(fdt->fd[i], true);
				if (other == file || (alike && other &&
						      file_user_inode(other) == inode))
					found = task_pid_vnr(p) ?: -1;
			}
			spin_unlock(&files->file_lock);
		}
		task_unlock(p);
		if (found)
			break;
	}
	rcu_read_unlock();
	return found;
}

/*
 * As mmap(MAP_SHARED | MAP_ANONYMOUS) and shmget(2) make it: shmem_zero_setup()
 * and newseg().
 */
struct file *cr_shim_shmem_make(const struct cr_img_shmem *in)
{
	bool is_segment = in->flags & CR_SHMEM_SYSV;
	vma_flags_t flags = EMPTY_VMA_FLAGS;
	char name[14] = "dev/zero";

	if (in->flags & CR_SHMEM_HUGETLB)
		strscpy(name, HUGETLB_ANON_FILE);
	if (in->flags & CR_SHMEM_NORESERVE)
		vma_flags_set(&flags, VMA_NORESERVE_BIT);
	if (is_segment)
		snprintf(name, sizeof(name), "SYSV%08x", in->key);
	if (in->flags & CR_SHMEM_HUGETLB)
		return cr_shim_hugetlb_make(name, in->size,
					    in->flags & CR_SHMEM_GIGANTIC, is_segment);
	return shmem_kernel_file_setup(name, in->size, flags);
}

void cr_shim_shmem_info(struct file *file, struct cr_img_shmem *out)
{
	const char *name = (const char *)file->f_path.dentry->d_name.name;
	struct inode *inode = file_inode(file);

	out->size = PAGE_ALIGN(i_size_read(inode));
	if (is_file_hugepages(file))
		out->flags |= CR_SHMEM_HUGETLB |
			      (cr_shim_is_gigantic(file) ? CR_SHMEM_GIGANTIC : 0);
	else if (SHMEM_I(inode)->flags & SHMEM_F_NORESERVE)
		out->flags |= CR_SHMEM_NORESERVE;
	if (cr_shim_file_type(file) == CR_SHIM_FILE_SYSV_SHM &&
	    !kstrtou32(name + strlen("SYSV"), 16, &out->key))
		out->flags |= CR_SHMEM_SYSV;
}

/* What it is: enum cr_shim_file_type. */
u32 cr_shim_path_read(const struct path *path, struct cr_img_file *out)
{
	memset(out, 0, sizeof(*out));
	read_attr(path, out);
	return type_of_inode(path->dentry, d_inode(path->dentry));
}
