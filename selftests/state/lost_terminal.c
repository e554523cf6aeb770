// SPDX-License-Identifier: GPL-2.0
/*
 * A session that has lost its terminal: when its leader exits, the process group
 * that was in the foreground gets SIGHUP and SIGCONT. Also in a pid namespace.
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

/* A name for each of the two sessions. */
static const char *name_of(const char *what, void *nested)
{
	static char name[64];

	snprintf(name, sizeof(name), "%s%s", nested ? "nested " : "", what);
	return name;
}

static int foreground(void *nested)
{
	struct sigaction sa = { .sa_handler = count, .sa_flags = SA_RESTART };

	sure(syscall(SYS_close_range, 3, ~0U, 0));
	sure(sigaction(SIGHUP, &sa, NULL));
	sure(sigaction(SIGCONT, &sa, NULL));
	tell(name_of("foreground", nested));
	/* Interrupted by the signals. */
	while (access(file_at(name_of("leader is gone", nested)), F_OK))
		usleep(5000);
	expect_eq(hangups, 1, "signals for the lost terminal");
	expect(continues > 0, "and it was continued");
	return 0;
}

static int leader(void *nested)
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
	group = child(foreground, nested);
	sure(setpgid(group, group));
	await(name_of("foreground", nested));
	sure(tcsetpgrp(slave, group));
	close(master);
	close(slave);
	tell(name_of("leader", nested));
	if (await_go()) {
		/* A new terminal makes it forget the old one. */
		master = sure(posix_openpt(O_RDWR | O_NOCTTY));
		sure(unlockpt(master));
		slave = sure(open(ptsname(master), O_RDWR | O_NOCTTY));
		sure(ioctl(slave, TIOCSCTTY, 0));
		sure(ioctl(slave, TIOCNOTTY, 0));
	}
	return 0;
}

/* What the init of a pid namespace does with such a session, before and after. */
static pid_t begin(void *nested)
{
	pid_t pid = child(leader, nested);

	await(name_of("leader", nested));
	return pid;
}

static void end(pid_t pid, void *nested)
{
	int status;

	reap(pid);
	tell(name_of("leader is gone", nested));
	/* It was adopted. */
	sure(wait(&status));
	expect_eq(status, 0, "process group of the foreground");
}

static int init(void *nested)
{
	pid_t pid = begin(nested);

	await_go();
	end(pid, nested);
	return 0;
}

int main(int argc, char **argv)
{
	pid_t pid, nested;

	payload_begin(argc, argv);
	pid = begin(NULL);
	nested = init_of_new(init, "");
	await("nested leader");
	pause_here();
	reap(nested);
	end(pid, NULL);
	return payload_end();
}
