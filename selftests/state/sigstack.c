// SPDX-License-Identifier: GPL-2.0
/*
 * Alternate signal stacks: one in use at the checkpoint, two handlers deep, and
 * one of a thread that waits for its first use.
 */
#include "payload.h"
#include <pthread.h>

static char *stack, *other;
static bool spoiled;
static volatile double kept = 1.5;

static bool is_on(const char *area)
{
	char here;

	return &here >= area && &here < area + 16 * PAGE;
}

static void inner(int sig)
{
	stack_t now;

	spoiled = pause_here();
	expect(is_on(stack), "the inner handler is on the alternate stack");
	sigaltstack(NULL, &now);
	expect_eq(now.ss_flags & SS_ONSTACK, SS_ONSTACK, "SS_ONSTACK");
	expect_eq((long)now.ss_sp, (long)stack, "its address");
	(void)sig;
}

static void outer(int sig)
{
	volatile double in_handler = kept * 3;

	raise(SIGUSR2);
	expect(is_on(stack), "the outer handler is on the alternate stack");
	expect(in_handler == 4.5, "floating point in a handler");
	(void)sig;
}

static void plain(int sig)
{
	expect(is_on(other) == (sig == SIGHUP), "handler of a thread on the alternate stack");
}

static void *thread(void *unused)
{
	stack_t set = { .ss_sp = other, .ss_size = 16 * PAGE }, now;

	sure(sigaltstack(&set, NULL));
	tell("thread");
	await_go();
	sigaltstack(NULL, &now);
	expect_eq((long)now.ss_sp, (long)other, "alternate stack of a thread");
	expect_eq(now.ss_size, 16 * PAGE, "its size");
	expect_eq(now.ss_flags, 0, "its flags");
	raise(SIGHUP);
	return unused;
}

int main(int argc, char **argv)
{
	struct sigaction sa = { .sa_handler = outer, .sa_flags = SA_ONSTACK };
	stack_t set = { .ss_size = 16 * PAGE }, now;
	pthread_t other_thread;
	double registers = kept;

	payload_begin(argc, argv);
	stack = map_anon(16 * PAGE, MAP_PRIVATE);
	other = map_anon(16 * PAGE, MAP_PRIVATE);
	set.ss_sp = stack;
	sure(sigaltstack(&set, NULL));
	sigaction(SIGUSR1, &sa, NULL);
	sa.sa_handler = inner;
	sigaction(SIGUSR2, &sa, NULL);
	sa.sa_handler = plain;
	sigaction(SIGHUP, &sa, NULL);
	pthread_create(&other_thread, NULL, thread, NULL);
	await("thread");

	raise(SIGUSR1);
	if (spoiled) {
		set.ss_flags = SS_DISABLE;
		sigaltstack(&set, NULL);
	}
	expect(!is_on(stack), "back on the normal stack");
	expect(registers == 1.5, "floating point after the handlers");
	sigaltstack(NULL, &now);
	expect_eq(now.ss_flags, 0, "the alternate stack is free again");
	expect_eq((long)now.ss_sp, (long)stack, "and still there");
	pthread_join(other_thread, NULL);
	return payload_end();
}
