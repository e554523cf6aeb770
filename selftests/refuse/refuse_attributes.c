// SPDX-License-Identifier: GPL-2.0
/* What else tasks may have that is not supported, or need not be. */
#include "cases.h"
#include <linux/keyctl.h>
#include <linux/perf_event.h>
#include <linux/sched.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>

/* Newer than the headers of the C library may be. */
#define CLONE_AUTOREAP_			(1ULL << 34)
#define PR_SCHED_CORE_			62
#define PR_SCHED_CORE_CREATE_		1
#define PR_RSEQ_SLICE_EXTENSION_	79
#define PR_RSEQ_SLICE_EXTENSION_SET_	2
#define PR_RSEQ_SLICE_EXT_ENABLE_	1
#define VHOST_SET_OWNER_		_IO(0xaf, 1)

static void live(void)
{
	for (;;)
		sleep_ms(10);
}

static void make_autoreap(void)
{
	struct clone_args args = { .flags = CLONE_AUTOREAP_ };

	if (!need(syscall(SYS_clone3, &args, sizeof(args)))) {
		tell("child");
		live();
	}
	await("child");
}

static void make_core_cookie(void)
{
	need(prctl(PR_SCHED_CORE_, PR_SCHED_CORE_CREATE_, 0, 0, 0));
}

static void make_rseq_slice(void)
{
	need(prctl(PR_RSEQ_SLICE_EXTENSION_, PR_RSEQ_SLICE_EXTENSION_SET_,
		   PR_RSEQ_SLICE_EXT_ENABLE_, 0, 0));
}

static void make_user_events(void)
{
	struct {
		uint32_t size;
		uint8_t bit, width;
		uint16_t flags;
		uint64_t enable, name;
		uint32_t index;
	} __attribute__((packed)) event = { .size = sizeof(event), .width = 4 };
	static uint32_t enabled;
	int fd;

	mount("tracefs", "/sys/kernel/tracing", "tracefs", 0, NULL);
	fd = need(open("/sys/kernel/tracing/user_events_data", O_RDWR | O_CLOEXEC));
	event.enable = (uintptr_t)&enabled;
	event.name = (uintptr_t)"cr_test u32 value";
	need(ioctl(fd, _IOWR('*', 0, void *), &event));
}

static int perf(struct perf_event_attr *attr, pid_t pid, int cpu)
{
	attr->size = sizeof(*attr);
	return syscall(SYS_perf_event_open, attr, pid, cpu, -1, PERF_FLAG_FD_CLOEXEC);
}

/* Children are counted too. */
static void make_perf(void)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE, .config = PERF_COUNT_SW_PAGE_FAULTS, .inherit = 1,
	};

	need(perf(&attr, 0, -1));
	if (!sure(fork()))
		live();
}

__attribute__((noinline)) static int probed(int n)
{
	asm volatile("" : "+r"(n));
	return n + 1;
}

/* Who has hit a probe keeps what that takes when the probe has gone. */
static void make_uprobe(void)
{
	struct perf_event_attr attr = { 0 };
	unsigned long start, end, offset;
	char text[64], line[512];
	FILE *file;

	if (read_file("/sys/bus/event_source/devices/uprobe/type", text, sizeof(text)) <= 0)
		need(-1);
	attr.type = atoi(text);
	file = sure(fopen("/proc/self/maps", "r"));
	while (fgets(line, sizeof(line), file)) {
		sscanf(line, "%lx-%lx %*s %lx", &start, &end, &offset);
		if (start <= (unsigned long)probed && (unsigned long)probed < end)
			break;
	}
	fclose(file);
	line[strcspn(line, "\n")] = 0;
	attr.config1 = (uintptr_t)strchr(line, '/');
	attr.config2 = (unsigned long)probed - start + offset;
	/* Of processors, not of a task, which would be counted. */
	need(perf(&attr, -1, 0));
	for (int cpu = 1; perf(&attr, -1, cpu) >= 0; cpu++)
		;
	probed(1);
	close_range(3, ~0U, 0);
}

static void make_label(void)
{
	int fd;

	/* What is in another name space of policies has another label, even without a policy. */
	mount("securityfs", "/sys/kernel/security", "securityfs", 0, NULL);
	mkdir("/sys/kernel/security/apparmor/policy/namespaces/cr", 0755);
	fd = need(open("/proc/self/attr/apparmor/current", O_WRONLY | O_CLOEXEC));
	need((int)write(fd, "changeprofile :cr://unconfined", 30));
	close(fd);
}

static void make_thread_keyring(void)
{
	sure(syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_THREAD_KEYRING, 1));
}

static void make_process_keyring(void)
{
	sure(syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_PROCESS_KEYRING, 1));
}

/* It makes a thread of the kernel, which belongs to the process. */
static void make_worker(void)
{
	int fd = need(open("/dev/vhost-net", O_RDWR | O_CLOEXEC));

	need(ioctl(fd, VHOST_SET_OWNER_));
}

static char inner[400];

static void *move(void *unused)
{
	char path[500];

	snprintf(path, sizeof(path), "%s/cgroup.threads", inner);
	write_file(path, 0, "0");
	tell("child");
	live();
	return unused;
}

static void make_thread_cgroup(void)
{
	char text[256], path[500], *at;
	pthread_t thread;

	sure((int)read_file("/proc/self/cgroup", text, sizeof(text)));
	at = strstr(text, "0::");
	at[strcspn(at, "\n")] = 0;
	snprintf(inner, sizeof(inner), "/sys/fs/cgroup%s/threads", at + 3);
	need(mkdir(inner, 0755));
	snprintf(path, sizeof(path), "%s/cgroup.type", inner);
	write_file(path, 0, "threaded");
	sure(pthread_create(&thread, NULL, move, NULL));
	await("child");
}

static const struct case_ cases[] = {
	{ "autoreap", "pid 2 .*reaped automatically", make_autoreap, NULL },
	{ "core-cookie", "core scheduling cookie", make_core_cookie, NULL },
	{ "rseq-slice", "time slice extensions", make_rseq_slice, NULL },
	{ "user-events", "user events", make_user_events, NULL },
	{ "counted", "counted by perf events", make_perf, NULL },
	{ "uprobe", "uprobes", make_uprobe, NULL },
	{ "label", "security label", make_label, NULL },
	{ "thread-keyring", "keyrings of its own", make_thread_keyring, NULL },
	{ "process-keyring", "keyrings of its own", make_process_keyring, NULL },
	{ "worker", "worker thread of the kernel", make_worker, NULL },
	{ "thread-cgroup", "cgroup", make_thread_cgroup, NULL },
};

int main(int argc, char **argv)
{
	return run_cases(argc, argv, cases, ARRAY_SIZE(cases));
}
