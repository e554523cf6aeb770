// SPDX-License-Identifier: GPL-2.0
/* What tasks have used, and since when they exist. */

#include <linux/sched/cputime.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>

#include "shim.h"

static void io_read(const struct task_io_accounting *io, u64 *out)
{
#ifdef CONFIG_TASK_XACCT
	out[0] = io->rchar;
	out[1] = io->wchar;
	out[2] = io->syscr;
	out[3] = io->syscw;
#endif
#ifdef CONFIG_TASK_IO_ACCOUNTING
	out[4] = io->read_bytes;
	out[5] = io->write_bytes;
	out[6] = io->cancelled_write_bytes;
#endif
}

static void io_set(struct task_io_accounting *io, const u64 *in)
{
#ifdef CONFIG_TASK_XACCT
	io->rchar = in[0];
	io->wchar = in[1];
	io->syscr = in[2];
	io->syscw = in[3];
#endif
#ifdef CONFIG_TASK_IO_ACCOUNTING
	io->read_bytes = in[4];
	io->write_bytes = in[5];
	io->cancelled_write_bytes = in[6];
#endif
}

/* See kernel/sched/cputime.c:cputime_adjust(). */
static void shown_read(struct prev_cputime *shown, struct cr_img_usage *out)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&shown->lock, flags);
	out->shown_utime_ns = shown->utime;
	out->shown_stime_ns = shown->stime;
	raw_spin_unlock_irqrestore(&shown->lock, flags);
}

static void shown_set(struct prev_cputime *shown, const struct cr_img_usage *in)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&shown->lock, flags);
	shown->utime = in->shown_utime_ns;
	shown->stime = in->shown_stime_ns;
	raw_spin_unlock_irqrestore(&shown->lock, flags);
}

/* Of the thread @t, which stands still or is a zombie. */
void cr_shim_usage_read(struct task_struct *t, struct cr_img_thread *thread)
{
	struct cr_img_usage *out = &thread->usage;

	out->utime_ns = t->utime;
	out->stime_ns = t->stime;
	out->gtime_ns = t->gtime;
	out->runtime_ns = t->se.sum_exec_runtime;
	shown_read(&t->prev_cputime, out);
	out->nvcsw = t->nvcsw;
	out->nivcsw = t->nivcsw;
	out->min_flt = t->min_flt;
	out->maj_flt = t->maj_flt;
	io_read(&t->ioac, out->io);
#ifdef CONFIG_SCHED_INFO
	thread->run_delay_ns = t->sched_info.run_delay;
	thread->nr_runs = t->sched_info.pcount;
#endif
#ifdef CONFIG_TASK_XACCT
	thread->memory_time[0] = t->acct_rss_mem1;
	thread->memory_time[1] = t->acct_vm_mem1;
	thread->memory_time[2] = t->acct_timexpd;
#endif
}

/* When @t has started, by the clocks in the time namespace of @init. */
void cr_shim_start_read(struct task_struct *t, struct task_struct *init,
			struct cr_img_thread *thread)
{
	s64 monotonic, boottime;

	cr_shim_clock_offsets(init, &monotonic, &boottime);
	thread->start_monotonic_ns = t->start_time + monotonic;
	thread->start_boottime_ns = t->start_boottime + boottime;
}

/* Of the current thread, or of one that is dead. */
void cr_shim_usage_set(struct task_struct *t, const struct cr_img_thread *thread)
{
	const struct cr_img_usage *in = &thread->usage;
	u64 more;

	/* Ticks account for it, and so does the scheduler. */
	local_irq_disable();
	t->utime = in->utime_ns;
	t->stime = in->stime_ns;
	t->gtime = in->gtime_ns;
	/* Who has looked at it before sees no leap. */
	more = in->runtime_ns - t->se.sum_exec_runtime;
	t->se.sum_exec_runtime += more;
	t->se.prev_sum_exec_runtime += more;
#ifdef CONFIG_NUMA_BALANCING
	t->node_stamp += more;
	t->last_sum_exec_runtime += more;
#endif
#ifdef CONFIG_SCHED_INFO
	t->sched_info.run_delay = thread->run_delay_ns;
	t->sched_info.pcount = thread->nr_runs;
#endif
#ifdef CONFIG_TASK_XACCT
	t->acct_rss_mem1 = thread->memory_time[0];
	t->acct_vm_mem1 = thread->memory_time[1];
	t->acct_timexpd = thread->memory_time[2];
#endif
	local_irq_enable();
	shown_set(&t->prev_cputime, in);
	t->nvcsw = in->nvcsw;
	t->nivcsw = in->nivcsw;
	t->min_flt = in->min_flt;
	t->maj_flt = in->maj_flt;
	io_set(&t->ioac, in->io);
}

