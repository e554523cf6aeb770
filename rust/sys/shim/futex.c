// SPDX-License-Identifier: GPL-2.0
/* The private hash of futexes: kernel/futex/core.c. */

#include <linux/mm_types.h>
#include <linux/rcupdate.h>

#include "futex.h"
#include "futex_types.h"
#include "shim.h"

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
