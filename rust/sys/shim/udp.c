// SPDX-License-Identifier: GPL-2.0
/*
 * UDP sockets, and the datagrams that wait in them: net/ipv4/udp.c, net/ipv6/udp.c;
 * raw sockets, and those for ping, as far as they are the same.
 *
 * Lock order, as there: reader_queue.lock, sk_receive_queue.lock.
 */

#include <linux/bottom_half.h>
#include <linux/delay.h>
#include <linux/in.h>
#include <linux/in6.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/net.h>
#include <linux/netdevice.h>
#include <linux/rcupdate.h>
#include <linux/security.h>
#include <linux/skbuff.h>
#include <linux/udp.h>
#include <net/dsfield.h>
#include <net/inet_sock.h>
#include <net/ip.h>
#include <net/ipv6.h>
#include <net/sock.h>
#include <net/udp.h>

#include "shim.h"

/* More than that comes as another page than the headers. */
#define LINEAR_MAX	SKB_MAX_HEAD(sizeof(struct ipv6hdr) + sizeof(struct udphdr))

/* As long as a packet that was sent may take to where it is received. */
#define SETTLE_MS	100

static bool is_on_its_way(void)
{
	int cpu;

	for_each_online_cpu(cpu) {
		const struct softnet_data *sd = &per_cpu(softnet_data, cpu);

		if (!skb_queue_empty_lockless(&sd->input_pkt_queue) ||
		    !skb_queue_empty_lockless(&sd->process_queue))
			return true;
	}
	return false;
}

/*
 * What was sent within the machine is received at once, but on a busy processor
 * it may take a moment.
 */
void cr_shim_udp_settle(void)
{
	int ms;

	for (ms = 0; ms < SETTLE_MS && is_on_its_way(); ms++)
		usleep_range(500, 1000);
	/* Who has taken one from there has put it into its socket by then. */
	synchronize_rcu_expedited();
}

/*
 * Does it unpack tunnels in another way than what UDP_ENCAP has asked for once? The
 * kernel has a function of its own for ESP alone, and protocols set it besides.
 */
static bool has_odd_encap(const struct sock *sk)
{
	const struct udp_sock *up = udp_sk(sk);

	switch (up->encap_type) {
	case UDP_ENCAP_ESPINUDP:
		return !up->encap_rcv;
	case 0:
	case UDP_ENCAP_L2TPINUDP:
		return up->encap_rcv;
	}
	return true;
}

static u64 unsupported_udp(const struct sock *sk)
{
	const struct udp_sock *up = udp_sk(sk);
	u64 found = 0;

	if ((up->pending || up->len) && cr_shim_cork_is_odd(sk))
		found |= BIT_ULL(CR_INET_X_CORKED);
	if (has_odd_encap(sk) || udp_test_bit(ACCEPT_FRAGLIST, sk))
		found |= BIT_ULL(CR_INET_X_ENCAP);
	return found;
}

/* What such a socket can have that is refused, besides what all have. */
u64 cr_shim_udp_unsupported(struct sock *sk)
{
	u64 found = 0;

	if (cr_shim_udp_has_odd_group(sk))
		found |= BIT_ULL(CR_INET_X_SOURCES);
	if (sk_is_udp(sk))
		found |= unsupported_udp(sk);
	if (cr_shim_is_raw(sk))
		found |= cr_shim_raw_unsupported(sk);
	return found;
}

/*
 * How many sockets at its port were there before @sk: which of them gets a datagram
 * depends on that. Caller has locked it.
 */
u32 cr_shim_udp_place(struct sock *sk)
{
	struct net *net = sock_net(sk);
	struct udp_hslot *slot;
	const struct sock *other = sk;
	int place = cr_shim_reuseport_place(sk);

	if (place >= 0 || !inet_sk(sk)->inet_num || cr_shim_is_raw(sk))
		return max(place, 0);
	if (cr_shim_is_ping(sk))
		return cr_shim_ping_place(sk);
	slot = udp_hashslot(net->ipv4.udp_table, net, udp_sk(sk)->udp_port_hash);
	place = 0;
	spin_lock_bh(&slot->lock);
	sk_for_each_from(other)
		place += other != sk &&
			 udp_sk(other)->udp_port_hash == udp_sk(sk)->udp_port_hash;
	spin_unlock_bh(&slot->lock);
	return place;
}

