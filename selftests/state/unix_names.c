// SPDX-License-Identifier: GPL-2.0
/*
 * Unix sockets with names: those that listen, with connections that nobody has
 * accepted yet, who waits for one, datagrams with senders, names in files.
 */
#include "payload.h"
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

static int listener, waited, server;
static struct sockaddr_un abstract = { .sun_family = AF_UNIX,
					 .sun_path = "\0cr-names-listener" };

static socklen_t length(const struct sockaddr_un *name)
{
	size_t text = name->sun_path[0] ? strlen(name->sun_path) : 1 + strlen(name->sun_path + 1);

	return offsetof(struct sockaddr_un, sun_path) + text + !!name->sun_path[0];
}

static struct sockaddr_un named(const char *text)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };

	if (text[0] == '@')
		strcpy(name.sun_path + 1, text + 1);
	else
		strcpy(name.sun_path, text);
	return name;
}

static int bound(int type, const char *text)
{
	struct sockaddr_un name = named(text);
	int fd = sure(socket(AF_UNIX, type, 0));

	sure(bind(fd, (struct sockaddr *)&name, length(&name)));
	return fd;
}

static int connected(int type, const struct sockaddr_un *name)
{
	int fd = sure(socket(AF_UNIX, type, 0));

	if (connect(fd, (struct sockaddr *)name, length(name)))
		expect(false, "connect: %s", strerror(errno));
	return fd;
}

static const char *shown(const struct sockaddr_un *name, socklen_t len)
{
	static char text[4][200];
	static int turn;
	char *to = text[turn++ % 4];

	snprintf(to, 200, "%s%.*s", len > 2 && !name->sun_path[0] ? "@" : "",
		 (int)len - 2 - (len > 2 && !name->sun_path[0]),
		 len > 2 ? name->sun_path + !name->sun_path[0] : "");
	return to;
}

static const char *name_of(int fd, int (*of)(int, struct sockaddr *, socklen_t *))
{
	struct sockaddr_un name;
	socklen_t len = sizeof(name);

	return of(fd, (struct sockaddr *)&name, &len) ? strerror(errno) : shown(&name, len);
}

static void is_called(const char *got, const char *wanted, const char *what)
{
	expect(!strcmp(got, wanted), "%s: %s, wanted %s", what, got, wanted);
}

static void comes(int fd, const char *wanted, const char *from)
{
	struct sockaddr_un name;
	socklen_t len = sizeof(name);
	char got[100] = "";

	if (recvfrom(fd, got, sizeof(got) - 1, MSG_DONTWAIT, (struct sockaddr *)&name, &len) < 0)
		strcpy(got, strerror(errno));
	expect(!strcmp(got, wanted), "received: \"%s\", wanted \"%s\"", got, wanted);
	if (from)
		is_called(shown(&name, len), from, "sender");
}

static int acceptor(void *unused)
{
	char got[20] = "";
	int fd;

	(void)unused;
	tell("acceptor");
	fd = accept(waited, NULL, NULL);
	expect(fd >= 0 && read(fd, got, sizeof(got)) == 4 && !strcmp(got, "late"),
	       "who waited for a connection: %d \"%s\"", fd, got);
	return 0;
}

