// SPDX-License-Identifier: GPL-2.0
/*
 * Processes that share memory, descriptors, directories, signal actions: with
 * parents, with others that they are no children of any more, with some of each;
 * and threads that do not share with their process. Who does something about
 * what is shared does it for all who share it, and for nobody else.
 */
#include "payload.h"
#include <sched.h>

#define STACK	(1 << 16)
#define THREAD	(CLONE_VM | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM)
#define LOCKED	100

static const char *program;
/*
 * Private memory: only who shares that sees what the others write. They also
 * share errno, which means nothing, therefore.
 */
static struct {
	int go, sharer, adopted, distant, thread, sees_thread, sees_process, thread_cwd, thread_stdin;
} family_memory, *our = &family_memory;

static void *stack(void)
{
	return (char *)map_anon(STACK, MAP_PRIVATE) + STACK;
}

static void handler(int sig)
{
	(void)sig;
}

static int has_fd(int fd)
{
	return syscall(SYS_fcntl, fd, F_GETFD) >= 0;
}

/* Without anything of libc's that is for one thread. */
static void await_flag(const int *flag)
{
	struct timespec ts = { .tv_nsec = 5 * MS };

	while (!__atomic_load_n(flag, __ATOMIC_SEQ_CST))
		syscall(SYS_nanosleep, &ts, NULL);
}

static void set_flag(int *flag)
{
	__atomic_store_n(flag, 1, __ATOMIC_SEQ_CST);
}

/* A child with the descriptors and directories of its parent, and memory of its own. */
static int sharer_of_files(void *unused)
{
	struct flock lock = { .l_type = F_WRLCK, .l_start = 10, .l_len = 10 };

	(void)unused;
	sure(fcntl(LOCKED, F_SETLK, &lock));
	tell("locked");
	await("act");
	dup2(1, 200);
	umask(0123);
	chdir("/etc");
	return 0;
}

static int sharer_of_memory(void *unused)
{
	struct sigaction sa = { .sa_handler = handler };

	(void)unused;
	await_flag(&our->go);
	sigaction(SIGUSR1, &sa, NULL);
	set_flag(&our->sharer);
	return 0;
}

/* Its creator ends: init adopts it. */
static int adopted(void *unused)
{
	struct sigaction sa = { .sa_handler = handler };

	(void)unused;
	await_flag(&our->go);
	sigaction(SIGUSR2, &sa, NULL);
	set_flag(&our->adopted);
	return 0;
}

static int mortal(void *unused)
{
	(void)unused;
	return clone(adopted, stack(), CLONE_VM | SIGCHLD, NULL) < 0;
}

/* It shares memory with its grandparent, and none with its parent, which executes a program. */
static int grandchild(void *unused)
{
	(void)unused;
	await_flag(&our->go);
	set_flag(&our->distant);
	return 0;
}

static int executes(void *unused)
{
	(void)unused;
	if (clone(grandchild, stack(), CLONE_VM | SIGCHLD, NULL) > 0)
		execl(program, program, payload_dir, "executed", NULL);
	return 1;
}

/* The same with descriptors. */
static int far_sharer_of_files(void *unused)
{
	(void)unused;
	tell("far");
	await("act");
	dup2(1, 201);
	return 0;
}

static int between(void *unused)
{
	pid_t pid = sure(clone(far_sharer_of_files, stack(), CLONE_FILES | SIGCHLD, NULL));

	(void)unused;
	await("far");
	sure(unshare(CLONE_FILES));
	tell("between");
	await("act");
	reap(pid);
	expect(!has_fd(201), "who has unshared does not see it");
	return payload_failed;
}

/* A process that shares with a thread of another one, not with that process. */
static int sharer_with_thread(void *unused)
{
	(void)unused;
	tell("sharer with thread");
	await("act");
	/* This takes the lowest descriptor for a moment. */
	tell("203");
	dup2(1, 203);
	return 0;
}

static int second_thread(void *unused)
{
	(void)unused;
	await_flag(&our->go);
	syscall(SYS_dup2, 1, 202);
	syscall(SYS_chdir, "/etc");
	set_flag(&our->thread);
	for (;;)
		pause();
	return 0;
}

