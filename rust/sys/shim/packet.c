// SPDX-License-Identifier: GPL-2.0
/* Packet sockets, and the frames that wait in them: net/packet/af_packet.c. */

#include <linux/file.h>
#include <linux/if_packet.h>
#include <linux/if_vlan.h>
#include <linux/mutex.h>
#include <linux/net.h>
#include <linux/netdevice.h>
#include <linux/rtnetlink.h>
#include <linux/skbuff.h>
#include <linux/socket.h>
#include <net/net_namespace.h>
#include <net/sock.h>

#include "internal.h"
#include "packet_types.h"
#include "shim.h"

#define PACKET_SKB_CB(skb)	((struct packet_skb_cb *)((skb)->cb))
/* An option has room for so many bytes of an address: struct packet_mreq. */
#define MREQ_ADDR_LEN	8
/* What is more comes as pages. */
#define LINEAR_MAX	SKB_MAX_HEAD(0)

static struct sock *sock_of(struct file *file)
{
	struct socket *sock = sock_from_file(file);
	struct sock *sk = sock ? sock->sk : NULL;

	return sk && sk->sk_family == AF_PACKET ? sk : NULL;
}

bool cr_shim_is_packet_socket(struct file *file)
{
	return sock_of(file);
}

/* Referenced, or NULL. */
struct sock *cr_shim_packet_of(struct file *file)
{
	struct sock *sk = sock_of(file);

	if (sk)
		sock_hold(sk);
	return sk;
}

static bool has_long_group(const struct packet_sock *po)
{
	const struct packet_mclist *group;
	bool found = false;

	rtnl_lock();
	for (group = po->mclist; group; group = group->next)
		found |= group->alen > MREQ_ADDR_LEN;
	rtnl_unlock();
	return found;
}

static u64 unsupported(struct sock *sk)
{
	const struct packet_sock *po = pkt_sk(sk);
	u64 found = cr_shim_sock_unsupported(sk);

	if (sk->sk_type != SOCK_RAW && sk->sk_type != SOCK_DGRAM)
		found |= BIT_ULL(CR_INET_X_PACKET);
	if (po->rx_ring.pg_vec || po->tx_ring.pg_vec)
		found |= BIT_ULL(CR_INET_X_RING);
	if (po->fanout || po->rollover)
		found |= BIT_ULL(CR_INET_X_FANOUT);
	if (po->ifindex < 0 ||
	    (po->num && !packet_sock_flag(po, PACKET_SOCK_RUNNING)))
		found |= BIT_ULL(CR_INET_X_DEVICE);
	if (has_long_group(po))
		found |= BIT_ULL(CR_INET_X_MEMBER);
	return found;
}

/* Returns CR_INET_X_*. The options come by themselves. */
u64 cr_shim_packet_read(struct sock *sk, struct cr_img_link *out)
{
	struct packet_sock *po = pkt_sk(sk);
	const struct net_device *dev;

	memset(out, 0, sizeof(*out));
	lock_sock(sk);
	rcu_read_lock();
	dev = po->ifindex > 0 ?
	      dev_get_by_index_rcu(sock_net(sk), po->ifindex) : NULL;
	if (dev)
		strscpy((char *)out->device, dev->name, sizeof(out->device));
	rcu_read_unlock();
	out->ifindex = dev ? po->ifindex : 0;
	out->type = sk->sk_type;
	out->protocol = ntohs(po->num);
	out->error = sk->sk_err;
	spin_lock_bh(&sk->sk_receive_queue.lock);
	out->packets = po->stats.stats1.tp_packets;
	out->freezes = po->stats.stats3.tp_freeze_q_cnt;
	spin_unlock_bh(&sk->sk_receive_queue.lock);
	out->packet_drops = atomic_read(&po->tp_drops);
	out->drops = sk_drops_read(sk);
	if (sk->sk_socket) {
		const struct inode *inode = SOCK_INODE(sk->sk_socket);

		out->uid = from_kuid_munged(current_user_ns(), inode->i_uid);
		out->gid = from_kgid_munged(current_user_ns(), inode->i_gid);
		out->mode = inode->i_mode & S_IALLUGO;
	}
	release_sock(sk);
	return unsupported(sk);
}

