// SPDX-License-Identifier: GPL-2.0
/* Memory descriptors, mappings, and the pages that belong to them alone. */

#include <linux/file.h>
#include <linux/highmem.h>
#include <linux/hugetlb.h>
#include <linux/leafops.h>
#include <linux/mm.h>
#include <linux/pagewalk.h>
#include <linux/pkeys.h>
#include <linux/sched/coredump.h>
#include <linux/sched/exec_state.h>
#include <linux/sched/mm.h>
#include <linux/sched/task.h>
#include <linux/userfaultfd_k.h>
#include <asm/mmu.h>

#include "copying.h"
#include "hugetlb.h"
#include "runs.h"
#include "shim.h"

struct mm_struct *cr_shim_task_mm(struct task_struct *t)
{
	return get_task_mm(t);
}

static u64 mm_unsupported(struct mm_struct *mm)
{
	u64 x = 0;

#ifdef CONFIG_ADDRESS_MASKING
	if (mm->context.lam_cr3_mask)
		x |= BIT_ULL(CR_MM_X_LAM);
#endif
	if (mm_flags_test(MMF_HAS_UPROBES, mm))
		x |= BIT_ULL(CR_MM_X_UPROBES);
	if (atomic_read(&mm->context.perf_rdpmc_allowed))
		x |= BIT_ULL(CR_MM_X_RDPMC);
	return x;
}

/* Returns the words of the auxiliary vector, AT_NULL included. */
u32 cr_shim_mm_read(struct task_struct *t, struct mm_struct *mm,
		    struct cr_img_mm *out, u64 *auxv, u32 max_auxv,
		    u64 *unsupported, struct file **exe)
{
	u32 n = 0;

	spin_lock(&mm->arg_lock);
	out->start_code = mm->start_code;
	out->end_code = mm->end_code;
	out->start_data = mm->start_data;
	out->end_data = mm->end_data;
	out->start_brk = mm->start_brk;
	out->brk = mm->brk;
	out->start_stack = mm->start_stack;
	out->arg_start = mm->arg_start;
	out->arg_end = mm->arg_end;
	out->env_start = mm->env_start;
	out->env_end = mm->env_end;
	spin_unlock(&mm->arg_lock);

	while (n + 2 <= AT_VECTOR_SIZE && n + 2 <= max_auxv) {
		auxv[n] = mm->saved_auxv[n];
		auxv[n + 1] = mm->saved_auxv[n + 1];
		n += 2;
		if (auxv[n - 2] == AT_NULL)
			break;
	}
	out->nr_auxv = n;

	rcu_read_lock();
	out->dumpable = rcu_dereference(t->exec_state)->dumpable;
	rcu_read_unlock();
	out->membarrier = atomic_read(&mm->membarrier_state);
	if (mm_flags_test(MMF_DISABLE_THP_COMPLETELY, mm))
		out->flags |= CR_MM_THP_DISABLE;
	if (mm_flags_test(MMF_DISABLE_THP_EXCEPT_ADVISED, mm))
		out->flags |= CR_MM_THP_ADVISED;
	if (mm_flags_test(MMF_HAS_MDWE, mm))
		out->flags |= CR_MM_MDWE;
	if (mm_flags_test(MMF_HAS_MDWE_NO_INHERIT, mm))
		out->flags |= CR_MM_MDWE_NO_INHERIT;
	if (mm->def_flags & VM_LOCKED)
		out->flags |= CR_MM_LOCKED;
	if (mm->def_flags & VM_LOCKONFAULT)
		out->flags |= CR_MM_LOCKONFAULT;
	if (mm_flags_test(MMF_VM_MERGE_ANY, mm))
		out->flags |= CR_MM_MERGE_ANY;
	if (!mm_flags_test(MMF_TOPDOWN, mm))
		out->flags |= CR_MM_BOTTOM_UP;
	out->dump_filter = (__mm_flags_get_word(mm) & MMF_DUMP_FILTER_MASK) >>
			   MMF_DUMP_FILTER_SHIFT;
	/* About: the mappings are looked at one by one. */
	out->nr_vmas = READ_ONCE(mm->map_count);
	out->futex_slots = cr_shim_futex_slots(mm);
	out->mmap_base = mm->mmap_base;
	out->mmap_legacy_base = mm->mmap_legacy_base;
#ifdef CONFIG_HAVE_ARCH_COMPAT_MMAP_BASES
	out->mmap_compat_base = mm->mmap_compat_base;
	out->mmap_compat_legacy_base = mm->mmap_compat_legacy_base;
#endif
	out->hiwater_rss = get_mm_hiwater_rss(mm);
	out->hiwater_vm = get_mm_hiwater_vm(mm);

#ifdef CONFIG_X86_INTEL_MEMORY_PROTECTION_KEYS
	if (cpu_feature_enabled(X86_FEATURE_OSPKE)) {
		out->pkeys = mm->context.pkey_allocation_map & ~1;
		out->exec_pkey = max_t(s16, mm->context.execute_only_pkey, 0);
	}
#endif
	*unsupported = mm_unsupported(mm);
	if (cr_shim_compat_mm_read(t, mm, unsupported))
		out->flags |= CR_MM_COMPAT;
	rcu_read_lock();
	*exe = get_file_rcu(&mm->exe_file);
	rcu_read_unlock();
	return n;
}

