// SPDX-License-Identifier: GPL-2.0
/*
 * Errors that wait in sockets (IP_RECVERR, IPV6_RECVERR), of which the network or the
 * machine itself has told: net/ipv4/ip_sockglue.c, net/ipv6/datagram.c.
 */

#include <linux/errqueue.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/in6.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/skbuff.h>
#include <net/ipv6.h>
#include <net/sock.h>

#include "shim.h"

static bool is_v6(const struct sk_buff *skb)
{
	return skb->protocol == htons(ETH_P_IPV6);
}

/*
 * -EOPNOTSUPP: it tells of something else, such as when a packet was sent, or has more
 * headers.
 */
int cr_shim_sockerr_read(struct sock *sk, struct sk_buff *skb,
			 struct cr_img_sockerr *out)
{
	const struct sock_exterr_skb *err = SKB_EXT_ERR(skb);
	const u8 *to = skb_network_header(skb) + err->addr_offset;

	memset(out, 0, sizeof(*out));
	switch (err->ee.ee_origin) {
	case SO_EE_ORIGIN_LOCAL:
		break;
	case SO_EE_ORIGIN_ICMP:
	case SO_EE_ORIGIN_ICMP6:
		if (cr_shim_udp_is_odd(sk, skb))
			return -EOPNOTSUPP;
		cr_shim_udp_read_packet(skb, &out->packet);
		break;
	default:
		return -EOPNOTSUPP;
	}
	out->packet.family = is_v6(skb) ? AF_INET6 : AF_INET;
	out->packet.time_ns = ktime_to_ns(skb->tstamp);
	out->packet.length = skb->len;
	out->error = err->ee.ee_errno;
	out->info = err->ee.ee_info;
	out->data = err->ee.ee_data;
	out->origin = err->ee.ee_origin;
	out->type = err->ee.ee_type;
	out->code = err->ee.ee_code;
	out->port = ntohs(err->port);
	memcpy(out->to, to, is_v6(skb) ? sizeof(struct in6_addr) : sizeof(__be32));
	if (is_v6(skb))
		out->flow = ntohl(ip6_flowinfo(container_of((struct in6_addr *)to,
							    struct ipv6hdr, daddr)));
	return 0;
}

/* What IPV6_RECVPATHMTU tells next, as an error of nobody. Nobody receives it. */
bool cr_shim_sockerr_read_mtu(const struct sock *sk, struct cr_img_sockerr *out)
{
	const struct ipv6_pinfo *np = inet6_sk(sk);
	const struct sk_buff *skb = np ? READ_ONCE(np->rxpmtu) : NULL;
	const struct ip6_mtuinfo *mtu;

	if (!skb)
		return false;
	mtu = IP6CBMTU(skb);
	memset(out, 0, sizeof(*out));
	out->packet.family = AF_INET6;
	out->packet.time_ns = ktime_to_ns(skb->tstamp);
	out->packet.ifindex = mtu->ip6m_addr.sin6_scope_id;
	out->origin = SO_EE_ORIGIN_NONE;
	out->info = mtu->ip6m_mtu;
	memcpy(out->to, &mtu->ip6m_addr.sin6_addr, sizeof(out->to));
	return true;
}

/* Where the program has sent to, behind the header; where that is, for recvmsg(2). */
static u16 put_destination(struct sk_buff *skb, const struct cr_img_sockerr *in)
{
	struct ipv6hdr *ip6;
	const void *at;

	if (is_v6(skb)) {
		ip6 = skb_put_zero(skb, sizeof(*ip6));
		*(__be32 *)ip6 = htonl(in->flow);
		at = memcpy(&ip6->daddr, in->to, sizeof(ip6->daddr));
	} else {
		at = skb_put_data(skb, in->to, sizeof(__be32));
	}
	return (const u8 *)at - skb_network_header(skb);
}

static struct sk_buff *make(const struct sock *sk, const struct cr_img_sockerr *in,
			    const void *data)
{
	u32 len = in->packet.length;
	struct sock_exterr_skb *err;
	struct sk_buff *skb;

	skb = alloc_skb(2 * sizeof(struct ipv6hdr) + len, GFP_KERNEL_ACCOUNT);
	if (!skb)
		return NULL;
	memset(skb->cb, 0, sizeof(skb->cb));
	skb_reset_network_header(skb);
	cr_shim_udp_put_packet(skb, &in->packet, sk->sk_protocol);
	err = SKB_EXT_ERR(skb);
	err->addr_offset = put_destination(skb, in);
	__skb_pull(skb, skb->len);
	skb_reset_transport_header(skb);
	skb_put_data(skb, data, len);
	skb->tstamp = ns_to_ktime(in->packet.time_ns);
	err->ee.ee_errno = in->error;
	err->ee.ee_info = in->info;
	err->ee.ee_data = in->data;
	err->ee.ee_origin = in->origin;
	err->ee.ee_type = in->type;
	err->ee.ee_code = in->code;
	err->port = htons(in->port);
	return skb;
}

static int tell_mtu(struct sock *sk, const struct cr_img_sockerr *in)
{
	struct ip6_mtuinfo *mtu;
	struct sk_buff *skb;

	if (!inet6_sk(sk))
		return -EINVAL;
	skb = alloc_skb(0, GFP_KERNEL_ACCOUNT);
	if (!skb)
		return -ENOMEM;
	skb->tstamp = ns_to_ktime(in->packet.time_ns);
	mtu = IP6CBMTU(skb);
	mtu->ip6m_mtu = in->info;
	mtu->ip6m_addr.sin6_family = AF_INET6;
	mtu->ip6m_addr.sin6_scope_id = in->packet.ifindex;
	memcpy(&mtu->ip6m_addr.sin6_addr, in->to, sizeof(in->to));
	kfree_skb(xchg(&inet6_sk(sk)->rxpmtu, skb));
	return 0;
}

/* Puts an error into the queue of @sk. It has had room for it. Nobody else has it yet. */
int cr_shim_sockerr_queue(struct sock *sk, const struct cr_img_sockerr *in,
			  const void *data)
{
	struct sk_buff *skb;
	int size, err;

	if (in->origin == SO_EE_ORIGIN_NONE)
		return tell_mtu(sk, in);
	skb = make(sk, in, data);
	if (!skb)
		return -ENOMEM;
	lock_sock(sk);
	size = sk->sk_rcvbuf;
	WRITE_ONCE(sk->sk_rcvbuf, INT_MAX / 2);
	err = sock_queue_err_skb(sk, skb);
	WRITE_ONCE(sk->sk_rcvbuf, size);
	release_sock(sk);
	if (err)
		kfree_skb(skb);
	return err;
}
