/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What Rust cannot reach by itself: inline functions, macros, structures that
 * bindgen leaves opaque, and the short sequences under RCU or a spinlock that
 * belong together. Every function copies into plain structures and returns an
 * errno; none of them decides anything. Rust sees them through the bindings
 * made of this header.
 */
#ifndef _CR_SHIM_H
#define _CR_SHIM_H

#include <linux/completion.h>
#include <linux/fs.h>
#include <linux/mm_types.h>
#include <linux/path.h>
#include <linux/pid_namespace.h>
#include <linux/sched.h>
#include <linux/task_work.h>
#include <generated/utsrelease.h>
#include <linux/cr.h>
#include <linux/cr_image.h>

/* task.c: finding tasks and reading what they are. */

/* State that a task can have and that is refused by name: bit numbers. */
#define CR_TASK_TRACED		0
#define CR_TASK_STOPPED		2
#define CR_TASK_SECCOMP		3
#define CR_TASK_COMPAT		5
#define CR_TASK_SCHED_EXT	8
#define CR_TASK_CORE_COOKIE	11
#define CR_TASK_SHARED_IO	12
#define CR_TASK_SHSTK		13
#define CR_TASK_IOPERM		15
#define CR_TASK_PERF		18
#define CR_TASK_KEYRING		20
#define CR_TASK_LSM		21
#define CR_TASK_RSEQ_SLICE	25
#define CR_TASK_NS_NET		30
#define CR_TASK_NS_USER		31
#define CR_TASK_NS_CGROUP	32
#define CR_TASK_NS_TIME_CHILDREN	33
#define CR_TASK_USER_EVENTS	38
#define CR_TASK_UPROBES		39
#define CR_TASK_AUTOREAP	40
#define CR_TASK_SINGLE_STEP	41
#define CR_TASK_IOPL		42
#define CR_TASK_XFEATURES	44
#define CR_TASK_SYSEMU		45
#define CR_TASK_TRACED_DEAD	46
#define CR_TASK_RESCTRL		47
#define CR_TASK_IO_URING_RESTRICT	49

/**
 * struct cr_shim_task - a thread, seen from a pid namespace
 * @unsupported: CR_TASK_* of what it has
 * @mm: identity of the object, 0 when there is none; as for the next ones
 * @nsproxy: identity
 * @mnt_ns: identity
 * @uts_ns: identity
 * @ipc_ns: identity
 * @time_ns: identity
 * @pid_ns: identity of the one that it is in
 * @pid_ns_for_children: the same of another one that its children come to be in
 * @ppid: thread group id of the parent, 0 outside of the namespace
 * @parent_tid: the thread of the parent
 * @parent_execed: that one has executed a program since it has become the parent
 * @pgid: 0 outside of the namespace
 * @sid: 0 outside of the namespace
 * @pf: PF_*
 * @exit_code: as in task_struct, of the group when it exits as one
 * @vanishing: it has exited, and nobody has to wait for it
 * @sem_undo: identity of its list of System V semaphore adjustments
 * @pid_depth: how far below the namespace it is seen from its own one is
 * @ns_init: it is the init of its pid namespace
 */
struct cr_shim_task {
	u64 unsupported;
	u64 mm;
	u64 files;
	u64 fs;
	u64 sighand;
	u64 cred;
	u64 mnt_ns;
	u64 uts_ns;
	u64 ipc_ns;
	u64 time_ns;
	u64 pid_ns;
	u64 pid_ns_for_children;
	u64 cgroups;
	u64 sem_undo;
	u32 tid;
	u32 tgid;
	u32 ppid;
	u32 pgid;
	u32 sid;
	u32 pf;
	u32 exit_state;
	u32 exit_code;
	u32 exit_signal;
	u32 parent_tid;
	u32 parent_execed;
	u32 vanishing;
	u32 nr_threads;
	u32 pid_depth;
	u32 ns_init;
	u32 reserved;
	u8 comm[CR_COMM_LEN];
};

