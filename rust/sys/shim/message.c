// SPDX-License-Identifier: GPL-2.0
/* What waits in sockets of the family AF_UNIX: net/unix/af_unix.c. */

#include <linux/cred.h>
#include <linux/file.h>
#include <linux/pid.h>
#include <linux/skbuff.h>
#include <linux/uidgid.h>
#include <net/af_unix.h>
#include <net/scm.h>
#include <net/sock.h>

#include "shim.h"
#include "unix.h"

void cr_shim_message_hold(struct sk_buff *skb)
{
	skb_get(skb);
}

void cr_shim_message_put(struct sk_buff *skb)
{
	consume_skb(skb);
}

/* The members of @out that name other objects stay 0. */
void cr_shim_message_read(struct sk_buff *skb, struct pid_namespace *ns,
			  struct cr_shim_message *info,
			  struct cr_img_message *out)
{
	const struct unix_skb_parms *cb = &UNIXCB(skb);

	memset(info, 0, sizeof(*info));
	memset(out, 0, sizeof(*out));
	info->sender = (unsigned long)skb->sk;
	info->sender_gone = sock_flag(skb->sk, SOCK_DEAD);
	out->name_len = cr_shim_copy_name(skb->sk, info->name);
	out->length = skb->len - cb->consumed;
	out->nr_files = cb->fp ? cb->fp->count : 0;
	out->time_ns = ktime_to_ns(skb->tstamp);
	out->uid = from_kuid(current_user_ns(), cb->uid);
	out->gid = from_kgid(current_user_ns(), cb->gid);
	if (cb->pid) {
		out->flags = CR_MESSAGE_CREDS;
		out->pid = pid_nr_ns(cb->pid, ns);
	}
}

/*
 * Whether what waits in @sk was sent with MSG_OOB, and is to be received so, or has
 * been: then a piece without bytes is left.
 */
u32 cr_shim_message_urgency(const struct sock *sk, const struct sk_buff *skb)
{
	if (sk->sk_type != SOCK_STREAM)
		return 0;
#ifdef CONFIG_AF_UNIX_OOB
	if (READ_ONCE(unix_sk(sk)->oob_skb) == skb)
		return CR_MESSAGE_URGENT;
#endif
	return skb->len == UNIXCB(skb).consumed ? CR_MESSAGE_URGENT_READ : 0;
}

#ifdef CONFIG_AF_UNIX_OOB
static int set_urgency(struct unix_sock *u, struct sk_buff_head *queue, bool read)
{
	struct sk_buff *skb = skb_peek_tail(queue);

	if (!skb || skb->len != 1 || UNIXCB(skb).consumed)
		return -EINVAL;
	if (!read) {
		WRITE_ONCE(u->oob_skb, skb);
		return 0;
	}
	/* The kernel keeps no two such places next to each other. */
	if (!skb_queue_is_first(queue, skb) &&
	    skb->prev->len == UNIXCB(skb->prev).consumed)
		return -EINVAL;
	UNIXCB(skb).consumed = 1;
	WRITE_ONCE(u->inq_len, u->inq_len - 1);
	return 0;
}
#endif

/* Makes that of the byte that waits in @sk last. Nobody else has the socket yet. */
int cr_shim_message_set_urgency(struct sock *sk, u32 flags)
{
	int err = -EOPNOTSUPP;

	if (!(flags & (CR_MESSAGE_URGENT | CR_MESSAGE_URGENT_READ)))
		return 0;
#ifdef CONFIG_AF_UNIX_OOB
	spin_lock(&sk->sk_receive_queue.lock);
	err = set_urgency(unix_sk(sk), &sk->sk_receive_queue,
			  flags & CR_MESSAGE_URGENT_READ);
	spin_unlock(&sk->sk_receive_queue.lock);
#endif
	return err;
}

int cr_shim_message_copy(struct sk_buff *skb, u32 from, void *buf, u32 len)
{
	return skb_copy_bits(skb, UNIXCB(skb).consumed + from, buf, len);
}

/* A file that goes with it, by its place, referenced; or NULL. */
struct file *cr_shim_message_file(struct sk_buff *skb, u32 index)
{
	const struct scm_fp_list *fp = UNIXCB(skb).fp;

	return fp && index < fp->count ? get_file(fp->fp[index]) : NULL;
}

/* The socket that accept(2) would return, referenced. */
struct sock *cr_shim_message_socket(struct sk_buff *skb)
{
	sock_hold(skb->sk);
	return skb->sk;
}

/* Who has sent what nobody can receive yet. @pid may be NULL. */
int cr_shim_message_set_cred(struct sk_buff *skb, struct pid *pid,
			     const struct cr_img_message *in)
{
	kuid_t uid = make_kuid(current_user_ns(), in->uid);
	kgid_t gid = make_kgid(current_user_ns(), in->gid);

	if (!cr_shim_may_be(uid, gid))
		return -EPERM;
	put_pid(UNIXCB(skb).pid);
	UNIXCB(skb).pid = get_pid(pid);
	UNIXCB(skb).uid = uid;
	UNIXCB(skb).gid = gid;
	return 0;
}
