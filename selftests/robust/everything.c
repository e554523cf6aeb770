// SPDX-License-Identifier: GPL-2.0
/*
 * A little of everything, so that an image has records of all kinds: for tests
 * that damage it. It does not look whether its state is intact.
 */
#include "options.h"
#include <linux/aio_abi.h>
#include <linux/netlink.h>
#include <pthread.h>
#include <sys/file.h>
#include <sys/time.h>

static int pipes[2];

static void *sleeper(void *unused)
{
	pause();
	return unused;
}

static int blocked(void *memory)
{
	char c;

	sure(setsid());
	((char *)memory)[0] = 2;
	close(pipes[1]);
	tell("blocked");
	while (read(pipes[0], &c, 1) > 0)
		;
	return 0;
}

static int exits(void *unused)
{
	(void)unused;
	return 3;
}

/* A pair, a TCP connection with the socket that has accepted it, and two that wait. */
static void make_sockets(void)
{
	int pair[2], listener = listening(AF_INET, 5), client = connected(name_of(listener));

	sure(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair));
	sure(write(pair[0], "text", 4));
	sure(accept(listener, NULL, NULL));
	sure(write(client, "text", 4));
	sure(write(connected(name_of(listener)), "text", 4));
	client = connected(name_of(listener));
	sure(write(client, "text", 4));
	sure(close(client));
}

/* Of UDP, one connected, and of netlink: with messages, and in groups. */
static void make_others(void)
{
	struct ip_mreqn mreq = { .imr_multiaddr.s_addr = htonl(0xefff0102), .imr_ifindex = 1 };
	struct sockaddr_nl name = { .nl_family = AF_NETLINK, .nl_pid = 70000, .nl_groups = 4 };
	int udp = bound(loopback(AF_INET6, 0), SOCK_DGRAM);
	int client = sure(socket(AF_INET6, SOCK_DGRAM, 0));
	int netlink = sure(socket(AF_NETLINK, SOCK_RAW, NETLINK_USERSOCK));
	union address at = name_of(udp);

	sure(setsockopt(udp, IPPROTO_IP, IP_ADD_MEMBERSHIP, &mreq, sizeof(mreq)));
	sure(connect(client, &at.any, sizeof(at)));
	sure(send(client, "text", 4, 0));
	sure(send(client, "more text", 9, 0));
	sure(bind(netlink, (void *)&name, sizeof(name)));
	name.nl_groups = 0;
	sure(sendto(netlink, "text", 4, 0, (void *)&name, sizeof(name)));
	sure(sendto(netlink, "more text", 9, 0, (void *)&name, sizeof(name)));
}

/* With the end of a request. */
static void make_aio(int fd)
{
	struct iocb request = { .aio_fildes = fd, .aio_lio_opcode = IOCB_CMD_FSYNC };
	struct iocb *list = &request;
	aio_context_t context = 0;

	sure(syscall(SYS_io_setup, 4, &context));
	sure(syscall(SYS_io_submit, context, 1, &list));
}

int main(int argc, char **argv)
{
	struct itimerval timer = { { 1000, 0 }, { 1000, 0 } };
	struct flock lock = { .l_type = F_WRLCK, .l_len = 10 };
	stack_t stack = { .ss_size = 8 * PAGE };
	timer_t periodic, cpu;
	pthread_t thread;
	sigset_t set;
	pid_t zombie;
	char *memory, *mapping;
	int fd;

	payload_begin(argc, argv);
	make_sockets();
	make_others();
	memory = map_anon(4 * PAGE, MAP_SHARED);
	memory[PAGE] = 1;
	fd = sure(open(file_at("file"), O_RDWR | O_CREAT, 0600));
	sure(ftruncate(fd, 2 * PAGE));
	mapping = sure(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0));
	mapping[5] = 1;
	sure(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, PAGE));
	sure(flock(fd, LOCK_EX));
	sure(fcntl(fd, F_SETLK, &lock));
	sure(open(payload_dir, O_RDONLY | O_DIRECTORY));
	sure(open("/dev/zero", O_RDONLY));
	sure(pipe(pipes));
	make_aio(fd);
	child(blocked, memory);
	await("blocked");
	zombie = child(exits, NULL);
	while (task_state(zombie) != 'Z')
		sleep_ms(5);
	sigfillset(&set);
	sigprocmask(SIG_BLOCK, &set, NULL);
	for (int i = 0; i < 3; i++)
		sure(sigqueue(1, SIGRTMIN + 1, (union sigval){ .sival_int = i }));
	stack.ss_sp = map_anon(8 * PAGE, MAP_PRIVATE);
	sure(sigaltstack(&stack, NULL));
	sure(setitimer(ITIMER_REAL, &timer, NULL));
	sure(timer_create(CLOCK_MONOTONIC, NULL, &periodic));
	sure(timer_settime(periodic, 0, &(struct itimerspec){ { 0, MS }, { 0, MS } }, NULL));
	sure(timer_create(CLOCK_PROCESS_CPUTIME_ID, NULL, &cpu));
	sure(timer_settime(cpu, 0, &(struct itimerspec){ { 1000, 0 }, { 1000, 0 } }, NULL));
	pthread_create(&thread, NULL, sleeper, NULL);
	pause_here();
	return payload_end();
}
