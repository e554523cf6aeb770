// SPDX-License-Identifier: GPL-2.0
/* Sockets of the families AF_INET and AF_INET6: net/ipv4/af_inet.c, net/ipv6/af_inet6.c. */

#include <linux/capability.h>
#include <linux/file.h>
#include <linux/in.h>
#include <linux/in6.h>
#include <linux/inetdevice.h>
#include <linux/ipv6.h>
#include <linux/net.h>
#include <linux/socket.h>
#include <linux/sockptr.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <net/addrconf.h>
#include <net/inet_connection_sock.h>
#include <net/inet_sock.h>
#include <net/ip.h>
#include <net/ip_fib.h>
#include <net/ipv6.h>
#include <net/sock.h>
#include <net/tcp.h>
#include <net/udp.h>

#include "shim.h"

/* Flags that options tell, or that say nothing about what the program has set. */
#define KNOWN_FLAGS	(BIT(SOCK_DONE) | BIT(SOCK_URGINLINE) | BIT(SOCK_KEEPOPEN) | \
			 BIT(SOCK_LINGER) | BIT(SOCK_BROADCAST) | \
			 BIT(SOCK_TIMESTAMP) | BIT(SOCK_ZAPPED) | \
			 BIT(SOCK_USE_WRITE_QUEUE) | \
			 BIT(SOCK_DBG) | BIT(SOCK_RCVTSTAMP) | \
			 BIT(SOCK_RCVTSTAMPNS) | BIT(SOCK_LOCALROUTE) | \
			 BIT(SOCK_FASYNC) | BIT(SOCK_RXQ_OVFL) | \
			 BIT(SOCK_WIFI_STATUS) | BIT(SOCK_NOFCS) | \
			 BIT(SOCK_FILTER_LOCKED) | BIT(SOCK_SELECT_ERR_QUEUE) | \
			 BIT(SOCK_RCU_FREE) | BIT(SOCK_TSTAMP_NEW) | \
			 BIT(SOCK_RCVMARK) | BIT(SOCK_RCVPRIORITY))

/* The same of those that only sockets of these families have. */
#define UNKNOWN_INET_FLAGS (BIT(INET_FLAGS_DEFER_CONNECT) | \
			    BIT(INET_FLAGS_REPFLOW) | BIT(INET_FLAGS_RTALERT) | \
			    BIT(INET_FLAGS_RTALERT_ISOLATE))

/* Whether it has its port, or address, from the program: see bind(2). */
#define OWN_LOCKS	(SOCK_BINDADDR_LOCK | SOCK_BINDPORT_LOCK | SOCK_CONNECT_BIND)

/* The socket behind @file, if it is of these families, and of a supported type. */
static struct sock *sock_of(struct file *file)
{
	struct socket *sock = sock_from_file(file);
	struct sock *sk = sock ? sock->sk : NULL;

	return sk && (sk_is_tcp(sk) || sk_is_udp(sk) || cr_shim_is_raw(sk) ||
		      cr_shim_is_ping(sk)) ? sk : NULL;
}

bool cr_shim_is_inet_socket(struct file *file)
{
	return sock_of(file);
}

/* Is it a socket of any type that is supported? */
bool cr_shim_is_socket(struct file *file)
{
	return cr_shim_is_unix_socket(file) || cr_shim_is_inet_socket(file) ||
	       cr_shim_is_netlink_socket(file) ||
	       cr_shim_is_packet_socket(file);
}

/* What to call a socket. */
const char *cr_shim_socket_name(struct file *file)
{
	struct socket *sock = sock_from_file(file);
	const struct sock *sk = sock ? sock->sk : NULL;

	if (!sk)
		return "a socket";
	switch (sk->sk_family) {
	case AF_INET:
	case AF_INET6:
		break;
	case AF_PACKET:
		return "a packet socket";
	case AF_NETLINK:
		return "a netlink socket";
	case AF_VSOCK:
		return "a vsock socket";
	default:
		return "a socket";
	}
	if (sk->sk_type == SOCK_RAW)
		return "a raw socket";
	switch (sk->sk_protocol) {
	case IPPROTO_TCP:
		return "a TCP socket";
	case IPPROTO_UDP:
		return "a UDP socket";
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return "an ICMP socket";
	case IPPROTO_SCTP:
		return "an SCTP socket";
	case IPPROTO_MPTCP:
		return "a Multipath TCP socket";
	}
	return "a socket";
}

