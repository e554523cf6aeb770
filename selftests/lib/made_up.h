/* SPDX-License-Identifier: GPL-2.0 */
/* Files whose contents the kernel makes up: of /proc, sysfs, cgroups. */
#ifndef MADE_UP_H
#define MADE_UP_H

#include "payload.h"
#include <poll.h>

/* Up to its end, or as much as there is room for. */
MAYBE_UNUSED static ssize_t read_all(int fd, char *text, size_t size)
{
	size_t len = 0;
	ssize_t n;

	while (len < size && (n = read(fd, text + len, size - len)) > 0)
		len += n;
	return len;
}

/* To its end. */
MAYBE_UNUSED static void read_it(int fd)
{
	char text[4096];

	while (read(fd, text, sizeof(text)) > 0)
		;
}

/* What is ready of it, of what is told of changes. */
MAYBE_UNUSED static int ready(int fd, int timeout)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLPRI };

	sure(poll(&poll_fd, 1, timeout));
	return poll_fd.revents;
}

#endif
