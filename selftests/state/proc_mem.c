// SPDX-License-Identifier: GPL-2.0
/*
 * Memory of processes as files, /proc/PID/mem: of a child, of a thread of it, of
 * itself; shared with a child; with an offset, also one that is no address of
 * user space; in a table that only a thread has.
 */
#include "payload.h"
#include <pthread.h>
#include <sched.h>

#define FAR	0xffffffff80000000UL

static volatile long value = 1;
static long *page;
static pid_t tid_of_other;

static void *other(void *unused)
{
	tid_of_other = gettid();
	tell("thread");
	while (access(file_at("go"), F_OK))
		sleep_ms(50);
	return unused;
}

/* Has another value than its parent at the same address. */
static int looked_at(void *unused)
{
	pthread_t thread;
	char text[32];

	(void)unused;
	value = 2;
	sure(-pthread_create(&thread, NULL, other, NULL));
	await("thread");
	snprintf(text, sizeof(text), "%d", tid_of_other);
	write_file(file_at("number"), O_CREAT | O_TRUNC, text);
	tell("numbered");
	await("poked");
	expect_eq(value, 3, "value that was written to a child");
	pthread_join(thread, NULL);
	return 0;
}

static int open_mem(int flags, const char *format, int pid, int tid)
{
	char path[64];

	snprintf(path, sizeof(path), format, pid, tid);
	return sure(open(path, flags));
}

static long read_at(int fd, volatile void *at)
{
	long got = -1;

	return pread(fd, &got, sizeof(got), (off_t)at) == sizeof(got) ? got : -1;
}

static bool write_at(int fd, volatile void *at, long number)
{
	return pwrite(fd, &number, sizeof(number), (off_t)at) == sizeof(number);
}

static void expect_name(int fd, const char *format, int pid, int tid)
{
	char link[64], path[64], got[128] = "";

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	snprintf(path, sizeof(path), format, pid, tid);
	sure(readlink(link, got, sizeof(got) - 1));
	expect(!strcmp(got, path), "name of descriptor %d: %s, wanted %s", fd, got, path);
}

/* A thread with descriptors of its own. */
static int own_fd;

static void *alone(void *unused)
{
	sure(unshare(CLONE_FILES));
	own_fd = open_mem(O_RDONLY, "/proc/%d/mem", getpid(), 0);
	tell("alone");
	await("look");
	expect_eq(read_at(own_fd, &value), 1, "read through a descriptor of one thread");
	return unused;
}

/* Has the description that its parent has, too. */
static int sharer(void *fd)
{
	await("look");
	expect_eq(lseek((long)fd, 8, SEEK_CUR), (long)page + 8, "shared offset");
	tell("moved");
	return 0;
}

int main(int argc, char **argv)
{
	int of_child, of_thread, of_self, far, cloexec;
	pid_t pid, with;
	pthread_t thread;
	char text[32];
	bool spoil;

	payload_begin(argc, argv);
	page = map_anon(PAGE, MAP_PRIVATE);
	pid = child(looked_at, NULL);
	await("numbered");
	sure(read_file(file_at("number"), text, sizeof(text)));

	of_child = open_mem(O_RDWR, "/proc/%d/mem", pid, 0);
	sure(lseek(of_child, (off_t)page, SEEK_SET));
	of_thread = open_mem(O_RDONLY | O_NONBLOCK, "/proc/%d/task/%d/mem", pid, atoi(text));
	of_self = open_mem(O_RDWR, "/proc/%d/mem", getpid(), 0);
	far = open_mem(O_RDWR, "/proc/%d/task/%d/mem", pid, pid);
	lseek(far, FAR, SEEK_SET);
	sure(fcntl(far, F_SETOWN, getpid()));
	cloexec = sure(fcntl(of_child, F_DUPFD_CLOEXEC, 100));
	with = child(sharer, (void *)(long)of_child);
	sure(-pthread_create(&thread, NULL, alone, NULL));
	await("alone");

	spoil = pause_here();
	if (spoil) {
		sure(lseek(of_child, 0, SEEK_SET));
		sure(dup2(of_child, of_thread));
	}
	expect_name(of_child, "/proc/%d/mem", pid, 0);
	expect_name(of_thread, "/proc/%d/task/%d/mem", pid, atoi(text));
	expect_eq(read_at(of_child, &value), 2, "value of a child");
	expect_eq(read_at(of_thread, &value), 2, "value of the child, by its thread");
	expect_eq(read_at(of_self, &value), 1, "own value");
	expect_eq(fcntl(of_thread, F_GETFL) & (O_ACCMODE | O_NONBLOCK), O_NONBLOCK, "flags");
	expect_eq(fcntl(cloexec, F_GETFD), FD_CLOEXEC, "close-on-exec of a duplicate");
	expect_eq(lseek(far, 0, SEEK_CUR), FAR, "offset beyond user space");
	expect_eq(fcntl(far, F_GETOWN), getpid(), "owner");
	expect(write_at(of_child, &value, 3), "write to a child");
	expect(!write_at(of_thread, &value, 5) || spoil, "write to what was opened for reading");
	tell("poked");
	expect_eq(lseek(of_child, 0, SEEK_CUR), (long)page, "offset");
	tell("look");
	await("moved");
	expect_eq(lseek(cloexec, 0, SEEK_CUR), (long)page + 8, "offset, shared");
	pthread_join(thread, NULL);
	reap(with);
	reap(pid);
	expect_eq(read_at(of_child, &value), -1, "memory of a dead process");
	return payload_end();
}
