// SPDX-License-Identifier: GPL-2.0
/* Sockets of the family AF_UNIX: net/unix/af_unix.c. */

#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/fdtable.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/jiffies.h>
#include <linux/net.h>
#include <linux/pid.h>
#include <linux/security.h>
#include <linux/skbuff.h>
#include <linux/socket.h>
#include <linux/tcp.h>
#include <net/af_unix.h>
#include <net/busy_poll.h>
#include <net/scm.h>
#include <net/sock.h>

#include "shim.h"
#include "unix.h"

#define NAME_OFFSET	offsetof(struct sockaddr_un, sun_path)

static const struct { u32 option; int flag; } sock_flags[] = {
	{ CR_SOCKET_KEEPALIVE, SOCK_KEEPOPEN },
	{ CR_SOCKET_LINGER, SOCK_LINGER },
	{ CR_SOCKET_BROADCAST, SOCK_BROADCAST },
	{ CR_SOCKET_DONTROUTE, SOCK_LOCALROUTE },
	{ CR_SOCKET_DEBUG, SOCK_DBG },
	{ CR_SOCKET_OOBINLINE, SOCK_URGINLINE },
	{ CR_SOCKET_STAMPED, SOCK_TIMESTAMP },
	{ CR_SOCKET_TIMESTAMP, SOCK_RCVTSTAMP },
	{ CR_SOCKET_TIMESTAMPNS, SOCK_RCVTSTAMPNS },
	{ CR_SOCKET_TIMESTAMP_NEW, SOCK_TSTAMP_NEW },
	{ CR_SOCKET_RXQ_OVFL, SOCK_RXQ_OVFL },
	{ CR_SOCKET_RCVMARK, SOCK_RCVMARK },
	{ CR_SOCKET_RCVPRIORITY, SOCK_RCVPRIORITY },
	{ CR_SOCKET_FILTER_LOCKED, SOCK_FILTER_LOCKED },
};

/* Flags that say nothing about what the program has set. */
#define OWN_FLAGS	(BIT(SOCK_ZAPPED) | BIT(SOCK_USE_WRITE_QUEUE) | \
			 BIT(SOCK_FASYNC) | BIT(SOCK_RCU_FREE))

/* The socket behind @file, if it is of this family. */
static struct sock *sock_of(struct file *file)
{
	struct socket *sock = sock_from_file(file);

	return sock && sock->sk && sock->sk->sk_family == AF_UNIX ? sock->sk : NULL;
}

bool cr_shim_is_unix_socket(struct file *file)
{
	return sock_of(file);
}

static u64 in_ns(long timeout)
{
	return timeout == MAX_SCHEDULE_TIMEOUT ? U64_MAX :
						 jiffies_to_nsecs(timeout);
}

/*
 * May a call that sleeps in @file, a socket of any family, have done a part of what
 * it is to do? And with which time-out does one begin: U64_MAX for none. @stream: is
 * it one, which has no messages?
 */
bool cr_shim_socket_sleep(struct file *file, bool send, bool *stream,
			  u64 *timeout_ns)
{
	struct socket *sock = sock_from_file(file);
	struct sock *sk = sock ? sock->sk : NULL;

	*timeout_ns = U64_MAX;
	*stream = true;
	if (!sk)
		return true;
	*stream = sk->sk_type == SOCK_STREAM;
	*timeout_ns = in_ns(send ? READ_ONCE(sk->sk_sndtimeo) :
				   READ_ONCE(sk->sk_rcvtimeo));
	return *stream && (send || sk->sk_rcvlowat > 1);
}

/* Referenced, or NULL. */
struct sock *cr_shim_socket_of(struct file *file)
{
	struct sock *sk = sock_of(file);

	if (sk)
		sock_hold(sk);
	return sk;
}

bool cr_shim_socket_listens(struct sock *sk)
{
	return READ_ONCE(sk->sk_state) == TCP_LISTEN;
}

void cr_shim_socket_hold(struct sock *sk)
{
	sock_hold(sk);
}

void cr_shim_socket_put(struct sock *sk)
{
	sock_put(sk);
}

