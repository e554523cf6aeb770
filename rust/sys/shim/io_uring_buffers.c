// SPDX-License-Identifier: GPL-2.0
/*
 * Buffers that are provided to io_uring instances (io_uring/kbuf.c), in rings or
 * without, and what programs have mapped of instances (io_uring/memmap.c).
 *
 * Locks: uring_lock of an instance, then mmap_lock of the memory of a process.
 */

#include <linux/io_uring.h>
#include <linux/io_uring_types.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/sched.h>
#include <asm/unistd_64.h>

#include "shim.h"

#ifdef CONFIG_IO_URING

#include "uring_memory.h"

/* io_uring/ */
#include "kbuf.h"

/* io_uring/memmap.c: IO_REGION_F_USER_PROVIDED */
#define REGION_OF_PROGRAM	BIT(1)

static struct io_ring_ctx *ctx_of(struct file *file)
{
	return file->private_data;
}

/* Does @mm, which is locked, show all of a region from @addr on? */
static bool shows_region(struct mm_struct *mm, u64 addr,
			 const struct io_mapped_region *region)
{
	u32 i;

	for (i = 0; i < region->nr_pages; i++)
		if (!cr_shim_mm_has_page(mm, addr + i * PAGE_SIZE, region->pages[i]))
			return false;
	return true;
}

/* Where @mm has a region, 0: nowhere. An instance knows the pages alone. */
static u64 find_region(struct mm_struct *mm, const struct io_mapped_region *region)
{
	struct page *first = region->pages[0];
	struct vm_area_struct *vma;
	u64 pgoff, addr, found = 0;
	VMA_ITERATOR(vmi, mm, 0);

	mmap_read_lock(mm);
	pgoff = page_pgoff(page_folio(first), first);
	for_each_vma(vmi, vma) {
		if (pgoff < vma->vm_pgoff ||
		    pgoff - vma->vm_pgoff >= vma_pages(vma))
			continue;
		addr = vma->vm_start + ((pgoff - vma->vm_pgoff) << PAGE_SHIFT);
		if (shows_region(mm, addr, region)) {
			found = addr;
			break;
		}
	}
	mmap_read_unlock(mm);
	return found;
}

/* With the lock of the instance. */
static int read_ring(const struct io_buffer_list *list, struct mm_struct *mm,
		     struct cr_img_uring_group *out,
		     struct cr_img_uring_buffer *bufs, u32 room)
{
	size_t bytes = (size_t)list->region.nr_pages << PAGE_SHIFT;

	if (list->flags & ~(IOBL_BUF_RING | IOBL_INC))
		return -EINVAL;
	out->nr_places = list->mask + 1;
	out->head = list->head;
	if (list->flags & IOBL_INC)
		out->flags |= CR_URING_GROUP_INC;
	if (list->min_left_sub_one)
		out->min_left = list->min_left_sub_one + 1;
	if (list->region.flags & REGION_OF_PROGRAM) {
		out->addr = find_region(mm, &list->region);
		return out->addr ? 0 : -EXDEV;
	}
	out->flags |= CR_URING_GROUP_MAPPED;
	out->nr = bytes / sizeof(*bufs);
	if (out->nr <= room)
		memcpy(bufs, list->buf_ring, bytes);
	return 0;
}

static void read_list(const struct io_buffer_list *list,
		      struct cr_img_uring_group *out,
		      struct cr_img_uring_buffer *bufs, u32 room)
{
	const struct io_buffer *buffer;

	out->flags = CR_URING_GROUP_LIST;
	list_for_each_entry(buffer, &list->buf_list, list) {
		if (out->nr < room)
			bufs[out->nr] = (struct cr_img_uring_buffer){
				.addr = buffer->addr,
				.length = buffer->len,
				.id = buffer->bid,
			};
		out->nr++;
	}
}

/*
 * The first group of buffers whose number is @from or higher: all about it, and its
 * buffers, if there is room. -ENOENT: there is none; -EXDEV: its ring is none of the
 * memory that @mm has now.
 */
int cr_shim_uring_group(struct file *file, u32 from, struct mm_struct *mm,
			struct cr_img_uring_group *out,
			struct cr_img_uring_buffer *bufs, u32 room)
{
	struct io_ring_ctx *ctx = ctx_of(file);
	struct io_buffer_list *list;
	unsigned long index = from;
	int ret = -ENOENT;

