// SPDX-License-Identifier: GPL-2.0
/*
 * /dev/tty, as less, ssh and gpg have it open: the only open file of its terminal,
 * read from by a child that sleeps; one whose terminal was hung up since.
 */
#include "payload.h"
#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <termios.h>

static int master, closed;

static int open_master(char *name, size_t size)
{
	int fd = sure(open("/dev/ptmx", O_RDWR | O_NOCTTY));

	sure(grantpt(fd));
	sure(unlockpt(fd));
	sure(ptsname_r(fd, name, size));
	return fd;
}

/* Becomes the leader of a session of that terminal; nothing but /dev/tty is left open of it. */
static int lead(const char *name, int flags)
{
	int slave, fd;

	sure(setsid());
	close(master);
	close(closed);
	slave = sure(open(name, O_RDWR | O_NOCTTY));
	sure(ioctl(slave, TIOCSCTTY, 0));
	fd = sure(open("/dev/tty", flags));
	close(slave);
	return fd;
}

static void is_dev_tty(int fd, const char *what)
{
	struct stat st;

	sure(fstat(fd, &st));
	expect(S_ISCHR(st.st_mode) && st.st_rdev == makedev(5, 0), "%s: %#lx", what,
	       (unsigned long)st.st_rdev);
}

static int reader_fd;

static int reader(void *arg)
{
	char line[64] = "";
	ssize_t n;

	(void)arg;
	tell("reads");
	n = read(reader_fd, line, sizeof(line) - 1);
	expect(n == 6 && !strcmp(line, "typed\n"), "what was typed: %zd bytes", n);
	return 0;
}

static int leader(void *arg)
{
	int quick;
	pid_t pid;

	reader_fd = lead(arg, O_RDWR);
	quick = sure(open("/dev/tty", O_WRONLY | O_NONBLOCK));
	pid = child(reader, NULL);
	await("reads");
	while (task_state(pid) != 'S')
		sleep_ms(5);
	tell("leader");
	await_go();
	is_dev_tty(reader_fd, "/dev/tty");
	is_dev_tty(quick, "the other /dev/tty");
	expect_eq(fcntl(quick, F_GETFL) & (O_ACCMODE | O_NONBLOCK), O_WRONLY | O_NONBLOCK,
		  "its flags");
	expect_eq(tcgetpgrp(reader_fd), getpid(), "group in the foreground");
	expect_eq(tcgetsid(quick), getpid(), "session");
	expect_eq(write(quick, "said\n", 5), 5, "what is said");
	tell("said");
	reap(pid);
	return 0;
}

static int deserted(void *arg)
{
	char byte;
	int fd;

	signal(SIGHUP, SIG_IGN);
	fd = lead(arg, O_RDWR);
	tell("deserted");
	await_go();
	is_dev_tty(fd, "/dev/tty of a terminal that was hung up");
	expect_eq(read(fd, &byte, 1), 0, "it is at its end");
	expect_errno(write(fd, "", 1), EIO, "nothing can be written to it");
	expect_errno(open("/dev/tty", O_RDWR), ENXIO, "no controlling terminal");
	return 0;
}

int main(int argc, char **argv)
{
	char first[64], second[64], text[64] = "";
	pid_t pid[2];

	payload_begin(argc, argv);
	master = open_master(first, sizeof(first));
	closed = open_master(second, sizeof(second));
	pid[0] = child(leader, first);
	pid[1] = child(deserted, second);
	await("leader");
	await("deserted");
	/* That was the last file of it: its terminal is hung up. */
	sure(close(closed));
	if (pause_here())
		sure(write(master, "wrong", 5));
	await("said");
	expect(read(master, text, sizeof(text) - 1) == 6 && !strcmp(text, "said\r\n"),
	       "what was said: %s", text);
	sure(write(master, "typed\n", 6));
	reap(pid[0]);
	reap(pid[1]);
	return payload_end();
}
