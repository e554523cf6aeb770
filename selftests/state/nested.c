// SPDX-License-Identifier: GPL-2.0
/*
 * Processes of nested pid namespaces, and those that know them by a number: who
 * traces, locks, waits and shares, inside and from outside.
 */
#include "payload.h"
#include <pthread.h>
#include <sys/ptrace.h>
#include <sys/resource.h>

#define WAITERS		0x80000000U

static volatile sig_atomic_t signals;

static void count(int sig)
{
	(void)sig;
	signals++;
}

static int traced(void *unused)
{
	signal(SIGUSR1, count);
	signal(SIGUSR2, SIG_IGN);
	while (!atoi(status_field("self", "TracerPid")))
		sleep_ms(5);
	raise(SIGUSR1);
	expect_eq(signals, 1, "signals that its tracer lets through");
	return unused != NULL;
}

/* It traces the init of a namespace that is nested in its own, which has stopped at a signal. */
static int tracer(void *name)
{
	pid_t pid = init_of_new(traced, NULL);
	siginfo_t info;
	int status;

	sure(ptrace(PTRACE_SEIZE, pid, 0, 0));
	sure(waitpid(pid, &status, 0));
	expect_eq(status >> 8, SIGUSR1, "%s: stop", (char *)name);
	tell(name);
	if (await_go())
		sure(ptrace(PTRACE_SETSIGINFO, pid, 0, &(siginfo_t){ .si_signo = SIGUSR2, .si_pid = 9 }));
	sure(ptrace(PTRACE_GETSIGINFO, pid, 0, &info));
	expect_eq(info.si_signo, SIGUSR1, "%s: signal", (char *)name);
	expect_eq(info.si_pid, 1, "%s: who has sent it", (char *)name);
	sure(ptrace(PTRACE_CONT, pid, 0, SIGUSR1));
	expect_eq(waitpid(pid, &status, 0), pid, "%s: who ends", (char *)name);
	expect_eq(status, 0, "%s: status", (char *)name);
	return 0;
}

static int lock_file(int command, struct flock *lock)
{
	int fd = sure(open(file_at("locked"), O_RDWR | O_CREAT | O_CLOEXEC, 0666));

	*lock = (struct flock){ .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 10 };
	sure(fcntl(fd, command, lock));
	return fd;
}

static int locks(void *unused)
{
	struct flock lock;
	int ends[2], fd = lock_file(F_SETLK, &lock);

	sure(pipe(ends));
	sure(fcntl(ends[0], F_SETOWN, getpid()));
	tell("locked it");
	if (await_go())
		close(fd);
	expect_eq(fcntl(ends[0], F_GETOWN), getpid(), "who gets signals of a pipe");
	tell("lock is there");
	await("looked at the lock");
	return unused != NULL;
}

static void expect_locked(pid_t pid, const char *who)
{
	struct flock lock;

	await("lock is there");
	close(lock_file(F_GETLK, &lock));
	expect_eq(lock.l_type, F_WRLCK, "%s: lock", who);
	expect_eq(lock.l_pid, pid, "%s: who has locked", who);
}

static pthread_mutex_t mutex;
static volatile int got;

static void *waits_for_mutex(void *unused)
{
	expect_eq(pthread_mutex_lock(&mutex), 0, "mutex in a namespace");
	got = 1;
	pthread_mutex_unlock(&mutex);
	return unused;
}

static unsigned int word(void)
{
	return *(volatile unsigned int *)&mutex;
}

/* Its number is in memory, and the kernel looks for it there. */
static int owner(void *unused)
{
	pthread_mutexattr_t attr;
	pthread_t thread;

	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setprotocol(&attr, PTHREAD_PRIO_INHERIT);
	pthread_mutex_init(&mutex, &attr);
	pthread_mutex_lock(&mutex);
	sure(pthread_create(&thread, NULL, waits_for_mutex, NULL) ? -1 : 0);
	while (!(word() & WAITERS))
		sleep_ms(5);
	tell("owner of a mutex");
	if (await_go()) {
		pthread_mutex_unlock(&mutex);
		pthread_join(thread, NULL);
		pthread_mutex_lock(&mutex);
	}
	expect_eq(got, 0, "nobody has got the mutex");
	expect_eq(word(), getpid() | WAITERS, "owner of the mutex");
	expect_eq(pthread_mutex_unlock(&mutex), 0, "it is given up");
	pthread_join(thread, NULL);
	expect_eq(got, 1, "the other has got it");
	return unused != NULL;
}

static int in_vfork(void *unused)
{
	volatile pid_t before;
	pid_t pid = vfork();
	int status = -1;

	if (!pid) {
		before = getpid();
		tell("in vfork");
		await_go();
		_exit(getpid() == before ? 0 : 1);
	}
	expect_eq(pid, before, "child of vfork in a namespace");
	expect_eq(waitpid(pid, &status, 0), pid, "it ends");
	expect_eq(status, 0, "what it has seen");
	return unused != NULL;
}

static pid_t own_pid;