int cr_shim_udp_getsockopt(const struct sock *sk, u32 name, void *value, u32 len)
{
	u32 val;

	switch (name) {
	case UDP_CORK:
		val = udp_test_bit(CORK, sk);
		break;
	case UDP_ENCAP:
		val = READ_ONCE(udp_sk(sk)->encap_type);
		break;
	case UDP_NO_CHECK6_TX:
		val = udp_get_no_check6_tx(sk);
		break;
	case UDP_NO_CHECK6_RX:
		val = udp_get_no_check6_rx(sk);
		break;
	case UDP_SEGMENT:
		val = READ_ONCE(udp_sk(sk)->gso_size);
		break;
	case UDP_GRO:
		val = udp_test_bit(GRO_ENABLED, sk);
		break;
	default:
		return -ENOPROTOOPT;
	}
	if (len != sizeof(val))
		return -EINVAL;
	memcpy(value, &val, sizeof(val));
	return 0;
}

/* The device that multicast goes by: as setsockopt(2) takes it. */
int cr_shim_udp_multicast_if(const struct sock *sk, void *value, u32 len)
{
	struct ip_mreqn device = {
		.imr_address.s_addr = READ_ONCE(inet_sk(sk)->mc_addr),
		.imr_ifindex = READ_ONCE(inet_sk(sk)->mc_index),
	};

	if (len != sizeof(device))
		return -EINVAL;
	memcpy(value, &device, sizeof(device));
	return 0;
}

/* The one behind @skb in its queue, or in the other one; or NULL. */
static struct sk_buff *next_of(struct sock *sk, const struct sk_buff *skb)
{
	struct sk_buff_head *first = &udp_sk(sk)->reader_queue;
	struct sk_buff_head *second = &sk->sk_receive_queue;
	struct sk_buff *next = skb ? skb->next : first->next;

	if (next == (struct sk_buff *)first)
		next = second->next;
	return next == (struct sk_buff *)second ? NULL : next;
}

/*
 * What waits in @sk behind @after, or the first one for NULL, referenced; or NULL.
 * Nobody takes anything out of it.
 */
struct sk_buff *cr_shim_udp_next(struct sock *sk, struct sk_buff *after)
{
	struct sk_buff *skb;

	if (cr_shim_is_raw(sk) || cr_shim_is_ping(sk))
		return cr_shim_sock_next(sk, after);
	if (!sk_is_udp(sk))
		return NULL;
	spin_lock_bh(&udp_sk(sk)->reader_queue.lock);
	spin_lock(&sk->sk_receive_queue.lock);
	skb = next_of(sk, after);
	if (skb)
		skb_get(skb);
	spin_unlock(&sk->sk_receive_queue.lock);
	spin_unlock_bh(&udp_sk(sk)->reader_queue.lock);
	return skb;
}

/* Has a security module a label for a packet, which is told (IP_PASSSEC)? */
static bool has_label(const struct sock *sk, struct sk_buff *skb)
{
	u32 secid;

	return inet_test_bit(PASSSEC, sk) &&
	       !security_socket_getpeersec_dgram(NULL, skb, &secid);
}

/* Is there more to be told of a packet than there is room for? */
bool cr_shim_udp_is_odd(const struct sock *sk, struct sk_buff *skb)
{
	const struct inet6_skb_parm *cb6 = IP6CB(skb);

	if (skb->protocol == htons(ETH_P_IP))
		return IPCB(skb)->opt.optlen || has_label(sk, skb) ||
		       (inet_test_bit(CHECKSUM, sk) &&
			skb->ip_summed == CHECKSUM_COMPLETE);
	return cb6->lastopt || cb6->flags & (IP6SKB_HOPBYHOP | IP6SKB_L3SLAVE);
}

/* Is nobody going to receive it? */
static bool is_damaged(const struct sock *sk, struct sk_buff *skb, bool v4)
{
	if (sk_is_udp(sk))
		return udp_lib_checksum_complete(skb);
	return cr_shim_is_raw(sk) && !v4 && skb_checksum_complete(skb);
}

/* In a raw socket of IPv4: its header, which a filter may have left a part of only. */
static bool has_header(const struct sk_buff *skb)
{
	return skb->len >= sizeof(struct iphdr) &&
	       skb->len >= ip_hdr(skb)->ihl * 4 &&
	       skb_network_offset(skb) == 0;
}

/* What is said of @skb besides its header. */
static void read_note_v4(const struct sk_buff *skb, struct cr_img_datagram *out)
{
	out->family = AF_INET;
	out->ifindex = PKTINFO_SKB_CB(skb)->ipi_ifindex;
	memcpy(out->spec_dst, &PKTINFO_SKB_CB(skb)->ipi_spec_dst,
	       sizeof(out->spec_dst));
	out->frag_max = IPCB(skb)->frag_max_size;
}

