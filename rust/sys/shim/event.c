// SPDX-License-Identifier: GPL-2.0
/* eventfd and epoll: fs/eventfd.c, fs/eventpoll.c. */

#include <linux/anon_inodes.h>
#include <linux/eventfd.h>
#include <linux/fs.h>
/* Wants the former. */
#include <linux/eventpoll.h>
#include <linux/fdtable.h>
#include <linux/file.h>
#include <linux/kref.h>
#include <linux/mman.h>
#include <linux/mutex.h>
#include <linux/net.h>
#include <linux/poll.h>
#include <linux/rbtree.h>
#include <linux/sched/signal.h>
#include <linux/wait.h>
#include <net/sock.h>
#include <asm/unistd_64.h>

#include "shim.h"
#include "event_types.h"

/* Those of an item that are not EPOLLET and the like. */
#define EVENTS_OF_POLL	0xffff

bool cr_shim_is_eventfd(struct file *file)
{
	struct eventfd_ctx *ctx = eventfd_ctx_fileget(file);

	if (IS_ERR(ctx))
		return false;
	eventfd_ctx_put(ctx);
	return true;
}

/* What other parts of the kernel have of it. */
u64 cr_shim_eventfd_identity(struct file *file)
{
	return (unsigned long)file->private_data;
}

/* -EBUSY when a part of the kernel signals it that is none of so many @rings. */
int cr_shim_eventfd_read(struct file *file, u32 rings, u64 *count, bool *semaphore)
{
	struct eventfd_ctx *ctx = file->private_data;

	if (kref_read(&ctx->kref) != 1 + rings)
		return -EBUSY;
	spin_lock_irq(&ctx->wqh.lock);
	*count = ctx->count;
	*semaphore = ctx->flags & EFD_SEMAPHORE;
	spin_unlock_irq(&ctx->wqh.lock);
	return 0;
}

/* The file behind a new descriptor, without the descriptor. */
struct file *cr_shim_without_fd(long fd)
{
	struct file *file;

	if (fd < 0)
		return ERR_PTR(fd);
	file = fget(fd);
	close_fd(fd);
	return file ?: ERR_PTR(-EBADF);
}

/*
 * A system call that wants to be told @arg, in memory that lasts as long as that, and
 * where it is as its argument number @place.
 */
long cr_shim_call_with(u32 nr, const u64 args[4], u32 place, const void *arg, size_t size)
{
	unsigned long at = vm_mmap(NULL, 0, PAGE_SIZE, PROT_READ | PROT_WRITE,
				   MAP_PRIVATE | MAP_ANONYMOUS, 0);
	u64 a[4] = { args[0], args[1], args[2], args[3] };
	long ret = -EFAULT;

	if (IS_ERR_VALUE(at))
		return at;
	a[place] = at;
	if (!copy_to_user((void __user *)at, arg, size))
		ret = cr_shim_syscall(nr, a[0], a[1], a[2], a[3], 0, 0);
	vm_munmap(at, PAGE_SIZE);
	return ret;
}

/* What such a call makes, of which that is the second argument, and its size the third. */
struct file *cr_shim_make_with(u32 nr, u32 first, const void *arg, size_t size)
{
	const u64 args[4] = { first, 0, size };

	return cr_shim_without_fd(cr_shim_call_with(nr, args, 1, arg, size));
}

struct file *cr_shim_eventfd_make(u64 count, bool semaphore)
{
	int flags = semaphore ? EFD_CLOEXEC | EFD_SEMAPHORE : EFD_CLOEXEC;
	struct file *file;

	file = cr_shim_without_fd(cr_shim_syscall(__NR_eventfd2, 0, flags, 0, 0,
						  0, 0));
	if (IS_ERR(file))
		return file;
	/* Somebody else may have had the descriptor in between. */
	if (cr_shim_is_eventfd(file)) {
		struct eventfd_ctx *ctx = file->private_data;

		spin_lock_irq(&ctx->wqh.lock);
		ctx->count = count;
		spin_unlock_irq(&ctx->wqh.lock);
		return file;
	}
	fput(file);
	return ERR_PTR(-EBADF);
}

bool cr_shim_is_epoll(struct file *file)
{
	return is_file_epoll(file);
}

/*
 * The signal actions of who is told of signals by an item: the lock of the
 * instance keeps its entries. Nobody, if they are gone.
 */
static u64 signals_of(const struct epitem *epi)
{
	const struct eppoll_entry *entry = epi->pwqlist;
	wait_queue_head_t *head;

	if (!cr_shim_is_signalfd(epi->ffd.file))
		return 0;
	head = entry ? READ_ONCE(entry->whead) : NULL;
	return head ? (unsigned long)container_of(head, struct sighand_struct,
						  signalfd_wqh) : U64_MAX;
}

/*
 * What a TCP socket has of @events. Its restart changes that: what is on its way comes,
 * and what is left to be sent may need less room. This takes no locks.
 */
static u32 events_of_tcp(struct file *file, u32 events)
{
	struct poll_table_struct table;

	init_poll_funcptr(&table, NULL);
	table._key = (__force __poll_t)events;
	return (__force u32)vfs_poll(file, &table) & events;
}

static bool is_tcp(struct file *file)
{
	struct socket *sock = sock_from_file(file);

	return sock && sk_is_tcp(sock->sk);
}

