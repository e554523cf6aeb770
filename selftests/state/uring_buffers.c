// SPDX-License-Identifier: GPL-2.0
/*
 * Buffers that are provided to io_uring: in rings, in private memory, in a memfd and
 * in memory of the kernel that a child has mapped, too; used up bit by bit; without a
 * ring, in the order in which they come next, and a group that has none any more.
 */
#include "payload.h"
#include "uring.h"

#ifndef IOU_PBUF_RING_INC
#define IOU_PBUF_RING_INC	2
#endif

#define LENGTH	64

/* struct io_uring_buf_reg, with all that it has by now. */
struct group {
	__u64 addr;
	__u32 places;
	__u16 id, flags;
	__u32 min_left;
	__u32 reserved[5];
};

/* The last member of the first place is its tail. */
struct place {
	__u64 addr;
	__u32 length;
	__u16 id, tail;
};

enum { PRIVATE = 1, SHARED, KERNEL, BIT_BY_BIT, LIST = 7, NONE, GONE = 65535 };

static struct ring ring, alone;
static struct place *rings[BIT_BY_BIT + 1];
static char *memory;
static int ends[2];

static void put_buffer(struct place *places, char *at, int id, int length)
{
	__u16 tail = places->tail;
	struct place *place = places + tail % 4;

	place->addr = (uintptr_t)at;
	place->length = length;
	place->id = id;
	__atomic_store_n(&places->tail, tail + 1, __ATOMIC_RELEASE);
}

static void register_group(struct ring *to, struct group group)
{
	group.places = 4;
	sure(ring_register(to, IORING_REGISTER_PBUF_RING, &group, 1));
}

static void *map_group(struct ring *of, int group)
{
	return map_ring(of->fd, PAGE, IORING_OFF_PBUF_RING | (__u64)group << IORING_OFF_PBUF_SHIFT);
}

/* One request about a group without a ring. */
static int manage(int opcode, int group, int nr, char *at, int id)
{
	return request(&ring, (struct io_uring_sqe){
		.opcode = opcode, .fd = nr, .addr = (uintptr_t)at, .len = at ? LENGTH : 0,
		.off = id, .buf_group = group,
	});
}

/* Some bytes into a buffer of a group; its number, or what went wrong. */
static int receive(struct ring *by, int group, const char *text)
{
	struct io_uring_cqe *cqe = &by->cqes[*by->cq_head & by->cq_mask];
	int len = strlen(text), res;

	sure(write(ends[1], text, len));
	res = request(by, (struct io_uring_sqe){
		.opcode = IORING_OP_READ, .flags = IOSQE_BUFFER_SELECT, .fd = ends[0],
		.off = -1, .buf_group = group,
	});
	if (res == len && cqe->flags & IORING_CQE_F_BUFFER)
		return cqe->flags >> IORING_CQE_BUFFER_SHIFT;
	return res < 0 ? res : -1000;
}

static int head_of(struct ring *of, int group)
{
	__u32 status[10] = { group };

	return ring_register(of, 26, status, 1) ? -errno : (int)status[1];
}

static void make_rings(void)
{
	int memfd = sure(memfd_create("ring", 0));

	rings[PRIVATE] = map_anon(2 * PAGE, MAP_PRIVATE);
	rings[PRIVATE] += PAGE / sizeof(struct place);
	sure(ftruncate(memfd, 3 * PAGE));
	rings[SHARED] = sure(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, memfd, 2 * PAGE));
	register_group(&ring, (struct group){ (uintptr_t)rings[PRIVATE], .id = PRIVATE });
	register_group(&ring, (struct group){ (uintptr_t)rings[SHARED], .id = SHARED });
	register_group(&ring, (struct group){ .id = KERNEL, .flags = IOU_PBUF_RING_MMAP });
	register_group(&alone, (struct group){
		.id = BIT_BY_BIT, .flags = IOU_PBUF_RING_MMAP | IOU_PBUF_RING_INC, .min_left = 8,
	});
	rings[KERNEL] = map_group(&ring, KERNEL);
	rings[BIT_BY_BIT] = map_group(&alone, BIT_BY_BIT);
	/* What is behind the places is the program's. */
	strcpy((char *)(rings[KERNEL] + 4), "behind");
	for (int group = PRIVATE; group <= BIT_BY_BIT; group++)
		for (int i = 0; i < 3; i++)
			put_buffer(rings[group], memory + (4 * group + i) * LENGTH, 10 * group + i, LENGTH);
}

