// SPDX-License-Identifier: GPL-2.0
/*
 * Requests of io_uring in progress: those that wait for a file to become ready
 * (io_uring/poll.c), and time-outs (io_uring/timeout.c).
 *
 * Locks: uring_lock of an instance, then that of what tasks have of io_uring, the
 * lock of the queue that a request waits in, timeout_lock, or the memory of a task.
 */

#include <linux/file.h>
#include <linux/hrtimer.h>
#include <linux/io_uring.h>
#include <linux/io_uring_types.h>
#include <linux/net.h>
#include <linux/poll.h>
#include <linux/sched.h>
#include <linux/sched/mm.h>
#include <linux/socket.h>
#include <linux/uio.h>
#include <linux/wait.h>

#include "shim.h"

#ifdef CONFIG_IO_URING

/* io_uring/ */
#include "net.h"
#include "poll.h"
#include "rw.h"
#include "tctx.h"
#include "timeout.h"
#include "io_rw_types.h"
#include "io_net_types.h"
#include "io_timeout_types.h"

/* io_uring/poll.c: of poll_refs. */
#define POLL_CANCEL	BIT(31)
#define POLL_REFS	GENMASK(29, 0)
/* io_uring/net.c: what a program may say is in the lower part. */
#define NET_FLAGS	0xff

/* Vectors that are compared at once. */
#define NR_VECS		8

/* REQ_F_* that are made up again, or that are nothing but what the request says. */
#define PLAIN_FLAGS (REQ_F_FIXED_FILE | REQ_F_CQE_SKIP | REQ_F_INFLIGHT |	\
		     REQ_F_CUR_POS | REQ_F_NEED_CLEANUP | REQ_F_POLLED |	\
		     REQ_F_SUPPORT_NOWAIT | REQ_F_ISREG | REQ_F_REFCOUNT |	\
		     REQ_F_ASYNC_DATA | REQ_F_SINGLE_POLL | REQ_F_DOUBLE_POLL |	\
		     REQ_F_MULTISHOT | REQ_F_APOLL_MULTISHOT |			\
		     REQ_F_CLEAR_POLLIN | REQ_F_POLL_NO_LAZY | REQ_F_CAN_POLL |	\
		     REQ_F_BUF_NODE | REQ_F_SQE_COPIED)

static u32 flags_unsupported(const struct io_kiocb *req)
{
	io_req_flags_t flags = req->flags;
	u32 x = 0;

	if (req->link || flags & (REQ_F_LINK | REQ_F_HARDLINK |
				  REQ_F_LINK_TIMEOUT | REQ_F_ARM_LTIMEOUT))
		x |= BIT(CR_URING_R_LINKED);
	if (flags & REQ_F_IO_DRAIN)
		x |= BIT(CR_URING_R_DRAIN);
	if (flags & REQ_F_FORCE_ASYNC)
		x |= BIT(CR_URING_R_ASYNC);
	if (flags & REQ_F_CREDS)
		x |= BIT(CR_URING_R_CREDS);
	if (flags & (REQ_F_BUFFER_SELECT | REQ_F_BUFFER_SELECTED |
		     REQ_F_BUFFER_RING))
		x |= BIT(CR_URING_R_SELECTED);
	/* A time-out that has fired: what it says matters to links only. */
	if (req->opcode == IORING_OP_TIMEOUT)
		flags &= ~REQ_F_FAIL;
	if (!x && flags & ~PLAIN_FLAGS)
		x |= BIT(CR_URING_R_OTHER);
	return x;
}

/* Does a program still have at @addr the vectors that were taken from there? */
static bool has_vectors(struct mm_struct *mm, u64 addr, const struct iovec *vecs,
			u32 nr)
{
	struct iovec found[NR_VECS];
	u32 at, n;

	for (at = 0; at < nr; at += n) {
		n = min_t(u32, nr - at, NR_VECS);
		if (cr_shim_mm_copy(mm, addr + at * sizeof(*vecs), found,
				    n * sizeof(*vecs)) ||
		    memcmp(found, vecs + at, n * sizeof(*vecs)))
			return false;
	}
	return true;
}

static const struct iovec *vectors_of(const struct iou_vec *vec,
				      const struct iovec *fast)
{
	return vec->iovec ?: fast;
}

