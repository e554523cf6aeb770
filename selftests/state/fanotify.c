// SPDX-License-Identifier: GPL-2.0
/*
 * fanotify: groups and their flags, what is watched and how, the events that wait, who
 * reads and waits, files that a group has opened, permission; and that neither
 * checkpoint nor restart is an event.
 */
#include "notify.h"
#include <poll.h>
#include <sys/epoll.h>
#include <sys/fanotify.h>

#ifndef FAN_REPORT_TARGET_FID
#define FAN_REPORT_TARGET_FID	0x1000
#endif
#ifndef FAN_REPORT_PIDFD
#define FAN_REPORT_PIDFD	0x80
#endif
#ifndef FAN_RENAME
#define FAN_RENAME		0x10000000
#endif
#ifndef FAN_MARK_EVICTABLE
#define FAN_MARK_EVICTABLE	0x200
#endif
#ifndef FAN_MARK_IGNORE
#define FAN_MARK_IGNORE		0x400
#endif
#define FIDS	(FAN_REPORT_FID | FAN_REPORT_DIR_FID | FAN_REPORT_NAME)

/* The path of something on another mount, which has no other files of the test. */
static char mount_dir[] = "/dev/shm/fanotify-XXXXXX";

static const char *on_mount(const char *name)
{
	static char path[4][64];
	static unsigned int turn;

	turn = (turn + 1) % 4;
	snprintf(path[turn], sizeof(path[turn]), "%s/%s", mount_dir, name);
	return path[turn];
}

static void make_dir(const char *name)
{
	sure(mkdir(file_at(name), 0700));
}

static int group(unsigned int flags, unsigned int files)
{
	return sure(fanotify_init(flags | FAN_NONBLOCK, files));
}

static void mark(int fd, unsigned int flags, uint64_t mask, const char *path)
{
	sure(fanotify_mark(fd, FAN_MARK_ADD | flags, mask, AT_FDCWD, path));
}

static void add(char *out, const char *format, ...)
{
	size_t at = strlen(out);
	va_list ap;

	va_start(ap, format);
	vsnprintf(out + at, 4000 - at, format, ap);
	va_end(ap);
}

/* Whether a name has this handle, by which events tell of files. */
static bool is_of(const struct file_handle *handle, const char *path)
{
	char room[sizeof(struct file_handle) + 128];
	struct file_handle *own = (void *)room;
	int mount;

	own->handle_bytes = 128;
	if (name_to_handle_at(AT_FDCWD, path, own, &mount, 0))
		return false;
	return own->handle_type == handle->handle_type &&
	       own->handle_bytes == handle->handle_bytes &&
	       !memcmp(own->f_handle, handle->f_handle, own->handle_bytes);
}

/* What follows an event: "[TYPE NAME]", with "=" if it is of the file or directory. */
static void add_info(char *out, const char *at, const char *end, const char *path)
{
	while (at < end) {
		const struct fanotify_event_info_header *header = (const void *)at;

		if (header->info_type == 4) {
			const struct { struct fanotify_event_info_header h; int fd; } *info = (const void *)at;

			add(out, " [pidfd %d]", info->fd >= 0);
			if (info->fd >= 0)
				close(info->fd);
		} else {
			const struct fanotify_event_info_fid *fid = (const void *)at;
			const struct file_handle *handle = (const void *)fid->handle;
			const char *name = (const char *)handle->f_handle + handle->handle_bytes;
			bool named = name < at + header->len && header->info_type != 1 &&
				     header->info_type != 3;

			add(out, " [%d %s%s]", header->info_type, named ? name : "",
			    is_of(handle, path) ? "=" : "");
		}
		at += header->len;
	}
}

/*
 * The next event as text: mask, whether it is of this process, the number of who it is of,
 * the name of the file that comes with it, and what else is told.
 */
