// SPDX-License-Identifier: GPL-2.0
/*
 * A session that has lost its terminal: when its leader exits, the process group
 * that was in the foreground gets SIGHUP and SIGCONT.
 */
#include "payload.h"
#include <sys/ioctl.h>
#include <termios.h>

static volatile sig_atomic_t hangups, continues;

static void count(int sig)
{
	if (sig == SIGHUP)
		hangups++;
	else
		continues++;
}

static int foreground(void *unused)
{
	struct sigaction sa = { .sa_handler = count, .sa_flags = SA_RESTART };

	sure(syscall(SYS_close_range, 3, ~0U, 0));
	sure(sigaction(SIGHUP, &sa, NULL));
	sure(sigaction(SIGCONT, &sa, NULL));
	tell("foreground");
	/* Interrupted by the signals. */
	while (access(file_at("leader is gone"), F_OK))
		usleep(5000);
	expect_eq(hangups, 1, "signals for the lost terminal");
	expect(continues > 0, "and it was continued");
	(void)unused;
	return 0;
}

static int leader(void *unused)
{
	int master, slave;
	pid_t group;

	sure(setsid());
	signal(SIGHUP, SIG_IGN);
	signal(SIGTTOU, SIG_IGN);
	master = sure(posix_openpt(O_RDWR | O_NOCTTY));
	sure(grantpt(master));
	sure(unlockpt(master));
	slave = sure(open(ptsname(master), O_RDWR));
	sure(ioctl(slave, TIOCSCTTY, 0));
	group = child(foreground, NULL);
	sure(setpgid(group, group));
	await("foreground");
	sure(tcsetpgrp(slave, group));
	close(master);
	close(slave);
	tell("leader");
	if (await_go()) {
		/* A new terminal makes it forget the old one. */
		master = sure(posix_openpt(O_RDWR | O_NOCTTY));
		sure(unlockpt(master));
		slave = sure(open(ptsname(master), O_RDWR | O_NOCTTY));
		sure(ioctl(slave, TIOCSCTTY, 0));
		sure(ioctl(slave, TIOCNOTTY, 0));
	}
	(void)unused;
	return 0;
}

int main(int argc, char **argv)
{
	int status;
	pid_t pid;

	payload_begin(argc, argv);
	pid = child(leader, NULL);
	await("leader");
	pause_here();
	reap(pid);
	tell("leader is gone");
	/* It was adopted. */
	sure(wait(&status));
	expect_eq(status, 0, "process group of the foreground");
	return payload_end();
}
