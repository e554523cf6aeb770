// SPDX-License-Identifier: GPL-2.0
/* An init whose first thread has exited: another one is the reaper then. */
#include "payload.h"
#include <pthread.h>
#include <sys/sem.h>

static int middle(void *unused)
{
	if (!sure(fork())) {
		while (getppid() != 1)
			sleep_ms(5);
		tell("orphan");
		await_go();
		_exit(4);
	}
	(void)unused;
	return 0;
}

static void *live(void *unused)
{
	struct sembuf up = { .sem_num = 0, .sem_op = 3, .sem_flg = SEM_UNDO };
	int status = 0, set;

	while (task_state(1) != 'Z')
		sleep_ms(5);
	reap(child(middle, NULL));
	await("orphan");
	set = sure(semget(IPC_PRIVATE, 1, 0640));
	sure(semop(set, &up, 1));
	if (pause_here())
		status = 1;
	expect_eq(getpid(), 1, "pid of init");
	expect_eq(task_state(1), 'Z', "its first thread");
	expect(wait(&status) > 0 && status == 4 << 8, "an orphan of before: %#x", status);
	expect_eq(semctl(set, 0, GETVAL), 3, "semaphore");
	expect_eq(semctl(set, 0, GETPID), 1, "who has changed it");
	reap(child(middle, NULL));
	expect(wait(&status) > 0 && status == 4 << 8, "a new orphan: %#x", status);
	if (access(file_at("spoil"), F_OK) == 0)
		expect(false, "spoiled");
	(void)unused;
	exit(payload_end());
}

int main(int argc, char **argv)
{
	pthread_t thread;

	payload_begin(argc, argv);
	if (pthread_create(&thread, NULL, live, NULL))
		sure(-1);
	syscall(SYS_exit, 7);
	return 1;
}
