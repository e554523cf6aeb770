// SPDX-License-Identifier: GPL-2.0
/*
 * POSIX message queues: what is in them and in which order it comes out, whoever has them open or
 * nobody, with or without a name; and who waits for a message, or for room.
 */
#include "payload.h"
#include <mqueue.h>
#include <poll.h>
#include <sys/epoll.h>

#define LENGTH	5000
#define ROOM	8192

static const struct message {
	const char *text;
	unsigned int priority;
} messages[] = {
	{ "low", 1 }, { "high", 9 }, { "", 5 }, { "high, later", 9 }, { "highest", 32767 },
};

/* The order in which they are received. */
static const int order[] = { 4, 1, 3, 2, 0 };

static void put(mqd_t queue, const char *text, unsigned int priority)
{
	sure(mq_send(queue, text, strlen(text), priority));
}

static void expect_next(mqd_t queue, const char *text, unsigned int priority, const char *what)
{
	static char got[ROOM + 1];
	unsigned int is = 0;
	ssize_t n = mq_receive(queue, got, ROOM, &is);

	expect_eq(n, strlen(text), "%s: length", what);
	if (n >= 0)
		got[n] = 0;
	expect(n >= 0 && !strcmp(got, text), "%s: text", what);
	expect_eq(is, priority, "%s: priority", what);
}

static mqd_t made(const char *name, int flags, long max, long size)
{
	struct mq_attr attr = { .mq_maxmsg = max, .mq_msgsize = size };

	return sure(mq_open(name, flags | O_CREAT | O_EXCL, 0640, &attr));
}

/* What can be seen of a queue, besides what is in it. */
struct look {
	struct mq_attr attr;
	struct stat stat;
	int flags;
	off_t offset;
	char link[100];
};

static struct look look(mqd_t queue)
{
	struct look now = { 0 };
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", queue);
	sure(readlink(path, now.link, sizeof(now.link) - 1));
	sure(mq_getattr(queue, &now.attr));
	sure(fstat(queue, &now.stat));
	now.flags = fcntl(queue, F_GETFL);
	now.offset = lseek(queue, 0, SEEK_CUR);
	return now;
}

static void compare(const char *name, const struct look *was, mqd_t queue)
{
	struct look is = look(queue);

	expect_eq(is.attr.mq_maxmsg, was->attr.mq_maxmsg, "%s: most messages", name);
	expect_eq(is.attr.mq_msgsize, was->attr.mq_msgsize, "%s: their size", name);
	expect_eq(is.attr.mq_curmsgs, was->attr.mq_curmsgs, "%s: messages", name);
	expect_eq(is.attr.mq_flags, was->attr.mq_flags, "%s: O_NONBLOCK", name);
	expect_eq(is.stat.st_mode, was->stat.st_mode, "%s: mode", name);
	expect_eq(is.stat.st_uid, was->stat.st_uid, "%s: owner", name);
	expect_eq(is.stat.st_gid, was->stat.st_gid, "%s: group", name);
	expect_eq(is.stat.st_nlink, was->stat.st_nlink, "%s: links", name);
	expect(!memcmp(&is.stat.st_mtim, &was->stat.st_mtim, sizeof(is.stat.st_mtim)) &&
	       !memcmp(&is.stat.st_atim, &was->stat.st_atim, sizeof(is.stat.st_atim)) &&
	       !memcmp(&is.stat.st_ctim, &was->stat.st_ctim, sizeof(is.stat.st_ctim)),
	       "%s: times", name);
	expect_eq(is.flags, was->flags, "%s: flags", name);
	expect_eq(is.offset, was->offset, "%s: offset", name);
	expect(!strcmp(is.link, was->link), "%s: name %s, was %s", name, is.link, was->link);
}

static int receives(void *arg)
{
	expect_next(*(mqd_t *)arg, "for who waits", 3, "who waited for a message");
	return 0;
}

static int sends(void *arg)
{
	struct timespec until = timespec_of(now_ns(CLOCK_REALTIME) + 1000 * SECOND);

	expect_eq(mq_timedsend(*(mqd_t *)arg, "second", 6, 7, &until), 0, "who waited for room");
	return 0;
}

static int times_out(void *arg)
{
	long long end = now_ns(CLOCK_REALTIME) + 12 * patience() * SECOND;
	struct timespec until = timespec_of(end);
	char got[ROOM];

	expect_errno(mq_timedreceive(*(mqd_t *)arg, got, sizeof(got), NULL, &until), ETIMEDOUT,
		     "who waited for nothing");
	expect(now_ns(CLOCK_REALTIME) >= end, "not before the time was up");
	return 0;
}

