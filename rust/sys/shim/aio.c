// SPDX-License-Identifier: GPL-2.0
/* Contexts of asynchronous I/O: fs/aio.c. */

#include <linux/aio_abi.h>
#include <linux/atomic.h>
#include <linux/completion.h>
#include <linux/fs.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/percpu.h>
#include <linux/percpu-refcount.h>
#include <linux/rcupdate.h>
#include <linux/sched/mm.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "shim.h"

#ifdef CONFIG_AIO

#define AIO_RING_PAGES	8

#include "aio_types.h"

static_assert(sizeof(struct cr_img_aio_event) == sizeof(struct io_event));

/*
 * The context of @mm whose ring begins at @addr, with a reference to its users.
 * Nobody submits anything to it, or destroys it: the tasks of @mm stand still, or
 * the current one is its only one.
 */
static struct kioctx *find_context(struct mm_struct *mm, unsigned long addr)
{
	struct kioctx *found = NULL;
	struct kioctx_table *table;
	u32 i;

	rcu_read_lock();
	table = rcu_dereference(mm->ioctx_table);
	for (i = 0; table && i < table->nr && !found; i++) {
		struct kioctx *ctx = rcu_dereference(table->table[i]);

		if (ctx && ctx->user_id == addr &&
		    percpu_ref_tryget_live(&ctx->users))
			found = ctx;
	}
	rcu_read_unlock();
	return found;
}

/* How many contexts @mm has. */
u32 cr_shim_aio_contexts(struct mm_struct *mm)
{
	struct kioctx_table *table;
	u32 i, nr = 0;

	rcu_read_lock();
	table = rcu_dereference(mm->ioctx_table);
	for (i = 0; table && i < table->nr; i++)
		nr += !!rcu_access_pointer(table->table[i]);
	rcu_read_unlock();
	return nr;
}

/* Slots for events that are not those of requests in progress. */
static u32 idle_slots(struct kioctx *ctx)
{
	u32 idle = atomic_read(&ctx->reqs_available) + ctx->completed_events;
	int cpu;

	for_each_possible_cpu(cpu)
		idle += READ_ONCE(per_cpu_ptr(ctx->cpu, cpu)->reqs_available);
	return idle;
}

/* Where event number @nr is. Caller holds the lock of the ring. */
static struct io_event *event_at(const struct kioctx *ctx, u32 nr)
{
	u32 at = sizeof(struct aio_ring) + nr * sizeof(struct io_event);

	return folio_address(ctx->ring_folios[at / PAGE_SIZE]) + at % PAGE_SIZE;
}

/*
 * The context of @mm at @addr, and as many of the events that nobody has fetched
 * as there is room for. -ENOENT: there is none; -EBUSY: requests are in progress.
 */
int cr_shim_aio_read(struct mm_struct *mm, u64 addr, struct cr_img_aio *out,
		     struct cr_img_aio_event *events, u32 room)
{
	struct kioctx *ctx = find_context(mm, addr);
	const struct aio_ring *ring;
	int err = 0;
	u32 i;

	if (!ctx)
		return -ENOENT;
	mutex_lock(&ctx->ring_lock);
	spin_lock_irq(&ctx->completion_lock);
	if (idle_slots(ctx) != ctx->nr_events - 1)
		err = -EBUSY;
	ring = folio_address(ctx->ring_folios[0]);
	out->max_requests = ctx->max_reqs;
	out->nr_pages = ctx->nr_pages;
	/* Programs may write there. */
	out->head = READ_ONCE(ring->head) % ctx->nr_events;
	out->nr_events = (ctx->tail + ctx->nr_events - out->head) % ctx->nr_events;
	spin_unlock_irq(&ctx->completion_lock);
	for (i = 0; !err && i < min(room, out->nr_events); i++)
		memcpy(&events[i],
		       event_at(ctx, (out->head + i) % ctx->nr_events),
		       sizeof(*events));
	mutex_unlock(&ctx->ring_lock);
	percpu_ref_put(&ctx->users);
	return err;
}

/*
 * Puts events into the context of the current task at @addr, which is new.
 * -ERANGE: its ring has another size.
 */
int cr_shim_aio_fill(u64 addr, const struct cr_img_aio *in,
		     const struct cr_img_aio_event *events)
{
	struct kioctx *ctx = find_context(current->mm, addr);
	struct aio_ring *ring;
	int err = 0;
	u32 i;

	if (!ctx)
		return -ENOENT;
	mutex_lock(&ctx->ring_lock);
	if (ctx->nr_pages != in->nr_pages || in->head >= ctx->nr_events ||
	    in->nr_events >= ctx->nr_events) {
		err = -ERANGE;
		goto out;
	}
	for (i = 0; i < in->nr_events; i++)
		memcpy(event_at(ctx, (in->head + i) % ctx->nr_events),
		       &events[i], sizeof(*events));
	/* As if the requests had been submitted and completed: see aio_complete(). */
	atomic_sub(in->nr_events, &ctx->reqs_available);
	spin_lock_irq(&ctx->completion_lock);
	ctx->tail = (in->head + in->nr_events) % ctx->nr_events;
	ctx->completed_events = in->nr_events;
	ring = folio_address(ctx->ring_folios[0]);
	ring->head = in->head;
	ring->tail = ctx->tail;
	spin_unlock_irq(&ctx->completion_lock);
out:
	mutex_unlock(&ctx->ring_lock);
	percpu_ref_put(&ctx->users);
	return err;
}

/*
 * Has @t, which sleeps in io_getevents(2) for at least @min_nr events of the
 * context at @addr, fetched none yet? It waits for those that are missing.
 */
bool cr_shim_aio_waits_for_all(struct task_struct *t, u64 addr, u64 min_nr)
{
	struct mm_struct *mm = get_task_mm(t);
	struct aio_waiter *waiter;
	bool waits = false;
	struct kioctx *ctx;

	if (!mm)
		return false;
	ctx = find_context(mm, addr);
	if (ctx) {
		spin_lock_irq(&ctx->wait.lock);
		list_for_each_entry(waiter, &ctx->wait.head, w.entry)
			waits |= waiter->w.private == t &&
				 waiter->min_nr == min_nr;
		spin_unlock_irq(&ctx->wait.lock);
		percpu_ref_put(&ctx->users);
	}
	mmput(mm);
	return waits;
}

#else

u32 cr_shim_aio_contexts(struct mm_struct *mm)
{
	return 0;
}

int cr_shim_aio_read(struct mm_struct *mm, u64 addr, struct cr_img_aio *out,
		     struct cr_img_aio_event *events, u32 room)
{
	return -ENOENT;
}

int cr_shim_aio_fill(u64 addr, const struct cr_img_aio *in,
		     const struct cr_img_aio_event *events)
{
	return -ENOENT;
}

bool cr_shim_aio_waits_for_all(struct task_struct *t, u64 addr, u64 min_nr)
{
	return false;
}

#endif