int main(int argc, char **argv)
{
	int first, second, third, fd, in_file, removed, client, gone, relative, peer_lost;
	struct sockaddr_un path, to;
	struct stat before, after;
	pid_t waits;

	payload_begin(argc, argv);
	listener = sure(socket(AF_UNIX, SOCK_STREAM, 0));
	sure(bind(listener, (struct sockaddr *)&abstract, length(&abstract)));
	sure(listen(listener, 3));
	first = connected(SOCK_STREAM, &abstract);
	sure(write(first, "one", 3));
	second = connected(SOCK_STREAM, &abstract);
	sure(write(second, "two", 3));
	close(second);
	third = connected(SOCK_STREAM, &abstract);

	path = named(file_at("socket"));
	in_file = bound(SOCK_SEQPACKET, path.sun_path);
	sure(listen(in_file, 5));
	sure(chmod(path.sun_path, 0640));
	sure(chown(path.sun_path, 7, 8));
	sure(stat(path.sun_path, &before));
	waited = bound(SOCK_STREAM, "@cr-names-waited");
	sure(listen(waited, 1));
	waits = child(acceptor, NULL);
	await("acceptor");
	await_syscall(waits, SYS_accept);

	removed = bound(SOCK_STREAM, file_at("removed"));
	sure(listen(removed, 1));
	to = named(file_at("removed"));
	client = connected(SOCK_STREAM, &to);
	sure(write(client, "hidden", 6));
	sure(unlink(to.sun_path));

	sure(chdir(payload_dir));
	relative = bound(SOCK_DGRAM, "relative");
	sure(chdir("/"));

	server = bound(SOCK_DGRAM, "@cr-names-server");
	to = named("@cr-names-server");
	fd = bound(SOCK_DGRAM, "@cr-names-client");
	sure(connect(fd, (struct sockaddr *)&to, length(&to)));
	sure(write(fd, "from a client", 13));
	gone = bound(SOCK_DGRAM, "@cr-names-gone");
	sure(sendto(gone, "from nobody", 11, 0, (struct sockaddr *)&to, length(&to)));
	peer_lost = sure(socket(AF_UNIX, SOCK_DGRAM, 0));
	to = named("@cr-names-gone");
	sure(connect(peer_lost, (struct sockaddr *)&to, length(&to)));
	close(gone);
	gone = sure(socket(AF_UNIX, SOCK_DGRAM, 0));
	to = named("");
	sure(bind(gone, (struct sockaddr *)&to, 2));
	char autobound[20];
	strcpy(autobound, name_of(gone, getsockname));

	if (pause_here()) {
		sure(chmod(path.sun_path, 0600));
		close(server);
	}

	fd = accept(listener, NULL, NULL);
	comes(fd, "one", NULL);
	is_called(name_of(fd, getsockname), "@cr-names-listener", "name of a connection");
	is_called(name_of(first, getpeername), "@cr-names-listener", "name of its other end");
	sure(write(first, "more", 4));
	comes(fd, "more", NULL);
	fd = accept(listener, NULL, NULL);
	comes(fd, "two", NULL);
	expect_eq(read(fd, autobound + 10, 1), 0, "a client that is gone");
	fd = accept(listener, NULL, NULL);
	sure(write(fd, "hello", 5));
	comes(third, "hello", NULL);
	fd = connected(SOCK_STREAM, &abstract);
	expect(accept(listener, NULL, NULL) >= 0, "a new connection to an abstract name");

	sure(stat(path.sun_path, &after));
	expect(before.st_ino == after.st_ino && after.st_mode == before.st_mode && after.st_uid == 7,
	       "the file of a socket is the same");
	fd = connected(SOCK_SEQPACKET, &path);
	expect(accept(in_file, NULL, NULL) >= 0, "a new connection to a name in a file");
	is_called(name_of(in_file, getsockname), path.sun_path, "name in a file");
	to = named("@cr-names-waited");
	sure(write(connected(SOCK_STREAM, &to), "late", 4));
	reap(waits);

	is_called(name_of(removed, getsockname), file_at("removed"), "a name that was removed");
	fd = accept(removed, NULL, NULL);
	comes(fd, "hidden", NULL);

	is_called(name_of(relative, getsockname), "relative", "a relative name");
	to = named(file_at("relative"));
	fd = sure(socket(AF_UNIX, SOCK_DGRAM, 0));
	expect(sendto(fd, "found", 5, 0, (struct sockaddr *)&to, length(&to)) == 5,
	       "found by its whole name");
	comes(relative, "found", "");

	comes(server, "from a client", "@cr-names-client");
	comes(server, "from nobody", "@cr-names-gone");
	is_called(name_of(gone, getsockname), autobound, "a name that the kernel has chosen");
	is_called(name_of(peer_lost, getpeername), "@cr-names-gone", "name of one that is gone");
	expect_errno(write(peer_lost, "x", 1), ECONNREFUSED, "a datagram to one that is gone");
	return payload_end();
}