static bool is_vdso(struct vm_area_struct *vma)
{
	const char *name;

	if (!vma->vm_ops || !vma->vm_ops->name)
		return false;
	name = vma->vm_ops->name(vma);
	return name && (!strcmp(name, "[vdso]") || !strcmp(name, "[vvar]") ||
			!strcmp(name, "[vvar_vclock]"));
}

static const struct {
	vm_flags_t vm;
	u32 img;
} vma_flags[] = {
	{ VM_READ,		CR_VMA_READ },
	{ VM_WRITE,		CR_VMA_WRITE },
	{ VM_EXEC,		CR_VMA_EXEC },
	/* VM_SHARED is off for shared mappings of files opened read-only. */
	{ VM_MAYSHARE,		CR_VMA_SHARED },
	{ VM_GROWSDOWN,		CR_VMA_GROWSDOWN },
	{ VM_ACCOUNT,		CR_VMA_ACCOUNT },
	{ VM_NORESERVE,		CR_VMA_NORESERVE },
	{ VM_LOCKED,		CR_VMA_LOCKED },
	{ VM_LOCKONFAULT,	CR_VMA_LOCKONFAULT },
	{ VM_DONTCOPY,		CR_VMA_DONTFORK },
	{ VM_WIPEONFORK,	CR_VMA_WIPEONFORK },
	{ VM_DONTDUMP,		CR_VMA_DONTDUMP },
	{ VM_HUGEPAGE,		CR_VMA_HUGEPAGE },
	{ VM_NOHUGEPAGE,	CR_VMA_NOHUGEPAGE },
	{ VM_RAND_READ,		CR_VMA_RAND_READ },
	{ VM_SEQ_READ,		CR_VMA_SEQ_READ },
	{ VM_MERGEABLE,		CR_VMA_MERGEABLE },
	{ VM_DROPPABLE,		CR_VMA_DROPPABLE },
	{ VM_HUGETLB,		CR_VMA_HUGETLB },
#ifdef CONFIG_64BIT
	{ VM_SEALED,		CR_VMA_SEALED },
#endif
};

#define VM_PLAIN (VM_SHARED | VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC | \
		  VM_SOFTDIRTY | VM_MAYBE_GUARD)

#ifdef CONFIG_NUMA
static bool has_saved_policies(struct file *file)
{
	switch (cr_shim_file_type(file)) {
	case CR_SHIM_FILE_SHMEM:
	case CR_SHIM_FILE_SYSV_SHM:
	case CR_SHIM_FILE_MEMFD:
	case CR_SHIM_FILE_REMOVED:
		return cr_shim_has_shared_policies(file);
	default:
		return false;
	}
}
#endif

