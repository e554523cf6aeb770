// SPDX-License-Identifier: GPL-2.0
/* Objects of an IPC namespace, which belong to no process. */
#include "cases.h"
#include <mqueue.h>
#include <sys/shm.h>

static void make_locked(void)
{
	sure(shmctl(sure(shmget(IPC_PRIVATE, PAGE, 0600)), SHM_LOCK, NULL));
}

static void make_huge(void)
{
	need(shmget(IPC_PRIVATE, 2 << 20, SHM_HUGETLB | SHM_NORESERVE | 0600));
}

static void make_mqueue(void)
{
	mq_close(sure(mq_open("/of-the-container", O_RDWR | O_CREAT, 0600, NULL)));
}

static const struct case_ cases[] = {
	{ "locked", "System V shared memory [0-9]+ is locked", make_locked, NULL },
	{ "huge", "System V shared memory [0-9]+ is of huge pages", make_huge, NULL },
	{ "mqueue", "POSIX message queues", make_mqueue, NULL },
};

int main(int argc, char **argv)
{
	return run_cases(argc, argv, cases, ARRAY_SIZE(cases));
}
