// SPDX-License-Identifier: GPL-2.0
/*
 * Submitting requests of io_uring again: io_uring/io_uring.c.
 *
 * Locks: uring_lock of an instance, then timeout_lock.
 */

#include <linux/fs.h>
#include <linux/hash.h>
#include <linux/hrtimer.h>
#include <linux/io_uring.h>
#include <linux/io_uring_types.h>
#include <linux/poll.h>
#include <linux/sched.h>
#include <linux/socket.h>
#include <asm/unistd_64.h>

#include "shim.h"

#ifdef CONFIG_IO_URING

/* io_uring/ */
#include "timeout.h"
#include "uring_memory.h"
#include "io_net_types.h"
#include "io_timeout_types.h"

/* What io_uring_enter(2) changes of the queue of requests, and is not to. */
struct kept {
	struct io_uring_sqe sqe;
	u32 place;
	u32 head;
	u32 shown_head;
	u32 tail;
};

static u32 *place_in_array(struct io_ring_ctx *ctx)
{
	if (ctx->flags & IORING_SETUP_NO_SQARRAY)
		return NULL;
	return ctx->sq_array + (ctx->cached_sq_head & (ctx->sq_entries - 1));
}

static struct io_uring_sqe *entry_of(struct io_ring_ctx *ctx)
{
	u32 at = ctx->cached_sq_head & (ctx->sq_entries - 1);

	return ctx->sq_sqes + (ctx->flags & IORING_SETUP_SQE128 ? 2 * at : at);
}

/* Puts the request where the next one is expected. */
static void put_request(struct io_ring_ctx *ctx, const struct io_uring_sqe *sqe,
			struct kept *kept)
{
	struct io_rings *rings = ctx->rings;
	u32 *place = place_in_array(ctx);

	kept->sqe = *entry_of(ctx);
	kept->head = ctx->cached_sq_head;
	kept->shown_head = rings->sq.head;
	kept->tail = rings->sq.tail;
	*entry_of(ctx) = *sqe;
	if (place) {
		kept->place = *place;
		*place = kept->head & (ctx->sq_entries - 1);
	}
	smp_store_release(&rings->sq.tail, kept->head + 1);
}

static void put_back(struct io_ring_ctx *ctx, const struct kept *kept)
{
	u32 *place;

	ctx->cached_sq_head = kept->head;
	place = place_in_array(ctx);
	if (place)
		*place = kept->place;
	*entry_of(ctx) = kept->sqe;
	ctx->rings->sq.tail = kept->tail;
	ctx->rings->sq.head = kept->shown_head;
}

/* The request that the current task has submitted last, if it waits for a file. */
static struct io_kiocb *find_waiting(struct io_ring_ctx *ctx,
				     const struct cr_img_uring_request *in)
{
	struct io_hash_table *table = &ctx->cancel_table;
	u32 at = hash_long(in->user_data, table->hash_bits);
	struct io_kiocb *req;

	hlist_for_each_entry(req, &table->hbs[at].list, hash_node)
		if (req->cqe.user_data == in->user_data &&
		    req->opcode == in->opcode && req->tctx == current->io_uring)
			return req;
	return NULL;
}

/*
 * What it was told of before is told again when it is submitted: that does not
 * happen. Returns the events it waits for; the task is to do what it has to do
 * before these are put back.
 */
static u32 hush(struct io_kiocb *req)
{
	u32 events = 0;

	if (req && atomic_read(&req->poll_refs)) {
		events = (__force u32)req->apoll_events;
		req->apoll_events = 0;
		req->cqe.res = 0;
	}
	return events;
}

/* How much of the first time is left. */
static void set_left(struct io_ring_ctx *ctx, const struct cr_img_uring_request *in)
{
	struct io_timeout *timeout;

	raw_spin_lock_irq(&ctx->timeout_lock);
	if (!list_empty(&ctx->timeout_list)) {
		timeout = list_last_entry(&ctx->timeout_list, struct io_timeout, list);
		if (cmd_to_io_kiocb(timeout)->cqe.user_data == in->user_data) {
			struct io_timeout_data *data =
				cmd_to_io_kiocb(timeout)->async_data;

			if (hrtimer_try_to_cancel(&data->timer) >= 0)
				hrtimer_start(&data->timer, in->value,
					      HRTIMER_MODE_REL);
		}
	}
	raw_spin_unlock_irq(&ctx->timeout_lock);
}