/* Referenced, or NULL. */
struct sock *cr_shim_inet_of(struct file *file)
{
	struct sock *sk = sock_of(file);

	if (sk)
		sock_hold(sk);
	return sk;
}

/* An option that others have, but getsockopt(2) does not tell it, or not for all machines. */
static bool has_odd_option6(const struct sock *sk)
{
	const struct ipv6_pinfo *np = inet6_sk(sk);

	return np && (np->frag_size || np->flow_label ||
		      (sk_is_tcp(sk) && (np->ucast_oif ||
				      np->mcast_oif > LOOPBACK_IFINDEX)) ||
		      np->sticky_pktinfo.ipi6_ifindex ||
		      !ipv6_addr_any(&np->sticky_pktinfo.ipi6_addr));
}

static bool has_odd_option(const struct sock *sk)
{
	bool found = sk->sk_flags & ~KNOWN_FLAGS;

	found |= sk->sk_tsflags || sk->sk_reserved_mem;
#ifdef CONFIG_NET_RX_BUSY_POLL
	found |= sk->sk_busy_poll_budget;
#endif
	return found;
}

static bool has_odd_inet_option(const struct sock *sk)
{
	const struct inet_sock *inet = inet_sk(sk);
	bool found = inet->inet_flags & UNKNOWN_INET_FLAGS;

	found |= sk_is_tcp(sk) && (inet->uc_index || inet->mc_addr);
	return found || has_odd_option6(sk);
}

static bool has_bpf(const struct sock *sk)
{
	bool found = sk->sk_user_data || sk->sk_bpf_cb_flags;

#ifdef CONFIG_BPF_SYSCALL
	found |= rcu_access_pointer(sk->sk_bpf_storage) != NULL;
#endif
	found |= cr_shim_has_ebpf(sk, SO_ATTACH_REUSEPORT_CBPF);
	found |= sk_is_tcp(sk) && cr_shim_has_lost_chooser(sk);
	return found;
}

static bool has_policy(const struct sock *sk)
{
	bool found = false;

#ifdef CONFIG_XFRM
	found |= rcu_access_pointer(sk->sk_policy[0]) ||
		 rcu_access_pointer(sk->sk_policy[1]);
#endif
#if IS_ENABLED(CONFIG_INET_PSP)
	found |= rcu_access_pointer(sk->psp_assoc) != NULL;
#endif
	return found;
}

static bool has_ip_options(const struct sock *sk)
{
	const struct ipv6_pinfo *np = inet6_sk(sk);

	return rcu_access_pointer(inet_sk(sk)->inet_opt) ||
	       rcu_access_pointer(inet_sk(sk)->ipv6_fl_list) ||
	       (np && rcu_access_pointer(np->opt));
}

static bool is_member(const struct sock *sk)
{
	const struct ipv6_pinfo *np = inet6_sk(sk);

	return rcu_access_pointer(inet_sk(sk)->mc_list) ||
	       (np && (rcu_access_pointer(np->ipv6_mc_list) || np->ipv6_ac_list));
}

static u64 unsupported_tcp(const struct sock *sk)
{
	const struct inet_connection_sock *icsk = inet_csk(sk);
	const struct fastopen_queue *fastopen = &icsk->icsk_accept_queue.fastopenq;
	const struct tcp_sock *tp = tcp_sk(sk);
	u64 found = 0;

	if (icsk->icsk_ulp_ops)
		found |= BIT_ULL(CR_INET_X_ULP);
#ifdef CONFIG_TCP_MD5SIG
	if (rcu_access_pointer(tp->md5sig_info))
		found |= BIT_ULL(CR_INET_X_SIGNED);
#endif
#ifdef CONFIG_TCP_AO
	if (rcu_access_pointer(tp->ao_info))
		found |= BIT_ULL(CR_INET_X_SIGNED);
#endif
	if (fastopen->max_qlen || rcu_access_pointer(fastopen->ctx) ||
	    tp->fastopen_connect || tp->fastopen_no_cookie || tp->fastopen_req)
		found |= BIT_ULL(CR_INET_X_FASTOPEN);
	if (tp->repair)
		found |= BIT_ULL(CR_INET_X_OPTION);
	if (is_member(sk))
		found |= BIT_ULL(CR_INET_X_MEMBER);
	return found;
}

