// SPDX-License-Identifier: GPL-2.0
/*
 * A program that changes its memory in all the ways there are, one after the
 * other, when it is told to, and knows what should be in every page.
 *
 *	changes DIR
 *
 * DIR/go-NAME has a number: that of a change to make, or 0 for a look at all
 * pages. DIR/done-NAME gets that number, how many changes were made so far, and
 * what is wrong. NAME is "parent", or "child" once there is one.
 */
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096UL
#define PAGES 4096UL
#define MOST (4 * PAGES)

static const char zeroes[PAGE];
static const char *dir, *name = "parent";
static int changes;
/* Where every page is that is looked at, and the number it was filled from. */
static struct {
	uint64_t *at;
	uint64_t seed;
} known[MOST];
static size_t nr_known;
static char *plain, *huge, *moving;

static void fill(size_t page, uint64_t seed)
{
	uint64_t *words = known[page].at;

	known[page].seed = seed;
	for (size_t i = 0; i < PAGE / 8; i += 16)
		words[i] = seed ? seed * 2654435761u + i : 0;
}

/* Pages that are to be looked at from now on; returns the first one's number. */
static size_t add(char *at, size_t pages, uint64_t seed)
{
	size_t first = nr_known;

	for (size_t i = 0; i < pages; i++) {
		known[nr_known].at = (uint64_t *)(at + i * PAGE);
		fill(nr_known++, seed ? seed + i : 0);
	}
	return first;
}

static size_t number_of(char *at)
{
	for (size_t i = 0; i < nr_known; i++)
		if ((char *)known[i].at == at)
			return i;
	errx(1, "no page at %p", (void *)at);
}

static void forget(char *at, size_t pages)
{
	size_t first = number_of(at);

	memmove(known + first, known + first + pages,
		(nr_known - first - pages) * sizeof(known[0]));
	nr_known -= pages;
}

static char *map(void *at, size_t pages)
{
	int flags = MAP_PRIVATE | MAP_ANONYMOUS | (at ? MAP_FIXED : 0);
	char *mapped = mmap(at, pages * PAGE, PROT_READ | PROT_WRITE, flags,
			    -1, 0);

	if (mapped == MAP_FAILED)
		err(1, "mmap");
	return mapped;
}

static void must(int failed, const char *what)
{
	if (failed)
		err(1, "%s", what);
}

static void start(void)
{
	plain = map(NULL, PAGES);
	must(madvise(plain, PAGES * PAGE, MADV_NOHUGEPAGE), "MADV_NOHUGEPAGE");
	add(plain, PAGES, 1000);
	/* Two huge pages, if the kernel has them at hand. */
	huge = map(NULL, 3 * 512);
	huge = (char *)(((uintptr_t)huge + (512 * PAGE - 1)) & -(512 * PAGE));
	madvise(huge, 2 * 512 * PAGE, MADV_HUGEPAGE);
	add(huge, 2 * 512, 500000);
	moving = map(NULL, 32);
	add(moving, 32, 700000);
}

static void make_child(void)
{
	pid_t pid = fork();

	must(pid < 0, "fork");
	if (pid)
		return;
	name = "child";
	for (size_t i = 0; i < PAGES; i += 70)
		fill(number_of(plain + i * PAGE), 40000 + i);
}