/* Which registered buffer it is about, if that is the one still. */
static u32 read_buffer(struct io_kiocb *req, struct cr_img_uring_request *out)
{
	const struct io_rsrc_data *table = &req->ctx->buf_table;

	out->buf_index = req->buf_index;
	if (req->flags & REQ_F_BUF_NODE &&
	    (req->buf_index >= table->nr ||
	     table->nodes[req->buf_index] != req->buf_node))
		return BIT(CR_URING_R_REPLACED);
	return 0;
}

static u32 read_rw(struct io_kiocb *req, struct mm_struct *mm,
		   struct cr_img_uring_request *out)
{
	const struct io_rw *rw = io_kiocb_to_cmd(req, struct io_rw);
	const struct io_async_rw *io = req->async_data;
	bool vectored = req->opcode == IORING_OP_READV ||
			req->opcode == IORING_OP_WRITEV;

	out->addr = rw->addr;
	out->len = rw->len;
	out->off = req->flags & REQ_F_CUR_POS ? -1ULL : rw->kiocb.ki_pos;
	out->op_flags = (__force u32)rw->flags;
	out->ioprio = rw->kiocb.ki_ioprio;
	if (rw->kiocb.ki_write_stream)
		return BIT(CR_URING_R_OTHER);
	if (io->bytes_done)
		return BIT(CR_URING_R_PARTIAL);
	if (vectored && !has_vectors(mm, rw->addr,
				     vectors_of(&io->vec, &io->fast_iov),
				     rw->len))
		return BIT(CR_URING_R_CHANGED);
	if (req->opcode == IORING_OP_READ_FIXED ||
	    req->opcode == IORING_OP_WRITE_FIXED)
		return read_buffer(req, out);
	return 0;
}

/* Does a program still have the header, and what it refers to, that was taken from there? */
static bool has_header(struct io_kiocb *req, struct mm_struct *mm)
{
	const struct io_sr_msg *sr = io_kiocb_to_cmd(req, struct io_sr_msg);
	const struct io_async_msghdr *kmsg = req->async_data;
	const struct iovec *vecs = vectors_of(&kmsg->vec, &kmsg->fast_iov);
	const struct iov_iter *iter = &kmsg->msg.msg_iter;
	u32 nr = iter_is_ubuf(iter) ? 1 : iter->nr_segs;
	struct user_msghdr header;

	if (cr_shim_mm_copy(mm, (unsigned long)sr->umsg, &header,
			    sizeof(header)) ||
	    header.msg_iovlen != nr ||
	    header.msg_controllen != kmsg->msg.msg_controllen)
		return false;
	if (req->opcode == IORING_OP_SENDMSG) {
		if (header.msg_name || kmsg->msg.msg_name ||
		    header.msg_control != sr->msg_control)
			return false;
	} else if (header.msg_name != kmsg->uaddr ||
		   header.msg_control != kmsg->msg.msg_control_user) {
		return false;
	}
	return has_vectors(mm, (unsigned long)header.msg_iov, vecs, nr);
}

static u32 read_message(struct io_kiocb *req, struct mm_struct *mm,
			struct cr_img_uring_request *out)
{
	const struct io_sr_msg *sr = io_kiocb_to_cmd(req, struct io_sr_msg);
	const struct io_async_msghdr *kmsg = req->async_data;
	bool has_own_header = req->opcode == IORING_OP_SENDMSG ||
			      req->opcode == IORING_OP_RECVMSG;

	out->addr = (unsigned long)sr->buf;
	out->len = sr->len;
	out->op_flags = sr->msg_flags;
	out->ioprio = sr->flags & NET_FLAGS;
	if (req->opcode == IORING_OP_SENDMSG)
		out->ioprio &= ~IORING_SEND_VECTORIZED;
	if (out->ioprio & ~IORING_RECVSEND_POLL_FIRST)
		return BIT(CR_URING_R_OTHER);
	if (sr->done_io)
		return BIT(CR_URING_R_PARTIAL);
	if (has_own_header)
		return has_header(req, mm) ? 0 : BIT(CR_URING_R_CHANGED);
	/* Where the address was is forgotten. */
	return kmsg->msg.msg_name ? BIT(CR_URING_R_OTHER) : 0;
}

static void read_accept(struct io_kiocb *req, struct cr_img_uring_request *out)
{
	const struct io_accept *accept = io_kiocb_to_cmd(req, struct io_accept);

	out->addr = (unsigned long)accept->addr;
	out->off = (unsigned long)accept->addr_len;
	out->op_flags = accept->flags;
	out->ioprio = accept->iou_flags;
	out->slot = accept->file_slot;
	out->value = accept->nofile;
}

