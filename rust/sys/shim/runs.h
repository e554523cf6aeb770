/* SPDX-License-Identifier: GPL-2.0 */
/* Runs of pages, as walks through page tables find them. */
#ifndef CR_SHIM_RUNS_H
#define CR_SHIM_RUNS_H

#include <linux/pgtable.h>

#include "shim.h"

struct runs {
	struct cr_img_run *runs;
	u32 max;
	u32 nr;
	u64 *pfns;
	u32 max_pfns;
	u32 nr_pfns;
	u64 next;
	u64 scanned;
};

/*
 * Adds pages from @addr on, with page frame numbers from @pfn on, or 0 when
 * they are in no frame, and flags, if these are wanted. 1 when there is no place for them,
 * which there is for a huge page of 2 MB when there is nothing else.
 */
static inline int add_run(struct runs *r, u64 addr, u64 pfn, u64 pages)
{
	struct cr_img_run *last = r->nr ? &r->runs[r->nr - 1] : NULL;
	u64 i;

	if (r->pfns && pages > r->max_pfns - r->nr_pfns)
		return 1;
	if (last && last->start + last->nr_pages * PAGE_SIZE == addr) {
		last->nr_pages += pages;
	} else if (r->nr < r->max) {
		r->runs[r->nr].start = addr;
		r->runs[r->nr].nr_pages = pages;
		r->nr++;
	} else {
		return 1;
	}
	for (i = 0; r->pfns && i < pages; i++)
		r->pfns[r->nr_pfns++] =
			pfn & ~CR_SHIM_PFN_FLAGS ? pfn + i : pfn;
	r->next = addr + pages * PAGE_SIZE;
	return 0;
}

/* Written to, as far as that is noted, or not looked at since it is there. */
static inline bool is_soft_dirty(pte_t pte)
{
	return pte_present(pte) ? pte_soft_dirty(pte) : pte_swp_soft_dirty(pte);
}

#endif /* CR_SHIM_RUNS_H */
