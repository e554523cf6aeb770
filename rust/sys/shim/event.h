/* SPDX-License-Identifier: GPL-2.0 */
/* Part of shim.h: files that tell of events, and others without a name. */
#ifndef _CR_SHIM_EVENT_H
#define _CR_SHIM_EVENT_H

/* event.c */
struct file *cr_shim_without_fd(long fd);
long cr_shim_call_with(u32 nr, const u64 args[4], u32 place, const void *arg, size_t size);
struct file *cr_shim_make_with(u32 nr, u32 first, const void *arg, size_t size);
bool cr_shim_is_eventfd(struct file *file);
int cr_shim_eventfd_read(struct file *file, u32 rings, u64 *count, bool *semaphore);
u64 cr_shim_eventfd_identity(struct file *file);
struct file *cr_shim_eventfd_make(u64 count, bool semaphore);
bool cr_shim_is_epoll(struct file *file);
int cr_shim_epoll_read(struct file *file, struct cr_img_epoll_item *out, u32 max);
struct file *cr_shim_epoll_make(void);
int cr_shim_epoll_add(struct file *file, struct file *target,
		      const struct cr_img_epoll_item *in, bool consumed);
int cr_shim_epoll_ready_last(struct file *file, struct file *target, u32 fd);

/* timerfd.c */
bool cr_shim_is_timerfd(struct file *file);
int cr_shim_timerfd_read(struct file *file, struct task_struct *t, u32 *clock,
			 u64 *ticks, struct cr_img_timerfd *out);
struct file *cr_shim_timerfd_make(u32 clock, u64 ticks);
int cr_shim_timerfd_set(struct file *file, u64 ticks,
			const struct cr_img_timerfd *in);

/* signalfd.c */
bool cr_shim_is_signalfd(struct file *file);
u64 cr_shim_signalfd_read(struct file *file);
struct file *cr_shim_signalfd_make(u64 accepted);

/* inotify.c */
bool cr_shim_is_inotify(struct file *file);
void cr_shim_inotify_read(struct file *file, struct cr_img_inotify *out);
struct inode *cr_shim_inotify_watch(struct file *file, int wd,
				    struct cr_img_watch *out);
size_t cr_shim_inotify_events(struct file *file, u8 *buf, size_t size);
struct file *cr_shim_inotify_make(void);
int cr_shim_notify_adopt(struct file *file, u32 max_events);
void cr_shim_inotify_set_next(struct file *file, u32 wd);
bool cr_shim_inotify_watches(struct file *file, int wd, const struct path *path);
int cr_shim_inotify_arm(struct file *file, int wd, u32 mask);
bool cr_shim_notify_has_events(struct file *file);
int cr_shim_inotify_queue(struct file *file, const struct cr_img_inotify_event *in,
			  const u8 *name);
void cr_shim_file_end_quietly(struct file *file);
void cr_shim_file_set_events(struct file *file, u32 flags);
const struct fasync_struct *cr_shim_inotify_fasync(struct file *file);

/* fanotify.c */

/**
 * struct cr_shim_fanotify_mark - what a fanotify group watches, with references
 * @path: of a mount, a place in it
 * @inode: or what else
 * @sb: or the file system
 * @type: as in struct cr_img_fanotify_mark, and the next ones
 */
struct cr_shim_fanotify_mark {
	struct path path;
	struct inode *inode;
	struct super_block *sb;
	u32 type;
	u32 flags;
	u32 mask;
	u32 ignored;
};

bool cr_shim_is_fanotify(struct file *file);
u64 cr_shim_fanotify_flags(struct file *file);
u32 cr_shim_fanotify_max_events(struct file *file);
void cr_shim_fanotify_mark_put(struct cr_shim_fanotify_mark *mark);
int cr_shim_fanotify_marks(struct file *file, const struct path *root,
			   struct cr_shim_fanotify_mark *marks, u32 max);
ssize_t cr_shim_fanotify_events(struct file *file, struct pid_namespace *ns,
				u8 *buf, size_t size, struct path *paths,
				u32 max_paths, u32 *nr_paths);
struct file *cr_shim_fanotify_make(u64 flags);
int cr_shim_fanotify_mark_set(struct file *file, const struct path *path,
			      const struct cr_img_fanotify_mark *in);
