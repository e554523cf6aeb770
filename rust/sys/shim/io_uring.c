// SPDX-License-Identifier: GPL-2.0
/* io_uring instances: io_uring/. */

#include <linux/bitmap.h>
#include <linux/capability.h>
#include <linux/cpuset.h>
#include <linux/cred.h>
#include <linux/file.h>
#include <linux/io_uring.h>
#include <linux/io_uring_types.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/sched.h>
#include <linux/sched/mm.h>
#include <linux/sched/task.h>
#include <linux/sched/user.h>
#include <linux/uaccess.h>
#include <asm/unistd_64.h>

#include "shim.h"

/* Identity of what counts resources of the user of @t. */
u64 cr_shim_task_user(struct task_struct *t)
{
	u64 user;

	rcu_read_lock();
	user = (unsigned long)__task_cred(t)->user;
	rcu_read_unlock();
	return user;
}

#ifdef CONFIG_IO_URING

/* io_uring/io-wq.c */
#define IO_WQ_ACCT_NR		2
#define IO_WQ_NR_HASH_BUCKETS	(1u << 6)
#include "io-wq.h"
#include "io_wq_types.h"

/* io_uring/ */
extern bool io_is_uring_fops(struct file *file);
extern void io_uring_del_tctx_node(unsigned long index);
/* mm/vma.c */
extern unsigned long mmap_region(struct file *file, unsigned long addr,
				 unsigned long len, vm_flags_t vm_flags,
				 unsigned long pgoff, struct list_head *uf);

bool cr_shim_is_io_uring(struct file *file)
{
	return io_is_uring_fops(file);
}

/* Flags of io_uring_setup(2) that need nothing but to be said again. */
#define SETUP_FLAGS (IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP |			\
		     IORING_SETUP_SUBMIT_ALL | IORING_SETUP_COOP_TASKRUN |	\
		     IORING_SETUP_TASKRUN_FLAG | IORING_SETUP_SQE128 |		\
		     IORING_SETUP_CQE32 | IORING_SETUP_SINGLE_ISSUER |		\
		     IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_NO_SQARRAY |	\
		     IORING_SETUP_CQE_MIXED | IORING_SETUP_SQE_MIXED)

static_assert(SETUP_FLAGS == CR_URING_SETUP);

/* CR_URING_X_*, as bits, of what was registered. */
static u32 resources_of(struct io_ring_ctx *ctx)
{
	u32 x = 0;

	if (!xa_empty(&ctx->personalities))
		x |= BIT(CR_URING_X_PERSONALITIES);
	if (ctx->int_flags & IO_RING_F_RESTRICT_INHERITED)
		x |= BIT(CR_URING_X_RESTRICTED);
	if (!xa_empty(&ctx->zcrx_ctxs) || ctx->param_region.nr_pages ||
	    ctx->bpf_ops || ctx->bpf_filters ||
#ifdef CONFIG_NET_RX_BUSY_POLL
	    ctx->napi_track_mode != IO_URING_NAPI_TRACKING_INACTIVE ||
#endif
	    ctx->clockid != CLOCK_MONOTONIC ||
	    ctx->int_flags & IO_RING_F_COMPAT)
		x |= BIT(CR_URING_X_RESOURCES);
	return x;
}

/* Results that have no place, or that are about to get one; requests that wait for others. */
static bool is_busy(struct io_ring_ctx *ctx)
{
	return !list_empty(&ctx->cq_overflow_list) ||
	       !list_empty(&ctx->defer_list) ||
	       atomic_read(&ctx->rings->sq_flags) & ~IORING_SQ_TASKRUN ||
	       ctx->int_flags & (IO_RING_F_DRAIN_ACTIVE | IO_RING_F_DRAIN_NEXT) ||
	       ctx->cached_cq_tail != READ_ONCE(ctx->rings->cq.tail);
}

#define NR_OPS	BITS_PER_TYPE(((struct cr_img_uring *)NULL)->allowed_ops)

static_assert(IORING_OP_LAST <= NR_OPS && IORING_REGISTER_LAST <= 64);

/* What may not be done with it, and whether anything may. */
static void read_limits(struct io_ring_ctx *ctx, struct cr_img_uring *out)
{
	const struct io_restriction *few = &ctx->restrictions;

	if (ctx->flags & IORING_SETUP_R_DISABLED)
		out->flags |= CR_URING_DISABLED;
	if (few->op_registered) {
		out->flags |= CR_URING_FEW_REQUESTS;
		bitmap_to_arr64(out->allowed_ops, few->sqe_op, IORING_OP_LAST);
		out->allowed_flags = few->sqe_flags_allowed;
		out->required_flags = few->sqe_flags_required;
	}
	if (few->reg_registered) {
		out->flags |= CR_URING_FEW_REGISTER;
		bitmap_to_arr64(&out->allowed_register, few->register_op,
				IORING_REGISTER_LAST);
	}
}

