// SPDX-License-Identifier: GPL-2.0
/*
 * System V semaphores, message queues and shared memory.
 *
 * Tasks that stand still may be killed all the same, and others may have a
 * descriptor of the namespace: it is referenced, and objects are locked.
 */

#include <linux/file.h>
#include <linux/hugetlb.h>
#include <linux/ipc_namespace.h>
#include <linux/mm.h>
#include <linux/msg.h>
#include <linux/nsproxy.h>
#include <linux/pid.h>
#include <linux/sched.h>
#include <linux/sem.h>
#include <linux/user_namespace.h>

#include "shim.h"
#include "sysv_types.h"

/* ipc/shm.c */
#define SHM_DEST	01000
#define SHM_LOCKED	02000

/* That of a task, with a reference, or NULL when it has exited. */
struct ipc_namespace *cr_shim_ipc_of(struct task_struct *t)
{
	struct ipc_namespace *ipc = NULL;

	task_lock(t);
	if (t->nsproxy)
		ipc = get_ipc_ns(t->nsproxy->ipc_ns);
	task_unlock(t);
	return ipc;
}

void cr_shim_ipc_put(struct ipc_namespace *ipc)
{
	put_ipc_ns(ipc);
}

/* The first object from this place among the identifiers on. @ids is locked. */
static struct kern_ipc_perm *next_object(struct ipc_ids *ids, int *at)
{
	return idr_get_next(&ids->ipcs_idr, at);
}

/* With @ids locked. */
static struct kern_ipc_perm *find_object(struct ipc_ids *ids, int id)
{
	struct kern_ipc_perm *perm;
	int at;

	idr_for_each_entry(&ids->ipcs_idr, perm, at)
		if (perm->id == id)
			return perm;
	return NULL;
}

static void read_perm(const struct kern_ipc_perm *perm,
		      struct cr_img_ipc_perm *out)
{
	struct user_namespace *ns = current_user_ns();

	*out = (struct cr_img_ipc_perm) {
		.id = perm->id,
		.key = perm->key,
		.uid = from_kuid(ns, perm->uid),
		.gid = from_kgid(ns, perm->gid),
		.cuid = from_kuid(ns, perm->cuid),
		.cgid = from_kgid(ns, perm->cgid),
		.mode = perm->mode & S_IRWXUGO,
	};
}

static int set_perm(struct kern_ipc_perm *perm, const struct cr_img_ipc_perm *in)
{
	struct user_namespace *ns = current_user_ns();
	kuid_t uid = make_kuid(ns, in->uid), cuid = make_kuid(ns, in->cuid);
	kgid_t gid = make_kgid(ns, in->gid), cgid = make_kgid(ns, in->cgid);

	if (!uid_valid(uid) || !uid_valid(cuid) || !gid_valid(gid) ||
	    !gid_valid(cgid))
		return -EINVAL;
	perm->uid = uid;
	perm->gid = gid;
	perm->cuid = cuid;
	perm->cgid = cgid;
	perm->mode = in->mode;
	return 0;
}

/* Only who may do anything in the namespace may give objects to somebody else. */
bool cr_shim_may_set_perm(struct ipc_namespace *ipc)
{
	return ns_capable(ipc->user_ns, CAP_SYS_ADMIN);
}

static struct sem_array *sem_of(struct kern_ipc_perm *perm)
{
	return perm ? container_of(perm, struct sem_array, sem_perm) : NULL;
}

static struct msg_queue *msgq_of(struct kern_ipc_perm *perm)
{
	return perm ? container_of(perm, struct msg_queue, q_perm) : NULL;
}

/*
 * The first set of semaphores from *@at on, which goes on behind it. With less
 * @room than it has semaphores, only how many they are is told, and *@at stays.
 * False when there is none.
 */
bool cr_shim_sem_next(struct ipc_namespace *ipc, struct pid_namespace *ns, int *at,
		      struct cr_img_sem *out, struct cr_img_semaphore *sems,
		      u32 room)
{
	struct ipc_ids *ids = &ipc->ids[CR_SHIM_SEM];
	struct sem_array *set;
	int i;

	down_read(&ids->rwsem);
	set = sem_of(next_object(ids, at));
	if (set) {
		spin_lock(&set->sem_perm.lock);
		memset(out, 0, sizeof(*out));
		read_perm(&set->sem_perm, &out->perm);
		out->ctime = set->sem_ctime;
		out->nr = set->sem_nsems;
		for (i = 0; i < set->sem_nsems && out->nr <= room; i++)
			sems[i] = (struct cr_img_semaphore) {
				.otime = set->sems[i].sem_otime,
				.value = set->sems[i].semval,
				.pid = pid_nr_ns(set->sems[i].sempid, ns),
			};
		if (out->nr <= room)
			(*at)++;
		spin_unlock(&set->sem_perm.lock);
	}
	up_read(&ids->rwsem);
	return set;
}

