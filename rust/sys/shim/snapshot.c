// SPDX-License-Identifier: GPL-2.0
/* A copy of the private memory of a process that stands still. */

#include <linux/err.h>
#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/uprobes.h>

#include "copying.h"
#include "shim.h"

DECLARE_RWSEM(cr_shim_copying);

/* kernel/fork.c, mm/mmap.c */
extern struct mm_struct *mm_alloc(void);
extern int dup_mmap(struct mm_struct *mm, struct mm_struct *oldmm);

struct change {
	unsigned long start;
	vm_flags_t flags;
};

/*
 * The flags to change for a copy of all private mappings, and of no others; nor
 * of files of which no page is private, as nothing of a program's code is.
 */
static vm_flags_t flags_to_change(struct vm_area_struct *vma)
{
	if (vma->vm_flags & VM_MAYSHARE || (vma->vm_file && !vma->anon_vma))
		return ~vma->vm_flags & VM_DONTCOPY;
	if (vma->vm_flags & (VM_PFNMAP | VM_MIXEDMAP | VM_IO))
		return 0;
	return vma->vm_flags & (VM_DONTCOPY | VM_WIPEONFORK);
}

static void change_flags(struct vm_area_struct *vma, vm_flags_t flags)
{
	vm_flags_mod(vma, ~vma->vm_flags & flags, vma->vm_flags & flags);
}

static int change_all(struct mm_struct *mm, struct change **changes, int *nr)
{
	VMA_ITERATOR(vmi, mm, 0);
	struct vm_area_struct *vma;
	struct change *change;

	if (mmap_write_lock_killable(mm))
		return -EINTR;
	change = kvmalloc_array(mm->map_count + 1, sizeof(*change), GFP_KERNEL);
	*changes = change;
	if (!change) {
		mmap_write_unlock(mm);
		return -ENOMEM;
	}
	for_each_vma(vmi, vma) {
		change->start = vma->vm_start;
		change->flags = flags_to_change(vma);
		if (change->flags)
			change_flags(vma, change++->flags);
	}
	*nr = change - *changes;
	mmap_write_unlock(mm);
	return 0;
}

/* As they were. */
static void change_back(struct mm_struct *mm, const struct change *changes, int nr)
{
	struct vm_area_struct *vma;
	int i;

	mmap_write_lock(mm);
	for (i = 0; i < nr; i++) {
		vma = vma_lookup(mm, changes[i].start);
		if (vma)
			change_flags(vma, changes[i].flags);
	}
	mmap_write_unlock(mm);
}

/*
 * A copy of @mm that shares all private pages with it, copy-on-write, as fork(2)
 * makes it, but also of mappings that are not for children. It has no shared
 * mappings: those who seal a memfd, or look who has attached a segment, would
 * count them. The tasks of @mm stand still.
 */
struct mm_struct *cr_shim_mm_snapshot(struct mm_struct *mm)
{
	struct mm_struct *copy = mm_alloc();
	struct change *changes;
	int err, nr;

	if (!copy)
		return ERR_PTR(-ENOMEM);
	down_write(&cr_shim_copying);
	err = change_all(mm, &changes, &nr);
	if (!err) {
		uprobe_start_dup_mmap();
		err = dup_mmap(copy, mm);
		uprobe_end_dup_mmap();
		change_back(mm, changes, nr);
		kvfree(changes);
	}
	up_write(&cr_shim_copying);
	if (err) {
		mmput(copy);
		return ERR_PTR(err);
	}
	return copy;
}
