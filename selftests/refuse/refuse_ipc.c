// SPDX-License-Identifier: GPL-2.0
/* Objects of an IPC namespace, which belong to no process. */
#include "cases.h"
#include <mqueue.h>
#include <sys/shm.h>

static void make_shm(void)
{
	sure(shmget(IPC_PRIVATE, PAGE, IPC_CREAT | 0600));
}

static void make_mqueue(void)
{
	mq_close(sure(mq_open("/of-the-container", O_RDWR | O_CREAT, 0600, NULL)));
}

#define WORDS	"System V shared memory or POSIX message queues"

static const struct case_ cases[] = {
	{ "shm", WORDS, make_shm, NULL },
	{ "mqueue", WORDS, make_mqueue, NULL },
};

int main(int argc, char **argv)
{
	return run_cases(argc, argv, cases, ARRAY_SIZE(cases));
}
