// SPDX-License-Identifier: GPL-2.0
/* What a task has asked for by prctl(2), of the processor and of the kernel. */

#include <linux/prctl.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <linux/syscall_user_dispatch.h>

#include "shim.h"

void cr_shim_controls_read(struct task_struct *t, struct cr_img_controls *out)
{
	memset(out, 0, sizeof(*out));

	/* The strict mode of seccomp takes the TSC away by itself. */
	if (test_tsk_thread_flag(t, TIF_NOTSC) &&
	    t->seccomp.mode != SECCOMP_MODE_STRICT)
		out->flags |= CR_CONTROL_NO_TSC;
	if (test_tsk_thread_flag(t, TIF_NOCPUID))
		out->flags |= CR_CONTROL_NO_CPUID;
	if (t->flags & PF_MEMALLOC_NOIO && t->flags & PF_LOCAL_THROTTLE)
		out->flags |= CR_CONTROL_IO_FLUSHER;
	if (t->flags & PF_MCE_PROCESS)
		out->flags |= t->flags & PF_MCE_EARLY ? CR_CONTROL_MCE_EARLY :
							CR_CONTROL_MCE_LATE;

	if (task_spec_ssb_force_disable(t))
		out->store_bypass = PR_SPEC_FORCE_DISABLE;
	else if (task_spec_ssb_noexec(t))
		out->store_bypass = PR_SPEC_DISABLE_NOEXEC;
	else if (task_spec_ssb_disable(t))
		out->store_bypass = PR_SPEC_DISABLE;
	if (task_spec_ib_force_disable(t))
		out->indirect_branch = PR_SPEC_FORCE_DISABLE;
	else if (task_spec_ib_disable(t))
		out->indirect_branch = PR_SPEC_DISABLE;
	if (test_tsk_thread_flag(t, TIF_SPEC_L1D_FLUSH))
		out->l1d_flush = PR_SPEC_ENABLE;

	if (test_task_syscall_work(t, SYSCALL_USER_DISPATCH)) {
		out->flags |= CR_CONTROL_DISPATCH;
		out->dispatch_offset = t->syscall_dispatch.offset;
		out->dispatch_len = t->syscall_dispatch.len;
		out->dispatch_selector =
			(unsigned long)t->syscall_dispatch.selector;
	}
}
