/* SPDX-License-Identifier: GPL-2.0 */
/* Seccomp filters. */
#ifndef FILTER_H
#define FILTER_H

#include "payload.h"
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>

/* What becomes of one system call; others are allowed. */
static void filter(int call, unsigned int action, unsigned int flags)
{
	struct sock_filter program[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, action),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog fprog = { ARRAY_SIZE(program), program };

	sure(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &fprog));
}

#endif
