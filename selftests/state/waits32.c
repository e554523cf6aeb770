// SPDX-License-Identifier: GPL-2.0
/*
 * System calls of 32-bit programs that wait: for a time, which goes on and is not longer for it, or
 * until something comes.
 */
#include "int80.h"
#include <mqueue.h>
#include <sys/epoll.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <termios.h>

#define TIME_S		15
#define BEFORE_MS	8000
/* What the time may come to, ns: less than if it had begun again. */
#define ENOUGH		((TIME_S + 5) * SECOND)

static int epoll, semaphores, messages, listener, terminal[2], pairs[5][2], lock_fd;
static mqd_t queue;

/* Where arguments are; each process has its own. */
static union {
	uint32_t word[64];
	int64_t time[32];
	unsigned char byte[256];
} *low;

static uint32_t at(int word)
{
	return low_address(&low->word[word]);
}


static uint32_t short_time(void)
{
	low->word[0] = TIME_S;
	low->word[1] = 0;
	return at(0);
}

static uint32_t long_time(void)
{
	low->time[1] = TIME_S;
	low->time[2] = 0;
	return at(2);
}

static long in_epoll_wait(void)
{
	return int80(CALL32_EPOLL_WAIT, epoll, at(16), 1, TIME_S * 1000, 0);
}

static long in_epoll_pwait(void)
{
	low->word[8] = low->word[9] = 0;
	return int80_6(CALL32_EPOLL_PWAIT, epoll, at(16), 1, TIME_S * 1000, at(8), 8);
}

static long in_epoll_pwait2(void)
{
	return int80_6(CALL32_EPOLL_PWAIT2, epoll, at(16), 1, long_time(), 0, 0);
}

/* What it waits for is not blocked: what is must look the same at any moment. */
static long in_sigtimedwait(void)
{
	low->word[8] = 1 << (SIGUSR2 - 1);
	return int80(CALL32_RT_SIGTIMEDWAIT, at(8), 0, short_time(), 8, 0);
}

static long in_sigtimedwait_time64(void)
{
	low->word[8] = 1 << (SIGUSR2 - 1);
	return int80(CALL32_RT_SIGTIMEDWAIT_TIME64, at(8), 0, long_time(), 8, 0);
}

/* To take one of semaphore @which, that has none. */
static uint32_t taking(int which)
{
	struct sembuf take = { which, -1, 0 };

	memcpy(&low->word[8], &take, sizeof(take));
	return at(8);
}

static long in_semtimedop(void)
{
	return int80(CALL32_SEMTIMEDOP_TIME64, semaphores, taking(0), 1, long_time(), 0);
}

static long in_semtimedop_by_ipc(void)
{
	return int80_6(CALL32_IPC, IPC_SEMTIMEDOP, semaphores, 1, 0, taking(0), short_time());
}

static long in_mq_timedreceive(void)
{
	uint32_t time = short_time();

	low->word[0] += now_ns(CLOCK_REALTIME) / SECOND;
	return int80(CALL32_MQ_TIMEDRECEIVE, queue, at(16), 64, 0, time);
}

static long in_mq_timedreceive_time64(void)
{
	uint32_t time = long_time();

	low->time[1] += now_ns(CLOCK_REALTIME) / SECOND;
	return int80(CALL32_MQ_TIMEDRECEIVE_TIME64, queue, at(16), 64, 0, time);
}

static long in_recvfrom(void)
{
	return int80_6(CALL32_RECVFROM, pairs[0][0], at(16), 64, 0, 0, 0);
}

static long by_socketcall(uint32_t call, uint32_t a, uint32_t b, uint32_t c, uint32_t d)
{
	uint32_t args[] = { a, b, c, d };

	memcpy(&low->word[8], args, sizeof(args));
	return int80(CALL32_SOCKETCALL, call, at(8), 0, 0, 0);
}

static long in_recv(void)
{
	return by_socketcall(SOCKETCALL_RECV, pairs[0][0], at(16), 64, 0);
}

/* The other end takes no more. */
static long in_send(void)
{
	return by_socketcall(SOCKETCALL_SEND, pairs[1][0], at(16), 64, 0);
}

static long in_accept(void)
{
	return by_socketcall(SOCKETCALL_ACCEPT, listener, 0, 0, 0);
}

static long in_accept4(void)
{
	return int80(CALL32_ACCEPT4, listener, 0, 0, 0, 0);
}

