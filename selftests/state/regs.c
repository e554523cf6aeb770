// SPDX-License-Identifier: GPL-2.0
/*
 * Registers: general and vector registers, x87 stack and control words, flags,
 * fs and gs base, of threads that never leave user mode while they are
 * checkpointed, and of one that is in a system call.
 */
#include "payload.h"
#include <asm/prctl.h>
#include <cpuid.h>
#include <pthread.h>

struct spin {
	/* Offsets are used below. */
	uint64_t stop;			/* 0 */
	uint64_t rounds;		/* 8 */
	uint64_t vector_in[16][8] __attribute__((aligned(64)));
	uint64_t vector_out[16][8];	/* 1088 */
	uint64_t gpr_out[13];		/* 2112 */
	uint64_t flags_out;		/* 2216 */
};

static bool has_avx, has_avx512;

#define PATTERN(n)	(0x0101010101010101UL * ((n) + 0x11))

#define EACH_VECTOR(op)	op(0) op(1) op(2) op(3) op(4) op(5) op(6) op(7) op(8) \
			op(9) op(10) op(11) op(12) op(13) op(14) op(15)
#define LOAD_XMM(n)	"movdqu 64+64*" #n "(%%rdi), %%xmm" #n "\n"
#define STORE_XMM(n)	"movdqu %%xmm" #n ", 1088+64*" #n "(%%rdi)\n"
#define LOAD_YMM(n)	"vmovdqu 64+64*" #n "(%%rdi), %%ymm" #n "\n"
#define STORE_YMM(n)	"vmovdqu %%ymm" #n ", 1088+64*" #n "(%%rdi)\n"
#define LOAD_ZMM(n)	"vmovdqu64 64+64*" #n "(%%rdi), %%zmm" #n "\n"
#define STORE_ZMM(n)	"vmovdqu64 %%zmm" #n ", 1088+64*" #n "(%%rdi)\n"

/*
 * rdi is the structure; all others have a pattern. The direction flag is set
 * while it spins.
 */
#define SPIN(load, store)							\
	asm volatile(load							\
		     "lea -128(%%rsp), %%rsp\n"				\
		     "push %%rbp\n"						\
		     "push %%rbx\n"						\
		     "mov %[base], %%rax\n"					\
		     "lea (%%rax,%%rax), %%rbx\n"				\
		     "lea (%%rax,%%rbx), %%rcx\n"				\
		     "lea (%%rax,%%rcx), %%rdx\n"				\
		     "lea (%%rax,%%rdx), %%rsi\n"				\
		     "lea (%%rax,%%rsi), %%rbp\n"				\
		     "lea (%%rax,%%rbp), %%r8\n"				\
		     "lea (%%rax,%%r8), %%r9\n"					\
		     "lea (%%rax,%%r9), %%r10\n"				\
		     "lea (%%rax,%%r10), %%r11\n"				\
		     "lea (%%rax,%%r11), %%r12\n"				\
		     "lea (%%rax,%%r12), %%r13\n"				\
		     "lea (%%rax,%%r13), %%r14\n"				\
		     "mov $1, %%r15\n"						\
		     "std\n"							\
		     "1: incq 8(%%rdi)\n"					\
		     "cmpq $0, (%%rdi)\n"					\
		     "je 1b\n"							\
		     "pushfq\n"							\
		     "cld\n"							\
		     "popq 2216(%%rdi)\n"					\
		     "mov %%rax, 2112(%%rdi)\n"					\
		     "mov %%rbx, 2120(%%rdi)\n"					\
		     "mov %%rcx, 2128(%%rdi)\n"					\
		     "mov %%rdx, 2136(%%rdi)\n"					\
		     "mov %%rsi, 2144(%%rdi)\n"					\
		     "mov %%rbp, 2152(%%rdi)\n"					\
		     "mov %%r8, 2160(%%rdi)\n"					\
		     "mov %%r9, 2168(%%rdi)\n"					\
		     "mov %%r10, 2176(%%rdi)\n"					\
		     "mov %%r11, 2184(%%rdi)\n"					\
		     "mov %%r12, 2192(%%rdi)\n"					\
		     "mov %%r13, 2200(%%rdi)\n"					\
		     "mov %%r14, 2208(%%rdi)\n"					\
		     "pop %%rbx\n"						\
		     "pop %%rbp\n"						\
		     "lea 128(%%rsp), %%rsp\n"					\
		     store							\
		     : : "D"(s), [base] "m"(base)				\
		     : "memory", "cc", "rax", "rcx", "rdx", "rsi", "r8", "r9", "r10", \
		       "r11", "r12", "r13", "r14", "r15", "xmm0", "xmm1", "xmm2", "xmm3", \
		       "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", \
		       "xmm12", "xmm13", "xmm14", "xmm15")

static uint64_t base = 0x0123456789abcdUL;

__attribute__((target("avx512f"))) static void spin_zmm(struct spin *s)
{
	SPIN(EACH_VECTOR(LOAD_ZMM), EACH_VECTOR(STORE_ZMM));
}

__attribute__((target("avx"))) static void spin_ymm(struct spin *s)
{
	SPIN(EACH_VECTOR(LOAD_YMM), EACH_VECTOR(STORE_YMM));
}

static void spin_xmm(struct spin *s)
{
	SPIN(EACH_VECTOR(LOAD_XMM), EACH_VECTOR(STORE_XMM));
}

