// SPDX-License-Identifier: GPL-2.0
/* Segments that programs have made for themselves. */

#include <linux/mm.h>
#include <linux/ptrace.h>
#include <linux/sched.h>
#include <asm/desc.h>
#include <asm/mmu_context.h>
#include <asm/ptrace-abi.h>

#include "shim.h"

/*
 * Descriptors in the local table of @mm, of which as many as there is room for
 * are copied.
 */
u32 cr_shim_ldt_read(struct mm_struct *mm, u64 *out, u32 max)
{
	u32 nr = 0;
#ifdef CONFIG_MODIFY_LDT_SYSCALL
	const struct ldt_struct *ldt;

	BUILD_BUG_ON(CR_MAX_LDT != LDT_ENTRIES);

	/* A table is there until another one has taken its place. */
	mutex_lock(&mm->context.lock);
	ldt = mm->context.ldt;
	if (ldt) {
		nr = ldt->nr_entries;
		if (max)
			memcpy(out, ldt->entries, min(nr, max) * sizeof(*out));
	}
	mutex_unlock(&mm->context.lock);
#endif
	return nr;
}

void cr_shim_tls_read(struct task_struct *t, struct cr_img_tls *out)
{
	BUILD_BUG_ON(sizeof(out->descriptor) != sizeof(t->thread.tls_array));
	memcpy(out->descriptor, t->thread.tls_array, sizeof(out->descriptor));
}

/* In the current task, an entry from 0, of a struct user_desc in its memory. */
int cr_shim_tls_set(u32 entry, u64 user_desc)
{
	return arch_ptrace(current, PTRACE_SET_THREAD_AREA,
			   GDT_ENTRY_TLS_MIN + entry, user_desc);
}
