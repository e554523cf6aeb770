// SPDX-License-Identifier: GPL-2.0
/*
 * io_uring instances: requests that were not
 * submitted yet, results that were not looked at, the queues' places; one that
 * a child has as well, one for a single thread, one without memory for places
 * of requests, one that an epoll instance watches; who waits for results, and
 * who does so all the time; one that has a worker.
 */
#include "payload.h"
#include "uring.h"
#include <pthread.h>
#include <sys/epoll.h>

static int uses_too(void *arg)
{
	struct ring *ring = arg;

	tell("child");
	await_go();
	await("used");
	submit(ring, 50, 3);
	expect(fetch(ring, 50, 3), "results in a child");
	return 0;
}

static struct ring single;

/* It alone may submit requests. */
static void *is_single(void *unused)
{
	single = make(4, IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN);
	submit(&single, 1, 3);
	fetch(&single, 1, 3);
	tell("single");
	await_go();
	submit(&single, 4, 4);
	expect(fetch(&single, 4, 4), "results of a single thread");
	tell("single done");
	return unused;
}

static int file;

/* A request that the calling thread leaves to a worker; whether it got a result. */
static bool leave_to_worker(struct ring *ring, int number)
{
	prepare(ring, number, 1);
	ring->sqes[(*ring->sq_tail - 1) & ring->sq_mask] = (struct io_uring_sqe){
		.opcode = IORING_OP_FSYNC, .fd = file, .user_data = number,
	};
	return enter(ring, 1, 0) == 1 && !enter(ring, 0, 1) && fetch(ring, number, 1);
}

/* How many threads this process has, workers included. */
static int nr_threads(void)
{
	char text[4096], *at;

	read_file("/proc/self/status", text, sizeof(text));
	at = strstr(text, "\nThreads:");
	return at ? atoi(at + 9) : 0;
}

static struct ring waited;
static volatile pid_t waiter;
static volatile bool busy_is_to_end;

/* One of three results is there already. */
static void *waits(void *unused)
{
	waiter = gettid();
	expect_eq(enter(&waited, 0, 3), 0, "waits for results");
	expect(fetch(&waited, 70, 3), "results that were waited for");
	return unused;
}

/*
 * When it is to stand still, it is in the middle of a call, or has a request in
 * progress, more often than not.
 */
static void *is_busy(void *unused)
{
	struct ring ring = make(2, 0);
	int rounds = 0, good = 0;

	tell("busy");
	for (; !busy_is_to_end; rounds++) {
		prepare(&ring, rounds, 1);
		good += enter(&ring, 1, 1) == 1 && fetch(&ring, rounds, 1) &&
			leave_to_worker(&ring, rounds);
	}
	expect_eq(good, rounds, "it waits again and again");
	return unused;
}

/* From such a call, one comes as from the middle of another. */
static void *calls_nothing(void *unused)
{
	int rounds = 0, good = 0;

	for (; !busy_is_to_end; rounds++)
		good += syscall(1000) == -1 && errno == ENOSYS;
	expect_eq(good, rounds, "calls that do not exist");
	return unused;
}

/* A read from a pipe that waits, and is told by the epoll instance. */
static void check_watched(struct ring *ring, int epoll)
{
	struct io_uring_sqe request = { .opcode = IORING_OP_READ, .user_data = 77, .len = 1 };
	struct epoll_event event = { 0 };
	int fd[2];
	char c = 0;

	sure(pipe(fd));
	expect_eq(epoll_wait(epoll, &event, 1, 0), 0, "an instance without results");
	prepare(ring, 0, 1);
	request.fd = fd[0];
	request.addr = (uintptr_t)&c;
	ring->sqes[(*ring->sq_tail - 1) & ring->sq_mask] = request;
	expect_eq(enter(ring, 1, 0), 1, "a read");
	sure(write(fd[1], "x", 1));
	expect_eq(epoll_wait(epoll, &event, 1, 5000), 1, "an instance with a result is watched");
	expect_eq(event.data.u32, 99, "data of the watch");
	expect(*ring->cq_head != *ring->cq_tail, "the result is there");
	expect(c == 'x', "it has read");
	++*ring->cq_head;
}

