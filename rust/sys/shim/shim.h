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
bool cr_shim_has_policy(struct file *file);
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

/* mm.c */

/* Kinds of mapping that are refused by name: bit numbers. */
#define CR_VMA_X_UFFD		0
#define CR_VMA_X_PFNMAP		1
#define CR_VMA_X_POLICY		6
#define CR_VMA_X_SHSTK		8
#define CR_VMA_X_NAMED		9
#define CR_VMA_X_SYNC		10
#define CR_VMA_X_OTHER		11
#define CR_VMA_X_SPECIAL	12

/**
 * struct cr_shim_vma - a mapping
 * @vm_flags: as the kernel has them
 * @file: the mapped file with a reference for the caller, or NULL
 * @unsupported: CR_VMA_X_*
 * @anonymous: no vm_ops: pages come from nowhere
 * @vdso: part of the vDSO's group
 * @guards: there may be guard regions in it
 * @policy: it has a NUMA policy of its own
 * @flags: CR_VMA_*
 */
struct cr_shim_vma {
	u64 start;
	u64 end;
	u64 pgoff;
	u64 vm_flags;
	u64 unsupported;
	struct file *file;
	u32 flags;
	bool anonymous;
	bool vdso;
	bool guards;
	bool policy;
};

#define CR_MM_X_LAM		2
#define CR_MM_X_UPROBES		4
#define CR_MM_X_RDPMC		5
#define CR_MM_X_VDSO		6
#define CR_MM_X_ABI		7

u32 cr_shim_mm_read(struct task_struct *t, struct mm_struct *mm,
		    struct cr_img_mm *out, u64 *auxv, u32 max_auxv,
		    u64 *unsupported, struct file **exe);
struct mm_struct *cr_shim_task_mm(struct task_struct *t);
bool cr_shim_vma_next(struct mm_struct *mm, u64 addr, bool vdso,
		      struct cr_shim_vma *out);

/* In a page frame number: the page may have changed since it was last noted. */
#define CR_SHIM_PFN_CHANGED	0x8000000000000000ULL
/* The same: the page is a part of a huge one. */
#define CR_SHIM_PFN_HUGE	0x4000000000000000ULL
#define CR_SHIM_PFN_FLAGS	(CR_SHIM_PFN_CHANGED | CR_SHIM_PFN_HUGE)

int cr_shim_mm_runs(struct mm_struct *mm, u64 start, u64 end,
		    struct cr_img_run *runs, u32 max, u32 *nr, u64 *pfns,
		    u32 max_pfns, u64 *next, u64 *scanned);
int cr_shim_mm_guards(struct mm_struct *mm, u64 start, u64 end,
		      struct cr_img_run *runs, u32 max, u32 *nr, u64 *next);
long cr_shim_pages_get(struct mm_struct *mm, u64 addr, u32 nr, bool write,
		       struct page **pages);
void cr_shim_mm_allow_huge(struct mm_struct *mm, bool allow);
void *cr_shim_page_addr(struct page *page);
void cr_shim_page_put(struct page *page, bool dirty);
int cr_shim_mm_copy(struct mm_struct *mm, u64 addr, void *buf, u32 len);

/* hugetlb.c */

bool cr_shim_is_gigantic(struct file *file);
struct file *cr_shim_hugetlb_make(const char *name, u64 size, bool gigantic,
				  bool is_segment);
s64 cr_shim_hugetlb_seek(struct file *file, u64 pos, bool hole);
int cr_shim_hugetlb_page(struct file *file, u64 at, void *buf, bool write);
u32 cr_shim_hugetlb_reserved(struct file *file, struct cr_img_run *runs, u32 max);
int cr_shim_hugetlb_reserve(struct file *file, u64 start, u64 nr_pages);
s64 cr_shim_hugetlb_available(u64 size);
void cr_shim_vma_clear_noreserve(u64 addr);

/* track.c */

struct cr_shim_track;

/* The object of an image that has what a process has not changed since. */
struct cr_shim_origin {
	u8 image[CR_IMG_ID_LEN];
	u64 object;
};

struct cr_shim_track *cr_shim_track_begin(struct mm_struct *mm,
					  struct cr_shim_origin *origin,
					  bool *is_new, bool *used_before);
