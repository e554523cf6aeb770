// SPDX-License-Identifier: GPL-2.0
/* Registers, by the regsets that ptrace(2) and core dumps use. */

#include <linux/elf.h>
#include <linux/regset.h>
#include <linux/sched/task_stack.h>
#include <asm/user_64.h>

#include "shim.h"
#include "rest.h"

/*
 * That of 64-bit programs has all registers, also those of a thread that is in a
 * 32-bit segment. The caller is a 64-bit program: 32-bit ones have no ioctl here.
 */
static const struct user_regset *regset_of(u32 note)
{
	const struct user_regset_view *view = task_user_regset_view(current);
	int i;

	if (view->e_machine != EM_X86_64)
		return NULL;
	for (i = 0; i < view->n; i++)
		if (view->regsets[i].core_note_type == note)
			return &view->regsets[i];
	return NULL;
}

/* Bytes of extended state in the form that user space sees; 0 without XSAVE. */
size_t cr_shim_xstate_size(void)
{
	const struct user_regset *rs = regset_of(NT_X86_XSTATE);

	return rs ? rs->n * rs->size : 0;
}

/* -ESRCH when @t has died: a sleeping task is killed although it is held. */
static int get(struct task_struct *t, u32 note, void *buf, size_t len)
{
	const struct user_regset *rs = regset_of(note);
	int n = -ENODEV;

	/* Its user registers are there. */
	if (!try_get_task_stack(t))
		return -ESRCH;
	if (rs)
		n = regset_get(t, rs, len, buf);
	put_task_stack(t);
	return n < 0 ? n : n == len ? 0 : -EIO;
}

/* @t must be off its CPU, waiting for the caller. */
static int set(struct task_struct *t, u32 note, const void *buf, size_t len)
{
	const struct user_regset *rs = regset_of(note);

	if (!rs || !rs->set)
		return -ENODEV;
	if (len != rs->n * rs->size)
		return -EINVAL;
	return rs->set(t, rs, 0, len, buf, NULL);
}

/*
 * That a call of 32-bit programs is to be restarted may be said in 32 bits, by a
 * tracer. The kernel makes it 64 before it looks: in the image it is so.
 */
static void extend_result(struct task_struct *t, struct cr_img_regs *regs)
{
	u64 *ax = &regs->reg[offsetof(struct user_regs_struct, ax) / sizeof(u64)];
	s32 result = *ax;

	if (task_thread_info(t)->status & (TS_COMPAT | TS_I386_REGS_POKED) &&
	    result <= -ERESTARTSYS && result >= -ERESTART_RESTARTBLOCK)
		*ax = (s64)result;
}

int cr_shim_regs_get(struct task_struct *t, struct cr_img_regs *out)
{
	int err = get(t, NT_PRSTATUS, out, sizeof(*out));
	u64 *orig_ax = &out->reg[offsetof(struct user_regs_struct, orig_ax) /
				 sizeof(u64)];

	BUILD_BUG_ON(sizeof(*out) != sizeof(struct user_regs_struct));
	/* The thread's record says so. */
	if (!err && (s64)*orig_ax >= 0)
		*orig_ax &= ~TIMED;
	if (!err)
		extend_result(t, out);
	return err;
}

int cr_shim_regs_set(struct task_struct *t, const struct cr_img_regs *in)
{
	return set(t, NT_PRSTATUS, in, sizeof(*in));
}

int cr_shim_xstate_get(struct task_struct *t, void *buf, size_t len)
{
	return get(t, NT_X86_XSTATE, buf, len);
}

int cr_shim_xstate_set(struct task_struct *t, const void *buf, size_t len)
{
	return set(t, NT_X86_XSTATE, buf, len);
}
