/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What payloads share. A payload runs as the init of a container, as
 * "NAME DIR". It makes one kind of state, comes to pause_here(), where the
 * container is checkpointed and restarted, and then looks at itself:
 *
 *	int main(int argc, char **argv)
 *	{
 *		payload_begin(argc, argv);
 *		umask(027);
 *		if (pause_here())
 *			umask(022);
 *		expect_eq(umask(0), 027, "umask");
 *		return payload_end();
 *	}
 *
 * pause_here() returns true when the payload is to spoil its own state, which
 * shows that the test can fail.
 *
 * Files in DIR: "ready" is there when it has been reached, "go" when it is to
 * go on, "result" has one line for everything that was looked at, "spoil" is
 * there when the state is to be spoiled.
 */
#ifndef PAYLOAD_H
#define PAYLOAD_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAYBE_UNUSED	__attribute__((unused))
#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define PAGE		4096UL
#define MS		1000000LL
#define SECOND		1000000000LL

static const char *payload_dir;
static int payload_failed;
/* How long the container was dead: at least and at most, ns. */
static long long payload_down_min, payload_down_max;

/* By what to multiply times that are short for a machine that CR_SLOWER says is slow. */
MAYBE_UNUSED static int patience(void)
{
	const char *slower = getenv("CR_SLOWER");

	return slower && atoi(slower) > 1 ? 3 : 1;
}

/* The path of a file in the payload's directory; good for three at a time. */
MAYBE_UNUSED static const char *file_at(const char *name)
{
	static __thread char path[3][512];
	static __thread unsigned int turn;

	turn = (turn + 1) % 3;
	snprintf(path[turn], sizeof(path[turn]), "%s/%s", payload_dir, name);
	return path[turn];
}

MAYBE_UNUSED static void write_file(const char *path, int flags, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC | flags, 0666);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		_exit(100);
	close(fd);
}

MAYBE_UNUSED static ssize_t read_file(const char *path, char *buf, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t got = 0;
	ssize_t n;

	if (fd < 0)
		return -1;
	while (got < size - 1 && (n = read(fd, buf + got, size - 1 - got)) > 0)
		got += n;
	buf[got] = 0;
	close(fd);
	return got;
}

MAYBE_UNUSED __attribute__((format(printf, 2, 3)))
static bool expect(bool good, const char *format, ...)
{
	char line[600];
	size_t n;
	va_list ap;

	n = snprintf(line, sizeof(line), good ? "ok " : "not ok ");
	va_start(ap, format);
	n += vsnprintf(line + n, sizeof(line) - n - 1, format, ap);
	va_end(ap);
	if (n > sizeof(line) - 2)
		n = sizeof(line) - 2;
	strcpy(line + n, "\n");
	write_file(file_at("result"), O_CREAT | O_APPEND, line);
	if (!good)
		__atomic_store_n(&payload_failed, 1, __ATOMIC_RELAXED);
	return good;
}

/* The description has no arguments in the first form. */
#define expect_eq(got, wanted, ...)						\
	({									\
		long long got_ = (long long)(got), wanted_ = (long long)(wanted); \
		char what_[200];						\
										\
		snprintf(what_, sizeof(what_), __VA_ARGS__);			\
		got_ == wanted_ ? expect(true, "%s", what_) :			\
			expect(false, "%s: %lld (%#llx), wanted %lld (%#llx)",	\
			       what_, got_, got_, wanted_, wanted_);		\
	})

#define expect_errno(call, wanted, what)					\
	({									\
		errno = 0;							\
		long ret_ = (long)(call);					\
		int errno_ = errno;						\
										\
		expect(ret_ == -1 && errno_ == (wanted), "%s: %ld, errno %d", what, \
		       ret_, errno_);						\
	})

/* A call of the set-up, without which there is nothing to test. */
#define sure(call)								\
	({									\
		__typeof__(call) ret_ = (call);					\
		if ((long)ret_ == -1) {						\
			expect(false, "set-up, line %d: %s: %s", __LINE__, #call, \
			       strerror(errno));				\
			_exit(100);						\
		}								\
		ret_;								\
	})

/* Bytes that tell where in a stream they are. */
MAYBE_UNUSED static unsigned char byte_at(size_t at)
{
	return at * 7 + at / 251;
}

MAYBE_UNUSED static long long now_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return ts.tv_sec * SECOND + ts.tv_nsec;
}

MAYBE_UNUSED static struct timespec timespec_of(long long ns)
{
	return (struct timespec){ ns / SECOND, ns % SECOND };
}

/* No signal is ever sent to who sleeps here, so EINTR must not be seen. */
MAYBE_UNUSED static void sleep_ms(long ms)
{
	struct timespec ts = timespec_of(ms * MS);

	if (nanosleep(&ts, NULL))
		expect(false, "nanosleep: %s", strerror(errno));
}

/* Blocks a signal; returns the set of just that one. */
MAYBE_UNUSED static sigset_t block_signal(int sig)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, sig);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return set;
}

