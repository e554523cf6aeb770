// SPDX-License-Identifier: GPL-2.0
/*
 * Huge pages that programs have asked for: those of hugetlbfs, which the kernel
 * keeps in a pool of their own, and promises to mappings that have no pages yet.
 */

#include <uapi/linux/falloc.h>
#include <linux/folio_batch.h>
#include <linux/fs.h>
#include <linux/highmem.h>
#include <linux/hugetlb.h>
#include <linux/leafops.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/sched/signal.h>

#include "hugetlb.h"
#include "runs.h"

/* CR_VMA_* of a mapping of huge pages, besides CR_VMA_HUGETLB; the caller has its lock. */
u32 cr_shim_hugetlb_flags(struct vm_area_struct *vma)
{
	u32 flags = 0;

	if (!is_vm_hugetlb_page(vma))
		return 0;
	if (huge_page_size(hstate_vma(vma)) == PUD_SIZE)
		flags |= CR_VMA_GIGANTIC;
	/* A reservation of its own, which no shared mapping has. */
	if (__vma_private_lock(vma))
		flags |= CR_VMA_RESERVED;
	return flags;
}

/*
 * Adds what is at @addr of a huge page, whole or from where there was no room
 * before. Nobody notes whether it has changed.
 */
int cr_shim_visit_hugetlb(pte_t *ptep, unsigned long hmask, unsigned long addr,
			  unsigned long next, struct mm_walk *walk)
{
	struct runs *r = walk->private;
	pte_t pte = huge_ptep_get(walk->mm, addr & hmask, ptep);
	u64 pfn = 0;
	int ret;

	r->scanned += (next - addr) >> PAGE_SHIFT;
	if (huge_pte_none(pte))
		return 0;
	if (!pte_present(pte)) {
		softleaf_t entry = softleaf_from_pte(pte);

		if (softleaf_is_hwpoison(entry) || softleaf_is_poison_marker(entry))
			return -EHWPOISON;
		if (softleaf_is_marker(entry))
			return 0;
		/* It is moved just now: who wants it waits. */
	} else if (PageAnon(pte_page(pte))) {
		pfn = pte_pfn(pte) + ((addr & ~hmask) >> PAGE_SHIFT);
	} else {
		return 0;
	}
	for (; addr < next; addr += PMD_SIZE) {
		ret = add_run(r, addr, pfn | CR_SHIM_PFN_CHANGED | CR_SHIM_PFN_HUGE,
			      PMD_SIZE >> PAGE_SHIFT);
		if (ret)
			return ret;
		if (pfn)
			pfn += PMD_SIZE >> PAGE_SHIFT;
	}
	return 0;
}

/* Of 1 GB, and not of 2 MB. */
bool cr_shim_is_gigantic(struct file *file)
{
	return huge_page_size(hstate_file(file)) == PUD_SIZE;
}

/* How large the huge pages of a file are; 0, if it is of other pages. */
u64 cr_shim_huge_page_size(struct file *file)
{
	return is_file_hugepages(file) ? huge_page_size(hstate_file(file)) : 0;
}

/*
 * An object of huge pages without any page, which nothing is reserved for: as
 * mmap(2), memfd_create(2), or, if it @is_segment, shmget(2) make it.
 */
struct file *cr_shim_hugetlb_make(const char *name, u64 size, bool gigantic,
				  bool is_segment)
{
	return hugetlb_file_setup(name, size, mk_vma_flags(VMA_NORESERVE_BIT),
				  is_segment ? HUGETLB_SHMFS_INODE :
					       HUGETLB_ANONHUGE_INODE,
				  gigantic ? PUD_SHIFT : PMD_SHIFT);
}

static s64 next_hole(struct address_space *mapping, pgoff_t index)
{
	for (;;) {
		struct folio *folio = filemap_get_folio(mapping, index);

		if (IS_ERR(folio))
			return (s64)index << PAGE_SHIFT;
		index = folio_next_index(folio);
		folio_put(folio);
	}
}

/*
 * The next offset >= @pos with a page, or, with @hole, without: lseek(2) does not
 * tell. -ENXIO: there is none.
 */
s64 cr_shim_hugetlb_seek(struct file *file, u64 pos, bool hole)
{
	struct address_space *mapping = file->f_mapping;
	pgoff_t index = pos >> PAGE_SHIFT, next = index;
	struct folio_batch batch;
	s64 found = -ENXIO;
	unsigned int i;

	if (hole)
		return next_hole(mapping, index);
	folio_batch_init(&batch);
	filemap_get_folios(mapping, &next, ULONG_MAX, &batch);
	if (folio_batch_count(&batch))
		found = (s64)max(index, batch.folios[0]->index) << PAGE_SHIFT;
	for (i = 0; i < folio_batch_count(&batch); i++)
		folio_put(batch.folios[i]);
	return found;
}

