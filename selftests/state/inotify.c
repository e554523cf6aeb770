// SPDX-License-Identifier: GPL-2.0
/*
 * inotify: what is watched and how, the events that wait, reads and waits in
 * progress, signals; and that neither checkpoint nor restart is an event.
 */
#include "notify.h"
#include "watch.h"
#include <poll.h>
#include <sys/inotify.h>

static int sigio_fd = -1;

static void on_sigio(int sig, siginfo_t *info, void *unused)
{
	sigio_fd = info->si_fd;
	(void)sig, (void)unused;
}

/* The next event as text: "WD MASK NAME", or "nothing". */
static const char *next_event(int fd, uint32_t *cookie)
{
	static char text[2][400];
	static unsigned int turn;
	union {
		struct inotify_event event;
		char room[sizeof(struct inotify_event) + 256];
	} buf;
	char *out = text[++turn % 2];
	struct pollfd pfd = { .fd = fd, .events = POLLIN };

	if (poll(&pfd, 1, 0) != 1)
		return "nothing";
	/* One at a time: first, there is only room for one without a name. */
	memset(&buf, 0, sizeof(buf));
	if (read(fd, &buf, sizeof(struct inotify_event)) < 0 &&
	    read(fd, &buf, sizeof(struct inotify_event) + 16) < 0)
		return strerror(errno);
	if (cookie)
		*cookie = buf.event.cookie;
	snprintf(out, 400, "%d %#x %s", buf.event.wd, buf.event.mask,
		 buf.event.len ? buf.event.name : "");
	return out;
}

static void expect_event(int fd, int wd, uint32_t mask, const char *name, const char *what)
{
	char wanted[300];
	const char *got = next_event(fd, NULL);

	snprintf(wanted, sizeof(wanted), "%d %#x %s", wd, mask, name);
	expect(!strcmp(got, wanted), "%s: %s; wanted: %s", what, got, wanted);
}

static void expect_nothing(int fd, const char *what)
{
	const char *got = next_event(fd, NULL);

	expect(!strcmp(got, "nothing"), "%s: %s", what, got);
}

/* Sleeps until something happens, in another life. */
static int sleeper(int which)
{
	int fd = sure(inotify_init()), wd, epoll;
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	struct epoll_event event;
	char name[2] = { '0' + which, 0 };

	sure(mkdir(in("sleepers", name), 0700));
	wd = sure(inotify_add_watch(fd, in("sleepers", name), IN_CREATE));
	epoll = watch(fd, EPOLLIN);
	if (which == 1)
		expect_eq(poll(&pfd, 1, -1), 1, "poll");
	if (which == 2)
		expect_eq(epoll_wait(epoll, &event, 1, -1), 1, "epoll_wait");
	if (which >= 3) {
		char room[2][400];
		struct iovec iov[2] = { { room[0], which == 3 ? 400 : 32 }, { room[1], 400 } };

		long n;

		/* It goes on to wait when one part is full, and a checkpoint may end that. */
		if (which == 4)
			create(in("sleepers", "4/new"));
		n = syscall(SYS_readv, fd, iov, 2);
		await_go();
		expect(n == 32 || (which == 4 && n == 64), "%s: %ld",
		       which == 3 ? "readv" : "readv, half done", n);
		expect(!strcmp(room[0] + sizeof(struct inotify_event), "new"), "what it has read");
		return 0;
	}
	expect_event(fd, wd, IN_CREATE, "new", "who has waited is told");
	return 0;
}

/* A read that sleeps: next_event() does not. */
static int reader(void *unused)
{
	char room[sizeof(struct inotify_event) + 16];
	struct inotify_event *event = (void *)room;
	int fd = sure(inotify_init());
	ssize_t n;

	sure(mkdir(in("sleepers", "reader"), 0700));
	sure(inotify_add_watch(fd, in("sleepers", "reader"), IN_CREATE));
	tell("reading");
	n = read(fd, room, sizeof(room));
	expect(n > 0 && !strcmp(event->name, "new"), "read of an inotify instance: %zd, %s", n,
	       n < 0 ? strerror(errno) : event->name);
	(void)unused;
	return 0;
}

/* Has an instance of its parent. */
static int with_the_same(void *fd)
{
	await_go();
	await("created");
	expect_event(*(int *)fd, 1, IN_CREATE, "shared", "of the instance that is shared");
	tell("taken");
	return 0;
}

/* An instance with little room, which is full. */
static int overflown(void)
{
	const char *limit = "/proc/sys/fs/inotify/max_queued_events";
	char before[32], name[2] = "a";
	int fd;

	read_file(limit, before, sizeof(before));
	write_file(limit, 0, "3");
	fd = inotify_init1(IN_NONBLOCK);
	write_file(limit, 0, before);
	sure(fd);
	sure(mkdir(file_at("full"), 0700));
	sure(inotify_add_watch(fd, file_at("full"), IN_CREATE));
	for (int i = 0; i < 5; i++, name[0]++)
		create(in("full", name));
	return fd;
}

