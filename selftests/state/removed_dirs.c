// SPDX-License-Identifier: GPL-2.0
/*
 * Directories that were removed: opened twice, locked, one in another, with a
 * removed file that was in them, and as the working directory of two processes.
 */
#include "attributes.h"
#include <dirent.h>
#include <sys/file.h>

struct removed {
	int upper, lower, again, file;
};

static void begin_in(const char *dir, struct removed *r)
{
	char upper[600], lower[620], file[640];

	snprintf(upper, sizeof(upper), "%s/removed-dir", dir);
	snprintf(lower, sizeof(lower), "%s/lower", upper);
	snprintf(file, sizeof(file), "%s/file", lower);
	sure(mkdir(upper, 0700));
	sure(mkdir(lower, 0700));
	r->upper = sure(open(upper, O_RDONLY | O_DIRECTORY));
	r->lower = sure(open(lower, O_RDONLY));
	r->again = sure(open(lower, O_RDONLY | O_NONBLOCK));
	r->file = sure(open(file, O_RDWR | O_CREAT | O_EXCL, 0600));
	sure(write(r->file, "content", 7));
	sure(unlink(file));
	sure(rmdir(lower));
	sure(rmdir(upper));
	sure(flock(r->lower, LOCK_EX));
	give_attributes(r->lower, 01751);
}

static void expect_removed(int fd, const char *what)
{
	char buf[1024];
	struct stat st;

	sure(fstat(fd, &st));
	expect(S_ISDIR(st.st_mode), "%s is a directory", what);
	expect_eq(st.st_nlink, 0, "names of %s", what);
	expect_errno(openat(fd, "new", O_RDWR | O_CREAT, 0600), ENOENT, "a new file");
	expect_errno(syscall(SYS_getdents64, fd, buf, sizeof(buf)), ENOENT, "its entries");
}

static void check_in(const char *dir, struct removed *r)
{
	struct stat st, again, there;
	char text[8] = "";

	expect_removed(r->upper, dir);
	expect_removed(r->lower, "one in it");
	sure(fstat(r->lower, &st));
	sure(fstat(r->again, &again));
	expect_eq(again.st_ino, st.st_ino, "inode of another open file");
	sure(fstat(r->upper, &there));
	expect(there.st_ino != st.st_ino, "another inode above");
	expect_attributes(r->lower, S_IFDIR | 01751);
	expect_eq(fcntl(r->again, F_GETFL) & ~0100000, O_RDONLY | O_NONBLOCK, "flags");
	expect_errno(flock(r->again, LOCK_SH | LOCK_NB), EAGAIN, "lock");
	sure(stat(dir, &st));
	sure(fstatat(r->upper, "..", &there, 0));
	expect_eq(there.st_ino, st.st_ino, "what it was in");
	expect_eq(pread(r->file, text, sizeof(text), 0), 7, "length of a file");
	expect(!strcmp(text, "content"), "content of it: %s", text);
}

/* The same as @fd, and a removed one. */
static void expect_here(int fd)
{
	struct stat st, there;
	char name[600];

	sure(fstat(fd, &st));
	sure(stat(".", &there));
	expect_eq(there.st_ino, st.st_ino, "working directory");
	expect(!getcwd(name, sizeof(name)) && errno == ENOENT, "a name for it: errno %d", errno);
}

static int is_there_too(void *removed)
{
	const struct removed *r = removed;

	tell("child");
	await_go();
	expect_here(r->lower);
	return payload_failed;
}

int main(int argc, char **argv)
{
	struct removed here, memory, disk;
	pid_t pid;

	payload_begin(argc, argv);
	begin_in(payload_dir, &here);
	begin_in("/dev/shm", &memory);
	/* A disk, or an overlay. */
	begin_in("/var/tmp", &disk);
	sure(fchdir(disk.lower));
	pid = child(is_there_too, &disk);
	await("child");
	sure(fchdir(here.upper));
	if (pause_here()) {
		sure(fchmod(here.lower, 0700));
		sure(flock(memory.lower, LOCK_UN));
		sure(pwrite(disk.file, "C", 1, 0));
		sure(chdir("/"));
	}
	check_in(payload_dir, &here);
	check_in("/dev/shm", &memory);
	check_in("/var/tmp", &disk);
	expect_here(here.upper);
	reap(pid);
	return payload_end();
}
