/* SPDX-License-Identifier: GPL-2.0 */
/* Part of shim.h: tasks under construction. */
#ifndef _CR_SHIM_BUILD_H
#define _CR_SHIM_BUILD_H

/* build.c: in the context of a task under construction. */

typedef int (*cr_shim_task_fn)(void *arg);

/**
 * struct cr_shim_spawn - a task to create
 * @fn: runs in the new task; a negative return ends it there
 * @arg: its argument
 * @flags: CLONE_*
 * @exit_signal: sent to the parent
 * @tids: its numbers in the innermost pid namespace and those around it
 * @nr_tids: how many
 * @cgroup: cgroup descriptor for CLONE_INTO_CGROUP
 */
struct cr_shim_spawn {
	cr_shim_task_fn fn;
	void *arg;
	u64 flags;
	u32 exit_signal;
	u32 nr_tids;
	const pid_t *tids;
	int cgroup;
};

int cr_shim_spawn(struct cr_shim_spawn *how);
int cr_shim_sigaction_compat(u32 signal, u64 action);
int cr_shim_compat_robust_list(u32 head);
long cr_shim_syscall(unsigned int nr, u64 a, u64 b, u64 c, u64 d, u64 e, u64 f);
long cr_shim_call_again(u32 nr, const u64 *args);
void cr_shim_forget_caller(void);
void cr_shim_rseq_adopt(struct task_struct *t, u32 cpu_id, u32 node_id,
			u32 mm_cid, bool interrupted);
void cr_shim_set_fault(const u64 *fault);
void cr_shim_set_continued(void);
void cr_shim_set_stop(struct task_struct *t, u32 signal, bool complete,
		      bool waited);
void cr_shim_join_stop(struct task_struct *t, u32 signal, bool awaited);
void cr_shim_mm_layout(const struct cr_img_mm *in);
void cr_shim_mm_peaks_set(const struct cr_img_mm *in);
bool cr_shim_pkeys_set(u32 pkeys, u32 exec_pkey);
int cr_shim_unmap_all(void);
int cr_shim_map(struct file *file, u64 addr, u64 len, u32 prot, u32 flags,
		u64 offset);
int cr_shim_scratch_write(u64 addr, const void *buf, u32 len);
int cr_shim_user_read(u64 addr, void *buf, u32 len);
int cr_shim_install_fd(u32 fd, struct file *file, bool cloexec);
int cr_shim_install_any(struct file *file);
int cr_shim_set_groups_ids(struct task_struct *t, struct pid *pgrp,
			   struct pid *session, bool leader);
bool cr_shim_is_zombie(struct task_struct *t);
u32 cr_shim_wait_status(struct task_struct *t);
bool cr_shim_zombie_status(struct task_struct *t, u32 *status);
void cr_shim_kill(struct task_struct *t);
int cr_shim_set_groups(const u32 *groups, u32 nr);
int cr_shim_restart_block(const struct cr_img_thread *in);
void cr_shim_set_sigmask(u64 blocked, u64 saved, bool restore);
void cr_shim_want_restart(void);
int cr_shim_set_oom_score_adj(int adj, int min);
void cr_shim_set_default_slack(u64 ns);
void cr_shim_set_execed(bool execed);
bool cr_shim_set_parent(struct task_struct *t, struct task_struct *parent,
			bool execed);
int cr_shim_share_files(struct task_struct *t);
int cr_shim_share_fs(struct task_struct *t);
bool cr_shim_set_exit_signal(struct task_struct *t, u32 signal);
void __noreturn cr_shim_exit_zombie(u32 code);
void cr_shim_set_has_subreaper(void);
void cr_shim_set_nproc_exceeded(bool exceeded);
bool cr_shim_fresh_pidns(void);
struct mm_struct *cr_shim_current_mm(void);

#endif /* _CR_SHIM_BUILD_H */
