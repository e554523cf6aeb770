// SPDX-License-Identifier: GPL-2.0
/* Netlink sockets, and the messages that wait in them: net/netlink/af_netlink.c. */

#include <linux/cred.h>
#include <linux/file.h>
#include <linux/net.h>
#include <linux/netlink.h>
#include <linux/skbuff.h>
#include <linux/socket.h>
#include <linux/user_namespace.h>
#include <net/net_namespace.h>
#include <net/sock.h>

#include "af_netlink.h"
#include "audit_types.h"
#include "shim.h"

/* As in af_netlink.c. */
#define STATE_CONGESTED	0
#define STATE_CONNECTED	1

#ifdef CONFIG_AUDIT
extern struct auditd_connection __rcu *auditd_conn;
#endif

/* Others have sockets of which the kernel knows more than is in them. */
static bool is_plain_protocol(int protocol)
{
	return protocol == NETLINK_ROUTE || protocol == NETLINK_USERSOCK ||
	       protocol == NETLINK_SOCK_DIAG || protocol == NETLINK_AUDIT ||
	       protocol == NETLINK_KOBJECT_UEVENT;
}

/*
 * Does the kernel send what it has to tell of audit to the port of @sk? That is all
 * that it knows of such a socket.
 */
static bool is_of_auditd(const struct sock *sk)
{
	bool found = false;
#ifdef CONFIG_AUDIT
	const struct auditd_connection *daemon;

	rcu_read_lock();
	daemon = rcu_dereference(auditd_conn);
	found = sk->sk_protocol == NETLINK_AUDIT && daemon &&
		daemon->portid == nlk_sk((struct sock *)sk)->portid &&
		net_eq(daemon->net, sock_net(sk));
	rcu_read_unlock();
#endif
	return found;
}

static struct sock *sock_of(struct file *file)
{
	struct socket *sock = sock_from_file(file);
	struct sock *sk = sock ? sock->sk : NULL;

	return sk && sk->sk_family == AF_NETLINK ? sk : NULL;
}

bool cr_shim_is_netlink_socket(struct file *file)
{
	return sock_of(file);
}

/* Referenced, or NULL. */
struct sock *cr_shim_netlink_of(struct file *file)
{
	struct sock *sk = sock_of(file);

	if (sk)
		sock_hold(sk);
	return sk;
}

static u64 unsupported(struct sock *sk, const struct file *file)
{
	u64 found = cr_shim_sock_unsupported(sk);

	if (!is_plain_protocol(sk->sk_protocol))
		found |= BIT_ULL(CR_INET_X_PROTOCOL);
	if (is_of_auditd(sk))
		found |= BIT_ULL(CR_INET_X_AUDITD);
	if (READ_ONCE(nlk_sk(sk)->cb_running))
		found |= BIT_ULL(CR_INET_X_DUMP);
	if (sk->sk_scm_security)
		found |= BIT_ULL(CR_INET_X_LABELS);
	if (file->f_cred->user_ns != current_user_ns())
		found |= BIT_ULL(CR_INET_X_OPENER);
	return found;
}

/* Returns CR_INET_X_*. The options come by themselves. */
u64 cr_shim_netlink_read(struct sock *sk, struct file *file,
			 struct cr_img_netlink *out)
{
	const struct netlink_sock *nlk = nlk_sk(sk);
	const struct inode *inode = file_inode(file);

	memset(out, 0, sizeof(*out));
	out->opener = file->f_cred->cap_effective.val;
	out->type = sk->sk_type;
	out->protocol = sk->sk_protocol;
	out->state = sk->sk_state == STATE_CONNECTED ? CR_SOCKET_CONNECTED :
						       CR_SOCKET_CLOSED;
	if (test_bit(STATE_CONGESTED, &nlk->state))
		out->flags |= CR_NETLINK_CONGESTED;
	out->error = sk->sk_err;
	out->portid = nlk->portid;
	out->to_portid = nlk->dst_portid;
	out->to_group = nlk->dst_group;
	out->uid = from_kuid_munged(current_user_ns(), inode->i_uid);
	out->gid = from_kgid_munged(current_user_ns(), inode->i_gid);
	out->mode = inode->i_mode & S_IALLUGO;
	return unsupported(sk, file);
}

int cr_shim_netlink_getsockopt(struct sock *sk, u32 name, void *value, u32 len)
{
	static const u8 flags[] = {
		[NETLINK_PKTINFO] = NETLINK_F_RECV_PKTINFO,
		[NETLINK_BROADCAST_ERROR] = NETLINK_F_BROADCAST_SEND_ERROR,
		[NETLINK_NO_ENOBUFS] = NETLINK_F_RECV_NO_ENOBUFS,
		[NETLINK_LISTEN_ALL_NSID] = NETLINK_F_LISTEN_ALL_NSID,
		[NETLINK_CAP_ACK] = NETLINK_F_CAP_ACK,
		[NETLINK_EXT_ACK] = NETLINK_F_EXT_ACK,
		[NETLINK_GET_STRICT_CHK] = NETLINK_F_STRICT_CHK,
	};
	u32 val;

	/* The first of the flags is not an option. */
	if (sk->sk_family != AF_NETLINK || name >= ARRAY_SIZE(flags) ||
	    !flags[name] || len != sizeof(val))
		return -ENOPROTOOPT;
	val = test_bit(flags[name], &nlk_sk(sk)->flags);
	memcpy(value, &val, sizeof(val));
	return 0;
}

