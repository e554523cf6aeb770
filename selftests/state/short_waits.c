// SPDX-License-Identifier: GPL-2.0
/*
 * Waits that are over while the container is held: there is so much memory that
 * this happens when it is saved. Nobody has been woken from outside then, and each
 * wait lasts as long as it was to.
 */
#include "payload.h"
#include <sys/epoll.h>
#include <sys/socket.h>

#define MEMORY	(96UL << 20)
#define WAIT_MS	15

static int epoll, quiet[2];

static long wait_in(int which)
{
	struct timespec ts = { .tv_nsec = WAIT_MS * MS };
	struct epoll_event event;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	switch (which) {
	case 0:
		return epoll_wait(epoll, &event, 1, WAIT_MS);
	case 1:
		return epoll_pwait(epoll, &event, 1, WAIT_MS, &set);
	case 2:
		return syscall(SYS_epoll_pwait2, epoll, &event, 1, &ts, &set, 8);
	case 4:
		return recv(quiet[0], &event, 1, 0);
	default:
		sigemptyset(&set);
		sigaddset(&set, SIGUSR2);
		return sigtimedwait(&set, NULL, &ts);
	}
}

static int waits(void *arg)
{
	int which = (long)arg;
	long rounds = 0;

	do {
		long long begin = now_ns(CLOCK_MONOTONIC), took;
		long got = wait_in(which);

		took = now_ns(CLOCK_MONOTONIC) - begin;
		rounds++;
		if (which > 2 && (got != -1 || errno != EAGAIN))
			expect(false, "%d: %ld, %s", which, got, strerror(errno));
		if (which < 3 && got)
			expect(false, "%d: epoll_wait: %ld, %s", which, got, strerror(errno));
		/* Ticks may come late, and then several at a time. */
		if (which != 4 && took < WAIT_MS * MS)
			expect(false, "%d: has waited %lld us", which, took / 1000);
	} while (access(file_at("go"), F_OK));
	expect(rounds > 1, "%d: it has waited again and again", which);
	return 0;
}

int main(int argc, char **argv)
{
	struct timeval timeout = { 0, WAIT_MS * 1000 };
	pid_t pid[5];
	sigset_t set;
	char *memory;
	long sum = 0;

	payload_begin(argc, argv);
	/* What is blocked must look the same at any moment. */
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sure(sigprocmask(SIG_BLOCK, &set, NULL));
	epoll = sure(epoll_create1(0));
	sure(socketpair(AF_UNIX, SOCK_STREAM, 0, quiet));
	sure(setsockopt(quiet[0], SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)));
	memory = map_anon(MEMORY, MAP_PRIVATE);
	for (size_t i = 0; i < MEMORY; i += PAGE)
		memory[i] = 1;
	for (long i = 0; i < 5; i++)
		pid[i] = child(waits, (void *)i);
	if (pause_here())
		memory[0] = 2;
	for (int i = 0; i < 5; i++)
		reap(pid[i]);
	for (size_t i = 0; i < MEMORY; i += PAGE)
		sum += memory[i];
	expect_eq(sum, MEMORY / PAGE, "memory");
	return payload_end();
}
