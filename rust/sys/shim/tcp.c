// SPDX-License-Identifier: GPL-2.0
/* TCP connections within the machine, of which both ends are at hand: net/ipv4/tcp.c. */

#include <linux/in.h>
#include <linux/in6.h>
#include <linux/inetdevice.h>
#include <linux/net.h>
#include <linux/skbuff.h>
#include <linux/socket.h>
#include <linux/tcp.h>
#include <linux/uio.h>
#include <net/addrconf.h>
#include <net/inet6_hashtables.h>
#include <net/inet_hashtables.h>
#include <net/inet_sock.h>
#include <net/ip_fib.h>
#include <net/ipv6.h>
#include <net/secure_seq.h>
#include <net/sock.h>
#include <net/tcp.h>

#include "shim.h"

static bool is_v4(const struct sock *sk)
{
	return sk->sk_family == AF_INET || ipv6_addr_v4mapped(&sk->sk_v6_daddr);
}

/* Whether the other end of @sk is in this machine. */
static bool is_local(const struct sock *sk)
{
	struct net *net = sock_net(sk);

	if (is_v4(sk))
		return inet_addr_type(net, sk->sk_daddr) == RTN_LOCAL;
	return ipv6_chk_addr(net, &sk->sk_v6_daddr, NULL, 0);
}

static struct sock *find_peer(const struct sock *sk)
{
	const struct inet_sock *inet = inet_sk(sk);
	struct net *net = sock_net(sk);
	u16 port = ntohs(inet->inet_dport);

	if (is_v4(sk))
		return __inet_lookup_established(net, inet->inet_saddr,
						 inet->inet_sport, sk->sk_daddr,
						 port, LOOPBACK_IFINDEX, 0);
	return __inet6_lookup_established(net, &inet6_sk(sk)->saddr,
					  inet->inet_sport, &sk->sk_v6_daddr,
					  port, LOOPBACK_IFINDEX, 0);
}

/*
 * The other end of a connection, referenced, and the identity of its open file,
 * which is 0 if it was closed. NULL if it is gone. -EXDEV: it is not in this
 * machine; -EAGAIN: it has not been accepted yet.
 */
struct sock *cr_shim_tcp_peer(struct sock *sk, u64 *file)
{
	struct sock *peer = ERR_PTR(-EXDEV);
	bool waits = false;

	*file = 0;
	if (is_local(sk))
		peer = find_peer(sk);
	if (IS_ERR_OR_NULL(peer))
		return peer;
	if (!sk_fullsock(peer)) {
		/* TIME_WAIT, and others that take nothing any more. */
		waits = peer->sk_state == TCP_NEW_SYN_RECV;
		sock_gen_put(peer);
		return waits ? ERR_PTR(-EAGAIN) : NULL;
	}
	read_lock_bh(&peer->sk_callback_lock);
	if (peer->sk_socket)
		*file = (unsigned long)peer->sk_socket->file;
	else
		waits = !sock_flag(peer, SOCK_DEAD);
	read_unlock_bh(&peer->sk_callback_lock);
	if (!waits)
		return peer;
	sock_put(peer);
	return ERR_PTR(-EAGAIN);
}

/* Connection number @nr of those that @sk has not accepted, referenced, or NULL. */
struct sock *cr_shim_tcp_waiting(struct sock *sk, u32 nr)
{
	struct request_sock_queue *queue = &inet_csk(sk)->icsk_accept_queue;
	struct request_sock *req;

	spin_lock_bh(&queue->rskq_lock);
	req = queue->rskq_accept_head;
	while (req && nr--)
		req = req->dl_next;
	if (req)
		sock_hold(req->sk);
	spin_unlock_bh(&queue->rskq_lock);
	return req ? req->sk : NULL;
}

/* What is copied, and how much there is in all. */
struct sink {
	u8 *at;
	u32 room;
	u32 len;
};

/* What @skb has from @from on, a sequence number. */
static int copy_from(const struct sk_buff *skb, u32 from, struct sink *to)
{
	u32 skip = before(TCP_SKB_CB(skb)->seq, from) ?
			   from - TCP_SKB_CB(skb)->seq : 0;
	u32 len = skip < skb->len ? skb->len - skip : 0;
	int err = 0;

	if (len && len <= to->room) {
		err = skb_copy_bits(skb, skip, to->at, len);
		to->at += len;
		to->room -= len;
	} else if (len) {
		to->room = 0;
	}
	to->len += len;
	return err;
}