static const char *next_event(int fd, const char *path)
{
	static char text[2][4000];
	static unsigned int turn;
	union {
		struct fanotify_event_metadata event;
		char room[1024];
	} buf;
	char *out = text[++turn % 2];
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	size_t room;
	ssize_t n = -1;

	if (poll(&pfd, 1, 0) != 1)
		return "nothing";
	/* One at a time. */
	for (room = sizeof(buf.event); n < 0 && room <= sizeof(buf); room += 4)
		n = read(fd, &buf, room);
	if (n < 0)
		return strerror(errno);
	*out = 0;
	add(out, "%#llx %d", (unsigned long long)buf.event.mask, buf.event.pid);
	if (buf.event.fd >= 0) {
		char link[64], name[500];
		ssize_t len;

		snprintf(link, sizeof(link), "/proc/self/fd/%d", buf.event.fd);
		len = readlink(link, name, sizeof(name) - 1);
		name[len < 0 ? 0 : len] = 0;
		add(out, " %s %#o", strrchr(name, '/') ? strrchr(name, '/') + 1 : name,
		    fcntl(buf.event.fd, F_GETFL) & O_ACCMODE);
		close(buf.event.fd);
	}
	add_info(out, (char *)&buf + buf.event.metadata_len, (char *)&buf + n, path);
	return out;
}

__attribute__((format(printf, 4, 5)))
static void expect_event(int fd, const char *path, const char *what, const char *format, ...)
{
	char wanted[1000];
	const char *got;
	va_list ap;

	va_start(ap, format);
	vsnprintf(wanted, sizeof(wanted), format, ap);
	va_end(ap);
	got = next_event(fd, path);
	expect(!strcmp(got, wanted), "%s: %s; wanted: %s", what, got, wanted);
}

/* A read that sleeps. */
static int reader(void *unused)
{
	struct fanotify_event_metadata event = { .fd = -1 };
	int fd = sure(fanotify_init(FAN_CLASS_NOTIF, O_RDONLY));
	ssize_t n;

	make_dir("reader");
	create(in("reader", "file"));
	mark(fd, 0, FAN_MODIFY, in("reader", "file"));
	tell("reading");
	n = read(fd, &event, sizeof(event));
	expect(n == sizeof(event) && event.mask == FAN_MODIFY && event.fd >= 0,
	       "read of a fanotify group: %zd, %#llx", n, (unsigned long long)event.mask);
	(void)unused;
	return 0;
}

/* Has done something and ended: its number is all that is left. */
static pid_t did_it(const char *path)
{
	pid_t pid = sure(fork());

	if (!pid) {
		write_file(path, 0, "by a child");
		_exit(0);
	}
	reap(pid);
	return pid;
}

/* Opens a file of which permission is asked for: whether it may. */
static int asks(void *path)
{
	await("ask");
	_exit(open(path, O_RDONLY) < 0 ? 1 : 2);
}

/* A group with little room, which is full. */
static int overflown(void)
{
	const char *limit = "/proc/sys/fs/fanotify/max_queued_events";
	char before[32], name[2] = "a";
	int fd;

	read_file(limit, before, sizeof(before));
	write_file(limit, 0, "3");
	fd = fanotify_init(FIDS | FAN_NONBLOCK, 0);
	write_file(limit, 0, before);
	sure(fd);
	make_dir("full");
	mark(fd, 0, FAN_CREATE, file_at("full"));
	for (int i = 0; i < 5; i++, name[0]++)
		create(in("full", name));
	return fd;
}

