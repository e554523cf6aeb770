// SPDX-License-Identifier: GPL-2.0
/*
 * Raw sockets, and sockets for ping(8): net/ipv4/raw.c, net/ipv6/raw.c,
 * net/ipv4/ping.c, net/ipv6/ping.c.
 */

#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <linux/in.h>
#include <linux/in6.h>
#include <linux/ipv6.h>
#include <linux/net.h>
#include <linux/rculist.h>
#include <linux/rcupdate.h>
#include <linux/skbuff.h>
#include <net/inet_sock.h>
#include <net/ip.h>
#include <net/raw.h>
#include <net/sock.h>

#include "shim.h"

bool cr_shim_is_raw(const struct sock *sk)
{
	return sk_is_inet(sk) && sk->sk_type == SOCK_RAW &&
	       sk->sk_protocol <= U8_MAX;
}

bool cr_shim_is_ping(const struct sock *sk)
{
	return sk_is_inet(sk) && sk->sk_type == SOCK_DGRAM &&
	       sk->sk_protocol == (sk->sk_family == AF_INET ? IPPROTO_ICMP :
							      IPPROTO_ICMPV6);
}

/* How many sockets have had its identifier before @sk: see cr_shim_udp_place(). */
u32 cr_shim_ping_place(struct sock *sk)
{
	struct sock *other = sk;
	u32 place = 0;

	rcu_read_lock();
	hlist_for_each_entry_from_rcu(other, sk_node)
		place += other != sk && net_eq(sock_net(other), sock_net(sk)) &&
			 inet_sk(other)->inet_num == inet_sk(sk)->inet_num;
	rcu_read_unlock();
	return place;
}

/* Do packets for several come to a router, which asks ICMP for them? */
static bool has_router(const struct net *net)
{
#ifdef CONFIG_IPV6_MROUTE
	return atomic_read(&net->ipv6.devconf_all->mc_forwarding);
#else
	return false;
#endif
}

/* Does somebody route by it, or gets packets for routers? That is not in the socket. */
static bool is_of_router(const struct sock *sk)
{
	const struct net *net = sock_net(sk);
	const struct ip_ra_chain *ra;
	bool found = false;

	if (sk->sk_family == AF_INET6)
		return raw6_sk(sk)->ip6mr_table ||
		       (sk->sk_protocol == IPPROTO_ICMPV6 && has_router(net));
	rcu_read_lock();
	for (ra = rcu_dereference(net->ipv4.ra_chain); ra;
	     ra = rcu_dereference(ra->next))
		found |= ra->sk == sk;
	rcu_read_unlock();
	return found || raw_sk(sk)->ipmr_table;
}

u64 cr_shim_raw_unsupported(struct sock *sk)
{
	u64 found = 0;

	if (!skb_queue_empty_lockless(&sk->sk_write_queue))
		found |= BIT_ULL(CR_INET_X_CORKED);
	if (sk_unhashed(sk))
		found |= BIT_ULL(CR_INET_X_DISCONNECTED);
	if (is_of_router(sk))
		found |= BIT_ULL(CR_INET_X_ROUTER);
	return found;
}

/* What only raw sockets have. */
int cr_shim_raw_getsockopt(const struct sock *sk, u32 level, u32 name, void *value,
			   u32 len)
{
	bool v6 = sk->sk_family == AF_INET6;
	u32 val;

	if (!cr_shim_is_raw(sk))
		return -ENOPROTOOPT;
	if (level == SOL_ICMPV6) {
		const struct icmp6_filter *filter = &raw6_sk(sk)->filter;

		if (!v6 || sk->sk_protocol != IPPROTO_ICMPV6 ||
		    name != ICMPV6_FILTER || len != sizeof(*filter))
			return -ENOPROTOOPT;
		memcpy(value, filter, sizeof(*filter));
		return 0;
	}
	if (!v6 && name == ICMP_FILTER && sk->sk_protocol == IPPROTO_ICMP)
		val = raw_sk(sk)->filter.data;
	else if (v6 && name == IPV6_CHECKSUM)
		val = raw6_sk(sk)->checksum ? raw6_sk(sk)->offset : -1;
	else if (v6 && name == IPV6_HDRINCL)
		val = inet_test_bit(HDRINCL, sk);
	else
		return -ENOPROTOOPT;
	if (len != sizeof(val))
		return -EINVAL;
	memcpy(value, &val, sizeof(val));
	return 0;
}

/*
 * Hides a new socket from the network, and throws away what has come since it was
 * made. It must not be found again before nobody looks at where it was.
 */
void cr_shim_raw_hide(struct sock *sk)
{
	sk->sk_prot->unhash(sk);
	synchronize_rcu_expedited();
	cr_shim_udp_drain(sk);
}

/* The opposite, when it is complete. */
void cr_shim_raw_show(struct sock *sk)
{
	if (cr_shim_is_raw(sk) && sk_unhashed(sk))
		sk->sk_prot->hash(sk);
}
