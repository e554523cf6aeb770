// SPDX-License-Identifier: GPL-2.0
/* Processes that want to be told when a POSIX message queue has a message: mq_notify(3). */
#include "payload.h"
#include <linux/netlink.h>
#include <mqueue.h>
#include <sys/socket.h>

#define VALUE		((void *)0x123456789abcUL)
#define COOKIE_LEN	32

enum { BY_SIGNAL, BY_NOTHING, BY_SOCKET, NR };

static const char *const names[NR] = { "/signals", "/nothing", "/socket" };
static mqd_t queues[NR];
static int socket_;
static char cookie[COOKIE_LEN] = "a cookie";

static long notify(int which, int how, int signal, void *value)
{
	struct sigevent event = { .sigev_notify = how, .sigev_signo = signal };

	event.sigev_value.sival_ptr = value;
	return syscall(SYS_mq_notify, queues[which], &event);
}

static void ask(int which)
{
	switch (which) {
	case BY_SIGNAL:
		sure(notify(which, SIGEV_SIGNAL, SIGUSR1, VALUE));
		break;
	case BY_NOTHING:
		sure(notify(which, SIGEV_NONE, 0, NULL));
		break;
	default:
		socket_ = sure(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
		sure(notify(which, SIGEV_THREAD, socket_, cookie));
	}
}

static void take(void)
{
	struct timespec enough = { 600, 0 };
	sigset_t set = block_signal(SIGUSR1);
	siginfo_t info = {};

	expect_eq(sigtimedwait(&set, &info, &enough), SIGUSR1, "signal of a message");
	expect_eq(info.si_code, SI_MESGQ, "its si_code");
	expect_eq(info.si_pid, 1, "its sender");
	expect(info.si_ptr == VALUE, "its value: %p", info.si_ptr);
}

static void hear(void)
{
	char got[COOKIE_LEN] = "";

	expect_eq(recv(socket_, got, sizeof(got), 0), COOKIE_LEN, "a cookie at the socket");
	expect(!memcmp(got, cookie, COOKIE_LEN - 1), "what it is: %.31s", got);
	/* The kernel says there why it comes: NOTIFY_WOKENUP. */
	expect_eq(got[COOKIE_LEN - 1], 1, "why it comes");
}

/* Waits to be told, and asks again once it was. */
static int waits(void *arg)
{
	int which = *(int *)arg;
	char message[32], name[32];

	block_signal(SIGUSR1);
	ask(which);
	snprintf(name, sizeof(name), "asked%d", which);
	tell(name);
	if (await_go()) {
		sure(syscall(SYS_mq_notify, queues[which], NULL));
		snprintf(name, sizeof(name), "spoilt%d", which);
		tell(name);
		return 0;
	}
	snprintf(name, sizeof(name), "sent%d", which);
	await(name);
	if (which == BY_SIGNAL)
		take();
	else if (which == BY_SOCKET)
		hear();
	expect_eq(mq_receive(queues[which], message, sizeof(message), NULL), 4, "%s: message",
		  names[which]);
	/* Being told is once. */
	ask(which);
	return 0;
}

/* What the queue says of who is told. */
static void expect_notified(int which, const char *wanted)
{
	char text[128] = "", *at;

	sure(lseek(queues[which], 0, SEEK_SET));
	sure(read(queues[which], text, sizeof(text) - 1));
	at = strstr(text, "NOTIFY:");
	text[strcspn(text, "\n")] = 0;
	expect(at && !strncmp(at, wanted, strlen(wanted)), "%s: %s", names[which], at ? at : "nothing");
}

int main(int argc, char **argv)
{
	struct mq_attr attr = { .mq_maxmsg = 2, .mq_msgsize = 32 };
	char wanted[NR][64], name[32];
	pid_t pid[NR];

	payload_begin(argc, argv);
	for (int i = 0; i < NR; i++)
		queues[i] = sure(mq_open(names[i], O_RDWR | O_CREAT | O_EXCL, 0600, &attr));
	for (int i = 0; i < NR; i++) {
		pid[i] = child(waits, &i);
		snprintf(name, sizeof(name), "asked%d", i);
		await(name);
	}
	/* One that has no name any more. */
	sure(mq_unlink(names[BY_NOTHING]));
	snprintf(wanted[BY_SIGNAL], 64, "NOTIFY:0     SIGNO:10    NOTIFY_PID:%-6d", pid[BY_SIGNAL]);
	snprintf(wanted[BY_NOTHING], 64, "NOTIFY:1     SIGNO:0     NOTIFY_PID:%-6d", pid[BY_NOTHING]);
	snprintf(wanted[BY_SOCKET], 64, "NOTIFY:2     SIGNO:0     NOTIFY_PID:%-6d", pid[BY_SOCKET]);

	if (pause_here())
		for (int i = 0; i < NR; i++) {
			snprintf(name, sizeof(name), "spoilt%d", i);
			await(name);
		}
	for (int i = 0; i < NR; i++) {
		expect_notified(i, wanted[i]);
		expect_errno(notify(i, SIGEV_NONE, 0, NULL), EBUSY, "nobody else is told of a message");
		sure(mq_send(queues[i], "text", 4, 0));
		expect_notified(i, "NOTIFY:0     SIGNO:0     NOTIFY_PID:0");
		snprintf(name, sizeof(name), "sent%d", i);
		tell(name);
	}
	for (int i = 0; i < NR; i++)
		reap(pid[i]);
	/* Who has ended is not to be told. */
	for (int i = 0; i < NR; i++)
		expect_notified(i, "NOTIFY:0     SIGNO:0     NOTIFY_PID:0");
	return payload_end();
}
