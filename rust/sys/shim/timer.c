// SPDX-License-Identifier: GPL-2.0
/* POSIX timers: kernel/time/posix-timers.c, kernel/time/posix-cpu-timers.c. */

#include <linux/hrtimer.h>
#include <linux/pid.h>
#include <linux/posix-timers.h>
#include <linux/sched/cputime.h>
#include <linux/sched/signal.h>

#include "shim.h"

/* kernel/time/posix-timers.h, which is private */
enum {
	TIMER_DISARMED,
	TIMER_ARMED,
	TIMER_REQUEUE_PENDING,
};

extern void posix_timer_queue_signal(struct k_itimer *timr);

static bool is_cpu_timer(const struct k_itimer *timer)
{
	return timer->it_clock < 0;
}

static bool is_supported(const struct k_itimer *timer)
{
	switch (timer->it_clock) {
	case CLOCK_REALTIME:
	case CLOCK_MONOTONIC:
	case CLOCK_BOOTTIME:
	case CLOCK_TAI:
		return true;
	default:
		return is_cpu_timer(timer);
	}
}

static u64 cpu_time(int which, u64 utime, u64 stime, u64 runtime)
{
	switch (which) {
	case CPUCLOCK_VIRT:
		return utime;
	case CPUCLOCK_PROF:
		return utime + stime;
	default:
		return runtime;
	}
}

/* What a CPU-time clock says of @t, or of its thread group: they stand still. */
static u64 cpu_clock_now(clockid_t clock, struct task_struct *t)
{
	struct signal_struct *sig = t->signal;
	int which = CPUCLOCK_WHICH(clock);
	struct task_struct *thread;
	u64 now;

	if (CPUCLOCK_PERTHREAD(clock))
		return cpu_time(which, t->utime, t->stime,
				t->se.sum_exec_runtime);
	now = cpu_time(which, sig->utime, sig->stime, sig->sum_sched_runtime);
	__for_each_thread(sig, thread)
		now += cpu_time(which, thread->utime, thread->stime,
				thread->se.sum_exec_runtime);
	return now;
}

/*
 * Time left until @timer expires, negative since it has; or, if that is not
 * a matter of time left, just when. False if it never was to.
 * Caller holds RCU and the timer's lock.
 */
static bool expiry_read(struct k_itimer *timer, struct pid_namespace *ns,
			struct cr_img_timer *out, s64 *left)
{
	struct hrtimer *hrtimer = &timer->it.real.timer;
	s64 expires;

	if (is_cpu_timer(timer)) {
		bool thread = CPUCLOCK_PERTHREAD(timer->it_clock);
		struct task_struct *t = pid_task(timer->it.cpu.pid, thread ?
						 PIDTYPE_PID : PIDTYPE_TGID);

		if (!t)
			return false;
		out->clock_pid = pid_nr_ns(timer->it.cpu.pid, ns);
		expires = cpu_timer_getexpires(&timer->it.cpu);
		*left = expires - cpu_clock_now(timer->it_clock, t);
		return expires;
	}
	expires = ktime_to_ns(hrtimer_get_expires(hrtimer));
	*left = expires - ktime_to_ns(hrtimer_cb_get_time(hrtimer));
	if (hrtimer->base->clockid == CLOCK_REALTIME ||
	    hrtimer->base->clockid == CLOCK_TAI) {
		out->flags |= CR_TIMER_ABSOLUTE;
		out->expires_ns = expires;
	}
	return expires;
}

/* Has it expired without more? Caller holds the timer's lock. */
static u32 expired_read(struct task_struct *t, struct k_itimer *timer)
{
	unsigned long flags;
	u32 is = 0;

	if (!lock_task_sighand(t, &flags))
		return 0;
	if (!hlist_unhashed(&timer->ignored_list))
		is = CR_TIMER_IGNORED;
	else if (!list_empty(&timer->sigq.list) &&
		 timer->it_sigqueue_seq == timer->it_signal_seq)
		is = CR_TIMER_PENDING;
	unlock_task_sighand(t, &flags);
	return is;
}