/* Gives a semaphore its state. */
int cr_shim_sem_set(struct ipc_namespace *ipc, int id, u32 nr,
		    const struct cr_img_semaphore *in, struct pid *pid)
{
	struct ipc_ids *ids = &ipc->ids[CR_SHIM_SEM];
	struct sem_array *set;
	int err = -EINVAL;

	down_read(&ids->rwsem);
	set = sem_of(find_object(ids, id));
	if (set && nr < set->sem_nsems) {
		spin_lock(&set->sem_perm.lock);
		set->sems[nr].semval = in->value;
		set->sems[nr].sem_otime = in->otime;
		get_pid(pid);
		swap(set->sems[nr].sempid, pid);
		spin_unlock(&set->sem_perm.lock);
		put_pid(pid);
		err = 0;
	}
	up_read(&ids->rwsem);
	return err;
}

/* Gives a set its owner and its time. */
int cr_shim_sem_finish(struct ipc_namespace *ipc, const struct cr_img_sem *in)
{
	struct ipc_ids *ids = &ipc->ids[CR_SHIM_SEM];
	struct sem_array *set;
	int err = -EINVAL;

	if (!cr_shim_may_set_perm(ipc))
		return -EPERM;
	down_read(&ids->rwsem);
	set = sem_of(find_object(ids, in->perm.id));
	if (set) {
		spin_lock(&set->sem_perm.lock);
		err = set_perm(&set->sem_perm, &in->perm);
		set->sem_ctime = in->ctime;
		spin_unlock(&set->sem_perm.lock);
	}
	up_read(&ids->rwsem);
	return err;
}

static bool adjusts(const s16 *adj, u32 nr)
{
	return memchr_inv(adj, 0, nr * sizeof(*adj));
}

/*
 * What a list of adjustments, of which only the address is used, does to a set
 * of @nr semaphores. False when it does nothing.
 */
bool cr_shim_semadj_read(struct ipc_namespace *ipc, u64 list, int id, s16 *adj,
			 u32 nr)
{
	struct ipc_ids *ids = &ipc->ids[CR_SHIM_SEM];
	struct sem_array *set;
	struct sem_undo *undo;
	bool any = false;

	down_read(&ids->rwsem);
	set = sem_of(find_object(ids, id));
	if (set && set->sem_nsems == nr) {
		/* Whoever exits takes his adjustments off with this lock held. */
		spin_lock(&set->sem_perm.lock);
		list_for_each_entry(undo, &set->list_id, list_id)
			if ((unsigned long)undo->ulp == list) {
				any = adjusts(undo->semadj, nr);
				memcpy(adj, undo->semadj, nr * sizeof(*adj));
			}
		spin_unlock(&set->sem_perm.lock);
	}
	up_read(&ids->rwsem);
	return any;
}

/* Of the current task, which has adjusted the set before. */
int cr_shim_semadj_set(int id, const s16 *adj, u32 nr)
{
	struct sem_undo_list *list = current->sysvsem.undo_list;
	struct ipc_ids *ids = &current->nsproxy->ipc_ns->ids[CR_SHIM_SEM];
	struct sem_array *set;
	struct sem_undo *undo;
	int err = -EINVAL;

	down_read(&ids->rwsem);
	set = sem_of(find_object(ids, id));
	if (list && set && nr == set->sem_nsems) {
		spin_lock(&set->sem_perm.lock);
		rcu_read_lock();
		list_for_each_entry_rcu(undo, &list->list_proc, list_proc)
			if (undo->semid == id) {
				memcpy(undo->semadj, adj, nr * sizeof(*adj));
				err = 0;
			}
		rcu_read_unlock();
		spin_unlock(&set->sem_perm.lock);
	}
	up_read(&ids->rwsem);
	return err;
}

/* Copies the text of a struct msg_msg to @to, which has room for it. */
void cr_shim_copy_text(const void *message, u8 *to)
{
	const struct msg_msg *msg = message;
	size_t left = msg->m_ts, n = min(left, PAGE_SIZE - sizeof(*msg));
	const struct msg_msgseg *seg = msg->next;

	memcpy(to, msg + 1, n);
	for (left -= n; left && seg; seg = seg->next, left -= n) {
		to += n;
		n = min(left, PAGE_SIZE - sizeof(*seg));
		memcpy(to, seg + 1, n);
	}
}