static long in_terminal_read(void)
{
	return int80(CALL32_READ, terminal[1], at(16), 64, 0, 0);
}

static long in_msgrcv(void)
{
	/* Of version 0, with the rest of its arguments in memory. */
	low->word[8] = at(16);
	low->word[9] = 5;
	return int80(CALL32_IPC, IPC_MSGRCV, messages, 16, 0, at(8));
}

static long in_msgrcv_version1(void)
{
	return int80_6(CALL32_IPC, 1 << 16 | IPC_MSGRCV, messages, 16, 0, at(16), 6);
}

static long in_semop(void)
{
	return int80(CALL32_IPC, IPC_SEMOP, semaphores, 1, 0, taking(1));
}

static volatile sig_atomic_t nr_signals;

static void on_signal(int signal)
{
	nr_signals += signal == SIGUSR1;
}

static long in_sigsuspend(void)
{
	struct sigaction action = { .sa_handler = on_signal };

	sigaction(SIGUSR1, &action, NULL);
	block_signal(SIGUSR1);
	low->word[8] = low->word[9] = 0;
	return int80(CALL32_RT_SIGSUSPEND, at(8), 8, 0, 0, 0);
}

/* struct flock64 of 32-bit programs: type, whence, start, len, pid. */
static long in_setlkw64(void)
{
	low->word[8] = F_WRLCK;
	for (int i = 9; i < 14; i++)
		low->word[i] = 0;
	return int80(CALL32_FCNTL64, lock_fd, 14, at(8), 0, 0);
}

static const struct {
	const char *what;
	long (*waits)(void);
	int nr;
	/* What it returns when its time is over, or when it has got something. */
	long wanted;
	bool timed;
	/* By a clock that goes on while the container is dead. */
	bool absolute;
} kinds[] = {
	{ "epoll_wait(2)", in_epoll_wait, CALL32_EPOLL_WAIT, 0, true, false },
	{ "epoll_pwait(2)", in_epoll_pwait, CALL32_EPOLL_PWAIT, 0, true, false },
	{ "epoll_pwait2(2)", in_epoll_pwait2, CALL32_EPOLL_PWAIT2, 0, true, false },
	{ "rt_sigtimedwait(2)", in_sigtimedwait, CALL32_RT_SIGTIMEDWAIT, -EAGAIN, true, false },
	{ "rt_sigtimedwait(2) with a long time", in_sigtimedwait_time64, CALL32_RT_SIGTIMEDWAIT_TIME64,
	  -EAGAIN, true, false },
	{ "semtimedop(2)", in_semtimedop, CALL32_SEMTIMEDOP_TIME64, -EAGAIN, true, false },
	{ "semtimedop(2) by ipc(2)", in_semtimedop_by_ipc, CALL32_IPC, -EAGAIN, true, false },
	{ "mq_timedreceive(2)", in_mq_timedreceive, CALL32_MQ_TIMEDRECEIVE, -ETIMEDOUT, true, true },
	{ "mq_timedreceive(2) with a long time", in_mq_timedreceive_time64,
	  CALL32_MQ_TIMEDRECEIVE_TIME64, -ETIMEDOUT, true, true },
	{ "recvfrom(2)", in_recvfrom, CALL32_RECVFROM, -EAGAIN, true, false },
	{ "recv(2) by socketcall(2)", in_recv, CALL32_SOCKETCALL, -EAGAIN, true, false },
	{ "send(2) by socketcall(2)", in_send, CALL32_SOCKETCALL, -EAGAIN, true, false },
	{ "accept(2) by socketcall(2)", in_accept, CALL32_SOCKETCALL, -EAGAIN, true, false },
	{ "accept4(2)", in_accept4, CALL32_ACCEPT4, -EAGAIN, true, false },
	{ "read(2) of a terminal with VTIME", in_terminal_read, CALL32_READ, 0, true, false },
	{ "msgrcv(2) by ipc(2)", in_msgrcv, CALL32_IPC, 4, false, false },
	{ "msgrcv(2) by version 1 of ipc(2)", in_msgrcv_version1, CALL32_IPC, 4, false, false },
	{ "semop(2) by ipc(2)", in_semop, CALL32_IPC, 0, false, false },
	{ "rt_sigsuspend(2)", in_sigsuspend, CALL32_RT_SIGSUSPEND, -EINTR, false, false },
	{ "fcntl64(2) with F_SETLKW64", in_setlkw64, CALL32_FCNTL64, 0, false, false },
};