static void read_poll(struct io_kiocb *req, struct cr_img_uring_request *out)
{
	const struct io_poll *poll = io_kiocb_to_cmd(req, struct io_poll);
	u32 events = (__force u32)poll->events;

	out->op_flags = events & (0xffff | EPOLLEXCLUSIVE);
	if (!(events & EPOLLONESHOT))
		out->len = IORING_POLL_ADD_MULTI;
}

/* Does it wait still for what it is to be told of, or is that so? */
static bool is_true(struct io_kiocb *req, bool has_fired)
{
	struct poll_table_struct pt = { ._key = req->apoll_events };

	return !has_fired || req->opcode != IORING_OP_POLL_ADD ||
	       vfs_poll(req->file, &pt) & req->apoll_events;
}

/* The request before it in the queue of the file, or NULL. */
static u64 request_before(struct io_kiocb *req, u32 *exclusive)
{
	struct io_poll *poll = req->opcode == IORING_OP_POLL_ADD ?
		io_kiocb_to_cmd(req, struct io_poll) : &req->apoll->poll;
	struct wait_queue_entry *wait = &poll->wait;
	struct wait_queue_head *head;
	u64 before = 0;

	/* It goes with RCU, having told so: see io_poll_remove_entries(). */
	rcu_read_lock();
	head = smp_load_acquire(&poll->head);
	if (head && req->flags & REQ_F_SINGLE_POLL) {
		spin_lock_irq(&head->lock);
		*exclusive = wait->flags & WQ_FLAG_EXCLUSIVE;
		while (!list_empty(&poll->wait.entry) && !before &&
		       wait->entry.prev != &head->head) {
			wait = list_prev_entry(wait, entry);
			/* Those that are in two queues have a mark in the second. */
			if (wait->func == poll->wait.func &&
			    !((unsigned long)wait->private & 1))
				before = (unsigned long)wait->private;
		}
		spin_unlock_irq(&head->lock);
	}
	rcu_read_unlock();
	return before;
}

static void read_common(struct io_kiocb *req, struct cr_shim_uring_request *out)
{
	memset(out, 0, sizeof(*out));
	out->image.user_data = req->cqe.user_data;
	out->image.opcode = req->opcode;
	out->image.sqe_flags = (__force u64)(req->flags & (REQ_F_FIXED_FILE |
							   REQ_F_CQE_SKIP));
	out->unsupported = flags_unsupported(req);
	out->identity = (unsigned long)req;
	out->task = (unsigned long)req->tctx->task;
}

/* One that waits for a file, with the lock of its instance. */
static void read_waiting(struct io_kiocb *req, struct cr_shim_uring_request *out)
{
	int refs = atomic_read(&req->poll_refs);
	struct cr_img_uring_request *image = &out->image;
	struct mm_struct *mm;

	read_common(req, out);
	if (out->unsupported)
		return;
	if (refs & POLL_REFS)
		image->flags |= CR_URING_FIRED;
	if (refs & POLL_CANCEL)
		out->unsupported |= BIT(CR_URING_R_OTHER);
	if (req->flags & REQ_F_FIXED_FILE)
		out->node = (unsigned long)req->file_node;
	else
		out->file = get_file(req->file);
	out->before = request_before(req, &out->exclusive);
	mm = get_task_mm(req->tctx->task);
	if (!mm) {
		out->unsupported |= BIT(CR_URING_R_OTHER);
		return;
	}
	switch (req->opcode) {
	case IORING_OP_POLL_ADD:
		read_poll(req, image);
		if (!is_true(req, refs & POLL_REFS))
			out->unsupported |= BIT(CR_URING_R_PASSED);
		break;
	case IORING_OP_READ:
	case IORING_OP_READV:
	case IORING_OP_READ_FIXED:
	case IORING_OP_WRITE:
	case IORING_OP_WRITEV:
	case IORING_OP_WRITE_FIXED:
		out->unsupported |= read_rw(req, mm, image);
		break;
	case IORING_OP_SEND:
	case IORING_OP_RECV:
	case IORING_OP_SENDMSG:
	case IORING_OP_RECVMSG:
		out->unsupported |= read_message(req, mm, image);
		break;
	case IORING_OP_ACCEPT:
		read_accept(req, image);
		break;
	default:
		out->unsupported |= BIT(CR_URING_R_KIND);
	}
	mmput(mm);
}

/*
 * A time-out, with the lock of its instance and timeout_lock; @seq: how many other
 * results there were.
 */