/*
 * The first message queue from *@at on, which goes on behind it. All messages
 * are in @buf, and *@length is what they take there. With less @room than that,
 * nothing else is told, and *@at stays. False when there is none.
 */
bool cr_shim_msgq_next(struct ipc_namespace *ipc, struct pid_namespace *ns, int *at,
		       struct cr_img_msgq *out, u8 *buf, size_t room,
		       size_t *length)
{
	struct ipc_ids *ids = &ipc->ids[CR_SHIM_MSG];
	struct msg_queue *queue;
	struct msg_msg *msg;

	down_read(&ids->rwsem);
	queue = msgq_of(next_object(ids, at));
	if (queue) {
		spin_lock(&queue->q_perm.lock);
		*out = (struct cr_img_msgq) {
			.stime = queue->q_stime,
			.rtime = queue->q_rtime,
			.ctime = queue->q_ctime,
			.qbytes = queue->q_qbytes,
			.lspid = pid_nr_ns(queue->q_lspid, ns),
			.lrpid = pid_nr_ns(queue->q_lrpid, ns),
			.nr = queue->q_qnum,
		};
		read_perm(&queue->q_perm, &out->perm);
		*length = queue->q_cbytes +
			  queue->q_qnum * sizeof(struct cr_img_msg);
		if (*length <= room) {
			list_for_each_entry(msg, &queue->q_messages, m_list) {
				struct cr_img_msg head = {
					.mtype = msg->m_type,
					.length = msg->m_ts,
				};

				memcpy(buf, &head, sizeof(head));
				cr_shim_copy_text(msg, buf + sizeof(head));
				buf += sizeof(head) + msg->m_ts;
			}
			(*at)++;
		}
		spin_unlock(&queue->q_perm.lock);
	}
	up_read(&ids->rwsem);
	return queue;
}

/* Gives a queue its owner, its limit, its times and who has used it last. */
int cr_shim_msgq_finish(struct ipc_namespace *ipc, const struct cr_img_msgq *in,
			struct pid *sender, struct pid *receiver)
{
	struct ipc_ids *ids = &ipc->ids[CR_SHIM_MSG];
	struct msg_queue *queue;
	int err = -EINVAL;

	if (!cr_shim_may_set_perm(ipc) ||
	    (in->qbytes > ipc->msg_ctlmnb &&
	     !capable(CAP_SYS_RESOURCE)))
		return -EPERM;
	down_read(&ids->rwsem);
	queue = msgq_of(find_object(ids, in->perm.id));
	if (queue) {
		get_pid(sender);
		get_pid(receiver);
		spin_lock(&queue->q_perm.lock);
		err = set_perm(&queue->q_perm, &in->perm);
		queue->q_qbytes = in->qbytes;
		queue->q_stime = in->stime;
		queue->q_rtime = in->rtime;
		queue->q_ctime = in->ctime;
		swap(queue->q_lspid, sender);
		swap(queue->q_lrpid, receiver);
		spin_unlock(&queue->q_perm.lock);
		put_pid(sender);
		put_pid(receiver);
	}
	up_read(&ids->rwsem);
	return err;
}

static struct shmid_kernel *shm_of(struct kern_ipc_perm *perm)
{
	return perm ? container_of(perm, struct shmid_kernel, shm_perm) : NULL;
}

/* The first segment from *@at on, which goes on behind it. False when there is none. */
bool cr_shim_shm_next(struct ipc_namespace *ipc, struct pid_namespace *ns, int *at,
		      struct cr_img_shm *out, struct cr_shim_shm *info)
{
	struct ipc_ids *ids = &ipc->ids[CR_SHIM_SHM];
	struct shmid_kernel *shm;

	down_read(&ids->rwsem);
	shm = shm_of(next_object(ids, at));
	if (shm) {
		spin_lock(&shm->shm_perm.lock);
		*out = (struct cr_img_shm) {
			.size = shm->shm_segsz,
			.atime = shm->shm_atim,
			.dtime = shm->shm_dtim,
			.ctime = shm->shm_ctim,
			.cpid = pid_nr_ns(shm->shm_cprid, ns),
			.lpid = pid_nr_ns(shm->shm_lprid, ns),
			.flags = shm->shm_perm.mode & SHM_DEST ?
				 CR_SHM_DEST : 0,
		};
		read_perm(&shm->shm_perm, &out->perm);
		/* A creator that has exited has left the list, and is freed later. */
		rcu_read_lock();
		if (!list_empty(&shm->shm_clist))
			out->creator = task_pid_nr_ns(shm->shm_creator, ns);
		rcu_read_unlock();
		*info = (struct cr_shim_shm) {
			.file = get_file(shm->shm_file),
			.attached = shm->shm_nattch,
			.locked = shm->shm_perm.mode & SHM_LOCKED,
		};
		(*at)++;
		spin_unlock(&shm->shm_perm.lock);
	}
	up_read(&ids->rwsem);
	return shm;
}

