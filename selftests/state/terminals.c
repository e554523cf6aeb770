// SPDX-License-Identifier: GPL-2.0
/*
 * Pseudoterminals: settings, size, owner, what waits in both directions, a line
 * half typed, packet mode, locks, output that is stopped or does not fit, slaves
 * that were hung up, masters that are closed; reads and writes that sleep.
 */
#include "payload.h"
#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>

#define BIG	40000
#define TYPED	6000

struct pair {
	int master, slave;
};

static struct pair plain, packet, stopped, full, locked, big, noecho;
static char name[64];

static struct pair make_pair(void)
{
	struct pair p;

	p.master = sure(posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK));
	sure(grantpt(p.master));
	sure(unlockpt(p.master));
	p.slave = sure(open(ptsname(p.master), O_RDWR | O_NOCTTY | O_NONBLOCK));
	return p;
}

static void set_raw(int fd)
{
	struct termios t;

	sure(tcgetattr(fd, &t));
	cfmakeraw(&t);
	sure(tcsetattr(fd, TCSANOW, &t));
}

static void put(int fd, const char *text)
{
	sure(write(fd, text, strlen(text)) == (ssize_t)strlen(text) ? 0 : -1);
}

static void expect_read(int fd, const char *text, const char *what)
{
	size_t got = 0, want = strlen(text);
	char buf[256] = "";
	ssize_t n;

	/* What was written a moment ago takes a moment. */
	for (int i = 0; got < want && i < 200; i++) {
		n = read(fd, buf + got, sizeof(buf) - 1 - got);
		if (n > 0)
			got += n;
		else
			sleep_ms(10);
	}
	expect(got == want && !strcmp(buf, text), "%s: %zu bytes", what, got);
}

static void no_block(int fd, bool on)
{
	sure(fcntl(fd, F_SETFL, O_RDWR | (on ? O_NONBLOCK : 0)));
}

/* Settings, size, mode; what both ends have written. */
static void make_plain(void)
{
	struct winsize size = { 37, 113, 5, 6 };
	struct termios t;

	plain = make_pair();
	strcpy(name, ptsname(plain.master));
	sure(tcgetattr(plain.slave, &t));
	t.c_cc[VINTR] = 'x';
	t.c_oflag |= OLCUC;
	t.c_lflag &= ~ECHO;
	t.c_cc[VEOL] = '!';
	cfsetispeed(&t, B9600);
	cfsetospeed(&t, B9600);
	sure(tcsetattr(plain.slave, TCSANOW, &t));
	sure(ioctl(plain.slave, TIOCSWINSZ, &size));
	sure(fchmod(plain.slave, 0642));
	sure(fchown(plain.slave, 12, 13));
	put(plain.slave, "out\n");
	put(plain.master, "one\ntw");
	/* It must have been looked at. */
	expect_read(plain.slave, "one\n", "a line before");
	put(plain.master, "o!thr");
}

static void check_plain(void)
{
	struct winsize size;
	struct termios t;
	struct stat st;
	int queued = 0;

	expect(!strcmp(ptsname(plain.master), name), "name: %s, was %s", ptsname(plain.master), name);
	expect(!strcmp(ttyname(plain.slave) ?: "", name), "name of the slave");
	sure(tcgetattr(plain.slave, &t));
	expect_eq(t.c_cc[VINTR], 'x', "a character");
	expect(t.c_oflag & OLCUC && !(t.c_lflag & ECHO), "flags");
	expect_eq(cfgetospeed(&t), B9600, "speed");
	sure(ioctl(plain.master, TIOCGWINSZ, &size));
	expect(size.ws_row == 37 && size.ws_col == 113 && size.ws_ypixel == 6, "size: %d x %d",
	       size.ws_row, size.ws_col);
	sure(fstat(plain.slave, &st));
	expect_eq(st.st_mode & 07777, 0642, "mode");
	expect(st.st_uid == 12 && st.st_gid == 13, "owner: %d, %d", st.st_uid, st.st_gid);
	expect_eq(fcntl(plain.master, F_GETFL) & (O_ACCMODE | O_NONBLOCK), O_RDWR | O_NONBLOCK,
		  "flags of the master");
	expect_read(plain.master, "OUT\r\n", "what the slave has written");
	sure(ioctl(plain.slave, FIONREAD, &queued));
	expect_eq(queued, 4, "complete lines");
	expect_read(plain.slave, "two!", "a line");
	put(plain.master, "ee\177\n");
	expect_read(plain.slave, "thre\n", "a line that was half typed");
}

static void make_packet(void)
{
	int on = 1;

	packet = make_pair();
	sure(ioctl(packet.master, TIOCPKT, &on));
	sure(tcflush(packet.slave, TCIFLUSH));
	put(packet.slave, "data");
}

static void check_packet(void)
{
	int on = 0;

	sure(ioctl(packet.master, TIOCGPKT, &on));
	expect_eq(on, 1, "packet mode");
	expect_read(packet.master, "\001", "what has happened");
	on = read(packet.master, (char[16]){ 0 }, 16);
	expect_eq(on, 5, "a packet");
}

static void make_stopped(void)
{
	stopped = make_pair();
	put(stopped.slave, "before");
	put(stopped.master, "\023");
	for (struct pollfd pfd = { .fd = stopped.slave, .events = POLLOUT };
	     poll(&pfd, 1, 0) > 0; pfd.revents = 0)
		sleep_ms(5);
}

static void check_stopped(void)
{
	expect_errno(write(stopped.slave, "x", 1), EAGAIN, "output is stopped");
	put(stopped.master, "\021");
	for (int i = 0; write(stopped.slave, "after", 5) != 5 && i < 200; i++)
		sleep_ms(10);
	expect_read(stopped.master, "beforeafter", "it goes on");
}

