// SPDX-License-Identifier: GPL-2.0
/*
 * Which private pages of a process change between two checkpoints.
 *
 * The kernel marks every page that is written to soft-dirty, in the page table
 * or, for a mapping that is new, in the mapping. Clearing these marks, as a write
 * to /proc/PID/clear_refs does, begins an interval. Since somebody else may do
 * that as well, and since a process may take other memory by execve(2), the
 * memory descriptor itself has to know which checkpoint the marks belong to. A
 * subscription to its MMU notifications is where that is kept: it goes with the
 * memory, is not handed on by fork(2), and hears when somebody else clears marks.
 */

#include <linux/mm.h>
#include <linux/mm_inline.h>
#include <linux/mmu_notifier.h>
#include <linux/module.h>
#include <linux/pagewalk.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

#include "runs.h"
#include "shim.h"

/* arch/x86/include/asm/tlbflush.h has these, and keeps them from modules. */
#define TLB_FLUSH_ALL	-1UL
extern void flush_tlb_mm_range(struct mm_struct *mm, unsigned long start,
			unsigned long end, unsigned int stride_shift,
			bool freed_tables);

struct cr_shim_track {
	struct mmu_notifier mn;
	spinlock_t lock;
	/* What the marks are relative to; object 0 for nothing. */
	struct cr_shim_origin origin;
	/* The reference that lasts as long as the memory does is taken. */
	bool kept;
	/* A checkpoint is being made. */
	bool busy;
	/* Somebody else has cleared marks. */
	bool disturbed;
};

static struct cr_shim_track *of_notifier(struct mmu_notifier *mn)
{
	return container_of(mn, struct cr_shim_track, mn);
}

static struct mmu_notifier *track_alloc(struct mm_struct *mm)
{
	struct cr_shim_track *track = kzalloc(sizeof(*track), GFP_KERNEL_ACCOUNT);

	if (!track)
		return ERR_PTR(-ENOMEM);
	spin_lock_init(&track->lock);
	__module_get(THIS_MODULE);
	return &track->mn;
}

static void track_free(struct mmu_notifier *mn)
{
	kfree(of_notifier(mn));
	/* The module's exit waits until this has returned. */
	module_put(THIS_MODULE);
}

/* The memory goes: its last user may be this call's caller. */
static void track_release(struct mmu_notifier *mn, struct mm_struct *mm)
{
	if (of_notifier(mn)->kept)
		mmu_notifier_put(mn);
}

static int track_invalidate(struct mmu_notifier *mn,
			    const struct mmu_notifier_range *range)
{
	struct cr_shim_track *track = of_notifier(mn);

	if (range->event == MMU_NOTIFY_SOFT_DIRTY) {
		spin_lock(&track->lock);
		track->disturbed = true;
		spin_unlock(&track->lock);
	}
	return 0;
}

static const struct mmu_notifier_ops track_ops = {
	.alloc_notifier		= track_alloc,
	.free_notifier		= track_free,
	.release		= track_release,
	.invalidate_range_start	= track_invalidate,
};

/* Can it have private pages? */
static bool is_tracked(struct vm_area_struct *vma)
{
	return !(vma->vm_flags & (VM_MAYSHARE | VM_PFNMAP | VM_HUGETLB));
}

/*
 * The track of this memory, for the caller alone until cr_shim_track_end().
 * @origin is what the marks are relative to; @is_new tells that there has been
 * no interval yet, and @used_before that somebody else, or the parent of the
 * process, has cleared marks before.
 * The caller has a reference to the memory. It may give that up while it has the
 * track: that a process ends is not to be delayed.
 */