/* Never to expire again. */
static void set_disarmed(struct cr_img_timer *out)
{
	out->flags = 0;
	out->expires_ns = 0;
	out->interval_ns = 0;
}

/* The next expiration; those before it have been. */
static void advance(struct cr_img_timer *out, s64 left)
{
	u64 n;

	if (out->flags & CR_TIMER_ABSOLUTE)
		return;
	if (left <= 0) {
		n = (u64)-left / out->interval_ns + 1;
		left += n * out->interval_ns;
		out->overrun += n;
	}
	out->expires_ns = left;
}

/* A timer that tells nobody is never queued, nor has it overruns. */
static void silent_read(struct cr_img_timer *out, bool set, s64 left)
{
	if (!set || (left <= 0 && !out->interval_ns)) {
		set_disarmed(out);
		return;
	}
	advance(out, left);
	out->overrun = 0;
	out->flags |= CR_TIMER_ARMED;
}

static int timer_read(struct task_struct *t, struct pid_namespace *ns,
		      struct k_itimer *timer, struct cr_img_timer *out)
{
	s64 left = 0;
	u32 expired;
	bool set;

	if (!is_supported(timer))
		return -EOPNOTSUPP;
	memset(out, 0, sizeof(*out));
	out->id = timer->it_id;
	out->clock = timer->it_clock;
	out->notify = timer->it_sigev_notify;
	out->signal = timer->sigq.info.si_signo;
	out->value = (unsigned long)timer->sigq.info.si_value.sival_ptr;
	out->interval_ns = timer->it_interval;
	out->overrun = timer->it_overrun + 1;
	out->overrun_last = timer->it_overrun_last;
	if (timer->it_sigev_notify & SIGEV_THREAD_ID) {
		if (!pid_task(timer->it_pid, PIDTYPE_PID))
			return -ESRCH;
		out->target = pid_nr_ns(timer->it_pid, ns);
	}

	set = expiry_read(timer, ns, out, &left);
	if (is_cpu_timer(timer) && !out->clock_pid)
		return -ESRCH;
	if (timer->it_sigev_notify == SIGEV_NONE) {
		silent_read(out, set, left);
		return 0;
	}
	expired = expired_read(t, timer);
	if (timer->it_status == TIMER_ARMED) {
		/* One that is due is about to expire: never show it as off. */
		if (!(out->flags & CR_TIMER_ABSOLUTE))
			out->expires_ns = max_t(s64, left, 1);
		out->flags |= CR_TIMER_ARMED;
		return 0;
	}
	if (!expired) {
		set_disarmed(out);
		return timer->it_status == TIMER_DISARMED ? 0 : -EOPNOTSUPP;
	}
	/* One that does not repeat is over but for its signal. */
	if (timer->it_interval)
		advance(out, left);
	else
		set_disarmed(out);
	out->flags |= expired;
	return 0;
}

/*
 * Copies the timers of the thread group of @t, in any order. Returns how many
 * there are, which may be more than @max; -ESRCH for one that has lost its
 * thread, -EOPNOTSUPP for one that is not known; @id says which.
 */
int cr_shim_timers_read(struct task_struct *t, struct cr_img_timers *head,
			struct cr_img_timer *out, u32 max, u32 *id)
{
	struct pid_namespace *ns;
	struct signal_struct *sig = t->signal;
	struct k_itimer *timer;
	unsigned long flags;
	u32 n = 0;
	int err;

	head->next_id = atomic_read(&sig->next_posix_timer_id) & INT_MAX;
	if (sig->timer_create_restore_ids)
		head->flags |= CR_TIMERS_CHOOSE_IDS;

	/* Of a task that has been killed meanwhile, nothing is used. */
	rcu_read_lock();
	ns = task_active_pid_ns(t);
	hlist_for_each_entry_rcu(timer, &sig->posix_timers, list) {
		if (n++ >= max)
			continue;
		err = 0;
		spin_lock_irqsave(&timer->it_lock, flags);
		if (READ_ONCE(timer->it_signal) == sig)
			err = timer_read(t, ns, timer, &out[n - 1]);
		spin_unlock_irqrestore(&timer->it_lock, flags);
		if (err) {
			*id = timer->it_id;
			n = err;
			break;
		}
	}
	rcu_read_unlock();
	return n;
}

