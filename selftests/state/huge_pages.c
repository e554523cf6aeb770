// SPDX-License-Identifier: GPL-2.0
/* Huge pages come back huge, small ones small, and shared ones shared. */
#include "smaps.h"
#include <sys/prctl.h>

#define HUGE (512UL * PAGE)
#define THP "/sys/kernel/mm/transparent_hugepage/"

/* Room for so many huge pages, with nothing on either side. */
static char *room(size_t pages)
{
	char *gap = map_anon((pages + 2) * HUGE, MAP_PRIVATE);
	char *start = (char *)(((uintptr_t)gap + HUGE) & -HUGE);

	sure(mprotect(gap, start - gap, PROT_NONE));
	sure(mprotect(start + pages * HUGE, gap + (pages + 2) * HUGE - (start + pages * HUGE), PROT_NONE));
	return start;
}

static int kilobytes(const void *area, const char *what)
{
	char text[256];

	smaps(area, what, text, sizeof(text));
	return atoi(text);
}

/* So that the kernel counts huge pages as this test does. */
static void put(const char *path, const char *word)
{
	int fd = sure(open(path, O_WRONLY | O_CLOEXEC));

	sure(write(fd, word, strlen(word)));
	sure(close(fd));
}

static int go[2];

static void look(char **area)
{
	for (int i = 0; i < 2; i++)
		for (size_t page = 0; page < 4 * 512; page += i ? 16 : 1)
			if ((unsigned char)area[i][page * PAGE] != byte_at(page))
				expect(false, "area %d, page %zu", i, page);
	expect_eq(kilobytes(area[0], "AnonHugePages:"), 4 * 2048, "huge pages");
	expect_eq(kilobytes(area[0], "Pss:"), 2 * 2048, "shared since fork");
	expect_eq(kilobytes(area[1], "AnonHugePages:"), 0, "small pages");
	expect_eq(kilobytes(area[1], "Rss:"), 4 * 512 / 16 * 4, "and holes between them");
}

static int other(void *area)
{
	char byte;

	sure(close(go[1]));
	sure(read(go[0], &byte, 1));
	look(area);
	return 0;
}

int main(int argc, char **argv)
{
	char *area[2];
	pid_t pid;

	payload_begin(argc, argv);
	/* Nobody joins small pages meanwhile. */
	put(THP "enabled", "always");
	put(THP "khugepaged/max_ptes_none", "0");
	area[0] = room(4);
	area[1] = room(4);
	for (size_t page = 0; page < 4 * 512; page++)
		area[0][page * PAGE] = byte_at(page);
	sure(prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0));
	for (size_t page = 0; page < 4 * 512; page += 16)
		area[1][page * PAGE] = byte_at(page);
	sure(prctl(PR_SET_THP_DISABLE, 0, 0, 0, 0));
	sure(pipe(go));
	pid = child(other, area);
	look(area);

	if (pause_here())
		sure(madvise(area[0], HUGE, MADV_DONTNEED));
	look(area);
	sure(write(go[1], "", 1));
	reap(pid);
	return payload_end();
}
