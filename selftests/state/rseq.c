// SPDX-License-Identifier: GPL-2.0
/*
 * Restartable sequences: the area stays registered and the kernel goes on to
 * write the processor's number there, and to abort what it interrupts.
 */
#include "payload.h"
#include <linux/rseq.h>
#include <pthread.h>
#include <sched.h>
#include <sys/rseq.h>

#define NR	3

static int go, spoiled;

static volatile struct rseq *area(void)
{
	return (void *)((char *)__builtin_thread_pointer() + __rseq_offset);
}

/*
 * Count rounds in a critical section until it is aborted: by the scheduler, or
 * because the thread was held in it.
 */
static void until_abort(volatile long *rounds)
{
	static struct rseq_cs descriptor __attribute__((aligned(32), section("rseq_cs_test")));

	asm volatile("lea 1f(%%rip), %%rax\n"
		     "mov %%rax, 8(%[cs])\n"		/* start_ip */
		     "lea 2f(%%rip), %%rcx\n"
		     "sub %%rax, %%rcx\n"
		     "mov %%rcx, 16(%[cs])\n"		/* post_commit_offset */
		     "lea 4f(%%rip), %%rax\n"
		     "mov %%rax, 24(%[cs])\n"		/* abort_ip */
		     "mov %[cs], %[ptr]\n"
		     "1: incq (%[rounds])\n"
		     "jmp 1b\n"
		     "2: jmp 5f\n"
		     ".byte 0x0f, 0xb9, 0x3d\n"		/* ud1, then the signature */
		     ".long 0x53053053\n"
		     "4:\n"
		     "5:\n"
		     : [ptr] "=m"(area()->rseq_cs)
		     : [cs] "r"(&descriptor), [rounds] "r"(rounds)
		     : "rax", "rcx", "memory", "cc");
}

static void *thread(void *unused)
{
	unsigned int cpu, node;
	long rounds = 0;

	while (!__atomic_load_n(&go, __ATOMIC_SEQ_CST))
		until_abort(&rounds);
	expect(rounds > 0, "critical sections were aborted");
	if (spoiled)
		syscall(SYS_rseq, area(), __rseq_size < 32 ? 32 : __rseq_size, RSEQ_FLAG_UNREGISTER, RSEQ_SIG);
	for (int i = 0; i < NR; i++) {
		cpu_set_t set;

		CPU_ZERO(&set);
		CPU_SET(i % 2, &set);
		sched_setaffinity(0, sizeof(set), &set);
		if (syscall(SYS_getcpu, &cpu, &node, NULL) || area()->cpu_id != cpu ||
		    area()->cpu_id_start != cpu)
			expect(false, "cpu_id %u, processor %u", area()->cpu_id, cpu);
	}
	expect_errno(syscall(SYS_rseq, area(), __rseq_size < 32 ? 32 : __rseq_size, 0, RSEQ_SIG), EBUSY,
		     "the area is registered");
	return unused;
}

int main(int argc, char **argv)
{
	pthread_t threads[NR];

	payload_begin(argc, argv);
	sure(__rseq_size ? 0 : -1);
	for (int i = 0; i < NR; i++)
		pthread_create(&threads[i], NULL, thread, NULL);
	spoiled = pause_here();
	__atomic_store_n(&go, 1, __ATOMIC_SEQ_CST);
	for (int i = 0; i < NR; i++)
		pthread_join(threads[i], NULL);
	expect((int)area()->cpu_id >= 0, "cpu_id of the first thread: %d", (int)area()->cpu_id);
	return payload_end();
}
