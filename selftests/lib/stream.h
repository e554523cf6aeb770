/* SPDX-License-Identifier: GPL-2.0 */
/* Bytes of a stream that tell where in it they are. */
#ifndef STREAM_H
#define STREAM_H

#include "payload.h"

/* Whether these are the bytes from there on. */
MAYBE_UNUSED static bool is_right(const unsigned char *bytes, size_t from, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (bytes[i] != byte_at(from + i))
			return false;
	return true;
}

/* Whether so many bytes can be read, from the first on, and are right. */
MAYBE_UNUSED static bool drained(int fd, size_t len)
{
	static unsigned char bytes[65536];
	bool right = true;
	ssize_t n;

	for (size_t done = 0; done < len; done += n) {
		n = sure(read(fd, bytes, len - done < sizeof(bytes) ? len - done : sizeof(bytes)));
		if (!n)
			return false;
		right &= is_right(bytes, done, n);
	}
	return right;
}

/* Writes up to 1,000 bytes. */
MAYBE_UNUSED static void supply(int fd, size_t from, size_t len)
{
	unsigned char bytes[1000];

	for (size_t i = 0; i < len; i++)
		bytes[i] = byte_at(from + i);
	if (len)
		sure(write(fd, bytes, len));
}

#endif
