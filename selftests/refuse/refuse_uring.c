// SPDX-License-Identifier: GPL-2.0
/* What io_uring has that is refused by name: requests in progress, memory that is not what it was. */
#include "cases.h"
#include "uring.h"
#include <sys/eventfd.h>
#include <sys/uio.h>
#include <sys/wait.h>

static struct ring ring;
static int ends[2];
static char byte;

/* One to read from a pipe that has nothing. */
static struct io_uring_sqe reading(void)
{
	ring = make(4, 0);
	sure(pipe(ends));
	return (struct io_uring_sqe){
		.opcode = IORING_OP_READ, .fd = ends[0], .addr = (uintptr_t)&byte, .len = 1,
	};
}

static void put(struct io_uring_sqe sqe)
{
	prepare(&ring, 0, 1);
	ring.sqes[(*ring.sq_tail - 1) & ring.sq_mask] = sqe;
}

static void issue(int nr)
{
	expect_eq(enter(&ring, nr, 0), nr, "a request");
}

static void make_linked(void)
{
	struct io_uring_sqe sqe = reading();

	sqe.flags = IOSQE_IO_LINK;
	put(sqe);
	prepare(&ring, 1, 1);
	issue(2);
}

/* A worker sees to it that it waits. */
static void make_async(void)
{
	struct io_uring_sqe sqe = reading();

	sqe.flags = IOSQE_ASYNC;
	put(sqe);
	issue(1);
}

static void make_changed(void)
{
	static struct iovec vec = { &byte, 1 };
	struct io_uring_sqe sqe = reading();

	sqe.opcode = IORING_OP_READV;
	sqe.addr = (uintptr_t)&vec;
	put(sqe);
	issue(1);
	vec.iov_len = 0;
}

static void make_closed(void)
{
	static unsigned long long number;
	struct io_uring_sqe sqe = reading();

	sqe.fd = sure(eventfd(0, 0));
	sqe.addr = (uintptr_t)&number;
	sqe.len = sizeof(number);
	put(sqe);
	issue(1);
	sure(close(sqe.fd));
}

static int lives(void *unused)
{
	(void)unused;
	for (;;)
		pause();
	return 0;
}

/* A wait for a child that lives. */
static void make_kind(void)
{
	ring = make(4, 0);
	put((struct io_uring_sqe){ .opcode = IORING_OP_WAITID, .len = P_ALL, .file_index = WEXITED });
	child(lives, NULL);
	issue(1);
}

/* A ring of buffers, which is not where it was. */
static void make_provided(void)
{
	struct io_uring_buf_reg group = { .ring_entries = 4 };
	void *at = map_anon(PAGE, MAP_PRIVATE);

	ring = make(4, 0);
	group.ring_addr = (uintptr_t)at;
	sure(ring_register(&ring, IORING_REGISTER_PBUF_RING, &group, 1));
	sure(munmap(at, PAGE));
	*(char *)sure(mmap(at, PAGE, PROT_READ | PROT_WRITE,
			   MAP_ANONYMOUS | MAP_PRIVATE | MAP_FIXED, -1, 0)) = 1;
}

/* What is mapped is that of a group that is gone, and there is another one. */
static void make_gone(void)
{
	struct io_uring_buf_reg group = { .ring_entries = 4, .flags = IOU_PBUF_RING_MMAP };
	struct io_uring_buf_reg gone = { };

	ring = make(4, 0);
	sure(ring_register(&ring, IORING_REGISTER_PBUF_RING, &group, 1));
	map_ring(ring.fd, PAGE, IORING_OFF_PBUF_RING);
	sure(ring_register(&ring, IORING_UNREGISTER_PBUF_RING, &gone, 1));
	sure(ring_register(&ring, IORING_REGISTER_PBUF_RING, &group, 1));
}

/* Of the entries, the second page alone is mapped. */
static void make_parted(void)
{
	ring = make(128, 0);
	sure(munmap(ring.sqes, PAGE));
}

/* It goes on, and reads what comes. */
static void check_read(void)
{
	sure(write(ends[1], "r", 1));
	expect_eq(enter(&ring, 0, 1), 0, "it has ended");
	expect_eq(ring.cqes[*ring.cq_head & ring.cq_mask].res, 1, "it has read");
	expect(byte == 'r', "what it has read");
}

static const struct case_ cases[] = {
	{ "linked", "a request that is linked with others", make_linked, NULL },
	{ "async", "for workers|worker thread|neither wait", make_async, check_read },
	{ "changed", "whose vector or message header in memory was changed", make_changed, check_read },
	{ "closed", "a request for a file that is not open any more", make_closed, NULL },
	{ "provided", "ring of provided buffers whose memory was unmapped", make_provided, NULL },
	{ "gone", "memory of io_uring that is not the instance's", make_gone, NULL },
	{ "parted", "memory of io_uring that is not the instance's", make_parted, NULL },
	{ "kind", "has requests of io_uring in progress that neither wait", make_kind, NULL },
};

int main(int argc, char **argv)
{
	return run_cases(argc, argv, cases, ARRAY_SIZE(cases));
}
