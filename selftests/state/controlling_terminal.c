// SPDX-License-Identifier: GPL-2.0
/*
 * Controlling terminals: a session with a process group in the foreground that
 * reads, one in the background that was stopped as it wanted to, and one that has
 * given the terminal up; what is typed reaches those that it is meant for.
 */
#include "payload.h"
#include <sys/ioctl.h>
#include <termios.h>

static int master;
static volatile sig_atomic_t interrupts, changes;

static void count(int sig)
{
	if (sig == SIGINT)
		interrupts++;
	else
		changes++;
}

/* tty_nr and tpgid of /proc/PID/stat. */
static void terminal_of(pid_t pid, int *tty, int *tpgid)
{
	char path[64], text[512], *end;
	int pgrp, session;

	*tty = *tpgid = -2;
	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	if (read_file(path, text, sizeof(text)) > 0 && (end = strrchr(text, ')')))
		sscanf(end + 2, "%*c %*d %d %d %d %d", &pgrp, &session, tty, tpgid);
}

/* In the foreground: reads lines, and counts signals. */
static int foreground(void *arg)
{
	struct sigaction sa = { .sa_handler = count, .sa_flags = SA_RESTART };
	char line[64] = "";
	ssize_t n;

	(void)arg;
	sure(sigaction(SIGINT, &sa, NULL));
	sure(sigaction(SIGWINCH, &sa, NULL));
	while (tcgetpgrp(0) != getpid())
		sleep_ms(5);
	tell("foreground");
	n = read(0, line, sizeof(line) - 1);
	expect(n == 5 && !strcmp(line, "line\n"), "what was typed: %zd bytes", n);
	expect_eq(tcgetpgrp(0), getpid(), "in the foreground");
	tell("line was read");
	while (!interrupts || !changes)
		usleep(5000);
	expect_eq(interrupts, 1, "interrupts");
	expect_eq(changes, 1, "changes of size");
	return 0;
}

/* In the background: stopped by SIGTTIN. */
static int background(void *arg)
{
	char line[64] = "";
	ssize_t n;

	(void)arg;
	n = read(0, line, sizeof(line) - 1);
	expect(n == 5 && !strcmp(line, "more\n"), "typed for the second one: %zd bytes", n);
	return 0;
}

static int without(void *arg)
{
	(void)arg;
	sure(ioctl(0, TIOCNOTTY));
	tell("without");
	await_go();
	expect_errno(open("/dev/tty", O_RDWR), ENXIO, "it has given its terminal up");
	return 0;
}

/* Each of them is in a group of its own before it does anything. */
static int (*job_function)(void *);

static int begin_job(void *arg)
{
	sure(setpgid(0, 0));
	return job_function(arg);
}

static pid_t job(int (*function)(void *))
{
	pid_t pid;

	job_function = function;
	pid = child(begin_job, NULL);
	while (getpgid(pid) != pid)
		sleep_ms(5);
	return pid;
}

static int leader(void *arg)
{
	const char *name = arg;
	int status, tty, tpgid, own;
	pid_t first, second, third;

	sure(setsid());
	close(master);
	own = sure(open(name, O_RDWR));
	sure(ioctl(own, TIOCSCTTY, 0));
	for (int fd = 0; fd < 3; fd++)
		sure(dup2(own, fd));
	close(own);
	signal(SIGTTOU, SIG_IGN);
	first = job(foreground);
	sure(tcsetpgrp(0, first));
	second = job(background);
	third = job(without);
	await("foreground");
	await("without");
	while (task_state(second) != 'T')
		sleep_ms(5);
	tell("leader");

	await_go();
	terminal_of(getpid(), &tty, &tpgid);
	expect_eq(tpgid, first, "process group in the foreground");
	expect((tty >> 8 & 0xfff) == 136, "controlling terminal: %#x", tty);
	terminal_of(third, &tty, &tpgid);
	expect_eq(tty, 0, "controlling terminal of who has none");
	expect_eq(tcgetsid(0), getpid(), "session");
	own = open("/dev/tty", O_RDWR);
	expect(own >= 0 && tcgetpgrp(own) == first, "/dev/tty");
	close(own);
	tell("looked at");
	reap(first);
	reap(third);
	expect_eq(task_state(second), 'T', "stopped in the background");
	sure(tcsetpgrp(0, second));
	sure(kill(-second, SIGCONT));
	tell("second");
	sure(waitpid(second, &status, 0));
	expect_eq(status, 0, "the second one");
	return 0;
}

int main(int argc, char **argv)
{
	struct winsize size = { .ws_row = 20, .ws_col = 40 };
	char name[64];
	pid_t pid;

	payload_begin(argc, argv);
	master = sure(posix_openpt(O_RDWR | O_NOCTTY));
	sure(unlockpt(master));
	strcpy(name, ptsname(master));
	pid = child(leader, name);
	await("leader");
	if (pause_here())
		sure(write(master, "wrong", 5));
	await("looked at");
	sure(write(master, "line\n", 5));
	await("line was read");
	sure(write(master, "\003", 1));
	sure(ioctl(master, TIOCSWINSZ, &size));
	await("second");
	sure(write(master, "more\n", 5));
	reap(pid);
	return payload_end();
}