/* Between the processes of a payload: tell("x") lets await("x") go on. */
MAYBE_UNUSED static void tell(const char *name)
{
	write_file(file_at(name), O_CREAT, "");
}

MAYBE_UNUSED static void await(const char *name)
{
	while (access(file_at(name), F_OK))
		sleep_ms(patience() > 1 ? 30 : 5);
}

/* Wait until a thread sleeps in a system call. */
MAYBE_UNUSED static void await_syscall(pid_t tid, long nr)
{
	char path[64], text[128];

	snprintf(path, sizeof(path), "/proc/%d/syscall", tid);
	while (read_file(path, text, sizeof(text)) <= 0 || text[0] == 'r' ||
	       strtol(text, NULL, 10) != nr)
		sleep_ms(5);
}

/* The letter that ps shows for a task. */
MAYBE_UNUSED static char task_state(pid_t pid)
{
	char path[64], text[512], *end;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	if (read_file(path, text, sizeof(text)) <= 0 || !(end = strrchr(text, ')')))
		return 0;
	return end[2];
}

/* The value of "NAME:" in /proc/PID/status. */
MAYBE_UNUSED static const char *status_field(const char *pid, const char *name)
{
	static __thread char text[8192];
	char path[64], *at;

	snprintf(path, sizeof(path), "/proc/%s/status", pid);
	if (read_file(path, text + 1, sizeof(text) - 1) <= 0)
		return "";
	text[0] = '\n';
	for (at = text; (at = strstr(at, name)); at++) {
		if (at[-1] == '\n' && at[strlen(name)] == ':') {
			at += strlen(name) + 1;
			at += strspn(at, " \t");
			at[strcspn(at, "\n")] = 0;
			return at;
		}
	}
	return "";
}

static void payload_announce(const char *text)
{
	write_file(file_at("ready.new"), O_CREAT | O_TRUNC, text);
	sure(rename(file_at("ready.new"), file_at("ready")));
}

/* For children, which do not announce anything. */
MAYBE_UNUSED static bool await_go(void)
{
	char text[64];

	/*
	 * It takes seconds, in which each look costs CPU time, which some payloads
	 * measure: on an emulated processor, a fraction of a millisecond.
	 */
	while (access(file_at("go"), F_OK))
		sleep_ms(50 * patience());
	read_file(file_at("go"), text, sizeof(text));
	sscanf(text, "%lld %lld", &payload_down_min, &payload_down_max);
	return access(file_at("spoil"), F_OK) == 0;
}

/* This must be saved and restored. */
MAYBE_UNUSED static bool pause_here(void)
{
	payload_announce("save");
	return await_go();
}

/* This must be refused with words that match @regex, and go on unharmed. */
MAYBE_UNUSED static bool pause_refused(const char *regex)
{
	char text[512];

	snprintf(text, sizeof(text), "refuse %s", regex);
	payload_announce(text);
	return await_go();
}

/* One or the other. */
MAYBE_UNUSED static bool pause_either(const char *regex)
{
	char text[512];

	snprintf(text, sizeof(text), "either %s", regex);
	payload_announce(text);
	return await_go();
}

/* For the new process, what it does; the other one returns its pid. */
static pid_t if_child(pid_t pid, int (*function)(void *), void *arg)
{
	int status;

	if (!pid) {
		status = function(arg);
		_exit(status ? status : payload_failed);
	}
	return pid;
}

MAYBE_UNUSED static pid_t child(int (*function)(void *), void *arg)
{
	return if_child(sure(fork()), function, arg);
}

/* The same as the init of a pid namespace; flags of clone(2) say what else it is to have. */
MAYBE_UNUSED static pid_t init_with(unsigned long flags, int (*function)(void *), void *arg)
{
	flags |= CLONE_NEWPID | SIGCHLD;
	return if_child(sure((pid_t)syscall(SYS_clone, flags, 0, 0, 0, 0)), function, arg);
}

MAYBE_UNUSED static pid_t init_of_new(int (*function)(void *), void *arg)
{
	return init_with(0, function, arg);
}

/* A child must have ended with success. */
MAYBE_UNUSED static void reap(pid_t pid)
{
	int status = -1;

	if (waitpid(pid, &status, 0) != pid || status)
		expect(false, "child %d: wait status %#x", pid, status);
}

MAYBE_UNUSED static void *map_anon(size_t size, int flags)
{
	return sure(mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_ANONYMOUS | flags, -1, 0));
}

static void payload_begin(int argc, char **argv)
{
	if (argc < 2) {
		fprintf(stderr, "usage: %s DIR\n", argv[0]);
		exit(2);
	}
	payload_dir = argv[1];
}

MAYBE_UNUSED static int payload_end(void)
{
	write_file(file_at("result"), O_CREAT | O_APPEND, payload_failed ? "end 1\n" : "end 0\n");
	return payload_failed;
}

#endif /* PAYLOAD_H */
