// SPDX-License-Identifier: GPL-2.0
/*
 * System V message queues: messages of all sizes in their order, limits, owners,
 * times, who has used them last, and processes that wait for a message or for
 * room.
 */
#include "payload.h"
#include <sys/msg.h>

#define LARGE	8100

static struct message {
	long type;
	char text[LARGE];
} message;

static int queue, full, empty;

static void put(int id, long type, char fill, size_t length)
{
	message.type = type;
	memset(message.text, fill, length);
	sure(msgsnd(id, &message, length, IPC_NOWAIT));
}

/* The length of the first message of a type. */
static long get(int id, long type)
{
	return msgrcv(id, &message, sizeof(message.text), type, IPC_NOWAIT);
}

static bool is_all(char fill, long length)
{
	for (long i = 0; i < length; i++)
		if (message.text[i] != fill)
			return false;
	return true;
}

static int sends(void *unused)
{
	put(queue, 7, 'd', 10);
	(void)unused;
	return 0;
}

static int receives(void *unused)
{
	expect_eq(msgrcv(empty, &message, sizeof(message.text), 42, 0), 6, "msgrcv of a type");
	expect(message.type == 42 && is_all('w', 6), "what it has received");
	(void)unused;
	return 0;
}

static int waits_for_room(void *unused)
{
	message.type = 9;
	memset(message.text, 'r', 1000);
	expect_eq(msgsnd(full, &message, 1000, 0), 0, "msgsnd to a full queue");
	(void)unused;
	return 0;
}

int main(int argc, char **argv)
{
	struct msqid_ds before, after;
	pid_t dead, pid[2];
	int in_it = 0;

	payload_begin(argc, argv);
	sure(msgctl(sure(msgget(IPC_PRIVATE, 0600)), IPC_RMID, NULL));
	queue = sure(msgget(0x4321, IPC_CREAT | 0620));
	full = sure(msgget(IPC_PRIVATE, 0600));
	empty = sure(msgget(IPC_PRIVATE, 0600));
	sure(msgctl(queue, IPC_STAT, &before));
	before.msg_qbytes = 100000;
	before.msg_perm.uid = 1000;
	before.msg_perm.gid = 1001;
	sure(msgctl(queue, IPC_SET, &before));
	for (int i = 0; i < 3; i++) {
		put(queue, 3, 'a' + i, LARGE);
		put(queue, 1, 'x', 5);
	}
	put(queue, 2, 0, 0);
	expect_eq(get(queue, 1), 5, "before");
	dead = child(sends, NULL);
	reap(dead);
	message.type = 5;
	while (!msgsnd(full, &message, 1000, IPC_NOWAIT))
		in_it++;
	pid[0] = child(receives, NULL);
	pid[1] = child(waits_for_room, NULL);
	await_syscall(pid[0], SYS_msgrcv);
	await_syscall(pid[1], SYS_msgsnd);
	sure(msgctl(queue, IPC_STAT, &before));

	if (pause_here())
		get(queue, 7);
	expect_eq(msgget(0x4321, 0), queue, "identifier by key");
	sure(msgctl(queue, IPC_STAT, &after));
	expect(after.msg_perm.uid == 1000 && after.msg_perm.gid == 1001, "owner");
	expect_eq(after.msg_perm.mode, 0620, "permissions");
	expect_eq(after.msg_qbytes, 100000, "most bytes");
	expect_eq(after.msg_qnum, before.msg_qnum, "messages");
	expect_eq(after.__msg_cbytes, before.__msg_cbytes, "bytes");
	expect_eq(after.msg_lspid, dead, "who has sent last, and is dead");
	expect_eq(after.msg_lrpid, getpid(), "who has received last");
	expect(after.msg_stime == before.msg_stime && after.msg_rtime == before.msg_rtime &&
	       after.msg_ctime == before.msg_ctime, "times");

	expect_eq(get(queue, 0), LARGE, "first message");
	expect(message.type == 3 && is_all('a', LARGE), "its text");
	expect_eq(get(queue, 1), 5, "first one of a type");
	expect_eq(get(queue, 0), LARGE, "second message");
	expect(message.type == 3 && is_all('b', LARGE), "its text");
	expect_eq(get(queue, -2), 5, "one of a low type");
	expect_eq(get(queue, 2), 0, "an empty one");
	expect_eq(get(queue, 7), 10, "that of the dead process");
	expect(is_all('d', 10), "its text");
	expect_eq(get(queue, 0), LARGE, "last one");
	expect(is_all('c', LARGE), "its text");
	expect_errno(get(queue, 0), ENOMSG, "there is no other");

	put(empty, 41, 'n', 3);
	put(empty, 42, 'w', 6);
	reap(pid[0]);
	expect_eq(get(empty, 0), 3, "a message that nobody has waited for");
	for (int i = 0; i < in_it; i++)
		expect_eq(get(full, 5), 1000, "message %d of a full queue", i);
	reap(pid[1]);
	expect_eq(get(full, 0), 1000, "what did not fit");
	expect(message.type == 9 && is_all('r', 1000), "its text");
	return payload_end();
}
