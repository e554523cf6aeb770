// SPDX-License-Identifier: GPL-2.0
/*
 * Calls that were interrupted half done, and go on with the rest: without a signal,
 * a program never sees less than the whole.
 */

#include <linux/file.h>
#include <linux/fs.h>
#include <linux/net.h>
#include <linux/sched/signal.h>
#include <linux/sched/task_stack.h>
#include <linux/slab.h>
#include <linux/socket.h>
#include <linux/task_work.h>
#include <linux/uaccess.h>
#include <linux/uio.h>
#include <net/af_unix.h>
#include <net/sock.h>
#include <asm/unistd_64.h>

#include "shim.h"

/*
 * In orig_ax, above the number of the call, where the kernel does not look: the call
 * was interrupted after a part. It is in the image as well.
 */
#define HALFWAY		BIT_ULL(32)

static u32 nr_of(const struct pt_regs *regs)
{
	return regs->orig_ax;
}

/* What a call may have done a part of. */
static struct file *blocking_stream(unsigned int fd)
{
	struct file *file = fget(fd);

	if (file && !(file->f_flags & O_NONBLOCK) &&
	    (S_ISFIFO(file_inode(file)->i_mode) || cr_shim_is_socket(file) ||
	     cr_shim_tty_identity(file)))
		return file;
	if (file)
		fput(file);
	return NULL;
}

/* Is there a work like @work behind it, of those that are being run? */
static bool has_successor(const struct callback_head *work)
{
	for (const struct callback_head *w = work->next; w; w = w->next)
		if (w->func == work->func)
			return true;
	return false;
}

/*
 * What write(2), send(2), writev(2) or sendmsg(2) is to write, as @regs say. @iov is
 * to be freed.
 */
static int data_of_write(const struct pt_regs *regs, struct iovec **iov,
			 struct iov_iter *data)
{
	struct user_msghdr msg = {
		.msg_iov = (struct iovec __user *)regs->si,
		.msg_iovlen = regs->dx,
	};

	*iov = NULL;
	if (nr_of(regs) == __NR_write || nr_of(regs) == __NR_sendto)
		return import_ubuf(ITER_SOURCE, (void __user *)regs->si,
				   regs->dx, data);
	if (nr_of(regs) == __NR_sendmsg &&
	    copy_from_user(&msg, (void __user *)regs->si, sizeof(msg)))
		return -EFAULT;
	return min(import_iovec(ITER_SOURCE, msg.msg_iov, msg.msg_iovlen, 0, iov,
				data), 0);
}

static bool is_write(const struct pt_regs *regs)
{
	switch (nr_of(regs)) {
	case __NR_write:
	case __NR_writev:
		return true;
	case __NR_sendto:
		return !(regs->r10 & ~MSG_NOSIGNAL);
	case __NR_sendmsg:
		return !(regs->dx & ~MSG_NOSIGNAL);
	}
	return false;
}

/*
 * Who wants to interrupt the current task has queued a work first, which must not
 * wait for the rest. True if there is none; else @again says whether @work is to be
 * queued again.
 */
static bool may_go_on(struct callback_head *work, bool *again)
{
	clear_notify_signal();
	if (work->next || task_work_pending(current)) {
		*again = !has_successor(work);
		return false;
	}
	return !signal_pending(current);
}

/* Is there work of the current task behind @work, but for what is to be done after it? */
bool cr_shim_must_make_way(struct callback_head *work)
{
	return (work->next || task_work_pending(current)) &&
	       !has_successor(work);
}

/* The next call is told of it, as it is when a part has been done before an error. */
static void put_back_error(struct socket *sock, long err)
{
	if (err < 0 && err != -ERESTARTSYS && err != -EAGAIN && err != -EFAULT &&
	    err != -EPIPE)
		sock->sk->sk_err = -err;
}

static ssize_t write_some(struct file *file, struct iov_iter *data)
{
	struct msghdr msg = { .msg_flags = MSG_NOSIGNAL, .msg_iter = *data };
	struct socket *sock = sock_from_file(file);
	ssize_t n;

	if (!sock)
		return vfs_iter_write(file, data, NULL, 0);
	/* A part has been sent, so that there is no signal if the other end is closed. */
	n = sock_sendmsg(sock, &msg);
	put_back_error(sock, n);
	return n;
}