struct task_struct *cr_shim_find_task(pid_t nr);
struct task_struct *cr_shim_pidfd_task(int fd);
bool cr_shim_is_worker(struct task_struct *t);
bool cr_shim_is_uring_worker(struct task_struct *t);
u64 cr_shim_current_unsupported(void);
bool cr_shim_current_capable(void);
int cr_shim_may_read(struct task_struct *t);
void cr_shim_task_comm(struct task_struct *t, u8 *comm);
bool cr_shim_is_leader(struct task_struct *t);
u32 cr_shim_task_pid(struct task_struct *t);
u32 cr_shim_task_tid(struct task_struct *t, struct pid_namespace *ns);
void cr_shim_task_read(struct task_struct *t, struct pid_namespace *ns,
		       struct cr_shim_task *out);
void cr_shim_limits_read(struct task_struct *t, struct cr_img_process *out);
void cr_shim_process_read(struct task_struct *t, struct cr_img_process *out);
/**
 * struct cr_shim_inherited - what the current thread has
 * @timer_slack_ns: timer slack
 * @policy: SCHED_*
 * @nice: nice value
 * @personality: personality
 * @no_new_privs: PR_SET_NO_NEW_PRIVS
 * @asks_more: it asks for more of the scheduler
 * @comm: name
 */
struct cr_shim_inherited {
	u64 timer_slack_ns;
	u32 policy;
	s32 nice;
	u32 personality;
	bool no_new_privs;
	bool asks_more;
	u8 comm[CR_COMM_LEN];
};

void cr_shim_inherited_read(struct cr_shim_inherited *out);
int cr_shim_thread_read(struct task_struct *t, struct cr_img_thread *out);
void cr_shim_remains_read(struct task_struct *t, struct cr_img_thread *out);
struct task_struct *cr_shim_living_thread(struct task_struct *t);
const struct cred *cr_shim_current_cred(void);
const struct cred *cr_shim_task_cred(struct task_struct *t);
int cr_shim_cred_read(struct task_struct *t, struct cr_img_cred *out,
		      u32 *groups, u32 max_groups);
void cr_shim_uts_read(struct task_struct *t, struct cr_img_uts *out);
bool cr_shim_outside_user(struct pid_namespace *ns, u64 mm, u64 files, u64 fs,
			  u64 sighand, u8 *comm, u32 *pid);
void cr_shim_users(struct task_struct *t, u32 *users);

/* pidns.c: pid namespaces. */

/**
 * struct cr_shim_pidns - a pid namespace
 * @level: how many there are around it
 * @last_pid: the number handed out last
 * @populated: it has an init, or has had one
 * @closed: that one is dead, or dies: nobody comes to be in it any more
 * @foreign: owned by another user namespace than the caller's
 * @sysctls: they were changed
 */
struct cr_shim_pidns {
	u32 level;
	u32 last_pid;
	bool populated;
	bool closed;
	bool foreign;
	bool sysctls;
};

struct pid_namespace *cr_shim_pidns_of_init(struct task_struct *t);
struct pid_namespace *cr_shim_pidns_for_children(struct task_struct *t);
struct pid_namespace *cr_shim_pidns_of_pid(struct pid *pid);
struct pid_namespace *cr_shim_pidns_parent(struct pid_namespace *ns);
void cr_shim_pidns_read(struct pid_namespace *ns, struct cr_shim_pidns *out);
void cr_shim_ns_put(struct pid_namespace *ns);
struct task_struct *cr_shim_ns_next_task(struct pid_namespace *ns, int *nr);
int cr_shim_ns_capable(struct pid_namespace *ns);
bool cr_shim_ns_contains_current(struct pid_namespace *ns);
void cr_shim_ns_set_last_pid(struct pid_namespace *ns, u32 nr);
u32 cr_shim_pid_numbers(struct pid *pid, struct pid_namespace *ns,
			u32 *numbers);
