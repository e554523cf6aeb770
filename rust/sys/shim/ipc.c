// SPDX-License-Identifier: GPL-2.0
/* IPC namespaces: their limits. */

#include <linux/ipc_namespace.h>
#include <linux/nsproxy.h>
#include <linux/sched/task.h>

#include "shim.h"

/* The sysctls of the IPC namespace of @t. */
void cr_shim_ipc_read(struct task_struct *t, struct cr_img_ipc *out)
{
	struct ipc_namespace *ns;
	int i;

	BUILD_BUG_ON(ARRAY_SIZE(out->sem) != ARRAY_SIZE(ns->sem_ctls));

	memset(out, 0, sizeof(*out));
	task_lock(t);
	if (t->nsproxy) {
		ns = t->nsproxy->ipc_ns;
		out->shmmax = ns->shm_ctlmax;
		out->shmall = ns->shm_ctlall;
		out->shmmni = ns->shm_ctlmni;
		out->shm_rmid_forced = ns->shm_rmid_forced;
		out->msgmax = ns->msg_ctlmax;
		out->msgmnb = ns->msg_ctlmnb;
		out->msgmni = ns->msg_ctlmni;
		for (i = 0; i < ARRAY_SIZE(out->sem); i++)
			out->sem[i] = ns->sem_ctls[i];
		for (i = 0; i < ARRAY_SIZE(ns->ids); i++) {
			out->next_seq[i] = ns->ids[i].seq;
			out->last_index[i] = ns->ids[i].last_idx;
		}
		out->mq_queues_max = ns->mq_queues_max;
		out->mq_msg_max = ns->mq_msg_max;
		out->mq_msgsize_max = ns->mq_msgsize_max;
		out->mq_msg_default = ns->mq_msg_default;
		out->mq_msgsize_default = ns->mq_msgsize_default;
	}
	task_unlock(t);
}

/* For the namespace of the current task, which is new and has nobody else in it. */
void cr_shim_ipc_set(const struct cr_img_ipc *in)
{
	struct ipc_namespace *ns = current->nsproxy->ipc_ns;
	int i;

	ns->shm_ctlmax = in->shmmax;
	ns->shm_ctlall = in->shmall;
	ns->shm_ctlmni = in->shmmni;
	ns->shm_rmid_forced = in->shm_rmid_forced;
	ns->msg_ctlmax = in->msgmax;
	ns->msg_ctlmnb = in->msgmnb;
	ns->msg_ctlmni = in->msgmni;
	for (i = 0; i < ARRAY_SIZE(in->sem); i++)
		ns->sem_ctls[i] = in->sem[i];
	for (i = 0; i < ARRAY_SIZE(ns->ids); i++) {
		ns->ids[i].seq = in->next_seq[i];
		ns->ids[i].last_idx = in->last_index[i];
	}
	ns->mq_queues_max = in->mq_queues_max;
	ns->mq_msg_max = in->mq_msg_max;
	ns->mq_msgsize_max = in->mq_msgsize_max;
	ns->mq_msg_default = in->mq_msg_default;
	ns->mq_msgsize_default = in->mq_msgsize_default;
}