/* A request that is submitted again, and what hush() says of it. */
struct issue {
	const struct cr_img_uring_request *in;
	u32 hushed;
};

/* With the lock of the instance: what a request cannot say. */
static void adjust(struct io_ring_ctx *ctx, void *arg)
{
	struct issue *issue = arg;
	const struct cr_img_uring_request *in = issue->in;
	struct io_kiocb *req;

	switch (in->opcode) {
	case IORING_OP_TIMEOUT:
		if (in->op_flags & IORING_TIMEOUT_MULTISHOT)
			set_left(ctx, in);
		break;
	case IORING_OP_ACCEPT:
		req = find_waiting(ctx, in);
		if (req)
			io_kiocb_to_cmd(req, struct io_accept)->nofile = in->value;
		break;
	case IORING_OP_POLL_ADD:
		if (in->len & IORING_POLL_ADD_MULTI && !(in->flags & CR_URING_FIRED))
			issue->hushed = hush(find_waiting(ctx, in));
		break;
	}
}

static void make_sqe(const struct cr_img_uring_request *in, u32 fd,
		     struct io_uring_sqe *sqe)
{
	*sqe = (struct io_uring_sqe){
		.opcode = in->opcode,
		.flags = in->sqe_flags,
		.ioprio = in->ioprio,
		.fd = in->sqe_flags & IOSQE_FIXED_FILE ? in->index : fd,
		.off = in->off,
		.addr = in->addr,
		.len = in->len,
		.rw_flags = in->op_flags,
		.user_data = in->user_data,
		.buf_index = in->buf_index,
		.file_index = in->slot,
	};
}

/*
 * Submits a request by a queue that is as before afterwards, as the current task; if
 * it was taken, does something, of which @arg has the result, before it lets go of the
 * instance. Returns what io_uring_enter(2) does.
 */
long cr_shim_uring_submit(struct io_ring_ctx *ctx, u32 ring_fd,
			  const struct io_uring_sqe *sqe,
			  void (*then)(struct io_ring_ctx *ctx, void *arg), void *arg)
{
	struct kept kept;
	long ret;

	mutex_lock(&ctx->uring_lock);
	put_request(ctx, sqe, &kept);
	mutex_unlock(&ctx->uring_lock);
	ret = cr_shim_syscall(__NR_io_uring_enter, ring_fd, 1, 0, 0, 0, 0);
	mutex_lock(&ctx->uring_lock);
	put_back(ctx, &kept);
	if (ret == 1 && then)
		then(ctx, arg);
	mutex_unlock(&ctx->uring_lock);
	return ret;
}

/*
 * Submits a request again, as the current task, which has the instance as @ring_fd
 * and what the request is about as @fd. Nobody else uses the instance by now.
 */
int cr_shim_uring_issue(struct file *file, const struct cr_img_uring_request *in,
			u32 ring_fd, u32 fd)
{
	struct io_ring_ctx *ctx = file->private_data;
	struct io_uring_sqe sqe;
	struct issue issue = { .in = in };
	long ret;

	make_sqe(in, fd, &sqe);
	ret = cr_shim_uring_submit(ctx, ring_fd, &sqe, adjust, &issue);
	if (issue.hushed) {
		struct io_kiocb *req;

		cr_shim_syscall(__NR_io_uring_enter, ring_fd, 0, 0,
				IORING_ENTER_GETEVENTS, 0, 0);
		mutex_lock(&ctx->uring_lock);
		req = find_waiting(ctx, in);
		if (req)
			req->apoll_events = (__force __poll_t)issue.hushed;
		mutex_unlock(&ctx->uring_lock);
	}
	if (ret < 0)
		return ret;
	return ret == 1 ? 0 : -EAGAIN;
}

#else

int cr_shim_uring_issue(struct file *file, const struct cr_img_uring_request *in,
			u32 ring_fd, u32 fd)
{
	return -ENOSYS;
}

#endif
