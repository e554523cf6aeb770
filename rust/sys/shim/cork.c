// SPDX-License-Identifier: GPL-2.0
/*
 * Datagrams of UDP sockets that are not complete (UDP_CORK, MSG_MORE): net/ipv4/udp.c,
 * net/ipv6/udp.c. Their first part has said where they go, and how.
 */

#include <linux/in.h>
#include <linux/in6.h>
#include <linux/net.h>
#include <linux/netdevice.h>
#include <linux/skbuff.h>
#include <linux/slab.h>
#include <linux/socket.h>
#include <linux/udp.h>
#include <net/dst.h>
#include <net/inet_sock.h>
#include <net/ipv6.h>
#include <net/sock.h>

#include "shim.h"

/* What a datagram is sent with: a header, and a value of any kind. */
#define NR_VALUES	8
#define CONTROL_LEN	(NR_VALUES * CMSG_SPACE(sizeof(struct in6_pktinfo)))

static bool is_v6(const struct sock *sk)
{
	return udp_sk(sk)->pending == AF_INET6;
}

/* Has it what sending it again would not make? */
bool cr_shim_cork_is_odd(const struct sock *sk)
{
	const struct inet_cork_full *cork = &inet_sk(sk)->cork;
	const struct sk_buff *skb;

	skb_queue_walk(&sk->sk_write_queue, skb)
		if (skb_zcopy((struct sk_buff *)skb) ||
		    skb_has_shared_frag(skb) || skb_shinfo(skb)->tx_flags)
			return true;
	if (!cork->base.dst || cork->base.transmit_time ||
	    cork->base.flags & IPCORK_OPT)
		return true;
	return is_v6(sk) && (cork->base6.opt ||
			     cork->fl.u.ip6.flowlabel & IPV6_FLOWLABEL_MASK);
}

static void read_v4(const struct inet_cork_full *cork, struct cr_img_cork *out)
{
	const struct net_device *dev = cork->base.dst->dev;

	out->family = AF_INET;
	out->port = ntohs(cork->fl.u.ip4.fl4_dport);
	/* What goes to the machine itself finds its way by its address. */
	out->ifindex = dev->flags & IFF_LOOPBACK ? 0 : dev->ifindex;
	out->ttl = cork->base.ttl;
	out->tos = cork->base.tos;
	memcpy(out->from, &cork->fl.u.ip4.saddr, sizeof(__be32));
	memcpy(out->to, &cork->fl.u.ip4.daddr, sizeof(__be32));
}

static void read_v6(const struct inet_cork_full *cork, struct cr_img_cork *out)
{
	out->family = AF_INET6;
	out->port = ntohs(cork->fl.u.ip6.fl6_dport);
	out->ifindex = cork->fl.u.ip6.flowi6_oif;
	out->ttl = cork->base6.hop_limit;
	out->tos = cork->base6.tclass;
	out->whole = cork->base6.dontfrag;
	memcpy(out->from, &cork->fl.u.ip6.saddr, sizeof(out->from));
	memcpy(out->to, &cork->fl.u.ip6.daddr, sizeof(out->to));
}

/* Is there one in @sk? Then all that is said of it. */
bool cr_shim_cork_read(struct sock *sk, struct cr_img_cork *out)
{
	const struct inet_cork_full *cork = &inet_sk(sk)->cork;
	bool found;

	memset(out, 0, sizeof(*out));
	if (!sk_is_udp(sk))
		return false;
	lock_sock(sk);
	found = udp_sk(sk)->pending && cork->base.dst;
	if (found) {
		if (is_v6(sk))
			read_v6(cork, out);
		else
			read_v4(cork, out);
		out->length = udp_sk(sk)->len - sizeof(struct udphdr);
		out->mark = cork->base.mark;
		out->priority = cork->base.priority;
		out->segment = cork->base.gso_size;
	}
	release_sock(sk);
	return found;
}

/* Its bytes, without headers. -EAGAIN: they are not @len. */
int cr_shim_cork_copy(struct sock *sk, u8 *buf, u32 len)
{
	int err = 0, headers = sizeof(struct udphdr);
	const struct sk_buff *skb;

	lock_sock(sk);
	skb_queue_walk(&sk->sk_write_queue, skb) {
		int from = skb_transport_offset(skb) + headers;
		int nr = (int)skb->len - from;

		err = nr < 0 || nr > len ? -EAGAIN :
					   skb_copy_bits(skb, from, buf, nr);
		if (err)
			break;
		buf += nr;
		len -= nr;
		headers = 0;
	}
	release_sock(sk);
	return err ?: len ? -EAGAIN : 0;
}

