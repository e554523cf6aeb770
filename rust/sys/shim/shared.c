// SPDX-License-Identifier: GPL-2.0
/*
 * Shared memory, and removed files, as they were at one moment.
 *
 * No page table is to be copied here, as for private memory: the pages are those
 * of a file, and others than processes write to them, write(2) above all. But
 * the kernel does so only with the lock of the page, except through a mapping;
 * and to map a page takes its lock as well. So, while the container stands still,
 * all pages of an object are locked and all its mappings are emptied. Then the
 * container may run: who wants one of the pages, to read or write it, to punch a
 * hole or to truncate, waits until that one has been copied and is unlocked. Those
 * that somebody waits for come first.
 *
 * A page that is locked is neither reclaimed, nor migrated, nor split, nor removed
 * from its file, which therefore keeps it: no reference is needed here, which
 * those would see who seal a memfd.
 *
 * Copied at once, while the container stands still, are: pages that somebody else
 * has a reference to, who may write to them without any mapping (a device, a
 * registered buffer of io_uring); objects that a process has locked in memory,
 * since a page without a mapping is not locked any more; memfds that must not
 * shrink, since udmabuf takes the pages of those, and of no others, without their
 * locks; files of others than tmpfs, which have other ways to write.
 */

#include <linux/delay.h>
#include <linux/fcntl.h>
#include <linux/file.h>
#include <linux/folio_batch.h>
#include <linux/fs.h>
#include <linux/highmem.h>
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/sched/signal.h>
#include <linux/shmem_fs.h>
#include <linux/slab.h>

#include "shim.h"

/* How often the lock of a page is asked for, and a pause between, us. */
#define LOCK_TRIES	40
#define LOCK_PAUSE_US	500

/* How long copies are made before those that somebody waits for are looked for, ns. */
#define LOOK_NS		(1 * NSEC_PER_MSEC)
/* So many copies are made without a look at the clock. */
#define CLOCK_FOLIOS	16

/* What is wanted is no reason to kill or to swap out much. */
#define COPY_GFP	(GFP_HIGHUSER | __GFP_ACCOUNT | __GFP_NORETRY | __GFP_NOWARN)

/* In a slot: the page is still that of the file, whose folio is locked. */
#define LOCKED		1UL

/* A folio is locked as long as a slot is that has a page of it. */
struct cr_shim_shared {
	/* The container runs. */
	bool runs;
	/*
	 * Of the object in question: a process is promised that pages have their
	 * place in memory, or a device may write to them.
	 */
	bool at_once;
	u64 room;
	u64 nr;
	unsigned long slots[] __counted_by(room);
};

static bool is_locked(struct cr_shim_shared *s, u64 at)
{
	return s->slots[at] & LOCKED;
}

static struct page *page_of(struct cr_shim_shared *s, u64 at)
{
	return (struct page *)(s->slots[at] & ~LOCKED);
}

/* The first slot behind those, from @at on, that have pages of the same folio. */
static u64 end_of_folio(struct cr_shim_shared *s, u64 at)
{
	struct folio *folio = page_folio(page_of(s, at));

	do {
		at++;
	} while (at < s->nr && is_locked(s, at) &&
		 page_folio(page_of(s, at)) == folio);
	return at;
}

/* Room for @nr pages. */
struct cr_shim_shared *cr_shim_shared_alloc(u64 nr)
{
	struct cr_shim_shared *s;

	/* As much again is to be left for all others. */
	if (nr > si_mem_available() / 2)
		return ERR_PTR(-ENOMEM);
	s = kvmalloc(struct_size(s, slots, nr), GFP_KERNEL_ACCOUNT | __GFP_NORETRY |
		     __GFP_NOWARN);
	if (!s)
		return ERR_PTR(-ENOMEM);
	s->runs = false;
	s->at_once = false;
	s->room = nr;
	s->nr = 0;
	return s;
}

