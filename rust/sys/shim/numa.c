// SPDX-License-Identifier: GPL-2.0
/* NUMA memory policies: which nodes pages come from. */

#include <linux/cpuset.h>
#include <linux/mempolicy.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/rbtree.h>
#include <linux/sched/task.h>
#include <linux/shmem_fs.h>

#include "shim.h"

#ifdef CONFIG_NUMA
static u64 node_word(const nodemask_t *set, u32 i)
{
	return i < BITS_TO_LONGS(MAX_NUMNODES) ? nodes_addr(*set)[i] : 0;
}

/* Caller keeps @pol. @nodes has room for two sets of CR_MAX_NODE_WORDS. */
static void policy_read(const struct mempolicy *pol, struct cr_img_policy *out,
			u64 *nodes)
{
	const nodemask_t *asked = &pol->nodes;
	u32 i;

	BUILD_BUG_ON(BITS_TO_LONGS(MAX_NUMNODES) > CR_MAX_NODE_WORDS);

	memset(out, 0, sizeof(*out));
	out->mode = pol->mode;
	out->flags = pol->flags & MPOL_MODE_FLAGS;
	if (pol->home_node != NUMA_NO_NODE)
		out->home_node = pol->home_node + 1;
	/* It has no nodes, not even none. */
	if (pol->mode == MPOL_LOCAL)
		return;
	if (pol->flags & MPOL_USER_NODEMASK_FLAGS)
		asked = &pol->w.user_nodemask;
	for (i = 0; i < CR_MAX_NODE_WORDS; i++)
		if (node_word(asked, i) || node_word(&pol->nodes, i))
			out->nr_words = i + 1;
	for (i = 0; i < out->nr_words; i++) {
		nodes[i] = node_word(asked, i);
		nodes[out->nr_words + i] = node_word(&pol->nodes, i);
	}
}
#endif

/* Few have one, and there is much room to be cleared for it. */
bool cr_shim_has_task_policy(struct task_struct *t)
{
#ifdef CONFIG_NUMA
	return READ_ONCE(t->mempolicy);
#else
	return false;
#endif
}

/* Has @t a policy? Then how far it is, if it interleaves, is in @sched. */
bool cr_shim_task_policy(struct task_struct *t, struct cr_img_policy *out,
			 u64 *nodes, struct cr_img_sched *sched)
{
	bool found = false;

#ifdef CONFIG_NUMA
	task_lock(t);
	if (t->mempolicy) {
		policy_read(t->mempolicy, out, nodes);
		if (out->mode == MPOL_INTERLEAVE ||
		    out->mode == MPOL_WEIGHTED_INTERLEAVE) {
			sched->last_node = t->il_prev;
			sched->last_weight = t->il_weight;
		}
		found = true;
	}
	task_unlock(t);
#endif
	return found;
}

/* How far the interleaving policy of the current task is. */
void cr_shim_task_policy_set(u32 last_node, u32 last_weight)
{
#ifdef CONFIG_NUMA
	if (last_node >= MAX_NUMNODES)
		return;
	task_lock(current);
	current->il_prev = last_node;
	current->il_weight = last_weight;
	task_unlock(current);
#endif
}

/* The same of the mapping at @addr. Its tasks stand still. */
bool cr_shim_vma_policy(struct mm_struct *mm, u64 addr,
			struct cr_img_policy *out, u64 *nodes)
{
	bool found = false;

#ifdef CONFIG_NUMA
	struct vm_area_struct *vma;

	mmap_read_lock(mm);
	vma = vma_lookup(mm, addr);
	if (vma && vma->vm_policy) {
		policy_read(vma->vm_policy, out, nodes);
		found = true;
	}
	mmap_read_unlock(mm);
#endif
	return found;
}

/* Is it on tmpfs, whose inodes have policies of their parts? */
bool cr_shim_has_shared_policies(struct file *file)
{
	return shmem_mapping(file_inode(file)->i_mapping);
}

#ifdef CONFIG_NUMA
/* The first part that ends behind @index. Caller holds @sp->lock. */
static struct sp_node *policy_behind(struct shared_policy *sp, pgoff_t index)
{
	struct rb_node *n = sp->root.rb_node;
	struct sp_node *found = NULL;

	while (n) {
		struct sp_node *node = rb_entry(n, struct sp_node, nd);

		if (node->end > index) {
			found = node;
			n = n->rb_left;
		} else {
			n = n->rb_right;
		}
	}
	return found;
}
#endif

/* The first part of the tmpfs inode behind @file that has a policy and ends behind @offset. */
bool cr_shim_shared_policy(struct file *file, u64 offset, struct cr_img_run *run,
			   struct cr_img_policy *out, u64 *nodes)
{
	bool found = false;

#ifdef CONFIG_NUMA
	struct shared_policy *sp = &SHMEM_I(file_inode(file))->policy;
	struct sp_node *node;

	if (!cr_shim_has_shared_policies(file))
		return false;
	read_lock(&sp->lock);
	node = policy_behind(sp, offset >> PAGE_SHIFT);
	if (node) {
		run->start = (u64)node->start << PAGE_SHIFT;
		run->nr_pages = node->end - node->start;
		policy_read(node->policy, out, nodes);
		found = true;
	}
	read_unlock(&sp->lock);
#endif
	return found;
}

/*
 * Maps a part of a file, or, without one, memory of the current process alone, at
 * some free place, and returns that: only if that is wanted, so that it can be
 * accessed.
 */
long cr_shim_map_anywhere(struct file *file, u64 len, bool access, u64 offset)
{
	return vm_mmap(file, 0, len, access ? PROT_READ | PROT_WRITE : PROT_NONE,
		       file ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS, offset);
}

void cr_shim_unmap(u64 addr, u64 len)
{
	vm_munmap(addr, len);
}

/* The first of these nodes that the current task may not use; -1 if it may. */
int cr_shim_missing_node(const u64 *nodes, u32 nr_words)
{
	int missing = -1;
	u32 node;

	task_lock(current);
	for (node = 0; node < nr_words * 64 && missing < 0; node++) {
		if (!(nodes[node / 64] & BIT_ULL(node % 64)))
			continue;
		if (node >= MAX_NUMNODES || !node_state(node, N_MEMORY) ||
		    !node_isset(node, cpuset_current_mems_allowed))
			missing = node;
	}
	task_unlock(current);
	return missing;
}

bool cr_shim_node_online(u32 node)
{
	return node < MAX_NUMNODES && node_online(node);
}
