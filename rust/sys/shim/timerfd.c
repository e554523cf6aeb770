// SPDX-License-Identifier: GPL-2.0
/* timerfd: fs/timerfd.c. */

#include <linux/alarmtimer.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/hrtimer.h>
#include <linux/poll.h>
#include <linux/spinlock.h>
#include <linux/time.h>
#include <linux/timekeeping.h>
#include <linux/timerfd.h>
#include <linux/wait.h>
#include <asm/unistd_64.h>

#include "shim.h"
#include "timerfd_types.h"

extern const struct file_operations timerfd_fops;

bool cr_shim_is_timerfd(struct file *file)
{
	return file->f_op == &timerfd_fops;
}

/* How much more than on the host the clock of @timer says in a time namespace, ns. */
static s64 clock_offset(const struct hrtimer *timer, s64 monotonic, s64 boottime)
{
	switch (timer->base->clockid) {
	case CLOCK_MONOTONIC:
		return monotonic;
	case CLOCK_BOOTTIME:
		return boottime;
	default:
		return 0;
	}
}

/* What is never to be stays so. */
static s64 add_offset(s64 time, s64 offset)
{
	s64 sum;

	if (time == KTIME_MAX || check_add_overflow(time, offset, &sum))
		return KTIME_MAX;
	return sum;
}

/*
 * @ticks: expirations that have not been read. -EOPNOTSUPP for a clock that can
 * wake the machine. Times are those that @t sees.
 */
int cr_shim_timerfd_read(struct file *file, struct task_struct *t, u32 *clock,
			 u64 *ticks, struct cr_img_timerfd *out)
{
	struct timerfd_ctx *ctx = file->private_data;
	struct hrtimer *timer = &ctx->t.tmr;
	s64 monotonic, boottime, offset, expires;

	memset(out, 0, sizeof(*out));
	*clock = ctx->clockid;
	if (ctx->clockid == CLOCK_REALTIME_ALARM ||
	    ctx->clockid == CLOCK_BOOTTIME_ALARM)
		return -EOPNOTSUPP;
	/* Takes a lock that interrupts may not wait for, as they do for those below. */
	cr_shim_clock_offsets(t, &monotonic, &boottime);
	spin_lock_irq(&ctx->cancel_lock);
	spin_lock(&ctx->wqh.lock);
	offset = clock_offset(timer, monotonic, boottime);
	*ticks = ctx->ticks;
	out->interval_ns = ctx->tintv;
	out->settime_flags = ctx->settime_flags;
	if (timer->base->clockid == CLOCK_REALTIME)
		out->flags |= CR_TIMERFD_WALL;
	if (ctx->might_cancel)
		out->flags |= CR_TIMERFD_CANCELABLE;
	if (ctx->might_cancel && ctx->moffs == KTIME_MAX)
		out->flags |= CR_TIMERFD_CANCELED;
	/* One that is due, and waits for the lock to say so, is about to. */
	if (hrtimer_active(timer))
		out->flags |= CR_TIMERFD_ARMED;
	else if (ctx->expired)
		out->flags |= CR_TIMERFD_EXPIRED;
	if (out->flags & (CR_TIMERFD_ARMED | CR_TIMERFD_EXPIRED)) {
		expires = add_offset(hrtimer_get_expires(timer), offset);
		out->expires_ns = max_t(s64, expires, 0);
	}
	spin_unlock(&ctx->wqh.lock);
	spin_unlock_irq(&ctx->cancel_lock);
	return 0;
}

/* @ticks are there at once, for who is to watch the file. */
struct file *cr_shim_timerfd_make(u32 clock, u64 ticks)
{
	struct timerfd_ctx *ctx;
	struct file *file;

	file = cr_shim_without_fd(cr_shim_syscall(__NR_timerfd_create, clock,
						  TFD_CLOEXEC, 0, 0, 0, 0));
	if (IS_ERR(file))
		return file;
	/* Somebody else may have had the descriptor in between. */
	ctx = file->private_data;
	if (!cr_shim_is_timerfd(file) || ctx->clockid != clock) {
		fput(file);
		return ERR_PTR(-EBADF);
	}
	spin_lock_irq(&ctx->wqh.lock);
	ctx->ticks = ticks;
	spin_unlock_irq(&ctx->wqh.lock);
	return file;
}

/*
 * After timerfd_settime(2) without a time, which wakes nobody, nor tells anybody
 * what has been told before. Times are those that the current task sees.
 */
int cr_shim_timerfd_set(struct file *file, u64 ticks,
			const struct cr_img_timerfd *in)
{
	struct timerfd_ctx *ctx = file->private_data;
	struct hrtimer *timer = &ctx->t.tmr;
	s64 monotonic, boottime;
	ktime_t expires;
	int err = -EBUSY;

	cr_shim_clock_offsets(current, &monotonic, &boottime);
	spin_lock_irq(&ctx->wqh.lock);
	if (hrtimer_active(timer))
		goto out;
	err = 0;
	ctx->ticks = ticks;
	ctx->settime_flags = in->settime_flags;
	ctx->expired = !!(in->flags & CR_TIMERFD_EXPIRED);
	if (in->flags & CR_TIMERFD_CANCELED)
		ctx->moffs = KTIME_MAX;
	if (!(in->flags & (CR_TIMERFD_ARMED | CR_TIMERFD_EXPIRED)))
		goto out;
	expires = add_offset(in->expires_ns, -clock_offset(timer, monotonic, boottime));
	hrtimer_set_expires(timer, expires);
	if (!(in->flags & CR_TIMERFD_ARMED))
		goto out;
	/* As fs/timerfd.c:timerfd_hrtimer_start(). */
	if (expires > hrtimer_cb_get_time(timer) &&
	    hrtimer_start_range_ns_user(timer, expires, 0, HRTIMER_MODE_ABS))
		goto out;
	ctx->expired = 1;
	ctx->ticks++;
	wake_up_locked_poll(&ctx->wqh, EPOLLIN);
out:
	spin_unlock_irq(&ctx->wqh.lock);
	return err;
}