/* One more value that a datagram is sent with. */
static void add_value(struct msghdr *msg, int level, int type, const void *value,
		      size_t size)
{
	struct cmsghdr *head = msg->msg_control + msg->msg_controllen;

	head->cmsg_level = level;
	head->cmsg_type = type;
	head->cmsg_len = CMSG_LEN(size);
	memcpy(CMSG_DATA(head), value, size);
	msg->msg_controllen += CMSG_SPACE(size);
}

static void add_int(struct msghdr *msg, int level, int type, int value)
{
	add_value(msg, level, type, &value, sizeof(value));
}

static void address_v4(struct msghdr *msg, const struct cr_img_cork *in)
{
	struct sockaddr_in *to = msg->msg_name;
	struct in_pktinfo from = { .ipi_ifindex = in->ifindex };

	to->sin_family = AF_INET;
	to->sin_port = htons(in->port);
	memcpy(&to->sin_addr, in->to, sizeof(to->sin_addr));
	msg->msg_namelen = sizeof(*to);
	memcpy(&from.ipi_spec_dst, in->from, sizeof(from.ipi_spec_dst));
	add_value(msg, SOL_IP, IP_PKTINFO, &from, sizeof(from));
	if (in->ttl)
		add_int(msg, SOL_IP, IP_TTL, in->ttl);
	/* It has a priority of its own, which is said after it. */
	add_int(msg, SOL_IP, IP_TOS, in->tos);
}

static void address_v6(struct msghdr *msg, const struct cr_img_cork *in)
{
	struct sockaddr_in6 *to = msg->msg_name;
	struct in6_pktinfo from = { .ipi6_ifindex = in->ifindex };

	to->sin6_family = AF_INET6;
	to->sin6_port = htons(in->port);
	to->sin6_scope_id = in->ifindex;
	memcpy(&to->sin6_addr, in->to, sizeof(to->sin6_addr));
	msg->msg_namelen = sizeof(*to);
	memcpy(&from.ipi6_addr, in->from, sizeof(from.ipi6_addr));
	add_value(msg, SOL_IPV6, IPV6_PKTINFO, &from, sizeof(from));
	add_int(msg, SOL_IPV6, IPV6_HOPLIMIT, in->ttl);
	add_int(msg, SOL_IPV6, IPV6_TCLASS, in->tos);
	add_int(msg, SOL_IPV6, IPV6_DONTFRAG, in->whole);
}

/*
 * Sends the same again, of which more is to come. It has had room for that, which may
 * have been counted in another way. Nobody else has the socket yet.
 */
int cr_shim_cork_send(struct sock *sk, const struct cr_img_cork *in, const void *data)
{
	struct kvec vec = { .iov_base = (void *)data, .iov_len = in->length };
	struct msghdr msg = { .msg_flags = MSG_MORE | MSG_DONTWAIT | MSG_NOSIGNAL };
	u16 segment = in->segment;
	int size, sent;

	if (!sk->sk_socket || !sk_is_udp(sk))
		return -EINVAL;
	msg.msg_control = kzalloc(CONTROL_LEN + sizeof(struct sockaddr_in6),
				  GFP_KERNEL);
	if (!msg.msg_control)
		return -ENOMEM;
	msg.msg_name = msg.msg_control + CONTROL_LEN;
	if (in->family == AF_INET6)
		address_v6(&msg, in);
	else
		address_v4(&msg, in);
	add_int(&msg, SOL_SOCKET, SO_PRIORITY, in->priority);
	/* That wants a capability. */
	if (in->mark != READ_ONCE(sk->sk_mark))
		add_int(&msg, SOL_SOCKET, SO_MARK, in->mark);
	add_value(&msg, SOL_UDP, UDP_SEGMENT, &segment, sizeof(segment));
	lock_sock(sk);
	size = sk->sk_sndbuf;
	WRITE_ONCE(sk->sk_sndbuf, INT_MAX / 2);
	release_sock(sk);
	sent = kernel_sendmsg(sk->sk_socket, &msg, &vec, 1, in->length);
	lock_sock(sk);
	WRITE_ONCE(sk->sk_sndbuf, size);
	release_sock(sk);
	kfree(msg.msg_control);
	return sent < 0 ? sent : sent != in->length ? -EMSGSIZE : 0;
}
