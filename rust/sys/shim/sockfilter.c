// SPDX-License-Identifier: GPL-2.0
/* Programs of classic BPF that sockets ask: net/core/filter.c. */

#include <linux/filter.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/net.h>
#include <linux/socket.h>
#include <linux/sockptr.h>
#include <linux/uaccess.h>
#include <net/inet_sock.h>
#include <net/sock.h>
#include <net/sock_reuseport.h>
#include <net/tcp_states.h>

#include "shim.h"

/*
 * The program that @sk has by this option of setsockopt(2), or NULL. Caller holds
 * what keeps it: RCU for a filter, reuseport_lock for the other one, which a socket
 * of the outside at the same port can replace.
 */
static const struct bpf_prog *program_of(const struct sock *sk, u32 option)
{
	const struct sk_filter *filter = rcu_dereference(sk->sk_filter);
	const struct sock_reuseport *group =
		rcu_dereference(sk->sk_reuseport_cb);

	if (option == SO_ATTACH_FILTER)
		return filter ? filter->prog : NULL;
	return group && option == SO_ATTACH_REUSEPORT_CBPF ?
		       rcu_dereference(group->prog) : NULL;
}

static u32 read_program(const struct sock *sk, u32 option, u64 *insns, u32 max,
			bool *other)
{
	const struct sock_fprog_kern *original;
	const struct bpf_prog *program;
	u32 nr = 0;

	BUILD_BUG_ON(sizeof(*insns) != sizeof(struct sock_filter));
	BUILD_BUG_ON(CR_MAX_FILTER != BPF_MAXINSNS);

	rcu_read_lock();
	spin_lock_bh(&reuseport_lock);
	program = program_of(sk, option);
	original = program ? program->orig_prog : NULL;
	if (original) {
		nr = original->len;
		memcpy(insns, original->filter, min(nr, max) * sizeof(*insns));
	}
	*other = program && !original;
	spin_unlock_bh(&reuseport_lock);
	rcu_read_unlock();
	return nr;
}

/*
 * The program that @sk has by this option, of which at most @max instructions are
 * copied: how many there are.
 */
u32 cr_shim_program_read(const struct sock *sk, u32 option, u64 *insns, u32 max)
{
	bool other;

	return read_program(sk, option, insns, max, &other);
}

/* Has it one by this option that was not a classic one? */
bool cr_shim_has_ebpf(const struct sock *sk, u32 option)
{
	bool other;

	read_program(sk, option, NULL, 0, &other);
	return other;
}

/* Its place in the group that shares its port, or -1. */
int cr_shim_reuseport_place(const struct sock *sk)
{
	const struct sock_reuseport *group;
	int i, place = -1;

	rcu_read_lock();
	group = rcu_dereference(sk->sk_reuseport_cb);
	for (i = 0; group && i < group->num_socks; i++)
		if (group->socks[i] == sk)
			place = i;
	rcu_read_unlock();
	return place;
}

/*
 * Has the TCP socket @sk a program that chooses between those at its port, which a
 * restart cannot attach: of a group with others that listen no more, or to a
 * connection, or to one that shares no port by now?
 */
bool cr_shim_has_lost_chooser(const struct sock *sk)
{
	const struct sock_reuseport *group;
	bool closed;

	if (!cr_shim_program_read(sk, SO_ATTACH_REUSEPORT_CBPF, NULL, 0))
		return false;
	rcu_read_lock();
	group = rcu_dereference(sk->sk_reuseport_cb);
	closed = group && READ_ONCE(group->num_closed_socks);
	rcu_read_unlock();
	return closed || !sk->sk_reuseport ||
	       (sk->sk_state != TCP_LISTEN && sk->sk_state != TCP_CLOSE);
}

/*
 * Attaches a program, which setsockopt(2) takes from memory of the current task,
 * also if it may not be replaced later (SO_LOCK_FILTER). Nobody else has the socket
 * yet.
 */
int cr_shim_program_attach(struct sock *sk, u32 option, const u64 *insns, u16 nr)
{
	size_t len = nr * sizeof(*insns);
	bool locked = sock_flag(sk, SOCK_FILTER_LOCKED);
	struct sock_fprog program = { .len = nr };
	unsigned long at;
	int err = -EFAULT;

	at = vm_mmap(NULL, 0, PAGE_ALIGN(len), PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS, 0);
	if (IS_ERR_VALUE(at))
		return at;
	program.filter = (void __user *)at;
	if (!copy_to_user((void __user *)at, insns, len)) {
		sock_reset_flag(sk, SOCK_FILTER_LOCKED);
		err = cr_shim_inet_setsockopt(sk, SOL_SOCKET, option, &program,
					      sizeof(program));
		sock_valbool_flag(sk, SOCK_FILTER_LOCKED, locked);
	}
	vm_munmap(at, PAGE_ALIGN(len));
	return err;
}