/* Does this kernel know all of what may be done? */
static bool knows_limits(const struct cr_img_uring *in)
{
	DECLARE_BITMAP(ops, NR_OPS);

	bitmap_from_arr64(ops, in->allowed_ops, NR_OPS);
	return find_next_bit(ops, NR_OPS, IORING_OP_LAST) >= NR_OPS &&
	       !(in->allowed_register >> IORING_REGISTER_LAST);
}

/* @out has what the instance is; @who whom it belongs to, and CR_URING_X_*. */
static void read_instance(struct io_ring_ctx *ctx, struct cr_img_uring *out,
			  struct cr_shim_uring *who)
{
	out->setup_flags = ctx->flags & ~IORING_SETUP_R_DISABLED;
	out->sq_entries = ctx->sq_entries;
	out->cq_entries = ctx->cq_entries;
	out->sq_head = ctx->cached_sq_head;
	out->cq_tail = ctx->cached_cq_tail;
	if (!ctx->user)
		out->flags |= CR_URING_UNLIMITED;
	if (ctx->int_flags & IO_RING_F_DRAIN_DISABLED)
		out->flags |= CR_URING_NO_DRAIN;
	out->nr_ring_pages = ctx->ring_region.nr_pages;
	out->nr_entry_pages = ctx->sq_region.nr_pages;
	who->mm = (unsigned long)ctx->mm_account;
	who->submitter = (unsigned long)ctx->submitter_task;
	who->user = (unsigned long)ctx->user;
	read_limits(ctx, out);
	if (out->setup_flags & ~SETUP_FLAGS)
		who->unsupported |= BIT(CR_URING_X_SETUP);
	who->unsupported |= resources_of(ctx);
	if (is_busy(ctx))
		who->unsupported |= BIT(CR_URING_X_BUSY);
}

/*
 * An instance whose tasks stand still, and as much of its memory as there is room
 * for: the rings, then the entries.
 */
void cr_shim_uring_read(struct file *file, struct cr_img_uring *out,
			struct cr_shim_uring *who, u8 *buf, u32 room)
{
	struct io_ring_ctx *ctx = file->private_data;
	u32 rings, entries;

	mutex_lock(&ctx->uring_lock);
	read_instance(ctx, out, who);
	rings = out->nr_ring_pages * PAGE_SIZE;
	entries = out->nr_entry_pages * PAGE_SIZE;
	if (rings + entries <= room) {
		memcpy(buf, ctx->ring_region.ptr, rings);
		memcpy(buf + rings, ctx->sq_region.ptr, entries);
	}
	mutex_unlock(&ctx->uring_lock);
}

/*
 * The same again; for a moment, the current task has a descriptor of it, and until
 * cr_shim_uring_take() it is its own. -ERANGE: its memory has another size; -EACCES:
 * the current task may not do all with it; -E2BIG: it knows operations that this
 * kernel does not.
 */
struct file *cr_shim_uring_make(const struct cr_img_uring *in, const u8 *memory)
{
	u32 rings = in->nr_ring_pages * PAGE_SIZE;
	struct io_uring_params params = {
		.flags = in->setup_flags,
		.cq_entries = in->cq_entries,
	};
	struct io_ring_ctx *ctx;
	struct file *file;

	if (!knows_limits(in))
		return ERR_PTR(-E2BIG);
	/* It may have been resized. */
	if (in->cq_entries != 2 * in->sq_entries)
		params.flags |= IORING_SETUP_CQSIZE;
	file = cr_shim_make_with(__NR_io_uring_setup, in->sq_entries,
				 &params, sizeof(params));
	if (IS_ERR(file))
		return file;
	/* Somebody else may have had the descriptor in between. */
	if (!io_is_uring_fops(file)) {
		fput(file);
		return ERR_PTR(-EBADF);
	}
	ctx = file->private_data;
	io_uring_del_tctx_node((unsigned long)ctx);
	mutex_lock(&ctx->uring_lock);
	if (ctx->sq_entries != in->sq_entries ||
	    ctx->cq_entries != in->cq_entries ||
	    ctx->ring_region.nr_pages != in->nr_ring_pages ||
	    ctx->sq_region.nr_pages != in->nr_entry_pages) {
		mutex_unlock(&ctx->uring_lock);
		fput(file);
		return ERR_PTR(-ERANGE);
	}
	if (ctx->int_flags & (IO_RING_F_OP_RESTRICTED | IO_RING_F_REG_RESTRICTED) ||
	    ctx->bpf_filters) {
		mutex_unlock(&ctx->uring_lock);
		fput(file);
		return ERR_PTR(-EACCES);
	}
	memcpy(ctx->ring_region.ptr, memory, rings);
	memcpy(ctx->sq_region.ptr, memory + rings,
	       in->nr_entry_pages * PAGE_SIZE);
	ctx->cached_sq_head = in->sq_head;
	ctx->cached_cq_tail = in->cq_tail;
	ctx->cq_last_tm_flush = in->cq_tail;
	/* The requests that are to be completed say so again. */
	atomic_andnot(IORING_SQ_TASKRUN, &ctx->rings->sq_flags);
	if (in->flags & CR_URING_NO_DRAIN)
		ctx->int_flags |= IO_RING_F_DRAIN_DISABLED;
	mutex_unlock(&ctx->uring_lock);
	return file;
}