int main(int argc, char **argv)
{
	static const long calls[] = { SYS_poll, SYS_poll, SYS_epoll_wait, SYS_readv, SYS_readv };
	int fd, shared, quiet, full, async, order, wd, gone, file, link, told, told_epoll, untold_epoll,
		level, removed, bytes, last, found = 0;
	struct sigaction action = { .sa_sigaction = on_sigio, .sa_flags = SA_SIGINFO | SA_RESTART };
	char before[2000], after[2000];
	uint32_t from = 0, to = 0;
	pid_t pids[6], pid;
	char *map;
	bool spoil;

	payload_begin(argc, argv);
	sure(mkdir(file_at("sleepers"), 0700));
	for (int i = 1; i < 5; i++) {
		pids[i] = sure(fork());
		if (!pids[i])
			_exit(sleeper(i) || payload_failed);
		await_syscall(pids[i], calls[i]);
	}
	pids[5] = child(reader, NULL);
	await("reading");
	await_syscall(pids[5], SYS_read);

	/* Watches of all kinds, numbers that are not the next ones. */
	sure(mkdir(file_at("dir"), 0700));
	create(in("dir", "file"));
	create(in("dir", "once"));
	sure(symlink("file", in("dir", "link")));
	sure(mkfifo(in("dir", "fifo"), 0600));
	fd = sure(inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
	sure(inotify_add_watch(fd, "/", IN_CREATE));
	wd = sure(inotify_add_watch(fd, file_at("dir"), IN_CREATE | IN_MOVE | IN_DELETE | IN_ONLYDIR));
	gone = sure(inotify_add_watch(fd, in("dir", "fifo"), IN_OPEN));
	sure(inotify_rm_watch(fd, 1));
	expect_event(fd, 1, IN_IGNORED, "", "before: a watch is removed");
	file = sure(inotify_add_watch(fd, in("dir", "file"),
				      IN_MODIFY | IN_DELETE_SELF | IN_EXCL_UNLINK));
	link = sure(inotify_add_watch(fd, in("dir", "link"), IN_DONT_FOLLOW | IN_ATTRIB));
	last = sure(inotify_add_watch(fd, in("dir", "once"), IN_ATTRIB | IN_ONESHOT));

	/* Events that wait, of one watch that is gone. */
	create(in("dir", "a"));
	sure(rename(in("dir", "a"), in("dir", "b")));
	sure(inotify_rm_watch(fd, gone));
	sure(mkdir(in("dir", "sub"), 0700));
	write_file(in("dir", "file"), 0, "text");

	/* Nobody tells of what the kernel does for a restart. */
	sure(mkdir(file_at("quiet"), 0700));
	write_file(in("quiet", "mapped"), O_CREAT, "text");
	removed = sure(open(in("quiet", "removed"), O_CREAT | O_RDWR, 0600));
	sure(write(removed, "text", 4));
	sure(unlink(in("quiet", "removed")));
	order = sure(open(in("quiet", "mapped"), O_RDWR));
	map = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, order, 0);
	quiet = sure(inotify_init1(IN_NONBLOCK));
	sure(inotify_add_watch(quiet, file_at("quiet"), IN_ALL_EVENTS));
	sure(inotify_add_watch(quiet, in("quiet", "mapped"), IN_ALL_EVENTS | IN_ONESHOT));

	/* An instance that is shared; one that sends signals; one that is full. */
	sure(mkdir(file_at("shared"), 0700));
	shared = sure(inotify_init());
	sure(inotify_add_watch(shared, file_at("shared"), IN_CREATE));
	pid = child(with_the_same, &shared);
	sure(mkdir(file_at("async"), 0700));
	sure(sigaction(SIGUSR1, &action, NULL));
	async = sure(inotify_init1(IN_NONBLOCK));
	sure(inotify_add_watch(async, file_at("async"), IN_CREATE));
	sure(fcntl(async, F_SETOWN, getpid()));
	sure(fcntl(async, F_SETSIG, SIGUSR1));
	sure(fcntl(async, F_SETFL, O_ASYNC | O_NONBLOCK));
	full = overflown();

	/* What epoll instances have told of. */
	sure(mkdir(file_at("told"), 0700));
	told = sure(inotify_init());
	sure(inotify_add_watch(told, file_at("told"), IN_CREATE));
	told_epoll = watch(told, EPOLLIN | EPOLLET);
	untold_epoll = watch(told, EPOLLIN | EPOLLET);
	level = watch(told, EPOLLIN);
	create(in("told", "a"));
	expect_eq(next(told_epoll), 1, "edge-triggered, before");
	watches_of(fd, "inotify", before, sizeof(before));
	bytes = waiting(fd);

	spoil = pause_here();
	if (spoil) {
		next_event(fd, NULL);
		sure(inotify_rm_watch(fd, file));
	}
	expect_eq(sigio_fd, -1, "no signal so far");
	watches_of(fd, "inotify", after, sizeof(after));
	expect(!strcmp(before, after), "watches: %s; were: %s", after, before);
	expect_eq(fcntl(fd, F_GETFL) & O_NONBLOCK, O_NONBLOCK, "one that does not block");
	expect_eq(fcntl(fd, F_GETFD), FD_CLOEXEC, "close-on-exec");
	expect_eq(fcntl(shared, F_GETFL) & O_NONBLOCK, 0, "one that blocks");
	expect_eq(waiting(fd), bytes, "bytes that wait");

	/* The same event again is the last one still. */
	write_file(in("dir", "file"), 0, "text");
	expect_eq(waiting(fd), bytes, "bytes that wait, with one that is merged");

	expect_event(fd, wd, IN_CREATE, "a", "first event");
	expect(!strncmp(next_event(fd, &from), "2 0x40 a", 8), "renamed from");
	expect(!strncmp(next_event(fd, &to), "2 0x80 b", 8), "renamed to");
	expect(from && from == to, "cookies %u and %u", from, to);
	expect_event(fd, gone, IN_IGNORED, "", "of a watch that is gone");
	expect_event(fd, wd, IN_CREATE | IN_ISDIR, "sub", "a directory");
	expect_event(fd, file, IN_MODIFY, "", "the last one that has waited");
	expect_nothing(fd, "no other event");

	/* All watches work. */
	sure(unlink(in("dir", "b")));
	expect_event(fd, wd, IN_DELETE, "b", "watch of a directory");
	sure(lchown(in("dir", "link"), 0, 0));
	expect_event(fd, link, IN_ATTRIB, "", "watch of a symbolic link");
	sure(chmod(in("dir", "once"), 0644));
	expect_event(fd, last, IN_ATTRIB, "", "watch that tells once");
	expect_event(fd, last, IN_IGNORED, "", "and is gone then");
	sure(unlink(in("dir", "file")));
	for (int i = 0; i < 3; i++) {
		const char *event = next_event(fd, NULL);

		snprintf(before, sizeof(before), "%d %#x ", file, IN_DELETE_SELF);
		snprintf(after, sizeof(after), "%d %#x ", file, IN_IGNORED);
		found += !strcmp(event, before) + !strcmp(event, after) + !strcmp(event, "2 0x200 file");
	}
	expect_eq(found, 3, "a file is deleted");
	expect_eq(inotify_add_watch(fd, "/", IN_CREATE), last + 1, "the next watch descriptor");

	for (int i = 0; i < 3; i++) {
		char name[2] = { 'a' + i, 0 };

		expect_event(full, 1, IN_CREATE, name, "of one that is full");
	}
	expect_event(full, -1, IN_Q_OVERFLOW, "", "what did not fit");
	expect_nothing(full, "nothing behind it");
	for (int i = 0; i < 5; i++) {
		char name[3] = { 'n', 'a' + i, 0 };

		create(in("full", name));
	}
	expect_eq(waiting(full), 3 * 32 + 16, "there is room for as many as before");

	expect_eq(next(told_epoll), 0, "told before: not again");
	expect_eq(next(untold_epoll), 1, "not told before");
	expect_eq(next(level), 1, "level-triggered");
	expect_event(told, 1, IN_CREATE, "a", "what they have told of");
	expect_eq(next(level), 0, "level-triggered: read");
	create(in("told", "b"));
	expect_eq(next(told_epoll), 1, "the next one is told of");

	create(in("async", "new"));
	expect_eq(sigio_fd, async, "signal for an event");
	expect_eq(fcntl(async, F_GETFL) & O_ASYNC, O_ASYNC, "O_ASYNC");

	create(in("shared", "shared"));
	tell("created");
	await("taken");
	reap(pid);
	for (int i = 1; i < 6; i++)
		if (i != 4)
			expect_eq(task_state(pids[i]), 'S', "asleep");
	create(in("sleepers", "1/new"));
	create(in("sleepers", "2/new"));
	create(in("sleepers", "3/new"));
	create(in("sleepers", "4/more"));
	create(in("sleepers", "reader/new"));
	for (int i = 1; i < 6; i++)
		reap(pids[i]);

	/* Long enough for what the restart gives up at its end. */
	sleep_ms(200);
	expect_nothing(quiet, "neither checkpoint nor restart is an event");
	map[0] = 'T';
	munmap(map, PAGE);
	sure(write(order, "more", 4));
	expect_event(quiet, 1, IN_MODIFY, "mapped", "but a write is");
	return payload_end();
}
