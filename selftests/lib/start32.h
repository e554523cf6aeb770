/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a 32-bit payload needs that has no library: where it begins, system calls,
 * and the ways of payload.h to talk to the test.
 */
#ifndef START32_H
#define START32_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MAYBE_UNUSED	__attribute__((unused))
#define PAGE		4096

enum {
	CALL_EXIT = 1, CALL_FORK = 2, CALL_READ = 3, CALL_WRITE = 4, CALL_OPEN = 5, CALL_CLOSE = 6,
	CALL_WAITPID = 7, CALL_GETPID = 20, CALL_PAUSE = 29, CALL_ACCESS = 33, CALL_KILL = 37,
	CALL_RENAME = 38, CALL_PIPE = 42, CALL_BRK = 45, CALL_SIGSUSPEND = 72, CALL_MUNMAP = 91,
	CALL_SOCKETCALL = 102, CALL_IPC = 117, CALL_CLONE = 120, CALL_SELECT = 142,
	CALL_NANOSLEEP = 162, CALL_POLL = 168, CALL_SIGACTION = 174, CALL_SIGPROCMASK = 175,
	CALL_MMAP2 = 192, CALL_GETTID = 224, CALL_FUTEX = 240, CALL_SET_THREAD_AREA = 243,
	CALL_GET_THREAD_AREA = 244, CALL_CLOCK_GETTIME = 265, CALL_PPOLL = 309,
	CALL_PPOLL_TIME64 = 414,
};

#define EINTR		4
#define ENOMEM		12
#define SIGUSR1		10
#define SIGCHLD		17
#define O_WRONLY	1
#define O_CREAT		0100
#define O_TRUNC		01000
#define O_APPEND	02000
#define RIGHTS		3	/* PROT_READ | PROT_WRITE */
#define MAP_SHARED	0x1
#define MAP_PRIVATE	0x2
#define MAP_FIXED	0x10
#define MAP_ANONYMOUS	0x20

struct time32 {
	int32_t sec, nsec;
};

static const char *payload_dir;
static int payload_failed;
/* __kernel_vsyscall(), by which a processor enters the kernel faster: AT_SYSINFO. */
static uint32_t vsyscall;

static int call5(int nr, uint32_t a, uint32_t b, uint32_t c, uint32_t d, uint32_t e)
{
	int ret;

	asm volatile("int $0x80" : "=a"(ret) : "a"(nr), "b"(a), "c"(b), "d"(c), "S"(d), "D"(e)
		     : "memory");
	return ret;
}

#define call_1(nr, a)			call5(nr, (uint32_t)(a), 0, 0, 0, 0)
#define call_2(nr, a, b)		call5(nr, (uint32_t)(a), (uint32_t)(b), 0, 0, 0)
#define call_3(nr, a, b, c)		call5(nr, (uint32_t)(a), (uint32_t)(b), (uint32_t)(c), 0, 0)

/* mmap2(2) at offset 0 has six arguments, the last of which is 0 in a frame without one. */
static uint32_t map(uint32_t at, uint32_t len, int flags)
{
	uint32_t ret;

	asm volatile("push %%ebp; xor %%ebp, %%ebp; int $0x80; pop %%ebp" : "=a"(ret)
		     : "a"(CALL_MMAP2), "b"(at), "c"(len), "d"(RIGHTS), "S"(flags), "D"(-1)
		     : "memory");
	return ret;
}

/* By the vDSO. */
MAYBE_UNUSED static int fast3(int nr, uint32_t a, uint32_t b, uint32_t c)
{
	int ret;

	asm volatile("call *%5" : "=a"(ret) : "a"(nr), "b"(a), "c"(b), "d"(c), "m"(vsyscall)
		     : "memory");
	return ret;
}

/* The compiler may want these. */
void *memset(void *to, int byte, size_t len);
void *memcpy(void *to, const void *from, size_t len);

void *memset(void *to, int byte, size_t len)
{
	void *at = to;

	asm volatile("rep stosb" : "+D"(at), "+c"(len) : "a"(byte) : "memory");
	return to;
}