int cr_shim_packet_getsockopt(const struct sock *sk, u32 name, void *value, u32 len)
{
	const struct packet_sock *po = pkt_sk(sk);
	u32 val;

	if (sk->sk_family != AF_PACKET || len != sizeof(val))
		return -ENOPROTOOPT;
	switch (name) {
	case PACKET_COPY_THRESH:
		val = READ_ONCE(po->copy_thresh);
		break;
	case PACKET_AUXDATA:
		val = packet_sock_flag(po, PACKET_SOCK_AUXDATA);
		break;
	case PACKET_ORIGDEV:
		val = packet_sock_flag(po, PACKET_SOCK_ORIGDEV);
		break;
	case PACKET_VERSION:
		val = po->tp_version;
		break;
	case PACKET_RESERVE:
		val = po->tp_reserve;
		break;
	case PACKET_LOSS:
		val = packet_sock_flag(po, PACKET_SOCK_TP_LOSS);
		break;
	case PACKET_TIMESTAMP:
		val = READ_ONCE(po->tp_tstamp);
		break;
	case PACKET_TX_HAS_OFF:
		val = packet_sock_flag(po, PACKET_SOCK_TX_HAS_OFF);
		break;
	case PACKET_QDISC_BYPASS:
		val = packet_sock_flag(po, PACKET_SOCK_QDISC_BYPASS);
		break;
	case PACKET_IGNORE_OUTGOING:
		val = READ_ONCE(po->prot_hook.ignore_outgoing);
		break;
	case PACKET_VNET_HDR_SZ:
		val = READ_ONCE(po->vnet_hdr_sz);
		break;
	default:
		return -ENOPROTOOPT;
	}
	memcpy(value, &val, sizeof(val));
	return 0;
}

/*
 * Group number @nr of those that @sk is a member of, as setsockopt(2) takes it, from
 * the first on; as often as it has joined it. False if there are not so many.
 */
bool cr_shim_packet_group(struct sock *sk, u32 nr, void *value)
{
	const struct packet_mclist *group;
	struct packet_mreq mreq = {};
	u32 count = 0, at;

	/* They are told from the last one on. */
	rtnl_lock();
	for (group = pkt_sk(sk)->mclist; group; group = group->next)
		count += group->count;
	at = count - nr - 1;
	group = nr < count ? pkt_sk(sk)->mclist : NULL;
	while (group && at >= group->count) {
		at -= group->count;
		group = group->next;
	}
	if (group) {
		mreq.mr_ifindex = group->ifindex;
		mreq.mr_type = group->type;
		mreq.mr_alen = min(group->alen, MREQ_ADDR_LEN);
		memcpy(mreq.mr_address, group->addr, mreq.mr_alen);
	}
	rtnl_unlock();
	memcpy(value, &mreq, sizeof(mreq));
	return group;
}

/* -EOPNOTSUPP: it is one of a virtual network, or of several segments. */
int cr_shim_packet_frame_read(struct sk_buff *skb, struct cr_img_frame *out)
{
	const struct packet_skb_cb *cb = PACKET_SKB_CB(skb);
	const struct sockaddr_ll *from = &cb->sa.ll;
	int network = skb_network_offset(skb), start = 0;

	memset(out, 0, sizeof(*out));
	if (skb->ip_summed == CHECKSUM_PARTIAL) {
		start = skb_checksum_start_offset(skb);
		out->csum = CR_FRAME_CSUM_PARTIAL;
		out->csum_start = start;
		out->csum_offset = skb->csum_offset;
	} else if (skb_csum_unnecessary(skb)) {
		out->csum = CR_FRAME_CSUM_VALID;
	}
	if (skb_vlan_tag_present(skb) || eth_type_vlan(skb->protocol) ||
	    skb_is_gso(skb) || from->sll_halen > sizeof(out->addr) ||
	    network < 0 || network > U16_MAX || start < 0 || start > U16_MAX)
		return -EOPNOTSUPP;
	out->time_ns = ktime_to_ns(skb->tstamp);
	out->length = skb->len;
	out->origlen = cb->sa.origlen;
	out->ifindex = from->sll_ifindex;
	out->hatype = from->sll_hatype;
	out->protocol = ntohs(skb->protocol);
	out->pkttype = from->sll_pkttype;
	out->halen = from->sll_halen;
	out->network = network;
	out->mark = skb->mark;
	out->priority = skb->priority;
	out->drops = SOCK_SKB_CB(skb)->dropcount;
	unsafe_memcpy(out->addr, from->sll_addr, from->sll_halen,
		      /* They have the rest of the control block. */);
	return 0;
}