/* The first group that it is a member of behind number @after, or 0. */
u32 cr_shim_netlink_group(struct sock *sk, u32 after)
{
	const struct netlink_sock *nlk = nlk_sk(sk);
	u32 group;

	read_lock(&nl_table_lock);
	group = nlk->groups ? find_next_bit(nlk->groups, nlk->ngroups, after) :
			      nlk->ngroups;
	if (group >= nlk->ngroups)
		group = U32_MAX;
	read_unlock(&nl_table_lock);
	return group + 1;
}

/* -EOPNOTSUPP: it is another one for 32-bit programs. */
int cr_shim_netlink_message_read(struct sk_buff *skb,
				 struct cr_img_netlink_message *out)
{
	const struct netlink_skb_parms *cb = &NETLINK_CB(skb);

	memset(out, 0, sizeof(*out));
	out->length = skb->len;
	out->portid = cb->portid;
	out->group = cb->dst_group;
	if (cb->nsid_is_set) {
		out->flags = CR_NETLINK_NSID;
		out->nsid = cb->nsid;
	}
	out->pid = cb->creds.pid;
	out->uid = from_kuid_munged(current_user_ns(), cb->creds.uid);
	out->gid = from_kgid_munged(current_user_ns(), cb->creds.gid);
	return skb_has_frag_list(skb) ? -EOPNOTSUPP : 0;
}

/* A new socket, opened by somebody with these capabilities, and no others. */
struct file *cr_shim_netlink_make(const struct cr_img_netlink *in, u32 flags)
{
	const kernel_cap_t opener = { .val = in->opener };
	const struct cred *old;
	struct file *file;
	struct socket *sock;
	struct cred *cred;
	int err;

	if (!cap_issubset(opener, current_cred()->cap_effective))
		return ERR_PTR(-EPERM);
	cred = prepare_creds();
	if (!cred)
		return ERR_PTR(-ENOMEM);
	err = sock_create(AF_NETLINK, in->type, in->protocol, &sock);
	if (err) {
		abort_creds(cred);
		return ERR_PTR(err);
	}
	cred->cap_effective = opener;
	old = override_creds(cred);
	file = sock_alloc_file(sock, flags, NULL);
	put_cred(revert_creds(old));
	return file;
}

/* Puts a message into @sk, as it was received. Nobody else has the socket yet. */
int cr_shim_netlink_queue(struct sock *sk, const struct cr_img_netlink_message *in,
			  const void *data)
{
	struct netlink_skb_parms *cb;
	struct sk_buff *skb;

	if (!cr_shim_may_send_as(in->uid, in->gid))
		return -EPERM;
	skb = alloc_skb(in->length, GFP_KERNEL_ACCOUNT);
	if (!skb)
		return -ENOMEM;
	skb_put_data(skb, data, in->length);
	cb = &NETLINK_CB(skb);
	memset(cb, 0, sizeof(*cb));
	cb->portid = in->portid;
	cb->dst_group = in->group;
	cb->nsid_is_set = in->flags & CR_NETLINK_NSID;
	cb->nsid = in->nsid;
	cb->creds.pid = in->pid;
	cb->creds.uid = make_kuid(current_user_ns(), in->uid);
	cb->creds.gid = make_kgid(current_user_ns(), in->gid);
	skb_set_owner_r(skb, sk);
	skb_queue_tail(&sk->sk_receive_queue, skb);
	return 0;
}

static struct sockaddr_nl address(u32 portid, u32 group)
{
	return (struct sockaddr_nl){
		.nl_family = AF_NETLINK,
		.nl_pid = portid,
		.nl_groups = group ? 1U << (group - 1) : 0,
	};
}

/* Its port, and where it is connected to. Groups are joined by themselves. */
int cr_shim_netlink_bind(struct sock *sk, const struct cr_img_netlink *in)
{
	struct sockaddr_nl at = address(in->portid, 0);
	struct sockaddr_nl to = address(in->to_portid, in->to_group);
	int err = 0;

	if (!sk->sk_socket)
		return -EINVAL;
	if (in->portid)
		err = kernel_bind(sk->sk_socket, (struct sockaddr_unsized *)&at,
				  sizeof(at));
	if (!err && in->state == CR_SOCKET_CONNECTED)
		err = kernel_connect(sk->sk_socket, (struct sockaddr_unsized *)&to,
				     sizeof(to), 0);
	return err;
}

/* What is left. */
int cr_shim_netlink_set(struct sock *sk, const struct cr_img_netlink *in)
{
	assign_bit(STATE_CONGESTED, &nlk_sk(sk)->state,
		   in->flags & CR_NETLINK_CONGESTED);
	WRITE_ONCE(sk->sk_err, in->error);
	return cr_shim_socket_own(sk, in->uid, in->gid, in->mode);
}
