/* SPDX-License-Identifier: GPL-2.0 */
/* netlink.c: sockets of the family AF_NETLINK. */
#ifndef _CR_SHIM_NETLINK_H
#define _CR_SHIM_NETLINK_H

struct sk_buff;
struct sock;

bool cr_shim_is_netlink_socket(struct file *file);
struct sock *cr_shim_netlink_of(struct file *file);
u64 cr_shim_netlink_read(struct sock *sk, struct file *file,
			 struct cr_img_netlink *out);
int cr_shim_netlink_getsockopt(struct sock *sk, u32 name, void *value, u32 len);
u32 cr_shim_netlink_group(struct sock *sk, u32 after);
int cr_shim_netlink_message_read(struct sk_buff *skb,
				 struct cr_img_netlink_message *out);
struct file *cr_shim_netlink_make(const struct cr_img_netlink *in, u32 flags);
int cr_shim_netlink_queue(struct sock *sk, const struct cr_img_netlink_message *in,
			  const void *data);
int cr_shim_netlink_bind(struct sock *sk, const struct cr_img_netlink *in);
int cr_shim_netlink_set(struct sock *sk, const struct cr_img_netlink *in);

#endif
