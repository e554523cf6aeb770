/* SPDX-License-Identifier: GPL-2.0 */
/* inet.c: sockets of the families AF_INET and AF_INET6. */
#ifndef _CR_SHIM_INET_H
#define _CR_SHIM_INET_H

struct sk_buff;
struct sock;

/* What such a socket can have that is refused by name: bit numbers. */
#define CR_INET_X_NET		0
#define CR_INET_X_FILTER	1
#define CR_INET_X_BPF		2
#define CR_INET_X_ULP		3
#define CR_INET_X_SIGNED	4
#define CR_INET_X_FASTOPEN	5
#define CR_INET_X_ERRORS	6
#define CR_INET_X_MEMBER	7
#define CR_INET_X_IPOPTIONS	8
#define CR_INET_X_POLICY	9
#define CR_INET_X_OPTION	10
#define CR_INET_X_SOURCES	11
#define CR_INET_X_CORKED	12
#define CR_INET_X_ENCAP		13
#define CR_INET_X_LABELS	14
#define CR_INET_X_DUMP		15
#define CR_INET_X_PROTOCOL	16
#define CR_INET_X_OPENER	17
#define CR_INET_X_DISCONNECTED	18
#define CR_INET_X_ROUTER	19
#define CR_INET_X_RING		20
#define CR_INET_X_FANOUT	21
#define CR_INET_X_DEVICE	22
#define CR_INET_X_PACKET	23
#define CR_INET_X_AUDITD	24

/**
 * struct cr_shim_inet - a socket, seen from the outside
 * @unsupported: CR_INET_X_*
 * @state: TCP_*
 * @waiting: connections that wait to be accepted, or are being made
 * @received: bytes that wait to be received
 * @unsent: bytes that wait to be sent, or acknowledged
 * @errors: errors that wait
 */
struct cr_shim_inet {
	u64 unsupported;
	u32 state;
	u32 waiting;
	u32 received;
	u32 unsent;
	u32 errors;
};

bool cr_shim_is_inet_socket(struct file *file);
bool cr_shim_is_socket(struct file *file);
const char *cr_shim_socket_name(struct file *file);
u64 cr_shim_sock_unsupported(const struct sock *sk);
struct sk_buff *cr_shim_sock_next(struct sock *sk, struct sk_buff *after);
struct sk_buff *cr_shim_sock_next_error(struct sock *sk, struct sk_buff *after);
struct sock *cr_shim_inet_of(struct file *file);
void cr_shim_inet_read(struct sock *sk, struct cr_shim_inet *info,
		       struct cr_img_inet *out);
int cr_shim_inet_getsockopt(struct sock *sk, u32 level, u32 name, void *value,
			    u32 len);
int cr_shim_inet_setsockopt(struct sock *sk, u32 level, u32 name, void *value,
			    u32 len);
struct file *cr_shim_inet_make(u32 family, u32 type, u32 protocol, u32 flags);
void cr_shim_inet_set_buffer(struct sock *sk, bool send, u32 size);
struct sock *cr_shim_tcp_waiting(struct sock *sk, u32 nr);
struct sock *cr_shim_tcp_peer(struct sock *sk, u64 *file);
int cr_shim_tcp_read(struct sock *sk, struct sock *peer, bool live,
		     struct cr_img_stream *out, u8 *buf, u32 room);
void cr_shim_tcp_set_urgent(struct sock *sk, const struct cr_img_stream *in, u8 byte);
void cr_shim_tcp_silence(struct sock *sk);
int cr_shim_tcp_connect(struct sock *sk, const struct cr_img_inet *in);
int cr_shim_tcp_send(struct sock *sk, const u8 *data, u32 len);
void cr_shim_tcp_end(struct sock *sk);
int cr_shim_tcp_shut_down(struct sock *sk);
void cr_shim_inet_set_v6only(struct sock *sk, bool only);
int cr_shim_inet_address(const struct sock *sk, const u8 *addr, u32 port,
			 void *out);
int cr_shim_inet_bind(struct sock *sk, const struct cr_img_inet *in);
int cr_shim_inet_connect(struct sock *sk, const struct cr_img_inet *in);
int cr_shim_inet_listen(struct sock *sk, u32 backlog);
int cr_shim_inet_set(struct sock *sk, const struct cr_img_inet *in);

/* raw.c: raw sockets, and those for ping. */
bool cr_shim_is_raw(const struct sock *sk);
bool cr_shim_is_ping(const struct sock *sk);
u32 cr_shim_ping_place(struct sock *sk);
u64 cr_shim_raw_unsupported(struct sock *sk);
int cr_shim_raw_getsockopt(const struct sock *sk, u32 level, u32 name, void *value,
			   u32 len);
void cr_shim_raw_hide(struct sock *sk);
void cr_shim_raw_show(struct sock *sk);

/* sockfilter.c: programs that sockets ask. */
u32 cr_shim_program_read(const struct sock *sk, u32 option, u64 *insns, u32 max);
bool cr_shim_has_ebpf(const struct sock *sk, u32 option);
int cr_shim_reuseport_place(const struct sock *sk);
bool cr_shim_has_lost_chooser(const struct sock *sk);
int cr_shim_program_attach(struct sock *sk, u32 option, const u64 *insns, u16 nr);

void cr_shim_udp_settle(void);
u64 cr_shim_udp_unsupported(struct sock *sk);
u32 cr_shim_udp_place(struct sock *sk);
int cr_shim_udp_getsockopt(const struct sock *sk, u32 name, void *value, u32 len);
int cr_shim_udp_multicast_if(const struct sock *sk, void *value, u32 len);
bool cr_shim_udp_has_odd_group(const struct sock *sk);
bool cr_shim_udp_group(struct sock *sk, bool v6, u32 nr, void *value);
u32 cr_shim_udp_sources(struct sock *sk, struct cr_img_source *out, u32 max);
int cr_shim_udp_add_source(struct sock *sk, const struct cr_img_source *in);
struct sk_buff *cr_shim_udp_next(struct sock *sk, struct sk_buff *after);
int cr_shim_udp_read(struct sock *sk, struct sk_buff *skb,
		     struct cr_img_datagram *out);
bool cr_shim_udp_is_odd(const struct sock *sk, struct sk_buff *skb);
void cr_shim_udp_read_packet(const struct sk_buff *skb, struct cr_img_datagram *out);
void cr_shim_udp_put_packet(struct sk_buff *skb, const struct cr_img_datagram *in,
			    u8 protocol);
int cr_shim_udp_copy(struct sk_buff *skb, void *buf, u32 len);
int cr_shim_udp_queue(struct sock *sk, const struct cr_img_datagram *in,
		      const void *data);
void cr_shim_udp_drain(struct sock *sk);
void cr_shim_udp_set_drops(struct sock *sk, u32 drops);

/* sockerr.c: errors that wait. */
int cr_shim_sockerr_read(struct sock *sk, struct sk_buff *skb,
			 struct cr_img_sockerr *out);
bool cr_shim_sockerr_read_mtu(const struct sock *sk, struct cr_img_sockerr *out);
int cr_shim_sockerr_queue(struct sock *sk, const struct cr_img_sockerr *in,
			  const void *data);

/* cork.c: datagrams of UDP sockets that are not complete. */
bool cr_shim_cork_is_odd(const struct sock *sk);
bool cr_shim_cork_read(struct sock *sk, struct cr_img_cork *out);
int cr_shim_cork_copy(struct sock *sk, u8 *buf, u32 len);
int cr_shim_cork_send(struct sock *sk, const struct cr_img_cork *in, const void *data);

#endif