static void use_rings(void)
{
	expect_eq(receive(&ring, PRIVATE, "a"), 10, "a buffer of a ring");
	expect_eq(receive(&ring, KERNEL, "b"), 30, "a buffer of a ring of the kernel");
	expect_eq(receive(&ring, KERNEL, "c"), 31, "another one");
	expect_eq(receive(&alone, BIT_BY_BIT, "first"), 40, "a part of a buffer");
}

static void make_lists(void)
{
	expect_eq(manage(IORING_OP_PROVIDE_BUFFERS, LIST, 3, memory, 65533), 0, "three buffers");
	expect_eq(manage(IORING_OP_PROVIDE_BUFFERS, LIST, 2, memory + 9 * LENGTH, 5), 0, "two buffers");
	expect_eq(receive(&ring, LIST, "d"), 65533, "a buffer without a ring");
	expect_eq(manage(IORING_OP_PROVIDE_BUFFERS, NONE, 1, memory, 0), 0, "a buffer");
	expect_eq(manage(IORING_OP_REMOVE_BUFFERS, NONE, 1, NULL, 0), 1, "and none");
}

static void check_rings(void)
{
	char *rest;

	expect_eq(head_of(&ring, PRIVATE), 1, "head of a ring");
	expect_eq(head_of(&ring, SHARED), 0, "head of a ring in a memfd");
	expect_eq(head_of(&ring, KERNEL), 2, "head of a ring of the kernel");
	expect_eq(head_of(&alone, BIT_BY_BIT), 0, "head of a ring that is used bit by bit");
	expect_eq(receive(&ring, PRIVATE, "private"), 11, "the next buffer of a ring");
	expect(!strcmp(memory + 5 * LENGTH, "private"), "what is in it");
	expect_eq(receive(&ring, SHARED, "shared"), 20, "a buffer of a ring in a memfd");
	expect_eq(receive(&ring, KERNEL, "kernel"), 32, "the next buffer of a ring of the kernel");
	expect_eq(receive(&ring, KERNEL, "more"), -ENOBUFS, "there are no more");
	expect_eq(read(ends[0], memory, 4), 4, "what was for it");
	put_buffer(rings[KERNEL], memory, 99, LENGTH);
	expect_eq(receive(&ring, KERNEL, "again"), 99, "a buffer that was put there since");
	expect(!strcmp((char *)(rings[KERNEL] + 4), "behind"), "what is behind the places");
	rest = memory + 16 * LENGTH;
	expect_eq(receive(&alone, BIT_BY_BIT, "second"), 40, "another part of a buffer");
	expect(!strcmp(rest, "firstsecond"), "parts after one another");
	expect_eq(rings[BIT_BY_BIT]->length, LENGTH - 11, "what is left of it");
	expect_eq(receive(&alone, BIT_BY_BIT, "01234567890123456789012345678901234567890123456"), 40,
		  "all but a few bytes");
	expect_eq(receive(&alone, BIT_BY_BIT, "last"), 41, "with few bytes left, it is used up");
}

static void check_lists(void)
{
	expect_eq(receive(&ring, LIST, "list"), 65534, "the next buffer without a ring");
	expect(!strcmp(memory + LENGTH, "list"), "what is in that");
	expect_eq(receive(&ring, LIST, "e"), 65535, "the one after it");
	expect_eq(receive(&ring, LIST, "f"), 5, "those of another request");
	expect_eq(manage(IORING_OP_REMOVE_BUFFERS, LIST, 9, NULL, 0), 1, "how many are left");
	expect_eq(manage(IORING_OP_REMOVE_BUFFERS, NONE, 9, NULL, 0), 0, "a group that has none");
	expect_eq(manage(IORING_OP_REMOVE_BUFFERS, GONE, 9, NULL, 0), -ENOENT, "no group");
}

/* A child has what its parent mapped. */
static pid_t mapper;
static int done[2];

static void make_child(void)
{
	char c;

	sure(pipe(done));
	mapper = sure(fork());
	if (mapper)
		return;
	close(done[1]);
	read(done[0], &c, 1);
	_exit(rings[KERNEL][3].id == 99 ? 7 : 8);
}

int main(int argc, char **argv)
{
	int status;

	payload_begin(argc, argv);
	ring = make(4, 0);
	alone = make(4, IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_NO_SQARRAY);
	sure(pipe(ends));
	memory = map_anon(4 * PAGE, MAP_PRIVATE);
	make_rings();
	use_rings();
	make_lists();
	make_child();
	if (pause_here()) {
		receive(&ring, PRIVATE, "x");
		receive(&alone, BIT_BY_BIT, "x");
		receive(&ring, LIST, "x");
	}
	check_rings();
	check_lists();
	close(done[1]);
	sure(waitpid(mapper, &status, 0));
	expect_eq(WEXITSTATUS(status), 7, "a ring that a child has mapped is the same");
	return payload_end();
}
