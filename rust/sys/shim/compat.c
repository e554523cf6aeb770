// SPDX-License-Identifier: GPL-2.0
/* Programs of 32 bits, and their system calls. */

#include <linux/binfmts.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/thread_info.h>
#include <asm/ia32.h>
#include <asm/mmu_context.h>
#include <asm/vdso.h>

#include "shim.h"

/* Does the kernel run such programs? */
bool cr_shim_runs_compat(void)
{
	return ia32_enabled();
}

/* Is @t in a system call of 32-bit programs? */
bool cr_shim_in_compat_call(struct task_struct *t)
{
	return READ_ONCE(task_thread_info(t)->status) & TS_COMPAT;
}

/*
 * The current task, on its way to user mode, comes from a system call of 32-bit
 * programs: it does until it gets there.
 */
void cr_shim_enter_compat_call(void)
{
	current_thread_info()->status |= TS_COMPAT;
}

/* The vDSO of one kind of programs, which arch/x86/entry/vdso/vma.c maps. */
const void *cr_shim_vdso(bool compat, size_t *len)
{
	const struct vdso_image *image = &vdso64_image;

#ifdef CONFIG_IA32_EMULATION
	if (compat)
		image = &vdso32_image;
#endif
	*len = image->size;
	return image->data;
}

#ifdef CONFIG_IA32_EMULATION
/* fs/binfmt_elf.c, by way of fs/compat_binfmt_elf.c */
extern struct linux_binfmt compat_elf_format;

/* The end of the addresses of a program, unless it was started with less. */
#define COMPAT_TASK_SIZE	0xffffe000

/*
 * Is @mm that of a 32-bit program? What it has otherwise that no other state shows
 * is in @unsupported.
 */
bool cr_shim_compat_mm_read(struct task_struct *t, struct mm_struct *mm,
			    u64 *unsupported)
{
	bool compat = test_bit(MM_CONTEXT_UPROBE_IA32, &mm->context.flags);
	const struct vdso_image *image = compat ? &vdso32_image : &vdso64_image;

	if (test_tsk_thread_flag(t, TIF_ADDR32) != compat ||
	    (compat && (mm->task_size != COMPAT_TASK_SIZE ||
			mm->binfmt != &compat_elf_format ||
			test_bit(MM_CONTEXT_HAS_VSYSCALL, &mm->context.flags))))
		*unsupported |= BIT_ULL(CR_MM_X_ABI);
	if (mm->context.vdso_image && mm->context.vdso_image != image)
		*unsupported |= BIT_ULL(CR_MM_X_VDSO);
	return compat;
}

/* Makes the memory of the current process that of a 32-bit program. */
void cr_shim_compat_mm_set(void)
{
	struct mm_struct *mm = current->mm;

	mmap_write_lock(mm);
	set_bit(MM_CONTEXT_UPROBE_IA32, &mm->context.flags);
	clear_bit(MM_CONTEXT_HAS_VSYSCALL, &mm->context.flags);
	mm->task_size = COMPAT_TASK_SIZE;
	mmap_write_unlock(mm);
	set_binfmt(&compat_elf_format);
}
#else
bool cr_shim_compat_mm_read(struct task_struct *t, struct mm_struct *mm,
			    u64 *unsupported)
{
	if (mm->context.vdso_image && mm->context.vdso_image != &vdso64_image)
		*unsupported |= BIT_ULL(CR_MM_X_VDSO);
	return false;
}

void cr_shim_compat_mm_set(void)
{
}
#endif

/* The thread @t, which is parked, is one of a 32-bit program from here on. */
void cr_shim_compat_thread_set(struct task_struct *t)
{
	set_tsk_thread_flag(t, TIF_ADDR32);
}