static u64 vma_unsupported(struct vm_area_struct *vma)
{
	vm_flags_t rest = vma->vm_flags & ~VM_PLAIN & ~ARCH_VM_PKEY_FLAGS;
	u64 x = 0;
	int i;

	static const struct {
		vm_flags_t vm;
		u64 x;
	} refused[] = {
		{ VM_PFNMAP | VM_MIXEDMAP | VM_IO,	BIT_ULL(CR_VMA_X_PFNMAP) },
		{ VM_SYNC,				BIT_ULL(CR_VMA_X_SYNC) },
		{ VM_SHADOW_STACK,			BIT_ULL(CR_VMA_X_SHSTK) },
	};

	/* These are mapped by the same call again. */
	switch (vma->vm_file ? cr_shim_file_type(vma->vm_file) : CR_SHIM_FILE_OTHER) {
	case CR_SHIM_FILE_IO_URING:
		rest &= ~VM_MIXEDMAP;
		fallthrough;
	case CR_SHIM_FILE_AIO:
		rest &= ~VM_DONTEXPAND;
	}
	/* So are these. */
	if (is_vm_hugetlb_page(vma))
		rest &= ~VM_DONTEXPAND;
	for (i = 0; i < ARRAY_SIZE(vma_flags); i++)
		rest &= ~vma_flags[i].vm;
	for (i = 0; i < ARRAY_SIZE(refused); i++) {
		if (rest & refused[i].vm)
			x |= refused[i].x;
		rest &= ~refused[i].vm;
	}
	if (userfaultfd_armed(vma)) {
		x |= BIT_ULL(CR_VMA_X_UFFD);
		rest &= ~__VM_UFFD_FLAGS;
	}
	if (rest)
		x |= BIT_ULL(CR_VMA_X_OTHER);
#ifdef CONFIG_NUMA
	/* That of the file, which others have as well, and which is not saved with one that has a name. */
	if (vma->vm_policy && vma->vm_ops && vma->vm_ops->set_policy &&
	    (!vma->vm_file || !has_saved_policies(vma->vm_file)))
		x |= BIT_ULL(CR_VMA_X_POLICY);
#endif
	if (anon_vma_name(vma))
		x |= BIT_ULL(CR_VMA_X_NAMED);
	if (vma->vm_ops && !vma->vm_file)
		x |= BIT_ULL(CR_VMA_X_SPECIAL);
	return x;
}

/* The first mapping that ends above @addr; of those of the vDSO, with @vdso. */
bool cr_shim_vma_next(struct mm_struct *mm, u64 addr, bool vdso,
		      struct cr_shim_vma *out)
{
	struct vm_area_struct *vma;
	VMA_ITERATOR(vmi, mm, addr);
	int i;

	memset(out, 0, sizeof(*out));
	down_read(&cr_shim_copying);
	mmap_read_lock(mm);
	for_each_vma(vmi, vma)
		if (!vdso || is_vdso(vma))
			break;
	if (vma) {
		out->start = vma->vm_start;
		out->end = vma->vm_end;
		out->pgoff = vma->vm_pgoff;
		out->vm_flags = vma->vm_flags;
		out->anonymous = vma_is_anonymous(vma);
		out->vdso = is_vdso(vma);
		out->guards = vma->vm_flags & VM_MAYBE_GUARD;
#ifdef CONFIG_NUMA
		out->policy = vma->vm_policy;
#endif
		for (i = 0; i < ARRAY_SIZE(vma_flags); i++)
			if (vma->vm_flags & vma_flags[i].vm)
				out->flags |= vma_flags[i].img;
		out->flags |= (u32)vma_pkey(vma) << CR_VMA_PKEY_SHIFT;
		out->flags |= cr_shim_hugetlb_flags(vma);
		if (!out->vdso)
			out->unsupported = vma_unsupported(vma);
		if (vma->vm_file)
			out->file = get_file(vma->vm_file);
	}
	mmap_read_unlock(mm);
	up_read(&cr_shim_copying);
	return vma;
}

/* Does the entry hold a page of this process alone, or one swapped out? */
static bool is_own_page(pte_t pte)
{
	if (pte_none(pte))
		return false;
	if (!pte_present(pte))
		return !softleaf_is_marker(softleaf_from_pte(pte));
	if (pte_special(pte) || is_zero_pfn(pte_pfn(pte)))
		return false;
	return PageAnon(pte_page(pte));
}

/* A flag of the page frame number, for a page that may have changed. */
static u64 changed(struct mm_walk *walk, bool soft_dirty)
{
	bool new = walk->vma->vm_flags & VM_SOFTDIRTY;

	return soft_dirty || new ? CR_SHIM_PFN_CHANGED : 0;
}

static int visit_pte(pte_t *ptep, unsigned long addr, unsigned long next,
		     struct mm_walk *walk)
{
	struct runs *r = walk->private;

	pte_t pte = ptep_get(ptep);