static int copy_received(const struct sock *sk, struct sink *to)
{
	const struct sk_buff *skb;
	int err = 0;

	skb_queue_walk(&sk->sk_receive_queue, skb)
		err = err ?: copy_from(skb, tcp_sk(sk)->copied_seq, to);
	return err;
}

/* What @peer has sent, or is to send, and @sk has not received. */
static int copy_pending(const struct sock *sk, const struct sock *peer,
			struct sink *to)
{
	u32 from = tcp_sk(sk)->rcv_nxt;
	const struct sk_buff *skb;
	int err = 0;

	for (skb = tcp_rtx_queue_head(peer); skb; skb = skb_rb_next(skb))
		err = err ?: copy_from(skb, from, to);
	skb_queue_walk(&peer->sk_write_queue, skb)
		err = err ?: copy_from(skb, from, to);
	return err;
}

/* Neither about to be, nor about to end. */
static bool is_connected(const struct sock *sk)
{
	return BIT(sk->sk_state) & (TCPF_ESTABLISHED | TCPF_FIN_WAIT1 |
				    TCPF_FIN_WAIT2 | TCPF_CLOSE_WAIT);
}

/* Has @peer told @sk that it is gone, or does it when @sk has received the rest? */
static bool is_told(const struct sock *sk, const struct sock *peer)
{
	return sk->sk_state == TCP_CLOSE_WAIT ||
	       (sk->sk_state == TCP_ESTABLISHED && peer &&
		peer->sk_state == TCP_FIN_WAIT1);
}

/* Where urgent data is among what was received. -EOPNOTSUPP: it is still to come. */
static int read_urgent(const struct tcp_sock *tp, const struct sock *peer,
		       struct cr_img_stream *out)
{
	const struct tcp_sock *from = peer ? tcp_sk(peer) : NULL;

	if (from && from->snd_up != from->snd_una &&
	    after(from->snd_up, tp->rcv_nxt))
		return -EOPNOTSUPP;
	if (!tp->urg_data)
		return 0;
	if (tp->urg_data & TCP_URG_NOTYET ||
	    !between(tp->urg_seq, tp->copied_seq, tp->rcv_nxt - 1))
		return -EOPNOTSUPP;
	out->urgent = tp->urg_seq - tp->copied_seq;
	out->flags |= tp->urg_data & TCP_URG_VALID ? CR_STREAM_URGENT :
						     CR_STREAM_URGENT_READ;
	return 0;
}

static int read_stream(const struct sock *sk, const struct sock *peer, bool live,
		       struct cr_img_stream *out, struct sink *to)
{
	const struct tcp_sock *tp = tcp_sk(sk);
	int err;

	if (!is_connected(sk))
		return -EAGAIN;
	/* An end that is gone does not take anything more. */
	if (!live && (tp->snd_una != tp->write_seq || !is_told(sk, peer)))
		return -EAGAIN;
	out->read_seq = tp->copied_seq;
	out->write_seq = tp->write_seq;
	out->mss = tp->rx_opt.mss_clamp;
	out->send_scale = tp->rx_opt.snd_wscale;
	out->receive_scale = tp->rx_opt.rcv_wscale;
	out->receive_window = tcp_receive_window(tp);
	out->send_window = peer ? tcp_receive_window(tcp_sk(peer)) : tp->snd_wnd;
	out->max_window = max(tp->max_window, out->send_window);
	out->flags = tp->rx_opt.sack_ok ? CR_STREAM_SACK : 0;
	out->flags |= tp->rx_opt.tstamp_ok ? CR_STREAM_TIMESTAMPS : 0;
	err = read_urgent(tp, peer, out) ?: copy_received(sk, to);
	out->nr_received = to->len;
	if (!err && peer && sk->sk_state != TCP_CLOSE_WAIT)
		err = copy_pending(sk, peer, to);
	out->nr_pending = to->len - out->nr_received;
	return err;
}

/*
 * What @sk is to receive, from @peer, or from one that is gone; as much of it as
 * there is room for. -EAGAIN: it is about to end; -EOPNOTSUPP: with urgent data that
 * is still to come.
 */
int cr_shim_tcp_read(struct sock *sk, struct sock *peer, bool live,
		     struct cr_img_stream *out, u8 *buf, u32 room)
{
	struct sink to = { .at = buf, .room = room };
	int err;

	/* What comes meanwhile waits until they are released. */
	lock_sock(sk);
	if (peer)
		lock_sock_nested(peer, SINGLE_DEPTH_NESTING);
	err = read_stream(sk, peer, live, out, &to);
	if (peer)
		release_sock(peer);
	release_sock(sk);
	return err;
}