u32 cr_shim_copy_name(const struct sock *sk, u8 *name)
{
	const struct unix_address *addr = smp_load_acquire(&unix_sk(sk)->addr);
	u32 len = addr ? addr->len - NAME_OFFSET : 0;

	len = min_t(u32, len, CR_SOCKET_NAME_MAX);
	if (addr)
		memcpy(name, addr->name->sun_path, len);
	return len;
}

/* Does a message wait that has a label of a security module, which is told? */
static bool has_label(struct sock *sk)
{
	bool found = false;
#ifdef CONFIG_SECURITY_NETWORK
	struct sk_buff *skb;

	if (!sk->sk_scm_security || sk->sk_state == TCP_LISTEN)
		return false;
	spin_lock(&sk->sk_receive_queue.lock);
	skb_queue_walk(&sk->sk_receive_queue, skb)
		found |= UNIXCB(skb).secid;
	spin_unlock(&sk->sk_receive_queue.lock);
#endif
	return found;
}

/* It does nothing in such a socket, but getsockopt(2) tells it. */
static bool polls_devices(const struct sock *sk)
{
#ifdef CONFIG_NET_RX_BUSY_POLL
	return READ_ONCE(sk->sk_ll_usec) != READ_ONCE(sysctl_net_busy_read) ||
	       READ_ONCE(sk->sk_prefer_busy_poll) ||
	       READ_ONCE(sk->sk_busy_poll_budget);
#else
	return false;
#endif
}

static u64 unsupported(struct sock *sk)
{
	unsigned long known = OWN_FLAGS;
	u64 found = 0;
	int i;

	for (i = 0; i < ARRAY_SIZE(sock_flags); i++)
		known |= BIT(sock_flags[i].flag);
	if (cr_shim_has_ebpf(sk, SO_ATTACH_FILTER))
		found |= BIT_ULL(CR_SOCKET_X_FILTER);
	if (sk->sk_user_data)
		found |= BIT_ULL(CR_SOCKET_X_BPF);
#ifdef CONFIG_BPF_SYSCALL
	if (rcu_access_pointer(sk->sk_bpf_storage))
		found |= BIT_ULL(CR_SOCKET_X_BPF);
#endif
	if (has_label(sk))
		found |= BIT_ULL(CR_SOCKET_X_PASSSEC);
	if (!net_eq(sock_net(sk), current->nsproxy->net_ns))
		found |= BIT_ULL(CR_SOCKET_X_NET);
	if (sk->sk_flags & ~known || sk->sk_tsflags || sk->sk_bound_dev_if ||
	    sk->sk_reserved_mem || sk->sk_incoming_cpu != -1 ||
	    sk->sk_max_pacing_rate != ~0UL || polls_devices(sk))
		found |= BIT_ULL(CR_SOCKET_X_OPTION);
	return found;
}

static u32 read_options(const struct sock *sk)
{
	u32 options = 0;
	int i;

	for (i = 0; i < ARRAY_SIZE(sock_flags); i++)
		if (sock_flag(sk, sock_flags[i].flag))
			options |= sock_flags[i].option;
	options |= sk->sk_scm_credentials ? CR_SOCKET_PASSCRED : 0;
	options |= sk->sk_scm_pidfd ? CR_SOCKET_PASSPIDFD : 0;
	options |= sk->sk_scm_rights ? CR_SOCKET_PASSRIGHTS : 0;
	options |= sk->sk_scm_security ? CR_SOCKET_PASSSEC : 0;
	options |= unix_sk(sk)->recvmsg_inq ? CR_SOCKET_INQ : 0;
	options |= sk->sk_no_check_tx ? CR_SOCKET_NO_CHECK : 0;
	options |= sk->sk_reuse ? CR_SOCKET_REUSEADDR : 0;
	options |= sk->sk_reuseport ? CR_SOCKET_REUSEPORT : 0;
	options |= sk->sk_userlocks & SOCK_SNDBUF_LOCK ? CR_SOCKET_SNDBUF : 0;
	options |= sk->sk_userlocks & SOCK_RCVBUF_LOCK ? CR_SOCKET_RCVBUF : 0;
	return options;
}

/* The members of @out that name other objects stay 0. */
void cr_shim_socket_read(struct sock *sk, struct pid_namespace *ns,
			 struct cr_shim_socket *info, struct cr_img_socket *out)
{
	struct unix_sock *u = unix_sk(sk);
	const struct sock *peer;

