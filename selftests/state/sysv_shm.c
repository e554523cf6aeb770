// SPDX-License-Identifier: GPL-2.0
/*
 * System V shared memory: contents, also of segments that nobody has attached;
 * attached twice, in part, and to read only; removed and still attached; owners,
 * times, who has created and used it.
 */
#include "payload.h"
#include <sys/shm.h>

#define ODD	(5 * PAGE + 100)

static char *shared, *twice, *constant, *dest, *part;
static int segment, removed;

/* A field of the line of /proc/self/maps that begins with this address. */
static unsigned long inode_at(const void *at, char *name)
{
	static char maps[65536];
	unsigned long start, inode;
	char *line, *rest = maps;

	read_file("/proc/self/maps", maps, sizeof(maps));
	while ((line = strsep(&rest, "\n")))
		if (sscanf(line, "%lx-%*x %*s %*s %*s %lu %63s", &start, &inode, name) >= 2 &&
		    start == (unsigned long)at)
			return inode;
	return 0;
}

static int creates(void *id)
{
	*(int *)id = sure(shmget(IPC_PRIVATE, 3 * PAGE, 0600));
	return 0;
}

static int attached(void *unused)
{
	tell("child");
	await_go();
	expect(!strcmp(shared, "from the parent"), "content in a child");
	strcpy(shared + PAGE, "from the child");
	expect(!strcmp(dest, "removed"), "a removed segment in a child");
	tell("written");
	await("looked");
	(void)unused;
	return 0;
}

int main(int argc, char **argv)
{
	int idle, *by_dead = map_anon(PAGE, MAP_SHARED), again;
	struct shmid_ds before, after, ds;
	char name[64] = "", *late;
	pid_t pid, dead;
	bool spoil;

	payload_begin(argc, argv);
	sure(shmctl(sure(shmget(IPC_PRIVATE, PAGE, 0600)), IPC_RMID, NULL));
	segment = sure(shmget(0x5a5a, ODD, IPC_CREAT | 0640));
	shared = sure(shmat(segment, NULL, 0));
	twice = sure(shmat(segment, NULL, 0));
	constant = sure(shmat(segment, NULL, SHM_RDONLY));
	strcpy(shared, "from the parent");
	shared[ODD - 1] = 'z';
	shared[6 * PAGE - 1] = 'y';

	idle = sure(shmget(IPC_PRIVATE, 2 * PAGE, 0600));
	part = sure(shmat(idle, NULL, 0));
	strcpy(part + PAGE, "not attached");
	sure(shmdt(part));
	removed = sure(shmget(0x6b6b, PAGE, IPC_CREAT | 0600));
	dest = sure(shmat(removed, NULL, 0));
	strcpy(dest, "removed");
	dead = child(creates, by_dead);
	reap(dead);
	part = sure(shmat(*by_dead, NULL, 0));
	part[2 * PAGE] = 'p';
	/* The middle of it is not there any more, and the end is read only. */
	sure(munmap(part + PAGE, PAGE));
	sure(mprotect(part + 2 * PAGE, PAGE, PROT_READ));
	pid = child(attached, NULL);
	await("child");
	sure(shmctl(removed, IPC_RMID, NULL));
	sure(shmctl(segment, IPC_STAT, &before));
	before.shm_perm.uid = 1000;
	before.shm_perm.gid = 1001;
	sure(shmctl(segment, IPC_SET, &before));
	sure(shmctl(segment, IPC_STAT, &before));

	spoil = pause_here();
	if (spoil)
		shared[ODD - 1] = 'x';
	expect_eq(shmget(0x5a5a, 1, 0), segment, "identifier by key");
	sure(shmctl(segment, IPC_STAT, &after));
	expect_eq(after.shm_segsz, ODD, "size");
	expect(after.shm_perm.uid == 1000 && after.shm_perm.gid == 1001, "owner");
	expect_eq(after.shm_perm.mode, 0640, "permissions");
	expect_eq(after.shm_nattch, before.shm_nattch, "how often it is attached");
	expect_eq(after.shm_cpid, getpid(), "who has created it");
	expect_eq(after.shm_lpid, before.shm_lpid, "who has attached it last");
	expect(after.shm_atime == before.shm_atime && after.shm_dtime == before.shm_dtime &&
	       after.shm_ctime == before.shm_ctime, "times");
	expect_eq(inode_at(shared, name), segment, "inode number in maps");
	expect(!strcmp(name, "/SYSV00005a5a"), "name in maps: %s", name);

	await("written");
	tell("looked");
	reap(pid);
	expect(!strcmp(twice, "from the parent"), "content, attached twice");
	expect(!strcmp(constant + PAGE, "from the child"), "what a child writes now");
	expect(twice[ODD - 1] == 'z' && twice[6 * PAGE - 1] == 'y', "its last page");
	expect_eq(mprotect(constant, PAGE, PROT_READ | PROT_WRITE), -1, "attached to read only");

	expect(!strcmp(dest, "removed"), "a removed segment");
	sure(shmctl(removed, IPC_STAT, &ds));
	expect((ds.shm_perm.mode & 01000) && ds.shm_perm.__key == IPC_PRIVATE, "it goes at the end");
	expect_errno(shmget(0x6b6b, 1, 0), ENOENT, "it cannot be found by its key");
	inode_at(dest, name);
	expect(!strcmp(name, "/SYSV00006b6b"), "but has it in its name: %s", name);
	sure(shmdt(dest));
	expect_errno(shmctl(removed, IPC_STAT, &ds), EINVAL, "it is gone");

	sure(shmctl(*by_dead, IPC_STAT, &ds));
	expect_eq(ds.shm_cpid, dead, "number of a dead creator");
	expect_eq(part[2 * PAGE], 'p', "what is left of one that was attached");
	expect_eq(ds.shm_nattch, 2, "it is attached in two parts");
	sure(shmdt(part));
	expect_eq(mprotect(part + 2 * PAGE, PAGE, PROT_READ), -1, "detached as a whole");

	late = sure(shmat(idle, NULL, 0));
	expect(!strcmp(late + PAGE, "not attached"), "content of one that nobody had attached");
	sure(shmctl(segment, IPC_STAT, &before));
	sure(shmdt(twice));
	sure(shmctl(segment, IPC_STAT, &after));
	expect_eq(after.shm_nattch, before.shm_nattch - 1, "detached once");
	again = sure(shmget(IPC_PRIVATE, PAGE, 0600));
	expect(again != removed, "a new identifier");
	return payload_end();
}
