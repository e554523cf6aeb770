// SPDX-License-Identifier: GPL-2.0
/*
 * Descriptors that were opened with O_PATH: of files of all types, in file systems
 * of several kinds. None of them is open, and each leads where it has led.
 */
#include "payload.h"
#include <sys/sysmacros.h>

#define PROC	8	/* in places */

static const char target[] = "nowhere at all";

static struct place {
	const char *name;
	int flags;
	/* It is one that is there anyway. */
	bool given;
	int fd, kept;
	struct stat st;
} places[] = {
	{ .name = "file", .flags = O_CLOEXEC },
	{ .name = "directory", .flags = O_DIRECTORY },
	{ .name = "link", .flags = O_NOFOLLOW },
	{ .name = "fifo", .flags = 0 },
	{ .name = "socket", .flags = O_NOFOLLOW | O_CLOEXEC },
	{ .name = "device", .flags = 0 },
	{ .name = "blocks", .flags = 0 },
	{ .name = "/dev/null", .flags = 0, .given = true },
	{ .name = "/proc", .flags = O_DIRECTORY, .given = true },
	{ .name = "/proc/stat", .flags = 0, .given = true },
	{ .name = "/sys/kernel", .flags = O_DIRECTORY, .given = true },
	{ .name = "/sys/fs/cgroup", .flags = 0, .given = true },
};

static void look(const struct place *place)
{
	struct stat st = {};
	char byte;

	expect_eq(fcntl(place->fd, F_GETFL), place->kept, "%s: flags", place->name);
	expect_eq(fcntl(place->fd, F_GETFD), place->flags & O_CLOEXEC ? FD_CLOEXEC : 0,
		  "%s: flags of the descriptor", place->name);
	expect_eq(fstat(place->fd, &st), 0, "%s: fstat", place->name);
	expect_eq(st.st_ino, place->st.st_ino, "%s: inode", place->name);
	/* A restarted container has another procfs. */
	if (strncmp(place->name, "/proc", 5))
		expect_eq(st.st_dev, place->st.st_dev, "%s: file system", place->name);
	expect_eq(st.st_mode, place->st.st_mode, "%s: type and mode", place->name);
	expect_eq(st.st_rdev, place->st.st_rdev, "%s: device", place->name);
	expect_errno(read(place->fd, &byte, 1), EBADF, place->name);
}

int main(int argc, char **argv)
{
	char text[64] = "", name[32];
	int fd;

	payload_begin(argc, argv);
	write_file(file_at("file"), O_CREAT, "one");
	sure(mkdir(file_at("directory"), 0750));
	write_file(file_at("directory/inside"), O_CREAT, "inside");
	sure(symlink(target, file_at("link")));
	sure(mkfifo(file_at("fifo"), 0600));
	sure(mknod(file_at("socket"), S_IFSOCK | 0640, 0));
	sure(mknod(file_at("device"), S_IFCHR | 0600, makedev(240, 77)));
	sure(mknod(file_at("blocks"), S_IFBLK | 0600, makedev(240, 78)));
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		struct place *place = &places[i];

		place->fd = sure(open(place->given ? place->name : file_at(place->name),
				      O_PATH | place->flags));
		place->kept = sure(fcntl(place->fd, F_GETFL));
		sure(fstat(place->fd, &place->st));
	}

	if (pause_here())
		sure(dup2(places[1].fd, places[0].fd));
	for (size_t i = 0; i < ARRAY_SIZE(places); i++)
		look(&places[i]);
	snprintf(name, sizeof(name), "/proc/self/fd/%d", places[0].fd);
	expect_eq(read_file(name, text, sizeof(text)), 3, "bytes of the file");
	fd = openat(places[1].fd, "inside", O_RDONLY);
	expect_eq(read(fd, text, sizeof(text)), 6, "bytes of a file in the directory");
	expect_eq(readlinkat(places[2].fd, "", text, sizeof(text)), sizeof(target) - 1,
		  "length of the link");
	expect(!strncmp(text, target, sizeof(target) - 1), "where it leads");
	snprintf(name, sizeof(name), "/proc/self/fd/%d", places[3].fd);
	fd = open(name, O_RDWR | O_NONBLOCK);
	expect_eq(write(fd, "x", 1), 1, "write to the fifo");
	memset(text, 0, sizeof(text));
	expect_eq(readlinkat(places[PROC].fd, "self", text, sizeof(text) - 1), 1, "length of /proc/self");
	expect(atoi(text) == getpid(), "whose /proc it is: %s", text);
	return payload_end();
}