int main(int argc, char **argv)
{
	static const char *const what[] = {
		"names", "handles", "files", "mount", "ignored", "permission", "quiet", "full", "pidfds",
	};
	int fds[ARRAY_SIZE(what)], *names = &fds[0], *handles = &fds[1], *files = &fds[2], *mnt = &fds[3],
		*ignored = &fds[4], *permission = &fds[5], *quiet = &fds[6], *full = &fds[7], *pidfds = &fds[8];
	int told, epoll, level, opened, order, removed, plain, status, bytes[ARRAY_SIZE(what)];
	char before[ARRAY_SIZE(what)][1500], after[1500], path[600];
	struct epoll_event edge = { .events = EPOLLIN | EPOLLET }, any = { .events = EPOLLIN }, found;
	struct fanotify_event_metadata event;
	struct fanotify_response response = { .response = FAN_DENY };
	pid_t me = getpid(), ended, asker, sleeper;
	char *map;
	bool spoil;

	payload_begin(argc, argv);
	sleeper = child(reader, NULL);
	await("reading");
	await_syscall(sleeper, SYS_read);

	/* Entries of a directory, with names and handles, also of those who have ended. */
	make_dir("dir");
	create(in("dir", "file"));
	create(in("dir", "plain"));
	*names = group(FIDS | FAN_REPORT_TARGET_FID | FAN_CLOEXEC, 0);
	mark(*names, 0, FAN_CREATE | FAN_DELETE | FAN_RENAME | FAN_MODIFY | FAN_ONDIR | FAN_EVENT_ON_CHILD,
	     file_at("dir"));
	mark(*names, 0, FAN_ATTRIB, in("dir", "plain"));
	create(in("dir", "a"));
	sure(rename(in("dir", "a"), in("dir", "b")));
	sure(mkdir(in("dir", "sub"), 0700));
	write_file(in("dir", "plain"), 0, "text");
	ended = did_it(in("dir", "file"));

	/* Files by their handles alone, with a mark that may go; with pidfds. */
	make_dir("handles");
	create(in("handles", "file"));
	*handles = group(FAN_REPORT_FID, 0);
	mark(*handles, FAN_MARK_EVICTABLE, FAN_MODIFY | FAN_ATTRIB, in("handles", "file"));
	write_file(in("handles", "file"), 0, "text");
	sure(chmod(in("handles", "file"), 0644));
	*pidfds = group(FAN_CLASS_NOTIF | FAN_REPORT_PIDFD | FAN_UNLIMITED_MARKS, O_RDONLY);
	mark(*pidfds, 0, FAN_MODIFY, in("handles", "file"));
	write_file(in("handles", "file"), 0, "more");

	/* Open files come with the events; one that was opened before is no event itself. */
	make_dir("files");
	create(in("files", "one"));
	create(in("files", "two"));
	*files = group(FAN_CLASS_CONTENT | FAN_UNLIMITED_QUEUE, O_RDWR | O_LARGEFILE);
	mark(*files, 0, FAN_OPEN, in("files", "one"));
	mark(*files, FAN_MARK_ONLYDIR, FAN_CLOSE_WRITE | FAN_EVENT_ON_CHILD, file_at("files"));
	close(sure(open(in("files", "one"), O_RDONLY)));
	sure(read(*files, &event, sizeof(event)));
	opened = event.fd;
	write_file(in("files", "two"), 0, "text");

	/* A mount and a file system that nobody else uses, and what is not told of. */
	sure(mkdtemp(mount_dir) ? 0 : -1);
	create(on_mount("file"));
	create(on_mount("not"));
	create(on_mount("open"));
	*mnt = group(FAN_CLASS_NOTIF, O_RDONLY);
	mark(*mnt, FAN_MARK_MOUNT, FAN_OPEN, mount_dir);
	mark(*mnt, FAN_MARK_IGNORED_MASK | FAN_MARK_IGNORED_SURV_MODIFY, FAN_OPEN, on_mount("not"));
	*ignored = group(FIDS, 0);
	mark(*ignored, FAN_MARK_FILESYSTEM, FAN_MODIFY | FAN_ATTRIB, mount_dir);
	mark(*ignored, FAN_MARK_IGNORE | FAN_MARK_IGNORED_SURV_MODIFY, FAN_MODIFY, on_mount("not"));
	/* This one goes when the file is modified, and was made before that was open. */
	mark(*ignored, FAN_MARK_IGNORED_MASK, FAN_ATTRIB, on_mount("open"));
	plain = sure(open(on_mount("open"), O_WRONLY));
	close(sure(open(on_mount("file"), O_RDONLY)));

	/* Permission: nobody waits for it now. */
	make_dir("permission");
	create(in("permission", "file"));
	*permission = group(FAN_CLASS_CONTENT, O_RDONLY);
	mark(*permission, 0, FAN_OPEN_PERM, in("permission", "file"));
	snprintf(path, sizeof(path), "%s", in("permission", "file"));
	asker = child(asks, path);

	/* Nobody tells of what the kernel does for a checkpoint or a restart. */
	make_dir("quiet");
	write_file(in("quiet", "mapped"), O_CREAT, "text");
	removed = sure(open(in("quiet", "removed"), O_CREAT | O_RDWR, 0600));
	sure(write(removed, "text", 4));
	sure(unlink(in("quiet", "removed")));
	order = sure(open(in("quiet", "mapped"), O_RDWR));
	map = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, order, 0);
	*quiet = group(FAN_CLASS_NOTIF, O_RDONLY);
	mark(*quiet, 0, FAN_ALL_EVENTS | FAN_OPEN_EXEC | FAN_EVENT_ON_CHILD | FAN_ONDIR, file_at("quiet"));
	mark(*quiet, 0, FAN_ALL_EVENTS, in("quiet", "mapped"));
	*full = overflown();

	/* What epoll instances have told of. */
	told = epoll_create1(0);
	sure(epoll_ctl(told, EPOLL_CTL_ADD, *names, &edge));
	epoll = epoll_create1(0);
	sure(epoll_ctl(epoll, EPOLL_CTL_ADD, *names, &edge));
	level = epoll_create1(0);
	sure(epoll_ctl(level, EPOLL_CTL_ADD, *names, &any));
	expect_eq(epoll_wait(told, &found, 1, 0), 1, "edge-triggered, before");
	for (unsigned int i = 0; i < ARRAY_SIZE(what); i++) {
		watches_of(fds[i], "fanotify", before[i], sizeof(before[i]));
		bytes[i] = waiting(fds[i]);
	}
	sure(fcntl(*full, F_SETFL, 0));

	spoil = pause_here();
	if (spoil) {
		next_event(*names, "/");
		next_event(*files, "/");
		sure(fanotify_mark(*mnt, FAN_MARK_REMOVE | FAN_MARK_MOUNT, FAN_OPEN, AT_FDCWD, mount_dir));
	}
	for (unsigned int i = 0; i < ARRAY_SIZE(what); i++) {
		watches_of(fds[i], "fanotify", after, sizeof(after));
		expect(!strcmp(before[i], after), "flags and marks, %s: %s; were: %s", what[i], after, before[i]);
		expect_eq(waiting(fds[i]), bytes[i], "bytes that wait, %s", what[i]);
	}
	expect_eq(fcntl(*names, F_GETFD), FD_CLOEXEC, "close-on-exec");
	expect_eq(fcntl(*names, F_GETFL) & O_NONBLOCK, O_NONBLOCK, "one that does not block");
	expect_eq(fcntl(*full, F_GETFL) & O_NONBLOCK, 0, "one that blocks by now");
	expect_eq(waiting(*quiet), 0, "neither checkpoint nor restart is an event");
	expect_eq(epoll_wait(told, &found, 1, 0), 0, "told before: not again");
	expect_eq(epoll_wait(epoll, &found, 1, 0), 1, "not told before");
	expect_eq(epoll_wait(level, &found, 1, 0), 1, "level-triggered");

	/* The same again is merged with one that waits. */
	sure(chmod(in("handles", "file"), 0600));
	expect_eq(waiting(*handles), bytes[1], "bytes that wait, with one that is merged");
	write_file(in("dir", "plain"), 0, "text");
	expect_eq(waiting(*names), bytes[0], "bytes that wait, with one of a name that is merged");
	write_file(in("files", "two"), 0, "text");
	expect_eq(waiting(*files), bytes[2], "bytes that wait, with one of a file that is merged");

	expect_event(*names, in("dir", "."), "an entry is new", "0x100 %d [2 a=] [1 ]", me);
	expect_event(*names, in("dir", "."), "an entry has another name", "0x10000000 %d [10 a=] [12 b=] [1 ]", me);
	expect_event(*names, in("dir", "sub"), "a directory", "0x40000100 %d [2 sub] [1 =]", me);
	expect_event(*names, in("dir", "plain"), "a file in it", "0x2 %d [2 plain] [1 =]", me);
	expect_event(*names, in("dir", "file"), "of who has ended", "0x2 %d [2 file] [1 =]", ended);
	expect_event(*names, "/", "no other event", "nothing");
	expect_event(*handles, in("handles", "file"), "by a handle", "0x6 %d [1 =]", me);
	expect_event(*handles, "/", "no other event by a handle", "nothing");
	expect_event(*pidfds, "/", "with a pidfd", "0x2 %d file 0 [pidfd 1]", me);
	expect_event(*files, "/", "with an open file", "0x8 %d two 02", me);
	expect_event(*files, "/", "no other event with an open file", "nothing");
	expect_event(*mnt, "/", "first on a mount", "0x20 %d open 0", me);
	expect_event(*mnt, "/", "on a mount", "0x20 %d file 0", me);
	expect_event(*mnt, "/", "no other event on a mount", "nothing");
	for (int i = 0; i < 3; i++) {
		char name[2] = { 'a' + i, 0 };

		expect_event(*full, in("full", "."), "of one that is full", "0x100 %d [2 %s=]", me, name);
	}
	expect_event(*full, "/", "what did not fit", "0x4000 0");
	expect_event(*full, "/", "nothing behind it", "nothing");
	for (int i = 0; i < 5; i++) {
		char name[3] = { 'n', 'a' + i, 0 };

		create(in("full", name));
	}
	for (int i = 0; i < 3; i++)
		next_event(*full, "/");
	expect_event(*full, "/", "there is room for as many as before", "0x4000 0");

	/* A file that was opened for an event is none itself, but its name is. */
	sure(read(opened, path, 1) < 0 ? -1 : 0);
	sure(write(opened, "x", 1));
	close(opened);
	expect_event(*files, "/", "a file that came with an event", "nothing");
	close(sure(open(in("files", "one"), O_RDONLY)));
	expect_event(*files, "/", "mark on a file", "0x20 %d one 02", me);

	/* All marks work. */
	sure(chmod(in("dir", "plain"), 0644));
	expect_event(*names, in("dir", "plain"), "mark on a file, with handles", "0x4 %d [2 plain] [1 =]", me);
	close(sure(open(on_mount("not"), O_RDWR)));
	expect_event(*mnt, "/", "what is not told of", "nothing");
	close(sure(open(on_mount("file"), O_RDONLY)));
	expect_event(*mnt, "/", "mark on a mount", "0x20 %d file 0", me);
	write_file(on_mount("not"), 0, "text");
	expect_event(*ignored, "/", "what is not told of, modified or not", "nothing");
	write_file(on_mount("file"), 0, "text");
	expect_event(*ignored, on_mount("file"), "mark on a file system", "0x2 %d [2 file] [1 =]", me);
	sure(fchmod(plain, 0644));
	expect_event(*ignored, "/", "what is not told of until it is modified", "nothing");
	sure(write(plain, "text", 4));
	sure(fchmod(plain, 0600));
	expect_event(*ignored, on_mount("open"), "and then it is", "0x6 %d [2 open] [1 =]", me);

	tell("ask");
	sure(poll(&(struct pollfd){ .fd = *permission, .events = POLLIN }, 1, -1));
	sure(read(*permission, &event, sizeof(event)));
	expect_eq(event.mask, FAN_OPEN_PERM, "permission is asked for");
	expect_eq(event.pid, asker, "by whom");
	response.fd = event.fd;
	sure(write(*permission, &response, sizeof(response)));
	close(event.fd);
	sure(waitpid(asker, &status, 0));
	expect_eq(WEXITSTATUS(status), 1, "and not given");

	/* What the restart gives up at its end is over when its files have been put. */
	write_file(in("reader", "file"), 0, "text");
	reap(sleeper);
	expect_eq(waiting(*quiet), 0, "nor is what comes late");
	map[0] = 'T';
	munmap(map, PAGE);
	sure(write(order, "more", 4));
	expect_event(*quiet, "/", "but a write is", "0x2 %d mapped 0", me);
	close(plain);
	sure(unlink(on_mount("file")));
	sure(unlink(on_mount("not")));
	sure(unlink(on_mount("open")));
	sure(rmdir(mount_dir));
	return payload_end();
}
