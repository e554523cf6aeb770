// SPDX-License-Identifier: GPL-2.0
/* Sockets of the families that are not supported yet, and what Unix sockets must not have. */
#include "cases.h"
#include <arpa/inet.h>
#include <linux/bpf.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <mqueue.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>

static int pair[2];

static void make_stream(void)
{
	sure(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
}

/* A filter that is no program of classic BPF. */
static void attach_ebpf(void)
{
	struct bpf_insn all[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .imm = -1 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	union bpf_attr attr = {
		.prog_type = BPF_PROG_TYPE_SOCKET_FILTER,
		.insn_cnt = ARRAY_SIZE(all),
		.insns = (unsigned long)all,
		.license = (unsigned long)"GPL",
	};
	int program = need((int)syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr)));

	sure(setsockopt(pair[0], SOL_SOCKET, SO_ATTACH_BPF, &program, sizeof(program)));
	close(program);
}

static void attach_filter(int fd, unsigned int verdict)
{
	struct sock_filter all = { .code = BPF_RET | BPF_K, .k = verdict };
	struct sock_fprog filter = { 1, &all };

	sure(setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof(filter)));
}

static void make_filter(void)
{
	sure(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair));
	attach_ebpf();
}

static void make_timestamping(void)
{
	make_stream();
	sure(setsockopt(pair[0], SOL_SOCKET, SO_TIMESTAMPING, &(int){ 1 << 3 }, sizeof(int)));
}

/* Made in a network namespace of its own, which nobody is in any more. */
static void make_elsewhere(void)
{
	int here = sure(open("/proc/self/ns/net", O_RDONLY));

	sure(unshare(CLONE_NEWNET));
	make_stream();
	sure(setns(here, CLONE_NEWNET));
	close(here);
}

static void send_file(int fd)
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

	make_stream();
	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(header), &fd, sizeof(int));
	sure(sendmsg(pair[0], &message, 0));
	close(fd);
}

static void make_memory_in_flight(void)
{
	send_file(sure(open("/proc/self/mem", O_RDONLY)));
}

static void make_pidfd_in_flight(void)
{
	send_file(sure((int)syscall(SYS_pidfd_open, getpid(), 0)));
}

static void make_mqueue_in_flight(void)
{
	send_file(sure(mq_open("/in-flight", O_RDWR | O_CREAT, 0600, NULL)));
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

static void make_tcp_connecting(void)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons(9),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int blocked = sure(socket(AF_INET, SOCK_STREAM, 0)), filler;

	/* A listener whose queue is full does not answer. */
	address.sin_port = 0;
	sure(bind(blocked, (void *)&address, sizeof(address)));
	sure(listen(blocked, 0));
	sure(getsockname(blocked, (void *)&address, &(socklen_t){ sizeof(address) }));
	filler = sure(socket(AF_INET, SOCK_STREAM, 0));
	sure(connect(filler, (void *)&address, sizeof(address)));
	pair[0] = sure(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
	connect(pair[0], (void *)&address, sizeof(address));
}

static void make_tcp_fastopen(void)
{
	listen_on_loopback();
	sure(setsockopt(pair[0], IPPROTO_TCP, 23 /* TCP_FASTOPEN */, &(int){ 5 }, sizeof(int)));
}

static void make_tcp_filter(void)
{
	listen_on_loopback();
	attach_ebpf();
}

/* Two ends. */
static void connect_on_loopback(void)
{
	struct sockaddr_in address = listen_on_loopback();
	int listening = pair[0];

	pair[1] = sure(socket(AF_INET, SOCK_STREAM, 0));
	sure(connect(pair[1], (void *)&address, sizeof(address)));
	pair[0] = sure(accept(listening, NULL, NULL));
	close(listening);
}

/* Data that the filter does not let in is sent again and again. */
static void make_tcp_filter_asked(void)
{
	connect_on_loopback();
	attach_filter(pair[0], 0);
	sure(send(pair[1], "!", 1, 0));
}

static void make_tcp_filter_waiting(void)
{
	struct sockaddr_in address = listen_on_loopback();

	attach_filter(pair[0], 0xffffffff);
	pair[1] = sure(socket(AF_INET, SOCK_STREAM, 0));
	sure(connect(pair[1], (void *)&address, sizeof(address)));
}

static void attach_chooser(int fd)
{
	struct sock_filter first = { .code = BPF_RET | BPF_K, .k = 0 };
	struct sock_fprog filter = { 1, &first };

	sure(setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &(int){ 1 }, sizeof(int)));
	sure(setsockopt(fd, SOL_SOCKET, 51 /* SO_ATTACH_REUSEPORT_CBPF */, &filter, sizeof(filter)));
}

