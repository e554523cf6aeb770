/* SPDX-License-Identifier: GPL-2.0 */
/* io_uring instances, their requests and their results. */
#ifndef URING_H
#define URING_H

#include "payload.h"
#include <linux/io_uring.h>

#ifndef IORING_SETUP_NO_SQARRAY
#define IORING_SETUP_NO_SQARRAY	(1U << 16)
#endif

struct ring {
	int fd;
	unsigned int *sq_head, *sq_tail, *sq_array, *cq_head, *cq_tail;
	unsigned int sq_mask, cq_mask;
	struct io_uring_sqe *sqes;
	struct io_uring_cqe *cqes;
};

MAYBE_UNUSED static void *map_ring(int fd, size_t length, off_t offset)
{
	return sure(mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, offset));
}

MAYBE_UNUSED static struct ring make(unsigned int entries, unsigned int flags)
{
	struct io_uring_params p = { .flags = flags };
	struct ring ring = { .fd = syscall(SYS_io_uring_setup, entries, &p) };
	char *at;

	if (ring.fd < 0) {
		payload_announce("skip io_uring is not possible here");
		_exit(4);
	}
	at = map_ring(ring.fd, p.cq_off.cqes + p.cq_entries * sizeof(*ring.cqes) +
		      p.sq_entries * sizeof(*ring.sq_array) + 64, IORING_OFF_SQ_RING);
	ring.sq_head = (void *)(at + p.sq_off.head);
	ring.sq_tail = (void *)(at + p.sq_off.tail);
	ring.sq_array = flags & IORING_SETUP_NO_SQARRAY ? NULL : (void *)(at + p.sq_off.array);
	ring.cq_head = (void *)(at + p.cq_off.head);
	ring.cq_tail = (void *)(at + p.cq_off.tail);
	ring.cqes = (void *)(at + p.cq_off.cqes);
	ring.sq_mask = p.sq_entries - 1;
	ring.cq_mask = p.cq_entries - 1;
	ring.sqes = map_ring(ring.fd, p.sq_entries * sizeof(*ring.sqes), IORING_OFF_SQES);
	return ring;
}

/* Requests that do nothing, number @from and following; they are not submitted. */
MAYBE_UNUSED static void prepare(struct ring *ring, int from, int nr)
{
	for (int i = from; i < from + nr; i++) {
		unsigned int at = *ring->sq_tail & ring->sq_mask;

		ring->sqes[at] = (struct io_uring_sqe){ .opcode = IORING_OP_NOP, .user_data = i };
		if (ring->sq_array)
			ring->sq_array[at] = at;
		__atomic_store_n(ring->sq_tail, *ring->sq_tail + 1, __ATOMIC_RELEASE);
	}
}

MAYBE_UNUSED static int enter(struct ring *ring, int nr, int wait)
{
	return syscall(SYS_io_uring_enter, ring->fd, nr, wait, wait ? IORING_ENTER_GETEVENTS : 0, NULL, 0);
}

MAYBE_UNUSED static void submit(struct ring *ring, int from, int nr)
{
	prepare(ring, from, nr);
	expect_eq(enter(ring, nr, nr), nr, "requests from %d on", from);
}

/* Whether that many results are there, from number @from on, and no more. */
MAYBE_UNUSED static bool fetch(struct ring *ring, int from, int nr)
{
	for (int i = from; i < from + nr; i++) {
		struct io_uring_cqe *cqe = &ring->cqes[*ring->cq_head & ring->cq_mask];

		if (*ring->cq_head == __atomic_load_n(ring->cq_tail, __ATOMIC_ACQUIRE) ||
		    cqe->user_data != (unsigned int)i || cqe->res)
			return false;
		__atomic_store_n(ring->cq_head, *ring->cq_head + 1, __ATOMIC_RELEASE);
	}
	return *ring->cq_head == *ring->cq_tail;
}

/* One request, which is submitted; its result. */
MAYBE_UNUSED static int request(struct ring *ring, struct io_uring_sqe sqe)
{
	int res;

	prepare(ring, 0, 1);
	sqe.user_data = 1;
	ring->sqes[(*ring->sq_tail - 1) & ring->sq_mask] = sqe;
	if (enter(ring, 1, 1) != 1)
		return -1000;
	res = ring->cqes[*ring->cq_head & ring->cq_mask].res;
	++*ring->cq_head;
	return res;
}

MAYBE_UNUSED static int ring_register(struct ring *ring, unsigned int what, void *arg,
				      unsigned int nr)
{
	return syscall(SYS_io_uring_register, ring->fd, what, arg, nr);
}

#endif /* URING_H */