int main(int argc, char **argv)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u32 = 99 };
	struct ring plain, bare, common, watched, closed, worked;
	pthread_t thread, waiting, busy, caller;
	int epoll;
	pid_t pid;

	payload_begin(argc, argv);
	plain = make(8, 0);
	submit(&plain, 1, 5);
	expect(fetch(&plain, 1, 5), "results at once");
	submit(&plain, 10, 4);
	prepare(&plain, 20, 3);

	bare = make(4, IORING_SETUP_NO_SQARRAY | IORING_SETUP_COOP_TASKRUN | IORING_SETUP_CLAMP);
	for (int i = 0; i < 50; i++) {
		submit(&bare, i, 1);
		fetch(&bare, i, 1);
	}
	submit(&bare, 90, 4);

	common = make(4, 0);
	pid = child(uses_too, &common);
	await("child");
	submit(&common, 40, 2);

	watched = make(2, 0);
	epoll = sure(epoll_create1(0));
	sure(epoll_ctl(epoll, EPOLL_CTL_ADD, watched.fd, &event));
	pthread_create(&thread, NULL, is_single, NULL);
	await("single");

	file = sure(open(file_at("synced"), O_RDWR | O_CREAT, 0600));
	waited = make(4, 0);
	submit(&waited, 70, 1);
	pthread_create(&waiting, NULL, waits, NULL);
	while (!waiter)
		sleep_ms(5);
	await_syscall(waiter, SYS_io_uring_enter);
	pthread_create(&busy, NULL, is_busy, NULL);
	await("busy");
	pthread_create(&caller, NULL, calls_nothing, NULL);

	worked = make(2, 0);
	expect(leave_to_worker(&worked, 80), "what a worker has done");
	expect(nr_threads() > 5, "there is a worker");

	/* Its memory stays. */
	closed = make(1, 0);
	submit(&closed, 60, 1);
	sure(close(closed.fd));
	sure(fcntl(plain.fd, F_SETFL, O_NONBLOCK));

	if (pause_here()) {
		++*plain.cq_head;
		++*common.cq_head;
	}
	expect(fetch(&plain, 10, 4), "results that were not looked at");
	expect_eq(enter(&plain, 3, 3), 3, "requests that were not submitted");
	expect(fetch(&plain, 20, 3), "their results");
	for (int i = 100; i < 140; i++)
		submit(&plain, i, 1), expect(fetch(&plain, i, 1), "it goes on");
	expect_eq(fcntl(plain.fd, F_GETFL) & O_NONBLOCK, O_NONBLOCK, "flags of the file");
	expect(fetch(&bare, 90, 4), "results of one without places of requests");
	submit(&bare, 200, 4);
	expect(fetch(&bare, 200, 4), "it goes on");
	expect(fetch(&common, 40, 2), "results of one that a child has, too");
	tell("used");
	reap(pid);
	expect(*common.cq_head == *common.cq_tail && *common.cq_tail == 5, "both have used it");
	check_watched(&watched, epoll);
	await("single done");
	prepare(&single, 8, 1);
	expect_errno(enter(&single, 1, 0), EEXIST, "another thread may not submit");
	pthread_join(thread, NULL);
	expect(fetch(&closed, 60, 1), "results of one that was closed");
	expect(leave_to_worker(&worked, 80), "what a worker has done");
	expect_eq(task_state(waiter), 'S', "who waits for results still does");
	/* The waiting thread may take the results before this one could wait for them. */
	prepare(&waited, 71, 2);
	expect_eq(enter(&waited, 2, 0), 2, "requests that somebody waits for");
	pthread_join(waiting, NULL);
	busy_is_to_end = true;
	pthread_join(busy, NULL);
	pthread_join(caller, NULL);
	return payload_end();
}