	mutex_lock(&ctx->uring_lock);
	list = xa_find(&ctx->io_bl_xa, &index, ULONG_MAX, XA_PRESENT);
	if (list) {
		ret = 0;
		out->group = index;
		if (list->flags & IOBL_BUF_RING)
			ret = read_ring(list, mm, out, bufs, room);
		else
			read_list(list, out, bufs, room);
	}
	mutex_unlock(&ctx->uring_lock);
	return ret;
}

/*
 * Continues a ring of buffers that has been registered, with the memory of one that is
 * the kernel's.
 */
int cr_shim_uring_continue_group(struct file *file, const struct cr_img_uring_group *in,
				 const struct cr_img_uring_buffer *bufs)
{
	size_t bytes = in->nr * sizeof(*bufs);
	struct io_ring_ctx *ctx = ctx_of(file);
	struct io_buffer_list *list;
	int ret = -EINVAL;

	mutex_lock(&ctx->uring_lock);
	list = xa_load(&ctx->io_bl_xa, in->group);
	if (list && list->flags & IOBL_BUF_RING &&
	    bytes <= (size_t)list->region.nr_pages << PAGE_SHIFT) {
		memcpy(list->buf_ring, bufs, bytes);
		list->head = in->head;
		ret = 0;
	}
	mutex_unlock(&ctx->uring_lock);
	return ret;
}

/* Makes a ring of buffers in memory of the kernel; for a moment, the current task has a descriptor. */
int cr_shim_uring_make_group(struct file *file, const struct cr_img_uring_group *in,
			     const struct cr_img_uring_buffer *bufs)
{
	struct io_uring_buf_reg reg = {
		.ring_entries = in->nr_places,
		.bgid = in->group,
		.flags = in->flags & (IOU_PBUF_RING_MMAP | IOU_PBUF_RING_INC),
		.min_left = in->min_left,
	};
	int fd = cr_shim_install_any(file);
	long ret;

	static_assert(CR_URING_GROUP_MAPPED == IOU_PBUF_RING_MMAP);
	static_assert(CR_URING_GROUP_INC == IOU_PBUF_RING_INC);
	if (fd < 0)
		return fd;
	ret = cr_shim_call_with(__NR_io_uring_register,
				(const u64 []){ fd, IORING_REGISTER_PBUF_RING, 0, 1 },
				2, &reg, sizeof(reg));
	cr_shim_syscall(__NR_close, fd, 0, 0, 0, 0, 0);
	return ret < 0 ? ret : cr_shim_uring_continue_group(file, in, bufs);
}

/* How many of @bufs one request can provide. */
static u32 nr_alike(const struct cr_img_uring_buffer *bufs, u32 nr)
{
	u32 n;

	for (n = 1; n < nr; n++)
		if (bufs[n].length != bufs[0].length ||
		    bufs[n].addr != bufs[n - 1].addr + bufs[0].length ||
		    bufs[n].id != bufs[n - 1].id + 1)
			break;
	return n;
}

/* A request whose success is not told. */
static int submit(struct io_ring_ctx *ctx, u32 ring_fd, struct io_uring_sqe *sqe)
{
	sqe->flags = IOSQE_CQE_SKIP_SUCCESS;
	return cr_shim_uring_submit(ctx, ring_fd, sqe, NULL, NULL) == 1 ? 0 : -EINVAL;
}

static int provide(struct io_ring_ctx *ctx, u32 ring_fd, u32 group,
		   const struct cr_img_uring_buffer *bufs, u32 nr)
{
	struct io_uring_sqe sqe;
	u32 at, n;
	int ret = 0;

	for (at = 0; at < nr && !ret; at += n) {
		n = nr_alike(bufs + at, nr - at);
		sqe = (struct io_uring_sqe){
			.opcode = IORING_OP_PROVIDE_BUFFERS,
			.fd = n,
			.addr = bufs[at].addr,
			.len = bufs[at].length,
			.off = bufs[at].id,
			.buf_group = group,
		};
		ret = submit(ctx, ring_fd, &sqe);
	}
	return ret;
}

/* A group that has had a buffer. */
static int provide_none(struct io_ring_ctx *ctx, u32 ring_fd, u32 group)
{
	struct cr_img_uring_buffer any = { .length = 1 };
	struct io_uring_sqe sqe = {
		.opcode = IORING_OP_REMOVE_BUFFERS,
		.fd = 1,
		.buf_group = group,
	};

	return provide(ctx, ring_fd, group, &any, 1) ?: submit(ctx, ring_fd, &sqe);
}

