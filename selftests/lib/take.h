/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Receiving all that recvmsg(2) tells of a message. Before, the test defines TAKEN_FROM, the
 * type of a sender, and TAKEN_DATA and TAKEN_CONTROL, bytes of data and of control messages.
 */
#ifndef TAKE_H
#define TAKE_H

#include "payload.h"
#include <sys/socket.h>

struct taken {
	TAKEN_FROM from;
	unsigned char control[TAKEN_CONTROL], data[TAKEN_DATA];
	size_t control_len;
	ssize_t len;
	/* If there was none, why. */
	int flags;
};

static struct taken take(int fd, int flags)
{
	static struct taken taken;
	struct iovec iov = { taken.data, sizeof(taken.data) };
	struct msghdr msg = {
		.msg_name = &taken.from,
		.msg_namelen = sizeof(taken.from),
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = taken.control,
		.msg_controllen = sizeof(taken.control),
	};

	memset(&taken, 0, sizeof(taken));
	taken.len = recvmsg(fd, &msg, flags | MSG_DONTWAIT);
	taken.control_len = taken.len < 0 ? 0 : msg.msg_controllen;
	taken.flags = taken.len < 0 ? errno : msg.msg_flags;
	return taken;
}

/* As many as wait, at most @most. */
MAYBE_UNUSED static int take_all(int fd, struct taken *all, int most)
{
	int count = 0;

	while (count < most && (all[count] = take(fd, 0)).len >= 0)
		count++;
	return count;
}

#endif