struct pid *cr_shim_pid_find(struct pid_namespace *ns, pid_t nr);
void cr_shim_pid_put(struct pid *pid);
struct pid *cr_shim_pid_alloc(struct pid_namespace *ns, const pid_t *nrs,
			      u32 count);
void cr_shim_pid_release(struct pid *pid);

/* hold.c: standing still. */

bool cr_shim_is_dying(struct task_struct *t);
int cr_shim_stopped(struct task_struct *t);
bool cr_shim_about_to_stop(struct task_struct *t);
unsigned long cr_shim_sleep_stamp(struct task_struct *t);
unsigned long cr_shim_stop_stamp(struct task_struct *t);
bool cr_shim_is_parked(struct task_struct *t);
bool cr_shim_at_rest(struct task_struct *t);
int cr_shim_syscall_of(struct task_struct *t, u64 *args);
bool cr_shim_syscall_result(struct task_struct *t, s64 *result);
bool cr_shim_signal_pending(struct task_struct *t);
bool cr_shim_current_exiting(void);
bool cr_shim_current_is_busy(void);
void cr_shim_work_init(struct callback_head *work, task_work_func_t func);
int cr_shim_work_add(struct task_struct *t, struct callback_head *work,
		     bool wake);
bool cr_shim_work_cancel(struct task_struct *t, struct callback_head *work);
bool cr_shim_work_is_last(const struct callback_head *work);
#if defined(CONFIG_FAULT_INJECTION) || defined(CONFIG_KCOV)
void cr_shim_debug_begin(void);
void cr_shim_debug_end(void);
void cr_shim_debug_wait(void);
#else
static inline void cr_shim_debug_begin(void) {}
static inline void cr_shim_debug_end(void) {}
static inline void cr_shim_debug_wait(void) {}
#endif
/**
 * struct cr_shim_call - a system call
 * @nr: the number that 64-bit programs have for it
 * @args: its arguments, in the order that it has them in there
 */
struct cr_shim_call {
	u32 nr;
	u64 args[6];
};

bool cr_shim_go_on(struct callback_head *work, const struct cr_shim_call *call);
bool cr_shim_must_make_way(struct callback_head *work);
void cr_shim_reissue(void);
bool cr_shim_interrupt_halfway(struct task_struct *t, struct file *file);
bool cr_shim_rest_time(struct task_struct *t, u64 *left_ns);
bool cr_shim_goes_on(struct task_struct *t);
void cr_shim_settle(void);
bool cr_shim_has_rest(struct file *file);
void cr_shim_completion_init(struct completion *c);
int cr_shim_completion_wait(struct completion *c);
long cr_shim_completion_wait_timeout(struct completion *c, unsigned int ms);
void cr_shim_completion_all(struct completion *c);
bool cr_shim_fatal_pending(void);
void cr_shim_nap(unsigned int us);
bool cr_shim_module_get(void);
void cr_shim_module_put(void);
void cr_shim_wait_for_callbacks(void);
struct workqueue_struct *cr_shim_workers(unsigned int most);
void cr_shim_workers_end(struct workqueue_struct *workers);
unsigned int cr_shim_nr_processors(void);
u32 cr_shim_crc32c(u32 seed, const void *buf, size_t len);
u64 cr_shim_ktime_ns(void);
u64 cr_shim_tick_ns(void);
u64 cr_shim_realtime_ns(void);

const char *cr_shim_running_release(void);
int cr_shim_dead(struct task_struct *t);
bool cr_shim_gone(struct task_struct *t);
bool cr_shim_group_dying(struct task_struct *t);
bool cr_shim_group_dead(struct task_struct *t);
struct task_struct *cr_shim_current(void);
void cr_shim_current_ns(u64 *ns);