/* What a socket of any family can have that is refused. */
u64 cr_shim_sock_unsupported(const struct sock *sk)
{
	u64 found = 0;

	if (!net_eq(sock_net(sk), current->nsproxy->net_ns))
		found |= BIT_ULL(CR_INET_X_NET);
	if (cr_shim_has_ebpf(sk, SO_ATTACH_FILTER))
		found |= BIT_ULL(CR_INET_X_FILTER);
	if (has_bpf(sk))
		found |= BIT_ULL(CR_INET_X_BPF);
	if (has_odd_option(sk))
		found |= BIT_ULL(CR_INET_X_OPTION);
	if (!skb_queue_empty_lockless(&sk->sk_error_queue))
		found |= BIT_ULL(CR_INET_X_ERRORS);
	return found;
}

static struct sk_buff *next_in(struct sk_buff_head *queue, struct sk_buff *after)
{
	struct sk_buff *skb;

	spin_lock_irq(&queue->lock);
	skb = after ? after->next : queue->next;
	if (skb == (struct sk_buff *)queue)
		skb = NULL;
	if (skb)
		skb_get(skb);
	spin_unlock_irq(&queue->lock);
	return skb;
}

/* What waits in @sk behind @after, or the first one for NULL, referenced; or NULL. */
struct sk_buff *cr_shim_sock_next(struct sock *sk, struct sk_buff *after)
{
	return next_in(&sk->sk_receive_queue, after);
}

/* The same of errors: MSG_ERRQUEUE. */
struct sk_buff *cr_shim_sock_next_error(struct sock *sk, struct sk_buff *after)
{
	return next_in(&sk->sk_error_queue, after);
}

static u64 unsupported(struct sock *sk)
{
	u64 found = cr_shim_sock_unsupported(sk);

	found &= ~BIT_ULL(CR_INET_X_ERRORS);
	found |= sk_is_tcp(sk) ? unsupported_tcp(sk) : cr_shim_udp_unsupported(sk);
	if (has_ip_options(sk))
		found |= BIT_ULL(CR_INET_X_IPOPTIONS);
	if (has_policy(sk))
		found |= BIT_ULL(CR_INET_X_POLICY);
	if (has_odd_inet_option(sk))
		found |= BIT_ULL(CR_INET_X_OPTION);
	return found;
}

static void read_names(const struct sock *sk, struct cr_img_inet *out)
{
	const struct inet_sock *inet = inet_sk(sk);
	__be32 addr = inet->inet_rcv_saddr ?: inet->inet_saddr;

	if (sk->sk_family == AF_INET)
		memcpy(out->local, &addr, sizeof(addr));
	else if (ipv6_addr_any(&sk->sk_v6_rcv_saddr))
		memcpy(out->local, &inet6_sk(sk)->saddr, sizeof(out->local));
	else
		memcpy(out->local, &sk->sk_v6_rcv_saddr, sizeof(out->local));
	out->local_port = ntohs(inet->inet_sport);
	if (sk->sk_family == AF_INET)
		memcpy(out->remote, &inet->inet_daddr, sizeof(inet->inet_daddr));
	else
		memcpy(out->remote, &sk->sk_v6_daddr, sizeof(out->remote));
	out->remote_port = ntohs(inet->inet_dport);
}

static u32 received(const struct sock *sk)
{
	const struct tcp_sock *tp = tcp_sk(sk);

	return skb_queue_empty_lockless(&sk->sk_receive_queue) ?
		       0 : tp->rcv_nxt - tp->copied_seq;
}

/* What only TCP sockets have. */
static void read_tcp(const struct sock *sk, struct cr_shim_inet *info,
		     struct cr_img_inet *out)
{
	info->waiting = sk->sk_state == TCP_LISTEN ? sk->sk_ack_backlog : 0;
	info->received = received(sk);
	out->flags |= sock_flag(sk, SOCK_DONE) ? CR_INET_DONE : 0;
	out->flags |= inet6_sk(sk) && inet6_sk(sk)->mcast_oif ? CR_INET_CAME_BY_LO : 0;
	out->backlog = sk->sk_state == TCP_LISTEN ? sk->sk_max_ack_backlog : 0;
	out->drops = sk->sk_state == TCP_LISTEN ? max(cr_shim_reuseport_place(sk), 0) : 0;
	out->mss = tcp_sk(sk)->mss_cache;
	out->ttl = inet6_sk(sk) ? inet6_sk(sk)->mcast_hops : inet_sk(sk)->mc_ttl;
}