static void read_timeout(struct io_kiocb *req, u32 seq, bool has_fired,
			 struct cr_shim_uring_request *out)
{
	const struct io_timeout *timeout = io_kiocb_to_cmd(req, struct io_timeout);
	const struct io_timeout_data *data = req->async_data;
	struct cr_img_uring_request *image = &out->image;
	s64 left = 0;

	read_common(req, out);
	if (!has_fired)
		left = max_t(s64, hrtimer_get_remaining(&data->timer), 0);
	else
		image->flags |= CR_URING_FIRED;
	image->len = 1;
	image->op_flags = data->flags | IORING_TIMEOUT_IMMEDIATE_ARG;
	image->off = timeout->off;
	if (data->flags & IORING_TIMEOUT_MULTISHOT) {
		image->addr = data->time;
		image->value = left;
		if (timeout->off)
			image->off = timeout->repeats;
		return;
	}
	if (timeout->off) {
		image->off = timeout->target_seq - seq;
		/* Enough of them are there: it is about to be taken off. */
		if (!image->off || image->off > S32_MAX)
			out->unsupported |= BIT(CR_URING_R_OTHER);
	}
	/* By the clock on the wall, which may be set. The others go on where they were. */
	if ((data->flags & IORING_TIMEOUT_CLOCK_MASK) == IORING_TIMEOUT_REALTIME &&
	    data->flags & IORING_TIMEOUT_ABS) {
		image->addr = max_t(s64, data->time, 0);
		return;
	}
	image->op_flags &= ~IORING_TIMEOUT_ABS;
	image->addr = left;
}

static bool is_fired_timeout(struct llist_node *node, struct io_ring_ctx *ctx)
{
	struct io_kiocb *req = container_of(node, struct io_kiocb,
					    io_task_work.node);

	return req->ctx == ctx && req->opcode == IORING_OP_TIMEOUT &&
	       req->cqe.res == -ETIME &&
	       list_empty(&io_kiocb_to_cmd(req, struct io_timeout)->list);
}

/* Where requests go that are to be completed, and may have got to. */
struct pile {
	struct cr_shim_uring_request *out;
	u32 room;
	u32 nr;
};

static struct cr_shim_uring_request *next_place(struct pile *pile)
{
	u32 at = pile->nr++;

	return at < pile->room ? pile->out + at : NULL;
}

/*
 * Time-outs that are over, and wait in @queue from @node on. Nobody takes one of
 * the instance that is locked from there and frees it; others have none in it.
 */
static void read_fired(struct io_ring_ctx *ctx, struct mpscq *queue,
		       struct llist_node *node, struct pile *pile)
{
	struct cr_shim_uring_request *out;

	for (; node; node = READ_ONCE(node->next)) {
		if (node == &queue->stub || !is_fired_timeout(node, ctx))
			continue;
		out = next_place(pile);
		if (out)
			read_timeout(container_of(node, struct io_kiocb,
						  io_task_work.node), 0, true, out);
	}
}

/* Does a task use this instance, and no other one? */
static bool uses_only(struct io_uring_task *tctx, struct io_ring_ctx *ctx)
{
	unsigned long index = 0;

	return xa_find(&tctx->xa, &index, ULONG_MAX, XA_PRESENT) &&
	       index == (unsigned long)ctx &&
	       !xa_find_after(&tctx->xa, &index, ULONG_MAX, XA_PRESENT);
}

/* The same for all queues of the instance. */
static void read_all_fired(struct io_ring_ctx *ctx, struct pile *pile)
{
	struct io_tctx_node *user;

	if (ctx->flags & IORING_SETUP_DEFER_TASKRUN) {
		read_fired(ctx, &ctx->work_list, ctx->work_head, pile);
		return;
	}
	mutex_lock(&ctx->tctx_lock);
	list_for_each_entry(user, &ctx->tctx_list, ctx_node) {
		struct io_uring_task *tctx = READ_ONCE(user->task->io_uring);

		if (tctx && uses_only(tctx, ctx))
			read_fired(ctx, &tctx->task_list, tctx->task_head, pile);
	}
	mutex_unlock(&ctx->tctx_lock);
}

