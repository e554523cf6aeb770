/* SPDX-License-Identifier: GPL-2.0 */
/* What files that tell of what happens to others (inotify, fanotify) have in common. */
#ifndef NOTIFY_H
#define NOTIFY_H

#include "payload.h"
#include <sys/ioctl.h>

/* The path of something in a directory that is watched, which has no other files of the test. */
MAYBE_UNUSED static const char *in(const char *dir, const char *name)
{
	static char path[4][600];
	static unsigned int turn;

	turn = (turn + 1) % 4;
	snprintf(path[turn], sizeof(path[turn]), "%s/%s", file_at(dir), name);
	return path[turn];
}

MAYBE_UNUSED static void create(const char *path)
{
	close(sure(open(path, O_CREAT | O_WRONLY, 0600)));
}

/* How many bytes there are to be read. */
MAYBE_UNUSED static int waiting(int fd)
{
	int bytes = -1;

	ioctl(fd, FIONREAD, &bytes);
	return bytes;
}

/* What /proc shows of it in lines that begin with @kind, but for the number of a mount. */
MAYBE_UNUSED static void watches_of(int fd, const char *kind, char *out, size_t size)
{
	char path[64], text[4096], *line;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	read_file(path, text, sizeof(text));
	*out = 0;
	for (line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
		if (!strncmp(line, kind, strlen(kind))) {
			/* A restart has a mount namespace of its own. */
			if (strstr(line, "mnt_id:"))
				line = strchr(strstr(line, "mnt_id:"), ' ');
			strncat(out, line, size - strlen(out) - 1);
			strncat(out, "\n", size - strlen(out) - 1);
		}
}

#endif