/* More than fits: the line discipline holds 4095, the rest waits before it. */
static void make_full(void)
{
	char text[TYPED];
	size_t done = 0;
	ssize_t n;

	full = make_pair();
	set_raw(full.slave);
	for (int i = 0; i < TYPED; i++)
		text[i] = 'a' + i % 23;
	for (int i = 0; done < TYPED && i < 200; i++) {
		n = write(full.master, text + done, TYPED - done);
		if (n > 0)
			done += n;
		else
			sleep_ms(10);
	}
	expect_eq(done, TYPED, "bytes typed");
}

static void check_full(void)
{
	char text[TYPED];
	size_t got = 0;
	ssize_t n;
	int bad = 0;

	for (int i = 0; got < TYPED && i < 300; i++) {
		n = read(full.slave, text + got, TYPED - got);
		if (n > 0)
			got += n;
		else
			sleep_ms(10);
	}
	for (size_t i = 0; i < got; i++)
		bad += text[i] != (char)('a' + i % 23);
	expect_eq(got, TYPED, "bytes that were typed");
	expect_eq(bad, 0, "wrong ones");
	expect_errno(read(full.slave, text, 1), EAGAIN, "no more");
}

static void make_locked(void)
{
	locked.master = sure(posix_openpt(O_RDWR | O_NOCTTY));
	locked.slave = -1;
	sure(ioctl(plain.master, TIOCEXCL));
}

static void check_locked(void)
{
	int value = 0;

	sure(ioctl(locked.master, TIOCGPTLCK, &value));
	expect_eq(value, 1, "the slave is locked");
	expect_errno(open(ptsname(locked.master), O_RDWR | O_NOCTTY), EIO, "it cannot be opened");
	sure(unlockpt(locked.master));
	locked.slave = open(ptsname(locked.master), O_RDWR | O_NOCTTY);
	expect(locked.slave >= 0, "it is opened");
	sure(ioctl(plain.master, TIOCGEXCL, &value));
	expect_eq(value, 1, "exclusive");
}

/* Writes more than there is room for, and sleeps half way. */
static int writer(void *arg)
{
	char text[BIG];

	(void)arg;
	no_block(big.slave, false);
	for (int i = 0; i < BIG; i++)
		text[i] = 'A' + i % 19;
	expect_eq(write(big.slave, text, BIG), BIG, "a large write");
	return 0;
}

static void check_big(pid_t pid)
{
	char text[BIG];
	size_t got = 0;
	ssize_t n;
	int bad = 0;

	for (int i = 0; got < BIG && i < 600; i++) {
		n = read(big.master, text + got, BIG - got);
		if (n > 0)
			got += n;
		else
			sleep_ms(10);
	}
	for (size_t i = 0; i < got; i++)
		bad += text[i] != (char)('A' + i % 19);
	expect_eq(got, BIG, "what a large write has written");
	expect_eq(bad, 0, "wrong bytes");
	reap(pid);
}

/* Sleeps until a line is typed, without echo. */
static int reader(void *arg)
{
	char text[64] = "";
	ssize_t n;

	(void)arg;
	no_block(noecho.slave, false);
	n = read(noecho.slave, text, sizeof(text) - 1);
	expect(n == 7 && !strcmp(text, "answer\n"), "a read that sleeps: %zd bytes", n);
	return 0;
}

/* Slaves that were hung up, and one whose master is closed. */
static struct pair hung, orphan;
static int again;

static void make_hung(void)
{
	hung = make_pair();
	sure(ioctl(hung.slave, TIOCVHANGUP));
	again = sure(open(ptsname(hung.master), O_RDWR | O_NOCTTY | O_NONBLOCK));
	orphan = make_pair();
	close(orphan.master);
}

static void check_hung(void)
{
	char path[64], to[128];
	ssize_t n;

	expect_eq(read(hung.slave, to, 1), 0, "nothing from a terminal that was hung up");
	expect_errno(write(hung.slave, "x", 1), EIO, "nothing can be written to it");
	put(again, "alive");
	expect_read(hung.master, "alive", "who has opened it again");
	expect_eq(read(orphan.slave, to, 1), 0, "nothing without a master");
	expect_errno(write(orphan.slave, "x", 1), EIO, "and nobody to write to");
	snprintf(path, sizeof(path), "/proc/self/fd/%d", orphan.slave);
	n = sure(readlink(path, to, sizeof(to) - 1));
	to[n] = 0;
	expect(strstr(to, "(deleted)") != NULL, "its name: %s", to);
}

int main(int argc, char **argv)
{
	pid_t write_pid, read_pid;
	struct termios t;

	payload_begin(argc, argv);
	make_plain();
	make_packet();
	make_stopped();
	make_full();
	make_locked();
	make_hung();
	big = make_pair();
	set_raw(big.slave);
	noecho = make_pair();
	sure(tcgetattr(noecho.slave, &t));
	t.c_lflag &= ~ECHO;
	sure(tcsetattr(noecho.slave, TCSANOW, &t));
	write_pid = child(writer, NULL);
	await_syscall(write_pid, SYS_write);
	read_pid = child(reader, NULL);
	await_syscall(read_pid, SYS_read);

	if (pause_here()) {
		put(plain.master, "!");
		sure(tcflush(full.slave, TCIFLUSH));
	}
	check_plain();
	check_packet();
	check_stopped();
	check_full();
	check_locked();
	check_hung();
	check_big(write_pid);
	put(noecho.master, "answer\n");
	reap(read_pid);
	return payload_end();
}
