// SPDX-License-Identifier: GPL-2.0
/*
 * A 32-bit program, with nothing of 64 bits in it: processes that sleep in system calls, or run.
 * It is built without a library: see the Makefile.
 */
#include "start32.h"

#define LEFT_MS		24000	/* how long who sleeps for a time does */
#define TLS_ENTRY	12	/* the first one of a thread */

struct user_desc32 {
	uint32_t entry, base, limit, flags;
};

/* What processes share. */
static struct shared {
	volatile uint32_t go, running, word, reg[8], tls_of_thread, thread_done;
	volatile double fp;
} *shared;

static int pipes[3][2], sockets[2];
static volatile uint32_t nr_signals;

static void segment(uint32_t *word)
{
	struct user_desc32 desc = { -1, (uint32_t)word, 0xfffff, 0x51 };

	sure(call_1(CALL_SET_THREAD_AREA, &desc), "set_thread_area");
	asm volatile("mov %w0, %%gs" : : "r"(desc.entry * 8 + 3));
}

static uint32_t by_segment(void)
{
	uint32_t word;

	asm volatile("mov %%gs:0, %0" : "=r"(word));
	return word;
}

static void on_signal(int signal)
{
	nr_signals += signal == SIGUSR1;
}

static void handle(void)
{
	/* handler, flags, restorer, mask */
	uint32_t action[5] = { (uint32_t)on_signal };

	sure(call5(CALL_SIGACTION, SIGUSR1, (uint32_t)action, 0, 8, 0), "sigaction");
}

static int64_t began;

/* How a sleep with a time-out has ended: it must not be too short. */
static int slept(int ret)
{
	return ret ? 1 : now_ms() - began < LEFT_MS ? 2 : 0;
}

static int in_nanosleep(void)
{
	struct time32 time = { LEFT_MS / 1000, LEFT_MS % 1000 * 1000000 }, left[2] = { { 7, 7 }, { 7, 7 } };

	/* The time left is written when it goes on once more, and nothing behind it. */
	return slept(call_2(CALL_NANOSLEEP, &time, left)) || left[1].sec != 7 || left[1].nsec != 7;
}

static int in_poll(void)
{
	return slept(call_3(CALL_POLL, 0, 0, LEFT_MS));
}

static int in_ppoll(void)
{
	struct time32 time = { LEFT_MS / 1000, LEFT_MS % 1000 * 1000000 };

	return slept(call5(CALL_PPOLL, 0, 0, (uint32_t)&time, 0, 8));
}

static int in_ppoll_64(void)
{
	int64_t time[2] = { LEFT_MS / 1000, LEFT_MS % 1000 * 1000000 };

	return slept(call5(CALL_PPOLL_TIME64, 0, 0, (uint32_t)time, 0, 8));
}

static int in_select(void)
{
	struct time32 time = { LEFT_MS / 1000, LEFT_MS % 1000 * 1000 };

	return slept(call5(CALL_SELECT, 0, 0, 0, 0, (uint32_t)&time));
}

static int in_futex_wait(void)
{
	struct time32 time = { LEFT_MS / 1000, LEFT_MS % 1000 * 1000000 };

	/* FUTEX_WAIT; it is not woken: ETIMEDOUT. */
	return slept(call5(CALL_FUTEX, (uint32_t)&shared->word, 0, 0, (uint32_t)&time, 0) + 110);
}

static int reads(int fd, int (*read)(int fd, char *text))
{
	char text[8] = "";

	return read(fd, text) != 4 || text[0] != 't' || text[3] != 't';
}

static int read_by_int80(int fd, char *text)
{
	return call_3(CALL_READ, fd, text, 8);
}

static int read_by_vdso(int fd, char *text)
{
	return fast3(CALL_READ, fd, (uint32_t)text, 8);
}

static int read_by_socketcall(int fd, char *text)
{
	uint32_t args[4] = { fd, (uint32_t)text, 8 };

	return call_2(CALL_SOCKETCALL, 10, args);
}

static int in_read(void)
{
	return reads(pipes[0][0], read_by_int80);
}

static int in_read_by_vdso(void)
{
	return reads(pipes[1][0], read_by_vdso);
}