int cr_shim_track_clear(struct cr_shim_track *track, u64 from,
			struct cr_img_run *runs, u32 max, u32 *nr, u64 *next);
int cr_shim_track_mark(struct cr_shim_track *track, u64 start, u64 end);
bool cr_shim_track_is_disturbed(struct cr_shim_track *track);
void cr_shim_track_keep(struct cr_shim_track *track,
			const struct cr_shim_origin *origin);
void cr_shim_track_end(struct cr_shim_track *track);

/* snapshot.c */

struct mm_struct *cr_shim_mm_snapshot(struct mm_struct *mm);

/* shared.c */

struct cr_shim_shared;

struct cr_shim_shared *cr_shim_shared_alloc(u64 nr);
void cr_shim_shared_free(struct cr_shim_shared *s);
int cr_shim_shared_add(struct cr_shim_shared *s, struct file *file,
		       const struct cr_img_run *runs, u32 nr);
int cr_shim_shared_copy(struct cr_shim_shared *s);
const void *cr_shim_shared_page(struct cr_shim_shared *s, u64 at);

/* aio.c */

u32 cr_shim_aio_contexts(struct mm_struct *mm);
int cr_shim_aio_read(struct mm_struct *mm, u64 addr, struct cr_img_aio *out,
		     struct cr_img_aio_event *events, u32 room);
int cr_shim_aio_fill(u64 addr, const struct cr_img_aio *in,
		     const struct cr_img_aio_event *events);
bool cr_shim_aio_waits_for_all(struct task_struct *t, u64 addr, u64 min_nr);

/* io_uring.c */

#define CR_URING_X_SETUP	0
#define CR_URING_X_RESOURCES	1
#define CR_URING_X_BUSY		2
#define CR_URING_X_PROVIDED	3
#define CR_URING_X_PERSONALITIES	4
#define CR_URING_X_RESTRICTED	5

/**
 * struct cr_shim_uring - whom an io_uring instance belongs to
 * @mm: identity of the memory that is charged
 * @submitter: identity of the thread that may submit requests, 0: all may
 * @user: identity of the user that is charged, 0: nobody
 * @unsupported: CR_URING_X_*
 */
struct cr_shim_uring {
	u64 mm;
	u64 submitter;
	u64 user;
	u32 unsupported;
};

bool cr_shim_is_io_uring(struct file *file);
void cr_shim_uring_read(struct file *file, struct cr_img_uring *out,
			struct cr_shim_uring *who, u8 *buf, u32 room);
struct file *cr_shim_uring_make(const struct cr_img_uring *in, const u8 *memory);
int cr_shim_uring_take(struct file *file, bool unlimited);
void cr_shim_uring_set_submitter(struct file *file, struct task_struct *submitter);
int cr_shim_uring_map(struct file *file, u64 addr, u64 len, u32 prot, u64 pgoff);
u64 cr_shim_task_user(struct task_struct *t);
bool cr_shim_has_uring(struct task_struct *t);
u64 cr_shim_uring_unsupported(struct task_struct *t);
int cr_shim_uring_task_read(struct task_struct *t, u64 *ring, u32 workers[2],
			    u64 *cpus, u32 room, u32 *nr_words);
void cr_shim_uring_set_workers(const u32 workers[2]);
struct file *cr_shim_uring_registered(struct task_struct *t, u32 place);
u64 cr_shim_uring_identity(struct file *file);

/* io_uring_requests.c */

#define CR_URING_R_LINKED	0
#define CR_URING_R_DRAIN	1
#define CR_URING_R_ASYNC	2
#define CR_URING_R_CREDS	3
#define CR_URING_R_SELECTED	4
#define CR_URING_R_PARTIAL	5
#define CR_URING_R_REPLACED	6
#define CR_URING_R_CHANGED	7
#define CR_URING_R_PASSED	8
#define CR_URING_R_KIND		9
#define CR_URING_R_OTHER	10

/**
 * struct cr_shim_uring_request - request in progress
 * @image: the request, but for other objects and the place of a registered file
 * @file: the file that it is about, referenced, or NULL
 * @task: identity of the thread that has submitted it
 * @identity: its own
 * @before: identity of the request before it in the queue of its file, or 0
 * @node: identity of what a registered file is in, or 0
 * @unsupported: CR_URING_R_*
 * @exclusive: it is in the part of the queue of which one is woken
 */
