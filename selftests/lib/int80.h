/* SPDX-License-Identifier: GPL-2.0 */
/* System calls of 32-bit programs, which 64-bit ones can make as well. */
#ifndef INT80_H
#define INT80_H

#include "payload.h"

#define CALL32_READ		3
#define CALL32_WRITE		4
#define CALL32_SOCKETCALL	102
#define CALL32_IPC		117
#define CALL32_WRITEV		146
#define CALL32_NANOSLEEP	162
#define CALL32_RT_SIGACTION	174
#define CALL32_RT_SIGTIMEDWAIT	177
#define CALL32_RT_SIGSUSPEND	179
#define CALL32_MMAP2		192
#define CALL32_FCNTL64		221
#define CALL32_SET_THREAD_AREA	243
#define CALL32_GET_THREAD_AREA	244
#define CALL32_IO_GETEVENTS	247
#define CALL32_EPOLL_WAIT	256
#define CALL32_MQ_TIMEDRECEIVE	280
#define CALL32_SET_ROBUST_LIST	311
#define CALL32_EPOLL_PWAIT	319
#define CALL32_RECVMMSG		337
#define CALL32_SENDMMSG		345
#define CALL32_CONNECT		362
#define CALL32_ACCEPT4		364
#define CALL32_SENDMSG		370
#define CALL32_RECVFROM		371
#define CALL32_RECVMSG		372
#define CALL32_MQ_TIMEDRECEIVE_TIME64	419
#define CALL32_SEMTIMEDOP_TIME64	420
#define CALL32_RT_SIGTIMEDWAIT_TIME64	421
#define CALL32_EPOLL_PWAIT2	441

/* socketcall(2) and ipc(2) */
#define SOCKETCALL_ACCEPT	5
#define SOCKETCALL_SEND		9
#define SOCKETCALL_RECV		10
#define SOCKETCALL_RECVMMSG	19
#define IPC_SEMOP		1
#define IPC_SEMTIMEDOP		4
#define IPC_MSGRCV		12

struct iovec32 {
	uint32_t base, len;
};

struct message32 {
	uint32_t name, name_len, iov, iov_len, control, control_len, flags;
};

struct message32_of_many {
	struct message32 head;
	uint32_t len;
};

/* Addresses are below 4 GiB. Returns an error number below 0. */
MAYBE_UNUSED static long int80_6(int nr, uint32_t a, uint32_t b, uint32_t c, uint32_t d, uint32_t e,
				 uint64_t f)
{
	register uint64_t sixth asm("r12") = f;
	long ret;

	/* What it is exchanged with is not on the stack, which may be used below its pointer. */
	asm volatile("xchg %%rbp, %%r12; int $0x80; xchg %%rbp, %%r12"
		     : "=a"(ret), "+r"(sixth) : "a"(nr), "b"(a), "c"(b), "d"(c), "S"(d), "D"(e)
		     : "memory", "r8", "r9", "r10", "r11");
	return (int)ret;
}

MAYBE_UNUSED static long int80(int nr, uint32_t a, uint32_t b, uint32_t c, uint32_t d, uint32_t e)
{
	return int80_6(nr, a, b, c, d, e, 0);
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
