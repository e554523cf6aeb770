// SPDX-License-Identifier: GPL-2.0
/*
 * Reads of pseudoterminals that sleep: n_tty_read() in drivers/tty/n_tty.c. It has what
 * it has taken in a buffer of its own, where only a return of the call shows it.
 */

#include <linux/atomic.h>
#include <linux/fs.h>
#include <linux/mutex.h>
#include <linux/rwsem.h>
#include <linux/sched/signal.h>
#include <linux/tty.h>
#include <linux/tty_driver.h>
#include <linux/tty_ldisc.h>

#include "shim.h"
#include "rest.h"
/* As in drivers/tty/n_tty.c. */
#define N_TTY_BUF_SIZE	CR_TTY_BUFFER
#include "tty_types.h"

/* drivers/tty/tty_io.c:iterate_tty_read(): a read takes no more before it returns. */
#define MOST		64
/* kernel/locking/mutex.h */
#define MUTEX_WAITERS	0x01

static struct tty_struct *slave_of(struct file *file)
{
	return (struct tty_struct *)(unsigned long)cr_shim_tty_identity(file);
}

/* How long VTIME is, ns. */
static u64 time_of(struct tty_struct *tty)
{
	return TIME_CHAR(tty) * (u64)NSEC_PER_SEC / 10;
}

/*
 * What a read of @file, a pseudoterminal, waits for: CR_SHIM_TTY_*. After how long it
 * ends: @timeout_ns, U64_MAX for never.
 */
u32 cr_shim_tty_reads(struct file *file, u64 *timeout_ns)
{
	struct tty_struct *tty = slave_of(file);
	u8 least = MIN_CHAR(tty);

	*timeout_ns = U64_MAX;
	if (cr_shim_tty_is_master(file) || L_ICANON(tty))
		return CR_SHIM_TTY_ONE;
	if (TIME_CHAR(tty))
		*timeout_ns = time_of(tty);
	if (least > 1)
		return CR_SHIM_TTY_MANY;
	return least || !TIME_CHAR(tty) ? CR_SHIM_TTY_ONE : CR_SHIM_TTY_TIME;
}

/* How much a read of @file that is to get @len bytes waits for; 0 if that is not known. */
u64 cr_shim_tty_least(struct file *file, u64 len)
{
	struct tty_struct *tty = slave_of(file);

	if (cr_shim_tty_is_master(file) || L_ICANON(tty))
		return 0;
	return min3((u64)MIN_CHAR(tty), len, (u64)MOST);
}

/* How much of @len bytes it gets at most, where there is so much. */
u64 cr_shim_tty_most(struct file *file, u64 len)
{
	return MIN_CHAR(slave_of(file)) > MOST ? min(len, (u64)MOST) : len;
}

/* After so long with nothing more, it ends: ns, 0 for never. */
u64 cr_shim_tty_time(struct file *file)
{
	return time_of(slave_of(file));
}

/* Would another read stop @t, since it is in the background now? */
static bool is_stopped_by_reading(struct task_struct *t, struct tty_struct *tty)
{
	bool background;

	spin_lock_irq(&tty->ctrl.lock);
	background = tty->ctrl.pgrp && tty->ctrl.pgrp != task_pgrp(t);
	spin_unlock_irq(&tty->ctrl.lock);
	return background && READ_ONCE(t->signal->tty) == tty;
}

/* Others that wait for their turn would take what is to come. */
static bool has_others(struct n_tty_data *ld)
{
	return atomic_long_read(&ld->atomic_read_lock.owner) & MUTEX_WAITERS;
}

/*
 * Where @t waits, who reads @file and may go on to do that with another read; NULL if it
 * may not.
 */
wait_queue_head_t *cr_shim_tty_queue(struct task_struct *t, struct file *file)
{
	struct tty_struct *tty = slave_of(file);
	bool can = false;
	struct tty_ldisc *ld;

	if (!tty || cr_shim_tty_is_master(file))
		return NULL;
	rcu_read_lock();
	can = !is_stopped_by_reading(t, tty);
	rcu_read_unlock();
	ld = tty_ldisc_ref(tty);
	if (!ld)
		return NULL;
	can &= ld->ops->num == N_TTY && !has_others(tty->disc_data);
	tty_ldisc_deref(ld);
	return can ? &tty->read_wait : NULL;
}