/* With the lock of the instance: who may submit requests, or NULL for all. */
static struct task_struct *set_submitter(struct io_ring_ctx *ctx,
					 struct task_struct *t)
{
	struct task_struct *old = ctx->submitter_task;

	ctx->submitter_task = t ? get_task_struct(t) : NULL;
	return old;
}

/*
 * Makes an instance that the caller of a restart has made that of the current
 * task, whose memory and user are charged for what it is going to pin. -EPERM: not
 * without a limit.
 */
int cr_shim_uring_take(struct file *file, bool unlimited)
{
	struct io_ring_ctx *ctx = file->private_data;
	struct task_struct *old_submitter = NULL;
	struct user_struct *old_user;
	struct mm_struct *old_mm;

	mutex_lock(&ctx->uring_lock);
	if (unlimited && ctx->user) {
		mutex_unlock(&ctx->uring_lock);
		return -EPERM;
	}
	mmgrab(current->mm);
	old_mm = ctx->mm_account;
	ctx->mm_account = current->mm;
	old_user = ctx->user;
	ctx->user = unlimited ? NULL : get_uid(current_user());
	if (ctx->submitter_task)
		old_submitter = set_submitter(ctx, current);
	mutex_unlock(&ctx->uring_lock);
	if (old_submitter)
		put_task_struct(old_submitter);
	if (old_user)
		free_uid(old_user);
	mmdrop(old_mm);
	return 0;
}

/* Nothing but what @in says is allowed from now on: it is complete. */
void cr_shim_uring_limit(struct file *file, const struct cr_img_uring *in)
{
	struct io_ring_ctx *ctx = file->private_data;
	struct io_restriction *few = &ctx->restrictions;
	struct task_struct *old = NULL;

	mutex_lock(&ctx->uring_lock);
	if (in->flags & CR_URING_FEW_REQUESTS) {
		bitmap_from_arr64(few->sqe_op, in->allowed_ops, IORING_OP_LAST);
		few->sqe_flags_allowed = in->allowed_flags;
		few->sqe_flags_required = in->required_flags;
		few->op_registered = true;
		ctx->int_flags |= IO_RING_F_OP_RESTRICTED;
	}
	if (in->flags & CR_URING_FEW_REGISTER) {
		bitmap_from_arr64(few->register_op, &in->allowed_register,
				  IORING_REGISTER_LAST);
		few->reg_registered = true;
		ctx->int_flags |= IO_RING_F_REG_RESTRICTED;
	}
	if (in->flags & CR_URING_DISABLED) {
		/* Who enables it may submit requests. */
		old = set_submitter(ctx, NULL);
		smp_store_release(&ctx->flags, ctx->flags | IORING_SETUP_R_DISABLED);
	}
	mutex_unlock(&ctx->uring_lock);
	if (old)
		put_task_struct(old);
}

/* From now on, requests come from @submitter alone, which stands still. */
void cr_shim_uring_set_submitter(struct file *file, struct task_struct *submitter)
{
	struct io_ring_ctx *ctx = file->private_data;
	struct task_struct *old;

	mutex_lock(&ctx->uring_lock);
	old = set_submitter(ctx, submitter);
	mutex_unlock(&ctx->uring_lock);
	if (old)
		put_task_struct(old);
}

/*
 * Maps it into the current task at @addr, where nothing is. Nobody is allowed to
 * choose the place: other processors have caches that want a certain one.
 */
int cr_shim_uring_map(struct file *file, u64 addr, u64 len, u32 prot, u64 pgoff)
{
	vm_flags_t flags = VM_MAYREAD | VM_MAYWRITE | VM_SHARED | VM_MAYSHARE;
	struct mm_struct *mm = current->mm;
	unsigned long at;
	LIST_HEAD(uf);

	if (prot & PROT_READ)
		flags |= VM_READ;
	if (prot & PROT_WRITE)
		flags |= VM_WRITE;
	if (mmap_write_lock_killable(mm))
		return -EINTR;
	at = -EEXIST;
	if (!find_vma_intersection(mm, addr, addr + len))
		at = mmap_region(file, addr, len, flags, pgoff, &uf);
	mmap_write_unlock(mm);
	return IS_ERR_VALUE(at) ? (int)at : 0;
}

