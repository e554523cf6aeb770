// SPDX-License-Identifier: GPL-2.0
/*
 * Files of processes in /proc: read to the end, in part, or not at all; of a child, of a
 * thread, of a dead child, of itself; mappings and mounts, whether poll(2) and epoll have
 * to tell of a change of the latter; written to afterwards.
 */
#include "made_up.h"
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#define MANY	4096
#define MAPPINGS 400
#define WORDS	"of the child"

static pid_t tid_of_other;

static void *other(void *unused)
{
	prctl(PR_SET_NAME, "a thread");
	tid_of_other = gettid();
	tell("thread");
	await("done");
	return unused;
}

static int waits(void *unused)
{
	(void)unused;
	prctl(PR_SET_NAME, WORDS);
	tell("child");
	await("done");
	return 0;
}

static int ends(void *unused)
{
	(void)unused;
	return 3;
}

static int open_of(pid_t pid, const char *name, int flags)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	return sure(open(path, flags));
}

static void reads(int fd, const char *wanted, const char *what)
{
	char text[256] = "";

	read_all(fd, text, sizeof(text) - 1);
	expect(!strcmp(text, wanted), "%s: \"%s\", wanted \"%s\"", what, text, wanted);
}

/* Mounts, and takes away again. */
static void change_mounts(void)
{
	sure(mount("tmpfs", file_at("mount"), "tmpfs", 0, NULL));
	sure(umount(file_at("mount")));
}

/* So many that their list is longer than what is made up for one read. */
static void make_mappings(void)
{
	char *all = mmap(NULL, MAPPINGS * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	expect(all != MAP_FAILED, "mappings");
	for (int i = 0; i < MAPPINGS; i += 2)
		sure(mprotect(all + i * PAGE, PAGE, PROT_READ));
}

int main(int argc, char **argv)
{
	static char maps[64 * MANY], text[64 * MANY];
	int comm, part, cmdline, of_thread, dead, map, end, score, told, untold, watched, events, ids, groups;
	struct epoll_event event = { .events = EPOLLPRI | EPOLLET };
	char line[32];
	pthread_t thread;
	pid_t pid, zombie;
	size_t len;

	payload_begin(argc, argv);
	make_mappings();
	pid = child(waits, NULL);
	await("child");
	zombie = child(ends, NULL);
	sure(waitid(P_PID, zombie, NULL, WEXITED | WNOWAIT));
	sure(-pthread_create(&thread, NULL, other, NULL));
	await("thread");
	sure(mkdir(file_at("mount"), 0755));

	comm = open_of(pid, "comm", O_RDONLY);
	part = open_of(getpid(), "status", O_RDONLY);
	expect_eq(read(part, line, 5), 5, "the first bytes of status");
	cmdline = open_of(getpid(), "cmdline", O_RDONLY);
	sure((int)lseek(cmdline, 3, SEEK_SET));
	snprintf(line, sizeof(line), "task/%d/comm", tid_of_other);
	of_thread = open_of(getpid(), line, O_RDWR);
	dead = open_of(zombie, "stat", O_RDONLY);
	end = open_of(pid, "limits", O_RDONLY);
	expect(read_all(end, text, sizeof(text)) > 500, "limits");
	score = open_of(pid, "oom_score_adj", O_RDWR);
	told = open_of(getpid(), "mountinfo", O_RDONLY);
	untold = open_of(getpid(), "mounts", O_RDONLY);
	watched = open_of(getpid(), "mounts", O_RDONLY);
	events = sure(epoll_create1(0));
	sure(epoll_ctl(events, EPOLL_CTL_ADD, watched, &event));
	change_mounts();
	expect(read_all(told, text, sizeof(text)) > 10, "mountinfo");
	expect(ready(told, 0) & POLLPRI, "the mounts have changed");
	ids = open_of(pid, "uid_map", O_RDONLY);
	expect_eq(read(ids, line, 12), 12, "the first bytes of uid_map");
	groups = open_of(getpid(), "setgroups", O_RDONLY);
	map = open_of(getpid(), "maps", O_RDONLY);
	read_all(map, maps, sizeof(maps));
	sure((int)lseek(map, 0, SEEK_SET));
	expect_eq(read_all(map, text, MANY + 100), MANY + 100, "the first mappings");

	if (pause_here()) {
		lseek(part, 0, SEEK_SET);
		lseek(end, 0, SEEK_SET);
		lseek(ids, 0, SEEK_SET);
		lseek(map, 0, SEEK_SET);
		ready(untold, 0);
	}

	reads(comm, WORDS "\n", "a file of a child");
	len = read_all(part, text, sizeof(text) - 1);
	text[len] = '\0';
	snprintf(line, sizeof(line), "\nPid:\t%d\n", getpid());
	expect(text[0] == '\t' && strstr(text, line), "the rest of status");
	reads(cmdline, argv[0] + 3, "a command line, from an offset");
	reads(of_thread, "a thread\n", "a file of a thread");
	expect_eq(write(of_thread, "renamed", 7), 7, "write to it");
	sure((int)lseek(of_thread, 0, SEEK_SET));
	reads(of_thread, "renamed\n", "the thread's new name");
	len = read_all(dead, text, sizeof(text) - 1);
	text[len] = '\0';
	expect(strstr(text, ") Z "), "a dead child: %s", text);
	reads(ids, "         0 4294967295\n" + 1, "the rest of uid_map");
	reads(groups, "allow\n", "setgroups");
	expect_eq(read(end, text, sizeof(text)), 0, "limits at their end");
	expect_eq(lseek(end, 0, SEEK_SET), 0, "back to the beginning");
	expect(read_all(end, text, sizeof(text)) > 500, "limits once more");
	expect_eq(pwrite(score, "17", 2, 0), 2, "write to oom_score_adj");
	reads(score, "17\n", "what was written");
	len = read_all(map, text, sizeof(text));
	expect(len == strlen(maps) - MANY - 100 && !memcmp(text, maps + MANY + 100, len),
	       "the rest of the mappings");

	expect_eq(read(told, text, sizeof(text)), 0, "mountinfo at its end");
	expect_eq(ready(told, 0) & POLLPRI, 0, "a change of mounts that was told");
	expect(ready(untold, 0) & POLLPRI, "one that was not");
	expect_eq(epoll_wait(events, &event, 1, 0), 1, "one that epoll has to tell");
	expect_eq(epoll_wait(events, &event, 1, 0), 0, "it is told once");
	expect(read_all(untold, text, sizeof(text)) > 10, "the mounts");
	write_file(file_at("go"), O_CREAT, "");
	tell("done");
	sure(-pthread_join(thread, NULL));
	reap(pid);
	expect_eq(waitpid(zombie, NULL, 0), zombie, "the dead child");
	return payload_end();
}
