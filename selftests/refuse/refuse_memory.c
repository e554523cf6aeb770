// SPDX-License-Identifier: GPL-2.0
/* Memory of kinds that are not supported, or need not be. */
#include "cases.h"
#include <linux/aio_abi.h>
#include <linux/mempolicy.h>
#include <linux/perf_event.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <setjmp.h>
#include <sys/auxv.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/shm.h>

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL	102
#endif

static char *memory;

/* A file that is in no directory, on a file system that is not mounted anywhere. */
static void make_hugetlb(void)
{
	int fs = sure((int)syscall(SYS_fsopen, "hugetlbfs", 0)), mount, file;

	write_file("/proc/sys/vm/nr_hugepages", 0, "24");
	sure(syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0));
	mount = sure((int)syscall(SYS_fsmount, fs, 0, 0));
	file = sure(openat(mount, ".", O_TMPFILE | O_RDWR, 0600));
	memory = sure(mmap(NULL, 2 << 20, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0));
	memory[0] = 1;
	sure(close(file));
	sure(close(mount));
	sure(close(fs));
}

static char short_file[] = "/dev/hugepages/short-XXXXXX";

static void remove_short(void)
{
	unlink(short_file);
}

/* To map it again would make it longer. */
static void make_hugetlb_short(void)
{
	int file;

	write_file("/proc/sys/vm/nr_hugepages", 0, "24");
	file = need(mkstemp(short_file));
	sure(atexit(remove_short));
	memory = sure(mmap(NULL, 4 << 20, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0));
	memory[0] = 1;
	sure(ftruncate(file, 2 << 20));
}

static void make_userfaultfd(void)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register range;
	int fd = sure((int)syscall(SYS_userfaultfd, 0));

	sure(ioctl(fd, UFFDIO_API, &api));
	memory = map_anon(16 * PAGE, MAP_PRIVATE);
	range = (struct uffdio_register){
		.range = { (uintptr_t)memory, 16 * PAGE },
		.mode = UFFDIO_REGISTER_MODE_MISSING,
	};
	sure(ioctl(fd, UFFDIO_REGISTER, &range));
}

static aio_context_t context;
static int aio_pipe[2];

static void make_aio(void)
{
	struct iocb request = { .aio_data = 5, .aio_lio_opcode = IOCB_CMD_POLL, .aio_buf = POLLIN };
	struct iocb *list = &request;

	sure(syscall(SYS_io_setup, 500, &context));
	sure(pipe(aio_pipe));
	request.aio_fildes = aio_pipe[0];
	sure(syscall(SYS_io_submit, context, 1, &list));
}

static void check_aio(void)
{
	struct io_event event = { 0 };

	sure(write(aio_pipe[1], "x", 1));
	expect_eq(syscall(SYS_io_getevents, context, 1, 1, &event, NULL), 1, "a request goes on");
	expect_eq(event.data, 5, "and is that one");
}

static void make_aio_part(void)
{
	sure(syscall(SYS_io_setup, 500, &context));
	sure(mprotect((char *)context + PAGE, PAGE, PROT_NONE));
}

static void make_aio_unmapped(void)
{
	sure(syscall(SYS_io_setup, 1, &context));
	sure(munmap((void *)context, PAGE));
}

static void make_perf(void)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.size = sizeof(attr),
		.config = PERF_COUNT_SW_CPU_CLOCK,
	};
	int fd = sure((int)syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0));

	memory = sure(mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
	close(fd);
}

static void make_secretmem(void)
{
	int fd = need((int)syscall(SYS_memfd_secret, 0));

	sure(ftruncate(fd, PAGE));
	memory = sure(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
	close(fd);
}

static void make_device(void)
{
	int fd = need(open("/dev/mem", O_RDONLY));

	memory = need(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0xf0000));
	close(fd);
}

static sigjmp_buf trap;

static void on_fault(int sig)
{
	siglongjmp(trap, sig);
}

static void make_guard(void)
{
	memory = map_anon(4 * PAGE, MAP_PRIVATE);
	memory[0] = 'g';
	need(madvise(memory + PAGE, PAGE, MADV_GUARD_INSTALL));
	/* It says that not all of it can be there. */
	expect_errno(mlock(memory, 4 * PAGE), ENOMEM, "mlock");
}