void cr_shim_shared_free(struct cr_shim_shared *s)
{
	u64 at, next;

	for (at = 0; at < s->nr; at = next) {
		next = at + 1;
		if (is_locked(s, at)) {
			next = end_of_folio(s, at);
			folio_unlock(page_folio(page_of(s, at)));
		} else {
			__free_page(page_of(s, at));
		}
	}
	kvfree(s);
}

/* May it be used by udmabuf? What is sealed remains so. */
static bool is_for_udmabuf(struct folio *folio)
{
	return READ_ONCE(SHMEM_I(folio->mapping->host)->seals) & F_SEAL_SHRINK;
}

/*
 * Copies the pages of a folio, from the slot of its first one on that is locked,
 * and lets it go.
 */
static int copy_folio(struct cr_shim_shared *s, u64 at)
{
	struct folio *folio = page_folio(page_of(s, at));
	u64 end = end_of_folio(s, at);
	bool unsure;

	for (; at < end; at++) {
		struct page *copy = alloc_page(COPY_GFP);

		if (!copy)
			return -ENOMEM;
		copy_highpage(copy, page_of(s, at));
		s->slots[at] = (unsigned long)copy;
	}
	/* It was not when the container stood still. */
	smp_rmb();
	unsure = s->runs && is_for_udmabuf(folio);
	folio_unlock(folio);
	return unsure ? -EBUSY : 0;
}

/* Copies those that somebody waits for. */
static int copy_wanted(struct cr_shim_shared *s, u64 from)
{
	u64 at;
	int err;

	for (at = from; at < s->nr; at++) {
		if (!is_locked(s, at) ||
		    !folio_test_waiters(page_folio(page_of(s, at))))
			continue;
		err = copy_folio(s, at);
		if (err)
			return err;
	}
	return 0;
}

static int copy_from(struct cr_shim_shared *s, u64 from)
{
	u64 at, now, look = ktime_get_ns() + LOOK_NS;
	u32 copied = 0;
	int err;

	for (at = from; at < s->nr; at++) {
		if (!is_locked(s, at))
			continue;
		err = copy_folio(s, at);
		if (err)
			return err;
		if (++copied % CLOCK_FOLIOS)
			continue;
		now = ktime_get_ns();
		if (now < look)
			continue;
		if (fatal_signal_pending(current))
			return -EINTR;
		err = copy_wanted(s, at);
		if (err)
			return err;
		/* Looking is not to take more than half of the time. */
		look = ktime_get_ns();
		look += max_t(u64, LOOK_NS, look - now);
		cond_resched();
	}
	return 0;
}

/*
 * Copies all that is locked, and lets it go: the container runs. -EBUSY if
 * something may have changed before.
 */
int cr_shim_shared_copy(struct cr_shim_shared *s)
{
	s->runs = true;
	return copy_from(s, 0);
}

/* Locks a folio, for which nobody waits here who has others locked. */
static bool lock_patiently(struct folio *folio)
{
	int tries;

	for (tries = 0; !folio_trylock(folio); tries++) {
		if (tries == LOCK_TRIES)
			return false;
		usleep_range(LOCK_PAUSE_US, 2 * LOCK_PAUSE_US);
	}
	return true;
}

/*
 * Locks a folio, which the caller has a reference to, and adds its pages from
 * @index on, up to @end, to which that is moved.
 */
static int lock_folio(struct cr_shim_shared *s, struct address_space *mapping,
		      struct folio *folio, pgoff_t *index, pgoff_t end)
{
	if (!lock_patiently(folio))
		return -EBUSY;
	if (folio->mapping != mapping || !folio_contains(folio, *index) ||
	    !folio_test_uptodate(folio) || folio_contain_hwpoisoned_page(folio)) {
		folio_unlock(folio);
		return -EBUSY;
	}
	end = min(end, folio_next_index(folio));
	if (end - *index > s->room - s->nr) {
		folio_unlock(folio);
		return -EBUSY;
	}
	for (; *index < end; ++*index)
		s->slots[s->nr++] = LOCKED |
			(unsigned long)folio_file_page(folio, *index);
	if (folio_test_mlocked(folio) || is_for_udmabuf(folio))
		s->at_once = true;
	return 0;
}