static int in_recv(void)
{
	return reads(sockets[0], read_by_socketcall);
}

static int in_pause(void)
{
	handle();
	return call_1(CALL_PAUSE, 0) != -EINTR || nr_signals != 1;
}

static int in_sigsuspend(void)
{
	uint32_t mask[2] = { 1 << (SIGUSR1 - 1) };

	handle();
	call5(CALL_SIGPROCMASK, 0, (uint32_t)mask, 0, 8, 0);
	return call_3(CALL_SIGSUSPEND, 0, 0, 0) != -EINTR || nr_signals != 1;
}

static int in_waitpid(void)
{
	int pid = sure(call_1(CALL_FORK, 0), "fork"), status = 0;

	if (!pid) {
		struct time32 time = { LEFT_MS / 1000, 0 };

		call_2(CALL_NANOSLEEP, &time, 0);
		call_1(CALL_EXIT, 42);
	}
	return call_3(CALL_WAITPID, pid, &status, 0) != pid || status != 42 << 8;
}

static int running(void)
{
	uint32_t old;

	shared->fp = 1.5;
	asm volatile("push %%ebp; push %%ebx\n"
		     "fldl %c[fp](%%eax); mov $0x11111111, %%ebx; mov $0x22222222, %%ecx\n"
		     "mov $0x33333333, %%edx; mov $0x44444444, %%esi; mov $0x55555555, %%edi\n"
		     "mov $0x66666666, %%ebp; movd %%edx, %%xmm3; movl $1, %c[running](%%eax)\n"
		     "1: pause; cmpl $0, %c[go](%%eax); je 1b\n"
		     "mov %%ebx, %c[reg](%%eax); mov %%ecx, %c[reg]+4(%%eax)\n"
		     "mov %%edx, %c[reg]+8(%%eax); mov %%esi, %c[reg]+12(%%eax)\n"
		     "mov %%edi, %c[reg]+16(%%eax); mov %%ebp, %c[reg]+20(%%eax)\n"
		     "movd %%xmm3, %c[reg]+24(%%eax); fstpl %c[fp](%%eax)\n"
		     "mov %%cs, %%ebx; mov %%ebx, %c[reg]+28(%%eax)\n"
		     "pop %%ebx; pop %%ebp" : "=a"(old)
		     : "a"(shared), [go]"i"(offsetof(struct shared, go)),
		       [running]"i"(offsetof(struct shared, running)),
		       [reg]"i"(offsetof(struct shared, reg)), [fp]"i"(offsetof(struct shared, fp))
		     : "memory", "ecx", "edx", "esi", "edi");
	return 0;
}

static const struct {
	const char *what;
	int (*sleeps)(void);
	bool signalled;
} kinds[] = {
	{ "nanosleep(2) goes on", in_nanosleep, false },
	{ "poll(2) goes on", in_poll, false },
	{ "ppoll(2) with a short time goes on", in_ppoll, false },
	{ "ppoll(2) with a long time goes on", in_ppoll_64, false },
	{ "select(2) goes on", in_select, false },
	{ "futex(2) with a time-out goes on", in_futex_wait, false },
	{ "read(2) by int 0x80", in_read, false },
	{ "read(2) by the vDSO", in_read_by_vdso, false },
	{ "recv(2) by socketcall(2)", in_recv, false },
	{ "signal to who sleeps in pause(2)", in_pause, true },
	{ "signal to who sleeps in sigsuspend(2)", in_sigsuspend, true },
	{ "waitpid(2)", in_waitpid, false },
};

#define NR (sizeof(kinds) / sizeof(kinds[0]))

static int child(int (*function)(void))
{
	int pid = sure(call_1(CALL_FORK, 0), "fork");

	if (!pid) {
		began = now_ms();
		call_1(CALL_EXIT, function());
	}
	return pid;
}

static int reap(int pid)
{
	int status = -1;

	call_3(CALL_WAITPID, pid, &status, 0);
	return status;
}

/* A thread with a segment of its own, which waits for a futex. */
static void thread(void)
{
	static uint32_t word = 0x7e57;

	segment(&word);
	while (!shared->go)
		call5(CALL_FUTEX, (uint32_t)&shared->go, 0, 0, 0, 0);
	shared->tls_of_thread = by_segment();
	shared->thread_done = 1;
	for (;;)
		call_1(CALL_PAUSE, 0);
}