	memset(info, 0, sizeof(*info));
	memset(out, 0, sizeof(*out));
	info->unsupported = unsupported(sk);
	info->has_path = u->path.dentry;
	out->name_len = cr_shim_copy_name(sk, info->name);
	out->options = read_options(sk);
	if (out->name_len && cr_shim_socket_is_bound(sk))
		out->options |= CR_SOCKET_BOUND;

	unix_state_lock(sk);
	peer = unix_peer(sk);
	info->peer = (unsigned long)peer;
	info->peer_gone = peer && sock_flag(peer, SOCK_DEAD);
	info->peer_name_len = peer ? cr_shim_copy_name(peer, info->peer_name) : 0;
	out->type = sk->sk_type;
	out->state = sk->sk_state == TCP_LISTEN	     ? CR_SOCKET_LISTENING :
		     sk->sk_state == TCP_ESTABLISHED ? CR_SOCKET_CONNECTED :
						       CR_SOCKET_CLOSED;
	out->shutdown = sk->sk_shutdown;
	out->error = sk->sk_err;
	out->backlog = sk->sk_max_ack_backlog;
	if (sk->sk_socket) {
		const struct inode *inode = SOCK_INODE(sk->sk_socket);

		out->uid = from_kuid_munged(current_user_ns(), inode->i_uid);
		out->gid = from_kgid_munged(current_user_ns(), inode->i_gid);
		out->mode = inode->i_mode & S_IALLUGO;
	}
	unix_state_unlock(sk);
	out->rcvtimeo_ns = in_ns(sk->sk_rcvtimeo);
	out->sndtimeo_ns = in_ns(sk->sk_sndtimeo);
	out->sndbuf = sk->sk_sndbuf;
	out->rcvbuf = sk->sk_rcvbuf;
	out->rcvlowat = sk->sk_rcvlowat;
	out->peek_off = sk->sk_peek_off;
	out->priority = sk->sk_priority;
	out->mark = sk->sk_mark;
	out->linger = min_t(u64, sk->sk_lingertime / HZ, U32_MAX);
	cr_shim_socket_read_peercred(sk, ns, out);
}

/* Where its name is, referenced. */
int cr_shim_socket_path(struct sock *sk, struct path *path)
{
	struct unix_sock *u = unix_sk(sk);
	int err = -ENOENT;

	unix_state_lock(sk);
	if (u->path.dentry) {
		*path = u->path;
		path_get(path);
		err = 0;
	}
	unix_state_unlock(sk);
	return err;
}

struct file *cr_shim_socket_make(u32 type, u32 flags)
{
	struct socket *sock;
	int err = sock_create(AF_UNIX, type, 0, &sock);

	return err ? ERR_PTR(err) : sock_alloc_file(sock, flags, NULL);
}

/* A socket without a file. */
struct socket *cr_shim_socket_temporary(u32 type)
{
	struct socket *sock;
	int err = sock_create(AF_UNIX, type, 0, &sock);

	return err ? ERR_PTR(err) : sock;
}

/* Good as long as @sock is. */
struct sock *cr_shim_socket_sk(struct socket *sock)
{
	return sock->sk;
}

void cr_shim_socket_release(struct socket *sock)
{
	sock_release(sock);
}

/* Under a name that nobody else has, until it gets its own. */
int cr_shim_socket_listen(struct sock *sk)
{
	struct sockaddr_un autobind = { .sun_family = AF_UNIX };
	int err;

	if (!sk->sk_socket)
		return -EINVAL;
	err = kernel_bind(sk->sk_socket, (struct sockaddr_unsized *)&autobind,
			  NAME_OFFSET);
	return err ?: kernel_listen(sk->sk_socket, INT_MAX);
}

/* Connects @sk to a socket that listens; returns what accept(2) would, referenced. */
struct sock *cr_shim_socket_connect(struct sock *sk, struct sock *listener)
{
	const struct unix_address *addr = unix_sk(listener)->addr;
	struct sockaddr_storage to = {};
	struct sock *peer;
	int err;

	if (!sk->sk_socket || !addr)
		return ERR_PTR(-EINVAL);
	memcpy(&to, addr->name, addr->len);
	err = kernel_connect(sk->sk_socket, (struct sockaddr_unsized *)&to,
			     addr->len, O_NONBLOCK);
	if (err)
		return ERR_PTR(err);
	unix_state_lock(sk);
	peer = unix_peer(sk);
	if (peer)
		sock_hold(peer);
	unix_state_unlock(sk);
	return peer ?: ERR_PTR(-ENOTCONN);
}

