// SPDX-License-Identifier: GPL-2.0
/*
 * Calls that were interrupted half done, and go on with the rest: without a signal,
 * a program never sees less than the whole.
 */

#include <linux/compat.h>
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
#include <asm/unistd_32_ia32.h>
#include <asm/unistd_64.h>

#include "shim.h"
#include "rest.h"

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

static u64 flags_of(const struct cr_shim_call *call)
{
	switch (call->nr) {
	case __NR_sendto:
	case __NR_recvfrom:
	case __NR_sendmmsg:
	case __NR_recvmmsg:
		return call->args[3];
	case __NR_sendmsg:
	case __NR_recvmsg:
		return call->args[2];
	}
	return 0;
}

static bool has_vector(const struct cr_shim_call *call)
{
	switch (call->nr) {
	case __NR_readv:
	case __NR_writev:
	case __NR_recvmsg:
	case __NR_sendmsg:
		return true;
	}
	return false;
}

/* Where a message has its parts, and how many they are. */
static int parts_of(u64 address, const struct iovec __user **iov, u32 *nr)
{
	const void __user *from = (const void __user *)address;
	struct compat_msghdr compat;
	struct user_msghdr msg;

	if (in_compat_syscall()) {
		if (copy_from_user(&compat, from, sizeof(compat)))
			return -EFAULT;
		*iov = compat_ptr(compat.msg_iov);
		*nr = compat.msg_iovlen;
		return 0;
	}
	if (copy_from_user(&msg, from, sizeof(msg)))
		return -EFAULT;
	*iov = msg.msg_iov;
	*nr = msg.msg_iovlen;
	return 0;
}

/*
 * What a call that reads or writes has to do that with. @iov has room for UIO_FASTIOV
 * of them; without an error, it is to be freed, whatever it is then.
 */
static int data_of(const struct cr_shim_call *call, unsigned int direction,
		   struct iovec **iov, struct iov_iter *data)
{
	const struct iovec __user *parts = (void __user *)call->args[1];
	u32 nr = call->args[2];

	if (!has_vector(call)) {
		*iov = NULL;
		return import_ubuf(direction, (void __user *)call->args[1],
				   call->args[2], data);
	}
	if ((call->nr == __NR_sendmsg || call->nr == __NR_recvmsg) &&
	    parts_of(call->args[1], &parts, &nr))
		return -EFAULT;
	return min(import_iovec(direction, parts, nr, UIO_FASTIOV, iov, data), 0);
}

static bool is_write(const struct cr_shim_call *call)
{
	switch (call->nr) {
	case __NR_write:
	case __NR_writev:
	case __NR_sendto:
	case __NR_sendmsg:
		return !(flags_of(call) & ~MSG_NOSIGNAL);
	}
	return false;
}