/* Of a connection, it chooses nothing any more. */
static void make_tcp_reuseport_program(void)
{
	struct sockaddr_in address = listen_on_loopback();

	pair[1] = sure(socket(AF_INET, SOCK_STREAM, 0));
	attach_chooser(pair[1]);
	sure(connect(pair[1], (void *)&address, sizeof(address)));
}

static void make_tcp_reuseport_waiting(void)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};

	pair[0] = sure(socket(AF_INET, SOCK_STREAM, 0));
	attach_chooser(pair[0]);
	sure(bind(pair[0], (void *)&address, sizeof(address)));
	sure(listen(pair[0], 5));
	sure(getsockname(pair[0], (void *)&address, &(socklen_t){ sizeof(address) }));
	pair[1] = sure(socket(AF_INET, SOCK_STREAM, 0));
	sure(connect(pair[1], (void *)&address, sizeof(address)));
}

static void make_tcp_zerocopy(void)
{
	listen_on_loopback();
	sure(setsockopt(pair[0], SOL_SOCKET, SO_ZEROCOPY, &(int){ 1 }, sizeof(int)));
}

static void make_tcp_options(void)
{
	/* A record of the route, for three places. */
	char route[] = { 7, 15, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 };

	listen_on_loopback();
	sure(setsockopt(pair[0], IPPROTO_IP, IP_OPTIONS, route, sizeof(route)));
}

static void make_tcp_elsewhere(void)
{
	int here = sure(open("/proc/self/ns/net", O_RDONLY));

	sure(unshare(CLONE_NEWNET));
	pair[0] = sure(socket(AF_INET, SOCK_STREAM, 0));
	sure(setns(here, CLONE_NEWNET));
	close(here);
}

static void make_tcp_urgent(void)
{
	static char data[1 << 19];

	/* There is no room for it where it goes. */
	connect_on_loopback();
	sure(setsockopt(pair[1], SOL_SOCKET, SO_SNDBUF, &(int){ 1 << 20 }, sizeof(int)));
	sure(setsockopt(pair[0], SOL_SOCKET, SO_RCVBUF, &(int){ 4096 }, sizeof(int)));
	sure(send(pair[1], data, sizeof(data), MSG_DONTWAIT));
	sure(send(pair[1], "!", 1, MSG_OOB | MSG_DONTWAIT));
}

static void make_tcp_urgent_waiting(void)
{
	struct sockaddr_in address = listen_on_loopback();

	pair[1] = sure(socket(AF_INET, SOCK_STREAM, 0));
	sure(connect(pair[1], (void *)&address, sizeof(address)));
	sure(send(pair[1], "!", 1, MSG_OOB));
}

static struct sockaddr_in bind_udp(void)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};

	pair[0] = sure(socket(AF_INET, SOCK_DGRAM, 0));
	sure(bind(pair[0], (void *)&address, sizeof(address)));
	sure(getsockname(pair[0], (void *)&address, &(socklen_t){ sizeof(address) }));
	return address;
}

/* Its first part has brought options along. */
static void make_udp_corked(void)
{
	/* A record of the route, for three places. */
	const char route[16] = { 7, 15, 4 };
	struct sockaddr_in address = bind_udp();
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(route))] = {};
	struct iovec iov = { "a part", 6 };
	struct msghdr msg = {
		.msg_name = &address,
		.msg_namelen = sizeof(address),
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *head = CMSG_FIRSTHDR(&msg);

	head->cmsg_level = IPPROTO_IP;
	head->cmsg_type = IP_RETOPTS;
	head->cmsg_len = CMSG_LEN(sizeof(route));
	memcpy(CMSG_DATA(head), route, sizeof(route));
	sure(sendmsg(pair[0], &msg, MSG_MORE));
}

