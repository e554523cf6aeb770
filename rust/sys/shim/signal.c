// SPDX-License-Identifier: GPL-2.0
/* Signal actions and pending signals. */

#include <linux/posix-timers.h>
#include <linux/sched/signal.h>
#include <linux/signal.h>

#include "shim.h"

void cr_shim_sighand_read(struct task_struct *t, struct cr_img_sighand *out)
{
	unsigned long flags;
	int i;

	BUILD_BUG_ON(CR_NSIG != _NSIG);

	/* Of a task that has been killed meanwhile, nothing is used. */
	if (!lock_task_sighand(t, &flags))
		return;
	for (i = 0; i < _NSIG; i++) {
		struct sigaction *sa = &t->sighand->action[i].sa;

		out->action[i].handler = (unsigned long)sa->sa_handler;
		out->action[i].flags = sa->sa_flags;
		out->action[i].restorer = (unsigned long)sa->sa_restorer;
		out->action[i].mask = sa->sa_mask.sig[0];
	}
	unlock_task_sighand(t, &flags);
}

static bool is_of_timer(const struct sigqueue *q)
{
	return q->flags & SIGQUEUE_PREALLOC && q->info.si_code == SI_TIMER;
}

/*
 * The timer was deleted: the kernel is going to drop its signal.
 * Caller holds the siglock.
 */
static bool is_stale(const struct sigqueue *q)
{
	return is_of_timer(q) &&
	       !posixtimer_valid(container_of(q, struct k_itimer, sigq));
}

/* See cr_img_siginfo. Caller holds the siglock. */
static u32 timer_of(const struct sigqueue *q)
{
	return is_of_timer(q) ?
	       container_of(q, struct k_itimer, sigq)->it_id + 1 : 0;
}

/*
 * Copies the queue of the thread, or the shared one of its group, in order of
 * arrival. Returns how many there are, which may be more than @max.
 */
u32 cr_shim_sigqueue_read(struct task_struct *t, bool shared,
			  struct cr_img_siginfo *infos, u32 max, u64 *pending)
{
	struct sigpending *from = shared ? &t->signal->shared_pending :
					   &t->pending;
	unsigned long flags;
	struct sigqueue *q;
	u64 stale = 0, regular = 0;
	u32 n = 0;

	BUILD_BUG_ON(sizeof(infos->info) != sizeof(siginfo_t));

	*pending = 0;
	if (!lock_task_sighand(t, &flags))
		return 0;
	*pending = from->signal.sig[0];
	list_for_each_entry(q, &from->list, list) {
		if (is_stale(q)) {
			stale |= sigmask(q->info.si_signo);
			continue;
		}
		regular |= sigmask(q->info.si_signo);
		if (n < max) {
			infos[n].timer = timer_of(q);
			copy_siginfo_to_external((siginfo_t *)infos[n].info,
						 &q->info);
		}
		n++;
	}
	unlock_task_sighand(t, &flags);
	*pending &= ~(stale & ~regular);
	/* Who has got that exits already. */
	*pending &= ~(u64)sigmask(SIGKILL);
	return n;
}
