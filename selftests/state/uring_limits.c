// SPDX-License-Identifier: GPL-2.0
/*
 * io_uring instances that are not for everything: with restrictions, one of which has
 * a request that waits; disabled ones, with restrictions or for a single thread.
 */
#include "payload.h"
#include "uring.h"
#include <poll.h>
#include <sys/eventfd.h>

static struct ring few, required, single, nothing;
static int ends[2];

static void restrict_ring(struct ring *ring, struct io_uring_restriction *allowed, int nr)
{
	sure(ring_register(ring, IORING_REGISTER_RESTRICTIONS, allowed, nr));
}

static int enable(struct ring *ring)
{
	return ring_register(ring, IORING_REGISTER_ENABLE_RINGS, NULL, 0);
}

/* The result of a request that says nothing but that. */
static int submit_one(struct ring *ring, int opcode, int flags)
{
	return request(ring, (struct io_uring_sqe){ .opcode = opcode, .flags = flags });
}

/* A ring that allows to do nothing, to wait for files, and to ask. */
static void make_few(void)
{
	struct io_uring_restriction allowed[] = {
		{ .opcode = IORING_RESTRICTION_SQE_OP, .sqe_op = IORING_OP_NOP },
		{ .opcode = IORING_RESTRICTION_SQE_OP, .sqe_op = IORING_OP_POLL_ADD },
		{ .opcode = IORING_RESTRICTION_SQE_FLAGS_ALLOWED, .sqe_flags = IOSQE_ASYNC },
		{ .opcode = IORING_RESTRICTION_REGISTER_OP, .register_op = IORING_REGISTER_EVENTFD },
	};

	few = make(4, IORING_SETUP_R_DISABLED);
	restrict_ring(&few, allowed, ARRAY_SIZE(allowed));
	sure(enable(&few));
	sure(pipe(ends));
	prepare(&few, 0, 1);
	few.sqes[(*few.sq_tail - 1) & few.sq_mask] = (struct io_uring_sqe){
		.opcode = IORING_OP_POLL_ADD, .fd = ends[0], .poll32_events = POLLIN,
	};
	expect_eq(enter(&few, 1, 0), 1, "a request");
}

static void check_few(void)
{
	int event = sure(eventfd(0, 0));
	struct io_uring_sqe read = { .opcode = IORING_OP_READ, .fd = ends[0] };

	sure(write(ends[1], "x", 1));
	expect_eq(enter(&few, 0, 1), 0, "it waits");
	expect_eq(few.cqes[*few.cq_head & few.cq_mask].res, POLLIN, "what has waited");
	++*few.cq_head;
	expect_eq(submit_one(&few, IORING_OP_NOP, 0), 0, "a request that is allowed");
	expect_eq(submit_one(&few, IORING_OP_NOP, IOSQE_ASYNC), 0, "a flag that is allowed");
	expect_eq(submit_one(&few, IORING_OP_NOP, IOSQE_CQE_SKIP_SUCCESS), -EACCES, "a flag that is not");
	expect_eq(request(&few, read), -EACCES, "a request that is not allowed");
	expect_eq(ring_register(&few, IORING_REGISTER_EVENTFD, &event, 1), 0,
		  "what may be registered");
	expect_errno(ring_register(&few, IORING_UNREGISTER_EVENTFD, NULL, 0), EACCES,
		     "what may not be done");
}

/* Disabled, with a flag that all requests must have, once they may come. */
static void make_required(void)
{
	struct io_uring_restriction allowed[] = {
		{ .opcode = IORING_RESTRICTION_SQE_OP, .sqe_op = IORING_OP_NOP },
		{ .opcode = IORING_RESTRICTION_SQE_FLAGS_REQUIRED, .sqe_flags = IOSQE_ASYNC },
	};

	required = make(4, IORING_SETUP_R_DISABLED);
	restrict_ring(&required, allowed, ARRAY_SIZE(allowed));
}

static void check_required(void)
{
	struct io_uring_restriction none = { };

	expect_errno(enter(&required, 0, 0), EBADFD, "it is disabled");
	expect_errno(ring_register(&required, IORING_REGISTER_RESTRICTIONS, &none, 1), EBUSY,
		     "it is restricted already");
	expect_eq(enable(&required), 0, "it is enabled");
	expect_eq(submit_one(&required, IORING_OP_NOP, 0), -EACCES, "a flag that is missing");
	expect_eq(submit_one(&required, IORING_OP_NOP, IOSQE_ASYNC), 0, "a flag that is required");
	expect_errno(enable(&required), EBADFD, "it is enabled once");
}

static int enables(void *unused)
{
	(void)unused;
	expect_eq(enable(&single), 0, "who enables it");
	submit(&single, 1, 1);
	expect(fetch(&single, 1, 1), "may submit requests");
	return 0;
}

static void check_single(void)
{
	struct io_uring_restriction none = { };
	int status;

	expect_errno(enter(&single, 0, 0), EBADFD, "one for a single thread is disabled");
	expect_eq(submit_one(&nothing, IORING_OP_NOP, 0), -EACCES, "nothing is allowed");
	expect_errno(ring_register(&nothing, IORING_REGISTER_RESTRICTIONS, &none, 1), EACCES,
		     "nor may anything be registered");
	sure(waitpid(child(enables, NULL), &status, 0));
	expect_eq(status, 0, "who enabled it");
	prepare(&single, 2, 1);
	expect_errno(enter(&single, 1, 1), EEXIST, "another process may not");
}

int main(int argc, char **argv)
{
	payload_begin(argc, argv);
	make_few();
	make_required();
	single = make(4, IORING_SETUP_R_DISABLED | IORING_SETUP_SINGLE_ISSUER |
			 IORING_SETUP_DEFER_TASKRUN);
	nothing = make(4, IORING_SETUP_R_DISABLED);
	/* Restrictions that allow nothing. */
	restrict_ring(&nothing, (struct io_uring_restriction []){ { } }, 0);
	sure(enable(&nothing));
	if (pause_here()) {
		submit_one(&few, IORING_OP_NOP, IOSQE_ASYNC);
		sure(enable(&required));
		sure(enable(&single));
	}
	check_few();
	check_required();
	check_single();
	return payload_end();
}