static int first_thread(void *unused)
{
	struct timespec ts = { .tv_nsec = 5 * MS };

	(void)unused;
	if (unshare(CLONE_FILES | CLONE_FS) || syscall(SYS_close, 0) || syscall(SYS_chdir, "/usr"))
		return 1;
	if (clone(sharer_with_thread, stack(), CLONE_FILES | SIGCHLD, NULL) < 0 ||
	    clone(second_thread, stack(), THREAD | CLONE_FILES | CLONE_FS, NULL) < 0)
		return 1;
	await_flag(&our->thread);
	our->sees_thread = has_fd(202);
	our->thread_cwd = !syscall(SYS_access, "passwd", F_OK);
	while (!has_fd(203))
		syscall(SYS_nanosleep, &ts, NULL);
	/* Now the other one opens nothing more. */
	our->thread_stdin = has_fd(0);
	set_flag(&our->sees_process);
	for (;;)
		pause();
	return 0;
}

/* The lock is not its own, so it is told whose it is. */
static int owner_of_lock(void *owner)
{
	struct flock lock = { .l_type = F_WRLCK, .l_start = 10, .l_len = 1 };
	int fd = sure(open(file_at("locked file"), O_RDWR));

	sure(fcntl(fd, F_GETLK, &lock));
	expect_eq(lock.l_type, F_WRLCK, "lock of a table that is shared");
	expect_eq(lock.l_pid, (long)owner, "who has taken it");
	return payload_failed;
}

static int family(void *unused)
{
	pid_t files, memory, mortals, executed, far;
	struct sigaction sa;
	int fd, status;

	(void)unused;
	fd = sure(open(file_at("locked file"), O_RDWR | O_CREAT, 0600));
	sure(dup2(fd, LOCKED));
	sure(close(fd));
	files = sure(clone(sharer_of_files, stack(), CLONE_FILES | CLONE_FS | SIGCHLD, NULL));
	await("locked");
	memory = sure(clone(sharer_of_memory, stack(), CLONE_VM | CLONE_SIGHAND | SIGCHLD, NULL));
	mortals = sure(clone(mortal, stack(), CLONE_VM | SIGCHLD, NULL));
	sure(waitpid(mortals, &status, 0));
	executed = sure(clone(executes, stack(), CLONE_VM | SIGCHLD, NULL));
	await("executed");
	far = sure(clone(between, stack(), CLONE_FILES | SIGCHLD, NULL));
	await("between");
	sure(clone(first_thread, stack(), THREAD | CLONE_FILES | CLONE_FS, NULL));
	await("sharer with thread");
	tell("family");

	if (await_go())
		sure(unshare(CLONE_FILES));
	reap(child(owner_of_lock, (void *)(long)files));
	set_flag(&our->go);
	tell("act");
	reap(files);
	expect(has_fd(200), "descriptor of a child");
	expect_eq(umask(0), 0123, "umask of a child");
	expect_eq(access("passwd", F_OK), 0, "working directory of a child");

	reap(memory);
	expect(our->sharer, "memory that a child has written to");
	sigaction(SIGUSR1, NULL, &sa);
	expect(sa.sa_handler == handler, "signal action of a child");
	await_flag(&our->adopted);
	sigaction(SIGUSR2, NULL, &sa);
	expect(sa.sa_handler == SIG_DFL, "signal action of a process that only shares memory");
	reap(executed);
	expect(our->distant, "memory that a grandchild has written to");
	reap(far);
	expect(has_fd(201), "descriptor of a grandchild");

	await("203");
	await_flag(&our->sees_process);
	expect(our->sees_thread, "descriptor of a thread that a thread shares with");
	expect(our->thread_cwd, "working directory of it");
	expect(!our->thread_stdin, "descriptor that the thread had closed");
	expect(has_fd(0) && !has_fd(202) && !has_fd(203), "they are not the process'");
	expect(wait(&status) > 0 && !status, "child of a thread");
	return payload_failed;
}

int main(int argc, char **argv)
{
	int status, reaped = 0;
	pid_t pid;

	payload_begin(argc, argv);
	program = argv[0];
	if (argc == 3) {
		tell("executed");
		await_go();
		expect(wait(&status) > 0 && !status, "child of one that has executed a program");
		return payload_failed;
	}
	pid = child(family, NULL);
	await("family");
	pause_here();
	reap(pid);
	while (wait(&status) > 0) {
		expect_eq(status, 0, "status of the adopted child");
		reaped++;
	}
	expect_eq(reaped, 1, "adopted children");
	return payload_end();
}