struct cr_shim_track *cr_shim_track_begin(struct mm_struct *mm,
					  struct cr_shim_origin *origin,
					  bool *is_new, bool *used_before)
{
	VMA_ITERATOR(vmi, mm, 0);
	struct vm_area_struct *vma;
	struct cr_shim_track *track;
	struct mmu_notifier *mn;
	int ret = 0;

	if (mmap_write_lock_killable(mm))
		return ERR_PTR(-EINTR);
	mn = mmu_notifier_get_locked(&track_ops, mm);
	if (IS_ERR(mn)) {
		mmap_write_unlock(mm);
		return ERR_CAST(mn);
	}
	track = of_notifier(mn);
	*is_new = !track->kept;
	*used_before = false;
	if (!track->kept) {
		/* There is one already: that cannot fail. */
		mmu_notifier_get_locked(&track_ops, mm);
		track->kept = true;
		/* execve(2) leaves the stack without a mark, its pages have one. */
		for_each_vma(vmi, vma)
			*used_before |= is_tracked(vma) &&
					!vma_is_initial_stack(vma) &&
					!(vma->vm_flags & VM_SOFTDIRTY);
	}
	spin_lock(&track->lock);
	if (track->busy) {
		ret = -EBUSY;
	} else if (track->disturbed) {
		ret = -ENOTUNIQ;
	} else {
		*origin = track->origin;
		track->busy = true;
	}
	spin_unlock(&track->lock);
	if (ret)
		mmu_notifier_put(mn);
	mmap_write_unlock(mm);
	return ret ? ERR_PTR(ret) : track;
}

/* Has somebody else cleared marks? */
bool cr_shim_track_is_disturbed(struct cr_shim_track *track)
{
	bool disturbed;

	spin_lock(&track->lock);
	disturbed = track->disturbed;
	spin_unlock(&track->lock);
	return disturbed;
}

/* Notes what the marks are relative to. */
void cr_shim_track_keep(struct cr_shim_track *track,
			const struct cr_shim_origin *origin)
{
	spin_lock(&track->lock);
	if (!track->disturbed)
		track->origin = *origin;
	spin_unlock(&track->lock);
}

/* Gives the track back. */
void cr_shim_track_end(struct cr_shim_track *track)
{
	spin_lock(&track->lock);
	track->busy = false;
	spin_unlock(&track->lock);
	mmu_notifier_put(&track->mn);
}

/*
 * A page that a device writes to, or may, shows nothing in the page table. Its
 * mark stays, so it counts as changed.
 */
static bool is_pinned(struct mm_struct *mm, struct page *page)
{
	return mm_flags_test(MMF_HAS_PINNED, mm) && PageAnon(page) &&
	       folio_maybe_dma_pinned(page_folio(page));
}

static int clear_pte(pte_t *ptep, unsigned long addr, unsigned long next,
		     struct mm_walk *walk)
{
	struct runs *r = walk->private;
	pte_t pte = ptep_get(ptep);

	if (pte_none(pte))
		return 0;
	if (r->runs && is_soft_dirty(pte) && add_run(r, addr, 0, 1))
		return 1;
	if (!pte_present(pte)) {
		set_pte_at(walk->mm, addr, ptep, pte_swp_clear_soft_dirty(pte));
	} else if (pte_soft_dirty(pte) &&
		   (pte_special(pte) || !is_pinned(walk->mm, pte_page(pte)))) {
		pte_t old = ptep_modify_prot_start(walk->vma, addr, ptep);

		/* The next write is to come by. */
		pte = pte_clear_soft_dirty(pte_wrprotect(old));
		ptep_modify_prot_commit(walk->vma, addr, ptep, old, pte);
	}
	return 0;
}

static int clear_pmd(pmd_t *pmdp, unsigned long addr, unsigned long next,
		     struct mm_walk *walk)
{
	spinlock_t *ptl = pmd_lock(walk->mm, pmdp);
	struct runs *r = walk->private;
	bool present, soft_dirty;
	pmd_t pmd = *pmdp;

	present = pmd_present(pmd);
	if (pmd_none(pmd) || (present && !pmd_leaf(pmd)))
		goto out;
	/* Without this, the walker would split the huge page. */
	walk->action = ACTION_CONTINUE;
	soft_dirty = present ? pmd_soft_dirty(pmd) : pmd_swp_soft_dirty(pmd);
	if (!soft_dirty)
		goto out;
	if (r->runs) {
		/* It is being written to: from now on its pages have marks. */
		walk->action = ACTION_SUBTREE;
	} else if (!present) {
		set_pmd_at(walk->mm, addr, pmdp, pmd_swp_clear_soft_dirty(pmd));
	} else if (!is_pinned(walk->mm, pmd_page(pmd))) {
		/* What the processor notes in the entry is complete then. */
		pmd = pmdp_establish(walk->vma, addr, pmdp, pmd_mkinvalid(pmd));
		pmd = pmd_clear_soft_dirty(pmd_wrprotect(pmd));
		set_pmd_at(walk->mm, addr, pmdp, pmd);
	}
out:
	spin_unlock(ptl);
	return 0;
}

