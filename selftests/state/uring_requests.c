// SPDX-License-Identifier: GPL-2.0
/*
 * Requests of io_uring that are in progress: to read, write, receive, send,
 * accept and poll, once or again and again, of which some have told of something
 * before; two for the same file; for a registered file; time-outs, by time and by
 * number, once or again and again; one whose time has come, in an instance whose
 * only thread has not looked. What they wait for comes afterwards, and each tells
 * of it once.
 */
#include "payload.h"
#include "uring.h"
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>

/* What results there were by the name of the request, and the last one of each. */
#define NAMES	64

struct told {
	int nr, res;
	unsigned int flags;
};

/* All that are there. */
static void collect(struct ring *ring, struct told *told)
{
	while (*ring->cq_head != __atomic_load_n(ring->cq_tail, __ATOMIC_ACQUIRE)) {
		struct io_uring_cqe *cqe = &ring->cqes[*ring->cq_head & ring->cq_mask];
		struct told *one = &told[cqe->user_data % NAMES];

		one->nr++;
		one->res = cqe->res;
		one->flags = cqe->flags;
		__atomic_store_n(ring->cq_head, *ring->cq_head + 1, __ATOMIC_RELEASE);
	}
}

static struct told told[NAMES];

/* Waits until request @name has told of something for the @nr th time. */
static struct told *await_told(struct ring *ring, int name, int nr)
{
	for (collect(ring, told); told[name].nr < nr; collect(ring, told))
		expect_eq(enter(ring, 0, 1), 0, "waiting for results");
	return &told[name];
}

/* That request @name tells of @res, for the @nr th time and not more often. */
static void expect_told(struct ring *ring, int name, int nr, int res, const char *what)
{
	struct told *one = await_told(ring, name, nr);

	expect_eq(one->nr, nr, "%s: how often", what);
	expect_eq(one->res, res, "%s: result", what);
}

static void put(struct ring *ring, int name, struct io_uring_sqe sqe)
{
	sqe.user_data = name;
	prepare(ring, 0, 1);
	ring->sqes[(*ring->sq_tail - 1) & ring->sq_mask] = sqe;
	expect_eq(enter(ring, 1, 0), 1, "request %d", name);
}

static void put_read(struct ring *ring, int name, int fd, void *to, int len)
{
	put(ring, name, (struct io_uring_sqe){
		.opcode = IORING_OP_READ, .fd = fd, .addr = (uintptr_t)to, .len = len, .off = -1,
	});
}

static void put_timeout(struct ring *ring, int name, long ms, int count, unsigned int flags)
{
	struct timespec time = timespec_of(ms * 1000000LL);

	put(ring, name, (struct io_uring_sqe){
		.opcode = IORING_OP_TIMEOUT, .addr = (uintptr_t)&time, .len = 1, .off = count,
		.timeout_flags = flags,
	});
}

/* Ends time-out @name, which is still in progress. */
static void end_timeout(struct ring *ring, int name, int by, const char *what)
{
	put(ring, by, (struct io_uring_sqe){ .opcode = IORING_OP_TIMEOUT_REMOVE, .addr = name });
	expect_told(ring, by, 1, 0, what);
	expect_told(ring, name, 1, -ECANCELED, what);
}

/* One to read from a pipe is told, and another one behind it is not: which of them. */
static int first_of_two(struct ring *ring, int names, int fd[2], const char *what)
{
	int first;

	sure(write(fd[1], "x", 1));
	collect(ring, told);
	while (told[names].nr + told[names + 1].nr < 1) {
		expect_eq(enter(ring, 0, 1), 0, "one of two");
		collect(ring, told);
	}
	first = told[names].nr ? 0 : 1;
	sure(write(fd[1], "y", 1));
	expect_told(ring, names + !first, 1, 1, what);
	expect_told(ring, names + first, 1, 1, what);
	return first;
}

