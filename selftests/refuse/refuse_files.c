// SPDX-License-Identifier: GPL-2.0
/* Files of kinds that are not supported. */
#include "cases.h"
#include <sys/socket.h>
#include <linux/fs.h>
#include <linux/io_uring.h>
#include <linux/perf_event.h>
#include <linux/userfaultfd.h>
#include <mqueue.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sched.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <sys/xattr.h>

static int fd, other;

static void make_epoll(void)
{
	/* struct epoll_params, EPIOCSPARAMS */
	struct { uint32_t busy_poll_usecs; uint16_t budget; uint8_t prefer, pad; } params = { 100, 8, 0, 0 };

	fd = sure(epoll_create1(0));
	sure(ioctl(fd, _IOW(0x8a, 1, params), &params));
}

static void make_eventfd(void)
{
	fd = sure(eventfd(3, 0));
	sure(fcntl(fd, F_SETFL, O_APPEND));
}

static void make_timerfd(void)
{
	struct itimerspec spec = { .it_value.tv_sec = 1000 };

	fd = sure(timerfd_create(CLOCK_BOOTTIME_ALARM, 0));
	sure(timerfd_settime(fd, 0, &spec, NULL));
}

static void make_signalfd(void)
{
	struct epoll_event event = { .events = EPOLLIN };
	sigset_t set;
	pid_t pid;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	fd = sure(signalfd(-1, &set, 0));
	other = sure(epoll_create1(0));
	pid = sure(fork());
	if (!pid)
		_exit(epoll_ctl(other, EPOLL_CTL_ADD, fd, &event) != 0);
	reap(pid);
}

static void make_inotify_removed(void)
{
	fd = sure(inotify_init());
	other = sure(open(file_at("removed"), O_RDWR | O_CREAT, 0600));
	sure(inotify_add_watch(fd, file_at("removed"), IN_MODIFY));
	sure(unlink(file_at("removed")));
}

static void make_inotify_proc(void)
{
	fd = sure(inotify_init());
	sure(inotify_add_watch(fd, "/proc/sys", IN_CREATE));
}

static void make_inotify_hidden(void)
{
	sure(mkdir(file_at("hidden"), 0700));
	fd = sure(inotify_init());
	sure(inotify_add_watch(fd, file_at("hidden"), IN_CREATE));
	sure(mount("tmpfs", file_at("hidden"), "tmpfs", 0, NULL));
}

static void make_perf(void)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.size = sizeof(attr),
		.config = PERF_COUNT_SW_CPU_CLOCK,
	};

	fd = sure((int)syscall(SYS_perf_event_open, &attr, 0, -1, -1, PERF_FLAG_FD_CLOEXEC));
}

static struct io_uring_params uring_params;

static void make_uring(void)
{
	fd = need((int)syscall(SYS_io_uring_setup, 4, &uring_params));
}

static void make_uring_polling(void)
{
	uring_params.flags = IORING_SETUP_SQPOLL;
	make_uring();
}

static void make_uring_iopoll(void)
{
	uring_params.flags = IORING_SETUP_IOPOLL;
	make_uring();
}

static void register_with_uring(unsigned int what, void *arg, int nr)
{
	make_uring();
	sure(syscall(SYS_io_uring_register, fd, what, arg, nr));
}

/* What is registered is not where it was. */
static void make_uring_moved(void)
{
	struct iovec buffer = { map_anon(PAGE, MAP_PRIVATE), PAGE };

	register_with_uring(IORING_REGISTER_BUFFERS, &buffer, 1);
	sure(munmap(buffer.iov_base, PAGE));
	*(char *)sure(mmap(buffer.iov_base, PAGE, PROT_READ | PROT_WRITE,
			   MAP_ANONYMOUS | MAP_PRIVATE | MAP_FIXED, -1, 0)) = 1;
}

static void make_uring_told(void)
{
	int event = sure(eventfd(0, 0));

	register_with_uring(IORING_REGISTER_EVENTFD, &event, 1);
	sure(close(event));
}

/* What it has said to its workers lasts longer than the instance. */
static void make_uring_closed(void)
{
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(0, &cpus);
	register_with_uring(IORING_REGISTER_IOWQ_AFF, &cpus, sizeof(cpus));
	sure(close(fd));
	/* It goes when its task returns to user mode the next time. */
	sleep_ms(50);
}

static void make_uring_clock(void)
{
	struct io_uring_clock_register clock = { .clockid = CLOCK_BOOTTIME };

	register_with_uring(IORING_REGISTER_CLOCK, &clock, 0);
}