/*
 * Says which byte of those received, of which @byte is that one, is urgent. Nobody
 * else has the socket yet.
 */
void cr_shim_tcp_set_urgent(struct sock *sk, const struct cr_img_stream *in, u8 byte)
{
	struct tcp_sock *tp = tcp_sk(sk);

	lock_sock(sk);
	WRITE_ONCE(tp->urg_seq, tp->copied_seq + in->urgent);
	WRITE_ONCE(tp->urg_data, in->flags & CR_STREAM_URGENT ?
					 TCP_URG_VALID | byte : TCP_URG_READ);
	/* As what comes next has to be looked at: see tcp_check_urg(). */
	tp->pred_flags = 0;
	release_sock(sk);
}

/* Lets it go without a word to the other end. */
void cr_shim_tcp_silence(struct sock *sk)
{
	lock_sock(sk);
	if (sk_is_tcp(sk) && is_connected(sk))
		tcp_sk(sk)->repair = 1;
	release_sock(sk);
}

/* What is added to the clock in time stamps of a connection with these names. */
static u32 time_offset(const struct sock *sk)
{
	const struct inet_sock *inet = inet_sk(sk);
	union tcp_seq_and_ts_off of;

	if (is_v4(sk))
		of = secure_tcp_seq_and_ts_off(sock_net(sk), inet->inet_saddr,
					       inet->inet_daddr,
					       inet->inet_sport,
					       inet->inet_dport);
	else
		of = secure_tcpv6_seq_and_ts_off(sock_net(sk),
						 inet6_sk(sk)->saddr.s6_addr32,
						 sk->sk_v6_daddr.s6_addr32,
						 inet->inet_sport,
						 inet->inet_dport);
	return of.ts_off;
}

/*
 * In repair mode, nothing is sent, and it is connected at once. Then the kernel leaves
 * the time stamps to us: whoever knows the connection from before, as an end that was
 * closed does for a minute, takes nothing with an older one.
 */
int cr_shim_tcp_connect(struct sock *sk, const struct cr_img_inet *in)
{
	int err = cr_shim_inet_connect(sk, in);

	if (err)
		return err;
	if (!is_local(sk))
		return -EADDRNOTAVAIL;
	lock_sock(sk);
	if (tcp_sk(sk)->repair)
		WRITE_ONCE(tcp_sk(sk)->tsoffset, time_offset(sk));
	release_sock(sk);
	return 0;
}

/*
 * Sends so many bytes, or, in repair mode, puts them where that says. It has had
 * room for them before, which may have been counted in another way.
 */
int cr_shim_tcp_send(struct sock *sk, const u8 *data, u32 len)
{
	struct msghdr msg = { .msg_flags = MSG_DONTWAIT | MSG_NOSIGNAL };
	struct kvec vec = { .iov_base = (void *)data, .iov_len = len };
	int *room = tcp_sk(sk)->repair ? &sk->sk_rcvbuf : &sk->sk_sndbuf;
	int size, sent = 0;

	if (!sk->sk_socket)
		return -EINVAL;
	lock_sock(sk);
	size = *room;
	WRITE_ONCE(*room, INT_MAX / 2);
	release_sock(sk);
	while (len && sent >= 0) {
		sent = kernel_sendmsg(sk->sk_socket, &msg, &vec, 1, len);
		if (sent <= 0)
			break;
		vec.iov_base += sent;
		vec.iov_len -= sent;
		len -= sent;
	}
	lock_sock(sk);
	WRITE_ONCE(*room, size);
	release_sock(sk);
	return sent < 0 ? sent : len ? -ENOBUFS : 0;
}

/* The end of the stream, as if the other end had sent it: see tcp_fin(). */
void cr_shim_tcp_end(struct sock *sk)
{
	lock_sock(sk);
	WRITE_ONCE(sk->sk_shutdown, sk->sk_shutdown | RCV_SHUTDOWN);
	sock_set_flag(sk, SOCK_DONE);
	if (sk->sk_state == TCP_ESTABLISHED)
		smp_store_release(&sk->sk_state, TCP_CLOSE_WAIT);
	release_sock(sk);
}

/* Nothing more is sent. */
int cr_shim_tcp_shut_down(struct sock *sk)
{
	return sk->sk_socket ? kernel_sock_shutdown(sk->sk_socket, SHUT_WR) :
			       -EINVAL;
}