/* The options come by themselves. */
void cr_shim_inet_read(struct sock *sk, struct cr_shim_inet *info,
		       struct cr_img_inet *out)
{
	memset(info, 0, sizeof(*info));
	memset(out, 0, sizeof(*out));
	lock_sock(sk);
	info->unsupported = unsupported(sk);
	info->state = sk->sk_state;
	info->errors = skb_queue_len_lockless(&sk->sk_error_queue);
	out->family = sk->sk_family;
	out->type = sk->sk_type;
	out->protocol = sk->sk_protocol;
	out->state = sk->sk_state == TCP_LISTEN ? CR_SOCKET_LISTENING :
		     sk->sk_state == TCP_CLOSE	? CR_SOCKET_CLOSED :
						  CR_SOCKET_CONNECTED;
	out->flags = inet_sk(sk)->inet_num ? CR_INET_BOUND : 0;
	out->flags |= sk->sk_userlocks & SOCK_BINDADDR_LOCK ? CR_INET_OWN_ADDR : 0;
	out->flags |= sk->sk_userlocks & SOCK_BINDPORT_LOCK ? CR_INET_OWN_PORT : 0;
	out->flags |= sk->sk_userlocks & SOCK_CONNECT_BIND ? CR_INET_CONNECT_PORT : 0;
	out->shutdown = sk->sk_shutdown;
	out->error = sk->sk_err;
	out->error_soft = sk->sk_err_soft;
	if (sk_is_tcp(sk)) {
		read_tcp(sk, info, out);
	} else {
		out->backlog = cr_shim_udp_place(sk);
		out->drops = sk_drops_read(sk);
	}
	read_names(sk, out);
	if (sk->sk_socket) {
		const struct inode *inode = SOCK_INODE(sk->sk_socket);

		out->uid = from_kuid_munged(current_user_ns(), inode->i_uid);
		out->gid = from_kgid_munged(current_user_ns(), inode->i_gid);
		out->mode = inode->i_mode & S_IALLUGO;
	}
	release_sock(sk);
}

/* As setsockopt(2) takes it: getsockopt(2) tells what a connection has come to. */
static int get_maxseg(const struct sock *sk, void *value, u32 len)
{
	u32 mss = tcp_sk(sk)->rx_opt.user_mss;

	if (len != sizeof(mss))
		return -EINVAL;
	memcpy(value, &mss, sizeof(mss));
	return 0;
}

/* @value has room for @len bytes, and is filled up with zeros. */
int cr_shim_inet_getsockopt(struct sock *sk, u32 level, u32 name, void *value,
			    u32 len)
{
	sockptr_t to = KERNEL_SOCKPTR(value), size;
	int got = len;

	size = KERNEL_SOCKPTR(&got);
	memset(value, 0, len);
	switch (level) {
	case SOL_SOCKET:
		return sk_getsockopt(sk, level, name, to, size);
	case SOL_TCP:
		if (!sk_is_tcp(sk))
			break;
		return name == TCP_MAXSEG ?
			       get_maxseg(sk, value, len) :
			       do_tcp_getsockopt(sk, level, name, to, size);
	case SOL_UDP:
		if (!sk_is_udp(sk))
			break;
		return cr_shim_udp_getsockopt(sk, name, value, len);
	case SOL_RAW:
	case SOL_ICMPV6:
		return cr_shim_raw_getsockopt(sk, level, name, value, len);
	case SOL_PACKET:
		return cr_shim_packet_getsockopt(sk, name, value, len);
	case SOL_NETLINK:
		return cr_shim_netlink_getsockopt(sk, name, value, len);
	case SOL_IP:
		/* Raw sockets of IPv6 do not take them. */
		if (!sk_is_inet(sk) ||
		    (cr_shim_is_raw(sk) && sk->sk_family == AF_INET6))
			break;
		if (name == IP_MULTICAST_IF)
			return cr_shim_udp_multicast_if(sk, value, len);
		return do_ip_getsockopt(sk, level, name, to, size);
	case SOL_IPV6:
		return sk->sk_family == AF_INET6 ?
			       do_ipv6_getsockopt(sk, level, name, to, size) :
			       -ENOPROTOOPT;
	}
	return -ENOPROTOOPT;
}