static void make_uring_personality(void)
{
	make_uring();
	expect(syscall(SYS_io_uring_register, fd, IORING_REGISTER_PERSONALITY, NULL, 0) > 0,
	       "a personality");
}

/* Of its task, and of all that this creates: one that allows requests to do nothing. */
static void make_uring_restricted(void)
{
	struct {
		uint16_t flags, nr;
		uint32_t reserved[3];
		struct io_uring_restriction allowed;
	} restriction = {
		.nr = 1,
		.allowed = { .opcode = IORING_RESTRICTION_SQE_OP, .sqe_op = IORING_OP_NOP },
	};

	need(syscall(SYS_io_uring_register, -1, IORING_REGISTER_RESTRICTIONS, &restriction, 1));
}

static char *map_uring(off_t offset, int flags)
{
	return sure(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, flags, fd, offset));
}

static void make_uring_private(void)
{
	make_uring();
	map_uring(IORING_OFF_SQ_RING, MAP_PRIVATE)[0] = 1;
}

static int lets_child(void *unused)
{
	make_uring();
	if (!sure(fork())) {
		sleep_ms(300);
		tell("alone");
		pause();
	}
	return unused != NULL;
}

/* Its maker has ended, and a child of that one has it. */
static void make_uring_orphan(void)
{
	child(lets_child, NULL);
	await("alone");
}

static void make_memfd_xattr(void)
{
	fd = sure(memfd_create("marked", 0));
	need(fsetxattr(fd, "user.mark", "x", 1, 0));
}

static void check_memfd_xattr(void)
{
	char text[4] = "";

	expect_eq(fgetxattr(fd, "user.mark", text, sizeof(text)), 1, "attribute");
}

static void make_memfd_flags(void)
{
	unsigned long flags = FS_NODUMP_FL;

	fd = sure(memfd_create("marked", 0));
	need(ioctl(fd, FS_IOC_SETFLAGS, &flags));
}

static void make_memfd_huge(void)
{
	write_file("/proc/sys/vm/nr_hugepages", 0, "24");
	fd = need(memfd_create("huge", MFD_HUGETLB));
	need(fallocate(fd, 0, 0, 100));
}

static void make_secretmem(void)
{
	fd = need((int)syscall(SYS_memfd_secret, 0));
}

static void make_userfaultfd(void)
{
	struct uffdio_api api = { .api = UFFD_API };

	fd = sure((int)syscall(SYS_userfaultfd, 0));
	sure(ioctl(fd, UFFDIO_API, &api));
}

static void make_pidfd(void)
{
	fd = sure((int)syscall(SYS_pidfd_open, getpid(), 0));
	sure(flock(fd, LOCK_SH));
}

/* A process of a nested namespace, which is gone. */
static void make_pidfd_nested(void)
{
	pid_t pid = sure(syscall(SYS_clone, CLONE_NEWPID | SIGCHLD, 0, 0, 0, 0));

	if (!pid)
		_exit(0);
	fd = sure((int)syscall(SYS_pidfd_open, pid, 0));
	reap(pid);
}

static void make_namespace(void)
{
	fd = sure(open("/proc/self/ns/uts", O_RDONLY));
}

static void make_mqueue(void)
{
	char path[600];

	mq_close(sure(mq_open("/selftest", O_RDWR | O_CREAT, 0600, NULL)));
	sure(mkdir(file_at("queues"), 0700));
	need(mount("mqueue", file_at("queues"), "mqueue", 0, NULL));
	snprintf(path, sizeof(path), "%s/selftest", file_at("queues"));
	fd = sure(open(path, O_RDWR));
	sure(umount2(file_at("queues"), MNT_DETACH));
}

static void make_proc(void)
{
	fd = sure(open("/proc/self/uid_map", O_RDWR));
}

/* Memory of a child that does what it is told, then ends or executes a program. */
static int mem_of_child(bool executes)
{
	pid_t pid = sure(fork());
	char path[64], name[64];

	if (!pid) {
		await("opened");
		if (executes)
			execl("/bin/sleep", "sleep", "1000", NULL);
		_exit(0);
	}
	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	fd = sure(open(path, O_RDWR));
	tell("opened");
	if (!executes) {
		sure(waitpid(pid, NULL, 0));
		return fd;
	}
	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	while (read_file(path, name, sizeof(name)) <= 0 || strcmp(name, "sleep\n"))
		sleep_ms(5);
	return fd;
}

static void make_mem_dead(void)
{
	mem_of_child(false);
}

static void make_mem_executed(void)
{
	mem_of_child(true);
}