/* Locks what there is of a run from @index on, until a page is missing. */
static int lock_some(struct cr_shim_shared *s, struct address_space *mapping,
		     pgoff_t *index, pgoff_t end)
{
	struct folio_batch batch;
	pgoff_t next = *index;
	unsigned int i;
	int err = 0;

	folio_batch_init(&batch);
	filemap_get_folios(mapping, &next, end - 1, &batch);
	for (i = 0; i < folio_batch_count(&batch) && !err; i++) {
		if (batch.folios[i]->index > *index)
			break;
		err = lock_folio(s, mapping, batch.folios[i], index, end);
	}
	for (i = 0; i < folio_batch_count(&batch); i++)
		folio_put(batch.folios[i]);
	return err;
}

static int lock_run(struct cr_shim_shared *s, struct address_space *mapping,
		    const struct cr_img_run *run)
{
	pgoff_t index = run->start >> PAGE_SHIFT, end = index + run->nr_pages;

	while (index < end) {
		pgoff_t before = index;
		int err = lock_some(s, mapping, &index, end);

		if (!err && index == before) {
			/* It is swapped out. */
			struct folio *folio = shmem_read_folio(mapping, index);

			if (IS_ERR(folio))
				return PTR_ERR(folio);
			err = lock_folio(s, mapping, folio, &index, end);
			folio_put(folio);
		}
		if (err)
			return err;
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	}
	return 0;
}

/* Takes care of those that somebody may write to who needs no mapping any more. */
static int copy_referenced(struct cr_shim_shared *s, u64 from)
{
	u64 at, next;
	int err;

	for (at = from; at < s->nr; at = next) {
		struct folio *folio = page_folio(page_of(s, at));

		next = end_of_folio(s, at);
		if (folio_mapped(folio))
			return -EBUSY;
		if (folio_ref_count(folio) == folio_nr_pages(folio))
			continue;
		err = copy_folio(s, at);
		if (err)
			return err;
	}
	return 0;
}

static int copy_file(struct cr_shim_shared *s, struct file *file,
		     const struct cr_img_run *run)
{
	u64 i;
	int err;

	for (i = 0; i < run->nr_pages; i++) {
		struct page *copy;

		if (fatal_signal_pending(current))
			return -EINTR;
		if (s->nr == s->room)
			return -EBUSY;
		copy = alloc_page(COPY_GFP);
		if (!copy)
			return -ENOMEM;
		s->slots[s->nr++] = (unsigned long)copy;
		err = cr_shim_page_read(file, run->start + i * PAGE_SIZE,
					page_address(copy));
		if (err)
			return err;
	}
	return 0;
}

/*
 * Adds the pages of these runs of a file, whose mappings and writers stand still,
 * as they are now. -EBUSY if that is not possible.
 */
int cr_shim_shared_add(struct cr_shim_shared *s, struct file *file,
		       const struct cr_img_run *runs, u32 nr)
{
	struct address_space *mapping = file->f_mapping;
	bool is_shmem = shmem_mapping(mapping);
	u64 from = s->nr;
	int err;
	u32 i;

	s->at_once = false;
	for (i = 0; i < nr; i++) {
		err = is_shmem ? lock_run(s, mapping, &runs[i]) :
				 copy_file(s, file, &runs[i]);
		if (err)
			return err;
	}
	if (!is_shmem || from == s->nr)
		return 0;
	if (s->at_once)
		return copy_from(s, from);
	unmap_mapping_range(mapping, 0, 0, 0);
	return copy_referenced(s, from);
}

/* A page that has been copied, by number; NULL if there is none. */
const void *cr_shim_shared_page(struct cr_shim_shared *s, u64 at)
{
	if (at >= s->nr || is_locked(s, at))
		return NULL;
	return page_address(page_of(s, at));
}