/* What the first call has set stays: packets are looked at as ESP. */
static void make_udp_tunnel(void)
{
	bind_udp();
	sure(setsockopt(pair[0], IPPROTO_UDP, 100 /* UDP_ENCAP */, &(int){ 2 /* ESP */ },
			sizeof(int)));
	sure(setsockopt(pair[0], IPPROTO_UDP, 100 /* UDP_ENCAP */, &(int){ 3 /* L2TP */ },
			sizeof(int)));
}

static void make_udp_anycast(void)
{
	struct ipv6_mreq group = { .ipv6mr_interface = 1 };

	inet_pton(AF_INET6, "2001:db8::1", &group.ipv6mr_multiaddr);
	pair[0] = sure(socket(AF_INET6, SOCK_DGRAM, 0));
	/* Routers need not have such an address themselves. */
	write_file("/proc/sys/net/ipv6/conf/all/forwarding", 0, "1");
	need(setsockopt(pair[0], IPPROTO_IPV6, 27 /* IPV6_JOIN_ANYCAST */, &group, sizeof(group)));
	write_file("/proc/sys/net/ipv6/conf/all/forwarding", 0, "0");
}

/* When a packet was sent, which a program has asked for once. */
static void make_udp_sent(void)
{
	struct sockaddr_in address = bind_udp();
	int asks = 1 << 1 /* SOF_TIMESTAMPING_TX_SOFTWARE */ | 1 << 4 /* _SOFTWARE */;

	sure(setsockopt(pair[0], SOL_SOCKET, SO_TIMESTAMPING, &asks, sizeof(asks)));
	sure(sendto(pair[0], "x", 1, 0, (void *)&address, sizeof(address)));
	sure(poll(&(struct pollfd){ .fd = pair[0] }, 1, -1));
	sure(setsockopt(pair[0], SOL_SOCKET, SO_TIMESTAMPING, &(int){ 0 }, sizeof(int)));
}

static void make_udp_options(void)
{
	char route[] = { 7, 15, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 };
	struct sockaddr_in address = bind_udp();
	int sender = sure(socket(AF_INET, SOCK_DGRAM, 0));

	sure(setsockopt(sender, IPPROTO_IP, IP_OPTIONS, route, sizeof(route)));
	sure(sendto(sender, "x", 1, 0, (void *)&address, sizeof(address)));
	close(sender);
}

static void make_udp_headers(void)
{
	char pad[8] = { 0, 0, 1 /* PadN */, 4 };
	struct sockaddr_in6 address = { .sin6_family = AF_INET6, .sin6_addr = in6addr_loopback };
	int sender = sure(socket(AF_INET6, SOCK_DGRAM, 0));

	pair[0] = sure(socket(AF_INET6, SOCK_DGRAM, 0));
	sure(bind(pair[0], (void *)&address, sizeof(address)));
	sure(getsockname(pair[0], (void *)&address, &(socklen_t){ sizeof(address) }));
	sure(setsockopt(sender, IPPROTO_IPV6, IPV6_DSTOPTS, pad, sizeof(pad)));
	sure(sendto(sender, "x", 1, 0, (void *)&address, sizeof(address)));
	close(sender);
}

static void make_udp_filter(void)
{
	bind_udp();
	attach_ebpf();
}

static void make_udp_elsewhere(void)
{
	int here = sure(open("/proc/self/ns/net", O_RDONLY));

	sure(unshare(CLONE_NEWNET));
	pair[0] = sure(socket(AF_INET6, SOCK_DGRAM, 0));
	sure(setns(here, CLONE_NEWNET));
	close(here);
}

static void make_raw(void)
{
	pair[0] = sure(socket(AF_INET, SOCK_RAW, 253));
}

static void make_raw_disconnected(void)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};

	make_raw();
	sure(connect(pair[0], (void *)&address, sizeof(address)));
	address.sin_family = AF_UNSPEC;
	sure(connect(pair[0], (void *)&address, sizeof(address)));
}

static void make_raw_corked(void)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};

	make_raw();
	sure(sendto(pair[0], "a part", 6, MSG_MORE, (void *)&address, sizeof(address)));
}

