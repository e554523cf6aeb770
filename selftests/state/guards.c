// SPDX-License-Identifier: GPL-2.0
/*
 * Guard regions: in anonymous memory and in mapped files, many of them, and in
 * a child that has the parent's, others, or none where the parent has one.
 */
#include "payload.h"

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL	102
#define MADV_GUARD_REMOVE	103
#endif

#define PAGES	256

static char *plain, *many, *same, *other;
static int probe[2];

/* Whether a page cannot be read, without the signal. */
static bool is_guarded(const char *page)
{
	char byte;

	if (write(probe[1], page, 1) == 1) {
		sure(read(probe[0], &byte, 1));
		return false;
	}
	return errno == EFAULT;
}

/* Which of so many pages are guarded: the sum of their numbers, from 1. */
static long guarded(const char *memory, int nr)
{
	long sum = 0;

	for (int i = 0; i < nr; i++)
		if (is_guarded(memory + i * PAGE))
			sum += i + 1;
	return sum;
}

static void guard(char *memory, int page, int nr)
{
	sure(madvise(memory + page * PAGE, nr * PAGE, MADV_GUARD_INSTALL));
}

static int differs(void *unused)
{
	sure(madvise(other, 8 * PAGE, MADV_GUARD_REMOVE));
	strcpy(other + 2 * PAGE, "was guarded");
	guard(other, 5, 1);
	tell("child");
	await_go();
	expect_eq(guarded(other, 8), 6, "a child with another guard region");
	expect(!strcmp(other + 2 * PAGE, "was guarded"), "content where the parent has one");
	expect(!strcmp(other, "parent's"), "content from the parent");
	expect_eq(guarded(same, 8), 4, "a child with the same guard region");
	expect(!strcmp(same, "the same"), "content beside it");
	(void)unused;
	return 0;
}

int main(int argc, char **argv)
{
	char *private, *shared, *none, text[64];
	pid_t pid;
	int fd;

	payload_begin(argc, argv);
	sure(pipe(probe));
	plain = map_anon(8 * PAGE, MAP_PRIVATE);
	memset(plain, 'p', 8 * PAGE);
	guard(plain, 0, 1);
	guard(plain, 4, 2);
	many = map_anon(PAGES * PAGE, MAP_PRIVATE);
	for (int i = 0; i < PAGES; i += 2)
		guard(many, i, 1);
	none = map_anon(4 * PAGE, MAP_PRIVATE);
	sure(mprotect(none, 4 * PAGE, PROT_NONE));
	guard(none, 1, 1);
	sure(mprotect(none, 4 * PAGE, PROT_READ | PROT_WRITE));

	fd = sure(open(file_at("file"), O_RDWR | O_CREAT, 0600));
	sure(ftruncate(fd, 8 * PAGE));
	private = sure(mmap(NULL, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0));
	shared = sure(mmap(NULL, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
	strcpy(private, "private");
	strcpy(shared + 3 * PAGE, "shared");
	guard(private, 1, 1);
	guard(shared, 2, 1);

	same = map_anon(8 * PAGE, MAP_PRIVATE);
	strcpy(same, "the same");
	guard(same, 3, 1);
	other = map_anon(8 * PAGE, MAP_PRIVATE);
	strcpy(other, "parent's");
	guard(other, 2, 1);
	pid = child(differs, NULL);
	await("child");

	if (pause_here())
		sure(madvise(plain, 8 * PAGE, MADV_GUARD_REMOVE));
	reap(pid);
	expect_eq(guarded(plain, 8), 1 + 5 + 6, "guard regions");
	expect(plain[PAGE] == 'p' && plain[7 * PAGE] == 'p', "content between them");
	expect_eq(guarded(many, PAGES), PAGES / 2 * PAGES / 2, "many of them");
	expect_eq(guarded(none, 4), 2, "what was not accessible at all");
	expect_eq(guarded(private, 8), 2, "private mapping of a file");
	expect(!strcmp(private, "private"), "content of it");
	expect_eq(guarded(shared, 8), 3, "shared mapping of a file");
	expect(!strcmp(shared + 3 * PAGE, "shared"), "content of that");
	sure(pread(fd, text, sizeof(text), 3 * PAGE));
	expect(!strcmp(text, "shared"), "and of the file");
	expect_eq(guarded(other, 8), 3, "the parent's own");
	sure(madvise(plain, 8 * PAGE, MADV_GUARD_REMOVE));
	expect_eq(plain[4 * PAGE], 0, "what was under a guard region is gone");
	return payload_end();
}
