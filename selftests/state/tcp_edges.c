// SPDX-License-Identifier: GPL-2.0
/*
 * What is told about TCP connections once (EPOLLET): that there is room again, of one
 * that is full; that what was on its way has come.
 */
#include "options.h"
#include <linux/filter.h>
#include <linux/sockios.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>

static int epoll_of(int fd, uint32_t events)
{
	struct epoll_event event = { .events = events | EPOLLET, .data.fd = fd };
	int epoll = sure(epoll_create1(0));

	sure(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event));
	return epoll;
}

static bool is_told(int epoll, uint32_t events, int timeout_ms)
{
	struct epoll_event event = {};

	return epoll_wait(epoll, &event, 1, timeout_ms) == 1 && event.events & events;
}

/*
 * First until the other end has no room, then until this one has none: there, each byte has a
 * packet of its own, which takes much more room than it.
 */
static void fill(int fd)
{
	static char bytes[65536];
	int left = 0;

	while (!left) {
		sure(send(fd, bytes, sizeof(bytes), MSG_DONTWAIT));
		sleep_ms(100);
		sure(ioctl(fd, SIOCOUTQ, &left));
	}
	while (send(fd, "x", 1, MSG_DONTWAIT | MSG_EOR) == 1)
		;
}

static size_t drain(int fd)
{
	static char bytes[65536];
	size_t done = 0;
	ssize_t n;

	while ((n = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT)) > 0)
		done += n;
	return done;
}

/* Nothing more comes from there until this is taken away. */
static void cut(int fd)
{
	struct sock_filter nothing = BPF_STMT(BPF_RET | BPF_K, 0);
	struct sock_fprog program = { 1, &nothing };

	sure(setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)));
}

static void make_pair(int *end, int listener)
{
	end[0] = connected(name_of(listener));
	end[1] = sure(accept(listener, NULL, NULL));
}

int main(int argc, char **argv)
{
	int listener, full[2], pair[2], room, news;

	payload_begin(argc, argv);
	listener = listening(AF_INET, 2);
	make_pair(full, listener);
	room = epoll_of(full[0], EPOLLOUT);
	expect(is_told(room, EPOLLOUT, 0), "room at first");
	fill(full[0]);
	make_pair(pair, listener);
	news = epoll_of(pair[1], EPOLLIN);
	cut(pair[1]);
	sure(send(pair[0], "on its way", 10, 0));
	/* It is tried again after 0.2, 0.4, 0.8 and 1.6 s. */
	sleep_ms(3500);
	expect(!is_told(room, EPOLLOUT, 0), "full");
	expect(!is_told(news, EPOLLIN, 0), "nothing has come");
	set_option(pair[1], SOL_SOCKET, SO_DETACH_FILTER, 0);

	if (pause_here())
		sure(close(full[1]));
	expect(is_told(news, EPOLLIN, 10000), "what was on its way has come");
	expect(!is_told(news, EPOLLIN, 0), "and once");
	expect_eq(drain(pair[1]), 10, "all of it");
	expect(drain(full[1]) > 0, "what it was full of");
	expect(is_told(room, EPOLLOUT, 5000), "there is room again");
	return payload_end();
}