void *memcpy(void *to, const void *from, size_t len)
{
	void *at = to;

	asm volatile("rep movsb" : "+D"(at), "+S"(from), "+c"(len) : : "memory");
	return to;
}

static uint32_t length(const char *text)
{
	uint32_t len = 0;

	while (text[len])
		len++;
	return len;
}

/* Adds a text to what is at @to; returns where it ends. */
static char *add(char *to, const char *text)
{
	memcpy(to, text, length(text) + 1);
	return to + length(text);
}

static char *add_number(char *to, uint32_t number)
{
	char digits[12], *at = digits + sizeof(digits) - 1;

	*at = 0;
	do
		*--at = '0' + number % 10;
	while (number /= 10);
	return add(to, at);
}

static const char *file_at(const char *name)
{
	static char path[2][300];
	static unsigned int turn;
	char *to = path[++turn % 2];

	add(add(add(to, payload_dir), "/"), name);
	return to;
}

static void write_file(const char *name, int flags, const char *text)
{
	int fd = call_3(CALL_OPEN, file_at(name), O_WRONLY | O_CREAT | flags, 0666);

	if (fd < 0 || call_3(CALL_WRITE, fd, text, length(text)) != (int)length(text))
		call_1(CALL_EXIT, 100);
	call_1(CALL_CLOSE, fd);
}

/* Says whether @got is as @wanted. */
static void expect_eq(uint32_t got, uint32_t wanted, const char *what)
{
	char line[200], *end = add(add(line, got == wanted ? "ok " : "not ok "), what);

	if (got != wanted) {
		end = add_number(add(end, ": "), got);
		end = add_number(add(end, ", wanted "), wanted);
		payload_failed = 1;
	}
	add(end, "\n");
	write_file("result", O_APPEND, line);
}

/* A call of the set-up. */
static int sure(int ret, const char *what)
{
	if (ret < 0 && ret > -4096) {
		expect_eq(ret, 0, what);
		call_1(CALL_EXIT, 100);
	}
	return ret;
}

static void sleep_ms(int ms)
{
	struct time32 time = { ms / 1000, ms % 1000 * 1000000 };

	call_2(CALL_NANOSLEEP, &time, 0);
}

static int64_t now_ms(void)
{
	struct time32 now;

	call_2(CALL_CLOCK_GETTIME, 1, &now);
	return (int64_t)now.sec * 1000 + now.nsec / 1000000;
}

/* Waits until a task sleeps. */
static void await_sleep(int pid)
{
	char path[64], text[64];
	int fd, n, at;

	do {
		sleep_ms(20);
		add(add_number(add(path, "/proc/"), pid), "/stat");
		fd = call_3(CALL_OPEN, path, 0, 0);
		n = call_3(CALL_READ, fd, text, sizeof(text));
		call_1(CALL_CLOSE, fd);
		for (at = 0; at < n && text[at] != ')'; at++)
			;
	} while (at + 2 >= n || text[at + 2] != 'S');
}

/* This must be saved and restored; true if the state is to be spoiled. */
static bool pause_here(void)
{
	write_file("ready.new", O_TRUNC, "save");
	call_2(CALL_RENAME, file_at("ready.new"), file_at("ready"));
	while (call_2(CALL_ACCESS, file_at("go"), 0))
		sleep_ms(50);
	return !call_2(CALL_ACCESS, file_at("spoil"), 0);
}

static void payload(void);

MAYBE_UNUSED static void begin(uint32_t *stack)
{
	char **argv = (char **)(stack + 1);
	uint32_t *at = stack + 1 + stack[0] + 1;

	payload_dir = argv[1];
	while (*at++)
		;
	for (; at[0]; at += 2)
		if (at[0] == 32)
			vsyscall = at[1];
	payload();
	write_file("result", O_APPEND, payload_failed ? "end 1\n" : "end 0\n");
	/* All threads. */
	call_1(252, payload_failed);
}

asm(".globl _start; _start: mov %esp, %eax; and $-16, %esp; sub $12, %esp; push %eax; call start32");
MAYBE_UNUSED __attribute__((noreturn, used)) void start32(uint32_t *stack);

void start32(uint32_t *stack)
{
	begin(stack);
	for (;;)
		;
}

#endif
