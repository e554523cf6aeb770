// SPDX-License-Identifier: GPL-2.0
/*
 * Directories that send signals (F_NOTIFY): for which events, once or again and again,
 * for which descriptor, in which order; those of a child, by the same open file.
 */
#include "payload.h"

#define SENT	(SIGRTMIN + 5)

static sigset_t set;

static const char *in_dir(const char *name)
{
	char path[64];

	snprintf(path, sizeof(path), "watched/%s", name);
	return file_at(path);
}

static void make(const char *name)
{
	close(sure(open(in_dir(name), O_WRONLY | O_CREAT | O_EXCL, 0600)));
}

/* Descriptor of the next signal, or -1 if there is none. */
static int next_fd(void)
{
	siginfo_t info = { 0 };

	return sigtimedwait(&set, &info, &(struct timespec){ 0, 0 }) == SENT ? info.si_fd : -1;
}

static int watch(int fd, unsigned int mask)
{
	sure(fcntl(fd, F_SETOWN, getpid()));
	sure(fcntl(fd, F_SETSIG, SENT));
	sure(fcntl(fd, F_NOTIFY, mask));
	return fd;
}

/* The signals go to the owner of the open file, whoever has asked for them. */
static int watches_too(void *arg)
{
	int fd = *(int *)arg;

	sure(fcntl(fd, F_NOTIFY, DN_RENAME | DN_MULTISHOT));
	tell("child");
	await("close");
	close(fd);
	tell("closed");
	await("end");
	return 0;
}

int main(int argc, char **argv)
{
	int again, once, copy, owned;
	pid_t pid;

	payload_begin(argc, argv);
	set = block_signal(SENT);
	sure(mkdir(file_at("watched"), 0700));
	again = sure(open(file_at("watched"), O_RDONLY | O_DIRECTORY));
	watch(again, DN_CREATE | DN_MULTISHOT);
	pid = child(watches_too, &again);
	await("child");
	copy = sure(dup(sure(open(file_at("watched"), O_RDONLY | O_DIRECTORY))));
	watch(copy, DN_CREATE | DN_ATTRIB | DN_MULTISHOT);
	once = watch(sure(open(file_at("watched"), O_RDONLY | O_DIRECTORY)), DN_DELETE);
	owned = sure(open("/proc/sys", O_RDONLY));
	sure(fcntl(owned, F_NOTIFY, DN_ACCESS | DN_MULTISHOT));
	expect_eq(next_fd(), -1, "no signal before");

	if (pause_here())
		sure(fcntl(copy, F_NOTIFY, 0));
	expect_eq(next_fd(), -1, "no signal came by itself");
	expect_eq(fcntl(owned, F_GETOWN), getpid(), "owner of a directory of procfs");
	expect_eq(fcntl(again, F_GETOWN), getpid(), "owner of a directory");
	expect_eq(fcntl(again, F_GETSIG), SENT, "signal of a directory");

	make("one");
	expect_eq(next_fd(), copy, "a new file: the watch that was added last is told first");
	expect_eq(next_fd(), again, "a new file: the other one");
	expect_eq(next_fd(), -1, "a new file: nobody else");
	sure(chmod(in_dir("one"), 0640));
	expect_eq(next_fd(), copy, "an attribute: who has asked for it");
	expect_eq(next_fd(), -1, "an attribute: nobody else");
	sure(rename(in_dir("one"), in_dir("two")));
	expect_eq(next_fd(), again, "a new name: the watch of the child");
	expect_eq(next_fd(), once, "a new name: the old one is gone");
	expect_eq(next_fd(), copy, "a new name: a new file");
	expect_eq(next_fd(), again, "a new name: a new file for the other one");
	expect_eq(next_fd(), -1, "a new name: nobody else");
	sure(unlink(in_dir("two")));
	expect_eq(next_fd(), -1, "a removed file: only once");
	make("three");
	expect_eq(next_fd(), copy, "again");
	expect_eq(next_fd(), again, "again, the other one");

	/* A watch ends with its descriptor in the table that it is of. */
	tell("close");
	await("closed");
	make("four");
	expect_eq(next_fd(), copy, "after the child has closed it: the last one");
	expect_eq(next_fd(), again, "after the child has closed it: the first one");
	sure(rename(in_dir("four"), in_dir("five")));
	expect_eq(next_fd(), copy, "a new name, after that: a new file");
	expect_eq(next_fd(), again, "a new name, after that: a new file for the other one");
	expect_eq(next_fd(), -1, "a new name, after that: nobody else");
	close(copy);
	make("six");
	expect_eq(next_fd(), again, "after one was closed: the other one");
	expect_eq(next_fd(), -1, "after one was closed: nobody else");
	tell("end");
	reap(pid);
	return payload_end();
}