/*
 * Gives a new segment of the current task's namespace, which nobody has attached,
 * memory that has its contents: as much, in whole pages, as it had.
 */
int cr_shim_shm_adopt(const struct cr_img_shm *in, struct file *file)
{
	struct ipc_ids *ids = &current->nsproxy->ipc_ns->ids[CR_SHIM_SHM];
	struct inode *inode = file_inode(file);
	bool is_huge = is_file_hugepages(file);
	struct file *old = NULL;
	struct shmid_kernel *shm;
	int err = -EINVAL;

	down_write(&ids->rwsem);
	shm = shm_of(find_object(ids, in->perm.id));
	if (shm && !shm->shm_nattch && shm->shm_segsz == in->size &&
	    is_huge == is_file_hugepages(shm->shm_file) &&
	    PAGE_ALIGN(i_size_read(file_inode(shm->shm_file))) == i_size_read(inode)) {
		if (!is_huge)
			i_size_write(inode, in->size);
		/* Tools look for it there. */
		inode->i_ino = in->perm.id;
		spin_lock(&shm->shm_perm.lock);
		old = shm->shm_file;
		shm->shm_file = get_file(file);
		spin_unlock(&shm->shm_perm.lock);
		err = 0;
	}
	up_write(&ids->rwsem);
	if (old)
		fput(old);
	return err;
}

/* What the current process has mapped there, with a reference. */
struct file *cr_shim_shm_file_at(u64 addr)
{
	struct file *file = ERR_PTR(-EFAULT);
	struct vm_area_struct *vma;

	mmap_read_lock(current->mm);
	vma = vma_lookup(current->mm, addr);
	if (vma && vma->vm_file)
		file = get_file(vma->vm_file);
	mmap_read_unlock(current->mm);
	return file;
}

/* Who takes it along when it exits, if kernel.shm_rmid_forced says so. */
static void set_creator(struct shmid_kernel *shm, struct task_struct *creator)
{
	struct task_struct *old = shm->shm_creator;

	if (!list_empty(&shm->shm_clist)) {
		task_lock(old);
		list_del_init(&shm->shm_clist);
		task_unlock(old);
	}
	shm->shm_creator = NULL;
	if (creator) {
		task_lock(creator);
		/* Once it exits, nobody takes the segment off its list any more. */
		if (!(creator->flags & PF_EXITING)) {
			shm->shm_creator = creator;
			list_add(&shm->shm_clist, &creator->sysvshm.shm_clist);
		}
		task_unlock(creator);
	}
}

/*
 * Gives a segment its owner, its times, who has created and used it, all of which
 * stand still, and whether it goes with its last mapping.
 */
int cr_shim_shm_finish(struct ipc_namespace *ipc, const struct cr_img_shm *in,
		       struct pid *maker, struct pid *user,
		       struct task_struct *creator)
{
	struct ipc_ids *ids = &ipc->ids[CR_SHIM_SHM];
	struct shmid_kernel *shm;
	int err = -EINVAL;

	if (!cr_shim_may_set_perm(ipc))
		return -EPERM;
	down_write(&ids->rwsem);
	shm = shm_of(find_object(ids, in->perm.id));
	if (shm) {
		get_pid(maker);
		get_pid(user);
		spin_lock(&shm->shm_perm.lock);
		err = set_perm(&shm->shm_perm, &in->perm);
		if (in->flags & CR_SHM_DEST)
			shm->shm_perm.mode |= SHM_DEST;
		shm->shm_atim = in->atime;
		shm->shm_dtim = in->dtime;
		shm->shm_ctim = in->ctime;
		swap(shm->shm_cprid, maker);
		swap(shm->shm_lprid, user);
		spin_unlock(&shm->shm_perm.lock);
		set_creator(shm, creator);
		put_pid(maker);
		put_pid(user);
	}
	up_write(&ids->rwsem);
	return err;
}

/* The identifier of what the current task creates next. */
void cr_shim_ipc_next_id(enum cr_shim_ipc kind, int id)
{
	struct ipc_ids *ids = &current->nsproxy->ipc_ns->ids[kind];

	down_write(&ids->rwsem);
	ids->next_id = id;
	up_write(&ids->rwsem);
}
