// SPDX-License-Identifier: GPL-2.0
/* File locks: of processes, of open file descriptions, of whole files. */
#include "payload.h"
#include <sys/file.h>

static int file, shared, ofd;

static struct flock range(short type, off_t start, off_t len)
{
	return (struct flock){ .l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = len };
}

/* Who stands in the way of a lock: a pid, -1 for a description, 0 for nobody. */
static pid_t owner(int fd, short type, off_t start, off_t len)
{
	struct flock lock = range(type, start, len);

	sure(fcntl(fd, F_GETLK, &lock));
	return lock.l_type == F_UNLCK ? 0 : lock.l_pid;
}

static int child_with_locks(void *unused)
{
	int fd = sure(open(file_at("file"), O_RDWR));
	struct flock lock = range(F_WRLCK, 1000, 100), read = range(F_RDLCK, 0, 10);

	sure(fcntl(fd, F_SETLK, &lock));
	sure(fcntl(fd, F_SETLK, &read));
	tell("child");
	await("child may look");
	expect_eq(owner(fd, F_WRLCK, 500, 10), 1, "lock of the parent, seen by the child");
	tell("child has looked");
	await("child may unlock");
	lock = range(F_UNLCK, 1050, 50);
	expect_eq(fcntl(fd, F_SETLK, &lock), 0, "unlock a part");
	tell("child has unlocked");
	await("end");
	(void)unused;
	return 0;
}

/* It only shares descriptions that have locks. */
static int heir(void *unused)
{
	struct flock lock = range(F_UNLCK, 2000, 10);

	close(file);
	await_go();
	await("heir may unlock");
	expect_eq(flock(shared, LOCK_UN), 0, "unlock for another process");
	expect_eq(fcntl(ofd, F_OFD_SETLK, &lock), 0, "unlock a description");
	tell("heir has unlocked");
	(void)unused;
	return 0;
}

/* A file that is mapped, with a lock on it, and not open any more. */
static void lock_mapped(const char *name)
{
	int fd = sure(open(file_at(name), O_RDWR | O_CREAT, 0600));

	sure(ftruncate(fd, PAGE));
	sure(flock(fd, LOCK_EX));
	sure(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0));
	close(fd);
}

int main(int argc, char **argv)
{
	struct flock lock;
	pid_t pid[2];
	int other;

	payload_begin(argc, argv);
	file = sure(open(file_at("file"), O_RDWR | O_CREAT, 0600));
	shared = sure(open(file_at("shared"), O_RDWR | O_CREAT, 0600));
	ofd = sure(open(file_at("ofd"), O_RDWR | O_CREAT, 0600));
	lock = range(F_WRLCK, 500, 100);
	sure(fcntl(file, F_SETLK, &lock));
	lock = range(F_RDLCK, 0, 20);
	sure(fcntl(file, F_SETLK, &lock));
	lock = range(F_RDLCK, 5000, 0);
	sure(fcntl(file, F_SETLK, &lock));
	sure(flock(file, LOCK_SH));
	sure(flock(shared, LOCK_EX));
	lock = range(F_WRLCK, 2000, 10);
	sure(fcntl(ofd, F_OFD_SETLK, &lock));
	lock_mapped("mapped");
	pid[0] = child(child_with_locks, NULL);
	pid[1] = child(heir, NULL);
	await("child");

	if (pause_here()) {
		lock = range(F_UNLCK, 500, 100);
		fcntl(file, F_SETLK, &lock);
	}
	expect_eq(owner(file, F_WRLCK, 1000, 100), pid[0], "write lock of the child");
	expect_eq(owner(file, F_WRLCK, 0, 5), pid[0], "read lock of the child");
	expect_eq(owner(file, F_RDLCK, 0, 5), 0, "it is shared");
	expect_eq(owner(file, F_WRLCK, 10, 100), 0, "it has an end");
	tell("child may look");
	await("child has looked");
	tell("child may unlock");
	await("child has unlocked");
	expect_eq(owner(file, F_WRLCK, 1050, 50), 0, "unlocked part");
	expect_eq(owner(file, F_WRLCK, 1000, 100), pid[0], "the rest");
	tell("end");
	reap(pid[0]);
	expect_eq(owner(file, F_WRLCK, 0, 2000), 0, "locks end with their owner");

	other = sure(open(file_at("mapped"), O_RDWR));
	expect_errno(flock(other, LOCK_EX | LOCK_NB), EWOULDBLOCK, "flock of a mapped file");
	other = sure(open(file_at("shared"), O_RDWR));
	expect_errno(flock(other, LOCK_EX | LOCK_NB), EWOULDBLOCK, "flock");
	other = sure(open(file_at("ofd"), O_RDWR));
	expect_eq(owner(other, F_WRLCK, 2000, 10), -1, "lock of a description");
	expect_eq(owner(other, F_WRLCK, 2010, 10), 0, "its end");
	tell("heir may unlock");
	await("heir has unlocked");
	expect_eq(owner(other, F_WRLCK, 2000, 10), 0, "who shares the description unlocks it");
	other = sure(open(file_at("shared"), O_RDWR));
	expect_eq(flock(other, LOCK_EX | LOCK_NB), 0, "flock after that");
	reap(pid[1]);
	return payload_end();
}
