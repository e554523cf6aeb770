// SPDX-License-Identifier: GPL-2.0
/* Sockets, none of which is supported yet. */
#include "cases.h"
#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

static int pair[2];

static void make_unix_stream(void)
{
	sure(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	sure(write(pair[0], "queued", 6));
}

static void make_unix_datagram(void)
{
	sure(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair));
}

static void make_unix_listening(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", file_at("socket"));
	pair[0] = sure(socket(AF_UNIX, SOCK_STREAM, 0));
	sure(bind(pair[0], (void *)&address, sizeof(address)));
	sure(listen(pair[0], 5));
}

static struct sockaddr_in listen_on_loopback(void)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t len = sizeof(address);

	pair[0] = sure(socket(AF_INET, SOCK_STREAM, 0));
	sure(bind(pair[0], (void *)&address, sizeof(address)));
	sure(listen(pair[0], 5));
	sure(getsockname(pair[0], (void *)&address, &len));
	return address;
}

static void make_tcp_listening(void)
{
	listen_on_loopback();
}

static void make_tcp(void)
{
	struct sockaddr_in address = listen_on_loopback();
	int listening = pair[0];

	pair[1] = sure(socket(AF_INET, SOCK_STREAM, 0));
	sure(connect(pair[1], (void *)&address, sizeof(address)));
	pair[0] = sure(accept(listening, NULL, NULL));
	close(listening);
}

static void make_udp(void)
{
	pair[0] = sure(socket(AF_INET6, SOCK_DGRAM, 0));
}

static void make_packet(void)
{
	pair[0] = sure(socket(AF_PACKET, SOCK_RAW, 0));
}

static void make_netlink(void)
{
	pair[0] = sure(socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE));
}

/* It is only on its way in another socket. */
static void make_in_flight(void)
{
	char control[CMSG_SPACE(sizeof(int))] = { 0 }, byte = 'x';
	struct iovec iov = { &byte, 1 };
	struct msghdr message = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	sure(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair));
	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(header), &(int){ 1 }, sizeof(int));
	sure(sendmsg(pair[0], &message, 0));
}

/* A socket that nobody has opened again. */
static void make_in_child(void)
{
	pid_t pid = sure(fork());

	if (!pid) {
		make_unix_stream();
		tell("child");
		await_go();
		_exit(0);
	}
	await("child");
}

static const struct case_ cases[] = {
	{ "unix-stream", "socket", make_unix_stream, NULL },
	{ "unix-datagram", "socket", make_unix_datagram, NULL },
	{ "unix-listening", "socket", make_unix_listening, NULL },
	{ "tcp-listening", "socket", make_tcp_listening, NULL },
	{ "tcp", "socket", make_tcp, NULL },
	{ "udp", "socket", make_udp, NULL },
	{ "packet", "socket", make_packet, NULL },
	{ "netlink", "socket", make_netlink, NULL },
	{ "in-flight", "socket", make_in_flight, NULL },
	{ "of-child", "pid 2 .*socket", make_in_child, NULL },
};

int main(int argc, char **argv)
{
	return run_cases(argc, argv, cases, ARRAY_SIZE(cases));
}