static void *spinner(void *arg)
{
	struct spin *s = arg;
	uint32_t mxcsr = 0x7f80, mxcsr_out = 0;
	uint16_t control = 0x0c7f, control_out = 0;
	unsigned long area[4] = { PATTERN(1), PATTERN(2), PATTERN(3), PATTERN(4) };
	unsigned long gs0 = 0, gs_base = 0, fs_base = 0, fs_base_out = 0;
	double pi = 3.25, e = 2.5, pi_out = 0, e_out = 0;

	sure(syscall(SYS_arch_prctl, ARCH_SET_GS, area));
	sure(syscall(SYS_arch_prctl, ARCH_GET_FS, &fs_base));
	asm volatile("ldmxcsr %0\n fldcw %1\n fldl %2\n fldl %3"
		     : : "m"(mxcsr), "m"(control), "m"(pi), "m"(e));
	if (has_avx512)
		spin_zmm(s);
	else if (has_avx)
		spin_ymm(s);
	else
		spin_xmm(s);
	asm volatile("fstpl %0\n fstpl %1\n fnstcw %2\n stmxcsr %3"
		     : "=m"(e_out), "=m"(pi_out), "=m"(control_out), "=m"(mxcsr_out));
	asm volatile("mov %%gs:8, %0" : "=r"(gs0));
	mxcsr = 0x1f80;
	asm volatile("fninit\n ldmxcsr %0" : : "m"(mxcsr));

	expect_eq(gs0, PATTERN(2), "memory at the gs base");
	syscall(SYS_arch_prctl, ARCH_GET_GS, &gs_base);
	expect_eq(gs_base, area, "gs base");
	syscall(SYS_arch_prctl, ARCH_GET_FS, &fs_base_out);
	expect_eq(fs_base_out, fs_base, "fs base");
	expect(pi_out == pi && e_out == e, "x87 stack");
	expect_eq(control_out, control, "x87 control word");
	expect_eq(mxcsr_out & ~0x3f, 0x7f80, "MXCSR");
	return NULL;
}

static void check(struct spin *s, const char *name)
{
	int width = has_avx512 ? 8 : has_avx ? 4 : 2, wrong = 0;

	for (int n = 0; n < 13; n++)
		expect_eq(s->gpr_out[n], base * (n + 1), "%s: general register %d", name, n);
	for (int n = 0; n < 16; n++)
		for (int i = 0; i < width; i++)
			wrong += s->vector_out[n][i] != s->vector_in[n][i];
	expect_eq(wrong, 0, "%s: words of 16 vector registers of %d", name, width);
	expect_eq(s->flags_out & 0x400, 0x400, "%s: direction flag", name);
}

/* The callee-saved registers and the vector registers survive a system call. */
static void sleeper(void)
{
	uint64_t in[4] = { PATTERN(70), PATTERN(71), PATTERN(72), PATTERN(73) }, out[4] = { 0 };
	struct timespec ts = timespec_of(300 * MS);
	long ret;

	asm volatile("movdqu (%[in]), %%xmm8\n movdqu 16(%[in]), %%xmm15\n"
		     "mov %[nr], %%rax\n mov %[ts], %%rdi\n xor %%esi, %%esi\n syscall\n"
		     "movdqu %%xmm8, (%[out])\n movdqu %%xmm15, 16(%[out])\n"
		     : "=&a"(ret)
		     : [in] "r"(in), [out] "r"(out), [ts] "r"(&ts), [nr] "i"(SYS_nanosleep)
		     : "memory", "rdi", "rsi", "rcx", "r11", "xmm8", "xmm15");
	if (ret)
		expect(false, "nanosleep: %ld", ret);
	if (memcmp(in, out, sizeof(in)))
		expect(false, "vector registers after a system call");
}

static int go;

static void *sleepers(void *unused)
{
	while (!__atomic_load_n(&go, __ATOMIC_SEQ_CST))
		sleeper();
	return unused;
}

int main(int argc, char **argv)
{
	static struct spin spins[3];
	unsigned int a, b, c, d, lo, hi;
	pthread_t threads[3], asleep;

	payload_begin(argc, argv);
	if (__get_cpuid(1, &a, &b, &c, &d) && c & bit_OSXSAVE) {
		asm("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
		has_avx = c & bit_AVX && (lo & 6) == 6;
		has_avx512 = __get_cpuid_count(7, 0, &a, &b, &c, &d) && b & bit_AVX512F &&
			     (lo & 0xe6) == 0xe6;
	}
	for (int t = 0; t < 3; t++) {
		for (int n = 0; n < 16; n++)
			for (int i = 0; i < 8; i++)
				spins[t].vector_in[n][i] = PATTERN(n + 16 * i) ^ t;
		sure(pthread_create(&threads[t], NULL, spinner, &spins[t]) ? -1 : 0);
	}
	sure(pthread_create(&asleep, NULL, sleepers, NULL) ? -1 : 0);
	for (int t = 0; t < 3; t++)
		while (!__atomic_load_n(&spins[t].rounds, __ATOMIC_SEQ_CST))
			sleep_ms(5);

	if (pause_here())
		spins[1].vector_in[3][1]++;
	__atomic_store_n(&go, 1, __ATOMIC_SEQ_CST);
	for (int t = 0; t < 3; t++)
		__atomic_store_n(&spins[t].stop, 1, __ATOMIC_SEQ_CST);
	for (int t = 0; t < 3; t++) {
		char name[20];

		pthread_join(threads[t], NULL);
		snprintf(name, sizeof(name), "thread %d", t);
		check(&spins[t], name);
	}
	pthread_join(asleep, NULL);
	return payload_end();
}