/* With the rights of the current task. */
int cr_shim_inet_setsockopt(struct sock *sk, u32 level, u32 name, void *value,
			    u32 len)
{
	if (!sk->sk_socket)
		return -EINVAL;
	return do_sock_setsockopt(sk->sk_socket, false, level, name,
				  KERNEL_SOCKPTR(value), len);
}

struct file *cr_shim_inet_make(u32 family, u32 type, u32 protocol, u32 flags)
{
	struct socket *sock;
	int err = sock_create(family, type, protocol, &sock);

	return err ? ERR_PTR(err) : sock_alloc_file(sock, flags, NULL);
}

/* An address of the family of @sk, in a struct sockaddr_storage; how long it is. */
int cr_shim_inet_address(const struct sock *sk, const u8 *addr, u32 port,
			 void *out)
{
	struct sockaddr_in *v4 = out;
	struct sockaddr_in6 *v6 = out;

	if (sk->sk_family == AF_INET) {
		*v4 = (struct sockaddr_in){ .sin_family = AF_INET,
					    .sin_port = htons(port) };
		memcpy(&v4->sin_addr, addr, sizeof(v4->sin_addr));
		return sizeof(*v4);
	}
	*v6 = (struct sockaddr_in6){ .sin6_family = AF_INET6,
				     .sin6_port = htons(port),
				     .sin6_scope_id = sk->sk_bound_dev_if };
	memcpy(&v6->sin6_addr, addr, sizeof(v6->sin6_addr));
	return sizeof(*v6);
}

/* Its address and port, if others are to find it there. */
int cr_shim_inet_bind(struct sock *sk, const struct cr_img_inet *in)
{
	struct sockaddr_storage at;
	int len = cr_shim_inet_address(sk, in->local, in->local_port, &at);

	return sk->sk_socket ? kernel_bind(sk->sk_socket,
					   (struct sockaddr_unsized *)&at, len) :
			       -EINVAL;
}

/* As by connect(2), which does not wait: -EINPROGRESS. */
int cr_shim_inet_connect(struct sock *sk, const struct cr_img_inet *in)
{
	struct sockaddr_storage to;
	int len = cr_shim_inet_address(sk, in->remote, in->remote_port, &to);

	return sk->sk_socket ? kernel_connect(sk->sk_socket,
					      (struct sockaddr_unsized *)&to, len,
					      O_NONBLOCK) : -EINVAL;
}

int cr_shim_inet_listen(struct sock *sk, u32 backlog)
{
	return sk->sk_socket ? kernel_listen(sk->sk_socket, backlog) : -EINVAL;
}

/* Nobody may send as somebody else: an address that it had once has to be one of this machine. */
static bool may_have_had(const struct sock *sk, const struct cr_img_inet *in)
{
	struct in6_addr v6;
	__be32 v4;

	memcpy(&v6, in->local, sizeof(v6));
	memcpy(&v4, in->local, sizeof(v4));
	if (sk->sk_family == AF_INET6 && ipv6_addr_v4mapped(&v6))
		v4 = v6.s6_addr32[3];
	else if (sk->sk_family == AF_INET6)
		return ipv6_addr_any(&v6) ||
		       ipv6_chk_addr(sock_net(sk), &v6, NULL, 0);
	return !v4 || inet_addr_type(sock_net(sk), v4) == RTN_LOCAL;
}

/* A port that it had once: getsockname(2) tells it. */
static void set_old_name(struct sock *sk, const struct cr_img_inet *in)
{
	struct inet_sock *inet = inet_sk(sk);

	inet->inet_sport = htons(in->local_port);
	if (sk->sk_family == AF_INET) {
		memcpy(&inet->inet_saddr, in->local, sizeof(inet->inet_saddr));
		inet->inet_rcv_saddr = inet->inet_saddr;
	} else {
		memcpy(&inet6_sk(sk)->saddr, in->local, sizeof(in->local));
		sk->sk_v6_rcv_saddr = inet6_sk(sk)->saddr;
	}
}

