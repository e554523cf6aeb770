// SPDX-License-Identifier: GPL-2.0
/* What bpf(2) makes that is not supported. */
#include "cases.h"
#include "maps.h"

static int fd, other;

static void make_lru(void)
{
	fd = map_create(BPF_MAP_TYPE_LRU_HASH, 4, 4, 8, 0);
}

static void make_ring(void)
{
	fd = map_create(BPF_MAP_TYPE_RINGBUF, 0, 0, PAGE, 0);
}

/* A second open file of the same map. */
static void make_twice(void)
{
	struct bpf_map_info info = { 0 };
	union bpf_attr attr = { 0 };

	fd = map_create(BPF_MAP_TYPE_ARRAY, 4, 4, 1, 0);
	attr.info.bpf_fd = fd;
	attr.info.info_len = sizeof(info);
	attr.info.info = (uintptr_t)&info;
	sure(bpf(BPF_OBJ_GET_INFO_BY_FD, &attr));
	other = sure(bpf(BPF_MAP_GET_FD_BY_ID, &(union bpf_attr){ .map_id = info.id }));
}

/* return 0 */
static void make_program(void)
{
	static const struct bpf_insn program[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	union bpf_attr attr = {
		.prog_type = BPF_PROG_TYPE_SOCKET_FILTER, .insns = (uintptr_t)program,
		.insn_cnt = ARRAY_SIZE(program), .license = (uintptr_t)"GPL",
	};

	fd = sure(bpf(BPF_PROG_LOAD, &attr));
}

static void make_mapping(void)
{
	fd = map_create(BPF_MAP_TYPE_ARRAY, 4, 8, 1, BPF_F_MMAPABLE);
	sure(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
}

static const struct case_ cases[] = {
	{ "lru", "a BPF map: is none of an array", make_lru, NULL },
	{ "ring", "a BPF map: is none of an array", make_ring, NULL },
	{ "twice", "a BPF map: is used by a program, has a name", make_twice, NULL },
	{ "program", "bpf-prog", make_program, NULL },
	{ "mapping", "shows a device", make_mapping, NULL },
};

int main(int argc, char **argv)
{
	return run_cases(argc, argv, cases, ARRAY_SIZE(cases));
}