/* The huge page around @at, which is made unless it is there. No signal is waited for. */
static struct folio *make_folio(struct file *file, u64 at)
{
	u64 size = huge_page_size(hstate_file(file));
	sigset_t all, old;
	int err;

	sigfillset(&all);
	sigdelset(&all, SIGKILL);
	sigprocmask(SIG_BLOCK, &all, &old);
	err = vfs_fallocate(file, FALLOC_FL_KEEP_SIZE, round_down(at, size), size);
	sigprocmask(SIG_SETMASK, &old, NULL);
	return err ? ERR_PTR(err) : filemap_get_folio(file->f_mapping, at >> PAGE_SHIFT);
}

/* Copies a small page of an object of huge pages, or, with @write, into it. */
int cr_shim_hugetlb_page(struct file *file, u64 at, void *buf, bool write)
{
	struct folio *folio = filemap_get_folio(file->f_mapping, at >> PAGE_SHIFT);
	struct page *page;
	int err = 0;

	if (IS_ERR(folio) && write)
		folio = make_folio(file, at);
	if (IS_ERR(folio)) {
		if (write)
			return PTR_ERR(folio);
		memset(buf, 0, PAGE_SIZE);
		return 0;
	}
	page = folio_file_page(folio, at >> PAGE_SHIFT);
	if (folio_contain_hwpoisoned_page(folio)) {
		err = -EHWPOISON;
	} else if (write) {
		memcpy_to_page(page, 0, buf, PAGE_SIZE);
		folio_mark_dirty(folio);
	} else {
		memcpy_from_page(buf, page, 0, PAGE_SIZE);
	}
	folio_put(folio);
	return err;
}

/*
 * Which parts of an object have huge pages, or a promise of them: how many, of
 * which @max are in @runs. None, if it is of other pages.
 */
u32 cr_shim_hugetlb_reserved(struct file *file, struct cr_img_run *runs, u32 max)
{
	struct file_region *region;
	struct resv_map *map;
	struct hstate *h;
	u32 n = 0;

	if (!is_file_hugepages(file))
		return 0;
	map = HUGETLBFS_I(file_inode(file))->resv_map;
	h = hstate_file(file);
	spin_lock(&map->lock);
	list_for_each_entry(region, &map->regions, link) {
		if (n < max)
			runs[n] = (struct cr_img_run) {
				.start = (u64)region->from << huge_page_shift(h),
				.nr_pages = (u64)(region->to - region->from) <<
					    huge_page_order(h),
			};
		n++;
	}
	spin_unlock(&map->lock);
	return n;
}

/* Promises huge pages for a part, as a shared mapping of it does. */
int cr_shim_hugetlb_reserve(struct file *file, u64 start, u64 nr_pages)
{
	struct inode *inode = file_inode(file);
	u64 end = start + nr_pages * PAGE_SIZE;
	long promised;
	u32 shift;

	if (!is_file_hugepages(file))
		return -EINVAL;
	shift = huge_page_shift(hstate_file(file));
	inode_lock(inode);
	promised = hugetlb_reserve_pages(inode, start >> shift, end >> shift, NULL,
					 EMPTY_VMA_FLAGS);
	inode_unlock(inode);
	return promised < 0 ? promised : 0;
}

/*
 * How many huge pages of @size bytes there may be at most, for who asks for them
 * now: -ENODEV if this machine has none of that size at all.
 */
s64 cr_shim_hugetlb_available(u64 size)
{
	struct hstate *h = size_to_hstate(size);
	s64 available;

	if (!h)
		return -ENODEV;
	available = READ_ONCE(h->free_huge_pages);
	available -= READ_ONCE(h->resv_huge_pages);
	available += READ_ONCE(h->nr_overcommit_huge_pages);
	available -= READ_ONCE(h->surplus_huge_pages);
	return max(available, 0);
}

/*
 * Makes a mapping of the current process, that has nothing reserved, look as one
 * of a child does, which has not asked for that.
 */
void cr_shim_vma_clear_noreserve(u64 addr)
{
	struct vm_area_struct *vma;

	mmap_write_lock(current->mm);
	vma = vma_lookup(current->mm, addr);
	if (vma)
		vm_flags_clear(vma, VM_NORESERVE);
	mmap_write_unlock(current->mm);
}