static bool is_read(const struct cr_shim_call *call)
{
	switch (call->nr) {
	case __NR_read:
	case __NR_readv:
	case __NR_recvfrom:
	case __NR_recvmsg:
		return true;
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
	if (err < 0 && err != -ERESTARTSYS && err != -EINTR && err != -EAGAIN &&
	    err != -EFAULT && err != -EPIPE)
		sock->sk->sk_err = -err;
}

/*
 * Has the current task time left, and nothing else to do first? Then it may issue
 * another call, until step_ends().
 */
static bool step_begins(struct hrtimer_sleeper *end, struct callback_head *work,
			bool *again)
{
	*again = false;
	if (!may_go_on(work, again))
		return false;
	if (!is_timed())
		return true;
	if (ktime_get() >= *end_of(current))
		return false;
	cr_shim_call_begins(end, *end_of(current));
	return true;
}

/*
 * What that call has done. If it was something, and each part has a time of its own,
 * @time_ns, the next one begins.
 */
static long step_ends(struct hrtimer_sleeper *end, long n, u64 time_ns)
{
	struct pt_regs *regs = task_pt_regs(current);

	if (is_timed())
		cr_shim_call_ends(end);
	if (n > 0) {
		regs->ax += n;
		if (time_ns)
			*end_of(current) = ktime_get() + time_ns;
	}
	/* So says a socket with a time-out. */
	return n == -EINTR && is_timed() ? -ERESTARTSYS : n;
}

/*
 * @last is what the last of these calls has said. If there was nothing before it, the
 * whole has come to that, or to an end of its time.
 */
static void conclude(const struct callback_head *work, bool again, long last)
{
	struct pt_regs *regs = task_pt_regs(current);

	if (again || has_successor(work) || regs->ax || !is_timed())
		return;
	if (last != -ERESTARTSYS)
		regs->ax = last;
	else
		regs->ax = signal_pending(current) ? -EINTR : -EAGAIN;
}

static ssize_t write_some(const struct cr_shim_call *call, struct file *file,
			  struct iov_iter *data)
{
	const struct pt_regs *regs = task_pt_regs(current);
	struct msghdr msg = { .msg_flags = MSG_NOSIGNAL, .msg_iter = *data };
	struct socket *sock = sock_from_file(file);
	ssize_t n;

	if (!sock)
		return vfs_iter_write(file, data, NULL, 0);
	/* Once a part has been sent, there is no signal if the other end is closed. */
	if (!regs->ax)
		msg.msg_flags = flags_of(call);
	n = sock_sendmsg(sock, &msg);
	if (regs->ax)
		put_back_error(sock, n);
	return n;
}

/*
 * A Unix stream waits for room for each message that it makes of what is sent: as much
 * as that. Others wait once.
 */
static size_t part_of_write(struct file *file, u64 *time_ns)
{
	struct socket *sock = sock_from_file(file);
	struct sock *sk = sock ? sock->sk : NULL;

	*time_ns = 0;
	if (!is_timed() || !sk || sk->sk_family != AF_UNIX)
		return SIZE_MAX;
	*time_ns = jiffies_to_nsecs(READ_ONCE(sk->sk_sndtimeo));
	return clamp((READ_ONCE(sk->sk_sndbuf) >> 1) - 64, 1,
		     (int)SKB_MAX_HEAD(0) + SZ_32K);
}

/* Writes what is left of the write that the current task was interrupted in. */
static bool finish_write(struct callback_head *work,
			 const struct cr_shim_call *call, struct file *file,
			 struct iov_iter *data)
{
	struct hrtimer_sleeper end;
	struct iov_iter left;
	bool again = false;
	ssize_t n = -ERESTARTSYS;
	size_t part;
	u64 time_ns;

	part = part_of_write(file, &time_ns);
	iov_iter_advance(data, task_pt_regs(current)->ax);
	do {
		if (!iov_iter_count(data) || !step_begins(&end, work, &again))
			break;
		/* A terminal takes more out of it than it writes. */
		left = *data;
		iov_iter_truncate(&left, part);
		n = step_ends(&end, write_some(call, file, &left), time_ns);
		if (n > 0)
			iov_iter_advance(data, n);
	} while (n > 0 || n == -ERESTARTSYS);
	conclude(work, again, n);
	return again;
}

/* Flags of a call that goes on with the rest by being issued again for that. */
#define REST_FLAGS	(MSG_WAITALL | MSG_NOSIGNAL | MSG_CMSG_CLOEXEC)

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
 * How much of @len a read is to get before it returns without an error or the end of what
 * there is; 0 if that is not known.
 */
static u64 target_of_read(const struct cr_shim_call *call, struct file *file,
			  u64 len)
{
	const struct pt_regs *regs = task_pt_regs(current);
	struct socket *sock = sock_from_file(file);
	u64 flags = flags_of(call);
	struct sock *sk = sock ? sock->sk : NULL;

	if (!sk)
		return has_mark(regs, HALFWAY) && cr_shim_tty_identity(file) ?
			       cr_shim_tty_least(file, len) : 0;
	if (flags & ~REST_FLAGS || !cr_shim_has_rest(file))
		return 0;
	if (!has_mark(regs, HALFWAY) &&
	    (sk->sk_family == AF_UNIX ||
	     READ_ONCE(sk->sk_rcvtimeo) != MAX_SCHEDULE_TIMEOUT))
		return 0;
	return sock_rcvlowat(sk, flags & MSG_WAITALL, len);
}

/* The same, in messages, of a call that sends or receives several. */
static u64 target_of_messages(const struct cr_shim_call *call, struct file *file)
{
	struct socket *sock = sock_from_file(file);
	bool sends = call->nr == __NR_sendmmsg;
	struct sock *sk = sock ? sock->sk : NULL;

	if (!sk || flags_of(call) & ~REST_FLAGS ||
	    (sends ? sk->sk_sndtimeo : sk->sk_rcvtimeo) != MAX_SCHEDULE_TIMEOUT)
		return 0;
	if (!sends)
		return call->args[4] ? 0 : (u32)call->args[2];
	/* It sends no more at a time. */
	return sk->sk_type == SOCK_STREAM ? 0 : min_t(u32, call->args[2], UIO_MAXIOV);
}

/* recvmsg(2) says that there was something for which it had no room. */
static void note_loss(const struct cr_shim_call *call)
{
	struct compat_msghdr __user *compat = (void __user *)call->args[1];
	struct user_msghdr __user *msg = (void __user *)call->args[1];
	u32 __user *at = in_compat_syscall() ? &compat->msg_flags :
					       &msg->msg_flags;
	u32 flags;

	if (call->nr == __NR_recvmsg && !get_user(flags, at))
		put_user(flags | MSG_CTRUNC, at);
}

/*
 * Reads @len more of a stream, or a terminal. Its address has been told with the first
 * part. Were there descriptors in it, which no read gets, a read ends there: @ends.
 */
static long read_more(const struct cr_shim_call *call, struct file *file,
		      const struct iov_iter *data, u64 len, u64 flags,
		      bool *ends)
{
	const struct pt_regs *regs = task_pt_regs(current);
	struct socket *sock = sock_from_file(file);
	struct msghdr msg = { .msg_iter = *data };
	long n;

	*ends = false;
	iov_iter_advance(&msg.msg_iter, regs->ax);
	iov_iter_truncate(&msg.msg_iter, len);
	if (!sock)
		return vfs_iter_read(file, &msg.msg_iter, NULL, 0);
	n = sock_recvmsg(sock, &msg, flags_of(call) | flags);
	*ends = msg.msg_flags & MSG_CTRUNC;
	if (*ends)
		note_loss(call);
	return n;
}

/* What there is beyond the least that a read waits for. */
static void take_more(const struct cr_shim_call *call, struct file *file,
		      const struct iov_iter *data)
{
	struct pt_regs *regs = task_pt_regs(current);
	bool ends, is_socket = sock_from_file(file);
	u64 most = iov_iter_count(data);
	long n = 1;

	if (!is_socket)
		most = cr_shim_tty_most(file, most);
	while (n > 0 && regs->ax < most) {
		/* With that, a terminal does not wait. */
		if (!is_socket)
			set_thread_flag(TIF_NOTIFY_SIGNAL);
		n = read_more(call, file, data, most - regs->ax, MSG_DONTWAIT,
			      &ends);
		clear_notify_signal();
		regs->ax += max(n, 0);
		if (is_socket)
			break;
	}
}

static bool finish_read(struct callback_head *work,
			const struct cr_shim_call *call, struct file *file,
			const struct iov_iter *data)
{
	struct pt_regs *regs = task_pt_regs(current);
	u64 target = target_of_read(call, file, iov_iter_count(data));
	struct socket *sock = sock_from_file(file);
	u64 time_ns = target && !sock ? cr_shim_tty_time(file) : 0;
	bool again = false, more = false, ends = false;
	struct hrtimer_sleeper end;
	long n = -ERESTARTSYS;
	u64 part;

	while (regs->ax < target && !ends && step_begins(&end, work, &again)) {
		/* A terminal would start its time with each. */
		part = sock ? target - regs->ax : 1;
		n = read_more(call, file, data, part, MSG_WAITALL, &ends);
		n = step_ends(&end, n, time_ns);
		if (n <= 0 && n != -ERESTARTSYS)
			break;
		more = n > 0;
	}
	if (target && sock && regs->ax)
		put_back_error(sock, n);
	if (more && !ends && regs->ax >= target)
		take_more(call, file, data);
	conclude(work, again, n);
	return again;
}

/* Goes on with a call that reads or writes. */
static bool go_on_with_data(struct callback_head *work,
			    const struct cr_shim_call *call, struct file *file)
{
	struct iovec fast[UIO_FASTIOV], *iov = fast;
	bool again = false, reads = is_read(call);
	struct iov_iter data;

	if (data_of(call, reads ? ITER_DEST : ITER_SOURCE, &iov, &data)) {
		conclude(work, false, -EFAULT);
		return false;
	}
	if (reads)
		again = finish_read(work, call, file, &data);
	else
		again = finish_write(work, call, file, &data);
	kfree(iov);
	return again;
}

/* The messages of such a call from the one at @done on. */
static long issue_for_messages(const struct cr_shim_call *call, u64 done,
			       u64 count)
{
	bool sends = call->nr == __NR_sendmmsg;
	u64 args[6] = { call->args[0], call->args[1], count, call->args[3] };
	u32 nr = call->nr;

	if (in_compat_syscall()) {
		nr = sends ? __NR_ia32_sendmmsg : __NR_ia32_recvmmsg;
		args[1] += done * sizeof(struct compat_mmsghdr);
	} else {
		args[1] += done * sizeof(struct mmsghdr);
	}
	return cr_shim_call_again(nr, args);
}

/* Goes on with one for several messages. */
static bool go_on_with_messages(struct callback_head *work,
				const struct cr_shim_call *call,
				struct file *file)
{
	struct pt_regs *regs = task_pt_regs(current);
	u64 target = target_of_messages(call, file);
	bool again = false;
	long n = 0;

	while (regs->ax < target && may_go_on(work, &again)) {
		n = issue_for_messages(call, regs->ax, target - regs->ax);
		if (n > 0)
			regs->ax += n;
		else if (n != -ERESTARTSYS)
			break;
	}
	if (target)
		put_back_error(sock_from_file(file), n);
	return again;
}

/*
 * Has a write that was not interrupted on purpose ended because its time was over?
 */
static bool may_have_timed_out(struct file *file)
{
	struct socket *sock = sock_from_file(file);

	return sock && !is_timed() &&
	       READ_ONCE(sock->sk->sk_sndtimeo) != MAX_SCHEDULE_TIMEOUT;
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
bool cr_shim_go_on(struct callback_head *work, const struct cr_shim_call *call)
{
	struct pt_regs *regs = task_pt_regs(current);
	bool again = false, writes = is_write(call), reads = is_read(call);
	struct file *file;

	/* Of a call that is to be restarted, there is no more to do. */
	if ((long)regs->ax < 0 || (!regs->ax && !is_timed()))
		return false;
	if (!reads && !writes && call->nr != __NR_recvmmsg &&
	    call->nr != __NR_sendmmsg)
		return false;
	file = blocking_stream(call->args[0]);
	if (!file) {
		conclude(work, false, -EINTR);
		return false;
	}
	look_at_signals();
	if (!reads && !writes)
		again = go_on_with_messages(work, call, file);
	else if (reads || !may_have_timed_out(file))
		again = go_on_with_data(work, call, file);
	if (!again && !has_successor(work))
		clear_marks(regs);
	fput(file);
	return again;
}
