// SPDX-License-Identifier: GPL-2.0
/* Files of cgroups of which the kernel knows more than can be said again. */
#include "cases.h"
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/stat.h>

static char own[300];

static const char *path_of(const char *name)
{
	static char path[400];
	char text[256], *at;

	sure((int)read_file("/proc/self/cgroup", text, sizeof(text)));
	at = strstr(text, "0::");
	snprintf(own, sizeof(own), "/sys/fs/cgroup%s", at ? at + 3 : "");
	own[strcspn(own, "\n")] = '\0';
	snprintf(path, sizeof(path), "%s/%s", own, name);
	return path;
}

static int fd;

static void open_own(const char *name, int flags)
{
	fd = need(open(path_of(name), flags));
}

static void make_list(void)
{
	char text[4096];

	open_own("cgroup.procs", O_RDONLY);
	sure((int)read(fd, text, sizeof(text)));
}


static void make_peak(void)
{
	open_own("memory.peak", O_RDWR);
	sure((int)write(fd, "x", 1));
}

static void make_namespace(void)
{
	int here = sure(open("/proc/self/ns/cgroup", O_RDONLY));

	sure(unshare(CLONE_NEWCGROUP));
	open_own("memory.pressure", O_RDONLY);
	sure(setns(here, CLONE_NEWCGROUP));
	close(here);
}

static int opens(void *unused)
{
	(void)unused;
	path_of("");
	sure(unshare(CLONE_NEWUSER));
	open_own("memory.pressure", O_RDONLY);
	return 0;
}

/* By a child that has the same descriptors. */
static void make_opener(void)
{
	static char stack[1 << 16] __attribute__((aligned(16)));
	int status;
	pid_t pid = sure(clone(opens, stack + sizeof(stack), CLONE_FILES | SIGCHLD, NULL));

	sure(waitpid(pid, &status, 0));
	expect_eq(status, 0, "the child");
}

static void make_groups(void)
{
	struct __user_cap_header_struct head = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct all[2], some[2];
	gid_t groups[] = { 5, 6 };

	sure(setgroups(2, groups));
	sure((int)syscall(SYS_capget, &head, all));
	memcpy(some, all, sizeof(some));
	some[0].effective &= ~(1U << CAP_DAC_OVERRIDE);
	sure((int)syscall(SYS_capset, &head, some));
	open_own("cgroup.procs", O_WRONLY);
	sure((int)syscall(SYS_capset, &head, all));
	sure(setgroups(0, NULL));
}

static void make_removed(void)
{
	char path[400];

	snprintf(path, sizeof(path), "%s", path_of("removed"));
	need(mkdir(path, 0755));
	open_own("removed/cgroup.events", O_RDONLY);
	sure(rmdir(path));
}

static const struct case_ cases[] = {
	{ "list", "is a list of tasks that was read in part", make_list, NULL },
	{ "peak", "tells of a peak since it was written to", make_peak, NULL },
	{ "namespace", "was opened in another cgroup namespace", make_namespace, NULL },
	{ "opener", "was opened in another user namespace", make_opener, NULL },
	{ "groups", "was opened to move tasks by somebody with supplementary groups", make_groups, NULL },
	{ "removed", "file cgroup.events was removed", make_removed, NULL },
};

int main(int argc, char **argv)
{
	return run_cases(argc, argv, cases, ARRAY_SIZE(cases));
}