int cr_shim_fanotify_queue(struct file *file, const struct cr_img_fanotify_event *in,
			   const u8 *rest, const struct path *path, struct pid *pid);
void cr_shim_fanotify_open(struct file *file);

/* alias.c */
int cr_shim_super_name(struct super_block *sb, const struct path *root, char *buf,
		       u32 size, u32 *start);
int cr_shim_inode_name(struct inode *inode, const struct path *root, char *buf,
		       u32 size, u32 *start);
int cr_shim_file_other_name(struct file *file, const struct path *root, char *buf,
			    u32 size, u32 *start);
void cr_shim_inode_put(struct inode *inode);
u32 cr_shim_inode_type(const struct inode *inode, bool *plain);
int cr_shim_lookup_itself(const struct path *root, const char *name,
			  struct path *path, u32 *type);

/* dnotify.c */

u32 cr_shim_dnotify_read(struct file *file, struct cr_img_dnotify *out, u32 max);
int cr_shim_dnotify_arm(struct file *file, struct task_struct *task, u32 mask);

/* bpf.c */

/* Why a BPF map is not supported, as bit numbers. */
enum {
	CR_BPF_X_TYPE,
	CR_BPF_X_BTF,
	CR_BPF_X_USED,
};

bool cr_shim_is_bpf_map(struct file *file);
u32 cr_shim_bpf_read(struct file *file, struct cr_img_bpf_map *out);
int cr_shim_bpf_elements(struct file *file, u8 *buf, size_t size, size_t *length,
			 u32 *nr);
struct file *cr_shim_bpf_make(const struct cr_img_bpf_map *in);
int cr_shim_bpf_fill(struct file *file, const u8 *elements, u32 nr);
void cr_shim_bpf_freeze(struct file *file);

/* landlock.c */

/* Why an open file is not supported, as bit numbers. */
enum {
	CR_LANDLOCK_X_TRUNCATE,
	CR_LANDLOCK_X_IOCTL,
	CR_LANDLOCK_X_SCOPED,
	CR_LANDLOCK_X_OWNER,
};

const void *cr_shim_landlock_domain(const struct cred *cred);
u32 cr_shim_landlock_read(struct task_struct *t, u32 *log);
bool cr_shim_is_ruleset(struct file *file);
const void *cr_shim_ruleset_of(struct file *file);
u64 cr_shim_landlock_layer(const void *rules, u32 level,
			   struct cr_img_landlock *out);
bool cr_shim_landlock_rule(const void *rules, u32 level, bool ports, u64 *key,
			   struct cr_img_landlock_rule *out, struct inode **inode);
struct file *cr_shim_ruleset_make(const struct cr_img_landlock *in);
int cr_shim_ruleset_add(struct file *file, const struct path *path,
			const struct cr_img_landlock_rule *in);
int cr_shim_landlock_enter(const struct cred *from, u32 log);
u32 cr_shim_landlock_of_file(struct file *file);

/* pidfd.c */

/**
 * struct cr_shim_pidfd - what a pidfd refers to
 * @ino: if that has ended, a number that tells it from others, else 0
 * @tid: its id, if it has not
 * @exit_code: if it has, how
 * @kills: it ends with the pidfd
 * @has_attributes: extended attributes
 * @dumped: it has dumped core
 * @nested: it has ended, in a nested pid namespace
 * @elsewhere: it has ended, in another cgroup than that of init
 */
struct cr_shim_pidfd {
	u64 ino;
	u32 tid;
	s32 exit_code;
	bool kills;
	bool has_attributes;
	bool dumped;
	bool nested;
	bool elsewhere;
};

bool cr_shim_is_pidfd(struct file *file);
int cr_shim_pidfd_read(struct file *file, struct pid_namespace *ns,
		       struct task_struct *init, struct cr_shim_pidfd *out);
struct file *cr_shim_pidfd_make(struct pid *pid, u32 flags);
struct file *cr_shim_pidfd_make_dead(struct pid_namespace *ns,
				     struct task_struct *init, s32 exit_code,
				     u32 flags);
struct file *cr_shim_pidfd_make_same(struct file *file, u32 flags);

/* lazy.c */

struct file *cr_shim_lazy_file(struct task_struct *init, struct file **files,
			       u32 nr);

#endif /* _CR_SHIM_EVENT_H */