	r->scanned++;
	/* A poisoned page is not to come back as one of zeroes. */
	if (!pte_none(pte) && !pte_present(pte) &&
	    softleaf_is_poison_marker(softleaf_from_pte(pte)))
		return -EHWPOISON;
	if (!is_own_page(pte))
		return 0;
	return add_run(r, addr, changed(walk, is_soft_dirty(pte)) |
		       (pte_present(pte) ? pte_pfn(pte) : 0), 1);
}

/* Without this, the walker would split huge pages. */
static int visit_pmd(pmd_t *pmdp, unsigned long addr, unsigned long next,
		     struct mm_walk *walk)
{
	struct runs *r = walk->private;
	pmd_t pmd = pmdp_get_lockless(pmdp);
	bool soft_dirty;

	if (pmd_none(pmd) || (pmd_present(pmd) && !pmd_leaf(pmd)))
		return 0;
	walk->action = ACTION_CONTINUE;
	r->scanned += (next - addr) >> PAGE_SHIFT;
	/* The huge zero page is not anonymous either. */
	if (pmd_present(pmd) && !PageAnon(pmd_page(pmd)))
		return 0;
	soft_dirty = pmd_present(pmd) ? pmd_soft_dirty(pmd) :
					pmd_swp_soft_dirty(pmd);
	return add_run(r, addr, changed(walk, soft_dirty) |
		       (pmd_present(pmd) ? CR_SHIM_PFN_HUGE | (pmd_pfn(pmd) +
			((addr & ~PMD_MASK) >> PAGE_SHIFT)) : 0),
		       (next - addr) >> PAGE_SHIFT);
}

static const struct mm_walk_ops run_ops = {
	.pte_entry = visit_pte,
	.pmd_entry = visit_pmd,
	.hugetlb_entry = cr_shim_visit_hugetlb,
	.walk_lock = PGWALK_RDLOCK,
};

/*
 * The runs of private pages between @start and @end. When they do not fit,
 * @next is where to go on; else it is @end.
 */
int cr_shim_mm_runs(struct mm_struct *mm, u64 start, u64 end,
		    struct cr_img_run *runs, u32 max, u32 *nr, u64 *pfns,
		    u32 max_pfns, u64 *next, u64 *scanned)
{
	struct runs r = {
		.runs = runs, .max = max, .pfns = pfns, .max_pfns = max_pfns,
		.next = start,
	};
	int ret;

	if (mmap_read_lock_killable(mm))
		return -EINTR;
	ret = walk_page_range(mm, start, end, &run_ops, &r);
	mmap_read_unlock(mm);
	*nr = r.nr;
	*next = ret == 1 ? r.next : end;
	*scanned += r.scanned;
	return ret < 0 ? ret : 0;
}

static int visit_guard(pte_t *ptep, unsigned long addr, unsigned long next,
		       struct mm_walk *walk)
{
	pte_t pte = ptep_get(ptep);

	if (pte_none(pte) || pte_present(pte) ||
	    !softleaf_is_guard_marker(softleaf_from_pte(pte)))
		return 0;
	return add_run(walk->private, addr, 0, 1);
}

/* In a huge page there are none, and it is not to be split. */
static int skip_huge(pmd_t *pmdp, unsigned long addr, unsigned long next,
		     struct mm_walk *walk)
{
	pmd_t pmd = pmdp_get_lockless(pmdp);

	if (!pmd_present(pmd) || pmd_leaf(pmd))
		walk->action = ACTION_CONTINUE;
	return 0;
}

static const struct mm_walk_ops guard_ops = {
	.pte_entry = visit_guard,
	.pmd_entry = skip_huge,
	.walk_lock = PGWALK_RDLOCK,
};

/* The guard regions between @start and @end, otherwise as above. */
int cr_shim_mm_guards(struct mm_struct *mm, u64 start, u64 end,
		      struct cr_img_run *runs, u32 max, u32 *nr, u64 *next)
{
	struct runs r = { .runs = runs, .max = max, .next = start };
	int ret;

	if (mmap_read_lock_killable(mm))
		return -EINTR;
	ret = walk_page_range(mm, start, end, &guard_ops, &r);
	mmap_read_unlock(mm);
	*nr = r.nr;
	*next = ret == 1 ? r.next : end;
	return ret < 0 ? ret : 0;
}

