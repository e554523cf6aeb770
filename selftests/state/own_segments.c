// SPDX-License-Identifier: GPL-2.0
/*
 * Segments that a program makes: in its local descriptor table (modify_ldt(2)) and for each thread in
 * the global one (set_thread_area(2)); and threads of a 64-bit program that run 32-bit code in them.
 */
#include "int80.h"
#include <asm/ldt.h>
#include <pthread.h>

#define NR_LDT		700
#define USER32_CS	0x23
#define USER_DS		0x2b
#define USER_CS		0x33
#define TLS(n)		((12 + (n)) << 3 | 3)
#define LDT(n)		((n) << 3 | 7)

/* modify_ldt(2) */
#define READ_LDT	0
#define WRITE_LDT	0x11

enum { DATA = 1, CODE = 2, OTHER = 5, GROWS_DOWN = 6, GONE = 7 };

/* What a thread runs, below 4 GiB: it counts until it is to stop, and returns to 64-bit code. */
struct low {
	uint32_t count, stop;
	uint32_t far_offset, far_selector;
	uint64_t sp, back;
	uint16_t cs, ss;
	uint32_t word, handled;
	uint64_t unused;
};

extern const char blob[], blob_32[], blob_handler[], blob_return[], blob_64[], blob_end[];
asm(".pushsection .rodata\n"
    "blob:	.skip 56\n"
    ".code32\n"
    "blob_32:	leal 4080(%ebx), %esp\n"
    "1:		incl (%ebx)\n"
    "		movw %cs, 32(%ebx)\n"
    "		movw %ss, 34(%ebx)\n"
    "		cmpl $0, 4(%ebx)\n"
    "		je 1b\n"
    "		ljmp *8(%ebx)\n"
    "blob_handler:	call 1f\n"
    "1:		popl %eax\n"
    "		incl (blob + 40 - 1b)(%eax)\n"
    "		ret\n"
    "blob_return:	popl %eax\n"
    "		movl $119, %eax\n"
    "		int $0x80\n"
    ".code64\n"
    "blob_64:	movq blob + 16(%rip), %rsp\n"
    "		jmp *blob + 24(%rip)\n"
    "blob_end:\n"
    ".popsection");

struct runner {
	pthread_t thread;
	pid_t tid;
	struct low *low;
	unsigned int cs, ds;
	/* Where the segments begin. */
	unsigned long base;
	unsigned short ds_after;
};

static int gate[2];

static void run_32bit(struct runner *runner)
{
	unsigned long entry = (unsigned long)runner->low - runner->base + (blob_32 - blob);
	unsigned long cs = runner->cs, ds = runner->ds, data;

	data = (unsigned long)runner->low - runner->base;
	/* The red zone is passed over. A signal leaves the lower half of rbp, and of those below 4 GiB. */
	asm volatile("subq $128, %%rsp\n"
		     "pushq %%rbp\n"
		     "movq %%rsp, 16(%[low])\n"
		     "leaq 1f(%%rip), %%rax\n"
		     "movq %%rax, 24(%[low])\n"
		     "pushq %[cs]\n"
		     "pushq %[entry]\n"
		     "movl %k[ds], %%ds\n"
		     "movl %k[ds], %%ss\n"
		     "lretq\n"
		     "1: popq %%rbp\n"
		     "addq $128, %%rsp\n"
		     "movl %%ds, %k[ds]\n"
		     : "+b"(data), [ds] "+d"(ds)
		     : [low] "D"(runner->low), [cs] "c"(cs), [entry] "S"(entry)
		     : "rax", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "memory", "cc");
	runner->ds_after = ds;
}

static void *runner_main(void *arg)
{
	struct runner *runner = arg;

	runner->tid = gettid();
	run_32bit(runner);
	return NULL;
}

static void start(struct runner *runner)
{
	struct low *low = runner->low = low_page();

	memcpy(low, blob, blob_end - blob);
	sure(mprotect(low, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC));
	low->far_offset = (unsigned long)low + (blob_64 - blob);
	low->far_selector = USER_CS;
}