/* regs.c */
size_t cr_shim_xstate_size(void);
int cr_shim_regs_get(struct task_struct *t, struct cr_img_regs *out);
int cr_shim_regs_set(struct task_struct *t, const struct cr_img_regs *in);
int cr_shim_xstate_get(struct task_struct *t, void *buf, size_t len);
int cr_shim_xstate_set(struct task_struct *t, const void *buf, size_t len);

/* trace.c */
int cr_shim_trace_read(struct task_struct *t, struct pid_namespace *ns,
		       struct cr_img_trace *out);
int cr_shim_trace_link(struct task_struct *t, struct task_struct *tracer,
		       const struct cr_img_trace *in);
void cr_shim_trace_note_stop(struct task_struct *t, u32 signal);
void cr_shim_trace_resume(struct task_struct *t, const struct cr_img_trace *in);
void cr_shim_trace_stop(struct task_struct *t, const struct cr_img_trace *in);
bool cr_shim_trace_stopped(struct task_struct *t, const struct cr_img_trace *in,
			   u64 blocked);
bool cr_shim_set_nocldstop(struct task_struct *t, bool set);
bool cr_shim_trace_is_near(void);
void cr_shim_trace_group_exit(struct task_struct *t, u32 code, bool killed);
unsigned long cr_shim_trace_stamp(struct task_struct *t);
void cr_shim_trace_end_call(void);
void cr_shim_trace_in_call(const struct cr_img_trace *in);
void cr_shim_trace_vfork_done(const struct cr_img_trace *in);
void cr_shim_trace_return(const struct cr_img_trace *in);
bool cr_shim_trace_waits(struct task_struct *t);
void cr_shim_debugregs_read(struct task_struct *t, struct cr_img_debugregs *out);
int cr_shim_debugregs_write(struct task_struct *t,
			    const struct cr_img_debugregs *in);
bool cr_shim_has_perf_events(struct task_struct *t);

/* cpu.c */
const char *cr_shim_cpu_feature(u32 n, bool *has);

/* controls.c */
void cr_shim_controls_read(struct task_struct *t, struct cr_img_controls *out);

/* security.c */
int cr_shim_audit_read(struct task_struct *t, struct cr_img_thread *out);
int cr_shim_audit_set(u32 login_uid, u32 session);
int cr_shim_audit_tty_set(u32 bits);
int cr_shim_ptracer_read(struct task_struct *t, struct pid_namespace *ns,
			 u32 *tracer);

/* compat.c: programs of 32 bits. */
bool cr_shim_runs_compat(void);
bool cr_shim_in_compat_call(struct task_struct *t);
void cr_shim_enter_compat_call(void);
const void *cr_shim_vdso(bool compat, size_t *len);
bool cr_shim_compat_mm_read(struct task_struct *t, struct mm_struct *mm,
			    u64 *unsupported);
void cr_shim_compat_mm_set(void);
void cr_shim_compat_thread_set(struct task_struct *t);

/* segments.c: segments that programs have made. */
u32 cr_shim_ldt_read(struct mm_struct *mm, u64 *out, u32 max);
void cr_shim_tls_read(struct task_struct *t, struct cr_img_tls *out);
int cr_shim_tls_set(u32 entry, u64 user_desc);

/* session.c */
u64 cr_shim_autogroup_read(struct task_struct *t, s32 *nice);
int cr_shim_autogroup_make(void);
int cr_shim_autogroup_nice(int nice);
void cr_shim_autogroup_join(struct task_struct *t, struct task_struct *other);
u32 cr_shim_old_pgrp_read(struct task_struct *t, struct pid_namespace *ns);
void cr_shim_old_pgrp_set(struct task_struct *t, struct pid *pgrp);

/* ipc.c */

/* Places of kinds of objects in an IPC namespace, as in ipc/util.h. */
enum cr_shim_ipc {
	CR_SHIM_SEM,
	CR_SHIM_MSG,
	CR_SHIM_SHM,
};