/*
 * Provides a new group of buffers without a ring, as the current task, which has the
 * instance as @ring_fd. Nobody else uses the instance by now.
 */
int cr_shim_uring_provide(struct file *file, u32 ring_fd, u32 group,
			  const struct cr_img_uring_buffer *bufs, u32 nr)
{
	struct io_ring_ctx *ctx = ctx_of(file);
	struct io_buffer_list *list;
	u32 drain;
	int ret;

	drain = READ_ONCE(ctx->int_flags) & IO_RING_F_DRAIN_DISABLED;
	ret = nr ? provide(ctx, ring_fd, group, bufs, nr) :
		   provide_none(ctx, ring_fd, group);
	mutex_lock(&ctx->uring_lock);
	/* That nothing was told of these matters to nobody. */
	if (!drain)
		ctx->int_flags &= ~IO_RING_F_DRAIN_DISABLED;
	list = xa_load(&ctx->io_bl_xa, group);
	if (!ret && (!list || list->flags & IOBL_BUF_RING || list->nbufs != nr))
		ret = -ENOMEM;
	mutex_unlock(&ctx->uring_lock);
	return ret;
}

/* With the lock of the instance: what a mapping at @pgoff shows, from its beginning on. */
static const struct io_mapped_region *region_at(struct io_ring_ctx *ctx, u64 pgoff)
{
	u64 offset = pgoff << PAGE_SHIFT;
	const struct io_buffer_list *list;

	switch (offset) {
	case IORING_OFF_SQ_RING:
	case IORING_OFF_CQ_RING:
		return &ctx->ring_region;
	case IORING_OFF_SQES:
		return &ctx->sq_region;
	}
	if ((offset & IORING_OFF_MMAP_MASK) != IORING_OFF_PBUF_RING ||
	    offset & (BIT(IORING_OFF_PBUF_SHIFT) - 1))
		return NULL;
	list = xa_load(&ctx->io_bl_xa,
		       (offset & ~IORING_OFF_MMAP_MASK) >> IORING_OFF_PBUF_SHIFT);
	return list && list->flags & IOBL_BUF_RING ? &list->region : NULL;
}

/* Does @mm show at @start what somebody would see who mapped so much at @pgoff now? */
bool cr_shim_uring_is_mapped(struct file *file, struct mm_struct *mm, u64 start,
			     u64 len, u64 pgoff)
{
	struct io_ring_ctx *ctx = ctx_of(file);
	const struct io_mapped_region *region;
	struct page *page;
	bool same = false;
	u64 i, nr = 0;

	mutex_lock(&ctx->uring_lock);
	mmap_read_lock(mm);
	region = region_at(ctx, pgoff);
	if (region && region->nr_pages && !(region->flags & REGION_OF_PROGRAM)) {
		same = true;
		nr = min_t(u64, region->nr_pages, len >> PAGE_SHIFT);
	}
	for (i = 0; i < nr && same; i++) {
		same = get_user_pages_remote(mm, start + i * PAGE_SIZE, 1, FOLL_FORCE,
					     &page, NULL) == 1;
		if (same) {
			same = page == region->pages[i];
			put_page(page);
		}
	}
	mmap_read_unlock(mm);
	mutex_unlock(&ctx->uring_lock);
	return same;
}

#else

int cr_shim_uring_group(struct file *file, u32 from, struct mm_struct *mm,
			struct cr_img_uring_group *out,
			struct cr_img_uring_buffer *bufs, u32 room)
{
	return -ENOENT;
}

int cr_shim_uring_continue_group(struct file *file, const struct cr_img_uring_group *in,
				 const struct cr_img_uring_buffer *bufs)
{
	return -ENOSYS;
}

int cr_shim_uring_make_group(struct file *file, const struct cr_img_uring_group *in,
			     const struct cr_img_uring_buffer *bufs)
{
	return -ENOSYS;
}

int cr_shim_uring_provide(struct file *file, u32 ring_fd, u32 group,
			  const struct cr_img_uring_buffer *bufs, u32 nr)
{
	return -ENOSYS;
}

bool cr_shim_uring_is_mapped(struct file *file, struct mm_struct *mm, u64 start,
			     u64 len, u64 pgoff)
{
	return false;
}

#endif
