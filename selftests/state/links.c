// SPDX-License-Identifier: GPL-2.0
/*
 * A file whose name was removed, and that has another one: it is the same file
 * after a restart. On the file system of the test, and on that of the machine.
 */
#include "payload.h"

static const char *dirs[2];
static int fds[2][2];
static char names[4][600];

static const char *name_in(int i, const char *name)
{
	static unsigned int turn;

	turn = (turn + 1) % 4;
	snprintf(names[turn], sizeof(names[turn]), "%s/%s", dirs[i], name);
	return names[turn];
}

int main(int argc, char **argv)
{
	/* An overlay, in the virtual machine. */
	char machine[] = "/var/tmp/links.XXXXXX", text[64];
	bool spoil;

	payload_begin(argc, argv);
	dirs[0] = payload_dir;
	sure(mkdtemp(machine) ? 0 : -1);
	dirs[1] = machine;
	for (int i = 0; i < 2; i++) {
		write_file(name_in(i, "a"), O_CREAT, "one two");
		sure(link(name_in(i, "a"), name_in(i, "b")));
		/* An overlay forgets a new link until it is used. */
		sure(access(name_in(i, "b"), F_OK));
		fds[i][0] = sure(open(name_in(i, "a"), O_RDWR));
		fds[i][1] = sure(open(name_in(i, "a"), O_RDONLY | O_APPEND));
		sure(lseek(fds[i][0], 4, SEEK_SET));
		sure(unlink(name_in(i, "a")));
	}
	spoil = pause_here();
	for (int i = 0; i < 2; i++) {
		struct stat mine, other;

		if (spoil) {
			sure(unlink(name_in(i, "b")));
			write_file(name_in(i, "b"), O_CREAT, "");
		}
		write_file(name_in(i, "b"), O_TRUNC, "ONE TWO");
		memset(text, 0, sizeof(text));
		expect_eq(read(fds[i][0], text, sizeof(text) - 1), 3, "bytes, %d", i);
		expect(!strcmp(text, "TWO"), "a write by the other name: %s", text);
		expect_eq(pwrite(fds[i][0], "one", 3, 0), 3, "write, %d", i);
		read_file(name_in(i, "b"), text, sizeof(text));
		expect(!strcmp(text, "one TWO"), "read by the other name: %s", text);
		sure(fstat(fds[i][1], &mine));
		sure(stat(name_in(i, "b"), &other));
		expect_eq(mine.st_ino, other.st_ino, "inode, %d", i);
		expect_eq(mine.st_nlink, 1, "links, %d", i);
		expect_errno(open(name_in(i, "a"), O_RDONLY), ENOENT, "the first name");
		sure(unlink(name_in(i, "b")));
	}
	sure(rmdir(machine));
	return payload_end();
}
