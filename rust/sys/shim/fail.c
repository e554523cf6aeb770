// SPDX-License-Identifier: GPL-2.0
/*
 * Fault injection into tasks under construction, for tests. A caller lets its
 * own allocations fail by /proc/PID/fail-nth; tasks that are created begin
 * without that. Here it is said which of them is meant, and how far it gets.
 */

#include <linux/atomic.h>
#include <linux/moduleparam.h>
#include <linux/sched.h>

#include "shim.h"

#ifdef CONFIG_FAULT_INJECTION
/* Which task, as counted from now on, from 1. */
static atomic_t fail_task = ATOMIC_INIT(0);
module_param_named(fail_task, fail_task.counter, int, 0600);
/* Which of its points of failure, from 1. */
static unsigned int fail_nth;
module_param(fail_nth, uint, 0600);
/* How many points it did not get to; 0 after a failure. */
static unsigned int fail_left;
module_param(fail_left, uint, 0600);

void cr_shim_fail_begin(void)
{
	if (!atomic_dec_if_positive(&fail_task))
		current->fail_nth = fail_nth;
}

void cr_shim_fail_end(void)
{
	if (current->fail_nth)
		fail_left = current->fail_nth;
	current->fail_nth = 0;
}
#endif