int cr_shim_socket_pair(struct sock *a, struct sock *b)
{
	int err;

	if (!a->sk_socket || !b->sk_socket || a == b)
		return -EINVAL;
	err = security_socket_socketpair(a->sk_socket, b->sk_socket);
	if (err)
		return err;
	return a->sk_socket->ops->socketpair(a->sk_socket, b->sk_socket);
}

/* Datagrams of @sk go to @peer. */
int cr_shim_socket_set_peer(struct sock *sk, struct sock *peer)
{
	unix_state_lock(sk);
	if (!unix_peer(sk)) {
		sock_hold(peer);
		unix_peer(sk) = peer;
	}
	unix_state_unlock(sk);
	if (unix_peer(peer) != sk || peer == sk || !sk->sk_socket ||
	    !peer->sk_socket)
		return 0;
	/* A pair: each has the label of the other one. */
	return security_socket_socketpair(sk->sk_socket, peer->sk_socket);
}

static int send_to_peer(struct sock *from, const void *data, u32 len,
			struct cmsghdr *control)
{
	struct kvec vec = { .iov_base = (void *)data, .iov_len = len };
	struct msghdr msg = {
		.msg_flags = MSG_DONTWAIT | MSG_NOSIGNAL,
		.msg_control = control,
		.msg_controllen = control ? CMSG_ALIGN(control->cmsg_len) : 0,
	};
	int sent = kernel_sendmsg(from->sk_socket, &msg, &vec, 1, len);

	return sent < 0 ? sent : sent == len ? 0 : -ENOBUFS;
}

/* sendmsg(2) takes files by descriptor: for a moment, the current task has some. */
static int send_with_files(struct sock *from, const void *data, u32 len,
			   struct file **files, u32 nr)
{
	struct cmsghdr *control;
	int *fds, err = 0;
	u32 i;

	if (!nr)
		return send_to_peer(from, data, len, NULL);
	control = kzalloc(CMSG_SPACE(nr * sizeof(*fds)), GFP_KERNEL);
	if (!control)
		return -ENOMEM;
	control->cmsg_len = CMSG_LEN(nr * sizeof(*fds));
	control->cmsg_level = SOL_SOCKET;
	control->cmsg_type = SCM_RIGHTS;
	fds = (int *)CMSG_DATA(control);
	for (i = 0; i < nr && !err; i++) {
		fds[i] = get_unused_fd_flags(O_CLOEXEC);
		if (fds[i] < 0) {
			err = fds[i];
			break;
		}
		fd_install(fds[i], get_file(files[i]));
	}
	if (!err)
		err = send_to_peer(from, data, len, control);
	while (i--)
		close_fd(fds[i]);
	kfree(control);
	return err;
}

/*
 * Puts a message or a piece of a stream into @to, as from @from. Datagrams need
 * not be connected for that. Nobody else has either socket yet.
 */
int cr_shim_socket_send(struct sock *from, struct sock *to, const void *data,
			u32 len, struct file **files, u32 nr_files, u64 time_ns)
{
	struct sock *peer_from = unix_peer(from), *peer_to = unix_peer(to);
	u32 waiting = skb_queue_len(&to->sk_receive_queue);
	struct sk_buff *skb;
	int err;

	if (!from->sk_socket)
		return -EINVAL;
	if (from->sk_type == SOCK_DGRAM) {
		unix_peer(from) = to;
		unix_peer(to) = from;
	}
	/* As a whole, and whatever waits already. */
	from->sk_sndbuf = INT_MAX / 2;
	err = send_with_files(from, data, len, files, nr_files);
	if (from->sk_type == SOCK_DGRAM) {
		unix_peer(to) = peer_to;
		unix_peer(from) = peer_from;
	}
	if (err)
		return err;
	spin_lock(&to->sk_receive_queue.lock);
	skb = skb_peek_tail(&to->sk_receive_queue);
	if (skb && skb_queue_len(&to->sk_receive_queue) == waiting + 1)
		skb->tstamp = ns_to_ktime(time_ns);
	else
		err = -ENOBUFS;
	spin_unlock(&to->sk_receive_queue.lock);
	return err;
}

