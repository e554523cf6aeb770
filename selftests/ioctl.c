// SPDX-License-Identifier: GPL-2.0
/*
 * The ioctls of /dev/cr, used directly: what they do, and what they refuse.
 *
 * The container is a child in a pid namespace of its own, which ends with exit
 * status 42 when it finds its memory as it was and a file called "go".
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/cr.h>
#include <linux/cr_image.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>
#include "ktap.h"

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define PAGES		50
#define NOWHERE		((void *)0x10)

static int dev;
static char dir[] = "/tmp/ioctl.XXXXXX", go[64], image_path[64];

static void fatal(const char *what)
{
	printf("Bail out! %s: %s\n", what, strerror(errno));
	exit(1);
}

static int contained(void *unused)
{
	static unsigned long memory[PAGES * 512];

	/* Nothing may be shared with the outside. */
	setsid();
	close_range(0, ~0U, 0);
	for (size_t i = 0; i < ARRAY_SIZE(memory); i++)
		memory[i] = i * 0x9e3779b97f4a7c15UL;
	while (access(go, F_OK))
		if (usleep(5000))
			_exit(1);
	for (size_t i = 0; i < ARRAY_SIZE(memory); i++)
		if (memory[i] != i * 0x9e3779b97f4a7c15UL)
			_exit(2);
	(void)unused;
	_exit(getpid() == 1 ? 42 : 3);
}

static pid_t start_container(void)
{
	static char stack[65536] __attribute__((aligned(16)));
	pid_t pid = clone(contained, stack + sizeof(stack),
			  CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWIPC | SIGCHLD, NULL);

	if (pid < 0)
		fatal("clone");
	usleep(200000);
	return pid;
}

static bool alive(pid_t pid)
{
	return waitpid(pid, NULL, WNOHANG) == 0;
}

static bool alive_somewhere(pid_t pid)
{
	return !kill(pid, 0);
}

