// SPDX-License-Identifier: GPL-2.0
/*
 * Multicast groups that sockets are members of, and the sources of these:
 * net/ipv4/igmp.c, net/ipv6/mcast.c. The lists cannot change while they are read: they
 * are the container's.
 */

#include <linux/igmp.h>
#include <linux/in.h>
#include <linux/in6.h>
#include <linux/ipv6.h>
#include <linux/rcupdate.h>
#include <linux/rtnetlink.h>
#include <linux/slab.h>
#include <linux/socket.h>
#include <net/if_inet6.h>
#include <net/inet_sock.h>
#include <net/ipv6.h>
#include <net/sock.h>

#include "shim.h"

/* They are told from the last one that was joined on. */
#define for_each_group(mc, sk)							\
	for (mc = rcu_dereference(inet_sk(sk)->mc_list); mc;			\
	     mc = rcu_dereference(mc->next_rcu))
#define for_each_group6(mc6, sk)						\
	for (mc6 = inet6_sk(sk) ? rcu_dereference(inet6_sk(sk)->ipv6_mc_list) : NULL; \
	     mc6; mc6 = rcu_dereference(mc6->next))

/* Is it a member of an anycast group, or of one of which it receives nothing? */
bool cr_shim_udp_has_odd_group(const struct sock *sk)
{
	const struct ipv6_pinfo *np = inet6_sk(sk);
	const struct ipv6_mc_socklist *mc6;
	const struct ip_mc_socklist *mc;
	bool found = np && np->ipv6_ac_list;

	rcu_read_lock();
	for_each_group(mc, sk)
		found |= mc->sfmode != MCAST_EXCLUDE &&
			 !rcu_access_pointer(mc->sflist);
	for_each_group6(mc6, sk)
		found |= mc6->sfmode != MCAST_EXCLUDE &&
			 !rcu_access_pointer(mc6->sflist);
	rcu_read_unlock();
	return found;
}

/* Those that it has joined with sources are told by these. */
static u32 count_groups(const struct sock *sk, bool v6)
{
	const struct ipv6_mc_socklist *mc6;
	const struct ip_mc_socklist *mc;
	u32 count = 0;

	if (v6)
		for_each_group6(mc6, sk)
			count += mc6->sfmode == MCAST_EXCLUDE;
	else
		for_each_group(mc, sk)
			count += mc->sfmode == MCAST_EXCLUDE;
	return count;
}

static void group_read(const struct sock *sk, u32 nr, struct ip_mreqn *out)
{
	const struct ip_mc_socklist *mc;

	for_each_group(mc, sk)
		if (mc->sfmode == MCAST_EXCLUDE && !nr--)
			*out = mc->multi;
}

static void group6_read(const struct sock *sk, u32 nr, struct ipv6_mreq *out)
{
	const struct ipv6_mc_socklist *mc6;

	for_each_group6(mc6, sk) {
		if (mc6->sfmode == MCAST_EXCLUDE && !nr--) {
			out->ipv6mr_multiaddr = mc6->addr;
			out->ipv6mr_ifindex = mc6->ifindex;
		}
	}
}

/*
 * Group number @nr of those that @sk is a member of, from the first that it has
 * joined on, as setsockopt(2) takes it. False if there are not so many.
 */
bool cr_shim_udp_group(struct sock *sk, bool v6, u32 nr, void *value)
{
	u32 count;

	if (sk_is_tcp(sk))
		return false;
	rcu_read_lock();
	count = count_groups(sk, v6);
	if (nr < count && v6)
		group6_read(sk, count - 1 - nr, value);
	else if (nr < count)
		group_read(sk, count - 1 - nr, value);
	rcu_read_unlock();
	return nr < count;
}

