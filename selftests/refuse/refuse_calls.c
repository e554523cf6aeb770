// SPDX-License-Identifier: GPL-2.0
/* Tasks that sleep in system calls which cannot be left and issued again. None of them returns. */
#include "cases.h"
#include <linux/aio_abi.h>
#include <linux/futex.h>
#include <linux/io_uring.h>
#include <linux/time_types.h>
#include <pthread.h>
#include <sys/uio.h>
#include <sys/eventfd.h>
#include <sys/ipc.h>
#include <sys/socket.h>

static uint32_t *word;

/* A child that makes what it needs and then sleeps in one call. */
static void sleep_in(long nr, void (*call)(void))
{
	pid_t pid;

	word = map_anon(PAGE, MAP_SHARED);
	pid = sure(fork());
	if (!pid) {
		call();
		expect(false, "the call has returned: %s", strerror(errno));
		_exit(1);
	}
	await_syscall(pid, nr);
}

/* It has fetched one of two events: the other one would be waited for without it. */
static void call_io_getevents(void)
{
	aio_context_t context = 0;
	struct io_event events[2];
	struct iocb request = { .aio_lio_opcode = IOCB_CMD_FSYNC, .aio_flags = IOCB_FLAG_RESFD };
	struct iocb *list = &request;
	uint64_t done;

	request.aio_fildes = sure(open(file_at("file"), O_RDWR | O_CREAT, 0600));
	request.aio_resfd = sure(eventfd(0, 0));
	need(syscall(SYS_io_setup, 2, &context));
	sure(syscall(SYS_io_submit, context, 1, &list));
	sure(read(request.aio_resfd, &done, sizeof(done)));
	syscall(SYS_io_getevents, context, 2, 2, events, NULL);
}

static void call_io_uring_enter(void)
{
	struct io_uring_params params = { 0 };
	struct __kernel_timespec time = { .tv_sec = 1000 };
	struct io_uring_getevents_arg arg = { .ts = (uintptr_t)&time };
	int ring = need((int)syscall(SYS_io_uring_setup, 1, &params));

	syscall(SYS_io_uring_enter, ring, 0, 1, IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG, &arg,
		sizeof(arg));
}

static void set_timeout(int fd, int option, int seconds)
{
	struct timeval timeout = { seconds, 0 };

	sure(setsockopt(fd, SOL_SOCKET, option, &timeout, sizeof(timeout)));
}

static int time_fd;

static void *changes_timeout(void *unused)
{
	await_syscall(getpid(), SYS_recvfrom);
	set_timeout(time_fd, SO_RCVTIMEO, 500);
	tell("changed");
	return unused;
}

/* It has more time left than one that begins now. */
static void call_recv(void)
{
	pthread_t thread;
	int fd[2];
	char c;

	sure(socketpair(AF_UNIX, SOCK_STREAM, 0, fd));
	time_fd = fd[0];
	set_timeout(fd[0], SO_RCVTIMEO, 1000);
	pthread_create(&thread, NULL, changes_timeout, NULL);
	recv(fd[0], &c, 1, 0);
}

/* What one writer has sent ends where the next one begins. */
static void call_recv_all(void)
{
	int fd[2], on = 1;
	char c[100];

	sure(socketpair(AF_UNIX, SOCK_STREAM, 0, fd));
	sure(setsockopt(fd[0], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)));
	sure(write(fd[1], "a part", 6));
	recv(fd[0], c, sizeof(c), MSG_WAITALL);
}

static void call_recv_many(void)
{
	struct mmsghdr messages[2] = { 0 };
	int fd[2];

	sure(socketpair(AF_UNIX, SOCK_DGRAM, 0, fd));
	sure(send(fd[1], "one of two", 10, 0));
	recvmmsg(fd[0], messages, 2, 0, &(struct timespec){ 1000, 0 });
}

/* To a stream, of which each may have taken a part. */
static void call_send_many(void)
{
	static char data[1 << 20];
	struct iovec part = { data, sizeof(data) };
	struct mmsghdr messages[5] = { { .msg_hdr = { .msg_iov = &part, .msg_iovlen = 1 } } };
	int fd[2];

	sure(socketpair(AF_UNIX, SOCK_STREAM, 0, fd));
	sendmmsg(fd[0], messages, 5, 0);
}

/* Control data of the rest would be lost. */
static void call_recv_msg(void)
{
	char c[100], control[100];
	struct iovec part = { c, sizeof(c) };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = control,
				  .msg_controllen = sizeof(control) };
	int fd[2];

	sure(socketpair(AF_UNIX, SOCK_STREAM, 0, fd));
	sure(write(fd[1], "a part", 6));
	recvmsg(fd[0], &message, MSG_WAITALL);
}

#define SLEEP(call, nr)	static void sleep_##call(void) { sleep_in(nr, call_##call); }

SLEEP(io_getevents, SYS_io_getevents)
SLEEP(io_uring_enter, SYS_io_uring_enter)
SLEEP(recv_all, SYS_recvfrom)
SLEEP(recv_msg, SYS_recvmsg)
SLEEP(recv_many, SYS_recvmmsg)
SLEEP(send_many, SYS_sendmmsg)

static void sleep_recv(void)
{
	sleep_in(SYS_recvfrom, call_recv);
	await("changed");
}

#define BY_NAME(name)	"pid 2 .*sleeps in " name "\\(2\\),"

static const struct case_ cases[] = {
	{ "io_getevents", BY_NAME("io_getevents"), sleep_io_getevents, NULL },
	{ "io_uring_enter", BY_NAME("io_uring_enter"), sleep_io_uring_enter, NULL },
	{ "recv-other-time", BY_NAME("recvfrom"), sleep_recv, NULL },
	{ "recv-all", BY_NAME("recvfrom"), sleep_recv_all, NULL },
	{ "recvmsg", BY_NAME("recvmsg"), sleep_recv_msg, NULL },
	{ "recvmmsg", BY_NAME("recvmmsg"), sleep_recv_many, NULL },
	{ "sendmmsg", BY_NAME("sendmmsg"), sleep_send_many, NULL },
};

int main(int argc, char **argv)
{
	return run_cases(argc, argv, cases, ARRAY_SIZE(cases));
}
