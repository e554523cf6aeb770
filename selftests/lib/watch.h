/* SPDX-License-Identifier: GPL-2.0 */
/* A file that an epoll instance watches, and nothing else. */
#ifndef WATCH_H
#define WATCH_H

#include "payload.h"
#include <sys/epoll.h>

/* The instance. */
MAYBE_UNUSED static int watch(int fd, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.fd = fd };
	int epoll = sure(epoll_create1(0));

	sure(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event));
	return epoll;
}

/* Whether it has something to tell, without waiting. */
MAYBE_UNUSED static int next(int epoll)
{
	struct epoll_event event;

	return epoll_wait(epoll, &event, 1, 0);
}

#endif
