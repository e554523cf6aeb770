// SPDX-License-Identifier: GPL-2.0
/* Objects of an IPC namespace, which belong to no process. */
#include "cases.h"
#include <mqueue.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>

static void make_shm(void)
{
	sure(shmget(IPC_PRIVATE, PAGE, IPC_CREAT | 0600));
}

static void make_sem(void)
{
	sure(semget(IPC_PRIVATE, 1, IPC_CREAT | 0600));
}

static void make_msg(void)
{
	struct {
		long type;
		char text[8];
	} message = { 1, "message" };
	int id = sure(msgget(IPC_PRIVATE, IPC_CREAT | 0600));

	sure(msgsnd(id, &message, 8, 0));
}

static void make_mqueue(void)
{
	mq_close(sure(mq_open("/of-the-container", O_RDWR | O_CREAT, 0600, NULL)));
}

static void make_sem_undo(void)
{
	struct sembuf op = { .sem_op = 1, .sem_flg = SEM_UNDO };
	int id = sure(semget(IPC_PRIVATE, 1, IPC_CREAT | 0600));

	sure(semop(id, &op, 1));
}

#define WORDS	"SysV|System V|shared memory|semaphore|message queue|mqueue|IPC"

static const struct case_ cases[] = {
	{ "shm", WORDS, make_shm, NULL },
	{ "sem", WORDS, make_sem, NULL },
	{ "msg", WORDS, make_msg, NULL },
	{ "mqueue", WORDS, make_mqueue, NULL },
	{ "sem-undo", WORDS, make_sem_undo, NULL },
};

int main(int argc, char **argv)
{
	return run_cases(argc, argv, cases, ARRAY_SIZE(cases));
}
