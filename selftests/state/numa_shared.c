// SPDX-License-Identifier: GPL-2.0
/*
 * NUMA memory policies of shared memory, which are those of its parts, whoever maps them: of anonymous
 * memory, of memfds, of System V segments and of files that were removed from tmpfs.
 */
#include "nodes.h"
#include <sys/shm.h>

#define PARTS	8

static void bind_part(char *area, int part, int nr_pages, int mode, struct nodes nodes)
{
	sure(syscall(SYS_mbind, area + part * PAGE, nr_pages * PAGE, mode, &nodes, NODES + 1, 0));
}

/* The page is there by then. */
static int node_of(char *area, int part)
{
	int on = -1;

	sure(syscall(SYS_get_mempolicy, &on, NULL, 0, area + part * PAGE, MPOL_F_NODE | MPOL_F_ADDR));
	return on;
}

static struct area {
	const char *name;
	char *at;
	struct policy was[PARTS];
} areas[] = {
	{ .name = "anonymous" }, { .name = "memfd" }, { .name = "segment" },
	{ .name = "removed" }, { .name = "private" },
};

static int memfd, unmapped;

/* There are policies behind the end of the file, too. */
static void bind_parts(char *area, int shift)
{
	struct nodes some = node(0);

	bind_part(area, 0, 1, MPOL_BIND, node((nr_nodes - 1 + shift) % nr_nodes));
	bind_part(area, 2, 1, MPOL_PREFERRED, node(nr_nodes - 1));
	bind_part(area, 3, 3, MPOL_INTERLEAVE, all);
	some.words[MISSING / 64] |= 1UL << MISSING % 64;
	bind_part(area, 6, 1, MPOL_BIND | MPOL_F_STATIC_NODES, some);
	bind_part(area, 7, 1, MPOL_BIND, node(nr_nodes - 1));
	if (syscall(SYS_set_mempolicy_home_node, area + 7 * PAGE, PAGE, nr_nodes - 1, 0))
		expect_eq(errno, ENOSYS, "home node");
	memset(area, 'a', 6 * PAGE);
}

static void make_areas(void)
{
	int fd, id;

	areas[0].at = map_anon(PARTS * PAGE, MAP_SHARED);
	memfd = sure(memfd_create("policies", MFD_CLOEXEC));
	sure(ftruncate(memfd, 6 * PAGE));
	areas[1].at = sure(mmap(NULL, PARTS * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, memfd, 0));
	id = sure(shmget(IPC_PRIVATE, PARTS * PAGE, 0600));
	areas[2].at = sure(shmat(id, NULL, 0));
	fd = sure(open("/dev/shm", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
	sure(ftruncate(fd, 6 * PAGE));
	areas[3].at = sure(mmap(NULL, PARTS * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
	for (int i = 0; i < 4; i++)
		bind_parts(areas[i].at, i % 2);
	/* The pages are its own, the policies those of the file. */
	areas[4].at = sure(mmap(NULL, PARTS * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, memfd, 0));

	/* Nobody has it mapped, and the policy is still there. */
	unmapped = sure(memfd_create("unmapped", MFD_CLOEXEC));
	sure(ftruncate(unmapped, PARTS * PAGE));
	char *area = sure(mmap(NULL, PARTS * PAGE, PROT_READ, MAP_SHARED, unmapped, 0));

	bind_part(area, 1, 2, MPOL_BIND, node(nr_nodes - 1));
	sure(munmap(area, PARTS * PAGE));
}

static void see(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(areas); i++)
		for (int part = 0; part < PARTS; part++)
			areas[i].was[part] = get(areas[i].at + part * PAGE);
}

static void see_again(const char *who)
{
	for (size_t i = 0; i < ARRAY_SIZE(areas); i++)
		for (int part = 0; part < PARTS; part++) {
			struct policy is = get(areas[i].at + part * PAGE), *was = &areas[i].was[part];

			expect_eq(is.mode, was->mode, "%s: %s, page %d: mode", who, areas[i].name, part);
			expect(!memcmp(&is.nodes, &was->nodes, sizeof(is.nodes)), "%s: %s, page %d: nodes",
			       who, areas[i].name, part);
		}
}

/* It has taken the policy away that a mapping of its parent was made for, and brought another one. */
static int in_child(void *unused MAYBE_UNUSED)
{
	bind_part(areas[0].at, 3, 1, MPOL_DEFAULT, (struct nodes){ { 0 } });
	bind_part(areas[0].at, 4, 1, MPOL_PREFERRED, node(0));
	tell("bound");
	await("seen");
	see();
	tell("seen too");
	await_go();
	see_again("a child");
	return 0;
}

int main(int argc, char **argv)
{
	char *area;
	pid_t pid;

	payload_begin(argc, argv);
	find_nodes();
	make_areas();
	pid = child(in_child, NULL);
	await("bound");
	see();
	tell("seen");
	await("seen too");

	if (pause_here())
		bind_part(areas[1].at, 0, 1, MPOL_DEFAULT, (struct nodes){ { 0 } });
	see_again("main");
	for (int i = 0; i < 4; i++) {
		expect_eq(node_of(areas[i].at, 0), (nr_nodes - 1 + i % 2) % nr_nodes,
			  "%s: which node the page is on", areas[i].name);
		expect_eq(areas[i].at[PAGE], 'a', "%s: contents", areas[i].name);
	}
	sure(ftruncate(memfd, PARTS * PAGE));
	areas[1].at[7 * PAGE] = 'b';
	expect_eq(node_of(areas[1].at, 7), nr_nodes - 1, "which node a page comes from behind the end");
	area = sure(mmap(NULL, PARTS * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, unmapped, 0));
	expect_eq(get(area + 2 * PAGE).mode, MPOL_BIND, "a memfd that nobody has mapped");
	expect_eq(get(area + 3 * PAGE).mode, MPOL_DEFAULT, "the page behind");
	area[PAGE] = 'c';
	expect_eq(node_of(area, 1), nr_nodes - 1, "which node its pages come from");
	reap(pid);
	return payload_end();
}
