/* SPDX-License-Identifier: GPL-2.0 */
/* Part of shim.h: open files, and what is behind them. */
#ifndef _CR_SHIM_FILE_H
#define _CR_SHIM_FILE_H

/* file.c */

#define CR_FILE_X_LEASE		0
#define CR_FILE_X_UNLINKED	1
#define CR_FILE_X_FS		2
#define CR_FILE_X_LOCK		3

enum cr_shim_file_type {
	CR_SHIM_FILE_OTHER,
	CR_SHIM_FILE_REG,
	CR_SHIM_FILE_DIR,
	CR_SHIM_FILE_MEMDEV,
	CR_SHIM_FILE_PIPE,
	CR_SHIM_FILE_SHMEM,
	CR_SHIM_FILE_TTY,
	CR_SHIM_FILE_MEMFD,
	CR_SHIM_FILE_REMOVED,
	CR_SHIM_FILE_SYSV_SHM,
	CR_SHIM_FILE_EVENTFD,
	CR_SHIM_FILE_EPOLL,
	CR_SHIM_FILE_PROC_TASK,
	CR_SHIM_FILE_TIMERFD,
	CR_SHIM_FILE_SIGNALFD,
	CR_SHIM_FILE_PIDFD,
	CR_SHIM_FILE_SOCKET,
	CR_SHIM_FILE_INOTIFY,
	CR_SHIM_FILE_FANOTIFY,
	CR_SHIM_FILE_INET,
	CR_SHIM_FILE_PROC,
	CR_SHIM_FILE_AIO,
	CR_SHIM_FILE_IO_URING,
	CR_SHIM_FILE_NETLINK,
	CR_SHIM_FILE_MQUEUE,
	CR_SHIM_FILE_PATH,
	CR_SHIM_FILE_PACKET,
	CR_SHIM_FILE_KERNFS,
	CR_SHIM_FILE_RULESET,
	CR_SHIM_FILE_BPF_MAP,
};

/**
 * struct cr_shim_file - an open file description
 * @type: enum cr_shim_file_type
 * @inode: identity of the inode
 * @count: references to the description
 * @name: what the kernel calls this kind of file, for messages
 */
struct cr_shim_file {
	u64 unsupported;
	u64 inode;
	u64 count;
	u32 type;
	bool readable;
	bool writable;
	u8 name[32];
};

bool cr_shim_fs_is_plain(const struct super_block *sb);
bool cr_shim_inode_is_place(struct inode *inode);
bool cr_shim_file_may(struct file *file, bool write);
u32 cr_shim_file_type(struct file *file);
void cr_shim_file_read(struct file *file, struct cr_shim_file *info,
		       struct cr_img_file *out);
struct file *cr_shim_fd_next(struct task_struct *t, u32 *fd, bool *cloexec);
u32 cr_shim_next_fd(struct task_struct *t);
struct file *cr_shim_fd_get(struct task_struct *t, u32 fd);
void cr_shim_file_put(struct file *file);
void cr_shim_file_hold(struct file *file);
int cr_shim_task_root(struct task_struct *t, struct path *root);
int cr_shim_task_cwd(struct task_struct *t, struct path *cwd, u32 *umask);
void cr_shim_path_put(struct path *path);
bool cr_shim_path_unlinked(const struct path *path);
int cr_shim_path_name(const struct path *path, const struct path *root,
		      char *buf, u32 size, u32 *start);
int cr_shim_file_name(struct file *file, const struct path *root, char *buf,
		      u32 size, u32 *start);
int cr_shim_outside_file(struct pid_namespace *ns, struct file *file, bool alike);

bool cr_shim_is_proc_dir(const struct dentry *dentry, const struct inode *inode);
bool cr_shim_is_proc_file(const struct dentry *dentry,
			  const struct inode *inode);
int cr_shim_seq_read(struct seq_file *seq, u64 pos, u64 *next, u8 *buf, u32 room);
int cr_shim_seq_write(struct seq_file *seq, u64 pos, u64 next, const u8 *left,
		      u32 len);
int cr_shim_proc_file_read(struct file *file, u64 *next, u8 *buf, u32 room);
int cr_shim_proc_file_write(struct file *file, u64 pos, u64 next,
			    const u8 *left, u32 len);
void cr_shim_proc_file_polled(struct file *file, u64 next);

/* What a file of sysfs or of a cgroup can have that is refused by name: bit numbers. */
#define CR_KERNFS_X_NS		0
#define CR_KERNFS_X_OPENER	1
#define CR_KERNFS_X_GROUPS	2
#define CR_KERNFS_X_LIST	3
#define CR_KERNFS_X_PEAK	4

/**
 * struct cr_shim_kernfs_file - a file of sysfs or of a cgroup, seen from the outside
 * @unsupported: CR_KERNFS_X_*
 * @below: bytes of its name below the mount, if the container is in its cgroup; else 0
 */
struct cr_shim_kernfs_file {
	u64 unsupported;
	u32 below;
};

bool cr_shim_is_kernfs_file(const struct inode *inode);
bool cr_shim_kernfs_is_gone(struct file *file);
int cr_shim_kernfs_file_read(struct file *file, struct task_struct *init,
			     struct cr_shim_kernfs_file *info,
			     struct cr_img_kernfs_file *out, u8 *buf, u32 room);
int cr_shim_kernfs_file_find(const struct path *mount, int cgroup_fd,
			     const char *name, struct path *out);
struct file *cr_shim_kernfs_file_open(const struct path *path, u32 flags,
				      const struct cr_img_kernfs_file *in);
int cr_shim_kernfs_file_write(struct file *file, u64 pos,
			      const struct cr_img_kernfs_file *in, const u8 *left);
void cr_shim_kernfs_file_trigger(struct file *file);