static void make_mem_locked(void)
{
	fd = sure(open("/proc/self/mem", O_RDWR));
	sure(flock(fd, LOCK_EX));
}

static void make_socket_locked(void)
{
	fd = sure(socket(AF_UNIX, SOCK_DGRAM, 0));
	sure(flock(fd, LOCK_EX));
}

static void make_device_locked(void)
{
	struct flock lock = { .l_type = F_RDLCK };

	fd = sure(open("/dev/null", O_RDWR));
	sure(fcntl(fd, F_SETLK, &lock));
}

static void make_mem_path(void)
{
	fd = sure(open("/proc/self/mem", O_PATH));
}

/* In a procfs of a pid namespace that was gone soon. */
static void make_mem_elsewhere(void)
{
	int flags = CLONE_FILES | SIGCHLD, status;
	pid_t pid = sure(syscall(SYS_clone, flags, 0, 0, 0, 0));

	if (!pid) {
		need(unshare(CLONE_NEWPID | CLONE_NEWNS));
		sure(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL));
		pid = sure(syscall(SYS_clone, flags, 0, 0, 0, 0));
		if (!pid) {
			sure(mount("proc", "/proc", "proc", 0, NULL));
			sure(open("/proc/1/mem", O_RDWR));
			_exit(0);
		}
		_exit(waitpid(pid, &status, 0) != pid || status);
	}
	reap(pid);
}

/* Mounts are others after a restart, and where in their list one was is lost. */
static void make_mounts(void)
{
	fd = sure(open("/proc/self/mounts", O_RDONLY));
	sure(read(fd, &(char){ 0 }, 1));
}

static void make_securityfs(void)
{
	mount("securityfs", "/sys/kernel/security", "securityfs", 0, NULL);
	fd = need(open("/sys/kernel/security/lsm", O_RDONLY));
}

static void make_kmsg(void)
{
	fd = sure(open("/dev/kmsg", O_RDONLY));
}

static void make_console(void)
{
	fd = sure(open("/dev/console", O_RDWR | O_NOCTTY));
}

static void make_terminal(void)
{
	char name[64];

	fd = sure(posix_openpt(O_RDWR | O_NOCTTY));
	grantpt(fd);
	unlockpt(fd);
	sure(ptsname_r(fd, name, sizeof(name)) ? -1 : 0);
	other = sure(open(name, O_RDWR | O_NOCTTY));
}

/* N_NULL, which every kernel has. */
static void make_discipline(void)
{
	int discipline = 27;

	make_terminal();
	sure(ioctl(other, TIOCSETD, &discipline));
}

static void make_hung_up_master(void)
{
	make_terminal();
	sure(ioctl(fd, TIOCVHANGUP));
}

static void make_deleted(void)
{
	fd = sure(open(file_at("deleted"), O_RDWR | O_CREAT, 0600));
	sure(write(fd, "content", 7));
	sure(unlink(file_at("deleted")));
}

/* Its other name could be anywhere. */
static void make_linked(void)
{
	fd = sure(open(file_at("deleted"), O_RDWR | O_CREAT, 0600));
	sure(mkdir(file_at("elsewhere"), 0700));
	sure(link(file_at("deleted"), file_at("elsewhere/other")));
	sure(unlink(file_at("deleted")));
	/* Another one than those of the container. */
	sure(mount("tmpfs", file_at("elsewhere"), "tmpfs", 0, NULL));
}

static void make_removed_xattr(void)
{
	make_deleted();
	need(fsetxattr(fd, "user.mark", "x", 1, 0));
}

static void make_deleted_dir(void)
{
	sure(mkdir(file_at("deleted"), 0700));
	fd = sure(open(file_at("deleted"), O_RDONLY | O_DIRECTORY));
	need(fsetxattr(fd, "user.mark", "x", 1, 0));
	sure(rmdir(file_at("deleted")));
}

static int loses_root(void *gone)
{
	sure(chdir(payload_dir));
	sure(mkdir("root", 0700));
	sure(chroot("root"));
	sure(rmdir("root"));
	close(*(int *)gone);
	for (;;)
		pause();
}

static void make_deleted_root(void)
{
	int gone[2];
	char byte;

	sure(pipe(gone));
	child(loses_root, &gone[1]);
	close(gone[1]);
	sure(read(gone[0], &byte, 1));
	close(gone[0]);
}

/* Another file has its name now. */
static void make_replaced(void)
{
	make_deleted();
	write_file(file_at("deleted"), O_CREAT | O_EXCL, "another");
}

