// SPDX-License-Identifier: GPL-2.0
/*
 * What goes with messages of Unix sockets: files, in circles too, and who has
 * sent them; who is at the other end; options.
 */
#include "payload.h"
#include <sys/socket.h>

#define OPTIONS	100

static int pair[2], circle[2], files[2], sender[2];
static pid_t first_sender;

static void send_fds(int fd, const char *text, const int *fds, int count)
{
	char control[CMSG_SPACE(10 * sizeof(int))] = {};
	struct iovec iov = { (void *)text, strlen(text) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
			      .msg_controllen = CMSG_SPACE(count * sizeof(int)) };
	struct cmsghdr *header = CMSG_FIRSTHDR(&msg);

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(count * sizeof(int));
	memcpy(CMSG_DATA(header), fds, count * sizeof(int));
	sure(sendmsg(fd, &msg, 0));
}

/* Returns how many files came; who has sent it, if that is told. */
static int receive(int fd, const char *wanted, int *fds, struct ucred *cred)
{
	char got[100] = "", control[500] = {};
	struct iovec iov = { got, sizeof(got) - 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
			      .msg_controllen = sizeof(control) };
	int count = 0;

	if (recvmsg(fd, &msg, MSG_DONTWAIT) < 0)
		strcpy(got, strerror(errno));
	expect(!strcmp(got, wanted), "received: \"%s\", wanted \"%s\"", got, wanted);
	for (struct cmsghdr *h = CMSG_FIRSTHDR(&msg); h; h = CMSG_NXTHDR(&msg, h)) {
		if (h->cmsg_type == SCM_RIGHTS) {
			count = (h->cmsg_len - CMSG_LEN(0)) / sizeof(int);
			memcpy(fds, CMSG_DATA(h), count * sizeof(int));
		} else if (h->cmsg_type == SCM_CREDENTIALS && cred) {
			memcpy(cred, CMSG_DATA(h), sizeof(*cred));
		}
	}
	return count;
}

static int send_as_child(void *text)
{
	sure(setgid(4321));
	sure(setuid(1234));
	sure(write(sender[0], text, strlen(text)));
	if (!strcmp(text, "alive")) {
		tell("sent");
		await_go();
	}
	return 0;
}

static int make_pair(void *unused)
{
	(void)unused;
	sure(setgid(77));
	sure(setuid(66));
	/* The descriptors go to the parent; who has made them is known for ever. */
	int made[2];

	sure(socketpair(AF_UNIX, SOCK_STREAM, 0, made));
	send_fds(pair[0], "made", made, 2);
	return 0;
}

static int compare(int fd, unsigned char values[OPTIONS][64], bool save)
{
	int different = 0;

	for (int option = 1; option < OPTIONS; option++) {
		unsigned char now[64] = {};
		socklen_t len = sizeof(now) - 4;

		/* Those give descriptors, or pids, which are looked at elsewhere. */
		if (option == SO_PEERCRED || option == 77 || option == 57)
			continue;
		if (getsockopt(fd, SOL_SOCKET, option, now, &len))
			memset(now, errno, sizeof(now));
		else
			now[60] = len;
		if (save)
			memcpy(values[option], now, sizeof(now));
		else if (memcmp(values[option], now, sizeof(now)))
			different = option;
	}
	return different;
}

static void set(int fd, int option, int value)
{
	sure(setsockopt(fd, SOL_SOCKET, option, &value, sizeof(value)));
}