static u32 sources_read(const struct sock *sk, struct cr_img_source *out, u32 max)
{
	const struct ip_sf_socklist *list;
	const struct ip_mc_socklist *mc;
	u32 nr = 0, i;

	for_each_group(mc, sk) {
		list = rcu_dereference(mc->sflist);
		for (i = 0; list && i < list->sl_count; i++, nr++) {
			if (nr >= max)
				continue;
			out[nr] = (struct cr_img_source){
				.family = AF_INET,
				.ifindex = mc->multi.imr_ifindex,
				.blocked = mc->sfmode == MCAST_EXCLUDE,
			};
			if (!out[nr].blocked)
				memcpy(out[nr].address, &mc->multi.imr_address,
				       sizeof(out[nr].address));
			memcpy(out[nr].group, &mc->multi.imr_multiaddr,
			       sizeof(mc->multi.imr_multiaddr));
			memcpy(out[nr].source, &list->sl_addr[i],
			       sizeof(list->sl_addr[i]));
		}
	}
	return nr;
}

static u32 sources6_read(const struct sock *sk, struct cr_img_source *out, u32 max)
{
	const struct ip6_sf_socklist *list;
	const struct ipv6_mc_socklist *mc6;
	u32 nr = 0, i;

	for_each_group6(mc6, sk) {
		list = rcu_dereference(mc6->sflist);
		for (i = 0; list && i < list->sl_count; i++, nr++) {
			if (nr >= max)
				continue;
			out[nr] = (struct cr_img_source){
				.family = AF_INET6,
				.ifindex = mc6->ifindex,
				.blocked = mc6->sfmode == MCAST_EXCLUDE,
			};
			memcpy(out[nr].group, &mc6->addr, sizeof(mc6->addr));
			memcpy(out[nr].source, &list->sl_addr[i],
			       sizeof(list->sl_addr[i]));
		}
	}
	return nr;
}

/* Sources of groups that @sk is a member of; returns how many, maybe more than @max. */
u32 cr_shim_udp_sources(struct sock *sk, struct cr_img_source *out, u32 max)
{
	u32 nr, room;

	if (sk_is_tcp(sk))
		return 0;
	rcu_read_lock();
	nr = sources_read(sk, out, max);
	room = max - min(nr, max);
	nr += sources6_read(sk, out + (max - room), room);
	rcu_read_unlock();
	return nr;
}

static void set_address(struct __kernel_sockaddr_storage *to, u32 family, const u8 *addr)
{
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)to;
	struct sockaddr_in *v4 = (struct sockaddr_in *)to;

	to->ss_family = family;
	if (family == AF_INET6)
		memcpy(&v6->sin6_addr, addr, sizeof(v6->sin6_addr));
	else
		memcpy(&v4->sin_addr, addr, sizeof(v4->sin_addr));
}

/* IP_DROP_MEMBERSHIP may name the address by which the group was joined. */
static void note_address(struct sock *sk, const struct cr_img_source *in)
{
	struct ip_mc_socklist *mc;

	rtnl_lock();
	for (mc = rtnl_dereference(inet_sk(sk)->mc_list); mc;
	     mc = rtnl_dereference(mc->next_rcu))
		if (!memcmp(&mc->multi.imr_multiaddr, in->group,
			    sizeof(mc->multi.imr_multiaddr)) &&
		    mc->multi.imr_ifindex == in->ifindex)
			memcpy(&mc->multi.imr_address, in->address,
			       sizeof(mc->multi.imr_address));
	rtnl_unlock();
}

/* One more source. Nobody else has the socket yet. */
int cr_shim_udp_add_source(struct sock *sk, const struct cr_img_source *in)
{
	struct group_source_req *req = kzalloc_obj(*req);
	int err;

	if (!req)
		return -ENOMEM;
	req->gsr_interface = in->ifindex;
	set_address(&req->gsr_group, in->family, in->group);
	set_address(&req->gsr_source, in->family, in->source);
	err = cr_shim_inet_setsockopt(sk, in->family == AF_INET ? SOL_IP : SOL_IPV6,
				      in->blocked ? MCAST_BLOCK_SOURCE :
						    MCAST_JOIN_SOURCE_GROUP,
				      req, sizeof(*req));
	kfree(req);
	if (!err && in->family == AF_INET && !in->blocked)
		note_address(sk, in);
	return err;
}