/*
 * References to @nr pages from @addr on; with @write they are made private
 * first. Returns how many, or an error. The tasks of @mm stand still.
 */
long cr_shim_pages_get(struct mm_struct *mm, u64 addr, u32 nr, bool write,
		       struct page **pages)
{
	unsigned int gup = FOLL_FORCE | (write ? FOLL_WRITE : 0);
	int locked = 1;
	long n;

	if (mmap_read_lock_killable(mm))
		return -EINTR;
	n = get_user_pages_remote(mm, addr, nr, gup, pages, &locked);
	if (locked)
		mmap_read_unlock(mm);
	return n;
}

/* May faults get huge pages? Its tasks stand still, and say so again later. */
void cr_shim_mm_allow_huge(struct mm_struct *mm, bool allow)
{
	if (allow)
		mm_flags_clear(MMF_DISABLE_THP_COMPLETELY, mm);
	else
		mm_flags_set(MMF_DISABLE_THP_COMPLETELY, mm);
}

void *cr_shim_page_addr(struct page *page)
{
	/* x86-64 has no highmem: every page has an address. */
	return page_address(page);
}

void cr_shim_page_put(struct page *page, bool dirty)
{
	if (dirty)
		set_page_dirty_lock(page);
	put_page(page);
}

/* Copies from @mm; 0, or -EFAULT when not all of it is there. */
int cr_shim_mm_copy(struct mm_struct *mm, u64 addr, void *buf, u32 len)
{
	u32 done = 0;

	while (done < len) {
		u32 off = offset_in_page(addr + done);
		u32 n = min_t(u32, len - done, PAGE_SIZE - off);
		struct page *page;

		if (cr_shim_pages_get(mm, (addr + done) & PAGE_MASK, 1, false,
				      &page) != 1)
			return -EFAULT;
		memcpy(buf + done, page_address(page) + off, n);
		put_page(page);
		done += n;
	}
	return 0;
}

/* Where the current process maps next, and what it leaves in a core dump. */
void cr_shim_mm_layout(const struct cr_img_mm *in)
{
	struct mm_struct *mm = current->mm;
	unsigned long word;

	mmap_write_lock(mm);
	mm->mmap_base = in->mmap_base;
	mm->mmap_legacy_base = in->mmap_legacy_base;
#ifdef CONFIG_HAVE_ARCH_COMPAT_MMAP_BASES
	mm->mmap_compat_base = in->mmap_compat_base;
	mm->mmap_compat_legacy_base = in->mmap_compat_legacy_base;
#endif
	if (in->flags & CR_MM_BOTTOM_UP)
		mm_flags_clear(MMF_TOPDOWN, mm);
	else
		mm_flags_set(MMF_TOPDOWN, mm);
	word = __mm_flags_get_word(mm) & ~MMF_DUMP_FILTER_MASK;
	word |= ((unsigned long)in->dump_filter << MMF_DUMP_FILTER_SHIFT) &
		MMF_DUMP_FILTER_MASK;
	__mm_flags_overwrite_word(mm, word);
	mmap_write_unlock(mm);
}

/*
 * Which protection keys the current process has allocated, and which of them is
 * for mappings that are executed only. mmap(2) and mprotect(2) take one for
 * these by themselves, pkey_alloc(2) takes the first one that is free. Does
 * the processor have such keys?
 */
bool cr_shim_pkeys_set(u32 pkeys, u32 exec_pkey)
{
#ifdef CONFIG_X86_INTEL_MEMORY_PROTECTION_KEYS
	struct mm_struct *mm = current->mm;

	if (cpu_feature_enabled(X86_FEATURE_OSPKE)) {
		mmap_write_lock(mm);
		mm->context.pkey_allocation_map = pkeys | 1;
		mm->context.execute_only_pkey = exec_pkey ?: -1;
		mmap_write_unlock(mm);
		return true;
	}
#endif
	return false;
}

/* How much memory the current process has had at most. */
void cr_shim_mm_peaks_set(const struct cr_img_mm *in)
{
	struct mm_struct *mm = current->mm;

	mmap_write_lock(mm);
	mm->hiwater_rss = in->hiwater_rss;
	mm->hiwater_vm = in->hiwater_vm;
	mmap_write_unlock(mm);
}

struct mm_struct *cr_shim_current_mm(void)
{
	mmget(current->mm);
	return current->mm;
}
