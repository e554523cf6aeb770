// SPDX-License-Identifier: GPL-2.0
/*
 * eventfd and epoll: counters, what is watched and under which descriptor, what
 * is ready and in which order, what has been told already and is not again.
 */
#include "payload.h"
#include <sys/epoll.h>
#include <sys/eventfd.h>

static int add(int epoll, int fd, uint32_t events, uint64_t data)
{
	struct epoll_event event = { .events = events, .data.u64 = data };

	return sure(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event));
}

/* One more event of an instance, by its data; 0 when there is none. */
static uint64_t next(int epoll)
{
	struct epoll_event event;

	return epoll_wait(epoll, &event, 1, 0) == 1 ? event.data.u64 : 0;
}

static int ready_eventfd(void)
{
	return sure(eventfd(1, EFD_NONBLOCK));
}

static uint64_t take(int fd)
{
	uint64_t count = 0;

	return read(fd, &count, sizeof(count)) == sizeof(count) ? count : 0;
}

static void give(int fd, uint64_t count)
{
	if (write(fd, &count, sizeof(count)) != sizeof(count))
		expect(false, "write to an eventfd: %s", strerror(errno));
}

static int shared_eventfd;

static int gives(void *unused)
{
	await_go();
	give(shared_eventfd, 40);
	(void)unused;
	return 0;
}

/* What is shown of an instance: a line for each file, in the order of their addresses. */
static void watched(int epoll, char *out, size_t size)
{
	char path[64], text[4096], *lines[2] = { NULL }, *line, *rest = text;
	int nr = 0;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", epoll);
	read_file(path, text, sizeof(text));
	while ((line = strsep(&rest, "\n")))
		if (!strncmp(line, "tfd:", 4) && nr < 2)
			lines[nr++] = line;
	if (nr == 2 && strcmp(lines[0], lines[1]) > 0) {
		line = lines[0];
		lines[0] = lines[1];
		lines[1] = line;
	}
	snprintf(out, size, "%s; %s", nr > 0 ? lines[0] : "", nr > 1 ? lines[1] : "");
}