enum {
	READ_FIRST = 1, READ_SECOND, PATTERN_FIRST, PATTERN_SECOND, READV, EVENT, FIXED, RECV, RECVMSG,
	SEND, ACCEPT, POLL_ONCE, POLL_AGAIN, LONG, WALL, SHORT, AGAIN, COUNT, CANCEL_LONG, CANCEL_WALL,
	LATE, UNSEEN, DUMMY = 40,
};

/* What COUNT waits for. */
#define NUMBER	100

static struct ring ring, own;
static int late[2], unseen[2];
static char late_byte, unseen_byte;

/* So many results until one that counts them is told: the first is there already. */
static void count_results(void)
{
	for (int i = 0; i < NUMBER && !told[COUNT].nr; i++) {
		submit(&own, DUMMY, 1);
		collect(&own, told);
	}
	expect_eq(told[COUNT].nr, 1, "a time-out by number");
	expect_eq(told[COUNT].res, 0, "its result");
	expect_eq(told[DUMMY].nr, NUMBER - 1, "it has counted what was told");
}

/*
 * An instance of its own, in which it does not look before it is told to. No time-out is
 * over in it: while the kernel tells of one, it counts wrong.
 */
static void *has_own(void *unused)
{
	own = make(4, IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN);
	put_timeout(&own, COUNT, 3600 * 1000, NUMBER, 0);
	put_read(&own, UNSEEN, unseen[0], &unseen_byte, 1);
	sure(write(unseen[1], "u", 1));
	put_read(&ring, LATE, late[0], &late_byte, 1);
	tell("own");
	await("look");
	expect_told(&own, UNSEEN, 1, 1, "what has happened without being seen");
	expect(unseen_byte == 'u', "what was read then");
	count_results();
	expect_told(&ring, LATE, 1, 1, "a thread's request");
	expect(late_byte == 'l', "what it has read");
	return unused;
}

/* Makes a socket full, and puts one request more; how much the other end has. */
static int put_send(int fd, char *buffer, int length)
{
	int sent, all = 0;

	while ((sent = send(fd, buffer, length, MSG_DONTWAIT)) > 0)
		all += sent;
	put(&ring, SEND, (struct io_uring_sqe){
		.opcode = IORING_OP_SEND, .fd = fd, .addr = (uintptr_t)buffer, .len = length,
	});
	return all;
}

static struct ring waited;
static int called[2];
static volatile pid_t waiter;

/* It submits a request, and waits for it, by a registered descriptor. */
static void *submits(void *unused)
{
	struct io_uring_rsrc_update place = { .offset = 3 };
	char c = 0;

	waited = make(4, IORING_SETUP_SINGLE_ISSUER);
	place.data = waited.fd;
	expect_eq(ring_register(&waited, IORING_REGISTER_RING_FDS, &place, 1), 1, "a place for it");
	prepare(&waited, 0, 1);
	waited.sqes[0] = (struct io_uring_sqe){
		.opcode = IORING_OP_READ, .fd = called[0], .addr = (uintptr_t)&c, .len = 1,
	};
	waiter = gettid();
	expect_eq(syscall(SYS_io_uring_enter, 3, 1, 1,
			  IORING_ENTER_GETEVENTS | IORING_ENTER_REGISTERED_RING, NULL, 0), 1,
		  "submits and waits");
	expect(*waited.cq_tail == 1 && c == 'c', "what it has waited for");
	return unused;
}

static int listener;
static struct sockaddr_un where = { .sun_family = AF_UNIX };

static void make_listener(void)
{
	snprintf(where.sun_path, sizeof(where.sun_path), "%s", file_at("listener"));
	unlink(where.sun_path);
	listener = sure(socket(AF_UNIX, SOCK_STREAM, 0));
	sure(bind(listener, (void *)&where, sizeof(where)));
	sure(listen(listener, 4));
}

static void dial(void)
{
	sure(connect(sure(socket(AF_UNIX, SOCK_STREAM, 0)), (void *)&where, sizeof(where)));
}