/* Of the current process. Caller holds RCU. */
static struct k_itimer *timer_find(u32 id)
{
	struct k_itimer *timer;

	hlist_for_each_entry_rcu(timer, &current->signal->posix_timers, list)
		if (timer->it_id == id)
			return timer;
	return NULL;
}

/* The names of a clock: of somebody's CPU time, or just of CPU time. */
static bool is_same_clock(clockid_t a, clockid_t b)
{
	return a == b || (a < 0 && b < 0 && (a & 7) == (b & 7));
}

/*
 * The timer, whose signal is not queued, was ignored: kernel/signal.c,
 * posixtimer_sig_ignore(). Caller holds the timer's lock.
 */
static void put_among_ignored(struct k_itimer *timer)
{
	timer->it_status = TIMER_REQUEUE_PENDING;
	spin_lock(&current->sighand->siglock);
	timer->it_sigqueue_seq = timer->it_signal_seq;
	timer->it_sig_periodic = true;
	posixtimer_sigqueue_getref(&timer->sigq);
	hlist_add_head(&timer->ignored_list,
		       &current->signal->ignored_posix_timers);
	spin_unlock(&current->sighand->siglock);
}

/* Caller holds RCU and the timer's lock. */
static void set_expired(struct k_itimer *timer, const struct cr_img_timer *in)
{
	struct hrtimer *hrtimer = &timer->it.real.timer;
	u64 expires = in->expires_ns;
	struct task_struct *t;

	timer->it_interval = ns_to_ktime(in->interval_ns);
	timer->it_overrun = in->overrun - 1;
	if (is_cpu_timer(timer)) {
		t = pid_task(timer->it.cpu.pid, PIDTYPE_PID);
		if (t)
			expires += cpu_clock_now(timer->it_clock, t);
		cpu_timer_setexpires(&timer->it.cpu, expires);
		return;
	}
	if (!(in->flags & CR_TIMER_ABSOLUTE))
		expires = ktime_add_safe(hrtimer_cb_get_time(hrtimer), expires);
	hrtimer_set_expires(hrtimer, ns_to_ktime(expires));
}

/*
 * Makes a timer of the current process, which is disarmed or expires a long
 * time from now, one that has expired already, unless it has.
 */
int cr_shim_timer_expire(const struct cr_img_timer *in)
{
	struct k_itimer *timer;
	int err = -EINVAL;

	rcu_read_lock();
	timer = timer_find(in->id);
	if (!timer || timer->it_sigev_notify == SIGEV_NONE)
		goto out;
	if (!is_cpu_timer(timer))
		hrtimer_cancel(&timer->it.real.timer);
	spin_lock_irq(&timer->it_lock);
	err = 0;
	/* Who does either has the timer's lock. */
	if (list_empty(&timer->sigq.list) && hlist_unhashed(&timer->ignored_list)) {
		set_expired(timer, in);
		if (in->flags & CR_TIMER_IGNORED)
			put_among_ignored(timer);
		else
			posix_timer_queue_signal(timer);
	}
	spin_unlock_irq(&timer->it_lock);
out:
	rcu_read_unlock();
	return err;
}

/* What no system call can say about a timer of the current process. */
int cr_shim_timer_finish(const struct cr_img_timer *in)
{
	struct k_itimer *timer;
	int err = -EINVAL;

	rcu_read_lock();
	timer = timer_find(in->id);
	if (timer && is_same_clock(timer->it_clock, in->clock)) {
		spin_lock_irq(&timer->it_lock);
		timer->it_clock = in->clock;
		timer->it_overrun_last = in->overrun_last;
		spin_unlock_irq(&timer->it_lock);
		err = 0;
	}
	rcu_read_unlock();
	return err;
}

void cr_shim_timer_ids(const struct cr_img_timers *in)
{
	atomic_set(&current->signal->next_posix_timer_id, in->next_id);
}