bool cr_shim_is_proc_task(const struct dentry *dentry);
int cr_shim_proc_task_read(struct file *file, struct pid_namespace *ns, u64 *next,
			   u8 *buf, u32 room);
struct file *cr_shim_proc_task_open(const struct path *root, const char *name,
				    u32 flags, struct pid_namespace *ns);
void cr_shim_proc_task_polled(struct file *file, u64 next);
int cr_shim_proc_task_write(struct file *file, u64 pos, u64 next, const u8 *left,
			    u32 len);

/**
 * struct cr_shim_lock - a lock on a file's inode
 * @owner: identity of the descriptor table (POSIX) or description (others)
 * @file: identity of the description it was taken through
 * @pid: POSIX, lease: number of the process that has taken it, 0 if it has none
 * @fd: lease: the descriptor that is told of with the signal
 * @breaking: lease: somebody wants it to end
 * @delegation: it is one of F_SETDELEG
 */
struct cr_shim_lock {
	u64 owner;
	u64 file;
	u64 start;
	u64 end;
	u32 kind;
	u32 exclusive;
	u32 pid;
	u32 fd;
	bool breaking;
	bool delegation;
};

u32 cr_shim_locks_read(struct file *file, struct pid_namespace *ns,
		       struct cr_shim_lock *locks, u32 max);
int cr_shim_lease_set(struct file *file, struct pid *pid, u32 fd);

/**
 * struct cr_shim_pipe - a pipe
 * @inode: identity
 * @nr_packets: buffers in it that are packets
 * @special: holds notifications, or pages that cannot be copied
 */
struct cr_shim_pipe {
	u64 inode;
	u32 readers;
	u32 writers;
	u32 ring_size;
	u32 length;
	u32 uid;
	u32 gid;
	u32 nr_packets;
	bool special;
	bool named;
};

int cr_shim_pipe_read(struct file *file, struct cr_shim_pipe *out);
int cr_shim_pipe_copy(struct file *file, u8 *buf, u32 len);
u32 cr_shim_pipe_packets(struct file *file, struct cr_img_packet *out, u32 room);
int cr_shim_pipe_resize(struct file *file, u32 ring_size);
int cr_shim_pipe_make(struct file **ends, u32 ring_size);
int cr_shim_pipe_chown(struct file *file, u32 uid, u32 gid);
int cr_shim_owner_read(struct file *file, struct pid_namespace *ns,
		       struct cr_img_owner *out);
int cr_shim_owner_set(struct file *file, struct pid *pid,
		      const struct cr_img_owner *in);
void cr_shim_add_flags(struct file *file, u32 flags);
struct file *cr_shim_pipe_reopen(struct file *end, u32 flags);

s64 cr_shim_seek_set(struct file *file, u64 pos);
s64 cr_shim_seek_cur(struct file *file, u64 count);
ssize_t cr_shim_stream_write(struct file *file, const void *buf, size_t len);
ssize_t cr_shim_stream_writev(struct file *file, const struct kvec *parts,
			      u32 nr, size_t len);
ssize_t cr_shim_stream_read(struct file *file, void *buf, size_t len);
ssize_t cr_shim_pwrite(struct file *file, const void *buf, size_t len, u64 pos);
ssize_t cr_shim_pread(struct file *file, void *buf, size_t len, u64 pos);
s64 cr_shim_seek_data(struct file *file, u64 pos, bool hole);
int cr_shim_sync(struct file *file);
struct file *cr_shim_shmem_make(const struct cr_img_shmem *in);
void cr_shim_shmem_info(struct file *file, struct cr_img_shmem *out);
int cr_shim_lookup(const struct path *root, const char *name,
		   struct path *path);
u32 cr_shim_path_read(const struct path *path, struct cr_img_file *out);
struct file *cr_shim_path_open(const struct path *path, u32 flags);
struct file *cr_shim_open(const struct path *root, const char *name, u32 flags);
int cr_shim_path_of_fd(int fd, struct path *path);
void cr_shim_current_root(struct path *path);
void cr_shim_path_of(struct file *file, struct path *path);

/* inode.c */

#define CR_INODE_X_FLAGS	0
#define CR_INODE_X_XATTRS	1
#define CR_INODE_X_SIZE		2

bool cr_shim_is_memfd_name(const char *name);
int cr_shim_inode_read(struct file *file, struct cr_img_inode *out, char *name);
bool cr_shim_is_first_memfd(struct file *file);
struct file *cr_shim_reopen(struct file *file, u32 flags, bool quiet);
struct file *cr_shim_memfd_make(u32 kind, const char *name, u64 size);
int cr_shim_resize(struct file *file, u64 size);
void cr_shim_set_status(struct file *file, u32 flags);
int cr_shim_inode_set(struct file *file, const struct cr_img_inode *in);
int cr_shim_inode_own(struct inode *inode, u32 owner, u32 group);
int cr_shim_removed_dir_read(const struct path *path, struct cr_img_inode *out,
			     u64 *identity);
struct file *cr_shim_tmpfile(const struct path *root, const char *name, u64 size,
			     bool linkable);
void cr_shim_file_put_now(struct file *file);
int cr_shim_page_read(struct file *file, u64 at, void *buf);
int cr_shim_page_write(struct file *file, u64 at, const void *buf);
u32 cr_shim_mappers(struct file *file, u64 *mms, u32 max);

/* removed_dir.c */

int cr_shim_living_directory(const struct path *path, struct path *dir);
bool cr_shim_takes_tmpfiles(const struct path *dir);
int cr_shim_begin_making(const struct path *root, const char *name,
			 struct path *dir);
void cr_shim_end_making(struct path *dir);
struct file *cr_shim_removed_dir(const struct path *root, const char *name);

#endif /* _CR_SHIM_FILE_H */
