// SPDX-License-Identifier: GPL-2.0
/*
 * What tests need of tasks under construction: that their allocations fail, and
 * which code they reach. A caller has both for itself, by /proc/PID/fail-nth
 * and by /sys/kernel/debug/kcov; tasks that are created begin without. Here it
 * is said which of them is meant, and where it is collected.
 *
 * And that they are slow where they are fast: between the word that a task is
 * about to wait and the moment when it does.
 */

#include <linux/atomic.h>
#include <linux/delay.h>
#include <linux/kcov.h>
#include <linux/moduleparam.h>
#include <linux/sched.h>

#include "shim.h"

#if defined(CONFIG_FAULT_INJECTION) || defined(CONFIG_KCOV)
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

/* How long a task takes to fall asleep, ms. */
static unsigned int wait_delay;
module_param(wait_delay, uint, 0600);

static void fail_begin(void)
{
	if (!atomic_dec_if_positive(&fail_task))
		current->fail_nth = fail_nth;
}

static void fail_end(void)
{
	if (current->fail_nth)
		fail_left = current->fail_nth;
	current->fail_nth = 0;
}

void cr_shim_debug_wait(void)
{
	mdelay(READ_ONCE(wait_delay));
}
#else
void cr_shim_debug_wait(void) {}
static void fail_begin(void) {}
static void fail_end(void) {}
#endif

#ifdef CONFIG_KCOV
/* The common handle of the kcov instance that collects; 0: none does. */
static unsigned int kcov_handle;
module_param(kcov_handle, uint, 0600);

static void cover_begin(void)
{
	u32 handle = READ_ONCE(kcov_handle);

	if (handle)
		kcov_remote_start(kcov_remote_handle(KCOV_SUBSYSTEM_COMMON, handle));
}

static void cover_end(void)
{
	/* Nothing, unless it was started. */
	kcov_remote_stop();
}
#else
static void cover_begin(void) {}
static void cover_end(void) {}
#endif

void cr_shim_debug_begin(void)
{
	cover_begin();
	fail_begin();
}

void cr_shim_debug_end(void)
{
	fail_end();
	cover_end();
}
#endif