static void run(struct runner *runner)
{
	if (pthread_create(&runner->thread, NULL, runner_main, runner))
		_exit(100);
	while (!*(volatile uint32_t *)&runner->low->count)
		sleep_ms(1);
}

/* A handler of 32-bit code, which gets a frame of such programs. */
static void set_handler(const struct low *low)
{
	uint32_t *action = low_page();
	uint32_t code = low_address(low);

	action[0] = code + (blob_handler - blob);
	action[1] = 0x04000000;	/* SA_RESTORER */
	action[2] = code + (blob_return - blob);
	if (int80(CALL32_RT_SIGACTION, SIGUSR1, low_address(action), 0, 8, 0))
		_exit(100);
	munmap(action, PAGE);
}

static void expect_handled(struct runner *runner)
{
	volatile struct low *low = runner->low;

	sure((int)syscall(SYS_tgkill, getpid(), runner->tid, SIGUSR1));
	for (int tries = 0; !low->handled && tries < 1000; tries++)
		sleep_ms(5);
	expect_eq(low->handled, 1, "a signal handler of 32-bit code");
}

static void finish(struct runner *runner, const char *name)
{
	volatile struct low *low = runner->low;
	uint32_t before = low->count;

	low->cs = low->ss = 0;
	for (int tries = 0; low->count == before && tries < 1000; tries++)
		sleep_ms(5);
	sleep_ms(10);
	expect(low->count != before, "%s: it runs", name);
	expect_eq(low->cs, runner->cs, "%s: cs", name);
	expect_eq(low->ss, runner->ds, "%s: ss", name);
	low->stop = 1;
	pthread_join(runner->thread, NULL);
	expect_eq(runner->ds_after, runner->ds, "%s: ds", name);
}

static struct user_desc desc(unsigned int entry, unsigned long base, unsigned int contents)
{
	return (struct user_desc){ .entry_number = entry, .base_addr = base, .limit = PAGE - 1,
				   .seg_32bit = 1, .contents = contents };
}

static void write_ldt(struct user_desc made)
{
	sure((int)syscall(SYS_modify_ldt, WRITE_LDT, &made, sizeof(made)));
}

static long read_ldt(uint64_t *entries)
{
	return (int)syscall(SYS_modify_ldt, READ_LDT, entries, NR_LDT * 8);
}

static void make_ldt(unsigned long base)
{
	struct user_desc other = desc(OTHER, 0xfedc5678, MODIFY_LDT_CONTENTS_DATA);
	struct user_desc down = desc(GROWS_DOWN, 0, MODIFY_LDT_CONTENTS_STACK);
	struct user_desc gone = desc(NR_LDT - 1, 0, 0);

	write_ldt(desc(DATA, base, MODIFY_LDT_CONTENTS_DATA));
	write_ldt(desc(CODE, base, MODIFY_LDT_CONTENTS_CODE));
	other.limit = 0xabcde;
	other.limit_in_pages = other.useable = other.read_exec_only = 1;
	write_ldt(other);
	down.seg_32bit = 0;
	write_ldt(down);
	/* Code that conforms is not to be there. */
	other = desc(GONE, 1, 3);
	other.seg_not_present = 1;
	write_ldt(other);
	/* The last one has been, and is no more. */
	write_ldt(gone);
	gone.limit = gone.seg_32bit = 0;
	gone.read_exec_only = gone.seg_not_present = 1;
	write_ldt(gone);
}

static void set_tls(int n, unsigned long base)
{
	struct user_desc *made = low_page();

	*made = desc(12 + n, base, MODIFY_LDT_CONTENTS_DATA);
	made->useable = n & 1;
	if (int80(CALL32_SET_THREAD_AREA, low_address(made), 0, 0, 0, 0))
		_exit(100);
	munmap(made, PAGE);
}

static void expect_tls(const char *who, int n, unsigned long base)
{
	struct user_desc *found = low_page();

	found->entry_number = 12 + n;
	expect_eq(int80(CALL32_GET_THREAD_AREA, low_address(found), 0, 0, 0, 0), 0,
		  "%s: get_thread_area %d", who, n);
	expect_eq(found->base_addr, base, "%s: base of TLS segment %d", who, n);
	expect_eq(found->useable, n & 1, "%s: TLS segment %d is available", who, n);
	munmap(found, PAGE);
}