/*
 * What a task has told its workers: whether anything, how many there may be, and
 * where they may run, if that is not everywhere: @nr_words of @cpus, or 0. @ring is
 * an instance that it uses, or 0.
 */
int cr_shim_uring_task_read(struct task_struct *t, u64 *ring, u32 workers[2],
			    u64 *cpus, u32 room, u32 *nr_words)
{
	struct io_uring_task *tctx = t->io_uring;
	cpumask_var_t allowed;
	unsigned long index = 0;
	u32 cpu;
	int i;

	*ring = 0;
	*nr_words = 0;
	if (!tctx || !tctx->io_wq)
		return 0;
	if (!alloc_cpumask_var(&allowed, GFP_KERNEL))
		return -ENOMEM;
	if (xa_find(&tctx->xa, &index, ULONG_MAX, XA_PRESENT))
		*ring = index;
	for (i = 0; i < IO_WQ_ACCT_NR; i++)
		workers[i] = READ_ONCE(tctx->io_wq->acct[i].max_workers);
	cpuset_cpus_allowed(t, allowed);
	if (!cpumask_equal(allowed, tctx->io_wq->cpu_mask)) {
		for_each_cpu(cpu, tctx->io_wq->cpu_mask) {
			if (cpu / 64 >= room)
				break;
			cpus[cpu / 64] |= BIT_ULL(cpu % 64);
			*nr_words = cpu / 64 + 1;
		}
	}
	free_cpumask_var(allowed);
	return 0;
}

/* How many workers the current task may have, which has used an instance. */
void cr_shim_uring_set_workers(const u32 workers[2])
{
	struct io_wq *wq = current->io_uring ? current->io_uring->io_wq : NULL;
	int i;

	for (i = 0; wq && i < IO_WQ_ACCT_NR; i++) {
		raw_spin_lock(&wq->acct[i].workers_lock);
		wq->acct[i].max_workers = workers[i];
		raw_spin_unlock(&wq->acct[i].workers_lock);
	}
}

/* The instance that a task has registered in a place, or NULL. */
struct file *cr_shim_uring_registered(struct task_struct *t, u32 place)
{
	struct io_uring_task *tctx = t->io_uring;
	struct file *file = NULL;

	if (tctx && place < IO_RINGFD_REG_MAX)
		file = READ_ONCE(tctx->registered_rings[place]);
	return file ? get_file(file) : NULL;
}

/* Identity of an instance, as cr_shim_uring_task_read() has it. */
u64 cr_shim_uring_identity(struct file *file)
{
	return (unsigned long)file->private_data;
}

/* Has @t ever used an instance? */
bool cr_shim_has_uring(struct task_struct *t)
{
	return READ_ONCE(t->io_uring);
}

/* CR_TASK_IO_URING_*, as bits, of what a task has to do with it. */
u64 cr_shim_uring_unsupported(struct task_struct *t)
{
	return t->io_uring_restrict ? BIT_ULL(CR_TASK_IO_URING_RESTRICT) : 0;
}

#else

bool cr_shim_is_io_uring(struct file *file)
{
	return false;
}

void cr_shim_uring_read(struct file *file, struct cr_img_uring *out,
			struct cr_shim_uring *who, u8 *buf, u32 room)
{
}

struct file *cr_shim_uring_make(const struct cr_img_uring *in, const u8 *memory)
{
	return ERR_PTR(-ENOSYS);
}

int cr_shim_uring_take(struct file *file, bool unlimited)
{
	return -ENOSYS;
}

void cr_shim_uring_limit(struct file *file, const struct cr_img_uring *in)
{
}

void cr_shim_uring_set_submitter(struct file *file, struct task_struct *submitter)
{
}

int cr_shim_uring_task_read(struct task_struct *t, u64 *ring, u32 workers[2],
			    u64 *cpus, u32 room, u32 *nr_words)
{
	*ring = 0;
	*nr_words = 0;
	return 0;
}

void cr_shim_uring_set_workers(const u32 workers[2])
{
}

struct file *cr_shim_uring_registered(struct task_struct *t, u32 place)
{
	return NULL;
}

u64 cr_shim_uring_identity(struct file *file)
{
	return 0;
}

int cr_shim_uring_map(struct file *file, u64 addr, u64 len, u32 prot, u64 pgoff)
{
	return -ENOSYS;
}

bool cr_shim_has_uring(struct task_struct *t)
{
	return false;
}

u64 cr_shim_uring_unsupported(struct task_struct *t)
{
	return 0;
}

#endif