static void check_deleted(void)
{
	char text[8] = "";

	expect_eq(pread(fd, text, 7, 0), 7, "read");
	expect(!strcmp(text, "content"), "content of the deleted file: %s", text);
}

static void check_replaced(void)
{
	char text[32];

	check_deleted();
	read_file(file_at("deleted"), text, sizeof(text));
	expect(!strcmp(text, "another"), "the file that has its name now");
}

static void make_renamed(void)
{
	fd = sure(open(file_at("old"), O_RDWR | O_CREAT, 0600));
	sure(write(fd, "content", 7));
	sure(rename(file_at("old"), file_at("new")));
}

static void make_fifo(void)
{
	sure(mkfifo(file_at("fifo"), 0600));
	fd = sure(open(file_at("fifo"), O_RDWR | O_NONBLOCK));
	sure(write(fd, "in the fifo", 11));
}

static void check_fifo(void)
{
	char text[16] = "";
	int again = sure(open(file_at("fifo"), O_RDONLY | O_NONBLOCK));

	expect_eq(read(again, text, sizeof(text)), 11, "read from another description");
	expect(!strcmp(text, "in the fifo"), "content of a fifo");
}

static void make_path_of_process(void)
{
	fd = sure(open("/proc/self", O_PATH | O_DIRECTORY));
}

static void make_path_removed(void)
{
	write_file(file_at("place"), O_CREAT, "");
	fd = sure(open(file_at("place"), O_PATH));
	sure(unlink(file_at("place")));
}

static void make_path_of_pipe(void)
{
	int ends[2];
	char name[32];

	sure(pipe(ends));
	snprintf(name, sizeof(name), "/proc/self/fd/%d", ends[0]);
	fd = sure(open(name, O_PATH));
}

static void make_lease(void)
{
	fd = sure(open(file_at("leased"), O_RDWR | O_CREAT, 0600));
	sure(fcntl(fd, F_SETLEASE, F_WRLCK));
	sure(unlink(file_at("leased")));
}

static void check_lease(void)
{
	expect_eq(fcntl(fd, F_GETLEASE), F_WRLCK, "lease");
}

/* Somebody has wanted to open the file, and not waited. */
static void make_lease_broken(void)
{
	fd = sure(open(file_at("leased"), O_RDWR | O_CREAT, 0600));
	signal(SIGIO, SIG_IGN);
	sure(fcntl(fd, F_SETLEASE, F_WRLCK));
	expect_errno(open(file_at("leased"), O_RDONLY | O_NONBLOCK), EWOULDBLOCK, "open");
}

static void make_delegation(void)
{
	/* struct delegation, F_SETDELEG */
	struct { uint32_t flags; uint16_t type, pad; } delegation = { .type = F_RDLCK };

	close(sure(open(file_at("delegated"), O_RDWR | O_CREAT, 0600)));
	fd = sure(open(file_at("delegated"), O_RDONLY));
	need(fcntl(fd, 1024 + 16, &delegation));
}

static void make_async(void)
{
	fd = sure(open("/dev/random", O_RDONLY));
	sure(fcntl(fd, F_SETOWN, getpid()));
	sure(fcntl(fd, F_SETFL, O_ASYNC));
	expect_eq(fcntl(fd, F_GETFL) & O_ASYNC, O_ASYNC, "O_ASYNC");
}

static void check_async(void)
{
	expect_eq(fcntl(fd, F_GETOWN), getpid(), "owner");
	expect_eq(fcntl(fd, F_GETFL) & O_ASYNC, O_ASYNC, "O_ASYNC");
}

static void make_direct(void)
{
	fd = sure(open(file_at("direct"), O_RDWR | O_CREAT | O_NOATIME | O_SYNC, 0600));
	sure(fcntl(fd, F_SETFL, O_NOATIME | O_NONBLOCK));
}

static void check_direct(void)
{
	expect_eq(fcntl(fd, F_GETFL) & (O_SYNC | O_NOATIME | O_NONBLOCK), O_SYNC | O_NOATIME | O_NONBLOCK, "flags");
}

