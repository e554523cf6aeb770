// SPDX-License-Identifier: GPL-2.0
/* Tasks that use what a processor can do and is not supported, or need not be. */
#include "cases.h"
#include "int80.h"
#include <sys/io.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>

#define ARCH_REQ_XCOMP_PERM_	0x1023
#define ARCH_ENABLE_TAGGED_ADDR_	0x4002
#define ARCH_SHSTK_LOCK_	0x5003
#define XFEATURE_XTILE_DATA_	18

/* asm/ptrace-abi.h, which <sys/ptrace.h> does not go with */
#define PTRACE_SYSEMU_		31
#define PTRACE_SINGLEBLOCK_	33

static pid_t other;

static void run_for_ever(void)
{
	for (;;)
		sleep_ms(10);
}

static void stop_child(void)
{
	int status;

	other = sure(fork());
	if (!other)
		run_for_ever();
	sure(ptrace(PTRACE_ATTACH, other, 0, 0));
	sure(waitpid(other, &status, 0));
}

/* The next branch is behind a system call that does not end. */
static void make_block_step(void)
{
	int status;

	other = sure(fork());
	if (!other) {
		for (;;)
			pause();
	}
	await_syscall(other, SYS_pause);
	sure(ptrace(PTRACE_ATTACH, other, 0, 0));
	sure(waitpid(other, &status, 0));
	need(ptrace(PTRACE_SINGLEBLOCK_, other, 0, 0));
	await_syscall(other, SYS_pause);
}

static void make_emulated(void)
{
	int status;

	stop_child();
	sure(ptrace(PTRACE_SYSEMU_, other, 0, 0));
	sure(waitpid(other, &status, 0));
}

/* It sleeps in the recvmmsg(2) of 32-bit programs, with a time-out. */
static void make_32bit_call(void)
{
	struct {
		struct message32_of_many many;
		uint32_t time[2];
	} *low = low_page();
	int pair[2];

	low->time[0] = 600;
	sure(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair));
	other = sure(fork());
	if (!other) {
		int80(CALL32_RECVMMSG, pair[0], low_address(&low->many), 1, 0, low_address(low->time));
		_exit(1);
	}
	await_syscall(other, CALL32_RECVMMSG);
}

static void make_iopl(void)
{
	sure(iopl(3));
}

static void make_ioperm(void)
{
	sure(ioperm(0x80, 1, 1));
}

/* Whoever has locked it off relies on that. */
static void make_shadow_stack(void)
{
	need(syscall(SYS_arch_prctl, ARCH_SHSTK_LOCK_, ~0UL));
}

static void make_amx(void)
{
	need(syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM_, XFEATURE_XTILE_DATA_));
}

static void make_tagged_addresses(void)
{
	need(syscall(SYS_arch_prctl, ARCH_ENABLE_TAGGED_ADDR_, 6));
}

/* Needs a processor that can share out its caches or memory bandwidth. */
static void make_resctrl(void)
{
	char pid[16];

	need(mount("resctrl", "/sys/fs/resctrl", "resctrl", 0, NULL));
	need(mkdir("/sys/fs/resctrl/container", 0755));
	snprintf(pid, sizeof(pid), "%d", getpid());
	write_file("/sys/fs/resctrl/container/tasks", 0, pid);
}

static const struct case_ cases[] = {
	{ "block-step", "from branch to branch", make_block_step, NULL },
	{ "emulated", "emulated", make_emulated, NULL },
	{ "resctrl", "is in a resource group", make_resctrl, NULL },
	{ "32-bit-call", "sleeps in system call 337 of 32-bit programs", make_32bit_call, NULL },
	{ "iopl", "privilege level", make_iopl, NULL },
	{ "ioperm", "port permissions", make_ioperm, NULL },
	{ "shadow-stack", "shadow stack", make_shadow_stack, NULL },
	{ "amx", "AMX", make_amx, NULL },
	{ "tagged-addresses", "linear address masking", make_tagged_addresses, NULL },
};

int main(int argc, char **argv)
{
	return run_cases(argc, argv, cases, ARRAY_SIZE(cases));
}
