// SPDX-License-Identifier: GPL-2.0
/* What else a processor keeps for a thread: segment registers, protection key rights, flags. */
#include "payload.h"
#include <cpuid.h>

#define USER_DS		0x2b
#define FLAG_TF		0x100
#define RIGHTS		0x55555550u

static int steps, gate[2];

static void step(int sig)
{
	(void)sig;
	steps++;
}

static bool has_pkru(void)
{
	unsigned int a, b, c, d;

	return __get_cpuid_count(7, 0, &a, &b, &c, &d) && c & 1 << 4;
}

static uint32_t read_rights(void)
{
	uint32_t rights, high;

	asm volatile("rdpkru" : "=a"(rights), "=d"(high) : "c"(0));
	return rights;
}

static void write_rights(uint32_t rights)
{
	asm volatile("wrpkru" : : "a"(rights), "c"(0), "d"(0));
}

static uint64_t flags(void)
{
	uint64_t now;

	asm volatile("pushfq\n popq %0" : "=r"(now));
	return now;
}

static void set_flags(uint64_t now)
{
	asm volatile("pushq %0\n popfq" : : "r"(now) : "cc", "memory");
}

/* Each instruction of a thread that traps itself is a signal, before and after. */
static int trapped(void *unused)
{
	int before;
	char byte;

	(void)unused;
	signal(SIGTRAP, step);
	tell("trapped");
	set_flags(flags() | FLAG_TF);
	(void)!read(gate[0], &byte, 1);
	before = steps;
	asm volatile("nop; nop; nop; nop");
	set_flags(flags() & ~FLAG_TF);
	expect(steps >= before + 4, "trap flag: %d instructions", steps - before);
	return 0;
}

int main(int argc, char **argv)
{
	unsigned short ds = 0, es = 0;
	pid_t pid;

	payload_begin(argc, argv);
	sure(pipe(gate));
	pid = child(trapped, NULL);
	await("trapped");
	await_syscall(pid, SYS_read);
	asm volatile("mov %0, %%ds\n mov %0, %%es" : : "r"(USER_DS));
	if (has_pkru())
		write_rights(RIGHTS);

	if (pause_here())
		asm volatile("mov %0, %%es" : : "r"(0));
	asm volatile("mov %%ds, %0\n mov %%es, %1" : "=r"(ds), "=r"(es));
	expect_eq(ds, USER_DS, "segment register ds");
	expect_eq(es, USER_DS, "segment register es");
	if (has_pkru())
		expect_eq(read_rights(), RIGHTS, "protection key rights");
	sure((int)write(gate[1], "", 1));
	reap(pid);
	return payload_end();
}