int main(int argc, char **argv)
{
	static unsigned char values[2][OPTIONS][64];
	int ends[2], data, fds[10], made[2], plain[2], special[2];
	struct timeval timeout = { 3, 0 };
	struct linger linger = { 1, 9 };
	struct ucred cred = {};
	socklen_t len = sizeof(cred);
	pid_t alive, maker;
	char byte = 0;

	payload_begin(argc, argv);
	/* For who gives up its rights. */
	sure(chmod(payload_dir, 0777));
	umask(0);
	sure(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair));
	sure(pipe(ends));
	data = sure(open(file_at("data"), O_RDWR | O_CREAT, 0600));
	sure(write(data, "content", 7));
	maker = child(make_pair, NULL);
	reap(maker);

	/* A pipe, a file and a place that nobody has open any more. */
	sure(socketpair(AF_UNIX, SOCK_STREAM, 0, files));
	fds[0] = ends[0];
	fds[1] = data;
	fds[2] = sure(open(payload_dir, O_PATH));
	send_fds(files[0], "with files", fds, 3);
	close(fds[2]);
	sure(write(ends[1], "through a pipe", 14));
	close(ends[0]);
	close(data);

	/* A socket in its own queue, and nobody else has it. */
	sure(socketpair(AF_UNIX, SOCK_DGRAM, 0, circle));
	send_fds(circle[0], "round", &circle[1], 1);
	send_fds(pair[0], "circle", &circle[1], 1);
	close(circle[1]);

	sure(socketpair(AF_UNIX, SOCK_DGRAM, 0, sender));
	set(sender[1], SO_PASSCRED, 1);
	first_sender = child(send_as_child, "dead");
	reap(first_sender);
	alive = child(send_as_child, "alive");
	await("sent");

	sure(socketpair(AF_UNIX, SOCK_STREAM, 0, plain));
	sure(socketpair(AF_UNIX, SOCK_DGRAM, 0, special));
	set(special[0], SO_KEEPALIVE, 1);
	set(special[0], SO_BROADCAST, 1);
	set(special[0], SO_OOBINLINE, 1);
	set(special[0], SO_DONTROUTE, 1);
	set(special[0], SO_TIMESTAMPNS, 1);
	set(special[0], SO_RXQ_OVFL, 1);
	set(special[0], SO_RCVBUF, 123456);
	set(special[0], SO_SNDBUFFORCE, 9000000);
	set(special[0], SO_RCVLOWAT, 7);
	set(special[0], SO_PRIORITY, 5);
	set(special[0], SO_MARK, 99);
	set(special[0], SO_PEEK_OFF, 2);
	set(special[0], SO_PASSCRED, 1);
	set(special[0], SO_PASSSEC, 1);
	sure(setsockopt(special[0], SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)));
	sure(setsockopt(special[0], SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)));
	compare(plain[0], values[0], true);
	compare(special[0], values[1], true);

	if (pause_here()) {
		set(special[0], SO_PRIORITY, 4);
		sure(read(sender[1], &byte, 1));
	}

	expect_eq(compare(plain[0], values[0], false), 0, "options that nobody has set");
	expect_eq(compare(special[0], values[1], false), 0, "options that were set");

	expect_eq(receive(files[1], "with files", fds, NULL), 3, "files with a piece of a stream");
	char text[40] = "";
	expect(read(fds[0], text, sizeof(text)) == 14 && !strcmp(text, "through a pipe"),
	       "a pipe that was on its way: \"%s\"", text);
	memset(text, 0, sizeof(text));
	expect(pread(fds[1], text, sizeof(text), 0) == 7 && !strcmp(text, "content") &&
	       lseek(fds[1], 0, SEEK_CUR) == 7, "a file that was on its way: \"%s\"", text);
	expect_eq(write(ends[1], "x", 1), 1, "the other end of that pipe");
	expect_eq(faccessat(fds[2], "data", F_OK, 0), 0, "a place that was on its way");

	expect_eq(receive(pair[1], "made", made, NULL), 2, "sockets that were on their way");
	sure(getsockopt(made[0], SOL_SOCKET, SO_PEERCRED, &cred, &len));
	expect(cred.pid == maker && cred.uid == 66 && cred.gid == 77,
	       "who has made them: pid %d, %d:%d, wanted %d, 66:77", cred.pid, cred.uid, cred.gid, maker);
	expect(write(made[0], "y", 1) == 1 && read(made[1], &byte, 1) == 1 && byte == 'y',
	       "they are connected");

	expect_eq(receive(pair[1], "circle", fds, NULL), 1, "a socket that was on its way");
	expect_eq(receive(fds[0], "round", fds + 1, NULL), 1, "a socket in its own queue");
	sure(write(circle[0], "again", 5));
	expect_eq(receive(fds[1], "again", fds + 2, NULL), 0, "it is the same socket");

	receive(sender[1], "dead", fds, &cred);
	expect(cred.pid == first_sender && cred.uid == 1234 && cred.gid == 4321,
	       "sent by one that is gone: pid %d, %d:%d, wanted %d", cred.pid, cred.uid, cred.gid, first_sender);
	receive(sender[1], "alive", fds, &cred);
	expect(cred.pid == alive && cred.uid == 1234 && cred.gid == 4321,
	       "sent by one that lives: pid %d, %d:%d, wanted %d", cred.pid, cred.uid, cred.gid, alive);
	sure(getsockopt(plain[0], SOL_SOCKET, SO_PEERCRED, &cred, &len));
	expect(cred.pid == getpid() && cred.uid == 0, "who is at the other end: pid %d, uid %d", cred.pid,
	       cred.uid);
	reap(alive);
	return payload_end();
}
