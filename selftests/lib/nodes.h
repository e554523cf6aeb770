/* SPDX-License-Identifier: GPL-2.0 */
/* NUMA memory policies, as system calls tell them. */
#ifndef NODES_H
#define NODES_H

#include "payload.h"
#include <linux/mempolicy.h>

/* That a set may have. */
#define NODES	1024

struct nodes {
	unsigned long words[NODES / 64];
};

struct policy {
	int mode;
	struct nodes nodes;
};

/* Nodes that there are, and one that there is not. */
static struct nodes all;
static int nr_nodes;
#define MISSING		77

static struct nodes node(int nr)
{
	struct nodes nodes = { { 0 } };

	nodes.words[nr / 64] |= 1UL << nr % 64;
	return nodes;
}

/* Of the mapping at @addr, or of the thread. */
static struct policy get(void *addr)
{
	struct policy policy = { 0 };

	sure(syscall(SYS_get_mempolicy, &policy.mode, &policy.nodes, NODES + 1, addr,
		     addr ? MPOL_F_ADDR : 0));
	return policy;
}

static void find_nodes(void)
{
	sure(syscall(SYS_get_mempolicy, NULL, &all, NODES + 1, NULL, MPOL_F_MEMS_ALLOWED));
	for (int i = 0; i < NODES; i++)
		if (all.words[i / 64] & 1UL << i % 64)
			nr_nodes = i + 1;
}

#endif /* NODES_H */
