/* SPDX-License-Identifier: GPL-2.0 */
/* packet.c: sockets of the family AF_PACKET. */
#ifndef _CR_SHIM_PACKET_H
#define _CR_SHIM_PACKET_H

struct sk_buff;
struct sock;

bool cr_shim_is_packet_socket(struct file *file);
struct sock *cr_shim_packet_of(struct file *file);
u64 cr_shim_packet_read(struct sock *sk, struct cr_img_link *out);
int cr_shim_packet_getsockopt(const struct sock *sk, u32 name, void *value, u32 len);
bool cr_shim_packet_group(struct sock *sk, u32 nr, void *value);
int cr_shim_packet_frame_read(struct sk_buff *skb, struct cr_img_frame *out);
int cr_shim_packet_queue(struct sock *sk, const struct cr_img_frame *in,
			 const void *data);
int cr_shim_packet_bind(struct sock *sk, const struct cr_img_link *in);
int cr_shim_packet_set(struct sock *sk, const struct cr_img_link *in);

#endif
