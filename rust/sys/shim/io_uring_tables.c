// SPDX-License-Identifier: GPL-2.0
/* What is registered with io_uring instances: io_uring/rsrc.c, io_uring/eventfd.c. */

#include <linux/eventfd.h>
#include <linux/file.h>
#include <linux/io_uring.h>
#include <linux/io_uring_types.h>
#include <linux/mm.h>
#include <linux/sched.h>

#include "shim.h"

#ifdef CONFIG_IO_URING

/* io_uring/ */
#include "io_ev_fd_types.h"
#include "rsrc.h"
#include "filetable.h"
#include "uring_memory.h"

static struct io_ring_ctx *ctx_of(struct file *file)
{
	return file->private_data;
}

static struct io_ev_fd *eventfd_of(struct io_ring_ctx *ctx)
{
	return rcu_dereference_protected(ctx->io_ev_fd,
					 lockdep_is_held(&ctx->uring_lock));
}

/* All of them but their entries. */
void cr_shim_uring_tables(struct file *file, struct cr_shim_uring_tables *out)
{
	struct io_ring_ctx *ctx = ctx_of(file);
	struct io_ev_fd *event;

	mutex_lock(&ctx->uring_lock);
	out->files[0] = ctx->file_table.data.nr;
	out->files[1] = ctx->file_alloc_start;
	out->files[2] = ctx->file_alloc_end;
	out->files[3] = ctx->file_table.alloc_hint;
	out->buffers = ctx->buf_table.nr;
	out->has_limits = ctx->int_flags & IO_RING_F_IOWQ_LIMITS_SET;
	out->limits[0] = ctx->iowq_limits[0];
	out->limits[1] = ctx->iowq_limits[1];
	event = eventfd_of(ctx);
	if (event) {
		out->eventfd = (unsigned long)event->cq_ev_fd;
		out->eventfd_async = event->eventfd_async;
		out->eventfd_told = event->last_cq_tail;
		out->eventfd_busy = atomic_read(&event->ops);
	}
	mutex_unlock(&ctx->uring_lock);
}

/* The first entry of a table at or after @from, with the lock of the instance. */
static struct io_rsrc_node *node_from(struct io_rsrc_data *data, u32 *from)
{
	for (; *from < data->nr; ++*from)
		if (data->nodes[*from])
			return data->nodes[*from];
	return NULL;
}

/*
 * The first registered file at or after place @from, which becomes its place;
 * NULL: there is none.
 */
struct file *cr_shim_uring_file(struct file *file, u32 *from, u64 *tag)
{
	struct io_ring_ctx *ctx = ctx_of(file);
	struct file *found = NULL;
	struct io_rsrc_node *node;

	mutex_lock(&ctx->uring_lock);
	node = node_from(&ctx->file_table.data, from);
	if (node) {
		*tag = node->tag;
		found = get_file(io_slot_file(node));
	}
	mutex_unlock(&ctx->uring_lock);
	return found;
}

/* Does @mm, which is locked, have @page at @addr, where it may be written to? */
bool cr_shim_mm_has_page(struct mm_struct *mm, u64 addr, struct page *page)
{
	struct vm_area_struct *vma = vma_lookup(mm, addr);
	unsigned int flags = 0;
	struct page *found;
	bool same;

	if (!vma || !(vma->vm_flags & VM_WRITE))
		return false;
	/* Shared pages need not be in the page table: then they are in the file. */
	if (!(vma->vm_flags & VM_SHARED))
		flags = FOLL_NOFAULT;
	if (get_user_pages_remote(mm, addr, 1, flags, &found, NULL) != 1)
		return false;
	same = found == page;
	put_page(found);
	return same;
}

/* Is what @buf shows the memory that @mm has there now? */
static bool is_mapped(struct mm_struct *mm, const struct io_mapped_ubuf *buf)
{
	u64 addr = buf->ubuf;
	u32 i, at, step;

	for (i = 0; i < buf->nr_bvecs; i++) {
		const struct bio_vec *vec = &buf->bvec[i];

		for (at = 0; at < vec->bv_len; at += step, addr += step) {
			u32 offset = vec->bv_offset + at;

			step = min_t(u32, vec->bv_len - at,
				     PAGE_SIZE - offset_in_page(offset));
			if (!cr_shim_mm_has_page(mm, addr, vec->bv_page +
						 (offset >> PAGE_SHIFT)))
				return false;
		}
	}
	return true;
}

/*
 * The first registered buffer at or after place @from, which becomes its place.
 * -ENOENT: there is none; -EXDEV: it is none of the memory that @mm has now.
 */
int cr_shim_uring_buffer(struct file *file, u32 *from, struct mm_struct *mm,
			 struct cr_img_uring_entry *out)
{
	struct io_ring_ctx *ctx = ctx_of(file);
	const struct io_mapped_ubuf *buf;
	struct io_rsrc_node *node;
	int ret = -ENOENT;

	mutex_lock(&ctx->uring_lock);
	node = node_from(&ctx->buf_table, from);
	if (node) {
		buf = node->buf;
		out->index = *from;
		out->addr = buf->ubuf;
		out->length = buf->len;
		out->tag = node->tag;
		ret = -EXDEV;
		if (!buf->flags && buf->dir == (IO_IMU_DEST | IO_IMU_SOURCE)) {
			mmap_read_lock(mm);
			ret = is_mapped(mm, buf) ? 0 : -EXDEV;
			mmap_read_unlock(mm);
		}
	}
	mutex_unlock(&ctx->uring_lock);
	return ret;
}

/* Where the search for a free place for a file begins. */
void cr_shim_uring_set_hint(struct file *file, u32 hint)
{
	struct io_ring_ctx *ctx = ctx_of(file);

	mutex_lock(&ctx->uring_lock);
	ctx->file_table.alloc_hint = hint;
	mutex_unlock(&ctx->uring_lock);
}

/* Up to which result the eventfd has been told. */
void cr_shim_uring_set_told(struct file *file, u32 tail)
{
	struct io_ring_ctx *ctx = ctx_of(file);
	struct io_ev_fd *event;

	mutex_lock(&ctx->uring_lock);
	event = eventfd_of(ctx);
	if (event) {
		spin_lock(&ctx->completion_lock);
		event->last_cq_tail = tail;
		spin_unlock(&ctx->completion_lock);
	}
	mutex_unlock(&ctx->uring_lock);
}

/* How many workers tasks get that are to use the instance for the first time. */
void cr_shim_uring_set_limits(struct file *file, u32 bounded, u32 unbounded)
{
	struct io_ring_ctx *ctx = ctx_of(file);

	mutex_lock(&ctx->uring_lock);
	ctx->iowq_limits[0] = bounded;
	ctx->iowq_limits[1] = unbounded;
	ctx->int_flags |= IO_RING_F_IOWQ_LIMITS_SET;
	mutex_unlock(&ctx->uring_lock);
}

#else

void cr_shim_uring_tables(struct file *file, struct cr_shim_uring_tables *out)
{
}

struct file *cr_shim_uring_file(struct file *file, u32 *from, u64 *tag)
{
	return NULL;
}

int cr_shim_uring_buffer(struct file *file, u32 *from, struct mm_struct *mm,
			 struct cr_img_uring_entry *out)
{
	return -ENOENT;
}

void cr_shim_uring_set_hint(struct file *file, u32 hint)
{
}

void cr_shim_uring_set_told(struct file *file, u32 tail)
{
}

void cr_shim_uring_set_limits(struct file *file, u32 bounded, u32 unbounded)
{
}

#endif