void cr_shim_ipc_read(struct task_struct *t, struct cr_img_ipc *out);
void cr_shim_ipc_set(const struct cr_img_ipc *in);

/* sysv.c */
struct ipc_namespace *cr_shim_ipc_of(struct task_struct *t);
void cr_shim_ipc_put(struct ipc_namespace *ipc);
bool cr_shim_sem_next(struct ipc_namespace *ipc, struct pid_namespace *ns, int *at,
		      struct cr_img_sem *out, struct cr_img_semaphore *sems,
		      u32 room);
int cr_shim_sem_set(struct ipc_namespace *ipc, int id, u32 nr,
		    const struct cr_img_semaphore *in, struct pid *pid);
int cr_shim_sem_finish(struct ipc_namespace *ipc, const struct cr_img_sem *in);
bool cr_shim_semadj_read(struct ipc_namespace *ipc, u64 list, int id, s16 *adj,
			 u32 nr);
int cr_shim_semadj_set(int id, const s16 *adj, u32 nr);
bool cr_shim_may_set_perm(struct ipc_namespace *ipc);
void cr_shim_copy_text(const void *message, u8 *to);
bool cr_shim_msgq_next(struct ipc_namespace *ipc, struct pid_namespace *ns, int *at,
		       struct cr_img_msgq *out, u8 *buf, size_t room,
		       size_t *length);
int cr_shim_msgq_finish(struct ipc_namespace *ipc, const struct cr_img_msgq *in,
			struct pid *sender, struct pid *receiver);

/**
 * struct cr_shim_shm - segment of System V shared memory
 * @file: its memory, with a reference for the caller
 * @attached: how many mappings there are
 * @locked: SHM_LOCK
 */
struct cr_shim_shm {
	struct file *file;
	u64 attached;
	bool locked;
};

bool cr_shim_shm_next(struct ipc_namespace *ipc, struct pid_namespace *ns, int *at,
		      struct cr_img_shm *out, struct cr_shim_shm *info);
int cr_shim_shm_adopt(const struct cr_img_shm *in, struct file *file);
struct file *cr_shim_shm_file_at(u64 addr);
int cr_shim_shm_finish(struct ipc_namespace *ipc, const struct cr_img_shm *in,
		       struct pid *maker, struct pid *user,
		       struct task_struct *creator);
void cr_shim_ipc_next_id(enum cr_shim_ipc kind, int id);

/* futex.c */
bool cr_shim_waits_for_pi_lock(struct task_struct *t);
u32 cr_shim_futex_slots(struct mm_struct *mm);

/* sleep.c */

/**
 * struct cr_shim_sleeper - a task that is woken by a timer
 * @task: identity
 * @left_ns: time until then
 */
struct cr_shim_sleeper {
	u64 task;
	u64 left_ns;
};

u32 cr_shim_sleepers(struct cr_shim_sleeper *out, u32 max);
u64 cr_shim_timeout_left(struct task_struct *t);
void cr_shim_finish_wait(const struct cr_shim_call *call, u64 left_ns);

/* mqueue.c */
bool cr_shim_is_mqueue(const struct inode *inode);
u32 cr_shim_mqueue_count(struct ipc_namespace *ipc);
struct dentry *cr_shim_mqueue_get(struct ipc_namespace *ipc, u32 place);
struct dentry *cr_shim_mqueue_of(struct ipc_namespace *ipc, struct file *file);
void cr_shim_mqueue_put(struct dentry *entry);
u32 cr_shim_mqueue_users(struct dentry *entry);
bool cr_shim_mqueue_read(struct dentry *entry, struct pid_namespace *ns,
			 struct cr_img_mqueue *out, u8 *buf, size_t room,
			 size_t *length);
int cr_shim_mqueue_finish(struct ipc_namespace *ipc, struct file *file,
			  const struct cr_img_mqueue *in);

