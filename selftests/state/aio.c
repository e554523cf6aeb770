// SPDX-License-Identifier: GPL-2.0
/*
 * Contexts of asynchronous I/O: events that nobody has fetched, also around the
 * end of a ring, one whose ring was moved, threads that wait for events with
 * and without a time-out, and a child with a context of its own.
 */
#include "payload.h"
#include <linux/aio_abi.h>
#include <pthread.h>

struct ring {
	unsigned int id, nr, head, tail, magic, compat, incompat, length;
	struct io_event events[];
};

static int fd;
static char block[512];

static aio_context_t setup(int nr)
{
	aio_context_t context = 0;

	sure(syscall(SYS_io_setup, nr, &context));
	return context;
}

/* Requests number @from and following: writes, whose results are their lengths. */
static void submit(aio_context_t context, int from, int nr)
{
	for (int i = from; i < from + nr; i++) {
		struct iocb request = {
			.aio_data = i,
			.aio_lio_opcode = IOCB_CMD_PWRITE,
			.aio_fildes = fd,
			.aio_buf = (uintptr_t)block,
			.aio_nbytes = 1 + i % sizeof(block),
		}, *list = &request;

		expect(syscall(SYS_io_submit, context, 1, &list) == 1, "request %d: %s", i,
		       strerror(errno));
	}
}

/* That many events are there at once, from number @from on. */
static bool fetch(aio_context_t context, int from, int nr)
{
	struct timespec none = { 0, 0 };
	struct io_event event;

	for (int i = from; i < from + nr; i++) {
		if (syscall(SYS_io_getevents, context, 0, 1, &event, &none) != 1 ||
		    event.data != (unsigned int)i || event.res != 1 + i % (int)sizeof(block))
			return false;
	}
	return true;
}

static void check_empty(aio_context_t context, const char *what)
{
	struct timespec none = { 0, 0 };
	struct io_event event;

	expect_eq(syscall(SYS_io_getevents, context, 0, 1, &event, &none), 0, "%s: no more", what);
}

static struct waiter {
	aio_context_t context;
	struct timespec *timeout;
	pid_t tid;
	long result;
	struct io_event events[3];
} patient, timed, masked;

static struct timespec long_time = { 1000, 0 };

static void *waits(void *arg)
{
	struct waiter *waiter = arg;

	__atomic_store_n(&waiter->tid, gettid(), __ATOMIC_SEQ_CST);
	if (waiter == &masked)
		waiter->result = syscall(SYS_io_pgetevents, waiter->context, 2, 3, waiter->events,
					 waiter->timeout, NULL);
	else
		waiter->result = syscall(SYS_io_getevents, waiter->context, 2, 3, waiter->events,
					 waiter->timeout);
	return NULL;
}

static pthread_t start(struct waiter *waiter, struct timespec *timeout)
{
	pthread_t thread;

	waiter->context = setup(4);
	waiter->timeout = timeout;
	pthread_create(&thread, NULL, waits, waiter);
	while (!__atomic_load_n(&waiter->tid, __ATOMIC_SEQ_CST))
		sleep_ms(5);
	await_syscall(waiter->tid, waiter == &masked ? SYS_io_pgetevents : SYS_io_getevents);
	return thread;
}

/* It wakes up with the second of two events. */
static void finish(pthread_t thread, struct waiter *waiter, const char *what)
{
	expect_eq(task_state(waiter->tid), 'S', "%s: still waits", what);
	submit(waiter->context, 70, 1);
	submit(waiter->context, 71, 1);
	pthread_join(thread, NULL);
	expect_eq(waiter->result, 2, "%s: result", what);
	expect(waiter->events[0].data == 70 && waiter->events[1].data == 71, "%s: events", what);
	check_empty(waiter->context, what);
}

static int has_own(void *parents)
{
	aio_context_t context = setup(3);
	struct io_event event;

	submit(context, 30, 2);
	tell("child");
	await_go();
	expect(fetch(context, 30, 2), "events of a child");
	check_empty(context, "child");
	expect_errno(syscall(SYS_io_getevents, *(aio_context_t *)parents, 0, 1, &event, NULL), EINVAL,
		     "the parent's context in a child");
	return 0;
}

int main(int argc, char **argv)
{
	aio_context_t few, around, moved, protected, gone;
	pthread_t threads[3];
	struct ring *ring;
	char *place;
	pid_t pid;
	int slots;

	payload_begin(argc, argv);
	fd = sure(open(file_at("file"), O_RDWR | O_CREAT, 0600));
	gone = setup(1);
	few = setup(10);
	submit(few, 1, 3);

	around = setup(10);
	ring = (struct ring *)around;
	slots = ring->nr;
	for (int i = 0; i < slots - 2; i++) {
		submit(around, i, 1);
		fetch(around, i, 1);
	}
	submit(around, 100, 5);
	expect(ring->head == (unsigned int)slots - 2 && ring->tail == 3, "it goes around");

	moved = setup(400);
	submit(moved, 1, 300);
	/* Its size is in the maps only: more than enough room. */
	place = map_anon(64 * PAGE, MAP_PRIVATE);
	sure(munmap(place, 64 * PAGE));
	ring = (struct ring *)moved;
	slots = (sizeof(*ring) + ring->nr * sizeof(ring->events[0]) + PAGE - 1) & ~(PAGE - 1);
	place = sure(mremap(ring, slots, slots, MREMAP_MAYMOVE | MREMAP_FIXED, place + 3 * PAGE));
	moved = (aio_context_t)place;

	protected = setup(2);
	submit(protected, 9, 1);
	sure(mprotect((void *)protected, PAGE, PROT_READ));
	sure(syscall(SYS_io_destroy, gone));

	threads[0] = start(&patient, NULL);
	threads[1] = start(&timed, &long_time);
	threads[2] = start(&masked, &long_time);
	pid = child(has_own, &few);
	await("child");

	if (pause_here()) {
		fetch(few, 1, 1);
		fetch(around, 100, 1);
	}
	reap(pid);
	expect(fetch(few, 1, 3), "events that nobody has fetched");
	check_empty(few, "a few");
	ring = (struct ring *)around;
	expect(ring->tail == 3, "place in a ring");
	expect(fetch(around, 100, 5), "events around the end of a ring");
	check_empty(around, "around the end");
	submit(around, 200, 20);
	expect(fetch(around, 200, 20), "it goes on");
	expect(fetch(moved, 1, 300), "events in a ring that was moved");
	submit(moved, 1, 600);
	expect(fetch(moved, 1, 600), "all of its requests can be used");
	expect_eq(write(fd, (void *)protected, 4), 4, "a protected ring can be read");
	expect_eq(syscall(SYS_read, open("/dev/zero", O_RDONLY), (void *)protected, 4), -1,
		  "and not written");
	expect(fetch(protected, 9, 1), "events in it");
	finish(threads[0], &patient, "io_getevents");
	finish(threads[1], &timed, "io_getevents with a time-out");
	finish(threads[2], &masked, "io_pgetevents");
	sure(syscall(SYS_io_destroy, few));
	submit(setup(10), 1, 1);
	return payload_end();
}
