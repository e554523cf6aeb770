// SPDX-License-Identifier: GPL-2.0
/*
 * shares: private and shared memory, memfds and removed files, which change all
 * the time, each after the other, and are consistent together at any moment. An
 * image of them that mixes two moments is found out after its restart: the loops
 * below then meet a page that is ahead of or behind what they expect.
 *
 *	shares DIR DIR	two places for files, which are removed at once
 *
 * SIGTERM ends it: with status 0, or 1 if it met such a page, of which it tells.
 */
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE		4096UL
#define PAGES		512UL
#define HUGE		(2UL << 20)

/* A thing with pages: mapped, or written to by pwrite(2), or both in turns. */
struct thing {
	const char *name;
	volatile uint64_t *area;
	int fd;
	/* The second process has another one. */
	int is_private;
	int advice;
};

enum { PRIVATE, KEPT, WIPED, SHARED, LARGE, LOCKED, SEGMENT, MEMFD, BOTH, REMOVED, DISK, SEALED, NR_THINGS };

static struct thing things[NR_THINGS] = {
	[PRIVATE] = { "private memory", .is_private = 1 },
	[KEPT] = { "memory that is not for children", .is_private = 1, .advice = MADV_DONTFORK },
	[WIPED] = { "memory that is wiped in children", .is_private = 1, .advice = MADV_WIPEONFORK },
	[SHARED] = { "shared memory", },
	[LARGE] = { "shared memory of huge pages", .advice = MADV_HUGEPAGE },
	[LOCKED] = { "shared memory that is locked", },
	[SEGMENT] = { "System V shared memory", },
	[MEMFD] = { "a memfd that is written to", },
	[BOTH] = { "a memfd that is mapped as well", },
	[REMOVED] = { "a removed file", },
	[DISK] = { "another one", },
	[SEALED] = { "a memfd that may not shrink", },
};

static volatile int stop, bad;

static void terminate(int sig)
{
	stop = sig;
}

static void *map(size_t size, int flags, int fd)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, fd, 0);

	if (p == MAP_FAILED)
		err(1, "mmap");
	return p;
}

static int memfd(unsigned int flags)
{
	int fd = memfd_create("shares", flags);

	if (fd < 0 || ftruncate(fd, PAGES * PAGE))
		err(1, "memfd");
	return fd;
}

