// SPDX-License-Identifier: GPL-2.0
/* Requests of io_uring in progress that are refused by name. */
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
	{ "kind", "has requests of io_uring in progress that neither wait", make_kind, NULL },
};

int main(int argc, char **argv)
{
	return run_cases(argc, argv, cases, ARRAY_SIZE(cases));
}
