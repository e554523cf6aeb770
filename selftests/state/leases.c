// SPDX-License-Identifier: GPL-2.0
/*
 * Leases: to read and to write, of another process, by a descriptor that is not the file's any more;
 * who is told when somebody wants to open the file, and how.
 */
#include "payload.h"
#include <sys/sysmacros.h>

static volatile sig_atomic_t told_fd = -1, told_by;

static void on_signal(int sig, siginfo_t *info, void *unused)
{
	told_by = sig;
	told_fd = info->si_fd;
	(void)unused;
}

static int leased(const char *name, int how, int type)
{
	int fd = sure(open(file_at(name), how | O_CREAT, 0600));

	if (type == F_RDLCK) {
		close(fd);
		fd = sure(open(file_at(name), O_RDONLY));
	}
	sure(fcntl(fd, F_SETLEASE, type));
	return fd;
}

/* What /proc/locks says about the leases of a file: kinds, and who has them. */
static void leases_of(const char *name, char *out, size_t size)
{
	char line[300], inode[64];
	struct stat st;
	FILE *locks = fopen("/proc/locks", "re");

	*out = 0;
	sure(stat(file_at(name), &st));
	snprintf(inode, sizeof(inode), "%02x:%02x:%lu ", major(st.st_dev), minor(st.st_dev),
		 (unsigned long)st.st_ino);
	while (locks && fgets(line, sizeof(line), locks))
		if (strstr(line, inode) && strchr(line, ':'))
			strncat(out, strchr(line, ':'), size - strlen(out) - 1);
	if (locks)
		fclose(locks);
}

/* Has a lease of its own, which its parent has no part in. */
static int holder(void *unused)
{
	sigset_t signals;
	int fd;

	/* Whenever it comes, it waits. */
	sigemptyset(&signals);
	sigaddset(&signals, SIGIO);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	fd = leased("child", O_RDWR, F_WRLCK);
	tell("leased");
	await("opened");
	expect_eq(fcntl(fd, F_GETLEASE), F_UNLCK, "lease of a child, which somebody wants to end");
	expect_eq(sigwaitinfo(&signals, NULL), SIGIO, "the child is told");
	tell("seen");
	(void)unused;
	return 0;
}

/* Opens a file as somebody else would, who does not wait. */
static int opener(void *name)
{
	int fd = open(file_at(name), O_RDWR | O_NONBLOCK);

	_exit(fd < 0 && errno == EWOULDBLOCK ? 0 : 1);
}

static void open_elsewhere(const char *name, const char *what)
{
	pid_t pid = child(opener, (void *)name);
	int status;

	sure(waitpid(pid, &status, 0));
	expect_eq(WEXITSTATUS(status), 0, "%s", what);
}

int main(int argc, char **argv)
{
	struct sigaction action = { .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_RESTART };
	static const char *const names[] = { "write", "read", "moved", "child" };
	char before[ARRAY_SIZE(names)][400], after[400];
	int write_fd, read_fd, other_fd, moved;
	pid_t pid;

	payload_begin(argc, argv);
	pid = child(holder, NULL);
	await("leased");
	sure(sigaction(SIGUSR1, &action, NULL));
	write_fd = leased("write", O_RDWR, F_WRLCK);
	sure(fcntl(write_fd, F_SETSIG, SIGUSR1));
	read_fd = leased("read", O_RDWR, F_RDLCK);
	sure(fcntl(read_fd, F_SETSIG, SIGUSR1));
	other_fd = sure(open(file_at("read"), O_RDONLY));
	sure(fcntl(other_fd, F_SETLEASE, F_RDLCK));
	sure(fcntl(other_fd, F_SETSIG, SIGURG));
	/* The signal tells of a descriptor that is closed by then. */
	moved = sure(dup2(leased("moved", O_RDWR, F_WRLCK), 90));
	sure(fcntl(moved, F_SETLEASE, F_UNLCK));
	sure(fcntl(moved, F_SETLEASE, F_WRLCK));
	sure(fcntl(moved, F_SETSIG, SIGUSR1));
	close(moved);
	moved = other_fd + 1;
	for (unsigned int i = 0; i < ARRAY_SIZE(names); i++)
		leases_of(names[i], before[i], sizeof(before[i]));

	if (pause_here()) {
		sure(fcntl(write_fd, F_SETLEASE, F_UNLCK));
		sure(fcntl(read_fd, F_SETLEASE, F_UNLCK));
	}
	for (unsigned int i = 0; i < ARRAY_SIZE(names); i++) {
		leases_of(names[i], after, sizeof(after));
		expect(!strcmp(after, before[i]) && *after, "leases, %s: %s; were: %s", names[i], after, before[i]);
	}
	expect_eq(told_by, 0, "nobody was told");
	expect_eq(fcntl(write_fd, F_GETLEASE), F_WRLCK, "lease to write");
	expect_eq(fcntl(read_fd, F_GETLEASE), F_RDLCK, "lease to read");
	expect_eq(fcntl(other_fd, F_GETLEASE), F_RDLCK, "another one to read");
	expect_eq(fcntl(moved, F_GETLEASE), F_WRLCK, "lease by a descriptor that is closed");

	open_elsewhere("write", "who opens the file has to wait");
	expect_eq(told_by, SIGUSR1, "signal of a lease");
	expect_eq(told_fd, write_fd, "its descriptor");
	expect_eq(fcntl(write_fd, F_GETLEASE), F_UNLCK, "the lease is to end");
	open_elsewhere("moved", "who opens another file has to wait");
	expect_eq(told_fd, 90, "a descriptor that is closed");
	told_by = 0;
	open_elsewhere("read", "who opens a file to write has to wait");
	expect_eq(told_by, SIGUSR1, "signal of a lease to read");
	expect_eq(told_fd, read_fd, "its descriptor, too");
	open_elsewhere("child", "who opens a file of a child has to wait");
	tell("opened");
	await("seen");
	reap(pid);
	return payload_end();
}