static void make_raw_router(void)
{
	make_raw();
	sure(setsockopt(pair[0], IPPROTO_IP, IP_ROUTER_ALERT, &(int){ 1 }, sizeof(int)));
}

static void make_raw_options(void)
{
	char route[] = { 7, 15, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 };
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int sender = sure(socket(AF_INET, SOCK_RAW, 253));

	make_raw();
	sure(setsockopt(sender, IPPROTO_IP, IP_OPTIONS, route, sizeof(route)));
	sure(sendto(sender, "x", 1, 0, (void *)&address, sizeof(address)));
	close(sender);
}

static void make_packet(void)
{
	pair[0] = sure(socket(AF_PACKET, SOCK_RAW, 0));
}

static void make_packet_old(void)
{
	pair[0] = sure(socket(AF_PACKET, SOCK_PACKET, 0));
}

static void make_packet_ring(void)
{
	struct tpacket_req ring = {
		.tp_block_size = 4096,
		.tp_block_nr = 2,
		.tp_frame_size = 2048,
		.tp_frame_nr = 4,
	};

	make_packet();
	sure(setsockopt(pair[0], SOL_PACKET, PACKET_RX_RING, &ring, sizeof(ring)));
}

static void make_packet_fanout(void)
{
	struct sockaddr_ll at = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(0x88b5),
		.sll_ifindex = 1,
	};

	make_packet();
	sure(bind(pair[0], (void *)&at, sizeof(at)));
	sure(setsockopt(pair[0], SOL_PACKET, PACKET_FANOUT, &(int){ 77 }, sizeof(int)));
}

/* One of a virtual network. */
static void make_packet_frame(void)
{
	unsigned char frame[60] = { [12] = 0x81, [13] = 0x00, [15] = 5, [16] = 0x88, [17] = 0xb5 };
	struct sockaddr_ll at = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(0x0003 /* ETH_P_ALL */),
		.sll_ifindex = 1,
	};

	make_packet();
	sure(bind(pair[0], (void *)&at, sizeof(at)));
	sure(send(pair[0], frame, sizeof(frame), 0));
}

static void make_netlink_protocol(void)
{
	pair[0] = sure(socket(AF_NETLINK, SOCK_RAW, NETLINK_GENERIC));
}

/* More of a list comes when this is received. */
static void make_netlink_list(void)
{
	struct {
		struct nlmsghdr head;
		struct rtgenmsg all;
	} request = {
		.head = { NLMSG_LENGTH(sizeof(struct rtgenmsg)), RTM_GETLINK,
			  NLM_F_REQUEST | NLM_F_DUMP, 1, 0 },
	};

	pair[0] = sure(socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE));
	sure(send(pair[0], &request, request.head.nlmsg_len, 0));
}

static void make_netlink_labels(void)
{
	pair[0] = sure(socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE));
	sure(setsockopt(pair[0], SOL_SOCKET, SO_PASSSEC, &(int){ 1 }, sizeof(int)));
}

static void make_netlink_filter(void)
{
	pair[0] = sure(socket(AF_NETLINK, SOCK_RAW, NETLINK_KOBJECT_UEVENT));
	attach_ebpf();
}

static void make_netlink_large(void)
{
	struct sockaddr_nl at = { .nl_family = AF_NETLINK, .nl_pid = 70000 };

	pair[0] = sure(socket(AF_NETLINK, SOCK_RAW, NETLINK_USERSOCK));
	sure(bind(pair[0], (void *)&at, sizeof(at)));
	sure(sendto(pair[0], calloc(1, 70000), 70000, 0, (void *)&at, sizeof(at)));
}

static void make_netlink_elsewhere(void)
{
	int here = sure(open("/proc/self/ns/net", O_RDONLY));

	sure(unshare(CLONE_NEWNET));
	pair[0] = sure(socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE));
	sure(setns(here, CLONE_NEWNET));
	close(here);
}

/* A socket that nobody has opened again. */
static void make_in_child(void)
{
	pid_t pid = sure(fork());

	if (!pid) {
		make_packet_old();
		tell("child");
		await_go();
		_exit(0);
	}
	await("child");
}