/* What a TCP socket is watched for, and does not have. */
static u32 missing_of(const struct epitem *epi)
{
	u32 events = epi->event.events & EVENTS_OF_POLL;

	return is_tcp(epi->ffd.file) ?
		       events & ~events_of_tcp(epi->ffd.file, events) : 0;
}

/* Does a TCP socket have some of @missing by now? */
static bool has_come(struct file *file, u32 missing)
{
	return missing && is_tcp(file) && events_of_tcp(file, missing);
}

static void item_read(const struct epitem *epi, bool ready,
		      struct cr_img_epoll_item *out)
{
	out->file = (unsigned long)epi->ffd.file;
	out->signals = signals_of(epi);
	out->data = epi->event.data;
	out->fd = epi->ffd.fd;
	out->events = epi->event.events;
	out->ready = ready;
	out->missing = ready ? 0 : missing_of(epi);
}

/*
 * What @file watches, with identities for files: those that are ready first, in
 * the order in which they have become so. Returns how many there are, of which
 * as many as fit are written; -EOPNOTSUPP when it polls devices.
 */
int cr_shim_epoll_read(struct file *file, struct cr_img_epoll_item *out, u32 max)
{
	struct eventpoll *ep = file->private_data;
	struct rb_node *node;
	struct epitem *epi;
	int nr = 0;

#ifdef CONFIG_NET_RX_BUSY_POLL
	if (ep->busy_poll_usecs || ep->busy_poll_budget || ep->prefer_busy_poll)
		return -EOPNOTSUPP;
#endif
	/* Nobody passes events on, or adds and removes items. */
	mutex_lock(&ep->mtx);
	spin_lock_irq(&ep->lock);
	list_for_each_entry(epi, &ep->rdllist, rdllink) {
		if (nr < max)
			item_read(epi, true, &out[nr]);
		nr++;
	}
	for (node = rb_first_cached(&ep->rbr); node; node = rb_next(node)) {
		epi = rb_entry(node, struct epitem, rbn);
		if (!list_empty(&epi->rdllink))
			continue;
		if (nr < max)
			item_read(epi, false, &out[nr]);
		nr++;
	}
	spin_unlock_irq(&ep->lock);
	mutex_unlock(&ep->mtx);
	return nr;
}

struct file *cr_shim_epoll_make(void)
{
	struct file *file;

	file = cr_shim_without_fd(cr_shim_syscall(__NR_epoll_create1,
						  EPOLL_CLOEXEC, 0, 0, 0, 0,
						  0));
	if (IS_ERR(file) || is_file_epoll(file))
		return file;
	fput(file);
	return ERR_PTR(-EBADF);
}

/* As fs/eventpoll.c:ep_find(). Caller holds the mutex. */
static struct epitem *item_find(struct eventpoll *ep, const struct epoll_key *key)
{
	struct rb_node *node = ep->rbr.rb_root.rb_node;

	while (node) {
		struct epitem *epi = rb_entry(node, struct epitem, rbn);

		if (epi->ffd.file == key->file && epi->ffd.fd == key->fd)
			return epi;
		if (key->file > epi->ffd.file ||
		    (key->file == epi->ffd.file && key->fd > epi->ffd.fd))
			node = node->rb_right;
		else
			node = node->rb_left;
	}
	return NULL;
}

/*
 * Lets @file watch @target again. @consumed: what is ready of it by now has been
 * told already, but for what was missing.
 */
int cr_shim_epoll_add(struct file *file, struct file *target,
		      const struct cr_img_epoll_item *in, bool consumed)
{
	struct eventpoll *ep = file->private_data;
	struct epoll_event event = { .events = in->events, .data = in->data };
	struct epoll_key key = { .file = target, .fd = in->fd };
	struct epitem *epi;
	int err;

	err = do_epoll_ctl_file(file, EPOLL_CTL_ADD, &key, &event, false);
	if (err)
		return err;
	mutex_lock(&ep->mtx);
	epi = item_find(ep, &key);
	if (epi) {
		spin_lock_irq(&ep->lock);
		/* One that is disabled (EPOLLONESHOT) waits for nothing at all. */
		epi->event.events = (in->events & ~EPOLLWAKEUP) |
				    (epi->event.events & EPOLLWAKEUP);
		/* What comes now waits for the lock, to say so. */
		if (consumed && !has_come(target, in->missing))
			list_del_init(&epi->rdllink);
		spin_unlock_irq(&ep->lock);
	}
	mutex_unlock(&ep->mtx);
	return epi ? 0 : -ENOENT;
}

/* Puts an item behind all others that are ready, ready as it has been or not. */
int cr_shim_epoll_ready_last(struct file *file, struct file *target, u32 fd)
{
	struct eventpoll *ep = file->private_data;
	struct epoll_key key = { .file = target, .fd = fd };
	struct epitem *epi;

	mutex_lock(&ep->mtx);
	epi = item_find(ep, &key);
	if (epi) {
		spin_lock_irq(&ep->lock);
		list_move_tail(&epi->rdllink, &ep->rdllist);
		spin_unlock_irq(&ep->lock);
	}
	mutex_unlock(&ep->mtx);
	return epi ? 0 : -ENOENT;
}
