// SPDX-License-Identifier: GPL-2.0
/* Names of sockets of the family AF_UNIX, and how they are found by them. */

#include <linux/fs.h>
#include <linux/socket.h>
#include <net/af_unix.h>
#include <net/checksum.h>
#include <net/sock.h>

#include "shim.h"

#define NAME_OFFSET	offsetof(struct sockaddr_un, sun_path)

/* Tables have a half for names in the file system, and none, and one for others. */
#define HASH_HALF	256

extern struct hlist_head bsd_socket_buckets[HASH_HALF];
extern spinlock_t bsd_socket_locks[HASH_HALF];

static unsigned int unbound_hash(const struct sock *sk)
{
	unsigned long hash = (unsigned long)sk;

	hash ^= hash >> 16;
	hash ^= hash >> 8;
	hash ^= sk->sk_type;
	return hash & (HASH_HALF - 1);
}

static unsigned int abstract_hash(const struct unix_address *addr, int type)
{
	unsigned int hash;

	hash = (__force unsigned int)csum_fold(csum_partial(addr->name,
							    addr->len, 0));
	hash ^= hash >> 8;
	hash ^= type;
	return HASH_HALF + (hash & (HASH_HALF - 1));
}

static void lock_both(struct unix_table *table, unsigned int a, unsigned int b)
{
	if (a > b)
		swap(a, b);
	spin_lock(&table->locks[a]);
	if (a != b)
		spin_lock_nested(&table->locks[b], SINGLE_DEPTH_NESTING);
}

static void unlock_both(struct unix_table *table, unsigned int a, unsigned int b)
{
	spin_unlock(&table->locks[a]);
	if (a != b)
		spin_unlock(&table->locks[b]);
}

/* Caller holds the lock of the bucket. */
static bool is_taken(const struct hlist_head *bucket, const struct sock *by,
		     const struct unix_address *addr)
{
	const struct sock *sk;

	sk_for_each(sk, bucket) {
		const struct unix_address *other = unix_sk(sk)->addr;

		if (sk != by && other && other->len == addr->len &&
		    !memcmp(other->name, addr->name, addr->len))
			return true;
	}
	return false;
}

/* Lets those find @sk who look for the inode of its path. */
static int insert_inode(struct sock *sk, const struct inode *inode)
{
	struct hlist_head *bucket = &bsd_socket_buckets[sk->sk_hash];
	struct sock *other;
	int err = 0;

	spin_lock(&bsd_socket_locks[sk->sk_hash]);
	sk_for_each_bound(other, bucket) {
		const struct dentry *dentry = unix_sk(other)->path.dentry;

		if (dentry && d_backing_inode(dentry) == inode)
			err = -EADDRINUSE;
	}
	if (!err)
		sk_add_bind_node(sk, bucket);
	spin_unlock(&bsd_socket_locks[sk->sk_hash]);
	return err;
}

static int may_bind(const struct path *path)
{
	struct inode *inode = d_backing_inode(path->dentry);

	if (!S_ISSOCK(inode->i_mode))
		return -ENOTSOCK;
	if (!inode_owner_or_capable(mnt_idmap(path->mnt), inode))
		return -EPERM;
	return inode_permission(mnt_idmap(path->mnt), inode, MAY_WRITE);
}

/* Whether @sk, which has a name, is found by it. */
bool cr_shim_socket_is_bound(const struct sock *sk)
{
	return sk->sk_hash >= HASH_HALF ||
	       !hlist_unhashed(&sk->sk_bind_node);
}

/*
 * Gives @sk a name, in place of one that it has only from this module. @bound:
 * it is to be found by it. -EADDRINUSE: somebody else is.
 */
int cr_shim_socket_set_name(struct sock *sk, const void *name, u32 len,
			    const struct path *path, bool bound)
{
	struct unix_table *table = &sock_net(sk)->unx.table;
	struct unix_sock *u = unix_sk(sk);
	struct unix_address *addr = NULL, *old_addr;
	unsigned int hash = unbound_hash(sk), old_hash;
	struct path old_path;
	int err = 0;

	if (path && bound)
		err = may_bind(path);
	if (err)
		return err;
	if (len) {
		addr = kzalloc(sizeof(*addr) + NAME_OFFSET + len, GFP_KERNEL);
		if (!addr)
			return -ENOMEM;
		refcount_set(&addr->refcnt, 1);
		addr->len = NAME_OFFSET + len;
		addr->name->sun_family = AF_UNIX;
		unsafe_memcpy((u8 *)addr->name + NAME_OFFSET, name, len,
			      /* As long as was allocated. */);
	}
	if (addr && bound)
		hash = path ? d_backing_inode(path->dentry)->i_ino &
				      (HASH_HALF - 1) :
			      abstract_hash(addr, sk->sk_type);

	mutex_lock(&u->bindlock);
	old_hash = sk->sk_hash;
	lock_both(table, old_hash, hash);
	if (hash >= HASH_HALF && is_taken(&table->buckets[hash], sk, addr)) {
		unlock_both(table, old_hash, hash);
		mutex_unlock(&u->bindlock);
		kfree(addr);
		return -EADDRINUSE;
	}
	old_path = u->path;
	old_addr = u->addr;
	u->path = path ? *path : (struct path){};
	if (path)
		path_get(&u->path);
	sk_del_node_init(sk);
	smp_store_release(&u->addr, addr);
	sk->sk_hash = hash;
	sk_add_node(sk, &table->buckets[hash]);
	unlock_both(table, old_hash, hash);
	if (path && bound)
		err = insert_inode(sk, d_backing_inode(path->dentry));
	mutex_unlock(&u->bindlock);
	if (old_path.dentry)
		path_put(&old_path);
	if (old_addr && refcount_dec_and_test(&old_addr->refcnt))
		kfree(old_addr);
	return err;
}