static void read_timeouts(struct io_ring_ctx *ctx, struct pile *pile)
{
	struct cr_shim_uring_request *out;
	struct io_timeout *timeout;
	u32 seq;

	read_all_fired(ctx, pile);
	raw_spin_lock_irq(&ctx->timeout_lock);
	/* Those that are over count as if they had been told. */
	seq = ctx->cached_cq_tail - atomic_read(&ctx->cq_timeouts) + pile->nr;
	list_for_each_entry(timeout, &ctx->timeout_list, list) {
		struct io_kiocb *req = cmd_to_io_kiocb(timeout);

		out = next_place(pile);
		if (out)
			read_timeout(req, seq, false, out);
	}
	raw_spin_unlock_irq(&ctx->timeout_lock);
}

/*
 * The requests of an instance whose tasks stand still, as far as there is room;
 * returns how many there are. Time-outs come first, in their order.
 */
u32 cr_shim_uring_requests(struct file *file, struct cr_shim_uring_request *out,
			   u32 room)
{
	struct io_ring_ctx *ctx = file->private_data;
	struct pile pile = { .out = out, .room = room };
	struct cr_shim_uring_request *place;
	struct io_kiocb *req;
	u32 i;

	mutex_lock(&ctx->uring_lock);
	read_timeouts(ctx, &pile);
	for (i = 0; i < 1U << ctx->cancel_table.hash_bits; i++)
		hlist_for_each_entry(req, &ctx->cancel_table.hbs[i].list, hash_node) {
			place = next_place(&pile);
			if (place)
				read_waiting(req, place);
		}
	mutex_unlock(&ctx->uring_lock);
	return pile.nr;
}

/* Requests that @t has submitted, and that are not completed yet. */
u64 cr_shim_nr_requests(struct task_struct *t)
{
	struct io_uring_task *tctx = READ_ONCE(t->io_uring);

	return tctx ? percpu_counter_sum(&tctx->inflight) - tctx->cached_refs : 0;
}

/* Those of @tctx that do nothing but wait. */
static u64 nr_waiting(struct io_ring_ctx *ctx, struct io_uring_task *tctx)
{
	struct io_timeout *timeout;
	struct io_kiocb *req;
	u64 nr = 0;
	u32 i;

	mutex_lock(&ctx->uring_lock);
	for (i = 0; i < 1U << ctx->cancel_table.hash_bits; i++)
		hlist_for_each_entry(req, &ctx->cancel_table.hbs[i].list, hash_node)
			nr += req->tctx == tctx && !atomic_read(&req->poll_refs);
	raw_spin_lock_irq(&ctx->timeout_lock);
	list_for_each_entry(timeout, &ctx->timeout_list, list)
		nr += cmd_to_io_kiocb(timeout)->tctx == tctx;
	raw_spin_unlock_irq(&ctx->timeout_lock);
	mutex_unlock(&ctx->uring_lock);
	return nr;
}

/* Do all requests of @t wait for something? */
bool cr_shim_requests_wait(struct task_struct *t)
{
	struct io_uring_task *tctx = READ_ONCE(t->io_uring);
	u64 nr = cr_shim_nr_requests(t), found = 0;
	unsigned long index = 0;
	void *entry;

	while (found < nr) {
		struct io_ring_ctx *ctx = NULL;

		/* An instance stays for as long as it is in there. */
		xa_lock(&tctx->xa);
		entry = xa_find(&tctx->xa, &index, ULONG_MAX, XA_PRESENT);
		if (entry && percpu_ref_tryget(&((struct io_ring_ctx *)index)->refs))
			ctx = (struct io_ring_ctx *)index;
		xa_unlock(&tctx->xa);
		if (!ctx)
			break;
		found += nr_waiting(ctx, tctx);
		percpu_ref_put(&ctx->refs);
		index++;
	}
	return found >= nr;
}

/*
 * What the first registered file at or after place @from, which becomes its place,
 * is in; 0: there is none.
 */
u64 cr_shim_uring_node(struct file *file, u32 *from)
{
	struct io_ring_ctx *ctx = file->private_data;
	struct io_rsrc_data *data = &ctx->file_table.data;
	u64 node = 0;

	mutex_lock(&ctx->uring_lock);
	for (; *from < data->nr && !node; ++*from)
		node = (unsigned long)data->nodes[*from];
	mutex_unlock(&ctx->uring_lock);
	if (node)
		--*from;
	return node;
}

#else

u32 cr_shim_uring_requests(struct file *file, struct cr_shim_uring_request *out,
			   u32 room)
{
	return 0;
}

u64 cr_shim_nr_requests(struct task_struct *t)
{
	return 0;
}

bool cr_shim_requests_wait(struct task_struct *t)
{
	return true;
}

u64 cr_shim_uring_node(struct file *file, u32 *from)
{
	return 0;
}

#endif