static void change(int number)
{
	char *place;
	int fd;

	switch (number) {
	case 1: /* Some pages. */
		for (size_t i = 0; i < PAGES; i += 50)
			fill(number_of(plain + i * PAGE), 20000 + i);
		break;
	case 2: /* The same once more, and one in a huge page. */
		for (size_t i = 0; i < PAGES; i += 50)
			fill(number_of(plain + i * PAGE), 30000 + i);
		fill(number_of(huge + 700 * PAGE), 77);
		break;
	case 3:
		make_child();
		break;
	case 4: /* Pages that were there are no more, and read as zeroes. */
		must(madvise(plain + 100 * PAGE, 20 * PAGE, MADV_DONTNEED),
		     "MADV_DONTNEED");
		for (size_t i = 100; i < 120; i++) {
			size_t page = number_of(plain + i * PAGE);

			known[page].seed = 0;
			if (*(volatile uint64_t *)known[page].at)
				errx(1, "MADV_DONTNEED did nothing");
		}
		break;
	case 5: /* A new mapping in place of a part of an old one. */
		forget(plain + 200 * PAGE, 30);
		map(plain + 200 * PAGE, 30);
		add(plain + 200 * PAGE, 10, 0);
		add(plain + 210 * PAGE, 20, 90000);
		break;
	case 6: /* The same pages at another address. */
		place = map(NULL, 32);
		place = mremap(moving, 32 * PAGE, 32 * PAGE,
			       MREMAP_MAYMOVE | MREMAP_FIXED, place);
		must(place == MAP_FAILED, "mremap");
		for (size_t i = 0; i < nr_known; i++) {
			char *at = (char *)known[i].at;

			if (at >= moving && at < moving + 32 * PAGE)
				known[i].at = (uint64_t *)(place + (at - moving));
		}
		moving = place;
		break;
	case 7: /* Protection, back and forth: writing is noticed all the same. */
		must(mprotect(plain + 300 * PAGE, 20 * PAGE, PROT_READ), "mprotect");
		must(mprotect(plain + 300 * PAGE, 20 * PAGE,
			      PROT_READ | PROT_WRITE), "mprotect");
		fill(number_of(plain + 305 * PAGE), 305305);
		break;
	case 8: /* The kernel writes, to a buffer of read(2). */
		fd = open("/dev/zero", O_RDONLY);
		must(read(fd, plain + 400 * PAGE, 3 * PAGE) != 3 * PAGE, "read");
		close(fd);
		for (size_t i = 400; i < 403; i++)
			known[number_of(plain + i * PAGE)].seed = 0;
		break;
	case 9: /* Somebody else writes, by ptrace's way. */
		fd = open("/proc/self/mem", O_RDWR);
		must(pwrite(fd, zeroes, PAGE, (uintptr_t)plain + 500 * PAGE) !=
		     (ssize_t)PAGE, "/proc/self/mem");
		close(fd);
		known[number_of(plain + 500 * PAGE)].seed = 0;
		break;
	case 10: /* Out to swap, where there is some, and one of them back. */
		madvise(plain + 600 * PAGE, 100 * PAGE, MADV_PAGEOUT);
		fill(number_of(plain + 650 * PAGE), 650650);
		break;
	case 11: /* More than half of all pages. */
		for (size_t i = 0; i < nr_known; i += 2)
			fill(i, 800000 + i);
		break;
	case 12: /* Some that no core dump is to have. */
		place = map(NULL, 16);
		must(madvise(place, 16 * PAGE, MADV_DONTDUMP), "MADV_DONTDUMP");
		add(place, 16, 120000);
		break;
	}
}

static void look(char *wrong, size_t room)
{
	size_t bad = 0, first = 0;

	for (size_t page = 0; page < nr_known; page++) {
		for (size_t i = 0; i < PAGE / 8; i += 16) {
			uint64_t seed = known[page].seed;
			uint64_t want = seed ? seed * 2654435761u + i : 0;

			if (known[page].at[i] == want)
				continue;
			if (!bad++)
				first = page;
			break;
		}
	}
	if (bad)
		snprintf(wrong, room, "%zu pages, the first one is %zu", bad, first);
	else
		snprintf(wrong, room, "nothing");
}

int main(int argc, char **argv)
{
	char path[4096], temp[4096], line[256], wrong[128];
	int number;
	FILE *file;

	if (argc != 2)
		errx(2, "usage: changes DIR");
	dir = argv[1];
	start();
	for (;;) {
		snprintf(path, sizeof(path), "%s/go-%s", dir, name);
		file = fopen(path, "r");
		if (!file) {
			usleep(5000);
			continue;
		}
		if (fscanf(file, "%d", &number) != 1)
			errx(1, "%s: no number", path);
		fclose(file);
		unlink(path);
		if (number > 0) {
			changes = number;
			change(number);
		}
		look(wrong, sizeof(wrong));
		snprintf(line, sizeof(line), "%d %d %s\n", number, changes, wrong);
		snprintf(temp, sizeof(temp), "%s/new-%s", dir, name);
		file = fopen(temp, "w");
		if (!file)
			err(1, "%s", temp);
		fputs(line, file);
		fclose(file);
		snprintf(path, sizeof(path), "%s/done-%s", dir, name);
		must(rename(temp, path), "rename");
	}
}
