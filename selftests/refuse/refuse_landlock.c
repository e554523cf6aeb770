// SPDX-License-Identifier: GPL-2.0
/* What Landlock has that is not supported. */
#include "cases.h"
#include "rules.h"
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

static int fd;

/* A rule for a directory that has no name any more, but can be used. */
static void make_removed(void)
{
	int rules = ruleset(LANDLOCK_ACCESS_FS_MAKE_SYM, 0, 0);

	sure(mkdir(file_at("removed"), 0755));
	fd = sure(open(file_at("removed"), O_RDONLY | O_DIRECTORY));
	allow(rules, file_at("removed"), LANDLOCK_ACCESS_FS_MAKE_SYM);
	sure(rmdir(file_at("removed")));
	restrict_self(rules);
}

/* The same for a process that will be another one. */
static void make_process(void)
{
	fd = ruleset(LANDLOCK_ACCESS_FS_READ_FILE, 0, 0);
	allow(fd, "/proc/1", LANDLOCK_ACCESS_FS_READ_FILE);
}

static void make_truncate(void)
{
	write_file(file_at("file"), O_CREAT, "x");
	restrict_self(ruleset(LANDLOCK_ACCESS_FS_TRUNCATE, 0, 0));
	fd = sure(open(file_at("file"), O_RDWR));
	close(sure(open(file_at("file"), O_RDONLY)));
}

static void make_ioctl(void)
{
	int rules = ruleset(LANDLOCK_ACCESS_FS_IOCTL_DEV, 0, 0);

	restrict_self(rules);
	fd = sure(open("/dev/null", O_RDWR));
}

static void make_scoped(void)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX, .sun_path = "\0scoped" };

	restrict_self(ruleset(0, 0, LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET));
	fd = sure(socket(AF_UNIX, SOCK_DGRAM, 0));
	sure(bind(fd, (struct sockaddr *)&name, offsetof(struct sockaddr_un, sun_path) + 7));
}

static void make_owned(void)
{
	int ends[2];

	restrict_self(ruleset(LANDLOCK_ACCESS_FS_MAKE_SYM, 0, 0));
	sure(pipe(ends));
	signal(SIGIO, SIG_IGN);
	sure(fcntl(ends[0], F_SETOWN, getpid()));
}

static void make_ruleset_flags(void)
{
	fd = ruleset(LANDLOCK_ACCESS_FS_MAKE_SYM, 0, 0);
	sure(fcntl(fd, F_SETFL, O_APPEND));
}

static const struct case_ cases[] = {
	{ "removed", "a Landlock domain: has a rule for a file that was removed", make_removed, NULL },
	{ "process", "a Landlock ruleset: has a rule for /proc/1, on a file system", make_process, NULL },
	{ "truncate", "file: was opened in a Landlock domain that forbids to truncate", make_truncate, NULL },
	{ "ioctl", "was opened in a Landlock domain that forbids requests", make_ioctl, NULL },
	{ "scoped", "was made in a Landlock domain that says who may connect", make_scoped, NULL },
	{ "owned", "send signals .F_SETOWN. in a container with a Landlock domain", make_owned, NULL },
	{ "flags", "a Landlock ruleset: has unknown flags 0o2002", make_ruleset_flags, NULL },
};

int main(int argc, char **argv)
{
	return run_cases(argc, argv, cases, ARRAY_SIZE(cases));
}