static struct sk_buff *make(const struct cr_img_frame *in, const void *data)
{
	u32 linear = min_t(u32, in->length, LINEAR_MAX);
	struct sockaddr_ll *from;
	struct sk_buff *skb;
	int err;

	skb = alloc_skb_with_frags(linear, in->length - linear,
				   PAGE_ALLOC_COSTLY_ORDER, &err,
				   GFP_KERNEL_ACCOUNT);
	if (!skb)
		return ERR_PTR(err);
	skb_put(skb, linear);
	skb->data_len = in->length - linear;
	skb->len += skb->data_len;
	err = skb_store_bits(skb, 0, data, in->length);
	if (err) {
		kfree_skb(skb);
		return ERR_PTR(err);
	}
	memset(skb->cb, 0, sizeof(skb->cb));
	from = &PACKET_SKB_CB(skb)->sa.ll;
	from->sll_ifindex = in->ifindex;
	from->sll_hatype = in->hatype;
	from->sll_pkttype = in->pkttype;
	from->sll_halen = in->halen;
	unsafe_memcpy(from->sll_addr, in->addr, in->halen,
		      /* They have the rest of the control block. */);
	PACKET_SKB_CB(skb)->sa.origlen = in->origlen;
	skb_reset_mac_header(skb);
	skb_set_network_header(skb, in->network);
	skb->protocol = htons(in->protocol);
	skb->pkt_type = in->pkttype;
	skb->skb_iif = in->ifindex;
	skb->tstamp = ns_to_ktime(in->time_ns);
	skb->mark = in->mark;
	skb->priority = in->priority;
	if (in->csum == CR_FRAME_CSUM_PARTIAL) {
		skb->ip_summed = CHECKSUM_PARTIAL;
		skb->csum_start = skb_headroom(skb) + in->csum_start;
		skb->csum_offset = in->csum_offset;
	} else if (in->csum == CR_FRAME_CSUM_VALID) {
		skb->ip_summed = CHECKSUM_UNNECESSARY;
	}
	SOCK_SKB_CB(skb)->dropcount = in->drops;
	return skb;
}

/* Puts a frame into @sk, as it was received. Nobody else has the socket yet. */
int cr_shim_packet_queue(struct sock *sk, const struct cr_img_frame *in,
			 const void *data)
{
	struct sk_buff *skb;

	if (in->halen > sizeof(in->addr))
		return -EINVAL;
	skb = make(in, data);
	if (IS_ERR(skb))
		return PTR_ERR(skb);
	skb_set_owner_r(skb, sk);
	skb_queue_tail(&sk->sk_receive_queue, skb);
	return 0;
}

/*
 * Its device, and its protocol, from when on it gets frames. -EXDEV: the device has
 * another number; -ENETDOWN: it is down.
 */
int cr_shim_packet_bind(struct sock *sk, const struct cr_img_link *in)
{
	struct sockaddr_ll at = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(in->protocol),
		.sll_ifindex = in->ifindex,
	};
	const struct net_device *dev;
	int err = 0;

	if (!sk->sk_socket)
		return -EINVAL;
	if (in->ifindex) {
		rcu_read_lock();
		dev = dev_get_by_name_rcu(sock_net(sk), (const char *)in->device);
		err = !dev ? -ENODEV : dev->ifindex != in->ifindex ? -EXDEV : 0;
		rcu_read_unlock();
	}
	if (!err && (in->ifindex || in->protocol))
		err = kernel_bind(sk->sk_socket, (struct sockaddr_unsized *)&at,
				  sizeof(at));
	if (!err && in->protocol &&
	    !packet_sock_flag(pkt_sk(sk), PACKET_SOCK_RUNNING))
		err = -ENETDOWN;
	return err;
}

/* What is left: it may have got some frames by now. */
int cr_shim_packet_set(struct sock *sk, const struct cr_img_link *in)
{
	struct packet_sock *po = pkt_sk(sk);

	spin_lock_bh(&sk->sk_receive_queue.lock);
	po->stats.stats1.tp_packets += in->packets;
	po->stats.stats3.tp_freeze_q_cnt += in->freezes;
	spin_unlock_bh(&sk->sk_receive_queue.lock);
	atomic_add(in->packet_drops, &po->tp_drops);
	sk_drops_add(sk, in->drops);
	if (in->error)
		WRITE_ONCE(sk->sk_err, in->error);
	return cr_shim_socket_own(sk, in->uid, in->gid, in->mode);
}