/* When the current thread has started, by the clocks in its time namespace. */
void cr_shim_start_set(const struct cr_img_thread *thread)
{
	s64 monotonic, boottime;

	cr_shim_clock_offsets(current, &monotonic, &boottime);
	current->start_time = thread->start_monotonic_ns - monotonic;
	current->start_boottime = thread->start_boottime_ns - boottime;
}

/* Workers of io_uring are gone after a restart. */
static void add_uring_workers(struct task_struct *t, struct cr_img_usage *out)
{
	struct task_struct *worker;
	u64 io[ARRAY_SIZE(out->io)] = {};
	int i;

	rcu_read_lock();
	for_each_thread(t, worker) {
		if (!cr_shim_is_uring_worker(worker))
			continue;
		out->utime_ns += worker->utime;
		out->stime_ns += worker->stime;
		out->gtime_ns += worker->gtime;
		out->runtime_ns += worker->se.sum_exec_runtime;
		out->nvcsw += worker->nvcsw;
		out->nivcsw += worker->nivcsw;
		out->min_flt += worker->min_flt;
		out->maj_flt += worker->maj_flt;
		io_read(&worker->ioac, io);
		for (i = 0; i < ARRAY_SIZE(io); i++)
			out->io[i] += io[i];
	}
	rcu_read_unlock();
}

/* Of the dead threads of a process, and of its children. */
void cr_shim_process_usage_read(struct task_struct *t, struct cr_img_process *process)
{
	struct cr_img_usage *out = &process->dead_threads;
	struct cr_img_children_usage *children = &process->children;
	struct signal_struct *sig = t->signal;
	unsigned long flags;

	shown_read(&sig->prev_cputime, out);
	read_seqlock_excl_irqsave(&sig->stats_lock, flags);
	out->utime_ns = sig->utime;
	out->stime_ns = sig->stime;
	out->gtime_ns = sig->gtime;
	out->runtime_ns = sig->sum_sched_runtime;
	out->nvcsw = sig->nvcsw;
	out->nivcsw = sig->nivcsw;
	out->min_flt = sig->min_flt;
	out->maj_flt = sig->maj_flt;
	io_read(&sig->ioac, out->io);
	add_uring_workers(t, out);
	process->inblock = sig->inblock;
	process->oublock = sig->oublock;
	process->maxrss = sig->maxrss;
	children->utime_ns = sig->cutime;
	children->stime_ns = sig->cstime;
	children->gtime_ns = sig->cgtime;
	children->nvcsw = sig->cnvcsw;
	children->nivcsw = sig->cnivcsw;
	children->min_flt = sig->cmin_flt;
	children->maj_flt = sig->cmaj_flt;
	children->inblock = sig->cinblock;
	children->oublock = sig->coublock;
	children->maxrss = sig->cmaxrss;
	read_sequnlock_excl_irqrestore(&sig->stats_lock, flags);
}

void cr_shim_process_usage_set(const struct cr_img_process *process)
{
	const struct cr_img_usage *in = &process->dead_threads;
	const struct cr_img_children_usage *children = &process->children;
	struct signal_struct *sig = current->signal;
	unsigned long flags;

	write_seqlock_irqsave(&sig->stats_lock, flags);
	sig->utime = in->utime_ns;
	sig->stime = in->stime_ns;
	sig->gtime = in->gtime_ns;
	sig->sum_sched_runtime = in->runtime_ns;
	sig->nvcsw = in->nvcsw;
	sig->nivcsw = in->nivcsw;
	sig->min_flt = in->min_flt;
	sig->maj_flt = in->maj_flt;
	io_set(&sig->ioac, in->io);
	sig->inblock = process->inblock;
	sig->oublock = process->oublock;
	sig->maxrss = process->maxrss;
	sig->cutime = children->utime_ns;
	sig->cstime = children->stime_ns;
	sig->cgtime = children->gtime_ns;
	sig->cnvcsw = children->nvcsw;
	sig->cnivcsw = children->nivcsw;
	sig->cmin_flt = children->min_flt;
	sig->cmaj_flt = children->maj_flt;
	sig->cinblock = children->inblock;
	sig->coublock = children->oublock;
	sig->cmaxrss = children->maxrss;
	write_sequnlock_irqrestore(&sig->stats_lock, flags);
	shown_set(&sig->prev_cputime, in);
}
