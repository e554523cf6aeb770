/* SPDX-License-Identifier: GPL-2.0 */
/* Memory that instances of io_uring have pinned, as programs see it. */
#ifndef _CR_SHIM_URING_MEMORY_H
#define _CR_SHIM_URING_MEMORY_H

#include <linux/mm.h>

/* io_uring_tables.c */
bool cr_shim_mm_has_page(struct mm_struct *mm, u64 addr, struct page *page);

/* io_uring_issue.c */
long cr_shim_uring_submit(struct io_ring_ctx *ctx, u32 ring_fd,
			  const struct io_uring_sqe *sqe,
			  void (*then)(struct io_ring_ctx *ctx, void *arg), void *arg);

#endif /* _CR_SHIM_URING_MEMORY_H */