static const struct mm_walk_ops clear_ops = {
	.pte_entry = clear_pte,
	.pmd_entry = clear_pmd,
	.walk_lock = PGWALK_WRLOCK,
};

/* Marks of a mapping, of which @r gets those that are set. 1 when it is full. */
static int clear_vma(struct vm_area_struct *vma, u64 from, struct runs *r)
{
	struct runs none = {};
	u64 start = max_t(u64, from, vma->vm_start);

	if (!is_tracked(vma))
		return 0;
	if (!(vma->vm_flags & VM_SOFTDIRTY))
		return walk_page_range(vma->vm_mm, start, vma->vm_end,
				       &clear_ops, r);
	/* All of it is new. */
	if (r->runs &&
	    add_run(r, start, 0, (vma->vm_end - start) >> PAGE_SHIFT)) {
		r->next = start;
		return 1;
	}
	vm_flags_clear(vma, VM_SOFTDIRTY);
	return walk_page_range(vma->vm_mm, start, vma->vm_end, &clear_ops,
			       &none);
}

/*
 * Clears the marks from @from on, so that they are relative to nothing that is
 * known. The caller has a reference to the memory. With @runs, these are the pages that had one, and when they do not fit,
 * @next is where to go on; else it is 0.
 *
 * A write that goes by what a processor still remembers of a page table happens
 * before this returns, to a page that had its mark.
 */
int cr_shim_track_clear(struct cr_shim_track *track, u64 from,
			struct cr_img_run *runs, u32 max, u32 *nr, u64 *next)
{
	struct runs r = { .runs = runs, .max = max };
	struct mm_struct *mm = track->mn.mm;
	VMA_ITERATOR(vmi, mm, from);
	struct vm_area_struct *vma;
	int ret = 0;

	if (mmap_write_lock_killable(mm))
		return -EINTR;
	spin_lock(&track->lock);
	memset(&track->origin, 0, sizeof(track->origin));
	spin_unlock(&track->lock);
	inc_tlb_flush_pending(mm);
	for_each_vma(vmi, vma) {
		r.next = max_t(u64, from, vma->vm_start);
		ret = clear_vma(vma, from, &r);
		if (ret)
			break;
	}
	flush_tlb_mm_range(mm, 0, TLB_FLUSH_ALL, 0, true);
	dec_tlb_flush_pending(mm);
	mmap_write_unlock(mm);
	*nr = r.nr;
	*next = ret == 1 ? r.next : 0;
	return ret < 0 ? ret : 0;
}

static int set_pte_mark(pte_t *ptep, unsigned long addr, unsigned long next,
			struct mm_walk *walk)
{
	pte_t pte = ptep_get(ptep);

	if (pte_none(pte))
		return 0;
	if (!pte_present(pte)) {
		set_pte_at(walk->mm, addr, ptep, pte_swp_mksoft_dirty(pte));
	} else if (!pte_soft_dirty(pte)) {
		pte_t old = ptep_modify_prot_start(walk->vma, addr, ptep);

		ptep_modify_prot_commit(walk->vma, addr, ptep, old,
					pte_mksoft_dirty(old));
	}
	return 0;
}

static const struct mm_walk_ops mark_ops = {
	.pte_entry = set_pte_mark,
	.walk_lock = PGWALK_WRLOCK,
};

/* Marks private pages from @start to @end, those that are there. */
int cr_shim_track_mark(struct cr_shim_track *track, u64 start, u64 end)
{
	struct mm_struct *mm = track->mn.mm;
	VMA_ITERATOR(vmi, mm, start);
	struct vm_area_struct *vma;
	int ret = 0;

	if (!mmget_not_zero(mm))
		return -ESRCH;
	if (mmap_write_lock_killable(mm)) {
		mmput(mm);
		return -EINTR;
	}
	for_each_vma_range(vmi, vma, end) {
		if (!is_tracked(vma))
			continue;
		ret = walk_page_range(mm, max_t(u64, start, vma->vm_start),
				      min_t(u64, end, vma->vm_end), &mark_ops,
				      NULL);
		if (ret)
			break;
	}
	mmap_write_unlock(mm);
	mmput(mm);
	return ret;
}