/* Writes what is left of the write that the current task was interrupted in. */
static bool finish_write(struct callback_head *work, struct file *file,
			 struct iov_iter *data)
{
	struct pt_regs *regs = task_pt_regs(current);
	struct iov_iter left;
	bool again = false;
	ssize_t n;

	iov_iter_advance(data, regs->ax);
	do {
		if (!iov_iter_count(data) || !may_go_on(work, &again))
			break;
		/* A terminal takes more out of it than it writes. */
		left = *data;
		n = write_some(file, &left);
		if (n > 0) {
			iov_iter_advance(data, n);
			regs->ax += n;
		}
	} while (n > 0 || n == -ERESTARTSYS);
	return again;
}

static bool go_on_writing(struct callback_head *work, struct file *file)
{
	struct iov_iter data;
	struct iovec *iov;
	bool again = false;

	if (!data_of_write(task_pt_regs(current), &iov, &data)) {
		again = finish_write(work, file, &data);
		kfree(iov);
	}
	return again;
}

/* Flags of a call that goes on with the rest by being issued again for that. */
#define REST_FLAGS	(MSG_WAITALL | MSG_NOSIGNAL | MSG_CMSG_CLOEXEC)

static bool reads_stream(const struct pt_regs *regs)
{
	return nr_of(regs) == __NR_read || nr_of(regs) == __NR_recvfrom;
}

static u64 flags_of(const struct pt_regs *regs)
{
	return nr_of(regs) == __NR_read ? 0 : regs->r10;
}

/* Does @t wait in @sk, whose lock the caller holds? */
static bool waits_in(struct sock *sk, struct task_struct *t)
{
	wait_queue_head_t *queue = sk_sleep(sk);
	wait_queue_entry_t *entry;
	unsigned long flags;
	bool found = false;

	spin_lock_irqsave(&queue->lock, flags);
	list_for_each_entry(entry, &queue->head, entry)
		if (entry->private == t &&
		    entry->func == autoremove_wake_function)
			found = true;
	spin_unlock_irqrestore(&queue->lock, flags);
	return found && READ_ONCE(t->__state) & TASK_INTERRUPTIBLE;
}

/*
 * Interrupts @t, which has come to sleep in a read of @file, a stream of the Unix
 * family, if it has not been woken since: so much of the stream that it has is not
 * all then that it is to get, and it is to go on. Of one that has ended by itself
 * only the kernel knows why: streams end at messages with descriptors.
 */
bool cr_shim_interrupt_reader(struct task_struct *t, struct file *file)
{
	struct socket *sock = sock_from_file(file);
	struct sock *sk = sock ? sock->sk : NULL;
	bool waits;

	if (!sk || sk->sk_family != AF_UNIX)
		return false;
	/* With that it does not get out of its sleep. */
	unix_state_lock(sk);
	waits = waits_in(sk, t);
	if (waits) {
		task_pt_regs(t)->orig_ax |= HALFWAY;
		set_tsk_thread_flag(t, TIF_NOTIFY_SIGNAL);
		wake_up_process(t);
	}
	unix_state_unlock(sk);
	return waits;
}

/* The current task has come from its call: only of one that has got a part there is a rest. */
void cr_shim_settle(void)
{
	struct pt_regs *regs = task_pt_regs(current);

	if ((long)regs->ax <= 0)
		regs->orig_ax &= ~HALFWAY;
}

/*
 * Can a read of this socket be taken up again, by another one? Those of who asks for
 * credentials end where the writers change.
 */
bool cr_shim_has_rest(struct file *file)
{
	struct socket *sock = sock_from_file(file);
	struct sock *sk = sock ? sock->sk : NULL;

	if (!sk || sk->sk_type != SOCK_STREAM)
		return false;
	return cr_shim_is_inet_socket(file) ||
	       (sk->sk_family == AF_UNIX && !sk->sk_scm_credentials &&
		!sk->sk_scm_pidfd);
}

/*
 * How much the call in progress is to come to, bytes or messages, before it returns
 * without an error or the end of a stream; 0 if that is not known.
 */
