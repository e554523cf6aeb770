// SPDX-License-Identifier: GPL-2.0
/* Tasks that use what a processor can do and is not supported, or need not be. */
#include "cases.h"
#include <elf.h>
#include <stddef.h>
#include <sys/io.h>
#include <sys/mount.h>
#include <sys/ptrace.h>

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

/* It sleeps in the pause(2) of 32-bit programs. */
static void make_32bit_call(void)
{
	long nr = 29;

	other = sure(fork());
	if (!other) {
		asm volatile("int $0x80" : "+a"(nr) : : "memory", "r8", "r9", "r10", "r11");
		_exit(1);
	}
	await_syscall(other, 29);
}

static void make_32bit(void)
{
	static const unsigned char code[] = { 0xeb, 0xfe };	/* jmp to itself */
	struct {
		Elf32_Ehdr header;
		Elf32_Phdr segment;
		unsigned char code[sizeof(code)];
	} image = {
		.header = {
			.e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS32, ELFDATA2LSB,
				     EV_CURRENT },
			.e_type = ET_EXEC, .e_machine = EM_386, .e_version = EV_CURRENT,
			.e_ehsize = sizeof(Elf32_Ehdr), .e_phentsize = sizeof(Elf32_Phdr), .e_phnum = 1,
		},
		.segment = { .p_type = PT_LOAD, .p_vaddr = 0x10000, .p_flags = PF_R | PF_X,
			     .p_filesz = sizeof(image), .p_memsz = sizeof(image), .p_align = PAGE },
	};
	char path[64], name[16] = "";
	int fd;

	image.header.e_phoff = offsetof(__typeof__(image), segment);
	image.header.e_entry = 0x10000 + offsetof(__typeof__(image), code);
	memcpy(image.code, code, sizeof(code));
	fd = sure(open(file_at("program"), O_CREAT | O_WRONLY | O_CLOEXEC, 0755));
	sure((int)write(fd, &image, sizeof(image)));
	close(fd);
	other = sure(fork());
	if (!other) {
		need(execl(file_at("program"), "program", NULL));
		_exit(1);
	}
	snprintf(path, sizeof(path), "/proc/%d/comm", other);
	while (read_file(path, name, sizeof(name)) > 0 && strcmp(name, "program\n"))
		sleep_ms(5);
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
	{ "32-bit", "is a 32-bit program", make_32bit, NULL },
	{ "32-bit-call", "sleeps in system call 29 of 32-bit programs", make_32bit_call, NULL },
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