static void check_guard(void)
{
	signal(SIGSEGV, on_fault);
	expect_eq(memory[0], 'g', "content before a guard region");
	if (sigsetjmp(trap, 1)) {
		expect(true, "a guard region guards");
	} else {
		((volatile char *)memory)[PAGE] = 1;
		expect(false, "a guard region guards");
	}
}

static char policy_file[] = "/dev/shm/policy-XXXXXX";

static void remove_policy_file(void)
{
	unlink(policy_file);
}

/* It is one of the file, which has a name. */
static void make_policy(void)
{
	unsigned long nodes = 1;
	int file = sure(mkstemp(policy_file));

	sure(atexit(remove_policy_file));
	sure(ftruncate(file, PAGE));
	memory = sure(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0));
	need(syscall(SYS_mbind, memory, PAGE, MPOL_BIND, &nodes, 8, 0));
}

/* One of all files there. */
static void make_policy_mount(void)
{
	int file;

	sure(mkdir(file_at("mount"), 0700));
	need(mount("tmpfs", file_at("mount"), "tmpfs", 0, "mpol=bind:0"));
	file = sure(open(file_at("mount"), O_TMPFILE | O_RDWR, 0600));
	sure(write(file, "x", 1));
}

static void check_policy(void)
{
	int mode = -1;

	sure(syscall(SYS_get_mempolicy, &mode, NULL, 0, memory, MPOL_F_ADDR));
	expect_eq(mode, MPOL_BIND, "memory policy of a mapping");
}

static void make_policy_vdso(void)
{
	unsigned long nodes = 1;

	unsigned long size = PAGE;

	memory = (char *)getauxval(AT_SYSINFO_EHDR);
	/* All of it, or it would be split. */
	while (size < 8 * PAGE && syscall(SYS_mbind, memory, size, MPOL_BIND, &nodes, 8, 0))
		size += PAGE;
	need(size < 8 * PAGE ? 0 : -1);
}

static void make_name(void)
{
	memory = map_anon(PAGE, MAP_PRIVATE);
	need(prctl(PR_SET_VMA, PR_SET_VMA_ANON_NAME, memory, PAGE, "a name"));
}

static void check_name(void)
{
	static char maps[32768];

	read_file("/proc/self/maps", maps, sizeof(maps));
	expect(strstr(maps, "[anon:a name]"), "name of a mapping");
}

/* As programs do that change what ps shows of them. */
static void make_arguments(void)
{
	memory = map_anon(PAGE, MAP_PRIVATE);
	sure(prctl(PR_SET_MM, PR_SET_MM_ARG_START, memory, 0, 0));
}

static void check_arguments(void)
{
	expect_eq(memory[0], 0, "arguments that were moved");
}

static const struct case_ cases[] = {
	{ "hugetlb", "removed from a directory that is hidden, or outside", make_hugetlb, NULL },
	{ "hugetlb-short", "is longer than its file of huge pages", make_hugetlb_short, NULL },
	{ "userfaultfd", "userfault", make_userfaultfd, NULL },
	{ "aio", "io_submit.*in progress", make_aio, check_aio },
	{ "aio-part", "part of the ring", make_aio_part, NULL },
	{ "aio-unmapped", "ring was unmapped", make_aio_unmapped, NULL },
	{ "perf", "perf", make_perf, NULL },
	{ "secretmem", "secret", make_secretmem, NULL },
	{ "device", "device|/dev/mem", make_device, NULL },
	{ "guard", "guard regions .* locked", make_guard, check_guard },
	{ "policy", "has a NUMA policy", make_policy, NULL },
	{ "policy-mount", "has the NUMA policy of its mount", make_policy_mount, NULL },
	{ "policy-vdso", "has a NUMA policy", make_policy_vdso, check_policy },
	{ "name", "name", make_name, check_name },
	{ "arguments", "nothing", make_arguments, check_arguments },
};

int main(int argc, char **argv)
{
	return run_cases(argc, argv, cases, ARRAY_SIZE(cases));
}
