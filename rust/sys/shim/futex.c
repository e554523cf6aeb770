// SPDX-License-Identifier: GPL-2.0
/* Futexes: kernel/futex/core.c. */

#include <linux/mm_types.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>

#include "futex.h"
#include "futex_types.h"
#include "shim.h"

/* A waiter that was requeued to such a lock sleeps in the same call as before. */
bool cr_shim_waits_for_pi_lock(struct task_struct *t)
{
	return READ_ONCE(t->pi_blocked_on);
}

/*
 * How many slots the process has asked for (PR_FUTEX_HASH): 0 if it has not asked,
 * CR_FUTEX_GLOBAL for those that all processes share.
 */
u32 cr_shim_futex_slots(struct mm_struct *mm)
{
	u32 slots = 0;
#ifdef CONFIG_FUTEX_PRIVATE_HASH
	struct futex_private_hash *hash;

	rcu_read_lock();
	hash = rcu_dereference(mm->futex.phash.hash);
	if (hash && hash->custom)
		slots = hash->hash_mask ? hash->hash_mask + 1 : CR_FUTEX_GLOBAL;
	rcu_read_unlock();
#endif
	return slots;
}