static void *outlives(void *leader)
{
	pid_t tid = syscall(SYS_gettid);

	pthread_join(*(pthread_t *)leader, NULL);
	tell("leader is dead");
	await_go();
	expect_eq(syscall(SYS_gettid), tid, "thread with a dead leader in a namespace");
	expect_eq(getpid(), own_pid, "number of the dead leader");
	expect_eq(kill(own_pid, 0), 0, "it is there");
	exit(payload_failed);
}

static int dead_leader(void *unused)
{
	static pthread_t self, thread;

	own_pid = getpid();
	self = pthread_self();
	sure(pthread_create(&thread, NULL, outlives, &self) ? -1 : 0);
	pthread_exit(unused);
}

/* A namespace in which all of them have other numbers than outside. */
static int town(void *unused)
{
	pid_t pids[5];

	pids[0] = child(locks, NULL);
	pids[1] = child(owner, NULL);
	pids[2] = child(in_vfork, NULL);
	pids[3] = child(dead_leader, NULL);
	pids[4] = child(tracer, "nested tracer");
	await("nested tracer");
	await("leader is dead");
	await("in vfork");
	await("owner of a mutex");
	await("locked it");
	tell("town");
	await_go();
	expect_locked(pids[0], "inside");
	await("looked from outside");
	tell("looked at the lock");
	for (size_t i = 0; i < ARRAY_SIZE(pids); i++)
		reap(pids[i]);
	return unused != NULL;
}

/* It has the descriptors and directories of its parent. */
static int shares(void *fd)
{
	tell("shares");
	if (await_go()) {
		sure(chdir("/"));
		close((long)fd);
	} else {
		sure(fchdir((long)fd));
		sure(dup2((long)fd, 100));
	}
	tell("has changed what it shares");
	return 0;
}

#define CROWD	6

static pthread_barrier_t ready, limit;

/* Its children are to be in a namespace of their own; the first of them is its init. */
static void *one_of_crowd(void *unused)
{
	int status = -1;
	pid_t pid;

	sure(unshare(CLONE_NEWPID));
	pthread_barrier_wait(&ready);
	pthread_barrier_wait(&limit);
	pid = sure(fork());
	if (!pid)
		_exit(getpid());
	expect_eq(waitpid(pid, &status, 0), pid, "child of a thread with a namespace");
	expect_eq(status, 1 << 8, "number of a thread's child");
	return unused;
}

/* There is room for no more descriptors than it has. */
static int crowd(void *unused)
{
	pthread_t threads[CROWD];
	struct rlimit old, low;
	bool full;

	pthread_barrier_init(&ready, NULL, CROWD + 1);
	pthread_barrier_init(&limit, NULL, CROWD + 1);
	for (int i = 0; i < CROWD; i++)
		sure(pthread_create(&threads[i], NULL, one_of_crowd, NULL) ? -1 : 0);
	pthread_barrier_wait(&ready);
	tell("crowd");
	sure(getrlimit(RLIMIT_NOFILE, &old));
	low = old;
	low.rlim_cur = sure(dup(0));
	close(low.rlim_cur);
	sure(setrlimit(RLIMIT_NOFILE, &low));
	while (access(file_at("go"), F_OK))
		sleep_ms(50);
	full = dup(0) == -1 && errno == EMFILE;
	sure(setrlimit(RLIMIT_NOFILE, &old));
	expect(full, "no room for another descriptor");
	await_go();
	pthread_barrier_wait(&limit);
	for (int i = 0; i < CROWD; i++)
		pthread_join(threads[i], NULL);
	return unused != NULL;
}

int main(int argc, char **argv)
{
	pid_t town_pid, sharer, lock_owner = 0, pids[2];
	char cwd[512] = "";
	long fd;

	payload_begin(argc, argv);
	fd = sure(open(payload_dir, O_RDONLY | O_DIRECTORY));
	town_pid = init_of_new(town, NULL);
	pids[0] = child(tracer, "tracer");
	pids[1] = child(crowd, NULL);
	sharer = init_with(CLONE_FILES | CLONE_FS, shares, (void *)fd);
	await("town");
	await("tracer");
	await("crowd");
	await("shares");
	/* By the number that it has inside, and nobody else has there. */
	for (pid_t pid = town_pid + 1; pid < town_pid + 100 && !lock_owner; pid++) {
		char name[16];

		snprintf(name, sizeof(name), "%d", pid);
		if (strchr(status_field(name, "NSpid"), '\t') && !strcmp(strrchr(status_field(name, "NSpid"), '\t'), "\t2"))
			lock_owner = pid;
	}
	pause_here();
	expect_locked(lock_owner, "outside");
	tell("looked from outside");
	await("has changed what it shares");
	expect(fcntl(100, F_GETFD) >= 0, "descriptor from a namespace");
	expect(getcwd(cwd, sizeof(cwd)) && !strcmp(cwd, payload_dir), "directory from a namespace: %s", cwd);
	reap(sharer);
	reap(town_pid);
	reap(pids[0]);
	reap(pids[1]);
	return payload_end();
}