/* numa.c */
bool cr_shim_has_task_policy(struct task_struct *t);
bool cr_shim_task_policy(struct task_struct *t, struct cr_img_policy *out,
			 u64 *nodes, struct cr_img_sched *sched);
void cr_shim_task_policy_set(u32 last_node, u32 last_weight);
bool cr_shim_vma_policy(struct mm_struct *mm, u64 addr,
			struct cr_img_policy *out, u64 *nodes);
bool cr_shim_has_shared_policies(struct file *file);
bool cr_shim_shared_policy(struct file *file, u64 offset, struct cr_img_run *run,
			   struct cr_img_policy *out, u64 *nodes);
long cr_shim_map_anywhere(struct file *file, u64 len, bool access, u64 offset);
void cr_shim_unmap(u64 addr, u64 len);
int cr_shim_missing_node(const u64 *nodes, u32 nr_words);
bool cr_shim_node_online(u32 node);

/* sched.c */
bool cr_shim_sched_asks(struct task_struct *t);
void cr_shim_sched_read(struct task_struct *t, struct cr_img_sched *out,
			u64 *cpus);

/* seccomp.c */
u32 cr_shim_seccomp_read(struct task_struct *t, u64 *identities, u32 max);
int cr_shim_seccomp_program(struct task_struct *t, u32 depth,
			    struct cr_img_seccomp *out, u64 *insns, u32 max);
bool cr_shim_seccomp_allows_restart(struct task_struct *t);
bool cr_shim_seccomp_asks_tracer(struct task_struct *t, u64 message);
int cr_shim_seccomp_share(struct task_struct *t, u32 depth);

/* signal.c */
void cr_shim_sighand_read(struct task_struct *t, struct cr_img_sighand *out);
u32 cr_shim_sigqueue_read(struct task_struct *t, bool shared,
			  struct cr_img_siginfo *infos, u32 max, u64 *pending);

/* timer.c */
int cr_shim_timers_read(struct task_struct *t, struct cr_img_timers *head,
			struct cr_img_timer *out, u32 max, u32 *id);
int cr_shim_timer_expire(const struct cr_img_timer *in);
int cr_shim_timer_finish(const struct cr_img_timer *in);
void cr_shim_timer_ids(const struct cr_img_timers *in);

/* clock.c */
void cr_shim_clock_offsets(struct task_struct *t, s64 *monotonic, s64 *boottime);
void cr_shim_clocks_read(struct task_struct *t, u64 *monotonic, u64 *boottime);
int cr_shim_clocks_set(u64 monotonic, u64 boottime);

/* usage.c */
void cr_shim_usage_read(struct task_struct *t, struct cr_img_thread *thread);
void cr_shim_start_read(struct task_struct *t, struct task_struct *init,
			struct cr_img_thread *thread);
void cr_shim_usage_set(struct task_struct *t, const struct cr_img_thread *thread);
void cr_shim_start_set(const struct cr_img_thread *thread);
void cr_shim_process_usage_read(struct task_struct *t,
				struct cr_img_process *process);
void cr_shim_process_usage_set(const struct cr_img_process *process);

/* vfork.c */
bool cr_shim_in_vfork(struct task_struct *t);
struct task_struct *cr_shim_vfork_waiter(struct task_struct *t, u32 *pid);
bool cr_shim_vfork_begin(struct task_struct *t, struct completion *done);
struct task_struct *cr_shim_vfork_child(struct task_struct *t);
struct pid *cr_shim_vfork_pid(struct task_struct *t);
void cr_shim_vfork_wait(struct completion *done, struct pid *child);
void cr_shim_vfork_end(struct task_struct *t, struct completion *done);

#include "build.h"
#include "event.h"
#include "file.h"
#include "inet.h"
#include "mm.h"
#include "netlink.h"
#include "packet.h"
#include "socket.h"
#include "tty.h"
#include "uring.h"

#endif /* _CR_SHIM_H */
