/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Processes that open, send and close what they are told to by the init of a
 * payload, one at a time: for those that have a model of what comes of it.
 */
#ifndef WORKERS_H
#define WORKERS_H

#include "payload.h"
#include <linux/futex.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#define WORKERS		7
#define MAX_FD		256
#define MAX_SENT	3
#define MAX_READY	64

enum kind { READER, WRITER, STREAM, DATAGRAM, SEQUENCE, EVENT, EPOLL, PLAIN, KINDS };

enum op { PIPE, PAIR, NEW_EVENT, NEW_EPOLL, NEW_FILE, DUP, CLOSE, PUT, SEND, TAKE, WATCH, FORK,
	  OPS, REPORT, READY };

/* What a descriptor looks like to who has it. */
struct seen {
	int fd_flags, flags, type;
	long long offset;
};

/* What a worker is to do, and what came of it. Workers wait for their turn. */
static struct {
	int turn;
	enum op op;
	int fd, other, number, count;
	int fds[MAX_SENT];
	char path[256];
	int result, error;
	unsigned int value;
	struct seen seen[WORKERS + 1][MAX_FD];
	int ready[MAX_READY];
} *order;

static bool is_socket(enum kind kind)
{
	return kind == STREAM || kind == DATAGRAM || kind == SEQUENCE;
}

static int look(int me)
{
	for (int fd = 0; fd < MAX_FD; fd++) {
		struct seen *seen = &order->seen[me][fd];
		struct stat st;

		memset(seen, 0, sizeof(*seen));
		seen->fd_flags = fcntl(fd, F_GETFD);
		if (seen->fd_flags < 0 || fstat(fd, &st))
			continue;
		seen->flags = fcntl(fd, F_GETFL);
		seen->type = st.st_mode & S_IFMT;
		seen->offset = seen->type == S_IFREG ? lseek(fd, 0, SEEK_CUR) : 0;
	}
	return 0;
}

static int send_one(void)
{
	char control[CMSG_SPACE(MAX_SENT * sizeof(int))] = {};
	struct iovec iov = { &order->value, sizeof(order->value) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
			      .msg_controllen = CMSG_SPACE(order->count * sizeof(int)) };
	struct cmsghdr *header = CMSG_FIRSTHDR(&msg);

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(order->count * sizeof(int));
	memcpy(CMSG_DATA(header), order->fds, order->count * sizeof(int));
	return sendmsg(order->fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* Of a pipe, an eventfd, or a socket: then with descriptors. */
static int take_one(void)
{
	char control[CMSG_SPACE(MAX_SENT * sizeof(int))] = {};
	struct iovec iov = { &order->value, sizeof(order->value) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
			      .msg_controllen = sizeof(control) };
	struct cmsghdr *header;
	unsigned long long counter = 0;
	int got;

	order->value = 0;
	order->count = 0;
	if (order->number == EVENT) {
		got = read(order->fd, &counter, sizeof(counter));
		order->value = counter;
		return got;
	}
	if (!is_socket(order->number))
		return read(order->fd, &order->value, sizeof(order->value));
	got = recvmsg(order->fd, &msg, MSG_DONTWAIT);
	header = got < 0 ? NULL : CMSG_FIRSTHDR(&msg);
	if (header) {
		order->count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		memcpy(order->fds, CMSG_DATA(header), order->count * sizeof(int));
	}
	return got;
}

static int put_one(void)
{
	unsigned long long counter = order->value;

	if (order->number == EVENT)
		return write(order->fd, &counter, sizeof(counter));
	if (is_socket(order->number))
		return send(order->fd, &order->value, sizeof(order->value),
			    MSG_DONTWAIT | MSG_NOSIGNAL);
	return write(order->fd, &order->value, sizeof(order->value));
}

static int ready_ones(void)
{
	struct epoll_event events[MAX_READY];
	int count = epoll_wait(order->fd, events, MAX_READY, 0);

	for (int i = 0; i < count; i++)
		order->ready[i] = events[i].data.u32;
	return count;
}

static int watch(void)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLOUT, .data.u32 = order->value };

	return epoll_ctl(order->fd, EPOLL_CTL_ADD, order->other, &event);
}

static int act(int me)
{
	static const int types[] = { SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET };

	switch (order->op) {
	case PIPE:
		return pipe2(order->fds, O_NONBLOCK);
	case PAIR:
		return socketpair(AF_UNIX, types[order->number - STREAM], 0, order->fds);
	case NEW_EVENT:
		return eventfd(0, EFD_NONBLOCK);
	case NEW_EPOLL:
		return epoll_create1(0);
	case NEW_FILE:
		return open(order->path, O_RDWR | O_CREAT | O_APPEND, 0600);
	case DUP:
		return fcntl(order->fd, order->other ? F_DUPFD_CLOEXEC : F_DUPFD, order->number);
	case CLOSE:
		return close(order->fd);
	case PUT:
		return put_one();
	case SEND:
		return send_one();
	case TAKE:
		return take_one();
	case WATCH:
		return watch();
	case REPORT:
		return look(me);
	case READY:
		return ready_ones();
	default:
		return -1;
	}
}

static void futex(int op, int value)
{
	syscall(SYS_futex, &order->turn, op, value, NULL, NULL, 0);
}

static void give_turn(int to)
{
	__atomic_store_n(&order->turn, to, __ATOMIC_SEQ_CST);
	futex(FUTEX_WAKE, WORKERS + 1);
}

static void await_turn(int me)
{
	int turn;

	while ((turn = __atomic_load_n(&order->turn, __ATOMIC_SEQ_CST)) != me)
		futex(FUTEX_WAIT, turn);
}

static void work(int me) __attribute__((noreturn));
static void work(int me)
{
	for (;;) {
		await_turn(me);
		if (order->op == FORK) {
			int number = order->number;
			pid_t pid = fork();

			if (!pid) {
				me = number;
				continue;
			}
			order->result = pid;
		} else {
			order->result = act(me);
			order->error = errno;
		}
		give_turn(0);
	}
}

/* Has a worker do something, and returns the result. */
static int ask(int worker, enum op op)
{
	order->op = op;
	give_turn(worker);
	await_turn(0);
	return order->result;
}

#endif /* WORKERS_H */
