// SPDX-License-Identifier: GPL-2.0
/*
 * Files of cgroups: of the container's own, which is another one after a restart, and
 * of another one. How far they were read; whether they have changed since; triggers of
 * pressure; who has opened them, and may do less than root.
 */
#include "made_up.h"
#include <linux/capability.h>
#include <stdlib.h>
#include <sys/fsuid.h>
#include <sys/stat.h>

#define ROOT	"/sys/fs/cgroup"
#define OTHER	ROOT "/cr-cgroup-files"
#define NOBODY	65534
#define BUSY	6
/* How cpu.stat begins. */
#define USAGE	"usage_usec "

static char own[300];

static int open_own(const char *name, int flags)
{
	char path[400];

	snprintf(path, sizeof(path), "%s/%s", own, name);
	return sure(open(path, flags));
}

static void find_own(void)
{
	char text[256], *at;

	sure((int)read_file("/proc/self/cgroup", text, sizeof(text)));
	at = strstr(text, "0::");
	expect(at, "a cgroup of version 2: %s", text);
	snprintf(own, sizeof(own), ROOT "%s", at ? at + 3 : "");
	own[strcspn(own, "\n")] = '\0';
}

static void set_trigger(int fd, const char *trigger)
{
	expect_eq(write(fd, trigger, strlen(trigger)), strlen(trigger), "trigger \"%s\"", trigger);
}

/* As somebody who must not have shorter windows than others. */
static int open_without_rights(const char *name)
{
	struct __user_cap_header_struct head = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct all[2], some[2];
	int fd;

	sure((int)syscall(SYS_capget, &head, all));
	memcpy(some, all, sizeof(some));
	some[0].effective &= ~(1U << CAP_SYS_RESOURCE);
	sure((int)syscall(SYS_capset, &head, some));
	fd = open_own(name, O_RDWR);
	sure((int)syscall(SYS_capset, &head, all));
	return fd;
}

static int open_as_nobody(const char *path)
{
	int fd;

	sure(chmod(path, 0666));
	setfsuid(NOBODY);
	fd = sure(open(path, O_WRONLY));
	setfsuid(0);
	return fd;
}

static int busy(void *unused)
{
	while (!unused)
		;
	return 0;
}

/* Until there was pressure so often. */
static void press(int fd, int times)
{
	pid_t pid[BUSY];

	for (int i = 0; i < BUSY; i++)
		pid[i] = child(busy, NULL);
	while (times--)
		expect(ready(fd, -1) & POLLPRI, "pressure");
	for (int i = 0; i < BUSY; i++) {
		kill(pid[i], SIGKILL);
		sure(waitpid(pid[i], NULL, 0));
	}
}

static int joins(void *round)
{
	write_file(OTHER "/cgroup.procs", 0, "0");
	tell(round);
	pause();
	return 0;
}

/* Somebody joins the other cgroup, and leaves it, which @fd tells, and nothing else. */
static void come_and_go(int fd, char *round)
{
	pid_t pid = child(joins, round);
	char text[100];

	await(round);
	expect(ready(fd, -1) & POLLPRI, "%s: somebody is there", round);
	sure((int)pread(fd, text, sizeof(text), 0));
	kill(pid, SIGKILL);
	sure(waitpid(pid, NULL, 0));
	expect(ready(fd, -1) & POLLPRI, "%s: nobody is there", round);
}

static long usage_of(void)
{
	int fd = open_own("cpu.stat", O_RDONLY);
	char text[64] = "";

	sure((int)read(fd, text, sizeof(text) - 1));
	close(fd);
	return atol(text + strlen(USAGE));
}

int main(int argc, char **argv)
{
	int changed, unchanged, fresh, other, part, first, second, without, weak, list, refused, end;
	char text[4096], number[20];
	long from, to, said;

	payload_begin(argc, argv);
	find_own();
	rmdir(OTHER);
	sure(mkdir(OTHER, 0755));
	changed = sure(open(OTHER "/cgroup.events", O_RDONLY));
	other = sure(open(OTHER "/cgroup.events", O_RDONLY));
	read_it(changed);
	read_it(other);
	come_and_go(other, "first");
	unchanged = sure(open(OTHER "/cgroup.events", O_RDONLY));
	fresh = sure(open(OTHER "/cgroup.events", O_RDONLY));
	end = sure(open(OTHER "/cgroup.max.depth", O_RDWR));
	read_it(unchanged);
	read_it(end);
	refused = open_as_nobody(OTHER "/cgroup.procs");
	expect_errno(write(refused, "0", 1), EACCES, "opened by nobody");

	part = open_own("cpu.stat", O_RDONLY);
	list = open_own("cgroup.procs", O_RDONLY);
	first = open_own("cpu.pressure", O_RDWR);
	second = open_own("cpu.pressure", O_RDWR | O_NONBLOCK);
	without = open_own("memory.pressure", O_RDWR);
	weak = open_without_rights("io.pressure");
	set_trigger(first, "some 1000 500000");
	set_trigger(second, "some 1000 500000");
	/* Twice, so that the other one has had time to notice it as well. */
	press(second, 2);
	from = usage_of();
	expect_eq(read(part, text, strlen(USAGE)), strlen(USAGE), "the first bytes of cpu.stat");
	to = usage_of();

	if (pause_here()) {
		read_it(changed);
		ready(first, 0);
		lseek(part, 0, SEEK_SET);
	}

	expect(ready(changed, 0) == (POLLPRI | POLLERR), "one that has changed since it was read");
	expect_eq(ready(unchanged, 0), 0, "one that has not");
	expect(ready(fresh, 0) == (POLLPRI | POLLERR), "one that was not read");
	expect_eq(ready(first, 0) & (POLLPRI | POLLERR), POLLPRI, "a trigger with an event");
	expect_errno(write(first, "some 1000 500000", 16), EBUSY, "its trigger");
	expect_errno(write(second, "some 1000 500000", 16), EBUSY, "the other trigger");
	expect(ready(without, 0) == (POLLPRI | POLLERR), "one without a trigger");
	expect_errno(write(weak, "some 1000 500000", 16), EINVAL, "opened without CAP_SYS_RESOURCE");
	set_trigger(weak, "full 1000000 2000000");
	set_trigger(without, "some 1000 500000");
	expect_eq(read(end, text, sizeof(text)), 0, "one at its end");
	expect_eq(fcntl(second, F_GETFL) & O_NONBLOCK, O_NONBLOCK, "O_NONBLOCK");

	memset(text, 0, sizeof(text));
	expect(read(part, text, sizeof(text) - 1) > 20, "the rest of cpu.stat");
	said = atol(text);
	expect(said >= from && said <= to, "usage: %ld, wanted %ld to %ld", said, from, to);

	memset(text, 0, sizeof(text));
	expect(read(list, text, sizeof(text) - 1) > 0, "tasks of the cgroup");
	snprintf(number, sizeof(number), "%d\n", getpid());
	expect(strstr(text, number), "this one is in it: %s", text);
	expect_errno(write(refused, "0", 1), EACCES, "still opened by nobody");
	press(second, 1);

	come_and_go(unchanged, "second");
	sure(rmdir(OTHER));
	return payload_end();
}
