/* SPDX-License-Identifier: GPL-2.0 */
/* System calls of 32-bit programs, which 64-bit ones can make as well. */
#ifndef INT80_H
#define INT80_H

#include "payload.h"

#define CALL32_NANOSLEEP	162
#define CALL32_MMAP2		192
#define CALL32_RT_SIGACTION	174
#define CALL32_SET_THREAD_AREA	243
#define CALL32_GET_THREAD_AREA	244
#define CALL32_EPOLL_WAIT	256
#define CALL32_SET_ROBUST_LIST	311

/* Addresses are below 4 GiB. Returns an error number below 0. */
MAYBE_UNUSED static long int80(int nr, uint32_t a, uint32_t b, uint32_t c, uint32_t d, uint32_t e)
{
	long ret;

	asm volatile("int $0x80" : "=a"(ret) : "a"(nr), "b"(a), "c"(b), "d"(c), "S"(d), "D"(e)
		     : "memory", "r8", "r9", "r10", "r11");
	return (int)ret;
}

/* Memory for their arguments. */
MAYBE_UNUSED static void *low_page(void)
{
	return map_anon(PAGE, MAP_PRIVATE | MAP_32BIT);
}

MAYBE_UNUSED static uint32_t low_address(const void *at)
{
	return (uint32_t)(unsigned long)at;
}

#endif