int main(int argc, char **argv)
{
	static char first, second, parts[2][2], data[4096], message[4];
	int pair[2], pattern[2], vector[2], fixed[2], again[2], once[2], wire[2], full[2];
	struct iovec vecs[2] = { { parts[0], 2 }, { parts[1], 2 } }, whole = { message, 4 };
	struct msghdr header = { .msg_iov = &whole, .msg_iovlen = 1 };
	int event, order, sent, got;
	unsigned long long number = 0, one = 7;
	pthread_t thread, submitter;

	payload_begin(argc, argv);
	ring = make(64, 0);
	sure(pipe(late));
	sure(pipe(unseen));
	sure(pipe(pattern));
	put_read(&ring, PATTERN_FIRST, pattern[0], &first, 1);
	put_read(&ring, PATTERN_SECOND, pattern[0], &second, 1);
	order = first_of_two(&ring, PATTERN_FIRST, pattern, "two reads of a pipe, before");

	sure(pipe(pair));
	put_read(&ring, READ_FIRST, pair[0], &first, 1);
	put_read(&ring, READ_SECOND, pair[0], &second, 1);
	sure(pipe(vector));
	put(&ring, READV, (struct io_uring_sqe){
		.opcode = IORING_OP_READV, .fd = vector[0], .addr = (uintptr_t)vecs, .len = 2, .off = -1,
	});
	event = sure(eventfd(0, 0));
	put_read(&ring, EVENT, event, &number, sizeof(number));
	sure(pipe(fixed));
	sure(ring_register(&ring, IORING_REGISTER_FILES, fixed, 1));
	put(&ring, FIXED, (struct io_uring_sqe){
		.opcode = IORING_OP_READ, .flags = IOSQE_FIXED_FILE, .addr = (uintptr_t)data, .len = 2,
		.off = -1,
	});
	sure(socketpair(AF_UNIX, SOCK_DGRAM, 0, wire));
	put(&ring, RECV, (struct io_uring_sqe){
		.opcode = IORING_OP_RECV, .fd = wire[0], .addr = (uintptr_t)data + 100, .len = 3,
	});
	put(&ring, RECVMSG, (struct io_uring_sqe){
		.opcode = IORING_OP_RECVMSG, .fd = wire[1], .addr = (uintptr_t)&header, .len = 1,
	});
	sure(socketpair(AF_UNIX, SOCK_STREAM, 0, full));
	sent = put_send(full[0], data, sizeof(data));

	make_listener();
	put(&ring, ACCEPT, (struct io_uring_sqe){
		.opcode = IORING_OP_ACCEPT, .fd = listener, .ioprio = IORING_ACCEPT_MULTISHOT,
	});
	dial();
	expect(await_told(&ring, ACCEPT, 1)->res > 0, "a connection before");
	sure(pipe(once));
	put(&ring, POLL_ONCE, (struct io_uring_sqe){
		.opcode = IORING_OP_POLL_ADD, .fd = once[0], .poll32_events = POLLIN,
	});
	sure(pipe(again));
	put(&ring, POLL_AGAIN, (struct io_uring_sqe){
		.opcode = IORING_OP_POLL_ADD, .fd = again[0], .poll32_events = POLLIN,
		.len = IORING_POLL_ADD_MULTI,
	});
	sure(write(again[1], "1", 1));
	expect_told(&ring, POLL_AGAIN, 1, POLLIN, "polled again and again, before");

	put_timeout(&ring, LONG, 3600 * 1000, 0, 0);
	put_timeout(&ring, WALL, now_ns(CLOCK_REALTIME) / 1000000 + 3600 * 1000, 0,
		    IORING_TIMEOUT_ABS | IORING_TIMEOUT_REALTIME);
	put_timeout(&ring, SHORT, 2000, 0, IORING_TIMEOUT_ETIME_SUCCESS | IORING_TIMEOUT_BOOTTIME);
	put_timeout(&ring, AGAIN, 400, 6, IORING_TIMEOUT_MULTISHOT);
	pthread_create(&thread, NULL, has_own, NULL);
	await("own");
	sure(pipe(called));
	pthread_create(&submitter, NULL, submits, NULL);
	while (!waiter)
		sleep_ms(5);
	await_syscall(waiter, SYS_io_uring_enter);
	expect(await_told(&ring, AGAIN, 1)->nr, "a time-out before");

	if (pause_here()) {
		sure(write(again[1], "?", 1));
		sure(write(once[1], "?", 1));
	}
	expect(*ring.sq_head == *ring.sq_tail, "the queue of requests is as before");
	collect(&ring, told);
	expect_eq(told[POLL_AGAIN].nr, 1, "what was told is not told again");
	expect_eq(told[POLL_ONCE].nr, 0, "what has not happened is not told");
	expect_eq(told[READ_FIRST].nr + told[READ_SECOND].nr, 0, "nothing was read");
	expect_eq(first_of_two(&ring, READ_FIRST, pair, "two reads of a pipe"), order,
		  "which of them is first");
	expect((order ? second : first) == 'x' && (order ? first : second) == 'y', "what they read");
	sure(write(vector[1], "abcd", 4));
	expect_told(&ring, READV, 1, 4, "read with a vector");
	expect(!memcmp(parts, "abcd", 4), "what it has read");
	sure(write(event, &one, sizeof(one)));
	expect_told(&ring, EVENT, 1, 8, "read of an eventfd");
	expect_eq((long)number, 7, "its number");
	sure(write(fixed[1], "fx", 2));
	expect_told(&ring, FIXED, 1, 2, "read of a registered file");
	expect(!memcmp(data, "fx", 2), "what it has read");
	sure(send(wire[1], "one", 3, 0));
	expect_told(&ring, RECV, 1, 3, "receive");
	expect(!memcmp(data + 100, "one", 3), "what it has received");
	sure(send(wire[0], "two", 3, 0));
	expect_told(&ring, RECVMSG, 1, 3, "receive with a header");
	expect(!memcmp(message, "two", 3), "what it has received");
	for (got = 0; got < sent; got += sure(read(full[1], data, sizeof(data))))
		;
	expect_told(&ring, SEND, 1, sizeof(data), "send");
	while (got < sent + (int)sizeof(data))
		got += sure(read(full[1], data, sizeof(data)));
	expect_eq(got, sent + (int)sizeof(data), "all that was sent");
	dial();
	expect(await_told(&ring, ACCEPT, 2)->res > 0, "a connection afterwards");
	expect_eq(told[ACCEPT].nr, 2, "connections: how often");
	expect(told[ACCEPT].flags & IORING_CQE_F_MORE, "there may be more connections");
	sure(write(once[1], "2", 1));
	expect_told(&ring, POLL_ONCE, 1, POLLIN, "polled once");
	sure(write(again[1], "2", 1));
	expect_told(&ring, POLL_AGAIN, 2, POLLIN, "polled again and again");
	expect(told[POLL_AGAIN].flags & IORING_CQE_F_MORE, "it goes on");
	expect_eq(task_state(waiter), 'S', "who waits still does");
	sure(write(called[1], "c", 1));
	pthread_join(submitter, NULL);
	sure(write(late[1], "l", 1));
	tell("look");
	pthread_join(thread, NULL);
	end_timeout(&ring, LONG, CANCEL_LONG, "a long time-out");
	end_timeout(&ring, WALL, CANCEL_WALL, "a time on the wall");
	expect_told(&ring, SHORT, 1, -ETIME, "a time-out");
	expect_told(&ring, AGAIN, 6, -ETIME, "a time-out again and again");
	expect(!(told[AGAIN].flags & IORING_CQE_F_MORE), "that was the last one");
	return payload_end();
}