static u64 target_of(const struct pt_regs *regs, struct file *file)
{
	struct socket *sock = sock_from_file(file);
	u64 flags = flags_of(regs);
	bool sends = nr_of(regs) == __NR_sendmmsg;
	struct sock *sk = sock ? sock->sk : NULL;

	if (!sk || flags & ~REST_FLAGS ||
	    (sends ? sk->sk_sndtimeo : sk->sk_rcvtimeo) != MAX_SCHEDULE_TIMEOUT)
		return 0;
	switch (nr_of(regs)) {
	case __NR_read:
	case __NR_recvfrom:
		if (!cr_shim_has_rest(file) ||
		    (sk->sk_family == AF_UNIX && !(regs->orig_ax & HALFWAY)))
			return 0;
		return sock_rcvlowat(sk, flags & MSG_WAITALL, regs->dx);
	case __NR_recvmmsg:
		return regs->r8 ? 0 : (u32)regs->dx;
	case __NR_sendmmsg:
		/* It sends no more at a time. */
		return sk->sk_type == SOCK_STREAM ?
			       0 : min_t(u32, regs->dx, UIO_MAXIOV);
	}
	return 0;
}

/*
 * Reads @len more of a stream. Its address has been told with the first part. Were
 * there descriptors in it, which no read gets, a read ends there: @ends.
 */
static long read_more(const struct pt_regs *regs, struct file *file, u64 len,
		      u64 flags, bool *ends)
{
	struct msghdr msg = {};
	long n;

	n = import_ubuf(ITER_DEST, (void __user *)regs->si + regs->ax, len,
			&msg.msg_iter);
	if (!n)
		n = sock_recvmsg(sock_from_file(file), &msg,
				 flags_of(regs) | flags);
	*ends = msg.msg_flags & MSG_CTRUNC;
	return n;
}

/* Issues the call in progress again, for what is left until @target. */
static long issue_rest(const struct pt_regs *regs, struct file *file,
		       u64 target, bool *ends)
{
	u64 done = regs->ax;

	if (reads_stream(regs))
		return read_more(regs, file, target - done, MSG_WAITALL, ends);
	return cr_shim_syscall(nr_of(regs), regs->di,
			       regs->si + done * sizeof(struct mmsghdr),
			       target - done, regs->r10, 0, 0);
}

/* What a stream has beyond the least that a read waits for. */
static void take_more(struct pt_regs *regs, struct file *file)
{
	u64 left = regs->dx - regs->ax;
	bool ends;
	long n;

	if (!reads_stream(regs) || !left)
		return;
	n = read_more(regs, file, left, MSG_DONTWAIT, &ends);
	if (n > 0)
		regs->ax += n;
}

static bool go_on_with_rest(struct callback_head *work, struct file *file)
{
	struct pt_regs *regs = task_pt_regs(current);
	u64 target = target_of(regs, file);
	bool again = false, more = false, ends = false;
	long n = 0;

	while (regs->ax < target && !ends && may_go_on(work, &again)) {
		n = issue_rest(regs, file, target, &ends);
		if (n > 0)
			regs->ax += n;
		else if (n != -ERESTARTSYS)
			break;
		more = n > 0;
	}
	if (target)
		put_back_error(sock_from_file(file), n);
	if (more && !ends && regs->ax >= target)
		take_more(regs, file);
	return again;
}

/*
 * A blocking call that was interrupted half done goes on: a write to a pipe, stream
 * or terminal, a read that is to get all, or at least so much, of a stream, several
 * messages.
 *
 * That takes as long as the other side wants, so no other work of the task may have
 * to wait for it. Returns true if @work is to be queued again, to go on once there
 * is none.
 */
bool cr_shim_go_on(struct callback_head *work)
{
	struct pt_regs *regs = task_pt_regs(current);
	bool again, writes = is_write(regs);
	struct file *file;

	/* Of a call that is to be restarted, there is no more to do. */
	if ((long)regs->ax <= 0)
		return false;
	switch (nr_of(regs)) {
	case __NR_read:
	case __NR_recvfrom:
	case __NR_recvmmsg:
	case __NR_sendmmsg:
		break;
	default:
		if (!writes)
			return false;
	}
	file = blocking_stream(regs->di);
	if (!file)
		return false;
	spin_lock_irq(&current->sighand->siglock);
	recalc_sigpending();
	spin_unlock_irq(&current->sighand->siglock);
	again = writes ? go_on_writing(work, file) : go_on_with_rest(work, file);
	if (!again && !has_successor(work))
		regs->orig_ax &= ~HALFWAY;
	fput(file);
	return again;
}