static void make_private(void)
{
	for (int i = 0; i < NR_THINGS; i++) {
		struct thing *thing = &things[i];

		if (!thing->is_private)
			continue;
		thing->area = map(PAGES * PAGE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
		if (thing->advice && madvise((void *)thing->area, PAGES * PAGE, thing->advice))
			err(1, "madvise: %s", thing->name);
	}
}

static int removed(const char *dir)
{
	int fd = open(dir, O_TMPFILE | O_RDWR, 0600);

	if (fd < 0 || ftruncate(fd, PAGES * PAGE))
		err(1, "%s", dir);
	return fd;
}

static void make_shared(char **dirs)
{
	char *p;
	int id;

	things[SHARED].area = map(PAGES * PAGE, MAP_SHARED | MAP_ANONYMOUS, -1);
	p = map(PAGES * PAGE + HUGE, MAP_SHARED | MAP_ANONYMOUS, -1);
	p += -(uintptr_t)p & (HUGE - 1);
	madvise(p, PAGES * PAGE, MADV_HUGEPAGE);
	things[LARGE].area = (void *)p;
	p = map(PAGES * PAGE, MAP_SHARED | MAP_ANONYMOUS, -1);
	if (mlock(p, PAGES * PAGE))
		err(1, "mlock");
	things[LOCKED].area = (void *)p;
	id = shmget(IPC_PRIVATE, PAGES * PAGE, 0600);
	p = id < 0 ? (void *)-1 : shmat(id, NULL, 0);
	if (p == (void *)-1 || shmctl(id, IPC_RMID, NULL))
		err(1, "shmget");
	things[SEGMENT].area = (void *)p;
	things[MEMFD].fd = memfd(0);
	things[BOTH].fd = memfd(0);
	things[BOTH].area = map(PAGES * PAGE, MAP_SHARED, things[BOTH].fd);
	things[SEALED].fd = memfd(MFD_ALLOW_SEALING);
	things[SEALED].area = map(PAGES * PAGE, MAP_SHARED, things[SEALED].fd);
	if (fcntl(things[SEALED].fd, F_ADD_SEALS, F_SEAL_SHRINK))
		err(1, "F_ADD_SEALS");
	things[REMOVED].fd = removed(dirs[0]);
	things[DISK].fd = removed(dirs[1]);
}

/* One word of a page: what is there has to be what was written last. */
static void step(struct thing *thing, size_t word, uint64_t round)
{
	int is_mapped = thing->area && (!thing->fd || (round + word) % 2);
	uint64_t found, next = round + 1;

	if (is_mapped)
		found = thing->area[word];
	else if (pread(thing->fd, &found, 8, word * 8) != 8)
		err(1, "pread: %s", thing->name);
	if (found != round && !bad) {
		bad = 1;
		warnx("%s: %lu in page %zu instead of %lu", thing->name, found,
		      word * 8 / PAGE, round);
	}
	if (is_mapped)
		thing->area[word] = next;
	else if (pwrite(thing->fd, &next, 8, word * 8) != 8)
		err(1, "pwrite: %s", thing->name);
}

/* All things, page by page; each process has words of its own. */
static void write_all(size_t me)
{
	for (uint64_t round = 0; !stop; round++)
		for (size_t page = 0; page < PAGES; page++)
			for (int i = 0; i < NR_THINGS; i++)
				step(&things[i], page * PAGE / 8 + page % 100 + me * 200, round);
}

/* Page by page, a memfd has a number, a hole, and is shorter for a while. */
static void *punch(void *unused)
{
	uint64_t number;
	int fd = memfd(0);

	for (uint64_t round = 1; !stop; round++) {
		for (size_t page = 0; page < PAGES; page++) {
			off_t at = page * PAGE;

			if (pwrite(fd, &round, 8, at) != 8)
				err(1, "pwrite");
			if (pread(fd, &number, 8, at) != 8 || number != round)
				bad = 1;
			if (page % 16 && fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, at, PAGE))
				err(1, "fallocate");
			if (pread(fd, &number, 8, at) != 8 || number != (page % 16 ? 0 : round))
				bad = 1;
		}
		if (ftruncate(fd, PAGES / 2 * PAGE))
			err(1, "ftruncate");
		if (pread(fd, &number, 8, PAGES / 2 * PAGE))
			bad = 1;
		if (ftruncate(fd, PAGES * PAGE))
			err(1, "ftruncate");
		for (size_t page = 0; page < PAGES; page += 16)
			if (pread(fd, &number, 8, page * PAGE) != 8 ||
			    number != (page < PAGES / 2 ? round : 0))
				bad = 1;
	}
	return unused;
}

/* Who maps it anew, and is forked meanwhile, sees what was written before. */
static void *come_and_go(void *unused)
{
	uint64_t round = 0;

	while (!stop) {
		volatile uint64_t *again = map(PAGES * PAGE, MAP_SHARED, things[BOTH].fd);
		volatile uint64_t *word = again + 450;
		int status;
		pid_t pid;

		if (*word != round)
			bad = 1;
		*word = ++round;
		munmap((void *)again, PAGES * PAGE);
		pid = fork();
		if (pid < 0)
			err(1, "fork");
		if (!pid) {
			volatile uint64_t *same = things[BOTH].area + 450;
			int wrong = *same != round;

			*same = round + 1;
			_exit(wrong);
		}
		waitpid(pid, &status, 0);
		bad |= !!status;
		round++;
		usleep(20000);
	}
	return unused;
}

int main(int argc, char **argv)
{
	struct sigaction sa = { .sa_handler = terminate };
	pthread_t threads[2];
	int status = -1;
	pid_t pid;

	if (argc != 3)
		errx(2, "usage: shares DIR DIR");
	sigaction(SIGTERM, &sa, NULL);
	make_shared(argv + 1);
	pid = fork();
	if (pid < 0)
		err(1, "fork");
	make_private();
	if (!pid) {
		write_all(1);
		_exit(bad);
	}
	pthread_create(&threads[0], NULL, punch, NULL);
	pthread_create(&threads[1], NULL, come_and_go, NULL);
	write_all(0);
	kill(pid, SIGTERM);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	waitpid(pid, &status, 0);
	return bad || status;
}