static int waits(void *arg)
{
	int i = *(int *)arg;
	long long took, begin = now_ns(CLOCK_MONOTONIC);
	long ret;

	low = low_page();
	ret = kinds[i].waits();
	took = now_ns(CLOCK_MONOTONIC) - begin;
	/* It stays, for who compares containers. */
	await_go();
	expect_eq(ret, kinds[i].wanted, "%s", kinds[i].what);
	if (kinds[i].timed && !kinds[i].absolute)
		/* Ticks may come a little early, of a wait that ends by them. */
		expect(took >= TIME_S * SECOND - 100 * MS && took < ENOUGH * patience(),
		       "%s: after %lld ms", kinds[i].what, took / MS);
	return 0;
}

static void make_terminal(void)
{
	struct termios t;

	terminal[0] = sure(posix_openpt(O_RDWR | O_NOCTTY));
	sure(unlockpt(terminal[0]));
	terminal[1] = sure(open(ptsname(terminal[0]), O_RDWR | O_NOCTTY));
	sure(tcgetattr(terminal[1], &t));
	cfmakeraw(&t);
	t.c_cc[VMIN] = 0;
	t.c_cc[VTIME] = TIME_S * 10;
	sure(tcsetattr(terminal[1], TCSANOW, &t));
}

static void set_time(int fd, int option)
{
	struct timeval time = { TIME_S, 0 };

	sure(setsockopt(fd, SOL_SOCKET, option, &time, sizeof(time)));
}

static void make_sockets(void)
{
	struct sockaddr_un name = { AF_UNIX, "\0waits32" };

	for (int i = 0; i < 2; i++)
		sure(socketpair(AF_UNIX, SOCK_DGRAM, 0, pairs[i]));
	set_time(pairs[0][0], SO_RCVTIMEO);
	while (send(pairs[1][0], "x", 1, MSG_DONTWAIT) == 1)
		;
	set_time(pairs[1][0], SO_SNDTIMEO);
	listener = sure(socket(AF_UNIX, SOCK_STREAM, 0));
	sure(bind(listener, (struct sockaddr *)&name, sizeof(name)));
	sure(listen(listener, 1));
	set_time(listener, SO_RCVTIMEO);
}

static void make_lock(void)
{
	struct flock lock = { .l_type = F_WRLCK };

	lock_fd = sure(open(file_at("lock"), O_RDWR | O_CREAT, 0600));
	sure(fcntl(lock_fd, F_SETLK, &lock));
}

/* All get what they wait for that wait for something. */
static void supply(pid_t suspended)
{
	struct flock lock = { .l_type = F_UNLCK };
	struct sembuf give = { 1, 1, 0 };
	struct {
		long type;
		char text[4];
	} message = { 5, "five" };

	sure(msgsnd(messages, &message, 4, 0));
	message.type = 6;
	sure(msgsnd(messages, &message, 4, 0));
	sure(semop(semaphores, &give, 1));
	sure(kill(suspended, SIGUSR1));
	sure(fcntl(lock_fd, F_SETLK, &lock));
}

int main(int argc, char **argv)
{
	struct mq_attr attr = { .mq_maxmsg = 2, .mq_msgsize = 64 };
	const int nr = ARRAY_SIZE(kinds);
	pid_t pid[ARRAY_SIZE(kinds)], suspended = 0;

	payload_begin(argc, argv);
	epoll = sure(epoll_create1(0));
	semaphores = sure(semget(IPC_PRIVATE, 2, 0600));
	messages = sure(msgget(IPC_PRIVATE, 0600));
	queue = sure(mq_open("/waits32", O_RDWR | O_CREAT, 0600, &attr));
	make_terminal();
	make_sockets();
	make_lock();
	for (int i = 0; i < nr; i++) {
		pid[i] = child(waits, &i);
		await_syscall(pid[i], kinds[i].nr);
		if (kinds[i].waits == in_sigsuspend)
			suspended = pid[i];
	}
	sleep_ms(BEFORE_MS);
	if (pause_here())
		sure(send(pairs[0][1], "spoilt", 6, 0));
	for (int i = 0; i < nr; i++)
		if (!kinds[i].timed)
			expect_eq(task_state(pid[i]), 'S', "%s: it waits", kinds[i].what);
	supply(suspended);
	for (int i = 0; i < nr; i++)
		reap(pid[i]);
	return payload_end();
}