static pid_t start(int (*function)(void *), mqd_t *queue, long nr)
{
	pid_t pid = child(function, queue);

	await_syscall(pid, nr);
	return pid;
}

int main(int argc, char **argv)
{
	mqd_t filled, other, nameless, again, waited, full, silent, closed;
	struct look was[4];
	struct epoll_event event = { .events = EPOLLIN | EPOLLET, .data.u64 = 5 };
	char big[LENGTH], line[100] = "", line_is[100] = "";
	struct mq_attr attr;
	pid_t pid[3];
	int epoll;

	payload_begin(argc, argv);
	umask(0);
	filled = made("/filled", O_RDWR, 10, ROOM);
	for (size_t i = 0; i < ARRAY_SIZE(messages); i++)
		put(filled, messages[i].text, messages[i].priority);
	for (size_t i = 0; i < sizeof(big); i++)
		big[i] = byte_at(i);
	sure(mq_send(filled, big, sizeof(big), 0));
	sure(fchown(filled, 7, 8));
	sure(fchmod(filled, 0604));
	sure(read(filled, line, 10));
	other = sure(mq_open("/filled", O_RDONLY | O_NONBLOCK));
	/* One whose name another one has by now. */
	nameless = made("/name", O_RDWR, 3, 100);
	put(nameless, "in a queue without a name", 2);
	sure(mq_unlink("/name"));
	again = made("/name", O_WRONLY, 4, 200);
	/* One that nobody has open. */
	closed = made("/closed", O_RDWR, 2, ROOM);
	put(closed, "nobody has it open", 4);
	mq_close(closed);
	waited = made("/waited", O_RDWR, 2, ROOM);
	full = made("/full", O_RDWR, 1, ROOM);
	put(full, "first", 6);
	silent = made("/silent", O_RDWR, 1, ROOM);
	epoll = sure(epoll_create1(0));
	sure(epoll_ctl(epoll, EPOLL_CTL_ADD, waited, &event));
	pid[0] = start(receives, &waited, SYS_mq_timedreceive);
	pid[1] = start(sends, &full, SYS_mq_timedsend);
	was[0] = look(filled);
	was[1] = look(other);
	was[2] = look(nameless);
	was[3] = look(again);
	pid[2] = start(times_out, &silent, SYS_mq_timedreceive);

	if (pause_here()) {
		char text[ROOM];

		mq_receive(filled, text, sizeof(text), NULL);
		fchown(filled, 0, 0);
		mq_unlink("/closed");
		made("/closed", O_RDWR, 2, ROOM);
		put(sure(mq_open("/closed", O_RDWR)), "another", 4);
	}
	compare("a queue", &was[0], filled);
	compare("opened again", &was[1], other);
	compare("without a name", &was[2], nameless);
	compare("with that name", &was[3], again);
	sure(read(filled, line_is, sizeof(line_is)));
	expect(strstr(line_is, "NOTIFY:0"), "the rest of what it says about itself: %s", line_is);
	/* The same file, or only the same queue. */
	sure(fcntl(filled, F_SETFL, O_NONBLOCK));
	for (size_t i = 0; i < ARRAY_SIZE(order); i++)
		expect_next(i % 2 ? other : filled, messages[order[i]].text,
			    messages[order[i]].priority, "a message");
	{
		char got[ROOM];

		expect_eq(mq_receive(filled, got, sizeof(got), NULL), LENGTH, "a large message");
		expect(!memcmp(got, big, LENGTH), "its text");
	}
	expect_errno(mq_receive(other, big, ROOM, NULL), EAGAIN, "then there is none");
	expect_next(nameless, "in a queue without a name", 2, "without a name");
	expect_errno(mq_open("/name", O_RDWR | O_CREAT | O_EXCL, 0600, NULL), EEXIST, "a name that is used");
	closed = sure(mq_open("/closed", O_RDWR));
	sure(mq_getattr(closed, &attr));
	expect_eq(attr.mq_curmsgs, 1, "a queue that nobody had open: messages");
	expect_next(closed, "nobody has it open", 4, "a queue that nobody had open");

	expect_eq(task_state(pid[0]), 'S', "who waits for a message still does");
	expect_eq(task_state(pid[1]), 'S', "who waits for room still does");
	put(waited, "for who waits", 3);
	reap(pid[0]);
	put(waited, "for epoll", 3);
	expect_eq(epoll_wait(epoll, &event, 1, 1000), 1, "epoll is told of a message");
	expect_eq(event.data.u64, 5, "of that queue");
	expect_next(full, "first", 6, "a full queue");
	reap(pid[1]);
	expect_next(full, "second", 7, "who waited for room");
	reap(pid[2]);
	return payload_end();
}