static const struct case_ cases[] = {
	{ "epoll-polling", "epoll.*busy polling", make_epoll, NULL },
	{ "eventfd-append", "event file with unknown flags 0o2000", make_eventfd, NULL },
	{ "timerfd-alarm", "timerfd by a clock that can wake", make_timerfd, NULL },
	{ "signalfd-gone", "epoll instance watches a signalfd, .* process that has ended", make_signalfd, NULL },
	{ "inotify-removed", "watch descriptor 1: watches a file that was removed", make_inotify_removed, NULL },
	{ "inotify-proc", "watches /proc/sys, on a file system", make_inotify_proc, NULL },
	{ "inotify-hidden", "watch descriptor 1: watches a file that is hidden", make_inotify_hidden, NULL },
	{ "perf", "perf", make_perf, NULL },
	{ "uring-polling", "worker thread of the kernel", make_uring_polling, NULL },
	{ "uring-iopoll", "io_uring with flags", make_uring_iopoll, NULL },
	{ "uring-moved", "registered buffer whose memory was unmapped", make_uring_moved, NULL },
	{ "uring-told", "registered eventfd that is not open", make_uring_told, NULL },
	{ "uring-closed", "or none any more", make_uring_closed, NULL },
	{ "uring-clock", "io_uring with a clock", make_uring_clock, NULL },
	{ "uring-personality", "io_uring with registered personalities", make_uring_personality, NULL },
	{ "uring-restricted", "restricted in its use of io_uring", make_uring_restricted, NULL },
	{ "uring-private", "private mapping of io_uring", make_uring_private, NULL },
	{ "uring-orphan", "whose process has ended", make_uring_orphan, NULL },
	{ "memfd-xattr", "a memfd .memfd:marked.: has extended attributes", make_memfd_xattr, check_memfd_xattr },
	{ "memfd-flags", "a memfd .memfd:marked.: has flags", make_memfd_flags, NULL },
	{ "memfd-huge", "a size that is not whole huge pages", make_memfd_huge, NULL },
	{ "secretmem", "secret", make_secretmem, NULL },
	{ "userfaultfd", "userfault", make_userfaultfd, NULL },
	{ "pidfd-locked", "a pidfd has a lock", make_pidfd, NULL },
	{ "pidfd-nested", "pidfd of a process that has ended in a nested", make_pidfd_nested, NULL },
	{ "namespace", "namespace|nsfs", make_namespace, NULL },
	{ "mqueue", "POSIX message queue selftest: is of another IPC namespace, or of a mount", make_mqueue, NULL },
	{ "proc", "file uid_map of a process .* was opened to write", make_proc, NULL },
	{ "mem-dead", "file mem of a process that has ended", make_mem_dead, NULL },
	{ "mem-executed", "file mem of a process that has ended, executed a program", make_mem_executed, NULL },
	{ "mem-locked", "file mem of a process .* has a lock", make_mem_locked, NULL },
	{ "socket-locked", "a socket has a lock", make_socket_locked, NULL },
	{ "device-locked", "device 1:3 has a lock", make_device_locked, NULL },
	{ "mem-path", "file /proc/1/mem is on a file system whose files", make_mem_path, NULL },
	{ "mem-elsewhere", "file mem of a process in another pid namespace", make_mem_elsewhere, NULL },
	{ "mounts", "file mounts .* was read in part", make_mounts, NULL },
	{ "securityfs", "file /sys/kernel/security/lsm is on a file system whose", make_securityfs, NULL },
	{ "kmsg", "kmsg|device", make_kmsg, NULL },
	{ "terminal-discipline", "another line discipline", make_discipline, NULL },
	{ "terminal-hung-up", "a master that was hung up", make_hung_up_master, NULL },
	{ "console", "a terminal .character device 5:1. is not supported", make_console, NULL },
	{ "deleted-linked", "file deleted was removed, and another name", make_linked, NULL },
	{ "deleted-xattr", "file deleted: has extended attributes", make_removed_xattr, check_deleted },
	{ "deleted-dir-xattr", "file deleted: has extended attributes", make_deleted_dir, NULL },
	{ "deleted-root", "its root directory was removed", make_deleted_root, NULL },
	{ "replaced", "nothing", make_replaced, check_replaced },
	{ "renamed", "nothing", make_renamed, check_deleted },
	{ "fifo", "fifo|named pipe", make_fifo, check_fifo },
	{ "path-process", "file /proc/1 is on a file system whose files", make_path_of_process, NULL },
	{ "path-removed", "place was removed, which is not supported", make_path_removed, NULL },
	{ "path-pipe", "is outside of the container's root", make_path_of_pipe, NULL },
	{ "async", "character device 1:8: sends signals .*none of a pipe", make_async, check_async },
	{ "lease", "file leased has a lease", make_lease, check_lease },
	{ "lease-broken", "a lease of a file that somebody else wants to open", make_lease_broken, NULL },
	{ "delegation", "a delegation of a file", make_delegation, NULL },
	{ "flags", "nothing", make_direct, check_direct },
};

int main(int argc, char **argv)
{
	return run_cases(argc, argv, cases, ARRAY_SIZE(cases));
}