static const struct case_ cases[] = {
	{ "filter", "a socket with an eBPF program", make_filter, NULL },
	{ "timestamping", "with an option that others have", make_timestamping, NULL },
	{ "elsewhere", "of another network namespace", make_elsewhere, NULL },
	{ "memory-in-flight", "a file in a message: a file of a process", make_memory_in_flight, NULL },
	{ "pidfd-in-flight", "a file in a message: a pidfd", make_pidfd_in_flight, NULL },
	{ "mqueue-in-flight", "a file in a message: a POSIX message queue", make_mqueue_in_flight, NULL },
	{ "tcp-urgent", "has urgent data .MSG_OOB. that is still on its way", make_tcp_urgent, NULL },
	{ "tcp-urgent-waiting", "has urgent data .MSG_OOB., .*accept it first", make_tcp_urgent_waiting, NULL },
	{ "tcp-connecting", "a TCP socket|a TCP connection", make_tcp_connecting, NULL },
	{ "tcp-fastopen", "with TCP Fast Open", make_tcp_fastopen, NULL },
	{ "tcp-filter", "a TCP socket with an eBPF program", make_tcp_filter, NULL },
	{ "tcp-filter-asked", "has a filter .* that is still to be asked", make_tcp_filter_asked, NULL },
	{ "tcp-filter-waiting", "not accepted yet: has a filter", make_tcp_filter_waiting, NULL },
	{ "tcp-reuseport-program", "that BPF", make_tcp_reuseport_program, NULL },
	{ "tcp-reuseport-waiting", "was chosen by a program .*accept it first", make_tcp_reuseport_waiting, NULL },
	{ "tcp-zerocopy", "SO_ZEROCOPY", make_tcp_zerocopy, NULL },
	{ "tcp-options", "with IP options", make_tcp_options, NULL },
	{ "tcp-elsewhere", "of another network namespace", make_tcp_elsewhere, NULL },
	{ "udp-corked", "a UDP socket with a datagram that is not complete", make_udp_corked, NULL },
	{ "udp-tunnel", "that unpacks tunnels in another way", make_udp_tunnel, NULL },
	{ "udp-anycast", "a UDP socket that is a member of an anycast group", make_udp_anycast, NULL },
	{ "udp-sent", "UDP socket 127.0.0.1:[0-9]+: what waits as an error", make_udp_sent, NULL },
	{ "udp-options", "UDP socket 127.0.0.1:[0-9]+: a datagram with IP options", make_udp_options,
	  NULL },
	{ "udp-headers", "a datagram with IP options, extension headers", make_udp_headers, NULL },
	{ "udp-filter", "a UDP socket with an eBPF program", make_udp_filter, NULL },
	{ "udp-elsewhere", "a UDP socket of another network namespace", make_udp_elsewhere, NULL },
	{ "raw-disconnected", "a raw socket that was disconnected", make_raw_disconnected, NULL },
	{ "raw-corked", "a raw socket with a datagram that is not complete", make_raw_corked, NULL },
	{ "raw-router", "a raw socket of a router", make_raw_router, NULL },
	{ "raw-options", "raw socket 0.0.0.0:253: a datagram with IP options", make_raw_options, NULL },
	{ "packet-old", "a packet socket of the type SOCK_PACKET", make_packet_old, NULL },
	{ "packet-ring", "a packet socket with a ring", make_packet_ring, NULL },
	{ "packet-fanout", "a packet socket of a fanout group", make_packet_fanout, NULL },
	{ "packet-frame", "a packet socket: a frame of several segments", make_packet_frame, NULL },
	{ "netlink-protocol", "a netlink socket of a protocol", make_netlink_protocol, NULL },
	{ "netlink-list", "a netlink socket that is being told a list", make_netlink_list, NULL },
	{ "netlink-labels", "a netlink socket that asks for labels", make_netlink_labels, NULL },
	{ "netlink-filter", "a netlink socket with an eBPF program", make_netlink_filter, NULL },
	{ "netlink-large", "netlink socket 70000: a message of more than 65536 bytes",
	  make_netlink_large, NULL },
	{ "netlink-elsewhere", "a netlink socket of another network namespace",
	  make_netlink_elsewhere, NULL },
	{ "of-child", "pid 2 .*a packet socket", make_in_child, NULL },
};

int main(int argc, char **argv)
{
	return run_cases(argc, argv, cases, ARRAY_SIZE(cases));
}
