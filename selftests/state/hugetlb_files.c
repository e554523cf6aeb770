// SPDX-License-Identifier: GPL-2.0
/* Files of a mounted hugetlbfs: those that have a name, and those that have none. */
#include "hugetlb.h"

static char mount_dir[] = "/dev/hugepages/files-XXXXXX";

static const char *on_mount(const char *name)
{
	static char path[2][64];
	static unsigned int turn;

	turn = (turn + 1) % 2;
	snprintf(path[turn], sizeof(path[turn]), "%s/%s", mount_dir, name);
	return path[turn];
}

static char *map_fd(int fd, size_t pages, int prot, int flags)
{
	return sure(mmap(NULL, pages * HUGE, prot, flags, fd, 0));
}

static int create(const char *name, size_t pages)
{
	int fd = sure(open(on_mount(name), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0640));

	sure(ftruncate(fd, pages * HUGE));
	return fd;
}

static char *shared, *private, *lonely, *removed, *over, *longer;
static int named, reads, gone, nameless, cut, promised, go[2], reserved, available;

static int other(void *unused MAYBE_UNUSED)
{
	char byte;

	sure(close(go[1]));
	sure(read(go[0], &byte, 1));
	expect(is_filled(shared, 1) && is_filled(removed + HUGE, 4), "files that a child maps");
	expect(is_filled(private, 3), "its private view of a file");
	shared[7] = 'c';
	removed[HUGE + 7] = 'd';
	return 0;
}

/* Their contents are the files'. */
static void make_named(void)
{
	int fd;

	named = create("named", 3);
	shared = map_fd(named, 3, PROT_READ | PROT_WRITE, MAP_SHARED);
	fill_huge(shared, 1);
	fill_huge(shared + HUGE, 2);
	sure(lseek(named, 12345, SEEK_SET));
	reads = sure(open(on_mount("named"), O_RDONLY));
	private = map_fd(reads, 2, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	fill_huge(private, 3);
	sure(private[HUGE] == shared[HUGE] ? 0 : -1);

	/* Nobody has it open. */
	fd = create("lonely", 2);
	lonely = map_fd(fd, 2, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE);
	fill_huge(lonely + HUGE, 6);
	sure(mprotect(lonely, 2 * HUGE, PROT_READ));
	sure(close(fd));
}

/* Theirs are in the image. */
static void make_nameless(void)
{
	static const struct timespec times[] = { { 1000000000, 5 }, { 1100000000, 7 } };

	gone = create("gone", 4);
	removed = map_fd(gone, 4, PROT_READ | PROT_WRITE, MAP_SHARED);
	fill_huge(removed + HUGE, 4);
	over = map_fd(gone, 4, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE);
	fill_huge(over, 5);
	sure(unlink(on_mount("gone")));
	sure(fchmod(gone, 0604));
	sure(futimens(gone, times));
	sure(lseek(gone, 54321, SEEK_SET));

	nameless = sure(open(mount_dir, O_TMPFILE | O_RDWR, 0600));
	sure(ftruncate(nameless, HUGE));
	/* The mapping is longer than the file. */
	cut = sure(open(mount_dir, O_TMPFILE | O_RDWR | O_EXCL, 0600));
	longer = map_fd(cut, 2, PROT_READ | PROT_WRITE, MAP_SHARED);
	fill_huge(longer, 8);
	sure(ftruncate(cut, HUGE));
	/* Promised to a mapping that is gone; the file has no page yet. */
	promised = create("promised", 0);
	sure(munmap(map_fd(promised, 1, PROT_READ | PROT_WRITE, MAP_SHARED), HUGE));
	sure(unlink(on_mount("promised")));
}

static void look_at_nameless(void)
{
	struct stat st;

	expect(is_filled(removed + HUGE, 4), "huge pages of a file that was removed");
	expect(is_filled(over, 5), "a huge page that was written in a private mapping of it");
	sure(fstat(gone, &st));
	expect_eq(st.st_size, 4 * HUGE, "its size");
	expect_eq(st.st_blksize, HUGE, "size of its pages");
	expect_eq(st.st_mode, S_IFREG | 0604, "its mode");
	expect_eq(st.st_nlink, 0, "it has no name");
	expect(st.st_mtim.tv_sec == 1100000000 && st.st_mtim.tv_nsec == 7, "when it was modified");
	expect_eq(lseek(gone, 0, SEEK_CUR), 54321, "offset in it");
	expect_eq(removed[3 * HUGE], 0, "a hole in it");
	expect_eq(over[HUGE + PAGE], removed[HUGE + PAGE], "a huge page that is not private yet");

	sure(fstat(cut, &st));
	expect_eq(st.st_size, HUGE, "size of a file that is shorter than its mapping");
	expect(is_filled(longer, 8), "what is left of it");
	sure(fstat(promised, &st));
	expect_eq(st.st_size, HUGE, "size of a file without pages");

	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", cut);
	expect_errno(linkat(AT_FDCWD, path, AT_FDCWD, on_mount("cut"), AT_SYMLINK_FOLLOW), ENOENT,
		     "a name for what cannot have one");
	snprintf(path, sizeof(path), "/proc/self/fd/%d", nameless);
	expect_eq(linkat(AT_FDCWD, path, AT_FDCWD, on_mount("linked"), AT_SYMLINK_FOLLOW), 0,
		  "a name for what has had none");
}

int main(int argc, char **argv)
{
	struct stat before, after;
	pid_t pid;
	int dir;

	payload_begin(argc, argv);
	fill_pool();
	sure(mkdtemp(mount_dir));
	make_named();
	make_nameless();
	dir = sure(open(mount_dir, O_RDONLY | O_DIRECTORY));
	sure(pipe(go));
	pid = child(other, NULL);
	reserved = huge_pages("HugePages_Rsvd:");
	available = huge_pages("HugePages_Free:");
	sure(fstat(named, &before));

	if (pause_here())
		removed[HUGE + 5 * PAGE] ^= 1;
	expect_huge_pages("HugePages_Rsvd:", reserved, "reserved huge pages");
	expect_huge_pages("HugePages_Free:", available, "free huge pages");
	expect(is_filled(shared, 1) && is_filled(shared + HUGE, 2), "huge pages of a file");
	expect(is_filled(private, 3), "a huge page that was written in a private mapping");
	expect_eq(private[HUGE + PAGE], shared[HUGE + PAGE], "one that was not");
	expect_eq(lseek(named, 0, SEEK_CUR), 12345, "offset");
	sure(fstat(named, &after));
	expect(before.st_ino == after.st_ino && before.st_dev == after.st_dev, "it is the same file");
	expect_eq(after.st_size, 3 * HUGE, "its size");
	expect_eq(fcntl(reads, F_GETFL) & O_ACCMODE, O_RDONLY, "open to be read");
	expect(is_filled(lonely + HUGE, 6) && has_flag(lonely, "nr"), "a file that nobody has open");
	expect(faccessat(dir, "named", F_OK, 0) == 0, "its directory");
	look_at_nameless();
	sure(write(go[1], "", 1));
	reap(pid);
	expect_eq(shared[7], 'c', "what a child writes to a file");
	expect_eq(removed[HUGE + 7], 'd', "what it writes to one that was removed");
	unlink(on_mount("named"));
	unlink(on_mount("lonely"));
	unlink(on_mount("linked"));
	rmdir(mount_dir);
	return payload_end();
}