static void read_v4(const struct sk_buff *skb, struct cr_img_datagram *out)
{
	const struct iphdr *ip = ip_hdr(skb);

	out->ttl = ip->ttl;
	out->tos = ip->tos;
	memcpy(out->from, &ip->saddr, sizeof(ip->saddr));
	memcpy(out->to, &ip->daddr, sizeof(ip->daddr));
}

static void read_v6(const struct sk_buff *skb, struct cr_img_datagram *out)
{
	const struct ipv6hdr *ip6 = ipv6_hdr(skb);

	out->family = AF_INET6;
	out->ifindex = IP6CB(skb)->iif;
	out->ttl = ip6->hop_limit;
	out->tos = ipv6_get_dsfield(ip6);
	out->flow = ntohl(ip6_flowlabel(ip6));
	out->frag_max = IP6CB(skb)->frag_max_size;
	memcpy(out->from, &ip6->saddr, sizeof(ip6->saddr));
	memcpy(out->to, &ip6->daddr, sizeof(ip6->daddr));
}

/* What the header of a packet says, and what is said of it besides. */
void cr_shim_udp_read_packet(const struct sk_buff *skb, struct cr_img_datagram *out)
{
	if (skb->protocol == htons(ETH_P_IP)) {
		read_note_v4(skb, out);
		read_v4(skb, out);
	} else {
		read_v6(skb, out);
	}
}

/*
 * -EBADMSG: nobody is going to receive it, because it is damaged; -EOPNOTSUPP: it
 * has more headers, or a checksum that is told, or less than its header.
 */
int cr_shim_udp_read(struct sock *sk, struct sk_buff *skb,
		     struct cr_img_datagram *out)
{
	bool v4 = skb->protocol == htons(ETH_P_IP);

	memset(out, 0, sizeof(*out));
	if (cr_shim_udp_is_odd(sk, skb))
		return -EOPNOTSUPP;
	if (is_damaged(sk, skb, v4))
		return -EBADMSG;
	out->time_ns = ktime_to_ns(skb->tstamp);
	out->length = skb->len;
	out->mark = skb->mark;
	out->priority = skb->priority;
	out->drops = SOCK_SKB_CB(skb)->dropcount;
	if (sk_is_udp(sk)) {
		out->from_port = ntohs(udp_hdr(skb)->source);
		out->to_port = ntohs(udp_hdr(skb)->dest);
	}
	if (sk_is_udp(sk) && skb_shinfo(skb)->gso_type & SKB_GSO_UDP_L4)
		out->segment = skb_shinfo(skb)->gso_size;
	if (v4 && cr_shim_is_raw(sk)) {
		read_note_v4(skb, out);
		return has_header(skb) ? 0 : -EOPNOTSUPP;
	}
	cr_shim_udp_read_packet(skb, out);
	return 0;
}

int cr_shim_udp_copy(struct sk_buff *skb, void *buf, u32 len)
{
	return skb_copy_bits(skb, 0, buf, len);
}

static void put_v4(struct sk_buff *skb, const struct cr_img_datagram *in,
		   u8 protocol)
{
	struct iphdr *ip = skb_put_zero(skb, sizeof(*ip));

	ip->version = 4;
	ip->ihl = sizeof(*ip) / 4;
	ip->protocol = protocol;
	ip->ttl = in->ttl;
	ip->tos = in->tos;
	memcpy(&ip->saddr, in->from, sizeof(ip->saddr));
	memcpy(&ip->daddr, in->to, sizeof(ip->daddr));
}

/* What is said about it besides. */
static void note_v4(struct sk_buff *skb, const struct cr_img_datagram *in)
{
	PKTINFO_SKB_CB(skb)->ipi_ifindex = in->ifindex;
	memcpy(&PKTINFO_SKB_CB(skb)->ipi_spec_dst, in->spec_dst,
	       sizeof(in->spec_dst));
	IPCB(skb)->frag_max_size = in->frag_max;
	skb->protocol = htons(ETH_P_IP);
}

static void put_v6(struct sk_buff *skb, const struct cr_img_datagram *in,
		   u8 protocol)
{
	struct ipv6hdr *ip6 = skb_put_zero(skb, sizeof(*ip6));

	ip6_flow_hdr(ip6, in->tos, htonl(in->flow));
	ip6->nexthdr = protocol;
	ip6->hop_limit = in->ttl;
	memcpy(&ip6->saddr, in->from, sizeof(ip6->saddr));
	memcpy(&ip6->daddr, in->to, sizeof(ip6->daddr));
	IP6CB(skb)->iif = in->ifindex;
	IP6CB(skb)->frag_max_size = in->frag_max;
	skb->protocol = htons(ETH_P_IPV6);
}

