// SPDX-License-Identifier: GPL-2.0
/* Groups of fanotify that watch, or have to tell, what cannot be found again. */
#include "cases.h"
#include <sys/fanotify.h>
#include <sys/mount.h>

static int fd, other;

static void mark(int group, unsigned int how, uint64_t mask, const char *name)
{
	sure(fanotify_mark(group, FAN_MARK_ADD | how, mask, AT_FDCWD, file_at(name)));
}

static void make_mounts(void)
{
	/* FAN_REPORT_MNT */
	fd = need(fanotify_init(0x4000, 0));
}

static void make_removed(void)
{
	fd = sure(fanotify_init(FAN_CLASS_NOTIF, O_RDONLY));
	other = sure(open(file_at("removed"), O_RDWR | O_CREAT, 0600));
	mark(fd, 0, FAN_MODIFY, "removed");
	sure(unlink(file_at("removed")));
}

static void make_event(void)
{
	fd = sure(fanotify_init(FAN_CLASS_NOTIF, O_RDONLY));
	other = sure(open(file_at("removed"), O_RDWR | O_CREAT, 0600));
	mark(fd, FAN_MARK_MOUNT, FAN_MODIFY, "removed");
	sure(write(other, "text", 4));
	sure(fanotify_mark(fd, FAN_MARK_FLUSH | FAN_MARK_MOUNT, 0, AT_FDCWD, "/"));
	close(other);
	sure(unlink(file_at("removed")));
}

/* Of somebody who has ended, of whom a pidfd can be asked for. */
static void make_ended(void)
{
	pid_t pid;

	/* FAN_REPORT_PIDFD */
	fd = sure(fanotify_init(0x80, O_RDONLY));
	sure(mkdir(file_at("watched"), 0700));
	mark(fd, FAN_MARK_ONLYDIR, FAN_CLOSE_WRITE | FAN_EVENT_ON_CHILD, "watched");
	pid = sure(fork());
	if (!pid) {
		write_file(file_at("watched/file"), O_CREAT, "text");
		_exit(0);
	}
	reap(pid);
}

/* Read, and not answered; who has asked is gone. */
static void make_asked(void)
{
	struct fanotify_event_metadata event;
	pid_t pid;

	fd = sure(fanotify_init(FAN_CLASS_CONTENT, O_RDONLY));
	write_file(file_at("asked"), O_CREAT, "text");
	mark(fd, 0, FAN_OPEN_PERM, "asked");
	pid = sure(fork());
	if (!pid)
		_exit(open(file_at("asked"), O_RDONLY));
	sure(read(fd, &event, sizeof(event)));
	close(event.fd);
	sure(kill(pid, SIGKILL));
	sure(waitpid(pid, NULL, 0));
}

/* What waits in a group keeps a file system that is mounted nowhere any more. */
static void unmounted(unsigned int how)
{
	sure(mkdir(file_at("mounted"), 0700));
	sure(mount("tmpfs", file_at("mounted"), "tmpfs", 0, NULL));
	fd = sure(fanotify_init(FAN_CLASS_NOTIF, O_RDONLY));
	other = sure(fanotify_init(FAN_CLASS_NOTIF, O_RDONLY));
	mark(fd, how, FAN_MODIFY, "mounted");
	mark(other, FAN_MARK_MOUNT, FAN_CLOSE_WRITE, "mounted");
	write_file(file_at("mounted/file"), O_CREAT, "");
	sure(umount2(file_at("mounted"), MNT_DETACH));
}

static void make_unmounted(void)
{
	unmounted(FAN_MARK_FILESYSTEM);
}

static void make_elsewhere(void)
{
	unmounted(FAN_MARK_MOUNT);
}

static void make_hidden(void)
{
	sure(mkdir(file_at("mounted"), 0700));
	sure(mount("tmpfs", file_at("mounted"), "tmpfs", 0, NULL));
	fd = sure(fanotify_init(FAN_CLASS_NOTIF, O_RDONLY));
	mark(fd, FAN_MARK_MOUNT, FAN_MODIFY, "mounted");
	sure(mount("tmpfs", file_at("mounted"), "tmpfs", 0, NULL));
}

static const struct case_ cases[] = {
	{ "mounts", "a fanotify group: tells of mounts", make_mounts, NULL },
	{ "removed", "a fanotify group: watches a file that was removed", make_removed, NULL },
	{ "event", "a fanotify group: an event of a file that was removed", make_event, NULL },
	{ "ended", "a fanotify group: an event of a process that has ended", make_ended, NULL },
	{ "asked", "a fanotify group: somebody waits for its permission", make_asked, NULL },
	{ "unmounted", "watches a file system that is not mounted below", make_unmounted, NULL },
	{ "elsewhere", "watches a mount that is not one of the container's", make_elsewhere, NULL },
	{ "hidden", "watches a mount that has no name below", make_hidden, NULL },
};

int main(int argc, char **argv)
{
	return run_cases(argc, argv, cases, ARRAY_SIZE(cases));
}