/* The last connection: SO_PEERNAME tells it. */
static void set_old_peer(struct sock *sk, const struct cr_img_inet *in)
{
	struct inet_sock *inet = inet_sk(sk);

	inet->inet_dport = htons(in->remote_port);
	if (sk->sk_family == AF_INET)
		memcpy(&inet->inet_daddr, in->remote, sizeof(inet->inet_daddr));
	else
		memcpy(&sk->sk_v6_daddr, in->remote, sizeof(in->remote));
}

/* The size of a buffer that the kernel has chosen, as far as it may here. */
void cr_shim_inet_set_buffer(struct sock *sk, bool send, u32 size)
{
	const struct net *net = sock_net(sk);
	u32 max;

	if (sk_is_tcp(sk))
		max = send ? READ_ONCE(net->ipv4.sysctl_tcp_wmem[2]) :
			     READ_ONCE(net->ipv4.sysctl_tcp_rmem[2]);
	else
		max = send ? READ_ONCE(sysctl_wmem_max) : READ_ONCE(sysctl_rmem_max);
	lock_sock(sk);
	if (send)
		WRITE_ONCE(sk->sk_sndbuf, clamp(size, SOCK_MIN_SNDBUF, max));
	else
		WRITE_ONCE(sk->sk_rcvbuf, clamp(size, SOCK_MIN_RCVBUF, max));
	if (sk_is_udp(sk) && !send)
		WRITE_ONCE(udp_sk(sk)->forward_threshold, sk->sk_rcvbuf >> 2);
	release_sock(sk);
}

/* IPV6_V6ONLY, also of one that is bound, where setsockopt(2) does not set it. */
void cr_shim_inet_set_v6only(struct sock *sk, bool only)
{
	lock_sock(sk);
	sk->sk_ipv6only = only;
	release_sock(sk);
}

/* What only TCP sockets have. */
static void set_tcp(struct sock *sk, const struct cr_img_inet *in)
{
	if (in->state == CR_SOCKET_CLOSED)
		tcp_sk(sk)->mss_cache = in->mss;
	if (inet6_sk(sk))
		inet6_sk(sk)->mcast_hops = in->ttl;
	if (!inet6_sk(sk) || ipv6_addr_v4mapped(&sk->sk_v6_daddr))
		inet_sk(sk)->mc_ttl = in->ttl;
	if (in->flags & CR_INET_CAME_BY_LO && inet6_sk(sk))
		inet6_sk(sk)->mcast_oif = LOOPBACK_IFINDEX;
	if (in->flags & CR_INET_DONE)
		sock_set_flag(sk, SOCK_DONE);
}

/* What is left when it has its options, its name, and listens. Nobody else has it yet. */
int cr_shim_inet_set(struct sock *sk, const struct cr_img_inet *in)
{
	u8 locks = 0;

	if (!(in->flags & CR_INET_BOUND) && !may_have_had(sk, in))
		return -EADDRNOTAVAIL;
	locks |= in->flags & CR_INET_OWN_ADDR ? SOCK_BINDADDR_LOCK : 0;
	locks |= in->flags & CR_INET_OWN_PORT ? SOCK_BINDPORT_LOCK : 0;
	locks |= in->flags & CR_INET_CONNECT_PORT ? SOCK_CONNECT_BIND : 0;
	lock_sock(sk);
	if (!(in->flags & CR_INET_BOUND))
		set_old_name(sk, in);
	sk->sk_userlocks = locks | (sk->sk_userlocks & ~OWN_LOCKS);
	/* The other end may have said more by now. */
	sk->sk_shutdown = in->state == CR_SOCKET_CONNECTED ?
				  sk->sk_shutdown | in->shutdown : in->shutdown;
	sk->sk_err = in->error;
	sk->sk_err_soft = in->error_soft;
	if (in->state == CR_SOCKET_CLOSED)
		set_old_peer(sk, in);
	if (sk_is_tcp(sk))
		set_tcp(sk, in);
	else
		cr_shim_udp_set_drops(sk, in->drops);
	release_sock(sk);
	return cr_shim_socket_own(sk, in->uid, in->gid, in->mode);
}