static int exit_status(pid_t pid)
{
	int status = -1;

	if (waitpid(pid, &status, 0) != pid)
		return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static struct cr_checkpoint checkpoint_args(pid_t pid, int image)
{
	return (struct cr_checkpoint){
		.size = sizeof(struct cr_checkpoint),
		.pid = pid,
		.pidfd = -1,
		.image_fd = image,
		.log_fd = -1,
	};
}

static struct cr_restart restart_args(int image)
{
	return (struct cr_restart){
		.size = sizeof(struct cr_restart),
		.image_fd = image,
		.log_fd = -1,
		.root_fd = -1,
		.cgroup_fd = -1,
	};
}

/* 0, or the error number. */
static int call(unsigned long cmd, void *arg)
{
	errno = 0;
	return ioctl(dev, cmd, arg) ? errno : 0;
}

static void check_call(const char *what, unsigned long cmd, void *arg, int wanted)
{
	int got = call(cmd, arg);

	check(got == wanted, "%s: %s%s%s", what, got ? strerrorname_np(got) : "0",
	      got == wanted ? "" : ", wanted ", got == wanted ? "" : wanted ? strerrorname_np(wanted) : "0");
}

/* The rules for structures that grow are the same for all. */
static void test_sizes(const char *name, unsigned long cmd, const void *good, size_t size, int result)
{
	static union {
		uint32_t size;
		char bytes[8192];
	} arg;
	char *edge, what[80];

	memcpy(&arg, good, size);
	arg.size = size + 64;
	snprintf(what, sizeof(what), "%s: longer, the rest is zero", name);
	check_call(what, cmd, &arg, result);
	memcpy(&arg, good, size);
	arg.size = size + 64;
	arg.bytes[size + 63] = 1;
	snprintf(what, sizeof(what), "%s: longer, the rest is not zero", name);
	check_call(what, cmd, &arg, E2BIG);
	memset(&arg, 0, sizeof(arg));
	snprintf(what, sizeof(what), "%s: size 0", name);
	check_call(what, cmd, &arg, EINVAL);
	arg.size = 4;
	snprintf(what, sizeof(what), "%s: size 4", name);
	check_call(what, cmd, &arg, EINVAL);
	arg.size = 5000;
	snprintf(what, sizeof(what), "%s: size 5000", name);
	check_call(what, cmd, &arg, E2BIG);
	arg.size = ~0U;
	snprintf(what, sizeof(what), "%s: size 2^32 - 1", name);
	check_call(what, cmd, &arg, E2BIG);
	snprintf(what, sizeof(what), "%s: bad address", name);
	check_call(what, cmd, NOWHERE, EFAULT);
	snprintf(what, sizeof(what), "%s: address of the kernel", name);
	check_call(what, cmd, (void *)0xffffffff81000000UL, EFAULT);
	edge = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	munmap(edge + 4096, 4096);
	*(uint32_t *)(edge + 4096 - 8) = size;
	snprintf(what, sizeof(what), "%s: the end cannot be read", name);
	check_call(what, cmd, edge + 4096 - 8, EFAULT);
	munmap(edge, 4096);
}

static void test_info(void)
{
	struct cr_info info = { .size = sizeof(info) }, small = { .size = 12 };
	char release[65] = "";
	FILE *file = fopen("/proc/sys/kernel/osrelease", "re");

	check_call("INFO", CR_IOC_INFO, &info, 0);
	check(info.abi_version == CR_ABI_VERSION, "ABI version");
	check(info.format_version == 1, "format version");
	check(info.xfeatures & 3 && info.xstate_size >= 576, "extended state: %#llx, %u bytes",
	      (unsigned long long)info.xfeatures, info.xstate_size);
	check(info.flags & CR_INFO_CAPABLE, "this process is capable");
	if (!file || !fgets(release, sizeof(release), file))
		fatal("osrelease");
	fclose(file);
	release[strcspn(release, "\n")] = 0;
	check(!strcmp((char *)info.kernel_release, release), "kernel release");
	check_call("INFO for an older program", CR_IOC_INFO, &small, 0);
	check(small.abi_version == CR_ABI_VERSION && !small.flags && !small.xfeatures,
	      "no more is written than it has asked for");
	check(small.size == 12, "the size stays");
	check_call("unknown ioctl", _IO(CR_IOC_MAGIC, 99), &info, ENOTTY);
	test_sizes("INFO", CR_IOC_INFO, &info, sizeof(info), 0);
}

static void test_bad_checkpoint(pid_t pid)
{
	int null = open("/dev/null", O_RDWR), readonly = open("/dev/null", O_RDONLY), directory = open("/", O_RDONLY);
	int image = open(image_path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	struct cr_section section = { .name = "x", .addr = (uintptr_t)NOWHERE, .len = 100 };
	struct cr_checkpoint args, good = checkpoint_args(pid, image);
	pid_t plain = fork();

	if (!plain) {
		for (;;)
			pause();
	}
#define BAD(what, wanted, ...)						\
	do {								\
		args = good;						\
		__VA_ARGS__;						\
		check_call("CHECKPOINT: " what, CR_IOC_CHECKPOINT, &args, wanted); \
	} while (0)
	BAD("unknown flag", EINVAL, args.flags = 0x80000000);
	BAD("reserved member", EINVAL, args.reserved = 1);
	BAD("another reserved member", EINVAL, args.reserved2 = 1);
	BAD("nobody to confirm", EBADF, args.flags = CR_CHECKPOINT_CONFIRM, args.confirm_fd = 999);
	BAD("a parent that never was", ESTALE, args.flags = CR_CHECKPOINT_INCREMENT, args.parent[0] = 1);
	BAD("no image descriptor", EBADF, args.image_fd = 999);
	BAD("image descriptor -1", EBADF, args.image_fd = -1);
	BAD("image descriptor cannot be written", EBADF, args.image_fd = readonly);
	BAD("image descriptor is a directory", EBADF, args.image_fd = directory);
	BAD("no log descriptor", EBADF, args.log_fd = 999);
	BAD("log descriptor cannot be written", EBADF, args.log_fd = readonly);
	BAD("no process", ESRCH, args.pid = 4000000);
	BAD("negative pid", EINVAL, args.pid = -1);
	BAD("neither pid nor pidfd", EINVAL, args.pid = 0);
	BAD("not a pidfd", EBADF, args.pid = 0, args.pidfd = null);
	BAD("both pid and pidfd", EINVAL, args.pidfd = null);
	BAD("process that is no init", EINVAL, args.pid = plain);
	BAD("caller itself", EINVAL, args.pid = getpid());
	BAD("init of the machine", EINVAL, args.pid = 1);
	BAD("too many externals", EINVAL, args.nr_externals = CR_MAX_EXTERNALS + 1);
	BAD("externals at a bad address", EFAULT, args.nr_externals = 1, args.externals = (uintptr_t)NOWHERE);
	BAD("too many sections", EINVAL, args.nr_sections = CR_MAX_SECTIONS + 1);
	BAD("sections at a bad address", EFAULT, args.nr_sections = 1, args.sections = (uintptr_t)NOWHERE);
	BAD("section at a bad address", EFAULT, args.nr_sections = 1, args.sections = (uintptr_t)&section);
	section.len = CR_MAX_SECTION_LEN + 1;
	BAD("section that is too long", EINVAL, args.nr_sections = 1, args.sections = (uintptr_t)&section);
	section.len = UINT64_MAX;
	BAD("section of 2^64 - 1 bytes", EINVAL, args.nr_sections = 1, args.sections = (uintptr_t)&section);
#undef BAD
	check(lseek(image, 0, SEEK_END) == 0, "nothing was written");
	check(alive(pid), "the container lives");
	test_sizes("CHECKPOINT", CR_IOC_CHECKPOINT, &good, sizeof(good), 0);
	check(alive(pid), "the container lives");
	kill(plain, SIGKILL);
	exit_status(plain);
	close(null), close(readonly), close(directory), close(image);
}

/* Copies one descriptor to another in a child; the parent's ends are closed. */
static pid_t copier(int from, int to, int close_too)
{
	char buf[4000];
	pid_t pid = fork();
	ssize_t n;

	if (!pid) {
		close(close_too);
		while ((n = read(from, buf, sizeof(buf))) > 0)
			if (write(to, buf, n) != n)
				_exit(1);
		_exit(n != 0);
	}
	return pid;
}

static void checkpoint_to_pipe(pid_t pid, __u32 flags, const struct cr_section *section)
{
	int ends[2], image = open(image_path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	struct cr_checkpoint args;
	struct stat st;
	pid_t reader;

	if (pipe(ends))
		fatal("pipe");
	reader = copier(ends[0], image, ends[1]);
	close(ends[0]);
	args = checkpoint_args(pid, ends[1]);
	args.flags = flags;
	args.log_fd = STDERR_FILENO;
	if (section) {
		args.sections = (uintptr_t)section;
		args.nr_sections = 1;
	}
	check_call("CHECKPOINT to a pipe", CR_IOC_CHECKPOINT, &args, 0);
	close(ends[1]);
	check(exit_status(reader) == 0, "all of it was read");
	fstat(image, &st);
	check(args.stats.image_bytes == (__u64)st.st_size, "image: %llu bytes", args.stats.image_bytes);
	check(args.stats.nr_tasks == 1, "tasks: %llu", args.stats.nr_tasks);
	check(args.stats.pages_written >= PAGES, "pages: %llu", args.stats.pages_written);
	check(args.stats.frozen_time > 0, "frozen: %llu us", args.stats.frozen_time);
	close(image);
}

/* The container is killed only when somebody says that the image is safe. */
static void test_confirmation(pid_t pid)
{
	int ends[2], image = open(image_path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	struct cr_checkpoint args = checkpoint_args(pid, image);
	pid_t other;
	char byte;

	args.flags = CR_CHECKPOINT_KILL | CR_CHECKPOINT_CONFIRM;
	for (int confirm = 0; confirm < 2; confirm++) {
		if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends))
			fatal("socketpair");
		other = fork();
		if (!other) {
			close(ends[0]);
			if (read(ends[1], &byte, 1) != 1 || !alive_somewhere(pid))
				_exit(1);
			usleep(100000);
			_exit(confirm && write(ends[1], "", 1) != 1);
		}
		close(ends[1]);
		args.confirm_fd = ends[0];
		check_call(confirm ? "CHECKPOINT, confirmed" : "CHECKPOINT, not confirmed",
			   CR_IOC_CHECKPOINT, &args, confirm ? 0 : ECANCELED);
		check(exit_status(other) == 0, "it was asked for, while the container lived");
		if (!confirm)
			check(alive(pid), "the container lives");
		close(ends[0]);
	}
	check(exit_status(pid) == 128 + SIGKILL, "the container was killed");
	close(image);
}

/* What an image that has a parent lacks, the kernel does not know. */
static void test_increment(pid_t pid)
{
	int image = open(image_path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	struct cr_checkpoint args = checkpoint_args(pid, image);
	struct cr_restart restart = restart_args(image);
	struct cr_img_container container;
	struct cr_img_record record;

	args.flags = CR_CHECKPOINT_TRACK;
	check_call("CHECKPOINT, of which changes are noted", CR_IOC_CHECKPOINT, &args, 0);
	if (pread(image, &record, sizeof(record), sizeof(struct cr_img_header)) != sizeof(record) ||
	    record.tag != CR_TAG_CONTAINER ||
	    pread(image, &container, sizeof(container), sizeof(struct cr_img_header) + sizeof(record)) !=
		    sizeof(container))
		fatal("no container in the image");
	memcpy(args.parent, container.id, sizeof(args.parent));
	args.flags = CR_CHECKPOINT_INCREMENT;
	if (ftruncate(image, 0) || lseek(image, 0, SEEK_SET))
		fatal("image");
	check_call("CHECKPOINT of what changed", CR_IOC_CHECKPOINT, &args, 0);
	check(args.stats.pages_written < PAGES, "pages: %llu", args.stats.pages_written);
	lseek(image, 0, SEEK_SET);
	check_call("RESTART of what changed", CR_IOC_RESTART, &restart, EINVAL);
	check(alive(pid), "the container lives");
	close(image);
}

static pid_t restart_from_pipe(bool prefix)
{
	static char head[4096];
	int ends[2], image = open(image_path, O_RDONLY);
	struct cr_restart args;
	struct pollfd poll_fd;
	pid_t writer;

	if (pipe(ends))
		fatal("pipe");
	args = restart_args(ends[0]);
	args.log_fd = STDERR_FILENO;
	if (prefix) {
		args.prefix_len = 1000;
		args.prefix = (uintptr_t)head;
		if (read(image, head, 1000) != 1000)
			fatal("read");
	}
	writer = copier(image, ends[1], ends[0]);
	close(ends[1]);
	check_call(prefix ? "RESTART from a pipe, with a prefix" : "RESTART from a pipe", CR_IOC_RESTART, &args, 0);
	close(ends[0]);
	close(image);
	check(exit_status(writer) == 0, "all of it was read");
	if (!check(args.pid > 0, "pid of the new init")) {
		errno = ECHILD;
		fatal("no container");
	}
	check(fcntl(args.pidfd, F_GETFD) == FD_CLOEXEC, "pidfd");
	check(!syscall(SYS_pidfd_send_signal, args.pidfd, 0, NULL, 0), "it is one");
	check(args.stats.nr_tasks == 1 && args.stats.restore_time > 0, "statistics");
	poll_fd = (struct pollfd){ .fd = args.pidfd, .events = POLLIN };
	check(poll(&poll_fd, 1, 100) == 0, "it lives");
	close(args.pidfd);
	return args.pid;
}

static void test_bad_restart(void)
{
	int null = open("/dev/null", O_RDWR), image = open(image_path, O_RDONLY), writeonly = open(image_path, O_WRONLY);
	int nothing = open(dir, O_RDWR | O_TMPFILE, 0600);
	struct cr_external_fd external = { .key = 1, .fd = 999 };
	struct cr_restart args, good = restart_args(image), empty = restart_args(nothing);
	static char garbage[4096];

	memset(garbage, 0x5a, sizeof(garbage));
#define BAD(what, wanted, ...)						\
	do {								\
		lseek(image, 0, SEEK_SET);				\
		args = good;						\
		__VA_ARGS__;						\
		check_call("RESTART: " what, CR_IOC_RESTART, &args, wanted); \
	} while (0)
	BAD("unknown flag", EINVAL, args.flags = 0x80000000);
	BAD("no image descriptor", EBADF, args.image_fd = 999);
	BAD("image descriptor cannot be read", EBADF, args.image_fd = writeonly);
	BAD("empty image", EBADMSG, args.image_fd = nothing);
	BAD("no log descriptor", EBADF, args.log_fd = 999);
	BAD("no root descriptor", EBADF, args.root_fd = 999);
	BAD("root is not a directory", ENOTDIR, args.root_fd = null);
	BAD("no cgroup descriptor", EBADF, args.cgroup_fd = 999);
	BAD("cgroup descriptor is something else", EBADF, args.cgroup_fd = null);
	BAD("too many externals", EINVAL, args.nr_externals = CR_MAX_EXTERNALS + 1);
	BAD("externals at a bad address", EFAULT, args.nr_externals = 1, args.externals = (uintptr_t)NOWHERE);
	BAD("external that is no descriptor", EBADF, args.nr_externals = 1, args.externals = (uintptr_t)&external);
	BAD("prefix at a bad address", EFAULT, args.prefix_len = 100, args.prefix = (uintptr_t)NOWHERE);
	BAD("prefix that is too long", EINVAL, args.prefix_len = CR_MAX_PREFIX_LEN + 1,
	    args.prefix = (uintptr_t)garbage);
	BAD("no room for memory that comes late", ENOSPC, args.flags = CR_RESTART_LAZY);
	BAD("room for it at a bad address", EFAULT, args.flags = CR_RESTART_LAZY, args.nr_lazy = 1,
	    args.lazy = (uintptr_t)NOWHERE);
	BAD("prefix of garbage", EBADMSG, args.prefix_len = 4096, args.prefix = (uintptr_t)garbage);
#undef BAD
	test_sizes("RESTART", CR_IOC_RESTART, &empty, sizeof(empty), EBADMSG);
	check(wait(NULL) == -1 && errno == ECHILD, "no child is left");
	close(null), close(image), close(writeonly), close(nothing);
}

/* Memory that nobody provides. */
static void test_lazy(void)
{
	struct cr_restart args = restart_args(open(image_path, O_RDONLY));
	struct cr_lazy memory = { 0 };

	args.flags = CR_RESTART_LAZY;
	args.lazy = (uintptr_t)&memory;
	args.nr_lazy = 1;
	check_call("RESTART before the memory is there", CR_IOC_RESTART, &args, 0);
	check(args.nr_lazy == 1 && memory.mm && !memory.reserved, "one memory is to be provided");
	check(fcntl(args.lazy_fd, F_GETFD) == FD_CLOEXEC && fcntl(memory.fd, F_GETFD) == FD_CLOEXEC, "descriptors");
	check(ioctl(args.lazy_fd, CR_IOC_INFO) == -1 && errno == ENOTTY, "another ioctl");
	check(alive(args.pid), "it waits for that");
	close(memory.fd);
	check(alive(args.pid), "also when its userfaultfd is closed");
	close(args.lazy_fd);
	check(exit_status(args.pid) == 128 + SIGKILL, "it is killed when nobody is going to provide any");
	close(args.pidfd);
	close(args.image_fd);
}

/* The call in a child, for a second at most: what waits for ever can be killed. */
static const char *call_for_a_second(unsigned long cmd, void *arg)
{
	pid_t child = fork();
	int status;

	if (!child) {
		alarm(1);
		_exit(call(cmd, arg));
	}
	status = exit_status(child);
	return status == 128 + SIGALRM ? "waited" : status ? strerrorname_np(status) : "success";
}

/* Descriptors that nobody would use for an image: whatever happens, it ends. */
static void test_odd_descriptors(pid_t pid)
{
	static const char *const names[] = {
		"/dev/cr", "an epoll", "an eventfd", "a pipe of its own", "a socket of its own",
		"a directory", "/dev/zero", "/dev/full", "a file without access", "a pidfd", "a timerfd",
		"an inotify", "a sealed memfd",
	};
	int pipe_fds[2], sockets[2], fds[ARRAY_SIZE(names)], n = 0;
	struct cr_checkpoint checkpoint;
	struct cr_restart restart;
	const char *saved, *restarted;

	if (pipe(pipe_fds) || socketpair(AF_UNIX, SOCK_STREAM, 0, sockets))
		fatal("pipe");
	fds[n++] = dev;
	fds[n++] = epoll_create1(0);
	fds[n++] = eventfd(0, 0);
	fds[n++] = -1;
	fds[n++] = sockets[0];
	fds[n++] = open("/tmp", O_RDONLY | O_DIRECTORY);
	fds[n++] = open("/dev/zero", O_RDWR);
	fds[n++] = open("/dev/full", O_RDWR);
	fds[n++] = open("/tmp", O_PATH);
	fds[n++] = syscall(SYS_pidfd_open, pid, 0);
	fds[n++] = timerfd_create(CLOCK_MONOTONIC, 0);
	fds[n++] = inotify_init();
	fds[n] = memfd_create("sealed", MFD_ALLOW_SEALING);
	fcntl(fds[n], F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW);
	for (n = 0; n < (int)ARRAY_SIZE(names); n++) {
		checkpoint = checkpoint_args(pid, fds[n] < 0 ? pipe_fds[1] : fds[n]);
		restart = restart_args(fds[n] < 0 ? pipe_fds[0] : fds[n]);
		saved = call_for_a_second(CR_IOC_CHECKPOINT, &checkpoint);
		restarted = call_for_a_second(CR_IOC_RESTART, &restart);
		check(strcmp(restarted, "success") && alive(pid),
		      "image on %s: checkpoint %s, restart %s", names[n], saved, restarted);
		if (fds[n] != dev)
			close(fds[n]);
	}
	close(pipe_fds[0]), close(pipe_fds[1]), close(sockets[1]);
}

/* Signals that the caller handles, and other calls at the same time. */
static void handled(int signal)
{
	(void)signal;
}

static void test_interrupted(pid_t pid)
{
	struct itimerval often = { { 0, 300 }, { 0, 300 } }, never = { };
	struct sigaction action = { .sa_handler = handled };
	int image = open(dir, O_RDWR | O_TMPFILE, 0600), good = 0, other = 0;
	pid_t second;

	sigaction(SIGALRM, &action, NULL);
	second = fork();
	setitimer(ITIMER_REAL, &often, NULL);
	for (int i = 0; i < 100; i++) {
		struct cr_checkpoint args = checkpoint_args(pid, image);
		int got = call(CR_IOC_CHECKPOINT, &args);

		good += !got;
		other += got && got != EINTR && got != EAGAIN && got != EBUSY;
		if (lseek(image, 0, SEEK_SET))
			fatal("lseek");
	}
	setitimer(ITIMER_REAL, &never, NULL);
	if (!second)
		_exit(other ? 1 : 0);
	check(!other && exit_status(second) == 0, "200 checkpoints from two processes, under signals: %d of 100 good",
	      good);
	check(alive(pid), "the container lives");
	signal(SIGALRM, SIG_DFL);
	close(image);
}

/* The first line that goes to the log says why. */
static void test_log(pid_t pid)
{
	char text[500] = "", wanted[32];
	struct cr_checkpoint args = checkpoint_args(pid, 1);
	int ends[2];
	ssize_t n;

	if (pipe(ends))
		fatal("pipe");
	args.log_fd = ends[1];
	args.flags = 0x40000000;
	check_call("CHECKPOINT with a log", CR_IOC_CHECKPOINT, &args, EINVAL);
	close(ends[1]);
	n = read(ends[0], text, sizeof(text) - 1);
	check(n > 1 && text[n - 1] == '\n', "line in the log: %.*s", n > 1 ? (int)n - 1 : 0, text);
	snprintf(wanted, sizeof(wanted), "flag");
	check(strstr(text, wanted) != NULL, "it names the cause");
	close(ends[0]);
}

/* Without the capability nothing is possible. */
static void test_permission(pid_t pid)
{
	struct cr_info info = { .size = sizeof(info) };
	struct cr_checkpoint args = checkpoint_args(pid, -1);
	struct cr_restart restart;
	pid_t user;
	int failed = ktap_failed, count = ktap_count, status;

	chmod(image_path, 0666);
	user = fork();
	if (!user) {
		args.image_fd = open("/dev/null", O_WRONLY);
		if (setgid(1000) || setuid(1000))
			fatal("setuid");
		restart = restart_args(open(image_path, O_RDONLY));
		check_call("INFO, unprivileged", CR_IOC_INFO, &info, 0);
		check(!(info.flags & CR_INFO_CAPABLE), "this process is not capable");
		check_call("CHECKPOINT, unprivileged", CR_IOC_CHECKPOINT, &args, EPERM);
		check_call("RESTART, unprivileged", CR_IOC_RESTART, &restart, EPERM);
		exit(ktap_failed - failed);
	}
	status = exit_status(user);
	ktap_count = count + 4;
	ktap_failed += status;
}

int main(void)
{
	struct cr_section section = { .name = "selftest", .addr = (uintptr_t) "to be carried", .len = 13 };
	char grep[128];
	pid_t pid;

	ktap_begin();
	dev = open(CR_DEVICE, O_RDWR | O_CLOEXEC);
	if (dev < 0) {
		printf("1..0 # SKIP no %s\n", CR_DEVICE);
		return 4;
	}
	if (!mkdtemp(dir))
		fatal("mkdtemp");
	snprintf(go, sizeof(go), "%s/go", dir);
	snprintf(image_path, sizeof(image_path), "%s/image", dir);
	chmod(dir, 0755);

	test_info();
	pid = start_container();
	test_log(pid);
	test_bad_checkpoint(pid);
	checkpoint_to_pipe(pid, 0, &section);
	check(alive(pid), "the container runs on");
	snprintf(grep, sizeof(grep), "grep -q 'to be carried' %s", image_path);
	check(system(grep) == 0, "the section is in the image");
	test_permission(pid);
	check(alive(pid), "the container lives");
	test_odd_descriptors(pid);
	test_interrupted(pid);
	test_increment(pid);
	test_confirmation(start_container());
	checkpoint_to_pipe(pid, CR_CHECKPOINT_KILL, NULL);
	check(exit_status(pid) == 128 + SIGKILL, "CR_CHECKPOINT_KILL kills");
	test_bad_restart();
	test_lazy();
	pid = restart_from_pipe(false);
	kill(pid, SIGKILL);
	check(exit_status(pid) == 128 + SIGKILL, "the restarted container is a child");
	pid = restart_from_pipe(true);
	close(open(go, O_CREAT | O_WRONLY, 0600));
	check(exit_status(pid) == 42, "it ends as it should");

	unlink(go);
	unlink(image_path);
	rmdir(dir);
	return ktap_end();
}