struct cr_shim_uring_request {
	struct cr_img_uring_request image;
	struct file *file;
	u64 task;
	u64 identity;
	u64 before;
	u64 node;
	u32 unsupported;
	u32 exclusive;
};

u32 cr_shim_uring_requests(struct file *file, struct cr_shim_uring_request *out,
			   u32 room);
u64 cr_shim_nr_requests(struct task_struct *t);
bool cr_shim_requests_wait(struct task_struct *t);
u64 cr_shim_uring_node(struct file *file, u32 *from);

/* io_uring_issue.c */

int cr_shim_uring_issue(struct file *file, const struct cr_img_uring_request *in,
			u32 ring_fd, u32 fd);

/* io_uring_tables.c */

/**
 * struct cr_shim_uring_tables - what is registered with an io_uring instance
 * @eventfd: identity of the eventfd that is told of results, 0: none
 * @eventfd_async: it is told only of what workers have done
 * @eventfd_told: up to which result it has been told
 * @eventfd_busy: it is about to be told
 * @files: places for files, the first and the end of those that are chosen for who
 *	asks for any, and where the search for one begins
 * @buffers: places for buffers
 * @limits: how many workers there may be
 * @has_limits: somebody has said so
 */
struct cr_shim_uring_tables {
	u64 eventfd;
	u32 eventfd_async;
	u32 eventfd_told;
	u32 eventfd_busy;
	u32 files[4];
	u32 buffers;
	u32 limits[2];
	bool has_limits;
};

void cr_shim_uring_tables(struct file *file, struct cr_shim_uring_tables *out);
struct file *cr_shim_uring_file(struct file *file, u32 *from, u64 *tag);
int cr_shim_uring_buffer(struct file *file, u32 *from, struct mm_struct *mm,
			 struct cr_img_uring_entry *out);
void cr_shim_uring_set_hint(struct file *file, u32 hint);
void cr_shim_uring_set_told(struct file *file, u32 tail);
void cr_shim_uring_set_limits(struct file *file, u32 bounded, u32 unbounded);

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
#define CR_INODE_X_POLICY	1
#define CR_INODE_X_XATTRS	2
#define CR_INODE_X_SIZE		3

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

/* tty.c */

/* What waits in both ends of a pseudoterminal, bytes at most. */
#define CR_SHIM_TTY_DATA	(2 * (3 * CR_TTY_BUFFER + CR_TTY_MAX_FLIP))

/*
 * What a read waits for: the first character or line; the same, and it ends without;
 * several characters.
 */
#define CR_SHIM_TTY_ONE		0
#define CR_SHIM_TTY_TIME	1
#define CR_SHIM_TTY_MANY	2

/* tty_sleep.c */
u32 cr_shim_tty_reads(struct file *file, u64 *timeout_ns);

u64 cr_shim_tty_identity(struct file *file);
bool cr_shim_tty_is_master(struct file *file);
bool cr_shim_tty_is_hung_up(struct file *file);
u32 cr_shim_tty_index(struct file *file);
struct file *cr_shim_tty_master(struct file *file);
u32 cr_shim_tty_files(struct file *file, u64 *out, u32 max);
u64 cr_shim_task_tty(struct task_struct *t);
struct file *cr_shim_task_tty_master(struct task_struct *t);
int cr_shim_tty_read(struct file *file, struct pid_namespace *ns,
		     struct cr_img_tty *out, u8 *data);
struct file *cr_shim_tty_open_peer(struct file *master, u32 flags);
bool cr_shim_is_current_tty(struct file *file);
struct file *cr_shim_tty_open_current(struct file *master,
				      const struct path *root,
				      const char *name, u32 flags);
void cr_shim_tty_hang_up(struct file *master);
int cr_shim_tty_write(struct file *file, const struct cr_img_tty *in,
		      const u8 *data, u32 len);
int cr_shim_tty_set_session(struct file *master, struct pid *session,
			    struct pid *pgrp);
int cr_shim_task_set_tty(struct task_struct *t, struct file *master);

/* event.c */
struct file *cr_shim_without_fd(long fd);
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

#include "inet.h"
#include "netlink.h"
#include "packet.h"
#include "socket.h"

#endif /* _CR_SHIM_H */