/* The opposite of cr_shim_udp_read_packet(). */
void cr_shim_udp_put_packet(struct sk_buff *skb, const struct cr_img_datagram *in,
			    u8 protocol)
{
	if (in->family == AF_INET6) {
		put_v6(skb, in, protocol);
	} else {
		put_v4(skb, in, protocol);
		note_v4(skb, in);
	}
}

static void put_udp(struct sk_buff *skb, const struct cr_img_datagram *in)
{
	struct udphdr *udp = skb_put_zero(skb, sizeof(*udp));

	udp->source = htons(in->from_port);
	udp->dest = htons(in->to_port);
	udp->len = htons(min_t(u32, in->length + sizeof(*udp), U16_MAX));
}

/*
 * A packet as the network had brought it, from where who receives it sees it: a
 * datagram from its payload on, one of IPv4 in a raw socket from its header on.
 */
static struct sk_buff *make(const struct sock *sk, const struct cr_img_datagram *in,
			    const void *data)
{
	bool raw = cr_shim_is_raw(sk);
	u32 linear = min_t(u32, in->length, LINEAR_MAX);
	struct sk_buff *skb;
	int err;

	skb = alloc_skb_with_frags(sizeof(struct ipv6hdr) + sizeof(struct udphdr) + linear,
				   in->length - linear, PAGE_ALLOC_COSTLY_ORDER,
				   &err, GFP_KERNEL_ACCOUNT);
	if (!skb)
		return ERR_PTR(err);
	memset(skb->cb, 0, sizeof(skb->cb));
	skb_reset_network_header(skb);
	if (raw && in->family == AF_INET)
		note_v4(skb, in);
	else
		cr_shim_udp_put_packet(skb, in, sk->sk_protocol);
	skb_set_transport_header(skb, skb->len);
	if (sk_is_udp(sk))
		put_udp(skb, in);
	__skb_pull(skb, skb->len);
	skb_put(skb, linear);
	skb->data_len = in->length - linear;
	skb->len += skb->data_len;
	err = skb_store_bits(skb, 0, data, in->length);
	if (err) {
		kfree_skb(skb);
		return ERR_PTR(err);
	}
	if (raw && in->family == AF_INET)
		skb_set_transport_header(skb, ip_hdrlen(skb));
	skb->ip_summed = CHECKSUM_UNNECESSARY;
	skb->skb_iif = in->ifindex;
	skb->tstamp = ns_to_ktime(in->time_ns);
	skb->mark = in->mark;
	skb->priority = in->priority;
	if (in->segment) {
		skb_shinfo(skb)->gso_type = SKB_GSO_UDP_L4;
		skb_shinfo(skb)->gso_size = in->segment;
		skb_shinfo(skb)->gso_segs = DIV_ROUND_UP(in->length, in->segment);
	}
	return skb;
}

/*
 * Puts a datagram into the queue of @sk, as it was received. It has had room for it
 * before, which may have been counted in another way. Nobody else has the socket yet.
 */
int cr_shim_udp_queue(struct sock *sk, const struct cr_img_datagram *in,
		      const void *data)
{
	struct sk_buff *skb;
	int size, err;

	if (sk_is_tcp(sk))
		return -EINVAL;
	skb = make(sk, in, data);
	if (IS_ERR(skb))
		return PTR_ERR(skb);
	/* To see what has become of it. */
	skb_get(skb);
	lock_sock(sk);
	size = sk->sk_rcvbuf;
	WRITE_ONCE(sk->sk_rcvbuf, INT_MAX / 2);
	local_bh_disable();
	err = sk_is_udp(sk) ? __udp_enqueue_schedule_skb(sk, skb) :
			      __sock_queue_rcv_skb(sk, skb);
	local_bh_enable();
	WRITE_ONCE(sk->sk_rcvbuf, size);
	if (err)
		kfree_skb(skb);
	else if (!skb_shared(skb))
		err = -ENOBUFS;
	else
		SOCK_SKB_CB(skb)->dropcount = in->drops;
	release_sock(sk);
	kfree_skb(skb);
	return err;
}

/* Throws away what has come before it was connected, from whomever. */
void cr_shim_udp_drain(struct sock *sk)
{
	struct msghdr msg = {};
	u32 most = U16_MAX;

	while (sk->sk_socket && most-- &&
	       kernel_recvmsg(sk->sk_socket, &msg, NULL, 0, 0,
			      MSG_DONTWAIT | MSG_TRUNC) != -EAGAIN)
		;
}

/* How many it had no room for. */
void cr_shim_udp_set_drops(struct sock *sk, u32 drops)
{
	sk_drops_reset(sk);
	sk_drops_add(sk, drops);
}
