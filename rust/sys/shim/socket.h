/* SPDX-License-Identifier: GPL-2.0 */
/* socket.c: sockets of the family AF_UNIX. */
#ifndef _CR_SHIM_SOCKET_H
#define _CR_SHIM_SOCKET_H

struct sk_buff;
struct sock;
struct socket;

/* What a socket can have that is refused by name: bit numbers. */
#define CR_SOCKET_X_FILTER	0
#define CR_SOCKET_X_BPF		1
#define CR_SOCKET_X_PASSSEC	3
#define CR_SOCKET_X_NET		4
#define CR_SOCKET_X_OPTION	5

/**
 * struct cr_shim_socket - a socket, seen from the outside
 * @unsupported: CR_SOCKET_X_*
 * @peer: identity of the one it is connected to, 0 if there is none
 * @peer_gone: that one is closed
 * @peer_name_len: bytes of its name
 * @has_path: its name is, or was, in the file system
 * @peer_name: as in struct sockaddr_un
 * @name: the same of the socket itself
 */
struct cr_shim_socket {
	u64 unsupported;
	u64 peer;
	bool peer_gone;
	bool has_path;
	u32 peer_name_len;
	u8 peer_name[CR_SOCKET_NAME_MAX];
	u8 name[CR_SOCKET_NAME_MAX];
};

/**
 * struct cr_shim_message - what waits in a socket
 * @sender: identity of the socket that has sent it
 * @sender_gone: that one is closed
 * @name: of the sender, as in struct sockaddr_un
 */
struct cr_shim_message {
	u64 sender;
	bool sender_gone;
	u8 name[CR_SOCKET_NAME_MAX];
};

bool cr_shim_is_unix_socket(struct file *file);
bool cr_shim_socket_sleep(struct file *file, bool send, bool *stream,
			  u64 *timeout_ns);
struct sock *cr_shim_socket_of(struct file *file);
bool cr_shim_socket_listens(struct sock *sk);
void cr_shim_socket_hold(struct sock *sk);
void cr_shim_socket_put(struct sock *sk);
void cr_shim_socket_read(struct sock *sk, struct pid_namespace *ns,
			 struct cr_shim_socket *info, struct cr_img_socket *out);
void cr_shim_socket_read_peercred(struct sock *sk, struct pid_namespace *ns,
				  struct cr_img_socket *out);
u32 cr_shim_socket_groups(struct sock *sk, u32 *groups, u32 max);
int cr_shim_socket_path(struct sock *sk, struct path *path);

u32 cr_shim_copy_name(const struct sock *sk, u8 *name);
void cr_shim_message_hold(struct sk_buff *skb);
void cr_shim_message_put(struct sk_buff *skb);
void cr_shim_message_read(struct sk_buff *skb, struct pid_namespace *ns,
			  struct cr_shim_message *info,
			  struct cr_img_message *out);
u32 cr_shim_message_urgency(const struct sock *sk, const struct sk_buff *skb);
int cr_shim_message_set_urgency(struct sock *sk, u32 flags);
int cr_shim_message_copy(struct sk_buff *skb, u32 from, void *buf, u32 len);
struct file *cr_shim_message_file(struct sk_buff *skb, u32 index);
struct sock *cr_shim_message_socket(struct sk_buff *skb);

struct file *cr_shim_socket_make(u32 type, u32 flags);
struct socket *cr_shim_socket_temporary(u32 type);
struct sock *cr_shim_socket_sk(struct socket *sock);
void cr_shim_socket_release(struct socket *sock);
int cr_shim_socket_listen(struct sock *sk);
struct sock *cr_shim_socket_connect(struct sock *sk, struct sock *listener);
int cr_shim_socket_pair(struct sock *a, struct sock *b);
int cr_shim_socket_set_peer(struct sock *sk, struct sock *peer);
int cr_shim_socket_send(struct sock *from, struct sock *to, const void *data,
			u32 len, struct file **files, u32 nr_files, u64 time_ns);
bool cr_shim_socket_is_bound(const struct sock *sk);
int cr_shim_socket_set_name(struct sock *sk, const void *name, u32 len,
			    const struct path *path, bool bound);
bool cr_shim_may_be(kuid_t uid, kgid_t gid);
bool cr_shim_may_send_as(u32 uid, u32 gid);
int cr_shim_socket_own(struct sock *sk, u32 owner, u32 group, u32 mode);
int cr_shim_socket_set(struct sock *sk, const struct cr_img_socket *in);
int cr_shim_socket_set_peercred(struct sock *sk, struct pid *pid,
				const struct cr_img_socket *in,
				const u32 *groups);
int cr_shim_message_set_cred(struct sk_buff *skb, struct pid *pid,
			     const struct cr_img_message *in);

#endif