static void start_thread(void)
{
	uint32_t *stack = (uint32_t *)map(0, 16 * PAGE, MAP_PRIVATE | MAP_ANONYMOUS);
	int tid;

	stack += 16 * PAGE / 4 - 4;
	stack[0] = (uint32_t)thread;
	/* CLONE_VM, _FS, _FILES, _SIGHAND, _THREAD, _SYSVSEM */
	asm volatile("int $0x80; test %%eax, %%eax; jnz 1f; call *(%%esp); 1:" : "=a"(tid)
		     : "a"(CALL_CLONE), "b"(0x50f00), "c"(stack), "d"(0), "S"(0), "D"(0)
		     : "memory");
	await_sleep(sure(tid, "clone"));
}

static uint32_t next_address(void)
{
	uint32_t at = map(0, PAGE, MAP_PRIVATE | MAP_ANONYMOUS);

	call_2(CALL_MUNMAP, at, PAGE);
	return at;
}

static void look_at_registers(void)
{
	expect_eq(shared->reg[0], 0x11111111, "register ebx");
	expect_eq(shared->reg[1], 0x22222222, "register ecx");
	expect_eq(shared->reg[2], 0x33333333, "register edx");
	expect_eq(shared->reg[3], 0x44444444, "register esi");
	expect_eq(shared->reg[4], 0x55555555, "register edi");
	expect_eq(shared->reg[5], 0x66666666, "register ebp");
	expect_eq(shared->reg[6], 0x33333333, "register xmm3");
	expect_eq(shared->reg[7], 0x23, "register cs");
	expect_eq(shared->fp == 1.5, 1, "register st");
}

static void payload(void)
{
	static uint32_t word = 0x1d1e;
	uint32_t other = 0, next, heap, socketpair[4] = { 1, 1, 0, (uint32_t)sockets };
	int pid[NR], runner;

	shared = (struct shared *)map(0, PAGE, MAP_SHARED | MAP_ANONYMOUS);
	for (int i = 0; i < 3; i++)
		sure(call_1(CALL_PIPE, pipes[i]), "pipe");
	sure(call_2(CALL_SOCKETCALL, 8, socketpair), "socketpair");
	for (unsigned int i = 0; i < NR; i++) {
		pid[i] = child(kinds[i].sleeps);
		await_sleep(pid[i]);
	}
	runner = child(running);
	while (!shared->running)
		sleep_ms(20);
	start_thread();
	segment(&word);
	heap = call_1(CALL_BRK, 0);
	next = next_address();

	if (pause_here())
		segment(&other);

	expect_eq(by_segment(), 0x1d1e, "segment of the first thread");
	expect_eq(next_address(), next, "where mmap2(2) looks for free addresses");
	expect_eq(map(0xfffff000, PAGE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED), -ENOMEM,
		  "the last page below 4 GiB cannot be mapped");
	expect_eq(call_1(CALL_BRK, 0), heap, "heap");
	expect_eq(call_1(CALL_BRK, heap + 8 * PAGE), heap + 8 * PAGE, "heap grows");
	expect_eq(fast3(CALL_GETPID, 0, 0, 0), 1, "system call by the vDSO");

	shared->go = 1;
	call5(CALL_FUTEX, (uint32_t)&shared->go, 1, 1, 0, 0);
	call_3(CALL_WRITE, pipes[0][1], "test", 4);
	call_3(CALL_WRITE, pipes[1][1], "test", 4);
	call_3(CALL_WRITE, sockets[1], "test", 4);
	for (unsigned int i = 0; i < NR; i++) {
		if (kinds[i].signalled)
			call_2(CALL_KILL, pid[i], SIGUSR1);
		expect_eq(reap(pid[i]), 0, kinds[i].what);
	}
	expect_eq(reap(runner), 0, "who runs goes on");
	look_at_registers();
	while (!shared->thread_done)
		sleep_ms(20);
	expect_eq(shared->tls_of_thread, 0x7e57, "segment of another thread");
}