/* What the caller may ask for by setsockopt(2) and the like. */
static int may_have(const struct sock *sk, const struct cr_img_socket *in)
{
	struct net *net = sock_net(sk);
	u32 backlog = max(net->core.sysctl_somaxconn,
			  net->unx.sysctl_max_dgram_qlen);

	if (ns_capable(net->user_ns, CAP_NET_ADMIN))
		return 0;
	if (in->mark || in->priority > 6 || in->options & CR_SOCKET_DEBUG ||
	    in->backlog > backlog ||
	    in->sndbuf / 2 > READ_ONCE(sysctl_wmem_max) ||
	    in->rcvbuf / 2 > READ_ONCE(sysctl_rmem_max))
		return -EPERM;
	return 0;
}

/* Whose it is. Fails with EPERM if the current task may not say so. */
int cr_shim_socket_own(struct sock *sk, u32 owner, u32 group, u32 mode)
{
	struct inode *inode;
	int err;

	if (!sk->sk_socket)
		return 0;
	inode = SOCK_INODE(sk->sk_socket);
	err = cr_shim_inode_own(inode, owner, group);
	if (err)
		return err;
	inode->i_mode = S_IFSOCK | (mode & S_IALLUGO);
	sk->sk_uid = inode->i_uid;
	return 0;
}

static long timeout_of(u64 ns)
{
	return ns == U64_MAX ? MAX_SCHEDULE_TIMEOUT :
	       min_t(u64, nsecs_to_jiffies64(ns), MAX_SCHEDULE_TIMEOUT - 1);
}

static void set_options(struct sock *sk, u32 options)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(sock_flags); i++)
		sock_valbool_flag(sk, sock_flags[i].flag,
				  options & sock_flags[i].option);
	sk->sk_scm_credentials = !!(options & CR_SOCKET_PASSCRED);
	sk->sk_scm_pidfd = !!(options & CR_SOCKET_PASSPIDFD);
	sk->sk_scm_rights = !!(options & CR_SOCKET_PASSRIGHTS);
	sk->sk_scm_security = !!(options & CR_SOCKET_PASSSEC);
	unix_sk(sk)->recvmsg_inq = options & CR_SOCKET_INQ;
	sk->sk_no_check_tx = !!(options & CR_SOCKET_NO_CHECK);
	sk->sk_reuse = options & CR_SOCKET_REUSEADDR ? SK_CAN_REUSE :
						       SK_NO_REUSE;
	sk->sk_reuseport = !!(options & CR_SOCKET_REUSEPORT);
	sk->sk_userlocks |= options & CR_SOCKET_SNDBUF ? SOCK_SNDBUF_LOCK : 0;
	sk->sk_userlocks |= options & CR_SOCKET_RCVBUF ? SOCK_RCVBUF_LOCK : 0;
}

/* All that it was not told by its connections. Nobody else has it yet. */
int cr_shim_socket_set(struct sock *sk, const struct cr_img_socket *in)
{
	int err = may_have(sk, in) ?:
		  cr_shim_socket_own(sk, in->uid, in->gid, in->mode);

	if (err)
		return err;
	unix_state_lock(sk);
	sk->sk_state = in->state == CR_SOCKET_LISTENING ? TCP_LISTEN :
		       in->state == CR_SOCKET_CONNECTED ? TCP_ESTABLISHED :
							  TCP_CLOSE;
	sk->sk_shutdown = in->shutdown;
	sk->sk_err = in->error;
	sk->sk_max_ack_backlog = in->backlog;
	unix_state_unlock(sk);
	sk->sk_rcvtimeo = timeout_of(in->rcvtimeo_ns);
	sk->sk_sndtimeo = timeout_of(in->sndtimeo_ns);
	sk->sk_sndbuf = in->sndbuf;
	sk->sk_rcvbuf = in->rcvbuf;
	sk->sk_rcvlowat = in->rcvlowat;
	sk->sk_peek_off = in->peek_off;
	sk->sk_priority = in->priority;
	sk->sk_mark = in->mark;
	sk->sk_lingertime = (u64)in->linger * HZ;
	set_options(sk, in->options);
	return 0;
}
