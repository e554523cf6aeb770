// SPDX-License-Identifier: GPL-2.0
/* Huge pages that several processes have: shared memory, memfds, System V segments. */
#include "hugetlb.h"
#include <sys/ipc.h>
#include <sys/shm.h>

static char *map_fd(int fd, size_t pages, int prot, int flags)
{
	return sure(mmap(NULL, pages * HUGE, prot, flags, fd, 0));
}

static char *anon, *frugal, *whole, *written, *reads, *longer, *attached;
static int sealed, cut, promised, segment, go[2], reserved, available;

static int other(void *unused MAYBE_UNUSED)
{
	char byte;

	sure(close(go[1]));
	sure(read(go[0], &byte, 1));
	expect(is_filled(anon, 1) && is_filled(anon + 2 * HUGE, 2), "shared huge pages of a child");
	anon[HUGE + 7] = 'c';
	attached[5] = 'd';
	expect(is_filled(written, 6) && is_filled(written + HUGE, 5), "its private view of a memfd");
	return 0;
}

/* Without a name that leads to it, and with seals. */
static void make_memfds(void)
{
	sealed = sure(memfd_create("sealed", MFD_HUGETLB | 21U << MAP_HUGE_SHIFT | MFD_ALLOW_SEALING | MFD_CLOEXEC));
	sure(ftruncate(sealed, 3 * HUGE));
	whole = map_fd(sealed, 3, PROT_READ | PROT_WRITE, MAP_SHARED);
	fill_huge(whole, 4);
	fill_huge(whole + HUGE, 5);
	written = map_fd(sealed, 3, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE);
	fill_huge(written, 6);
	sure(written[HUGE] == whole[HUGE] ? 0 : -1);
	reads = map_fd(sealed, 2, PROT_READ, MAP_SHARED);
	sure(fcntl(sealed, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK));
	sure(lseek(sealed, 12345, SEEK_SET));

	/* The mapping is longer than the file. */
	cut = sure(memfd_create("cut", MFD_HUGETLB | MFD_CLOEXEC));
	longer = map_fd(cut, 3, PROT_READ | PROT_WRITE, MAP_SHARED);
	fill_huge(longer, 8);
	sure(ftruncate(cut, HUGE));

	/* Promised to a mapping that is gone; the file has no page yet. */
	promised = sure(memfd_create("promised", MFD_HUGETLB | MFD_CLOEXEC));
	sure(munmap(map_fd(promised, 2, PROT_READ | PROT_WRITE, MAP_SHARED), 2 * HUGE));
}

static void look_at_memfds(void)
{
	struct stat st;
	char byte;

	expect(is_filled(whole, 4) && is_filled(whole + HUGE, 5), "huge pages of a memfd");
	expect(is_filled(reads, 4) && is_filled(reads + HUGE, 5), "the same, to be read");
	expect(is_filled(written, 6), "a huge page that was written in a private mapping");
	expect_eq(fcntl(sealed, F_GET_SEALS), F_SEAL_GROW | F_SEAL_SHRINK, "seals");
	expect_eq(lseek(sealed, 0, SEEK_CUR), 12345, "offset");
	expect_eq(pread(sealed, &byte, 1, HUGE + PAGE) == 1 ? byte : -1, whole[HUGE + PAGE], "read");
	whole[HUGE + PAGE]++;
	expect_eq(written[HUGE + PAGE], whole[HUGE + PAGE], "a huge page that is not private yet");
	whole[HUGE + PAGE]--;
	expect_errno(ftruncate(sealed, HUGE), EPERM, "to shrink what is sealed");
	sure(fstat(cut, &st));
	expect_eq(st.st_size, HUGE, "size of a file that is shorter than its mapping");
	expect(is_filled(longer, 8), "what is left of it");
	expect_eq(st.st_blksize, HUGE, "size of its pages");
	sure(fstat(promised, &st));
	expect_eq(st.st_size, 2 * HUGE, "size of a file without pages");
}

int main(int argc, char **argv)
{
	char *alone;
	pid_t pid;

	payload_begin(argc, argv);
	fill_pool();
	/* With a hole in it. */
	anon = map_anon(4 * HUGE, MAP_SHARED | MAP_HUGETLB);
	fill_huge(anon, 1);
	fill_huge(anon + 2 * HUGE, 2);
	sure(munmap(anon + 3 * HUGE, HUGE));
	frugal = map_anon(2 * HUGE, MAP_SHARED | MAP_HUGETLB | MAP_NORESERVE);
	fill_huge(frugal + HUGE, 3);
	sure(mprotect(frugal, 2 * HUGE, PROT_READ));
	make_memfds();
	segment = sure(shmget(0x4711, 2 * HUGE - 100, IPC_CREAT | 0640 | SHM_HUGETLB));
	attached = sure(shmat(segment, NULL, 0));
	fill_huge(attached, 9);
	alone = sure(shmat(sure(shmget(IPC_PRIVATE, HUGE, 0600 | SHM_HUGETLB | SHM_NORESERVE)), NULL, 0));
	sure(pipe(go));
	pid = child(other, NULL);
	reserved = huge_pages("HugePages_Rsvd:");
	available = huge_pages("HugePages_Free:");

	if (pause_here())
		anon[2 * HUGE + 5 * PAGE] ^= 1;
	expect_huge_pages("HugePages_Rsvd:", reserved, "reserved huge pages");
	expect_huge_pages("HugePages_Free:", available, "free huge pages");
	expect(is_filled(anon, 1) && is_filled(anon + 2 * HUGE, 2), "shared huge pages");
	expect(is_filled(frugal + HUGE, 3) && has_flag(frugal, "nr"), "those that were not reserved");
	look_at_memfds();
	expect(is_filled(attached, 9), "huge pages of a segment");
	alone[1] = 1;
	expect_huge_pages("HugePages_Rsvd:", reserved, "nothing is reserved for another one");
	sure(write(go[1], "", 1));
	reap(pid);
	expect_eq(anon[HUGE + 7], 'c', "what a child writes");
	expect_eq(attached[5], 'd', "what it writes to a segment");
	struct shmid_ds ds = {};
	sure(shmctl(segment, IPC_STAT, &ds));
	expect_eq(ds.shm_segsz, 2 * HUGE - 100, "size of a segment");
	expect_eq(shmget(0x4711, 0, 0), segment, "it is found");
	return payload_end();
}
