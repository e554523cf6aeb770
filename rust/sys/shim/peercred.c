// SPDX-License-Identifier: GPL-2.0
/* Who is at the other end of a socket (SO_PEERCRED), or has sent something. */

#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/pid.h>
#include <linux/pidfs.h>
#include <net/sock.h>

#include "shim.h"

/* Who is at the other end, as @ns numbers it. */
void cr_shim_socket_read_peercred(struct sock *sk, struct pid_namespace *ns,
				  struct cr_img_socket *out)
{
	spin_lock(&sk->sk_peer_lock);
	if (sk->sk_peer_cred) {
		out->options |= CR_SOCKET_PEERCRED;
		out->peer_pid = pid_nr_ns(sk->sk_peer_pid, ns);
		out->peer_uid = from_kuid_munged(current_user_ns(),
						 sk->sk_peer_cred->euid);
		out->peer_gid = from_kgid_munged(current_user_ns(),
						 sk->sk_peer_cred->egid);
		out->nr_groups = sk->sk_peer_cred->group_info->ngroups;
	}
	spin_unlock(&sk->sk_peer_lock);
}

/* The groups of who is at the other end: how many there are. */
u32 cr_shim_socket_groups(struct sock *sk, u32 *groups, u32 max)
{
	const struct group_info *info;
	u32 n = 0;

	spin_lock(&sk->sk_peer_lock);
	if (sk->sk_peer_cred) {
		info = sk->sk_peer_cred->group_info;
		for (; n < info->ngroups && n < max; n++)
			groups[n] = from_kgid_munged(current_user_ns(),
						     info->gid[n]);
	}
	spin_unlock(&sk->sk_peer_lock);
	return n;
}

/* As SCM_CREDENTIALS: who may say that somebody else has sent something. */
bool cr_shim_may_be(kuid_t uid, kgid_t gid)
{
	return (!uid_valid(uid) || uid_eq(uid, current_uid()) ||
		ns_capable(current_user_ns(), CAP_SETUID)) &&
	       (!gid_valid(gid) || gid_eq(gid, current_gid()) ||
		ns_capable(current_user_ns(), CAP_SETGID));
}

/* The same, of ids as the caller knows them; they have to be some. */
bool cr_shim_may_send_as(u32 uid, u32 gid)
{
	kuid_t kuid = make_kuid(current_user_ns(), uid);
	kgid_t kgid = make_kgid(current_user_ns(), gid);

	return uid_valid(kuid) && gid_valid(kgid) && cr_shim_may_be(kuid, kgid);
}

static int set_group_list(struct cred *cred, const u32 *groups, u32 nr)
{
	struct group_info *info = groups_alloc(nr);
	int err = 0;
	u32 i;

	if (!info)
		return -ENOMEM;
	for (i = 0; i < nr; i++) {
		info->gid[i] = make_kgid(current_user_ns(), groups[i]);
		if (!gid_valid(info->gid[i]))
			err = -EINVAL;
	}
	if (!err && nr && !ns_capable(current_user_ns(), CAP_SETGID))
		err = -EPERM;
	if (!err) {
		groups_sort(info);
		set_groups(cred, info);
	}
	put_group_info(info);
	return err;
}

static struct cred *cred_of(const struct cr_img_socket *in, const u32 *groups)
{
	struct cred *cred = prepare_creds();
	int err;

	if (!cred)
		return ERR_PTR(-ENOMEM);
	cred->euid = make_kuid(current_user_ns(), in->peer_uid);
	cred->egid = make_kgid(current_user_ns(), in->peer_gid);
	err = uid_valid(cred->euid) && gid_valid(cred->egid) ? 0 : -EINVAL;
	if (!err && !cr_shim_may_be(cred->euid, cred->egid))
		err = -EPERM;
	err = err ?: set_group_list(cred, groups, in->nr_groups);
	if (err) {
		abort_creds(cred);
		return ERR_PTR(err);
	}
	return cred;
}

/* Whose it is at the other end. @pid may be NULL. */
int cr_shim_socket_set_peercred(struct sock *sk, struct pid *pid,
				const struct cr_img_socket *in,
				const u32 *groups)
{
	const struct cred *cred = NULL;
	int err;

	if (!(in->options & CR_SOCKET_PEERCRED)) {
		pid = NULL;
	} else {
		/* So that a pidfd of it can be had when it is gone. */
		err = pid && pid_has_task(pid, PIDTYPE_TGID) ?
			      pidfs_register_pid(pid) : 0;
		if (err)
			return err;
		cred = cred_of(in, groups);
		if (IS_ERR(cred))
			return PTR_ERR(cred);
		get_pid(pid);
	}
	spin_lock(&sk->sk_peer_lock);
	swap(sk->sk_peer_pid, pid);
	swap(sk->sk_peer_cred, cred);
	spin_unlock(&sk->sk_peer_lock);
	put_pid(pid);
	put_cred(cred);
	return 0;
}