int main(int argc, char **argv)
{
	int plain, semaphore, full, blocking, level, edge, once, order, inner, outer, gone, twice;
	int pipes[3][2], told, pending, fired, quiet, copy, high, in_order[3], nested, flags;
	struct epoll_event event;
	char before[256], after[256], flags_before[256];
	bool spoil;
	pid_t pid;

	payload_begin(argc, argv);
	plain = sure(eventfd(0, EFD_NONBLOCK));
	give(plain, 0x123456789aULL);
	semaphore = sure(eventfd(3, EFD_NONBLOCK | EFD_SEMAPHORE));
	full = sure(eventfd(0, EFD_NONBLOCK));
	give(full, UINT64_MAX - 1);
	blocking = sure(eventfd(7, 0));
	shared_eventfd = sure(eventfd(2, EFD_NONBLOCK));
	pid = child(gives, NULL);

	/* Level-triggered: told as long as it lasts. */
	level = sure(epoll_create1(EPOLL_CLOEXEC));
	quiet = sure(eventfd(0, EFD_NONBLOCK));
	add(level, quiet, EPOLLIN, 100);
	add(level, ready_eventfd(), EPOLLIN, 101);

	/* Edge-triggered: one has been told, the other has not. */
	edge = sure(epoll_create1(0));
	told = ready_eventfd();
	add(edge, told, EPOLLIN | EPOLLET, 200);
	expect_eq(next(edge), 200, "edge-triggered, before");
	pending = ready_eventfd();
	add(edge, pending, EPOLLIN | EPOLLET, 201);

	/* Told once, and then disabled. */
	once = sure(epoll_create1(0));
	fired = ready_eventfd();
	add(once, fired, EPOLLIN | EPOLLONESHOT, 300);
	expect_eq(next(once), 300, "one shot, before");

	/* Three pipes, which become ready in another order than they were added. */
	order = sure(epoll_create1(0));
	for (int i = 0; i < 3; i++) {
		sure(pipe(pipes[i]));
		add(order, pipes[i][0], EPOLLIN | EPOLLRDHUP, 400 + i);
	}
	for (int i = 2; i >= 0; i--)
		sure(write(pipes[(i + 1) % 3][1], ".", 1));

	/* One in another. */
	inner = sure(epoll_create1(0));
	nested = sure(eventfd(0, EFD_NONBLOCK));
	add(inner, nested, EPOLLIN, 500);
	outer = sure(epoll_create1(0));
	add(outer, inner, EPOLLIN | EPOLLET, 501);

	/* A descriptor that has been closed since, and is another file's by now. */
	gone = sure(epoll_create1(0));
	high = ready_eventfd();
	add(gone, high, EPOLLIN, 600);
	copy = sure(dup(high));
	sure(dup2(quiet, high));
	add(gone, high, EPOLLIN, 601);
	/* The same file under two descriptors. */
	twice = sure(epoll_create1(0));
	add(twice, copy, EPOLLIN | EPOLLET, 700);
	add(twice, sure(dup(copy)), EPOLLIN | EPOLLET, 701);

	/* Flags that only say who is woken, and what may sleep then. */
	flags = sure(epoll_create1(0));
	add(flags, quiet, EPOLLIN | EPOLLEXCLUSIVE, 800);
	add(flags, fired, EPOLLPRI | EPOLLWAKEUP, 801);
	watched(flags, flags_before, sizeof(flags_before));

	watched(gone, before, sizeof(before));
	spoil = pause_here();
	if (spoil) {
		take(plain);
		give(told, 1);
		sure(epoll_ctl(gone, EPOLL_CTL_DEL, high, NULL));
	}

	expect_eq(take(plain), 0x123456789aULL, "counter");
	expect_eq(take(plain), 0, "counter: it was all");
	for (int i = 0; i < 3; i++)
		expect_eq(take(semaphore), 1, "semaphore, %d", i);
	expect_eq(take(semaphore), 0, "semaphore: it was all");
	expect_errno(write(full, &(uint64_t){ 1 }, 8), EAGAIN, "full counter");
	expect_eq(take(full), UINT64_MAX - 1, "full counter");
	expect_eq(fcntl(blocking, F_GETFL) & O_NONBLOCK, 0, "one that blocks");
	expect_eq(fcntl(plain, F_GETFL) & O_NONBLOCK, O_NONBLOCK, "one that does not");
	expect_eq(take(blocking), 7, "counter of one that blocks");
	reap(pid);
	expect_eq(take(shared_eventfd), 42, "shared counter");

	expect_eq(next(level), 101, "level-triggered");
	expect_eq(next(level), 101, "told again");
	give(quiet, 1);
	expect_eq(epoll_wait(level, (struct epoll_event[2]){}, 2, 0), 2, "both");
	expect_eq(fcntl(level, F_GETFD), FD_CLOEXEC, "close-on-exec of an instance");

	expect_eq(next(edge), 201, "edge-triggered, not told before");
	expect_eq(next(edge), 0, "told before: not again");
	give(told, 1);
	expect_eq(next(edge), 200, "but the next time");

	expect_eq(next(once), 0, "one shot, told before");
	give(fired, 1);
	expect_eq(next(once), 0, "disabled");
	event = (struct epoll_event){ .events = EPOLLIN | EPOLLONESHOT, .data.u64 = 301 };
	expect_eq(epoll_ctl(once, EPOLL_CTL_MOD, fired, &event), 0, "enabled again");
	expect_eq(next(once), 301, "one shot, again");

	for (int i = 0; i < 3; i++)
		in_order[i] = next(order);
	expect(in_order[0] == 400 && in_order[1] == 402 && in_order[2] == 401,
	       "order of events: %d %d %d", in_order[0], in_order[1], in_order[2]);

	expect_eq(next(outer), 0, "one in another: nothing");
	give(nested, 1);
	expect_eq(next(outer), 501, "one in another");
	expect_eq(next(inner), 500, "the inner one");

	watched(gone, after, sizeof(after));
	expect(!strcmp(after, before), "what is watched: %s; was: %s", after, before);
	watched(flags, after, sizeof(after));
	expect(!strcmp(after, flags_before), "EPOLLEXCLUSIVE, EPOLLWAKEUP: %s; was: %s", after,
	       flags_before);
	expect_eq(epoll_wait(gone, (struct epoll_event[2]){}, 2, 0), 2, "a descriptor twice");
	expect_eq(epoll_ctl(gone, EPOLL_CTL_DEL, high, NULL), 0, "what it is now");
	expect_eq(next(gone), 600, "what it was");

	expect_eq(next(twice) + next(twice), 1401, "a file twice");
	expect_eq(next(twice), 0, "both were told");
	return payload_end();
}