static uint32_t word_in_gs(void)
{
	uint32_t word;

	asm volatile("movl %%gs:36, %0" : "=r"(word));
	return word;
}

static void set_gs(unsigned int selector)
{
	asm volatile("movl %0, %%gs" : : "r"(selector));
}

static unsigned int get_gs(void)
{
	unsigned int selector;

	asm volatile("movl %%gs, %0" : "=r"(selector));
	return selector;
}

static void expect_gs(const char *who, unsigned int selector, uint32_t word)
{
	expect_eq(get_gs(), selector, "%s: gs", who);
	expect_eq(word_in_gs(), word, "%s: memory at gs", who);
	set_gs(0);
	set_gs(selector);
	expect_eq(word_in_gs(), word, "%s: memory at gs, when it is loaded again", who);
}

static void *with_tls(void *arg)
{
	struct low *low = low_page();
	char byte;

	(void)arg;
	low->word = 77;
	set_tls(0, (unsigned long)low);
	set_tls(2, 0xfffff000);
	set_gs(TLS(0));
	tell("tls");
	(void)!read(gate[0], &byte, 1);
	expect_gs("a thread with TLS segments", TLS(0), 77);
	expect_tls("a thread", 0, (unsigned long)low);
	expect_tls("a thread", 2, 0xfffff000);
	return NULL;
}

/* A child has a table of its own, that begins as a copy. */
static int with_copy(void *arg)
{
	uint64_t before[NR_LDT], after[NR_LDT];

	write_ldt(desc(OTHER, 0x1234, MODIFY_LDT_CONTENTS_DATA));
	expect_eq(read_ldt(before), sizeof(before), "table of a child");
	tell("copy");
	await_go();
	expect_eq(read_ldt(after), sizeof(after), "table of a child");
	expect(!memcmp(before, after, sizeof(before)), "entries in the table of a child");
	expect(memcmp(arg, after, sizeof(after)), "they are not its parent's");
	return 0;
}

int main(int argc, char **argv)
{
	static uint64_t before[NR_LDT], after[NR_LDT];
	struct runner plain = { .cs = USER32_CS, .ds = USER_DS };
	struct runner local = { .cs = LDT(CODE), .ds = LDT(DATA) };
	pthread_t tls;
	unsigned int es;
	pid_t pid;

	payload_begin(argc, argv);
	sure(pipe(gate));
	start(&plain);
	start(&local);
	local.base = (unsigned long)local.low;
	make_ldt(local.base);
	expect_eq(read_ldt(before), sizeof(before), "local descriptor table");
	pid = child(with_copy, before);
	await("copy");
	set_handler(plain.low);
	run(&plain);
	run(&local);
	set_tls(0, 0x10000);
	set_tls(1, 0x20000);
	if (pthread_create(&tls, NULL, with_tls, NULL))
		_exit(100);
	await("tls");
	local.low->word = 55;
	set_gs(LDT(DATA));
	asm volatile("movl %0, %%es" : : "r"(LDT(OTHER)));

	if (pause_here()) {
		write_ldt(desc(OTHER, 1, MODIFY_LDT_CONTENTS_DATA));
		set_tls(1, 0x30000);
	}
	asm volatile("movl %%es, %0" : "=r"(es));
	expect_eq(es, LDT(OTHER), "es");
	expect_gs("the first thread", LDT(DATA), 55);
	expect_eq(read_ldt(after), sizeof(after), "local descriptor table");
	expect(!memcmp(before, after, sizeof(before)), "its entries");
	expect_tls("the first thread", 0, 0x10000);
	expect_tls("the first thread", 1, 0x20000);
	expect_tls("the first thread", 2, 0);
	expect_handled(&plain);
	finish(&plain, "32-bit code in a 64-bit program");
	finish(&local, "32-bit code in a segment of its own");
	sure((int)write(gate[1], "", 1));
	pthread_join(tls, NULL);
	reap(pid);
	return payload_end();
}
