/* SPDX-License-Identifier: GPL-2.0 */
/* Part of shim.h: memory of processes, and what is known of its pages. */
#ifndef _CR_SHIM_MM_H
#define _CR_SHIM_MM_H

/* mm.c */

/* Kinds of mapping that are refused by name: bit numbers. */
#define CR_VMA_X_UFFD		0
#define CR_VMA_X_PFNMAP		1
#define CR_VMA_X_POLICY		6
#define CR_VMA_X_SHSTK		8
#define CR_VMA_X_NAMED		9
#define CR_VMA_X_SYNC		10
#define CR_VMA_X_OTHER		11
#define CR_VMA_X_SPECIAL	12

/**
 * struct cr_shim_vma - a mapping
 * @vm_flags: as the kernel has them
 * @file: the mapped file with a reference for the caller, or NULL
 * @unsupported: CR_VMA_X_*
 * @anonymous: no vm_ops: pages come from nowhere
 * @vdso: part of the vDSO's group
 * @guards: there may be guard regions in it
 * @policy: it has a NUMA policy of its own
 * @flags: CR_VMA_*
 */
struct cr_shim_vma {
	u64 start;
	u64 end;
	u64 pgoff;
	u64 vm_flags;
	u64 unsupported;
	struct file *file;
	u32 flags;
	bool anonymous;
	bool vdso;
	bool guards;
	bool policy;
};

#define CR_MM_X_LAM		2
#define CR_MM_X_UPROBES		4
#define CR_MM_X_RDPMC		5
#define CR_MM_X_VDSO		6
#define CR_MM_X_ABI		7

u32 cr_shim_mm_read(struct task_struct *t, struct mm_struct *mm,
		    struct cr_img_mm *out, u64 *auxv, u32 max_auxv,
		    u64 *unsupported, struct file **exe);
struct mm_struct *cr_shim_task_mm(struct task_struct *t);
bool cr_shim_vma_next(struct mm_struct *mm, u64 addr, bool vdso,
		      struct cr_shim_vma *out);

/* In a page frame number: the page may have changed since it was last noted. */
#define CR_SHIM_PFN_CHANGED	0x8000000000000000ULL
/* The same: the page is a part of a huge one. */
#define CR_SHIM_PFN_HUGE	0x4000000000000000ULL
#define CR_SHIM_PFN_FLAGS	(CR_SHIM_PFN_CHANGED | CR_SHIM_PFN_HUGE)

int cr_shim_mm_runs(struct mm_struct *mm, u64 start, u64 end,
		    struct cr_img_run *runs, u32 max, u32 *nr, u64 *pfns,
		    u32 max_pfns, u64 *next, u64 *scanned);
int cr_shim_mm_guards(struct mm_struct *mm, u64 start, u64 end,
		      struct cr_img_run *runs, u32 max, u32 *nr, u64 *next);
long cr_shim_pages_get(struct mm_struct *mm, u64 addr, u32 nr, bool write,
		       struct page **pages);
void cr_shim_mm_allow_huge(struct mm_struct *mm, bool allow);
void *cr_shim_page_addr(struct page *page);
void cr_shim_page_put(struct page *page, bool dirty);
int cr_shim_mm_copy(struct mm_struct *mm, u64 addr, void *buf, u32 len);

/* hugetlb.c */

bool cr_shim_is_gigantic(struct file *file);
u64 cr_shim_huge_page_size(struct file *file);
struct file *cr_shim_hugetlb_make(const char *name, u64 size, bool gigantic,
				  bool is_segment);
s64 cr_shim_hugetlb_seek(struct file *file, u64 pos, bool hole);
int cr_shim_hugetlb_page(struct file *file, u64 at, void *buf, bool write);
u32 cr_shim_hugetlb_reserved(struct file *file, struct cr_img_run *runs, u32 max);
int cr_shim_hugetlb_reserve(struct file *file, u64 start, u64 nr_pages);
s64 cr_shim_hugetlb_available(u64 size);
void cr_shim_vma_clear_noreserve(u64 addr);

/* track.c */

struct cr_shim_track;

/* The object of an image that has what a process has not changed since. */
struct cr_shim_origin {
	u8 image[CR_IMG_ID_LEN];
	u64 object;
};

struct cr_shim_track *cr_shim_track_begin(struct mm_struct *mm,
					  struct cr_shim_origin *origin,
					  bool *is_new, bool *used_before);
int cr_shim_track_clear(struct cr_shim_track *track, u64 from,
			struct cr_img_run *runs, u32 max, u32 *nr, u64 *next);
int cr_shim_track_mark(struct cr_shim_track *track, u64 start, u64 end);
bool cr_shim_track_is_disturbed(struct cr_shim_track *track);
void cr_shim_track_keep(struct cr_shim_track *track,
			const struct cr_shim_origin *origin);
void cr_shim_track_end(struct cr_shim_track *track);

/* snapshot.c */

struct mm_struct *cr_shim_mm_snapshot(struct mm_struct *mm);

/* shared.c */

struct cr_shim_shared;

struct cr_shim_shared *cr_shim_shared_alloc(u64 nr);
void cr_shim_shared_free(struct cr_shim_shared *s);
int cr_shim_shared_add(struct cr_shim_shared *s, struct file *file,
		       const struct cr_img_run *runs, u32 nr);
int cr_shim_shared_copy(struct cr_shim_shared *s);
const void *cr_shim_shared_page(struct cr_shim_shared *s, u64 at);

/* aio.c */

u32 cr_shim_aio_contexts(struct mm_struct *mm);
int cr_shim_aio_read(struct mm_struct *mm, u64 addr, struct cr_img_aio *out,
		     struct cr_img_aio_event *events, u32 room);
int cr_shim_aio_fill(u64 addr, const struct cr_img_aio *in,
		     const struct cr_img_aio_event *events);
bool cr_shim_aio_waits_for_all(struct task_struct *t, u64 addr, u64 min_nr);

#endif /* _CR_SHIM_MM_H */
