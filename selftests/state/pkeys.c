// SPDX-License-Identifier: GPL-2.0
/*
 * Memory protection keys: which are allocated, those of mappings, what threads
 * may do with them, and memory that can be executed only.
 */
#include "payload.h"
#include <pthread.h>
#include <setjmp.h>
#include <ucontext.h>

static __thread sigjmp_buf out;
static __thread volatile int fault_key;

static void fault(int sig, siginfo_t *info, void *context)
{
	fault_key = info->si_code == SEGV_PKUERR ? (int)info->si_pkey : -1;
	(void)sig;
	(void)context;
	siglongjmp(out, 1);
}

/* The key that forbids an access; 0 if none does, -1 if something else does. */
static int key_against(volatile char *at, bool write)
{
	volatile int rights[16];

	/* A handler has others than the thread. */
	for (int i = 0; i < 16; i++)
		rights[i] = pkey_get(i);
	fault_key = 0;
	if (!sigsetjmp(out, 1)) {
		if (write)
			at[1] = 'w';
		else
			(void)*at;
	}
	for (int i = 0; i < 16; i++)
		pkey_set(i, rights[i]);
	return fault_key;
}

/* ProtectionKey of /proc/self/smaps */
static int key_of(void *at)
{
	unsigned long start, end;
	bool here = false;
	char line[512];
	int key = -1;
	FILE *smaps = fopen("/proc/self/smaps", "re");

	while (smaps && fgets(line, sizeof(line), smaps)) {
		if (sscanf(line, "%lx-%lx ", &start, &end) == 2)
			here = start <= (unsigned long)at && (unsigned long)at < end;
		else if (here)
			sscanf(line, "ProtectionKey: %d", &key);
	}
	if (smaps)
		fclose(smaps);
	return key;
}

static int key[4];
static char *memory[4], *code;

static void *other_thread(void *unused)
{
	pkey_set(key[1], PKEY_DISABLE_ACCESS);
	pkey_set(key[2], 0);
	tell("thread");
	await_go();
	expect_eq(key_against(memory[1], false), key[1], "key against a read in a thread");
	expect_eq(key_against(memory[2], true), 0, "key against a write in a thread");
	return unused;
}

static int child_with_its_own(void *unused)
{
	int own = sure(pkey_alloc(0, PKEY_DISABLE_WRITE));

	sure(pkey_free(key[3]));
	sure(pkey_mprotect(memory[0], PAGE, PROT_READ | PROT_WRITE, own));
	tell("child");
	await_go();
	expect_eq(key_of(memory[0]), own, "key of a mapping in a child");
	expect_eq(key_of(memory[1]), key[1], "key of a mapping from the parent");
	expect_eq(key_against(memory[0], true), own, "key against a write in a child");
	expect_eq(memory[0][0], 'a', "content in a child");
	expect_eq(pkey_alloc(0, 0), key[3], "key that is free in a child");
	(void)unused;
	return 0;
}

int main(int argc, char **argv)
{
	static const unsigned char ret42[] = { 0xb8, 42, 0, 0, 0, 0xc3 };
	struct sigaction sa = { .sa_sigaction = fault, .sa_flags = SA_SIGINFO };
	int exec_key;
	pthread_t thread;
	pid_t pid;

	payload_begin(argc, argv);
	sure(sigaction(SIGSEGV, &sa, NULL));
	key[0] = pkey_alloc(0, 0);
	if (key[0] < 0) {
		payload_announce("skip no protection keys here");
		return 4;
	}
	for (int i = 1; i < 4; i++)
		key[i] = sure(pkey_alloc(0, 0));
	for (int i = 0; i < 4; i++) {
		memory[i] = map_anon(PAGE, MAP_PRIVATE);
		memory[i][0] = 'a' + i;
		if (i)
			sure(pkey_mprotect(memory[i], PAGE, PROT_READ | PROT_WRITE, key[i]));
	}
	code = map_anon(PAGE, MAP_PRIVATE);
	memcpy(code, ret42, sizeof(ret42));
	sure(mprotect(code, PAGE, PROT_EXEC));
	exec_key = key_of(code);
	sure(pkey_free(key[0]));
	pkey_set(key[1], PKEY_DISABLE_WRITE);
	pkey_set(key[2], PKEY_DISABLE_ACCESS);
	sure(pthread_create(&thread, NULL, other_thread, NULL));
	pid = child(child_with_its_own, NULL);
	await("thread");
	await("child");

	if (pause_here())
		pkey_set(key[1], 0);
	expect_eq(pkey_get(key[1]), PKEY_DISABLE_WRITE, "rights of the first key");
	expect_eq(pkey_get(key[2]), PKEY_DISABLE_ACCESS, "rights of the second key");
	for (int i = 1; i < 4; i++)
		expect_eq(key_of(memory[i]), key[i], "key of a mapping");
	expect_eq(memory[1][0], 'b', "content");
	expect_eq(key_against(memory[1], true), key[1], "key against a write");
	expect_eq(key_against(memory[2], false), key[2], "key against a read");
	expect_eq(key_against(memory[3], true), 0, "key against nothing");
	pkey_set(key[2], 0);
	expect_eq(memory[2][0], 'c', "content behind a key");
	expect_eq(key_of(code), exec_key, "key of memory that is executed only");
	expect_eq(((int (*)(void))code)(), 42, "it is executed");
	expect_eq(key_against(code, false), exec_key, "key against reading it");
	expect_eq(pkey_alloc(0, 0), key[0], "key that was free");
	expect(pkey_alloc(0, 0) > key[3], "the others are taken");
	pthread_join(thread, NULL);
	reap(pid);
	return payload_end();
}
